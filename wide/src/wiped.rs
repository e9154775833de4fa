//! Memory that is overwritten after use.

use core::ops::{Deref, DerefMut};

/// Values that follow from secrets: overwritten with their default when dropped.
///
/// Their number is fixed when they are made, so that no growth leaves a copy behind.
#[derive(Clone)]
pub struct Wiped<T: Copy + Default>(Box<[T]>);

impl<T: Copy + Default> Wiped<T> {
    /// So many defaults.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(vec![T::default(); count].into_boxed_slice())
    }
}

impl<T: Copy + Default> Deref for Wiped<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Copy + Default> DerefMut for Wiped<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Copy + Default> zeroize::ZeroizeOnDrop for Wiped<T> {}

impl<T: Copy + Default> Drop for Wiped<T> {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites values with their default in a way that the optimiser keeps.
pub(crate) fn wipe<T: Copy + Default>(values: &mut [T]) {
    values.fill(T::default());
    zeroize::optimization_barrier(values);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiping_leaves_defaults() {
        let mut digits = [(3_u32, 5_u32)];
        wipe(&mut digits);
        assert_eq!(digits, [(0, 0)]);
    }
}
