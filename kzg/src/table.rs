//! Many sums `Σ s_t·P_t` over one basis, from a table of multiples.
//!
//! The table has `2^(w·i)·P_t` for each base `P_t` and each digit i of w bits. A scalar with signed digits `d_i` is
//! then a sum of table points, each times a number of at most w − 1 bits, so that one set of buckets serves all digits
//! and nothing is doubled (Brickell, Gordon, McCurley and Wilson, *Fast exponentiation with precomputation*, Eurocrypt
//! 1992, with Pippenger's buckets). A scalar costs as many additions as it has digits: small values are cheap though
//! random ones stand beside them, as in a column with blinding rows.
//!
//! Points are added in pairs, with affine coordinates and one inversion for a thousand pairs. The formula for such a
//! sum is wrong where the two points are equal or opposite. A batch with such a pair has no inverse of its
//! denominators, is noticed by this, and is done again with complete formulas.
//!
//! Whatever depends on scalars is wiped: digits, schedules, buckets and sums. The running time does depend on the
//! scalars: on how many digits they have, and on how many of the digits are zero.

use core::cmp::Reverse;

use group::{Curve as _, Group as _, prime::PrimeCurveAffine as _};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;
use surety_wide::{Lanes, Lines};

use crate::{
    msm::Magnitude,
    progress::{Event, Observer, Stage},
    secret::Wiped,
    sums::{Bench, Benches, room},
};

/// Bits of the largest magnitude: `(r - 1)/2` is below `2^253`.
const MAGNITUDE_BITS: u32 = 253;

/// Points that share an inversion while the table is computed.
const SHARING: usize = 1024;

/// Widest digits considered.
const MAX_DIGIT_BITS: u32 = 17;

/// A basis with the multiples of its points.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    bases: usize,
    digit_bits: u32,
    /// For each digit, a multiple of each base.
    points: Lines,
    /// Whether a base is the identity, so that sums need the complete formulas from the start.
    with_identity: bool,
}

impl core::fmt::Debug for Table {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (bases, bytes) = (self.bases, size_of_val(&*self.points));
        f.debug_struct("Table").field("bases", &bases).field("bytes", &bytes).finish_non_exhaustive()
    }
}

impl Table {
    /// Computes the table of a basis: a seventh of a second for 4,096 points, a few seconds for 65,536 on two cores.
    #[must_use]
    pub fn new(bases: &[G1Affine], observer: &dyn Observer) -> Self {
        Self::for_sums_of(bases.len(), bases, observer)
    }

    /// Computes the table of a basis of which a sum takes so many full scalars.
    pub(crate) fn for_sums_of(terms: usize, bases: &[G1Affine], observer: &dyn Observer) -> Self {
        let digit_bits = digit_bits(terms);
        let digits = digits(digit_bits);
        let mut points = vec![G1Affine::identity(); digits * bases.len()];
        let report = |done: usize| {
            let (done, total) = (done as u64, digits as u64);
            observer.event(Event::Progress { stage: Stage::Table, done, total });
        };
        report(0);
        let mut multiples: Vec<G1> = bases.par_iter().map(|base| base.to_curve()).collect();
        for (digit, affine) in points.chunks_exact_mut(bases.len().max(1)).enumerate() {
            affine.par_chunks_mut(SHARING).zip(multiples.par_chunks_mut(SHARING)).for_each(|(affine, multiples)| {
                G1::batch_normalize(multiples, affine);
                for multiple in multiples {
                    *multiple = (0..digit_bits).fold(*multiple, |point, _| point.double());
                }
            });
            report(digit + 1);
        }
        Self::assemble(terms, bases.len(), points.into_iter().collect())
    }

    /// The table that [`Table::new`] has computed before; none if the number of points is not that of a table over so
    /// many bases. Nothing else is checked: over other points, commitments are other ones.
    #[must_use]
    pub fn from_points(bases: usize, points: Lines) -> Option<Self> {
        Self::from_points_for_sums_of(bases, bases, points)
    }

    /// The table that [`Table::for_sums_of`] has computed before.
    pub(crate) fn from_points_for_sums_of(terms: usize, bases: usize, points: Lines) -> Option<Self> {
        (points.len() == Self::points_for_sums_of(terms, bases)).then(|| Self::assemble(terms, bases, points))
    }

