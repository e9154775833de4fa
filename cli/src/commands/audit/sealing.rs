//! `surety audit sign`, `stamp` and `check`: who stands behind a report, and since when there is one.

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_audit::{audit::input::sha256, signature::ReportSignature, timestamp};
use surety_core::{
    ident::{Bytes32, EvmAddress},
    spelling,
};
use surety_host::{
    documents,
    files::{self, Access},
};

use crate::{
    Session,
    error::{Error, Usage},
    inputs::{Force, KeyOptions},
    output::Answer,
};

/// Most bytes of a report.
const REPORT_LIMIT: u64 = 1 << 30;

#[derive(clap::Args)]
pub(super) struct SignArgs {
    /// The report, of whatever form, or the manifest
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    #[command(flatten)]
    key: KeyOptions,
    /// File for the signature [default: the report's name and .sig.json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
pub(super) struct StampArgs {
    /// The report, of whatever form, or the manifest
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// File for the request [default: the report's name and .tsq]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("shown").args(["signature", "response"]).required(true).multiple(true))]
pub(super) struct CheckArgs {
    /// The report
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// The signature under it
    #[arg(long, value_name = "FILE", requires = "signer")]
    signature: Option<PathBuf>,
    /// Address of the auditor, as you know it from elsewhere
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address, requires = "signature")]
    signer: Option<EvmAddress>,
    /// The response of a time-stamping authority
    #[arg(long, value_name = "FILE", requires = "authority")]
    response: Option<PathBuf>,
    /// Certificates of authorities that you rely on, in PEM
    #[arg(long, value_name = "FILE", requires = "response")]
    authority: Option<PathBuf>,
}

/// The SHA-256 of a report.
fn digest(report: &Path) -> Result<Bytes32, Error> {
    Ok(sha256(&files::read(report, REPORT_LIMIT)?))
}

/// The report's name, and what says what stands beside it.
fn beside(report: &Path, ending: &str) -> PathBuf {
    let mut name = report.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

pub(super) fn sign(args: &SignArgs, session: &Session) -> Result<Answer, Error> {
    let out = args.out.clone().unwrap_or_else(|| beside(&args.report, ".sig.json"));
    files::check_target(&out, args.force.existing())?;
    let sha256 = digest(&args.report)?;
    let key = args.key.load(&session.progress)?;
    let signature = ReportSignature::sign(sha256, &*key)?;
    documents::write(&out, &signature, args.force.existing())?;
    let text = format!("{} signed by {}: {}", args.report.display(), signature.signer, out.display());
    let data = json!({ "report": args.report, "sha256": sha256, "signer": signature.signer, "signature": out });
    Answer::new(data, text)
}

pub(super) fn stamp(args: &StampArgs) -> Result<Answer, Error> {
    let out = args.out.clone().unwrap_or_else(|| beside(&args.report, ".tsq"));
    let sha256 = digest(&args.report)?;
    files::write(&out, &timestamp::request(sha256)?, Access::Public, args.force.existing())?;
    let text = format!("{}: send it to an authority, with the media type application/timestamp-query", out.display());
    Answer::new(json!({ "report": args.report, "sha256": sha256, "request": out }), text)
}

pub(super) fn check(args: &CheckArgs) -> Result<Answer, Error> {
    let sha256 = digest(&args.report)?;
    let (mut data, mut text) = (json!({ "report": args.report, "sha256": sha256 }), String::new());
    if let Some((path, signer)) = args.signature.as_deref().zip(args.signer) {
        documents::read::<ReportSignature>(path)?.check(sha256, signer)?;
        data["signer"] = json!(signer);
        text += &format!("signed by {signer}\n");
    }
    if let Some((path, authority)) = args.response.as_deref().zip(args.authority.as_deref()) {
        let response = files::read(path, files::DOCUMENT_LIMIT)?;
        let stamp = timestamp::check(&response, sha256, &files::read(authority, files::DOCUMENT_LIMIT)?)?;
        let at = spelling::iso_time(stamp.time);
        text += &format!("existed at {at}, says {} (stamp {})\n", stamp.authority, stamp.serial);
        data["stamp"] = json!({
            "time": at, "authority": stamp.authority, "policy": stamp.policy, "serial": stamp.serial,
        });
    }
    if text.is_empty() {
        return Err(Usage("expected --signature or --response".to_owned()).into());
    }
    Answer::new(data, text)
}
