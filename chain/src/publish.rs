//! Publishing a policy: its text's limits, its programs' commitments, and what [`ChainRules`] add.

use alloy_primitives::{Address, aliases::U96, keccak256};
use surety_core::{
    ident::{EvmAddress, HexBytes},
    units::Timestamp,
};
use surety_kzg::point;
use surety_margin::{
    market::{MarkedProofs, MarketEntry},
    policy::Policy,
    vault::VaultRules,
};
use surety_verifier::{
    CommittedPolicy,
    attestation::{
        compiled::{LevelCommitments, SourceScope},
        identifiers::{AccountId, LevelId, PolicyId},
        signer::Signer,
    },
};

use crate::{
    abi::{
        Feed,
        IPolicyRegistry::{VaultRules as PublishedVaultRules, countsFromCall, publishCall},
        Level, LevelCoefficients, Publication, Scope, Source, address, bytes32, coordinates, word,
    },
    deployment::{Contracts, Deployment},
    error::{Action, ChainError},
    node::Receipt,
    rules::{ChainRules, FeedRule, level_place},
    seconds::seconds,
};

const PUBLISH: Action = Action::new("PolicyRegistry.publish");

/// A policy that has been published.
#[derive(Clone, Debug)]
pub struct Published {
    /// The policy.
    pub policy: PolicyId,
    /// When it begins to count.
    pub counts_from: Timestamp,
    /// The transaction.
    pub receipt: Receipt,
}

impl Contracts {
    /// Publishes a policy. Before anything is sent, the policy's vault must count as the policy says, and the registry
    /// must have computed the policy's identifier from what it would be sent.
    ///
    /// # Errors
    /// If the rules do not fit the policy, the deployment is for another class, or the registry refuses.
    pub fn publish(
        &self,
        policy: &CommittedPolicy,
        rules: &ChainRules,
        signer: &dyn Signer,
    ) -> Result<Published, ChainError> {
        self.check_vault(policy)?;
        let call = publishCall { publication: publication(&self.at, policy, rules)? };
        let found = self.node.simulate(Some(&signer.address()), &self.at.policies, &call, PUBLISH)?;
        if bytes32(found) != policy.id().0 {
            return Err(ChainError::mismatch(
                "policy",
                format!("the identifier {}", policy.id().0),
                format!("{found}, computed by the registry"),
                "the registry, the vault or the commitments are of another version: compile the policy anew",
            ));
        }
        let receipt = self.node.call(signer, &self.at.policies, &call, PUBLISH)?;
        let from = self.node.view(&self.at.policies, &countsFromCall { policy: found })?;
        Ok(Published { policy: policy.id(), counts_from: Timestamp(from.to()), receipt })
    }
}

/// What the policy registry of a deployment is told of a policy.
pub(crate) fn publication(
    at: &Deployment,
    policy: &CommittedPolicy,
    rules: &ChainRules,
) -> Result<Publication, ChainError> {
    let (document, file) = (policy.policy(), policy.file());
    let (feeds, vault) = (feeds(document, rules)?, document.vault.as_ref());
    Ok(Publication {
        line: keccak256(rules.line.as_str()),
        version: rules.policy_version,
        document: word(&file.document.0),
        universe: word(&file.universe.0),
        srs: word(&file.srs),
        k: file.capacity.k(),
        verifier: address(&at.verifier),
        vault: PublishedVaultRules {
            at: vault.map_or(Address::ZERO, |vault| address(&vault.address)),
            level: vault.map_or(Ok(0), |vault| vault_level(document, vault))?,
            maxAge: seconds("policy: vault.max_age", vault.map_or(0, |vault| vault.max_age.0))?,
            minAge: seconds("policy: vault.min_age", vault.map_or(0, |vault| vault.min_age.0))?,
        },
        validity: seconds("policy: validity", document.validity.0)?,
        maxStatementSkew: seconds("policy: statements.max_skew", document.statements.max_skew.0)?,
        maxStatementAge: seconds("policy: statements.max_age", document.statements.max_age.0)?,
        grace: seconds("chain rules: grace", rules.grace.0)?,
        acceptsMarked: document.oracle.breaker.is_none_or(|breaker| breaker.proofs == MarkedProofs::Accepted),
        requiresConsent: document.consent,
        // At most 16 levels.
        sufficient: document.sufficient_levels().count() as u32,
        epochLength: seconds("policy: oracle.epoch", document.oracle.epoch.0)?,
        maxMarketAge: seconds("policy: oracle.max_age", document.oracle.max_age.0)?,
        maxMarketSkew: seconds("policy: oracle.max_skew", document.oracle.max_skew.0)?,
        quorum: if feeds.is_empty() { document.oracle.quorum } else { 0 },
        sources: sources(document),
        scopes: scopes(policy),
        nodes: nodes(document),
        feeds,
        levels: file.levels.iter().map(level).collect(),
    })
}

/// The accounts, in ascending order.
pub(crate) fn sources(policy: &Policy) -> Vec<Source> {
    let accounts = policy.sources.iter().flat_map(|source| source.accounts.iter().map(move |name| (source, name)));
    let mut accounts: Vec<_> =
        accounts.map(|(source, name)| (source.signer, AccountId::of(name), source.contract)).collect();
    accounts.sort_unstable();
    let source = |(signer, account, contract): (EvmAddress, AccountId, bool)| Source {
        signer: address(&signer),
        account: word(&account.0),
        isContract: contract,
    };
    accounts.into_iter().map(source).collect()
}

