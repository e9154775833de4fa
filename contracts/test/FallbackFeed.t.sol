// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Disagreement, FallbackFeed, Sourced} from "../src/feeds/FallbackFeed.sol";
import {IAggregatorV3} from "../src/interfaces/IAggregatorV3.sol";
import {HostileAggregator} from "./support/HostileAggregator.sol";
import {MockAggregator} from "../src/mocks/MockAggregator.sol";
import {vm} from "./support/Vm.sol";

/// @notice Two feeds of one price, and whatever one of them does.
contract FallbackFeedTest {
    uint32 private constant AGE = 600;
    uint256 private constant DEVIATION = 20_000;

    MockAggregator private primary = new MockAggregator(8);
    MockAggregator private secondary = new MockAggregator(8);
    HostileAggregator private hostile = new HostileAggregator();

    function setUp() external {
        vm.warp(1_800_000_000);
        primary.set(100e8, uint40(block.timestamp - 10));
        secondary.set(101e8, uint40(block.timestamp - 20));
    }

    function test_answers_with_the_primary_while_it_is_fresh() external {
        FallbackFeed feed = _feed(primary, secondary, Disagreement.Refuse);
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        require(answer == 100e8 && updatedAt == block.timestamp - 10 && startedAt == updatedAt);
        require(round == answeredIn && round == updatedAt && feed.decimals() == 8);
    }

    function test_answers_with_the_secondary_where_the_primary_is_stale() external {
        FallbackFeed feed = _feed(primary, secondary, Disagreement.Refuse);
        primary.set(100e8, uint40(block.timestamp - AGE));
        require(_answer(feed) == 100e8, "as old as it may be");
        primary.set(100e8, uint40(block.timestamp - AGE - 1));
        (, int256 answer,, uint256 updatedAt,) = feed.latestRoundData();
        require(answer == 101e8 && updatedAt == block.timestamp - 20);
    }

    function test_rejects_where_neither_is_fresh() external {
        FallbackFeed feed = _feed(primary, secondary, Disagreement.Lower);
        primary.set(100e8, uint40(block.timestamp - AGE - 1));
        secondary.set(101e8, uint40(block.timestamp - 2 * AGE - 1));
        (uint80 round, int256 answer,, uint256 updatedAt,) = feed.latestRoundData();
        require(round == 0 && answer == 0 && updatedAt == 0);
    }

    function test_answers_as_told_where_the_two_differ() external {
        secondary.set(102e8, uint40(block.timestamp - 20));
        require(_answer(_feed(primary, secondary, Disagreement.Refuse)) == 100e8, "as far as they may be");
        secondary.set(102e8 + 1, uint40(block.timestamp - 20));
        require(_answer(_feed(primary, secondary, Disagreement.Refuse)) == 0);
        FallbackFeed lower = _feed(primary, secondary, Disagreement.Lower);
        (, int256 answer,, uint256 updatedAt,) = lower.latestRoundData();
        require(answer == 100e8 && updatedAt == block.timestamp - 20, "as old as the older of the two");
        require(_answer(_feed(primary, secondary, Disagreement.Higher)) == 102e8 + 1);
        require(_answer(_feed(secondary, primary, Disagreement.Higher)) == 102e8 + 1);
        require(_answer(_feed(secondary, primary, Disagreement.Lower)) == 100e8);
    }

    function test_rejects_whatever_a_hostile_primary_does(uint8 manner, bytes calldata words) external {
        FallbackFeed feed = _feed(IAggregatorV3(address(hostile)), secondary, Disagreement.Refuse);
        hostile.answerRound(words);
        hostile.behave(HostileAggregator.Manner(manner % 6));
        // Random bytes are no price of a complete round within ten minutes.
        require(_answer(feed) == 101e8);
    }

    function test_rejects_a_hostile_secondary_beside_a_good_primary(uint8 manner, bytes calldata words) external {
        FallbackFeed feed = _feed(primary, IAggregatorV3(address(hostile)), Disagreement.Refuse);
        hostile.answerRound(words);
        hostile.behave(HostileAggregator.Manner(manner % 6));
        require(_answer(feed) == 100e8);
    }

    function test_rejects_answers_of_any_size_that_differ() external {
        hostile.answerRound(abi.encode(1, uint256(type(int256).max), 1, block.timestamp, 1));
        require(_answer(_feed(primary, IAggregatorV3(address(hostile)), Disagreement.Refuse)) == 0);
    }

    /// @notice Attack: a caller who gives so little gas that the primary seems to fail.
    function test_rejects_calls_with_too_little_gas(uint256 gas) external {
        FallbackFeed feed = _feed(primary, secondary, Disagreement.Refuse);
        gas = 1_000 + gas % 900_000;
        try feed.latestRoundData{gas: gas}() returns (uint80, int256 answer, uint256, uint256, uint80) {
            require(answer == 100e8, "the primary's, or none");
        } catch {}
    }

    function test_rejects_feeds_that_make_no_sense() external {
        _rejects(Sourced(primary, AGE), Sourced(new MockAggregator(6), AGE), DEVIATION);
        _rejects(Sourced(primary, AGE), Sourced(primary, AGE), DEVIATION);
        _rejects(Sourced(primary, 0), Sourced(secondary, AGE), DEVIATION);
        _rejects(Sourced(primary, AGE), Sourced(secondary, 0), DEVIATION);
        _rejects(Sourced(primary, AGE), Sourced(secondary, AGE), 0);
        _rejects(Sourced(primary, AGE), Sourced(secondary, AGE), 1_000_001);
    }

    function _rejects(Sourced memory first, Sourced memory second, uint256 deviation) private {
        vm.expectRevert(abi.encodeWithSelector(FallbackFeed.InvalidFeeds.selector));
        new FallbackFeed(first, second, deviation, Disagreement.Refuse);
    }

    function _feed(IAggregatorV3 first, IAggregatorV3 second, Disagreement disagreement)
        private
        returns (FallbackFeed)
    {
        return new FallbackFeed(Sourced(first, AGE), Sourced(second, 2 * AGE), DEVIATION, disagreement);
    }

    function _answer(FallbackFeed feed) private view returns (int256 answer) {
        (, answer,,,) = feed.latestRoundData();
    }
}
