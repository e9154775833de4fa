//! Pages decided in several ways that share no code: plain arithmetic, the page's program, the circuit, its twin, and
//! proofs. All must say the same, to one lot of each total.

use surety_circuits::{ProveError, ProvingKey};
use surety_core::capacity::Capacity;
use surety_kzg::{Lanes, Params, Table, progress::Silent};
use surety_verifier::KnownCommitments;

use super::*;
use crate::common::{development, forger::BlindProver, known};

/// One lot more or less of each total, and of each balance.
fn neighbours(claim: &[i128]) -> impl Iterator<Item = Vec<i128>> {
    (0..claim.len()).flat_map(move |place| {
        [-1, 1].map(|more| {
            let mut claim = claim.to_vec();
            claim[place] += more;
            claim
        })
    })
}

/// A true claim has a witness that the circuit takes. A false one has none of its own, and that of the claim beside it
/// is refused.
fn assert_decided(scene: &Scene, beside: &Assignment, claim: &[i128]) -> bool {
    let (truth, solved) = (scene.is_true(&scalars(claim)), scene.solve(claim));
    assert_eq!(solved.is_some(), truth, "{}: {claim:?}", scene.name);
    let assignment = solved.as_ref().unwrap_or(beside);
    assert_eq!(circuit_accepts(&scene.witness(claim, assignment)), truth, "{}: {claim:?}", scene.name);
    truth
}

#[test]
fn pages_are_decided_alike() {
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    for scene in scenes() {
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..2 {
            let claim = scene.claim(&scene.accounts(&mut rng));
            let assignment = scene.solve(&claim).unwrap();
            assert!(assert_decided(&scene, &assignment, &claim));
            for claim in neighbours(&claim) {
                let count = if assert_decided(&scene, &assignment, &claim) { &mut accepted } else { &mut refused };
                *count += 1;
            }
        }
        // Of a total one lot less is too little, and one lot more is not, at least where it is added up.
        assert!(accepted > 2 && refused > 10, "{}: {accepted}, {refused}", scene.name);
    }
}

fn key(params: &Params, scene: &Scene) -> ProvingKey {
    let table = Table::new(params.lagrange(), &Silent);
    ProvingKey::divided(params, scene.page.program().groups(), table, Lanes::widest()).unwrap()
}

/// What is true is proven. What is false is not, and no verifier takes what a prover that checks nothing makes of it,
/// nor the proof of the claim beside it.
fn assert_pages_are_proven_alike(kinds: &[usize], rounds: usize, step: usize) {
    let params = development(Capacity::new(10).unwrap());
    let mut rng = ChaCha20Rng::seed_from_u64(13);
    for scene in kinds.iter().map(|kind| scenes().swap_remove(*kind)) {
        let key = key(&params, &scene);
        let blind = BlindProver::new(&params, &LinearProgramCircuit::new(scene.page.program().groups()));
        let (context, digest) = (Fr::from(9), key.verifying_key().digest());
        let accepts =
            |known: &KnownCommitments, proof: &[u8]| key.verifying_key().verify(context, known, proof).is_ok();
        for _ in 0..rounds {
            let claim = scene.claim(&scene.accounts(&mut rng));
            let assignment = scene.solve(&claim).unwrap();
            let witness = scene.witness(&claim, &assignment);
            let expected = known(&params, &witness);
            let proof = key.prove(context, &expected, &witness).unwrap().0;
            assert!(accepts(&expected, &proof), "{}", scene.name);
            let (own, by_halo2) = blind.prove(digest, context, &witness).unwrap();
            assert!(accepts(&own, &by_halo2), "{}: Halo2's proof", scene.name);

            let lies = neighbours(&claim).filter(|claim| !scene.is_true(&scalars(claim)));
            for claim in lies.step_by(step) {
                let lie = scene.witness(&claim, &assignment);
                let expected = known(&params, &lie);
                assert!(!accepts(&expected, &proof), "{}: the proof of another claim", scene.name);
                let error = key.prove(context, &expected, &lie).unwrap_err();
                assert!(matches!(error, ProveError::Unsatisfied(_)), "{}: {error}", scene.name);
                let (own, proof) = blind.prove(digest, context, &lie).unwrap();
                assert!(!accepts(&own, &proof), "{}: {claim:?}", scene.name);
            }
        }
    }
}

#[test]
fn pages_are_proven_alike() {
    assert_pages_are_proven_alike(&[0, 1, 4], 1, 12);
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_pages_are_proven_alike() {
    assert_pages_are_proven_alike(&[0, 1, 2, 3, 4], 5, 1);
}
