//! `surety info`: the kind and the references of a file. The presence of secrets is shown, their content never.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use surety_audit::{
    archive::{Archive, Evidence, Summary},
    audit::engagement::Engagement,
    signature::ReportSignature,
};
use surety_books::{
    book::Book,
    cell::{CellFile, CellKeys},
    rules::BookRules,
};
use surety_calibration::calibration::Calibration;
use surety_chain::{Deployment, market::SnapshotSignature, proposal::Proposal, rules::ChainRules};
use surety_core::{
    capacity::Capacity,
    kind::{self, Kind, Secret},
    spelling::iso_time,
    text::toml_keys,
    visible::one_line,
};
use surety_host::{
    documents,
    files::{self, DOCUMENT_LIMIT},
    import::import,
    keystore::{Keystore, KeystoreError},
};
use surety_kzg::progress::Silent;
use surety_margin::{
    holdings::Holdings,
    market::{Report, Snapshot},
    policy::Policy,
    universe::Universe,
};
use surety_prover::{bundle::Bundle, opening::Opening};
use surety_service::configuration::Configuration;
use surety_venue::directory::Plan;
use surety_verifier::{
    attestation::{
        claim::Attestation,
        compiled::CompiledPolicyFile,
        identifiers::{DocumentId, UniverseId},
        statement::Statement,
        trust::Trust,
        vault::VaultBalances,
    },
    proof::encoding::PROOF_BYTES,
};

use crate::{
    Session,
    error::{Error, Usage},
    inputs::origin_name,
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Kinds of cached files, and what they have: no documents, since only the program reads them. Each begins with its
/// kind and the end of the line.
const CACHED: [(&str, &str); 2] =
    [("surety/bases", "cached bases of a set-up"), ("surety/table", "cached multiples of the bases of a set-up")];

pub(crate) fn run(args: &Args, _: &Session) -> Result<Answer, Error> {
    let path = &args.file;
    let mut data = match set_up(path) {
        Some(data) => data,
        None if begins_with(path, SQLITE) => database(path)?,
        None => document(path)?,
    };
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

/// The beginning of every SQLite database.
const SQLITE: &[u8] = b"SQLite format 3\0";

fn begins_with(path: &Path, mark: &[u8]) -> bool {
    // Opening a pipe would wait for its writer.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(mark.len() as u64).read_to_end(&mut start));
    read.is_ok() && start == mark
}

/// An archive, whose chain is checked; other databases are somebody else's.
fn database(path: &Path) -> Result<Value, Error> {
    let Summary { entries, head } = Archive::open_read_only(path)?.check(None)?;
    Ok(json!({ "kind": "archive", "entries": entries, "head": head, "chain": "whole" }))
}

/// What the program writes for people and programs, and does not read again: kind, and what it is about.
fn written(text: &str) -> Option<Value> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        surety: String,
        command: String,
        ok: bool,
    }
    if let Ok(Envelope { surety, command, ok }) = serde_json::from_str(text) {
        return Some(json!({ "kind": "answer", "command": command, "ok": ok, "surety": surety }));
    }
    let page = text.strip_prefix("<!DOCTYPE html>")?;
    let named = |before: &str| Some(page.split_once(before)?.1.split_once(['"', '<'])?.0.to_owned());
    let surety = named("<meta name=\"generator\" content=\"surety ")?;
    Some(json!({ "kind": "audit report", "title": named("<title>"), "surety": surety }))
}

/// A report in PDF, by its producer.
fn pdf(bytes: &[u8]) -> Option<Value> {
    const PRODUCER: &[u8] = b"/Producer (surety ";
    let start = bytes.windows(PRODUCER.len()).position(|window| window == PRODUCER)? + PRODUCER.len();
    let version = bytes[start..].split(|byte| *byte == b')').next()?;
    Some(json!({ "kind": "audit report", "surety": String::from_utf8_lossy(version) }))
}

