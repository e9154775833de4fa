//! From expressions to equations: introduces the slack variables and proves what [the module](super) promises.
//!
//! Where a bound from one side suffices, it is stated, since it takes fewer variables; elsewhere the [exact] value is.

mod exact;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{I256, U256, uint};
use surety_core::{
    capacity::{Capacity, Groups, Row},
    ident::Name,
};

use super::{
    Affine, Constraint, Expression, Overflow, Program, Purpose, Scenario, TableRow,
    expression::{Node, TailShare},
    linear::{Address, Linear},
    solve::{Best, Quantity},
};
use crate::market::PriceRange;

/// Half the modulus of BN254's scalar field, rounded down: sums below it do not wrap.
const HALF_MODULUS: U256 = uint!(10944121435919637611123202872628637544274182200208017171849102093287904247808_U256);

/// A number was needed that 256 bits do not hold.
const WRAPS: &str = "integers beyond 256 bits";

/// Why a model does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// A coefficient would be a product of prices.
    #[error("{rule}: a coefficient is a product of two prices; make the product a market entry of its own")]
    NotAffine {
        /// The requirement.
        rule: String,
    },
    /// A row could wrap around the field's modulus.
    #[error(
        "{rule}: {found} is possible inside the price box, expected less than 2^253; narrow the box, or use fewer \
         decimals"
    )]
    Wraps {
        /// The requirement.
        rule: String,
        /// What can become how large.
        found: String,
    },
    /// There is nothing to take the smallest of, or the worst.
    #[error("{rule}: expected at least one scenario, found none")]
    Nothing {
        /// The requirement.
        rule: String,
    },
    /// Holdings cannot lie where they are to.
    #[error("layout: expected a row for each holding, distinct and behind the head of a limb group, found {found}")]
    Misplaced {
        /// What is wrong.
        found: String,
    },
    /// The program does not fit the capacity class.
    #[error(
        "the program needs {rows} rows and {variables} variables, expected at most {max_rows} and {max_variables} at k \
         = {k}; {advice}"
    )]
    TooLarge {
        /// Rows needed.
        rows: usize,
        /// Variables needed.
        variables: usize,
        /// Rows there are.
        max_rows: usize,
        /// Variables there are.
        max_variables: usize,
        /// The capacity class.
        k: u32,
        /// What to do.
        advice: String,
    },
}

/// Which holdings of an instrument a program admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldingRange {
    /// What the instrument is called.
    pub name: Name,
    /// The smallest, in lots: zero forbids to be short, otherwise completeness is claimed down to here.
    pub min: i128,
    /// The largest, in lots: zero forbids to hold, otherwise completeness is claimed up to here.
    pub max: i128,
}

/// What a program takes of a capacity class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows of the table.
    pub rows: usize,
    /// Variables that short groups have room for; none where there are no short groups.
    pub short: usize,
    /// Variables that need long groups.
    pub long: usize,
}

/// Collects requirements and turns them into a [`Program`].
#[derive(Debug)]
pub struct Builder<'a> {
    capacity: Capacity,
    groups: Groups,
    prices: &'a [PriceRange],
    holdings: Vec<HoldingRange>,
    /// The rows of the holdings, if they are not those of a universe's instruments.
    rows: Option<Vec<Row>>,
    constraints: Vec<Constraint>,
    /// How many terms all constraints have.
    terms: usize,
    quantities: Vec<Quantity>,
    /// The largest value of each variable, for holdings within their ranges.
    bounds: Vec<I256>,
    /// Quantities of one digit that a short group has room for.
    short: Vec<usize>,
    /// Positive and negative parts of expressions that were split already.
    parts: BTreeMap<Linear, Parts>,
    /// Differences of parts of which one is enforced to be zero.
    exact: BTreeSet<Linear>,
    /// Variables that are at least one where an expression is positive.
    exceeding: BTreeMap<Linear, Linear>,
    /// Bits that are one where an expression is positive, and nowhere else.
    exactly_exceeding: BTreeMap<Linear, Linear>,
    /// Variables that are 0 or 1, because a row says that some of them sum to one; with what asks for them.
    bits: BTreeMap<usize, String>,
    /// What asks for bits.
    asking: String,
    /// The requirement being compiled, for errors.
    rule: String,
}

/// Nonnegative expressions whose difference is the expression that was split.
#[derive(Clone, Debug, Default)]
struct Parts {
    positive: Linear,
    negative: Linear,
}

/// `size · unit`, or its opposite unless it rises with the unit; the size is not negative in the price box.
struct Multiple {
    unit: Linear,
    size: Affine,
    rising: bool,
}

