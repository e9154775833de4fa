//! Tables for people.

use std::fmt::Write as _;

/// A table behind an empty line: columns as wide as their contents, the last one as it comes.
pub(super) fn table<const N: usize>(text: &mut String, header: [&str; N], rows: Vec<[String; N]>) {
    let mut widths = header.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut write = |cells: [&str; N]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        *text += line.trim_end();
        *text += "\n";
    };
    write([""; N]);
    write(header);
    rows.iter().for_each(|row| write(row.each_ref().map(String::as_str)));
}
