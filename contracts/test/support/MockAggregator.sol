// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../../src/interfaces/IAggregatorV3.sol";

/// @notice A price feed that anybody sets. A round takes one slot of storage, as in the feeds in use.
contract MockAggregator is IAggregatorV3 {
    uint8 public immutable decimals;

    uint80 private round;
    int128 private answer;
    uint40 private updatedAt;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function set(int128 answer_, uint40 updatedAt_) external {
        (round, answer, updatedAt) = (round + 1, answer_, updatedAt_);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (round, answer, updatedAt, updatedAt, round);
    }
}
