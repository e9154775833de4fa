//! Fractions: how they are combined, and what weights and charges of the two bases must be.

use surety_core::{
    problem::Problem,
    units::{Ppm, ShockPpm},
};

use crate::level::ByBasis;

/// A signed fraction in parts per million: a weight, a multiple or a shock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fraction(pub i64);

impl From<Ppm> for Fraction {
    fn from(ppm: Ppm) -> Self {
        Self(i64::from(ppm.0))
    }
}

impl From<ShockPpm> for Fraction {
    fn from(ShockPpm(shock): ShockPpm) -> Self {
        Self(i64::from(shock))
    }
}

impl Fraction {
    /// The sum. Fractions of a requirement are far from where it would overflow.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The product of two fractions of a requirement, rounded up: against the account.
    #[must_use]
    pub fn product_up(a: Ppm, b: Ppm) -> Self {
        let product = u64::from(a.0) * u64::from(b.0);
        // At most 2^64 / 10^6, which fits.
        Self(product.div_ceil(1_000_000) as i64)
    }
}

/// A weight above one would count more than an asset is worth, and one that rises with the level would make the
/// initial requirement the laxer one.
pub(super) fn weight_problems(path: &str, weight: ByBasis) -> Option<Problem> {
    let expected = "weights with initial <= maintenance <= 100 %";
    let found = || format!("initial {}, maintenance {}", weight.initial, weight.maintenance);
    (weight.initial > weight.maintenance || weight.maintenance > Ppm::ONE)
        .then(|| Problem::new(path, expected, found()))
}

/// A weight below one would forgive a part of a debt.
pub(super) fn liability_problems(path: &str, weight: ByBasis) -> Option<Problem> {
    let expected = "weights with initial >= maintenance >= 100 %";
    let found = || format!("initial {}, maintenance {}", weight.initial, weight.maintenance);
    (weight.initial < weight.maintenance || weight.maintenance < Ppm::ONE)
        .then(|| Problem::new(path, expected, found()))
}

/// A charge that falls with the level would make the initial requirement the laxer one.
pub(super) fn charge_problems(path: &str, charge: ByBasis) -> Option<Problem> {
    let expected = "charges with initial >= maintenance";
    let found = || format!("initial {}, maintenance {}", charge.initial, charge.maintenance);
    (charge.initial < charge.maintenance).then(|| Problem::new(path, expected, found()))
}
