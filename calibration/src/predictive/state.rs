//! The state of a market as a document: what a history has left behind, so that the next day need not read it again.
//!
//! Floats are written as the hexadecimal digits of their bits, so a state that is read back gives the same bits.

use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    day::Day,
    ident::Name,
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, repeated, require},
    text::{Document, WrittenBy},
    units::Ppm,
};

use super::{
    common::Common,
    experts::{self, Belief},
    features::Variances,
    market::{Column, Market, Memory},
    mean::Mean,
    tails::{BINS, Side, Tails},
};

/// The days of a market that were taken in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The format.
    pub kind: KindOf<State>,
    /// Version of the format.
    pub version: FormatVersion,
    /// How much of the volatility is that of ten years.
    memory: Ppm,
    /// The last day that was taken in.
    pub day: Day,
    /// The means of the market.
    common: Bits,
    /// The columns, in the order of the market.
    pub columns: Vec<ColumnState>,
}

/// What is kept of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnState {
    /// What the history calls it.
    pub name: Name,
    /// The day of its last price, from which its next move counts.
    pub last: Day,
    /// How many moves it has had.
    moves: u32,
    /// Its means, its weights and its tails.
    bits: Bits,
}

/// Floats as the hexadecimal digits of their bits, sixteen for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Bits(Vec<f64>);

/// The digits of a float.
const DIGITS: usize = 16;

impl From<Bits> for String {
    fn from(Bits(floats): Bits) -> Self {
        let mut text = Self::with_capacity(DIGITS * floats.len());
        for float in floats {
            text += &format!("{:016x}", float.to_bits());
        }
        text
    }
}

impl TryFrom<String> for Bits {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let expected =
            || format!("expected {DIGITS} lower-case hexadecimal digits for each float, found something else");
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if !text.len().is_multiple_of(DIGITS) || !text.bytes().all(is_digit) {
            return Err(expected());
        }
        let float = |digits: &[u8]| {
            let digits = str::from_utf8(digits).map_err(|_| expected())?;
            u64::from_str_radix(digits, 16).map(f64::from_bits).map_err(|_| expected())
        };
        text.as_bytes().chunks_exact(DIGITS).map(float).collect::<Result<_, _>>().map(Self)
    }
}

impl Kinded for State {
    const KIND: Kind = Kind::ForecastState;
}

/// How many floats there are of the market, and of a column.
const COMMON: usize = 4;
const COLUMN: usize = 2 * Variances::COUNT + experts::COUNT + 1 + 4 * BINS;

impl Document for State {
    const WRITTEN_BY: WrittenBy = WrittenBy::Machines;

    fn problems(&self) -> Vec<Problem> {
        let names = self.columns.iter().map(|column| &column.name);
        let mut problems = repeated(names, |i| format!("columns[{i}].name"), "each column once");
        problems.extend(require(self.memory <= Ppm::ONE, "memory", format!("at most {}", Ppm::ONE), self.memory));
        problems.extend(self.common.problem("common", COMMON));
        for (i, column) in self.columns.iter().enumerate() {
            problems.extend(column.bits.problem(&format!("columns[{i}].bits"), COLUMN));
            let believes =
                column.bits.0.iter().skip(2 * Variances::COUNT).take(experts::COUNT).all(|weight| *weight > 0.0);
            problems.extend(require(believes, format!("columns[{i}].bits"), "experts with some weight", "none"));
            let expected = format!("at most {}, the last day", self.day);
            problems.extend(require(column.last <= self.day, format!("columns[{i}].last"), expected, column.last));
        }
        problems
    }
}

impl Bits {
    /// Squares, weights and counts are finite and not negative, and no history makes them large.
    fn problem(&self, path: &str, count: usize) -> Option<Problem> {
        let fits = self.0.len() == count && self.0.iter().all(|float| (0.0..1e12).contains(float));
        let expected = format!("{count} floats that are not negative and below 10^12");
        require(fits, path, expected, "others").map(|problem| problem.advise("make the state anew from the history"))
    }
}

impl State {
    /// The state of a market after a day. `columns` has the name of each column and the day of its last price; a column
    /// without one has nothing to be kept.
    #[must_use]
    pub fn new(market: &Market, day: Day, columns: impl IntoIterator<Item = (Name, Option<Day>)>) -> Self {
        let Common { all, falls } = market.common;
        let column = |(column, (name, last)): (&Column, (Name, Option<Day>))| {
            Some(ColumnState { name, last: last?, moves: column.days, bits: Bits(floats(column)) })
        };
        Self {
            kind: KindOf::new(),
            version: FormatVersion,
            memory: market.memory.0,
            day,
            common: Bits([all, falls].into_iter().flat_map(|mean| [mean.sum, mean.weight]).collect()),
            columns: market.columns.iter().zip(columns).filter_map(column).collect(),
        }
    }