/// From which side a variable bounds the expression that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curvature {
    Concave,
    Convex,
}

impl Curvature {
    fn flipped(self) -> Self {
        match self {
            Self::Concave => Self::Convex,
            Self::Convex => Self::Concave,
        }
    }
}

/// The inclusive range of an expression's values.
#[derive(Clone, Copy, Debug)]
struct Interval {
    min: I256,
    max: I256,
}

impl<'a> Builder<'a> {
    /// Starts a program over holdings with the given ranges, for prices in the given box.
    #[must_use]
    pub fn new(capacity: Capacity, prices: &'a [PriceRange], holdings: Vec<HoldingRange>) -> Self {
        Self {
            capacity,
            groups: Groups::long(capacity),
            prices,
            holdings,
            rows: None,
            constraints: Vec::new(),
            terms: 0,
            quantities: Vec::new(),
            bounds: Vec::new(),
            short: Vec::new(),
            parts: BTreeMap::new(),
            exact: BTreeSet::new(),
            exceeding: BTreeMap::new(),
            exactly_exceeding: BTreeMap::new(),
            bits: BTreeMap::new(),
            asking: String::new(),
            rule: String::new(),
        }
    }

    /// Divides the rows otherwise, and has the holdings in these rows.
    ///
    /// # Errors
    /// If the groups are another class's, or there is not a row of its own for each holding where holdings may lie.
    pub fn laid_out(mut self, groups: Groups, rows: Vec<Row>) -> Result<Self, ProgramError> {
        let misplaced = |found: String| ProgramError::Misplaced { found };
        if groups.capacity() != self.capacity {
            return Err(misplaced(format!("groups of capacity {}", groups.capacity().k())));
        }
        if rows.len() != self.holdings.len() {
            return Err(misplaced(format!("{} rows for {} holdings", rows.len(), self.holdings.len())));
        }
        let mut seen = BTreeSet::new();
        if let Some(row) = rows.iter().find(|row| !groups.is_slot(**row) || !seen.insert(**row)) {
            return Err(misplaced(format!("row {}", row.index())));
        }
        (self.groups, self.rows) = (groups, Some(rows));
        Ok(self)
    }

    /// Requires `expression ≥ 0`.
    ///
    /// # Errors
    /// If a coefficient would be a product of prices, or numbers become too large.
    pub fn require(&mut self, rule: &str, expression: &Expression) -> Result<(), ProgramError> {
        rule.clone_into(&mut self.rule);
        for Labelled { label, linear } in self.least_of(expression)? {
            let purpose = label.map_or_else(|| rule.to_owned(), |label| format!("{rule}, {label}"));
            self.require_nonnegative(Purpose::Requirement(purpose), linear)?;
        }
        Ok(())
    }

    /// Linear expressions of which the least bounds `expression` from below, and equals it at best.
    fn least_of(&mut self, expression: &Expression) -> Result<Vec<Labelled>, ProgramError> {
        let mut sum = Sum::default();
        self.collect(&mut sum, expression, &Affine::constant(I256::ONE))?;
        // One minimum needs no variable of its own: it is nonnegative when each of its values is. The longest gains
        // most.
        sum.minima.sort_by_key(Vec::len);
        let expanded = sum.minima.pop();
        for minimum in sum.minima {
            let smallest = self.smallest(minimum.into_iter().map(|scenario| scenario.linear).collect())?;
            self.accumulate(&mut sum.linear, &smallest)?;
        }
        let Some(scenarios) = expanded else {
            return Ok(vec![Labelled { label: None, linear: sum.linear }]);
        };
        let shared = self.shared(sum.linear, scenarios.len())?;
        let total = |LoweredScenario { label, linear }: LoweredScenario| {
            Ok(Labelled { label: Some(label), linear: self.checked(linear.plus(&shared))? })
        };
        scenarios.into_iter().map(total).collect()
    }

    /// `min(0, x)`, negated: a variable that lifts each of the values of which x is the least to zero.
    fn lack(&mut self, inner: &Expression) -> Result<Linear, ProgramError> {
        let least = self.least_of(inner)?;
        let values: Vec<Linear> = least.into_iter().map(|it| it.linear).collect();
        let mut least = I256::ZERO;
        for value in &values {
            least = least.min(self.interval(value)?.min);
        }
        let largest = self.checked(least.checked_neg().ok_or(Overflow))?;
        let lack = self.quantity(Best::NegativePartOfRanked { values: values.clone(), rank: 0 }, largest)?;
        for value in values {
            let lifted = self.checked(value.plus(&lack))?;
            self.require_nonnegative(Purpose::Requirement(self.rule.clone()), lifted)?;
        }
        Ok(lack)
    }

