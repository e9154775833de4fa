//! Spread credits between commodities, by hand: at equality, and with one cent less and more.

use surety_core::{
    capacity::Capacity,
    decimal::{Decimal, Magnitude},
};
use surety_margin::models::{CreditTier, SpreadCredit};

use super::*;

const PRICES: &[(&str, u128)] = &[
    ("BTC-26MAR27-USD", 60_000 * 10u128.pow(8)),
    ("CALL-USD", 5_000 * CENTS),
    ("PUT-USD", 4_500 * CENTS),
    ("ETH-26MAR27-USD", 3_000 * 10u128.pow(8)),
    ("ETH-PERP-USD", 3_000 * 10u128.pow(8)),
    ("SOL-PERP-USD", 100 * 10u128.pow(8)),
];

fn share(credit: u32) -> Option<Ppm> {
    Some(Ppm(credit))
}

fn tier(up_to: Option<&str>, credit: u32) -> CreditTier {
    let up_to = up_to.map(|end| Magnitude::try_from(end.parse::<Decimal>().unwrap()).unwrap());
    CreditTier { up_to, credit: Ppm(credit) }
}

fn credit(commodities: [&str; 2], credit: Option<Ppm>, ratio: [u32; 2]) -> SpreadCredit {
    let commodities = commodities.map(|name| Name::new(name).unwrap()).to_vec();
    SpreadCredit { commodities, credit, tiers: Vec::new(), ratio: ratio.to_vec(), basis: CreditBasis::default() }
}

/// The example with an outright charge of 1,000 for BTC: a future of one delta, a call of a half.
fn case(credits: Vec<SpreadCredit>) -> Case {
    let mut case = Case::new(SPAN);
    let commodity = &mut case.span().commodities[0];
    (commodity.outright, commodity.short_option_minimum) = (Some(Amount::new(100_000).unwrap()), None);
    for (member, delta) in commodity.members.iter_mut().zip([1_000_000, 500_000, -400_000]) {
        (member.delta, member.risk_array) = (Some(Delta(delta)), Vec::new());
    }
    case.span().credits = credits;
    assert_eq!(case.policy.check(&case.universe), []);
    case
}

/// The positions require so many cents: with as much equity there is no margin, and the program knows.
#[track_caller]
fn requires(case: &Case, positions: &[(&str, i128)], cents: i128) {
    let evaluation = |cash: i128| {
        let lots = [&[("USD", cash)], positions].concat();
        case.evaluate(0, &Account { lots: &lots, prices: PRICES })
    };
    let equity: f64 = evaluation(0).equity.to_string().parse().unwrap();
    let cash = cents - (equity * 100.0).round() as i128;
    for (more, margin) in [(-1, "-0.01"), (0, "0"), (1, "0.01")] {
        assert_eq!(evaluation(cash + more).margin.to_string(), margin, "{:?}", charges(&evaluation(cash)));
    }
}

/// How many bits the program of the first level has.
fn bits(case: &Case) -> usize {
    compile(&case.policy, &case.universe).unwrap()[0].bits().values().sum()
}

/// Five ETH against three SOL at 400 each are three spreads.
#[test]
fn the_first_spreads_save_another_share_than_the_next() {
    let positions = [("ETH-26MAR27", 5 * ETH), ("SOL-PERP", -30 * SOL)];
    let with = |tiers: &[CreditTier]| {
        case(vec![SpreadCredit { tiers: tiers.to_vec(), ..credit(["ETH", "SOL"], None, [1, 1]) }])
    };
    // 2·60 % and 1·30 % of 800.
    requires(&with(&[tier(Some("2"), 600_000), tier(None, 300_000)]), &positions, 2_000 * USD);
    // Nothing beyond the end.
    requires(&with(&[tier(Some("2"), 600_000)]), &positions, 2_240 * USD);
    // Shares that rise.
    requires(&with(&[tier(Some("2"), 300_000), tier(None, 600_000)]), &positions, 2_240 * USD);
    // 0.25·100 % and 2.75·10 %.
    requires(&with(&[tier(Some("0.25"), 1_000_000), tier(None, 100_000)]), &positions, 2_780 * USD);
    // An end that is never reached.
    requires(&with(&[tier(Some("999999999999.999999"), 600_000), tier(None, 0)]), &positions, 1_760 * USD);
    // The other way round, and on the same side.
    let tiers = with(&[tier(Some("2"), 600_000), tier(None, 300_000)]);
    requires(&tiers, &positions.map(|(name, lots)| (name, -lots)), 2_000 * USD);
    requires(&tiers, &[("ETH-26MAR27", 5 * ETH), ("SOL-PERP", 30 * SOL)], 3_200 * USD);
}

/// One ETH at 400 and three SOL at 90: five ETH against 10.5 SOL are three and a half spreads.
#[test]
fn legs_may_have_charges_decimals_and_numbers_of_their_own() {
    let positions = [("ETH-26MAR27", 5 * ETH), ("SOL-PERP", -105 * SOL)];
    let mut case = case(vec![credit(["ETH", "SOL"], share(600_000), [1, 3])]);
    let commodity = &mut case.span().commodities[2];
    (commodity.outright, commodity.decimals) = (Some(Amount::new(90_000).unwrap()), Decimals::new(3).unwrap());
    assert_eq!(case.policy.check(&case.universe), []);
    // 2,000 and 945, less 60 % of 3.5·670.
    requires(&case, &positions, 1_538 * USD);
    requires(&case, &positions.map(|(name, lots)| (name, -lots)), 1_538 * USD);
    // Now SOL are left: two ETH require 800, less the same share of 2·670.
    requires(&case, &[("ETH-26MAR27", 2 * ETH), ("SOL-PERP", -105 * SOL)], 941 * USD);
}