/// The lines of a manifest: the SHA-256 of a file, two spaces and its name.
fn manifest(text: &str) -> Option<Value> {
    let is_line = |line: &str| {
        let line = line.strip_prefix('\\').unwrap_or(line);
        let named = line.split_once("  ");
        named.is_some_and(|(hash, _)| hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    (!text.is_empty() && text.lines().all(is_line))
        .then(|| json!({ "kind": "manifest", "files": text.lines().count() }))
}

fn document(path: &Path) -> Result<Value, Error> {
    let bytes = files::read(path, DOCUMENT_LIMIT)?;
    let begins = |kind: &str| bytes.strip_prefix(kind.as_bytes()).is_some_and(|rest| rest.starts_with(b"\n"));
    let mut data = if let Some((kind, content)) = CACHED.into_iter().find(|(kind, _)| begins(kind)) {
        json!({ "kind": kind, "content": content })
    } else if bytes.len() == PROOF_BYTES {
        json!({ "kind": "proof" })
    } else if bytes.starts_with(b"%PDF-") {
        pdf(&bytes).ok_or_else(|| unknown(path))?
    } else {
        let text = std::str::from_utf8(&bytes).map_err(|_| unknown(path))?;
        text_document(path, text)?
    };
    data["bytes"] = json!(bytes.len());
    Ok(data)
}

fn text_document(path: &Path, text: &str) -> Result<Value, Error> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if digits.len() == 2 * PROOF_BYTES && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(json!({ "kind": "proof", "encoding": "hexadecimal" }));
    }
    match kind::secret(text) {
        Some(Secret::Key) => return Ok(json!({ "kind": "signing key", "secret": true, "encrypted": false })),
        Some(Secret::Holdings) => return Ok(json!({ "kind": Kind::Holdings.name(), "secret": true })),
        // A keystore may be of an unusable version: see below.
        Some(Secret::Keystore) | None => {}
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
        Some(line) if line.starts_with("date,") => return Ok(json!({ "kind": "price history" })),
        Some(line) if has_columns(line, &["entry", "price"]) => return Ok(json!({ "kind": "observations of prices" })),
        Some(line) if has_columns(line, &["file", "verdict", "manifest_sha256"]) => {
            return Ok(json!({ "kind": "audit report", "attestations": text.lines().count().saturating_sub(1) }));
        }
        _ => {}
    }
    if let Some(data) = written(text).or_else(|| manifest(text)) {
        return Ok(data);
    }
    let header = kind::recognise_any(text);
    let (Some(name), Some(version)) = (&header.kind, version(text)) else {
        return Err(unknown(path));
    };
    let mut data = match header.known_kind() {
        Some(kind) => summary(path, kind)?,
        None if name.starts_with("surety/") => return Err(unknown_kind(path, name)),
        None => return Err(unknown(path)),
    };
    data["kind"] = json!(name);
    data["version"] = json!(version);
    Ok(data)
}

/// The version of a document's format.
fn version(text: &str) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    let versioned: Option<Versioned> = serde_json::from_str(text).ok().or_else(|| toml_keys(text));
    versioned.map(|versioned| versioned.version)
}

/// Whether a line is the header of a table with the given columns.
fn has_columns(line: &str, wanted: &[&str]) -> bool {
    let columns: Vec<_> =
        line.split([',', ';', '\t']).map(|name| name.trim().trim_matches(['"', '\u{feff}'])).collect();
    wanted.iter().all(|name| columns.iter().any(|column| column.eq_ignore_ascii_case(name)))
}

