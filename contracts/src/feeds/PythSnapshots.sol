// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IPyth} from "../interfaces/IPyth.sol";
import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";

/// @title Snapshots at prices that are brought with them
/// @notice Pyth's prices are on a chain only where somebody brings them. The fee comes out of what is sent along, and
/// what is left goes back. Nothing stays here.
contract PythSnapshots {
    /// @notice Pyth's contract.
    IPyth public immutable PYTH;
    /// @notice The oracle whose policies' feeds read Pyth.
    ISnapshotOracle public immutable ORACLE;

    /// @notice Less was sent than Pyth's fee.
    error FeeTooSmall(uint256 expected, uint256 found);
    /// @notice The sender does not take what is left.
    error NotReturned(uint256 amount);

    constructor(IPyth pyth, ISnapshotOracle oracle) {
        (PYTH, ORACLE) = (pyth, oracle);
    }

    /// @notice Brings updates and takes the snapshot of the present epoch from the policy's feeds.
    /// @return epoch The snapshot's epoch.
    function take(bytes32 policy, bytes[] calldata updates) external payable returns (uint64 epoch) {
        uint256 fee = PYTH.getUpdateFee(updates);
        if (msg.value < fee) revert FeeTooSmall(fee, msg.value);
        PYTH.updatePriceFeeds{value: fee}(updates);
        epoch = ORACLE.take(policy);
        uint256 rest = msg.value - fee;
        if (rest == 0) return epoch;
        (bool isReturned,) = msg.sender.call{value: rest}("");
        if (!isReturned) revert NotReturned(rest);
    }
}
