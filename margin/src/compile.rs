//! From a policy to one program for each of its levels.

use alloy_primitives::I256;
use surety_core::problem::{Problem, listed};

use crate::{
    level::{Claimed, Level},
    market::PriceRange,
    models::{Frame, Requirement},
    policy::Policy,
    program::{Affine, Builder, Expression, HoldingRange, Program, ProgramError, Scenario, number, worst_of},
    universe::Universe,
};

/// Why a policy does not compile.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Names do not resolve.
    #[error("{}", listed("", .0))]
    Names(Vec<Problem>),
    /// A level has no program.
    #[error("level {level}: {error}")]
    Program {
        /// The level.
        level: String,
        /// Why.
        error: ProgramError,
    },
}

/// Compiles every level of a policy, in its order.
///
/// # Errors
/// If names do not resolve, a coefficient would be a product of prices, or a program does not fit the universe's
/// capacity class.
pub fn compile(policy: &Policy, universe: &Universe) -> Result<Vec<Program>, CompileError> {
    programs(policy, universe).collect()
}

/// As [`compile`], each level when it is asked for: a program over a thousand instruments takes 40 MB.
pub fn programs(policy: &Policy, universe: &Universe) -> impl Iterator<Item = Result<Program, CompileError>> {
    policy.levels.iter().map(|level| {
        let frame = policy.frame(universe, level).map_err(CompileError::Names)?;
        compile_level(policy, &frame, universe, level)
            .map_err(|error| CompileError::Program { level: level.name.to_string(), error })
    })
}

fn compile_level(
    policy: &Policy,
    frame: &Frame<'_>,
    universe: &Universe,
    level: &Level,
) -> Result<Program, ProgramError> {
    let LevelRules { prices, holdings, requirements } = LevelRules::of(policy, frame, level);
    let mut builder = Builder::new(universe.capacity, &prices, holdings);
    match level.claim {
        Claimed::Sufficient => {
            for LevelRequirement { rule, margin, .. } in requirements {
                builder.require(&rule, &margin)?;
            }
        }
        Claimed::Shortfall => builder.require(&shortfall_of(level), &shortfall(requirements))?,
    }
    if let Some(end) = level.end_of_band() {
        let requirements = LevelRules::of(policy, frame, &end).requirements;
        builder.require(&shortfall_of(&end), &shortfall(requirements))?;
    }
    builder.finish()
}

fn shortfall_of(level: &Level) -> String {
    format!("{} shortfall", level.name)
}

/// What is not negative exactly if one of the margins is, since margins are integers: `-min(margins) - 1`. Their units
/// may differ, because only signs count.
fn shortfall(requirements: Vec<LevelRequirement>) -> Expression {
    let scenarios = requirements.into_iter().map(|it| Scenario { label: it.rule, value: it.margin });
    -worst_of(scenarios.collect()) - number(Affine::constant(I256::ONE))
}

/// A level of a policy, not yet laid out: for programs over several accounts. Its margins are those that the level is
/// about; the level's claim, that they are negative or not, is for whoever lays it out.
#[derive(Clone, Debug)]
pub struct LevelRules {
    /// The ranges of the market vector.
    pub prices: Vec<PriceRange>,
    /// The holdings that an account may have, for each instrument of the universe.
    pub holdings: Vec<HoldingRange>,
    /// What must not be negative.
    pub requirements: Vec<LevelRequirement>,
}

/// Something that must not be negative.
#[derive(Clone, Debug)]
pub struct LevelRequirement {
    /// The name of the rule.
    pub rule: String,
    /// The margin, over the holdings of the universe's instruments.
    pub margin: Expression,
    /// What a quote unit counts for in this margin. Each model has a unit of its own, and its sign is all that a level
    /// asks for: amounts of several margins, or of a margin and a balance, compare only with this.
    pub unit: I256,
}

impl LevelRules {
    /// The rules of a level.
    ///
    /// # Errors
    /// If names do not resolve.
    pub fn new(policy: &Policy, universe: &Universe, level: &Level) -> Result<Self, CompileError> {
        let frame = policy.frame(universe, level).map_err(CompileError::Names)?;
        Ok(Self::of(policy, &frame, level))
    }

    fn of(policy: &Policy, frame: &Frame<'_>, level: &Level) -> Self {
        let named = |Requirement { bucket, margin, unit }| {
            let of_bucket = bucket.map(|name| format!(" of {name}")).unwrap_or_default();
            LevelRequirement { rule: format!("{} margin{of_bucket}", level.name), margin, unit }
        };
        Self {
            prices: frame.prices(),
            holdings: frame.holding_ranges(),
            requirements: policy.model.requirements(frame, level).into_iter().map(named).collect(),
        }
    }
}
