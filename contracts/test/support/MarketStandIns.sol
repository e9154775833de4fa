// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IPolicyRegistry} from "../../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../../src/interfaces/ISnapshotOracle.sol";
import {Feed, MarketRules, SignedSnapshot, Snapshot} from "../../src/types/Market.sol";
import {LevelWiring, Publication, Standing, Terms} from "../../src/types/Policy.sol";

/// @notice A policy registry that answers for every identifier with one policy of four levels, the last of which
/// claims a shortfall.
contract PolicyRegistryStandIn is IPolicyRegistry {
    address private vault;
    uint32 private vaultLevel = 1;
    uint40 private vaultMaxAge = 1 hours;
    uint40 private since;
    uint40 private until = type(uint40).max;
    uint40 private validity = 1 days;
    Feed[] private feeds;

    function setValidity(uint40 validity_) external {
        validity = validity_;
    }

    function setVault(address vault_) external {
        vault = vault_;
    }

    function setVaultRules(uint32 level, uint40 maxAge) external {
        (vaultLevel, vaultMaxAge) = (level, maxAge);
    }

    function setCountsFrom(uint40 since_) external {
        since = since_;
    }

    function setEnd(uint40 until_) external {
        until = until_;
    }

    function addFeed(uint8 decimals, uint96 min, uint96 max) external {
        Feed storage feed = feeds.push();
        (feed.decimals, feed.min, feed.max) = (decimals, min, max);
    }

    function standingOf(bytes32 policy) external view returns (Standing memory) {
        uint32[] memory accounts = new uint32[](1);
        accounts[0] = 3;
        return Standing({inForce: isInForce(policy), ordinal: 1, accounts: accounts, terms: terms(policy)});
    }

    function accountNumberOf(address, bytes32) external pure returns (uint32) {
        return 3;
    }

    function terms(bytes32) public view returns (Terms memory found) {
        found.vault.at = vault;
        (found.vault.level, found.vault.maxAge) = (vaultLevel, vaultMaxAge);
        (found.levels, found.sufficient) = (new LevelWiring[](4), 3);
        found.validity = validity;
    }

    function marketRules(bytes32) external view returns (MarketRules memory found) {
        found.feeds = feeds;
        found.epochLength = 300;
    }

    function countsFrom(bytes32) external view returns (uint40) {
        return since;
    }

    function countsUntil(bytes32) external view returns (uint40) {
        return until;
    }

    function isInForce(bytes32) public view returns (bool) {
        return since <= block.timestamp && block.timestamp <= until;
    }

    function end(bytes32, uint40) external pure {
        revert("not of the stand-in");
    }

    function publish(Publication calldata) external pure returns (bytes32) {
        revert("not of the stand-in");
    }

    function freeze(bytes32) external pure {
        revert("not of the stand-in");
    }

    function thaw(bytes32) external pure {
        revert("not of the stand-in");
    }

    function delay() external pure returns (uint40) {
        return 0;
    }

    function ordinalOf(bytes32) external pure returns (uint32) {
        return 1;
    }

    function latestVersion(bytes32) external pure returns (uint32) {
        return 1;
    }

    function policyOf(bytes32, uint32) external pure returns (bytes32) {
        return 0;
    }
}

/// @notice An oracle that takes the prices it is given. The market of interest is the second of two.
contract OracleStandIn is ISnapshotOracle {
    Snapshot private newest;
    Snapshot private beforeNewest;
    mapping(uint64 epoch => uint96) private prices;

    function set(uint96 price, bool marked) external {
        beforeNewest = newest;
        newest = Snapshot({
            epoch: newest.epoch + 1,
            previousEpoch: newest.epoch,
            time: uint40(block.timestamp),
            newest: uint40(block.timestamp),
            slack: 0,
            marked: marked
        });
        prices[newest.epoch] = price;
    }

    /// @notice Puts the newest snapshot into another epoch.
    function setEpoch(uint64 epoch) external {
        prices[epoch] = prices[newest.epoch];
        newest.epoch = epoch;
    }

    function latest(bytes32) external view returns (Snapshot memory) {
        return newest;
    }

    function pricesOf(bytes32, uint64 epoch) external view returns (uint96[] memory found) {
        if (epoch == 0 || (epoch != newest.epoch && epoch != newest.previousEpoch)) revert UnknownEpoch(epoch);
        found = new uint96[](2);
        (found[0], found[1]) = (1, prices[epoch]);
    }

    function take(bytes32) external pure returns (uint64) {
        revert("not of the stand-in");
    }

    function submit(SignedSnapshot calldata, address[] calldata, bytes[] calldata) external pure {
        revert("not of the stand-in");
    }

    function read(bytes32, uint64 epoch, uint256)
        external
        view
        returns (Snapshot memory, Snapshot memory, uint256[2] memory coef)
    {
        return (epoch == newest.epoch ? newest : beforeNewest, newest, coef);
    }

    function idOf(bytes32, uint64) external pure returns (bytes32) {
        return 0;
    }
}
