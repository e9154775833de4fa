//! Scalars: integers as elements of F_r, and their one encoding.
//!
//! A scalar is 32 bytes, big-endian, below r =
//! 21888242871839275222246405745257275088548364400416034343698204186575808495617, as the EVM's precompiles take it. A
//! larger number is refused, never reduced: otherwise x and x + r were two spellings of one value.

use alloy_primitives::I256;
use ff::PrimeField;
use halo2curves::bn256::Fr;

/// Length of an encoded scalar.
pub const SCALAR_BYTES: usize = 32;

/// Why 32 bytes are no scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a scalar below the group order r, found a number that is r or larger; nothing is reduced modulo r here"
)]
pub struct ScalarTooLarge;

/// The element congruent to `value` modulo r: `-x` becomes `r - x`.
#[must_use]
pub fn from_i256(value: I256) -> Fr {
    let [l0, l1, l2, l3] = value.unsigned_abs().into_limbs();
    signed(Fr::from_raw([l0, l1, l2, l3]), value.is_negative())
}

/// The element congruent to `value` modulo r: `-x` becomes `r - x`.
#[must_use]
pub fn from_i128(value: i128) -> Fr {
    signed(Fr::from_u128(value.unsigned_abs()), value < 0)
}

/// `value` as an element.
#[must_use]
pub fn from_u128(value: u128) -> Fr {
    Fr::from_u128(value)
}

/// Encodes a scalar.
#[must_use]
pub fn to_bytes(scalar: &Fr) -> [u8; SCALAR_BYTES] {
    let mut bytes = scalar.to_repr();
    bytes.reverse();
    bytes
}

/// Decodes a scalar.
///
/// # Errors
/// If the number is r or larger.
pub fn from_bytes(bytes: &[u8; SCALAR_BYTES]) -> Result<Fr, ScalarTooLarge> {
    let mut little_endian = *bytes;
    little_endian.reverse();
    Option::from(Fr::from_repr(little_endian)).ok_or(ScalarTooLarge)
}

fn signed(magnitude: Fr, negative: bool) -> Fr {
    if negative { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;
    use ff::Field;
    use proptest::prelude::*;

    use super::*;

    /// r, from the definition of the curve and not from the library.
    fn order() -> U256 {
        "21888242871839275222246405745257275088548364400416034343698204186575808495617".parse().unwrap()
    }

    fn integer(scalar: &Fr) -> U256 {
        U256::from_be_bytes(to_bytes(scalar))
    }

    proptest! {
        #[test]
        fn signed_integers_are_congruent(value in any::<[u8; 32]>().prop_map(I256::from_be_bytes)) {
            let residue = value.unsigned_abs() % order();
            let expected = if value.is_negative() && !residue.is_zero() { order() - residue } else { residue };
            prop_assert_eq!(integer(&from_i256(value)), expected);
        }

        #[test]
        fn narrow_integers_agree_with_wide_ones(value in any::<i128>()) {
            prop_assert_eq!(from_i128(value), from_i256(value.try_into().unwrap()));
            let size = value.unsigned_abs();
            prop_assert_eq!(from_u128(size), from_i256(I256::from_raw(U256::from(size))));
        }

        #[test]
        fn encoding_is_a_bijection(value in any::<[u8; 32]>()) {
            match from_bytes(&value) {
                Ok(scalar) => prop_assert_eq!(to_bytes(&scalar), value),
                Err(ScalarTooLarge) => prop_assert!(U256::from_be_bytes(value) >= order()),
            }
        }
    }

    #[test]
    fn extremes_convert() {
        assert_eq!(from_i256(I256::MIN) + from_i256(I256::MAX), -Fr::ONE);
        assert_eq!(from_i256(I256::MIN), -Fr::from(2).pow([255]));
        assert_eq!(from_i128(i128::MIN), -from_u128(1 << 127));
    }

    #[test]
    fn rejects_the_order_and_more() {
        assert_eq!(from_bytes(&order().to_be_bytes()), Err(ScalarTooLarge));
        assert_eq!(from_bytes(&[0xff; 32]), Err(ScalarTooLarge));
        assert_eq!(from_bytes(&(order() - U256::ONE).to_be_bytes()), Ok(-Fr::ONE));
    }
}
