//! The real binary, from outside.

#![allow(clippy::expect_used, clippy::print_stdout, clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod archive;
mod audit;
mod book;
mod calibrate;
mod ceremony;
mod chain;
mod chain_books;
mod chain_files;
mod commands;
mod demo;
mod documentation;
mod engagement;
mod explain;
mod faults;
mod fields;
mod forecast;
mod haircuts;
mod import;
mod keeper;
mod market;
mod page;
mod parameters;
mod parties;
mod presentation;
mod privacy;
mod prove;
mod reproduce;
mod run;
mod sandbox;
mod scopes;
mod shortfall;
mod signers;
mod solidity;
mod spelling;
mod tours;
mod vaults;
mod verify;
mod wallets;
