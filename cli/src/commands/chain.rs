//! `surety chain`

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_chain::{
    ChainError, Contracts, Deployment, Node,
    attest::{Question, Standing},
    carried::{Build, Carried},
    deployment::DeploymentTerms,
    market::{self, SnapshotSignature, Taken},
    node::Receipt,
    rules::ChainRules,
};
use surety_core::{
    ident::{EvmAddress, Name},
    spelling,
    units::Seconds,
};
use surety_host::{documents, files};
use surety_kzg::{Origin, SrsId};
use surety_margin::{level::Claimed, market::Snapshot};
use surety_verifier::{
    CommittedPolicy,
    attestation::{claim::Attestation, compiled::CompiledPolicy},
};

use crate::{
    Session,
    commands::verify::committed,
    error::Error,
    inputs::{Force, KeyOptions, PolicyFiles, setups, warn_of_set_up},
    output::Answer,
    progress::Progress,
};

/// The identifier of local chains for development.
const DEVELOPMENT: u64 = 31_337;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Deploy the contracts for policies of one capacity class and set-up
    Deploy(DeployArgs),
    /// Publish a policy in the policy registry
    Publish(PublishArgs),
    /// Take the snapshot of the current epoch, or submit a snapshot signed by oracle nodes
    Snapshot(SnapshotArgs),
    /// Sign a snapshot for the snapshot oracle on a chain, as an oracle node
    SignSnapshot(SignSnapshotArgs),
    /// Write the snapshot oracle's newest prices to a snapshot file
    Market(MarketArgs),
    /// Write the part of a subject's collateral in the vault that counts
    Vault(VaultArgs),
    /// Submit attestations to the attestation registry, several in one batch
    Attest(AttestArgs),
    /// Ask the attestation registry for the levels that hold for a subject
    Query(QueryArgs),
}

/// Nodes of a chain.
#[derive(clap::Args)]
pub(super) struct Nodes {
    /// URL of a JSON-RPC node of the chain; may be repeated: where one fails, the next is asked
    #[arg(long, value_name = "URL", required = true)]
    rpc: Vec<String>,
}

impl Nodes {
    fn connect(&self) -> Result<Node, Error> {
        Ok(Node::connect_any(&self.rpc)?)
    }
}

/// A chain and the addresses of the contracts.
#[derive(clap::Args)]
pub(super) struct On {
    #[command(flatten)]
    nodes: Nodes,
    /// Deployment file, written by surety chain deploy
    #[arg(long, value_name = "FILE")]
    deployment: PathBuf,
}

impl On {
    pub(super) fn contracts(&self) -> Result<Contracts, Error> {
        let deployment: Deployment = documents::read(&self.deployment)?;
        Ok(Contracts::check(self.nodes.connect()?, deployment)?)
    }
}

#[derive(clap::Args)]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    files: PolicyFiles,
    #[command(flatten)]
    nodes: Nodes,
    /// Forge's build directory [default: the code that this program carries]
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// Delay before the owner's actions take effect: 24h, 7d, or seconds
    #[arg(long, value_name = "DURATION", value_parser = spelling::duration)]
    delay: Seconds,
    /// Owner of the policy registry [default: the key's address]
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    owner: Option<EvmAddress>,
    /// Guardian, who may freeze policies
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    guardian: EvmAddress,
    /// Accept a development set-up on a chain in use, where anybody could prove anything
    #[arg(long)]
    allow_insecure_srs: bool,
    /// Exclusive registry: an account serves one policy only while an attestation counts
    #[arg(long)]
    exclusive: bool,
    #[command(flatten)]
    key: KeyOptions,
    /// Deployment file to write
    #[arg(long, default_value = "deployment.json", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
pub(crate) struct PublishArgs {
    #[command(flatten)]
    files: PolicyFiles,
    #[command(flatten)]
    on: On,
    /// Chain rules, which complete the policy: line, version, grace, feeds
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    #[command(flatten)]
    key: KeyOptions,
}

#[derive(clap::Args)]
pub(crate) struct SnapshotArgs {
    #[command(flatten)]
    files: PolicyFiles,
    #[command(flatten)]
    on: On,
    /// Signature of a node under the snapshot; may be repeated [default: prices come from feeds]
    #[arg(long = "signature", value_name = "FILE")]
    signatures: Vec<PathBuf>,
    /// The signed snapshot [default: market.json in DIR]
    #[arg(long, value_name = "FILE", requires = "signatures")]
    market: Option<PathBuf>,
    #[command(flatten)]
    key: KeyOptions,
}

