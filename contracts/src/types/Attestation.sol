// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice A source's signed statement about an account. The statement's place in an attestation determines the source
/// and the account. Times are in seconds.
/// @param commitmentX The x of the commitment to the balances.
/// @param commitmentY The y of the commitment to the balances.
/// @param asOf The time at which the account held the balances.
/// @param validUntil The last second at which the statement counts.
/// @param sequence A number that grows with every statement of the source about the account.
/// @param encumbrance The only policy that the account is pledged to, or zero.
/// @param signature The source's signature: 65 bytes, or bytes that the source's contract accepts.
struct Statement {
    uint256 commitmentX;
    uint256 commitmentY;
    uint64 asOf;
    uint64 validUntil;
    uint64 sequence;
    bytes32 encumbrance;
    bytes signature;
}

/// @notice A claim that a subject's holdings satisfy a level of a policy, or that they fall short of one that claims a
/// shortfall, with its evidence.
/// @param subject The address whose holdings the claim is about.
/// @param policy The identifier of the policy.
/// @param level The level's index in the policy.
/// @param epoch The epoch of the prices.
/// @param validUntil The last second at which the attestation is to count.
/// @param presentation The address of the only caller that may bring the attestation, as a word; zero if anybody may.
/// @param statements One statement for each account of the policy, in the policy's order.
/// @param proof The proof of the level's claim about the committed holdings.
/// @param scopes The proof that the sources with a scope stated nothing outside of it; empty where no source has one.
/// @param consent The subject's signature of the attestation's context, where consent is needed and the subject is not
/// the caller: 65 bytes, or bytes that the subject's contract accepts. Otherwise empty.
struct Attestation {
    address subject;
    bytes32 policy;
    uint256 level;
    uint64 epoch;
    uint64 validUntil;
    bytes32 presentation;
    Statement[] statements;
    bytes proof;
    bytes scopes;
    bytes consent;
}

/// @notice The part of a subject's newest attestation of a level that the attestation registry keeps: one slot.
/// @param epoch The epoch of the prices.
/// @param pricesAt The time of the oldest price, in seconds.
/// @param validUntil The last second at which the attestation counts.
/// @param streak The number of consecutive snapshots of the policy, up to this one, over which the level was attested;
/// zero if there is no record.
/// @param vaultNumber The number of the vault's checkpoint that the attestation draws on.
/// @param sequences The sum of the sequence numbers of the attestation's statements. An account's sequence number never
/// falls, so the sum is that of the accounts' present numbers exactly if no statement was superseded.
struct Record {
    uint40 epoch;
    uint40 pricesAt;
    uint40 validUntil;
    uint32 streak;
    uint32 vaultNumber;
    uint72 sequences;
}
