//! The margin of an account at every level, for its holder.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;
use surety_core::{
    failure::{Class, Failure},
    ident::Name,
    units::Price,
};
use surety_margin::{
    evaluate::{EvaluateError, Evaluation, Line, Warning, evaluate, lines, warnings},
    holdings::{Leg, Position},
    policy::Policy,
    universe::Universe,
};

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
#[error("level {level}: {error}")]
pub struct ExplainError {
    /// The level.
    pub level: Name,
    /// Why.
    pub error: EvaluateError,
}

/// An account at every level of a policy. As secret as the holdings.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// By the names of the levels.
    pub levels: BTreeMap<String, LevelExplanation>,
    /// What looks wrong.
    pub warnings: Vec<Warning>,
}

/// An account at a level.
#[derive(Clone, Debug, Serialize)]
pub struct LevelExplanation {
    /// Whether the account has what it requires.
    pub sufficient: bool,
    /// Whether what it claims can be proven.
    pub provable: bool,
    /// Amounts, in quote units.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// What each instrument is worth and adds to the margin.
    pub instruments: Vec<Line>,
}

impl Explanation {
    /// The levels whose requirements the account does not meet; not those that claim this.
    #[must_use]
    pub fn not_satisfied(&self) -> Vec<String> {
        self.named(|level| level.evaluation.claim.is_sufficient() && !level.sufficient)
    }

    /// The levels whose claims are not true of the account.
    #[must_use]
    pub fn not_provable(&self) -> Vec<String> {
        self.named(|level| !level.provable)
    }

    fn named(&self, is_meant: impl Fn(&LevelExplanation) -> bool) -> Vec<String> {
        self.levels.iter().filter(|(_, level)| is_meant(level)).map(|(name, _)| name.clone()).collect()
    }
}

/// Evaluates every level of a policy, plainly. What looks wrong is told by these and by the quote legs of the files
/// that the position is from.
///
/// # Errors
/// If the policy does not fit the universe.
pub fn explain(
    policy: &Policy,
    universe: &Universe,
    (position, legs): (&Position, &[Leg]),
    prices: &[Price],
) -> Result<Explanation, ExplainError> {
    let levels = policy.levels.iter().map(|level| {
        let failed = |error| ExplainError { level: level.name.clone(), error };
        let evaluation = evaluate(policy, universe, level, position, prices).map_err(failed)?;
        let instruments = lines(policy, universe, level, position, prices).map_err(failed)?;
        let (sufficient, provable) = (evaluation.is_sufficient(), evaluation.is_provable());
        Ok((level.name.to_string(), LevelExplanation { sufficient, provable, evaluation, instruments }))
    });
    let levels: BTreeMap<_, _> = levels.collect::<Result<_, ExplainError>>()?;
    let instruments = policy.levels.iter().filter_map(|level| levels.get(level.name.as_str()));
    let instruments: Vec<_> = instruments.map(|level| level.instruments.as_slice()).collect();
    let warnings = warnings(universe, position, &instruments, legs);
    Ok(Explanation { levels, warnings })
}

impl Failure for ExplainError {
    fn class(&self) -> Class {
        match self.error {
            EvaluateError::Policy(_) => Class::Input,
            EvaluateError::Overflow => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "explain".into()
    }
}
