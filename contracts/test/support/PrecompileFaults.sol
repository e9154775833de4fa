// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {AccountAccess, vm} from "./Vm.sol";

/// @notice Lets precompiles fail one call at a time. A real one fails for want of gas, and then there is too little
/// left to go on with; these keep the gas, so that a failure which is ignored shows.
abstract contract PrecompileFaults {
    /// @dev Modular exponentiation, and addition, multiplication and pairing on BN254.
    uint160 private constant FIRST = 0x05;
    uint160 private constant LAST = 0x08;

    /// @notice Demands that a call which succeeds is refused if any one of the precompiles that it needs fails, with
    /// `reason`, or answers with nothing, as where there is no precompile.
    function _requireFaultsRefused(address target, bytes memory data, bytes memory reason) internal {
        AccountAccess[] memory calls = _recorded(target, data);
        uint256 faults = 0;
        for (uint256 i = 0; i < calls.length; ++i) {
            if (uint160(calls[i].account) < FIRST || uint160(calls[i].account) > LAST) continue;
            vm.mockCallRevert(calls[i].account, calls[i].data, "");
            (bool success, bytes memory answer) = _tried(target, data);
            require(!success && keccak256(answer) == keccak256(reason), "a failure is ignored");
            vm.clearMockedCalls();

            vm.mockCall(calls[i].account, calls[i].data, "");
            (success,) = _tried(target, data);
            require(!success, "silence is ignored");
            vm.clearMockedCalls();
            ++faults;
        }
        require(faults != 0, "no precompile is called");

        // No precompile of one kind, or none of any.
        for (uint160 precompile = FIRST; precompile <= LAST; ++precompile) {
            vm.mockCall(address(precompile), "", "");
            (bool success,) = _tried(target, data);
            require(!success || !_calls(calls, address(precompile)), "silence is ignored");
            vm.clearMockedCalls();
        }
        for (uint160 precompile = FIRST; precompile <= LAST; ++precompile) {
            vm.mockCall(address(precompile), "", "");
        }
        (bool accepted,) = _tried(target, data);
        require(!accepted, "silence is ignored");
        vm.clearMockedCalls();
        (accepted,) = _tried(target, data);
        require(accepted);
    }

    function _recorded(address target, bytes memory data) private returns (AccountAccess[] memory) {
        vm.startStateDiffRecording();
        (bool success,) = _tried(target, data);
        require(success, "it fails without a fault");
        return vm.stopAndReturnStateDiff();
    }

    /// @dev Calls, and leaves everything as it was.
    function _tried(address target, bytes memory data) private returns (bool success, bytes memory answer) {
        uint256 state = vm.snapshotState();
        (success, answer) = target.call(data);
        vm.revertToState(state);
    }

    function _calls(AccountAccess[] memory calls, address account) private pure returns (bool) {
        for (uint256 i = 0; i < calls.length; ++i) {
            if (calls[i].account == account) return true;
        }
        return false;
    }
}
