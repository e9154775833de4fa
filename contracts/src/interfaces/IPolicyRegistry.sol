// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @dev Most levels of a policy.
uint256 constant MAX_LEVELS = 16;
/// @dev Most feeds of a policy.
uint256 constant MAX_FEEDS = 64;

/// @notice An account that a policy requires a statement about.
/// @param signer Who states its balances: an address that signs, or a contract that answers ERC-1271.
/// @param account The identifier of the account's label.
struct Source {
    address signer;
    bytes32 account;
}

/// @notice The wiring of a level's program: what a verifier needs of it whatever the prices.
/// @param level The identifier of the level's name.
/// @param idx The commitment to the column IDX, x and y.
/// @param flag The commitment to the column FLAG.
struct LevelWiring {
    bytes32 level;
    uint256[2] idx;
    uint256[2] flag;
}

/// @notice What attestations under a policy are held to. Times are in seconds.
/// @param universe The identifier of the universe.
/// @param srs The identifier of the set-up.
/// @param verifyingKey The digest of the verifying key.
/// @param verifier The contract that verifies proofs.
/// @param vault The vault whose balances count, or zero.
/// @param k The capacity class.
/// @param validity How long after its snapshot an attestation counts at most.
/// @param maxStatementSkew How far apart the times of a set of statements may lie.
/// @param maxStatementAge How much older than the newest statement or price the oldest statement may be.
/// @param grace How long after a new snapshot the one before it may still be proven over.
/// @param acceptsMarked Whether proofs over a snapshot that the circuit breaker has marked count.
/// @param sources The accounts, in ascending order of signer and account.
/// @param nodes The oracle nodes of the policy, in ascending order. No subject may be one of them, or a source.
/// @param levels The levels, from the weakest to the strictest.
struct Terms {
    bytes32 universe;
    bytes32 srs;
    bytes32 verifyingKey;
    address verifier;
    address vault;
    uint32 k;
    uint40 validity;
    uint40 maxStatementSkew;
    uint40 maxStatementAge;
    uint40 grace;
    bool acceptsMarked;
    Source[] sources;
    address[] nodes;
    LevelWiring[] levels;
}

/// @notice Where a price comes from and what is accepted of it.
/// @param aggregator A contract with Chainlink's interface.
/// @param aggregatorDecimals The decimals of its answers: at most those of the price.
/// @param decimals The decimals of the price in the policy.
/// @param maxAge How old an answer may be, in seconds.
/// @param maxDeviation How far the price may have moved since the snapshot before, in parts per million; beyond that the
/// snapshot is marked. Zero for no such limit.
/// @param min The least price for which the policy's programs are sound.
/// @param max The largest.
struct Feed {
    address aggregator;
    uint8 aggregatorDecimals;
    uint8 decimals;
    uint32 maxAge;
    uint32 maxDeviation;
    uint96 min;
    uint96 max;
}

/// @notice The coefficients of a level's program, as commitments: those at prices p are base + Σ p_u·market[u].
/// @param base Where all prices are zero; x and y.
/// @param market The factors of each price; zeros, the identity, for a price that the level does not read.
struct LevelCoefficients {
    uint256[2] base;
    uint256[2][] market;
}

/// @notice How a policy gets its prices. Times are in seconds.
/// @param epochLength Time t is in epoch t / epochLength, rounded down. There is one snapshot an epoch.
/// @param maxAge How old a snapshot's prices may be where a proof is made over it.
/// @param maxSkew How far apart the times of the reports behind a signed snapshot may lie.
/// @param quorum How many nodes must sign a snapshot; zero where prices come from feeds.
/// @param levelCount The number of levels.
/// @param nodes The oracle nodes, in ascending order.
/// @param feeds The feeds, in the order of the market vector; empty where nodes sign.
/// @param levels What coefficients follow from, for each level; empty where nodes sign.
struct MarketRules {
    uint40 epochLength;
    uint40 maxAge;
    uint40 maxSkew;
    uint32 quorum;
    uint32 levelCount;
    address[] nodes;
    Feed[] feeds;
    LevelCoefficients[] levels;
}

