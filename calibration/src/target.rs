//! Where in a policy the parameters are, and how they are read as requirements.

use std::collections::BTreeSet;

use surety_core::{
    decimal::Magnitude,
    ident::Name,
    units::{Decimals, Ppm},
};
use surety_margin::{
    level::{Basis, ByBasis},
    models::{
        All, Any, Asset, Model, ScenarioMargin, Sum,
        derive::{Haircut, PortfolioMargin, VolShock},
    },
};

use crate::{
    calibration::{Driven, VolatilityRange},
    update::Requirement,
};

/// The haircuts of an instrument; none if the model does not have it, or gives it a ladder of weights.
pub(crate) fn haircut<'m>(model: &'m mut Model, driven: &Driven) -> Option<ParameterPair<'m>> {
    haircut_in(in_mode(model, driven.mode.as_ref())?, &driven.instrument)
}

fn haircut_in<'m>(model: &'m mut Model, instrument: &Name) -> Option<ParameterPair<'m>> {
    let weight = match model {
        Model::Collateral(model) => weight_of_asset(&mut model.assets, instrument),
        Model::Span(model) => weight_of_asset(&mut model.collateral, instrument),
        Model::Cross(model) => {
            let position = model.positions.iter_mut().find(|position| position.instrument == *instrument)?;
            position.tiers.is_empty().then_some(&mut position.weight)
        }
        Model::Scenario(model) => {
            let position = model.positions.iter_mut().find(|position| position.instrument == *instrument)?;
            position.tiers.is_empty().then_some(&mut position.weight)
        }
        Model::Isolated(model) => {
            return model.buckets.iter_mut().find_map(|bucket| haircut_in(&mut bucket.model, instrument));
        }
        Model::All(All { parts }) | Model::Any(Any { parts }) | Model::Sum(Sum { parts }) => {
            return parts.iter_mut().find_map(|part| haircut_in(&mut part.model, instrument));
        }
        Model::Portfolio(model) => {
            let rule = model.collateral.iter_mut().find(|rule| rule.instrument == *instrument)?;
            return Some(ParameterPair::Decimal(&mut rule.haircut));
        }
        Model::Limits(_) | Model::Modes(_) => None,
    };
    weight.map(|weight| ParameterPair::Ppm(weight, Form::OneMinus))
}

fn weight_of_asset<'m>(assets: &'m mut [Asset], instrument: &Name) -> Option<&'m mut ByBasis> {
    assets.iter_mut().find(|asset| asset.instrument == *instrument)?.weight.as_mut()
}

/// The margin fractions of an instrument; none if the model does not have it, has no fractions, or has tiers of them.
pub(crate) fn fraction<'m>(model: &'m mut Model, driven: &Driven) -> Option<ParameterPair<'m>> {
    let fraction = fraction_in(in_mode(model, driven.mode.as_ref())?, &driven.instrument)?;
    Some(ParameterPair::Ppm(fraction, Form::Itself))
}

fn fraction_in<'m>(model: &'m mut Model, instrument: &Name) -> Option<&'m mut ByBasis> {
    match model {
        Model::Cross(model) => {
            let position = model.positions.iter_mut().find(|position| position.instrument == *instrument)?;
            position.fraction_tiers.is_empty().then_some(&mut position.fraction)
        }
        Model::Isolated(model) => {
            model.buckets.iter_mut().find_map(|bucket| fraction_in(&mut bucket.model, instrument))
        }
        Model::All(All { parts }) | Model::Any(Any { parts }) | Model::Sum(Sum { parts }) => {
            parts.iter_mut().find_map(|part| fraction_in(&mut part.model, instrument))
        }
        Model::Collateral(_)
        | Model::Scenario(_)
        | Model::Span(_)
        | Model::Portfolio(_)
        | Model::Limits(_)
        | Model::Modes(_) => None,
    }
}

