//! Sums of many pairs of points, and doubles of many points, eight at a time and with one inversion for all.
//!
//! Coordinates stay in the form that they have in memory, Montgomery's with `R = 2^256`. To products with `R = 2^260`
//! they look like sixteenths of themselves. The sum of points `(x/16, y/16)` comes out in the same form if the slope is
//! taken a quarter as steep: with `s = (y₂ - y₁)/(4·(x₂ - x₁))`,
//!
//! `x₃/16 = s² - x₁/16 - x₂/16` and `y₃/16 = s·4·(x₁/16 - x₃/16) - y₁/16`.
//!
//! The quarter goes into the inverses of the denominators at no cost. A point is doubled likewise, along the tangent
//! with `s = 3·x²/(8·y)`, which is `6·(x/16)²/(y/16)`.

#![allow(unsafe_code, reason = "the instructions are there where there is an `Ifma`")]

use ff::Field as _;
use halo2curves::bn256::{Fq, G1Affine};

use crate::{Ifma, Pair, eight::Eight, memory, wiped::Wiped};

/// So many groups of eight pairs are asked for ahead.
const AHEAD: usize = 3;

/// What sums of up to a fixed number of pairs are computed in.
pub struct Workspace(Wiped<Group>);

/// Eight pairs.
#[derive(Clone, Copy, Default)]
struct Group {
    /// The product of the denominators of the groups before.
    product: Eight<Fq, 2>,
    /// The left point.
    x: Eight<Fq, 1>,
    y: Eight<Fq, 1>,
    /// `x₁ + x₂`
    both: Eight<Fq, 2>,
    /// `x₂ - x₁`, the denominator of the slope.
    run: Eight<Fq, 2>,
    /// `y₂ - y₁`
    rise: Eight<Fq, 2>,
}

impl Ifma {
    /// Room for sums of so many pairs.
    #[must_use]
    pub fn workspace(self, pairs: usize) -> Workspace {
        Workspace(Wiped::new(pairs.div_ceil(8)))
    }

    /// Adds pairs of points, of which none is the identity. Writes nothing and gives false if two points of a pair have
    /// one x-coordinate.
    ///
    /// # Panics
    /// If a place is behind the end, or there is no room for so many pairs.
    #[must_use]
    pub fn add_pairs(
        self,
        pairs: &[Pair],
        source: &[G1Affine],
        sums: &mut [G1Affine],
        workspace: &mut Workspace,
    ) -> bool {
        // SAFETY: the processor has the instructions, as `self` proves.
        unsafe { add_pairs(pairs, source, sums, &mut workspace.0) }
    }

