//! Any number of proofs of one statement tells nothing about the holdings: the linear algebra of a reader, replayed.
//!
//! The reader here is one who can take discrete logarithms, so that each commitment is one more opening, at τ. A proof
//! then shows three values: `BLIND` at τ and at ωx, and `BLINDED_HOLD` at x. (At τ the latter follows, as the
//! commitment to the holdings is known.) The six blinding rows of `BLIND` cover them.

use AdviceColumn::{Blind, BlindedHold};
use ff::Field as _;
use group::Curve as _;
use halo2curves::bn256::{Fr, G1, G1Affine, G2, G2Affine};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use surety_circuits::{AdviceColumn, ProvingKey};
use surety_core::capacity::{Capacity, TAIL_ROWS};
use surety_kzg::{Params, Srs, point, progress::Silent, scalar};
use surety_verifier::{
    KnownCommitments, Protocol,
    proof::{
        protocol::{Polynomial, Rotation},
        transcript::Transcript,
    },
};

use crate::common::{
    Statement, known,
    linear::{Equation, eliminate},
};

/// The secret of a set-up that somebody knows.
const TAU: u64 = 0x5eed;

/// A set-up with a known secret.
fn set_up(capacity: Capacity) -> Params {
    let tau = Fr::from(TAU);
    let powers = core::iter::successors(Some(Fr::ONE), |power| Some(*power * tau)).take(capacity.rows());
    let powers = powers.map(|power| G1Affine::from(G1::generator() * power)).collect();
    let srs = Srs::new_checked(powers, G2Affine::from(G2::generator() * tau)).unwrap();
    Params::from_srs(&srs, capacity, &Silent).unwrap()
}

/// The challenge at which a proof's polynomials are opened, as every verifier computes it.
fn challenge(key: &ProvingKey, context: Fr, known: &KnownCommitments, proof: &[u8]) -> Fr {
    let mut transcript = Transcript::default();
    transcript.absorb_scalar(&key.verifying_key().digest().scalar());
    transcript.absorb_scalar(&context);
    let mut points = proof.as_chunks::<64>().0.iter();
    let blinded_hold = point::g1_from_bytes(&proof.as_chunks().0[0]).unwrap();
    let blind = known.blind(&blinded_hold).unwrap();
    known.program().iter().chain([&blind]).for_each(|point| transcript.absorb_point(point));
    let mut last = Fr::ZERO;
    // Sent columns, θ; permuted columns, β and γ; running products and the random polynomial, y; the quotient, x.
    for (count, challenges) in [(4, 1), (4, 2), (3, 1), (4, 1)] {
        points.by_ref().take(count).for_each(|bytes| transcript.absorb_point(&point::g1_from_bytes(bytes).unwrap()));
        (0..challenges).for_each(|_| last = transcript.squeeze());
    }
    last
}

/// The value at a point of each row's Lagrange polynomial.
fn lagrange(protocol: &Protocol, at: Fr) -> Vec<Fr> {
    let rows = protocol.rows() as u64;
    let scale = (at.pow_vartime([rows]) - Fr::ONE) * Fr::from(rows).invert().unwrap();
    let points = core::iter::successors(Some(Fr::ONE), |point| Some(*point * protocol.omega()));
    points.take(protocol.rows()).map(|point| scale * point * (at - point).invert().unwrap()).collect()
}

/// The value of a column that a proof opens at one place only.
fn evaluation(protocol: &Protocol, proof: &[u8], column: AdviceColumn, rotation: Rotation) -> Fr {
    let evaluations = protocol.evaluations();
    let of_column = |index: &usize| evaluations[*index].polynomial == Polynomial::Advice(column as usize);
    let mut indices = (0..evaluations.len()).filter(of_column);
    let index = indices.next().unwrap();
    assert_eq!(indices.next(), None, "a proof opens {} once", column.name());
    assert_eq!(evaluations[index].rotation, rotation);
    let start = 64 * (protocol.proof_points() - 2) + 32 * index;
    scalar::from_bytes(proof[start..start + 32].try_into().unwrap()).unwrap()
}

