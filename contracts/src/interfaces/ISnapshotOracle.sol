// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {SignedSnapshot, Snapshot} from "../types/Market.sol";

/// @title Prices, as commitments to the coefficients of margin programs
/// @notice A policy has at most one snapshot for each epoch. Anybody may take the snapshot and nobody can change it.
/// Only the newest snapshot and the previous one are kept, so a holder cannot choose among prices.
interface ISnapshotOracle {
    /* EVENTS */

    /// @notice A snapshot was taken. `id` is zero and `prices` are given if prices come from feeds; otherwise nodes
    /// signed the snapshot file `id`, and `prices` is empty.
    event SnapshotTaken(
        bytes32 indexed policy, uint64 indexed epoch, uint40 time, bool marked, bytes32 id, uint96[] prices
    );

    /* ERRORS */

    /// @notice The policy does not count at this time: its delay has not passed, it is frozen, or it has ended.
    error PolicyNotInForce(bytes32 policy);
    /// @notice A snapshot of this epoch or of a later one exists.
    error EpochTaken(uint64 epoch);
    /// @notice The previous snapshot is less than half an epoch old. Until `earliest`, its mark and the grace of the
    /// snapshot before it stand.
    error TooSoon(uint256 earliest);
    /// @notice The epoch is neither that of the newest snapshot nor that of the previous one.
    error UnknownEpoch(uint64 epoch);
    /// @notice The policy has no level at this index.
    error UnknownLevel(uint256 level);
    /// @notice At these prices the commitment to the level's coefficients is the identity.
    error DegenerateCoefficients(uint256 level);
    /// @notice The policy takes its prices from nodes where feeds were used, or from feeds where nodes signed.
    error WrongKind();
    /// @notice The feed's answer is not a price: it is not positive, belongs to no complete round, is dated in the
    /// future, or has other decimals.
    error BadAnswer(uint256 feed);
    /// @notice The feed's answer is older than its `maxAge`, or is so old that the snapshot would take attestations for
    /// less than half an epoch.
    error StaleAnswer(uint256 feed, uint256 age);
    /// @notice The price is outside the range for which the policy's programs are sound.
    error PriceOutOfRange(uint256 feed, uint256 price);
    /// @notice The field `part` of the signed snapshot breaks a rule.
    error InvalidSnapshot(string part);
    /// @notice Valid signatures are fewer than the policy's quorum, or their signers are not nodes in ascending order.
    error InvalidSignatures();

    /* TAKING SNAPSHOTS */

    /// @notice Takes the snapshot of the current epoch from the policy's feeds.
    /// @return epoch The current epoch.
    function take(bytes32 policy) external returns (uint64 epoch);

    /// @notice Takes a snapshot that nodes have signed.
    /// @param signers The nodes that signed, in ascending order: at least the policy's quorum.
    /// @param signatures One signature for each signer: 65 bytes, or bytes that the node's contract accepts.
    function submit(SignedSnapshot calldata snapshot, address[] calldata signers, bytes[] calldata signatures) external;

    /* VIEWS */

    /// @notice The newest snapshot; all zeros if there is none.
    function latest(bytes32 policy) external view returns (Snapshot memory);

    /// @notice The snapshot of an epoch and the newest snapshot. Reverts unless the epoch's snapshot is the newest or
    /// the previous one.
    /// @return snapshot The snapshot of the epoch.
    /// @return newest The newest snapshot.
    /// @return coef The commitment to the level's coefficients at the epoch's prices, x and y.
    function read(bytes32 policy, uint64 epoch, uint256 level)
        external
        view
        returns (Snapshot memory snapshot, Snapshot memory newest, uint256[2] memory coef);

    /// @notice The prices of the newest snapshot or of the previous one, in the order of the policy's feeds; empty if
    /// nodes sign.
    function pricesOf(bytes32 policy, uint64 epoch) external view returns (uint96[] memory);

    /// @notice The identifier of the snapshot file that nodes signed; zero if prices come from feeds.
    function idOf(bytes32 policy, uint64 epoch) external view returns (bytes32);
}
