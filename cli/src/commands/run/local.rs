//! The chain of the demonstration: Anvil with the example's contracts and policy, for as long as the process runs.
//!
//! The chain begins anew with the process. Its contracts have the same addresses every time, and a holder looks again
//! at what it has delivered: so everything goes on.

use std::path::Path;

use surety_chain::{
    Contracts, Deployment, Node,
    carried::Build,
    deployment::DeploymentTerms,
    local::{Anvil, LocalChain},
    rules::ChainRules,
};
use surety_core::{
    ident::EvmAddress,
    text::Document as _,
    units::{Seconds, Timestamp},
};
use surety_host::{
    clock::now,
    documents,
    files::{self, Access, Existing},
    keys::{demo_key, demo_secret},
    setup::Setups,
};
use surety_kzg::SrsId;
use surety_verifier::attestation::compiled::CompiledPolicy;
use surety_walkthrough::example;

use crate::{Session, error::Error};

/// How long before the present the chain begins, in seconds: at least a second for each of the first transactions.
const PAST: u64 = 600;

/// Who pays: the holder and the keeper.
pub(super) const PAYERS: [&str; 2] = ["meridian", "keeper"];

/// A chain with the example's contracts.
pub(super) struct Chain {
    /// It ends with this value.
    _anvil: Anvil,
    pub(super) deployment: Deployment,
}

impl Chain {
    /// Starts a node, creates the contracts for the universe and policy of a directory, publishes the policy, and
    /// writes what the roles need: the deployment, the node's URL, and the keys of who pays.
    pub(super) fn start(directory: &Path, setups: &Setups, session: &Session) -> Result<Self, Error> {
        let anvil = Anvil::start(Timestamp(now().0.saturating_sub(PAST)))?;
        let node = Node::connect(anvil.url())?;
        let chain = LocalChain::of(&node)?;
        let owner = demo_key("owner")?;
        chain.fund(&owner.address())?;
        for payer in PAYERS {
            chain.fund(&demo_key(payer)?.address())?;
            let path = directory.join("keys").join(payer);
            files::write(&path, demo_secret(payer).to_string().as_bytes(), Access::Secret, Existing::Replace)?;
        }
        let universe_path = directory.join("universe.toml");
        let universe = documents::read_universe(&universe_path, &universe_path)?;
        let policy = documents::read_policy(&directory.join("policy.toml"), &universe)?;
        let (srs, capacity) = (SrsId::from(universe.srs), universe.capacity);
        let params = setups.params(srs, capacity, &session.progress)?;
        let key = setups.verifying_key(srs, capacity, &session.progress)?;
        let policy = CompiledPolicy::compile(policy, universe, &params)?;
        let terms =
            DeploymentTerms { owner: owner.address(), guardian: EvmAddress::ZERO, delay: Seconds(0), exclusive: false };
        let contracts =
            Contracts::create(Node::connect(anvil.url())?, Build::Carried, policy.committed(), &key, &terms, &owner)?;
        let rules = ChainRules::from_toml(example::RULES.path, example::RULES.text)?;
        // A part of the demonstration's epoch, which is shorter than the example's.
        let rules = ChainRules { grace: Seconds(policy.committed().policy().oracle.epoch.0 / 3), ..rules };
        contracts.publish(policy.committed(), &rules, &owner)?;
        let deployment = contracts.deployment().clone();
        documents::write(&directory.join("deployment.json"), &deployment, Existing::Replace)?;
        let url = format!("{}\n", anvil.url());
        files::write(&directory.join("rpc"), url.as_bytes(), Access::Secret, Existing::Replace)?;
        chain.live(now())?;
        session.progress.note(&format!("a chain answers at {}", anvil.url()));
        Ok(Self { _anvil: anvil, deployment })
    }
}
