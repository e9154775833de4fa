// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {AuctionHandler} from "./support/AuctionHandler.sol";

/// @notice Properties of the example venue with an auction that hold after any calls.
contract CollateralAuctionInvariantsTest {
    AuctionHandler private handler;

    function setUp() external {
        handler = new AuctionHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: full.invariant.runs = 250
    /// forge-config: default.invariant.depth = 100
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_auctions_conserve_tokens_and_hide_no_loss() external view {
        _requireAll();
    }

    /// @notice The same after every step of random sequences in which accounts fall into debt again and again.
    /// forge-config: default.fuzz.runs = 64
    /// forge-config: full.fuzz.runs = 500
    function testFuzz_sequences_of_sales(uint256 seed) external {
        for (uint256 i = 0; i < 60; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            (uint256 who, uint256 amount, uint256 step) = ((seed >> 8) % 3, seed >> 32, seed % 26);
            if (step < 2) handler.deposit(who, true, amount % 20e6);
            else if (step < 4) handler.deposit(who, false, amount);
            else if (step == 4) handler.withdraw(who, amount % 2 == 0, amount);
            else if (step < 8) handler.open(who, int128(uint128(amount % 20e18)) - 10e18);
            else if (step < 11) handler.liquidate(who);
            else if (step == 11) handler.settle(who);
            else if (step < 15) handler.take(who, amount);
            else if (step < 17) handler.takeByFlash(who, amount);
            else if (step == 17) handler.collect(who);
            else if (step == 18) handler.restart(who);
            else if (step == 19) handler.insure(amount);
            else if (step == 20) handler.coverLoss(amount);
            else if (step == 21) handler.claim();
            else if (step < 25) handler.move(amount % 20 minutes, 1_500e8 + uint96(amount % 800e8), amount >> 128);
            else handler.pass(amount % 1 hours);
            _requireAll();
        }
    }

    /// @notice Every function of the handler does something: else the rest would show nothing.
    function test_the_handler_of_auctions_reaches_everything() external {
        handler.deposit(0, false, 2e18);
        handler.open(0, 9e18);
        handler.insure(50e6);
        handler.move(1 minutes, 1_800e8, 1);
        handler.liquidate(0);
        require(handler.done("liquidate") == 1);
        handler.withdraw(0, false, 1e18);
        require(handler.done("withdraw") == 0, "withdrawn though it owes");
        handler.open(0, 1e18);
        require(handler.done("open") == 1, "opened though it owes");
        handler.take(0, 2e17);
        handler.coverLoss(10e6);
        handler.deposit(0, true, 100e6);
        handler.collect(0);
        handler.pass(1 hours + 1);
        handler.take(0, 1e17);
        require(handler.done("take") == 1, "the auction is over");
        handler.restart(0);
        handler.takeByFlash(0, 3e18);
        handler.claim();
        handler.withdraw(0, false, 1e17);
        handler.move(1 minutes, 1_800e8, 1);
        handler.open(1, 1e18);
        handler.pass(4 hours + 1);
        handler.settle(1);
        bytes32[10] memory names = [
            bytes32("withdraw"),
            "open",
            "liquidate",
            "settle",
            "take",
            "takeByFlash",
            "collect",
            "restart",
            "coverLoss",
            "claim"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            require(handler.done(names[i]) > 0);
        }
        _requireAll();
    }

    function _requireAll() private view {
        handler.requireConserved();
        handler.requireNoSilentLoss();
        handler.requireHeld();
    }
}
