//! The margin of an account at every level, for its holder.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use surety_margin::{
    evaluate::{EvaluateError, Evaluation, Item, evaluate},
    holdings::Position,
    ident::Name,
    policy::Policy,
    units::Price,
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
}

/// An account at a level.
#[derive(Clone, Debug, Serialize)]
pub struct LevelExplanation {
    /// Whether the account satisfies it.
    pub sufficient: bool,
    /// Amounts, in quote units.
    #[serde(flatten)]
    pub evaluation: Evaluation,
}

/// Evaluates every level of a policy, plainly.
///
/// # Errors
/// If the policy does not fit the universe.
pub fn explain(
    policy: &Policy,
    universe: &Universe,
    position: &Position,
    prices: &[Price],
) -> Result<Explanation, ExplainError> {
    let levels = policy.levels.iter().map(|level| {
        let evaluation = evaluate(policy, universe, level, position, prices)
            .map_err(|error| ExplainError { level: level.name.clone(), error })?;
        let sufficient = evaluation.is_sufficient();
        Ok((level.name.to_string(), LevelExplanation { sufficient, evaluation }))
    });
    Ok(Explanation { levels: levels.collect::<Result<_, _>>()? })
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, LevelExplanation { sufficient, evaluation })) in self.levels.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{name}: {}", if *sufficient { "sufficient" } else { "NOT sufficient" })?;
            writeln!(f, "  equity       {}", evaluation.equity)?;
            write_items(f, &evaluation.credits)?;
            writeln!(f, "  requirement  {}", evaluation.requirement)?;
            write_items(f, &evaluation.charges)?;
            writeln!(f, "  margin       {}", evaluation.margin)?;
            for bucket in &evaluation.buckets {
                writeln!(f, "    {}  {}", bucket.margin, bucket.name)?;
            }
            if let Some(scenario) = &evaluation.worst_scenario {
                writeln!(f, "  worst        {scenario}")?;
            }
            if !evaluation.scenarios.is_empty() {
                writeln!(f, "  scenarios, as they count:")?;
                write_items(f, &evaluation.scenarios)?;
            }
            if let Some(name) = &evaluation.not_admitted {
                writeln!(f, "  not admitted {name}")?;
            }
        }
        Ok(())
    }
}

/// A line for each, the amounts aligned at their points.
fn write_items(f: &mut fmt::Formatter<'_>, items: &[Item]) -> fmt::Result {
    let amounts: Vec<String> = items.iter().map(|item| item.amount.to_string()).collect();
    let point = |amount: &String| amount.find('.').unwrap_or(amount.len());
    let before = amounts.iter().map(point).max().unwrap_or(0);
    let behind = amounts.iter().map(|amount| amount.len() - point(amount)).max().unwrap_or(0);
    for (item, amount) in items.iter().zip(&amounts) {
        let (whole, fraction) = amount.split_at(point(amount));
        writeln!(f, "    {whole:>before$}{fraction:<behind$}  {}", item.name)?;
    }
    Ok(())
}