#[derive(clap::Args)]
pub(crate) struct SignSnapshotArgs {
    #[command(flatten)]
    files: PolicyFiles,
    /// The snapshot [default: market.json in DIR]
    #[arg(long, value_name = "FILE")]
    market: Option<PathBuf>,
    /// Deployment file, written by surety chain deploy
    #[arg(long, value_name = "FILE")]
    deployment: PathBuf,
    #[command(flatten)]
    key: KeyOptions,
    /// File for the signature
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
pub(crate) struct MarketArgs {
    #[command(flatten)]
    files: PolicyFiles,
    #[command(flatten)]
    on: On,
    /// File for the snapshot [default: market.json in DIR]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
pub(crate) struct VaultArgs {
    #[command(flatten)]
    files: PolicyFiles,
    #[command(flatten)]
    on: On,
    /// Address of the subject
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    subject: EvmAddress,
    /// File for the balances
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
pub(crate) struct AttestArgs {
    /// Attestations under the policy
    #[arg(value_name = "FILE", required = true)]
    attestations: Vec<PathBuf>,
    /// Directory with universe.toml and policy.toml
    #[arg(long, default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    on: On,
    #[command(flatten)]
    key: KeyOptions,
}

#[derive(clap::Args)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    files: PolicyFiles,
    #[command(flatten)]
    on: On,
    /// Address of the subject
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    subject: EvmAddress,
    /// Ask for this level or a stricter one
    #[arg(long, value_name = "NAME", requires = "max_age", value_parser = |text: &str| Name::new(text))]
    level: Option<Name>,
    /// Maximum age of the prices: 10m, 1h, or seconds
    #[arg(long, value_name = "DURATION", value_parser = spelling::duration, requires = "level")]
    max_age: Option<Seconds>,
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Deploy(_) => "deploy",
            Self::Publish(_) => "publish",
            Self::Snapshot(_) => "snapshot",
            Self::SignSnapshot(_) => "sign-snapshot",
            Self::Market(_) => "market",
            Self::Vault(_) => "vault",
            Self::Attest(_) => "attest",
            Self::Query(_) => "query",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Deploy(args) => deploy(&args, session),
        Command::Publish(args) => publish(&args, session),
        Command::Snapshot(args) => snapshot(&args, session),
        Command::SignSnapshot(args) => sign_snapshot(&args, session),
        Command::Market(args) => market(&args, session),
        Command::Vault(args) => vault(&args, session),
        Command::Attest(args) => attest(&args, session),
        Command::Query(args) => query(&args, session),
    }
}

fn deploy(args: &DeployArgs, session: &Session) -> Result<Answer, Error> {
    files::check_target(&args.out, args.force.existing())?;
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let setups = setups()?;
    let (srs, capacity) = (SrsId::from(universe.srs), universe.capacity);
    let verifying_key = setups.verifying_key(srs, capacity, &session.progress)?;
    let params = setups.params(srs, capacity, &session.progress)?;
    warn_of_set_up(verifying_key.srs().origin(), srs, &session.progress);
    let policy = CompiledPolicy::compile(policy, universe, &params)?;
    let policy = policy.committed();
    let key = args.key.load(&session.progress)?;
    let terms = DeploymentTerms {
        owner: args.owner.unwrap_or_else(|| key.address()),
        guardian: args.guardian,
        delay: args.delay,
        exclusive: args.exclusive,
    };
    let progress = Progress::new(session.progress.is_quiet());
    let told = move |action: &'static str, receipt: &Receipt| {
        progress.note(&format!("{action}: {} gas", receipt.gas()));
    };
    let node = args.nodes.connect()?.telling(told);
    let is_insecure = verifying_key.srs().origin() == Origin::InsecureDevelopment;
    if is_insecure && node.chain_id() != DEVELOPMENT && !args.allow_insecure_srs {
        let found = format!("the development set-up, for chain {}", node.chain_id());
        let advice = "import a ceremony's with surety srs, or accept that anybody can prove anything with \
                      --allow-insecure-srs";
        return Err(ChainError::mismatch("universe: srs", "a set-up of a ceremony", found, advice).into());
    }
    let build = args.artifacts.as_deref().map_or(Build::Carried, Build::Forge);
    let contracts = Contracts::create(node, build, policy, &verifying_key, &terms, &*key)?;
    let deployment = contracts.deployment();
    documents::write(&args.out, deployment, args.force.existing())?;
    let mut text = format!(
        "chain     {}\nverifier  {}\npolicies  {}\noracle    {}\nregistry  {}\n",
        deployment.chain_id, deployment.verifier, deployment.policies, deployment.oracle, deployment.registry,
    );
    if let Some(books) = deployment.books {
        text += &format!("books     {books}\n");
    }
    if let Some(vault) = deployment.vault {
        text += &format!("vault     {vault}\n");
        if policy.policy().vault.as_ref().is_some_and(|rules| rules.address != vault) {
            session.progress.warn(&format!(
                "the policy names another vault: state {vault} as vault.address in the policy before you publish it"
            ));
        }
    }
    let mut data = json!(deployment);
    data["file"] = json!(args.out);
    if args.artifacts.is_none() {
        let carried = Carried::of_verifier(&verifying_key)?;
        text += &format!("code      {}, by solc {}\n", carried.source, carried.compiler);
        data["code"] = json!(Carried::all()?);
    }
    text += &format!("written   {}", args.out.display());
    Answer::new(data, text)
}

