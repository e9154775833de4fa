//! What roles refuse of what others serve, one check at a time: a role takes one step against a party that answers
//! whatever a test wants.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use surety_core::{
    ident::{EvmAddress, HexBytes, Name},
    text::{Document as _, table::Dialect},
    units::Timestamp,
};
use surety_host::{clock, documents, keys::demo_key};
use surety_import::{
    observations::read_observations,
    positions::{self, Reading},
};
use surety_kzg::{SrsId, progress::Silent};
use surety_margin::{market::Snapshot, policy::Policy, universe::Universe};
use surety_prover::{
    bundle::{Bundle, Identity},
    oracle::{self, Clock, Comparison, Previous},
    source::{self, StatementTerms},
};
use surety_service::roles::{Role, World, auditor::Auditor, holder::Holder, oracle::Oracle, source::Source};
use surety_verifier::attestation::{claim::Attestation, eip712::Audience};
use surety_walkthrough::example;

use crate::town::{REGISTRY, SUBJECT, Town, answer};

/// What a role says of one step at a time.
fn said(role: &mut dyn Role, now: Timestamp) -> String {
    role.step(now).map_or_else(|error| error.to_string(), |_| "nothing".to_owned())
}

fn address(text: &str) -> EvmAddress {
    let address: alloy_primitives::Address = text.parse().unwrap();
    HexBytes(address.into_array())
}

fn read(town: &Town) -> (Universe, Policy) {
    let universe: Universe = documents::read(&town.path("universe.toml")).unwrap();
    let policy = documents::read_policy(&town.path("policy.toml"), &universe).unwrap();
    (universe, policy)
}

/// A bundle as a custodian would make it, but for some of its terms, signed by a key of the demonstration.
fn bundle(town: &Town, world: &World, signer: &str, change: impl FnOnce(&mut StatementTerms)) -> Bundle {
    let (universe, _) = read(town);
    let params = world.setups.params(SrsId::from(universe.srs), universe.capacity, &Silent).unwrap();
    let file = example::HOLDINGS[0];
    let reading = Reading::default();
    let holdings = positions::read(file.path, file.text, &universe, &reading, &mut Vec::new()).unwrap().holdings;
    let now = clock::now();
    let mut terms = StatementTerms {
        audience: Audience { chain_id: 31_337, registry: address(REGISTRY) },
        subject: address(SUBJECT),
        account: Name::new("treasury").unwrap(),
        as_of: now,
        valid_until: Timestamp(now.0 + 600),
        sequence: now.0,
        pledge: None,
    };
    change(&mut terms);
    let (statement, opening) = source::attest(&universe, &params, holdings, terms, &demo_key(signer).unwrap()).unwrap();
    let text = fs::read_to_string(town.path("identity")).unwrap();
    Bundle::seal(&universe, statement, &opening, &Identity::from_file_text(&text).unwrap().recipient()).unwrap()
}

/// A holder of the town, and its world.
fn holder(town: &Town, party: usize, more: &str) -> (Holder, Arc<World>) {
    let (configuration, world) = town.configured(party, &format!("{}{more}", town.holder()));
    (Holder::new(configuration.holder.into_iter().next().unwrap(), "holder[0]", &world).unwrap(), world)
}

