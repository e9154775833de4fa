//! Reproduction: everything that an attestation, a file of commitments or a contract refers to, made anew of public
//! inputs alone, and compared.
//!
//! Start with [`Reproduction::of`]: from a universe, a policy's text, the set-up's powers and, if there is one, a
//! market snapshot, it recomputes identifiers, commitments, the verifying key and the contract's source. The other
//! methods compare what somebody claims with that. [`Reproduction::verdict`] says whether all of it agrees.
//!
//! Whether a proof is valid is another question, which [`crate::audit`] and
//! [`surety_verifier::attestation::check`] answer.

mod compiler;

use std::{
    borrow::Cow,
    fmt::Display,
    path::{Path, PathBuf},
};

use alloy_primitives::keccak256;
use serde::Serialize;
use surety_core::{
    failure::{Class, Failure, Internal, LocatedProblem},
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    problem::Problem,
    units::Price,
};
use surety_kzg::{Observer, Origin, SrsId, point, scalar};
use surety_margin::{market::Snapshot, policy::Policy, universe::Universe};
use surety_verifier::{
    CommittedPolicy, CompiledPolicy, KeyError, Rejection, VerifyingKey,
    attestation::{
        claim::{Attestation, Claim},
        compiled::{CompiledError, CompiledPolicyFile, commitment_name},
        context::Context,
        eip712::Audience,
        identifiers::LevelId,
        report::{check_snapshot, check_taken, snapshot_id},
        statement::Statement,
    },
};

pub use self::compiler::CompilerError;
pub use surety_chain::published::Provenance;
use surety_chain::{
    Deployment, Node,
    artifact::{Artifact, Contract},
    error::ChainError,
    published::{self, Fact, Taken},
};
use surety_host::setup::{SetupError, Setups};

const UNIVERSE: &str = "universe";
const SET_UP: &str = "set-up";
const POLICY: &str = "policy";
const DOCUMENT: &str = "policy's text";
const VERIFYING_KEY: &str = "verifying key";
const CAPACITY: &str = "capacity class";
const SNAPSHOT: &str = "market snapshot";
const EPOCH: &str = "market: epoch";
const CONTEXT: &str = "context";
const SOURCE: &str = "contract: source";
const CREATION_CODE: &str = "contract: creation code";
const RUNTIME_CODE: &str = "contract: runtime code";
const CONTRACT: &str = "verifying contract";
const REGISTRY: &str = "registry";
const LEVELS: &str = "levels";

/// Who claims the keys that are checked in.
const THIS_VERSION: &str = concat!("surety ", env!("CARGO_PKG_VERSION"));

/// What the code of a contract is that agrees.
const BUILT: &str = "the build's";

/// What is there where nothing is.
const NONE: &str = "none";

/// Why a reproduction ends with less than agreement.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    /// Something is claimed that does not follow.
    #[error(
        "{by}: {name}: expected {expected}, found {found}; of {compared} claims {differing} differ: it was made of \
         other inputs, or \
         changed. Compare universe, policy, market and set-up with those that you were told of"
    )]
    Differs {
        /// Who claims it.
        by: String,
        /// What.
        name: String,
        /// What follows.
        expected: String,
        /// What is claimed.
        found: String,
        /// How many claims there are.
        compared: u32,
        /// How many of them differ.
        differing: u32,
        /// All of them.
        differences: Box<[LocatedProblem]>,
    },
    /// Nobody claims anything.
    #[error(
        "expected a claim to compare with what was recomputed, found none; give --attestation, --compiled, \
         --artifacts, or --rpc \
         with --deployment or --verifier"
    )]
    Nothing,
    /// The code of a contract has nothing to be compared with.
    #[error(
        "--rpc: expected --solc or --artifacts, without which nobody knows what the contract's code should be, \
         found neither"
    )]
    NoRuntimeCode,
    /// The compiler.
    #[error(transparent)]
    Compiler(#[from] CompilerError),
    /// The set-up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The policy's commitments.
    #[error(transparent)]
    Compiled(#[from] CompiledError),
    /// The snapshot breaks the policy's rules.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A contract, or the way to it.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The program is at fault.
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl Failure for ReproduceError {
    fn class(&self) -> Class {
        match self {
            Self::Differs { .. } => Class::Mismatch,
            Self::Nothing | Self::NoRuntimeCode => Class::Input,
            Self::Compiler(error) => error.class(),
            Self::Setup(error) => error.class(),
            Self::Compiled(error) => error.class(),
            Self::Rejected(error) => error.class(),
            Self::Chain(error) => error.class(),
            Self::Internal(error) => error.class(),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Differs { .. } | Self::Nothing | Self::Compiler(_) => "reproduce".into(),
            Self::NoRuntimeCode => "usage".into(),
            Self::Setup(error) => error.code(),
            Self::Compiled(error) => error.code(),
            Self::Rejected(error) => error.code(),
            Self::Chain(error) => error.code(),
            Self::Internal(error) => error.code(),
        }
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Differs { differences, .. } => differences.to_vec(),
            Self::Rejected(error) => error.problems(),
            Self::Chain(error) => error.problems(),
            _ => Vec::new(),
        }
    }
}

/// What became of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// Whoever claims it claims what follows.
    Agrees,
    /// Somebody claims something else.
    Differs,
    /// Nobody claims it.
    NotCompared,
}

