// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../interfaces/ISnapshotOracle.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {
    EIP712_NAME,
    EIP712_VERSION,
    MAX_LEVELS,
    PPM,
    PRICE_WORDS,
    SIGNED_SNAPSHOT_TYPEHASH
} from "../libraries/Constants.sol";
import {FeedReader} from "../libraries/FeedReader.sol";
import {MarketRulesReader} from "../libraries/MarketRulesReader.sol";
import {PackedPrices} from "../libraries/PackedPrices.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Feed, MarketRules, SignedSnapshot, Snapshot} from "../types/Market.sol";

/// @title The snapshot oracle
/// @dev Each policy has two places. A new snapshot overwrites the older one, so that storage does not grow. A place
/// with an epoch of zero is empty: epoch zero is long over.
contract SnapshotOracle is ISnapshotOracle, EIP712, ERC165 {
    /* TYPES */

    /// @dev A snapshot with its commitments and packed prices. Coefficients at indices beyond the policy's levels are
    /// zeros.
    struct Place {
        Snapshot snapshot;
        bytes32 id;
        uint256[2][MAX_LEVELS] coefficients;
        uint256[PRICE_WORDS] prices;
    }

    /* IMMUTABLES */

    /// @notice The policy registry.
    IPolicyRegistry public immutable POLICY_REGISTRY;

    /* STORAGE */

    mapping(bytes32 policy => Place[2]) private _places;

    /* CONSTRUCTOR */

    constructor(IPolicyRegistry policyRegistry) EIP712(EIP712_NAME, EIP712_VERSION) {
        POLICY_REGISTRY = policyRegistry;
    }

    /* TAKING SNAPSHOTS */

    /// @inheritdoc ISnapshotOracle
    function take(bytes32 policy) external returns (uint64 epoch) {
        MarketRules memory rules = _rulesInForce(policy);
        if (rules.quorum != 0) revert WrongKind();
        epoch = uint64(block.timestamp / rules.epochLength);
        (Place storage place, Place storage before, uint64 previousEpoch) = _next(policy, epoch);
        _checkSpacing(before, block.timestamp, rules.epochLength);

        (uint96[] memory prices, uint256 slack) = _readFeeds(rules);
        bool marked = previousEpoch != 0 && _deviates(rules.feeds, before, prices);
        place.snapshot = Snapshot({
            epoch: epoch,
            previousEpoch: previousEpoch,
            time: uint40(block.timestamp),
            newest: uint40(block.timestamp),
            slack: uint32(slack),
            marked: marked
        });
        PackedPrices.store(place.prices, prices);
        for (uint256 i = 0; i < rules.levels.length; ++i) {
            uint256[2] memory coef = Bn254.affineCombination(rules.levels[i].base, rules.levels[i].market, prices);
            if (Bn254.isIdentity(coef[0], coef[1])) revert DegenerateCoefficients(i);
            place.coefficients[i] = coef;
        }
        emit SnapshotTaken(policy, epoch, uint40(block.timestamp), marked, 0, prices);
    }

    /// @inheritdoc ISnapshotOracle
    function submit(SignedSnapshot calldata snapshot, address[] calldata signers, bytes[] calldata signatures)
        external
    {
        MarketRules memory rules = _rulesInForce(snapshot.policy);
        if (rules.quorum == 0) revert WrongKind();
        _checkTimes(snapshot, rules);
        _checkCoefficients(snapshot.coefficients, rules.levelCount);
        (Place storage place, Place storage before, uint64 previousEpoch) = _next(snapshot.policy, snapshot.epoch);
        _checkSpacing(before, snapshot.time, rules.epochLength);
        _checkSignatures(_digest(snapshot), rules, signers, signatures);

        place.snapshot = Snapshot({
            epoch: snapshot.epoch,
            previousEpoch: previousEpoch,
            time: snapshot.time,
            newest: snapshot.newest,
            slack: snapshot.slack,
            marked: snapshot.marked
        });
        place.id = snapshot.id;
        for (uint256 i = 0; i < rules.levelCount; ++i) {
            place.coefficients[i] = [snapshot.coefficients[2 * i], snapshot.coefficients[2 * i + 1]];
        }
        emit SnapshotTaken(
            snapshot.policy, snapshot.epoch, snapshot.time, snapshot.marked, snapshot.id, new uint96[](0)
        );
    }

    /* VIEWS */

    /// @inheritdoc ISnapshotOracle
    function latest(bytes32 policy) external view returns (Snapshot memory) {
        return _newest(policy).snapshot;
    }

    /// @inheritdoc ISnapshotOracle
    function read(bytes32 policy, uint64 epoch, uint256 level)
        external
        view
        returns (Snapshot memory, Snapshot memory, uint256[2] memory coef)
    {
        Place[2] storage places = _places[policy];
        (uint256 first, uint256 second) = (_word(places[0]), _word(places[1]));
        bool isFirst = uint64(first) == epoch;
        uint256 word = isFirst ? first : second;
        if (epoch == 0 || uint64(word) != epoch) revert UnknownEpoch(epoch);
        if (level < MAX_LEVELS) coef = places[isFirst ? 0 : 1].coefficients[level];
        if (Bn254.isIdentity(coef[0], coef[1])) revert UnknownLevel(level);
        return (_unpacked(word), _unpacked(uint64(first) < uint64(second) ? second : first), coef);
    }

    /// @inheritdoc ISnapshotOracle
    function pricesOf(bytes32 policy, uint64 epoch) external view returns (uint96[] memory) {
        return PackedPrices.load(_placeOf(policy, epoch).prices, POLICY_REGISTRY.marketRules(policy).feeds.length);
    }

    /// @inheritdoc ISnapshotOracle
    function idOf(bytes32 policy, uint64 epoch) external view returns (bytes32) {
        return _placeOf(policy, epoch).id;
    }

    /// @notice True if the contract has the interface (ERC-165).
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(ISnapshotOracle).interfaceId || super.supportsInterface(interfaceId);
    }

    /* PRIVATE: PLACES */

    function _rulesInForce(bytes32 policy) private view returns (MarketRules memory) {
        if (!POLICY_REGISTRY.isInForce(policy)) revert PolicyNotInForce(policy);
        return MarketRulesReader.read(POLICY_REGISTRY, policy);
    }

    /// @dev The place for the snapshot of an epoch, and the place of the newest snapshot, whose epoch is zero if there
    /// is none.
    function _next(bytes32 policy, uint64 epoch)
        private
        view
        returns (Place storage place, Place storage newest, uint64 newestEpoch)
    {
        Place[2] storage places = _places[policy];
        (uint64 first, uint64 second) = (places[0].snapshot.epoch, places[1].snapshot.epoch);
        (place, newest, newestEpoch) = first < second ? (places[0], places[1], second) : (places[1], places[0], first);
        if (epoch <= newestEpoch) revert EpochTaken(epoch);
    }

    /// @dev The word that holds the snapshot of a place: its epoch is in the lowest bits.
    function _word(Place storage place) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(place.slot)
        }
    }

    /// @dev The fields of a snapshot, as Solidity packs them into a word.
    function _unpacked(uint256 word) private pure returns (Snapshot memory) {
        return Snapshot({
            epoch: uint64(word),
            previousEpoch: uint64(word >> 64),
            time: uint40(word >> 128),
            newest: uint40(word >> 168),
            slack: uint32(word >> 208),
            marked: uint8(word >> 240) != 0
        });
    }

    function _newest(bytes32 policy) private view returns (Place storage) {
        Place[2] storage places = _places[policy];
        return places[places[0].snapshot.epoch < places[1].snapshot.epoch ? 1 : 0];
    }

    function _placeOf(bytes32 policy, uint64 epoch) private view returns (Place storage place) {
        Place[2] storage places = _places[policy];
        place = places[places[0].snapshot.epoch == epoch ? 0 : 1];
        if (epoch == 0 || place.snapshot.epoch != epoch) revert UnknownEpoch(epoch);
    }

    /* PRIVATE: FEEDS */

    /// @dev The prices, and the slack: the smallest remainder of the ages that the rules allow.
    function _readFeeds(MarketRules memory rules) private view returns (uint96[] memory prices, uint256 slack) {
        prices = new uint96[](rules.feeds.length);
        slack = rules.maxAge;
        // Anybody takes the only snapshot of an epoch, so it must take attestations for a while.
        uint256 least = rules.epochLength / 2;
        for (uint256 u = 0; u < prices.length; ++u) {
            Feed memory feed = rules.feeds[u];
            (bool isGood, uint256 answer, uint256 age) = FeedReader.read(feed);
            if (!isGood) revert BadAnswer(u);
            // An answer above the maximum is refused without scaling. Below it the product does not wrap around.
            uint256 price = answer;
            unchecked {
                // No policy has a maximum below `least`.
                if (age > feed.maxAge - least) revert StaleAnswer(u, age);
                if (answer <= feed.max) price *= 10 ** uint256(feed.decimals - feed.aggregatorDecimals);
                if (feed.maxAge - age < slack) slack = feed.maxAge - age;
            }
            if (price < feed.min || price > feed.max) revert PriceOutOfRange(u, price);
            prices[u] = uint96(price);
        }
    }

    /// @dev True if a price has moved too far: |price - previous| / previous > maxDeviation / 10^6, cross-multiplied.
    /// Prices have 96 bits and parts per million have 32, so nothing overflows.
    function _deviates(Feed[] memory feeds, Place storage place, uint96[] memory prices) private view returns (bool) {
        uint96[] memory before = PackedPrices.load(place.prices, feeds.length);
        for (uint256 u = 0; u < feeds.length; ++u) {
            (uint256 limit, uint256 price, uint256 previous) = (feeds[u].maxDeviation, prices[u], before[u]);
            unchecked {
                uint256 difference = price > previous ? price - previous : previous - price;
                if (limit != 0 && PPM * difference > previous * limit) return true;
            }
        }
        return false;
    }

    /* PRIVATE: CHECKS */

    /// @dev Snapshots are at least half an epoch apart. Otherwise snapshots in the last second of one epoch and the
    /// first of the next would clear the circuit breaker's mark within a second, since a price is compared with the
    /// previous snapshot, and would end the grace of the snapshot before.
    function _checkSpacing(Place storage before, uint256 time, uint40 epochLength) private view {
        uint256 earliest = uint256(before.snapshot.time) + epochLength / 2;
        if (before.snapshot.epoch != 0 && time < earliest) revert TooSoon(earliest);
    }

    function _checkTimes(SignedSnapshot calldata snapshot, MarketRules memory rules) private view {
        _require(snapshot.newest <= block.timestamp, "newest");
        _require(snapshot.time <= snapshot.newest, "time");
        _require(block.timestamp - snapshot.time <= rules.maxAge, "time");
        _require(snapshot.epoch == snapshot.time / rules.epochLength, "epoch");
        _require(snapshot.epoch == snapshot.newest / rules.epochLength, "newest");
        uint256 skew = snapshot.newest - snapshot.time;
        _require(skew <= rules.maxSkew, "newest");
        _require(skew <= snapshot.slack && snapshot.slack <= rules.maxAge, "slack");
    }

    function _checkCoefficients(uint256[] calldata coefficients, uint256 levels) private pure {
        _require(coefficients.length == 2 * levels, "coefficients");
        for (uint256 i = 0; i < coefficients.length; i += 2) {
            _require(Bn254.isPoint(coefficients[i], coefficients[i + 1]), "coefficients");
        }
    }

    /// @dev Signers and nodes are in ascending order, so one pass over the nodes finds every signer.
    function _checkSignatures(
        bytes32 digest,
        MarketRules memory rules,
        address[] calldata signers,
        bytes[] calldata signatures
    ) private view {
        if (signers.length < rules.quorum || signers.length != signatures.length) {
            revert InvalidSignatures();
        }
        uint256 node = 0;
        for (uint256 i = 0; i < signers.length; ++i) {
            while (node < rules.nodes.length && rules.nodes[node] != signers[i]) ++node;
            if (node++ >= rules.nodes.length) revert InvalidSignatures();
            bool isGood = Signatures.isOf(signers[i], digest, signatures[i]);
            if (!isGood) revert InvalidSignatures();
        }
    }

    function _require(bool holds, string memory part) private pure {
        if (!holds) revert InvalidSnapshot(part);
    }

    /* PRIVATE: HASHING */

    function _digest(SignedSnapshot calldata snapshot) private view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    SIGNED_SNAPSHOT_TYPEHASH,
                    snapshot.policy,
                    snapshot.epoch,
                    snapshot.time,
                    snapshot.newest,
                    snapshot.slack,
                    snapshot.marked,
                    snapshot.id,
                    keccak256(abi.encodePacked(snapshot.coefficients))
                )
            )
        );
    }

}
