//! A prover for this circuit alone, which makes the proofs that Halo2's verifier and ours accept.
//!
//! | step | module |
//! |---|---|
//! | columns get their blinding rows | `columns` |
//! | lookups are sorted and multiplied up | `lookup` |
//! | the quotient is computed on cosets | `quotient` |
//! | polynomials are evaluated and opened | `opening` |
//!
//! What makes the prover fast is that it knows the circuit: narrow columns are committed to before challenges make them
//! wide, the equations are written out, and one table of multiples serves all commitments. Which polynomials are
//! committed to and opened, in which order, is for [`Protocol`](surety_verifier::Protocol) to say: a proof in any other
//! order does not verify.

use ff::Field as _;
use group::{Curve as _, prime::PrimeCurveAffine as _};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;
use surety_core::{
    capacity::{Capacity, TAIL_ROWS},
    ident::HexBytes,
};
use surety_kzg::{Domain, SecretScalars, Table, point, scalar};
use surety_verifier::{
    KnownCommitments, ProofError, Protocol, VerifyingKey,
    proof::{
        encoding::{PROOF_BYTES, ProofBytes},
        protocol::{Polynomial, Rotation},
        transcript::Transcript,
    },
};

use crate::{
    blinding::Fresh,
    columns::AdviceColumn,
    prove::ProveError,
    prover::{
        columns::{BlindedColumn, RANDOM_ROWS, UnblindedColumn, UsableRows},
        fixed::Fixed,
        lookup::{Looked, Permuted},
        opening::{At, Opening},
        quotient::{COLUMNS, Cosets},
    },
    witness::Witness,
};

mod columns;
mod fixed;
mod lookup;
mod opening;
mod quotient;

/// The hidden columns whose blinding rows are drawn: `BLIND`, `VAR`, `VAL` and `ACC`. Those of `BLINDED_HOLD` follow.
const DRAWN_COLUMNS: usize = 4;

/// The lookups: memory and range.
const LOOKUPS: usize = 2;

/// How many scalars a proof draws: the blinding rows of hidden columns, of each lookup's permuted input and table, and
/// of its running product, which ends in the first of them; and the random polynomial.
pub(crate) const DRAWN: usize = (DRAWN_COLUMNS + 2 * LOOKUPS) * TAIL_ROWS + LOOKUPS * (TAIL_ROWS - 1) + RANDOM_ROWS;

/// What proofs of one capacity class over one set-up share.
#[derive(Debug)]
pub(crate) struct Prover {
    capacity: Capacity,
    domain: Domain,
    fixed: Fixed,
    cosets: Cosets,
    pub(crate) table: Table,
}

/// The challenges that the columns and their quotient depend on.
pub(crate) struct Challenges {
    pub(crate) theta: Fr,
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
    pub(crate) y: Fr,
}

/// The inverse, or zero: a challenge for which there is none makes a proof that does not verify.
pub(crate) fn invert(value: Fr) -> Fr {
    value.invert().unwrap_or(Fr::ZERO)
}

/// How many rows are worth a task of their own.
pub(crate) fn tasks(rows: usize) -> usize {
    rows.div_ceil(4 * rayon::current_num_threads()).max(256)
}

/// A proof as far as it is written.
struct Writer {
    transcript: Transcript,
    bytes: Vec<u8>,
}

impl Writer {
    fn points(&mut self, points: &[G1]) {
        let mut affine = vec![G1Affine::identity(); points.len()];
        G1::batch_normalize(points, &mut affine);
        affine.iter().for_each(|point| self.point(point));
    }

    fn point(&mut self, point: &G1Affine) {
        self.bytes.extend(point::g1_to_bytes(point));
        self.transcript.absorb_point(point);
    }

    fn scalar(&mut self, scalar: &Fr) {
        self.bytes.extend(scalar::to_bytes(scalar));
        self.transcript.absorb_scalar(scalar);
    }

    fn challenge(&mut self) -> Fr {
        self.transcript.squeeze()
    }
}

