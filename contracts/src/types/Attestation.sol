// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice What a source has signed about an account. Which source and which account follows from its place.
/// @param commitmentX The commitment to the balances.
/// @param commitmentY The same.
/// @param asOf When the account held them.
/// @param validUntil The last second at which the statement counts.
/// @param sequence Counts up with every statement of the source about the account.
/// @param encumbrance Zero, or the only policy that the account is pledged to.
/// @param signature The source's: 65 bytes, or what the source's contract takes.
struct Statement {
    uint256 commitmentX;
    uint256 commitmentY;
    uint64 asOf;
    uint64 validUntil;
    uint64 sequence;
    bytes32 encumbrance;
    bytes signature;
}

/// @notice An attestation.
/// @param subject Whose holdings.
/// @param policy The policy.
/// @param level The place of the level in the policy.
/// @param epoch The epoch of the prices.
/// @param validUntil The last second at which it is to count.
/// @param statements One for each account of the policy, in its order.
/// @param proof The proof.
struct Attestation {
    address subject;
    bytes32 policy;
    uint256 level;
    uint64 epoch;
    uint64 validUntil;
    Statement[] statements;
    bytes proof;
}

/// @notice What is kept of a subject's newest attestation of a level.
/// @param epoch The epoch of the prices.
/// @param pricesAt When the oldest prices were reported.
/// @param validUntil The last second at which it counts.
/// @param streak In how many snapshots of the policy, one after the other up to this one, the level has been attested.
/// @param vaultNumber The number of the vault's checkpoint that it drew on.
struct Record {
    uint64 epoch;
    uint64 pricesAt;
    uint64 validUntil;
    uint32 streak;
    uint32 vaultNumber;
}
