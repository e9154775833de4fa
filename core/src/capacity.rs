//! Capacity classes: how the rows of the circuit are used, as plain integers.
//!
//! | rows | `ROW` | `BASE` | use |
//! |---|---|---|---|
//! | 0 | 0 | 0 | address 0, which no program reads |
//! | 1 | 1 | 1 | the constant one |
//! | 2 | 2 | 0 | nothing (here `S` is neither 0 nor 1) |
//! | 3 … | t | `b … b 0` | limb groups of `w` rows: the head is a variable, the rows behind it are slots for holdings |
//! | … `usable - 2` | t | 0 | nothing: too short for a group |
//! | `usable - 1` | 0 | 0 | last usable row |
//! | `usable` … `n - 1` | 0 | 0 | blinding rows |
//!
//! The table of a program lies beside it, in rows `1 ..= usable - 2` of other columns.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// Rows at the end of each column that Halo2 fills at random: its blinding factors and one.
pub const TAIL_ROWS: usize = 6;

/// Version of the layout of this module, part of every universe's identifier.
///
/// Version 1 set 64 slots apart for masks, which proofs used up.
pub const LAYOUT_VERSION: u32 = 2;

/// Range-checked values must at least reach this power of two.
const RANGE_BITS: u32 = 95;

/// The row that holds the constant one.
const ONE_ROW: usize = 1;

/// The first row of the first limb group.
const FIRST_GROUP: usize = 3;

/// A row of the circuit, as an address of its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(usize);

impl Row {
    /// Address 0: what rows without a purpose name. Its value is never used.
    pub const NEVER_READ: Self = Self(0);

    /// The row's number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// A size of the circuit: `2^k` rows, for k from 9 to 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Capacity(#[schemars(range(min = 9, max = 16))] u32);

impl Capacity {
    /// The smallest k.
    pub const MIN_K: u32 = 9;
    /// The largest k.
    pub const MAX_K: u32 = 16;

    /// The capacity class of `2^k` rows.
    ///
    /// # Errors
    /// If k is not from 9 to 16.
    pub fn new(k: u32) -> Result<Self, String> {
        if !(Self::MIN_K..=Self::MAX_K).contains(&k) {
            return Err(format!("expected a capacity class k from {} to {}, found {k}", Self::MIN_K, Self::MAX_K));
        }
        Ok(Self(k))
    }

    /// All capacity classes, smallest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (Self::MIN_K..=Self::MAX_K).map(Self)
    }

    /// Binary logarithm of the number of rows.
    #[must_use]
    pub fn k(self) -> u32 {
        self.0
    }

    /// Number of rows, `n = 2^k`.
    #[must_use]
    pub fn rows(self) -> usize {
        1 << self.0
    }

    /// Number of rows that are not blinding rows.
    #[must_use]
    pub fn usable(self) -> usize {
        self.rows() - TAIL_ROWS
    }

    /// The range base `b = usable - 1`: each limb lies in `[0, b)`.
    #[must_use]
    pub fn base(self) -> u64 {
        self.usable() as u64 - 1
    }

    /// Limbs of a variable: the smallest `w` with `b^w >= 2^95`.
    #[must_use]
    pub fn limbs(self) -> usize {
        let mut limbs = 1;
        let mut reach = u128::from(self.base());
        while reach < 1 << RANGE_BITS {
            reach *= u128::from(self.base());
            limbs += 1;
        }
        limbs
    }

    /// Variables range over `[0, b^w)`; this is `b^w`, between `2^95` and `2^112`.
    #[must_use]
    pub fn variable_bound(self) -> u128 {
        u128::from(self.base()).pow(self.limbs() as u32)
    }

    /// The row that holds the constant one.
    #[must_use]
    pub fn one(self) -> Row {
        Row(ONE_ROW)
    }

    /// How many variables there are, if all are long. Only whole groups count.
    #[must_use]
    pub fn variables(self) -> usize {
        (self.usable() - 1 - FIRST_GROUP) / self.limbs()
    }

