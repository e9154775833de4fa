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

/// Overwrites scalars with zeros in a way that the optimiser keeps.
fn wipe(scalars: &mut [Fr]) {
    scalars.fill(Fr::ZERO);
    zeroize::optimization_barrier(scalars);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiping_leaves_zeros() {
        let mut scalars = [Fr::from(7), -Fr::ONE];
        wipe(&mut scalars);
        assert_eq!(scalars, [Fr::ZERO; 2]);
    }
}
