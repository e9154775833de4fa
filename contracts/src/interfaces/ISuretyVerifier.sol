// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title What every generated verifier offers
/// @notice A verifier is for one capacity class and one set-up. It knows neither policies nor prices nor balances: the
/// caller computes everything that it passes by itself, but for the proof.
///
/// Points are affine points of BN254's first group, x and y. The four public points of a proof are the commitments to the
/// columns IDX, FLAG, COEF and HOLD, in this order.
interface ISuretyVerifier {
    /// @notice A proof has one length.
    error ProofLength(uint256 received, uint256 expected);
    /// @notice A number is not below the order of the curve. Number 0 is the context, those from 1 on are the evaluations
    /// of the proof.
    error ScalarOutOfField(uint256 index);
    /// @notice A point is the identity, off the curve, or has a coordinate that is not below the field's modulus. Points 0
    /// to 3 are the caller's, those from 4 on are the proof's.
    error PointNotOnCurve(uint256 index);
    /// @notice A batch has four points for each proof.
    error WrongPointCount();
    /// @notice A batch has one context for each proof.
    error WrongContextCount();
    /// @notice A batch of no proofs shows nothing.
    error EmptyBatch();
    /// @notice A challenge fell on a point where the equations cannot be evaluated. No honest prover sees this.
    error DegenerateChallenge();
    /// @notice The equations do not hold: the proof is not for this key, this context and these points.
    error PairingFailed();

    /// @notice Verifies a proof; reverts with the reason if it is not valid.
    /// @param proof The proof.
    /// @param context The number that binds the proof to what it is about, below the order of the curve.
    /// @param publicPoints The commitments to IDX, FLAG, COEF and HOLD.
    function verifyProof(bytes calldata proof, uint256 context, uint256[8] calldata publicPoints) external view;

    /// @notice Whether a proof is valid. As {verifyProof}, but says so instead of reverting. Reverts for want of gas, which
    /// says nothing about the proof.
    function isValidProof(bytes calldata proof, uint256 context, uint256[8] calldata publicPoints)
        external
        view
        returns (bool);

    /// @notice Verifies several proofs for less than one after the other; reverts with the reason if any is not valid. The
    /// index of an error counts within the first proof that is not well formed.
    /// @param proofs The proofs, at least one.
    /// @param contexts The context of each.
    /// @param publicPoints The public points of each.
    function verifyBatch(bytes[] calldata proofs, uint256[] calldata contexts, uint256[8][] calldata publicPoints)
        external
        view;

    /// @notice The version of proofs and their transcript.
    function VERSION() external view returns (uint256);

    /// @notice The digest of the verifying key, with which every transcript begins.
    function VK_HASH() external view returns (bytes32);

    /// @notice The identifier of the set-up.
    function SRS_ID() external view returns (bytes32);

    /// @notice The capacity class k: the circuit has 2^k rows.
    function CAPACITY() external view returns (uint256);
}
