//! What contracts say of a policy and of prices, beside what they should say. The policy's text, its programs and a
//! snapshot are on this side; nothing that a contract says is relied on.

use std::fmt::Display;

use alloy_primitives::{Address, U256};
use serde::Serialize;
use surety_core::{
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    problem::Problem,
};
use surety_margin::{
    market::{EntryPrice, MarkedProofs, MarketEntry, Snapshot},
    policy::Policy,
};
use surety_verifier::{
    CommittedPolicy, VerifyingKey,
    attestation::{
        compiled::{LevelCommitments, commitment_name},
        eip712::{self, Audience},
        identifiers::LevelId,
        report::snapshot_id,
    },
};

use crate::{
    abi::{
        Feed,
        IBookRegistry::{ORACLECall, POLICY_REGISTRYCall},
        ICollateralVault::{ATTESTATION_REGISTRYCall, UNIVERSECall, assetsCall},
        IERC20Metadata::decimalsCall,
        IPolicyRegistry::{marketRulesCall, termsCall},
        ISnapshotOracle::{idOfCall, pricesOfCall, readCall},
        MarketRules, Scope, Source, Terms, address, bytes32, encoded, word,
    },
    artifact::{Contract, Keeps, Written},
    deployment::Deployment,
    error::ChainError,
    node::Node,
    publish::{nodes, scopes, sources},
};

/// Where what somebody should say is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// It was recomputed here, of public inputs.
    Recomputed,
    /// Forge has built it elsewhere.
    Build,
    /// The deployment's file says so.
    Deployment,
}

/// Something that a contract says, and what it should say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it should say.
    pub expected: String,
    /// Where that is known from.
    pub basis: Provenance,
    /// What the contract says.
    pub found: String,
    /// Whether that is the same or, where a contract may be stricter than the policy, within it.
    pub holds: bool,
}

impl Fact {
    /// That it does not hold.
    pub(crate) fn problem(self) -> Problem {
        Problem::new(self.name, self.expected, self.found)
    }
}

#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    /// Something that follows from the policy, the universe and the set-up.
    fn add(&mut self, name: impl Into<String>, expected: impl Display, found: impl Display, holds: bool) {
        let (expected, basis, found) = (expected.to_string(), Provenance::Recomputed, found.to_string());
        self.0.push(Fact { name: name.into(), expected, basis, found, holds });
    }

    /// An address that the deployment's file says.
    fn address(&mut self, name: &str, expected: Option<EvmAddress>, found: Address) {
        let found = HexBytes(found.into_array());
        let (holds, expected) = (expected == Some(found), text(expected));
        let (name, found) = (name.to_owned(), found.to_string());
        self.0.push(Fact { name, expected, basis: Provenance::Deployment, found, holds });
    }

    fn same<T: Display + PartialEq>(&mut self, name: impl Into<String>, expected: T, found: T) {
        let holds = expected == found;
        self.add(name, expected, found, holds);
    }

    fn at_most(&mut self, name: impl Into<String>, most: u64, found: u64) {
        self.add(name, format!("at most {most}"), found, found <= most);
    }
}

/// What the registry of policies says of a policy: its commitments, and the limits that follow from its text. Line,
/// version, grace and feeds are the owner's, so they are not among the facts.
///
/// # Errors
/// If the node does not answer, or what answers is no registry.
pub fn policy(
    node: &Node,
    at: &Deployment,
    policy: &CommittedPolicy,
    key: &VerifyingKey,
) -> Result<Vec<Fact>, ChainError> {
    let id = word(&policy.id().0);
    let mut facts = Facts::default();
    let terms = match node.view(&at.policies, &termsCall { policy: id }) {
        Err(ChainError::Refused { reason, .. }) => {
            facts.add("policy", policy.id().0, format!("no such policy: {reason}"), false);
            return Ok(facts.0);
        }
        terms => terms?,
    };
    let rules = node.view(&at.policies, &marketRulesCall { policy: id })?;
    facts.same("policy", policy.id().0, policy.id().0);
    check_terms(&mut facts, &terms, at, policy, key);
    check_rules(&mut facts, &rules, policy.policy());
    check_programs(&mut facts, &terms, &rules, policy);
    Ok(facts.0)
}

/// What contracts of a deployment say of each other, beside what the deployment's file says.
///
/// # Errors
/// If the node does not answer, or a contract is another one.
pub fn links(node: &Node, at: &Deployment) -> Result<Vec<Fact>, ChainError> {
    let mut facts = Facts::default();
    let takers = [(Contract::ATTESTATIONS, Some(at.registry)), (Contract::BOOKS, at.books)];
    for (Contract { name, .. }, contract) in takers.into_iter().filter_map(|(taker, at)| Some((taker, at?))) {
        let policies = node.view(&contract, &POLICY_REGISTRYCall {})?;
        facts.address(&format!("{name}: POLICY_REGISTRY"), Some(at.policies), policies);
        facts.address(&format!("{name}: ORACLE"), Some(at.oracle), node.view(&contract, &ORACLECall {})?);
    }
    let policies = node.view(&at.oracle, &POLICY_REGISTRYCall {})?;
    facts.address(&format!("{}: POLICY_REGISTRY", Contract::ORACLE.name), Some(at.policies), policies);
    Ok(facts.0)
}

