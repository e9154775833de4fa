//! The arguments of a publication, one by one, as people compare them.

use alloy_primitives::U256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::abi::{Feed, Level, Publication, Scope, Source};

/// An argument of a call, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its place, as in `publication.sources[0].signer`.
    pub name: String,
    /// Its value: a decimal number, or bytes in hexadecimal digits.
    pub value: String,
}

/// Collects arguments.
#[derive(Default)]
struct Arguments(Vec<Argument>);

impl Arguments {
    fn add(&mut self, name: impl Into<String>, value: impl ToString) {
        self.0.push(Argument { name: format!("publication.{}", name.into()), value: value.to_string() });
    }

    fn point(&mut self, name: &str, [x, y]: &[U256; 2]) {
        for (i, coordinate) in [x, y].into_iter().enumerate() {
            self.add(format!("{name}[{i}]"), coordinate);
        }
    }

    fn source(&mut self, i: usize, Source { signer, account, isContract }: &Source) {
        self.add(format!("sources[{i}].signer"), signer);
        self.add(format!("sources[{i}].account"), account);
        self.add(format!("sources[{i}].isContract"), isContract);
    }

    fn scope(&mut self, i: usize, Scope { signer, outside }: &Scope) {
        self.add(format!("scopes[{i}].signer"), signer);
        self.point(&format!("scopes[{i}].outside"), outside);
    }

    fn feed(&mut self, i: usize, feed: &Feed) {
        let Feed { aggregator, aggregatorDecimals, decimals, maxAge, maxDeviation, min, max } = feed;
        self.add(format!("feeds[{i}].aggregator"), aggregator);
        self.add(format!("feeds[{i}].aggregatorDecimals"), aggregatorDecimals);
        self.add(format!("feeds[{i}].decimals"), decimals);
        self.add(format!("feeds[{i}].maxAge"), maxAge);
        self.add(format!("feeds[{i}].maxDeviation"), maxDeviation);
        self.add(format!("feeds[{i}].min"), min);
        self.add(format!("feeds[{i}].max"), max);
    }

    fn level(&mut self, i: usize, Level { level, idx, flag, coefficients }: &Level) {
        self.add(format!("levels[{i}].level"), level);
        self.point(&format!("levels[{i}].idx"), idx);
        self.point(&format!("levels[{i}].flag"), flag);
        self.point(&format!("levels[{i}].coefficients.base"), &coefficients.base);
        for (j, point) in coefficients.market.iter().enumerate() {
            self.point(&format!("levels[{i}].coefficients.market[{j}]"), point);
        }
    }
}

/// Every part of a publication, in the order of the contract.
pub(super) fn of(publication: &Publication) -> Vec<Argument> {
    let mut all = Arguments::default();
    // Without a rest, so that no field is left out.
    let Publication {
        line,
        version,
        document,
        universe,
        srs,
        k,
        verifier,
        vault,
        validity,
        maxStatementSkew,
        maxStatementAge,
        grace,
        acceptsMarked,
        requiresConsent,
        sufficient,
        epochLength,
        maxMarketAge,
        maxMarketSkew,
        quorum,
        sources,
        scopes,
        nodes,
        feeds,
        levels,
    } = publication;
    all.add("line", line);
    all.add("version", version);
    all.add("document", document);
    all.add("universe", universe);
    all.add("srs", srs);
    all.add("k", k);
    all.add("verifier", verifier);
    all.add("vault.at", vault.at);
    all.add("vault.level", vault.level);
    all.add("vault.maxAge", vault.maxAge);
    all.add("vault.minAge", vault.minAge);
    all.add("validity", validity);
    all.add("maxStatementSkew", maxStatementSkew);
    all.add("maxStatementAge", maxStatementAge);
    all.add("grace", grace);
    all.add("acceptsMarked", acceptsMarked);
    all.add("requiresConsent", requiresConsent);
    all.add("sufficient", sufficient);
    all.add("epochLength", epochLength);
    all.add("maxMarketAge", maxMarketAge);
    all.add("maxMarketSkew", maxMarketSkew);
    all.add("quorum", quorum);
    sources.iter().enumerate().for_each(|(i, source)| all.source(i, source));
    scopes.iter().enumerate().for_each(|(i, scope)| all.scope(i, scope));
    nodes.iter().enumerate().for_each(|(i, node)| all.add(format!("nodes[{i}]"), node));
    feeds.iter().enumerate().for_each(|(i, feed)| all.feed(i, feed));
    levels.iter().enumerate().for_each(|(i, level)| all.level(i, level));
    all.0
}
