// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {AuctionRules, Lot} from "../types/Auction.sol";
import {ICollateralVault} from "./ICollateralVault.sol";
import {IPolicyRegistry} from "./IPolicyRegistry.sol";
import {ISnapshotOracle} from "./ISnapshotOracle.sol";

/// @title Dutch auctions of the collateral of accounts that owe
/// @notice While an account owes the vault's venue, all its collateral in listed tokens is for sale. The collateral
/// stays in the vault and leaves it as it is sold: what is not sold was never taken from its owner, and no token is
/// ever in the auction's keeping. The venue keeps what is owed, and books what is paid.
///
/// The price of a token falls in a straight line, from `start` to `floor` times its snapshot price, over `duration`.
/// Then nobody takes anything before somebody restarts the auction. The snapshot price is the higher one of the newest
/// snapshot and the one before, both within the policy's range of prices: a single snapshot, whoever timed it, makes
/// nothing cheaper, and while the circuit breaker's mark stands nothing is sold below the floor of the price that was
/// there before. A restart needs a snapshot without a mark. While the policy does not count, or the newest prices are
/// old or from before a freeze, nothing is sold at all.
///
/// A fill takes any amount of one token, for a payment of quote tokens that is due in the same call. An amount beyond
/// the collateral, or beyond what is owed, is cut. A fill pays at least `minimum` and leaves nothing owed or at least
/// as much, unless it takes all of the token: nobody would pay the gas for the rest, and each fill ends attestations
/// over the lots before. With data the taker is called after it has the collateral and before it pays. Payments are
/// rounded up and amounts down, so that many fills pay no less than one.
///
/// Prices must be in the quote token. A listed token may take a fee, which its taker bears: what leaves the vault is
/// paid for. It may call sender and recipient, who can enter neither the auction nor the vault. Balances that change by
/// themselves are the vault's affair, whose deployer must not list such tokens: nobody pays for what is not there.
///
/// Multiple of the start, linear decrease, restart after a time, least remainder, limit and call of the taker, and a
/// circuit breaker that stops starts before it stops sales are known from Maker's Liquidations 2.0 (MIP45: `buf`,
/// `tau`, `redo` and `tail`, `chost`, `max`, `clipperCallee`, `stopped`). A discount to the oracle's present price,
/// rather than to the price at the start, is known from Euler's liquidations (white paper of version 1).
interface ICollateralAuction {
    /* EVENTS */

    /// @notice The venue put an account's collateral up for sale.
    event Started(address indexed subject, uint256 owed);
    /// @notice The price begins to fall anew.
    event Restarted(address indexed subject, address indexed by);
    /// @notice Collateral was sold. `payment` was due, and `received` has arrived.
    event Taken(
        address indexed subject,
        address indexed token,
        address indexed by,
        address to,
        uint256 amount,
        uint256 payment,
        uint256 received
    );

    /* ERRORS */

    /// @notice The rule `part` does not fit the other rules, the policy or the vault.
    error InvalidRules(string part);
    /// @notice The token for sale at this index is the quote token, no asset of the vault or listed twice, or its
    /// market has no price or decimals that do not go together.
    error InvalidLot(uint256 index);
    /// @notice The amount is zero, or would be once it is cut.
    error InvalidAmount(uint256 amount);
    /// @notice The token is not for sale.
    error UnknownLot(address token);
    /// @notice The caller is not the vault's venue.
    error OnlyVenue();
    /// @notice The account owes nothing.
    error NothingOwed(address subject);
    /// @notice The price stopped falling at `until`: the auction must be restarted.
    error AuctionOver(uint256 until);
    /// @notice The price falls until `until`, and the auction cannot be restarted before.
    error AuctionRunning(uint256 until);
    /// @notice The payment exceeds the taker's limit for the amount that there is.
    error TooExpensive(uint256 payment, uint256 most);
    /// @notice The fill would pay less than `minimum` or leave less owed, and would leave some of the token.
    error Dust(uint256 payment, uint256 rest);
    /// @notice The policy does not count at this time.
    error PolicyNotInForce(bytes32 policy);
    /// @notice The newest price is older than `maxPriceAge`.
    error PriceTooOld(uint256 age);
    /// @notice The circuit breaker has marked the newest price.
    error PriceMarked(uint64 epoch);
    /// @notice The newest prices are from before the policy was frozen and thawed, and may be what the guardian
    /// distrusted.
    error PriceBeforeFreeze(uint64 epoch);

    /* AUCTIONS */

    /// @notice Puts the collateral of an account that owes up for sale: now, or once it is restarted if nothing may be
    /// sold now. Venue only.
    function start(address subject) external;

    /// @notice Has the price fall anew, once it has fallen to the floor.
    function restart(address subject) external;

    /// @notice Takes collateral of an account that owes. The caller pays for it, and has approved the payment to the
    /// vault's venue.
    /// @param subject The account.
    /// @param token The token to take.
    /// @param amount The most to take, in the token's smallest units.
    /// @param mostPayment The most to pay for all of the amount, in the quote token's smallest units. If less is taken,
    /// the most is less in proportion: {offerOf} says what there is.
    /// @param to The recipient of the collateral.
    /// @param data Empty, or what the caller is called with: see {IAuctionTaker}.
    /// @return taken The amount that has left the vault.
    /// @return payment The payment.
    function take(
        address subject,
        address token,
        uint256 amount,
        uint256 mostPayment,
        address to,
        bytes calldata data
    ) external returns (uint256 taken, uint256 payment);

    /* VIEWS */

    /// @notice The amount that {take} would take now, and the payment for it. Reverts as {take} does.
    function offerOf(address subject, address token, uint256 amount)
        external
        view
        returns (uint256 taken, uint256 payment);

    /// @notice The time at which the price of an account's collateral last began to fall, in seconds; zero if it never
    /// did, or waits for a restart.
    function startedAt(address subject) external view returns (uint256);

    /// @notice The rules, fixed at construction.
    function rules() external view returns (AuctionRules memory);

    /// @notice The tokens for sale, fixed at construction.
    function lots() external view returns (Lot[] memory);

    /// @notice The policy registry.
    function POLICY_REGISTRY() external view returns (IPolicyRegistry);

    /// @notice The snapshot oracle.
    function ORACLE() external view returns (ISnapshotOracle);

    /// @notice The vault whose venue sells.
    function VAULT() external view returns (ICollateralVault);

    /// @notice The token in which takers pay: an asset of the vault.
    function QUOTE() external view returns (IERC20Metadata);
}
