//! Verification of a proof, up to its pairing equation.
//!
//! The transcript takes, in Halo2's order: the key's digest, the public input, the known commitments, the commitment to
//! `BLIND`, and the proof, with challenges drawn in between. Which polynomials and values there are is the
//! [`Protocol`]'s to say.

use std::collections::BTreeMap;

use ff::{BatchInvert as _, Field as _, PrimeField as _};
use halo2curves::bn256::{Fr, G1Affine};
use surety_kzg::point;

use crate::proof::{
    encoding::{ProofError, ProofReader},
    expression::Expression,
    key::VerifyingKey,
    known::KnownCommitments,
    pairing::{Msm, PairingCheck},
    protocol::{ColumnCommitment, Lookup, Opening, Polynomial, Protocol, Rotation, RotationSet},
    shplonk::{MultiOpening, OpeningClaim, OpeningSet, powers},
    transcript::Transcript,
};

impl VerifyingKey {
    /// Verifies one proof.
    ///
    /// # Errors
    /// If the bytes are not a proof for exactly these commitments, this context and this key.
    pub fn verify(&self, context: Fr, known: &KnownCommitments, proof: &[u8]) -> Result<(), ProofError> {
        Ok(self.reduce(context, known, proof)?.check(self.pairing_key())?)
    }

    /// Does everything but the pairings: nothing is verified until the caller checks those, alone or combined with
    /// other proofs'.
    ///
    /// # Errors
    /// If the proof is not well formed, or a known commitment is no point.
    pub fn reduce(&self, context: Fr, known: &KnownCommitments, proof: &[u8]) -> Result<PairingCheck, ProofError> {
        let protocol = self.protocol();
        refuse_degenerate(known)?;
        let mut transcript = Transcript::default();
        transcript.absorb_scalar(&self.digest().scalar());
        transcript.absorb_scalar(&context);
        known.program().iter().for_each(|commitment| transcript.absorb_point(commitment));
        let reader = ProofReader::new(proof, protocol.proof_length(), transcript)?;
        let mut messages = Messages::read(protocol, known, reader)?;

        let program = known.program().into_iter().enumerate();
        messages.commitments.extend(program.map(|(column, point)| (Polynomial::Advice(column), point)));
        let fixed = self.fixed_commitments().iter().enumerate();
        messages.commitments.extend(fixed.map(|(column, point)| (Polynomial::Fixed(column), *point)));

        let rows = RowValues::at(self, messages.challenges.x).ok_or(ProofError::DegenerateChallenge)?;
        let sets: Vec<_> = self.rotation_sets().iter().map(|set| messages.opening_set(self, &rows, set)).collect();
        messages.multi_opening.reduce(self.srs().id(), &sets).ok_or(ProofError::DegenerateChallenge)
    }
}

/// Contracts and files hand over points in encodings that are checked; here they are checked once more, since the
/// identity would let a proof be about nothing.
fn refuse_degenerate(known: &KnownCommitments) -> Result<(), ProofError> {
    for (column, commitment) in KnownCommitments::NAMES.into_iter().zip(known.in_order()) {
        point::g1_from_bytes(&point::g1_to_bytes(&commitment))
            .map_err(|error| ProofError::KnownCommitment { column, error })?;
    }
    Ok(())
}

/// The verifier's challenges up to the point where polynomials are opened.
struct Challenges {
    /// Compresses the tuples of a lookup into one value.
    theta: Fr,
    /// Shifts inputs in a lookup's running product.
    beta: Fr,
    /// Shifts table values in a lookup's running product.
    gamma: Fr,
    /// Combines the equations.
    y: Fr,
    /// Where polynomials are opened.
    x: Fr,
}

/// What a proof says, and the challenges that it was asked.
struct Messages {
    challenges: Challenges,
    commitments: BTreeMap<Polynomial, G1Affine>,
    quotient_pieces: Vec<G1Affine>,
    /// In the order of [`Protocol::evaluations`]: advice queries come first, then fixed queries.
    evaluations: Vec<Fr>,
    by_opening: BTreeMap<Opening, Fr>,
    multi_opening: MultiOpening,
}

