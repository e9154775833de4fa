// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {MAX_FEEDS, PRICE_BYTES, PRICE_WORDS} from "./Constants.sol";

/// @title Prices in storage, one after the other, 12 bytes each
library PackedPrices {
    /// @notice Overwrites as many words as the prices take. Reverts if they are more than {MAX_FEEDS}.
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

    /// @notice The first prices, as many as `count`.
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

    /// @dev As many words as the prices take, and one behind them, where the last price ends if it is written as a word.
    function _allocate(uint256 count) private pure returns (uint256[] memory packed) {
        uint256 words = (PRICE_BYTES * count + 31) / 32;
        packed = new uint256[](words + 1);
        assembly ("memory-safe") {
            mstore(packed, words)
        }
    }
}