/// How far volatilities move under the portfolio margin of a mode, of a bucket, or of the policy.
pub(crate) fn vol_shock<'m>(model: &'m mut Model, range: &VolatilityRange) -> Option<&'m mut VolShock> {
    let model = in_mode(model, range.mode.as_ref())?;
    portfolio_margin(model, range.bucket.as_ref()).map(|model| &mut model.parameters.vol_shock)
}

fn portfolio_margin<'m>(model: &'m mut Model, bucket: Option<&Name>) -> Option<&'m mut PortfolioMargin> {
    match (model, bucket) {
        (Model::Portfolio(model), None) => Some(model),
        (Model::Isolated(model), Some(name)) => {
            let bucket = model.buckets.iter_mut().find(|bucket| bucket.name == *name)?;
            portfolio_margin(&mut bucket.model, None)
        }
        (Model::All(All { parts }) | Model::Any(Any { parts }) | Model::Sum(Sum { parts }), bucket) => {
            parts.iter_mut().find_map(|part| portfolio_margin(&mut part.model, bucket))
        }
        _ => None,
    }
}

/// The model of a mode. A policy without modes has one model, of no mode.
pub(crate) fn in_mode<'m>(model: &'m mut Model, mode: Option<&Name>) -> Option<&'m mut Model> {
    match (model, mode) {
        (Model::Modes(model), Some(name)) => {
            model.modes.iter_mut().find(|mode| mode.name == *name).map(|mode| &mut mode.model)
        }
        (Model::Modes(_), None) | (_, Some(_)) => None,
        (model, None) => Some(model),
    }
}

/// Of each collateral model with an average step, at each basis: whether all weights are the same. Then no step may be
/// taken off them, and others count for more than before.
pub(crate) fn same_weights(model: &Model) -> Vec<bool> {
    match model {
        Model::Collateral(model) if model.average_step > Ppm(0) => {
            let are_same = |basis| {
                let weights = model.assets.iter().filter_map(|asset| Some(asset.weight.as_ref()?.at(basis)));
                weights.filter(|weight| *weight > Ppm(0)).collect::<BTreeSet<_>>().len() <= 1
            };
            [Basis::Maintenance, Basis::Initial].map(are_same).into()
        }
        Model::Isolated(model) => model.buckets.iter().flat_map(|bucket| same_weights(&bucket.model)).collect(),
        Model::Modes(model) => model.modes.iter().flat_map(|mode| same_weights(&mode.model)).collect(),
        Model::All(All { parts }) | Model::Any(Any { parts }) | Model::Sum(Sum { parts }) => {
            parts.iter().flat_map(|part| same_weights(&part.model)).collect()
        }
        _ => Vec::new(),
    }
}

/// The scenarios, if the model has any.
pub(crate) fn scenario_margin(model: &mut Model) -> Option<&mut ScenarioMargin> {
    match model {
        Model::Scenario(model) => Some(model),
        _ => None,
    }
}

/// A parameter that a policy has for each basis.
pub(crate) enum ParameterPair<'m> {
    /// In parts per million.
    Ppm(&'m mut ByBasis, Form),
    /// A haircut of which the initial level states what it adds.
    Decimal(&'m mut Haircut),
}

impl ParameterPair<'_> {
    pub(crate) fn requirement(&self, basis: Basis) -> Requirement {
        match (self, basis) {
            (Self::Ppm(parameters, form), _) => form.requirement(parameters.at(basis)),
            (Self::Decimal(haircut), Basis::Maintenance) => requirement_of(haircut.maintenance),
            (Self::Decimal(haircut), Basis::Initial) => {
                rounded_up(attos(haircut.maintenance).saturating_add(attos(haircut.initial)))
            }
        }
    }

    /// Sets both. The initial requirement is at least that of maintenance.
    pub(crate) fn set(self, [maintenance, initial]: [Requirement; 2]) {
        match self {
            Self::Ppm(parameters, form) => {
                *parameters = ByBasis { maintenance: form.parameter(maintenance), initial: form.parameter(initial) };
            }
            Self::Decimal(haircut) => {
                let added = Requirement(initial.0.saturating_sub(maintenance.0));
                *haircut = Haircut { maintenance: maintenance.ppm().into(), initial: added.ppm().into() };
            }
        }
    }
}

