//! The JSON cases that Derive publishes for its risk manager: inputs, parameters, expected results.
//!
//! Numbers are JSON numbers or decimal strings and are read digit by digit: everything public to 18 places, which is
//! what the contracts compute with, and amounts to 13, or to more where they are all small. What a case leaves out of
//! an account (options, a perpetual, collateral, unpaid funding) it does not have; a confidence that is left out counts
//! as sure. `Result` and whatever else the file has are not read.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;
use surety_core::{
    decimal::{Decimal, Literal, Magnitude},
    ident::Name,
    units::{Decimals, Lots, Timestamp},
};
use surety_margin::{
    models::derive::{
        BasisContingency, CollateralRule, Contingency, ExpiryRule, FeedNames, Haircut, Losses, OptionRule, Parameters,
        PerpetualRule, PortfolioMargin, Scenario, SkewShock, VolMove, VolShock, values::YEAR,
    },
    pricing::OptionKind,
    universe::{Instrument, InstrumentClass, Settlement},
};

/// Most decimal places of amounts, unless all of their kind are below one tenth.
const AMOUNT_DECIMALS: i32 = 13;

/// Amounts of lots have at most this many digits: see [`Lots::MAX`].
const LOTS_DIGITS: i32 = 28;

/// Values of options get as many decimal places as keep the value of an expiry below this, the range of a variable at
/// k = 13: a value that takes two variables makes a proof twice as slow.
const LARGEST_EXPIRY_VALUE: u128 = 1 << 103;

/// The largest amount of cash that an account can prove anything about, in units.
const LARGEST_CASH: u128 = 1_000_000_000_000;

/// Values have 15 decimal places and must fit prices: [`Price::MAX`](surety_core::units::Price::MAX).
const LARGEST_VALUE: u128 = 10_000_000_000_000;

/// Weights for which programs are sound, unless a case has larger ones.
const USUAL_WEIGHT: f64 = 1_000.0;

/// Longest time to expiry, in seconds: a thousand years.
const LONGEST: u64 = 31_536_000_000;

/// Longest part of a name that a case may choose.
const LONGEST_NAME: usize = 24;

/// The time of cases that state none: the start of 2024.
const DEFAULT_TIME: Timestamp = Timestamp(1_704_067_200);

/// A case: rules, observations, and the account.
#[derive(Clone, Debug)]
pub struct Case {
    /// The rules and the instruments that they are about; without a perpetual if none is held.
    pub model: PortfolioMargin,
    /// What was observed, by the names that the rules have for it.
    pub observed: BTreeMap<Name, Magnitude>,
    /// When: so that options expire in as many seconds as the case says.
    pub time: Timestamp,
    /// The instruments, in the order of the model. They have as many decimals as the amounts, and limits that follow
    /// from the amounts: what is published is no secret.
    pub instruments: Vec<Instrument>,
    /// What is held of each instrument.
    pub holdings: Vec<Lots>,
}

/// Why a text is no case.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// It is not JSON of the expected form.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A rule across several values is broken.
    #[error("{path}: expected {expected}, found {found}")]
    Rule {
        /// Where.
        path: String,
        /// What the rule expects.
        expected: &'static str,
        /// What was found.
        found: String,
    },
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// If the text is no case.
    pub fn read(text: &str) -> Result<Self, CaseError> {
        let file: File = serde_json::from_str(text)?;
        let scenario = &file.scenario;
        scenario.refuse_options_without_feed()?;
        scenario.refuse_unsound_collateral()?;
        let time = scenario.time();
        let mut account = CaseAccount { time, ..CaseAccount::default() };
        let spot = account.feed("spot", scenario.spot_price, scenario.spot_confidence)?;
        let stable = account.observe("stable".to_owned(), scenario.stable_price)?;
        let cash = account.cash(scenario)?;
        let perpetual = account.perpetual(scenario)?;
        let collateral = account.collateral(scenario)?;
        let expiries = account.expiries(scenario)?;
        let bounds = Bounds::of(&file);
        let largest_value = bounds.value()?;
        let value_decimals = account.value_decimals(scenario, largest_value)?;
        let mut model = PortfolioMargin {
            cash,
            spot,
            stable,
            perpetual,
            collateral,
            expiries,
            value_decimals,
            largest_value: whole(largest_value)?,
            largest_weight: whole(bounds.weight()?)?,
            parameters: file.parameters.into(),
        };
        let CaseAccount { instruments, holdings, observed, .. } = account;
        let number = |name: &Name| Ok(observed.get(name).copied().unwrap_or_default());
        let feeds =
            model.feeds(number, time).map_err(|_| rule("Scenario", "what the model reads", "something else"))?;
        model.parameters.losses.gains_may_exceed = model.has_gains_that_exceed(&feeds);
        Ok(Self { model, observed, time, instruments, holdings })
    }
}

