//! Aggregation of the example's reports, and every rule that reports and snapshots must keep, broken one at a time.

mod breaker;
mod feeds;

use std::{fs, path::PathBuf};

use surety_core::{
    FormatVersion,
    ident::{HexBytes, Name},
    kind::KindOf,
    problem::Problem,
    text::{Document, table::Dialect},
    units::{Price, Seconds, Timestamp},
};
use surety_import::observations::read_observations;
use surety_margin::{
    market::{Observation, Observed, Report, Snapshot},
    oracle::{aggregate, check, check_taken, market_without_reports},
    policy::Policy,
    universe::Universe,
};

/// The epochs of the example are 300 seconds long.
const EPOCH: u64 = 5_931_234;
const START: u64 = EPOCH * 300;

fn example(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)).unwrap()
}

fn universe() -> Universe {
    Universe::from_toml("universe.toml", &example("universe.toml")).unwrap()
}

/// The example's policy, with a quorum that leaves a report to spare.
fn policy() -> Policy {
    let mut policy = Policy::from_toml("policy.toml", &example("policy.toml")).unwrap();
    policy.oracle.quorum = 2;
    policy
}

fn price(value: u128) -> Price {
    Price::new(value).unwrap()
}

fn observed(value: u128, confidence: u128) -> Observed {
    Observed::Price(Observation { price: price(value), confidence: price(confidence), age: Seconds(0) })
}

/// A report of the example's node with that number.
fn report(node: usize) -> Report {
    let file = format!("market/node-{}.csv", node + 1);
    Report {
        kind: KindOf::new(),
        version: FormatVersion,
        oracle: policy().oracle.nodes[node].signer,
        feeds: HexBytes([7; 32]),
        epoch: EPOCH,
        previous: Report::FIRST,
        observed_at: Timestamp(START + 10 + 10 * node as u64),
        observations: read_observations(&file, &example(&file), &policy(), &Dialect::default(), &mut Vec::new())
            .unwrap(),
        signature: HexBytes::ZERO,
    }
}

fn reports() -> Vec<Report> {
    vec![report(0), report(1), report(2)]
}

fn snapshot() -> Snapshot {
    aggregate(&policy(), &reports(), None).unwrap()
}

/// Reports whose first entry has the given prices.
fn with_first_prices(prices: &[u128]) -> Vec<Report> {
    let with = |(node, value): (usize, &u128)| {
        let mut report = report(node);
        report.observations[0] = observed(*value, 1);
        report
    };
    prices.iter().enumerate().map(with).collect()
}

#[track_caller]
fn refused<T: core::fmt::Debug>(result: Result<T, Vec<Problem>>, messages: &[&str]) {
    let found: Vec<_> = result.unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(found, messages);
}

#[track_caller]
fn reports_refused(change: impl FnOnce(&mut Vec<Report>), messages: &[&str]) {
    let mut reports = reports();
    change(&mut reports);
    refused(aggregate(&policy(), &reports, None), messages);
    let snapshot = Snapshot { reports, ..snapshot() };
    assert!(check(&policy(), &universe(), &snapshot).is_err(), "nor does a snapshot of them pass");
}

#[track_caller]
fn snapshot_refused(change: impl FnOnce(&mut Snapshot), messages: &[&str]) {
    let mut snapshot = snapshot();
    change(&mut snapshot);
    refused(check(&policy(), &universe(), &snapshot), messages);
}

#[test]
fn an_odd_number_of_reports_has_the_price_in_the_middle() {
    let snapshot = aggregate(&policy(), &with_first_prices(&[100_000_003, 100_000_001, 170_000_000]), None).unwrap();
    assert_eq!(snapshot.prices[0].price, price(100_000_003));
}

#[test]
fn an_even_number_of_reports_has_the_mean_rounded_down() {
    let snapshot = aggregate(&policy(), &with_first_prices(&[100_000_006, 100_000_001]), None).unwrap();
    assert_eq!(snapshot.prices[0].price, price(100_000_003));
    let snapshot = aggregate(&policy(), &with_first_prices(&[100_000_005, 100_000_005]), None).unwrap();
    assert_eq!(snapshot.prices[0].price, price(100_000_005));
}

