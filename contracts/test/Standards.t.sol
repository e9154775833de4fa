// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {BookRegistry} from "../src/core/BookRegistry.sol";
import {CollateralAuction} from "../src/core/CollateralAuction.sol";
import {CollateralVault} from "../src/core/CollateralVault.sol";
import {LienRegistry} from "../src/core/LienRegistry.sol";
import {PolicyRegistry} from "../src/core/PolicyRegistry.sol";
import {SnapshotOracle} from "../src/core/SnapshotOracle.sol";
import {IAttestationRegistry} from "../src/interfaces/IAttestationRegistry.sol";
import {IBookRegistry} from "../src/interfaces/IBookRegistry.sol";
import {ICollateralAuction} from "../src/interfaces/ICollateralAuction.sol";
import {ICollateralVault} from "../src/interfaces/ICollateralVault.sol";
import {ILienRegistry} from "../src/interfaces/ILienRegistry.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {ISnapshotOracle} from "../src/interfaces/ISnapshotOracle.sol";
import {ISuretyVerifier} from "../src/interfaces/ISuretyVerifier.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {SuretyMockRegistry} from "../src/mocks/SuretyMockRegistry.sol";
import {AuctionRules, Lot} from "../src/types/Auction.sol";
import {Asset} from "../src/types/Collateral.sol";
import {Attesting} from "./support/Attesting.sol";
import {PolicyRegistryStandIn} from "./support/MarketStandIns.sol";
import {SuretyVerifierK11} from "./verifiers/DevelopmentVerifierK11.sol";

/// @notice What others ask of any contract: its interfaces (ERC-165) and its domain of signatures (EIP-5267).
contract StandardsTest is Attesting {
    struct Known {
        address place;
        bytes4 own;
        bool signs;
    }

    function test_contracts_have_their_interfaces() external {
        Known[] memory known = _known();
        for (uint256 i = 0; i < known.length; ++i) {
            IERC165 place = IERC165(known[i].place);
            require(place.supportsInterface(type(IERC165).interfaceId) && place.supportsInterface(known[i].own));
        }
    }

    function test_rejects_interfaces_that_contracts_do_not_have() external {
        Known[] memory known = _known();
        for (uint256 i = 0; i < known.length; ++i) {
            IERC165 place = IERC165(known[i].place);
            require(!place.supportsInterface(0xffffffff) && !place.supportsInterface(0x01020304));
        }
    }

    function test_domains_say_what_is_signed_for() external {
        Known[] memory known = _known();
        for (uint256 i = 0; i < known.length; ++i) {
            if (!known[i].signs) continue;
            (
                bytes1 fields,
                string memory name,
                string memory version,
                uint256 chain,
                address contract_,
                bytes32 salt,
                uint256[] memory extensions
            ) = IERC5267(known[i].place).eip712Domain();
            require(fields == 0x0f && salt == 0 && extensions.length == 0);
            require(keccak256(bytes(name)) == keccak256("Surety") && keccak256(bytes(version)) == keccak256("1"));
            require(chain == block.chainid && contract_ == known[i].place);
        }
    }

    function _known() private returns (Known[] memory known) {
        PolicyRegistry policies = new PolicyRegistry(0, address(this), address(this));
        SnapshotOracle snapshots = new SnapshotOracle(policies);
        BookRegistry books = new BookRegistry(policies, snapshots);
        LienRegistry liens = new LienRegistry(attestationRegistry);
        CollateralVault collateral = new CollateralVault(attestationRegistry, keccak256("universe"), new Asset[](0));
        SuretyMockRegistry mock = new SuretyMockRegistry(1, 0);
        SuretyVerifierK11 generated = new SuretyVerifierK11();
        known = new Known[](10);
        known[0] = Known(address(attestationRegistry), type(IAttestationRegistry).interfaceId, true);
        known[1] = Known(address(books), type(IBookRegistry).interfaceId, true);
        known[2] = Known(address(snapshots), type(ISnapshotOracle).interfaceId, true);
        known[3] = Known(address(liens), type(ILienRegistry).interfaceId, true);
        known[4] = Known(address(policies), type(IPolicyRegistry).interfaceId, false);
        known[5] = Known(address(collateral), type(ICollateralVault).interfaceId, false);
        known[6] = Known(address(mock), type(IAttestationRegistry).interfaceId, false);
        known[7] = Known(address(verifier), type(ISuretyVerifier).interfaceId, false);
        known[8] = Known(address(generated), type(ISuretyVerifier).interfaceId, false);
        known[9] = Known(address(_auction(snapshots)), type(ICollateralAuction).interfaceId, false);
        require(policies.supportsInterface(type(IAccessControl).interfaceId));
    }

    function _auction(SnapshotOracle snapshots) private returns (CollateralAuction) {
        MockToken quote = new MockToken(6);
        Asset[] memory list = new Asset[](1);
        list[0] = Asset({token: address(quote), unit: 1, x: 1, y: 2});
        CollateralVault collateral = new CollateralVault(attestationRegistry, keccak256("universe"), list);
        AuctionRules memory rules = AuctionRules({
            policy: POLICY, start: 1_000_000, floor: 1_000_000, duration: 600, maxPriceAge: 150, minimum: 1
        });
        PolicyRegistryStandIn policies = new PolicyRegistryStandIn();
        return new CollateralAuction(policies, snapshots, collateral, quote, rules, new Lot[](0));
    }
}
