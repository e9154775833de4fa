//! `surety policy calibrate` and `surety policy backtest`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use surety_calibration::{
    backtest::{self as walk, Backtest},
    calibration::Calibration,
    history::{Chosen, History, Selection},
    parameters::{self, Calibrated},
    record::Parameter,
    report,
    update::Requirement,
};
use surety_core::{text::Document as _, units::Percent};
use surety_host::{
    documents::DocumentError,
    files::{self, Access},
};
use surety_margin::policy::Policy;

use crate::{
    Session,
    error::{Error, Usage},
    inputs::{Force, PolicyFiles, TableOptions},
    output::Answer,
};

/// Inputs and outputs of a calibration.
#[derive(clap::Args)]
struct Inputs {
    /// Table of days and prices, with a row for each day
    #[arg(long, value_name = "FILE")]
    history: PathBuf,
    /// Column of prices, or NAME=COLUMN to rename it; may be repeated [default: the closing prices of a table of one
    /// thing, otherwise all columns]
    #[arg(long = "column", value_name = "COLUMN")]
    columns: Vec<Chosen>,
    #[command(flatten)]
    table: TableOptions,
    /// Calibration: the column behind each parameter, and the estimator
    #[arg(long, value_name = "FILE")]
    calibration: PathBuf,
    /// Existing directory for the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
pub(crate) struct CalibrateArgs {
    #[command(flatten)]
    files: PolicyFiles,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(clap::Args)]
pub(crate) struct BacktestArgs {
    #[command(flatten)]
    inputs: Inputs,
}

impl Inputs {
    fn history(&self, session: &Session) -> Result<History, Error> {
        session.progress.note(&format!("reading {}", self.history.display()));
        let selection = Selection { columns: self.columns.clone(), dialect: self.table.dialect() };
        let (text, mut notes) = (files::read_text(&self.history)?, Vec::new());
        let history = History::read(&self.history.display().to_string(), &text, &selection, &mut notes)?;
        session.progress.notes(&notes);
        Ok(history)
    }

    fn calibration(&self, history: &History, policy: Option<&Policy>) -> Result<Calibration, Error> {
        let text = files::read_text(&self.calibration)?;
        Ok(Calibration::read(&self.calibration.display().to_string(), &text, history, policy)?)
    }

    /// The output files. Files that cannot be written are refused before the work begins.
    fn targets<const N: usize>(&self, names: [&str; N]) -> Result<[PathBuf; N], Error> {
        let targets = names.map(|name| self.out.join(name));
        targets.iter().try_for_each(|target| files::check_target(target, self.force.existing()))?;
        Ok(targets)
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Error> {
        Ok(files::write(path, text.as_bytes(), Access::Public, self.force.existing())?)
    }
}

pub(crate) fn calibrate(args: &CalibrateArgs, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let inputs = &args.inputs;
    let [new, written, plotted] = inputs.targets(["policy.toml", "calibration.md", "calibration.svg"])?;
    let history = inputs.history(session)?;
    let calibration = inputs.calibration(&history, Some(&policy))?;
    session.progress.note("estimating");
    let calibrated = parameters::calibrate(&calibration, &history, &policy, &universe)?;
    let text = calibrated.policy.to_toml().map_err(DocumentError::from)?;
    inputs.write(&new, &text)?;
    inputs.write(&written, &report::calibration_report(&calibration, &history, &calibrated))?;
    inputs.write(&plotted, &report::calibration_plot(&calibration, &history).svg())?;
    let data = json!({
        "policy": calibrated.policy.name,
        "parameters": calibrated.parameters.iter().map(parameter_data).collect::<Vec<_>>(),
        "scenarios": calibrated.scenarios,
        "files": { "policy": new, "report": written, "plot": plotted },
    });
    Answer::new(data, calibrated_text(&calibrated, &[new, written, plotted]))
}

fn parameter_data(parameter: &Parameter) -> Value {
    let change = &parameter.change;
    json!({
        "name": parameter.name,
        "columns": parameter.columns,
        "old": change.old.map(|old| old.0),
        "proposed": change.proposed.0,
        "limited": change.limited.0,
        "new": change.new.0,
        "why": change.reason(),
    })
}

fn calibrated_text(calibrated: &Calibrated, written: &[PathBuf]) -> String {
    let mut text = String::new();
    for Parameter { name, change, .. } in &calibrated.parameters {
        let percent = |requirement: Requirement| Percent(requirement.0.into()).to_string();
        let old = change.old.map_or_else(|| "none".to_owned(), percent);
        text += &format!("{name:<48} {old:>11} -> {:>11}  {}\n", percent(change.new), change.reason());
    }
    text += &format!("scenarios written: {}\n", calibrated.scenarios);
    text + &written_text(written)
}

fn written_text(written: &[PathBuf]) -> String {
    written.iter().map(|path| format!("written {}\n", path.display())).collect()
}

pub(crate) fn backtest(args: &BacktestArgs, session: &Session) -> Result<Answer, Error> {
    let inputs = &args.inputs;
    let [written, plotted] = inputs.targets(["backtest.md", "backtest.svg"])?;
    let history = inputs.history(session)?;
    let calibration = inputs.calibration(&history, None)?;
    session.progress.note("walking through the history");
    let walked = walk::backtest(&calibration, &history).ok_or_else(|| {
        Error::from(Usage(format!(
            "{}: expected more moves than the window, which is {}, found {}",
            inputs.history.display(),
            calibration.window,
            history.moves()
        )))
    })?;
    let report = report::backtest_report(&calibration, &walked);
    inputs.write(&written, &report)?;
    inputs.write(&plotted, &report::backtest_plot(&calibration, &walked).svg())?;
    let data = backtest_data(&walked, &json!({ "report": written, "plot": plotted }));
    Answer::new(data, report + "\n" + &written_text(&[written, plotted]))
}

fn backtest_data(walked: &Backtest, files: &Value) -> Value {
    let mut results = Vec::new();
    for walk in &walked.portfolios {
        for summary in walked.summaries(walk) {
            let worst = summary.worst_excess.map(|(day, excess)| json!({ "day": day.to_string(), "excess": excess }));
            results.push(json!({
                "portfolio": walk.portfolio.name,
                "parameters": summary.scheme.name,
                "mean_margin": summary.average_margin,
                "exceedances": summary.exceedances,
                "days": summary.days,
                "probability": summary.probability,
                "worst_excess": worst,
            }));
        }
    }
    json!({ "target": walked.target, "days": walked.days.len(), "results": results, "files": files })
}
