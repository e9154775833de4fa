//! Options that several commands share, and the values they resolve to.

use std::{
    env,
    path::{Path, PathBuf},
};

use surety_calibration::{
    history::{Chosen, History, Quotes, Selection},
    liquidity::table::LiquidityTable,
    predictive::state::State,
};
use surety_core::{
    ident::{EvmAddress, Name},
    spelling,
    text::{
        Document as _, InputErrors,
        table::{Delimiter, Dialect, Note},
    },
};
use surety_host::{
    directories::Directories,
    documents,
    download::Patience,
    files::{self, Existing},
    keys::{self, KeyError, Passphrase, SecretAt},
    obtain::{self, Wanted},
    published,
    setup::Setups,
};
use surety_import::positions::Reading;
use surety_kzg::{Capacity, Origin, SrsId};
use surety_margin::{policy::Policy, universe::Universe};
use surety_prover::layout::Layout;
use surety_signing::command::CommandSigner;
use surety_verifier::attestation::signer::{Signer, SignerError};

use super::progress::Progress;
use crate::error::{Error, Usage};

/// Universe and policy: in one directory, or each at its own path.
#[derive(clap::Args)]
pub(super) struct PolicyFiles {
    /// Directory with universe.toml and policy.toml
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// The universe [default: universe.toml in DIR]
    #[arg(long, value_name = "FILE")]
    universe: Option<PathBuf>,
    /// The policy [default: policy.toml in DIR]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl PolicyFiles {
    /// Universe and policy in one directory.
    pub(super) fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), universe: None, policy: None }
    }

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

/// Reading options for a table that does not describe itself.
#[derive(clap::Args)]
pub(super) struct TableOptions {
    /// Field delimiter of the table: a comma, a semicolon or tab [default: the most frequent in the header]
    #[arg(long, value_name = "MARK")]
    delimiter: Option<Delimiter>,
    /// Rename a column or an instrument of the table; may be repeated
    #[arg(long = "map", value_name = "NAME=NAME", value_parser = renamed)]
    names: Vec<(String, String)>,
}

impl TableOptions {
    pub(super) fn dialect(&self) -> Dialect {
        Dialect { delimiter: self.delimiter, names: self.names.iter().cloned().collect() }
    }
}

/// Reading options for price histories.
#[derive(clap::Args)]
pub(super) struct HistoryReading {
    /// Column of prices, or NAME=COLUMN to rename it; may be repeated [default: the closing prices of a table of one
    /// thing, otherwise all columns]
    #[arg(long = "column", value_name = "COLUMN")]
    columns: Vec<Chosen>,
    #[command(flatten)]
    table: TableOptions,
}

/// Most bytes of a price history, and of what one leaves behind: a thousand columns over forty years.
const HISTORY_LIMIT: u64 = 256 << 20;

impl HistoryReading {
    /// Days with the price of every column.
    pub(super) fn history(&self, path: &Path, progress: &Progress) -> Result<History, Error> {
        self.read(path, progress, History::read)
    }

    /// Days with the price of a column.
    pub(super) fn quotes(&self, path: &Path, progress: &Progress) -> Result<Quotes, Error> {
        self.read(path, progress, Quotes::read)
    }

    /// What trades, and how far bid and ask are apart.
    pub(super) fn liquidity(&self, path: &Path, progress: &Progress) -> Result<LiquidityTable, Error> {
        self.read(path, progress, |file, text, selection, notes| {
            LiquidityTable::read(file, text, &selection.dialect, notes)
        })
    }

    fn read<T>(
        &self,
        path: &Path,
        progress: &Progress,
        read: impl FnOnce(&str, &str, &Selection, &mut Vec<Note>) -> Result<T, InputErrors>,
    ) -> Result<T, Error> {
        let file = path.display().to_string();
        progress.note(&format!("reading {file}"));
        let selection = Selection { columns: self.columns.clone(), dialect: self.table.dialect() };
        let (text, mut notes) = (files::read_long_text(path, HISTORY_LIMIT)?, Vec::new());
        let read = read(&file, &text, &selection, &mut notes)?;
        progress.notes(&notes);
        Ok(read)
    }
}

/// What a price history has left behind.
pub(super) fn read_state(path: &Path) -> Result<State, Error> {
    let text = files::read_long_text(path, HISTORY_LIMIT)?;
    Ok(State::from_json(&path.display().to_string(), &text)?)
}

/// Reading options for a file of holdings that does not describe itself.
#[derive(clap::Args)]
pub(super) struct HoldingsOptions {
    #[command(flatten)]
    table: TableOptions,
    /// Cash instrument that carries the cost of derivatives, unless the universe names one
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

/// Whoever signs. No option takes a key itself, because other users of the machine can read command lines.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct KeyAt {
    /// File with the signing key: 64 hexadecimal digits or an Ethereum keystore
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Environment variable with the signing key
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// Command that signs: it reads JSON, EIP-712 or a transaction, and writes the signature; with --address
    #[arg(long, value_name = "COMMAND", requires = "address")]
    sign_with: Option<String>,
    /// Identifier, ARN or alias of a key in Amazon's key management service
    #[cfg(feature = "aws-kms")]
    #[arg(long, value_name = "KEY-ID")]
    aws_kms: Option<String>,
    /// Number of the account in a Ledger, from 0
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = "0")]
    ledger: Option<usize>,
}

