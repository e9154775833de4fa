//! Portfolio margin: against the cases that Derive publishes, and rule by rule on books that are made up here.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout, reason = "a test stops at the first surprise")]

mod account;
mod imported;
mod plain;
mod published;
mod rules;
#[path = "../shape/mod.rs"]
mod shape;
