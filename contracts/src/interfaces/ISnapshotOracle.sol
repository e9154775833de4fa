// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {SignedSnapshot, Snapshot} from "../types/Market.sol";

/// @title Prices, as commitments to the coefficients of margin programs
/// @notice There is one snapshot for each policy and epoch. Anybody may take it, nobody can change it, and only the newest
/// one and the one before are kept: a holder cannot choose among prices.
interface ISnapshotOracle {
    /// @notice A snapshot is there. `id` is zero where the prices come from feeds.
    event SnapshotTaken(
        bytes32 indexed policy, uint64 indexed epoch, uint40 time, bool marked, bytes32 id, uint96[] prices
    );

    /// @notice The policy does not count at this time.
    error PolicyNotInForce(bytes32 policy);
    /// @notice There is a snapshot of this epoch, or a later one.
    error EpochTaken(uint64 epoch);
    /// @notice Snapshots lie half an epoch apart at least: a mark lasts, and so does the grace of the snapshot before.
    error TooSoon(uint256 earliest);
    /// @notice The snapshot is neither the newest nor the one before.
    error UnknownEpoch(uint64 epoch);
    /// @notice The policy has no such level.
    error UnknownLevel(uint256 level);
    /// @notice At these prices the coefficients of a level commit to nothing.
    error DegenerateCoefficients(uint256 level);
    /// @notice The policy's prices come from feeds, or from nodes; the other was tried.
    error WrongKind();
    /// @notice A feed's answer is not a price: not positive, of no round, of the future, or with other decimals.
    error BadAnswer(uint256 feed);
    /// @notice A feed's answer is too old.
    error StaleAnswer(uint256 feed, uint256 age);
    /// @notice A price is outside the range for which the policy's programs are sound.
    error PriceOutOfRange(uint256 feed, uint256 price);
    /// @notice A signed snapshot breaks a rule. `part` is the name of the field.
    error InvalidSnapshot(string part);
    /// @notice Not as many good signatures as the policy asks for, or not in ascending order of their signers.
    error InvalidSignatures();

    /// @notice Takes the snapshot of the present epoch from the policy's feeds.
    /// @return epoch The epoch.
    function take(bytes32 policy) external returns (uint64 epoch);

    /// @notice Takes a snapshot that nodes have signed.
    /// @param snapshot The snapshot.
    /// @param signers The nodes that have signed, ascending, at least as many as the policy's quorum.
    /// @param signatures Their signatures: 65 bytes, or what the node's contract takes.
    function submit(SignedSnapshot calldata snapshot, address[] calldata signers, bytes[] calldata signatures) external;

    /// @notice The newest snapshot; all zeros if there is none.
    function latest(bytes32 policy) external view returns (Snapshot memory);

    /// @notice The snapshot of an epoch, if it is the newest or the one before, with the newest one.
    /// @return snapshot The snapshot.
    /// @return newest The newest.
    /// @return coef The commitment to the level's coefficients, x and y.
    function read(bytes32 policy, uint64 epoch, uint256 level)
        external
        view
        returns (Snapshot memory snapshot, Snapshot memory newest, uint256[2] memory coef);

    /// @notice The prices of the newest snapshot, or of the one before, in the order of the policy's feeds; empty where
    /// nodes sign.
    function pricesOf(bytes32 policy, uint64 epoch) external view returns (uint96[] memory);

    /// @notice The identifier of the snapshot file that nodes signed; zero where prices come from feeds.
    function idOf(bytes32 policy, uint64 epoch) external view returns (bytes32);
}
