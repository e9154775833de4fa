use alloy_primitives::B256;
use alloy_sol_types::SolCall as _;
use serde_json::json;
use surety_core::{
    ident::HexBytes,
    units::{Lots, Ppm},
};
use surety_kzg::Params;
use surety_verifier::CompiledPolicy;

use super::*;
use crate::{abi::word, sample};

const RULES: &str = "kind = \"surety/chain-rules\"\nversion = 1\nline = \"example\"\npolicy_version = 2\ngrace = 60\n";
const DELAY: Seconds = Seconds(86_400);

fn rules() -> ChainRules {
    ChainRules::from_toml("rules.toml", RULES).unwrap()
}

/// A policy, and one whose attestations count for an hour instead of a day.
fn policies() -> [(CompiledPolicy, Params); 2] {
    [sample::policy(), sample::changed_policy(|policy| policy.validity = Seconds(3_600))]
}

fn proposal() -> Proposal {
    let [(before, _), (after, _)] = policies();
    let reports = [("calibration.md".to_owned(), b"a report".to_vec())];
    propose(before.committed(), after.committed(), &rules(), &sample::deployment(), DELAY, &reports).unwrap()
}

#[test]
fn a_proposal_states_the_call_that_publishes_it() {
    let [_, (after, _)] = policies();
    let proposal = proposal();
    assert_eq!(Proposal::from_json("proposal.json", &proposal.to_json().unwrap()).unwrap(), proposal);
    let [change] = &proposal.changes[..] else { panic!("one change: {:?}", proposal.changes) };
    assert_eq!(
        (&*change.parameter, change.old.as_deref(), change.new.as_deref(), change.direction),
        ("validity", Some("86400"), Some("3600"), Direction::Tighter)
    );
    let [call] = &proposal.calls[..] else { panic!("one call") };
    assert_eq!((call.to, &*call.contract), (sample::deployment().policies, "PolicyRegistry"));
    let sent = publishCall { publication: publication(&sample::deployment(), after.committed(), &rules()).unwrap() };
    assert_eq!(hex::decode(&call.data).unwrap(), sent.abi_encode());
    let said = |name: &str| call.arguments.iter().find(|it| it.name == format!("publication.{name}")).unwrap();
    assert_eq!(said("validity").value, "3600");
    assert_eq!(said("version").value, "2");
    assert_eq!(said("line").value, keccak256("example").to_string());
    assert_eq!(said("document").value, word(&after.committed().file().document.0).to_string());
    assert_eq!(proposal.reports[0].keccak256, bytes32(keccak256("a report")));
    assert_eq!((proposal.fast_path.suffices, proposal.delay), (false, DELAY));
}

/// Attack: a proposal whose readable part is another one than the data that would be sent.
#[test]
fn rejects_proposals_that_say_something_else_than_their_calls() {
    let honest = json!(proposal());
    let read = |proposal: &serde_json::Value| Proposal::from_json("proposal.json", &proposal.to_string());
    read(&honest).unwrap();
    for (pointer, other) in [
        ("/calls/0/arguments/0/value", json!(B256::ZERO)),
        ("/calls/0/arguments", json!([])),
        ("/calls/0/data", json!("0x")),
        ("/calls/0/data", json!(format!("{}00", honest["calls"][0]["data"].as_str().unwrap()))),
        ("/calls", json!([])),
        ("/changes", json!([])),
        ("/proposed", honest["in_force"].clone()),
    ] {
        let mut changed = honest.clone();
        *changed.pointer_mut(pointer).unwrap() = other;
        assert!(read(&changed).is_err(), "{pointer}");
    }
}

#[test]
fn rejects_proposals_that_change_nothing_or_another_universe() {
    let [(before, _), (after, params)] = policies();
    let proposed = |policy: &CommittedPolicy| {
        propose(before.committed(), policy, &rules(), &sample::deployment(), DELAY, &[]).unwrap_err().to_string()
    };
    assert!(proposed(before.committed()).contains("there is nothing to publish"));
    let universe = after.committed().universe();
    let mut instruments = universe.instruments.clone();
    instruments[1].max_lots = Lots::new(5).unwrap();
    let other = Universe { instruments, ..universe.clone() };
    let policy = CompiledPolicy::compile(after.committed().policy().clone(), other, &params).unwrap();
    assert!(proposed(policy.committed()).contains("the universe of the policy in force"));
}