/// All columns of a proof.
struct Columns {
    /// `IDX`, `FLAG` and `COEF`.
    program: [UnblindedColumn; KnownCommitments::PROGRAM],
    blind: BlindedColumn,
    blinded_hold: BlindedColumn,
    var: BlindedColumn,
    val: BlindedColumn,
    acc: BlindedColumn,
    memory: Permuted<BlindedColumn>,
    memory_product: BlindedColumn,
    range: Permuted<BlindedColumn>,
    range_product: BlindedColumn,
    random: BlindedColumn,
}

impl Columns {
    /// Those that the equations are about, see [`COLUMNS`].
    fn in_order(&self) -> [&[Fr]; COLUMNS] {
        let [idx, flag, coef] = &self.program;
        let Self { blind, blinded_hold, var, val, acc, memory, memory_product, range, range_product, .. } = self;
        [
            idx,
            flag,
            coef,
            blind,
            blinded_hold,
            var,
            val,
            acc,
            &memory.input,
            &memory.table,
            memory_product,
            &range.input,
            &range.table,
            range_product,
        ]
    }
}

impl Prover {
    pub(crate) fn new(capacity: Capacity, table: Table) -> Self {
        let (domain, fixed) = (Domain::new(capacity.k()), Fixed::new(capacity));
        let cosets = Cosets::new(capacity, &domain, &fixed);
        Self { capacity, domain, fixed, cosets, table }
    }

    /// The commitments to the fixed columns, by the table.
    pub(crate) fn fixed_commitments(&self) -> Vec<G1> {
        self.table.sums(&[&self.fixed.row, &self.fixed.base])
    }

    /// A proof, if the witness satisfies the circuit and belongs to the commitments; else bytes that do not verify.
    ///
    /// # Errors
    /// If the holdings' commitment is the one to the blinded holdings, or the key's proofs have another length.
    pub(crate) fn create(
        &self,
        key: &VerifyingKey,
        context: Fr,
        known: &KnownCommitments,
        witness: &Witness,
        fresh: &mut Fresh,
    ) -> Result<ProofBytes, ProveError> {
        let mut transcript = Transcript::default();
        transcript.absorb_scalar(&key.digest().scalar());
        transcript.absorb_scalar(&context);
        known.program().iter().for_each(|commitment| transcript.absorb_point(commitment));
        let mut writer = Writer { transcript, bytes: Vec::with_capacity(PROOF_BYTES) };

        let (columns, challenges) = self.columns(known, witness, fresh, &mut writer)?;
        let pieces = self.cosets.quotient(&self.domain, columns.in_order(), &challenges);
        writer.points(&self.table.sums(&pieces.each_ref().map(|piece| &**piece)));
        self.open(key.protocol(), &columns, &pieces, &mut writer);

        let found = writer.bytes.len();
        let bytes = writer.bytes.try_into();
        Ok(HexBytes(bytes.map_err(|_| ProofError::Length { expected: PROOF_BYTES, found })?))
    }

