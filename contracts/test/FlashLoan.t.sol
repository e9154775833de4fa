// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {CollateralVault} from "../src/core/CollateralVault.sol";
import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {ICollateralVault} from "../src/interfaces/ICollateralVault.sol";
import {ISecuredVenue} from "../src/interfaces/ISecuredVenue.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {Attestation} from "../src/types/Attestation.sol";
import {Asset} from "../src/types/Collateral.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {VenueStandIn} from "./support/VenueStandIn.sol";
import {vm} from "./support/Vm.sol";

/// @notice Lends to whoever is attested to.
contract Lender is ISecuredVenue {
    IAttestationRegistry private immutable ATTESTATION_REGISTRY;
    bytes32 private immutable POLICY;
    mapping(address subject => bool) public hasExposure;

    error NotSufficient();

    constructor(IAttestationRegistry attestationRegistry, bytes32 policy) {
        (ATTESTATION_REGISTRY, POLICY) = (attestationRegistry, policy);
    }

    function borrow() external {
        if (!ATTESTATION_REGISTRY.isSufficientNoOlderThan(msg.sender, POLICY, 1, 1 hours)) revert NotSufficient();
        hasExposure[msg.sender] = true;
    }
}

/// @notice Attack: collateral that somebody lends for a single transaction is deposited, attested to, relied on by a
/// lender that is not the vault's venue, and withdrawn. Each test is one transaction, and refuses one way.
contract FlashLoanTest is Attesting {
    uint256 private constant FACTOR = 10;
    uint256 private constant LOTS = 1_000;
    uint96 private constant UNIT = 100;

    CollateralVault private realVault;
    MockToken private token = new MockToken(6);
    VenueStandIn private venue = new VenueStandIn();
    Lender private lender;
    Snapshot private newest;

    function setUp() external {
        _start();
        Asset[] memory list = new Asset[](1);
        uint256[2] memory point = _multiple(FACTOR);
        list[0] = Asset({token: address(token), unit: UNIT, x: point[0], y: point[1]});
        realVault = new CollateralVault(attestationRegistry, _terms().universe, list);
        policyRegistry.set(POLICY, _withVault());
        lender = new Lender(attestationRegistry, POLICY);
        realVault.setVenue(venue, POLICY);
        realVault.registerConsumer(lender, POLICY);
        newest = _snapshot();
        token.mint(SUBJECT, LOTS * UNIT);
        vm.prank(SUBJECT);
        token.approve(address(realVault), type(uint256).max);
    }

    function test_rejects_a_flash_loan_over_a_snapshot_of_its_own_transaction() external {
        _deposit();
        newest = _takeNext(newest);
        _expectTooYoung(_overNewest());
        _expectNoLoan();
    }

    function test_rejects_a_flash_loan_over_a_snapshot_of_an_earlier_block() external {
        _deposit();
        _expectTooYoung(_overNewest());
        _expectNoLoan();
    }

    /// @notice Collateral of the subject's own, which has stood, does not leave after it has been relied on.
    function test_rejects_taking_collateral_away_from_a_lender_that_relies_on_it() external {
        _deposit();
        _nextBlock();
        attestationRegistry.attest(_overNewest());
        vm.prank(SUBJECT);
        lender.borrow();
        vm.prank(SUBJECT);
        realVault.requestWithdrawal(address(token), LOTS * UNIT);
        vm.prank(SUBJECT);
        vm.expectRevert(abi.encodeWithSelector(ICollateralVault.NotAttested.selector, SUBJECT, address(lender)));
        realVault.withdraw(address(token), SUBJECT);
    }

    /// @notice Attest with one's own collateral, withdraw it while nobody relies on it, and put what is lent in its
    /// place.
    function test_rejects_a_flash_loan_in_place_of_collateral_that_has_left() external {
        _deposit();
        _nextBlock();
        attestationRegistry.attest(_overNewest());
        vm.prank(SUBJECT);
        realVault.requestWithdrawal(address(token), LOTS * UNIT);
        vm.prank(SUBJECT);
        realVault.withdraw(address(token), SUBJECT);
        _nextBlock();
        _deposit();
        _expectNoLoan();
        _expectTooYoung(_overNewest());
        _expectNoLoan();
    }

    /// @notice A request counts less at once, and its cancellation counts more: as a deposit does.
    function test_rejects_a_cancelled_withdrawal_as_collateral_of_its_own_transaction() external {
        _deposit();
        vm.prank(SUBJECT);
        realVault.requestWithdrawal(address(token), LOTS * UNIT);
        _nextBlock();
        vm.prank(SUBJECT);
        realVault.cancelWithdrawal(address(token));
        _expectTooYoung(_overNewest());
        _expectNoLoan();
    }

    /// @notice The limit of the protection: a lender that the vault does not know of must not rely on it.
    function test_a_lender_that_is_no_consumer_is_not_secured() external {
        Lender stranger = new Lender(attestationRegistry, POLICY);
        require(realVault.isConsumer(address(lender), POLICY) && !realVault.isConsumer(address(stranger), POLICY));
        _deposit();
        _nextBlock();
        attestationRegistry.attest(_overNewest());
        vm.prank(SUBJECT);
        stranger.borrow();
        vm.prank(SUBJECT);
        realVault.requestWithdrawal(address(token), LOTS * UNIT);
        vm.prank(SUBJECT);
        realVault.withdraw(address(token), SUBJECT);
    }

    function _withVault() private view returns (Terms memory terms) {
        terms = _terms();
        (terms.vault.at, terms.vault.level, terms.vault.maxAge) = (address(realVault), 1, 1 hours);
    }

    function _deposit() private {
        vm.prank(SUBJECT);
        realVault.deposit(address(token), LOTS * UNIT);
    }

    function _nextBlock() private {
        vm.warp(block.timestamp + 12);
        newest = _takeNext(newest);
    }

    /// @dev An attestation over the newest snapshot and the checkpoint of now, which counts all lots.
    function _overNewest() private view returns (Attestation memory attestation) {
        attestation = _unsigned();
        attestation.epoch = newest.epoch;
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestation.statements[i].asOf = uint64(block.timestamp) - 1;
        }
        (bytes32 checkpoint,,,,) = realVault.checkpointOf(SUBJECT);
        Terms memory terms = _withVault();
        return _proven(_signed(attestation, terms), terms, checkpoint, _multiple(6 + LOTS * FACTOR));
    }

    function _expectTooYoung(Attestation memory attestation) private {
        (,, uint40 grownAt,,) = realVault.checkpointOf(SUBJECT);
        require(grownAt == block.timestamp);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.VaultTooYoung.selector, grownAt));
    }

    function _expectNoLoan() private {
        vm.prank(SUBJECT);
        vm.expectRevert(Lender.NotSufficient.selector);
        lender.borrow();
    }
}
