//! Verifying keys: a protocol, commitments to its fixed columns, and a set-up's point in G2.
//!
//! Nothing in a key is anybody's choice. Its protocol is the circuit's of one capacity class; the fixed columns are
//! those of [`surety_core::capacity`]; so [`VerifyingKey::derive`] computes the key from the set-up alone. The keys of
//! known set-ups are checked in under `keys/` and found with [`VerifyingKey::pinned`].

use core::fmt;

use alloy_primitives::Keccak256;
use ff::{Field as _, PrimeField as _};
use group::{Curve as _, prime::PrimeCurveAffine as _};
use halo2curves::{
    bn256::{Fr, G1Affine},
    fft::best_fft,
    msm::msm_best,
};
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    capacity::{Capacity, Groups},
    ident::{Bytes32, HexBytes, Name},
    kind::{Kind, KindOf, Kinded},
};
use surety_kzg::{
    Srs, SrsError, SrsId,
    point::{self, PointError},
    scalar,
    srs::VerifierKey,
};

use crate::proof::{
    hex_scalar,
    pairing::PairingKey,
    protocol::{MalformedProtocol, Protocol, Rotation, RotationFactors, RotationSet},
    transcript::reduce,
};

/// Prefix of what a key's digest hashes.
const DIGEST_DOMAIN: &[u8] = b"surety/verifying-key/v2";

/// What it takes to verify proofs of one capacity class over one set-up.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    protocol: Protocol,
    fixed_commitments: Vec<G1Affine>,
    srs: VerifierKey,
    digest: VerifyingKeyDigest,
    rotation_sets: Vec<RotationSet>,
    rotation_factors: RotationFactors,
    pairing_key: PairingKey,
}

/// What a transcript begins with, so that a proof is for one key only.
///
/// `keccak256("surety/verifying-key/v2" ‖ protocol ‖ commitments ‖ [τ]₂) mod r`, with [`Protocol::encode`], the fixed
/// commitments 64 bytes each, and `[τ]₂` as in [`point::g2_to_bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VerifyingKeyDigest(#[serde(with = "hex_scalar")] Fr);

impl VerifyingKeyDigest {
    /// As the transcript absorbs it.
    #[must_use]
    pub fn scalar(self) -> Fr {
        self.0
    }

    /// As files and contexts contain it.
    #[must_use]
    pub fn bytes(self) -> Bytes32 {
        HexBytes(scalar::to_bytes(&self.0))
    }
}

