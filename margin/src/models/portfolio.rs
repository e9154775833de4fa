//! Portfolio margin as a model of a policy: see [`crate::models::derive`].

use alloy_primitives::I256;
use surety_core::{
    decimal::Magnitude,
    ident::Name,
    problem::Problem,
    units::{Ppm, Price, Timestamp, power_of_ten},
};

use super::{
    Breakdown, Frame, InstrumentRule,
    derive::{PortfolioMargin, ScenarioShape, VolMove},
    required::Required,
};
use crate::{
    holdings::Position,
    level::{Basis, Level},
    pricing::OptionKind,
    program::Expression,
    universe::{InstrumentClass, Universe},
};

/// The rules of what is held, in the order of [`PortfolioMargin::instruments`]. No market entry is a price of them:
/// what they are worth is derived.
pub(super) fn rules(model: &PortfolioMargin) -> Vec<InstrumentRule<'_>> {
    model.instruments().map(|instrument| rule(model, instrument)).collect()
}

fn rule<'a>(model: &'a PortfolioMargin, instrument: &'a Name) -> InstrumentRule<'a> {
    let collateral = model.collateral.iter().find(|rule| rule.instrument == *instrument);
    let derived_from = collateral.map(|rule| &rule.price.value);
    InstrumentRule { derived_from, ..InstrumentRule::new("model".to_owned(), instrument, None, collateral.is_none()) }
}

/// Checks that cash is cash, perpetuals are perpetuals, and options are options that expire when the model says.
pub(super) fn class_problems(model: &PortfolioMargin, universe: &Universe) -> Vec<Problem> {
    use InstrumentClass::{Cash, Perpetual, Spot};
    let cash = model.cash.iter().map(|name| (name, &[Cash][..], None));
    let perpetual = model.perpetual.iter().map(|rule| (&rule.instrument, &[Perpetual][..], None));
    let collateral = model.collateral.iter().map(|rule| (&rule.instrument, &[Cash, Spot][..], None));
    let options = model.expiries.iter().flat_map(|expiry| {
        expiry.options.iter().map(|option| (&option.instrument, &[InstrumentClass::Option][..], Some(expiry.time)))
    });
    let mut problems = Vec::new();
    let positions = universe.positions();
    for (name, classes, expiry) in cash.chain(perpetual).chain(collateral).chain(options) {
        let Some(&position) = positions.get(name) else {
            continue;
        };
        let instrument = &universe.instruments[position];
        if !classes.contains(&instrument.class) {
            let classes: Vec<_> = classes.iter().map(ToString::to_string).collect();
            let expected = format!("{name} to be {}", classes.join(" or "));
            problems.push(Problem::new("model", expected, instrument.class.to_string()));
        } else if instrument.expiry != expiry {
            let stated = |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), |time| time.0.to_string());
            let expected = format!("the expiry of {name} in the universe, {}", stated(instrument.expiry));
            problems.push(Problem::new("model", expected, stated(expiry)));
        } else if instrument.class == Perpetual && instrument.is_carried() {
            // Whoever is short would have received its price, and owe nothing for it.
            let expected = "settlement by variation margin, because the value of a perpetual does not count";
            let advice =
                "set settlement = \"variation-margin\" in the universe: its cost would count without its value";
            let found = format!("{name}, whose cost is carried");
            problems.push(Problem::new("model.perpetual.instrument", expected, found).advise(advice));
        }
    }
    problems
}

