// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Asset} from "../types/Collateral.sol";
import {ISecuredVenue} from "./ISecuredVenue.sol";

/// @title Collateral on chain that counts beside hidden holdings
/// @notice The vault adds a subject's counted collateral to the commitment to its holdings: for each asset lots·L,
/// where L is the Lagrange point of the instrument's row and lots are whole, rounded down. Every change of the lots
/// gives the subject a checkpoint with the next number. A change within a lot does not, because no attestation depends
/// on it.
///
/// A withdrawal takes three steps: the subject requests an amount, which no longer counts; attests without the amount;
/// and withdraws it. Until then the vault holds everything that an older attestation counted. Once anything leaves,
/// attestations over earlier checkpoints no longer count.
///
/// Amounts are in the token's smallest units. A deposit counts for the amount that arrives, so a token may charge a
/// fee. A token that changes balances by itself must not be an asset: the vault would count what the token takes away,
/// and nobody would own what the token adds.
///
/// The venue may seize any counted or waiting collateral. The venue is set once, and deposits are possible only after
/// that.
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
    /// @notice No fresh attestation of the required level holds without the amount.
    error NotAttested(address subject);
    /// @notice The caller is not the venue.
    error OnlyVenue();
    /// @notice The caller did not deploy the vault.
    error OnlyDeployer();
    /// @notice The venue is set once.
    error VenueAlreadySet();
    /// @notice Deposits are possible only after the venue is set.
    error VenueNotSet();

    /* VENUE */

    /// @notice Sets the venue for good. Deployer only.
    function setVenue(ISecuredVenue venue) external;

    /// @notice Takes collateral: first counted, then waiting. Venue only.
    function seize(address subject, address token, uint256 amount, address to) external;

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

    /// @notice Withdraws everything that waits. Requires that the caller has no exposure at the venue, or has attested
    /// over its current checkpoint.
    ///
    /// A single attestation must meet every condition: it is of the required level or a stricter one, it counts now,
    /// its prices are fresh enough, and it draws on the current checkpoint.
    function withdraw(address token, address to) external;

    /* VIEWS */

    /// @notice The checkpoint that a subject's attestation must draw on now.
    /// @return checkpoint The hash that enters the context: keccak256(abi.encode(keccak256("surety/vault/v1"), chain
    /// id, vault, subject, number, x, y)).
    /// @return number The number of changes of the subject's counted lots so far.
    /// @return x The x of the commitment to the counted lots; zero if there are none.
    /// @return y The y of the commitment to the counted lots; zero if there are none.
    function checkpointOf(address subject)
        external
        view
        returns (bytes32 checkpoint, uint32 number, uint256 x, uint256 y);

    /// @notice The time at which the subject's counted lots last grew, in seconds. Earlier statements may be about the
    /// same collateral.
    function grownAt(address subject) external view returns (uint40);

    /// @notice The number of the first checkpoint whose attestations still count.
    function floorOf(address subject) external view returns (uint32);

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

    /// @notice The venue; zero until it is set.
    function venue() external view returns (ISecuredVenue);
}
