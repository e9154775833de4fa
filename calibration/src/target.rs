//! Where in a policy the parameters are.

use surety_margin::{
    ident::Name,
    models::{Asset, Model, ScenarioMargin},
    policy::{Basis, ByBasis, Policy},
    problem::{Problem, require},
    units::Ppm,
};

use crate::{
    calibration::{Calibration, Driven},
    update::Requirement,
};

/// The weight of an instrument; none if the model does not have it, or gives it a ladder of weights.
pub(crate) fn weight<'m>(model: &'m mut Model, instrument: &Name) -> Option<&'m mut ByBasis> {
    match model {
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
        Model::Isolated(model) => model.buckets.iter_mut().find_map(|bucket| weight(&mut bucket.model, instrument)),
        // Modes may each have a weight of their own for it, and portfolio margin has decimal haircuts.
        Model::Modes(_) | Model::Portfolio(_) => None,
    }
}

fn weight_of_asset<'m>(assets: &'m mut [Asset], instrument: &Name) -> Option<&'m mut ByBasis> {
    assets.iter_mut().find(|asset| asset.instrument == *instrument)?.weight.as_mut()
}

/// The margin fraction of an instrument; none if the model does not have it, or has no fractions.
pub(crate) fn fraction<'m>(model: &'m mut Model, instrument: &Name) -> Option<&'m mut ByBasis> {
    match model {
        Model::Cross(model) => {
            let position = model.positions.iter_mut().find(|position| position.instrument == *instrument);
            position.map(|position| &mut position.fraction)
        }
        Model::Isolated(model) => model.buckets.iter_mut().find_map(|bucket| fraction(&mut bucket.model, instrument)),
        Model::Collateral(_) | Model::Scenario(_) | Model::Span(_) | Model::Portfolio(_) | Model::Modes(_) => None,
    }
}

/// The scenarios, if the model has any.
pub(crate) fn scenario_margin(model: &mut Model) -> Option<&mut ScenarioMargin> {
    match model {
        Model::Scenario(model) => Some(model),
        _ => None,
    }
}

/// The value for a basis, to be changed.
pub(crate) fn at(by_basis: &mut ByBasis, basis: Basis) -> &mut Ppm {
    match basis {
        Basis::Maintenance => &mut by_basis.maintenance,
        Basis::Initial => &mut by_basis.initial,
    }
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
        // Bounds keep requirements between zero and tenfold, and haircuts at most one.
        Ppm(u32::try_from(parameter).unwrap_or(0))
    }
}

/// What a calibration asks for that the policy does not have.
pub(crate) fn problems(calibration: &Calibration, policy: &Policy) -> Vec<Problem> {
    let mut model = policy.model.clone();
    let expected = format!("the policy {}", policy.name);
    let mut problems =
        Vec::from_iter(require(calibration.policy == policy.name, "policy", expected, &calibration.policy));
    for (i, Driven { instrument, .. }) in calibration.haircuts.iter().enumerate() {
        let expected = "an instrument to which the policy gives one weight";
        let exists = weight(&mut model, instrument).is_some();
        problems.extend(require(exists, format!("haircuts[{i}].instrument"), expected, instrument));
    }
    for (i, Driven { instrument, .. }) in calibration.fractions.iter().enumerate() {
        let expected = "an instrument to which the policy gives a margin fraction";
        let exists = fraction(&mut model, instrument).is_some();
        problems.extend(require(exists, format!("fractions[{i}].instrument"), expected, instrument));
    }
    let margin = scenario_margin(&mut model);
    for (i, factor) in calibration.factors.iter().enumerate() {
        let mut positions = margin.iter().flat_map(|margin| &margin.positions);
        let exists = positions.any(|position| position.factor.as_ref() == Some(&factor.factor));
        let expected = "the risk factor of a position under scenario margin";
        problems.extend(require(exists, format!("factors[{i}].factor"), expected, &factor.factor));
    }
    let fits = margin.is_some() || calibration.volatility.is_none();
    problems.extend(require(fits, "volatility", "a policy with scenario margin", "another model"));
    problems
}