/// Attack: a proposal to replace another policy than the one that is in force, or in another place of its line.
#[test]
fn rejects_proposals_over_another_policy_than_the_latest() {
    let [(before, _), (after, _)] = policies();
    let (in_force, other) = (before.committed(), after.committed());
    let registry = |latest: u32, policy: PolicyId| {
        let node = sample::contracts(move |data| {
            Ok(match data.get(..4) {
                Some(selector) if selector == latestVersionCall::SELECTOR => {
                    B256::with_last_byte(latest as u8).to_vec()
                }
                Some(selector) if selector == policyOfCall::SELECTOR => word(&policy.0).to_vec(),
                _ => B256::with_last_byte(60).to_vec(),
            })
        });
        Contracts { node, at: sample::deployment() }.line(&rules().line).unwrap()
    };
    let line = registry(1, in_force.id());
    assert_eq!(line, Line { delay: Seconds(60), latest: 1, policy: in_force.id() });
    line.check(in_force, &rules()).unwrap();
    let advice = registry(1, other.id()).check(in_force, &rules()).unwrap_err().to_string();
    assert!(advice.contains("give the policy and the universe that were published last"), "{advice}");
    let version = registry(2, in_force.id()).check(in_force, &rules()).unwrap_err().to_string();
    assert!(version.contains("policy_version: expected one more than the latest version, 2, found 2"), "{version}");
}

/// The example whose parameters are market entries.
fn parameters() -> Policy {
    Policy::read("policy.toml", &parameter_file("policy.toml"), &parameter_universe()).unwrap()
}

fn parameter_universe() -> Universe {
    Universe::from_toml("universe.toml", &parameter_file("universe.toml")).unwrap()
}

fn parameter_file(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/parameters").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn in_force_path(in_force: &Policy, proposed: &Policy) -> FastPath {
    fast_path(in_force, proposed, &parameter_universe(), &rules())
}

#[test]
fn the_fast_path_suffices_for_tighter_numbers_within_the_box() {
    let in_force = parameters();
    let mut proposed = in_force.clone();
    proposed.market[3].max = Price::new(800_000).unwrap();
    proposed.market[5].min = Price::new(70_000).unwrap();
    let found = in_force_path(&in_force, &proposed);
    let entries: Vec<_> = found.entries.iter().map(|it| (it.entry.as_str(), it.number.get())).collect();
    assert_eq!((found.suffices, entries), (true, vec![("BTC-WEIGHT", 800_000), ("BTC-PERP-FRACTION", 70_000)]));
    let directions: Vec<_> = changes(&in_force, &proposed).into_iter().map(|it| (it.parameter, it.direction)).collect();
    let expected = ["market[BTC-PERP-FRACTION].min", "market[BTC-WEIGHT].max"];
    assert_eq!(directions, expected.map(|place| (place.to_owned(), Direction::Tighter)));
}

/// Attack: a looser number, one beyond the box, or something else beside, without a new version.
#[test]
fn rejects_fast_paths_for_more_than_tightening_within_the_box() {
    let in_force = parameters();
    let suffices = |change: &dyn Fn(&mut Policy)| {
        let mut proposed = in_force.clone();
        change(&mut proposed);
        in_force_path(&in_force, &proposed).suffices
    };
    let number = |number| Price::new(number).unwrap();
    assert!(suffices(&|policy| policy.market[3].max = number(400_000)));
    assert!(!suffices(&|policy| policy.market[3].max = number(850_001)));
    assert!(!suffices(&|policy| policy.market[3].min = number(500_000)));
    assert!(!suffices(&|policy| (policy.market[3].min, policy.market[3].max) = (number(1), number(2))));
    assert!(!suffices(&|policy| policy.market[5].min = number(50_000)));
    assert!(!suffices(&|policy| policy.market[0].max = number(600_000_000_000)), "it is no parameter");
    assert!(!suffices(&|policy| {
        policy.market[3].max = number(800_000);
        policy.oracle.max_confidence = Ppm(1);
    }));
    assert!(!suffices(&|policy| {
        policy.market[3].max = number(800_000);
        policy.market[3].tighter = None;
    }));
    assert!(!suffices(&|_| {}));
}

