//! Every parameter of a margin model, in words.

use surety_core::{
    decimal::Magnitude,
    ident::Name,
    shown::grouped,
    units::{Allowance, Ppm},
};
use surety_margin::{
    level::ByBasis,
    models::{
        Asset, Bound, CashGreeks, CombinedCommodity, Cross, CrossPosition, DeltaSign, Exposure, Greeks, Limits,
        Liquidity, Model, ModelPart, OpenOrders, ScenarioMargin, ScenarioPosition, Span, Tiering,
        derive::{FeedNames, Parameters, PortfolioMargin, VolMove},
    },
    pricing::OptionKind,
};

use super::words::{by_basis, duration, ladder, percent, percent_of, rates, scaled, shares, shock, times};
/// Lines of a heading and a text.
#[derive(Default)]
pub(super) struct Description(String);

/// Width of a heading in characters, with the space after it.
const HEADING: usize = 22;

impl Description {
    /// Adds a line: a heading, indented by `depth` steps, and its text.
    pub(super) fn line(&mut self, depth: usize, heading: &str, text: &str) {
        let indented = format!("{:1$}{heading}", "", 2 * depth);
        let line = format!("{indented:<HEADING$}  {text}");
        self.0 += line.trim_end();
        self.0.push('\n');
    }

    pub(super) fn text(self) -> String {
        self.0
    }

    /// Adds a model, indented by `depth` steps.
    pub(super) fn model(&mut self, depth: usize, model: &Model) {
        match model {
            Model::Collateral(model) => {
                self.line(depth, "model", "collateral: assets after their haircut against debts in full");
                if model.average_step != Ppm(0) {
                    let step = percent(model.average_step);
                    self.line(depth, "average step", &format!("{step} less of each weight, where weights differ"));
                }
                model.assets.iter().for_each(|asset| self.asset(depth, asset, "times the multiple of the level"));
            }
            Model::Cross(model) => self.cross(depth, model),
            Model::Scenario(model) => self.scenarios(depth, model),
            Model::Isolated(model) => {
                self.line(depth, "model", "isolated: buckets, each with a margin of its own that must not be negative");
                for bucket in &model.buckets {
                    self.line(depth, "bucket", bucket.name.as_str());
                    self.model(depth + 1, &bucket.model);
                }
            }
            Model::Modes(model) => {
                self.line(depth, "model", "modes: a model for each, of which a level names one");
                for mode in &model.modes {
                    self.line(depth, "mode", mode.name.as_str());
                    self.model(depth + 1, &mode.model);
                }
            }
            Model::All(model) => {
                self.line(depth, "model", "all: several rules for the whole account, each with a margin of its own");
                self.parts(depth, &model.parts);
            }
            Model::Any(model) => {
                self.line(depth, "model", "any: several rules of which the account satisfies one, and hides which");
                self.parts(depth, &model.parts);
            }
            Model::Sum(model) => {
                self.line(depth, "model", "sum: several rules, each for instruments of its own, whose margins add up");
                self.parts(depth, &model.parts);
            }
            Model::Limits(model) => self.limits(depth, model),
            Model::Span(model) => self.span(depth, model),
            Model::Portfolio(model) => self.portfolio(depth, model),
        }
    }

    fn parts(&mut self, depth: usize, parts: &[ModelPart]) {
        for part in parts {
            self.line(depth, "part", part.name.as_str());
            self.model(depth + 1, &part.model);
        }
    }

    fn limits(&mut self, depth: usize, model: &Limits) {
        self.line(depth, "model", "limits: what the account may be exposed to, in view of its equity");
        for position in &model.positions {
            self.position(depth + 1, &position.instrument, position.price.as_ref(), position.short);
            if let Some(CashGreeks { delta, gamma, vega, delta_sign }) = &position.greeks {
                let sign = match delta_sign {
                    DeltaSign::Positive => "",
                    DeltaSign::Negative => "less ",
                };
                self.line(depth + 2, "greeks", &format!("delta {sign}{delta}, gamma {gamma}, vega {vega}"));
            }
        }
        for limit in &model.limits {
            let about: Vec<_> = limit.instruments.iter().map(ToString::to_string).collect();
            let about = if about.is_empty() { "all with a price".to_owned() } else { about.join(", ") };
            let bound = |bound: Bound| match bound {
                Bound::Share(share) => format!("{} of the equity", percent(share)),
                Bound::Amount(amount) => grouped(&amount.to_string()),
            };
            let bounds = match (limit.at_most, limit.at_least) {
                (Some(most), _) => format!("at most {}, divided by the multiple of the level", bound(most)),
                (None, Some(least)) => format!("at least {}, times the multiple of the level", bound(least)),
                (None, None) => "no bound".to_owned(),
            };
            self.line(depth + 1, limit.name.as_str(), &format!("{} of {about}: {bounds}", exposure(limit.measure)));
        }
    }

