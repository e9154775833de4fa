//! The set-ups that an audit computes with.

use surety_core::{capacity::Capacity, failure::AnyFailure};
#[cfg(feature = "host")]
use surety_host::{commitments, setup::Setups};
use surety_kzg::{Observer, SrsId};
use surety_margin::{policy::Policy, universe::Universe};
use surety_verifier::{
    VerifyingKey,
    attestation::compiled::{CommittedPolicy, CompiledPolicyFile},
};

/// What follows from set-ups: those of a computer, or those that a page was given.
pub trait Means {
    /// A policy's commitments: computed, or, where the set-up is not at hand, the published ones.
    ///
    /// # Errors
    /// If there are neither, or the published ones are not this policy's.
    fn commitments(
        &self,
        policy: Policy,
        universe: Universe,
        published: Option<&CompiledPolicyFile>,
        observer: &dyn Observer,
    ) -> Result<CommittedPolicy, AnyFailure>;

    /// The verifying key of a capacity class over a set-up.
    ///
    /// # Errors
    /// If the set-up is unknown and not at hand.
    fn verifying_key(&self, id: SrsId, capacity: Capacity, observer: &dyn Observer)
    -> Result<VerifyingKey, AnyFailure>;
}

#[cfg(feature = "host")]
impl Means for Setups {
    fn commitments(
        &self,
        policy: Policy,
        universe: Universe,
        published: Option<&CompiledPolicyFile>,
        observer: &dyn Observer,
    ) -> Result<CommittedPolicy, AnyFailure> {
        let published = |_: &Policy, _: &Universe| Ok(published.cloned());
        commitments::of(policy, universe, published, self, observer)
    }

    fn verifying_key(
        &self,
        id: SrsId,
        capacity: Capacity,
        observer: &dyn Observer,
    ) -> Result<VerifyingKey, AnyFailure> {
        Ok(Setups::verifying_key(self, id, capacity, observer)?)
    }
}
