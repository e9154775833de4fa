//! The difference of two policies: every parameter that is another, and whether that is tighter.

use core::{cmp::Ordering, str::FromStr};
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use surety_core::{decimal::Decimal, ident::Name};
use surety_margin::{
    market::{MarketEntry, Tighter},
    policy::Policy,
};

/// A parameter that differs between two policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// Its place in the policy. An element of a list is called by its name, where it has one.
    pub parameter: String,
    /// What it is in the policy in force; left out if there is no such parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What it is proposed to be; left out if there is no such parameter any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// Whether that is tighter.
    pub direction: Direction,
}

/// Whether a change of a parameter by itself is tighter for every account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// No account has more margin, and nothing counts that did not.
    Tighter,
    /// No account has less margin, and everything counts that did.
    Looser,
    /// That depends on the account, or is not a matter of more and less.
    Depends,
}

impl Direction {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tighter => "tighter",
            Self::Looser => "looser",
            Self::Depends => "depends",
        }
    }
}

/// Parameters of which less is tighter, wherever they are. The quality of a claim is none: it may be in a divisor, or
/// in the price of what a limit is a share of.
const LOWER: [&str; 6] = ["weight", "max_age", "max_skew", "validity", "max_confidence", "max_deviation"];

/// Parameters of which more is tighter, wherever they are.
const HIGHER: [&str; 11] = [
    "fraction",
    "liability",
    "rate",
    "charge",
    "haircut",
    "loss_multiple",
    "multiple",
    "allowance",
    "quorum",
    "liquidation_penalty",
    "insurance_contribution",
];

/// The keys that say what an element of a list is.
const NAMES: [&str; 5] = ["name", "instrument", "entry", "factor", "commodity"];

/// Every parameter that differs, in the order of its place.
#[must_use]
pub fn changes(in_force: &Policy, proposed: &Policy) -> Vec<PolicyChange> {
    let [before, after] = [in_force, proposed].map(Places::of);
    let parameters: BTreeSet<_> = before.leaves.keys().chain(after.leaves.keys()).collect();
    let rules = Rules { policy: in_force, has_step: before.has_step() || after.has_step() };
    let change = |place: &String| {
        let (old, new) = (before.leaves.get(place), after.leaves.get(place));
        (old != new).then(|| PolicyChange {
            parameter: place.clone(),
            old: old.map(|leaf| leaf.text.clone()),
            new: new.map(|leaf| leaf.text.clone()),
            direction: old.zip(new).map_or(Direction::Depends, |(old, new)| rules.direction(old, new)),
        })
    };
    let mut changes: Vec<_> = parameters.into_iter().filter_map(change).collect();
    changes.extend(before.orders.iter().filter_map(|(place, old)| order_change(place, old, after.orders.get(place)?)));
    changes.sort_by(|one, other| one.parameter.cmp(&other.parameter));
    changes
}

/// Another order of the elements that a list has in both policies: levels, for instance, are strictest last.
fn order_change(place: &str, old: &[Name], new: &[Name]) -> Option<PolicyChange> {
    let common = |of: &[Name], other: &[Name]| {
        let common = of.iter().filter(|name| other.contains(name)).map(Name::as_str);
        common.collect::<Vec<_>>().join(", ")
    };
    let (old, new) = (common(old, new), common(new, old));
    (old != new).then(|| PolicyChange {
        parameter: format!("{place}.order"),
        old: Some(old),
        new: Some(new),
        direction: Direction::Depends,
    })
}

/// A number or a word of a policy.
#[derive(Clone, PartialEq, Eq)]
struct Leaf {
    text: String,
    /// The keys that lead to it, elements of lists by their names.
    keys: Vec<String>,
}

impl Leaf {
    /// The order of two numbers; none if one is no number.
    fn compared(&self, other: &Self) -> Option<Ordering> {
        fn parsed<T: FromStr + Ord>(one: &str, other: &str) -> Option<Ordering> {
            Some(one.parse::<T>().ok()?.cmp(&other.parse().ok()?))
        }
        let (one, other) = (self.text.as_str(), other.text.as_str());
        parsed::<i128>(one, other).or_else(|| parsed::<Decimal>(one, other))
    }

