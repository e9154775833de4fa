//! Signatures over secp256k1 as the EVM recovers them: 65 bytes `r ‖ s ‖ v` with `v` 27 or 28 and `s` in the lower
//! half.

use core::num::NonZeroU128;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{PoisonError, RwLock},
};

use alloy_primitives::keccak256;
use k256::{
    AffinePoint, ProjectivePoint, Scalar, U256,
    ecdsa::{RecoveryId, Signature, VerifyingKey},
    elliptic_curve::{
        ops::{Invert as _, LinearCombination as _, Reduce},
        point::DecompressPoint as _,
        sec1::ToEncodedPoint as _,
        subtle::Choice,
        zeroize::ZeroizeOnDrop,
    },
};
use surety_core::ident::{Bytes32, EvmAddress, HexBytes};

use crate::attestation::{
    rejection::{Rejection, Rule},
    together::all_right,
};

/// A signature: `r ‖ s ‖ v`.
pub type SignatureBytes = HexBytes<65>;

/// Added to the recovery bit.
const V_OFFSET: u8 = 27;

/// Why a signature is refused, whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The last byte is neither 27 nor 28.
    #[error("a signature whose last byte is {0}, where 27 or 28 is expected")]
    RecoveryByte(u8),
    /// `s` is in the upper half: the twin of a signature that somebody made.
    #[error("a signature with s in the upper half of the group order")]
    HighS,
    /// No key makes this signature.
    #[error("a signature that no key makes")]
    NoKey,
}

/// The address of the key that signed a digest.
///
/// # Errors
/// If the signature is not in the one form that is accepted, or nobody's.
pub fn signer(digest: &Bytes32, signature: &SignatureBytes) -> Result<EvmAddress, SignatureError> {
    Ok(address(&recover(digest, &parse(signature)?)?))
}

/// A signature, and whose it is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signed {
    /// The digest.
    pub digest: Bytes32,
    /// The signature.
    pub signature: SignatureBytes,
    /// The address that is said to have signed.
    pub signer: EvmAddress,
}

/// Public keys that signatures have revealed, and signatures that were checked before. To check a signature by a known
/// key takes less than half of the time that it takes to recover a key, and to check it together with many a tenth.
#[derive(Debug, Default)]
pub struct KnownKeys {
    keys: RwLock<BTreeMap<EvmAddress, VerifyingKey>>,
    /// With everything that decides about a signature: nothing else can be taken for it.
    right: RwLock<BTreeSet<Signed>>,
}

/// Of a batch that fails, parts of up to so many signatures are not tried again.
const SMALLEST_BATCH: usize = 8;

impl KnownKeys {
    /// As [`signer`], and faster where it is the expected one and has been before.
    ///
    /// # Errors
    /// As [`signer`].
    pub fn signer(
        &self,
        digest: &Bytes32,
        signature: &SignatureBytes,
        expected: &EvmAddress,
    ) -> Result<EvmAddress, SignatureError> {
        let signed = Signed { digest: *digest, signature: *signature, signer: *expected };
        if self.right.read().unwrap_or_else(PoisonError::into_inner).contains(&signed) {
            return Ok(*expected);
        }
        let parsed = parse(signature)?;
        if self.key(expected).is_some_and(|key| makes(&key, digest, &parsed)) {
            return Ok(*expected);
        }
        let key = recover(digest, &parsed)?;
        let found = address(&key);
        if found == *expected {
            self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(found, key);
        }
        Ok(found)
    }

    /// Checks signatures together, so that [`KnownKeys::signer`] knows those that are right. Of those that are not, and
    /// some beside them, nothing is known: that function says what is wrong.
    ///
    /// `weights`, one for each signature, must be drawn at random after all signatures are fixed; else nothing is
    /// checked.
    pub fn check_together(&self, signed: &[Signed], weights: &[NonZeroU128]) {
        if signed.len() != weights.len() {
            return;
        }
        let (mut parsed, mut keys, mut weighed) = (Vec::new(), BTreeMap::new(), Vec::new());
        for (signed, weight) in signed.iter().zip(weights) {
            let Ok(signature) = parse(&signed.signature) else { continue };
            // The first of a signer reveals the key.
            let revealed = || self.signer(&signed.digest, &signed.signature, &signed.signer).ok();
            let key = self.key(&signed.signer).or_else(|| revealed().and_then(|_| self.key(&signed.signer)));
            let Some(key) = key else { continue };
            keys.insert(signed.signer, key);
            parsed.push((*signed, signature));
            weighed.push(*weight);
        }
        self.search(&parsed, &keys, &weighed);
    }

