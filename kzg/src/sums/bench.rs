//! Sums of groups of points, and of buckets by their weights.

use std::sync::{Mutex, PoisonError};

use group::Group as _;
use halo2curves::bn256::{G1, G1Affine};
use surety_wide::Lanes;

use crate::{secret::Wiped, sums::adder::Adder};

/// What one sum after the other is computed in, on one thread. Buffers grow to what the longest sum takes, and are
/// wiped in the end.
pub(crate) struct Bench {
    adder: Adder,
    /// Twice the size of each digit, plus one if it is negative.
    pub(crate) digits: Wiped<u32>,
    /// The terms of a sum, group by group, see [`Adder::halve`].
    pub(crate) entries: Wiped<u32>,
    /// The sums of the groups that have any terms.
    totals: Wiped<G1Affine>,
    /// The totals before, while they are summed themselves.
    source: Wiped<G1Affine>,
    block: Block,
}

/// The points that are being summed.
struct Block {
    points: Wiped<G1Affine>,
    /// Where their sums go, until both change places.
    sums: Wiped<G1Affine>,
}

/// So many terms are summed before the next: their sums stay in the second cache, 384 KiB of them.
const BLOCK: u32 = 1 << 13;

/// Benches for those threads that need one.
pub(crate) struct Benches {
    lanes: Lanes,
    careful: bool,
    idle: Mutex<Vec<Bench>>,
}

impl Benches {
    /// `careful` if there may be identities among the points.
    pub(crate) fn new(lanes: Lanes, careful: bool) -> Self {
        Self { lanes, careful, idle: Mutex::default() }
    }

    /// Works at a bench that nobody else works at.
    pub(crate) fn at<T>(&self, work: impl FnOnce(&mut Bench) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bench = idle().pop().unwrap_or_else(|| Bench::new(self.lanes, self.careful));
        let result = work(&mut bench);
        idle().push(bench);
        result
    }
}

/// The first cells of a buffer that has so many.
pub(crate) fn room<T: Copy + Default>(buffer: &mut Wiped<T>, count: usize) -> &mut [T] {
    if buffer.len() < count {
        *buffer = Wiped::new(count);
    }
    &mut buffer[..count]
}

impl Bench {
    /// `careful` if there may be identities among the points.
    pub(crate) fn new(lanes: Lanes, careful: bool) -> Self {
        Self {
            adder: Adder::new(lanes, careful),
            digits: Wiped::new(0),
            entries: Wiped::new(0),
            totals: Wiped::new(0),
            source: Wiped::new(0),
            block: Block { points: Wiped::new(0), sums: Wiped::new(0) },
        }
    }

    /// Sums each group of entries, which are terms from a source; `lengths` become one or zero.
    pub(crate) fn sum_entries(&mut self, source: &[G1Affine], lengths: &mut [u32]) {
        let mut totals = room(&mut self.totals, lengths.iter().filter(|length| **length > 0).count());
        let (mut entries, mut rest) = (&*self.entries, lengths);
        while !rest.is_empty() {
            let (lengths, behind) = rest.split_at_mut(groups_of_block(rest));
            let (terms, entries_behind) = entries.split_at(lengths.iter().sum::<u32>() as usize);
            let sums = self.block.sum(&mut self.adder, source, terms, lengths);
            let (place, totals_behind) = totals.split_at_mut(sums.len());
            place.copy_from_slice(sums);
            (totals, entries, rest) = (totals_behind, entries_behind, behind);
        }
    }

    /// Lists terms group by group; returns how many each group has. `belongs` gives terms, each with the number of a
    /// group that it is in.
    fn list<I: Iterator<Item = (u32, usize)>>(&mut self, groups: usize, belongs: impl Fn() -> I) -> Wiped<u32> {
        let (mut lengths, mut ends) = (Wiped::<u32>::new(groups), Wiped::<u32>::new(groups));
        belongs().for_each(|(_, group)| lengths[group] += 1);
        for group in 1..groups {
            ends[group] = ends[group - 1] + lengths[group - 1];
        }
        let entries = room(&mut self.entries, lengths.iter().sum::<u32>() as usize);
        for (term, group) in belongs() {
            entries[ends[group] as usize] = term;
            ends[group] += 1;
        }
        lengths
    }

    /// Sums the terms of each group, from a source, and says which groups have any. `belongs` gives terms, see
    /// [`Adder::halve`], each with the number of a group that it is in.
    pub(crate) fn sum_terms<I: Iterator<Item = (u32, usize)>>(
        &mut self,
        source: &[G1Affine],
        groups: usize,
        belongs: impl Fn() -> I,
    ) -> Wiped<u32> {
        let mut lengths = self.list(groups, belongs);
        self.sum_entries(source, &mut lengths);
        lengths
    }

    /// The same for terms from the points that were summed before.
    fn sum_groups<I: Iterator<Item = (u32, usize)>>(&mut self, groups: usize, belongs: impl Fn() -> I) -> Wiped<u32> {
        let mut source = core::mem::replace(&mut self.source, Wiped::new(0));
        core::mem::swap(&mut self.totals, &mut source);
        let lengths = self.sum_terms(&source, groups, belongs);
        self.source = source;
        lengths
    }

