// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ISecuredVenue} from "./ISecuredVenue.sol";

/// @title A vault's venue, as an auction that sells collateral for it sees the venue
/// @notice The venue keeps what accounts owe, and holds back their withdrawals meanwhile. Amounts owed and paid are in
/// the quote token's smallest units.
interface ISellingVenue is ISecuredVenue {
    /// @notice The amount that the subject owes.
    function owedBy(address subject) external view returns (uint256);

    /// @notice Seizes collateral of the subject for a taker. Auction only, in which a payment follows.
    function deliver(address subject, address token, uint256 amount, address to) external;

    /// @notice Takes quote tokens from a taker, and books what arrives. Auction only.
    /// @param from The taker, who has approved the amount to the venue.
    /// @param amount The payment: no more than the subject owes.
    /// @return received The amount that has arrived.
    function receivePayment(address subject, address from, uint256 amount) external returns (uint256 received);
}
