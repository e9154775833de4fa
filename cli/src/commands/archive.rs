//! `surety archive`

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_audit::{
    archive::{Archive, ArchiveError, Archived, Evidence, KEPT, Summary},
    audit::input::sha256,
    timestamp::{self, Stamp},
};
use surety_core::{ident::Bytes32, kind::Kind, spelling, text::Format, words::counted};
use surety_host::files::{self, Access};

use crate::{
    Session,
    error::{Error, Usage},
    inputs::Force,
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add documents to an archive, creating it if necessary
    Add(AddArgs),
    /// Check an archive and list its contents
    List(ListArgs),
    /// Check an archive and write its documents to a directory
    Export(ExportArgs),
    /// Write the request for a time stamp of an archive as it stands, for an authority (RFC 3161)
    Stamp(StampArgs),
}

#[derive(clap::Args)]
pub(crate) struct AddArgs {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Documents, or directories whose public documents are added
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// An archive, and a head noted earlier.
#[derive(clap::Args)]
struct ReadArgs {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Head noted earlier: the archive must still begin with the entries up to this head
    #[arg(long, value_name = "HASH", value_parser = spelling::hash)]
    head: Option<Bytes32>,
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// List only documents of this kind
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    /// Response of a time-stamping authority to a request of surety archive stamp: dates the entries up to then
    #[arg(long, value_name = "FILE", requires = "authority")]
    response: Option<PathBuf>,
    /// Certificates of authorities that you rely on, in PEM
    #[arg(long, value_name = "FILE", requires = "response")]
    authority: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct StampArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// File for the request
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// Directory for the documents
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::List(_) => "list",
            Self::Export(_) => "export",
            Self::Stamp(_) => "stamp",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Add(args) => add(&args, session),
        Command::List(args) => list(&args),
        Command::Export(args) => export(&args),
        Command::Stamp(args) => stamp(&args),
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    Kind::of_short_name(name)
        .filter(|kind| KEPT.contains(kind))
        .ok_or_else(|| format!("expected a kind of document that archives keep, found {name}"))
}

/// Reads all documents before adding any.
fn add(args: &AddArgs, session: &Session) -> Result<Answer, Error> {
    let mut documents = Vec::new();
    let mut skipped = 0_u64;
    for path in &args.paths {
        if path.is_dir() {
            session.progress.note(&format!("reading {}", path.display()));
            for file in files::under(path, |_, _| true)? {
                match Archived::of_file(&file) {
                    Ok(document) => documents.push(document),
                    // A directory holds other files too.
                    Err(ArchiveError::Kind(_)) => skipped += 1,
                    Err(ArchiveError::File(files::FileError::Unfit(_) | files::FileError::Irregular(_)))
                        if Format::of_name(&file.to_string_lossy()) != Some(Format::Json) =>
                    {
                        skipped += 1
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        } else {
            documents.push(Archived::of_file(path)?);
        }
    }
    let added = Archive::open(&args.archive)?.add(&documents)?;
    let evidence: Vec<Evidence> = documents.iter().filter_map(Archived::evidence).collect();
    let mut data = json!(added);
    data["skipped"] = json!(skipped);
    let row =
        |Evidence { name, reason, sha256, .. }: &Evidence| json!({ "name": name, "reason": reason, "sha256": sha256 });
    data["evidence"] = evidence.iter().map(row).collect();
    let mut text = format!("{} added, {} there already, ", added.added, added.present);
    text += &format!("{} skipped\n{}", counted(skipped, "other file"), standing(&added.summary));
    for Evidence { name, reason, .. } in &evidence {
        text += &format!("evidence     {name}: {reason}\n");
    }
    Answer::new(data, text)
}

fn list(args: &ListArgs) -> Result<Answer, Error> {
    let ReadArgs { archive, head } = &args.read;
    let (mut entries, mut text) = (Vec::new(), String::new());
    let summary = Archive::open_read_only(archive)?.read(*head, |entry| {
        let kind = entry.document.kind;
        if args.kind.is_none_or(|wanted| wanted == kind) {
            text += &format!("{:>8}  {:<15}  {}\n", entry.position, kind.short_name(), entry.digest);
            let mut row = json!({
                "position": entry.position, "kind": kind, "digest": entry.digest,
                "head": entry.head, "file": entry.file_name(),
            });
            if let Some(Evidence { name, reason, sha256, .. }) = entry.document.evidence() {
                text += &format!("{:>8}  {name}: {reason}\n", "");
                row["evidence"] = json!({ "name": name, "reason": reason, "sha256": sha256 });
            }
            entries.push(row);
        }
        Ok::<_, ArchiveError>(())
    })?;
    let mut data = json!(summary);
    data["documents"] = json!(entries);
    text += &standing(&summary);
    if let Some((response, authority)) = args.response.as_deref().zip(args.authority.as_deref()) {
        let (position, stamp) = dated(args, response, authority)?;
        let at = spelling::iso_time(stamp.time);
        text += &format!("dated        entries 1 to {position} existed at {at}, says {}\n", stamp.authority);
        data["dated"] =
            json!({ "entries": position, "time": at, "authority": stamp.authority, "serial": stamp.serial });
    }
    Answer::new(data, text)
}

/// The last entry that an authority's time stamp covers, and the stamp: it is of the hash of that entry's head.
fn dated(args: &ListArgs, response: &Path, authority: &Path) -> Result<(u64, Stamp), Error> {
    let response = files::read(response, files::DOCUMENT_LIMIT)?;
    let about = timestamp::about(&response)?;
    let mut found = None;
    Archive::open_read_only(&args.read.archive)?.read(args.read.head, |entry| {
        found = found.or((hash_of(entry.head) == about).then_some(entry.position));
        Ok::<_, ArchiveError>(())
    })?;
    let position = found.ok_or_else(|| {
        Usage("--response: expected a time stamp of a head of this archive, found one of something else".to_owned())
    })?;
    let stamp = timestamp::check(&response, about, &files::read(authority, files::DOCUMENT_LIMIT)?)?;
    Ok((position, stamp))
}

/// What is stamped: the SHA-256 of the 32 bytes of a head.
fn hash_of(head: Bytes32) -> Bytes32 {
    sha256(&head.0)
}

fn stamp(args: &StampArgs) -> Result<Answer, Error> {
    let ReadArgs { archive, head } = &args.read;
    let summary = Archive::open_read_only(archive)?.check(*head)?;
    let sha256 = hash_of(summary.head);
    files::write(&args.out, &timestamp::request(sha256)?, Access::Public, args.force.existing())?;
    let mut data = json!(summary);
    data["sha256"] = json!(sha256);
    data["request"] = json!(args.out);
    let text = format!("{}: send it to an authority\n{}", args.out.display(), standing(&summary));
    Answer::new(data, text)
}

fn export(args: &ExportArgs) -> Result<Answer, Error> {
    let ReadArgs { archive, head } = &args.read;
    let summary = Archive::open_read_only(archive)?.export(&args.out, *head)?;
    let mut data = json!(summary);
    data["directory"] = json!(args.out);
    Answer::new(data, format!("written to {}\n{}", args.out.display(), standing(&summary)))
}

fn standing(summary: &Summary) -> String {
    format!("entries      {}\nhead         {}\n", summary.entries, summary.head)
}
