// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {SuretyMockVerifier} from "../src/mocks/SuretyMockVerifier.sol";
import {Attestation} from "../src/types/Attestation.sol";
import {Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {vm} from "./support/Vm.sol";

/// @notice Attestations that are verified together: all are kept, or none.
contract AttestationRegistryBatchTest is Attesting {
    uint256 private constant COUNT = 4;

    function setUp() external {
        _start();
    }

    function test_accepts_a_batch() external {
        Attestation[] memory attestations = _batch();
        attestationRegistry.attestBatch(attestations);
        for (uint256 i = 0; i < COUNT; ++i) {
            require(attestationRegistry.recordOf(attestations[i].subject, POLICY, 1).epoch == EPOCH);
            require(attestationRegistry.isSufficientNoOlderThan(attestations[i].subject, POLICY, 1_000));
        }
    }

    function test_accepts_an_attestation_twice() external {
        Attestation[] memory attestations = _batch();
        attestations[3] = attestations[0];
        attestationRegistry.attestBatch(attestations);
        require(attestationRegistry.streakOf(attestations[0].subject, POLICY, 1) == 1);
    }

    function test_rejects_an_empty_batch() external {
        vm.expectRevert(IAttestationRegistry.EmptyBatch.selector);
        attestationRegistry.attestBatch(new Attestation[](0));
    }

    function test_rejects_a_batch_with_a_wrong_proof_at_any_place() external {
        for (uint256 i = 0; i < COUNT; ++i) {
            Attestation[] memory attestations = _batch();
            attestations[i].proof[3] ^= 0x01;
            _refuse(attestations, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
        }
    }

    function test_rejects_a_batch_with_a_wrong_statement_at_any_place() external {
        for (uint256 i = 0; i < COUNT; ++i) {
            Attestation[] memory attestations = _batch();
            attestations[i].statements[2].signature[40] ^= 0x01;
            _refuse(attestations, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 2));
        }
    }

    function test_rejects_swapped_proofs() external {
        Attestation[] memory attestations = _batch();
        (attestations[1].proof, attestations[2].proof) = (attestations[2].proof, attestations[1].proof);
        _refuse(attestations, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
    }

    function test_rejects_mixed_verifiers() external {
        bytes32 other = keccak256("other");
        Terms memory terms = _terms();
        terms.verifier = address(new SuretyMockVerifier(terms.srs, terms.k));
        policyRegistry.set(other, terms);
        _takeSnapshot(other, _snapshot());
        Attestation[] memory attestations = _batch();
        attestations[2].policy = other;
        attestations[2] = _proven(_signed(attestations[2], terms), terms);
        attestationRegistry.attest(attestations[2]);
        _refuse(attestations, abi.encodeWithSelector(IAttestationRegistry.MixedVerifiers.selector));
    }

    /// @notice The state that one attestation of a batch leaves is known when the next is kept.
    function test_rejects_an_older_statement_behind_a_newer() external {
        Attestation[] memory attestations = new Attestation[](2);
        (attestations[0], attestations[1]) = (_unsigned(), _unsigned());
        attestations[0].level = 2;
        attestations[0].statements[1].sequence = 8;
        (attestations[0], attestations[1]) = (_complete(attestations[0]), _complete(attestations[1]));
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, 1, 8));
        attestationRegistry.attestBatch(attestations);
        (attestations[0], attestations[1]) = (attestations[1], attestations[0]);
        attestationRegistry.attestBatch(attestations);
    }

    function test_rejects_a_shorter_attestation_behind_a_longer() external {
        Attestation[] memory attestations = new Attestation[](2);
        (attestations[0], attestations[1]) = (_unsigned(), _unsigned());
        --attestations[1].validUntil;
        (attestations[0], attestations[1]) = (_complete(attestations[0]), _complete(attestations[1]));
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.Superseded.selector, EPOCH));
        attestationRegistry.attestBatch(attestations);
    }

    function _batch() private view returns (Attestation[] memory attestations) {
        attestations = new Attestation[](COUNT);
        for (uint160 i = 0; i < COUNT; ++i) {
            attestations[i] = _unsigned();
            attestations[i].subject = address(0x1000 + i);
            attestations[i] = _complete(attestations[i]);
        }
    }

    /// @dev None is kept.
    function _refuse(Attestation[] memory attestations, bytes memory reason) private {
        vm.expectRevert(reason);
        attestationRegistry.attestBatch(attestations);
        for (uint256 i = 0; i < attestations.length; ++i) {
            require(attestationRegistry.recordOf(attestations[i].subject, POLICY, 1).streak == 0);
        }
    }
}
