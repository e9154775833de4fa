//! Proofs: four verifiers agree on them, and on what is no proof.

use core::ops::Range;

use alloy_primitives::{U256, uint};
use ff::Field as _;
use group::{Curve as _, prime::PrimeCurveAffine as _};
use halo2curves::bn256::{Fr, G1Affine};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{self, OsRng, RngCore, SeedableRng as _},
};
use surety_circuits::{AdviceColumn, ProveError, ProvingKey, circuit::LinearProgramCircuit, rules};
use surety_core::{
    capacity::{Capacity, TAIL_ROWS},
    ident::HexBytes,
};
use surety_kzg::{
    SrsId,
    point::{self, PointError},
};
use surety_verifier::{
    BatchError, KnownCommitments, PairingCheck, ProofError,
    proof::{encoding::PROOF_BYTES, pairing::PairingFailed},
};

use crate::common::{
    self, Proven, Statement, development,
    forger::{BlindProver, point_at},
    known,
    oracles::Oracles,
    panel::Panel,
    reference::ReferenceContract,
    replaced,
};

/// Modulus of the scalar field.
const R: U256 = uint!(21888242871839275222246405745257275088548364400416034343698204186575808495617_U256);
/// Modulus of the base field.
const P: U256 = uint!(21888242871839275222246405745257275088696311157297823662689037894645226208583_U256);

/// A small proof, and all who verify it.
fn small() -> (Proven, Panel) {
    let proven = Proven::small();
    let panel = Panel::new(proven.key.capacity());
    (proven, panel)
}

/// Asserts that no verifier takes these bytes for a proof.
fn assert_rejected_by_all(proven: &Proven, panel: &Panel, proof: &[u8], what: &str) {
    assert!(!panel.accepts(proven.context, &proven.known, proof, what), "{what} is accepted");
}

/// The proof with some bytes replaced.
fn patched(proven: &Proven, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut proof = proven.proof.clone();
    proof[offset..offset + bytes.len()].copy_from_slice(bytes);
    proof
}

fn word(proof: &[u8], offset: usize) -> U256 {
    U256::from_be_slice(&proof[offset..offset + 32])
}