/// What the creation of a deployment's contract, at this address, writes into its immutable variables.
#[must_use]
pub fn written(contract: &Contract, at: &Deployment, address: EvmAddress, universe: Bytes32) -> Written {
    let padded = |address: &EvmAddress| HexBytes(eip712::address(address));
    let mut written = Written { known: Vec::new(), open: 0 };
    for keeps in contract.keeps {
        match keeps {
            Keeps::Domain => {
                let audience = Audience { chain_id: at.chain_id, registry: address };
                written.known.extend(audience.domain_words());
            }
            Keeps::Policies => written.known.push(padded(&at.policies)),
            Keeps::Oracle => written.known.push(padded(&at.oracle)),
            Keeps::Attestations => written.known.push(padded(&at.registry)),
            Keeps::Universe => written.known.push(universe),
            Keeps::Term => written.open += 1,
        }
    }
    written
}

fn check_terms(facts: &mut Facts, terms: &Terms, at: &Deployment, policy: &CommittedPolicy, key: &VerifyingKey) {
    let (document, universe) = (policy.policy(), policy.universe());
    facts.same("universe", policy.universe_id().0, bytes32(terms.universe));
    facts.same("set-up", universe.srs, bytes32(terms.srs));
    facts.same("capacity class", universe.capacity.k(), terms.k);
    facts.same("verifying key", key.digest().bytes(), bytes32(terms.verifyingKey));
    facts.address("verifying contract", Some(at.verifier), terms.verifier);
    check_vault_rules(facts, terms, document);
    facts.same("policy: validity", document.validity.0, terms.validity.to());
    facts.same("policy: statements.max_skew", document.statements.max_skew.0, terms.maxStatementSkew.to());
    facts.same("policy: statements.max_age", document.statements.max_age.0, terms.maxStatementAge.to());
    let accepts_marked = document.oracle.breaker.is_none_or(|breaker| breaker.proofs == MarkedProofs::Accepted);
    facts.same("policy: marked prices accepted", accepts_marked, terms.acceptsMarked);
    facts.same("policy: consent", document.consent, terms.requiresConsent);
    let sufficient = document.sufficient_levels().count();
    facts.same("policy: levels that claim sufficiency", sufficient, terms.sufficient as usize);
    let listed = |sources: &[Source]| {
        list(sources.iter().map(|Source { signer, account, isContract }| {
            let kind = if *isContract { " (contract)" } else { "" };
            format!("{signer}/{account}{kind}")
        }))
    };
    facts.same("policy: sources", listed(&sources(document)), listed(&terms.sources));
    let listed = |scopes: &[Scope]| {
        list(scopes.iter().map(|Scope { signer, outside }| format!("{signer}: {}", encoded(*outside))))
    };
    facts.same("policy: scopes", listed(&scopes(policy)), listed(&terms.scopes));
    facts.same("policy: oracle.nodes", list(nodes(document)), list(&terms.nodes));
}

/// Without a vault everything that is said of one is zero.
fn check_vault_rules(facts: &mut Facts, terms: &Terms, policy: &Policy) {
    let vault = policy.vault.as_ref();
    let contract = vault.map_or(EvmAddress::ZERO, |vault| vault.address);
    facts.same("policy: vault.address", contract, HexBytes(terms.vault.at.into_array()));
    let level = vault.and_then(|vault| policy.level_index(&vault.level));
    facts.same("policy: vault.level", level.unwrap_or_default(), terms.vault.level as usize);
    facts.same("policy: vault.max_age", vault.map_or(0, |vault| vault.max_age.0), terms.vault.maxAge.to());
    facts.same("policy: vault.min_age", vault.map_or(0, |vault| vault.min_age.0), terms.vault.minAge.to());
}

