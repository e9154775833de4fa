//! Commitments to hidden holdings: `Σ_i q_i·[L_{row(i)}] + Σ_j r_j·[L_{mask(j)}]`.
//!
//! The masks `r` fill the six blinding rows. They hide the holdings perfectly, and with them every row of the column
//! `HOLD` is fixed, so that its commitment is known before any proof. Commitments of several sources for one holder add
//! up, and so do their masks and holdings.
//!
//! Proofs never open this column. They open the column's sum with another that is random in the blinding rows and drawn
//! for the one proof (`BLIND`), so no number of proofs uses the masks up.

use ff::Field;
use group::{Curve, Group};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rand_core::{CryptoRng, RngCore};
use surety_core::capacity::{Capacity, Row, TAIL_ROWS};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    params::Params,
    point::{self, G1_BYTES, PointError},
    scalar::{self, SCALAR_BYTES},
    secret::SecretScalars,
};

/// Random scalars in a statement: one for each blinding row.
pub const MASKS: usize = TAIL_ROWS;

/// Length of encoded masks.
pub const MASKS_BYTES: usize = MASKS * SCALAR_BYTES;

/// Why masks or holdings cannot be used. Never says how large a holding is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldingError {
    /// Encoded masks of the wrong length.
    #[error("expected {MASKS_BYTES} bytes of masks, found {found}: the opening is damaged or of another version")]
    MasksLength {
        /// Bytes given.
        found: usize,
    },
    /// An encoded mask that is not below r.
    #[error("mask {index}: expected a number below the group order r: the opening is damaged")]
    MaskTooLarge {
        /// Which mask.
        index: usize,
    },
    /// An instrument that the capacity class has no row for.
    #[error("instrument {index}: expected an index below {limit}, which is what capacity class {k} has rows for")]
    NoSuchInstrument {
        /// The instrument.
        index: usize,
        /// Instruments that there are rows for.
        limit: usize,
        /// The capacity class.
        k: u32,
    },
    /// An instrument listed twice.
    #[error("instrument {index}: expected at most one holding of each instrument, found a second one")]
    DuplicateInstrument {
        /// The instrument.
        index: usize,
    },
    /// Commitments whose sum hides nothing.
    #[error(
        "the commitments add up to the identity: one of them was made from the others, and no proof accepts their sum"
    )]
    SumIsIdentity,
}

/// The random scalars that hide a statement's holdings. They are wiped when dropped and print nothing.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Masks(SecretScalars);

impl Masks {
    /// Draws fresh masks; pass the operating system's generator.
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut masks = SecretScalars::zeros(MASKS);
        masks.fill_with(|| Fr::random(&mut *rng));
        Self(masks)
    }

    /// The masks of a sum of statements.
    #[must_use]
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = SecretScalars::zeros(MASKS);
        for masks in all {
            sum.iter_mut().zip(masks.0.iter()).for_each(|(sum, mask)| *sum += mask);
        }
        Self(sum)
    }

    /// The scalars, in the order of the blinding rows.
    #[must_use]
    pub fn scalars(&self) -> &[Fr] {
        &self.0
    }

    /// The encoding, for a file that only the holder can read: [`MASKS`] scalars as in [`scalar::to_bytes`].
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![0; MASKS_BYTES]);
        for (chunk, mask) in bytes.chunks_exact_mut(SCALAR_BYTES).zip(self.0.iter()) {
            chunk.copy_from_slice(Zeroizing::new(scalar::to_bytes(mask)).as_slice());
        }
        bytes
    }

    /// Reads what [`Masks::to_secret_bytes`] wrote.
    ///
    /// # Errors
    /// If the length is wrong or a scalar not canonical.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, HoldingError> {
        if bytes.len() != MASKS_BYTES {
            return Err(HoldingError::MasksLength { found: bytes.len() });
        }
        let mut masks = SecretScalars::zeros(MASKS);
        for (index, (mask, chunk)) in masks.iter_mut().zip(bytes.chunks_exact(SCALAR_BYTES)).enumerate() {
            let mut canonical = Zeroizing::new([0; SCALAR_BYTES]);
            canonical.copy_from_slice(chunk);
            *mask = scalar::from_bytes(&canonical).map_err(|_| HoldingError::MaskTooLarge { index })?;
        }
        Ok(Self(masks))
    }
}

