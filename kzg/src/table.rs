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
use halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use rayon::prelude::*;
use surety_wide::{Ifma, Lanes, Pair, Workspace, prefetch};

use crate::{
    msm::Magnitude,
    progress::{Event, Observer, Stage},
    secret::Wiped,
};

/// Bits of the largest magnitude: `(r - 1)/2` is below `2^253`.
const MAGNITUDE_BITS: u32 = 253;

/// Widest digits considered.
const MAX_DIGIT_BITS: u32 = 17;

/// A basis with the multiples of its points.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    bases: usize,
    digit_bits: u32,
    /// For each digit, a multiple of each base.
    points: Vec<G1Affine>,
    /// Whether a base is the identity, so that sums need the complete formulas from the start.
    with_identity: bool,
}

impl core::fmt::Debug for Table {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (bases, bytes) = (self.bases, size_of_val(self.points.as_slice()));
        f.debug_struct("Table").field("bases", &bases).field("bytes", &bytes).finish_non_exhaustive()
    }
}

impl Table {
    /// Computes the table of a basis: a seventh of a second for 4,096 points, a few seconds for 65,536 on two cores.
    #[must_use]
    pub fn new(bases: &[G1Affine], observer: &dyn Observer) -> Self {
        let digit_bits = digit_bits(bases.len());
        let digits = digits(digit_bits);
        let mut points = vec![G1Affine::identity(); digits * bases.len()];
        let report = |done: usize| {
            let (done, total) = (done as u64, digits as u64);
            observer.event(Event::Progress { stage: Stage::Table, done, total });
        };
        report(0);
        let mut multiples: Vec<G1> = bases.par_iter().map(|base| base.to_curve()).collect();
        for (digit, affine) in points.chunks_exact_mut(bases.len().max(1)).enumerate() {
            affine.par_chunks_mut(CHUNK).zip(multiples.par_chunks_mut(CHUNK)).for_each(|(affine, multiples)| {
                G1::batch_normalize(multiples, affine);
                for multiple in multiples {
                    *multiple = (0..digit_bits).fold(*multiple, |point, _| point.double());
                }
            });
            report(digit + 1);
        }
        Self::assemble(bases.len(), points)
    }

    /// The table that [`Table::new`] has computed before; none if the number of points is not that of a table over so
    /// many bases. Nothing else is checked: over other points, commitments are other ones.
    #[must_use]
    pub fn from_points(bases: usize, points: Vec<G1Affine>) -> Option<Self> {
        (points.len() == Self::points_over(bases)).then(|| Self::assemble(bases, points))
    }

    /// How many points the table over so many bases has.
    #[must_use]
    pub fn points_over(bases: usize) -> usize {
        digits(digit_bits(bases)) * bases
    }

