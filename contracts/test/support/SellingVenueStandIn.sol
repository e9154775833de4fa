// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ICollateralAuction} from "../../src/interfaces/ICollateralAuction.sol";
import {ICollateralVault} from "../../src/interfaces/ICollateralVault.sol";
import {ISellingVenue} from "../../src/interfaces/ISellingVenue.sol";

/// @notice A venue whose accounts owe what they are told to, and that starts auctions for whoever asks.
contract SellingVenueStandIn is ISellingVenue {
    mapping(address subject => uint256) public owedBy;
    ICollateralVault private immutable VAULT;

    constructor(ICollateralVault vault) {
        VAULT = vault;
    }

    function start(ICollateralAuction auction, address subject, uint256 owed) external {
        owedBy[subject] = owed;
        auction.start(subject);
    }

    function setOwed(address subject, uint256 owed) external {
        owedBy[subject] = owed;
    }

    function deliver(address subject, address token, uint256 amount, address to) external {
        VAULT.seize(subject, token, amount, to);
    }

    function receivePayment(address subject, address from, uint256 amount) external returns (uint256 received) {
        IERC20 quote = ICollateralAuction(msg.sender).QUOTE();
        uint256 balanceBefore = quote.balanceOf(address(this));
        require(quote.transferFrom(from, address(this), amount));
        received = quote.balanceOf(address(this)) - balanceBefore;
        owedBy[subject] -= received;
    }

    function hasExposure(address subject) external view returns (bool) {
        return owedBy[subject] != 0;
    }
}
