//! The policies of `examples/venues` at a market, for the tests that hold them to the venues.

use std::{fs, path::PathBuf};

use surety_core::{
    text::Document as _,
    units::{Lots, Price, Timestamp},
};
use surety_margin::{
    compile::compile,
    evaluate::{Evaluation, evaluate},
    holdings::Position,
    level::Level,
    policy::Policy,
    program::Program,
    universe::Universe,
};

pub(crate) fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/venues").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[derive(Clone)]
pub(crate) struct Venue {
    pub(crate) universe: Universe,
    pub(crate) policy: Policy,
    programs: Vec<Program>,
    prices: Vec<Price>,
}

impl Venue {
    /// A policy at a market, which is stated in the order of the file.
    pub(crate) fn new(file: &str, market: &[u128]) -> Self {
        let universe = Universe::from_toml("universe.toml", &text("universe.toml")).unwrap();
        let policy = Policy::read(file, &text(file), &universe).unwrap_or_else(|errors| panic!("{errors}"));
        let programs = compile(&policy, &universe).unwrap();
        Self { universe, policy, programs, prices: Vec::new() }.at(market)
    }

    /// The same policy at another market.
    pub(crate) fn at(&self, market: &[u128]) -> Self {
        let market: Vec<_> = market.iter().map(|number| Price::new(*number).unwrap()).collect();
        let layout = self.policy.market_vector(&self.universe).unwrap();
        let prices = layout.derive(&market, Timestamp(0)).unwrap();
        Self { prices, ..self.clone() }
    }

    /// Another policy at the same market.
    pub(crate) fn under(&self, policy: Policy) -> Self {
        let programs = compile(&policy, &self.universe).unwrap();
        Self { policy, programs, ..self.clone() }
    }

    pub(crate) fn position(&self, holdings: &[(&str, i128)]) -> Position {
        let mut lots = vec![Lots::default(); self.universe.instruments.len()];
        for (name, amount) in holdings {
            let instrument = self.universe.instruments.iter().position(|found| found.name.as_str() == *name).unwrap();
            lots[instrument] = Lots::new(*amount).unwrap();
        }
        Position::from_lots(lots)
    }

    fn evaluate(&self, level: &Level, position: &Position) -> Evaluation {
        evaluate(&self.policy, &self.universe, level, position, &self.prices).unwrap()
    }

    /// Evaluates every level, and holds the programs to it.
    pub(crate) fn evaluations(&self, holdings: &[(&str, i128)]) -> Vec<Evaluation> {
        let position = self.position(holdings);
        let levels = self.policy.levels.iter().zip(&self.programs);
        levels
            .map(|(level, program)| {
                let found = self.evaluate(level, &position);
                assert_eq!(program.solve(&position, &self.prices).is_ok(), found.is_sufficient(), "{}", level.name);
                found
            })
            .collect()
    }

    /// Whether an account satisfies a level, by its plain evaluation.
    pub(crate) fn is_sufficient(&self, level: &str, holdings: &[(&str, i128)]) -> bool {
        let level = self.policy.levels.iter().find(|found| found.name.as_str() == level).unwrap();
        self.evaluate(level, &self.position(holdings)).is_sufficient()
    }

    /// The same by its program.
    pub(crate) fn is_provable(&self, level: &str, holdings: &[(&str, i128)]) -> bool {
        let level = self.policy.levels.iter().position(|found| found.name.as_str() == level).unwrap();
        self.programs[level].solve(&self.position(holdings), &self.prices).is_ok()
    }

    /// The margins of the levels that admit everything that is held.
    pub(crate) fn margins(&self, holdings: &[(&str, i128)]) -> Vec<String> {
        let admitted = self.evaluations(holdings).into_iter().filter(|found| found.not_admitted.is_none());
        admitted.map(|found| format!("{} {}", found.level, found.margin)).collect()
    }
}

/// `10^decimals` of what is written.
pub(crate) fn units(amount: &str, decimals: usize) -> u128 {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    format!("{whole}{fraction:0<decimals$}").parse().unwrap()
}
