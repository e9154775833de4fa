//! The Fourier transform of points, in affine coordinates and in step.
//!
//! Decimation in frequency with the same movements in each layer (Pease, *An adaptation of the fast Fourier transform
//! for parallel processing*, Journal of the ACM, 1968): what is `half` apart is joined and becomes neighbours. Tasks
//! therefore write consecutive memory. The result is in bit-reversed order.
//!
//! The items of a transform may be several points wide: so many transforms at a time.

use halo2curves::bn256::{Fr, G1Affine};
use rayon::prelude::*;
use surety_wide::{Lanes, Pair, Wiped};

use crate::{
    cell::steps::{STEP, Steps, is_identity},
    fft::powers_of,
    glv::{Multiplier, Splitter},
};

/// Fewer points than this are not worth a task.
const SMALLEST_TASK: usize = 64;

/// A transform of `2^log_size` items.
pub(super) struct PointTransform {
    log_size: u32,
    twiddles: Vec<Multiplier>,
}

impl PointTransform {
    /// `X_κ = Σ_v root^(κv)·x_v`, for a root of unity of order `2^log_size`.
    pub(super) fn new(root: Fr, log_size: u32) -> Self {
        let splitter = Splitter::new();
        let twiddles = powers_of(root, 1 << log_size >> 1);
        Self { log_size, twiddles: twiddles.par_iter().map(|twiddle| splitter.multiplier(twiddle)).collect() }
    }

    /// How many items there are.
    pub(super) fn size(&self) -> usize {
        1 << self.log_size
    }

    /// Where the result has the item κ.
    pub(super) fn place(&self, index: usize) -> usize {
        index.checked_shl(usize::BITS - self.log_size).unwrap_or(0).reverse_bits()
    }

    /// Transforms items of so many points each; `layer_done` is told how many layers are done.
    pub(super) fn run(&self, lanes: Lanes, points: &mut Wiped<G1Affine>, width: usize, layer_done: impl Fn(u32)) {
        let mut joined = Wiped::new(self.size() * width);
        // A task joins so many pairs of items.
        let share = (joined.len() / 2).div_ceil(rayon::current_num_threads()).clamp(SMALLEST_TASK, STEP);
        let items = share.div_ceil(width.max(1));
        for layer in 0..self.log_size {
            joined.par_chunks_mut(2 * items * width).enumerate().for_each(|(task, joined)| {
                self.join(lanes, points, width, (layer, task * items), joined);
            });
            core::mem::swap(points, &mut joined);
            layer_done(layer + 1);
        }
    }

    /// Joins pairs of items from the first on, as many as there is room for.
    fn join(
        &self,
        lanes: Lanes,
        points: &[G1Affine],
        width: usize,
        (layer, first): (u32, usize),
        joined: &mut [G1Affine],
    ) {
        let mut steps = Steps::new(lanes);
        let half = points.len() / 2;
        let pairs = joined.len() / (2 * width);
        for (pair, point) in (0..pairs).flat_map(|pair| (0..width).map(move |point| (pair, point))) {
            let left = (first + pair) * width + point;
            let (sum, difference) = (2 * pair * width + point, (2 * pair + 1) * width + point);
            let (p, q) = (points[left], points[left + half]);
            if is_identity(&p) || is_identity(&q) {
                (joined[sum], joined[difference]) = if is_identity(&p) { (q, -q) } else { (p, p) };
                continue;
            }
            let (left, right) = ((left as u32) << 1, ((left + half) as u32) << 1);
            steps.adder().push(Pair { left, right, place: sum as u32 }, points, joined);
            steps.adder().push(Pair { left, right: right | 1, place: difference as u32 }, points, joined);
        }
        steps.adder().flush(points, joined);
        // The difference of the pair f is multiplied by the power of the root whose exponent is f, but for the bits
        // that former layers have dealt with.
        let exponent = |pair: usize| (first + pair) >> layer << layer;
        let turning: Vec<usize> = (0..pairs).filter(|pair| exponent(*pair) != 0).collect();
        let mut differences = Wiped::new(turning.len() * width);
        let places = |pair: &usize| (2 * pair + 1) * width..(2 * pair + 2) * width;
        for (pair, difference) in turning.iter().zip(differences.chunks_exact_mut(width)) {
            difference.copy_from_slice(&joined[places(pair)]);
        }
        steps.multiply(&mut differences, |index| &self.twiddles[exponent(turning[index / width])]);
        for (pair, difference) in turning.iter().zip(differences.chunks_exact(width)) {
            joined[places(pair)].copy_from_slice(difference);
        }
    }
}

#[cfg(test)]
mod tests {
    use ff::Field as _;
    use group::Curve as _;
    use halo2curves::bn256::G1;
    use proptest::prelude::*;

    use super::*;
    use crate::{fft::root_of_unity, scalar};

    fn check(log_size: u32, width: usize, logarithms: &[Fr]) {
        let root = root_of_unity(log_size);
        let transform = PointTransform::new(root, log_size);
        let point = |logarithm: &Fr| (G1::generator() * logarithm).to_affine();
        for lanes in [Lanes::One, Lanes::widest()] {
            let mut points = Wiped::new(logarithms.len());
            points.iter_mut().zip(logarithms).for_each(|(p, logarithm)| *p = point(logarithm));
            transform.run(lanes, &mut points, width, |_| {});
            for (index, place) in (0..transform.size()).flat_map(|index| (0..width).map(move |place| (index, place))) {
                let at = root.pow([index as u64]);
                let items = logarithms.iter().skip(place).step_by(width);
                let expected: Fr = items.rev().fold(Fr::ZERO, |sum, item| sum * at + item);
                assert_eq!(points[transform.place(index) * width + place], point(&expected), "{index}, {place}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        // Many points are equal, opposite, or the identity.
        #[test]
        fn agrees_with_the_sums_of_powers(
            log_size in 0u32..7,
            width in 1usize..4,
            small in prop::collection::vec(-2i128..3, 3 << 6),
        ) {
            let logarithms: Vec<Fr> = small.into_iter().map(scalar::from_i128).collect();
            check(log_size, width, &logarithms[..width << log_size]);
        }
    }

    #[test]
    fn different_points_are_transformed() {
        for (log_size, width) in [(8, 1), (3, 70), (6, 5)] {
            check(log_size, width, &(1..=(width << log_size) as u64).map(|i| Fr::from(i * i)).collect::<Vec<_>>());
        }
    }
}
