// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {BOOK_PAGE_TAG} from "./Constants.sol";

/// @title The tree over the pages of a book, as books/src/root.rs has it
/// @dev A node without a right child is its left child.
library PageTree {
    /// @notice The hash of a page.
    function leaf(uint32 index, uint32 kind, uint256[2] calldata commitment) internal pure returns (bytes32) {
        return keccak256(abi.encode(BOOK_PAGE_TAG, index, kind, commitment));
    }

    /// @notice True if a leaf is at a place below the topmost node over so many pages.
    /// @param path The siblings from below: as many as such a leaf has.
    function contains(bytes32 top, uint256 pages, bytes32 node, uint256 index, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (index >= pages) return false;
        uint256 used = 0;
        while (pages > 1) {
            if ((index ^ 1) < pages) {
                if (used == path.length) return false;
                bytes32 sibling = path[used++];
                node = index % 2 == 0 ? _parent(node, sibling) : _parent(sibling, node);
            }
            (index, pages) = (index / 2, (pages + 1) / 2);
        }
        return used == path.length && node == top;
    }

    function _parent(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encode(left, right));
    }
}
