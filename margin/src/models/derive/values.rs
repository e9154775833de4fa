//! From feeds to derived values.

use surety_core::{
    decimal::Magnitude,
    problem::{Problem, listed},
    units::Price,
};

use super::{
    ExpiryFeeds, Feeds, Losses, OptionRule, PortfolioMargin, Quantity, Schema, VolMove,
    schema::{FINE_DECIMALS, QuantityEntry, Revaluation},
};
use crate::{
    level::Basis,
    pricing::{PricingError, Rounding, black76, to_integer},
};

/// Seconds of a year of 365 days.
pub const YEAR: f64 = 31_536_000.0;

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// Volatility shocks are stated for this many days to expiry.
const REFERENCE_DAYS: f64 = 30.0;

/// Seconds over which the settlement price is averaged.
const SETTLEMENT: f64 = 1_800.0;

/// Why values cannot be derived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// The feeds do not suit the model.
    #[error("{}", listed("", .0))]
    Feeds(Vec<Problem>),
    /// Gains count more than losses.
    #[error(
        "expiry {expiry}: the discount for gains is {gains}, expected at most the discount for losses, {losses}; \
         set gains_may_exceed in the model's losses, which takes more variables"
    )]
    GainsExceed {
        /// The expiry's position in the model.
        expiry: usize,
        /// The discount for gains.
        gains: String,
        /// The discount for losses.
        losses: String,
    },
    /// A value has no number.
    #[error("{quantity}: {error}")]
    Pricing {
        /// The value.
        quantity: Quantity,
        /// Why.
        error: PricingError,
    },
    /// A value exceeds its market entry.
    #[error("{quantity}: expected at most {max}, found {found}; raise the model's largest_value or largest_weight")]
    TooLarge {
        /// The value.
        quantity: Quantity,
        /// The most there may be.
        max: Price,
        /// What there is.
        found: u128,
    },
}

impl From<DeriveError> for Vec<Problem> {
    fn from(error: DeriveError) -> Self {
        match error {
            DeriveError::Feeds(problems) => problems,
            DeriveError::GainsExceed { expiry, gains, losses } => {
                let expected =
                    format!("the discount for gains of expiry {expiry} to be at most the one for losses, {losses}");
                let advice = "set gains_may_exceed in the model's losses";
                vec![Problem::new("prices", expected, gains).advise(advice)]
            }
            error => vec![Problem::of_sentence("prices", &error.to_string())],
        }
    }
}

/// The derived values of a schema, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    values: Vec<Price>,
    loss_factors: [u128; 2],
}

impl Derived {
    /// The values, at the decimals of their [`QuantityEntry`]: this model's part of the market vector.
    #[must_use]
    pub fn values(&self) -> &[Price] {
        &self.values
    }

    /// What the span is multiplied by at a level, in units of `10^-15`: only for display, the weights contain it.
    #[must_use]
    pub fn loss_factor(&self, basis: Basis) -> u128 {
        let [maintenance, initial] = self.loss_factors;
        match basis {
            Basis::Maintenance => maintenance,
            Basis::Initial => initial,
        }
    }
}

impl Schema<'_> {
    /// Derives the values of all entries. The same feeds give the same values on every machine.
    ///
    /// # Errors
    /// If the feeds do not suit the model, a discount for gains exceeds the one for losses and may not, or a value is
    /// undefined or larger than its entry allows.
    pub fn derive(&self, feeds: &Feeds) -> Result<Derived, DeriveError> {
        let problems = feeds.problems(self.model);
        if !problems.is_empty() {
            return Err(DeriveError::Feeds(problems));
        }
        let market = ObservedMarket::new(self, feeds)?;
        let values = self.entries.iter().map(|entry| market.value(entry)).collect::<Result<_, _>>()?;
        let loss_factors = [market.shown_loss_factor(Basis::Maintenance)?, market.shown_loss_factor(Basis::Initial)?];
        Ok(Derived { values, loss_factors })
    }
}

/// Feeds in floating point, with what is computed once for each expiry.
struct ObservedMarket<'a> {
    schema: &'a Schema<'a>,
    feeds: &'a Feeds,
    spot: f64,
    stable: f64,
    /// The confidence of what depends on no other price than the spot and the perpetual.
    perpetual_confidence: Magnitude,
    expiries: Vec<Expiry>,
}

/// An expiry in floating point.
struct Expiry {
    /// Seconds to expiry.
    seconds: f64,
    /// Years to expiry.
    years: f64,
    root_years: f64,
    /// The part of the forward that moves with the spot, and the part that does not.
    moving: f64,
    fixed: f64,
    discount: f64,
    gains: f64,
    losses: f64,
    confidence: Magnitude,
}

