//! Joint scenarios of several prices: how far each goes along when all move.
//!
//! For jointly elliptical moves with volatilities `σ_j`, correlations `ρ_ij` and tail factor `k`, the worst scenario
//! for a portfolio `w` among equally plausible ones is `k·Σw / √(w′Σw)`, which moves each price by a share of its own
//! shock `k·σ_j`:
//!
//! | scenario | portfolio | shares |
//! |---|---|---|
//! | all, up or down | | 1 for each: as if correlations were one, as they become in a crash |
//! | one leads, up or down | `e_i` | 1 for the leader, `ρ_ij` for the others |
//! | one over another | `e_i/σ_i − e_j/σ_j` | `√((1−ρ_ij)/2)` and minus as much, or what their spread says |
//!
//! Shares are rounded away from zero where the scenario is there for them, towards zero where prices only go along.
//!
//! Source: Studer, *Maximum loss for measurement of market risk*, ETH Zürich, 1997; Breuer, Jandačka, Rheinberger and
//! Summer, *How to find plausible, severe, and useful stress scenarios*, International Journal of Central Banking 5,
//! 2009.

use surety_core::ident::Name;

use crate::moves::{Side, root_up};

/// A scenario: the share of its own shock that each price moves by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JointScenario {
    /// What it is called.
    pub name: String,
    /// From minus one to one in parts per million, in the order of the columns: of the shock up if positive, of the
    /// shock down if negative.
    pub shares: Vec<i32>,
}

/// One in parts per million.
const ONE: i32 = 1_000_000;

/// What the scenario is called that moves all prices to one side.
#[must_use]
pub fn all_to(side: Side) -> String {
    format!("all-{}", side.name())
}

/// All scenarios of the columns, whose correlations in parts per million are `correlation(i, j)`. Where `apart(i, j)`
/// is known, it is the share of their shocks by which `i` goes up and `j` down.
#[must_use]
pub fn joint_scenarios(
    columns: &[&Name],
    correlation: impl Fn(usize, usize) -> i32,
    apart: impl Fn(usize, usize) -> Option<i32>,
) -> Vec<JointScenario> {
    let count = columns.len();
    let signed = |side| if side == Side::Up { ONE } else { -ONE };
    let mut scenarios = Vec::new();
    for side in Side::ALL {
        scenarios.push(JointScenario { name: all_to(side), shares: vec![signed(side); count] });
    }
    if count < 2 {
        return scenarios;
    }
    for (leader, column) in columns.iter().enumerate() {
        for side in Side::ALL {
            let along = |i: usize| if i == leader { ONE } else { correlation(leader, i) };
            let shares = (0..count).map(|i| along(i) * signed(side).signum()).collect();
            scenarios.push(JointScenario { name: format!("{column}-leads-{}", side.name()), shares });
        }
    }
    for (above, over) in columns.iter().enumerate() {
        for (below, under) in columns.iter().enumerate() {
            if above != below {
                let mut shares = vec![0; count];
                let apart = apart(above, below).unwrap_or_else(|| half_spread(correlation(above, below)));
                shares[above] = apart;
                shares[below] = -apart;
                scenarios.push(JointScenario { name: format!("{over}-over-{under}"), shares });
            }
        }
    }
    scenarios
}

/// `√((1 − ρ) / 2)` in parts per million, rounded up.
fn half_spread(correlation: i32) -> i32 {
    let apart = u128::from(ONE.abs_diff(correlation.clamp(-ONE, ONE)));
    let root = root_up((apart * u128::from(ONE.unsigned_abs())).div_ceil(2));
    i32::try_from(root).unwrap_or(ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_prices_move_together_and_apart() {
        let [a, b] = ["A", "B"].map(|name| Name::new(name).unwrap());
        let scenarios = joint_scenarios(&[&a, &b], |_, _| 800_000, |i, _| (i == 1).then_some(400_000));
        let shown: Vec<_> =
            scenarios.iter().map(|scenario| (scenario.name.as_str(), scenario.shares.as_slice())).collect();
        assert_eq!(
            shown,
            [
                ("all-down", [-1_000_000, -1_000_000].as_slice()),
                ("all-up", &[1_000_000, 1_000_000]),
                ("A-leads-down", &[-1_000_000, -800_000]),
                ("A-leads-up", &[1_000_000, 800_000]),
                ("B-leads-down", &[-800_000, -1_000_000]),
                ("B-leads-up", &[800_000, 1_000_000]),
                ("A-over-B", &[316_228, -316_228]),
                ("B-over-A", &[-400_000, 400_000]),
            ]
        );
        assert_eq!(joint_scenarios(&[&a], |_, _| 0, |_, _| None).len(), 2);
    }

    #[test]
    fn what_moves_apart_for_certain_moves_all_the_way() {
        assert_eq!([-1_000_000, 0, 1_000_000].map(half_spread), [1_000_000, 707_107, 0]);
    }
}
