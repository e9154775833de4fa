// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {ISuretyVerifier} from "../interfaces/ISuretyVerifier.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {
    ACCOUNTS_PER_GROUP,
    MAX_FEEDS,
    MAX_LEVELS,
    MAX_PRICE_DECIMALS,
    POLICY_TAG,
    PPM,
    SHORTFALL_TAG,
    SOURCE_SCOPES_TAG,
    VAULT_RULES_TAG
} from "../libraries/Constants.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Feed, LevelCoefficients, MarketRules} from "../types/Market.sol";
import {Level, LevelWiring, Publication, Scope, Source, Standing, Terms} from "../types/Policy.sol";

/// @title The policy registry
/// @dev Standings, which have the terms, and market rules are stored as the code of contracts that do nothing else,
/// encoded as they are returned. The limit on code size bounds each of the two to 24,575 bytes.
contract PolicyRegistry is IPolicyRegistry, AccessControlDefaultAdminRules {
    /* TYPES */

    /// @dev The mutable state of a policy, and the contracts whose code holds the rest. The first slot has all that an
    /// attestation needs. A standing at address zero marks an unknown policy.
    struct Head {
        address standing;
        uint40 countsFrom;
        uint40 countsUntil;
        address marketRules;
        uint32 ordinal;
    }

    /// @dev The versions of a line, from 1 to `latest`.
    struct Line {
        uint32 latest;
        mapping(uint32 version => bytes32 policy) policies;
    }

    /* CONSTANTS */

    /// @notice The role that may freeze policies.
    bytes32 public constant GUARDIAN_ROLE = keccak256("surety/guardian");

    /// @dev The time from which a frozen policy counts.
    uint40 private constant FROZEN = type(uint40).max;
    /// @dev The last second of a policy without an end.
    uint40 private constant ENDLESS = type(uint40).max;

    /* IMMUTABLES */

    /// @inheritdoc IPolicyRegistry
    uint40 public immutable delay;

    /* STORAGE */

    uint32 private _count;
    mapping(bytes32 policy => Head) private _heads;
    mapping(bytes32 line => Line) private _lines;
    /// @dev The number of groups of accounts, of which the first has no accounts: no account has the number zero.
    uint32 private _groupCount = 1;
    /// @dev The numbers of accounts by the hash of signer and account.
    mapping(bytes32 => uint32) private _accountNumbers;

    /* CONSTRUCTOR */

    /// @param delay_ The time before a publication, a thaw or a change of ownership takes effect, in seconds.
    /// @param owner_ The account that publishes and thaws policies and appoints guardians.
    /// @param guardian The first guardian, which freezes policies.
    constructor(uint40 delay_, address owner_, address guardian) AccessControlDefaultAdminRules(delay_, owner_) {
        delay = delay_;
        _grantRole(GUARDIAN_ROLE, guardian);
    }

    /* PUBLISHING, FREEZING AND ENDING */

    /// @inheritdoc IPolicyRegistry
    function publish(Publication calldata publication) external onlyRole(DEFAULT_ADMIN_ROLE) returns (bytes32 policy) {
        _checkTimes(publication);
        _checkParties(publication.sources, publication.nodes);
        _checkScopes(publication.scopes, publication.sources);
        _checkPriceSources(publication);
        _checkLevels(publication.levels, publication.sufficient);
        _checkVault(publication);
        bytes32 verifyingKey = _checkedKey(publication);

        policy = _identify(publication);
        if (_heads[policy].standing != address(0)) revert PolicyExists(policy);
        Line storage line = _lines[publication.line];
        uint32 version = line.latest + 1;
        if (publication.version != version) revert WrongVersion(version, publication.version);

        (line.latest, line.policies[version]) = (version, policy);
        uint40 from = _later();
        uint32 ordinal = ++_count;
        _heads[policy] = Head({
            standing: SSTORE2.write(_encodeStanding(publication, ordinal, verifyingKey)),
            countsFrom: from,
            countsUntil: ENDLESS,
            marketRules: SSTORE2.write(_encodeMarketRules(publication)),
            ordinal: ordinal
        });
        emit PolicyPublished(policy, publication.line, version, from);
    }

    /// @inheritdoc IPolicyRegistry
    function freeze(bytes32 policy) external onlyRole(GUARDIAN_ROLE) {
        _head(policy).countsFrom = FROZEN;
        emit PolicyFrozen(policy, msg.sender);
    }

    /// @inheritdoc IPolicyRegistry
    function thaw(bytes32 policy) external onlyRole(DEFAULT_ADMIN_ROLE) {
        Head storage head = _head(policy);
        if (head.countsFrom != FROZEN) revert NotFrozen(policy);
        uint40 from = _later();
        head.countsFrom = from;
        emit PolicyThawing(policy, from);
    }

    /// @inheritdoc IPolicyRegistry
    function end(bytes32 policy, uint40 until) external onlyRole(DEFAULT_ADMIN_ROLE) {
        Head storage head = _head(policy);
        (uint40 earliest, uint40 before) = (_later(), head.countsUntil);
        if (until < earliest || until >= before) revert WrongEnd(earliest, before);
        head.countsUntil = until;
        emit PolicyEnding(policy, until);
    }

    /* VIEWS */

    /// @inheritdoc IPolicyRegistry
    function terms(bytes32 policy) external view returns (Terms memory) {
        bytes memory answer = SSTORE2.read(_head(policy).standing);
        assembly ("memory-safe") {
            // The standing follows an offset of one word, and its terms, which come last, are its fourth field.
            let standing := add(answer, 0x40)
            let encoded := add(standing, mload(add(standing, 0x60)))
            let start := sub(encoded, 0x20)
            let end := add(add(answer, 0x20), mload(answer))
            mstore(start, 0x20)
            return(start, sub(end, start))
        }
    }

    /// @inheritdoc IPolicyRegistry
    function standingOf(bytes32 policy) external view returns (Standing memory) {
        Head storage head = _head(policy);
        bool inForce = _isInForce(head);
        bytes memory answer = SSTORE2.read(head.standing);
        assembly ("memory-safe") {
            mstore(add(answer, 0x40), inForce)
        }
        _return(answer);
    }

    /// @inheritdoc IPolicyRegistry
    function marketRules(bytes32 policy) external view returns (MarketRules memory) {
        _return(SSTORE2.read(_head(policy).marketRules));
    }

    /// @inheritdoc IPolicyRegistry
    function countsFrom(bytes32 policy) external view returns (uint40) {
        return _head(policy).countsFrom;
    }

    /// @inheritdoc IPolicyRegistry
    function countsUntil(bytes32 policy) external view returns (uint40) {
        return _head(policy).countsUntil;
    }

    /// @inheritdoc IPolicyRegistry
    function isInForce(bytes32 policy) external view returns (bool) {
        return _isInForce(_head(policy));
    }

    /// @inheritdoc IPolicyRegistry
    function ordinalOf(bytes32 policy) external view returns (uint32) {
        return _head(policy).ordinal;
    }

    /// @inheritdoc IPolicyRegistry
    function accountNumberOf(address signer, bytes32 account) external view returns (uint32) {
        return _accountNumbers[_accountKey(signer, account)];
    }

    /// @inheritdoc IPolicyRegistry
    function latestVersion(bytes32 line) external view returns (uint32) {
        return _lines[line].latest;
    }

    /// @inheritdoc IPolicyRegistry
    function policyOf(bytes32 line, uint32 version) external view returns (bytes32) {
        return _lines[line].policies[version];
    }

    /* OWNERSHIP */

    /// @dev The delay of ownership is {delay} for good: others rely on the time that they have before the owner's acts
    /// count.
    function _changeDefaultAdminDelay(uint48) internal pure override {
        revert DelayIsFixed();
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IPolicyRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    /* PRIVATE: STATE */

    function _head(bytes32 policy) private view returns (Head storage head) {
        head = _heads[policy];
        if (head.standing == address(0)) revert UnknownPolicy(policy);
    }

    function _isInForce(Head storage head) private view returns (bool) {
        return head.countsFrom <= block.timestamp && block.timestamp <= head.countsUntil;
    }

    /// @dev The numbers of a publication's accounts, and of its vault's collateral. Those that have none get the next,
    /// in a new group: what is known of the accounts of one group is stored together.
    function _number(Publication calldata publication) private returns (uint32[] memory numbers) {
        Source[] calldata sources = publication.sources;
        address vault = publication.vault.at;
        numbers = new uint32[](vault == address(0) ? sources.length : sources.length + 1);
        uint32 first = _groupCount * ACCOUNTS_PER_GROUP;
        uint32 next = first;
        for (uint256 i = 0; i < numbers.length; ++i) {
            (address signer, bytes32 account) =
                i < sources.length ? (sources[i].signer, sources[i].account) : (vault, bytes32(0));
            bytes32 key = _accountKey(signer, account);
            if (_accountNumbers[key] == 0) _accountNumbers[key] = next++;
            numbers[i] = _accountNumbers[key];
        }
        _groupCount += (next - first + ACCOUNTS_PER_GROUP - 1) / ACCOUNTS_PER_GROUP;
    }

    function _accountKey(address signer, bytes32 account) private pure returns (bytes32) {
        return keccak256(abi.encode(signer, account));
    }

    function _later() private view returns (uint40) {
        return uint40(block.timestamp) + delay;
    }

    /// @dev Ends the call and returns bytes that are encoded already.
    function _return(bytes memory answer) private pure {
        assembly ("memory-safe") {
            return(add(answer, 0x20), mload(answer))
        }
    }

    /* PRIVATE: CHECKS */

    function _require(bool holds, string memory part) private pure {
        if (!holds) revert InvalidPublication(part);
    }

    function _checkTimes(Publication calldata publication) private pure {
        _require(publication.validity != 0, "validity");
        _require(publication.epochLength != 0, "epochLength");
        // Snapshots are at least half an epoch apart.
        _require(publication.grace <= publication.epochLength / 2, "grace");
    }

    /// @dev A key has one role: a source that also reported prices would state both factors of a value.
    function _checkParties(Source[] calldata sources, address[] calldata nodes) private view {
        for (uint256 i = 0; i < nodes.length; ++i) {
            _require(nodes[i] > (i == 0 ? address(0) : nodes[i - 1]), "nodes");
        }
        _require(sources.length != 0, "sources");
        uint256 node = 0;
        for (uint256 i = 0; i < sources.length; ++i) {
            Source calldata source = sources[i];
            _require(source.signer != address(0), "sources");
            _require(i == 0 || _precedes(sources[i - 1], source), "sources");
            _require(!source.isContract || _isContract(source.signer), "sources");
            while (node < nodes.length && nodes[node] < source.signer) ++node;
            _require(node == nodes.length || nodes[node] != source.signer, "nodes");
        }
    }

    /// @dev True if the accounts are in ascending order, and a signer of both is a key in both or a contract in both.
    function _precedes(Source calldata left, Source calldata right) private pure returns (bool) {
        if (left.signer != right.signer) return left.signer < right.signer;
        return left.account < right.account && left.isContract == right.isContract;
    }

    /// @dev False for keys, also for those that delegate to code.
    function _isContract(address signer) private view returns (bool) {
        return signer.code.length != 0 && !Signatures.isDelegated(signer);
    }

    /// @dev Each scope is that of a source, and each source has at most one.
    function _checkScopes(Scope[] calldata scopes, Source[] calldata sources) private pure {
        uint256 source = 0;
        for (uint256 i = 0; i < scopes.length; ++i) {
            Scope calldata scope = scopes[i];
            _require(i == 0 || scopes[i - 1].signer < scope.signer, "scopes");
            while (source < sources.length && sources[source].signer < scope.signer) ++source;
            _require(source < sources.length && sources[source].signer == scope.signer, "scopes");
            _require(Bn254.isPoint(scope.outside[0], scope.outside[1]), "scopes");
        }
    }

    /// @dev Prices come from feeds or from nodes, not from both.
    function _checkPriceSources(Publication calldata publication) private view {
        Feed[] calldata feeds = publication.feeds;
        _require(publication.quorum <= publication.nodes.length, "quorum");
        _require((publication.quorum == 0) != (feeds.length == 0), "feeds");
        _require(feeds.length <= MAX_FEEDS, "feeds");
        if (feeds.length == 0) return;
        // A snapshot takes attestations for half an epoch or longer, whatever the age of its answers.
        uint256 least = publication.epochLength / 2;
        _require(publication.maxMarketAge > least, "maxMarketAge");
        for (uint256 i = 0; i < feeds.length; ++i) {
            _checkFeed(feeds[i]);
            _require(feeds[i].maxAge > least, "maxAge");
        }
        for (uint256 i = 0; i < publication.levels.length; ++i) {
            _require(publication.levels[i].coefficients.market.length == feeds.length, "market");
        }
    }

    function _checkFeed(Feed calldata feed) private view {
        _require(feed.decimals <= MAX_PRICE_DECIMALS && feed.aggregatorDecimals <= feed.decimals, "decimals");
        _require(feed.maxAge != 0, "maxAge");
        _require(feed.maxDeviation <= PPM, "maxDeviation");
        _require(feed.min != 0 && feed.min <= feed.max, "min");
        _require(feed.aggregator.code.length != 0, "aggregator");
        _require(IAggregatorV3(feed.aggregator).decimals() == feed.aggregatorDecimals, "aggregatorDecimals");
    }

    function _checkLevels(Level[] calldata levels, uint32 sufficient) private pure {
        _require(levels.length != 0 && levels.length <= MAX_LEVELS, "levels");
        _require(sufficient != 0 && sufficient <= levels.length, "sufficient");
        for (uint256 i = 0; i < levels.length; ++i) {
            Level calldata level = levels[i];
            for (uint256 j = 0; j < i; ++j) {
                _require(levels[j].level != level.level, "levels");
            }
            _require(Bn254.isPoint(level.idx[0], level.idx[1]), "idx");
            _require(Bn254.isPoint(level.flag[0], level.flag[1]), "flag");
            _checkCoefficients(level.coefficients, levels[0].coefficients.market.length);
        }
    }

    function _checkCoefficients(LevelCoefficients calldata coefficients, uint256 prices) private pure {
        _require(Bn254.isPoint(coefficients.base[0], coefficients.base[1]), "base");
        uint256[2][] calldata market = coefficients.market;
        _require(market.length == prices, "market");
        for (uint256 u = 0; u < prices; ++u) {
            (uint256 x, uint256 y) = (market[u][0], market[u][1]);
            _require(Bn254.isIdentity(x, y) || Bn254.isPoint(x, y), "market");
        }
    }

    /// @dev A vault counts by the points of one universe's rows. Under another universe the same points would stand for
    /// other instruments.
    function _checkVault(Publication calldata publication) private view {
        address vault = publication.vault.at;
        if (vault == address(0)) {
            _require(publication.vault.level == 0, "vault.level");
            _require(publication.vault.maxAge == 0, "vault.maxAge");
            _require(publication.vault.minAge == 0, "vault.minAge");
            return;
        }
        // A shortfall lets nothing out.
        _require(publication.vault.level < publication.sufficient, "vault.level");
        _require(publication.vault.maxAge != 0, "vault.maxAge");
        bool isRight = vault.code.length != 0 && ICollateralVault(vault).UNIVERSE() == publication.universe;
        if (!isRight) revert WrongVault(vault);
    }

    /// @dev The digest of the verifying key. Reverts unless the verifying contract has the publication's set-up and
    /// capacity.
    function _checkedKey(Publication calldata publication) private view returns (bytes32) {
        ISuretyVerifier verifier = ISuretyVerifier(publication.verifier);
        bool isRight = address(verifier).code.length != 0 && verifier.SRS_ID() == publication.srs
            && verifier.CAPACITY() == publication.k;
        if (!isRight) revert WrongVerifier(address(verifier));
        return verifier.VK_HASH();
    }

    /* PRIVATE: HASHING AND ENCODING */

    /// @dev The policy's identifier. The compiler of policies computes the same: verifier/src/attestation/compiled.rs.
    function _identify(Publication calldata publication) private view returns (bytes32) {
        uint256 count = publication.levels.length;
        bool hasShortfalls = publication.sufficient < count;
        bytes32[] memory levels = new bytes32[](hasShortfalls ? count + 1 : count);
        for (uint256 i = 0; i < count; ++i) {
            levels[i] = _hash(publication.levels[i], _identifierOf(publication, i));
        }
        // The names of levels are whatever the owner publishes, also the hash that stands for a shortfall.
        if (hasShortfalls) levels[count] = keccak256(abi.encode(SHORTFALL_TAG, uint256(publication.sufficient)));
        return keccak256(
            abi.encodePacked(
                POLICY_TAG,
                publication.document,
                publication.universe,
                publication.srs,
                uint256(publication.k),
                _hashVault(publication),
                _hashScopes(publication.scopes),
                levels
            )
        );
    }

    /// @dev The word that stands for the vault: zero if there is none. The points come from the vault itself, so a
    /// policy whose instruments have other rows than the vault's has another identifier here than from its compiler.
    function _hashVault(Publication calldata publication) private view returns (bytes32) {
        if (publication.vault.at == address(0)) return 0;
        return keccak256(
            abi.encode(
                VAULT_RULES_TAG,
                block.chainid,
                publication.vault.at,
                publication.universe,
                publication.levels[publication.vault.level].level,
                publication.vault.maxAge,
                publication.vault.minAge,
                keccak256(abi.encode(ICollateralVault(publication.vault.at).assets()))
            )
        );
    }

    /// @dev The word that stands for the scopes: zero if there are none.
    function _hashScopes(Scope[] calldata scopes) private pure returns (bytes32) {
        return scopes.length == 0 ? bytes32(0) : keccak256(abi.encode(SOURCE_SCOPES_TAG, scopes));
    }

    /// @dev The identifier of a level. A level that claims a shortfall has another than a level of its name that claims
    /// sufficiency, so that no policy, context or event takes one for the other.
    function _identifierOf(Publication calldata publication, uint256 index) private pure returns (bytes32 level) {
        level = publication.levels[index].level;
        if (index >= publication.sufficient) level = keccak256(abi.encode(SHORTFALL_TAG, level));
    }

    function _hash(Level calldata level, bytes32 identifier) private pure returns (bytes32) {
        uint256[2][] calldata market = level.coefficients.market;
        bytes calldata points;
        assembly ("memory-safe") {
            points.offset := market.offset
            points.length := mul(market.length, 0x40)
        }
        return keccak256(abi.encodePacked(identifier, level.idx, level.flag, level.coefficients.base, points));
    }

    /// @dev {standingOf} decides whether the policy is in force.
    function _encodeStanding(Publication calldata publication, uint32 ordinal, bytes32 verifyingKey)
        private
        returns (bytes memory)
    {
        return abi.encode(
            Standing({
                inForce: false,
                ordinal: ordinal,
                accounts: _number(publication),
                terms: _terms(publication, verifyingKey)
            })
        );
    }

    function _terms(Publication calldata publication, bytes32 verifyingKey) private pure returns (Terms memory) {
        LevelWiring[] memory levels = new LevelWiring[](publication.levels.length);
        for (uint256 i = 0; i < levels.length; ++i) {
            Level calldata level = publication.levels[i];
            levels[i] = LevelWiring({level: _identifierOf(publication, i), idx: level.idx, flag: level.flag});
        }
        return Terms({
            universe: publication.universe,
            srs: publication.srs,
            verifyingKey: verifyingKey,
            verifier: publication.verifier,
            vault: publication.vault,
            k: publication.k,
            validity: publication.validity,
            maxStatementSkew: publication.maxStatementSkew,
            maxStatementAge: publication.maxStatementAge,
            grace: publication.grace,
            acceptsMarked: publication.acceptsMarked,
            requiresConsent: publication.requiresConsent,
            sufficient: publication.sufficient,
            sources: publication.sources,
            scopes: publication.scopes,
            nodes: publication.nodes,
            levels: levels
        });
    }

    /// @dev Leaves out the commitments of levels if nodes sign: the snapshot oracle then computes no coefficients.
    function _encodeMarketRules(Publication calldata publication) private pure returns (bytes memory) {
        LevelCoefficients[] memory levels =
            new LevelCoefficients[](publication.feeds.length == 0 ? 0 : publication.levels.length);
        for (uint256 i = 0; i < levels.length; ++i) {
            levels[i] = publication.levels[i].coefficients;
        }
        return abi.encode(
            MarketRules({
                epochLength: publication.epochLength,
                maxAge: publication.maxMarketAge,
                maxSkew: publication.maxMarketSkew,
                quorum: publication.quorum,
                levelCount: uint32(publication.levels.length),
                nodes: publication.nodes,
                feeds: publication.feeds,
                levels: levels
            })
        );
    }
}
