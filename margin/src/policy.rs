//! The policy: a margin model with its parameters, and the rules for prices and statements.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::{EvmAddress, Name},
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, not_empty, positive, repeated, require},
    text::{self, Document, Format, InputErrors, WrittenBy},
    units::{Ppm, Seconds},
};

use crate::{
    level::Level,
    market::{
        MarketEntry, NamedEntries, OracleRules,
        derived::{DerivedEntry, Rounding},
    },
    models::{
        Frame, InstrumentRule, MarketVector, Model,
        derive::Losses,
        slight,
        unmargined::{self, Unmargined},
    },
    universe::Universe,
    vault::VaultRules,
};

/// Everything public that decides whether an account is sufficient. Identified by the hash of its canonical encoding
/// together with the commitments of the programs that it compiles to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The format.
    pub kind: KindOf<Policy>,
    /// Version of the format.
    pub version: surety_core::FormatVersion,
    /// What people call it.
    pub name: Name,
    /// Name of the universe that it is over.
    pub universe: Name,
    /// How long an attestation counts at most, from the time of its market snapshot.
    pub validity: Seconds,
    /// Whether an attestation counts only with the subject's consent: its signature of what the proof is about.
    #[serde(default, skip_serializing_if = "is_not")]
    pub consent: bool,
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
    /// The vault whose balances count beside those of the sources, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultRules>,
    /// What can be proven.
    pub levels: Vec<Level>,
    /// The margin model.
    pub model: Model,
}

impl Kinded for Policy {
    const KIND: Kind = Kind::Policy;
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
    /// The instruments that its accounts may hold, each once; any, where the list is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<Name>,
    /// Whether the signer is a contract on a chain, which confirms signatures (ERC-1271). Where it is a key, a contract
    /// that the key delegates to (EIP-7702) signs nothing for it.
    #[serde(default, skip_serializing_if = "is_not")]
    pub contract: bool,
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
        problems.extend(self.vault.iter().flat_map(|vault| vault.problems(&self.levels)));
        problems.extend(self.model.problems());
        problems.extend(self.model.mode_problems(&self.levels));
        problems
    }
}

impl Policy {
    /// Most levels: each of them compiles to a program of its own.
    pub const MAX_LEVELS: usize = 16;
    /// Most sources: each with a scope takes a commitment over all rows. A policy registry has room for fewer.
    pub const MAX_SOURCES: usize = 256;

    /// Reads a policy, JSON if the file's name ends in `.json` and otherwise TOML, and checks it against its universe.
    ///
    /// # Errors
    /// With every mistake that was found.
    pub fn read(file: &str, text: &str, universe: &Universe) -> Result<Self, InputErrors> {
        let format = Format::of_name(file).unwrap_or(Format::Toml);
        text::read(file, text, format, |policy: &Self| policy.check(universe))
    }

    /// The levels that claim sufficiency, which come first; from the weakest to the strictest of each mode.
    pub fn sufficient_levels(&self) -> impl Iterator<Item = &Level> {
        self.levels.iter().take_while(|level| level.claim.is_sufficient())
    }

    /// The level of a name; none if there is no such level.
    #[must_use]
    pub fn level(&self, name: &Name) -> Option<&Level> {
        self.levels.get(self.level_index(name)?)
    }

    /// The place of the level of a name; none if there is no such level.
    #[must_use]
    pub fn level_index(&self, name: &Name) -> Option<usize> {
        self.levels.iter().position(|level| level.name == *name)
    }

    /// The sources that may not state every instrument, in ascending order of their signers.
    #[must_use]
    pub fn scoped_sources(&self) -> Vec<&SourceRule> {
        let mut scoped: Vec<_> = self.sources.iter().filter(|source| !source.scope.is_empty()).collect();
        scoped.sort_by_key(|source| source.signer);
        scoped
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
        problems.extend(self.box_problems(universe));
        problems.extend(self.model.tightening_problems(self.entries()));
        // A model that is none has no names either, and says so again.
        let mut names = self.frame_problems(universe);
        names.retain(|problem| !problems.contains(problem));
        problems.extend(names);
        problems.extend(self.vault.iter().flat_map(|vault| vault.asset_problems(universe)));
        problems.extend(self.scope_problems(universe));
        problems.extend(self.claim_problems(universe));
        problems.extend(self.model.class_problems(universe));
        problems.extend(self.unmargined_problems(universe));
        problems
    }