fn publish(args: &PublishArgs, session: &Session) -> Result<Answer, Error> {
    let policy = committed(&args.files, session)?;
    let rules = read_rules(&args.rules, &policy)?;
    let contracts = args.on.contracts()?;
    let universe = policy.universe();
    contracts.check_key(&setups()?.verifying_key(
        SrsId::from(universe.srs),
        universe.capacity,
        &session.progress,
    )?)?;
    let key = args.key.load(&session.progress)?;
    let published = contracts.publish(&policy, &rules, &*key)?;
    let mut data = receipt(&published.receipt);
    data["policy"] = json!(published.policy);
    data["counts_from"] = json!(published.counts_from);
    let text =
        format!("policy       {}\ncounts from  {}", published.policy.0, spelling::iso_time(published.counts_from));
    Answer::new(data, text)
}

fn snapshot(args: &SnapshotArgs, session: &Session) -> Result<Answer, Error> {
    let policy = committed(&args.files, session)?;
    let contracts = args.on.contracts()?;
    let key = args.key.load(&session.progress)?;
    let taken = if args.signatures.is_empty() {
        contracts.take(policy.id(), &*key)?
    } else {
        let snapshot: Snapshot = documents::read(args.market.as_ref().unwrap_or(&args.files.layout().market()))?;
        let signatures: Result<Vec<SnapshotSignature>, _> =
            args.signatures.iter().map(|path| documents::read(path)).collect();
        contracts.submit(&policy, &snapshot, &signatures?, &*key)?
    };
    let Taken { epoch, time, marked, .. } = taken;
    let mut data = receipt(&taken.receipt);
    data["epoch"] = json!(epoch);
    data["time"] = json!(time);
    data["marked"] = json!(marked);
    let mark = if marked { ", marked: a price has moved too far" } else { "" };
    Answer::new(data, format!("epoch {epoch}, prices of {}{mark}", spelling::iso_time(time)))
}

fn sign_snapshot(args: &SignSnapshotArgs, session: &Session) -> Result<Answer, Error> {
    files::check_target(&args.out, args.force.existing())?;
    let policy = committed(&args.files, session)?;
    let snapshot: Snapshot = documents::read(args.market.as_ref().unwrap_or(&args.files.layout().market()))?;
    let deployment: Deployment = documents::read(&args.deployment)?;
    let key = args.key.load(&session.progress)?;
    let signature = market::sign(&policy, &snapshot, &deployment, session.now, &*key)?;
    if !snapshot.marked.is_empty() {
        let marked: Vec<_> = snapshot.marked.iter().map(Name::as_str).collect();
        session.progress.warn(&format!("the snapshot is marked: {} moved too far; look twice", marked.join(", ")));
    }
    documents::write(&args.out, &signature, args.force.existing())?;
    let data = json!({
        "snapshot": signature.snapshot, "signer": signature.signer, "marked": snapshot.marked, "file": args.out
    });
    let text = format!("snapshot {}, signed by {}: {}", signature.snapshot.0, signature.signer, args.out.display());
    Answer::new(data, text)
}