    /// Requires `expression = 0`.
    ///
    /// # Errors
    /// If numbers become too large.
    pub fn require_zero(&mut self, rule: &str, expression: &Expression) -> Result<(), ProgramError> {
        rule.clone_into(&mut self.rule);
        let linear = self.exact(expression)?;
        self.constrain(Purpose::Requirement(rule.to_owned()), linear)
    }

    /// What the program takes so far. Ranges of holdings that no requirement has needed yet are not counted: see
    /// [`Builder::ranges`].
    #[must_use]
    pub fn size(&self) -> Size {
        Size { rows: self.rows(), short: self.short.len(), long: self.bounds.len() - self.short.len() }
    }

    /// Ranges all holdings.
    ///
    /// # Errors
    /// If numbers become too large.
    pub fn ranges(&mut self) -> Result<(), ProgramError> {
        for instrument in 0..self.holdings.len() {
            self.rule = format!("range of {}", self.holdings[instrument].name);
            self.split(&Linear::unit(Address::Holding(instrument)))?;
        }
        Ok(())
    }

    /// Lays the program out.
    ///
    /// # Errors
    /// If a row could wrap around, or the program does not fit the capacity class.
    pub fn finish(mut self) -> Result<Program, ProgramError> {
        self.ranges()?;
        let places = self.places();
        for constraint in &self.constraints {
            self.refuse_wrap_around(constraint, &places)?;
        }
        let table = self.table(&places)?;
        Ok(Program {
            groups: self.groups,
            places,
            table,
            constraints: self.constraints,
            quantities: self.quantities,
            variables: self.bounds.len(),
            bits: self.bits.into_values().fold(BTreeMap::new(), |mut bits, asking| {
                *bits.entry(asking).or_default() += 1;
                bits
            }),
        })
    }

    /// Adds `factor · expression` to a sum, keeping minima apart.
    fn collect(&mut self, sum: &mut Sum, expression: &Expression, factor: &Affine) -> Result<(), ProgramError> {
        match &expression.0 {
            Node::Sum(terms) => terms.iter().try_for_each(|term| self.collect(sum, term, factor)),
            Node::Times(by, inner) => match (by.as_constant(), factor.as_constant()) {
                (_, Some(factor)) => self.collect(sum, inner, &self.checked(by.times(factor))?),
                (Some(by), None) => self.collect(sum, inner, &self.checked(factor.times(by))?),
                (None, None) => Err(ProgramError::NotAffine { rule: self.rule.clone() }),
            },
            Node::WorstOf(scenarios) if !self.interval_of(factor)?.min.is_negative() => {
                self.some(scenarios)?;
                let scenarios = scenarios.iter().map(|scenario| self.lowered(scenario, factor));
                sum.minima.push(scenarios.collect::<Result<_, _>>()?);
                Ok(())
            }
            _ => {
                let linear = self.lower_multiple(expression, factor, Curvature::Concave)?;
                self.accumulate(&mut sum.linear, &linear)
            }
        }
    }

    fn lowered(&mut self, scenario: &Scenario, factor: &Affine) -> Result<LoweredScenario, ProgramError> {
        let linear = self.lower_multiple(&scenario.value, factor, Curvature::Concave)?;
        Ok(LoweredScenario { label: scenario.label.clone(), linear })
    }

    /// A linear expression that bounds `expression` from below (concave) or above (convex), and whose best value
    /// equals it.
    fn lower(&mut self, expression: &Expression, curvature: Curvature) -> Result<Linear, ProgramError> {
        match (&expression.0, curvature) {
            (Node::One, _) => Ok(Linear::unit(Address::One)),
            (Node::Holding(instrument), _) => Ok(Linear::unit(Address::Holding(*instrument))),
            (Node::Sum(terms), _) => {
                let mut sum = Linear::default();
                for term in terms {
                    let term = self.lower(term, curvature)?;
                    self.accumulate(&mut sum, &term)?;
                }
                Ok(sum)
            }
            (Node::Times(factor, inner), _) => self.lower_multiple(inner, factor, curvature),
            (Node::PositivePart(inner), Curvature::Convex) => {
                let inner = self.above(inner)?;
                Ok(self.split(&inner)?.positive)
            }
            (Node::Abs(inner), Curvature::Convex) => {
                // Not through `positive_part(x) + positive_part(-x)`: one split serves both, of the exact `x`.
                let inner = self.exact(inner)?;
                let Parts { positive, negative } = self.split(&inner)?;
                self.checked(positive.plus(&negative))
            }
            (Node::Lack(inner), Curvature::Convex) => self.lack(inner),
            (Node::Exceeds(inner), Curvature::Convex) => self.exceeds(inner),
            (Node::WorstOf(scenarios), Curvature::Concave) => {
                let values = self.values_of(scenarios, value_of, Self::below)?;
                self.smallest(values)
            }
            (Node::TailSum { values, share }, Curvature::Convex) => {
                let values = self.values_of(values, |value| value, Self::above)?;
                self.tail_sum(&values, *share)
            }
            (Node::Once(_), _) => self.exact(expression),
            (
                Node::Exceeds(_) | Node::PositivePart(_) | Node::Abs(_) | Node::Lack(_) | Node::TailSum { .. },
                Curvature::Concave,
            )
            | (Node::WorstOf(_), Curvature::Convex) => self.against_curvature(expression),
        }
    }

