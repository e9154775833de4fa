//! Books on a chain: registering their rules, publishing them, and reading the roots that everybody sees.

use alloy_primitives::Bytes;
use alloy_sol_types::SolCall as _;
use group::prime::PrimeCurveAffine as _;
use serde::Serialize;
use surety_books::{
    book::{Book, KnownBook, Page},
    compiled::{CompiledRules, KindSummary},
};
use surety_core::{
    canonical,
    failure::Class,
    ident::{Bytes32, EvmAddress, HexBytes},
    units::Timestamp,
};
use surety_kzg::point;
use surety_verifier::attestation::{eip712::Audience, signer::Signer};

use crate::{
    abi::{
        IBookRegistry::{
            self, BookPublished, BookRules, PageKind, bookOfCall, countsCall, latestOfCall, programOfCall, publishCall,
            registerCall,
        },
        address, bytes32, coordinates, word,
    },
    attest,
    deployment::Contracts,
    error::{Action, ChainError},
    node::{Node, Receipt},
};

const REGISTER: Action = Action::new("BookRegistry.register");
const PUBLISH: Action = Action { name: "BookRegistry.publish", refusal: Class::Invalid };
const RULES: Action = Action::new("BookRegistry.programOf");

/// A book that has been published.
#[derive(Clone, Debug)]
pub struct PublishedBook {
    /// The root, as the registry has computed it.
    pub root: Bytes32,
    /// The transaction that has registered the rules, if they were unknown.
    pub registered: Option<Receipt>,
    /// The transaction that has published the book.
    pub receipt: Receipt,
}

/// The data of the call that registers rules. Anybody may send it.
///
/// # Errors
/// If the rules have no canonical encoding.
pub fn register_data(rules: &CompiledRules) -> Result<Vec<u8>, ChainError> {
    Ok(registerCall { rules: encode_rules(rules)? }.abi_encode())
}

/// The data of the call that publishes a book over the prices of an epoch. The venue alone may send it.
///
/// # Errors
/// If the book has no pages.
pub fn publish_data(book: &Book, pages: &[Page], epoch: u64, uri: &str) -> Result<Vec<u8>, ChainError> {
    Ok(publishCall { book: encode(book, pages, epoch, uri)? }.abi_encode())
}

fn encode_rules(rules: &CompiledRules) -> Result<BookRules, ChainError> {
    let document = canonical::encode(&rules.rules).map_err(|error| ChainError::Internal(error.to_string()))?;
    let summary = rules.summary();
    let program = &rules.committed_reserves.commitments;
    let kind = |kind: &KindSummary| PageKind {
        name: kind.name.to_string(),
        debts: kind.debts,
        accounts: kind.accounts,
        program: word(&kind.program),
        instruments: kind.instruments.clone(),
    };
    let [idx, flag, coef] = [program.idx, program.flag, program.base].map(|commitment| {
        // The ABI has zeros for the identity, which a registry refuses.
        let bytes = if bool::from(commitment.is_identity()) { [0; 64] } else { point::g1_to_bytes(&commitment) };
        coordinates(&HexBytes(bytes))
    });
    Ok(BookRules {
        document: Bytes::from(document),
        policy: word(&summary.policy.0),
        idx,
        flag,
        coef,
        kinds: summary.kinds.iter().map(kind).collect(),
    })
}

fn encode(book: &Book, pages: &[Page], epoch: u64, uri: &str) -> Result<IBookRegistry::Book, ChainError> {
    let tree = Page::tree(pages).ok_or_else(|| ChainError::input("pages", "at least one", "none"))?;
    let statement = |statement| {
        let stated = attest::encode_statement(statement);
        IBookRegistry::Statement {
            commitmentX: stated.commitmentX,
            commitmentY: stated.commitmentY,
            asOf: stated.asOf,
            validUntil: stated.validUntil,
            sequence: stated.sequence,
            encumbrance: stated.encumbrance,
            signature: stated.signature,
        }
    };
    Ok(IBookRegistry::Book {
        rules: word(&book.rules.id().0),
        epoch,
        asOf: book.as_of.0,
        validUntil: book.valid_until.0,
        pages: book.pages,
        top: word(&HexBytes(tree.top())),
        sum: coordinates(&book.sum),
        statements: book.statements.iter().map(statement).collect(),
        reserves: Bytes::from(book.reserves.0.to_vec()),
        uri: uri.to_owned(),
    })
}

