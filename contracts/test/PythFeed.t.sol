// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {PythFeed} from "../src/feeds/PythFeed.sol";
import {PythSnapshots} from "../src/feeds/PythSnapshots.sol";
import {IPyth} from "../src/interfaces/IPyth.sol";
import {ISnapshotOracle} from "../src/interfaces/ISnapshotOracle.sol";
import {FeedReader} from "../src/libraries/FeedReader.sol";
import {Feed} from "../src/types/Market.sol";
import {Publication} from "../src/types/Policy.sol";
import {PolicyTest} from "./support/PolicyTest.sol";
import {PythStandIn} from "./support/PythStandIn.sol";
import {vm} from "./support/Vm.sol";

/// @notice Prices of Pyth, by themselves and in snapshots.
contract PythFeedTest is PolicyTest {
    bytes32 private constant ID = keccak256("BTC/USD");
    uint256 private constant WIDEST = 10_000;
    uint256 private constant OLDEST = 30;

    PythStandIn private pyth = new PythStandIn();
    PythFeed private feed = new PythFeed(pyth, ID, 8, WIDEST, OLDEST);

    /// @dev Takes what is left of a fee.
    receive() external payable {}

    function test_answers_with_the_price_at_its_decimals() external {
        pyth.set(ID, 6_000_000_000_000, 1_000, -8, block.timestamp - 5);
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        require(answer == 60_000e8 && startedAt == updatedAt && updatedAt == block.timestamp - 5);
        require(round == answeredIn && round == updatedAt);
        pyth.set(ID, 60_000, 1, 0, block.timestamp);
        require(_answer() == 60_000e8);
        pyth.set(ID, 6_000_012_345_678_999, 1, -11, block.timestamp);
        require(_answer() == 6_000_012_345_678, "rounded down");
    }

    function test_rejects_prices_that_are_too_uncertain() external {
        pyth.set(ID, 1_000_000, 10_000, -2, block.timestamp);
        require(_answer() == 1_000_000e6, "as wide as it may be");
        pyth.set(ID, 1_000_000, 10_001, -2, block.timestamp);
        require(_answer() == 0);
    }

    /// @notice Attack: bring the best of the prices that the policy's age allows.
    function test_rejects_prices_that_are_older_than_seconds() external {
        pyth.set(ID, 1e8, 0, -8, block.timestamp - OLDEST);
        require(_answer() == 1e8, "as old as it may be");
        pyth.set(ID, 1e8, 0, -8, block.timestamp - OLDEST - 1);
        require(_answer() == 0);
    }

    function test_rejects_prices_that_are_none(int64 price, int32 expo) external {
        pyth.set(ID, price > 0 ? -price : price, 0, expo, block.timestamp);
        (bool isGood,,) = _read();
        require(!isGood);
    }

    function test_rejects_prices_that_do_not_fit(int32 expo) external {
        pyth.set(ID, 1, 0, expo, block.timestamp);
        (bool isGood, uint256 answer,) = _read();
        bool fits = expo >= -8 && expo <= 30;
        require(isGood == fits && (!fits || answer == 10 ** uint256(int256(expo) + 8)));
    }

    function test_rejects_prices_of_the_future_and_of_no_time() external {
        pyth.set(ID, 1e8, 0, -8, block.timestamp + 1);
        (bool isGood,,) = _read();
        require(!isGood);
        pyth.set(ID, 1e8, 0, -8, uint256(type(uint80).max) + 1);
        (isGood,,) = _read();
        require(!isGood);
    }

    function test_rejects_feeds_that_make_no_sense() external {
        uint256[5] memory widest = [uint256(0), 1_000_001, 1, 1, 1];
        uint8[5] memory decimals = [8, 8, 19, 8, 8];
        uint256[5] memory oldest = [uint256(1), 1, 1, 0, 3_601];
        for (uint256 i = 0; i < 5; ++i) {
            vm.expectRevert(abi.encodeWithSelector(PythFeed.InvalidFeed.selector));
            new PythFeed(pyth, ID, decimals[i], widest[i], oldest[i]);
        }
    }

    function test_brings_prices_and_takes_the_snapshot() external {
        PythSnapshots snapshots = new PythSnapshots(pyth, oracle);
        bytes32 policy = _inForce(_drawnFromPyth());
        bytes[] memory updates = new bytes[](1);
        updates[0] = abi.encode(ID, IPyth.Price({price: 200e8, conf: 1, expo: -8, publishTime: block.timestamp}));
        vm.deal(address(this), 10);
        vm.expectRevert(abi.encodeWithSelector(PythSnapshots.FeeTooSmall.selector, 1, 0));
        snapshots.take(policy, updates);
        uint64 epoch = snapshots.take{value: 5}(policy, updates);
        require(oracle.pricesOf(policy, epoch)[0] == 200e8);
        require(address(this).balance == 9 && address(snapshots).balance == 0, "the rest comes back");
    }

    function test_rejects_a_sender_that_does_not_take_the_rest() external {
        PythSnapshots snapshots = new PythSnapshots(pyth, oracle);
        bytes32 policy = _inForce(_drawnFromPyth());
        pyth.set(ID, 200e8, 1, -8, block.timestamp);
        // The oracle has no function that takes coins.
        vm.deal(address(oracle), 3);
        vm.prank(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(PythSnapshots.NotReturned.selector, 3));
        snapshots.take{value: 3}(policy, new bytes[](0));
    }

    function test_rejects_snapshots_at_uncertain_prices() external {
        bytes32 policy = _inForce(_drawnFromPyth());
        pyth.set(ID, 200e8, 3e8, -8, block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.BadAnswer.selector, 0));
        oracle.take(policy);
    }

    function _drawnFromPyth() private returns (Publication memory publication) {
        publication = _fed(1, 1);
        pyth.set(ID, 200e8, 1, -8, block.timestamp);
        (publication.feeds[0].aggregator, publication.feeds[0].aggregatorDecimals) = (address(feed), 8);
    }

    function _answer() private view returns (int256 answer) {
        (, answer,,,) = feed.latestRoundData();
    }

    function _read() private view returns (bool, uint256, uint256) {
        Feed memory read;
        (read.aggregator, read.aggregatorDecimals) = (address(feed), 8);
        return FeedReader.read(read);
    }
}