/// The commitments to the sent columns and to `BLIND`, which follows from the first of them and is absorbed before it.
fn read_advice(
    protocol: &Protocol,
    known: &KnownCommitments,
    reader: &mut ProofReader<'_>,
) -> Result<BTreeMap<Polynomial, G1Affine>, ProofError> {
    let mut commitments = BTreeMap::new();
    let mut blind = protocol.advice_by(ColumnCommitment::Difference).next();
    for column in protocol.advice_by(ColumnCommitment::Sent).map(Polynomial::Advice) {
        let name = || protocol.name(column);
        let point = reader.point_unabsorbed(|| format!("the commitment to {}", name()))?;
        if let Some(blind) = blind.take() {
            let difference = known.blind(&point).ok_or_else(|| ProofError::NotBlinded { column: name() })?;
            reader.absorb(&difference);
            commitments.insert(Polynomial::Advice(blind), difference);
        }
        reader.absorb(&point);
        commitments.insert(column, point);
    }
    Ok(commitments)
}

impl Messages {
    fn read(protocol: &Protocol, known: &KnownCommitments, mut reader: ProofReader<'_>) -> Result<Self, ProofError> {
        let lookups = 0..protocol.lookups.len();
        let mut commitments = read_advice(protocol, known, &mut reader)?;
        let mut commitment = |reader: &mut ProofReader<'_>, polynomial| {
            let point = reader.point(|| format!("the commitment to {}", protocol.name(polynomial)))?;
            commitments.insert(polynomial, point);
            Ok::<_, ProofError>(())
        };
        let theta = reader.challenge();
        for lookup in lookups.clone() {
            commitment(&mut reader, Polynomial::LookupInput(lookup))?;
            commitment(&mut reader, Polynomial::LookupTable(lookup))?;
        }
        let (beta, gamma) = (reader.challenge(), reader.challenge());
        for lookup in lookups {
            commitment(&mut reader, Polynomial::LookupProduct(lookup))?;
        }
        commitment(&mut reader, Polynomial::Blinding)?;
        let y = reader.challenge();
        let quotient_pieces = (0..protocol.quotient_pieces)
            .map(|piece| reader.point(|| format!("the commitment to piece {piece} of the quotient")))
            .collect::<Result<_, _>>()?;
        let x = reader.challenge();

