//! Parameters that are market entries: their next numbers stay in their boxes and within the limits.

use proptest::prelude::*;
use surety_calibration::{
    calibration::{Calibration, Driven},
    entries::{NextEntry, Previous, next, table},
    history::History,
    liquidity::{Liquidity, Size, table::LiquidityTable},
    parameters::{CalibrateError, tighten},
    update::{Bounds, Pace},
};
use surety_core::{
    ident::Name,
    text::{Document as _, table::Dialect},
    units::{Decimals, Notional, Ppm, Price, Timestamp},
};
use surety_margin::{
    level::ByBasis,
    market::{MarketEntry, Tighter},
    policy::Policy,
    universe::Universe,
};

use crate::{example, read_history};

/// Prices that swing by up to six percent a day, over months that all have 28 days.
fn history() -> History {
    let days = (0..400).map(|day| format!("{:04}-{:02}-{:02}", 2000 + day / 336, day % 336 / 28 + 1, day % 28 + 1));
    let lines = days.enumerate().map(|(i, day)| format!("{day},{},{}\n", 100 + i * i % 7, 200 + i * i % 5));
    read_history("h.csv", &format!("date,BTC-USD,ETH-USD\n{}", lines.collect::<String>()))
}

fn policy() -> Policy {
    let universe = Universe::from_toml("universe.toml", &example("parameters/universe.toml")).unwrap();
    Policy::read("policy.toml", &example("parameters/policy.toml"), &universe).unwrap()
}

fn rules() -> String {
    example("parameters/calibration.toml").replace("max_gap = 3", "max_gap = 4")
}

fn calibration(history: &History) -> Calibration {
    Calibration::read("c", &rules(), history, Some(&policy())).unwrap()
}

fn price(number: u128) -> Price {
    Price::new(number).unwrap()
}

fn parameters(policy: &Policy) -> impl Iterator<Item = &MarketEntry> {
    policy.market.iter().filter(|entry| entry.tighter.is_some())
}

/// What a number of an entry requires.
fn required(entry: &MarketEntry, number: Price) -> i64 {
    let number = i64::try_from(number.get()).unwrap();
    if entry.tighter == Some(Tighter::Lower) { 1_000_000 - number } else { number }
}

