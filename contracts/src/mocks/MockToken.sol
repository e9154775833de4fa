// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token for tests, of which anybody gets as much as they like
contract MockToken is ERC20 {
    /* IMMUTABLES */

    uint8 private immutable DECIMALS;

    /* CONSTRUCTOR */

    /// @param decimals_ The number of decimals in amounts.
    constructor(uint8 decimals_) ERC20("Mock token", "MOCK") {
        DECIMALS = decimals_;
    }

    /* MINTING */

    /// @notice Mints tokens.
    /// @param to The recipient.
    /// @param amount The amount, with {decimals}.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /* VIEWS */

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return DECIMALS;
    }
}
