//! `surety info`: the kind and the references of a file. The presence of secrets is shown, their content never.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use surety_calibration::calibration::Calibration;
use surety_core::{capacity::Capacity, text::toml_keys};
use surety_kzg::{import::import, progress::Silent};
use surety_margin::{
    holdings::Holdings,
    market::{Report, Snapshot},
    policy::Policy,
    universe::Universe,
};
use surety_prover::{
    Error,
    chain::{Deployment, market::SnapshotSignature, rules::ChainRules},
    documents,
    files::{self, DOCUMENT_LIMIT},
    keystore::{Keystore, KeystoreError},
    opening::Opening,
    vault::VaultBalances,
    visible::one_line,
};
use surety_verifier::{
    attestation::Attestation,
    compiled::CompiledPolicyFile,
    ids::{DocumentId, UniverseId},
    proof::PROOF_BYTES,
    statement::Statement,
    trust::Trust,
};

use crate::{Session, inputs::origin_name, output::Answer};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The first bytes of a file of cached bases.
const BASES: &[u8] = b"surety/bases\n";

pub(crate) fn run(args: &Args, _: &Session) -> Result<Answer, Error> {
    let path = &args.file;
    let mut data = set_up(path).map_or_else(|| document(path), Ok)?;
    data["file"] = json!(path);
    let text = data.as_object().into_iter().flatten().map(|(key, value)| line(key, value)).collect::<String>();
    Answer::new(&data, text)
}

/// Reduces text from a file to one line.
fn line(key: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    };
    format!("{key:<16} {text}\n")
}

/// A set-up file, which can be large; the first powers suffice to recognise it.
fn set_up(path: &Path) -> Option<Value> {
    let smallest = Capacity::all().next();
    let srs = import(path, None, smallest, &Silent).ok()?;
    let bytes = path.metadata().ok()?.len();
    Some(json!({ "kind": "set-up", "id": srs.id().bytes(), "origin": origin_name(srs.origin()), "bytes": bytes }))
}

fn document(path: &Path) -> Result<Value, Error> {
    let bytes = files::read(path, DOCUMENT_LIMIT)?;
    let mut data = if bytes.starts_with(BASES) {
        json!({ "kind": "surety/bases", "content": "cached bases of a set-up" })
    } else if bytes.len() == PROOF_BYTES {
        json!({ "kind": "proof" })
    } else {
        let text = std::str::from_utf8(&bytes).map_err(|_| unknown(path))?;
        text_document(path, text)?
    };
    data["bytes"] = json!(bytes.len());
    Ok(data)
}

fn text_document(path: &Path, text: &str) -> Result<Value, Error> {
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix("0x").unwrap_or(trimmed);
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        match digits.len() {
            64 => return Ok(json!({ "kind": "signing key", "secret": true, "encrypted": false })),
            length if length == 2 * PROOF_BYTES => return Ok(json!({ "kind": "proof", "encoding": "hexadecimal" })),
            _ => {}
        }
    }
    let keystore = |mut data: Value| {
        data["kind"] = json!("keystore");
        data["secret"] = json!(true);
        data["encrypted"] = json!(true);
        data
    };
    match Keystore::parse(text) {
        Ok(Keystore { address, .. }) => return Ok(keystore(json!({ "address": address }))),
        Err(error @ (KeystoreError::Version1 | KeystoreError::Version4 | KeystoreError::Presale)) => {
            return Ok(keystore(json!({ "unusable": error.to_string() })));
        }
        Err(_) => {}
    }
    match text.lines().next() {
        Some(line) if line.starts_with("instrument,") => {
            return Ok(json!({ "kind": "surety/holdings", "secret": true }));
        }
        Some(line) if line.starts_with("date,") => return Ok(json!({ "kind": "price history" })),
        Some(line) if has_columns(line, &["entry", "price"]) => return Ok(json!({ "kind": "observations of prices" })),
        _ => {}
    }
    let header = header(text).ok_or_else(|| unknown(path))?;
    let mut data = summary(path, &header.kind)?;
    data["kind"] = json!(header.kind);
    data["version"] = json!(header.version);
    Ok(data)
}

