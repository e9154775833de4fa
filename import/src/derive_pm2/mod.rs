//! A case of Derive's portfolio margin, as a policy of its own.
//!
//! The levels are `maintenance` and `initial`; their margins are what the case's `Result` calls `MM` and `IM`.

pub mod case;

use std::collections::BTreeMap;

use surety_core::{
    FormatVersion,
    ident::{Bytes32, Name},
    kind::KindOf,
    units::Decimals,
};
use surety_margin::{
    holdings::{Balance, Holdings},
    market::boxes::Role,
    models::Model,
    universe::{Instrument, Universe},
};

use self::case::Case;
use crate::{ForeignError, Import, Parties, Rules, market_entries, name};

/// Imports a case, given as JSON.
///
/// # Errors
/// If the text is no case, something that values the account has a price of zero, or there is no program.
pub fn import(text: &str, srs: Bytes32, parties: &Parties) -> Result<Import, ForeignError> {
    let Case { model, observed, time, instruments, holdings } = Case::read(text)?;
    let roles: BTreeMap<&Name, Role> = model.reads().into_iter().map(|read| (read.entry, read.role)).collect();
    let observed = observed.into_iter().map(|(name, number)| {
        let role = roles.get(&name).copied().unwrap_or(Role::Added);
        (name, number, role)
    });
    let market = market_entries(observed, Decimals::MAX)?;
    let rules =
        Rules { name: name("derive-pm2")?, instruments, market, time, model: Model::Portfolio(Box::new(model)) };
    let mut import = rules.import(srs, parties)?;
    let balance = |(instrument, lots): (&Instrument, _)| Balance { instrument: instrument.name.clone(), lots };
    let balances = import.universe.instruments.iter().zip(holdings).map(balance).collect();
    import.holdings = Some(stated(&import.universe, balances)?);
    Ok(import)
}

fn stated(universe: &Universe, balances: Vec<Balance>) -> Result<Holdings, ForeignError> {
    let holdings = Holdings { kind: KindOf::new(), version: FormatVersion, universe: universe.name.clone(), balances };
    let problems = holdings.check(universe);
    if problems.is_empty() { Ok(holdings) } else { Err(ForeignError::Rules(problems)) }
}
