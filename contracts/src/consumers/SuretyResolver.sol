// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {IEAS} from "../interfaces/IEAS.sol";
import {ISchemaResolver} from "../interfaces/ISchemaResolver.sol";
import {Record} from "../types/Attestation.sol";
import {EASAttestation} from "../types/EAS.sol";

/// @title A resolver for the Ethereum Attestation Service that admits what is proven
/// @notice An attestation of the schema {SCHEMA} is admitted only if the attestation registry has verified the proof
/// that the recipient holds the level, over the prices of that epoch, and the proof counts now. The attestation expires
/// when the proof lapses. Anybody may make it.
///
/// The proof itself is not in the attestation, which the service keeps in storage: the registry keeps its record.
///
/// The service knows when an attestation expires, and not when newer statements or a frozen policy end what was proven.
/// Whoever relies on an attestation later asks {holds}.
contract SuretyResolver is ISchemaResolver {
    /* ERRORS */

    /// @notice The caller is not the attestation service.
    error OnlyService();
    /// @notice Attestations come without ether.
    error NoEther();
    /// @notice The data do not have the length that the schema gives them.
    error WrongData();
    /// @notice The recipient does not hold the level by an attestation that counts now, or the level claims a
    /// shortfall.
    error NotProven(address recipient, bytes32 policy, uint256 level);
    /// @notice The level was proven over the prices of another epoch.
    error WrongEpoch(uint64 expected, uint64 found);
    /// @notice The attestation would expire at another time than the proof lapses.
    error WrongExpiration(uint64 expected, uint64 found);
    /// @notice The policy draws on a vault, whose collateral could leave in the transaction in which it was relied on.
    error DrawsOnVault(bytes32 policy);

    /* CONSTANTS AND IMMUTABLES */

    /// @notice The schema to register with this resolver.
    string public constant SCHEMA = "bytes32 policy,uint256 level,uint64 epoch";

    /// @dev The length of the schema's fields: three words.
    uint256 private constant _DATA_BYTES = 3 * 32;

    /// @notice The attestation service.
    IEAS public immutable EAS;
    /// @notice The attestation registry.
    IAttestationRegistry public immutable ATTESTATION_REGISTRY;

    /* CONSTRUCTOR */

    constructor(IEAS eas, IAttestationRegistry attestationRegistry) {
        (EAS, ATTESTATION_REGISTRY) = (eas, attestationRegistry);
    }

    /* MODIFIERS */

    modifier onlyService() {
        if (msg.sender != address(EAS)) revert OnlyService();
        if (msg.value != 0) revert NoEther();
        _;
    }

    /* RESOLVING */

    /// @inheritdoc ISchemaResolver
    function attest(EASAttestation calldata attestation) external payable onlyService returns (bool) {
        _check(attestation);
        return true;
    }

    /// @inheritdoc ISchemaResolver
    function multiAttest(EASAttestation[] calldata attestations, uint256[] calldata)
        external
        payable
        onlyService
        returns (bool)
    {
        for (uint256 i = 0; i < attestations.length; ++i) {
            _check(attestations[i]);
        }
        return true;
    }

    /// @inheritdoc ISchemaResolver
    function revoke(EASAttestation calldata) external payable onlyService returns (bool) {
        return true;
    }

    /// @inheritdoc ISchemaResolver
    function multiRevoke(EASAttestation[] calldata, uint256[] calldata) external payable onlyService returns (bool) {
        return true;
    }

    /* VIEWS */

    /// @inheritdoc ISchemaResolver
    function isPayable() external pure returns (bool) {
        return false;
    }

    /// @notice True if an attestation of the service stands: it was made under a schema of this resolver, has neither
    /// expired nor been revoked, and the recipient holds the level now, by this proof or a newer one.
    /// @param schema The identifier of the schema, which the caller knows to have this resolver.
    function holds(bytes32 uid, bytes32 schema) external view returns (bool) {
        EASAttestation memory attestation = EAS.getAttestation(uid);
        bool exists = attestation.uid != 0 && attestation.schema == schema;
        if (!exists || attestation.revocationTime != 0 || block.timestamp > attestation.expirationTime) return false;
        (bytes32 policy, uint256 level,) = abi.decode(attestation.data, (bytes32, uint256, uint64));
        return ATTESTATION_REGISTRY.streakOf(attestation.recipient, policy, level) != 0;
    }

    /* PRIVATE */

    /// @dev A level that claims a shortfall has no streak, nor has a record that no longer counts.
    function _check(EASAttestation calldata attestation) private view {
        if (attestation.data.length != _DATA_BYTES) revert WrongData();
        (bytes32 policy, uint256 level, uint64 epoch) = abi.decode(attestation.data, (bytes32, uint256, uint64));
        if (ATTESTATION_REGISTRY.POLICY_REGISTRY().terms(policy).vault.at != address(0)) revert DrawsOnVault(policy);
        if (ATTESTATION_REGISTRY.streakOf(attestation.recipient, policy, level) == 0) {
            revert NotProven(attestation.recipient, policy, level);
        }
        Record memory record = ATTESTATION_REGISTRY.recordOf(attestation.recipient, policy, level);
        if (record.epoch != epoch) revert WrongEpoch(record.epoch, epoch);
        if (record.validUntil != attestation.expirationTime) {
            revert WrongExpiration(record.validUntil, attestation.expirationTime);
        }
    }
}
