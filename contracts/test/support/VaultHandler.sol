// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {CollateralVault} from "../../src/core/CollateralVault.sol";
import {Bn254} from "../../src/libraries/Bn254.sol";
import {MockToken} from "../../src/mocks/MockToken.sol";
import {SuretyMockRegistry} from "../../src/mocks/SuretyMockRegistry.sol";
import {Record} from "../../src/types/Attestation.sol";
import {Asset} from "../../src/types/Collateral.sol";
import {PolicyRegistryStandIn} from "./MarketStandIns.sol";
import {FeeToken} from "./Tokens.sol";
import {VenueStandIn} from "./VenueStandIn.sol";
import {vm} from "./Vm.sol";

/// @notice A vault with three assets and three subjects, whatever happens to it, and what must be true all the time.
contract VaultHandler {
    bytes32 public constant POLICY = keccak256("policy");
    bytes32 public constant OTHER_POLICY = keccak256("other policy");
    uint256 public constant LEVEL = 1;
    uint40 public constant MAX_AGE = 1 hours;
    uint96 private constant UNIT = 100;

    CollateralVault public vault;
    SuretyMockRegistry public attestationRegistry;
    VenueStandIn private venue;
    VenueStandIn private consumer;
    MockToken[3] private tokens;
    uint256[3] private factors = [uint256(3), 5, 7];
    address[3] private subjects = [address(0xa11ce), address(0xb0b), address(0xca401)];
    /// @dev The lots that count at each number.
    mapping(address subject => mapping(uint256 number => uint256[3])) private lotsAt;
    /// @notice The number of calls to each function that had an effect.
    mapping(bytes32 => uint256) public done;

    constructor() {
        vm.warp(1_000_000);
        attestationRegistry = new SuretyMockRegistry(3, 1);
        venue = new VenueStandIn();
        tokens = [new MockToken(6), new MockToken(18), new FeeToken()];
        Asset[] memory list = new Asset[](3);
        for (uint256 i = 0; i < 3; ++i) {
            (uint256 x, uint256 y) = Bn254.mul(1, 2, factors[i]);
            list[i] = Asset({token: address(tokens[i]), unit: UNIT, x: x, y: y});
        }
        PolicyRegistryStandIn policyRegistry = new PolicyRegistryStandIn();
        attestationRegistry.setPolicyRegistry(policyRegistry);
        vault = new CollateralVault(attestationRegistry, keccak256("universe"), list);
        policyRegistry.setVault(address(vault));
        policyRegistry.setVaultRules(uint32(LEVEL), MAX_AGE);
        vault.setVenue(venue, POLICY);
        consumer = new VenueStandIn();
        vault.registerConsumer(consumer, OTHER_POLICY);
        attestationRegistry.setVault(vault);
        for (uint256 i = 0; i < 9; ++i) {
            tokens[i % 3].mint(subjects[i / 3], 1e30);
            vm.prank(subjects[i / 3]);
            tokens[i % 3].approve(address(vault), type(uint256).max);
        }
    }

    function deposit(uint256 who, uint256 what, uint256 amount) external {
        vm.prank(subjects[who % 3]);
        try vault.deposit(address(tokens[what % 3]), amount % 1000) {
            _after("deposit", who);
        } catch {}
    }

    function depositFor(uint256 who, uint256 whom, uint256 what, uint256 amount) external {
        (, uint32 numberBefore,,,) = vault.checkpointOf(subjects[whom % 3]);
        vm.prank(subjects[who % 3]);
        try vault.depositFor(subjects[whom % 3], address(tokens[what % 3]), amount % 1000) {
            (, uint32 number,,,) = vault.checkpointOf(subjects[whom % 3]);
            require(number == numberBefore, "a stranger has changed the checkpoint");
            _after("depositFor", whom);
        } catch {}
    }

    function accept(uint256 who, uint256 what) external {
        vm.prank(subjects[who % 3]);
        try vault.accept(address(tokens[what % 3])) {
            _after("accept", who);
        } catch {}
    }

    function requestWithdrawal(uint256 who, uint256 what, uint256 amount) external {
        vm.prank(subjects[who % 3]);
        try vault.requestWithdrawal(address(tokens[what % 3]), amount % 500) {
            _after("requestWithdrawal", who);
        } catch {}
    }

    function cancelWithdrawal(uint256 who, uint256 what) external {
        vm.prank(subjects[who % 3]);
        try vault.cancelWithdrawal(address(tokens[what % 3])) {
            _after("cancelWithdrawal", who);
        } catch {}
    }

    function withdraw(uint256 who, uint256 what) external {
        address subject = subjects[who % 3];
        bool may = !vault.isHeld(subject) && (!venue.hasExposure(subject) || _hasAttested(subject, POLICY))
            && (!consumer.hasExposure(subject) || _hasAttested(subject, OTHER_POLICY));
        vm.prank(subject);
        try vault.withdraw(address(tokens[what % 3]), address(0xdead)) {
            require(may, "an amount has left that it should not");
            (, uint32 number,,,) = vault.checkpointOf(subject);
            require(vault.floorOf(subject) == number, "floor");
            _after("withdraw", who);
        } catch {}
    }

    function seize(uint256 who, uint256 what, uint256 amount) external {
        address subject = subjects[who % 3];
        try venue.seize(vault, subject, address(tokens[what % 3]), amount % 300, address(0xdead)) {
            (, uint32 number,,,) = vault.checkpointOf(subject);
            require(vault.floorOf(subject) == number, "floor");
            _after("seize", who);
        } catch {}
    }

    function setHold(uint256 who, bool value) external {
        venue.setHold(vault, subjects[who % 3], value);
        _after("setHold", who);
    }

    function vouch(uint256 who, uint256 level, uint256 validity) external {
        bytes32 policy = validity % 2 == 0 ? POLICY : OTHER_POLICY;
        attestationRegistry.vouch(subjects[who % 3], policy, level % 3, uint64(block.timestamp + validity % 3 hours));
        _after("vouch", who);
    }

    function vouchShort(uint256 who, uint256 validity) external {
        bytes32 policy = validity % 2 == 0 ? POLICY : OTHER_POLICY;
        attestationRegistry.vouchShort(subjects[who % 3], policy, 1, uint64(block.timestamp + validity % 3 hours));
        _after("vouchShort", who);
    }

    function setExposure(uint256 who, bool value) external {
        venue.setExposure(subjects[who % 3], value);
    }

    function setOtherExposure(uint256 who, bool value) external {
        consumer.setExposure(subjects[who % 3], value);
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + time % 20 minutes);
    }

    /// @notice Nobody is owed more than there is.
    function requireBacked() external view {
        for (uint256 i = 0; i < 3; ++i) {
            uint256 owed = 0;
            for (uint256 j = 0; j < 3; ++j) {
                (uint256 counted, uint256 waiting, uint256 offered) = vault.balanceOf(subjects[j], address(tokens[i]));
                owed += counted + waiting + offered;
            }
            require(tokens[i].balanceOf(address(vault)) >= owed, "more is owed than there is");
        }
    }

    /// @notice The commitment is what it would be if it were computed from scratch.
    function requireCommitted() external view {
        for (uint256 i = 0; i < 3; ++i) {
            (, uint32 number,, uint256 x, uint256 y) = vault.checkpointOf(subjects[i]);
            uint256[3] memory lots = _lots(subjects[i]);
            (uint256 expectedX, uint256 expectedY) =
                Bn254.mul(1, 2, lots[0] * factors[0] + lots[1] * factors[1] + lots[2] * factors[2]);
            require(x == expectedX && y == expectedY, "commitment");
            require(number >= vault.floorOf(subjects[i]), "floor above number");
        }
    }

    /// @notice The vault holds what an attestation counts for as long as the attestation counts.
    function requireAttestationsBacked() external view {
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 level = 0; level < 3; ++level) {
                if (!attestationRegistry.counts(subjects[i], POLICY, level)) continue;
                _requireBacked(subjects[i], attestationRegistry.recordOf(subjects[i], POLICY, level).vaultNumber);
            }
            // The same for every attestation that there could be.
            (, uint32 number,,,) = vault.checkpointOf(subjects[i]);
            for (uint256 n = vault.floorOf(subjects[i]); n <= number; ++n) {
                _requireBacked(subjects[i], n);
            }
        }
    }

    function _requireBacked(address subject, uint256 number) private view {
        uint256[3] memory lots = lotsAt[subject][number];
        for (uint256 i = 0; i < 3; ++i) {
            (uint256 counted, uint256 waiting,) = vault.balanceOf(subject, address(tokens[i]));
            require(counted + waiting >= lots[i] * UNIT, "an attestation counts what is not there");
        }
    }

    /// @dev Keeps the lots of a new checkpoint; those of an old one must not have changed.
    function _after(bytes32 what, uint256 who) private {
        ++done[what];
        address subject = subjects[who % 3];
        (, uint32 number,,,) = vault.checkpointOf(subject);
        uint256[3] memory lots = _lots(subject);
        bool known = keccak256(abi.encode(lotsAt[subject][number])) == keccak256(abi.encode(lots));
        if (known) return;
        uint256[3] memory lotsBefore = lotsAt[subject][number];
        require(
            number > 0 && lotsBefore[0] + lotsBefore[1] + lotsBefore[2] == 0, "the lots of a checkpoint have changed"
        );
        uint256[3] memory previous = lotsAt[subject][number - 1];
        require(keccak256(abi.encode(previous)) != keccak256(abi.encode(lots)), "a new number for the same lots");
        lotsAt[subject][number] = lots;
    }

    function _lots(address subject) private view returns (uint256[3] memory lots) {
        for (uint256 i = 0; i < 3; ++i) {
            (uint256 counted,,) = vault.balanceOf(subject, address(tokens[i]));
            lots[i] = counted / UNIT;
        }
    }

    function _hasAttested(address subject, bytes32 policy) private view returns (bool) {
        (, uint32 number,,,) = vault.checkpointOf(subject);
        for (uint256 level = LEVEL; level < 3; ++level) {
            Record memory record = attestationRegistry.recordOf(subject, policy, level);
            if (
                attestationRegistry.counts(subject, policy, level) && record.vaultNumber == number
                    && block.timestamp - record.pricesAt <= MAX_AGE
            ) return true;
        }
        return false;
    }
}