    /// Everything up to the challenge y: columns, lookups, the random polynomial.
    fn columns(
        &self,
        known: &KnownCommitments,
        witness: &Witness,
        fresh: &mut Fresh,
        writer: &mut Writer,
    ) -> Result<(Columns, Challenges), ProveError> {
        let capacity = self.capacity;
        let rows = |column: AdviceColumn| UsableRows::of(capacity, &witness[column]);
        let program = [AdviceColumn::Idx, AdviceColumn::Flag, AdviceColumn::Coef].map(|c| rows(c).unblinded());
        let [blind, var, val, acc] = [AdviceColumn::Blind, AdviceColumn::Var, AdviceColumn::Val, AdviceColumn::Acc]
            .map(|column| rows(column).blind(fresh));
        let blinded_hold = blind.of_holdings(capacity, &witness[AdviceColumn::BlindedHold]);
        let looked = Looked::new(witness, &self.fixed);
        let (memory, range) = looked.permute(witness, &self.fixed, fresh);
        // Before θ makes them wide: a term costs as much as its scalar is long.
        let sums = self.table.sums(&[
            &blinded_hold,
            &var,
            &val,
            &acc,
            &memory.input.first,
            &memory.input.second,
            &memory.table.first,
            &memory.table.second,
            &range.input,
            &range.table,
        ]);
        let difference = known.blind(&sums[0].to_affine());
        let difference = difference.ok_or(ProveError::OtherCommitment { column: KnownCommitments::NAMES[3] })?;
        writer.transcript.absorb_point(&difference);
        writer.points(&sums[..4]);
        let theta = writer.challenge();
        writer.points(&[sums[4] * theta + sums[5], sums[6] * theta + sums[7], sums[8], sums[9]]);
        let (beta, gamma) = (writer.challenge(), writer.challenge());

        let mut challenges = Challenges { theta, beta, gamma, y: Fr::ZERO };
        let memory = memory.compress(theta);
        let (memory_product, range_product) = rayon::join(
            || looked.memory_product(witness, &self.fixed, &memory, &challenges),
            || looked.range_product(&self.fixed, &range, &challenges),
        );
        let (memory_product, range_product) = (memory_product.blind(fresh), range_product.blind(fresh));
        let random = BlindedColumn::random(capacity, fresh);
        writer.points(&self.table.sums(&[&memory_product, &range_product, &random]));
        challenges.y = writer.challenge();
        let columns = Columns {
            program,
            blind,
            blinded_hold,
            var,
            val,
            acc,
            memory,
            memory_product,
            range,
            range_product,
            random,
        };
        Ok((columns, challenges))
    }

    /// The evaluations and the multi-opening.
    fn open(&self, protocol: &Protocol, columns: &Columns, pieces: &[SecretScalars], writer: &mut Writer) {
        let at = At::new(&self.domain, writer.challenge());
        let mut quotient = SecretScalars::zeros(self.domain.rows());
        let powers = core::iter::successors(Some(Fr::ONE), |power| Some(*power * at.power));
        for (piece, power) in pieces.iter().zip(powers) {
            quotient.iter_mut().zip(piece.iter()).for_each(|(value, cell)| *value += power * cell);
        }
        let in_order = columns.in_order();
        let polynomial = |name: Polynomial| -> &[Fr] {
            match name {
                Polynomial::Fixed(0) => &self.fixed.row,
                Polynomial::Fixed(_) => &self.fixed.base,
                Polynomial::Advice(column) => in_order[column],
                Polynomial::LookupInput(lookup) => in_order[AdviceColumn::COUNT + 3 * lookup],
                Polynomial::LookupTable(lookup) => in_order[AdviceColumn::COUNT + 3 * lookup + 1],
                Polynomial::LookupProduct(lookup) => in_order[AdviceColumn::COUNT + 3 * lookup + 2],
                Polynomial::Quotient => &quotient,
                Polynomial::Blinding => &columns.random,
            }
        };
        let openings = protocol.evaluations();
        let evaluations: Vec<Fr> =
            openings.par_iter().with_max_len(2).map(|o| at.value(polynomial(o.polynomial), o.rotation)).collect();
        evaluations.iter().for_each(|evaluation| writer.scalar(evaluation));
        let of_quotient = at.value(&quotient, Rotation::CURRENT);
        let evaluation = |name: Polynomial, rotation: Rotation| {
            let mut stated = openings.iter().zip(&evaluations);
            let stated = stated.find(|(o, _)| o.polynomial == name && o.rotation == rotation);
            // The quotient alone is opened and not stated.
            stated.map_or(of_quotient, |(_, value)| *value)
        };
        let challenges = (writer.challenge(), writer.challenge());
        let opening = Opening::new(&self.domain, protocol, &at, challenges, polynomial, evaluation);
        writer.points(&self.table.sums(&[&opening.quotient]));
        let witness = opening.witness(&self.domain, writer.challenge());
        writer.points(&self.table.sums(&[&witness]));
    }
}