    /// The market of these columns, with the same bits as the one that was saved. Columns without a state begin.
    #[must_use]
    pub fn market<'n>(&self, columns: impl IntoIterator<Item = &'n Name>) -> Market {
        let mut common = self.common.0.iter().copied();
        let mut mean = || mean(&mut common);
        let common = Common { all: mean(), falls: mean() };
        let named = |name: &Name| self.columns.iter().find(|column| column.name == *name);
        let columns = columns.into_iter().map(|name| named(name).map(column).unwrap_or_default());
        Market::of(columns.collect(), common, Memory(self.memory))
    }
}

fn floats(column: &Column) -> Vec<f64> {
    let mut floats: Vec<f64> = column.variances.means().into_iter().flat_map(|mean| [mean.sum, mean.weight]).collect();
    floats.extend(column.belief.0);
    floats.push(column.tails.days);
    for side in &column.tails.sides {
        floats.extend(side.counts.iter().chain(&side.sums));
    }
    floats
}

/// A document that was checked has as many floats as are taken here.
fn column(ColumnState { moves, bits, .. }: &ColumnState) -> Column {
    let mut floats = bits.0.iter().copied();
    let variances = Variances::of_means([(); Variances::COUNT].map(|()| mean(&mut floats)));
    let belief = Belief([(); experts::COUNT].map(|()| floats.next().unwrap_or_default()));
    let days = floats.next().unwrap_or_default();
    let sides = [(); 2].map(|()| {
        let mut bins = || {
            let mut bins: Vec<f64> = floats.by_ref().take(BINS).collect();
            bins.resize(BINS, 0.0);
            bins
        };
        Side { counts: bins(), sums: bins() }
    });
    Column { days: *moves, variances, belief, tails: Tails { days, sides } }
}

fn mean(floats: &mut impl Iterator<Item = f64>) -> Mean {
    let mut next = || floats.next().unwrap_or_default();
    Mean { sum: next(), weight: next() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moves::Move;

    fn market() -> Market {
        let mut market = Market::new(2, Memory::FREE);
        for i in 0..300_i128 {
            let ppb = (i * i * 7_919 % 2_001 - 1_000) * 20_000;
            market.advance(&[Some(Move::new(ppb)), (i > 100).then(|| Move::new(-ppb / 3))]);
        }
        market
    }

    fn names() -> [Name; 2] {
        ["A", "B"].map(|name| Name::new(name).unwrap())
    }

    fn state() -> State {
        let day = Day::parse("2020-12-31").unwrap();
        State::new(&market(), day, names().map(|name| (name, Some(day))))
    }

    #[test]
    fn a_state_is_read_back_bit_by_bit() {
        let state = state();
        let read = State::from_json("s.json", &state.to_json().unwrap()).unwrap();
        assert_eq!(read, state);
        assert_eq!(read.market(&names()), market());
    }

    #[test]
    fn rejects_states_that_no_history_leaves_behind() {
        let text = state().to_json().unwrap();
        let refused = |from: &str, to: &str| {
            assert!(text.contains(from));
            State::from_json("s.json", &text.replacen(from, to, 1)).unwrap_err().to_string()
        };
        let one = format!("{:016x}", 1_f64.to_bits());
        let bits = &text[text.find("\"bits\"").unwrap() + 9..][..16];
        for wrong in [f64::NAN, f64::INFINITY, -1.0, 1e13] {
            let error = refused(bits, &format!("{:016x}", wrong.to_bits()));
            assert!(error.contains("columns[0].bits: expected 2098 floats"), "{error}");
        }
        assert!(refused(bits, &format!("{bits}{one}")).contains("expected 2098 floats"));
        assert!(refused(bits, &bits[1..]).contains("hexadecimal digits"));
        assert!(refused(bits, &bits.replacen(&bits[..1], "G", 1)).contains("hexadecimal digits"));
        assert!(refused("\"B\"", "\"A\"").contains("each column once"));
        assert!(refused("\"day\": \"2020-12-31\"", "\"day\": \"2020-12-30\"").contains("at most 2020-12-30"));
        assert!(refused("\"memory\": 200000", "\"memory\": 1000001").contains("memory"));
        assert!(refused("\"last\": \"2020-12-31\"", "\"last\": \"2020-02-30\"").contains("expected a day"));
    }
}