#[test]
fn a_snapshot_does_not_depend_on_the_order_of_the_reports() {
    let mut reversed = reports();
    reversed.reverse();
    let snapshot = snapshot();
    assert_eq!(aggregate(&policy(), &reversed, None).unwrap(), snapshot);
    assert_eq!((snapshot.epoch, snapshot.time), (EPOCH, Timestamp(START + 10)));
    assert!(snapshot.reports.is_sorted_by_key(|report| report.oracle));
    let prices: Vec<_> = snapshot.prices.iter().map(|stated| stated.price).collect();
    assert_eq!(check(&policy(), &universe(), &snapshot).unwrap(), prices);
}

#[test]
fn observations_come_in_the_order_of_the_policy() {
    let policy = policy();
    let mut lines: Vec<_> = example("market/node-1.csv").lines().map(str::to_owned).collect();
    lines[1..].reverse();
    lines.push("DOGE-USD,5,1".to_owned());
    let observations =
        read_observations("n.csv", &lines.join("\n"), &policy, &Dialect::default(), &mut Vec::new()).unwrap();
    assert_eq!(observations, report(0).observations, "entries that the policy does not read are ignored");
}

#[test]
fn rejects_observations_that_are_missing_repeated_or_malformed() {
    let text = example("market/node-1.csv");
    let refused = |from: &str, to: &str, message: &str| {
        assert!(text.contains(from));
        let errors =
            read_observations("n.csv", &text.replace(from, to), &policy(), &Dialect::default(), &mut Vec::new())
                .unwrap_err();
        assert_eq!(errors.to_string(), message);
    };
    refused("SOL-USD", "SOL-EUR", "n.csv:1:1: expected a line for SOL-USD, found none");
    refused(
        "\nBTC-USD,",
        "\nBTC-USD,-",
        "n.csv:4:9: BTC-USD: expected a number that is not negative, found \"-10427780000000\"",
    );
    refused(
        "\nBTC-USD,10427780000000",
        "\nBTC-USD,79228162514264337593543950336",
        "n.csv:4:9: BTC-USD: expected a price of at most 2^96 - 1, found \"79228162514264337593543950336\"",
    );
    refused(
        "\nUSDC-USD",
        "\nBTC-USD,1,1\nUSDC-USD",
        "n.csv:5:1: entry: expected each market entry once, found BTC-USD again",
    );
    refused(
        "entry,price",
        "entry,worth",
        "n.csv:1:1: expected a column price, found the columns entry, worth, confidence",
    );
}

/// What the first node says, with another table.
fn observed_in(text: &str) -> (Result<Vec<Observed>, String>, Vec<String>) {
    let mut notes = Vec::new();
    let read = read_observations("n.csv", text, &policy(), &Dialect::default(), &mut notes);
    (read.map_err(|errors| errors.to_string()), notes.iter().map(ToString::to_string).collect())
}

/// The same prices with a decimal mark, in whatever table.
#[test]
fn prices_may_be_decimals_and_are_scaled_by_the_policy() {
    let whole = example("market/node-1.csv");
    let expected = report(0).observations;
    let decimal = |digits: &str| {
        let digits = format!("{digits:0>9}");
        let (units, fraction) = digits.split_at(digits.len() - 8);
        format!("{units}.{fraction}")
    };
    let rows: Vec<Vec<&str>> = whole.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let all =
        rows.iter().map(|row| format!("{},{},{}\n", row[0], decimal(row[1]), decimal(row[2]))).collect::<String>();
    assert_eq!(observed_in(&format!("entry,price,confidence\n{all}")), (Ok(expected.clone()), vec![]));
    // As a spreadsheet writes it, in another order, with more columns.
    let semicolons = rows.iter().map(|row| format!("x;{};{};{}\r\n", decimal(row[2]), decimal(row[1]), row[0]));
    let semicolons = format!("\u{feff}Source;Confidence;PRICE;Entry\r\n{}", semicolons.collect::<String>());
    assert_eq!(observed_in(&semicolons), (Ok(expected.clone()), vec!["columns ignored: Source".to_owned()]));
    // One of them.
    let one = whole.replace("USDC-USD,99957100,36290", "USDC-USD,0.9999,0.0001");
    let (read, notes) = observed_in(&one);
    assert_eq!((read.unwrap()[0], notes), (observed(99_990_000, 10_000), vec![]));
    // To the nearest, and the confidence up.
    let long = whole.replace("USDC-USD,99957100,36290", "USDC-USD,0.999900005,0.000100001");
    let (read, notes) = observed_in(&long);
    let note = "prices with more decimal places than their entries, rounded to the nearest (1 row)";
    assert_eq!((read.unwrap()[0], notes), (observed(99_990_000, 10_001), vec![note.to_owned()]));
    let up = whole.replace("USDC-USD,99957100,36290", "USDC-USD,0.999900006,0");
    assert_eq!(observed_in(&up).0.unwrap()[0], observed(99_990_001, 0));
    // A whole number is what its box leaves it to be, whatever stands beside it.
    for text in [&one, &whole] {
        let units = text.replace("BTC-USD,10427780000000,2620000000", "BTC-USD,104277,26");
        assert_eq!(observed_in(&units).0.unwrap()[2], observed(10_427_700_000_000, 2_600_000_000));
    }
    // In no box: the rules that are checked next say what it counts.
    let outside = whole.replace("BTC-USD,10427780000000,2620000000", "BTC-USD,7,1");
    assert_eq!(observed_in(&outside).0.unwrap()[2], observed(7, 1));
}

