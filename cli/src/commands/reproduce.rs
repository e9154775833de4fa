//! `surety reproduce`

use std::path::PathBuf;

use serde_json::{Value, json};
use surety_audit::reproduce::{Agreement, Claimed, Deployed, Provenance, Reproduction, Thing};
use surety_chain::{Deployment, Node};
use surety_core::{
    ident::EvmAddress,
    shown::{Screen, table},
    spelling,
};
use surety_host::documents;
use surety_kzg::{Origin, SrsId};
use surety_margin::market::Snapshot;
use surety_verifier::attestation::{claim::Attestation, compiled::CompiledPolicyFile};

use crate::{
    Session,
    error::Error,
    inputs::{PolicyFiles, origin_name, setups, warn_of_set_up},
    output::Answer,
};

/// Number of things of one kind from which a single line stands for all.
const MANY: usize = 4;

/// Number of characters shown of an undisputed value that is longer than a hash.
const SHOWN: usize = 20;

/// Length of a hash in hexadecimal digits, prefix included.
const HASH: usize = 66;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: PolicyFiles,
    /// The market snapshot [default: market.json in DIR, if present]
    #[arg(long, value_name = "FILE")]
    market: Option<PathBuf>,
    /// Attestation whose identifiers and context are compared; may be repeated
    #[arg(long = "attestation", value_name = "FILE")]
    attestations: Vec<PathBuf>,
    /// Published commitments of the policy's programs
    #[arg(long, value_name = "FILE")]
    compiled: Option<PathBuf>,
    /// Recompile the verifying contract with this compiler: contracts/scripts/solc
    #[arg(long, value_name = "PROGRAM")]
    solc: Option<PathBuf>,
    /// Forge's build directory: contracts/out
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// URL of a JSON-RPC node of the chain; may be repeated: where one fails, the next is asked
    #[arg(long, value_name = "URL", requires = "Contracts")]
    rpc: Vec<String>,
    #[command(flatten)]
    contracts: Contracts,
}

/// The contracts to compare.
#[derive(clap::Args)]
#[group(multiple = false)]
struct Contracts {
    /// Deployment file, written by surety chain deploy
    #[arg(long, value_name = "FILE", requires = "rpc")]
    deployment: Option<PathBuf>,
    /// Address of the verifying contract, to compare that contract alone
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address, requires = "rpc")]
    verifier: Option<EvmAddress>,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let beside = args.files.layout().market();
    let market = args.market.clone().or_else(|| beside.exists().then_some(beside));
    let snapshot: Option<Snapshot> = market.as_deref().map(documents::read).transpose()?;
    let compiled: Option<CompiledPolicyFile> = args.compiled.as_deref().map(documents::read).transpose()?;
    let deployment: Option<Deployment> = args.contracts.deployment.as_deref().map(documents::read).transpose()?;
    let attestations = args.attestations.iter().map(|path| Ok((path, documents::read(path)?)));
    let attestations = attestations.collect::<Result<Vec<(&PathBuf, Attestation)>, Error>>()?;

    let srs = SrsId::from(universe.srs);
    let mut reproduction = Reproduction::of(policy, universe, snapshot, &setups()?, &session.progress)?;
    warn_of_set_up(reproduction.origin, srs, &session.progress);
    if let Some(compiler) = &args.solc {
        reproduction.compile(compiler)?;
    }
    if let Some(directory) = &args.artifacts {
        reproduction.compare_build(directory)?;
    }
    let deployed = deployment.as_ref().map(Deployed::Deployment).or(args.contracts.verifier.map(Deployed::Verifier));
    if let Some(deployed) = deployed {
        reproduction.compare_chain(&Node::connect_any(&args.rpc)?, deployed)?;
    }
    if let (Some(file), Some(path)) = (compiled, &args.compiled) {
        reproduction.compare_compiled(&path.display().to_string(), &file);
    }
    for (path, attestation) in attestations {
        reproduction.compare_attestation(&path.display().to_string(), &attestation);
    }

    let answer = Answer::new(data(&reproduction, market), text(&reproduction, session.screen))?;
    Ok(match reproduction.verdict() {
        Ok(()) => answer,
        Err(error) => answer.failing(&error),
    })
}

