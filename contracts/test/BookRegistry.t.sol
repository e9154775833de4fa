// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {BookRegistry} from "../src/core/BookRegistry.sol";
import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {IBookRegistry} from "../src/interfaces/IBookRegistry.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../src/interfaces/ISnapshotOracle.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {PageTree} from "../src/libraries/PageTree.sol";
import {Book, BookRecord, BookRules, PageKind, ReservesProgram} from "../src/types/Book.sol";
import {Snapshot} from "../src/types/Market.sol";
import {Scope, Terms} from "../src/types/Policy.sol";
import {BookFixture, ChangedBook} from "./support/BookFixture.sol";
import {P} from "./support/Field.sol";
import {OracleStandIn, PolicyStandIn} from "./support/StandIns.sol";
import {vm} from "./support/Vm.sol";
import {SuretyVerifierK10} from "./verifiers/DevelopmentVerifierK10.sol";

/// @notice The tree, called from outside so that paths are calldata.
contract Trees {
    function contains(bytes32 top, uint256 pages, bytes32 leaf, uint256 index, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        return PageTree.contains(top, pages, leaf, index, path);
    }
}

/// @notice A verifier that takes every proof.
contract Credulous {
    function verifyProof(bytes calldata, uint256, uint256[8] calldata) external pure {}
}

