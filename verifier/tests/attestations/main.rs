//! Attestations: their files, what is signed, and every rule that they are held to. Proofs themselves are the concern
//! of other tests; here claims are examined, and proofs are wrong.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod breaker;
mod chain;
mod claims;
mod context;
mod fields;
mod files;
mod findings;
mod fixture;
mod market;
mod policies;
mod presentation;
mod scopes;
mod shortfalls;
mod signed;
mod statements;
mod times;
mod trust;
