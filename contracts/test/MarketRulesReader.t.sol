// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {PRICE_WORDS} from "../src/libraries/Constants.sol";
import {MarketRulesReader} from "../src/libraries/MarketRulesReader.sol";
import {PackedPrices} from "../src/libraries/PackedPrices.sol";
import {MarketRules} from "../src/types/Market.sol";
import {Publication} from "../src/types/Policy.sol";
import {PolicyTest} from "./support/PolicyTest.sol";
import {vm} from "./support/Vm.sol";

/// @notice Market rules that are read in place equal those that Solidity's decoder reads.
contract MarketRulesReaderTest is PolicyTest {
    uint256[PRICE_WORDS] private words;

    function testFuzz_reads_what_the_decoder_reads(uint256 feeds, uint256 levels) external {
        Publication memory publication = _fed(1 + feeds % 12, 1 + levels % 5);
        publication.feeds[0].maxDeviation = uint32(feeds % 1_000_000);
        _requireEqual(_publish(publication));
    }

    function testFuzz_reads_rules_without_feeds(uint256 levels) external {
        _requireEqual(_publish(_signed(1 + levels % 16)));
    }

    /// @notice Whatever is allocated afterwards lies behind.
    function test_rules_stay_as_they_are() external {
        bytes32 policy = _publish(_fed(3, 2));
        MarketRules memory rules = MarketRulesReader.read(policyRegistry, policy);
        bytes32 before = keccak256(abi.encode(rules));
        uint256[] memory more = new uint256[](100);
        for (uint256 i = 0; i < more.length; ++i) {
            more[i] = type(uint256).max;
        }
        require(keccak256(abi.encode(rules)) == before);
    }

    function test_rejects_unknown_policies() external {
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, bytes32(0)));
        this.read(0);
    }

    function testFuzz_prices_are_stored_as_they_are(uint96[] memory prices, uint96[] memory others) external {
        _truncate(prices);
        _truncate(others);
        PackedPrices.store(words, others);
        PackedPrices.store(words, prices);
        require(keccak256(abi.encode(PackedPrices.load(words, prices.length))) == keccak256(abi.encode(prices)));
    }

    function read(bytes32 policy) external view returns (MarketRules memory) {
        return MarketRulesReader.read(policyRegistry, policy);
    }

    function _requireEqual(bytes32 policy) private view {
        bytes memory found = abi.encode(MarketRulesReader.read(policyRegistry, policy));
        require(keccak256(found) == keccak256(abi.encode(policyRegistry.marketRules(policy))));
    }

    function _truncate(uint96[] memory prices) private pure {
        assembly {
            if gt(mload(prices), 64) { mstore(prices, 64) }
        }
    }
}
