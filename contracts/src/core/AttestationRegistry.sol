// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";
import {ISuretyVerifier} from "../interfaces/ISuretyVerifier.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {
    ACCOUNTS_PER_GROUP,
    CONSENT_TYPEHASH,
    CONTEXT_TAG,
    SCALAR_FIELD_MODULUS
} from "../libraries/Constants.sol";
import {PackedAccounts} from "../libraries/PackedAccounts.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {SnapshotReader} from "../libraries/SnapshotReader.sol";
import {StandingReader} from "../libraries/StandingReader.sol";
import {Attestation, Record, Statement} from "../types/Attestation.sol";
import {Snapshot} from "../types/Market.sol";
import {LevelWiring, Scope, Source, Standing, Terms} from "../types/Policy.sol";
import {Evidence} from "./Evidence.sol";

/// @title The attestation registry
/// @dev An attestation goes through three steps. Examination reads the grounds of the attestation, checks them against
/// the policy's rules and writes nothing. The verifying contract verifies the proof. Keeping writes the record and
/// calls no other contract. Every call to another contract is static.
contract AttestationRegistry is IAttestationRegistry, Evidence, ERC165 {
    /* TYPES */

    /// @dev The state of a group of accounts of a subject, whose numbers are 3n to 3n + 2. {IPolicyRegistry} numbers
    /// accounts, so that an account has one state, whichever policies name it.
    /// @param newest The largest sequence numbers that were seen, and the last 128 bits of the digests of their
    /// statements; zeros if none was seen. A sequence number that does not fit is kept in `large`.
    /// @param pledges The pledges; zeros unless {EXCLUSIVE}.
    /// @param large The sequence numbers of at least {PackedAccounts-MAX_SEQUENCE}, by place in the group.
    struct Group {
        uint256[2] newest;
        uint72[ACCOUNTS_PER_GROUP] pledges;
        mapping(uint256 place => uint64) large;
    }

    /// @dev A subject's checkpoint in the vault; zeros if there is no vault.
    struct Checkpoint {
        bytes32 checkpoint;
        uint32 number;
        uint40 grownAt;
        uint256 x;
        uint256 y;
    }

    /// @dev The grounds of an attestation: the state of other contracts, and the digests of the statements.
    /// @param digests The digests that the sources have signed.
    /// @param coef The commitment to the level's coefficients, x and y.
    struct Grounds {
        Standing standing;
        Snapshot snapshot;
        Snapshot newest;
        uint256[2] coef;
        Checkpoint vault;
        bytes32[] digests;
    }

    /// @dev An attestation that was examined, as far as the later steps need it.
    /// @param isShortfall True if the level claims a shortfall.
    struct Examined {
        Grounds grounds;
        bool isShortfall;
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

    mapping(address subject => mapping(uint256 group => Group)) private _groups;
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
        _verify(_verifier(examined), attestation.proof, examined.context, examined.publicPoints);
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
            if (_verifier(examined[i]) != _verifier(examined[0])) revert MixedVerifiers();
            proofs[i] = attestations[i].proof;
            contexts[i] = examined[i].context;
            publicPoints[i] = examined[i].publicPoints;
        }
        ISuretyVerifier(_verifier(examined[0])).verifyBatch(proofs, contexts, publicPoints);
        for (uint256 i = 0; i < count; ++i) {
            _keep(attestations[i], examined[i]);
        }
    }

    /* SUPERSEDING */

    /// @inheritdoc IAttestationRegistry
    function supersede(bytes32 policy, address subject, uint256 index, Statement calldata head) external {
        Standing memory standing = StandingReader.read(POLICY_REGISTRY, policy);
        Terms memory terms = standing.terms;
        if (index >= terms.sources.length) revert UnknownAccount(index);
        if (head.asOf > block.timestamp) revert NotYet();
        Source memory source = terms.sources[index];
        bytes32 digest = _digest(head, source, subject, terms.universe, _domainSeparatorV4());
        if (!_isSigned(source, digest, head.signature)) revert WrongSignature(index);
        (Group storage group, uint256 place) = _placeOf(subject, standing.accounts[index]);
        uint64 sequence = _sequenceAt(group, place);
        if (head.sequence <= sequence) revert StatementSuperseded(index, sequence);
        _setNewest(group, place, head.sequence, _truncated(digest));
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
        Standing memory standing = StandingReader.read(POLICY_REGISTRY, policy);
        if (!standing.inForce) return false;
        Snapshot memory newest = ORACLE.latest(policy);
        bool fresh = newest.time != 0 && newest.newest <= block.timestamp
            && block.timestamp <= uint256(newest.time) + newest.slack;
        return fresh && (!newest.marked || standing.terms.acceptsMarked);
    }

    /// @inheritdoc IAttestationRegistry
    function contextOf(Attestation calldata attestation) external view returns (uint256) {
        return _context(attestation, _grounds(attestation, StandingReader.read(POLICY_REGISTRY, attestation.policy)));
    }

    /// @inheritdoc IAttestationRegistry
    function accountOf(address signer, bytes32 account, address subject)
        external
        view
        returns (uint64 sequence, uint120 digest, uint40 pledgedUntil, uint32 pledgedTo)
    {
        uint32 number = POLICY_REGISTRY.accountNumberOf(signer, account);
        (Group storage group, uint256 place) = _placeOf(subject, number);
        uint128 truncated;
        (sequence, truncated) = _newestAt(group, place);
        digest = uint120(truncated);
        (pledgedUntil, pledgedTo) = _pledgeAt(group, place);
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IAttestationRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    /* PRIVATE: EXAMINATION */

    /// @dev Checks an attestation against every rule that depends neither on records and accounts nor on the proof.
    function _examine(Attestation calldata attestation) private view returns (Examined memory) {
        Standing memory standing = StandingReader.read(POLICY_REGISTRY, attestation.policy);
        if (!standing.inForce) revert PolicyNotInForce(attestation.policy);
        _checkPresentation(attestation.presentation);
        Grounds memory grounds = _grounds(attestation, standing);
        Terms memory terms = standing.terms;
        _checkSubject(attestation.subject, terms);
        _checkSnapshot(attestation.epoch, grounds.snapshot, grounds.newest, terms);
        Statement[] calldata statements = attestation.statements;
        _checkStatements(statements, grounds.digests, attestation.policy, terms);
        (uint256 oldest,) = _checkTimes(statements, grounds.snapshot, terms, attestation.validUntil);
        bool isShortfall = attestation.level >= terms.sufficient;
        if (isShortfall) {
            _checkWithdrawn(attestation.subject, terms, oldest);
        } else {
            _checkVault(grounds, oldest);
        }
        uint256 context = _context(attestation, grounds);
        // Nobody would consent to a shortfall, which pledges nothing.
        bool needsConsent = !isShortfall && (EXCLUSIVE || terms.requiresConsent);
        if (needsConsent) _checkConsent(attestation, context);
        uint256[8] memory points = _publicPoints(attestation, grounds);
        _checkScopes(attestation, terms, context);
        return Examined({grounds: grounds, isShortfall: isShortfall, context: context, publicPoints: points});
    }

    /// @dev Reads the grounds of an attestation.
    function _grounds(Attestation calldata attestation, Standing memory standing)
        private
        view
        returns (Grounds memory)
    {
        Terms memory terms = standing.terms;
        if (attestation.level >= terms.levels.length) revert UnknownLevel(attestation.level);
        (Snapshot memory snapshot, Snapshot memory newest, uint256[2] memory coef) =
            SnapshotReader.read(ORACLE, attestation.policy, attestation.epoch, attestation.level);
        Checkpoint memory vault;
        if (terms.vault.at != address(0)) {
            (vault.checkpoint, vault.number, vault.grownAt, vault.x, vault.y) =
                ICollateralVault(terms.vault.at).checkpointOf(attestation.subject);
        }
        return Grounds({
            standing: standing,
            snapshot: snapshot,
            newest: newest,
            coef: coef,
            vault: vault,
            digests: _digests(attestation.statements, attestation.subject, terms)
        });
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
        Terms memory terms = grounds.standing.terms;
        if (terms.vault.at == address(0)) return;
        uint40 grownAt = grounds.vault.grownAt;
        // Everything counted was there at one moment, up to the skew.
        if (grownAt > oldestStatement + terms.maxStatementSkew) revert VaultGrownSince(grownAt);
        // Collateral of the snapshot's own moment may be lent for a single transaction.
        if (uint256(grownAt) + terms.vault.minAge >= grounds.snapshot.time) revert VaultTooYoung(grownAt);
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

    /// @dev The points of a proof that its prover does not choose: the level's wiring and coefficients, and all
    /// holdings, the sum of the sources' commitments and the vault's.
    function _publicPoints(Attestation calldata attestation, Grounds memory grounds)
        private
        view
        returns (uint256[8] memory)
    {
        (uint256 x, uint256 y) = (grounds.vault.x, grounds.vault.y);
        if (x | y != 0 && !Bn254.isPoint(x, y)) revert InvalidCommitment(attestation.statements.length);
        (x, y) = _sum(attestation.statements, x, y);
        LevelWiring memory wiring = grounds.standing.terms.levels[attestation.level];
        return [wiring.idx[0], wiring.idx[1], wiring.flag[0], wiring.flag[1], grounds.coef[0], grounds.coef[1], x, y];
    }

    function _context(Attestation calldata attestation, Grounds memory grounds) private view returns (uint256) {
        Terms memory terms = grounds.standing.terms;
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
        context.statements = _hash(grounds.digests);
        context.vaultCheckpoint = grounds.vault.checkpoint;
        context.validUntil = attestation.validUntil;
        context.presentation = attestation.presentation;
        uint256 hash;
        assembly ("memory-safe") {
            hash := keccak256(context, CONTEXT_BYTES)
        }
        return hash % SCALAR_FIELD_MODULUS;
    }

    /// @dev {ISuretyVerifier-verifyProof}, encoded with fewer copies.
    function _verify(address verifier, bytes calldata proof, uint256 context, uint256[8] memory points) private view {
        bytes4 selector = ISuretyVerifier.verifyProof.selector;
        assembly ("memory-safe") {
            // The selector, the offset of the proof, the context, the points, and the proof: a length and bytes, which
            // are followed by zeros up to a word.
            let call_ := mload(0x40)
            let words := add(call_, 0x04)
            let padded := and(add(proof.length, 0x1f), not(0x1f))
            mstore(call_, selector)
            mstore(words, 0x140)
            mstore(add(words, 0x20), context)
            mcopy(add(words, 0x40), points, 0x100)
            mstore(add(words, 0x140), proof.length)
            mstore(add(add(words, 0x140), padded), 0)
            calldatacopy(add(words, 0x160), proof.offset, proof.length)
            // Where there is no contract, nothing is verified.
            let success := and(
                staticcall(gas(), verifier, call_, add(0x164, padded), 0, 0),
                iszero(iszero(extcodesize(verifier)))
            )
            if iszero(success) {
                returndatacopy(call_, 0, returndatasize())
                revert(call_, returndatasize())
            }
        }
    }

    /* PRIVATE: KEEPING */

    /// @dev Keeps an attestation whose proof is valid, unless a newer one was kept.
    function _keep(Attestation calldata attestation, Examined memory examined) private {
        uint72 sequences = _keepAccounts(attestation, examined);
        _keepVault(attestation, examined);
        Record storage kept = _records[attestation.subject][attestation.policy][attestation.level];
        Record memory record = _load(kept);
        Snapshot memory snapshot = examined.grounds.snapshot;
        uint32 vaultNumber = examined.grounds.vault.number;
        bool exists = record.streak != 0;
        if (exists) {
            bool sameEpoch = snapshot.epoch == record.epoch;
            // Over newer statements or a newer checkpoint the record may count for less, as the old one counts no more.
            bool sameGrounds = sequences == record.sequences && vaultNumber <= record.vaultNumber;
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
        record.vaultNumber = vaultNumber;
        record.sequences = sequences;
        _store(kept, record);
        _announce(attestation, examined, record);
    }

    function _announce(Attestation calldata attestation, Examined memory examined, Record memory record) private {
        (address subject, bytes32 policy) = (attestation.subject, attestation.policy);
        bytes32 level = examined.grounds.standing.terms.levels[attestation.level].level;
        if (examined.isShortfall) {
            emit ShortfallAttested(subject, policy, level, record.epoch, record.validUntil, record.streak);
        } else {
            emit Attested(subject, policy, level, record.epoch, record.validUntil, record.streak);
        }
    }

    /// @dev Keeps the sequence numbers, the digests and the pledges of the statements' accounts. A shortfall pledges
    /// nothing, and a pledge to another policy is no obstacle: otherwise subjects would escape by attesting elsewhere.
    /// @return sequences The sum of the sequence numbers.
    function _keepAccounts(Attestation calldata attestation, Examined memory examined)
        private
        returns (uint72 sequences)
    {
        bool pledges = EXCLUSIVE && !examined.isShortfall;
        mapping(uint256 group => Group) storage groups = _groups[attestation.subject];
        uint32[] memory accounts = examined.grounds.standing.accounts;
        bytes32[] memory digests = examined.grounds.digests;
        Statement[] calldata statements = attestation.statements;
        for (uint256 i = 0; i < statements.length; ++i) {
            uint64 sequence = statements[i].sequence;
            sequences += sequence;
            (Group storage group, uint256 place) = _placeIn(groups, accounts[i]);
            _keepNewest(group, place, i, sequence, _truncated(digests[i]));
            if (pledges && !_pledge(group, place, attestation, examined)) revert Encumbered(i);
        }
    }

    /// @dev Keeps the sequence number and the digest of the statement at an index.
    function _keepNewest(Group storage group, uint256 place, uint256 index, uint64 sequence, uint128 digest) private {
        (uint64 newest, uint128 before) = _newestAt(group, place);
        if (sequence < newest) revert StatementSuperseded(index, newest);
        bool isAnother = sequence == newest && before != 0 && before != digest;
        if (isAnother) revert SequenceRepeated(index, sequence);
        _setNewest(group, place, sequence, digest);
    }

    /// @dev Pledges the subject's collateral in the vault, whose number follows those of the sources' accounts.
    function _keepVault(Attestation calldata attestation, Examined memory examined) private {
        Standing memory standing = examined.grounds.standing;
        address vault = standing.terms.vault.at;
        if (!EXCLUSIVE || examined.isShortfall || vault == address(0)) return;
        uint32 number = standing.accounts[standing.terms.sources.length];
        (Group storage group, uint256 place) = _placeOf(attestation.subject, number);
        if (!_pledge(group, place, attestation, examined)) revert VaultPledged(vault);
    }

    /// @dev Pledges an account to the attestation's policy for as long as the attestation counts.
    /// @return False if the account is pledged to another policy.
    function _pledge(Group storage group, uint256 place, Attestation calldata attestation, Examined memory examined)
        private
        returns (bool)
    {
        uint32 ordinal = examined.grounds.standing.ordinal;
        (uint40 pledgedUntil, uint32 pledgedTo) = _pledgeAt(group, place);
        bool here = pledgedTo == ordinal;
        if (!here && block.timestamp <= pledgedUntil) return false;
        // An attestation of another level may count for longer.
        uint40 until = uint40(attestation.validUntil);
        if (!here || until > pledgedUntil) pledgedUntil = until;
        group.pledges[place] = uint72(pledgedUntil) << 32 | ordinal;
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

    /// @dev The terms of a policy, and the present state of what it draws on. While the policy is not in force no level
    /// claims sufficiency.
    function _present(bytes32 policy, address subject) private view returns (Terms memory, Present memory present) {
        Standing memory standing = StandingReader.read(POLICY_REGISTRY, policy);
        Terms memory terms = standing.terms;
        if (!standing.inForce) {
            terms.sufficient = 0;
            return (terms, present);
        }
        present.floor = _floorOf(terms, subject);
        mapping(uint256 group => Group) storage groups = _groups[subject];
        for (uint256 i = 0; i < terms.sources.length; ++i) {
            (Group storage group, uint256 place) = _placeIn(groups, standing.accounts[i]);
            present.sequences += _sequenceAt(group, place);
        }
        return (terms, present);
    }

    /// @dev The number of the first checkpoint in the vault whose records count; zero if there is no vault.
    function _floorOf(Terms memory terms, address subject) private view returns (uint32) {
        return terms.vault.at == address(0) ? 0 : ICollateralVault(terms.vault.at).floorOf(subject);
    }

    /// @dev The number of the subject's present checkpoint in the vault; zero if there is no vault.
    function _numberOf(Terms memory terms, address subject) private view returns (uint32 number) {
        if (terms.vault.at != address(0)) (, number,,,) = ICollateralVault(terms.vault.at).checkpointOf(subject);
    }

    /// @dev The fields of a record with a single read: they share a word.
    function _load(Record storage record) private view returns (Record memory) {
        uint256 word;
        assembly ("memory-safe") {
            word := sload(record.slot)
        }
        return Record({
            epoch: uint40(word),
            pricesAt: uint40(word >> 40),
            validUntil: uint40(word >> 80),
            streak: uint32(word >> 120),
            vaultNumber: uint32(word >> 152),
            sequences: uint72(word >> 184)
        });
    }

    /// @dev Overwrites a record with a single write.
    function _store(Record storage record, Record memory fields) private {
        uint256 word = uint256(fields.sequences) << 184 | uint256(fields.vaultNumber) << 152
            | uint256(fields.streak) << 120 | uint256(fields.validUntil) << 80 | uint256(fields.pricesAt) << 40
            | fields.epoch;
        assembly ("memory-safe") {
            sstore(record.slot, word)
        }
    }

    function _verifier(Examined memory examined) private pure returns (address) {
        return examined.grounds.standing.terms.verifier;
    }

    /// @dev The place of the account with a number.
    function _placeOf(address subject, uint256 number) private view returns (Group storage group, uint256 place) {
        return _placeIn(_groups[subject], number);
    }

    /// @dev As {_placeOf}, for one of several accounts of a subject.
    function _placeIn(mapping(uint256 group => Group) storage groups, uint256 number)
        private
        view
        returns (Group storage group, uint256 place)
    {
        unchecked {
            return (groups[number / ACCOUNTS_PER_GROUP], number % ACCOUNTS_PER_GROUP);
        }
    }

    function _newestAt(Group storage group, uint256 place) private view returns (uint64, uint128) {
        (uint256 sequence, uint128 digest) = PackedAccounts.load(group.newest, place);
        return (sequence == PackedAccounts.MAX_SEQUENCE ? group.large[place] : uint64(sequence), digest);
    }

    /// @dev As {_newestAt}, where the digest is not needed.
    function _sequenceAt(Group storage group, uint256 place) private view returns (uint64) {
        uint256 sequence = PackedAccounts.loadSequence(group.newest, place);
        return sequence == PackedAccounts.MAX_SEQUENCE ? group.large[place] : uint64(sequence);
    }

    function _setNewest(Group storage group, uint256 place, uint64 sequence, uint128 digest) private {
        uint256 packed = sequence;
        if (sequence >= PackedAccounts.MAX_SEQUENCE) {
            packed = PackedAccounts.MAX_SEQUENCE;
            group.large[place] = sequence;
        }
        PackedAccounts.store(group.newest, place, packed, digest);
    }

    function _pledgeAt(Group storage group, uint256 place) private view returns (uint40 until, uint32 to) {
        uint72 pledge = group.pledges[place];
        return (uint40(pledge >> 32), uint32(pledge));
    }

    /// @dev The part of a digest that is kept of the newest statement.
    function _truncated(bytes32 digest) private pure returns (uint128) {
        return uint128(uint256(digest));
    }
}
