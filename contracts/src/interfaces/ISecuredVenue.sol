// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title What a vault asks of the venue that it secures
interface ISecuredVenue {
    /// @notice Whether the subject owes the venue anything or may come to.
    function hasExposure(address subject) external view returns (bool);
}