/// The guesses under which the unknown scalars have a solution.
fn fitting(equations: Vec<Equation>, unknowns: usize, guesses: usize) -> Vec<bool> {
    let (_, left) = eliminate(equations, 0..unknowns);
    (0..guesses).map(|guess| left.iter().all(|(_, values)| values[guess] == Fr::ZERO)).collect()
}

/// Attack: two machines prove from one statement, neither knowing of the other, two hundred times in all; a reader has
/// a list of guesses. When the masks had to cover every proof, the seventieth gave the holdings away.
#[test]
fn two_hundred_proofs_of_one_statement_tell_nothing() {
    const PROOFS: usize = 200;
    let statement = Statement::small();
    let capacity = statement.capacity;
    let params = set_up(capacity);
    let machines = [(); 2].map(|()| ProvingKey::generate(&params).unwrap());
    let protocol = machines[0].verifying_key().protocol();
    let witness = statement.witness();
    let known = known(&params, &witness);
    let column = &witness[BlindedHold];

    let held: Vec<usize> = (0..3).map(|index| capacity.instrument(index).unwrap().index()).collect();
    // The truth, one lot more of each instrument, and nothing at all.
    let truth: Vec<Fr> = held.iter().map(|row| column[*row]).collect();
    let mut guesses = vec![truth; held.len() + 1];
    (1..).zip(0..held.len()).for_each(|(guess, instrument)| guesses[guess][instrument] += Fr::ONE);
    guesses.push(vec![Fr::ZERO; held.len()]);

    // The unknown scalars: the blinding rows of BLIND, of one proof after the other, and the masks.
    let unknowns = (PROOFS + 1) * TAIL_ROWS;
    let at = |factors: &mut [Fr], block: usize, lagrange: &[Fr]| {
        factors[block * TAIL_ROWS..][..TAIL_ROWS].copy_from_slice(&lagrange[capacity.tail()]);
    };
    let of_holdings = |lagrange: &[Fr], value: Fr| -> Vec<Fr> {
        let sum = |guess: &Vec<Fr>| held.iter().zip(guess).map(|(row, lots)| lagrange[*row] * lots).sum::<Fr>();
        guesses.iter().map(|guess| value - sum(guess)).collect()
    };

    // What discrete logarithms tell of the sources' commitment.
    let factors = lagrange(protocol, Fr::from(TAU));
    let at_tau: Fr = factors.iter().zip(column).map(|(factor, value)| *factor * value).sum();
    assert_eq!((G1::generator() * at_tau).to_affine(), known.hold);
    let mut first = vec![Fr::ZERO; unknowns];
    at(&mut first, PROOFS, &factors);
    let mut equations = vec![(first, of_holdings(&factors, at_tau))];
    let mut unblinded = equations.clone();
    for index in 0..PROOFS {
        let (key, context) = (&machines[index % 2], Fr::from(index as u64 / 2));
        let proof = key.prove(context, &known, &witness).unwrap().0;
        let x = challenge(key, context, &known, &proof);
        let mut blind = vec![Fr::ZERO; unknowns];
        at(&mut blind, index, &lagrange(protocol, x * protocol.omega()));
        let shown = evaluation(protocol, &proof, Blind, Rotation::NEXT);
        equations.push((blind, vec![shown; guesses.len()]));

        let factors = lagrange(protocol, x);
        let mut sum = vec![Fr::ZERO; unknowns];
        at(&mut sum, index, &factors);
        at(&mut sum, PROOFS, &factors);
        let shown = evaluation(protocol, &proof, BlindedHold, Rotation::CURRENT);
        equations.push((sum, of_holdings(&factors, shown)));

        // As it was: the holdings at the challenge.
        let mut hold = vec![Fr::ZERO; unknowns];
        at(&mut hold, PROOFS, &factors);
        let value: Fr = factors.iter().zip(column).map(|(factor, value)| *factor * value).sum();
        assert_ne!(shown, value, "a proof does not show the holdings");
        unblinded.push((hold, of_holdings(&factors, value)));
    }
    assert_eq!(fitting(equations, unknowns, guesses.len()), vec![true; guesses.len()]);
    let the_truth: Vec<bool> = (0..guesses.len()).map(|guess| guess == 0).collect();
    assert_eq!(fitting(unblinded, unknowns, guesses.len()), the_truth, "the algebra finds what there is to find");
}

