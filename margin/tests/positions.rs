//! Positions from spreadsheets.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use surety_margin::{
    holdings::Holdings,
    import::positions,
    sample,
    text::table::{Dialect, Note},
    units::Lots,
    universe::Universe,
};

/// The quote currency in cents, and perpetuals in ten-thousandths.
fn universe() -> Universe {
    sample::universe(9, 3)
}

fn read_noted(text: &str, dialect: &Dialect) -> Result<(Holdings, Vec<Note>), String> {
    let mut notes = Vec::new();
    let holdings = positions::read("book.csv", text, &universe(), dialect, &mut notes);
    holdings.map(|holdings| (holdings, notes)).map_err(|error| error.to_string())
}

fn read(text: &str) -> Result<Holdings, String> {
    read_noted(text, &Dialect::default()).map(|(holdings, _)| holdings)
}

fn lots(holdings: &Holdings) -> Vec<i128> {
    holdings.position(&universe()).unwrap().lots().iter().map(|lots| Lots::get(*lots)).collect()
}

#[test]
fn amounts_are_units_and_lots_are_lots_however_they_are_written() {
    for text in [
        "instrument,amount\nUSD,1234.57\nPERP-1,-0.15\nPERP-2,2\n",
        "instrument,amount\nUSD,1234.570\nPERP-1,-0.150000000000000000\nPERP-2,2.0\n",
        "instrument,lots\nUSD,123457\nPERP-1,-1500\nPERP-2,20000\n",
        "\u{feff}Instrument , Amount\r\nUSD,+1234.57\r\n\r\nPERP-1,-15e-2\r\nPERP-2,2E0\r\n",
        "instrument;amount\nUSD;1.234,57\nPERP-1;-0,15\nPERP-2;2\n",
        "instrument\tamount\nUSD\t1 234,57\nPERP-1\t-.15\nPERP-2\t2.\n",
        "amount,instrument\n\"1,234.57\",\"USD\"\n(0.15),perp-1\n2,Perp-2\n",
        "symbol,side,qty\nUSD,long,1'234.57\nPERP-1,short,0.15\nPERP-2,BUY,2\n",
        "asset,total,direction\nUSD,1234.57,both\nPERP-1,-0.15,Sell\nPERP-2,2,net\n",
    ] {
        assert_eq!(
            lots(&read(text).unwrap_or_else(|error| panic!("{text}: {error}"))),
            [123_457, -1_500, 20_000],
            "{text}"
        );
    }
}

#[test]
fn names_stand_for_what_the_user_says() {
    let names = [("usd tether", "USD"), ("P1", "PERP-1"), ("how many", "amount")];
    let names = names.map(|(name, meaning)| (name.to_owned(), meaning.to_owned())).into();
    let dialect = Dialect { names, ..Dialect::default() };
    let (holdings, notes) = read_noted("coin,how many,note\nusd tether,5,x\nP1,1,y\n", &dialect).unwrap();
    assert_eq!(lots(&holdings), [500, 10_000, 0]);
    assert_eq!(notes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["columns ignored: note"]);
}

#[test]
fn surplus_decimals_are_rounded_against_the_account_and_said_once() {
    let text = "instrument,amount\nUSD,0.019\nPERP-1,-1.00001\nPERP-2,2.000000000000000000000000000001\n";
    let (holdings, notes) = read_noted(text, &Dialect::default()).unwrap();
    assert_eq!(lots(&holdings), [1, -10_001, 20_000]);
    let note = "amounts with more decimals than a lot has rounded down: less held, more owed (3 rows)";
    assert_eq!(notes.iter().map(ToString::to_string).collect::<Vec<_>>(), [note]);
}

#[test]
fn what_is_written_is_read_back() {
    let holdings = read("instrument,amount\nUSD,1234.57\nPERP-1,-0.15\nPERP-2,0\n").unwrap();
    assert_eq!(read(&holdings.to_csv()), Ok(holdings));
}

#[track_caller]
fn refused(line: &str, message: &str) {
    let error = read(&format!("instrument,amount\nPERP-2,1\n{line}\n")).unwrap_err();
    assert!(error.starts_with(message), "{error}");
    assert!(!error.contains("98765"), "{error}");
}

#[test]
fn rejects_amounts_that_are_none() {
    refused("USD,1000000000000000000.98765", "book.csv:3:5: amount: expected at most the 1000000000000 lots of 10^-2");
    refused("USD,-98765e99", "book.csv:3:5: amount: expected at most the");
    for amount in ["", "-", "98765x", "98765 USD", "NaN", "1.2.3"] {
        refused(&format!("USD,{amount}"), "book.csv:3:5: amount: expected a decimal number");
    }
    for amount in ["\"98,765\"", "\"-1,000\""] {
        refused(&format!("USD,{amount}"), "book.csv:3:5: amount: expected a number that can be read in one way");
    }
    let semicolons = read("instrument;amount\nUSD;98.765\n").unwrap_err();
    assert!(semicolons.contains("a number that can be read in one way"), "{semicolons}");
}

#[test]
fn rejects_instruments_that_are_unknown_or_listed_twice() {
    refused("EUR,1", "book.csv:3:1: instrument: expected an instrument of the universe sample, found EUR");
    refused("98765,1", "book.csv:3:1: instrument: expected an instrument of the universe sample, found another name");
    refused(
        "PERP2,1",
        "book.csv:3:1: instrument: expected an instrument of the universe sample, found PERP2; did you mean PERP-2? --map PERP2=PERP-2 says so",
    );
    refused("PERP-2,98765", "book.csv:3:1: instrument: expected each instrument once, found PERP-2 again");
    assert!(read("name,sizes\nUSD,1\n").unwrap_err().contains("expected a column lots or amount, found the columns"));
}

#[test]
fn rejects_an_account_that_states_nothing() {
    for text in ["instrument,amount\n", "instrument,lots\n\n,\n"] {
        let error = read(text).unwrap_err();
        assert!(error.contains("expected at least one row under the header, found none"), "{error}");
    }
    assert_eq!(lots(&read("instrument,amount\nUSD,0\n").unwrap()), [0, 0, 0]);
}

/// Attack: a short or a debt that is in a column that nobody reads.
#[test]
fn rejects_columns_that_would_turn_debts_into_holdings() {
    let refused = |text: &str, message: &str| {
        let error = read(text).unwrap_err();
        assert!(error.contains(message), "{error}");
    };
    refused(
        "instrument,amount,borrowed\nUSD,5,7\n",
        "expected what is owed as a negative amount, found a column borrowed",
    );
    refused("instrument,amount,side\nUSD,5,x\n", "book.csv:2:7: side: expected long or short, found x");
    refused("instrument,amount,side\nUSD,5,\n", "book.csv:2:7: side: expected long or short");
    refused(
        "instrument,amount,side\nUSD,-5,long\n",
        "book.csv:2:8: side: expected short, or an amount that is not negative",
    );
    refused("instrument,amount,lots\nUSD,5,5\n", "book.csv:1:1: expected a column lots or a column amount, found both");
}

#[test]
fn all_mistakes_are_told() {
    let error = read("instrument,amount\nEUR,x\nUSD,1\nUSD,2\nPERP-1\n").unwrap_err();
    let places: Vec<_> = error.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["book.csv:2:1", "book.csv:2:5", "book.csv:4:1", "book.csv:5:1"]);
}
