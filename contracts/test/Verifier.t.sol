// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {P, R} from "./support/Field.sol";
import {Fixture, Proof} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";
import {SuretyVerifierK11} from "./verifiers/DevelopmentVerifierK11.sol";

/// @notice Verification of one proof at a time.
contract VerifierTest {
    /// @dev The offset of the evaluations in a proof, in bytes, and their number.
    uint256 private constant EVALUATIONS_AT = 15 * 64;
    uint256 private constant EVALUATIONS = 24;
    uint256 private constant POINTS = 17;

    ISuretyVerifier private verifier;
    Proof private stored;

    function setUp() external {
        verifier = ISuretyVerifier(address(new SuretyVerifierK11()));
        stored = Fixture.load("development-k11", 0);
    }

    function test_accepts_a_proof() external view {
        verifier.verifyProof(stored.proof, stored.context, stored.publicPoints);
        require(verifier.isValidProof(stored.proof, stored.context, stored.publicPoints));
    }

    function test_rejects_every_changed_byte() external view {
        Proof memory valid = stored;
        for (uint256 i = 0; i < valid.proof.length; ++i) {
            bytes1 byteBefore = valid.proof[i];
            valid.proof[i] = byteBefore ^ bytes1(uint8(2 ** (i % 8)));
            require(!_isValid(valid));
            valid.proof[i] = byteBefore;
        }
        require(_isValid(valid));
    }

    function testFuzz_rejects_a_changed_byte(uint256 position, uint8 difference) external view {
        vm.assume(difference != 0);
        Proof memory changed = stored;
        position %= changed.proof.length;
        changed.proof[position] ^= bytes1(difference);
        require(!_isValid(changed));
    }

    function testFuzz_rejects_a_changed_public_point(uint256 position, uint256 difference) external view {
        vm.assume(difference != 0);
        Proof memory changed = stored;
        changed.publicPoints[position % 8] ^= difference;
        require(!_isValid(changed));
    }

    function testFuzz_rejects_another_context(uint256 context) external view {
        vm.assume(context != stored.context);
        require(!verifier.isValidProof(stored.proof, context, stored.publicPoints));
    }

    function testFuzz_rejects_other_lengths(bytes calldata proof) external {
        vm.assume(proof.length != 1856);
        vm.expectRevert(abi.encodeWithSelector(ISuretyVerifier.ProofLength.selector, proof.length, 1856));
        verifier.verifyProof(proof, stored.context, stored.publicPoints);
    }

    function test_rejects_a_proof_cut_short_or_continued() external {
        bytes memory proof = stored.proof;
        _expectRejection(
            bytes.concat(proof, hex"00"), abi.encodeWithSelector(ISuretyVerifier.ProofLength.selector, 1857, 1856)
        );
        _expectRejection("", abi.encodeWithSelector(ISuretyVerifier.ProofLength.selector, 0, 1856));
        assembly {
            mstore(proof, 1855)
        }
        _expectRejection(proof, abi.encodeWithSelector(ISuretyVerifier.ProofLength.selector, 1855, 1856));
    }

    function test_rejects_aliases_of_evaluations() external {
        for (uint256 i = 0; i < EVALUATIONS; ++i) {
            bytes memory reason = abi.encodeWithSelector(ISuretyVerifier.ScalarOutOfField.selector, i + 1);
            uint256 offset = EVALUATIONS_AT + 32 * i;
            _expectRejection(_with(offset, _word(offset) + R), reason);
            _expectRejection(_with(offset, R), reason);
            _expectRejection(_with(offset, type(uint256).max), reason);
        }
    }

    function test_rejects_another_evaluation() external {
        for (uint256 i = 0; i < EVALUATIONS; ++i) {
            uint256 offset = EVALUATIONS_AT + 32 * i;
            bytes memory reason = abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector);
            _expectRejection(_with(offset, addmod(_word(offset), 1, R)), reason);
            _expectRejection(_with(offset, R - _word(offset)), reason);
        }
    }

    function test_rejects_aliases_of_the_context() external {
        vm.expectRevert(abi.encodeWithSelector(ISuretyVerifier.ScalarOutOfField.selector, 0));
        verifier.verifyProof(stored.proof, stored.context + R, stored.publicPoints);
        vm.expectRevert(abi.encodeWithSelector(ISuretyVerifier.ScalarOutOfField.selector, 0));
        verifier.verifyProof(stored.proof, R, stored.publicPoints);
    }

    function test_rejects_what_is_no_point() external {
        for (uint256 i = 0; i < POINTS; ++i) {
            bytes memory reason = abi.encodeWithSelector(ISuretyVerifier.PointNotOnCurve.selector, i + 4);
            uint256 offset = _pointAt(i);
            (uint256 x, uint256 y) = (_word(offset), _word(offset + 32));
            _expectRejection(_with(offset, 0, 0), reason);
            _expectRejection(_with(offset, x + P, y), reason);
            _expectRejection(_with(offset, x, y + P), reason);
            _expectRejection(_with(offset, y, x), reason);
            _expectRejection(_with(offset, x ^ 1, y), reason);
            _expectRejection(_with(offset, P, 0), reason);
            _expectRejection(_with(offset, type(uint256).max, type(uint256).max), reason);
        }
    }

    function test_rejects_another_point() external {
        bytes memory reason = abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector);
        for (uint256 i = 0; i < POINTS; ++i) {
            uint256 offset = _pointAt(i);
            uint256 next = _pointAt((i + 1) % POINTS);
            _expectRejection(_with(offset, _word(offset), P - _word(offset + 32)), reason);
            _expectRejection(_with(offset, _word(next), _word(next + 32)), reason);
            _expectRejection(_with(offset, 1, 2), reason);
        }
    }

    /// @notice Attack: the holdings in the place of the blinded holdings, so that the proof shows one of their values.
    function test_rejects_holdings_that_are_not_blinded() external {
        (uint256 x, uint256 y) = (stored.publicPoints[6], stored.publicPoints[7]);
        _expectRejection(_with(0, x, y), abi.encodeWithSelector(ISuretyVerifier.NotBlinded.selector));
    }

    function test_rejects_public_points_that_are_none() external {
        uint256[8] memory points = stored.publicPoints;
        for (uint256 i = 0; i < 4; ++i) {
            (uint256 x, uint256 y) = (points[2 * i], points[2 * i + 1]);
            uint256[2][5] memory changes = [[uint256(0), 0], [x + P, y], [x, y + P], [y, x], [x, y ^ 1]];
            for (uint256 j = 0; j < changes.length; ++j) {
                (points[2 * i], points[2 * i + 1]) = (changes[j][0], changes[j][1]);
                vm.expectRevert(abi.encodeWithSelector(ISuretyVerifier.PointNotOnCurve.selector, i));
                verifier.verifyProof(stored.proof, stored.context, points);
            }
            (points[2 * i], points[2 * i + 1]) = (x, y);
        }
    }

    function test_rejects_other_public_points() external {
        uint256[8] memory points = stored.publicPoints;
        for (uint256 i = 0; i < 4; ++i) {
            (uint256 x, uint256 y) = (points[2 * i], points[2 * i + 1]);
            uint256 next = 2 * ((i + 1) % 4);
            uint256[2][3] memory changes =
                [[x, P - y], [stored.publicPoints[next], stored.publicPoints[next + 1]], [uint256(1), 2]];
            for (uint256 j = 0; j < changes.length; ++j) {
                (points[2 * i], points[2 * i + 1]) = (changes[j][0], changes[j][1]);
                vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
                verifier.verifyProof(stored.proof, stored.context, points);
            }
            (points[2 * i], points[2 * i + 1]) = (x, y);
        }
    }

    function test_rejects_swapped_public_points() external {
        uint256[8] memory points = stored.publicPoints;
        (points[0], points[1], points[2], points[3]) = (points[2], points[3], points[0], points[1]);
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        verifier.verifyProof(stored.proof, stored.context, points);
    }

    function test_rejects_a_proof_of_another_statement() external {
        Proof memory other = Fixture.load("development-k11", 1);
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        verifier.verifyProof(other.proof, stored.context, stored.publicPoints);
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        verifier.verifyProof(stored.proof, stored.context, other.publicPoints);
    }

    /// @notice Whoever pays for the gas must not be able to choose the verdict.
    function testFuzz_want_of_gas_is_no_verdict(uint256 limit) external view {
        limit %= 450_000;
        (bool success, bytes memory answer) = address(verifier).staticcall{gas: limit}(
            abi.encodeCall(ISuretyVerifier.isValidProof, (stored.proof, stored.context, stored.publicPoints))
        );
        require(!success || abi.decode(answer, (bool)));
    }

    function _isValid(Proof memory proof) private view returns (bool) {
        return verifier.isValidProof(proof.proof, proof.context, proof.publicPoints);
    }

    function _expectRejection(bytes memory proof, bytes memory reason) private {
        vm.expectRevert(reason);
        verifier.verifyProof(proof, stored.context, stored.publicPoints);
    }

    /// @dev The last two points lie behind the evaluations.
    function _pointAt(uint256 index) private pure returns (uint256) {
        return index < 15 ? 64 * index : 64 * index + 32 * EVALUATIONS;
    }

    function _word(uint256 offset) private view returns (uint256 word) {
        bytes memory proof = stored.proof;
        assembly {
            word := mload(add(add(proof, 0x20), offset))
        }
    }

    function _with(uint256 offset, uint256 word) private view returns (bytes memory proof) {
        proof = stored.proof;
        assembly {
            mstore(add(add(proof, 0x20), offset), word)
        }
    }

    function _with(uint256 offset, uint256 first, uint256 second) private view returns (bytes memory proof) {
        proof = _with(offset, first);
        assembly {
            mstore(add(add(proof, 0x40), offset), second)
        }
    }
}