/// The scopes of sources, in ascending order of their addresses.
pub(crate) fn scopes(policy: &CommittedPolicy) -> Vec<Scope> {
    let scope = |scope: &SourceScope| Scope {
        signer: address(&scope.signer),
        outside: coordinates(&HexBytes(point::g1_to_bytes(&scope.point))),
    };
    policy.scopes().iter().map(scope).collect()
}

/// The oracle nodes, in ascending order.
pub(crate) fn nodes(policy: &Policy) -> Vec<Address> {
    let mut nodes: Vec<_> = policy.oracle.nodes.iter().map(|node| address(&node.signer)).collect();
    nodes.sort_unstable();
    nodes
}

/// The place of the level that lets collateral out of the vault.
pub(crate) fn vault_level(policy: &Policy, vault: &VaultRules) -> Result<u32, ChainError> {
    let place = level_place(policy, &vault.level)?;
    u32::try_from(place).map_err(|_| ChainError::input("policy: vault.level", "one of the first levels", place))
}

/// The feeds, in the order of the market entries; none where nodes sign.
fn feeds(policy: &Policy, rules: &ChainRules) -> Result<Vec<Feed>, ChainError> {
    let feeds = policy.market.iter().filter_map(|entry| Some((entry, rules.feed(entry)?)));
    feeds.map(|(entry, rule)| feed(policy, entry, rule)).collect()
}

fn feed(policy: &Policy, entry: &MarketEntry, rule: &FeedRule) -> Result<Feed, ChainError> {
    let max_age = rule.max_age(policy, entry).0;
    Ok(Feed {
        aggregator: address(&rule.aggregator),
        aggregatorDecimals: rule.decimals.get(),
        decimals: entry.decimals.get(),
        maxAge: max_age.try_into().map_err(|_| {
            ChainError::input(format!("chain rules: max_age of {}", entry.name), "at most 2^32 - 1 seconds", max_age)
        })?,
        maxDeviation: rule.max_deviation(policy, entry).0,
        // A price has at most 96 bits.
        min: U96::from(entry.min.get()),
        max: U96::from(entry.max.get()),
    })
}

fn level(level: &LevelCommitments) -> Level {
    let market = level.market.iter().map(coordinates).collect();
    Level {
        // The registry tells the levels that claim a shortfall by their places, and hashes their names itself.
        level: word(&LevelId::named(&level.level).0),
        idx: coordinates(&level.idx),
        flag: coordinates(&level.flag),
        coefficients: LevelCoefficients { base: coordinates(&level.base), market },
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::aliases::U40;
    use serde_json::json;
    use surety_core::{ident::HexBytes, text::Document as _};
    use surety_testing::tamper::{Change, Exempt, Tampered, unnoticed};

    use super::*;
    use crate::sample;

    /// Attack: rules that differ in one thing from those that were agreed on. Nothing that they say is dropped on the
    /// way to the registry.
    #[test]
    fn rejects_every_changed_field_of_chain_rules_that_is_not_published() {
        let (policy, _) = sample::policy();
        let policy = policy.committed();
        let (deployment, document) = (sample::deployment(), policy.policy());
        // Stricter than the policy.
        let limit = |entry: &MarketEntry| document.oracle.breaker.map(|breaker| breaker.max_deviation_of(entry).0 - 1);
        let feed = |(index, entry): (u8, &MarketEntry)| {
            json!({
                "entry": entry.name, "aggregator": HexBytes([index; 20]), "decimals": 6, "max_age": 60,
                "max_deviation": limit(entry)
            })
        };
        let rules = json!({
            "kind": "surety/chain-rules", "version": 1, "line": "example", "policy_version": 2, "grace": 60,
            "feeds": (1..).zip(&document.market).map(feed).collect::<Vec<_>>()
        });
        // Everything that the contracts are told.
        let told = |rules: &ChainRules| {
            if !rules.check(document, policy.universe()).is_empty() {
                return None;
            }
            publication(&deployment, policy, rules).ok()
        };
        let read = |rules: &serde_json::Value| ChainRules::from_json("rules.json", &rules.to_string());
        let original = told(&read(&rules).unwrap());
        assert!(original.is_some());
        let notices =
            |tampered: &Tampered| read(&tampered.document).ok().is_none_or(|changed| told(&changed) != original);
        let exempt: [Exempt<'_>; 1] =
            [("feeds[*]", &[Change::Exchanged], "they are found by their entries, in whatever order")];
        assert_eq!(unnoticed(&rules, &exempt, notices), [""; 0]);
    }

    /// Attack: a publication whose vault lets collateral out under other rules than the policy's.
    #[test]
    fn a_policy_is_published_with_the_rules_of_its_vault() {
        let deployment = sample::deployment();
        let rules = "kind = \"surety/chain-rules\"\nversion = 1\nline = \"a\"\npolicy_version = 1\ngrace = 0\n";
        let rules = ChainRules::from_toml("rules.toml", rules).unwrap();
        let published = |policy: &CommittedPolicy| publication(&deployment, policy, &rules).unwrap();
        let drawing = published(sample::vault_policy().0.committed());
        assert_eq!((drawing.vault.at, drawing.vault.level), (Address::repeat_byte(0x15), 1));
        assert_eq!((drawing.vault.maxAge, drawing.vault.minAge), (U40::from(900), U40::from(30)));
        let without = published(sample::policy().0.committed());
        assert_eq!((without.vault.at, without.vault.level), (Address::ZERO, 0));
        assert_eq!((without.vault.maxAge, without.vault.minAge), (U40::ZERO, U40::ZERO));
    }
}
