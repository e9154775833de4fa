//! A source, three oracle nodes, a holder and an auditor over a few epochs.

use std::{
    fs,
    io::Read as _,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use surety_core::{
    text::{Document as _, table::Dialect},
    units::{Seconds, Timestamp},
};
use surety_host::{clock, keys::demo_key};
use surety_import::observations::read_observations;
use surety_margin::{
    market::{Observed, Report},
    universe::Universe,
};
use surety_prover::{
    bundle::Bundle,
    oracle::{self, Clock, Comparison},
};
use surety_verifier::attestation::report;
use surety_walkthrough::example;

use crate::town::{PATIENCE, Party, REGISTRY, SUBJECT, TOKEN, Town, agent, answer, events};

#[test]
fn parties_attest_epoch_after_epoch_and_an_auditor_reports() {
    let town = Town::new(6);
    let _source = town.start(0, &town.sources());
    let nodes: Vec<Party> = (0..3).map(|node| town.start(1 + node, &town.oracle(node))).collect();
    let holder = town.start(4, &town.holder());
    let auditor = town.start(5, &town.auditor());
    let epochs = || -> Vec<u64> {
        let (status, text) = town.get(4, "/v1/holders/fund/levels/maintenance", None);
        assert_eq!(status, 200);
        serde_json::from_str(&text).unwrap()
    };
    let told = || {
        [&holder, &auditor].map(events).concat().join("\n")
            + &nodes.iter().map(events).collect::<Vec<_>>().concat().join("\n")
    };
    let end = Instant::now() + PATIENCE;
    while epochs().len() < 3 {
        assert!(Instant::now() < end, "expected three epochs, found {:?}\n{}", epochs(), told());
        thread::sleep(Duration::from_millis(200));
    }
    // The holder warns of a headroom that no account has, once.
    assert_eq!(events(&holder).iter().filter(|event| event.contains("headroom")).count(), 1, "{}", told());
    let metrics = holder.world.metrics.text();
    assert_eq!(town.get(4, "/metrics", None).0, 404, "numbers are for operators");
    assert!(metrics.contains("surety_headroom_low{role=\"fund\",of=\"maintenance\"} 1"), "{metrics}");
    // The auditor has them all.
    let accepted = || {
        let (status, text) = town.get(5, "/v1/auditors/auditor/report", None);
        let report: Value = serde_json::from_str(&text).unwrap_or_default();
        if status == 200 {
            (report["accepted"].as_u64().unwrap(), report["rejected"].as_u64().unwrap())
        } else {
            (0, 0)
        }
    };
    while accepted().0 < 3 {
        assert!(Instant::now() < end, "expected a report of three, found {:?}\n{}", accepted(), told());
        thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(accepted().1, 0, "{}", town.get(5, "/v1/auditors/auditor/report", None).1);
    let page = fs::read_to_string(town.path("report.html")).unwrap();
    assert!(page.contains("<h1>Audit of attestations</h1>"), "{page}");
    assert!(fs::read_dir(town.path("attested")).unwrap().count() >= 3);
    for party in [0, 1, 4, 5] {
        assert_eq!(town.get(party, "/health", None).0, 200);
    }
    town.wait_for("every role well", || {
        [0, 1, 2, 3, 4, 5].iter().all(|party| town.get(*party, "/ready", None).0 == 200)
    });
}

#[test]
fn rejects_whoever_does_not_show_the_token() {
    let town = Town::new(1);
    let _source = town.start(0, &town.sources());
    let place = format!("/v1/sources/custodian-north/treasury/{SUBJECT}");
    town.wait_for("a bundle", || town.get(0, &place, Some(TOKEN)).0 == 200);
    let (_, text) = town.get(0, &place, Some(TOKEN));
    let bundle = Bundle::from_json("bundle.json", &text).unwrap();
    assert_eq!(bundle.statement.account.as_str(), "treasury");
    // The same answer, whatever is wrong.
    let nowhere = format!("/v1/sources/custodian-north/nothing/{SUBJECT}");
    let answers = [
        town.get(0, &place, None),
        town.get(0, &place, Some("0123456789abcdef0123456789abcdee")),
        town.get(0, &nowhere, Some(TOKEN)),
        town.get(0, "/v1/sources/custodian-north/treasury/0x5", Some(TOKEN)),
        town.get(0, &place.replace("custodian-north", "nobody"), Some(TOKEN)),
    ];
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 401), "{answers:?}");
}

#[test]
fn a_holder_who_asks_gets_a_new_statement_and_not_more_than_one() {
    let town = Town::new(1);
    let _source = town.start(0, &town.sources().replace("every = \"6s\"", "every = \"5m\""));
    let place = format!("/v1/sources/venue-atlas/trading/{SUBJECT}");
    let sequence = || {
        let (status, text) = town.get(0, &place, Some(TOKEN));
        (status == 200).then(|| Bundle::from_json("bundle.json", &text).unwrap().statement.sequence)
    };
    town.wait_for("a bundle", || sequence().is_some());
    let first = sequence();
    for _ in 0..20 {
        let url = format!("{}{place}", town.url(0));
        let asked = agent().post(url).header("authorization", format!("Bearer {TOKEN}")).send_empty().unwrap();
        assert_eq!(asked.status().as_u16(), 202);
    }
    town.wait_for("a new one", || sequence() > first);
    let second = sequence();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(sequence(), second);
}