/// What a policy's vault says of itself, beside what the policy says of it: chain, universe, assets with their units
/// and points, the tokens' decimals, and the attestation registry whose records let collateral out. Nothing without a
/// vault.
///
/// # Errors
/// If the node does not answer, or what answers is no vault or no token.
pub fn vault(node: &Node, at: &Deployment, policy: &CommittedPolicy) -> Result<Vec<Fact>, ChainError> {
    let mut facts = Facts::default();
    let Some(rules) = &policy.policy().vault else {
        return Ok(facts.0);
    };
    facts.same("vault: chain", rules.chain, node.chain_id());
    facts.address("vault of the deployment", at.vault, address(&rules.address));
    let there = node.has_code(&rules.address)?;
    facts.add("vault: contract", "a contract", if there { "a contract" } else { "nothing" }, there);
    if !there {
        return Ok(facts.0);
    }
    let registry = node.view(&rules.address, &ATTESTATION_REGISTRYCall {})?;
    facts.address("vault: attestation registry", Some(at.registry), registry);
    let universe = node.view(&rules.address, &UNIVERSECall {})?;
    facts.same("vault: universe", policy.universe_id().0, bytes32(universe));
    let (expected, found) = (policy.vault_assets(), node.view(&rules.address, &assetsCall {})?);
    facts.same("vault: number of assets", expected.len(), found.len());
    for ((asset, stated), found) in expected.iter().zip(&rules.assets).zip(&found) {
        let name = |what: &str| format!("vault: {what} of {}", asset.instrument);
        facts.same(name("token"), asset.token, HexBytes(found.token.into_array()));
        facts.same(name("unit"), asset.unit.to_string(), found.unit.to_string());
        facts.same(name("point"), asset.point, encoded([found.x, found.y]));
        facts.same(name("decimals"), stated.decimals.get(), node.view(&asset.token, &decimalsCall {})?);
    }
    Ok(facts.0)
}

fn check_rules(facts: &mut Facts, rules: &MarketRules, policy: &Policy) {
    facts.same("policy: oracle.epoch", policy.oracle.epoch.0, rules.epochLength.to());
    facts.same("policy: oracle.max_age", policy.oracle.max_age.0, rules.maxAge.to());
    facts.same("policy: oracle.max_skew", policy.oracle.max_skew.0, rules.maxSkew.to());
    facts.same("policy: oracle.nodes of snapshots", list(nodes(policy)), list(&rules.nodes));
    if rules.feeds.is_empty() {
        facts.same("policy: oracle.quorum", policy.oracle.quorum, rules.quorum);
        return;
    }
    facts.same("quorum, where there are feeds", 0, rules.quorum);
    facts.same("number of feeds", policy.market.len(), rules.feeds.len());
    for (entry, feed) in policy.market.iter().zip(&rules.feeds) {
        check_feed(facts, policy, entry, feed);
    }
}

/// A feed may be held to stricter rules than the policy's, not to laxer ones. Which contract it is, is the owner's
/// choice.
fn check_feed(facts: &mut Facts, policy: &Policy, entry: &MarketEntry, feed: &Feed) {
    let name = |what: &str| format!("feed of {}: {what}", entry.name);
    facts.same(name("decimals"), entry.decimals.get(), feed.decimals);
    facts.same(name("min"), entry.min.get(), feed.min.to());
    facts.same(name("max"), entry.max.get(), feed.max.to());
    facts.at_most(name("max_age"), policy.oracle.max_age_of(entry).0, feed.maxAge.into());
    let (deviation, name) = (u64::from(feed.maxDeviation), name("max_deviation"));
    match policy.oracle.breaker.map(|breaker| u64::from(breaker.max_deviation_of(entry).0)) {
        // Zero is no limit.
        Some(most) => facts.add(name, format!("from 1 to {most}"), deviation, (1..=most).contains(&deviation)),
        None => facts.same(name, 0, deviation),
    }
}

/// Where nodes sign, nothing is computed from `B_0 … B_U`, and the registry does not keep them.
fn check_programs(facts: &mut Facts, terms: &Terms, rules: &MarketRules, policy: &CommittedPolicy) {
    let levels = policy.file().levels;
    let identifiers = policy.policy().levels.iter().map(|level| LevelId::of(level).0);
    facts.same("number of levels", levels.len(), terms.levels.len());
    facts.same("number of levels with prices", levels.len(), rules.levelCount as usize);
    for ((LevelCommitments { level, idx, flag, .. }, found), id) in levels.iter().zip(&terms.levels).zip(identifiers) {
        facts.same(format!("level {level}: identifier"), id, bytes32(found.level));
        facts.same(commitment_name(level, "IDX"), *idx, encoded(found.idx));
        facts.same(commitment_name(level, "FLAG"), *flag, encoded(found.flag));
    }
    if rules.feeds.is_empty() {
        return;
    }
    facts.same("number of levels with coefficients", levels.len(), rules.levels.len());
    for (LevelCommitments { level, base, market, .. }, found) in levels.iter().zip(&rules.levels) {
        facts.same(commitment_name(level, "B_0"), *base, encoded(found.base));
        facts.same(format!("level {level}: number of prices"), market.len(), found.market.len());
        for (index, (expected, found)) in market.iter().zip(&found.market).enumerate() {
            facts.same(commitment_name(level, &format!("B_{}", index + 1)), *expected, encoded(*found));
        }
    }
}

/// What the oracle says of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Beside what it should say.
    pub facts: Vec<Fact>,
    /// Whether the prices before were not compared: the oracle has replaced them since.
    pub is_previous_gone: bool,
}