    fn position(&mut self, depth: usize, instrument: &Name, price: Option<&Name>, short: bool) {
        let at = price.map_or_else(|| "at par".to_owned(), |price| format!("at {price}"));
        let side = if short { "held or owed, long or short" } else { "held, never owed or short" };
        self.line(depth, instrument.as_str(), &format!("{at}, {side}"));
    }

    fn spread(&mut self, depth: usize, spread: Option<&Name>) {
        if let Some(spread) = spread {
            self.line(depth, "debt spread", &format!("{spread} is added to the price where it is owed or short"));
        }
    }

    fn asset(&mut self, depth: usize, asset: &Asset, debt: &str) {
        self.position(depth + 1, &asset.instrument, asset.price.as_ref(), asset.short);
        self.spread(depth + 2, asset.debt_spread.as_ref());
        if let Some(weight) = asset.weight {
            self.line(depth + 2, "held counts", &by_basis(weight, percent));
        }
        if !asset.tiers.is_empty() {
            self.line(depth + 2, "held counts", &ladder(&asset.tiers));
        }
        if let Some(liquidity) = &asset.liquidity {
            self.liquidity(depth + 2, liquidity);
        }
        self.tiering(depth + 2, asset.tiering);
        if asset.short {
            self.line(depth + 2, "owed counts", &format!("100 %, {debt}"));
        }
        self.allowance(depth + 2, asset.allowance);
    }

    fn tiering(&mut self, depth: usize, tiering: Tiering) {
        if tiering == Tiering::WholePosition {
            self.line(depth, "tiers", "the tier in which a position ends applies to all of it");
        }
    }

    fn allowance(&mut self, depth: usize, allowance: Option<Allowance>) {
        if let Some(allowance) = allowance {
            let text = format!("{} whatever the size, at every level", grouped(&allowance.to_string()));
            self.line(depth, "allowance", &text);
        }
    }

    fn liquidity(&mut self, depth: usize, liquidity: &Liquidity) {
        self.line(depth, "held counts", &ladder(&liquidity.tiers()));
        self.line(depth + 1, "which follows from", "how well it sells:");
        self.line(depth + 1, "haircut", &by_basis(liquidity.haircut, percent));
        self.line(depth + 1, "volatility", &format!("{} a day", percent(liquidity.volatility)));
        self.line(depth + 1, "deviations", &by_basis(liquidity.deviations, times));
        self.line(depth + 1, "horizon", &duration(liquidity.horizon));
        for step in &liquidity.depth {
            let end = format!("up to {}", grouped(&step.up_to.to_string()));
            self.line(depth + 1, "depth", &format!("{end}: sold {} below the price", percent(step.slippage)));
        }
    }

    /// Adds an asset, which counts by one weight or a ladder.
    fn weight(&mut self, depth: usize, weight: ByBasis, tiers: &[surety_margin::models::Tier]) {
        let text = if tiers.is_empty() { by_basis(weight, percent) } else { ladder(tiers) };
        self.line(depth, "held counts", &text);
    }

    fn cross(&mut self, depth: usize, model: &Cross) {
        self.line(depth, "model", "cross: one account whose positions share all collateral");
        model.positions.iter().for_each(|position| self.cross_position(depth + 1, position));
        for profit in &model.profits {
            let names: Vec<_> = profit.instruments.iter().map(Name::as_str).collect();
            self.line(depth, "profit", &format!("of {} together, where it is positive", names.join(" and ")));
            self.line(depth + 1, "counts", &ladder(&profit.tiers));
        }
    }