/// The discounts of an expiry's value if it is a gain, and if it is a loss.
struct Discounts {
    gains: f64,
    losses: f64,
}

impl Discounts {
    fn new(rules: &Losses, rate: f64, years: f64) -> Self {
        let gains_rate = rate * rules.gains_rate_factor.to_f64() + rules.gains_rate_added.to_f64();
        let losses_rate = rate * rules.losses_rate_factor.to_f64() + rules.losses_rate_added.to_f64();
        let riskless = libm::exp(rate * years);
        let steep = rules.losses.to_f64() * libm::exp(losses_rate * years);
        Self {
            gains: rules.gains.to_f64() * libm::exp(-gains_rate * years),
            losses: if steep < riskless { steep } else { riskless },
        }
    }

    /// Whether gains count more than losses, or nobody can say.
    fn exceed(&self) -> bool {
        let falls = self.gains <= self.losses;
        !falls
    }
}

impl PortfolioMargin {
    /// Whether gains count more than losses in an expiry, so that the model must say that they may.
    #[must_use]
    pub fn has_gains_that_exceed(&self, feeds: &Feeds) -> bool {
        let exceeds = |feeds: &ExpiryFeeds| {
            let (rate, years) = (feeds.rate.value.to_f64(), feeds.seconds as f64 / YEAR);
            Discounts::new(&self.parameters.losses, rate, years).exceed()
        };
        let mut expiries = self.expiries.iter().zip(&feeds.expiries);
        expiries.any(|(rule, feeds)| !rule.options.is_empty() && exceeds(feeds))
    }
}

impl Expiry {
    fn new(schema: &Schema<'_>, feeds: &ExpiryFeeds, confidence: Magnitude) -> Self {
        let losses = &schema.model.parameters.losses;
        let seconds = feeds.seconds as f64;
        let years = seconds / YEAR;
        let forward = feeds.forward.value.to_f64();
        let moving = if seconds < SETTLEMENT { forward * (seconds / SETTLEMENT) } else { forward };
        let rate = feeds.rate.value.to_f64();
        let Discounts { gains, losses } = Discounts::new(losses, rate, years);
        let own = [feeds.forward.confidence, feeds.rate.confidence, feeds.volatility_confidence];
        Self {
            seconds,
            years,
            root_years: years.sqrt(),
            moving,
            fixed: forward - moving,
            discount: libm::exp(-rate * years),
            gains,
            losses,
            confidence: own.into_iter().fold(confidence, Magnitude::min),
        }
    }
}

impl<'a> ObservedMarket<'a> {
    fn new(schema: &'a Schema<'a>, feeds: &'a Feeds) -> Result<Self, DeriveError> {
        let spot_confidence = feeds.spot.confidence;
        let perpetual_confidence = feeds.perpetual.map_or(spot_confidence, |feed| spot_confidence.min(feed.confidence));
        let expiry = |feeds| Expiry::new(schema, feeds, spot_confidence);
        let expiries: Vec<_> = feeds.expiries.iter().map(expiry).collect();
        let rules = &schema.model.expiries;
        let discounted = expiries.iter().enumerate().filter(|(position, _)| !rules[*position].options.is_empty());
        for (position, expiry) in discounted {
            let Expiry { gains, losses, .. } = *expiry;
            if (Discounts { gains, losses }).exceed() && !schema.model.parameters.losses.gains_may_exceed {
                return Err(DeriveError::GainsExceed {
                    expiry: position,
                    gains: gains.to_string(),
                    losses: losses.to_string(),
                });
            }
        }
        let (spot, stable) = (feeds.spot.value.to_f64(), feeds.stable.to_f64());
        Ok(Self { schema, feeds, spot, stable, perpetual_confidence, expiries })
    }

    fn value(&self, entry: &QuantityEntry) -> Result<Price, DeriveError> {
        let quantity = entry.quantity;
        let pricing = |error| DeriveError::Pricing { quantity, error };
        let found = self.integer(quantity, entry.decimals.get()).map_err(pricing)?;
        let fits = Price::new(found).ok().filter(|value| *value <= entry.max);
        fits.ok_or(DeriveError::TooLarge { quantity, max: entry.max, found })
    }