/// The instruments of an account, what it holds and what is observed.
#[derive(Default)]
struct CaseAccount {
    time: Timestamp,
    observed: BTreeMap<Name, Magnitude>,
    instruments: Vec<Instrument>,
    holdings: Vec<Lots>,
}

impl CaseAccount {
    fn cash(&mut self, scenario: &CaseScenario) -> Result<Vec<Name>, CaseError> {
        let amounts = [
            ("cash", &scenario.cash),
            ("unrealised-perpetual-profit", &scenario.unrealised_perp_pnl),
            ("unrealised-funding", &scenario.unrealised_funding),
        ];
        let add = |(name, amount): (&str, &Amount)| {
            let kind = Amounts::of([amount]);
            self.add(
                name.to_owned(),
                InstrumentClass::Cash,
                amount,
                Amounts { limit: kind.limit.max(LARGEST_CASH), ..kind },
                None,
            )
        };
        amounts.into_iter().map(add).collect()
    }

    fn perpetual(&mut self, scenario: &CaseScenario) -> Result<Option<PerpetualRule>, CaseError> {
        let amount = &scenario.num_perps;
        if amount.is_zero() {
            return Ok(None);
        }
        let kind = Amounts::of([amount]);
        let instrument = self.add("perpetual".to_owned(), InstrumentClass::Perpetual, amount, kind, None)?;
        let missing = || rule("Scenario.PerpPrice", "the price of the perpetuals that are held", "none");
        let price = self.feed("perpetual-price", scenario.perp_price.ok_or_else(missing)?, scenario.perp_confidence)?;
        Ok(Some(PerpetualRule { instrument, price }))
    }

    fn collateral(&mut self, scenario: &CaseScenario) -> Result<Vec<CollateralRule>, CaseError> {
        let kind = Amounts::of(scenario.collaterals.iter().map(|collateral| &collateral.amount));
        let add = |(i, collateral): (usize, &CaseCollateral)| {
            // A case may name the same asset twice.
            let name = format!("collateral-{i}-{}", name_part(&collateral.name));
            Ok(CollateralRule {
                price: self.feed(&format!("{name}-price"), collateral.price, collateral.confidence)?,
                instrument: self.add(name, InstrumentClass::Spot, &collateral.amount, kind, None)?,
                risk_cancelling: collateral.is_risk_cancelling,
                haircut: Haircut { maintenance: collateral.mm_haircut, initial: collateral.im_haircut },
            })
        };
        // What is not held may have no price.
        let counts = |(_, it): &(usize, &CaseCollateral)| !(it.amount.is_zero() && it.price == Magnitude::default());
        scenario.collaterals.iter().enumerate().filter(counts).map(add).collect()
    }

