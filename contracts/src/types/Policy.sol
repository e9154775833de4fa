// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Feed, LevelCoefficients} from "./Market.sol";

/// @notice An account that a policy requires a statement about.
/// @param signer Who states its balances: an address that signs, or a contract that answers ERC-1271.
/// @param account The identifier of the account's label.
struct Source {
    address signer;
    bytes32 account;
}

/// @notice The wiring of a level's program: what a verifier needs of it whatever the prices.
/// @param level The identifier of the level's name.
/// @param idx The commitment to the column IDX, x and y.
/// @param flag The commitment to the column FLAG.
struct LevelWiring {
    bytes32 level;
    uint256[2] idx;
    uint256[2] flag;
}

/// @notice What attestations under a policy are held to. Times are in seconds.
/// @param universe The identifier of the universe.
/// @param srs The identifier of the set-up.
/// @param verifyingKey The digest of the verifying key.
/// @param verifier The contract that verifies proofs.
/// @param vault The vault whose balances count, or zero.
/// @param k The capacity class.
/// @param validity How long after its snapshot an attestation counts at most.
/// @param maxStatementSkew How far apart the times of a set of statements may lie.
/// @param maxStatementAge How much older than the newest statement or price the oldest statement may be.
/// @param grace How long after a new snapshot the one before it may still be proven over.
/// @param acceptsMarked Whether proofs over a snapshot that the circuit breaker has marked count.
/// @param sources The accounts, in ascending order of signer and account.
/// @param nodes The oracle nodes of the policy, in ascending order. No subject may be one of them, or a source.
/// @param levels The levels, from the weakest to the strictest.
struct Terms {
    bytes32 universe;
    bytes32 srs;
    bytes32 verifyingKey;
    address verifier;
    address vault;
    uint32 k;
    uint40 validity;
    uint40 maxStatementSkew;
    uint40 maxStatementAge;
    uint40 grace;
    bool acceptsMarked;
    Source[] sources;
    address[] nodes;
    LevelWiring[] levels;
}

/// @notice A level of a policy that is published.
/// @param level The identifier of the level's name.
/// @param idx The commitment to the column IDX.
/// @param flag The commitment to the column FLAG.
/// @param coefficients The commitments that its coefficients follow from.
struct Level {
    bytes32 level;
    uint256[2] idx;
    uint256[2] flag;
    LevelCoefficients coefficients;
}

/// @notice A policy as it is published. What is not explained here is explained at {Terms} and {MarketRules}.
/// @param line What versions of a policy have in common: the hash of a name.
/// @param version One more than the version of the line before.
/// @param document The identifier of the policy's text.
struct Publication {
    bytes32 line;
    uint32 version;
    bytes32 document;
    bytes32 universe;
    bytes32 srs;
    uint32 k;
    address verifier;
    address vault;
    uint40 validity;
    uint40 maxStatementSkew;
    uint40 maxStatementAge;
    uint40 grace;
    bool acceptsMarked;
    uint40 epochLength;
    uint40 maxMarketAge;
    uint40 maxMarketSkew;
    uint32 quorum;
    Source[] sources;
    address[] nodes;
    Feed[] feeds;
    Level[] levels;
}
