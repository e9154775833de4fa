//! Points of the two groups in the form of the EVM's precompiles (EIP-196 and EIP-197), the only form this project
//! uses.
//!
//! | group | bytes | content, each number 32 bytes big-endian and below p |
//! |---|---|---|
//! | G1 | 64 | `x ‖ y` |
//! | G2 | 128 | `x.c1 ‖ x.c0 ‖ y.c1 ‖ y.c0`, for coordinates `c0 + c1·i` |
//!
//! The identity, which the precompiles write as zeros, is refused: nothing here has a use for it.

use ff::PrimeField;
use group::{Curve, prime::PrimeCurveAffine};
use halo2curves::{
    CurveAffine,
    bn256::{Fq, Fq2, Fr, G1Affine, G2, G2Affine},
};

/// Length of an encoded point of G1.
pub const G1_BYTES: usize = 64;

/// Length of an encoded point of G2.
pub const G2_BYTES: usize = 128;

/// Why bytes or coordinates are no point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// A coordinate is p or larger.
    #[error("expected coordinates below the field's modulus, found a larger one")]
    CoordinateTooLarge,
    /// The coordinates do not satisfy the curve's equation.
    #[error("expected a point on the curve, found coordinates that do not satisfy its equation")]
    NotOnCurve,
    /// Bytes that stand for a point, though not the ones that encoding it gives.
    #[error("expected the canonical encoding of the point, found another one")]
    NotCanonical,
    /// The identity of the group.
    #[error("expected a point other than the identity, found the identity")]
    Identity,
    /// A point of G2's curve outside the subgroup of order r.
    #[error("expected a point of the subgroup of order r, found one outside it")]
    NotInSubgroup,
}

/// Encodes a point of G1; the identity becomes zeros, which [`g1_from_bytes`] refuses.
#[must_use]
pub fn g1_to_bytes(point: &G1Affine) -> [u8; G1_BYTES] {
    join([&point.x, &point.y])
}

/// Decodes a point of G1.
///
/// # Errors
/// If a coordinate is not canonical, or the point is off the curve or the identity.
pub fn g1_from_bytes(bytes: &[u8; G1_BYTES]) -> Result<G1Affine, PointError> {
    let [x, y] = split(bytes)?;
    g1_from_coordinates(x, y)
}

/// Encodes a point of G2; the identity becomes zeros, which [`g2_from_bytes`] refuses.
#[must_use]
pub fn g2_to_bytes(point: &G2Affine) -> [u8; G2_BYTES] {
    join([&point.x.c1, &point.x.c0, &point.y.c1, &point.y.c0])
}

/// Decodes a point of G2.
///
/// # Errors
/// If a coordinate is not canonical, or the point is off the curve, outside the subgroup or the identity.
pub fn g2_from_bytes(bytes: &[u8; G2_BYTES]) -> Result<G2Affine, PointError> {
    let [x1, x0, y1, y0] = split(bytes)?;
    g2_from_coordinates(Fq2 { c0: x0, c1: x1 }, Fq2 { c0: y0, c1: y1 })
}

/// The point of G1 with these coordinates. G1 is the whole curve: its cofactor is 1.
pub(crate) fn g1_from_coordinates(x: Fq, y: Fq) -> Result<G1Affine, PointError> {
    let point: G1Affine = Option::from(G1Affine::from_xy(x, y)).ok_or(PointError::NotOnCurve)?;
    refuse_identity(point)
}

/// The point of G2 with these coordinates.
pub(crate) fn g2_from_coordinates(x: Fq2, y: Fq2) -> Result<G2Affine, PointError> {
    let point: G2Affine = Option::from(G2Affine::from_xy(x, y)).ok_or(PointError::NotOnCurve)?;
    let point = refuse_identity(point)?;
    if has_order_r(&point) { Ok(point) } else { Err(PointError::NotInSubgroup) }
}

/// `point`, unless it is the identity.
///
/// # Errors
/// If it is.
pub fn refuse_identity<P: PrimeCurveAffine>(point: P) -> Result<P, PointError> {
    if bool::from(point.is_identity()) { Err(PointError::Identity) } else { Ok(point) }
}

