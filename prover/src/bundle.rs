//! Bundles: a statement with its opening, encrypted to the holder, in one file that may travel anywhere.
//!
//! The encryption is age's (<https://age-encryption.org/v1>) with X25519, so a bundle needs no channel that is secret.
//! The opening is padded to a length that follows from the universe alone: nothing of the balances shows in the size of
//! a bundle.

use core::{fmt, str::FromStr};
use std::borrow::Cow;

use age::x25519;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    failure::{Class, Failure},
    ident::Bytes32,
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::{Document, InputErrors, WriteError},
};
use surety_margin::universe::Universe;
use surety_verifier::attestation::statement::Statement;
use zeroize::Zeroizing;

use crate::opening::Opening;

/// Bytes of an opening's text beside its balances: masks, hash, names of keys.
const FRAME: usize = 2_048;

/// Bytes of one balance's text beside the names: keys, white space, and lots of at most 29 digits.
const BALANCE: usize = 128;

/// Why there is no bundle, or nothing comes out of one. Repeats nothing that is secret.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The opening is longer than the universe allows.
    #[error("opening: expected at most {limit} bytes over this universe, found more")]
    TooLong {
        /// Most bytes.
        limit: usize,
    },
    /// The opening has no text.
    #[error("opening: {0}")]
    Write(#[from] WriteError),
    /// The opening cannot be encrypted.
    #[error("opening: the encryption failed: {0}")]
    Encryption(#[from] age::EncryptError),
    /// It is encrypted to somebody else, or damaged.
    #[error(
        "bundle: expected an opening that is encrypted to {recipient}, found one that its key does not open: {reason}; \
         give the source that recipient"
    )]
    Closed {
        /// Whose key was tried.
        recipient: Recipient,
        /// The reason.
        reason: String,
    },
    /// What comes out is no opening.
    #[error(transparent)]
    Opening(#[from] InputErrors),
    /// The opening is of another statement.
    #[error("bundle: expected the opening of statement {expected}, found that of {found}")]
    OtherStatement {
        /// The statement of the bundle.
        expected: Bytes32,
        /// The statement that the opening names.
        found: Bytes32,
    },
}

/// A statement, and its opening for the holder alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    kind: KindOf<Bundle>,
    version: FormatVersion,
    /// The statement, which is public.
    pub statement: Statement,
    /// The opening: an armored age file.
    opening: String,
}

impl Kinded for Bundle {
    const KIND: Kind = Kind::Bundle;
}

impl Document for Bundle {
    fn problems(&self) -> Vec<Problem> {
        let nested = |problem: Problem| Problem { path: format!("statement.{}", problem.path), ..problem };
        self.statement.problems().into_iter().map(nested).collect()
    }
}

impl Bundle {
    /// Encrypts the opening of a statement to its holder.
    ///
    /// # Errors
    /// If the opening is of another statement, or does not fit the universe.
    pub fn seal(
        universe: &Universe,
        statement: Statement,
        opening: &Opening,
        recipient: &Recipient,
    ) -> Result<Self, BundleError> {
        check(&statement, opening)?;
        let limit = longest(universe);
        // Room for all of it, so that no growth leaves a copy of the text behind.
        let mut text = Zeroizing::new(String::with_capacity(limit));
        text.push_str(&Zeroizing::new(opening.to_json()?));
        let missing = limit.checked_sub(text.len()).ok_or(BundleError::TooLong { limit })?;
        text.extend(std::iter::repeat_n(' ', missing));
        let opening = age::encrypt_and_armor(&recipient.0, text.as_bytes())?;
        Ok(Self { kind: KindOf::new(), version: FormatVersion, statement, opening })
    }

    /// The opening, which belongs to the statement. Whether the two fit each other is found when they are put into an
    /// account.
    ///
    /// # Errors
    /// If it is not encrypted to this identity, or is the opening of another statement.
    pub fn open(&self, identity: &Identity) -> Result<Opening, BundleError> {
        let opened = age::decrypt(&identity.0, self.opening.as_bytes());
        let opened =
            opened.map_err(|error| BundleError::Closed { recipient: identity.recipient(), reason: error.to_string() });
        let text = Zeroizing::new(opened?);
        let opening = Opening::from_json("the opening of a bundle", &String::from_utf8_lossy(&text))?;
        check(&self.statement, &opening)?;
        Ok(opening)
    }
}

