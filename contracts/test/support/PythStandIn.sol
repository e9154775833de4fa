// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IPyth} from "../../src/interfaces/IPyth.sol";

/// @notice Pyth, where anybody publishes: an update is a price with its identifier, and costs a wei.
contract PythStandIn is IPyth {
    mapping(bytes32 id => Price) private prices;

    /// @inheritdoc IPyth
    function getPriceUnsafe(bytes32 id) external view returns (Price memory price) {
        price = prices[id];
        require(price.publishTime != 0, "unknown");
    }

    /// @inheritdoc IPyth
    function getUpdateFee(bytes[] calldata updates) external pure returns (uint256 fee) {
        return updates.length;
    }

    /// @inheritdoc IPyth
    function updatePriceFeeds(bytes[] calldata updates) external payable {
        require(msg.value == updates.length, "fee");
        for (uint256 i = 0; i < updates.length; ++i) {
            (bytes32 id, Price memory price) = abi.decode(updates[i], (bytes32, Price));
            prices[id] = price;
        }
    }

    function set(bytes32 id, int64 price, uint64 conf, int32 expo, uint256 publishTime) external {
        prices[id] = Price({price: price, conf: conf, expo: expo, publishTime: publishTime});
    }
}
