// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {SequencerFeed} from "../src/feeds/SequencerFeed.sol";
import {IAggregatorV3} from "../src/interfaces/IAggregatorV3.sol";
import {MockAggregator} from "../src/mocks/MockAggregator.sol";
import {vm} from "./support/Vm.sol";

/// @notice A feed that does not answer while the chain's sequencer is down, nor right after.
contract SequencerFeedTest {
    uint256 private constant GRACE = 1 hours;

    MockAggregator private inner = new MockAggregator(8);
    MockAggregator private uptime = new MockAggregator(0);
    SequencerFeed private feed;

    function setUp() external {
        vm.warp(1_800_000_000);
        inner.set(100e8, uint40(block.timestamp - 10));
        uptime.set(0, uint40(block.timestamp - GRACE));
        feed = new SequencerFeed(inner, uptime, GRACE);
    }

    function test_answers_as_the_feed_does_while_the_sequencer_is_up() external view {
        (uint80 round, int256 answer,, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        require(answer == 100e8 && updatedAt == block.timestamp - 10 && round == answeredIn && feed.decimals() == 8);
    }

    function test_rejects_prices_while_the_sequencer_is_down() external {
        uptime.set(1, uint40(block.timestamp - 1 days));
        require(_answer() == 0);
    }

    function test_rejects_prices_right_after_the_sequencer_is_up() external {
        uptime.set(0, uint40(block.timestamp - GRACE + 1));
        require(_answer() == 0);
        vm.warp(block.timestamp + 1);
        require(_answer() == 100e8);
    }

    function test_rejects_a_status_that_was_never_told_or_is_of_the_future() external {
        uptime.set(0, 0);
        require(_answer() == 0);
        uptime.set(0, uint40(block.timestamp + 1));
        require(_answer() == 0);
    }

    function test_rejects_feeds_that_make_no_sense() external {
        _rejects(uptime, 0);
        _rejects(uptime, 1 days + 1);
        _rejects(IAggregatorV3(address(0x1234)), GRACE);
    }

    function _rejects(IAggregatorV3 status, uint256 grace) private {
        vm.expectRevert(abi.encodeWithSelector(SequencerFeed.InvalidFeed.selector));
        new SequencerFeed(inner, status, grace);
    }

    function _answer() private view returns (int256 answer) {
        (, answer,,,) = feed.latestRoundData();
    }
}
