//! The contracts' interfaces, from the JSON that Solidity's compiler writes: `abi/` in this package. `contracts/check`
//! compares the files with the contracts, and `npm run artifacts -- --update` in `contracts/` writes them.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use surety_core::ident::{Bytes32, EvmAddress, HexBytes};

sol!(
    #[sol(all_derives)]
    IPolicyRegistry,
    "abi/IPolicyRegistry.json"
);
sol!(
    #[sol(all_derives)]
    ISnapshotOracle,
    "abi/ISnapshotOracle.json"
);
sol!(
    #[sol(all_derives)]
    IAttestationRegistry,
    "abi/IAttestationRegistry.json"
);
sol!(
    #[sol(all_derives)]
    IBookRegistry,
    "abi/IBookRegistry.json"
);
sol!(
    #[sol(all_derives)]
    ICollateralAuction,
    "abi/ICollateralAuction.json"
);
sol!(
    #[sol(all_derives)]
    ICollateralVault,
    "abi/ICollateralVault.json"
);
sol!(
    #[sol(all_derives)]
    ISuretyVerifier,
    "abi/ISuretyVerifier.json"
);
sol!(
    #[sol(all_derives)]
    IAccessControl,
    "abi/IAccessControl.json"
);

sol!(
    #[sol(all_derives)]
    MarginGatedVenue,
    "abi/MarginGatedVenue.json"
);
sol!(
    #[sol(all_derives)]
    MockAggregator,
    "abi/MockAggregator.json"
);
sol!(
    #[sol(all_derives)]
    MockToken,
    "abi/MockToken.json"
);
sol!(
    #[sol(all_derives)]
    IERC20Metadata,
    "abi/IERC20Metadata.json"
);

pub(super) use self::{
    // Of the two functions of this name, the one that takes a level.
    IAttestationRegistry::{Attestation, Statement, isSufficientNoOlderThan_1Call as isSufficientNoOlderThanCall},
    ICollateralVault::Asset,
    IPolicyRegistry::{Feed, Level, LevelCoefficients, MarketRules, Publication, Scope, Source, Terms},
    ISnapshotOracle::SignedSnapshot,
    MarginGatedVenue::VenueRules,
};
#[cfg(test)]
pub(super) use self::{IPolicyRegistry::LevelWiring, ISnapshotOracle::Snapshot};

/// An address of this project as the ABI has it.
pub(crate) fn address(address: &EvmAddress) -> Address {
    Address::from(address.0)
}

/// 32 bytes of this project as the ABI has them.
pub(crate) fn word(bytes: &Bytes32) -> B256 {
    B256::from(bytes.0)
}

/// 32 bytes of the ABI as this project has them.
pub(crate) fn bytes32(word: B256) -> Bytes32 {
    HexBytes(word.0)
}

/// The coordinates of an encoded point, `x ‖ y`.
pub(crate) fn coordinates(point: &HexBytes<64>) -> [U256; 2] {
    let (x, y) = point.0.split_at(32);
    [U256::from_be_slice(x), U256::from_be_slice(y)]
}

/// The encoding `x ‖ y` of two coordinates.
pub(crate) fn encoded([x, y]: [U256; 2]) -> HexBytes<64> {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&x.to_be_bytes::<32>());
    bytes[32..].copy_from_slice(&y.to_be_bytes::<32>());
    HexBytes(bytes)
}
