//! `surety policy calibrate` and `surety policy backtest`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use surety_calibration::{
    backtest::{
        summary::{Summary, pooled, summaries},
        walk::{Holding, Terms, Walk, walk},
    },
    calibration::Calibration,
    estimator::Estimator,
    history::History,
    liquidity::Liquidation,
    parameters::{self, Calibrated},
    predictive::{history::ENOUGH, market::LEAST_CONFIDENCE},
    record::Parameter,
    report,
    update::{Change, Requirement},
};
use surety_core::{
    day::Day,
    ident::Name,
    text::Document as _,
    units::{Percent, Ppm},
};
use surety_host::{
    documents::DocumentError,
    files::{self, Access},
};
use surety_margin::{policy::Policy, universe::Universe};

use crate::{
    Session,
    error::{Error, Usage},
    inputs::{Force, HistoryReading, PolicyFiles},
    output::Answer,
    progress::Progress,
};

/// A directory for results.
#[derive(clap::Args)]
struct Results {
    /// Existing directory for the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

impl Results {
    /// An output file. One that cannot be written is refused before the work begins.
    fn target(&self, name: &str) -> Result<PathBuf, Error> {
        let target = self.out.join(name);
        files::check_target(&target, self.force.existing())?;
        Ok(target)
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Error> {
        Ok(files::write(path, text.as_bytes(), Access::Public, self.force.existing())?)
    }
}

/// A calibration of a policy, and what it follows from.
#[derive(clap::Args)]
pub(super) struct Grounds {
    #[command(flatten)]
    files: PolicyFiles,
    /// Table of days and prices, with a row for each day
    #[arg(long, value_name = "FILE")]
    history: PathBuf,
    #[command(flatten)]
    reading: HistoryReading,
    /// Calibration: the column behind each parameter, and the estimator
    #[arg(long, value_name = "FILE")]
    pub(super) calibration: PathBuf,
    /// Another estimator than the calibration's: static, ewma, heavy-tailed or predictive
    #[arg(long, value_name = "NAME")]
    estimator: Option<Estimator>,
    /// Table of depths and bid-ask spreads, a row for each day and column, for calibrations with liquidity
    #[arg(long, value_name = "FILE")]
    liquidity: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct CalibrateArgs {
    #[command(flatten)]
    grounds: Grounds,
    /// Move parameters as far as their estimates and caps where that is stricter, and nothing where it is laxer
    #[arg(long)]
    emergency: bool,
    #[command(flatten)]
    results: Results,
}

#[derive(clap::Args)]
pub(crate) struct BacktestArgs {
    /// Table of days and prices, with a row for each day; may be repeated, and each is a market of its own
    #[arg(long = "history", value_name = "FILE", required = true)]
    histories: Vec<PathBuf>,
    #[command(flatten)]
    reading: HistoryReading,
    /// Calibration with the confidence, the window, the decay, the memory and the limits [default: 99 %, a year of
    /// moves, 97 %, 40 %, and 10 % stricter or 2.5 % laxer a day]
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// First day that is judged [default: after a third of the moves, at least 365 and at most 1,000 of them]
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<Day>,
    #[command(flatten)]
    results: Results,
}

fn day(text: &str) -> Result<Day, String> {
    text.to_owned().try_into()
}

fn read_calibration(
    path: &Path,
    estimator: Option<Estimator>,
    history: &History,
    policy: Option<&Policy>,
) -> Result<Calibration, Error> {
    let text = files::read_text(path)?;
    Ok(Calibration::read_for(&path.display().to_string(), &text, estimator, history, policy)?)
}

/// What is read of [`Grounds`].
pub(super) struct Read {
    pub(super) universe: Universe,
    pub(super) policy: Policy,
    pub(super) history: History,
    pub(super) calibration: Calibration,
}

impl Grounds {
    pub(super) fn read(&self, progress: &Progress) -> Result<Read, Error> {
        let universe = self.files.read_universe()?;
        let policy = self.files.read_policy(&universe)?;
        let mut history = self.reading.history(&self.history, progress)?;
        if let Some(path) = &self.liquidity {
            history = history.with_liquidity(self.reading.liquidity(path, progress)?);
        }
        let calibration = read_calibration(&self.calibration, self.estimator, &history, Some(&policy))?;
        Ok(Read { universe, policy, history, calibration })
    }
}

pub(crate) fn calibrate(args: &CalibrateArgs, session: &Session) -> Result<Answer, Error> {
    let results = &args.results;
    let [new, written, plotted] =
        [results.target("policy.toml")?, results.target("calibration.md")?, results.target("calibration.svg")?];
    let Read { universe, policy, history, calibration } = args.grounds.read(&session.progress)?;
    session.progress.note("estimating");
    let update = if args.emergency { parameters::tighten } else { parameters::calibrate };
    let calibrated = update(&calibration, &history, &policy, &universe)?;
    if calibrated.estimator != calibration.estimator {
        session.progress.warn(&format!(
            "the {} estimator takes {ENOUGH} moves, and the history has {}: the {} one takes its place",
            calibration.estimator.name(),
            history.moves(),
            calibrated.estimator.name(),
        ));
    }
    let text = calibrated.policy.to_toml().map_err(DocumentError::from)?;
    results.write(&new, &text)?;
    results.write(&written, &report::calibration_report(&calibration, &history, &calibrated))?;
    results.write(&plotted, &report::calibration_plot(&calibration, &history).svg())?;
    let data = json!({
        "policy": calibrated.policy.name,
        "estimator": calibrated.estimator,
        "estimator_asked_for": calibration.estimator,
        "emergency": args.emergency,
        "liquidity": calibrated.liquidations.iter().map(liquidation_data).collect::<Vec<_>>(),
        "parameters": calibrated.parameters.iter().map(parameter_data).collect::<Vec<_>>(),
        "scenarios": calibrated.scenarios,
        "files": { "policy": new, "report": written, "plot": plotted },
    });
    Answer::new(data, calibrated_text(&calibrated, &[new, written, plotted]))
}

fn liquidation_data((column, liquidation): (&Name, &Liquidation)) -> Value {
    json!({
        "column": column,
        "size": liquidation.size,
        "depth": liquidation.depth,
        "spread_ppm": liquidation.spread,
        "selling_seconds": liquidation.selling,
    })
}

fn parameter_data(parameter: &Parameter) -> Value {
    with_change(json!({ "name": parameter.name, "columns": parameter.columns }), &parameter.change)
}

/// What a parameter is, with what became of its requirement.
pub(super) fn with_change(mut data: Value, change: &Change) -> Value {
    data["old"] = json!(change.old.map(|old| old.0));
    data["proposed"] = json!(change.proposed.0);
    data["limited"] = json!(change.limited.0);
    data["new"] = json!(change.new.0);
    data["why"] = json!(change.reason());
    data
}

/// What became of a requirement, for people.
pub(super) fn change_text(change: &Change) -> String {
    let percent = |requirement: Requirement| Percent(requirement.0.into()).to_string();
    let old = change.old.map_or_else(|| "none".to_owned(), percent);
    format!("{old:>11} -> {:>11}  {}", percent(change.new), change.reason())
}

fn calibrated_text(calibrated: &Calibrated, written: &[PathBuf]) -> String {
    let mut text = String::new();
    for Parameter { name, change, .. } in &calibrated.parameters {
        text += &format!("{name:<48} {}\n", change_text(change));
    }
    text += &format!("scenarios written: {}\n", calibrated.scenarios);
    text + &written_text(written)
}

fn written_text(written: &[PathBuf]) -> String {
    written.iter().map(|path| format!("written {}\n", path.display())).collect()
}

pub(crate) fn backtest(args: &BacktestArgs, session: &Session) -> Result<Answer, Error> {
    let results = &args.results;
    let written = results.target("backtest.md")?;
    let plotted =
        args.histories.iter().map(|path| results.target(&plot_name(args, path))).collect::<Result<Vec<_>, _>>()?;
    let mut walks = Vec::new();
    for path in &args.histories {
        let history = args.reading.history(path, &session.progress)?;
        let terms = terms(args, &history)?;
        session.progress.note("walking through the history");
        let walked = walk(&market_name(path), &history, terms);
        walks.push(walked.map_err(|problem| Error::from(Usage(format!("{}: {problem}", path.display()))))?);
    }
    let report = report::backtest_report(&walks);
    results.write(&written, &report)?;
    for (walk, path) in walks.iter().zip(&plotted) {
        results.write(path, &report::backtest_plot(walk).svg())?;
    }
    let data = backtest_data(&walks, &json!({ "report": written, "plots": plotted }));
    let files: Vec<_> = [written].into_iter().chain(plotted).collect();
    Answer::new(data, report + "\n" + &written_text(&files))
}

fn terms(args: &BacktestArgs, history: &History) -> Result<Terms, Error> {
    let Some(path) = &args.calibration else { return Ok(Terms { from: args.from, ..Terms::default() }) };
    let calibration = read_calibration(path, None, history, None)?;
    let memory = calibration.memory();
    let Calibration { confidence, window, decay, limits, .. } = calibration;
    if confidence < LEAST_CONFIDENCE {
        let usage = format!("{}: confidence: expected at least {LEAST_CONFIDENCE}, found {confidence}", path.display());
        return Err(Usage(usage).into());
    }
    Ok(Terms { confidence, window: Some(window), decay, memory, limits, from: args.from })
}

/// What reports call a history: the name of its file.
fn market_name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn plot_name(args: &BacktestArgs, path: &Path) -> String {
    if args.histories.len() == 1 { "backtest.svg".to_owned() } else { format!("backtest-{}.svg", market_name(path)) }
}

fn backtest_data(walks: &[Walk], files: &Value) -> Value {
    let each: Vec<Summary> = walks.iter().flat_map(summaries).collect();
    let target = walks.first().map(|walk| Ppm(Ppm::ONE.0.saturating_sub(walk.terms.confidence.0)));
    json!({
        "target": target,
        "days": walks.iter().map(|walk| walk.days.len()).collect::<Vec<_>>(),
        "columns": pooled(&each, Holding::Column),
        "portfolios": pooled(&each, Holding::Portfolio),
        "results": each,
        "files": files,
    })
}