/// Attack: statements that would be in the way of good ones.
#[test]
fn rejects_bundles_of_anything_but_the_holders_account() {
    type Change = fn(&mut StatementTerms);
    let cases: [(&str, &str, Change); 10] = [
        ("custodian-north", "account: expected treasury, found lending", |t| t.account = Name::new("lending").unwrap()),
        ("custodian-north", "subject: expected 0x1111", |t| t.subject = address(REGISTRY)),
        ("custodian-north", "statement: expected one that counts now", |t| t.as_of.0 += 500),
        ("custodian-north", "statement: expected one that counts now", |t| {
            (t.as_of.0, t.valid_until.0) = (t.as_of.0 - 9, t.as_of.0 - 5);
        }),
        ("custodian-north", "sequence: expected at most", |t| t.sequence = u64::MAX >> 1),
        ("custodian-north", "registry: expected 0x2222", |t| t.audience.chain_id = 1),
        ("custodian-north", "registry: expected 0x2222", |t| t.audience.registry = EvmAddress::ZERO),
        ("custodian-south", "source: expected a source of the policy", |_| {}),
        ("oracle-1", "source: expected a source of the policy", |_| {}),
        ("custodian-north", "expected a statement, found none yet", |_| {}),
    ];
    for (signer, expected, change) in cases {
        let town = Town::new(6);
        town.write("deployment.json", &deployment().to_string());
        town.write("rpc", "http://127.0.0.1:1");
        let chain = "\n[holder.chain]\ndeployment = \"deployment.json\"\nrpc = { file = \"rpc\" }\n\
                     key = { file = \"oracle-1.key\" }\n";
        let (mut role, world) = holder(&town, 4, chain);
        let text = bundle(&town, &world, signer, change).to_json().unwrap();
        // The last case is the good bundle, of which the next source's account has none.
        answer(town.ports[0], move |path| path.contains("/treasury/").then(|| text.clone()));
        [1, 2].into_iter().for_each(|node| answer(town.ports[node], |_| None));
        let found = said(&mut role, clock::now());
        assert!(found.contains(expected), "expected {expected}, found {found}");
    }
}

/// Attack: a bundle on the way whose statement or opening somebody has exchanged.
#[test]
fn rejects_bundles_that_were_changed() {
    for (expected, change) in [
        (
            "universe: expected",
            (|bundle| bundle["statement"]["universe"] = json!(format!("0x{}", "11".repeat(32)))) as fn(&mut Value),
        ),
        ("signature: expected that of", |bundle| {
            let number = bundle["statement"]["sequence"].as_u64().unwrap() - 1;
            bundle["statement"]["sequence"] = json!(number);
        }),
    ] {
        let town = Town::new(6);
        let (mut role, world) = holder(&town, 4, "");
        let text = bundle(&town, &world, "custodian-north", |_| {}).to_json().unwrap();
        let mut changed: Value = serde_json::from_str(&text).unwrap();
        change(&mut changed);
        answer(town.ports[0], move |path| path.contains("/treasury/").then(|| changed.to_string()));
        [1, 2].into_iter().for_each(|node| answer(town.ports[node], |_| None));
        let found = said(&mut role, clock::now());
        assert!(found.contains(expected), "expected {expected}, found {found}");
    }
}

/// A deployment as far as a holder needs it before it speaks to a node.
fn deployment() -> Value {
    let address = |digit: &str| format!("0x{}", digit.repeat(40));
    json!({
        "kind": "surety/deployment", "version": 1, "chain_id": 31_337, "verifying_key": format!("0x{}", "3".repeat(64)),
        "policies": address("4"), "registry": REGISTRY, "oracle": address("5"), "verifier": address("7"),
    })
}

/// Reports of all nodes at a time, put together.
fn snapshot(town: &Town, now: Timestamp, previous: Option<&Previous>) -> Snapshot {
    let (universe, policy) = read(town);
    let first = if policy.oracle.breaker.is_some() { Comparison::First } else { Comparison::None };
    let comparison = previous.map_or(first, Comparison::With);
    let report = |(node, file): (usize, &example::ExampleFile)| {
        let observed = read_observations(file.path, file.text, &policy, &Dialect::default(), &mut Vec::new()).unwrap();
        let key = demo_key(&format!("oracle-{}", node + 1)).unwrap();
        oracle::sign(&policy, &universe, observed, Clock::at(now), comparison, &key).unwrap()
    };
    let reports: Vec<_> = example::OBSERVATIONS.iter().enumerate().map(report).collect();
    oracle::aggregate(&policy, &universe, &reports, previous, now).unwrap()
}

