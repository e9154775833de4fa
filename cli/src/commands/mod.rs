//! The commands, each with its options.

pub(super) mod archive;
pub(super) mod audit;
pub(super) mod book;
pub(super) mod calibrate;
pub(super) mod calldata;
pub(super) mod chain;
pub(super) mod consent;
pub(super) mod demo;
pub(super) mod doctor;
pub(super) mod explain;
pub(super) mod forecast;
pub(super) mod generate;
pub(super) mod import;
pub(super) mod info;
pub(super) mod init;
pub(super) mod key;
pub(super) mod market;
pub(super) mod policy;
pub(super) mod prove;
pub(super) mod reproduce;
pub(super) mod solidity;
pub(super) mod source;
pub(super) mod srs;
pub(super) mod trust;
pub(super) mod universe;
pub(super) mod verify;
