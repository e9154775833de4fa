//! Which values are derived, and their scales.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use surety_core::{
    decimal::Magnitude,
    ident::Name,
    problem::Problem,
    units::{Decimals, Lots, Price},
};

use super::{PortfolioMargin, Scenario, ScenarioShape, VolMove};
use crate::{
    level::Basis,
    market::MarketIndex,
    pricing::{Rounding, to_integer},
    universe::{Instrument, Universe},
};

/// A number that follows from feeds and parameters, is not negative, and becomes a market entry.
///
/// Expiries, options, collateral and scenarios are counted as in the model, and so are the distinct revaluations,
/// dampenings and moves that its scenarios amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// The value of one option after a revaluation. Rounded to the nearest: it may be held or owed.
    OptionValue {
        /// Number 0 is the mark.
        revaluation: usize,
        /// The expiry.
        expiry: usize,
        /// The option.
        option: usize,
    },
    /// The level's loss factor, times a dampening, times the discount for losses of an expiry. Rounded up.
    LossWeight {
        /// The level.
        basis: Basis,
        /// The dampening.
        dampening: usize,
        /// The expiry.
        expiry: usize,
    },
    /// How much less gains count than losses: the difference of the weights, the lower one rounded down.
    WeightSpread {
        /// The level.
        basis: Basis,
        /// The dampening.
        dampening: usize,
        /// The expiry.
        expiry: usize,
    },
    /// How much more gains count than losses, where they may: the other difference, rounded the same. One of the two is
    /// zero.
    WeightExcess {
        /// The level.
        basis: Basis,
        /// The dampening.
        dampening: usize,
        /// The expiry.
        expiry: usize,
    },
    /// The level's loss factor, times a dampening. Rounded to the nearest.
    MarkWeight {
        /// The level.
        basis: Basis,
        /// The dampening.
        dampening: usize,
    },
    /// The level's loss factor, times the basis contingency of an expiry. Rounded up.
    BasisWeight {
        /// The level.
        basis: Basis,
        /// The expiry.
        expiry: usize,
    },
    /// What one perpetual gains or loses in a move, weighted. Rounded to the nearest.
    PerpetualMove {
        /// The level.
        basis: Basis,
        /// The move.
        shift: usize,
    },
    /// What one unit of risk-cancelling collateral gains or loses in a move, weighted. Rounded against the account.
    CollateralMove {
        /// The level.
        basis: Basis,
        /// The move.
        shift: usize,
        /// The collateral.
        collateral: usize,
    },
    /// The value of one unit of collateral. Rounded down.
    CollateralValue {
        /// The collateral.
        collateral: usize,
    },
    /// The charge on one unit of collateral. Rounded up, like all charges.
    CollateralCharge {
        /// The level.
        basis: Basis,
        /// The collateral.
        collateral: usize,
    },
    /// The charge on one perpetual.
    PerpetualCharge {
        /// The level.
        basis: Basis,
    },
    /// The charge on one naked short option.
    NakedShortCharge {
        /// The level.
        basis: Basis,
    },
    /// What the initial level adds for a perpetual whose price has little confidence.
    PerpetualConfidence,
    /// What the initial level adds for an option of an expiry whose prices have little confidence.
    OptionConfidence {
        /// The expiry.
        expiry: usize,
    },
    /// What it adds on top of that for an option of an expiry in an account with any perpetual, whose price may have
    /// still less confidence.
    OptionConfidenceBesidePerpetuals {
        /// The expiry.
        expiry: usize,
    },
    /// What the initial level adds for a unit of collateral whose price has little confidence.
    CollateralConfidence {
        /// The collateral.
        collateral: usize,
    },
    /// The value of one unit of the underlying: what a liquidation costs a fraction of. Rounded up.
    Underlying,
}

impl Quantity {
    /// Whether it is a factor rather than an amount of quote units.
    fn is_weight(self) -> bool {
        matches!(
            self,
            Self::LossWeight { .. }
                | Self::WeightSpread { .. }
                | Self::WeightExcess { .. }
                | Self::MarkWeight { .. }
                | Self::BasisWeight { .. }
        )
    }
}

