// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {CollateralVault} from "../src/core/CollateralVault.sol";
import {MarginGatedVenue} from "../src/examples/MarginGatedVenue.sol";
import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {ICollateralAuction} from "../src/interfaces/ICollateralAuction.sol";
import {IMarginGatedVenue} from "../src/interfaces/IMarginGatedVenue.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../src/interfaces/ISnapshotOracle.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {Attestation} from "../src/types/Attestation.sol";
import {Asset} from "../src/types/Collateral.sol";
import {Feed, MarketRules, Snapshot} from "../src/types/Market.sol";
import {Terms} from "../src/types/Policy.sol";
import {VenueRules} from "../src/types/Venue.sol";
import {Attesting} from "./support/Attesting.sol";
import {vm} from "./support/Vm.sol";

/// @notice The example venue, the vault and the attestation registry together: what stops a liquidation at once.
contract MarginGatedVenueShortfallsTest is Attesting {
    uint256 private constant FACTOR = 10;
    uint256 private constant LOTS = 1_000;
    uint96 private constant UNIT = 1e6;
    uint96 private constant PRICE = 2_000e8;
    uint96 private constant LATER_PRICE = 1_900e8;
    address private constant LIQUIDATOR = address(0x11d);

    CollateralVault private realVault;
    MarginGatedVenue private venue;
    MockToken private quote = new MockToken(6);
    Snapshot private newest;
    uint64 private sequence = 7;

    function setUp() external {
        _start();
        Asset[] memory list = new Asset[](1);
        uint256[2] memory point = _multiple(FACTOR);
        list[0] = Asset({token: address(quote), unit: UNIT, x: point[0], y: point[1]});
        realVault = new CollateralVault(attestationRegistry, _terms().universe, list);
        policyRegistry.set(POLICY, _withVault());
        _setMarket();
        venue = new MarginGatedVenue(
            address(this),
            attestationRegistry,
            IPolicyRegistry(address(policyRegistry)),
            ISnapshotOracle(address(oracle)),
            realVault,
            quote,
            ICollateralAuction(address(0)),
            _rules()
        );
        realVault.setVenue(venue, POLICY);
        quote.mint(address(this), 1e18);
        quote.approve(address(venue), type(uint256).max);
        venue.fund(1e12);
        quote.mint(SUBJECT, 1e12);
        vm.prank(SUBJECT);
        quote.approve(address(realVault), type(uint256).max);
        _deposit(LOTS);
        // A position of 3, by attestation of the initial level; later prices, at which the margin is negative.
        newest = _snapshot();
        _nextSnapshot(PRICE);
        attestationRegistry.attest(_made(1));
        vm.prank(SUBJECT);
        venue.open(3e18);
        _nextSnapshot(LATER_PRICE);
    }

    function test_liquidates_at_once_by_an_attestation_of_a_shortfall() external {
        _fallShort();
        require(attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1, 1 hours), "it held a moment ago");
        vm.expectEmit(address(venue));
        emit IMarginGatedVenue.LiquidatedShort(SUBJECT, LIQUIDATOR, newest.epoch, 14_250_000);
        _liquidate();
        (uint256 counted,,) = realVault.balanceOf(SUBJECT, address(quote));
        require(!venue.hasExposure(SUBJECT) && counted == 643e6 && venue.creditOf(LIQUIDATOR) == 14_250_000);
    }

    function test_rejects_liquidation_at_once_of_who_attests_over_the_same_prices() external {
        for (uint256 level = 0; level < SHORTFALL; ++level) {
            uint256 state = vm.snapshotState();
            _fallShort();
            attestationRegistry.attest(_made(level));
            _expectNotShort();
            vm.revertToState(state);
        }
    }

    function test_rejects_liquidation_at_once_of_who_attests_over_newer_prices() external {
        _fallShort();
        _nextSnapshot(LATER_PRICE);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.ShortfallSuperseded.selector, newest.previousEpoch));
        venue.liquidateShort(SUBJECT);
        attestationRegistry.attest(_made(0));
        _expectNotShort();
    }

    /// @notice Attack: a shortfall at a price that the guardian has distrusted, in the first block after the thaw.
    function test_rejects_liquidation_at_once_at_prices_from_before_a_freeze() external {
        _fallShort();
        policyRegistry.setCountsFrom(POLICY, newest.time + 1);
        vm.warp(newest.time + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.PriceBeforeFreeze.selector, newest.epoch));
        venue.liquidateShort(SUBJECT);
        policyRegistry.setCountsFrom(POLICY, newest.time);
        _liquidate();
    }

    function test_rejects_liquidation_at_once_after_a_deposit() external {
        _fallShort();
        _deposit(1);
        _expectNotShort();
    }

    function test_rejects_liquidation_at_once_after_a_newer_statement() external {
        _fallShort();
        ++sequence;
        attestationRegistry.supersede(POLICY, SUBJECT, 0, _made(0).statements[0]);
        _expectNotShort();
    }

    /// @notice Attack: the margin is negative only because collateral is on its way back to a source.
    function test_rejects_liquidation_at_once_over_statements_from_before_a_withdrawal() external {
        Attestation memory before = _made(SHORTFALL);
        vm.warp(block.timestamp + 700);
        vm.prank(SUBJECT);
        realVault.requestWithdrawal(address(quote), 500 * UNIT);
        uint40 shrunkAt = uint40(block.timestamp);
        newest = _takeNext(newest);
        Attestation memory stale = _unsignedOver(SHORTFALL);
        stale.statements = before.statements;
        stale = _completed(stale, LOTS - 500);
        _refused(stale, abi.encodeWithSelector(IAttestationRegistry.VaultShrunkSince.selector, shrunkAt));
        _expectNotShort();
    }

    /// @dev An account that has fallen short owes 300 and a penalty of 57, a quarter of which is the reward.
    function _fallShort() private {
        attestationRegistry.attest(_made(SHORTFALL));
        require(attestationRegistry.isShortNoOlderThan(SUBJECT, POLICY, SHORTFALL, 10 minutes));
    }

    function _liquidate() private {
        vm.prank(LIQUIDATOR);
        venue.liquidateShort(SUBJECT);
    }

    function _expectNotShort() private {
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotShort.selector, SUBJECT));
        venue.liquidateShort(SUBJECT);
    }

    function _deposit(uint256 lots) private {
        vm.prank(SUBJECT);
        realVault.deposit(address(quote), lots * UNIT);
    }

    function _nextSnapshot(uint96 price) private {
        vm.warp(block.timestamp + 300);
        newest = _takeNext(newest);
        uint96[] memory prices = new uint96[](1);
        prices[0] = price;
        vm.mockCall(address(oracle), abi.encodeWithSelector(ISnapshotOracle.pricesOf.selector), abi.encode(prices));
    }

    /// @dev Over the newest snapshot, the present checkpoint and statements of now, with the present sequence number.
    function _made(uint256 level) private view returns (Attestation memory) {
        return _completed(_unsignedOver(level), LOTS);
    }

    function _unsignedOver(uint256 level) private view returns (Attestation memory attestation) {
        attestation = _unsigned();
        (attestation.level, attestation.epoch) = (level, newest.epoch);
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestation.statements[i].asOf = NOW;
            attestation.statements[i].sequence = sequence;
        }
    }

    function _completed(Attestation memory attestation, uint256 lots) private view returns (Attestation memory) {
        (bytes32 checkpoint,,,,) = realVault.checkpointOf(SUBJECT);
        Terms memory terms = _withVault();
        return _proven(_signed(attestation, terms), terms, checkpoint, _multiple(6 + lots * FACTOR));
    }

    function _withVault() private view returns (Terms memory terms) {
        terms = _terms();
        (terms.vault.at, terms.vault.level, terms.vault.maxAge) = (address(realVault), 1, 1 hours);
    }

    /// @dev The venue's market is the only one.
    function _setMarket() private {
        MarketRules memory market;
        market.epochLength = 300;
        market.feeds = new Feed[](1);
        (market.feeds[0].decimals, market.feeds[0].min, market.feeds[0].max) = (8, 100e8, 10_000e8);
        vm.mockCall(address(policyRegistry), abi.encodeCall(IPolicyRegistry.marketRules, (POLICY)), abi.encode(market));
    }

    function _rules() private pure returns (VenueRules memory) {
        return VenueRules({
            policy: POLICY,
            market: 0,
            maintenanceLevel: 0,
            initialLevel: 1,
            shortfallLevel: uint32(SHORTFALL),
            openingAge: 10 minutes,
            holdingAge: 1 hours,
            maxPriceAge: 10 minutes,
            grace: 1 hours,
            settlementAge: 1 days,
            sizeDecimals: 18,
            penalty: 10_000,
            reward: 250_000,
            maxNotional: 1e12
        });
    }
}
