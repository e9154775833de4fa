// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Price feeds: the part of Chainlink's interface that the snapshot oracle uses
interface IAggregatorV3 {
    /// @notice The number of decimals in answers.
    function decimals() external view returns (uint8);

    /// @notice The newest answer. Times are in seconds.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
