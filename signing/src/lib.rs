//! Signers that hold their keys elsewhere: a command, Amazon's key management service, a Ledger.
//!
//! Statements, reports, snapshots, consents and transactions are signed by a
//! [`Signer`](surety_verifier::attestation::signer::Signer). A key of this computer is one; here are the others. None
//! of them needs a node of a chain.
//!
//! | module | whose key |
//! |---|---|
//! | [`command`] | whatever a command signs with |
//! | `aws` | a key in Amazon's service; with the feature `aws-kms` |
//! | `ledger` | a key in a Ledger; with the feature `ledger` |
//!
//! ```
//! use surety_core::ident::EvmAddress;
//! use surety_signing::command::CommandSigner;
//!
//! let signer = CommandSigner::new("ssh vault surety key sign --key custody.json", EvmAddress::ZERO)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "aws-kms")]
pub mod aws;
#[cfg(any(feature = "aws-kms", feature = "ledger"))]
mod blocking;
pub mod command;
#[cfg(feature = "ledger")]
pub mod ledger;
