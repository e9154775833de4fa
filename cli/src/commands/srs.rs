//! `surety srs`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use surety_core::failure::Internal;
use surety_host::{
    carried::carried,
    digest::{Algorithm, FileHash},
    download::{Download, Patience},
    files,
    import::{import, import_g2_powers},
    obtain::{self, Taken, Wanted},
    published,
    store::{Place, StoredSrs},
};
use surety_kzg::{Capacity, Origin, Srs, srs::VerifierKey};

use crate::{
    Session,
    error::{Error, Unhealthy, Usage},
    inputs::{downloads, origin_name, setups, warn_of_set_up},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Fetch the published set-up of a public ceremony and store it for proving
    Get(GetArgs),
    /// Check a set-up file and store it for proving: snarkjs .ptau, Halo2 RawBytes, Aztec g1.dat, or Surety's own
    Import(FileArgs),
    /// Download a set-up file from any URL, resuming partial downloads, and import it
    Download(DownloadArgs),
    /// Check a set-up file and name its ceremony
    Check(CheckArgs),
    /// List the stored set-ups
    List,
}

#[derive(clap::Args)]
pub(crate) struct GetArgs {
    /// The ceremony: ppot-0080, hermez-0054 or ppot-0085
    #[arg(value_name = "NAME", default_value = published::DEFAULT)]
    name: String,
    /// Largest capacity class to serve [default: the largest of all]
    #[arg(long, value_name = "K", value_parser = capacity)]
    k: Option<Capacity>,
    /// Mirror to fetch from: a server's directory, a local directory, or the file itself
    #[arg(long, value_name = "URL|DIR")]
    from: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct FileArgs {
    /// The set-up file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    more: MoreArgs,
}

#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// The set-up file
    #[arg(value_name = "FILE", required_unless_present = "carried")]
    file: Option<PathBuf>,
    /// Check the set-up that this program carries
    #[arg(long, conflicts_with_all = ["file", "g2", "g2_powers"])]
    carried: bool,
    #[command(flatten)]
    more: MoreArgs,
}

/// Companion files of a set-up file, and what to accept.
#[derive(clap::Args)]
struct MoreArgs {
    /// The g2.dat that belongs to an Aztec g1.dat
    #[arg(long, value_name = "FILE")]
    g2: Option<PathBuf>,
    /// Powers τ, τ², τ⁴, … in G2 of the set-up, as gnark writes them; a .ptau contains its own
    #[arg(long, value_name = "FILE")]
    g2_powers: Option<PathBuf>,
    /// Accept a set-up of no known ceremony, under which its maker can prove anything
    #[arg(long)]
    accept_unknown: bool,
    /// Accept a set-up whose secret is public, for tests only: proofs under it prove nothing
    #[arg(long)]
    allow_insecure_srs: bool,
}

impl MoreArgs {
    fn taken(&self) -> Taken {
        Taken { unknown: self.accept_unknown, insecure: self.allow_insecure_srs }
    }
}

#[derive(clap::Args)]
pub(crate) struct DownloadArgs {
    /// URL of the file
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    hash: HashArgs,
    /// Length of the file in bytes [default: the length that the server announces]
    #[arg(long, value_name = "NUMBER")]
    bytes: Option<u64>,
    #[command(flatten)]
    more: MoreArgs,
}

/// The hash that pins a file, as published by the ceremony.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct HashArgs {
    /// SHA-256 of the file, with or without 0x
    #[arg(long, value_name = "HASH", value_parser = sha256)]
    sha256: Option<FileHash>,
    /// BLAKE2b-512 of the file, with or without blanks, as snarkjs publishes it
    #[arg(long, value_name = "HASH", value_parser = blake2b)]
    blake2b: Option<FileHash>,
}

fn sha256(text: &str) -> Result<FileHash, String> {
    FileHash::parse(Algorithm::Sha256, text)
}

fn blake2b(text: &str) -> Result<FileHash, String> {
    FileHash::parse(Algorithm::Blake2b512, text)
}

fn capacity(text: &str) -> Result<Capacity, String> {
    let expected = || format!("expected a k from {} to {}, found {text:?}", Capacity::MIN_K, Capacity::MAX_K);
    text.parse().ok().and_then(|k| Capacity::new(k).ok()).ok_or_else(expected)
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Import(_) => "import",
            Self::Download(_) => "download",
            Self::Check(_) => "check",
            Self::List => "list",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Get(args) => get(&args, session),
        Command::Import(args) => add(&args.file, &args.more, session),
        Command::Download(args) => download(&args, session),
        Command::Check(args) => check(&args, session),
        Command::List => list(session),
    }
}

