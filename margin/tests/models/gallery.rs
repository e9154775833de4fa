//! The policies of `examples/gallery`, by hand and to one lot.

use std::{fs, path::PathBuf};

use surety_core::{
    text::Document as _,
    units::{Lots, Price},
};
use surety_margin::{
    compile::compile,
    evaluate::{evaluate, lines},
    holdings::Position,
    policy::Policy,
    universe::Universe,
};

/// A policy with its prices, and its programs.
struct Shown {
    universe: Universe,
    policy: Policy,
    prices: Vec<Price>,
    programs: Vec<surety_margin::program::Program>,
}

impl Shown {
    /// Prices are in dollars, by the beginning of a name; 2,000 for others.
    fn new(file: &str, prices: &[(&str, u128)]) -> Self {
        let gallery = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/gallery");
        let read = |file: &str| fs::read_to_string(gallery.join(file)).unwrap();
        let universe = Universe::from_toml("universe.toml", &read("universe.toml")).unwrap();
        let policy = Policy::read(file, &read(file), &universe).unwrap();
        let of =
            |name: &str| prices.iter().find(|(start, _)| name.starts_with(start)).map_or(2_000, |(_, price)| *price);
        let prices = policy.market.iter().map(|entry| Price::new(of(entry.name.as_str()) * 100_000_000).unwrap());
        let prices = prices.collect();
        let programs = compile(&policy, &universe).unwrap();
        Self { prices, programs, universe, policy }
    }

    fn position(&self, held: &[(&str, i128)]) -> Position {
        for (name, _) in held {
            assert!(self.universe.instruments.iter().any(|it| it.name.as_str() == *name), "{name}");
        }
        let lots = |name: &str| held.iter().find(|(of, _)| *of == name).map_or(0, |(_, lots)| *lots);
        let lots = self.universe.instruments.iter().map(|it| Lots::new(lots(it.name.as_str())).unwrap());
        Position::from_lots(lots.collect())
    }

    /// Whether a position is sufficient at maintenance, which its programs agree with: it is short where it is not.
    #[track_caller]
    fn holds(&self, held: &[(&str, i128)]) -> bool {
        let position = self.position(held);
        let [maintenance, _, shortfall] = &self.policy.levels[..] else { panic!("three levels") };
        let evaluated = |level| evaluate(&self.policy, &self.universe, level, &position, &self.prices).unwrap();
        let sufficient = evaluated(maintenance).is_sufficient();
        assert_eq!(evaluated(shortfall).is_provable(), !sufficient);
        let solved = [0, 2].map(|level: usize| self.programs[level].solve(&position, &self.prices).is_ok());
        assert_eq!(solved, [sufficient, !sufficient], "{held:?}");
        let explained = lines(&self.policy, &self.universe, maintenance, &position, &self.prices).unwrap();
        assert_eq!(explained.len(), held.iter().filter(|(_, lots)| *lots != 0).count());
        sufficient
    }

    /// Sufficient with these lots, and not with one less of the first.
    #[track_caller]
    fn assert_boundary(&self, held: &[(&str, i128)]) {
        let mut held = held.to_vec();
        assert!(self.holds(&held), "{held:?}");
        held[0].1 -= 1;
        assert!(!self.holds(&held), "{held:?}");
    }
}

#[test]
fn brackets_of_the_whole_position_jump_and_orders_count_at_the_worse() {
    let shown = Shown::new("brackets.toml", &[]);
    // 25 perpetuals are 50,000, of which 0.5 percent is required; a thousandth more, and 1 percent of all is.
    shown.assert_boundary(&[("USD", 5_025_000), ("ETH-PERP", -25_000)]);
    shown.assert_boundary(&[("USD", 5_000_200 + 50_002), ("ETH-PERP", -25_001)]);
    // Bids close the position, offers double it.
    shown.assert_boundary(&[("USD", 5_025_000), ("ETH-PERP", -25_000), ("ETH-PERP-BIDS", 25_000)]);
    shown.assert_boundary(&[("USD", 5_100_000), ("ETH-PERP", -25_000), ("ETH-PERP-ASKS", 25_000)]);
}

#[test]
fn a_mode_that_is_hidden_counts_where_it_applies() {
    let shown = Shown::new("hidden-modes.toml", &[("WSTETH", 2_300)]);
    let ether = 100_000_000;
    // 23,000 of staked ether at 95 percent secure 10.925 ether.
    shown.assert_boundary(&[("ETH", -1_092_500_000), ("wstETH", 10 * ether)]);
    // With a cent the mode does not apply: 81 percent secure 9.315 ether, less half a cent in ether.
    assert!(!shown.holds(&[("ETH", -1_092_500_000), ("wstETH", 10 * ether), ("USD", 1)]));
    assert!(!shown.holds(&[("ETH", -10 * ether), ("wstETH", 10 * ether), ("USD", 1)]));
    shown.assert_boundary(&[("USD", -1_863_000), ("wstETH", 10 * ether)]);
}

#[test]
fn one_proof_covers_a_whole_book_and_options_require_the_better_of_two_rules() {
    let marks = [("ETH-26MAR27-3000-C", 620), ("ETH-26MAR27-4000-C", 180), ("ETH-25JUN27-3000-P", 340)];
    let shown = Shown::new("book.toml", &[&marks[..], &[("WSTETH", 2_300)]].concat());
    // A spread of calls requires its width: 560 of loss beside a mark of minus 440, where each by itself requires 940.
    let spread = [("ETH-26MAR27-3000-C", -100), ("ETH-26MAR27-4000-C", 100)];
    shown.assert_boundary(&[&[("USD", 100_000)][..], &spread].concat());
    // A put alone requires 620 by itself, and 660 at the worst outcome.
    shown.assert_boundary(&[("USD", 96_000), ("ETH-25JUN27-3000-P", -100)]);
    // Together with a perpetual at 3 percent, and staked ether at 88: 1,000 + 960 + 60 - 2,024.
    let rest = [("ETH-25JUN27-3000-P", -100), ("ETH-PERP", 1_000), ("wstETH", 100_000_000)];
    shown.assert_boundary(&[&[("USD", 100_000 + 96_000 + 6_000 - 200_000 - 202_400)][..], &spread, &rest].concat());
    // More bits than a mode takes: what asks for them is told.
    assert!(shown.programs[0].bits().values().sum::<usize>() >= 4);
}