/// Whether a line is the header of a table with the given columns.
fn has_columns(line: &str, wanted: &[&str]) -> bool {
    let columns: Vec<_> =
        line.split([',', ';', '\t']).map(|name| name.trim().trim_matches(['"', '\u{feff}'])).collect();
    wanted.iter().all(|name| columns.iter().any(|column| column.eq_ignore_ascii_case(name)))
}

/// The leading fields of every document of the project.
#[derive(serde::Deserialize)]
struct Header {
    kind: String,
    version: u32,
}

fn header(text: &str) -> Option<Header> {
    serde_json::from_str(text).ok().or_else(|| toml_keys(text))
}

/// The subject of a document, and its references.
fn summary(path: &Path, kind: &str) -> Result<Value, Error> {
    Ok(match kind {
        "surety/universe" => {
            let universe: Universe = documents::read(path)?;
            let id = UniverseId::of(&universe)?;
            json!({ "name": universe.name, "id": id, "srs": universe.srs, "k": universe.capacity.k(),
                    "instruments": universe.instruments.len() })
        }
        "surety/policy" => {
            let policy: Policy = documents::read(path)?;
            let levels: Vec<_> = policy.levels.iter().map(|level| &level.name).collect();
            json!({ "name": policy.name, "document": DocumentId::of(&policy)?, "universe": policy.universe,
                    "levels": levels, "prices": policy.market.len() })
        }
        "surety/calibration" => {
            let calibration: Calibration = documents::read(path)?;
            json!({ "policy": calibration.policy, "estimator": calibration.estimator,
                "confidence": calibration.confidence,
                    "horizon": calibration.horizon, "window": calibration.window })
        }
        "surety/compiled-policy" => {
            let file: CompiledPolicyFile = documents::read(path)?;
            json!({ "policy": file.policy, "document": file.document, "universe": file.universe, "srs": file.srs,
                    "k": file.capacity.k() })
        }
        "surety/market" => {
            let snapshot: Snapshot = documents::read(path)?;
            json!({ "epoch": snapshot.epoch, "time": snapshot.time, "prices": snapshot.prices.len(),
                    "reports": snapshot.reports.len(), "marked": snapshot.marked })
        }
        "surety/report" => {
            let report: Report = documents::read(path)?;
            json!({ "oracle": report.oracle, "feeds": report.feeds, "epoch": report.epoch, "time": report.observed_at,
                    "previous": report.previous })
        }
        "surety/statement" => {
            let statement: Statement = documents::read(path)?;
            json!({ "hash": statement.hash(), "source": statement.source, "subject": statement.subject,
                    "account": statement.account, "universe": statement.universe, "as_of": statement.as_of,
                    "valid_until": statement.valid_until, "sequence": statement.sequence })
        }
        "surety/attestation" => {
            let attestation: Attestation = documents::read(path)?;
            let claim = &attestation.claim;
            json!({ "subject": claim.subject, "level": claim.level, "policy": claim.policy, "universe": claim.universe,
                    "srs": claim.srs, "snapshot": claim.snapshot,
                    "epoch": claim.epoch, "valid_until": claim.valid_until,
                    "statements": claim.statements.len(), "chain_id": claim.audience.chain_id,
                    "registry": claim.audience.registry })
        }
        "surety/trust" => {
            let trust: Trust = documents::read(path)?;
            json!({ "policy": trust.policy, "srs": trust.srs, "epoch": trust.epoch })
        }
        "surety/deployment" => {
            let deployment: Deployment = documents::read(path)?;
            json!({ "chain_id": deployment.chain_id, "registry": deployment.registry, "verifier": deployment.verifier,
                    "verifying_key": deployment.verifying_key })
        }
        "surety/chain-rules" => {
            let rules: ChainRules = documents::read(path)?;
            json!({ "line": rules.line, "policy_version": rules.policy_version, "feeds": rules.feeds.len(),
                    "vault": rules.vault.is_some() })
        }
        "surety/snapshot-signature" => {
            let signature: SnapshotSignature = documents::read(path)?;
            json!({ "snapshot": signature.snapshot, "policy": signature.policy, "signer": signature.signer,
                    "chain_id": signature.chain_id, "oracle": signature.oracle })
        }
        "surety/vault-balances" => {
            let balances: VaultBalances = documents::read(path)?;
            json!({ "chain_id": balances.chain_id, "vault": balances.vault, "subject": balances.subject,
                    "checkpoint": balances.checkpoint, "number": balances.number })
        }
        "surety/holdings" => {
            let holdings: Holdings = documents::read(path)?;
            json!({ "universe": holdings.universe, "secret": true })
        }
        "surety/opening" => {
            let opening: Opening = documents::read(path)?;
            json!({ "statement": opening.statement, "secret": true })
        }
        kind if KINDS_OF_ITS_OWN.contains(&kind) => json!({}),
        kind if kind.starts_with("surety/") => return Err(unknown_kind(path, kind)),
        _ => return Err(unknown(path)),
    })
}