    /// A linear expression that bounds `expression` from below.
    fn below(&mut self, expression: &Expression) -> Result<Linear, ProgramError> {
        self.lower(expression, Curvature::Concave)
    }

    /// A linear expression that bounds `expression` from above.
    fn above(&mut self, expression: &Expression) -> Result<Linear, ProgramError> {
        self.lower(expression, Curvature::Convex)
    }

    /// The expressions of a list that is not empty, lowered in its order.
    fn values_of<T>(
        &mut self,
        list: &[T],
        expression: fn(&T) -> &Expression,
        lower: fn(&mut Self, &Expression) -> Result<Linear, ProgramError>,
    ) -> Result<Vec<Linear>, ProgramError> {
        self.some(list)?;
        list.iter().map(|item| lower(self, expression(item))).collect()
    }

    fn lower_multiple(
        &mut self,
        expression: &Expression,
        factor: &Affine,
        curvature: Curvature,
    ) -> Result<Linear, ProgramError> {
        if factor.is_zero() {
            return Ok(Linear::default());
        }
        let sign = self.interval_of(factor)?;
        let inner = if !sign.min.is_negative() {
            self.lower(expression, curvature)?
        } else if !sign.max.is_positive() {
            self.lower(expression, curvature.flipped())?
        } else {
            // Which side bounds it depends on the prices.
            self.exact(expression)?
        };
        self.product_of(expression, &inner, factor)
    }

    /// The product of what an expression was lowered to with a number. Parts of a multiple by a market entry are
    /// summed once before they are multiplied by another entry.
    fn product_of(
        &mut self,
        expression: &Expression,
        linear: &Linear,
        factor: &Affine,
    ) -> Result<Linear, ProgramError> {
        let bent = matches!(expression.0, Node::PositivePart(_) | Node::Abs(_) | Node::Lack(_));
        match self.checked(linear.times(factor))? {
            None if bent => {
                let summed = self.once(linear)?;
                self.product(&summed, factor)
            }
            product => product.ok_or_else(|| ProgramError::NotAffine { rule: self.rule.clone() }),
        }
    }

    /// The terms that all scenarios share: holdings merge with the scenarios' own, other terms are summed once.
    fn shared(&mut self, linear: Linear, scenarios: usize) -> Result<Linear, ProgramError> {
        let (holdings, others) = linear.split_off_holdings();
        if scenarios < 2 || others.terms().len() < 2 {
            return self.checked(holdings.plus(&others));
        }
        let Parts { positive, negative } = self.split(&others)?;
        let sum = self.checked(positive.minus(&negative))?;
        self.checked(holdings.plus(&sum))
    }

    /// Nonnegative parts of a linear expression: `linear = positive - negative`. A part is left out if the expression
    /// cannot have its sign; then the equation asserts the sign.
    fn split(&mut self, linear: &Linear) -> Result<Parts, ProgramError> {
        if let Some(parts) = self.parts.get(linear) {
            return Ok(parts.clone());
        }
        // Already nonnegative.
        if let Some((Address::Variable(_), factor)) = linear.only_term()
            && factor.as_constant() == Some(I256::ONE)
        {
            return Ok(Parts { positive: linear.clone(), negative: Linear::default() });
        }
        if let Some(parts) = self.split_multiple(linear)? {
            return Ok(parts);
        }
        self.split_anew(linear)
    }

