//! Which instruments a model admits, and which rules are one too many.

use std::collections::{BTreeMap, btree_map::Entry};

use surety_core::ident::Name;

use super::Model;

/// What a model covers.
#[derive(Clone, Debug, Default)]
pub(super) struct Cover {
    /// The instruments that may be held, each with the number of a rule and whether it may be short or owed.
    pub(super) instruments: BTreeMap<Name, (usize, bool)>,
    /// The numbers of rules for an instrument that has one already, where it must have one only.
    pub(super) repeated: Vec<usize>,
}

/// How models inside of another one share instruments.
enum Sharing {
    /// Each has its own.
    None,
    /// All of them list what may be held.
    All,
    /// One of them is enough.
    Any,
}

impl Cover {
    pub(super) fn of(model: &Model) -> Self {
        match model {
            Model::Isolated(model) => Self::inside(model.buckets.iter().map(|bucket| &bucket.model), &Sharing::None),
            Model::Sum(model) => Self::inside(model.parts.iter().map(|part| &part.model), &Sharing::None),
            Model::All(model) => Self::inside(model.parts.iter().map(|part| &part.model), &Sharing::All),
            Model::Any(model) => Self::inside(model.parts.iter().map(|part| &part.model), &Sharing::Any),
            Model::Modes(model) => Self::inside(model.modes.iter().map(|mode| &mode.model), &Sharing::Any),
            model => {
                let mut cover = Self::default();
                for (number, rule) in model.rules().into_iter().enumerate() {
                    if cover.instruments.insert(rule.instrument.clone(), (number, rule.short)).is_some() {
                        cover.repeated.push(number);
                    }
                }
                cover
            }
        }
    }

    fn inside<'m>(models: impl Iterator<Item = &'m Model>, sharing: &Sharing) -> Self {
        let mut all = Self::default();
        let mut lists: BTreeMap<Name, usize> = BTreeMap::new();
        let (mut first, mut count) = (0, 0);
        for model in models {
            let Self { instruments, repeated } = Self::of(model);
            all.repeated.extend(repeated.into_iter().map(|rule| first + rule));
            for (name, (rule, short)) in instruments {
                *lists.entry(name.clone()).or_default() += 1;
                match (all.instruments.entry(name), sharing) {
                    (Entry::Vacant(entry), _) => drop(entry.insert((first + rule, short))),
                    (Entry::Occupied(_), Sharing::None) => all.repeated.push(first + rule),
                    (Entry::Occupied(mut entry), Sharing::All) => entry.get_mut().1 &= short,
                    (Entry::Occupied(mut entry), Sharing::Any) => entry.get_mut().1 |= short,
                }
            }
            first += model.rules().len();
            count += 1;
        }
        if matches!(sharing, Sharing::All) {
            all.instruments.retain(|name, _| lists.get(name) == Some(&count));
        }
        all
    }
}
