// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title The question that a vault asks the venue that it secures
interface ISecuredVenue {
    /// @notice True if the subject owes the venue anything, or may come to owe it something.
    function hasExposure(address subject) external view returns (bool);
}