impl fmt::Display for VerifyingKeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().fmt(f)
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The protocol's shape.
    #[error(transparent)]
    Protocol(#[from] MalformedProtocol),
    /// A file that belongs to the program cannot be read.
    #[error("the program's own description of {what}: {error}; the program was built wrongly")]
    Embedded {
        /// Which file.
        what: String,
        /// What is wrong with it.
        error: String,
    },
    /// The set-up is too short.
    #[error(transparent)]
    Srs(#[from] SrsError),
    /// No keys of this set-up are known.
    #[error("the set-up {srs} is none whose keys this version knows ({known}); import the set-up to compute its keys")]
    UnknownSrs {
        /// The set-up asked for.
        srs: SrsId,
        /// The names of those that are known.
        known: String,
    },
    /// A pinned key does not have the digest it is pinned with.
    #[error("the pinned key for k = {k} has the digest {found}, expected {expected}; the program was built wrongly")]
    Digest {
        /// The capacity class.
        k: u32,
        /// The digest in the file.
        expected: VerifyingKeyDigest,
        /// The digest of the key.
        found: VerifyingKeyDigest,
    },
}

impl VerifyingKey {
    /// The key of these parts.
    ///
    /// # Errors
    /// If the protocol does not fit together, or does not have as many fixed columns as there are commitments.
    pub fn new(protocol: Protocol, fixed_commitments: Vec<G1Affine>, srs: VerifierKey) -> Result<Self, KeyError> {
        protocol.validate()?;
        if protocol.fixed.len() != fixed_commitments.len() {
            return Err(MalformedProtocol::new("expected a commitment to each fixed column").into());
        }
        // A column that is zero everywhere would switch off every rule that it selects.
        if fixed_commitments.iter().any(|commitment| bool::from(commitment.is_identity())) {
            return Err(MalformedProtocol::new("expected commitments to fixed columns, found the identity").into());
        }
        let mut hasher = Keccak256::new();
        hasher.update(DIGEST_DOMAIN);
        hasher.update(protocol.encode());
        fixed_commitments.iter().for_each(|commitment| hasher.update(point::g1_to_bytes(commitment)));
        hasher.update(point::g2_to_bytes(&srs.tau_g2()));
        let digest = VerifyingKeyDigest(reduce(&hasher.finalize().0));
        let (rotation_sets, pairing_key) = (protocol.rotation_sets(), PairingKey::from(&srs));
        let rotation_factors = RotationFactors::of(&protocol);
        Ok(Self { protocol, fixed_commitments, srs, digest, rotation_sets, rotation_factors, pairing_key })
    }

    /// The key of a protocol over a set-up.
    ///
    /// Commits to the fixed columns in the monomial basis, which needs no Lagrange points.
    ///
    /// # Errors
    /// If the set-up is too short, or the protocol does not fit together.
    pub fn derive(protocol: Protocol, srs: &Srs) -> Result<Self, KeyError> {
        let groups = Groups::long(protocol.capacity);
        Self::derive_divided(protocol, groups, srs)
    }

    /// The same for rows that are divided otherwise.
    ///
    /// # Errors
    /// If the set-up is too short, or the protocol does not fit together, or the groups are another class's.
    pub fn derive_divided(protocol: Protocol, groups: Groups, srs: &Srs) -> Result<Self, KeyError> {
        let capacity = protocol.capacity;
        if groups.capacity() != capacity {
            return Err(MalformedProtocol::new("limb groups of another capacity class").into());
        }
        let powers = srs.powers_for(capacity)?;
        let commit = |column: Vec<u64>| {
            let values = column.into_iter().map(Fr::from).collect();
            msm_best(&coefficients(values, protocol.omega()), powers).to_affine()
        };
        let fixed_commitments = vec![commit(capacity.row_column()), commit(groups.base_column())];
        Self::new(protocol, fixed_commitments, *srs.verifier_key())
    }

    /// The key of a capacity class over a known set-up.
    ///
    /// # Errors
    /// If the set-up is not one whose keys are checked in.
    pub fn pinned(capacity: Capacity, srs: SrsId) -> Result<Self, KeyError> {
        let mut known = Vec::new();
        for text in PINNED {
            let keys = PinnedKeys::parse(text)?;
            if keys.srs == srs.bytes() {
                return keys.key(capacity);
            }
            known.push(keys.name.to_string());
        }
        Err(KeyError::UnknownSrs { srs, known: known.join(", ") })
    }

    /// The circuit.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The commitments to the fixed columns.
    #[must_use]
    pub fn fixed_commitments(&self) -> &[G1Affine] {
        &self.fixed_commitments
    }

    /// The set-up.
    #[must_use]
    pub fn srs(&self) -> &VerifierKey {
        &self.srs
    }

    /// What sets this key apart from all others.
    #[must_use]
    pub fn digest(&self) -> VerifyingKeyDigest {
        self.digest
    }

    /// The set-up, prepared for pairings.
    #[must_use]
    pub fn pairing_key(&self) -> &PairingKey {
        &self.pairing_key
    }

    /// The polynomials that are opened, by the set of rotations at which they are.
    #[must_use]
    pub fn rotation_sets(&self) -> &[RotationSet] {
        &self.rotation_sets
    }

    /// As [`Protocol::rotation_factor`], computed before.
    pub(crate) fn rotation_factor(&self, rotation: Rotation) -> Fr {
        self.rotation_factors.get(rotation, &self.protocol)
    }
}

/// The coefficients of the polynomial that takes these values at the powers of `omega`.
fn coefficients(mut values: Vec<Fr>, omega: Fr) -> Vec<Fr> {
    let k = values.len().ilog2();
    let inverse_omega = omega.pow_vartime([values.len() as u64 - 1]);
    best_fft(&mut values, inverse_omega, k);
    let scale = Fr::TWO_INV.pow_vartime([u64::from(k)]);
    values.iter_mut().for_each(|value| *value *= scale);
    values
}

/// The files of pinned keys.
const PINNED: [&str; 2] =
    [include_str!("../../keys/ppot-0085.json"), include_str!("../../keys/insecure-development.json")];

/// The keys of one set-up, one for each capacity class, as a file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedKeys {
    kind: KindOf<PinnedKeys>,
    version: FormatVersion<2>,
    name: Name,
    srs: Bytes32,
    tau_g2: HexBytes<128>,
    keys: Vec<PinnedKey>,
}

