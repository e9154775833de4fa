// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Attestation, Record, Statement} from "../types/Attestation.sol";
import {IEvidence} from "./IEvidence.sol";

/// @title Attestations that hidden holdings satisfy a policy, or fall short of it
/// @notice Anybody may bring an attestation that is not made for another caller. Where an attestation pledges accounts,
/// or the policy says so, the subject must bring it or have consented to it. The attestation registry takes only the
/// claim, the signed statements and the proof from the caller. It computes the proof's public inputs itself: the
/// commitment to the coefficients, the sum of the commitments that sources have signed and that the vault holds, and
/// the context.
///
/// The first levels of a policy, as many as its terms say, claim sufficiency, and those behind them a shortfall: that
/// the margin is negative. A shortfall never counts as sufficiency, nor the reverse. An attestation of a shortfall
/// differs in three ways. It relies on no balance, so that it needs no consent and pledges nothing, and a pledge to
/// another policy is no obstacle; a statement whose source names another policy as its encumbrance is refused all the
/// same. Collateral in the vault may have grown at any time, and must not have fallen since the statements. Its record
/// counts only while the vault's checkpoint is the present one: see {isShortNoOlderThan}.
interface IAttestationRegistry is IEvidence {
    /* EVENTS */

    /// @notice An attestation of sufficiency was accepted. `level` is the identifier of the level's name.
    event Attested(
        address indexed subject,
        bytes32 indexed policy,
        bytes32 indexed level,
        uint64 epoch,
        uint64 validUntil,
        uint32 streak
    );

    /// @notice An attestation of a shortfall was accepted: the margin is negative. `level` is the level's identifier.
    event ShortfallAttested(
        address indexed subject,
        bytes32 indexed policy,
        bytes32 indexed level,
        uint64 epoch,
        uint64 validUntil,
        uint32 streak
    );

    /// @notice A newer statement about an account is known: attestations over older ones no longer count.
    event StatementsSuperseded(
        address indexed signer, bytes32 indexed account, address indexed subject, uint64 sequence
    );

    /* ERRORS: `statement` is an index */

    /// @notice The policy does not count at this time: its delay has not passed, it is frozen, or it has ended.
    error PolicyNotInForce(bytes32 policy);
    /// @notice The policy has no level at this index.
    error UnknownLevel(uint256 level);
    /// @notice The attestation's subject is the zero address.
    error NoSubject();
    /// @notice The attestation was made for another caller.
    error PresentedToAnother(bytes32 presentation);
    /// @notice The subject neither brings the attestation nor has signed its context, and must: the attestation is of
    /// sufficiency, and the registry is {EXCLUSIVE} or the policy requires consent.
    error NoConsent(address subject);
    /// @notice The subject is a source or an oracle node of the policy.
    error SubjectVouchesForItself(address subject);
    /// @notice The snapshot was superseded, and its grace is over.
    error SnapshotSuperseded(uint64 epoch);
    /// @notice The policy's circuit breaker has marked this snapshot or the newest one.
    error SnapshotMarked(uint64 epoch);
    /// @notice The number of statements is not the number of the policy's accounts.
    error WrongStatementCount(uint256 expected, uint256 found);
    /// @notice The signature does not match the source and the statement.
    error WrongSignature(uint256 statement);
    /// @notice The account is pledged to another policy.
    error Encumbered(uint256 statement);
    /// @notice The vault's collateral is pledged to another policy.
    error VaultPledged(address vault);
    /// @notice The statement was superseded: a statement with the sequence number `newest` is known.
    error StatementSuperseded(uint256 statement, uint64 newest);
    /// @notice Another statement about the account with the same sequence number is known.
    error SequenceRepeated(uint256 statement, uint64 sequence);
    /// @notice The policy has no account at this index.
    error UnknownAccount(uint256 index);
    /// @notice The commitment is the identity or not a point. The index behind the last statement stands for the
    /// vault's commitment, which is not a point, or for the sum, which is the identity.
    error InvalidCommitment(uint256 statement);
    /// @notice The attestation has a proof of scopes, and the policy gives no source a scope.
    error NoScopes();
    /// @notice A statement or price is dated in the future.
    error NotYet();
    /// @notice The times of the statements differ by `skew` seconds, which is more than the policy allows.
    error StatementsTooFarApart(uint256 skew);
    /// @notice The counted collateral in the vault grew after the statements, which may be about the same collateral.
    error VaultGrownSince(uint40 grownAt);
    /// @notice The counted collateral in the vault grew at a time from which it has not stood for the policy's minimum
    /// age before the snapshot's time.
    error VaultTooYoung(uint40 grownAt);
    /// @notice The counted collateral in the vault fell after the statements, which may not know where it went.
    error VaultShrunkSince(uint40 shrunkAt);
    /// @notice The oldest statement is `age` seconds old, which is more than the policy allows.
    error StatementsTooOld(uint256 age);
    /// @notice The oldest price is `age` seconds old, which is more than the snapshot's slack.
    error PricesTooOld(uint256 age);
    /// @notice The attestation would outlast its prices or its statements, which count until `longest`.
    error ValidTooLong(uint64 longest);
    /// @notice The attestation no longer counts.
    error Lapsed(uint64 validUntil);
    /// @notice The attestation was superseded by one over the prices of `epoch`.
    error Superseded(uint64 epoch);
    /// @notice The policies of a batch have different verifying contracts.
    error MixedVerifiers();
    /// @notice A batch has at least one attestation.
    error EmptyBatch();

