//! A policy's commitments as a verifier gets them: computed here, or, without the set-up, the published ones; and their
//! names.

use surety_core::ident::{HexBytes, Name};
use surety_kzg::{Event, Observer, SrsId, store::StoreError};
use surety_margin::{policy::Policy, universe::Universe};
use surety_verifier::compiled::{CommittedPolicy, CompiledPolicy, CompiledPolicyFile, LevelCommitments};

use crate::{
    Error,
    setup::{SetupError, Setups},
};

/// The policy with its commitments. `published` finds those that somebody else computed; it is asked where the set-up
/// is not imported.
///
/// # Errors
/// If the policy does not compile, or there is neither a set-up nor a file with commitments of this policy.
pub fn of(
    policy: Policy,
    universe: Universe,
    published: impl FnOnce(&Policy, &Universe) -> Result<Option<CompiledPolicyFile>, Error>,
    setups: &Setups,
    observer: &dyn Observer,
) -> Result<CommittedPolicy, Error> {
    match setups.params(SrsId::from(universe.srs), universe.capacity, observer) {
        Ok(params) => Ok(CompiledPolicy::compile(policy, universe, &params)?.committed().clone()),
        Err(missing @ (SetupError::Store(StoreError::Missing { .. }) | SetupError::Unknown(_))) => {
            let Some(published) = published(&policy, &universe)? else { return Err(missing.into()) };
            let notice = "the set-up is not imported: the policy's commitments are taken from a file";
            observer.event(Event::Notice(notice.to_owned()));
            Ok(CommittedPolicy::published(policy, universe, &published)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// What people call a commitment of a level: its column, and the level.
#[must_use]
pub fn name(level: &Name, column: &str) -> String {
    format!("level {level}: {column}")
}

/// The commitments of a policy's programs by their names: `IDX`, `FLAG`, `B_0 … B_U` of each level.
#[must_use]
pub fn named(file: &CompiledPolicyFile) -> Vec<(String, HexBytes<64>)> {
    let of_level = |LevelCommitments { level, idx, flag, base, market }: &LevelCommitments| {
        let fixed = [("IDX", idx), ("FLAG", flag)].map(|(column, point)| (name(level, column), *point));
        let factors = std::iter::once(base).chain(market).enumerate();
        let factors = factors.map(|(index, point)| (name(level, &format!("B_{index}")), *point));
        fixed.into_iter().chain(factors).collect::<Vec<_>>()
    };
    file.levels.iter().flat_map(of_level).collect()
}