impl Contracts {
    /// Publishes a book of the key's address over the prices of an epoch, and registers the book's rules before if the
    /// registry does not know them. Before anything is sent, the registry must have computed the identifier of the
    /// rules and, where it knows them, the root.
    ///
    /// # Errors
    /// If the book is meant for another registry or is another venue's, the deployment has no registry of books, or the
    /// registry refuses.
    pub fn publish_book(
        &self,
        (book, pages): (&Book, &[Page]),
        rules: &CompiledRules,
        (epoch, uri): (u64, &str),
        signer: &dyn Signer,
    ) -> Result<PublishedBook, ChainError> {
        let registry = self.book_registry()?;
        check_place(&book.audience, &Audience { chain_id: self.at.chain_id, registry })?;
        if book.venue != signer.address() {
            let advice = "send it with the venue's own key: nobody else can publish its books";
            return Err(ChainError::mismatch("key", format!("that of {}", book.venue), signer.address(), advice));
        }
        let known = self.node.simulate(None, &registry, &programOfCall { rules: word(&book.rules.id().0) }, RULES);
        let registered = match known {
            Err(ChainError::Refused { .. }) => {
                let call = registerCall { rules: encode_rules(rules)? };
                let id = self.node.simulate(Some(&signer.address()), &registry, &call, REGISTER)?;
                computed("book: rules", book.rules.id().0, bytes32(id))?;
                Some(self.node.call(signer, &registry, &call, REGISTER)?)
            }
            known => known.map(|_| None)?,
        };
        let call = publishCall { book: encode(book, pages, epoch, uri)? };
        let root = bytes32(self.node.simulate(Some(&signer.address()), &registry, &call, PUBLISH)?);
        computed("book: root", book.root, root)?;
        let receipt = self.node.call(signer, &registry, &call, PUBLISH)?;
        Ok(PublishedBook { root, registered, receipt })
    }

    fn book_registry(&self) -> Result<EvmAddress, ChainError> {
        self.at.books.ok_or_else(|| {
            let advice = "deploy the contracts of this version with surety chain deploy";
            ChainError::mismatch("deployment: books", "the address of a registry of books", "none", advice)
        })
    }
}

/// What a registry of books says of a book: of its root if it knows that one, and else of the venue's newest.
///
/// # Errors
/// If the book is meant for another registry, the node does not answer, what answers is no registry of books, or it
/// knows no book of the venue.
pub fn known(node: &Node, registry: EvmAddress, book: &Book) -> Result<KnownBook, ChainError> {
    check_place(&book.audience, &Audience { chain_id: node.chain_id(), registry })?;
    if let Some(known) = of_root(node, registry, book.root)? {
        return Ok(known);
    }
    let latest = node.view(&registry, &latestOfCall { venue: address(&book.venue) })?;
    of_root(node, registry, bytes32(latest))?.ok_or_else(|| {
        let advice = "have the venue publish the book with surety book publish, or give the registry that it uses";
        let expected = format!("one that {registry} knows, or another of the venue");
        ChainError::mismatch("book: root", expected, "no book of the venue", advice)
    })
}

/// A book that a registry of books has told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToldBook {
    /// The venue.
    pub venue: EvmAddress,
    /// The root.
    pub root: Bytes32,
    /// The identifier of the rules.
    pub rules: Bytes32,
    /// The moment of the balances.
    pub as_of: Timestamp,
    /// Where the venue says that the book is.
    pub uri: String,
}

/// All books of venues that a registry of books has taken from a block on, in the chain's order. A node that keeps one
/// back is not noticed, unless that is the newest: see [`newest`].
///
/// # Errors
/// If the node does not answer, answers with other events, or has no such block.
pub fn told(node: &Node, registry: EvmAddress, venues: &[EvmAddress], from: u64) -> Result<Vec<ToldBook>, ChainError> {
    let told = |BookPublished { venue, root, rules, asOf, uri, .. }| ToldBook {
        venue: HexBytes(venue.into_array()),
        root: bytes32(root),
        rules: bytes32(rules),
        as_of: Timestamp(asOf),
        uri,
    };
    let venues: Vec<_> = venues.iter().map(|venue| address(venue).into_word()).collect();
    let blocks = from..=node.newest_block()?;
    Ok(node.events(&registry, &venues, blocks)?.into_iter().map(told).collect())
}

