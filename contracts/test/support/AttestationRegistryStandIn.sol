// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../../src/interfaces/IAttestationRegistry.sol";
import {ICollateralVault} from "../../src/interfaces/ICollateralVault.sol";
import {IEvidence} from "../../src/interfaces/IEvidence.sol";
import {IPolicyRegistry} from "../../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../../src/interfaces/ISnapshotOracle.sol";
import {Attestation, Record, Statement} from "../../src/types/Attestation.sol";

/// @notice An attestation registry that keeps records without proofs. Records count as the interface says: until they
/// lapse, while the policy is in force, and not below the vault's floor.
contract AttestationRegistryStandIn is IAttestationRegistry {
    uint256 public constant LEVELS = 4;
    uint256 public constant SUFFICIENT = 3;

    /// @inheritdoc IEvidence
    IPolicyRegistry public POLICY_REGISTRY;
    ICollateralVault private vault;
    bool public inForce = true;
    bool public accepts = true;
    uint40 private epoch;
    mapping(address subject => mapping(bytes32 policy => mapping(uint256 level => Record))) private records;

    function setPolicyRegistry(IPolicyRegistry policyRegistry) external {
        POLICY_REGISTRY = policyRegistry;
    }

    function setVault(ICollateralVault vault_) external {
        vault = vault_;
    }

    function setInForce(bool value) external {
        inForce = value;
    }

    function setAccepts(bool value) external {
        accepts = value;
    }

    /// @notice Attests over the vault's present checkpoint, with prices of now.
    function vouch(address subject, bytes32 policy, uint256 level, uint64 validUntil) external {
        (, uint32 number,,,) = vault.checkpointOf(subject);
        records[subject][policy][level] = Record({
            epoch: ++epoch,
            pricesAt: uint40(block.timestamp),
            validUntil: uint40(validUntil),
            streak: 1,
            vaultNumber: number,
            sequences: 0
        });
    }

    /// @notice Attests to the shortfall over the vault's present checkpoint, with prices of this epoch and of now.
    function vouchShort(address subject, bytes32 policy, uint64 epoch_, uint64 validUntil) external {
        (, uint32 number,,,) = vault.checkpointOf(subject);
        records[subject][policy][SUFFICIENT] = Record({
            epoch: uint40(epoch_),
            pricesAt: uint40(block.timestamp),
            validUntil: uint40(validUntil),
            streak: 1,
            vaultNumber: number,
            sequences: 0
        });
    }

    /// @notice As if an attestation were over the prices of another epoch.
    function setEpoch(address subject, bytes32 policy, uint256 level, uint64 epoch_) external {
        records[subject][policy][level].epoch = uint40(epoch_);
    }

    /// @notice As if an attestation were over earlier prices.
    function setPricesAt(address subject, bytes32 policy, uint256 level, uint64 pricesAt) external {
        records[subject][policy][level].pricesAt = uint40(pricesAt);
    }

    function recordOf(address subject, bytes32 policy, uint256 level) external view returns (Record memory) {
        if (level >= LEVELS) revert UnknownLevel(level);
        return records[subject][policy][level];
    }

    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
        public
        view
        returns (bool)
    {
        if (level >= LEVELS) revert UnknownLevel(level);
        for (; level < SUFFICIENT; ++level) {
            if (counts(subject, policy, level) && block.timestamp <= records[subject][policy][level].pricesAt + maxAge)
            {
                return true;
            }
        }
        return false;
    }

    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 maxAge) external view returns (bool) {
        return isSufficientNoOlderThan(subject, policy, 0, maxAge);
    }

    function levelOf(address subject, bytes32 policy) external view returns (bool, uint256) {
        for (uint256 level = SUFFICIENT; level > 0; --level) {
            if (counts(subject, policy, level - 1)) return (true, level - 1);
        }
        return (false, 0);
    }

    function counts(address subject, bytes32 policy, uint256 level) public view returns (bool) {
        Record memory record = records[subject][policy][level];
        return inForce && record.epoch != 0 && block.timestamp <= record.validUntil
            && record.vaultNumber >= vault.floorOf(subject);
    }

    function isShortNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
        external
        view
        returns (bool)
    {
        if (level >= LEVELS) revert UnknownLevel(level);
        if (level < SUFFICIENT || !counts(subject, policy, level)) return false;
        Record memory shortfall = records[subject][policy][level];
        (, uint32 number,,,) = vault.checkpointOf(subject);
        if (shortfall.vaultNumber != number || block.timestamp > shortfall.pricesAt + maxAge) return false;
        for (uint256 i = 0; i < SUFFICIENT; ++i) {
            if (counts(subject, policy, i) && records[subject][policy][i].epoch >= shortfall.epoch) return false;
        }
        return true;
    }

    function streakOf(address subject, bytes32 policy, uint256 level) external view returns (uint32) {
        if (level >= SUFFICIENT) return 0;
        return counts(subject, policy, level) ? records[subject][policy][level].streak : 0;
    }

    function acceptsAttestations(bytes32) external view returns (bool) {
        return inForce && accepts;
    }

    function EXCLUSIVE() external pure returns (bool) {
        return false;
    }

    function ORACLE() external pure returns (ISnapshotOracle) {
        revert("not of the stand-in");
    }

    function accountOf(address, bytes32, address) external pure returns (uint64, uint120, uint40, uint32) {
        revert("not of the stand-in");
    }

    function attest(Attestation calldata) external pure {
        revert("not of the stand-in");
    }

    function supersede(bytes32, address, uint256, Statement calldata) external pure {
        revert("not of the stand-in");
    }

    function attestBatch(Attestation[] calldata) external pure {
        revert("not of the stand-in");
    }

    function contextOf(Attestation calldata) external pure returns (uint256) {
        revert("not of the stand-in");
    }
}
