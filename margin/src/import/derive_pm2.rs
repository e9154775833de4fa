//! A case of Derive's portfolio margin, as a policy of its own.
//!
//! The levels are `maintenance` and `initial`; their margins are what the case's `Result` calls `MM` and `IM`.

use super::{Import, ImportError, Parties, Rules, market_entry, name};
use crate::{
    FormatVersion,
    holdings::{Balance, Holdings, HoldingsKind},
    ident::{Bytes32, Name},
    models::Model,
    portfolio::{Magnitude, case::Case},
    problem::Problem,
    units::{Decimals, Price},
    universe::{Instrument, Universe},
};

/// Imports a case, given as JSON.
///
/// # Errors
/// If the text is no case, a discount for gains exceeds the one for losses (`not concave`), or there is no program.
pub fn import(text: &str, srs: Bytes32, parties: &Parties) -> Result<Import, ImportError> {
    let Case { model, observed, time, instruments, holdings } = Case::read(text)?;
    // No market entry needs a positive price: programs read derived values, which have boxes of their own.
    let entry = |(name, number): (Name, Magnitude)| market_entry(name, number, Price::ZERO, Decimals::MAX);
    let rules = Rules {
        name: name("derive-pm2")?,
        instruments,
        market: observed.into_iter().map(entry).collect::<Result<_, Problem>>()?,
        time,
        model: Model::Portfolio(Box::new(model)),
    };
    let mut import = rules.import(srs, parties)?;
    let balance = |(instrument, lots): (&Instrument, _)| Balance { instrument: instrument.name.clone(), lots };
    let balances = import.universe.instruments.iter().zip(holdings).map(balance).collect();
    import.holdings = Some(stated(&import.universe, balances)?);
    Ok(import)
}

fn stated(universe: &Universe, balances: Vec<Balance>) -> Result<Holdings, ImportError> {
    let holdings =
        Holdings { kind: HoldingsKind::Holdings, version: FormatVersion, universe: universe.name.clone(), balances };
    let problems = holdings.check(universe);
    if problems.is_empty() { Ok(holdings) } else { Err(ImportError::Rules(problems)) }
}
