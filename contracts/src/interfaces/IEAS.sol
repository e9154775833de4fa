// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {EASAttestation} from "../types/EAS.sol";

/// @title The Ethereum Attestation Service: the part that a resolver uses
interface IEAS {
    /// @notice The attestation with an identifier; all zeros if there is none.
    function getAttestation(bytes32 uid) external view returns (EASAttestation memory);
}
