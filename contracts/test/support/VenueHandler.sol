// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {CollateralVault} from "../../src/core/CollateralVault.sol";
import {MarginGatedVenue} from "../../src/examples/MarginGatedVenue.sol";
import {ICollateralAuction} from "../../src/interfaces/ICollateralAuction.sol";
import {MockToken} from "../../src/mocks/MockToken.sol";
import {SuretyMockRegistry} from "../../src/mocks/SuretyMockRegistry.sol";
import {Record} from "../../src/types/Attestation.sol";
import {Asset} from "../../src/types/Collateral.sol";
import {Position, VenueRules} from "../../src/types/Venue.sol";
import {OracleStandIn, PolicyRegistryStandIn} from "./MarketStandIns.sol";
import {vm} from "./Vm.sol";

/// @notice A venue with three accounts, whatever happens to it, and its books kept a second time.
contract VenueHandler {
    bytes32 private constant POLICY = keccak256("policy");
    uint96 private constant MIN_PRICE = 100e8;
    uint96 private constant MAX_PRICE = 10_000e8;
    uint256 private constant SCALE = 1e20;
    uint32 private constant SHORTFALL = 3;

    SuretyMockRegistry private attestationRegistry = new SuretyMockRegistry(3, 1);
    PolicyRegistryStandIn private policyRegistry = new PolicyRegistryStandIn();
    OracleStandIn private oracle = new OracleStandIn();
    MockToken private quote = new MockToken(6);
    CollateralVault private vault;
    MarginGatedVenue private venue;
    address[3] private accounts = [address(0xa11ce), address(0xb0b), address(0xca401)];
    uint96 private price = 2_000e8;
    uint96 private unmarkedPrice = 2_000e8;
    bool private isMarked;

    uint256 private shortfalls;
    uint256 private paidByInsurance;
    uint256 private covered;
    /// @notice The number of calls to each function that had an effect.
    mapping(bytes32 => uint256) public done;

    constructor() {
        vm.warp(1_000_000);
        Asset[] memory list = new Asset[](1);
        list[0] = Asset({token: address(quote), unit: 1e6, x: 1, y: 2});
        attestationRegistry.setPolicyRegistry(policyRegistry);
        vault = new CollateralVault(attestationRegistry, keccak256("universe"), list);
        attestationRegistry.setVault(vault);
        policyRegistry.setVault(address(vault));
        policyRegistry.addFeed(0, 1, 1);
        policyRegistry.addFeed(8, MIN_PRICE, MAX_PRICE);
        VenueRules memory rules = VenueRules({
            policy: POLICY,
            market: 1,
            maintenanceLevel: 0,
            initialLevel: 1,
            shortfallLevel: SHORTFALL,
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
            address(this),
            attestationRegistry,
            policyRegistry,
            oracle,
            vault,
            quote,
            ICollateralAuction(address(0)),
            rules
        );
        vault.setVenue(venue, POLICY);
        quote.mint(address(this), 1e18);
        quote.approve(address(venue), type(uint256).max);
        venue.fund(1_000_000e6);
        oracle.set(price, false);
        for (uint256 i = 0; i < 3; ++i) {
            quote.mint(accounts[i], 1e18);
            vm.prank(accounts[i]);
            quote.approve(address(vault), type(uint256).max);
        }
    }

    function deposit(uint256 who, uint256 amount) external {
        vm.prank(accounts[who % 3]);
        try vault.deposit(address(quote), amount % 2_000e6) {} catch {}
    }

    function withdraw(uint256 who, uint256 amount) external {
        address account = accounts[who % 3];
        vm.prank(account);
        try vault.requestWithdrawal(address(quote), amount % 2_000e6) {} catch {}
        vm.prank(account);
        try vault.withdraw(address(quote), account) {
            ++done["withdraw"];
        } catch {}
    }

    function vouch(uint256 who, uint256 level, uint256 validity) external {
        (address account, uint64 until) = (accounts[who % 3], uint64(block.timestamp + validity % 1 hours));
        attestationRegistry.vouch(account, POLICY, level % 3, until);
        attestationRegistry.setEpoch(account, POLICY, level % 3, oracle.latest(POLICY).epoch);
    }

    function vouchShort(uint256 who, uint256 validity) external {
        uint64 until = uint64(block.timestamp + validity % 1 hours);
        attestationRegistry.vouchShort(accounts[who % 3], POLICY, oracle.latest(POLICY).epoch, until);
    }

    function open(uint256 who, int128 size) external {
        vm.prank(accounts[who % 3]);
        try venue.open(size % 20e18) {
            ++done["open"];
        } catch {}
    }

    function close(uint256 who) external {
        address account = accounts[who % 3];
        Position memory position = venue.positionOf(account);
        (uint256 collateral, uint256 insuranceBefore) = (_collateral(account), venue.insurance());
        vm.prank(account);
        try venue.close() {
            ++done["close"];
            require(_loss(position, price) <= collateral && venue.insurance() == insuranceBefore);
        } catch {}
    }

    function flag(uint256 who) external {
        vm.prank(accounts[(who % 3 + 1) % 3]);
        try venue.flag(accounts[who % 3]) {
            ++done["flag"];
        } catch {}
    }

    function unflag(uint256 who) external {
        try venue.unflag(accounts[who % 3]) {
            ++done["unflag"];
        } catch {}
    }

    function liquidate(uint256 who) external {
        address account = accounts[who % 3];
        Position memory position = venue.positionOf(account);
        (uint256 collateral, uint256 insuranceBefore) = (_collateral(account), venue.insurance());
        bool holds = attestationRegistry.isSufficientNoOlderThan(account, POLICY, 0, 1 hours);
        try venue.liquidate(account) {
            ++done["liquidate"];
            require(!holds, "liquidated though it holds");
            _book(_loss(position, price), collateral, insuranceBefore);
        } catch {}
    }

    function liquidateShort(uint256 who) external {
        address account = accounts[who % 3];
        Position memory position = venue.positionOf(account);
        (uint256 collateral, uint256 insuranceBefore) = (_collateral(account), venue.insurance());
        bool isShort = _isShort(account);
        // Also the account itself.
        vm.prank(accounts[who / 3 % 3]);
        try venue.liquidateShort(account) {
            ++done["liquidateShort"];
            require(isShort, "liquidated though it is not short");
            _book(_loss(position, price), collateral, insuranceBefore);
        } catch {}
    }

    function settle(uint256 who) external {
        address account = accounts[who % 3];
        Position memory position = venue.positionOf(account);
        (uint256 collateral, uint256 insuranceBefore) = (_collateral(account), venue.insurance());
        try venue.settle(account) {
            ++done["settle"];
            _book(_loss(position, unmarkedPrice), collateral, insuranceBefore);
        } catch {}
    }

    function claim(uint256 who) external {
        vm.prank(accounts[who % 3]);
        try venue.claim(address(0xdead)) {
            ++done["claim"];
        } catch {}
    }

    function insure(uint256 amount) external {
        try venue.insure(amount % 100e6) {} catch {}
    }

    function coverLoss() external {
        uint256 amount = venue.uncoveredLoss();
        try venue.coverLoss(amount) {
            covered += amount;
            ++done["coverLoss"];
        } catch {}
    }

    function defund(uint256 amount) external {
        try venue.defund(amount % 10_000e6, address(this)) {} catch {}
    }

    function donate(uint256 amount) external {
        vm.prank(accounts[0]);
        require(quote.transfer(address(vault), amount % 1e6));
    }

    function move(uint256 time, uint96 price_, uint256 marked) external {
        vm.warp(block.timestamp + time % 40 minutes);
        price = MIN_PRICE + price_ % (MAX_PRICE - MIN_PRICE + 1);
        // The oracle keeps two snapshots, of which one is without a mark.
        bool mark = marked % 8 == 0 && price != unmarkedPrice && !isMarked;
        if (!mark) unmarkedPrice = price;
        isMarked = mark;
        oracle.set(price, mark);
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + time % 5 hours);
    }

    function setAccepts(uint256 value) external {
        attestationRegistry.setAccepts(value % 4 != 0);
    }

    /// @notice Every token is in the pool, the insurance fund, or credited to somebody.
    function requireConserved() external view {
        uint256 credits = 0;
        uint256 gains = 0;
        for (uint256 i = 0; i < 3; ++i) {
            credits += venue.creditOf(accounts[i]);
            Position memory position = venue.positionOf(accounts[i]);
            if (position.size > 0) {
                gains += uint256(int256(position.size)) * (MAX_PRICE - position.price) / SCALE;
            } else {
                gains += uint256(-int256(position.size)) * (position.price - (position.size == 0 ? 0 : MIN_PRICE))
                / SCALE;
            }
        }
        require(quote.balanceOf(address(venue)) == venue.pool() + venue.insurance() + credits, "conservation");
        require(venue.reserved() == gains && venue.pool() >= gains, "reserve");
    }

    /// @notice Losses that accounts did not pay were paid by the insurance fund or by somebody else, or are recorded.
    function requireNoSilentLoss() external view {
        require(shortfalls == paidByInsurance + covered + venue.uncoveredLoss(), "silent loss");
    }

    /// @dev Books a shortfall from what was there before.
    function _book(uint256 loss, uint256 collateral, uint256 insuranceBefore) private {
        if (loss <= collateral) return;
        uint256 shortfall = loss - collateral;
        shortfalls += shortfall;
        paidByInsurance += shortfall < insuranceBefore ? shortfall : insuranceBefore;
        require(venue.insurance() == (shortfall < insuranceBefore ? insuranceBefore - shortfall : 0), "insurance");
        ++done["shortfall"];
    }

    /// @dev True if the account's shortfall over the newest snapshot counts, and nothing sufficient is over it.
    function _isShort(address account) private view returns (bool) {
        uint64 newest = oracle.latest(POLICY).epoch;
        Record memory shortfall = attestationRegistry.recordOf(account, POLICY, SHORTFALL);
        (, uint32 number,,,) = vault.checkpointOf(account);
        bool holds = false;
        for (uint256 level = 0; level < SHORTFALL; ++level) {
            bool isNewest = attestationRegistry.recordOf(account, POLICY, level).epoch == newest;
            if (isNewest && attestationRegistry.counts(account, POLICY, level)) holds = true;
        }
        return shortfall.epoch == newest && shortfall.vaultNumber == number && !holds
            && attestationRegistry.counts(account, POLICY, SHORTFALL);
    }

    function _loss(Position memory position, uint96 price) private pure returns (uint256) {
        int256 result = int256(position.size) * (int256(uint256(price)) - int256(uint256(position.price)));
        return result >= 0 ? 0 : (uint256(-result) + SCALE - 1) / SCALE;
    }

    function _collateral(address account) private view returns (uint256) {
        (uint256 counted, uint256 waiting,) = vault.balanceOf(account, address(quote));
        return counted + waiting;
    }
}
