//! Set-ups, by the names of their ceremonies.

use alloy_primitives::hex;

use super::hash;
use crate::{
    closest::did_you_mean,
    ident::{Bytes32, HexBytes},
};

const DEVELOPMENT: Bytes32 = HexBytes(hex!("a6d0e910584892f8f4880512d90c895ca4f62ce6e75d2f845df840279b67e18b"));

/// The set-ups that have names: those of the published ceremonies, and the insecure one for development. Tests of the
/// crate that knows their points hold the identifiers to them.
pub const SET_UPS: [(&str, Bytes32); 6] = [
    ("ppot-0085", HexBytes(hex!("3fddc5c033fc5acc3a1c9e3202f33d50f5df250686370df63df8a289db50d730"))),
    ("ppot-0080", HexBytes(hex!("d929ddadfdb7975fa8784cce476a949cce47043c51eaaf3e964f25c8d342375f"))),
    ("hermez-0054", HexBytes(hex!("2dab7494d50e52cd67730fa11493aa0e23b3c30db054a7296e7d057f8fcfd58d"))),
    ("aztec-ignition", HexBytes(hex!("3f2bde73f236a319380813812a314c161c8049f72a01157c4c83791c2e1c5bae"))),
    ("development", DEVELOPMENT),
    ("insecure-development", DEVELOPMENT),
];

/// Reads the identifier of a set-up: its hash as [`hash`] does, or the name of a ceremony in either case, or
/// `development`.
///
/// # Errors
/// If it is neither.
pub fn set_up(text: &str) -> Result<Bytes32, String> {
    let named = SET_UPS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim()));
    let names = || SET_UPS.map(|(name, _)| name);
    let refused = |_| {
        let advice = did_you_mean(text, names()).map_or_else(String::new, |question| format!("; {question}"));
        format!("expected the identifier of a set-up, or one of {}, found {text:?}{advice}", names().join(", "))
    };
    named.map_or_else(|| hash(text).map_err(refused), |(_, id)| Ok(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_ups_are_read_by_their_names_and_identifiers() {
        for (name, id) in SET_UPS {
            for spelling in [name.to_owned(), name.to_uppercase(), id.to_string(), id.to_string()[2..].to_uppercase()] {
                assert_eq!(set_up(&spelling), Ok(id), "{spelling}");
            }
        }
    }

    #[test]
    fn rejects_the_name_of_no_ceremony() {
        let error = set_up("ppot-085").unwrap_err();
        assert!(error.contains("ppot-0085, ppot-0080") && error.ends_with("; did you mean `ppot-0085`?"), "{error}");
        assert!(set_up("0x00").is_err() && set_up("").is_err());
    }
}