fn check(statement: &Statement, opening: &Opening) -> Result<(), BundleError> {
    let (expected, found) = (statement.hash(), opening.statement);
    if expected == found { Ok(()) } else { Err(BundleError::OtherStatement { expected, found }) }
}

/// Bytes of the longest opening over a universe.
fn longest(universe: &Universe) -> usize {
    let balances = universe.instruments.iter().map(|instrument| instrument.name.as_str().len() + BALANCE);
    FRAME + universe.name.as_str().len() + balances.sum::<usize>()
}

/// To whom openings are encrypted: `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(x25519::Recipient);

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Recipient {
    type Err = String;

    /// Errors do not repeat the text, which may be a key.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a recipient of age, age1 and 58 letters and digits, as surety key recipient prints";
        text.trim().parse().map(Self).map_err(|_| format!("{expected}, found something else"))
    }
}

impl Serialize for Recipient {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The key that bundles are opened with. Secret: does not print, and is erased when dropped.
#[derive(Clone)]
pub struct Identity(x25519::Identity);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(hidden)")
    }
}

impl Identity {
    /// A new key, from the operating system's randomness.
    #[must_use]
    pub fn random() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Reads a file as age-keygen writes it: lines that begin with `#` are comments.
    ///
    /// # Errors
    /// If there is not exactly one X25519 key in it. Repeats nothing of the text.
    pub fn from_file_text(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let lines: Vec<&str> = lines.collect();
        let found = match lines[..] {
            [line] => match line.parse() {
                Ok(identity) => return Ok(Self(identity)),
                Err(_) => "something else".to_owned(),
            },
            _ => format!("{} lines", lines.len()),
        };
        Err(format!("expected one key of age, AGE-SECRET-KEY-1…, as surety key recipient writes, found {found}"))
    }

    /// The file's text.
    #[must_use]
    pub fn file_text(&self) -> Zeroizing<String> {
        use age::secrecy::ExposeSecret as _;
        let secret = self.0.to_string();
        let comment = format!("# recipient: {}\n", self.recipient());
        let mut text = Zeroizing::new(String::with_capacity(comment.len() + secret.expose_secret().len() + 1));
        [comment.as_str(), secret.expose_secret(), "\n"].into_iter().for_each(|part| text.push_str(part));
        text
    }

    /// To whom others encrypt.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }
}

