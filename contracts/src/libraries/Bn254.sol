// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Arithmetic in BN254's first group
/// @notice Points are affine, x and y; zeros stand for the identity.
library Bn254 {
    /// @notice The modulus of coordinates.
    uint256 internal constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    /// @notice A precompile has refused its input: not a point.
    error NotAPoint();

    /// @notice Whether the coordinates are those of a point other than the identity.
    function isPoint(uint256 x, uint256 y) internal pure returns (bool) {
        return x < P && y < P && mulmod(y, y, P) == addmod(mulmod(mulmod(x, x, P), x, P), 3, P);
    }

    /// @notice The sum of two points (EIP-196).
    function add(uint256 x1, uint256 y1, uint256 x2, uint256 y2) internal view returns (uint256, uint256) {
        return _answer(address(0x06), abi.encode(x1, y1, x2, y2));
    }

    /// @notice A multiple of a point (EIP-196).
    function mul(uint256 x, uint256 y, uint256 factor) internal view returns (uint256, uint256) {
        return _answer(address(0x07), abi.encode(x, y, factor));
    }

    /// @notice The y of a point's negative. The identity is its own.
    function negateY(uint256 y) internal pure returns (uint256) {
        return y == 0 ? 0 : P - y;
    }

    function _answer(address precompile, bytes memory input) private view returns (uint256, uint256) {
        (bool success, bytes memory output) = precompile.staticcall(input);
        // Where there is no precompile, the call succeeds with nothing.
        if (!success || output.length != 64) revert NotAPoint();
        return abi.decode(output, (uint256, uint256));
    }
}
