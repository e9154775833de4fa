//! Rules that a market entry has of its own, and nodes that do not follow every entry.

use proptest::prelude::*;
use surety_core::{
    text::{Document, table::Dialect},
    units::{Ppm, Seconds, Timestamp},
};
use surety_import::observations::read_observations;
use surety_margin::{
    market::{MarketEntry, Observation, Observed, Report},
    oracle::{aggregate, check, oldest_observation},
    policy::Policy,
};

use super::{START, example, observed, policy, price, refused, reports, reports_refused, universe};

/// The entry that these tests are about, USDC-USD.
const ENTRY: usize = 0;

/// The example's policy, with rules of its own for the entry.
fn policy_with(rules: impl FnOnce(&mut MarketEntry)) -> Policy {
    let mut policy = policy();
    rules(&mut policy.market[ENTRY]);
    assert_eq!(policy.problems(), []);
    policy
}

/// Reports in which the first nodes have something else to say about the entry.
fn reports_with(changed: &[Observed]) -> Vec<Report> {
    let mut reports = reports();
    for (report, observed) in reports.iter_mut().zip(changed) {
        report.observations[ENTRY] = *observed;
    }
    reports
}

fn aged(age: u64) -> Observed {
    Observed::Price(Observation { price: price(100_000_000), confidence: price(1), age: Seconds(age) })
}

#[test]
fn the_median_is_over_those_who_follow_the_entry() {
    let reports = reports_with(&[observed(100_000_001, 1), Observed::Absent, observed(100_000_004, 1)]);
    let snapshot = aggregate(&policy(), &reports, None).unwrap();
    assert_eq!(snapshot.prices[ENTRY].price, price(100_000_002));
    assert_eq!(check(&policy(), &universe(), &snapshot).unwrap()[ENTRY], price(100_000_002));
}

#[test]
fn rejects_an_entry_that_fewer_nodes_follow_than_the_quorum() {
    let message = "reports: expected at least 2 observations of USDC-USD, found 1";
    reports_refused(|reports| *reports = reports_with(&[Observed::Absent; 2]), &[message]);
}

#[test]
fn rejects_an_entry_that_fewer_nodes_follow_than_its_own_quorum() {
    let lax = policy_with(|entry| entry.quorum = Some(1));
    let alone = reports_with(&[Observed::Absent, observed(100_000_007, 1), Observed::Absent]);
    assert_eq!(aggregate(&lax, &alone, None).unwrap().prices[ENTRY].price, price(100_000_007));
    refused(
        aggregate(&lax, &reports_with(&[Observed::Absent; 3]), None),
        &["reports: expected at least 1 observations of USDC-USD, found 0"],
    );
    let strict = policy_with(|entry| entry.quorum = Some(3));
    aggregate(&strict, &reports(), None).unwrap();
    let message = "reports: expected at least 3 observations of USDC-USD, found 2";
    refused(aggregate(&strict, &reports()[..2], None), &[message]);
    refused(aggregate(&strict, &reports_with(&[Observed::Absent]), None), &[message]);
}

#[test]
fn rejects_confidence_intervals_wider_than_the_entry_allows() {
    let (lax, strict) = (
        policy_with(|entry| entry.max_confidence = Some(Ppm(10_000))),
        policy_with(|entry| entry.max_confidence = Some(Ppm(1_000))),
    );
    let all = |confidence| reports_with(&[observed(100_000_000, confidence); 3]);
    let path = "reports[0].observations[0].confidence";
    for (policy, widest, ppm) in [(&lax, 1_000_000, 10_000), (&policy(), 200_000, 2_000), (&strict, 100_000, 1_000)] {
        aggregate(policy, &all(widest), None).unwrap();
        let problems = aggregate(policy, &all(widest + 1), None).unwrap_err();
        let expected = format!("{path}: expected at most {} of the price 100000000, found {}", Ppm(ppm), widest + 1);
        assert_eq!(problems[0].to_string(), expected);
    }
}

