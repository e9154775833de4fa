// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Attestation, Record} from "../src/types/Attestation.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Source, Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {vm} from "./support/Vm.sol";

/// @notice Takes snapshots and attests, as it is told to, and watches what is kept.
contract Historian is Attesting {
    uint256 private constant SUBJECTS = 2;

    /// @dev The policy's snapshots, and for each subject and level over which of them it has been attested.
    Snapshot[] private snapshots;
    mapping(uint256 subject => mapping(uint256 level => mapping(uint256 snapshot => bool))) private attested;
    /// @dev The largest sequence numbers that have been accepted.
    mapping(uint256 subject => mapping(uint256 source => uint64)) private sequences;

    uint256 public accepted;
    uint256 public refused;
    bool public hasGoneWrong;

    constructor() {
        _start();
        snapshots.push(_snapshot());
    }

    function takeSnapshot(uint256 gap, uint256 wait) external {
        vm.warp(block.timestamp + 1 + wait % 400);
        Snapshot memory next = _takeNext(snapshots[snapshots.length - 1]);
        next.epoch += uint64(gap % 3);
        _takeSnapshot(POLICY, next);
        snapshots.push(next);
    }

    /// @param back Which snapshot, from the newest back.
    /// @param lags The distance of each statement's sequence number from the largest.
    function attest(uint256 subject, uint256 level, uint256 back, uint256 lags, uint256 length) external {
        (subject, level) = (subject % SUBJECTS, level % LEVELS);
        uint256 place = snapshots.length - 1 - (back % 3) % snapshots.length;
        Attestation memory attestation = _unsigned();
        attestation.subject = _address(subject);
        attestation.level = level;
        attestation.epoch = snapshots[place].epoch;
        attestation.validUntil = uint64(block.timestamp) + uint64(length % 100);
        uint64[3] memory offered;
        for (uint256 i = 0; i < SOURCES; ++i) {
            uint64 lag = uint64((lags >> (8 * i)) % 8);
            // Mostly a newer one, now and then an older.
            offered[i] = sequences[subject][i] + (lag == 7 ? 0 : lag + 1);
            if (lag != 7 && lag > 4) offered[i] -= lag;
            attestation.statements[i].sequence = offered[i];
            attestation.statements[i].asOf = uint64(block.timestamp);
            attestation.statements[i].validUntil = uint64(block.timestamp) + 100;
        }
        attestation = _complete(attestation);
        Record memory before = attestationRegistry.recordOf(attestation.subject, POLICY, level);
        try attestationRegistry.attest(attestation) {
            ++accepted;
            attested[subject][level][place] = true;
            _watch(subject, level, before, offered);
            if (
                attestationRegistry.recordOf(attestation.subject, POLICY, level).streak
                    != _streak(subject, level, place)
            ) {
                hasGoneWrong = true;
            }
        } catch {
            ++refused;
            for (uint256 i = 0; i < SOURCES; ++i) {
                if (_sequence(subject, i) != sequences[subject][i]) hasGoneWrong = true;
            }
        }
    }

    /// @dev Neither epochs nor sequence numbers have gone down.
    function _watch(uint256 subject, uint256 level, Record memory before, uint64[3] memory offered) private {
        if (attestationRegistry.recordOf(_address(subject), POLICY, level).epoch < before.epoch) hasGoneWrong = true;
        for (uint256 i = 0; i < SOURCES; ++i) {
            uint64 kept = _sequence(subject, i);
            if (kept < sequences[subject][i] || kept != offered[i]) hasGoneWrong = true;
            sequences[subject][i] = kept;
        }
    }

    /// @dev The number of snapshots up to this one that were attested without a gap.
    function _streak(uint256 subject, uint256 level, uint256 place) private view returns (uint256 length) {
        while (length <= place && attested[subject][level][place - length]) ++length;
    }

    function _sequence(uint256 subject, uint256 source) private view returns (uint64 sequence) {
        Source memory account = _terms().sources[source];
        (sequence,,,) = attestationRegistry.accountOf(account.signer, account.account, _address(subject));
    }

    function _address(uint256 subject) private pure returns (address) {
        return address(uint160(0x1000 + subject));
    }
}

/// @notice Records and accounts over many snapshots and attestations.
contract AttestationRegistryHistoryTest is Attesting {
    Historian private historian = new Historian();

    function setUp() external {
        _start();
    }

    /// @notice The contract whose functions Forge calls.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(historian);
    }

    /// forge-config: default.invariant.runs = 12
    /// forge-config: full.invariant.runs = 250
    /// forge-config: default.invariant.depth = 64
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_nothing_older_is_kept() external view {
        require(!historian.hasGoneWrong());
    }

    function test_histories_have_both_outcomes() external {
        for (uint256 i = 0; i < 60; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(i)));
            if (i % 4 == 0) historian.takeSnapshot(draw, draw >> 8);
            historian.attest(draw, draw >> 16, draw >> 32, draw >> 64, draw >> 128);
        }
        require(historian.accepted() > 10 && historian.refused() > 10);
        require(!historian.hasGoneWrong());
    }

    /// forge-config: default.fuzz.runs = 16
    /// forge-config: full.fuzz.runs = 500
    function testFuzz_streaks_count_snapshots_without_a_gap(uint256 steps) external {
        for (uint256 i = 0; i < 20; ++i) {
            if ((steps >> (2 * i)) % 4 == 0) historian.takeSnapshot(i, 0);
            historian.attest(0, 0, (steps >> (64 + i)) % 2, 0, 50);
        }
        require(!historian.hasGoneWrong());
    }

    function test_a_streak_grows_by_one_a_snapshot() external {
        Snapshot memory snapshot = _snapshot();
        for (uint32 streak = 1; streak < 6; ++streak) {
            _attestOver(snapshot);
            _attestOver(snapshot);
            require(attestationRegistry.streakOf(SUBJECT, POLICY, 1) == streak);
            snapshot = _takeNext(snapshot);
        }
    }

    function test_a_snapshot_left_out_ends_the_streak() external {
        Snapshot memory snapshot = _snapshot();
        _attestOver(snapshot);
        snapshot = _takeNext(snapshot);
        _attestOver(snapshot);
        require(attestationRegistry.streakOf(SUBJECT, POLICY, 1) == 2);
        snapshot = _takeNext(_takeNext(snapshot));
        _attestOver(snapshot);
        require(attestationRegistry.streakOf(SUBJECT, POLICY, 1) == 1);
    }

    function test_epochs_without_a_snapshot_do_not_end_a_streak() external {
        _attestOver(_snapshot());
        Snapshot memory next = _snapshot();
        (next.epoch, next.previousEpoch) = (EPOCH + 9, EPOCH);
        _takeSnapshot(POLICY, next);
        _attestOver(next);
        require(attestationRegistry.streakOf(SUBJECT, POLICY, 1) == 2);
    }

    /// @notice Another level's attestations are no part of it.
    function test_streaks_of_levels_are_their_own() external {
        _attestOver(_snapshot());
        Attestation memory attestation = _unsigned();
        attestation.level = 2;
        attestationRegistry.attest(_complete(attestation));
        require(attestationRegistry.streakOf(SUBJECT, POLICY, 0) == 0);
        require(attestationRegistry.streakOf(SUBJECT, POLICY, 2) == 1);
    }

    function _attestOver(Snapshot memory snapshot) private {
        Attestation memory attestation = _unsigned();
        attestation.epoch = snapshot.epoch;
        attestationRegistry.attest(_complete(attestation));
    }
}
