// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {PackedAccounts} from "../src/libraries/PackedAccounts.sol";
import {vm} from "./support/Vm.sol";

/// @notice Three accounts in two words are kept whole and apart.
contract PackedAccountsTest {
    uint256[2] private words;

    function testFuzz_accounts_are_stored_as_they_are(uint256[3] memory sequences, uint128[3] memory digests) external {
        for (uint256 round = 0; round < 2; ++round) {
            for (uint256 i = 0; i < 3; ++i) {
                sequences[i] &= PackedAccounts.MAX_SEQUENCE;
                PackedAccounts.store(words, i, sequences[i], digests[i]);
            }
            _requireKept(sequences, digests);
            for (uint256 i = 0; i < 3; ++i) {
                (sequences[i], digests[i]) = (~sequences[i], ~digests[i]);
            }
        }
    }

    function testFuzz_storing_one_leaves_the_others(uint256 position, uint256 sequence, uint128 digest) external {
        position %= 3;
        sequence &= PackedAccounts.MAX_SEQUENCE;
        uint256[3] memory sequences;
        uint128[3] memory digests;
        for (uint256 i = 0; i < 3; ++i) {
            (sequences[i], digests[i]) = (PackedAccounts.MAX_SEQUENCE, type(uint128).max);
            PackedAccounts.store(words, i, sequences[i], digests[i]);
        }
        (sequences[position], digests[position]) = (sequence, digest);
        PackedAccounts.store(words, position, sequence, digest);
        _requireKept(sequences, digests);
    }

    /// @notice Attack: a number whose bits beyond those that are kept make it look like an older one.
    function testFuzz_rejects_sequences_that_do_not_fit(uint256 position, uint256 excess) external {
        uint256 sequence = PackedAccounts.MAX_SEQUENCE + 1;
        if (excess > sequence) sequence = excess;
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x01));
        this.store(position % 3, sequence);
    }

    function store(uint256 position, uint256 sequence) external {
        PackedAccounts.store(words, position, sequence, 0);
    }

    function _requireKept(uint256[3] memory sequences, uint128[3] memory digests) private view {
        for (uint256 i = 0; i < 3; ++i) {
            (uint256 sequence, uint128 digest) = PackedAccounts.load(words, i);
            require(sequence == sequences[i] && digest == digests[i]);
            require(PackedAccounts.loadSequence(words, i) == sequence);
        }
    }
}
