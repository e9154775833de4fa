//! The kinds of documents: one table, and one function that recognises a text.
//!
//! Every document of this project states its kind, `surety/…`, in its field `kind`. A text counts as the document that
//! it says it is, wherever it lies and whatever its file is called.

use core::{fmt, marker::PhantomData};
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{EnumAccess, Error as _, VariantAccess as _, Visitor},
};
use serde_json::Value;

use crate::text::{Format, toml_keys};

/// The beginning of every kind's name.
const PREFIX: &str = "surety/";

/// The readers of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Everybody: verifiers, auditors, archives.
    Public,
    /// The party that wrote it, and those it chooses: nothing secret, and nothing that a verification takes.
    Party,
    /// The account's holder alone.
    Holder,
    /// This program alone.
    Program,
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A claim with its proof.
    Attestation,
    /// What a venue publishes of a book.
    Book,
    /// The terms and pages of a book that is being made.
    BookPlan,
    /// The rules of a venue's books.
    BookRules,
    /// A statement, with its opening encrypted to the holder.
    Bundle,
    /// New parameters of a policy, and the history that they follow from.
    Calibration,
    /// A user's part of a book.
    Cell,
    /// What cells are checked with.
    CellKeys,
    /// The part of a published policy that its text leaves open.
    ChainRules,
    /// A policy's commitments.
    CompiledPolicy,
    /// The addresses of contracts.
    Deployment,
    /// The terms of an audit: client, period, subjects.
    Engagement,
    /// A file that an archive keeps although it cannot be read.
    Evidence,
    /// What a price history has left behind for forecasts.
    ForecastState,
    /// Balances of an account.
    Holdings,
    /// The last statement of a source about an account.
    LastStatement,
    /// A market snapshot.
    Market,
    /// A source's balances and masks, for the holder.
    Opening,
    /// A policy.
    Policy,
    /// A new version of a policy, for those who decide on it.
    Proposal,
    /// The circuit as data.
    Protocol,
    /// The snapshots of an epoch that were proven against.
    ProvenSnapshots,
    /// A report of an oracle node.
    Report,
    /// A signature under the hash of an audit's report.
    ReportSignature,
    /// The roles that one process plays.
    Service,
    /// A signature under a snapshot, for a contract.
    SnapshotSignature,
    /// A source's statement.
    Statement,
    /// A verifier's anchors.
    Trust,
    /// A universe of instruments.
    Universe,
    /// Balances in a vault on a chain.
    VaultBalances,
    /// The verifying keys of a set-up.
    VerifyingKeys,
}

impl Kind {
    /// Every kind, by name.
    pub const ALL: [Self; 31] = [
        Self::Attestation,
        Self::Book,
        Self::BookPlan,
        Self::BookRules,
        Self::Bundle,
        Self::Calibration,
        Self::Cell,
        Self::CellKeys,
        Self::ChainRules,
        Self::CompiledPolicy,
        Self::Deployment,
        Self::Engagement,
        Self::Evidence,
        Self::ForecastState,
        Self::Holdings,
        Self::LastStatement,
        Self::Market,
        Self::Opening,
        Self::Policy,
        Self::Proposal,
        Self::Protocol,
        Self::ProvenSnapshots,
        Self::Report,
        Self::ReportSignature,
        Self::Service,
        Self::SnapshotSignature,
        Self::Statement,
        Self::Trust,
        Self::Universe,
        Self::VaultBalances,
        Self::VerifyingKeys,
    ];

