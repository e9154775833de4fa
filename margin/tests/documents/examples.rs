//! The example institution: its files are read, its policies compile, and its margins are what an independent
//! computation with exact fractions found.

use std::{fs, path::PathBuf};

use alloy_primitives::{I256, keccak256};
use surety_core::{
    FormatVersion, canonical,
    ident::HexBytes,
    kind::KindOf,
    text::{Document, table::Dialect},
    units::{Price, Timestamp},
};
use surety_import::observations::read_observations;
use surety_margin::{
    compile::compile,
    evaluate::{Evaluation, Line, Quote, Share, evaluate, lines},
    holdings::Position,
    market::Report,
    oracle,
    policy::Policy,
    universe::Universe,
};

const EPOCH: u64 = 5_931_234;

fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn universe() -> Universe {
    Universe::from_toml("universe.toml", &text("universe.toml")).unwrap()
}

fn policy(name: &str) -> Policy {
    Policy::read(name, &text(name), &universe()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What the sources of a policy hold together.
fn position(policy: &Policy) -> Position {
    let universe = universe();
    policy.sources.iter().fold(Position::empty(&universe), |sum, source| {
        let file = format!("holdings/{}.csv", source.name);
        let holdings = surety_import::positions::holdings(&file, &text(&file), &universe).unwrap();
        sum.plus(&holdings.position(&universe).unwrap()).unwrap()
    })
}

fn report(policy: &Policy, node: usize) -> Report {
    let file = format!("market/node-{}.csv", node + 1);
    Report {
        kind: KindOf::new(),
        version: FormatVersion,
        oracle: policy.oracle.nodes[node].signer,
        feeds: HexBytes([7; 32]),
        epoch: EPOCH,
        previous: Report::FIRST,
        observed_at: Timestamp(EPOCH * policy.oracle.epoch.0 + 10 * node as u64),
        observations: read_observations(&file, &text(&file), policy, &Dialect::default(), &mut Vec::new()).unwrap(),
        signature: HexBytes::ZERO,
    }
}

fn prices(policy: &Policy) -> Vec<Price> {
    let reports: Vec<_> = (0..3).map(|node| report(policy, node)).collect();
    let snapshot = oracle::aggregate(policy, &reports, None).unwrap();
    assert_eq!(snapshot.time, Timestamp(EPOCH * policy.oracle.epoch.0));
    oracle::check(policy, &universe(), &snapshot).unwrap()
}

/// A level, its equity, requirement and margin, and the worst scenario.
type Row = (String, String, String, String, Option<String>);

fn evaluations(policy: &Policy) -> Vec<Row> {
    let universe = universe();
    let (position, prices) = (position(policy), prices(policy));
    let programs = compile(policy, &universe).unwrap();
    let evaluation = |level| -> Evaluation { evaluate(policy, &universe, level, &position, &prices).unwrap() };
    let levels = policy.levels.iter().map(evaluation).zip(programs);
    levels
        .map(|(evaluation, program)| {
            assert!(evaluation.is_sufficient());
            program.solve(&position, &prices).unwrap();
            (
                evaluation.level.to_string(),
                evaluation.equity.to_string(),
                evaluation.requirement.to_string(),
                evaluation.margin.to_string(),
                evaluation.worst_scenario,
            )
        })
        .collect()
}

fn row(level: &str, equity: &str, requirement: &str, margin: &str, worst: Option<&str>) -> Row {
    let owned = |text: &str| text.to_owned();
    (owned(level), owned(equity), owned(requirement), owned(margin), worst.map(owned))
}

#[test]
fn policies_are_read_from_json_too() {
    let policy = policy("policy.toml");
    assert_eq!(Policy::read("policy.json", &policy.to_json().unwrap(), &universe()).unwrap(), policy);
}

#[test]
fn portfolio_margins_are_pinned() {
    let worst = Some("crash-30");
    let expected = [
        row("maintenance", "48688159.210425", "28918778.27291425", "19769380.93751075", worst),
        row("initial", "43707210.02408", "36396158.073713875", "7311051.950366125", worst),
        row("maintenance-1.5x", "48688159.210425", "43378167.409371375", "5309991.801053625", worst),
    ];
    assert_eq!(evaluations(&policy("policy.toml")), expected);
}

#[test]
fn cross_margins_are_pinned() {
    let expected = [
        row("maintenance", "27118685.6377375", "5116143.63923", "22002541.9985075", None),
        row("initial", "17784065.2796625", "7674215.458845", "10109849.8208175", None),
        row("maintenance-1.5x", "27118685.6377375", "7674215.458845", "19444470.1788925", None),
    ];
    assert_eq!(evaluations(&policy("policy-cross.toml")), expected);
}

#[test]
fn lending_margins_are_pinned() {
    let expected = [
        row("maintenance", "72987290.216985", "42031960.55", "30955329.666985", None),
        row("initial", "67745769.93464", "42031960.55", "25713809.38464", None),
        row("maintenance-1.5x", "72987290.216985", "63047940.825", "9939349.391985", None),
    ];
    assert_eq!(evaluations(&policy("policy-lending.toml")), expected);
}

/// A line for every holding, whose values are amounts times prices, and which add up where instruments do not offset
/// each other.
#[test]
fn lines_add_up_to_the_account() {
    let universe = universe();
    for name in ["policy-cross.toml", "policy-lending.toml", "policy.toml"] {
        let policy = policy(name);
        let (position, prices) = (position(&policy), prices(&policy));
        for level in &policy.levels {
            let lines = lines(&policy, &universe, level, &position, &prices).unwrap();
            assert_eq!(lines.len(), position.lots().iter().filter(|lots| lots.get() != 0).count());
            let account = evaluate(&policy, &universe, level, &position, &prices).unwrap();
            let sum = |part: fn(&Line) -> Quote| {
                lines.iter().map(|line| part(line).atoms).fold(I256::ZERO, |sum, part| sum + part)
            };
            assert_eq!(sum(|line| line.equity), account.equity.atoms, "{name}");
            if name != "policy.toml" {
                assert_eq!(sum(|line| line.requirement), account.requirement.atoms, "{name}");
            }
            assert!(lines.iter().all(|line| line.counts && (line.instrument.as_str() == "USD" || !line.uncharged)));
        }
    }
}

#[test]
fn lines_say_what_an_instrument_is_worth_and_takes() {
    let (universe, policy) = (universe(), policy("policy-cross.toml"));
    let lines = lines(&policy, &universe, &policy.levels[1], &position(&policy), &prices(&policy)).unwrap();
    let line = |name: &str| {
        let line = lines.iter().find(|line| line.instrument.as_str() == name).unwrap();
        let share = |share: Option<Share>| share.map_or_else(String::new, |share| share.percent().to_string());
        let amounts = [line.amount, line.price.unwrap(), line.value, line.equity, line.requirement];
        (amounts.map(|amount| amount.to_string()), share(line.weight), share(line.fraction))
    };
    // A short position counts in full, and its margin is taken of the absolute value.
    let perpetual = ["-180.5", "104317.9", "-18829380.95", "-18829380.95", "2824407.1425"];
    assert_eq!(line("BTC-PERP"), (perpetual.map(str::to_owned), "100".to_owned(), "15".to_owned()));
    // A coin counts at its weight and requires nothing.
    let (_, weight, fraction) = line("BTC");
    assert_eq!((&*weight, &*fraction), ("65", "0"));
}

/// What a universe says of its derivatives changes nothing that identifies one that does not say it.
#[test]
fn settlements_and_quotes_are_left_out_where_they_are_the_usual_ones() {
    let universe = universe();
    let written = universe.to_json().unwrap();
    assert!(!written.contains("settlement") && !written.contains("quote"));
    let stated = text("universe.toml").replace("\"perpetual\"", "\"perpetual\"\nsettlement = \"carried\"");
    assert_eq!(Universe::from_toml("u.toml", &stated).unwrap(), universe);
    let quoted = text("universe.toml").replace("\"perpetual\"", "\"perpetual\"\nquote = \"USDC\"");
    let quoted = Universe::from_toml("u.toml", &quoted).unwrap();
    assert_ne!(canonical::encode(&quoted).unwrap(), canonical::encode(&universe).unwrap());
    assert_eq!(Universe::from_json("u.json", &quoted.to_json().unwrap()).unwrap(), quoted);
}

#[test]
fn written_examples_read_back_the_same() {
    let universe = universe();
    assert_eq!(Universe::from_toml("u.toml", &universe.to_toml().unwrap()).unwrap(), universe);
    assert_eq!(Universe::from_json("u.json", &universe.to_json().unwrap()).unwrap(), universe);
    for name in ["policy.toml", "policy-cross.toml", "policy-lending.toml"] {
        let policy = policy(name);
        assert_eq!(Policy::from_toml(name, &policy.to_toml().unwrap()).unwrap(), policy);
        assert_eq!(Policy::from_json(name, &policy.to_json().unwrap()).unwrap(), policy);
    }
    let policy = policy("policy.toml");
    let snapshot =
        oracle::aggregate(&policy, &[report(&policy, 2), report(&policy, 0), report(&policy, 1)], None).unwrap();
    assert_eq!(Document::from_json("market.json", &snapshot.to_json().unwrap()), Ok(snapshot));
}

/// The hashes are those of another implementation, Python's `json.dumps(…, sort_keys=True, separators=(",", ":"),
/// ensure_ascii=False)` over the files with their defaults filled in.
#[test]
fn canonical_encodings_are_reproducible() {
    let hash = |encoding: Vec<u8>| keccak256(encoding).to_string();
    let expected = "0x8634bb7eb69729bb30d4c722567b333c2c53e7108bf54ec5f2376e2092a860f6";
    assert_eq!(hash(canonical::encode(&universe()).unwrap()), expected);
    for (name, expected) in [
        ("policy.toml", "0x75212e3e085127e90c545a9602945e24d3fa86f2fbea9df3742cb760c87926e4"),
        ("policy-cross.toml", "0x5edc84e1e0872766a9b283cbe331ce789960b1f4421404b714ed4a170eb47f7d"),
        ("policy-lending.toml", "0xb81cb834fc360b96c34fc4d476371076f6b4917a4d17b9e78188324becda85b4"),
    ] {
        assert_eq!(hash(canonical::encode(&policy(name)).unwrap()), expected, "{name}");
    }
}
