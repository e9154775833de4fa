// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IAuctionTaker} from "../interfaces/IAuctionTaker.sol";
import {ICollateralAuction} from "../interfaces/ICollateralAuction.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {ISellingVenue} from "../interfaces/ISellingVenue.sol";
import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";
import {PPM} from "../libraries/Constants.sol";
import {AuctionRules, Lot} from "../types/Auction.sol";
import {Asset} from "../types/Collateral.sol";
import {Feed, MarketRules, Snapshot} from "../types/Market.sol";

/// @title The collateral auction
/// @dev The auction has prices and times. Tokens are in the vault, and amounts owed in its venue. The vault's venue is
/// set once, so that this names it without knowing it at construction.
contract CollateralAuction is ICollateralAuction, ERC165, ReentrancyGuardTransient {
    /* TYPES */

    /// @dev How a token is priced: amount·price / 10^exponent is in the quote token's smallest units.
    struct Pricing {
        bool isListed;
        uint8 market;
        uint8 exponent;
    }

    /* CONSTANTS */

    /// @dev Keeps 10^exponent times a whole in parts per million below 2^256.
    uint256 private constant _MAX_EXPONENT = 71;

    /* IMMUTABLES */

    /// @inheritdoc ICollateralAuction
    IPolicyRegistry public immutable POLICY_REGISTRY;
    /// @inheritdoc ICollateralAuction
    ISnapshotOracle public immutable ORACLE;
    /// @inheritdoc ICollateralAuction
    ICollateralVault public immutable VAULT;
    /// @inheritdoc ICollateralAuction
    IERC20Metadata public immutable QUOTE;

    /* STORAGE */

    /// @inheritdoc ICollateralAuction
    mapping(address subject => uint256) public startedAt;

    AuctionRules private _rules;
    Lot[] private _lots;
    mapping(address token => Pricing) private _pricings;

    /* CONSTRUCTOR */

    /// @param policyRegistry The policy registry that `oracle` uses.
    /// @param oracle The snapshot oracle.
    /// @param vault The vault whose venue sells.
    /// @param quote The token in which takers pay.
    /// @param rules_ The rules of auctions.
    /// @param list The tokens for sale.
    constructor(
        IPolicyRegistry policyRegistry,
        ISnapshotOracle oracle,
        ICollateralVault vault,
        IERC20Metadata quote,
        AuctionRules memory rules_,
        Lot[] memory list
    ) {
        (POLICY_REGISTRY, ORACLE, VAULT, QUOTE, _rules) = (policyRegistry, oracle, vault, quote, rules_);
        MarketRules memory market = policyRegistry.marketRules(rules_.policy);
        if (rules_.start < PPM) revert InvalidRules("start");
        if (rules_.floor == 0 || rules_.floor > PPM) revert InvalidRules("floor");
        // Old prices stop sales and not the clock: each share would otherwise be on offer in an outage alone.
        if (rules_.duration < 2 * uint256(market.epochLength)) revert InvalidRules("duration");
        // Otherwise what is left of a debt could be less than anything costs.
        if (rules_.minimum == 0) revert InvalidRules("minimum");
        // Otherwise nothing could be sold for a part of each epoch, however soon its snapshot is taken.
        if (rules_.maxPriceAge < market.epochLength / 2) revert InvalidRules("maxPriceAge");
        if (!_isAsset(vault, address(quote))) revert InvalidRules("quote");
        for (uint256 i = 0; i < list.length; ++i) {
            if (!_isAsset(vault, list[i].token) || list[i].market >= market.feeds.length) revert InvalidLot(i);
            _list(i, list[i], market.feeds[list[i].market], quote);
        }
    }

    /* AUCTIONS */

    /// @inheritdoc ICollateralAuction
    function start(address subject) external {
        if (msg.sender != address(VAULT.venue())) revert OnlyVenue();
        // Without a price nothing can be sold: a restart begins the auction, once there is one.
        startedAt[subject] = _refusal(_latest()) == bytes4(0) ? block.timestamp : 0;
        emit Started(subject, _owedBy(subject));
    }

    /// @inheritdoc ICollateralAuction
    function restart(address subject) external {
        _owedBy(subject);
        uint256 until = _startOf(subject) + _rules.duration;
        if (block.timestamp <= until) revert AuctionRunning(until);
        Snapshot memory newest = _newest();
        if (newest.marked) revert PriceMarked(newest.epoch);
        startedAt[subject] = block.timestamp;
        emit Restarted(subject, msg.sender);
    }

    /// @inheritdoc ICollateralAuction
    function take(address subject, address token, uint256 amount, uint256 mostPayment, address to, bytes calldata data)
        external
        nonReentrant
        returns (uint256 taken, uint256 payment)
    {
        (taken, payment) = offerOf(subject, token, amount);
        uint256 most = Math.mulDiv(mostPayment, taken, amount);
        if (payment > most) revert TooExpensive(payment, most);

        ISellingVenue venue = _venue();
        venue.deliver(subject, token, taken, to);
        if (data.length != 0) IAuctionTaker(msg.sender).onCollateralTaken(subject, token, taken, payment, data);
        uint256 received = venue.receivePayment(subject, msg.sender, payment);
        emit Taken(subject, token, msg.sender, to, taken, payment, received);
    }

    /* VIEWS */

    /// @inheritdoc ICollateralAuction
    function offerOf(address subject, address token, uint256 amount)
        public
        view
        returns (uint256 taken, uint256 payment)
    {
        uint256 owed = _owedBy(subject);
        (uint256 price, uint256 divisor) = _priceOf(subject, token);
        (uint256 counted, uint256 waiting,) = VAULT.balanceOf(subject, token);
        taken = Math.min(amount, counted + waiting);
        payment = Math.mulDiv(taken, price, divisor, Math.Rounding.Ceil);
        if (payment > owed) (taken, payment) = (Math.mulDiv(owed, divisor, price), owed);
        if (taken == 0) revert InvalidAmount(0);
        uint256 rest = owed - payment;
        bool isPart = rest != 0 && taken < counted + waiting;
        if (isPart && Math.min(payment, rest) < _rules.minimum) revert Dust(payment, rest);
    }

    /// @inheritdoc ICollateralAuction
    function rules() external view returns (AuctionRules memory) {
        return _rules;
    }

    /// @inheritdoc ICollateralAuction
    function lots() external view returns (Lot[] memory) {
        return _lots;
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(ICollateralAuction).interfaceId || super.supportsInterface(interfaceId);
    }

    /* PRIVATE */

    /// @dev Lists a token for sale. `index` is that of the lot in the constructor's list.
    function _list(uint256 index, Lot memory lot, Feed memory feed, IERC20Metadata quote) private {
        if (lot.token == address(quote) || _pricings[lot.token].isListed) revert InvalidLot(index);
        uint256 decimals = uint256(IERC20Metadata(lot.token).decimals()) + feed.decimals;
        uint256 quoteDecimals = quote.decimals();
        if (decimals < quoteDecimals || decimals - quoteDecimals > _MAX_EXPONENT) revert InvalidLot(index);
        uint8 exponent = uint8(decimals - quoteDecimals);
        _pricings[lot.token] = Pricing({isListed: true, market: lot.market, exponent: exponent});
        _lots.push(lot);
    }

    function _venue() private view returns (ISellingVenue) {
        return ISellingVenue(address(VAULT.venue()));
    }

    function _owedBy(address subject) private view returns (uint256 owed) {
        owed = _venue().owedBy(subject);
        if (owed == 0) revert NothingOwed(subject);
    }

    /// @dev The share of the price, in parts per million and rounded up, at which an account's collateral is for sale.
    function _shareOf(address subject) private view returns (uint256) {
        (uint256 first, uint256 last, uint256 duration) = (_rules.start, _rules.floor, _rules.duration);
        uint256 began = _startOf(subject);
        uint256 elapsed = block.timestamp - began;
        if (elapsed > duration) revert AuctionOver(began + duration);
        return first - (first - last) * elapsed / duration;
    }

    /// @dev The time at which an auction began; zero if it did before the policy was frozen, when it ended.
    function _startOf(address subject) private view returns (uint256 began) {
        began = startedAt[subject];
        if (began < POLICY_REGISTRY.countsFrom(_rules.policy)) began = 0;
    }

    /// @dev The higher one of the newest price and the one before, times the share of the price at which the account's
    /// collateral is for sale: an amount of the token costs amount·price / divisor. The price is below 2^96·2^32.
    function _priceOf(address subject, address token) private view returns (uint256 price, uint256 divisor) {
        Pricing memory pricing = _pricings[token];
        if (!pricing.isListed) revert UnknownLot(token);
        bytes32 policy = _rules.policy;
        Snapshot memory newest = _newest();
        uint256 share = _shareOf(subject);
        price = ORACLE.pricesOf(policy, newest.epoch)[pricing.market];
        if (newest.previousEpoch != 0) {
            price = Math.max(price, ORACLE.pricesOf(policy, newest.previousEpoch)[pricing.market]);
        }
        (price, divisor) = (price * share, 10 ** uint256(pricing.exponent) * PPM);
    }

    function _latest() private view returns (Snapshot memory) {
        return ORACLE.latest(_rules.policy);
    }

    /// @dev The newest snapshot, if anything may be sold at its prices.
    function _newest() private view returns (Snapshot memory newest) {
        newest = _latest();
        bytes4 refusal = _refusal(newest);
        if (refusal == PolicyNotInForce.selector) revert PolicyNotInForce(_rules.policy);
        if (refusal == PriceTooOld.selector) revert PriceTooOld(block.timestamp - newest.time);
        if (refusal == PriceBeforeFreeze.selector) revert PriceBeforeFreeze(newest.epoch);
    }

    /// @dev The selector of the error with which sales at a snapshot's prices are refused; zero if they are not.
    function _refusal(Snapshot memory newest) private view returns (bytes4) {
        bytes32 policy = _rules.policy;
        if (!POLICY_REGISTRY.isInForce(policy)) return PolicyNotInForce.selector;
        if (block.timestamp - newest.time > _rules.maxPriceAge) return PriceTooOld.selector;
        if (newest.time < POLICY_REGISTRY.countsFrom(policy)) return PriceBeforeFreeze.selector;
        return bytes4(0);
    }

    function _isAsset(ICollateralVault vault, address token) private view returns (bool) {
        Asset[] memory list = vault.assets();
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i].token == token) return true;
        }
        return false;
    }
}
