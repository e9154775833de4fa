// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {VenueHandler} from "./support/VenueHandler.sol";

/// @notice Properties of the example venue's books that hold after any calls.
contract MarginGatedVenueInvariantsTest {
    VenueHandler private handler;

    function setUp() external {
        handler = new VenueHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: full.invariant.runs = 250
    /// forge-config: default.invariant.depth = 100
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_tokens_are_conserved_and_no_loss_is_silent() external view {
        handler.requireConserved();
        handler.requireNoSilentLoss();
    }

    /// @notice Every function of the handler does something, shortfalls included: else the rest would show nothing.
    function test_the_handler_reaches_everything() external {
        handler.deposit(0, 100e6);
        handler.vouch(0, 1, 30 minutes);
        handler.open(0, 10e18);
        handler.move(0, 1_000e8, 1);
        handler.close(0);
        require(handler.done("close") == 0, "a loss that is not paid");
        handler.move(35 minutes, 1_000e8, 1);
        handler.flag(0);
        handler.vouch(0, 1, 0);
        handler.unflag(0);
        handler.move(1 minutes, 1_000e8, 1);
        handler.flag(0);
        handler.insure(50e6);
        handler.move(35 minutes, 1_000e8, 1);
        handler.pass(75);
        handler.liquidate(0);
        require(handler.done("shortfall") == 1);
        handler.coverLoss();
        handler.vouch(0, 1, 30 minutes);
        handler.open(0, 1e18);
        handler.move(1, 9_000e8, 1);
        handler.close(0);
        handler.claim(0);
        handler.deposit(1, 500e6);
        handler.withdraw(1, 500e6);
        handler.vouch(1, 1, 30 minutes);
        handler.open(1, -1e18);
        handler.pass(4 hours + 1);
        handler.settle(1);
        handler.move(1, 2_000e8, 1);
        handler.vouch(2, 1, 30 minutes);
        handler.open(2, 1e18);
        handler.vouchShort(2, 30 minutes);
        handler.liquidateShort(2);
        require(handler.done("liquidateShort") == 0, "it holds over the same prices");
        handler.move(1 minutes, 1_900e8, 1);
        handler.liquidateShort(2);
        require(handler.done("liquidateShort") == 0, "it is short over older prices");
        handler.vouchShort(2, 30 minutes);
        handler.liquidateShort(2);
        require(handler.done("liquidateShort") == 1 && handler.done("shortfall") == 2);
        bytes32[9] memory names = [
            bytes32("withdraw"), "open", "close", "flag", "unflag", "liquidate", "liquidateShort", "settle", "coverLoss"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            require(handler.done(names[i]) > 0);
        }
        handler.requireConserved();
        handler.requireNoSilentLoss();
    }
}