    /// The head of a variable's limb group, which is the variable's address, if all are long.
    #[must_use]
    pub fn variable(self, index: usize) -> Option<Row> {
        Groups::long(self).head(index)
    }

    /// How many slots there are for holdings: the rows of the limb groups other than their heads.
    #[must_use]
    pub fn slots(self) -> usize {
        self.variables() * (self.limbs() - 1)
    }

    /// A slot, by its place among the slots. A slot that no instrument is assigned to is read by no program.
    #[must_use]
    pub fn slot(self, index: usize) -> Option<Row> {
        let per_group = self.limbs() - 1;
        let row = FIRST_GROUP + (index / per_group) * self.limbs() + 1 + index % per_group;
        (index < self.slots()).then_some(Row(row))
    }

    /// How many instruments a universe may have: one for each slot.
    #[must_use]
    pub fn instruments(self) -> usize {
        self.slots()
    }

    /// The row of an instrument's holding: the slots are assigned in their order.
    #[must_use]
    pub fn instrument(self, index: usize) -> Option<Row> {
        self.slot(index)
    }

    /// The rows where the column `BLIND` is random: the blinding rows. It is zero in all others.
    #[must_use]
    pub fn tail(self) -> core::ops::Range<usize> {
        self.usable()..self.rows()
    }

    /// How many rows a program's table may have: it occupies rows `1 ..= usable - 2`.
    #[must_use]
    pub fn program_rows(self) -> usize {
        self.usable() - 2
    }

    /// The rows of a program's table, first entry first.
    pub fn table_rows(self) -> impl ExactSizeIterator<Item = Row> {
        (1..self.program_rows() + 1).map(Row)
    }

    /// The fixed column `ROW`: address, range table and selector of the gates in one.
    #[must_use]
    pub fn row_column(self) -> Vec<u64> {
        (0..self.rows()).map(|t| if t < self.usable() - 1 { t as u64 } else { 0 }).collect()
    }
}

/// The limb groups of a capacity class: long ones first, and so many short ones behind them.
///
/// A short group has half as many rows as a long one, so that two take the place of one. Every row that heads a long
/// group heads a group in every division of the class, and a row that is no head of a short group is a slot in all of
/// them: a holding can lie in the same row whatever the division. As long as the first groups are long, the first
/// instruments of a universe have their rows in every division, too.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Groups {
    capacity: Capacity,
    short: usize,
}

impl From<Capacity> for Groups {
    /// Long groups alone.
    fn from(capacity: Capacity) -> Self {
        Self::long(capacity)
    }
}

impl Groups {
    /// Long groups alone.
    #[must_use]
    pub fn long(capacity: Capacity) -> Self {
        Self { capacity, short: 0 }
    }

    /// So many short groups, behind the long ones.
    ///
    /// # Errors
    /// If the number is odd, or there is no room for so many, or the class has an odd number of limbs.
    pub fn with_short(capacity: Capacity, short: usize) -> Result<Self, String> {
        let room = 2 * capacity.variables();
        if !capacity.limbs().is_multiple_of(2) {
            return Err(format!(
                "short groups at k = {}: expected an even number of limbs, found {}",
                capacity.k(),
                capacity.limbs()
            ));
        }
        if !short.is_multiple_of(2) || short > room {
            return Err(format!(
                "short groups at k = {}: expected an even number up to {room}, found {short}",
                capacity.k()
            ));
        }
        Ok(Self { capacity, short })
    }

    /// As many short groups as there can be. What is a slot here is one in every division of the class.
    #[must_use]
    pub fn finest(capacity: Capacity) -> Self {
        Self::with_short(capacity, 2 * capacity.variables()).unwrap_or(Self::long(capacity))
    }

    /// The capacity class.
    #[must_use]
    pub fn capacity(self) -> Capacity {
        self.capacity
    }

