//! Exact values of expressions that are used against their curvature.
//!
//! Where a larger value weakens the claim, a bound suffices: the prover has no use for more than need be. Where it
//! strengthens the claim, the value itself must be enforced. Variables are range-checked integers, so that two or more
//! of them with the sum one are *bits*, of which exactly one is 1. A row `x ≤ M·b`, with the largest `x` there is for
//! `M`, is *switched* by a bit `b`: it says `x ≤ 0` or nothing. With them every piecewise linear function is a set of
//! rows (the "big M" of mixed-integer programming: Williams, *Model Building in Mathematical Programming*, chapter 9).
//!
//! | value | rows |
//! |---|---|
//! | positive part of `x` | `x = p - n`, `p ≤ M·a`, `n ≤ M·b`, `a + b = 1` |
//! | absolute value of `x` | the same, and `p + n` |
//! | least of `x_i` | `m ≤ x_i`, `x_i - m ≤ M·(1 - b_i)`, `Σ b_i = 1` |
//! | no less than the least | the same without `m ≤ x_i` |
//! | one where `x` is positive | `x ≤ M·h`, `h - N·g ≤ x` with the least `x` there is for `-N`, `h + g = 1` |
//! | sum of the worst losses | `x_i - t = p_i - n_i` as above, `Σ a_i = k`, and one `x_j = t` with `a_j = 1` |

use std::sync::Arc;

use alloy_primitives::I256;

use super::{
    super::{
        Affine, Expression, Overflow, Purpose,
        expression::{Node, TailShare},
        linear::{Address, Linear},
        solve::Best,
    },
    Builder, Interval, Parts, ProgramError, value_of,
};

/// Most holdings that are named where bits are told of.
const MOST_NAMES: usize = 4;

/// Two bits with the sum one.
struct Switch {
    on: Linear,
    off: Linear,
}

