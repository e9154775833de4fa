//! Where accounts and totals lie in a page's column of holdings.
//!
//! | rows | use |
//! |---|---|
//! | those of the universe's instruments | balances owed to accounts of kinds without debts |
//! | `t mod 256 ≥ 250`, the first that are slots | balances owed to accounts of kinds with debts, debts, shortfalls |
//! | the blinding rows | masks |
//! | one coset for each account | the account's identity, then its balances |
//!
//! Custodians state reserves as they state the balances of any account: in the rows of the universe's instruments. So
//! statements and pages add up, and reserves less what is owed lies in the same rows. No coset that accounts have
//! contains a row of the first two kinds, and no row lies where any division of the class has the head of a group.

use std::collections::BTreeSet;

use surety_core::capacity::{Capacity, Groups, Row};
use surety_kzg::cell::{CellLayout, LayoutError, is_never_opened};

/// Why there is no layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageLayoutError {
    /// The totals do not fit.
    #[error(
        "expected room for {needed} totals in the rows that stay closed at k = {k}, found {room}; use a larger \
         capacity class, or fewer instruments"
    )]
    Totals {
        /// Totals that there must be rows for.
        needed: usize,
        /// Rows that there are.
        room: usize,
        /// The capacity class.
        k: u32,
    },
    /// The accounts do not fit.
    #[error("expected room for {accounts} accounts of {width} rows each at k = {k}, found {room}")]
    Accounts {
        /// Accounts asked for.
        accounts: usize,
        /// Rows of each.
        width: usize,
        /// The capacity class.
        k: u32,
        /// Accounts that there is room for, at most.
        room: usize,
    },
    /// The cells.
    #[error(transparent)]
    Cells(#[from] LayoutError),
}

/// The rows of the totals; the same in all pages of a universe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Balances owed to accounts of kinds without debts, for each instrument of the universe.
    pub balances: Vec<Row>,
    /// Net balances of accounts of kinds with debts, for each instrument.
    pub net: Vec<Row>,
    /// What is owed by accounts, for each instrument.
    pub debts: Vec<Row>,
    /// The sum of shortfalls, in lots of the quote instrument.
    pub shortfall: Row,
}

impl Totals {
    /// The rows for so many instruments.
    ///
    /// # Errors
    /// If they do not fit.
    pub fn new(capacity: Capacity, instruments: usize) -> Result<Self, PageLayoutError> {
        let k = capacity.k();
        let none = |needed, room| PageLayoutError::Totals { needed, room, k };
        let balances: Option<Vec<Row>> = (0..instruments).map(|index| capacity.instrument(index)).collect();
        let balances = balances.ok_or(none(instruments, capacity.instruments()))?;
        let taken: BTreeSet<Row> = balances.iter().copied().collect();
        let mut closed: Vec<Row> = Groups::finest(capacity)
            .slots()
            .filter(|row| is_never_opened(row.index()) && !taken.contains(row))
            .collect();
        let (needed, room) = (2 * instruments + 1, closed.len());
        if room < needed {
            return Err(none(needed, room));
        }
        closed.truncate(needed);
        let shortfall = closed[2 * instruments];
        let debts = closed[instruments..2 * instruments].to_vec();
        closed.truncate(instruments);
        Ok(Self { balances, net: closed, debts, shortfall })
    }

    /// All of them: balances, net balances and debts of each instrument, then the shortfall.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        [self.balances.as_slice(), &self.net, &self.debts, &[self.shortfall]].concat()
    }
}

/// Where everything lies in the pages of a kind. Public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageLayout {
    totals: Totals,
    cells: CellLayout,
}

impl PageLayout {
    /// The layout for so many accounts of so many balances each, in a universe of so many instruments.
    ///
    /// # Errors
    /// If accounts or totals do not fit.
    pub fn new(
        capacity: Capacity,
        instruments: usize,
        tracked: usize,
        accounts: usize,
    ) -> Result<Self, PageLayoutError> {
        let totals = Totals::new(capacity, instruments)?;
        let slots: Vec<Row> = Groups::finest(capacity).slots().collect();
        let width = tracked + 1;
        // What is too large for any number of cosets is for all that there are.
        let least = accounts.checked_next_power_of_two().unwrap_or(usize::MAX);
        let (mut cosets, mut room) = (CellLayout::MIN_COSETS.max(least), 0);
        while capacity.rows() / cosets >= width.max(2) {
            let cells = cells(capacity, cosets, width, &totals, &slots);
            room = room.max(cells.len());
            if cells.len() >= accounts {
                let cells = cells.into_iter().take(accounts).collect();
                return Ok(Self { totals, cells: CellLayout::new(capacity, cosets, cells)? });
            }
            cosets *= 2;
        }
        Err(PageLayoutError::Accounts { accounts, width, k: capacity.k(), room })
    }