impl Kinded for PinnedKeys {
    const KIND: Kind = Kind::VerifyingKeys;
}

/// What sets the key of one capacity class apart.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PinnedKey {
    capacity: Capacity,
    row: HexBytes<64>,
    base: HexBytes<64>,
    digest: VerifyingKeyDigest,
}

impl PinnedKeys {
    /// The keys of these protocols over a set-up.
    ///
    /// # Errors
    /// As [`VerifyingKey::derive`].
    pub fn derive(name: Name, srs: &Srs, protocols: impl IntoIterator<Item = Protocol>) -> Result<Self, KeyError> {
        let keys = protocols.into_iter().map(|protocol| Ok(PinnedKey::of(&VerifyingKey::derive(protocol, srs)?)));
        Ok(Self {
            kind: KindOf::new(),
            version: FormatVersion,
            name,
            srs: srs.id().bytes(),
            tau_g2: HexBytes(point::g2_to_bytes(&srs.verifier_key().tau_g2())),
            keys: keys.collect::<Result<_, KeyError>>()?,
        })
    }

    fn parse(text: &str) -> Result<Self, KeyError> {
        serde_json::from_str(text).map_err(|error| embedded("pinned keys", error))
    }

    fn key(&self, capacity: Capacity) -> Result<VerifyingKey, KeyError> {
        let what = || format!("the keys of {} for k = {}", self.name, capacity.k());
        let pinned = self.keys.iter().find(|key| key.capacity == capacity);
        let pinned = pinned.ok_or_else(|| embedded(&what(), "expected a key for every capacity class"))?;
        let malformed = |error: PointError| embedded(&what(), error);
        let point = |bytes: &HexBytes<64>| point::g1_from_bytes(&bytes.0).map_err(malformed);
        let tau_g2 = point::g2_from_bytes(&self.tau_g2.0).map_err(malformed)?;
        let fixed_commitments = vec![point(&pinned.row)?, point(&pinned.base)?];
        let key = VerifyingKey::new(Protocol::of(capacity)?, fixed_commitments, VerifierKey::new(tau_g2)?)?;
        if key.digest == pinned.digest {
            Ok(key)
        } else {
            Err(KeyError::Digest { k: capacity.k(), expected: pinned.digest, found: key.digest })
        }
    }
}

impl PinnedKey {
    fn of(key: &VerifyingKey) -> Self {
        let bytes = |index: usize| HexBytes(point::g1_to_bytes(&key.fixed_commitments[index]));
        Self { capacity: key.protocol.capacity, row: bytes(0), base: bytes(1), digest: key.digest }
    }
}

fn embedded(what: &str, error: impl fmt::Display) -> KeyError {
    KeyError::Embedded { what: what.to_owned(), error: error.to_string() }
}
