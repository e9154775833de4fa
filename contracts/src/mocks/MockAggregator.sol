// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";

/// @title A price feed for tests, which anybody sets
/// @dev A round takes one slot of storage, as in the feeds in use.
contract MockAggregator is IAggregatorV3 {
    /* IMMUTABLES */

    /// @inheritdoc IAggregatorV3
    uint8 public immutable decimals;

    /* STORAGE */

    uint80 private round;
    int128 private answer;
    uint40 private updatedAt;

    /* CONSTRUCTOR */

    /// @param decimals_ The number of decimals in answers.
    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    /* SETTING */

    /// @notice Begins a new round.
    /// @param answer_ The answer, with {decimals}.
    /// @param updatedAt_ The time of the answer, in seconds.
    function set(int128 answer_, uint40 updatedAt_) external {
        (round, answer, updatedAt) = (round + 1, answer_, updatedAt_);
    }

    /* VIEWS */

    /// @inheritdoc IAggregatorV3
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (round, answer, updatedAt, updatedAt, round);
    }
}
