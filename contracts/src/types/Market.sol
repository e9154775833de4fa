// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice Where a price comes from and what is accepted of it.
/// @param aggregator A contract with Chainlink's interface.
/// @param aggregatorDecimals The decimals of its answers: at most those of the price.
/// @param decimals The decimals of the price in the policy.
/// @param maxAge How old an answer may be, in seconds.
/// @param maxDeviation How far the price may have moved since the snapshot before, in parts per million; beyond that the
/// snapshot is marked. Zero for no such limit.
/// @param min The least price for which the policy's programs are sound.
/// @param max The largest.
struct Feed {
    address aggregator;
    uint8 aggregatorDecimals;
    uint8 decimals;
    uint32 maxAge;
    uint32 maxDeviation;
    uint96 min;
    uint96 max;
}

/// @notice The coefficients of a level's program, as commitments: those at prices p are base + Σ p_u·market[u].
/// @param base Where all prices are zero; x and y.
/// @param market The factors of each price; zeros, the identity, for a price that the level does not read.
struct LevelCoefficients {
    uint256[2] base;
    uint256[2][] market;
}

/// @notice How a policy gets its prices. Times are in seconds.
/// @param epochLength Time t is in epoch t / epochLength, rounded down. There is one snapshot an epoch.
/// @param maxAge How old a snapshot's prices may be where a proof is made over it.
/// @param maxSkew How far apart the times of the reports behind a signed snapshot may lie.
/// @param quorum How many nodes must sign a snapshot; zero where prices come from feeds.
/// @param levelCount The number of levels.
/// @param nodes The oracle nodes, in ascending order.
/// @param feeds The feeds, in the order of the market vector; empty where nodes sign.
/// @param levels What coefficients follow from, for each level; empty where nodes sign.
struct MarketRules {
    uint40 epochLength;
    uint40 maxAge;
    uint40 maxSkew;
    uint32 quorum;
    uint32 levelCount;
    address[] nodes;
    Feed[] feeds;
    LevelCoefficients[] levels;
}

/// @notice The prices of an epoch.
/// @param epoch The epoch.
/// @param previousEpoch The epoch of the snapshot before; zero if there is none.
/// @param time When the oldest prices were reported: the block's time where they come from feeds.
/// @param newest When the newest prices were reported.
/// @param slack How long after `time` something else may be from that a proof puts beside these prices, in seconds: what is
/// left of the largest ages that the policy allows.
/// @param marked Whether a price has moved further since the snapshot before than the policy's circuit breaker allows.
struct Snapshot {
    uint64 epoch;
    uint64 previousEpoch;
    uint40 time;
    uint40 newest;
    uint32 slack;
    bool marked;
}

/// @notice What oracle nodes sign: a snapshot of a policy whose market vector is too long for feeds.
/// @param policy The policy.
/// @param epoch The epoch.
/// @param time When the oldest report was made.
/// @param newest When the newest report was made.
/// @param slack As in {Snapshot}.
/// @param marked As in {Snapshot}.
/// @param id The identifier of the snapshot file.
/// @param coefficients The commitments to the coefficients of each level at these prices: x, y, x, y, …
struct SignedSnapshot {
    bytes32 policy;
    uint64 epoch;
    uint40 time;
    uint40 newest;
    uint32 slack;
    bool marked;
    bytes32 id;
    uint256[] coefficients;
}