/// A policy out of its values, whose keys are sorted: the type of a model comes first.
fn policy_of(mut value: serde_json::Value) -> Policy {
    let mut model = value["model"].take();
    let tag = model.as_object_mut().unwrap().remove("type").unwrap();
    let model = format!("\"model\":{{\"type\":{tag},{}", &model.to_string()[1..]);
    serde_json::from_str(&value.to_string().replace("\"model\":null", &model)).unwrap()
}

#[test]
fn changes_say_whether_they_are_tighter() {
    let before = parameters();
    let direction = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = json!(before);
        change(&mut value);
        let changes = changes(&before, &policy_of(value));
        let [change] = &changes[..] else { panic!("one change: {changes:?}") };
        (change.parameter.clone(), change.direction)
    };
    let set =
        |pointer: &str, new: serde_json::Value| direction(&|value| *value.pointer_mut(pointer).unwrap() = new.clone());
    use Direction::{Depends, Looser, Tighter};
    let weight = "/model/positions/1/weight/initial";
    assert_eq!(set(weight, json!(800_000)), ("model.positions[BTC].weight.initial".to_owned(), Tighter));
    assert_eq!(set(weight, json!(1_000_000)).1, Looser);
    assert_eq!(set("/model/positions/3/fraction/initial", json!(40_000)).1, Tighter);
    assert_eq!(set("/model/positions/2/liability/initial", json!(1_040_000)).1, Looser);
    // How tight nodes may make a parameter, and which prices count.
    assert_eq!(set("/market/4/min", json!("300000")), ("market[ETH-WEIGHT].min".to_owned(), Tighter));
    assert_eq!(set("/market/5/max", json!("300000")).1, Looser);
    assert_eq!(set("/market/0/max", json!("600000000000")).1, Tighter);
    assert_eq!(set("/market/0/min", json!("400000000000")).1, Looser);
    assert_eq!(set("/model/positions/3/short", json!(false)).1, Depends);
    assert_eq!(set("/name", json!("other")).1, Depends);
    assert_eq!(set("/oracle/quorum", json!(2)).1, Looser);
}

/// Attack: a proposal that is read as one of another line, version, policy or function than its data has, or with a
/// second call that nobody explains.
#[test]
fn rejects_proposals_whose_line_version_or_function_is_not_their_datas() {
    let honest = json!(proposal());
    let call = honest["calls"][0].clone();
    for (pointer, other, place) in [
        ("/line", json!("other"), "line"),
        ("/policy_version", json!(3), "policy_version"),
        ("/proposed", json!(HexBytes::<32>([7; 32])), "proposed"),
        ("/calls/0/contract", json!("AttestationRegistry"), "calls[0].contract"),
        ("/calls/0/function", json!("setDelay(uint40)"), "calls[0].function"),
        ("/calls", json!([call.clone(), call]), "calls"),
    ] {
        let mut changed = honest.clone();
        *changed.pointer_mut(pointer).unwrap() = other;
        let error = Proposal::from_json("proposal.json", &changed.to_string()).unwrap_err().to_string();
        assert!(error.contains(&format!("{place}: expected")), "{pointer}: {error}");
    }
}

/// Attack: the strictest level goes to where a weaker one was, and attestations of the weaker one count for it.
#[test]
fn rejects_orders_of_levels_that_no_change_states() {
    let before = parameters();
    let mut after = before.clone();
    after.levels.swap(0, 1);
    let [change] = &changes(&before, &after)[..] else { panic!("one change") };
    assert_eq!(
        (&*change.parameter, change.old.as_deref(), change.new.as_deref(), change.direction),
        ("levels.order", Some("maintenance, initial"), Some("initial, maintenance"), Direction::Depends)
    );
    // What is added has no order of its own.
    after.levels.swap(0, 1);
    after
        .levels
        .insert(0, surety_margin::level::Level { name: Name::new("first").unwrap(), ..after.levels[0].clone() });
    assert!(changes(&before, &after).iter().all(|change| change.parameter.starts_with("levels[first]")));
}

