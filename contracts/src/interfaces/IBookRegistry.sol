// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Book, BookRecord, BookRules, ReservesProgram} from "../types/Book.sol";
import {IEvidence} from "./IEvidence.sol";

/// @title Books: the accounts of venues, all of them
/// @notice A venue publishes a book for an epoch: the root of its pages, and the proof that what custodians hold covers
/// what the pages owe. The book registry computes the root and the proof's public inputs itself, and verifies the
/// statements and the proof. **It verifies no page**: everybody verifies the pages against the root, from the files at
/// the book's URI, with `surety book verify`. A page without a valid proof, or a missing one, voids the book.
///
/// The root is the one of `surety book verify`: whoever checks a cell against it sees the book that all others see.
/// Only the venue publishes. There is one book for each moment, so anybody else who could publish could also spoil it:
/// with another URI, or over other statements.
///
/// Statements, snapshots and times are refused with the errors of {IAttestationRegistry}. Statements of custodians name
/// this contract as the registry that they are meant for, and so serve no attestation. Their sequence numbers are not
/// kept: a book is about its moment, and a newer statement says nothing of that.
interface IBookRegistry is IEvidence {
    /* EVENTS */

    /// @notice Rules of books were registered. `published` contains the venue's text of them, with the caps.
    event BookRulesRegistered(bytes32 indexed rules, bytes32 indexed policy, BookRules published);

    /// @notice A venue has published a book whose reserves are proven.
    event BookPublished(
        address indexed venue,
        bytes32 indexed root,
        bytes32 indexed rules,
        uint64 asOf,
        uint64 validUntil,
        uint32 pages,
        string uri
    );

    /* ERRORS */

    /// @notice The field `part` of the rules breaks a condition.
    error InvalidRules(string part);
    /// @notice The rules have been registered already.
    error RulesExist(bytes32 rules);
    /// @notice No such rules have been registered.
    error UnknownRules(bytes32 rules);
    /// @notice A book has at least one page, and at most 2^24.
    error WrongPageCount(uint32 pages);
    /// @notice The snapshot was taken from feeds. A book refers to one that nodes have signed.
    error SnapshotNotSigned(uint64 epoch);
    /// @notice The time of the accounts' balances is further from that of a statement than the policy's skew allows.
    error BalancesTooFarApart(uint256 apart);
    /// @notice The sum of the commitments to the pages is no point.
    error InvalidSum();
    /// @notice The statements hide nothing beside the pages.
    error NothingLeft();
    /// @notice The venue has published a book as of `newest`, which is no earlier.
    error NotNewer(uint64 newest);
    /// @notice The venue has published a book over the policy's prices of the epoch `newest`, which is no earlier,
    /// under these rules or others.
    error EpochHasBook(uint64 newest);
    /// @notice Of the venue's books under the rules `rules` one counts until `until`: the same reserves would cover
    /// both.
    error OtherRulesCount(bytes32 rules, uint64 until);

    /* REGISTERING AND PUBLISHING */

    /// @notice Registers rules. Anybody may call: the identifier says all of the rules.
    ///
    /// The contract does not compile rules. Whoever relies on a book compares the identifier with the one that follows
    /// from the rules' text, the policy and the universe, as `surety book verify` does.
    ///
    /// Neither sources that are contracts nor sources with a scope are allowed: who verifies a book off the chain can
    /// ask no contract, and a book proves no scope.
    /// @return id The identifier.
    function register(BookRules calldata rules) external returns (bytes32 id);

    /// @notice Publishes a book of the caller, which is the subject of the statements.
    ///
    /// A venue has one book for each moment, and one for each epoch of a policy, whatever the rules. Rules change when
    /// every book under the former ones has lapsed, the newest or not. The book of a frozen policy does not count,
    /// and holds the venue's place until it lapses: a thaw would bring the book back.
    /// @return root The root.
    function publish(Book calldata book) external returns (bytes32 root);

    /* VIEWS */

    /// @notice The rules' policy and the program of their reserves.
    function programOf(bytes32 rules) external view returns (ReservesProgram memory);

    /// @notice The book of a root; zeros if there is none.
    function bookOf(bytes32 root) external view returns (BookRecord memory);

    /// @notice The root of the venue's newest book, which may no longer count; zero if there is none.
    function latestOf(address venue) external view returns (bytes32 root);

    /// @notice True if the book of the root is the venue's newest one, still counts, and its policy is in force.
    function counts(bytes32 root) external view returns (bool);

    /// @notice True if a page is in a book: what a user asks before relying on a cell. Says nothing about the page's
    /// proof.
    /// @param index The page's place in the book.
    /// @param kind The place of the page's kind in the rules.
    /// @param commitment The commitment to the page, x and y.
    /// @param path The siblings of the page and of the nodes above it, from below; none for a node that has none.
    function isPage(bytes32 root, uint32 index, uint32 kind, uint256[2] calldata commitment, bytes32[] calldata path)
        external
        view
        returns (bool);
}
