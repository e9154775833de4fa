//! A user with balances.

use core::fmt;

use rand_core::{CryptoRng, RngCore};
use surety_core::{
    ident::{Bytes32, HexBytes},
    units::Lots,
};
use surety_margin::holdings::Position;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A user with balances. Secret: it does not print and is erased when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct UserAccount {
    /// As the venue and the user know them.
    pub user: String,
    /// What the user has chosen; zero if the user has chosen nothing.
    pub nonce: [u8; 32],
    /// What the venue has drawn.
    pub salt: [u8; 32],
    /// The balances, for each instrument of the universe, in lots.
    pub lots: Vec<i128>,
}

impl fmt::Debug for UserAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserAccount(hidden)")
    }
}

impl UserAccount {
    /// An account with a fresh salt; pass the operating system's generator.
    pub fn new(user: String, nonce: Bytes32, lots: Vec<i128>, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        Self { user, nonce: nonce.0, salt, lots }
    }

    /// What the user has chosen.
    #[must_use]
    pub fn nonce(&self) -> Bytes32 {
        HexBytes(self.nonce)
    }

    /// What the venue has drawn.
    #[must_use]
    pub fn salt(&self) -> Bytes32 {
        HexBytes(self.salt)
    }

    /// The balances as a position.
    ///
    /// # Errors
    /// If one is beyond what lots can be.
    pub fn position(&self) -> Result<Position, String> {
        position_of(&self.lots)
    }
}

/// Numbers of lots as a position.
///
/// # Errors
/// If one is beyond what lots can be.
pub(crate) fn position_of(lots: &[i128]) -> Result<Position, String> {
    // A collected result grows, and leaves copies behind.
    let mut position = Zeroizing::new(Vec::with_capacity(lots.len()));
    for lots in lots {
        position.push(Lots::new(*lots)?);
    }
    Ok(Position::from_lots(core::mem::take(&mut *position)))
}
