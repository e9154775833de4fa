// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IPolicyRegistry} from "./IPolicyRegistry.sol";
import {ISnapshotOracle} from "./ISnapshotOracle.sol";

/// @title The contracts that a registry takes policies and prices from
interface IEvidence {
    /// @notice The policy registry.
    function POLICY_REGISTRY() external view returns (IPolicyRegistry);

    /// @notice The snapshot oracle.
    function ORACLE() external view returns (ISnapshotOracle);
}
