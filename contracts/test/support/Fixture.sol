// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {vm} from "./Vm.sol";

/// @notice A proof, and what it is verified with.
struct Proof {
    bytes proof;
    uint256 context;
    uint256[8] publicPoints;
}

/// @notice Reads proofs that the Rust side has made.
library Fixture {
    /// @notice The proof number `index` of a file in test/fixtures.
    function load(string memory file, uint256 index) internal view returns (Proof memory loaded) {
        string memory json = vm.readFile(string.concat("test/fixtures/", file, ".json"));
        string memory key = string.concat(".proofs[", vm.toString(index), "]");
        loaded.proof = vm.parseJsonBytes(json, string.concat(key, ".proof"));
        loaded.context = vm.parseJsonUint(json, string.concat(key, ".context"));
        bytes[] memory points = vm.parseJsonBytesArray(json, string.concat(key, ".known"));
        loaded.publicPoints = abi.decode(bytes.concat(points[0], points[1], points[2], points[3]), (uint256[8]));
    }
}
