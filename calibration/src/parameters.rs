//! The new parameters of a policy.
//!
//! With `ES↓` and `ES↑` the expected shortfalls over the horizon of somebody long and of somebody short, and `a` the
//! multiple that the calibration states:
//!
//! | parameter | requirement |
//! |---|---|
//! | weight `w` | haircut `1 − w = a·ES↓` |
//! | haircut under portfolio margin: the one of the level, all told | `a·ES↓` |
//! | margin fraction | `a·max(ES↓, ES↑)` |
//! | shocks of a risk factor | `−a·ES↓` and `a·ES↑`, [together](crate::joint) with those of others |
//! | loss multiple `λ` | `λ − 1 = a·VR↑`, with the [volatility range] `VR` |
//! | moves of volatility under portfolio margin | `a·VR↑` and `a·VR↓` |
//!
//! With a table of depths and bid-ask spreads, shortfalls are those of [liquidations](crate::liquidity), and volatility
//! ranges last until their end.
//!
//! Each is rounded up to the grid, then [limited](crate::update).
//!
//! [volatility range]: crate::estimator::Settings::volatility_range

use std::{borrow::Cow, collections::BTreeMap};

use surety_core::{
    failure::{Class, Failure, LocatedProblem},
    ident::Name,
    problem::Problem,
};
use surety_margin::{
    level::{Basis, ByBasis},
    models::derive::VolShock,
    policy::Policy,
    universe::Universe,
};

use crate::{
    agreement,
    calibration::{Calibration, Driven, VolatilityRange},
    estimator::{Estimate, Estimator},
    history::History,
    liquidity::{Liquidation, liquidations},
    moves::Side,
    record::{Parameter, Record, UpdateRule},
    scenarios,
    target::{self, Form, ParameterPair},
    update::{Bounds, Pace},
    window::Window,
};

/// A policy with its new parameters, and what became of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibrated {
    /// The policy.
    pub policy: Policy,
    /// The estimate for each column that drives anything, in the order of the history: what liquidations lose, where
    /// it is known how they sell.
    pub estimates: Vec<(Name, Estimate)>,
    /// Each parameter that was looked at.
    pub parameters: Vec<Parameter>,
    /// How many scenarios were written.
    pub scenarios: usize,
    /// The estimator, which is another one than the calibration's where the history is too short for that.
    pub estimator: Estimator,
    /// How positions are sold, by column; those that are not here take the horizon alone.
    pub liquidations: BTreeMap<Name, Liquidation>,
}

/// Why there is no new policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalibrateError {
    /// The calibration does not fit the history or the policy.
    #[error("calibration: {}", joined(.0))]
    Calibration(Vec<Problem>),
    /// The new policy breaks a rule of policies: has more scenarios than its universe has room for, for instance.
    #[error("new policy: {}", joined(.0))]
    Policy(Vec<Problem>),
}