        let openings = protocol.evaluations();
        let evaluations = openings
            .iter()
            .map(|opening| reader.scalar(|| protocol.describe(*opening)))
            .collect::<Result<Vec<_>, _>>()?;
        let by_opening = openings.into_iter().zip(evaluations.iter().copied()).collect();
        let multi_opening = MultiOpening {
            y: reader.challenge(),
            v: reader.challenge(),
            quotient: reader.point(|| "the multi-opening's quotient W".to_owned())?,
            u: reader.challenge(),
            witness: reader.point(|| "the multi-opening's witness W'".to_owned())?,
        };
        reader.finish()?;
        let challenges = Challenges { theta, beta, gamma, y, x };
        Ok(Self { challenges, commitments, quotient_pieces, evaluations, by_opening, multi_opening })
    }

    /// The claims about the polynomials of a rotation set.
    fn opening_set(&self, key: &VerifyingKey, rows: &RowValues, set: &RotationSet) -> OpeningSet {
        let claim = |polynomial: Polynomial| match polynomial {
            Polynomial::Quotient => OpeningClaim {
                commitment: self.quotient_commitment(rows),
                evaluations: vec![self.quotient(key.protocol(), rows)],
            },
            _ => OpeningClaim {
                commitment: Msm::from(self.commitments[&polynomial]),
                evaluations: set.rotations.iter().map(|rotation| self.value(polynomial, *rotation)).collect(),
            },
        };
        OpeningSet {
            points: set.rotations.iter().map(|rotation| self.challenges.x * key.rotation_factor(*rotation)).collect(),
            claims: set.polynomials.iter().copied().map(claim).collect(),
        }
    }

    /// The quotient from its pieces: `Σ_i x^(n·i)·H_i`.
    fn quotient_commitment(&self, rows: &RowValues) -> Msm {
        let mut commitment = Msm::default();
        for (piece, power) in self.quotient_pieces.iter().zip(powers(rows.x_to_n)) {
            commitment.push(power, *piece);
        }
        commitment
    }

    /// The value that the quotient must take at `x`: the combined equations over the vanishing polynomial of the rows.
    fn quotient(&self, protocol: &Protocol, rows: &RowValues) -> Fr {
        let constraints = protocol.constraints.iter().map(|constraint| self.evaluate(protocol, &constraint.expression));
        let lookups = protocol.lookups.iter().enumerate();
        let lookups = lookups.flat_map(|(index, lookup)| self.lookup_equations(protocol, rows, index, lookup));
        let combined = constraints.chain(lookups).fold(Fr::ZERO, |sum, value| sum * self.challenges.y + value);
        combined * rows.vanishing_inverse
    }

    /// The five equations of a lookup argument at `x`, each of which vanishes on every row.
    ///
    /// With the permuted input A′ and table S′, and the running product Z over the active rows: Z starts at one; ends
    /// at zero or one; `Z(ωX)·(A′ + β)·(S′ + γ) = Z(X)·(A + β)·(S + γ)`; A′ starts with S′; and A′ is S′ or its own
    /// predecessor.
    fn lookup_equations(&self, protocol: &Protocol, rows: &RowValues, index: usize, lookup: &Lookup) -> [Fr; 5] {
        let Challenges { theta, beta, gamma, .. } = self.challenges;
        let compress = |tuple: &[Expression]| {
            tuple.iter().fold(Fr::ZERO, |sum, expression| sum * theta + self.evaluate(protocol, expression))
        };
        let product = self.value(Polynomial::LookupProduct(index), Rotation::CURRENT);
        let next_product = self.value(Polynomial::LookupProduct(index), Rotation::NEXT);
        let input = self.value(Polynomial::LookupInput(index), Rotation::CURRENT);
        let previous_input = self.value(Polynomial::LookupInput(index), Rotation::PREVIOUS);
        let table = self.value(Polynomial::LookupTable(index), Rotation::CURRENT);
        let step = next_product * (input + beta) * (table + gamma)
            - product * (compress(&lookup.input) + beta) * (compress(&lookup.table) + gamma);
        [
            rows.first * (Fr::ONE - product),
            rows.last * (product.square() - product),
            rows.active * step,
            rows.first * (input - table),
            rows.active * (input - table) * (input - previous_input),
        ]
    }

    fn evaluate(&self, protocol: &Protocol, expression: &Expression) -> Fr {
        let fixed_from = protocol.advice_queries.len();
        let fixed = |query: usize| self.evaluations[fixed_from + query];
        expression.evaluate(&|number| number, &fixed, &|query| self.evaluations[query])
    }

    fn value(&self, polynomial: Polynomial, rotation: Rotation) -> Fr {
        self.by_opening[&Opening { polynomial, rotation }]
    }
}

/// The polynomials that only depend on the number of rows, at `x`.
struct RowValues {
    /// `x^n`
    x_to_n: Fr,
    /// `1/(x^n - 1)`
    vanishing_inverse: Fr,
    /// One on the first row, zero on the others.
    first: Fr,
    /// One on the row behind the usable rows, where running products end, zero on the others.
    last: Fr,
    /// One on the usable rows, zero on the others.
    active: Fr,
}

impl RowValues {
    /// None if `x` is a row's point.
    fn at(key: &VerifyingKey, x: Fr) -> Option<Self> {
        let protocol = key.protocol();
        let x_to_n = x.pow_vartime([protocol.rows() as u64]);
        let vanishing = x_to_n - Fr::ONE;
        if bool::from(vanishing.is_zero()) {
            return None;
        }
        // Row r's Lagrange polynomial at x is ω^r·(x^n - 1) / (n·(x - ω^r)). From the row behind the usable ones to row
        // 0.
        let blinding_factors = protocol.blinding_factors;
        let nodes: Vec<Fr> = protocol.last_rows().map(|row| key.rotation_factor(row)).collect();
        let mut inverses: Vec<Fr> = nodes.iter().map(|node| x - node).chain([vanishing]).collect();
        inverses.batch_invert();
        let scale = vanishing * Fr::TWO_INV.pow_vartime([u64::from(protocol.capacity.k())]);
        let lagrange: Vec<Fr> = nodes.iter().zip(&inverses).map(|(node, inverse)| scale * node * inverse).collect();
        let (last, blinding, first) = (lagrange[0], &lagrange[1..=blinding_factors], lagrange[blinding_factors + 1]);
        Some(Self {
            x_to_n,
            vanishing_inverse: inverses[blinding_factors + 2],
            first,
            last,
            active: Fr::ONE - last - blinding.iter().sum::<Fr>(),
        })
    }
}