fn get(args: &GetArgs, session: &Session) -> Result<Answer, Error> {
    let ceremony = obtain::ceremony(&args.name)?;
    let capacity = args.k.or_else(|| Capacity::all().last());
    let capacity = capacity.ok_or_else(|| Error::from(Internal("no capacity class".to_owned())))?;
    let wanted = Wanted { ceremony, capacity, from: args.from.as_deref(), patience: Patience::default() };
    let obtained = wanted.obtain(&setups()?, &downloads()?, &session.progress)?;
    if obtained.was_here {
        session.progress.note("it is here already");
    }
    answer(&obtained.stored)
}

fn read(file: &Path, more: &MoreArgs, session: &Session) -> Result<Srs, Error> {
    let srs = import(file, more.g2.as_deref(), None, &session.progress)?;
    let srs = match &more.g2_powers {
        Some(path) => import_g2_powers(srs, path)?,
        None => srs,
    };
    warn_of_set_up(srs.origin(), srs.id(), &session.progress);
    Ok(srs)
}

fn stored_at(srs: &Srs, path: &Path) -> StoredSrs {
    StoredSrs {
        place: Place::File(path.to_owned()),
        k: srs.capacity().k(),
        verifier_key: *srs.verifier_key(),
        has_g2_powers: srs.g2_powers_of_two().is_some(),
    }
}

/// Reports the origin, and warns if the origin is unknown or the secret public.
fn check(args: &CheckArgs, session: &Session) -> Result<Answer, Error> {
    let Some(file) = &args.file else { return check_carried(session) };
    let srs = read(file, &args.more, session)?;
    let answer = answer(&stored_at(&srs, file))?;
    Ok(match obtain::refuse_unsound(&srs, file, args.more.taken()) {
        Err(error) => answer.failing(&error),
        Ok(()) => answer,
    })
}

fn check_carried(session: &Session) -> Result<Answer, Error> {
    let carried = carried().map_err(|problem| Error::from(Unhealthy(vec![problem])))?;
    let carried =
        carried.ok_or_else(|| Error::from(Usage("expected a set-up in this program, found none".to_owned())))?;
    let srs = carried.read(&session.progress)?;
    answer(&StoredSrs { place: Place::Program, ..stored_at(&srs, Path::new("")) })
}

fn add(file: &Path, more: &MoreArgs, session: &Session) -> Result<Answer, Error> {
    let srs = read(file, more, session)?;
    obtain::refuse_unsound(&srs, file, more.taken())?;
    let path = setups()?.store().add(&srs)?;
    answer(&stored_at(&srs, &path))
}

fn download(args: &DownloadArgs, session: &Session) -> Result<Answer, Error> {
    let hash = args.hash.sha256.or(args.hash.blake2b);
    let hash = hash.ok_or_else(|| Error::from(Usage("expected --sha256 or --blake2b".to_owned())))?;
    let directory = downloads()?;
    files::create_directory(&directory)?;
    let file = directory.join(hash.to_string().replace(' ', "-"));
    let download = Download { hash: Some(hash), bytes: args.bytes, ..Download::new(&args.url) };
    download.fetch(&file, &session.progress)?;
    add(&file, &args.more, session)
}

fn list(session: &Session) -> Result<Answer, Error> {
    let stored = setups()?.store().list(&session.progress)?;
    let items: Vec<Value> = stored.iter().map(data).collect();
    let line = |stored: &StoredSrs| {
        let key = &stored.verifier_key;
        format!("{}  {}  k = {}  {}{}\n", key.id(), sound_name(key), stored.k, stored.place, with_g2_powers(stored))
    };
    let text: String = stored.iter().map(line).collect();
    let text = if text.is_empty() { "none: get one with surety srs get".to_owned() } else { text };
    Answer::new(json!({ "srs": items }), text)
}

/// The name of the origin, with a remark where the origin earns no trust.
fn sound_name(key: &VerifierKey) -> String {
    match key.origin() {
        Origin::Ceremony(ceremony) => ceremony.name.to_owned(),
        Origin::InsecureDevelopment => origin_name(key.origin()).to_owned(),
        Origin::Unknown => "unknown origin, NOT SOUND".to_owned(),
    }
}

fn with_g2_powers(stored: &StoredSrs) -> &'static str {
    if stored.has_g2_powers { "  with powers in G2" } else { "" }
}

fn answer(stored: &StoredSrs) -> Result<Answer, Error> {
    let key = &stored.verifier_key;
    let text = format!(
        "{}\norigin  {}\npowers  2^{}{}\nfile    {}",
        key.id(),
        sound_name(key),
        stored.k,
        with_g2_powers(stored),
        stored.place
    );
    Answer::new(data(stored), text)
}

fn data(stored: &StoredSrs) -> Value {
    let origin = stored.verifier_key.origin();
    json!({
        "id": stored.verifier_key.id().bytes(),
        "origin": origin_name(origin),
        "sound": matches!(origin, Origin::Ceremony(_)),
        "k": stored.k,
        "g2_powers": stored.has_g2_powers,
        "file": stored.place.to_string(),
    })
}
