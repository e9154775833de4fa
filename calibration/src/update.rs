//! How far one update may move a parameter.
//!
//! All parameters are seen as *requirements*, of which more is stricter: a haircut is one minus a weight, a shock
//! counts by its size, a multiple by what exceeds one. A regular update is limited in terms of the requirement that
//! was; an emergency has no limit on the stricter side, and never makes a requirement laxer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    problem::{Problem, require},
    units::Ppm,
};

use crate::moves::div_away;

/// A requirement in parts per million: the more, the stricter. Below zero only where a policy was laxer than any
/// estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement(pub i64);

impl Requirement {
    /// As a parameter. One that bounds have kept between zero and tenfold loses nothing.
    pub(crate) fn ppm(self) -> Ppm {
        Ppm(u32::try_from(self.0).unwrap_or(0))
    }
}

/// What an update may do to any parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Parameters are multiples of this; estimates are rounded up to one.
    pub grid: Ppm,
    /// How much stricter a parameter may become at once, as a share of what it was.
    pub stricter: Ppm,
    /// How much laxer a parameter may become at once, as a share of what it was.
    pub laxer: Ppm,
}

/// Ten percent stricter and two and a half percent laxer, on a grid of a hundredth of a percent.
impl Default for Limits {
    fn default() -> Self {
        Self { grid: Ppm(100), stricter: Ppm(100_000), laxer: Ppm(25_000) }
    }
}

/// How far an update may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As far as its limits.
    Regular,
    /// As far as the estimate, and never laxer.
    Emergency,
}

/// No requirement is below so many units of the grid, so that the grid is no coarser than a regular step.
const LEAST_UNITS: u32 = 50;

/// The smallest limit on the stricter side: a unit of the grid of the smallest requirement.
const LEAST_STRICTER: Ppm = Ppm(20_000);

/// What a parameter may be, whatever the estimate and however far the last value was from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The laxest value.
    pub floor: Ppm,
    /// The strictest value.
    pub cap: Ppm,
}

/// What became of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it was; none if the policy had none yet.
    pub old: Option<Requirement>,
    /// The estimate, rounded up to the grid.
    pub proposed: Requirement,
    /// The estimate as far as one update may go.
    pub limited: Requirement,
    /// What it is now: limited, and within its bounds.
    pub new: Requirement,
}

impl Change {
    /// Why the new value is what it is.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        if self.new > self.limited {
            "raised to its floor"
        } else if self.new < self.limited {
            "lowered to its cap"
        } else if self.limited < self.proposed {
            "as much stricter as one update may be"
        } else if self.limited > self.proposed {
            "as much laxer as one update may be"
        } else if self.old == Some(self.new) {
            "the estimate has not changed"
        } else {
            "the estimate"
        }
    }
}

impl Limits {
    /// The change that an estimate in parts per billion makes.
    #[must_use]
    pub fn update(&self, old: Option<Requirement>, estimate: u64, multiple: Ppm, bounds: Bounds, pace: Pace) -> Change {
        let proposed = self.rounded_up(estimate, multiple);
        let (floor, cap) = (Requirement(bounds.floor.0.into()), Requirement(bounds.cap.0.into()));
        let bounded = |limited: Requirement| limited.min(cap).max(floor);
        let (limited, new) = match (old, pace) {
            (None, _) => (proposed, bounded(proposed)),
            (Some(old), Pace::Regular) => {
                let limited = self.step(old, proposed);
                (limited, bounded(limited))
            }
            (Some(old), Pace::Emergency) => {
                let limited = proposed.max(old);
                (limited, bounded(limited).max(old))
            }
        };
        Change { old, proposed, limited, new }
    }

    /// An estimate in parts per billion, times a multiple, as a multiple of the grid: rounded up, against the account.
    fn rounded_up(&self, estimate: u64, multiple: Ppm) -> Requirement {
        let product = u128::from(estimate) * u128::from(multiple.0);
        // Parts per billion times parts per million, in units of the grid.
        let units = product.div_ceil(u128::from(self.grid.0.max(1)) * 1_000_000_000);
        Requirement(i64::try_from(units).unwrap_or(i64::MAX / 1_000_000).saturating_mul(self.grid.0.into()))
    }

    /// As near to `proposed` as one regular update may go, on the grid. From a requirement of nothing no share leads
    /// anywhere; its floor does.
    fn step(&self, Requirement(old): Requirement, proposed: Requirement) -> Requirement {
        let (grid, old) = (i128::from(self.grid.0.max(1)), i128::from(old.max(0)));
        let (one, stricter, laxer) =
            (i128::from(Ppm::ONE.0), i128::from(self.stricter.0), i128::from(self.laxer.0.min(Ppm::ONE.0)));
        let strictest = (old * (one + stricter)).div_euclid(one * grid) * grid;
        // Rounding up is the stricter way: no step is larger than its limit.
        let laxest = -(-old * (one - laxer)).div_euclid(one * grid) * grid;
        let requirement = |limit: i128| Requirement(i64::try_from(limit).unwrap_or(i64::MAX));
        proposed.min(requirement(strictest)).max(requirement(laxest))
    }

