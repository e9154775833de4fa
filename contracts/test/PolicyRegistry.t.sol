// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {
    IAccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";
import {CollateralVault} from "../src/core/CollateralVault.sol";
import {PolicyRegistry} from "../src/core/PolicyRegistry.sol";
import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {ICollateralVault} from "../src/interfaces/ICollateralVault.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../src/interfaces/ISnapshotOracle.sol";
import {MAX_FEEDS, MAX_LEVELS} from "../src/libraries/Constants.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {Asset} from "../src/types/Collateral.sol";
import {Feed, MarketRules} from "../src/types/Market.sol";
import {Level, LevelWiring, Publication, Scope, Source, Terms, VaultRules} from "../src/types/Policy.sol";
import {P, R} from "./support/Field.sol";
import {PolicyTest} from "./support/PolicyTest.sol";
import {vm} from "./support/Vm.sol";
import {SuretyVerifierK11} from "./verifiers/DevelopmentVerifierK11.sol";

/// @notice Publication of policies, the roles, and the times from which policies count.
contract PolicyRegistryTest is PolicyTest {
    bytes32 private constant ADMIN_ROLE = 0;

    MockToken private usdc = new MockToken(6);
    MockToken private wbtc = new MockToken(8);

    // Contents of a publication

    function test_identifies_a_policy_as_its_compiler_does() external {
        string memory json = vm.readFile("test/fixtures/policy.json");
        bytes32 policy = _publish(_compiled(json));
        require(policy == bytes32(vm.parseJsonBytes(json, ".policy")));
    }

    function testFuzz_identifier_is_of_everything_that_it_covers(uint256 place, uint256 scalar) external {
        scalar %= R;
        // Not one of the small numbers that the publication is made of.
        vm.assume(scalar > 1_000_000);
        Publication memory publication = _fed(3, 2);
        bytes32 policy = _publish(publication);
        require(policy == _identifierOf(publication));
        publication.version = 2;
        uint256[2] memory point = _point(scalar);
        Level memory level = publication.levels[place / 16 % 2];
        place %= 10;
        if (place == 0) publication.document = bytes32(scalar);
        if (place == 1) publication.universe = bytes32(scalar);
        if (place == 2) level.level = bytes32(scalar);
        if (place == 3) level.idx = point;
        if (place == 4) level.flag = point;
        if (place == 5) level.coefficients.base = point;
        if (place == 6) level.coefficients.market[2] = [uint256(0), 0];
        if (place >= 7) level.coefficients.market[place - 7] = point;
        bytes32 changed = _publish(publication);
        require(changed == _identifierOf(publication) && changed != policy);
    }

    function test_keeps_terms() external {
        Publication memory publication = _fed(3, 2);
        publication.acceptsMarked = true;
        _addVault(publication);
        publication.requiresConsent = true;
        Terms memory terms = policyRegistry.terms(_publish(publication));
        LevelWiring[] memory levels = new LevelWiring[](2);
        for (uint256 i = 0; i < 2; ++i) {
            levels[i] = LevelWiring(publication.levels[i].level, publication.levels[i].idx, publication.levels[i].flag);
        }
        Terms memory expected = Terms({
            universe: publication.universe,
            srs: verifier.SRS_ID(),
            verifyingKey: verifier.VK_HASH(),
            verifier: address(verifier),
            vault: VaultRules({at: publication.vault.at, level: 1, maxAge: 600, minAge: 30}),
            k: 10,
            validity: 1 days,
            maxStatementSkew: 120,
            maxStatementAge: 3_600,
            grace: 60,
            acceptsMarked: true,
            requiresConsent: true,
            sufficient: 2,
            sources: publication.sources,
            scopes: publication.scopes,
            nodes: publication.nodes,
            levels: levels
        });
        require(keccak256(abi.encode(terms)) == keccak256(abi.encode(expected)));
    }

    // The vault

    function test_identifies_a_policy_by_all_that_its_vault_counts_by() external {
        Publication memory publication = _fed(1, 3);
        bytes32[] memory policies = new bytes32[](8);
        policies[0] = _publishNext(publication);
        _addVault(publication);
        policies[1] = _publishNext(publication);
        publication.vault.level = 0;
        policies[2] = _publishNext(publication);
        ++publication.vault.maxAge;
        policies[3] = _publishNext(publication);
        publication.vault.minAge = 0;
        policies[4] = _publishNext(publication);
        publication.vault.at = address(_vault(publication.universe, 3, 5));
        policies[5] = _publishNext(publication);
        publication.vault.at = address(_vault(publication.universe, 5, 3));
        policies[6] = _publishNext(publication);
        vm.chainId(block.chainid + 1);
        policies[7] = _publishNext(publication);
        _requireDifferent(policies);
    }

    /// @notice Attack: a version of the policy with other rows for its instruments, under which the vault's points
    /// stand for other instruments. USDC would count as BTC.
    function test_rejects_a_vault_of_another_universe() external {
        Publication memory publication = _fed(1, 1);
        _addVault(publication);
        _publish(publication);
        (publication.version, publication.universe) = (2, keccak256("reordered"));
        bytes memory wrong = abi.encodeWithSelector(IPolicyRegistry.WrongVault.selector, publication.vault.at);
        _expectRejection(publication, wrong);
    }

    /// @notice The collateral of a vault has a number behind those of the accounts, the same for every policy.
    function test_the_collateral_of_a_vault_has_one_number() external {
        Publication memory publication = _fed(1, 3);
        uint32[] memory without = policyRegistry.standingOf(_publishNext(publication)).accounts;
        require(without.length == 3);
        _addVault(publication);
        uint32[] memory first = policyRegistry.standingOf(_publishNext(publication)).accounts;
        require(first.length == 4 && first[0] == without[0] && first[2] == without[2]);
        require(first[3] == 6 && policyRegistry.accountNumberOf(publication.vault.at, 0) == 6);
        (publication.sources[2].account, publication.document) = (keccak256("another account"), keccak256("other"));
        uint32[] memory second = policyRegistry.standingOf(_publishNext(publication)).accounts;
        require(second[3] == first[3] && second[2] == 9 && second[1] == first[1]);
    }

    function test_rejects_a_vault_that_is_no_contract() external {
        Publication memory publication = _fed(1, 1);
        _addVault(publication);
        publication.vault.at = address(0x7a);
        _expectRejection(publication, abi.encodeWithSelector(IPolicyRegistry.WrongVault.selector, address(0x7a)));
    }

    function test_rejects_rules_of_a_vault_where_there_is_none() external {
        Publication memory publication = _fed(1, 2);
        publication.vault.level = 1;
        _expectInvalid(publication, "vault.level");
        (publication.vault.level, publication.vault.maxAge) = (0, 1);
        _expectInvalid(publication, "vault.maxAge");
        (publication.vault.maxAge, publication.vault.minAge) = (0, 1);
        _expectInvalid(publication, "vault.minAge");
    }

    function test_rejects_rules_of_a_vault_that_let_nothing_out() external {
        Publication memory publication = _fed(1, 2);
        _addVault(publication);
        publication.vault.level = 2;
        _expectInvalid(publication, "vault.level");
        (publication.vault.level, publication.vault.maxAge) = (1, 0);
        _expectInvalid(publication, "vault.maxAge");
    }

    /// @notice Attack: a vault that lets collateral out for a margin that is negative.
    function test_rejects_rules_of_a_vault_that_let_collateral_out_for_a_shortfall() external {
        Publication memory publication = _fed(1, 3);
        publication.sufficient = 2;
        _addVault(publication);
        _expectInvalid(publication, "vault.level");
        publication.vault.level = 1;
        require(policyRegistry.terms(_publishNext(publication)).vault.level == 1);
    }

    // Levels of shortfalls

    function test_keeps_levels_of_shortfalls() external {
        Publication memory publication = _fed(1, 3);
        publication.sufficient = 1;
        Terms memory terms = policyRegistry.terms(_publishNext(publication));
        require(terms.sufficient == 1 && terms.levels.length == 3);
        require(terms.levels[0].level == publication.levels[0].level);
        for (uint256 i = 1; i < 3; ++i) {
            bytes memory preimage = abi.encode(keccak256("surety/shortfall/v1"), publication.levels[i].level);
            require(terms.levels[i].level == keccak256(preimage));
        }
        require(keccak256(abi.encode(terms.levels[2].idx)) == keccak256(abi.encode(publication.levels[2].idx)));
    }

    /// @notice Attack: publish a policy's levels of shortfalls as levels that are sufficient, or the reverse.
    function test_identifies_a_policy_by_the_number_of_levels_that_are_sufficient() external {
        Publication memory publication = _fed(1, 3);
        bytes32[] memory policies = new bytes32[](3);
        for (uint32 i = 0; i < 3; ++i) {
            publication.sufficient = i + 1;
            policies[i] = _publishNext(publication);
        }
        _requireDifferent(policies);
    }

    /// @notice Attack: publish the levels of shortfalls as sufficient ones, under names that are the identifiers of
    /// shortfalls.
    function test_identifies_levels_named_like_shortfalls_otherwise() external {
        Publication memory publication = _fed(1, 3);
        publication.sufficient = 2;
        bytes32 honest = _publishNext(publication);
        bytes32 name = publication.levels[2].level;
        publication.levels[2].level = keccak256(abi.encode(keccak256("surety/shortfall/v1"), name));
        publication.sufficient = 3;
        require(_publishNext(publication) != honest);
    }

    function test_rejects_a_policy_in_which_nothing_is_sufficient() external {
        Publication memory publication = _fed(1, 2);
        publication.sufficient = 0;
        _expectInvalid(publication, "sufficient");
    }

    function test_rejects_more_sufficient_levels_than_there_are() external {
        Publication memory publication = _fed(1, 2);
        publication.sufficient = 3;
        _expectInvalid(publication, "sufficient");
        publication.sufficient = type(uint32).max;
        _expectInvalid(publication, "sufficient");
    }

    function test_rejects_a_shortfall_of_the_name_of_a_sufficient_level() external {
        Publication memory publication = _fed(1, 2);
        publication.sufficient = 1;
        publication.levels[1].level = publication.levels[0].level;
        _expectInvalid(publication, "levels");
    }

    // Ages of prices

    /// @notice Attack: limits under which every snapshot is one that nobody can attest over.
    function test_rejects_ages_of_prices_of_half_an_epoch() external {
        Publication memory publication = _fed(2, 1);
        publication.maxMarketAge = EPOCH / 2;
        _expectInvalid(publication, "maxMarketAge");
        publication.maxMarketAge = EPOCH / 2 + 1;
        publication.feeds[1].maxAge = uint32(EPOCH / 2);
        _expectInvalid(publication, "maxAge");
        publication.feeds[1].maxAge = uint32(EPOCH / 2 + 1);
        _publish(publication);
    }

    // Scopes

    function test_keeps_the_scopes_of_sources() external {
        Publication memory publication = _fed(1, 1);
        _addScopes(publication);
        Scope[] memory kept = policyRegistry.terms(_publish(publication)).scopes;
        require(keccak256(abi.encode(kept)) == keccak256(abi.encode(publication.scopes)));
    }

    function test_identifies_a_policy_by_the_scopes_of_its_sources() external {
        Publication memory publication = _fed(1, 1);
        bytes32[] memory policies = new bytes32[](5);
        policies[0] = _publishNext(publication);
        _addScopes(publication);
        policies[1] = _publishNext(publication);
        publication.scopes[1].outside = _point(10);
        policies[2] = _publishNext(publication);
        publication.scopes[0].outside = _point(8);
        policies[3] = _publishNext(publication);
        publication.scopes = _only(publication.scopes[1]);
        policies[4] = _publishNext(publication);
        _requireDifferent(policies);
    }

    /// @notice Attack: a scope for an address that states nothing, behind which a source goes without its own.
    function test_rejects_a_scope_of_no_source() external {
        Publication memory publication = _fed(1, 1);
        _addScopes(publication);
        publication.scopes[0].signer = address(1);
        _expectInvalid(publication, "scopes");
        publication.scopes[0].signer = publication.sources[0].signer;
        publication.scopes[1].signer = address(type(uint160).max);
        _expectInvalid(publication, "scopes");
    }

    function test_rejects_scopes_out_of_order() external {
        Publication memory publication = _fed(1, 1);
        _addScopes(publication);
        (publication.scopes[0], publication.scopes[1]) = (publication.scopes[1], publication.scopes[0]);
        _expectInvalid(publication, "scopes");
        publication.scopes[1] = publication.scopes[0];
        _expectInvalid(publication, "scopes");
    }

    function test_rejects_a_scope_that_is_no_point() external {
        Publication memory publication = _fed(1, 1);
        _addScopes(publication);
        publication.scopes[1].outside[1] ^= 1;
        _expectInvalid(publication, "scopes");
        publication.scopes[1].outside = [uint256(0), 0];
        _expectInvalid(publication, "scopes");
    }

    function test_keeps_market_rules() external {
        Publication memory publication = _fed(3, 2);
        MarketRules memory rules = policyRegistry.marketRules(_publish(publication));
        require(rules.epochLength == EPOCH && rules.maxAge == MAX_AGE && rules.maxSkew == 60);
        require(rules.quorum == 0 && rules.levelCount == 2);
        require(keccak256(abi.encode(rules.nodes)) == keccak256(abi.encode(publication.nodes)));
        require(keccak256(abi.encode(rules.feeds)) == keccak256(abi.encode(publication.feeds)));
        require(rules.levels.length == 2);
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 expected = keccak256(abi.encode(publication.levels[i].coefficients));
            require(keccak256(abi.encode(rules.levels[i])) == expected);
        }
    }

    function test_keeps_no_commitments_where_nodes_sign() external {
        MarketRules memory rules = policyRegistry.marketRules(_publish(_signed(2)));
        require(rules.quorum == 2 && rules.levelCount == 2 && rules.feeds.length == 0 && rules.levels.length == 0);
    }

    function test_publishes_the_most_levels_and_feeds() external {
        require(policyRegistry.marketRules(_publish(_fed(1, MAX_LEVELS))).levels.length == MAX_LEVELS);
        Publication memory publication = _fed(MAX_FEEDS, 1);
        publication.version = 2;
        require(policyRegistry.marketRules(_publish(publication)).feeds.length == MAX_FEEDS);
    }

    function test_counts_versions_and_policies() external {
        Publication memory publication = _fed(1, 1);
        require(policyRegistry.latestVersion(LINE) == 0 && policyRegistry.policyOf(LINE, 1) == 0);
        bytes32 first = _publish(publication);
        (publication.version, publication.document) = (2, bytes32(uint256(2)));
        bytes32 second = _publish(publication);
        (publication.line, publication.version, publication.document) = (keccak256("other"), 1, bytes32(uint256(3)));
        bytes32 third = _publish(publication);
        require(policyRegistry.latestVersion(LINE) == 2 && policyRegistry.latestVersion(publication.line) == 1);
        require(policyRegistry.policyOf(LINE, 1) == first && policyRegistry.policyOf(LINE, 2) == second);
        require(policyRegistry.policyOf(publication.line, 1) == third);
        require(
            policyRegistry.ordinalOf(first) == 1 && policyRegistry.ordinalOf(second) == 2
                && policyRegistry.ordinalOf(third) == 3
        );
    }

    function test_rejects_a_policy_twice() external {
        Publication memory publication = _fed(1, 1);
        bytes32 policy = _publish(publication);
        publication.version = 2;
        _expectRejection(publication, abi.encodeWithSelector(IPolicyRegistry.PolicyExists.selector, policy));
        (publication.line, publication.version) = (keccak256("other"), 1);
        _expectRejection(publication, abi.encodeWithSelector(IPolicyRegistry.PolicyExists.selector, policy));
    }

    function test_rejects_versions_out_of_turn() external {
        Publication memory publication = _fed(1, 1);
        publication.version = 0;
        _expectRejection(publication, abi.encodeWithSelector(IPolicyRegistry.WrongVersion.selector, 1, 0));
        publication.version = 2;
        _expectRejection(publication, abi.encodeWithSelector(IPolicyRegistry.WrongVersion.selector, 1, 2));
        publication.version = 1;
        _publish(publication);
        publication.document = bytes32(uint256(2));
        _expectRejection(publication, abi.encodeWithSelector(IPolicyRegistry.WrongVersion.selector, 2, 1));
        publication.version = 3;
        _expectRejection(publication, abi.encodeWithSelector(IPolicyRegistry.WrongVersion.selector, 2, 3));
    }

    function test_rejects_a_wrong_verifier() external {
        Publication memory publication = _fed(1, 1);
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.WrongVerifier.selector, verifier);
        publication.k = 11;
        _expectRejection(publication, reason);
        publication.k = 10;
        publication.srs = bytes32(uint256(publication.srs) ^ 1);
        _expectRejection(publication, reason);
        publication.srs = verifier.SRS_ID();
        publication.verifier = address(new SuretyVerifierK11());
        reason = abi.encodeWithSelector(IPolicyRegistry.WrongVerifier.selector, publication.verifier);
        _expectRejection(publication, reason);
        publication.verifier = address(0x1234);
        reason = abi.encodeWithSelector(IPolicyRegistry.WrongVerifier.selector, publication.verifier);
        _expectRejection(publication, reason);
    }

    function test_rejects_no_validity() external {
        Publication memory publication = _fed(1, 1);
        publication.validity = 0;
        _expectInvalid(publication, "validity");
    }

    function test_rejects_epochs_of_no_length() external {
        Publication memory publication = _fed(1, 1);
        publication.epochLength = 0;
        _expectInvalid(publication, "epochLength");
    }

    function test_rejects_a_grace_that_outlasts_the_snapshot_before() external {
        Publication memory publication = _fed(1, 1);
        publication.grace = publication.epochLength / 2 + 1;
        _expectInvalid(publication, "grace");
        publication.grace = publication.epochLength / 2;
        _publish(publication);
    }

    function test_rejects_no_sources() external {
        Publication memory publication = _fed(1, 1);
        publication.sources = new Source[](0);
        _expectInvalid(publication, "sources");
    }

    function test_rejects_a_source_without_address() external {
        Publication memory publication = _fed(1, 1);
        publication.sources[0].signer = address(0);
        _expectInvalid(publication, "sources");
    }

    function test_rejects_sources_out_of_order() external {
        Publication memory publication = _fed(1, 1);
        publication.sources[1].account = publication.sources[0].account;
        _expectInvalid(publication, "sources");
        publication.sources[1].account = bytes32(uint256(6));
        _expectInvalid(publication, "sources");
        publication.sources[1].account = bytes32(uint256(8));
        publication.sources[2].signer = address(0x10);
        _expectInvalid(publication, "sources");
        publication.sources[2].account = bytes32(uint256(9));
        _expectInvalid(publication, "sources");
    }

    function test_rejects_a_contract_source_that_is_none() external {
        Publication memory publication = _fed(1, 1);
        publication.sources[2].isContract = true;
        _expectInvalid(publication, "sources");
        vm.etch(publication.sources[2].signer, abi.encodePacked(hex"ef0100", address(policyRegistry)));
        _expectInvalid(publication, "sources");
        vm.etch(publication.sources[2].signer, hex"00");
        Terms memory terms = policyRegistry.terms(_publish(publication));
        require(terms.sources[2].isContract && !terms.sources[1].isContract);
    }

    function test_rejects_a_source_that_is_both_key_and_contract() external {
        Publication memory publication = _fed(1, 1);
        vm.etch(publication.sources[2].signer, hex"00");
        (publication.sources[1].signer, publication.sources[1].account) = (publication.sources[2].signer, 0);
        publication.sources[2].isContract = true;
        _expectInvalid(publication, "sources");
        publication.sources[1].isContract = true;
        _publish(publication);
    }

    function test_accepts_sources_before_between_and_behind_nodes() external {
        Publication memory publication = _signed(1);
        publication.sources[1].signer = address(uint160(publication.nodes[0]) + 1);
        publication.sources[2].signer = address(type(uint160).max);
        _publish(publication);
    }

    function test_rejects_nodes_out_of_order() external {
        Publication memory publication = _signed(1);
        address last = publication.nodes[2];
        publication.nodes[2] = publication.nodes[1];
        _expectInvalid(publication, "nodes");
        (publication.nodes[1], publication.nodes[2]) = (last, publication.nodes[1]);
        _expectInvalid(publication, "nodes");
    }

    function test_rejects_a_node_without_address() external {
        Publication memory publication = _signed(1);
        publication.nodes[0] = address(0);
        _expectInvalid(publication, "nodes");
    }

    function test_rejects_a_node_that_is_a_source() external {
        for (uint256 i = 0; i < 3; ++i) {
            Publication memory publication = _signed(1);
            publication.sources[2].signer = publication.nodes[i];
            _expectInvalid(publication, "nodes");
            publication = _signed(1);
            publication.nodes[0] = publication.sources[i].signer;
            _expectInvalid(publication, "nodes");
        }
    }

    function test_rejects_a_quorum_that_nodes_cannot_reach() external {
        Publication memory publication = _signed(1);
        publication.quorum = 4;
        _expectInvalid(publication, "quorum");
        publication.quorum = 3;
        _publish(publication);
    }

    function test_rejects_prices_from_nowhere() external {
        Publication memory publication = _signed(1);
        publication.quorum = 0;
        _expectInvalid(publication, "feeds");
    }

    function test_rejects_prices_from_feeds_and_nodes() external {
        Publication memory publication = _fed(1, 1);
        publication.quorum = 1;
        _expectInvalid(publication, "feeds");
    }

    function test_rejects_too_many_feeds() external {
        _expectInvalid(_fed(MAX_FEEDS + 1, 1), "feeds");
    }

    function test_rejects_too_many_decimals() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].decimals = 19;
        _expectInvalid(publication, "decimals");
        publication.feeds[1].decimals = 5;
        _expectInvalid(publication, "decimals");
        publication.feeds[0].decimals = publication.feeds[0].aggregatorDecimals;
        publication.feeds[1].decimals = 18;
        _publish(publication);
    }

    function test_rejects_other_decimals_than_the_aggregator_has() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].aggregatorDecimals = 7;
        _expectInvalid(publication, "aggregatorDecimals");
    }

    function test_rejects_an_aggregator_without_code() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].aggregator = STRANGER;
        _expectInvalid(publication, "aggregator");
    }

    function test_rejects_answers_of_no_age() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].maxAge = 0;
        _expectInvalid(publication, "maxAge");
    }

    function test_rejects_a_deviation_beyond_the_whole() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].maxDeviation = 1_000_001;
        _expectInvalid(publication, "maxDeviation");
        publication.feeds[1].maxDeviation = 1_000_000;
        _publish(publication);
    }

    function test_rejects_an_empty_range_of_prices() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].min = publication.feeds[1].max + 1;
        _expectInvalid(publication, "min");
        publication.feeds[1].min = publication.feeds[1].max;
        _publish(publication);
    }

    function test_rejects_a_price_of_zero() external {
        Publication memory publication = _fed(2, 1);
        publication.feeds[1].min = 0;
        _expectInvalid(publication, "min");
    }

    function test_rejects_factors_without_feeds() external {
        Publication memory publication = _fed(3, 2);
        Feed[] memory feeds = publication.feeds;
        assembly {
            mstore(feeds, 2)
        }
        _expectInvalid(publication, "market");
    }

    function test_rejects_levels_of_other_prices() external {
        Publication memory publication = _signed(2);
        uint256[2][] memory market = publication.levels[1].coefficients.market;
        assembly {
            mstore(market, 4)
        }
        _expectInvalid(publication, "market");
    }

    function test_rejects_no_levels_and_too_many() external {
        _expectInvalid(_fed(1, 0), "levels");
        _expectInvalid(_fed(1, MAX_LEVELS + 1), "levels");
        _expectInvalid(_signed(0), "levels");
    }

    function test_rejects_a_level_twice() external {
        Publication memory publication = _fed(1, 3);
        publication.levels[2].level = publication.levels[0].level;
        _expectInvalid(publication, "levels");
    }

    function test_rejects_what_is_no_point() external {
        for (uint256 i = 0; i < 2; ++i) {
            Publication memory publication = _fed(2, 2);
            Level memory level = publication.levels[i];
            _expectPoint(publication, level.idx, "idx");
            _expectPoint(publication, level.flag, "flag");
            _expectPoint(publication, level.coefficients.base, "base");
            for (uint256 u = 0; u < 2; ++u) {
                _expectCurve(publication, level.coefficients.market[u], "market");
            }
        }
    }

    function test_rejects_what_is_no_point_where_nodes_sign() external {
        Publication memory publication = _signed(1);
        _expectPoint(publication, publication.levels[0].coefficients.base, "base");
        _expectCurve(publication, publication.levels[0].coefficients.market[4], "market");
    }

    function test_accepts_a_price_that_a_level_does_not_read() external {
        Publication memory publication = _fed(2, 1);
        publication.levels[0].coefficients.market[1] = [uint256(0), 0];
        _publish(publication);
    }

    function test_rejects_unknown_policies() external {
        bytes32 policy = bytes32(uint256(1));
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, policy);
        vm.expectRevert(reason);
        policyRegistry.terms(policy);
        vm.expectRevert(reason);
        policyRegistry.marketRules(policy);
        vm.expectRevert(reason);
        policyRegistry.countsFrom(policy);
        vm.expectRevert(reason);
        policyRegistry.ordinalOf(policy);
        vm.expectRevert(reason);
        vm.prank(GUARDIAN);
        policyRegistry.freeze(policy);
        vm.expectRevert(reason);
        vm.prank(OWNER);
        policyRegistry.thaw(policy);
        vm.expectRevert(reason);
        vm.prank(OWNER);
        policyRegistry.end(policy, type(uint40).max - 1);
        vm.expectRevert(reason);
        policyRegistry.countsUntil(policy);
        vm.expectRevert(reason);
        policyRegistry.isInForce(policy);
    }

    // Times

    function test_counts_after_the_delay() external {
        Publication memory publication = _fed(1, 1);
        bytes32 policy = _identifierOf(publication);
        vm.expectEmit(true, true, true, true, address(policyRegistry));
        emit IPolicyRegistry.PolicyPublished(policy, LINE, 1, uint40(START + DELAY));
        _publish(publication);
        require(policyRegistry.delay() == DELAY && policyRegistry.countsFrom(policy) == START + DELAY);
    }

    function test_freezes_and_thaws() external {
        bytes32 policy = _inForce(_fed(1, 1));
        vm.expectEmit(true, true, true, true, address(policyRegistry));
        emit IPolicyRegistry.PolicyFrozen(policy, GUARDIAN);
        _freeze(policy);
        require(policyRegistry.countsFrom(policy) == type(uint40).max);
        uint40 from = uint40(block.timestamp) + DELAY;
        vm.expectEmit(true, true, true, true, address(policyRegistry));
        emit IPolicyRegistry.PolicyThawing(policy, from);
        _thaw(policy);
        require(policyRegistry.countsFrom(policy) == from);
    }

    function test_freezes_what_does_not_count_yet() external {
        bytes32 policy = _publish(_fed(1, 1));
        _freeze(policy);
        require(policyRegistry.countsFrom(policy) == type(uint40).max);
        _thaw(policy);
        require(policyRegistry.countsFrom(policy) == START + DELAY);
        vm.warp(START + 1);
        _freeze(policy);
        _thaw(policy);
        require(policyRegistry.countsFrom(policy) == START + 1 + DELAY);
    }

    function test_rejects_to_thaw_what_is_not_frozen() external {
        bytes32 policy = _publish(_fed(1, 1));
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.NotFrozen.selector, policy);
        vm.expectRevert(reason);
        _thaw(policy);
        vm.warp(START + DELAY);
        vm.expectRevert(reason);
        _thaw(policy);
        _freeze(policy);
        _thaw(policy);
        vm.expectRevert(reason);
        _thaw(policy);
    }

    function test_ends_after_the_delay() external {
        bytes32 policy = _inForce(_fed(1, 1));
        require(policyRegistry.isInForce(policy) && policyRegistry.countsUntil(policy) == type(uint40).max);
        uint40 until = uint40(block.timestamp) + DELAY;
        vm.expectEmit(true, true, true, true, address(policyRegistry));
        emit IPolicyRegistry.PolicyEnding(policy, until);
        _end(policy, until);
        require(policyRegistry.countsUntil(policy) == until);
        vm.warp(until);
        require(policyRegistry.isInForce(policy));
        aggregators[0].set(100e6, until);
        oracle.take(policy);
        vm.warp(until + 1);
        require(!policyRegistry.isInForce(policy));
        vm.expectRevert(abi.encodeWithSelector(ISnapshotOracle.PolicyNotInForce.selector, policy));
        oracle.take(policy);
    }

    function test_rejects_an_end_sooner_than_the_delay() external {
        bytes32 policy = _inForce(_fed(1, 1));
        uint40 earliest = uint40(block.timestamp) + DELAY;
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.WrongEnd.selector, earliest, type(uint40).max);
        vm.expectRevert(reason);
        _end(policy, earliest - 1);
        vm.expectRevert(reason);
        _end(policy, type(uint40).max);
    }

    /// @notice Whoever relies on an end is not disappointed by a later one.
    function test_rejects_a_later_end() external {
        bytes32 policy = _inForce(_fed(1, 1));
        uint40 earliest = uint40(block.timestamp) + DELAY;
        _end(policy, earliest + 10);
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.WrongEnd.selector, earliest, earliest + 10);
        for (uint40 i = 10; i < 12; ++i) {
            vm.expectRevert(reason);
            _end(policy, earliest + i);
        }
        _end(policy, earliest + 9);
        require(policyRegistry.countsUntil(policy) == earliest + 9);
    }

    /// @notice An end stands through a freeze and a thaw.
    function test_rejects_to_thaw_beyond_the_end() external {
        bytes32 policy = _inForce(_fed(1, 1));
        uint40 until = uint40(block.timestamp) + DELAY;
        _end(policy, until);
        _freeze(policy);
        _thaw(policy);
        vm.warp(until);
        require(policyRegistry.isInForce(policy));
        vm.warp(until + 1);
        require(!policyRegistry.isInForce(policy));
    }

    // Roles

    function test_rejects_ending_by_others_than_the_owner() external {
        bytes32 policy = _publish(_fed(1, 1));
        address[2] memory others = [GUARDIAN, STRANGER];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(_unauthorized(others[i], ADMIN_ROLE));
            vm.prank(others[i]);
            policyRegistry.end(policy, type(uint40).max - 1);
        }
    }

    function test_rejects_publication_by_others_than_the_owner() external {
        Publication memory publication = _fed(1, 1);
        address[2] memory others = [GUARDIAN, STRANGER];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(_unauthorized(others[i], ADMIN_ROLE));
            vm.prank(others[i]);
            policyRegistry.publish(publication);
        }
    }

    function test_rejects_freezing_by_others_than_guardians() external {
        bytes32 policy = _publish(_fed(1, 1));
        address[2] memory others = [OWNER, STRANGER];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(_unauthorized(others[i], policyRegistry.GUARDIAN_ROLE()));
            vm.prank(others[i]);
            policyRegistry.freeze(policy);
        }
    }

    function test_rejects_thawing_by_others_than_the_owner() external {
        bytes32 policy = _publish(_fed(1, 1));
        _freeze(policy);
        address[2] memory others = [GUARDIAN, STRANGER];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(_unauthorized(others[i], ADMIN_ROLE));
            vm.prank(others[i]);
            policyRegistry.thaw(policy);
        }
    }

    function test_rejects_guardians_that_the_owner_has_not_appointed() external {
        bytes32 role = policyRegistry.GUARDIAN_ROLE();
        address[2] memory others = [GUARDIAN, STRANGER];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(_unauthorized(others[i], ADMIN_ROLE));
            vm.prank(others[i]);
            policyRegistry.grantRole(role, STRANGER);
        }
        vm.prank(OWNER);
        policyRegistry.grantRole(role, STRANGER);
        bytes32 policy = _publish(_fed(1, 1));
        vm.prank(STRANGER);
        policyRegistry.freeze(policy);
    }

    function test_passes_ownership_on_in_two_steps() external {
        require(policyRegistry.owner() == OWNER);
        vm.prank(OWNER);
        policyRegistry.beginDefaultAdminTransfer(STRANGER);
        vm.warp(START + DELAY + 1);
        require(policyRegistry.owner() == OWNER);
        vm.prank(STRANGER);
        policyRegistry.acceptDefaultAdminTransfer();
        require(policyRegistry.owner() == STRANGER);
        Publication memory publication = _fed(1, 1);
        _expectRejection(publication, _unauthorized(OWNER, ADMIN_ROLE));
        vm.prank(STRANGER);
        policyRegistry.publish(publication);
    }

    function test_rejects_ownership_before_the_delay() external {
        vm.prank(OWNER);
        policyRegistry.beginDefaultAdminTransfer(STRANGER);
        vm.warp(START + DELAY);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControlDefaultAdminRules.AccessControlEnforcedDefaultAdminDelay.selector, START + DELAY
            )
        );
        vm.prank(STRANGER);
        policyRegistry.acceptDefaultAdminTransfer();
    }

    function test_rejects_ownership_that_was_not_offered() external {
        vm.expectRevert(_unauthorized(STRANGER, ADMIN_ROLE));
        vm.prank(STRANGER);
        policyRegistry.beginDefaultAdminTransfer(STRANGER);
        vm.prank(OWNER);
        policyRegistry.beginDefaultAdminTransfer(STRANGER);
        vm.warp(START + DELAY + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControlDefaultAdminRules.AccessControlInvalidDefaultAdmin.selector, GUARDIAN)
        );
        vm.prank(GUARDIAN);
        policyRegistry.acceptDefaultAdminTransfer();
    }

    function test_rejects_another_delay() external {
        vm.expectRevert(IPolicyRegistry.DelayIsFixed.selector);
        vm.prank(OWNER);
        policyRegistry.changeDefaultAdminDelay(0);
        require(policyRegistry.defaultAdminDelay() == DELAY);
    }

    function test_rejects_no_owner() external {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControlDefaultAdminRules.AccessControlInvalidDefaultAdmin.selector, address(0)
            )
        );
        new PolicyRegistry(DELAY, address(0), GUARDIAN);
    }

    // Helpers

    /// @dev Publishes as the next version, and compares the identifier with the one that is put together here.
    function _publishNext(Publication memory publication) private returns (bytes32 policy) {
        publication.version = policyRegistry.latestVersion(LINE) + 1;
        policy = _publish(publication);
        require(policy == _identifierOf(publication));
    }

    function _freeze(bytes32 policy) private {
        vm.prank(GUARDIAN);
        policyRegistry.freeze(policy);
    }

    function _end(bytes32 policy, uint40 until) private {
        vm.prank(OWNER);
        policyRegistry.end(policy, until);
    }

    function _thaw(bytes32 policy) private {
        vm.prank(OWNER);
        policyRegistry.thaw(policy);
    }

    function _expectRejection(Publication memory publication, bytes memory reason) private {
        vm.expectRevert(reason);
        _publish(publication);
    }

    function _expectInvalid(Publication memory publication, string memory part) private {
        _expectRejection(publication, abi.encodeWithSelector(IPolicyRegistry.InvalidPublication.selector, part));
    }

    /// @dev Refuses whatever else there is in place of a point.
    function _expectPoint(Publication memory publication, uint256[2] memory point, string memory part) private {
        _expectCurve(publication, point, part);
        (uint256 x, uint256 y) = (point[0], point[1]);
        (point[0], point[1]) = (0, 0);
        _expectInvalid(publication, part);
        (point[0], point[1]) = (x, y);
    }

    function _expectCurve(Publication memory publication, uint256[2] memory point, string memory part) private {
        (uint256 x, uint256 y) = (point[0], point[1]);
        uint256[2][6] memory changes = [[x + P, y], [x, y + P], [y, x], [x, y ^ 1], [x, 0], [P, P]];
        for (uint256 i = 0; i < changes.length; ++i) {
            (point[0], point[1]) = (changes[i][0], changes[i][1]);
            _expectInvalid(publication, part);
        }
        (point[0], point[1]) = (x, y);
    }

    function _unauthorized(address account, bytes32 role) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, account, role);
    }

    /// @dev The identifier, put together word by word.
    function _identifierOf(Publication memory publication) private view returns (bytes32) {
        bytes memory preimage = abi.encode(
            keccak256("surety/policy/v2"),
            publication.document,
            publication.universe,
            publication.srs,
            publication.k,
            _vaultWordOf(publication),
            _scopesWordOf(publication.scopes)
        );
        for (uint256 i = 0; i < publication.levels.length; ++i) {
            Level memory level = publication.levels[i];
            bytes32 identifier = i < publication.sufficient
                ? level.level
                : keccak256(bytes.concat(keccak256("surety/shortfall/v1"), level.level));
            bytes memory words = abi.encode(identifier, level.idx, level.flag, level.coefficients.base);
            for (uint256 u = 0; u < level.coefficients.market.length; ++u) {
                words = bytes.concat(words, abi.encode(level.coefficients.market[u]));
            }
            preimage = bytes.concat(preimage, keccak256(words));
        }
        if (publication.sufficient < publication.levels.length) {
            bytes memory words = abi.encode(keccak256("surety/shortfall/v1"), publication.sufficient);
            preimage = bytes.concat(preimage, keccak256(words));
        }
        return keccak256(preimage);
    }

    /// @dev The word that stands for the vault, put together word by word.
    function _vaultWordOf(Publication memory publication) private view returns (bytes32) {
        if (publication.vault.at == address(0)) return 0;
        Asset[] memory assets = ICollateralVault(publication.vault.at).assets();
        bytes memory list = abi.encode(uint256(0x20), assets.length);
        for (uint256 i = 0; i < assets.length; ++i) {
            list = bytes.concat(list, abi.encode(assets[i].token, assets[i].unit, assets[i].x, assets[i].y));
        }
        bytes memory place =
            abi.encode(keccak256("surety/vault-rules/v1"), block.chainid, publication.vault.at, publication.universe);
        bytes32 level = publication.levels[publication.vault.level].level;
        bytes memory rules = abi.encode(level, publication.vault.maxAge, publication.vault.minAge, keccak256(list));
        return keccak256(bytes.concat(place, rules));
    }

    function _requireDifferent(bytes32[] memory policies) private pure {
        for (uint256 i = 0; i < policies.length; ++i) {
            for (uint256 j = 0; j < i; ++j) {
                require(policies[i] != policies[j]);
            }
        }
    }

    /// @dev The word that stands for the scopes, put together word by word.
    function _scopesWordOf(Scope[] memory scopes) private pure returns (bytes32) {
        if (scopes.length == 0) return 0;
        bytes memory list = abi.encode(keccak256("surety/source-scopes/v1"), uint256(0x40), scopes.length);
        for (uint256 i = 0; i < scopes.length; ++i) {
            list = bytes.concat(list, abi.encode(scopes[i].signer, scopes[i].outside[0], scopes[i].outside[1]));
        }
        return keccak256(list);
    }

    /// @dev Gives a policy's first and last source a scope each.
    function _addScopes(Publication memory publication) private view {
        publication.scopes = new Scope[](2);
        publication.scopes[0] = Scope({signer: publication.sources[0].signer, outside: _point(7)});
        publication.scopes[1] = Scope({signer: publication.sources[2].signer, outside: _point(9)});
    }

    /// @dev Has a policy draw on a vault of its universe with two assets.
    function _addVault(Publication memory publication) private {
        publication.vault.at = address(_vault(publication.universe, 3, 5));
        (publication.vault.level, publication.vault.maxAge, publication.vault.minAge) =
        (uint32(publication.levels.length) - 1, 600, 30);
    }

    function _only(Scope memory scope) private pure returns (Scope[] memory scopes) {
        scopes = new Scope[](1);
        scopes[0] = scope;
    }

    /// @dev A vault whose assets have the points of these multiples of the generator.
    function _vault(bytes32 universe, uint256 first, uint256 second) private returns (CollateralVault) {
        Asset[] memory list = new Asset[](2);
        (uint256[2] memory one, uint256[2] memory other) = (_point(first), _point(second));
        list[0] = Asset({token: address(usdc), unit: 10_000, x: one[0], y: one[1]});
        list[1] = Asset({token: address(wbtc), unit: 100, x: other[0], y: other[1]});
        return new CollateralVault(IAttestationRegistry(address(0)), universe, list);
    }

    /// @dev The example as the compiler writes it, with feeds for its prices.
    function _compiled(string memory json) private returns (Publication memory publication) {
        publication = _fed(vm.parseJsonBytesArray(json, ".levels[0].market").length, 3);
        publication.document = bytes32(vm.parseJsonBytes(json, ".document"));
        publication.universe = bytes32(vm.parseJsonBytes(json, ".universe"));
        publication.srs = bytes32(vm.parseJsonBytes(json, ".srs"));
        publication.k = uint32(vm.parseJsonUint(json, ".capacity"));
        for (uint256 i = 0; i < publication.levels.length; ++i) {
            string memory key = string.concat(".levels[", vm.toString(i), "]");
            Level memory level = publication.levels[i];
            string memory name = vm.parseJsonString(json, string.concat(key, ".level"));
            level.level = keccak256(bytes.concat("surety/level/v1", bytes(name)));
            level.idx = _parsePoint(vm.parseJsonBytes(json, string.concat(key, ".idx")));
            level.flag = _parsePoint(vm.parseJsonBytes(json, string.concat(key, ".flag")));
            level.coefficients.base = _parsePoint(vm.parseJsonBytes(json, string.concat(key, ".base")));
            bytes[] memory market = vm.parseJsonBytesArray(json, string.concat(key, ".market"));
            for (uint256 u = 0; u < market.length; ++u) {
                level.coefficients.market[u] = _parsePoint(market[u]);
            }
        }
    }

    function _parsePoint(bytes memory point) private pure returns (uint256[2] memory) {
        return abi.decode(point, (uint256[2]));
    }
}
