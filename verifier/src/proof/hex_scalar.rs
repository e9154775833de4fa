//! Numbers of the scalar field in files: `0x` and 64 lower-case hexadecimal digits, below the field's order.

use halo2curves::bn256::Fr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use surety_core::ident::{Bytes32, HexBytes};
use surety_kzg::scalar;

pub(crate) fn serialize<S: Serializer>(value: &Fr, serializer: S) -> Result<S::Ok, S::Error> {
    HexBytes(scalar::to_bytes(value)).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fr, D::Error> {
    scalar::from_bytes(&Bytes32::deserialize(deserializer)?.0).map_err(D::Error::custom)
}
