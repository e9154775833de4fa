//! `surety source`

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_chain::wallets::Wallet;
use surety_core::{
    ident::{Bytes32, EvmAddress, Name},
    spelling,
    text::table::Note,
    units::{Seconds, Timestamp},
};
use surety_host::{directories::Directories, documents, files::Existing};
use surety_kzg::SrsId;
use surety_margin::universe::Universe;
use surety_prover::{
    bundle::{Bundle, Recipient},
    layout::Layout,
    opening::Opening,
    sequences::{Sequences, StatedAccount},
    source::{self, StatementTerms},
};
use surety_verifier::attestation::{eip712::Audience, statement::Statement};

use super::key::read_identity;
use crate::{
    Session,
    error::Error,
    inputs::{HoldingsOptions, KeyOptions, setups, warn_of_set_up},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Sign a statement of an account's balances, and write the secret opening for the holder
    Attest(Box<AttestArgs>),
    /// Sign, with a wallet's key, that it is a subject's, for a source that watches wallets
    Wallet(WalletArgs),
    /// Open a bundle that a source has sent, as its holder, into a statement and its opening
    Open(OpenArgs),
}

#[derive(clap::Args)]
pub(crate) struct AttestArgs {
    /// The universe
    #[arg(long, default_value = "universe.toml", value_name = "FILE")]
    universe: PathBuf,
    /// The account's balances: TOML, JSON or a table of instrument and amount (in units) or lots; derivatives also need
    /// their cost: entry_price, cost, or unrealised_pnl and mark_price
    #[arg(long, value_name = "FILE")]
    holdings: PathBuf,
    #[command(flatten)]
    reading: HoldingsOptions,
    /// Name of the account in the policy
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Name::new(text))]
    account: Name,
    /// Address of the subject, who owns the account
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    subject: EvmAddress,
    /// Chain id of the attestation registry that the statement is for
    #[arg(long, value_name = "NUMBER")]
    chain_id: u64,
    /// Address of the attestation registry that the statement is for; any agreed address if there is no contract
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    registry: EvmAddress,
    /// Time of the balances [default: now]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    as_of: Option<Timestamp>,
    /// Validity of the statement from that time on: 12h, 7d, or seconds
    #[arg(long, default_value = "24h", value_name = "DURATION", value_parser = spelling::duration)]
    valid_for: Seconds,
    /// Sequence number, larger than in the last statement about the account [default: the next, from the time of the
    /// balances on]
    #[arg(long, value_name = "NUMBER")]
    sequence: Option<u64>,
    /// Pledge the account to this policy alone
    #[arg(long, value_name = "POLICY-ID", value_parser = spelling::hash)]
    pledge: Option<Bytes32>,
    /// Encrypt the opening to this recipient of age, and write both into one bundle that may travel anywhere
    #[arg(long, value_name = "AGE1…", value_parser = |text: &str| text.parse::<Recipient>())]
    to: Option<Recipient>,
    #[command(flatten)]
    key: KeyOptions,
    /// Directory for statements/ and private/; with --to, for the bundle
    #[arg(long, default_value = ".", value_name = "DIR")]
    out: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct WalletArgs {
    /// Address of the subject whose wallet it is
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    subject: EvmAddress,
    /// Signing address of the source that will count the wallet
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    source: EvmAddress,
    #[command(flatten)]
    key: KeyOptions,
}

#[derive(clap::Args)]
pub(crate) struct OpenArgs {
    /// The bundle
    #[arg(value_name = "FILE")]
    bundle: PathBuf,
    /// The key that it is encrypted to, as surety key recipient or age-keygen writes it
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// Directory for statements/ and private/
    #[arg(long, default_value = ".", value_name = "DIR")]
    out: PathBuf,
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Attest(_) => "attest",
            Self::Wallet(_) => "wallet",
            Self::Open(_) => "open",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Attest(args) => attest(&args, session),
        Command::Wallet(args) => {
            let signer = args.key.load(&session.progress)?;
            let wallet = Wallet::bind(&args.subject, &args.source, &*signer)?;
            let line = format!("{{ address = \"{}\", signature = \"{}\" }}", wallet.address, wallet.signature);
            Answer::new(json!(wallet), line)
        }
        Command::Open(args) => open(&args),
    }
}

