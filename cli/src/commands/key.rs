//! `surety key`

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_host::{
    files::{self, Access, Existing},
    keys,
};
use surety_prover::bundle::Identity;

use crate::{
    Session,
    error::{Error, Usage},
    inputs::{Force, KeyOptions, PassphraseOptions},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Generate a key and write it to an encrypted keystore
    New(NewArgs),
    /// Show the address of a key
    Address(AddressArgs),
    /// Generate a key that sources encrypt openings to, and show its recipient
    Recipient(RecipientArgs),
}

#[derive(clap::Args)]
pub(crate) struct NewArgs {
    /// File for the keystore
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
pub(crate) struct AddressArgs {
    #[command(flatten)]
    key: KeyOptions,
}

#[derive(clap::Args)]
pub(crate) struct RecipientArgs {
    /// File for the key, in the form of age; the recipient of one that exists is shown
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Address(_) => "address",
            Self::Recipient(_) => "recipient",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::New(args) => new(&args, session),
        Command::Address(args) => {
            let address = args.key.load(&session.progress)?.address();
            Answer::new(json!({ "address": address }), address)
        }
        Command::Recipient(args) => recipient(&args),
    }
}

/// A key that exists stays: without it, what was encrypted to it is lost.
fn recipient(args: &RecipientArgs) -> Result<Answer, Error> {
    let identity = if args.out.exists() {
        read_identity(&args.out)?
    } else {
        let identity = Identity::random();
        files::write(&args.out, identity.file_text().as_bytes(), Access::Secret, Existing::Keep)?;
        identity
    };
    let recipient = identity.recipient().to_string();
    Answer::new(json!({ "recipient": recipient, "file": args.out }), recipient)
}

/// Reads a key that openings are encrypted to.
pub(super) fn read_identity(path: &Path) -> Result<Identity, Error> {
    let text = files::read_secret(path)?;
    Identity::from_file_text(&text).map_err(|error| Usage(format!("{}: {error}", path.display())).into())
}

fn new(args: &NewArgs, session: &Session) -> Result<Answer, Error> {
    files::check_target(&args.out, args.force.existing())?;
    let passphrase = args.passphrase.read("New passphrase: ", &session.progress)?;
    if args.passphrase.is_interactive()
        && args.passphrase.read("Again: ", &session.progress)?.as_str() != passphrase.as_str()
    {
        return Err(Error::from(Usage("expected the same passphrase twice, found two".into())));
    }
    let address = keys::generate(&args.out, passphrase.as_str(), args.force.existing())?;
    let text = format!("{address}\nwritten {}", args.out.display());
    Answer::new(json!({ "address": address, "file": args.out }), text)
}
