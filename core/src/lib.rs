//! The ground floor: names, numbers, readers of files, and mistakes, shared by every other crate.
//!
//! This crate contains no margin rules and no cryptography, and does no I/O. Everything in it is a value or a function
//! of values.
//!
//! | module | idea |
//! |---|---|
//! | [`ident`], [`units`], [`decimal`], [`rational`] | names, identifiers, quantities and numbers as types |
//! | [`capacity`] | the use of the circuit's rows |
//! | [`text`] | reading files, with the place of each mistake |
//! | [`kind`] | the kinds of documents, and recognising them |
//! | [`problem`] | a rule that an input breaks: expected value, found value, remedy |
//! | [`failure`] | the class of an error, and its JSON for programs |
//! | [`shown`] | tables and numbers as a terminal or a file shows them |
//! | [`visible`], [`words`] | text from others as a terminal may show it; counted nouns |
//! | [`day`] | days of the calendar |
//! | [`closest`] | the name that was probably meant |
//! | [`named`] | values read for types that are known by name |
//! | [`schema`] | JSON Schemas of documents |
//! | [`spelling`] | spellings of times, durations, fractions, numbers and addresses |
//! | [`canonical`] | the encoding behind every identifier |
//!
//! ```
//! use surety_core::{ident::Name, spelling, units::Seconds};
//!
//! let name = Name::new("BTC-USD")?;
//! assert_eq!(name.as_str(), "BTC-USD");
//! assert_eq!(spelling::duration("1h 30m")?, Seconds(5_400));
//! # Ok::<(), String>(())
//! ```

pub mod canonical;
pub mod capacity;
pub mod closest;
pub mod day;
pub mod decimal;
pub mod failure;
pub mod ident;
pub mod kind;
pub mod named;
pub mod problem;
pub mod rational;
pub mod schema;
pub mod shown;
pub mod spelling;
pub mod text;
pub mod units;
mod version;
pub mod visible;
pub mod words;

pub use self::version::FormatVersion;
