// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {ILienRegistry} from "../interfaces/ILienRegistry.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {EIP712_NAME, EIP712_VERSION, GRANT_TYPEHASH} from "../libraries/Constants.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Lien} from "../types/Lien.sol";
import {Source, Terms} from "../types/Policy.sol";

/// @title The lien registry
/// @dev Every call to another contract is static, and none follows a write.
contract LienRegistry is ILienRegistry, EIP712, ERC165, Nonces {
    /* IMMUTABLES */

    /// @inheritdoc ILienRegistry
    IAttestationRegistry public immutable ATTESTATION_REGISTRY;
    /// @inheritdoc ILienRegistry
    IPolicyRegistry public immutable POLICY_REGISTRY;

    /* STORAGE */

    /// @dev Liens by the hash of signer, account and subject, as the attestation registry has accounts.
    mapping(bytes32 => Lien) private _liens;

    /* CONSTRUCTOR */

    constructor(IAttestationRegistry attestationRegistry) EIP712(EIP712_NAME, EIP712_VERSION) {
        ATTESTATION_REGISTRY = attestationRegistry;
        POLICY_REGISTRY = attestationRegistry.POLICY_REGISTRY();
    }

    /* GRANTING AND RELEASING */

    /// @inheritdoc ILienRegistry
    function grant(bytes32 policy, address consumer, uint40 until) external {
        _grant(msg.sender, policy, consumer, until);
    }

    /// @inheritdoc ILienRegistry
    function grantFor(
        address subject,
        bytes32 policy,
        address consumer,
        uint40 until,
        uint256 deadline,
        bytes calldata signature
    ) external {
        if (block.timestamp > deadline) revert DeadlineOver(deadline);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(GRANT_TYPEHASH, subject, policy, consumer, until, _useNonce(subject), deadline))
        );
        if (!Signatures.isOf(subject, digest, signature)) revert WrongSignature(subject);
        _grant(subject, policy, consumer, until);
    }

    /// @inheritdoc ILienRegistry
    function release(address subject, bytes32 policy) external {
        bytes32[] memory keys = _keys(subject, policy);
        bool isReleased = false;
        for (uint256 i = 0; i < keys.length; ++i) {
            if (_liens[keys[i]].consumer != msg.sender) continue;
            delete _liens[keys[i]];
            isReleased = true;
        }
        if (!isReleased) revert NoLien(msg.sender);
        emit Released(subject, policy, msg.sender);
    }

    /* VIEWS */

    /// @inheritdoc ILienRegistry
    function isSufficientFor(address consumer, address subject, bytes32 policy, uint256 level, uint256 maxAge)
        external
        view
        returns (bool)
    {
        return securedUntil(consumer, subject, policy) != 0
            && ATTESTATION_REGISTRY.isSufficientNoOlderThan(subject, policy, level, maxAge);
    }

    /// @inheritdoc ILienRegistry
    function securedUntil(address consumer, address subject, bytes32 policy) public view returns (uint40 until) {
        bytes32[] memory keys = _keys(subject, policy);
        until = type(uint40).max;
        for (uint256 i = 0; i < keys.length; ++i) {
            Lien memory lien = _liens[keys[i]];
            if (lien.consumer != consumer || !_stands(lien)) return 0;
            if (lien.until < until) until = lien.until;
        }
    }

    /// @inheritdoc ILienRegistry
    function lienOf(address signer, bytes32 account, address subject) external view returns (Lien memory) {
        return _liens[_key(signer, account, subject)];
    }

    /// @inheritdoc ILienRegistry
    function nonces(address subject) public view override(ILienRegistry, Nonces) returns (uint256) {
        return super.nonces(subject);
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(ILienRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    /* PRIVATE */

    function _grant(address subject, bytes32 policy, address consumer, uint40 until) private {
        if (consumer == address(0)) revert NoConsumer();
        if (until < block.timestamp) revert EndsInThePast(until);
        bytes32[] memory keys = _keys(subject, policy);
        for (uint256 i = 0; i < keys.length; ++i) {
            Lien memory lien = _liens[keys[i]];
            if (_stands(lien)) {
                if (lien.consumer != consumer) revert UnderLien(i, lien.consumer, lien.until);
                if (lien.until >= until) continue;
            }
            _liens[keys[i]] = Lien({consumer: consumer, until: until});
        }
        emit Granted(subject, policy, consumer, until);
    }

    function _stands(Lien memory lien) private view returns (bool) {
        return lien.consumer != address(0) && block.timestamp <= lien.until;
    }

    /// @dev The keys of everything that the policy draws on: its accounts, and last the vault's collateral.
    function _keys(address subject, bytes32 policy) private view returns (bytes32[] memory keys) {
        Terms memory terms = POLICY_REGISTRY.terms(policy);
        uint256 count = terms.sources.length;
        bool hasVault = terms.vault.at != address(0);
        keys = new bytes32[](hasVault ? count + 1 : count);
        for (uint256 i = 0; i < count; ++i) {
            Source memory source = terms.sources[i];
            keys[i] = _key(source.signer, source.account, subject);
        }
        if (hasVault) keys[count] = _key(terms.vault.at, 0, subject);
    }

    function _key(address signer, bytes32 account, address subject) private pure returns (bytes32) {
        return keccak256(abi.encode(signer, account, subject));
    }
}