    /// The same, in variables of their own.
    fn split_anew(&mut self, linear: &Linear) -> Result<Parts, ProgramError> {
        let opposite = self.checked(linear.negated())?;
        if let Some(parts) = self.parts.get(&opposite) {
            return Ok(Parts { positive: parts.negative.clone(), negative: parts.positive.clone() });
        }
        let range = self.interval(linear)?;
        let mut parts = Parts::default();
        if range.max.is_positive() {
            parts.positive = self.quantity(Best::PositivePart(linear.clone()), range.max)?;
        }
        if range.min.is_negative() {
            let largest = self.checked(range.min.checked_neg().ok_or(Overflow))?;
            parts.negative = self.quantity(Best::PositivePart(opposite), largest)?;
        }
        let difference = self.checked(parts.positive.clone().minus(&parts.negative))?;
        let equation = self.checked(linear.clone().minus(&difference))?;
        self.constrain(Purpose::Definition(self.name_of(linear)), equation)?;
        self.parts.insert(linear.clone(), parts.clone());
        Ok(parts)
    }

    /// The difference of an expression's parts, which are variables of their own whatever the expression.
    fn once(&mut self, linear: &Linear) -> Result<Linear, ProgramError> {
        let parts = match self.parts.get(linear) {
            Some(parts) => parts.clone(),
            None => self.split_anew(linear)?,
        };
        let difference = self.checked(parts.positive.clone().minus(&parts.negative))?;
        // The parts of the difference are the same.
        self.parts.insert(difference.clone(), parts);
        Ok(difference)
    }

    /// An integer `n` with `x ≤ largest·n`: at least one where `x` is positive, and a larger one costs the prover.
    fn exceeds(&mut self, inner: &Expression) -> Result<Linear, ProgramError> {
        let x = self.above(inner)?;
        let found = self.exactly_exceeding.get(&x).or_else(|| self.exceeding.get(&x));
        if let Some(found) = found {
            return Ok(found.clone());
        }
        let largest = self.interval(&x)?.max;
        if !largest.is_positive() {
            return Ok(Linear::default());
        }
        let exceeding = self.quantity(Best::IsPositive(x.clone()), I256::ONE)?;
        let limit = self.product(&exceeding, &Affine::constant(largest))?;
        let room = self.checked(limit.minus(&x))?;
        let name = self.name_of_holding(inner);
        self.require_nonnegative(Purpose::Definition(name), room)?;
        self.exceeding.insert(x, exceeding.clone());
        Ok(exceeding)
    }

    /// The parts of `factor · x` are multiples of the parts of `x`, if the factor keeps its sign in the price box.
    fn split_multiple(&mut self, linear: &Linear) -> Result<Option<Parts>, ProgramError> {
        let Some(multiple) = self.multiple_of(linear)?.filter(|multiple| multiple.unit != *linear) else {
            return Ok(None);
        };
        let of_unit = self.split(&multiple.unit)?;
        Ok(Some(self.parts_of_multiple(&of_unit, &multiple)?))
    }

    /// The only term of an expression, if there is but one, and its factor keeps its sign in the price box.
    fn multiple_of(&self, linear: &Linear) -> Result<Option<Multiple>, ProgramError> {
        let Some((address, factor)) = linear.only_term() else { return Ok(None) };
        let sign = self.interval_of(factor)?;
        let (size, rising) = if !sign.min.is_negative() {
            (factor.clone(), true)
        } else if !sign.max.is_positive() {
            (self.checked(factor.times(I256::MINUS_ONE))?, false)
        } else {
            return Ok(None);
        };
        Ok(Some(Multiple { unit: Linear::unit(address), size, rising }))
    }

    fn parts_of_multiple(&self, of_unit: &Parts, multiple: &Multiple) -> Result<Parts, ProgramError> {
        let positive = self.product(&of_unit.positive, &multiple.size)?;
        let negative = self.product(&of_unit.negative, &multiple.size)?;
        Ok(if multiple.rising {
            Parts { positive, negative }
        } else {
            Parts { positive: negative, negative: positive }
        })
    }

    /// What to call an expression: by its holding, if there is but one.
    fn name_of_holding(&self, expression: &Expression) -> String {
        match expression.holdings().first() {
            Some(holding) if expression.holdings().len() == 1 => self.holdings[*holding].name.to_string(),
            _ => self.rule.clone(),
        }
    }

    /// What to call an expression that is split.
    fn name_of(&self, linear: &Linear) -> String {
        match linear.terms().keys().next() {
            Some(Address::Holding(instrument)) if linear.terms().len() == 1 => {
                self.holdings[*instrument].name.to_string()
            }
            _ => self.rule.clone(),
        }
    }

