// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {Attestation} from "../src/types/Attestation.sol";
import {Scope, Source, Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {vm} from "./support/Vm.sol";

/// @notice Sources that may state some instruments alone.
contract AttestationRegistryScopesTest is Attesting {
    /// @dev The encoded terms: of the three accounts, two are those of one source.
    bytes private encoded;

    function setUp() external {
        _start();
        Terms memory scoped = _terms();
        // In ascending order of signers.
        Source[] memory sources = scoped.sources;
        for (uint256 i = 0; i < SOURCES; ++i) {
            for (uint256 j = i; j > 0 && sources[j - 1].signer > sources[j].signer; --j) {
                (sources[j - 1], sources[j]) = (sources[j], sources[j - 1]);
            }
        }
        sources[2].signer = sources[1].signer;
        scoped.scopes = new Scope[](2);
        scoped.scopes[0] = Scope({signer: sources[0].signer, outside: _multiple(41)});
        scoped.scopes[1] = Scope({signer: sources[1].signer, outside: _multiple(42)});
        _set(scoped);
    }

    function test_accepts_what_lies_within_scopes() external {
        attestationRegistry.attest(_attestation(_parts()));
    }

    function test_accepts_a_batch_of_what_lies_within_scopes() external {
        Attestation[] memory attestations = new Attestation[](1);
        attestations[0] = _attestation(_parts());
        attestationRegistry.attestBatch(attestations);
    }

    /// @notice A source without a scope has no part in the proof.
    function test_accepts_a_source_without_a_scope() external {
        Terms memory scoped = _scoped();
        Scope memory only = scoped.scopes[1];
        scoped.scopes = new Scope[](1);
        scoped.scopes[0] = only;
        _set(scoped);
        uint256[4][] memory parts = new uint256[4][](1);
        parts[0] = _parts()[1];
        attestationRegistry.attest(_attestation(parts));
    }

    function test_rejects_an_attestation_without_the_proof_of_scopes() external {
        Attestation memory attestation = _attestation(_parts());
        attestation.scopes = "";
        _expectRejection(attestation, ISuretyVerifier.PairingFailed.selector);
    }

    function test_rejects_in_a_batch_what_lies_outside_of_a_scope() external {
        Attestation[] memory attestations = new Attestation[](2);
        attestations[0] = _attestation(_parts());
        attestations[1] = _attestation(_parts());
        attestations[1].scopes = "";
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        attestationRegistry.attestBatch(attestations);
    }

    /// @notice Attack: a proof about other commitments than those that the source has signed, or for another scope.
    function test_rejects_a_proof_about_other_parts() external {
        for (uint256 i = 0; i < 8; ++i) {
            uint256[4][] memory parts = _parts();
            parts[i / 4][i % 4] ^= 1;
            _expectRejection(_attestation(parts), ISuretyVerifier.PairingFailed.selector);
        }
        uint256[4][] memory swapped = _parts();
        (swapped[0], swapped[1]) = (swapped[1], swapped[0]);
        _expectRejection(_attestation(swapped), ISuretyVerifier.PairingFailed.selector);
    }

    /// @notice Attack: the proof of another attestation of the same statements.
    function test_rejects_a_proof_for_another_context() external {
        Attestation memory attestation = _attestation(_parts());
        attestation.scopes = abi.encode(attestationRegistry.contextOf(attestation) ^ 1, _parts());
        _expectRejection(attestation, ISuretyVerifier.PairingFailed.selector);
    }

    function test_rejects_a_proof_of_scopes_where_no_source_has_one() external {
        Terms memory free = _scoped();
        free.scopes = new Scope[](0);
        _set(free);
        Attestation memory attestation = _attestation(_parts());
        _expectRejection(attestation, IAttestationRegistry.NoScopes.selector);
        attestation.scopes = "";
        attestationRegistry.attest(attestation);
    }

    function _set(Terms memory terms_) private {
        policyRegistry.set(POLICY, terms_);
        encoded = abi.encode(terms_);
    }

    function _scoped() private view returns (Terms memory) {
        return abi.decode(encoded, (Terms));
    }

    /// @dev The first source states the generator; the second, twice and three times the generator.
    function _parts() private view returns (uint256[4][] memory parts) {
        parts = new uint256[4][](2);
        (uint256[2] memory first, uint256[2] memory second) = (_multiple(1), _multiple(5));
        (uint256[2] memory one, uint256[2] memory other) = (_multiple(41), _multiple(42));
        parts[0] = [first[0], first[1], one[0], one[1]];
        parts[1] = [second[0], second[1], other[0], other[1]];
    }

    function _attestation(uint256[4][] memory parts) private view returns (Attestation memory attestation) {
        Terms memory terms;
        (attestation, terms) = (_unsigned(), _scoped());
        bytes32[] memory digests = _digests(attestation, terms, address(attestationRegistry));
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestation.statements[i].signature = _signature(_keyOf(terms.sources[i].signer), digests[i]);
        }
        attestation = _proven(attestation, terms);
        attestation.scopes = abi.encode(attestationRegistry.contextOf(attestation), parts);
    }

    function _keyOf(address signer) private pure returns (uint256 key) {
        for (key = 1; vm.addr(key) != signer;) {
            ++key;
        }
    }

    function _expectRejection(Attestation memory attestation, bytes4 reason) private {
        vm.expectRevert(reason);
        attestationRegistry.attest(attestation);
    }
}
