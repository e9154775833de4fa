// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {AttestationRegistry} from "../src/core/AttestationRegistry.sol";
import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../src/interfaces/ISnapshotOracle.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {Bn254} from "../src/libraries/Bn254.sol";
import {Attestation, Record, Statement} from "../src/types/Attestation.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Source, Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {P, R} from "./support/Field.sol";
import {PrecompileFaults} from "./support/PrecompileFaults.sol";
import {SourceStandIn, VaultStandIn} from "./support/StandIns.sol";
import {vm} from "./support/Vm.sol";

/// @notice Attesting, except for times, streaks, pledges and batches.
contract AttestationRegistryTest is Attesting, PrecompileFaults {
    bytes32 private constant CHECKPOINT = keccak256("checkpoint");

    function setUp() external {
        _start();
    }

    function test_accepts_an_attestation() external {
        Attestation memory attestation = _attestation();
        vm.expectEmit(address(attestationRegistry));
        emit IAttestationRegistry.Attested(SUBJECT, POLICY, _terms().levels[1].level, EPOCH, attestation.validUntil, 1);
        attestationRegistry.attest(attestation);
        Record memory record = attestationRegistry.recordOf(SUBJECT, POLICY, 1);
        require(record.epoch == EPOCH && record.pricesAt == NOW - 100 && record.validUntil == NOW + 3_000);
        require(record.streak == 1 && record.vaultNumber == 0 && record.sequences == 7 * SOURCES);
        for (uint256 i = 0; i < SOURCES; ++i) {
            Source memory source = _terms().sources[i];
            (uint64 sequence, uint120 digest, uint40 until, uint32 to) =
                attestationRegistry.accountOf(source.signer, source.account, SUBJECT);
            require(sequence == 7 && until == 0 && to == 0);
            require(digest == uint120(uint256(_digests(attestation, _terms(), address(attestationRegistry))[i])));
        }
    }

    /// @notice Attack: a precompile made to fail, so that the holdings lack a statement.
    function test_rejects_an_attestation_where_a_precompile_fails() external {
        bytes memory call = abi.encodeCall(IAttestationRegistry.attest, (_attestation()));
        bytes memory reason = abi.encodeWithSelector(Bn254.PointOperationFailed.selector);
        _requireFaultsRefused(address(attestationRegistry), call, reason);
    }

    /// @notice Attack: what no key has signed recovers to address zero.
    function test_rejects_a_signature_of_nobody() external {
        Terms memory terms = _terms();
        terms.sources[0].signer = address(0);
        policyRegistry.set(POLICY, terms);
        Attestation memory attestation = _proven(_signed(_unsigned(), terms), terms);
        attestation.statements[0].signature = new bytes(65);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0));
    }

    function test_accepts_one_over_later_prices_that_counts_for_less() external {
        attestationRegistry.attest(_attestation());
        Snapshot memory next = _takeNext(_snapshot());
        Attestation memory attestation = _unsigned();
        (attestation.epoch, attestation.validUntil) = (next.epoch, NOW + 2_000);
        attestationRegistry.attest(_complete(attestation));
        require(attestationRegistry.recordOf(SUBJECT, POLICY, 1).validUntil == NOW + 2_000);
    }

    function test_accepts_it_again() external {
        attestationRegistry.attest(_attestation());
        attestationRegistry.attest(_attestation());
        require(attestationRegistry.streakOf(SUBJECT, POLICY, 1) == 1);
    }

    function test_code_can_be_deployed() external view {
        require(address(attestationRegistry).code.length <= 24_576);
    }

    // The policy and the subject.

    function test_rejects_an_unknown_policy() external {
        Attestation memory attestation = _attestation();
        attestation.policy = keccak256("another");
        _refused(attestation, abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, attestation.policy));
    }

    function test_rejects_a_policy_that_is_not_in_force() external {
        policyRegistry.setCountsFrom(POLICY, NOW);
        attestationRegistry.attest(_attestation());
        policyRegistry.setCountsFrom(POLICY, NOW + 1);
        _refused(_attestation(), abi.encodeWithSelector(IAttestationRegistry.PolicyNotInForce.selector, POLICY));
        policyRegistry.setCountsFrom(POLICY, type(uint40).max);
        _refused(_attestation(), abi.encodeWithSelector(IAttestationRegistry.PolicyNotInForce.selector, POLICY));
    }

    function test_rejects_an_unknown_level() external {
        Attestation memory attestation = _attestation();
        attestation.level = LEVELS;
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.UnknownLevel.selector, LEVELS));
    }

    function test_rejects_nobody() external {
        Attestation memory attestation = _unsigned();
        attestation.subject = address(0);
        _refused(_complete(attestation), abi.encodeWithSelector(IAttestationRegistry.NoSubject.selector));
    }

    function test_rejects_a_subject_that_is_a_source() external {
        for (uint256 i = 0; i < SOURCES; ++i) {
            _rejectSubject(vm.addr(i + 1));
        }
    }

    function test_rejects_a_subject_that_is_an_oracle_node() external {
        _rejectSubject(_terms().nodes[0]);
        _rejectSubject(_terms().nodes[1]);
    }

    // The snapshot.

    function test_accepts_the_snapshot_before_within_its_grace() external {
        Attestation memory attestation = _attestation();
        Snapshot memory next = _takeNext(_snapshot());
        vm.warp(next.newest + 300);
        attestationRegistry.attest(attestation);
    }

    function test_rejects_the_snapshot_before_after_its_grace() external {
        Attestation memory attestation = _attestation();
        Snapshot memory next = _takeNext(_snapshot());
        vm.warp(next.newest + 301);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.SnapshotSuperseded.selector, EPOCH));
    }

    /// @notice However late a snapshot is taken, the grace runs from its newest report.
    function test_rejects_the_snapshot_before_after_the_grace_of_a_late_one() external {
        Attestation memory attestation = _attestation();
        Snapshot memory next = _takeNext(_snapshot());
        next.newest = NOW - 301;
        _takeSnapshot(POLICY, next);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.SnapshotSuperseded.selector, EPOCH));
    }

    /// @notice Even if the oracle still knew it.
    function test_rejects_the_snapshot_before_the_one_before() external {
        Attestation memory attestation = _attestation();
        _takeNext(_takeNext(_snapshot()));
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.SnapshotSuperseded.selector, EPOCH));
    }

    function test_rejects_an_unknown_epoch() external {
        Attestation memory attestation = _attestation();
        attestation.epoch = EPOCH + 1;
        _refused(attestation, abi.encodeWithSelector(ISnapshotOracle.UnknownEpoch.selector, EPOCH + 1));
    }

    function test_rejects_a_marked_snapshot() external {
        Snapshot memory snapshot = _snapshot();
        snapshot.marked = true;
        _takeSnapshot(POLICY, snapshot);
        _refused(_attestation(), abi.encodeWithSelector(IAttestationRegistry.SnapshotMarked.selector, EPOCH));
    }

    /// @notice Prices that have jumped are no reason to prove over those before.
    /// @notice Attack: prices that have jumped, as long as the next snapshot leaves them grace. That one is compared
    /// with them, and bears no mark.
    function test_rejects_a_marked_snapshot_before_another() external {
        Snapshot memory snapshot = _snapshot();
        snapshot.marked = true;
        _takeSnapshot(POLICY, snapshot);
        _takeNext(snapshot);
        _refused(_attestation(), abi.encodeWithSelector(IAttestationRegistry.SnapshotMarked.selector, EPOCH));
        snapshot.marked = false;
        _takeSnapshot(POLICY, snapshot);
        _takeNext(snapshot);
        attestationRegistry.attest(_attestation());
    }

    function test_rejects_the_snapshot_before_a_marked_one() external {
        Snapshot memory next = _takeNext(_snapshot());
        next.marked = true;
        _takeSnapshot(POLICY, next);
        _refused(_attestation(), abi.encodeWithSelector(IAttestationRegistry.SnapshotMarked.selector, EPOCH));
    }

    function test_accepts_marked_snapshots_where_the_policy_does() external {
        Snapshot memory snapshot = _snapshot();
        snapshot.marked = true;
        _takeSnapshot(POLICY, snapshot);
        Terms memory terms = _terms();
        terms.acceptsMarked = true;
        policyRegistry.set(POLICY, terms);
        attestationRegistry.attest(_attestation());
    }

    // The statements.

    function test_rejects_a_statement_missing_or_too_many() external {
        Attestation memory attestation = _attestation();
        Statement[] memory all = attestation.statements;
        attestation.statements = new Statement[](2);
        (attestation.statements[0], attestation.statements[1]) = (all[0], all[1]);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongStatementCount.selector, 3, 2));
        attestation.statements = new Statement[](4);
        for (uint256 i = 0; i < 4; ++i) {
            attestation.statements[i] = all[i % 3];
        }
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongStatementCount.selector, 3, 4));
        attestation.statements = new Statement[](0);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongStatementCount.selector, 3, 0));
    }

    function test_rejects_swapped_statements() external {
        Attestation memory attestation = _attestation();
        Statement[] memory statements = attestation.statements;
        (statements[0], statements[1]) = (statements[1], statements[0]);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0));
    }

    function test_rejects_a_statement_twice() external {
        Attestation memory attestation = _attestation();
        attestation.statements[2] = attestation.statements[1];
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 2));
    }

    function test_rejects_statements_about_another_subject() external {
        Attestation memory attestation = _attestation();
        attestation.subject = address(0xbad);
        _rejectSignatures(_proven(attestation, _terms()));
    }

    function test_rejects_statements_for_another_registry() external {
        Attestation memory attestation = _attestation();
        attestationRegistry = _newAttestationRegistry(false);
        _rejectSignatures(_proven(attestation, _terms()));
    }

    function test_rejects_statements_for_another_chain() external {
        Attestation memory attestation = _attestation();
        vm.chainId(31_338);
        _rejectSignatures(_proven(attestation, _terms()));
        attestationRegistry.attest(_attestation());
    }

    function test_rejects_statements_over_another_universe() external {
        Terms memory terms = _terms();
        terms.universe = keccak256("another");
        _rejectSignatures(_proven(_signed(_unsigned(), terms), _terms()));
    }

    function test_rejects_statements_about_another_account() external {
        Terms memory terms = _terms();
        for (uint256 i = 0; i < SOURCES; ++i) {
            terms.sources[i].account = keccak256("another");
        }
        _rejectSignatures(_proven(_signed(_unsigned(), terms), _terms()));
    }

    function test_rejects_changed_statements() external {
        for (uint256 field = 0; field < 6; ++field) {
            Attestation memory attestation = _attestation();
            Statement memory statement = attestation.statements[1];
            if (field == 0) (statement.commitmentX, statement.commitmentY) = (1, 2);
            if (field == 1) statement.commitmentY = P - statement.commitmentY;
            if (field == 2) --statement.asOf;
            if (field == 3) ++statement.validUntil;
            if (field == 4) ++statement.sequence;
            if (field == 5) statement.encumbrance = POLICY;
            attestation = _proven(attestation, _terms());
            _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 1));
        }
    }

    function test_rejects_the_twin_of_a_signature() external {
        Attestation memory attestation = _attestation();
        bytes32 digest = _digests(attestation, _terms(), address(attestationRegistry))[0];
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(1, digest);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        (v, s) = (55 - v, bytes32(order - uint256(s)));
        require(ecrecover(digest, v, r, s) == vm.addr(1));
        attestation.statements[0].signature = abi.encodePacked(r, s, v);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0));
    }

    function test_rejects_other_encodings_of_a_signature() external {
        Attestation memory attestation = _attestation();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(1, _digests(attestation, _terms(), address(attestationRegistry))[0]);
        bytes[5] memory encodings = [
            abi.encodePacked(r, bytes32(uint256(s) | (uint256(v - 27) << 255))),
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, s, v, uint8(0)),
            abi.encodePacked(r, s),
            bytes("")
        ];
        for (uint256 i = 0; i < encodings.length; ++i) {
            attestation.statements[0].signature = encodings[i];
            _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0));
        }
    }

    function test_accepts_a_contract_as_a_source() external {
        Attestation memory attestation = _withContract(new SourceStandIn("contract's"), "contract's");
        attestationRegistry.attest(attestation);
    }

    function test_rejects_what_a_contract_does_not_confirm() external {
        SourceStandIn source = new SourceStandIn("contract's");
        Attestation memory attestation = _withContract(source, "another");
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 1);
        _refused(attestation, reason);
        attestation.statements[1].signature = "contract's";
        bytes[4] memory answers = [abi.encode(bytes4(0xffffffff)), abi.encode(false), abi.encode(true), bytes("")];
        for (uint256 i = 0; i < answers.length; ++i) {
            source.setAnswer(answers[i]);
            _refused(attestation, reason);
        }
        source.setAnswer(abi.encode(bytes4(0x1626ba7e)));
        attestationRegistry.attest(attestation);
    }

    /// @notice Attack: code at the address of a key, which the key has delegated to (EIP-7702), signs for the source.
    function test_rejects_delegated_code_as_a_source() external {
        SourceStandIn code = new SourceStandIn("anything");
        Terms memory terms = _terms();
        vm.etch(terms.sources[1].signer, abi.encodePacked(hex"ef0100", code));
        Attestation memory attestation = _attestation();
        bytes memory signature = attestation.statements[1].signature;
        attestation.statements[1].signature = "anything";
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 1);
        _refused(attestation, reason);
        attestation.statements[1].signature = signature;
        attestationRegistry.attest(attestation);
        // Nor if the policy calls it a contract.
        terms.sources[1].isContract = true;
        policyRegistry.set(POLICY, terms);
        attestation.statements[1].signature = "anything";
        _refused(attestation, reason);
    }

    /// @notice Attack: a contract is put at an address that the policy names as a key.
    function test_rejects_a_contract_where_the_policy_names_a_key() external {
        SourceStandIn source = new SourceStandIn("contract's");
        Attestation memory attestation = _withContract(source, "contract's");
        Terms memory terms = _terms();
        terms.sources[1].signer = address(source);
        policyRegistry.set(POLICY, terms);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 1));
    }

    function test_rejects_a_key_where_the_policy_names_a_contract() external {
        Terms memory terms = _terms();
        terms.sources[1].isContract = true;
        policyRegistry.set(POLICY, terms);
        _refused(_attestation(), abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 1));
    }

    function test_rejects_an_account_pledged_to_another_policy() external {
        Attestation memory attestation = _unsigned();
        attestation.statements[2].encumbrance = keccak256("another");
        _refused(_complete(attestation), abi.encodeWithSelector(IAttestationRegistry.Encumbered.selector, 2));
    }

    function test_accepts_an_account_pledged_to_the_policy() external {
        Attestation memory attestation = _unsigned();
        attestation.statements[2].encumbrance = POLICY;
        attestationRegistry.attest(_complete(attestation));
    }

    // Commitments.

    function test_rejects_what_is_no_point() external {
        uint256[2] memory point = _multiple(2);
        uint256[2][6] memory changes = [
            [uint256(0), 0],
            [point[0] + P, point[1]],
            [point[0], point[1] + P],
            [point[0], point[1] ^ 1],
            [point[0], 0],
            [P, P]
        ];
        for (uint256 i = 0; i < changes.length; ++i) {
            Attestation memory attestation = _unsigned();
            (attestation.statements[1].commitmentX, attestation.statements[1].commitmentY) =
            (changes[i][0], changes[i][1]);
            bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.InvalidCommitment.selector, 1);
            _refused(_complete(attestation), reason);
        }
    }

    function test_rejects_commitments_that_cancel() external {
        Attestation memory attestation = _unsigned();
        // G + 2G - 3G
        attestation.statements[2].commitmentY = P - attestation.statements[2].commitmentY;
        _refused(
            _complete(attestation), abi.encodeWithSelector(IAttestationRegistry.InvalidCommitment.selector, SOURCES)
        );
    }

    function test_accepts_partial_sums_that_cancel() external {
        Attestation memory attestation = _unsigned();
        uint256[2] memory opposite = [attestation.statements[0].commitmentX, P - attestation.statements[0].commitmentY];
        (attestation.statements[1].commitmentX, attestation.statements[1].commitmentY) = (opposite[0], opposite[1]);
        attestation = _signed(attestation, _terms());
        attestationRegistry.attest(_proven(attestation, _terms(), bytes32(0), _multiple(3)));
    }

    function test_accepts_equal_commitments() external {
        Attestation memory attestation = _unsigned();
        uint256[2] memory point = _multiple(1);
        for (uint256 i = 0; i < SOURCES; ++i) {
            (attestation.statements[i].commitmentX, attestation.statements[i].commitmentY) = (point[0], point[1]);
        }
        attestation = _signed(attestation, _terms());
        attestationRegistry.attest(_proven(attestation, _terms(), bytes32(0), _multiple(3)));
    }

    /// @notice -HOLD has the same x as HOLD.
    function test_rejects_negated_commitments() external {
        Attestation memory attestation = _unsigned();
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestation.statements[i].commitmentY = P - attestation.statements[i].commitmentY;
        }
        _rejectProof(_complete(attestation));
    }

    // The vault.

    function test_accepts_what_is_in_the_vault() external {
        Terms memory terms = _withVault();
        _fillVault(1, 10);
        Attestation memory attestation = _signed(_unsigned(), terms);
        attestationRegistry.attest(_proven(attestation, terms, CHECKPOINT, _multiple(16)));
        require(attestationRegistry.recordOf(SUBJECT, POLICY, 1).vaultNumber == 1);
    }

    function test_accepts_an_empty_vault() external {
        Terms memory terms = _withVault();
        vault.set(SUBJECT, VaultStandIn.Checkpoint({checkpoint: CHECKPOINT, number: 4, grownAt: 0, x: 0, y: 0}));
        Attestation memory attestation = _signed(_unsigned(), terms);
        attestationRegistry.attest(_proven(attestation, terms, CHECKPOINT, _multiple(6)));
        require(attestationRegistry.recordOf(SUBJECT, POLICY, 1).vaultNumber == 4);
    }

    function test_rejects_what_is_not_in_the_vault() external {
        Terms memory terms = _withVault();
        _fillVault(1, 10);
        Attestation memory attestation = _signed(_unsigned(), terms);
        _rejectProof(_proven(attestation, terms, CHECKPOINT, _multiple(17)));
        _rejectProof(_proven(attestation, terms, CHECKPOINT, _multiple(6)));
    }

    function test_rejects_another_checkpoint() external {
        Terms memory terms = _withVault();
        _fillVault(1, 10);
        Attestation memory attestation = _signed(_unsigned(), terms);
        _rejectProof(_proven(attestation, terms, keccak256("another"), _multiple(16)));
        _rejectProof(_proven(attestation, terms, bytes32(0), _multiple(16)));
    }

    function test_rejects_the_vault_of_a_policy_without_one() external {
        _fillVault(1, 10);
        Attestation memory attestation = _signed(_unsigned(), _terms());
        _rejectProof(_proven(attestation, _terms(), CHECKPOINT, _multiple(16)));
    }

    function test_rejects_a_vault_that_cancels_the_rest() external {
        Terms memory terms = _withVault();
        _fillVault(1, R - 6);
        Attestation memory attestation = _signed(_unsigned(), terms);
        _refused(
            _proven(attestation, terms, CHECKPOINT, _multiple(1)),
            abi.encodeWithSelector(IAttestationRegistry.InvalidCommitment.selector, SOURCES)
        );
    }

    function test_rejects_a_vault_without_a_point() external {
        Terms memory terms = _withVault();
        vault.set(SUBJECT, VaultStandIn.Checkpoint({checkpoint: CHECKPOINT, number: 1, grownAt: 0, x: 1, y: 1}));
        Attestation memory attestation = _signed(_unsigned(), terms);
        _refused(
            _proven(attestation, terms, CHECKPOINT, _multiple(1)),
            abi.encodeWithSelector(IAttestationRegistry.InvalidCommitment.selector, SOURCES)
        );
    }

    /// @notice Attack: collateral that is in a statement, and then in the vault.
    function test_rejects_a_vault_that_has_grown_after_the_statements() external {
        Terms memory terms = _withVault();
        // So short that collateral of the limit has stood before the snapshot.
        terms.maxStatementSkew = 20;
        policyRegistry.set(POLICY, terms);
        _fillVault(1, 10);
        Attestation memory attestation = _unsigned();
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestation.statements[i].asOf -= 100;
        }
        attestation = _signed(attestation, terms);
        uint64 oldest = type(uint64).max;
        for (uint256 i = 0; i < SOURCES; ++i) {
            if (attestation.statements[i].asOf < oldest) oldest = attestation.statements[i].asOf;
        }
        uint40 limit = uint40(oldest) + terms.maxStatementSkew;
        attestation = _proven(attestation, terms, CHECKPOINT, _multiple(16));
        vault.setGrownAt(SUBJECT, limit + 1);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.VaultGrownSince.selector, limit + 1));
        vault.setGrownAt(SUBJECT, limit);
        attestationRegistry.attest(attestation);
    }

    /// @notice Attack: collateral that is lent for one transaction, in which the snapshot is taken.
    function test_rejects_collateral_that_has_not_stood_before_the_snapshot() external {
        Terms memory terms = _withVault();
        _fillVault(1, 10);
        Attestation memory attestation = _proven(_signed(_unsigned(), terms), terms, CHECKPOINT, _multiple(16));
        uint40 time = _snapshot().time;
        vault.setGrownAt(SUBJECT, time);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.VaultTooYoung.selector, time));
        vault.setGrownAt(SUBJECT, time - 1);
        attestationRegistry.attest(attestation);
    }

    function test_rejects_collateral_younger_than_the_policy_asks_for() external {
        Terms memory terms = _withVault();
        terms.vault.minAge = 60;
        policyRegistry.set(POLICY, terms);
        _fillVault(1, 10);
        Attestation memory attestation = _proven(_signed(_unsigned(), terms), terms, CHECKPOINT, _multiple(16));
        uint40 time = _snapshot().time;
        vault.setGrownAt(SUBJECT, time - 60);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.VaultTooYoung.selector, time - 60));
        vault.setGrownAt(SUBJECT, time - 61);
        attestationRegistry.attest(attestation);
        // An age beyond every time does not wrap.
        terms.vault.minAge = type(uint40).max;
        policyRegistry.set(POLICY, terms);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.VaultTooYoung.selector, time - 61));
    }

    function test_records_below_the_vaults_floor_count_no_more() external {
        Terms memory terms = _withVault();
        _fillVault(5, 10);
        attestationRegistry.attest(_proven(_signed(_unsigned(), terms), terms, CHECKPOINT, _multiple(16)));
        vault.setFloor(SUBJECT, 5);
        require(attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1_000));
        vault.setFloor(SUBJECT, 6);
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1_000));
        require(attestationRegistry.streakOf(SUBJECT, POLICY, 1) == 0);
        (bool holds,) = attestationRegistry.levelOf(SUBJECT, POLICY);
        require(!holds);
    }

    // The proof.

    function test_context_is_that_of_the_specification() external view {
        Attestation memory attestation = _attestation();
        uint256 expected =
            _context(attestation, _terms(), _coefficients(EPOCH, 1), bytes32(0), address(attestationRegistry));
        require(attestationRegistry.contextOf(attestation) == expected);
    }

    /// @notice A proof for another context or other points is refused, whatever the difference.
    function test_rejects_proofs_about_something_else() external {
        for (uint256 field = 0; field < 14; ++field) {
            (Attestation memory other, Terms memory terms) = (_attestation(), _terms());
            if (field == 0) ++other.validUntil;
            if (field == 1) other.subject = address(0xbad);
            if (field == 2) other.policy = keccak256("another");
            if (field == 3) terms.levels[1].level = keccak256("another");
            if (field == 4) other.statements[0].sequence = 8;
            if (field == 5) terms.verifier = address(0xbad);
            if (field == 6) terms.verifyingKey = keccak256("another");
            if (field == 7) terms.srs = keccak256("another");
            if (field == 8) terms.universe = keccak256("another");
            if (field == 9) terms.k = 12;
            if (field == 10) terms.levels[1].idx = _multiple(1);
            if (field == 11) terms.levels[1].flag = _multiple(1);
            if (field == 12) other.epoch = EPOCH + 1;
            if (field == 13) other.presentation = bytes32(uint256(1));
            Attestation memory attestation = _attestation();
            attestation.proof = _proven(other, terms).proof;
            _rejectProof(attestation);
        }
    }

    function test_rejects_proofs_for_another_chain_or_registry() external {
        Attestation memory attestation = _attestation();
        bytes memory proof = attestation.proof;
        vm.chainId(31_338);
        attestation = _attestation();
        attestation.proof = proof;
        _rejectProof(attestation);
        vm.chainId(31_337);
        attestationRegistry = _newAttestationRegistry(false);
        attestation = _attestation();
        attestation.proof = proof;
        _rejectProof(attestation);
    }

    function test_rejects_a_proof_of_another_level() external {
        Attestation memory attestation = _attestation();
        attestation.level = 2;
        _rejectProof(attestation);
    }

    function test_rejects_a_proof_over_other_prices() external {
        Attestation memory attestation = _attestation();
        uint256[2][] memory coefficients = new uint256[2][](LEVELS);
        for (uint256 i = 0; i < LEVELS; ++i) {
            coefficients[i] = _multiple(1);
        }
        oracle.add(POLICY, _snapshot(), coefficients);
        _rejectProof(attestation);
    }

    function test_rejects_no_proof() external {
        Attestation memory attestation = _attestation();
        attestation.proof = "";
        _rejectProof(attestation);
    }

    function test_rejects_a_verifier_without_code() external {
        Terms memory terms = _terms();
        terms.verifier = address(0xbad);
        policyRegistry.set(POLICY, terms);
        Attestation memory attestation = _proven(_attestation(), terms);
        try attestationRegistry.attest(attestation) {
            revert("accepted");
        } catch {}
    }

    // Sequence numbers and newer attestations.

    function test_rejects_an_older_statement() external {
        for (uint64 i = 0; i < SOURCES; ++i) {
            Attestation memory attestation = _unsigned();
            for (uint64 j = 0; j < SOURCES; ++j) {
                attestation.statements[j].sequence = 7 + i;
            }
            Attestation memory older = _complete(attestation);
            attestation = _unsigned();
            for (uint64 j = 0; j < SOURCES; ++j) {
                attestation.statements[j].sequence = 7 + i;
            }
            attestation.statements[i].sequence = 8 + i;
            attestationRegistry.attest(_complete(attestation));
            _refused(older, abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, i, 8 + i));
        }
    }

    /// @notice A statement that is too old for one policy is too old for every other.
    function test_rejects_an_older_statement_under_another_policy() external {
        bytes32 other = keccak256("other");
        policyRegistry.set(other, _terms());
        _takeSnapshot(other, _snapshot());
        Attestation memory newer = _unsigned();
        newer.statements[1].sequence = 8;
        attestationRegistry.attest(_complete(newer));
        Attestation memory older = _unsigned();
        older.policy = other;
        _refused(_complete(older), abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, 1, 8));
    }

    function test_sequences_of_subjects_are_their_own() external {
        Attestation memory newer = _unsigned();
        newer.statements[1].sequence = 8;
        attestationRegistry.attest(_complete(newer));
        Attestation memory other = _unsigned();
        other.subject = address(0x07e4);
        attestationRegistry.attest(_complete(other));
    }

    function test_rejects_an_attestation_of_an_epoch_before() external {
        Attestation memory older = _attestation();
        Snapshot memory next = _takeNext(_snapshot());
        Attestation memory newer = _unsigned();
        newer.epoch = next.epoch;
        attestationRegistry.attest(_complete(newer));
        _refused(older, abi.encodeWithSelector(IAttestationRegistry.Superseded.selector, next.epoch));
        require(attestationRegistry.recordOf(SUBJECT, POLICY, 1).epoch == next.epoch);
    }

    function test_rejects_a_shorter_attestation_of_the_epoch() external {
        Attestation memory shorter = _unsigned();
        --shorter.validUntil;
        shorter = _complete(shorter);
        attestationRegistry.attest(shorter);
        attestationRegistry.attest(_attestation());
        _refused(shorter, abi.encodeWithSelector(IAttestationRegistry.Superseded.selector, EPOCH));
    }

    function test_accepts_a_shorter_attestation_over_a_newer_checkpoint() external {
        Terms memory terms = _withVault();
        _fillVault(1, 10);
        attestationRegistry.attest(_proven(_signed(_unsigned(), terms), terms, CHECKPOINT, _multiple(16)));
        Attestation memory shorter = _unsigned();
        --shorter.validUntil;
        shorter = _signed(shorter, terms);
        _refused(
            _proven(shorter, terms, CHECKPOINT, _multiple(16)),
            abi.encodeWithSelector(IAttestationRegistry.Superseded.selector, EPOCH)
        );
        _fillVault(2, 9);
        attestationRegistry.attest(_proven(shorter, terms, CHECKPOINT, _multiple(15)));
        Record memory record = attestationRegistry.recordOf(SUBJECT, POLICY, 1);
        require(record.vaultNumber == 2 && record.validUntil == shorter.validUntil && record.streak == 1);
    }

    // Questions of consumers.

    function test_a_stricter_level_is_enough() external {
        attestationRegistry.attest(_attestation());
        require(attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1_000));
        require(attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 0, 1_000));
        require(attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1, 1_000));
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 2, 1_000));
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, LEVELS, 1_000));
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, type(uint256).max, 1_000));
        require(!attestationRegistry.isSufficientNoOlderThan(address(0xbad), POLICY, 1_000));
    }

    function test_old_prices_are_not_enough() external {
        attestationRegistry.attest(_attestation());
        require(attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 100));
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 99));
        vm.warp(NOW + 1);
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 100));
    }

    function test_what_has_lapsed_does_not_hold() external {
        attestationRegistry.attest(_attestation());
        vm.warp(NOW + 3_000);
        require(_holds());
        vm.warp(NOW + 3_001);
        require(!_holds());
    }

    function test_nothing_holds_while_the_policy_is_not_in_force() external {
        attestationRegistry.attest(_attestation());
        policyRegistry.setCountsFrom(POLICY, NOW + 1);
        require(!_holds());
        vm.warp(NOW + 1);
        require(_holds());
    }

    function test_nothing_holds_after_the_end_of_the_policy() external {
        attestationRegistry.attest(_attestation());
        policyRegistry.setEnd(POLICY, NOW + 10);
        vm.warp(NOW + 10);
        require(attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1_000));
        attestationRegistry.attest(_attestation());
        vm.warp(NOW + 11);
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1_000));
        (bool holds,) = attestationRegistry.levelOf(SUBJECT, POLICY);
        require(!holds && attestationRegistry.streakOf(SUBJECT, POLICY, 1) == 0);
        require(!attestationRegistry.acceptsAttestations(POLICY));
        _refused(_attestation(), abi.encodeWithSelector(IAttestationRegistry.PolicyNotInForce.selector, POLICY));
    }

    function test_the_strictest_level_is_told() external {
        (bool holds, uint256 level) = attestationRegistry.levelOf(SUBJECT, POLICY);
        require(!holds && level == 0);
        uint256[3] memory order = [uint256(0), 2, 1];
        for (uint256 i = 0; i < order.length; ++i) {
            Attestation memory attestation = _unsigned();
            attestation.level = order[i];
            attestationRegistry.attest(_complete(attestation));
            (holds, level) = attestationRegistry.levelOf(SUBJECT, POLICY);
            require(holds && level == (i == 0 ? 0 : 2));
        }
    }

    function test_tells_whether_it_accepts_attestations() external {
        require(attestationRegistry.acceptsAttestations(POLICY));
        vm.warp(NOW - 100 + 3_600);
        require(attestationRegistry.acceptsAttestations(POLICY));
        vm.warp(NOW - 100 + 3_601);
        require(!attestationRegistry.acceptsAttestations(POLICY));
        vm.warp(NOW - 90);
        require(attestationRegistry.acceptsAttestations(POLICY));
        vm.warp(NOW - 91);
        require(!attestationRegistry.acceptsAttestations(POLICY));
        vm.warp(NOW);
        policyRegistry.setCountsFrom(POLICY, NOW + 1);
        require(!attestationRegistry.acceptsAttestations(POLICY));
        bytes32 other = keccak256("other");
        policyRegistry.set(other, _terms());
        require(!attestationRegistry.acceptsAttestations(other));
    }

    function test_tells_whether_it_accepts_attestations_over_marked_snapshots() external {
        Snapshot memory snapshot = _snapshot();
        snapshot.marked = true;
        _takeSnapshot(POLICY, snapshot);
        require(!attestationRegistry.acceptsAttestations(POLICY));
        Terms memory terms = _terms();
        terms.acceptsMarked = true;
        policyRegistry.set(POLICY, terms);
        require(attestationRegistry.acceptsAttestations(POLICY));
    }

    function _holds() private view returns (bool) {
        bool sufficient = attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, type(uint256).max);
        (bool holds,) = attestationRegistry.levelOf(SUBJECT, POLICY);
        require(sufficient == holds && holds == (attestationRegistry.streakOf(SUBJECT, POLICY, 1) == 1));
        return holds;
    }

    function _rejectSubject(address subject) private {
        Attestation memory attestation = _unsigned();
        attestation.subject = subject;
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.SubjectVouchesForItself.selector, subject);
        _refused(_complete(attestation), reason);
    }

    function _rejectSignatures(Attestation memory attestation) private {
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0));
    }

    function _rejectProof(Attestation memory attestation) private {
        _refused(attestation, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
    }

    /// @dev Source 1 is a contract.
    function _withContract(SourceStandIn source, bytes memory signature)
        private
        returns (Attestation memory attestation)
    {
        Terms memory terms = _terms();
        (terms.sources[1].signer, terms.sources[1].isContract) = (address(source), true);
        policyRegistry.set(POLICY, terms);
        attestation = _signed(_unsigned(), terms);
        attestation.statements[1].signature = signature;
        return _proven(attestation, terms);
    }

    function _withVault() private returns (Terms memory terms) {
        terms = _terms();
        terms.vault.at = address(vault);
        policyRegistry.set(POLICY, terms);
    }

    function _fillVault(uint32 number, uint256 factor) private {
        uint256[2] memory point = _multiple(factor);
        vault.set(
            SUBJECT,
            VaultStandIn.Checkpoint({checkpoint: CHECKPOINT, number: number, grownAt: 0, x: point[0], y: point[1]})
        );
    }
}