    /// Doubles points. The identity, which is (0, 0), stays what it is.
    ///
    /// # Panics
    /// If there is no room for so many points.
    pub fn double_points(self, points: &mut [G1Affine], workspace: &mut Workspace) {
        // SAFETY: the processor has the instructions, as `self` proves.
        unsafe { double_points(points, &mut workspace.0) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn add_pairs(pairs: &[Pair], source: &[G1Affine], sums: &mut [G1Affine], groups: &mut [Group]) -> bool {
    let groups = &mut groups[..pairs.len().div_ceil(8)];
    let mut running = one();
    for (index, group) in groups.iter_mut().enumerate() {
        if let Some(ahead) = pairs.get(8 * (index + AHEAD)..8 * (index + AHEAD + 1)) {
            for pair in ahead {
                memory::prefetch(&source[(pair.left >> 1) as usize]);
                memory::prefetch(&source[(pair.right >> 1) as usize]);
            }
        }
        let pairs = filled(pairs, index);
        let (x, y) = signed(source, pairs.map(|pair| pair.left));
        let (other_x, other_y) = signed(source, pairs.map(|pair| pair.right));
        let (both, run, rise) = (x.plus(other_x), other_x.minus(x), other_y.minus(y));
        *group = Group { product: running, x, y, both, run, rise };
        running = running.scaled(group.run);
    }
    // A number of the form of products, taken for one of the form of memory, is sixteen times what it stands for. Its
    // inverse is a sixteenth, as a number in the form of products a 256th, of what it should be: here a quarter.
    let Some(mut running) = inverses(running, 256 / 4) else { return false };
    for (index, group) in groups.iter().enumerate().rev() {
        let Group { product, x, y, both, run, rise } = *group;
        let slope = rise.scaled(running.scaled(product));
        running = running.scaled(run);
        for (pair, point) in pairs[8 * index..].iter().zip(third(slope, x, y, both)) {
            sums[pair.place as usize] = point;
        }
    }
    true
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn double_points(points: &mut [G1Affine], groups: &mut [Group]) {
    let groups = &mut groups[..points.len().div_ceil(8)];
    let mut running = one();
    for (eight, group) in points.chunks(8).zip(groups.iter_mut()) {
        let (x, y) =
            memory::load_points(core::array::from_fn(|index| &eight[if index < eight.len() { index } else { 0 }]));
        // Of (0, 0) the tangent is level then, and leads back to it.
        let run = y.nonzero().loosened();
        *group = Group { product: running, x, y, both: x.plus(x), run, rise: Eight::default() };
        running = running.scaled(run);
    }
    // No denominator is zero. What is asked for is twice the inverse.
    let Some(mut running) = inverses(running, 256 * 2) else { return };
    for (eight, group) in points.chunks_mut(8).zip(groups.iter()).rev() {
        let Group { product, x, y, both, run, .. } = *group;
        let square = x.scaled(x);
        let rise: Eight<Fq, 6> = square.plus::<2, 4>(square).plus(square);
        let slope = rise.scaled(running.scaled(product));
        running = running.scaled(run);
        for (point, double) in eight.iter_mut().zip(third(slope, x, y, both)) {
            *point = double;
        }
    }
}

/// One, in the form of products.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn one() -> Eight<Fq, 2> {
    memory::load(&[Fq::from(16); 8]).loosened()
}

/// The third points on lines through (x, y), mirrored; `both` is the sum of the x of the two that define a line.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn third(slope: Eight<Fq, 2>, x: Eight<Fq, 1>, y: Eight<Fq, 1>, both: Eight<Fq, 2>) -> [G1Affine; 8] {
    let sum_x = slope.scaled(slope).minus::<2, 4>(both);
    let sum_x: Eight<Fq, 1> = sum_x.reduced::<2>().reduced();
    let sum_y = slope.scaled(x.minus::<1, 2>(sum_x).shifted::<2, 8>()).minus::<1, 3>(y);
    memory::points(sum_x, sum_y.reduced::<2>().reduced())
}

/// The pairs of a group; where there are none left, the first of it again.
#[inline(always)]
fn filled(pairs: &[Pair], group: usize) -> [Pair; 8] {
    let pairs = &pairs[8 * group..];
    match pairs.first_chunk() {
        Some(pairs) => *pairs,
        None => core::array::from_fn(|index| pairs[if index < pairs.len() { index } else { 0 }]),
    }
}

/// The points at these places, those with an odd number negated.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn signed(source: &[G1Affine], places: [u32; 8]) -> (Eight<Fq, 1>, Eight<Fq, 1>) {
    let (x, y) = memory::load_points(places.map(|place| &source[(place >> 1) as usize]));
    let signs = places.iter().rev().fold(0, |signs, place| signs << 1 | (place & 1) as u8);
    // No point of the curve has y = 0, so that the negative is below the modulus.
    (x, y.negated_where(signs))
}

/// The inverse of each number, in the form of products, times `factor/256`, if none is zero.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverses(numbers: Eight<Fq, 2>, factor: u64) -> Option<Eight<Fq, 2>> {
    let mut lanes = Wiped::<Fq>::new(16);
    let (numbers_in, inverses) = lanes.split_at_mut(8);
    memory::store_reduced(numbers, memory::eight_mut(numbers_in));
    let mut product = Fq::ONE;
    for (number, before) in numbers_in.iter().zip(inverses.iter_mut()) {
        *before = product;
        product *= number;
    }
    let mut running = Option::<Fq>::from(product.invert())? * Fq::from(factor);
    for (number, inverse) in numbers_in.iter().zip(inverses.iter_mut()).rev() {
        *inverse *= running;
        running *= number;
    }
    Some(memory::load(memory::eight(inverses)).loosened())
}

