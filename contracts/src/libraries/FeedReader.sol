// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";
import {Feed} from "../types/Market.sol";

/// @title Reading of price feeds that may misbehave
/// @notice A misbehaving feed can only fail to give a good answer. Revert data is ignored, and no more of an answer is
/// copied than the length of a well-formed one.
library FeedReader {
    /// @notice The newest answer of a feed.
    /// @return isGood True if the answer is a price: it is positive, belongs to a complete round, is not dated in the
    /// future, and the aggregator reports the expected decimals. The other values have no meaning otherwise.
    /// @return answer The price, with the aggregator's decimals.
    /// @return age The time since the answer, in seconds.
    function read(Feed memory feed) internal view returns (bool isGood, uint256 answer, uint256 age) {
        address aggregator = feed.aggregator;
        bytes4 decimals = IAggregatorV3.decimals.selector;
        bytes4 latestRoundData = IAggregatorV3.latestRoundData.selector;
        uint256 expectedDecimals = feed.aggregatorDecimals;
        uint256 round;
        uint256 updatedAt;
        uint256 answeredInRound;
        assembly ("memory-safe") {
            mstore(0, decimals)
            isGood := staticcall(gas(), aggregator, 0, 0x04, 0, 0x20)
            isGood := and(isGood, and(gt(returndatasize(), 0x1f), eq(mload(0), expectedDecimals)))

            let words := mload(0x40)
            mstore(0, latestRoundData)
            isGood := and(isGood, staticcall(gas(), aggregator, 0, 0x04, words, 0xa0))
            isGood := and(isGood, gt(returndatasize(), 0x9f))
            round := mload(words)
            answer := mload(add(words, 0x20))
            updatedAt := mload(add(words, 0x60))
            answeredInRound := mload(add(words, 0x80))
        }
        isGood = isGood && answer != 0 && answer <= uint256(type(int256).max) && round != 0 && answeredInRound >= round
            && answeredInRound <= type(uint80).max && updatedAt != 0 && updatedAt <= block.timestamp;
        unchecked {
            age = block.timestamp - updatedAt;
        }
    }
}
