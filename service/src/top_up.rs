//! The top-up that brings an account to a margin at the least cost: how much of which instruments.
//!
//! The margin of a level is a function of the amounts that are added. Where it is concave, as sums, minima and losses
//! are, it lies below each of its tangent planes, so a linear program over the planes found so far costs no more than
//! the best top-up, and its answer is the next place to look. Source of the method: Kelley, "The Cutting-Plane Method
//! for Solving Convex Programs", 1960.
//!
//! The linear program is in floating point and decides nothing: an answer counts if the account is sufficient with it
//! by the exact evaluation, and is then made smaller for as long as it stays so. Of a margin that is not concave the
//! answer suffices all the same, and may not be the cheapest. The solver does not erase its copies of the planes.

use core::fmt;

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem, SolveOutcome};
use surety_core::units::{Lots, Price};
use surety_margin::{
    evaluate::{Evaluation, Evaluator},
    holdings::Position,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Most places that are looked at.
const STEPS: usize = 200;

/// A part of a move's largest amount that slopes are measured over.
const PART: i128 = 4_096;

/// Something that may be added to an account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// The instrument, by its place in the universe.
    pub instrument: usize,
    /// The most lots of it.
    pub at_most: Lots,
    /// The cost of a lot, in any currency that all moves share; above zero.
    pub cost: f64,
}

/// Lots to add, one number for each move. As secret as the holdings that it follows from: does not print, and is erased
/// when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct TopUp(Vec<Lots>);

impl TopUp {
    /// The numbers.
    #[must_use]
    pub fn lots(&self) -> &[Lots] {
        &self.0
    }

    /// Whether nothing has to be added.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.0.iter().all(|lots| lots.get() == 0)
    }
}

impl fmt::Debug for TopUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopUp(hidden, {} moves)", self.0.len())
    }
}

/// The cheapest top-up that makes an account sufficient; none if all moves together do not.
#[must_use]
pub fn cheapest(evaluator: &Evaluator<'_>, position: &Position, prices: &[Price], moves: &[Move]) -> Option<TopUp> {
    let account = Account { evaluator, position, prices, moves };
    let mut at = vec![0; moves.len()];
    let mut cuts: Vec<(f64, Vec<f64>)> = Vec::new();
    for _ in 0..STEPS {
        let margin = account.margin(&at)?;
        if account.is_sufficient(&at) {
            return Some(account.made_smaller(at));
        }
        let slopes = account.slopes(&at, margin)?;
        let there: f64 = slopes.iter().zip(&at).map(|(slope, lots)| slope * *lots as f64).sum();
        cuts.push((margin - there, slopes));
        let Some(next) = account.next(&cuts) else { break };
        // What floating point cannot tell apart is told apart by a step.
        at = if next == at { account.nudged(&next) } else { next };
    }
    // The planes of a margin that is not concave may have cut off everything.
    let all: Vec<_> = moves.iter().map(|one| one.at_most.get()).collect();
    account.is_sufficient(&all).then(|| account.made_smaller(all))
}

struct Account<'a> {
    evaluator: &'a Evaluator<'a>,
    position: &'a Position,
    prices: &'a [Price],
    moves: &'a [Move],
}