#[test]
fn rejects_stale_observations() {
    let message = "reports[0].observations[0].age: expected at most 900 seconds before the report, found 901";
    aggregate(&policy(), &reports_with(&[aged(900)]), None).unwrap();
    reports_refused(|reports| *reports = reports_with(&[aged(901)]), &[message]);
    let daily = policy_with(|entry| entry.max_age = Some(Seconds(86_400)));
    aggregate(&daily, &reports_with(&[aged(86_400)]), None).unwrap();
    let message = "reports[0].observations[0].age: expected at most 86400 seconds before the report, found 86401";
    refused(aggregate(&daily, &reports_with(&[aged(86_401)]), None), &[message]);
    let brisk = policy_with(|entry| entry.max_age = Some(Seconds(5)));
    let message = "reports[0].observations[0].age: expected at most 5 seconds before the report, found 6";
    refused(aggregate(&brisk, &reports_with(&[aged(6)]), None), &[message]);
}

#[test]
fn rejects_an_age_that_points_before_1970() {
    let patient = policy_with(|entry| entry.max_age = Some(Seconds(u64::MAX)));
    aggregate(&patient, &reports_with(&[aged(START + 10)]), None).unwrap();
    refused(
        aggregate(&patient, &reports_with(&[aged(START + 11)]), None),
        &["reports[0].observations[0].age: expected at most 1779370210 seconds before the report, found 1779370211"],
    );
}

#[test]
fn the_oldest_observation_is_by_report_and_age() {
    let snapshot = aggregate(&policy(), &reports_with(&[Observed::Absent, aged(0), aged(15)]), None).unwrap();
    assert_eq!(oldest_observation(&snapshot, ENTRY), Some(Timestamp(START + 15)));
    assert_eq!(oldest_observation(&snapshot, ENTRY + 1), Some(Timestamp(START + 10)));
    assert_eq!(oldest_observation(&snapshot, 11), None);
    assert_eq!(snapshot.time, Timestamp(START + 10), "the time is that of the oldest report");
}

#[test]
fn absences_and_ages_are_written_in_one_way() {
    let mut report = reports_with(&[Observed::Absent]).remove(0);
    report.observations[1] = aged(7);
    let text = report.to_json().unwrap();
    assert_eq!(text.matches("\"absent\"").count(), 1);
    assert_eq!(text.matches("\"age\"").count(), 1, "no age is not written");
    assert_eq!(Report::from_json("report.json", &text).unwrap(), report);
    for other in ["\"Absent\"", "null", "{}", "[]", "false", "{ \"price\": \"1\" }", "[\"1\", \"1\"]"] {
        let changed = text.replacen("\"absent\"", other, 1);
        assert!(Report::from_json("report.json", &changed).is_err(), "{other}");
    }
}

#[test]
fn rejects_lines_that_are_neither_followed_nor_absent() {
    let text = example("market/node-1.csv");
    let with = |line: &str| text.replace("USDC-USD,99957100,36290", line);
    let read = |text: &str| read_observations("n.csv", text, &policy(), &Dialect::default(), &mut Vec::new());
    assert_eq!(read(&with("USDC-USD,,")).unwrap()[ENTRY], Observed::Absent);
    let half = |line: &str| {
        let errors = read(&with(line)).unwrap_err().to_string();
        let expected = "n.csv:2:1: USDC-USD: expected a price and its confidence, or empty fields for an entry that is \
             not \
                        followed, found only some of them";
        assert_eq!(errors, expected);
    };
    half("USDC-USD,99957100,");
    half("USDC-USD,,36290");

    let with = |header: &str, line: &str| {
        let aged = text.lines().skip(2).map(|line| format!("{line},0\n")).collect::<String>();
        read(&format!("{header}\n{line}\n{aged}"))
    };
    let good = "entry,price,confidence,age";
    assert_eq!(with(good, "USDC-USD,100000000,1,30").unwrap()[ENTRY], aged(30));
    assert_eq!(with(good, "USDC-USD,,,").unwrap()[ENTRY], Observed::Absent);
    for line in ["USDC-USD,100000000,1,-1", "USDC-USD,100000000,1", "USDC-USD,,,5"] {
        assert!(with(good, line).is_err(), "{line}");
    }
    assert_eq!(with("entry,price,confidence,Age", "USDC-USD,100000000,1,30").unwrap()[ENTRY], aged(30));
    for (age, seconds) in
        [("1.5", 2), ("\"1,5\"", 2), ("0.001", 1), ("1.000", 1), ("1500ms", 2), ("2m", 120), ("2E1", 20)]
    {
        assert_eq!(with(good, &format!("USDC-USD,100000000,1,{age}")).unwrap()[ENTRY], aged(seconds), "{age}");
    }
    for age in ["-0.5", "\"1,500\"", "1e30", "new", "PT0,5"] {
        assert!(with(good, &format!("USDC-USD,100000000,1,{age}")).is_err(), "{age}");
    }
}

