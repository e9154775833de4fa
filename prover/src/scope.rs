//! Proving that sources stated nothing outside of their scopes.

use std::borrow::Cow;

use group::Curve as _;
use surety_core::{
    failure::{Class, Failure},
    ident::{HexBytes, Name},
};
use surety_kzg::{
    Fr, Params, SecretScalars, point, scalar,
    scope::{Scope, divide_out},
};
use surety_margin::policy::SourceRule;
use surety_verifier::{
    CommittedPolicy,
    attestation::{
        compiled::{CompiledError, scope_of},
        rejection::Rejection,
        scopes::scoped_commitments,
        statement::Statement,
    },
    proof::scope::{Challenges, ScopeProof, ScopedCommitment},
};

use crate::{
    account::{Account, AccountError},
    opening::Opening,
};

/// Why there is no proof of scopes.
#[derive(Debug, thiserror::Error)]
pub enum ScopeProofError {
    /// A source states what the policy does not trust it for. Never says what, as that is the holder's secret.
    #[error(
        "the statements of {stated_by}: expected balances of nothing but the scope that the policy gives it ({}), \
         found another; compare the openings with the policy, and ask the source for statements without",
        listed(.scope)
    )]
    Outside {
        /// What the policy calls the source.
        stated_by: Name,
        /// The instruments that it may state.
        scope: Vec<Name>,
    },
    /// The account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The commitments.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// The policy's scopes.
    #[error(transparent)]
    Policy(#[from] CompiledError),
    /// The challenge fell on a row.
    #[error("a challenge fell on a root of unity: make a new attestation")]
    DegenerateChallenge,
}