/// Kinds of files that people exchange.
const KINDS: [&str; 16] = [
    "surety/attestation",
    "surety/calibration",
    "surety/chain-rules",
    "surety/compiled-policy",
    "surety/deployment",
    "surety/holdings",
    "surety/market",
    "surety/opening",
    "surety/policy",
    "surety/report",
    "surety/snapshot-signature",
    "surety/statement",
    "surety/trust",
    "surety/universe",
    "surety/vault-balances",
    "surety/bases",
];

/// Kinds of files that the program keeps for itself; only the kind is reported.
const KINDS_OF_ITS_OWN: [&str; 3] = ["surety/proof-count", "surety/protocol", "surety/verifying-keys"];

fn unknown_kind(path: &Path, kind: &str) -> Error {
    Error::Usage(format!(
        "{}: expected a file of a kind that this version knows ({}), found {}: it is damaged, or of another version",
        path.display(),
        KINDS.into_iter().chain(KINDS_OF_ITS_OWN).collect::<Vec<_>>().join(", "),
        one_line(kind)
    ))
}

fn unknown(path: &Path) -> Error {
    Error::Usage(format!(
        "{}: expected a file of this project, a set-up, a proof or a key, found {}",
        path.display(),
        recognised(path)
    ))
}

/// Describes a file of no known kind without repeating any of its content.
fn recognised(path: &Path) -> &'static str {
    const TABLES: [char; 3] = [',', ';', '\t'];
    let Ok(bytes) = files::read(path, DOCUMENT_LIMIT) else { return "a file larger than any document" };
    let Ok(text) = std::str::from_utf8(&bytes) else { return "a binary file of another kind" };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let first = text.lines().next().unwrap_or_default();
    let begins = |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if text.is_empty() {
        "an empty file"
    } else if begins("<!doctype html") || begins("<html") {
        "a web page, perhaps the error page of a download"
    } else if begins("<?xml") {
        "XML, perhaps the error of a download"
    } else if begins("version https://git-lfs") {
        "a pointer of Git LFS, and not the file: fetch it with git lfs pull"
    } else if begins("-----BEGIN") {
        "a PEM file"
    } else if serde_json::from_str::<Value>(text).is_ok() {
        "JSON that does not say its kind"
    } else if text.starts_with(['{', '[']) {
        "a text that begins like JSON and is none: it is damaged or cut off"
    } else if toml_keys::<BTreeMap<String, IgnoredAny>>(text).is_some() {
        "TOML that does not say its kind"
    } else if first.contains(TABLES) {
        "a table whose columns are those of no file that is read by itself"
    } else {
        "a text of another kind"
    }
}
