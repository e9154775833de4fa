// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/* FIELDS */

/// @dev The modulus of BN254's base field: coordinates of points are below it.
uint256 constant BASE_FIELD_MODULUS = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
/// @dev The modulus of BN254's scalar field, which is the order of its first group.
uint256 constant SCALAR_FIELD_MODULUS = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

/* LIMITS */

/// @dev The most levels a policy has.
uint256 constant MAX_LEVELS = 16;
/// @dev The most feeds a policy has.
uint256 constant MAX_FEEDS = 64;
/// @dev The most decimals a price has.
uint256 constant MAX_PRICE_DECIMALS = 18;
/// @dev The most lots of an asset that a circuit takes from one source.
uint256 constant MAX_LOTS = 2 ** 63 - 1;

/// @dev The most contracts that a vault asks before collateral leaves.
uint256 constant MAX_CONSUMERS = 8;

/// @dev The most pages a book has.
uint256 constant MAX_PAGES = 2 ** 24;

/* UNITS */

/// @dev A whole in parts per million.
uint256 constant PPM = 1_000_000;
/// @dev The bytes of a packed price.
uint256 constant PRICE_BYTES = 12;
/// @dev The accounts whose statements are stored together.
uint32 constant ACCOUNTS_PER_GROUP = 3;
/// @dev The words of storage that the packed prices of {MAX_FEEDS} feeds take.
uint256 constant PRICE_WORDS = (PRICE_BYTES * MAX_FEEDS + 31) / 32;

/* TAGS AND TYPES THAT ARE HASHED */

/// @dev The first word of the preimage of a policy's identifier.
bytes32 constant POLICY_TAG = keccak256("surety/policy/v2");
/// @dev The first word of the preimage of the identifier of a level that claims a shortfall.
bytes32 constant SHORTFALL_TAG = keccak256("surety/shortfall/v1");
/// @dev The first word of the preimage of the word that stands for the vault in a policy's identifier.
bytes32 constant VAULT_RULES_TAG = keccak256("surety/vault-rules/v1");
/// @dev The first word of the preimage of the word that stands for the scopes in a policy's identifier.
bytes32 constant SOURCE_SCOPES_TAG = keccak256("surety/source-scopes/v1");
/// @dev The first word of the preimage of a proof's context.
bytes32 constant CONTEXT_TAG = keccak256("surety/context/v2");
/// @dev The first word of the preimage of a vault's checkpoint.
bytes32 constant CHECKPOINT_TAG = keccak256("surety/vault/v2");

/// @dev The first words of the preimages of a book's header, page and root, of the context of the proof of its
/// reserves, and of the identifiers of kinds of pages and of rules of books.
bytes32 constant BOOK_TAG = keccak256("surety/book/v1");
bytes32 constant BOOK_PAGE_TAG = keccak256("surety/book-page/v1");
bytes32 constant BOOK_ROOT_TAG = keccak256("surety/book-root/v1");
bytes32 constant BOOK_CONTEXT_TAG = keccak256("surety/book-reserves-context/v1");
bytes32 constant BOOK_KIND_TAG = keccak256("surety/book-kind/v1");
bytes32 constant BOOK_RULES_TAG = keccak256("surety/book-rules/v1");

/// @dev The EIP-712 domain of everything that is signed: its name and version.
string constant EIP712_NAME = "Surety";
string constant EIP712_VERSION = "1";

/// @dev The EIP-712 type that the sources sign.
bytes32 constant SOURCE_STATEMENT_TYPEHASH = keccak256(
    "SourceStatement(address source,address subject,bytes32 account,bytes32 universe,"
    "uint256 commitmentX,uint256 commitmentY,uint64 asOf,uint64 validUntil,uint64 sequence,bytes32 encumbrance)"
);
/// @dev The EIP-712 type that a subject signs to consent to an attestation: the context covers all of the attestation.
bytes32 constant CONSENT_TYPEHASH = keccak256("Consent(bytes32 context)");
/// @dev The EIP-712 type that a subject signs to grant a lien.
bytes32 constant GRANT_TYPEHASH = keccak256(
    "Grant(address subject,bytes32 policy,address consumer,uint40 until,uint256 nonce,uint256 deadline)"
);
/// @dev The EIP-712 type that the oracle nodes sign.
bytes32 constant SIGNED_SNAPSHOT_TYPEHASH = keccak256(
    "SignedSnapshot(bytes32 policy,uint64 epoch,uint40 time,uint40 newest,uint32 slack,bool marked,"
    "bytes32 id,uint256[] coefficients)"
);