fn node(town: &Town, node: usize) -> (Oracle, Arc<World>) {
    let (configuration, world) = town.configured(1 + node, &town.oracle(node));
    (Oracle::new(configuration.oracle.into_iter().next().unwrap(), "oracle[0]", &world).unwrap(), world)
}

/// A town whose policy has a circuit breaker, with epochs of a minute.
fn with_breaker() -> Town {
    let town = Town::with_epochs(6, 60);
    let policy = fs::read_to_string(town.path("policy.toml")).unwrap();
    let breaker = "epoch = 60\nbreaker = { max_deviation = 100_000, proofs = \"refused\" }";
    town.write("policy.toml", &policy.replace("epoch = 60", breaker));
    town
}

/// Attack: a publisher that has reports compared with prices which the market has moved away from.
#[test]
fn rejects_a_predecessor_that_is_older_than_the_nodes_own() {
    let town = with_breaker();
    let now = clock::now();
    let first = snapshot(&town, Timestamp(now.0 - 180), None);
    let (universe, policy) = read(&town);
    let previous = Previous::check(&policy, &universe, &first).unwrap();
    let second = snapshot(&town, Timestamp(now.0 - 120), Some(&previous));
    let (mut role, world) = node(&town, 1);
    world.state.put_document(&role.shelves().snapshots, second.epoch, &second).unwrap();
    let old = first.to_json().unwrap();
    answer(town.ports[1], move |path| path.contains("/before/").then(|| old.clone()));
    let found = said(&mut role, now);
    let expected = format!("publisher: expected the snapshot of epoch {}, which this node has", second.epoch);
    assert!(found.contains(&expected), "{found}");
    assert!(world.state.newest(&role.shelves().reports).unwrap().is_none());
}

/// Attack: a publisher of prices of the future, after which a holder would take none of now.
#[test]
fn rejects_prices_of_the_future() {
    let town = Town::with_epochs(6, 60);
    let now = clock::now();
    let text = Arc::new(Mutex::new(snapshot(&town, Timestamp(now.0 + 600), None).to_json().unwrap()));
    for port in [town.ports[1], town.ports[2]] {
        let text = Arc::clone(&text);
        answer(port, move |path| path.ends_with("/latest").then(|| text.lock().unwrap().clone()));
    }
    let (mut role, world) = holder(&town, 4, "");
    let found = said(&mut role, now);
    assert!(found.contains(&format!("snapshots: expected one of now, {}", now.0)), "{found}");
    // A clock that was fast has the holder take them, and is in the way of nothing once it is right.
    said(&mut role, Timestamp(now.0 + 600));
    *text.lock().unwrap() = snapshot(&town, now, None).to_json().unwrap();
    let found = said(&mut role, now);
    assert!(!found.contains("agreed before") && !found.contains("one of now"), "{found}");
    drop(world);
}

/// Clocks differ by seconds. Nothing is proven over what is of a second from now, and nothing has failed.
#[test]
fn a_holder_waits_for_clocks_that_are_ahead_of_its_own() {
    let town = Town::with_epochs(6, 1_000_000);
    let (mut role, world) = holder(&town, 4, "");
    let signers = [("custodian-north", "treasury"), ("custodian-south", "lending"), ("venue-atlas", "trading")];
    let bundles = signers.map(|(signer, account)| {
        let bundle = bundle(&town, &world, signer, |terms| terms.account = Name::new(account).unwrap());
        (format!("/{account}/"), bundle.to_json().unwrap())
    });
    answer(town.ports[0], move |path| {
        bundles.iter().find(|(account, _)| path.contains(account.as_str())).map(|(_, text)| text.clone())
    });
    let now = clock::now();
    let ahead = Timestamp(now.0 + 5);
    let published = snapshot(&town, ahead, None).to_json().unwrap();
    [1, 2].into_iter().for_each(|node| {
        let text = published.clone();
        answer(town.ports[node], move |_| Some(text.clone()));
    });
    assert_eq!(role.step(now).map_err(|error| error.to_string()), Ok(ahead));
    assert!(world.state.events(10).unwrap().is_empty());
    // Whatever the account has, it is looked at then.
    let found = said(&mut role, ahead);
    assert!(found == "nothing" || found.contains("level maintenance"), "{found}");
}

