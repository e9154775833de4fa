//! Contracts from Rust: they are created, policies published, prices taken, attestations brought and asked about.
//!
//! Everything that a contract decides it computes by itself; nothing here has to be trusted by anybody but its user. A
//! transaction is simulated before it is signed, so that a refusal costs nothing and comes with its reason.
//!
//! | module | idea |
//! |---|---|
//! | [`node`] | nodes of the chain; transactions |
//! | `transport` | how nodes are asked: limits, patience, and the next where one fails |
//! | [`error`] | why something did not work |
//! | [`refusal`] | what contracts say when they refuse, what it means, and what to do |
//! | [`artifact`] | contracts as Forge has built them |
//! | [`carried`] | the code that contracts are created from: this program's, or a build's |
//! | [`deployment`] | where the contracts are: creating them, and making sure that they are the right ones |
//! | [`rules`], [`publish`] | what a policy's text leaves open, and publishing both |
//! | [`proposal`] | a new version of a policy, for those who decide on it |
//! | [`market`] | snapshots: taking them, signing them, reading them |
//! | [`collateral`] | what lies in the vault |
//! | [`attest`] | bringing attestations, and asking about them |
//! | [`venue`] | accounts of a venue that do not attest: flags and liquidations |
//! | [`auction`] | what an account in debt has on offer, and taking it |
//! | [`local`] | a chain on this machine at which nothing is at stake, for demonstrations |
//! | [`wallets`] | what wallets hold, proven against a final block |
//! | [`books`] | registering rules of books, publishing books, and their roots |
//! | [`published`] | what contracts say, for whoever has recomputed what they should say |
//! | `abi` | the contracts' interfaces |
//!
//! ```
//! use surety_chain::Deployment;
//! use surety_core::{FormatVersion, ident::{EvmAddress, HexBytes}, kind::KindOf, text::Document as _};
//!
//! let nobody = EvmAddress::ZERO;
//! let deployment = Deployment {
//!     kind: KindOf::new(),
//!     version: FormatVersion,
//!     chain_id: 1,
//!     verifying_key: HexBytes([0; 32]),
//!     verifier: nobody,
//!     policies: nobody,
//!     oracle: nobody,
//!     registry: nobody,
//!     books: None,
//!     vault: None,
//! };
//! let text = deployment.to_json()?;
//! assert!(text.contains("surety/deployment"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod abi;
pub mod artifact;
pub mod attest;
pub mod auction;
pub mod books;
pub mod carried;
pub mod collateral;
pub mod deployment;
pub mod error;
pub mod local;
pub mod market;
pub mod node;
pub mod proposal;
pub mod publish;
pub mod published;
pub mod refusal;
pub mod rules;
#[cfg(test)]
mod sample;
mod seconds;
mod transport;
pub mod venue;
pub mod wallets;

pub use crate::error::ChainError;
pub use crate::{
    deployment::{Contracts, Deployment},
    node::Node,
};