/// What the oracle says of a snapshot, with the commitments to the coefficients of the policy's levels, in their order.
/// None if it does not have the snapshot's epoch: it keeps the newest two.
///
/// # Errors
/// If the node does not answer, or what answers is no oracle.
pub fn snapshot(
    node: &Node,
    at: &Deployment,
    policy: &CommittedPolicy,
    snapshot: &Snapshot,
    coefficients: &[(Name, HexBytes<64>)],
) -> Result<Option<Taken>, ChainError> {
    let (id, epoch) = (word(&policy.id().0), snapshot.epoch);
    let (mut facts, mut before) = (Facts::default(), 0);
    for (place, (level, coef)) in coefficients.iter().enumerate() {
        let call = readCall { policy: id, epoch, level: U256::from(place) };
        let Some(kept) = unless_gone(node.view(&at.oracle, &call))? else { return Ok(None) };
        if place == 0 {
            facts.same("market: epoch", epoch, kept.snapshot.epoch);
            facts.same("market: time", snapshot.time.0, kept.snapshot.time.to());
            before = kept.snapshot.previousEpoch;
            check_mark(&mut facts, policy.policy(), snapshot, kept.snapshot.marked);
        }
        facts.same(commitment_name(level, "COEF"), *coef, encoded(kept.coef));
    }
    let signed = bytes32(node.view(&at.oracle, &idOfCall { policy: id, epoch })?);
    if signed != HexBytes::ZERO {
        facts.same("market snapshot", snapshot_id(policy, snapshot).0, signed);
        return Ok(Some(Taken { facts: facts.0, is_previous_gone: false }));
    }
    // Whether the oracle has the epoch.
    let mut compare = |what: &str, epoch: u64, stated: &[EntryPrice]| -> Result<bool, ChainError> {
        let prices = unless_gone(node.view(&at.oracle, &pricesOfCall { policy: id, epoch }))?;
        let Some(prices) = prices else { return Ok(false) };
        facts.same(format!("number of {what}s"), stated.len(), prices.len());
        for (stated, price) in stated.iter().zip(prices) {
            facts.same(format!("{what} of {}", stated.entry), stated.price.get(), price.to());
        }
        Ok(true)
    };
    if !compare("price", epoch, &snapshot.prices)? {
        return Ok(None);
    }
    let mut is_previous_gone = false;
    // Without the prices before nobody can see that a snapshot is marked; so whoever leaves them out is found out here.
    let previous = snapshot.previous.as_ref();
    if policy.policy().oracle.breaker.is_some() && before != 0 {
        if let Some(previous) = previous.filter(|previous| previous.epoch == before) {
            is_previous_gone = !compare("previous price", before, &previous.prices)?;
        }
        facts.same("market: epoch before", previous.map_or(0, |previous| previous.epoch), before);
    }
    Ok(Some(Taken { facts: facts.0, is_previous_gone }))
}

/// What the oracle says of an epoch; nothing if it does not have it, or no longer.
fn unless_gone<T>(answer: Result<T, ChainError>) -> Result<Option<T>, ChainError> {
    match answer {
        Err(ChainError::Refused { reason, .. }) if reason.to_string().starts_with("UnknownEpoch ") => Ok(None),
        answer => answer.map(Some),
    }
}

