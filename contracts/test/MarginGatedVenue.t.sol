// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {CollateralVault} from "../src/core/CollateralVault.sol";
import {MarginGatedVenue} from "../src/examples/MarginGatedVenue.sol";
import {ICollateralAuction} from "../src/interfaces/ICollateralAuction.sol";
import {ICollateralVault} from "../src/interfaces/ICollateralVault.sol";
import {IMarginGatedVenue} from "../src/interfaces/IMarginGatedVenue.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {SuretyMockRegistry} from "../src/mocks/SuretyMockRegistry.sol";
import {Asset} from "../src/types/Collateral.sol";
import {Flag, Position, VenueRules} from "../src/types/Venue.sol";
import {OracleStandIn, PolicyRegistryStandIn} from "./support/MarketStandIns.sol";
import {Caller, HookToken} from "./support/Tokens.sol";
import {Log, vm} from "./support/Vm.sol";

/// @notice Opening, closing and liquidation of positions at the example venue, and the payments.
///
/// Sizes have 18 decimals, prices 8, the quote token 6.
contract MarginGatedVenueTest {
    bytes32 private constant POLICY = keccak256("policy");
    uint40 private constant GRACE = 1 hours;
    /// @dev A quarter of an epoch.
    uint40 private constant WINDOW = 75;
    uint40 private constant PRICE_AGE = 10 minutes;
    uint40 private constant SETTLEMENT_AGE = 7 days;
    uint96 private constant PRICE = 2_000e8;
    uint32 private constant SHORTFALL = 3;
    uint256 private constant DOLLAR = 1e6;
    ICollateralAuction private constant NO_AUCTION = ICollateralAuction(address(0));
    uint256 private constant POOL = 1_000_000 * DOLLAR;

    SuretyMockRegistry private attestationRegistry;
    PolicyRegistryStandIn private policyRegistry;
    OracleStandIn private oracle;
    CollateralVault private vault;
    MarginGatedVenue private venue;
    MockToken private quote;
    MockToken private other;
    address private alice = address(0xa11ce);
    address private flagger = address(0xf1a9);
    address private liquidator = address(0x11d);

    function setUp() external {
        vm.warp(1_000_000);
        (attestationRegistry, policyRegistry, oracle) =
        (new SuretyMockRegistry(3, 1), new PolicyRegistryStandIn(), new OracleStandIn());
        (quote, other) = (new MockToken(6), new MockToken(18));
        Asset[] memory list = new Asset[](1);
        list[0] = Asset({token: address(quote), unit: 1e6, x: 1, y: 2});
        attestationRegistry.setPolicyRegistry(policyRegistry);
        vault = new CollateralVault(attestationRegistry, keccak256("universe"), list);
        attestationRegistry.setVault(vault);
        policyRegistry.setVault(address(vault));
        policyRegistry.addFeed(0, 1, 1);
        policyRegistry.addFeed(8, 100e8, 10_000e8);
        venue = _create(_rules());
        vault.setVenue(venue, POLICY);
        quote.mint(address(this), 10 * POOL);
        quote.approve(address(venue), type(uint256).max);
        venue.fund(POOL);
        quote.mint(alice, POOL);
        vm.prank(alice);
        quote.approve(address(vault), type(uint256).max);
        oracle.set(PRICE, false);
    }

    // The rules.

    function test_keeps_its_rules() external view {
        require(keccak256(abi.encode(venue.rules())) == keccak256(abi.encode(_rules())));
    }

    function test_rejects_rules_that_do_not_go_together() external {
        VenueRules memory rules = _rules();
        rules.initialLevel = 3;
        _expectInvalidRules(rules, "initialLevel");
        rules = _rules();
        rules.maintenanceLevel = 2;
        _expectInvalidRules(rules, "maintenanceLevel");
        rules = _rules();
        for (uint32 level = 1; level < 6; ++level) {
            if (level == SHORTFALL) continue;
            rules.shortfallLevel = level;
            _expectInvalidRules(rules, "shortfallLevel");
        }
        rules = _rules();
        rules.grace = 0;
        _expectInvalidRules(rules, "grace");
        (rules.grace, rules.maxPriceAge) = (GRACE, 149);
        _expectInvalidRules(rules, "maxPriceAge");
        policyRegistry.setValidity(149);
        _expectInvalidRules(_rules(), "policy");
        policyRegistry.setValidity(150);
        _create(_rules());
        rules = _rules();
        rules.settlementAge = PRICE_AGE;
        _expectInvalidRules(rules, "settlementAge");
        rules = _rules();
        rules.penalty = 1_000_001;
        _expectInvalidRules(rules, "penalty");
        rules = _rules();
        rules.reward = 1_000_001;
        _expectInvalidRules(rules, "reward");
        rules = _rules();
        rules.market = 2;
        _expectInvalidRules(rules, "market");
        rules = _rules();
        rules.market = 0;
        rules.sizeDecimals = 5;
        _expectInvalidRules(rules, "sizeDecimals");
        rules.sizeDecimals = 84;
        _expectInvalidRules(rules, "sizeDecimals");
    }

    function test_accepts_rules_at_their_limits() external {
        VenueRules memory rules = _rules();
        (rules.maintenanceLevel, rules.penalty, rules.reward) = (rules.initialLevel, 1_000_000, 1_000_000);
        _create(rules);
        // Sizes as coarse as the quote token, and as fine as there is a power of ten.
        (rules.market, rules.sizeDecimals) = (0, 6);
        _create(rules);
        rules.sizeDecimals = 83;
        _create(rules);
    }

    /// @notice Attack: hold and open positions by attestations of a negative margin.
    function test_rejects_rules_for_which_a_shortfall_is_sufficient() external {
        VenueRules memory rules = _rules();
        rules.initialLevel = SHORTFALL;
        _expectInvalidRules(rules, "initialLevel");
        policyRegistry.setVaultRules(SHORTFALL, rules.holdingAge);
        rules.maintenanceLevel = SHORTFALL;
        _expectInvalidRules(rules, "initialLevel");
        rules.initialLevel = 2;
        _expectInvalidRules(rules, "maintenanceLevel");
    }

    function test_rejects_a_policy_that_does_not_draw_on_the_vault() external {
        policyRegistry.setVault(address(0));
        _expectInvalidRules(_rules(), "policy");
    }

    /// @notice Attack: withdraw what an account must hold here, by an attestation that does not keep it here.
    function test_rejects_rules_that_are_stricter_than_the_vaults() external {
        VenueRules memory rules = _rules();
        policyRegistry.setVaultRules(uint32(rules.maintenanceLevel), rules.holdingAge);
        _create(rules);
        policyRegistry.setVaultRules(uint32(rules.maintenanceLevel), rules.holdingAge + 1);
        _expectInvalidRules(rules, "holdingAge");
        (rules.maintenanceLevel, rules.initialLevel) = (1, 1);
        policyRegistry.setVaultRules(0, rules.holdingAge);
        _expectInvalidRules(rules, "maintenanceLevel");
    }

    function test_rejects_a_quote_token_that_is_no_asset() external {
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InvalidRules.selector, "quote"));
        new MarginGatedVenue(
            address(this), attestationRegistry, policyRegistry, oracle, vault, other, NO_AUCTION, _rules()
        );
    }

    // Opening.

    function test_opens_a_position() external {
        _open(3e18);
        Position memory position = venue.positionOf(alice);
        require(position.size == 3e18 && position.price == PRICE && venue.hasExposure(alice));
        require(venue.reserved() == 3 * 8_000 * DOLLAR);
    }

    /// @notice Attack: open a position at a venue that the vault does not heed, and withdraw.
    function test_rejects_opening_where_the_vault_does_not_heed_the_venue() external {
        MarginGatedVenue unheeded = _create(_rules());
        quote.approve(address(unheeded), type(uint256).max);
        unheeded.fund(POOL);
        attestationRegistry.vouch(alice, POLICY, 1, uint64(block.timestamp + 2 hours));
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotConsumer.selector));
        unheeded.open(3e18);
        vault.registerConsumer(unheeded, keccak256("other policy"));
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotConsumer.selector));
        unheeded.open(3e18);
    }

    function test_opens_a_short_position() external {
        _open(-3e18);
        require(venue.positionOf(alice).size == -3e18 && venue.reserved() == 3 * 1_900 * DOLLAR);
    }

    function test_rejects_opening_without_an_attestation() external {
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotSufficient.selector, alice, 1));
        venue.open(1e18);
    }

    function test_rejects_opening_with_an_attestation_of_the_maintenance_level() external {
        attestationRegistry.vouch(alice, POLICY, 0, type(uint64).max);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotSufficient.selector, alice, 1));
        venue.open(1e18);
    }

    function test_rejects_opening_with_an_attestation_of_a_shortfall() external {
        attestationRegistry.vouchShort(alice, POLICY, 1, type(uint64).max);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotSufficient.selector, alice, 1));
        venue.open(1e18);
    }

    function test_rejects_opening_with_an_old_attestation() external {
        attestationRegistry.vouch(alice, POLICY, 1, type(uint64).max);
        vm.warp(block.timestamp + 5 minutes + 1);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotSufficient.selector, alice, 1));
        venue.open(1e18);
    }

    function test_rejects_opening_with_an_attestation_over_collateral_that_has_left() external {
        _deposit(100 * DOLLAR);
        attestationRegistry.vouch(alice, POLICY, 1, type(uint64).max);
        vm.prank(alice);
        vault.requestWithdrawal(address(quote), 100 * DOLLAR);
        vm.prank(alice);
        vault.withdraw(address(quote), alice);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotSufficient.selector, alice, 1));
        venue.open(1e18);
    }

    function test_rejects_a_second_position() external {
        _open(1e18);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.PositionExists.selector, alice));
        venue.open(1e18);
    }

    function test_rejects_positions_of_no_size_or_too_large() external {
        attestationRegistry.vouch(alice, POLICY, 1, type(uint64).max);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InvalidSize.selector, int128(0), 0));
        venue.open(0);
        _expectRevert(
            abi.encodeWithSelector(IMarginGatedVenue.InvalidSize.selector, int128(50e18 + 1), 100_000 * DOLLAR + 1)
        );
        venue.open(50e18 + 1);
        _expectRevert(
            abi.encodeWithSelector(IMarginGatedVenue.InvalidSize.selector, int128(-50e18 - 1), 100_000 * DOLLAR + 1)
        );
        venue.open(-50e18 - 1);
        // The most that there could be does not overflow.
        vm.prank(alice);
        (bool success, bytes memory reason) =
            address(venue).call(abi.encodeCall(IMarginGatedVenue.open, (type(int128).min)));
        require(!success && bytes4(reason) == IMarginGatedVenue.InvalidSize.selector);
        vm.prank(alice);
        venue.open(50e18);
    }

    function test_rejects_a_position_whose_gain_the_pool_could_not_pay() external {
        venue.defund(POOL - 23_999 * DOLLAR, address(this));
        attestationRegistry.vouch(alice, POLICY, 1, type(uint64).max);
        bytes4 reason = IMarginGatedVenue.PoolTooSmall.selector;
        _expectRevert(abi.encodeWithSelector(reason, 24_000 * DOLLAR, 23_999 * DOLLAR));
        venue.open(3e18);
        venue.fund(DOLLAR);
        vm.prank(alice);
        venue.open(3e18);
    }

    function test_rejects_opening_while_a_loss_is_uncovered() external {
        _openAndLose(0);
        require(venue.uncoveredLoss() == 300 * DOLLAR);
        attestationRegistry.vouch(alice, POLICY, 1, type(uint64).max);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.LossUncovered.selector, 300 * DOLLAR));
        venue.open(1e18);
        venue.coverLoss(299 * DOLLAR);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.LossUncovered.selector, DOLLAR));
        venue.open(1e18);
        // Of more than is uncovered the rest is not taken.
        venue.coverLoss(2 * DOLLAR);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InvalidAmount.selector, 0));
        venue.coverLoss(DOLLAR);
        vm.prank(alice);
        venue.open(1e18);
        require(venue.pool() == POOL + 300 * DOLLAR);
    }

    function test_rejects_trading_while_attesting_is_not_possible() external {
        _open(1e18);
        attestationRegistry.vouch(flagger, POLICY, 1, type(uint64).max);
        attestationRegistry.setAccepts(false);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.AttestingNotPossible.selector));
        venue.close();
        vm.prank(flagger);
        vm.expectRevert(IMarginGatedVenue.AttestingNotPossible.selector);
        venue.open(1e18);
    }

    function test_rejects_trading_at_an_old_price() external {
        _open(1e18);
        vm.warp(block.timestamp + PRICE_AGE);
        uint256 state = vm.snapshotState();
        vm.prank(alice);
        venue.close();
        vm.revertToState(state);
        vm.warp(block.timestamp + 1);
        attestationRegistry.vouch(flagger, POLICY, 1, type(uint64).max);
        bytes memory reason = abi.encodeWithSelector(IMarginGatedVenue.PriceTooOld.selector, PRICE_AGE + 1);
        _expectRevert(reason);
        venue.close();
        vm.prank(flagger);
        vm.expectRevert(reason);
        venue.open(1e18);
    }

    function test_rejects_trading_at_a_marked_price() external {
        _open(1e18);
        attestationRegistry.vouch(flagger, POLICY, 1, type(uint64).max);
        oracle.set(PRICE, true);
        bytes memory reason = abi.encodeWithSelector(IMarginGatedVenue.PriceMarked.selector, 2);
        _expectRevert(reason);
        venue.close();
        vm.prank(flagger);
        vm.expectRevert(reason);
        venue.open(1e18);
    }

    // Closing.

    function test_closes_with_a_profit() external {
        _open(3e18);
        oracle.set(2_100e8, false);
        vm.prank(alice);
        venue.close();
        require(venue.creditOf(alice) == 300 * DOLLAR && venue.pool() == POOL - 300 * DOLLAR);
        require(!venue.hasExposure(alice) && venue.reserved() == 0);
        vm.prank(alice);
        venue.claim(address(0xcafe));
        require(quote.balanceOf(address(0xcafe)) == 300 * DOLLAR && venue.creditOf(alice) == 0);
    }

    function test_closes_with_a_loss_without_an_attestation() external {
        _deposit(1_000 * DOLLAR);
        _open(-3e18);
        vm.warp(block.timestamp + 1 days);
        oracle.set(2_100e8, false);
        vm.prank(alice);
        venue.close();
        (uint256 counted,,) = vault.balanceOf(alice, address(quote));
        require(counted == 700 * DOLLAR && venue.pool() == POOL + 300 * DOLLAR);
    }

    function test_says_nothing_of_a_gain_and_a_loss_that_are_not_there() external {
        _open(1e18);
        vm.recordLogs();
        vm.prank(alice);
        venue.close();
        Log[] memory logs = vm.getRecordedLogs();
        require(logs.length == 1 && logs[0].topics[0] == IMarginGatedVenue.Closed.selector);
    }

    function test_rounds_against_the_account() external {
        _deposit(DOLLAR);
        // A gain of less than the smallest unit is none, a loss of less is a whole one.
        _open(1e10 - 1);
        oracle.set(PRICE + 1e8, false);
        vm.prank(alice);
        venue.close();
        require(venue.creditOf(alice) == 0 && venue.pool() == POOL);
        _open(1e10 - 1);
        oracle.set(PRICE, false);
        vm.prank(alice);
        venue.close();
        require(venue.pool() == POOL + 1);
    }

    function test_rejects_closing_with_a_loss_that_is_not_paid() external {
        _deposit(299 * DOLLAR);
        _open(3e18);
        oracle.set(1_900e8, false);
        _expectRevert(abi.encodeWithSelector(IMarginGatedVenue.LossUnpaid.selector, DOLLAR));
        venue.close();
        _deposit(DOLLAR);
        vm.prank(alice);
        venue.close();
    }

    function test_rejects_anything_about_a_position_that_is_not_there() external {
        bytes memory reason = abi.encodeWithSelector(IMarginGatedVenue.NoPosition.selector, alice);
        _expectRevert(reason);
        venue.close();
        vm.expectRevert(reason);
        venue.flag(alice);
        vm.expectRevert(reason);
        venue.liquidate(alice);
        vm.expectRevert(reason);
        venue.settle(alice);
    }

    // Flags.

    function test_flags_who_does_not_attest() external {
        _openAndFlag(3e18);
        (Flag memory found, bool stands) = venue.flagOf(alice);
        require(stands && found.flagger == flagger && found.time == block.timestamp);
    }

    function test_rejects_flagging_who_attests() external {
        _open(3e18);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.StillSufficient.selector, alice));
        venue.flag(alice);
    }

    function test_rejects_flagging_while_attesting_is_not_possible() external {
        _open(3e18);
        vm.warp(block.timestamp + 1 days);
        attestationRegistry.setAccepts(false);
        vm.expectRevert(IMarginGatedVenue.AttestingNotPossible.selector);
        venue.flag(alice);
        attestationRegistry.setAccepts(true);
        attestationRegistry.setInForce(false);
        vm.expectRevert(IMarginGatedVenue.AttestingNotPossible.selector);
        venue.flag(alice);
    }

    function test_rejects_flagging_twice() external {
        _openAndFlag(3e18);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.AlreadyFlagged.selector, alice));
        venue.flag(alice);
    }

    function test_anybody_removes_the_flag_of_who_attests() external {
        _openAndFlag(3e18);
        attestationRegistry.vouch(alice, POLICY, 0, type(uint64).max);
        venue.unflag(alice);
        (Flag memory found, bool stands) = venue.flagOf(alice);
        require(found.time == 0 && !stands);
    }

    function test_anybody_removes_a_flag_that_an_attestation_has_voided() external {
        _openAndFlag(3e18);
        attestationRegistry.vouch(alice, POLICY, 0, uint64(block.timestamp));
        vm.warp(block.timestamp + 1);
        require(!attestationRegistry.isSufficientNoOlderThan(alice, POLICY, 0, 1 days));
        venue.unflag(alice);
        (Flag memory found,) = venue.flagOf(alice);
        require(found.time == 0);
    }

    function test_anybody_removes_a_flag_in_an_outage() external {
        _openAndFlag(3e18);
        attestationRegistry.setAccepts(false);
        venue.unflag(alice);
        attestationRegistry.setAccepts(true);
        vm.warp(block.timestamp + GRACE);
        oracle.set(PRICE, false);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotFlagged.selector, alice));
        venue.liquidate(alice);
    }

    /// @notice Attack: the account waits until the newest prices are too old and no others can be had in their epoch.
    function test_rejects_removing_a_flag_while_prices_are_only_old() external {
        _openAndFlag(3e18);
        oracle.setEpoch(uint64(block.timestamp / 300));
        attestationRegistry.setAccepts(false);
        vm.warp((block.timestamp / 300 + 2) * 300 - 1);
        policyRegistry.setCountsFrom(uint40(block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotSufficient.selector, alice, 0));
        venue.unflag(alice);
        vm.warp(block.timestamp + 1);
        venue.unflag(alice);
    }

    function test_anybody_removes_a_flag_while_prices_are_marked_or_the_policy_is_frozen() external {
        _openAndFlag(3e18);
        oracle.set(PRICE, true);
        oracle.setEpoch(uint64(block.timestamp / 300));
        attestationRegistry.setAccepts(false);
        venue.unflag(alice);
        attestationRegistry.setAccepts(true);
        oracle.set(PRICE, false);
        oracle.setEpoch(uint64(block.timestamp / 300));
        venue.flag(alice);
        attestationRegistry.setAccepts(false);
        policyRegistry.setCountsFrom(type(uint40).max);
        venue.unflag(alice);
    }

    function test_rejects_removing_a_flag_that_stands() external {
        _openAndFlag(3e18);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotSufficient.selector, alice, 0));
        venue.unflag(alice);
    }

    function test_rejects_removing_a_flag_that_is_not_there() external {
        _open(3e18);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotFlagged.selector, alice));
        venue.unflag(alice);
    }

    /// @notice Whoever attests after a flag and lapses again gets the grace again, though nobody has removed the flag.
    function test_rejects_liquidation_after_an_attestation_that_has_lapsed() external {
        _openAndFlag(3e18);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp));
        vm.warp(block.timestamp + GRACE);
        oracle.set(PRICE, false);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotFlagged.selector, alice));
        venue.liquidate(alice);
        vm.prank(flagger);
        venue.flag(alice);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InGrace.selector, block.timestamp + GRACE));
        venue.liquidate(alice);
    }

    // Liquidation.

    function test_liquidates_and_takes_a_penalty() external {
        _deposit(1_000 * DOLLAR);
        _openAndFlag(3e18);
        _afterGrace(1_900e8);
        _liquidate();
        // A loss of 300, and a hundredth of 5,700, of which a quarter is the flagger's.
        (uint256 counted,,) = vault.balanceOf(alice, address(quote));
        require(counted == 643 * DOLLAR && venue.pool() == POOL + 300 * DOLLAR);
        require(venue.creditOf(flagger) == 14_250_000 && venue.insurance() == 57 * DOLLAR - 14_250_000);
        require(!venue.hasExposure(alice) && venue.uncoveredLoss() == 0 && venue.reserved() == 0);
        (Flag memory found,) = venue.flagOf(alice);
        require(found.time == 0);
    }

    function test_liquidation_reaches_what_waits() external {
        _deposit(1_000 * DOLLAR);
        _openAndFlag(3e18);
        vm.prank(alice);
        vault.requestWithdrawal(address(quote), 1_000 * DOLLAR);
        _afterGrace(1_900e8);
        _liquidate();
        (uint256 counted, uint256 waiting,) = vault.balanceOf(alice, address(quote));
        require(counted == 0 && waiting == 643 * DOLLAR);
    }

    function test_a_profit_pays_the_penalty_first() external {
        _deposit(1_000 * DOLLAR);
        _openAndFlag(3e18);
        _afterGrace(2_100e8);
        _liquidate();
        // A gain of 300 less a hundredth of 6,300.
        (uint256 counted,,) = vault.balanceOf(alice, address(quote));
        require(counted == 1_000 * DOLLAR && venue.creditOf(alice) == 237 * DOLLAR);
        require(venue.pool() == POOL - 300 * DOLLAR && venue.insurance() + venue.creditOf(flagger) == 63 * DOLLAR);
    }

    function test_a_profit_below_the_penalty_is_made_up_for() external {
        _deposit(1_000 * DOLLAR);
        _openAndFlag(3e18);
        _afterGrace(2_010e8);
        _liquidate();
        // A gain of 30 and a penalty of 60.30.
        (uint256 counted,,) = vault.balanceOf(alice, address(quote));
        require(counted == 1_000 * DOLLAR - 30_300_000 && venue.creditOf(alice) == 0);
    }

    function test_the_loss_is_paid_before_the_penalty() external {
        venue.insure(1_000 * DOLLAR);
        _deposit(310 * DOLLAR);
        _openAndFlag(3e18);
        _afterGrace(1_900e8);
        _liquidate();
        require(venue.pool() == POOL + 300 * DOLLAR);
        require(venue.insurance() == 1_007_500_000 && venue.creditOf(flagger) == 2_500_000);
    }

    function test_a_shortfall_is_paid_by_the_insurance_fund() external {
        venue.insure(1_000 * DOLLAR);
        _openAndLose(100 * DOLLAR);
        require(venue.insurance() == 800 * DOLLAR && venue.pool() == POOL + 300 * DOLLAR);
        require(venue.uncoveredLoss() == 0);
    }

    /// @notice Otherwise an account without collateral could have itself flagged and live on the insurance fund.
    function test_no_reward_without_a_penalty_that_was_paid() external {
        venue.insure(1_000 * DOLLAR);
        _openAndLose(0);
        require(venue.creditOf(flagger) == 0);
    }

    function test_what_insurance_cannot_pay_is_written_down() external {
        venue.insure(150 * DOLLAR);
        _openAndLose(100 * DOLLAR);
        require(venue.insurance() == 0 && venue.uncoveredLoss() == 50 * DOLLAR);
        require(venue.pool() == POOL + 250 * DOLLAR);
    }

    function test_rejects_liquidation_without_a_flag() external {
        _open(3e18);
        vm.warp(block.timestamp + 1 days);
        oracle.set(PRICE, false);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotFlagged.selector, alice));
        venue.liquidate(alice);
    }

    function test_rejects_liquidation_in_the_grace() external {
        _openAndFlag(3e18);
        uint256 ends = block.timestamp + GRACE;
        vm.warp(ends - WINDOW);
        oracle.set(PRICE, false);
        vm.warp(ends - 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InGrace.selector, ends));
        venue.liquidate(alice);
        vm.warp(ends);
        venue.liquidate(alice);
    }

    function test_rejects_liquidation_soon_after_a_freeze() external {
        _openAndFlag(3e18);
        _afterGrace(PRICE);
        policyRegistry.setCountsFrom(type(uint40).max);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InGrace.selector, uint256(type(uint40).max) + GRACE));
        venue.liquidate(alice);
        uint40 thawed = uint40(block.timestamp);
        policyRegistry.setCountsFrom(thawed);
        vm.warp(thawed + GRACE - WINDOW);
        oracle.set(PRICE, false);
        vm.warp(thawed + GRACE - 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InGrace.selector, uint256(thawed) + GRACE));
        venue.liquidate(alice);
        vm.warp(thawed + GRACE);
        venue.liquidate(alice);
    }

    /// @notice Attack: the account is flagged in the last second in which the snapshot takes attestations, and
    /// liquidated in the first second in which another one does.
    function test_rejects_liquidation_of_who_could_not_attest_since_the_flag() external {
        _openAndFlag(3e18);
        attestationRegistry.setAccepts(false);
        vm.warp(block.timestamp + GRACE);
        attestationRegistry.setAccepts(true);
        oracle.set(PRICE, false);
        uint256 ends = block.timestamp + WINDOW;
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InGrace.selector, ends));
            venue.liquidate(alice);
            vm.warp(ends - 1);
        }
        vm.warp(ends);
        venue.liquidate(alice);
    }

    function test_rejects_liquidation_while_attesting_is_not_possible() external {
        _openAndFlag(3e18);
        _afterGrace(PRICE);
        attestationRegistry.setAccepts(false);
        vm.expectRevert(IMarginGatedVenue.AttestingNotPossible.selector);
        venue.liquidate(alice);
    }

    function test_rejects_liquidation_of_who_attests() external {
        _openAndFlag(3e18);
        _afterGrace(PRICE);
        attestationRegistry.vouch(alice, POLICY, 0, type(uint64).max);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotFlagged.selector, alice));
        venue.liquidate(alice);
    }

    /// @notice An attestation that did not count at the flag and counts again: time goes back here to have one.
    function test_rejects_liquidation_of_who_holds_by_an_earlier_attestation() external {
        _open(3e18);
        attestationRegistry.vouch(alice, POLICY, 0, type(uint64).max);
        vm.warp(block.timestamp + 1 days);
        vm.prank(flagger);
        venue.flag(alice);
        vm.warp(block.timestamp - 1 days + GRACE);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.StillSufficient.selector, alice));
        venue.liquidate(alice);
        venue.unflag(alice);
    }

    function test_rejects_liquidation_at_an_old_price() external {
        _openAndFlag(3e18);
        oracle.set(PRICE, false);
        vm.warp(block.timestamp + GRACE);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.PriceTooOld.selector, GRACE));
        venue.liquidate(alice);
    }

    function test_rejects_liquidation_at_a_marked_price() external {
        _openAndFlag(3e18);
        vm.warp(block.timestamp + GRACE);
        oracle.set(1_000e8, true);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.PriceMarked.selector, 3));
        venue.liquidate(alice);
    }

    function test_rejects_liquidation_at_a_price_from_before_the_flag() external {
        VenueRules memory rules = _rules();
        (rules.maxPriceAge, rules.holdingAge) = (1 days, 1 days);
        MarginGatedVenue patient = _create(rules);
        quote.approve(address(patient), type(uint256).max);
        patient.fund(POOL);
        vault.registerConsumer(patient, POLICY);
        attestationRegistry.vouch(alice, POLICY, 1, uint64(block.timestamp));
        vm.prank(alice);
        patient.open(1e18);
        uint40 time = uint40(block.timestamp);
        vm.warp(time + 1);
        patient.flag(alice);
        uint256 state = vm.snapshotState();
        vm.warp(time + 1 + GRACE);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.PriceBeforeFlag.selector, time, time + 1));
        patient.liquidate(alice);
        // One of the flag's own second is not from before it.
        vm.revertToState(state);
        oracle.set(PRICE, false);
        vm.warp(time + 1 + GRACE);
        patient.liquidate(alice);
        require(patient.positionOf(alice).size == 0);
    }

    // Liquidation at once.

    function test_liquidates_at_once_who_is_short() external {
        _deposit(1_000 * DOLLAR);
        _openAndFallShort(3e18);
        vm.expectEmit(address(venue));
        emit IMarginGatedVenue.LiquidatedShort(alice, liquidator, 2, 57 * DOLLAR / 4);
        _liquidateShort();
        (uint256 counted,,) = vault.balanceOf(alice, address(quote));
        require(counted == 643 * DOLLAR && venue.pool() == POOL + 300 * DOLLAR);
        require(venue.creditOf(liquidator) == 57 * DOLLAR / 4);
        require(venue.insurance() == 57 * DOLLAR - 57 * DOLLAR / 4);
        require(!venue.hasExposure(alice) && venue.reserved() == 0);
    }

    /// @notice Sufficiency over older prices counts still, and does not help.
    function test_liquidates_at_once_who_holds_by_an_earlier_attestation() external {
        _openAndFallShort(3e18);
        require(attestationRegistry.isSufficientNoOlderThan(alice, POLICY, 0, 6 hours));
        _liquidateShort();
        require(!venue.hasExposure(alice) && venue.insurance() == 0 && venue.uncoveredLoss() == 300 * DOLLAR);
    }

    function test_who_liquidates_a_flagged_account_at_once_gets_the_reward() external {
        _deposit(1_000 * DOLLAR);
        _openAndFlag(3e18);
        _fallShort(1_900e8);
        _liquidateShort();
        require(venue.creditOf(flagger) == 0 && venue.creditOf(liquidator) == 57 * DOLLAR / 4);
        (Flag memory found, bool stands) = venue.flagOf(alice);
        require(found.time == 0 && !stands);
    }

    function test_rejects_liquidation_at_once_without_a_shortfall() external {
        _open(3e18);
        _expectNotShort();
        vm.warp(block.timestamp + 1 days);
        oracle.set(PRICE, false);
        _expectNotShort();
        attestationRegistry.vouchShort(flagger, POLICY, 2, type(uint64).max);
        _expectNotShort();
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NoPosition.selector, flagger));
        venue.liquidateShort(flagger);
    }

    function test_rejects_liquidation_at_once_where_the_venue_names_no_level() external {
        VenueRules memory rules = _rules();
        rules.shortfallLevel = 0;
        MarginGatedVenue patient = _create(rules);
        quote.approve(address(patient), type(uint256).max);
        patient.fund(POOL);
        vault.registerConsumer(patient, POLICY);
        attestationRegistry.vouch(alice, POLICY, 1, type(uint64).max);
        vm.prank(alice);
        patient.open(3e18);
        _fallShort(1_900e8);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotShort.selector, alice));
        patient.liquidateShort(alice);
    }

    /// @notice Attack: liquidate a solvent account that attests over the same prices or over newer ones.
    function test_rejects_liquidation_at_once_of_who_attests_to_the_same_prices_or_newer_ones() external {
        _openAndFallShort(3e18);
        for (uint256 level = 0; level < SHORTFALL; ++level) {
            uint256 state = vm.snapshotState();
            attestationRegistry.vouch(alice, POLICY, level, type(uint64).max);
            attestationRegistry.setEpoch(alice, POLICY, level, 2);
            _expectNotShort();
            oracle.set(1_900e8, false);
            attestationRegistry.setEpoch(alice, POLICY, level, 3);
            _expectNotShort();
            vm.revertToState(state);
        }
        _liquidateShort();
    }

    /// @notice Attack: liquidate at a price at which the account may be solvent.
    function test_rejects_liquidation_at_once_at_newer_prices_than_the_shortfalls() external {
        _openAndFallShort(3e18);
        oracle.set(1_901e8, false);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.ShortfallSuperseded.selector, 2));
        venue.liquidateShort(alice);
        attestationRegistry.vouchShort(alice, POLICY, 3, type(uint64).max);
        _liquidateShort();
    }

    function test_rejects_liquidation_at_once_after_a_deposit() external {
        _openAndFallShort(3e18);
        _deposit(DOLLAR);
        _expectNotShort();
        attestationRegistry.vouchShort(alice, POLICY, 2, type(uint64).max);
        _liquidateShort();
    }

    function test_rejects_liquidation_at_once_by_a_shortfall_that_has_lapsed() external {
        _openAndFallShort(3e18);
        attestationRegistry.vouchShort(alice, POLICY, 2, uint64(block.timestamp));
        vm.warp(block.timestamp + 1);
        _expectNotShort();
    }

    function test_rejects_liquidation_at_once_while_attesting_is_not_possible() external {
        _openAndFallShort(3e18);
        attestationRegistry.setAccepts(false);
        vm.expectRevert(IMarginGatedVenue.AttestingNotPossible.selector);
        venue.liquidateShort(alice);
        attestationRegistry.setAccepts(true);
        attestationRegistry.setInForce(false);
        vm.expectRevert(IMarginGatedVenue.AttestingNotPossible.selector);
        venue.liquidateShort(alice);
    }

    function test_rejects_liquidation_at_once_at_an_old_price() external {
        _openAndFallShort(3e18);
        vm.warp(block.timestamp + PRICE_AGE + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.PriceTooOld.selector, PRICE_AGE + 1));
        venue.liquidateShort(alice);
    }

    function test_rejects_liquidation_at_once_over_prices_older_than_the_newest() external {
        _openAndFallShort(3e18);
        attestationRegistry.setPricesAt(alice, POLICY, SHORTFALL, uint64(block.timestamp) - PRICE_AGE);
        uint256 state = vm.snapshotState();
        _liquidateShort();
        vm.revertToState(state);
        attestationRegistry.setPricesAt(alice, POLICY, SHORTFALL, uint64(block.timestamp) - PRICE_AGE - 1);
        _expectNotShort();
    }

    function test_rejects_liquidation_at_once_at_a_marked_price() external {
        _open(3e18);
        oracle.set(1_900e8, true);
        attestationRegistry.vouchShort(alice, POLICY, 2, type(uint64).max);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.PriceMarked.selector, 2));
        venue.liquidateShort(alice);
    }

    /// @notice Attack: attest to one's own shortfall, so that the flag is void and the grace begins anew.
    function test_a_shortfall_does_not_void_a_flag() external {
        _deposit(1_000 * DOLLAR);
        _openAndFlag(3e18);
        attestationRegistry.vouchShort(alice, POLICY, 2, type(uint64).max);
        (, bool stands) = venue.flagOf(alice);
        require(stands);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotSufficient.selector, alice, 0));
        venue.unflag(alice);
        _afterGrace(1_900e8);
        attestationRegistry.vouchShort(alice, POLICY, 3, type(uint64).max);
        _liquidate();
        require(venue.creditOf(flagger) == 57 * DOLLAR / 4);
    }

    // Settlement.

    function test_settles_after_a_long_outage() external {
        _deposit(1_000 * DOLLAR);
        _open(3e18);
        oracle.set(1_900e8, false);
        vm.warp(block.timestamp + SETTLEMENT_AGE);
        attestationRegistry.setInForce(false);
        vm.prank(liquidator);
        venue.settle(alice);
        (uint256 counted,,) = vault.balanceOf(alice, address(quote));
        require(counted == 700 * DOLLAR && !venue.hasExposure(alice) && venue.insurance() == 0);
        vm.prank(alice);
        vault.requestWithdrawal(address(quote), 700 * DOLLAR);
        vm.prank(alice);
        vault.withdraw(address(quote), alice);
    }

    function test_settles_at_the_last_price_without_a_mark() external {
        _open(3e18);
        oracle.set(2_100e8, false);
        oracle.set(9_000e8, true);
        vm.warp(block.timestamp + SETTLEMENT_AGE);
        venue.settle(alice);
        require(venue.creditOf(alice) == 300 * DOLLAR);
    }

    /// @notice Two marks in a row: a jump and its end. Nobody is paid at the height of it.
    function test_settles_at_the_price_of_opening_where_both_are_marked() external {
        _open(3e18);
        oracle.set(9_000e8, true);
        oracle.set(2_000e8, true);
        vm.warp(block.timestamp + SETTLEMENT_AGE);
        venue.settle(alice);
        require(venue.creditOf(alice) == 0 && !venue.hasExposure(alice));
    }

    /// @notice Attack: a false price, and the freeze that answers it, would guarantee the price to whoever gains by it.
    function test_rejects_settlement_at_a_price_that_a_freeze_distrusts() external {
        _open(3e18);
        oracle.set(9_000e8, false);
        uint256 state = vm.snapshotState();
        _freeze();
        vm.warp(block.timestamp + SETTLEMENT_AGE);
        venue.settle(alice);
        require(venue.creditOf(alice) == 0 && !venue.hasExposure(alice));
        // Nor while the policy thaws, or once it has thawed, until there is another price.
        for (uint256 i = 0; i < 2; ++i) {
            vm.revertToState(state);
            vm.warp(block.timestamp + SETTLEMENT_AGE);
            policyRegistry.setCountsFrom(uint40(block.timestamp + i));
            venue.settle(alice);
            require(venue.creditOf(alice) == 0 && !venue.hasExposure(alice));
        }
    }

    /// @notice Behind a marked snapshot may be one from before the freeze.
    function test_rejects_settlement_at_the_price_before_a_mark_that_a_freeze_distrusts() external {
        _open(3e18);
        oracle.set(9_000e8, false);
        vm.warp(block.timestamp + 100);
        policyRegistry.setCountsFrom(uint40(block.timestamp));
        oracle.set(2_000e8, true);
        vm.warp(block.timestamp + SETTLEMENT_AGE);
        venue.settle(alice);
        require(venue.creditOf(alice) == 0 && !venue.hasExposure(alice));
    }

    /// @notice The end of a policy says nothing against its last price, and nobody gains by waiting for it.
    function test_settles_at_the_last_price_of_a_policy_that_has_ended() external {
        _open(3e18);
        oracle.set(2_100e8, false);
        policyRegistry.setEnd(uint40(block.timestamp));
        attestationRegistry.setInForce(false);
        vm.warp(block.timestamp + SETTLEMENT_AGE);
        venue.settle(alice);
        require(venue.creditOf(alice) == 300 * DOLLAR);
    }

    function test_anybody_removes_a_flag_after_the_end_of_the_policy() external {
        _openAndFlag(3e18);
        oracle.setEpoch(uint64(block.timestamp / 300));
        attestationRegistry.setAccepts(false);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotSufficient.selector, alice, 0));
        venue.unflag(alice);
        policyRegistry.setEnd(uint40(block.timestamp - 1));
        venue.unflag(alice);
    }

    function _freeze() private {
        policyRegistry.setCountsFrom(type(uint40).max);
        attestationRegistry.setInForce(false);
    }

    function test_a_settlement_can_leave_a_shortfall() external {
        _open(3e18);
        oracle.set(1_900e8, false);
        vm.warp(block.timestamp + SETTLEMENT_AGE);
        venue.settle(alice);
        require(venue.uncoveredLoss() == 300 * DOLLAR);
    }

    function test_rejects_settlement_without_a_long_outage() external {
        _open(3e18);
        vm.warp(block.timestamp + SETTLEMENT_AGE - 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NoOutage.selector, SETTLEMENT_AGE - 1));
        venue.settle(alice);
    }

    // The vault.

    function test_rejects_a_withdrawal_with_a_position_and_no_attestation_without_it() external {
        _deposit(1_000 * DOLLAR);
        _open(3e18);
        vm.prank(alice);
        vault.requestWithdrawal(address(quote), 500 * DOLLAR);
        _expectRevert(abi.encodeWithSelector(ICollateralVault.NotAttested.selector, alice, address(venue)));
        vault.withdraw(address(quote), alice);
        attestationRegistry.vouch(alice, POLICY, 1, type(uint64).max);
        vm.prank(alice);
        vault.withdraw(address(quote), alice);
    }

    // The pool and the funds.

    function test_rejects_funding_by_anybody_else() external {
        bytes memory reason = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, alice);
        _expectRevert(reason);
        venue.fund(1);
        _expectRevert(reason);
        venue.defund(1, alice);
    }

    function test_rejects_taking_what_is_set_aside() external {
        _open(3e18);
        uint256 free = POOL - 24_000 * DOLLAR;
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.PoolTooSmall.selector, free + 1, free));
        venue.defund(free + 1, address(this));
        venue.defund(free, flagger);
        require(quote.balanceOf(flagger) == free && quote.balanceOf(address(venue)) == venue.pool());
        oracle.set(10_000e8, false);
        vm.prank(alice);
        venue.close();
        require(venue.creditOf(alice) == 24_000 * DOLLAR && venue.pool() == 0);
    }

    /// @notice Attack: a quote token that calls the payer, who calls the venue before it knows what has arrived.
    function test_rejects_calls_from_within_a_payment() external {
        (HookToken hooked, Caller payer) = (new HookToken(), new Caller());
        Asset[] memory list = new Asset[](1);
        list[0] = Asset({token: address(hooked), unit: 1e6, x: 1, y: 2});
        vault = new CollateralVault(attestationRegistry, keccak256("universe"), list);
        policyRegistry.setVault(address(vault));
        venue = new MarginGatedVenue(
            address(payer), attestationRegistry, policyRegistry, oracle, vault, hooked, NO_AUCTION, _rules()
        );
        bytes[13] memory entries = [
            abi.encodeCall(IMarginGatedVenue.open, (1e18)),
            abi.encodeCall(IMarginGatedVenue.close, ()),
            abi.encodeCall(IMarginGatedVenue.flag, (alice)),
            abi.encodeCall(IMarginGatedVenue.unflag, (alice)),
            abi.encodeCall(IMarginGatedVenue.liquidate, (alice)),
            abi.encodeCall(IMarginGatedVenue.liquidateShort, (alice)),
            abi.encodeCall(IMarginGatedVenue.settle, (alice)),
            abi.encodeCall(IMarginGatedVenue.claim, (alice)),
            abi.encodeCall(IMarginGatedVenue.fund, (1)),
            abi.encodeCall(IMarginGatedVenue.defund, (1, alice)),
            abi.encodeCall(IMarginGatedVenue.insure, (1)),
            abi.encodeCall(IMarginGatedVenue.coverLoss, (1)),
            abi.encodeCall(IMarginGatedVenue.collect, (alice))
        ];
        bytes memory reason = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        hooked.mint(address(payer), entries.length);
        payer.run(address(hooked), abi.encodeCall(hooked.approve, (address(venue), type(uint256).max)));
        for (uint256 i = 0; i < entries.length; ++i) {
            payer.run(address(hooked), abi.encodeCall(hooked.hook, (address(venue), entries[i])));
            payer.run(address(venue), abi.encodeCall(IMarginGatedVenue.insure, (1)));
            require(hooked.failures() == i + 1 && keccak256(hooked.lastFailure()) == keccak256(reason));
        }
        require(venue.insurance() == entries.length);
    }

    function test_rejects_amounts_of_nothing() external {
        bytes memory reason = abi.encodeWithSelector(IMarginGatedVenue.InvalidAmount.selector, 0);
        vm.expectRevert(reason);
        venue.fund(0);
        vm.expectRevert(reason);
        venue.insure(0);
        vm.expectRevert(reason);
        venue.coverLoss(0);
        vm.expectRevert(reason);
        venue.claim(alice);
    }

    /// @notice Attack: pay a little of what one owes, so that the exact payment of somebody else is too much.
    function test_covers_no_more_than_was_lost() external {
        _openAndLose(0);
        uint256 before = quote.balanceOf(address(this));
        venue.coverLoss(300 * DOLLAR + 1);
        require(before - quote.balanceOf(address(this)) == 300 * DOLLAR && venue.uncoveredLoss() == 0);
    }

    /// @notice A gain is never above the exact number and a loss never below, and both are within one unit.
    function testFuzz_rounding_is_against_the_account(int128 size, uint96 exit) external {
        size = int128(int256(size) % 40e18);
        vm.assume(size > 1e9 || size < -1e9);
        exit = uint96(100e8 + exit % 9_900e8);
        _deposit(POOL);
        _open(size);
        oracle.set(exit, false);
        vm.prank(alice);
        venue.close();
        int256 exact = int256(size) * (int256(uint256(exit)) - int256(uint256(PRICE)));
        int256 gained = int256(POOL) - int256(venue.pool());
        int256 difference = exact - gained * 1e20;
        require(difference >= 0 && difference < 1e20);
        require(quote.balanceOf(address(venue)) == venue.pool() + venue.creditOf(alice));
    }

    function _rules() private pure returns (VenueRules memory) {
        return VenueRules({
            policy: POLICY,
            market: 1,
            maintenanceLevel: 0,
            initialLevel: 1,
            shortfallLevel: SHORTFALL,
            openingAge: 5 minutes,
            holdingAge: 6 hours,
            maxPriceAge: PRICE_AGE,
            grace: GRACE,
            settlementAge: SETTLEMENT_AGE,
            sizeDecimals: 18,
            penalty: 10_000,
            reward: 250_000,
            maxNotional: uint128(100_000 * DOLLAR)
        });
    }

    function _create(VenueRules memory rules) private returns (MarginGatedVenue) {
        return new MarginGatedVenue(
            address(this), attestationRegistry, policyRegistry, oracle, vault, quote, NO_AUCTION, rules
        );
    }

    function _deposit(uint256 amount) private {
        vm.prank(alice);
        vault.deposit(address(quote), amount);
    }

    function _open(int128 size) private {
        attestationRegistry.vouch(alice, POLICY, 1, uint64(block.timestamp + 2 hours));
        vm.prank(alice);
        venue.open(size);
    }

    function _openAndFlag(int128 size) private {
        _open(size);
        vm.warp(block.timestamp + 1 days);
        oracle.set(PRICE, false);
        vm.prank(flagger);
        venue.flag(alice);
    }

    /// @dev And after the window in which attesting over the newest snapshot is possible.
    function _afterGrace(uint96 price) private {
        vm.warp(block.timestamp + GRACE);
        oracle.set(price, false);
        vm.warp(block.timestamp + WINDOW);
    }

    function _liquidate() private {
        vm.prank(liquidator);
        venue.liquidate(alice);
    }

    function _openAndFallShort(int128 size) private {
        _open(size);
        _fallShort(1_900e8);
    }

    /// @dev A shortfall over a snapshot of now.
    function _fallShort(uint96 price) private {
        oracle.set(price, false);
        attestationRegistry.vouchShort(alice, POLICY, oracle.latest(POLICY).epoch, type(uint64).max);
    }

    function _liquidateShort() private {
        vm.prank(liquidator);
        venue.liquidateShort(alice);
    }

    function _expectNotShort() private {
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.NotShort.selector, alice));
        venue.liquidateShort(alice);
    }

    /// @dev A loss of 300 with so much collateral.
    function _openAndLose(uint256 collateral) private {
        if (collateral != 0) _deposit(collateral);
        _openAndFlag(3e18);
        _afterGrace(1_900e8);
        _liquidate();
    }

    /// @dev Of alice's next call.
    function _expectRevert(bytes memory reason) private {
        vm.prank(alice);
        vm.expectRevert(reason);
    }

    function _expectInvalidRules(VenueRules memory rules, string memory part) private {
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InvalidRules.selector, part));
        _create(rules);
    }
}