    /// `Σ (i + 1)·B_i` over the buckets of each of some sums, which all have as many; only buckets of length one are
    /// among the points.
    ///
    /// The buckets of a sum are a square. With `i = high·side + low`, the sum is
    /// `side·Σ high·(row) + Σ (low + 1)·(column)`. Rows and columns are summed first, then those whose weights have a
    /// bit in common, all in batches.
    pub(crate) fn weigh(&mut self, lengths: &[u32], sums: usize) -> Wiped<G1> {
        let buckets = lengths.len() / sums.max(1);
        if buckets == 0 {
            return Wiped::new(sums);
        }
        let log_side = buckets.ilog2() / 2;
        let (rows, columns) = (buckets.div_ceil(1 << log_side), 1 << log_side);
        let lines = rows + columns;
        let belongs = || {
            let occupied = lengths.iter().enumerate().filter(|(_, length)| **length > 0).enumerate();
            occupied.flat_map(|(place, (index, _))| {
                let (term, first, index) = ((place as u32) << 1, index / buckets * lines, index % buckets);
                [(term, first + (index >> log_side)), (term, first + rows + (index & (columns - 1)))]
            })
        };
        let occupied = self.sum_groups(sums * lines, belongs);

        let bits = buckets.ilog2() as usize + 1;
        let weight = |line: usize| if line < rows { line << log_side } else { line - rows + 1 };
        let occupied = occupied.iter().enumerate().filter(|(_, occupied)| **occupied > 0).enumerate();
        let belongs = || {
            occupied.clone().flat_map(|(place, (line, _))| {
                let (first, weight) = (line / lines * bits, weight(line % lines));
                let ones = (0..bits).filter(move |bit| weight >> bit & 1 == 1);
                ones.map(move |bit| ((place as u32) << 1, first + bit))
            })
        };
        let occupied = self.sum_groups(sums * bits, belongs);
        self.by_powers_of_two(&occupied, sums)
    }

    /// `Σ 2^i·P_i` over the points of each of some sums, which all have as many places; only places that are occupied
    /// are among the points.
    pub(crate) fn by_powers_of_two(&self, occupied: &[u32], sums: usize) -> Wiped<G1> {
        let mut points = self.totals[..occupied.iter().sum::<u32>() as usize].iter().rev();
        let mut weighed = Wiped::new(sums);
        let places = (occupied.len() / sums.max(1)).max(1);
        for (sum, occupied) in weighed.iter_mut().zip(occupied.chunks_exact(places)).rev() {
            *sum = occupied.iter().rev().fold(G1::identity(), |sum, occupied| match occupied {
                0 => sum.double(),
                _ => points.next().map_or(sum, |point| sum.double() + point),
            });
        }
        weighed
    }
}

/// How many groups, whole ones, have the terms of a block.
fn groups_of_block(lengths: &[u32]) -> usize {
    let mut terms = 0;
    let last = lengths.iter().position(|length| {
        terms += length;
        terms >= BLOCK
    });
    last.map_or(lengths.len(), |last| last + 1)
}

impl Block {
    /// The sum of each group that has any terms; `lengths` become one or zero.
    fn sum(&mut self, adder: &mut Adder, source: &[G1Affine], terms: &[u32], lengths: &mut [u32]) -> &[G1Affine] {
        let Self { points, sums } = self;
        let mut count = adder.halve(source, |index| terms[index], lengths, points);
        while lengths.iter().any(|length| *length > 1) {
            count = adder.halve(points, |index| (index as u32) << 1, lengths, sums);
            core::mem::swap(points, sums);
        }
        &points[..count]
    }
}

#[cfg(test)]
mod tests {
    use group::Curve as _;
    use halo2curves::bn256::Fr;

    use super::*;

    fn point(seed: u64) -> G1Affine {
        (G1::generator() * Fr::from(seed)).to_affine()
    }

    #[test]
    fn buckets_are_weighed_by_their_places() {
        for count in [1, 2, 64, 65, 128, 1024] {
            for (lanes, sums) in [(Lanes::One, 1), (Lanes::widest(), 1), (Lanes::One, 3), (Lanes::widest(), 5)] {
                let lengths: Vec<u32> = (0..sums * count).map(|index| u32::from(index % 3 != 1)).collect();
                let occupied = (0..(sums * count) as u64).filter(|index| index % 3 != 1);
                let mut bench = Bench::new(lanes, false);
                let points = room(&mut bench.totals, occupied.clone().count());
                points.iter_mut().zip(occupied.clone()).for_each(|(p, index)| *p = point(index * 7 + 2));
                let mut expected = vec![0; sums];
                occupied.for_each(|i| expected[i as usize / count] += (i % count as u64 + 1) * (i * 7 + 2));
                let expected: Vec<G1> = expected.into_iter().map(|sum| G1::generator() * Fr::from(sum)).collect();
                assert_eq!(*bench.weigh(&lengths, sums), *expected, "{sums} times {count} buckets");
            }
        }
    }

    #[test]
    fn nothing_weighs_nothing() {
        assert_eq!(*Bench::new(Lanes::widest(), false).weigh(&[0; 16], 2), [G1::identity(); 2]);
        assert!(Bench::new(Lanes::widest(), false).weigh(&[], 0).is_empty());
    }
}
