// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Book, BookRules} from "../../src/types/Book.sol";
import {Snapshot} from "../../src/types/Market.sol";
import {LevelWiring, Source, Terms} from "../../src/types/Policy.sol";
import {vm} from "./Vm.sol";

/// @notice A changed book, and the rule that the native verifier finds broken; empty if it accepts.
struct ChangedBook {
    string change;
    address venue;
    uint256 time;
    bytes publish;
    string rule;
}

/// @notice Reads the books that the Rust side has made: "first", and "next" an epoch later.
contract BookFixture {
    /// @notice The account whose first contract is the book registry.
    address public constant BOOK_REGISTRY_CREATOR = 0xa0Ee7A142d267C1f36714E4a8F75612F20a79720;
    uint256 private constant NODES = 3;

    string private json = vm.readFile("test/fixtures/book-k10.json");

    function bookRegistry() external view returns (address) {
        return vm.parseJsonAddress(json, ".registry");
    }

    function policy() external view returns (bytes32) {
        return _word(".terms.policy");
    }

    function rulesId() external view returns (bytes32) {
        return _word(".rules");
    }

    /// @notice One level, of which books need nothing.
    function terms(address verifier) external view returns (Terms memory read) {
        read.universe = _word(".terms.universe");
        read.srs = _word(".terms.srs");
        read.verifyingKey = _word(".terms.verifying_key");
        read.verifier = verifier;
        read.k = uint32(_number(".terms.k"));
        read.validity = uint40(_number(".terms.validity"));
        read.maxStatementSkew = uint40(_number(".terms.max_statement_skew"));
        read.maxStatementAge = uint40(_number(".terms.max_statement_age"));
        read.grace = 300;
        read.sufficient = 1;
        read.sources = new Source[](1);
        read.sources[0] = Source({
            signer: vm.parseJsonAddress(json, ".terms.source"), account: _word(".terms.account"), isContract: false
        });
        read.nodes = new address[](NODES);
        for (uint256 i = 0; i < NODES; ++i) {
            read.nodes[i] = vm.parseJsonAddress(json, string.concat(".terms.nodes[", vm.toString(i), "]"));
        }
        read.levels = new LevelWiring[](1);
    }

    function register() external view returns (BookRules memory) {
        return abi.decode(_arguments(vm.parseJsonBytes(json, ".register")), (BookRules));
    }

    function call(string memory name) public view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(".", name, ".publish"));
    }

    function book(string memory name) external view returns (Book memory) {
        return abi.decode(_arguments(call(name)), (Book));
    }

    function venue() external view returns (address) {
        return vm.parseJsonAddress(json, ".first.venue");
    }

    function root(string memory name) external view returns (bytes32) {
        return _word(string.concat(".", name, ".root"));
    }

    function time(string memory name) external view returns (uint256) {
        return _number(string.concat(".", name, ".time"));
    }

    function snapshotId(string memory name) external view returns (bytes32) {
        return _word(string.concat(".", name, ".snapshot"));
    }

    function snapshot(string memory name) external view returns (Snapshot memory) {
        uint40 taken = uint40(_number(string.concat(".", name, ".snapshot_time")));
        uint64 epoch = uint64(_number(string.concat(".", name, ".epoch")));
        return Snapshot({
            epoch: epoch,
            previousEpoch: epoch - 1,
            time: taken,
            newest: taken,
            slack: uint32(_number(".terms.max_market_age")),
            marked: false
        });
    }

    function page(string memory name, uint256 index)
        external
        view
        returns (uint32 kind, uint256[2] memory commitment, bytes32[] memory path)
    {
        string memory key = string.concat(".", name, ".pages[", vm.toString(index), "]");
        kind = uint32(_number(string.concat(key, ".kind")));
        commitment = abi.decode(vm.parseJsonBytes(json, string.concat(key, ".commitment")), (uint256[2]));
        uint256 length = 0;
        while (vm.keyExistsJson(json, _at(key, length))) ++length;
        path = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            path[i] = _word(_at(key, i));
        }
    }

    function changes() external view returns (ChangedBook[] memory read) {
        uint256 length = 0;
        while (vm.keyExistsJson(json, _change(length))) ++length;
        read = new ChangedBook[](length);
        for (uint256 i = 0; i < length; ++i) {
            string memory key = _change(i);
            read[i] = ChangedBook({
                change: vm.parseJsonString(json, string.concat(key, ".change")),
                venue: vm.parseJsonAddress(json, string.concat(key, ".venue")),
                time: _number(string.concat(key, ".time")),
                publish: vm.parseJsonBytes(json, string.concat(key, ".publish")),
                rule: vm.parseJsonString(json, string.concat(key, ".rule"))
            });
        }
    }

    function _change(uint256 index) private pure returns (string memory) {
        return string.concat(".verdicts[", vm.toString(index), "]");
    }

    function _at(string memory key, uint256 index) private pure returns (string memory) {
        return string.concat(key, ".path[", vm.toString(index), "]");
    }

    /// @dev A call without its selector.
    function _arguments(bytes memory call_) private pure returns (bytes memory arguments) {
        arguments = new bytes(call_.length - 4);
        for (uint256 i = 0; i < arguments.length; ++i) {
            arguments[i] = call_[i + 4];
        }
    }

    function _word(string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }

    function _number(string memory key) private view returns (uint256) {
        return vm.parseJsonUint(json, key);
    }
}
