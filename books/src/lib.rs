//! Books: every account of a venue, proven page by page, and what each user checks.
//!
//! A *page* is one column of holdings with the balances of many accounts. Its program repeats the margin rule of a
//! policy for each account, and adds up what is owed to all of them; so one proof is about some thousand accounts. The
//! *reserves* are proven once for all pages: what custodians have signed, less the totals of the pages, is not
//! negative. A *root* fixes the list of pages. Users check a *cell*: an opening of the rows of their page that hold
//! their identity and their balances, and the way from the page to the root.
//!
//! | module | idea |
//! |---|---|
//! | [`rules`] | what a venue decides: kinds of pages, caps |
//! | [`layout`] | where accounts and totals lie in a column |
//! | [`page`] | the program of a kind of page |
//! | [`reserves`] | the program over reserves less totals |
//! | [`compiled`] | rules together with the commitments of their programs, and the identifier of both |
//! | [`root`] | the list of pages as one hash, and the way from a page to it |
//! | [`book`] | what a venue publishes of an epoch, and how an auditor verifies it |
//! | [`cell`] | what a user gets and checks |
//!
//! Nothing here panics on hostile input or reads the environment. Proving lives elsewhere.
//!
//! ```
//! use surety_books::root::{Tree, top_from};
//!
//! // The hashes of three pages, and the way from the last one to the top of their tree.
//! let pages = [[1; 32], [2; 32], [3; 32]];
//! let tree = Tree::new(pages.to_vec()).unwrap();
//! assert_eq!(top_from(pages[2], 2, 3, &tree.path(2)), Some(tree.top()));
//! assert_ne!(top_from(pages[2], 1, 3, &tree.path(2)), Some(tree.top()));
//! ```

pub mod book;
pub mod cell;
pub mod compiled;
pub mod layout;
pub mod page;
pub mod reserves;
pub mod root;
pub mod rules;