/// The column `HOLD`: the holdings at their instruments' rows and the masks in the blinding rows, zero elsewhere.
///
/// # Errors
/// If an instrument has no row or is listed twice.
pub fn holding_column(
    capacity: Capacity,
    lots: &[(usize, i128)],
    masks: &Masks,
) -> Result<SecretScalars, HoldingError> {
    let mut column = SecretScalars::zeros(capacity.rows());
    let mut taken = vec![false; capacity.instruments()];
    for &(index, lots) in lots {
        let row = instrument_row(capacity, index)?;
        if core::mem::replace(&mut taken[index], true) {
            return Err(HoldingError::DuplicateInstrument { index });
        }
        column[row.index()] = scalar::from_i128(lots);
    }
    column[capacity.tail()].copy_from_slice(masks.scalars());
    Ok(column)
}

pub(crate) fn instrument_row(capacity: Capacity, index: usize) -> Result<Row, HoldingError> {
    let (limit, k) = (capacity.instruments(), capacity.k());
    capacity.instrument(index).ok_or(HoldingError::NoSuchInstrument { index, limit, k })
}

/// A commitment to hidden holdings: a point of G1 other than the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldingCommitment(G1Affine);

impl HoldingCommitment {
    /// Commits to `(index of the instrument, lots)`, each instrument at most once, under these masks.
    ///
    /// # Errors
    /// If an instrument has no row or is listed twice.
    pub fn commit(params: &Params, lots: &[(usize, i128)], masks: &Masks) -> Result<Self, HoldingError> {
        Self::of_column(params, &holding_column(params.capacity(), lots, masks)?)
    }

    /// Commits to a column of holdings, masks included.
    ///
    /// # Errors
    /// If the commitment is the identity, which masks prevent.
    ///
    /// # Panics
    /// If the column is of another capacity class.
    pub fn of_column(params: &Params, column: &SecretScalars) -> Result<Self, HoldingError> {
        Self::new(params.commit_column(column))
    }

    /// The commitment to the sum of what the parts commit to.
    ///
    /// # Errors
    /// If the sum is the identity, that of no commitments included.
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Result<Self, HoldingError> {
        Self::new(parts.into_iter().fold(G1::identity(), |sum, part| sum + part.0))
    }

    /// The commitment to the sum with what a public point commits to, without masks; the identity changes nothing.
    ///
    /// # Errors
    /// If the sum is the identity.
    pub fn plus(&self, public: &G1Affine) -> Result<Self, HoldingError> {
        Self::new(G1::from(self.0) + public)
    }

    /// The point.
    #[must_use]
    pub fn point(&self) -> &G1Affine {
        &self.0
    }

    /// Encodes the point, see [`point`].
    #[must_use]
    pub fn to_bytes(&self) -> [u8; G1_BYTES] {
        point::g1_to_bytes(&self.0)
    }

    /// Decodes a point.
    ///
    /// # Errors
    /// If a coordinate is not canonical, or the point is off the curve or the identity.
    pub fn from_bytes(bytes: &[u8; G1_BYTES]) -> Result<Self, PointError> {
        point::g1_from_bytes(bytes).map(Self)
    }

