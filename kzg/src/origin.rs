//! Where a τ comes from: the ceremonies this project knows, and the τ that are no secret.
//!
//! Powers of a *known* τ pass every algebraic check, and who knows τ can prove anything. So a set-up counts as sound
//! only if its `[τ]₂` is one that a public ceremony has published. An unknown origin is reported as such; what to do
//! about it is up to the caller.

use alloy_primitives::{hex, keccak256};
use ff::Field;
use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{Fr, G2, G2Affine};

pub use crate::ceremonies::{CEREMONIES, Ceremony, ceremony_named};
use crate::{
    point, scalar,
    srs::{SrsError, VerifierKey},
};

/// The published seed of the development τ.
pub const DEVELOPMENT_SEED: &str = "surety insecure development srs v1";

/// Small τ up to this one are recognised: whoever makes up a set-up for a test starts there.
const GUESSABLE_TAUS: usize = 1024;

impl Ceremony {
    /// What a verifier needs of it.
    ///
    /// # Errors
    /// Never for those of [`CEREMONIES`].
    pub fn verifier_key(&self) -> Result<VerifierKey, SrsError> {
        VerifierKey::new(point::g2_from_bytes(&self.tau_g2).map_err(SrsError::TauG2)?)
    }
}

/// Where a τ comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A public ceremony.
    Ceremony(&'static Ceremony),
    /// Everybody knows this τ: for development and tests, worthless as evidence.
    InsecureDevelopment,
    /// None that this project knows: somebody may know τ.
    Unknown,
}

impl Origin {
    /// The origin of the set-up with this `[τ]₂`.
    pub(crate) fn of(tau_g2: &G2Affine) -> Self {
        let bytes = point::g2_to_bytes(tau_g2);
        match CEREMONIES.iter().find(|ceremony| ceremony.tau_g2 == bytes) {
            Some(ceremony) => Self::Ceremony(ceremony),
            None if is_public(tau_g2) => Self::InsecureDevelopment,
            None => Self::Unknown,
        }
    }
}

/// The τ of development set-ups: the Keccak-256 hash of [`DEVELOPMENT_SEED`] with its three top bits cleared.
#[must_use]
pub fn development_tau() -> Fr {
    let mut bytes = keccak256(DEVELOPMENT_SEED).0;
    bytes[0] &= 0x1f;
    scalar::from_bytes(&bytes).unwrap_or(Fr::ONE)
}

/// The τ of the set-ups that halo2-lib's `gen_srs` makes for tests: the first scalar drawn from ChaCha20 with a seed of
/// zeros. Such files are widespread.
const HALO2_LIB_TAU: [u8; 32] = hex!("1c59a59b6cff4308740943526ade1d8c09f71b337a67269cc89586bcdd6dfcba");

/// Whether `[τ]₂` belongs to a τ that everybody knows: the development τ, halo2-lib's, or a small number.
fn is_public(tau_g2: &G2Affine) -> bool {
    let tau_g2 = tau_g2.to_curve();
    let generator = G2::generator();
    let halo2_lib_tau = scalar::from_bytes(&HALO2_LIB_TAU).unwrap_or(Fr::ONE);
    [development_tau(), halo2_lib_tau].iter().any(|tau| generator * tau == tau_g2)
        || core::iter::successors(Some(generator), |multiple| Some(multiple + generator))
            .take(GUESSABLE_TAUS)
            .any(|multiple| multiple == tau_g2)
}

#[cfg(test)]
mod tests {
    use group::Curve;
    use halo2curves::bn256::G2Affine;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use rand_core::OsRng;

    use super::*;

    fn origin_of(tau: Fr) -> Origin {
        VerifierKey::new((G2::generator() * tau).to_affine()).unwrap().origin()
    }

    #[test]
    fn every_ceremony_is_recognised_by_a_point_of_the_right_group() {
        for ceremony in &CEREMONIES {
            let tau_g2: G2Affine = point::g2_from_bytes(&ceremony.tau_g2).unwrap();
            assert_eq!(VerifierKey::new(tau_g2).unwrap().origin(), Origin::Ceremony(ceremony));
        }
    }

    #[test]
    fn rejects_taus_that_everybody_knows() {
        let halo2_lib_tau = Fr::random(ChaCha20Rng::from_seed([0; 32]));
        assert_eq!(scalar::to_bytes(&halo2_lib_tau), HALO2_LIB_TAU);
        for tau in [development_tau(), halo2_lib_tau, Fr::from(2), Fr::from(1024)] {
            assert_eq!(origin_of(tau), Origin::InsecureDevelopment);
        }
    }

    #[test]
    fn other_taus_are_unknown() {
        for tau in [Fr::random(OsRng), Fr::from(1025), -development_tau()] {
            assert_eq!(origin_of(tau), Origin::Unknown);
        }
    }
}
