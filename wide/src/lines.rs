//! Points that each begin where a line of the cache does.

#![allow(unsafe_code, reason = "a slice of lines is one of points")]

use core::ops::Deref;

use halo2curves::bn256::G1Affine;

/// Points that are read in no order: each is in one line of the cache, where a vector's are in two.
#[derive(Clone, PartialEq, Eq)]
pub struct Lines(Box<[Line]>);

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
struct Line(G1Affine);

const _: () = assert!(size_of::<Line>() == size_of::<G1Affine>(), "a point fills a line");

impl FromIterator<G1Affine> for Lines {
    fn from_iter<I: IntoIterator<Item = G1Affine>>(points: I) -> Self {
        Self(points.into_iter().map(Line).collect())
    }
}

impl Deref for Lines {
    type Target = [G1Affine];

    fn deref(&self) -> &[G1Affine] {
        // SAFETY: a line is a point and nothing else, as their sizes say.
        unsafe { core::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len()) }
    }
}

#[cfg(test)]
mod tests {
    use group::prime::PrimeCurveAffine as _;

    use super::*;

    #[test]
    fn points_are_in_a_line_each() {
        let points: Vec<G1Affine> = [G1Affine::generator(), G1Affine::identity(), -G1Affine::generator()].into();
        let lines: Lines = points.iter().copied().collect();
        assert_eq!(*lines, *points);
        assert!(lines.iter().all(|point| core::ptr::from_ref(point).addr().is_multiple_of(64)));
        assert!(Lines::from_iter([]).is_empty());
    }
}
