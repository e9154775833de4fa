// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Asset, Consumer} from "../types/Collateral.sol";
import {IAttestationRegistry} from "./IAttestationRegistry.sol";
import {ISecuredVenue} from "./ISecuredVenue.sol";

/// @title Collateral on chain that counts beside hidden holdings
/// @notice The vault adds a subject's counted collateral to the commitment to its holdings: for each asset lots·L,
/// where L is the Lagrange point of the instrument's row in {UNIVERSE} and lots are whole, rounded down. Every change
/// of the lots gives the subject a checkpoint with the next number. A change within a lot does not, because no
/// attestation depends on it.
///
/// A withdrawal takes three steps: the subject requests an amount, which no longer counts; attests without the amount;
/// and withdraws it. Until then the vault holds everything that an older attestation counted. Once anything leaves,
/// attestations over earlier checkpoints no longer count.
///
/// Amounts are in the token's smallest units. A deposit counts for the amount that arrives, so a token may charge a
/// fee. A token that changes balances by itself must not be an asset: the vault would count what the token takes away,
/// and nobody would own what the token adds.
///
/// Only consumers may rely on the vault: contracts that the deployer has registered with the policy whose attestations
/// they rely on. Collateral leaves only if each consumer with exposure to the subject is attested to. Anybody else who
/// relies on an attestation that draws on the vault must expect the collateral to leave in the same transaction, and
/// consumers should check {isConsumer} before they take on exposure. A consumer can deregister itself and cannot be
/// removed: one that reverts holds back every withdrawal, so depositors trust the deployer's choice of consumers.
///
/// One consumer is the venue, which may seize any counted or waiting collateral, and may hold back a subject's
/// withdrawals while it sells the collateral. What it holds still counts, until it is seized. The venue is set once,
/// and deposits are possible only after that.
interface ICollateralVault {
    /* EVENTS: `number` is that of the subject's checkpoint afterwards */

    /// @notice Counted collateral grew. `from` is the depositor, or the vault if the subject accepted an offer.
    event Deposited(
        address indexed subject, address indexed token, address indexed from, uint256 amount, uint32 number
    );
    /// @notice A deposit by `from` waits for the subject to accept it.
    event Offered(address indexed subject, address indexed token, address indexed from, uint256 amount);
    /// @notice An amount no longer counts and waits to be withdrawn.
    event WithdrawalRequested(address indexed subject, address indexed token, uint256 amount, uint32 number);
    /// @notice An amount that waited counts again.
    event WithdrawalCancelled(address indexed subject, address indexed token, uint256 amount, uint32 number);
    /// @notice An amount left. Attestations over earlier checkpoints no longer count.
    event Withdrawn(address indexed subject, address indexed token, address indexed to, uint256 amount);
    /// @notice The venue seized collateral. Attestations over earlier checkpoints no longer count.
    event Seized(address indexed subject, address indexed token, address indexed to, uint256 amount, uint32 number);
    /// @notice The venue holds back the subject's withdrawals, or no longer does.
    event HoldSet(address indexed subject, bool isHeld);
    /// @notice The deployer registered a consumer of attestations under the policy.
    event ConsumerRegistered(address indexed consumer, bytes32 indexed policy);
    /// @notice A consumer deregistered: withdrawals no longer depend on its exposure.
    event ConsumerDeregistered(address indexed consumer);
    /// @notice The deployer set the venue.
    event VenueSet(address indexed venue);

    /* ERRORS */

    /// @notice The token is not an asset of the vault.
    error UnknownAsset(address token);
    /// @notice The asset at this index has no code or no unit, its point is invalid, or its token or point is listed
    /// twice.
    error InvalidAsset(uint256 index);
    /// @notice The amount is zero, or would count for more than 2^63 - 1 lots.
    error InvalidAmount(uint256 amount);
    /// @notice The amount exceeds the balance.
    error NotEnough(uint256 expected, uint256 found);
    /// @notice The consumer has exposure to the subject, and no fresh attestation of the level that the consumer's
    /// policy requires holds without the amount.
    error NotAttested(address subject, address consumer);
    /// @notice The venue holds back the subject's withdrawals.
    error Held(address subject);
    /// @notice The policy does not draw on this vault.
    error WrongPolicy(bytes32 policy);
    /// @notice The consumer is registered already.
    error ConsumerExists(address consumer);
    /// @notice The caller is not a consumer.
    error NotConsumer(address caller);
    /// @notice A vault has at most eight consumers, so that a withdrawal is always affordable.
    error TooManyConsumers();
    /// @notice The caller is not the venue.
    error OnlyVenue();
    /// @notice The caller did not deploy the vault.
    error OnlyDeployer();
    /// @notice The venue is set once.
    error VenueAlreadySet();
    /// @notice Deposits are possible only after the venue is set.
    error VenueNotSet();

