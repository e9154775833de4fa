// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {CollateralAuction} from "../../src/core/CollateralAuction.sol";
import {CollateralVault} from "../../src/core/CollateralVault.sol";
import {MarginGatedVenue} from "../../src/examples/MarginGatedVenue.sol";
import {Bn254} from "../../src/libraries/Bn254.sol";
import {MockToken} from "../../src/mocks/MockToken.sol";
import {SuretyMockRegistry} from "../../src/mocks/SuretyMockRegistry.sol";
import {AuctionRules, Lot} from "../../src/types/Auction.sol";
import {Asset} from "../../src/types/Collateral.sol";
import {Debt, Position, VenueRules} from "../../src/types/Venue.sol";
import {OracleStandIn, PolicyRegistryStandIn} from "./MarketStandIns.sol";
import {Exchange, FlashTaker} from "./Takers.sol";
import {vm} from "./Vm.sol";

/// @notice A venue with an auction and three accounts, whatever happens to it, and what must be true of every sale.
contract AuctionHandler {
    /// @dev All that an account has here.
    struct Holdings {
        uint256 quote;
        uint256 ether_;
        uint256 credit;
        uint256 owed;
    }

    bytes32 private constant POLICY = keccak256("policy");
    uint96 private constant MIN_PRICE = 100e8;
    uint96 private constant MAX_PRICE = 10_000e8;
    uint256 private constant SCALE = 1e20;
    uint256 private constant POOL = 1_000_000e6;
    uint40 private constant DURATION = 1 hours;

    SuretyMockRegistry private attestationRegistry = new SuretyMockRegistry(3, 1);
    PolicyRegistryStandIn private policyRegistry = new PolicyRegistryStandIn();
    OracleStandIn private oracle = new OracleStandIn();
    MockToken private quote = new MockToken(6);
    MockToken private ether_ = new MockToken(18);
    CollateralVault private vault;
    CollateralAuction private auction;
    MarginGatedVenue private venue;
    FlashTaker private flashTaker;
    address[3] private accounts = [address(0xa11ce), address(0xb0b), address(0xca401)];
    address private keeper = address(0x4ee9e5);
    uint96 private price = 2_000e8;
    uint96 private priceBefore = 2_000e8;
    bool private isMarked;

    uint256 private shortfalls;
    uint256 private paidByInsurance;
    uint256 private covered;
    uint256 private sold;
    uint256 private given;
    /// @notice The number of calls to each function that had an effect.
    mapping(bytes32 => uint256) public done;

    constructor() {
        vm.warp(1_000_000);
        attestationRegistry.setPolicyRegistry(policyRegistry);
        policyRegistry.addFeed(0, 1, 1);
        policyRegistry.addFeed(8, MIN_PRICE, MAX_PRICE);
        (uint256 x, uint256 y) = Bn254.mul(1, 2, 3);
        Asset[] memory list = new Asset[](2);
        list[0] = Asset({token: address(quote), unit: 1e6, x: 1, y: 2});
        list[1] = Asset({token: address(ether_), unit: 1e12, x: x, y: y});
        vault = new CollateralVault(attestationRegistry, keccak256("universe"), list);
        attestationRegistry.setVault(vault);
        policyRegistry.setVault(address(vault));
        _deployVenue();
        vault.setVenue(venue, POLICY);
        Exchange exchange = new Exchange(ether_, quote, 10_000e6);
        flashTaker = new FlashTaker(auction, exchange);
        quote.mint(address(exchange), 1e30);
        quote.mint(address(this), 1e18);
        quote.approve(address(venue), type(uint256).max);
        venue.fund(POOL);
        oracle.set(price, false);
        for (uint256 i = 0; i < 6; ++i) {
            MockToken token = i < 3 ? quote : ether_;
            token.mint(accounts[i % 3], 1e24);
            vm.prank(accounts[i % 3]);
            token.approve(address(vault), type(uint256).max);
        }
    }

    function _deployVenue() private {
        AuctionRules memory auctionRules = AuctionRules({
            policy: POLICY,
            start: 1_200_000,
            floor: 800_000,
            duration: DURATION,
            maxPriceAge: 2 hours,
            minimum: 10e6
        });
        Lot[] memory lots = new Lot[](1);
        lots[0] = Lot({token: address(ether_), market: 1});
        auction = new CollateralAuction(policyRegistry, oracle, vault, quote, auctionRules, lots);
        VenueRules memory rules = VenueRules({
            policy: POLICY,
            market: 1,
            maintenanceLevel: 0,
            initialLevel: 1,
            shortfallLevel: 3,
            openingAge: 10 minutes,
            holdingAge: 1 hours,
            maxPriceAge: 10 minutes,
            grace: 30 minutes,
            settlementAge: 4 hours,
            sizeDecimals: 18,
            penalty: 10_000,
            reward: 250_000,
            maxNotional: 100_000e6
        });
        venue = new MarginGatedVenue(
            address(this), attestationRegistry, policyRegistry, oracle, vault, quote, auction, rules
        );
    }

    function deposit(uint256 who, bool isQuote, uint256 amount) external {
        vm.prank(accounts[who % 3]);
        try vault.deposit(address(isQuote ? quote : ether_), isQuote ? amount % 1_000e6 : amount % 3e18) {} catch {}
    }

    function withdraw(uint256 who, bool isQuote, uint256 amount) external {
        (address account, MockToken token) = (accounts[who % 3], isQuote ? quote : ether_);
        vm.prank(account);
        try vault.requestWithdrawal(address(token), isQuote ? amount % 1_000e6 : amount % 3e18) {} catch {}
        uint256 owed = venue.owedBy(account);
        vm.prank(account);
        try vault.withdraw(address(token), account) {
            ++done["withdraw"];
            require(owed == 0, "withdrawn though it owes");
        } catch {}
    }

    function open(uint256 who, int128 size) external {
        address account = accounts[who % 3];
        attestationRegistry.vouch(account, POLICY, 1, uint64(block.timestamp + 1 hours));
        uint256 owed = venue.owedBy(account);
        vm.prank(account);
        try venue.open(size % 10e18) {
            ++done["open"];
            require(owed == 0, "opened though it owes");
        } catch {}
    }

    function liquidate(uint256 who) external {
        address account = accounts[who % 3];
        uint64 epoch = oracle.latest(POLICY).epoch;
        attestationRegistry.vouchShort(account, POLICY, epoch, uint64(block.timestamp + 1 hours));
        (uint256 loss, uint256 insuranceBefore) = (_unpaid(account, price), venue.insurance());
        vm.prank(keeper);
        try venue.liquidateShort(account) {
            ++done["liquidate"];
            _absorb(account, loss, insuranceBefore);
        } catch {}
    }

    function settle(uint256 who) external {
        address account = accounts[who % 3];
        // During a freeze a position is settled at the price at which it was opened.
        uint96 at = isMarked ? priceBefore : price;
        uint256 loss = policyRegistry.isInForce(POLICY) ? _unpaid(account, at) : 0;
        uint256 insuranceBefore = venue.insurance();
        try venue.settle(account) {
            ++done["settle"];
            _absorb(account, loss, insuranceBefore);
        } catch {}
    }

    function take(uint256 who, uint256 amount) external {
        address account = accounts[who % 3];
        Holdings[3] memory holdings = _holdings();
        uint256 uncovered = venue.uncoveredLoss();
        try auction.take(account, address(ether_), amount % 4e18, type(uint256).max, address(this), "") returns (
            uint256 taken, uint256 payment
        ) {
            ++done["take"];
            _sold(who % 3, holdings, uncovered, taken, payment);
        } catch {}
    }

    function takeByFlash(uint256 who, uint256 amount) external {
        Holdings[3] memory holdings = _holdings();
        uint256 uncovered = venue.uncoveredLoss();
        try flashTaker.take(accounts[who % 3], address(ether_), amount % 4e18) {
            ++done["takeByFlash"];
            Holdings memory now_ = _holdings()[who % 3];
            uint256 taken = holdings[who % 3].ether_ - now_.ether_;
            _sold(who % 3, holdings, uncovered, taken, holdings[who % 3].owed - now_.owed);
        } catch {}
    }

    function collect(uint256 who) external {
        Holdings[3] memory holdings = _holdings();
        uint256 uncovered = venue.uncoveredLoss();
        try venue.collect(accounts[who % 3]) {
            ++done["collect"];
            Holdings memory now_ = _holdings()[who % 3];
            uint256 paid = holdings[who % 3].owed - now_.owed;
            require(holdings[who % 3].quote - now_.quote == paid && holdings[who % 3].ether_ == now_.ether_);
            covered += uncovered - venue.uncoveredLoss();
            _requireOthersUnchanged(who % 3, holdings);
        } catch {}
    }

    function restart(uint256 who) external {
        address account = accounts[who % 3];
        uint256 before = auction.startedAt(account);
        try auction.restart(account) {
            ++done["restart"];
            require(before + DURATION < block.timestamp && !isMarked && venue.owedBy(account) != 0, "restart");
        } catch {}
    }

    function insure(uint256 amount) external {
        try venue.insure(amount % 100e6) {} catch {}
    }

    function coverLoss(uint256 amount) external {
        amount %= venue.uncoveredLoss() + 1;
        try venue.coverLoss(amount) {
            ++done["coverLoss"];
            covered += amount;
        } catch {}
    }

    function claim() external {
        vm.prank(keeper);
        try venue.claim(address(0xdead)) {
            ++done["claim"];
        } catch {}
    }

    function donate(uint256 amount) external {
        vm.prank(accounts[0]);
        require(quote.transfer(address(auction), amount % 1e6));
        vm.prank(accounts[0]);
        require(ether_.transfer(address(vault), amount % 1e12));
        given += amount % 1e12;
    }

    function move(uint256 time, uint96 price_, uint256 marked) external {
        vm.warp(block.timestamp + time % 40 minutes);
        (priceBefore, price) = (price, MIN_PRICE + price_ % (MAX_PRICE - MIN_PRICE + 1));
        isMarked = marked % 4 == 0 && !isMarked;
        oracle.set(price, isMarked);
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + time % 5 hours);
    }

    function setInForce(uint256 value) external {
        policyRegistry.setCountsFrom(value % 4 == 0 ? type(uint40).max : 0);
    }

    /// @notice Every token is with whom the books say, and none is with the auction but gifts.
    function requireConserved() external view {
        uint256 credits = venue.creditOf(keeper);
        uint256 quotes = 0;
        (uint256 inside, uint256 outside) = (0, 0);
        Holdings[3] memory holdings = _holdings();
        for (uint256 i = 0; i < 3; ++i) {
            credits += holdings[i].credit;
            quotes += holdings[i].quote;
            inside += holdings[i].ether_;
            outside += ether_.balanceOf(accounts[i]);
        }
        require(quote.balanceOf(address(venue)) == venue.pool() + venue.insurance() + credits, "quote of the venue");
        require(quote.balanceOf(address(vault)) == quotes, "quote of the vault");
        require(ether_.balanceOf(address(venue)) == 0 && ether_.balanceOf(address(auction)) == 0, "keeping");
        require(ether_.balanceOf(address(vault)) == inside + given, "ether of the vault");
        require(inside + outside + given + sold == 3e24, "ether that is sold and not");
    }

    /// @notice Losses that accounts did not pay were paid by the insurance fund or somebody else, or are recorded.
    function requireNoSilentLoss() external view {
        require(shortfalls == paidByInsurance + covered + venue.uncoveredLoss(), "silent loss");
    }

    /// @notice Who owes is held and has no position, and nobody else is held.
    function requireHeld() external view {
        for (uint256 i = 0; i < 3; ++i) {
            bool owes = venue.owedBy(accounts[i]) != 0;
            require(vault.isHeld(accounts[i]) == owes, "hold");
            require(!owes || (venue.positionOf(accounts[i]).size == 0 && venue.hasExposure(accounts[i])), "position");
            Debt memory debt = venue.debtOf(accounts[i]);
            require(owes || debt.keeper == address(0), "a keeper of nothing");
        }
    }

    /// @dev Everything that a sale must be: at or above the floor, off the debt, and nobody else's affair.
    function _sold(uint256 who, Holdings[3] memory before, uint256 uncovered, uint256 taken, uint256 payment) private {
        sold += taken;
        covered += uncovered - venue.uncoveredLoss();
        uint256 higher = price > priceBefore ? price : priceBefore;
        require(payment * 1e26 >= taken * higher * 800_000, "below the floor");
        require(policyRegistry.isInForce(POLICY), "not in force");
        require(block.timestamp <= auction.startedAt(accounts[who]) + DURATION, "over");
        Holdings memory now_ = _holdings()[who];
        require(before[who].owed - now_.owed == payment && before[who].ether_ - now_.ether_ == taken, "paid or taken");
        require(before[who].quote == now_.quote && before[who].credit == now_.credit, "quote tokens");
        _requireOthersUnchanged(who, before);
    }

    function _requireOthersUnchanged(uint256 who, Holdings[3] memory before) private view {
        Holdings[3] memory now_ = _holdings();
        for (uint256 i = 0; i < 3; ++i) {
            bool isEqual = keccak256(abi.encode(before[i])) == keccak256(abi.encode(now_[i]));
            require(i == who || isEqual, "another account");
        }
    }

    function _holdings() private view returns (Holdings[3] memory holdings) {
        for (uint256 i = 0; i < 3; ++i) {
            holdings[i] = Holdings({
                quote: _held(accounts[i], quote),
                ether_: _held(accounts[i], ether_),
                credit: venue.creditOf(accounts[i]),
                owed: venue.owedBy(accounts[i])
            });
        }
    }

    function _held(address account, MockToken token) private view returns (uint256) {
        (uint256 counted, uint256 waiting,) = vault.balanceOf(account, address(token));
        return counted + waiting;
    }

    /// @dev The part of an account's loss at a price that its quote tokens do not pay.
    function _unpaid(address account, uint96 at) private view returns (uint256) {
        Position memory position = venue.positionOf(account);
        int256 result = int256(position.size) * (int256(uint256(at)) - int256(uint256(position.price)));
        uint256 loss = result >= 0 ? 0 : (uint256(-result) + SCALE - 1) / SCALE;
        uint256 held = _held(account, quote);
        return loss > held ? loss - held : 0;
    }

    function _absorb(address account, uint256 loss, uint256 insuranceBefore) private {
        shortfalls += loss;
        paidByInsurance += loss < insuranceBefore ? loss : insuranceBefore;
        require(venue.debtOf(account).loss == loss, "owes what it has not paid");
    }
}
