//! Linear expressions over hidden values, with coefficients that are affine in the market.

use std::collections::BTreeMap;

use alloy_primitives::I256;

use super::affine::{Affine, Overflow};

/// What a program reads: the constant one, a holding, or a variable of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Address {
    One,
    Holding(usize),
    Variable(usize),
}

/// `Σ_a coefficient_a · value_a`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Linear {
    /// No zeros, so that equal expressions compare equal.
    terms: BTreeMap<Address, Affine>,
}

impl Linear {
    pub(super) fn term(address: Address, coefficient: Affine) -> Self {
        let mut linear = Self::default();
        if !coefficient.is_zero() {
            linear.terms.insert(address, coefficient);
        }
        linear
    }

    pub(super) fn unit(address: Address) -> Self {
        Self::term(address, Affine::constant(I256::ONE))
    }

    /// The only term; none if there are several.
    pub(super) fn only_term(&self) -> Option<(Address, &Affine)> {
        let mut terms = self.terms.iter();
        let (Some((address, factor)), None) = (terms.next(), terms.next()) else { return None };
        Some((*address, factor))
    }

    pub(super) fn terms(&self) -> &BTreeMap<Address, Affine> {
        &self.terms
    }

    pub(super) fn add(&mut self, other: &Self) -> Result<(), Overflow> {
        for (address, coefficient) in &other.terms {
            let sum = match self.terms.get(address) {
                Some(present) => present.plus(coefficient)?,
                None => coefficient.clone(),
            };
            if sum.is_zero() {
                self.terms.remove(address);
            } else {
                self.terms.insert(*address, sum);
            }
        }
        Ok(())
    }

    pub(super) fn plus(mut self, other: &Self) -> Result<Self, Overflow> {
        self.add(other)?;
        Ok(self)
    }

    pub(super) fn minus(self, other: &Self) -> Result<Self, Overflow> {
        self.plus(&other.negated()?)
    }

    pub(super) fn negated(&self) -> Result<Self, Overflow> {
        let negate = |(address, coefficient): (&Address, &Affine)| Ok((*address, coefficient.times(I256::MINUS_ONE)?));
        Ok(Self { terms: self.terms.iter().map(negate).collect::<Result<_, _>>()? })
    }

    /// The product, or `None` if it would not be affine in the market.
    pub(super) fn times(&self, factor: &Affine) -> Result<Option<Self>, Overflow> {
        let mut product = Self::default();
        for (address, coefficient) in &self.terms {
            let term = match (coefficient.as_constant(), factor.as_constant()) {
                (_, Some(factor)) => coefficient.times(factor)?,
                (Some(coefficient), None) => factor.times(coefficient)?,
                (None, None) => return Ok(None),
            };
            if !term.is_zero() {
                product.terms.insert(*address, term);
            }
        }
        Ok(Some(product))
    }

    /// The terms over holdings, and the others.
    pub(super) fn split_off_holdings(self) -> (Self, Self) {
        let (holdings, others) =
            self.terms.into_iter().partition(|(address, _)| matches!(address, Address::Holding(_)));
        (Self { terms: holdings }, Self { terms: others })
    }
}