fn data(reproduction: &Reproduction, market: Option<PathBuf>) -> Value {
    let things = reproduction.things.iter().map(|thing| {
        let mut data = json!(thing);
        data["verdict"] = json!(thing.verdict());
        data
    });
    let count = |verdict| reproduction.things.iter().filter(|thing| thing.verdict() == verdict).count();
    json!({
        "market": market,
        "set_up": origin_name(reproduction.origin),
        "insecure": reproduction.origin == Origin::InsecureDevelopment,
        "agree": count(Agreement::Agrees),
        "differ": count(Agreement::Differs),
        "not_compared": count(Agreement::NotCompared),
        "things": things.collect::<Vec<_>>(),
        "not_established": reproduction.not_established,
    })
}

fn text(reproduction: &Reproduction, screen: Screen) -> String {
    let things = &reproduction.things;
    let claims = || things.iter().flat_map(|thing| &thing.claims);
    let agree = claims().filter(|claim| claim.agrees).count();
    let unclaimed = things.iter().filter(|thing| thing.verdict() == Agreement::NotCompared).count();
    let mut text = format!(
        "{agree} claims agree, {} differ; {unclaimed} of {} things are claimed by nobody\n\
         recomputed by surety {}, set-up {}\n",
        claims().count() - agree,
        things.len(),
        env!("CARGO_PKG_VERSION"),
        origin_name(reproduction.origin),
    );
    let rows = things.chunk_by(alike).flat_map(|things| if things.len() < MANY { each(things) } else { all(things) });
    table(&mut text, screen, ["", "what", "as it should be", "claimed by"], rows.collect());
    text += "\nnot established:\n";
    for limit in &reproduction.not_established {
        text += &format!("  - {limit}\n");
    }
    text
}

/// Whether one line can stand for both: undisputed things of one kind.
fn alike(a: &Thing, b: &Thing) -> bool {
    let claimants = |thing: &Thing| thing.claims.iter().map(|claim| claim.by.clone()).collect::<Vec<_>>();
    let kind = |thing: &Thing| thing.name.split_once(": ").map(|(kind, _)| kind.to_owned());
    kind(a).is_some()
        && kind(a) == kind(b)
        && a.verdict() == b.verdict()
        && a.verdict() != Agreement::Differs
        && a.basis == b.basis
        && claimants(a) == claimants(b)
}

/// One line for several things of one kind.
fn all(things: &[Thing]) -> Vec<[String; 4]> {
    let (Some(first), Some(last)) = (things.first(), things.last()) else { return Vec::new() };
    let last_name = last.name.split_once(": ").map_or("", |(_, name)| name);
    let name = format!("{} … {last_name}", first.name);
    let values = format!("{} values{}", things.len(), noted(first.basis));
    vec![[word(first.verdict()), name, values, claimants(&first.claims)]]
}

/// A line for each thing, or for each dispute about a thing.
fn each(things: &[Thing]) -> Vec<[String; 4]> {
    let row = |thing: &Thing| {
        let expected = shortened(&thing.expected) + noted(thing.basis);
        vec![[word(thing.verdict()), thing.name.clone(), expected, claimants(&thing.claims)]]
    };
    let disputes = |thing: &Thing| {
        let disputes = thing.claims.iter().filter(|claim| !claim.agrees);
        let dispute = |Claimed { by, value, .. }: &Claimed| {
            let expected = thing.expected.clone() + noted(thing.basis);
            [word(Agreement::Differs), thing.name.clone(), expected, format!("{by}: {value}")]
        };
        disputes.map(dispute).collect()
    };
    things
        .iter()
        .flat_map(|thing| if thing.verdict() == Agreement::Differs { disputes(thing) } else { row(thing) })
        .collect()
}

/// Marks things that were not recomputed.
fn noted(basis: Provenance) -> &'static str {
    match basis {
        Provenance::Recomputed => "",
        Provenance::Build => " (not compiled here)",
        Provenance::Deployment => " (the deployment's word)",
    }
}

fn claimants(claims: &[Claimed]) -> String {
    claims.iter().map(|claim| claim.by.as_str()).collect::<Vec<_>>().join(", ")
}

fn shortened(value: &str) -> String {
    match value.split_at_checked(SHOWN) {
        Some((start, _)) if value.starts_with("0x") && value.len() > HASH => format!("{start}…"),
        _ => value.to_owned(),
    }
}

fn word(verdict: Agreement) -> String {
    let word = match verdict {
        Agreement::Agrees => "agrees",
        Agreement::Differs => "differs",
        Agreement::NotCompared => "not compared",
    };
    word.to_owned()
}
