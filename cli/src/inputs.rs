//! Options that several commands share, and what they stand for.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::error::{Error, Usage};
use surety_core::{
    ident::Name,
    text::table::{Delimiter, Dialect},
};
use surety_host::{
    directories::Directories,
    documents,
    files::{self, Existing},
    keys::{self, KeyError, Passphrase, SecretAt},
    obtain::{self, Wanted},
    setup::Setups,
};
use surety_import::positions::Reading;
use surety_kzg::{Capacity, Origin, SrsId, download::Patience, published};
use surety_margin::{policy::Policy, universe::Universe};
use surety_prover::layout::Layout;
use surety_verifier::attestation::signature::SigningKey;

use super::progress::Progress;

/// Universe and policy: beside each other in a directory, or wherever they are.
#[derive(clap::Args)]
pub(super) struct PolicyFiles {
    /// Directory with universe.toml and policy.toml
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// The universe, if it is elsewhere
    #[arg(long, value_name = "FILE")]
    universe: Option<PathBuf>,
    /// The policy, if it is elsewhere
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl PolicyFiles {
    /// Those beside each other in a directory.
    pub(super) fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), universe: None, policy: None }
    }

    /// The directory.
    pub(super) fn layout(&self) -> Layout {
        Layout::new(&self.directory)
    }

    pub(super) fn read_universe(&self) -> Result<Universe, Error> {
        let layout = self.layout();
        let universe = self.universe.as_ref().unwrap_or(&layout.universe()).clone();
        Ok(documents::read_universe(&universe, self.policy.as_ref().unwrap_or(&layout.policy()))?)
    }

    pub(super) fn read_policy(&self, universe: &Universe) -> Result<Policy, Error> {
        Ok(documents::read_policy(self.policy.as_ref().unwrap_or(&self.layout().policy()), universe)?)
    }
}

/// What a table does not say itself.
#[derive(clap::Args)]
pub(super) struct TableOptions {
    /// What separates the fields of a table: a comma, a semicolon or tab [default: what its header has most of]
    #[arg(long, value_name = "MARK")]
    delimiter: Option<Delimiter>,
    /// A name in the table, of a column or an instrument, and the name it stands for; once for each
    #[arg(long = "map", value_name = "NAME=NAME", value_parser = renamed)]
    names: Vec<(String, String)>,
}

impl TableOptions {
    pub(super) fn dialect(&self) -> Dialect {
        Dialect { delimiter: self.delimiter, names: self.names.iter().cloned().collect() }
    }
}

/// What a file of holdings does not say itself.
#[derive(clap::Args)]
pub(super) struct HoldingsOptions {
    #[command(flatten)]
    table: TableOptions,
    /// The cash instrument that carries what perpetuals, futures and options cost, if the universe does not say it
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Name::new(text))]
    quote: Option<Name>,
}

impl HoldingsOptions {
    pub(super) fn reading(&self) -> Reading {
        Reading { dialect: self.table.dialect(), quote: self.quote.clone() }
    }
}

fn renamed(text: &str) -> Result<(String, String), String> {
    // Names have no = in them where they stand for something here, but may in a table.
    let (name, meaning) = text.rsplit_once('=').ok_or_else(|| format!("expected NAME=NAME, found {text:?}"))?;
    Ok((name.trim().to_owned(), meaning.trim().to_owned()))
}

/// A signing key. There is no option for the key itself: other users could read it.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct KeyAt {
    /// File with the signing key: 64 hexadecimal digits or an Ethereum keystore
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Name of the environment variable with the signing key
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
}

/// A signing key, and the passphrase of its keystore.
#[derive(clap::Args)]
pub(super) struct KeyOptions {
    #[command(flatten)]
    at: KeyAt,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

impl KeyOptions {
    /// Reads the key. Warns if others can read it too.
    pub(super) fn load(&self, progress: &Progress) -> Result<SigningKey, Error> {
        let at = secret_at(self.at.key.as_ref(), self.at.key_env.as_ref())
            .ok_or_else(|| Error::from(Usage("expected --key or --key-env".into())))?;
        warn_if_exposed(&at, progress)?;
        Ok(keys::load(&at, || self.passphrase.read("Passphrase: ", progress), |note| progress.note(note))?)
    }
}

/// A passphrase: in a file, in the environment, or asked for.
#[derive(clap::Args)]
pub(super) struct PassphraseOptions {
    /// File with the keystore's passphrase; asked for on the terminal if there is neither
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_env")]
    passphrase_file: Option<PathBuf>,
    /// Name of the environment variable with the keystore's passphrase
    #[arg(long, value_name = "NAME")]
    passphrase_env: Option<String>,
}

impl PassphraseOptions {
    pub(super) fn read(&self, prompt: &str, progress: &Progress) -> Result<Passphrase, KeyError> {
        match secret_at(self.passphrase_file.as_ref(), self.passphrase_env.as_ref()) {
            Some(at) => {
                warn_if_exposed(&at, progress)?;
                at.passphrase()
            }
            None => rpassword::prompt_password(prompt).map(Passphrase::typed).map_err(|_| KeyError::NoPassphrase),
        }
    }

