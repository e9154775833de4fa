// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {CollateralAuction} from "../src/core/CollateralAuction.sol";
import {CollateralVault} from "../src/core/CollateralVault.sol";
import {MarginGatedVenue} from "../src/examples/MarginGatedVenue.sol";
import {ICollateralAuction} from "../src/interfaces/ICollateralAuction.sol";
import {ICollateralVault} from "../src/interfaces/ICollateralVault.sol";
import {IMarginGatedVenue} from "../src/interfaces/IMarginGatedVenue.sol";
import {ISellingVenue} from "../src/interfaces/ISellingVenue.sol";
import {Bn254} from "../src/libraries/Bn254.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {SuretyMockRegistry} from "../src/mocks/SuretyMockRegistry.sol";
import {AuctionRules, Lot} from "../src/types/Auction.sol";
import {Asset} from "../src/types/Collateral.sol";
import {Debt, VenueRules} from "../src/types/Venue.sol";
import {OracleStandIn, PolicyRegistryStandIn} from "./support/MarketStandIns.sol";
import {HostileTaker} from "./support/Takers.sol";
import {HookToken} from "./support/Tokens.sol";
import {vm} from "./support/Vm.sol";

/// @notice The example venue with an auction: what accounts owe, what is sold for it, and what that is booked as.
///
/// Alice has ether in the vault and a position of three ether, which loses 300 and costs a penalty of 57, of which a
/// quarter is the keeper's.
contract MarginGatedVenueAuctionTest {
    bytes32 private constant POLICY = keccak256("policy");
    uint40 private constant GRACE = 1 hours;
    uint40 private constant DURATION = 1 hours;
    uint32 private constant SHORTFALL = 3;
    uint256 private constant DOLLAR = 1e6;
    uint256 private constant POOL = 1_000_000 * DOLLAR;
    uint256 private constant MOST = type(uint256).max;
    uint256 private constant REWARD = 57 * DOLLAR / 4;

    SuretyMockRegistry private attestationRegistry = new SuretyMockRegistry(3, 1);
    PolicyRegistryStandIn private policyRegistry = new PolicyRegistryStandIn();
    OracleStandIn private oracle = new OracleStandIn();
    MockToken private quote = new MockToken(6);
    MockToken private ether_ = new MockToken(18);
    CollateralVault private vault;
    CollateralAuction private auction;
    MarginGatedVenue private venue;
    address private alice = address(0xa11ce);
    address private keeper = address(0x4ee9e5);

    function setUp() external {
        vm.warp(1_000_000);
        attestationRegistry.setPolicyRegistry(policyRegistry);
        policyRegistry.addFeed(0, 1, 1);
        policyRegistry.addFeed(8, 100e8, 10_000e8);
        vault = new CollateralVault(attestationRegistry, keccak256("universe"), _assets());
        attestationRegistry.setVault(vault);
        policyRegistry.setVault(address(vault));
        auction = _auction(vault, quote, POLICY);
        venue = _create(auction, _rules());
        vault.setVenue(venue, POLICY);
        quote.mint(address(this), 10 * POOL);
        quote.approve(address(venue), MOST);
        venue.fund(POOL);
        oracle.set(2_000e8, false);
        _deposit(ether_, 1e18);
    }

    // What an account owes.

    function test_what_is_not_paid_is_owed_and_absorbed_at_once() external {
        venue.insure(100 * DOLLAR);
        _openAndFallShort();
        vm.expectEmit(address(venue));
        emit IMarginGatedVenue.Shortfall(alice, 300 * DOLLAR, 100 * DOLLAR, 200 * DOLLAR);
        vm.expectEmit(address(venue));
        emit IMarginGatedVenue.Indebted(alice, 300 * DOLLAR, 57 * DOLLAR, keeper);
        _liquidateShort();
        Debt memory debt = venue.debtOf(alice);
        require(debt.loss == 300 * DOLLAR && debt.penalty == 57 * DOLLAR && debt.keeper == keeper);
        require(venue.owedBy(alice) == 357 * DOLLAR && venue.hasExposure(alice) && vault.isHeld(alice));
        require(venue.uncoveredLoss() == 200 * DOLLAR && venue.insurance() == 0);
        require(auction.startedAt(alice) == block.timestamp && venue.creditOf(keeper) == 0);
    }

    function test_quote_tokens_pay_before_anything_is_sold() external {
        _deposit(quote, 310 * DOLLAR);
        _openAndFallShort();
        _liquidateShort();
        Debt memory debt = venue.debtOf(alice);
        require(debt.loss == 0 && debt.penalty == 47 * DOLLAR && venue.uncoveredLoss() == 0);
        require(venue.creditOf(keeper) == 10 * DOLLAR / 4);
    }

    function test_who_pays_owes_nothing() external {
        _deposit(quote, 357 * DOLLAR);
        _openAndFallShort();
        _liquidateShort();
        require(venue.owedBy(alice) == 0 && !vault.isHeld(alice) && auction.startedAt(alice) == 0);
        require(!venue.hasExposure(alice) && venue.creditOf(keeper) == REWARD);
    }

    function test_a_lapsed_account_owes_its_flagger_the_reward() external {
        _open();
        vm.warp(block.timestamp + 1 days);
        oracle.set(2_000e8, false);
        vm.prank(keeper);
        venue.flag(alice);
        vm.warp(block.timestamp + GRACE);
        oracle.set(1_900e8, false);
        vm.warp(block.timestamp + 75);
        venue.liquidate(alice);
        require(venue.debtOf(alice).keeper == keeper && venue.owedBy(alice) == 357 * DOLLAR);
    }

    /// @notice In an outage nothing is sold, and what a settlement leaves unpaid waits for prices.
    function test_a_settled_account_owes_its_loss() external {
        _open();
        oracle.set(1_900e8, false);
        vm.warp(block.timestamp + 7 days);
        venue.settle(alice);
        require(venue.owedBy(alice) == 300 * DOLLAR && venue.debtOf(alice).keeper == address(0));
        vm.warp(block.timestamp + DURATION + 1);
        oracle.set(1_900e8, false);
        auction.restart(alice);
        _take(1e18);
        require(venue.owedBy(alice) == 0 && venue.pool() == POOL + 300 * DOLLAR && venue.insurance() == 0);
    }

    function test_without_an_auction_nothing_is_owed() external {
        vault = new CollateralVault(attestationRegistry, keccak256("universe"), _assets());
        policyRegistry.setVault(address(vault));
        attestationRegistry.setVault(vault);
        venue = _create(ICollateralAuction(address(0)), _rules());
        vault.setVenue(venue, POLICY);
        quote.approve(address(venue), MOST);
        venue.fund(POOL);
        _openAndFallShort();
        _liquidateShort();
        require(venue.uncoveredLoss() == 300 * DOLLAR && venue.owedBy(alice) == 0 && !vault.isHeld(alice));
        vm.expectRevert(IMarginGatedVenue.OnlyAuction.selector);
        venue.deliver(alice, address(ether_), 1, alice);
    }

    // What is booked.

    function test_a_sale_pays_the_loss_then_the_penalty_and_leaves_the_rest() external {
        venue.insure(100 * DOLLAR);
        _fallIntoDebt();
        // The higher price is 2,000, the share 1.2: a part of an ether pays 240.
        vm.expectEmit(address(venue));
        emit IMarginGatedVenue.Recovered(alice, 240 * DOLLAR, 200 * DOLLAR, 0, 0);
        _take(1e17);
        require(venue.uncoveredLoss() == 0 && venue.insurance() == 40 * DOLLAR && venue.pool() == POOL + 300 * DOLLAR);
        vm.expectEmit(address(venue));
        emit IMarginGatedVenue.Recovered(alice, 60 * DOLLAR, 0, 57 * DOLLAR, REWARD);
        _take(1e18);
        require(venue.insurance() == 100 * DOLLAR + 57 * DOLLAR - REWARD && venue.creditOf(keeper) == REWARD);
        require(venue.owedBy(alice) == 0 && !venue.hasExposure(alice) && !vault.isHeld(alice));
        (uint256 counted,,) = vault.balanceOf(alice, address(ether_));
        require(counted == 1e18 - 1e17 - 48_750_000_000_000_000 && ether_.balanceOf(address(vault)) == counted);
        _withdraw(counted);
        require(ether_.balanceOf(alice) == counted);
        vm.prank(keeper);
        venue.claim(keeper);
        require(quote.balanceOf(address(venue)) == venue.pool() + venue.insurance());
    }

    /// @notice A loss that somebody has covered meanwhile is given to the insurance fund, and not to the pool again.
    function test_what_comes_in_after_a_loss_was_covered_insures() external {
        _fallIntoDebt();
        venue.coverLoss(300 * DOLLAR);
        _take(1e18);
        require(venue.pool() == POOL + 300 * DOLLAR && venue.insurance() == 357 * DOLLAR - REWARD);
    }

    /// @notice What the collateral does not pay stays uncovered and stays owed.
    function test_a_deficit_is_recorded_and_stays_owed() external {
        oracle.set(2_000e8, false);
        _withdraw(9e17);
        _fallIntoDebt();
        vm.warp(block.timestamp + DURATION);
        _take(1e17);
        require(venue.uncoveredLoss() == 140 * DOLLAR && venue.owedBy(alice) == 197 * DOLLAR && vault.isHeld(alice));
        vm.expectRevert(abi.encodeWithSelector(ICollateralAuction.InvalidAmount.selector, 0));
        auction.take(alice, address(ether_), 1e18, MOST, address(this), "");
        _deposit(quote, 197 * DOLLAR);
        venue.collect(alice);
        require(venue.uncoveredLoss() == 0 && venue.owedBy(alice) == 0 && venue.insurance() == 57 * DOLLAR - REWARD);
    }

    function test_an_account_pays_without_a_price() external {
        _fallIntoDebt();
        policyRegistry.setCountsFrom(type(uint40).max);
        attestationRegistry.setInForce(false);
        _deposit(quote, 500 * DOLLAR);
        vm.prank(keeper);
        venue.collect(alice);
        (uint256 counted,,) = vault.balanceOf(alice, address(quote));
        require(counted == 143 * DOLLAR && venue.owedBy(alice) == 0);
        _withdraw(1e18);
    }

    // What is refused.

    /// @notice Attack: withdraw what is for sale, by an attestation that counts.
    function test_rejects_a_withdrawal_by_who_owes() external {
        vm.prank(alice);
        vault.requestWithdrawal(address(ether_), 1e18);
        _fallIntoDebt();
        attestationRegistry.vouch(alice, POLICY, 2, type(uint64).max);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.Held.selector, alice));
        vault.withdraw(address(ether_), alice);
    }

    function test_rejects_opening_by_who_owes() external {
        _fallIntoDebt();
        venue.coverLoss(300 * DOLLAR);
        attestationRegistry.vouch(alice, POLICY, 2, type(uint64).max);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InDebt.selector, alice, 357 * DOLLAR));
        venue.open(1e18);
        _take(1e18);
        attestationRegistry.vouch(alice, POLICY, 2, type(uint64).max);
        vm.prank(alice);
        venue.open(1e18);
    }

    function test_rejects_collecting_where_nothing_is_owed_or_there() external {
        bytes memory reason = abi.encodeWithSelector(IMarginGatedVenue.InvalidAmount.selector, 0);
        _deposit(quote, DOLLAR);
        vm.expectRevert(reason);
        venue.collect(alice);
        _withdrawQuote();
        _fallIntoDebt();
        vm.expectRevert(reason);
        venue.collect(alice);
    }

    function test_rejects_deliveries_and_payments_by_anybody_else() external {
        _fallIntoDebt();
        vm.expectRevert(IMarginGatedVenue.OnlyAuction.selector);
        venue.deliver(alice, address(ether_), 1e18, address(this));
        vm.expectRevert(IMarginGatedVenue.OnlyAuction.selector);
        venue.receivePayment(alice, address(this), 1);
    }

    /// @notice Attack: have the account's own quote tokens pay for the collateral that one takes.
    function test_rejects_paying_with_what_the_account_has() external {
        _fallIntoDebt();
        _deposit(quote, 357 * DOLLAR);
        HostileTaker taker = new HostileTaker();
        bytes memory data = abi.encode(address(venue), abi.encodeCall(IMarginGatedVenue.collect, (alice)));
        vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InvalidAmount.selector, 357 * DOLLAR));
        taker.run(
            address(auction),
            abi.encodeCall(ICollateralAuction.take, (alice, address(ether_), 1e18, MOST, address(taker), data))
        );
    }

    /// @notice Attack: tokens that call their sender and recipient, who call the venue before a payment is booked. What
    /// they insure would count twice.
    function test_rejects_calls_to_the_venue_from_within_a_sale() external {
        (HookToken hookedQuote, HookToken hookedEther) = (new HookToken(), new HookToken());
        (quote, ether_) = (hookedQuote, hookedEther);
        vault = new CollateralVault(attestationRegistry, keccak256("universe"), _assets());
        attestationRegistry.setVault(vault);
        policyRegistry.setVault(address(vault));
        auction = _auction(vault, quote, POLICY);
        VenueRules memory rules = _rules();
        rules.maxNotional = type(uint128).max;
        venue = _create(auction, rules);
        vault.setVenue(venue, POLICY);
        quote.mint(address(this), 1e30);
        quote.approve(address(venue), MOST);
        venue.fund(1e30);
        _deposit(ether_, 1e18);
        _openAndFallShort();
        _liquidateShort();

        HostileTaker taker = new HostileTaker();
        quote.mint(address(taker), 1e24);
        taker.run(address(quote), abi.encodeCall(quote.approve, (address(venue), MOST)));
        bytes memory insurance = abi.encodeCall(IMarginGatedVenue.insure, (1e18));
        HookToken[2] memory tokens = [hookedQuote, hookedEther];
        for (uint256 i = 0; i < 2; ++i) {
            taker.run(address(tokens[i]), abi.encodeCall(HookToken.hook, (address(venue), insurance)));
        }
        bytes memory taking =
            abi.encodeCall(ICollateralAuction.take, (alice, address(ether_), 1e17, MOST, address(taker), ""));
        taker.run(address(auction), taking);
        bytes memory reason = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        for (uint256 i = 0; i < 2; ++i) {
            require(tokens[i].failures() == 1 && keccak256(tokens[i].lastFailure()) == keccak256(reason));
        }
        require(venue.owedBy(alice) == 117e18 && venue.insurance() == 0);
    }

    /// @notice Attack: the account takes its own collateral, and withdraws the rest before it has paid.
    function test_rejects_withdrawing_before_a_payment() external {
        HostileTaker taker = new HostileTaker();
        alice = address(taker);
        _deposit(ether_, 1e18);
        vm.prank(alice);
        vault.requestWithdrawal(address(ether_), 1e18);
        _fallIntoDebt();
        quote.mint(address(taker), 1_000 * DOLLAR);
        taker.run(address(quote), abi.encodeCall(quote.approve, (address(venue), MOST)));
        bytes memory withdrawal = abi.encodeCall(ICollateralVault.withdraw, (address(ether_), address(taker)));
        taker.run(
            address(auction),
            abi.encodeCall(
                ICollateralAuction.take,
                (alice, address(ether_), 1e18, MOST, address(taker), abi.encode(address(vault), withdrawal))
            )
        );
        bytes memory reason = abi.encodeWithSelector(ICollateralVault.Held.selector, address(taker));
        require(!taker.succeeded() && keccak256(taker.answer()) == keccak256(reason));
        taker.run(address(vault), withdrawal);
        require(venue.owedBy(alice) == 0 && quote.balanceOf(alice) == 643 * DOLLAR);
    }

    function test_rejects_opening_at_a_venue_that_could_not_sell() external {
        MarginGatedVenue second = _create(auction, _rules());
        quote.approve(address(second), MOST);
        second.fund(POOL);
        vault.registerConsumer(second, POLICY);
        attestationRegistry.vouch(alice, POLICY, 1, type(uint64).max);
        vm.prank(alice);
        vm.expectRevert(IMarginGatedVenue.NotVenue.selector);
        second.open(1e18);
    }

    function test_rejects_an_auction_of_another_vault_quote_token_policy_oracle_or_registry() external {
        CollateralVault other = new CollateralVault(attestationRegistry, keccak256("universe"), _assets());
        (AuctionRules memory rules, Lot[] memory none) = (auction.rules(), new Lot[](0));
        ICollateralAuction[5] memory auctions = [
            ICollateralAuction(_auction(other, quote, POLICY)),
            _auction(vault, ether_, POLICY),
            _auction(vault, quote, keccak256("other policy")),
            new CollateralAuction(policyRegistry, new OracleStandIn(), vault, quote, rules, none),
            new CollateralAuction(new PolicyRegistryStandIn(), oracle, vault, quote, rules, none)
        ];
        for (uint256 i = 0; i < 5; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMarginGatedVenue.InvalidRules.selector, "auction"));
            _create(auctions[i], _rules());
        }
    }

    // What the tests are made of.

    function _rules() private pure returns (VenueRules memory) {
        return VenueRules({
            policy: POLICY,
            market: 1,
            maintenanceLevel: 0,
            initialLevel: 1,
            shortfallLevel: SHORTFALL,
            openingAge: 5 minutes,
            holdingAge: 6 hours,
            maxPriceAge: 10 minutes,
            grace: GRACE,
            settlementAge: 7 days,
            sizeDecimals: 18,
            penalty: 10_000,
            reward: 250_000,
            maxNotional: uint128(100_000 * DOLLAR)
        });
    }

    function _assets() private view returns (Asset[] memory list) {
        list = new Asset[](2);
        (uint256 x, uint256 y) = Bn254.mul(1, 2, 3);
        list[0] = Asset({token: address(quote), unit: 1e6, x: 1, y: 2});
        list[1] = Asset({token: address(ether_), unit: 1e12, x: x, y: y});
    }

    function _auction(CollateralVault vault_, MockToken quote_, bytes32 policy) private returns (CollateralAuction) {
        AuctionRules memory rules = AuctionRules({
            policy: policy,
            start: 1_200_000,
            floor: 800_000,
            duration: DURATION,
            maxPriceAge: 2 hours,
            minimum: uint96(10 * DOLLAR)
        });
        Lot[] memory lots = new Lot[](quote_ == quote ? 1 : 0);
        if (lots.length != 0) lots[0] = Lot({token: address(ether_), market: 1});
        return new CollateralAuction(policyRegistry, oracle, vault_, quote_, rules, lots);
    }

    function _create(ICollateralAuction auction_, VenueRules memory rules) private returns (MarginGatedVenue) {
        return new MarginGatedVenue(
            address(this), attestationRegistry, policyRegistry, oracle, vault, quote, auction_, rules
        );
    }

    function _deposit(MockToken token, uint256 amount) private {
        token.mint(alice, amount);
        vm.prank(alice);
        token.approve(address(vault), amount);
        vm.prank(alice);
        vault.deposit(address(token), amount);
    }

    function _withdraw(uint256 amount) private {
        vm.prank(alice);
        vault.requestWithdrawal(address(ether_), amount);
        vm.prank(alice);
        vault.withdraw(address(ether_), alice);
    }

    function _withdrawQuote() private {
        vm.prank(alice);
        vault.requestWithdrawal(address(quote), DOLLAR);
        vm.prank(alice);
        vault.withdraw(address(quote), alice);
    }

    function _open() private {
        attestationRegistry.vouch(alice, POLICY, 1, uint64(block.timestamp + 2 hours));
        vm.prank(alice);
        venue.open(3e18);
    }

    function _openAndFallShort() private {
        _open();
        oracle.set(1_900e8, false);
        attestationRegistry.vouchShort(alice, POLICY, oracle.latest(POLICY).epoch, type(uint64).max);
    }

    function _liquidateShort() private {
        vm.prank(keeper);
        venue.liquidateShort(alice);
    }

    /// @dev A debt of 300 and a penalty of 57.
    function _fallIntoDebt() private {
        _openAndFallShort();
        _liquidateShort();
        require(venue.owedBy(alice) == 357 * DOLLAR);
    }

    function _take(uint256 amount) private {
        auction.take(alice, address(ether_), amount, MOST, address(this), "");
    }
}
