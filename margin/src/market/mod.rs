//! The market: entries that have names, the rules of their oracle, and the reports and snapshots that state prices.
//!
//! | module | idea |
//! |---|---|
//! | [`MarketEntry`], [`OracleRules`] | what a policy calls the numbers that are reported, and which reports count |
//! | [`derived`] | entries that follow from reported ones |
//! | `price_box` | a price outside of its box is refused |
//! | [`boxes`] | the boxes that a policy may state |
//! | `tightening` | parameter entries: every number in their boxes is as tight as the approved one, or tighter |
//! | [`Report`], [`Snapshot`] | what a node signs, and the prices of an epoch |

pub mod boxes;
pub mod derived;
mod entries;
pub(crate) mod price_box;
mod report;
mod snapshot;
pub(crate) mod tightening;

pub(crate) use self::entries::NamedEntries;
pub use self::{
    entries::{Breaker, MarkedProofs, MarketEntry, MarketIndex, OracleNode, OracleRules, PriceRange, Tighter},
    report::{Observation, Observed, Report},
    snapshot::{EntryPrice, Predecessor, Snapshot},
};
