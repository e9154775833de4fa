//! The real binary, from outside.

#![allow(clippy::expect_used, clippy::print_stdout, clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod audit;
mod calibrate;
mod ceremony;
mod commands;
mod demo;
mod haircuts;
mod import;
mod market;
mod prove;
mod sandbox;
mod solidity;
mod verify;