impl Failure for BundleError {
    fn class(&self) -> Class {
        match self {
            Self::Closed { .. } | Self::Opening(_) => Class::Input,
            Self::OtherStatement { .. } => Class::Mismatch,
            Self::TooLong { .. } | Self::Write(_) | Self::Encryption(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "bundle".into()
    }

    fn mistakes(&self) -> Option<&InputErrors> {
        match self {
            Self::Opening(errors) => Some(errors),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use age::armor::ArmoredReader;
    use surety_core::{
        ident::{EvmAddress, HexBytes, Name},
        units::{Lots, Timestamp},
    };
    use surety_kzg::Masks;
    use surety_margin::holdings::{Balance, Holdings};
    use surety_verifier::attestation::eip712::Audience;

    use super::*;

    fn universe() -> Universe {
        Universe::from_toml("universe.toml", include_str!("../../examples/universe.toml")).unwrap()
    }

    fn statement(sequence: u64) -> Statement {
        Statement {
            kind: KindOf::new(),
            version: FormatVersion,
            audience: Audience { chain_id: 1, registry: EvmAddress::ZERO },
            source: EvmAddress::ZERO,
            subject: EvmAddress::ZERO,
            account: Name::new("main").unwrap(),
            universe: surety_verifier::attestation::identifiers::UniverseId(Bytes32::ZERO),
            commitment: HexBytes([0; 64]),
            as_of: Timestamp(1),
            valid_until: Timestamp(2),
            sequence,
            encumbrance: Bytes32::ZERO,
            signature: HexBytes::ZERO,
        }
    }

    fn opening(statement: &Statement, lots: &[i128]) -> Opening {
        let universe = universe();
        let balances = universe
            .instruments
            .iter()
            .zip(lots)
            .map(|(instrument, lots)| Balance { instrument: instrument.name.clone(), lots: Lots::new(*lots).unwrap() });
        let holdings = Holdings {
            kind: KindOf::new(),
            version: FormatVersion,
            universe: universe.name.clone(),
            balances: balances.collect(),
        };
        Opening::new(statement.hash(), holdings, Masks::random(&mut rand_core::OsRng))
    }

    #[test]
    fn a_bundle_gives_its_holder_the_opening() {
        let (identity, statement) = (Identity::random(), statement(1));
        let opening = opening(&statement, &[5, -7]);
        let bundle = Bundle::seal(&universe(), statement, &opening, &identity.recipient()).unwrap();
        let again = Bundle::from_json("bundle.json", &bundle.to_json().unwrap()).unwrap();
        assert_eq!(again, bundle);
        let opened = again.open(&Identity::from_file_text(&identity.file_text()).unwrap()).unwrap();
        assert!(opened.holdings == opening.holdings && opened.statement == opening.statement);
        assert!(!bundle.to_json().unwrap().contains(opening.holdings.balances[0].instrument.as_str()));
    }

    #[test]
    fn the_size_of_a_bundle_says_nothing_of_the_balances() {
        let recipient = Identity::random().recipient();
        let size = |lots: &[i128]| {
            let statement = statement(1);
            let opening = opening(&statement, lots);
            let bundle = Bundle::seal(&universe(), statement, &opening, &recipient).unwrap();
            let mut bytes = Vec::new();
            ArmoredReader::new(bundle.opening.as_bytes()).read_to_end(&mut bytes).unwrap();
            // Behind the header, to which age adds a part of random length.
            let header = bytes.windows(5).position(|window| window == b"\n--- ").unwrap();
            bytes.len() - header
        };
        let largest = 1 - (1_i128 << 95);
        assert_eq!(size(&[]), size(&[largest; 4]));
        assert_eq!(size(&[0]), size(&[123_456_789, 1]));
    }

    #[test]
    fn rejects_a_bundle_for_somebody_else() {
        let (identity, statement) = (Identity::random(), statement(1));
        let opening = opening(&statement, &[5]);
        let bundle = Bundle::seal(&universe(), statement, &opening, &Identity::random().recipient()).unwrap();
        let refused = bundle.open(&identity).unwrap_err();
        assert!(matches!(&refused, BundleError::Closed { recipient, .. } if *recipient == identity.recipient()));
    }

    #[test]
    fn rejects_the_opening_of_another_statement() {
        let (identity, first, second) = (Identity::random(), statement(1), statement(2));
        let opening = opening(&first, &[5]);
        let sealed = Bundle::seal(&universe(), second.clone(), &opening, &identity.recipient());
        assert!(matches!(sealed, Err(BundleError::OtherStatement { .. })), "{sealed:?}");
        let bundle = Bundle::seal(&universe(), first, &opening, &identity.recipient()).unwrap();
        let swapped = Bundle { statement: second, ..bundle };
        assert!(matches!(swapped.open(&identity), Err(BundleError::OtherStatement { .. })));
    }

    #[test]
    fn rejects_files_that_hold_no_identity() {
        let two = format!("{}{}", *Identity::random().file_text(), *Identity::random().file_text());
        for text in ["", "# nothing\n", "age1abc", "AGE-SECRET-KEY-1QQ", &two] {
            let refused = Identity::from_file_text(text).unwrap_err();
            assert!(!refused.contains("1QQ") && refused.contains("expected one key of age"), "{refused}");
        }
        assert!("AGE-SECRET-KEY-1".parse::<Recipient>().is_err());
    }
}