/// Something that people claim, or could, and what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thing {
    /// What it is.
    pub name: String,
    /// What it should be: hashes and points in hexadecimal.
    pub expected: String,
    /// Where that is known from.
    pub basis: Provenance,
    /// What others say that it is.
    pub claims: Vec<Claimed>,
}

/// What somebody says that something is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claimed {
    /// The file, or the contract.
    pub by: String,
    /// What it says.
    pub value: String,
    /// Whether that is what follows or, where a contract may be stricter than the policy, within it.
    pub agrees: bool,
}

impl Thing {
    /// What became of it.
    #[must_use]
    pub fn verdict(&self) -> Agreement {
        match &self.claims[..] {
            [] => Agreement::NotCompared,
            claims if claims.iter().all(|claim| claim.agrees) => Agreement::Agrees,
            _ => Agreement::Differs,
        }
    }
}

/// What follows from public inputs, and what is claimed.
#[derive(Clone, Debug, Serialize)]
pub struct Reproduction {
    /// Where the set-up comes from.
    #[serde(skip)]
    pub origin: Origin,
    /// Everything that was recomputed or claimed.
    pub things: Vec<Thing>,
    /// What does not follow from agreement.
    pub not_established: Vec<String>,
    #[serde(skip)]
    ground: Ground,
}

/// What claims are compared with.
#[derive(Clone, Debug)]
struct Ground {
    policy: CommittedPolicy,
    key: VerifyingKey,
    source: String,
    market: Option<Market>,
    deployed: Option<Deployment>,
    /// Forge's build directory.
    build: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Market {
    snapshot: Snapshot,
    /// The commitments to the coefficients of each level, in the policy's order.
    coefficients: Vec<(Name, HexBytes<64>)>,
}

/// Where a contract is that verifies proofs, with the contracts around it if they are known.
#[derive(Clone, Copy, Debug)]
pub enum Deployed<'a> {
    /// The contract alone.
    Verifier(EvmAddress),
    /// All of them.
    Deployment(&'a Deployment),
}

impl Reproduction {
    /// Recomputes what follows from a universe, a policy's text, the set-up that the universe names, and a snapshot.
    ///
    /// # Errors
    /// If the set-up is not imported, the policy does not compile, or the snapshot does not follow from its reports by
    /// the policy's rules.
    pub fn of(
        policy: Policy,
        universe: Universe,
        snapshot: Option<Snapshot>,
        setups: &Setups,
        observer: &dyn Observer,
    ) -> Result<Self, ReproduceError> {
        let (srs, capacity) = (SrsId::from(universe.srs), universe.capacity);
        let params = setups.params(srs, capacity, observer)?;
        let key = setups.derive_key(srs, capacity, observer)?;
        let policy = CompiledPolicy::compile(policy, universe, &params)?.committed().clone();
        let source = surety_solidity::contract(&key).map_err(|error| Internal(error.to_string()))?;
        let pinned = match VerifyingKey::pinned(capacity, srs) {
            Err(KeyError::UnknownSrs { .. }) => None,
            pinned => Some(pinned.map_err(SetupError::from)?.digest().bytes()),
        };
        let mut reproduction = Self {
            origin: key.srs().origin(),
            things: Vec::new(),
            not_established: vec![
                "that a proof is valid, and that statements and times are in order: surety verify checks that"
                    .to_owned(),
                "that universe, policy and market are the ones that you were told of: compare the identifiers"
                    .to_owned(),
            ],
            ground: Ground { policy, key, source, market: None, deployed: None, build: None },
        };
        reproduction.recompute_policy();
        if let Some(pinned) = pinned {
            reproduction.claim(VERIFYING_KEY, THIS_VERSION, pinned);
        }
        if let Some(snapshot) = snapshot {
            reproduction.recompute_market(snapshot)?;
        }
        let hash = keccak256(&reproduction.ground.source);
        reproduction.recompute(SOURCE, hash);
        Ok(reproduction)
    }

