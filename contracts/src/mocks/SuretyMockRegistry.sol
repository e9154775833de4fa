// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IEvidence} from "../interfaces/IEvidence.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";
import {Attestation, Record, Statement} from "../types/Attestation.sol";
import {LevelWiring, Terms} from "../types/Policy.sol";

/// @title An attestation registry for tests, in which anybody attests without a proof
/// @notice Every policy is known, and has the levels that the constructor is given. Records count as
/// {IAttestationRegistry} says: until they lapse, while the policy is in force, and not below the vault's floor. There
/// are no statements, so that none is superseded, and no snapshots: each attestation is over an epoch of its own.
contract SuretyMockRegistry is IAttestationRegistry, ERC165 {
    /* ERRORS */

    /// @notice The registry has no such function.
    error NotOfTheMock();

    /* IMMUTABLES */

    /// @notice The number of levels.
    uint256 public immutable LEVELS;
    /// @notice The number of levels that claim sufficiency: the first ones.
    uint256 public immutable SUFFICIENT;

    /* STORAGE */

    /// @inheritdoc IEvidence
    IPolicyRegistry public POLICY_REGISTRY;
    /// @notice The vault that every policy draws on; zero if none does.
    ICollateralVault public vault;
    /// @notice True if policies count.
    bool public inForce = true;
    /// @notice True if attestations are accepted while policies count.
    bool public accepts = true;

    uint40 private _epoch;
    mapping(address subject => mapping(bytes32 policy => mapping(uint256 level => Record))) private _records;

    /* CONSTRUCTOR */

    /// @param sufficient The number of levels that claim sufficiency.
    /// @param shortfalls The number of levels behind them, which claim a shortfall.
    constructor(uint256 sufficient, uint256 shortfalls) {
        (LEVELS, SUFFICIENT) = (sufficient + shortfalls, sufficient);
        POLICY_REGISTRY = IPolicyRegistry(address(this));
    }

    /* SETTING */

    /// @notice Attests to a level of sufficiency, or to a stricter one than the subject holds, over the vault's present
    /// checkpoint and with prices of now. Emits the event of a true attestation.
    /// @param validUntil The last second at which the record counts.
    function vouch(address subject, bytes32 policy, uint256 level, uint64 validUntil) external {
        if (level >= LEVELS) revert UnknownLevel(level);
        _keep(subject, policy, level, ++_epoch, validUntil);
        emit Attested(subject, policy, bytes32(level), _epoch, validUntil, 1);
    }

    /// @notice Attests to the first level of shortfalls, over the vault's present checkpoint and with prices of `epoch`
    /// and of now. Emits the event of a true attestation.
    function vouchShort(address subject, bytes32 policy, uint64 epoch, uint64 validUntil) external {
        if (SUFFICIENT >= LEVELS) revert UnknownLevel(SUFFICIENT);
        _keep(subject, policy, SUFFICIENT, uint40(epoch), validUntil);
        emit ShortfallAttested(subject, policy, bytes32(SUFFICIENT), epoch, validUntil, 1);
    }

    /// @notice As if a newer statement had superseded those of the level's record.
    function revoke(address subject, bytes32 policy, uint256 level) external {
        delete _records[subject][policy][level];
    }

    /// @notice As if the level's record were over the prices of another epoch.
    function setEpoch(address subject, bytes32 policy, uint256 level, uint64 epoch) external {
        _records[subject][policy][level].epoch = uint40(epoch);
    }

    /// @notice As if the level's record were over prices of another time, in seconds.
    function setPricesAt(address subject, bytes32 policy, uint256 level, uint64 pricesAt) external {
        _records[subject][policy][level].pricesAt = uint40(pricesAt);
    }

    /// @notice Says whether policies count, as if a guardian froze them.
    function setInForce(bool value) external {
        inForce = value;
    }

    /// @notice Says whether attestations are accepted, as if there were no fresh prices.
    function setAccepts(bool value) external {
        accepts = value;
    }

    /// @notice Has every policy draw on a vault, or on none.
    function setVault(ICollateralVault vault_) external {
        vault = vault_;
    }

    /// @notice Has another contract answer for {POLICY_REGISTRY}, whose part this contract plays otherwise.
    function setPolicyRegistry(IPolicyRegistry policyRegistry) external {
        POLICY_REGISTRY = policyRegistry;
    }

    /* VIEWS */

    /// @inheritdoc IAttestationRegistry
    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 maxAge) external view returns (bool) {
        return isSufficientNoOlderThan(subject, policy, 0, maxAge);
    }

    /// @inheritdoc IAttestationRegistry
    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
        public
        view
        returns (bool)
    {
        for (; level < SUFFICIENT; ++level) {
            if (_countsWith(subject, policy, level, maxAge)) return true;
        }
        return false;
    }

    /// @inheritdoc IAttestationRegistry
    function isShortNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
        external
        view
        returns (bool)
    {
        if (level < SUFFICIENT || !_countsWith(subject, policy, level, maxAge)) return false;
        Record memory shortfall = _records[subject][policy][level];
        if (shortfall.vaultNumber != _numberOf(subject)) return false;
        for (uint256 i = 0; i < SUFFICIENT; ++i) {
            if (counts(subject, policy, i) && _records[subject][policy][i].epoch >= shortfall.epoch) return false;
        }
        return true;
    }

    /// @inheritdoc IAttestationRegistry
    function levelOf(address subject, bytes32 policy) external view returns (bool holds, uint256 level) {
        for (level = SUFFICIENT; level > 0;) {
            if (counts(subject, policy, --level)) return (true, level);
        }
    }

    /// @inheritdoc IAttestationRegistry
    function recordOf(address subject, bytes32 policy, uint256 level) external view returns (Record memory) {
        return _records[subject][policy][level];
    }

    /// @inheritdoc IAttestationRegistry
    function streakOf(address subject, bytes32 policy, uint256 level) external view returns (uint32) {
        return level < SUFFICIENT && counts(subject, policy, level) ? _records[subject][policy][level].streak : 0;
    }

    /// @inheritdoc IAttestationRegistry
    function acceptsAttestations(bytes32) external view returns (bool) {
        return inForce && accepts;
    }

    /// @inheritdoc IAttestationRegistry
    function EXCLUSIVE() external pure returns (bool) {
        return false;
    }

    /// @notice True if the level's record counts, whatever the age of its prices.
    function counts(address subject, bytes32 policy, uint256 level) public view returns (bool) {
        Record memory record = _records[subject][policy][level];
        return inForce && record.streak != 0 && block.timestamp <= record.validUntil
            && record.vaultNumber >= (address(vault) == address(0) ? 0 : vault.floorOf(subject));
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IAttestationRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    /* VIEWS OF THE POLICY REGISTRY, for as long as no other contract answers */

    /// @notice As {IPolicyRegistry}: the terms of every policy. Identifiers and commitments are zeros.
    function terms(bytes32) external view returns (Terms memory answer) {
        answer.vault.at = address(vault);
        answer.sufficient = uint32(SUFFICIENT);
        answer.levels = new LevelWiring[](LEVELS);
    }

    /// @notice As {IPolicyRegistry}: true if policies count.
    function isInForce(bytes32) external view returns (bool) {
        return inForce;
    }

    /* WHAT THE MOCK DOES NOT HAVE */

    /// @inheritdoc IEvidence
    function ORACLE() external pure returns (ISnapshotOracle) {
        revert NotOfTheMock();
    }

    /// @inheritdoc IAttestationRegistry
    function accountOf(address, bytes32, address) external pure returns (uint64, uint120, uint40, uint32) {
        revert NotOfTheMock();
    }

    /// @inheritdoc IAttestationRegistry
    function attest(Attestation calldata) external pure {
        revert NotOfTheMock();
    }

    /// @inheritdoc IAttestationRegistry
    function attestBatch(Attestation[] calldata) external pure {
        revert NotOfTheMock();
    }

    /// @inheritdoc IAttestationRegistry
    function supersede(bytes32, address, uint256, Statement calldata) external pure {
        revert NotOfTheMock();
    }

    /// @inheritdoc IAttestationRegistry
    function contextOf(Attestation calldata) external pure returns (uint256) {
        revert NotOfTheMock();
    }

    /* PRIVATE */

    function _keep(address subject, bytes32 policy, uint256 level, uint40 epoch, uint64 validUntil) private {
        _records[subject][policy][level] = Record({
            epoch: epoch,
            pricesAt: uint40(block.timestamp),
            validUntil: uint40(validUntil),
            streak: 1,
            vaultNumber: _numberOf(subject),
            sequences: 0
        });
    }

    function _countsWith(address subject, bytes32 policy, uint256 level, uint256 maxAge) private view returns (bool) {
        return counts(subject, policy, level)
            && block.timestamp - _records[subject][policy][level].pricesAt <= maxAge;
    }

    function _numberOf(address subject) private view returns (uint32 number) {
        if (address(vault) != address(0)) (, number,,,) = vault.checkpointOf(subject);
    }
}
