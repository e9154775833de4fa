// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title The question that a vault asks each contract that it secures
interface ISecuredVenue {
    /// @notice True if the subject owes the contract anything, or may come to owe it something. Must not revert: while
    /// it does, nobody can withdraw.
    function hasExposure(address subject) external view returns (bool);
}
