// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {Attestation, Record, Statement} from "../src/types/Attestation.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {vm} from "./support/Vm.sol";

/// @notice The rules of times: each at its limit and one second beyond, and all of them against a plain model.
contract AttestationRegistryTimesTest is Attesting {
    /// @dev The times of an attestation, its snapshot and its policy.
    struct Times {
        uint40 validity;
        uint40 maxSkew;
        uint40 maxAge;
        uint40 pricesAt;
        uint40 newestPrices;
        uint32 slack;
        uint64[3] asOf;
        uint64[3] statedUntil;
        uint64 validUntil;
    }

    function setUp() external {
        _start();
    }

    function test_rejects_prices_from_the_future() external {
        Times memory times = _times();
        times.newestPrices = NOW;
        _accept(times);
        times.newestPrices = NOW + 1;
        _reject(times, abi.encodeWithSelector(IAttestationRegistry.NotYet.selector));
    }

    function test_rejects_statements_from_the_future() external {
        for (uint256 i = 0; i < SOURCES; ++i) {
            Times memory times = _times();
            times.asOf[i] = NOW;
            _accept(times);
            times.asOf[i] = NOW + 1;
            _reject(times, abi.encodeWithSelector(IAttestationRegistry.NotYet.selector));
        }
    }

    function test_rejects_statements_too_far_apart() external {
        for (uint256 i = 0; i < SOURCES; ++i) {
            Times memory times = _times();
            times.asOf[i] = NOW - 100 - 600;
            times.asOf[(i + 1) % SOURCES] = NOW - 100;
            times.asOf[(i + 2) % SOURCES] = NOW - 300;
            _accept(times);
            --times.asOf[i];
            _reject(times, abi.encodeWithSelector(IAttestationRegistry.StatementsTooFarApart.selector, 601));
        }
    }

    /// @notice Attack: pair balances and prices of one moment, and bring the attestation long after.
    function test_rejects_statements_too_old_at_arrival() external {
        for (uint256 i = 0; i < SOURCES; ++i) {
            Times memory times = _times();
            times.maxAge = 100;
            times.asOf[i] = NOW - 100;
            times.asOf[(i + 1) % SOURCES] = NOW - 99;
            _accept(times);
            --times.asOf[i];
            _reject(times, abi.encodeWithSelector(IAttestationRegistry.StatementsTooOld.selector, 101));
        }
    }

    function test_rejects_prices_too_old_at_arrival() external {
        Times memory times = _times();
        (times.pricesAt, times.newestPrices, times.slack) = (NOW - 900, NOW - 850, 900);
        times.asOf = [uint64(NOW) - 880, NOW - 880, NOW - 880];
        _accept(times);
        --times.pricesAt;
        _reject(times, abi.encodeWithSelector(IAttestationRegistry.PricesTooOld.selector, 901));
    }

    function test_rejects_counting_for_longer_than_the_prices() external {
        Times memory times = _times();
        times.statedUntil = [uint64(NOW) + 100_000, NOW + 100_000, NOW + 100_000];
        times.validUntil = NOW - 100 + 86_400;
        _accept(times);
        ++times.validUntil;
        _reject(times, abi.encodeWithSelector(IAttestationRegistry.ValidTooLong.selector, NOW - 100 + 86_400));
    }

    function test_rejects_counting_for_longer_than_a_statement() external {
        for (uint256 i = 0; i < SOURCES; ++i) {
            Times memory times = _times();
            times.statedUntil[i] = NOW + 3_000;
            _accept(times);
            --times.statedUntil[i];
            _reject(times, abi.encodeWithSelector(IAttestationRegistry.ValidTooLong.selector, NOW + 2_999));
        }
    }

    function test_rejects_what_has_lapsed() external {
        Times memory times = _times();
        times.validUntil = NOW;
        _accept(times);
        times.validUntil = NOW - 1;
        _reject(times, abi.encodeWithSelector(IAttestationRegistry.Lapsed.selector, NOW - 1));
    }

    function test_accepts_the_largest_numbers() external {
        Times memory times = _times();
        (times.validity, times.maxSkew, times.maxAge) = (type(uint40).max, type(uint40).max, type(uint40).max);
        times.slack = type(uint32).max;
        times.statedUntil = [type(uint64).max, type(uint64).max, type(uint64).max];
        times.validUntil = type(uint40).max;
        _accept(times);
        times.asOf[1] = type(uint64).max;
        _reject(times, abi.encodeWithSelector(IAttestationRegistry.NotYet.selector));
        times.asOf[1] = 0;
        _accept(times);
    }

    /// @notice Records have 40 bits for a time.
    function test_rejects_counting_for_longer_than_times_go() external {
        Times memory times = _times();
        times.validity = type(uint40).max;
        times.statedUntil = [type(uint64).max, type(uint64).max, type(uint64).max];
        times.validUntil = uint64(type(uint40).max) + 1;
        bytes memory reason =
            abi.encodeWithSelector(IAttestationRegistry.ValidTooLong.selector, uint64(type(uint40).max));
        _refused(_prepare(times), reason);
    }

    /// @notice Times from small sets of numbers, so that many fall on limits.
    function testFuzz_agrees_with_the_model(uint256 seed) external {
        Times memory times = _random(seed);
        bool expected = _isAcceptable(times);
        Attestation memory attestation = _prepare(times);
        try attestationRegistry.attest(attestation) {
            require(expected, "accepted");
        } catch {
            require(!expected, "refused");
        }
    }

    /// @notice The model is of use: some of what is drawn is acceptable, and some is not.
    function test_the_model_says_yes_and_no() external pure {
        uint256 accepted = 0;
        for (uint256 seed = 0; seed < 512; ++seed) {
            if (_isAcceptable(_random(uint256(keccak256(abi.encode(seed)))))) ++accepted;
        }
        require(accepted > 64 && accepted < 448);
    }

    function _times() private pure returns (Times memory) {
        return Times({
            validity: 86_400,
            maxSkew: 600,
            maxAge: 7_200,
            pricesAt: NOW - 100,
            newestPrices: NOW - 90,
            slack: 3_600,
            asOf: [uint64(NOW) - 60, NOW - 61, NOW - 62],
            statedUntil: [uint64(NOW) + 5_000, NOW + 5_000, NOW + 5_000],
            validUntil: NOW + 3_000
        });
    }

    function _random(uint256 seed) private pure returns (Times memory times) {
        uint64[16] memory draws;
        for (uint256 i = 0; i < 16; ++i) {
            draws[i] = uint64((seed >> (16 * i)) % 65_536);
        }
        times.validity = uint40(10 + draws[0] % 8);
        times.maxSkew = uint40(3 + draws[1] % 5);
        times.maxAge = uint40(4 + draws[2] % 6);
        times.pricesAt = NOW - 3 - uint40(draws[3] % 3);
        times.newestPrices = times.pricesAt + uint40(draws[4] % 5);
        times.slack = uint32(3 + draws[5] % 5);
        for (uint256 i = 0; i < 3; ++i) {
            times.asOf[i] = NOW - draws[6 + i] % 6;
            times.statedUntil[i] = NOW + 3 + draws[9 + i] % 6;
        }
        // Now and then something is from the future.
        if (draws[12] % 16 == 0) times.asOf[0] = NOW + 1;
        times.validUntil = NOW + draws[13] % 6;
        if (draws[13] % 64 == 63) times.validUntil = NOW - 1;
    }

    /// @dev Every rule on its own, for every pair that it is about.
    function _isAcceptable(Times memory times) private pure returns (bool) {
        uint256[4] memory moments = [uint256(times.newestPrices), times.asOf[0], times.asOf[1], times.asOf[2]];
        if (NOW > uint256(times.pricesAt) + times.slack) return false;
        for (uint256 i = 0; i < 4; ++i) {
            if (moments[i] > NOW) return false;
            for (uint256 j = 1; j < 4; ++j) {
                if (NOW > moments[j] + times.maxAge) return false;
                if (i > 0 && moments[i] > moments[j] + times.maxSkew) return false;
            }
        }
        for (uint256 i = 0; i < 3; ++i) {
            if (times.validUntil > times.statedUntil[i]) return false;
        }
        return times.validUntil >= NOW && times.validUntil <= uint256(times.pricesAt) + times.validity;
    }

    function _prepare(Times memory times) private returns (Attestation memory attestation) {
        Terms memory terms = _terms();
        (terms.validity, terms.maxStatementSkew, terms.maxStatementAge) = (times.validity, times.maxSkew, times.maxAge);
        policyRegistry.set(POLICY, terms);
        Snapshot memory snapshot = _snapshot();
        (snapshot.time, snapshot.newest, snapshot.slack) = (times.pricesAt, times.newestPrices, times.slack);
        _takeSnapshot(POLICY, snapshot);
        attestation = _unsigned();
        // One that no attestation of this test has used: what has been kept decides nothing here.
        attestation.subject = address(uint160(uint256(keccak256(abi.encode(times)))));
        attestation.validUntil = times.validUntil;
        for (uint256 i = 0; i < SOURCES; ++i) {
            (attestation.statements[i].asOf, attestation.statements[i].validUntil) =
            (times.asOf[i], times.statedUntil[i]);
        }
        attestation = _complete(attestation);
    }

    function _accept(Times memory times) private {
        require(_isAcceptable(times));
        Attestation memory attestation = _prepare(times);
        attestationRegistry.attest(attestation);
        Record memory record = attestationRegistry.recordOf(attestation.subject, POLICY, 1);
        require(record.pricesAt == times.pricesAt && record.validUntil == times.validUntil);
    }

    function _reject(Times memory times, bytes memory reason) private {
        require(!_isAcceptable(times));
        _refused(_prepare(times), reason);
    }
}
