// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Flag, Position, VenueRules} from "../types/Venue.sol";
import {ISecuredVenue} from "./ISecuredVenue.sol";

/// @title An example of a venue that relies on attestations
/// @notice Linear positions in one market, against a pool that the owner funds. An example: no funding rates, no fees, no
/// order book, one position for each account. It shows what a consumer of attestations has to think of.
///
/// - An account opens a position only with a fresh attestation of the initial level, and holds it as long as it attests to
///   the maintenance level. What it owes stays here; what it owns may be anywhere. So a loss can exceed the collateral in
///   the vault: what secures the venue is that the account holds enough, not that it is at hand. `maxNotional` bounds what
///   the venue trusts one account with. A position counts in attestations only if a source states it.
/// - Who does not attest is flagged, by anybody, and liquidated after a grace. Nobody is flagged or liquidated while
///   attesting is not possible, and a flag can be removed then, so that the grace begins anew.
/// - The pool sets aside the most that a position can gain within the policy's range of prices. Gains are always paid.
/// - Losses that an account does not pay fall on the insurance fund. What that cannot pay is written down, for everybody to
///   see, and no position is opened until somebody has paid it. No other account pays for it.
///
/// Amounts are in the smallest units of the quote token, whose unit must be what prices are in. The notional of a position
/// is |size|·price / 10^(sizeDecimals + decimals of the price − decimals of the quote token). Rounding is against the
/// account: gains and collateral down, losses, penalties and notionals up.
///
/// A position is opened and closed at the newest snapshot, which may be `maxPriceAge` old. Who watches the market knows
/// more than it says. A real venue fills orders at the first snapshot after them, or charges for the difference.
///
/// In an outage, a freeze, or at a price that the circuit breaker has marked, nobody opens, closes or is liquidated: a price
/// that nobody vouches for is a gift to one side. Should it last for `settlementAge`, anybody can settle any position at the
/// last price, so that collateral is not locked up for ever. For the contract it is an outage too if nobody takes a snapshot:
/// anybody can, and the pool's owner should.
interface IMarginGatedVenue is ISecuredVenue {
    /// @notice A position has been opened.
    event Opened(address indexed subject, int128 size, uint96 price, uint256 notional);
    /// @notice A position is closed. Of profit and loss one is zero; `seized` is what the vault has paid, and `penalty` what
    /// has been paid of the penalty.
    event Closed(
        address indexed subject,
        int128 size,
        uint96 price,
        uint256 profit,
        uint256 loss,
        uint256 seized,
        uint256 penalty
    );
    /// @notice An account does not hold the maintenance level.
    event Flagged(address indexed subject, address indexed flagger, uint40 time);
    /// @notice A flag has been removed.
    event Unflagged(address indexed subject, address indexed by);
    /// @notice The position that is closed has been liquidated.
    event Liquidated(address indexed subject, address indexed flagger, address indexed by, uint256 reward);
    /// @notice The position that is closed has been settled in an outage.
    event Settled(address indexed subject, address indexed by);
    /// @notice An account has not paid all of its loss.
    event Shortfall(address indexed subject, uint256 shortfall, uint256 paidByInsurance, uint256 uncovered);
    /// @notice Somebody has paid what the insurance fund could not.
    event LossCovered(address indexed by, uint256 amount, uint256 uncoveredLoss);
    /// @notice Somebody may claim an amount.
    event Credited(address indexed account, uint256 amount);
    /// @notice Somebody has claimed what was credited.
    event Claimed(address indexed account, address indexed to, uint256 amount);
    /// @notice The owner has funded the pool.
    event Funded(address indexed by, uint256 amount);
    /// @notice The owner has taken from the pool.
    event Defunded(address indexed to, uint256 amount);
    /// @notice Somebody has paid into the insurance fund. Penalties are in {Closed} and {Liquidated}.
    event Insured(address indexed by, uint256 amount);

    /// @notice A rule of the venue does not go with the others, the policy or the vault. `part` is its name.
    error InvalidRules(string part);
    /// @notice A position has a size, and a price that gives it a notional of at most `maxNotional`.
    error InvalidSize(int128 size, uint256 notional);
    /// @notice Nothing is too little, or it is more than there is to be paid.
    error InvalidAmount(uint256 amount);
    /// @notice There is a position.
    error PositionExists(address subject);
    /// @notice There is no position.
    error NoPosition(address subject);
    /// @notice The account does not attest to the level.
    error NotSufficient(address subject, uint256 level);
    /// @notice The account does attest to the maintenance level.
    error StillSufficient(address subject);
    /// @notice Attestations are not accepted now.
    error AttestingNotPossible();
    /// @notice The newest price is too old.
    error PriceTooOld(uint256 age);
    /// @notice The circuit breaker has marked the newest price.
    error PriceMarked(uint64 epoch);
    /// @notice The newest price is from before the flag.
    error PriceBeforeFlag(uint40 time, uint40 flaggedAt);
    /// @notice The newest price is not old enough.
    error NoOutage(uint256 age);
    /// @notice There is a flag that stands.
    error AlreadyFlagged(address subject);
    /// @notice There is no flag, or it is void.
    error NotFlagged(address subject);
    /// @notice The grace is not over.
    error InGrace(uint256 until);
    /// @notice There is not so much in the pool that is not set aside.
    error PoolTooSmall(uint256 expected, uint256 found);
    /// @notice Losses must be paid before anything is opened.
    error LossUncovered(uint256 uncoveredLoss);
    /// @notice The account's collateral in the quote token does not pay its loss.
    error LossUnpaid(uint256 shortfall);

    /// @notice Opens a position at the newest price.
    /// @param size How much of the underlying; negative to go short.
    function open(int128 size) external;
    /// @notice Closes the caller's position at the newest price. A loss must be paid in full, with what is in the vault, and
    /// no attestation is needed.
    function close() external;
    /// @notice Marks an account that does not hold the maintenance level, though it could.
    function flag(address subject) external;
    /// @notice Removes the flag of an account that holds the maintenance level, or has attested since; and any flag while
    /// attestations are not accepted.
    function unflag(address subject) external;
    /// @notice Closes the position of an account that was flagged and has not attested since.
    function liquidate(address subject) external;
    /// @notice Closes a position at the last price that is not marked, after a long outage.
    function settle(address subject) external;
    /// @notice Pays out what is credited to the caller.
    function claim(address to) external;

    /// @notice Puts more into the pool. Owner only.
    function fund(uint256 amount) external;
    /// @notice Takes from the pool what is not set aside. Owner only.
    function defund(uint256 amount, address to) external;
    /// @notice Pays into the insurance fund.
    function insure(uint256 amount) external;
    /// @notice Pays for losses that nobody has paid, into the pool.
    function coverLoss(uint256 amount) external;

    /// @notice What the owner has at stake, with losses that were paid.
    function pool() external view returns (uint256);
    /// @notice What is set aside of the pool for gains.
    function reserved() external view returns (uint256);
    /// @notice What pays for losses that accounts do not pay.
    function insurance() external view returns (uint256);
    /// @notice Losses that nobody has paid.
    function uncoveredLoss() external view returns (uint256);
    /// @notice What an account may claim.
    function creditOf(address account) external view returns (uint256);
    /// @notice The position of an account; zeros if there is none.
    function positionOf(address subject) external view returns (Position memory);
    /// @notice The flag of an account, and whether it stands; zeros if there is none.
    function flagOf(address subject) external view returns (Flag memory found, bool stands);
    /// @notice The rules.
    function rules() external view returns (VenueRules memory);
}
