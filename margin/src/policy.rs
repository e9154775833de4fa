//! The policy: a margin model with its parameters, and the rules for prices and statements.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::{EvmAddress, Name},
    problem::{Problem, repeated, require},
    text::{self, Document, Format, InputErrors, WrittenBy},
    units::{Decimals, Ppm, Price, Seconds},
};

use crate::{
    boxes,
    derived::{DerivedEntry, Rounding},
    models::{Frame, Model, Rule, slight, unmargined},
    portfolio::Losses,
    universe::Universe,
};

/// Everything public that decides whether an account is sufficient. Identified by the hash of its canonical encoding
/// together with the commitments of the programs that it compiles to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The format.
    pub kind: PolicyKind,
    /// Version of the format.
    pub version: surety_core::FormatVersion,
    /// What people call it.
    pub name: Name,
    /// Name of the universe that it is over.
    pub universe: Name,
    /// How long an attestation counts at most, from the time of its market snapshot.
    pub validity: Seconds,
    /// Instruments that may be short or owed, or held if they are derivatives, although nothing is required of them on
    /// top of their value at some level. All others must require something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmargined: Vec<Name>,
    /// The prices, and other public numbers, that oracle nodes report: the first entries of the market vector.
    pub market: Vec<MarketEntry>,
    /// What follows from them: the next entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<DerivedEntry>,
    /// Who reports prices, and which reports count.
    pub oracle: OracleRules,
    /// Who must state balances: the account is exactly what they state.
    pub sources: Vec<SourceRule>,
    /// Which statements count.
    pub statements: StatementRules,
    /// What can be proven.
    pub levels: Vec<Level>,
    /// The margin model.
    pub model: Model,
}

/// The value of a policy's `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PolicyKind {
    /// `surety/policy`
    #[serde(rename = "surety/policy")]
    Policy,
}

/// A reported number of the market vector: a price in quote units per unit of the instrument, or what else a model
/// reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarketEntry {
    /// Unique in its policy.
    pub name: Name,
    /// Prices are integers times `10^-decimals`.
    pub decimals: Decimals,
    /// Smallest price for which the program is sound; a snapshot below it is refused.
    pub min: Price,
    /// Largest price for which the program is sound; a snapshot above it is refused.
    pub max: Price,
    /// How many nodes must have observed it, if not [`OracleRules::quorum`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// How old an observation of it may be when an attestation is made, if not [`OracleRules::max_age`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Seconds>,
    /// Its largest confidence interval, relative to the price, if not [`OracleRules::max_confidence`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_confidence: Option<Ppm>,
    /// How far it may move from one snapshot to the next, relative to the former, if not [`Breaker::max_deviation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deviation: Option<Ppm>,
}

/// Which price reports count, and how they become one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OracleRules {
    /// The nodes that may report.
    pub nodes: Vec<OracleNode>,
    /// How many of them must have reported, and must have observed each market entry that states no quorum of its own.
    pub quorum: u32,
    /// Length of an epoch: a report of time `t` belongs to epoch `t / epoch`, rounded down.
    pub epoch: Seconds,
    /// How old a snapshot's reports may be when an attestation is made, and the observations in them of each market
    /// entry that states no age of its own.
    pub max_age: Seconds,
    /// How far apart the times of a snapshot's reports may lie.
    pub max_skew: Seconds,
    /// Largest confidence interval, relative to the price, of each market entry that states none of its own.
    pub max_confidence: Ppm,
    /// What happens when prices jump. Nothing, if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
}

/// The circuit breaker: a snapshot is marked with the market entries that have moved too far since the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// How far each market entry that states no deviation of its own may move from one snapshot to the next, relative
    /// to the former.
    pub max_deviation: Ppm,
    /// Whether proofs over a marked snapshot count.
    pub proofs: MarkedProofs,
}

/// Whether proofs over a marked snapshot count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MarkedProofs {
    /// They do not: no verifier accepts them.
    Refused,
    /// They do, and verifiers say what is marked.
    Accepted,
}

/// An oracle node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OracleNode {
    /// What people call it.
    pub name: Name,
    /// The key that it signs with.
    pub signer: EvmAddress,
}

/// A custodian, a venue or a chain watcher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRule {
    /// What people call it.
    pub name: Name,
    /// The key that it signs with.
    pub signer: EvmAddress,
    /// The accounts that it must state, each once, also when they are empty.
    pub accounts: Vec<Name>,
}

