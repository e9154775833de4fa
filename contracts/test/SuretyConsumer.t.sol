// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {SuretyConsumer} from "../src/consumers/SuretyConsumer.sol";
import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {ICollateralVault} from "../src/interfaces/ICollateralVault.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {SuretyMockRegistry} from "../src/mocks/SuretyMockRegistry.sol";
import {Attesting} from "./support/Attesting.sol";
import {vm} from "./support/Vm.sol";

/// @notice A function that only sufficient callers reach.
contract Gate is SuretyConsumer {
    uint256 public passed;

    constructor(IAttestationRegistry attestationRegistry, bytes32 policy) SuretyConsumer(attestationRegistry, policy) {}

    function pass(uint256 level, uint256 maxAge) external onlySufficient(msg.sender, level, maxAge) {
        ++passed;
    }
}

/// @notice A vault that knows which contracts are consumers.
contract ConsumersStandIn {
    mapping(address consumer => mapping(bytes32 policy => bool)) public isConsumer;
    mapping(address subject => uint32) public floorOf;

    function register(address consumer, bytes32 policy) external {
        isConsumer[consumer][policy] = true;
    }

    function checkpointOf(address) external pure returns (bytes32, uint32, uint40, uint256, uint256) {
        return (0, 0, 0, 0, 0);
    }
}

/// @notice The base contract for consumers, on the mock and on the true registry.
contract SuretyConsumerTest is Attesting {
    uint256 private constant MAX_AGE = 900;

    SuretyMockRegistry private mock = new SuretyMockRegistry(3, 1);
    Gate private gate = new Gate(mock, POLICY);

    function setUp() external {
        _start();
    }

    function test_a_sufficient_subject_passes() external {
        mock.vouch(address(this), POLICY, 1, NOW + 3_000);
        gate.pass(1, MAX_AGE);
        gate.pass(0, MAX_AGE);
        require(gate.passed() == 2 && gate.isSufficient(address(this), 1, MAX_AGE));
    }

    function test_knows_registry_policy_and_vault() external view {
        require(address(gate.ATTESTATION_REGISTRY()) == address(mock) && gate.POLICY() == POLICY);
        require(address(gate.VAULT()) == address(0));
    }

    function test_a_subject_passes_with_a_true_attestation() external {
        Gate onTrue = new Gate(attestationRegistry, POLICY);
        attestationRegistry.attest(_proven(_signed(_unsigned(), _terms()), _terms()));
        vm.prank(SUBJECT);
        onTrue.pass(1, MAX_AGE);
        _refusePass(onTrue, address(this), 1);
        _refusePass(onTrue, SUBJECT, 2);
    }

    function test_rejects_a_subject_without_an_attestation() external {
        _refusePass(gate, address(this), 0);
        mock.vouch(SUBJECT, POLICY, 2, NOW + 3_000);
        mock.vouch(address(this), keccak256("other"), 2, NOW + 3_000);
        _refusePass(gate, address(this), 0);
    }

    function test_rejects_a_weaker_level() external {
        mock.vouch(address(this), POLICY, 0, NOW + 3_000);
        _refusePass(gate, address(this), 1);
    }

    function test_rejects_older_prices() external {
        mock.vouch(address(this), POLICY, 1, NOW + 3_000);
        vm.warp(NOW + MAX_AGE);
        gate.pass(1, MAX_AGE);
        vm.warp(NOW + MAX_AGE + 1);
        _refusePass(gate, address(this), 1);
    }

    function test_rejects_what_has_lapsed_or_was_revoked() external {
        mock.vouch(address(this), POLICY, 1, NOW + 10);
        vm.warp(NOW + 11);
        _refusePass(gate, address(this), 1);
        mock.vouch(address(this), POLICY, 1, NOW + 100);
        mock.revoke(address(this), POLICY, 1);
        _refusePass(gate, address(this), 1);
    }

    function test_rejects_subjects_while_the_policy_is_frozen() external {
        mock.vouch(address(this), POLICY, 1, NOW + 3_000);
        mock.setInForce(false);
        _refusePass(gate, address(this), 1);
    }

    function test_rejects_a_shortfall_as_sufficiency() external {
        mock.vouchShort(address(this), POLICY, 1, NOW + 3_000);
        for (uint256 level = 0; level < 4; ++level) {
            _refusePass(gate, address(this), level);
        }
    }

    /// @notice Attack: collateral that leaves the vault right after it was relied on.
    function test_rejects_subjects_until_the_vault_knows_the_consumer() external {
        ConsumersStandIn consumers = new ConsumersStandIn();
        mock.setVault(ICollateralVault(address(consumers)));
        gate = new Gate(mock, POLICY);
        mock.vouch(address(this), POLICY, 1, NOW + 3_000);
        consumers.register(address(gate), keccak256("other"));
        vm.expectRevert(abi.encodeWithSelector(SuretyConsumer.NotConsumer.selector));
        gate.pass(1, MAX_AGE);
        require(!gate.isSufficient(address(this), 1, MAX_AGE));
        consumers.register(address(gate), POLICY);
        gate.pass(1, MAX_AGE);
        require(gate.isSufficient(address(this), 1, MAX_AGE));
    }

    function test_rejects_an_unknown_policy() external {
        bytes32 unknown = keccak256("unknown");
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, unknown));
        new Gate(attestationRegistry, unknown);
    }

    function _refusePass(Gate refusing, address subject, uint256 level) private {
        vm.expectRevert(abi.encodeWithSelector(SuretyConsumer.NotSufficient.selector, subject, level));
        vm.prank(subject);
        refusing.pass(level, MAX_AGE);
    }
}
