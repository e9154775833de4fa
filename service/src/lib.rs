//! Day-to-day operation: each party starts one process from one file, `surety.toml`, and the process does every epoch
//! what the party would do by hand.
//!
//! | module | idea |
//! |---|---|
//! | [`configuration`] | the file |
//! | [`run`] | one process: roles, each on a thread of its own, and the server |
//! | [`roles`] | a source states, an oracle node reports prices, a holder proves, a keeper keeps, an auditor reports |
//! | [`feed`], [`wallets`] | where balances and prices come from: a file, a command, a URL, a database, a chain |
//! | [`address`], [`peer`], [`tls`] | what other parties serve, and the certificates of both sides |
//! | [`state`] | what outlives the process: documents and events, in SQLite |
//! | [`server`], [`access`], [`bounds`] | what this party serves, to whom, and how much of it |
//! | [`top_up`] | how much of what brings an account to its headroom |
//! | [`metrics`] | numbers for Prometheus |
//! | [`signals`] | waiting, waking and stopping |
//!
//! A role is a function of the time, [`roles::Role::step`], which does what is due and says when it wants to be called
//! again. What it has done is in the state before anybody is told of it, so a process may end at any moment.
//!
//! ```
//! use surety_core::text::Document as _;
//! use surety_service::configuration::Configuration;
//!
//! let text = r#"
//! kind = "surety/service"
//! version = 1
//! state = "state"
//!
//! [[auditor]]
//! name = "auditor"
//! universe = "universe.toml"
//! policy = "policy.toml"
//! every = "1h"
//!
//! [[auditor.holders]]
//! at = "http://127.0.0.1:8701/v1/holders/fund"
//! subject = "0x1111111111111111111111111111111111111111"
//! "#;
//! let configuration = Configuration::from_toml("surety.toml", text)?;
//! assert_eq!(configuration.auditor.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod access;
pub mod address;
pub mod bounds;
pub mod configuration;
pub mod error;
pub mod feed;
pub mod metrics;
pub mod peer;
pub mod roles;
pub mod run;
pub mod server;
pub mod signals;
pub mod state;
pub mod tls;
pub mod top_up;
pub mod wallets;
