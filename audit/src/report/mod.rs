//! Reports of audits: one computation, shown as a page, as text, and as a table for spreadsheets.
//!
//! The command line and the page in the browser show the same report. No form computes anything: see [`crate::audit`].
//!
//! | module | idea |
//! |---|---|
//! | [`facts`], [`rows`] | the words and the rows of tables that all forms share |
//! | `html`, `charts` | a page without scripts, with plots |
//! | `text` | for terminals and files |
//! | `csv` | for spreadsheets |

mod charts;
mod csv;
pub mod facts;
mod html;
pub mod rows;
mod text;

pub use self::{csv::csv, html::html, text::text};
