// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {CollateralAuction} from "../src/core/CollateralAuction.sol";
import {CollateralVault} from "../src/core/CollateralVault.sol";
import {ICollateralAuction} from "../src/interfaces/ICollateralAuction.sol";
import {ICollateralVault} from "../src/interfaces/ICollateralVault.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {SuretyMockRegistry} from "../src/mocks/SuretyMockRegistry.sol";
import {AuctionRules, Lot} from "../src/types/Auction.sol";
import {Asset} from "../src/types/Collateral.sol";
import {OracleStandIn, PolicyRegistryStandIn} from "./support/MarketStandIns.sol";
import {SellingVenueStandIn} from "./support/SellingVenueStandIn.sol";
import {Exchange, FlashTaker, HostileTaker} from "./support/Takers.sol";
import {FeeToken, HookToken, ShrinkingToken} from "./support/Tokens.sol";
import {vm} from "./support/Vm.sol";

/// @notice Prices, fills and tokens of collateral auctions, for a venue that keeps no books.
///
/// The quote token has 6 decimals, ether 18 and a price of 8, the coin 6 and a price of one without decimals.
contract CollateralAuctionTest {
    bytes32 private constant POLICY = keccak256("policy");
    uint96 private constant PRICE = 2_000e8;
    uint256 private constant DOLLAR = 1e6;
    uint40 private constant DURATION = 1 hours;
    uint40 private constant PRICE_AGE = 2 hours;
    uint256 private constant MOST = type(uint256).max;

    SuretyMockRegistry private attestationRegistry = new SuretyMockRegistry(3, 1);
    PolicyRegistryStandIn private policyRegistry = new PolicyRegistryStandIn();
    OracleStandIn private oracle = new OracleStandIn();
    MockToken private quote = new MockToken(6);
    MockToken private ether_ = new MockToken(18);
    MockToken private coin = new MockToken(6);
    CollateralVault private vault;
    CollateralAuction private auction;
    SellingVenueStandIn private venue;
    address private alice = address(0xa11ce);
    address private bob = address(0xb0b);

    function setUp() external {
        vm.warp(1_000_000);
        attestationRegistry.setPolicyRegistry(policyRegistry);
        policyRegistry.addFeed(0, 1, 1);
        policyRegistry.addFeed(8, 100e8, 10_000e8);
        _deploy(quote, ether_);
        oracle.set(PRICE, false);
        quote.mint(address(this), 1e18);
        _deposit(alice, ether_, 10e18);
        _deposit(alice, coin, 1_000 * DOLLAR);
        _deposit(bob, ether_, 10e18);
    }

    // The rules and the list.

    function test_keeps_its_rules_and_lots() external view {
        require(keccak256(abi.encode(auction.rules())) == keccak256(abi.encode(_rules())));
        require(keccak256(abi.encode(auction.lots())) == keccak256(abi.encode(_lots(ether_))));
    }

    function test_rejects_rules_of_auctions_that_do_not_go_together() external {
        AuctionRules memory rules = _rules();
        rules.start = 999_999;
        _expectInvalidRules(rules, "start");
        rules = _rules();
        rules.floor = 0;
        _expectInvalidRules(rules, "floor");
        rules.floor = 1_000_001;
        _expectInvalidRules(rules, "floor");
        rules = _rules();
        rules.duration = 599;
        _expectInvalidRules(rules, "duration");
        rules = _rules();
        rules.minimum = 0;
        _expectInvalidRules(rules, "minimum");
        rules = _rules();
        rules.maxPriceAge = 149;
        _expectInvalidRules(rules, "maxPriceAge");
        rules.maxPriceAge = 150;
        (rules.start, rules.floor, rules.duration, rules.minimum) = (1_000_000, 1_000_000, 600, 1);
        _create(quote, rules, _lots(ether_));
        MockToken other = new MockToken(6);
        vm.expectRevert(abi.encodeWithSelector(ICollateralAuction.InvalidRules.selector, "quote"));
        _create(other, rules, _lots(ether_));
    }

    function test_rejects_lots_that_cannot_be_sold() external {
        Lot[] memory lots = _lots(ether_);
        lots[1].token = address(quote);
        _expectInvalidLot(lots, 1);
        lots[1].token = address(ether_);
        _expectInvalidLot(lots, 1);
        lots[1].token = address(new MockToken(6));
        _expectInvalidLot(lots, 1);
        lots = _lots(ether_);
        lots[0].market = 2;
        _expectInvalidLot(lots, 0);
    }

    function test_rejects_lots_with_decimals_that_do_not_go_together() external {
        _deploy(quote, new MockToken(69));
        MockToken[2] memory others = [new MockToken(5), new MockToken(70)];
        for (uint256 i = 0; i < 2; ++i) {
            Asset[] memory list = _assets(quote, others[i]);
            vault = new CollateralVault(attestationRegistry, keccak256("universe"), list);
            Lot[] memory lots = new Lot[](1);
            lots[0] = Lot({token: address(others[i]), market: uint8(i)});
            _expectInvalidLot(lots, 0);
        }
    }

    // Prices.

    function test_the_price_falls_in_a_straight_line() external {
        _start(alice, 10_000 * DOLLAR);
        _expectOffer(1e18, 2_400 * DOLLAR);
        vm.warp(block.timestamp + DURATION / 4);
        _expectOffer(1e18, 2_200 * DOLLAR);
        vm.warp(block.timestamp + DURATION / 4 + 1);
        // A share of 999,888.89 parts per million, rounded up.
        _expectOffer(1e18, 1_999_778_000);
        vm.warp(block.timestamp + DURATION / 2 - 1);
        _expectOffer(1e18, 1_600 * DOLLAR);
    }

    function test_rejects_taking_once_the_auction_is_over() external {
        uint256 until = block.timestamp + DURATION;
        _start(alice, 10_000 * DOLLAR);
        vm.warp(until + 1);
        _expectRefusal(alice, ether_, 1e18, abi.encodeWithSelector(ICollateralAuction.AuctionOver.selector, until));
        auction.restart(alice);
        require(auction.startedAt(alice) == until + 1);
        _expectOffer(1e18, 2_400 * DOLLAR);
    }

    /// @notice Attack: restart the auction whenever the price has become fair, so that it never ends.
    function test_rejects_a_restart_of_an_auction_that_runs() external {
        uint256 until = block.timestamp + DURATION;
        _start(alice, 10_000 * DOLLAR);
        bytes memory reason = abi.encodeWithSelector(ICollateralAuction.AuctionRunning.selector, until);
        vm.expectRevert(reason);
        auction.restart(alice);
        vm.warp(until);
        vm.expectRevert(reason);
        auction.restart(alice);
    }

    function test_rejects_a_restart_while_prices_are_marked() external {
        _start(alice, 10_000 * DOLLAR);
        vm.warp(block.timestamp + DURATION + 1);
        oracle.set(PRICE, true);
        vm.expectRevert(abi.encodeWithSelector(ICollateralAuction.PriceMarked.selector, 2));
        auction.restart(alice);
    }

    function test_rejects_a_restart_where_nothing_is_owed() external {
        vm.warp(block.timestamp + DURATION + 1);
        vm.expectRevert(abi.encodeWithSelector(ICollateralAuction.NothingOwed.selector, alice));
        auction.restart(alice);
    }

    function test_rejects_a_start_by_anybody_else() external {
        venue.setOwed(alice, DOLLAR);
        vm.expectRevert(ICollateralAuction.OnlyVenue.selector);
        auction.start(alice);
    }

    function test_rejects_a_start_where_nothing_is_owed() external {
        vm.expectRevert(abi.encodeWithSelector(ICollateralAuction.NothingOwed.selector, alice));
        venue.start(auction, alice, 0);
    }

    /// @notice Attack: time a snapshot at a moment's low price, and take at that.
    function test_one_low_snapshot_makes_nothing_cheaper() external {
        _start(alice, 100_000 * DOLLAR);
        oracle.set(1_000e8, false);
        _expectOffer(1e18, 2_400 * DOLLAR);
        oracle.set(1_000e8, false);
        _expectOffer(1e18, 1_200 * DOLLAR);
        oracle.set(3_000e8, false);
        _expectOffer(1e18, 3_600 * DOLLAR);
    }

    function test_while_a_mark_stands_nothing_is_sold_below_the_floor_of_either_price() external {
        _start(alice, 100_000 * DOLLAR);
        vm.warp(block.timestamp + DURATION);
        oracle.set(200e8, true);
        _expectOffer(1e18, 1_600 * DOLLAR);
        oracle.set(9_000e8, true);
        _expectOffer(1e18, 7_200 * DOLLAR);
    }

    function test_rejects_taking_while_the_policy_does_not_count() external {
        _start(alice, DOLLAR);
        policyRegistry.setCountsFrom(type(uint40).max);
        bytes memory reason = abi.encodeWithSelector(ICollateralAuction.PolicyNotInForce.selector, POLICY);
        _expectRefusal(alice, ether_, 1e18, reason);
        vm.warp(block.timestamp + DURATION + 1);
        vm.expectRevert(reason);
        auction.restart(alice);
    }

    function test_rejects_taking_at_prices_from_before_a_freeze() external {
        _start(alice, DOLLAR);
        vm.warp(block.timestamp + 1);
        policyRegistry.setCountsFrom(uint40(block.timestamp));
        bytes memory reason = abi.encodeWithSelector(ICollateralAuction.PriceBeforeFreeze.selector, 1);
        _expectRefusal(alice, ether_, 1e18, reason);
        policyRegistry.setCountsFrom(uint40(block.timestamp - 1));
        _take(alice, ether_, 1e18);
    }

    function test_rejects_taking_at_old_prices() external {
        vm.warp(block.timestamp + PRICE_AGE);
        _start(alice, 10_000 * DOLLAR);
        _take(alice, ether_, 1e18);
        vm.warp(block.timestamp + 1);
        bytes memory reason = abi.encodeWithSelector(ICollateralAuction.PriceTooOld.selector, PRICE_AGE + 1);
        _expectRefusal(alice, ether_, 1e18, reason);
        vm.warp(block.timestamp + DURATION);
        vm.expectRevert(abi.encodeWithSelector(ICollateralAuction.PriceTooOld.selector, PRICE_AGE + DURATION + 1));
        auction.restart(alice);
    }

    /// @notice Attack: have the price fall while nothing can be sold, and take at the floor as soon as something can.
    function test_rejects_taking_at_a_price_that_fell_while_nothing_was_for_sale() external {
        vm.warp(block.timestamp + PRICE_AGE + 1);
        _start(alice, 10_000 * DOLLAR);
        require(auction.startedAt(alice) == 0);
        oracle.set(PRICE, false);
        _expectRefusal(
            alice, ether_, 1e18, abi.encodeWithSelector(ICollateralAuction.AuctionOver.selector, uint256(DURATION))
        );
        auction.restart(alice);
        _expectOffer(1e18, 2_400 * DOLLAR);
    }

    function test_an_auction_ends_with_a_freeze_and_is_restarted_after_it() external {
        _start(alice, 10_000 * DOLLAR);
        vm.warp(block.timestamp + DURATION / 2);
        policyRegistry.setCountsFrom(uint40(block.timestamp));
        oracle.set(PRICE, false);
        _expectRefusal(
            alice, ether_, 1e18, abi.encodeWithSelector(ICollateralAuction.AuctionOver.selector, uint256(DURATION))
        );
        auction.restart(alice);
        _expectOffer(1e18, 2_400 * DOLLAR);
    }

    // Fills.

    function test_takes_and_pays() external {
        _start(alice, 10_000 * DOLLAR);
        vm.expectEmit(address(auction));
        emit ICollateralAuction.Taken(
            alice, address(ether_), address(this), address(0xcafe), 1e18, 2_400 * DOLLAR, 2_400 * DOLLAR
        );
        (uint256 taken, uint256 payment) = auction.take(alice, address(ether_), 1e18, MOST, address(0xcafe), "");
        require(taken == 1e18 && payment == 2_400 * DOLLAR && venue.owedBy(alice) == 7_600 * DOLLAR);
        require(ether_.balanceOf(address(0xcafe)) == 1e18 && quote.balanceOf(address(venue)) == 2_400 * DOLLAR);
        (uint256 counted,,) = vault.balanceOf(alice, address(ether_));
        require(counted == 9e18);
    }

    function test_takes_any_lot_until_all_is_paid() external {
        _start(alice, 5_000 * DOLLAR);
        require(_take(alice, coin, 2_000 * DOLLAR) == 1_200 * DOLLAR);
        require(_take(alice, ether_, 10e18) == 3_800 * DOLLAR);
        (uint256 counted,,) = vault.balanceOf(alice, address(ether_));
        // 3,800 at 2,400 each, rounded down.
        require(counted == 10e18 - 1_583333333333333333 && venue.owedBy(alice) == 0);
        _expectRefusal(alice, ether_, 1, abi.encodeWithSelector(ICollateralAuction.NothingOwed.selector, alice));
    }

    /// @notice What is owed would buy more than the smallest unit.
    function test_takes_no_more_than_is_asked_for() external {
        _start(alice, 1);
        _expectOffer(1, 1);
        (uint256 taken, uint256 payment) = auction.offerOf(alice, address(ether_), 1e18);
        require(taken == 416_666_666 && payment == 1);
    }

    function test_takes_what_waits_to_be_withdrawn() external {
        vm.prank(alice);
        vault.requestWithdrawal(address(ether_), 10e18);
        _start(alice, 100_000 * DOLLAR);
        require(_take(alice, ether_, 11e18) == 24_000 * DOLLAR);
    }

    function test_rejects_taking_nothing() external {
        _start(alice, 10_000 * DOLLAR);
        bytes memory reason = abi.encodeWithSelector(ICollateralAuction.InvalidAmount.selector, 0);
        _expectRefusal(alice, ether_, 0, reason);
        _take(alice, coin, 1_000 * DOLLAR);
        _expectRefusal(alice, coin, 1, reason);
    }

    function test_rejects_taking_what_is_not_for_sale() external {
        _start(alice, 10_000 * DOLLAR);
        bytes memory reason = abi.encodeWithSelector(ICollateralAuction.UnknownLot.selector, quote);
        _expectRefusal(alice, quote, 1, reason);
    }

    function test_rejects_taking_from_who_owes_nothing() external {
        _start(alice, 10_000 * DOLLAR);
        _expectRefusal(bob, ether_, 1e18, abi.encodeWithSelector(ICollateralAuction.NothingOwed.selector, bob));
    }

    /// @notice Attack: restart or buy ahead of somebody, who would pay the higher price for the little that is left.
    function test_rejects_a_payment_beyond_the_limit_for_what_there_is() external {
        _start(alice, 100_000 * DOLLAR);
        bytes memory reason =
            abi.encodeWithSelector(ICollateralAuction.TooExpensive.selector, 2_400 * DOLLAR, 2_400 * DOLLAR - 1);
        vm.expectRevert(reason);
        auction.take(alice, address(ether_), 1e18, 2_400 * DOLLAR - 1, address(this), "");
        reason = abi.encodeWithSelector(ICollateralAuction.TooExpensive.selector, 24_000 * DOLLAR, 23_500 * DOLLAR);
        vm.expectRevert(reason);
        auction.take(alice, address(ether_), 20e18, 47_000 * DOLLAR, address(this), "");
        auction.take(alice, address(ether_), 20e18, 48_000 * DOLLAR, address(this), "");
    }

    /// @notice Attack: leave so little owed that nobody pays the gas to end the auction, and the account stays held.
    function test_rejects_leaving_dust() external {
        _start(alice, 10_000 * DOLLAR);
        uint256 amount = 4_125 * 1e15;
        _take(alice, ether_, amount - 1e15 * 125);
        // 400 are owed, of which 100 must be left.
        bytes4 selector = ICollateralAuction.Dust.selector;
        bytes memory reason = abi.encodeWithSelector(selector, 300 * DOLLAR + 2, 100 * DOLLAR - 2);
        _expectRefusal(alice, coin, 250 * DOLLAR + 1, reason);
        _take(alice, coin, 250 * DOLLAR);
        require(venue.owedBy(alice) == 100 * DOLLAR);
        _take(alice, coin, 1_000 * DOLLAR);
        require(venue.owedBy(alice) == 0);
    }

    /// @notice Attack: end the account's attestations again and again, by fills that cost nearly nothing.
    function test_rejects_paying_dust() external {
        _start(alice, 10_000 * DOLLAR);
        bytes memory reason =
            abi.encodeWithSelector(ICollateralAuction.Dust.selector, 100 * DOLLAR - 1, 9_900 * DOLLAR + 1);
        _expectRefusal(alice, ether_, 41_666_666_250_000_000, reason);
        _take(alice, ether_, 41_666_666_666_666_666);
        require(venue.owedBy(alice) == 9_900 * DOLLAR);
    }

    function test_leaves_dust_where_there_is_no_more_of_the_token() external {
        _start(alice, 1_201 * DOLLAR);
        _take(alice, coin, 1_000 * DOLLAR);
        require(venue.owedBy(alice) == DOLLAR);
        _take(alice, ether_, 10e18);
        require(venue.owedBy(alice) == 0);
    }

    function test_a_smaller_unit_than_is_owed_is_not_sold_for_nothing() external {
        _deploy(quote, new MockToken(0));
        MockToken whole = ether_;
        _deposit(alice, whole, 10);
        oracle.set(PRICE, false);
        _start(alice, 2_399 * DOLLAR);
        _expectRefusal(alice, whole, 1, abi.encodeWithSelector(ICollateralAuction.InvalidAmount.selector, 0));
        venue.setOwed(alice, 2_400 * DOLLAR);
        require(_take(alice, whole, 10) == 2_400 * DOLLAR);
    }

    /// @notice Many fills pay no less than one, in any order, and take from no other account.
    function testFuzz_the_order_of_fills_does_not_matter(uint256 first, uint256 second, uint256 elapsed) external {
        (first, second) = (1e17 + first % 4e18, 1e17 + second % 4e18);
        _start(alice, 100_000 * DOLLAR);
        _start(bob, 100_000 * DOLLAR);
        vm.warp(block.timestamp + elapsed % (DURATION + 1));
        uint256 state = vm.snapshotState();
        uint256 together = _take(alice, ether_, first + second);
        vm.revertToState(state);
        uint256 apart = _take(alice, ether_, first);
        uint256 others = _take(bob, ether_, second);
        apart += _take(alice, ether_, second);
        require(together <= apart && apart <= together + 1);
        vm.revertToState(state);
        require(_take(bob, ether_, second) == others && _take(alice, ether_, second) == others);
        require(_take(alice, ether_, first) + others == apart);
    }

    /// @notice No payment is below the floor, at most a unit above the price at the start, and none is beyond the debt.
    function testFuzz_payments_are_between_floor_and_start(
        uint96 price,
        uint96 before,
        uint256 amount,
        uint256 owed,
        uint256 elapsed
    ) external {
        (price, before) = (1 + price % 1e12, 1 + before % 1e12);
        (amount, owed) = (1 + amount % 11e18, 1 + owed % 1e15);
        oracle.set(before, false);
        oracle.set(price, price % 2 == 0);
        _start(alice, owed);
        vm.warp(block.timestamp + elapsed % (DURATION + 1));
        (bool success, bytes memory answer) =
            address(auction).staticcall(abi.encodeCall(ICollateralAuction.offerOf, (alice, address(ether_), amount)));
        if (!success) return;
        (uint256 taken, uint256 payment) = abi.decode(answer, (uint256, uint256));
        uint256 higher = Math.max(price, before);
        require(taken <= amount && payment <= owed);
        require(payment * 1e26 >= taken * higher * 8 / 10 * 1e6);
        require(payment == owed || payment * 1e26 <= taken * higher * 12 / 10 * 1e6 + 1e26);
    }

    // Takers.

    function test_a_taker_pays_out_of_what_it_takes() external {
        Exchange exchange = new Exchange(ether_, quote, 2_500 * DOLLAR);
        quote.mint(address(exchange), 1e12);
        FlashTaker taker = new FlashTaker(auction, exchange);
        _start(alice, 2_400 * DOLLAR);
        taker.take(alice, address(ether_), 1e18);
        require(quote.balanceOf(address(taker)) == 100 * DOLLAR && venue.owedBy(alice) == 0);
    }

    function test_rejects_a_taker_that_does_not_pay() external {
        Exchange exchange = new Exchange(ether_, quote, 2_399 * DOLLAR);
        quote.mint(address(exchange), 1e12);
        FlashTaker taker = new FlashTaker(auction, exchange);
        _start(alice, 2_400 * DOLLAR);
        bytes4 selector = IERC20Errors.ERC20InsufficientBalance.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, taker, 2_399 * DOLLAR, 2_400 * DOLLAR));
        taker.take(alice, address(ether_), 1e18);
        require(venue.owedBy(alice) == 2_400 * DOLLAR && ether_.balanceOf(address(vault)) == 20e18);
    }

    /// @notice Attack: take from within a taker's call, before the first payment is booked.
    function test_rejects_taking_from_within_a_taking() external {
        HostileTaker taker = _taker();
        _start(alice, 24_000 * DOLLAR);
        bytes memory again =
            abi.encodeCall(ICollateralAuction.take, (alice, address(ether_), 1e18, MOST, address(taker), ""));
        _takeAs(taker, again);
        bytes memory reason = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        require(!taker.succeeded() && keccak256(taker.answer()) == keccak256(reason));
        _takeAs(taker, abi.encodeCall(ICollateralAuction.restart, (alice)));
        require(!taker.succeeded() && bytes4(taker.answer()) == ICollateralAuction.AuctionRunning.selector);
        _takeAs(taker, abi.encodeCall(ICollateralAuction.start, (alice)));
        require(!taker.succeeded() && bytes4(taker.answer()) == ICollateralAuction.OnlyVenue.selector);
        require(venue.owedBy(alice) == 16_800 * DOLLAR);
    }

    /// @notice Nobody is called but who calls: a recipient cannot be had to do anything.
    function test_calls_nobody_but_the_caller() external {
        HostileTaker other = _taker();
        _start(alice, 10_000 * DOLLAR);
        vm.expectRevert(bytes(""));
        auction.take(alice, address(ether_), 1e18, MOST, address(other), "data");
    }

    // Tokens.

    /// @notice What leaves the vault is paid for: the taker bears the fee of a token.
    function test_the_taker_bears_the_fee_of_a_token() external {
        FeeToken fee = new FeeToken();
        _deploy(quote, fee);
        oracle.set(PRICE, false);
        _deposit(alice, fee, 1_000_000);
        _start(alice, 100_000 * DOLLAR);
        (uint256 counted,,) = vault.balanceOf(alice, address(fee));
        (uint256 taken, uint256 payment) =
            auction.take(alice, address(fee), 500_000, MOST, address(0xcafe), "");
        (uint256 left,,) = vault.balanceOf(alice, address(fee));
        require(taken == 500_000 && payment == 1_200 * DOLLAR && counted - left == taken);
        require(fee.balanceOf(address(0xcafe)) == 495_000 && fee.balanceOf(address(vault)) == left);
    }

    function test_what_arrives_of_a_quote_token_with_a_fee_is_booked() external {
        FeeToken fee = new FeeToken();
        _deploy(fee, ether_);
        fee.mint(address(this), 1e12);
        oracle.set(PRICE, false);
        _deposit(alice, ether_, 1e18);
        _start(alice, 2_400 * DOLLAR);
        require(_take(alice, ether_, 1e18) == 2_400 * DOLLAR && venue.owedBy(alice) == 24 * DOLLAR);
    }

    /// @notice Attack: a token that calls its recipient, who takes again or withdraws.
    function test_rejects_calls_from_within_a_delivery() external {
        HookToken hooked = new HookToken();
        _deploy(quote, hooked);
        oracle.set(PRICE, false);
        HostileTaker taker = _taker();
        _deposit(alice, hooked, 10e18);
        _start(alice, 24_000 * DOLLAR);
        bytes memory reason = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        bytes memory take =
            abi.encodeCall(ICollateralAuction.take, (alice, address(hooked), 1e18, MOST, address(taker), ""));
        address[2] memory targets = [address(auction), address(vault)];
        bytes[2] memory calls = [take, abi.encodeCall(ICollateralVault.withdraw, (address(hooked), address(taker)))];
        for (uint256 i = 0; i < 2; ++i) {
            taker.run(address(hooked), abi.encodeCall(hooked.hook, (targets[i], calls[i])));
            taker.run(address(auction), take);
            require(hooked.failures() == i + 1 && keccak256(hooked.lastFailure()) == keccak256(reason));
        }
        require(venue.owedBy(alice) == 19_200 * DOLLAR && hooked.balanceOf(address(taker)) == 2e18);
    }

    /// @notice Nobody pays for what a token has taken away: the vault cannot deliver it.
    function test_rejects_taking_what_a_token_has_taken_away() external {
        ShrinkingToken shrinking = new ShrinkingToken();
        _deploy(quote, shrinking);
        oracle.set(PRICE, false);
        _deposit(alice, shrinking, 10e18);
        _start(alice, 100_000 * DOLLAR);
        shrinking.shrink(5e17);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, vault, 10e18, 12e18));
        auction.take(alice, address(shrinking), 6e18, MOST, address(this), "");
        require(_take(alice, shrinking, 5e18) == 12_000 * DOLLAR && shrinking.balanceOf(address(this)) == 5e18);
    }

    /// @notice Tokens that are sent to the auction or the venue pay nothing and stop nothing.
    function test_donations_change_nothing() external {
        _start(alice, 2_400 * DOLLAR);
        quote.mint(address(auction), 1e12);
        quote.mint(address(venue), 1e12);
        ether_.mint(address(auction), 1e18);
        ether_.mint(address(vault), 1e18);
        _expectOffer(1e18, 2_400 * DOLLAR);
        require(_take(alice, ether_, 1e18) == 2_400 * DOLLAR && venue.owedBy(alice) == 0);
    }

    // What the tests are made of.

    function _rules() private pure returns (AuctionRules memory) {
        return AuctionRules({
            policy: POLICY,
            start: 1_200_000,
            floor: 800_000,
            duration: DURATION,
            maxPriceAge: PRICE_AGE,
            minimum: uint96(100 * DOLLAR)
        });
    }

    function _lots(MockToken first) private view returns (Lot[] memory lots) {
        lots = new Lot[](2);
        lots[0] = Lot({token: address(first), market: 1});
        lots[1] = Lot({token: address(coin), market: 0});
    }

    function _assets(MockToken quote_, MockToken first) private view returns (Asset[] memory list) {
        list = new Asset[](3);
        uint256[2][3] memory points = [[uint256(1), 2], _multiple(2), _multiple(3)];
        MockToken[3] memory tokens = [quote_, first, coin];
        for (uint256 i = 0; i < 3; ++i) {
            list[i] = Asset({token: address(tokens[i]), unit: 1e3, x: points[i][0], y: points[i][1]});
        }
    }

    function _multiple(uint256 scalar) private view returns (uint256[2] memory) {
        (bool success, bytes memory product) = address(0x07).staticcall(abi.encode(1, 2, scalar));
        require(success);
        return abi.decode(product, (uint256[2]));
    }

    function _create(MockToken quote_, AuctionRules memory rules, Lot[] memory lots)
        private
        returns (CollateralAuction)
    {
        return new CollateralAuction(policyRegistry, oracle, vault, quote_, rules, lots);
    }

    /// @dev A vault of the quote token, the first lot and the coin, its auction and its venue.
    function _deploy(MockToken quote_, MockToken first) private {
        vault = new CollateralVault(attestationRegistry, keccak256("universe"), _assets(quote_, first));
        policyRegistry.setVault(address(vault));
        auction = _create(quote_, _rules(), _lots(first));
        venue = new SellingVenueStandIn(vault);
        vault.setVenue(venue, POLICY);
        quote_.approve(address(venue), MOST);
        (quote, ether_) = (quote_, first);
    }

    function _deposit(address subject, MockToken token, uint256 amount) private {
        token.mint(subject, amount);
        vm.prank(subject);
        token.approve(address(vault), amount);
        vm.prank(subject);
        vault.deposit(address(token), amount);
    }

    function _start(address subject, uint256 owed) private {
        venue.start(auction, subject, owed);
    }

    function _take(address subject, MockToken token, uint256 amount) private returns (uint256 payment) {
        (, payment) = auction.take(subject, address(token), amount, MOST, address(this), "");
    }

    /// @dev A taker with money.
    function _taker() private returns (HostileTaker taker) {
        taker = new HostileTaker();
        quote.mint(address(taker), 1e18);
        taker.run(address(quote), abi.encodeCall(quote.approve, (address(venue), MOST)));
    }

    /// @dev Takes one ether of alice's, and calls the auction in between.
    function _takeAs(HostileTaker taker, bytes memory call) private {
        bytes memory data = abi.encode(address(auction), call);
        taker.run(
            address(auction),
            abi.encodeCall(ICollateralAuction.take, (alice, address(ether_), 1e18, MOST, address(taker), data))
        );
    }

    function _expectOffer(uint256 amount, uint256 expected) private view {
        (uint256 taken, uint256 payment) = auction.offerOf(alice, address(ether_), amount);
        require(taken == amount && payment == expected);
    }

    function _expectRefusal(address subject, MockToken token, uint256 amount, bytes memory reason) private {
        vm.expectRevert(reason);
        auction.take(subject, address(token), amount, MOST, address(this), "");
    }

    function _expectInvalidRules(AuctionRules memory rules, string memory part) private {
        vm.expectRevert(abi.encodeWithSelector(ICollateralAuction.InvalidRules.selector, part));
        _create(quote, rules, _lots(ether_));
    }

    function _expectInvalidLot(Lot[] memory lots, uint256 index) private {
        vm.expectRevert(abi.encodeWithSelector(ICollateralAuction.InvalidLot.selector, index));
        _create(quote, _rules(), lots);
    }
}
