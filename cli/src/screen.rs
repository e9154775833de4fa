//! The reader of standard output.

use std::io::{IsTerminal as _, stdout};

use surety_core::shown::Screen;

/// Width in columns of a terminal that does not report one.
const COLUMNS: usize = 80;

/// The destination of standard output.
pub(super) fn of_stdout() -> Screen {
    if stdout().is_terminal() {
        let size = terminal_size::terminal_size();
        Screen::Terminal(size.map_or(COLUMNS, |(terminal_size::Width(columns), _)| columns.into()))
    } else {
        Screen::Full
    }
}