/// Which statements of balances count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementRules {
    /// How far apart the as-of times of a set may lie. Shorter than any settlement between sources, or funds count
    /// twice on their way.
    pub max_skew: Seconds,
    /// How old the oldest statement may be when an attestation is made.
    pub max_age: Seconds,
}

/// A level that can be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Unique in its policy: `maintenance`, `initial`, `maintenance-1.5x`.
    pub name: Name,
    /// Which of the model's parameters it uses.
    pub basis: Basis,
    /// The requirement is multiplied by this, at least one.
    #[serde(default = "one")]
    pub multiple: Ppm,
    /// What a liquidator keeps, as a fraction of what is liquidated: the level then holds only if the margin is not
    /// negative after a liquidation, either.
    #[serde(default, skip_serializing_if = "Ppm::is_zero")]
    pub liquidation_penalty: Ppm,
    /// What goes to an insurance fund, as a fraction of what is liquidated.
    #[serde(default, skip_serializing_if = "Ppm::is_zero")]
    pub insurance_contribution: Ppm,
    /// The mode that it is in, if the model has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Name>,
}

impl Level {
    /// A level without modes and costs of liquidation.
    #[must_use]
    pub fn new(name: Name, basis: Basis, multiple: Ppm) -> Self {
        Self { name, basis, multiple, mode: None, liquidation_penalty: Ppm(0), insurance_contribution: Ppm(0) }
    }

    /// What a liquidation costs the account, as a fraction of what is liquidated.
    pub(crate) fn liquidation_cost(&self) -> Ppm {
        Ppm(self.liquidation_penalty.0.saturating_add(self.insurance_contribution.0))
    }

    /// `path` is where it is.
    fn problems(&self, path: &str) -> Vec<Problem> {
        let expected = "at least 100 %, so that no level is laxer than its basis";
        let found = self.multiple;
        let mut problems =
            Vec::from_iter(require(self.multiple >= Ppm::ONE, format!("{path}.multiple"), expected, found));
        for (key, cost) in
            [("liquidation_penalty", self.liquidation_penalty), ("insurance_contribution", self.insurance_contribution)]
        {
            let expected = "at most 100 %: all of what is liquidated";
            problems.extend(require(cost <= Ppm::ONE, format!("{path}.{key}"), expected, cost));
        }
        problems
    }
}

/// The two sets of parameters that margin models have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// What an account must keep, or be liquidated.
    Maintenance,
    /// What an account must have to open a position.
    Initial,
}

/// A parameter for each basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByBasis {
    /// The value at maintenance levels.
    pub maintenance: Ppm,
    /// The value at initial levels.
    pub initial: Ppm,
}

impl ByBasis {
    /// Zero at every level: the default of charges.
    pub(crate) fn zero() -> Self {
        Self { maintenance: Ppm(0), initial: Ppm(0) }
    }

    /// One at every level: the default of weights.
    pub(crate) fn one() -> Self {
        Self { maintenance: Ppm::ONE, initial: Ppm::ONE }
    }

    /// Whether it is that default.
    pub(crate) fn is_one(&self) -> bool {
        *self == Self::one()
    }

    /// The value for a basis.
    #[must_use]
    pub fn at(self, basis: Basis) -> Ppm {
        match basis {
            Basis::Maintenance => self.maintenance,
            Basis::Initial => self.initial,
        }
    }
}

impl Document for Policy {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(positive("validity", self.validity));
        problems.extend(self.market_problems());
        problems.extend(self.derived_problems());
        problems.extend(self.oracle.problems());
        problems.extend(self.source_problems());
        problems.extend(self.signer_problems());
        problems.extend(self.statements.problems());
        problems.extend(self.level_problems());
        problems.extend(self.model.problems());
        problems.extend(self.model.mode_problems(&self.levels));
        problems
    }
}

impl Policy {
    /// Most levels: each of them compiles to a program of its own.
    pub const MAX_LEVELS: usize = 16;

    /// Reads a policy, JSON if the file's name ends in `.json` and otherwise TOML, and checks it against its universe.
    ///
    /// # Errors
    /// With every mistake that was found.
    pub fn read(file: &str, text: &str, universe: &Universe) -> Result<Self, InputErrors> {
        let format = Format::of_name(file).unwrap_or(Format::Toml);
        text::read(file, text, format, |policy: &Self| policy.check(universe))
    }