    /// Every name in a source's scope that is no instrument, or that is there twice.
    fn scope_problems(&self, universe: &Universe) -> Vec<Problem> {
        let instruments = universe.positions();
        let of_source = |(i, source): (usize, &SourceRule)| {
            let path = |j| format!("sources[{i}].scope[{j}]");
            let mut problems = repeated(&source.scope, path, "each instrument once");
            for (j, name) in source.scope.iter().enumerate() {
                let expected = format!("an instrument of the universe {}", universe.name);
                problems.extend(require(instruments.contains_key(name), path(j), expected, name));
            }
            problems
        };
        self.sources.iter().enumerate().flat_map(of_source).collect()
    }

    /// Every instrument that neither a source may state nor the vault counts, where every source has a scope.
    fn unstated_warnings(&self, universe: &Universe) -> Vec<Problem> {
        if self.sources.iter().any(|source| source.scope.is_empty()) {
            return Vec::new();
        }
        let counted = self.vault.iter().flat_map(|vault| vault.assets.iter().map(|asset| &asset.instrument));
        let stated: BTreeSet<_> = self.sources.iter().flat_map(|source| &source.scope).chain(counted).collect();
        let unstated = universe.instruments.iter().filter(|instrument| !stated.contains(&instrument.name));
        let names: Vec<_> = unstated.map(|instrument| instrument.name.as_str()).collect();
        let expected = "every instrument in the scope of some source, or in the vault";
        let warning = (!names.is_empty()).then(|| {
            Problem::new("sources", expected, format!("none that may state {}", names.join(", ")))
                .advise("no account under the policy can hold it")
        });
        Vec::from_iter(warning)
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
            problems.extend(unmargined::problems(&self.unmargined_positions(universe), &self.unmargined));
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
        let unmargined = unmargined::warnings(&self.unmargined_positions(universe), &self.unmargined);
        lax.map(warning).chain(slight).chain(unmargined).chain(self.unstated_warnings(universe)).collect()
    }

