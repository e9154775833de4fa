// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice The right of one consumer to count an account or a vault's collateral of a subject: one slot.
/// @param consumer The consumer; zero if there has been no lien, or the consumer has released it.
/// @param until The last second of the lien.
struct Lien {
    address consumer;
    uint40 until;
}