    /* CONSUMERS AND THE VENUE */

    /// @notice Registers a consumer of attestations under a policy, which must be published and name this vault. The
    /// level and the age that a withdrawal requires are those of the policy's terms. Deployer only.
    function registerConsumer(ISecuredVenue consumer, bytes32 policy) external;

    /// @notice Sets the venue for good, and registers it as a consumer. Deployer only.
    function setVenue(ISecuredVenue venue, bytes32 policy) external;

    /// @notice Removes the caller from the consumers. The venue may still seize afterwards.
    function deregister() external;

    /// @notice Takes collateral: first counted, then waiting. Venue only.
    function seize(address subject, address token, uint256 amount, address to) external;

    /// @notice Holds back the subject's withdrawals, or no longer does. Venue only.
    function setHold(address subject, bool isHeld) external;

    /* DEPOSITS */

    /// @notice Deposits for the caller.
    function deposit(address token, uint256 amount) external;

    /// @notice Deposits for another subject. The deposit is a gift: it counts once the subject accepts it, and cannot
    /// be taken back. Without acceptance, strangers could renumber a subject's checkpoint and spoil a proof under way.
    function depositFor(address subject, address token, uint256 amount) external;

    /// @notice Counts the deposits that others have made for the caller.
    function accept(address token) external;

    /* WITHDRAWALS */

    /// @notice Moves an amount from counted to waiting.
    function requestWithdrawal(address token, uint256 amount) external;

    /// @notice Moves everything that waits back to counted.
    function cancelWithdrawal(address token) external;

    /// @notice Withdraws everything that waits. Requires, for each consumer with exposure to the caller, an attestation
    /// under the consumer's policy over the caller's current checkpoint, and that the venue does not hold the caller's
    /// withdrawals back.
    ///
    /// A single attestation must meet every condition of a consumer: it is of the required level or a stricter one, it
    /// counts now, its prices are fresh enough, and it draws on the current checkpoint.
    function withdraw(address token, address to) external;

    /* VIEWS */

    /// @notice The checkpoint that a subject's attestation must draw on now.
    /// @return checkpoint The hash that enters the context: keccak256(abi.encode(keccak256("surety/vault/v2"), chain
    /// id, vault, universe, subject, number, grownAt, x, y)).
    /// @return number The number of changes of the subject's counted lots so far.
    /// @return grownAt The time at which the subject's counted lots last grew, in seconds. Earlier statements may be
    /// about the same collateral, and snapshots of that time or earlier do not count.
    /// @return x The x of the commitment to the counted lots; zero if there are none.
    /// @return y The y of the commitment to the counted lots; zero if there are none.
    function checkpointOf(address subject)
        external
        view
        returns (bytes32 checkpoint, uint32 number, uint40 grownAt, uint256 x, uint256 y);

    /// @notice The number of the first checkpoint whose attestations still count.
    function floorOf(address subject) external view returns (uint32);

    /// @notice The time at which the subject's counted lots last fell, or its tokens last left, in seconds; zero if
    /// neither ever happened. Earlier statements do not know of collateral that has gone back to a source.
    function shrunkAtOf(address subject) external view returns (uint40);

    /// @notice True if the venue holds back the subject's withdrawals.
    function isHeld(address subject) external view returns (bool);

    /// @notice The subject's balances of a token.
    /// @return counted The amount that counts.
    /// @return waiting The amount that waits to be withdrawn.
    /// @return offered The amount that others have deposited and the subject has not accepted.
    function balanceOf(address subject, address token)
        external
        view
        returns (uint256 counted, uint256 waiting, uint256 offered);

    /// @notice The assets, in the order of the constructor's list.
    function assets() external view returns (Asset[] memory);

    /// @notice The consumers, in no particular order.
    function consumers() external view returns (Consumer[] memory);

    /// @notice True if withdrawals depend on the consumer's exposure, with attestations under this policy.
    function isConsumer(address consumer, bytes32 policy) external view returns (bool);

    /// @notice The venue; zero until it is set.
    function venue() external view returns (ISecuredVenue);

    /// @notice The attestation registry whose records allow withdrawals.
    function ATTESTATION_REGISTRY() external view returns (IAttestationRegistry);

    /// @notice The identifier of the universe whose rows the points of the assets are of.
    function UNIVERSE() external view returns (bytes32);
}
