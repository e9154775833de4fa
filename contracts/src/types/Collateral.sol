// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice A token that counts as collateral.
/// @param token The token's contract.
/// @param unit The size of one lot of the instrument, in the token's smallest units.
/// @param x The x of the Lagrange point of the instrument's row.
/// @param y The y of the Lagrange point of the instrument's row.
struct Asset {
    address token;
    uint96 unit;
    uint256 x;
    uint256 y;
}
