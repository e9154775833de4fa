//! Totals of derivatives, and of what a kind does not track.

use surety_books::{
    page::Ground,
    rules::{BookRules, PageKind},
};
use surety_core::units::Lots;
use surety_margin::{holdings::Position, program::Program};
use surety_testing::sample::{self, Sample};

use crate::scene::{name, rules, units};

/// The rules with this kind alone, and caps that do not bind.
fn rules_of(sample: &Sample, instruments: &[&str]) -> BookRules {
    let instruments = instruments.iter().map(|instrument| name(instrument)).collect();
    let kind = PageKind { name: name("margin"), debts: true, instruments, accounts: Some(2) };
    let mut rules = BookRules { kinds: vec![kind], ..rules(&sample.universe) };
    rules.caps.iter_mut().for_each(|cap| (cap.debts, cap.balances) = (units("1000000000"), units("1000000000")));
    rules
}

fn ground<'a>(sample: &'a Sample, rules: &'a BookRules) -> Ground<'a> {
    Ground { rules, policy: &sample.policy, universe: &sample.universe }
}

/// The verdicts on one lot less, on what is given, and on one lot more of the holding at this place.
fn around(program: &Program, sample: &Sample, lots: &[i128], place: usize) -> [bool; 3] {
    let prices = sample::prices(&sample.policy);
    [-1, 0, 1].map(|more| {
        let mut lots = lots.to_vec();
        lots[place] += more;
        let position = Position::from_lots(lots.iter().map(|lots| Lots::new(*lots).unwrap()).collect());
        program.solve(&position, &prices).is_ok()
    })
}

/// Attack: a net position that is said to be smaller or larger than it is needs less of a hedge.
#[test]
fn rejects_net_positions_of_derivatives_that_are_one_lot_off() {
    let sample = sample::scenario_margin(12, 3, 4);
    let rules = rules_of(&sample, &[]);
    let page = ground(&sample, &rules).page(&rules.kinds[0]).unwrap();
    let (ann, bob) = ([1_000_000_000, 5, 0], [1_000_000_000, -3, 7]);
    let net = [2_000_000_000, 2, 7];
    let lots = [ann.as_slice(), &bob, &[0; 3], &net, &[0; 3], &[0]].concat();
    for (place, verdicts) in [(9, [false, true, true]), (10, [false, true, false]), (11, [false, true, false])] {
        assert_eq!(around(page.program(), &sample, &lots, place), verdicts, "{place}");
    }
}

/// Attack: the venue stands against its customers, and has nothing elsewhere.
#[test]
fn rejects_derivatives_that_the_venue_has_not_elsewhere() {
    let sample = sample::scenario_margin(12, 3, 4);
    let rules = rules_of(&sample, &[]);
    let program = ground(&sample, &rules).reserves().unwrap();
    let lots = [2_000_000_000, 2, 7, -2_000_000_000, -2, -7, 0, 0, 0, 0];
    for (place, verdicts) in [(0, [false, true, true]), (1, [false, true, false]), (2, [false, true, false])] {
        assert_eq!(around(&program, &sample, &lots, place), verdicts, "{place}");
    }
}

/// Attack: a kind of few instruments writes to the total of another one.
#[test]
fn rejects_totals_of_instruments_that_a_kind_does_not_track() {
    let sample = sample::collateral(12, 3);
    let rules = rules_of(&sample, &["USD", "PERP-1"]);
    let page = ground(&sample, &rules).page(&rules.kinds[0]).unwrap();
    assert_eq!(page.tracked(), [0, 1]);
    let (ann, bob) = ([1_000_000, -3], [500, 2]);
    let lots = [ann.as_slice(), &bob, &[0; 3], &[1_000_500, -1, 0], &[0, 3, 0], &[0]].concat();
    for (place, verdicts) in [(8, [false, true, true]), (9, [false, true, false]), (12, [false, true, false])] {
        assert_eq!(around(page.program(), &sample, &lots, place), verdicts, "{place}");
    }
}
