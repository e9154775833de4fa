//! `surety policy forecast`

use std::path::PathBuf;

use serde_json::{Value, json};
use surety_calibration::predictive::{
    WARM,
    forecast::{Forecasts, Row, Terms, forecasts},
    market::{LEAST_CONFIDENCE, Memory, ppb_up},
};
use surety_core::{
    spelling,
    text::Document as _,
    units::{Percent, Ppm},
};
use surety_host::{
    documents::DocumentError,
    files::{self, Access, Existing},
};

use crate::{
    Session,
    error::{Error, Usage},
    inputs::{Force, HistoryReading, read_state},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Table of days and prices, with a row for each day. A column may begin late, end early and miss days
    #[arg(long, value_name = "FILE")]
    history: PathBuf,
    #[command(flatten)]
    reading: HistoryReading,
    /// Table for the forecasts, in parts per billion of the price
    #[arg(long, value_name = "CSV")]
    out: PathBuf,
    /// State to continue from, which is brought up to date; made if there is none. Then only days after it are
    /// forecast
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Confidence of value at risk and expected shortfall, at least 90 %
    #[arg(long, value_name = "SHARE", default_value = "99 %", value_parser = confidence)]
    confidence: Ppm,
    /// Weight of the volatility of ten years, which makes forecasts steadier; a state keeps its own
    #[arg(long, value_name = "SHARE", default_value = "20 %", value_parser = share)]
    memory: Ppm,
    #[command(flatten)]
    force: Force,
}

fn share(text: &str) -> Result<Ppm, String> {
    let share = Ppm(spelling::share(text)?);
    if share <= Ppm::ONE { Ok(share) } else { Err(format!("expected at most {}, found {share}", Ppm::ONE)) }
}

fn confidence(text: &str) -> Result<Ppm, String> {
    let confidence = share(text)?;
    let fits = (LEAST_CONFIDENCE..Ppm::ONE).contains(&confidence);
    if fits {
        Ok(confidence)
    } else {
        Err(format!("expected from {LEAST_CONFIDENCE} to 99.9999 %, found {confidence}"))
    }
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let progress = &session.progress;
    files::check_target(&args.out, args.force.existing())?;
    let saved = args.state.as_ref().filter(|path| path.exists());
    let _lock = saved.map(|path| files::lock(path)).transpose()?;
    if let Some(path) = &args.state {
        files::check_target(path, Existing::Replace)?;
    }
    let state = saved.map(|path| read_state(path)).transpose()?;
    if let Some(state) = &state {
        progress.note(&format!("continuing after {}", state.day));
    }
    let quotes = args.reading.quotes(&args.history, progress)?;
    progress.note(&format!("forecasting {} days of {} columns", quotes.days().len(), quotes.columns().len()));
    let terms = Terms { confidence: args.confidence, memory: Memory(args.memory) };
    let made = forecasts(&quotes, terms, state.as_ref())?;
    for (column, moves) in &made.cold {
        progress
            .warn(&format!("{column}: no forecast of the next day, which takes {WARM} moves, and there are {moves}"));
    }
    for (column, day) in &made.ended {
        progress.warn(&format!("{column}: its last price is of {day}, and its next day is forecast from there"));
    }
    if made.rows.is_empty() {
        let most = made.cold.iter().map(|(_, moves)| *moves).max().unwrap_or(0);
        let history = args.history.display();
        let usage = format!("{history}: expected a column with at least {WARM} moves, found at most {most}");
        return Err(Usage(usage).into());
    }
    files::write(&args.out, made.csv().as_bytes(), Access::Public, args.force.existing())?;
    if let Some(path) = &args.state {
        let text = made.state.to_json().map_err(DocumentError::from)?;
        files::write(path, text.as_bytes(), Access::Public, Existing::Replace)?;
    }
    answer(args, &made)
}

/// The rows of the day after the last one.
fn next(made: &Forecasts) -> impl Iterator<Item = &Row> {
    made.rows.iter().filter(|row| row.day.is_none())
}

fn answer(args: &Args, made: &Forecasts) -> Result<Answer, Error> {
    let data = json!({
        "last_day": made.state.day,
        "rows": made.rows.len(),
        "next": next(made).map(row_data).collect::<Vec<_>>(),
        "without_forecast": made.cold.iter().map(|(column, _)| column).collect::<Vec<_>>(),
        "ended": made.ended.iter().map(|(column, _)| column).collect::<Vec<_>>(),
        "files": { "forecasts": args.out, "state": args.state },
    });
    let mut text = format!("{:<20} {:>12} {:>12} {:>12}\n", "next day", "volatility", "ES long", "ES short");
    for Row { column, forecast, .. } in next(made) {
        let percent = |fraction| Percent(i64::try_from(ppb_up(fraction).div_ceil(1_000)).unwrap_or(i64::MAX).into());
        let [volatility, down, up] =
            [forecast.volatility, forecast.down.expected, forecast.up.expected].map(|share| percent(share).to_string());
        text += &format!("{column:<20} {volatility:>12} {down:>12} {up:>12}\n");
    }
    for path in [Some(&args.out), args.state.as_ref()].into_iter().flatten() {
        text += &format!("written {}\n", path.display());
    }
    Answer::new(data, text)
}

fn row_data(Row { column, forecast, .. }: &Row) -> Value {
    json!({
        "column": column,
        "sigma_ppb": ppb_up(forecast.volatility),
        "var_down_ppb": ppb_up(forecast.down.value_at_risk),
        "es_down_ppb": ppb_up(forecast.down.expected),
        "var_up_ppb": ppb_up(forecast.up.value_at_risk),
        "es_up_ppb": ppb_up(forecast.up.expected),
    })
}
