// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Statement} from "./Attestation.sol";

/// @notice A kind of page, as `KindSummary` in books/src/compiled.rs has it.
/// @param name The kind's name.
/// @param debts True if accounts of the kind may owe anything.
/// @param accounts The number of accounts in a page.
/// @param program The hash of the kind's program.
/// @param instruments The positions in the universe of the instruments that accounts may have.
struct PageKind {
    string name;
    bool debts;
    uint32 accounts;
    bytes32 program;
    uint32[] instruments;
}

/// @notice The rules of books, as they are registered.
/// @param document The canonical encoding of the rules as the venue has written them: among others the caps.
/// @param policy The policy whose sources state the reserves and whose nodes sign the prices.
/// @param idx The commitment to the column IDX of the program of the reserves, x and y.
/// @param flag The commitment to the column FLAG of this program, x and y.
/// @param coef The commitment to the column COEF of this program, in which no price occurs, x and y.
/// @param kinds The kinds of pages.
struct BookRules {
    bytes document;
    bytes32 policy;
    uint256[2] idx;
    uint256[2] flag;
    uint256[2] coef;
    PageKind[] kinds;
}

/// @notice The part of registered rules that publishing needs.
/// @param policy The policy; zero for unknown rules.
/// @param idx The commitment to the column IDX of the program of the reserves, x and y.
/// @param flag The commitment to the column FLAG, x and y.
/// @param coef The commitment to the column COEF, x and y.
struct ReservesProgram {
    bytes32 policy;
    uint256[2] idx;
    uint256[2] flag;
    uint256[2] coef;
}

/// @notice A book as its venue publishes it. Times are in seconds.
/// @param rules The identifier of the book's rules.
/// @param epoch The epoch of the prices.
/// @param asOf The time of the accounts' balances.
/// @param validUntil The last second at which the book counts.
/// @param pages The number of pages.
/// @param top The topmost node of the tree over the pages.
/// @param sum The sum of the commitments to the pages, x and y.
/// @param statements The custodians' statements about the venue, one for each account of the policy, in its order.
/// @param reserves The proof of the reserves.
/// @param uri A place where the pages and the other public files are.
struct Book {
    bytes32 rules;
    uint64 epoch;
    uint64 asOf;
    uint64 validUntil;
    uint32 pages;
    bytes32 top;
    uint256[2] sum;
    Statement[] statements;
    bytes reserves;
    string uri;
}

/// @notice The part of a book that the registry keeps.
/// @param venue The venue; zero if there is no book.
/// @param asOf The time of the accounts' balances.
/// @param validUntil The last second at which the book counts.
/// @param epoch The epoch of the prices.
/// @param pages The number of pages.
/// @param rules The identifier of the book's rules.
/// @param top The topmost node of the tree over the pages.
struct BookRecord {
    address venue;
    uint40 asOf;
    uint40 validUntil;
    uint64 epoch;
    uint32 pages;
    bytes32 rules;
    bytes32 top;
}
