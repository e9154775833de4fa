//! What the tests of the registry of books bring to it, and what the native verifier says about each change.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::hex;
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use surety_books::{
    book::{Book, BookTerms, Page, verify},
    root::Tree,
};
use surety_chain::books::{publish_data, register_data};
use surety_core::{
    ident::{Bytes32, EvmAddress, HexBytes},
    units::Timestamp,
};
use surety_kzg::HoldingCommitment;
use surety_margin::market::Snapshot;
use surety_verifier::{
    Statement, VerifyingKey,
    attestation::{
        eip712::Audience,
        identifiers::AccountId,
        report::{check_snapshot, snapshot_id},
    },
};

use crate::{
    scene::{NOW, Scene, account, key, venue},
    whole::{holders, pages},
};

/// The chain's identifier in Forge and on anvil.
const CHAIN: u64 = 31_337;
/// The first contract that the last of anvil's accounts creates.
const REGISTRY: EvmAddress = HexBytes(hex!("700b6a60ce7eaaea56f065753d8dcb9653dbad35"));
/// More than any account of the tests needs.
const ENOUGH: [i128; 3] = [2_000_000, 20_000, 20_000];
/// Where books are said to be.
const URI: &str = "https://venue.example/books/1";
/// The moment at which books are published, after their own.
const LATER: u64 = 10;

/// The file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fixture {
    chain_id: u64,
    registry: EvmAddress,
    terms: Terms,
    rules: Bytes32,
    /// The call that registers the rules.
    register: String,
    first: Published,
    /// An epoch later.
    next: Published,
    /// Changes of the first book, published at its time, and what the native verifier says.
    verdicts: Vec<Changed>,
}

/// What a policy registry says of the policy.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Terms {
    policy: Bytes32,
    universe: Bytes32,
    srs: Bytes32,
    verifying_key: Bytes32,
    k: u32,
    validity: u64,
    max_statement_skew: u64,
    max_statement_age: u64,
    max_market_age: u64,
    source: EvmAddress,
    account: Bytes32,
    nodes: Vec<EvmAddress>,
}

/// A book, and what is needed to publish it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Published {
    venue: EvmAddress,
    /// The moment of publication.
    time: u64,
    snapshot: Bytes32,
    epoch: u64,
    snapshot_time: u64,
    root: Bytes32,
    /// The call that publishes the book.
    publish: String,
    pages: Vec<PublishedPage>,
    /// For the native verifier alone.
    book: String,
    all_pages: String,
    market: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct PublishedPage {
    kind: u32,
    commitment: HexBytes<64>,
    path: Vec<Bytes32>,
}

/// A changed book.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Changed {
    change: String,
    venue: EvmAddress,
    time: u64,
    publish: String,
    /// The rule that the native verifier finds broken; empty if it accepts.
    rule: String,
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/fixtures/book-k10.json")
}

fn scene() -> Scene {
    Scene { audience: Audience { chain_id: CHAIN, registry: REGISTRY }, ..Scene::new() }
}

fn terms(scene: &Scene) -> Terms {
    let (policy, key) = (&scene.rules.policy, &scene.rules.committed_reserves.key);
    // The contracts have one verifier for a class and set-up, the one that verifies attestations.
    let pinned = VerifyingKey::pinned(key.protocol().capacity, scene.srs.id()).unwrap();
    assert_eq!(key.digest(), pinned.digest());
    let document = policy.policy();
    let mut nodes: Vec<_> = document.oracle.nodes.iter().map(|node| node.signer).collect();
    nodes.sort_unstable();
    Terms {
        policy: policy.id().0,
        universe: policy.universe_id().0,
        srs: policy.universe().srs,
        verifying_key: key.digest().bytes(),
        k: policy.universe().capacity.k(),
        validity: document.validity.0,
        max_statement_skew: document.statements.max_skew.0,
        max_statement_age: document.statements.max_age.0,
        max_market_age: document.oracle.max_age.0,
        source: document.sources[0].signer,
        account: AccountId::of(&document.sources[0].accounts[0]).0,
        nodes,
    }
}

