//! What a role may spend of something within a day, counted so that no crash lets it spend more.

use surety_core::units::Timestamp;

use super::{DAY, KEPT};
use crate::state::{Shelf, State, StateError};

/// Amounts spent, by time, in units of whoever asks.
pub(super) struct Allowance<'a> {
    state: &'a State,
    shelf: Shelf,
    a_day: u128,
}

/// An amount that was counted, and may turn out not to be spent.
pub(super) struct Counted(u64);

impl<'a> Allowance<'a> {
    pub(super) fn new(state: &'a State, shelf: Shelf, a_day: u128) -> Self {
        Self { state, shelf, a_day }
    }

    /// What is left of the day that ends now.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub(super) fn left(&self, now: Timestamp) -> Result<u128, StateError> {
        let numbers = self.state.numbers(&self.shelf, now.0.saturating_sub(DAY), KEPT)?;
        if numbers.len() >= KEPT as usize {
            // What was spent before these is forgotten.
            return Ok(0);
        }
        let mut spent = 0_u128;
        for at in numbers {
            let amount = self.state.at(&self.shelf, at)?.and_then(|text| text.parse::<u128>().ok());
            // What nobody can read was spent, however much it was.
            spent = spent.saturating_add(amount.unwrap_or(u128::MAX));
        }
        Ok(self.a_day.saturating_sub(spent))
    }

    /// Counts an amount, before it is spent: what a crash leaves open is not spent twice.
    ///
    /// # Errors
    /// If the state cannot be changed.
    pub(super) fn count(&self, amount: u128, now: Timestamp) -> Result<Counted, StateError> {
        let number = self.state.newest_number(&self.shelf)?.map_or(now.0, |last| now.0.max(last + 1));
        self.state.put(&self.shelf, number, &amount.to_string())?;
        self.state.keep_newest(&self.shelf, KEPT)?;
        Ok(Counted(number))
    }

    /// Takes an amount back that was not spent.
    ///
    /// # Errors
    /// If the state cannot be changed.
    pub(super) fn take_back(&self, Counted(number): Counted) -> Result<(), StateError> {
        self.state.remove(&self.shelf, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack: a role that is killed again and again between counting and spending, or within a second.
    #[test]
    fn rejects_spending_more_than_a_days_allowance() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = || Shelf::new(&["spent"]);
        let left = |state: &State, now| Allowance::new(state, shelf(), 100).left(Timestamp(now)).unwrap();
        let now = 10 * DAY;
        {
            let state = State::open(directory.path()).unwrap();
            let allowance = Allowance::new(&state, shelf(), 100);
            assert_eq!(left(&state, now), 100);
            let first = allowance.count(30, Timestamp(now)).unwrap();
            allowance.count(60, Timestamp(now)).unwrap();
            assert_eq!(left(&state, now), 10);
            allowance.take_back(first).unwrap();
            assert_eq!(left(&state, now), 40);
        }
        let state = State::open(directory.path()).unwrap();
        assert_eq!((left(&state, now), left(&state, now + DAY), left(&state, now + DAY + 2)), (40, 40, 100));
        // A clock that is set back gives nothing back.
        assert_eq!(left(&state, now - 5), 40);
        state.put(&shelf(), now + 9, "something else").unwrap();
        assert_eq!(left(&state, now + 9), 0);
    }
}