/// Attack: an observation that is old, in a column that nobody reads.
#[test]
fn rejects_ages_in_columns_that_are_not_read() {
    let text = example("market/node-1.csv");
    let read = |column: &str, value: &str| {
        let rows = text.lines().skip(1).map(|line| format!("{line},{value}\n")).collect::<String>();
        let text = format!("entry,price,confidence,{column}\n{rows}");
        read_observations("n.csv", &text, &policy(), &Dialect::default(), &mut Vec::new())
            .map_err(|errors| errors.to_string())
    };
    for column in
        ["age_ms", "age (ms)", "Age in minutes", "timestamp", "publishTime", "last updated", "date", "ts", "as of"]
    {
        let error = read(column, "5000").unwrap_err();
        let message = format!(
            "n.csv:1:24: expected how old each observation is in a column age, in seconds, found a column {column}; \
             state \
             ages so, or leave the column out"
        );
        assert!(error.contains(&message), "{error}");
        assert!(read(column, "").is_ok());
        let beside = read(&format!("age,{column}"), "5,5000");
        assert_eq!(beside.is_err(), column.to_lowercase().starts_with("age"), "the age is read");
    }
    assert!(read("agency", "5").is_ok() && read("Age (s)", "5").is_ok());
}

#[test]
fn rejects_rules_of_an_entry_that_make_no_sense() {
    let problems = |rules: fn(&mut MarketEntry)| {
        let mut policy = policy();
        rules(&mut policy.market[3]);
        policy.problems().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let quorum = "market[3].quorum: expected from 1 to the number of nodes, which is 3, found";
    assert_eq!(problems(|entry| entry.quorum = Some(0)), [format!("{quorum} 0")]);
    assert_eq!(problems(|entry| entry.quorum = Some(4)), [format!("{quorum} 4")]);
    let age = "market[3].max_age: expected at least one second, found 0";
    assert_eq!(problems(|entry| entry.max_age = Some(Seconds(0))), [age]);
    let confidence = "market[3].max_confidence: expected from 0.0001 % to 100 %, found";
    assert_eq!(problems(|entry| entry.max_confidence = Some(Ppm(0))), [format!("{confidence} 0 %")]);
    assert_eq!(problems(|entry| entry.max_confidence = Some(Ppm(1_000_001))), [format!("{confidence} 100.0001 %")]);
    let breaker =
        "market[3].max_deviation: expected a breaker in oracle, without which nothing is compared, found none";
    assert_eq!(problems(|entry| entry.max_deviation = Some(Ppm(5))), [breaker]);
}

proptest! {
    /// Whoever is absent where, and whoever comes first.
    #[test]
    fn the_order_of_reports_does_not_matter(
        present in prop::collection::vec(prop::array::uniform3(any::<bool>()), 11),
        order in Just(vec![0, 1, 2]).prop_shuffle(),
    ) {
        let mut reports = reports();
        for (entry, present) in present.iter().enumerate() {
            for (report, present) in reports.iter_mut().zip(present) {
                if !present {
                    report.observations[entry] = Observed::Absent;
                }
            }
        }
        let enough = present.iter().all(|present| present.iter().filter(|present| **present).count() >= 2);
        let snapshot = aggregate(&policy(), &reports, None);
        prop_assert_eq!(snapshot.is_ok(), enough);
        let shuffled: Vec<_> = order.iter().map(|i: &usize| reports[*i].clone()).collect();
        prop_assert_eq!(aggregate(&policy(), &shuffled, None).ok(), snapshot.ok());
    }
}
