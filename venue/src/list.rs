//! Lists of accounts, row by row: CSV, or Parquet.
//!
//! Columns of Parquet hold text, integers or decimals. A floating-point number is refused: an amount of money is none,
//! and the writer of the list knows better than its reader what it was meant to be. Nonces may be 32 bytes. What is
//! left out, or null, is nothing held and nothing owed.

use std::{
    fs::File,
    io::{BufReader, Read, Seek},
};

use alloy_primitives::{I256, hex};
use csv::StringRecord;
use parquet::{
    data_type::Decimal,
    file::{
        metadata::{ParquetMetaData, RowGroupMetaData},
        reader::{FileReader as _, SerializedFileReader},
    },
    record::{Field, reader::RowIter},
};
use surety_core::units::pointed;

/// How a file in Parquet begins.
const PARQUET: [u8; 4] = *b"PAR1";

/// Why a list cannot be read. Does not repeat amounts.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The file.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A table in CSV.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// A table in Parquet.
    #[error("expected a table in Parquet, found a damaged one: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A table in Parquet whose parts have other numbers of rows than it says.
    #[error("expected {expected} rows in every column, as the table says, found {found}; write the table anew")]
    Rows {
        /// As the table says.
        expected: i64,
        /// Values of a column.
        found: i64,
    },
    /// A column of Parquet has values of another type.
    #[error(
        "column {column}: expected text, integers or decimals, found {found}; convert the column, to decimals or text"
    )]
    Type {
        /// The column.
        column: String,
        /// The type.
        found: &'static str,
    },
}

/// A list of accounts. Its first row has the names of columns.
pub struct AccountList(Rows);

enum Rows {
    Csv(csv::Reader<Box<dyn Read>>),
    Parquet { columns: Vec<String>, named: bool, rows: RowIter<'static> },
}

impl AccountList {
    /// The list in a file, which is Parquet if it begins so, and otherwise CSV.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn open(mut file: File) -> Result<Self, ListError> {
        let mut start = [0; PARQUET.len()];
        let length = file.by_ref().take(start.len() as u64).read(&mut start)?;
        file.rewind()?;
        if start[..length] != PARQUET {
            return Ok(Self::csv(BufReader::new(file)));
        }
        let reader = SerializedFileReader::new(file)?;
        let columns = reader.metadata().file_metadata().schema().get_fields().iter().map(|it| it.name().to_owned());
        let columns = columns.collect();
        refuse_lost_rows(reader.metadata())?;
        Ok(Self(Rows::Parquet { columns, named: false, rows: RowIter::from_file_into(Box::new(reader)) }))
    }

    /// A list in CSV.
    pub fn csv(text: impl Read + 'static) -> Self {
        let text: Box<dyn Read> = Box::new(text);
        Self(Rows::Csv(csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(text)))
    }

    /// Reads the next row; `false` if there is none.
    ///
    /// # Errors
    /// If the row is not one of the table.
    pub fn read(&mut self, row: &mut StringRecord) -> Result<bool, ListError> {
        match &mut self.0 {
            Rows::Csv(reader) => Ok(reader.read_record(row)?),
            Rows::Parquet { columns, named, rows } => {
                row.clear();
                if !core::mem::replace(named, true) {
                    columns.iter().for_each(|column| row.push_field(column));
                    return Ok(true);
                }
                let Some(values) = rows.next().transpose()? else { return Ok(false) };
                for (column, value) in values.get_column_iter() {
                    let text = text(value, is_nonce(column));
                    let text = text.map_err(|found| ListError::Type { column: column.clone(), found })?;
                    row.push_field(&text);
                }
                Ok(true)
            }
        }
    }
}

/// Whether a column is that of nonces, which may be bytes.
#[must_use]
pub fn is_nonce(column: &str) -> bool {
    column.trim().eq_ignore_ascii_case("nonce")
}

/// Refuses a table of which rows would go unread.
fn refuse_lost_rows(table: &ParquetMetaData) -> Result<(), ListError> {
    let same =
        |expected: i64, found: i64| if expected == found { Ok(()) } else { Err(ListError::Rows { expected, found }) };
    for group in table.row_groups() {
        group.columns().iter().try_for_each(|column| same(group.num_rows(), column.num_values()))?;
    }
    same(table.file_metadata().num_rows(), table.row_groups().iter().map(RowGroupMetaData::num_rows).sum())
}