fn market(args: &MarketArgs, session: &Session) -> Result<Answer, Error> {
    let policy = committed(&args.files, session)?;
    let snapshot = args.on.contracts()?.market(&policy)?;
    let out = args.out.clone().unwrap_or_else(|| args.files.layout().market());
    documents::write(&out, &snapshot, args.force.existing())?;
    let id = surety_verifier::attestation::report::snapshot_id(&policy, &snapshot);
    let mut text = format!("snapshot {}, epoch {}: {}\n", id.0, snapshot.epoch, out.display());
    for price in &snapshot.prices {
        let mark = if snapshot.marked.contains(&price.entry) { "  marked: moved too far" } else { "" };
        text += &format!("  {:<24} {}{mark}\n", price.entry.as_str(), price.price);
    }
    let data = json!({
        "snapshot": id,
        "epoch": snapshot.epoch,
        "time": snapshot.time,
        "prices": snapshot.prices,
        "marked": snapshot.marked,
        "file": out,
    });
    Answer::new(data, text)
}

fn vault(args: &VaultArgs, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let params = setups()?.params(SrsId::from(universe.srs), universe.capacity, &session.progress)?;
    let policy = CompiledPolicy::compile(policy, universe, &params)?;
    let balances = args.on.contracts()?.vault(&args.subject, policy.committed(), &params)?;
    documents::write(&args.out, &balances, args.force.existing())?;
    let mut text = format!("checkpoint {}, number {}: {}\n", balances.checkpoint, balances.number, args.out.display());
    for balance in &balances.balances {
        text += &format!("  {:<24} {}\n", balance.instrument.as_str(), balance.lots.get());
    }
    let mut data = json!(balances);
    data["file"] = json!(args.out);
    Answer::new(data, text)
}

fn attest(args: &AttestArgs, session: &Session) -> Result<Answer, Error> {
    let policy = committed(&PolicyFiles::of(&args.dir), session)?;
    let attestations: Result<Vec<Attestation>, _> =
        args.attestations.iter().map(|path| documents::read(path)).collect();
    let attestations = attestations?;
    let contracts = args.on.contracts()?;
    let key = args.key.load(&session.progress)?;
    let kept = contracts.attest(&attestations, &policy, &*key)?;
    let mut data = receipt(&kept);
    data["attestations"] = json!(attestations.len());
    let count = attestations.len();
    let text = format!("accepted: {count}, for {} gas, transaction {}", kept.gas(), kept.transaction());
    Answer::new(data, text)
}

fn query(args: &QueryArgs, session: &Session) -> Result<Answer, Error> {
    let policy = committed(&args.files, session)?;
    let question = args.level.clone().zip(args.max_age);
    let question = question.map(|(level, max_age)| Question { level, max_age });
    let standing = args.on.contracts()?.query(&args.subject, &policy, question.as_ref())?;
    let Standing { holds, accepts_attestations, .. } = &standing;
    let mut text = match holds {
        Some(level) => format!("{} satisfies {level}\n", standing.subject),
        None => format!("{}: no level holds now\n", standing.subject),
    };
    if let (Some(Question { level, max_age }), Some(holds)) = (&question, standing.sufficient.or(standing.short)) {
        let answer = if holds { "yes" } else { "no" };
        let asked = if standing.short.is_some() { ", short of it" } else { " or stricter" };
        text += &format!("{level}{asked}, prices at most {} seconds old: {answer}\n", max_age.0);
    }
    if !accepts_attestations {
        text += "the registry takes no attestations under the policy now\n";
    }
    for record in &standing.levels {
        let until = spelling::iso_time(record.valid_until);
        let (level, epoch, streak) = (&record.level, record.epoch, record.streak);
        text += &match record.claim {
            Claimed::Sufficient => format!("  {level}: epoch {epoch}, valid until {until}, {streak} in a row\n"),
            Claimed::Shortfall => format!("  {level}: epoch {epoch}, valid until {until}, a shortfall\n"),
        };
    }
    Answer::new(&standing, text)
}

fn read_rules(path: &Path, policy: &CommittedPolicy) -> Result<ChainRules, Error> {
    let rules: ChainRules = documents::read(path)?;
    let problems = rules.check(policy.policy(), policy.universe());
    if problems.is_empty() {
        Ok(rules)
    } else {
        Err(ChainError::Problems { input: path.display().to_string(), problems }.into())
    }
}

pub(super) fn receipt(receipt: &Receipt) -> serde_json::Value {
    json!({ "transaction": receipt.transaction(), "gas": receipt.gas() })
}
