// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";
import {ISuretyVerifier} from "../interfaces/ISuretyVerifier.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {CONSENT_TYPEHASH, CONTEXT_TAG, SCALAR_FIELD_MODULUS} from "../libraries/Constants.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Attestation, Record, Statement} from "../types/Attestation.sol";
import {Snapshot} from "../types/Market.sol";
import {LevelWiring, Scope, Source, Terms} from "../types/Policy.sol";
import {Evidence} from "./Evidence.sol";

/// @title The attestation registry
/// @dev An attestation goes through three steps. Examination reads the grounds of the attestation, checks them against
/// the policy's rules and writes nothing. The verifying contract verifies the proof. Keeping writes the record and
/// calls no other contract. Every call to another contract is static.
contract AttestationRegistry is IAttestationRegistry, Evidence, ERC165 {
    /* TYPES */

    /// @dev The state of an account: one slot.
    /// @param sequence The largest sequence number that was seen.
    /// @param digest The last 120 bits of the digest of the statement with this sequence number; zero if none was seen.
    /// @param pledgedUntil The last second of the account's pledge; zero unless {EXCLUSIVE}.
    /// @param pledgedTo The ordinal of the policy that the account is pledged to; zero unless {EXCLUSIVE}.
    struct Account {
        uint64 sequence;
        uint120 digest;
        uint40 pledgedUntil;
        uint32 pledgedTo;
    }

    /// @dev The grounds of an attestation: the state of other contracts, and the digests of the statements.
    /// @param digests The digests that the sources have signed.
    /// @param coef The commitment to the level's coefficients, x and y.
    /// @param checkpoint The subject's checkpoint in the vault; zero, as are the fields below, if there is no vault.
    struct Grounds {
        Terms terms;
        Snapshot snapshot;
        Snapshot newest;
        bytes32[] digests;
        uint256[2] coef;
        bytes32 checkpoint;
        uint32 vaultNumber;
        uint40 vaultGrownAt;
        uint256 vaultX;
        uint256 vaultY;
    }

    /// @dev An attestation that was examined, as far as the later steps need it.
    /// @param isShortfall True if the level claims a shortfall.
    /// @param digests The digests of the statements.
    /// @param ordinal The policy's ordinal; zero unless {EXCLUSIVE}.
    struct Examined {
        Terms terms;
        Snapshot snapshot;
        bool isShortfall;
        bytes32[] digests;
        uint32 vaultNumber;
        uint32 ordinal;
        uint256 context;
        uint256[8] publicPoints;
    }

    /// @dev The state of a policy's accounts and vault that a record must draw on to count.
    /// @param floor The number of the first checkpoint in the vault whose records count.
    /// @param sequences The sum of the accounts' sequence numbers.
    struct Present {
        uint32 floor;
        uint72 sequences;
    }

    /// @dev The fields of a context, in the order of verifier/src/attestation/context.rs. All are of a word, so that
    /// the struct in memory is their encoding: see {_context}.
    struct Context {
        bytes32 format;
        uint256 chain;
        address attestationRegistry;
        address verifier;
        bytes32 verifyingKey;
        bytes32 srs;
        bytes32 universe;
        uint32 k;
        bytes32 policy;
        bytes32 level;
        address subject;
        uint64 epoch;
        uint40 time;
        bool marked;
        uint256 coefX;
        uint256 coefY;
        bytes32 statements;
        bytes32 vaultCheckpoint;
        uint64 validUntil;
        bytes32 presentation;
    }

    /* CONSTANTS */

    /// @dev The length of {Context} in memory: 20 words.
    uint256 private constant CONTEXT_BYTES = 20 * 32;

    /* IMMUTABLES */

    /// @inheritdoc IAttestationRegistry
    bool public immutable EXCLUSIVE;

    /* STORAGE */

    /// @dev Accounts by the hash of signer, account and subject.
    mapping(bytes32 => Account) private _accounts;
    mapping(address subject => mapping(bytes32 policy => mapping(uint256 level => Record))) private _records;

    /* CONSTRUCTOR */

    constructor(IPolicyRegistry policyRegistry, ISnapshotOracle oracle, bool exclusive)
        Evidence(policyRegistry, oracle)
    {
        EXCLUSIVE = exclusive;
    }

    /* ATTESTING */

    /// @inheritdoc IAttestationRegistry
    function attest(Attestation calldata attestation) external {
        Examined memory examined = _examine(attestation);
        ISuretyVerifier(examined.terms.verifier)
            .verifyProof(attestation.proof, examined.context, examined.publicPoints);
        _keep(attestation, examined);
    }

    /// @inheritdoc IAttestationRegistry
    function attestBatch(Attestation[] calldata attestations) external {
        uint256 count = attestations.length;
        if (count == 0) revert EmptyBatch();
        Examined[] memory examined = new Examined[](count);
        bytes[] memory proofs = new bytes[](count);
        uint256[] memory contexts = new uint256[](count);
        uint256[8][] memory publicPoints = new uint256[8][](count);
        for (uint256 i = 0; i < count; ++i) {
            examined[i] = _examine(attestations[i]);
            if (examined[i].terms.verifier != examined[0].terms.verifier) revert MixedVerifiers();
            proofs[i] = attestations[i].proof;
            contexts[i] = examined[i].context;
            publicPoints[i] = examined[i].publicPoints;
        }
        ISuretyVerifier(examined[0].terms.verifier).verifyBatch(proofs, contexts, publicPoints);
        for (uint256 i = 0; i < count; ++i) {
            _keep(attestations[i], examined[i]);
        }
    }

    /* SUPERSEDING */

    /// @inheritdoc IAttestationRegistry
    function supersede(bytes32 policy, address subject, uint256 index, Statement calldata head) external {
        Terms memory terms = POLICY_REGISTRY.terms(policy);
        if (index >= terms.sources.length) revert UnknownAccount(index);
        if (head.asOf > block.timestamp) revert NotYet();
        Source memory source = terms.sources[index];
        bytes32 digest = _digest(head, source, subject, terms.universe);
        if (!_isSigned(source, digest, head.signature)) revert WrongSignature(index);
        Account storage account = _accounts[_accountKey(source.signer, source.account, subject)];
        if (head.sequence <= account.sequence) revert StatementSuperseded(index, account.sequence);
        (account.sequence, account.digest) = (head.sequence, _truncated(digest));
        emit StatementsSuperseded(source.signer, source.account, subject, head.sequence);
    }

    /* VIEWS */

    /// @inheritdoc IAttestationRegistry
    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 maxAge) external view returns (bool) {
        return _isSufficient(subject, policy, 0, maxAge);
    }

    /// @inheritdoc IAttestationRegistry
    function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
        external
        view
        returns (bool)
    {
        return _isSufficient(subject, policy, level, maxAge);
    }

    /// @inheritdoc IAttestationRegistry
    function isShortNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
        external
        view
        returns (bool)
    {
        (Terms memory terms, Present memory present) = _present(policy, subject);
        if (terms.sufficient == 0 || level < terms.sufficient) return false;
        mapping(uint256 level => Record) storage levels = _records[subject][policy];
        Record memory shortfall = levels[level];
        if (!_countsWith(shortfall, present, maxAge)) return false;
        if (shortfall.vaultNumber != _numberOf(terms, subject)) return false;
        for (uint256 i = 0; i < terms.sufficient; ++i) {
            Record memory record = levels[i];
            if (record.epoch >= shortfall.epoch && _counts(record, present)) return false;
        }
        return true;
    }

    /// @inheritdoc IAttestationRegistry
    function levelOf(address subject, bytes32 policy) external view returns (bool holds, uint256 level) {
        (Terms memory terms, Present memory present) = _present(policy, subject);
        for (level = terms.sufficient; level > 0;) {
            if (_counts(_records[subject][policy][--level], present)) return (true, level);
        }
    }

    /// @inheritdoc IAttestationRegistry
    function recordOf(address subject, bytes32 policy, uint256 level) external view returns (Record memory) {
        return _records[subject][policy][level];
    }

    /// @inheritdoc IAttestationRegistry
    function streakOf(address subject, bytes32 policy, uint256 level) external view returns (uint32) {
        (Terms memory terms, Present memory present) = _present(policy, subject);
        if (level >= terms.sufficient) return 0;
        Record memory record = _records[subject][policy][level];
        return _counts(record, present) ? record.streak : 0;
    }

    /// @inheritdoc IAttestationRegistry
    function acceptsAttestations(bytes32 policy) external view returns (bool) {
        if (!_isInForce(policy)) return false;
        Snapshot memory newest = ORACLE.latest(policy);
        bool fresh = newest.time != 0 && newest.newest <= block.timestamp
            && block.timestamp <= uint256(newest.time) + newest.slack;
        return fresh && (!newest.marked || POLICY_REGISTRY.terms(policy).acceptsMarked);
    }

    /// @inheritdoc IAttestationRegistry
    function contextOf(Attestation calldata attestation) external view returns (uint256) {
        return _context(attestation, _grounds(attestation));
    }

    /// @inheritdoc IAttestationRegistry
    function accountOf(address signer, bytes32 account, address subject)
        external
        view
        returns (uint64 sequence, uint120 digest, uint40 pledgedUntil, uint32 pledgedTo)
    {
        Account storage state = _accounts[_accountKey(signer, account, subject)];
        return (state.sequence, state.digest, state.pledgedUntil, state.pledgedTo);
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IAttestationRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    /* PRIVATE: EXAMINATION */

    /// @dev Checks an attestation against every rule that depends neither on records and accounts nor on the proof.
    function _examine(Attestation calldata attestation) private view returns (Examined memory examined) {
        if (!_isInForce(attestation.policy)) revert PolicyNotInForce(attestation.policy);
        _checkPresentation(attestation.presentation);
        Grounds memory grounds = _grounds(attestation);
        Terms memory terms = grounds.terms;
        _checkSubject(attestation.subject, terms);
        _checkSnapshot(attestation.epoch, grounds.snapshot, grounds.newest, terms);
        _checkStatements(attestation.statements, grounds.digests, attestation.policy, terms);
        (uint256 oldest,) = _checkTimes(attestation.statements, grounds.snapshot, terms, attestation.validUntil);
        examined.isShortfall = attestation.level >= terms.sufficient;
        if (examined.isShortfall) {
            _checkWithdrawn(attestation.subject, terms, oldest);
        } else {
            _checkVault(grounds, oldest);
        }
        examined.terms = terms;
        examined.snapshot = grounds.snapshot;
        examined.digests = grounds.digests;
        examined.vaultNumber = grounds.vaultNumber;
        if (EXCLUSIVE) examined.ordinal = POLICY_REGISTRY.ordinalOf(attestation.policy);
        examined.context = _context(attestation, grounds);
        // Nobody would consent to a shortfall, which pledges nothing.
        bool needsConsent = !examined.isShortfall && (EXCLUSIVE || terms.requiresConsent);
        if (needsConsent) _checkConsent(attestation, examined.context);
        (uint256 x, uint256 y) = _holdings(attestation.statements, grounds);
        _checkScopes(attestation, terms, examined.context);
        LevelWiring memory wiring = terms.levels[attestation.level];
        examined.publicPoints =
            [wiring.idx[0], wiring.idx[1], wiring.flag[0], wiring.flag[1], grounds.coef[0], grounds.coef[1], x, y];
    }

    /// @dev Reads the grounds of an attestation.
    function _grounds(Attestation calldata attestation) private view returns (Grounds memory grounds) {
        Terms memory terms = POLICY_REGISTRY.terms(attestation.policy);
        if (attestation.level >= terms.levels.length) revert UnknownLevel(attestation.level);
        grounds.terms = terms;
        (grounds.snapshot, grounds.newest, grounds.coef) =
            ORACLE.read(attestation.policy, attestation.epoch, attestation.level);
        if (terms.vault.at != address(0)) {
            (grounds.checkpoint, grounds.vaultNumber, grounds.vaultGrownAt, grounds.vaultX, grounds.vaultY) =
                ICollateralVault(terms.vault.at).checkpointOf(attestation.subject);
        }
        grounds.digests = _digests(attestation.statements, attestation.subject, terms);
    }

    /// @dev An attestation that was made for one consumer is of no use to another.
    function _checkPresentation(bytes32 presentation) private view {
        bool isForCaller = presentation == 0 || presentation == bytes32(uint256(uint160(msg.sender)));
        if (!isForCaller) revert PresentedToAnother(presentation);
    }

    /// @dev Demands that the subject brings the attestation or has signed its context. Otherwise the sources of one
    /// policy could pledge accounts and collateral of a subject that wants to attest under another.
    function _checkConsent(Attestation calldata attestation, uint256 context) private view {
        address subject = attestation.subject;
        if (msg.sender == subject) return;
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(CONSENT_TYPEHASH, context)));
        if (!Signatures.isOf(subject, digest, attestation.consent)) revert NoConsent(subject);
    }

    /// @dev What counts in the vault has not grown since `vaultGrownAt`.
    function _checkVault(Grounds memory grounds, uint256 oldestStatement) private pure {
        Terms memory terms = grounds.terms;
        // Everything counted was there at one moment, up to the skew.
        if (grounds.vaultGrownAt > oldestStatement + terms.maxStatementSkew) {
            revert VaultGrownSince(grounds.vaultGrownAt);
        }
        // Collateral of the snapshot's own moment may be lent for a single transaction.
        if (uint256(grounds.vaultGrownAt) + terms.vault.minAge >= grounds.snapshot.time) {
            revert VaultTooYoung(grounds.vaultGrownAt);
        }
    }

    /// @dev What counts in the vault has not fallen since the oldest statement: collateral that went back to a source
    /// is in neither. Collateral that counts twice, or is lent, only makes a shortfall smaller, so that
    /// {_checkVault} is not for shortfalls.
    function _checkWithdrawn(address subject, Terms memory terms, uint256 oldestStatement) private view {
        if (terms.vault.at == address(0)) return;
        uint40 shrunkAt = ICollateralVault(terms.vault.at).shrunkAtOf(subject);
        // A statement of that second need not know.
        if (shrunkAt != 0 && shrunkAt >= oldestStatement) revert VaultShrunkSince(shrunkAt);
    }

    /// @dev Demands a proof that every source with a scope states nothing outside of it, all of its accounts together.
    function _checkScopes(Attestation calldata attestation, Terms memory terms, uint256 context) private view {
        Scope[] memory scopes = terms.scopes;
        uint256 count = scopes.length;
        if (count == 0) {
            if (attestation.scopes.length != 0) revert NoScopes();
            return;
        }
        uint256[4][] memory parts = new uint256[4][](count);
        // Accounts and scopes are in ascending order of their signers, and every scope has an account.
        uint256 index = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256[4] memory part = parts[i];
            address signer = scopes[i].signer;
            (part[2], part[3]) = (scopes[i].outside[0], scopes[i].outside[1]);
            while (terms.sources[index].signer != signer) ++index;
            for (; index < terms.sources.length && terms.sources[index].signer == signer; ++index) {
                Statement calldata statement = attestation.statements[index];
                (part[0], part[1]) = Bn254.add(part[0], part[1], statement.commitmentX, statement.commitmentY);
            }
        }
        ISuretyVerifier(terms.verifier).verifyScopes(attestation.scopes, context, parts);
    }

    /// @dev The commitment to all holdings: the sum of the sources' commitments and the vault's.
    function _holdings(Statement[] calldata statements, Grounds memory grounds)
        private
        view
        returns (uint256 x, uint256 y)
    {
        (x, y) = (grounds.vaultX, grounds.vaultY);
        if (x | y != 0 && !Bn254.isPoint(x, y)) revert InvalidCommitment(statements.length);
        return _sum(statements, x, y);
    }

    function _context(Attestation calldata attestation, Grounds memory grounds) private view returns (uint256) {
        Terms memory terms = grounds.terms;
        Context memory context;
        context.format = CONTEXT_TAG;
        context.chain = block.chainid;
        context.attestationRegistry = address(this);
        context.verifier = terms.verifier;
        context.verifyingKey = terms.verifyingKey;
        context.srs = terms.srs;
        context.universe = terms.universe;
        context.k = terms.k;
        context.policy = attestation.policy;
        context.level = terms.levels[attestation.level].level;
        context.subject = attestation.subject;
        context.epoch = attestation.epoch;
        (context.time, context.marked) = (grounds.snapshot.time, grounds.snapshot.marked);
        (context.coefX, context.coefY) = (grounds.coef[0], grounds.coef[1]);
        context.statements = keccak256(abi.encodePacked(grounds.digests));
        context.vaultCheckpoint = grounds.checkpoint;
        context.validUntil = attestation.validUntil;
        context.presentation = attestation.presentation;
        uint256 hash;
        assembly ("memory-safe") {
            hash := keccak256(context, CONTEXT_BYTES)
        }
        return hash % SCALAR_FIELD_MODULUS;
    }

    /* PRIVATE: KEEPING */

    /// @dev Keeps an attestation whose proof is valid, unless a newer one was kept.
    function _keep(Attestation calldata attestation, Examined memory examined) private {
        uint72 sequences = 0;
        Statement[] calldata statements = attestation.statements;
        for (uint256 i = 0; i < statements.length; ++i) {
            uint64 sequence = statements[i].sequence;
            _keepAccount(attestation, examined, i, sequence);
            sequences += sequence;
        }
        _keepVault(attestation, examined);
        mapping(uint256 level => Record) storage levels = _records[attestation.subject][attestation.policy];
        Record memory record = levels[attestation.level];
        Snapshot memory snapshot = examined.snapshot;
        bool exists = record.streak != 0;
        if (exists) {
            bool sameEpoch = snapshot.epoch == record.epoch;
            // Over newer statements or a newer checkpoint the record may count for less, as the old one counts no more.
            bool sameGrounds = sequences == record.sequences && examined.vaultNumber <= record.vaultNumber;
            bool shortened = attestation.validUntil < record.validUntil && sameGrounds;
            if (snapshot.epoch < record.epoch || (sameEpoch && shortened)) revert Superseded(record.epoch);
            if (!sameEpoch) record.streak = record.epoch == snapshot.previousEpoch ? record.streak + 1 : 1;
        } else {
            record.streak = 1;
        }
        // An epoch is a time divided by its length, so that it has no more bits than a time.
        record.epoch = uint40(snapshot.epoch);
        record.pricesAt = snapshot.time;
        record.validUntil = uint40(attestation.validUntil);
        record.vaultNumber = examined.vaultNumber;
        record.sequences = sequences;
        levels[attestation.level] = record;
        _announce(attestation, examined, record);
    }

    function _announce(Attestation calldata attestation, Examined memory examined, Record memory record) private {
        (address subject, bytes32 policy) = (attestation.subject, attestation.policy);
        bytes32 level = examined.terms.levels[attestation.level].level;
        if (examined.isShortfall) {
            emit ShortfallAttested(subject, policy, level, record.epoch, record.validUntil, record.streak);
        } else {
            emit Attested(subject, policy, level, record.epoch, record.validUntil, record.streak);
        }
    }

    /// @dev Keeps the sequence number, the digest and the pledge of a statement's account. A shortfall pledges nothing,
    /// and a pledge to another policy is no obstacle: otherwise subjects would escape by attesting elsewhere.
    function _keepAccount(
        Attestation calldata attestation,
        Examined memory examined,
        uint256 index,
        uint64 sequence
    ) private {
        Source memory source = examined.terms.sources[index];
        uint120 digest = _truncated(examined.digests[index]);
        bytes32 key = _accountKey(source.signer, source.account, attestation.subject);
        Account memory account = _accounts[key];
        if (sequence < account.sequence) revert StatementSuperseded(index, account.sequence);
        bool isAnother = sequence == account.sequence && account.digest != 0 && account.digest != digest;
        if (isAnother) revert SequenceRepeated(index, sequence);
        (account.sequence, account.digest) = (sequence, digest);
        bool pledges = EXCLUSIVE && !examined.isShortfall;
        if (pledges && !_pledge(account, attestation, examined)) revert Encumbered(index);
        _accounts[key] = account;
    }

    /// @dev Pledges the subject's collateral in the vault, as an account whose signer is the vault.
    function _keepVault(Attestation calldata attestation, Examined memory examined) private {
        address vault = examined.terms.vault.at;
        if (!EXCLUSIVE || examined.isShortfall || vault == address(0)) return;
        bytes32 key = _accountKey(vault, 0, attestation.subject);
        Account memory account = _accounts[key];
        if (!_pledge(account, attestation, examined)) revert VaultPledged(vault);
        _accounts[key] = account;
    }

    /// @dev Pledges an account to the attestation's policy for as long as the attestation counts.
    /// @return False if the account is pledged to another policy.
    function _pledge(Account memory account, Attestation calldata attestation, Examined memory examined)
        private
        view
        returns (bool)
    {
        bool here = account.pledgedTo == examined.ordinal;
        if (!here && block.timestamp <= account.pledgedUntil) return false;
        // An attestation of another level may count for longer.
        uint40 until = uint40(attestation.validUntil);
        if (!here || until > account.pledgedUntil) account.pledgedUntil = until;
        account.pledgedTo = examined.ordinal;
        return true;
    }

    /* PRIVATE: RECORDS AND ACCOUNTS */

    function _isSufficient(address subject, bytes32 policy, uint256 level, uint256 maxAge) private view returns (bool) {
        (Terms memory terms, Present memory present) = _present(policy, subject);
        for (; level < terms.sufficient; ++level) {
            if (_countsWith(_records[subject][policy][level], present, maxAge)) return true;
        }
        return false;
    }

    /// @dev True if a record counts, given that its policy is in force.
    function _counts(Record memory record, Present memory present) private view returns (bool) {
        return record.streak != 0 && block.timestamp <= record.validUntil && record.vaultNumber >= present.floor
            && record.sequences == present.sequences;
    }

    /// @dev True if a record counts, and its prices are at most `maxAge` seconds old.
    function _countsWith(Record memory record, Present memory present, uint256 maxAge) private view returns (bool) {
        return _counts(record, present) && block.timestamp - record.pricesAt <= maxAge;
    }

    /// @dev The terms of a policy, and the present state of what it draws on. While the policy is not in force both are
    /// zeros: as if no level claimed sufficiency.
    function _present(bytes32 policy, address subject)
        private
        view
        returns (Terms memory terms, Present memory present)
    {
        if (!_isInForce(policy)) return (terms, present);
        terms = POLICY_REGISTRY.terms(policy);
        present.floor = _floorOf(terms, subject);
        for (uint256 i = 0; i < terms.sources.length; ++i) {
            Source memory source = terms.sources[i];
            present.sequences += _accounts[_accountKey(source.signer, source.account, subject)].sequence;
        }
    }

    /// @dev The number of the first checkpoint in the vault whose records count; zero if there is no vault.
    function _floorOf(Terms memory terms, address subject) private view returns (uint32) {
        return terms.vault.at == address(0) ? 0 : ICollateralVault(terms.vault.at).floorOf(subject);
    }

    /// @dev The number of the subject's present checkpoint in the vault; zero if there is no vault.
    function _numberOf(Terms memory terms, address subject) private view returns (uint32 number) {
        if (terms.vault.at != address(0)) (, number,,,) = ICollateralVault(terms.vault.at).checkpointOf(subject);
    }

    /// @dev The part of a digest that an account's slot has room for.
    function _truncated(bytes32 digest) private pure returns (uint120) {
        return uint120(uint256(digest));
    }

    function _accountKey(address signer, bytes32 account, address subject) private pure returns (bytes32) {
        return keccak256(abi.encode(signer, account, subject));
    }
}
