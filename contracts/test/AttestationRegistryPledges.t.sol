// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {Attestation} from "../src/types/Attestation.sol";
import {Source, Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {vm} from "./support/Vm.sol";

/// @notice An exclusive attestation registry: an account serves one policy at a time.
contract AttestationRegistryPledgesTest is Attesting {
    bytes32 private constant OTHER = keccak256("other");

    function setUp() external {
        _start();
        policyRegistry.set(OTHER, _terms());
        _takeSnapshot(OTHER, _snapshot());
        attestationRegistry = _newAttestationRegistry(true);
    }

    function test_rejects_an_account_that_serves_another_policy() external {
        _attest(POLICY, 1, NOW + 2_000);
        vm.warp(NOW + 2_000);
        _refused(_under(OTHER, 1, NOW + 3_000), abi.encodeWithSelector(IAttestationRegistry.Encumbered.selector, 0));
        vm.warp(NOW + 2_001);
        _attest(OTHER, 1, NOW + 3_000);
        _refused(_under(POLICY, 1, NOW + 3_000), abi.encodeWithSelector(IAttestationRegistry.Encumbered.selector, 0));
    }

    /// @notice An attestation that counts for less does not end the pledge of one that counts for longer.
    function test_rejects_ending_a_pledge_by_another_level() external {
        _attest(POLICY, 1, NOW + 2_000);
        _attest(POLICY, 0, NOW + 100);
        require(_pledgedUntil() == NOW + 2_000);
        _attest(POLICY, 2, NOW + 2_500);
        require(_pledgedUntil() == NOW + 2_500);
        vm.warp(NOW + 2_500);
        _refused(_under(OTHER, 1, NOW + 3_000), abi.encodeWithSelector(IAttestationRegistry.Encumbered.selector, 0));
        vm.warp(NOW + 2_501);
        _attest(OTHER, 1, NOW + 3_000);
    }

    /// @notice A pledge to another policy does not affect this one.
    function test_a_pledge_that_has_ended_leaves_nothing() external {
        _attest(POLICY, 1, NOW + 2_000);
        vm.warp(NOW + 2_001);
        _attest(OTHER, 1, NOW + 2_002);
        require(_pledgedUntil() == NOW + 2_002);
        vm.warp(NOW + 2_003);
        _attest(POLICY, 1, NOW + 2_003);
    }

    function test_accepts_the_same_policy_again() external {
        _attest(POLICY, 1, NOW + 2_000);
        _attest(POLICY, 1, NOW + 2_000);
        _attest(POLICY, 2, NOW + 2_000);
    }

    function test_accepts_the_same_accounts_of_another_subject() external {
        _attest(POLICY, 1, NOW + 2_000);
        Attestation memory attestation = _unsigned();
        (attestation.policy, attestation.subject) = (OTHER, vm.addr(0x07e4));
        attestationRegistry.attest(_consented(0x07e4, _complete(attestation)));
    }

    function test_rejects_two_policies_in_a_batch() external {
        Attestation[] memory attestations = new Attestation[](2);
        (attestations[0], attestations[1]) = (_under(POLICY, 1, NOW + 2_000), _under(OTHER, 1, NOW + 2_000));
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.Encumbered.selector, 0));
        attestationRegistry.attestBatch(attestations);
    }

    /// @notice Attack: two policies whose accounts are different ones, and whose vault is the same.
    function test_rejects_a_vault_that_serves_another_policy() external {
        Terms memory terms = _terms();
        terms.vault.at = address(vault);
        policyRegistry.set(POLICY, terms);
        _attestOver(POLICY, terms);
        terms.sources[0].account = keccak256("another account");
        terms.sources[1].account = keccak256("another account");
        terms.sources[2].account = keccak256("another account");
        policyRegistry.set(OTHER, terms);
        Attestation memory attestation = _over(OTHER, terms);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.VaultPledged.selector, address(vault)));
        vm.warp(NOW + 2_001);
        attestation = _unsigned();
        (attestation.policy, attestation.validUntil) = (OTHER, NOW + 2_002);
        attestationRegistry.attest(_consented(SUBJECT_KEY, _proven(_signed(attestation, terms), terms)));
    }

    function test_other_registries_pledge_nothing() external {
        attestationRegistry = _newAttestationRegistry(false);
        require(!attestationRegistry.EXCLUSIVE());
        _attest(POLICY, 1, NOW + 2_000);
        _attest(OTHER, 1, NOW + 2_000);
        require(_pledgedUntil() == 0);
        Terms memory terms = _terms();
        terms.vault.at = address(vault);
        policyRegistry.set(POLICY, terms);
        _attestOver(POLICY, terms);
        _requireNotPledged(address(vault));
    }

    function test_policies_without_a_vault_do_not_share_one() external {
        _attest(POLICY, 1, NOW + 2_000);
        Terms memory terms = _terms();
        for (uint256 i = 0; i < SOURCES; ++i) {
            terms.sources[i].account = keccak256("another account");
        }
        policyRegistry.set(OTHER, terms);
        _attestOver(OTHER, terms);
        _requireNotPledged(address(0));
    }

    function _requireNotPledged(address owner) private view {
        (uint64 sequence,, uint40 until, uint32 to) = attestationRegistry.accountOf(owner, 0, SUBJECT);
        require(sequence == 0 && until == 0 && to == 0);
    }

    function _over(bytes32 policy, Terms memory terms) private view returns (Attestation memory) {
        Attestation memory attestation = _unsigned();
        (attestation.policy, attestation.validUntil) = (policy, NOW + 2_000);
        return _consented(SUBJECT_KEY, _proven(_signed(attestation, terms), terms));
    }

    function _attestOver(bytes32 policy, Terms memory terms) private {
        attestationRegistry.attest(_over(policy, terms));
    }

    function _under(bytes32 policy, uint256 level, uint64 validUntil) private view returns (Attestation memory) {
        Attestation memory attestation = _unsigned();
        (attestation.policy, attestation.level, attestation.validUntil) = (policy, level, validUntil);
        return _consented(SUBJECT_KEY, _complete(attestation));
    }

    function _attest(bytes32 policy, uint256 level, uint64 validUntil) private {
        attestationRegistry.attest(_under(policy, level, validUntil));
    }

    /// @dev The same for all accounts.
    function _pledgedUntil() private view returns (uint64 until) {
        for (uint256 i = 0; i < SOURCES; ++i) {
            Source memory source = _terms().sources[i];
            (,, uint40 pledgedUntil,) = attestationRegistry.accountOf(source.signer, source.account, SUBJECT);
            require(i == 0 || pledgedUntil == until);
            until = pledgedUntil;
        }
    }
}
