// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {AttestationRegistry} from "../src/core/AttestationRegistry.sol";
import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {Attestation} from "../src/types/Attestation.sol";
import {Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {SourceStandIn} from "./support/StandIns.sol";
import {vm} from "./support/Vm.sol";

/// @notice A consumer that brings attestations itself.
contract Consumer {
    function bring(AttestationRegistry attestationRegistry, Attestation calldata attestation) external {
        attestationRegistry.attest(attestation);
    }
}

/// @notice The consent of subjects, and attestations that are made for one caller.
contract AttestationRegistryConsentTest is Attesting {
    bytes32 private constant OTHER = keccak256("other");
    address private constant STRANGER = address(0x57a);

    function setUp() external {
        _start();
        policyRegistry.set(OTHER, _terms());
        _takeSnapshot(OTHER, _snapshot());
    }

    /// @notice Attack: the sources of another policy state accounts of a subject that wants nothing of the policy. Its
    /// vault and accounts would be pledged, and its own attestations refused.
    function test_rejects_a_pledge_without_the_subjects_consent() external {
        attestationRegistry = _newAttestationRegistry(true);
        Terms memory terms = _terms();
        terms.vault.at = address(vault);
        policyRegistry.set(OTHER, terms);
        Attestation memory attestation = _unsigned();
        attestation.policy = OTHER;
        _refused(_complete(attestation), _noConsent());
        _brought(SUBJECT, _attestation());
    }

    function test_rejects_a_batch_without_the_subjects_consent() external {
        attestationRegistry = _newAttestationRegistry(true);
        Attestation[] memory attestations = new Attestation[](2);
        attestations[0] = _consented(SUBJECT_KEY, _attestation());
        attestations[1] = _attestation();
        vm.expectRevert(_noConsent());
        attestationRegistry.attestBatch(attestations);
        attestations[1] = _consented(SUBJECT_KEY, _attestation());
        attestationRegistry.attestBatch(attestations);
    }

    function test_rejects_no_consent_where_the_policy_requires_it() external {
        _requireConsent();
        Attestation memory attestation = _proven(_signed(_unsigned(), _terms()), _terms());
        _refused(attestation, _noConsent());
        attestationRegistry.attest(_consented(SUBJECT_KEY, attestation));
    }

    function test_accepts_what_the_subject_brings() external {
        _requireConsent();
        _brought(SUBJECT, _attestation());
    }

    function test_rejects_the_consent_of_somebody_else() external {
        _requireConsent();
        _refused(_consented(1, _attestation()), _noConsent());
        Attestation memory attestation = _consented(SUBJECT_KEY, _attestation());
        attestation.consent[64] ^= 0x01;
        _refused(attestation, _noConsent());
    }

    function test_rejects_a_consent_to_another_attestation() external {
        _requireConsent();
        Attestation memory other = _unsigned();
        --other.validUntil;
        Attestation memory attestation = _attestation();
        attestation.consent = _consented(SUBJECT_KEY, _complete(other)).consent;
        _refused(attestation, _noConsent());
    }

    function test_rejects_a_consent_for_another_registry() external {
        _requireConsent();
        Attestation memory attestation = _consented(SUBJECT_KEY, _attestation());
        attestationRegistry = _newAttestationRegistry(false);
        bytes memory consent = attestation.consent;
        attestation = _attestation();
        attestation.consent = consent;
        _refused(attestation, _noConsent());
    }

    /// @notice A wallet that is a contract confirms what it has signed (ERC-1271).
    function test_accepts_the_consent_of_a_contract() external {
        _requireConsent();
        Attestation memory attestation = _unsigned();
        attestation.subject = address(new SourceStandIn("wallet's"));
        attestation = _complete(attestation);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.NoConsent.selector, attestation.subject));
        attestation.consent = "wallet's";
        attestationRegistry.attest(attestation);
    }

    /// @notice Attack: code that a key delegates to says yes to everything (EIP-7702).
    function test_rejects_the_consent_of_delegated_code() external {
        _requireConsent();
        vm.etch(SUBJECT, abi.encodePacked(hex"ef0100", new SourceStandIn("anything")));
        Attestation memory attestation = _attestation();
        attestation.consent = "anything";
        _refused(attestation, _noConsent());
        attestationRegistry.attest(_consented(SUBJECT_KEY, attestation));
    }

    /// @notice Attack: a consumer shows what was made for another.
    function test_rejects_what_is_presented_to_another() external {
        Consumer consumer = new Consumer();
        Attestation memory attestation = _unsigned();
        attestation.presentation = bytes32(uint256(uint160(address(consumer))));
        attestation = _complete(attestation);
        bytes memory reason =
            abi.encodeWithSelector(IAttestationRegistry.PresentedToAnother.selector, attestation.presentation);
        _refused(attestation, reason);
        vm.prank(STRANGER);
        _refused(attestation, reason);
        consumer.bring(attestationRegistry, attestation);
    }

    function test_rejects_a_batch_that_is_presented_to_another() external {
        Attestation[] memory attestations = new Attestation[](1);
        Attestation memory attestation = _unsigned();
        attestation.presentation = bytes32(uint256(uint160(STRANGER)));
        attestations[0] = _complete(attestation);
        vm.expectRevert(
            abi.encodeWithSelector(IAttestationRegistry.PresentedToAnother.selector, attestation.presentation)
        );
        attestationRegistry.attestBatch(attestations);
        vm.prank(STRANGER);
        attestationRegistry.attestBatch(attestations);
    }

    /// @notice A verifier's challenge is no caller, nor is an address with something before it.
    function test_rejects_a_presentation_that_is_no_address() external {
        Attestation memory attestation = _unsigned();
        attestation.presentation = bytes32(uint256(uint160(address(this))) | 1 << 160);
        attestation = _complete(attestation);
        bytes memory reason =
            abi.encodeWithSelector(IAttestationRegistry.PresentedToAnother.selector, attestation.presentation);
        _refused(attestation, reason);
    }

    /// @notice Attack: take the presentation off, or put another one on.
    function test_rejects_a_changed_presentation() external {
        Attestation memory attestation = _unsigned();
        attestation.presentation = bytes32(uint256(uint160(STRANGER)));
        attestation = _complete(attestation);
        attestation.presentation = bytes32(0);
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attest(attestation);
        attestation.presentation = bytes32(uint256(uint160(address(this))));
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attest(attestation);
    }

    function _brought(address caller, Attestation memory attestation) private {
        vm.prank(caller);
        attestationRegistry.attest(attestation);
    }

    function _requireConsent() private {
        Terms memory terms = _terms();
        terms.requiresConsent = true;
        policyRegistry.set(POLICY, terms);
    }

    function _noConsent() private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAttestationRegistry.NoConsent.selector, SUBJECT);
    }
}