    fn cross_position(&mut self, depth: usize, position: &CrossPosition) {
        self.position(depth, &position.instrument, position.price.as_ref(), position.short);
        let depth = depth + 1;
        self.spread(depth, position.debt_spread.as_ref());
        self.weight(depth, position.weight, &position.tiers);
        let fraction = if position.fraction_tiers.is_empty() {
            by_basis(position.fraction, percent)
        } else {
            rates(&position.fraction_tiers)
        };
        self.line(depth, "required", &format!("{fraction} of the absolute value"));
        if let Some(surcharge) = &position.surcharge {
            self.line(depth, "surcharge", &format!("{surcharge} for each unit, at initial levels"));
        }
        if let Some(requirement) = &position.requirement {
            self.line(depth, "requirement", &format!("{requirement} for each unit, at every level"));
        }
        if position.short {
            let liability = if position.liability_tiers.is_empty() {
                by_basis(position.liability, percent)
            } else {
                rates(&position.liability_tiers)
            };
            self.line(depth, "owed covers", &format!("{liability} of the value"));
        }
        self.tiering(depth, position.tiering);
        if let Some(OpenOrders { bids, asks }) = &position.orders {
            let text = format!("{bids} and offers {asks}: the worse of filled, at the price, and unfilled");
            self.line(depth, "bids", &text);
        }
        self.allowance(depth, position.allowance);
    }

    fn scenarios(&mut self, depth: usize, model: &ScenarioMargin) {
        self.line(depth, "model", "scenario: the loss in scenarios of the market, and charges on positions");
        let counts = match model.tail {
            Some(share) => format!("the mean of the worst {} of the scenarios", percent(share.ppm())),
            None => "the worst of the scenarios".to_owned(),
        };
        self.line(depth, "loss", &format!("{counts}, times {}", by_basis(model.loss_multiple, times)));
        model.positions.iter().for_each(|position| self.scenario_position(depth + 1, position));
        for scenario in &model.scenarios {
            let moves: Vec<_> = scenario.shocks.iter().map(|(factor, by)| format!("{factor} {}", shock(*by))).collect();
            self.line(depth, "scenario", &format!("{}: {}", scenario.name, moves.join(", ")));
        }
    }

    fn scenario_position(&mut self, depth: usize, position: &ScenarioPosition) {
        self.position(depth, &position.instrument, position.price.as_ref(), position.short);
        let depth = depth + 1;
        self.weight(depth, position.weight, &position.tiers);
        let charge = if position.charge_tiers.is_empty() {
            by_basis(position.charge, percent)
        } else {
            rates(&position.charge_tiers)
        };
        self.line(depth, "charged", &format!("{charge} of the absolute value"));
        self.tiering(depth, position.tiering);
        let factor = position.factor.as_ref().map_or("none: no scenario moves it", Name::as_str);
        self.line(depth, "risk factor", factor);
        if let Some(greeks) = &position.greeks {
            self.greeks(depth, greeks);
        }
    }

    fn greeks(&mut self, depth: usize, greeks: &Greeks) {
        let Greeks { delta, delta_sign, gamma, vega, volatility } = greeks;
        let sign = match delta_sign {
            DeltaSign::Positive => "with the underlying",
            DeltaSign::Negative => "against the underlying",
        };
        let text = format!("delta {delta} {sign}, gamma {gamma}, vega {vega} with the volatility {volatility}");
        self.line(depth, "greeks", &text);
    }

    fn span(&mut self, depth: usize, model: &Span) {
        self.line(depth, "model", "span: risk arrays or outright charges, commodity by commodity");
        self.line(depth, "requirement", &format!("times {}", by_basis(model.requirement_multiple, times)));
        model.collateral.iter().for_each(|asset| self.asset(depth, asset, "with nothing on top"));
        model.commodities.iter().for_each(|commodity| self.commodity(depth, commodity));
        for credit in &model.credits {
            let legs: Vec<_> = credit.commodities.iter().map(Name::as_str).collect();
            let ratio: Vec<_> = credit.ratio.iter().map(u32::to_string).collect();
            let share = credit.credit.map_or_else(|| shares(&credit.tiers), percent);
            let text = format!("{}, {} of their outright charges", legs.join(" against "), share);
            self.line(depth, "credit", &format!("{text}, {}", ratio.join(" to ")));
        }
    }