    fn recompute_policy(&mut self) {
        let Ground { policy, key, .. } = &self.ground;
        let (file, digest, srs) = (policy.file(), key.digest(), key.srs().id());
        self.recompute(SET_UP, srs.bytes());
        self.recompute(CAPACITY, file.capacity.k());
        self.recompute(VERIFYING_KEY, digest);
        self.recompute(UNIVERSE, file.universe.0);
        self.recompute(DOCUMENT, file.document.0);
        self.recompute(POLICY, file.policy.0);
        self.recompute(LEVELS, levels(&file));
        for (name, point) in file.named() {
            self.recompute(name, point);
        }
    }

    fn recompute_market(&mut self, snapshot: Snapshot) -> Result<(), ReproduceError> {
        let policy = &self.ground.policy;
        let check = if snapshot.reports.is_empty() { check_taken } else { check_snapshot };
        let prices = check(policy, &snapshot)?.prices;
        let id = snapshot_id(policy, &snapshot);
        let layout = policy.policy().market_vector(policy.universe()).map_err(CompiledError::Rules)?;
        let entries = layout.entries().iter().map(|entry| entry.name.clone()).zip(&prices);
        let derived: Vec<_> = entries.skip(policy.policy().market.len()).map(|(name, price)| (name, *price)).collect();
        let coefficients =
            policy.policy().levels.iter().map(|level| Ok((level.name.clone(), self.coef(&level.name, &prices)?)));
        let coefficients = coefficients.collect::<Result<Vec<_>, ReproduceError>>()?;
        if snapshot.reports.is_empty() {
            let limit =
                "that the prices are a market's: nobody has signed them; only a chain says whether they were taken";
            self.not_established.push(limit.to_owned());
        }
        self.recompute(SNAPSHOT, id.0);
        self.recompute(EPOCH, snapshot.epoch);
        for (name, price) in derived {
            self.recompute(format!("derived: {name}"), price);
        }
        for (level, coef) in &coefficients {
            self.recompute(commitment_name(level, "COEF"), coef);
        }
        self.ground.market = Some(Market { snapshot, coefficients });
        Ok(())
    }

    fn coef(&self, level: &Name, prices: &[Price]) -> Result<HexBytes<64>, ReproduceError> {
        let commitments = self.ground.policy.level(level);
        let coef = commitments.and_then(|commitments| commitments.coef(prices).ok());
        let coef = coef.ok_or_else(|| Internal(format!("level {level} has no coefficients")))?;
        Ok(HexBytes(point::g1_to_bytes(&coef)))
    }

    /// Compares published commitments of the policy's programs.
    pub fn compare_compiled(&mut self, by: &str, file: &CompiledPolicyFile) {
        self.claim(SET_UP, by, file.srs);
        self.claim(CAPACITY, by, file.capacity.k());
        self.claim(UNIVERSE, by, file.universe.0);
        self.claim(DOCUMENT, by, file.document.0);
        self.claim(POLICY, by, file.policy.0);
        self.claim(LEVELS, by, levels(file));
        for (name, point) in file.named() {
            self.claim(&name, by, point);
        }
    }

