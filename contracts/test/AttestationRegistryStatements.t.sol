// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {Attestation, Record, Statement} from "../src/types/Attestation.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {vm} from "./support/Vm.sol";

/// @notice Statements end when a newer one is known, and no sequence number stands for two of them.
contract AttestationRegistryStatementsTest is Attesting {
    bytes32 private constant OTHER = keccak256("other");

    function setUp() external {
        _start();
        policyRegistry.set(OTHER, _terms());
        _takeSnapshot(OTHER, _snapshot());
    }

    /// @notice Attack: a source, or a holder with two of its statements, shows the better one under an equal number.
    function test_rejects_another_statement_with_an_equal_sequence() external {
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestationRegistry = _newAttestationRegistry(false);
            attestationRegistry.attest(_attestation());
            Attestation memory other = _unsigned();
            --other.statements[i].asOf;
            _refused(_complete(other), abi.encodeWithSelector(IAttestationRegistry.SequenceRepeated.selector, i, 7));
            other.policy = OTHER;
            _refused(_complete(other), abi.encodeWithSelector(IAttestationRegistry.SequenceRepeated.selector, i, 7));
        }
    }

    function test_rejects_another_statement_with_a_sequence_of_zero() external {
        Attestation memory attestation = _unsigned();
        attestation.statements[0].sequence = 0;
        attestationRegistry.attest(_complete(attestation));
        --attestation.statements[0].asOf;
        _refused(_complete(attestation), abi.encodeWithSelector(IAttestationRegistry.SequenceRepeated.selector, 0, 0));
    }

    function test_accepts_the_same_statements_under_another_policy() external {
        attestationRegistry.attest(_attestation());
        Attestation memory attestation = _unsigned();
        attestation.policy = OTHER;
        attestationRegistry.attest(_complete(attestation));
    }

    /// @notice Attack: withdraw everything, and rely on the attestation over the statement from before.
    function test_a_newer_statement_ends_what_older_ones_established() external {
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestationRegistry = _newAttestationRegistry(false);
            attestationRegistry.attest(_attestation());
            require(_isSufficient(POLICY));
            Statement memory head = _head(i, 8);
            vm.expectEmit(address(attestationRegistry));
            emit IAttestationRegistry.StatementsSuperseded(
                _terms().sources[i].signer, _terms().sources[i].account, SUBJECT, 8
            );
            attestationRegistry.supersede(POLICY, SUBJECT, i, head);
            _requireNothingHolds();
            uint120 digest;
            uint64 sequence;
            (sequence, digest,,) =
                attestationRegistry.accountOf(_terms().sources[i].signer, _terms().sources[i].account, SUBJECT);
            require(sequence == 8 && digest != 0);
            _refused(_attestation(), abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, i, 8));
        }
    }

    /// @notice The statement that superseded others is the one to attest with.
    function test_attests_with_the_statement_that_superseded() external {
        attestationRegistry.attest(_attestation());
        attestationRegistry.supersede(POLICY, SUBJECT, 1, _head(1, 8));
        Attestation memory attestation = _unsigned();
        attestation.statements[1].sequence = 8;
        attestationRegistry.attest(_complete(attestation));
        require(_isSufficient(POLICY));
        require(attestationRegistry.recordOf(SUBJECT, POLICY, 1).sequences == 22);
    }

    /// @notice Attestations of other levels and policies end as well, unless they are over the newest statements.
    function test_an_attestation_ends_those_over_older_statements() external {
        attestationRegistry.attest(_attestation());
        Attestation memory attestation = _unsigned();
        (attestation.policy, attestation.level) = (OTHER, 2);
        attestation.statements[2].sequence = 8;
        attestationRegistry.attest(_complete(attestation));
        require(!_isSufficient(POLICY) && _isSufficient(OTHER));
        attestation.policy = POLICY;
        attestationRegistry.attest(_complete(attestation));
        require(_isSufficient(POLICY));
        (, uint256 level) = attestationRegistry.levelOf(SUBJECT, POLICY);
        require(level == 2 && attestationRegistry.streakOf(SUBJECT, POLICY, 1) == 0);
    }

    /// @notice A record over superseded statements does not stand in the way of one that counts for less.
    function test_accepts_a_shorter_attestation_over_newer_statements() external {
        attestationRegistry.attest(_attestation());
        Attestation memory shorter = _unsigned();
        --shorter.validUntil;
        _refused(_complete(shorter), abi.encodeWithSelector(IAttestationRegistry.Superseded.selector, EPOCH));
        shorter.statements[0].sequence = 8;
        attestationRegistry.attest(_complete(shorter));
        Record memory record = attestationRegistry.recordOf(SUBJECT, POLICY, 1);
        require(record.validUntil == shorter.validUntil && record.streak == 1);
    }

    function test_other_subjects_are_not_superseded() external {
        Attestation memory attestation = _unsigned();
        attestation.subject = address(0x07e4);
        attestationRegistry.attest(_complete(attestation));
        attestationRegistry.attest(_attestation());
        attestationRegistry.supersede(POLICY, SUBJECT, 0, _head(0, 8));
        require(attestationRegistry.isSufficientNoOlderThan(address(0x07e4), POLICY, 1_000));
    }

    function test_rejects_superseding_by_an_older_statement() external {
        attestationRegistry.attest(_attestation());
        for (uint64 sequence = 6; sequence < 8; ++sequence) {
            _refuseHead(
                0, _head(0, sequence), abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, 0, 7)
            );
        }
        require(_isSufficient(POLICY));
    }

    /// @notice Attack: end somebody's attestations with a statement that no source has made.
    function test_rejects_superseding_by_a_forged_statement() external {
        Statement memory head = _head(0, 8);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0);
        ++head.sequence;
        _refuseHead(0, head, reason);
        head = _head(0, 8);
        head.signature = _head(1, 8).signature;
        _refuseHead(0, head, reason);
    }

    /// @notice A statement about another subject, for another registry or another account is none about this one.
    function test_rejects_superseding_by_a_statement_about_something_else() external {
        _refuseHead(1, _head(0, 8), abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 1));
        Statement memory head = _head(0, 8);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0));
        attestationRegistry.supersede(POLICY, address(0x07e4), 0, head);
        attestationRegistry = _newAttestationRegistry(false);
        _refuseHead(0, head, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0));
    }

    function test_rejects_superseding_by_a_statement_from_the_future() external {
        Attestation memory attestation = _unsigned();
        attestation.statements[0].asOf = NOW + 1;
        attestation.statements[0].sequence = 8;
        Statement memory head = _signed(attestation, _terms()).statements[0];
        _refuseHead(0, head, abi.encodeWithSelector(IAttestationRegistry.NotYet.selector));
        vm.warp(NOW + 1);
        attestationRegistry.supersede(POLICY, SUBJECT, 0, head);
    }

    function test_rejects_superseding_an_unknown_account() external {
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.UnknownAccount.selector, SOURCES);
        _refuseHead(SOURCES, _head(0, 8), reason);
        bytes32 unknown = keccak256("unknown");
        Statement memory head = _head(0, 8);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, unknown));
        attestationRegistry.supersede(unknown, SUBJECT, 0, head);
    }

    /// @notice Attack: a statement that was superseded under one policy goes on to count under another policy, which
    /// shares two of its three accounts.
    function test_rejects_under_another_policy_what_was_superseded_under_one() external {
        Terms memory terms = _terms();
        terms.sources[0].account = keccak256("another account");
        policyRegistry.set(OTHER, terms);
        attestationRegistry.attest(_attestation());
        Attestation memory other = _unsigned();
        other.policy = OTHER;
        other.statements[1].sequence = 8;
        other = _proven(_signed(other, terms), terms);
        attestationRegistry.attest(other);
        require(!_isSufficient(POLICY) && _isSufficient(OTHER));
        _refused(_attestation(), abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, 1, 8));
        attestationRegistry.supersede(POLICY, SUBJECT, 2, _head(2, 8));
        require(!_isSufficient(OTHER));
        _refused(other, abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, 2, 8));
        // The account that the policies do not share is as it was.
        Attestation memory attestation = _unsigned();
        (attestation.statements[1].sequence, attestation.statements[2].sequence) = (8, 8);
        attestationRegistry.attest(_complete(attestation));
        require(_isSufficient(POLICY) && !_isSufficient(OTHER));
    }

    /// @notice Attack: a number that takes more bits than are packed stands for an older one.
    function test_rejects_older_and_other_statements_whatever_the_size_of_sequences() external {
        uint64[5] memory sequences = [2 ** 42 - 2, 2 ** 42 - 1, 2 ** 42, 2 ** 42 + 7, type(uint64).max];
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestationRegistry = _newAttestationRegistry(false);
            Attestation memory attestation = _unsigned();
            for (uint256 j = 0; j < sequences.length; ++j) {
                attestation.statements[i].sequence = sequences[j];
                attestationRegistry.attest(_complete(attestation));
                _requireSequences(i, sequences[j]);
                require(_isSufficient(POLICY));
                --attestation.statements[i].asOf;
                _refused(
                    _complete(attestation),
                    abi.encodeWithSelector(IAttestationRegistry.SequenceRepeated.selector, i, sequences[j])
                );
                ++attestation.statements[i].asOf;
                --attestation.statements[i].sequence;
                _refused(
                    _complete(attestation),
                    abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, i, sequences[j])
                );
            }
        }
    }

    /// @notice Attack: bits beyond those of a time or a number, which are hashed and not looked at.
    function test_rejects_words_that_are_no_times_or_numbers() external {
        bytes memory data = abi.encodeCall(attestationRegistry.supersede, (POLICY, SUBJECT, 0, _head(0, 8)));
        for (uint256 field = 2; field < 5; ++field) {
            // The selector, four arguments, and the fields before this one; its highest byte is zero.
            uint256 place = 4 + 32 * (4 + field);
            require(data[place] == 0);
            data[place] = 0x01;
            (bool success, bytes memory reason) = address(attestationRegistry).call(data);
            require(!success && reason.length == 0);
            data[place] = 0;
        }
        (bool accepted,) = address(attestationRegistry).call(data);
        require(accepted);
    }

    function test_rejects_contexts_over_words_that_are_no_times_or_numbers() external view {
        Attestation memory attestation = _unsigned();
        bytes memory data = abi.encodeCall(attestationRegistry.contextOf, (attestation));
        uint256 place = 4;
        while (_wordAt(data, place) != attestation.statements[1].commitmentX) {
            place += 32;
        }
        for (uint256 field = 2; field < 5; ++field) {
            require(data[place + 32 * field] == 0);
            data[place + 32 * field] = 0x01;
            (bool success, bytes memory reason) = address(attestationRegistry).staticcall(data);
            require(!success && reason.length == 0);
            data[place + 32 * field] = 0;
        }
        (bool accepted,) = address(attestationRegistry).staticcall(data);
        require(accepted);
    }

    /// @notice Attack: a statement at an offset below zero. Its copy, which is hashed, is zeros; its fields, which
    /// count, are read at the start of the calldata.
    function test_rejects_statements_at_offsets_below_zero() external view {
        bytes memory data = abi.encodeCall(attestationRegistry.contextOf, (_unsigned()));
        // The selector and an offset come before the attestation, and the offset of its statements is its seventh word.
        uint256 list = 4 + 0x20 + _wordAt(data, 4 + 0x20 + 0xc0) + 0x20;
        uint256 honest = _wordAt(data, list);
        for (uint256 distance = 0x20; distance <= 0x200; distance += 0x20) {
            _setWord(data, list, type(uint256).max - list - distance + 1);
            (bool success, bytes memory reason) = address(attestationRegistry).staticcall(data);
            require(!success && reason.length == 0);
        }
        _setWord(data, list, honest);
        (bool accepted,) = address(attestationRegistry).staticcall(data);
        require(accepted);
    }

    /// @notice A call to an address without code succeeds.
    function test_rejects_a_verifier_that_is_no_contract() external {
        Terms memory terms = _terms();
        terms.verifier = address(0xdead);
        policyRegistry.set(POLICY, terms);
        _refused(_proven(_signed(_unsigned(), terms), terms), "");
    }

    /// @notice The largest numbers that sources can state.
    function test_accepts_the_largest_sequences() external {
        Attestation memory attestation = _unsigned();
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestation.statements[i].sequence = type(uint64).max;
        }
        attestationRegistry.attest(_complete(attestation));
        require(_isSufficient(POLICY));
        require(attestationRegistry.recordOf(SUBJECT, POLICY, 1).sequences == SOURCES * uint256(type(uint64).max));
    }

    function _isSufficient(bytes32 policy) private view returns (bool) {
        return attestationRegistry.isSufficientNoOlderThan(SUBJECT, policy, 1_000);
    }

    function _wordAt(bytes memory data, uint256 place) private pure returns (uint256 word) {
        assembly {
            word := mload(add(add(data, 0x20), place))
        }
    }

    function _setWord(bytes memory data, uint256 place, uint256 word) private pure {
        assembly {
            mstore(add(add(data, 0x20), place), word)
        }
    }

    /// @dev All accounts have the number 7, except one.
    function _requireSequences(uint256 index, uint64 expected) private view {
        for (uint256 i = 0; i < SOURCES; ++i) {
            (uint64 sequence, uint120 digest,,) =
                attestationRegistry.accountOf(_terms().sources[i].signer, _terms().sources[i].account, SUBJECT);
            require(sequence == (i == index ? expected : 7) && digest != 0);
        }
    }

    function _requireNothingHolds() private view {
        require(!_isSufficient(POLICY));
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1, 1_000));
        (bool holds,) = attestationRegistry.levelOf(SUBJECT, POLICY);
        require(!holds && attestationRegistry.streakOf(SUBJECT, POLICY, 1) == 0);
    }

    /// @dev A statement about the account at `index` with this sequence number.
    function _head(uint256 index, uint64 sequence) private view returns (Statement memory) {
        Attestation memory attestation = _unsigned();
        attestation.statements[index].sequence = sequence;
        return _signed(attestation, _terms()).statements[index];
    }

    function _refuseHead(uint256 index, Statement memory head, bytes memory reason) private {
        vm.expectRevert(reason);
        attestationRegistry.supersede(POLICY, SUBJECT, index, head);
    }
}
