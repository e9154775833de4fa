// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {ISecuredVenue} from "../interfaces/ISecuredVenue.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {CHECKPOINT_TAG, MAX_CONSUMERS, MAX_LOTS} from "../libraries/Constants.sol";
import {Record} from "../types/Attestation.sol";
import {Asset, Consumer} from "../types/Collateral.sol";
import {Terms} from "../types/Policy.sol";

/// @title The collateral vault
/// @dev The vault holds what an attestation counts for as long as the attestation counts. Under one checkpoint number a
/// subject's lots do not change. Requests move tokens between `counted` and `waiting`, and only {withdraw} and {seize}
/// make the sum of the two smaller. Both raise the floor to the current number, whose lots are in `counted` alone.
contract CollateralVault is ICollateralVault, ERC165, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /* TYPES */

    /// @dev A subject's checkpoint.
    /// @param number The number of changes of the counted lots.
    /// @param floor The number of the first checkpoint whose attestations still count.
    /// @param grownAt The time at which the counted lots last grew, in seconds.
    /// @param shrunkAt The time at which the counted lots last fell, or tokens last left, in seconds.
    /// @param isHeld True while the venue holds back withdrawals.
    /// @param x The x of the sum of lots·L over all assets.
    /// @param y The y of that sum.
    struct Account {
        uint32 number;
        uint32 floor;
        uint40 grownAt;
        uint40 shrunkAt;
        bool isHeld;
        uint256 x;
        uint256 y;
    }

    /// @dev A subject's balances of a token, in its smallest units.
    struct Balance {
        uint256 counted;
        uint256 waiting;
        uint256 offered;
    }

    /* IMMUTABLES */

    /// @inheritdoc ICollateralVault
    IAttestationRegistry public immutable ATTESTATION_REGISTRY;
    /// @inheritdoc ICollateralVault
    bytes32 public immutable UNIVERSE;

    address private immutable _DEPLOYER;

    /* STORAGE */

    /// @inheritdoc ICollateralVault
    ISecuredVenue public venue;

    Consumer[] private _consumers;
    address[] private _tokens;
    mapping(address token => Asset) private _assets;
    mapping(address subject => Account) private _accounts;
    mapping(address subject => mapping(address token => Balance)) private _balances;

    /* MODIFIERS */

    modifier onlyDeployer() {
        if (msg.sender != _DEPLOYER) revert OnlyDeployer();
        _;
    }

    modifier onlyAsset(address token) {
        if (_assets[token].unit == 0) revert UnknownAsset(token);
        _;
    }

    /* CONSTRUCTOR */

    /// @param attestationRegistry The attestation registry.
    /// @param universe The identifier of the universe whose rows the points of the assets are of.
    /// @param list The assets.
    constructor(IAttestationRegistry attestationRegistry, bytes32 universe, Asset[] memory list) {
        ATTESTATION_REGISTRY = attestationRegistry;
        UNIVERSE = universe;
        _DEPLOYER = msg.sender;
        for (uint256 i = 0; i < list.length; ++i) {
            Asset memory asset = list[i];
            if (asset.token.code.length == 0 || asset.unit == 0 || !Bn254.isPoint(asset.x, asset.y)) {
                revert InvalidAsset(i);
            }
            for (uint256 j = 0; j < i; ++j) {
                // Points with equal x are equal or opposite, and an opposite point would count as debt.
                if (list[j].token == asset.token || list[j].x == asset.x) revert InvalidAsset(i);
            }
            _tokens.push(asset.token);
            _assets[asset.token] = asset;
        }
    }

    /* CONSUMERS AND THE VENUE */

    /// @inheritdoc ICollateralVault
    function registerConsumer(ISecuredVenue consumer, bytes32 policy) external onlyDeployer {
        _register(consumer, policy);
    }

    /// @inheritdoc ICollateralVault
    function setVenue(ISecuredVenue venue_, bytes32 policy) external onlyDeployer {
        if (address(venue) != address(0)) revert VenueAlreadySet();
        venue = venue_;
        _register(venue_, policy);
        emit VenueSet(address(venue_));
    }

    /// @inheritdoc ICollateralVault
    function deregister() external {
        for (uint256 i = 0; i < _consumers.length; ++i) {
            if (address(_consumers[i].consumer) != msg.sender) continue;
            _consumers[i] = _consumers[_consumers.length - 1];
            _consumers.pop();
            emit ConsumerDeregistered(msg.sender);
            return;
        }
        revert NotConsumer(msg.sender);
    }

    /// @inheritdoc ICollateralVault
    function seize(address subject, address token, uint256 amount, address to) external nonReentrant onlyAsset(token) {
        if (msg.sender != address(venue)) revert OnlyVenue();
        Balance storage balance = _balances[subject][token];
        (uint256 counted, uint256 waiting) = (balance.counted, balance.waiting);
        if (amount == 0) revert InvalidAmount(0);
        if (amount > counted + waiting) revert NotEnough(amount, counted + waiting);
        uint256 fromCounted = amount < counted ? amount : counted;
        if (amount > fromCounted) {
            balance.waiting = waiting - (amount - fromCounted);
            // Tokens leave, whatever is counted.
            _accounts[subject].shrunkAt = uint40(block.timestamp);
        }
        uint32 number = _count(subject, token, counted - fromCounted);
        _accounts[subject].floor = number;
        emit Seized(subject, token, to, amount, number);
        IERC20(token).safeTransfer(to, amount);
    }

    /// @inheritdoc ICollateralVault
    function setHold(address subject, bool isHeld_) external {
        if (msg.sender != address(venue)) revert OnlyVenue();
        _accounts[subject].isHeld = isHeld_;
        emit HoldSet(subject, isHeld_);
    }

    /* DEPOSITS */

    /// @inheritdoc ICollateralVault
    function deposit(address token, uint256 amount) external nonReentrant onlyAsset(token) {
        uint256 received = _receive(token, amount);
        uint32 number = _count(msg.sender, token, _balances[msg.sender][token].counted + received);
        emit Deposited(msg.sender, token, msg.sender, received, number);
    }

    /// @inheritdoc ICollateralVault
    function depositFor(address subject, address token, uint256 amount) external nonReentrant onlyAsset(token) {
        uint256 received = _receive(token, amount);
        _balances[subject][token].offered += received;
        emit Offered(subject, token, msg.sender, received);
    }

    /// @inheritdoc ICollateralVault
    function accept(address token) external nonReentrant onlyAsset(token) {
        Balance storage balance = _balances[msg.sender][token];
        uint256 amount = balance.offered;
        if (amount == 0) revert InvalidAmount(0);
        balance.offered = 0;
        uint32 number = _count(msg.sender, token, balance.counted + amount);
        emit Deposited(msg.sender, token, address(this), amount, number);
    }

    /* WITHDRAWALS */

    /// @inheritdoc ICollateralVault
    function requestWithdrawal(address token, uint256 amount) external nonReentrant onlyAsset(token) {
        Balance storage balance = _balances[msg.sender][token];
        if (amount == 0) revert InvalidAmount(0);
        if (amount > balance.counted) revert NotEnough(amount, balance.counted);
        balance.waiting += amount;
        uint32 number = _count(msg.sender, token, balance.counted - amount);
        emit WithdrawalRequested(msg.sender, token, amount, number);
    }

    /// @inheritdoc ICollateralVault
    function cancelWithdrawal(address token) external nonReentrant onlyAsset(token) {
        Balance storage balance = _balances[msg.sender][token];
        uint256 amount = balance.waiting;
        if (amount == 0) revert InvalidAmount(0);
        balance.waiting = 0;
        uint32 number = _count(msg.sender, token, balance.counted + amount);
        emit WithdrawalCancelled(msg.sender, token, amount, number);
    }

    /// @inheritdoc ICollateralVault
    function withdraw(address token, address to) external nonReentrant onlyAsset(token) {
        Account storage account = _accounts[msg.sender];
        Balance storage balance = _balances[msg.sender][token];
        uint256 amount = balance.waiting;
        if (amount == 0) revert InvalidAmount(0);
        if (account.isHeld) revert Held(msg.sender);
        for (uint256 i = 0; i < _consumers.length; ++i) {
            Consumer memory consumer = _consumers[i];
            if (consumer.consumer.hasExposure(msg.sender) && !_hasAttested(msg.sender, account.number, consumer)) {
                revert NotAttested(msg.sender, address(consumer.consumer));
            }
        }
        account.floor = account.number;
        account.shrunkAt = uint40(block.timestamp);
        balance.waiting = 0;
        emit Withdrawn(msg.sender, token, to, amount);
        IERC20(token).safeTransfer(to, amount);
    }

    /* VIEWS */

    /// @inheritdoc ICollateralVault
    function checkpointOf(address subject)
        external
        view
        returns (bytes32 checkpoint, uint32 number, uint40 grownAt, uint256 x, uint256 y)
    {
        Account storage account = _accounts[subject];
        (number, grownAt, x, y) = (account.number, account.grownAt, account.x, account.y);
        checkpoint = keccak256(
            abi.encode(CHECKPOINT_TAG, block.chainid, address(this), UNIVERSE, subject, number, grownAt, x, y)
        );
    }

    /// @inheritdoc ICollateralVault
    function floorOf(address subject) external view returns (uint32) {
        return _accounts[subject].floor;
    }

    /// @inheritdoc ICollateralVault
    function shrunkAtOf(address subject) external view returns (uint40) {
        return _accounts[subject].shrunkAt;
    }

    /// @inheritdoc ICollateralVault
    function isHeld(address subject) external view returns (bool) {
        return _accounts[subject].isHeld;
    }

    /// @inheritdoc ICollateralVault
    function balanceOf(address subject, address token)
        external
        view
        returns (uint256 counted, uint256 waiting, uint256 offered)
    {
        Balance storage balance = _balances[subject][token];
        return (balance.counted, balance.waiting, balance.offered);
    }

    /// @inheritdoc ICollateralVault
    function assets() external view returns (Asset[] memory list) {
        list = new Asset[](_tokens.length);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = _assets[_tokens[i]];
        }
    }

    /// @inheritdoc ICollateralVault
    function consumers() external view returns (Consumer[] memory) {
        return _consumers;
    }

    /// @inheritdoc ICollateralVault
    function isConsumer(address consumer, bytes32 policy) external view returns (bool) {
        for (uint256 i = 0; i < _consumers.length; ++i) {
            if (address(_consumers[i].consumer) == consumer) return _consumers[i].policy == policy;
        }
        return false;
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(ICollateralVault).interfaceId || super.supportsInterface(interfaceId);
    }

    /* PRIVATE */

    /// @dev Level and age are those of the policy's terms, which never change.
    function _register(ISecuredVenue consumer, bytes32 policy) private {
        if (_consumers.length == MAX_CONSUMERS) revert TooManyConsumers();
        for (uint256 i = 0; i < _consumers.length; ++i) {
            if (_consumers[i].consumer == consumer) revert ConsumerExists(address(consumer));
        }
        // Attestations under a policy that does not draw on this vault do not depend on its balances.
        Terms memory terms = ATTESTATION_REGISTRY.POLICY_REGISTRY().terms(policy);
        if (terms.vault.at != address(this)) revert WrongPolicy(policy);
        // Reverts unless the consumer is a contract that answers: otherwise nobody could withdraw.
        consumer.hasExposure(msg.sender);
        _consumers.push(
            Consumer({consumer: consumer, level: terms.vault.level, maxAge: terms.vault.maxAge, policy: policy})
        );
        emit ConsumerRegistered(address(consumer), policy);
    }

    /// @dev Takes tokens from the caller and returns the amount that arrived.
    function _receive(address token, uint256 amount) private returns (uint256 received) {
        if (address(venue) == address(0)) revert VenueNotSet();
        uint256 balanceBefore = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        received = IERC20(token).balanceOf(address(this)) - balanceBefore;
        if (received == 0) revert InvalidAmount(0);
    }

    /// @dev Sets the counted amount, and moves the commitment by the change of lots.
    /// @return number The number of the checkpoint afterwards.
    function _count(address subject, address token, uint256 counted) private returns (uint32 number) {
        Asset storage asset = _assets[token];
        Balance storage balance = _balances[subject][token];
        Account storage account = _accounts[subject];
        uint256 lotsBefore = balance.counted / asset.unit;
        uint256 lots = counted / asset.unit;
        if (lots > MAX_LOTS) revert InvalidAmount(counted);
        balance.counted = counted;
        if (lots == lotsBefore) return account.number;
        bool grows = lots > lotsBefore;
        (uint256 x, uint256 y) = Bn254.mul(asset.x, asset.y, grows ? lots - lotsBefore : lotsBefore - lots);
        (account.x, account.y) = Bn254.add(account.x, account.y, x, grows ? y : Bn254.negateY(y));
        number = ++account.number;
        if (grows) account.grownAt = uint40(block.timestamp);
        else account.shrunkAt = uint40(block.timestamp);
    }

    /// @dev True if a fresh attestation of the consumer's level or a stricter one draws on the checkpoint of this
    /// number. One attestation must meet every condition: a stricter one that has lapsed may draw on this checkpoint
    /// while a weaker one that counts draws on an earlier checkpoint, which counted more. The strictest level that
    /// holds claims sufficiency, so that no record of a shortfall is looked at.
    function _hasAttested(address subject, uint32 number, Consumer memory consumer) private view returns (bool) {
        (bytes32 policy, uint256 maxAge) = (consumer.policy, consumer.maxAge);
        (bool holds, uint256 strictest) = ATTESTATION_REGISTRY.levelOf(subject, policy);
        if (!holds) return false;
        for (uint256 level = consumer.level; level <= strictest; ++level) {
            Record memory record = ATTESTATION_REGISTRY.recordOf(subject, policy, level);
            if (
                record.vaultNumber == number && block.timestamp <= record.validUntil
                    && block.timestamp <= uint256(record.pricesAt) + maxAge
                    && ATTESTATION_REGISTRY.isSufficientNoOlderThan(subject, policy, level, maxAge)
            ) return true;
        }
        return false;
    }
}
