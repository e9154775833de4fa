//! The circuit: what it proves, what it refuses, and that every part of it is needed.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test that is left out says so")]

mod common;
mod contracts;
mod differential;
mod files;
mod forgeries;
mod groups;
mod openings;
mod pages;
mod pranks;
mod proofs;
mod published;
mod registry;
mod remains;
mod rules;
mod weakened;
mod zero_knowledge;