fn listed(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

/// What a source states altogether, within its scope.
struct Part {
    scope: Scope,
    column: SecretScalars,
    quotient: SecretScalars,
    commitment: ScopedCommitment,
}

/// Proves that every source with a scope states nothing outside of it. None where the policy gives no scope.
///
/// # Errors
/// If a source states something outside of its scope.
pub fn prove_scopes(
    policy: &CommittedPolicy,
    params: &Params,
    (statements, openings): (&[Statement], &[Opening]),
    context: &Fr,
) -> Result<Option<ScopeProof>, ScopeProofError> {
    if policy.scopes().is_empty() {
        return Ok(None);
    }
    let commitments = scoped_commitments(policy, statements)?;
    let positions = policy.universe().positions();
    let part = |(source, commitment): (&SourceRule, ScopedCommitment)| {
        let stated = Account::stated_by(policy.universe(), statements, openings, &source.signer)?;
        let scope = scope_of(source, policy.universe().capacity, &positions)?;
        let column = stated.column(params).map_err(AccountError::from)?;
        let outside = || ScopeProofError::Outside { stated_by: source.name.clone(), scope: source.scope.clone() };
        let quotient = scope.quotient(&column).ok_or_else(outside)?;
        Ok::<_, ScopeProofError>(Part { scope, column, quotient, commitment })
    };
    let parts =
        policy.policy().scoped_sources().into_iter().zip(commitments).map(part).collect::<Result<Vec<_>, _>>()?;
    open(params, &parts, context).map(Some)
}

fn open(params: &Params, parts: &[Part], context: &Fr) -> Result<ScopeProof, ScopeProofError> {
    let commit = |column: &[Fr]| params.commit_column(column).to_affine();
    let quotients: Vec<_> = parts.iter().map(|part| commit(&part.quotient)).collect();
    let commitments: Vec<_> = parts.iter().map(|part| part.commitment).collect();
    let mut challenges = Challenges::new(context, &commitments, &quotients);
    let values = parts.iter().map(|part| part.scope.at(challenges.point));
    let values = values.collect::<Option<Vec<Fr>>>().ok_or(ScopeProofError::DegenerateChallenge)?;
    let weight = challenges.weight(&values);
    // What is zero at the challenge, up to the values: see `surety_verifier::proof::scope`.
    let mut combined = SecretScalars::zeros(params.capacity().rows());
    let mut power = Fr::one();
    for (part, value) in parts.iter().zip(&values) {
        let columns = part.column.iter().zip(part.quotient.iter());
        combined
            .iter_mut()
            .zip(columns)
            .for_each(|(sum, (stated, quotient))| *sum += power * (stated - value * quotient));
        power *= weight;
        combined.iter_mut().zip(part.scope.column()).for_each(|(sum, outside)| *sum += power * outside);
        power *= weight;
    }
    let opened = divide_out(params.capacity(), &combined, challenges.point);
    let (_, opening) = opened.ok_or(ScopeProofError::DegenerateChallenge)?;
    Ok(ScopeProof {
        quotients: quotients.iter().map(|quotient| HexBytes(point::g1_to_bytes(quotient))).collect(),
        values: values.iter().map(|value| HexBytes(scalar::to_bytes(value))).collect(),
        opening: HexBytes(point::g1_to_bytes(&commit(&opening))),
    })
}

impl Failure for ScopeProofError {
    fn class(&self) -> Class {
        match self {
            Self::Outside { .. } => Class::Input,
            Self::Account(error) => error.class(),
            Self::Refused(rejection) => crate::prove::class_before_proof(rejection),
            Self::Policy(error) => error.class(),
            Self::DegenerateChallenge => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Account(error) => error.code(),
            Self::Refused(rejection) => rejection.code(),
            Self::Policy(error) => error.code(),
            Self::Outside { .. } | Self::DegenerateChallenge => "scope".into(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use alloy_primitives::hex;
    use ff::Field as _;
    use rand_core::OsRng;
    use surety_core::ident::Bytes32;
    use surety_kzg::{Capacity, Masks, Srs, holding::holding_column, progress::Silent};
    use surety_verifier::proof::{
        pairing::{PairingCheck, PairingKey},
        scope::{ReducedScopes, ScopeError, reduce},
    };

    use super::*;

    /// What the main proof of these tests is: it counts for the factor alone.
    const OTHER: &[u8] = b"proof";

    fn params() -> Params {
        let capacity = Capacity::new(9).unwrap();
        Params::from_srs(&Srs::development(capacity), capacity, &Silent).unwrap()
    }

    fn column(params: &Params, lots: &[(usize, i128)]) -> SecretScalars {
        holding_column(params.capacity(), lots, &Masks::random(&mut OsRng)).unwrap()
    }

    /// A part whose quotient is that of another column, which a hostile prover may choose.
    fn part(params: &Params, scope: &[usize], column: SecretScalars, quotient_of: &SecretScalars) -> Part {
        let scope = Scope::new(params.capacity(), scope.iter().copied()).unwrap();
        let holdings = params.commit_column(&column).to_affine();
        let commitment = ScopedCommitment { holdings, scope: scope.commit(params) };
        Part { quotient: scope.quotient(quotient_of).unwrap(), scope, column, commitment }
    }

    fn honest(params: &Params, scope: &[usize], lots: &[(usize, i128)]) -> Part {
        let column = column(params, lots);
        part(params, scope, column.clone(), &column)
    }

    fn commitments(parts: &[Part]) -> Vec<ScopedCommitment> {
        parts.iter().map(|part| part.commitment).collect()
    }

    fn holds(params: &Params, context: &Fr, parts: &[ScopedCommitment], proof: &ScopeProof) -> bool {
        let key = PairingKey::from(params.verifier_key());
        reduce(params.id(), context, parts, proof, OTHER).is_ok_and(|reduced| reduced.check.check(&key).is_ok())
    }

    #[test]
    fn holdings_within_their_scopes_have_one_proof() {
        let params = params();
        let parts =
            [honest(&params, &[0, 3], &[(3, -7)]), honest(&params, &[9], &[]), honest(&params, &[0], &[(0, 1)])];
        let context = Fr::random(OsRng);
        let proof = open(&params, &parts, &context).unwrap();
        assert!(holds(&params, &context, &commitments(&parts), &proof));
        assert_eq!(proof.to_bytes().len(), 3 * 96 + 64);
        assert_eq!(open(&params, &parts, &context).unwrap(), proof);
    }

    /// Attack: a source states an instrument outside of its scope, and the holder does what it can with the quotient.
    #[test]
    fn rejects_holdings_outside_of_the_scope_whatever_the_quotient() {
        let (params, context) = (params(), Fr::random(OsRng));
        let stated = column(&params, &[(0, 1), (1, 1_000_000)]);
        let mut within = stated.clone();
        within[params.capacity().instrument(1).unwrap().index()] = Fr::ZERO;
        for quotient_of in [&within, &column(&params, &[]), &SecretScalars::zeros(512)] {
            let part = part(&params, &[0], stated.clone(), quotient_of);
            let parts = [honest(&params, &[4], &[]), part];
            // What divides the combination leaves a remainder, which the opening leaves out.
            if let Ok(proof) = open(&params, &parts, &context) {
                assert!(!holds(&params, &context, &commitments(&parts), &proof));
            }
        }
    }

    /// Attack: two sources state one instrument outside of their scopes with opposite signs.
    #[test]
    fn rejects_parts_that_lie_within_their_scopes_only_together() {
        let (params, context) = (params(), Fr::random(OsRng));
        let [more, less] = [5, -5].map(|lots| column(&params, &[(1, lots)]));
        let [clean, other] = [(); 2].map(|()| column(&params, &[]));
        let parts = [part(&params, &[0], more, &clean), part(&params, &[0], less, &other)];
        let proof = open(&params, &parts, &context).unwrap();
        assert!(!holds(&params, &context, &commitments(&parts), &proof));
    }

    #[test]
    fn rejects_a_proof_for_another_context_scope_or_order() {
        let (params, context) = (params(), Fr::random(OsRng));
        let parts = [honest(&params, &[0, 1], &[(0, 5)]), honest(&params, &[2], &[(2, 5)])];
        let proof = open(&params, &parts, &context).unwrap();
        let right = commitments(&parts);
        assert!(holds(&params, &context, &right, &proof));
        assert!(!holds(&params, &(context + Fr::one()), &right, &proof));
        assert!(!holds(&params, &context, &[right[1], right[0]], &proof));
        let narrower = Scope::new(params.capacity(), [0]).unwrap().commit(&params);
        let other = ScopedCommitment { scope: narrower, ..right[0] };
        assert!(!holds(&params, &context, &[other, right[1]], &proof));
        let other = ScopedCommitment { holdings: right[1].holdings, ..right[0] };
        assert!(!holds(&params, &context, &[other, right[1]], &proof));
    }

    #[test]
    fn rejects_every_changed_element_of_a_proof() {
        let (params, context) = (params(), Fr::random(OsRng));
        let parts = [honest(&params, &[0, 1], &[(0, 5)]), honest(&params, &[2], &[(2, 5)])];
        let proof = open(&params, &parts, &context).unwrap();
        let parts = commitments(&parts);
        let point = HexBytes(point::g1_to_bytes(&params.powers()[3]));
        for index in 0..2 {
            let mut changed = proof.clone();
            changed.quotients[index] = point;
            assert!(!holds(&params, &context, &parts, &changed), "quotient {index}");
            let mut changed = proof.clone();
            changed.values[index] = HexBytes(scalar::to_bytes(&Fr::from(7)));
            assert!(!holds(&params, &context, &parts, &changed), "value {index}");
        }
        let mut swapped = proof.clone();
        swapped.values.swap(0, 1);
        assert!(!holds(&params, &context, &parts, &swapped));
        assert!(!holds(&params, &context, &parts, &ScopeProof { opening: point, ..proof }));
    }

    #[test]
    fn rejects_what_is_no_encoding_of_a_proof() {
        let (params, context) = (params(), Fr::random(OsRng));
        let parts = [honest(&params, &[0], &[])];
        let proof = open(&params, &parts, &context).unwrap();
        let parts = commitments(&parts);
        let error = |change: &dyn Fn(&mut ScopeProof)| {
            let mut changed = proof.clone();
            change(&mut changed);
            reduce(params.id(), &context, &parts, &changed, OTHER).unwrap_err()
        };
        let count = |quotients, values| ScopeError::Count { expected: 1, quotients, values };
        assert_eq!(error(&|proof| proof.quotients.clear()), count(0, 1));
        assert_eq!(error(&|proof| proof.values.push(HexBytes::ZERO)), count(1, 2));
        assert!(matches!(error(&|proof| proof.quotients[0] = HexBytes::ZERO), ScopeError::Quotient { index: 0, .. }));
        assert!(matches!(error(&|proof| proof.values[0] = HexBytes([0xff; 32])), ScopeError::Value { index: 0, .. }));
        assert!(matches!(error(&|proof| proof.opening = HexBytes::ZERO), ScopeError::Opening(_)));
    }

    /// Attack: a proof of scopes that is off by what the other proof is off, so that their plain sum holds.
    #[test]
    fn the_factor_depends_on_both_proofs() {
        let (params, context) = (params(), Fr::random(OsRng));
        let parts = [honest(&params, &[0], &[])];
        let proof = open(&params, &parts, &context).unwrap();
        let factor = |proof: &ScopeProof, other: &[u8]| {
            let ReducedScopes { factor, .. } =
                reduce(params.id(), &context, &commitments(&parts), proof, other).unwrap();
            factor
        };
        let point = HexBytes(point::g1_to_bytes(&params.powers()[3]));
        assert_ne!(factor(&proof, OTHER), factor(&proof, b"other"));
        assert_ne!(factor(&proof, OTHER), factor(&ScopeProof { opening: point, ..proof.clone() }, OTHER));
        let mut changed = proof.clone();
        changed.values[0] = HexBytes(scalar::to_bytes(&Fr::from(7)));
        assert_ne!(factor(&proof, OTHER), factor(&changed, OTHER));
        let checks = [&proof, &changed]
            .map(|proof| reduce(params.id(), &context, &commitments(&parts), proof, OTHER).unwrap().check);
        let together = PairingCheck::combine(&checks, &[Fr::one(), factor(&changed, OTHER)]).unwrap();
        assert!(together.check(&PairingKey::from(params.verifier_key())).is_err());
    }

    /// A proof with what it is verified with, and the verdict.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Case {
        context: Bytes32,
        parts: Vec<HexBytes<128>>,
        proof: String,
        holds: bool,
    }

    /// What contracts are compared with.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Fixture {
        names: Vec<String>,
        cases: Vec<Case>,
    }

    const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/test/fixtures/scopes-k11.json");

    fn large() -> Params {
        let capacity = Capacity::new(11).unwrap();
        Params::from_srs(&Srs::development(capacity), capacity, &Silent).unwrap()
    }

    fn read_proof(bytes: &[u8], parts: usize) -> ScopeProof {
        let (quotients, rest) = bytes.split_at(64 * parts);
        let (values, opening) = rest.split_at(32 * parts);
        ScopeProof {
            quotients: quotients.chunks_exact(64).map(|chunk| HexBytes(chunk.try_into().unwrap())).collect(),
            values: values.chunks_exact(32).map(|chunk| HexBytes(chunk.try_into().unwrap())).collect(),
            opening: HexBytes(opening.try_into().unwrap()),
        }
    }

    /// The verdicts that the generated contract is compared with are those of the native verifier.
    #[test]
    fn stored_proofs_have_their_verdicts() {
        let params = large();
        let fixture: Fixture = serde_json::from_str(&std::fs::read_to_string(FIXTURE).unwrap()).unwrap();
        assert!(fixture.names.len() == fixture.cases.len() && fixture.cases[0].holds);
        for (name, case) in fixture.names.iter().zip(&fixture.cases) {
            let read = |bytes: &[u8]| point::g1_from_bytes(bytes.try_into().unwrap()).unwrap();
            let part = |bytes: &HexBytes<128>| {
                let (holdings, scope) = bytes.0.split_at(64);
                ScopedCommitment { holdings: read(holdings), scope: read(scope) }
            };
            let parts: Vec<_> = case.parts.iter().map(part).collect();
            let context = scalar::from_bytes(&case.context.0).unwrap();
            let bytes = hex::decode(&case.proof).unwrap();
            let proof = read_proof(&bytes, parts.len());
            assert_eq!(proof.to_bytes(), bytes);
            assert_eq!(holds(&params, &context, &parts, &proof), case.holds, "{name}");
        }
    }

    #[test]
    #[ignore = "writes contracts/test/fixtures/scopes-k11.json; run it when proofs of scopes have changed on purpose"]
    fn write_the_proofs() {
        let (params, context) = (large(), Fr::random(OsRng));
        let mut fixture = Fixture { names: Vec::new(), cases: Vec::new() };
        let mut add = |name: &str, context: &Fr, parts: &[ScopedCommitment], proof: &ScopeProof| {
            let part = |part: &ScopedCommitment| {
                let points = [part.holdings, part.scope].map(|point| point::g1_to_bytes(&point));
                HexBytes(points.concat().try_into().unwrap())
            };
            fixture.names.push(name.to_owned());
            fixture.cases.push(Case {
                context: HexBytes(scalar::to_bytes(context)),
                parts: parts.iter().map(part).collect(),
                proof: hex::encode_prefixed(proof.to_bytes()),
                holds: holds(&params, context, parts, proof),
            });
        };
        let parts = [
            honest(&params, &[0, 3], &[(3, -7)]),
            honest(&params, &(0..1_000).collect::<Vec<_>>(), &[(999, i128::from(u32::MAX))]),
            honest(&params, &[0], &[]),
        ];
        let (right, proof) = (commitments(&parts), open(&params, &parts, &context).unwrap());
        add("three parts", &context, &right, &proof);
        add("one part", &context, &right[1..2], &open(&params, &parts[1..2], &context).unwrap());
        add("context zero", &Fr::ZERO, &right[..2], &open(&params, &parts[..2], &Fr::ZERO).unwrap());
        add("another context", &(context + Fr::ONE), &right, &proof);
        add("parts in another order", &context, &[right[1], right[0], right[2]], &proof);
        let other = ScopedCommitment { scope: right[2].scope, ..right[0] };
        add("another scope", &context, &[other, right[1], right[2]], &proof);
        let (mut value, mut swapped) = (proof.clone(), proof.clone());
        value.values[1] = HexBytes(scalar::to_bytes(&Fr::from(7)));
        add("another value", &context, &right, &value);
        swapped.quotients.swap(0, 2);
        add("quotients in another order", &context, &right, &swapped);
        let opening = proof.quotients[0];
        add("another opening", &context, &right, &ScopeProof { opening, ..proof });
        let stated = column(&params, &[(5, 1)]);
        let outside = [part(&params, &[0], stated, &column(&params, &[]))];
        let proof = open(&params, &outside, &context).unwrap();
        add("holdings outside of the scope", &context, &commitments(&outside), &proof);
        std::fs::write(FIXTURE, serde_json::to_string_pretty(&fixture).unwrap() + "\n").unwrap();
    }
}
