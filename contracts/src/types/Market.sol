// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice A price feed and the answers that a policy accepts from it.
/// @param aggregator A contract with Chainlink's interface.
/// @param aggregatorDecimals The decimals of the aggregator's answers: at most those of the price.
/// @param decimals The decimals of the price in the policy.
/// @param maxAge The largest age of an answer, in seconds.
/// @param maxDeviation The largest move of the price since the previous snapshot, in parts per million. A larger move
/// marks the snapshot. Zero sets no limit.
/// @param min The smallest price for which the policy's programs are sound.
/// @param max The largest price for which the policy's programs are sound.
struct Feed {
    address aggregator;
    uint8 aggregatorDecimals;
    uint8 decimals;
    uint32 maxAge;
    uint32 maxDeviation;
    uint96 min;
    uint96 max;
}

/// @notice Commitments from which a level's coefficients follow: at prices p they are base + Σ p_u·market[u].
/// @param base The commitment at prices of zero, x and y.
/// @param market The factor of each price, x and y; the identity, two zeros, for a price that the level does not read.
struct LevelCoefficients {
    uint256[2] base;
    uint256[2][] market;
}

/// @notice The rules for a policy's prices. Times are in seconds.
/// @param epochLength The length of an epoch: time t is in epoch t / epochLength, rounded down. An epoch has at most
/// one snapshot.
/// @param maxAge The largest age of a snapshot's prices in an attestation.
/// @param maxSkew The largest difference between the times of the reports behind a signed snapshot.
/// @param quorum The number of nodes that must sign a snapshot; zero if prices come from feeds.
/// @param levelCount The number of levels.
/// @param nodes The oracle nodes, in ascending order.
/// @param feeds The feeds, in the order of the market vector; empty if nodes sign.
/// @param levels The commitments of each level; empty if nodes sign.
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

/// @notice The prices of an epoch. Times are in seconds.
/// @param epoch The epoch; zero if there is no snapshot.
/// @param previousEpoch The epoch of the previous snapshot; zero if there is none.
/// @param time The time of the oldest price: the block's time if prices come from feeds.
/// @param newest The time of the newest price.
/// @param slack The longest time after `time` at which an attestation over the snapshot may arrive: the smallest
/// remainder of the ages that the policy allows.
/// @param marked True if a price has moved further since the previous snapshot than the circuit breaker allows.
struct Snapshot {
    uint64 epoch;
    uint64 previousEpoch;
    uint40 time;
    uint40 newest;
    uint32 slack;
    bool marked;
}

/// @notice A snapshot that oracle nodes sign, for a policy whose market vector is too long for feeds. {Snapshot}
/// describes the fields that are not described here.
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
