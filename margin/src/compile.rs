//! From a policy to one program for each of its levels.

use surety_core::problem::{Problem, listed};

use crate::{
    level::Level,
    models::{Frame, Requirement},
    policy::Policy,
    program::{Builder, Program, ProgramError},
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
/// If names do not resolve, the model is not concave, or a program does not fit the universe's capacity class.
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
    let prices = frame.prices();
    let mut builder = Builder::new(universe.capacity, &prices, frame.holding_ranges());
    for Requirement { bucket, margin } in policy.model.requirements(frame, level) {
        let of_bucket = bucket.map(|name| format!(" of {name}")).unwrap_or_default();
        builder.require(&format!("{} margin{of_bucket}", level.name), &margin)?;
    }
    builder.finish()
}
