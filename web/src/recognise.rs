//! What a file is, by its content; where that cannot be read, by its name, so that the mistake in it is told.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use surety_audit::archive::is_archive;
use surety_books::book::Book;
use surety_core::{
    kind::{self, Kind, Secret},
    text::Document,
};
use surety_kzg::import::{Format, format_of};
use surety_margin::{market::Snapshot, policy::Policy, universe::Universe};
use surety_verifier::{
    Attestation, Trust,
    attestation::{compiled::CompiledPolicyFile, statement::Statement},
};

use crate::{
    envelope,
    inputs::read,
    message::{File, Message, Role},
    zip::is_zip,
};

/// Who asks what a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Page {
    /// The page that verifies.
    Verifying,
    /// The page on which users check their cells.
    Checking,
    /// The page that proves.
    Proving,
}

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
    match (message.files().next(), message.terms()) {
        (Some(file), Ok(page)) => json!(recognise(file, page)),
        (None, _) => envelope::internal("recognise", "a question about no file"),
        (_, Err(error)) => envelope::internal("recognise", &error),
    }
}

/// Says what a file is.
#[must_use]
pub fn recognise(file: File<'_>, page: Page) -> Recognised {
    if let Some(role) = set_up(file.content) {
        return Recognised::Part { role, about: String::new() };
    }
    if page == Page::Verifying
        && let Some(role) = many(file.content)
    {
        return Recognised::Part { role, about: String::new() };
    }
    let Ok(text) = core::str::from_utf8(file.content) else { return Recognised::Unknown };
    let secret = kind::secret(text);
    match secret {
        Some(Secret::Key) => return Recognised::Secret { what: "a signing key" },
        Some(Secret::Keystore) => return Recognised::Secret { what: "a keystore" },
        Some(Secret::Holdings) | None => {}
    }
    let header = kind::recognise_any(text);
    // A text that does not say its kind may be a damaged document.
    let kind = if header.kind.is_some() { header.known_kind() } else { Kind::of_file_name(file.name) };
    match page {
        Page::Verifying if secret.is_some() => HIDDEN_BALANCES,
        Page::Verifying => for_verifier(kind, file),
        Page::Checking => for_user(kind, file),
        Page::Proving => for_holder(kind, file),
    }
}

const HIDDEN_BALANCES: Recognised = Recognised::Secret { what: "hidden balances" };

/// The part that a file takes in a verification.
fn for_verifier(kind: Option<Kind>, file: File<'_>) -> Recognised {
    let role = match kind {
        Some(Kind::Opening | Kind::Holdings | Kind::Cell) => return HIDDEN_BALANCES,
        Some(Kind::Statement) => return needless("a statement: the attestation has its own copy"),
        Some(Kind::Report) => return needless("a report: the market snapshot has its own copy"),
        Some(Kind::Calibration) => return needless("a calibration"),
        // They count only if the verifier has read them on the chain, and files on this page may be anybody's.
        Some(Kind::VaultBalances) => {
            return needless("balances of a vault: surety verify --vault takes those that you have read yourself");
        }
        Some(Kind::Attestation) => Some(Role::Attestation),
        Some(Kind::CompiledPolicy) => Some(Role::CompiledPolicy),
        kind => common(kind),
    };
    part(role, file)
}

/// The part that a file takes in a proof. The holder's own secrets are what a proof is made of.
fn for_holder(kind: Option<Kind>, file: File<'_>) -> Recognised {
    let role = match kind {
        Some(Kind::Holdings) => return needless("balances: the openings have their own copy"),
        Some(Kind::Report) => return needless("a report: the market snapshot has its own copy"),
        Some(Kind::Calibration) => return needless("a calibration"),
        Some(Kind::Attestation) => return needless("an attestation: this page makes a new one"),
        Some(Kind::CompiledPolicy) => return needless("a compiled policy: this page compiles it itself"),
        Some(Kind::Opening) => Some(Role::Opening),
        Some(Kind::Statement) => Some(Role::Statement),
        Some(Kind::VaultBalances) => Some(Role::VaultBalances),
        kind => common(kind),
    };
    part(role, file)
}

