// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice How a venue works. Times are in seconds, shares in parts per million.
/// @param policy The policy that accounts must satisfy. It must draw on the venue's vault and take its prices from feeds.
/// @param market The place of the market's price in the policy's market vector.
/// @param maintenanceLevel The place of the level that an account must hold.
/// @param initialLevel The place of the level that it must have to open a position: the same or a stricter one.
/// @param openingAge How old the prices of the attestation for opening may be.
/// @param holdingAge How old the prices of the attestation for holding may be.
/// @param maxPriceAge How old the price may be at which a position is opened or closed.
/// @param grace How long a flagged account has to attest.
/// @param settlementAge How old the newest price must be for positions to be settled at it.
/// @param sizeDecimals One unit of the underlying is a size of 10^sizeDecimals.
/// @param penalty What a liquidated account pays, as a share of the notional.
/// @param reward What the flagger gets, as a share of the penalty.
/// @param maxNotional The largest position of an account, in the smallest units of the quote token.
struct VenueRules {
    bytes32 policy;
    uint256 market;
    uint256 maintenanceLevel;
    uint256 initialLevel;
    uint40 openingAge;
    uint40 holdingAge;
    uint40 maxPriceAge;
    uint40 grace;
    uint40 settlementAge;
    uint8 sizeDecimals;
    uint32 penalty;
    uint32 reward;
    uint128 maxNotional;
}

/// @notice A position.
/// @param size How much of the underlying, in 10^-sizeDecimals; negative if short, zero if there is none.
/// @param price At which it was opened, with the decimals of the policy.
struct Position {
    int128 size;
    uint96 price;
}

/// @notice The mark of an account that does not hold the maintenance level.
/// @param flagger Who has found it.
/// @param time When; zero if the account is not flagged.
/// @param attested The hash of what the registry knew of its attestations then. Once that has changed, the flag is void.
struct Flag {
    address flagger;
    uint40 time;
    bytes32 attested;
}