    /// The rows of the totals.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The cells: for each account its coset, the row of its identity, and those of its balances.
    #[must_use]
    pub fn cells(&self) -> &CellLayout {
        &self.cells
    }

    /// The cells alone.
    #[must_use]
    pub fn into_cells(self) -> CellLayout {
        self.cells
    }

    /// How many accounts there are.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.cells.cells().len()
    }

    /// The rows that programs read: the balances of each account, then the totals.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let balances = self.cells.cells().iter().flat_map(|cell| &cell.rows()[1..]);
        balances.copied().chain(self.totals.rows()).collect()
    }
}

/// The rows of the cells that there can be, by coset: those of cosets without closed rows and totals, with as many
/// slots as are needed.
fn cells(capacity: Capacity, cosets: usize, width: usize, totals: &Totals, slots: &[Row]) -> Vec<Vec<Row>> {
    let taken: BTreeSet<usize> = totals.rows().iter().map(|row| row.index() % cosets).collect();
    let closed = |coset: usize| (coset..capacity.rows()).step_by(cosets).any(is_never_opened);
    // A user who checks one cell makes the layout of all: room for their rows is made once, and only for open cosets.
    let room = |coset| (!taken.contains(&coset) && !closed(coset)).then(|| Vec::with_capacity(width));
    let mut rows: Vec<Option<Vec<Row>>> = (0..cosets).map(room).collect();
    for row in slots {
        if let Some(rows) = rows[row.index() % cosets].as_mut().filter(|rows| rows.len() < width) {
            rows.push(*row);
        }
    }
    rows.into_iter().flatten().filter(|rows| rows.len() == width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_totals_never_share_a_coset_or_a_head() {
        for (k, instruments, tracked, accounts) in [(10, 3, 3, 40), (12, 5, 2, 200), (13, 5, 5, 300), (16, 8, 8, 2_700)]
        {
            let capacity = Capacity::new(k).unwrap();
            let layout = PageLayout::new(capacity, instruments, tracked, accounts).unwrap();
            assert_eq!(layout.accounts(), accounts);
            let cells = layout.cells();
            let all = layout.rows();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "rows are distinct");
            let finest = Groups::finest(capacity);
            for row in all.iter().take(accounts * tracked) {
                assert!(finest.is_slot(*row) && !is_never_opened(row.index()));
            }
            for total in layout.totals().rows() {
                assert!(cells.cells().iter().all(|cell| cell.coset().0 != total.index() % cells.cosets()));
                assert!(Groups::long(capacity).is_slot(total));
            }
            for blinding in capacity.tail() {
                assert!(cells.cells().iter().all(|cell| cell.coset().0 != blinding % cells.cosets()), "k = {k}");
            }
        }
    }

    #[test]
    fn rejects_more_accounts_than_there_is_room_for() {
        let capacity = Capacity::new(10).unwrap();
        let error = PageLayout::new(capacity, 3, 3, 400).unwrap_err();
        assert!(matches!(error, PageLayoutError::Accounts { accounts: 400, width: 4, k: 10, .. }), "{error}");
        for accounts in [u32::MAX as usize, usize::MAX] {
            let error = PageLayout::new(capacity, 3, 3, accounts).unwrap_err();
            assert!(matches!(error, PageLayoutError::Accounts { room: 0, .. }), "{error}");
        }
    }

    #[test]
    fn rejects_more_totals_than_closed_rows() {
        let error = PageLayout::new(Capacity::new(10).unwrap(), 20, 3, 4).unwrap_err();
        assert!(matches!(error, PageLayoutError::Totals { needed: 41, k: 10, .. }), "{error}");
    }
}