    /// Compares what an attestation refers to. With a snapshot, also its context, which binds the proof to the
    /// commitments to the coefficients at these prices, and to everything else.
    pub fn compare_attestation(&mut self, by: &str, attestation: &Attestation) {
        let claim = &attestation.claim;
        self.claim(SET_UP, by, claim.srs);
        self.claim(UNIVERSE, by, claim.universe.0);
        self.claim(POLICY, by, claim.policy.0);
        self.claim(VERIFYING_KEY, by, claim.verifying_key);
        let levels: Vec<_> = self.ground.policy.policy().levels.iter().map(|level| level.name.to_string()).collect();
        let holds = levels.iter().any(|level| level == claim.level.as_str());
        self.fact(
            by,
            Fact {
                name: "level".to_owned(),
                expected: format!("one of {}", levels.join(", ")),
                basis: Provenance::Recomputed,
                found: claim.level.to_string(),
                holds,
            },
        );
        if let Some(at) = &self.ground.deployed {
            let (verifier, audience) = (at.verifier, at.audience());
            self.same(CONTRACT, by, verifier, Provenance::Deployment, claim.verifier);
            let place = |audience: &Audience| format!("{} on chain {}", audience.registry, audience.chain_id);
            self.same(REGISTRY, by, place(&audience), Provenance::Deployment, place(&claim.audience));
        }
        let Some(market) = &self.ground.market else {
            self.not_established.push(format!("{by}: that its snapshot and context follow: there is no --market"));
            return;
        };
        let context = self.context(claim, market);
        self.claim(SNAPSHOT, by, claim.snapshot.0);
        self.claim(EPOCH, by, claim.epoch);
        self.fact(
            by,
            Fact {
                name: format!("{CONTEXT} of {by}"),
                holds: context == Some(attestation.context),
                expected: context.map_or_else(|| NONE.to_owned(), |context| context.to_string()),
                basis: Provenance::Recomputed,
                found: attestation.context.to_string(),
            },
        );
    }

    /// The public input of a claim's proof: what was recomputed, and what only the claim says. None if the policy does
    /// not have its level.
    fn context(&self, claim: &Claim, market: &Market) -> Option<Bytes32> {
        let Ground { policy, key, .. } = &self.ground;
        let (_, coef) = market.coefficients.iter().find(|(level, _)| *level == claim.level)?;
        let context = Context {
            audience: claim.audience,
            verifier: claim.verifier,
            verifying_key: key.digest(),
            srs: key.srs().id(),
            universe: policy.universe_id(),
            capacity: policy.universe().capacity,
            policy: policy.id(),
            level: LevelId::of(policy.policy().level(&claim.level)?),
            subject: claim.subject,
            epoch: market.snapshot.epoch,
            prices_at: market.snapshot.time,
            marked: !market.snapshot.marked.is_empty(),
            coef: point::g1_from_bytes(&coef.0).ok()?,
            statements: claim.statements.iter().map(Statement::hash).collect(),
            vault_checkpoint: claim.vault_checkpoint,
            valid_until: claim.valid_until,
            presentation: claim.presentation,
        };
        Some(HexBytes(scalar::to_bytes(&context.hash())))
    }

    /// Compiles the contract's source anew.
    ///
    /// # Errors
    /// If the program is not the compiler, or does not compile it.
    pub fn compile(&mut self, compiler: &Path) -> Result<(), ReproduceError> {
        let Ground { key, source, .. } = &self.ground;
        let code = compiler::compile(compiler, source, &surety_solidity::contract_name(key))?;
        self.recompute(CREATION_CODE, keccak256(code.creation));
        self.recompute(RUNTIME_CODE, keccak256(code.runtime));
        Ok(())
    }

    /// Compares the contract that Forge has built. Where it was not compiled anew, the build's code is what a contract
    /// on a chain is compared with; then only its compiler's word says that it is the code of the source.
    ///
    /// # Errors
    /// If there is none, or it is not one whose code is fixed.
    pub fn compare_build(&mut self, directory: &Path) -> Result<(), ReproduceError> {
        let artifact = Artifact::of_verifier(directory, &self.ground.key)?;
        self.ground.build = Some(directory.to_owned());
        let by = artifact.path().display().to_string();
        let codes = [(CREATION_CODE, artifact.creation_code()?), (RUNTIME_CODE, artifact.runtime_code()?)];
        self.claim(SOURCE, &by, artifact.source().map_or_else(|| NONE.to_owned(), |source| source.to_string()));
        let is_compiled = self.things.iter().any(|thing| thing.name == RUNTIME_CODE);
        for (name, code) in codes {
            let hash = keccak256(code);
            if is_compiled {
                self.claim(name, &by, hash);
            } else {
                let (name, expected) = (name.to_owned(), hash.to_string());
                self.things.push(Thing { name, expected, basis: Provenance::Build, claims: Vec::new() });
            }
        }
        if !is_compiled {
            self.not_established
                .push(format!("that the code follows from the source: it is {by}'s, not compiled with --solc"));
        }
        Ok(())
    }

