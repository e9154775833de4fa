// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title The part of Pyth's interface that a feed uses
/// @notice Source: <https://docs.pyth.network/price-feeds/contract-addresses/evm>, `IPyth` and `PythStructs`.
interface IPyth {
    /// @notice A price: `price · 10^expo`, give or take `conf · 10^expo`, as published at `publishTime`.
    struct Price {
        int64 price;
        uint64 conf;
        int32 expo;
        uint256 publishTime;
    }

    /// @notice The last price that somebody has brought, however old.
    function getPriceUnsafe(bytes32 id) external view returns (Price memory price);

    /// @notice What it costs to bring updates, in wei.
    function getUpdateFee(bytes[] calldata updates) external view returns (uint256 fee);

    /// @notice Brings updates, which Pyth's publishers have signed.
    function updatePriceFeeds(bytes[] calldata updates) external payable;
}
