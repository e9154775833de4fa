// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Debt, Flag, Position, VenueRules} from "../types/Venue.sol";
import {ICollateralAuction} from "./ICollateralAuction.sol";
import {ISellingVenue} from "./ISellingVenue.sol";

/// @title An example of a venue that relies on attestations
/// @notice Linear positions in one market, against a pool that the owner funds. The example shows the duties of a
/// contract that consumes attestations. It has no funding rates, no fees, no order book, and one position for each
/// account.
///
/// - An account opens a position with a fresh attestation of the initial level, and holds it while it attests to the
///   maintenance level. Debts are owed here; assets may be anywhere. A loss can therefore exceed the collateral in the
///   vault: attestations secure the venue by showing that the account holds enough, not that the venue can reach it.
///   `maxNotional` bounds the venue's exposure to one account. A position enters attestations only if a source states
///   it.
/// - Anybody may flag an account that does not attest, and liquidate it after a grace and a window: for a quarter of an
///   epoch or longer, attesting over a snapshot that was taken after the flag must have been possible. Otherwise the
///   grace could pass between two snapshots that somebody has timed. While attesting is impossible nobody is flagged or
///   liquidated, and in an outage a flag can be removed, so that the grace begins anew.
/// - If the policy has a level that claims a shortfall, and the rules name it, anybody may liquidate at once an account
///   whose shortfall is attested over the newest snapshot: no grace helps an account whose margin is known to be
///   negative. An attestation of sufficiency over the same prices, a deposit, or a newer statement stops that.
/// - The pool sets aside the largest gain that each position can make within the policy's range of prices. Gains are
///   always paid.
/// - The insurance fund pays losses that accounts do not pay. A loss that exceeds the fund is recorded as uncovered,
///   and no position is opened until somebody has paid it. No other account pays for it.
/// - At a venue with an auction, an account owes what it has not paid when its position is liquidated or settled, and
///   its other collateral is sold for that: see {ICollateralAuction}. The loss is absorbed at once all the same, so
///   that none waits for buyers. What comes in pays first what is uncovered, then back to the insurance fund, then the
///   penalty, of which the keeper's share is credited. An account that owes withdraws nothing from the vault and opens
///   no position.
///
/// Amounts are in the quote token's smallest units, and prices must be in the quote token. The notional of a position
/// is |size|·price / 10^(sizeDecimals + decimals of the price − decimals of the quote token). Rounding is against the
/// account: gains and collateral down, losses, penalties and notionals up.
///
/// A position is opened and closed at the newest snapshot, which may be `maxPriceAge` old. Traders who watch the market
/// know more than the snapshot. A real venue fills orders at the first snapshot after them, or charges for the
/// difference.
///
/// In an outage, during a freeze, or at a price that the circuit breaker has marked, nobody opens, closes or is
/// liquidated: an unreliable price is a gift to one side. After `settlementAge` anybody can settle any position, so
/// that no collateral is locked up for ever: at the last unmarked price or, if the last two were marked or the policy
/// was frozen since, at the price at which the position was opened. The contract treats it as an outage, too, if nobody
/// takes snapshots: anybody can, and the pool's owner should.
interface IMarginGatedVenue is ISellingVenue {
    /* EVENTS */

    /// @notice A position was opened.
    event Opened(address indexed subject, int128 size, uint96 price, uint256 notional);
    /// @notice A position was closed. Profit or loss is zero. `seized` is the amount from the vault, and `penalty` the
    /// part of the penalty that was paid.
    event Closed(
        address indexed subject,
        int128 size,
        uint96 price,
        uint256 profit,
        uint256 loss,
        uint256 seized,
        uint256 penalty
    );
    /// @notice An account was flagged because it does not hold the maintenance level.
    event Flagged(address indexed subject, address indexed flagger, uint40 time);
    /// @notice A flag was removed.
    event Unflagged(address indexed subject, address indexed by);
    /// @notice A position was closed by liquidation.
    event Liquidated(address indexed subject, address indexed flagger, address indexed by, uint256 reward);
    /// @notice A position was closed by liquidation, because a shortfall was attested over the prices of `epoch`.
    event LiquidatedShort(address indexed subject, address indexed by, uint64 epoch, uint256 reward);
    /// @notice A position was closed by settlement in an outage.
    event Settled(address indexed subject, address indexed by);
    /// @notice An account did not pay all of its loss. The insurance fund paid a part, and the rest is uncovered.
    event Shortfall(address indexed subject, uint256 shortfall, uint256 paidByInsurance, uint256 uncovered);
    /// @notice An account owes what it has not paid, and its collateral is for sale.
    event Indebted(address indexed subject, uint256 loss, uint256 penalty, address indexed keeper);
    /// @notice An account paid what it owed, or a part: `covered` of the loss to the pool and the rest of the loss to
    /// the insurance fund, and the penalty, less the keeper's `reward`, there, too.
    event Recovered(address indexed subject, uint256 loss, uint256 covered, uint256 penalty, uint256 reward);
    /// @notice An uncovered loss was paid; `uncoveredLoss` remains.
    event LossCovered(address indexed by, uint256 amount, uint256 uncoveredLoss);
    /// @notice An amount was credited, which the account may claim.
    event Credited(address indexed account, uint256 amount);
    /// @notice A credit was paid out.
    event Claimed(address indexed account, address indexed to, uint256 amount);
    /// @notice The owner paid into the pool.
    event Funded(address indexed by, uint256 amount);
    /// @notice The owner took from the pool.
    event Defunded(address indexed to, uint256 amount);
    /// @notice An amount was paid into the insurance fund. {Closed}, {Liquidated} and {LiquidatedShort} report
    /// penalties.
    event Insured(address indexed by, uint256 amount);

