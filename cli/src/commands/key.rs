//! `surety key`

use std::path::PathBuf;

use serde_json::json;
use surety_host::{files, keys};

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

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Address(_) => "address",
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
    }
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
