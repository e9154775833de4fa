// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {SnapshotOracle} from "../src/core/SnapshotOracle.sol";
import {ISnapshotOracle} from "../src/interfaces/ISnapshotOracle.sol";
import {SignedSnapshot, Snapshot} from "../src/types/Market.sol";
import {Publication} from "../src/types/Policy.sol";
import {ContractSigner} from "./support/ContractSigner.sol";
import {P} from "./support/Field.sol";
import {PolicyTest} from "./support/PolicyTest.sol";
import {vm} from "./support/Vm.sol";

/// @notice Snapshots that nodes sign.
contract SignedSnapshotTest is PolicyTest {
    /// @dev The order of the curve of signatures.
    uint256 private constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    bytes32 private policy;
    /// @dev Nodes by their places that sign.
    uint256[] private signing = [0, 1];

    function setUp() public override {
        super.setUp();
        policy = _inForce(_signed(2));
        // In the middle of an epoch.
        vm.warp(block.timestamp / EPOCH * EPOCH + EPOCH / 2);
    }

    function test_accepts_what_a_quorum_has_signed() external {
        SignedSnapshot memory snapshot = _snapshot();
        vm.expectEmit(true, true, true, true, address(oracle));
        emit ISnapshotOracle.SnapshotTaken(policy, snapshot.epoch, snapshot.time, true, snapshot.id, new uint96[](0));
        vm.prank(STRANGER);
        _submit(snapshot);
        Snapshot memory expected =
            Snapshot(snapshot.epoch, 0, snapshot.time, snapshot.newest, snapshot.slack, snapshot.marked);
        for (uint256 i = 0; i < 2; ++i) {
            (Snapshot memory found, Snapshot memory newest, uint256[2] memory coef) =
                oracle.read(policy, snapshot.epoch, i);
            require(keccak256(abi.encode(found)) == keccak256(abi.encode(expected)));
            require(keccak256(abi.encode(newest)) == keccak256(abi.encode(expected)));
            require(coef[0] == snapshot.coefficients[2 * i] && coef[1] == snapshot.coefficients[2 * i + 1]);
        }
        require(oracle.idOf(policy, snapshot.epoch) == snapshot.id);
        require(oracle.pricesOf(policy, snapshot.epoch).length == 0);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.UnknownLevel.selector, 2));
        oracle.read(policy, snapshot.epoch, 2);
    }

    function test_accepts_every_quorum() external {
        uint256[][] memory quorums = new uint256[][](4);
        for (uint256 i = 0; i < 4; ++i) {
            quorums[i] = new uint256[](i == 3 ? 3 : 2);
        }
        (quorums[0][1], quorums[1][1]) = (1, 2);
        (quorums[2][0], quorums[2][1]) = (1, 2);
        (quorums[3][1], quorums[3][2]) = (1, 2);
        for (uint256 i = 0; i < 4; ++i) {
            signing = quorums[i];
            _submit(_snapshot());
            vm.warp(block.timestamp + EPOCH);
        }
    }

    function test_keeps_the_newest_and_the_one_before() external {
        SignedSnapshot memory first = _snapshot();
        _submit(first);
        vm.warp(block.timestamp + EPOCH);
        SignedSnapshot memory second = _snapshot();
        second.id = keccak256("second");
        _submit(second);
        require(oracle.idOf(policy, first.epoch) == first.id && oracle.idOf(policy, second.epoch) == second.id);
        require(oracle.latest(policy).previousEpoch == first.epoch);
        vm.warp(block.timestamp + EPOCH);
        _submit(_snapshot());
        require(oracle.idOf(policy, second.epoch) == second.id);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.UnknownEpoch.selector, first.epoch));
        oracle.idOf(policy, first.epoch);
    }

    // Signatures

    function test_rejects_fewer_signatures_than_the_quorum() external {
        signing = [1];
        _expectUnsigned(_snapshot());
        signing = new uint256[](0);
        _expectUnsigned(_snapshot());
    }

    function test_rejects_a_signer_twice() external {
        signing = [1, 1];
        _expectUnsigned(_snapshot());
        signing = [0, 1, 1];
        _expectUnsigned(_snapshot());
        signing = [0, 1, 2, 2];
        _expectUnsigned(_snapshot());
    }

    function test_rejects_signers_out_of_order() external {
        signing = [1, 0];
        _expectUnsigned(_snapshot());
        signing = [0, 2, 1];
        _expectUnsigned(_snapshot());
    }

    function test_rejects_signers_that_are_no_nodes() external {
        SignedSnapshot memory snapshot = _snapshot();
        (address[] memory signers, bytes[] memory signatures) = _sign(snapshot);
        for (uint256 i = 0; i < 2; ++i) {
            (address signer, bytes memory signature) = (signers[i], signatures[i]);
            (signers[i], signatures[i]) = (vm.addr(0xb0), _signature(0xb0, _digest(snapshot)));
            _expectUnsigned(snapshot, signers, signatures);
            (signers[i], signatures[i]) = (signer, signature);
        }
        oracle.submit(snapshot, signers, signatures);
    }

    function test_rejects_other_counts_of_signers_and_signatures() external {
        SignedSnapshot memory snapshot = _snapshot();
        (address[] memory signers, bytes[] memory signatures) = _sign(snapshot);
        signing = [0, 1, 2];
        (address[] memory moreSigners, bytes[] memory moreSignatures) = _sign(snapshot);
        _expectUnsigned(snapshot, moreSigners, signatures);
        _expectUnsigned(snapshot, signers, moreSignatures);
    }

    function test_rejects_signatures_of_others() external {
        SignedSnapshot memory snapshot = _snapshot();
        (address[] memory signers, bytes[] memory signatures) = _sign(snapshot);
        (signatures[0], signatures[1]) = (signatures[1], signatures[0]);
        _expectUnsigned(snapshot, signers, signatures);
        signatures[0] = signatures[1];
        _expectUnsigned(snapshot, signers, signatures);
    }

    function test_rejects_other_forms_of_signatures() external {
        SignedSnapshot memory snapshot = _snapshot();
        (address[] memory signers, bytes[] memory signatures) = _sign(snapshot);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys()[0], _digest(snapshot));
        bytes32 high = bytes32(N - uint256(s));
        bytes32 compact = bytes32(uint256(s) | (uint256(v - 27) << 255));
        bytes[6] memory others = [
            abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)),
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, s),
            abi.encodePacked(r, compact),
            abi.encodePacked(r, s, v, uint8(0)),
            bytes("")
        ];
        for (uint256 i = 0; i < others.length; ++i) {
            signatures[0] = others[i];
            _expectUnsigned(snapshot, signers, signatures);
        }
        signatures[0] = abi.encodePacked(r, s, v);
        oracle.submit(snapshot, signers, signatures);
    }

    /// @notice A signature is for every field.
    function test_rejects_what_was_not_signed() external {
        (address[] memory signers, bytes[] memory signatures) = _sign(_snapshot());
        SignedSnapshot[] memory changed = new SignedSnapshot[](8);
        for (uint256 i = 0; i < changed.length; ++i) {
            changed[i] = _snapshot();
        }
        Publication memory publication = _signed(2);
        (publication.version, publication.document) = (2, keccak256("another"));
        changed[0].policy = _publish(publication);
        changed[1].time -= 1;
        changed[2].newest += 1;
        changed[3].slack -= 1;
        changed[4].marked = false;
        changed[5].id = 0;
        (changed[6].coefficients[0], changed[6].coefficients[1]) = (1, 2);
        changed[7].coefficients[3] = P - changed[7].coefficients[3];
        // The other policy has to count too, and all times have to be good.
        for (uint256 i = 1; i < changed.length; ++i) {
            _expectUnsigned(changed[i], signers, signatures);
        }
        oracle.submit(_snapshot(), signers, signatures);
        vm.warp(block.timestamp + DELAY);
        SignedSnapshot memory later = _snapshot();
        (signers, signatures) = _sign(later);
        later.policy = changed[0].policy;
        _expectUnsigned(later, signers, signatures);
        later.policy = policy;
        oracle.submit(later, signers, signatures);
    }

    function test_rejects_signatures_for_another_oracle_or_chain() external {
        SignedSnapshot memory snapshot = _snapshot();
        (address[] memory signers, bytes[] memory signatures) = _sign(snapshot);
        SnapshotOracle another = new SnapshotOracle(policyRegistry);
        vm.expectRevert(ISnapshotOracle.InvalidSignatures.selector);
        another.submit(snapshot, signers, signatures);
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        _expectUnsigned(snapshot, signers, signatures);
        vm.chainId(chain);
        oracle.submit(snapshot, signers, signatures);
    }

    function test_accepts_nodes_that_are_contracts() external {
        ContractSigner node = new ContractSigner();
        Publication memory publication = _signed(2);
        publication.version = 2;
        publication.document = keccak256("another");
        publication.quorum = 1;
        publication.nodes = new address[](1);
        publication.nodes[0] = address(node);
        policy = _inForce(publication);
        SignedSnapshot memory snapshot = _snapshot();
        bytes[] memory signatures = new bytes[](1);
        _expectUnsigned(snapshot, publication.nodes, signatures);
        node.approve(_digest(snapshot));
        oracle.submit(snapshot, publication.nodes, signatures);
    }

    /// @notice A node whose key delegates to code (EIP-7702) signs with its key, whatever the code says.
    function test_rejects_delegated_code_as_a_node() external {
        SignedSnapshot memory snapshot = _snapshot();
        (address[] memory signers, bytes[] memory signatures) = _sign(snapshot);
        ContractSigner code = new ContractSigner();
        code.approve(_digest(snapshot));
        vm.etch(signers[0], abi.encodePacked(hex"ef0100", code));
        bytes memory signature = signatures[0];
        signatures[0] = "";
        _expectUnsigned(snapshot, signers, signatures);
        signatures[0] = signature;
        oracle.submit(snapshot, signers, signatures);
    }

    // Fields

    function test_rejects_policies_that_are_not_in_force() external {
        vm.prank(GUARDIAN);
        policyRegistry.freeze(policy);
        _expectRejection(_snapshot(), abi.encodeWithSelector(ISnapshotOracle.PolicyNotInForce.selector, policy));
    }

    function test_rejects_policies_whose_prices_come_from_feeds() external {
        Publication memory publication = _fed(2, 2);
        publication.version = 2;
        policy = _inForce(publication);
        _expectRejection(_snapshot(), abi.encodeWithSelector(ISnapshotOracle.WrongKind.selector));
    }

    function test_rejects_epochs_that_are_taken() external {
        SignedSnapshot memory before = _snapshot();
        vm.warp(block.timestamp + EPOCH);
        SignedSnapshot memory snapshot = _snapshot();
        _submit(snapshot);
        snapshot.id = keccak256("another");
        _expectRejection(snapshot, abi.encodeWithSelector(ISnapshotOracle.EpochTaken.selector, snapshot.epoch));
        _expectRejection(before, abi.encodeWithSelector(ISnapshotOracle.EpochTaken.selector, before.epoch));
    }

    function test_rejects_times_to_come() external {
        SignedSnapshot memory snapshot = _snapshot();
        snapshot.newest = uint40(block.timestamp) + 1;
        _expectInvalid(snapshot, "newest");
        snapshot.newest = uint40(block.timestamp);
        _submit(snapshot);
    }

    function test_rejects_times_in_the_wrong_order() external {
        SignedSnapshot memory snapshot = _snapshot();
        snapshot.newest = snapshot.time - 1;
        _expectInvalid(snapshot, "time");
        snapshot.newest = snapshot.time;
        _submit(snapshot);
    }

    function test_rejects_prices_that_are_too_old() external {
        SignedSnapshot memory snapshot = _snapshot();
        uint256 last = snapshot.time + MAX_AGE;
        vm.warp(last + 1);
        _expectInvalid(snapshot, "time");
        vm.warp(last);
        _submit(snapshot);
    }

    function test_rejects_reports_of_another_epoch() external {
        SignedSnapshot memory snapshot = _snapshot();
        snapshot.epoch += 1;
        _expectInvalid(snapshot, "epoch");
        snapshot.epoch -= 2;
        _expectInvalid(snapshot, "epoch");
        uint40 next = uint40(block.timestamp / EPOCH * EPOCH + EPOCH);
        vm.warp(next);
        snapshot = _snapshot();
        (snapshot.time, snapshot.newest) = (next - 1, next);
        snapshot.epoch = (next - 1) / EPOCH;
        _expectInvalid(snapshot, "newest");
        snapshot.newest = next - 1;
        _submit(snapshot);
        next += EPOCH / 2;
        vm.warp(next);
        (snapshot.time, snapshot.newest, snapshot.epoch) = (next, next, next / EPOCH);
        _submit(snapshot);
    }

    function test_rejects_reports_less_than_half_an_epoch_after_others() external {
        uint40 next = uint40(block.timestamp / EPOCH * EPOCH + EPOCH);
        vm.warp(next - 1);
        SignedSnapshot memory snapshot = _snapshot();
        (snapshot.time, snapshot.newest, snapshot.epoch) = (next - 1, next - 1, (next - 1) / EPOCH);
        _submit(snapshot);
        uint40 earliest = next - 1 + EPOCH / 2;
        vm.warp(earliest);
        (snapshot.time, snapshot.newest, snapshot.epoch) = (earliest - 1, earliest, earliest / EPOCH);
        _expectRejection(snapshot, abi.encodeWithSelector(ISnapshotOracle.TooSoon.selector, earliest));
        snapshot.time = earliest;
        _submit(snapshot);
    }

    function test_rejects_reports_too_far_apart() external {
        SignedSnapshot memory snapshot = _snapshot();
        snapshot.time = snapshot.newest - 61;
        _expectInvalid(snapshot, "newest");
        snapshot.time = snapshot.newest - 60;
        _submit(snapshot);
    }

    function test_rejects_slack_that_is_none() external {
        SignedSnapshot memory snapshot = _snapshot();
        snapshot.slack = uint32(MAX_AGE) + 1;
        _expectInvalid(snapshot, "slack");
        snapshot.slack = uint32(snapshot.newest - snapshot.time) - 1;
        _expectInvalid(snapshot, "slack");
        uint256 state = vm.snapshotState();
        snapshot.slack += 1;
        _submit(snapshot);
        vm.revertToState(state);
        snapshot.slack = uint32(MAX_AGE);
        _submit(snapshot);
    }

    function test_rejects_another_number_of_coefficients() external {
        SignedSnapshot memory snapshot = _snapshot();
        uint256[] memory coefficients = snapshot.coefficients;
        for (uint256 count = 0; count < 8; ++count) {
            if (count == 4) continue;
            snapshot.coefficients = new uint256[](count);
            for (uint256 i = 0; i < count; ++i) {
                snapshot.coefficients[i] = 1 + i % 2;
            }
            _expectInvalid(snapshot, "coefficients");
        }
        snapshot.coefficients = coefficients;
        _submit(snapshot);
    }

    function test_rejects_coefficients_that_are_no_points() external {
        SignedSnapshot memory snapshot = _snapshot();
        uint256[] memory coefficients = snapshot.coefficients;
        for (uint256 i = 0; i < 4; i += 2) {
            (uint256 x, uint256 y) = (coefficients[i], coefficients[i + 1]);
            uint256[2][6] memory changes = [[uint256(0), 0], [x + P, y], [x, y + P], [y, x], [x, y ^ 1], [P, P]];
            for (uint256 j = 0; j < changes.length; ++j) {
                (coefficients[i], coefficients[i + 1]) = (changes[j][0], changes[j][1]);
                _expectInvalid(snapshot, "coefficients");
            }
            (coefficients[i], coefficients[i + 1]) = (x, y);
        }
        _submit(snapshot);
    }

    // Helpers

    function _snapshot() private view returns (SignedSnapshot memory snapshot) {
        uint40 newest = uint40(block.timestamp) - 5;
        snapshot = SignedSnapshot({
            policy: policy,
            epoch: uint64(newest / EPOCH),
            time: newest - 20,
            newest: newest,
            slack: 800,
            marked: true,
            id: keccak256("snapshot"),
            coefficients: new uint256[](4)
        });
        for (uint256 i = 0; i < 2; ++i) {
            uint256[2] memory point = _point(77 + i);
            (snapshot.coefficients[2 * i], snapshot.coefficients[2 * i + 1]) = (point[0], point[1]);
        }
    }

    function _submit(SignedSnapshot memory snapshot) private {
        (address[] memory signers, bytes[] memory signatures) = _sign(snapshot);
        oracle.submit(snapshot, signers, signatures);
    }

    function _expectUnsigned(SignedSnapshot memory snapshot) private {
        _expectRejection(snapshot, abi.encodeWithSelector(ISnapshotOracle.InvalidSignatures.selector));
    }

    function _expectUnsigned(SignedSnapshot memory snapshot, address[] memory signers, bytes[] memory signatures)
        private
    {
        vm.expectRevert(ISnapshotOracle.InvalidSignatures.selector);
        oracle.submit(snapshot, signers, signatures);
    }

    function _expectInvalid(SignedSnapshot memory snapshot, string memory part) private {
        _expectRejection(snapshot, abi.encodeWithSelector(ISnapshotOracle.InvalidSnapshot.selector, part));
    }

    function _expectRejection(SignedSnapshot memory snapshot, bytes memory reason) private {
        (address[] memory signers, bytes[] memory signatures) = _sign(snapshot);
        vm.expectRevert(reason);
        oracle.submit(snapshot, signers, signatures);
    }

    function _sign(SignedSnapshot memory snapshot)
        private
        view
        returns (address[] memory signers, bytes[] memory signatures)
    {
        signers = new address[](signing.length);
        signatures = new bytes[](signing.length);
        bytes32 digest = _digest(snapshot);
        for (uint256 i = 0; i < signing.length; ++i) {
            uint256 key = _keys()[signing[i]];
            (signers[i], signatures[i]) = (vm.addr(key), _signature(key, digest));
        }
    }

    function _signature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The digest that nodes sign, written out from EIP-712.
    function _digest(SignedSnapshot memory snapshot) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Surety"),
                keccak256("1"),
                block.chainid,
                address(oracle)
            )
        );
        bytes memory words = abi.encode(
            keccak256(
                "SignedSnapshot(bytes32 policy,uint64 epoch,uint40 time,uint40 newest,uint32 slack,bool marked,"
                "bytes32 id,uint256[] coefficients)"
            ),
            snapshot.policy,
            snapshot.epoch,
            snapshot.time,
            snapshot.newest,
            snapshot.slack,
            snapshot.marked,
            snapshot.id,
            keccak256(abi.encodePacked(snapshot.coefficients))
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(words)));
    }
}
