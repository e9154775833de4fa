//! A spreadsheet's amounts, as holdings.
//!
//! CSV with the header `instrument,amount`: amounts are decimal numbers of units, negative if owed or short. A file with the
//! header `instrument,lots` is a file of holdings already, and [`Holdings::from_csv`] reads it.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    FormatVersion,
    holdings::{Balance, Holdings, HoldingsKind},
    ident::Name,
    problem::{Problem, repeated},
    text::{self, Document, InputErrors},
    units::{Decimals, Lots},
    universe::Universe,
};

/// The first line.
const HEADER: [&str; 2] = ["instrument", "amount"];

/// The first line of holdings.
const LOTS_HEADER: &str = "instrument,lots";

/// The lines of a file. Secret.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Positions(Vec<Position>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    instrument: Name,
    amount: Amount,
}

/// A number of units: an integer times `10^-places`. Secret.
struct Amount {
    integer: i128,
    places: u8,
}

impl Drop for Amount {
    fn drop(&mut self) {
        self.integer.zeroize();
    }
}

impl Amount {
    /// None if it is no whole number of lots, or too large.
    fn lots(&self, decimals: Decimals) -> Option<Lots> {
        let power = |exponent: u8| 10_i128.checked_pow(exponent.into());
        let lots = match decimals.get().checked_sub(self.places) {
            Some(more) => self.integer.checked_mul(power(more)?)?,
            None => {
                let unit = power(self.places - decimals.get())?;
                (self.integer % unit == 0).then_some(self.integer / unit)?
            }
        };
        Lots::new(lots).ok()
    }
}

impl FromStr for Amount {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The error must not repeat the amount.
        let expected =
            "expected a decimal number of units like 1234.5678, with at most 36 digits, 18 of them decimal places";
        let magnitude = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
        let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let fits = (1..=18).contains(&whole.len()) && fraction.len() <= 18;
        let is_number = are_digits(whole) && are_digits(fraction) && fits && !magnitude.ends_with('.');
        let digits = Zeroizing::new([whole, fraction].concat());
        let integer = digits.parse::<i128>().ok().filter(|_| is_number).ok_or(expected)?;
        let signed = if magnitude.len() < text.len() { -integer } else { integer };
        Ok(Self { integer: signed, places: fraction.len() as u8 })
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Amount(hidden)")
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let places = usize::from(self.places);
        let digits = Zeroizing::new(format!("{:0>1$}", self.integer.unsigned_abs(), places + 1));
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if self.integer < 0 { "-" } else { "" };
        let point = if places == 0 { "" } else { "." };
        serializer.collect_str(&format_args!("{sign}{whole}{point}{fraction}"))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Zeroizing::new(String::deserialize(deserializer)?).parse().map_err(D::Error::custom)
    }
}

impl Document for Positions {
    const SECRET: bool = true;

    fn problems(&self) -> Vec<Problem> {
        let names = self.0.iter().map(|position| &position.instrument);
        let twice = repeated(names, |i| format!("[{i}].instrument"), "each instrument once");
        // The name is not repeated: it may be an amount in the wrong place.
        twice.into_iter().map(|problem| Problem { found: "one again".to_owned(), ..problem }).collect()
    }
}

impl Positions {
    fn check(&self, universe: &Universe) -> Vec<Problem> {
        let mut problems = self.problems();
        let positions = universe.positions();
        for (i, position) in self.0.iter().enumerate() {
            let index = positions.get(&position.instrument);
            let Some(instrument) = index.map(|index| &universe.instruments[*index]) else {
                let expected = format!("an instrument of the universe {}", universe.name);
                problems.push(Problem::new(format!("[{i}].instrument"), expected, "another name"));
                continue;
            };
            let limit = instrument.max_lots.get();
            let lots = position.amount.lots(instrument.lot_decimals);
            if lots.is_none_or(|lots| lots.get().abs() > limit) {
                let decimals = instrument.lot_decimals.get();
                let expected = format!("a multiple of one lot, 10^-{decimals}, and at most {limit} lots, held or owed");
                problems.push(Problem::new(format!("[{i}].amount"), expected, "another amount"));
            }
        }
        problems
    }
}

/// Reads positions over a universe. `file` is what errors call the input.
///
/// # Errors
/// With every mistake that was found. Errors do not show amounts.
pub fn read(file: &str, text: &str, universe: &Universe) -> Result<Holdings, InputErrors> {
    if text.lines().next() == Some(LOTS_HEADER) {
        return Holdings::from_csv(file, text, universe);
    }
    let tree = text::from_csv(text, &HEADER);
    let positions: Positions = text::read_tree(file, text, tree, |positions: &Positions| positions.check(universe))?;
    let index = universe.positions();
    let balance = |position: &Position| {
        let instrument = &universe.instruments[*index.get(&position.instrument)?];
        let lots = position.amount.lots(instrument.lot_decimals)?;
        Some(Balance { instrument: position.instrument.clone(), lots })
    };
    Ok(Holdings {
        kind: HoldingsKind::Holdings,
        version: FormatVersion,
        universe: universe.name.clone(),
        balances: positions.0.iter().filter_map(balance).collect(),
    })
}
