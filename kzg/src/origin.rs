//! Where a τ comes from: the ceremonies this project knows, and the τ that are no secret.
//!
//! Powers of a *known* τ pass every algebraic check, and who knows τ can prove anything. So a set-up counts as sound only
//! if its `[τ]₂` is one that a public ceremony has published. An unknown origin is reported as such; what to do about it is
//! up to the caller.

use alloy_primitives::{hex, keccak256};
use ff::Field;
use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{Fr, G2, G2Affine};

use crate::{
    point::{self, G2_BYTES},
    scalar,
    srs::{SrsError, VerifierKey},
};

/// The published seed of the development τ.
pub const DEVELOPMENT_SEED: &str = "surety insecure development srs v1";

/// Small τ up to this one are recognised: whoever makes up a set-up for a test starts there.
const GUESSABLE_TAUS: usize = 1024;

/// A public ceremony whose `[τ]₂` is pinned.
#[derive(Debug, PartialEq, Eq)]
pub struct Ceremony {
    /// Short name, for policies and messages.
    pub name: &'static str,
    /// What it is and who uses it.
    pub description: &'static str,
    /// Where its `[τ]₂` can be looked up.
    pub source: &'static str,
    /// Its `[τ]₂`, encoded as in [`point::g2_to_bytes`].
    pub tau_g2: [u8; G2_BYTES],
}

/// The ceremonies this project knows.
pub static CEREMONIES: [Ceremony; 3] = [
    Ceremony {
        name: "ppot-0085",
        description: "Perpetual Powers of Tau after contribution 85, used by Axiom V2 and EigenDA",
        source: "github.com/privacy-ethereum/perpetualpowersoftau; the verifiers that Axiom V2 has deployed",
        tau_g2: hex!(
            "172aa93c41f16e1e04d62ac976a5d945f4be0acab990c6dc19ac4a7cf68bf77b"
            "2ae0c8c3a090f7200ff398ee9845bbae8f8c1445ae7b632212775f60a0e21600"
            "1754a9fc3b7e4da9197c283c7401773208190c5555caf254e644e99c29366704"
            "1459fe6cc8a1222fd4290864ff9e47d4b8cf7a403593c7107c39538ddefd857e"
        ),
    },
    Ceremony {
        name: "hermez-0054",
        description: "Perpetual Powers of Tau after contribution 54 and a beacon (powersOfTau28_hez_final), used by snarkjs",
        source: "github.com/iden3/snarkjs, README; X_2 in the PLONK and fflonk keys that snarkjs makes with these files",
        tau_g2: hex!(
            "26186a2d65ee4d2f9c9a5b91f86597d35f192cd120caf7e935d8443d1938e23d"
            "30441fd1b5d3370482c42152a8899027716989a6996c2535bc9f7fee8aaef79e"
            "1970ea81dd6992adfbc571effb03503adbbb6a857f578403c6c40e22d65b3c02"
            "054793348f12c0cf5622c340573cb277586319de359ab9389778f689786b1e48"
        ),
    },
    Ceremony {
        name: "aztec-ignition",
        description: "Aztec Ignition, used by Barretenberg and Noir",
        source: "github.com/AztecProtocol/ignition-verification; bn254_g2.dat of Barretenberg",
        tau_g2: hex!(
            "260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1"
            "0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0"
            "04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4"
            "22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55"
        ),
    },
];

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
pub(crate) fn development_tau() -> Fr {
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
