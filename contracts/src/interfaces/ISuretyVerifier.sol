// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Verifying contracts, which are generated
/// @notice A verifier is for one capacity class and one set-up. Policies, prices and balances are not its business: the
/// caller computes every argument except the proof.
///
/// Points are affine points of BN254's first group, x and y. The four public points of a proof are the commitments to
/// the columns IDX, FLAG, COEF and HOLD, in this order.
interface ISuretyVerifier {
    /* ERRORS */

    /// @notice The proof does not have the length that all proofs for this key have, in bytes.
    error ProofLength(uint256 received, uint256 expected);
    /// @notice A number is not below the order of the curve. Number 0 is the context; numbers from 1 on are the proof's
    /// evaluations.
    error ScalarOutOfField(uint256 index);
    /// @notice A point is the identity, is off the curve, or has a coordinate that is not below the field's modulus.
    /// Points 0 to 3 are the caller's; points from 4 on are the proof's.
    error PointNotOnCurve(uint256 index);
    /// @notice The proof's commitment to the blinded holdings is the caller's commitment to the holdings.
    error NotBlinded();
    /// @notice A batch has four points for each proof.
    error WrongPointCount();
    /// @notice A batch has one context for each proof.
    error WrongContextCount();
    /// @notice A batch has at least one proof.
    error EmptyBatch();
    /// @notice A challenge fell on a point where the equations cannot be evaluated. Honest provers never meet this.
    error DegenerateChallenge();
    /// @notice The equations do not hold: the proof does not match this key, this context and these points.
    error PairingFailed();
    /// @notice A proof of scopes is of at least one part.
    error NoParts();

    /* VERIFICATION */

    /// @notice Verifies a proof. Reverts with the reason if the proof is not valid.
    /// @param context The number that binds the proof to its claim, below the order of the curve.
    /// @param publicPoints The commitments to IDX, FLAG, COEF and HOLD.
    function verifyProof(bytes calldata proof, uint256 context, uint256[8] calldata publicPoints) external view;

    /// @notice True if {verifyProof} accepts. Reverts if gas runs out, which says nothing about the proof.
    function isValidProof(bytes calldata proof, uint256 context, uint256[8] calldata publicPoints)
        external
        view
        returns (bool);

    /// @notice Verifies several proofs for less gas than one after the other. Reverts with the reason if any proof is
    /// not valid; the index in an error counts within the first malformed proof.
    /// @param proofs At least one proof.
    /// @param contexts The context of each proof.
    /// @param publicPoints The public points of each proof.
    function verifyBatch(bytes[] calldata proofs, uint256[] calldata contexts, uint256[8][] calldata publicPoints)
        external
        view;

    /// @notice Verifies that the holdings behind commitments lie within scopes. Reverts with the reason if the proof is
    /// not valid. Of the points in an error, the parts' come first, then the proof's.
    /// @param proof The commitments to the parts' quotients, the values of the scopes' polynomials at the challenge,
    /// and the opening: 96 bytes for each part, and 64.
    /// @param context The number that binds the proof to its claim, below the order of the curve.
    /// @param parts At least one: the commitment to the part's holdings, and that to the polynomial which vanishes
    /// outside of its scope.
    function verifyScopes(bytes calldata proof, uint256 context, uint256[4][] calldata parts) external view;

    /* VIEWS */

    /// @notice The version of proofs and their transcript.
    function VERSION() external view returns (uint256);

    /// @notice The digest of the verifying key, with which every transcript begins.
    function VK_HASH() external view returns (bytes32);

    /// @notice The identifier of the set-up.
    function SRS_ID() external view returns (bytes32);

    /// @notice The capacity class k: the circuit has 2^k rows.
    function CAPACITY() external view returns (uint256);
}
