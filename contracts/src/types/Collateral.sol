// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice A token that counts as collateral.
/// @param token The token.
/// @param unit How much of it is one lot of the instrument.
/// @param x The Lagrange point of the instrument's row.
/// @param y The same.
struct Asset {
    address token;
    uint96 unit;
    uint256 x;
    uint256 y;
}
