// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {Attestation} from "../src/types/Attestation.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Terms} from "../src/types/Policy.sol";
import {AttestationFixture} from "./support/AttestationFixture.sol";
import {Attesting} from "./support/Attesting.sol";
import {P} from "./support/Field.sol";
import {VaultStandIn} from "./support/StandIns.sol";
import {vm} from "./support/Vm.sol";
import {SuretyVerifierK11} from "./verifiers/DevelopmentVerifierK11.sol";

/// @notice Proofs, statements and contexts as the Rust library makes them, at the addresses that they are made for.
contract AttestationRegistryProofsTest is Attesting {
    AttestationFixture private fixture = new AttestationFixture();
    bytes32 private policy;

    function setUp() external {
        vm.prank(fixture.VERIFIER_CREATOR());
        new SuretyVerifierK11();
        vm.prank(fixture.ATTESTATION_REGISTRY_CREATOR());
        attestationRegistry = _newAttestationRegistry(false);
        require(address(attestationRegistry) == fixture.attestationRegistry());
        policy = fixture.policy();
        policyRegistry.set(policy, fixture.terms());
        vm.warp(_take(0).time + 60);
    }

    function test_accepts_an_attestation() external {
        attestationRegistry.attest(fixture.attestation("first"));
        require(attestationRegistry.streakOf(fixture.attestation("first").subject, policy, 1) == 1);
    }

    function test_accepts_one_an_epoch_later() external {
        Attestation memory attestation = fixture.attestation("first");
        attestationRegistry.attest(attestation);
        vm.warp(_take(1).time + 60);
        attestationRegistry.attest(fixture.attestation("next"));
        require(attestationRegistry.streakOf(attestation.subject, policy, 1) == 2);
    }

    function test_rejects_an_older_one_afterwards() external {
        // Within the grace and the slack of the snapshot before.
        vm.warp(_take(1).time);
        attestationRegistry.attest(fixture.attestation("next"));
        Attestation memory older = fixture.attestation("first");
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, 0, 8));
        attestationRegistry.attest(older);
    }

    function test_accepts_one_that_draws_on_a_vault() external {
        Attestation memory attestation = _drawing();
        attestationRegistry.attest(attestation);
        require(attestationRegistry.recordOf(attestation.subject, policy, 1).vaultNumber == 3);
    }

    function test_rejects_one_without_what_it_draws_on() external {
        Attestation memory attestation = fixture.attestation("vault");
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attest(attestation);
    }

    function test_rejects_one_that_draws_on_something_else() external {
        Attestation memory attestation = _drawing();
        VaultStandIn.Checkpoint memory checkpoint = fixture.checkpoint("vault");
        checkpoint.y = P - checkpoint.y;
        vault.set(attestation.subject, checkpoint);
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attest(attestation);
    }

    function test_accepts_a_batch() external {
        attestationRegistry.attestBatch(fixture.batch());
    }

    function test_rejects_a_batch_with_a_wrong_proof() external {
        Attestation[] memory batch = fixture.batch();
        batch[7].proof = batch[8].proof;
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attestBatch(batch);
    }

    function test_rejects_another_end() external {
        Attestation memory attestation = fixture.attestation("first");
        --attestation.validUntil;
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attest(attestation);
    }

    function test_rejects_another_level() external {
        Attestation memory attestation = fixture.attestation("first");
        attestation.level = 0;
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attest(attestation);
    }

    function test_rejects_the_proof_of_another_epoch() external {
        Attestation memory attestation = fixture.attestation("first");
        attestation.proof = fixture.attestation("next").proof;
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attest(attestation);
    }

    function test_rejects_another_registry() external {
        attestationRegistry = _newAttestationRegistry(false);
        Attestation memory attestation = fixture.attestation("first");
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0));
        attestationRegistry.attest(attestation);
    }

    function test_digests_and_contexts_are_those_of_the_library() external {
        _requireAgreement("first");
        for (uint256 i = 0; i < fixture.BATCH(); ++i) {
            _requireAgreement(fixture.inBatch(i));
        }
        _drawing();
        _requireAgreement("vault");
        _take(1);
        _requireAgreement("next");
    }

    /// @dev The attestation registry and this test compute the contexts that the library has written down.
    function _requireAgreement(string memory name) private view {
        Attestation memory attestation = fixture.attestation(name);
        Terms memory terms = policyRegistry.terms(policy);
        bytes32[] memory digests = _digests(attestation, terms, address(attestationRegistry));
        for (uint256 i = 0; i < digests.length; ++i) {
            require(digests[i] == fixture.digest(name, i));
        }
        (,, uint256[2] memory coef) = oracle.read(policy, attestation.epoch, attestation.level);
        bytes32 checkpoint = fixture.checkpoint(name).checkpoint;
        uint256 expected = fixture.context(name);
        require(_context(attestation, terms, coef, checkpoint, address(attestationRegistry)) == expected);
        require(attestationRegistry.contextOf(attestation) == expected);
    }

    function _take(uint256 index) private returns (Snapshot memory snapshot) {
        snapshot = fixture.snapshot(index);
        oracle.add(policy, snapshot, fixture.coefficients(index));
    }

    function _drawing() private returns (Attestation memory attestation) {
        attestation = fixture.attestation("vault");
        vault.set(attestation.subject, fixture.checkpoint("vault"));
        Terms memory terms = fixture.terms();
        terms.vault.at = address(vault);
        policyRegistry.set(policy, terms);
    }
}
