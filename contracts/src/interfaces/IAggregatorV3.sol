// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title What a price feed offers: the part of Chainlink's interface that is in use here
interface IAggregatorV3 {
    /// @notice The decimals of answers.
    function decimals() external view returns (uint8);

    /// @notice The newest answer. Times are in seconds.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
