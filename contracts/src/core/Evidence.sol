// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {IEvidence} from "../interfaces/IEvidence.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {EIP712_NAME, EIP712_VERSION, SOURCE_STATEMENT_TYPEHASH} from "../libraries/Constants.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Statement} from "../types/Attestation.sol";
import {Snapshot} from "../types/Market.sol";
import {Source, Terms} from "../types/Policy.sol";

/// @title What registries check of statements and of snapshots
/// @dev Refusals are errors of {IAttestationRegistry}, whichever registry refuses.
abstract contract Evidence is IEvidence, EIP712 {
    /* IMMUTABLES */

    /// @inheritdoc IEvidence
    IPolicyRegistry public immutable POLICY_REGISTRY;
    /// @inheritdoc IEvidence
    ISnapshotOracle public immutable ORACLE;

    /* CONSTRUCTOR */

    constructor(IPolicyRegistry policyRegistry, ISnapshotOracle oracle) EIP712(EIP712_NAME, EIP712_VERSION) {
        (POLICY_REGISTRY, ORACLE) = (policyRegistry, oracle);
    }

    /* INTERNAL: POLICIES AND SNAPSHOTS */

    function _isInForce(bytes32 policy) internal view returns (bool) {
        return POLICY_REGISTRY.isInForce(policy);
    }

    function _checkSubject(address subject, Terms memory terms) internal pure {
        if (subject == address(0)) revert IAttestationRegistry.NoSubject();
        (Source[] memory sources, address[] memory nodes) = (terms.sources, terms.nodes);
        for (uint256 i = 0; i < sources.length; ++i) {
            if (sources[i].signer == subject) revert IAttestationRegistry.SubjectVouchesForItself(subject);
        }
        for (uint256 i = 0; i < nodes.length; ++i) {
            if (nodes[i] == subject) revert IAttestationRegistry.SubjectVouchesForItself(subject);
        }
    }

    /// @dev The grace of the previous snapshot runs from the newest report in the newest snapshot. A report is no later
    /// than the transaction that takes its snapshot, so nobody gains by taking a snapshot late.
    function _checkSnapshot(uint64 epoch, Snapshot memory snapshot, Snapshot memory newest, Terms memory terms)
        internal
        view
    {
        if (epoch != newest.epoch) {
            bool graced = epoch == newest.previousEpoch && block.timestamp <= uint256(newest.newest) + terms.grace;
            if (!graced) revert IAttestationRegistry.SnapshotSuperseded(epoch);
        }
        bool marked = snapshot.marked || newest.marked;
        if (marked && !terms.acceptsMarked) revert IAttestationRegistry.SnapshotMarked(epoch);
    }

    /* INTERNAL: STATEMENTS */

    /// @dev The digests that the sources of a policy have signed, if there is a statement for each of its accounts.
    function _digests(Statement[] calldata statements, address subject, Terms memory terms)
        internal
        view
        returns (bytes32[] memory digests)
    {
        Source[] memory sources = terms.sources;
        uint256 count = sources.length;
        if (statements.length != count) revert IAttestationRegistry.WrongStatementCount(count, statements.length);
        digests = new bytes32[](count);
        (bytes32 domain, bytes32 universe) = (_domainSeparatorV4(), terms.universe);
        for (uint256 i = 0; i < count; ++i) {
            digests[i] = _digest(statements[i], sources[i], subject, universe, domain);
        }
    }

    /// @dev The digest that a source signs.
    function _digest(
        Statement calldata statement,
        Source memory source,
        address subject,
        bytes32 universe,
        bytes32 domain
    ) internal pure returns (bytes32) {
        (bytes32 typeHash, address signer, bytes32 account) =
            (SOURCE_STATEMENT_TYPEHASH, source.signer, source.account);
        bytes32 structHash;
        uint256 excess;
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, typeHash)
            mstore(add(words, 0x20), signer)
            mstore(add(words, 0x40), subject)
            mstore(add(words, 0x60), account)
            mstore(add(words, 0x80), universe)
            // The fields before the signature are hashed as they are encoded: six words, of which the third to the
            // fifth have 64 bits.
            calldatacopy(add(words, 0xa0), statement, 0xc0)
            excess := shr(64, or(or(mload(add(words, 0xe0)), mload(add(words, 0x100))), mload(add(words, 0x120))))
            // At an offset below zero copies are zeros, and reads begin anew at the start of the calldata.
            excess := or(excess, gt(statement, calldatasize()))
            structHash := keccak256(words, 0x160)
        }
        // As Solidity's decoder does.
        if (excess != 0) revert();
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }

    /// @dev The hash of digests in a row.
    function _hash(bytes32[] memory digests) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(digests, 0x20), mul(mload(digests), 0x20))
        }
    }

    /// @dev A source that states an encumbrance says that the balances serve no other policy. Such a statement says
    /// nothing about the balances under this one, be the claim sufficiency or a shortfall. That is the source's word
    /// and not the subject's, and under this policy the account attests to nothing either.
    function _checkStatements(
        Statement[] calldata statements,
        bytes32[] memory digests,
        bytes32 policy,
        Terms memory terms
    ) internal view {
        Source[] memory sources = terms.sources;
        for (uint256 i = 0; i < statements.length; ++i) {
            Statement calldata statement = statements[i];
            bool free = statement.encumbrance == 0 || statement.encumbrance == policy;
            if (!free) revert IAttestationRegistry.Encumbered(i);
            bool signed = _isSigned(sources[i], digests[i], statement.signature);
            if (!signed) revert IAttestationRegistry.WrongSignature(i);
        }
    }

    /// @dev True if the source has signed: as a key or as a contract, as the policy says.
    function _isSigned(Source memory source, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        return source.isContract
            ? Signatures.isOfContract(source.signer, digest, signature)
            : Signatures.isOfKey(source.signer, digest, signature);
    }

    /// @dev The rules of `check_freshness` in verifier/src/attestation/freshness.rs, which gives their reasons, for
    /// statements whose digests {_digests} has computed. Ages
    /// are those at arrival, which is no earlier than the newest statement and the newest price.
    /// @return oldest The earliest time of a statement.
    /// @return newest The latest time of a statement.
    function _checkTimes(
        Statement[] calldata statements,
        Snapshot memory snapshot,
        Terms memory terms,
        uint64 validUntil
    ) internal view returns (uint256 oldest, uint256 newest) {
        oldest = type(uint64).max;
        uint64 longest = uint64(snapshot.time) + terms.validity;
        // Times are kept in 40 bits.
        if (longest > type(uint40).max) longest = type(uint40).max;
        for (uint256 i = 0; i < statements.length; ++i) {
            Statement calldata statement = statements[i];
            // The digests were computed: the words have 64 bits.
            uint64 asOf;
            uint64 until;
            assembly ("memory-safe") {
                asOf := calldataload(add(statement, 0x40))
                until := calldataload(add(statement, 0x60))
            }
            if (asOf < oldest) oldest = asOf;
            if (asOf > newest) newest = asOf;
            if (until < longest) longest = until;
        }
        uint256 earliest = newest > snapshot.newest ? newest : snapshot.newest;
        if (earliest > block.timestamp) revert IAttestationRegistry.NotYet();
        if (newest - oldest > terms.maxStatementSkew) {
            revert IAttestationRegistry.StatementsTooFarApart(newest - oldest);
        }
        uint256 age = block.timestamp - oldest;
        if (age > terms.maxStatementAge) revert IAttestationRegistry.StatementsTooOld(age);
        age = block.timestamp - snapshot.time;
        if (age > snapshot.slack) revert IAttestationRegistry.PricesTooOld(age);
        if (validUntil > longest) revert IAttestationRegistry.ValidTooLong(longest);
        if (validUntil < block.timestamp) revert IAttestationRegistry.Lapsed(validUntil);
    }

    /// @dev The point (x, y), which may be the identity, and the commitments of all statements, added up.
    function _sum(Statement[] calldata statements, uint256 x, uint256 y) internal view returns (uint256, uint256) {
        uint256 count = statements.length;
        for (uint256 i = 0; i < count; ++i) {
            Statement calldata statement = statements[i];
            if (!Bn254.isPoint(statement.commitmentX, statement.commitmentY)) {
                revert IAttestationRegistry.InvalidCommitment(i);
            }
            (x, y) = Bn254.add(x, y, statement.commitmentX, statement.commitmentY);
        }
        if (Bn254.isIdentity(x, y)) revert IAttestationRegistry.InvalidCommitment(count);
        return (x, y);
    }
}
