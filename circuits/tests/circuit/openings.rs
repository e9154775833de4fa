//! The bound on proofs from one statement, replayed: what proofs show of the holdings fits everything as long as there
//! are no more openings than random rows, and with one more it fits the truth alone.
//!
//! The reader here is one who can take discrete logarithms, so that the commitment is one more opening, at τ.

use AdviceColumn::Hold;
use ff::Field as _;
use group::Curve as _;
use halo2curves::bn256::{Fr, G1, G1Affine, G2, G2Affine};
use surety_circuits::{AdviceColumn, ProvingKey};
use surety_core::capacity::{Capacity, MASK_ROWS, TAIL_ROWS};
use surety_kzg::{Params, Srs, point, progress::Silent, scalar};
use surety_verifier::{
    KnownCommitments, Protocol,
    proof::{
        protocol::{Polynomial, Rotation},
        transcript::Transcript,
    },
};

use crate::common::{Statement, known};

/// Scalars that hide the column of holdings.
const RANDOM_ROWS: usize = MASK_ROWS + TAIL_ROWS;

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
    known.in_order().iter().for_each(|point| transcript.absorb_point(point));
    let mut points = proof.as_chunks::<64>().0.iter();
    let mut last = Fr::ZERO;
    // Hidden columns, θ; permuted columns, β and γ; running products and the random polynomial, y; the quotient, x.
    for (count, challenges) in [(3, 1), (4, 2), (3, 1), (4, 1)] {
        points.by_ref().take(count).for_each(|bytes| transcript.absorb_point(&point::g1_from_bytes(bytes).unwrap()));
        (0..challenges).for_each(|_| last = transcript.squeeze());
    }
    last
}

/// What a proof says that the column of holdings is at the challenge.
fn evaluation(protocol: &Protocol, proof: &[u8]) -> Fr {
    let of_holdings = |polynomial: Polynomial| polynomial == Polynomial::Advice(Hold as usize);
    let evaluations = protocol.evaluations();
    let mut indices = (0..evaluations.len()).filter(|index| of_holdings(evaluations[*index].polynomial));
    let index = indices.next().unwrap();
    assert_eq!(indices.next(), None, "a proof opens the column once");
    assert_eq!(evaluations[index].rotation, Rotation::CURRENT);
    let start = 64 * (protocol.proof_points() - 2) + 32 * index;
    scalar::from_bytes(proof[start..start + 32].try_into().unwrap()).unwrap()
}

/// The value at a point of each row's Lagrange polynomial.
fn lagrange(protocol: &Protocol, at: Fr) -> Vec<Fr> {
    let rows = protocol.rows() as u64;
    let scale = (at.pow_vartime([rows]) - Fr::ONE) * Fr::from(rows).invert().unwrap();
    let points = core::iter::successors(Some(Fr::ONE), |point| Some(*point * protocol.omega()));
    points.take(protocol.rows()).map(|point| scale * point * (at - point).invert().unwrap()).collect()
}

/// An opening: the random rows' factors, and what is left for them of the value under each guess of the holdings.
type Equation = (Vec<Fr>, Vec<Fr>);

/// Whether the random rows have a solution, under each guess.
fn fits(mut equations: Vec<Equation>) -> Vec<bool> {
    let guesses = equations[0].1.len();
    let mut solved = 0;
    for row in 0..RANDOM_ROWS {
        let Some(pivot) = (solved..equations.len()).find(|index| equations[*index].0[row] != Fr::ZERO) else {
            continue;
        };
        equations.swap(solved, pivot);
        let (factors, values) = equations[solved].clone();
        let inverse = factors[row].invert().unwrap();
        for (other, rest) in &mut equations[solved + 1..] {
            let by = other[row] * inverse;
            other.iter_mut().zip(&factors).for_each(|(other, factor)| *other -= by * factor);
            rest.iter_mut().zip(&values).for_each(|(rest, value)| *rest -= by * value);
        }
        solved += 1;
    }
    (0..guesses).map(|guess| equations[solved..].iter().all(|(_, values)| values[guess] == Fr::ZERO)).collect()
}

/// Attack: 70 proofs from one statement, six more than the ledger allows, and a list of guesses. With the commitment
/// they are 71 equations in 70 random scalars.
#[test]
fn reveals_holdings_one_opening_beyond_the_masks() {
    let statement = Statement::small();
    let capacity = statement.capacity;
    let params = set_up(capacity);
    let key = ProvingKey::generate(&params).unwrap();
    let protocol = key.verifying_key().protocol();
    let witness = statement.witness();
    let known = known(&params, &witness);
    let column = &witness[Hold];

    let random: Vec<usize> =
        capacity.masks().map(|row| row.index()).chain(capacity.usable()..capacity.rows()).collect();
    assert_eq!(random.len(), RANDOM_ROWS);
    let held: Vec<usize> = (0..3).map(|index| capacity.instrument(index).unwrap().index()).collect();
    // The truth, one lot more of each instrument, and nothing at all.
    let truth: Vec<Fr> = held.iter().map(|row| column[*row]).collect();
    let mut guesses = vec![truth; held.len() + 1];
    (1..).zip(0..held.len()).for_each(|(guess, instrument)| guesses[guess][instrument] += Fr::ONE);
    guesses.push(vec![Fr::ZERO; held.len()]);

    let equation = |at: Fr, value: Fr| -> Equation {
        let factors = lagrange(protocol, at);
        let sum: Fr = factors.iter().zip(column).map(|(factor, value)| *factor * value).sum();
        assert_eq!(sum, value, "the column is what is opened");
        let of_guess = |guess: &Vec<Fr>| held.iter().zip(guess).map(|(row, lots)| factors[*row] * lots).sum::<Fr>();
        let rest = guesses.iter().map(|guess| value - of_guess(guess)).collect();
        (random.iter().map(|row| factors[*row]).collect(), rest)
    };

    // What discrete logarithms tell of the commitment.
    let tau = Fr::from(TAU);
    let at_tau: Fr = lagrange(protocol, tau).iter().zip(column).map(|(factor, value)| *factor * value).sum();
    assert_eq!((G1::generator() * at_tau).to_affine(), known.hold);
    let mut equations = vec![equation(tau, at_tau)];
    for context in (0..RANDOM_ROWS as u64).map(Fr::from) {
        let proof = key.prove(context, &known, &witness).unwrap().0;
        equations.push(equation(challenge(&key, context, &known, &proof), evaluation(protocol, &proof)));
    }

    let everything = vec![true; guesses.len()];
    let mut the_truth = vec![false; guesses.len()];
    the_truth[0] = true;
    // As many proofs as the ledger allows; as many openings as random rows; one more.
    assert_eq!(fits(equations[..=MASK_ROWS].to_vec()), everything);
    assert_eq!(fits(equations[..RANDOM_ROWS].to_vec()), everything);
    assert_eq!(fits(equations), the_truth);
}