    fn expiries(&mut self, scenario: &CaseScenario) -> Result<Vec<ExpiryRule>, CaseError> {
        let kind = Amounts::of(scenario.options.iter().map(|option| &option.amount));
        let mut expiries = Vec::new();
        for (i, feed) in scenario.option_feeds.iter().enumerate() {
            // An expiry without options decides nothing.
            if scenario.options_of(feed).next().is_none() {
                continue;
            }
            let mut options = Vec::new();
            let time = Timestamp(self.time.0.saturating_add(feed.feed_expiry));
            for (j, option) in scenario.options_of(feed).enumerate() {
                let (right, letter) = if option.is_call { (OptionKind::Call, 'C') } else { (OptionKind::Put, 'P') };
                // Counted, because a case may list an option twice.
                let name = format!("option-{i}-{j}-{}-{letter}", name_part(&option.strike.to_string()));
                let volatility = self.observe(format!("{name}-volatility"), option.mark_vol)?;
                let instrument = self.add(name, InstrumentClass::Option, &option.amount, kind, Some(time))?;
                options.push(OptionRule { instrument, strike: option.strike, kind: right, volatility });
            }
            // A negative rate counts as zero.
            let rate = Magnitude::try_from(feed.rate).unwrap_or_default();
            expiries.push(ExpiryRule {
                time,
                forward: self.feed(&format!("forward-{i}"), feed.forward, feed.forward_confidence)?,
                rate: self.feed(&format!("rate-{i}"), rate, feed.rate_confidence)?,
                volatility_confidence: Some(self.observe(format!("volatility-confidence-{i}"), feed.vol_confidence)?),
                options,
            });
        }
        Ok(expiries)
    }

    /// As many decimal places as the size of the account allows.
    fn value_decimals(&self, scenario: &CaseScenario, largest: u128) -> Result<Decimals, CaseError> {
        let options = self.instruments.iter().filter(|instrument| instrument.class == InstrumentClass::Option);
        let lots = options.map(|option| 10_u128.pow(option.lot_decimals.get().into())).max().unwrap_or(1);
        let amount = Amounts::of(scenario.options.iter().map(|option| &option.amount)).limit;
        let count = scenario.option_feeds.iter().map(|feed| scenario.options_of(feed).count()).max().unwrap_or(0);
        let fits = |places: &u8| {
            let factors = [lots, amount, largest, 10_u128.pow((*places).into())];
            let value = factors.into_iter().try_fold(count as u128, u128::checked_mul);
            value.is_some_and(|value| value < LARGEST_EXPIRY_VALUE)
        };
        let places = (PortfolioMargin::MIN_VALUE_DECIMALS..=PortfolioMargin::MAX_VALUE_DECIMALS).rev().find(fits);
        Decimals::new(places.unwrap_or(PortfolioMargin::MIN_VALUE_DECIMALS))
            .map_err(|error| rule("", "decimal places", error))
    }

    fn feed(&mut self, name: &str, value: Magnitude, confidence: Magnitude) -> Result<FeedNames, CaseError> {
        Ok(FeedNames {
            value: self.observe(name.to_owned(), value)?,
            confidence: Some(self.observe(format!("{name}-confidence"), confidence)?),
        })
    }

    fn observe(&mut self, name: String, value: Magnitude) -> Result<Name, CaseError> {
        let name = Name::new(name).map_err(|error| rule("Name", "a name", error))?;
        self.observed.insert(name.clone(), value);
        Ok(name)
    }

    fn add(
        &mut self,
        name: String,
        class: InstrumentClass,
        amount: &Amount,
        kind: Amounts,
        expiry: Option<Timestamp>,
    ) -> Result<Name, CaseError> {
        let (lots, lot_decimals) =
            amount.lots(kind.decimals).map_err(|error| rule(&name, "an amount of lots", error))?;
        let name = Name::new(name).map_err(|error| rule("Name", "a name", error))?;
        let limit = kind.limit.saturating_mul(10_u128.pow(lot_decimals.get().into()));
        let limit = i128::try_from(limit).unwrap_or(Lots::MAX).min(Lots::MAX);
        let max_lots = Lots::new(limit).map_err(|error| rule("Amount", "an amount of lots", error))?;
        // Premiums are in the case's cash, and so is the profit of perpetuals, which count by what they do alone.
        let settlement = match class {
            InstrumentClass::Option => Settlement::PremiumPaid,
            InstrumentClass::Perpetual => Settlement::VariationMargin,
            _ => Settlement::default(),
        };
        self.instruments.push(Instrument {
            name: name.clone(),
            class,
            lot_decimals,
            max_lots,
            expiry,
            settlement,
            quote: None,
        });
        self.holdings.push(lots);
        Ok(name)
    }
}