    fn commodity(&mut self, depth: usize, commodity: &CombinedCommodity) {
        self.line(depth, "commodity", commodity.name.as_str());
        let places = commodity.decimals.get().into();
        let charges = [
            ("outright", commodity.outright, "for each unit of net delta"),
            ("calendar", commodity.calendar, "for each unit of delta long in one month and short in another"),
            ("short option minimum", commodity.short_option_minimum, "for each unit of an option that is short"),
        ];
        for (heading, charge, each) in charges {
            if let Some(charge) = charge {
                self.line(depth + 1, heading, &format!("{} {each}", scaled(charge.get().into(), places)));
            }
        }
        for member in &commodity.members {
            self.position(depth + 1, &member.instrument, Some(&member.price), member.short);
            if !member.risk_array.is_empty() {
                let losses: Vec<_> = member.risk_array.iter().map(|loss| scaled(loss.get().into(), places)).collect();
                self.line(depth + 2, "loss of a unit held", &losses.join("; "));
            }
            if let Some(delta) = member.delta {
                self.line(depth + 2, "delta", &scaled(delta.0.into(), 6));
            }
            if let Some(month) = &member.month {
                self.line(depth + 2, "month", month.as_str());
            }
        }
    }

    fn portfolio(&mut self, depth: usize, model: &PortfolioMargin) {
        self.line(depth, "model", "portfolio: options, a perpetual and collateral, revalued in scenarios");
        for cash in &model.cash {
            self.line(depth + 1, cash.as_str(), "at par, held or owed");
        }
        self.line(depth, "spot", &feed(&model.spot));
        self.line(depth, "quote currency", model.stable.as_str());
        match &model.perpetual {
            Some(perpetual) => {
                let text = format!("at {}, long or short", feed(&perpetual.price));
                self.line(depth + 1, perpetual.instrument.as_str(), &text);
            }
            None => self.line(depth, "perpetual", "none may be held"),
        }
        for rule in &model.collateral {
            self.line(depth + 1, rule.instrument.as_str(), &format!("at {}, held, never owed", feed(&rule.price)));
            let initial = format!("initial levels add {}", percent_of(rule.haircut.initial));
            let maintenance = percent_of(rule.haircut.maintenance);
            self.line(depth + 2, "haircut", &format!("{maintenance}; {initial}"));
            let moves = if rule.risk_cancelling { "with the spot price" } else { "not with the spot price" };
            self.line(depth + 2, "moves", moves);
        }
        for expiry in &model.expiries {
            self.line(depth, "expiry", &format!("{} (Unix time)", expiry.time.0));
            self.line(depth + 1, "forward", &feed(&expiry.forward));
            self.line(depth + 1, "rate", &feed(&expiry.rate));
            if let Some(confidence) = &expiry.volatility_confidence {
                self.line(depth + 1, "volatilities", &format!("with the confidence {confidence}"));
            }
            for option in &expiry.options {
                let kind = match option.kind {
                    OptionKind::Call => "call",
                    OptionKind::Put => "put",
                };
                let strike = grouped(&option.strike.to_string());
                let text = format!("{kind} at {strike}, volatility {}, long or short", option.volatility);
                self.line(depth + 1, option.instrument.as_str(), &text);
            }
        }
        self.line(depth, "values of options", &format!("{} decimal places", model.value_decimals.get()));
        self.line(depth, "largest value", &number(model.largest_value));
        self.line(depth, "largest weight", &number(model.largest_weight));
        self.parameters(depth, &model.parameters);
    }