    fn integer(&self, quantity: Quantity, decimals: u8) -> Result<u128, PricingError> {
        use Rounding::{Down, Nearest, Up};
        let round = |value, rounding| to_integer(value, decimals, rounding);
        let dampened = |basis, dampening: usize| self.loss_factor(basis) * self.schema.dampenings[dampening].to_f64();
        let losses = |basis, dampening, expiry: usize| dampened(basis, dampening) * self.expiries[expiry].losses;
        match quantity {
            Quantity::OptionValue { revaluation, expiry, option } => {
                round(self.option_value(self.schema.revaluations[revaluation], expiry, option)?, Nearest)
            }
            Quantity::LossWeight { basis, dampening, expiry } => round(losses(basis, dampening, expiry), Up),
            Quantity::WeightSpread { basis, dampening, expiry } => {
                let gains = round(dampened(basis, dampening) * self.expiries[expiry].gains, Down)?;
                Ok(round(losses(basis, dampening, expiry), Up)?.saturating_sub(gains))
            }
            Quantity::WeightExcess { basis, dampening, expiry } => {
                let gains = round(dampened(basis, dampening) * self.expiries[expiry].gains, Down)?;
                Ok(gains.saturating_sub(round(losses(basis, dampening, expiry), Up)?))
            }
            Quantity::MarkWeight { basis, dampening } => round(dampened(basis, dampening), Nearest),
            Quantity::BasisWeight { basis, expiry } => {
                let charge = &self.schema.model.parameters.basis_contingency;
                let factor = charge.added.to_f64() + charge.factor.to_f64() * self.expiries[expiry].years;
                round(self.loss_factor(basis) * factor, Up)
            }
            Quantity::PerpetualMove { basis, shift } => {
                let price = self.feeds.perpetual.map_or(0.0, |feed| feed.value.to_f64());
                round(price * self.shifted(basis, shift).abs(), Nearest)
            }
            Quantity::CollateralMove { basis, shift, collateral } => {
                let moved = self.collateral_value(collateral) * self.shifted(basis, shift);
                round(moved.abs(), if moved < 0.0 { Up } else { Down })
            }
            Quantity::CollateralValue { collateral } => round(self.collateral_value(collateral), Down),
            Quantity::CollateralCharge { basis, collateral } => {
                let haircut = &self.schema.model.collateral[collateral].haircut;
                let fraction = at_level(basis, haircut.maintenance, haircut.initial);
                round(self.collateral_value(collateral) * fraction, Up)
            }
            Quantity::PerpetualCharge { basis } => {
                let charges = &self.schema.model.parameters.contingency;
                round(self.spot * at_level(basis, charges.maintenance_perpetual, charges.initial_perpetual), Up)
            }
            Quantity::NakedShortCharge { basis } => {
                let charges = &self.schema.model.parameters.contingency;
                round(self.spot * at_level(basis, charges.maintenance_option, charges.initial_option), Up)
            }
            Quantity::Underlying => round(self.spot, Up),
            Quantity::PerpetualConfidence => round(self.spot * self.confidence_charge(self.perpetual_confidence), Up),
            Quantity::OptionConfidence { expiry } => {
                round(self.spot * self.confidence_charge(self.expiries[expiry].confidence), Up)
            }
            Quantity::OptionConfidenceBesidePerpetuals { expiry } => {
                let own = self.expiries[expiry].confidence;
                let charge = |confidence| round(self.spot * self.confidence_charge(confidence), Up);
                Ok(charge(own.min(self.perpetual_confidence))?.saturating_sub(charge(own)?))
            }
            Quantity::CollateralConfidence { collateral } => {
                let confidence = self.feeds.collateral[collateral].confidence.min(self.feeds.spot.confidence);
                round(self.collateral_value(collateral) * self.confidence_charge(confidence), Up)
            }
        }
    }

    fn shown_loss_factor(&self, basis: Basis) -> Result<u128, DeriveError> {
        let pricing = |error| DeriveError::Pricing { quantity: Quantity::MarkWeight { basis, dampening: 0 }, error };
        to_integer(self.loss_factor(basis), FINE_DECIMALS, Rounding::Nearest).map_err(pricing)
    }

    /// What the span is multiplied by.
    fn loss_factor(&self, basis: Basis) -> f64 {
        let parameters = &self.schema.model.parameters;
        match basis {
            Basis::Maintenance => parameters.losses.maintenance_factor.to_f64(),
            Basis::Initial => {
                let missing = parameters.contingency.peg_threshold.to_f64() - self.stable;
                let missing = if missing > 0.0 { missing } else { 0.0 };
                parameters.losses.initial_factor.to_f64() + missing * parameters.contingency.peg_factor.to_f64()
            }
        }
    }

    /// The fraction of its value that something linear gains or loses in a move, weighted.
    fn shifted(&self, basis: Basis, shift: usize) -> f64 {
        let shift = self.schema.shifts[shift];
        (shift.spot.to_f64() - 1.0) * (shift.dampening.to_f64() * self.loss_factor(basis))
    }

