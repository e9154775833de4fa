// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Signatures of keys and of contracts
library Signatures {
    /// @dev Half of the order of secp256k1, rounded down: the largest s.
    uint256 private constant _HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    /// @dev The length of the code of an account that delegates to a contract (EIP-7702): 0xef0100, then an address.
    uint256 private constant _DELEGATION_LENGTH = 23;
    bytes3 private constant _DELEGATION_PREFIX = 0xef0100;

    /// @dev True if the signature is the signer's ECDSA signature of 65 bytes, with s in the lower half, as the Rust
    /// library recovers it.
    function isOfKey(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool isGood) {
        if (signature.length != 65) return false;
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, digest)
            mstore(add(words, 0x20), byte(0, calldataload(add(signature.offset, 0x40))))
            calldatacopy(add(words, 0x40), signature.offset, 0x40)
            // The precompile answers nothing unless v is 27 or 28 and somebody's key has signed.
            mstore(0x00, 0)
            isGood := staticcall(gas(), 0x01, words, 0x80, 0x00, 0x20)
            isGood := and(isGood, and(eq(returndatasize(), 0x20), eq(mload(0x00), shr(96, shl(96, signer)))))
            isGood := and(isGood, iszero(gt(mload(add(words, 0x60)), _HALF_ORDER)))
        }
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