/// Attack: a price that is a hundred times too small because it has lost its decimal mark.
#[test]
fn rejects_whole_prices_that_can_be_read_in_two_ways() {
    let mut policy = policy();
    policy.market[2].decimals = surety_core::units::Decimals::new(2).unwrap();
    (policy.market[2].min, policy.market[2].max) = (price(100_000), price(1_000_000_000));
    let whole = example("market/node-1.csv");
    let decimals = whole.replace("USDC-USD,99957100,36290", "USDC-USD,0.9999,0.0001");
    for text in [whole, decimals] {
        let read = |price: &str| {
            let text = text.replace("BTC-USD,10427780000000,2620000000", &format!("BTC-USD,{price},26"));
            read_observations("n.csv", &text, &policy, &Dialect::default(), &mut Vec::new())
        };
        assert_eq!(
            read("104277").unwrap_err().to_string(),
            "n.csv:4:9: BTC-USD: expected a price that lies in the entry's box in one reading, of quote units or of \
             smallest steps, found 104277; write the decimal mark: 104277.00 or 1042.77"
        );
        assert_eq!(read("104277.00").unwrap()[2], observed(10_427_700, 2_600));
        assert_eq!(read("1042.77").unwrap()[2], observed(104_277, 2_600));
        // One reading is out of the box.
        assert_eq!(read("99999999").unwrap()[2], observed(99_999_999, 26));
        assert_eq!(read("2000").unwrap()[2], observed(200_000, 2_600));
    }
}

#[test]
fn rejects_fewer_reports_than_the_quorum() {
    reports_refused(|reports| reports.truncate(1), &["reports: expected at least 2 reports, found 1"]);
    reports_refused(Vec::clear, &["reports: expected at least 2 reports, found 0"]);
    let lax = Policy { oracle: surety_margin::market::OracleRules { quorum: 0, ..policy().oracle }, ..policy() };
    refused(aggregate(&lax, &[], None), &["reports: expected at least 1 reports, found 0"]);
}

#[test]
fn rejects_two_reports_of_one_node() {
    reports_refused(
        |reports| reports[1].oracle = reports[0].oracle,
        &["reports[1].oracle: expected one report of each node, found 0x0e86a930090f39a4418d8ca6a9d671fbe738251c \
             again"],
    );
}

#[test]
fn rejects_nodes_that_the_policy_does_not_name() {
    reports_refused(
        |reports| reports[1].oracle = HexBytes([9; 20]),
        &["reports[1].oracle: expected the signer of an oracle node of the policy, found \
             0x0909090909090909090909090909090909090909"],
    );
}

#[test]
fn rejects_reports_of_other_feeds() {
    reports_refused(
        |reports| reports[2].feeds = HexBytes([8; 32]),
        &["reports[2].feeds: expected the feeds of the first report, \
             0x0707070707070707070707070707070707070707070707070707070707070707, found \
             0x0808080808080808080808080808080808080808080808080808080808080808"],
    );
}

#[test]
fn rejects_reports_of_different_epochs() {
    let next = |report: &mut Report| {
        report.epoch += 1;
        report.observed_at.0 = START + 300;
    };
    reports_refused(
        |reports| {
            reports[0].observed_at.0 = START + 299;
            reports[1].observed_at.0 = START + 299;
            next(&mut reports[2]);
        },
        &["reports[2].epoch: expected the epoch of the first report, 5931234, found 5931235"],
    );
}

