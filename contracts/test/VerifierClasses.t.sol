// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {SuretyVerifierK10 as CeremonyK10} from "../src/verifiers/SuretyVerifierK10.sol";
import {SuretyVerifierK11 as CeremonyK11} from "../src/verifiers/SuretyVerifierK11.sol";
import {SuretyVerifierK12 as CeremonyK12} from "../src/verifiers/SuretyVerifierK12.sol";
import {SuretyVerifierK13 as CeremonyK13} from "../src/verifiers/SuretyVerifierK13.sol";
import {SuretyVerifierK15 as CeremonyK15} from "../src/verifiers/SuretyVerifierK15.sol";
import {SuretyVerifierK16 as CeremonyK16} from "../src/verifiers/SuretyVerifierK16.sol";
import {Fixture, Proof} from "./support/Fixture.sol";
import {PrecompileFaults} from "./support/PrecompileFaults.sol";
import {vm} from "./support/Vm.sol";
import {SuretyVerifierK10} from "./verifiers/DevelopmentVerifierK10.sol";
import {SuretyVerifierK11} from "./verifiers/DevelopmentVerifierK11.sol";
import {SuretyVerifierK12} from "./verifiers/DevelopmentVerifierK12.sol";
import {SuretyVerifierK13} from "./verifiers/DevelopmentVerifierK13.sol";
import {SuretyVerifierK15} from "./verifiers/DevelopmentVerifierK15.sol";
import {SuretyVerifierK9} from "./verifiers/DevelopmentVerifierK9.sol";

/// @notice Properties of the verifiers of all capacity classes and set-ups.
contract VerifierClassesTest is PrecompileFaults {
    /// @dev The largest contract that can be deployed (EIP-170).
    uint256 private constant CODE_LIMIT = 24_576;

    ISuretyVerifier[] private development;
    ISuretyVerifier[] private ceremony;

    function setUp() external {
        development.push(ISuretyVerifier(address(new SuretyVerifierK10())));
        development.push(ISuretyVerifier(address(new SuretyVerifierK11())));
        development.push(ISuretyVerifier(address(new SuretyVerifierK12())));
        development.push(ISuretyVerifier(address(new SuretyVerifierK13())));
        development.push(ISuretyVerifier(address(new SuretyVerifierK15())));
        ceremony.push(ISuretyVerifier(address(new CeremonyK10())));
        ceremony.push(ISuretyVerifier(address(new CeremonyK11())));
        ceremony.push(ISuretyVerifier(address(new CeremonyK12())));
        ceremony.push(ISuretyVerifier(address(new CeremonyK13())));
        ceremony.push(ISuretyVerifier(address(new CeremonyK15())));
    }

    function test_accepts_proofs_of_every_class() external view {
        for (uint256 i = 0; i < development.length; ++i) {
            string memory file = string.concat("development-k", vm.toString(development[i].CAPACITY()));
            Proof memory proof = Fixture.load(file, 0);
            development[i].verifyProof(proof.proof, proof.context, proof.publicPoints);
        }
    }

    function test_accepts_a_proof_over_the_ceremony() external view {
        Proof memory proof = Fixture.load("ppot-0085-k11", 0);
        ceremony[1].verifyProof(proof.proof, proof.context, proof.publicPoints);
    }

    /// @notice Attack: a precompile made to fail leaves a stale point or a stale answer in memory, and the verifier
    /// goes on with it. The refusal of a call that failed has no reason, which makes it no verdict either.
    function test_rejects_a_proof_where_a_precompile_fails() external {
        for (uint256 i = 0; i < development.length; ++i) {
            string memory class = vm.toString(development[i].CAPACITY());
            Proof memory proof = Fixture.load(string.concat("development-k", class), 0);
            bytes memory call =
                abi.encodeCall(ISuretyVerifier.verifyProof, (proof.proof, proof.context, proof.publicPoints));
            _requireFaultsRefused(address(development[i]), call, "");
        }
    }

    function test_rejects_proofs_of_other_classes_and_set_ups() external view {
        for (uint256 i = 0; i < development.length; ++i) {
            string memory class = vm.toString(development[i].CAPACITY());
            Proof memory proof = Fixture.load(string.concat("development-k", class), 0);
            for (uint256 j = 0; j < development.length; ++j) {
                require(i == j || !development[j].isValidProof(proof.proof, proof.context, proof.publicPoints));
                require(!ceremony[j].isValidProof(proof.proof, proof.context, proof.publicPoints));
            }
        }
    }

    function test_keys_differ() external view {
        bytes32 srs = ceremony[0].SRS_ID();
        for (uint256 i = 0; i < ceremony.length; ++i) {
            require(ceremony[i].SRS_ID() == srs && development[i].SRS_ID() != srs);
            require(ceremony[i].VK_HASH() != development[i].VK_HASH());
            require(ceremony[i].CAPACITY() == development[i].CAPACITY());
            require(ceremony[i].VERSION() == 2);
            require(i == 0 || ceremony[i].VK_HASH() != ceremony[i - 1].VK_HASH());
        }
    }

    function test_contracts_can_be_deployed() external view {
        for (uint256 i = 0; i < ceremony.length; ++i) {
            require(address(ceremony[i]).code.length <= CODE_LIMIT);
            require(address(development[i]).code.length <= CODE_LIMIT);
        }
        // Books have pages of this class.
        require(type(CeremonyK16).runtimeCode.length <= CODE_LIMIT);
    }

    /// @notice The Rust tests run this code.
    function test_checked_in_code_is_that_of_the_contracts() external view {
        string memory json = vm.readFile("test/fixtures/bytecode.json");
        _requireCode(json, ".VerifierK9", type(SuretyVerifierK9).runtimeCode);
        _requireCode(json, ".VerifierK10", type(SuretyVerifierK10).runtimeCode);
        _requireCode(json, ".VerifierK11", type(SuretyVerifierK11).runtimeCode);
        _requireCode(json, ".VerifierK12", type(SuretyVerifierK12).runtimeCode);
        _requireCode(json, ".VerifierK13", type(SuretyVerifierK13).runtimeCode);
        _requireCode(json, ".VerifierK15", type(SuretyVerifierK15).runtimeCode);
    }

    function test_interfaces_are_declared() external view {
        for (uint256 i = 0; i < ceremony.length; ++i) {
            IERC165 contract_ = IERC165(address(ceremony[i]));
            require(contract_.supportsInterface(type(ISuretyVerifier).interfaceId));
            require(contract_.supportsInterface(type(IERC165).interfaceId));
            require(!contract_.supportsInterface(0xffffffff));
        }
    }

    function _requireCode(string memory json, string memory key, bytes memory code) private pure {
        require(keccak256(vm.parseJsonBytes(json, key)) == keccak256(code), "run npm run bytecode");
    }
}