/// Whoever signs, and the passphrase of a keystore.
#[derive(clap::Args)]
pub(super) struct KeyOptions {
    #[command(flatten)]
    at: KeyAt,
    /// Address that the command of --sign-with signs for
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address, requires = "sign_with")]
    address: Option<EvmAddress>,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

impl KeyOptions {
    /// Reads the key, and warns if other users can read the file; or finds whoever else signs.
    pub(super) fn load(&self, progress: &Progress) -> Result<Box<dyn Signer>, Error> {
        if let Some(elsewhere) = self.elsewhere() {
            return Ok(elsewhere?);
        }
        let at = secret_at(self.at.key.as_ref(), self.at.key_env.as_ref())
            .ok_or_else(|| Error::from(Usage("expected --key, --key-env or --sign-with".into())))?;
        warn_if_exposed(&at, progress)?;
        let key = keys::load(&at, || self.passphrase.read("Passphrase: ", progress), |note| progress.note(note))?;
        Ok(Box::new(key))
    }

    /// Whoever holds the key, if it is not here.
    fn elsewhere(&self) -> Option<Result<Box<dyn Signer>, SignerError>> {
        #[cfg(feature = "aws-kms")]
        if let Some(key) = &self.at.aws_kms {
            return Some(surety_signing::aws::AwsKms::connect(key).map(|signer| Box::new(signer) as _));
        }
        #[cfg(feature = "ledger")]
        if let Some(account) = self.at.ledger {
            return Some(surety_signing::ledger::Ledger::connect(account).map(|signer| Box::new(signer) as _));
        }
        let (command, address) = self.at.sign_with.as_ref().zip(self.address)?;
        Some(CommandSigner::new(command, address).map(|signer| Box::new(signer) as _))
    }
}

/// A passphrase: in a file, in the environment, or entered at a prompt.
#[derive(clap::Args)]
pub(super) struct PassphraseOptions {
    /// File with the keystore's passphrase [default: prompt on the terminal]
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_env")]
    passphrase_file: Option<PathBuf>,
    /// Environment variable with the keystore's passphrase
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

    /// Whether the passphrase will be prompted for.
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

/// Permission to replace files.
#[derive(clap::Args)]
pub(super) struct Force {
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

impl Force {
    pub(super) fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Keep }
    }

    /// The file for what a command has made of another: `out` or, by default, the one that was read, in its place.
    pub(super) fn target<'a>(&self, out: Option<&'a Path>, read: &'a Path) -> (&'a Path, Existing) {
        out.map_or((read, Existing::Replace), |out| (out, self.existing()))
    }
}

/// The user's store of set-ups.
pub(super) fn setups() -> Result<Setups, Error> {
    Ok(Setups::new(&Directories::of_user()?))
}

/// The directory for partial downloads.
pub(super) fn downloads() -> Result<PathBuf, Error> {
    Ok(Directories::of_user()?.data.join("downloads"))
}

/// Permission to fetch a ceremony's set-up from the network.
#[derive(clap::Args)]
pub(super) struct Network {
    /// Do not fetch a ceremony's set-up if none is in the store; the same as SURETY_OFFLINE=1
    #[arg(long)]
    offline: bool,
}

impl Network {
    fn is_off(&self) -> bool {
        self.offline || env::var_os("SURETY_OFFLINE").is_some_and(|value| !value.is_empty() && value != "0")
    }

    /// Tries once, with a short timeout, to fetch a ceremony's set-up if none is in the store. Without one, the command
    /// continues over the insecure set-up and says so.
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

/// Warns that a proof will prove nothing.
pub(super) fn warn_of_set_up(origin: Origin, srs: SrsId, progress: &Progress) {
    match origin {
        Origin::Ceremony(_) => {}
        Origin::InsecureDevelopment => progress.warn(
            "INSECURE: the development set-up is in use, whose secret is published: anybody can prove anything under \
             it. \
             Get a ceremony's with surety srs get, or import one with surety srs import FILE",
        ),
        Origin::Unknown => progress.warn(&format!(
            "set-up {srs} is of no ceremony that this version knows: whoever made it can prove anything"
        )),
    }
}

/// The name of the development set-up in answers.
pub(super) const DEVELOPMENT: &str = "insecure-development";

/// The name of a set-up in answers.
pub(super) fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Ceremony(ceremony) => ceremony.name,
        Origin::InsecureDevelopment => DEVELOPMENT,
        Origin::Unknown => "unknown",
    }
}

/// The parent directory of a file.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
