//! Openings: what a source tells the holder, and nobody else, with a statement.

use std::fmt;

use alloy_primitives::hex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use surety_core::{
    FormatVersion,
    ident::Bytes32,
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::Document,
};
use surety_kzg::Masks;
use surety_margin::holdings::Holdings;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// The balances and the masks behind a statement's commitment. Secret: whoever has it knows what the account holds.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    kind: KindOf<Opening>,
    version: FormatVersion<2>,
    /// The hash of the statement that it belongs to.
    pub statement: Bytes32,
    /// The balances.
    pub holdings: Holdings,
    /// The masks.
    pub masks: SecretMasks,
}

impl Kinded for Opening {
    const KIND: Kind = Kind::Opening;
}

impl Opening {
    /// The opening of a statement.
    #[must_use]
    pub fn new(statement: Bytes32, holdings: Holdings, masks: Masks) -> Self {
        Self { kind: KindOf::new(), version: FormatVersion, statement, holdings, masks: SecretMasks(masks) }
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("statement", &self.statement).finish_non_exhaustive()
    }
}

impl Document for Opening {
    const SECRET: bool = true;

    fn problems(&self) -> Vec<Problem> {
        let nested = |problem: Problem| Problem { path: format!("holdings.{}", problem.path), ..problem };
        self.holdings.problems().into_iter().map(nested).collect()
    }
}

/// Masks as a file contains them: `0x` and lower-case hexadecimal digits.
#[derive(Clone, ZeroizeOnDrop)]
pub struct SecretMasks(pub Masks);

impl Serialize for SecretMasks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = Zeroizing::new(hex::encode_prefixed(self.0.to_secret_bytes()));
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for SecretMasks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Nothing of a secret is repeated in an error.
        let expected = || D::Error::custom("expected masks as 0x and lower-case hexadecimal digits");
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let digits = text.strip_prefix("0x").ok_or_else(expected)?;
        if digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
            return Err(expected());
        }
        let bytes = Zeroizing::new(hex::decode(digits).map_err(|_| expected())?);
        Masks::from_secret_bytes(&bytes).map(Self).map_err(D::Error::custom)
    }
}