/// Short, unique, and a [`Name`].
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = |basis: &Basis| match basis {
            Basis::Maintenance => "maintenance",
            Basis::Initial => "initial",
        };
        match self {
            Self::OptionValue { revaluation, expiry, option } => write!(f, "value.{revaluation}.{expiry}.{option}"),
            Self::LossWeight { basis, dampening, expiry } => {
                write!(f, "loss-weight.{}.{dampening}.{expiry}", level(basis))
            }
            Self::WeightSpread { basis, dampening, expiry } => {
                write!(f, "weight-spread.{}.{dampening}.{expiry}", level(basis))
            }
            Self::WeightExcess { basis, dampening, expiry } => {
                write!(f, "weight-excess.{}.{dampening}.{expiry}", level(basis))
            }
            Self::MarkWeight { basis, dampening } => write!(f, "mark-weight.{}.{dampening}", level(basis)),
            Self::BasisWeight { basis, expiry } => write!(f, "basis-weight.{}.{expiry}", level(basis)),
            Self::PerpetualMove { basis, shift } => write!(f, "perpetual-move.{}.{shift}", level(basis)),
            Self::CollateralMove { basis, shift, collateral } => {
                write!(f, "collateral-move.{}.{shift}.{collateral}", level(basis))
            }
            Self::CollateralValue { collateral } => write!(f, "collateral-value.{collateral}"),
            Self::CollateralCharge { basis, collateral } => {
                write!(f, "collateral-charge.{}.{collateral}", level(basis))
            }
            Self::PerpetualCharge { basis } => write!(f, "perpetual-charge.{}", level(basis)),
            Self::NakedShortCharge { basis } => write!(f, "naked-short-charge.{}", level(basis)),
            Self::PerpetualConfidence => f.write_str("perpetual-confidence"),
            Self::OptionConfidence { expiry } => write!(f, "option-confidence.{expiry}"),
            Self::OptionConfidenceBesidePerpetuals { expiry } => {
                write!(f, "option-confidence-beside-perpetuals.{expiry}")
            }
            Self::CollateralConfidence { collateral } => write!(f, "collateral-confidence.{collateral}"),
            Self::Underlying => f.write_str("underlying"),
        }
    }
}

/// The market entry of a derived value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityEntry {
    /// What is derived.
    pub quantity: Quantity,
    /// Decimal places of the value.
    pub decimals: Decimals,
    /// The largest value.
    pub max: Price,
}

/// A change of the spot price and the volatilities that options are valued after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Revaluation {
    pub(super) spot: Magnitude,
    pub(super) volatility: VolMove,
}

/// A move of the spot price as it counts for what is linear in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shift {
    pub(super) spot: Magnitude,
    pub(super) dampening: Magnitude,
}

/// An instrument of the universe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) instrument: usize,
    pub(super) decimals: u32,
    /// The largest holding.
    pub(super) max_lots: Lots,
}

/// A scenario in terms of the distinct things that its parts are.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScenarioParts {
    pub(super) revaluation: usize,
    pub(super) dampening: usize,
    /// None if the spot does not move.
    pub(super) shift: Option<usize>,
}

/// A model over a universe: its instruments resolved, its derived values counted and put in order.
#[derive(Clone, Debug)]
pub struct Schema<'a> {
    pub(super) model: &'a PortfolioMargin,
    pub(super) cash: Vec<Slot>,
    pub(super) perpetual: Option<Slot>,
    pub(super) collateral: Vec<Slot>,
    pub(super) options: Vec<Vec<Slot>>,
    /// For each expiry, the positions of the options whose amounts are netted.
    pub(super) strikes: Vec<Vec<Vec<usize>>>,
    pub(super) revaluations: Vec<Revaluation>,
    pub(super) basis_up: usize,
    pub(super) basis_down: usize,
    pub(super) dampenings: Vec<Magnitude>,
    pub(super) shifts: Vec<Shift>,
    pub(super) scenarios: Vec<ScenarioParts>,
    pub(super) entries: Vec<QuantityEntry>,
    /// Where its entries begin in the market vector.
    first: usize,
    index: BTreeMap<Quantity, usize>,
    /// Decimal places of amounts of options.
    pub(super) option_decimals: u32,
    pub(super) scale: u32,
}

/// The revaluation that changes nothing.
pub(super) const MARK: usize = 0;

/// Both levels.
const LEVELS: [Basis; 2] = [Basis::Maintenance, Basis::Initial];

/// Decimal places of weights, and of what one unit of a perpetual or of collateral is worth.
pub(super) const FINE_DECIMALS: u8 = 15;

