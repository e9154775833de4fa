//! The rules once more, in floating point and on the JSON of a case: written from their description alone.

use serde_json::Value;

use super::published::number;

const YEAR: f64 = 365.0 * 86_400.0;

/// Maintenance and initial margin of a case.
pub(crate) fn margins(case: &Value) -> [f64; 2] {
    let book = Book { scenario: &case["Scenario"], parameters: &case["Parameters"] };
    let (span, mtm) = (book.span(), book.mark_to_market());
    let cash = book.own("Cash");
    let maintenance_charge = book.contingency("MM");
    let margin = book.group("Margin");
    let other = book.group("OtherContingency");
    let peg = (get(other, "PEG_LOSS_THRESHOLD") - book.own("StablePrice")).max(0.0) * get(other, "PEG_LOSS_FACTOR");
    let maintenance = span * get(margin, "MM_LOSS_FACTOR") - maintenance_charge + mtm + cash;
    let initial =
        span * (get(margin, "IM_LOSS_FACTOR") + peg) - book.contingency("IM") - book.uncertainty() - maintenance_charge
            + mtm
            + cash;
    [maintenance, initial]
}

fn get(object: &Value, key: &str) -> f64 {
    object.get(key).filter(|value| !value.is_null()).map_or(0.0, number)
}

fn confidence(object: &Value, key: &str) -> f64 {
    object.get(key).map_or(1.0, number)
}

fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is(object: &Value, key: &str) -> bool {
    let value = &object[key];
    value.as_bool().unwrap_or_else(|| !value.is_null() && number(value) != 0.0)
}

struct Book<'a> {
    scenario: &'a Value,
    parameters: &'a Value,
}

/// What happens to the market before options are valued.
#[derive(Clone, Copy)]
enum Vol {
    Same,
    Up,
    Down,
    Linear,
    Abs,
}

