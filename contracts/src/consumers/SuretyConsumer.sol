// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";

/// @title The base of contracts that rely on attestations under one policy
/// @notice A function with {onlySufficient} runs only for a subject that holds a level of the policy.
///
/// The check is of that moment. A contract that keeps exposure to a subject must also check later, and say what happens
/// to subjects that no longer hold the level: the example `MarginGatedVenue` liquidates.
///
/// Collateral in a vault can leave in the transaction in which an attestation was relied on, unless the vault knows the
/// contract that relies on it. Under a policy that draws on a vault, nobody is sufficient until the vault's deployer
/// has registered this contract as a consumer, which must be an {ISecuredVenue}.
abstract contract SuretyConsumer {
    /* ERRORS */

    /// @notice The subject does not hold the level, or holds it by prices that are older than the function allows.
    error NotSufficient(address subject, uint256 level);
    /// @notice The policy's vault does not have this contract among its consumers under the policy.
    error NotConsumer();

    /* IMMUTABLES */

    /// @notice The attestation registry.
    IAttestationRegistry public immutable ATTESTATION_REGISTRY;
    /// @notice The policy whose levels subjects hold.
    bytes32 public immutable POLICY;
    /// @notice The vault that the policy draws on, or zero.
    ICollateralVault public immutable VAULT;

    /* MODIFIERS */

    /// @notice Refuses subjects that are not sufficient: see {isSufficient}.
    modifier onlySufficient(address subject, uint256 level, uint256 maxAge) {
        _checkSufficient(subject, level, maxAge);
        _;
    }

    /* CONSTRUCTOR */

    /// @dev Reverts if the policy is unknown to the attestation registry.
    constructor(IAttestationRegistry attestationRegistry, bytes32 policy) {
        (ATTESTATION_REGISTRY, POLICY) = (attestationRegistry, policy);
        VAULT = ICollateralVault(attestationRegistry.POLICY_REGISTRY().terms(policy).vault.at);
    }

    /* INTERNAL */

    /// @dev Reverts unless the subject holds the level.
    function _checkSufficient(address subject, uint256 level, uint256 maxAge) internal view {
        if (!_isConsumer()) revert NotConsumer();
        if (!isSufficient(subject, level, maxAge)) revert NotSufficient(subject, level);
    }

    /// @dev True if the vault heeds what this contract relies on, or if the policy draws on none.
    function _isConsumer() private view returns (bool) {
        return address(VAULT) == address(0) || VAULT.isConsumer(address(this), POLICY);
    }

    /* VIEWS */

    /// @notice True if the subject holds the level or a stricter one. Nobody does for a contract that the policy's
    /// vault does not know as a consumer: collateral could leave in the same transaction.
    /// @param level The level's index in the policy. A level that claims a shortfall is never held.
    /// @param maxAge The largest age of the prices in the attestation, in seconds.
    function isSufficient(address subject, uint256 level, uint256 maxAge) public view returns (bool) {
        return _isConsumer() && ATTESTATION_REGISTRY.isSufficientNoOlderThan(subject, POLICY, level, maxAge);
    }
}
