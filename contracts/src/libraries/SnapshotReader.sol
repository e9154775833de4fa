// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";
import {Snapshot} from "../types/Market.sol";

/// @title Reading of snapshots without copying them
/// @notice The answer of {ISnapshotOracle-read} has the words of two snapshots and of a point, which can stay in place.
library SnapshotReader {
    /// @notice The answer to {ISnapshotOracle-read}. The snapshot oracle must encode as Solidity does.
    function read(ISnapshotOracle oracle, bytes32 policy, uint64 epoch, uint256 level)
        internal
        view
        returns (Snapshot memory, Snapshot memory, uint256[2] memory)
    {
        (bool success, bytes memory answer) =
            address(oracle).staticcall(abi.encodeCall(ISnapshotOracle.read, (policy, epoch, level)));
        // Variables of the types themselves would allocate what nobody uses.
        Snapshot[] memory snapshots;
        uint256[2][] memory points;
        assembly ("memory-safe") {
            // Where there is no contract, the call succeeds and answers nothing.
            if or(iszero(success), iszero(mload(answer))) { revert(add(answer, 0x20), mload(answer)) }
            snapshots := mload(0x40)
            points := add(snapshots, 0x60)
            mstore(0x40, add(snapshots, 0xa0))
            mstore(snapshots, 2)
            mstore(add(snapshots, 0x20), add(answer, 0x20))
            mstore(add(snapshots, 0x40), add(answer, 0xe0))
            mstore(points, 1)
            mstore(add(points, 0x20), add(answer, 0x1a0))
        }
        return (snapshots[0], snapshots[1], points[0]);
    }
}