#[test]
fn rejects_times_outside_of_the_epoch() {
    let all_at =
        |time: u64| move |reports: &mut Vec<Report>| reports.iter_mut().for_each(|report| report.observed_at.0 = time);
    reports_refused(
        all_at(START - 1),
        &[
            "reports[0].observed_at: expected a time in epoch 5931234 of 300 seconds, found 1779370199",
            "reports[1].observed_at: expected a time in epoch 5931234 of 300 seconds, found 1779370199",
            "reports[2].observed_at: expected a time in epoch 5931234 of 300 seconds, found 1779370199",
        ],
    );
    reports_refused(
        all_at(START + 300),
        &[
            "reports[0].observed_at: expected a time in epoch 5931234 of 300 seconds, found 1779370500",
            "reports[1].observed_at: expected a time in epoch 5931234 of 300 seconds, found 1779370500",
            "reports[2].observed_at: expected a time in epoch 5931234 of 300 seconds, found 1779370500",
        ],
    );
    let mut reports = reports();
    all_at(START + 299)(&mut reports);
    assert!(aggregate(&policy(), &reports, None).is_ok());
}

#[test]
fn rejects_an_epoch_of_no_length_without_dividing_by_it() {
    let mut policy = policy();
    policy.oracle.epoch = Seconds(0);
    refused(
        aggregate(&policy, &reports()[..2], None),
        &[
            "reports[0].observed_at: expected a time in epoch 5931234 of 0 seconds, found 1779370210",
            "reports[1].observed_at: expected a time in epoch 5931234 of 0 seconds, found 1779370220",
        ],
    );
}

#[test]
fn rejects_reports_too_far_apart() {
    let apart = |seconds: u64| move |reports: &mut Vec<Report>| reports[2].observed_at.0 = START + 10 + seconds;
    reports_refused(apart(61), &["reports: expected times at most 60 seconds apart, found 61 seconds"]);
    let mut reports = reports();
    apart(60)(&mut reports);
    assert!(aggregate(&policy(), &reports, None).is_ok());
}

#[test]
fn rejects_observations_missing_or_in_excess() {
    reports_refused(
        |reports| reports[0].observations.truncate(10),
        &["reports[0].observations: expected 11 observations, found 10"],
    );
    reports_refused(
        |reports| {
            let last = reports[0].observations[10];
            reports[0].observations.push(last);
        },
        &["reports[0].observations: expected 11 observations, found 12"],
    );
}

#[test]
fn rejects_wide_confidence_intervals() {
    // 0.2 percent of 100000000, and a price at which the product of both is largest.
    let observe = |value: u128, confidence: u128| {
        move |reports: &mut Vec<Report>| {
            reports[0].observations[0] = observed(value, confidence);
        }
    };
    reports_refused(
        observe(100_000_000, 200_001),
        &["reports[0].observations[0].confidence: expected at most 0.2 % of the price 100000000, found 200001"],
    );
    reports_refused(
        observe(100_000_499, 200_001),
        &["reports[0].observations[0].confidence: expected at most 0.2 % of the price 100000499, found 200001"],
    );
    reports_refused(
        observe(1, Price::MAX),
        &[
            "reports[0].observations[0].price: expected a price of USDC-USD from 50000000 to 200000000, found 1",
            "reports[0].observations[0].confidence: expected at most 0.2 % of the price 1, found \
             79228162514264337593543950335",
        ],
    );
    for narrow in [observe(100_000_000, 200_000), observe(100_000_500, 200_001)] {
        let mut reports = reports();
        narrow(&mut reports);
        assert!(aggregate(&policy(), &reports, None).is_ok());
    }
}

