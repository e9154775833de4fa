// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ICollateralVault} from "../../src/interfaces/ICollateralVault.sol";
import {ISecuredVenue} from "../../src/interfaces/ISecuredVenue.sol";

/// @notice A venue whose exposures are set, and that seizes and deregisters for whoever asks.
contract VenueStandIn is ISecuredVenue {
    mapping(address subject => bool) private exposures;
    bool private mute;

    function hasExposure(address subject) external view returns (bool) {
        require(!mute, "mute");
        return exposures[subject];
    }

    function setMute(bool value) external {
        mute = value;
    }

    function setExposure(address subject, bool value) external {
        exposures[subject] = value;
    }

    function seize(ICollateralVault vault, address subject, address token, uint256 amount, address to) external {
        vault.seize(subject, token, amount, to);
    }

    function setHold(ICollateralVault vault, address subject, bool value) external {
        vault.setHold(subject, value);
    }

    function deregister(ICollateralVault vault) external {
        vault.deregister();
    }
}