    /// What makes them no limits. `path` is where they are.
    pub(crate) fn problems(&self, path: &str) -> Vec<Problem> {
        let (grid, most) = (self.grid, Ppm(10_000_000));
        let mut problems = Vec::new();
        let divides = grid.0 > 0 && Ppm::ONE.0.is_multiple_of(grid.0);
        problems.extend(require(divides, format!("{path}.grid"), "a divisor of 100 %", grid));
        for (key, step, least, most) in
            [("stricter", self.stricter, LEAST_STRICTER, most), ("laxer", self.laxer, Ppm(0), Ppm::ONE)]
        {
            let expected = format!("from {least} to {most} of a requirement");
            problems.extend(require((least..=most).contains(&step), format!("{path}.{key}"), expected, step));
        }
        let expected =
            format!("at most stricter, which is {}: what takes long to loosen is never too lax", self.stricter);
        problems.extend(require(self.laxer <= self.stricter, format!("{path}.laxer"), expected, self.laxer));
        problems
    }
}

impl Bounds {
    /// What makes them no bounds of something that is at most `most`. `path` is where they are.
    pub(crate) fn problems(&self, path: &str, limits: &Limits, most: Ppm) -> Vec<Problem> {
        let on_grid = |bound: Ppm| limits.grid.0 > 0 && bound.0.is_multiple_of(limits.grid.0);
        let mut problems = Vec::new();
        for (key, bound) in [("floor", self.floor), ("cap", self.cap)] {
            let expected = format!("a multiple of the grid, which is {}, of at most {most}", limits.grid);
            problems.extend(require(on_grid(bound) && bound <= most, format!("{path}.{key}"), expected, bound));
        }
        let least = Ppm(limits.grid.0.saturating_mul(LEAST_UNITS));
        let expected = format!("at least {least}, which is {LEAST_UNITS} times the grid");
        problems.extend(require(self.floor >= least, format!("{path}.floor"), expected, self.floor));
        let expected = format!("at most the cap, which is {}", self.cap);
        problems.extend(require(self.floor <= self.cap, format!("{path}.floor"), expected, self.floor));
        problems
    }
}

