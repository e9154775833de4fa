// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Signatures of keys and of contracts
library Signatures {
    /// @dev The length of the code of an account that delegates to a contract (EIP-7702): 0xef0100, then an address.
    uint256 private constant _DELEGATION_LENGTH = 23;
    bytes3 private constant _DELEGATION_PREFIX = 0xef0100;

    /// @dev True if the signature is the signer's ECDSA signature of 65 bytes, with s in the lower half, as the Rust
    /// library recovers it.
    function isOfKey(address signer, bytes32 digest, bytes calldata signature) internal pure returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        return failure == ECDSA.RecoverError.NoError && recovered == signer;
    }

    /// @dev True if the contract at the signer's address accepts the signature (ERC-1271). Delegated code is not asked:
    /// an account with a key is held to its key.
    function isOfContract(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        return !isDelegated(signer) && SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }

    /// @dev True if the signature is the key's or, where a contract is at the address, the contract's. The key comes
    /// first because recovery does not load the signer's code.
    function isOf(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        return isOfKey(signer, digest, signature) || isOfContract(signer, digest, signature);
    }

    /// @dev True if the account delegates to a contract (EIP-7702).
    function isDelegated(address account) internal view returns (bool) {
        if (account.code.length != _DELEGATION_LENGTH) return false;
        bytes32 code;
        assembly ("memory-safe") {
            extcodecopy(account, 0x00, 0x00, 0x20)
            code := mload(0x00)
        }
        return bytes3(code) == _DELEGATION_PREFIX;
    }
}
