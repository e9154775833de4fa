// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Feed, LevelCoefficients} from "./Market.sol";

/// @notice The vault whose balances count under a policy, and the policy's rules for it. Times are in seconds.
/// @param at The vault, or zero. Without a vault the other fields are zero.
/// @param level The index of the weakest level that lets collateral out while a consumer has exposure. It claims
/// sufficiency.
/// @param maxAge The largest age of the prices in the attestation that lets collateral out.
/// @param minAge The time for which counted collateral must have stood before the snapshot's time, exclusive.
struct VaultRules {
    address at;
    uint32 level;
    uint40 maxAge;
    uint40 minAge;
}

/// @notice An account that a policy requires a statement about.
/// @param signer The address that states the balances.
/// @param account The identifier of the account's label.
/// @param isContract True if the signer is a contract that answers ERC-1271; false if it is a key, whatever code the
/// key delegates to (EIP-7702).
struct Source {
    address signer;
    bytes32 account;
    bool isContract;
}

/// @notice The scope of a source: the only instruments that its statements count for.
/// @param signer The address that states the balances.
/// @param outside The commitment to the polynomial that vanishes outside of the scope, x and y.
struct Scope {
    address signer;
    uint256[2] outside;
}

/// @notice The wiring of a level's program: the commitments that a verifier needs and that do not depend on prices.
/// @param level The level's identifier: that of its name or, if the level claims a shortfall,
/// keccak256(abi.encode(keccak256("surety/shortfall/v1"), identifier of its name)).
/// @param idx The commitment to the column IDX, x and y.
/// @param flag The commitment to the column FLAG, x and y.
struct LevelWiring {
    bytes32 level;
    uint256[2] idx;
    uint256[2] flag;
}

/// @notice The rules for attestations under a policy. Times are in seconds.
/// @param universe The identifier of the universe.
/// @param srs The identifier of the set-up.
/// @param verifyingKey The digest of the verifying key.
/// @param verifier The contract that verifies proofs.
/// @param vault The vault whose balances count, and its rules; zeros without one.
/// @param k The capacity class: the circuit has 2^k rows.
/// @param validity The longest time for which an attestation counts after its snapshot.
/// @param maxStatementSkew The largest difference between the times of an attestation's statements.
/// @param maxStatementAge The largest age of the oldest statement when an attestation arrives.
/// @param grace The time for which a superseded snapshot still takes attestations.
/// @param acceptsMarked True if attestations over a snapshot that the circuit breaker has marked count.
/// @param requiresConsent True if attestations of sufficiency count only with the subject's consent.
/// @param sufficient The number of levels that claim sufficiency: the first ones. Those behind claim a shortfall.
/// @param sources The accounts, in ascending order of signer and account.
/// @param scopes The scopes of those sources that may not state every instrument, in ascending order of signer.
/// @param nodes The oracle nodes of the policy, in ascending order. No subject may be a node or a source.
/// @param levels The levels: those that claim sufficiency, from the weakest to the strictest, and then those that claim
/// a shortfall.
struct Terms {
    bytes32 universe;
    bytes32 srs;
    bytes32 verifyingKey;
    address verifier;
    VaultRules vault;
    uint32 k;
    uint40 validity;
    uint40 maxStatementSkew;
    uint40 maxStatementAge;
    uint40 grace;
    bool acceptsMarked;
    bool requiresConsent;
    uint32 sufficient;
    Source[] sources;
    Scope[] scopes;
    address[] nodes;
    LevelWiring[] levels;
}

/// @notice A policy as a registry of attestations reads it: in one call.
/// @param inForce True if the policy counts now.
/// @param ordinal The policy's number in the order of publication, from 1.
/// @param accounts The numbers of the accounts, in the order of the terms' sources, and of the vault's collateral if
/// there is a vault: see {IPolicyRegistry-accountNumberOf}.
/// @param terms The rules for attestations.
struct Standing {
    bool inForce;
    uint32 ordinal;
    uint32[] accounts;
    Terms terms;
}

/// @notice A level of a policy that is published.
/// @param level The identifier of the level's name, whatever the level claims.
/// @param idx The commitment to the column IDX, x and y.
/// @param flag The commitment to the column FLAG, x and y.
/// @param coefficients The commitments from which the level's coefficients follow at given prices.
struct Level {
    bytes32 level;
    uint256[2] idx;
    uint256[2] flag;
    LevelCoefficients coefficients;
}

/// @notice A policy as its owner publishes it. {Terms} and {MarketRules} describe the fields that are not described
/// here.
/// @param line The hash of the name that versions of a policy share.
/// @param version The version: one more than the line's latest.
/// @param document The identifier of the policy's text.
struct Publication {
    bytes32 line;
    uint32 version;
    bytes32 document;
    bytes32 universe;
    bytes32 srs;
    uint32 k;
    address verifier;
    VaultRules vault;
    uint40 validity;
    uint40 maxStatementSkew;
    uint40 maxStatementAge;
    uint40 grace;
    bool acceptsMarked;
    bool requiresConsent;
    uint32 sufficient;
    uint40 epochLength;
    uint40 maxMarketAge;
    uint40 maxMarketSkew;
    uint32 quorum;
    Source[] sources;
    Scope[] scopes;
    address[] nodes;
    Feed[] feeds;
    Level[] levels;
}
