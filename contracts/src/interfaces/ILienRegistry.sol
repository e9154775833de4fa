// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Lien} from "../types/Lien.sol";
import {IAttestationRegistry} from "./IAttestationRegistry.sol";
import {IPolicyRegistry} from "./IPolicyRegistry.sol";

/// @title Liens on the accounts that attestations draw on
/// @notice An attestation says that a subject holds enough, and says so to every consumer of its policy. Two lenders
/// under one policy, or under policies that share accounts, would both count the same balances. A subject therefore
/// grants one consumer a lien on everything that a policy draws on: each account that a source states, and the
/// collateral in the vault. An account or a vault's collateral is under one lien at a time.
///
/// A lien ends at its last second, or when its consumer releases it. The subject can prolong a lien, and can neither
/// shorten it nor grant another before its end.
///
/// A lien is on the name of an account: a source that states one account under two names, or for two subjects, and two
/// sources that state the same account, defeat it. A lien moves no balances and keeps none in place.
interface ILienRegistry {
    /* EVENTS */

    /// @notice The subject granted a lien on everything that the policy draws on.
    event Granted(address indexed subject, bytes32 indexed policy, address indexed consumer, uint40 until);
    /// @notice The consumer released its liens on everything that the policy draws on.
    event Released(address indexed subject, bytes32 indexed policy, address indexed consumer);

    /* ERRORS: `index` is that of an account in the policy, or the number of accounts for the vault */

    /// @notice The consumer is the zero address.
    error NoConsumer();
    /// @notice The lien would end before now.
    error EndsInThePast(uint40 until);
    /// @notice The account or the vault's collateral is under another consumer's lien.
    error UnderLien(uint256 index, address consumer, uint40 until);
    /// @notice The signature was to be used until `deadline`.
    error DeadlineOver(uint256 deadline);
    /// @notice The subject has not signed this lien with its present nonce.
    error WrongSignature(address subject);
    /// @notice The caller has no lien on anything that the policy draws on.
    error NoLien(address consumer);

    /* GRANTING AND RELEASING */

    /// @notice Grants a consumer a lien on everything of the caller that the policy draws on, or prolongs it. A lien of
    /// the same consumer that ends later stays as it is.
    /// @param until The last second of the lien.
    function grant(bytes32 policy, address consumer, uint40 until) external;

    /// @notice As {grant}, for a subject that has signed. Anybody may call.
    /// @param deadline The last second at which the signature can be used.
    /// @param signature The subject's signature (EIP-712) of the arguments and its nonce: 65 bytes, or bytes that the
    /// subject's contract accepts (ERC-1271).
    function grantFor(
        address subject,
        bytes32 policy,
        address consumer,
        uint40 until,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Ends the caller's liens on everything of the subject that the policy draws on.
    function release(address subject, bytes32 policy) external;

    /* VIEWS */

    /// @notice True if the level or a stricter one holds by an attestation whose prices are at most `maxAge` seconds
    /// old, and everything that the policy draws on is under a lien to the consumer now. False for a level that claims
    /// a shortfall.
    function isSufficientFor(address consumer, address subject, bytes32 policy, uint256 level, uint256 maxAge)
        external
        view
        returns (bool);

    /// @notice The last second at which everything that the policy draws on is under lien to the consumer; zero if
    /// something is not now.
    function securedUntil(address consumer, address subject, bytes32 policy) external view returns (uint40);

    /// @notice The lien on an account, including one that has ended.
    /// @param signer The address that states the account's balances, or the vault.
    /// @param account The identifier of the account's label; zero for the vault.
    function lienOf(address signer, bytes32 account, address subject) external view returns (Lien memory);

    /// @notice The nonce that the subject's next signature must have.
    function nonces(address subject) external view returns (uint256);

    /// @notice The attestation registry.
    function ATTESTATION_REGISTRY() external view returns (IAttestationRegistry);

    /// @notice The attestation registry's policy registry.
    function POLICY_REGISTRY() external view returns (IPolicyRegistry);
}
