//! Books end to end, with real proofs, and what is refused of them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cells;
mod contracts;
mod directory;
mod kinds;
mod scene;
mod units;
mod whole;