fn published(scene: &Scene, book: &Book, pages: &[Page]) -> Published {
    let tree: Tree = Page::tree(pages).unwrap();
    let page = |(index, page): (usize, &Page)| PublishedPage {
        kind: page.kind,
        commitment: page.commitment,
        path: tree.path(index),
    };
    let bytes: Vec<u8> = pages.iter().flat_map(Page::to_bytes).collect();
    Published {
        venue: book.venue,
        time: scene.now + LATER,
        snapshot: snapshot_id(&scene.rules.policy, &scene.snapshot).0,
        epoch: scene.snapshot.epoch,
        snapshot_time: check_snapshot(&scene.rules.policy, &scene.snapshot).unwrap().oldest.0,
        root: book.root,
        publish: call(book, pages, scene.snapshot.epoch),
        pages: pages.iter().enumerate().map(page).collect(),
        book: serde_json::to_string(book).unwrap(),
        all_pages: hex::encode_prefixed(bytes),
        market: serde_json::to_string(&scene.snapshot).unwrap(),
    }
}

fn call(book: &Book, pages: &[Page], epoch: u64) -> String {
    hex::encode_prefixed(publish_data(book, pages, epoch, URI).unwrap())
}

impl Published {
    fn read(&self) -> (Book, Vec<Page>, Snapshot) {
        let pages = Page::all_from_bytes(&hex::decode(&self.all_pages).unwrap()).unwrap();
        (serde_json::from_str(&self.book).unwrap(), pages, serde_json::from_str(&self.market).unwrap())
    }
}

/// What the native verifier says about a book at a time: the rule that is broken, or nothing.
fn rule(scene: &Scene, (book, pages, snapshot): (&Book, &[Page], &Snapshot), now: u64) -> String {
    let terms = BookTerms { allow_insecure_srs: true, root: None, now: Timestamp(now) };
    match verify(book, pages, &scene.rules, snapshot, &terms, &mut OsRng) {
        Ok(_) => String::new(),
        Err(rejection) => format!("{:?}", rejection.rule),
    }
}

/// Changes of a book, each with the time at which it is published. Roots follow the change, as in the contract.
fn changes(scene: &Scene, book: &Book, pages: &[Page], other: &Book) -> Vec<(&'static str, Book, Vec<Page>, u64)> {
    let time = scene.now + LATER;
    let relisted = |book: Book, pages: &[Page]| {
        let points: Vec<_> =
            pages.iter().map(|page| HoldingCommitment::from_bytes(&page.commitment.0).unwrap()).collect();
        book.over(pages, &HoldingCommitment::sum(&points).unwrap()).unwrap()
    };
    let mut all = Vec::new();
    let mut add = |name, time: u64, change: &dyn Fn(&mut Book)| {
        let mut book = book.clone();
        change(&mut book);
        all.push((name, relisted(book, pages), pages.to_vec(), time));
    };
    let stated = |book: &mut Book, change: &dyn Fn(&mut Statement)| {
        change(&mut book.statements[0]);
        book.statements[0] = book.statements[0].clone().signed(&key(1)).unwrap();
    };
    add("nothing", time, &|_| {});
    add("as of a second before", time, &|book| book.as_of.0 -= 1);
    add("as of the skew before", time, &|book| book.as_of.0 -= 600);
    add("as of a second more than the skew before", time, &|book| book.as_of.0 -= 601);
    add("valid for a second less", time, &|book| book.valid_until.0 -= 1);
    add("valid for longer than its statements", time, &|book| book.valid_until.0 += 3_601);
    add("published before its time", scene.now - 1, &|_| {});
    add("published in its last second", book.valid_until.0, &|_| {});
    add("published a second after", book.valid_until.0 + 1, &|_| {});
    add("another venue", time, &|book| book.venue = HexBytes([0x78; 20]));
    add("a custodian as the venue", time, &|book| book.venue = key(1).address());
    add("an oracle node as the venue", time, &|book| book.venue = key(10).address());
    add("no statement", time, &|book| book.statements.clear());
    add("a statement twice", time, &|book| book.statements.push(book.statements[0].clone()));
    add("another sequence number", time, &|book| book.statements[0].sequence += 1);
    add("a statement of the next book", time, &|book| book.statements = other.statements.clone());
    add("a statement that is signed by another", time, &|book| {
        book.statements[0].signature = key(2).sign(&book.statements[0].hash()).unwrap();
    });
    add("a statement about another venue", time, &|book| {
        stated(book, &|statement| statement.subject = HexBytes([0x78; 20]));
    });
    add("a statement for another registry", time, &|book| {
        stated(book, &|statement| statement.audience.registry = HexBytes([0x79; 20]));
    });
    add("a statement for another chain", time, &|book| stated(book, &|statement| statement.audience.chain_id = 1));
    add("a statement pledged elsewhere", time, &|book| {
        stated(book, &|statement| statement.encumbrance = HexBytes([1; 32]));
    });
    add("a statement from the skew before", time, &|book| stated(book, &|statement| statement.as_of.0 -= 600));
    add("a statement from a second before that", time, &|book| stated(book, &|statement| statement.as_of.0 -= 601));
    add("a statement that says no point", time, &|book| {
        stated(book, &|statement| statement.commitment = HexBytes([1; 64]));
    });
    add("a statement that says the identity", time, &|book| {
        stated(book, &|statement| statement.commitment = HexBytes([0; 64]));
    });
    add("a statement that says the pages", time, &|book| {
        let sum = book.sum;
        stated(book, &|statement| statement.commitment = sum);
    });
    add("another statement that is true", time, &|book| stated(book, &|statement| statement.sequence += 1));
    add("the reserves of the next book", time, &|book| book.reserves = other.reserves);
    add("a proof of a page for that of the reserves", time, &|book| book.reserves = pages[0].proof);
    add("bytes for a proof", time, &|book| book.reserves = HexBytes([0xff; 1_856]));
    for (name, kept) in [("the first page left out", &pages[1..]), ("the last page left out", &pages[..2])] {
        all.push((name, relisted(book.clone(), kept), kept.to_vec(), time));
    }
    let swapped = [pages[2].clone(), pages[1].clone(), pages[0].clone()];
    all.push(("pages in another order", relisted(book.clone(), &swapped), swapped.to_vec(), time));
    let mut of_kind = pages.to_vec();
    of_kind[0].kind = 1;
    all.push(("a page of another kind", relisted(book.clone(), &of_kind), of_kind, time));
    all
}

