// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {MAX_FEEDS, PRICE_BYTES, PRICE_WORDS} from "./Constants.sol";

/// @title Prices in storage, packed at {PRICE_BYTES} bytes each
library PackedPrices {
    /// @notice Overwrites the words that the prices take. Reverts if there are more than {MAX_FEEDS} prices.
    function store(uint256[PRICE_WORDS] storage words, uint96[] memory prices) internal {
        uint256[] memory packed = _allocate(prices.length);
        for (uint256 u = 0; u < prices.length; ++u) {
            uint256 price = prices[u];
            assembly ("memory-safe") {
                mstore(add(add(packed, 0x20), mul(u, PRICE_BYTES)), shl(160, price))
            }
        }
        for (uint256 i = 0; i < packed.length; ++i) {
            words[i] = packed[i];
        }
    }

    /// @notice The first `count` prices.
    function load(uint256[PRICE_WORDS] storage words, uint256 count) internal view returns (uint96[] memory prices) {
        uint256[] memory packed = _allocate(count);
        for (uint256 i = 0; i < packed.length; ++i) {
            packed[i] = words[i];
        }
        prices = new uint96[](count);
        for (uint256 u = 0; u < count; ++u) {
            uint96 price;
            assembly ("memory-safe") {
                price := shr(160, mload(add(add(packed, 0x20), mul(u, PRICE_BYTES))))
            }
            prices[u] = price;
        }
    }

    /// @dev Allocates the words that `count` prices take. One more word behind them takes the end of the last price,
    /// which is written as a whole word.
    function _allocate(uint256 count) private pure returns (uint256[] memory packed) {
        uint256 words = (PRICE_BYTES * count + 31) / 32;
        packed = new uint256[](words + 1);
        assembly ("memory-safe") {
            mstore(packed, words)
        }
    }
}