    /// Checks every rule, also those that take the universe to check: that its names exist there, and that the model
    /// suits the classes of instruments it covers.
    #[must_use]
    pub fn check(&self, universe: &Universe) -> Vec<Problem> {
        let mut problems = self.problems();
        let expected = format!("the universe {}", universe.name);
        problems.extend(require(self.universe == universe.name, "universe", expected, &self.universe));
        // Found out before names are resolved and programs made, which takes memory in proportion.
        let size = self.size_problems(universe);
        if !size.is_empty() {
            problems.extend(size);
            return problems;
        }
        problems.extend(boxes::problems(self, universe));
        // A model that is none has no names either, and says so again.
        let mut names = self.frame_problems(universe);
        names.retain(|problem| !problems.contains(problem));
        problems.extend(names);
        problems.extend(self.claim_problems(universe));
        problems.extend(self.model.class_problems(universe));
        problems.extend(self.unmargined_problems(universe));
        problems
    }

    /// Every position that may require nothing, unless it is named as one, and every name that is none.
    fn unmargined_problems(&self, universe: &Universe) -> Vec<Problem> {
        let path = |i| format!("unmargined[{i}]");
        let mut problems = repeated(&self.unmargined, path, "each instrument once");
        let instruments = universe.positions();
        for (i, name) in self.unmargined.iter().enumerate() {
            let expected = format!("an instrument of the universe {}", universe.name);
            problems.extend(require(instruments.contains_key(name), path(i), expected, name));
        }
        // A model whose parameters are none requires nothing either, and says so again.
        if self.model.problems().is_empty() {
            problems.extend(unmargined::problems(self, universe));
        }
        problems
    }

    /// What a policy may say, and is hardly meant to.
    #[must_use]
    pub fn warnings(&self, universe: &Universe) -> Vec<Problem> {
        let losses = self.model.portfolios().into_iter().map(|model| model.parameters.losses);
        let lax = losses.filter(|losses| losses.initial_factor < losses.maintenance_factor);
        let warning = |losses: Losses| {
            let expected = format!("at least the maintenance factor, {}", losses.maintenance_factor);
            Problem::new("model.parameters.losses.initial_factor", expected, losses.initial_factor.to_string())
                .advise("an account could open what would be liquidated at once")
        };
        let slight = slight::warnings(&self.model);
        lax.map(warning).chain(slight).chain(unmargined::warnings(self, universe)).collect()
    }

    /// What makes it larger than any program can be.
    fn size_problems(&self, universe: &Universe) -> Vec<Problem> {
        let (room, needed) = (universe.capacity.program_rows(), self.model.least_rows());
        let expected = format!("at most {room} rows, which is what capacity {} has", universe.capacity.k());
        let mut problems =
            Vec::from_iter(require(needed <= room, "model", expected, format!("one that takes {needed} or more")));
        let (most, modes) = (Self::MAX_LEVELS, self.model.modes());
        problems.extend(require(modes <= most, "model.modes", format!("at most {most} modes"), modes));
        problems
    }

    /// What is wrong with the names of any level: levels of one mode have the same, which is said once. A level in a
    /// mode that does not exist has none.
    fn frame_problems(&self, universe: &Universe) -> Vec<Problem> {
        let mut modes = BTreeSet::new();
        let levels = self.levels.iter().filter(|level| self.model.of(level).is_some());
        let different = levels.filter(|level| modes.insert(&level.mode));
        different.flat_map(|level| Frame::new(self, universe, level).err().unwrap_or_default()).collect()
    }

    fn market_problems(&self) -> Vec<Problem> {
        let mut problems = repeated(
            self.market.iter().map(|entry| &entry.name),
            |i| format!("market[{i}].name"),
            "each market entry once",
        );
        problems.extend(not_empty("market", &self.market));
        for (i, entry) in self.market.iter().enumerate() {
            let expected = format!("at most max, which is {}", entry.max);
            problems.extend(require(entry.min <= entry.max, format!("market[{i}].min"), expected, entry.min));
            problems.extend(self.oracle.feed_problems(&format!("market[{i}]"), entry));
        }
        problems
    }

