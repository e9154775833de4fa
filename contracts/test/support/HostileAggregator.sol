// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../../src/interfaces/IAggregatorV3.sol";

/// @notice A price feed that answers with whatever bytes it has been given.
contract HostileAggregator {
    enum Manner {
        Answers,
        Reverts,
        RevertsAtLength,
        BurnsGas
    }

    bytes private decimalsAnswer = abi.encode(8);
    bytes private roundAnswer;
    Manner private manner;

    function answerDecimals(bytes calldata answer) external {
        decimalsAnswer = answer;
    }

    function answerRound(bytes calldata answer) external {
        (roundAnswer, manner) = (answer, Manner.Answers);
    }

    function behave(Manner manner_) external {
        manner = manner_;
    }

    fallback() external {
        bytes memory answer = msg.sig == IAggregatorV3.decimals.selector ? decimalsAnswer : roundAnswer;
        Manner now_ = msg.sig == IAggregatorV3.decimals.selector ? Manner.Answers : manner;
        require(now_ != Manner.Reverts, "hostile");
        while (now_ == Manner.BurnsGas) {}
        bool reverts = now_ == Manner.RevertsAtLength;
        assembly {
            if reverts { revert(0, 1000000) }
            return(add(answer, 0x20), mload(answer))
        }
    }
}
