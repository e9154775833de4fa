//! What a venue does to make a [book](surety_books): accounts become pages, pages are proven, users get cells.
//!
//! | module | idea |
//! |---|---|
//! | [`account`] | a user with balances |
//! | [`page`] | the column of a page, and its totals |
//! | [`prover`] | the proof of a page, the openings of its cells, the proof of the reserves |
//! | [`sealed`] | inputs at rest: encrypted, and bound to their place |
//! | [`directory`] | the files of a book that is being made |
//! | [`list`] | lists of accounts, as CSV or Parquet |
//! | [`build`] | from a list of accounts to the inputs of pages |
//! | [`work`] | proving the pages of a directory, in any order and any number of times |
//!
//! ```
//! use surety_venue::work::Shard;
//!
//! // The pages of one of two machines, split over three processes.
//! let shards = Shard::new(1, 2).unwrap().split(3);
//! let pages = (0..12).filter(|page| shards.clone().filter(|shard| shard.has(*page)).count() == 1);
//! assert_eq!(pages.collect::<Vec<_>>(), [1, 3, 5, 7, 9, 11]);
//! ```

pub mod account;
pub mod build;
pub mod directory;
pub mod list;
pub mod page;
pub mod prover;
pub mod sealed;
pub mod work;