/// A share of a requirement, from minus one to one in parts per million, rounded away from zero.
#[must_use]
pub(crate) fn share_of(Requirement(whole): Requirement, share: i32) -> i64 {
    let product = i128::from(whole) * i128::from(share);
    i64::try_from(div_away(product, i128::from(Ppm::ONE.0))).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { grid: Ppm(1_000), stricter: Ppm(100_000), laxer: Ppm(25_000) };
    const WIDE: Bounds = Bounds { floor: Ppm(0), cap: Ppm(1_000_000) };

    fn update(old: i64, estimate_ppm: u64, bounds: Bounds) -> Change {
        LIMITS.update(Some(Requirement(old)), estimate_ppm * 1_000, Ppm::ONE, bounds, Pace::Regular)
    }

    #[test]
    fn estimates_are_rounded_up_to_the_grid() {
        let first = |estimate, multiple| LIMITS.update(None, estimate, Ppm(multiple), WIDE, Pace::Regular).new.0;
        assert_eq!(first(100_000_000, 1_000_000), 100_000);
        assert_eq!(first(100_000_001, 1_000_000), 101_000);
        assert_eq!(first(100_000_000, 1_250_001), 126_000);
        assert_eq!(first(0, 1_000_000), 0);
    }

    #[test]
    fn a_reason_is_given() {
        assert_eq!(update(100_000, 300_000, WIDE).reason(), "as much stricter as one update may be");
        assert_eq!(update(100_000, 20_000, WIDE).reason(), "as much laxer as one update may be");
        assert_eq!(update(100_000, 105_000, WIDE).reason(), "the estimate");
        assert_eq!(update(100_000, 99_900, WIDE).reason(), "the estimate has not changed");
        let bounds = Bounds { floor: Ppm(200_000), cap: Ppm(300_000) };
        assert_eq!(update(100_000, 105_000, bounds).reason(), "raised to its floor");
        assert_eq!(update(400_000, 400_000, bounds).reason(), "lowered to its cap");
    }

    #[test]
    fn the_largest_values_overflow_nothing() {
        for old in [i64::MIN, i64::MAX] {
            for estimate in [0, u64::MAX] {
                let change = LIMITS.update(Some(Requirement(old)), estimate, Ppm(u32::MAX), WIDE, Pace::Regular);
                assert!((0..=1_000_000).contains(&change.new.0), "{change:?}");
                let change = LIMITS.update(Some(Requirement(old)), estimate, Ppm(u32::MAX), WIDE, Pace::Emergency);
                assert!(change.new.0 >= old, "{change:?}");
            }
        }
    }

    #[test]
    fn rejects_limits_that_limit_nothing() {
        let problems =
            |limits: Limits| limits.problems("limits").into_iter().map(|problem| problem.path).collect::<Vec<_>>();
        assert_eq!(problems(LIMITS), [""; 0]);
        assert_eq!(problems(Limits { grid: Ppm(0), ..LIMITS }), ["limits.grid"]);
        assert_eq!(problems(Limits { grid: Ppm(3_000), ..LIMITS }), ["limits.grid"]);
        assert_eq!(problems(Limits { laxer: Ppm(0), ..LIMITS }), [""; 0]);
        assert_eq!(problems(Limits { laxer: Ppm(100_001), ..LIMITS }), ["limits.laxer"]);
        assert_eq!(problems(Limits { stricter: Ppm(19_999), laxer: Ppm(0), ..LIMITS }), ["limits.stricter"]);
        assert_eq!(problems(Limits { stricter: Ppm(10_000_001), ..LIMITS }), ["limits.stricter"]);
    }

    #[test]
    fn rejects_bounds_that_bound_nothing() {
        let problems = |floor, cap| {
            let bounds = Bounds { floor: Ppm(floor), cap: Ppm(cap) };
            bounds.problems("b", &LIMITS, Ppm::ONE).into_iter().map(|problem| problem.path).collect::<Vec<_>>()
        };
        assert_eq!(problems(50_000, 1_000_000), [""; 0]);
        assert_eq!(problems(52_000, 51_000), ["b.floor"]);
        assert_eq!(problems(50_500, 60_000), ["b.floor"]);
        assert_eq!(problems(49_000, 60_000), ["b.floor"]);
        assert_eq!(problems(50_000, 1_001_000), ["b.cap"]);
    }

    proptest! {
        /// Without bounds in the way no step exceeds its limit, from any value that a floor may have left.
        #[test]
        fn steps_are_limited(old in 50_000_i64..1_000_000, estimate in 0_u64..1_000_000_000) {
            let change = LIMITS.update(Some(Requirement(old)), estimate, Ppm::ONE, WIDE, Pace::Regular);
            prop_assert!(change.limited.0 * 10 <= old * 11);
            prop_assert!(change.limited.0 * 1_000 >= old * 975);
            prop_assert_eq!(change.new.0 % 1_000, 0);
            prop_assert!(change.new.0 >= change.proposed.0.min(old));
        }

        /// No requirement of at least fifty units of the grid is stuck: it goes as far as a tenth, less a unit.
        #[test]
        fn rises_are_not_stuck(units in 50_i64..800) {
            let old = units * 1_000;
            let change = LIMITS.update(Some(Requirement(old)), u64::MAX, Ppm::ONE, WIDE, Pace::Regular);
            prop_assert!(change.limited.0 > old * 11 / 10 - 1_000 && change.limited.0 > old);
        }

        /// Whatever the estimate, the bounds and the old value: an emergency makes nothing laxer, and stops at the cap.
        #[test]
        fn rejects_emergencies_that_loosen(old in 0_i64..2_000_000, estimate: u64, floor in 0_u32..500_000) {
            let bounds = Bounds { floor: Ppm(floor), cap: Ppm(800_000) };
            let change = LIMITS.update(Some(Requirement(old)), estimate, Ppm::ONE, bounds, Pace::Emergency);
            prop_assert!(change.new.0 >= old && change.new.0 <= old.max(800_000));
            prop_assert!(change.new >= change.proposed.min(Requirement(800_000)));
        }

        /// A larger estimate, and a stricter old value, never give a laxer parameter.
        #[test]
        fn updates_are_monotone(
            old in 0_i64..900_000,
            more in 0_i64..100_000,
            estimate in 0_u64..900_000_000,
            rise in 0_u64..100_000_000,
        ) {
            let bounds = Bounds { floor: Ppm(50_000), cap: Ppm(800_000) };
            let change = |old, estimate| {
                LIMITS.update(Some(Requirement(old)), estimate, Ppm::ONE, bounds, Pace::Regular).new
            };
            prop_assert!(change(old, estimate + rise) >= change(old, estimate));
            prop_assert!(change(old + more, estimate) >= change(old, estimate));
        }
    }
}