/// How blinding might be done.
#[derive(Clone, Copy)]
struct Scheme {
    /// Random rows of `BLIND`.
    rows: usize,
    /// Where `BLIND` is opened.
    opened: Rotation,
    /// Proofs with the same random rows.
    repeated: usize,
}

/// Rows of `HOLD` that the reader does not know: the masks, and some holdings.
const HIDDEN: usize = 4 * TAIL_ROWS;

/// How many independent equations about the holdings and masks alone follow from so many proofs and the commitment.
fn equations_about_holdings(capacity: Capacity, scheme: Scheme, proofs: usize) -> usize {
    let protocol = Protocol::of(capacity).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(capacity.k()));
    let mut random = || Fr::random(&mut rng);
    let unknowns = proofs.div_ceil(scheme.repeated) * scheme.rows;
    let equation = |block: Option<usize>, holdings: bool, at: Fr| -> Equation {
        let lagrange = lagrange(&protocol, at);
        let mut factors = vec![Fr::ZERO; unknowns + HIDDEN];
        if let Some(block) = block {
            factors[block * scheme.rows..][..scheme.rows].copy_from_slice(&lagrange[capacity.tail()][..scheme.rows]);
        }
        if holdings {
            factors[unknowns..].copy_from_slice(&lagrange[capacity.rows() - HIDDEN..]);
        }
        (factors, Vec::new())
    };
    let tau = random();
    let mut equations = vec![equation(None, true, tau)];
    for proof in 0..proofs {
        let (block, x) = (Some(proof / scheme.repeated), random());
        equations.push(equation(block, true, x));
        equations.push(equation(block, false, x * protocol.rotation_factor(scheme.opened)));
        if proof % scheme.repeated == 0 {
            equations.push(equation(block, false, tau));
        }
    }
    let (_, left) = eliminate(equations, 0..unknowns);
    eliminate(left, unknowns..unknowns + HIDDEN).0
}

/// The commitment alone is about the holdings, however many proofs there are; each proof would be, too, if `BLIND` were
/// opened where `BLINDED_HOLD` is, or had two random rows.
#[test]
fn proofs_together_give_one_equation_about_the_holdings() {
    let scheme = Scheme { rows: TAIL_ROWS, opened: Rotation::NEXT, repeated: 1 };
    for capacity in [Capacity::MIN_K, 12].map(|k| Capacity::new(k).unwrap()) {
        for proofs in [1, 2, 7] {
            let count = |scheme: Scheme| equations_about_holdings(capacity, scheme, proofs);
            assert_eq!(count(scheme), 1);
            assert_eq!(count(Scheme { rows: 3, ..scheme }), 1, "three rows are enough");
            assert_eq!(count(Scheme { rows: 2, ..scheme }), proofs + 1);
            assert_eq!(count(Scheme { opened: Rotation::CURRENT, ..scheme }), proofs + 1);
        }
        // The same random rows again: the masks cover as many equations as they are.
        for (repeated, expected) in [(2, 1), (3, 2), (4, 4), (5, TAIL_ROWS), (6, TAIL_ROWS + 1)] {
            let scheme = Scheme { repeated, ..scheme };
            assert_eq!(equations_about_holdings(capacity, scheme, repeated), expected, "{repeated} proofs");
        }
    }
}

/// The circuit opens the two columns at places of their own, once each.
#[test]
fn the_holdings_and_their_blinding_are_never_opened_at_one_point() {
    for capacity in Capacity::all() {
        let protocol = Protocol::of(capacity).unwrap();
        let opened = |column: AdviceColumn| -> Vec<Rotation> {
            let column = Polynomial::Advice(column as usize);
            protocol.evaluations().iter().filter(|o| o.polynomial == column).map(|o| o.rotation).collect()
        };
        assert_eq!((opened(Blind), opened(BlindedHold)), (vec![Rotation::NEXT], vec![Rotation::CURRENT]));
        assert_eq!(protocol.blinding_factors + 1, TAIL_ROWS);
    }
}
