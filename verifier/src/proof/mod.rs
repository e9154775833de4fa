//! Proofs: the circuit as data, keys, transcripts, and the equation of pairings that a valid proof satisfies.
//!
//! | module | idea |
//! |---|---|
//! | [`protocol`], [`expression`] | the circuit as data: columns, queries, constraints, lookups |
//! | [`key`] | verifying keys, their digests, and those of known set-ups |
//! | [`known`] | the commitments that a verifier computes itself |
//! | [`transcript`] | Fiat–Shamir challenges as the EVM computes them |
//! | [`encoding`] | proofs as bytes, read strictly |
//! | [`plonk`], `shplonk` | from a proof to one equation of pairings |
//! | [`scope`] | proofs that holdings lie within the scopes of their sources |
//! | [`pairing`], [`batch`] | checking that equation for one proof or many, and finding the false ones among many |

mod hex_scalar;
mod shplonk;

pub mod batch;
pub mod encoding;
pub mod expression;
pub mod key;
pub mod known;
pub mod pairing;
pub mod plonk;
pub mod protocol;
pub mod scope;
pub mod transcript;
