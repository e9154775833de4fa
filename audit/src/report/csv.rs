//! An audit as a table for spreadsheets: one line for each attestation.
//!
//! No field begins with a character that a spreadsheet takes for the start of a formula: such a field is prefixed with
//! an apostrophe, which marks text. Every field is quoted, so that a spreadsheet that separates fields by semicolons
//! finds no field inside another.

use ::csv::{QuoteStyle, WriterBuilder};
use surety_core::{failure::Internal, ident::Bytes32, spelling::iso_time, units::Timestamp};

use super::facts::word;
use crate::audit::{Audit, PolicyFacts, entry::Established};

const HEADER: [&str; 26] = [
    "file",
    "verdict",
    "reason",
    "class",
    "subject",
    "level",
    "policy",
    "policy_name",
    "epoch",
    "snapshot",
    "prices_at",
    "balances_at",
    "earliest",
    "valid_until",
    "pledged",
    "marked",
    "message",
    "universe",
    "set_up",
    "verifying_key",
    "surety",
    "claim",
    "below",
    "sha256",
    "trust_files",
    "manifest_sha256",
];

/// The table.
///
/// # Errors
/// If it cannot be written, which is this crate's fault.
pub fn csv(audit: &Audit) -> Result<String, Internal> {
    let failed = |error: ::csv::Error| Internal(error.to_string());
    let mut writer = WriterBuilder::new().quote_style(QuoteStyle::Always).from_writer(Vec::new());
    writer.write_record(HEADER).map_err(failed)?;
    let trust = audit.trust.iter().map(|file| format!("{} {}", file.sha256, file.file)).collect::<Vec<_>>().join("; ");
    for entry in &audit.attestations {
        let (claim, stated, reason) = (entry.claim.as_ref(), entry.stated.as_ref(), entry.reason.as_ref());
        let claimed = |field: fn(&Established) -> String| claim.map(field).unwrap_or_default();
        let policy = claim.and_then(|claim| audit.policies.iter().find(|policy| policy.id == claim.policy));
        let checked =
            |field: fn(&PolicyFacts) -> Bytes32| policy.map(|policy| field(policy).to_string()).unwrap_or_default();
        let either = |good: Option<String>, refused: Option<String>| good.or(refused).unwrap_or_default();
        let record = [
            entry.file.clone(),
            word(entry.verdict),
            reason.map(|reason| reason.code.clone()).unwrap_or_default(),
            reason.map(|reason| word(reason.class)).unwrap_or_default(),
            either(claim.map(|claim| claim.subject.to_string()), stated.map(|stated| stated.subject.to_string())),
            either(claim.map(|claim| claim.level.to_string()), stated.map(|stated| stated.level.to_string())),
            either(claim.map(|claim| claim.policy.0.to_string()), stated.map(|stated| stated.policy.0.to_string())),
            claimed(|claim| claim.policy_name.to_string()),
            either(
                claim.map(|claim| claim.epoch.to_string()),
                stated.and_then(|stated| Some(stated.epoch?.to_string())),
            ),
            claimed(|claim| claim.snapshot.0.to_string()),
            claimed(|claim| time_of(claim.prices_at)),
            claimed(|claim| time_of(claim.balances_at)),
            either(claim.map(|claim| time_of(claim.earliest)), stated.map(|stated| time_of(stated.from))),
            either(claim.map(|claim| time_of(claim.valid_until)), stated.map(|stated| time_of(stated.valid_until))),
            claimed(|claim| claim.pledged.to_string()),
            claimed(|claim| claim.marked.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
            reason.map(|reason| reason.message.clone()).unwrap_or_default(),
            checked(|policy| policy.universe),
            checked(|policy| policy.srs),
            checked(|policy| policy.verifying_key),
            env!("CARGO_PKG_VERSION").to_owned(),
            claimed(|claim| word(claim.claim)),
            claimed(|claim| claim.below.map(|below| below.0.to_string()).unwrap_or_default()),
            entry.sha256.map(|sha256| sha256.to_string()).unwrap_or_default(),
            trust.clone(),
            audit.manifest_sha256.to_string(),
        ];
        writer.write_record(record.map(no_formula)).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| Internal(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Internal(error.to_string()))
}

fn no_formula(field: String) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field }
}

fn time_of(time: Timestamp) -> String {
    iso_time(time)
}