/// A decimal number as a requirement. One between two parts per million counts as the larger, against the account: from
/// there a step may exceed its limit by less than one part per million.
pub(crate) fn requirement_of(number: Magnitude) -> Requirement {
    rounded_up(attos(number))
}

/// A number in units of `10^-18`, which are the smallest there are.
fn attos(number: Magnitude) -> u128 {
    number.rounded(Decimals::MAX).unwrap_or(u128::MAX)
}

fn rounded_up(attos: u128) -> Requirement {
    Requirement(i64::try_from(attos.div_ceil(1_000_000_000_000)).unwrap_or(i64::MAX))
}

/// One parameter as a requirement, and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One minus it: a haircut for a weight.
    OneMinus,
    /// It as it is: a fraction.
    Itself,
    /// What exceeds one: a multiple.
    Excess,
}

impl Form {
    pub(crate) fn requirement(self, Ppm(parameter): Ppm) -> Requirement {
        let (parameter, one) = (i64::from(parameter), i64::from(Ppm::ONE.0));
        Requirement(match self {
            Self::OneMinus => one - parameter,
            Self::Itself => parameter,
            Self::Excess => parameter - one,
        })
    }

    pub(crate) fn parameter(self, Requirement(requirement): Requirement) -> Ppm {
        let one = i64::from(Ppm::ONE.0);
        let parameter = match self {
            Self::OneMinus => one - requirement,
            Self::Itself => requirement,
            Self::Excess => one + requirement,
        };
        // Bounds keep haircuts at most one.
        Requirement(parameter).ppm()
    }
}

#[cfg(test)]
mod tests {
    use surety_core::decimal::Decimal;

    use super::*;

    fn decimal(text: &str) -> Magnitude {
        text.parse::<Decimal>().unwrap().try_into().unwrap()
    }

    fn pair(haircut: &mut Haircut) -> [i64; 2] {
        [Basis::Maintenance, Basis::Initial].map(|basis| ParameterPair::Decimal(haircut).requirement(basis).0)
    }

    #[test]
    fn decimals_are_requirements_and_back() {
        for (text, ppm) in [
            ("0", 0),
            ("0.275", 275_000),
            ("0.000001", 1),
            ("0.000001000000000001", 2),
            ("0.000000000000000001", 1),
            ("10", 10_000_000),
            ("170141183460469231731.687303715884105727", i64::MAX),
        ] {
            assert_eq!(requirement_of(decimal(text)), Requirement(ppm), "{text}");
        }
        for ppm in [0, 1, 275_000, 1_000_000, 10_000_000] {
            assert_eq!(requirement_of(Requirement(ppm).ppm().into()), Requirement(ppm));
        }
    }

    /// As published cases have it, where the sum in floating point was meant to be 0.1.
    #[test]
    fn the_initial_level_states_what_it_adds() {
        let mut haircut = Haircut { maintenance: decimal("0.08"), initial: decimal("0.020000000000000004") };
        assert_eq!(pair(&mut haircut), [80_000, 100_001]);
        ParameterPair::Decimal(&mut haircut).set([Requirement(85_000), Requirement(120_000)]);
        assert_eq!(haircut, Haircut { maintenance: decimal("0.085"), initial: decimal("0.035") });
        assert_eq!(pair(&mut haircut), [85_000, 120_000]);
        let most = decimal("170141183460469231731.687303715884105727");
        assert_eq!(pair(&mut Haircut { maintenance: most, initial: most }), [i64::MAX; 2]);
    }
}
