//! Hidden holdings.
//!
//! Amounts are erased from [`Balance`] and [`Position`] when these are dropped, and so is the copy of its text that
//! reading an amount takes. What is left to the caller is the text itself, before reading and after writing (a
//! `Zeroizing<String>` will do); what escapes is what serde_json and toml copy on their own: strings with escapes,
//! numbers of TOML with a point that are not in quotes, and the shorter buffers of a text that grows while it is
//! written.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::Name,
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, repeated},
    text::Document,
    units::Lots,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::universe::Universe;

/// The first line of holdings in CSV.
const CSV_HEADER: &str = "instrument,lots,cost";

/// A cost that the quote balance carries already.
pub const CARRIED: &str = "carried";

/// Most bytes of a line of CSV without the instrument: lots have at most 29 digits.
const LINE: usize = 40;

/// Balances as a file states them: what one account holds of each instrument; an instrument that is not named is not
/// held. Secret: the numbers do not print and are erased when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holdings {
    /// The format.
    pub kind: KindOf<Holdings>,
    /// Version of the format.
    pub version: FormatVersion,
    /// Name of the universe.
    pub universe: Name,
    /// The balances, each instrument at most once.
    pub balances: Vec<Balance>,
}

impl Kinded for Holdings {
    const KIND: Kind = Kind::Holdings;
}

/// What is held of one instrument; negative if owed or short.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// The instrument.
    pub instrument: Name,
    /// How much.
    pub lots: Lots,
}

impl fmt::Debug for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holdings").field("universe", &self.universe).finish_non_exhaustive()
    }
}

impl Drop for Balance {
    fn drop(&mut self) {
        self.lots.zeroize();
    }
}

impl ZeroizeOnDrop for Balance {}

impl Document for Holdings {
    const SECRET: bool = true;

    fn problems(&self) -> Vec<Problem> {
        let instruments = self.balances.iter().map(|balance| &balance.instrument);
        let twice = repeated(instruments, |i| format!("balances[{i}].instrument"), "each instrument once");
        // The name is not repeated: it may be an amount in the wrong place.
        twice.into_iter().map(|problem| Problem { found: "one again".to_owned(), ..problem }).collect()
    }
}

impl Holdings {
    /// Writes CSV, which the reader of tables of holdings reads back: of a derivative it says that the quote balance
    /// carries what it cost.
    #[must_use]
    pub fn to_csv(&self, universe: &Universe) -> Zeroizing<String> {
        let length = |balance: &Balance| balance.instrument.as_str().len() + LINE;
        // Room for all of it, so that no growth leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(LINE + self.balances.iter().map(length).sum::<usize>()));
        text.push_str(CSV_HEADER);
        let positions = universe.positions();
        for Balance { instrument, lots } in &self.balances {
            let lots = Zeroizing::new(lots.get().to_string());
            let is_carried =
                positions.get(instrument).is_some_and(|position| universe.instruments[*position].is_carried());
            let cost = if is_carried { CARRIED } else { "" };
            ["\n", instrument.as_str(), ",", &lots, ",", cost].into_iter().for_each(|part| text.push_str(part));
        }
        text.push('\n');
        text
    }

    /// Checks the holdings against the universe that they are over. The problems do not show amounts.
    #[must_use]
    pub fn check(&self, universe: &Universe) -> Vec<Problem> {
        let mut problems = self.problems();
        if self.universe != universe.name {
            // What is there may be an amount in the wrong place.
            let expected = format!("the universe {}", universe.name);
            problems.push(Problem::new("universe", expected, "another name"));
        }
        let positions = universe.positions();
        for (i, balance) in self.balances.iter().enumerate() {
            match positions.get(&balance.instrument) {
                None => {
                    let path = format!("balances[{i}].instrument");
                    problems.push(Problem { path, ..universe.unknown(balance.instrument.as_str()) });
                }
                Some(&position) => {
                    let limit = universe.instruments[position].max_lots.get();
                    if balance.lots.get().unsigned_abs() > limit.unsigned_abs() {
                        let expected = format!("at most the {limit} lots that the universe allows, held or owed");
                        problems.push(Problem::new(format!("balances[{i}].lots"), expected, "more"));
                    }
                }
            }
        }
        problems
    }

    /// The vector of the holdings.
    ///
    /// # Errors
    /// If the holdings do not fit the universe: see [`Holdings::check`].
    pub fn position(&self, universe: &Universe) -> Result<Position, Vec<Problem>> {
        let problems = self.check(universe);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut position = Position::empty(universe);
        let positions = universe.positions();
        for balance in &self.balances {
            if let Some(&index) = positions.get(&balance.instrument) {
                position.0[index] = balance.lots;
            }
        }
        Ok(position)
    }
}

/// The hidden vector `q`: one number of lots for each instrument of the universe, in its order.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Position(Vec<Lots>);

impl Position {
    /// Nothing held.
    #[must_use]
    pub fn empty(universe: &Universe) -> Self {
        Self(vec![Lots::default(); universe.instruments.len()])
    }

    /// From one number of lots for each instrument of a universe, in its order.
    #[must_use]
    pub fn from_lots(lots: Vec<Lots>) -> Self {
        Self(lots)
    }

    /// The numbers, in the order of the universe.
    #[must_use]
    pub fn lots(&self) -> &[Lots] {
        &self.0
    }

    /// The sum of two positions over the same universe.
    ///
    /// # Errors
    /// If the lengths differ or an amount leaves the range of [`Lots`].
    pub fn plus(&self, other: &Self) -> Result<Self, String> {
        if self.0.len() != other.0.len() {
            return Err(format!("expected {} instruments, found {}", self.0.len(), other.0.len()));
        }
        let sums = self.0.iter().zip(&other.0).map(|(a, b)| Lots::new(a.get() + b.get()));
        Ok(Self(sums.collect::<Result<_, _>>()?))
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position(hidden, {} instruments)", self.0.len())
    }
}

/// What a position adds to a quote balance. Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The position's instrument.
    pub instrument: Name,
    /// How much of it there is.
    pub position: Lots,
    /// The instrument of the quote balance.
    pub quote: Name,
    /// How much of that the position adds: negative for what was paid.
    pub lots: Lots,
}

impl Drop for Leg {
    fn drop(&mut self) {
        self.position.zeroize();
        self.lots.zeroize();
    }
}

impl ZeroizeOnDrop for Leg {}