/// A value as CSV has it, or what type it is of.
fn text(value: &Field, is_nonce: bool) -> Result<String, &'static str> {
    Ok(match value {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Byte(number) => number.to_string(),
        Field::Short(number) => number.to_string(),
        Field::Int(number) => number.to_string(),
        Field::Long(number) => number.to_string(),
        Field::UByte(number) => number.to_string(),
        Field::UShort(number) => number.to_string(),
        Field::UInt(number) => number.to_string(),
        Field::ULong(number) => number.to_string(),
        Field::Decimal(number) => decimal(number).ok_or("a decimal of more than 256 bits")?,
        Field::Bytes(bytes) if is_nonce => hex::encode(bytes.data()),
        Field::Bytes(_) => return Err("bytes"),
        Field::Float16(_) | Field::Float(_) | Field::Double(_) => return Err("a floating-point number"),
        Field::Bool(_) => return Err("true or false"),
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => return Err("a table within the table"),
        _ => return Err("a date or a time"),
    })
}

/// A decimal, all of whose places are written.
fn decimal(number: &Decimal) -> Option<String> {
    let bytes = number.data();
    let fill = if bytes.first()? & 0x80 == 0 { 0 } else { 0xff };
    let mut wide = [fill; 32];
    wide.get_mut(32_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    let value = I256::from_be_bytes(wide);
    let (sign, places) = (if value.is_negative() { "-" } else { "" }, usize::try_from(number.scale()).ok()?);
    Some(format!("{sign}{}", pointed(&value.unsigned_abs().to_string(), places)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::{
        file::metadata::{ColumnChunkMetaData, FileMetaData},
        schema::{parser::parse_message_type, types::SchemaDescriptor},
    };

    use super::*;

    /// What a table says of its rows: how many there are in all, in each part, and in the one column of each part.
    fn table(rows: i64, parts: &[(i64, i64)]) -> ParquetMetaData {
        let schema = Arc::new(parse_message_type("message accounts { required int64 USD; }").unwrap());
        let schema = Arc::new(SchemaDescriptor::new(schema));
        let part = |(rows, values): &(i64, i64)| {
            let column = ColumnChunkMetaData::builder(schema.column(0)).set_num_values(*values).build().unwrap();
            RowGroupMetaData::builder(schema.clone())
                .set_num_rows(*rows)
                .set_column_metadata(vec![column])
                .build()
                .unwrap()
        };
        let file = FileMetaData::new(1, rows, None, None, schema.clone(), None);
        ParquetMetaData::new(file, parts.iter().map(part).collect())
    }

    /// Attack: a table that says less than its columns have, so that the rest goes unread.
    #[test]
    fn rejects_tables_of_which_rows_would_go_unread() {
        assert!(refuse_lost_rows(&table(5, &[(3, 3), (2, 2)])).is_ok());
        for (rows, parts) in [(5, [(3, 3), (2, 3)]), (5, [(3, 2), (2, 2)]), (4, [(3, 3), (2, 2)])] {
            assert!(matches!(refuse_lost_rows(&table(rows, &parts)), Err(ListError::Rows { .. })), "{parts:?}");
        }
    }

    #[test]
    fn decimals_are_written_with_all_of_their_places() {
        for (value, scale, expected) in
            [(12_345_i32, 2, "123.45"), (-5, 2, "-0.05"), (0, 3, "0.000"), (7, 0, "7"), (-1_000, 3, "-1.000")]
        {
            assert_eq!(decimal(&Decimal::from_i32(value, 9, scale)).as_deref(), Some(expected));
        }
        let wide = Decimal::from_bytes(vec![0xff; 33].into(), 76, 2);
        assert_eq!(decimal(&wide), None);
        assert_eq!(decimal(&Decimal::from_bytes(vec![0x80, 0].into(), 5, 1)).as_deref(), Some("-3276.8"));
    }
}
