// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {ISuretyVerifier} from "../interfaces/ISuretyVerifier.sol";

/// @title A verifier for tests, whose proofs anybody makes
/// @notice A proof is what it is about, written out: see {proofOf} and {scopeProofOf}. Any other bytes are refused, so
/// that a test notices if a registry asks about another context or other points than expected.
/// @dev The first points, the contexts and the sizes that a generated verifier refuses are not checked.
contract SuretyMockVerifier is ISuretyVerifier, ERC165 {
    /* CONSTANTS AND IMMUTABLES */

    /// @inheritdoc ISuretyVerifier
    uint256 public constant VERSION = 2;
    /// @inheritdoc ISuretyVerifier
    bytes32 public constant VK_HASH = keccak256("surety/mock-verifier");
    /// @inheritdoc ISuretyVerifier
    bytes32 public immutable SRS_ID;
    /// @inheritdoc ISuretyVerifier
    uint256 public immutable CAPACITY;

    /* CONSTRUCTOR */

    /// @param srs The identifier of the set-up of the policies in the test.
    /// @param capacity Their capacity class, k.
    constructor(bytes32 srs, uint256 capacity) {
        (SRS_ID, CAPACITY) = (srs, capacity);
    }

    /* VERIFICATION */

    /// @inheritdoc ISuretyVerifier
    function verifyProof(bytes calldata proof, uint256 context, uint256[8] calldata publicPoints) public pure {
        if (!isValidProof(proof, context, publicPoints)) revert PairingFailed();
    }

    /// @inheritdoc ISuretyVerifier
    function isValidProof(bytes calldata proof, uint256 context, uint256[8] calldata publicPoints)
        public
        pure
        returns (bool)
    {
        return keccak256(proof) == keccak256(proofOf(context, publicPoints));
    }

    /// @inheritdoc ISuretyVerifier
    function verifyBatch(bytes[] calldata proofs, uint256[] calldata contexts, uint256[8][] calldata publicPoints)
        external
        pure
    {
        if (proofs.length == 0) revert EmptyBatch();
        if (contexts.length != proofs.length) revert WrongContextCount();
        if (publicPoints.length != proofs.length) revert WrongPointCount();
        for (uint256 i = 0; i < proofs.length; ++i) {
            verifyProof(proofs[i], contexts[i], publicPoints[i]);
        }
    }

    /// @inheritdoc ISuretyVerifier
    function verifyScopes(bytes calldata proof, uint256 context, uint256[4][] calldata parts) external pure {
        if (parts.length == 0) revert NoParts();
        if (keccak256(proof) != keccak256(scopeProofOf(context, parts))) revert PairingFailed();
    }

    /* VIEWS */

    /// @notice The one proof that {verifyProof} accepts.
    function proofOf(uint256 context, uint256[8] calldata publicPoints) public pure returns (bytes memory) {
        return abi.encode(context, publicPoints);
    }

    /// @notice The one proof that {verifyScopes} accepts.
    function scopeProofOf(uint256 context, uint256[4][] calldata parts) public pure returns (bytes memory) {
        return abi.encode(context, parts);
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(ISuretyVerifier).interfaceId || super.supportsInterface(interfaceId);
    }
}