impl<'a> Schema<'a> {
    /// Resolves a model's names in a universe.
    ///
    /// # Errors
    /// With every mistake of the model and every name that is unknown.
    pub fn new(model: &'a PortfolioMargin, universe: &Universe) -> Result<Self, Vec<Problem>> {
        let mut problems = model.problems();
        let positions = universe.positions();
        let mut slot = |name: &Name| {
            let Some(&instrument) = positions.get(name) else {
                let expected = format!("an instrument of the universe {}", universe.name);
                problems.push(Problem::new("model", expected, name.to_string()));
                return Slot { instrument: 0, decimals: 0, max_lots: Lots::default() };
            };
            let Instrument { lot_decimals, max_lots, .. } = universe.instruments[instrument];
            Slot { instrument, decimals: lot_decimals.get().into(), max_lots }
        };
        let cash: Vec<_> = model.cash.iter().map(&mut slot).collect();
        let perpetual = model.perpetual.as_ref().map(|rule| slot(&rule.instrument));
        let collateral: Vec<_> = model.collateral.iter().map(|rule| slot(&rule.instrument)).collect();
        let options: Vec<Vec<_>> = model
            .expiries
            .iter()
            .map(|expiry| expiry.options.iter().map(|option| slot(&option.instrument)).collect())
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut schema = Self {
            model,
            cash,
            perpetual,
            collateral,
            options,
            strikes: strikes(model),
            revaluations: vec![Revaluation { spot: Magnitude::ONE, volatility: VolMove::Unchanged }],
            basis_up: MARK,
            basis_down: MARK,
            dampenings: Vec::new(),
            shifts: Vec::new(),
            scenarios: Vec::new(),
            entries: Vec::new(),
            first: 0,
            index: BTreeMap::new(),
            option_decimals: 0,
            scale: 0,
        };
        schema.count_scenarios();
        schema.settle_scale();
        schema.list_entries()?;
        Ok(schema)
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &'a PortfolioMargin {
        self.model
    }

    /// The market entries of the derived values, in the order of [`super::Derived`].
    #[must_use]
    pub fn entries(&self) -> &[QuantityEntry] {
        &self.entries
    }

    /// Decimal places of the margin and of all amounts of quote units that it is made of.
    #[must_use]
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// Decimal places of the amounts of a level: six more than those of the margin, so that every multiple of a
    /// requirement is whole.
    pub(crate) fn amount_scale(&self) -> u32 {
        self.scale + 6
    }

    /// The instruments that may not be negative.
    pub fn never_negative(&self) -> impl Iterator<Item = usize> {
        self.collateral.iter().map(|slot| slot.instrument)
    }

    /// The same for a market vector in which other entries come first.
    #[must_use]
    pub fn after(self, first: usize) -> Self {
        Self { first, ..self }
    }

    /// Where a quantity is in the market vector.
    pub(super) fn position(&self, quantity: Quantity) -> Option<MarketIndex> {
        self.index.get(&quantity).map(|index| MarketIndex(self.first + index))
    }

    pub(super) fn expiries(&self) -> impl Iterator<Item = usize> {
        0..self.options.len()
    }

    /// The collateral that moves with the spot.
    pub(super) fn risk_cancelling(&self) -> impl Iterator<Item = (usize, Slot)> {
        let rules = self.model.collateral.iter().zip(&self.collateral).enumerate();
        rules.filter(|(_, (rule, _))| rule.risk_cancelling).map(|(collateral, (_, slot))| (collateral, *slot))
    }

    fn count_scenarios(&mut self) {
        let basis = self.model.parameters.basis_contingency;
        let unchanged = |spot| Revaluation { spot, volatility: VolMove::Unchanged };
        self.basis_up = position_or_push(&mut self.revaluations, unchanged(basis.up));
        self.basis_down = position_or_push(&mut self.revaluations, unchanged(basis.down));
        for Scenario { spot, volatility, dampening } in &self.model.parameters.scenarios {
            // A move along the skew values options where the spot is.
            let valued_at = match volatility.shape() {
                ScenarioShape::Signed => *spot,
                ScenarioShape::Absolute => Magnitude::ONE,
            };
            let revaluation = Revaluation { spot: valued_at, volatility: *volatility };
            let shift = Shift { spot: *spot, dampening: *dampening };
            self.scenarios.push(ScenarioParts {
                revaluation: position_or_push(&mut self.revaluations, revaluation),
                dampening: position_or_push(&mut self.dampenings, *dampening),
                shift: (*spot != Magnitude::ONE).then(|| position_or_push(&mut self.shifts, shift)),
            });
        }
    }

    /// The scale at which every product of lots and derived values is a whole number.
    fn settle_scale(&mut self) {
        let most = |slots: &mut dyn Iterator<Item = &Slot>| slots.map(|slot| slot.decimals).max().unwrap_or(0);
        self.option_decimals = most(&mut self.options.iter().flatten());
        let units = most(&mut self.collateral.iter().chain(&self.perpetual)).max(self.option_decimals);
        let weighted = self.option_decimals + u32::from(self.model.value_decimals.get());
        self.scale = most(&mut self.cash.iter()).max(units.max(weighted) + u32::from(FINE_DECIMALS));
    }

