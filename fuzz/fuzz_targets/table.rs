//! Tables and the numbers in them: rows are as long as the header, rounding down and up meet in an exact number, and
//! what is written again in another dialect is read as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_core::text::{
    MAX_MISTAKES,
    number::{Number, Rounding},
    table::{Dialect, Mistakes, Table},
};
use surety_fuzz::bounded;

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(text) = str::from_utf8(input) else { return };
    let mut mistakes = Mistakes::default();
    let table = Table::read(text, &Dialect::default(), &mut mistakes, &mut Vec::new());
    if let Err(errors) = mistakes.refuse("a.csv", text) {
        assert!((1..=MAX_MISTAKES + 1).contains(&errors.errors().len()) && !errors.to_string().is_empty());
        return;
    }
    let width = table.header().len();
    let columns: Vec<_> = (0..width.min(4)).collect();
    let marks = table.marks(&columns);
    for row in table.rows() {
        assert!(row.field(width).is_none());
        for field in columns.iter().map(|column| row.field(*column).unwrap()) {
            assert!(field.offset() <= text.len());
            let Ok(number) = field.number(marks) else { continue };
            meets(&number);
        }
    }
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let header = (0..width).map(|column| format!("c{column}")).collect::<Vec<_>>().join("\t");
    let rows =
        table.rows().map(|row| (0..width).map(|i| quoted(row.field(i).unwrap().text())).collect::<Vec<_>>().join("\t"));
    let written = std::iter::once(header).chain(rows).collect::<Vec<_>>().join("\r") + "\r";
    let mut mistakes = Mistakes::default();
    let again = Table::read(&written, &Dialect::default(), &mut mistakes, &mut Vec::new());
    mistakes.refuse("b.csv", &written).unwrap();
    assert_eq!(again.rows().len(), table.rows().len());
    for (row, again) in table.rows().zip(again.rows()) {
        assert!((0..width).all(|i| row.field(i).unwrap().text() == again.field(i).unwrap().text()));
    }
}));

fn meets(number: &Number) {
    for places in [0, 8, 18] {
        let [floor, ceiling, nearest] =
            [Rounding::Floor, Rounding::Ceiling, Rounding::Nearest].map(|rounding| number.scaled(places, rounding));
        let (Some(floor), Some(ceiling), Some(nearest)) = (floor, ceiling, nearest) else { continue };
        assert_eq!(ceiling.integer - floor.integer, i128::from(!floor.exact));
        assert!((floor.integer..=ceiling.integer).contains(&nearest.integer));
    }
}
