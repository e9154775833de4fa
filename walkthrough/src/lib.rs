//! The example institution, and the whole way on it: reports, snapshot, statements, proofs, and the files that a
//! stranger verifies.
//!
//! All keys are the demonstration's, which everybody can derive. The rest is as in earnest: fresh masks, and no
//! check relaxed.
//!
//! ```
//! assert_eq!(surety_walkthrough::capacity().unwrap().k(), 10);
//! ```

use std::path::PathBuf;

use surety_core::{
    ident::{Bytes32, EvmAddress, Name},
    text::{Document, table::Dialect},
    units::Timestamp,
};
use surety_import::observations::read_observations;
use surety_kzg::{Capacity, Observer, Origin, Params, SrsId, srs::VerifierKey};
use surety_margin::{
    market::{Report, Snapshot},
    policy::{Policy, SourceRule},
    universe::Universe,
};
use surety_verifier::attestation::{
    compiled::{CommittedPolicy, CompiledPolicy},
    eip712::Audience,
    report::snapshot_id,
    signature::SigningKey,
    statement::Statement,
    trust::{Newest, Trust},
};

pub mod batch;
pub mod book;
pub mod example;

use surety_core::failure::{AnyFailure, Internal};
use surety_host::{
    documents,
    files::{self, Access, Existing},
    keys::demo_key,
    setup::Setups,
};
use surety_prover::{
    layout::Layout,
    opening::Opening,
    oracle::{self, Clock, Comparison},
    prove::{ProofRequest, Prover},
    source::{self, StatementTerms},
};

use crate::example::ExampleFile;

/// The chain of development networks.
const CHAIN_ID: u64 = 31_337;

/// The levels that are proven, and where their attestations go; the first is the one that verifiers look for.
const LEVELS: [(&str, &str); 2] = [("maintenance", "attestation.json"), ("initial", "attestation-initial.json")];

/// How long a statement counts, in seconds.
const STATEMENT_VALIDITY: u64 = 86_400;

/// What a demonstration has left behind.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The set-up.
    pub srs: SrsId,
    /// Where it comes from.
    pub origin: Origin,
    /// Whose account it is.
    pub subject: EvmAddress,
    /// The attestations, by level.
    pub attestations: Vec<(Name, PathBuf)>,
    /// The last second at which the first of them counts.
    pub valid_until: Timestamp,
}

/// The capacity class of the demonstration's universe.
///
/// # Errors
/// Never, as long as the example is one.
pub fn capacity() -> Result<Capacity, AnyFailure> {
    Ok(Universe::from_toml(example::UNIVERSE.path, example::UNIVERSE.text)?.capacity)
}

/// Runs the demonstration in a directory.
///
/// # Errors
/// If the directory has its files already and they are to be kept, or something fails on the way.
pub fn run(
    layout: &Layout,
    setups: &Setups,
    now: Timestamp,
    existing: Existing,
    observer: &dyn Observer,
) -> Result<Demo, AnyFailure> {
    files::create_directory(layout.directory())?;
    files::check_target(&layout.attestation(), existing)?;
    files::create_private_directory(&layout.private())?;

    let Ground { setup, universe, policy, params } = prepare(layout, setups, existing, observer)?;
    let snapshot = report(layout, &policy, &universe, now, existing)?;
    let (statements, openings) = state(&policy, &universe, &params, audience()?, now)?;
    for (statement, opening) in statements.iter().zip(&openings) {
        layout.write_statement(statement, opening)?;
    }

    let policy = CompiledPolicy::compile(policy, universe, &params)?;
    documents::write(&layout.compiled(), &policy.committed().file(), existing)?;
    let trust = trust(policy.committed(), &snapshot, &statements)?;
    files::write(&layout.trust(), trust_text(&trust)?.as_bytes(), Access::Public, existing)?;

    let table = setups.table(&params, observer);
    let prover = Prover::with_table(params, table)?;
    let mut demo = Demo {
        srs: setup.id(),
        origin: setup.origin(),
        subject: subject()?,
        attestations: Vec::new(),
        valid_until: Timestamp::default(),
    };
    for (level, file) in LEVELS {
        let level = name(level)?;
        let request = ProofRequest {
            policy: &policy,
            snapshot: &snapshot,
            on_chain: false,
            vault: None,
            statements: &statements,
            level: &level,
            verifier: EvmAddress::ZERO,
            valid_until: None,
            presentation: Bytes32::ZERO,
            now,
        };
        let attestation = prover.prove(&request, &openings)?;
        demo.valid_until = attestation.claim.valid_until;
        let path = layout.directory().join(file);
        documents::write(&path, &attestation, existing)?;
        demo.attestations.push((level, path));
    }
    Ok(demo)
}

