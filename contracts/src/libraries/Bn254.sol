// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {BASE_FIELD_MODULUS} from "./Constants.sol";

/// @title Arithmetic in BN254's first group
/// @notice Points are affine, x and y. The identity is (0, 0), as for the precompiles. The group has prime order and
/// contains every point of the curve.
library Bn254 {
    /// @notice A precompile refused a point, ran out of gas, or does not exist.
    error PointOperationFailed();

    /// @notice True for a point of the curve other than the identity, with coordinates below the modulus.
    function isPoint(uint256 x, uint256 y) internal pure returns (bool) {
        return x < BASE_FIELD_MODULUS && y < BASE_FIELD_MODULUS
            && mulmod(y, y, BASE_FIELD_MODULUS)
                == addmod(mulmod(mulmod(x, x, BASE_FIELD_MODULUS), x, BASE_FIELD_MODULUS), 3, BASE_FIELD_MODULUS);
    }

    /// @notice True for (0, 0).
    function isIdentity(uint256 x, uint256 y) internal pure returns (bool) {
        return x | y == 0;
    }

    /// @notice The y of the negated point; zero for the identity.
    function negateY(uint256 y) internal pure returns (uint256) {
        return y == 0 ? 0 : BASE_FIELD_MODULUS - y;
    }

    /// @notice The sum of two points, by the precompile of EIP-196.
    function add(uint256 x1, uint256 y1, uint256 x2, uint256 y2) internal view returns (uint256 x, uint256 y) {
        bool success;
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, x1)
            mstore(add(words, 0x20), y1)
            mstore(add(words, 0x40), x2)
            mstore(add(words, 0x60), y2)
            success := staticcall(gas(), 0x06, words, 0x80, words, 0x40)
            // Without a precompile the call succeeds and returns nothing.
            success := and(success, eq(returndatasize(), 0x40))
            x := mload(words)
            y := mload(add(words, 0x20))
        }
        if (!success) revert PointOperationFailed();
    }

    /// @notice A multiple of a point, by the precompile of EIP-196.
    function mul(uint256 x1, uint256 y1, uint256 scalar) internal view returns (uint256 x, uint256 y) {
        bool success;
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, x1)
            mstore(add(words, 0x20), y1)
            mstore(add(words, 0x40), scalar)
            success := staticcall(gas(), 0x07, words, 0x60, words, 0x40)
            success := and(success, eq(returndatasize(), 0x40))
            x := mload(words)
            y := mload(add(words, 0x20))
        }
        if (!success) revert PointOperationFailed();
    }

    /// @notice base + Σ_u scalars[u]·points[u]. Reverts if there are fewer scalars than points.
    function affineCombination(uint256[2] memory base, uint256[2][] memory points, uint96[] memory scalars)
        internal
        view
        returns (uint256[2] memory sum)
    {
        // The sum, a product and its scalar: the input of each precompile is contiguous.
        uint256[5] memory words;
        (words[0], words[1]) = (base[0], base[1]);
        bool success = true;
        for (uint256 u = 0; u < points.length; ++u) {
            uint256[2] memory point = points[u];
            (uint256 x, uint256 y, uint256 scalar) = (point[0], point[1], scalars[u]);
            if (isIdentity(x, y)) continue;
            assembly ("memory-safe") {
                let product := add(words, 0x40)
                mstore(product, x)
                mstore(add(words, 0x60), y)
                mstore(add(words, 0x80), scalar)
                // Arguments are evaluated from the last to the first, so the size is that of this call's answer.
                success := and(
                    and(success, eq(returndatasize(), 0x40)),
                    staticcall(gas(), 0x07, product, 0x60, product, 0x40)
                )
                success := and(
                    and(success, eq(returndatasize(), 0x40)),
                    staticcall(gas(), 0x06, words, 0x80, words, 0x40)
                )
            }
        }
        if (!success) revert PointOperationFailed();
        (sum[0], sum[1]) = (words[0], words[1]);
    }
}
