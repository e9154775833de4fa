// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {SnapshotOracle} from "../src/core/SnapshotOracle.sol";
import {MockAggregator} from "../src/mocks/MockAggregator.sol";
import {Snapshot} from "../src/types/Market.sol";
import {PolicyTest} from "./support/PolicyTest.sol";
import {vm} from "./support/Vm.sol";

/// @notice Does what anybody can do in any order, and remembers the snapshots that there were.
contract SnapshotTaker {
    uint40 private constant EPOCH = 300;

    SnapshotOracle private immutable oracle;
    bytes32 private immutable policy;
    MockAggregator[] private aggregators;

    uint64[] public epochs;
    mapping(uint64 epoch => bytes32 hash) public hashes;
    /// @notice True once a call did what no call should.
    bool public broken;

    constructor(SnapshotOracle oracle_, bytes32 policy_, MockAggregator[] memory aggregators_) {
        (oracle, policy, aggregators) = (oracle_, policy_, aggregators_);
    }

    /// @notice Lets up to three epochs pass.
    function wait(uint256 time) external {
        vm.warp(block.timestamp + time % (3 * EPOCH));
    }

    function report(uint256 feed, uint256 answer) external {
        aggregators[feed % aggregators.length].set(int128(uint128(answer % 1_100e6)), uint40(block.timestamp));
    }

    function take() external {
        try oracle.take(policy) returns (uint64 epoch) {
            broken = broken || hashes[epoch] != 0 || epoch != block.timestamp / EPOCH;
            epochs.push(epoch);
            hashes[epoch] = hashOf(epoch);
        } catch {}
    }

    /// @notice Everything that there is to see of a snapshot.
    function hashOf(uint64 epoch) public view returns (bytes32) {
        (Snapshot memory snapshot,, uint256[2] memory first) = oracle.read(policy, epoch, 0);
        (,, uint256[2] memory second) = oracle.read(policy, epoch, 1);
        return keccak256(abi.encode(snapshot, first, second, oracle.pricesOf(policy, epoch)));
    }

    function count() external view returns (uint256) {
        return epochs.length;
    }
}

/// @notice Properties of snapshots that hold after any calls.
contract SnapshotInvariantsTest is PolicyTest {
    SnapshotTaker private taker;
    bytes32 private policy;

    function setUp() public override {
        super.setUp();
        policy = _inForce(_fed(2, 2));
        taker = new SnapshotTaker(oracle, policy, aggregators);
    }

    /// @notice Tells Forge whom to call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(taker);
    }

    function invariant_epochs_only_grow() external view {
        require(!taker.broken());
        for (uint256 i = 1; i < taker.count(); ++i) {
            require(taker.epochs(i - 1) < taker.epochs(i));
        }
    }

    function invariant_snapshots_never_change() external view {
        uint256 count = taker.count();
        for (uint256 i = count < 2 ? 0 : count - 2; i < count; ++i) {
            require(taker.hashOf(taker.epochs(i)) == taker.hashes(taker.epochs(i)));
        }
    }

    function invariant_the_newest_names_the_one_before() external view {
        uint256 count = taker.count();
        Snapshot memory newest = oracle.latest(policy);
        require(newest.epoch == (count == 0 ? 0 : taker.epochs(count - 1)));
        require(newest.previousEpoch == (count < 2 ? 0 : taker.epochs(count - 2)));
        require(newest.time <= block.timestamp && newest.slack <= MAX_AGE);
    }

    /// @dev Else nothing may have been tested.
    function test_the_taker_takes_snapshots() external {
        for (uint256 i = 0; i < 3; ++i) {
            taker.report(0, 100e6);
            taker.report(1, 100e6);
            taker.take();
            taker.take();
            taker.wait(EPOCH);
        }
        require(taker.count() == 3);
    }
}