    /// The rows where holdings may lie, ascending.
    pub fn slots(self) -> impl Iterator<Item = Row> {
        let (limbs, long) = (self.capacity.limbs(), self.long_ones());
        (0..self.capacity.variables()).flat_map(move |place| {
            // Two short groups lie where a long one would.
            let second = if place < long { limbs } else { limbs / 2 };
            let rows = (1..limbs).filter(move |offset| *offset != second);
            rows.map(move |offset| Row(FIRST_GROUP + place * limbs + offset))
        })
    }

    /// How many groups are short: the last ones.
    #[must_use]
    pub fn short(self) -> usize {
        self.short
    }

    /// How many groups there are, each a variable.
    #[must_use]
    pub fn count(self) -> usize {
        self.short + self.long_ones()
    }

    /// Limbs of a group.
    #[must_use]
    pub fn limbs(self, group: usize) -> usize {
        if group < self.long_ones() { self.capacity.limbs() } else { self.capacity.limbs() / 2 }
    }

    /// The variable of a group is below this, `b` to the number of limbs.
    #[must_use]
    pub fn bound(self, group: usize) -> u128 {
        u128::from(self.capacity.base()).pow(self.limbs(group) as u32)
    }

    /// The head of a group, which is the address of its variable.
    #[must_use]
    pub fn head(self, group: usize) -> Option<Row> {
        // Two short groups take the rows of a long one.
        let halves = group + group.min(self.long_ones());
        (group < self.count()).then(|| Row(FIRST_GROUP + halves * self.capacity.limbs() / 2))
    }

    /// The fixed column `BASE`: `b` inside a limb group, 1 at the constant one, else 0.
    #[must_use]
    pub fn base_column(self) -> Vec<u64> {
        let mut column = vec![0; self.capacity.rows()];
        column[ONE_ROW] = 1;
        for (group, head) in (0..).map_while(|group| self.head(group)).enumerate() {
            column[head.index()..head.index() + self.limbs(group) - 1].fill(self.capacity.base());
        }
        column
    }

    /// Whether a holding may lie in a row: behind the head of its group.
    #[must_use]
    pub fn is_slot(self, row: Row) -> bool {
        let Some(offset) = row.0.checked_sub(FIRST_GROUP) else { return false };
        let limbs = self.capacity.limbs();
        let whole = self.capacity.variables() * limbs;
        // Short groups are even in number, so that they begin where a long one would.
        let heads = if offset < self.long_ones() * limbs { limbs } else { limbs / 2 };
        offset < whole && !offset.is_multiple_of(heads)
    }

    /// How many groups are long: the first ones.
    #[must_use]
    pub fn long_ones(self) -> usize {
        self.capacity.variables() - self.short / 2
    }
}