/// A source that does not answer, say, keeps nobody from the next epoch.
#[test]
fn a_holder_that_failed_looks_again_at_its_usual_pace() {
    for (epoch, seconds) in [(4, 2), (600, 20), (1_000_000, 30)] {
        let town = Town::with_epochs(6, epoch);
        let (role, _) = holder(&town, 4, "");
        assert_eq!(role.longest_wait().as_secs(), seconds);
    }
}

/// Attack: a publisher of the same prices as of another time, which what a policy derives from prices depends on.
#[test]
fn rejects_the_same_prices_of_another_time() {
    let town = Town::with_epochs(6, 600);
    // The beginning of an epoch, of which both are.
    let now = Timestamp(clock::now().0 / 600 * 600);
    let text = Arc::new(Mutex::new(snapshot(&town, Timestamp(now.0 + 1), None).to_json().unwrap()));
    for port in [town.ports[1], town.ports[2]] {
        let text = Arc::clone(&text);
        answer(port, move |path| path.ends_with("/latest").then(|| text.lock().unwrap().clone()));
    }
    let (mut role, _world) = holder(&town, 4, "");
    said(&mut role, Timestamp(now.0 + 3));
    *text.lock().unwrap() = snapshot(&town, Timestamp(now.0 + 2), None).to_json().unwrap();
    let found = said(&mut role, Timestamp(now.0 + 4));
    assert!(found.contains("on which they agreed before"), "{found}");
}

/// Attack: a publisher with a snapshot of an epoch that has not begun.
#[test]
fn rejects_snapshots_of_later_epochs() {
    let town = Town::with_epochs(6, 60);
    let now = clock::now();
    let later = snapshot(&town, now, None);
    let (mut role, world) = node(&town, 1);
    let text = later.to_json().unwrap();
    answer(town.ports[1], move |path| path.ends_with("/latest").then(|| text.clone()));
    let found = said(&mut role, Timestamp(now.0 - 60));
    assert!(found.contains("/latest: expected a snapshot of epoch"), "{found}");
    assert!(world.state.newest(&role.shelves().snapshots).unwrap().is_none());
}

/// A clock that is set back has a node sign prices of now for an epoch that is over.
#[test]
fn rejects_reports_of_epochs_that_are_over() {
    let town = Town::with_epochs(6, 60);
    let now = clock::now();
    // The publisher has nothing yet.
    answer(town.ports[1], |_| None);
    let (mut role, world) = node(&town, 1);
    said(&mut role, now);
    let reported = || world.state.numbers(&role.shelves().reports, 0, 10).unwrap();
    let first = reported();
    assert_eq!(first, [now.0 / 60]);
    let found = said(&mut role, Timestamp(now.0 - 120));
    assert!(found.contains(&format!("clock: expected epoch {}, of which this node has reported", first[0])), "{found}");
    assert_eq!(world.state.numbers(&role.shelves().reports, 0, 10).unwrap(), first);
    // What is ahead by more than a day is a clock's mistake, and stops nothing for years.
    said(&mut role, Timestamp(now.0 - 2 * 86_400));
    assert_eq!(world.state.numbers(&role.shelves().reports, 0, 10).unwrap().len(), 2);
}

