//! Tables for people.

use std::{fmt::Write as _, iter};

use super::Screen;

/// Terminal columns between two columns of a table.
const GAP: usize = 2;

/// Minimum width of a column, however narrow the terminal is.
const NARROWEST: usize = 10;

/// A table after an empty line, with columns as wide as their contents. In a table that is wider than the terminal the
/// widest columns are narrowed: the last one is wrapped, and the others are truncated with an ellipsis.
pub fn table<const N: usize>(text: &mut String, screen: Screen, header: [&str; N], rows: Vec<[String; N]>) {
    let mut widths = header.map(length);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(length(cell));
        }
    }
    if let Screen::Terminal(columns) = screen {
        fit(&mut widths, columns.saturating_sub(GAP * N.saturating_sub(1)));
    }
    let mut write = |cells: [&str; N]| {
        let last = wrapped(cells.last().copied().unwrap_or_default(), widths.last().copied().unwrap_or_default());
        for (number, last) in last.iter().enumerate() {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(widths).take(N.saturating_sub(1)) {
                let cell = if number == 0 { cut(cell, width) } else { String::new() };
                let _ = write!(line, "{cell:<width$}{:GAP$}", "");
            }
            line += last;
            *text += line.trim_end();
            *text += "\n";
        }
    };
    write([""; N]);
    write(header);
    rows.iter().for_each(|row| write(row.each_ref().map(String::as_str)));
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Narrows the widest columns to one width, so that all columns fit into `room`.
fn fit(widths: &mut [usize], room: usize) {
    let needed = |most: usize| widths.iter().map(|width| width.min(&most)).sum::<usize>();
    let widest = widths.iter().max().copied().unwrap_or(0);
    let most = (NARROWEST..=widest).rev().find(|most| needed(*most) <= room).unwrap_or(NARROWEST);
    widths.iter_mut().for_each(|width| *width = (*width).min(most));
}

fn cut(cell: &str, width: usize) -> String {
    if length(cell) <= width {
        return cell.to_owned();
    }
    cell.chars().take(width.saturating_sub(1)).chain(iter::once('…')).collect()
}

/// The lines of a text, at least one, of at most `width` characters each. Only words longer than a line are broken.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    if length(text) <= width {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut rest = word;
        let line = lines.last().map_or(0, |line| length(line));
        if line > 0 && line + 1 + length(rest) > width {
            lines.push(String::new());
        } else if line > 0
            && let Some(line) = lines.last_mut()
        {
            line.push(' ');
        }
        while length(rest) > width {
            let end = rest.char_indices().nth(width).map_or(rest.len(), |(end, _)| end);
            let (start, behind) = rest.split_at(end);
            if let Some(line) = lines.last_mut() {
                *line += start;
            }
            lines.push(String::new());
            rest = behind;
        }
        if let Some(line) = lines.last_mut() {
            *line += rest;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "expected balances no older than the policy's limit of 600 seconds, found some of 700";

    fn drawn(screen: Screen) -> String {
        let mut text = String::new();
        let row = |file: &str| [file.to_owned(), "fresh".to_owned(), LONG.to_owned()];
        let rows = vec![row("./a/file/whose/path/is/long/attestation.json"), row("./é.json")];
        table(&mut text, screen, ["file", "rule", "why"], rows);
        text
    }

    #[test]
    fn nothing_is_cut_where_no_terminal_is() {
        let text = drawn(Screen::Full);
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("attestation.json  fresh  expected balances"), "{text}");
        assert_eq!(text.matches(LONG).count(), 2, "{text}");
    }

    #[test]
    fn a_table_fits_its_terminal() {
        for columns in [40, 60, 80, 100, 130, 150] {
            let text = drawn(Screen::Terminal(columns));
            assert!(text.lines().all(|line| length(line) <= columns), "{columns}: {text}");
            let words: Vec<&str> = text.split_whitespace().collect();
            for word in LONG.split(' ') {
                assert!(words.contains(&word), "{columns}: {word}: {text}");
            }
        }
        assert!(drawn(Screen::Terminal(60)).contains("…  fresh  expected"), "{}", drawn(Screen::Terminal(60)));
        assert_eq!(drawn(Screen::Terminal(200)), drawn(Screen::Full));
    }

    #[test]
    fn words_longer_than_a_line_are_broken() {
        assert_eq!(wrapped("ab abcdefghijk x", 5), ["ab", "abcde", "fghij", "k x"]);
        assert_eq!(wrapped("abcde", 5), ["abcde"]);
        assert_eq!(wrapped("", 0), [""]);
    }

    #[test]
    fn a_terminal_too_narrow_for_a_table_gets_its_narrowest_columns() {
        assert!(drawn(Screen::Terminal(1)).lines().all(|line| length(line) <= 3 * NARROWEST + 2 * GAP));
    }
}