    /// How many points the table over so many bases has.
    #[must_use]
    pub fn points_over(bases: usize) -> usize {
        Self::points_for_sums_of(bases, bases)
    }

    /// How many points the table has that [`Table::for_sums_of`] computes.
    pub(crate) fn points_for_sums_of(terms: usize, bases: usize) -> usize {
        digits(digit_bits(terms)) * bases
    }

    fn assemble(terms: usize, bases: usize, points: Lines) -> Self {
        // Places and their signs are 32 bits together.
        assert!(points.len() < 1 << 31, "{} points", points.len());
        let with_identity = points.iter().any(|point| bool::from(point.is_identity()));
        Self { bases, digit_bits: digit_bits(terms), points, with_identity }
    }

    /// The points of the table, the bases first.
    #[must_use]
    pub fn points(&self) -> &[G1Affine] {
        &self.points
    }

    /// The bases.
    #[must_use]
    pub fn bases(&self) -> &[G1Affine] {
        &self.points[..self.bases]
    }

    /// `Σ s_t·P_t` for each column of scalars, in parallel.
    ///
    /// # Panics
    /// If a column has more scalars than there are bases.
    #[must_use]
    pub fn sums(&self, lanes: Lanes, columns: &[&[Fr]]) -> Wiped<G1> {
        assert!(columns.iter().all(|column| column.len() <= self.bases), "a base for each scalar");
        let magnitudes: Vec<Vec<Magnitude>> =
            columns.par_iter().map(|column| column.iter().map(Magnitude::of).collect()).collect();
        let mut weights = Wiped::new(columns.len());
        weights.iter_mut().zip(&magnitudes).for_each(|(weight, column)| *weight = self.digits_of(column));
        let threads = rayon::current_num_threads();
        let target = (weights.iter().sum::<usize>() / (2 * threads)).max(SMALLEST_TASK);
        let mut tasks = Vec::new();
        for (index, (column, weight)) in magnitudes.iter().zip(weights.iter()).enumerate() {
            // A part has buckets of its own, which cost as much as some thousand additions: no more parts than keep all
            // threads at work.
            let parts = match columns.len() {
                1 => threads,
                count if count == threads || count == 2 * threads => 1,
                _ => (weight / target).max(1),
            };
            let length = column.len().div_ceil(parts).max(1);
            tasks.extend(column.chunks(length).enumerate().map(|(part, scalars)| (index, part * length, scalars)));
        }
        // The longest first: a long one at the end would leave the other threads idle.
        tasks.sort_by_key(|(index, _, scalars)| Reverse(weights[*index] * scalars.len()));
        let mut parts = Wiped::new(tasks.len());
        let benches = self.benches(lanes);
        parts.par_iter_mut().zip(&tasks).with_max_len(1).for_each(|(part, (_, from, scalars))| {
            *part = benches.at(|bench| self.sums_in_step(bench, &[(*from, scalars)])[0]);
        });
        let mut sums = Wiped::new(columns.len());
        for ((index, ..), part) in tasks.iter().zip(parts.iter()) {
            sums[*index] += part;
        }
        sums
    }

    /// How many digits these scalars have, together.
    fn digits_of(&self, scalars: &[Magnitude]) -> usize {
        scalars.iter().map(|scalar| self.windows_of(scalar) as usize).sum()
    }

    /// Benches for [`Table::sums_in_step`].
    pub(crate) fn benches(&self, lanes: Lanes) -> Benches {
        Benches::new(lanes, self.with_identity)
    }

    /// `Σ s_t·P_(from + t)` for each of some sums `(from, s)`, on this thread. Their additions share inversions.
    pub(crate) fn sums_in_step(&self, bench: &mut Bench, sums: &[(usize, &[Magnitude])]) -> Wiped<G1> {
        let mut lengths = self.schedule(bench, sums);
        bench.sum_entries(&self.points, &mut lengths);
        bench.weigh(&lengths, sums.len())
    }

