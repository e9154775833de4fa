//! What an auditor does: audits of many attestations, archives of public documents, and reproduction of all that is
//! claimed.
//!
//! Start with `audit::run` for a directory of attestations, and with `audit::kept::run` for an archive.
//!
//! | module | idea |
//! |---|---|
//! | [`audit`] | many attestations at once, and the findings about them |
//! | [`archive`] | public documents, kept so that none can vanish |
//! | [`report`] | an audit as a page, as text, and as a table for spreadsheets |
//! | `reproduce` | everything that is claimed, recomputed and compared |
//! | `signature` | detached signatures of reports |
//! | `timestamp` | time stamps of reports by an authority |
//!
//! Without the feature `host`, which is for a computer's files, databases and network, documents in memory are audited:
//! what pages in browsers do, with [`audit::run_in_memory`].
//!
//! ```
//! use std::path::Path;
//! use surety_audit::archive::{Archive, Archived};
//!
//! let directory = tempfile::tempdir()?;
//! let universe = Archived::read(Path::new("universe.toml"), include_str!("../../examples/universe.toml"))?;
//! let added = Archive::open(&directory.path().join("archive.surety"))?.add(&[universe])?;
//! assert_eq!((added.added, added.summary.entries), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod archive;
pub mod audit;
pub mod report;
#[cfg(feature = "host")]
pub mod reproduce;
#[cfg(feature = "host")]
pub mod signature;
#[cfg(feature = "host")]
pub mod timestamp;