/// @notice A level of a policy that is published.
/// @param level The identifier of the level's name.
/// @param idx The commitment to the column IDX.
/// @param flag The commitment to the column FLAG.
/// @param coefficients The commitments that its coefficients follow from.
struct Level {
    bytes32 level;
    uint256[2] idx;
    uint256[2] flag;
    LevelCoefficients coefficients;
}

/// @notice A policy as it is published. What is not explained here is explained at {Terms} and {MarketRules}.
/// @param line What versions of a policy have in common: the hash of a name.
/// @param version One more than the version of the line before.
/// @param document The identifier of the policy's text.
struct Publication {
    bytes32 line;
    uint32 version;
    bytes32 document;
    bytes32 universe;
    bytes32 srs;
    uint32 k;
    address verifier;
    address vault;
    uint40 validity;
    uint40 maxStatementSkew;
    uint40 maxStatementAge;
    uint40 grace;
    bool acceptsMarked;
    uint40 epochLength;
    uint40 maxMarketAge;
    uint40 maxMarketSkew;
    uint32 quorum;
    Source[] sources;
    address[] nodes;
    Feed[] feeds;
    Level[] levels;
}

/// @title The policies that attestations can be made under
/// @notice A policy's identifier is the hash of its text and of the commitments of its programs. The registry computes it
/// from what is published, so that under an identifier there are the commitments that belong to it and no others. That
/// limits, sources and feeds are those of the text is on the owner, and for everybody to compare.
///
/// A policy never changes. It counts once a delay has passed, and stops to count while it is frozen. Ownership moves in two
/// steps with a delay between them; a guardian can freeze and do nothing else.
interface IPolicyRegistry {
    /// @notice A policy is published.
    event PolicyPublished(bytes32 indexed policy, bytes32 indexed line, uint32 version, uint40 countsFrom);
    /// @notice A policy has been frozen.
    event PolicyFrozen(bytes32 indexed policy, address indexed by);
    /// @notice A policy will count again.
    event PolicyThawing(bytes32 indexed policy, uint40 countsFrom);

    /// @notice No policy of this identifier has been published.
    error UnknownPolicy(bytes32 policy);
    /// @notice The policy has been published before: versions are never reused.
    error PolicyExists(bytes32 policy);
    /// @notice Versions of a line count up one by one.
    error WrongVersion(uint32 expected, uint32 found);
    /// @notice The verifying contract is for another set-up or capacity class.
    error WrongVerifier(address verifier);
    /// @notice A part of the publication breaks a rule. `part` is its name.
    error InvalidPublication(string part);
    /// @notice The policy is not frozen.
    error NotFrozen(bytes32 policy);
    /// @notice The delay is for good.
    error DelayIsFixed();

    /// @notice Publishes a policy. It counts after {delay}. Owner only.
    /// @return policy Its identifier, computed from the publication.
    function publish(Publication calldata publication) external returns (bytes32 policy);

    /// @notice Stops a policy from counting. Guardian only.
    function freeze(bytes32 policy) external;

    /// @notice Lets a frozen policy count again after {delay}. Owner only.
    function thaw(bytes32 policy) external;

    /// @notice The delay before what the owner does takes effect, in seconds.
    function delay() external view returns (uint40);

    /// @notice What attestations are held to.
    function terms(bytes32 policy) external view returns (Terms memory);

    /// @notice How prices are obtained.
    function marketRules(bytes32 policy) external view returns (MarketRules memory);

    /// @notice The time from which the policy counts: the largest number while it is frozen.
    function countsFrom(bytes32 policy) external view returns (uint40);

    /// @notice A small number of the policy's own, from 1.
    function ordinalOf(bytes32 policy) external view returns (uint32);

    /// @notice The newest version of a line, or zero.
    function latestVersion(bytes32 line) external view returns (uint32);

    /// @notice The policy of a line and version, or zero.
    function policyOf(bytes32 line, uint32 version) external view returns (bytes32);
}
