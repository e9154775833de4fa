//! Scalars that must not outlive their use.

use core::ops::{Deref, DerefMut};

use halo2curves::bn256::Fr;
pub use surety_wide::Wiped;
use zeroize::ZeroizeOnDrop;

/// Scalars that are overwritten with zeros when dropped, and that print nothing.
///
/// Their number is fixed when they are made, so that no growth leaves a copy behind.
#[derive(Clone)]
pub struct SecretScalars(Wiped<Fr>);

impl SecretScalars {
    /// `count` zeros.
    #[must_use]
    pub fn zeros(count: usize) -> Self {
        Self(Wiped::new(count))
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

impl ZeroizeOnDrop for SecretScalars {}
