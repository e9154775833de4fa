// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {EASAttestation} from "../types/EAS.sol";

/// @title What the Ethereum Attestation Service asks the resolver of a schema
interface ISchemaResolver {
    /// @notice True if attestations may come with ether.
    function isPayable() external pure returns (bool);

    /// @notice True if the attestation may be made.
    function attest(EASAttestation calldata attestation) external payable returns (bool);

    /// @notice True if all of the attestations may be made.
    function multiAttest(EASAttestation[] calldata attestations, uint256[] calldata values)
        external
        payable
        returns (bool);

    /// @notice True if the attestation may be revoked.
    function revoke(EASAttestation calldata attestation) external payable returns (bool);

    /// @notice True if all of the attestations may be revoked.
    function multiRevoke(EASAttestation[] calldata attestations, uint256[] calldata values)
        external
        payable
        returns (bool);
}