    /// Compares what is on a chain: the code of the verifying contract, and, where the other contracts are known, what
    /// they say of the policy and of the snapshot. Attestations that are compared later must be meant for these
    /// contracts.
    ///
    /// # Errors
    /// If there is no code to compare with, the node does not answer or is of another chain, or a contract is another
    /// one.
    pub fn compare_chain(&mut self, node: &Node, deployed: Deployed<'_>) -> Result<(), ReproduceError> {
        if self.things.iter().all(|thing| thing.name != RUNTIME_CODE) {
            return Err(ReproduceError::NoRuntimeCode);
        }
        let verifier = match deployed {
            Deployed::Verifier(verifier) => verifier,
            Deployed::Deployment(at) => at.verifier,
        };
        let code = node.code(&verifier)?;
        let found = if code.is_empty() { "no contract".to_owned() } else { keccak256(code).to_string() };
        self.claim(RUNTIME_CODE, &format!("{verifier} on chain {}", node.chain_id()), found);
        match deployed {
            Deployed::Verifier(_) => {
                let limit = "that a registry relies on this contract: there is no --deployment";
                self.not_established.push(limit.to_owned());
                Ok(())
            }
            Deployed::Deployment(at) => self.compare_deployment(node, at),
        }
    }

    fn compare_deployment(&mut self, node: &Node, at: &Deployment) -> Result<(), ReproduceError> {
        if at.chain_id != node.chain_id() {
            return Err(ChainError::mismatch(
                "deployment: chain_id",
                format!("chain {}", at.chain_id),
                format!("chain {}", node.chain_id()),
                "give the node of the deployment's chain with --rpc, or the deployment of this chain",
            )
            .into());
        }
        self.claim(VERIFYING_KEY, "deployment", at.verifying_key);
        let Ground { policy, key, market, .. } = &self.ground;
        let facts = published::policy(node, at, policy, key)?;
        let vault = published::vault(node, at, policy)?;
        let contract = policy.policy().vault.as_ref().map(|vault| vault.address);
        let market = market
            .as_ref()
            .map(|Market { snapshot, coefficients }| published::snapshot(node, at, policy, snapshot, coefficients));
        let market = market.transpose()?;
        let by = |what: &str, contract: EvmAddress| format!("{what} {contract} on chain {}", at.chain_id);
        for fact in facts {
            self.fact(&by("registry", at.policies), fact);
        }
        for fact in vault {
            self.fact(&by("vault", contract.unwrap_or(EvmAddress::ZERO)), fact);
        }
        self.compare_codes(node, at)?;
        for limit in [
            "that the contracts are the ones to rely on: their addresses are the deployment's, and what they say the \
             node's",
            "that the feeds, the grace, and the policy's line and version are as you expect: whoever published it \
             chose them",
        ] {
            self.not_established.push(limit.to_owned());
        }
        if let Some(taken) = market {
            self.compare_taken(&by("oracle", at.oracle), taken);
        }
        self.ground.deployed = Some(at.clone());
        Ok(())
    }

    /// Compares the code of the contracts that are the same for every policy with that of the build, and the addresses
    /// and domains that their creation writes into them with the deployment.
    fn compare_codes(&mut self, node: &Node, at: &Deployment) -> Result<(), ReproduceError> {
        for fact in published::links(node, at)? {
            self.fact(&format!("deployment on chain {}", at.chain_id), fact);
        }
        let Some(directory) = self.ground.build.clone() else {
            let limit = "that registries, oracle and vault are this project's: without --artifacts only the verifying \
                         contract's code is compared";
            self.not_established.push(limit.to_owned());
            return Ok(());
        };
        let contracts = [
            (Contract::POLICIES, Some(at.policies)),
            (Contract::ORACLE, Some(at.oracle)),
            (Contract::ATTESTATIONS, Some(at.registry)),
            (Contract::BOOKS, at.books),
            (Contract::VAULT, at.vault),
        ];
        for (contract, address) in contracts.into_iter().filter_map(|(contract, at)| Some((contract, at?))) {
            let (artifact, code) = (Artifact::of(&directory, &contract)?, node.code(&address)?);
            let universe = self.ground.policy.universe_id().0;
            let holds = artifact.is_code_of(&code, &published::written(&contract, at, address, universe))?;
            let found = match holds {
                true => BUILT.to_owned(),
                false if code.is_empty() => "no contract".to_owned(),
                false => keccak256(code).to_string(),
            };
            let (name, expected) = (format!("contract: code of {}", contract.name), BUILT.to_owned());
            let by = format!("{address} on chain {}", at.chain_id);
            self.fact(&by, Fact { name, expected, basis: Provenance::Build, found, holds });
        }
        for limit in [
            "that the code of registries, oracle and vault follows from their sources: it is the build's",
            "that their creation wrote nothing else: code can be put over records and balances that it did not make",
            "the delay of policies, whether attestations are exclusive, and who has created the vault: the deployment \
             chose them",
        ] {
            self.not_established.push(limit.to_owned());
        }
        Ok(())
    }

