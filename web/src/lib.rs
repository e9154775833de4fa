//! The native verifier and prover for browsers: a page hands over files and terms, and gets the answer that
//! `surety verify --json`, `surety audit --json` or `surety book check --json` prints, or an attestation.
//!
//! | module | idea |
//! |---|---|
//! | `door` | the functions that WebAssembly exports |
//! | [`message`] | what the page asks, as bytes |
//! | [`inputs`] | the files in a message |
//! | [`recognise`] | what a file is |
//! | [`verification`] | from files to findings |
//! | [`auditing`], [`zip`] | from many files to a report |
//! | [`checking`] | from a user's cell to findings |
//! | `proving` | from files to an attestation |
//! | `randomness` | what the page drew |
//!
//! Two modules of WebAssembly are built of this crate: the verifier, and with the feature `prover` the prover.
//! Nothing here reads a clock, a file or the network, and the modules import no function: they compute, and that is all
//! they can do.

#[cfg(target_family = "wasm")]
mod door;
mod envelope;
#[cfg(target_family = "wasm")]
mod randomness;

pub mod auditing;
pub mod checking;
pub mod inputs;
pub mod message;
#[cfg(any(feature = "prover", test))]
pub mod proving;
pub mod recognise;
pub mod verification;
pub mod zip;
