//! A policy's commitments as a verifier gets them: computed here, or, without the set-up, the published ones.

use surety_kzg::{Event, Observer, SrsId};
use surety_margin::{policy::Policy, universe::Universe};
use surety_verifier::attestation::compiled::{CommittedPolicy, CompiledError, CompiledPolicy, CompiledPolicyFile};

use crate::{
    setup::{SetupError, Setups},
    store::StoreError,
};

/// The policy with its commitments. `published` finds those that somebody else computed; it is asked where the set-up
/// is not imported.
///
/// # Errors
/// If the policy does not compile, or there is neither a set-up nor a file with commitments of this policy.
pub fn of<E: From<SetupError> + From<CompiledError>>(
    policy: Policy,
    universe: Universe,
    published: impl FnOnce(&Policy, &Universe) -> Result<Option<CompiledPolicyFile>, E>,
    setups: &Setups,
    observer: &dyn Observer,
) -> Result<CommittedPolicy, E> {
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
