//! What a policy may not say of combined commodities, and why.

use surety_core::{
    decimal::Magnitude,
    ident::Name,
    problem::{Problem, not_empty, repeated, require},
    units::Ppm,
};

use super::{
    Amount, CombinedCommodity, CreditBasis, CreditTier, Member, Span, SpreadCredit,
    credits::{Excess, Plan},
};
use crate::models::fraction::charge_problems;

const NO_ARRAY: &str = "the members of a commodity have risk arrays, or the commodity has an outright charge";

const LEGS: &str = "spreads of more legs are not modelled; state pairs in the order in which they are matched";

const SCAN_RISK: &str = "a credit on a scan risk is a share of the scan risk divided by the net delta, a quotient of \
     two holdings, which is not piecewise linear";

const SHARE: &str = "a larger credit would exceed the charge, and count as collateral";

const PARTS: &str = "a pair leaves fractions of a delta by its ratio, and those of pairs that follow it are parts of \
     these; put the pair before others of its commodities, or state ratios with common factors";

const TERMS: &str = "the deltas that a pair leaves are a formula of those that the pairs before it left";

impl Span {
    pub(in crate::models) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::from_iter(charge_problems("model.requirement_multiple", self.requirement_multiple));
        problems.extend(not_empty("model.commodities", &self.commodities));
        let collateral = self.collateral.iter().enumerate();
        problems.extend(collateral.flat_map(|(i, asset)| asset.problems(&format!("model.collateral[{i}]"))));
        let names = self.commodities.iter().map(|commodity| &commodity.name);
        problems.extend(repeated(names, |c| format!("model.commodities[{c}].name"), "each commodity once"));
        for (c, commodity) in self.commodities.iter().enumerate() {
            problems.extend(commodity.problems(&format!("model.commodities[{c}]")));
        }
        for (i, credit) in self.credits.iter().enumerate() {
            let path = format!("model.credits[{i}]");
            problems.extend(credit.problems(&path));
            problems.extend(self.leg_problems(&path, credit));
        }
        problems.extend(Plan::of(self).refused.into_iter().map(|(i, excess)| excess.problem(i)));
        problems
    }

    /// What makes the commodities of a credit no pair.
    fn leg_problems(&self, path: &str, credit: &SpreadCredit) -> Vec<Problem> {
        let problem = |(leg, name): (usize, &Name)| {
            let path = format!("{path}.commodities[{leg}]");
            let Some(commodity) = self.commodities.iter().find(|commodity| commodity.name == *name) else {
                return Some(Problem::new(path, "the name of a commodity of the model", name.to_string()));
            };
            let found = || format!("{name}, whose members have risk arrays");
            let expected = "a commodity with an outright charge";
            commodity.outright.is_none().then(|| Problem::new(path, expected, found()).advise(SCAN_RISK))
        };
        credit.commodities.iter().enumerate().filter_map(problem).collect()
    }
}

impl Excess {
    /// The problem of a credit by its place in the list.
    fn problem(self, credit: usize) -> Problem {
        let path = format!("model.credits[{credit}]");
        match self {
            Self::Parts => {
                let expected = format!("deltas that are left in parts of at most {}", Plan::MAX_PARTS);
                Problem::new(format!("{path}.ratio"), expected, "smaller parts").advise(PARTS)
            }
            Self::Terms => {
                let expected = format!("pairs whose formulas have at most {} net deltas in all", Plan::MAX_TERMS);
                Problem::new(path, expected, "more from here on").advise(TERMS)
            }
        }
    }
}

impl SpreadCredit {
    fn problems(&self, path: &str) -> Vec<Problem> {
        let count = self.commodities.len();
        let two = require(count == 2, format!("{path}.commodities"), "two commodities", count);
        let mut problems = Vec::from_iter(two.map(|problem| problem.advise(LEGS)));
        let names = self.commodities.iter();
        problems.extend(repeated(names, |leg| format!("{path}.commodities[{leg}]"), "two different commodities"));
        let ratio = self.ratio.iter().map(u32::to_string).collect::<Vec<_>>().join(" to ");
        let expected = format!("two numbers from 1 to {}", Self::MAX_RATIO);
        problems.extend(require(self.has_ratio(), format!("{path}.ratio"), expected, ratio));
        let outright = self.basis == CreditBasis::Outright;
        let basis = require(outright, format!("{path}.basis"), "a credit on outright charges", "scan-risk");
        problems.extend(basis.map(|problem| problem.advise(SCAN_RISK)));
        let found = if self.credit.is_some() { "both" } else { "neither" };
        let one = self.credit.is_some() == self.tiers.is_empty();
        problems.extend(require(one, path, "either the key `credit` or the key `tiers`", found));
        problems.extend(self.credit.and_then(|share| share_problem(format!("{path}.credit"), share)));
        problems.extend(self.tier_problems(&format!("{path}.tiers")));
        problems
    }