fn verdicts(scene: &Scene, first: &Published, next: &Published) -> Vec<Changed> {
    let (book, pages, snapshot) = first.read();
    let changed =
        changes(scene, &book, &pages, &next.read().0).into_iter().map(|(change, book, pages, time)| Changed {
            change: change.to_owned(),
            venue: book.venue,
            time,
            publish: call(&book, &pages, snapshot.epoch),
            rule: rule(scene, (&book, &pages, &snapshot), time),
        });
    changed.collect()
}

#[test]
#[ignore = "writes contracts/test/fixtures/book-k10.json; run it when proofs, statements or roots have changed on \
     purpose"]
fn write_the_book() {
    let scene = scene();
    let (book, pages) = scene.book(&pages(&scene), &ENOUGH).unwrap();
    let first = published(&scene, &book, &pages);
    let scene = scene.at(NOW + 3_600);
    let filled = scene.fill(0, [holders(), vec![account("gil", [7, 0, 0])]].concat());
    let proven = vec![(scene.prove(0, &filled, 0).unwrap(), filled)];
    let (book, pages) = scene.book(&proven, &ENOUGH).unwrap();
    let next = published(&scene, &book, &pages);
    let scene = scene.at(NOW);
    let fixture = Fixture {
        chain_id: CHAIN,
        registry: REGISTRY,
        terms: terms(&scene),
        rules: scene.rules.summary().id().0,
        register: hex::encode_prefixed(register_data(&scene.rules).unwrap()),
        verdicts: verdicts(&scene, &first, &next),
        first,
        next,
    };
    fs::write(path(), serde_json::to_string_pretty(&fixture).unwrap() + "\n").unwrap();
}

/// The tests of the contracts take the same calls, and demand the same verdicts.
#[test]
fn books_of_the_contracts_tests_are_what_the_library_makes() {
    let stored: Fixture = serde_json::from_str(&fs::read_to_string(path()).unwrap()).unwrap();
    let scene = scene();
    let advice = "run the ignored test `write_the_book`";
    assert_eq!((stored.chain_id, stored.registry), (CHAIN, REGISTRY), "{advice}");
    assert_eq!((&stored.terms, stored.rules), (&terms(&scene), scene.rules.summary().id().0), "{advice}");
    assert_eq!(stored.register, hex::encode_prefixed(register_data(&scene.rules).unwrap()), "{advice}");
    assert_eq!(stored.verdicts, verdicts(&scene, &stored.first, &stored.next), "{advice}");
    compare(&scene, &stored.first);
    compare(&scene.at(NOW + 3_600), &stored.next);
    assert_eq!(stored.first.venue, venue());
}

fn compare(scene: &Scene, stored: &Published) {
    let (book, pages, snapshot) = stored.read();
    assert_eq!(rule(scene, (&book, &pages, &snapshot), stored.time), "");
    assert_eq!(*stored, published(scene, &book, &pages));
}
