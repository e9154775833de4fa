//! Parties that run by themselves, against each other and against strangers.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checks;
mod day;
mod tls;
mod town;
