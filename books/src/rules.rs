//! What a venue decides about its books: the level, the kinds of pages, the caps.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    decimal::Magnitude,
    ident::Name,
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, not_empty, repeated, require},
    text::{Document, WrittenBy},
    units::Lots,
};
use surety_margin::{
    models::{InstrumentRule, Model},
    policy::Policy,
    universe::{Instrument, InstrumentClass, Universe},
};

/// The rules of a venue's books, beside a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BookRules {
    /// The format.
    pub kind: KindOf<BookRules>,
    /// Version of the format.
    pub version: FormatVersion,
    /// What people call the venue.
    pub venue: Name,
    /// The level of the policy that every account is held to.
    pub level: Name,
    /// The cash instrument that shortfalls are covered from: the quote currency itself, without a price.
    pub quote: Name,
    /// The largest sum of all shortfalls, in units of the quote instrument.
    #[serde(default, deserialize_with = "Magnitude::number")]
    pub max_shortfall: Magnitude,
    /// The kinds of pages.
    pub kinds: Vec<PageKind>,
    /// How much may be owed, and stand behind debts, of each instrument that accounts with debts may have; derivatives
    /// aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<Cap>,
}

/// A kind of page: which accounts fit in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageKind {
    /// Unique among the kinds.
    pub name: Name,
    /// Whether accounts of the kind may owe anything. Where they may not, balances alone are proven, whatever the
    /// prices.
    pub debts: bool,
    /// The instruments that accounts of the kind may hold or owe; all that the policy admits, where the list is left
    /// out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<Name>,
    /// Accounts in a page; as many as there is room for, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<u32>,
}

/// The caps of an instrument. Debts against illiquid balances can be split over accounts so that no
/// haircut bites; the caps bound how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// The instrument.
    pub instrument: Name,
    /// Most that all accounts together may owe, in units.
    #[serde(deserialize_with = "Magnitude::number")]
    pub debts: Magnitude,
    /// Most that accounts of kinds with debts may hold together, in units.
    #[serde(deserialize_with = "Magnitude::number")]
    pub balances: Magnitude,
}

impl Kinded for BookRules {
    const KIND: Kind = Kind::BookRules;
}

impl Document for BookRules {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::from_iter(not_empty("kinds", &self.kinds));
        let names = self.kinds.iter().map(|kind| &kind.name);
        problems.extend(repeated(names, |i| format!("kinds[{i}].name"), "a name that no other kind has"));
        for (i, kind) in self.kinds.iter().enumerate() {
            let path = |k| format!("kinds[{i}].instruments[{k}]");
            problems.extend(repeated(&kind.instruments, path, "each instrument once"));
            let some = kind.accounts != Some(0);
            problems.extend(require(some, format!("kinds[{i}].accounts"), "at least one account", 0));
        }
        let capped = self.caps.iter().map(|cap| &cap.instrument);
        problems.extend(repeated(capped, |i| format!("caps[{i}].instrument"), "each instrument once"));
        problems
    }
}

impl BookRules {
    /// Every rule that the rules break in view of their policy and its universe.
    #[must_use]
    pub fn check(&self, policy: &Policy, universe: &Universe) -> Vec<Problem> {
        let mut problems = self.problems();
        // Accounts of a book have at least what is required, however much more.
        let level = policy.level(&self.level).filter(|level| level.claim.is_sufficient() && level.below.is_none());
        let expected = "a level of the policy that claims sufficiency, and is no band";
        problems.extend(require(level.is_some(), "level", expected, &self.level));
        problems.extend(source_problems(policy));
        // A page adds up what accounts lack, which a margin says only where every model lists all that is held.
        problems.extend(
            policy
                .model
                .partial_problems()
                .into_iter()
                .map(|problem| Problem { path: format!("policy: {}", problem.path), ..problem }),
        );
        problems.extend(self.quote_problems(policy, universe));
        problems.extend(self.kind_problems(policy, universe));
        problems.extend(self.cap_problems(policy, universe));
        problems
    }

    fn quote_problems(&self, policy: &Policy, universe: &Universe) -> Vec<Problem> {
        let expected = "a cash instrument of the universe that the level counts without a price";
        let at_par = |rule: &InstrumentRule<'_>| rule.price.is_none() && rule.derived_from.is_none();
        // Of several models each has a rule of its own.
        let rules = self.admitted(policy);
        let mut quoted = rules.iter().filter(|rule| *rule.instrument == self.quote).peekable();
        let counted = quoted.peek().is_some() && quoted.all(at_par);
        let instrument = universe.position(&self.quote).map(|position| &universe.instruments[position]);
        let Some(instrument) = instrument.filter(|it| it.class == InstrumentClass::Cash && counted) else {
            return vec![Problem::new("quote", expected, self.quote.to_string())];
        };
        let fits = lots(self.max_shortfall, instrument).is_some();
        Vec::from_iter(require(fits, "max_shortfall", whole_lots(instrument), self.max_shortfall))
    }