    /// Lists the terms of sums bucket by bucket, for each sum from the bucket of its digits ±1 on; returns how many are
    /// in each.
    fn schedule(&self, bench: &mut Bench, sums: &[(usize, &[Magnitude])]) -> Wiped<u32> {
        let digits = room(&mut bench.digits, sums.iter().map(|(_, scalars)| self.digits_of(scalars)).sum());
        // A bucket for digits of zero is each sum's first, and is left out in the end.
        let buckets = (1 << (self.digit_bits - 1)) + 1;
        // For each bucket where it begins, while it is filled where it ends so far.
        let mut ends = Wiped::<u32>::new(sums.len() * buckets);
        let mut next = digits.iter_mut();
        for ((_, scalars), ends) in sums.iter().zip(ends.chunks_exact_mut(buckets)) {
            for scalar in *scalars {
                for (window, cell) in (0..self.windows_of(scalar)).zip(&mut next) {
                    let digit = scalar.digit(window, self.digit_bits);
                    *cell = (digit.unsigned_abs() as u32) << 1 | u32::from(digit < 0);
                    ends[(*cell >> 1) as usize] += 1;
                }
            }
            ends[0] = 0;
        }
        let mut lengths = Wiped::new(sums.len() * (buckets - 1));
        for (lengths, ends) in lengths.chunks_exact_mut(buckets - 1).zip(ends.chunks_exact(buckets)) {
            lengths.copy_from_slice(&ends[1..]);
        }
        let mut start = 0;
        for end in ends.iter_mut() {
            (*end, start) = (start, start + *end);
        }
        let entries = room(&mut bench.entries, start as usize);
        let mut next = digits.iter();
        for ((from, scalars), ends) in sums.iter().zip(ends.chunks_exact_mut(buckets)) {
            for (index, scalar) in scalars.iter().enumerate() {
                for (window, cell) in (0..self.windows_of(scalar)).zip(&mut next) {
                    let end = &mut ends[(*cell >> 1) as usize];
                    if *cell > 1 {
                        let place = (window as usize * self.bases + from + index) as u32;
                        entries[*end as usize] = place << 1 | *cell & 1;
                        *end += 1;
                    }
                }
            }
        }
        lengths
    }

    /// How many digits a scalar has.
    #[inline(always)]
    fn windows_of(&self, scalar: &Magnitude) -> u32 {
        match scalar.bits() {
            0 => 0,
            bits => bits / self.digit_bits + 1,
        }
    }
}

/// The width of digits with the fewest additions for a sum of full scalars: one a digit and two a bucket.
fn digit_bits(bases: usize) -> u32 {
    (1..=MAX_DIGIT_BITS).min_by_key(|bits| digits(*bits) * bases + (1 << bits)).unwrap_or(1)
}

/// How many digits the largest magnitude has; one more than its bits fill, for the carry.
fn digits(digit_bits: u32) -> usize {
    (MAGNITUDE_BITS / digit_bits + 1) as usize
}

/// Below this many additions a task is not worth the buckets of its own.
const SMALLEST_TASK: usize = 4096;

#[cfg(test)]
mod tests {
    use ff::Field as _;
    use halo2curves::msm::msm_best;
    use proptest::prelude::*;

    use super::*;
    use crate::{progress::Silent, scalar};

    fn point(seed: u64) -> G1Affine {
        (G1::generator() * Fr::from(seed)).to_affine()
    }

    fn half() -> Fr {
        -Fr::from(2).invert().unwrap()
    }

    fn any_scalar() -> impl Strategy<Value = Fr> {
        prop_oneof![
            Just(Fr::ZERO),
            Just(Fr::ONE),
            Just(-Fr::ONE),
            // (r - 1)/2 and (r + 1)/2, the largest magnitudes.
            Just(half()),
            Just(half() + Fr::ONE),
            any::<i64>().prop_map(|value| scalar::from_i128(value.into())),
            any::<i128>().prop_map(scalar::from_i128),
            any::<[u64; 4]>().prop_map(Fr::from_raw),
            (0u32..254, 0u64..3).prop_map(|(bit, more)| Fr::from(2).pow([u64::from(bit)]) + Fr::from(more)),
            (0u32..254, 0u64..3).prop_map(|(bit, more)| Fr::from(more) - Fr::from(2).pow([u64::from(bit)])),
        ]
    }