    /// The name of the parameter: the last key that is not one of both bases.
    fn key(&self) -> Option<&str> {
        let mut keys = self.keys.iter().rev().map(String::as_str);
        keys.find(|key| !["maintenance", "initial"].contains(key))
    }

    /// The reported market entry whose box it is an end of.
    fn end_of<'p>(&self, policy: &'p Policy) -> Option<(&'p MarketEntry, &str)> {
        let [list, name, end] = &self.keys[..] else { return None };
        let entry = policy.market.iter().find(|entry| entry.name.as_str() == name)?;
        (list == "market" && ["min", "max"].contains(&end.as_str())).then_some((entry, end))
    }
}

/// What a direction depends on beside the parameter.
struct Rules<'a> {
    policy: &'a Policy,
    /// Whether the average of weights is rounded down to a step. Which weights there are says how, so a lower weight
    /// may make others count for more.
    has_step: bool,
}

impl Rules<'_> {
    fn direction(&self, old: &Leaf, new: &Leaf) -> Direction {
        let (Some(order), Some(key)) = (new.compared(old), old.key()) else { return Direction::Depends };
        let tighter = match old.end_of(self.policy) {
            // Both ends: the approved one, and how far nodes may go beyond it.
            Some((MarketEntry { tighter: Some(tighter), .. }, _)) => Some(*tighter),
            // Fewer prices are admitted.
            Some((_, end)) => Some(if end == "min" { Tighter::Higher } else { Tighter::Lower }),
            None if self.has_step && key == "weight" => None,
            None if LOWER.contains(&key) => Some(Tighter::Lower),
            None if HIGHER.contains(&key) => Some(Tighter::Higher),
            None => None,
        };
        match tighter {
            Some(Tighter::Lower) if order.is_lt() => Direction::Tighter,
            Some(Tighter::Higher) if order.is_gt() => Direction::Tighter,
            Some(_) => Direction::Looser,
            None => Direction::Depends,
        }
    }
}

/// What a policy consists of.
#[derive(Default)]
struct Places {
    /// Every number and word by its place.
    leaves: BTreeMap<String, Leaf>,
    /// The names of the elements of every list, in their order.
    orders: BTreeMap<String, Vec<Name>>,
}

impl Places {
    /// Policies are data, which is text whatever they hold.
    fn of(policy: &Policy) -> Self {
        let mut places = Self::default();
        collect(&serde_json::to_value(policy).unwrap_or(Value::Null), String::new(), &mut Vec::new(), &mut places);
        places
    }

    fn has_step(&self) -> bool {
        self.leaves.values().any(|leaf| leaf.key() == Some("average_step") && leaf.text != "0")
    }
}

fn collect(value: &Value, place: String, keys: &mut Vec<String>, places: &mut Places) {
    let mut enter = |key: String, place: String, value: &Value| {
        keys.push(key);
        collect(value, place, keys, places);
        keys.pop();
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                enter(key.clone(), place, value);
            }
        }
        Value::Array(elements) => {
            let names: Vec<_> = elements.iter().map(name_of).collect();
            for (i, (element, name)) in elements.iter().zip(&names).enumerate() {
                // Of elements with the same name each has its number.
                let unique = name.as_ref().filter(|_| names.iter().filter(|other| *other == name).count() == 1);
                let name = unique.map_or_else(|| i.to_string(), ToString::to_string);
                enter(name.clone(), format!("{place}[{name}]"), element);
            }
            places.orders.insert(place, names.into_iter().flatten().collect());
        }
        leaf => {
            let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
            places.leaves.insert(place, Leaf { text, keys: keys.clone() });
        }
    }
}

fn name_of(element: &Value) -> Option<Name> {
    let named = |key: &&str| element.get(key)?.as_str();
    Name::new(NAMES.iter().find_map(named)?).ok()
}