    /// Remembers the right ones, or those of one half.
    fn search(&self, signed: &[(Signed, Parsed)], keys: &BTreeMap<EvmAddress, VerifyingKey>, weights: &[NonZeroU128]) {
        if all_right(signed, keys, weights) {
            let right = signed.iter().map(|(signed, _)| *signed);
            self.right.write().unwrap_or_else(PoisonError::into_inner).extend(right);
        } else if signed.len() > SMALLEST_BATCH {
            let (first, second) = signed.split_at(signed.len() / 2);
            let (first_weights, second_weights) = weights.split_at(first.len());
            self.search(first, keys, first_weights);
            self.search(second, keys, second_weights);
        }
    }

    fn key(&self, address: &EvmAddress) -> Option<VerifyingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(address).copied()
    }
}

/// The scalars and the recovery bit of a signature.
pub(crate) type Parsed = (Signature, RecoveryId);

/// The scalars and the recovery bit, if they are in the one form that is accepted.
fn parse(signature: &SignatureBytes) -> Result<Parsed, SignatureError> {
    let [scalars @ .., v] = &signature.0;
    let bit = v.checked_sub(V_OFFSET).filter(|bit| *bit <= 1).ok_or(SignatureError::RecoveryByte(*v))?;
    let signature = Signature::from_slice(scalars).map_err(|_| SignatureError::NoKey)?;
    if signature.normalize_s().is_some() {
        return Err(SignatureError::HighS);
    }
    Ok((signature, RecoveryId::new(bit == 1, false)))
}

/// The one key that makes a signature: `r⁻¹·(s·R − z·G)`, with the point `R` of abscissa `r` that the bit chooses. The
/// key makes the signature by its definition, so that nothing is left to verify.
fn recover(digest: &Bytes32, (signature, recovery): &Parsed) -> Result<VerifyingKey, SignatureError> {
    let (r, s) = signature.split_scalars();
    let inverse: Option<Scalar> = r.as_ref().invert_vartime().into();
    let (inverse, point) = inverse.zip(commitment(signature, *recovery)).ok_or(SignatureError::NoKey)?;
    let factor = -(reduce(digest) * inverse);
    let point = ProjectivePoint::from(point);
    let key = ProjectivePoint::lincomb(&ProjectivePoint::GENERATOR, &factor, &point, &(*s * inverse));
    VerifyingKey::from_affine(key.to_affine()).map_err(|_| SignatureError::NoKey)
}

/// The point whose abscissa is `r`, if there is one.
pub(crate) fn commitment(signature: &Signature, recovery: RecoveryId) -> Option<AffinePoint> {
    AffinePoint::decompress(&signature.r().to_bytes(), Choice::from(u8::from(recovery.is_y_odd()))).into()
}

/// The digest as a scalar.
pub(crate) fn reduce(digest: &Bytes32) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&digest.0.into())
}

/// Whether [`recover`] gives this key `Q`: exactly if `s⁻¹·(z·G + r·Q)` is `R`.
fn makes(key: &VerifyingKey, digest: &Bytes32, (signature, recovery): &Parsed) -> bool {
    let (r, s) = signature.split_scalars();
    let inverse: Option<Scalar> = s.as_ref().invert_vartime().into();
    let Some(inverse) = inverse else { return false };
    let key = ProjectivePoint::from(*key.as_affine());
    let factor = reduce(digest) * inverse;
    let point = ProjectivePoint::lincomb(&ProjectivePoint::GENERATOR, &factor, &key, &(*r * inverse));
    // SEC 1: 2 or 3, as the ordinate is even or odd, and the abscissa.
    let mut expected = [2 + u8::from(recovery.is_y_odd()); 33];
    expected[1..].copy_from_slice(&r.to_bytes());
    point.to_affine().to_encoded_point(true).as_bytes() == expected
}

/// A key that signs statements or reports. It is wiped when dropped and does not print.
pub struct SigningKey(k256::ecdsa::SigningKey);

impl ZeroizeOnDrop for SigningKey {}

/// What is wrapped erases itself, or this does not compile.
const _: () = {
    const fn erases<T: ZeroizeOnDrop>() {}
    erases::<k256::ecdsa::SigningKey>();
};

/// Bytes that are no key. Does not say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a secp256k1 key: 32 bytes, as a number from 1 to the group order less one")]
pub struct InvalidKey;