/// @notice Books as the Rust library makes them, at the address that they are made for, with real proofs.
contract BookRegistryTest {
    BookFixture private fixture = new BookFixture();
    PolicyStandIn private policyRegistry = new PolicyStandIn();
    OracleStandIn private oracle = new OracleStandIn();
    SuretyVerifierK10 private verifier = new SuretyVerifierK10();
    BookRegistry private bookRegistry;
    bytes32 private policy = fixture.policy();
    address private venue = fixture.venue();
    bytes32 private rules;

    function setUp() external {
        vm.prank(fixture.BOOK_REGISTRY_CREATOR());
        bookRegistry = _newRegistry();
        require(address(bookRegistry) == fixture.bookRegistry());
        policyRegistry.set(policy, fixture.terms(address(verifier)));
        _take("first");
        rules = bookRegistry.register(fixture.register());
    }

    /* RULES */

    function test_registers_rules_under_the_identifier_of_the_library() external {
        bookRegistry = _newRegistry();
        vm.expectEmit(address(bookRegistry));
        emit IBookRegistry.BookRulesRegistered(fixture.rulesId(), policy, fixture.register());
        require(bookRegistry.register(fixture.register()) == fixture.rulesId());
        ReservesProgram memory program = bookRegistry.programOf(rules);
        BookRules memory registered = fixture.register();
        require(program.policy == policy);
        require(
            keccak256(abi.encode(program.idx, program.flag, program.coef))
                == keccak256(abi.encode(registered.idx, registered.flag, registered.coef))
        );
    }

    function test_rejects_rules_twice() external {
        BookRules memory registered = fixture.register();
        vm.expectRevert(abi.encodeWithSelector(IBookRegistry.RulesExist.selector, rules));
        bookRegistry.register(registered);
    }

    /// @notice Attack: rules that are others than their identifier says.
    function test_rejects_to_identify_other_rules_alike() external {
        bytes32[] memory seen = new bytes32[](16);
        uint256 count = 0;
        seen[count++] = rules;
        for (uint256 change = 0; change < 11; ++change) {
            BookRules memory other = fixture.register();
            PageKind memory kind = other.kinds[1];
            if (change == 0) other.document[20] ^= 0x01;
            if (change == 1) other.document = bytes.concat(other.document, " ");
            if (change == 2) (other.idx, other.flag) = (other.flag, other.idx);
            if (change == 3) other.coef[1] = P - other.coef[1];
            if (change == 4) kind.name = "Margin";
            if (change == 5) kind.debts = !kind.debts;
            if (change == 6) ++kind.accounts;
            if (change == 7) kind.program = other.kinds[0].program;
            if (change == 8) (kind.instruments[0], kind.instruments[1]) = (kind.instruments[1], kind.instruments[0]);
            if (change == 9) kind.instruments = new uint32[](0);
            if (change == 10) (other.kinds[0], other.kinds[1]) = (other.kinds[1], other.kinds[0]);
            seen[count++] = bookRegistry.register(other);
        }
        Terms memory terms = fixture.terms(address(verifier));
        terms.universe = keccak256("another");
        policyRegistry.set(policy, terms);
        seen[count++] = bookRegistry.register(fixture.register());
        terms = fixture.terms(address(verifier));
        terms.verifyingKey = keccak256("another");
        policyRegistry.set(policy, terms);
        seen[count++] = bookRegistry.register(fixture.register());
        BookRules memory under = fixture.register();
        under.policy = keccak256("another");
        policyRegistry.set(under.policy, fixture.terms(address(verifier)));
        seen[count++] = bookRegistry.register(under);
        for (uint256 i = 0; i < count; ++i) {
            for (uint256 j = 0; j < i; ++j) {
                require(seen[i] != seen[j]);
            }
        }
    }

    function test_rejects_rules_of_an_unknown_policy() external {
        BookRules memory other = fixture.register();
        other.policy = keccak256("unknown");
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, other.policy));
        bookRegistry.register(other);
    }

    function test_rejects_rules_without_kinds() external {
        BookRules memory other = fixture.register();
        other.kinds = new PageKind[](0);
        _refuseRules(other, "kinds");
    }

    function test_rejects_rules_whose_points_are_none() external {
        string[3] memory names = ["idx", "flag", "coef"];
        uint256[2][4] memory none = [[uint256(0), 0], [uint256(1), 1], [uint256(1) + P, 2], [uint256(1), 2 + P]];
        for (uint256 i = 0; i < none.length; ++i) {
            for (uint256 column = 0; column < 3; ++column) {
                BookRules memory other = fixture.register();
                if (column == 0) other.idx = none[i];
                if (column == 1) other.flag = none[i];
                if (column == 2) other.coef = none[i];
                _refuseRules(other, names[column]);
            }
        }
    }

    /// @notice Attack: a source states reserves that the policy does not trust it for, which a book does not prove.
    function test_rejects_rules_of_policies_whose_sources_have_scopes() external {
        Terms memory terms = fixture.terms(address(verifier));
        terms.scopes = new Scope[](1);
        policyRegistry.set(policy, terms);
        BookRules memory other = fixture.register();
        other.document[0] ^= 0x01;
        _refuseRules(other, "policy: scopes");
    }

    /// @notice Who verifies the book elsewhere can ask no contract.
    function test_rejects_rules_of_policies_whose_sources_are_contracts() external {
        Terms memory terms = fixture.terms(address(verifier));
        terms.sources[0].isContract = true;
        policyRegistry.set(policy, terms);
        BookRules memory other = fixture.register();
        other.document[0] ^= 0x01;
        _refuseRules(other, "policy: sources");
    }

    function test_rejects_books_under_unknown_rules() external {
        Book memory book = fixture.book("first");
        book.rules = keccak256("unknown");
        _refuse(book, abi.encodeWithSelector(IBookRegistry.UnknownRules.selector, book.rules));
        vm.expectRevert(abi.encodeWithSelector(IBookRegistry.UnknownRules.selector, book.rules));
        bookRegistry.programOf(book.rules);
    }

    /// @notice Attack: wider caps, in the same program; and another program, under the same caps.
    function test_rejects_books_under_the_rules_of_another() external {
        BookRules memory other = fixture.register();
        other.document[0] ^= 0x01;
        Book memory book = fixture.book("first");
        book.rules = bookRegistry.register(other);
        _refuse(book, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
        other = fixture.register();
        other.flag[1] = P - other.flag[1];
        book.rules = bookRegistry.register(other);
        _refuse(book, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
    }

    /* PUBLISHING */

    function test_accepts_a_book() external {
        Book memory book = fixture.book("first");
        bytes32 expected = fixture.root("first");
        vm.expectEmit(address(bookRegistry));
        emit IBookRegistry.BookPublished(
            venue, expected, rules, book.asOf, book.validUntil, book.pages, book.uri
        );
        require(_publish(book) == expected);
        BookRecord memory kept = bookRegistry.bookOf(expected);
        require(kept.venue == venue && kept.rules == rules && kept.top == book.top && kept.pages == 3);
        require(kept.asOf == book.asOf && kept.validUntil == book.validUntil && kept.epoch == book.epoch);
        require(bookRegistry.latestOf(venue) == expected && bookRegistry.latestOf(address(this)) == 0);
        require(bookRegistry.bookOf(keccak256("unknown")).venue == address(0));
    }

    function test_accepts_a_book_an_epoch_later() external {
        _publish(fixture.book("first"));
        _take("next");
        require(_publish(fixture.book("next")) == fixture.root("next"));
        require(bookRegistry.latestOf(venue) == fixture.root("next"));
        // The older one has an end of its own, which it does not live to see.
        vm.warp(fixture.book("first").validUntil);
        require(bookRegistry.counts(fixture.root("next")) && !bookRegistry.counts(fixture.root("first")));
    }

    /// @notice The place is the venue's word: the root does not depend on it.
    function test_accepts_a_book_at_another_place() external {
        Book memory book = fixture.book("first");
        book.uri = "ipfs://elsewhere";
        require(_publish(book) == fixture.root("first"));
    }

    function test_a_book_counts_until_it_lapses_and_while_its_policy_is_in_force() external {
        bytes32 root = _publish(fixture.book("first"));
        require(bookRegistry.counts(root) && !bookRegistry.counts(keccak256("unknown")) && !bookRegistry.counts(0));
        vm.warp(fixture.book("first").validUntil);
        require(bookRegistry.counts(root));
        policyRegistry.setCountsFrom(policy, type(uint40).max);
        require(!bookRegistry.counts(root));
        policyRegistry.setCountsFrom(policy, 0);
        vm.warp(fixture.book("first").validUntil + 1);
        require(!bookRegistry.counts(root));
    }

    /// @notice Every change that the native verifier judges, judged here: the same are accepted, and others refused for
    /// the same reason.
    function test_decides_on_books_as_the_native_verifier() external {
        ChangedBook[] memory changes = fixture.changes();
        require(changes.length > 30);
        for (uint256 i = 0; i < changes.length; ++i) {
            uint256 state = vm.snapshotState();
            vm.warp(changes[i].time);
            vm.prank(changes[i].venue);
            (bool success, bytes memory reason) = address(bookRegistry).call(changes[i].publish);
            bool agrees = success ? bytes(changes[i].rule).length == 0 : _isReason(changes[i].rule, bytes4(reason));
            require(agrees, changes[i].change);
            require(vm.revertToState(state));
        }
    }

    /// @notice Attack: a second book of the same moment, or of an earlier one, for other people.
    function test_rejects_a_book_that_is_not_newer() external {
        Book memory book = fixture.book("first");
        _publish(book);
        bytes memory reason = abi.encodeWithSelector(IBookRegistry.NotNewer.selector, book.asOf);
        _refuse(book, reason);
        --book.asOf;
        _refuse(book, reason);
        _take("next");
        book = fixture.book("next");
        book.asOf = fixture.book("first").asOf;
        _refuse(book, reason);
    }

    function test_rejects_a_second_book_of_an_epoch() external {
        Book memory book = fixture.book("first");
        _publish(book);
        ++book.asOf;
        _refuse(book, abi.encodeWithSelector(IBookRegistry.EpochHasBook.selector, book.epoch));
        --book.epoch;
        _refuse(book, abi.encodeWithSelector(IBookRegistry.EpochHasBook.selector, book.epoch + 1));
    }

    /// @notice Attack: the same reserves cover two books, each with a part of the customers.
    function test_rejects_a_book_under_other_rules_while_one_counts() external {
        Book memory book = fixture.book("first");
        uint64 until = book.validUntil;
        _publish(book);
        _take("next");
        book = fixture.book("next");
        book.rules = bookRegistry.register(_otherRules());
        vm.warp(until);
        _refuse(book, abi.encodeWithSelector(IBookRegistry.OtherRulesCount.selector, rules, until));
        // Next comes what depends on the rules.
        vm.warp(until + 1);
        _refuse(book, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
    }

    /// @notice Attack: two books of one epoch under the same rules, with one under other rules between them, at prices
    /// of the same policy or of another.
    function test_rejects_a_second_book_of_an_epoch_whatever_the_rules() external {
        _take("next");
        _acceptProofs(policy);
        Book memory book = fixture.book("next");
        (uint64 until, uint64 epoch) = (book.validUntil, book.epoch);
        book.validUntil = uint64(block.timestamp);
        _publish(book);
        vm.warp(block.timestamp + 1);
        (book.asOf, book.validUntil) = (book.asOf + 1, until);
        book.rules = bookRegistry.register(_otherRules());
        _refuse(book, abi.encodeWithSelector(IBookRegistry.EpochHasBook.selector, epoch));
        // Another policy counts its epochs by itself.
        bytes32 another = keccak256("another");
        _acceptProofs(another);
        Snapshot memory snapshot = fixture.snapshot("next");
        snapshot.epoch = epoch - 1;
        oracle.add(another, snapshot, new uint256[2][](1));
        oracle.setId(another, epoch - 1, keccak256("prices of another"));
        BookRules memory under = fixture.register();
        under.policy = another;
        book.rules = bookRegistry.register(under);
        (book.epoch, book.validUntil) = (epoch - 1, uint64(block.timestamp));
        _publish(book);
        vm.warp(block.timestamp + 1);
        (book.rules, book.epoch, book.asOf, book.validUntil) = (rules, epoch, book.asOf + 1, until);
        _refuse(book, abi.encodeWithSelector(IBookRegistry.EpochHasBook.selector, epoch));
    }

    /// @notice Attack: a short book ends the time in which a long one keeps other rules away.
    function test_rejects_a_book_under_other_rules_while_an_earlier_one_would_count() external {
        _acceptProofs(policy);
        Book memory book = fixture.book("first");
        uint64 until = uint64(fixture.time("next")) + 100;
        book.validUntil = until;
        _publish(book);
        _take("next");
        book = fixture.book("next");
        book.validUntil = uint64(block.timestamp);
        _publish(book);
        Snapshot memory snapshot = fixture.snapshot("next");
        (snapshot.epoch, snapshot.previousEpoch) = (snapshot.epoch + 1, snapshot.epoch);
        oracle.add(policy, snapshot, new uint256[2][](1));
        oracle.setId(policy, snapshot.epoch, keccak256("later prices"));
        (book.epoch, book.asOf) = (snapshot.epoch, book.asOf + 1);
        book.rules = bookRegistry.register(_otherRules());
        vm.warp(block.timestamp + 1);
        book.validUntil = until;
        _refuse(book, abi.encodeWithSelector(IBookRegistry.OtherRulesCount.selector, rules, until));
        // Under the same rules there is nothing to wait for.
        uint256 state = vm.snapshotState();
        bytes32 other = book.rules;
        book.rules = rules;
        _publish(book);
        require(vm.revertToState(state));
        book.rules = other;
        vm.warp(until);
        _refuse(book, abi.encodeWithSelector(IBookRegistry.OtherRulesCount.selector, rules, until));
        vm.warp(until + 1);
        book.validUntil = until + 1;
        _publish(book);
        require(bookRegistry.counts(bookRegistry.latestOf(venue)));
    }

    /// @notice Attack: a freeze makes way for the same reserves under another policy, and a thaw brings the book back.
    function test_rejects_a_book_under_other_rules_while_the_policy_is_frozen() external {
        Book memory book = fixture.book("first");
        bytes32 root = _publish(book);
        policyRegistry.setCountsFrom(policy, type(uint40).max);
        BookRules memory under = fixture.register();
        under.policy = keccak256("another");
        _acceptProofs(under.policy);
        book.rules = bookRegistry.register(under);
        ++book.asOf;
        require(!bookRegistry.counts(root));
        _refuse(book, abi.encodeWithSelector(IBookRegistry.OtherRulesCount.selector, rules, book.validUntil));
    }

    /// @notice Attack: somebody else publishes the venue's book, at a place without its pages.
    function test_rejects_publication_by_another() external {
        Book memory book = fixture.book("first");
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0));
        bookRegistry.publish(book);
    }

    function test_rejects_a_book_for_another_chain_or_registry() external {
        Book memory book = fixture.book("first");
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.WrongSignature.selector, 0);
        vm.chainId(1);
        _refuse(book, reason);
        vm.chainId(31_337);
        bookRegistry = _newRegistry();
        bookRegistry.register(fixture.register());
        _refuse(book, reason);
    }

    /// @notice Attack: a list with a page left out, or one more, under the proof of another.
    function test_rejects_another_list_of_pages() external {
        bytes memory reason = abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector);
        for (uint256 change = 0; change < 5; ++change) {
            Book memory book = fixture.book("first");
            if (change == 0) book.top ^= bytes32(uint256(1));
            if (change == 1) ++book.pages;
            if (change == 2) --book.pages;
            if (change == 3) book.sum[1] = P - book.sum[1];
            if (change == 4) book.sum = fixture.book("next").sum;
            _refuse(book, reason);
        }
    }

    function test_rejects_a_book_of_other_times() external {
        bytes memory reason = abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector);
        Book memory book = fixture.book("first");
        --book.asOf;
        _refuse(book, reason);
        book = fixture.book("first");
        --book.validUntil;
        _refuse(book, reason);
    }

    function test_rejects_balances_of_the_future() external {
        Book memory book = fixture.book("first");
        book.asOf = uint64(block.timestamp) + 1;
        _refuse(book, abi.encodeWithSelector(IAttestationRegistry.NotYet.selector));
        book.asOf = type(uint64).max;
        _refuse(book, abi.encodeWithSelector(IAttestationRegistry.NotYet.selector));
        // The present is none of the future: what comes next depends on the time.
        book.asOf = uint64(block.timestamp);
        _refuse(book, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
    }

    /// @notice Attack: balances of a moment at which the custodians held something else.
    function test_rejects_balances_of_another_moment_than_the_statements() external {
        Book memory book = fixture.book("first");
        uint64 stated = book.statements[0].asOf;
        vm.warp(stated + 700);
        (book.asOf, book.validUntil) = (stated + 601, stated + 3_600);
        _refuse(book, abi.encodeWithSelector(IBookRegistry.BalancesTooFarApart.selector, 601));
        book.asOf = stated - 601;
        _refuse(book, abi.encodeWithSelector(IBookRegistry.BalancesTooFarApart.selector, 601));
        book.asOf = 0;
        _refuse(book, abi.encodeWithSelector(IBookRegistry.BalancesTooFarApart.selector, stated));
        for (uint64 i = 0; i < 2; ++i) {
            book.asOf = i == 0 ? stated + 600 : stated - 600;
            _refuse(book, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
        }
    }

    function test_rejects_numbers_of_pages_that_no_book_has() external {
        Book memory book = fixture.book("first");
        uint32[3] memory none = [uint32(0), 2 ** 24 + 1, type(uint32).max];
        for (uint256 i = 0; i < none.length; ++i) {
            book.pages = none[i];
            _refuse(book, abi.encodeWithSelector(IBookRegistry.WrongPageCount.selector, none[i]));
        }
        book.pages = 2 ** 24;
        _refuse(book, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
    }

    function test_rejects_sums_that_are_no_points() external {
        uint256[2][5] memory none = [
            [uint256(0), 0], [uint256(1), 1], [uint256(1) + P, 2], [uint256(1), 2 + P], [uint256(0), P]
        ];
        Book memory book = fixture.book("first");
        for (uint256 i = 0; i < none.length; ++i) {
            book.sum = none[i];
            _refuse(book, abi.encodeWithSelector(IBookRegistry.InvalidSum.selector));
        }
    }

    /// @notice Attack: a number that is cut off on the way into a hash.
    function test_rejects_numbers_that_overflow() external {
        bytes memory call = fixture.call("first");
        // Selector, offset of the book, rules; then epoch, as of, valid until, pages.
        for (uint256 field = 0; field < 4; ++field) {
            bytes memory changed = bytes.concat(call);
            uint256 width = field == 3 ? 4 : 8;
            changed[4 + 32 + 32 + 32 * field + 31 - width] = 0x01;
            vm.prank(venue);
            (bool success, bytes memory reason) = address(bookRegistry).call(changed);
            require(!success && reason.length == 0);
        }
        vm.prank(venue);
        (bool accepted,) = address(bookRegistry).call(call);
        require(accepted);
    }

    function test_rejects_the_proof_of_another_book() external {
        Book memory book = fixture.book("first");
        book.reserves = fixture.book("next").reserves;
        _refuse(book, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
        book.reserves = "";
        _refuse(book, abi.encodeWithSelector(ISuretyVerifier.ProofLength.selector, 0, 1_856));
    }

    function testFuzz_rejects_a_changed_byte_of_the_proof(uint256 place, uint8 change) external {
        vm.assume(change != 0);
        Book memory book = fixture.book("first");
        book.reserves[place % book.reserves.length] ^= bytes1(change);
        vm.prank(venue);
        (bool success,) = address(bookRegistry).call(abi.encodeCall(IBookRegistry.publish, (book)));
        require(!success);
    }

    /* POLICIES AND SNAPSHOTS */

    function test_rejects_a_book_of_a_policy_that_is_not_in_force() external {
        Book memory book = fixture.book("first");
        policyRegistry.setCountsFrom(policy, uint40(block.timestamp) + 1);
        _refuse(book, abi.encodeWithSelector(IAttestationRegistry.PolicyNotInForce.selector, policy));
    }

    /// @notice Attack: the prices at which the accounts were best.
    function test_rejects_a_book_over_a_stale_snapshot() external {
        Book memory book = fixture.book("first");
        Snapshot memory newer = fixture.snapshot("first");
        (newer.epoch, newer.previousEpoch) = (newer.epoch + 1, newer.epoch);
        (newer.time, newer.newest) = (uint40(block.timestamp), uint40(block.timestamp));
        oracle.add(policy, newer, new uint256[2][](1));
        vm.warp(block.timestamp + 301);
        _refuse(book, abi.encodeWithSelector(IAttestationRegistry.SnapshotSuperseded.selector, book.epoch));
        vm.warp(block.timestamp - 1);
        _publish(book);
    }

    function test_rejects_a_book_over_prices_that_are_too_old() external {
        Snapshot memory snapshot = fixture.snapshot("first");
        snapshot.slack = 9;
        oracle.add(policy, snapshot, new uint256[2][](1));
        _refuse(fixture.book("first"), abi.encodeWithSelector(IAttestationRegistry.PricesTooOld.selector, 10));
    }

    /// @notice Attack: a book at prices that have jumped further than the policy's circuit breaker allows.
    function test_rejects_a_book_over_a_marked_snapshot() external {
        Book memory book = fixture.book("first");
        Snapshot memory snapshot = fixture.snapshot("first");
        snapshot.marked = true;
        oracle.add(policy, snapshot, new uint256[2][](1));
        _refuse(book, abi.encodeWithSelector(IAttestationRegistry.SnapshotMarked.selector, book.epoch));
        Terms memory terms = fixture.terms(address(verifier));
        terms.acceptsMarked = true;
        policyRegistry.set(policy, terms);
        _publish(book);
    }

    function test_rejects_prices_that_no_node_has_signed() external {
        Book memory book = fixture.book("first");
        oracle.setId(policy, book.epoch, 0);
        _refuse(book, abi.encodeWithSelector(IBookRegistry.SnapshotNotSigned.selector, book.epoch));
    }

    function test_rejects_a_book_over_another_snapshot() external {
        Book memory book = fixture.book("first");
        oracle.setId(policy, book.epoch, fixture.snapshotId("next"));
        _refuse(book, abi.encodeWithSelector(ISuretyVerifier.PairingFailed.selector));
        ++book.epoch;
        _refuse(book, abi.encodeWithSelector(ISnapshotOracle.UnknownEpoch.selector, book.epoch));
    }

    /* PAGES */

    function test_pages_of_a_book_are_known() external {
        bytes32 root = _publish(fixture.book("first"));
        for (uint32 index = 0; index < 3; ++index) {
            (uint32 kind, uint256[2] memory commitment, bytes32[] memory path) = fixture.page("first", index);
            require(bookRegistry.isPage(root, index, kind, commitment, path));
        }
        _take("next");
        root = _publish(fixture.book("next"));
        (uint32 only, uint256[2] memory alone, bytes32[] memory none) = fixture.page("next", 0);
        require(none.length == 0 && bookRegistry.isPage(root, 0, only, alone, none));
    }

    /// @notice Attack: a user is shown a page that the book does not have.
    function test_rejects_pages_that_a_book_does_not_have() external {
        bytes32 root = _publish(fixture.book("first"));
        (uint32 kind, uint256[2] memory commitment, bytes32[] memory path) = fixture.page("first", 1);
        require(bookRegistry.isPage(root, 1, kind, commitment, path));
        require(!bookRegistry.isPage(keccak256("unknown"), 1, kind, commitment, path));
        require(!bookRegistry.isPage(root, 1, kind ^ 1, commitment, path));
        for (uint32 index = 0; index < 9; ++index) {
            require(index == 1 || !bookRegistry.isPage(root, index, kind, commitment, path));
        }
        (, uint256[2] memory other,) = fixture.page("first", 0);
        require(!bookRegistry.isPage(root, 1, kind, other, path));
        bytes32[] memory changed = new bytes32[](path.length - 1);
        changed[0] = path[0];
        require(!bookRegistry.isPage(root, 1, kind, commitment, changed));
        changed = new bytes32[](path.length + 1);
        (changed[0], changed[1]) = (path[0], path[1]);
        require(!bookRegistry.isPage(root, 1, kind, commitment, changed));
        path[1] ^= bytes32(uint256(1));
        require(!bookRegistry.isPage(root, 1, kind, commitment, path));
    }

    /// @notice Trees of every small size, computed here a second time.
    function test_every_leaf_has_one_way_to_the_top() external {
        Trees trees = new Trees();
        for (uint256 pages = 1; pages < 12; ++pages) {
            for (uint256 index = 0; index < pages; ++index) {
                (bytes32 top, bytes32[] memory path) = _climb(pages, index);
                require(trees.contains(top, pages, bytes32(index + 1), index, path));
                require(!trees.contains(top, pages, bytes32(index + 1), index + 1, path));
                require(!trees.contains(top, pages, bytes32(index + 2), index, path));
                require(!trees.contains(top, pages, bytes32(index + 1), index, new bytes32[](path.length + 1)));
                require(!trees.contains(top, index, bytes32(index + 1), index, path));
            }
        }
    }

    /// @dev The top over leaves 1, 2, …, and the siblings of one.
    function _climb(uint256 pages, uint256 index) private pure returns (bytes32, bytes32[] memory path) {
        bytes32[] memory level = new bytes32[](pages);
        for (uint256 i = 0; i < pages; ++i) {
            level[i] = bytes32(i + 1);
        }
        bytes32[] memory siblings = new bytes32[](8);
        uint256 count = 0;
        while (level.length > 1) {
            if ((index ^ 1) < level.length) siblings[count++] = level[index ^ 1];
            bytes32[] memory above = new bytes32[]((level.length + 1) / 2);
            for (uint256 i = 0; i < above.length; ++i) {
                bool paired = 2 * i + 1 < level.length;
                above[i] = paired ? keccak256(bytes.concat(level[2 * i], level[2 * i + 1])) : level[2 * i];
            }
            (level, index) = (above, index / 2);
        }
        path = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            path[i] = siblings[i];
        }
        return (level[0], path);
    }

    /* SUPPORT */

    function _newRegistry() private returns (BookRegistry) {
        return new BookRegistry(IPolicyRegistry(address(policyRegistry)), ISnapshotOracle(address(oracle)));
    }

    /// @dev Rules of the same program, in another text.
    function _otherRules() private view returns (BookRules memory other) {
        other = fixture.register();
        other.document[0] ^= 0x01;
    }

    /// @dev Has a policy whose verifier takes every proof, so that books can be changed.
    function _acceptProofs(bytes32 of_) private {
        policyRegistry.set(of_, fixture.terms(address(new Credulous())));
    }

    /// @dev Takes the snapshot of a book, and goes to the moment at which the book is published.
    function _take(string memory name) private {
        Snapshot memory snapshot = fixture.snapshot(name);
        oracle.add(policy, snapshot, new uint256[2][](1));
        oracle.setId(policy, snapshot.epoch, fixture.snapshotId(name));
        vm.warp(fixture.time(name));
    }

    function _publish(Book memory book) private returns (bytes32) {
        vm.prank(venue);
        return bookRegistry.publish(book);
    }

    function _refuse(Book memory book, bytes memory reason) private {
        vm.prank(venue);
        vm.expectRevert(reason);
        bookRegistry.publish(book);
    }

    function _refuseRules(BookRules memory other, string memory part) private {
        vm.expectRevert(abi.encodeWithSelector(IBookRegistry.InvalidRules.selector, part));
        bookRegistry.register(other);
    }

    /// @dev True if the contract's error is one of those that stand for the rule of the native verifier.
    function _isReason(string memory rule, bytes4 reason) private pure returns (bool) {
        bytes32 name = keccak256(bytes(rule));
        if (name == keccak256("Proof")) {
            return reason == ISuretyVerifier.PairingFailed.selector
                || reason == ISuretyVerifier.ScalarOutOfField.selector
                || reason == ISuretyVerifier.PointNotOnCurve.selector;
        }
        if (name == keccak256("StatementSkew")) {
            // A statement may be too late, and from the future.
            return reason == IBookRegistry.BalancesTooFarApart.selector
                || reason == IAttestationRegistry.NotYet.selector;
        }
        if (name == keccak256("HoldingCommitment")) {
            return reason == IAttestationRegistry.InvalidCommitment.selector
                || reason == IBookRegistry.NothingLeft.selector;
        }
        if (name == keccak256("Subject") || name == keccak256("Audience") || name == keccak256("Signature")) {
            // The contract puts caller, chain and registry into what must have been signed.
            return reason == IAttestationRegistry.WrongSignature.selector;
        }
        if (name == keccak256("StatementSet")) return reason == IAttestationRegistry.WrongStatementCount.selector;
        if (name == keccak256("Encumbrance")) return reason == IAttestationRegistry.Encumbered.selector;
        if (name == keccak256("HolderIsNoSource")) {
            return reason == IAttestationRegistry.SubjectVouchesForItself.selector;
        }
        if (name == keccak256("Validity")) return reason == IAttestationRegistry.ValidTooLong.selector;
        if (name == keccak256("NotYet")) return reason == IAttestationRegistry.NotYet.selector;
        if (name != keccak256("Lapsed")) return false;
        // The contract counts the age of prices until the book arrives.
        return reason == IAttestationRegistry.Lapsed.selector || reason == IAttestationRegistry.PricesTooOld.selector;
    }
}
