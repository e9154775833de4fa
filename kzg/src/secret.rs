//! Scalars that must not outlive their use.

use core::ops::{Deref, DerefMut};

use ff::Field;
use halo2curves::bn256::Fr;
use zeroize::ZeroizeOnDrop;

/// Scalars that are overwritten with zeros when dropped, and that print nothing.
///
/// Their number is fixed when they are made, so that no growth leaves a copy behind.
pub struct SecretScalars(Box<[Fr]>);

impl SecretScalars {
    /// `count` zeros.
    #[must_use]
    pub fn zeros(count: usize) -> Self {
        Self(vec![Fr::ZERO; count].into_boxed_slice())
    }
}

impl Deref for SecretScalars {
    type Target = [Fr];

    fn deref(&self) -> &[Fr] {
        &self.0
    }
}

impl DerefMut for SecretScalars {
    fn deref_mut(&mut self) -> &mut [Fr] {
        &mut self.0
    }
}

impl Clone for SecretScalars {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Drop for SecretScalars {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl ZeroizeOnDrop for SecretScalars {}

/// Values of any kind that follow from secrets: overwritten with their default when dropped.
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

impl<T: Copy + Default> ZeroizeOnDrop for Wiped<T> {}

impl<T: Copy + Default> Drop for Wiped<T> {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites values with zeros in a way that the optimiser keeps.
fn wipe<T: Copy + Default>(values: &mut [T]) {
    values.fill(T::default());
    zeroize::optimization_barrier(values);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiping_leaves_zeros() {
        let mut scalars = [Fr::from(7), -Fr::ONE];
        wipe(&mut scalars);
        assert_eq!(scalars, [Fr::ZERO; 2]);
        let mut digits = [(3_u32, 5_u32)];
        wipe(&mut digits);
        assert_eq!(digits, [(0, 0)]);
    }
}
