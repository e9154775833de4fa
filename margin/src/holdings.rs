//! Hidden holdings.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{ident::Name, units::Lots, universe::Universe};

/// Balances as a file states them: what one account holds of each instrument; an instrument that is not named is not
/// held. Secret: the numbers do not print and are erased when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holdings {
    /// The format.
    pub kind: HoldingsKind,
    /// Version of the format.
    pub version: crate::FormatVersion,
    /// Name of the universe.
    pub universe: Name,
    /// The balances, each instrument at most once.
    pub balances: Vec<Balance>,
}

/// The value of a holdings file's `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HoldingsKind {
    /// `surety/holdings`
    #[serde(rename = "surety/holdings")]
    Holdings,
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
        f.debug_struct("Holdings")
            .field("universe", &self.universe)
            .finish_non_exhaustive()
    }
}

impl Drop for Holdings {
    fn drop(&mut self) {
        self.balances.iter_mut().for_each(|balance| balance.lots.zeroize());
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
            return Err(format!(
                "expected {} instruments, found {}",
                self.0.len(),
                other.0.len()
            ));
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
