//! Inputs at rest: encrypted with XChaCha20-Poly1305, and bound to their place.
//!
//! A file is `nonce (24 bytes) ‖ ciphertext ‖ tag (16 bytes)`; what the file is, and of which book, is authenticated
//! with it, so that nobody can exchange two of them. Accounts are written length by length, numbers little-endian.

use chacha20poly1305::{AeadInPlace as _, Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use rand_core::{CryptoRng, RngCore};
use surety_kzg::Masks;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{account::UserAccount, page::PageInput};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

const NONCE_BYTES: usize = 24;

/// Bytes of the masks, see [`Masks::to_secret_bytes`].
const MASKS_BYTES: usize = surety_kzg::holding::MASKS_BYTES;

/// Encrypts what lies in the private part of a book's directory. It is erased when dropped and does not print.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SealingKey([u8; KEY_BYTES]);

impl core::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SealingKey(hidden)")
    }
}

/// A sealed file that does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    /// Another key, another place, or a damaged file.
    #[error(
        "expected what was sealed for this place with the book's key, found something else: the file is damaged, was \
         exchanged, or is of another book"
    )]
    Sealed,
    /// Something else than what is expected at this place.
    #[error("expected the accounts of a page, found something else: the file is of another version")]
    Content,
}

impl SealingKey {
    /// A fresh key; pass the operating system's generator.
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut key = Self([0; KEY_BYTES]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// The key of these bytes; none if there are more or fewer than [`KEY_BYTES`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for a file that only the venue can read.
    #[must_use]
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Seals bytes for a place; pass the operating system's generator.
    #[must_use]
    pub fn seal(&self, place: &str, plain: Zeroizing<Vec<u8>>, rng: &mut (impl RngCore + CryptoRng)) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let mut sealed = Vec::with_capacity(NONCE_BYTES + plain.len() + 16);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&plain);
        let (nonce, text) = sealed.split_at_mut(NONCE_BYTES);
        let tag = self.cipher().encrypt_in_place_detached(XNonce::from_slice(nonce), place.as_bytes(), text);
        // Fails beyond 256 GiB alone, which no page comes near.
        if let Ok(tag) = tag {
            sealed.extend_from_slice(&tag);
        }
        sealed
    }

    /// Opens what was sealed for a place.
    ///
    /// # Errors
    /// If it was not.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, text) = sealed.split_at_checked(NONCE_BYTES).ok_or(Unsealable::Sealed)?;
        let (text, tag) = text.split_last_chunk::<16>().ok_or(Unsealable::Sealed)?;
        let mut plain = Zeroizing::new(text.to_vec());
        self.cipher()
            .decrypt_in_place_detached(XNonce::from_slice(nonce), place.as_bytes(), &mut plain, tag.into())
            .map_err(|_| Unsealable::Sealed)?;
        Ok(plain)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&self.0))
    }
}

impl PageInput {
    /// Encodes the page, to be sealed.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let width = |account: &UserAccount| 2 + account.user.len() + 64 + 16 * account.lots.len();
        let size = 8 + MASKS_BYTES + self.slots.iter().map(|slot| 1 + slot.as_ref().map_or(0, width)).sum::<usize>();
        // One allocation: growing would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.extend_from_slice(&(self.kind as u32).to_le_bytes());
        bytes.extend_from_slice(&(self.slots.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.masks.to_secret_bytes());
        for slot in &self.slots {
            bytes.push(slot.is_some().into());
            let Some(account) = slot else { continue };
            bytes.extend_from_slice(&(account.user.len() as u16).to_le_bytes());
            bytes.extend_from_slice(account.user.as_bytes());
            bytes.extend_from_slice(&account.nonce);
            bytes.extend_from_slice(&account.salt);
            account.lots.iter().for_each(|lots| bytes.extend_from_slice(&lots.to_le_bytes()));
        }
        bytes
    }

    /// Decodes a page of a universe of so many instruments.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_secret_bytes(bytes: &[u8], instruments: usize) -> Result<Self, Unsealable> {
        let mut rest = Rest(bytes);
        let page = Self::read(&mut rest, instruments).ok_or(Unsealable::Content)?;
        if rest.0.is_empty() { Ok(page) } else { Err(Unsealable::Content) }
    }

    fn read(rest: &mut Rest<'_>, instruments: usize) -> Option<Self> {
        let kind = u32::from_le_bytes(rest.array()?) as usize;
        let slots = u32::from_le_bytes(rest.array()?) as usize;
        let masks = Masks::from_secret_bytes(rest.take(MASKS_BYTES)?).ok()?;
        // One allocation, of no more slots than there are bytes: growing would leave copies of salts behind.
        let mut page = Self { kind, slots: Vec::with_capacity(slots.min(rest.0.len())), masks };
        for _ in 0..slots {
            let account = match rest.array::<1>()? {
                [0] => None,
                [1] => Some(read_account(rest, instruments)?),
                _ => return None,
            };
            page.slots.push(account);
        }
        Some(page)
    }
}

fn read_account(rest: &mut Rest<'_>, instruments: usize) -> Option<UserAccount> {
    let length = u16::from_le_bytes(rest.array()?).into();
    let user = core::str::from_utf8(rest.take(length)?).ok()?.to_owned();
    let (nonce, salt) = (rest.array()?, rest.array()?);
    let mut account = UserAccount { user, nonce, salt, lots: Vec::with_capacity(instruments) };
    for _ in 0..instruments {
        account.lots.push(i128::from_le_bytes(rest.array()?));
    }
    Some(account)
}

/// Bytes that are still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;
    use surety_core::ident::HexBytes;

    use super::*;

    #[test]
    fn pages_are_read_as_they_were_written() {
        let account = UserAccount::new("ann".to_owned(), HexBytes([7; 32]), vec![5, -6, 1 << 90], &mut OsRng);
        let page = PageInput { kind: 1, slots: vec![None, Some(account), None], masks: Masks::random(&mut OsRng) };
        let bytes = page.to_secret_bytes();
        assert_eq!(bytes.len(), bytes.capacity());
        let read = PageInput::from_secret_bytes(&bytes, 3).unwrap();
        assert!((read.kind, &read.slots) == (1, &page.slots) && read.masks.scalars() == page.masks.scalars());
        for wrong in [&bytes[1..], &bytes[..bytes.len() - 1]] {
            assert_eq!(PageInput::from_secret_bytes(wrong, 3).err(), Some(Unsealable::Content));
        }
        assert_eq!(PageInput::from_secret_bytes(&bytes, 2).err(), Some(Unsealable::Content));
    }

    #[test]
    fn rejects_sealed_files_of_other_places_keys_and_contents() {
        let key = SealingKey::random(&mut OsRng);
        let mut sealed = key.seal("page 3", Zeroizing::new(b"secret".to_vec()), &mut OsRng);
        assert_eq!(key.open("page 3", &sealed).unwrap().as_slice(), b"secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(key.open("page 4", &sealed).err(), Some(Unsealable::Sealed));
        assert_eq!(SealingKey::random(&mut OsRng).open("page 3", &sealed).err(), Some(Unsealable::Sealed));
        for short in [0, 23, 39] {
            assert_eq!(key.open("page 3", &sealed[..short]).err(), Some(Unsealable::Sealed));
        }
        sealed[30] ^= 1;
        assert_eq!(key.open("page 3", &sealed).err(), Some(Unsealable::Sealed));
    }
}