    fn assemble(bases: usize, points: Vec<G1Affine>) -> Self {
        let with_identity = points.iter().any(|point| bool::from(point.is_identity()));
        Self { bases, digit_bits: digit_bits(bases), points, with_identity }
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
        let weights: Vec<usize> = magnitudes.iter().map(|column| self.digits_of(column)).collect();
        let threads = rayon::current_num_threads();
        let target = (weights.iter().sum::<usize>() / (2 * threads)).max(SMALLEST_TASK);
        let mut tasks = Vec::new();
        for (index, (column, weight)) in magnitudes.iter().zip(&weights).enumerate() {
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
        parts.par_iter_mut().zip(&tasks).with_max_len(1).for_each(|(part, (_, from, scalars))| {
            *part = self.sum(lanes, *from, scalars);
        });
        let mut sums = Wiped::new(columns.len());
        for ((index, ..), part) in tasks.iter().zip(parts.iter()) {
            sums[*index] += part;
        }
        sums
    }

    /// How many digits these scalars have, together.
    fn digits_of(&self, scalars: &[Magnitude]) -> usize {
        let digits = |scalar: &Magnitude| match scalar.bits() {
            0 => 0,
            bits => bits / self.digit_bits + 1,
        };
        scalars.iter().map(|scalar| digits(scalar) as usize).sum()
    }

    /// `Σ s_t·P_(from + t)`, on this thread.
    fn sum(&self, lanes: Lanes, from: usize, scalars: &[Magnitude]) -> G1 {
        let schedule = self.schedule(from, scalars);
        if schedule.entries.is_empty() {
            return G1::identity();
        }
        let mut adder = Adder::new(lanes, self.with_identity);
        let mut lengths = schedule.lengths();
        let mut buckets = adder.halve(&self.points, |index| schedule.entries[index], &mut lengths);
        adder.reduce(&mut buckets, &mut lengths);
        weigh(&mut adder, &lengths, &buckets)
    }

    /// The digits of scalars, sorted by their sizes.
    fn schedule(&self, from: usize, scalars: &[Magnitude]) -> Schedule {
        let mut starts = Wiped::new((1 << (self.digit_bits - 1)) + 2);
        let mut digits = Wiped::new(self.digits_of(scalars));
        let mut count = 0;
        for (index, scalar) in scalars.iter().enumerate() {
            let bits = scalar.bits();
            if bits == 0 {
                continue;
            }
            for window in 0..bits / self.digit_bits + 1 {
                let digit = scalar.digit(window, self.digit_bits);
                let size = digit.unsigned_abs() as u32;
                let place = (window as usize * self.bases + from + index) as u32;
                digits[count] = (size, place << 1 | u32::from(digit < 0));
                count += 1;
                starts[size as usize + 1] += 1;
            }
        }
        // Digits that are zero come first and are left out.
        let zeros = starts[1];
        starts[1] = 0;
        for bucket in 1..starts.len() {
            starts[bucket] += starts[bucket - 1];
        }
        let mut next = starts.clone();
        let mut entries = Wiped::new(count - zeros as usize);
        for (size, entry) in digits.iter().filter(|(size, _)| *size > 0) {
            let place = &mut next[*size as usize];
            entries[*place as usize] = *entry;
            *place += 1;
        }
        Schedule { entries, starts }
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

/// The terms of a sum in the order of their buckets.
struct Schedule {
    /// Twice the index of a table point, plus one if the point is subtracted.
    entries: Wiped<u32>,
    /// Bucket d, of the digits ±d, is at `starts[d]..starts[d + 1]`; there is no bucket 0.
    starts: Wiped<u32>,
}

impl Schedule {
    /// How many terms each bucket has, from bucket 1 on.
    fn lengths(&self) -> Wiped<u32> {
        let mut lengths = Wiped::new(self.starts.len() - 2);
        for (length, bounds) in lengths.iter_mut().zip(self.starts[1..].windows(2)) {
            *length = bounds[1] - bounds[0];
        }
        lengths
    }
}

/// Pairs that share an inversion.
const CHUNK: usize = 1024;

/// Running products that share an inversion, so that a multiplication need not wait for the one before.
const LANES: usize = 4;

/// So many pairs ahead points are asked for.
const AHEAD: usize = 16;

/// Adds pairs of points, many at a time.
struct Adder {
    pairs: Wiped<Pair>,
    count: usize,
    formula: Formula,
    /// Whether the identity, which is (0, 0), has been seen: the short formula takes it for a point.
    careful: bool,
}

/// How the short formula is computed.
enum Formula {
    /// Pair by pair; the product of the denominators before each in its lane.
    One(Wiped<Fq>),
    Eight(Ifma, Workspace),
}

impl Adder {
    fn new(lanes: Lanes, careful: bool) -> Self {
        let formula = match lanes {
            Lanes::One => Formula::One(Wiped::new(CHUNK)),
            Lanes::Eight(ifma) => Formula::Eight(ifma, ifma.workspace(CHUNK)),
        };
        Self { pairs: Wiped::new(CHUNK), count: 0, formula, careful }
    }

    /// Puts the sum of two points into its place, now or at the next [`Self::flush`].
    #[inline]
    fn push(&mut self, pair: Pair, source: &[G1Affine], sums: &mut [G1Affine]) {
        self.pairs[self.count] = pair;
        self.count += 1;
        if self.count == CHUNK {
            self.flush(source, sums);
        }
    }

    fn flush(&mut self, source: &[G1Affine], sums: &mut [G1Affine]) {
        if self.careful || !self.add(source, sums) {
            self.add_with_care(source, sums);
        }
        self.count = 0;
    }

    /// Adds pairs of points of which none is the identity. Does nothing and says so if a pair has one x-coordinate.
    fn add(&mut self, source: &[G1Affine], sums: &mut [G1Affine]) -> bool {
        let pairs = &self.pairs[..self.count];
        let products = match &mut self.formula {
            Formula::One(products) => products,
            Formula::Eight(ifma, workspace) => return ifma.add_pairs(pairs, source, sums, workspace),
        };
        let mut running = [Fq::one(); LANES];
        for (index, (pair, product)) in pairs.iter().zip(products.iter_mut()).enumerate() {
            if let Some(ahead) = pairs.get(index + AHEAD) {
                prefetch(&source[(ahead.left >> 1) as usize]);
                prefetch(&source[(ahead.right >> 1) as usize]);
            }
            *product = running[index % LANES];
            running[index % LANES] *= source[(pair.right >> 1) as usize].x - source[(pair.left >> 1) as usize].x;
        }
        let Some(mut running) = inverses(running) else { return false };
        for (index, pair) in pairs.iter().enumerate().rev() {
            let (p, q) = (signed(source, pair.left), signed(source, pair.right));
            let inverse = running[index % LANES] * products[index];
            running[index % LANES] *= q.x - p.x;
            sums[pair.place as usize] = third(&p, q.x, (q.y - p.y) * inverse);
        }
        true
    }

    /// Adds pairs of any points. Slower, and hardly ever used: only bases that are related, or identities, lead here.
    fn add_with_care(&mut self, source: &[G1Affine], sums: &mut [G1Affine]) {
        for pair in &self.pairs[..self.count] {
            let (p, q) = (signed(source, pair.left), signed(source, pair.right));
            let (rise, run) = match p == q {
                // The curve is y² = x³ + 3.
                true => (p.x.square() * Fq::from(3), p.y.double()),
                false => (q.y - p.y, q.x - p.x),
            };
            let inverse: Option<Fq> = run.invert().into();
            let sum = match inverse {
                _ if is_identity(&p) => q,
                _ if is_identity(&q) => p,
                Some(inverse) => third(&p, q.x, rise * inverse),
                // Opposite points; no point of the curve is its own opposite.
                None => G1Affine::identity(),
            };
            sums[pair.place as usize] = sum;
            self.careful |= is_identity(&sum);
        }
    }

    /// Sums the neighbours of each group pairwise. `term` gives a point of the source, see [`signed`]; `lengths` are
    /// those of the groups, before and after.
    fn halve(&mut self, source: &[G1Affine], term: impl Fn(usize) -> u32, lengths: &mut [u32]) -> Wiped<G1Affine> {
        let mut sums = Wiped::new(lengths.iter().map(|length| length.div_ceil(2) as usize).sum());
        let (mut read, mut write) = (0, 0);
        for length in lengths {
            for place in 0..*length / 2 {
                let left = read + 2 * place as usize;
                let pair = Pair { left: term(left), right: term(left + 1), place: write + place };
                self.push(pair, source, &mut sums);
            }
            read += *length as usize;
            write += *length / 2;
            if !length.is_multiple_of(2) {
                sums[write as usize] = signed(source, term(read - 1));
                write += 1;
            }
            *length = length.div_ceil(2);
        }
        self.flush(source, &mut sums);
        sums
    }

    /// Sums each group; `lengths` become one or zero.
    fn reduce(&mut self, points: &mut Wiped<G1Affine>, lengths: &mut [u32]) {
        while lengths.iter().any(|length| *length > 1) {
            *points = self.halve(points, |index| (index as u32) << 1, lengths);
        }
    }
}

/// The point whose place is half the number, subtracted if the number is odd.
#[inline(always)]
fn signed(source: &[G1Affine], term: u32) -> G1Affine {
    let G1Affine { x, y } = source[(term >> 1) as usize];
    G1Affine { x, y: if term & 1 == 1 { -y } else { y } }
}

fn is_identity(point: &G1Affine) -> bool {
    bool::from(point.is_identity())
}

/// The inverses of each of some numbers with one inversion; none if one of them is zero.
fn inverses(numbers: [Fq; LANES]) -> Option<[Fq; LANES]> {
    let [a, b, c, d] = numbers;
    let (ab, cd) = (a * b, c * d);
    let inverse: Fq = Option::from((ab * cd).invert())?;
    let (of_ab, of_cd) = (inverse * cd, inverse * ab);
    Some([of_ab * b, of_ab * a, of_cd * d, of_cd * c])
}

/// The sum of `p` and a point with this x, given the slope of the line through both.
#[inline(always)]
fn third(p: &G1Affine, x: Fq, slope: Fq) -> G1Affine {
    let sum = slope.square() - p.x - x;
    G1Affine { x: sum, y: slope * (p.x - sum) - p.y }
}

/// Buckets up to this many are weighed one after the other.
const FEW: usize = 64;

/// `Σ (i + 1)·B_i` over buckets, of which only those of length one are in `points`.
///
/// The buckets are a square: with `i = high·side + low`, the sum is `side·Σ high·(row) + Σ (low + 1)·(column)`, and
/// rows and columns are summed in batches.
fn weigh(adder: &mut Adder, lengths: &[u32], points: &Wiped<G1Affine>) -> G1 {
    if lengths.len() <= FEW {
        return weigh_few(lengths, points, 1);
    }
    let log_side = lengths.len().ilog2() / 2;
    let side = 1 << log_side;
    let mut row_lengths = Wiped::new(lengths.len().div_ceil(side));
    let mut column_lengths = Wiped::new(side);
    for (index, length) in lengths.iter().enumerate() {
        row_lengths[index / side] += *length;
        column_lengths[index % side] += *length;
    }
    // The points of a column, from those of rows.
    let mut next = Wiped::<u32>::new(side);
    for low in 1..side {
        next[low] = next[low - 1] + column_lengths[low - 1];
    }
    let mut by_columns = Wiped::new(points.len());
    let occupied = lengths.iter().enumerate().filter(|(_, length)| **length > 0);
    for ((index, _), point) in occupied.zip(points.iter()) {
        let place = &mut next[index % side];
        by_columns[*place as usize] = *point;
        *place += 1;
    }
    let mut by_rows = points.clone();
    adder.reduce(&mut by_rows, &mut row_lengths);
    adder.reduce(&mut by_columns, &mut column_lengths);
    let high = weigh_few(&row_lengths, &by_rows, 0);
    let high = (0..log_side).fold(high, |sum, _| sum.double());
    high + weigh_few(&column_lengths, &by_columns, 1)
}

/// `Σ (i + first)·B_i`, for `first` zero or one.
fn weigh_few(lengths: &[u32], points: &[G1Affine], first: usize) -> G1 {
    let (mut running, mut sum) = (G1::identity(), G1::identity());
    let mut points = points.iter().rev();
    // Behind the last occupied bucket there is nothing to add.
    let occupied = lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1);
    for (index, length) in lengths[..occupied].iter().enumerate().rev() {
        if *length > 0 {
            running = points.next().map_or(running, |point| running + point);
        }
        if index + first > 0 {
            sum += running;
        }
    }
    sum
}

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

    /// An adder that has been given pairs of points, and where their sums go.
    fn adder(lanes: Lanes, points: &[G1Affine]) -> (Adder, Vec<G1Affine>) {
        let mut adder = Adder::new(lanes, false);
        let mut sums = vec![G1Affine::identity(); points.len() / 2];
        for place in 0..sums.len() as u32 {
            adder.push(Pair { left: 4 * place, right: 4 * place + 2, place }, points, &mut sums);
        }
        (adder, sums)
    }

    fn expected(points: &[G1Affine]) -> Vec<G1Affine> {
        points.chunks_exact(2).map(|pair| (pair[0] + pair[1]).to_affine()).collect()
    }

    #[test]
    fn rejects_equal_and_opposite_points_in_the_short_formula() {
        let [a, b, c] = [2, 3, 5].map(point);
        let good = vec![a, b, b, c, -a, c, c, a, b, -a];
        for lanes in [Lanes::One, Lanes::widest()] {
            for bad in [[a, a], [b, -b]] {
                for place in (0..=good.len()).step_by(2) {
                    let mut points = good.clone();
                    points.splice(place..place, bad);
                    let (mut adder, mut sums) = adder(lanes, &points);
                    assert!(!adder.add(&points, &mut sums), "a pair at {place}");
                    assert!(sums.iter().all(is_identity), "nothing is written");
                    adder.flush(&points, &mut sums);
                    assert_eq!(sums, expected(&points));
                }
            }
            let (mut adder, mut sums) = adder(lanes, &good);
            assert!(adder.add(&good, &mut sums));
            assert_eq!(sums, expected(&good));
        }
    }

    #[test]
    fn an_identity_makes_the_adder_careful() {
        let [a, b] = [2, 3].map(point);
        let identity = G1Affine::identity();
        for lanes in [Lanes::One, Lanes::widest()] {
            let (mut adder, mut sums) = adder(lanes, &[a, -a]);
            adder.flush(&[a, -a], &mut sums);
            assert!(is_identity(&sums[0]) && adder.careful);
            // The short formula would take (0, 0) for a point.
            for points in [[identity, b], [b, identity], [identity, identity]] {
                adder.push(Pair { left: 0, right: 2, place: 0 }, &points, &mut sums);
                adder.flush(&points, &mut sums);
                assert_eq!(sums, expected(&points));
            }
        }
    }

    #[test]
    fn buckets_are_weighed_by_their_places() {
        for count in [1, 2, 64, 65, 128, 1024] {
            let lengths: Vec<u32> = (0..count).map(|index| u32::from(index % 3 != 1)).collect();
            let occupied = (0..count as u64).filter(|index| index % 3 != 1);
            let mut points = Wiped::new(occupied.clone().count());
            points.iter_mut().zip(occupied.clone()).for_each(|(p, index)| *p = point(index * 7 + 2));
            let expected: u64 = occupied.map(|index| (index + 1) * (index * 7 + 2)).sum();
            let sum = weigh(&mut Adder::new(Lanes::widest(), false), &lengths, &points);
            assert_eq!(sum, G1::generator() * Fr::from(expected), "{count} buckets");
        }
    }

    #[test]
    fn tables_survive_their_points() {
        let bases: Vec<G1Affine> = (1..40).map(point).collect();
        let table = Table::new(&bases, &Silent);
        assert_eq!(table.bases(), bases);
        assert_eq!(table.points().len(), Table::points_over(bases.len()));
        let again = Table::from_points(bases.len(), table.points().to_vec()).unwrap();
        assert!(again == table);
        let secret = format!("{table:?}");
        assert!(secret.len() < 100, "{secret}");
    }

    #[test]
    fn rejects_points_that_are_no_table() {
        let mut points = Table::new(&[point(1), point(2)], &Silent).points().to_vec();
        assert!(Table::from_points(3, points.clone()).is_none());
        points.pop();
        assert!(Table::from_points(2, points).is_none());
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
