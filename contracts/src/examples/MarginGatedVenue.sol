// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {ICollateralAuction} from "../interfaces/ICollateralAuction.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IMarginGatedVenue} from "../interfaces/IMarginGatedVenue.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {ISecuredVenue} from "../interfaces/ISecuredVenue.sol";
import {ISellingVenue} from "../interfaces/ISellingVenue.sol";
import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";
import {PPM} from "../libraries/Constants.sol";
import {Record} from "../types/Attestation.sol";
import {Asset} from "../types/Collateral.sol";
import {Feed, Snapshot} from "../types/Market.sol";
import {Terms} from "../types/Policy.sol";
import {Debt, Flag, Position, VenueRules} from "../types/Venue.sol";

/// @title An example of a venue that relies on attestations
/// @dev The venue's quote tokens are in the pool, in the insurance fund or credited to an account. Payments go by
/// credit, because a token that refuses a recipient must not stop a liquidation.
contract MarginGatedVenue is IMarginGatedVenue, Ownable2Step, ReentrancyGuardTransient {
    using SafeERC20 for IERC20Metadata;

    /* IMMUTABLES */

    /// @notice The attestation registry.
    IAttestationRegistry public immutable ATTESTATION_REGISTRY;
    /// @notice The policy registry.
    IPolicyRegistry public immutable POLICY_REGISTRY;
    /// @notice The snapshot oracle.
    ISnapshotOracle public immutable ORACLE;
    /// @notice The collateral vault.
    ICollateralVault public immutable VAULT;
    /// @notice The token in which gains and losses are paid: an asset of the vault.
    IERC20Metadata public immutable QUOTE;
    /// @inheritdoc IMarginGatedVenue
    ICollateralAuction public immutable AUCTION;

    /// @dev The divisor of size·price, a power of ten.
    uint256 private immutable _SCALE;
    /// @dev The range of the market's price in the policy, with the decimals of the policy.
    uint96 private immutable _MIN_PRICE;
    uint96 private immutable _MAX_PRICE;
    /// @dev The number of the policy's levels that claim sufficiency.
    uint256 private immutable _SUFFICIENT;
    /// @dev The length of the policy's epochs, in seconds.
    uint256 private immutable _EPOCH_LENGTH;

    /* STORAGE */

    /// @inheritdoc IMarginGatedVenue
    uint256 public pool;
    /// @inheritdoc IMarginGatedVenue
    uint256 public reserved;
    /// @inheritdoc IMarginGatedVenue
    uint256 public insurance;
    /// @inheritdoc IMarginGatedVenue
    uint256 public uncoveredLoss;
    /// @inheritdoc IMarginGatedVenue
    mapping(address account => uint256) public creditOf;

    VenueRules private _rules;
    mapping(address subject => Position) private _positions;
    mapping(address subject => Flag) private _flags;
    mapping(address subject => Debt) private _debts;

    /* MODIFIERS */

    modifier onlyAuction() {
        if (msg.sender != address(AUCTION)) revert OnlyAuction();
        _;
    }

    /* CONSTRUCTOR */

    /// @param owner The account that funds the pool.
    /// @param attestationRegistry The attestation registry.
    /// @param policyRegistry The policy registry that `attestationRegistry` uses.
    /// @param oracle The snapshot oracle that `attestationRegistry` uses.
    /// @param vault The collateral vault.
    /// @param quote The token in which gains and losses are paid.
    /// @param auction The auction of the vault's collateral for the quote token; zero if there is none.
    /// @param rules_ The rules of the venue.
    constructor(
        address owner,
        IAttestationRegistry attestationRegistry,
        IPolicyRegistry policyRegistry,
        ISnapshotOracle oracle,
        ICollateralVault vault,
        IERC20Metadata quote,
        ICollateralAuction auction,
        VenueRules memory rules_
    ) Ownable(owner) {
        (ATTESTATION_REGISTRY, POLICY_REGISTRY, ORACLE, VAULT, QUOTE, AUCTION, _rules) =
        (attestationRegistry, policyRegistry, oracle, vault, quote, auction, rules_);

        // An attestation under another policy does not depend on the vault.
        Terms memory terms = policyRegistry.terms(rules_.policy);
        if (terms.vault.at != address(vault)) revert InvalidRules("policy");
        if (!_isAsset(vault, address(quote))) revert InvalidRules("quote");
        if (address(auction) != address(0)) {
            bool isFit = address(auction.VAULT()) == address(vault) && address(auction.QUOTE()) == address(quote)
                && auction.rules().policy == rules_.policy && address(auction.ORACLE()) == address(oracle)
                && address(auction.POLICY_REGISTRY()) == address(policyRegistry);
            if (!isFit) revert InvalidRules("auction");
        }

        _SUFFICIENT = terms.sufficient;
        if (rules_.initialLevel >= _SUFFICIENT) revert InvalidRules("initialLevel");
        if (rules_.maintenanceLevel > rules_.initialLevel) revert InvalidRules("maintenanceLevel");
        // Collateral that leaves the vault must leave an account that could be held here.
        if (rules_.maintenanceLevel > terms.vault.level) revert InvalidRules("maintenanceLevel");
        bool claimsShortfall = _SUFFICIENT <= rules_.shortfallLevel && rules_.shortfallLevel < terms.levels.length;
        if (rules_.shortfallLevel != 0 && !claimsShortfall) revert InvalidRules("shortfallLevel");
        if (rules_.holdingAge < terms.vault.maxAge) revert InvalidRules("holdingAge");
        if (rules_.grace == 0) revert InvalidRules("grace");
        if (rules_.settlementAge <= rules_.maxPriceAge) revert InvalidRules("settlementAge");
        if (rules_.penalty > PPM) revert InvalidRules("penalty");
        if (rules_.reward > PPM) revert InvalidRules("reward");

        _EPOCH_LENGTH = policyRegistry.marketRules(rules_.policy).epochLength;
        // Otherwise prices would be too old by the time that an account has had its window.
        if (rules_.maxPriceAge < _EPOCH_LENGTH / 2) revert InvalidRules("maxPriceAge");
        // Nor does an attestation count for longer than the policy says.
        if (terms.validity < _EPOCH_LENGTH / 2) revert InvalidRules("policy");
        Feed[] memory feeds = policyRegistry.marketRules(rules_.policy).feeds;
        if (rules_.market >= feeds.length) revert InvalidRules("market");
        Feed memory feed = feeds[rules_.market];
        (_MIN_PRICE, _MAX_PRICE) = (feed.min, feed.max);
        uint256 decimals = uint256(rules_.sizeDecimals) + feed.decimals;
        // The largest power of ten below 2^256 is 10^77.
        if (decimals < quote.decimals() || decimals - quote.decimals() > 77) revert InvalidRules("sizeDecimals");
        _SCALE = 10 ** (decimals - quote.decimals());
    }

    /* POSITIONS */

    /// @inheritdoc IMarginGatedVenue
    function open(int128 size) external nonReentrant {
        if (uncoveredLoss != 0) revert LossUncovered(uncoveredLoss);
        // Otherwise collateral could leave the vault as soon as the position is open.
        if (!VAULT.isConsumer(address(this), _rules.policy)) revert NotConsumer();
        if (_sells() && address(VAULT.venue()) != address(this)) revert NotVenue();
        if (owedBy(msg.sender) != 0) revert InDebt(msg.sender, owedBy(msg.sender));
        if (_positions[msg.sender].size != 0) revert PositionExists(msg.sender);
        if (!_attests(msg.sender, _rules.initialLevel, _rules.openingAge)) {
            revert NotSufficient(msg.sender, _rules.initialLevel);
        }
        (, uint96 price) = _tradingPrice();
        uint256 notional = _share(size, price, PPM);
        if (notional == 0 || notional > _rules.maxNotional) revert InvalidSize(size, notional);
        Position memory position = Position({size: size, price: price});
        uint256 mostGain = _mostGain(position);
        if (mostGain > pool - reserved) revert PoolTooSmall(mostGain, pool - reserved);
        reserved += mostGain;
        _positions[msg.sender] = position;
        emit Opened(msg.sender, size, price, notional);
    }

    /// @inheritdoc IMarginGatedVenue
    function close() external nonReentrant {
        Position memory position = _existing(msg.sender);
        (, uint96 price) = _tradingPrice();
        (uint256 shortfall,) = _close(msg.sender, position, price, 0);
        if (shortfall != 0) revert LossUnpaid(shortfall);
    }

    /// @inheritdoc IMarginGatedVenue
    function settle(address subject) external nonReentrant {
        Position memory position = _existing(subject);
        Snapshot memory snapshot = ORACLE.latest(_rules.policy);
        uint256 age = block.timestamp - snapshot.time;
        if (age < _rules.settlementAge) revert NoOutage(age);
        (uint256 shortfall,) = _close(subject, position, _settlementPrice(snapshot, position.price), 0);
        _indebt(subject, shortfall, 0, address(0));
        emit Settled(subject, msg.sender);
    }

    /* LIQUIDATION */

    /// @inheritdoc IMarginGatedVenue
    function flag(address subject) external nonReentrant {
        _existing(subject);
        if (_stands(subject)) revert AlreadyFlagged(subject);
        if (!ATTESTATION_REGISTRY.acceptsAttestations(_rules.policy)) revert AttestingNotPossible();
        if (_holds(subject)) revert StillSufficient(subject);
        uint40 time = uint40(block.timestamp);
        _flags[subject] = Flag({flagger: msg.sender, time: time, attested: _attested(subject)});
        emit Flagged(subject, msg.sender, time);
    }

    /// @inheritdoc IMarginGatedVenue
    function unflag(address subject) external nonReentrant {
        if (_flags[subject].time == 0) revert NotFlagged(subject);
        if (_stands(subject) && !_holds(subject) && !_isOutage()) {
            revert NotSufficient(subject, _rules.maintenanceLevel);
        }
        delete _flags[subject];
        emit Unflagged(subject, msg.sender);
    }

    /// @inheritdoc IMarginGatedVenue
    function liquidate(address subject) external nonReentrant {
        Position memory position = _existing(subject);
        if (!_stands(subject)) revert NotFlagged(subject);
        if (_holds(subject)) revert StillSufficient(subject);
        (Snapshot memory snapshot, uint96 price) = _tradingPrice();
        Flag memory found = _flags[subject];
        // After a freeze of the policy every account has the grace again.
        uint256 graceEnds = Math.max(found.time, POLICY_REGISTRY.countsFrom(_rules.policy)) + _rules.grace;
        if (block.timestamp < graceEnds) revert InGrace(graceEnds);
        if (snapshot.time < found.time) revert PriceBeforeFlag(snapshot.time, found.time);
        // Over this snapshot attesting has been possible ever since it was taken.
        uint256 windowEnds = uint256(snapshot.time) + _EPOCH_LENGTH / 4;
        if (block.timestamp < windowEnds) revert InGrace(windowEnds);

        uint256 reward = _liquidate(subject, position, price, found.flagger);
        emit Liquidated(subject, found.flagger, msg.sender, reward);
    }

    /// @inheritdoc IMarginGatedVenue
    function liquidateShort(address subject) external nonReentrant {
        Position memory position = _existing(subject);
        (Snapshot memory snapshot, uint96 price) = _tradingPrice();
        (bytes32 policy, uint256 level) = (_rules.policy, _rules.shortfallLevel);
        // The guardian may have distrusted prices from before a freeze.
        if (snapshot.time < POLICY_REGISTRY.countsFrom(policy)) revert PriceBeforeFreeze(snapshot.epoch);
        // Of a venue without such a level this is false, as the first level claims sufficiency.
        if (!ATTESTATION_REGISTRY.isShortNoOlderThan(subject, policy, level, _rules.maxPriceAge)) {
            revert NotShort(subject);
        }
        // The position is closed at the prices at which the margin is negative.
        uint64 epoch = ATTESTATION_REGISTRY.recordOf(subject, policy, level).epoch;
        if (epoch != snapshot.epoch) revert ShortfallSuperseded(epoch);
        uint256 reward = _liquidate(subject, position, price, msg.sender);
        emit LiquidatedShort(subject, msg.sender, epoch, reward);
    }

    /// @inheritdoc IMarginGatedVenue
    function collect(address subject) external nonReentrant {
        uint256 received = _seize(subject, owedBy(subject));
        if (received == 0) revert InvalidAmount(0);
        _recover(subject, received);
    }

    /// @inheritdoc ISellingVenue
    function deliver(address subject, address token, uint256 amount, address to) external onlyAuction nonReentrant {
        VAULT.seize(subject, token, amount, to);
    }

    /// @inheritdoc ISellingVenue
    function receivePayment(address subject, address from, uint256 amount)
        external
        onlyAuction
        nonReentrant
        returns (uint256 received)
    {
        // Since the amount was computed the taker may have had quote tokens of the account collected.
        if (amount > owedBy(subject)) revert InvalidAmount(amount);
        received = _receive(from, amount);
        _recover(subject, received);
    }

    /* FUNDS */

    /// @inheritdoc IMarginGatedVenue
    function claim(address to) external nonReentrant {
        uint256 amount = creditOf[msg.sender];
        if (amount == 0) revert InvalidAmount(0);
        creditOf[msg.sender] = 0;
        emit Claimed(msg.sender, to, amount);
        QUOTE.safeTransfer(to, amount);
    }

    /// @inheritdoc IMarginGatedVenue
    function fund(uint256 amount) external onlyOwner nonReentrant {
        uint256 received = _receive(msg.sender, amount);
        pool += received;
        emit Funded(msg.sender, received);
    }

    /// @inheritdoc IMarginGatedVenue
    function defund(uint256 amount, address to) external onlyOwner nonReentrant {
        if (amount > pool - reserved) revert PoolTooSmall(amount, pool - reserved);
        pool -= amount;
        emit Defunded(to, amount);
        QUOTE.safeTransfer(to, amount);
    }

    /// @inheritdoc IMarginGatedVenue
    function insure(uint256 amount) external nonReentrant {
        uint256 received = _receive(msg.sender, amount);
        insurance += received;
        emit Insured(msg.sender, received);
    }

    /// @inheritdoc IMarginGatedVenue
    function coverLoss(uint256 amount) external nonReentrant {
        // Whoever owes may pay a part in between.
        uint256 received = _receive(msg.sender, Math.min(amount, uncoveredLoss));
        uncoveredLoss -= received;
        pool += received;
        emit LossCovered(msg.sender, received, uncoveredLoss);
    }

    /* VIEWS */

    /// @inheritdoc ISecuredVenue
    function hasExposure(address subject) external view returns (bool) {
        return _positions[subject].size != 0 || owedBy(subject) != 0;
    }

    /// @inheritdoc ISellingVenue
    function owedBy(address subject) public view returns (uint256) {
        Debt storage debt = _debts[subject];
        return uint256(debt.loss) + debt.penalty;
    }

    /// @inheritdoc IMarginGatedVenue
    function debtOf(address subject) external view returns (Debt memory) {
        return _debts[subject];
    }

    /// @inheritdoc IMarginGatedVenue
    function positionOf(address subject) external view returns (Position memory) {
        return _positions[subject];
    }

    /// @inheritdoc IMarginGatedVenue
    function flagOf(address subject) external view returns (Flag memory found, bool stands) {
        return (_flags[subject], _stands(subject));
    }

    /// @inheritdoc IMarginGatedVenue
    function rules() external view returns (VenueRules memory) {
        return _rules;
    }

    /* PRIVATE: SETTLING ACCOUNTS */

    /// @dev Closes a position. A gain is credited. A loss, and then the penalty, is collected as far as the collateral
    /// goes; the rest of the loss falls on the insurance fund. Rewards come only out of penalties that were paid:
    /// otherwise an account without collateral could have itself flagged and live on the insurance fund.
    /// @return shortfall The part of the loss that the account did not pay.
    /// @return paidPenalty The part of the penalty that the account paid, which is in the insurance fund.
    function _close(address subject, Position memory position, uint96 price, uint256 penalty)
        private
        returns (uint256 shortfall, uint256 paidPenalty)
    {
        reserved -= _mostGain(position);
        delete _positions[subject];
        delete _flags[subject];

        (uint256 profit, uint256 loss) = _result(position, price);
        paidPenalty = Math.min(profit, penalty);
        pool -= profit;
        _credit(subject, profit - paidPenalty);

        uint256 seized = _seize(subject, loss + penalty - paidPenalty);
        uint256 paidLoss = Math.min(seized, loss);
        paidPenalty += seized - paidLoss;
        pool += paidLoss;
        insurance += paidPenalty;
        shortfall = loss - paidLoss;
        emit Closed(subject, position.size, price, profit, loss, seized, paidPenalty);
        if (shortfall != 0) _absorb(subject, shortfall);
    }

    /// @dev Closes a position against the account's will, and rewards who has brought that about.
    function _liquidate(address subject, Position memory position, uint96 price, address by)
        private
        returns (uint256 reward)
    {
        uint256 penalty = _share(position.size, price, _rules.penalty);
        (uint256 shortfall, uint256 paidPenalty) = _close(subject, position, price, penalty);
        reward = paidPenalty * _rules.reward / PPM;
        insurance -= reward;
        _credit(by, reward);
        _indebt(subject, shortfall, penalty - paidPenalty, by);
    }

    /// @dev Has an account owe what it has not paid. It owed nothing when it opened the position, so that no earlier
    /// debt is overwritten.
    function _indebt(address subject, uint256 loss, uint256 penalty, address keeper) private {
        if (!_sells() || loss + penalty == 0) return;
        _debts[subject] =
            Debt({loss: SafeCast.toUint128(loss), penalty: SafeCast.toUint128(penalty), keeper: keeper});
        emit Indebted(subject, loss, penalty, keeper);
        VAULT.setHold(subject, true);
        AUCTION.start(subject);
    }

    /// @dev Books what an account has paid of what it owes. The loss was absorbed when the position was closed: a
    /// payment covers what is uncovered, and then gives back to the insurance fund.
    function _recover(address subject, uint256 received) private {
        Debt storage debt = _debts[subject];
        uint256 loss = Math.min(received, debt.loss);
        uint256 penalty = Math.min(received - loss, debt.penalty);
        debt.loss -= uint128(loss);
        debt.penalty -= uint128(penalty);

        uint256 covered = Math.min(loss, uncoveredLoss);
        uint256 reward = penalty * _rules.reward / PPM;
        uncoveredLoss -= covered;
        pool += covered;
        insurance += loss - covered + penalty - reward;
        emit Recovered(subject, loss, covered, penalty, reward);
        _credit(debt.keeper, reward);
        if (owedBy(subject) != 0) return;
        delete _debts[subject];
        VAULT.setHold(subject, false);
    }

    /// @dev Pays a loss out of the insurance fund, and records the rest as uncovered.
    function _absorb(address subject, uint256 shortfall) private {
        uint256 paid = Math.min(shortfall, insurance);
        insurance -= paid;
        pool += paid;
        uncoveredLoss += shortfall - paid;
        emit Shortfall(subject, shortfall, paid, shortfall - paid);
    }

    /// @dev Seizes the amount owed, or all collateral if there is less.
    function _seize(address subject, uint256 owed) private returns (uint256 received) {
        (uint256 counted, uint256 waiting,) = VAULT.balanceOf(subject, address(QUOTE));
        uint256 amount = Math.min(owed, counted + waiting);
        if (amount == 0) return 0;
        uint256 balanceBefore = QUOTE.balanceOf(address(this));
        VAULT.seize(subject, address(QUOTE), amount, address(this));
        received = QUOTE.balanceOf(address(this)) - balanceBefore;
    }

    /// @dev Takes quote tokens from an account that pays in this call, and returns the amount that arrived.
    function _receive(address from, uint256 amount) private returns (uint256 received) {
        uint256 balanceBefore = QUOTE.balanceOf(address(this));
        QUOTE.safeTransferFrom(from, address(this), amount);
        received = QUOTE.balanceOf(address(this)) - balanceBefore;
        if (received == 0) revert InvalidAmount(0);
    }

    function _credit(address account, uint256 amount) private {
        if (amount == 0) return;
        creditOf[account] += amount;
        emit Credited(account, amount);
    }

    /// @dev True if collateral beyond quote tokens is sold.
    function _sells() private view returns (bool) {
        return address(AUCTION) != address(0);
    }

    function _existing(address subject) private view returns (Position memory position) {
        position = _positions[subject];
        if (position.size == 0) revert NoPosition(subject);
    }

    /* PRIVATE: ATTESTATIONS AND FLAGS */

    function _holds(address subject) private view returns (bool) {
        return _attests(subject, _rules.maintenanceLevel, _rules.holdingAge);
    }

    function _attests(address subject, uint256 level, uint256 maxAge) private view returns (bool) {
        return ATTESTATION_REGISTRY.isSufficientNoOlderThan(subject, _rules.policy, level, maxAge);
    }

    /// @dev True if the account is flagged and has not attested since.
    function _stands(address subject) private view returns (bool) {
        Flag storage found = _flags[subject];
        return found.time != 0 && found.attested == _attested(subject);
    }

    /// @dev The hash of the records of the maintenance level and all stricter levels. Each new attestation changes the
    /// hash; one of a shortfall does not, and must not, as it would void the flag.
    function _attested(address subject) private view returns (bytes32) {
        uint256 first = _rules.maintenanceLevel;
        Record[] memory records = new Record[](_SUFFICIENT - first);
        for (uint256 i = 0; i < records.length; ++i) {
            records[i] = ATTESTATION_REGISTRY.recordOf(subject, _rules.policy, first + i);
        }
        return keccak256(abi.encode(records));
    }

    /// @dev True if nobody can attest, whatever anybody does: the policy does not count, its newest prices are marked,
    /// or a whole epoch has passed without a snapshot. Prices that are merely too old are no outage: until their epoch
    /// is over no other snapshot is possible, and a flagged account must not gain from that.
    function _isOutage() private view returns (bool) {
        if (ATTESTATION_REGISTRY.acceptsAttestations(_rules.policy)) return false;
        Snapshot memory newest = ORACLE.latest(_rules.policy);
        if (!POLICY_REGISTRY.isInForce(_rules.policy) || newest.marked) return true;
        return block.timestamp / _EPOCH_LENGTH > uint256(newest.epoch) + 1;
    }

    /* PRIVATE: PRICES AND AMOUNTS */

    /// @dev The newest snapshot and its price, if trading at the price is allowed. Nobody trades while a policy is
    /// frozen: the guardian may distrust its prices.
    function _tradingPrice() private view returns (Snapshot memory snapshot, uint96 price) {
        if (!ATTESTATION_REGISTRY.acceptsAttestations(_rules.policy)) revert AttestingNotPossible();
        snapshot = ORACLE.latest(_rules.policy);
        uint256 age = block.timestamp - snapshot.time;
        if (age > _rules.maxPriceAge) revert PriceTooOld(age);
        if (snapshot.marked) revert PriceMarked(snapshot.epoch);
        price = _priceOf(snapshot.epoch);
    }

    /// @dev The price of the newest snapshot or, if that is marked, of the previous one. If both are marked, or the
    /// policy was frozen after the snapshot was taken, the price at which the position was opened: a freeze must not
    /// guarantee the price that the guardian distrusts. While a policy is frozen it counts from the end of time, and
    /// after a thaw from later than any snapshot before the freeze. A marked snapshot always has a previous one.
    function _settlementPrice(Snapshot memory snapshot, uint96 opened) private view returns (uint96) {
        if (snapshot.marked) (snapshot,,) = ORACLE.read(_rules.policy, snapshot.previousEpoch, 0);
        bool isDistrusted = snapshot.marked || snapshot.time < POLICY_REGISTRY.countsFrom(_rules.policy);
        return isDistrusted ? opened : _priceOf(snapshot.epoch);
    }

    function _priceOf(uint64 epoch) private view returns (uint96) {
        return ORACLE.pricesOf(_rules.policy, epoch)[_rules.market];
    }

    /// @dev The largest gain of a position within the policy's range of prices.
    function _mostGain(Position memory position) private view returns (uint256 profit) {
        (profit,) = _result(position, position.size > 0 ? _MAX_PRICE : _MIN_PRICE);
    }

    /// @dev The gain of a position, rounded down, or its loss, rounded up. One of the two is zero.
    function _result(Position memory position, uint96 price) private view returns (uint256 profit, uint256 loss) {
        // Below 2^127·2^97.
        int256 result = int256(position.size) * (int256(uint256(price)) - int256(uint256(position.price)));
        uint256 magnitude = SignedMath.abs(result);
        if (result >= 0) profit = magnitude / _SCALE;
        else loss = Math.ceilDiv(magnitude, _SCALE);
    }

    /// @dev A share of the notional, rounded up. Below 2^127·2^96·2^20 before it is divided.
    function _share(int128 size, uint96 price, uint256 partsPerMillion) private view returns (uint256) {
        uint256 share = Math.ceilDiv(SignedMath.abs(size) * price * partsPerMillion, PPM);
        return Math.ceilDiv(share, _SCALE);
    }

    function _isAsset(ICollateralVault vault, address token) private view returns (bool) {
        Asset[] memory list = vault.assets();
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i].token == token) return true;
        }
        return false;
    }
}
