// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {SuretyResolver} from "../src/consumers/SuretyResolver.sol";
import {IEAS} from "../src/interfaces/IEAS.sol";
import {ISchemaResolver} from "../src/interfaces/ISchemaResolver.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {Attestation} from "../src/types/Attestation.sol";
import {EASAttestation} from "../src/types/EAS.sol";
import {Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {vm} from "./support/Vm.sol";

/// @notice An attestation service that keeps what a resolver admits.
contract ServiceStandIn is IEAS {
    mapping(bytes32 uid => EASAttestation) private attestations;
    uint256 private count;

    function make(ISchemaResolver resolver, EASAttestation memory attestation) public payable returns (bytes32 uid) {
        uid = keccak256(abi.encode(++count));
        (attestation.uid, attestation.time) = (uid, uint64(block.timestamp));
        require(resolver.attest{value: msg.value}(attestation), "refused");
        attestations[uid] = attestation;
    }

    function makeMany(ISchemaResolver resolver, EASAttestation[] memory many) external {
        require(resolver.multiAttest(many, new uint256[](many.length)), "refused");
    }

    function revoke(ISchemaResolver resolver, bytes32 uid) external {
        require(resolver.revoke(attestations[uid]), "refused");
        attestations[uid].revocationTime = uint64(block.timestamp);
    }

    function getAttestation(bytes32 uid) external view returns (EASAttestation memory) {
        return attestations[uid];
    }
}

/// @notice The resolver for the Ethereum Attestation Service.
contract SuretyResolverTest is Attesting {
    bytes32 private constant SCHEMA = keccak256("schema");

    ServiceStandIn private service = new ServiceStandIn();
    SuretyResolver private resolver = new SuretyResolver(service, attestationRegistry);

    function setUp() external {
        _start();
    }

    function test_a_proven_level_is_admitted_and_holds() external {
        _prove();
        bytes32 uid = service.make(resolver, _claim());
        require(resolver.holds(uid, SCHEMA) && !resolver.isPayable());
        require(!resolver.holds(uid, keccak256("other")) && !resolver.holds(keccak256("none"), SCHEMA));
        EASAttestation[] memory many = new EASAttestation[](2);
        (many[0], many[1]) = (_claim(), _claim());
        service.makeMany(resolver, many);
    }

    function test_rejects_a_claim_without_a_proof() external {
        _refused(_claim(), abi.encodeWithSelector(SuretyResolver.NotProven.selector, SUBJECT, POLICY, 1));
        EASAttestation[] memory many = new EASAttestation[](2);
        _prove();
        (many[0], many[1]) = (_claim(), _claim());
        many[1].recipient = address(0xbad);
        vm.expectRevert(abi.encodeWithSelector(SuretyResolver.NotProven.selector, address(0xbad), POLICY, 1));
        service.makeMany(resolver, many);
    }

    /// @notice Attack: a proof of something else.
    function test_rejects_a_claim_with_a_proof_that_is_not_valid() external {
        Attestation memory attestation = _proven(_signed(_unsigned(), _terms()), _terms());
        attestation.proof[0] ^= 0x01;
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attest(attestation);
        _refused(_claim(), abi.encodeWithSelector(SuretyResolver.NotProven.selector, SUBJECT, POLICY, 1));
    }

    function test_rejects_a_level_that_nobody_asked_for() external {
        _prove();
        EASAttestation memory claim = _claim();
        claim.data = abi.encode(POLICY, 2, EPOCH);
        _refused(claim, abi.encodeWithSelector(SuretyResolver.NotProven.selector, SUBJECT, POLICY, 2));
    }

    function test_rejects_a_shortfall_as_a_level_that_is_held() external {
        Attestation memory attestation = _unsigned();
        attestation.level = SHORTFALL;
        attestationRegistry.attest(_proven(_signed(attestation, _terms()), _terms()));
        EASAttestation memory claim = _claim();
        claim.data = abi.encode(POLICY, SHORTFALL, EPOCH);
        _refused(claim, abi.encodeWithSelector(SuretyResolver.NotProven.selector, SUBJECT, POLICY, SHORTFALL));
    }

    function test_rejects_another_epoch() external {
        _prove();
        EASAttestation memory claim = _claim();
        claim.data = abi.encode(POLICY, 1, EPOCH + 1);
        _refused(claim, abi.encodeWithSelector(SuretyResolver.WrongEpoch.selector, EPOCH, EPOCH + 1));
    }

    function test_rejects_an_attestation_that_outlasts_the_proof() external {
        _prove();
        EASAttestation memory claim = _claim();
        uint64 lapses = claim.expirationTime;
        claim.expirationTime = lapses + 1;
        _refused(claim, abi.encodeWithSelector(SuretyResolver.WrongExpiration.selector, lapses, lapses + 1));
        claim.expirationTime = 0;
        _refused(claim, abi.encodeWithSelector(SuretyResolver.WrongExpiration.selector, lapses, 0));
    }

    function test_rejects_data_of_another_schema() external {
        _prove();
        EASAttestation memory claim = _claim();
        claim.data = abi.encode(POLICY, 1, EPOCH, 0);
        _refused(claim, abi.encodeWithSelector(SuretyResolver.WrongData.selector));
    }

    /// @notice Attack: collateral that leaves after the attestation was made.
    function test_rejects_policies_that_draw_on_a_vault() external {
        _prove();
        Terms memory terms = _terms();
        terms.vault.at = address(vault);
        policyRegistry.set(POLICY, terms);
        _refused(_claim(), abi.encodeWithSelector(SuretyResolver.DrawsOnVault.selector, POLICY));
    }

    function test_rejects_other_callers() external {
        _prove();
        EASAttestation memory claim = _claim();
        vm.expectRevert(SuretyResolver.OnlyService.selector);
        resolver.attest(claim);
        vm.expectRevert(SuretyResolver.OnlyService.selector);
        resolver.multiAttest(new EASAttestation[](0), new uint256[](0));
        vm.expectRevert(SuretyResolver.OnlyService.selector);
        resolver.revoke(claim);
        vm.expectRevert(SuretyResolver.OnlyService.selector);
        resolver.multiRevoke(new EASAttestation[](0), new uint256[](0));
    }

    function test_rejects_ether() external {
        _prove();
        EASAttestation memory claim = _claim();
        vm.expectRevert(SuretyResolver.NoEther.selector);
        service.make{value: 1}(resolver, claim);
    }

    function test_rejects_what_has_expired_or_was_revoked_as_held() external {
        _prove();
        bytes32 uid = service.make(resolver, _claim());
        bytes32 other = service.make(resolver, _claim());
        service.revoke(resolver, other);
        require(resolver.holds(uid, SCHEMA) && !resolver.holds(other, SCHEMA));
        vm.warp(_claim().expirationTime + 1);
        require(!resolver.holds(uid, SCHEMA));
    }

    function test_rejects_what_a_frozen_policy_has_ended_as_held() external {
        _prove();
        bytes32 uid = service.make(resolver, _claim());
        policyRegistry.setCountsFrom(POLICY, type(uint40).max);
        require(!resolver.holds(uid, SCHEMA));
    }

    function _prove() private {
        attestationRegistry.attest(_proven(_signed(_unsigned(), _terms()), _terms()));
    }

    function _claim() private view returns (EASAttestation memory claim) {
        (claim.schema, claim.recipient, claim.attester) = (SCHEMA, SUBJECT, address(this));
        (claim.expirationTime, claim.data) = (_unsigned().validUntil, abi.encode(POLICY, 1, EPOCH));
    }

    function _refused(EASAttestation memory claim, bytes memory reason) private {
        vm.expectRevert(reason);
        service.make(resolver, claim);
    }
}
