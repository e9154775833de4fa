// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";
import {Feed} from "../interfaces/IPolicyRegistry.sol";

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
        uint256[5] memory words;
        if (!_ask(feed.aggregator, IAggregatorV3.decimals.selector, words, 0x20)) return (false, 0, 0);
        if (words[0] != feed.aggregatorDecimals) return (false, 0, 0);
        if (!_ask(feed.aggregator, IAggregatorV3.latestRoundData.selector, words, 0xa0)) return (false, 0, 0);
        (uint256 round, uint256 updatedAt, uint256 answeredInRound) = (words[0], words[3], words[4]);
        answer = words[1];
        isGood = int256(answer) > 0 && round != 0 && answeredInRound >= round && answeredInRound <= type(uint80).max
            && updatedAt != 0 && updatedAt <= block.timestamp;
        unchecked {
            age = block.timestamp - updatedAt;
        }
    }

    /// @dev Calls without arguments. Whether there is an answer of at least this length, of which as much is in `words`.
    function _ask(address target, bytes4 selector, uint256[5] memory words, uint256 length)
        private
        view
        returns (bool success)
    {
        assembly ("memory-safe") {
            mstore(0, selector)
            success := staticcall(gas(), target, 0, 4, words, length)
            success := and(success, iszero(lt(returndatasize(), length)))
        }
    }
}
