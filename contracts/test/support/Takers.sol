// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAuctionTaker} from "../../src/interfaces/IAuctionTaker.sol";
import {ICollateralAuction} from "../../src/interfaces/ICollateralAuction.sol";
import {MockToken} from "../../src/mocks/MockToken.sol";
import {Caller} from "./Tokens.sol";

/// @notice An exchange that pays a fixed price for a token, in a quote token that it has.
contract Exchange {
    MockToken private immutable TOKEN;
    MockToken private immutable QUOTE;
    uint256 private immutable PRICE;

    /// @param price What a whole of 10^18 costs, in the quote token's smallest units.
    constructor(MockToken token, MockToken quote, uint256 price) {
        (TOKEN, QUOTE, PRICE) = (token, quote, price);
    }

    function sell(uint256 amount) external {
        require(TOKEN.transferFrom(msg.sender, address(this), amount));
        require(QUOTE.transfer(msg.sender, amount * PRICE / 1e18));
    }
}

/// @notice A taker without money: it sells what it takes, and pays out of that.
contract FlashTaker is IAuctionTaker {
    ICollateralAuction private immutable AUCTION;
    Exchange private immutable EXCHANGE;
    bool private isTaking;

    constructor(ICollateralAuction auction, Exchange exchange) {
        (AUCTION, EXCHANGE) = (auction, exchange);
    }

    function take(address subject, address token, uint256 amount) external {
        isTaking = true;
        AUCTION.take(subject, token, amount, type(uint256).max, address(this), "sell");
        isTaking = false;
    }

    function onCollateralTaken(address, address token, uint256 amount, uint256 payment, bytes calldata) external {
        require(msg.sender == address(AUCTION) && isTaking);
        MockToken(token).approve(address(EXCHANGE), amount);
        EXCHANGE.sell(amount);
        MockToken(address(AUCTION.QUOTE())).approve(address(AUCTION.VAULT().venue()), payment);
    }
}

/// @notice A taker that calls what its data says once it has the collateral, as itself, and keeps what happened.
contract HostileTaker is IAuctionTaker, Caller {
    bool public succeeded;
    bytes public answer;

    function onCollateralTaken(address, address, uint256, uint256, bytes calldata data) external {
        (address target, bytes memory call) = abi.decode(data, (address, bytes));
        (succeeded, answer) = target.call(call);
    }
}
