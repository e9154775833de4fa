// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {AttestationRegistry} from "../src/core/AttestationRegistry.sol";
import {LienRegistry} from "../src/core/LienRegistry.sol";
import {ILienRegistry} from "../src/interfaces/ILienRegistry.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {Attestation, Statement} from "../src/types/Attestation.sol";
import {Lien} from "../src/types/Lien.sol";
import {Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {SourceStandIn} from "./support/StandIns.sol";
import {vm} from "./support/Vm.sol";

/// @notice Liens: two consumers do not count the same balances.
contract LienRegistryTest is Attesting {
    bytes32 private constant OTHER = keccak256("other");
    address private constant LENDER = address(0x1e4d);
    address private constant SECOND = address(0x5ec0);
    uint40 private constant UNTIL = NOW + 2_000;
    uint256 private constant MAX_AGE = 10_000;

    LienRegistry private liens;

    function setUp() external {
        _start();
        _setVault(POLICY, address(vault));
        attestationRegistry.attest(_proven(_signed(_unsigned(), _terms()), _terms()));
        liens = new LienRegistry(attestationRegistry);
    }

    function test_knows_its_registries() external view {
        require(address(liens.ATTESTATION_REGISTRY()) == address(attestationRegistry));
        require(address(liens.POLICY_REGISTRY()) == address(policyRegistry));
    }

    /// @notice Attack: one attestation, shown to two lenders under one policy.
    function test_rejects_a_second_lender_of_the_same_balances() external {
        require(attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1, MAX_AGE));
        _grant(POLICY, LENDER, UNTIL);
        require(_isSufficientFor(LENDER) && !_isSufficientFor(SECOND));
        _refuse(POLICY, SECOND, UNTIL, _underLien(0, LENDER));
        require(_isSufficientFor(LENDER) && !_isSufficientFor(SECOND));
    }

    function test_rejects_a_shortfall_as_what_is_sufficient() external {
        liens = new LienRegistry(_newAttestationRegistry(false));
        attestationRegistry = AttestationRegistry(address(liens.ATTESTATION_REGISTRY()));
        Attestation memory attestation = _unsigned();
        attestation.level = SHORTFALL;
        attestationRegistry.attest(_complete(attestation));
        _grant(POLICY, LENDER, UNTIL);
        for (uint256 level = 0; level < LEVELS; ++level) {
            require(!liens.isSufficientFor(LENDER, SUBJECT, POLICY, level, MAX_AGE));
        }
    }

    /// @notice Attack: another policy that draws on some of the accounts, or on the vault alone.
    function test_rejects_a_second_lender_under_a_policy_with_a_common_account() external {
        _grant(POLICY, LENDER, UNTIL);
        for (uint256 common = 0; common < SOURCES; ++common) {
            Terms memory terms = _withOtherAccounts();
            terms.sources[common] = _terms().sources[common];
            policyRegistry.set(OTHER, terms);
            _refuse(OTHER, SECOND, UNTIL, _underLien(common, LENDER));
            require(liens.lienOf(terms.sources[0].signer, keccak256("another"), SUBJECT).consumer == address(0));
        }
        Terms memory vaultOnly = _withOtherAccounts();
        vaultOnly.vault.at = address(vault);
        policyRegistry.set(OTHER, vaultOnly);
        _refuse(OTHER, SECOND, UNTIL, _underLien(SOURCES, LENDER));
        policyRegistry.set(OTHER, _withOtherAccounts());
        _grant(OTHER, SECOND, UNTIL);
        require(liens.securedUntil(SECOND, SUBJECT, OTHER) == UNTIL);
    }

    function test_policies_without_a_vault_share_no_lien_on_one() external {
        Terms memory terms = _terms();
        policyRegistry.set(POLICY, terms);
        _grant(POLICY, LENDER, UNTIL);
        require(liens.lienOf(address(0), 0, SUBJECT).consumer == address(0));
        require(_isSufficientFor(LENDER));
    }

    function test_rejects_sufficiency_without_a_lien_on_everything() external {
        require(!_isSufficientFor(LENDER));
        // On the vault and two of three accounts.
        Terms memory terms = _terms();
        terms.vault.at = address(vault);
        terms.sources[2].account = keccak256("another");
        policyRegistry.set(OTHER, terms);
        _grant(OTHER, LENDER, UNTIL);
        require(!_isSufficientFor(LENDER) && liens.securedUntil(LENDER, SUBJECT, POLICY) == 0);
        // On all accounts, and not on the vault.
        policyRegistry.set(OTHER, _terms());
        vm.prank(LENDER);
        liens.release(SUBJECT, POLICY);
        _grant(OTHER, LENDER, UNTIL);
        require(!_isSufficientFor(LENDER));
    }

    function test_rejects_sufficiency_without_an_attestation() external {
        _grant(POLICY, LENDER, UNTIL);
        require(_isSufficientFor(LENDER));
        require(!liens.isSufficientFor(LENDER, SUBJECT, POLICY, 2, MAX_AGE));
        require(!liens.isSufficientFor(LENDER, SUBJECT, POLICY, 1, 99));
        attestationRegistry.supersede(POLICY, SUBJECT, 0, _newer());
        require(!_isSufficientFor(LENDER));
    }

    function test_a_lien_ends_at_its_end() external {
        _grant(POLICY, LENDER, UNTIL);
        vm.warp(UNTIL);
        require(_isSufficientFor(LENDER));
        _refuse(POLICY, SECOND, UNTIL + 100, _underLien(0, LENDER));
        vm.warp(UNTIL + 1);
        require(!_isSufficientFor(LENDER));
        _grant(POLICY, SECOND, UNTIL + 100);
        require(_isSufficientFor(SECOND));
    }

    function test_the_consumer_releases_its_lien() external {
        _grant(POLICY, LENDER, UNTIL);
        vm.expectEmit(address(liens));
        emit ILienRegistry.Released(SUBJECT, POLICY, LENDER);
        vm.prank(LENDER);
        liens.release(SUBJECT, POLICY);
        require(!_isSufficientFor(LENDER));
        _grant(POLICY, SECOND, UNTIL);
        require(_isSufficientFor(SECOND));
    }

    function test_rejects_release_by_others() external {
        _grant(POLICY, LENDER, UNTIL);
        address[3] memory others = [SUBJECT, SECOND, address(this)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ILienRegistry.NoLien.selector, others[i]));
            vm.prank(others[i]);
            liens.release(SUBJECT, POLICY);
        }
        require(_isSufficientFor(LENDER));
    }

    /// @notice What is of another consumer stays, where a policy shares accounts with another.
    function test_releases_only_what_is_the_callers() external {
        policyRegistry.set(OTHER, _withOtherAccounts());
        _grant(OTHER, SECOND, UNTIL);
        Terms memory mixed = _withOtherAccounts();
        mixed.vault.at = address(vault);
        _grant(POLICY, LENDER, UNTIL);
        policyRegistry.set(OTHER, mixed);
        vm.prank(LENDER);
        liens.release(SUBJECT, OTHER);
        require(liens.lienOf(address(vault), 0, SUBJECT).consumer == address(0));
        require(liens.lienOf(mixed.sources[0].signer, mixed.sources[0].account, SUBJECT).consumer == SECOND);
    }

    function test_prolongs_a_lien_for_the_same_consumer() external {
        _grant(POLICY, LENDER, UNTIL);
        _grant(POLICY, LENDER, UNTIL + 1);
        require(liens.securedUntil(LENDER, SUBJECT, POLICY) == UNTIL + 1);
    }

    /// @notice Attack: the subject shortens the lien, and grants another once the shorter one is over.
    function test_rejects_shortening_a_lien() external {
        _grant(POLICY, LENDER, UNTIL);
        _grant(POLICY, LENDER, NOW);
        require(liens.securedUntil(LENDER, SUBJECT, POLICY) == UNTIL);
        vm.warp(NOW + 1);
        _refuse(POLICY, SECOND, UNTIL, _underLien(0, LENDER));
    }

    function test_rejects_a_lien_that_has_ended() external {
        _refuse(POLICY, LENDER, NOW - 1, abi.encodeWithSelector(ILienRegistry.EndsInThePast.selector, NOW - 1));
        _grant(POLICY, LENDER, NOW);
        require(_isSufficientFor(LENDER));
    }

    /// @notice Attack: a lien to nobody, whose place is as if it were free.
    function test_rejects_a_lien_to_nobody() external {
        _refuse(POLICY, address(0), UNTIL, abi.encodeWithSelector(ILienRegistry.NoConsumer.selector));
        require(!_isSufficientFor(address(0)));
    }

    function test_rejects_a_lien_under_an_unknown_policy() external {
        _refuse(OTHER, LENDER, UNTIL, abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, OTHER));
    }

    function test_liens_of_subjects_are_their_own() external {
        vm.prank(SECOND);
        liens.grant(POLICY, SECOND, UNTIL);
        _grant(POLICY, LENDER, UNTIL);
        Lien memory lien = liens.lienOf(address(vault), 0, SECOND);
        require(lien.consumer == SECOND && lien.until == UNTIL);
    }

    // Signatures.

    function test_grants_with_the_subjects_signature() external {
        bytes memory signature = _signedGrant(SUBJECT_KEY, LENDER, UNTIL, 0, NOW);
        vm.expectEmit(address(liens));
        emit ILienRegistry.Granted(SUBJECT, POLICY, LENDER, UNTIL);
        liens.grantFor(SUBJECT, POLICY, LENDER, UNTIL, NOW, signature);
        require(_isSufficientFor(LENDER) && liens.nonces(SUBJECT) == 1);
    }

    /// @notice Attack: a stranger blocks a subject's balances.
    function test_rejects_a_lien_that_the_subject_has_not_signed() external {
        _refuseFor(LENDER, UNTIL, NOW, _signedGrant(1, LENDER, UNTIL, 0, NOW));
        _refuseFor(LENDER, UNTIL, NOW, "");
        bytes memory signature = _signedGrant(SUBJECT_KEY, LENDER, UNTIL, 0, NOW);
        _refuseFor(SECOND, UNTIL, NOW, signature);
        _refuseFor(LENDER, UNTIL + 1, NOW, signature);
        _refuseFor(LENDER, UNTIL, NOW + 1, signature);
        vm.expectRevert(abi.encodeWithSelector(ILienRegistry.WrongSignature.selector, SECOND));
        liens.grantFor(SECOND, POLICY, LENDER, UNTIL, NOW, signature);
        policyRegistry.set(OTHER, _terms());
        vm.expectRevert(abi.encodeWithSelector(ILienRegistry.WrongSignature.selector, SUBJECT));
        liens.grantFor(SUBJECT, OTHER, LENDER, UNTIL, NOW, signature);
        LienRegistry others = new LienRegistry(attestationRegistry);
        vm.expectRevert(abi.encodeWithSelector(ILienRegistry.WrongSignature.selector, SUBJECT));
        others.grantFor(SUBJECT, POLICY, LENDER, UNTIL, NOW, signature);
    }

    /// @notice Attack: use a signature again, after the consumer has released the lien.
    function test_rejects_a_signature_twice() external {
        bytes memory signature = _signedGrant(SUBJECT_KEY, LENDER, UNTIL, 0, NOW);
        liens.grantFor(SUBJECT, POLICY, LENDER, UNTIL, NOW, signature);
        vm.prank(LENDER);
        liens.release(SUBJECT, POLICY);
        _refuseFor(LENDER, UNTIL, NOW, signature);
    }

    function test_rejects_a_signature_after_its_deadline() external {
        bytes memory signature = _signedGrant(SUBJECT_KEY, LENDER, UNTIL, 0, NOW);
        vm.warp(NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ILienRegistry.DeadlineOver.selector, NOW));
        liens.grantFor(SUBJECT, POLICY, LENDER, UNTIL, NOW, signature);
    }

    function test_grants_with_the_signature_of_a_contract() external {
        address wallet = address(new SourceStandIn("wallet's"));
        vm.expectRevert(abi.encodeWithSelector(ILienRegistry.WrongSignature.selector, wallet));
        liens.grantFor(wallet, POLICY, LENDER, UNTIL, NOW, "another");
        liens.grantFor(wallet, POLICY, LENDER, UNTIL, NOW, "wallet's");
        require(liens.securedUntil(LENDER, wallet, POLICY) == UNTIL);
    }

    // Support.

    function _setVault(bytes32 policy, address vault_) private {
        Terms memory terms = _terms();
        terms.vault.at = vault_;
        policyRegistry.set(policy, terms);
    }

    function _withOtherAccounts() private view returns (Terms memory terms) {
        terms = _terms();
        for (uint256 i = 0; i < SOURCES; ++i) {
            terms.sources[i].account = keccak256("another");
        }
    }

    /// @dev A newer statement about the first account.
    function _newer() private view returns (Statement memory) {
        Attestation memory attestation = _unsigned();
        attestation.statements[0].sequence = 8;
        return _signed(attestation, _terms()).statements[0];
    }

    function _grant(bytes32 policy, address consumer, uint40 until) private {
        vm.prank(SUBJECT);
        liens.grant(policy, consumer, until);
    }

    function _refuse(bytes32 policy, address consumer, uint40 until, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(SUBJECT);
        liens.grant(policy, consumer, until);
    }

    function _refuseFor(address consumer, uint40 until, uint256 deadline, bytes memory signature) private {
        vm.expectRevert(abi.encodeWithSelector(ILienRegistry.WrongSignature.selector, SUBJECT));
        liens.grantFor(SUBJECT, POLICY, consumer, until, deadline, signature);
    }

    function _underLien(uint256 index, address consumer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ILienRegistry.UnderLien.selector, index, consumer, UNTIL);
    }

    function _isSufficientFor(address consumer) private view returns (bool) {
        return liens.isSufficientFor(consumer, SUBJECT, POLICY, 1, MAX_AGE);
    }

    function _signedGrant(uint256 key, address consumer, uint40 until, uint256 nonce, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        bytes32 typeHash = keccak256(
            "Grant(address subject,bytes32 policy,address consumer,uint40 until,uint256 nonce,uint256 deadline)"
        );
        bytes32 structHash = keccak256(abi.encode(typeHash, SUBJECT, POLICY, consumer, until, nonce, deadline));
        return _signature(key, keccak256(bytes.concat(hex"1901", _domain(address(liens)), structHash)));
    }
}
