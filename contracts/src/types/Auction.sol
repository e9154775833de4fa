// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice The rules of auctions. Shares are in parts per million of the price, times in seconds.
/// @param policy The policy whose prices count. It takes them from feeds.
/// @param start The share at which an auction starts: at least a whole.
/// @param floor The share at which an auction ends: more than zero, at most a whole.
/// @param duration The time from start to end: at least two epochs.
/// @param maxPriceAge The largest age of the newest prices: at least half an epoch.
/// @param minimum The least that a fill may pay, or leave owed, in the quote token's smallest units: not zero, and more
/// than the smallest unit of any token costs.
struct AuctionRules {
    bytes32 policy;
    uint32 start;
    uint32 floor;
    uint40 duration;
    uint40 maxPriceAge;
    uint96 minimum;
}

/// @notice A token for sale.
/// @param token The token: an asset of the vault, and not the quote token.
/// @param market The index of the token's price in the policy's market vector.
struct Lot {
    address token;
    uint8 market;
}
