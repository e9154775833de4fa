// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";

/// @title A feed on a chain with one sequencer
/// @notice While the sequencer is down, and for a grace after it is up again, there is no answer: it is zero, which no
/// snapshot takes. Otherwise those who reach the chain without the sequencer would act at prices that nobody else could
/// answer. Source: <https://docs.chain.link/data-feeds/l2-sequencer-feeds>.
contract SequencerFeed is IAggregatorV3 {
    /// @notice The feed.
    IAggregatorV3 public immutable FEED;
    /// @notice The feed that says whether the sequencer is up: zero if it is, and since when.
    IAggregatorV3 public immutable UPTIME;
    /// @notice The time after the sequencer is up again in which there is no answer, in seconds.
    uint256 public immutable GRACE;
    /// @inheritdoc IAggregatorV3
    uint8 public immutable decimals;

    /// @notice The grace is zero or more than a day, or a feed is no contract.
    error InvalidFeed();

    constructor(IAggregatorV3 feed, IAggregatorV3 uptime, uint256 grace) {
        if (grace == 0 || grace > 1 days || address(uptime).code.length == 0) revert InvalidFeed();
        (FEED, UPTIME, GRACE, decimals) = (feed, uptime, grace, feed.decimals());
    }

    /// @inheritdoc IAggregatorV3
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        (, int256 status, uint256 since,,) = UPTIME.latestRoundData();
        // A feed that was never told of a status says zero, at time zero.
        bool isUp = status == 0 && since != 0 && since <= block.timestamp && block.timestamp - since >= GRACE;
        if (isUp) return FEED.latestRoundData();
    }
}
