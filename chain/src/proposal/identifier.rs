//! The identifier that the policy registry computes from a publication: `PolicyRegistry._identify`.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue as _;
use surety_verifier::attestation::identifiers::PolicyId;

use crate::abi::{Level, Publication, bytes32};

/// The identifier; none where there is a vault, which the registry asks for its assets.
pub(super) fn of(publication: &Publication) -> Option<PolicyId> {
    if publication.vault.at != Address::ZERO {
        return None;
    }
    let scopes = match &publication.scopes[..] {
        [] => B256::ZERO,
        scopes => keccak256((keccak256("surety/source-scopes/v1"), scopes.to_vec()).abi_encode_params()),
    };
    let head = [
        keccak256("surety/policy/v2"),
        publication.document,
        publication.universe,
        publication.srs,
        U256::from(publication.k).into(),
        B256::ZERO,
        scopes,
    ];
    let (tag, sufficient) = (keccak256("surety/shortfall/v1"), publication.sufficient as usize);
    let levels = publication.levels.iter().enumerate().map(|(i, level)| {
        let claims = i < sufficient;
        hash(level, if claims { level.level } else { keccak256((tag, level.level).abi_encode_params()) })
    });
    let shortfalls = (sufficient < publication.levels.len())
        .then(|| keccak256((tag, U256::from(publication.sufficient)).abi_encode_params()));
    let words: Vec<B256> = head.into_iter().chain(levels).chain(shortfalls).collect();
    Some(PolicyId(bytes32(keccak256(words.concat()))))
}

fn hash(level: &Level, identifier: B256) -> B256 {
    let coefficients = &level.coefficients;
    let points = [level.idx, level.flag, coefficients.base].into_iter().chain(coefficients.market.iter().copied());
    let coordinates = points.flatten().map(B256::from);
    keccak256([identifier].into_iter().chain(coordinates).collect::<Vec<_>>().concat())
}
