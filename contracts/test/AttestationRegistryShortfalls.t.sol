// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {Attestation, Record} from "../src/types/Attestation.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Source, Terms} from "../src/types/Policy.sol";
import {Attesting} from "./support/Attesting.sol";
import {VaultStandIn} from "./support/StandIns.sol";
import {Log, vm} from "./support/Vm.sol";

/// @notice Attestations of shortfalls, which never count as sufficiency, and the reverse.
contract AttestationRegistryShortfallsTest is Attesting {
    bytes32 private constant OTHER = keccak256("other");
    bytes32 private constant CHECKPOINT = keccak256("checkpoint");
    address private constant STRANGER = address(0x57a);

    function setUp() external {
        _start();
        policyRegistry.set(OTHER, _terms());
        _takeSnapshot(OTHER, _snapshot());
    }

    // What counts as what.

    function test_accepts_a_shortfall() external {
        Attestation memory attestation = _at(SHORTFALL);
        vm.expectEmit(address(attestationRegistry));
        emit IAttestationRegistry.ShortfallAttested(
            SUBJECT, POLICY, _terms().levels[SHORTFALL].level, EPOCH, attestation.validUntil, 1
        );
        attestationRegistry.attest(attestation);
        Record memory record = attestationRegistry.recordOf(SUBJECT, POLICY, SHORTFALL);
        require(record.epoch == EPOCH && record.pricesAt == NOW - 100 && record.validUntil == NOW + 3_000);
        require(record.streak == 1 && record.sequences == 7 * SOURCES && _isShort());
    }

    /// @notice Whoever counts events of sufficiency sees none.
    function test_announces_a_shortfall_as_nothing_else() external {
        vm.recordLogs();
        attestationRegistry.attest(_at(SHORTFALL));
        attestationRegistry.attest(_at(SHORTFALL - 1));
        Log[] memory logs = vm.getRecordedLogs();
        require(logs.length == 2 && logs[0].topics[0] == IAttestationRegistry.ShortfallAttested.selector);
        require(logs[1].topics[0] == IAttestationRegistry.Attested.selector);
    }

    /// @notice Attack: show that the margin is negative, and have the record taken for a level that is stricter than
    /// all others.
    function test_rejects_a_shortfall_as_sufficiency() external {
        attestationRegistry.attest(_at(SHORTFALL));
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 1_000));
        for (uint256 level = 0; level <= LEVELS; ++level) {
            require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, level, 1_000));
            require(attestationRegistry.streakOf(SUBJECT, POLICY, level) == 0);
        }
        (bool holds, uint256 strictest) = attestationRegistry.levelOf(SUBJECT, POLICY);
        require(!holds && strictest == 0);
    }

    function test_rejects_sufficiency_as_a_shortfall() external {
        for (uint256 level = 0; level < SHORTFALL; ++level) {
            attestationRegistry.attest(_at(level));
        }
        for (uint256 level = 0; level <= LEVELS; ++level) {
            require(!attestationRegistry.isShortNoOlderThan(SUBJECT, POLICY, level, 1_000));
        }
        require(!attestationRegistry.isShortNoOlderThan(SUBJECT, POLICY, type(uint256).max, 1_000));
        (bool holds, uint256 strictest) = attestationRegistry.levelOf(SUBJECT, POLICY);
        require(holds && strictest == SHORTFALL - 1);
    }

    function test_rejects_a_proof_of_the_other_claim() external {
        Attestation memory attestation = _at(SHORTFALL);
        attestation.level = SHORTFALL - 1;
        _refused(attestation, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
        attestation = _at(SHORTFALL - 1);
        attestation.level = SHORTFALL;
        _refused(attestation, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
    }

    function test_accepts_both_claims_in_a_batch() external {
        Attestation[] memory attestations = new Attestation[](2);
        (attestations[0], attestations[1]) = (_at(SHORTFALL), _at(0));
        attestationRegistry.attestBatch(attestations);
        (bool holds, uint256 strictest) = attestationRegistry.levelOf(SUBJECT, POLICY);
        require(holds && strictest == 0 && attestationRegistry.streakOf(SUBJECT, POLICY, 0) == 1);
        require(attestationRegistry.recordOf(SUBJECT, POLICY, SHORTFALL).streak == 1);
    }

    function test_answers_for_every_level_of_shortfalls() external {
        Terms memory terms = _terms();
        terms.sufficient = 2;
        policyRegistry.set(POLICY, terms);
        attestationRegistry.attest(_at(2));
        require(attestationRegistry.isShortNoOlderThan(SUBJECT, POLICY, 2, 1_000));
        require(!_isShort());
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 0, 1_000));
    }

    // Consent and pledges.

    function test_a_shortfall_needs_no_consent() external {
        Terms memory terms = _terms();
        terms.requiresConsent = true;
        policyRegistry.set(POLICY, terms);
        vm.prank(STRANGER);
        attestationRegistry.attest(_at(SHORTFALL));
        _refused(_at(0), abi.encodeWithSelector(IAttestationRegistry.NoConsent.selector, SUBJECT));
        attestationRegistry = _newAttestationRegistry(true);
        policyRegistry.set(POLICY, _terms());
        vm.prank(STRANGER);
        attestationRegistry.attest(_at(SHORTFALL));
        _refused(_at(0), abi.encodeWithSelector(IAttestationRegistry.NoConsent.selector, SUBJECT));
    }

    /// @notice Attack: pledge a subject's accounts and vault to a policy that it wants nothing of.
    function test_a_shortfall_pledges_nothing() external {
        attestationRegistry = _newAttestationRegistry(true);
        Terms memory terms = _withVault(POLICY);
        attestationRegistry.attest(_proven(_signed(_unsignedAt(SHORTFALL), terms), terms));
        for (uint256 i = 0; i < SOURCES; ++i) {
            Source memory source = terms.sources[i];
            (uint64 sequence, uint120 digest, uint40 until, uint32 to) =
                attestationRegistry.accountOf(source.signer, source.account, SUBJECT);
            require(sequence == 7 && digest != 0 && until == 0 && to == 0);
        }
        _requireVaultPledgedTo(0);
        Attestation memory elsewhere = _unsigned();
        elsewhere.policy = OTHER;
        attestationRegistry.attest(_consented(SUBJECT_KEY, _complete(elsewhere)));
    }

    /// @notice Attack: escape a shortfall by attesting under another policy, to which everything is then pledged.
    function test_accepts_a_shortfall_of_what_is_pledged_to_another_policy() external {
        attestationRegistry = _newAttestationRegistry(true);
        Terms memory terms = _withVault(POLICY);
        _withVault(OTHER);
        Attestation memory elsewhere = _unsigned();
        elsewhere.policy = OTHER;
        attestationRegistry.attest(_consented(SUBJECT_KEY, _proven(_signed(elsewhere, terms), terms)));
        uint32 ordinal = policyRegistry.ordinalOf(OTHER);
        _requireVaultPledgedTo(ordinal);
        attestationRegistry.attest(_proven(_signed(_unsignedAt(SHORTFALL), terms), terms));
        require(_isShort());
        _requireVaultPledgedTo(ordinal);
        Source memory source = terms.sources[0];
        (,, uint40 until, uint32 to) = attestationRegistry.accountOf(source.signer, source.account, SUBJECT);
        require(until == elsewhere.validUntil && to == ordinal);
    }

    /// @notice A source that pledges an account elsewhere says nothing about the account under this policy.
    function test_rejects_a_shortfall_over_a_statement_for_another_policy() external {
        Attestation memory attestation = _unsignedAt(SHORTFALL);
        attestation.statements[1].encumbrance = OTHER;
        _refused(_complete(attestation), abi.encodeWithSelector(IAttestationRegistry.Encumbered.selector, 1));
        attestation.statements[1].encumbrance = POLICY;
        attestationRegistry.attest(_complete(attestation));
    }

    // The vault.

    /// @notice Collateral that counts twice, or that is lent, only makes a shortfall smaller.
    function test_accepts_a_shortfall_over_collateral_that_has_just_grown() external {
        Terms memory terms = _withVault(POLICY);
        vault.setGrownAt(SUBJECT, NOW);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.VaultTooYoung.selector, NOW);
        _refused(_proven(_signed(_unsignedAt(2), terms), terms), reason);
        terms.vault.minAge = type(uint40).max;
        terms.maxStatementSkew = 2;
        policyRegistry.set(POLICY, terms);
        reason = abi.encodeWithSelector(IAttestationRegistry.VaultGrownSince.selector, NOW);
        _refused(_proven(_signed(_unsignedAt(2), terms), terms), reason);
        attestationRegistry.attest(_proven(_signed(_unsignedAt(SHORTFALL), terms), terms));
        require(_isShort());
    }

    /// @notice Attack: a shortfall that is there only because collateral has gone back to a source, whose statement is
    /// from before.
    function test_rejects_a_shortfall_after_collateral_has_left() external {
        Terms memory terms = _withVault(POLICY);
        terms.maxStatementSkew = 20;
        policyRegistry.set(POLICY, terms);
        Attestation memory attestation = _proven(_signed(_unsignedAt(SHORTFALL), terms), terms);
        // The oldest statement is the last one.
        uint40 limit = uint40(attestation.statements[SOURCES - 1].asOf);
        vault.setShrunkAt(SUBJECT, limit);
        _refused(attestation, abi.encodeWithSelector(IAttestationRegistry.VaultShrunkSince.selector, limit));
        uint256 state = vm.snapshotState();
        attestationRegistry.attest(_proven(_signed(_unsignedAt(0), terms), terms));
        vm.revertToState(state);
        vault.setShrunkAt(SUBJECT, limit - 1);
        attestationRegistry.attest(attestation);
    }

    function test_accepts_a_shortfall_under_a_policy_without_the_vault_that_has_shrunk() external {
        vault.setShrunkAt(SUBJECT, NOW);
        attestationRegistry.attest(_at(SHORTFALL));
        require(_isShort());
    }

    // Statements.

    function test_rejects_a_shortfall_over_a_superseded_statement() external {
        Attestation memory newer = _unsigned();
        newer.statements[2].sequence = 8;
        newer = _complete(newer);
        attestationRegistry.supersede(POLICY, SUBJECT, 2, newer.statements[2]);
        _refused(_at(SHORTFALL), abi.encodeWithSelector(IAttestationRegistry.StatementSuperseded.selector, 2, 8));
    }

    /// @notice A newer statement, by whichever way it becomes known, may state what the shortfall lacked.
    function test_a_newer_statement_ends_a_shortfall() external {
        attestationRegistry.attest(_at(SHORTFALL));
        Attestation memory newer = _unsigned();
        newer.statements[1].sequence = 8;
        newer.policy = OTHER;
        newer = _complete(newer);
        uint256 state = vm.snapshotState();
        attestationRegistry.attest(newer);
        require(!_isShort());
        vm.revertToState(state);
        attestationRegistry.supersede(POLICY, SUBJECT, 1, newer.statements[1]);
        require(!_isShort());
    }

    // What else a shortfall needs to count.

    function test_a_shortfall_counts_while_the_policy_is_in_force() external {
        Attestation memory attestation = _unsignedAt(SHORTFALL);
        for (uint256 i = 0; i < SOURCES; ++i) {
            attestation.statements[i].sequence = 0;
        }
        attestationRegistry.attest(_complete(attestation));
        policyRegistry.setCountsFrom(POLICY, NOW + 1);
        require(!_isShort());
        policyRegistry.setCountsFrom(POLICY, NOW);
        require(_isShort());
    }

    function test_a_shortfall_counts_until_it_lapses() external {
        attestationRegistry.attest(_at(SHORTFALL));
        vm.warp(NOW + 3_000);
        require(attestationRegistry.isShortNoOlderThan(SUBJECT, POLICY, SHORTFALL, 10_000));
        vm.warp(NOW + 3_001);
        require(!attestationRegistry.isShortNoOlderThan(SUBJECT, POLICY, SHORTFALL, 10_000));
    }

    function test_a_shortfall_over_old_prices_does_not_count() external {
        attestationRegistry.attest(_at(SHORTFALL));
        require(attestationRegistry.isShortNoOlderThan(SUBJECT, POLICY, SHORTFALL, 100));
        require(!attestationRegistry.isShortNoOlderThan(SUBJECT, POLICY, SHORTFALL, 99));
    }

    function test_a_shortfall_is_one_subjects_under_one_policy() external {
        attestationRegistry.attest(_at(SHORTFALL));
        require(!attestationRegistry.isShortNoOlderThan(STRANGER, POLICY, SHORTFALL, 1_000));
        require(!attestationRegistry.isShortNoOlderThan(SUBJECT, OTHER, SHORTFALL, 1_000));
    }

    /// @notice A deposit may have cured the shortfall, which was over the checkpoint before.
    function test_a_change_in_the_vault_ends_a_shortfall() external {
        Terms memory terms = _withVault(POLICY);
        _setNumber(4);
        attestationRegistry.attest(_overCheckpoint(SHORTFALL, terms));
        require(attestationRegistry.recordOf(SUBJECT, POLICY, SHORTFALL).vaultNumber == 4 && _isShort());
        vault.setFloor(SUBJECT, 4);
        require(_isShort());
        _setNumber(5);
        require(!_isShort());
        _setNumber(4);
        vault.setFloor(SUBJECT, 5);
        require(!_isShort());
    }

    function test_sufficiency_over_the_same_prices_ends_a_shortfall() external {
        for (uint256 level = 0; level < SHORTFALL; ++level) {
            uint256 state = vm.snapshotState();
            attestationRegistry.attest(_at(SHORTFALL));
            require(_isShort());
            attestationRegistry.attest(_at(level));
            require(!_isShort());
            // In the other order, too.
            vm.revertToState(state);
            attestationRegistry.attest(_at(level));
            attestationRegistry.attest(_at(SHORTFALL));
            require(!_isShort());
            vm.revertToState(state);
        }
    }

    function test_sufficiency_over_newer_prices_ends_a_shortfall() external {
        attestationRegistry.attest(_at(SHORTFALL));
        Snapshot memory next = _takeNext(_snapshot());
        require(_isShort());
        attestationRegistry.attest(_over(0, next.epoch));
        require(!_isShort());
    }

    /// @notice Attack: attest while the margin is positive, and hide behind that when it is negative.
    function test_sufficiency_over_older_prices_does_not_end_a_shortfall() external {
        attestationRegistry.attest(_at(2));
        Snapshot memory next = _takeNext(_snapshot());
        attestationRegistry.attest(_over(SHORTFALL, next.epoch));
        require(_isShort());
        // What holds by the older prices is for consumers to weigh by age.
        require(attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 2, 100));
        require(!attestationRegistry.isSufficientNoOlderThan(SUBJECT, POLICY, 2, 99));
    }

    function test_sufficiency_that_no_longer_counts_does_not_end_a_shortfall() external {
        Terms memory terms = _withVault(POLICY);
        _setNumber(1);
        Attestation memory attestation = _unsigned();
        attestation.validUntil = NOW + 10;
        attestationRegistry.attest(_proven(_signed(attestation, terms), terms, CHECKPOINT, _multiple(6)));
        attestationRegistry.attest(_overCheckpoint(SHORTFALL, terms));
        require(!_isShort());
        vm.warp(NOW + 11);
        require(_isShort());
        // Collateral that has left.
        vm.warp(NOW);
        _setNumber(2);
        attestationRegistry.attest(_overCheckpoint(SHORTFALL, terms));
        require(!_isShort());
        vault.setFloor(SUBJECT, 2);
        require(_isShort());
    }

    // Records.

    function test_rejects_a_shortfall_of_an_epoch_before() external {
        Snapshot memory next = _takeNext(_snapshot());
        attestationRegistry.attest(_over(SHORTFALL, next.epoch));
        _refused(_at(SHORTFALL), abi.encodeWithSelector(IAttestationRegistry.Superseded.selector, next.epoch));
        require(attestationRegistry.recordOf(SUBJECT, POLICY, SHORTFALL).epoch == next.epoch);
    }

    // Support.

    function _isShort() private view returns (bool) {
        return attestationRegistry.isShortNoOlderThan(SUBJECT, POLICY, SHORTFALL, 1_000);
    }

    function _unsignedAt(uint256 level) private view returns (Attestation memory attestation) {
        attestation = _unsigned();
        attestation.level = level;
    }

    function _at(uint256 level) private view returns (Attestation memory) {
        return _complete(_unsignedAt(level));
    }

    function _over(uint256 level, uint64 epoch) private view returns (Attestation memory attestation) {
        attestation = _unsignedAt(level);
        attestation.epoch = epoch;
        attestation = _complete(attestation);
    }

    function _overCheckpoint(uint256 level, Terms memory terms) private view returns (Attestation memory) {
        return _proven(_signed(_unsignedAt(level), terms), terms, CHECKPOINT, _multiple(6));
    }

    function _withVault(bytes32 policy) private returns (Terms memory terms) {
        terms = _terms();
        terms.vault.at = address(vault);
        policyRegistry.set(policy, terms);
    }

    /// @dev The vault is empty.
    function _setNumber(uint32 number) private {
        vault.set(SUBJECT, VaultStandIn.Checkpoint({checkpoint: CHECKPOINT, number: number, grownAt: 0, x: 0, y: 0}));
    }

    function _requireVaultPledgedTo(uint32 ordinal) private view {
        (,, uint40 until, uint32 to) = attestationRegistry.accountOf(address(vault), 0, SUBJECT);
        require(to == ordinal && (until == 0) == (ordinal == 0));
    }
}