/// Attack: whoever answers for a source, with a statement of its own.
#[test]
fn rejects_statements_of_sources_that_the_policy_does_not_list() {
    let town = Town::new(6);
    // The venue's role signs with a node's key.
    let forged = town.sources().replace("venue-atlas.key", "oracle-3.key");
    assert_ne!(forged, town.sources());
    let _source = town.start(0, &forged);
    let _nodes: Vec<Party> = (0..3).map(|node| town.start(1 + node, &town.oracle(node))).collect();
    let holder = town.start(4, &town.holder());
    let refused = || events(&holder).iter().any(|event| event.contains("expected a source of the policy, found 0x"));
    town.wait_for("a refusal", refused);
    assert_eq!(town.get(4, "/v1/holders/fund/levels/maintenance", None).1, "[]");
    // Whether an account is short is for its operators to know.
    assert_eq!(town.get(4, "/ready", None).0, 200);
    assert_eq!(holder.world.unwell(|_| true), ["holder fund"]);
}

/// Attack: prices for one holder alone, to search for its holdings.
#[test]
fn rejects_snapshots_on_which_publishers_disagree() {
    let town = Town::new(7);
    let _source = town.start(0, &town.sources());
    let _nodes: Vec<Party> = (0..3).map(|node| town.start(1 + node, &town.oracle(node))).collect();
    // A second publisher with the key of the first, and prices of its own.
    let prices = example::OBSERVATIONS[0].text.replace("476292300000", "476292400000");
    assert_ne!(prices, example::OBSERVATIONS[0].text);
    town.write("prices-6.csv", &prices);
    let _other = town.start(6, &town.oracle(0).replace("prices-0.csv", "prices-6.csv"));
    let holder = town
        .holder()
        .replace(&format!("{}/v1/oracles/oracle-2", town.url(2)), &format!("{}/v1/oracles/oracle-1", town.url(6)));
    let holder = town.start(4, &holder);
    let refused = || events(&holder).iter().any(|event| event.contains("expected the snapshot that others publish"));
    town.wait_for("a refusal", refused);
    assert_eq!(town.get(4, "/v1/holders/fund/levels/maintenance", None).1, "[]");
}

#[test]
fn a_large_move_is_signed_once_it_has_stood_for_an_epoch() {
    let town = Town::new(6);
    // A publisher without a quorum would wait longer from try to try.
    let _others = [town.start(2, &town.oracle(1)), town.start(3, &town.oracle(2))];
    let node = town.start(1, &town.oracle(0));
    let reports = || town.get(1, "/v1/oracles/oracle-1/reports/latest", None);
    town.wait_for("a report", || reports().0 == 200);
    let half = example::OBSERVATIONS[0].text.replace("10427780000000", "5213890000000");
    assert_ne!(half, example::OBSERVATIONS[0].text);
    town.write("prices-0.csv", &half);
    let said = |what: &str| events(&node).iter().any(|event| event.contains(what));
    town.wait_for("a question", || said("BTC-USD: expected a price within"));
    assert!(!reports().1.contains("5213890000000"));
    town.wait_for("the report of a later epoch", || reports().1.contains("5213890000000"));
}

/// Attack: other prices for an epoch that a holder has answered for, to ask again.
#[test]
fn rejects_other_prices_of_an_epoch() {
    // Long enough that all of this is in one, however slow the machine is.
    let town = Town::with_epochs(6, 1_000_000);
    let _source = town.start(0, &town.sources());
    let publisher = town.start(1, &town.oracle(0));
    let _nodes = [town.start(2, &town.oracle(1)), town.start(3, &town.oracle(2))];
    let alone = format!(", \"{}/v1/oracles/oracle-2\"", town.url(2));
    let holder = town.start(4, &town.holder().replace(&alone, ""));
    let epochs = || town.get(4, "/v1/holders/fund/levels/maintenance", None).1;
    town.wait_for("an attestation", || epochs() != "[]");
    let attested = town.get(4, "/v1/holders/fund/levels/maintenance/latest", None).1;
    drop(publisher);
    let prices = example::OBSERVATIONS[0].text.replace("476292300000", "476292400000");
    town.write("prices-0.csv", &prices);
    let _forgetful = town.start_in("another-state", 1, &town.oracle(0));
    let refused = || events(&holder).iter().any(|event| event.contains("on which they agreed before for epoch"));
    town.wait_for("a refusal", refused);
    assert_eq!(town.get(4, "/v1/holders/fund/levels/maintenance/latest", None).1, attested);
}

