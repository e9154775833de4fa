//! Fractions so small that they are hardly meant: somebody who writes `10` may think of percent, and says 0.001 %.

use serde_json::Value;
use surety_core::{problem::Problem, units::Ppm};

use super::Model;

/// Below this a fraction is told: 0.01 %, in parts per million.
const LEAST: u64 = 100;

/// Every fraction of a model that is not zero and hardly anything.
pub(crate) fn warnings(model: &Model) -> Vec<Problem> {
    let mut warnings = Vec::new();
    if let Ok(value) = serde_json::to_value(model) {
        collect("model", false, &value, &mut warnings);
    }
    warnings
}

/// `is_fraction` says whether numbers at this place are parts per million: those of the two bases, and shocks.
fn collect(path: &str, is_fraction: bool, value: &Value, warnings: &mut Vec<Problem>) {
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| {
            let is_fraction = matches!(&**key, "maintenance" | "initial") || path.ends_with(".shocks");
            collect(&format!("{path}.{key}"), is_fraction, value, warnings);
        }),
        Value::Array(values) => values.iter().enumerate().for_each(|(i, value)| {
            collect(&format!("{path}[{i}]"), false, value, warnings);
        }),
        Value::Number(number) if is_fraction => {
            let ppm = number.as_i64().map_or(0, i64::unsigned_abs);
            if (1..LEAST).contains(&ppm) {
                let least = Ppm(LEAST as u32);
                let advice = format!("write \"{ppm} %\" if percent are meant, as numbers are parts per million");
                let problem = Problem::new(path, format!("at least {least}, or nothing"), format!("{number} ppm"));
                warnings.push(problem.advise(advice));
            }
        }
        _ => {}
    }
}
