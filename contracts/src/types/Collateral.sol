// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ISecuredVenue} from "../interfaces/ISecuredVenue.sol";

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

/// @notice A contract that relies on attestations that draw on a vault, and that the vault asks before collateral
/// leaves.
/// @param consumer The contract.
/// @param level The index of the weakest level that allows a withdrawal while the consumer has exposure.
/// @param maxAge The largest age of the prices in the attestation, in seconds.
/// @param policy The policy whose attestations the consumer relies on.
struct Consumer {
    ISecuredVenue consumer;
    uint32 level;
    uint40 maxAge;
    bytes32 policy;
}