    fn kind_problems(&self, policy: &Policy, universe: &Universe) -> Vec<Problem> {
        let mut problems = Vec::new();
        let rules = self.admitted(policy);
        for (i, kind) in self.kinds.iter().enumerate() {
            for (k, name) in kind.instruments.iter().enumerate() {
                let known = universe.position(name).is_some() && rules.iter().any(|rule| rule.instrument == name);
                let expected = "an instrument that the level admits";
                problems.extend(require(known, format!("kinds[{i}].instruments[{k}]"), expected, name));
            }
            if !kind.debts {
                problems.extend(without_debts(kind, policy, &format!("kinds[{i}]")));
            }
        }
        problems
    }

    fn cap_problems(&self, policy: &Policy, universe: &Universe) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (i, cap) in self.caps.iter().enumerate() {
            let Some(position) = universe.position(&cap.instrument) else {
                let expected = "an instrument of the universe";
                problems.push(Problem::new(format!("caps[{i}].instrument"), expected, cap.instrument.to_string()));
                continue;
            };
            let instrument = &universe.instruments[position];
            for (key, amount) in [("debts", cap.debts), ("balances", cap.balances)] {
                let fits = lots(amount, instrument).is_some();
                problems.extend(require(fits, format!("caps[{i}].{key}"), whole_lots(instrument), amount));
            }
        }
        let capped: BTreeSet<_> = self.caps.iter().map(|cap| &cap.instrument).collect();
        let names = self.capped(policy, universe).into_iter().map(|position| &universe.instruments[position].name);
        problems.extend(names.filter(|name| !capped.contains(name)).map(|name| {
            Problem::new("caps", format!("a cap for {name}, which accounts with debts may have"), "none")
                .advise("state how much of it may be owed, and stand behind debts, in view of how liquid it is")
        }));
        problems
    }

    /// The rules of the instruments that the level admits; none if there is no such level.
    #[must_use]
    pub fn admitted<'a>(&self, policy: &'a Policy) -> Vec<InstrumentRule<'a>> {
        policy.level(&self.level).map(|level| policy.rules_of(level)).unwrap_or_default()
    }

    /// The positions of the instruments that have caps: those other than derivatives that accounts of some kind with
    /// debts may have. What cannot be owed itself may stand behind debts in something else.
    #[must_use]
    pub fn capped(&self, policy: &Policy, universe: &Universe) -> BTreeSet<usize> {
        let rules = self.admitted(policy);
        let positions = rules.iter().filter_map(|rule| universe.position(rule.instrument));
        let of_kind = |position: &usize| {
            let Instrument { name, class, .. } = &universe.instruments[*position];
            !class.is_derivative() && self.kinds.iter().any(|kind| kind.debts && kind.admits(name))
        };
        positions.filter(of_kind).collect()
    }

    /// The caps of an instrument in lots, `(debts, balances)`; zero for one without.
    #[must_use]
    pub fn cap_of(&self, instrument: &Instrument) -> (i128, i128) {
        let cap = self.caps.iter().find(|cap| cap.instrument == instrument.name);
        let amount = |amount: Magnitude| lots(amount, instrument).unwrap_or(0);
        cap.map_or((0, 0), |cap| (amount(cap.debts), amount(cap.balances)))
    }

    /// The largest sum of shortfalls, in lots of the quote instrument.
    #[must_use]
    pub fn max_shortfall_in(&self, quote: &Instrument) -> i128 {
        lots(self.max_shortfall, quote).unwrap_or(0)
    }
}

impl PageKind {
    /// Whether accounts of the kind may have anything of an instrument, if the policy admits it.
    #[must_use]
    pub fn admits(&self, instrument: &Name) -> bool {
        self.instruments.is_empty() || self.instruments.contains(instrument)
    }
}

/// Nothing in a book proves that a source stated nothing outside of its scope: reserves of instruments that the policy
/// does not trust it for would count.
fn source_problems(policy: &Policy) -> Vec<Problem> {
    let expected = "sources without a scope, because a book does not prove that they keep to it";
    let scoped = policy.scoped_sources().into_iter();
    scoped.map(|source| Problem::new("policy: sources", expected, format!("one of {}", source.name))).collect()
}

/// Without debts, nothing is proven of an account but that its balances are not negative. That its margin is not
/// negative, either, must follow from the model.
fn without_debts(kind: &PageKind, policy: &Policy, path: &str) -> Vec<Problem> {
    let Model::Collateral(model) = &policy.model else {
        let expected = "true under a model other than collateral: there, balances alone may fall short";
        return vec![Problem::new(format!("{path}.debts"), expected, "false")];
    };
    let charged = model.assets.iter().filter(|asset| asset.allowance.is_some() && kind.admits(&asset.instrument));
    let expected = "true where something is required of a balance whatever its size";
    charged
        .map(|asset| Problem::new(format!("{path}.debts"), expected, format!("false with {}", asset.instrument)))
        .collect()
}

fn whole_lots(instrument: &Instrument) -> String {
    format!("a number of units with at most {} decimals, within the range of lots", instrument.lot_decimals.get())
}

/// An amount in lots; none if it is not whole or too large.
fn lots(units: Magnitude, instrument: &Instrument) -> Option<i128> {
    let lots = i128::try_from(instrument.whole_lots(units)?).ok()?;
    Some(Lots::new(lots).ok()?.get())
}