impl Builder<'_> {
    /// A linear expression that equals `expression` in every assignment that satisfies the program.
    pub(super) fn exact(&mut self, expression: &Expression) -> Result<Linear, ProgramError> {
        match &expression.0 {
            Node::One => Ok(Linear::unit(Address::One)),
            Node::Holding(instrument) => Ok(Linear::unit(Address::Holding(*instrument))),
            Node::Sum(terms) => {
                let mut sum = Linear::default();
                for term in terms {
                    let term = self.exact(term)?;
                    self.accumulate(&mut sum, &term)?;
                }
                Ok(sum)
            }
            Node::Times(factor, inner) => {
                let linear = self.exact(inner)?;
                self.product_of(inner, &linear, factor)
            }
            Node::PositivePart(inner) => {
                let linear = self.exact(inner)?;
                Ok(self.exact_parts("positive part", inner, &linear)?.positive)
            }
            Node::Lack(inner) => {
                let linear = self.exact(inner)?;
                Ok(self.exact_parts("lack", inner, &linear)?.negative)
            }
            Node::Abs(inner) => {
                let linear = self.exact(inner)?;
                let Parts { positive, negative } = self.exact_parts("absolute value", inner, &linear)?;
                self.checked(positive.plus(&negative))
            }
            Node::Once(inner) => {
                let inner = self.exact(inner)?;
                self.once(&inner)
            }
            Node::Exceeds(inner) => {
                let linear = self.exact(inner)?;
                self.ask("fixed amount", expression);
                self.exactly_exceeds(linear)
            }
            Node::WorstOf(scenarios) => {
                let values = self.values_of(scenarios, value_of, Self::exact)?;
                self.ask("minimum", expression);
                self.exactly_smallest(&values)
            }
            Node::TailSum { values, share } => {
                let values = self.values_of(values, |value| value, Self::exact)?;
                self.ask("tail loss", expression);
                self.exact_tail_sum(&values, *share)
            }
        }
    }

    /// A linear expression on the side of `expression` that a bound from there cannot be on without bits: below where
    /// it is convex, above where it is concave. The functions rise and fall with what is inside of them, so that a
    /// bound of that suffices, too.
    pub(super) fn against_curvature(&mut self, expression: &Expression) -> Result<Linear, ProgramError> {
        match &expression.0 {
            Node::PositivePart(inner) => {
                let linear = self.below(inner)?;
                Ok(self.exact_parts("positive part", inner, &linear)?.positive)
            }
            Node::Lack(inner) => {
                let linear = self.above(inner)?;
                Ok(self.exact_parts("lack", inner, &linear)?.negative)
            }
            Node::Exceeds(inner) => {
                let linear = self.below(inner)?;
                self.ask("fixed amount", expression);
                self.exactly_exceeds(linear)
            }
            Node::WorstOf(scenarios) => {
                let values = self.values_of(scenarios, value_of, Self::above)?;
                self.ask("minimum", expression);
                self.no_less_than_smallest(&values)
            }
            Node::TailSum { values, share } => {
                let values = self.values_of(values, |value| value, Self::below)?;
                self.ask("tail loss", expression);
                self.exact_tail_sum(&values, *share)
            }
            _ => self.exact(expression),
        }
    }

    /// Notes what the bits are for that are made next.
    fn ask(&mut self, what: &str, expression: &Expression) {
        let names: Vec<_> =
            expression.holdings().into_iter().map(|holding| self.holdings[holding].name.as_str()).collect();
        self.asking = match names.as_slice() {
            names if names.len() > MOST_NAMES => format!("{what} of {} holdings", names.len()),
            names => format!("{what} of {}", names.join(", ")),
        };
    }

    /// The parts of what `inner` was lowered to, of which at least one is zero.
    fn exact_parts(&mut self, what: &str, inner: &Expression, linear: &Linear) -> Result<Parts, ProgramError> {
        self.ask(what, inner);
        if let Some(multiple) = self.multiple_of(linear)? {
            let of_unit = self.exactly_one_part(&multiple.unit)?;
            return self.parts_of_multiple(&of_unit, &multiple);
        }
        let difference = self.once(linear)?;
        self.exactly_one_part(&difference)
    }

    /// The parts of `difference`, of which at least one is zero.
    fn exactly_one_part(&mut self, difference: &Linear) -> Result<Parts, ProgramError> {
        let parts = self.split(difference)?;
        let one_sign = parts.positive.terms().is_empty() || parts.negative.terms().is_empty();
        // The parts of its opposite are the same.
        let opposite = self.checked(difference.negated())?;
        if !one_sign && !self.exact.contains(&opposite) && self.exact.insert(difference.clone()) {
            self.one_of(&parts, Best::IsPositive(difference.clone()))?;
        }
        Ok(parts)
    }

    /// Leaves the positive part where a bit is 1, of which this is the best value, and the negative one where it is 0.
    fn one_of(&mut self, parts: &Parts, best: Best) -> Result<Switch, ProgramError> {
        let switch = self.switch(best)?;
        self.switched(&parts.positive, &switch.on)?;
        self.switched(&parts.negative, &switch.off)?;
        Ok(switch)
    }

    /// `x ≤ M·bit`, where `M` is the largest `x` there is.
    fn switched(&mut self, x: &Linear, bit: &Linear) -> Result<(), ProgramError> {
        let largest = Affine::constant(self.interval(x)?.max);
        let limit = self.product(bit, &largest)?;
        let room = self.checked(limit.minus(x))?;
        self.define_nonnegative(room)
    }

    /// Two bits, of which this is the best value of the first.
    fn switch(&mut self, best: Best) -> Result<Switch, ProgramError> {
        let on = self.bit(best)?;
        let rest = self.checked(Linear::unit(Address::One).minus(&on))?;
        let off = self.bit(Best::PositivePart(rest.clone()))?;
        let sum = self.checked(rest.minus(&off))?;
        self.define_zero(sum)?;
        Ok(Switch { on, off })
    }

    /// A bit for each of so many, of which one is 1.
    fn choice(&mut self, best: Vec<Best>) -> Result<Vec<Linear>, ProgramError> {
        let bits = best.into_iter().map(|best| self.bit(best)).collect::<Result<Vec<_>, _>>()?;
        let mut rest = Linear::unit(Address::One);
        for bit in &bits {
            rest = self.checked(rest.minus(bit))?;
        }
        self.define_zero(rest)?;
        Ok(bits)
    }

    /// A new variable that a row of the caller's leaves only the values 0 and 1.
    fn bit(&mut self, best: Best) -> Result<Linear, ProgramError> {
        self.bits.insert(self.bounds.len(), self.asking.clone());
        self.quantity(best, I256::ONE)
    }

    /// A bit that is 1 where `x` is positive, and nowhere else.
    fn exactly_exceeds(&mut self, x: Linear) -> Result<Linear, ProgramError> {
        if let Some(bit) = self.exactly_exceeding.get(&x) {
            return Ok(bit.clone());
        }
        let Interval { min, max } = self.interval(&x)?;
        if !max.is_positive() {
            return Ok(Linear::default());
        }
        let Switch { on, off } = self.switch(Best::IsPositive(x.clone()))?;
        self.switched(&x, &on)?;
        // At least one where the bit is 1, and anything where it is 0.
        let lowest = Affine::constant(self.checked(min.min(I256::ZERO).checked_neg().ok_or(Overflow))?);
        let lifted = self.checked(x.clone().minus(&on))?;
        let lifted = self.checked(lifted.plus(&self.product(&off, &lowest)?))?;
        self.define_nonnegative(lifted)?;
        self.exactly_exceeding.insert(x, on.clone());
        Ok(on)
    }

    /// The least of the values, which one of them is.
    fn exactly_smallest(&mut self, values: &[Linear]) -> Result<Linear, ProgramError> {
        if let [value] = values {
            return Ok(value.clone());
        }
        let smallest = self.no_less_than_smallest(values)?;
        for value in values {
            let above = self.checked(value.clone().minus(&smallest))?;
            self.define_nonnegative(above)?;
        }
        Ok(smallest)
    }

    /// A free variable that is at least as large as one of the values.
    fn no_less_than_smallest(&mut self, values: &[Linear]) -> Result<Linear, ProgramError> {
        if let [value] = values {
            return Ok(value.clone());
        }
        let smallest = self.ranked(values, 0)?;
        let all: Arc<[Linear]> = values.into();
        let is_least = |index| Best::IsAmong { values: all.clone(), index, places: 0..1 };
        let chosen = self.choice((0..values.len()).map(is_least).collect())?;
        for (value, chosen) in values.iter().zip(chosen) {
            let above = self.checked(value.clone().minus(&smallest))?;
            let other = self.checked(Linear::unit(Address::One).minus(&chosen))?;
            self.switched(&above, &other)?;
        }
        Ok(smallest)
    }

    /// `weight·t + count·Σ max(0, x - t)`, where `t` is the `k`-th largest value: which is where the sum is least.
    fn exact_tail_sum(&mut self, values: &[Linear], share: TailShare) -> Result<Linear, ProgramError> {
        let rank = share.rank(values.len());
        let threshold = self.ranked(values, rank)?;
        let all: Arc<[Linear]> = values.into();
        let is_among = |index, places| Best::IsAmong { values: all.clone(), index, places };
        let chosen = (0..values.len()).map(|index| is_among(index, rank..rank + 1));
        let chosen = self.choice(chosen.collect())?;
        let tail = I256::unchecked_from(values.len() - rank);
        let mut outside = Linear::term(Address::One, Affine::constant(tail));
        let mut excess = Linear::default();
        for (index, (value, chosen)) in values.iter().zip(chosen).enumerate() {
            let above = self.checked(value.clone().minus(&threshold))?;
            let difference = self.once(&above)?;
            let parts = self.split(&difference)?;
            let in_tail = self.one_of(&parts, is_among(index, rank..values.len()))?.on;
            // The threshold is a value of the tail: no part of its difference is left.
            let other = self.checked(Linear::unit(Address::One).minus(&chosen))?;
            self.switched(&parts.positive, &other)?;
            let room = self.checked(in_tail.clone().minus(&chosen))?;
            self.define_nonnegative(room)?;
            outside = self.checked(outside.minus(&in_tail))?;
            self.accumulate(&mut excess, &parts.positive)?;
        }
        self.define_zero(outside)?;
        self.tail(&threshold, &excess, share.weights(values.len()))
    }

    fn define_zero(&mut self, linear: Linear) -> Result<(), ProgramError> {
        self.constrain(Purpose::Definition(self.rule.clone()), linear)
    }

    fn define_nonnegative(&mut self, linear: Linear) -> Result<(), ProgramError> {
        self.require_nonnegative(Purpose::Definition(self.rule.clone()), linear)
    }
}