/// All at one part of the way from the approved end to the tightest.
fn all_at(policy: &Policy, part: u128) -> Previous {
    let number = |entry: &MarketEntry| {
        let way = (entry.max.get() - entry.min.get()) * part / 1_000;
        price(if entry.tighter == Some(Tighter::Lower) { entry.max.get() - way } else { entry.min.get() + way })
    };
    parameters(policy).map(|entry| (entry.name.clone(), number(entry))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the numbers before and the estimates are: no number leaves its box, a step has its limits, and an
    /// emergency makes nothing laxer.
    #[test]
    fn rejects_entries_beyond_their_boxes_and_limits(
        part in 0..=1_000_u128,
        multiple in 1..=10_000_000_u32,
        emergency in any::<bool>(),
    ) {
        let (history, policy) = (history(), policy());
        let mut calibration = calibration(&history);
        calibration.entries.iter_mut().for_each(|driven| driven.multiple.0 = multiple);
        let (previous, pace) = (all_at(&policy, part), if emergency { Pace::Emergency } else { Pace::Regular });
        let found = next(&calibration, &history, &policy, Some(&previous), pace).unwrap();
        prop_assert_eq!(found.len(), 3);
        for (NextEntry { number, change, .. }, entry) in found.iter().zip(parameters(&policy)) {
            prop_assert!((entry.min..=entry.max).contains(number));
            let (before, after) = (required(entry, previous[&entry.name]), required(entry, *number));
            prop_assert_eq!((change.old.unwrap().0, change.new.0), (before, after));
            if emergency {
                prop_assert!(after >= before);
            } else {
                prop_assert!(after * 10 <= before * 11 && after * 1_000 >= before * 975, "{before} {after}");
            }
        }
    }
}

/// Without numbers before, a step begins at what the policy approves; with a tiny multiple it stays there.
#[test]
fn first_steps_begin_at_what_is_approved() {
    let (history, policy) = (history(), policy());
    let mut calibration = calibration(&history);
    let approved: Previous = parameters(&policy).map(|entry| (entry.name.clone(), entry.approved().unwrap())).collect();
    let steps = |calibration: &Calibration, previous| next(calibration, &history, &policy, previous, Pace::Regular);
    assert_eq!(steps(&calibration, None), steps(&calibration, Some(&approved)));
    calibration.entries.iter_mut().for_each(|driven| driven.multiple.0 = 1);
    let numbers = steps(&calibration, None).unwrap();
    assert!(numbers.iter().all(|it| it.number == approved[&it.entry]), "{numbers:?}");
}

/// The last day is 2001-03-08, which ended at 984096000.
#[test]
fn a_table_says_how_old_the_numbers_are() {
    let (history, policy) = (history(), policy());
    let numbers = next(&calibration(&history), &history, &policy, None, Pace::Regular).unwrap();
    let rows = |at| table(&numbers, &history, &policy, Timestamp(at));
    let text = rows(984_096_000 + 3_600).unwrap();
    let weight = numbers[0].number.get();
    assert!(text.starts_with(&format!("entry,price,confidence,age\nBTC-WEIGHT,0.{weight:06},0.0,3600\n")), "{text}");
    assert!(rows(984_096_000 - 5).unwrap().contains(",0.0,0\n"));
    rows(984_096_000 + 93_600).unwrap();
    let late = rows(984_096_000 + 93_601).unwrap_err().to_string();
    assert!(late.contains("which is the max_age of BTC-PERP-FRACTION, found 93601 seconds"), "{late}");
}

#[test]
fn rejects_entries_that_are_no_parameters_and_numbers_out_of_their_boxes() {
    let (history, policy) = (history(), policy());
    let refused = |from: &str, to: &str, message: &str| {
        let text = rules().replacen(from, to, 1);
        let errors = Calibration::read("c", &text, &history, Some(&policy)).unwrap_err().to_string();
        assert!(errors.contains(message), "{errors}");
    };
    refused("\"BTC-WEIGHT\"", "\"BTC-USD\"", "entries[0].entry: expected a market entry to which the policy gives");
    refused("\"BTC-WEIGHT\"", "\"ETH-WEIGHT\"", "entries[1].entry: expected each market entry once");
    refused("multiple = 1_500_000", "multiple = 0", "entries[0].multiple: expected from");
    refused("column = \"ETH-USD\"", "column = \"SOL-USD\"", "entries[1].column: expected a column of the history");
    let changed = |change: &dyn Fn(&mut MarketEntry), previous: Option<&Previous>| {
        let mut policy = policy.clone();
        change(&mut policy.market[3]);
        let error = next(&calibration(&history), &history, &policy, previous, Pace::Regular).unwrap_err();
        assert!(matches!(error, CalibrateError::Calibration(_)));
        error.to_string()
    };
    let decimals = changed(&|entry| entry.decimals = Decimals::new(5).unwrap(), None);
    assert!(decimals.contains("expected a market entry of 6 decimals: parts per million"), "{decimals}");
    let large = changed(&|entry| entry.max = price(1_000_001), None);
    assert!(large.contains("expected a market entry with a max of at most 1000000, found 1000001"), "{large}");
    let mut previous = all_at(&policy, 0);
    previous.insert(policy.market[3].name.clone(), price(850_001));
    let out = changed(&|_| {}, Some(&previous));
    assert!(out.contains("previous: expected a number of BTC-WEIGHT from 400000 to 850000, found 850001"), "{out}");
    previous.remove(&policy.market[3].name);
    assert!(changed(&|_| {}, Some(&previous)).contains("BTC-WEIGHT from 400000 to 850000, found none"));
}

/// Without the table that `[liquidity]` takes there are no numbers; with it they are tighter than those of prices.
#[test]
fn rejects_entries_that_leave_out_liquidity() {
    let (history, policy) = (history(), policy());
    let mut calibration = calibration(&history);
    let columns: Vec<Name> = calibration.entries.iter().map(|driven| driven.column.clone()).collect();
    let plain = next(&calibration, &history, &policy, None, Pace::Emergency).unwrap();
    let size = |column: &str| Size { column: Name::new(column).unwrap(), size: Notional::new(900).unwrap() };
    let sizes = vec![size("BTC-USD"), size("ETH-USD")];
    assert!(columns.iter().all(|column| sizes.iter().any(|size| size.column == *column)));
    let rules = Liquidity { window: 30, confidence: Ppm(900_000), participation: Ppm(100_000), sizes };
    calibration.liquidity = Some(rules);
    let lacking = next(&calibration, &history, &policy, None, Pace::Regular).unwrap_err().to_string();
    assert!(lacking.contains("liquidity: expected a table of depths and spreads beside the history"), "{lacking}");
    let days = history.days().iter();
    let rows = days.flat_map(|day| ["BTC-USD", "ETH-USD"].map(|column| format!("{day},{column},1000,20000\n")));
    let text = format!("date,column,depth,spread_ppm\n{}", rows.collect::<String>());
    let table = LiquidityTable::read("l.csv", &text, &Dialect::default(), &mut Vec::new()).unwrap();
    let history = history.clone().with_liquidity(table);
    let sold = next(&calibration, &history, &policy, None, Pace::Emergency).unwrap();
    for (plain, sold) in plain.iter().zip(&sold) {
        assert!(sold.change.proposed > plain.change.proposed, "{plain:?} {sold:?}");
    }
}

/// Attack: an approved number that requires next to nothing, of which a tenth more is nothing more.
#[test]
fn rejects_entries_whose_steps_lead_nowhere() {
    let (history, policy) = (history(), policy());
    let error = |index: usize, number: u128| {
        let mut policy = policy.clone();
        let entry = &mut policy.market[index];
        *(if entry.tighter == Some(Tighter::Lower) { &mut entry.max } else { &mut entry.min }) = price(number);
        next(&calibration(&history), &history, &policy, None, Pace::Regular).err().map(|error| error.to_string())
    };
    assert_eq!([error(3, 995_000), error(5, 5_000)], [None, None]);
    for (index, number, place) in [
        (3, 1_000_000, "entries[0].floor: expected at least 0.5 %"),
        (3, 995_100, "entries[0].floor: expected at least 0.5 %"),
        (5, 0, "entries[2].floor: expected at least 0.5 %"),
        (5, 60_001, "entries[2].floor: expected a multiple of the grid"),
    ] {
        let error = error(index, number).unwrap();
        assert!(error.contains(place), "{error}");
    }
}

/// Attack: a history that ends tomorrow, or in a year, whose numbers would have no age until then.
#[test]
fn rejects_entries_of_days_that_are_not_over() {
    let (history, policy) = (history(), policy());
    let numbers = next(&calibration(&history), &history, &policy, None, Pace::Regular).unwrap();
    let rows = |at| table(&numbers, &history, &policy, Timestamp(at));
    rows(984_096_000 - 30).unwrap();
    for at in [0, 984_009_600, 984_096_000 - 31] {
        let error = rows(at).unwrap_err().to_string();
        assert!(error.contains("history: expected a last day that ended by"), "{error}");
    }
}

/// Attack: an emergency takes a bitcoin from 81 to the 80 percent of ether, no step is taken off any more, and ether
/// counts for more.
#[test]
fn rejects_emergencies_that_remove_a_step() {
    let history = history();
    let universe = Universe::from_toml("universe.toml", &example("parameters/universe.toml")).unwrap();
    let asset = |instrument: &str, weight: u32| {
        format!(
            "[[model.assets]]\ninstrument = \"{instrument}\"\nprice = \"{instrument}-USD\"\n\
             weight = {{ maintenance = {weight}, initial = {weight} }}\n"
        )
    };
    let text = example("parameters/policy.toml");
    let text = text.replace("tighter = \"lower\"\n", "").replace("tighter = \"higher\"\n", "");
    let (head, _) = text.split_once("[model]").unwrap();
    let assets = asset("BTC", 810_000) + &asset("ETH", 800_000);
    let text = format!("{head}[model]\ntype = \"collateral\"\naverage_step = 50_000\n{assets}");
    let policy = Policy::read("policy.toml", &text, &universe).unwrap();
    let mut calibration = calibration(&history);
    calibration.entries.clear();
    let emergency = |calibration: &Calibration| tighten(calibration, &history, &policy, &universe);
    let haircut = |cap| Driven {
        mode: None,
        instrument: Name::new("BTC").unwrap(),
        column: Name::new("BTC-USD").unwrap(),
        multiple: ByBasis { maintenance: Ppm(10_000_000), initial: Ppm(10_000_000) },
        bounds: Bounds { floor: Ppm(100_000), cap: Ppm(cap) },
    };
    calibration.haircuts = vec![haircut(200_000)];
    let error = emergency(&calibration).unwrap_err().to_string();
    assert!(error.contains("haircuts: expected weights that differ beside an average_step"), "{error}");
    calibration.haircuts = vec![haircut(300_000)];
    emergency(&calibration).unwrap();
}