    /// Few different bases, opposites among them, so that buckets collide.
    fn any_base() -> impl Strategy<Value = G1Affine> {
        prop_oneof![
            8 => any::<u64>().prop_map(point),
            4 => (1u64..4).prop_map(point),
            4 => (1u64..4).prop_map(|seed| -point(seed)),
            1 => Just(G1Affine::identity()),
        ]
    }

    fn check(bases: &[G1Affine], columns: &[Vec<Fr>]) {
        let table = Table::new(bases, &Silent);
        let columns: Vec<&[Fr]> = columns.iter().map(Vec::as_slice).collect();
        for lanes in [Lanes::One, Lanes::widest()] {
            let sums = table.sums(lanes, &columns);
            assert_eq!(sums.len(), columns.len());
            for (sum, column) in sums.iter().zip(&columns) {
                assert_eq!(*sum, msm_best(column, &bases[..column.len()]), "{lanes:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn agrees_with_halo2(
            terms in prop::collection::vec((any_base(), any_scalar(), any_scalar(), any_scalar()), 1..200),
            short in 0usize..200,
        ) {
            let bases: Vec<G1Affine> = terms.iter().map(|term| term.0).collect();
            let columns = [
                terms.iter().map(|term| term.1).collect(),
                terms.iter().map(|term| term.2).take(short).collect(),
                terms.iter().map(|term| term.3).collect(),
                vec![],
            ];
            check(&bases, &columns);
        }

        #[test]
        fn agrees_with_halo2_where_bases_repeat(
            seeds in prop::collection::vec(1u64..3, 100),
            scalars in prop::collection::vec(0u64..4, 100),
        ) {
            let bases: Vec<G1Affine> = seeds.iter().map(|seed| point(*seed)).collect();
            check(&bases, &[scalars.iter().map(|scalar| Fr::from(*scalar) - Fr::ONE).collect()]);
        }
    }

    #[test]
    fn agrees_with_halo2_on_columns_as_long_as_a_proofs() {
        let bases: Vec<G1Affine> = (0..1 << 12).map(|index| point(index * index + 77)).collect();
        let full = (0..bases.len() as u64).map(|index| Fr::from(index + 3).invert().unwrap()).collect();
        // Narrow, but for the last rows.
        let blinded = |index: u64| if index < 4090 { Fr::from(index % 50) } else { Fr::from(index).invert().unwrap() };
        let blinded = (0..bases.len() as u64).map(blinded).collect();
        check(&bases, &[full, blinded, vec![Fr::ONE; 4096]]);
    }

    #[test]
    fn tables_survive_their_points() {
        let bases: Vec<G1Affine> = (1..40).map(point).collect();
        let table = Table::new(&bases, &Silent);
        assert_eq!(table.bases(), bases);
        assert_eq!(table.points().len(), Table::points_over(bases.len()));
        let again = Table::from_points(bases.len(), table.points().iter().copied().collect()).unwrap();
        assert!(again == table);
        let secret = format!("{table:?}");
        assert!(secret.len() < 100, "{secret}");
    }

    #[test]
    fn rejects_points_that_are_no_table() {
        let mut points = Table::new(&[point(1), point(2)], &Silent).points().to_vec();
        assert!(Table::from_points(3, points.iter().copied().collect()).is_none());
        points.pop();
        assert!(Table::from_points(2, points.into_iter().collect()).is_none());
    }

    #[test]
    #[should_panic(expected = "a base for each scalar")]
    fn rejects_more_scalars_than_bases() {
        let _ = Table::new(&[point(1)], &Silent).sums(Lanes::One, &[&[Fr::ONE; 2]]);
    }

    /// As the sizes in the documentation of the prover have it: five MiB at k = 12, 64 at k = 16.
    #[test]
    fn tables_have_the_size_that_is_documented() {
        for (k, digits) in [(9, 26), (10, 24), (11, 22), (12, 20), (13, 20), (14, 17), (15, 17), (16, 16)] {
            assert_eq!(Table::points_over(1 << k), digits << k, "k = {k}");
        }
    }
}
