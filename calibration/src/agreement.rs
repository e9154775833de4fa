//! The agreement of a calibration with a policy: parameters that the one asks for are parameters of the other.

use surety_core::{
    ident::Name,
    problem::{Problem, require},
    text::{self, Format, InputErrors},
};
use surety_margin::{models::Model, policy::Policy};

use crate::{
    calibration::{Calibration, Driven},
    entries,
    estimator::Estimator,
    history::History,
    liquidity::liquidations,
    target::{fraction, haircut, in_mode, scenario_margin, vol_shock},
};

impl Calibration {
    /// Reads a calibration from TOML and checks it against the history, and against the policy if there is one.
    ///
    /// # Errors
    /// With every mistake that was found.
    pub fn read(file: &str, text: &str, history: &History, policy: Option<&Policy>) -> Result<Self, InputErrors> {
        Self::read_for(file, text, None, history, policy)
    }

    /// The same with another estimator than the text's, if there is one.
    ///
    /// # Errors
    /// With every mistake that was found.
    pub fn read_for(
        file: &str,
        text: &str,
        estimator: Option<Estimator>,
        history: &History,
        policy: Option<&Policy>,
    ) -> Result<Self, InputErrors> {
        let estimated =
            |calibration: &Self| Self { estimator: estimator.unwrap_or(calibration.estimator), ..calibration.clone() };
        let read = text::read(file, text, Format::Toml, |calibration: &Self| {
            let against_policy = policy.map(|policy| problems(calibration, policy));
            // A calibration that is read for its terms alone sells nothing.
            let lacking = policy.and_then(|_| liquidations(calibration, history).err());
            let others = against_policy.into_iter().chain(lacking).flatten();
            estimated(calibration).check(history).into_iter().chain(others).collect()
        })?;
        Ok(estimated(&read))
    }
}

/// What a calibration asks for that the policy does not have.
pub(crate) fn problems(calibration: &Calibration, policy: &Policy) -> Vec<Problem> {
    let mut model = policy.model.clone();
    let expected = format!("the policy {}", policy.name);
    let mut problems =
        Vec::from_iter(require(calibration.policy == policy.name, "policy", expected, &calibration.policy));
    for (i, driven) in calibration.haircuts.iter().enumerate() {
        let place = format!("haircuts[{i}]");
        let exists = haircut(&mut model, driven).is_some();
        problems.extend(driven_problem(&place, driven, exists, "one weight", &mut model));
    }
    for (i, driven) in calibration.fractions.iter().enumerate() {
        let place = format!("fractions[{i}]");
        let exists = fraction(&mut model, driven).is_some();
        problems.extend(driven_problem(&place, driven, exists, "one margin fraction", &mut model));
    }
    for (i, range) in calibration.volatility_ranges.iter().enumerate() {
        let place = format!("volatility_ranges[{i}]");
        let exists = vol_shock(&mut model, range).is_some();
        let expected = "portfolio margin as the policy's model, or that of the bucket that is named";
        let missing = || require(exists, &place, expected, format!("another model{}", range.within()));
        problems.extend(mode_problem(&place, range.mode.as_ref(), &mut model).or_else(missing));
    }
    problems.extend(entries::problems(calibration, policy));
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

/// What is wrong with a requirement that the policy does not have: its mode, or else its instrument.
fn driven_problem(place: &str, driven: &Driven, exists: bool, what: &str, model: &mut Model) -> Option<Problem> {
    let missing = || {
        let expected = format!("an instrument to which the policy gives {what}");
        require(exists, format!("{place}.instrument"), expected, &driven.instrument)
    };
    mode_problem(place, driven.mode.as_ref(), model).or_else(missing)
}

fn mode_problem(place: &str, mode: Option<&Name>, model: &mut Model) -> Option<Problem> {
    let expected = match model {
        Model::Modes(model) => {
            let names: Vec<_> = model.modes.iter().map(|mode| mode.name.as_str()).collect();
            format!("a mode of the policy: {}", names.join(", "))
        }
        _ => "none, because the policy has no modes".to_owned(),
    };
    let found = mode.map_or("none", Name::as_str);
    require(in_mode(model, mode).is_some(), format!("{place}.mode"), expected, found)
}
