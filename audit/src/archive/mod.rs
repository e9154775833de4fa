//! The archive: what an auditor was shown, kept in one file to which documents can only be added.
//!
//! Entries are chained: each has a hash over its document and the hash of the entry before, so that the last of them,
//! the *head*, stands for everything in the archive and its order. Whoever has noted a head can tell later whether the
//! archive still begins with what it had then. Without a noted head, damage shows, but not that the whole was written
//! anew or has lost its end.
//!
//! ```text
//! digest = keccak256("surety/archive-entry/v1" ‖ length of kind (8 bytes) ‖ kind ‖ format (1 byte) ‖ text)
//! head_n = keccak256("surety/archive/v1" ‖ head_{n-1} ‖ n (8 bytes) ‖ digest)                    head_0 = 0
//! ```
//!
//! The file is an SQLite database. A call to [`Archive::add`] is one transaction that has reached the disk when it
//! returns: after a crash there is all of it or nothing. A document that is there already is not added again.
//!
//! | module | idea |
//! |---|---|
//! | `document`, `evidence` | what is kept |
//! | `chain` | the hashes that hold entries together |
//! | `store` (feature `host`) | archives on disk |
//! | `image` | the file of an archive in memory, where there is no SQLite |

mod chain;
mod document;
mod error;
mod evidence;
mod image;
#[cfg(feature = "host")]
mod store;

#[cfg(feature = "host")]
pub use self::store::{Added, Archive};
pub use self::{
    chain::{ArchiveEntry, Summary},
    document::{Archived, KEPT},
    error::ArchiveError,
    evidence::Evidence,
    image::{Image, is_archive},
};
