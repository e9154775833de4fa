// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {P, R} from "./support/Field.sol";
import {Fixture, Proof} from "./support/Fixture.sol";
import {PrecompileFaults} from "./support/PrecompileFaults.sol";
import {vm} from "./support/Vm.sol";
import {SuretyVerifierK11} from "./verifiers/DevelopmentVerifierK11.sol";

/// @notice Verification of many proofs at a time.
contract VerifierBatchTest is PrecompileFaults {
    uint256 private constant COUNT = 16;
    /// @dev The offset of the multi-opening's W' in a proof, in bytes.
    uint256 private constant W_PRIME_AT = 1792;

    ISuretyVerifier private verifier;
    bytes[] private proofs;
    uint256[] private contexts;
    uint256[8][] private publicPoints;

    function setUp() external {
        verifier = ISuretyVerifier(address(new SuretyVerifierK11()));
        for (uint256 i = 0; i < COUNT; ++i) {
            _add(Fixture.load("development-k11", i));
        }
    }

    function test_accepts_valid_proofs() external view {
        verifier.verifyBatch(proofs, contexts, publicPoints);
    }

    function test_accepts_one_proof() external {
        _truncate(1);
        verifier.verifyBatch(proofs, contexts, publicPoints);
    }

    function test_accepts_a_proof_twice() external {
        _truncate(1);
        _add(Fixture.load("development-k11", 0));
        verifier.verifyBatch(proofs, contexts, publicPoints);
    }

    function test_rejects_a_batch_where_a_precompile_fails() external {
        _truncate(2);
        bytes memory call = abi.encodeCall(ISuretyVerifier.verifyBatch, (proofs, contexts, publicPoints));
        _requireFaultsRefused(address(verifier), call, "");
    }

    function test_rejects_no_proofs() external {
        _truncate(0);
        vm.expectRevert(ISuretyVerifier.EmptyBatch.selector);
        verifier.verifyBatch(proofs, contexts, publicPoints);
    }

    function test_rejects_counts_that_differ() external {
        contexts.pop();
        vm.expectRevert(ISuretyVerifier.WrongContextCount.selector);
        verifier.verifyBatch(proofs, contexts, publicPoints);
        contexts.push(0);
        contexts.push(0);
        vm.expectRevert(ISuretyVerifier.WrongContextCount.selector);
        verifier.verifyBatch(proofs, contexts, publicPoints);
        contexts.pop();
        publicPoints.pop();
        vm.expectRevert(ISuretyVerifier.WrongPointCount.selector);
        verifier.verifyBatch(proofs, contexts, publicPoints);
    }

    function test_rejects_a_wrong_proof_at_every_place() external {
        for (uint256 i = 0; i < COUNT; ++i) {
            uint256 before = contexts[i];
            contexts[i] = before + 1;
            vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
            verifier.verifyBatch(proofs, contexts, publicPoints);
            contexts[i] = before;
        }
    }

    function test_rejects_swapped_proofs() external {
        bytes memory third = proofs[3];
        proofs[3] = proofs[4];
        proofs[4] = third;
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        verifier.verifyBatch(proofs, contexts, publicPoints);
    }

    /// @notice Attack: points that other proofs of the batch share, where a proof is for others.
    function test_rejects_known_points_of_another_proof() external {
        for (uint256 i = 0; i < 6; i += 2) {
            // Proofs 0 and 4 are for the same points, and proof 1 is for others.
            (uint256 x, uint256 y) = (publicPoints[4][i], publicPoints[4][i + 1]);
            require(x == publicPoints[0][i] && x != publicPoints[1][i]);
            (publicPoints[4][i], publicPoints[4][i + 1]) = (publicPoints[1][i], publicPoints[1][i + 1]);
            vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
            verifier.verifyBatch(proofs, contexts, publicPoints);
            (publicPoints[4][i], publicPoints[4][i + 1]) = (x, y);
        }
        verifier.verifyBatch(proofs, contexts, publicPoints);
    }

    function test_rejects_malformed_proofs_with_the_reason() external {
        contexts[2] += R;
        vm.expectRevert(abi.encodeWithSelector(ISuretyVerifier.ScalarOutOfField.selector, 0));
        verifier.verifyBatch(proofs, contexts, publicPoints);
        contexts[2] -= R;
        publicPoints[5][2] += P;
        vm.expectRevert(abi.encodeWithSelector(ISuretyVerifier.PointNotOnCurve.selector, 1));
        verifier.verifyBatch(proofs, contexts, publicPoints);
        publicPoints[5][2] -= P;
        proofs[15] = bytes.concat(proofs[15], hex"00");
        vm.expectRevert(abi.encodeWithSelector(ISuretyVerifier.ProofLength.selector, 1857, 1856));
        verifier.verifyBatch(proofs, contexts, publicPoints);
    }

    /// @notice W' + D in one proof and W' - D in a copy of it: with equal weights the errors cancel.
    function test_rejects_errors_that_cancel() external {
        _truncate(1);
        _add(Fixture.load("development-k11", 0));
        proofs[0] = _shifted(proofs[0], 1, 2);
        proofs[1] = _shifted(proofs[1], 1, P - 2);
        vm.expectRevert(ISuretyVerifier.PairingFailed.selector);
        verifier.verifyBatch(proofs, contexts, publicPoints);
    }

    function testFuzz_rejects_a_changed_byte(uint256 index, uint256 position, uint8 difference) external {
        vm.assume(difference != 0);
        _truncate(4);
        bytes memory proof = proofs[index % 4];
        proof[position % proof.length] ^= bytes1(difference);
        proofs[index % 4] = proof;
        try verifier.verifyBatch(proofs, contexts, publicPoints) {
            revert("accepted");
        } catch {}
    }

    function _add(Proof memory proof) private {
        proofs.push(proof.proof);
        contexts.push(proof.context);
        publicPoints.push(proof.publicPoints);
    }

    function _truncate(uint256 count) private {
        while (proofs.length > count) {
            proofs.pop();
            contexts.pop();
            publicPoints.pop();
        }
    }

    /// @dev The proof with a point added to its W'.
    function _shifted(bytes memory proof, uint256 x, uint256 y) private view returns (bytes memory) {
        uint256[4] memory operands = [0, 0, x, y];
        assembly {
            let at := add(add(proof, 0x20), W_PRIME_AT)
            mcopy(operands, at, 0x40)
            if iszero(staticcall(gas(), 0x06, operands, 0x80, at, 0x40)) { revert(0, 0) }
        }
        return proof;
    }
}
