//! What people and machines write: universes, policies, holdings, prices, and what is refused of them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(clippy::print_stdout, reason = "a test that is left out says so")]

mod boxes;
mod derived;
mod examples;
mod fields;
mod haircuts;
mod oracle;
mod positions;
mod rules;
mod schemas;
mod tiers;
