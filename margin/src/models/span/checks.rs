//! What a policy may not say of combined commodities, and why.

use std::collections::BTreeSet;

use surety_core::{
    problem::{Problem, not_empty, repeated, require},
    units::Ppm,
};

use super::{Amount, CombinedCommodity, CreditBasis, Member, Span, SpreadCredit};
use crate::models::fraction::charge_problems;

const NO_ARRAY: &str = "the members of a commodity have risk arrays, or the commodity has an outright charge";

const LEGS: &str = "with more the order in which they are matched decides, which is not concave";

const GREEDY: &str = "with several the order in which they take a position decides, which is not concave";

const UNIFORM: &str = "otherwise a credit can exceed what one leg requires, which is not concave";

const FLOOR: &str = "the minimum is a floor after the credit of one leg alone, which falls as the other leg grows, \
     which is not concave";

const SCAN_RISK: &str =
    "a credit in proportion to a scan risk subtracts a maximum of several scenarios, which is not concave";

impl Span {
    pub(in crate::models) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::from_iter(charge_problems("model.requirement_multiple", self.requirement_multiple));
        problems.extend(not_empty("model.collateral", &self.collateral));
        problems.extend(not_empty("model.commodities", &self.commodities));
        let collateral = self.collateral.iter().enumerate();
        problems.extend(collateral.flat_map(|(i, asset)| asset.problems(&format!("model.collateral[{i}]"))));
        let names = self.commodities.iter().map(|commodity| &commodity.name);
        problems.extend(repeated(names, |c| format!("model.commodities[{c}].name"), "each commodity once"));
        for (c, commodity) in self.commodities.iter().enumerate() {
            problems.extend(commodity.problems(&format!("model.commodities[{c}]")));
        }
        let mut paired = BTreeSet::new();
        for (i, credit) in self.credits.iter().enumerate() {
            let path = format!("model.credits[{i}]");
            problems.extend(credit.problems(&path));
            problems.extend(self.leg_problems(&path, credit));
            for (leg, name) in credit.commodities.iter().enumerate().filter(|(_, name)| !paired.insert(*name)) {
                let expected = "each commodity in one pair, once";
                let found = format!("{name} again");
                problems.push(Problem::new(format!("{path}.commodities[{leg}]"), expected, found).advise(GREEDY));
            }
        }
        problems
    }

    /// What makes the commodities of a credit no pair.
    fn leg_problems(&self, path: &str, credit: &SpreadCredit) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut legs: Vec<&CombinedCommodity> = Vec::new();
        for (leg, name) in credit.commodities.iter().enumerate() {
            let path = format!("{path}.commodities[{leg}]");
            let Some(commodity) = self.commodities.iter().find(|commodity| commodity.name == *name) else {
                problems.push(Problem::new(path, "the name of a commodity of the model", name.to_string()));
                continue;
            };
            legs.push(commodity);
            if commodity.outright.is_none() {
                let expected = "a commodity with an outright charge";
                let found = format!("{name}, whose members have risk arrays");
                problems.push(Problem::new(path, expected, found).advise(SCAN_RISK));
            } else if commodity.short_option_minimum.is_some() {
                let expected = "a commodity without a short option minimum";
                problems.push(Problem::new(path, expected, format!("{name}, which has one")).advise(FLOOR));
            }
        }
        let same = |pair: &[&CombinedCommodity]| match pair {
            [x, y] => x.outright == y.outright && x.decimals == y.decimals,
            _ => true,
        };
        if legs.iter().all(|commodity| commodity.outright.is_some()) && !legs.windows(2).all(same) {
            let expected = "two commodities with the same outright charge and decimals";
            problems.push(Problem::new(format!("{path}.commodities"), expected, "different ones").advise(UNIFORM));
        }
        problems
    }
}

impl SpreadCredit {
    fn problems(&self, path: &str) -> Vec<Problem> {
        let count = self.commodities.len();
        let two = require(count == 2, format!("{path}.commodities"), "two commodities", count);
        let ratio = self.ratio.iter().map(u32::to_string).collect::<Vec<_>>().join(" to ");
        let ratio = require(ratio == "1 to 1", format!("{path}.ratio"), "the ratio 1 to 1", ratio);
        let outright = self.basis == CreditBasis::Outright;
        let basis = require(outright, format!("{path}.basis"), "a credit on outright charges", "scan-risk");
        let (expected, found) = ("at most 100 %", self.credit);
        let share = require(self.credit <= Ppm::ONE, format!("{path}.credit"), expected, found);
        let advised = [(two, LEGS), (ratio, UNIFORM), (basis, SCAN_RISK), (share, UNIFORM)];
        advised.into_iter().filter_map(|(problem, reason)| Some(problem?.advise(reason))).collect()
    }
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
