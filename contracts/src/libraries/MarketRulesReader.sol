// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {MarketRules} from "../types/Market.sol";

/// @title Reading of a policy's market rules without copying them
/// @notice Solidity's decoder copies every word and checks its range. The policy registry encoded these words itself,
/// so they can stay in place: encoding and struct differ only in offsets and pointers. For eight feeds this saves
/// 14,000 gas.
library MarketRulesReader {
    /// @notice The market rules of a policy. The policy registry must encode as Solidity does.
    function read(IPolicyRegistry policyRegistry, bytes32 policy) internal view returns (MarketRules memory rules) {
        (bool success, bytes memory answer) =
            address(policyRegistry).staticcall(abi.encodeCall(IPolicyRegistry.marketRules, (policy)));
        assembly ("memory-safe") {
            if iszero(success) { revert(add(answer, 0x20), mload(answer)) }

            // Returns an array of pointers to `elements`: a length and items of `size` bytes, side by side.
            function pointers(elements, size) -> array {
                let count := mload(elements)
                array := mload(0x40)
                mstore(0x40, add(array, mul(add(count, 1), 0x20)))
                mstore(array, count)
                let element := add(elements, 0x20)
                for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                    mstore(add(array, mul(add(i, 1), 0x20)), element)
                    element := add(element, size)
                }
            }

            // The struct follows the length of the answer and an offset. Its first five fields are in place.
            rules := add(answer, 0x40)
            let nodes := add(rules, 0xa0)
            let feeds := add(rules, 0xc0)
            let levels := add(rules, 0xe0)
            mstore(nodes, add(rules, mload(nodes)))
            mstore(feeds, pointers(add(rules, mload(feeds)), 0xe0))
            mstore(levels, add(rules, mload(levels)))
            levels := mload(levels)

            // Offsets of levels count from behind the length. A level is a point and the offset of an array of points.
            let place := add(levels, 0x20)
            let start := place
            let end := add(start, mul(mload(levels), 0x20))
            for {} lt(place, end) { place := add(place, 0x20) } {
                let encoded := add(start, mload(place))
                let market := pointers(add(encoded, mload(add(encoded, 0x40))), 0x40)
                let level := mload(0x40)
                mstore(0x40, add(level, 0x40))
                mstore(level, encoded)
                mstore(add(level, 0x20), market)
                mstore(place, level)
            }
        }
    }
}
