//! Attestations: the documents around a proof, the identifiers and signatures that tie them together, and their rules.
//!
//! | module | idea |
//! |---|---|
//! | [`claim`] | an attestation: the claim and its proof |
//! | [`consent`] | the subject's signature of an attestation |
//! | [`statement`], [`report`] | the signed documents of sources and oracle nodes |
//! | [`compiled`] | a policy's commitments |
//! | [`vault`] | public balances in a vault on a chain |
//! | [`trust`] | the anchors that a verifier pins |
//! | [`identifiers`], [`context`] | identifiers, and the public input that binds a proof to its claim |
//! | [`eip712`], [`signature`] | hashes and signatures as the EVM computes and recovers them |
//! | [`signer`], [`typed_data`] | whoever signs, and what a signer is shown |
//! | [`freshness`] | no statement and no price is stale |
//! | [`check`], [`rejection`] | verifying an attestation, and the rules that it is held to |
//! | [`findings`] | the outcome, for people and programs |

pub mod check;
pub mod claim;
pub mod compiled;
pub mod consent;
pub mod context;
pub mod eip712;
pub mod findings;
pub mod freshness;
pub mod identifiers;
pub mod rejection;
pub mod report;
pub mod scopes;
pub mod signature;
pub mod signer;
pub mod statement;
mod together;
pub mod trust;
pub mod typed_data;
pub mod vault;
