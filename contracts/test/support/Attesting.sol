// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {AttestationRegistry} from "../../src/core/AttestationRegistry.sol";
import {IPolicyRegistry} from "../../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../../src/interfaces/ISnapshotOracle.sol";
import {SuretyMockVerifier} from "../../src/mocks/SuretyMockVerifier.sol";
import {Attestation, Statement} from "../../src/types/Attestation.sol";
import {Snapshot} from "../../src/types/Market.sol";
import {LevelWiring, Source, Terms} from "../../src/types/Policy.sol";
import {R} from "./Field.sol";
import {OracleStandIn, PolicyStandIn, VaultStandIn} from "./StandIns.sol";
import {vm} from "./Vm.sol";

/// @notice An attestation registry among stand-ins, with attestations that it accepts. The messages that are
/// signed and proven are computed here a second time.
abstract contract Attesting {
    bytes32 internal constant POLICY = keccak256("policy");
    uint256 internal constant SUBJECT_KEY = 0x5b1ec7;
    address internal constant SUBJECT = 0xd0F8e448868cba1AD82a999C1A52C0556289DA00;
    uint40 internal constant NOW = 1_800_000_000;
    uint64 internal constant EPOCH = 500_000;
    /// @dev Three that claim sufficiency, and one that claims a shortfall.
    uint256 internal constant LEVELS = 4;
    uint256 internal constant SHORTFALL = 3;
    uint256 internal constant SOURCES = 3;

    PolicyStandIn internal policyRegistry = new PolicyStandIn();
    OracleStandIn internal oracle = new OracleStandIn();
    VaultStandIn internal vault = new VaultStandIn();
    SuretyMockVerifier internal verifier = new SuretyMockVerifier(keccak256("set-up"), 11);
    AttestationRegistry internal attestationRegistry = _newAttestationRegistry(false);

    function _newAttestationRegistry(bool exclusive) internal returns (AttestationRegistry) {
        return
            new AttestationRegistry(
                IPolicyRegistry(address(policyRegistry)), ISnapshotOracle(address(oracle)), exclusive
            );
    }

    function _start() internal {
        vm.warp(NOW);
        policyRegistry.set(POLICY, _terms());
        _takeSnapshot(POLICY, _snapshot());
    }

    function _terms() internal view returns (Terms memory terms) {
        terms.universe = keccak256("universe");
        terms.srs = keccak256("set-up");
        terms.verifyingKey = keccak256("key");
        terms.verifier = address(verifier);
        terms.k = 11;
        terms.validity = 86_400;
        terms.maxStatementSkew = 600;
        terms.maxStatementAge = 7_200;
        terms.grace = 300;
        terms.sufficient = uint32(SHORTFALL);
        terms.sources = new Source[](SOURCES);
        for (uint256 i = 0; i < SOURCES; ++i) {
            terms.sources[i] =
                Source({signer: vm.addr(i + 1), account: keccak256(abi.encode("account", i)), isContract: false});
        }
        terms.nodes = new address[](2);
        (terms.nodes[0], terms.nodes[1]) = (address(0x0dea), address(0x0deb));
        terms.levels = new LevelWiring[](LEVELS);
        for (uint256 i = 0; i < LEVELS; ++i) {
            terms.levels[i] = LevelWiring({
                level: keccak256(abi.encode("level", i)), idx: _multiple(100 + i), flag: _multiple(200 + i)
            });
        }
    }

    function _snapshot() internal pure returns (Snapshot memory) {
        return Snapshot({
            epoch: EPOCH, previousEpoch: EPOCH - 1, time: NOW - 100, newest: NOW - 90, slack: 3_600, marked: false
        });
    }

    function _takeSnapshot(bytes32 policy, Snapshot memory snapshot) internal {
        uint256[2][] memory coefficients = new uint256[2][](LEVELS);
        for (uint256 i = 0; i < LEVELS; ++i) {
            coefficients[i] = _coefficients(snapshot.epoch, i);
        }
        oracle.add(policy, snapshot, coefficients);
    }

    /// @notice A snapshot after `previous`, all of whose times are now.
    function _takeNext(Snapshot memory previous) internal returns (Snapshot memory next) {
        uint40 time = uint40(block.timestamp);
        next = Snapshot({
            epoch: previous.epoch + 1,
            previousEpoch: previous.epoch,
            time: time,
            newest: time,
            slack: 3_600,
            marked: false
        });
        _takeSnapshot(POLICY, next);
    }

    function _coefficients(uint64 epoch, uint256 level) internal view returns (uint256[2] memory) {
        return _multiple(1_000 * uint256(epoch) + level);
    }

    /// @notice Without signatures and proof.
    function _unsigned() internal view returns (Attestation memory attestation) {
        attestation.subject = SUBJECT;
        attestation.policy = POLICY;
        attestation.level = 1;
        attestation.epoch = EPOCH;
        attestation.validUntil = NOW + 3_000;
        attestation.statements = new Statement[](SOURCES);
        for (uint256 i = 0; i < SOURCES; ++i) {
            Statement memory statement = attestation.statements[i];
            uint256[2] memory commitment = _multiple(i + 1);
            (statement.commitmentX, statement.commitmentY) = (commitment[0], commitment[1]);
            statement.asOf = NOW - 60 - uint64(i);
            statement.validUntil = NOW + 5_000;
            statement.sequence = 7;
        }
    }

    function _attestation() internal view returns (Attestation memory) {
        return _complete(_unsigned());
    }

    /// @notice With signatures and proof, under the default terms.
    function _complete(Attestation memory attestation) internal view returns (Attestation memory) {
        return _proven(_signed(attestation, _terms()), _terms());
    }

    function _signed(Attestation memory attestation, Terms memory terms) internal view returns (Attestation memory) {
        bytes32[] memory digests = _digests(attestation, terms, address(attestationRegistry));
        for (uint256 i = 0; i < attestation.statements.length; ++i) {
            attestation.statements[i].signature = _signature(i + 1, digests[i]);
        }
        return attestation;
    }

    function _signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @notice With a proof, if commitments are those of {_unsigned} and nothing is in the vault.
    function _proven(Attestation memory attestation, Terms memory terms) internal view returns (Attestation memory) {
        return _proven(attestation, terms, bytes32(0), _multiple(6));
    }

    function _proven(Attestation memory attestation, Terms memory terms, bytes32 checkpoint, uint256[2] memory hold)
        internal
        view
        returns (Attestation memory)
    {
        uint256[2] memory coef = _coefficients(attestation.epoch, attestation.level);
        LevelWiring memory wiring = terms.levels[attestation.level];
        attestation.proof = abi.encode(
            _context(attestation, terms, coef, checkpoint, address(attestationRegistry)),
            wiring.idx,
            wiring.flag,
            coef,
            hold
        );
        return attestation;
    }

    function _domain(address audience) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Surety"),
                keccak256("1"),
                block.chainid,
                audience
            )
        );
    }

    /// @notice The digest that a subject signs to consent to an attestation.
    function _consentDigest(Attestation memory attestation) internal view returns (bytes32) {
        bytes32 structHash =
            keccak256(abi.encode(keccak256("Consent(bytes32 context)"), attestationRegistry.contextOf(attestation)));
        return keccak256(bytes.concat(hex"1901", _domain(address(attestationRegistry)), structHash));
    }

    /// @notice With the consent of the subject, whose key is `key`.
    function _consented(uint256 key, Attestation memory attestation) internal view returns (Attestation memory) {
        attestation.consent = _signature(key, _consentDigest(attestation));
        return attestation;
    }

    /// @notice As verifier/src/attestation/statement.rs has it.
    function _digests(Attestation memory attestation, Terms memory terms, address audience)
        internal
        view
        returns (bytes32[] memory digests)
    {
        bytes32 domain = _domain(audience);
        digests = new bytes32[](attestation.statements.length);
        for (uint256 i = 0; i < digests.length; ++i) {
            bytes memory places =
                abi.encode(terms.sources[i].signer, attestation.subject, terms.sources[i].account, terms.universe);
            Statement memory statement = attestation.statements[i];
            bytes memory content = abi.encode(
                statement.commitmentX,
                statement.commitmentY,
                statement.asOf,
                statement.validUntil,
                statement.sequence,
                statement.encumbrance
            );
            bytes32 typeHash = keccak256(
                "SourceStatement(address source,address subject,bytes32 account,bytes32 universe,"
                "uint256 commitmentX,uint256 commitmentY,uint64 asOf,uint64 validUntil,uint64 sequence,"
                "bytes32 encumbrance)"
            );
            digests[i] = keccak256(bytes.concat(hex"1901", domain, keccak256(bytes.concat(typeHash, places, content))));
        }
    }

    /// @notice As verifier/src/attestation/context.rs has it.
    function _context(
        Attestation memory attestation,
        Terms memory terms,
        uint256[2] memory coef,
        bytes32 checkpoint,
        address audience
    ) internal view returns (uint256) {
        bytes memory first = abi.encode(
            keccak256("surety/context/v2"),
            block.chainid,
            audience,
            terms.verifier,
            terms.verifyingKey,
            terms.srs,
            terms.universe,
            terms.k
        );
        bytes memory second = abi.encode(
            attestation.policy, terms.levels[attestation.level].level, attestation.subject, attestation.epoch
        );
        bytes memory third = abi.encode(
            coef,
            keccak256(abi.encodePacked(_digests(attestation, terms, audience))),
            checkpoint,
            attestation.validUntil,
            attestation.presentation
        );
        second = bytes.concat(second, _priced(attestation));
        return uint256(keccak256(bytes.concat(first, second, third))) % R;
    }

    /// @dev The time and the mark of the attestation's prices.
    function _priced(Attestation memory attestation) private view returns (bytes memory) {
        (,, uint40 time,,, bool marked) = oracle.snapshotOf(attestation.policy, attestation.epoch);
        return abi.encode(time, marked);
    }

    /// @notice A multiple of the generator.
    function _multiple(uint256 factor) internal view returns (uint256[2] memory point) {
        (bool success, bytes memory result) = address(7).staticcall(abi.encode(1, 2, factor));
        require(success);
        point = abi.decode(result, (uint256[2]));
    }

    function _accepted(Attestation memory attestation) internal {
        attestationRegistry.attest(attestation);
    }

    function _refused(Attestation memory attestation, bytes memory reason) internal {
        vm.expectRevert(reason);
        attestationRegistry.attest(attestation);
    }
}
