// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../src/interfaces/ISnapshotOracle.sol";
import {SnapshotReader} from "../src/libraries/SnapshotReader.sol";
import {StandingReader} from "../src/libraries/StandingReader.sol";
import {Asset} from "../src/types/Collateral.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Publication, Scope, Source, Standing, VaultRules} from "../src/types/Policy.sol";
import {PolicyTest} from "./support/PolicyTest.sol";
import {vm} from "./support/Vm.sol";

/// @dev A vault of a universe, without assets.
contract EmptyVault {
    bytes32 public immutable UNIVERSE;

    constructor(bytes32 universe) {
        UNIVERSE = universe;
    }

    function assets() external pure returns (Asset[] memory) {}
}

/// @notice Standings and snapshots that are read in place equal those that Solidity's decoder reads.
contract StandingReaderTest is PolicyTest {
    function testFuzz_reads_standings_as_the_decoder(uint256 sources, uint256 scopes, uint256 levels) external {
        Publication memory publication = _fed(2, 1 + levels % 16);
        sources = 1 + sources % 9;
        scopes = scopes % (sources + 1);
        publication.sources = new Source[](sources);
        publication.scopes = new Scope[](scopes);
        for (uint256 i = 0; i < sources; ++i) {
            publication.sources[i] = Source(address(uint160(0x11 + i)), bytes32(i), false);
            if (i < scopes) publication.scopes[i] = Scope(address(uint160(0x11 + i)), _point(i + 1));
        }
        publication.requiresConsent = sources % 2 == 0;
        if (levels % 3 != 0) {
            // A level of zero, and others, among the four words that are moved.
            uint32 level = uint32(levels % publication.sufficient);
            address vault = address(new EmptyVault(publication.universe));
            uint40 maxAge = uint40(1 + (levels >> 8) % 1e9);
            publication.vault = VaultRules({at: vault, level: level, maxAge: maxAge, minAge: 7});
        }
        bytes32 policy = _publish(publication);
        _requireEqual(policy);
        vm.warp(block.timestamp + DELAY);
        _requireEqual(policy);
        require(StandingReader.read(policyRegistry, policy).inForce);
    }

    /// @notice Whatever is allocated afterwards lies behind.
    function test_standings_stay_as_they_are() external {
        Publication memory publication = _fed(1, 2);
        publication.scopes = new Scope[](1);
        publication.scopes[0] = Scope(publication.sources[2].signer, _point(7));
        Standing memory standing = StandingReader.read(policyRegistry, _publish(publication));
        bytes32 before = keccak256(abi.encode(standing));
        uint256[] memory more = new uint256[](100);
        for (uint256 i = 0; i < more.length; ++i) {
            more[i] = type(uint256).max;
        }
        require(keccak256(abi.encode(standing)) == before);
    }

    function test_reads_snapshots_as_the_decoder() external {
        bytes32 policy = _inForce(_fed(1, 2));
        aggregators[0].set(100e6, uint40(block.timestamp));
        uint64 first = oracle.take(policy);
        vm.warp(block.timestamp + EPOCH);
        aggregators[0].set(101e6, uint40(block.timestamp));
        uint64 second = oracle.take(policy);
        for (uint256 level = 0; level < 2; ++level) {
            _requireEqual(policy, first, level);
            _requireEqual(policy, second, level);
        }
        (Snapshot memory snapshot, Snapshot memory newest,) = SnapshotReader.read(oracle, policy, first, 0);
        require(snapshot.epoch == first && newest.epoch == second && newest.previousEpoch == first);
    }

    function test_rejects_standings_of_unknown_policies() external {
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, bytes32(0)));
        this.read(policyRegistry, 0);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, bytes32(0)));
        policyRegistry.standingOf(0);
    }

    function test_rejects_snapshots_of_unknown_epochs() external {
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.UnknownEpoch.selector, 5));
        this.readSnapshot(oracle, 0, 5);
    }

    /// @notice A call to an address without code succeeds, and answers nothing.
    function test_rejects_registries_without_code() external {
        vm.expectRevert(bytes(""));
        this.read(IPolicyRegistry(STRANGER), 0);
        vm.expectRevert(bytes(""));
        this.readSnapshot(ISnapshotOracle(STRANGER), 0, 5);
    }

    /// @notice An account has one number, whichever policies name it, and no two accounts have the same.
    function test_accounts_have_one_number() external {
        Publication memory publication = _fed(1, 1);
        uint32[] memory first = policyRegistry.standingOf(_publish(publication)).accounts;
        require(first.length == 3 && first[0] == 3 && first[1] == 4 && first[2] == 5);
        publication.version = 2;
        publication.document = keccak256("other");
        publication.sources[1].account = bytes32(uint256(9));
        uint32[] memory second = policyRegistry.standingOf(_publish(publication)).accounts;
        require(second[0] == first[0] && second[1] == 6 && second[2] == first[2]);
        publication.version = 3;
        publication.document = keccak256("third");
        publication.sources[0].account = bytes32(uint256(1));
        uint32[] memory third = policyRegistry.standingOf(_publish(publication)).accounts;
        require(third[0] == 9 && third[1] == second[1] && third[2] == first[2]);
        for (uint256 i = 0; i < 3; ++i) {
            Source memory source = publication.sources[i];
            require(policyRegistry.accountNumberOf(source.signer, source.account) == third[i]);
        }
        require(policyRegistry.accountNumberOf(publication.sources[0].signer, keccak256("unknown")) == 0);
    }

    function read(IPolicyRegistry registry, bytes32 policy) external view returns (Standing memory) {
        return StandingReader.read(registry, policy);
    }

    function readSnapshot(ISnapshotOracle from, bytes32 policy, uint64 epoch) external view returns (Snapshot memory) {
        (Snapshot memory snapshot,,) = SnapshotReader.read(from, policy, epoch, 0);
        return snapshot;
    }

    function _requireEqual(bytes32 policy) private view {
        Standing memory standing = StandingReader.read(policyRegistry, policy);
        require(keccak256(abi.encode(standing)) == keccak256(abi.encode(policyRegistry.standingOf(policy))));
        require(keccak256(abi.encode(standing.terms)) == keccak256(abi.encode(policyRegistry.terms(policy))));
        require(standing.inForce == policyRegistry.isInForce(policy));
        require(standing.ordinal == policyRegistry.ordinalOf(policy));
    }

    function _requireEqual(bytes32 policy, uint64 epoch, uint256 level) private view {
        (Snapshot memory left, Snapshot memory leftNewest, uint256[2] memory leftCoef) =
            SnapshotReader.read(oracle, policy, epoch, level);
        (Snapshot memory right, Snapshot memory rightNewest, uint256[2] memory rightCoef) =
            oracle.read(policy, epoch, level);
        require(
            keccak256(abi.encode(left, leftNewest, leftCoef)) == keccak256(abi.encode(right, rightNewest, rightCoef))
        );
    }
}
