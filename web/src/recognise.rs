//! What a file is, by its content; where that cannot be read, by its name, so that the mistake in it is told.

use serde::Serialize;
use serde_json::{Value, json};
use surety_core::{
    kind::{self, Kind, Secret},
    text::Document,
};
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
    match kind::secret(text) {
        Some(Secret::Key) => return Recognised::Secret { what: "a signing key" },
        Some(Secret::Keystore) => return Recognised::Secret { what: "a keystore" },
        Some(Secret::Holdings) => return Recognised::Secret { what: "hidden balances" },
        None => {}
    }
    let header = kind::recognise_any(text);
    // A text that does not say its kind may be a damaged document.
    let kind = if header.kind.is_some() { header.known_kind() } else { Kind::of_file_name(file.name) };
    match kind {
        Some(Kind::Opening | Kind::Holdings) => Recognised::Secret { what: "hidden balances" },
        Some(Kind::Statement) => Recognised::Needless { what: "a statement: the attestation has its own copy" },
        Some(Kind::Report) => Recognised::Needless { what: "a report: the market snapshot has its own copy" },
        Some(Kind::Calibration) => Recognised::Needless { what: "a calibration" },
        // They count only if the verifier has read them on the chain, and files on this page may be anybody's.
        Some(Kind::VaultBalances) => Recognised::Needless {
            what: "balances of a vault: surety verify --vault takes those that you have read yourself",
        },
        kind => part(kind.and_then(role_of), file),
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

/// The part that documents of a kind take in a verification.
fn role_of(kind: Kind) -> Option<Role> {
    Some(match kind {
        Kind::Attestation => Role::Attestation,
        Kind::Universe => Role::Universe,
        Kind::Policy => Role::Policy,
        Kind::Market => Role::Market,
        Kind::CompiledPolicy => Role::CompiledPolicy,
        Kind::Trust => Role::Trust,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack: a folder with balances of a vault that nobody has read on its chain.
    #[test]
    fn rejects_to_take_balances_of_a_vault_from_a_folder() {
        let file = |content| File { name: "vault.json", content };
        let recognised = recognise(file(br#"{"kind": "surety/vault-balances", "version": 1}"#));
        assert!(matches!(recognised, Recognised::Needless { what } if what.contains("surety verify --vault")));
        assert_eq!(recognise(file(br#"{"kind": "surety/strange"}"#)), Recognised::Unknown);
    }
}