    /// The row of the table: name, readers, and the usual name of the file in the directory of an attestation.
    const fn row(self) -> (&'static str, Readers, Option<&'static str>) {
        match self {
            Self::Attestation => ("surety/attestation", Readers::Public, Some("attestation.json")),
            Self::Book => ("surety/book", Readers::Public, Some("book.json")),
            Self::BookPlan => ("surety/book-plan", Readers::Party, None),
            Self::BookRules => ("surety/book-rules", Readers::Public, Some("book.toml")),
            Self::Bundle => ("surety/bundle", Readers::Holder, None),
            Self::Calibration => ("surety/calibration", Readers::Party, None),
            Self::Cell => ("surety/cell", Readers::Holder, Some("cell.json")),
            Self::CellKeys => ("surety/cell-keys", Readers::Public, Some("cell-keys.json")),
            Self::ChainRules => ("surety/chain-rules", Readers::Party, None),
            Self::CompiledPolicy => ("surety/compiled-policy", Readers::Public, Some("policy.compiled.json")),
            Self::Deployment => ("surety/deployment", Readers::Party, None),
            Self::Engagement => ("surety/engagement", Readers::Party, Some("engagement.toml")),
            Self::Evidence => ("surety/evidence", Readers::Public, None),
            Self::ForecastState => ("surety/forecast-state", Readers::Program, None),
            Self::Holdings => ("surety/holdings", Readers::Holder, None),
            Self::LastStatement => ("surety/last-statement", Readers::Program, None),
            Self::Market => ("surety/market", Readers::Public, Some("market.json")),
            Self::Opening => ("surety/opening", Readers::Holder, None),
            Self::Policy => ("surety/policy", Readers::Public, Some("policy.toml")),
            Self::Proposal => ("surety/proposal", Readers::Party, None),
            Self::Protocol => ("surety/protocol", Readers::Program, None),
            Self::ProvenSnapshots => ("surety/proven-snapshots", Readers::Program, None),
            Self::Report => ("surety/report", Readers::Public, None),
            Self::ReportSignature => ("surety/report-signature", Readers::Party, None),
            Self::Service => ("surety/service", Readers::Party, Some("surety.toml")),
            Self::SnapshotSignature => ("surety/snapshot-signature", Readers::Party, None),
            Self::Statement => ("surety/statement", Readers::Public, None),
            Self::Trust => ("surety/trust", Readers::Party, Some("trust.toml")),
            Self::Universe => ("surety/universe", Readers::Public, Some("universe.toml")),
            Self::VaultBalances => ("surety/vault-balances", Readers::Party, None),
            Self::VerifyingKeys => ("surety/verifying-keys", Readers::Program, None),
        }
    }

    /// The value of a document's `kind`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The name without `surety/`.
    #[must_use]
    pub fn short_name(self) -> &'static str {
        self.name().trim_start_matches(PREFIX)
    }

    /// The readers of such documents.
    #[must_use]
    pub const fn readers(self) -> Readers {
        self.row().1
    }

    /// The usual name of the file, where there is one.
    #[must_use]
    pub const fn file_name(self) -> Option<&'static str> {
        self.row().2
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind whose name without `surety/` is this.
    #[must_use]
    pub fn of_short_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.short_name() == name)
    }

    /// The kind whose documents usually have this file name.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.file_name() == Some(name))
    }
}

/// The name without `surety/`.
impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.short_name())
    }
}

/// A type whose values are documents of one kind.
pub trait Kinded {
    /// The kind.
    const KIND: Kind;
}

/// The field `kind` of a document: its one value is the name of the document's kind.
pub struct KindOf<D>(PhantomData<fn() -> D>);

impl<D> KindOf<D> {
    /// The value.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

// Derived traits would demand them of the document as well.
impl<D> Clone for KindOf<D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for KindOf<D> {}

impl<D> Default for KindOf<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D> PartialEq for KindOf<D> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<D> Eq for KindOf<D> {}

impl<D: Kinded> fmt::Debug for KindOf<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(D::KIND.name())
    }
}

impl<D: Kinded> KindOf<D> {
    const NAMES: &'static [&'static str] = &[D::KIND.name()];
}

impl<D: Kinded> Serialize for KindOf<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(D::KIND.name())
    }
}

/// Reads the name as that of a variant, so that readers treat it like every other choice among words.
impl<'de, D: Kinded> Deserialize<'de> for KindOf<D> {
    fn deserialize<R: Deserializer<'de>>(deserializer: R) -> Result<Self, R::Error> {
        struct NameVisitor<D>(PhantomData<fn() -> D>);

        impl<'de, D: Kinded> Visitor<'de> for NameVisitor<D> {
            type Value = KindOf<D>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(D::KIND.name())
            }

            fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<KindOf<D>, A::Error> {
                let (Variant(name), content) = data.variant()?;
                content.unit_variant()?;
                if name == D::KIND.name() {
                    return Ok(KindOf::new());
                }
                Err(A::Error::unknown_variant(&name, KindOf::<D>::NAMES))
            }
        }

        deserializer.deserialize_enum("Kind", Self::NAMES, NameVisitor(PhantomData))
    }
}

/// The name of a variant.
struct Variant(String);

impl<'de> Deserialize<'de> for Variant {
    fn deserialize<R: Deserializer<'de>>(deserializer: R) -> Result<Self, R::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = Variant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("variant identifier")
            }

            fn visit_str<E>(self, text: &str) -> Result<Variant, E> {
                Ok(Variant(text.to_owned()))
            }
        }

        deserializer.deserialize_identifier(TextVisitor)
    }
}

impl<D: Kinded> JsonSchema for KindOf<D> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "const": D::KIND.name() })
    }
}

/// The field that says what a document is, as far as a text has it. No other field can keep it from being read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Header {
    /// The name of the kind, also of an unknown one.
    pub kind: Option<String>,
}

impl Header {
    /// The kind, if this version knows it.
    #[must_use]
    pub fn known_kind(&self) -> Option<Kind> {
        Kind::named(self.kind.as_deref()?)
    }
}