/// The root of a venue's newest book in a registry, if the registry has any.
///
/// # Errors
/// If the node does not answer, or what answers is no registry of books.
pub fn newest(node: &Node, registry: EvmAddress, venue: EvmAddress) -> Result<Option<Bytes32>, ChainError> {
    let root = bytes32(node.view(&registry, &latestOfCall { venue: address(&venue) })?);
    Ok(Some(root).filter(|root| *root != Bytes32::ZERO))
}

fn of_root(node: &Node, registry: EvmAddress, root: Bytes32) -> Result<Option<KnownBook>, ChainError> {
    let kept = node.view(&registry, &bookOfCall { root: word(&root) })?;
    if kept.venue.is_zero() {
        return Ok(None);
    }
    Ok(Some(KnownBook {
        root,
        venue: HexBytes(kept.venue.into_array()),
        rules: bytes32(kept.rules),
        epoch: kept.epoch,
        as_of: Timestamp(kept.asOf.to()),
        valid_until: Timestamp(kept.validUntil.to()),
        pages: kept.pages,
        counts: node.view(&registry, &countsCall { root: word(&root) })?,
    }))
}

/// Demands that a registry has computed what is in the book.
fn computed(input: &str, expected: Bytes32, found: Bytes32) -> Result<(), ChainError> {
    if found == expected {
        return Ok(());
    }
    let found = format!("{found}, computed by the registry");
    let advice = "the registry, the book, or the files beside the book are others: build the book anew";
    Err(ChainError::mismatch(input, expected.to_string(), found, advice))
}