    fn parameters(&mut self, depth: usize, parameters: &Parameters) {
        for scenario in &parameters.scenarios {
            let volatility = match scenario.volatility {
                VolMove::Unchanged => "volatilities unchanged",
                VolMove::Up => "volatilities up",
                VolMove::Down => "volatilities down",
                VolMove::SkewLinear => "volatilities along the skew",
                VolMove::SkewAbs => "volatilities along both wings",
            };
            let spot = format!("spot at {} of its price", percent_of(scenario.spot));
            let text = format!("{spot}, {volatility}, {} of the result counts", percent_of(scenario.dampening));
            self.line(depth, "scenario", &text);
        }
        let vol = &parameters.vol_shock;
        self.line(depth, "volatility shock", "of the volatility of 30 days:");
        self.line(depth + 1, "up", &percent_of(vol.up));
        self.line(depth + 1, "down", &percent_of(vol.down));
        self.line(depth + 1, "least after a rise", &percent_of(vol.floor_up));
        self.line(depth + 1, "power", &format!("{} up to 30 days", number(vol.short_term_power)));
        self.line(depth + 1, "power", &format!("{} beyond", number(vol.long_term_power)));
        self.line(depth + 1, "least days", &number(vol.floor_days));
        let skew = &parameters.skew_shock;
        self.line(depth, "skew shock", "of volatilities by their distance from the forward:");
        self.line(depth + 1, "linear", &format!("slope {}, at expiry {}", skew.linear_base, number(skew.linear_scale)));
        self.line(depth + 1, "both wings", &format!("slope {}, at expiry {}", skew.abs_base, number(skew.abs_scale)));
        self.line(depth + 1, "least width", &number(skew.least_width));
        self.line(depth + 1, "width", &format!("times {}", number(skew.width_scale)));
        let width = format!("{} and {} for each root of a year", number(skew.vol_static), skew.vol_scale);
        self.line(depth + 1, "volatility of width", &width);
        let losses = &parameters.losses;
        self.line(depth, "losses count", &format!("maintenance {}", percent_of(losses.maintenance_factor)));
        self.line(depth, "", &format!("initial {}", percent_of(losses.initial_factor)));
        let discount = |of: Magnitude, factor: Magnitude, added: Magnitude| {
            format!("{}, rate times {} plus {}", percent_of(of), number(factor), percent_of(added))
        };
        let gains = discount(losses.gains, losses.gains_rate_factor, losses.gains_rate_added);
        let may_exceed = if losses.gains_may_exceed { "; may count more than losses" } else { "" };
        self.line(depth + 1, "discount of gains", &format!("{gains}{may_exceed}"));
        let of_losses = discount(losses.losses, losses.losses_rate_factor, losses.losses_rate_added);
        self.line(depth + 1, "discount of losses", &of_losses);
        let basis = &parameters.basis_contingency;
        self.line(depth, "basis contingency", "of what expiries lose when the spot moves:");
        self.line(depth + 1, "up", &format!("to {} of its price", percent_of(basis.up)));
        self.line(depth + 1, "down", &format!("to {} of its price", percent_of(basis.down)));
        let share = format!("{} and {} for each year", percent_of(basis.added), percent_of(basis.factor));
        self.line(depth + 1, "share", &share);
        let other = &parameters.contingency;
        self.line(depth, "stable price", &format!("initial losses grow below {}", number(other.peg_threshold)));
        self.line(depth + 1, "by", &format!("{} for each unit", number(other.peg_factor)));
        self.line(depth, "confidence", &format!("charged below {}", percent_of(other.confidence_threshold)));
        self.line(depth + 1, "with none", &format!("{} of the notional", percent_of(other.confidence_charge)));
        let both = |maintenance, initial| {
            format!("{} of the notional; initial levels add {}", percent_of(maintenance), percent_of(initial))
        };
        self.line(depth, "perpetuals", &both(other.maintenance_perpetual, other.initial_perpetual));
        self.line(depth, "naked short options", &both(other.maintenance_option, other.initial_option));
    }
}

fn number(number: Magnitude) -> String {
    grouped(&number.to_string())
}

fn feed(feed: &FeedNames) -> String {
    match &feed.confidence {
        Some(confidence) => format!("{} with the confidence {confidence}", feed.value),
        None => feed.value.to_string(),
    }
}

/// The cost of a liquidation at a level.
pub(super) fn cost(penalty: Ppm, insurance: Ppm) -> String {
    format!("a liquidation costs {} and {} for insurance", percent(penalty), percent(insurance))
}

