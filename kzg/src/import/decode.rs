//! The encodings of points that occur in set-up files.

use ff::{Field, PrimeField};
use group::{GroupEncoding, prime::PrimeCurveAffine};
use halo2curves::{
    bn256::{Fq, Fq2, G1Affine, G2Affine},
    serde::SerdeObject,
};

use crate::point::{self, PointError};

/// How points are written.
///
/// | encoding | G1 | G2 | a coordinate |
/// |---|---|---|---|
/// | `Compressed` | 32: x and the parity of y | 64: x.c0, x.c1 and the parity of y.c0 | 32 bytes little-endian |
/// | `Montgomery` | 64: x, y | 128: x.c0, x.c1, y.c0, y.c1 | `c·2^256 mod p`, little-endian |
/// | `BigEndian` | 64: x, y | 128: x.c0, x.c1, y.c0, y.c1 | 32 bytes big-endian |
///
/// The last one is Aztec's and not the EVM's, which writes c1 before c0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Encoding {
    Compressed,
    Montgomery,
    BigEndian,
}

impl Encoding {
    pub(crate) fn g1_bytes(self) -> usize {
        match self {
            Self::Compressed => 32,
            Self::Montgomery | Self::BigEndian => 64,
        }
    }

    pub(crate) fn g2_bytes(self) -> usize {
        2 * self.g1_bytes()
    }

    /// Decodes a point of G1 from as many bytes as it takes.
    pub(crate) fn g1(self, bytes: &[u8]) -> Result<G1Affine, PointError> {
        match self {
            Self::Compressed => decompress::<1, _>(bytes),
            Self::Montgomery | Self::BigEndian => {
                let [x, y] = self.coordinates(bytes)?;
                point::g1_from_coordinates(x, y)
            }
        }
    }

    /// Decodes a point of G2 from as many bytes as it takes.
    pub(crate) fn g2(self, bytes: &[u8]) -> Result<G2Affine, PointError> {
        match self {
            Self::Compressed => {
                let point: G2Affine = decompress::<2, _>(bytes)?;
                point::g2_from_coordinates(point.x, point.y)
            }
            Self::Montgomery | Self::BigEndian => {
                let [x0, x1, y0, y1] = self.coordinates(bytes)?;
                point::g2_from_coordinates(Fq2 { c0: x0, c1: x1 }, Fq2 { c0: y0, c1: y1 })
            }
        }
    }

    fn coordinates<const N: usize>(self, bytes: &[u8]) -> Result<[Fq; N], PointError> {
        let mut coordinates = [Fq::ZERO; N];
        for (coordinate, chunk) in coordinates.iter_mut().zip(bytes.chunks_exact(32)) {
            *coordinate = self.coordinate(chunk).ok_or(PointError::CoordinateTooLarge)?;
        }
        Ok(coordinates)
    }

    fn coordinate(self, chunk: &[u8]) -> Option<Fq> {
        if let Self::Montgomery = self {
            return Fq::from_raw_bytes(chunk);
        }
        let mut repr = <[u8; 32]>::try_from(chunk).ok()?;
        if let Self::BigEndian = self {
            repr.reverse();
        }
        Option::from(Fq::from_repr(repr))
    }
}

/// Two bits of a compressed point's last byte: whether it is the identity, and the parity of y.
const FLAGS: u8 = 0b1100_0000;

/// Decompresses a point with `N` parts of coordinates, if its bytes are the ones that compression gives.
fn decompress<const N: usize, P: GroupEncoding + PrimeCurveAffine>(bytes: &[u8]) -> Result<P, PointError> {
    let mut repr = P::Repr::default();
    repr.as_mut().copy_from_slice(bytes);
    // halo2curves panics at coordinates of G2 that are not reduced.
    let mut x = repr;
    x.as_mut().iter_mut().last().into_iter().for_each(|byte| *byte &= !FLAGS);
    Encoding::Compressed.coordinates::<N>(x.as_ref())?;
    let point: P = Option::from(P::from_bytes(&repr)).ok_or(PointError::NotOnCurve)?;
    if point.to_bytes().as_ref() != bytes {
        return Err(PointError::NotCanonical);
    }
    point::refuse_identity(point)
}

pub(crate) fn compressed_generator() -> Vec<u8> {
    G1Affine::generator().to_bytes().as_ref().to_vec()
}

pub(crate) fn montgomery_generator() -> Vec<u8> {
    G1Affine::generator().to_raw_bytes()
}

pub(crate) fn big_endian_generator() -> [u8; 64] {
    point::g1_to_bytes(&G1Affine::generator())
}
