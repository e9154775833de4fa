// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../src/interfaces/ISnapshotOracle.sol";
import {Bn254} from "../src/libraries/Bn254.sol";
import {MAX_FEEDS, MAX_LEVELS} from "../src/libraries/Constants.sol";
import {MockAggregator} from "../src/mocks/MockAggregator.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Publication} from "../src/types/Policy.sol";
import {R} from "./support/Field.sol";
import {HostileAggregator} from "./support/HostileAggregator.sol";
import {PolicyTest} from "./support/PolicyTest.sol";
import {PrecompileFaults} from "./support/PrecompileFaults.sol";
import {vm} from "./support/Vm.sol";

/// @notice Snapshots of prices from feeds.
contract SnapshotOracleTest is PolicyTest, PrecompileFaults {
    HostileAggregator private hostile = new HostileAggregator();

    // Contents of a snapshot

    function test_takes_the_prices_of_the_feeds() external {
        bytes32 policy = _inForce(_fed(3, 2));
        uint40 time = uint40(block.timestamp);
        _set(0, 100e6, time - 10);
        _set(1, 200e6, time - 20);
        _set(2, 300e6, time);
        uint96[] memory prices = new uint96[](3);
        (prices[0], prices[1], prices[2]) = (100e8, 200e8, 300e8);
        uint64 epoch = time / EPOCH;
        vm.expectEmit(true, true, true, true, address(oracle));
        emit ISnapshotOracle.SnapshotTaken(policy, epoch, time, false, 0, prices);
        require(oracle.take(policy) == epoch);

        _requireSnapshot(oracle.latest(policy), Snapshot(epoch, 0, time, time, uint32(MAX_AGE - 20), false));
        require(keccak256(abi.encode(oracle.pricesOf(policy, epoch))) == keccak256(abi.encode(prices)));
        require(oracle.idOf(policy, epoch) == 0);
        _requireCoefficients(policy, epoch, 2, prices);
    }

    function test_anybody_may_take_one() external {
        bytes32 policy = _inForce(_fed(1, 1));
        _setAll(100e6);
        vm.prank(STRANGER);
        oracle.take(policy);
    }

    function test_keeps_the_newest_and_the_one_before() external {
        bytes32 policy = _inForce(_fed(3, 2));
        uint64 start = uint64(block.timestamp / EPOCH);
        for (uint64 i = 0; i < 5; ++i) {
            int128 answer = int128(uint128(100e6 + i));
            _setAll(answer);
            uint64 epoch = oracle.take(policy);
            require(epoch == start + 2 * i);
            require(oracle.latest(policy).epoch == epoch);
            require(oracle.latest(policy).previousEpoch == (i == 0 ? 0 : epoch - 2));
            for (uint64 j = 0; j <= i; ++j) {
                if (j + 1 < i) {
                    _expectUnknown(policy, start + 2 * j);
                } else {
                    (Snapshot memory snapshot, Snapshot memory newest,) = oracle.read(policy, start + 2 * j, 0);
                    require(snapshot.epoch == start + 2 * j && newest.epoch == epoch);
                    _requireCoefficients(policy, start + 2 * j, 2, _equalPrices(3, 100 * (100e6 + j)));
                }
            }
            vm.warp(block.timestamp + 2 * EPOCH);
        }
    }

    function test_policies_do_not_mix() external {
        Publication memory publication = _fed(2, 1);
        bytes32 first = _publish(publication);
        (publication.version, publication.document) = (2, keccak256("another"));
        bytes32 second = _inForce(publication);
        _setAll(100e6);
        uint64 epoch = oracle.take(first);
        require(oracle.latest(second).epoch == 0);
        _expectUnknown(second, epoch);
        _setAll(200e6);
        oracle.take(second);
        require(oracle.pricesOf(first, epoch)[0] == 100e8 && oracle.pricesOf(second, epoch)[0] == 200e8);
    }

    /// @notice Attack: a snapshot in the last second of an epoch at a price that jumps, and another in the first second
    /// of the next, which has not moved since and would carry no mark.
    function test_rejects_a_snapshot_less_than_half_an_epoch_after_another() external {
        bytes32 policy = _inForce(_fed(1, 1));
        uint256 start = (block.timestamp / EPOCH + 1) * EPOCH;
        vm.warp(start + EPOCH - 1);
        _setAll(100e6);
        oracle.take(policy);
        uint256 earliest = start + EPOCH - 1 + EPOCH / 2;
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(i == 0 ? start + EPOCH : earliest - 1);
            vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.TooSoon.selector, earliest));
            oracle.take(policy);
        }
        vm.warp(earliest);
        oracle.take(policy);
    }

    function test_there_is_none_at_first() external {
        bytes32 policy = _inForce(_fed(1, 1));
        _requireSnapshot(oracle.latest(policy), Snapshot(0, 0, 0, 0, 0, false));
        _expectUnknown(policy, 0);
        _expectUnknown(policy, uint64(block.timestamp / EPOCH));
    }

    function test_rejects_levels_that_the_policy_has_not() external {
        bytes32 policy = _inForce(_fed(1, 2));
        _setAll(100e6);
        uint64 epoch = oracle.take(policy);
        uint256[3] memory levels = [2, MAX_LEVELS, type(uint256).max];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.UnknownLevel.selector, levels[i]));
            oracle.read(policy, epoch, levels[i]);
        }
    }

    /// @notice The commitment to the coefficients is that of the sum of the logarithms, whatever the prices.
    function testFuzz_coefficients_are_affine_in_prices(uint256 feeds, uint256 levels, uint256 seed) external {
        (feeds, levels) = (1 + feeds % 12, 1 + levels % 3);
        Publication memory publication = _fed(feeds, levels);
        for (uint256 u = 0; u < feeds; ++u) {
            publication.feeds[u].max = type(uint96).max;
            publication.feeds[u].min = 1;
        }
        bytes32 policy = _inForce(publication);
        uint96[] memory prices = new uint96[](feeds);
        for (uint256 u = 0; u < feeds; ++u) {
            // Up to the largest answer that is a price: of 96 bits after two more decimals.
            uint256 answer = 1 + uint256(keccak256(abi.encode(seed, u))) % (type(uint96).max / 100);
            if (u == 0 && seed % 4 == 0) answer = type(uint96).max / 100;
            prices[u] = uint96(100 * answer);
            _set(u, int128(uint128(answer)), uint40(block.timestamp));
        }
        uint64 epoch = oracle.take(policy);
        require(keccak256(abi.encode(oracle.pricesOf(policy, epoch))) == keccak256(abi.encode(prices)));
        _requireCoefficients(policy, epoch, levels, prices);
    }

    /// @notice Attack: a precompile made to fail, so that a commitment lacks a price.
    function test_rejects_a_snapshot_where_a_precompile_fails() external {
        bytes32 policy = _inForce(_fed(3, 2));
        _set(0, 100e6, uint40(block.timestamp));
        _set(1, 200e6, uint40(block.timestamp));
        _set(2, 300e6, uint40(block.timestamp));
        bytes memory reason = abi.encodeWithSelector(Bn254.PointOperationFailed.selector);
        _requireFaultsRefused(address(oracle), abi.encodeCall(ISnapshotOracle.take, (policy)), reason);
    }

    function test_coefficients_without_prices_that_a_level_does_not_read() external {
        Publication memory publication = _fed(3, 1);
        publication.levels[0].coefficients.market[1] = [uint256(0), 0];
        bytes32 policy = _inForce(publication);
        _setAll(100e6);
        uint64 epoch = oracle.take(policy);
        (,, uint256[2] memory coef) = oracle.read(policy, epoch, 0);
        uint256 sum = addmod(_logarithm(0, 1), _logarithm(0, 3), R);
        uint256 expected = addmod(_logarithm(0, 0), mulmod(100e8, sum, R), R);
        require(keccak256(abi.encode(coef)) == keccak256(abi.encode(_point(expected))));
    }

    function test_coefficients_of_equal_and_opposite_points() external {
        // Addition of a point to itself, and of its opposite on the way.
        Publication memory publication = _fed(3, 1);
        publication.levels[0].coefficients.base = _point(100e8);
        publication.levels[0].coefficients.market[0] = _point(1);
        publication.levels[0].coefficients.market[1] = _point(R - 2);
        publication.levels[0].coefficients.market[2] = _point(5);
        bytes32 policy = _inForce(publication);
        _setAll(100e6);
        (,, uint256[2] memory coef) = oracle.read(policy, oracle.take(policy), 0);
        require(keccak256(abi.encode(coef)) == keccak256(abi.encode(_point(500e8))));
    }

    function test_rejects_coefficients_that_vanish() external {
        Publication memory publication = _fed(1, 2);
        publication.levels[1].coefficients.base = _point(R - 100e8);
        publication.levels[1].coefficients.market[0] = _point(1);
        bytes32 policy = _inForce(publication);
        _setAll(100e6);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.DegenerateCoefficients.selector, 1));
        oracle.take(policy);
        _setAll(101e6);
        oracle.take(policy);
    }

    function test_takes_the_most_feeds_and_levels() external {
        Publication memory publication = _fed(MAX_FEEDS, 2);
        bytes32 policy = _inForce(publication);
        _setAll(100e6);
        _requireCoefficients(policy, oracle.take(policy), 2, _equalPrices(MAX_FEEDS, 100e8));
        publication = _fed(1, MAX_LEVELS);
        publication.version = 2;
        policy = _inForce(publication);
        _setAll(100e6);
        _requireCoefficients(policy, oracle.take(policy), MAX_LEVELS, _equalPrices(1, 100e8));
    }

    // Times

    function test_rejects_policies_that_are_not_in_force() external {
        bytes32 policy = _publish(_fed(1, 1));
        bytes memory reason = abi.encodeWithSelector(ISnapshotOracle.PolicyNotInForce.selector, policy);
        vm.warp(START + DELAY - 1);
        vm.expectRevert(reason);
        oracle.take(policy);
        vm.warp(START + DELAY);
        _setAll(100e6);
        oracle.take(policy);
        vm.warp(START + DELAY + EPOCH);
        _setAll(100e6);
        vm.prank(GUARDIAN);
        policyRegistry.freeze(policy);
        vm.expectRevert(reason);
        oracle.take(policy);
        vm.prank(OWNER);
        policyRegistry.thaw(policy);
        vm.expectRevert(reason);
        oracle.take(policy);
        vm.warp(block.timestamp + DELAY);
        _setAll(100e6);
        oracle.take(policy);
    }

    function test_rejects_unknown_policies() external {
        bytes32 policy = bytes32(uint256(1));
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, policy));
        oracle.take(policy);
    }

    function test_rejects_policies_whose_prices_nodes_sign() external {
        bytes32 policy = _inForce(_signed(1));
        vm.expectRevert(ISnapshotOracle.WrongKind.selector);
        oracle.take(policy);
    }

    function test_rejects_a_second_snapshot_of_an_epoch() external {
        bytes32 policy = _inForce(_fed(1, 1));
        uint256 start = block.timestamp / EPOCH * EPOCH + EPOCH;
        vm.warp(start);
        _setAll(100e6);
        uint64 epoch = oracle.take(policy);
        _setAll(110e6);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.EpochTaken.selector, epoch));
        oracle.take(policy);
        vm.warp(start + EPOCH - 1);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.EpochTaken.selector, epoch));
        oracle.take(policy);
        vm.warp(start + EPOCH);
        require(oracle.take(policy) == epoch + 1);
        vm.warp(start);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.EpochTaken.selector, epoch));
        oracle.take(policy);
    }

    // Answers of feeds

    function test_rejects_answers_that_are_no_prices() external {
        bytes32 policy = _withHostile();
        uint256 time = block.timestamp;
        _expectBadAnswer(policy, abi.encode(1, 0, time, time, 1));
        _expectBadAnswer(policy, abi.encode(1, -1, time, time, 1));
        _expectBadAnswer(policy, abi.encode(1, type(int256).min, time, time, 1));
        hostile.answerRound(abi.encode(1, 100e8, time, time, 1));
        oracle.take(policy);
    }

    function test_rejects_answers_of_no_round() external {
        bytes32 policy = _withHostile();
        uint256 time = block.timestamp;
        _expectBadAnswer(policy, abi.encode(0, 100e8, time, time, 0));
        _expectBadAnswer(policy, abi.encode(0, 100e8, time, time, 1));
        _expectBadAnswer(policy, abi.encode(2, 100e8, time, time, 1));
        _expectBadAnswer(policy, abi.encode(2 ** 80, 100e8, time, time, 2 ** 80));
        _expectBadAnswer(policy, abi.encode(1, 100e8, time, time, 2 ** 80));
        hostile.answerRound(abi.encode(2 ** 80 - 1, 100e8, time, time, 2 ** 80 - 1));
        oracle.take(policy);
    }

    function test_rejects_answers_without_time_and_of_the_future() external {
        bytes32 policy = _withHostile();
        uint256 time = block.timestamp;
        _expectBadAnswer(policy, abi.encode(1, 100e8, time, 0, 1));
        _expectBadAnswer(policy, abi.encode(1, 100e8, time, time + 1, 1));
        _expectBadAnswer(policy, abi.encode(1, 100e8, time, type(uint256).max, 1));
        vm.warp(time + 1);
        hostile.answerRound(abi.encode(1, 100e8, time, time + 1, 1));
        oracle.take(policy);
    }

    function test_rejects_answers_that_are_cut_short() external {
        bytes32 policy = _withHostile();
        bytes memory answer = abi.encode(1, 100e8, block.timestamp, block.timestamp, 1);
        assembly {
            mstore(answer, 159)
        }
        _expectBadAnswer(policy, answer);
        _expectBadAnswer(policy, "");
        // Missing words are zero, and would be taken for zeros in the answer.
        answer = abi.encode(1, 100e8, block.timestamp, block.timestamp, 256);
        hostile.answerRound(answer);
        uint256 state = vm.snapshotState();
        oracle.take(policy);
        vm.revertToState(state);
        assembly {
            mstore(answer, 159)
        }
        _expectBadAnswer(policy, answer);
    }

    function test_rejects_decimals_that_are_cut_short() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].aggregator = address(hostile);
        publication.feeds[1].aggregatorDecimals = 0;
        hostile.answerDecimals(abi.encode(0));
        bytes32 policy = _inForce(publication);
        _setAll(100e6);
        bytes memory answer = abi.encode(1, 100, block.timestamp, block.timestamp, 1);
        // Zeros in place of the selector that is in memory before.
        hostile.answerDecimals(new bytes(31));
        _expectBadAnswer(policy, answer);
        hostile.answerDecimals(new bytes(32));
        hostile.answerRound(answer);
        oracle.take(policy);
    }

    function test_rejects_decimals_that_have_changed() external {
        bytes32 policy = _withHostile();
        bytes memory answer = abi.encode(1, 100e8, block.timestamp, block.timestamp, 1);
        uint256[4] memory others = [uint256(7), 18, 256 + 8, 2 ** 255 + 8];
        for (uint256 i = 0; i < others.length; ++i) {
            hostile.answerDecimals(abi.encode(others[i]));
            _expectBadAnswer(policy, answer);
        }
        hostile.answerDecimals(hex"08");
        _expectBadAnswer(policy, answer);
        hostile.answerDecimals(abi.encode(8));
        hostile.answerRound(answer);
        oracle.take(policy);
    }

    function test_rejects_feeds_that_revert() external {
        bytes32 policy = _withHostile();
        hostile.behave(HostileAggregator.Manner.Reverts);
        _expectBadAnswer(policy);
        hostile.behave(HostileAggregator.Manner.RevertsAtLength);
        _expectBadAnswer(policy);
        // With what would be a good answer.
        hostile.answerRound(abi.encode(1, 100e8, block.timestamp, block.timestamp, 1));
        hostile.behave(HostileAggregator.Manner.RevertsWithTheRound);
        _expectBadAnswer(policy);
        hostile.behave(HostileAggregator.Manner.RevertsWithTheDecimals);
        _expectBadAnswer(policy);
        hostile.behave(HostileAggregator.Manner.Answers);
        oracle.take(policy);
    }

    /// @notice All that a feed can waste is the gas that it is given: there is no snapshot, and the next one is not
    /// spoiled.
    function test_rejects_feeds_that_burn_gas() external {
        bytes32 policy = _withHostile();
        hostile.behave(HostileAggregator.Manner.BurnsGas);
        (bool success,) = address(oracle).call{gas: 5_000_000}(abi.encodeCall(ISnapshotOracle.take, (policy)));
        require(!success && oracle.latest(policy).epoch == 0);
        hostile.answerRound(abi.encode(1, 100e8, block.timestamp, block.timestamp, 1));
        oracle.take(policy);
    }

    function test_takes_no_more_of_an_answer_than_there_should_be() external {
        bytes32 policy = _withHostile();
        bytes memory answer = abi.encode(1, 100e8, block.timestamp, block.timestamp, 1);
        hostile.answerRound(bytes.concat(answer, new bytes(100_000)));
        uint64 epoch = oracle.take(policy);
        _requireCoefficients(policy, epoch, 1, oracle.pricesOf(policy, epoch));
        require(oracle.pricesOf(policy, epoch)[1] == 100e8);
    }

    function test_rejects_a_feed_whose_code_is_gone() external {
        bytes32 policy = _withHostile();
        vm.etch(address(hostile), "");
        _expectBadAnswer(policy);
    }

    function test_rejects_stale_answers() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].maxAge = uint32(EPOCH / 2 + 100);
        bytes32 policy = _inForce(publication);
        uint40 time = uint40(block.timestamp);
        uint40 oldest = MAX_AGE - EPOCH / 2;
        _set(0, 100e6, time - oldest - 1);
        _set(1, 100e6, time);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.StaleAnswer.selector, 0, oldest + 1));
        oracle.take(policy);
        _set(0, 100e6, time - oldest);
        _set(1, 100e6, time - 101);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.StaleAnswer.selector, 1, 101));
        oracle.take(policy);
        _set(1, 100e6, time - 100);
        oracle.take(policy);
        // Attack: a snapshot that nobody can attest over would take up its epoch.
        require(oracle.latest(policy).slack == EPOCH / 2);
    }

    function test_slack_is_what_the_ages_leave() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[0].maxAge = 4_000;
        publication.feeds[1].maxAge = 3_000;
        bytes32 policy = _inForce(publication);
        uint40 time = uint40(block.timestamp);
        _set(0, 100e6, time);
        _set(1, 100e6, time);
        oracle.take(policy);
        require(oracle.latest(policy).slack == MAX_AGE);
        vm.warp(time + EPOCH);
        _set(0, 100e6, time + EPOCH - 3_840);
        _set(1, 100e6, time + EPOCH - 2_500);
        oracle.take(policy);
        require(oracle.latest(policy).slack == 160);
    }

    function test_rejects_prices_out_of_range() external {
        bytes32 policy = _inForce(_fed(2, 1));
        _set(0, 1e6, uint40(block.timestamp));
        _set(1, 1e6 - 1, uint40(block.timestamp));
        _expectOutOfRange(policy, 1e8 - 100);
        _set(1, 1_000e6 + 1, uint40(block.timestamp));
        _expectOutOfRange(policy, 1_000e8 + 100);
        _set(1, 1_000e6, uint40(block.timestamp));
        oracle.take(policy);
    }

    /// @notice Times 100 these would wrap around, some of them to what is in range.
    function test_rejects_answers_that_are_too_large_to_scale() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].aggregator = address(hostile);
        hostile.answerDecimals(abi.encode(6));
        bytes32 policy = _inForce(publication);
        _setAll(100e6);
        uint256 time = block.timestamp;
        // 25·a = 50e8 + 1 modulo 2^254, so that 100·a = 200e8 + 4 modulo 2^256.
        uint256 inverse = 25;
        for (uint256 i = 0; i < 8; ++i) {
            unchecked {
                inverse *= 2 - 25 * inverse;
            }
        }
        uint256 wraps;
        unchecked {
            wraps = ((50e8 + 1) * inverse) % 2 ** 254;
            require(100 * wraps == 200e8 + 4 && wraps > 2 ** 200);
        }
        uint256[4] memory answers = [wraps, uint256(type(int256).max), type(uint96).max, uint256(2) ** 96];
        for (uint256 i = 0; i < answers.length; ++i) {
            hostile.answerRound(abi.encode(1, answers[i], time, time, 1));
            _expectOutOfRange(policy, answers[i]);
        }
        // The largest price, as an answer of fewer decimals.
        hostile.answerRound(abi.encode(1, 1_000e8, time, time, 1));
        _expectOutOfRange(policy, 1_000e10);
    }

    function testFuzz_scales_answers(uint8 decimals, uint8 more, uint256 answer) external {
        (decimals, more) = (decimals % 19, more % 19);
        vm.assume(decimals + more <= 18);
        Publication memory publication = _fed(1, 1);
        MockAggregator aggregator = new MockAggregator(decimals);
        publication.feeds[0].aggregator = address(aggregator);
        publication.feeds[0].aggregatorDecimals = decimals;
        publication.feeds[0].decimals = decimals + more;
        publication.feeds[0].min = 1;
        publication.feeds[0].max = type(uint96).max;
        bytes32 policy = _inForce(publication);
        answer = 1 + answer % (type(uint96).max / 10 ** more);
        aggregator.set(int128(uint128(answer)), uint40(block.timestamp));
        require(oracle.pricesOf(policy, oracle.take(policy))[0] == answer * 10 ** more);
    }

    // The circuit breaker

    function test_marks_prices_that_have_moved_too_far() external {
        bytes32 policy = _inForce(_fed(3, 1));
        // Of what came before, a tenth: the limit itself does not mark.
        int128[7] memory answers = [int128(100e6), 110e6, 99e6, 108_900_001, 98_010_000, 98_010_000, 200e6];
        bool[7] memory marks = [false, false, false, true, true, false, true];
        for (uint256 i = 0; i < answers.length; ++i) {
            _setAll(100e6);
            _set(1, answers[i], uint40(block.timestamp));
            oracle.take(policy);
            require(oracle.latest(policy).marked == marks[i]);
            vm.warp(block.timestamp + EPOCH);
        }
    }

    function test_compares_with_the_newest_snapshot() external {
        bytes32 policy = _inForce(_fed(1, 1));
        int128[6] memory answers = [int128(100e6), 150e6, 150e6, 100e6, 105e6, 150e6];
        bool[6] memory marks = [false, true, false, true, false, true];
        for (uint256 i = 0; i < answers.length; ++i) {
            _setAll(answers[i]);
            oracle.take(policy);
            require(oracle.latest(policy).marked == marks[i]);
            vm.warp(block.timestamp + EPOCH);
        }
    }

    function test_marks_nothing_without_a_limit() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].maxDeviation = 0;
        bytes32 policy = _inForce(publication);
        int128[3] memory answers = [int128(100e6), 1_000e6, 1e6];
        for (uint256 i = 0; i < answers.length; ++i) {
            _setAll(100e6);
            _set(1, answers[i], uint40(block.timestamp));
            oracle.take(policy);
            require(!oracle.latest(policy).marked);
            vm.warp(block.timestamp + EPOCH);
        }
    }

    function testFuzz_marks_deviations(uint256 before, uint256 price, uint32 limit) external {
        limit = 1 + limit % 1_000_000;
        uint256 most = type(uint96).max / 100;
        before = 1 + before % most;
        // Half of them near the limit.
        price = price % 2 == 0 ? 1 + price % most : before + before * limit / 1_000_000 + price % 3;
        if (price > most) price = most;
        Publication memory publication = _fed(1, 1);
        (publication.feeds[0].min, publication.feeds[0].max) = (1, type(uint96).max);
        publication.feeds[0].maxDeviation = limit;
        bytes32 policy = _inForce(publication);
        _setAll(int128(uint128(before)));
        oracle.take(policy);
        vm.warp(block.timestamp + EPOCH);
        _setAll(int128(uint128(price)));
        oracle.take(policy);
        // Both sides divided by the price before: the integer quotient decides but for a remainder.
        uint256 moved = (price > before ? price - before : before - price) * 1_000_000;
        bool expected = moved / before > limit || (moved / before == limit && moved % before != 0);
        require(oracle.latest(policy).marked == expected);
    }

    // Helpers

    function _set(uint256 feed, int128 answer, uint40 updatedAt) private {
        aggregators[feed].set(answer, updatedAt);
    }

    function _setAll(int128 answer) private {
        for (uint256 u = 0; u < aggregators.length; ++u) {
            _set(u, answer, uint40(block.timestamp));
        }
    }

    /// @dev A policy in force with a good feed, then the hostile one, then a good one.
    function _withHostile() private returns (bytes32 policy) {
        Publication memory publication = _fed(3, 1);
        publication.feeds[1].aggregator = address(hostile);
        publication.feeds[1].aggregatorDecimals = 8;
        policy = _inForce(publication);
        _setAll(100e6);
    }

    function _expectBadAnswer(bytes32 policy, bytes memory answer) private {
        hostile.answerRound(answer);
        _expectBadAnswer(policy);
    }

    function _expectBadAnswer(bytes32 policy) private {
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.BadAnswer.selector, 1));
        oracle.take(policy);
    }

    function _expectOutOfRange(bytes32 policy, uint256 price) private {
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.PriceOutOfRange.selector, 1, price));
        oracle.take(policy);
    }

    function _expectUnknown(bytes32 policy, uint64 epoch) private {
        bytes memory reason = abi.encodeWithSelector(ISnapshotOracle.UnknownEpoch.selector, epoch);
        vm.expectRevert(reason);
        oracle.read(policy, epoch, 0);
        vm.expectRevert(reason);
        oracle.pricesOf(policy, epoch);
        vm.expectRevert(reason);
        oracle.idOf(policy, epoch);
    }

    function _requireSnapshot(Snapshot memory found, Snapshot memory expected) private pure {
        require(keccak256(abi.encode(found)) == keccak256(abi.encode(expected)), "snapshot");
    }
}
