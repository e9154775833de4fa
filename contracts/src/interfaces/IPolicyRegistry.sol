// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {MarketRules} from "../types/Market.sol";
import {Publication, Standing, Terms} from "../types/Policy.sol";

/// @title Policies under which attestations can be made
/// @notice A policy's identifier is the hash of its text, of its programs' commitments and of its vault's rules. The
/// policy registry computes the identifier from the publication and from the vault's own universe and assets, so an
/// identifier stands for exactly the commitments, and the vault, that belong to it. The owner is responsible for
/// publishing the limits, sources and feeds of the text; anybody can compare them.
///
/// A policy never changes. A policy counts once a delay has passed, until its end if the owner sets one, and does not
/// count while it is frozen. Ownership moves in two steps with a delay between them. A guardian can freeze policies and
/// nothing else.
interface IPolicyRegistry {
    /* EVENTS */

    /// @notice A policy was published. It counts from `countsFrom`, in seconds.
    event PolicyPublished(bytes32 indexed policy, bytes32 indexed line, uint32 version, uint40 countsFrom);
    /// @notice A guardian, `by`, froze a policy.
    event PolicyFrozen(bytes32 indexed policy, address indexed by);
    /// @notice The owner thawed a policy. It counts again from `countsFrom`, in seconds.
    event PolicyThawing(bytes32 indexed policy, uint40 countsFrom);
    /// @notice The owner set the last second at which a policy counts.
    event PolicyEnding(bytes32 indexed policy, uint40 countsUntil);

    /* ERRORS */

    /// @notice No policy with this identifier has been published.
    error UnknownPolicy(bytes32 policy);
    /// @notice The policy was published before. Versions are never reused.
    error PolicyExists(bytes32 policy);
    /// @notice The version is not one more than the line's latest.
    error WrongVersion(uint32 expected, uint32 found);
    /// @notice The verifying contract does not exist, or is for another set-up or capacity class.
    error WrongVerifier(address verifier);
    /// @notice The vault is no contract, or counts by the rows of another universe.
    error WrongVault(address vault);
    /// @notice The field `part` of the publication breaks a rule.
    error InvalidPublication(string part);
    /// @notice Only a frozen policy can be thawed.
    error NotFrozen(bytes32 policy);
    /// @notice The end of a policy is at `earliest` or later, and before its present end, `latest`.
    error WrongEnd(uint40 earliest, uint40 latest);
    /// @notice The delay of ownership cannot be changed.
    error DelayIsFixed();

    /* PUBLISHING, FREEZING AND ENDING */

    /// @notice Publishes a policy, which counts after {delay}. Owner only.
    /// @return policy The identifier, computed from the publication.
    function publish(Publication calldata publication) external returns (bytes32 policy);

    /// @notice Freezes a policy: it does not count until it is thawed. Guardian only.
    function freeze(bytes32 policy) external;

    /// @notice Thaws a frozen policy, which counts again after {delay}. Owner only.
    function thaw(bytes32 policy) external;

    /// @notice Sets the last second at which a policy counts: no sooner than after {delay}. An end can be set again to
    /// an earlier time, and never to a later one. Owner only.
    function end(bytes32 policy, uint40 until) external;

    /* VIEWS */

    /// @notice The time before an act of the owner takes effect, in seconds.
    function delay() external view returns (uint40);

    /// @notice The rules for attestations under a policy. Reverts if the policy is unknown.
    function terms(bytes32 policy) external view returns (Terms memory);

    /// @notice All that a registry of attestations needs of a policy. Reverts if the policy is unknown.
    function standingOf(bytes32 policy) external view returns (Standing memory);

    /// @notice The rules for a policy's prices. Reverts if the policy is unknown.
    function marketRules(bytes32 policy) external view returns (MarketRules memory);

    /// @notice The time from which the policy counts, in seconds; 2^40 - 1 while the policy is frozen. Reverts if the
    /// policy is unknown.
    function countsFrom(bytes32 policy) external view returns (uint40);

    /// @notice The last second at which the policy counts; 2^40 - 1 if no end is set. Reverts if the policy is unknown.
    function countsUntil(bytes32 policy) external view returns (uint40);

    /// @notice True if the policy counts now. Reverts if the policy is unknown.
    function isInForce(bytes32 policy) external view returns (bool);

    /// @notice The policy's number in the order of publication, from 1. Reverts if the policy is unknown.
    function ordinalOf(bytes32 policy) external view returns (uint32);

    /// @notice The number of an account, the same for every policy that names the account; zero if none does. A vault's
    /// collateral is the account of the vault with the label zero. Numbers from 3n to 3n + 2 are those of accounts that
    /// one policy was the first to name.
    function accountNumberOf(address signer, bytes32 account) external view returns (uint32);

    /// @notice The latest version of a line; zero if the line has none.
    function latestVersion(bytes32 line) external view returns (uint32);

    /// @notice The policy of a line and version; zero if there is none.
    function policyOf(bytes32 line, uint32 version) external view returns (bytes32);
}
