// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {MockAggregator} from "../src/mocks/MockAggregator.sol";
import {SuretyMockRegistry} from "../src/mocks/SuretyMockRegistry.sol";
import {SuretyMockVerifier} from "../src/mocks/SuretyMockVerifier.sol";
import {Attestation, Record} from "../src/types/Attestation.sol";
import {Publication} from "../src/types/Policy.sol";
import {PolicyTest} from "./support/PolicyTest.sol";
import {vm} from "./support/Vm.sol";

/// @notice The mocks that integrators' tests are written with.
contract MocksTest {
    bytes32 private constant POLICY = keccak256("policy");
    address private constant SUBJECT = address(0xa11ce);
    uint64 private constant NOW = 1_800_000_000;

    SuretyMockRegistry private registry = new SuretyMockRegistry(2, 1);
    SuretyMockVerifier private verifier = new SuretyMockVerifier(keccak256("set-up"), 11);

    function setUp() external {
        vm.warp(NOW);
    }

    function test_the_strictest_level_is_the_one_that_holds() external {
        registry.vouch(SUBJECT, POLICY, 0, NOW + 10);
        registry.vouch(SUBJECT, POLICY, 1, NOW + 5);
        (bool holds, uint256 level) = registry.levelOf(SUBJECT, POLICY);
        require(holds && level == 1 && registry.streakOf(SUBJECT, POLICY, 1) == 1);
        vm.warp(NOW + 6);
        (holds, level) = registry.levelOf(SUBJECT, POLICY);
        require(holds && level == 0 && registry.isSufficientNoOlderThan(SUBJECT, POLICY, 6));
        require(!registry.isSufficientNoOlderThan(SUBJECT, POLICY, 5));
    }

    function test_a_true_attestation_s_event_is_emitted() external {
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.Attested(SUBJECT, POLICY, bytes32(uint256(1)), 1, NOW + 10, 1);
        registry.vouch(SUBJECT, POLICY, 1, NOW + 10);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.ShortfallAttested(SUBJECT, POLICY, bytes32(uint256(2)), 7, NOW + 10, 1);
        registry.vouchShort(SUBJECT, POLICY, 7, NOW + 10);
    }

    function test_a_shortfall_is_known_until_sufficiency_over_its_epoch() external {
        registry.vouchShort(SUBJECT, POLICY, 1, NOW + 10);
        require(registry.isShortNoOlderThan(SUBJECT, POLICY, 2, 0));
        registry.vouch(SUBJECT, POLICY, 0, NOW + 10);
        require(!registry.isShortNoOlderThan(SUBJECT, POLICY, 2, 0));
        registry.setEpoch(SUBJECT, POLICY, 2, 2);
        require(registry.isShortNoOlderThan(SUBJECT, POLICY, 2, 0));
    }

    function test_terms_say_how_many_levels_there_are() external view {
        require(registry.terms(POLICY).sufficient == 2 && registry.terms(POLICY).levels.length == 3);
        require(registry.isInForce(POLICY) && address(registry.POLICY_REGISTRY()) == address(registry));
    }

    function test_rejects_levels_that_the_mock_does_not_have() external {
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.UnknownLevel.selector, 3));
        registry.vouch(SUBJECT, POLICY, 3, NOW + 10);
        registry = new SuretyMockRegistry(2, 0);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.UnknownLevel.selector, 2));
        registry.vouchShort(SUBJECT, POLICY, 1, NOW + 10);
        Record memory none = registry.recordOf(SUBJECT, POLICY, 2);
        require(none.streak == 0);
    }

    function test_rejects_true_attestations_in_the_mock() external {
        Attestation memory attestation;
        vm.expectRevert(SuretyMockRegistry.NotOfTheMock.selector);
        registry.attest(attestation);
    }

    function test_proofs_are_what_they_are_about() external view {
        uint256[8] memory points = [uint256(1), 2, 3, 4, 5, 6, 7, 8];
        verifier.verifyProof(verifier.proofOf(9, points), 9, points);
        require(verifier.SRS_ID() == keccak256("set-up") && verifier.CAPACITY() == 11);
        uint256[4][] memory parts = new uint256[4][](1);
        verifier.verifyScopes(verifier.scopeProofOf(9, parts), 9, parts);
    }

    function test_rejects_proofs_of_other_claims() external {
        uint256[8] memory points = [uint256(1), 2, 3, 4, 5, 6, 7, 8];
        bytes memory proof = verifier.proofOf(9, points);
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        verifier.verifyProof(proof, 10, points);
        points[7] = 9;
        require(!verifier.isValidProof(proof, 9, points));
        (bytes[] memory proofs, uint256[] memory contexts) = (new bytes[](1), new uint256[](1));
        uint256[8][] memory many = new uint256[8][](1);
        (proofs[0], contexts[0], many[0]) = (proof, 9, points);
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        verifier.verifyBatch(proofs, contexts, many);
    }

    function test_rejects_batches_of_other_sizes() external {
        vm.expectRevert(ISuretyVerifier.EmptyBatch.selector);
        verifier.verifyBatch(new bytes[](0), new uint256[](0), new uint256[8][](0));
        vm.expectRevert(ISuretyVerifier.WrongContextCount.selector);
        verifier.verifyBatch(new bytes[](1), new uint256[](0), new uint256[8][](1));
        vm.expectRevert(ISuretyVerifier.WrongPointCount.selector);
        verifier.verifyBatch(new bytes[](1), new uint256[](1), new uint256[8][](0));
        vm.expectRevert(ISuretyVerifier.NoParts.selector);
        verifier.verifyScopes("", 0, new uint256[4][](0));
    }

    function test_a_feed_answers_what_it_was_given() external {
        MockAggregator feed = new MockAggregator(8);
        feed.set(123, 456);
        (uint80 round, int256 answer,, uint256 updatedAt,) = feed.latestRoundData();
        require(feed.decimals() == 8 && round == 1 && answer == 123 && updatedAt == 456);
    }
}

/// @notice The mock verifier under the true policy registry.
contract MockVerifierTest is PolicyTest {
    function test_policies_are_published_with_the_mock_verifier() external {
        Publication memory publication = _fed(1, 1);
        publication.verifier = address(new SuretyMockVerifier(publication.srs, publication.k));
        require(_publish(publication) != 0);
    }

    function test_rejects_a_mock_verifier_of_another_set_up_or_class() external {
        Publication memory publication = _fed(1, 1);
        address[2] memory others = [
            address(new SuretyMockVerifier(keccak256("other"), publication.k)),
            address(new SuretyMockVerifier(publication.srs, publication.k + 1))
        ];
        for (uint256 i = 0; i < 2; ++i) {
            publication.verifier = others[i];
            vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.WrongVerifier.selector, others[i]));
            _publish(publication);
        }
    }
}
