// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Attestation, Statement} from "../../src/types/Attestation.sol";
import {Snapshot} from "../../src/types/Market.sol";
import {LevelWiring, Source, Terms} from "../../src/types/Policy.sol";
import {VaultStandIn} from "./StandIns.sol";
import {vm} from "./Vm.sol";

/// @notice Reads the attestations that the Rust side has made.
contract AttestationFixture {
    /// @notice The accounts whose first contracts are the verifier and the attestation registry.
    address public constant VERIFIER_CREATOR = 0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f;
    address public constant ATTESTATION_REGISTRY_CREATOR = 0xa0Ee7A142d267C1f36714E4a8F75612F20a79720;
    /// @notice The number of attestations that are verified together.
    uint256 public constant BATCH = 16;
    uint256 private constant LEVELS = 3;
    uint256 private constant SOURCES = 3;
    uint256 private constant NODES = 3;

    string private json = vm.readFile("test/fixtures/attestations-k11.json");

    function attestationRegistry() external view returns (address) {
        return vm.parseJsonAddress(json, ".registry");
    }

    function policy() public view returns (bytes32) {
        return _word(".publication.policy");
    }

    function terms() external view returns (Terms memory read) {
        read.universe = _word(".publication.universe");
        read.srs = _word(".publication.srs");
        read.verifyingKey = _word(".publication.verifying_key");
        read.verifier = vm.parseJsonAddress(json, ".publication.verifier");
        read.k = uint32(_number(".publication.k"));
        read.validity = uint40(_number(".publication.validity"));
        read.maxStatementSkew = uint40(_number(".publication.max_statement_skew"));
        read.maxStatementAge = uint40(_number(".publication.max_statement_age"));
        read.grace = 300;
        read.sufficient = uint32(LEVELS);
        read.sources = new Source[](SOURCES);
        for (uint256 i = 0; i < SOURCES; ++i) {
            string memory key = _at(".publication.sources", i);
            read.sources[i] = Source({
                signer: vm.parseJsonAddress(json, string.concat(key, ".signer")),
                account: _word(string.concat(key, ".account")),
                isContract: false
            });
        }
        read.nodes = new address[](NODES);
        for (uint256 i = 0; i < NODES; ++i) {
            read.nodes[i] = vm.parseJsonAddress(json, _at(".publication.nodes", i));
        }
        read.levels = new LevelWiring[](LEVELS);
        for (uint256 i = 0; i < LEVELS; ++i) {
            string memory key = _at(".publication.levels", i);
            read.levels[i] = LevelWiring({
                level: _word(string.concat(key, ".level")),
                idx: _point(string.concat(key, ".idx")),
                flag: _point(string.concat(key, ".flag"))
            });
        }
    }

    function snapshot(uint256 index) external view returns (Snapshot memory) {
        string memory key = _at(".snapshots", index);
        uint40 time = uint40(_number(string.concat(key, ".time")));
        return Snapshot({
            epoch: uint64(_number(string.concat(key, ".epoch"))),
            previousEpoch: uint64(_number(string.concat(key, ".previous_epoch"))),
            time: time,
            newest: time,
            slack: uint32(_number(".publication.max_market_age")),
            marked: false
        });
    }

    function coefficients(uint256 index) external view returns (uint256[2][] memory points) {
        points = new uint256[2][](LEVELS);
        for (uint256 i = 0; i < LEVELS; ++i) {
            points[i] = _point(_at(string.concat(_at(".snapshots", index), ".coef"), i));
        }
    }

    /// @notice The name of an attestation of the batch.
    function inBatch(uint256 index) public view returns (string memory) {
        return string.concat("batch[", vm.toString(index), "]");
    }

    function batch() external view returns (Attestation[] memory attestations) {
        attestations = new Attestation[](BATCH);
        for (uint256 i = 0; i < BATCH; ++i) {
            attestations[i] = attestation(inBatch(i));
        }
    }

    function attestation(string memory name) public view returns (Attestation memory read) {
        string memory key = string.concat(".attestations.", name);
        read.subject = vm.parseJsonAddress(json, string.concat(key, ".subject"));
        read.policy = policy();
        read.level = _number(string.concat(key, ".level"));
        read.epoch = uint64(_number(string.concat(key, ".epoch")));
        read.validUntil = uint64(_number(string.concat(key, ".valid_until")));
        read.statements = new Statement[](SOURCES);
        for (uint256 i = 0; i < SOURCES; ++i) {
            read.statements[i] = _statement(_at(string.concat(key, ".statements"), i));
        }
        read.proof = vm.parseJsonBytes(json, string.concat(key, ".proof"));
    }

    function digest(string memory name, uint256 index) external view returns (bytes32) {
        string memory key = _at(string.concat(".attestations.", name, ".statements"), index);
        return _word(string.concat(key, ".digest"));
    }

    function context(string memory name) external view returns (uint256) {
        return uint256(_word(string.concat(".attestations.", name, ".context")));
    }

    /// @notice The checkpoint that an attestation draws on; zeros if there is none.
    function checkpoint(string memory name) external view returns (VaultStandIn.Checkpoint memory read) {
        string memory key = string.concat(".attestations.", name, ".vault");
        if (!vm.keyExistsJson(json, string.concat(key, ".checkpoint"))) return read;
        uint256[2] memory point = _point(string.concat(key, ".point"));
        (read.checkpoint, read.number) = (_word(string.concat(key, ".checkpoint")), 3);
        (read.x, read.y) = (point[0], point[1]);
    }

    function _statement(string memory key) private view returns (Statement memory) {
        uint256[2] memory commitment = _point(string.concat(key, ".commitment"));
        return Statement({
            commitmentX: commitment[0],
            commitmentY: commitment[1],
            asOf: uint64(_number(string.concat(key, ".as_of"))),
            validUntil: uint64(_number(string.concat(key, ".valid_until"))),
            sequence: uint64(_number(string.concat(key, ".sequence"))),
            encumbrance: _word(string.concat(key, ".encumbrance")),
            signature: vm.parseJsonBytes(json, string.concat(key, ".signature"))
        });
    }

    function _at(string memory key, uint256 index) private view returns (string memory) {
        return string.concat(key, "[", vm.toString(index), "]");
    }

    function _word(string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }

    function _number(string memory key) private view returns (uint256) {
        return vm.parseJsonUint(json, key);
    }

    function _point(string memory key) private view returns (uint256[2] memory) {
        return abi.decode(vm.parseJsonBytes(json, key), (uint256[2]));
    }
}