    /// Whether it will be asked for.
    pub(super) fn is_interactive(&self) -> bool {
        self.passphrase_file.is_none() && self.passphrase_env.is_none()
    }
}

fn secret_at(file: Option<&PathBuf>, variable: Option<&String>) -> Option<SecretAt> {
    file.cloned().map(SecretAt::File).or_else(|| variable.cloned().map(SecretAt::Variable))
}

fn warn_if_exposed(at: &SecretAt, progress: &Progress) -> Result<(), KeyError> {
    if let SecretAt::File(path) = at
        && files::is_exposed(path)?
    {
        progress.warn(&format!("{}: others can read this secret; chmod 600 it", path.display()));
    }
    Ok(())
}

/// Whether files may be replaced.
#[derive(clap::Args)]
pub(super) struct Force {
    /// Replace files that exist already
    #[arg(long)]
    force: bool,
}

impl Force {
    pub(super) fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Keep }
    }
}

/// The set-ups of the user.
pub(super) fn setups() -> Result<Setups, Error> {
    Ok(Setups::new(&Directories::of_user()?))
}

/// Where downloads go until they are whole.
pub(super) fn downloads() -> Result<PathBuf, Error> {
    Ok(Directories::of_user()?.data.join("downloads"))
}

/// Whether a ceremony's set-up may be looked for on the network.
#[derive(clap::Args)]
pub(super) struct Network {
    /// Do not look on the network for a ceremony's set-up if none is here; as does SURETY_OFFLINE=1
    #[arg(long)]
    offline: bool,
}

impl Network {
    fn is_off(&self) -> bool {
        self.offline || env::var_os("SURETY_OFFLINE").is_some_and(|value| !value.is_empty() && value != "0")
    }

    /// Tries once, with little patience, to get a ceremony's set-up if none is at hand. Without one, what follows is
    /// insecure, and says so itself.
    pub(super) fn seek_ceremony(&self, setups: &Setups, capacity: Capacity, progress: &Progress) -> Result<(), Error> {
        if setups.ceremony(capacity, progress)?.is_some() {
            return Ok(());
        }
        if self.is_off() {
            progress.note("no ceremony's set-up is here, and none is looked for on the network (offline)");
            return Ok(());
        }
        let ceremony = obtain::ceremony(published::DEFAULT)?;
        progress.note(&format!(
            "no ceremony's set-up is here: trying once to get that of {} with 2^{} powers (--offline skips this)",
            ceremony.name,
            capacity.k(),
        ));
        let wanted = Wanted { ceremony, capacity, from: None, patience: Patience::SHORT };
        if let Err(error) = wanted.obtain(setups, &downloads()?, progress) {
            progress.warn(&format!("no ceremony's set-up could be had: {error}"));
        }
        Ok(())
    }
}

/// Says loudly that a proof will prove nothing.
pub(super) fn warn_of_set_up(origin: Origin, srs: SrsId, progress: &Progress) {
    match origin {
        Origin::Ceremony(_) => {}
        Origin::InsecureDevelopment => progress.warn(
            "INSECURE: the development set-up is in use, whose secret is published: anybody can prove anything under it. \
             Get a ceremony's with surety srs get, or import one with surety srs import FILE",
        ),
        Origin::Unknown => progress.warn(&format!(
            "set-up {srs} is of no ceremony that this version knows: whoever made it can prove anything"
        )),
    }
}

/// What people call the development set-up.
pub(super) const DEVELOPMENT: &str = "insecure-development";

/// What people call a set-up.
pub(super) fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Ceremony(ceremony) => ceremony.name,
        Origin::InsecureDevelopment => DEVELOPMENT,
        Origin::Unknown => "unknown",
    }
}

/// The directory that a file lies in.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
