//! What a venue does to make a [book](surety_books): accounts become pages, pages are proven, users get cells.
//!
//! | module | idea |
//! |---|---|
//! | [`account`] | a user with balances |
//! | [`page`] | the column of a page, and its totals |
//! | [`prover`] | the proof of a page, the openings of its cells, the proof of the reserves |
//! | [`sealed`] | inputs at rest: encrypted, and bound to their place |
//! | [`directory`] | the files of a book that is being made |
//! | [`build`] | from a list of accounts to the inputs of pages |
//! | [`work`] | proving the pages of a directory, in any order and any number of times |

pub mod account;
pub mod build;
pub mod directory;
pub mod page;
pub mod prover;
pub mod sealed;
pub mod work;