    /// A variable that is at most each of the values.
    fn smallest(&mut self, values: Vec<Linear>) -> Result<Linear, ProgramError> {
        let smallest = self.ranked(&values, 0)?;
        for value in values {
            let surplus = self.checked(value.minus(&smallest))?;
            self.require_nonnegative(Purpose::Requirement(self.rule.clone()), surplus)?;
        }
        Ok(smallest)
    }

    /// `weight·t + count·Σ max(0, x - t)` for a free `t`, which is least where `t` is the quantile.
    fn tail_sum(&mut self, values: &[Linear], share: TailShare) -> Result<Linear, ProgramError> {
        let threshold = self.ranked(values, share.rank(values.len()))?;
        let mut excess = Linear::default();
        for value in values {
            let above = self.checked(value.clone().minus(&threshold))?;
            let positive = self.split(&above)?.positive;
            self.accumulate(&mut excess, &positive)?;
        }
        self.tail(&threshold, &excess, share.weights(values.len()))
    }

    /// `weight·threshold + count·excess`
    fn tail(&self, threshold: &Linear, excess: &Linear, (weight, count): (I256, I256)) -> Result<Linear, ProgramError> {
        let sum = self.product(excess, &Affine::constant(count))?;
        self.checked(sum.plus(&self.product(threshold, &Affine::constant(weight))?))
    }

    /// A free variable, as a difference of two nonnegative ones, whose best value is one of the values: the one that
    /// `rank` others are below.
    fn ranked(&mut self, values: &[Linear], rank: usize) -> Result<Linear, ProgramError> {
        let ranges = values.iter().map(|value| self.interval(value)).collect::<Result<Vec<_>, _>>()?;
        let bound = |pick: fn(&Interval) -> I256| {
            let mut bounds: Vec<I256> = ranges.iter().map(pick).collect();
            bounds.sort_unstable();
            bounds.get(rank).copied().unwrap_or(I256::ZERO)
        };
        let (min, max) = (bound(|range| range.min), bound(|range| range.max));
        let values = values.to_vec();
        let positive =
            self.quantity(Best::PositivePartOfRanked { values: values.clone(), rank }, max.max(I256::ZERO))?;
        let largest = self.checked(min.min(I256::ZERO).checked_neg().ok_or(Overflow))?;
        let negative = self.quantity(Best::NegativePartOfRanked { values, rank }, largest)?;
        self.checked(positive.minus(&negative))
    }

    /// The equation `linear - surplus = 0` with a new `surplus ≥ 0`.
    fn require_nonnegative(&mut self, purpose: Purpose, linear: Linear) -> Result<(), ProgramError> {
        let largest = self.interval(&linear)?.max.max(I256::ZERO);
        let surplus = self.quantity(Best::PositivePart(linear.clone()), largest)?;
        let equation = self.checked(linear.minus(&surplus))?;
        self.constrain(purpose, equation)
    }

    fn constrain(&mut self, purpose: Purpose, linear: Linear) -> Result<(), ProgramError> {
        if !linear.terms().is_empty() {
            self.terms += linear.terms().len();
            self.constraints.push(Constraint { purpose, linear });
        }
        self.refuse_what_fits_nowhere()
    }

    /// Stops as soon as no capacity class has room: a short policy may stand for a program of any size.
    fn refuse_what_fits_nowhere(&self) -> Result<(), ProgramError> {
        let fits = Capacity::all().any(|capacity| self.fits(capacity));
        if fits { Ok(()) } else { Err(self.too_large()) }
    }

    /// A new nonnegative quantity of at most `largest`, in as many digits as that takes, one variable each. The digits
    /// are as short as their number allows, because a row must not wrap around whatever they are.
    fn quantity(&mut self, best: Best, largest: I256) -> Result<Linear, ProgramError> {
        let radix = self.radix(largest);
        let first = self.bounds.len();
        let (mut sum, mut weight, mut rest) = (Linear::default(), I256::ONE, largest);
        while !rest.is_zero() {
            self.bounds.push(rest.min(radix - I256::ONE));
            let digit = Linear::term(Address::Variable(self.bounds.len() - 1), Affine::constant(weight));
            self.accumulate(&mut sum, &digit)?;
            rest /= radix;
            if !rest.is_zero() {
                weight = self.checked(weight.checked_mul(radix).ok_or(Overflow))?;
            }
        }
        // A quantity of more digits keeps its radix, and its last digit might outgrow a short group.
        if self.bounds.len() == first + 1 && largest < self.short_bound() {
            self.short.push(self.quantities.len());
        }
        self.quantities.push(Quantity { best, variables: first..self.bounds.len(), radix });
        self.refuse_what_fits_nowhere()?;
        Ok(sum)
    }