    fn collateral_value(&self, collateral: usize) -> f64 {
        self.feeds.collateral[collateral].value.to_f64() / self.stable
    }

    /// The fraction of a notional that a confidence is charged with.
    fn confidence_charge(&self, confidence: Magnitude) -> f64 {
        let contingency = &self.schema.model.parameters.contingency;
        if confidence < contingency.confidence_threshold {
            (1.0 - confidence.to_f64()) * contingency.confidence_charge.to_f64()
        } else {
            0.0
        }
    }

    fn option_value(&self, revaluation: Revaluation, expiry: usize, option: usize) -> Result<f64, PricingError> {
        let rule = &self.schema.model.expiries[expiry].options[option];
        let mark = self.feeds.expiries[expiry].volatilities[option].to_f64();
        let expiry = &self.expiries[expiry];
        let forward = expiry.moving * revaluation.spot.to_f64() + expiry.fixed;
        // At expiry no volatility matters, and the shocks may have none.
        let total_volatility = if expiry.root_years == 0.0 {
            0.0
        } else {
            self.volatility(revaluation.volatility, mark, expiry, rule) * expiry.root_years
        };
        let value = black76(rule.kind, forward, rule.strike.to_f64(), total_volatility)?;
        Ok(value * expiry.discount)
    }

    fn volatility(&self, change: VolMove, mark: f64, expiry: &Expiry, option: &OptionRule) -> f64 {
        let shock = &self.schema.model.parameters.vol_shock;
        match change {
            VolMove::Unchanged => mark,
            VolMove::Up => {
                let (moved, floor) =
                    (mark * (1.0 + shock.up.to_f64() * self.term_multiple(expiry)), shock.floor_up.to_f64());
                if moved < floor { floor } else { moved }
            }
            VolMove::Down => mark * not_negative(1.0 - shock.down.to_f64() * self.term_multiple(expiry)),
            VolMove::SkewLinear | VolMove::SkewAbs => mark * not_negative(1.0 + self.skew(change, expiry, option)),
        }
    }

    /// `(30 days / max(T, floor))^power`
    fn term_multiple(&self, expiry: &Expiry) -> f64 {
        let shock = &self.schema.model.parameters.vol_shock;
        let floor = shock.floor_days.to_f64() * DAY;
        let seconds = if expiry.seconds < floor { floor } else { expiry.seconds };
        let short = expiry.seconds <= REFERENCE_DAYS * DAY;
        let power = if short { shock.short_term_power } else { shock.long_term_power };
        libm::pow(REFERENCE_DAYS * DAY / seconds, power.to_f64())
    }

    /// The relative change of a volatility along the skew. Above the forward the cap is an upper bound and below it
    /// minus the cap a lower one, also where the cap is negative.
    fn skew(&self, change: VolMove, expiry: &Expiry, option: &OptionRule) -> f64 {
        let skew = &self.schema.model.parameters.skew_shock;
        let (strike, forward) = (option.strike.to_f64(), expiry.moving + expiry.fixed);
        if strike == 0.0 || forward == 0.0 {
            // Where the logarithm has no value, no volatility matters.
            return 0.0;
        }
        let moneyness = libm::log(strike / forward);
        let (moneyness, base, scale) = match change {
            VolMove::SkewAbs => (moneyness.abs(), skew.abs_base, skew.abs_scale),
            _ => (moneyness, skew.linear_base, skew.linear_scale),
        };
        let root = expiry.root_years;
        let cap = base.to_f64() * root + scale.to_f64();
        let width = root * skew.width_scale.to_f64() * (skew.vol_static.to_f64() + root * skew.vol_scale.to_f64());
        let least = skew.least_width.to_f64();
        // A width of zero leaves an undefined slope, which no integer is made of.
        let slope = moneyness * cap / if width < least { least } else { width };
        let beyond = if moneyness >= 0.0 { slope > cap } else { slope < -cap };
        match (beyond, moneyness >= 0.0) {
            (false, _) => slope,
            (true, true) => cap,
            (true, false) => -cap,
        }
    }
}

/// A charge of the maintenance level, with what the initial level adds.
fn at_level(basis: Basis, maintenance: Magnitude, initial: Magnitude) -> f64 {
    match basis {
        Basis::Maintenance => maintenance.to_f64(),
        Basis::Initial => maintenance.to_f64() + initial.to_f64(),
    }
}

/// Not `f64::max`, which would turn an undefined value into zero.
fn not_negative(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { value }
}
