//! The fleet under crashes, on a real PostgreSQL. Provers are stubs.

#![allow(clippy::expect_used, clippy::print_stdout, clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod crashes;
mod field;
mod query;
mod queue;
mod scale;
mod store;
