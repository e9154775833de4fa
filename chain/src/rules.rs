//! What a policy's text leaves open and a registry has to know: how prices reach the chain, and the line of versions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::{EvmAddress, Name},
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, repeated, require},
    text::{Document, WrittenBy},
    units::{Decimals, Ppm, Price, Seconds},
};
use surety_margin::{market::MarketEntry, policy::Policy, universe::Universe};

use crate::error::ChainError;

/// How a policy is published on a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainRules {
    /// The format.
    pub kind: KindOf<ChainRules>,
    /// Version of the format.
    pub version: FormatVersion,
    /// What versions of the policy have in common.
    pub line: Name,
    /// One more than the version of the line before: 1 for the first.
    pub policy_version: u32,
    /// How long after a new snapshot the one before it may still be proven over.
    pub grace: Seconds,
    /// Where prices come from: a feed for each market entry, or none where oracle nodes sign snapshots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<FeedRule>,
}

impl Kinded for ChainRules {
    const KIND: Kind = Kind::ChainRules;
}

/// The feed of a market entry. It may be held to stricter rules than the policy's, not to laxer ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedRule {
    /// The market entry.
    pub entry: Name,
    /// A contract with Chainlink's interface.
    pub aggregator: EvmAddress,
    /// The decimals of its answers, at most those of the entry.
    pub decimals: Decimals,
    /// How old an answer may be, if not as the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Seconds>,
    /// How far the price may move from one snapshot to the next, relative to the former, if not as the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deviation: Option<Ppm>,
}

impl Document for ChainRules {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;

    fn problems(&self) -> Vec<Problem> {
        let entries = self.feeds.iter().map(|feed| &feed.entry);
        let mut problems = repeated(entries, |i| format!("feeds[{i}].entry"), "each market entry once");
        let version = self.policy_version;
        problems.extend(require(version > 0, "policy_version", "at least 1", version));
        problems
    }
}

impl ChainRules {
    /// Checks the rules that take the policy to check.
    #[must_use]
    pub fn check(&self, policy: &Policy, universe: &Universe) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.feeds.is_empty() {
            problems.extend(self.feed_problems(policy, universe));
        }
        problems
    }

    /// The feed of a market entry.
    pub(crate) fn feed(&self, entry: &MarketEntry) -> Option<&FeedRule> {
        self.feeds.iter().find(|feed| feed.entry == entry.name)
    }

    fn feed_problems(&self, policy: &Policy, universe: &Universe) -> Vec<Problem> {
        let derived = policy.market_vector(universe).map_or(0, |layout| layout.entries().len() - policy.market.len());
        let expected = "none, because a contract cannot compute what the policy derives from prices: let nodes sign";
        let mut problems = Vec::from_iter(require(derived == 0, "feeds", expected, "some"));
        for entry in policy.market.iter().filter(|entry| self.feed(entry).is_none()) {
            problems.push(Problem::new("feeds", format!("a feed for {}", entry.name), "none"));
        }
        for (i, feed) in self.feeds.iter().enumerate() {
            match policy.market.iter().find(|entry| entry.name == feed.entry) {
                Some(entry) => problems.extend(feed.problems(policy, entry, i)),
                None => {
                    let (path, found) = (format!("feeds[{i}].entry"), feed.entry.to_string());
                    problems.push(Problem::new(path, "a market entry of the policy", found));
                }
            }
        }
        problems
    }
}

impl FeedRule {
    /// How old an answer may be.
    pub(crate) fn max_age(&self, policy: &Policy, entry: &MarketEntry) -> Seconds {
        self.max_age.unwrap_or_else(|| policy.oracle.max_age_of(entry))
    }

    /// How far the price may move; zero for as far as it likes.
    pub(crate) fn max_deviation(&self, policy: &Policy, entry: &MarketEntry) -> Ppm {
        let stated = policy.oracle.breaker.map(|breaker| breaker.max_deviation_of(entry));
        self.max_deviation.or(stated).unwrap_or_default()
    }

    fn problems(&self, policy: &Policy, entry: &MarketEntry, index: usize) -> Vec<Problem> {
        let path = |key: &str| format!("feeds[{index}].{key}");
        let mut problems = Vec::new();
        let expected =
            "a market entry with a min above 0, because a contract takes no answer of nothing: let nodes sign";
        problems.extend(require(entry.min > Price::ZERO, path("entry"), expected, format!("{}, min 0", entry.name)));
        let (most, found) = (entry.decimals.get(), self.decimals.get());
        let expected = format!("at most {most}, those of the market entry");
        problems.extend(require(found <= most, path("decimals"), expected, found));
        let (most, found) = (policy.oracle.max_age_of(entry).0, self.max_age(policy, entry).0);
        let expected = format!("at most {most}, as the policy says");
        problems.extend(require(found <= most, path("max_age"), expected, found));
        if let Some(found) = self.max_deviation {
            let most = policy.oracle.breaker.map_or(Ppm(0), |breaker| breaker.max_deviation_of(entry));
            let expected = format!("from 1 to {}, as the policy's circuit breaker says", most.0);
            let strict = Ppm(0) < found && found <= most;
            problems.extend(require(strict, path("max_deviation"), expected, found.0));
        }
        problems
    }
}

/// The place of a level in its policy.
pub(crate) fn level_place(policy: &Policy, name: &Name) -> Result<usize, ChainError> {
    policy.level_index(name).ok_or_else(|| {
        let names: Vec<_> = policy.levels.iter().map(|level| level.name.as_str()).collect();
        ChainError::input("level", format!("a level of the policy ({})", names.join(", ")), name)
    })
}
