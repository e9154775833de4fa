//! What sources may state: nothing outside of the scopes that the policy gives them.
//!
//! A source is trusted for the instruments of its scope and for no other. All of its statements count as one: their
//! commitments' sum must lie within the scope, and the attestation proves that it does.

use halo2curves::bn256::Fr;
use surety_core::ident::EvmAddress;
use surety_kzg::{HoldingCommitment, SrsId};

use crate::{
    attestation::{
        claim::Attestation,
        compiled::CommittedPolicy,
        rejection::{Rejection, Rule},
        statement::Statement,
    },
    proof::scope::{self, ReducedScopes, ScopedCommitment},
};

const INPUT: &str = "attestation: scopes";

/// What each source with a scope states altogether, and its scope, in ascending order of their addresses.
///
/// # Errors
/// If a commitment is no point, or those of a source cancel.
pub fn scoped_commitments(
    policy: &CommittedPolicy,
    statements: &[Statement],
) -> Result<Vec<ScopedCommitment>, Rejection> {
    let of_source = |signer: EvmAddress| {
        let stated = statements.iter().filter(|statement| statement.source == signer);
        let invalid = |found: String| {
            let input = format!("attestation: statements of {signer}");
            Rejection::new(Rule::HoldingCommitment, input, "commitments whose sum hides something", found)
        };
        let points = stated.map(|statement| HoldingCommitment::from_bytes(&statement.commitment.0));
        let points = points.collect::<Result<Vec<_>, _>>().map_err(|error| invalid(error.to_string()))?;
        HoldingCommitment::sum(&points).map_err(|error| invalid(error.to_string()))
    };
    let scoped = policy.scopes().iter();
    scoped
        .map(|scope| Ok(ScopedCommitment { holdings: *of_source(scope.signer)?.point(), scope: scope.point }))
        .collect()
}

/// Reduces the attestation's proof of scopes. None where the policy gives no scope, and there is no such proof.
pub(crate) fn check_scopes(
    attestation: &Attestation,
    policy: &CommittedPolicy,
    context: &Fr,
) -> Result<Option<ReducedScopes>, Rejection> {
    let rejection = |expected: &str, found: String| Rejection::new(Rule::Scope, INPUT, expected, found);
    let proof = match (&attestation.scopes, policy.scopes()) {
        (None, []) => return Ok(None),
        (Some(_), []) => return Err(rejection("none, as the policy gives no source a scope", "a proof".to_owned())),
        (None, _) => return Err(rejection("a proof that sources stated nothing outside of theirs", "none".to_owned())),
        (Some(proof), _) => proof,
    };
    let parts = scoped_commitments(policy, &attestation.claim.statements)?;
    let srs = SrsId::from(policy.universe().srs);
    scope::reduce(srs, context, &parts, proof, &attestation.proof.0)
        .map(Some)
        .map_err(|error| rejection("a proof of this policy's scopes", error.to_string()))
}

/// That the equation of a proof about these sources' scopes does not hold.
pub(crate) fn outside(signers: &[EvmAddress]) -> Rejection {
    let signers: Vec<_> = signers.iter().map(ToString::to_string).collect();
    let expected = format!("a valid proof that {} stated nothing outside of their scopes", signers.join(", "));
    Rejection::new(Rule::Scope, INPUT, expected, "an invalid one: the pairing equation does not hold")
}
