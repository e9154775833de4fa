//! Compound III, from `Comet.sol` (`isLiquidatable`, `isBorrowCollateralized`, `mulPrice`, `signedMulPrice`,
//! `mulFactor`) and `CometCore.sol` (`presentValueBorrow`) of compound-finance/comet. Every division cuts.

use alloy_primitives::U256;

use super::{ten, wide};

/// A collateral asset of an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collateral {
    /// In the token's least units.
    pub(crate) balance: u128,
    /// Decimals of the token.
    pub(crate) decimals: usize,
    /// With 8 decimals.
    pub(crate) price: u128,
    /// The liquidate or the borrow collateral factor, with 18 decimals.
    pub(crate) factor: u128,
}

/// What is owed of the base asset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Debt {
    /// In the base token's least units, divided by the index.
    pub(crate) principal: u128,
    /// With 15 decimals.
    pub(crate) index: u128,
    /// Decimals of the base token.
    pub(crate) decimals: usize,
    /// With 8 decimals.
    pub(crate) price: u128,
}

/// Whether the collateral at its factors covers the debt.
pub(crate) fn is_covered(collateral: &[Collateral], debt: Debt) -> bool {
    let present = wide(debt.principal) * wide(debt.index) / ten(15);
    let owed = present * wide(debt.price) / ten(debt.decimals);
    let counted = |asset: &Collateral| {
        let value = wide(asset.balance) * wide(asset.price) / ten(asset.decimals);
        value * wide(asset.factor) / ten(18)
    };
    debt.principal == 0 || collateral.iter().map(counted).sum::<U256>() >= owed
}
