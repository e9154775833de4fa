// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {VaultHandler} from "./support/VaultHandler.sol";

/// @notice Properties of the vault that hold after any calls.
contract CollateralVaultInvariantsTest {
    VaultHandler private handler;

    function setUp() external {
        handler = new VaultHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: full.invariant.runs = 250
    /// forge-config: default.invariant.depth = 100
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_what_attestations_count_is_there() external view {
        _requireAll();
    }

    /// @notice The same after every step of a random sequence.
    /// forge-config: default.fuzz.runs = 64
    /// forge-config: full.fuzz.runs = 500
    function testFuzz_sequences(uint256 seed) external {
        for (uint256 i = 0; i < 40; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            (uint256 who, uint256 what, uint256 amount) = ((seed >> 8) % 2, (seed >> 16) % 3, seed >> 32);
            uint256 step = seed % 13;
            if (step == 0) handler.deposit(who, what, amount);
            else if (step == 1) handler.depositFor(who, amount, what, amount);
            else if (step == 2) handler.accept(who, what);
            else if (step == 3) handler.requestWithdrawal(who, what, amount);
            else if (step == 4) handler.cancelWithdrawal(who, what);
            else if (step == 5) handler.withdraw(who, what);
            else if (step == 6) handler.seize(who, what, amount);
            else if (step == 7) handler.vouch(who, amount, amount >> 8);
            else if (step == 8) handler.setExposure(who, amount % 3 != 0);
            else if (step == 9) handler.setOtherExposure(who, amount % 3 != 0);
            else if (step == 10) handler.vouchShort(who, amount);
            else if (step == 11) handler.setHold(who, amount % 4 == 0);
            else handler.pass(amount);
            _requireAll();
        }
    }

    /// @notice Every function of the handler does something: else the rest would show nothing.
    function test_the_handler_reaches_everything() external {
        handler.deposit(0, 0, 999);
        handler.depositFor(1, 0, 1, 500);
        handler.accept(0, 1);
        handler.requestWithdrawal(0, 0, 300);
        handler.cancelWithdrawal(0, 0);
        handler.requestWithdrawal(0, 0, 300);
        handler.setExposure(0, true);
        handler.setOtherExposure(0, true);
        handler.withdraw(0, 0);
        require(handler.done("withdraw") == 0);
        handler.vouchShort(0, 1 hours);
        handler.vouch(0, 2, 1 hours);
        handler.withdraw(0, 0);
        require(handler.done("withdraw") == 0);
        handler.vouch(0, 2, 1 hours + 1);
        handler.setHold(0, true);
        handler.withdraw(0, 0);
        require(handler.done("withdraw") == 0);
        handler.setHold(0, false);
        handler.withdraw(0, 0);
        handler.seize(0, 0, 299);
        bytes32[10] memory names = [
            bytes32("deposit"),
            "depositFor",
            "accept",
            "requestWithdrawal",
            "cancelWithdrawal",
            "withdraw",
            "seize",
            "setHold",
            "vouch",
            "vouchShort"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            require(handler.done(names[i]) > 0);
        }
    }

    function _requireAll() private view {
        handler.requireBacked();
        handler.requireCommitted();
        handler.requireAttestationsBacked();
    }
}
