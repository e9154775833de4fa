//! `surety srs`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use surety::{Error, directories::Directories, files};
use surety_kzg::{Srs, download::Download, import::import, srs::VerifierKey};
use surety_margin::ident::Bytes32;

use crate::cli::{
    Session,
    inputs::{origin_name, setups, warn_of_set_up},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Check a set-up file and keep it for proving: snarkjs .ptau, halo2 RawBytes, Aztec g1.dat, or Surety's own
    Import(FileArgs),
    /// Download a set-up file, resuming where it stopped, and import it
    Download(DownloadArgs),
    /// Check a set-up file and say which ceremony it is from
    Check(FileArgs),
    /// List the set-ups that were imported
    List,
}

#[derive(clap::Args)]
pub(in crate::cli) struct FileArgs {
    /// The set-up file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The g2.dat that belongs to an Aztec g1.dat
    #[arg(long, value_name = "FILE")]
    g2: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(in crate::cli) struct DownloadArgs {
    /// Where the file is
    #[arg(value_name = "URL")]
    url: String,
    /// SHA-256 of the file, from the ceremony's own publication
    #[arg(long, value_name = "0xHASH", value_parser = Bytes32::parse)]
    sha256: Bytes32,
    /// Length of the file
    #[arg(long, value_name = "NUMBER")]
    bytes: u64,
}

impl Command {
    pub(in crate::cli) fn name(&self) -> &'static str {
        match self {
            Self::Import(_) => "import",
            Self::Download(_) => "download",
            Self::Check(_) => "check",
            Self::List => "list",
        }
    }
}

pub(in crate::cli) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Import(args) => add(&args.file, args.g2.as_deref(), session),
        Command::Download(args) => download(&args, session),
        Command::Check(args) => {
            let srs = read(&args.file, args.g2.as_deref(), session)?;
            answer(&srs, &args.file)
        }
        Command::List => list(session),
    }
}

fn read(file: &Path, g2: Option<&Path>, session: &Session) -> Result<Srs, Error> {
    let srs = import(file, g2, None, &session.progress)?;
    warn_of_set_up(srs.origin(), srs.id(), &session.progress);
    Ok(srs)
}

fn add(file: &Path, g2: Option<&Path>, session: &Session) -> Result<Answer, Error> {
    let srs = read(file, g2, session)?;
    let path = setups()?.store().add(&srs)?;
    answer(&srs, &path)
}

fn download(args: &DownloadArgs, session: &Session) -> Result<Answer, Error> {
    let directory = Directories::of_user()?.data.join("downloads");
    files::create_directory(&directory)?;
    let file = directory.join(args.sha256.to_string());
    let download = Download { url: args.url.clone(), sha256: args.sha256, bytes: args.bytes };
    download.fetch(&file, &session.progress)?;
    add(&file, None, session)
}

fn list(session: &Session) -> Result<Answer, Error> {
    let stored = setups()?.store().list(&session.progress)?;
    let items: Vec<Value> = stored.iter().map(|stored| data(&stored.verifier_key, stored.k, &stored.path)).collect();
    let line = |stored: &surety_kzg::store::StoredSrs| {
        let key = &stored.verifier_key;
        format!("{}  {}  k = {}  {}\n", key.id(), origin_name(key.origin()), stored.k, stored.path.display())
    };
    let text: String = stored.iter().map(line).collect();
    let text = if text.is_empty() { "none: import one with surety srs import FILE".to_owned() } else { text };
    Answer::new(json!({ "srs": items }), text)
}

fn answer(srs: &Srs, path: &Path) -> Result<Answer, Error> {
    let (origin, k) = (srs.origin(), srs.capacity().k());
    let text = format!("{}\norigin  {}\npowers  2^{k}\nfile    {}", srs.id(), origin_name(origin), path.display());
    Answer::new(data(srs.verifier_key(), k, path), text)
}

fn data(key: &VerifierKey, k: u32, path: &Path) -> Value {
    json!({ "id": key.id().bytes(), "origin": origin_name(key.origin()), "k": k, "file": path })
}
