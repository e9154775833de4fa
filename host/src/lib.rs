//! The computer that Surety runs on: files, directories, keys, set-ups on disk, and memory.
//!
//! | module | idea |
//! |---|---|
//! | [`files`], [`documents`] | files written whole or not at all, and the documents in them |
//! | [`directories`], [`clock`] | the directories that outlive a run, and the time |
//! | [`keys`], [`keystore`] | signing keys, from files and environment variables |
//! | [`atomic`] | files that appear whole or not at all |
//! | [`import`], [`store`], [`cache`] | set-up files, imported set-ups, and computed bases |
//! | [`setup`], [`carried`] | set-ups in the user's store and in the program itself, and their bases |
//! | [`published`], [`digest`] | the addresses at which ceremonies publish their files, and the hashes of files |
//! | `download`, `obtain` (feature `download`) | set-ups from these addresses, from mirrors, and from files |
//! | [`commitments`] | a policy's commitments, computed over a set-up or published |
//! | [`memory`] | the memory that a process can still get |
//!
//! ```
//! use surety_core::text::Document as _;
//! use surety_host::{documents, files::Existing};
//! use surety_margin::universe::Universe;
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("universe.json");
//! let universe = Universe::from_toml("example", include_str!("../../examples/universe.toml"))?;
//! documents::write(&path, &universe, Existing::Keep)?;
//! assert_eq!(documents::read::<Universe>(&path)?, universe);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod atomic;
pub mod cache;
pub mod carried;
pub mod clock;
pub mod commitments;
pub mod digest;
pub mod directories;
pub mod documents;
#[cfg(feature = "download")]
pub mod download;
pub mod files;
pub mod import;
pub mod keys;
pub mod keystore;
pub mod memory;
#[cfg(feature = "download")]
pub mod obtain;
#[cfg(feature = "download")]
pub mod published;
mod scrypt;
pub mod setup;
pub mod store;