/// Half of what both legs save in common may exceed the charge of one, which takes bits.
#[test]
fn a_credit_may_exceed_the_charge_of_one_leg() {
    let mut case = case(vec![credit(["ETH", "SOL"], share(600_000), [1, 1])]);
    assert_eq!(bits(&case), 0);
    case.span().commodities[2].outright = Some(Amount::new(30_000).unwrap());
    assert_eq!(bits(&case), 0);
    case.span().commodities[2].outright = Some(Amount::new(1_000).unwrap());
    assert!(bits(&case) > 0);
    // 2,000 and 30, less 60 % of 3·410; 800 and 30, less 60 % of 2·410.
    requires(&case, &[("ETH-26MAR27", 5 * ETH), ("SOL-PERP", -30 * SOL)], 1_292 * USD);
    requires(&case, &[("ETH-26MAR27", 2 * ETH), ("SOL-PERP", -30 * SOL)], 338 * USD);
}

/// A half of 100 for three parts of a delta is a little less than a third of 50 for each.
#[test]
fn credits_are_rounded_down() {
    let mut case = case(vec![credit(["ETH", "SOL"], share(500_000), [1, 3])]);
    case.span().commodities[1].outright = Some(Amount::new(10_000).unwrap());
    let lots = [("USD", 100_000 * USD), ("ETH-26MAR27", ETH), ("SOL-PERP", -30 * SOL)];
    let evaluation = case.evaluate(0, &Account { lots: &lots, prices: PRICES });
    // 100 and 1,200, less 600 and three times 16.6666666666, which has ten places and is even.
    assert_eq!(evaluation.requirement.to_string(), "650.0000000002");
}

/// Five ETH, first three against SOL and then two against BTC, or four against BTC and then one.
#[test]
fn pairs_are_matched_in_their_order() {
    let positions = [("ETH-26MAR27", 5 * ETH), ("SOL-PERP", -30 * SOL), ("BTC-26MAR27", -4 * CONTRACT)];
    let (sol, btc) = (credit(["ETH", "SOL"], share(600_000), [1, 1]), credit(["BTC", "ETH"], share(500_000), [1, 1]));
    // 7,200, less 60 % of 3·800 and 50 % of 2·1,400.
    requires(&case(vec![sol.clone(), btc.clone()]), &positions, 4_360 * USD);
    // Less 50 % of 4·1,400 and 60 % of 800.
    requires(&case(vec![btc.clone(), sol.clone()]), &positions, 3_920 * USD);
    // Two SOL to one ETH: a spread and a half, and three and a half ETH left.
    let two = SpreadCredit { ratio: vec![1, 2], ..sol };
    requires(&case(vec![two.clone(), btc.clone()]), &positions, 3_670 * USD);
    // The same pair again, at 10 % of what the first tier leaves: half a spread of the one and a half.
    let tiers = vec![tier(Some("1"), 600_000)];
    let first = SpreadCredit { tiers, credit: None, ..two.clone() };
    requires(&case(vec![first, btc]), &positions, 4_030 * USD);
}

/// A short call of half a delta requires 500, less 60 % of it, but at least 300.
#[test]
fn a_short_option_minimum_is_for_what_the_credit_leaves_of_its_leg() {
    let positions = [("BTC-26MAR27-60000-C", -CONTRACT), ("ETH-26MAR27", ETH)];
    let mut case = case(vec![credit(["ETH", "BTC"], share(600_000), [1, 1])]);
    let mut with = |minimum: i64| {
        case.span().commodities[0].short_option_minimum = Some(Amount::new(minimum).unwrap());
        let cents = 280 * USD + i128::from(minimum.max(20_000));
        requires(&case, &positions, cents);
        let lots = [&[("USD", 100_000 * USD)], &positions[..]].concat();
        charges(&case.evaluate(0, &Account { lots: &lots, prices: PRICES }))
    };
    let both = ["scan risk of BTC: 500", "scan risk of ETH: 400", "credit of ETH against BTC: -420"];
    assert_eq!(with(19_999), both);
    assert_eq!(with(20_000), both);
    let one = ["short option minimum of BTC: 200.01", "scan risk of ETH: 400", "credit of ETH against BTC: -120"];
    assert_eq!(with(20_001), one);
    assert_eq!(with(30_000)[0], "short option minimum of BTC: 300");
}

/// All pairs of three commodities, with tiers, unlike legs and a minimum.
#[test]
fn sizes_of_credits_are_pinned() {
    let tiers = vec![tier(Some("2"), 600_000), tier(Some("10"), 700_000), tier(None, 300_000)];
    let first = SpreadCredit { tiers, ..credit(["ETH", "SOL"], None, [2, 5]) };
    let pairs = [credit(["ETH", "BTC"], share(500_000), [20, 1]), credit(["SOL", "BTC"], share(400_000), [50, 1])];
    let mut case = case([&[first][..], &pairs].concat());
    case.span().commodities[0].short_option_minimum = Some(Amount::new(30_000).unwrap());
    case.universe.capacity = Capacity::new(11).unwrap();
    let size = |case: &Case| {
        let program = &compile(&case.policy, &case.universe).unwrap()[0];
        (program.table().len(), program.variables(), bits(case))
    };
    assert_eq!(size(&case), (309, 116, 16));
}