    fn derived_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut before: BTreeMap<_, _> = self.market.iter().map(|entry| (&entry.name, entry.decimals)).collect();
        for (i, entry) in self.derived.iter().enumerate() {
            let path = format!("derived[{i}]");
            problems.extend(entry.problems(&path, &before));
            let fresh = before.insert(&entry.name, entry.decimals).is_none();
            problems.extend(require(
                fresh,
                format!("{path}.name"),
                "a name that no other market entry has",
                &entry.name,
            ));
        }
        problems
    }

    /// A token that is a claim counts for no more than what is looked through to, and never if whoever states that it
    /// is held has issued it: an issuer could make as much collateral as it likes.
    fn claim_problems(&self, universe: &Universe) -> Vec<Problem> {
        let mut problems = Vec::new();
        let claims = self.derived.iter().enumerate().filter_map(|(i, entry)| Some((i, entry, entry.claim()?)));
        let instruments = universe.positions();
        let sources = self.sources.iter().map(|source| &source.name);
        let parties: BTreeSet<_> = sources.chain(self.oracle.nodes.iter().map(|node| &node.name)).collect();
        let (mut tokens, mut prices) = (BTreeMap::new(), BTreeSet::new());
        for (i, entry, claim) in claims {
            let path = |key: &str| format!("derived[{i}].formula.claim.{key}");
            let known = instruments.contains_key(&claim.token);
            let expected = format!("an instrument of the universe {}", universe.name);
            problems.extend(require(known, path("token"), expected, &claim.token));
            let fresh = tokens.insert(&claim.token, &entry.name).is_none();
            prices.insert(&entry.name);
            let expected = "a token that no claim before is";
            problems.extend(require(fresh, path("token"), expected, &claim.token));
            let own = parties.contains(&claim.issuer);
            let expected = "an issuer that is no source or oracle node of the policy: its own token secures nothing";
            problems.extend(require(!own, path("issuer"), expected, &claim.issuer));
            let expected = "down, because a claim counts for the account";
            let down = entry.rounding == Rounding::Down;
            problems.extend(require(down, format!("derived[{i}].rounding"), expected, "up"));
        }
        // Whatever follows from a claim counts for less than is owed, too.
        for entry in &self.derived {
            if entry.formula.reads().into_iter().any(|name| prices.contains(name)) {
                prices.insert(&entry.name);
            }
        }
        // All claims at once: there may be many of both.
        let rules = self.model.rules();
        problems.extend(rules.iter().flat_map(|rule| claim_rule_problems(rule, &tokens, &prices)));
        problems
    }

    fn source_problems(&self) -> Vec<Problem> {
        let mut problems = repeated(
            self.sources.iter().map(|source| &source.name),
            |i| format!("sources[{i}].name"),
            "each source once",
        );
        problems.extend(not_empty("sources", &self.sources));
        for (i, source) in self.sources.iter().enumerate() {
            problems.extend(not_empty(&format!("sources[{i}].accounts"), &source.accounts));
            let path = |j| format!("sources[{i}].accounts[{j}]");
            problems.extend(repeated(&source.accounts, path, "each account of a source once"));
        }
        problems
    }

    /// One key, one role: a node or a source with two seats would count twice, and a source that also reports prices
    /// would state both factors of a value.
    fn signer_problems(&self) -> Vec<Problem> {
        let nodes = self.oracle.nodes.iter().enumerate();
        let nodes = nodes.map(|(i, node)| (format!("oracle.nodes[{i}].signer"), node.signer));
        let sources = self.sources.iter().enumerate();
        let sources = sources.map(|(i, source)| (format!("sources[{i}].signer"), source.signer));
        let mut seen = BTreeSet::new();
        let mut problems = Vec::new();
        for (path, signer) in nodes.chain(sources) {
            let fresh = signer != EvmAddress::ZERO && seen.insert(signer);
            problems.extend(require(fresh, path, "the address of a key that signs for nothing else", signer));
        }
        problems
    }

    fn level_problems(&self) -> Vec<Problem> {
        let mut problems =
            repeated(self.levels.iter().map(|level| &level.name), |i| format!("levels[{i}].name"), "each level once");
        problems.extend(not_empty("levels", &self.levels));
        let (most, found) = (Self::MAX_LEVELS, self.levels.len());
        problems.extend(require(found <= most, "levels", format!("at most {most} levels"), found));
        problems.extend(self.levels.iter().enumerate().flat_map(|(i, level)| level.problems(&format!("levels[{i}]"))));
        problems
    }
}

/// What is wrong with a rule for a token that is a claim, or for what is priced like one. `tokens` has the price of
/// each claim by its token, `prices` all of them.
fn claim_rule_problems(rule: &Rule<'_>, tokens: &BTreeMap<&Name, &Name>, prices: &BTreeSet<&Name>) -> Vec<Problem> {
    let price = rule.price.or(rule.derived_from);
    let mut problems = Vec::new();
    if let Some(claim) = tokens.get(rule.instrument) {
        let expected = format!("{claim}, the price of the claim that {} is", rule.instrument);
        let found = price.map_or_else(|| "none".to_owned(), ToString::to_string);
        problems.extend(require(price == Some(claim), format!("{}.price", rule.path), expected, found));
    }
    if rule.short && price.is_some_and(|price| prices.contains(price)) {
        let expected =
            "no short, because a claim counts for less than is owed: what may be owed has a price of its own";
        problems.push(Problem::new(format!("{}.short", rule.path), expected, "true"));
    }
    problems
}