    /* ATTESTING */

    /// @notice Verifies an attestation and keeps its record. Anybody may call, unless the attestation has a
    /// presentation.
    function attest(Attestation calldata attestation) external;

    /// @notice Verifies attestations whose policies share a verifying contract, and keeps all of their records or none.
    function attestBatch(Attestation[] calldata attestations) external;

    /* SUPERSEDING */

    /// @notice Takes in a newer statement about an account without a proof. Attestations over older statements no
    /// longer count, under any policy. Anybody may call; the policy need not be in force.
    /// @param policy A policy that names the account.
    /// @param index The account's index in the policy.
    /// @param head The statement, over the policy's universe.
    function supersede(bytes32 policy, address subject, uint256 index, Statement calldata head) external;

    /* VIEWS: `level` is an index in the policy */

    /// @notice True if any level of the policy that claims sufficiency holds by an attestation whose prices are at most
    /// `maxAge` seconds old.
    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 maxAge) external view returns (bool);

    /// @notice True if this level or a stricter one holds by an attestation whose prices are at most `maxAge` seconds
    /// old. False for a level that claims a shortfall.
    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
        external
        view
        returns (bool);

    /// @notice True if the subject's margin is known to be negative: the level claims a shortfall, and its record meets
    /// every condition.
    ///
    /// - The policy is in force, and the record has not lapsed: as for every attestation.
    /// - No statement was superseded: a newer one may state more.
    /// - The vault's checkpoint is the subject's present one, not only one above the floor: a deposit since then may
    ///   have cured the shortfall. A change that cures nothing has the same effect, and the shortfall must be proven
    ///   anew.
    /// - The prices are at most `maxAge` seconds old: at newer ones the margin may be positive.
    /// - No level that claims sufficiency holds over prices of the same epoch or a newer one. Over the same epoch that
    ///   level asks for less, and the subject has the benefit of the doubt; over a newer one the margin may be
    ///   positive.
    ///
    /// {isSufficientNoOlderThan} may be true at the same time, if the sufficient level was attested over an earlier
    /// epoch.
    function isShortNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
        external
        view
        returns (bool);

    /// @notice The strictest level that holds now. A level that claims a shortfall never does.
    /// @return holds True if a level holds.
    /// @return level The index of that level; zero if none holds.
    function levelOf(address subject, bytes32 policy) external view returns (bool holds, uint256 level);

    /// @notice The record of the newest attestation of a level, including one that no longer counts; zeros if there is
    /// none. The level may claim a shortfall: compare its index with the terms before you rely on the record.
    function recordOf(address subject, bytes32 policy, uint256 level) external view returns (Record memory);

    /// @notice The number of consecutive snapshots over which the level was attested; zero if the level does not hold
    /// now, or claims a shortfall.
    function streakOf(address subject, bytes32 policy, uint256 level) external view returns (uint32);

    /// @notice True if attestations under the policy are accepted now: the policy is in force, its newest prices are
    /// fresh, and the circuit breaker has not stopped them.
    function acceptsAttestations(bytes32 policy) external view returns (bool);

    /// @notice The context that the attestation's proof must be bound to at this time.
    function contextOf(Attestation calldata attestation) external view returns (uint256);

    /// @notice The state of an account.
    /// @param signer The address that states the account's balances.
    /// @param account The identifier of the account's label.
    /// @return sequence The largest sequence number that was seen.
    /// @return digest The last 120 bits of the digest of that statement.
    /// @return pledgedUntil The last second of the account's pledge; zero unless {EXCLUSIVE}.
    /// @return pledgedTo The ordinal of the policy that the account is pledged to; zero unless {EXCLUSIVE}.
    function accountOf(address signer, bytes32 account, address subject)
        external
        view
        returns (uint64 sequence, uint120 digest, uint40 pledgedUntil, uint32 pledgedTo);

    /// @notice True if an account serves one policy only for as long as an attestation counts. Accounts are pledged to
    /// policies, not to consumers: consumers of one policy share its attestations. {ILienRegistry} keeps consumers
    /// apart.
    function EXCLUSIVE() external view returns (bool);
}