    fn list_entries(&mut self) -> Result<(), Vec<Problem>> {
        let weights = Bound { path: "model.largest_weight", largest: self.model.largest_weight };
        let values = Bound { path: "model.largest_value", largest: self.model.largest_value };
        for quantity in self.quantities() {
            let decimals = match quantity {
                Quantity::OptionValue { .. } => self.model.value_decimals.get(),
                _ => FINE_DECIMALS,
            };
            let bound = if quantity.is_weight() { &weights } else { &values };
            self.entries.push(bound.entry(quantity, decimals).map_err(|problem| vec![problem])?);
            self.index.insert(quantity, self.index.len());
        }
        Ok(())
    }

    fn quantities(&self) -> BTreeSet<Quantity> {
        let mut quantities = BTreeSet::new();
        let has_options = self.option_slots().next().is_some();
        for (expiry, option) in self.option_slots() {
            let value = |revaluation| Quantity::OptionValue { revaluation, expiry, option };
            quantities.extend((0..self.revaluations.len()).map(value));
            quantities.insert(Quantity::OptionConfidence { expiry });
            if self.perpetual.is_some() {
                quantities.insert(Quantity::OptionConfidenceBesidePerpetuals { expiry });
            }
        }
        for collateral in 0..self.collateral.len() {
            quantities.insert(Quantity::CollateralValue { collateral });
            quantities.insert(Quantity::CollateralConfidence { collateral });
        }
        if has_options || self.perpetual.is_some() {
            quantities.insert(Quantity::Underlying);
        }
        for basis in LEVELS {
            for expiry in self.expiries().filter(|expiry| !self.options[*expiry].is_empty()) {
                for dampening in 0..self.dampenings.len() {
                    quantities.insert(Quantity::LossWeight { basis, dampening, expiry });
                    quantities.insert(Quantity::WeightSpread { basis, dampening, expiry });
                    if self.model.parameters.losses.gains_may_exceed {
                        quantities.insert(Quantity::WeightExcess { basis, dampening, expiry });
                    }
                    quantities.insert(Quantity::MarkWeight { basis, dampening });
                }
                quantities.insert(Quantity::BasisWeight { basis, expiry });
            }
            if has_options {
                quantities.insert(Quantity::NakedShortCharge { basis });
            }
            if self.perpetual.is_some() {
                quantities.insert(Quantity::PerpetualConfidence);
                quantities.insert(Quantity::PerpetualCharge { basis });
                quantities.extend((0..self.shifts.len()).map(|shift| Quantity::PerpetualMove { basis, shift }));
            }
            for (collateral, rule) in self.model.collateral.iter().enumerate() {
                quantities.insert(Quantity::CollateralCharge { basis, collateral });
                if rule.risk_cancelling {
                    let moved = |shift| Quantity::CollateralMove { basis, shift, collateral };
                    quantities.extend((0..self.shifts.len()).map(moved));
                }
            }
        }
        quantities
    }

    fn option_slots(&self) -> impl Iterator<Item = (usize, usize)> {
        let options = self.options.iter().enumerate();
        options.flat_map(|(expiry, options)| (0..options.len()).map(move |option| (expiry, option)))
    }
}

/// The largest number that a market entry may have.
struct Bound {
    /// Where the model states it.
    path: &'static str,
    largest: Magnitude,
}

impl Bound {
    fn entry(&self, quantity: Quantity, decimals: u8) -> Result<QuantityEntry, Problem> {
        let number = to_integer(self.largest.to_f64(), decimals, Rounding::Up).map_err(|error| error.to_string());
        let entry = number
            .and_then(|max| Ok(QuantityEntry { quantity, decimals: Decimals::new(decimals)?, max: Price::new(max)? }));
        entry.map_err(|error| Problem::of_sentence(self.path, &error))
    }
}

/// The options of each expiry whose amounts are netted: those of a strike if there are both calls and puts, otherwise
/// each by itself.
fn strikes(model: &PortfolioMargin) -> Vec<Vec<Vec<usize>>> {
    let of_expiry = |expiry: &super::ExpiryRule| {
        let mut strikes: BTreeMap<Magnitude, Vec<usize>> = BTreeMap::new();
        for (position, option) in expiry.options.iter().enumerate() {
            strikes.entry(option.strike).or_default().push(position);
        }
        let kind = |position: usize| expiry.options[position].kind;
        let netted = |options: Vec<usize>| match options.iter().any(|option| kind(*option) != kind(options[0])) {
            true => vec![options],
            false => options.into_iter().map(|option| vec![option]).collect(),
        };
        strikes.into_values().flat_map(netted).collect()
    };
    model.expiries.iter().map(of_expiry).collect()
}

fn position_or_push<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|other| *other == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}
