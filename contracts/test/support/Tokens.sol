// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {MockToken} from "../../src/mocks/MockToken.sol";

/// @notice A token that keeps a hundredth of every transfer, and all of amounts below a hundred.
contract FeeToken is MockToken {
    constructor() MockToken(6) {}

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : amount < 100 ? amount : amount / 100;
        super._update(from, to, amount - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}

/// @notice A token that calls the sender before a transfer and the recipient after it, if they have asked for it. Calls
/// that fail are ignored, and counted.
contract HookToken is MockToken {
    mapping(address => bytes) public hooks;
    mapping(address => address) public targets;
    uint256 public calls;
    uint256 public failures;
    bytes public lastFailure;

    constructor() MockToken(18) {}

    function hook(address target, bytes calldata data) external {
        (targets[msg.sender], hooks[msg.sender]) = (target, data);
    }

    function _update(address from, address to, uint256 amount) internal override {
        _call(from);
        super._update(from, to, amount);
        _call(to);
    }

    function _call(address account) private {
        if (targets[account] == address(0)) return;
        ++calls;
        (bool success, bytes memory answer) =
            account.call(abi.encodeCall(Caller.run, (targets[account], hooks[account])));
        if (!success) {
            ++failures;
            lastFailure = answer;
        }
    }
}

/// @notice Calls what it is told to, as itself.
contract Caller {
    function run(address target, bytes calldata data) external payable returns (bytes memory) {
        (bool success, bytes memory answer) = target.call(data);
        if (!success) {
            assembly {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        return answer;
    }
}

/// @notice A token that answers false instead of reverting.
contract FalseToken is MockToken {
    constructor() MockToken(18) {}

    function transfer(address to, uint256 amount) public override returns (bool) {
        return balanceOf(msg.sender) >= amount && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (balanceOf(from) < amount || allowance(from, msg.sender) < amount) return false;
        return super.transferFrom(from, to, amount);
    }
}

/// @notice A token whose transfers answer nothing.
contract SilentToken {
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice A token whose balances all shrink when it says so, as those of a staking token after a slash.
contract ShrinkingToken is MockToken {
    uint256 private left = 1e18;

    constructor() MockToken(18) {}

    function shrink(uint256 left_) external {
        left = left_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * left / 1e18;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, (amount * 1e18 + left - 1) / left);
    }
}