/// Demands that a book is meant for a registry: it enters the root, and statements name it.
fn check_place(found: &Audience, expected: &Audience) -> Result<(), ChainError> {
    if found == expected {
        return Ok(());
    }
    let place = |at: &Audience| format!("{} on chain {}", at.registry, at.chain_id);
    let advice = "have the custodians state for the registry of books, and build the book anew";
    Err(ChainError::mismatch("book: registry", place(expected), place(found), advice))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, aliases::U40};
    use alloy_sol_types::SolEvent as _;
    use surety_core::text::Document as _;

    use super::*;
    use crate::{abi::IBookRegistry::BookRecord, sample};

    const REGISTRY: EvmAddress = HexBytes([0x16; 20]);
    const VENUE: EvmAddress = HexBytes([0x77; 20]);

    /// A book of the tests of the contracts, for a registry on the chain of a node that tests make up.
    fn book() -> Book {
        let fixture = include_str!("../../contracts/test/fixtures/book-k10.json");
        let fixture: serde_json::Value = serde_json::from_str(fixture).unwrap();
        let mut book = Book::from_json("book.json", fixture["first"]["book"].as_str().unwrap()).unwrap();
        book.audience = Audience { chain_id: 1, registry: REGISTRY };
        book
    }

    /// A registry that knows these roots, of which the last is the venue's newest.
    fn node(roots: &'static [u8]) -> Node {
        let root = |byte: &u8| B256::repeat_byte(*byte);
        sample::contracts(move |data| {
            if let Ok(call) = bookOfCall::abi_decode(data) {
                let known = roots.iter().any(|byte| root(byte) == call.root);
                let venue = if known { Address::repeat_byte(0x77) } else { Address::ZERO };
                let record = BookRecord {
                    venue,
                    asOf: U40::from(5),
                    validUntil: U40::from(9),
                    epoch: 3,
                    pages: 2,
                    rules: B256::repeat_byte(8),
                    top: B256::ZERO,
                };
                return Ok(bookOfCall::abi_encode_returns(&record));
            }
            if let Ok(call) = countsCall::abi_decode(data) {
                return Ok(countsCall::abi_encode_returns(&(roots.last().map(root) == Some(call.root))));
            }
            latestOfCall::abi_decode(data).map_err(|_| Vec::new())?;
            Ok(latestOfCall::abi_encode_returns(&roots.last().map(root).unwrap_or_default()))
        })
    }

    #[test]
    fn a_book_is_known_by_its_root_or_the_venue_by_its_newest() {
        let book = Book { root: HexBytes([4; 32]), ..book() };
        let known = |roots| known(&node(roots), REGISTRY, &book);
        let found = |known: Result<KnownBook, _>| known.map(|known| (known.root.0[0], known.counts)).unwrap();
        let error = known(&[]).unwrap_err();
        assert!(matches!(&error, ChainError::Mismatch(problem) if problem.path == "book: root"), "{error}");
        assert_eq!(found(known(&[4])), (4, true));
        assert_eq!(found(known(&[4, 5])), (4, false));
        assert_eq!(found(known(&[5])), (5, true));
        let whole = known(&[4]).unwrap();
        assert_eq!((whole.venue, whole.epoch, whole.pages), (HexBytes([0x77; 20]), 3, 2));
        assert_eq!((whole.as_of, whole.valid_until, whole.rules), (Timestamp(5), Timestamp(9), HexBytes([8; 32])));
    }

    /// Attack: a book whose root is known to another registry, or to that of another chain.
    #[test]
    fn rejects_books_for_another_registry_or_chain() {
        for (chain_id, registry) in [(2, REGISTRY), (1, HexBytes([0x17; 20]))] {
            let book = Book { audience: Audience { chain_id, registry }, ..book() };
            let error = known(&node(&[4]), REGISTRY, &book).unwrap_err();
            assert!(matches!(&error, ChainError::Mismatch(problem) if problem.path == "book: registry"), "{error}");
        }
    }

    /// Attack: a registry that computes roots of its own.
    #[test]
    fn rejects_roots_that_a_registry_computes_otherwise() {
        let (root, other) = (HexBytes([4; 32]), HexBytes([5; 32]));
        computed("book: root", root, root).unwrap();
        assert!(matches!(computed("book: root", root, other), Err(ChainError::Mismatch(_))));
    }

    /// The event of a book whose root has this byte.
    fn event(byte: u8) -> serde_json::Value {
        let event = BookPublished {
            venue: Address::repeat_byte(0x77),
            root: B256::repeat_byte(byte),
            rules: B256::repeat_byte(8),
            asOf: 5,
            validUntil: 9,
            pages: 2,
            uri: "https://venue.example".to_owned(),
        };
        let log = event.encode_log_data();
        serde_json::json!({ "address": REGISTRY, "topics": log.topics(), "data": log.data, "removed": false })
    }

    #[test]
    fn all_books_are_told_however_few_blocks_a_node_answers_for() {
        let events = || vec![(3, event(1)), (50, event(2)), (50, event(3)), (100, event(4))];
        for (most, from, expected) in [(1_000, 0, &[1, 2, 3, 4][..]), (7, 0, &[1, 2, 3, 4]), (1, 4, &[2, 3, 4])] {
            let node = Node::connect(&surety_testing::node::events(most, events())).unwrap();
            let told = told(&node, REGISTRY, &[VENUE], from).unwrap();
            assert_eq!(
                told.iter().map(|book| book.root.0[0]).collect::<Vec<_>>(),
                expected,
                "{most} blocks from {from}"
            );
        }
        let node = Node::connect(&surety_testing::node::events(9, events())).unwrap();
        let first = told(&node, REGISTRY, &[VENUE], 0).unwrap().swap_remove(0);
        assert_eq!((first.venue, first.rules, first.as_of), (HexBytes([0x77; 20]), HexBytes([8; 32]), Timestamp(5)));
        assert_eq!(first.uri, "https://venue.example");
    }

    /// Attack: a node that passes events of others off as the registry's, or that answers for no block at all.
    #[test]
    fn rejects_events_that_were_not_asked_for() {
        let [mut stranger, mut other, mut removed] = [event(1), event(1), event(1)];
        stranger["address"] = serde_json::json!(HexBytes([0x17; 20]));
        other["topics"][0] = serde_json::json!(B256::ZERO);
        removed["removed"] = serde_json::json!(true);
        for event in [stranger, other, removed] {
            let node = Node::connect(&surety_testing::node::events(1_000, vec![(3, event.clone())])).unwrap();
            let error = told(&node, REGISTRY, &[VENUE], 0).unwrap_err();
            assert!(matches!(error, ChainError::Node { method: "eth_getLogs", .. }), "{event}: {error}");
        }
        let node = Node::connect(&surety_testing::node::events(9, Vec::new())).unwrap();
        let error = told(&node, REGISTRY, &[VENUE], 101).unwrap_err();
        assert!(error.to_string().contains("a block up to 100"), "a block that is not there yet: {error}");
        let node = Node::connect(&surety_testing::node::events(0, Vec::new())).unwrap();
        assert!(told(&node, REGISTRY, &[VENUE], 0).unwrap_err().to_string().contains("at most 0 blocks"));
    }
}