fn joined(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Calibrates a policy: the same input gives the same policy everywhere.
///
/// # Errors
/// If the calibration does not fit the history or the policy, or the new policy breaks a rule of policies.
pub fn calibrate(
    calibration: &Calibration,
    history: &History,
    policy: &Policy,
    universe: &Universe,
) -> Result<Calibrated, CalibrateError> {
    update(calibration, history, policy, universe, Pace::Regular)
}

/// Calibrates a policy in an emergency: parameters go as far as their estimates and caps where that is stricter, and
/// stay where it is not. Scenarios are added to those that there are, except for days of history, which stay as they
/// were.
///
/// # Errors
/// As [`calibrate`].
pub fn tighten(
    calibration: &Calibration,
    history: &History,
    policy: &Policy,
    universe: &Universe,
) -> Result<Calibrated, CalibrateError> {
    update(calibration, history, policy, universe, Pace::Emergency)
}

fn update(
    calibration: &Calibration,
    history: &History,
    policy: &Policy,
    universe: &Universe,
    pace: Pace,
) -> Result<Calibrated, CalibrateError> {
    let mut problems = calibration.check(history);
    problems.extend(agreement::problems(calibration, policy));
    let liquidations = liquidations(calibration, history).unwrap_or_else(|lacking| {
        problems.extend(lacking);
        BTreeMap::new()
    });
    if !problems.is_empty() {
        return Err(CalibrateError::Calibration(problems));
    }
    let window = Window::new(calibration, history, &liquidations);
    let same_before = target::same_weights(&policy.model);
    let mut policy = policy.clone();
    let mut record = Record { limits: calibration.limits, pace, parameters: Vec::new() };
    for driven in &calibration.haircuts {
        if let Some(haircuts) = target::haircut(&mut policy.model, driven) {
            let estimate = window.column(&driven.column).map_or(0, |column| column.estimate.down);
            record.update_driven("haircut", driven, estimate, haircuts);
        }
    }
    for driven in &calibration.fractions {
        if let Some(fractions) = target::fraction(&mut policy.model, driven) {
            let estimate = window.column(&driven.column).map(|column| column.estimate.down.max(column.estimate.up));
            record.update_driven("margin fraction", driven, estimate.unwrap_or(0), fractions);
        }
    }
    for range in &calibration.volatility_ranges {
        if let Some(shock) = target::vol_shock(&mut policy.model, range) {
            record.update_range(range, &window, shock);
        }
    }
    let mut scenarios = 0;
    if let Some(model) = target::scenario_margin(&mut policy.model) {
        if let Some(rule) = &calibration.volatility {
            let estimate = ByBasisRule {
                estimate: window.volatility_range(&rule.columns, Side::Up),
                multiple: rule.multiple,
                bounds: rule.bounds,
            };
            let place = ParameterPair::Ppm(&mut model.loss_multiple, Form::Excess);
            record.update_both("excess of the loss multiple", &rule.columns, &estimate, place);
        }
        if let Some(rule) = calibration.scenarios {
            scenarios = scenarios::write(model, rule, calibration, &window, &mut record);
        }
    }
    let mut same = same_before.iter().zip(target::same_weights(&policy.model));
    if pace == Pace::Emergency && same.any(|(before, after)| after && !before) {
        let expected = "weights that differ beside an average_step: no step may be taken off weights that are all the \
                        same, and others would count for more";
        let problem = Problem::new("haircuts", expected, "the same weight for all after the emergency");
        let problem = problem.advise("give one of the haircuts another cap, or propose a new version");
        return Err(CalibrateError::Calibration(vec![problem]));
    }
    let problems = policy.check(universe);
    if !problems.is_empty() {
        return Err(CalibrateError::Policy(problems));
    }
    let estimates = window.columns.iter().map(|column| (column.name.clone(), column.estimate)).collect();
    let estimator = calibration.estimator_for(history);
    Ok(Calibrated { policy, estimates, parameters: record.parameters, scenarios, estimator, liquidations })
}

/// What the parameters of both bases are updated by.
struct ByBasisRule {
    estimate: u64,
    multiple: ByBasis,
    bounds: Bounds,
}

impl Record {
    fn update_driven(&mut self, what: &str, driven: &Driven, estimate: u64, parameters: ParameterPair<'_>) {
        let rule = ByBasisRule { estimate, multiple: driven.multiple, bounds: driven.bounds };
        let name = format!("{what} of {}{}", driven.instrument, driven.within());
        self.update_both(&name, std::slice::from_ref(&driven.column), &rule, parameters);
    }

    fn update_both(&mut self, name: &str, columns: &[Name], rule: &ByBasisRule, parameters: ParameterPair<'_>) {
        let bases = [(Basis::Maintenance, "maintenance"), (Basis::Initial, "initial")];
        let new = bases.map(|(basis, called)| {
            let rule = UpdateRule { estimate: rule.estimate, multiple: rule.multiple.at(basis), bounds: rule.bounds };
            self.update(format!("{name}, {called}"), columns, Some(parameters.requirement(basis)), &rule)
        });
        parameters.set(new);
    }

    fn update_range(&mut self, range: &VolatilityRange, window: &Window<'_>, shock: &mut VolShock) {
        for (side, rule, parameter) in [(Side::Up, range.up, &mut shock.up), (Side::Down, range.down, &mut shock.down)]
        {
            let estimate = window.volatility_range(&range.columns, side);
            let rule = UpdateRule { estimate, multiple: rule.multiple, bounds: rule.bounds };
            let name = format!("volatility range {}{}", side.name(), range.within());
            let old = Some(target::requirement_of(*parameter));
            *parameter = self.update(name, &range.columns, old, &rule).ppm().into();
        }
    }
}

impl Failure for CalibrateError {
    fn class(&self) -> Class {
        Class::Input
    }

    fn code(&self) -> Cow<'static, str> {
        "calibrate".into()
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Calibration(problems) => LocatedProblem::of_input("calibration", problems),
            Self::Policy(problems) => LocatedProblem::of_input("new policy", problems),
        }
    }
}