impl SigningKey {
    /// The key with these bytes, big-endian. The caller wipes them.
    ///
    /// # Errors
    /// If the number is zero, or not below the group order.
    pub fn from_secret_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        k256::ecdsa::SigningKey::from_bytes(bytes.into()).map(Self).map_err(|_| InvalidKey)
    }

    /// The key's address.
    #[must_use]
    pub fn address(&self) -> EvmAddress {
        address(self.0.verifying_key())
    }

    /// Signs a digest, with the nonce of RFC 6979: the same key and digest always give the same signature.
    ///
    /// # Errors
    /// If the signature is not one that the EVM recovers; this has a probability of `2^-127`.
    pub fn sign(&self, digest: &Bytes32) -> Result<SignatureBytes, SignatureError> {
        let (signature, recovery) = self.0.sign_prehash_recoverable(&digest.0).map_err(|_| SignatureError::NoKey)?;
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = V_OFFSET + recovery.to_byte();
        signer(digest, &HexBytes(bytes))?;
        Ok(HexBytes(bytes))
    }
}

/// The last 20 bytes of the Keccak-256 hash of a public key's coordinates.
fn address(key: &VerifyingKey) -> EvmAddress {
    let point = key.to_encoded_point(false);
    let hash = keccak256(&point.as_bytes()[1..]);
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    HexBytes(address)
}

