// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {IBookRegistry} from "../interfaces/IBookRegistry.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";
import {ISuretyVerifier} from "../interfaces/ISuretyVerifier.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {
    BOOK_CONTEXT_TAG,
    BOOK_KIND_TAG,
    BOOK_ROOT_TAG,
    BOOK_RULES_TAG,
    BOOK_TAG,
    MAX_PAGES,
    SCALAR_FIELD_MODULUS
} from "../libraries/Constants.sol";
import {PageTree} from "../libraries/PageTree.sol";
import {Book, BookRecord, BookRules, PageKind, ReservesProgram} from "../types/Book.sol";
import {Snapshot} from "../types/Market.sol";
import {Terms} from "../types/Policy.sol";
import {Evidence} from "./Evidence.sol";

/// @title The book registry
/// @dev Hashes are those of books/src/compiled.rs, books/src/book.rs and books/src/root.rs. Proofs are verified by the
/// contract that the policy registry names for the rules' policy, with its set-up, and by no other.
contract BookRegistry is IBookRegistry, Evidence, ERC165 {
    /* STORAGE */

    /// @dev The contracts whose code is the program of the rules' reserves, encoded; zero for unknown rules.
    mapping(bytes32 rules => address) private _programs;
    mapping(bytes32 root => BookRecord) private _books;
    mapping(address venue => bytes32 root) private _latest;
    /// @dev The newest epoch of a policy over whose prices a venue has published a book.
    mapping(address venue => mapping(bytes32 policy => uint64 epoch)) private _epochs;
    /// @dev The last second at which any book of a venue counts, or would if none were newer. Those that count until
    /// the present are all under the rules of the newest.
    mapping(address venue => uint40 until) private _until;

    /* CONSTRUCTOR */

    constructor(IPolicyRegistry policyRegistry, ISnapshotOracle oracle) Evidence(policyRegistry, oracle) {}

    /* REGISTERING AND PUBLISHING */

    /// @inheritdoc IBookRegistry
    function register(BookRules calldata rules) external returns (bytes32 id) {
        Terms memory terms = POLICY_REGISTRY.terms(rules.policy);
        _checkRules(rules, terms);
        id = _identify(rules, terms);
        if (_programs[id] != address(0)) revert RulesExist(id);
        _programs[id] = SSTORE2.write(abi.encode(ReservesProgram(rules.policy, rules.idx, rules.flag, rules.coef)));
        emit BookRulesRegistered(id, rules.policy, rules);
    }

    /// @inheritdoc IBookRegistry
    function publish(Book calldata book) external returns (bytes32 root) {
        ReservesProgram memory program = programOf(book.rules);
        if (!_isInForce(program.policy)) revert IAttestationRegistry.PolicyNotInForce(program.policy);
        if (book.pages == 0 || book.pages > MAX_PAGES) revert WrongPageCount(book.pages);
        _checkOrder(book, program.policy);
        Terms memory terms = POLICY_REGISTRY.terms(program.policy);
        bytes32[] memory digests = _digests(book.statements, msg.sender, terms);
        bytes32 snapshot = _checkGrounds(book, program.policy, terms);
        _checkStatements(book.statements, digests, program.policy, terms);
        root = _root(book, snapshot);
        _verify(book, program, terms.verifier, _context(root, digests));
        _keep(book, program.policy, root);
    }

    /* VIEWS */

    /// @inheritdoc IBookRegistry
    function programOf(bytes32 rules) public view returns (ReservesProgram memory) {
        address program = _programs[rules];
        if (program == address(0)) revert UnknownRules(rules);
        return abi.decode(SSTORE2.read(program), (ReservesProgram));
    }

    /// @inheritdoc IBookRegistry
    function bookOf(bytes32 root) external view returns (BookRecord memory) {
        return _books[root];
    }

    /// @inheritdoc IBookRegistry
    function latestOf(address venue) external view returns (bytes32 root) {
        return _latest[venue];
    }

    /// @inheritdoc IBookRegistry
    function counts(bytes32 root) external view returns (bool) {
        BookRecord memory book = _books[root];
        // Of an unknown root all is zero.
        return _latest[book.venue] == root && block.timestamp <= book.validUntil
            && _isInForce(programOf(book.rules).policy);
    }

    /// @inheritdoc IBookRegistry
    function isPage(bytes32 root, uint32 index, uint32 kind, uint256[2] calldata commitment, bytes32[] calldata path)
        external
        view
        returns (bool)
    {
        BookRecord memory book = _books[root];
        return PageTree.contains(book.top, book.pages, PageTree.leaf(index, kind, commitment), index, path);
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IBookRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    /* PRIVATE: RULES */

    function _checkRules(BookRules calldata rules, Terms memory terms) private pure {
        _require(rules.kinds.length != 0, "kinds");
        _require(Bn254.isPoint(rules.idx[0], rules.idx[1]), "idx");
        _require(Bn254.isPoint(rules.flag[0], rules.flag[1]), "flag");
        _require(Bn254.isPoint(rules.coef[0], rules.coef[1]), "coef");
        _require(terms.scopes.length == 0, "policy: scopes");
        for (uint256 i = 0; i < terms.sources.length; ++i) {
            _require(!terms.sources[i].isContract, "policy: sources");
        }
    }

    function _require(bool holds, string memory part) private pure {
        if (!holds) revert InvalidRules(part);
    }

    function _identify(BookRules calldata rules, Terms memory terms) private pure returns (bytes32) {
        bytes32[] memory kinds = new bytes32[](rules.kinds.length);
        for (uint256 i = 0; i < kinds.length; ++i) {
            kinds[i] = _hash(rules.kinds[i]);
        }
        bytes32 program = keccak256(abi.encode(terms.verifyingKey, rules.idx, rules.flag, rules.coef));
        bytes32 document = keccak256(rules.document);
        return
            keccak256(abi.encodePacked(BOOK_RULES_TAG, document, rules.policy, terms.universe, program, kinds));
    }

    function _hash(PageKind calldata kind) private pure returns (bytes32) {
        bytes32 name = keccak256(bytes(kind.name));
        // Elements of arrays are padded to words.
        bytes memory instruments = abi.encodePacked(kind.instruments);
        return keccak256(
            abi.encodePacked(
                abi.encode(BOOK_KIND_TAG, name, kind.debts, kind.accounts, kind.program), instruments
            )
        );
    }

    /* PRIVATE: BOOKS */

    /// @dev One moment has one book, and one epoch of a policy has one, whatever the rules. Until the last book under
    /// other rules has lapsed, which need not be the newest, reserves would count twice.
    function _checkOrder(Book calldata book, bytes32 policy) private view {
        BookRecord memory newest = _books[_latest[msg.sender]];
        if (newest.venue == address(0)) return;
        if (book.asOf <= newest.asOf) revert NotNewer(newest.asOf);
        uint64 epoch = _epochs[msg.sender][policy];
        if (book.epoch <= epoch) revert EpochHasBook(epoch);
        uint40 until = _until[msg.sender];
        if (book.rules != newest.rules && block.timestamp <= until) revert OtherRulesCount(newest.rules, until);
    }

    /// @dev Checks who states, and when statements, prices and balances are from.
    /// @return id The identifier of the snapshot.
    function _checkGrounds(Book calldata book, bytes32 policy, Terms memory terms) private view returns (bytes32 id) {
        _checkSubject(msg.sender, terms);
        // Books have no level; the first one of a policy always exists, and claims sufficiency.
        (Snapshot memory snapshot, Snapshot memory newest,) = ORACLE.read(policy, book.epoch, 0);
        _checkSnapshot(book.epoch, snapshot, newest, terms);
        id = ORACLE.idOf(policy, book.epoch);
        if (id == 0) revert SnapshotNotSigned(book.epoch);
        (uint256 first, uint256 last) = _checkTimes(book.statements, snapshot, terms, book.validUntil);
        if (book.asOf > block.timestamp) revert IAttestationRegistry.NotYet();
        // Between the statements it is near enough to all of them, as they are to each other.
        uint256 apart = book.asOf > first ? book.asOf - first : last - book.asOf;
        if (apart > terms.maxStatementSkew) revert BalancesTooFarApart(apart);
    }

    /// @dev Verifies the proof of what the statements hide beside the pages.
    function _verify(Book calldata book, ReservesProgram memory program, address verifier, uint256 context)
        private
        view
    {
        (uint256 x, uint256 y) = _sum(book.statements, 0, 0);
        if (!Bn254.isPoint(book.sum[0], book.sum[1])) revert InvalidSum();
        (x, y) = Bn254.add(x, y, book.sum[0], Bn254.negateY(book.sum[1]));
        if (Bn254.isIdentity(x, y)) revert NothingLeft();
        uint256[8] memory points = [
            program.idx[0], program.idx[1], program.flag[0], program.flag[1], program.coef[0], program.coef[1], x, y
        ];
        ISuretyVerifier(verifier).verifyProof(book.reserves, context, points);
    }

    function _keep(Book calldata book, bytes32 policy, bytes32 root) private {
        // Both times were compared with times of 40 bits.
        _books[root] = BookRecord({
            venue: msg.sender,
            asOf: uint40(book.asOf),
            validUntil: uint40(book.validUntil),
            epoch: book.epoch,
            pages: book.pages,
            rules: book.rules,
            top: book.top
        });
        _latest[msg.sender] = root;
        _epochs[msg.sender][policy] = book.epoch;
        if (book.validUntil > _until[msg.sender]) _until[msg.sender] = uint40(book.validUntil);
        emit BookPublished(msg.sender, root, book.rules, book.asOf, book.validUntil, book.pages, book.uri);
    }

    /* PRIVATE: HASHING */

    function _root(Book calldata book, bytes32 snapshot) private view returns (bytes32) {
        bytes32 header = keccak256(
            abi.encode(
                BOOK_TAG,
                book.rules,
                snapshot,
                block.chainid,
                address(this),
                msg.sender,
                book.asOf,
                book.validUntil
            )
        );
        return keccak256(abi.encode(BOOK_ROOT_TAG, header, book.pages, book.top, book.sum));
    }

    function _context(bytes32 root, bytes32[] memory digests) private pure returns (uint256) {
        bytes32 statements = _hash(digests);
        return uint256(keccak256(abi.encode(BOOK_CONTEXT_TAG, root, statements))) % SCALAR_FIELD_MODULUS;
    }
}
