// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice The rules of a venue. Times are in seconds, shares in parts per million.
/// @param policy The policy that accounts must satisfy. It draws on the venue's vault and takes its prices from feeds.
/// @param market The index of the market's price in the policy's market vector.
/// @param maintenanceLevel The index of the level that an account must hold: no stricter than the one that lets
/// collateral out of the vault.
/// @param initialLevel The index of the level that opening a position requires: no weaker than `maintenanceLevel`.
/// @param shortfallLevel The index of the level whose shortfall allows a liquidation at once; zero if none does, as the
/// first level of a policy claims sufficiency. The deployer picks the shortfall of the maintenance level: that of a
/// stricter level would liquidate accounts that hold what they must.
/// @param openingAge The largest age of the prices in an attestation for opening.
/// @param holdingAge The largest age of the prices in an attestation for holding: no less than the age that lets
/// collateral out of the vault.
/// @param maxPriceAge The largest age of the price at which a position is opened or closed: at least half an epoch.
/// @param grace The time that a flagged account has to attest.
/// @param settlementAge The smallest age of the newest price at which positions can be settled.
/// @param sizeDecimals The decimals of sizes: one unit of the underlying is a size of 10^sizeDecimals.
/// @param penalty The share of the notional that a liquidated account pays.
/// @param reward The share of the penalty that the flagger gets.
/// @param maxNotional The largest notional of an account, in the quote token's smallest units.
struct VenueRules {
    bytes32 policy;
    uint256 market;
    uint256 maintenanceLevel;
    uint256 initialLevel;
    uint32 shortfallLevel;
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

/// @notice An account's position in the market.
/// @param size The amount of the underlying, in 10^-sizeDecimals; negative if short, zero if there is no position.
/// @param price The price at which the position was opened, with the decimals of the policy.
struct Position {
    int128 size;
    uint96 price;
}

/// @notice What an account owes since its position was closed. Amounts are in the quote token's smallest units.
/// @param loss The part of the loss that the account has not paid, which it pays first.
/// @param penalty The part of the penalty that the account has not paid.
/// @param keeper The address that gets its share of the penalty; zero if nobody does.
struct Debt {
    uint128 loss;
    uint128 penalty;
    address keeper;
}

/// @notice A mark on an account that does not hold the maintenance level.
/// @param flagger The address that flagged the account.
/// @param time The time of the flag, in seconds; zero if the account is not flagged.
/// @param attested The hash of the account's records at that time. A newer attestation changes the hash and voids the
/// flag.
struct Flag {
    address flagger;
    uint40 time;
    bytes32 attested;
}