/// What the example's sources state of the account, each with a key of the demonstration: balances as of a time, which
/// is the sequence number as well.
///
/// # Errors
/// Never, as long as the example is one.
pub fn state(
    policy: &Policy,
    universe: &Universe,
    params: &Params,
    audience: Audience,
    as_of: Timestamp,
) -> Result<(Vec<Statement>, Vec<Opening>), AnyFailure> {
    let state = |(rule, file): (&SourceRule, ExampleFile)| -> Result<(Statement, Opening), AnyFailure> {
        let holdings = surety_import::positions::holdings(file.path, file.text, universe)?;
        let terms = StatementTerms {
            audience,
            subject: subject()?,
            account: rule.accounts.first().cloned().unwrap_or_else(|| rule.name.clone()),
            as_of,
            valid_until: Timestamp(as_of.0.saturating_add(STATEMENT_VALIDITY)),
            sequence: as_of.0,
            pledge: None,
        };
        Ok(source::attest(universe, params, holdings, terms, &demo_key(rule.name.as_str())?)?)
    };
    let stated: Vec<_> = policy.sources.iter().zip(example::HOLDINGS).map(state).collect::<Result<_, _>>()?;
    Ok(stated.into_iter().unzip())
}

/// What every demonstration starts from.
struct Ground {
    setup: VerifierKey,
    universe: Universe,
    policy: Policy,
    params: Params,
}

/// Reads the example over the preferred set-up, and writes its universe and policy.
fn prepare(
    layout: &Layout,
    setups: &Setups,
    existing: Existing,
    observer: &dyn Observer,
) -> Result<Ground, AnyFailure> {
    let mut universe = Universe::from_toml(example::UNIVERSE.path, example::UNIVERSE.text)?;
    let setup = setups.preferred(universe.capacity, observer)?;
    let universe_text = example::universe_over(&setup);
    universe.srs = setup.id().bytes();
    let policy = Policy::read(example::POLICY.path, example::POLICY.text, &universe)?;
    let params = setups.params(setup.id(), universe.capacity, observer)?;
    files::write(&layout.universe(), universe_text.as_bytes(), Access::Public, existing)?;
    files::write(&layout.policy(), example::POLICY.text.as_bytes(), Access::Public, existing)?;
    Ok(Ground { setup, universe, policy, params })
}

/// Signs what the nodes of the example observed, as of now, and writes reports and snapshot.
fn report(
    layout: &Layout,
    policy: &Policy,
    universe: &Universe,
    now: Timestamp,
    existing: Existing,
) -> Result<Snapshot, AnyFailure> {
    files::create_directory(&layout.reports())?;
    let sign = |(node, file): (&surety_margin::market::OracleNode, ExampleFile)| -> Result<Report, AnyFailure> {
        let observations = read_observations(file.path, file.text, policy, &Dialect::default(), &mut Vec::new())?;
        let key = demo_key(node.name.as_str())?;
        let report = oracle::sign(policy, universe, observations, Clock::at(now), Comparison::None, &key)?;
        documents::write(&layout.reports().join(format!("{}.json", node.name)), &report, existing)?;
        Ok(report)
    };
    let reports: Vec<_> =
        policy.oracle.nodes.iter().zip(example::OBSERVATIONS).map(sign).collect::<Result<_, AnyFailure>>()?;
    let snapshot = oracle::aggregate(policy, universe, &reports, None, now)?;
    documents::write(&layout.market(), &snapshot, existing)?;
    Ok(snapshot)
}

/// What a verifier would pin if all of this were in earnest.
fn trust(policy: &CommittedPolicy, snapshot: &Snapshot, statements: &[Statement]) -> Result<Trust, AnyFailure> {
    let rules = policy.policy();
    let sequences = rules.sources.iter().map(|source| {
        let of_source = statements.iter().filter(|statement| statement.source == source.signer);
        let last = of_source.map(|statement| (statement.account.clone(), Newest::of(statement))).collect();
        (source.name.clone(), last)
    });
    Ok(Trust {
        policy: Some(policy.id()),
        srs: Some(policy.universe().srs),
        epoch: Some(snapshot.epoch),
        snapshots: Some(vec![snapshot_id(policy, snapshot)]),
        audience: Some(audience()?),
        sources: Some(rules.sources.iter().map(|source| (source.name.clone(), source.signer)).collect()),
        oracles: Some(rules.oracle.nodes.iter().map(|node| (node.name.clone(), node.signer)).collect()),
        sequences: sequences.collect(),
        ..Trust::nothing()
    })
}

fn trust_text(trust: &Trust) -> Result<String, AnyFailure> {
    let note = "# A verifier writes such a file itself, from what it knows first hand. This one came with the files \
                that it\n\
                # vouches for, and so vouches for nothing: it shows the form.\n";
    Ok(format!("{note}{}", trust.to_toml().map_err(documents::DocumentError::from)?))
}

fn audience() -> Result<Audience, AnyFailure> {
    Ok(Audience { chain_id: CHAIN_ID, registry: demo_address("registry")? })
}

fn subject() -> Result<EvmAddress, AnyFailure> {
    demo_address("meridian")
}

fn demo_address(name: &str) -> Result<EvmAddress, AnyFailure> {
    Ok(demo_key(name).map(|key: SigningKey| key.address())?)
}

fn name(text: &str) -> Result<Name, AnyFailure> {
    Ok(Name::new(text).map_err(Internal)?)
}