impl MarketEntry {
    /// An entry that has no oracle rules of its own.
    #[must_use]
    pub fn new(name: Name, decimals: Decimals, min: Price, max: Price) -> Self {
        Self { name, decimals, min, max, quorum: None, max_age: None, max_confidence: None, max_deviation: None }
    }
}

impl OracleRules {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = repeated(
            self.nodes.iter().map(|node| &node.name),
            |i| format!("oracle.nodes[{i}].name"),
            "each oracle node once",
        );
        problems.extend(not_empty("oracle.nodes", &self.nodes));
        problems.extend(self.quorum_problem("oracle.quorum", self.quorum));
        problems.extend(positive("oracle.epoch", self.epoch));
        problems.extend(positive("oracle.max_age", self.max_age));
        problems.extend(fraction("oracle.max_confidence", self.max_confidence));
        problems
            .extend(self.breaker.and_then(|breaker| fraction("oracle.breaker.max_deviation", breaker.max_deviation)));
        problems
    }

    fn quorum_problem(&self, path: &str, quorum: u32) -> Option<Problem> {
        let count = self.nodes.len();
        let possible = quorum >= 1 && quorum as usize <= count;
        require(possible, path, format!("from 1 to the number of nodes, which is {count}"), quorum)
    }

    /// What is wrong with the rules that a market entry has of its own.
    fn feed_problems(&self, path: &str, entry: &MarketEntry) -> Vec<Problem> {
        let at = |key: &str| format!("{path}.{key}");
        let mut problems = Vec::new();
        problems.extend(entry.quorum.and_then(|quorum| self.quorum_problem(&at("quorum"), quorum)));
        problems.extend(entry.max_age.and_then(|age| positive(&at("max_age"), age)));
        problems.extend(entry.max_confidence.and_then(|confidence| fraction(&at("max_confidence"), confidence)));
        if let Some(deviation) = entry.max_deviation {
            problems.extend(fraction(&at("max_deviation"), deviation));
            let expected = "a breaker in oracle, without which nothing is compared";
            problems.extend(require(self.breaker.is_some(), at("max_deviation"), expected, "none"));
        }
        problems
    }

    /// How many nodes must have observed a market entry: at least one.
    #[must_use]
    pub fn quorum_of(&self, entry: &MarketEntry) -> u32 {
        entry.quorum.unwrap_or(self.quorum).max(1)
    }

    /// How old an observation of a market entry may be when an attestation is made.
    #[must_use]
    pub fn max_age_of(&self, entry: &MarketEntry) -> Seconds {
        entry.max_age.unwrap_or(self.max_age)
    }

    /// The largest confidence interval of a market entry, relative to the price.
    #[must_use]
    pub fn max_confidence_of(&self, entry: &MarketEntry) -> Ppm {
        entry.max_confidence.unwrap_or(self.max_confidence)
    }
}

impl Breaker {
    /// How far a market entry may move from one snapshot to the next, relative to the former.
    #[must_use]
    pub fn max_deviation_of(&self, entry: &MarketEntry) -> Ppm {
        entry.max_deviation.unwrap_or(self.max_deviation)
    }
}

impl StatementRules {
    fn problems(&self) -> impl Iterator<Item = Problem> + use<> {
        let expected = format!("at most max_age, which is {} seconds", self.max_age.0);
        let skew = require(self.max_skew <= self.max_age, "statements.max_skew", expected, self.max_skew.0);
        positive("statements.max_age", self.max_age).into_iter().chain(skew)
    }
}

fn positive(path: &str, duration: Seconds) -> Option<Problem> {
    require(duration.0 > 0, path, "at least one second", duration.0)
}

/// A limit that is a fraction: zero would refuse everything, and more than one next to nothing.
fn fraction(path: &str, limit: Ppm) -> Option<Problem> {
    require((1..=Ppm::ONE.0).contains(&limit.0), path, "from 0.0001 % to 100 %", limit)
}

/// An empty list is a mistake wherever a policy has one.
pub(crate) fn not_empty<T>(path: &str, list: &[T]) -> Option<Problem> {
    require(!list.is_empty(), path, "at least one entry", "none")
}

fn one() -> Ppm {
    Ppm::ONE
}