    /// What variables in short groups are below.
    fn short_bound(&self) -> I256 {
        match self.groups.short() {
            0 => I256::ZERO,
            _ => I256::from_raw(U256::from(self.groups.bound(self.groups.count() - 1))),
        }
    }

    /// The limb group of each variable: short ones for those that they have room for, while there are any, and long
    /// ones for the others.
    fn places(&mut self) -> Vec<usize> {
        let shorts = self.groups.short();
        let radix = self.short_bound();
        let mut places = vec![None; self.bounds.len()];
        for (group, quantity) in self.short.iter().take(shorts).enumerate() {
            let quantity = &mut self.quantities[*quantity];
            quantity.radix = radix;
            places[quantity.variables.start] = Some(self.groups.long_ones() + group);
        }
        let mut long = 0..self.groups.long_ones();
        places.into_iter().map(|place| place.or_else(|| long.next()).unwrap_or(usize::MAX)).collect()
    }

    /// The smallest power of two in which `largest` has no more digits than in base `b^w`, or `b^w` itself.
    fn radix(&self, largest: I256) -> I256 {
        let widest = I256::from_raw(U256::from(self.capacity.variable_bound()));
        let (mut digits, mut rest) = (0, largest);
        while !rest.is_zero() {
            rest /= widest;
            digits += 1;
        }
        if digits < 2 {
            return widest;
        }
        let bits = largest.unsigned_abs().bit_len().div_ceil(digits);
        I256::from_raw(U256::ONE << bits).min(widest)
    }

    /// Where the values of an expression lie, for prices in the box and holdings in their ranges.
    fn interval(&self, linear: &Linear) -> Result<Interval, ProgramError> {
        let mut total = Interval { min: I256::ZERO, max: I256::ZERO };
        for (address, coefficient) in linear.terms() {
            let factor = self.interval_of(coefficient)?;
            let value = match address {
                Address::One => Interval { min: I256::ONE, max: I256::ONE },
                Address::Holding(instrument) => self.holding_interval(*instrument),
                Address::Variable(variable) => Interval { min: I256::ZERO, max: self.bounds[*variable] },
            };
            let corners =
                [(factor.min, value.min), (factor.min, value.max), (factor.max, value.min), (factor.max, value.max)];
            let products = corners.map(|(a, b)| a.checked_mul(b).ok_or(Overflow));
            let (mut min, mut max) = (I256::MAX, I256::MIN);
            for product in products {
                let product = self.checked(product)?;
                (min, max) = (min.min(product), max.max(product));
            }
            total.min = self.checked(total.min.checked_add(min).ok_or(Overflow))?;
            total.max = self.checked(total.max.checked_add(max).ok_or(Overflow))?;
        }
        Ok(total)
    }

    fn interval_of(&self, affine: &Affine) -> Result<Interval, ProgramError> {
        let (min, max) = self.checked(affine.range(self.prices))?;
        Ok(Interval { min, max })
    }

    fn holding_interval(&self, instrument: usize) -> Interval {
        let range = &self.holdings[instrument];
        Interval { min: I256::unchecked_from(range.min), max: I256::unchecked_from(range.max) }
    }

    /// The invariant that makes a row modulo `r` a row over the integers. It counts with what the circuit enforces
    /// (each variable below the bound of its group, each holding within `±b^w`), not with what an honest prover would
    /// do.
    fn refuse_wrap_around(&self, constraint: &Constraint, places: &[usize]) -> Result<(), ProgramError> {
        let largest = U256::from(self.capacity.variable_bound());
        let mut total = U256::ZERO;
        for (address, coefficient) in constraint.linear.terms() {
            let wraps =
                |found: &str| ProgramError::Wraps { rule: constraint.purpose.to_string(), found: found.to_owned() };
            let (min, max) = coefficient.range(self.prices).map_err(|Overflow| wraps(WRAPS))?;
            let factor = min.unsigned_abs().max(max.unsigned_abs());
            let value = match address {
                Address::One => U256::ONE,
                // The row that makes it a bit cannot wrap around: a sum of less than 2^20 variables, and one.
                Address::Variable(variable) if self.bits.contains_key(variable) => U256::ONE,
                // Such a holding is two variables in the circuit, and larger than what is counted with here.
                Address::Holding(instrument) if !self.fits_one_variable(*instrument) => {
                    return Err(wraps("a holding that takes up more than one variable"));
                }
                Address::Variable(variable) => U256::from(self.groups.bound(places[*variable])),
                Address::Holding(_) => largest,
            };
            total = factor.checked_mul(value).and_then(|term| total.checked_add(term)).ok_or_else(|| wraps(WRAPS))?;
            if total >= HALF_MODULUS {
                return Err(wraps(&format!("a sum of {} bits", total.bit_len())));
            }
        }
        Ok(())
    }

