// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice An attestation of the Ethereum Attestation Service. Times are in seconds.
/// @param uid The attestation's identifier.
/// @param schema The schema's identifier.
/// @param time The time at which it was made.
/// @param expirationTime The time at which it expires; zero if it does not.
/// @param revocationTime The time at which it was revoked; zero if it was not.
/// @param refUID The identifier of an attestation that it refers to, or zero.
/// @param recipient The address that it is about.
/// @param attester The address that made it.
/// @param revocable True if the attester may revoke it.
/// @param data The fields of the schema, encoded.
struct EASAttestation {
    bytes32 uid;
    bytes32 schema;
    uint64 time;
    uint64 expirationTime;
    uint64 revocationTime;
    bytes32 refUID;
    address recipient;
    address attester;
    bool revocable;
    bytes data;
}
