//! Positions from spreadsheets.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use surety_margin::{holdings::Holdings, import::positions, sample, units::Lots, universe::Universe};

/// The quote currency in cents, and perpetuals in ten-thousandths.
fn universe() -> Universe {
    sample::universe(9, 3)
}

fn read(text: &str) -> Result<Holdings, String> {
    positions::read("book.csv", text, &universe()).map_err(|error| error.to_string())
}

#[test]
fn amounts_are_units_and_lots_are_lots() {
    let expected = [123_457, -1_500, 20_000].map(|lots| Lots::new(lots).unwrap());
    for text in [
        "instrument,amount\nUSD,1234.57\nPERP-1,-0.15\nPERP-2,2\n",
        "instrument,amount\nUSD,1234.570\nPERP-1,-0.150000000000000000\nPERP-2,2.0\n",
        "instrument,lots\nUSD,123457\nPERP-1,-1500\nPERP-2,20000\n",
    ] {
        assert_eq!(read(text).unwrap().position(&universe()).unwrap().lots(), expected);
    }
}

#[track_caller]
fn refused(line: &str, message: &str) {
    let error = read(&format!("instrument,amount\nPERP-2,1\n{line}\n")).unwrap_err();
    assert!(error.starts_with(message), "{error}");
    assert!(!error.contains("98765"), "{error}");
}

#[test]
fn rejects_amounts_that_are_no_lots() {
    for amount in ["98765.001", "-98765.001", "1000000000000.98765"] {
        refused(&format!("USD,{amount}"), "book.csv:3:5: [1].amount: expected a multiple of one lot, 10^-2");
    }
    for amount in ["", "-", ".5", "98765.", "+1", "1e3", "98765x", "1,0", "1234567890123456789"] {
        refused(&format!("USD,{amount}"), "book.csv:3:");
    }
}

#[test]
fn rejects_instruments_that_are_unknown_or_listed_twice() {
    refused("EUR,1", "book.csv:3:1: [1].instrument: expected an instrument of the universe sample");
    refused("PERP-2,98765", "book.csv:3:1: [1].instrument: expected each instrument once");
    assert!(read("name,size\nUSD,1\n").unwrap_err().contains("the header instrument,amount"));
}
