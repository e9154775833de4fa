// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Attestation, Record} from "../types/Attestation.sol";
import {IPolicyRegistry} from "./IPolicyRegistry.sol";
import {ISnapshotOracle} from "./ISnapshotOracle.sol";

/// @title Attestations that hidden holdings satisfy a policy
/// @notice Whoever brings an attestation, the registry computes by itself all that the proof is about: the prices, the sum of
/// what the sources have signed and what is in the vault, and the context.
interface IAttestationRegistry {
    /// @notice An attestation has been accepted.
    event Attested(
        address indexed subject,
        bytes32 indexed policy,
        bytes32 indexed level,
        uint64 epoch,
        uint64 validUntil,
        uint32 streak
    );

    /// @notice The policy does not count at this time.
    error PolicyNotInForce(bytes32 policy);
    /// @notice The policy has no such level.
    error UnknownLevel(uint256 level);
    /// @notice The attestation is about nobody.
    error NoSubject();
    /// @notice The subject is a source or an oracle node of the policy.
    error SubjectVouchesForItself(address subject);
    /// @notice The snapshot is not the newest, and its grace is over.
    error SnapshotSuperseded(uint64 epoch);
    /// @notice The policy's circuit breaker has marked the snapshot, or the one after it.
    error SnapshotMarked(uint64 epoch);
    /// @notice Not one statement for each account.
    error WrongStatementCount(uint256 expected, uint256 found);
    /// @notice The source has not signed the statement.
    error WrongSignature(uint256 statement);
    /// @notice The account is pledged to another policy.
    error Encumbered(uint256 statement);
    /// @notice The vault serves an attestation of another policy.
    error VaultPledged(address vault);
    /// @notice A newer statement about the account has been seen.
    error StatementSuperseded(uint256 statement, uint64 newest);
    /// @notice A commitment that is no point or hides nothing. Behind the last statement: the vault's is no point, or the sum
    /// hides nothing.
    error InvalidCommitment(uint256 statement);
    /// @notice Something is from the future.
    error NotYet();
    /// @notice The times of the statements lie too far apart.
    error StatementsTooFarApart(uint256 skew);
    /// @notice What counts in the vault has grown after the statements: they may be about the same collateral.
    error VaultGrownSince(uint40 grownAt);
    /// @notice The oldest statement is too old.
    error StatementsTooOld(uint256 age);
    /// @notice The prices are too old for these statements.
    error PricesTooOld(uint256 age);
    /// @notice The attestation would count for longer than its prices or its statements do.
    error ValidTooLong(uint64 longest);
    /// @notice The attestation counts no more.
    error Lapsed(uint64 validUntil);
    /// @notice A newer attestation has been seen.
    error Superseded(uint64 epoch);
    /// @notice Attestations of a batch are under one verifying contract.
    error MixedVerifiers();
    /// @notice A batch of none shows nothing.
    error EmptyBatch();

    /// @notice Verifies an attestation and keeps it. Anybody may bring it.
    function attest(Attestation calldata attestation) external;

    /// @notice Verifies several attestations, whose policies have one verifying contract, and keeps them all or none.
    function attestBatch(Attestation[] calldata attestations) external;

    /// @notice Whether any level of the policy holds, by an attestation whose prices are not older than `maxAge` seconds.
    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 maxAge) external view returns (bool);

    /// @notice Whether this level or a stricter one holds, by an attestation whose prices are not older than `maxAge` seconds.
    /// @param level The place of the level in the policy.
    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
        external
        view
        returns (bool);

    /// @notice The strictest level that holds now.
    /// @return holds Whether any does.
    /// @return level Its place in the policy.
    function levelOf(address subject, bytes32 policy) external view returns (bool holds, uint256 level);

    /// @notice The newest attestation of a level, whether it still counts or not.
    function recordOf(address subject, bytes32 policy, uint256 level) external view returns (Record memory);

    /// @notice In how many consecutive snapshots the level has been attested, if it holds now; otherwise zero.
    function streakOf(address subject, bytes32 policy, uint256 level) external view returns (uint32);

    /// @notice Whether attestations under the policy are accepted now: it is in force, and there are fresh prices without a
    /// mark that stops it.
    function acceptsAttestations(bytes32 policy) external view returns (bool);

    /// @notice The number that a proof of the attestation must be made for, as things stand now.
    function contextOf(Attestation calldata attestation) external view returns (uint256);

    /// @notice What has been seen of an account.
    /// @param signer Who states its balances.
    /// @param account The identifier of the account's label.
    /// @return sequence The largest sequence number.
    /// @return pledgedUntil The last second at which an attestation counts that it serves, in an exclusive registry.
    /// @return pledgedTo The ordinal of that attestation's policy.
    function accountOf(address signer, bytes32 account, address subject)
        external
        view
        returns (uint64 sequence, uint64 pledgedUntil, uint32 pledgedTo);

    /// @notice The policies.
    function POLICY_REGISTRY() external view returns (IPolicyRegistry);

    /// @notice The prices.
    function ORACLE() external view returns (ISnapshotOracle);

    /// @notice Whether an account can serve one policy only while an attestation counts.
    function EXCLUSIVE() external view returns (bool);
}
