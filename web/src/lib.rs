//! The native verifier for browsers: a page hands over files and terms, and gets the answer that `surety verify --json`
//! prints.
//!
//! | module | idea |
//! |---|---|
//! | `door` | the functions that WebAssembly exports |
//! | [`message`] | what the page asks, as bytes |
//! | [`recognise`] | what a file is |
//! | [`verification`] | from files to findings |
//! | `randomness` | what the page drew for checks of set-ups |
//!
//! Nothing here reads a clock, a file or the network, and the module imports no function: it computes, and that is all
//! it can do.

#[cfg(target_family = "wasm")]
mod door;
#[cfg(target_family = "wasm")]
mod randomness;

pub mod message;
pub mod recognise;
pub mod verification;