    /* ERRORS */

    /// @notice The rule `part` does not fit the other rules, the policy or the vault.
    error InvalidRules(string part);
    /// @notice The notional is zero or exceeds `maxNotional`.
    error InvalidSize(int128 size, uint256 notional);
    /// @notice The amount is zero or exceeds the amount due.
    error InvalidAmount(uint256 amount);
    /// @notice The account owes an amount, for which its collateral is for sale.
    error InDebt(address subject, uint256 owed);
    /// @notice The caller is not the auction.
    error OnlyAuction();
    /// @notice The account has a position already.
    error PositionExists(address subject);
    /// @notice The account has no position.
    error NoPosition(address subject);
    /// @notice The account does not attest to the level.
    error NotSufficient(address subject, uint256 level);
    /// @notice The account attests to the maintenance level.
    error StillSufficient(address subject);
    /// @notice No shortfall of the account counts, or the venue has no level of shortfalls.
    error NotShort(address subject);
    /// @notice The shortfall was attested over the prices of `epoch`, which are not the newest.
    error ShortfallSuperseded(uint64 epoch);
    /// @notice The newest prices are from before the policy was frozen and thawed, and may be what the guardian
    /// distrusted.
    error PriceBeforeFreeze(uint64 epoch);
    /// @notice The attestation registry does not accept attestations now.
    error AttestingNotPossible();
    /// @notice The vault does not heed the venue's exposure: its deployer has not registered the venue.
    error NotConsumer();
    /// @notice The venue has an auction, and is not the vault's venue, which alone can seize.
    error NotVenue();
    /// @notice The newest price is older than `maxPriceAge`.
    error PriceTooOld(uint256 age);
    /// @notice The circuit breaker has marked the newest price.
    error PriceMarked(uint64 epoch);
    /// @notice The newest price is older than the flag.
    error PriceBeforeFlag(uint40 time, uint40 flaggedAt);
    /// @notice The newest price is younger than `settlementAge`.
    error NoOutage(uint256 age);
    /// @notice The account has a flag that stands.
    error AlreadyFlagged(address subject);
    /// @notice The account has no flag, or its flag is void.
    error NotFlagged(address subject);
    /// @notice The grace, or the window after the newest snapshot, ends at `until`.
    error InGrace(uint256 until);
    /// @notice The free part of the pool is too small.
    error PoolTooSmall(uint256 expected, uint256 found);
    /// @notice Uncovered losses must be paid before a position is opened.
    error LossUncovered(uint256 uncoveredLoss);
    /// @notice The account's collateral in the quote token does not pay its loss.
    error LossUnpaid(uint256 shortfall);

    /* POSITIONS */

    /// @notice Opens a position at the newest price.
    /// @param size The amount of the underlying, in 10^-sizeDecimals; negative to go short.
    function open(int128 size) external;
    /// @notice Closes the caller's position at the newest price. The vault must hold enough to pay a loss in full. No
    /// attestation is needed.
    function close() external;
    /// @notice Closes any position after an outage of `settlementAge`: at the last unmarked price or, if the last two
    /// prices were marked or the policy was frozen after them, at the price at which the position was opened.
    function settle(address subject) external;

    /* LIQUIDATION */

    /// @notice Flags an account that could attest to the maintenance level and does not.
    function flag(address subject) external;
    /// @notice Removes a flag if the account holds the maintenance level, if the flag is void, or if there is an
    /// outage.
    function unflag(address subject) external;
    /// @notice Closes the position of an account whose flag stands and whose grace is over, once attesting over a
    /// snapshot after the flag has been possible for a quarter of an epoch.
    function liquidate(address subject) external;
    /// @notice Closes the position of an account whose shortfall is attested over the newest snapshot, at once. The
    /// caller gets the reward.
    function liquidateShort(address subject) external;

    /// @notice Takes what an account owes, or as much of it as there is, from the account's quote tokens in the vault.
    /// An account pays by a deposit and this, at any time and whatever the prices.
    function collect(address subject) external;

    /* FUNDS */

    /// @notice Pays out the caller's credit.
    function claim(address to) external;
    /// @notice Pays into the pool. Owner only.
    function fund(uint256 amount) external;
    /// @notice Takes from the free part of the pool. Owner only.
    function defund(uint256 amount, address to) external;
    /// @notice Pays into the insurance fund.
    function insure(uint256 amount) external;
    /// @notice Pays uncovered losses, into the pool: all of them if `amount` is more.
    function coverLoss(uint256 amount) external;

    /* VIEWS */

    /// @notice The pool: the owner's funds and the losses that were paid, less the gains.
    function pool() external view returns (uint256);
    /// @notice The part of the pool that is set aside for gains.
    function reserved() external view returns (uint256);
    /// @notice The fund that pays losses that accounts do not pay.
    function insurance() external view returns (uint256);
    /// @notice The losses that nobody has paid.
    function uncoveredLoss() external view returns (uint256);
    /// @notice The amount that an account may claim.
    function creditOf(address account) external view returns (uint256);
    /// @notice The position of an account; zeros if there is none.
    function positionOf(address subject) external view returns (Position memory);
    /// @notice What an account owes; zeros if it owes nothing.
    function debtOf(address subject) external view returns (Debt memory);
    /// @notice The auction that sells the collateral of accounts that owe; zero if the venue reaches quote tokens only.
    function AUCTION() external view returns (ICollateralAuction);
    /// @notice The flag of an account; zeros if there is none. `stands` is true if the flag is not void.
    function flagOf(address subject) external view returns (Flag memory found, bool stands);
    /// @notice The rules, fixed at construction.
    function rules() external view returns (VenueRules memory);
}