    fn fits_one_variable(&self, instrument: usize) -> bool {
        let bound = self.capacity.variable_bound();
        self.holdings
            .get(instrument)
            .is_some_and(|range| range.min.unsigned_abs() < bound && range.max.unsigned_abs() < bound)
    }

    fn table(&self, places: &[usize]) -> Result<Vec<TableRow>, ProgramError> {
        if !self.fits(self.capacity) {
            return Err(self.too_large());
        }
        // The gate of the running sum is off in row 0; the first entry pins the sum to zero where the gate begins.
        let pin = TableRow { address: Row::NEVER_READ, last: true, coefficient: Affine::default() };
        let mut table = vec![pin];
        for constraint in &self.constraints {
            for (address, coefficient) in constraint.linear.terms() {
                // Never address 0: the circuit leaves what is there to the prover.
                let address = self.row(*address, places).ok_or_else(|| self.too_large())?;
                table.push(TableRow { address, last: false, coefficient: coefficient.clone() });
            }
            if let Some(end) = table.last_mut() {
                end.last = true;
            }
        }
        Ok(table)
    }

    /// The row of an address, if the capacity class has one.
    fn row(&self, address: Address, places: &[usize]) -> Option<Row> {
        match (address, &self.rows) {
            (Address::One, _) => Some(self.capacity.one()),
            (Address::Holding(holding), Some(rows)) => rows.get(holding).copied(),
            (Address::Holding(instrument), None) => self.capacity.instrument(instrument),
            (Address::Variable(variable), _) => self.groups.head(places[variable]),
        }
    }

    /// Whether the program fits a capacity class, with groups of this division in its own class and long ones in
    /// others.
    fn fits(&self, capacity: Capacity) -> bool {
        let groups = if capacity == self.capacity { self.groups } else { Groups::long(capacity) };
        let long = self.bounds.len() - self.short.len().min(groups.short());
        self.rows() <= capacity.program_rows()
            && long <= groups.long_ones()
            && (self.rows.is_some() || self.holdings.len() <= capacity.instruments())
    }

    /// How many rows the table takes.
    fn rows(&self) -> usize {
        1 + self.terms
    }

    fn too_large(&self) -> ProgramError {
        let advice = match Capacity::all().find(|capacity| self.fits(*capacity)) {
            Some(capacity) => format!("use a universe of capacity {}", capacity.k()),
            None => "use fewer instruments or scenarios".to_owned(),
        };
        ProgramError::TooLarge {
            rows: self.rows(),
            variables: self.bounds.len(),
            max_rows: self.capacity.program_rows(),
            max_variables: self.groups.count(),
            k: self.capacity.k(),
            advice,
        }
    }

    fn accumulate(&self, sum: &mut Linear, term: &Linear) -> Result<(), ProgramError> {
        self.checked(sum.add(term))
    }

    /// The product of an expression with a number.
    fn product(&self, linear: &Linear, factor: &Affine) -> Result<Linear, ProgramError> {
        self.checked(linear.times(factor))?.ok_or_else(|| ProgramError::NotAffine { rule: self.rule.clone() })
    }

    /// Demands that there is a value.
    fn some<T>(&self, values: &[T]) -> Result<(), ProgramError> {
        if values.is_empty() { Err(ProgramError::Nothing { rule: self.rule.clone() }) } else { Ok(()) }
    }

    fn checked<T>(&self, result: Result<T, Overflow>) -> Result<T, ProgramError> {
        result.map_err(|Overflow| ProgramError::Wraps { rule: self.rule.clone(), found: WRAPS.to_owned() })
    }
}

fn value_of(scenario: &Scenario) -> &Expression {
    &scenario.value
}

/// A requirement, taken apart: `linear + Σ min_of(minima)`.
#[derive(Debug, Default)]
struct Sum {
    linear: Linear,
    minima: Vec<Vec<LoweredScenario>>,
}

/// One of the expressions that a requirement is the least of; without a label if there is no other.
#[derive(Debug)]
struct Labelled {
    label: Option<String>,
    linear: Linear,
}

#[derive(Debug)]
struct LoweredScenario {
    label: String,
    linear: Linear,
}
