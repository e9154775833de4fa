// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {PolicyRegistry} from "../../src/core/PolicyRegistry.sol";
import {SnapshotOracle} from "../../src/core/SnapshotOracle.sol";
import {ISuretyVerifier} from "../../src/interfaces/ISuretyVerifier.sol";
import {MockAggregator} from "../../src/mocks/MockAggregator.sol";
import {Feed, LevelCoefficients} from "../../src/types/Market.sol";
import {Level, Publication, Source} from "../../src/types/Policy.sol";
import {SuretyVerifierK10} from "../verifiers/DevelopmentVerifierK10.sol";
import {R} from "./Field.sol";
import {vm} from "./Vm.sol";

/// @notice A policy registry, a snapshot oracle, and policies for them. Points are known multiples of the generator:
/// the discrete logarithm of each follows from its place, so that sums of points can be computed as sums of numbers.
abstract contract PolicyTest {
    uint256 internal constant START = 1_800_000_000;
    uint40 internal constant DELAY = 2 days;
    uint40 internal constant EPOCH = 300;
    uint40 internal constant MAX_AGE = 900;
    bytes32 internal constant LINE = keccak256("line");

    address internal constant OWNER = address(0x0123);
    address internal constant GUARDIAN = address(0x6123);
    address internal constant STRANGER = address(0x5123);

    PolicyRegistry internal policyRegistry;
    SnapshotOracle internal oracle;
    ISuretyVerifier internal verifier;
    MockAggregator[] internal aggregators;

    function setUp() public virtual {
        vm.warp(START);
        policyRegistry = new PolicyRegistry(DELAY, OWNER, GUARDIAN);
        oracle = new SnapshotOracle(policyRegistry);
        verifier = ISuretyVerifier(address(new SuretyVerifierK10()));
    }

    /// @dev A policy whose prices come from feeds: answers of 6 decimals, prices of 8.
    function _fed(uint256 feeds, uint256 levels) internal returns (Publication memory publication) {
        publication = _publication(feeds, levels);
        publication.feeds = new Feed[](feeds);
        for (uint256 u = 0; u < feeds; ++u) {
            if (u == aggregators.length) {
                aggregators.push(new MockAggregator(6));
                aggregators[u].set(100e6, uint40(block.timestamp));
            }
            publication.feeds[u] = Feed({
                aggregator: address(aggregators[u]),
                aggregatorDecimals: 6,
                decimals: 8,
                maxAge: uint32(MAX_AGE),
                maxDeviation: 100_000,
                min: 1e8,
                max: 1_000e8
            });
        }
    }

    /// @dev A policy whose prices three nodes sign, two of which must.
    function _signed(uint256 levels) internal view returns (Publication memory publication) {
        publication = _publication(5, levels);
        publication.quorum = 2;
    }

    function _publication(uint256 prices, uint256 levels) private view returns (Publication memory publication) {
        publication.line = LINE;
        publication.version = 1;
        publication.document = keccak256("document");
        publication.universe = keccak256("universe");
        publication.srs = verifier.SRS_ID();
        publication.k = 10;
        publication.verifier = address(verifier);
        publication.validity = 1 days;
        publication.maxStatementSkew = 120;
        publication.maxStatementAge = 3_600;
        publication.grace = 60;
        publication.sufficient = uint32(levels);
        publication.epochLength = EPOCH;
        publication.maxMarketAge = MAX_AGE;
        publication.maxMarketSkew = 60;
        publication.nodes = _nodes();
        publication.sources = new Source[](3);
        publication.sources[0] = Source(address(0x11), bytes32(uint256(7)), false);
        publication.sources[1] = Source(address(0x11), bytes32(uint256(8)), false);
        publication.sources[2] = Source(address(0x12), bytes32(uint256(1)), false);
        publication.levels = new Level[](levels);
        for (uint256 i = 0; i < levels; ++i) {
            publication.levels[i] = Level({
                level: bytes32(i + 1),
                idx: _point(_logarithm(i, 1_000)),
                flag: _point(_logarithm(i, 2_000)),
                coefficients: LevelCoefficients(_point(_logarithm(i, 0)), new uint256[2][](prices))
            });
            for (uint256 u = 0; u < prices; ++u) {
                publication.levels[i].coefficients.market[u] = _point(_logarithm(i, u + 1));
            }
        }
    }

    function _publish(Publication memory publication) internal returns (bytes32) {
        vm.prank(OWNER);
        return policyRegistry.publish(publication);
    }

    /// @dev Publishes a policy and waits until it counts.
    function _inForce(Publication memory publication) internal returns (bytes32 policy) {
        policy = _publish(publication);
        vm.warp(block.timestamp + DELAY);
    }

    /// @dev A number that follows from a level and a place in it.
    function _logarithm(uint256 level, uint256 place) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(level, place))) % R;
    }

    /// @dev scalar·G
    function _point(uint256 scalar) internal view returns (uint256[2] memory) {
        (bool success, bytes memory product) = address(0x07).staticcall(abi.encode(1, 2, scalar));
        require(success, "no point");
        return abi.decode(product, (uint256[2]));
    }

    /// @dev Compares the coefficients of a snapshot with those that the logarithms of the points say.
    function _requireCoefficients(bytes32 policy, uint64 epoch, uint256 levels, uint96[] memory prices) internal view {
        for (uint256 i = 0; i < levels; ++i) {
            uint256 sum = _logarithm(i, 0);
            for (uint256 u = 0; u < prices.length; ++u) {
                sum = addmod(sum, mulmod(prices[u], _logarithm(i, u + 1), R), R);
            }
            (,, uint256[2] memory coef) = oracle.read(policy, epoch, i);
            require(keccak256(abi.encode(coef)) == keccak256(abi.encode(_point(sum))), "coefficients");
        }
    }

    function _equalPrices(uint256 count, uint256 price) internal pure returns (uint96[] memory prices) {
        prices = new uint96[](count);
        for (uint256 u = 0; u < count; ++u) {
            prices[u] = uint96(price);
        }
    }

    /// @dev The secret keys of the nodes, in the order of their addresses.
    function _keys() internal pure returns (uint256[3] memory keys) {
        keys = [uint256(0xa1), 0xa2, 0xa3];
        for (uint256 i = 0; i < 6; ++i) {
            (uint256 left, uint256 right) = (i % 2, i % 2 + 1);
            if (vm.addr(keys[left]) > vm.addr(keys[right])) (keys[left], keys[right]) = (keys[right], keys[left]);
        }
    }

    function _nodes() internal pure returns (address[] memory nodes) {
        uint256[3] memory keys = _keys();
        nodes = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            nodes[i] = vm.addr(keys[i]);
        }
    }
}
