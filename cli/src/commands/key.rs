//! `surety key`

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use alloy::{
    consensus::{SignableTransaction as _, TxEip1559},
    dyn_abi::TypedData,
};
use serde_json::{Value, json};
use surety_core::ident::{Bytes32, HexBytes};
use surety_host::{
    files::{self, Access, Existing},
    keys,
};
use surety_prover::bundle::Identity;
use surety_verifier::attestation::signer::Signable;

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
    /// Sign what another surety asks for with --sign-with: JSON on standard input, the signature on standard output
    Sign(SignArgs),
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
pub(crate) struct SignArgs {
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
            Self::Sign(_) => "sign",
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
        Command::Sign(args) => sign(&args, session),
        Command::Recipient(args) => recipient(&args),
    }
}

/// Most bytes of what is to be signed: a contract's code, written twice in hexadecimal digits, and more.
const REQUEST_LIMIT: u64 = 1 << 20;

/// What somebody asks to sign, with the digest that follows from it.
struct Request {
    shown: Value,
    digest: Bytes32,
    /// What it is, for people.
    about: String,
}

impl Request {
    /// Reads a transaction, or a struct of Surety's: whoever may ask for those may not have anything signed.
    fn parse(text: &str) -> Result<Self, Error> {
        const EXPECTED: &str =
            "standard input: expected a transaction or a struct of Surety's, as --sign-with gives it";
        let refused = |found: String| Error::from(Usage(format!("{EXPECTED}, found {found}")));
        let shown: Value = serde_json::from_str(text).map_err(|error| refused(format!("other JSON: {error}")))?;
        if let Some(transaction) = shown.get("transaction") {
            let transaction: TxEip1559 =
                serde_json::from_value(transaction.clone()).map_err(|error| refused(error.to_string()))?;
            let to = transaction.to.to().map_or("a new contract".to_owned(), |to| format!("{to:#x}"));
            let about = format!("transaction {} to {to} on chain {}", transaction.nonce, transaction.chain_id);
            return Ok(Self { digest: HexBytes(transaction.signature_hash().0), shown, about });
        }
        let typed: TypedData = serde_json::from_value(shown.clone()).map_err(|error| refused(error.to_string()))?;
        let (name, version) = (typed.domain.name.as_deref(), typed.domain.version.as_deref());
        if (name, version) != (Some("Surety"), Some("1")) {
            return Err(refused(format!("one of {}", name.unwrap_or("nobody"))));
        }
        let digest = typed.eip712_signing_hash().map_err(|error| refused(error.to_string()))?;
        let place = typed.domain.verifying_contract.zip(typed.domain.chain_id);
        let place = place.map_or(String::new(), |(contract, chain)| format!(" for {contract:#x} on chain {chain}"));
        Ok(Self { digest: HexBytes(digest.0), about: format!("{}{place}", typed.primary_type), shown })
    }
}

impl Signable for Request {
    fn digest(&self) -> Bytes32 {
        self.digest
    }

    fn to_json(&self) -> Value {
        self.shown.clone()
    }
}

fn sign(args: &SignArgs, session: &Session) -> Result<Answer, Error> {
    let mut text = String::new();
    let read = io::stdin().take(REQUEST_LIMIT).read_to_string(&mut text);
    read.map_err(|error| Error::from(Usage(format!("standard input: expected text, found none: {error}"))))?;
    let request = Request::parse(&text)?;
    let signer = args.key.load(&session.progress)?;
    let signature = signer.sign(&request)?;
    session.progress.note(&format!("signed by {}: {}", signer.address(), request.about));
    Answer::new(json!({ "signature": signature, "signer": signer.address(), "about": request.about }), signature)
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