    fn new(point: G1) -> Result<Self, HoldingError> {
        if bool::from(point.is_identity()) { Err(HoldingError::SumIsIdentity) } else { Ok(Self(point.to_affine())) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_core::OsRng;

    use super::*;
    use crate::{progress::Silent, srs::Srs};

    fn capacity() -> Capacity {
        Capacity::new(9).unwrap()
    }

    fn params() -> Params {
        Params::from_srs(&Srs::development(capacity()), capacity(), &Silent).unwrap()
    }

    #[test]
    fn the_column_is_laid_out_as_the_circuit_reads_it() {
        let masks = Masks::random(&mut OsRng);
        let column = holding_column(capacity(), &[(0, 5), (449, -7)], &masks).unwrap();
        let mut expected = vec![Fr::ZERO; 512];
        expected[capacity().instrument(0).unwrap().index()] = Fr::from(5);
        expected[capacity().instrument(449).unwrap().index()] = -Fr::from(7);
        // All of the masks, each in a row of its own: a row without one would hide less.
        expected[506..512].copy_from_slice(masks.scalars());
        assert_eq!(column[..], expected[..]);
    }

    #[test]
    fn masks_are_fresh_and_hide() {
        let params = params();
        let [first, second] = [(); 2].map(|()| Masks::random(&mut OsRng));
        let distinct: std::collections::BTreeSet<_> = first.0.iter().chain(second.0.iter()).collect();
        assert_eq!(distinct.len(), 2 * MASKS);
        let [first, second] =
            [first, second].map(|masks| HoldingCommitment::commit(&params, &[(1, 1)], &masks).unwrap());
        assert_ne!(first, second);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn statements_add_up(
            first in prop::collection::btree_map(0usize..450, -1_000_000_000i128..1_000_000_000, 0..20),
            second in prop::collection::btree_map(0usize..450, -1_000_000_000i128..1_000_000_000, 0..20),
        ) {
            let params = params();
            let masks = [(); 2].map(|()| Masks::random(&mut OsRng));
            let mut total = first.clone();
            second.iter().for_each(|(index, lots)| *total.entry(*index).or_default() += lots);
            let commit = |lots: &std::collections::BTreeMap<usize, i128>, masks: &Masks| {
                HoldingCommitment::commit(&params, &lots.clone().into_iter().collect::<Vec<_>>(), masks).unwrap()
            };
            let parts = [commit(&first, &masks[0]), commit(&second, &masks[1])];
            prop_assert_eq!(HoldingCommitment::sum(&parts), Ok(commit(&total, &Masks::sum(&masks))));
        }
    }

    #[test]
    fn masks_survive_encoding() {
        let masks = Masks::random(&mut OsRng);
        let bytes = masks.to_secret_bytes();
        assert_eq!(bytes.len(), 192);
        assert_eq!(Masks::from_secret_bytes(&bytes).unwrap().0[..], masks.0[..]);
    }

    #[test]
    fn rejects_damaged_masks() {
        let mut bytes = Masks::random(&mut OsRng).to_secret_bytes().to_vec();
        let error = |bytes: &[u8]| Masks::from_secret_bytes(bytes).err();
        assert_eq!(error(&bytes[1..]), Some(HoldingError::MasksLength { found: 191 }));
        bytes[5 * 32] = 0xff;
        assert_eq!(error(&bytes), Some(HoldingError::MaskTooLarge { index: 5 }));
    }

    #[test]
    fn rejects_instruments_without_a_row() {
        let error = HoldingCommitment::commit(&params(), &[(450, 1)], &Masks::random(&mut OsRng)).unwrap_err();
        assert_eq!(error, HoldingError::NoSuchInstrument { index: 450, limit: 450, k: 9 });
    }

    #[test]
    fn rejects_an_instrument_listed_twice() {
        let error = HoldingCommitment::commit(&params(), &[(3, 1), (3, 0)], &Masks::random(&mut OsRng)).unwrap_err();
        assert_eq!(error, HoldingError::DuplicateInstrument { index: 3 });
    }

    #[test]
    fn rejects_commitments_that_cancel() {
        let commitment = HoldingCommitment::commit(&params(), &[], &Masks::random(&mut OsRng)).unwrap();
        let opposite = HoldingCommitment(-*commitment.point());
        assert_eq!(HoldingCommitment::sum(&[commitment, opposite]), Err(HoldingError::SumIsIdentity));
        assert_eq!(HoldingCommitment::sum([]), Err(HoldingError::SumIsIdentity));
        assert_eq!(commitment.plus(opposite.point()), Err(HoldingError::SumIsIdentity));
    }

    #[test]
    fn rejects_encodings_of_no_point() {
        let commitment = HoldingCommitment::commit(&params(), &[], &Masks::random(&mut OsRng)).unwrap();
        assert_eq!(HoldingCommitment::from_bytes(&commitment.to_bytes()), Ok(commitment));
        assert_eq!(HoldingCommitment::from_bytes(&[0; 64]), Err(PointError::Identity));
    }
}