impl Book<'_> {
    fn own(&self, key: &str) -> f64 {
        get(self.scenario, key)
    }

    fn group(&self, key: &str) -> &Value {
        &self.parameters[key]
    }

    fn feeds(&self) -> impl Iterator<Item = &Value> {
        list(self.scenario, "OptionFeeds").iter().filter(|feed| !self.options(feed).is_empty())
    }

    fn options(&self, feed: &Value) -> Vec<&Value> {
        let options = list(self.scenario, "Options").iter();
        options.filter(|option| get(option, "Expiry") == get(feed, "FeedExpiry")).collect()
    }

    fn collateral(&self) -> impl Iterator<Item = (&Value, f64)> {
        let value = |it| get(it, "Amount") * get(it, "Price") / self.own("StablePrice");
        list(self.scenario, "Collaterals").iter().map(move |it| (it, value(it)))
    }

    fn mark_to_market(&self) -> f64 {
        self.feeds().map(|feed| self.value(feed, 1.0, Vol::Same)).sum::<f64>()
            + self.collateral().map(|(_, value)| value).sum::<f64>()
            + self.own("UnrealisedPerpPNL")
            + self.own("UnrealisedFunding")
    }

    fn span(&self) -> f64 {
        let scenarios = list(self.parameters, "Scenarios").iter().map(|scenario| self.scenario_result(scenario));
        scenarios.fold(self.basis_contingency(), f64::min)
    }

    fn scenario_result(&self, scenario: &Value) -> f64 {
        let (spot, dampening) = (get(scenario, "SpotShock"), get(scenario, "DampeningFactor"));
        let (vol, skewed) = match scenario["VolShockDirection"].as_str().unwrap() {
            "None" => (Vol::Same, false),
            "Up" => (Vol::Up, false),
            "Down" => (Vol::Down, false),
            "LINEAR" => (Vol::Linear, true),
            "ABS" => (Vol::Abs, true),
            other => panic!("{other}"),
        };
        let options = self.feeds().map(|feed| {
            let value = self.value(feed, if skewed { 1.0 } else { spot }, vol);
            let [gains, losses] = self.discounts(feed);
            let counted = value * if value >= 0.0 { gains } else { losses };
            let difference = counted - self.value(feed, 1.0, Vol::Same);
            if skewed { -difference.abs() } else { difference }
        });
        let cancelling = self.collateral().filter(|(it, _)| is(it, "IsRiskCancelling")).map(|(_, value)| value);
        let linear = self.own("NumPerps") * self.own("PerpPrice") + cancelling.sum::<f64>();
        dampening * (options.sum::<f64>() + linear * (spot - 1.0))
    }

    fn basis_contingency(&self) -> f64 {
        let basis = self.group("BasisContingency");
        let expiry = |feed| {
            let mark = self.value(feed, 1.0, Vol::Same);
            let moved = |key| self.value(feed, get(basis, key), Vol::Same) - mark;
            let worst = moved("SCENARIO_SPOT_UP").min(moved("SCENARIO_SPOT_DOWN")).min(0.0);
            let years = get(feed, "FeedExpiry") / YEAR;
            worst * (get(basis, "BASIS_CONT_ADD_FACTOR") + get(basis, "BASIS_CONT_MULT_FACTOR") * years)
        };
        self.feeds().map(expiry).sum()
    }

    fn discounts(&self, feed: &Value) -> [f64; 2] {
        let margin = self.group("Margin");
        let (years, rate) = (get(feed, "FeedExpiry") / YEAR, get(feed, "Rate").max(0.0));
        let scaled = |side: &str| {
            rate * get(margin, &format!("{side}_RATE_MULTSCALE")) + get(margin, &format!("{side}_RATE_ADDSCALE"))
        };
        let gains = get(margin, "BASE_STATIC_DISCOUNT") * libm::exp(-years * scaled("LONG"));
        let losses = get(margin, "BASE_STATIC_DISCOUNT_NEG") * libm::exp(years * scaled("SHORT"));
        [gains, losses.min(libm::exp(rate * years))]
    }

    fn value(&self, feed: &Value, spot: f64, vol: Vol) -> f64 {
        let (seconds, forward) = (get(feed, "FeedExpiry"), get(feed, "Forward"));
        let open = (seconds / 1_800.0).min(1.0);
        let moved = forward * (1.0 - open) + forward * open * spot;
        let years = seconds / YEAR;
        let discount = libm::exp(-get(feed, "Rate").max(0.0) * years);
        let options = self.options(feed).into_iter().map(|option| {
            let strike = get(option, "Strike");
            let total = if years == 0.0 { 0.0 } else { self.vol(option, forward, seconds, vol) * years.sqrt() };
            get(option, "Amount") * discount * black(is(option, "IsCall"), moved, strike, total)
        });
        options.sum()
    }

    fn vol(&self, option: &Value, forward: f64, seconds: f64, vol: Vol) -> f64 {
        let (mark, shock) = (get(option, "MarkVol"), self.group("VolShock"));
        let days = (seconds / 86_400.0).max(get(shock, "DTE_FLOOR"));
        let power = if seconds <= 30.0 * 86_400.0 { "SHORTTERMPOWER" } else { "LONGTERMPOWER" };
        let multiple = libm::pow(30.0 / days, get(shock, power));
        match vol {
            Vol::Same => mark,
            Vol::Up => (mark * (1.0 + get(shock, "VOLRANGEUP") * multiple)).max(get(shock, "MIN_VOL_EVAL_SHOCKED")),
            Vol::Down => mark * (1.0 - get(shock, "VOLRANGEDOWN") * multiple).max(0.0),
            Vol::Linear => mark * self.skewed("LINEAR", get(option, "Strike") / forward, seconds),
            Vol::Abs => mark * self.skewed("ABS", get(option, "Strike") / forward, seconds),
        }
    }

    fn skewed(&self, direction: &str, ratio: f64, seconds: f64) -> f64 {
        if ratio == 0.0 || ratio.is_infinite() {
            return 1.0;
        }
        let skew = self.group("SkewShock");
        let root = (seconds / YEAR).sqrt();
        let log = libm::log(ratio);
        let k = if direction == "ABS" { log.abs() } else { log };
        let cap = get(skew, &format!("{direction}_CBASE")) * root + get(skew, &format!("{direction}_SCALE_CAP"));
        let width =
            root * get(skew, "MIN_WIDTH_SCALE") * (get(skew, "VOL_PARAM_STATIC") + root * get(skew, "VOL_PARAM_SCALE"));
        let slope = k * cap / width.max(get(skew, "MIN_K_STAR"));
        let clamped = if k >= 0.0 { slope.min(cap) } else { slope.max(-cap) };
        (1.0 + clamped).max(0.0)
    }

    /// The contingency of a level, without the confidence terms.
    fn contingency(&self, level: &str) -> f64 {
        let (other, spot) = (self.group("OtherContingency"), self.own("SpotPrice"));
        let perpetual = get(other, &format!("{level}_PERP_PERCENT")) * self.own("NumPerps").abs() * spot;
        let naked: f64 = self.feeds().map(|feed| self.naked(feed)).sum();
        let options = get(other, &format!("{level}_OPTION_PERCENT")) * spot * naked;
        let haircut = |(it, value): (&Value, f64)| value * get(it, &format!("{level}Haircut"));
        perpetual + options + self.collateral().map(haircut).sum::<f64>()
    }

    fn naked(&self, feed: &Value) -> f64 {
        let options = self.options(feed);
        let mut strikes: Vec<f64> = options.iter().map(|option| get(option, "Strike")).collect();
        strikes.sort_by(f64::total_cmp);
        strikes.dedup();
        let of_strike = |strike: f64| {
            let here: Vec<_> = options.iter().filter(|option| get(option, "Strike") == strike).collect();
            let amounts = here.iter().map(|option| get(option, "Amount"));
            let calls = here.iter().filter(|option| is(option, "IsCall")).count();
            if calls > 0 && calls < here.len() {
                (-amounts.sum::<f64>()).max(0.0)
            } else {
                amounts.map(|amount| (-amount).max(0.0)).sum()
            }
        };
        strikes.into_iter().map(of_strike).sum()
    }

    fn uncertainty(&self) -> f64 {
        let (other, spot) = (self.group("OtherContingency"), self.own("SpotPrice"));
        let charge = |sure: f64, amount: f64| {
            let doubtful = sure < get(other, "CONF_THRESHOLD");
            if doubtful { (1.0 - sure) * get(other, "CONF_MARGIN") * amount } else { 0.0 }
        };
        let perpetuals = self.own("NumPerps").abs();
        let sure_spot = confidence(self.scenario, "SpotConfidence");
        let sure_perpetual = if perpetuals > 0.0 { confidence(self.scenario, "PerpConfidence") } else { 1.0 };
        let sure = sure_spot.min(sure_perpetual);
        let options = self.feeds().map(|feed| {
            let keys = ["ForwardConfidence", "RateConfidence", "OptionVolConfidences"];
            let least = keys.iter().map(|key| confidence(feed, key)).fold(sure, f64::min);
            let size: f64 = self.options(feed).iter().map(|option| get(option, "Amount").abs()).sum();
            charge(least, size * spot)
        });
        let collateral =
            self.collateral().map(|(it, value)| charge(confidence(it, "Confidence").min(sure_spot), value));
        charge(sure, perpetuals * spot) + options.sum::<f64>() + collateral.sum::<f64>()
    }
}

fn black(is_call: bool, forward: f64, strike: f64, total: f64) -> f64 {
    let sign = if is_call { 1.0 } else { -1.0 };
    if forward <= 0.0 || strike <= 0.0 || total == 0.0 {
        return (sign * (forward - strike)).max(0.0);
    }
    let normal = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    let above = (libm::log(forward / strike) + total * total / 2.0) / total;
    (sign * (forward * normal(sign * above) - strike * normal(sign * (above - total)))).max(0.0)
}
