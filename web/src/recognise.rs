//! What a file is, by its content; where that cannot be read, by its name, so that the mistake in it is told.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use surety_core::text::{Document, toml_keys};
use surety_kzg::import::{Format, format_of};
use surety_margin::{market::Snapshot, policy::Policy, universe::Universe};
use surety_verifier::{Attestation, Trust, attestation::compiled::CompiledPolicyFile};

use crate::{
    message::{File, Message, Role},
    verification::{internal, read},
};

/// What the page does with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "use", rename_all = "kebab-case")]
pub enum Recognised {
    /// It takes part.
    Part {
        /// As what.
        role: Role,
        /// What it is about, for people; empty if it has mistakes.
        about: String,
    },
    /// It is of this project, but verifying does not need it.
    Needless {
        /// What it is.
        what: &'static str,
    },
    /// It is a secret, which verifying does not need and nobody should pass on.
    Secret {
        /// What it is.
        what: &'static str,
    },
    /// It is none of this project's.
    Unknown,
}

/// The answer to a message with one file.
#[must_use]
pub fn answer(message: &Message<'_>) -> Value {
    match message.files().next() {
        Some(file) => json!(recognise(file)),
        None => internal("a question about no file"),
    }
}

/// Says what a file is.
#[must_use]
pub fn recognise(file: File<'_>) -> Recognised {
    if let Some(role) = set_up(file.content) {
        return Recognised::Part { role, about: String::new() };
    }
    let Ok(text) = core::str::from_utf8(file.content) else { return Recognised::Unknown };
    if let Some(what) = secret(text) {
        return Recognised::Secret { what };
    }
    let kind = header(text).map(|header| header.kind);
    match kind.as_deref() {
        Some("surety/opening" | "surety/holdings") => Recognised::Secret { what: "hidden balances" },
        Some("surety/statement") => Recognised::Needless { what: "a statement: the attestation has its own copy" },
        Some("surety/report") => Recognised::Needless { what: "a report: the market snapshot has its own copy" },
        Some("surety/calibration") => Recognised::Needless { what: "a calibration" },
        Some(kind) => part(role_of(kind), file),
        None => part(role_by_name(file.name), file),
    }
}

fn part(role: Option<Role>, file: File<'_>) -> Recognised {
    role.map_or(Recognised::Unknown, |role| Recognised::Part { role, about: about(role, file).unwrap_or_default() })
}

fn set_up(content: &[u8]) -> Option<Role> {
    /// The length of Aztec's `g2.dat`, which has no other mark.
    const G2_BYTES: usize = 128;
    match format_of(content) {
        Some(Format::Compact | Format::Ptau | Format::Halo2 | Format::Aztec) => Some(Role::SetUp),
        None if content.len() == G2_BYTES && core::str::from_utf8(content).is_err() => Some(Role::SetUpG2),
        None => None,
    }
}

/// What kind of secret a text is that has no header.
fn secret(text: &str) -> Option<&'static str> {
    /// What every keystore of an Ethereum wallet has.
    #[derive(Deserialize)]
    struct Keystore {
        #[serde(alias = "Crypto", rename = "crypto")]
        _crypto: Value,
    }
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Some("a signing key");
    }
    if text.starts_with("instrument,") {
        return Some("hidden balances");
    }
    serde_json::from_str::<Keystore>(text).is_ok().then_some("a keystore")
}

/// What every file of this project begins with.
#[derive(Deserialize)]
struct Header {
    kind: String,
}

fn header(text: &str) -> Option<Header> {
    serde_json::from_str(text).ok().or_else(|| toml_keys(text))
}

fn role_of(kind: &str) -> Option<Role> {
    Some(match kind {
        "surety/attestation" => Role::Attestation,
        "surety/universe" => Role::Universe,
        "surety/policy" => Role::Policy,
        "surety/market" => Role::Market,
        "surety/compiled-policy" => Role::CompiledPolicy,
        "surety/trust" => Role::Trust,
        _ => return None,
    })
}

/// The names that `surety` gives its files.
fn role_by_name(name: &str) -> Option<Role> {
    Some(match name {
        "attestation.json" => Role::Attestation,
        "universe.toml" => Role::Universe,
        "policy.toml" => Role::Policy,
        "market.json" => Role::Market,
        "policy.compiled.json" => Role::CompiledPolicy,
        "trust.toml" => Role::Trust,
        _ => return None,
    })
}

fn about(role: Role, file: File<'_>) -> Option<String> {
    fn parse<T: Document>(file: File<'_>) -> Option<T> {
        read(file).ok()
    }
    Some(match role {
        Role::Attestation => {
            let claim = parse::<Attestation>(file)?.claim;
            format!("{} of {}", claim.level, claim.subject)
        }
        Role::Universe => parse::<Universe>(file)?.name.to_string(),
        Role::Policy => parse::<Policy>(file)?.name.to_string(),
        Role::Market => format!("epoch {}", parse::<Snapshot>(file)?.epoch),
        Role::CompiledPolicy => parse::<CompiledPolicyFile>(file)?.policy.0.to_string(),
        Role::Trust => parse::<Trust>(file)?.policy.map(|policy| policy.0.to_string())?,
        Role::SetUp | Role::SetUpG2 => return None,
    })
}