/// A text that should be a document and cannot be read as one.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Damaged(#[from] pub serde_json::Error);

/// Reads what a text says of itself: nothing if it is JSON or TOML of another shape, or TOML that cannot be read.
///
/// # Errors
/// If the text should be JSON and is none; and for JSON with a damaged `kind` that mentions this project, which may
/// have been a document.
pub fn recognise(text: &str, format: Format) -> Result<Header, Damaged> {
    if format == Format::Toml {
        return Ok(toml_keys(text).unwrap_or_default());
    }
    match serde_json::from_str(text) {
        Ok(header) => Ok(header),
        Err(error) if error.is_data() && !text.contains(PREFIX) => Ok(Header::default()),
        Err(error) => Err(error.into()),
    }
}

/// As [`recognise`], of a text whose format nobody knows: nothing if it is neither JSON nor TOML with such a field.
#[must_use]
pub fn recognise_any(text: &str) -> Header {
    serde_json::from_str(text).ok().or_else(|| toml_keys(text)).unwrap_or_default()
}

/// Demands that a JSON text that mentions this project says its kind: one that does not may have been a document, and a
/// reader who passed it over would let its author hide it.
///
/// # Errors
/// If it does not.
pub fn demand_kind(text: &str) -> Result<(), Damaged> {
    #[derive(Deserialize)]
    struct Strict {
        #[serde(rename = "kind")]
        _kind: String,
    }
    match serde_json::from_str::<Strict>(text) {
        Err(error) if text.contains(PREFIX) => Err(error.into()),
        _ => Ok(()),
    }
}

/// A secret that is no document with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// A signing key: 64 hexadecimal digits.
    Key,
    /// A keystore of an Ethereum wallet.
    Keystore,
    /// A table of balances.
    Holdings,
}

/// Recognises a secret by its form.
#[must_use]
pub fn secret(text: &str) -> Option<Secret> {
    /// The part that every keystore of an Ethereum wallet has.
    #[derive(Deserialize)]
    struct Keystore {
        #[serde(alias = "Crypto", rename = "crypto")]
        _crypto: Value,
    }
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Some(Secret::Key);
    }
    if text.starts_with("instrument,") {
        return Some(Secret::Holdings);
    }
    serde_json::from_str::<Keystore>(text).is_ok().then_some(Secret::Keystore)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            assert_eq!(Kind::of_short_name(kind.short_name()), Some(kind));
            assert_eq!(kind.file_name().map(Kind::of_file_name), kind.file_name().map(|_| Some(kind)));
            assert_eq!(kind.name(), format!("{PREFIX}{}", kind.short_name()));
        }
        assert!(Kind::ALL.is_sorted_by_key(|kind| kind.name()));
    }

    #[test]
    fn a_text_is_what_its_header_says() {
        let kind = |text, format| recognise(text, format).unwrap().known_kind();
        assert_eq!(
            kind("{\"version\": 1, \"version\": 1e999, \"kind\": \"surety\\/policy\"}", Format::Json),
            Some(Kind::Policy)
        );
        assert_eq!(kind("kind = \"surety/policy\"\n[levels]", Format::Toml), Some(Kind::Policy));
        for (text, format) in [("[1, 2]", Format::Json), ("{\"kind\": 5}", Format::Json), ("kind = ", Format::Toml)] {
            assert_eq!(kind(text, format), None, "{text}");
        }
        assert_eq!(recognise_any("kind = \"surety/trust\"").known_kind(), Some(Kind::Trust));
        assert_eq!(recognise_any("{\"kind\": \"surety/strange\"}").kind.as_deref(), Some("surety/strange"));
    }

    /// Attack: spoil a document, so that nobody hears of it.
    #[test]
    fn rejects_what_may_have_been_a_document() {
        for text in ["{\"kind\": \"surety/att", "{\"kind\": \"surety/attestation\", \"kind\": \"x\"}", "text"] {
            assert!(recognise(text, Format::Json).is_err(), "{text}");
        }
        for text in ["{\"claim\": \"surety/attestation\"}", "{\"kind\": null, \"x\": \"surety/attestation\"}"] {
            assert!(demand_kind(text).is_err(), "{text}");
        }
        assert!(demand_kind("{\"name\": \"of another project\"}").is_ok());
    }

    #[test]
    fn secrets_are_known_by_their_form() {
        assert_eq!(secret(&format!("0x{}\n", "0a".repeat(32))), Some(Secret::Key));
        assert_eq!(secret("{\"Crypto\": {}, \"version\": 3}"), Some(Secret::Keystore));
        assert_eq!(secret("instrument,lots\nBTC,1"), Some(Secret::Holdings));
        assert_eq!(secret("{}"), None);
    }
}