    /// What is wrong with the tiers, which are listed at the path.
    fn tier_problems(&self, path: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut start = Magnitude::default();
        for (t, CreditTier { up_to, credit }) in self.tiers.iter().enumerate() {
            let place = format!("{path}[{t}].up_to");
            problems.extend(share_problem(format!("{path}[{t}].credit"), *credit));
            let Some(end) = up_to else {
                let expected = "an end, because only the last tier may be without";
                problems.extend(require(
                    t + 1 == self.tiers.len(),
                    place,
                    expected,
                    "none in a tier that others follow",
                ));
                continue;
            };
            let expected = "a number of spreads below 10^12 with at most six decimal places";
            problems.extend(require(CreditTier::millionths(*end).is_some(), &place, expected, end));
            let expected = match t {
                0 => "a positive number of spreads".to_owned(),
                _ => format!("more than the tier before, which ends at {start} spreads"),
            };
            problems.extend(require(*end > start, place, expected, end));
            start = *end;
        }
        problems
    }
}

fn share_problem(path: String, share: Ppm) -> Option<Problem> {
    Some(require(share <= Ppm::ONE, path, "at most 100 %", share)?.advise(SHARE))
}

impl CombinedCommodity {
    fn problems(&self, path: &str) -> Vec<Problem> {
        let mut problems = Vec::from_iter(not_empty(&format!("{path}.members"), &self.members));
        let charges = [
            ("outright", self.outright),
            ("calendar", self.calendar),
            ("short_option_minimum", self.short_option_minimum),
        ];
        for (key, charge) in charges {
            let Some(Amount(charge)) = charge else { continue };
            problems.extend(require(charge >= 0, format!("{path}.{key}"), "a charge that is not negative", charge));
        }
        for (m, member) in self.members.iter().enumerate() {
            let path = format!("{path}.members[{m}]");
            problems.extend(match self.outright {
                Some(_) => member.problems_beside_outright(&path, self.calendar.is_some()),
                None => member.problems_beside_arrays(&path, self.scenarios(), self.calendar.is_some()),
            });
        }
        problems
    }
}

impl Member {
    fn problems_beside_outright(&self, path: &str, calendar: bool) -> Vec<Problem> {
        let place = |key: &str| format!("{path}.{key}");
        let mut problems = Vec::new();
        let expected = "no risk array beside an outright charge";
        let array = require(self.risk_array.is_empty(), place("risk_array"), expected, "one");
        problems.extend(array.map(|problem| problem.advise(NO_ARRAY)));
        problems.extend(require(self.delta.is_some(), place("delta"), "a delta beside an outright charge", "none"));
        problems.extend(self.month_problem(path, calendar));
        problems
    }

    fn month_problem(&self, path: &str, calendar: bool) -> Option<Problem> {
        let place = format!("{path}.month");
        match (calendar, self.month.as_ref()) {
            (true, None) => Some(Problem::new(place, "a month, because there is a calendar charge", "none")),
            (false, Some(month)) => {
                Some(Problem::new(place, "no month, because there is no calendar charge", month.to_string()))
            }
            _ => None,
        }
    }

    fn problems_beside_arrays(&self, path: &str, scenarios: usize, calendar: bool) -> Vec<Problem> {
        let place = |key: &str| format!("{path}.{key}");
        let mut problems = Vec::new();
        let found = self.risk_array.len();
        let (most, array) = (CombinedCommodity::MAX_SCENARIOS, place("risk_array"));
        problems.extend(require(found <= most, array, format!("at most {most} losses"), found));
        let array = if scenarios == 0 {
            require(false, place("risk_array"), "at least one loss", "none").map(|problem| problem.advise(NO_ARRAY))
        } else {
            let expected = format!("{scenarios} losses, as many as the longest of the commodity");
            require(found == scenarios, place("risk_array"), expected, found)
        };
        problems.extend(array);
        problems.extend(match (calendar, self.delta) {
            (true, None) => Some(Problem::new(place("delta"), "a delta beside a calendar charge", "none")),
            (false, Some(delta)) => {
                let expected = "no delta beside risk arrays without a calendar charge";
                Some(Problem::new(place("delta"), expected, delta.0.to_string()))
            }
            _ => None,
        });
        problems.extend(self.month_problem(path, calendar));
        problems
    }
}
