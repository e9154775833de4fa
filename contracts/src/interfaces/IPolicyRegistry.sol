// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {MarketRules} from "../types/Market.sol";
import {Publication, Terms} from "../types/Policy.sol";

/// @title The policies that attestations can be made under
/// @notice A policy's identifier is the hash of its text and of the commitments of its programs. The registry computes it
/// from what is published, so that under an identifier there are the commitments that belong to it and no others. That
/// limits, sources and feeds are those of the text is on the owner, and for everybody to compare.
///
/// A policy never changes. It counts once a delay has passed, and stops to count while it is frozen. Ownership moves in two
/// steps with a delay between them; a guardian can freeze and do nothing else.
interface IPolicyRegistry {
    /// @notice A policy is published.
    event PolicyPublished(bytes32 indexed policy, bytes32 indexed line, uint32 version, uint40 countsFrom);
    /// @notice A policy has been frozen.
    event PolicyFrozen(bytes32 indexed policy, address indexed by);
    /// @notice A policy will count again.
    event PolicyThawing(bytes32 indexed policy, uint40 countsFrom);

    /// @notice No policy of this identifier has been published.
    error UnknownPolicy(bytes32 policy);
    /// @notice The policy has been published before: versions are never reused.
    error PolicyExists(bytes32 policy);
    /// @notice Versions of a line count up one by one.
    error WrongVersion(uint32 expected, uint32 found);
    /// @notice The verifying contract is for another set-up or capacity class.
    error WrongVerifier(address verifier);
    /// @notice A part of the publication breaks a rule. `part` is its name.
    error InvalidPublication(string part);
    /// @notice The policy is not frozen.
    error NotFrozen(bytes32 policy);
    /// @notice The delay is for good.
    error DelayIsFixed();

    /// @notice Publishes a policy. It counts after {delay}. Owner only.
    /// @return policy Its identifier, computed from the publication.
    function publish(Publication calldata publication) external returns (bytes32 policy);

    /// @notice Stops a policy from counting. Guardian only.
    function freeze(bytes32 policy) external;

    /// @notice Lets a frozen policy count again after {delay}. Owner only.
    function thaw(bytes32 policy) external;

    /// @notice The delay before what the owner does takes effect, in seconds.
    function delay() external view returns (uint40);

    /// @notice What attestations are held to.
    function terms(bytes32 policy) external view returns (Terms memory);

    /// @notice How prices are obtained.
    function marketRules(bytes32 policy) external view returns (MarketRules memory);

    /// @notice The time from which the policy counts: the largest number while it is frozen.
    function countsFrom(bytes32 policy) external view returns (uint40);

    /// @notice A small number of the policy's own, from 1.
    function ordinalOf(bytes32 policy) external view returns (uint32);

    /// @notice The newest version of a line, or zero.
    function latestVersion(bytes32 line) external view returns (uint32);

    /// @notice The policy of a line and version, or zero.
    function policyOf(bytes32 line, uint32 version) external view returns (bytes32);
}
