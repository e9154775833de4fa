// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";
import {Feed} from "../types/Market.sol";

/// @title Reading of price feeds that need not be well behaved
/// @notice A feed can do no more than give no good answer. What it reverts with is not looked at, and of what it returns
/// no more is copied than an answer has.
library FeedReader {
    /// @notice The newest answer of a feed.
    /// @return isGood Whether it is a price: positive, of a round that is complete, of no time to come, with the decimals that
    /// the feed is known to have.
    /// @return answer The answer.
    /// @return age How long ago it was given, in seconds.
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