/// Attack: a bitcoin at 81 and ether at 80 percent, rounded to steps of 5. With both at 80 no step is taken off, and
/// ether counts for more.
#[test]
fn rejects_tighter_for_weights_that_remove_a_step() {
    let weights = |bitcoin: u32, step: &str| {
        let asset = |instrument: &str, weight: u32| {
            format!(
                "[[model.assets]]\ninstrument = \"{instrument}\"\nprice = \"{instrument}-USD\"\n\
                 weight = {{ maintenance = {weight}, initial = {weight} }}\n"
            )
        };
        let text = parameter_file("policy.toml");
        let (head, _) = text.split_once("[model]").unwrap();
        let assets = asset("BTC", bitcoin) + &asset("ETH", 800_000);
        let text = format!("{head}[model]\ntype = \"collateral\"\n{step}{assets}");
        let text = text.replace("tighter = \"lower\"\n", "").replace("tighter = \"higher\"\n", "");
        Policy::read("policy.toml", &text, &parameter_universe()).unwrap()
    };
    let directions = |step: &str| {
        let changes = changes(&weights(810_000, step), &weights(800_000, step));
        changes.iter().map(|change| change.direction).collect::<Vec<_>>()
    };
    assert_eq!(directions("average_step = 50_000\n"), [Direction::Depends; 2]);
    assert_eq!(directions(""), [Direction::Tighter; 2]);
}

/// Attack: a claim of lower quality that is a divisor, or that shrinks what a limit is a share of.
#[test]
fn rejects_tighter_for_qualities() {
    let with = |quality: u32| {
        let mut policy = parameters();
        let claim = json!({ "claim": {
            "token": "BTC", "underlying": "BTC-USD", "rate": "ETH-USD", "quality": quality, "issuer": "somebody",
        } });
        policy.derived[0].formula = serde_json::from_value(claim).unwrap();
        policy
    };
    let [change] = &changes(&with(900_000), &with(800_000))[..] else { panic!("one change") };
    assert_eq!(change.direction, Direction::Depends);
}

/// Attack: an emergency that is left to nodes which could not sign the numbers.
#[test]
fn rejects_fast_paths_that_no_node_could_sign() {
    let (in_force, number) = (parameters(), |number| Price::new(number).unwrap());
    let path = |policy: &Policy, weight: u128, rules: &ChainRules| {
        let mut proposed = policy.clone();
        proposed.market[3].max = number(weight);
        fast_path(policy, &proposed, &parameter_universe(), rules)
    };
    // A tenth from one snapshot to the next: 765,000, 688,500, 619,650.
    let steps = |weight| path(&in_force, weight, &rules()).entries[0].snapshots;
    assert_eq!([765_000, 764_999, 688_500, 620_000, 619_649].map(steps), [1, 2, 2, 3, 4]);
    // What is derived would leave its box at the new number.
    let mut narrow = in_force.clone();
    narrow.derived[0].min = number(300_000_000_000);
    assert!(path(&narrow, 700_000, &rules()).suffices);
    assert!(!path(&narrow, 500_000, &rules()).suffices);
    // The largest step is none.
    let mut stuck = in_force.clone();
    stuck.market[3].max_deviation = Some(Ppm(1));
    assert!(!path(&stuck, 700_000, &rules()).suffices);
    // Prices come from feeds, and nobody signs.
    let feed = "[[feeds]]\nentry = \"BTC-USD\"\naggregator = \"0x0e86a930090f39a4418d8ca6a9d671fbe738251c\"\n\
                decimals = 8\n";
    let feeds = ChainRules::from_toml("rules.toml", &format!("{RULES}{feed}")).unwrap();
    assert!(!path(&in_force, 700_000, &feeds).suffices);
}
