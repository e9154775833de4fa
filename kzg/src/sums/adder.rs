//! Sums of pairs of points, and doubles of points, many at a time.

use ff::BatchInverter;
use group::prime::PrimeCurveAffine as _;
use halo2curves::bn256::{Fq, G1Affine};
use surety_wide::{Ifma, Lanes, Pair, Workspace, prefetch};

use crate::{secret::Wiped, sums::bench::room};

/// Pairs that share an inversion.
const CHUNK: usize = 1024;

/// Running products that share an inversion, so that a multiplication need not wait for the one before.
const LANES: usize = 4;

/// So many pairs ahead points are asked for.
const AHEAD: usize = 16;

/// Adds pairs of points, many at a time.
pub(crate) struct Adder {
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
    /// `careful` if there may be identities among the points.
    pub(crate) fn new(lanes: Lanes, careful: bool) -> Self {
        let formula = match lanes {
            Lanes::One => Formula::One(Wiped::new(CHUNK)),
            Lanes::Eight(ifma) => Formula::Eight(ifma, ifma.workspace(CHUNK)),
        };
        Self { pairs: Wiped::new(CHUNK), count: 0, formula, careful }
    }

    /// Puts the sum of two points into its place, now or at the next [`Self::flush`].
    #[inline]
    pub(crate) fn push(&mut self, pair: Pair, source: &[G1Affine], sums: &mut [G1Affine]) {
        self.pairs[self.count] = pair;
        self.count += 1;
        if self.count == CHUNK {
            self.flush(source, sums);
        }
    }

    /// Puts the last sums into their places.
    pub(crate) fn flush(&mut self, source: &[G1Affine], sums: &mut [G1Affine]) {
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

    /// Adds pairs of any points. Hardly ever used: only points that are related, or identities, lead here.
    fn add_with_care(&mut self, source: &[G1Affine], sums: &mut [G1Affine]) {
        let pairs = &self.pairs[..self.count];
        let mut inverses = Wiped::new(pairs.len());
        for (run, pair) in inverses.iter_mut().zip(pairs) {
            (_, *run) = slope(&signed(source, pair.left), &signed(source, pair.right));
        }
        // Zeros stay what they are.
        BatchInverter::invert_with_external_scratch(&mut inverses, &mut Wiped::new(pairs.len()));
        for (pair, inverse) in pairs.iter().zip(inverses.iter()) {
            let (p, q) = (signed(source, pair.left), signed(source, pair.right));
            let (rise, run) = slope(&p, &q);
            let sum = match (is_identity(&p), is_identity(&q)) {
                (true, _) => q,
                (_, true) => p,
                // Opposite points; no point of the curve is its own opposite.
                _ if run == Fq::zero() => G1Affine::identity(),
                _ => third(&p, q.x, rise * inverse),
            };
            sums[pair.place as usize] = sum;
            self.careful |= is_identity(&sum);
        }
    }

    /// Doubles points; identities are welcome.
    pub(crate) fn double(&mut self, points: &mut [G1Affine]) {
        for points in points.chunks_mut(CHUNK) {
            match &mut self.formula {
                Formula::One(products) => double(points, products),
                Formula::Eight(ifma, workspace) => ifma.double_points(points, workspace),
            }
        }
    }

    /// Sums the neighbours of each group pairwise, and says how many sums there are. `term` gives a point of the
    /// source, see [`signed`]; `lengths` are those of the groups, before and after.
    pub(super) fn halve(
        &mut self,
        source: &[G1Affine],
        term: impl Fn(usize) -> u32,
        lengths: &mut [u32],
        sums: &mut Wiped<G1Affine>,
    ) -> usize {
        let sums = room(sums, lengths.iter().map(|length| length.div_ceil(2) as usize).sum());
        let (mut read, mut write) = (0, 0);
        for length in lengths {
            for place in 0..*length / 2 {
                let left = read + 2 * place as usize;
                let pair = Pair { left: term(left), right: term(left + 1), place: write + place };
                self.push(pair, source, sums);
            }
            read += *length as usize;
            write += *length / 2;
            if !length.is_multiple_of(2) {
                sums[write as usize] = signed(source, term(read - 1));
                write += 1;
            }
            *length = length.div_ceil(2);
        }
        self.flush(source, sums);
        sums.len()
    }
}

/// Doubles points; `products` has room for one of each.
fn double(points: &mut [G1Affine], products: &mut [Fq]) {
    let run = |point: &G1Affine| match is_identity(point) {
        // The tangent of (0, 0) is level then, and leads back to it.
        true => Fq::one(),
        // No point of the curve has y = 0.
        false => point.y.double(),
    };
    let mut running = [Fq::one(); LANES];
    for (index, (point, product)) in points.iter().zip(products.iter_mut()).enumerate() {
        *product = running[index % LANES];
        running[index % LANES] *= run(point);
    }
    let Some(mut running) = inverses(running) else { return };
    for (index, point) in points.iter_mut().enumerate().rev() {
        let inverse = running[index % LANES] * products[index];
        running[index % LANES] *= run(point);
        let square = point.x.square();
        *point = third(point, point.x, (square.double() + square) * inverse);
    }
}

/// The point whose place is half the number, subtracted if the number is odd.
#[inline(always)]
fn signed(source: &[G1Affine], term: u32) -> G1Affine {
    let G1Affine { x, y } = source[(term >> 1) as usize];
    G1Affine { x, y: if term & 1 == 1 { -y } else { y } }
}

/// The slope of the line through two points, as a fraction; of the tangent where they are one.
fn slope(p: &G1Affine, q: &G1Affine) -> (Fq, Fq) {
    match p == q {
        // The curve is y² = x³ + 3.
        true => (p.x.square() * Fq::from(3), p.y.double()),
        false => (q.y - p.y, q.x - p.x),
    }
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

#[cfg(test)]
mod tests {
    use group::Curve as _;
    use halo2curves::bn256::{Fr, G1};

    use super::*;

    fn point(seed: u64) -> G1Affine {
        (G1::generator() * Fr::from(seed)).to_affine()
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
    fn doubles_are_those_of_the_points() {
        for lanes in [Lanes::One, Lanes::widest()] {
            for count in [0, 1, 5, CHUNK as u64 + 3] {
                let mut points: Vec<G1Affine> = (1..=count).map(point).collect();
                points.iter_mut().step_by(3).skip(1).for_each(|point| *point = G1Affine::identity());
                let expected: Vec<G1Affine> = points.iter().map(|point| (point + point).to_affine()).collect();
                Adder::new(lanes, false).double(&mut points);
                assert_eq!(points, expected, "{count} points");
            }
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
}