/// A directory lies where the attestation of one level is to be written. The other is delivered, once nothing is in its
/// way any more, though it was proven before.
#[test]
fn a_level_that_cannot_be_delivered_holds_up_no_other() {
    let town = Town::with_epochs(6, 1_000_000);
    let epoch = clock::now().0 / 1_000_000;
    let delivered = |level: &str| town.path(&format!("attested/{level}-{epoch}.json"));
    let levels = ["maintenance", "initial"];
    levels.iter().for_each(|level| fs::create_dir_all(delivered(level)).unwrap());
    let _source = town.start(0, &town.sources());
    let _nodes: Vec<Party> = (0..3).map(|node| town.start(1 + node, &town.oracle(node))).collect();
    let holder = town.start(4, &town.holder().replace("[\"maintenance\"]", "[\"maintenance\", \"initial\"]"));
    let proven = |level: &str| events(&holder).iter().any(|event| event.contains(&format!("{level} of epoch {epoch}")));
    town.wait_for("proofs of both levels", || levels.iter().all(|level| proven(level)));
    fs::remove_dir(delivered("initial")).unwrap();
    town.wait_for("the level that can be delivered", || delivered("initial").is_file());
    assert!(delivered("maintenance").is_dir());
}

/// The publisher makes snapshots of two reports beside a node that signs what `change` makes of its own at a time, for
/// whatever epoch it is asked.
fn spoils_nothing(change: impl Fn(&mut Vec<Observed>) + Send + 'static, time: impl Fn() -> Timestamp + Send + 'static) {
    let town = Town::with_epochs(6, 1_000_000);
    let policy = fs::read_to_string(town.path("policy.toml")).unwrap();
    let policy = policy.replace("quorum = 3", "quorum = 2").replace("epoch = 1000000", "epoch = 8");
    town.write("policy.toml", &policy);
    let universe: Universe = surety_host::documents::read(&town.path("universe.toml")).unwrap();
    let policy = surety_host::documents::read_policy(&town.path("policy.toml"), &universe).unwrap();
    let file = example::OBSERVATIONS[2];
    let mut observed = read_observations(file.path, file.text, &policy, &Dialect::default(), &mut Vec::new()).unwrap();
    change(&mut observed);
    let key = demo_key("oracle-3").unwrap();
    answer(town.ports[3], move |path| {
        let epoch: u64 = path.strip_prefix("/v1/oracles/oracle-3/reports/")?.parse().ok()?;
        let clock = Clock::at(time());
        let report = oracle::sign(&policy, &universe, observed.clone(), clock, Comparison::None, &key).unwrap();
        Some(report::sign(Report { epoch, ..report }, &key).unwrap().to_json().unwrap())
    });
    let publisher = town.start(1, &town.oracle(0));
    let _node = town.start(2, &town.oracle(1));
    town.wait_for("a snapshot of two", || events(&publisher).iter().any(|event| event.contains("from 2 reports")));
    assert!(events(&publisher).iter().all(|event| !event.contains("from 3 reports")));
}

/// Attack: a node that signs a report with which no snapshot can be made.
#[test]
fn rejects_a_report_that_would_spoil_the_snapshot_of_others() {
    // It says whatever epoch it is asked for, of a time that is in none of them.
    let before = Timestamp(clock::now().0 - 8);
    spoils_nothing(|_| {}, move || before);
}

/// Attack: a price as old as the policy allows, so that nobody has time to attest over the snapshot.
#[test]
fn rejects_a_report_whose_prices_leave_no_time() {
    let age = |observed: &mut Observed| {
        if let Observed::Price(observation) = observed {
            observation.age = Seconds(895);
        }
    };
    spoils_nothing(move |observed| observed.iter_mut().for_each(age), clock::now);
}

#[test]
fn rejects_attestations_about_another_subject() {
    let town = Town::new(6);
    let _source = town.start(0, &town.sources());
    let _nodes: Vec<Party> = (0..3).map(|node| town.start(1 + node, &town.oracle(node))).collect();
    let _holder = town.start(4, &town.holder());
    let auditor = town.start(5, &town.auditor().replace(SUBJECT, REGISTRY));
    let refused =
        || events(&auditor).iter().any(|event| event.contains("about 0x2222") && event.contains("found one of"));
    town.wait_for("a refusal", refused);
    assert_eq!(town.get(5, "/v1/auditors/auditor/report", None).0, 404);
}

/// Attack: as many connections as there are descriptors, which are never used.
#[test]
fn rejects_more_connections_than_it_can_serve() {
    let town = Town::new(1);
    let _source = town.start(0, &town.sources());
    town.wait_for("a server", || town.get(0, "/health", None).0 == 200);
    let idle: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(("127.0.0.1", town.ports[0])).unwrap()).collect();
    let is_closed = |mut stream: &TcpStream| {
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        matches!(stream.read(&mut [0; 1]), Ok(0)) || stream.take_error().unwrap().is_some()
    };
    town.wait_for("the last ones to be closed", || idle[290..].iter().all(is_closed));
    drop(idle);
    town.wait_for("an answer again", || {
        let request = agent().get(format!("{}/health", town.url(0))).call();
        request.is_ok_and(|response| response.status() == 200)
    });
}