impl Account<'_> {
    /// The account with so many lots more.
    fn evaluation(&self, at: &[i128]) -> Option<Evaluation> {
        let mut lots = self.position.lots().to_vec();
        for (one, more) in self.moves.iter().zip(at) {
            let place = lots.get_mut(one.instrument)?;
            *place = Lots::new(place.get().checked_add(*more)?).ok()?;
        }
        self.evaluator.evaluate(&Position::from_lots(lots), self.prices)
    }

    fn is_sufficient(&self, at: &[i128]) -> bool {
        self.evaluation(at).is_some_and(|evaluation| evaluation.is_sufficient())
    }

    /// The headroom, for the linear program alone.
    fn margin(&self, at: &[i128]) -> Option<f64> {
        let atoms = self.evaluation(at)?.margin.atoms;
        // Every I256 is a number as text, and of every size.
        atoms.to_string().parse().ok()
    }

    /// How the margin grows with each move from here, by the lot.
    fn slopes(&self, at: &[i128], margin: f64) -> Option<Vec<f64>> {
        let slope = |(place, one): (usize, &Move)| {
            let step = (one.at_most.get() / PART).max(1);
            let mut there = at.to_vec();
            there[place] += step;
            Some((self.margin(&there)? - margin) / step as f64)
        };
        self.moves.iter().enumerate().map(slope).collect()
    }

    /// The cheapest place that no plane rules out, in whole lots.
    fn next(&self, cuts: &[(f64, Vec<f64>)]) -> Option<Vec<i128>> {
        // Lots and atoms have very different sizes, which a solver in floating point takes badly: variables are shares
        // of the largest amounts, and every plane is brought to the size of its largest part.
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let largest: Vec<f64> = self.moves.iter().map(|one| one.at_most.get() as f64).collect();
        let dearest = self.moves.iter().zip(&largest).map(|(one, most)| one.cost * most).fold(0.0, f64::max);
        let costs = self.moves.iter().zip(&largest).map(|(one, most)| one.cost * most / dearest);
        let shares: Vec<_> = costs.map(|cost| problem.add_var(cost, (0.0, 1.0))).collect();
        for (constant, slopes) in cuts {
            let parts: Vec<f64> = slopes.iter().zip(&largest).map(|(slope, most)| slope * most).collect();
            let size = parts.iter().fold(constant.abs(), |size, part| size.max(part.abs())).max(1.0);
            let mut sum = LinearExpr::empty();
            shares.iter().zip(&parts).for_each(|(share, part)| sum.add(*share, part / size));
            problem.add_constraint(sum, ComparisonOp::Ge, -constant / size);
        }
        let Ok(SolveOutcome::Solution(solution)) = problem.solve() else { return None };
        let lots = |(share, one): (&microlp::Variable, &Move)| {
            let most = one.at_most.get();
            // Up, as fewer would not do.
            ((solution[*share] * most as f64).ceil() as i128).clamp(0, most)
        };
        Some(shares.iter().zip(self.moves).map(lots).collect())
    }

    /// A step more of each move that has room.
    fn nudged(&self, at: &[i128]) -> Vec<i128> {
        let more = |(lots, one): (&i128, &Move)| {
            let step = (one.at_most.get() / PART).max(1);
            (lots + step).min(one.at_most.get())
        };
        at.iter().zip(self.moves).map(more).collect()
    }

    /// The least of each move, the dearest first, that still suffices beside the others.
    fn made_smaller(&self, mut at: Vec<i128>) -> TopUp {
        let mut order: Vec<_> = (0..self.moves.len()).collect();
        order.sort_by(|a, b| self.moves[*b].cost.total_cmp(&self.moves[*a].cost));
        for place in order {
            let (mut least, mut enough) = (0, at[place]);
            while least < enough {
                let middle = least + (enough - least) / 2;
                at[place] = middle;
                if self.is_sufficient(&at) {
                    enough = middle;
                } else {
                    least = middle + 1;
                }
            }
            at[place] = enough;
        }
        let lots = at.iter().map(|lots| Lots::new(*lots).unwrap_or_default()).collect();
        at.zeroize();
        TopUp(lots)
    }
}

#[cfg(test)]
mod tests {
    use surety_core::text::Document as _;
    use surety_margin::{
        level::{Basis, Level},
        policy::Policy,
        universe::Universe,
    };
    use surety_walkthrough::example;

    use super::*;

    struct Case {
        universe: Universe,
        policy: Policy,
        level: Level,
        prices: Vec<Price>,
    }

    /// The example, at the middle of its prices and a multiple of its maintenance margin.
    fn case(multiple: u32) -> Case {
        let universe = Universe::from_toml(example::UNIVERSE.path, example::UNIVERSE.text).unwrap();
        let policy = Policy::from_toml(example::POLICY.path, example::POLICY.text).unwrap();
        let level = Level::new(policy.levels[0].name.clone(), Basis::Maintenance, surety_core::units::Ppm(multiple));
        let price = |entry: &surety_margin::market::MarketEntry| {
            let (min, max) = (entry.min.get(), entry.max.get());
            Price::new(min + (max - min) / 2).unwrap()
        };
        let prices = policy.market.iter().map(price).collect();
        Case { universe, policy, level, prices }
    }

