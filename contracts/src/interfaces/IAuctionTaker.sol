// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title A contract that pays for collateral out of the collateral
interface IAuctionTaker {
    /// @notice Called on whoever calls {ICollateralAuction.take} with data, between delivery and payment. Afterwards
    /// the contract must have the payment and have approved it to the vault's venue. Accept calls only from the
    /// auction, and only while you take: anybody may name you as the recipient.
    /// @param subject The account whose collateral was taken.
    /// @param token The token that was taken.
    /// @param amount The amount that has left the vault.
    /// @param payment The payment due, in the quote token's smallest units.
    /// @param data The data of the call to {ICollateralAuction.take}.
    function onCollateralTaken(address subject, address token, uint256 amount, uint256 payment, bytes calldata data)
        external;
}