/// What a document is about and what it refers to.
fn summary(path: &Path, kind: Kind) -> Result<Value, Error> {
    Ok(match kind {
        Kind::Universe => {
            let universe: Universe = documents::read(path)?;
            let id = UniverseId::of(&universe)?;
            json!({ "name": universe.name, "id": id, "srs": universe.srs, "k": universe.capacity.k(),
                    "instruments": universe.instruments.len() })
        }
        Kind::Policy => {
            let policy: Policy = documents::read(path)?;
            let levels: Vec<_> = policy.levels.iter().map(|level| &level.name).collect();
            json!({ "name": policy.name, "document": DocumentId::of(&policy)?, "universe": policy.universe,
                    "levels": levels, "prices": policy.market.len() })
        }
        Kind::Calibration => {
            let calibration: Calibration = documents::read(path)?;
            json!({ "policy": calibration.policy, "estimator": calibration.estimator,
                "confidence": calibration.confidence,
                    "horizon": calibration.horizon, "window": calibration.window })
        }
        Kind::CompiledPolicy => {
            let file: CompiledPolicyFile = documents::read(path)?;
            json!({ "policy": file.policy, "document": file.document, "universe": file.universe, "srs": file.srs,
                    "k": file.capacity.k() })
        }
        Kind::Market => {
            let snapshot: Snapshot = documents::read(path)?;
            json!({ "epoch": snapshot.epoch, "time": snapshot.time, "prices": snapshot.prices.len(),
                    "reports": snapshot.reports.len(), "marked": snapshot.marked })
        }
        Kind::Report => {
            let report: Report = documents::read(path)?;
            json!({ "oracle": report.oracle, "feeds": report.feeds, "epoch": report.epoch, "time": report.observed_at,
                    "previous": report.previous })
        }
        Kind::Statement => {
            let statement: Statement = documents::read(path)?;
            json!({ "hash": statement.hash(), "source": statement.source, "subject": statement.subject,
                    "account": statement.account, "universe": statement.universe, "as_of": statement.as_of,
                    "valid_until": statement.valid_until, "sequence": statement.sequence })
        }
        Kind::Attestation => {
            let attestation: Attestation = documents::read(path)?;
            let claim = &attestation.claim;
            json!({ "subject": claim.subject, "level": claim.level, "policy": claim.policy, "universe": claim.universe,
                    "srs": claim.srs, "snapshot": claim.snapshot,
                    "epoch": claim.epoch, "valid_until": claim.valid_until,
                    "statements": claim.statements.len(), "chain_id": claim.audience.chain_id,
                    "registry": claim.audience.registry })
        }
        Kind::Trust => {
            let trust: Trust = documents::read(path)?;
            json!({ "policy": trust.policy, "srs": trust.srs, "epoch": trust.epoch })
        }
        Kind::Deployment => {
            let deployment: Deployment = documents::read(path)?;
            json!({ "chain_id": deployment.chain_id, "registry": deployment.registry, "verifier": deployment.verifier,
                    "verifying_key": deployment.verifying_key })
        }
        Kind::ChainRules => {
            let rules: ChainRules = documents::read(path)?;
            json!({ "line": rules.line, "policy_version": rules.policy_version, "feeds": rules.feeds.len() })
        }
        Kind::Proposal => {
            let proposal: Proposal = documents::read(path)?;
            json!({ "in_force": proposal.in_force, "proposed": proposal.proposed, "line": proposal.line,
                    "policy_version": proposal.policy_version, "changes": proposal.changes.len(),
                    "fast_path": proposal.fast_path.suffices, "calls": proposal.calls.len() })
        }
        Kind::SnapshotSignature => {
            let signature: SnapshotSignature = documents::read(path)?;
            json!({ "snapshot": signature.snapshot, "policy": signature.policy, "signer": signature.signer,
                    "chain_id": signature.chain_id, "oracle": signature.oracle })
        }
        Kind::VaultBalances => {
            let balances: VaultBalances = documents::read(path)?;
            json!({ "chain_id": balances.chain_id, "vault": balances.vault, "subject": balances.subject,
                    "universe": balances.universe, "checkpoint": balances.checkpoint, "number": balances.number,
                    "grown_at": balances.grown_at })
        }
        Kind::BookRules => {
            let rules: BookRules = documents::read(path)?;
            let kinds: Vec<_> = rules.kinds.iter().map(|kind| &kind.name).collect();
            json!({ "venue": rules.venue, "level": rules.level, "quote": rules.quote, "kinds": kinds })
        }
        Kind::Book => {
            let book: Book = documents::read(path)?;
            json!({ "venue": book.venue, "root": book.root, "rules": book.rules.id(), "pages": book.pages,
                    "as_of": book.as_of, "valid_until": book.valid_until, "chain_id": book.audience.chain_id,
                    "registry": book.audience.registry })
        }
        Kind::Engagement => {
            let terms: Engagement = documents::read(path)?;
            json!({ "client": one_line(&terms.client), "from": iso_time(terms.period.from),
                    "to": iso_time(terms.period.to), "subjects": terms.subjects.len(),
                    "policies": terms.policies.iter().map(|expected| expected.policy).collect::<Vec<_>>() })
        }
        Kind::Evidence => {
            let evidence: Evidence = documents::read(path)?;
            json!({ "name": evidence.name, "reason": evidence.reason, "sha256": evidence.sha256 })
        }
        Kind::ReportSignature => {
            let signature: ReportSignature = documents::read(path)?;
            json!({ "sha256": signature.sha256, "signer": signature.signer })
        }
        Kind::Bundle => {
            let bundle: Bundle = documents::read(path)?;
            let Statement { source, account, sequence, .. } = &bundle.statement;
            json!({ "statement": bundle.statement.hash(), "source": source, "account": account,
                    "sequence": sequence, "secret": true })
        }
        Kind::Service => {
            let configuration: Configuration = documents::read(path)?;
            json!({ "roles": configuration.roles() })
        }
        Kind::CellKeys => {
            let keys: CellKeys = documents::read(path)?;
            let rows: Vec<_> = keys.keys.iter().map(|key| key.powers.len()).collect();
            json!({ "srs": keys.srs, "rows": rows })
        }
        Kind::Cell => {
            let cell: CellFile = documents::read(path)?;
            json!({ "root": cell.root, "page": cell.page, "secret": true })
        }
        Kind::BookPlan => {
            let plan: Plan = documents::read(path)?;
            json!({ "accounts": plan.accounts, "pages": plan.inputs.len() })
        }
        Kind::Holdings => {
            let holdings: Holdings = documents::read(path)?;
            json!({ "universe": holdings.universe, "secret": true })
        }
        Kind::Opening => {
            let opening: Opening = documents::read(path)?;
            json!({ "statement": opening.statement, "secret": true })
        }
        // There is nothing to say of these but that they are the program's own.
        Kind::ForecastState | Kind::LastStatement | Kind::Protocol | Kind::ProvenSnapshots | Kind::VerifyingKeys => {
            json!({})
        }
    })
}

fn unknown_kind(path: &Path, kind: &str) -> Error {
    let known = Kind::ALL.into_iter().map(Kind::name).chain(CACHED.map(|(kind, _)| kind));
    Error::from(Usage(format!(
        "{}: expected a file of a kind that this version knows ({}), found {}: it is damaged, or of another version",
        path.display(),
        known.collect::<Vec<_>>().join(", "),
        one_line(kind)
    )))
}

fn unknown(path: &Path) -> Error {
    Error::from(Usage(format!(
        "{}: expected a file of this project, a set-up, a proof or a key, found {}",
        path.display(),
        recognised(path)
    )))
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
