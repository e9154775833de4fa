// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {CollateralVault} from "../src/core/CollateralVault.sol";
import {ICollateralVault} from "../src/interfaces/ICollateralVault.sol";
import {ISecuredVenue} from "../src/interfaces/ISecuredVenue.sol";
import {Bn254} from "../src/libraries/Bn254.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {SuretyMockRegistry} from "../src/mocks/SuretyMockRegistry.sol";
import {Asset, Consumer} from "../src/types/Collateral.sol";
import {P} from "./support/Field.sol";
import {PolicyRegistryStandIn} from "./support/MarketStandIns.sol";
import {PrecompileFaults} from "./support/PrecompileFaults.sol";
import {Caller, FalseToken, FeeToken, HookToken, SilentToken} from "./support/Tokens.sol";
import {VenueStandIn} from "./support/VenueStandIn.sol";
import {vm} from "./support/Vm.sol";

/// @notice Deposits into the vault, counted lots, and withdrawals.
contract CollateralVaultTest is PrecompileFaults {
    bytes32 private constant POLICY = keccak256("policy");
    bytes32 private constant OTHER_POLICY = keccak256("other policy");
    bytes32 private constant UNIVERSE = keccak256("universe");
    uint256 private constant LEVEL = 1;
    uint40 private constant MAX_AGE = 1 hours;
    uint64 private constant VALIDITY = 1 days;
    /// @dev The points of the assets are these multiples of the generator.
    uint256[6] private FACTORS = [uint256(3), 5, 7, 11, 13, 17];
    uint96 private constant UNIT = 100;

    SuretyMockRegistry private attestationRegistry;
    PolicyRegistryStandIn private policyRegistry;
    VenueStandIn private venue;
    CollateralVault private vault;
    MockToken private first;
    MockToken private second;
    FeeToken private fee;
    HookToken private hooked;
    FalseToken private lying;
    SilentToken private silent;
    address private alice;
    address private bob = address(0xb0b);

    function setUp() external {
        vm.warp(1_000_000);
        attestationRegistry = new SuretyMockRegistry(3, 1);
        policyRegistry = new PolicyRegistryStandIn();
        attestationRegistry.setPolicyRegistry(policyRegistry);
        policyRegistry.setVaultRules(uint32(LEVEL), MAX_AGE);
        venue = new VenueStandIn();
        (first, second, fee) = (new MockToken(6), new MockToken(18), new FeeToken());
        (hooked, lying, silent) = (new HookToken(), new FalseToken(), new SilentToken());
        vault = _create(_assets());
        attestationRegistry.setVault(vault);
        policyRegistry.setVault(address(vault));
        vault.setVenue(venue, POLICY);
        alice = address(new Caller());
        address[6] memory tokens = _tokens();
        for (uint256 i = 0; i < tokens.length; ++i) {
            MockToken(tokens[i]).mint(alice, 1e30);
            MockToken(tokens[i]).mint(bob, 1e30);
            if (tokens[i] == address(silent)) continue;
            vm.prank(alice);
            IERC20(tokens[i]).approve(address(vault), type(uint256).max);
            vm.prank(bob);
            IERC20(tokens[i]).approve(address(vault), type(uint256).max);
        }
    }

    // The list of assets.

    function test_lists_its_assets() external view {
        Asset[] memory list = vault.assets();
        require(keccak256(abi.encode(list)) == keccak256(abi.encode(_assets())));
    }

    function test_rejects_an_asset_without_a_unit() external {
        Asset[] memory list = _assets();
        list[1].unit = 0;
        _expectInvalidAsset(list, 1);
    }

    function test_rejects_an_asset_that_is_no_contract() external {
        Asset[] memory list = _assets();
        list[2].token = address(0xdead);
        _expectInvalidAsset(list, 2);
    }

    function test_rejects_an_asset_whose_point_is_none() external {
        Asset[] memory list = _assets();
        (uint256 x, uint256 y) = (list[0].x, list[0].y);
        uint256[2][6] memory changes = [[uint256(0), 0], [x, y ^ 1], [x + P, y], [x, y + P], [y, x], [P, P]];
        for (uint256 i = 0; i < changes.length; ++i) {
            (list[0].x, list[0].y) = (changes[i][0], changes[i][1]);
            _expectInvalidAsset(list, 0);
        }
    }

    function test_rejects_an_asset_that_is_listed_twice() external {
        Asset[] memory list = _assets();
        list[2].token = list[0].token;
        _expectInvalidAsset(list, 2);
    }

    function test_rejects_two_assets_of_one_row() external {
        Asset[] memory list = _assets();
        (list[1].x, list[1].y) = (list[0].x, list[0].y);
        _expectInvalidAsset(list, 1);
        list[1].y = P - list[0].y;
        _expectInvalidAsset(list, 1);
    }

    function test_rejects_tokens_that_are_no_assets() external {
        MockToken other = new MockToken(6);
        bytes memory reason = abi.encodeWithSelector(ICollateralVault.UnknownAsset.selector, address(other));
        vm.expectRevert(reason);
        vault.deposit(address(other), 1);
        vm.expectRevert(reason);
        vault.depositFor(alice, address(other), 1);
        vm.expectRevert(reason);
        vault.accept(address(other));
        vm.expectRevert(reason);
        vault.requestWithdrawal(address(other), 1);
        vm.expectRevert(reason);
        vault.cancelWithdrawal(address(other));
        vm.expectRevert(reason);
        vault.withdraw(address(other), alice);
        vm.expectRevert(reason);
        venue.seize(vault, alice, address(other), 1, bob);
    }

    // The venue.

    function test_rejects_a_venue_from_anybody_else() external {
        CollateralVault fresh = _create(_assets());
        vm.prank(bob);
        vm.expectRevert(ICollateralVault.OnlyDeployer.selector);
        fresh.setVenue(venue, POLICY);
    }

    function test_rejects_another_venue() external {
        vm.expectRevert(ICollateralVault.VenueAlreadySet.selector);
        vault.setVenue(venue, POLICY);
    }

    function test_rejects_a_venue_that_does_not_answer() external {
        CollateralVault fresh = _create(_assets());
        policyRegistry.setVault(address(fresh));
        address[2] memory mute = [bob, address(first)];
        for (uint256 i = 0; i < mute.length; ++i) {
            (bool success,) =
                address(fresh).call(abi.encodeCall(ICollateralVault.setVenue, (ISecuredVenue(mute[i]), POLICY)));
            require(!success && address(fresh.venue()) == address(0) && fresh.consumers().length == 0);
        }
        fresh.setVenue(venue, POLICY);
    }

    // Consumers.

    function test_a_venue_is_a_consumer_with_the_rules_of_its_policy() external view {
        Consumer[] memory consumers = vault.consumers();
        require(consumers.length == 1 && address(consumers[0].consumer) == address(venue));
        require(consumers[0].policy == POLICY && consumers[0].level == LEVEL && consumers[0].maxAge == MAX_AGE);
        require(vault.isConsumer(address(venue), POLICY) && !vault.isConsumer(address(venue), OTHER_POLICY));
        require(!vault.isConsumer(bob, POLICY));
    }

    function test_rejects_a_consumer_from_anybody_else() external {
        VenueStandIn consumer = new VenueStandIn();
        vm.prank(bob);
        vm.expectRevert(ICollateralVault.OnlyDeployer.selector);
        vault.registerConsumer(consumer, POLICY);
    }

    function test_rejects_a_consumer_that_does_not_answer() external {
        (bool success,) =
            address(vault).call(abi.encodeCall(ICollateralVault.registerConsumer, (ISecuredVenue(bob), POLICY)));
        require(!success && vault.consumers().length == 1);
    }

    /// @notice Attack: a policy whose attestations do not depend on the vault, to let collateral out.
    function test_rejects_a_consumer_of_a_policy_that_draws_on_another_vault() external {
        VenueStandIn consumer = new VenueStandIn();
        address[2] memory others = [address(0), bob];
        for (uint256 i = 0; i < others.length; ++i) {
            policyRegistry.setVault(others[i]);
            vm.expectRevert(abi.encodeWithSelector(ICollateralVault.WrongPolicy.selector, OTHER_POLICY));
            vault.registerConsumer(consumer, OTHER_POLICY);
        }
    }

    function test_rejects_a_consumer_that_is_registered_already() external {
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.ConsumerExists.selector, address(venue)));
        vault.registerConsumer(venue, OTHER_POLICY);
    }

    function test_rejects_a_ninth_consumer() external {
        for (uint256 i = 1; i < 8; ++i) {
            vault.registerConsumer(new VenueStandIn(), POLICY);
        }
        VenueStandIn ninth = new VenueStandIn();
        vm.expectRevert(ICollateralVault.TooManyConsumers.selector);
        vault.registerConsumer(ninth, POLICY);
    }

    /// @notice Attack: rely on one consumer's attestation to take away the security of another.
    function test_rejects_a_withdrawal_that_one_of_two_consumers_has_no_attestation_for() external {
        VenueStandIn consumer = new VenueStandIn();
        vault.registerConsumer(consumer, OTHER_POLICY);
        _deposit(address(first), 250);
        consumer.setExposure(alice, true);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotAttested.selector, alice, address(consumer)));
        vault.withdraw(address(first), alice);
        attestationRegistry.vouch(alice, OTHER_POLICY, LEVEL, uint64(block.timestamp) + VALIDITY);
        uint256 state = vm.snapshotState();
        _withdraw(address(first), bob);
        vm.revertToState(state);
        venue.setExposure(alice, true);
        attestationRegistry.vouch(alice, POLICY, LEVEL - 1, uint64(block.timestamp) + VALIDITY);
        attestationRegistry.setPricesAt(alice, POLICY, 2, uint64(block.timestamp) - MAX_AGE - 1);
        _expectNotAttested(address(first));
    }

    function test_a_consumer_that_reverts_holds_back_withdrawals() external {
        VenueStandIn consumer = new VenueStandIn();
        vault.registerConsumer(consumer, OTHER_POLICY);
        _deposit(address(first), 250);
        _request(address(first), 100);
        consumer.setMute(true);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "mute"));
        vault.withdraw(address(first), alice);
        consumer.deregister(vault);
        _withdraw(address(first), bob);
    }

    function test_a_consumer_deregisters_by_itself() external {
        (VenueStandIn second_, VenueStandIn third) = (new VenueStandIn(), new VenueStandIn());
        vault.registerConsumer(second_, OTHER_POLICY);
        vault.registerConsumer(third, OTHER_POLICY);
        second_.deregister(vault);
        require(vault.consumers().length == 2 && !vault.isConsumer(address(second_), OTHER_POLICY));
        require(vault.isConsumer(address(venue), POLICY) && vault.isConsumer(address(third), OTHER_POLICY));
        _deposit(address(first), 250);
        second_.setExposure(alice, true);
        _request(address(first), 100);
        uint256 state = vm.snapshotState();
        _withdraw(address(first), bob);
        vm.revertToState(state);
        third.setExposure(alice, true);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotAttested.selector, alice, address(third)));
        vault.withdraw(address(first), alice);
    }

    /// @notice Nobody else removes a consumer, the deployer included.
    function test_rejects_deregistering_somebody_else() external {
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotConsumer.selector, address(this)));
        vault.deregister();
        venue.deregister(vault);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotConsumer.selector, address(venue)));
        venue.deregister(vault);
    }

    function test_rejects_deposits_before_there_is_a_venue() external {
        CollateralVault fresh = _create(_assets());
        vm.expectRevert(ICollateralVault.VenueNotSet.selector);
        fresh.deposit(address(first), 1);
        vm.expectRevert(ICollateralVault.VenueNotSet.selector);
        fresh.depositFor(alice, address(first), 1);
    }

    // Deposits.

    function test_a_deposit_counts_in_whole_lots() external {
        _deposit(address(first), 250);
        _expectBalance(address(first), 250, 0, 0);
        _expectCheckpoint(1, 2 * FACTORS[0]);
        _deposit(address(second), 300);
        _expectCheckpoint(2, 2 * FACTORS[0] + 3 * FACTORS[1]);
    }

    function test_a_change_within_a_lot_keeps_the_checkpoint() external {
        _deposit(address(first), 99);
        _expectCheckpoint(0, 0);
        _deposit(address(first), 1);
        _expectCheckpoint(1, FACTORS[0]);
        _deposit(address(first), 99);
        _expectCheckpoint(1, FACTORS[0]);
        _request(address(first), 99);
        _expectCheckpoint(1, FACTORS[0]);
        _request(address(first), 1);
        _expectCheckpoint(2, 0);
    }

    function test_a_token_with_a_fee_counts_for_what_arrives() external {
        _deposit(address(fee), 1000);
        _expectBalance(address(fee), 990, 0, 0);
        _expectCheckpoint(1, 9 * FACTORS[2]);
        vm.prank(bob);
        vault.depositFor(alice, address(fee), 1000);
        _expectBalance(address(fee), 990, 0, 990);
        _request(address(fee), 990);
        _withdraw(address(fee), bob);
        _expectBalance(address(fee), 0, 0, 990);
        require(fee.balanceOf(address(vault)) == 990);
    }

    function test_a_token_that_answers_nothing_is_fine() external {
        _deposit(address(silent), 100);
        _request(address(silent), 100);
        _withdraw(address(silent), bob);
        require(silent.balanceOf(bob) == 1e30 + 100);
    }

    function test_rejects_a_deposit_of_nothing() external {
        bytes memory reason = abi.encodeWithSelector(ICollateralVault.InvalidAmount.selector, 0);
        vm.prank(alice);
        vm.expectRevert(reason);
        vault.deposit(address(first), 0);
        vm.prank(alice);
        vm.expectRevert(reason);
        vault.depositFor(bob, address(first), 0);
    }

    function test_rejects_a_deposit_of_which_nothing_arrives() external {
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.InvalidAmount.selector, 0));
        vault.deposit(address(fee), 99);
    }

    function test_rejects_a_transfer_that_answers_false() external {
        address carol = address(0xca401);
        vm.prank(carol);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(lying)));
        vault.deposit(address(lying), 100);
    }

    function test_rejects_more_lots_than_a_circuit_takes() external {
        uint256 most = (2 ** 63 - 1) * uint256(UNIT) + UNIT - 1;
        _deposit(address(first), most);
        _expectCheckpoint(1, (2 ** 63 - 1) * FACTORS[0]);
        bytes memory reason = abi.encodeWithSelector(ICollateralVault.InvalidAmount.selector, most + 1);
        vm.prank(alice);
        vm.expectRevert(reason);
        vault.deposit(address(first), 1);
        vm.prank(bob);
        vault.depositFor(alice, address(first), 1);
        vm.prank(alice);
        vm.expectRevert(reason);
        vault.accept(address(first));
        _request(address(first), 1);
        _deposit(address(first), 1);
        vm.prank(alice);
        vm.expectRevert(reason);
        vault.cancelWithdrawal(address(first));
    }

    // Offers.

    function test_an_offer_counts_once_it_is_accepted() external {
        vm.prank(bob);
        vault.depositFor(alice, address(first), 150);
        vm.prank(bob);
        vault.depositFor(alice, address(first), 50);
        _expectBalance(address(first), 0, 0, 200);
        _expectCheckpoint(0, 0);
        vm.prank(alice);
        vault.accept(address(first));
        _expectBalance(address(first), 200, 0, 0);
        _expectCheckpoint(1, 2 * FACTORS[0]);
    }

    function test_rejects_accepting_nothing() external {
        vm.prank(bob);
        vault.depositFor(alice, address(first), 150);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.InvalidAmount.selector, 0));
        vault.accept(address(first));
    }

    function test_rejects_withdrawing_or_seizing_an_offer() external {
        vm.prank(bob);
        vault.depositFor(alice, address(first), 150);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotEnough.selector, 1, 0));
        vault.requestWithdrawal(address(first), 1);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotEnough.selector, 1, 0));
        venue.seize(vault, alice, address(first), 1, bob);
    }

    // Withdrawals.

    function test_withdraws_without_exposure() external {
        _deposit(address(first), 250);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _request(address(first), 250);
        require(_sufficient());
        _withdraw(address(first), bob);
        require(first.balanceOf(bob) == 1e30 + 250 && first.balanceOf(address(vault)) == 0);
        _expectBalance(address(first), 0, 0, 0);
        require(vault.floorOf(alice) == 2);
        require(!_sufficient(), "it counted what has left");
    }

    function test_withdraws_after_an_attestation_without_the_amount() external {
        for (uint256 level = LEVEL; level < attestationRegistry.SUFFICIENT(); ++level) {
            _withExposure(250);
            _request(address(first), 100);
            attestationRegistry.vouch(alice, POLICY, level, uint64(block.timestamp) + VALIDITY);
            vm.warp(block.timestamp + MAX_AGE);
            _withdraw(address(first), bob);
            require(_sufficient(), "it did not count what has left");
            vm.warp(block.timestamp + VALIDITY);
        }
    }

    function test_cancels_a_withdrawal() external {
        _deposit(address(first), 250);
        _request(address(first), 100);
        _expectBalance(address(first), 150, 100, 0);
        _expectCheckpoint(2, FACTORS[0]);
        vm.prank(alice);
        vault.cancelWithdrawal(address(first));
        _expectBalance(address(first), 250, 0, 0);
        _expectCheckpoint(3, 2 * FACTORS[0]);
    }

    function test_rejects_requests_for_nothing_or_too_much() external {
        _deposit(address(first), 250);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.InvalidAmount.selector, 0));
        vault.requestWithdrawal(address(first), 0);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotEnough.selector, 251, 250));
        vault.requestWithdrawal(address(first), 251);
    }

    function test_rejects_withdrawing_or_cancelling_where_nothing_waits() external {
        _deposit(address(first), 250);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.InvalidAmount.selector, 0));
        vault.withdraw(address(first), alice);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.InvalidAmount.selector, 0));
        vault.cancelWithdrawal(address(first));
    }

    function test_rejects_a_withdrawal_without_an_attestation() external {
        _withExposure(250);
        _request(address(first), 100);
        _expectNotAttested(address(first));
    }

    function test_rejects_a_withdrawal_after_an_attestation_that_counts_the_amount() external {
        _withExposure(250);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _request(address(first), 100);
        require(_sufficient());
        _expectNotAttested(address(first));
    }

    function test_rejects_a_withdrawal_after_an_attestation_of_a_weaker_level() external {
        _withExposure(250);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, LEVEL - 1, uint64(block.timestamp) + VALIDITY);
        _expectNotAttested(address(first));
    }

    function test_rejects_a_withdrawal_after_an_attestation_of_another_policy() external {
        _withExposure(250);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, keccak256("another"), 2, uint64(block.timestamp) + VALIDITY);
        _expectNotAttested(address(first));
    }

    function test_rejects_a_withdrawal_after_an_attestation_of_another_subject() external {
        _withExposure(250);
        vm.prank(bob);
        vault.deposit(address(second), 100);
        vm.prank(bob);
        vault.deposit(address(second), 100);
        _request(address(first), 100);
        attestationRegistry.vouch(bob, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _expectNotAttested(address(first));
    }

    function test_rejects_a_withdrawal_after_an_attestation_with_old_prices() external {
        _withExposure(250);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        vm.warp(block.timestamp + MAX_AGE + 1);
        require(_sufficient());
        _expectNotAttested(address(first));
    }

    function test_rejects_a_withdrawal_after_an_attestation_that_has_lapsed() external {
        _withExposure(250);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + 1);
        vm.warp(block.timestamp + 1);
        uint256 state = vm.snapshotState();
        _withdraw(address(first), bob);
        vm.revertToState(state);
        vm.warp(block.timestamp + 1);
        _expectNotAttested(address(first));
    }

    function test_rejects_a_withdrawal_while_the_policy_is_frozen() external {
        _withExposure(250);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        attestationRegistry.setInForce(false);
        _expectNotAttested(address(first));
    }

    /// @notice A stricter attestation over the present checkpoint that has lapsed, and a weaker one that counts and
    /// draws on an earlier checkpoint, are not one that does both.
    function test_rejects_a_withdrawal_after_two_attestations_that_each_lack_something() external {
        _withExposure(250);
        attestationRegistry.vouch(alice, POLICY, 1, uint64(block.timestamp) + VALIDITY);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + 1);
        vm.warp(block.timestamp + 2);
        require(_sufficient());
        _expectNotAttested(address(first));
    }

    /// @notice The same with a stricter one that counts, over an earlier checkpoint, and a weaker one that has lapsed.
    function test_rejects_a_withdrawal_after_a_weaker_attestation_that_has_lapsed() external {
        _withExposure(250);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 1, uint64(block.timestamp) + 1);
        vm.warp(block.timestamp + 2);
        require(_sufficient());
        _expectNotAttested(address(first));
    }

    /// @notice The same with a weaker one over the present checkpoint and old prices.
    function test_rejects_a_withdrawal_after_a_weaker_attestation_with_old_prices() external {
        _withExposure(250);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 1, uint64(block.timestamp) + VALIDITY);
        attestationRegistry.setPricesAt(alice, POLICY, 1, uint64(block.timestamp) - MAX_AGE - 1);
        require(attestationRegistry.isSufficientNoOlderThan(alice, POLICY, LEVEL, MAX_AGE));
        _expectNotAttested(address(first));
        attestationRegistry.setPricesAt(alice, POLICY, 1, uint64(block.timestamp) - MAX_AGE);
        _withdraw(address(first), bob);
    }

    function test_rejects_a_larger_withdrawal_than_was_attested_to() external {
        _withExposure(1000);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _request(address(first), 800);
        _expectNotAttested(address(first));
    }

    function test_rejects_another_tokens_withdrawal_that_was_not_attested_to() external {
        _withExposure(1000);
        _deposit(address(second), 1000);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _request(address(second), 100);
        _expectNotAttested(address(second));
        _expectNotAttested(address(first));
    }

    function test_one_attestation_serves_all_that_waited() external {
        _withExposure(1000);
        _deposit(address(second), 1000);
        _request(address(first), 100);
        _request(address(second), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _withdraw(address(first), bob);
        _withdraw(address(second), bob);
        require(_sufficient());
    }

    function test_rejects_a_withdrawal_after_a_later_deposit_until_it_is_attested_to() external {
        _withExposure(1000);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _deposit(address(first), 100);
        _expectNotAttested(address(first));
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _withdraw(address(first), bob);
    }

    function test_rejects_a_withdrawal_that_was_cancelled_and_attested_to_in_between() external {
        _withExposure(1000);
        _request(address(first), 100);
        vm.prank(alice);
        vault.cancelWithdrawal(address(first));
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _request(address(first), 100);
        _expectNotAttested(address(first));
    }

    function test_strangers_cannot_spoil_a_withdrawal() external {
        _withExposure(1000);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        vm.prank(bob);
        vault.depositFor(alice, address(first), 1000);
        first.mint(address(vault), 1000);
        _withdraw(address(first), bob);
    }

    // Seizure.

    function test_seizes_what_counts_and_then_what_waits() external {
        _deposit(address(first), 250);
        _request(address(first), 100);
        venue.seize(vault, alice, address(first), 60, bob);
        _expectBalance(address(first), 90, 100, 0);
        _expectCheckpoint(3, 0);
        require(vault.floorOf(alice) == 3);
        venue.seize(vault, alice, address(first), 120, bob);
        _expectBalance(address(first), 0, 70, 0);
        venue.seize(vault, alice, address(first), 70, bob);
        _expectBalance(address(first), 0, 0, 0);
        require(first.balanceOf(bob) == 1e30 + 250);
    }

    /// @notice Attack: count tokens that have left at a source, too, in a statement from before.
    function test_the_time_at_which_waiting_tokens_are_seized_is_kept() external {
        _deposit(address(first), 250);
        _request(address(first), 250);
        vm.warp(block.timestamp + 5);
        venue.seize(vault, alice, address(first), 1, bob);
        require(vault.shrunkAtOf(alice) == block.timestamp);
    }

    function test_a_seizure_ends_attestations_that_counted_the_amount() external {
        _deposit(address(first), 200);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _request(address(first), 200);
        require(_sufficient());
        // Nothing counts; what waits was attested to.
        venue.seize(vault, alice, address(first), 1, bob);
        require(!_sufficient());
    }

    function test_rejects_a_withdrawal_after_a_seizure_until_it_is_attested_to() external {
        _withExposure(1000);
        _request(address(first), 100);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        venue.seize(vault, alice, address(first), 300, bob);
        require(!_sufficient());
        _expectNotAttested(address(first));
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _withdraw(address(first), bob);
    }

    function test_rejects_seizure_by_anybody_else() external {
        _deposit(address(first), 250);
        vm.expectRevert(ICollateralVault.OnlyVenue.selector);
        vault.seize(alice, address(first), 1, bob);
        vm.prank(alice);
        vm.expectRevert(ICollateralVault.OnlyVenue.selector);
        vault.seize(alice, address(first), 1, alice);
    }

    function test_rejects_seizure_of_nothing_or_too_much() external {
        _deposit(address(first), 250);
        _request(address(first), 100);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.InvalidAmount.selector, 0));
        venue.seize(vault, alice, address(first), 0, bob);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotEnough.selector, 251, 250));
        venue.seize(vault, alice, address(first), 251, bob);
    }

    // Holds.

    function test_rejects_a_withdrawal_that_the_venue_holds_back() external {
        _deposit(address(first), 250);
        _request(address(first), 100);
        vm.expectEmit(address(vault));
        emit ICollateralVault.HoldSet(alice, true);
        venue.setHold(vault, alice, true);
        require(vault.isHeld(alice) && !vault.isHeld(bob));
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.Held.selector, alice));
        vault.withdraw(address(first), alice);
        venue.seize(vault, alice, address(first), 200, bob);
        venue.setHold(vault, alice, false);
        _withdraw(address(first), alice);
        (uint256 counted, uint256 waiting,) = vault.balanceOf(alice, address(first));
        require(!vault.isHeld(alice) && counted == 0 && waiting == 0);
    }

    function test_rejects_a_hold_by_anybody_else() external {
        vm.expectRevert(ICollateralVault.OnlyVenue.selector);
        vault.setHold(alice, true);
        venue.setHold(vault, alice, true);
        vm.prank(alice);
        vm.expectRevert(ICollateralVault.OnlyVenue.selector);
        vault.setHold(alice, false);
    }

    // Checkpoints.

    function test_a_checkpoint_is_the_hash_of_all_it_is_about() external {
        _deposit(address(first), 250);
        (bytes32 checkpoint, uint32 number, uint40 grownAt, uint256 x, uint256 y) = vault.checkpointOf(alice);
        (uint256 expectedX, uint256 expectedY) = Bn254.mul(1, 2, 2 * FACTORS[0]);
        require(number == 1 && x == expectedX && y == expectedY);
        require(grownAt == block.timestamp);
        bytes memory place = abi.encode(keccak256("surety/vault/v2"), block.chainid, address(vault), UNIVERSE, alice);
        require(checkpoint == keccak256(bytes.concat(place, abi.encode(uint32(1), grownAt, x, y))));
        (bytes32 other,,,,) = vault.checkpointOf(bob);
        require(other != checkpoint);
    }

    /// @notice Attestations compare this with their statements: what has come since may be what a source has stated.
    function test_remembers_when_what_counts_has_grown() external {
        require(_grownAt(alice) == 0);
        vm.warp(1_000_100);
        _deposit(address(first), 250);
        require(_grownAt(alice) == 1_000_100 && _grownAt(bob) == 0);
        vm.warp(1_000_200);
        _deposit(address(first), 10);
        _request(address(first), 160);
        vm.prank(bob);
        vault.depositFor(alice, address(first), 500);
        require(_grownAt(alice) == 1_000_100);
        vm.prank(alice);
        vault.accept(address(first));
        require(_grownAt(alice) == 1_000_200);
        vm.warp(1_000_300);
        vm.prank(alice);
        vault.cancelWithdrawal(address(first));
        require(_grownAt(alice) == 1_000_300);
    }

    /// @notice Shortfalls compare this with their statements: what has left since may be back at a source.
    function test_remembers_when_what_counts_has_fallen() external {
        _deposit(address(first), 250);
        require(vault.shrunkAtOf(alice) == 0);
        (bytes32 checkpoint,,,,) = vault.checkpointOf(alice);
        vm.warp(1_000_100);
        _request(address(first), 50);
        require(vault.shrunkAtOf(alice) == 0, "a change within a lot");
        _request(address(first), 100);
        require(vault.shrunkAtOf(alice) == 1_000_100 && vault.shrunkAtOf(bob) == 0);
        vm.warp(1_000_200);
        _withdraw(address(first), alice);
        require(vault.shrunkAtOf(alice) == 1_000_200, "what was requested before leaves now");
        _deposit(address(first), 1_000);
        require(vault.shrunkAtOf(alice) == 1_000_200 && _grownAt(alice) == 1_000_200);
        vm.warp(1_000_300);
        venue.seize(vault, alice, address(first), 500, bob);
        require(vault.shrunkAtOf(alice) == 1_000_300 && _grownAt(alice) == 1_000_200);
        (bytes32 later,,,,) = vault.checkpointOf(alice);
        require(later != checkpoint);
    }

    /// @notice Attack: an account whose margin is negative takes its record of that for an attestation.
    function test_rejects_a_withdrawal_after_an_attestation_of_a_shortfall() external {
        _withExposure(250);
        _request(address(first), 100);
        attestationRegistry.vouchShort(alice, POLICY, 1, uint64(block.timestamp) + VALIDITY);
        require(attestationRegistry.isShortNoOlderThan(alice, POLICY, 3, MAX_AGE));
        _expectNotAttested(address(first));
        // Nor does it help a weaker level.
        attestationRegistry.vouch(alice, POLICY, LEVEL - 1, uint64(block.timestamp) + VALIDITY);
        _expectNotAttested(address(first));
    }

    // Calls from within a token.

    function test_rejects_calls_from_within_a_deposit() external {
        bytes[6] memory entries = _entries();
        for (uint256 i = 0; i < entries.length; ++i) {
            vm.prank(alice);
            hooked.hook(address(vault), entries[i]);
            uint256 failures = hooked.failures();
            _deposit(address(hooked), 100);
            require(hooked.failures() == failures + 1);
            _expectReentrancyFailure();
        }
        _expectBalance(address(hooked), 600, 0, 0);
        _expectCheckpoint(6, 6 * FACTORS[3]);
    }

    function test_rejects_calls_from_within_a_withdrawal() external {
        bytes[6] memory entries = _entries();
        _deposit(address(hooked), 600);
        for (uint256 i = 0; i < entries.length; ++i) {
            _request(address(hooked), 100);
            vm.prank(alice);
            hooked.hook(address(vault), entries[i]);
            uint256 failures = hooked.failures();
            _withdraw(address(hooked), alice);
            require(hooked.failures() == failures + 1);
            _expectReentrancyFailure();
            vm.prank(alice);
            hooked.hook(address(0), "");
        }
        require(hooked.balanceOf(alice) == 1e30 && hooked.balanceOf(address(vault)) == 0);
    }

    function test_rejects_calls_from_within_a_seizure() external {
        _deposit(address(hooked), 200);
        _request(address(hooked), 100);
        vm.prank(alice);
        hooked.hook(address(vault), abi.encodeCall(ICollateralVault.withdraw, (address(hooked), bob)));
        venue.seize(vault, alice, address(hooked), 50, alice);
        require(hooked.failures() == 1);
        _expectReentrancyFailure();
        _expectBalance(address(hooked), 50, 100, 0);
    }

    /// @notice A recipient sees, from within a withdrawal, that the amount is gone, and so is the attestation that
    /// counted it.
    function test_what_is_seen_from_within_a_withdrawal_is_settled() external {
        _deposit(address(hooked), 200);
        attestationRegistry.vouch(alice, POLICY, 2, uint64(block.timestamp) + VALIDITY);
        _request(address(hooked), 200);
        require(_sufficient());
        vm.prank(alice);
        hooked.hook(address(this), abi.encodeCall(this.requireInsufficient, ()));
        _withdraw(address(hooked), alice);
        require(hooked.calls() == 1 && hooked.failures() == 0);
    }

    function requireInsufficient() external view {
        require(!_sufficient());
        (uint256 counted, uint256 waiting,) = vault.balanceOf(alice, address(hooked));
        require(counted == 0 && waiting == 0);
    }

    // Arithmetic.

    /// @notice Attack: a precompile made to fail, so that a checkpoint has what has left, or lacks what has come.
    function test_rejects_a_change_where_a_precompile_fails() external {
        bytes memory reason = abi.encodeWithSelector(Bn254.PointOperationFailed.selector);
        first.mint(address(this), 10 * UNIT);
        first.approve(address(vault), 10 * UNIT);
        vault.deposit(address(first), 4 * UNIT);
        _requireFaultsRefused(
            address(vault), abi.encodeCall(ICollateralVault.deposit, (address(first), 2 * UNIT)), reason
        );
        _requireFaultsRefused(
            address(vault), abi.encodeCall(ICollateralVault.requestWithdrawal, (address(first), 2 * UNIT)), reason
        );
    }

    function testFuzz_rejects_what_is_no_point(uint256 factor, uint256 other) external view {
        (uint256 x, uint256 y) = Bn254.mul(1, 2, factor % 1_000_000 + 1);
        require(Bn254.isPoint(x, y) && Bn254.isPoint(x, Bn254.negateY(y)));
        vm.assume(other != y && other != Bn254.negateY(y));
        require(!Bn254.isPoint(x, other));
    }

    function test_rejects_arithmetic_with_what_is_no_point() external {
        vm.expectRevert(Bn254.PointOperationFailed.selector);
        this.add(1, 3, 1, 2);
        vm.expectRevert(Bn254.PointOperationFailed.selector);
        this.mul(1, 3, 2);
    }

    function add(uint256 a, uint256 b, uint256 c, uint256 d) external view returns (uint256, uint256) {
        return Bn254.add(a, b, c, d);
    }

    function mul(uint256 x, uint256 y, uint256 factor) external view returns (uint256, uint256) {
        return Bn254.mul(x, y, factor);
    }

    function test_the_identity_is_its_own_negative() external view {
        require(Bn254.negateY(0) == 0);
        (uint256 x, uint256 y) = Bn254.add(1, 2, 1, Bn254.negateY(2));
        require(x == 0 && y == 0);
    }

    function _create(Asset[] memory list) private returns (CollateralVault) {
        return new CollateralVault(attestationRegistry, UNIVERSE, list);
    }

    function _tokens() private view returns (address[6] memory) {
        return [address(first), address(second), address(fee), address(hooked), address(lying), address(silent)];
    }

    function _assets() private view returns (Asset[] memory list) {
        address[6] memory tokens = _tokens();
        list = new Asset[](tokens.length);
        for (uint256 i = 0; i < list.length; ++i) {
            (uint256 x, uint256 y) = Bn254.mul(1, 2, FACTORS[i]);
            list[i] = Asset({token: tokens[i], unit: UNIT, x: x, y: y});
        }
    }

    /// @dev Calls of alice's to every function that moves something.
    function _entries() private view returns (bytes[6] memory) {
        return [
            abi.encodeCall(ICollateralVault.deposit, (address(first), 100)),
            abi.encodeCall(ICollateralVault.depositFor, (bob, address(first), 100)),
            abi.encodeCall(ICollateralVault.accept, (address(hooked))),
            abi.encodeCall(ICollateralVault.requestWithdrawal, (address(hooked), 1)),
            abi.encodeCall(ICollateralVault.cancelWithdrawal, (address(hooked))),
            abi.encodeCall(ICollateralVault.withdraw, (address(hooked), alice))
        ];
    }

    function _withExposure(uint256 amount) private {
        _deposit(address(first), amount);
        venue.setExposure(alice, true);
    }

    function _deposit(address token, uint256 amount) private {
        vm.prank(alice);
        vault.deposit(token, amount);
    }

    function _request(address token, uint256 amount) private {
        vm.prank(alice);
        vault.requestWithdrawal(token, amount);
    }

    function _withdraw(address token, address to) private {
        vm.prank(alice);
        vault.withdraw(token, to);
    }

    function _grownAt(address subject) private view returns (uint40 grownAt) {
        (,, grownAt,,) = vault.checkpointOf(subject);
    }

    function _sufficient() private view returns (bool) {
        return attestationRegistry.isSufficientNoOlderThan(alice, POLICY, LEVEL, VALIDITY);
    }

    function _expectNotAttested(address token) private {
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotAttested.selector, alice, address(venue)));
        vault.withdraw(token, alice);
    }

    function _expectInvalidAsset(Asset[] memory list, uint256 index) private {
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.InvalidAsset.selector, index));
        _create(list);
    }

    function _expectReentrancyFailure() private view {
        bytes memory reason = hooked.lastFailure();
        require(bytes4(reason) == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }

    function _expectBalance(address token, uint256 counted, uint256 waiting, uint256 offered) private view {
        (uint256 isCounted, uint256 isWaiting, uint256 isOffered) = vault.balanceOf(alice, token);
        require(isCounted == counted && isWaiting == waiting && isOffered == offered, "balance");
    }

    function _expectCheckpoint(uint32 number, uint256 multiple) private view {
        (, uint32 isNumber,, uint256 x, uint256 y) = vault.checkpointOf(alice);
        (uint256 expectedX, uint256 expectedY) = Bn254.mul(1, 2, multiple);
        require(isNumber == number, "number");
        require(x == expectedX && y == expectedY, "commitment");
    }
}