#[test]
fn four_verifiers_accept_proofs_of_every_size() {
    for k in [9, 10, 12] {
        assert_both_provers_are_accepted(k);
    }
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_four_verifiers_accept_proofs_of_all_classes() {
    Capacity::all().for_each(|capacity| assert_both_provers_are_accepted(capacity.k()));
}

/// Proofs of our prover and of Halo2's, about several witnesses.
fn assert_both_provers_are_accepted(k: u32) {
    for (instruments, scenarios) in [(3, 2), (9, 4)] {
        let proven = Proven::new(&Statement::sample(k, instruments, scenarios));
        let panel = Panel::new(proven.key.capacity());
        assert!(panel.accepts(proven.context, &proven.known, &proven.proof, "our proof"), "k = {k}");
        if instruments == 3 {
            let proven = proven.by_halo2();
            assert!(panel.accepts(proven.context, &proven.known, &proven.proof, "Halo2's proof"), "k = {k}");
        }
    }
}

#[test]
fn rejects_every_changed_point() {
    let (proven, panel) = small();
    let offsets = proven.point_offsets();
    for (index, offset) in offsets.iter().copied().enumerate() {
        let point = point_at(&proven.proof, offset);
        let next = point_at(&proven.proof, offsets[(index + 1) % offsets.len()]);
        let (x, y) = (word(&proven.proof, offset), word(&proven.proof, offset + 32));
        let coordinates = |x: U256, y: U256| [x.to_be_bytes::<32>(), y.to_be_bytes::<32>()].concat();
        let changes = [
            ("negated", point::g1_to_bytes(&-point).to_vec()),
            ("doubled", point::g1_to_bytes(&(point + point).to_affine()).to_vec()),
            ("the generator", point::g1_to_bytes(&G1Affine::generator()).to_vec()),
            ("the next point", point::g1_to_bytes(&next).to_vec()),
            ("the identity", vec![0; 64]),
            ("off the curve", coordinates(x ^ U256::ONE, y)),
            ("with x and y swapped", coordinates(y, x)),
            ("with x + p for x", coordinates(x + P, y)),
            ("with y + p for y", coordinates(x, y + P)),
        ];
        for (change, bytes) in changes {
            assert_rejected_by_all(
                &proven,
                &panel,
                &patched(&proven, offset, &bytes),
                &format!("point {index} {change}"),
            );
        }
    }
}

#[test]
fn rejects_every_changed_evaluation() {
    let (proven, panel) = small();
    let offsets = proven.scalar_offsets();
    for (index, offset) in offsets.iter().copied().enumerate() {
        let value = word(&proven.proof, offset);
        let changes = [
            ("one more", value.add_mod(U256::ONE, R)),
            ("negated", R - value),
            ("zero", U256::ZERO),
            ("with a bit flipped", value ^ (U256::ONE << 200)),
            ("as an alias", value + R),
            ("r", R),
            ("all ones", U256::MAX),
        ];
        for (change, number) in changes.into_iter().filter(|(_, number)| *number != value) {
            let proof = patched(&proven, offset, &number.to_be_bytes::<32>());
            assert_rejected_by_all(&proven, &panel, &proof, &format!("evaluation {index} {change}"));
        }
    }
}

#[test]
fn snark_verifiers_contract_agrees_on_validity() {
    assert_reference_agrees(&Proven::small());
    assert_reference_agrees(&Proven::small().by_halo2());
}

fn assert_reference_agrees(proven: &Proven) {
    let oracles = Oracles::new(&proven.params, proven.key.verifying_key().digest());
    let reference = ReferenceContract::checked_in(&oracles);
    let accepts = |context: Fr, proof: &[u8]| reference.accepts(context, &proven.known, proof);
    assert!(accepts(proven.context, &proven.proof));
    assert!(!accepts(proven.context + Fr::ONE, &proven.proof));
    for offset in proven.point_offsets() {
        let negated = point::g1_to_bytes(&-point_at(&proven.proof, offset));
        assert!(!accepts(proven.context, &patched(proven, offset, &negated)), "the point at {offset}");
    }
    for offset in proven.scalar_offsets() {
        let value = word(&proven.proof, offset);
        let change = |number: U256| patched(proven, offset, &number.to_be_bytes::<32>());
        assert!(!accepts(proven.context, &change(value.add_mod(U256::ONE, R))), "the number at {offset}");
        // Two spellings of one proof, which is why our contract is not this one.
        assert!(accepts(proven.context, &change(value + R)), "the number at {offset}");
    }
}

#[test]
#[ignore = "writes tests/data/snark-verifier-k9.json with the compiler of contracts/; run it when the circuit has \
     changed on purpose"]
fn write_the_reference_contract() {
    let params = development(Capacity::new(9).unwrap());
    let digest = ProvingKey::generate(&params).unwrap().verifying_key().digest();
    ReferenceContract::compile(&Oracles::new(&params, digest)).write();
}

#[test]
fn rejects_every_single_flipped_bit_class() {
    let (proven, panel) = small();
    for position in 0..proven.proof.len() {
        let proof = flipped(&proven, position, position % 8);
        assert!(proven.verify(proven.context, &proven.known, &proof).is_err(), "byte {position}");
        // Another bit of each so many bytes, to all: coprime to the length of every element.
        if position.is_multiple_of(37) {
            assert_rejected_by_all(&proven, &panel, &flipped(&proven, position, 7 - position % 8), "a flipped bit");
        }
    }
}

fn flipped(proven: &Proven, position: usize, bit: usize) -> Vec<u8> {
    patched(proven, position, &[proven.proof[position] ^ 1 << bit])
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_rejects_every_flipped_bit() {
    let proven = Proven::small();
    let key = proven.key.verifying_key();
    for (position, bit) in (0..proven.proof.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
        let proof = flipped(&proven, position, bit);
        assert!(key.verify(proven.context, &proven.known, &proof).is_err(), "byte {position}, bit {bit}");
    }
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_rejects_every_changed_byte_by_all() {
    let (proven, panel) = small();
    for position in 0..proven.proof.len() {
        let byte = proven.proof[position];
        for changed in [byte.wrapping_add(1), !byte] {
            assert_rejected_by_all(
                &proven,
                &panel,
                &patched(&proven, position, &[changed]),
                &format!("byte {position}"),
            );
        }
    }
}

#[test]
fn rejects_other_lengths_which_others_may_accept() {
    let (proven, panel) = small();
    assert_eq!(proven.proof.len(), PROOF_BYTES);
    for length in [0, 1, 64, PROOF_BYTES - 64, PROOF_BYTES - 32, PROOF_BYTES - 1] {
        assert_rejected_by_all(&proven, &panel, &proven.proof[..length], "a truncated proof");
    }
    let longer = [&proven.proof[..], &[0]].concat();
    let length = ProofError::Length { expected: PROOF_BYTES, found: PROOF_BYTES + 1 };
    assert_eq!(proven.verify(proven.context, &proven.known, &longer), Err(length));
    // The others stop reading, which makes a proof malleable.
    let oracles = Oracles::new(&proven.params, panel.digest());
    assert!(oracles.halo2_accepts(proven.context, &proven.known, &longer));
    assert!(oracles.snark_verifier_accepts(proven.context, &proven.known, &longer));
}

#[test]
fn rejects_another_context() {
    let (proven, panel) = small();
    for context in [Fr::ZERO, proven.context + Fr::ONE, -proven.context] {
        assert_eq!(proven.verify(context, &proven.known, &proven.proof), Err(ProofError::Pairing(PairingFailed)));
        assert!(!panel.accepts(context, &proven.known, &proven.proof, "another context"));
    }
}

#[test]
fn rejects_other_known_commitments() {
    let (proven, panel) = small();
    let points = proven.known.in_order();
    for (column, point) in points.into_iter().enumerate() {
        let next = points[(column + 1) % points.len()];
        for other in [-point, next, (point + G1Affine::generator()).to_affine()] {
            let known = replaced(&proven.known, column, other);
            let result = proven.verify(proven.context, &known, &proven.proof);
            assert_eq!(result, Err(ProofError::Pairing(PairingFailed)), "column {column}");
            assert!(!panel.accepts(proven.context, &known, &proven.proof, "another column"), "column {column}");
        }
        let known = replaced(&proven.known, column, G1Affine::identity());
        let column = KnownCommitments::NAMES[column];
        let identity = ProofError::KnownCommitment { column, error: PointError::Identity };
        assert_eq!(proven.verify(proven.context, &known, &proven.proof), Err(identity));
        assert!(!panel.accepts(proven.context, &known, &proven.proof, "the identity"));
    }
}

/// Attack: a proof for another key. Where only the digest is another, with which the transcript begins, everything else
/// of the proof is as it should be.
#[test]
fn rejects_a_proof_for_another_key() {
    let (proven, panel) = small();
    let larger = ProvingKey::generate(&development(Capacity::new(10).unwrap())).unwrap();
    let result = larger.verifying_key().verify(proven.context, &proven.known, &proven.proof);
    assert_eq!(result, Err(ProofError::Pairing(PairingFailed)));

    let real = BlindProver::new(&panel.params, &LinearProgramCircuit::new(panel.key.capacity()));
    for (digest, is_the_keys) in [(panel.digest(), true), (larger.verifying_key().digest(), false)] {
        let (known, proof) = real.prove(digest, proven.context, &proven.witness).unwrap();
        assert!(real.accepts(digest, proven.context, &known, &proof), "to those who go by this digest");
        assert_eq!(panel.accepts(proven.context, &known, &proof, "another digest"), is_the_keys);
    }
}

#[test]
fn errors_name_the_element() {
    let proven = Proven::small();
    let message = |offset: usize, bytes: &[u8]| {
        proven.verify(proven.context, &proven.known, &patched(&proven, offset, bytes)).unwrap_err().to_string()
    };
    let identity = "expected a point other than the identity";
    assert!(message(0, &[0; 64]).starts_with(&format!("the commitment to BLINDED_HOLD: {identity}")));
    assert!(message(64, &[0; 64]).starts_with(&format!("the commitment to VAR: {identity}")));
    assert!(message(2 * 64, &[1; 32]).starts_with("the commitment to VAL: expected a point on the curve"));
    assert!(message(14 * 64, &[0xff; 32]).starts_with("the commitment to piece 3 of the quotient: "));
    assert!(message(15 * 64, &R.to_be_bytes::<32>()).starts_with("the evaluation of VAL: expected a scalar below"));
    assert!(message(PROOF_BYTES - 64, &[0; 64]).starts_with("the multi-opening's witness W'"));
}

#[test]
fn two_proofs_of_one_witness_differ_in_every_element() {
    assert_all_differ(&Proven::small());
    assert_all_differ(&Proven::small().by_halo2());
}

/// A proof and another by our prover.
fn assert_all_differ(proven: &Proven) {
    let again = proven.key.prove(proven.context, &proven.known, &proven.witness).unwrap().0;
    assert_eq!(proven.verify(proven.context, &proven.known, &again), Ok(()));
    for offset in proven.point_offsets() {
        assert_ne!(proven.proof[offset..offset + 64], again[offset..offset + 64], "point at byte {offset}");
    }
    for offset in proven.scalar_offsets() {
        assert_ne!(proven.proof[offset..offset + 32], again[offset..offset + 32], "evaluation at byte {offset}");
    }
}

/// The columns whose commitments proofs contain, in their order.
const SENT: [AdviceColumn; 4] = [AdviceColumn::BlindedHold, AdviceColumn::Var, AdviceColumn::Val, AdviceColumn::Acc];

/// A replay that is too long would leave blinding rows of the hidden columns zero, or equal to what was replayed.
#[test]
fn hidden_columns_are_blinded() {
    assert_hidden_columns_are_blinded(&Proven::small());
    assert_hidden_columns_are_blinded(&Proven::small().by_halo2());
}

fn assert_hidden_columns_are_blinded(proven: &Proven) {
    let usable = proven.witness.capacity().usable();
    for (index, column) in SENT.into_iter().enumerate() {
        let committed = point_at(&proven.proof, 64 * index);
        for tail in [[Fr::ZERO; TAIL_ROWS], proven.witness[AdviceColumn::BlindedHold][usable..].try_into().unwrap()] {
            let mut values = proven.witness[column].to_vec();
            values[usable..].copy_from_slice(&tail);
            assert_ne!(proven.params.commit_column(&values).to_affine(), committed, "{}", column.name());
        }
    }
}

/// Attack: one blinding row that is not drawn, or drawn twice, in any column: guesses of what the column holds could be
/// tried against its commitment. With a generator that can be run again, each of the rows is known to be the next
/// number that it gives.
#[test]
fn blinding_rows_of_proofs_are_numbers_of_their_own() {
    let honest = Statement::small().witness();
    let panel = Panel::new(honest.capacity());
    let real = BlindProver::new(&panel.params, &LinearProgramCircuit::new(honest.capacity()));
    let generator = || ChaCha20Rng::seed_from_u64(29);
    let (known, proof) = real.prove_with(generator(), panel.digest(), Fr::ONE, &honest).unwrap();
    assert!(panel.accepts(Fr::ONE, &known, &proof, "a proof with known randomness"));
    let sent = (0..SENT.len()).map(|index| point_at(&proof, 64 * index));
    let blind = known.blind(&point_at(&proof, 0)).unwrap();
    let committed = known.program().into_iter().chain([blind]).chain(sent);
    let mut draws = generator();
    for (column, committed) in AdviceColumn::ALL.into_iter().zip(committed) {
        let mut values = honest[column].to_vec();
        let usable = honest.capacity().usable();
        values[usable..].fill_with(|| Fr::random(&mut draws));
        let commits = |values: &[Fr]| panel.params.commit_column(values).to_affine() == committed;
        assert!(commits(&values), "{}", column.name());
        for row in usable..values.len() {
            let mut guess = values.clone();
            guess[row] = honest[column][row];
            assert!(!commits(&guess), "{} in row {row}", column.name());
        }
    }
}

/// Randomness, with zeros in the place of some words.
struct Zeros {
    words: Range<usize>,
    drawn: usize,
}

impl RngCore for Zeros {
    fn next_u64(&mut self) -> u64 {
        self.drawn += 1;
        if self.words.contains(&(self.drawn - 1)) { 0 } else { OsRng.next_u64() }
    }

    fn next_u32(&mut self) -> u32 {
        OsRng.next_u32()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        OsRng.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        OsRng.try_fill_bytes(bytes)
    }
}

/// Why the number of replayed words is in the generator's type: a replay that goes on into hidden columns makes proofs
/// that every verifier accepts, and in which the commitment to `VAR` tells right guesses of the variables from wrong
/// ones.
#[test]
fn no_verifier_notices_a_replay_that_is_too_long() {
    let honest = Statement::small().witness();
    let panel = Panel::new(honest.capacity());
    let real = BlindProver::new(&panel.params, &LinearProgramCircuit::new(honest.capacity()));
    // VAR's, behind those of the program, BLIND and BLINDED_HOLD, eight words a scalar.
    let zeros = Zeros { words: 5 * TAIL_ROWS * 8..6 * TAIL_ROWS * 8, drawn: 0 };
    let (known, proof) = real.prove_with(zeros, panel.digest(), Fr::ONE, &honest).unwrap();
    assert!(panel.accepts(Fr::ONE, &known, &proof, "a proof that is not blinded"));
    let usable = honest.capacity().usable();
    let mut guess = honest[AdviceColumn::Var].to_vec();
    guess[usable..].fill(Fr::ZERO);
    assert_eq!(point_at(&proof, 64), panel.params.commit_column(&guess).to_affine(), "a right guess shows");
    // The prover's own proofs do not let anybody guess.
    let known = common::known(&panel.params, &honest);
    let proof = panel.key.prove(Fr::ONE, &known, &honest).unwrap().0;
    assert_ne!(point_at(&proof, 64), panel.params.commit_column(&guess).to_affine());
}

#[test]
fn rejects_a_witness_that_is_not_the_commitments() {
    let proven = Proven::small();
    for (column, point) in proven.known.in_order().into_iter().enumerate() {
        let known = replaced(&proven.known, column, -point);
        let error = proven.key.prove(proven.context, &known, &proven.witness).unwrap_err();
        let expected = KnownCommitments::NAMES[column];
        assert!(matches!(error, ProveError::OtherCommitment { column } if column == expected), "{error}");
    }
}

#[test]
fn rejects_a_witness_that_breaks_a_rule_before_halo2_sees_it() {
    let proven = Proven::small();
    let mut witness = proven.witness.clone();
    witness[AdviceColumn::Val][2] += Fr::ONE;
    let error = proven.key.prove(proven.context, &proven.known, &witness).unwrap_err();
    assert!(matches!(error, ProveError::Unsatisfied(violation) if violation.rule == rules::MEMORY), "{error}");
}

#[test]
fn rejects_a_witness_of_another_size() {
    let proven = Proven::small();
    let other = Statement::sample(10, 3, 2).witness();
    let error = proven.key.prove(proven.context, &proven.known, &other).unwrap_err();
    assert!(matches!(error, ProveError::Capacity { expected: 9, found: 10 }), "{error}");
}

/// Two proofs under one key, as pairing checks.
fn two_checks(proven: &Proven) -> [PairingCheck; 2] {
    let context = proven.context + Fr::ONE;
    let second = proven.key.prove(context, &proven.known, &proven.witness).unwrap();
    let key = proven.key.verifying_key();
    [
        key.reduce(proven.context, &proven.known, &proven.proof).unwrap(),
        key.reduce(context, &proven.known, &second.0).unwrap(),
    ]
}

#[test]
fn batches_hold_if_every_proof_does() {
    let proven = Proven::small();
    let checks = two_checks(&proven);
    let weights = [Fr::random(OsRng), Fr::random(OsRng)];
    let pairing_key = proven.key.verifying_key().pairing_key();
    assert_eq!(PairingCheck::combine(&checks, &weights).unwrap().check(pairing_key), Ok(()));

    // What one lacks the other has too much: only weights of their own tell.
    let mut forged = checks.clone();
    forged[0].right.push(Fr::ONE, G1Affine::generator());
    forged[1].right.push(-Fr::ONE, G1Affine::generator());
    assert_eq!(PairingCheck::combine(&forged, &[Fr::ONE; 2]).unwrap().check(pairing_key), Ok(()));
    assert_eq!(PairingCheck::combine(&forged, &weights).unwrap().check(pairing_key), Err(PairingFailed));
    assert_eq!(forged[0].check(pairing_key), Err(PairingFailed));
}

#[test]
fn rejects_batches_that_check_nothing() {
    let proven = Proven::small();
    let checks = two_checks(&proven);
    assert_eq!(PairingCheck::combine(&[], &[]), Err(BatchError::Empty));
    let missing = BatchError::Weights { checks: 2, weights: 1 };
    assert_eq!(PairingCheck::combine(&checks, &[Fr::ONE]), Err(missing));
    assert_eq!(PairingCheck::combine(&checks, &[Fr::ONE, Fr::ZERO]), Err(BatchError::ZeroWeight(1)));
}

/// Attack: a batch over set-ups of which one is the attacker's.
#[test]
fn rejects_checks_over_another_set_up() {
    let proven = Proven::small();
    let mut checks = two_checks(&proven);
    checks[1].srs = SrsId::from(HexBytes([1; 32]));
    assert_eq!(PairingCheck::combine(&checks, &[Fr::ONE, Fr::ONE]), Err(BatchError::OtherSetUp(1)));
    assert_eq!(checks[1].check(proven.key.verifying_key().pairing_key()), Err(PairingFailed));
    assert_eq!(checks[0].check(proven.key.verifying_key().pairing_key()), Ok(()));
}

#[test]
fn rejects_known_commitments_that_another_witness_has() {
    let proven = Proven::small();
    let mut other = proven.witness.clone();
    let row = other.capacity().usable();
    other[AdviceColumn::BlindedHold][row] += Fr::ONE;
    let known = known(&proven.params, &other);
    assert!(proven.verify(proven.context, &known, &proven.proof).is_err(), "one blinding row is another");
}