#[cfg(test)]
mod tests {
    use group::Curve as _;
    use halo2curves::bn256::{Fr, G1};

    use super::*;
    use crate::tests::detected;

    fn point(seed: u64) -> G1Affine {
        (G1::generator() * Fr::from(seed)).to_affine()
    }

    fn nothing(count: usize) -> Vec<G1Affine> {
        vec![G1Affine::default(); count]
    }

    #[test]
    fn sums_are_those_of_the_points() {
        let Some(ifma) = detected() else { return };
        let source: Vec<G1Affine> = (1..80).map(|index| point(index * index)).collect();
        for count in [0, 1, 7, 8, 9, 64, 77] {
            let pair = |index: u32| Pair { left: 2 * index, right: 157 - 2 * index, place: count - 1 - index };
            let pairs: Vec<Pair> = (0..count.min(39)).map(pair).collect();
            let mut sums = nothing(count as usize);
            assert!(ifma.add_pairs(&pairs, &source, &mut sums, &mut ifma.workspace(80)));
            let mut expected = nothing(count as usize);
            for pair in &pairs {
                let [left, right] = [pair.left, pair.right].map(|place| {
                    let point = source[(place >> 1) as usize];
                    if place & 1 == 1 { -point } else { point }
                });
                expected[pair.place as usize] = (left + right).to_affine();
            }
            assert_eq!(sums, expected, "{count} pairs");
        }
    }

    #[test]
    fn doubles_are_those_of_the_points() {
        let Some(ifma) = detected() else { return };
        for count in [0, 1, 7, 8, 9, 64, 77] {
            let mut points: Vec<G1Affine> = (1..=count).map(|index| point(index * index)).collect();
            let mut expected: Vec<G1Affine> = points.iter().map(|point| (point + point).to_affine()).collect();
            ifma.double_points(&mut points, &mut ifma.workspace(80));
            assert_eq!(points, expected, "{count} points");
            for index in (0..points.len()).step_by(3) {
                points[index] = G1Affine::default();
            }
            expected = points.iter().map(|point| (point + point).to_affine()).collect();
            ifma.double_points(&mut points, &mut ifma.workspace(80));
            assert_eq!(points, expected, "{count} points with identities");
        }
    }

    /// The short formula divides by zero, for equal points and for opposite ones.
    #[test]
    fn rejects_pairs_with_one_x_coordinate_wherever_they_are() {
        let Some(ifma) = detected() else { return };
        let source: Vec<G1Affine> = (1..40).map(point).collect();
        let good: Vec<Pair> =
            (0..19).map(|index| Pair { left: 4 * index, right: 4 * index + 2, place: index }).collect();
        for place in [0, 7, 8, 18] {
            for right in [good[place].left, good[place].left | 1] {
                let mut pairs = good.clone();
                pairs[place].right = right;
                let mut sums = nothing(19);
                assert!(!ifma.add_pairs(&pairs, &source, &mut sums, &mut ifma.workspace(19)), "a pair at {place}");
                assert_eq!(sums, nothing(19), "nothing is written");
            }
        }
        assert!(ifma.add_pairs(&good, &source, &mut nothing(19), &mut ifma.workspace(19)));
    }

    #[test]
    #[should_panic(expected = "out of bounds")]
    fn rejects_places_behind_the_end() {
        let Some(ifma) = Ifma::detect() else { panic!("out of bounds, if there were the instructions") };
        let pairs = [Pair { left: 0, right: 4, place: 0 }];
        let _ = ifma.add_pairs(&pairs, &[point(1), point(2)], &mut nothing(1), &mut ifma.workspace(1));
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn rejects_more_pairs_than_there_is_room_for() {
        let Some(ifma) = Ifma::detect() else { panic!("out of range, if there were the instructions") };
        let pairs = [Pair { left: 0, right: 2, place: 0 }; 9];
        let _ = ifma.add_pairs(&pairs, &[point(1), point(2)], &mut nothing(1), &mut ifma.workspace(8));
    }
}