/// Attack: of two reports the median is the mean, which one price of nothing halves.
#[test]
fn rejects_observations_outside_of_the_price_box() {
    let outside = |value: u128, report: usize| {
        let expected = "a price of USDC-USD from 50000000 to 200000000";
        format!("reports[{report}].observations[0].price: expected {expected}, found {value}")
    };
    for prices in [[49_999_999, 100_000_000], [200_000_001, 100_000_000], [0, 100_000_000], [Price::MAX, 100_000_000]] {
        let problems = aggregate(&policy(), &with_first_prices(&prices), None).unwrap_err();
        assert_eq!(problems[0].to_string(), outside(prices[0], 0));
        let snapshot = Snapshot { reports: with_first_prices(&prices), ..snapshot() };
        assert_eq!(check(&policy(), &universe(), &snapshot).unwrap_err()[0].to_string(), outside(prices[0], 0));
    }
    for edges in [[50_000_000, 50_000_000, 100_000_000], [200_000_000, 200_000_000, 100_000_000]] {
        let snapshot = aggregate(&policy(), &with_first_prices(&edges), None).unwrap();
        assert_eq!(snapshot.prices[0].price, price(edges[0]));
    }
}

#[test]
fn rejects_reports_that_are_not_in_ascending_order() {
    snapshot_refused(
        |snapshot| snapshot.reports.swap(0, 1),
        &["reports: expected ascending order of the signers, found another order"],
    );
}

#[test]
fn rejects_prices_that_are_not_the_medians() {
    snapshot_refused(
        |snapshot| snapshot.prices[3].price = price(snapshot.prices[3].price.get() + 1),
        &["prices[3].price: expected the median of the reports, 390483600000, found 390483600001"],
    );
}

#[test]
fn rejects_a_time_or_epoch_that_is_not_that_of_the_reports() {
    snapshot_refused(
        |snapshot| snapshot.time.0 += 1,
        &["time: expected the time of the oldest report, 1779370210, found 1779370211"],
    );
    snapshot_refused(
        |snapshot| snapshot.epoch += 1,
        &["epoch: expected the epoch of the reports, 5931234, found 5931235"],
    );
}

#[test]
fn rejects_prices_of_other_entries() {
    snapshot_refused(
        |snapshot| snapshot.prices.swap(0, 1),
        &[
            "prices[0].price: expected the median of the reports, 99957100, found 100004000",
            "prices[1].price: expected the median of the reports, 100004000, found 99957100",
            "prices[0].entry: expected the entry USDC-USD, found USDT-USD",
            "prices[1].entry: expected the entry USDT-USD, found USDC-USD",
        ],
    );
    snapshot_refused(
        |snapshot| snapshot.prices[0].entry = Name::new("DAI-USD").unwrap(),
        &["prices[0].entry: expected the entry USDC-USD, found DAI-USD"],
    );
    snapshot_refused(|snapshot| snapshot.prices.truncate(10), &["prices: expected 11 prices, found 10"]);
    snapshot_refused(
        |snapshot| snapshot.prices.push(snapshot.prices[0].clone()),
        &["prices: expected 11 prices, found 12"],
    );
}

#[test]
fn rejects_taken_snapshots_of_another_epoch_or_with_reports() {
    let taken = Snapshot { reports: Vec::new(), ..snapshot() };
    assert_eq!(check_taken(&policy(), &universe(), &taken), check(&policy(), &universe(), &snapshot()));
    let reports = snapshot().reports.len();
    let expected = format!("reports: expected none, because a contract has taken the snapshot, found {reports}");
    refused(check_taken(&policy(), &universe(), &snapshot()), &[&expected]);
    let Snapshot { epoch, time, .. } = taken;
    let length = policy().oracle.epoch.0;
    let later = Snapshot { time: Timestamp(time.0 + length), ..taken };
    let expected = format!("time: expected a time in epoch {epoch} of {length} seconds, found {}", time.0 + length);
    refused(check_taken(&policy(), &universe(), &later), &[&expected]);
}

#[test]
fn market_without_reports_are_checked_all_the_same() {
    let unsigned = Snapshot { reports: Vec::new(), ..snapshot() };
    assert_eq!(market_without_reports(&policy(), &universe(), &unsigned), check(&policy(), &universe(), &snapshot()));
    refused(check(&policy(), &universe(), &unsigned), &["reports: expected at least 2 reports, found 0"]);
    let mut outside = unsigned.clone();
    outside.prices[0].price = price(49_999_999);
    refused(
        market_without_reports(&policy(), &universe(), &outside),
        &["prices[0].price: expected a price of USDC-USD from 50000000 to 200000000, found 49999999"],
    );
    let mut short = unsigned;
    short.prices.pop();
    refused(market_without_reports(&policy(), &universe(), &short), &["prices: expected 11 prices, found 10"]);
}
