// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../../src/interfaces/IAggregatorV3.sol";

/// @notice A price feed that answers with whatever bytes it has been given.
contract HostileAggregator {
    enum Manner {
        Answers,
        Reverts,
        RevertsAtLength,
        RevertsWithTheRound,
        RevertsWithTheDecimals,
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
        bool isRound = msg.sig != IAggregatorV3.decimals.selector;
        bytes memory answer = isRound ? roundAnswer : decimalsAnswer;
        require(!isRound || manner != Manner.Reverts, "hostile");
        while (isRound && manner == Manner.BurnsGas) {}
        bool atLength = isRound && manner == Manner.RevertsAtLength;
        bool reverts = manner == (isRound ? Manner.RevertsWithTheRound : Manner.RevertsWithTheDecimals);
        assembly {
            if atLength { revert(0, 1000000) }
            if reverts { revert(add(answer, 0x20), mload(answer)) }
            return(add(answer, 0x20), mload(answer))
        }
    }
}