impl<'de> Deserialize<'de> for Capacity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u32::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_whole_and_slots_lie_inside_them() {
        for capacity in Capacity::all() {
            let base = Groups::long(capacity).base_column();
            assert!(capacity.variable_bound() >= 1 << RANGE_BITS);
            assert!(capacity.variable_bound() / u128::from(capacity.base()) < 1 << RANGE_BITS);
            let last = capacity.variable(capacity.variables() - 1).unwrap().index() + capacity.limbs() - 1;
            assert!(last <= capacity.usable() - 2);
            assert!(last + capacity.limbs() > capacity.usable() - 2, "one more group would fit");
            for index in 0..capacity.variables() {
                let head = capacity.variable(index).unwrap().index();
                assert_eq!(base[head - 1], 0);
                assert!(base[head..head + capacity.limbs() - 1].iter().all(|&b| b == capacity.base()));
                assert_eq!(base[head + capacity.limbs() - 1], 0);
            }
            let slots = (0..capacity.instruments()).map(|index| capacity.instrument(index).unwrap());
            let mut seen = std::collections::BTreeSet::new();
            for row in slots {
                assert!(seen.insert(row), "slots are distinct");
                assert_eq!(base[row.index() - 1], capacity.base(), "a slot lies where S = 0");
            }
            assert_eq!(seen.len(), capacity.slots());
            assert_eq!(capacity.instrument(capacity.instruments()), None);
            assert_eq!(capacity.variable(capacity.variables()), None);
        }
    }

    fn divisions(capacity: Capacity) -> impl Iterator<Item = Groups> {
        let some = [0, 2, 4, capacity.variables() & !1, 2 * capacity.variables()];
        some.into_iter().filter_map(move |short| Groups::with_short(capacity, short).ok())
    }

    #[test]
    fn long_groups_come_first_and_their_heads_are_heads_of_short_ones() {
        for groups in Capacity::all().flat_map(divisions) {
            let (capacity, base) = (groups.capacity(), groups.base_column());
            let finest = capacity.limbs() / 2;
            let mut next = FIRST_GROUP;
            for group in 0..groups.count() {
                let (head, limbs) = (groups.head(group).unwrap().index(), groups.limbs(group));
                assert_eq!((head, (head - FIRST_GROUP) % finest), (next, 0), "{groups:?}");
                assert_eq!(limbs, if group < groups.long_ones() { capacity.limbs() } else { finest });
                assert_eq!(groups.bound(group), u128::from(capacity.base()).pow(limbs as u32));
                assert!(base[head..head + limbs - 1].iter().all(|base| *base == capacity.base()));
                assert_eq!(base[head + limbs - 1], 0);
                next = head + limbs;
            }
            assert!((next..next + capacity.limbs()).contains(&(capacity.usable() - 1)), "{groups:?}");
            assert!(base[next..].iter().all(|base| *base == 0));
            assert_eq!(groups.head(groups.count()), None);
            for row in 0..capacity.rows() {
                let behind = row > 0 && base[row - 1] == capacity.base();
                assert_eq!(groups.is_slot(Row(row)), behind, "{groups:?}, row {row}");
            }
        }
    }

    #[test]
    fn slots_of_the_finest_division_are_slots_of_every_other() {
        for groups in Capacity::all().flat_map(divisions) {
            let finest = Groups::finest(groups.capacity());
            assert!(finest.slots().all(|row| groups.is_slot(row)), "{groups:?}");
            let rows = (0..groups.capacity().rows()).map(Row).filter(|row| groups.is_slot(*row));
            assert!(groups.slots().eq(rows), "{groups:?}");
        }
    }

    #[test]
    fn short_groups_are_pinned() {
        let bits = |k: u32| {
            let groups = Groups::with_short(Capacity::new(k).unwrap(), 2).ok()?;
            let last = groups.count() - 1;
            Some((k, groups.limbs(last), groups.bound(last).ilog2()))
        };
        let sizes: Vec<_> = (Capacity::MIN_K..=Capacity::MAX_K).filter_map(bits).collect();
        assert_eq!(sizes, [(10, 5, 49), (12, 4, 47), (13, 4, 51), (16, 3, 47)]);
    }

    #[test]
    fn rejects_divisions_without_room() {
        let capacity = Capacity::new(10).unwrap();
        for (short, found) in [(3, "found 3"), (204, "up to 202, found 204"), (usize::MAX - 1, "found 1844")] {
            let error = Groups::with_short(capacity, short).unwrap_err();
            assert!(error.contains(found), "{error}");
        }
        assert!(Groups::with_short(capacity, 202).is_ok());
        let error = Groups::with_short(Capacity::new(11).unwrap(), 2).unwrap_err();
        assert!(error.contains("even number of limbs, found 9"), "{error}");
    }

    #[test]
    fn sizes_are_pinned() {
        let sizes: Vec<_> = Capacity::all().map(|c| (c.k(), c.limbs(), c.variables(), c.instruments())).collect();
        assert_eq!(
            sizes,
            [
                (9, 11, 45, 450),
                (10, 10, 101, 909),
                (11, 9, 226, 1808),
                (12, 8, 510, 3570),
                (13, 8, 1022, 7154),
                (14, 7, 2339, 14034),
                (15, 7, 4679, 28074),
                (16, 6, 10921, 54605),
            ]
        );
    }
}
