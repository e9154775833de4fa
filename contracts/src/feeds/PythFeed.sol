// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";
import {IPyth} from "../interfaces/IPyth.sol";
import {PPM} from "../libraries/Constants.sol";

/// @title A price of Pyth as an aggregator
/// @notice The answer is Pyth's price, rounded towards zero to {decimals}. A price whose confidence interval is wider
/// than `maxConfidence` is no answer: it is zero, which no snapshot takes. So is one that does not fit, and whatever
/// Pyth does instead of answering.
///
/// Prices are brought by whoever wants a snapshot: see {PythSnapshots}.
contract PythFeed is IAggregatorV3 {
    /// @notice Pyth's contract.
    IPyth public immutable PYTH;
    /// @notice The price's identifier.
    bytes32 public immutable ID;
    /// @notice The largest width of the confidence interval, to one side, as a share of the price in parts per million.
    uint256 public immutable MAX_CONFIDENCE;
    /// @notice The largest age of an answer, in seconds. Whoever brings prices may choose among those of this time, so
    /// it is a few seconds, whatever age a policy allows.
    uint256 public immutable MAX_AGE;
    /// @inheritdoc IAggregatorV3
    uint8 public immutable decimals;

    /// @dev Powers of ten that a product with 64 bits has room for.
    int256 private constant _MOST_PLACES = 38;

    /// @notice The confidence is zero or more than one, the age zero or more than an hour, or there are more than 18
    /// decimals.
    error InvalidFeed();

    constructor(IPyth pyth, bytes32 id, uint8 decimals_, uint256 maxConfidence, uint256 maxAge) {
        if (maxConfidence == 0 || maxConfidence > PPM || decimals_ > 18) revert InvalidFeed();
        if (maxAge == 0 || maxAge > 1 hours) revert InvalidFeed();
        (PYTH, ID, decimals, MAX_CONFIDENCE, MAX_AGE) = (pyth, id, decimals_, maxConfidence, maxAge);
    }

    /// @inheritdoc IAggregatorV3
    /// @dev The round is the time of publication, so that rounds go up with time.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        IPyth.Price memory found = PYTH.getPriceUnsafe(ID);
        // A price of the future is for whoever reads to refuse.
        bool isFresh = found.publishTime > block.timestamp || block.timestamp - found.publishTime <= MAX_AGE;
        if (!isFresh || found.publishTime > type(uint80).max) return (0, 0, 0, 0, 0);
        (roundId, answeredInRound) = (uint80(found.publishTime), uint80(found.publishTime));
        (startedAt, updatedAt) = (found.publishTime, found.publishTime);
        answer = _isPrecise(found) ? _scaled(found) : int256(0);
    }

    function _isPrecise(IPyth.Price memory found) private view returns (bool) {
        return found.price > 0 && uint256(found.conf) * PPM <= uint256(uint64(found.price)) * MAX_CONFIDENCE;
    }

    function _scaled(IPyth.Price memory found) private view returns (int256) {
        int256 places = int256(found.expo) + int256(uint256(decimals));
        if (places > _MOST_PLACES || places < -_MOST_PLACES) return 0;
        if (places >= 0) return int256(found.price) * int256(10 ** uint256(places));
        return int256(found.price) / int256(10 ** uint256(-places));
    }
}
