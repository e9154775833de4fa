//! The ground floor: what every other crate needs to name things, to count them, to read files and to say what is wrong.
//!
//! This crate knows no margin and no cryptography, and does no I/O. Everything in it is a value or a function of values.
//!
//! | module | idea |
//! |---|---|
//! | [`ident`], [`units`], [`decimal`], [`rational`] | names, identifiers, quantities and numbers as types |
//! | [`capacity`] | how the rows of the circuit are used |
//! | [`text`] | how files are read, and where a mistake is |
//! | [`problem`] | a rule that an input breaks: what was expected and found, and what to do |
//! | [`closest`] | which of several names was probably meant |
//! | [`named`] | values read on behalf of types that readers know by name |
//! | [`spelling`] | how people write times, durations, fractions, numbers and addresses |
//! | [`canonical`] | the one encoding that identifiers are hashes of |
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
pub mod decimal;
pub mod ident;
pub mod named;
pub mod problem;
pub mod rational;
pub mod spelling;
pub mod text;
pub mod units;
mod version;

pub use self::version::FormatVersion;