/// A contract may mark what the policy's own limits do not; where the policy refuses marked prices, that counts.
fn check_mark(facts: &mut Facts, policy: &Policy, snapshot: &Snapshot, marked: bool) {
    let refused = policy.oracle.breaker.is_some_and(|breaker| breaker.proofs == MarkedProofs::Refused);
    let holds = !(refused && marked && snapshot.marked.is_empty());
    facts.add("market: marked", !snapshot.marked.is_empty(), marked, holds);
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

fn text(contract: Option<EvmAddress>) -> String {
    contract.map_or_else(|| "none".to_owned(), |contract| contract.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_primitives::{
        B256,
        aliases::{U40, U96},
    };
    use alloy_sol_types::{SolCall as _, SolError as _, SolValue as _};
    use surety_core::{
        FormatVersion,
        kind::KindOf,
        text::Document as _,
        units::{Ppm, Timestamp},
    };
    use surety_kzg::{Params, Srs, progress::Silent};
    use surety_margin::{
        market::{Breaker, Predecessor},
        universe::Universe,
    };
    use surety_verifier::CompiledPolicy;
    use surety_walkthrough::example;

    use super::*;
    use crate::{
        abi::{Asset, IPolicyRegistry::UnknownPolicy, ISnapshotOracle::UnknownEpoch, LevelWiring, Snapshot as Kept},
        publish::publication,
        rules::ChainRules,
        sample,
    };

    const HEAD: &str = "kind = \"surety/chain-rules\"\nversion = 1\nline = \"a\"\npolicy_version = 1\ngrace = 0\n";

    fn ground() -> (CommittedPolicy, VerifyingKey, Deployment) {
        let mut universe = Universe::from_toml("universe.toml", example::UNIVERSE.text).unwrap();
        let (srs, capacity) = (Srs::development(universe.capacity), universe.capacity);
        universe.srs = srs.id().bytes();
        let params = Params::from_srs(&srs, capacity, &Silent).unwrap();
        let mut policy = Policy::read("policy.toml", example::POLICY.text, &universe).unwrap();
        policy.oracle.breaker = Some(Breaker { max_deviation: Ppm(50_000), proofs: MarkedProofs::Refused });
        let policy = CompiledPolicy::compile(policy, universe, &params).unwrap().committed().clone();
        let key = VerifyingKey::pinned(capacity, srs.id()).unwrap();
        let at = |byte| HexBytes([byte; 20]);
        let at = Deployment {
            kind: KindOf::new(),
            version: FormatVersion,
            chain_id: 1,
            verifying_key: key.digest().bytes(),
            verifier: at(1),
            policies: at(2),
            oracle: at(3),
            registry: at(4),
            books: None,
            vault: None,
        };
        (policy, key, at)
    }

    /// What the registry keeps of the policy as it is published, after a change. With feeds, or with nodes that sign.
    fn kept(feeds: bool, change: impl Fn(&mut Terms, &mut MarketRules)) -> Vec<Fact> {
        let (policy, key, at) = ground();
        let feed = |entry: &MarketEntry| {
            format!("[[feeds]]\nentry = \"{}\"\naggregator = \"0x{}\"\ndecimals = 8\n", entry.name, "11".repeat(20))
        };
        let feeds: String = policy.policy().market.iter().filter(|_| feeds).map(feed).collect();
        let rules = ChainRules::from_toml("rules.toml", &format!("{HEAD}{feeds}")).unwrap();
        let published = publication(&at, &policy, &rules).unwrap();
        let wiring =
            published.levels.iter().map(|level| LevelWiring { level: level.level, idx: level.idx, flag: level.flag });
        let coefficients = published.levels.iter().map(|level| level.coefficients.clone());
        let mut terms = Terms {
            universe: published.universe,
            srs: published.srs,
            verifyingKey: word(&key.digest().bytes()),
            verifier: published.verifier,
            vault: published.vault,
            k: published.k,
            validity: published.validity,
            maxStatementSkew: published.maxStatementSkew,
            maxStatementAge: published.maxStatementAge,
            grace: published.grace,
            acceptsMarked: published.acceptsMarked,
            requiresConsent: published.requiresConsent,
            sufficient: published.sufficient,
            sources: published.sources.clone(),
            scopes: published.scopes.clone(),
            nodes: published.nodes.clone(),
            levels: wiring.collect(),
        };
        let mut market = MarketRules {
            epochLength: published.epochLength,
            maxAge: published.maxMarketAge,
            maxSkew: published.maxMarketSkew,
            quorum: published.quorum,
            levelCount: u32::try_from(published.levels.len()).unwrap(),
            nodes: published.nodes.clone(),
            levels: if published.feeds.is_empty() { Vec::new() } else { coefficients.collect() },
            feeds: published.feeds,
        };
        change(&mut terms, &mut market);
        let (terms, market) = (terms.abi_encode(), market.abi_encode());
        let node = sample::contracts(move |data| {
            let is_terms = data.starts_with(&termsCall::SELECTOR);
            assert!(is_terms || data.starts_with(&marketRulesCall::SELECTOR));
            Ok(if is_terms { terms.clone() } else { market.clone() })
        });
        super::policy(&node, &at, &policy, &key).unwrap()
    }

    fn broken(facts: Vec<Fact>) -> Vec<String> {
        facts.into_iter().filter(|fact| !fact.holds).map(|fact| fact.name).collect()
    }

    #[test]
    fn a_policy_is_published_as_its_text_and_programs_say() {
        let (signed, taken) = (kept(false, |_, _| {}), kept(true, |_, _| {}));
        assert_eq!(broken(signed.clone()), [""; 0]);
        assert_eq!(broken(taken.clone()), [""; 0]);
        assert!(signed.iter().all(|fact| !fact.name.ends_with("B_0")), "nothing is computed from them there");
        for name in ["level maintenance: IDX", "level initial: B_0", "level maintenance: B_1", "policy: validity"] {
            assert!(taken.iter().any(|fact| fact.name == name), "{name}");
        }
    }

    /// Nobody here has seen that the contracts at these addresses are the ones to rely on.
    #[test]
    fn addresses_are_known_from_the_deployments_file_alone() {
        let facts = kept(true, |_, _| {});
        let of = |basis| facts.iter().filter(move |fact| fact.basis == basis).map(|fact| &*fact.name);
        assert_eq!(of(Provenance::Deployment).collect::<Vec<_>>(), ["verifying contract"]);
        assert_eq!(of(Provenance::Recomputed).count(), facts.len() - 1);
    }

    /// Attack: a registry that says it keeps the policy, and lets others pass.
    #[test]
    fn rejects_each_limit_and_commitment_that_is_not_the_policys() {
        type Change = fn(&mut Terms, &mut MarketRules);
        let changes: [(&str, Change); 32] = [
            ("universe", |terms, _| terms.universe = B256::ZERO),
            ("set-up", |terms, _| terms.srs = B256::ZERO),
            ("capacity class", |terms, _| terms.k += 1),
            ("verifying key", |terms, _| terms.verifyingKey = B256::ZERO),
            ("verifying contract", |terms, _| terms.verifier = Address::ZERO),
            ("policy: vault.address", |terms, _| terms.vault.at = Address::repeat_byte(9)),
            ("policy: vault.level", |terms, _| terms.vault.level += 1),
            ("policy: vault.max_age", |terms, _| terms.vault.maxAge += U40::from(1)),
            ("policy: vault.min_age", |terms, _| terms.vault.minAge += U40::from(1)),
            ("policy: validity", |terms, _| terms.validity += U40::from(1)),
            ("policy: statements.max_skew", |terms, _| terms.maxStatementSkew += U40::from(1)),
            ("policy: statements.max_age", |terms, _| terms.maxStatementAge += U40::from(1)),
            ("policy: marked prices accepted", |terms, _| terms.acceptsMarked ^= true),
            ("policy: sources", |terms, _| terms.sources[0].signer = Address::ZERO),
            ("policy: consent", |terms, _| terms.requiresConsent ^= true),
            ("policy: levels that claim sufficiency", |terms, _| terms.sufficient -= 1),
            ("policy: sources", |terms, _| terms.sources[0].isContract ^= true),
            ("policy: sources", |terms, _| {
                terms.sources.pop();
            }),
            ("policy: scopes", |terms, _| terms.scopes.push(Scope { signer: Address::ZERO, outside: [U256::ZERO; 2] })),
            ("policy: oracle.nodes", |terms, _| terms.nodes.truncate(1)),
            ("number of levels", |terms, _| {
                terms.levels.pop();
            }),
            ("level initial: identifier", |terms, _| terms.levels[1].level = B256::ZERO),
            ("level maintenance: IDX", |terms, _| terms.levels[0].idx[1] += U256::from(1)),
            ("level maintenance: FLAG", |terms, _| terms.levels[0].flag[1] += U256::from(1)),
            ("policy: oracle.epoch", |_, rules| rules.epochLength += U40::from(1)),
            ("policy: oracle.max_age", |_, rules| rules.maxAge += U40::from(1)),
            ("policy: oracle.max_skew", |_, rules| rules.maxSkew += U40::from(1)),
            ("policy: oracle.nodes of snapshots", |_, rules| rules.nodes.truncate(1)),
            ("number of levels with prices", |_, rules| rules.levelCount += 1),
            ("level initial: B_0", |_, rules| rules.levels[1].base = [U256::ZERO; 2]),
            ("level maintenance: B_3", |_, rules| rules.levels[0].market[2][0] += U256::from(1)),
            ("level maintenance: number of prices", |_, rules| rules.levels[0].market.truncate(1)),
        ];
        for (name, change) in changes {
            assert_eq!(broken(kept(true, change)), [name], "{name}");
        }
        let only_signed = kept(false, |_, rules| rules.quorum -= 1);
        assert_eq!(broken(only_signed), ["policy: oracle.quorum"]);
        let only_taken = kept(true, |_, rules| rules.quorum = 1);
        assert_eq!(broken(only_taken), ["quorum, where there are feeds"]);
    }

    /// What a vault and its tokens say, after a change, beside the policy.
    fn vault_says(change: impl FnOnce(&mut VaultAnswers)) -> Vec<String> {
        let (policy, at) = (sample::vault_policy().0.committed().clone(), sample::deployment());
        let mut answers = VaultAnswers {
            registry: address(&at.registry),
            universe: word(&policy.universe_id().0),
            assets: crate::deployment::assets(&policy),
            decimals: 6,
        };
        change(&mut answers);
        let node = sample::contracts(move |data| {
            let selector = <[u8; 4]>::try_from(&data[..4]).unwrap();
            Ok(match selector {
                ATTESTATION_REGISTRYCall::SELECTOR => answers.registry.abi_encode(),
                UNIVERSECall::SELECTOR => answers.universe.abi_encode(),
                assetsCall::SELECTOR => answers.assets.abi_encode(),
                decimalsCall::SELECTOR => U256::from(answers.decimals).abi_encode(),
                other => panic!("{other:?}"),
            })
        });
        broken(super::vault(&node, &at, &policy).unwrap())
    }

    struct VaultAnswers {
        registry: Address,
        universe: B256,
        assets: Vec<Asset>,
        /// Of every token.
        decimals: u8,
    }

    /// Attack: a vault that counts by other rows, units or tokens than the policy says.
    #[test]
    fn rejects_a_vault_that_does_not_count_as_the_policy_says() {
        // Both tokens say six decimals, and the second should say 18.
        const DECIMALS: &str = "vault: decimals of ETH";
        assert_eq!(vault_says(|_| {}), [DECIMALS]);
        assert_eq!(vault_says(|vault| vault.decimals = 18), ["vault: decimals of USDC"]);
        type Change = fn(&mut VaultAnswers);
        let changes: [(&[&str], Change); 6] = [
            (&["vault: attestation registry"], |vault| vault.registry = Address::ZERO),
            (&["vault: universe"], |vault| vault.universe = B256::ZERO),
            (&["vault: token of USDC"], |vault| vault.assets[0].token = Address::ZERO),
            (&["vault: unit of USDC"], |vault| vault.assets[0].unit += U96::from(1)),
            (&["vault: point of USDC"], |vault| vault.assets[0].y += U256::from(1)),
            (&["vault: point of USDC", "vault: point of ETH"], |vault| {
                let [first, second] = &mut vault.assets[..] else { panic!("two assets") };
                core::mem::swap(&mut first.x, &mut second.x);
            }),
        ];
        for (names, change) in changes {
            let found = vault_says(change);
            let expected: Vec<_> = names.iter().copied().chain([DECIMALS]).collect();
            let sorted = |mut names: Vec<String>| {
                names.sort_unstable();
                names
            };
            assert_eq!(sorted(found), sorted(expected.into_iter().map(str::to_owned).collect()));
        }
        assert_eq!(vault_says(|vault| vault.assets.truncate(1)), ["vault: number of assets"]);
    }

    #[test]
    fn a_policy_without_a_vault_has_nothing_to_compare() {
        let (policy, at) = (sample::policy().0.committed().clone(), sample::deployment());
        let node = sample::contracts(|_| panic!("nothing is asked"));
        assert_eq!(super::vault(&node, &at, &policy).unwrap(), []);
    }

    #[test]
    fn rejects_feeds_that_are_laxer_than_the_policy() {
        type Change = fn(&mut Feed);
        let changes: [(&str, Change); 5] = [
            ("decimals", |feed| feed.decimals += 1),
            ("min", |feed| feed.min = Default::default()),
            ("max", |feed| feed.max += feed.max),
            ("max_age", |feed| feed.maxAge += 1),
            ("max_deviation", |feed| feed.maxDeviation += 1),
        ];
        let entry = ground().0.policy().market[0].name.to_string();
        for (what, change) in changes {
            let facts = kept(true, |_, rules| change(&mut rules.feeds[0]));
            assert_eq!(broken(facts), [format!("feed of {entry}: {what}")]);
        }
        let stricter = kept(true, |_, rules| rules.feeds[0].maxAge -= 1);
        assert_eq!(broken(stricter), [""; 0]);
        let fewer = kept(true, |_, rules| {
            rules.feeds.pop();
        });
        assert_eq!(broken(fewer), ["number of feeds"]);
    }

    #[test]
    fn rejects_a_registry_without_the_policy() {
        let (policy, key, at) = ground();
        let unknown = UnknownPolicy { policy: word(&policy.id().0) }.abi_encode();
        let node = sample::contracts(move |_| Err(unknown.clone()));
        let facts = super::policy(&node, &at, &policy, &key).unwrap();
        assert_eq!(broken(facts.clone()), ["policy"]);
        assert!(facts[0].found.contains("UnknownPolicy"), "{}", facts[0].found);
    }

    /// What an oracle keeps, and the file that is held beside it.
    struct Oracle {
        /// The identifier of a snapshot that nodes have signed.
        id: B256,
        kept: Kept,
        coef: [U256; 2],
        /// The prices of each epoch that it has.
        prices: BTreeMap<u64, Vec<u128>>,
        stated: Snapshot,
    }

    const EPOCH: u64 = 7;
    const BEFORE: u64 = 6;

    /// What an oracle says of a snapshot that it has taken from feeds, after a change.
    fn compared(change: impl Fn(&mut Oracle)) -> Option<Taken> {
        let (policy, _, at) = ground();
        let price = |entry: &MarketEntry| EntryPrice { entry: entry.name.clone(), price: entry.min };
        let prices: Vec<EntryPrice> = policy.policy().market.iter().map(price).collect();
        let words: Vec<u128> = prices.iter().map(|price| price.price.get()).collect();
        let stated = Snapshot {
            kind: KindOf::new(),
            version: FormatVersion,
            epoch: EPOCH,
            time: Timestamp(2_100),
            previous: Some(Predecessor { epoch: BEFORE, prices: prices.clone() }),
            prices,
            marked: Vec::new(),
            reports: Vec::new(),
        };
        let time = U40::from(2_100);
        let mut oracle = Oracle {
            id: B256::ZERO,
            kept: Kept { epoch: EPOCH, previousEpoch: BEFORE, time, newest: time, slack: 0, marked: false },
            coef: [U256::from(1), U256::from(2)],
            prices: BTreeMap::from([(BEFORE, words.clone()), (EPOCH, words)]),
            stated,
        };
        let coefficients = [(policy.policy().levels[0].name.clone(), encoded(oracle.coef))];
        change(&mut oracle);
        let Oracle { id, kept, coef, prices, stated } = oracle;
        let read = (kept.clone(), kept, coef).abi_encode_params();
        let node = sample::contracts(move |data| {
            let unknown = |epoch: u64| UnknownEpoch { epoch }.abi_encode();
            match data[..4].try_into().unwrap() {
                readCall::SELECTOR if prices.contains_key(&EPOCH) => Ok(read.clone()),
                readCall::SELECTOR => Err(unknown(EPOCH)),
                idOfCall::SELECTOR => Ok(id.abi_encode()),
                pricesOfCall::SELECTOR => {
                    let epoch = pricesOfCall::abi_decode(data).unwrap().epoch;
                    let words = prices.get(&epoch).ok_or_else(|| unknown(epoch))?;
                    Ok(words.iter().map(|price| U256::from(*price)).collect::<Vec<_>>().abi_encode())
                }
                other => panic!("{other:?}"),
            }
        });
        super::snapshot(&node, &at, &policy, &stated, &coefficients).unwrap()
    }

    /// What it says that it should not.
    fn taken(change: impl Fn(&mut Oracle)) -> Vec<String> {
        let Taken { facts, is_previous_gone } = compared(change).unwrap();
        assert!(!is_previous_gone, "everything is compared");
        broken(facts)
    }

    #[test]
    fn a_snapshot_is_kept_with_its_coefficients() {
        let taken = compared(|_| {}).unwrap();
        assert_eq!(broken(taken.facts.clone()), [""; 0]);
        let entry = ground().0.policy().market[1].name.to_string();
        for name in [format!("price of {entry}"), format!("previous price of {entry}")] {
            assert!(taken.facts.iter().any(|fact| fact.name == name), "{name}");
        }
    }

    #[test]
    fn rejects_coefficients_prices_and_times_of_another_snapshot() {
        assert_eq!(taken(|oracle| oracle.coef[1] += U256::from(1)), ["level maintenance: COEF"]);
        assert_eq!(taken(|oracle| oracle.kept.time += U40::from(1)), ["market: time"]);
        assert_eq!(taken(|oracle| oracle.kept.epoch += 1), ["market: epoch"]);
        let prices = |change: fn(&mut Vec<u128>)| taken(|oracle| change(oracle.prices.get_mut(&EPOCH).unwrap()));
        assert_eq!(prices(|prices| prices.truncate(1)), ["number of prices"]);
        let entry = ground().0.policy().market[1].name.to_string();
        assert_eq!(prices(|prices| prices[1] += 1), [format!("price of {entry}")]);
        assert_eq!(taken(|oracle| oracle.id = B256::repeat_byte(1)), ["market snapshot"]);
    }

    /// Attack: a file with other prices before, from which these have not moved.
    #[test]
    fn rejects_previous_prices_that_the_oracle_did_not_have() {
        let prices = |change: fn(&mut Vec<u128>)| taken(|oracle| change(oracle.prices.get_mut(&BEFORE).unwrap()));
        let entry = ground().0.policy().market[1].name.to_string();
        assert_eq!(prices(|prices| prices[1] += 1), [format!("previous price of {entry}")]);
        assert_eq!(prices(|prices| prices.truncate(1)), ["number of previous prices"]);
        let stated = taken(|oracle| oracle.stated.previous.as_mut().unwrap().prices.truncate(1));
        assert_eq!(stated, ["number of previous prices"]);
        let epoch = taken(|oracle| oracle.stated.previous.as_mut().unwrap().epoch -= 1);
        assert_eq!(epoch, ["market: epoch before"]);
    }

    /// The oracle has taken another snapshot since, in the place of the one before.
    #[test]
    fn previous_prices_that_are_gone_are_not_compared() {
        let gone = |oracle: &mut Oracle| drop(oracle.prices.remove(&BEFORE));
        let taken = compared(gone).unwrap();
        assert!(taken.is_previous_gone);
        assert_eq!(broken(taken.facts.clone()), [""; 0]);
        assert!(taken.facts.iter().all(|fact| !fact.name.starts_with("previous price")), "{:?}", taken.facts);
        let marked = compared(|oracle| {
            gone(oracle);
            oracle.kept.marked = true;
        })
        .unwrap();
        assert_eq!(broken(marked.facts), ["market: marked"]);
    }

    #[test]
    fn a_snapshot_that_is_gone_is_not_compared() {
        assert_eq!(compared(|oracle| drop(oracle.prices.remove(&EPOCH))), None);
    }

    /// Attack: a file that leaves out the prices before, and with them the mark for which the policy refuses proofs.
    #[test]
    fn rejects_snapshots_whose_mark_or_prices_before_were_left_out() {
        assert_eq!(taken(|oracle| oracle.kept.marked = true), ["market: marked"]);
        assert_eq!(taken(|oracle| oracle.stated.previous = None), ["market: epoch before"]);
    }
}