/// What amounts of a kind have in common.
#[derive(Clone, Copy)]
struct Amounts {
    /// A power of ten, in units, that none exceeds.
    limit: u128,
    /// Most decimal places: fewer where an amount is so large that lots would not hold it, more where all are small.
    decimals: u32,
}

impl Amounts {
    fn of<'a>(amounts: impl IntoIterator<Item = &'a Amount>) -> Self {
        // The largest is below 10^digits.
        let digits = amounts.into_iter().filter_map(|Amount(literal)| literal.digits()).max().unwrap_or(0);
        let decimals = (AMOUNT_DECIMALS - digits.min(0)).min(LOTS_DIGITS - digits);
        Self {
            limit: 10_u128.checked_pow(digits.max(0).unsigned_abs()).unwrap_or(u128::MAX),
            decimals: decimals.clamp(0, Decimals::MAX.into()).unsigned_abs(),
        }
    }
}

/// What a [`Name`] can hold of a text: its beginning, with other characters replaced.
fn name_part(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    text.chars().take(LONGEST_NAME).map(plain).collect()
}

/// How large what is derived from a case can become: in floating point, because they are only bounds.
struct Bounds {
    value: f64,
    weight: f64,
}

impl Bounds {
    fn of(file: &File) -> Self {
        let (scenario, parameters) = (&file.scenario, &file.parameters);
        let (margin, other) = (&parameters.margin, &parameters.other_contingency);
        let peg = (other.peg_loss_threshold.to_f64() - scenario.stable_price.to_f64()) * other.peg_loss_factor.to_f64();
        let initial = margin.im_loss_factor.to_f64() + peg.max(0.0);
        let loss_factor = margin.mm_loss_factor.to_f64().max(initial);
        let dampening = largest(parameters.scenarios.iter().map(|it| it.dampening_factor));
        let basis = &parameters.basis_contingency;
        let years = |feed: &CaseFeed| feed.feed_expiry as f64 / YEAR;
        let grown = |feed: &CaseFeed| libm::exp(feed.rate.to_f64().max(0.0) * years(feed));
        let grown = scenario.option_feeds.iter().map(grown).fold(1.0, f64::max);
        let longest = scenario.option_feeds.iter().map(years).fold(0.0, f64::max);
        let basis_weight = basis.basis_cont_add_factor.to_f64() + basis.basis_cont_mult_factor.to_f64() * longest;
        Self {
            value: Self::largest_value(scenario, parameters, loss_factor * dampening),
            weight: loss_factor * (dampening * grown).max(basis_weight),
        }
    }

    /// A call is worth less than the forward, a put less than the strike; what moves, and what is charged, is a
    /// multiple of a price.
    fn largest_value(scenario: &CaseScenario, parameters: &CaseParameters, weight: f64) -> f64 {
        let (basis, other) = (&parameters.basis_contingency, &parameters.other_contingency);
        let moves = parameters.scenarios.iter().map(|it| it.spot_shock);
        let furthest = largest(moves.chain([basis.scenario_spot_up, basis.scenario_spot_down])).max(2.0);
        let charges = [
            other.mm_perp_percent.to_f64() + other.im_perp_percent.to_f64(),
            other.mm_option_percent.to_f64() + other.im_option_percent.to_f64(),
            other.conf_margin.to_f64(),
        ];
        let linear = charges.into_iter().fold(furthest * weight.max(1.0), f64::max);
        let forwards = scenario.option_feeds.iter().map(|feed| feed.forward.to_f64() * furthest);
        let prices = [scenario.spot_price, scenario.perp_price.unwrap_or_default()];
        let prices = prices.map(|price| price.to_f64() * linear);
        let strikes = scenario.options.iter().map(|option| option.strike.to_f64());
        let collateral = scenario.collaterals.iter().map(|collateral| {
            let haircut = collateral.mm_haircut.to_f64() + collateral.im_haircut.to_f64();
            collateral.price.to_f64() / scenario.stable_price.to_f64() * linear.max(haircut)
        });
        forwards.chain(prices).chain(strikes).chain(collateral).fold(1.0, f64::max)
    }