fn attest(args: &AttestArgs, session: &Session) -> Result<Answer, Error> {
    let universe: Universe = documents::read(&args.universe)?;
    let mut notes = Vec::new();
    let book = documents::read_holdings(&args.holdings, &universe, &args.reading.reading(), &mut notes)?;
    session.progress.notes(&notes);
    let key = args.key.load(&session.progress)?;
    let params = setups()?.params(SrsId::from(universe.srs), universe.capacity, &session.progress)?;
    warn_of_set_up(params.verifier_key().origin(), params.id(), &session.progress);
    let as_of = args.as_of.unwrap_or(session.now);
    let account = StatedAccount { source: key.address(), subject: args.subject, account: args.account.clone() };
    let sequences = Sequences::open(&Directories::of_user()?.state)?;
    let terms = StatementTerms {
        audience: Audience { chain_id: args.chain_id, registry: args.registry },
        subject: args.subject,
        account: args.account.clone(),
        as_of,
        valid_until: Timestamp(as_of.0.saturating_add(args.valid_for.0)),
        sequence: sequences.take(&account, args.sequence, as_of)?,
        pledge: args.pledge,
    };
    let (statement, opening) = source::attest(&universe, &params, book.holdings, terms, &*key)?;
    if let Some(recipient) = &args.to {
        return seal(&args.out, &universe, statement, &opening, recipient, &notes);
    }
    let (statement_path, opening_path) = Layout::new(&args.out).write_statement(&statement, &opening)?;
    let data = json!({
        "hash": statement.hash(),
        "source": statement.source,
        "account": statement.account,
        "sequence": statement.sequence,
        "statement": statement_path,
        "opening": opening_path,
        "notes": notes,
    });
    let text = format!(
        "statement {}, number {}, by {}: {}\nopening, for the holder alone: {}",
        statement.hash(),
        statement.sequence,
        statement.source,
        statement_path.display(),
        opening_path.display()
    );
    Answer::new(data, text)
}

/// Writes a statement and its opening as a bundle, and the opening nowhere else.
fn seal(
    directory: &Path,
    universe: &Universe,
    statement: Statement,
    opening: &Opening,
    recipient: &Recipient,
    notes: &[Note],
) -> Result<Answer, Error> {
    let path = directory.join(format!("{}-{}.bundle.json", statement.account, statement.sequence));
    let bundle = Bundle::seal(universe, statement, opening, recipient)?;
    documents::write(&path, &bundle, Existing::Keep)?;
    let statement = &bundle.statement;
    let (hash, sequence, source) = (statement.hash(), statement.sequence, statement.source);
    let data = json!({
        "hash": hash,
        "source": source,
        "account": statement.account,
        "sequence": sequence,
        "bundle": path,
        "recipient": recipient,
        "notes": notes,
    });
    let place = path.display();
    Answer::new(data, format!("statement {hash}, number {sequence}, by {source}, for {recipient} alone: {place}"))
}

fn open(args: &OpenArgs) -> Result<Answer, Error> {
    let bundle: Bundle = documents::read(&args.bundle)?;
    let opening = bundle.open(&read_identity(&args.identity)?)?;
    let (statement_path, opening_path) = Layout::new(&args.out).write_statement(&bundle.statement, &opening)?;
    let Statement { source, account, sequence, .. } = &bundle.statement;
    let data = json!({
        "hash": bundle.statement.hash(),
        "source": source,
        "account": account,
        "sequence": sequence,
        "statement": statement_path,
        "opening": opening_path,
    });
    let (statement, opening) = (statement_path.display(), opening_path.display());
    Answer::new(data, format!("statement about {account} by {source}: {statement}\nits opening: {opening}"))
}