    impl Case {
        fn place(&self, instrument: &str) -> usize {
            self.universe.instruments.iter().position(|found| found.name.as_str() == instrument).unwrap()
        }

        fn position(&self, held: &[(&str, i128)]) -> Position {
            let mut lots = vec![Lots::default(); self.universe.instruments.len()];
            for (instrument, amount) in held {
                lots[self.place(instrument)] = Lots::new(*amount).unwrap();
            }
            Position::from_lots(lots)
        }

        fn one(&self, instrument: &str, at_most: i128, cost: f64) -> Move {
            Move { instrument: self.place(instrument), at_most: Lots::new(at_most).unwrap(), cost }
        }

        fn is_enough(&self, position: &Position, moves: &[Move], lots: &[i128]) -> bool {
            let mut sum = position.lots().to_vec();
            for (one, more) in moves.iter().zip(lots) {
                sum[one.instrument] = Lots::new(sum[one.instrument].get() + more).unwrap();
            }
            let evaluator = Evaluator::new(&self.policy, &self.universe, &self.level).unwrap();
            evaluator.evaluate(&Position::from_lots(sum), &self.prices).unwrap().is_sufficient()
        }
    }

    /// An account that owes, and what may be added to it.
    fn short(case: &Case) -> (Position, [Move; 3]) {
        let position = case.position(&[("USDC", -500_000_000_000_000), ("ETH", 1_000_000_000)]);
        let most = 1_000_000_000_000_000;
        (position, [case.one("USDC", most, 1.0), case.one("USDT", most, 0.9), case.one("ETH", most, 5.0)])
    }

    #[test]
    fn a_top_up_suffices_and_less_of_anything_does_not() {
        let case = case(1_200_000);
        let (position, moves) = short(&case);
        let evaluator = Evaluator::new(&case.policy, &case.universe, &case.level).unwrap();
        assert!(!case.is_enough(&position, &moves, &[0, 0, 0]));
        let found = cheapest(&evaluator, &position, &case.prices, &moves).unwrap();
        let lots: Vec<i128> = found.lots().iter().map(|lots| lots.get()).collect();
        assert!(case.is_enough(&position, &moves, &lots));
        for place in 0..lots.len() {
            if lots[place] > 0 {
                let mut less = lots.clone();
                less[place] -= 1;
                assert!(!case.is_enough(&position, &moves, &less), "{place} is as small as it can be");
            }
        }
        // No single move is cheaper.
        let cost = |lots: &[i128]| -> f64 { moves.iter().zip(lots).map(|(one, lots)| one.cost * *lots as f64).sum() };
        for place in 0..moves.len() {
            let single = std::slice::from_ref(&moves[place]);
            if let Some(alone) = cheapest(&evaluator, &position, &case.prices, single) {
                let alone = single[0].cost * alone.lots()[0].get() as f64;
                // To within a lot of each, which is what rounding up costs.
                assert!(cost(&lots) <= alone + moves.iter().map(|one| one.cost).sum::<f64>(), "{place} alone");
            }
        }
    }

    #[test]
    fn nothing_is_added_to_an_account_that_has_enough() {
        let case = case(1_000_000);
        let (_, moves) = short(&case);
        let evaluator = Evaluator::new(&case.policy, &case.universe, &case.level).unwrap();
        let rich = case.position(&[("USDC", 1_000_000_000)]);
        assert!(cheapest(&evaluator, &rich, &case.prices, &moves).unwrap().is_nothing());
    }

    #[test]
    fn rejects_moves_that_do_not_suffice_together() {
        let case = case(1_200_000);
        let (position, mut moves) = short(&case);
        let evaluator = Evaluator::new(&case.policy, &case.universe, &case.level).unwrap();
        moves.iter_mut().for_each(|one| one.at_most = Lots::new(1_000).unwrap());
        assert_eq!(cheapest(&evaluator, &position, &case.prices, &moves), None);
        assert_eq!(cheapest(&evaluator, &position, &case.prices, &[]), None);
    }

    #[test]
    fn a_top_up_does_not_print() {
        let found = TopUp(vec![Lots::new(77).unwrap()]);
        assert_eq!(format!("{found:?}"), "TopUp(hidden, 1 moves)");
    }
}
