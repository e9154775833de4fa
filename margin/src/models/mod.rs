//! Margin models.
//!
//! Each states, for a level, the margin as an [`Expression`](crate::program::Expression) of the holdings and,
//! separately, computes it directly: the two must agree, and tests hold them to it.
//!
//! All amounts are integers in `10^-scale` quote units, with the [`Frame`]'s scale fine enough that no product of a
//! price, a lot and the model's fractions is rounded. Where two fractions are combined into one, the result is rounded
//! against the account.

mod breakdown;
mod collateral;
mod combined;
mod composed;
mod cover;
mod cross;
pub mod derive;
mod fraction;
mod frame;
mod greeks;
mod inside;
mod ladder;
mod limits;
mod liquidity;
mod model;
mod portfolio;
mod rates;
mod required;
mod rule;
mod scenario;
mod size;
pub(crate) mod slight;
mod span;
pub(crate) mod unmargined;
mod vector;

pub(crate) use self::{
    breakdown::Breakdown,
    model::{Part, Requirement},
};
pub use self::{
    collateral::{Asset, Collateral},
    combined::{Any, Sum},
    composed::{All, Bucket, Isolated, Mode, Modes},
    cross::{Cross, CrossPosition, OpenOrders, Profit},
    frame::Frame,
    greeks::{DeltaSign, Greeks},
    inside::ModelPart,
    ladder::Tier,
    limits::{Bound, CashGreeks, Exposure, Limit, LimitedPosition, Limits},
    liquidity::{Depth, Liquidity},
    model::Model,
    rates::RateTier,
    rule::{InstrumentRule, Measure},
    scenario::{MarketScenario, ScenarioMargin, ScenarioPosition},
    size::Tiering,
    span::{Amount, CombinedCommodity, CreditBasis, CreditTier, Delta, Member, Span, SpreadCredit},
    vector::{MarketVector, VectorEntry},
};