/// The part that a file takes in the check of a user's own cell.
fn for_user(kind: Option<Kind>, file: File<'_>) -> Recognised {
    let role = match kind {
        Some(Kind::Opening | Kind::Holdings) => return HIDDEN_BALANCES,
        Some(Kind::Policy | Kind::Market | Kind::BookRules) => {
            return needless("a file that auditors of the book take: surety book verify");
        }
        Some(Kind::Cell) => Some(Role::Cell),
        Some(Kind::Book) => Some(Role::Book),
        Some(Kind::CellKeys) => Some(Role::CellKeys),
        Some(Kind::Universe) => Some(Role::Universe),
        _ => None,
    };
    part(role, file)
}

/// The part that documents of a kind take in verifying and in proving.
fn common(kind: Option<Kind>) -> Option<Role> {
    Some(match kind? {
        Kind::Universe => Role::Universe,
        Kind::Policy => Role::Policy,
        Kind::Market => Role::Market,
        Kind::Trust => Role::Trust,
        _ => return None,
    })
}

fn needless(what: &'static str) -> Recognised {
    Recognised::Needless { what }
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

/// What many documents are in at once.
fn many(content: &[u8]) -> Option<Role> {
    if is_zip(content) { Some(Role::Zip) } else { is_archive(content).then_some(Role::Archive) }
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
        Role::Statement => parse::<Statement>(file)?.account.to_string(),
        Role::Book => format!("of {}", parse::<Book>(file)?.venue),
        // Nothing of a secret is shown.
        Role::Opening | Role::Cell => return None,
        Role::VaultBalances | Role::CellKeys | Role::SetUp | Role::SetUpG2 | Role::Zip | Role::Archive => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENING: &[u8] = br#"{"kind": "surety/opening", "version": 2, "holdings": {}}"#;

    fn file(content: &[u8]) -> File<'_> {
        File { name: "file.json", content }
    }

    /// Attack: a folder with balances of a vault that nobody has read on its chain.
    #[test]
    fn rejects_to_take_balances_of_a_vault_from_a_folder() {
        let recognised = recognise(file(br#"{"kind": "surety/vault-balances", "version": 1}"#), Page::Verifying);
        assert!(matches!(recognised, Recognised::Needless { what } if what.contains("surety verify --vault")));
        assert_eq!(recognise(file(br#"{"kind": "surety/strange"}"#), Page::Verifying), Recognised::Unknown);
    }

    /// Attack: openings that somebody sends to a verifier.
    #[test]
    fn rejects_openings_but_from_their_holder() {
        assert_eq!(recognise(file(OPENING), Page::Verifying), HIDDEN_BALANCES);
        let recognised = recognise(file(OPENING), Page::Proving);
        assert_eq!(recognised, Recognised::Part { role: Role::Opening, about: String::new() });
    }

    /// Attack: a cell that somebody sends to a verifier, or asks for on a page that proves.
    #[test]
    fn rejects_cells_but_from_their_user() {
        const CELL: &[u8] = br#"{"kind": "surety/cell", "version": 1, "balances": []}"#;
        assert_eq!(recognise(file(CELL), Page::Verifying), HIDDEN_BALANCES);
        assert_eq!(recognise(file(CELL), Page::Proving), Recognised::Unknown);
        let recognised = recognise(file(CELL), Page::Checking);
        assert_eq!(recognised, Recognised::Part { role: Role::Cell, about: String::new() });
        assert_eq!(recognise(file(OPENING), Page::Checking), HIDDEN_BALANCES);
    }

    #[test]
    fn rejects_keys_on_every_page() {
        let key = format!("0x{}\n", "17".repeat(32));
        for page in [Page::Verifying, Page::Checking, Page::Proving] {
            let recognised = recognise(file(key.as_bytes()), page);
            assert_eq!(recognised, Recognised::Secret { what: "a signing key" });
        }
    }
}