/// Demands a signature of `content` by an address.
pub(crate) fn check_signature(
    input: impl core::fmt::Display,
    content: impl FnOnce() -> String,
    digest: &Bytes32,
    signature: &SignatureBytes,
    expected: &EvmAddress,
    keys: &KnownKeys,
) -> Result<(), Rejection> {
    let found = match keys.signer(digest, signature, expected) {
        Ok(found) if found == *expected => return Ok(()),
        Ok(found) => format!("one by {found}, if this is what was signed"),
        Err(error) => error.to_string(),
    };
    let expected = format!("a signature of {} by {expected}", content());
    Err(Rejection::new(Rule::Signature, input.to_string(), expected, found))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{U256, hex, uint};
    use rand_core::{OsRng, RngCore as _};

    use super::*;

    const DIGEST: Bytes32 = HexBytes([0x5a; 32]);
    const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

    fn key() -> SigningKey {
        // The first account of development chains (mnemonic "test test … junk").
        SigningKey::from_secret_bytes(&hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"))
            .unwrap()
    }

    #[test]
    fn addresses_are_those_of_the_evm() {
        assert_eq!(key().address().to_string(), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    }

    #[test]
    fn signatures_name_their_signer_and_are_deterministic() {
        let signature = key().sign(&DIGEST).unwrap();
        assert_eq!(signer(&DIGEST, &signature), Ok(key().address()));
        assert_eq!(key().sign(&DIGEST), Ok(signature));
        assert_ne!(signer(&HexBytes([0x5b; 32]), &signature), Ok(key().address()));
    }

    /// Both ways to check a signature agree, whatever is wrong with it.
    #[test]
    fn known_keys_change_no_verdict() {
        let keys = KnownKeys::default();
        let (address, signature) = (key().address(), key().sign(&DIGEST).unwrap());
        for _ in 0..2 {
            assert_eq!(keys.signer(&DIGEST, &signature, &address), Ok(address));
        }
        let other = SigningKey::from_secret_bytes(&[7; 32]).unwrap();
        assert_eq!(keys.signer(&DIGEST, &other.sign(&DIGEST).unwrap(), &address), Ok(other.address()));
        for position in 0..65 {
            for flip in [1, 0x80, 27 ^ 28] {
                let mut changed = signature;
                changed.0[position] ^= flip;
                let known = keys.signer(&DIGEST, &changed, &address);
                assert_eq!(known, signer(&DIGEST, &changed), "byte {position}");
                assert_ne!(known, Ok(address), "byte {position}");
            }
        }
        let changed = HexBytes([0x5b; 32]);
        assert_eq!(keys.signer(&changed, &signature, &address), signer(&changed, &signature));
        for digest in (0..50).map(|byte| HexBytes([byte; 32])) {
            assert_eq!(keys.signer(&digest, &key().sign(&digest).unwrap(), &address), Ok(address));
        }
    }

    /// The library's recovery, which verifies what it recovers, finds the same key, or none as well.
    #[test]
    fn recovered_keys_are_those_that_the_library_finds() {
        let recovered = |digest: &Bytes32, parsed: &Parsed| {
            let ours = recover(digest, parsed).ok();
            let theirs = VerifyingKey::recover_from_prehash(&digest.0, &parsed.0, parsed.1).ok();
            assert_eq!(ours, theirs, "{digest} {parsed:?}");
            ours.is_some()
        };
        let mut found = [0; 2];
        for _ in 0..200 {
            let (mut digest, mut bytes) = (DIGEST, [0; 64]);
            OsRng.fill_bytes(&mut digest.0);
            OsRng.fill_bytes(&mut bytes);
            let Ok(signature) = Signature::from_slice(&bytes) else { continue };
            let signature = signature.normalize_s().unwrap_or(signature);
            for odd in [false, true] {
                found[usize::from(recovered(&digest, &(signature, RecoveryId::new(odd, false))))] += 1;
            }
        }
        assert!(found[0] > 50 && found[1] > 50, "{found:?}");
    }

    /// Attack: with `s·R = z·G` the key would be the identity.
    #[test]
    fn rejects_a_signature_of_the_identity() {
        let nonce = Scalar::from(5_u64);
        let point = (ProjectivePoint::GENERATOR * nonce).to_affine().to_encoded_point(true);
        let r = point.as_bytes()[1..].to_vec();
        let s = (reduce(&DIGEST) * nonce.invert_vartime().unwrap()).to_bytes();
        let signature = Signature::from_slice(&[r.as_slice(), s.as_slice()].concat()).unwrap();
        let recovery = RecoveryId::new(point.as_bytes()[0] == 3, false);
        assert_eq!(recover(&DIGEST, &(signature, recovery)), Err(SignatureError::NoKey));
    }

    /// Signatures of three keys, so many of each.
    fn signed(count: u8) -> Vec<Signed> {
        let keys =
            [key(), SigningKey::from_secret_bytes(&[7; 32]).unwrap(), SigningKey::from_secret_bytes(&[8; 32]).unwrap()];
        let sign = |(key, byte): (&SigningKey, u8)| {
            let digest = HexBytes([byte; 32]);
            Signed { digest, signature: key.sign(&digest).unwrap(), signer: key.address() }
        };
        (0..count).flat_map(|byte| keys.each_ref().map(|key| sign((key, byte)))).collect()
    }

    fn weights(count: usize) -> Vec<NonZeroU128> {
        let weight =
            |_| NonZeroU128::new(u128::from(OsRng.next_u64()) << 64 | u128::from(OsRng.next_u64() | 1)).unwrap();
        (0..count).map(weight).collect()
    }

    fn remembered(keys: &KnownKeys) -> Vec<Signed> {
        keys.right.read().unwrap().iter().copied().collect()
    }

    #[test]
    fn signatures_are_checked_together() {
        for count in [1, 2, 40] {
            let (keys, mut signed) = (KnownKeys::default(), signed(count));
            keys.check_together(&signed, &weights(signed.len()));
            signed.sort();
            assert_eq!(remembered(&keys), signed);
        }
    }

    /// Attack: a wrong signature among right ones, of whatever kind. Its neighbours in the smallest batch are checked
    /// alone, as it is.
    #[test]
    fn rejects_a_wrong_signature_among_many_with_the_error_that_it_has_alone() {
        let twin = |signed: &mut Signed| {
            let s = U256::from_be_slice(&signed.signature.0[32..64]);
            signed.signature.0[32..64].copy_from_slice(&(ORDER - s).to_be_bytes::<32>());
            signed.signature.0[64] ^= 27 ^ 28;
        };
        let changes: [&dyn Fn(&mut Signed); 9] = [
            &|signed| signed.digest.0[0] ^= 1,
            &|signed| signed.signature.0[0] ^= 1,
            &|signed| signed.signature.0[33] ^= 1,
            &|signed| signed.signature.0[64] ^= 27 ^ 28,
            &|signed| signed.signature.0[64] = 29,
            &|signed| signed.signature.0[..64].fill(0),
            &|signed| signed.signer = key().address(),
            &|signed| signed.signer = HexBytes([9; 20]),
            &twin,
        ];
        for change in changes {
            let (keys, mut signed) = (KnownKeys::default(), signed(20));
            change(&mut signed[31]);
            keys.check_together(&signed, &weights(signed.len()));
            let remembered = remembered(&keys);
            assert!(!remembered.contains(&signed[31]) && remembered.len() >= signed.len() - SMALLEST_BATCH);
            for Signed { digest, signature, signer: expected } in &signed {
                assert_eq!(keys.signer(digest, signature, expected), signer(digest, signature));
            }
        }
    }

    /// Attack: two wrong signatures that make up for each other without weights: of digests one more and one less.
    #[test]
    fn rejects_signatures_that_make_up_for_each_other() {
        let (keys, Signed { digest, signature, signer }) = (KnownKeys::default(), signed(1)[0]);
        keys.signer(&digest, &signature, &signer).unwrap();
        let known = BTreeMap::from([(signer, keys.key(&signer).unwrap())]);
        assert_eq!(digest, HexBytes([0; 32]));
        let with = |digest: U256| {
            let digest = HexBytes(digest.to_be_bytes());
            (Signed { digest, signature, signer }, parse(&signature).unwrap())
        };
        let pair = [with(U256::ONE), with(ORDER - U256::ONE)];
        assert!(all_right(&pair, &known, &[NonZeroU128::MIN; 2]), "why weights must not be known");
        assert!(!all_right(&pair, &known, &weights(2)));
    }

    /// A signature that was checked is remembered with its digest and its signer.
    #[test]
    fn rejects_a_remembered_signature_for_another_digest_or_signer() {
        let (keys, signed) = (KnownKeys::default(), signed(2));
        keys.check_together(&signed, &weights(signed.len()));
        let Signed { digest, signature, signer: expected } = signed[0];
        assert_eq!(keys.signer(&digest, &signature, &expected), Ok(expected));
        assert_ne!(keys.signer(&DIGEST, &signature, &expected), Ok(expected));
        assert_eq!(keys.signer(&digest, &signature, &signed[1].signer), Ok(expected));
        assert_eq!(keys.signer(&digest, &signed[1].signature, &expected), Ok(signed[1].signer));
    }

    #[test]
    fn rejects_a_batch_of_signatures_without_a_weight_for_each() {
        let (keys, signed) = (KnownKeys::default(), signed(2));
        keys.check_together(&signed, &weights(signed.len() - 1));
        keys.check_together(&[], &[]);
        assert_eq!(remembered(&keys), []);
        assert!(!all_right(&[], &BTreeMap::new(), &[]));
    }

    /// The short way is taken: a known key is not recovered again.
    #[test]
    fn keys_make_the_signatures_that_they_are_recovered_from() {
        for digest in (0..50).map(|byte| HexBytes([byte; 32])) {
            let parsed = parse(&key().sign(&digest).unwrap()).unwrap();
            let recovered = recover(&digest, &parsed).unwrap();
            assert!(makes(&recovered, &digest, &parsed));
            assert!(!makes(&recovered, &DIGEST, &parsed));
        }
    }

    #[test]
    fn rejects_the_twin_in_the_upper_half() {
        let mut twin = key().sign(&DIGEST).unwrap();
        let s = U256::from_be_slice(&twin.0[32..64]);
        twin.0[32..64].copy_from_slice(&(ORDER - s).to_be_bytes::<32>());
        twin.0[64] ^= 27 ^ 28;
        assert_eq!(signer(&DIGEST, &twin), Err(SignatureError::HighS));
    }

    #[test]
    fn rejects_other_recovery_bytes() {
        let signature = key().sign(&DIGEST).unwrap();
        for v in (0..=255).filter(|v| ![27, 28].contains(v)) {
            let mut other = signature;
            other.0[64] = v;
            assert_eq!(signer(&DIGEST, &other), Err(SignatureError::RecoveryByte(v)));
        }
    }

    #[test]
    fn rejects_scalars_that_are_zero_or_not_reduced() {
        let signature = key().sign(&DIGEST).unwrap();
        for (offset, value) in [(0, U256::ZERO), (0, ORDER), (32, U256::ZERO), (32, ORDER), (0, U256::MAX)] {
            let mut other = signature;
            other.0[offset..offset + 32].copy_from_slice(&value.to_be_bytes::<32>());
            assert_eq!(signer(&DIGEST, &other), Err(SignatureError::NoKey));
        }
    }

    #[test]
    fn rejects_keys_out_of_range() {
        assert_eq!(SigningKey::from_secret_bytes(&[0; 32]).err(), Some(InvalidKey));
        assert_eq!(SigningKey::from_secret_bytes(&ORDER.to_be_bytes()).err(), Some(InvalidKey));
    }
}