    /// The entries of the market vector that it names.
    fn entries(&self) -> NamedEntries<'_> {
        NamedEntries { reported: &self.market, derived: &self.derived }
    }

    /// Every box that contains prices at which any account is safe.
    #[must_use]
    pub fn box_problems(&self, universe: &Universe) -> Vec<Problem> {
        self.model.box_problems(self.entries(), universe)
    }

    /// The market vector that coefficients of its programs are affine in.
    ///
    /// # Errors
    /// If a model does not fit the universe.
    pub fn market_vector(&self, universe: &Universe) -> Result<MarketVector<'_>, Vec<Problem>> {
        self.model.market_vector(self.entries(), universe)
    }

    /// A level with every name resolved.
    ///
    /// # Errors
    /// With every name that is unknown, or that occurs twice.
    pub fn frame<'a>(&'a self, universe: &'a Universe, level: &Level) -> Result<Frame<'a>, Vec<Problem>> {
        self.model.frame(self.entries(), universe, level)
    }

    /// The rules of the instruments that the model of a level covers; none of a level in a mode that does not exist.
    /// With modes, that is less than the model has rules for, and an instrument may have another price in another mode.
    #[must_use]
    pub fn rules_of(&self, level: &Level) -> Vec<InstrumentRule<'_>> {
        self.model.of(level).map(|(_, model)| model.rules()).unwrap_or_default()
    }

    fn unmargined_positions<'a>(&'a self, universe: &Universe) -> Vec<Unmargined<'a>> {
        unmargined::unmargined(&self.model, &self.levels, self.entries(), universe)
    }

    /// What makes it larger than any program can be.
    fn size_problems(&self, universe: &Universe) -> Vec<Problem> {
        let (room, needed) = (universe.capacity.program_rows(), self.model.least_rows());
        let expected = format!("at most {room} rows, which is what capacity {} has", universe.capacity.k());
        let mut problems =
            Vec::from_iter(require(needed <= room, "model", expected, format!("one that takes {needed} or more")));
        let (most, modes) = (Self::MAX_LEVELS, self.model.modes());
        problems.extend(require(modes <= most, "model.modes", format!("at most {most} modes"), modes));
        let (most, sources) = (Self::MAX_SOURCES, self.sources.len());
        problems.extend(require(sources <= most, "sources", format!("at most {most} sources"), sources));
        problems
    }

    /// What is wrong with the names of any level: levels of one mode have the same, which is said once. A level in a
    /// mode that does not exist has none.
    fn frame_problems(&self, universe: &Universe) -> Vec<Problem> {
        let mut modes = BTreeSet::new();
        let levels = self.levels.iter().filter(|level| self.model.of(level).is_some());
        let different = levels.filter(|level| modes.insert(&level.mode));
        different.flat_map(|level| self.frame(universe, level).err().unwrap_or_default()).collect()
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
        problems.extend(self.order_problems());
        problems.extend(self.shortfall_problems());
        problems.extend(self.tightening_level_problems());
        problems
    }

    /// Every level that claims a shortfall beside a parameter entry (invariant 149): as the entry tightens, more
    /// accounts would be provably short than with what is approved.
    fn tightening_level_problems(&self) -> Vec<Problem> {
        let Some(entry) = self.market.iter().find(|entry| entry.tighter.is_some()) else { return Vec::new() };
        let levels = self.levels.iter().enumerate();
        let claims = levels.filter_map(|(i, level)| {
            let key = if !level.claim.is_sufficient() { "claim" } else { level.below.map(|_| "below")? };
            let expected = format!(
                "no claim that a margin is negative, because {} is a parameter entry: as it tightens, accounts would \
                 be provably short that are not with what is approved",
                entry.name
            );
            let problem = Problem::new(format!("levels[{i}].{key}"), expected, level.name.to_string());
            Some(problem.advise("publish a policy of its own for shortfalls, without the key `tighter`"))
        });
        claims.collect()
    }

    /// Every level that claims sufficiency behind one that claims a shortfall, and the lack of any before: contracts
    /// tell the two apart by their places.
    fn shortfall_problems(&self) -> Vec<Problem> {
        let sufficient = self.sufficient_levels().count();
        let behind = self.levels.iter().enumerate().skip(sufficient).filter(|(_, level)| level.claim.is_sufficient());
        let mut problems: Vec<_> = behind
            .map(|(i, level)| {
                let expected = "every level that claims sufficiency before those that claim a shortfall";
                Problem::new(format!("levels[{i}]"), expected, format!("{} behind", level.name))
            })
            .collect();
        let only = sufficient == 0 && !self.levels.is_empty() && problems.is_empty();
        problems.extend(require(!only, "levels", "a level that claims sufficiency", "none"));
        problems
    }

    /// Every level that asks for less than one of its mode before it: contracts take a later level for a stricter one.
    fn order_problems(&self) -> Vec<Problem> {
        // No more than a policy may have: each is compared with all before it.
        let levels = self.levels.iter().enumerate().take(Self::MAX_LEVELS);
        // A level below its basis is none, and said to be.
        let laxer = levels.filter(|(_, level)| level.multiple >= Ppm::ONE).filter_map(|(i, level)| {
            let before = self.levels[..i].iter().find(|before| level.is_laxer_than(before))?;
            let expected =
                format!("levels from the weakest to the strictest, so {} before {}", level.name, before.name);
            Some(Problem::new(format!("levels[{i}]"), expected, format!("{} behind {}", level.name, before.name)))
        });
        laxer.collect()
    }
}

/// Whether a field that may be left out can be.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_not(flag: &bool) -> bool {
    !flag
}

/// What is wrong with a rule for a token that is a claim, or for what is priced like one. `tokens` has the price of
/// each claim by its token, `prices` all of them.
fn claim_rule_problems(
    rule: &InstrumentRule<'_>,
    tokens: &BTreeMap<&Name, &Name>,
    prices: &BTreeSet<&Name>,
) -> Vec<Problem> {
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

impl StatementRules {
    fn problems(&self) -> impl Iterator<Item = Problem> + use<> {
        let expected = format!("at most max_age, which is {} seconds", self.max_age.0);
        let skew = require(self.max_skew <= self.max_age, "statements.max_skew", expected, self.max_skew.0);
        positive("statements.max_age", self.max_age).into_iter().chain(skew)
    }
}
