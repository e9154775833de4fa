//! What the models compute: formula, plain evaluation and program agree, and are never laxer than venues.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(clippy::print_stdout, reason = "a test that is left out says so")]

mod builder;
mod combined;
mod exact;
mod gallery;
mod integers;
mod limits;
mod liquidity;
mod never_laxer;
mod options;
mod parameters;
mod portfolio;
mod programs;
mod shape;
mod shortfall;
mod venue;
mod venues;
