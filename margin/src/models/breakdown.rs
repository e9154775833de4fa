//! The margin of an account as a model computes it, and its parts by name.

use alloy_primitives::I256;
use surety_core::ident::Name;

/// What a model computes for a level, in its frame's scale.
#[derive(Clone, Default)]
pub(crate) struct Breakdown {
    pub(crate) equity: I256,
    pub(crate) credits: Vec<(String, I256)>,
    pub(crate) requirement: I256,
    pub(crate) charges: Vec<(String, I256)>,
    pub(crate) worst_scenario: Option<String>,
    pub(crate) scenarios: Vec<(String, I256)>,
    pub(crate) buckets: Vec<(Name, I256)>,
}

impl Breakdown {
    /// What must not be negative. None on overflow.
    pub(crate) fn margin(&self) -> Option<I256> {
        self.equity.checked_sub(self.requirement)
    }

    /// The breakdown of the bucket with the least margin, which knows the margins of all. None on overflow.
    pub(crate) fn worst_of(buckets: Vec<(Name, Self)>) -> Option<Self> {
        let margins = buckets.iter().map(|(name, breakdown)| Some((name.clone(), breakdown.margin()?)));
        let margins = margins.collect::<Option<Vec<_>>>()?;
        let worst = buckets.into_iter().map(|(_, breakdown)| breakdown).min_by_key(Self::margin).unwrap_or_default();
        Some(Self { buckets: margins, ..worst })
    }

    /// Counts everything that another one counts, too. None on overflow.
    pub(crate) fn add(&mut self, other: Self) -> Option<()> {
        self.credit(other.equity)?;
        self.requirement = self.requirement.checked_add(other.requirement)?;
        self.credits.extend(other.credits);
        self.charges.extend(other.charges);
        self.scenarios.extend(other.scenarios);
        self.buckets.extend(other.buckets);
        self.worst_scenario = self.worst_scenario.take().or(other.worst_scenario);
        Some(())
    }

    /// Counts towards equity. None on overflow.
    pub(crate) fn credit(&mut self, amount: I256) -> Option<()> {
        self.equity = self.equity.checked_add(amount)?;
        Some(())
    }

    /// Counts towards equity, under a name. None on overflow.
    pub(crate) fn credit_for(&mut self, name: &str, amount: I256) -> Option<()> {
        self.credit(amount)?;
        if !amount.is_zero() {
            self.credits.push((name.to_owned(), amount));
        }
        Some(())
    }

    /// Notes what a scenario does.
    pub(crate) fn scenario(&mut self, name: String, result: I256) {
        self.scenarios.push((name, result));
    }

    /// Counts towards the requirement. None on overflow.
    pub(crate) fn charge(&mut self, name: String, amount: I256) -> Option<()> {
        self.requirement = self.requirement.checked_add(amount)?;
        if !amount.is_zero() {
            self.charges.push((name, amount));
        }
        Some(())
    }
}