/// A clock that was fast, and is set right: what was stated with it counts no more for when a statement is due.
#[test]
fn a_clock_that_is_set_back_stops_no_statements() {
    let town = Town::new(1);
    let (configuration, world) = town.configured(0, &town.sources());
    let mut source = Source::new(configuration.source.into_iter().next().unwrap(), "source[0]", &world).unwrap();
    let (_, served) = source.served().into_iter().next().unwrap();
    let newest = || world.state.newest_document::<Bundle>(&served.shelf).unwrap().unwrap().1.statement;
    let now = clock::now();
    for time in [Timestamp(now.0 + 86_400), now, Timestamp(now.0 - 3_600)] {
        let before = world.state.newest_document::<Bundle>(&served.shelf).unwrap();
        source.step(time).unwrap();
        let statement = newest();
        assert_eq!(statement.as_of, time);
        // Later statements count, whatever their time is.
        assert!(before.is_none_or(|(_, before)| before.statement.sequence < statement.sequence));
    }
}

/// Attack: a holder that sends an auditor round in circles, or has it take something else.
#[test]
fn rejects_lists_and_attestations_that_an_auditor_did_not_ask_for() {
    let town = Town::with_epochs(6, 1_000_000);
    let (attestation, market) = {
        let _source = town.start(0, &town.sources());
        let _nodes: Vec<_> = (0..3).map(|node| town.start(1 + node, &town.oracle(node))).collect();
        let _holder = town.start(4, &town.holder());
        let place = "/v1/holders/fund/levels/maintenance/latest";
        town.wait_for("an attestation", || town.get(4, place, None).0 == 200);
        (town.get(4, place, None).1, town.get(1, "/v1/oracles/oracle-1/snapshots/latest", None).1)
    };
    let claim = Attestation::from_json("attestation.json", &attestation).unwrap().claim;
    let epoch = claim.epoch;
    let other: Snapshot = {
        let mut other = Snapshot::from_json("market.json", &market).unwrap();
        other.time = Timestamp(other.time.0 - 1);
        other
    };
    let other = other.to_json().unwrap();
    let many = serde_json::to_string(&(0..101).collect::<Vec<u64>>()).unwrap();
    let one = format!("[{epoch}]");
    let changed = |change: fn(&mut Value)| {
        let mut document: Value = serde_json::from_str(&attestation).unwrap();
        change(&mut document["claim"]);
        document.to_string()
    };
    let list = "epochs from 0 to";
    let cases: [(&str, &str, &str, &str); 8] = [
        (&format!("[{epoch}, {}]", epoch - 1), "", "", list),
        (&format!("[{}]", epoch + 1), "", "", list),
        (&many, "", "", list),
        ("{}", "", "", list),
        (&one, &changed(|claim| claim["level"] = json!("initial")), &market, "found one of initial"),
        (&one, &changed(|claim| claim["epoch"] = json!(5)), &market, "of epoch 5 about"),
        (&one, &changed(|claim| claim["policy"] = json!(format!("0x{}", "11".repeat(32)))), &market, "under 0x"),
        (&one, &attestation, &other, "expected the snapshot of the attestation"),
    ];
    for (i, (list, attested, snapshot, expected)) in cases.into_iter().enumerate() {
        let fake = Town::new(6);
        for file in ["universe.toml", "policy.toml"] {
            fs::copy(town.path(file), fake.path(file)).unwrap();
        }
        let (configuration, world) = fake.configured(5, &fake.auditor());
        let mut role = Auditor::new(configuration.auditor.into_iter().next().unwrap(), &world).unwrap();
        let (list, attested, snapshot) = (list.to_owned(), attested.to_owned(), snapshot.to_owned());
        answer(fake.ports[4], move |path| {
            let is_list = path.contains("levels/maintenance?");
            let texts =
                [(is_list, &list), (path.contains("maintenance/"), &attested), (path.contains("snaps"), &snapshot)];
            texts.into_iter().find(|(is_asked, _)| *is_asked).map(|(_, text)| text.clone())
        });
        let found = said(&mut role, clock::now());
        assert!(found.contains(expected), "case {i}: expected {expected}, found {found}");
        // Nothing but what the auditor brought along is in the archive.
        assert!(world.state.newest(&Auditor::reports(role.label())).unwrap().is_none());
    }
}
