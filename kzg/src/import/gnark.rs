//! `[τ^(2^i)]₂` for i from 0, as gnark-crypto writes compressed points of G2, and as EigenDA publishes them for a
//! ceremony.
//!
//! | bytes | content |
//! |---|---|
//! | 64 each | x.c1 and x.c0, big-endian; the two top bits are `10` for the smaller y and `11` for the larger one |
//!
//! Of y and −y the larger one has the larger c1, or, where that is zero, the larger c0.

use std::io::{Read, Seek};

use ff::{Field, PrimeField};
use halo2curves::{
    CurveAffine,
    bn256::{Fq, Fq2, G2Affine},
};

use super::{ImportProblem, Source};
use crate::point::{self, PointError};

const POINT_BYTES: usize = 64;

/// More powers of two than any ceremony's file has.
const MAX_POINTS: u64 = 64;

/// The two bits that tell y.
const FLAGS: u8 = 0b1100_0000;
const SMALLER: u8 = 0b1000_0000;
const LARGER: u8 = 0b1100_0000;

pub(super) fn read_g2_powers<R: Read + Seek>(source: &mut Source<R>) -> Result<Vec<G2Affine>, ImportProblem> {
    let (width, length) = (POINT_BYTES as u64, source.length());
    let points = length / width;
    if length == 0 || length % width != 0 || points > MAX_POINTS {
        let start = source.start(super::foreign::TELLING_BYTES)?;
        return Err(super::Foreign::recognise(&start).map_or_else(
            || ImportProblem::Header {
                field: "length of the powers in G2",
                expected: format!("64 bytes for each of [τ]₂, [τ²]₂, [τ⁴]₂, …, at most {MAX_POINTS} points"),
                found: format!("{length} bytes"),
            },
            ImportProblem::Foreign,
        ));
    }
    (0..points)
        .map(|i| {
            let bytes: [u8; POINT_BYTES] = source.bytes()?;
            let problem = |error| ImportProblem::Point { point: format!("[τ^(2^{i})]₂"), offset: i * width, error };
            decompress(&bytes).map_err(problem)
        })
        .collect()
}

fn decompress(bytes: &[u8; POINT_BYTES]) -> Result<G2Affine, PointError> {
    let flags = bytes[0] & FLAGS;
    if flags != SMALLER && flags != LARGER {
        return Err(PointError::NotCanonical);
    }
    let coordinate = |start: usize, mask: u8| {
        let mut repr = [0; 32];
        repr.copy_from_slice(&bytes[start..start + 32]);
        repr[0] &= mask;
        repr.reverse();
        Option::<Fq>::from(Fq::from_repr(repr)).ok_or(PointError::CoordinateTooLarge)
    };
    let x = Fq2 { c1: coordinate(0, !FLAGS)?, c0: coordinate(32, 0xff)? };
    let y: Fq2 = Option::from((x.square() * x + G2Affine::b()).sqrt()).ok_or(PointError::NotOnCurve)?;
    let y = if is_larger(&y) == (flags == LARGER) { y } else { -y };
    point::g2_from_coordinates(x, y)
}

/// Whether y is the larger one of y and −y.
fn is_larger(y: &Fq2) -> bool {
    let part = if y.c1 == Fq::ZERO { y.c0 } else { y.c1 };
    let big_endian = |value: Fq| {
        let mut repr = value.to_repr();
        repr.reverse();
        repr
    };
    big_endian(part) > big_endian(-part)
}