    /// Compares what the oracle says of the snapshot, and says of which parts it says nothing any more.
    fn compare_taken(&mut self, by: &str, taken: Option<Taken>) {
        let limit = match &taken {
            None => Some("that the oracle has taken this snapshot: it keeps the newest two"),
            Some(Taken { is_previous_gone: true, .. }) => Some(
                "that the prices before are those that the oracle had: it has replaced them since, and they were not \
                 compared",
            ),
            Some(_) => None,
        };
        self.not_established.extend(limit.map(str::to_owned));
        taken.into_iter().flat_map(|taken| taken.facts).for_each(|fact| self.fact(by, fact));
    }

    /// Whether everything that is claimed agrees, and something is: what the exit code says. What this program says of
    /// its own keys is nobody's claim.
    ///
    /// # Errors
    /// If not.
    pub fn verdict(&self) -> Result<(), ReproduceError> {
        let claims = || self.things.iter().flat_map(|thing| thing.claims.iter().map(move |claim| (thing, claim)));
        let differing: Vec<_> = claims().filter(|(_, claim)| !claim.agrees).collect();
        if let Some((thing, claim)) = differing.first() {
            let difference = |(thing, claim): &(&Thing, &Claimed)| {
                let Thing { name, expected, .. } = thing;
                let problem = Problem {
                    path: name.clone(),
                    expected: expected.clone(),
                    found: claim.value.clone(),
                    advice: None,
                };
                LocatedProblem::new(&claim.by, &problem)
            };
            return Err(ReproduceError::Differs {
                by: claim.by.clone(),
                name: thing.name.clone(),
                expected: thing.expected.clone(),
                found: claim.value.clone(),
                compared: claims().count() as u32,
                differing: differing.len() as u32,
                differences: differing.iter().map(difference).collect(),
            });
        }
        if claims().any(|(_, claim)| claim.by != THIS_VERSION) { Ok(()) } else { Err(ReproduceError::Nothing) }
    }

    fn recompute(&mut self, name: impl Into<String>, value: impl Display) {
        let (name, expected) = (name.into(), value.to_string());
        self.things.push(Thing { name, expected, basis: Provenance::Recomputed, claims: Vec::new() });
    }

    fn claim(&mut self, name: &str, by: &str, value: impl Display) {
        let known = self.things.iter().find(|thing| thing.name == name);
        let expected = known.map_or_else(|| NONE.to_owned(), |thing| thing.expected.clone());
        self.same(name, by, expected, Provenance::Recomputed, value.to_string());
    }

    fn same<T: Display + PartialEq>(&mut self, name: &str, by: &str, expected: T, basis: Provenance, found: T) {
        let holds = expected == found;
        let (name, expected, found) = (name.to_owned(), expected.to_string(), found.to_string());
        self.fact(by, Fact { name, expected, basis, found, holds });
    }

    /// Notes what somebody says beside what it should be. The same thing may be claimed by many.
    fn fact(&mut self, by: &str, fact: Fact) {
        let Fact { name, expected, basis, found, holds } = fact;
        let claimed = Claimed { by: by.to_owned(), value: found, agrees: holds };
        match self.things.iter_mut().find(|thing| thing.name == name && thing.expected == expected) {
            Some(thing) => thing.claims.push(claimed),
            None => self.things.push(Thing { name, expected, basis, claims: vec![claimed] }),
        }
    }
}

/// The levels of a file, in their order, with the number of prices that each has commitments for.
fn levels(file: &CompiledPolicyFile) -> String {
    let levels = file.levels.iter().map(|level| format!("{} ({} prices)", level.level, level.market.len()));
    levels.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
