// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Asset} from "../types/Collateral.sol";
import {ISecuredVenue} from "./ISecuredVenue.sol";

/// @title Collateral that is held on chain and counts beside hidden holdings
/// @notice Whole lots of what a subject has here enter the commitment to its holdings as lots·L, with L the Lagrange point of
/// the instrument's row, rounded down. Every change of the lots gives the subject a new checkpoint, with the next number; a
/// change within a lot does not, since no attestation can tell.
///
/// To withdraw, a subject first takes an amount out of what counts; then attests without it; then withdraws. What an older
/// attestation counted is here until then: whenever anything leaves, attestations over earlier checkpoints stop to count.
///
/// Amounts are in the smallest units of the token. A deposit counts for what has arrived, so that a token may take a fee.
/// A token whose balances change by themselves must not be an asset: what it takes away would still count here, and what it
/// adds would belong to nobody.
///
/// The venue may seize whatever counts or waits, of anybody. It is set once, and nothing can be deposited before.
interface ICollateralVault {
    /// @notice What counts has grown. `from` is the vault where an offer has been accepted.
    event Deposited(
        address indexed subject, address indexed token, address indexed from, uint256 amount, uint32 number
    );
    /// @notice Somebody has deposited for a subject who has not accepted it.
    event Offered(address indexed subject, address indexed token, address indexed from, uint256 amount);
    /// @notice An amount counts no more and waits to be withdrawn.
    event WithdrawalRequested(address indexed subject, address indexed token, uint256 amount, uint32 number);
    /// @notice What waited counts again.
    event WithdrawalCancelled(address indexed subject, address indexed token, uint256 amount, uint32 number);
    /// @notice An amount has left. Attestations over earlier checkpoints count no more.
    event Withdrawn(address indexed subject, address indexed token, address indexed to, uint256 amount);
    /// @notice The venue has taken collateral. Attestations over earlier checkpoints count no more.
    event Seized(address indexed subject, address indexed token, address indexed to, uint256 amount, uint32 number);
    /// @notice The venue has been set.
    event VenueSet(address indexed venue);

    /// @notice The token is not one of the vault's.
    error UnknownAsset(address token);
    /// @notice An asset has no unit, is listed twice, or its point is none or another asset's.
    error InvalidAsset(uint256 index);
    /// @notice Nothing is too little, and no more lots of an asset than 2^63 - 1 count.
    error InvalidAmount(uint256 amount);
    /// @notice There is not so much.
    error NotEnough(uint256 expected, uint256 found);
    /// @notice No fresh attestation of the level that is needed holds without the amount.
    error NotAttested(address subject);
    /// @notice Only the venue may do this.
    error OnlyVenue();
    /// @notice Only who has created the vault may do this.
    error OnlyDeployer();
    /// @notice The venue has been set before.
    error VenueAlreadySet();
    /// @notice The venue has not been set yet.
    error VenueNotSet();

    /// @notice Sets the venue, once and for ever. Only for who has created the vault.
    function setVenue(ISecuredVenue venue) external;

    /// @notice Deposits for oneself.
    function deposit(address token, uint256 amount) external;
    /// @notice Deposits for somebody else, who must accept it before it counts: otherwise strangers could renumber a
    /// subject's checkpoint and spoil a proof under way. There is no way back: it is a gift.
    function depositFor(address subject, address token, uint256 amount) external;
    /// @notice Lets count what others have deposited for the caller.
    function accept(address token) external;
    /// @notice Takes an amount out of what counts.
    function requestWithdrawal(address token, uint256 amount) external;
    /// @notice Lets what waits count again.
    function cancelWithdrawal(address token) external;
    /// @notice Withdraws what waits, if the caller has attested over its present checkpoint or owes the venue nothing.
    ///
    /// One and the same attestation must be of the level that is needed or a stricter one, count now, have prices that are
    /// not too old, and draw on the present checkpoint.
    function withdraw(address token, address to) external;
    /// @notice Takes collateral, first what counts, then what waits. Venue only.
    function seize(address subject, address token, uint256 amount, address to) external;

    /// @notice What a subject's attestation must draw on now.
    /// @return checkpoint The hash that enters the context: keccak256(abi.encode(keccak256("surety/vault/v1"), chain id,
    /// vault, subject, number, x, y)).
    /// @return number Counts the changes of the lots that count.
    /// @return x The commitment to what counts; zeros if nothing does.
    /// @return y The same.
    function checkpointOf(address subject)
        external
        view
        returns (bytes32 checkpoint, uint32 number, uint256 x, uint256 y);

    /// @notice When what counts of a subject's collateral last grew. Statements of before may be about the same collateral.
    function grownAt(address subject) external view returns (uint40);

    /// @notice The number of the first checkpoint whose attestations still count.
    function floorOf(address subject) external view returns (uint32);

    /// @notice How much of a token counts for a subject, and how much waits to be withdrawn or accepted.
    function balanceOf(address subject, address token)
        external
        view
        returns (uint256 counted, uint256 waiting, uint256 offered);

    /// @notice The assets.
    function assets() external view returns (Asset[] memory);

    /// @notice The venue; zero before it is set.
    function venue() external view returns (ISecuredVenue);
}
