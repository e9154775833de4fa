// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {P, R} from "./support/Field.sol";
import {vm} from "./support/Vm.sol";
import {SuretyVerifierK11} from "./verifiers/DevelopmentVerifierK11.sol";

/// @notice Proofs that holdings lie within scopes. The Rust side has made them, and its verdicts are in the fixture.
contract VerifierScopesTest {
    /// @dev A proof of three parts, and what it is verified with.
    struct Case {
        bytes proof;
        uint256 context;
        uint256[4][] parts;
    }

    uint256 private constant PARTS = 3;

    ISuretyVerifier private verifier;
    string private json;

    function setUp() external {
        verifier = ISuretyVerifier(address(new SuretyVerifierK11()));
        json = vm.readFile("test/fixtures/scopes-k11.json");
    }

    function test_decides_on_scopes_as_the_native_verifier() external view {
        string[] memory names = vm.parseJsonStringArray(json, ".names");
        uint256 accepted = 0;
        for (uint256 i = 0; i < names.length; ++i) {
            bool holds = vm.parseJsonBool(json, string.concat(_key(i), ".holds"));
            require(_isValid(_load(i)) == holds, names[i]);
            if (holds) ++accepted;
        }
        require(accepted >= 3 && names.length - accepted >= 6);
    }

    function test_rejects_every_changed_byte_of_a_proof_of_scopes() external view {
        Case memory changed = _load(0);
        for (uint256 i = 0; i < changed.proof.length; ++i) {
            bytes1 byteBefore = changed.proof[i];
            changed.proof[i] = byteBefore ^ bytes1(uint8(2 ** (i % 8)));
            require(!_isValid(changed));
            changed.proof[i] = byteBefore;
        }
        require(_isValid(changed));
    }

    function test_rejects_every_changed_part() external view {
        Case memory changed = _load(0);
        for (uint256 i = 0; i < PARTS; ++i) {
            uint256[4] memory part = changed.parts[i];
            for (uint256 j = 0; j < PARTS; ++j) {
                if (i == j) continue;
                (uint256 x, uint256 y) = (part[0], part[1]);
                (part[0], part[1]) = (changed.parts[j][0], changed.parts[j][1]);
                require(!_isValid(changed));
                (part[0], part[1], x, y) = (x, y, part[2], part[3]);
                (part[2], part[3]) = (changed.parts[j][2], changed.parts[j][3]);
                require(!_isValid(changed));
                (part[2], part[3]) = (x, y);
            }
        }
        require(_isValid(changed));
    }

    function testFuzz_rejects_a_proof_of_scopes_for_another_context(uint256 context) external view {
        vm.assume(context != _load(0).context);
        Case memory changed = _load(0);
        changed.context = context;
        require(!_isValid(changed));
    }

    function test_rejects_no_parts() external {
        vm.expectRevert(ISuretyVerifier.NoParts.selector);
        verifier.verifyScopes(new bytes(64), 1, new uint256[4][](0));
    }

    function test_rejects_a_proof_of_scopes_cut_short_or_continued() external {
        uint256 length = 96 * PARTS + 64;
        Case memory changed = _load(0);
        require(changed.proof.length == length);
        changed.proof = bytes.concat(_load(0).proof, hex"00");
        _expectRejection(changed, abi.encodeWithSelector(ISuretyVerifier.ProofLength.selector, length + 1, length));
        changed.proof = new bytes(length - 1);
        _expectRejection(changed, abi.encodeWithSelector(ISuretyVerifier.ProofLength.selector, length - 1, length));
    }

    function test_rejects_aliases_of_numbers() external {
        Case memory changed = _load(0);
        changed.context += R;
        _expectRejection(changed, abi.encodeWithSelector(ISuretyVerifier.ScalarOutOfField.selector, 0));
        for (uint256 i = 0; i < PARTS; ++i) {
            changed = _load(0);
            _addTo(changed.proof, 64 * PARTS + 32 * i, R);
            _expectRejection(changed, abi.encodeWithSelector(ISuretyVerifier.ScalarOutOfField.selector, i + 1));
        }
    }

    function test_rejects_points_that_are_none() external {
        for (uint256 i = 0; i < 2 * PARTS; ++i) {
            for (uint256 fault = 0; fault < 3; ++fault) {
                Case memory changed = _load(0);
                uint256[4] memory part = changed.parts[i / 2];
                uint256 x = 2 * (i % 2);
                if (fault == 0) part[x] += P;
                if (fault == 1) part[x + 1] ^= 1;
                if (fault == 2) (part[x], part[x + 1]) = (0, 0);
                _expectRejection(changed, abi.encodeWithSelector(ISuretyVerifier.PointNotOnCurve.selector, i));
            }
        }
        for (uint256 i = 0; i <= PARTS; ++i) {
            uint256 offset = i == PARTS ? 96 * PARTS : 64 * i;
            bytes memory reason = abi.encodeWithSelector(ISuretyVerifier.PointNotOnCurve.selector, 2 * PARTS + i);
            Case memory changed = _load(0);
            _addTo(changed.proof, offset, P);
            _expectRejection(changed, reason);
            changed = _load(0);
            _addTo(changed.proof, offset + 32, 1);
            _expectRejection(changed, reason);
            changed = _load(0);
            bytes memory proof = changed.proof;
            assembly {
                mstore(add(add(proof, 0x20), offset), 0)
                mstore(add(add(proof, 0x40), offset), 0)
            }
            _expectRejection(changed, reason);
        }
    }

    function _addTo(bytes memory data, uint256 offset, uint256 summand) private pure {
        assembly {
            let place := add(add(data, 0x20), offset)
            mstore(place, add(mload(place), summand))
        }
    }

    function _expectRejection(Case memory changed, bytes memory reason) private {
        vm.expectRevert(reason);
        verifier.verifyScopes(changed.proof, changed.context, changed.parts);
    }

    function _isValid(Case memory one) private view returns (bool) {
        try verifier.verifyScopes(one.proof, one.context, one.parts) {
            return true;
        } catch (bytes memory reason) {
            require(reason.length != 0);
            return false;
        }
    }

    function _key(uint256 index) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(index), "]");
    }

    function _load(uint256 index) private view returns (Case memory loaded) {
        string memory key = _key(index);
        loaded.proof = vm.parseJsonBytes(json, string.concat(key, ".proof"));
        loaded.context = vm.parseJsonUint(json, string.concat(key, ".context"));
        bytes[] memory parts = vm.parseJsonBytesArray(json, string.concat(key, ".parts"));
        loaded.parts = new uint256[4][](parts.length);
        for (uint256 i = 0; i < parts.length; ++i) {
            loaded.parts[i] = abi.decode(parts[i], (uint256[4]));
        }
    }
}
