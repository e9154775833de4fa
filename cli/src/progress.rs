//! Progress on stderr: bars on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::{
    collections::HashMap,
    io::IsTerminal,
    sync::{Mutex, PoisonError},
};

use indicatif::{ProgressBar, ProgressStyle};
use surety_core::text::table::Note;
use surety_kzg::{Event, Observer, progress::Stage};

use super::output::tell;

/// Reports progress on stderr.
pub(super) struct Progress {
    quiet: bool,
    terminal: bool,
    bars: Mutex<HashMap<Stage, ProgressBar>>,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), bars: Mutex::default() }
    }

    /// Whether `--quiet` is set.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Reports progress unless `--quiet` is set.
    pub(super) fn note(&self, message: &str) {
        if !self.quiet {
            self.warn_as("note", message);
        }
    }

    /// Prints a note on how an input was read.
    pub(super) fn notes(&self, notes: &[Note]) {
        notes.iter().for_each(|note| self.note(&note.to_string()));
    }

    /// Prints a warning, also with `--quiet`.
    pub(super) fn warn(&self, message: &str) {
        self.warn_as("warning", message);
    }

    fn warn_as(&self, kind: &str, message: &str) {
        // A user who closed stderr wants no progress.
        let _ = tell(kind, message);
    }

    fn show(&self, stage: Stage, done: u64, total: u64) {
        if !self.terminal {
            if done == 0 {
                self.note(description(stage));
            }
            return;
        }
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(stage).or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg} [{wide_bar}] {percent}% {eta}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total).with_style(style).with_message(description(stage))
        });
        bar.set_position(done);
        if done >= total {
            bar.finish_and_clear();
            bars.remove(&stage);
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        match event {
            Event::Progress { stage, done, total } if !self.quiet => self.show(stage, done, total),
            Event::Notice(message) => self.note(&message),
            _ => {}
        }
    }
}

fn description(stage: Stage) -> &'static str {
    match stage {
        Stage::LagrangeBasis => "computing the bases of this capacity class, once; they are cached",
        Stage::Table => "computing the prover's table for this capacity class, once; it is cached",
        Stage::CellPoints => "computing the points that this layout's cells are opened with, once",
        Stage::ReadingPowers => "reading and checking the set-up",
        Stage::Downloading => "downloading",
        Stage::Proving => "proving",
        Stage::Scanning => "looking for attestations and what they refer to",
        Stage::Verifying => "verifying",
        _ => "working",
    }
}