/// Whether anything is required of what is held, in the order of [`rules`]. Options are judged where they are short:
/// what is paid for is the most that one can lose which is held.
pub(super) fn required(model: &PortfolioMargin, level: &Level) -> Vec<Required> {
    let parameters = &model.parameters;
    let (losses, contingency, basis) = (&parameters.losses, &parameters.contingency, &parameters.basis_contingency);
    let positive = |magnitude: Magnitude| magnitude > Magnitude::default();
    let initial = level.basis == Basis::Initial;
    let charged = |maintenance, added| positive(maintenance) || (initial && positive(added));
    let factor = if initial { losses.initial_factor } else { losses.maintenance_factor };
    let (counts, liquidated) = (positive(factor), level.liquidation_cost() > Ppm(0));
    let moves = || parameters.scenarios.iter().filter(|scenario| counts && positive(scenario.dampening));
    let (up, down) = (|spot: Magnitude| spot > Magnitude::ONE, |spot: Magnitude| spot < Magnitude::ONE);

    let perpetual = {
        let charged = charged(contingency.maintenance_perpetual, contingency.initial_perpetual) || liquidated;
        let held = charged || moves().any(|scenario| down(scenario.spot));
        Required { held, owed: charged || moves().any(|scenario| up(scenario.spot)), lendable: false }
    };
    let option = |kind: OptionKind| {
        let against = |spot| if kind == OptionKind::Call { up(spot) } else { down(spot) };
        let revalued = positive(losses.losses)
            && moves().filter(|scenario| scenario.volatility.shape() == ScenarioShape::Signed).any(|scenario| {
                let rises = scenario.volatility == VolMove::Up && positive(parameters.vol_shock.up);
                against(scenario.spot) || rises
            });
        let of_basis =
            counts && (positive(basis.added) || positive(basis.factor)) && (against(basis.up) || against(basis.down));
        let charged = charged(contingency.maintenance_option, contingency.initial_option) || liquidated;
        Required { held: true, owed: charged || revalued || of_basis, lendable: false }
    };
    let cash = model.cash.iter().map(|_| Required::EVER);
    let perpetuals = model.perpetual.iter().map(|_| perpetual);
    let collateral = model.collateral.iter().map(|_| Required::EVER);
    let options = model.expiries.iter().flat_map(|expiry| &expiry.options).map(|rule| option(rule.kind));
    cash.chain(perpetuals).chain(collateral).chain(options).collect()
}

pub(super) fn margin(model: &PortfolioMargin, frame: &Frame<'_>, level: &Level) -> Expression {
    match frame.schema(model) {
        Some(schema) => schema.margin(level.basis, level.multiple, level.liquidation_cost()),
        None => Expression::zero(),
    }
}

/// What a quote unit counts for in the margin.
pub(super) fn unit(model: &PortfolioMargin, frame: &Frame<'_>, level: &Level) -> I256 {
    match frame.schema(model) {
        Some(schema) => schema.unit(level.multiple, level.liquidation_cost()),
        None => power_of_ten(frame.scale()),
    }
}

pub(super) fn evaluate(
    model: &PortfolioMargin,
    frame: &Frame<'_>,
    level: &Level,
    position: &Position,
    prices: &[Price],
) -> Option<Breakdown> {
    let schema = frame.schema(model)?;
    let found = schema.evaluate(level.basis, position, prices)?;
    let unit = power_of_ten(frame.scale() - schema.amount_scale());
    let times = |amount: I256, ppm: Ppm| amount.checked_mul(unit)?.checked_mul(I256::unchecked_from(ppm.0));
    let (one, multiple) = (Ppm::ONE, level.multiple);
    let mut breakdown = Breakdown::default();
    for (name, worth) in [("options", found.options), ("collateral", found.collateral), ("cash", found.cash)] {
        breakdown.credit_for(name, times(worth, one)?)?;
    }
    for (name, charge) in [
        ("worst scenario", -found.span()),
        ("perpetuals", found.charges.perpetual),
        ("naked short options", found.charges.naked_shorts),
        ("haircut of collateral", found.charges.collateral),
        ("prices of little confidence", found.charges.confidence),
    ] {
        breakdown.charge(name.to_owned(), times(charge, multiple)?)?;
    }
    breakdown.charge("liquidation".to_owned(), times(found.underlying, level.liquidation_cost())?)?;
    breakdown.worst_scenario = Some(found.worst().to_owned());
    breakdown.scenario("basis contingency".to_owned(), times(found.basis_contingency, multiple)?);
    for scenario in &found.scenarios {
        breakdown.scenario(scenario.label.clone(), times(scenario.result, multiple)?);
    }
    Some(breakdown)
}
