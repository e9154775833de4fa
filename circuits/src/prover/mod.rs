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
    capacity::{Groups, TAIL_ROWS},
    ident::HexBytes,
};
use surety_kzg::{Domain, Lanes, SecretScalars, Table, point, rows, scalar, secret::Wiped};
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

#[cfg(test)]
mod adaptive;
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
    pub(crate) groups: Groups,
    domain: Domain,
    fixed: Fixed,
    cosets: Cosets,
    table: Table,
}

/// The challenges that the columns and their quotient depend on.
pub(crate) struct Challenges {
    /// How many rows are computed at a time.
    pub(crate) lanes: Lanes,
    pub(crate) theta: Fr,
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
    pub(crate) y: Fr,
}

/// The inverse, or zero: a challenge for which there is none makes a proof that does not verify.
pub(crate) fn invert(value: Fr) -> Fr {
    value.invert().unwrap_or(Fr::ZERO)
}

/// How many rows are worth a task of their own: a multiple of what is computed at a time.
pub(crate) fn tasks(rows: usize) -> usize {
    rows.div_ceil(4 * rayon::current_num_threads()).max(256).next_multiple_of(8)
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
    pub(crate) fn new(groups: Groups, table: Table, lanes: Lanes) -> Self {
        let capacity = groups.capacity();
        let (domain, fixed) = (Domain::with_lanes(capacity.k(), lanes), Fixed::new(groups));
        let cosets = Cosets::new(capacity, &domain, &fixed);
        Self { groups, domain, fixed, cosets, table }
    }

    /// The commitments to the fixed columns, by the table.
    pub(crate) fn fixed_commitments(&self) -> Wiped<G1> {
        self.commit(&[&self.fixed.row, &self.fixed.base])
    }

    /// The commitments to columns.
    pub(crate) fn commit(&self, columns: &[&[Fr]]) -> Wiped<G1> {
        self.table.sums(self.domain.lanes(), columns)
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
        writer.points(&self.commit(&pieces.each_ref().map(|piece| &**piece)));
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
        let capacity = self.groups.capacity();
        let rows = |column: AdviceColumn| UsableRows::of(capacity, &witness[column]);
        let program = [AdviceColumn::Idx, AdviceColumn::Flag, AdviceColumn::Coef].map(|c| rows(c).unblinded());
        let [blind, var, val, acc] = [AdviceColumn::Blind, AdviceColumn::Var, AdviceColumn::Val, AdviceColumn::Acc]
            .map(|column| rows(column).blind(fresh));
        let blinded_hold = blind.of_holdings(capacity, &witness[AdviceColumn::BlindedHold]);
        let looked = Looked::new(witness, &self.fixed);
        let (memory, range) = looked.permute(witness, &self.fixed, fresh);
        // Before θ makes them wide: a term costs as much as its scalar is long.
        let sums = self.commit(&[
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

        let lanes = self.domain.lanes();
        let mut challenges = Challenges { lanes, theta, beta, gamma, y: Fr::ZERO };
        let memory = memory.compress(lanes, theta);
        let (memory_product, range_product) = rayon::join(
            || looked.memory_product(witness, &self.fixed, &memory, &challenges),
            || looked.range_product(&self.fixed, &range, &challenges),
        );
        let (memory_product, range_product) = (memory_product.blind(fresh), range_product.blind(fresh));
        let random = BlindedColumn::random(capacity, fresh);
        writer.points(&self.commit(&[&memory_product, &range_product, &random]));
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
            rows::add_scaled(self.domain.lanes(), &mut quotient, power, piece);
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
        writer.points(&self.commit(&[&opening.quotient]));
        let witness = opening.witness(&self.domain, writer.challenge());
        writer.points(&self.commit(&[&witness]));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
    use surety_kzg::{Params, progress::Silent};

    use super::*;
    use crate::{halo2::Halo2Key, key::ProvingKey, small::statement};

    const CONTEXT: Fr = Fr::ONE;

    /// The random numbers of a proof, which another call gives again.
    fn fresh(witness: &Witness) -> Fresh {
        Fresh::new(witness.tail(AdviceColumn::BlindedHold), CONTEXT, &mut ChaCha20Rng::seed_from_u64(11))
    }

    /// What a proof was made of, put together by the slow way from its points and the random numbers.
    struct Replayed {
        rows: usize,
        params: Params,
        points: Vec<G1Affine>,
        fresh: Fresh,
        drawn: Vec<Fr>,
    }

    impl Replayed {
        fn draw<const N: usize>(&mut self) -> [Fr; N] {
            let mut tail = [Fr::ZERO; N];
            self.fresh.fill(&mut tail);
            self.drawn.extend(tail);
            tail
        }

        /// Demands that a point of the proof commits to a column with these last rows.
        fn expect(&self, index: usize, usable: &[Fr], tail: &[Fr], what: &str) -> Vec<Fr> {
            let column = [&usable[..self.rows - tail.len()], tail].concat();
            assert_eq!(self.params.commit_column(&column).to_affine(), self.points[index], "{what}");
            column
        }
    }

    /// The permuted columns as the definition has them: inputs sorted by the table rows that they are found in, the
    /// first of each beside its own, the other table rows in their order.
    fn permuted(inputs: &[Fr], table: &[Fr]) -> (Vec<Fr>, Vec<Fr>) {
        let found = |input: &Fr| table.iter().position(|value| value == input).unwrap();
        let mut rows: Vec<usize> = inputs.iter().map(found).collect();
        rows.sort_unstable();
        let read: BTreeSet<usize> = rows.iter().copied().collect();
        let mut unread = (0..table.len()).filter(|row| !read.contains(row));
        let is_first = |place: usize| place == 0 || rows[place - 1] != rows[place];
        let beside = (0..rows.len()).map(|place| if is_first(place) { rows[place] } else { unread.next().unwrap() });
        let beside = beside.map(|row| table[row]).collect();
        (rows.iter().map(|row| table[*row]).collect(), beside)
    }

    #[test]
    fn proofs_are_the_same_with_one_row_at_a_time_and_with_eight() {
        let (params, known, witness) = statement();
        let table = Table::new(params.lagrange(), &Silent);
        let [one, widest] = [Lanes::One, Lanes::widest()].map(|lanes| {
            let key = ProvingKey::with_table(&params, table.clone(), lanes).unwrap();
            key.prover.create(&key.verifying_key, CONTEXT, &known, &witness, &mut fresh(&witness)).unwrap()
        });
        assert_eq!(one, widest);
    }

    /// Attack: a blinding row that is not drawn, or drawn twice, in any polynomial of a proof. Each of the points that
    /// commit to hidden polynomials is computed again, with every blinding row the next number of the generator.
    #[test]
    fn every_blinding_row_is_a_number_of_its_own() {
        let (params, known, witness) = statement();
        let key = ProvingKey::generate(&params).unwrap();
        let (capacity, fixed) = (witness.capacity(), Fixed::new(witness.groups()));
        let mut used = fresh(&witness);
        let proof = key.prover.create(&key.verifying_key, CONTEXT, &known, &witness, &mut used).unwrap().0;
        assert_eq!(key.verifying_key.verify(CONTEXT, &known, &proof), Ok(()));
        let points: Vec<G1Affine> =
            proof.as_chunks::<64>().0[..11].iter().map(|bytes| point::g1_from_bytes(bytes).unwrap()).collect();

        let (rows, drawn) = (capacity.rows(), Vec::new());
        let mut replayed = Replayed { rows, params, points, fresh: fresh(&witness), drawn };
        let blind: [Fr; TAIL_ROWS] = replayed.draw();
        let masks = witness.tail(AdviceColumn::BlindedHold);
        let sum: Vec<Fr> = blind.iter().zip(masks).map(|(blind, mask)| *blind + mask).collect();
        let hold = replayed.expect(0, &witness[AdviceColumn::BlindedHold], &sum, "BLINDED_HOLD");
        let [var, val, _] = [(1, AdviceColumn::Var), (2, AdviceColumn::Val), (3, AdviceColumn::Acc)].map(|(at, c)| {
            let tail: [Fr; TAIL_ROWS] = replayed.draw();
            replayed.expect(at, &witness[c], &tail, c.name())
        });

        let mut transcript = Transcript::default();
        transcript.absorb_scalar(&key.verifying_key.digest().scalar());
        transcript.absorb_scalar(&CONTEXT);
        let difference = known.blind(&replayed.points[0]).unwrap();
        known.program().iter().chain([&difference]).for_each(|point| transcript.absorb_point(point));
        replayed.points[..4].iter().for_each(|point| transcript.absorb_point(point));
        let theta = transcript.squeeze();
        let usable = 0..capacity.usable();
        let idx = &witness[AdviceColumn::Idx];
        let lookups = [
            (
                usable.clone().map(|row| theta * idx[row] + val[row]).collect::<Vec<_>>(),
                usable.clone().map(|row| theta * fixed.row[row] + hold[row] + fixed.variable[row] * var[row]).collect(),
            ),
            (
                usable.clone().map(|row| var[row] - fixed.base[row] * var[row + 1]).collect(),
                usable.map(|row| fixed.row[row]).collect::<Vec<_>>(),
            ),
        ];
        let columns = [4, 6].into_iter().zip(&lookups).map(|(at, (inputs, table))| {
            let (input, beside) = permuted(inputs, table);
            let [tail, other]: [[Fr; TAIL_ROWS]; 2] = [replayed.draw(), replayed.draw()];
            (replayed.expect(at, &input, &tail, "input"), replayed.expect(at + 1, &beside, &other, "table"))
        });
        let columns: Vec<_> = columns.collect();
        replayed.points[4..8].iter().for_each(|point| transcript.absorb_point(point));
        let (beta, gamma) = (transcript.squeeze(), transcript.squeeze());
        for ((at, (inputs, table)), (input, beside)) in (8..).zip(&lookups).zip(&columns) {
            let mut product = vec![Fr::ONE];
            for row in 0..capacity.usable() {
                let step = (inputs[row] + beta) * (table[row] + gamma);
                let step = step * ((input[row] + beta) * (beside[row] + gamma)).invert().unwrap();
                product.push(product[row] * step);
            }
            assert_eq!(product.last(), Some(&Fr::ONE), "all that is read is there");
            let tail: [Fr; TAIL_ROWS - 1] = replayed.draw();
            replayed.expect(at, &product, &tail, "product");
        }
        let random: [Fr; RANDOM_ROWS] = replayed.draw();
        replayed.expect(10, &vec![Fr::ZERO; capacity.rows()], &random, "the random polynomial");

        assert_eq!((replayed.fresh.drawn(), used.drawn(), DRAWN), (74, 74, 74), "as the accounting counts");
        let different: BTreeSet<Fr> = replayed.drawn.iter().copied().collect();
        assert!(different.len() == DRAWN && !different.contains(&Fr::ZERO));
    }

    /// With the same seed both provers commit to the same columns. Behind them the bytes differ for any entropy:
    /// Halo2 draws scalars for commitments that ignore them, permutes in another order, and takes the random polynomial
    /// from a generator of its own. Everything else of a proof is a function of what is committed to, which its
    /// verification computes.
    #[test]
    fn both_provers_commit_to_the_same_columns() {
        let (params, known, witness) = statement();
        let (key, halo2) = (ProvingKey::generate(&params).unwrap(), Halo2Key::generate(&params).unwrap());
        assert_eq!(key.verifying_key.digest(), halo2.verifying_key().digest());
        let entropy = &mut ChaCha20Rng::seed_from_u64(11);
        let mut fresh = Fresh::of_halo2(witness.tail(AdviceColumn::BlindedHold), CONTEXT, entropy);
        let proof = key.prover.create(&key.verifying_key, CONTEXT, &known, &witness, &mut fresh).unwrap().0;
        let bytes = halo2.create(CONTEXT, &witness, &mut ChaCha20Rng::seed_from_u64(11)).unwrap();
        let sent = 4 * 64;
        assert_eq!(bytes[sent..2 * sent], proof[..sent]);
        assert_ne!(bytes[2 * sent..][..64], proof[sent..][..64]);
        let other = halo2.create(CONTEXT, &witness, &mut ChaCha20Rng::seed_from_u64(12)).unwrap();
        assert_ne!(other[sent..2 * sent], proof[..sent]);
    }

    /// Witnesses that break every rule make proofs that do not verify, and no panic.
    #[test]
    fn rejects_witnesses_that_break_rules_without_a_panic() {
        let (params, known, honest) = statement();
        let key = ProvingKey::generate(&params).unwrap();
        for column in AdviceColumn::ALL {
            let mut witness = honest.clone();
            witness[column].iter_mut().for_each(|cell| *cell = Fr::from(u64::from(u32::MAX)) - *cell);
            let proof = key.prover.create(&key.verifying_key, CONTEXT, &known, &witness, &mut fresh(&witness));
            let verified = proof.map(|proof| key.verifying_key.verify(CONTEXT, &known, &proof.0));
            assert!(!matches!(verified, Ok(Ok(()))), "{}", column.name());
        }
    }
}
