// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title What is known of three accounts, in two words of storage
/// @notice Of each account a sequence number is known, of at most 42 bits, and 128 bits of a statement's digest. The
/// accounts at positions 0 and 1 have the lower 170 bits of the first and of the second word, and the account at
/// position 2 has the 86 bits above each. The sequence numbers at positions 0 and 2 are in the first word.
library PackedAccounts {
    /// @notice The largest sequence number that fits.
    uint256 internal constant MAX_SEQUENCE = 2 ** 42 - 1;

    // Literals: Solidity would compute powers of constants at run time.
    uint256 private constant _SEQUENCE_BITS = 42;
    uint256 private constant _ACCOUNT_BITS = 170;
    uint256 private constant _ACCOUNT = 2 ** 170 - 1;
    /// @dev The bits of a word above an account.
    uint256 private constant _REST_BITS = 86;

    /// @notice The sequence number and the digest of the account at a position below 3.
    function load(uint256[2] storage words, uint256 position)
        internal
        view
        returns (uint256 sequence, uint128 digest)
    {
        uint256 account = position < 2
            ? words[position] & _ACCOUNT
            : words[0] >> _ACCOUNT_BITS | words[1] >> _ACCOUNT_BITS << _REST_BITS;
        return (account & MAX_SEQUENCE, uint128(account >> _SEQUENCE_BITS));
    }

    /// @notice The sequence number of the account at a position below 3, from one word.
    function loadSequence(uint256[2] storage words, uint256 position) internal view returns (uint256) {
        return (position < 2 ? words[position] : words[0] >> _ACCOUNT_BITS) & MAX_SEQUENCE;
    }

    /// @notice Overwrites the account at a position below 3. Panics if the sequence number does not fit.
    function store(uint256[2] storage words, uint256 position, uint256 sequence, uint128 digest) internal {
        assert(sequence <= MAX_SEQUENCE);
        uint256 account = uint256(digest) << _SEQUENCE_BITS | sequence;
        if (position < 2) {
            words[position] = words[position] & ~_ACCOUNT | account;
        } else {
            words[0] = words[0] & _ACCOUNT | account << _ACCOUNT_BITS;
            words[1] = words[1] & _ACCOUNT | account >> _REST_BITS << _ACCOUNT_BITS;
        }
    }
}