    /// A power of ten that no value of one unit exceeds.
    fn value(&self) -> Result<u128, CaseError> {
        power_of_ten_above(self.value)
            .ok_or_else(|| rule("Scenario", "prices and moves whose products are below 10^13", "larger ones"))
    }

    /// A power of ten that no weight exceeds.
    fn weight(&self) -> Result<u128, CaseError> {
        let weight = power_of_ten_above(self.weight.max(USUAL_WEIGHT));
        weight.ok_or_else(|| {
            rule("Parameters", "loss factors and discounts whose products are below 10^13", "larger ones")
        })
    }
}

fn largest(numbers: impl IntoIterator<Item = Magnitude>) -> f64 {
    numbers.into_iter().max().unwrap_or_default().to_f64()
}

fn power_of_ten_above(number: f64) -> Option<u128> {
    let mut powers = core::iter::successors(Some(1_u128), |power| power.checked_mul(10));
    powers.find(|power| *power as f64 >= number).filter(|power| *power <= LARGEST_VALUE)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    scenario: CaseScenario,
    parameters: CaseParameters,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CaseScenario {
    #[serde(deserialize_with = "number")]
    cash: Amount,
    #[serde(default)]
    collaterals: Vec<CaseCollateral>,
    #[serde(deserialize_with = "number")]
    spot_price: Magnitude,
    #[serde(default = "sure", deserialize_with = "number")]
    spot_confidence: Magnitude,
    #[serde(default, deserialize_with = "number")]
    num_perps: Amount,
    #[serde(default, deserialize_with = "optional")]
    perp_price: Option<Magnitude>,
    #[serde(default = "sure", deserialize_with = "number")]
    perp_confidence: Magnitude,
    #[serde(default, rename = "UnrealisedPerpPNL", deserialize_with = "number")]
    unrealised_perp_pnl: Amount,
    #[serde(default, deserialize_with = "number")]
    unrealised_funding: Amount,
    #[serde(deserialize_with = "number")]
    stable_price: Magnitude,
    #[serde(default)]
    options: Vec<CaseOption>,
    #[serde(default)]
    option_feeds: Vec<CaseFeed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CaseCollateral {
    #[serde(default)]
    name: String,
    #[serde(deserialize_with = "number")]
    amount: Amount,
    #[serde(deserialize_with = "number")]
    price: Magnitude,
    #[serde(default = "sure", deserialize_with = "number")]
    confidence: Magnitude,
    #[serde(default, deserialize_with = "flag")]
    is_risk_cancelling: bool,
    #[serde(rename = "IMHaircut", deserialize_with = "number")]
    im_haircut: Magnitude,
    #[serde(rename = "MMHaircut", deserialize_with = "number")]
    mm_haircut: Magnitude,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CaseOption {
    #[serde(deserialize_with = "number")]
    expiry: u64,
    /// Spelt so in the cases.
    #[serde(default, deserialize_with = "optional")]
    exiry_ts: Option<u64>,
    #[serde(deserialize_with = "number")]
    strike: Magnitude,
    #[serde(deserialize_with = "flag")]
    is_call: bool,
    #[serde(deserialize_with = "number")]
    mark_vol: Magnitude,
    #[serde(deserialize_with = "number")]
    amount: Amount,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CaseFeed {
    #[serde(deserialize_with = "number")]
    feed_expiry: u64,
    #[serde(deserialize_with = "number")]
    forward: Magnitude,
    #[serde(default = "sure", deserialize_with = "number")]
    forward_confidence: Magnitude,
    #[serde(deserialize_with = "number")]
    rate: Decimal,
    #[serde(default = "sure", deserialize_with = "number")]
    rate_confidence: Magnitude,
    #[serde(default = "sure", rename = "OptionVolConfidences", deserialize_with = "number")]
    vol_confidence: Magnitude,
}

impl CaseScenario {
    fn options_of(&self, feed: &CaseFeed) -> impl Iterator<Item = &CaseOption> {
        self.options.iter().filter(|option| option.expiry == feed.feed_expiry)
    }

    fn refuse_options_without_feed(&self) -> Result<(), CaseError> {
        for (i, option) in self.options.iter().enumerate() {
            let feeds = self.option_feeds.iter().filter(|feed| feed.feed_expiry == option.expiry).count();
            if feeds != 1 {
                let found = format!("{feeds} for {}", option.expiry);
                return Err(rule(&format!("Scenario.Options[{i}].Expiry"), "one of OptionFeeds", found));
            }
        }
        Ok(())
    }

    /// Not negative is what collateral must be for the rules to be concave, and it is valued in the stable price.
    fn refuse_unsound_collateral(&self) -> Result<(), CaseError> {
        if !self.collaterals.is_empty() && self.stable_price == Magnitude::default() {
            return Err(rule("Scenario.StablePrice", "a positive price, because collateral is valued in it", "0"));
        }
        match self.collaterals.iter().position(|collateral| collateral.amount.0.negative) {
            None => Ok(()),
            // The amount is not repeated.
            Some(i) => Err(rule(
                &format!("Scenario.Collaterals[{i}].Amount"),
                "an amount that is not negative, because collateral cannot be owed",
                "a negative one",
            )),
        }
    }

    /// The time at which the first option that states it has as long to expiry as it says.
    fn time(&self) -> Timestamp {
        let stated = self.options.iter().find_map(|option| option.exiry_ts?.checked_sub(option.expiry));
        stated.map_or(DEFAULT_TIME, Timestamp)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CaseParameters {
    scenarios: Vec<CaseMove>,
    skew_shock: CaseSkewShock,
    vol_shock: CaseVolShock,
    margin: CaseMargin,
    basis_contingency: CaseBasisContingency,
    other_contingency: CaseOtherContingency,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CaseMove {
    #[serde(deserialize_with = "number")]
    spot_shock: Magnitude,
    vol_shock_direction: CaseVolMove,
    #[serde(deserialize_with = "number")]
    dampening_factor: Magnitude,
}

#[derive(Clone, Copy, Deserialize)]
enum CaseVolMove {
    None,
    Up,
    Down,
    #[serde(rename = "LINEAR", alias = "Linear")]
    Linear,
    #[serde(rename = "ABS", alias = "Abs")]
    Abs,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct CaseSkewShock {
    #[serde(deserialize_with = "number")]
    linear_scale_cap: Magnitude,
    #[serde(deserialize_with = "number")]
    linear_cbase: Decimal,
    #[serde(deserialize_with = "number")]
    abs_scale_cap: Magnitude,
    #[serde(deserialize_with = "number")]
    abs_cbase: Decimal,
    #[serde(deserialize_with = "number")]
    min_k_star: Magnitude,
    #[serde(deserialize_with = "number")]
    min_width_scale: Magnitude,
    #[serde(deserialize_with = "number")]
    vol_param_static: Magnitude,
    #[serde(deserialize_with = "number")]
    vol_param_scale: Decimal,
}

#[derive(Deserialize)]
struct CaseVolShock {
    #[serde(rename = "VOLRANGEUP", deserialize_with = "number")]
    up: Magnitude,
    #[serde(rename = "MIN_VOL_EVAL_SHOCKED", deserialize_with = "number")]
    floor_up: Magnitude,
    #[serde(rename = "VOLRANGEDOWN", deserialize_with = "number")]
    down: Magnitude,
    #[serde(rename = "SHORTTERMPOWER", deserialize_with = "number")]
    short_term_power: Magnitude,
    #[serde(rename = "LONGTERMPOWER", deserialize_with = "number")]
    long_term_power: Magnitude,
    #[serde(rename = "DTE_FLOOR", deserialize_with = "number")]
    floor_days: Magnitude,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct CaseMargin {
    #[serde(deserialize_with = "number")]
    mm_loss_factor: Magnitude,
    #[serde(deserialize_with = "number")]
    im_loss_factor: Magnitude,
    #[serde(rename = "SHORT_RATE_MULTSCALE", deserialize_with = "number")]
    short_rate_mult: Magnitude,
    #[serde(rename = "LONG_RATE_MULTSCALE", deserialize_with = "number")]
    long_rate_mult: Magnitude,
    #[serde(rename = "SHORT_RATE_ADDSCALE", deserialize_with = "number")]
    short_rate_add: Magnitude,
    #[serde(rename = "LONG_RATE_ADDSCALE", deserialize_with = "number")]
    long_rate_add: Magnitude,
    #[serde(deserialize_with = "number")]
    base_static_discount: Magnitude,
    #[serde(deserialize_with = "number")]
    base_static_discount_neg: Magnitude,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct CaseBasisContingency {
    #[serde(deserialize_with = "number")]
    scenario_spot_up: Magnitude,
    #[serde(deserialize_with = "number")]
    scenario_spot_down: Magnitude,
    #[serde(deserialize_with = "number")]
    basis_cont_add_factor: Magnitude,
    #[serde(deserialize_with = "number")]
    basis_cont_mult_factor: Magnitude,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct CaseOtherContingency {
    #[serde(deserialize_with = "number")]
    peg_loss_threshold: Magnitude,
    #[serde(deserialize_with = "number")]
    peg_loss_factor: Magnitude,
    #[serde(deserialize_with = "number")]
    conf_threshold: Magnitude,
    #[serde(deserialize_with = "number")]
    conf_margin: Magnitude,
    #[serde(deserialize_with = "number")]
    mm_perp_percent: Magnitude,
    #[serde(deserialize_with = "number")]
    im_perp_percent: Magnitude,
    #[serde(deserialize_with = "number")]
    mm_option_percent: Magnitude,
    #[serde(deserialize_with = "number")]
    im_option_percent: Magnitude,
}

impl From<CaseParameters> for Parameters {
    fn from(case: CaseParameters) -> Self {
        let (skew, vol, margin) = (case.skew_shock, case.vol_shock, case.margin);
        let (basis, other) = (case.basis_contingency, case.other_contingency);
        Self {
            scenarios: case.scenarios.iter().map(Scenario::from).collect(),
            vol_shock: VolShock {
                up: vol.up,
                down: vol.down,
                floor_up: vol.floor_up,
                short_term_power: vol.short_term_power,
                long_term_power: vol.long_term_power,
                floor_days: vol.floor_days,
            },
            skew_shock: SkewShock {
                linear_base: skew.linear_cbase,
                linear_scale: skew.linear_scale_cap,
                abs_base: skew.abs_cbase,
                abs_scale: skew.abs_scale_cap,
                least_width: skew.min_k_star,
                width_scale: skew.min_width_scale,
                vol_static: skew.vol_param_static,
                vol_scale: skew.vol_param_scale,
            },
            losses: Losses {
                maintenance_factor: margin.mm_loss_factor,
                initial_factor: margin.im_loss_factor,
                gains_may_exceed: false,
                gains: margin.base_static_discount,
                gains_rate_factor: margin.long_rate_mult,
                gains_rate_added: margin.long_rate_add,
                losses: margin.base_static_discount_neg,
                losses_rate_factor: margin.short_rate_mult,
                losses_rate_added: margin.short_rate_add,
            },
            basis_contingency: BasisContingency {
                up: basis.scenario_spot_up,
                down: basis.scenario_spot_down,
                added: basis.basis_cont_add_factor,
                factor: basis.basis_cont_mult_factor,
            },
            contingency: Contingency {
                peg_threshold: other.peg_loss_threshold,
                peg_factor: other.peg_loss_factor,
                confidence_threshold: other.conf_threshold,
                confidence_charge: other.conf_margin,
                maintenance_perpetual: other.mm_perp_percent,
                initial_perpetual: other.im_perp_percent,
                maintenance_option: other.mm_option_percent,
                initial_option: other.im_option_percent,
            },
        }
    }
}

impl From<&CaseMove> for Scenario {
    fn from(case: &CaseMove) -> Self {
        let volatility = match case.vol_shock_direction {
            CaseVolMove::None => VolMove::Unchanged,
            CaseVolMove::Up => VolMove::Up,
            CaseVolMove::Down => VolMove::Down,
            CaseVolMove::Linear => VolMove::SkewLinear,
            CaseVolMove::Abs => VolMove::SkewAbs,
        };
        Self { spot: case.spot_shock, volatility, dampening: case.dampening_factor }
    }
}

fn whole(number: u128) -> Result<Magnitude, CaseError> {
    let literal = Literal { negative: false, mantissa: number, places: 0 };
    Magnitude::from_literal(&literal).map_err(|error| rule("Scenario", "prices below 10^20", error))
}

fn rule(path: &str, expected: &'static str, found: impl ToString) -> CaseError {
    CaseError::Rule { path: path.to_owned(), expected, found: found.to_string() }
}

/// A confidence that is left out.
fn sure() -> Magnitude {
    Magnitude::ONE
}

/// A hidden amount, as it is written.
#[derive(Default)]
struct Amount(Literal);

impl Amount {
    /// The lots, and the decimal places that they are of: as many as the amount has, but not more than there may be.
    fn lots(&self, most: u32) -> Result<(Lots, Decimals), String> {
        let Self(literal) = self;
        let places = u8::try_from(literal.places.min(most)).unwrap_or(Decimals::MAX);
        let magnitude = literal.at_places(places.into()).and_then(|magnitude| i128::try_from(magnitude).ok());
        let magnitude = magnitude.ok_or("expected an amount of at most 2^95 - 1 lots, found a larger one")?;
        Ok((Lots::new(if literal.negative { -magnitude } else { magnitude })?, Decimals::new(places)?))
    }

    fn is_zero(&self) -> bool {
        self.0.mantissa == 0
    }
}

/// What a number of a case may become.
trait FromLiteral: Sized {
    fn from_literal(literal: &Literal) -> Result<Self, String>;
}

impl FromLiteral for Decimal {
    fn from_literal(literal: &Literal) -> Result<Self, String> {
        Self::nearest(literal).ok_or_else(|| "expected a number below 10^20, found a larger one".to_owned())
    }
}

impl FromLiteral for Magnitude {
    fn from_literal(literal: &Literal) -> Result<Self, String> {
        Decimal::from_literal(literal)?.try_into()
    }
}

impl FromLiteral for u64 {
    fn from_literal(literal: &Literal) -> Result<Self, String> {
        let whole = literal.at_places(0).filter(|_| literal.places == 0 && !literal.negative);
        let seconds = whole.and_then(|whole| u64::try_from(whole).ok()).filter(|seconds| *seconds <= LONGEST);
        seconds.ok_or_else(|| format!("expected a whole number of seconds from 0 to {LONGEST}"))
    }
}

impl FromLiteral for Amount {
    fn from_literal(literal: &Literal) -> Result<Self, String> {
        Ok(Self(literal.clone()))
    }
}

/// A JSON number or a string that holds one.
fn number<'de, D: Deserializer<'de>, T: FromLiteral>(deserializer: D) -> Result<T, D::Error> {
    parse(<&RawValue>::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same, or `null` for none.
fn optional<'de, D: Deserializer<'de>, T: FromLiteral>(deserializer: D) -> Result<Option<T>, D::Error> {
    match <&RawValue>::deserialize(deserializer)? {
        raw if raw.get() == "null" => Ok(None),
        raw => parse(raw).map(Some).map_err(D::Error::custom),
    }
}

fn parse<T: FromLiteral>(raw: &RawValue) -> Result<T, String> {
    let text = raw.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    // Not repeated in the error: it may be an amount.
    let literal = Literal::parse(text).ok_or("expected a number below 10^38")?;
    T::from_literal(&literal)
}

/// `true` or `false`, also as 1 or 0.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match <&RawValue>::deserialize(deserializer)?.get().trim_matches('"') {
        "true" | "1" | "1.0" => Ok(true),
        "false" | "0" | "0.0" => Ok(false),
        other => Err(D::Error::custom(format!("expected true, false, 1 or 0, found {other}"))),
    }
}
