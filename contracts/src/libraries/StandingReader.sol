// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {Standing} from "../types/Policy.sol";

/// @title Reading of a policy's standing without copying it
/// @notice As {MarketRulesReader}: the words that the policy registry encoded itself stay in place, and only offsets
/// become pointers.
library StandingReader {
    /// @notice The standing of a policy. The policy registry must encode as Solidity does.
    function read(IPolicyRegistry policyRegistry, bytes32 policy) internal view returns (Standing memory) {
        (bool success, bytes memory answer) =
            address(policyRegistry).staticcall(abi.encodeCall(IPolicyRegistry.standingOf, (policy)));
        // A variable of the struct itself would allocate one that nobody uses.
        Standing[] memory standings;
        assembly ("memory-safe") {
            // Where there is no contract, the call succeeds and answers nothing.
            if or(iszero(success), iszero(mload(answer))) { revert(add(answer, 0x20), mload(answer)) }

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

            // Returns an array of structs of a word and pointers to `points` points, one or two, which follow the word
            // in `elements`.
            function structs(elements, points) -> array {
                array := pointers(elements, add(0x20, mul(points, 0x40)))
                let end := add(array, mul(mload(array), 0x20))
                let copy := mload(0x40)
                for { let item := add(array, 0x20) } iszero(gt(item, end)) { item := add(item, 0x20) } {
                    let element := mload(item)
                    mstore(item, copy)
                    mstore(copy, mload(element))
                    mstore(add(copy, 0x20), add(element, 0x20))
                    mstore(add(copy, 0x40), add(element, 0x60))
                    copy := add(copy, add(0x20, mul(points, 0x20)))
                }
                // With one point the last struct ends before what was written last.
                mstore(0x40, add(copy, 0x20))
            }

            // The struct follows the length of the answer and an offset. Its first two fields are in place.
            let place := add(answer, 0x40)
            let accounts := add(place, 0x40)
            let terms := add(place, 0x60)
            mstore(accounts, add(place, mload(accounts)))
            let encoded := add(place, mload(terms))

            // The rules of the vault are four words between the fourth field and the others, and in memory they are a
            // pointer: the fields before them move up.
            let vault := mload(0x40)
            mstore(0x40, add(vault, 0x80))
            mcopy(vault, add(encoded, 0x80), 0x80)
            mcopy(add(encoded, 0x60), encoded, 0x80)
            mstore(add(encoded, 0xe0), vault)
            mstore(terms, add(encoded, 0x60))

            // Sources, scopes, nodes and levels are the last fields.
            let field := add(encoded, 0x200)
            mstore(field, pointers(add(encoded, mload(field)), 0x60))
            field := add(encoded, 0x220)
            mstore(field, structs(add(encoded, mload(field)), 1))
            field := add(encoded, 0x240)
            mstore(field, add(encoded, mload(field)))
            field := add(encoded, 0x260)
            mstore(field, structs(add(encoded, mload(field)), 2))

            // The length of the answer and the offset become a list of the one struct.
            mstore(answer, 1)
            mstore(add(answer, 0x20), place)
            standings := answer
        }
        return standings[0];
    }
}
