// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ICollateralVault} from "../../src/interfaces/ICollateralVault.sol";
import {IPolicyRegistry} from "../../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../../src/interfaces/ISnapshotOracle.sol";
import {Snapshot} from "../../src/types/Market.sol";
import {Standing, Terms} from "../../src/types/Policy.sol";

/// @notice Says of policies what it has been told.
contract PolicyStandIn {
    mapping(bytes32 policy => address) private blobs;
    mapping(bytes32 policy => uint40) public countsFrom;
    mapping(bytes32 policy => uint40) public endOf;
    mapping(bytes32 policy => uint32) public ordinalOf;
    mapping(address signer => mapping(bytes32 account => uint32)) public accountNumberOf;
    mapping(bytes32 policy => uint32[]) private accounts;
    uint32 private count;
    uint32 private groups = 1;

    function set(bytes32 policy, Terms calldata terms_) external {
        if (ordinalOf[policy] == 0) ordinalOf[policy] = ++count;
        blobs[policy] = address(new Blob(abi.encode(terms_)));
        delete accounts[policy];
        uint32 next = 3 * groups;
        for (uint256 i = 0; i < terms_.sources.length; ++i) {
            next = number(policy, terms_.sources[i].signer, terms_.sources[i].account, next);
        }
        if (terms_.vault.at != address(0)) next = number(policy, terms_.vault.at, 0, next);
        groups = (next + 2) / 3;
    }

    function number(bytes32 policy, address signer, bytes32 account, uint32 next) private returns (uint32) {
        bool isNew = accountNumberOf[signer][account] == 0;
        if (isNew) accountNumberOf[signer][account] = next;
        accounts[policy].push(accountNumberOf[signer][account]);
        return isNew ? next + 1 : next;
    }

    function setCountsFrom(bytes32 policy, uint40 time) external {
        countsFrom[policy] = time;
    }

    function setEnd(bytes32 policy, uint40 time) external {
        endOf[policy] = time;
    }

    function isInForce(bytes32 policy) public view returns (bool) {
        return countsFrom[policy] <= block.timestamp && (endOf[policy] == 0 || block.timestamp <= endOf[policy]);
    }

    function terms(bytes32 policy) external view returns (Terms memory) {
        if (ordinalOf[policy] == 0) revert IPolicyRegistry.UnknownPolicy(policy);
        bytes memory encoded = blobs[policy].code;
        assembly {
            return(add(encoded, 0x20), mload(encoded))
        }
    }

    function standingOf(bytes32 policy) external view returns (Standing memory) {
        if (ordinalOf[policy] == 0) revert IPolicyRegistry.UnknownPolicy(policy);
        return Standing({
            inForce: isInForce(policy),
            ordinal: ordinalOf[policy],
            accounts: accounts[policy],
            terms: abi.decode(blobs[policy].code, (Terms))
        });
    }
}

/// @notice A contract whose code is data.
contract Blob {
    constructor(bytes memory data) {
        assembly {
            return(add(data, 0x20), mload(data))
        }
    }
}

/// @notice Says of prices what it has been told.
contract OracleStandIn {
    mapping(bytes32 policy => Snapshot) public newestOf;
    mapping(bytes32 policy => mapping(uint64 epoch => Snapshot)) public snapshotOf;
    mapping(bytes32 policy => mapping(uint64 epoch => mapping(uint256 level => uint256[2]))) private coefs;
    mapping(bytes32 policy => mapping(uint64 epoch => bytes32)) public idOf;

    /// @notice Snapshots come in the order of their epochs.
    function add(bytes32 policy, Snapshot calldata snapshot, uint256[2][] calldata coefficients) external {
        newestOf[policy] = snapshot;
        snapshotOf[policy][snapshot.epoch] = snapshot;
        for (uint256 level = 0; level < coefficients.length; ++level) {
            coefs[policy][snapshot.epoch][level] = coefficients[level];
        }
    }

    function setId(bytes32 policy, uint64 epoch, bytes32 id) external {
        idOf[policy][epoch] = id;
    }

    function latest(bytes32 policy) external view returns (Snapshot memory) {
        return newestOf[policy];
    }

    function read(bytes32 policy, uint64 epoch, uint256 level)
        external
        view
        returns (Snapshot memory snapshot, Snapshot memory newest, uint256[2] memory coef)
    {
        (snapshot, newest, coef) = (snapshotOf[policy][epoch], newestOf[policy], coefs[policy][epoch][level]);
        if (snapshot.time == 0) revert ISnapshotOracle.UnknownEpoch(epoch);
    }
}

/// @notice Says of a vault what it has been told.
contract VaultStandIn {
    struct Checkpoint {
        bytes32 checkpoint;
        uint32 number;
        uint40 grownAt;
        uint256 x;
        uint256 y;
    }

    mapping(address subject => Checkpoint) public checkpointOf;
    mapping(address subject => uint32) public floorOf;
    mapping(address subject => uint40) public shrunkAtOf;

    function set(address subject, Checkpoint calldata checkpoint) external {
        checkpointOf[subject] = checkpoint;
    }

    function setGrownAt(address subject, uint40 time) external {
        checkpointOf[subject].grownAt = time;
    }

    function setShrunkAt(address subject, uint40 time) external {
        shrunkAtOf[subject] = time;
    }

    function setFloor(address subject, uint32 number) external {
        floorOf[subject] = number;
    }
}

/// @notice A source that is a contract: it takes one signature of anything.
contract SourceStandIn {
    bytes public accepted;
    bytes public answer = abi.encode(this.isValidSignature.selector);

    constructor(bytes memory signature) {
        accepted = signature;
    }

    function setAnswer(bytes calldata answer_) external {
        answer = answer_;
    }

    function isValidSignature(bytes32, bytes calldata signature) external view returns (bytes4) {
        require(keccak256(signature) == keccak256(accepted));
        bytes memory data = answer;
        assembly {
            return(add(data, 0x20), mload(data))
        }
    }
}
