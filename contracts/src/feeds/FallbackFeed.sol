// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";
import {PPM} from "../libraries/Constants.sol";
import {FeedReader} from "../libraries/FeedReader.sol";
import {Feed} from "../types/Market.sol";

/// @notice The answer where two fresh prices are too far apart.
enum Disagreement {
    /// @notice None: the snapshot is refused.
    Refuse,
    /// @notice The lower price: for what accounts mostly hold.
    Lower,
    /// @notice The higher price: for what accounts mostly owe.
    Higher
}

/// @notice A feed and the largest age of its answers, in seconds.
struct Sourced {
    IAggregatorV3 aggregator;
    uint32 maxAge;
}

/// @title Two feeds of one price, of which one stands in for the other
/// @notice The answer is the primary's while it is fresh; else the secondary's while that is. If both are fresh and
/// differ by more than `maxDeviation`, `disagreement` says what the answer is. If neither is fresh there is none: the
/// answer is zero, which no snapshot takes.
///
/// Whatever a feed does, it can only fail to answer: it reverts, answers nonsense, or uses up the gas that it is given.
/// Whoever calls cannot have it fail by giving too little: then nothing is answered at all.
contract FallbackFeed is IAggregatorV3 {
    /// @notice The feed that is asked first.
    IAggregatorV3 public immutable PRIMARY;
    /// @notice The feed that stands in for it.
    IAggregatorV3 public immutable SECONDARY;
    /// @notice The largest age of the primary's answers, in seconds.
    uint256 public immutable PRIMARY_MAX_AGE;
    /// @notice The largest age of the secondary's answers, in seconds.
    uint256 public immutable SECONDARY_MAX_AGE;
    /// @notice The largest difference of two fresh answers, as a share of the lower one in parts per million.
    uint256 public immutable MAX_DEVIATION;
    /// @notice The answer where they differ by more.
    Disagreement public immutable DISAGREEMENT;
    /// @inheritdoc IAggregatorV3
    uint8 public immutable decimals;

    /// @notice The gas that a feed may use: about ten times what Chainlink's take.
    uint256 public constant FEED_GAS = 300_000;

    /// @notice The feeds have different decimals, one is listed twice, an age is zero, or the deviation is none.
    error InvalidFeeds();
    /// @notice The call was given too little gas to ask both feeds.
    error TooLittleGas(uint256 found);

    constructor(Sourced memory primary, Sourced memory secondary, uint256 maxDeviation, Disagreement disagreement) {
        uint8 decimals_ = primary.aggregator.decimals();
        bool isTwo = address(primary.aggregator) != address(secondary.aggregator);
        bool isValid = isTwo && decimals_ == secondary.aggregator.decimals() && primary.maxAge != 0
            && secondary.maxAge != 0 && maxDeviation != 0 && maxDeviation <= PPM;
        if (!isValid) revert InvalidFeeds();
        (PRIMARY, SECONDARY, decimals) = (primary.aggregator, secondary.aggregator, decimals_);
        (PRIMARY_MAX_AGE, SECONDARY_MAX_AGE) = (primary.maxAge, secondary.maxAge);
        (MAX_DEVIATION, DISAGREEMENT) = (maxDeviation, disagreement);
    }

    /// @inheritdoc IAggregatorV3
    /// @dev The round is the time of the answer: rounds of two feeds cannot be compared.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        (uint256 first, uint256 firstAge) = _fresh(PRIMARY, PRIMARY_MAX_AGE);
        (uint256 second, uint256 secondAge) = _fresh(SECONDARY, SECONDARY_MAX_AGE);
        (uint256 price, uint256 age) = first != 0 ? (first, firstAge) : (second, secondAge);
        if (first != 0 && second != 0 && _deviates(first, second)) {
            // The older of the two says how old the choice is.
            age = firstAge > secondAge ? firstAge : secondAge;
            if (DISAGREEMENT == Disagreement.Refuse) price = 0;
            else price = (first < second) == (DISAGREEMENT == Disagreement.Lower) ? first : second;
        }
        if (price == 0) return (0, 0, 0, 0, 0);
        updatedAt = block.timestamp - age;
        (roundId, answer, startedAt, answeredInRound) =
            (uint80(updatedAt), int256(price), updatedAt, uint80(updatedAt));
    }

    /// @notice The answer of one feed, as {FeedReader} reads it. Called by this contract with bounded gas.
    function read(IAggregatorV3 aggregator) external view returns (bool isGood, uint256 answer, uint256 age) {
        Feed memory feed;
        (feed.aggregator, feed.aggregatorDecimals) = (address(aggregator), decimals);
        return FeedReader.read(feed);
    }

    /// @dev The answer of a feed and its age; zeros if it has none that is fresh.
    function _fresh(IAggregatorV3 aggregator, uint256 maxAge) private view returns (uint256, uint256) {
        // A sixty-fourth stays with the caller; so much must be there for the whole of the bound to be passed on.
        if (gasleft() < FEED_GAS + FEED_GAS / 32) revert TooLittleGas(gasleft());
        try this.read{gas: FEED_GAS}(aggregator) returns (bool isGood, uint256 answer, uint256 age) {
            return isGood && age <= maxAge ? (answer, age) : (0, 0);
        } catch {
            return (0, 0);
        }
    }

    /// @dev Answers are below 2^255, and a share of them may not be: each side is divided first where it would not fit.
    function _deviates(uint256 a, uint256 b) private view returns (bool) {
        (uint256 low, uint256 high) = a < b ? (a, b) : (b, a);
        uint256 difference = high - low;
        if (high > type(uint256).max / PPM) return difference / PPM > low / PPM * MAX_DEVIATION / PPM;
        return difference * PPM > low * MAX_DEVIATION;
    }
}