/// Whether `r·P` is the identity, as `(r - 1)·P = -P`.
fn has_order_r(point: &G2Affine) -> bool {
    let largest: G2 = point * -Fr::from(1);
    largest.to_affine() == -*point
}

fn join<const N: usize, const BYTES: usize>(coordinates: [&Fq; N]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (chunk, coordinate) in bytes.chunks_exact_mut(32).zip(coordinates) {
        chunk.copy_from_slice(&coordinate.to_repr());
        chunk.reverse();
    }
    bytes
}

fn split<const N: usize>(bytes: &[u8]) -> Result<[Fq; N], PointError> {
    let mut coordinates = [Fq::zero(); N];
    for (coordinate, chunk) in coordinates.iter_mut().zip(bytes.chunks_exact(32)) {
        let mut repr = [0; 32];
        repr.copy_from_slice(chunk);
        repr.reverse();
        *coordinate = Option::from(Fq::from_repr(repr)).ok_or(PointError::CoordinateTooLarge)?;
    }
    Ok(coordinates)
}

#[cfg(test)]
mod tests {
    use ff::Field;
    use group::Group;
    use halo2curves::bn256::G1;
    use rand_core::OsRng;

    use super::*;

    /// p, big-endian, as EIP-196 states it.
    const MODULUS: [u8; 32] = [
        0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97, 0x81,
        0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47,
    ];

    #[test]
    fn points_survive_encoding() {
        for _ in 0..20 {
            let g1 = G1::random(OsRng).to_affine();
            assert_eq!(g1_from_bytes(&g1_to_bytes(&g1)), Ok(g1));
            let g2 = G2::random(OsRng).to_affine();
            assert_eq!(g2_from_bytes(&g2_to_bytes(&g2)), Ok(g2));
        }
    }

    #[test]
    fn generators_are_as_the_eips_write_them() {
        let mut g1 = [0; 64];
        (g1[31], g1[63]) = (1, 2);
        assert_eq!(g1_to_bytes(&G1Affine::generator()), g1);
        // EIP-197's P2 begins with the imaginary part of x.
        assert_eq!(g2_to_bytes(&G2Affine::generator())[..4], [0x19, 0x8e, 0x93, 0x93]);
    }

    #[test]
    fn rejects_coordinates_that_are_not_canonical() {
        let mut bytes = g1_to_bytes(&G1Affine::generator());
        bytes[..32].copy_from_slice(&MODULUS);
        bytes[31] += 1;
        assert_eq!(g1_from_bytes(&bytes), Err(PointError::CoordinateTooLarge), "p + 1 is no way to write 1");
        for offset in [0, 32, 64, 96] {
            let mut bytes = g2_to_bytes(&G2Affine::generator());
            bytes[offset..offset + 32].copy_from_slice(&[0xff; 32]);
            assert_eq!(g2_from_bytes(&bytes), Err(PointError::CoordinateTooLarge));
        }
    }

    #[test]
    fn rejects_points_off_the_curve() {
        let mut bytes = g1_to_bytes(&G1Affine::generator());
        bytes[63] = 3;
        assert_eq!(g1_from_bytes(&bytes), Err(PointError::NotOnCurve));
        let mut bytes = g2_to_bytes(&G2Affine::generator());
        bytes[127] ^= 1;
        assert_eq!(g2_from_bytes(&bytes), Err(PointError::NotOnCurve));
    }

    #[test]
    fn rejects_the_identity() {
        assert_eq!(g1_from_bytes(&[0; 64]), Err(PointError::Identity));
        assert_eq!(g2_from_bytes(&[0; 128]), Err(PointError::Identity));
    }

    #[test]
    fn rejects_points_outside_the_subgroup() {
        let outside = (1u64..)
            .find_map(|x| {
                let x = Fq2 { c0: Fq::from(x), c1: Fq::zero() };
                let y: Option<Fq2> = Option::from((x.square() * x + G2Affine::b()).sqrt());
                y.map(|y| G2Affine { x, y })
            })
            .unwrap();
        assert_eq!(g2_from_bytes(&g2_to_bytes(&outside)), Err(PointError::NotInSubgroup));
    }
}