fn exposure(measure: Exposure) -> &'static str {
    match measure {
        Exposure::Gross => "gross exposure",
        Exposure::Net => "net exposure, either way,",
        Exposure::Long => "long exposure",
        Exposure::Short => "short exposure",
        Exposure::Each => "the largest exposure to one",
        Exposure::Delta => "delta, either way,",
        Exposure::Gamma => "gamma, either way,",
        Exposure::Vega => "vega, either way,",
        Exposure::Value => "the value",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use surety_core::text::Document;
    use surety_margin::policy::Policy;

    use super::*;

    fn text(policy: &Policy) -> String {
        let mut description = Description::default();
        description.model(0, &policy.model);
        description.text()
    }

    /// Every number and name in a value, with its path.
    fn leaves(place: &str, value: &Value, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(entries) => {
                for (key, value) in entries {
                    leaves(&format!("{place}.{key}"), value, found);
                    // Names of risk factors.
                    if place.ends_with(".shocks") {
                        found.push((place.to_owned(), key.clone()));
                    }
                }
            }
            Value::Array(elements) => elements.iter().for_each(|value| leaves(place, value, found)),
            Value::String(text) => found.push((place.to_owned(), text.clone())),
            Value::Number(number) => found.push((place.to_owned(), number.to_string())),
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// The accepted spellings of a parameter.
    fn ways(leaf: &str) -> Vec<String> {
        let mut ways = vec![leaf.to_owned(), grouped(leaf)];
        if let Ok(number) = leaf.parse::<i128>() {
            ways.extend([format!("{} %", scaled(number, 4)), scaled(number, 6), scaled(number, 2), scaled(number, 0)]);
        }
        if let Ok(number) = serde_json::from_value::<Magnitude>(Value::String(leaf.to_owned())) {
            ways.push(percent_of(number));
        }
        ways
    }

    #[track_caller]
    fn says_everything(policy: &Policy) {
        let text = text(policy);
        let mut found = Vec::new();
        leaves("model", &serde_json::to_value(&policy.model).unwrap(), &mut found);
        for (place, leaf) in found {
            // Kinds are said in words.
            let kind = ["type", "delta_sign", "basis", "volatility", "kind", "measure", "tiering"]
                .iter()
                .any(|key| place.ends_with(key));
            let duration = place.ends_with("horizon") || place.ends_with("time");
            assert!(kind || duration || ways(&leaf).iter().any(|way| text.contains(way)), "{place} {leaf} in\n{text}");
        }
    }

    #[test]
    fn every_parameter_is_said() {
        let head = include_str!("../../../../examples/policy.toml");
        let head = &head[..head.find("[model]").unwrap()];
        for (i, text) in [
            include_str!("../../../../examples/policy.toml").to_owned(),
            include_str!("../../../../examples/policy-cross.toml").to_owned(),
            include_str!("../../../../examples/policy-lending.toml").to_owned(),
            include_str!("../../../../examples/venues/aave.toml").to_owned(),
            include_str!("../../../../examples/venues/compound.toml").to_owned(),
            include_str!("../../../../examples/venues/drift.toml").to_owned(),
            include_str!("../../../../examples/venues/dydx.toml").to_owned(),
            include_str!("../../../../examples/gallery/book.toml").to_owned(),
            include_str!("../../../../examples/gallery/brackets.toml").to_owned(),
            include_str!("../../../../examples/gallery/hidden-modes.toml").to_owned(),
            format!("{head}{}", include_str!("../../../../margin/tests/policies/span.toml")),
            format!(
                "{head}{}",
                include_str!("../../../../margin/tests/policies/span.toml").replace(
                    "credit = 600_000",
                    "ratio = [2, 25]\ntiers = [{ up_to = \"1500.5\", credit = 600_000 }, { credit = 350_000 }]"
                )
            ),
            format!("{head}{}", include_str!("../../../../margin/tests/policies/greeks.toml")),
            format!("{head}{}", include_str!("../../../../margin/tests/policies/tiers.toml")),
            format!("{head}{}", include_str!("../../../../margin/tests/policies/mandate.toml")),
        ]
        .into_iter()
        .enumerate()
        {
            says_everything(&Policy::from_toml(&format!("policy {i}"), &text).unwrap());
        }
    }
}
