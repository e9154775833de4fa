//! `surety archive`

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_audit::archive::{Archive, ArchiveError, Archived, KEPT, Summary};
use surety_core::{ident::Bytes32, kind::Kind, spelling, text::Format};
use surety_host::files;

use crate::{Session, error::Error, output::Answer};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add documents to an archive, creating it if necessary
    Add(AddArgs),
    /// Check an archive and list its contents
    List(ListArgs),
    /// Check an archive and write its documents to a directory
    Export(ExportArgs),
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
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Add(args) => add(&args, session),
        Command::List(args) => list(&args),
        Command::Export(args) => export(&args),
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
                match document(&file) {
                    Ok(document) => documents.push(document),
                    // A directory holds other files too.
                    Err(ArchiveError::Kind(_)) => skipped += 1,
                    Err(ArchiveError::File(
                        files::FileError::NotText(_)
                        | files::FileError::TooLarge { .. }
                        | files::FileError::Irregular(_),
                    )) if Format::of_name(&file.to_string_lossy()) != Some(Format::Json) => skipped += 1,
                    Err(error) => return Err(error.into()),
                }
            }
        } else {
            documents.push(document(path)?);
        }
    }
    let added = Archive::open(&args.archive)?.add(&documents)?;
    let mut data = json!(added);
    data["skipped"] = json!(skipped);
    let text = format!(
        "{} added, {} there already, {skipped} other files skipped\n{}",
        added.added,
        added.present,
        standing(&added.summary)
    );
    Answer::new(data, text)
}

fn document(path: &Path) -> Result<Archived, ArchiveError> {
    Archived::read(path, &files::read_text(path)?)
}

fn list(args: &ListArgs) -> Result<Answer, Error> {
    let ReadArgs { archive, head } = &args.read;
    let (mut entries, mut text) = (Vec::new(), String::new());
    let summary = Archive::open_read_only(archive)?.read(*head, |entry| {
        let kind = entry.document.kind;
        if args.kind.is_none_or(|wanted| wanted == kind) {
            text += &format!("{:>8}  {:<15}  {}\n", entry.position, kind.short_name(), entry.digest);
            entries.push(json!({
                "position": entry.position, "kind": kind, "digest": entry.digest,
                "head": entry.head, "file": entry.file_name(),
            }));
        }
        Ok::<_, ArchiveError>(())
    })?;
    let mut data = json!(summary);
    data["documents"] = json!(entries);
    Answer::new(data, text + &standing(&summary))
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
