//! Positions from spreadsheets.

use surety_core::{
    ident::Name,
    text::table::{Dialect, Note},
    units::Lots,
};
use surety_import::{
    book::Book,
    positions::{self, Reading},
};
use surety_margin::{
    holdings::Holdings,
    universe::{InstrumentClass, Settlement, Universe},
};
use surety_testing::sample;

/// The quote currency in cents, and perpetuals in ten-thousandths, of which files need not say what they cost.
fn universe() -> Universe {
    let mut universe = sample::universe(9, 3);
    universe.instruments[1..].iter_mut().for_each(|instrument| instrument.settlement = Settlement::PremiumPaid);
    universe
}

/// The same, where files have to say it.
fn carried() -> Universe {
    sample::universe(9, 3)
}

fn read_noted(text: &str, dialect: &Dialect) -> Result<(Holdings, Vec<Note>), String> {
    let mut notes = Vec::new();
    let reading = Reading { dialect: dialect.clone(), quote: None };
    let book = positions::read("book.csv", text, &universe(), &reading, &mut notes);
    book.map(|book| (book.holdings, notes)).map_err(|error| error.to_string())
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
        "asset,total,posSide\nUSD,1234.57,net\nPERP-1,0.15,Sell Short\nPERP-2,2,LONG\n",
        "asset,total,position_side\nUSD,1234.57,\nPERP-1,0.15,SHORT\nPERP-2,2,Long\n",
        "asset,total\nUSD,1234.57\nPERP-1,0.15-\nPERP-2,2\n",
        "asset,total\nUSD,1234.57\nPERP-1,\u{2013}0.15\nPERP-2,2\n",
        "SEP=;\nasset;total\nUSD;1.23457E+03\nPERP-1;-0,15\nPERP-2;2,000E0\n",
        "\"Positions, all\"\nasset,total\nUSD,1234.57\nPERP-1,-0.15\nPERP-2,2\n",
        "\"Positions, all\",\nasset,total\nUSD,1234.57\nPERP-1,-0.15\nPERP-2,2\n",
        "{\"asset\": \"USD\", \"total\": \
         1234.57}\n{\"asset\": \"PERP-1\", \"total\": \"-0.15\"}\n{\"asset\": \"PERP-2\", \"total\": 2}\n",
        // Several columns, which agree where they say something.
        "asset,total,lots,qty\nUSD,1234.57,123457,\nPERP-1,,-1500,-0.15\nPERP-2,2,,2.000\n",
        "asset,contracts,contract \
         size,side,posSide,amount\nUSD,1234.57,1,,,1234.57\nPERP-1,15,0.01,sell,short,-0.15\nPERP-2,2,1,net,long,2\n",
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
    assert_eq!(read(&holdings.to_csv(&universe())), Ok(holdings.clone()));
    let written = holdings.to_csv(&carried());
    assert!(written.contains("\nUSD,123457,\nPERP-1,-1500,carried\n"), "{}", *written);
    assert_eq!(surety_import::positions::holdings("h.csv", &written, &carried()), Ok(holdings));
}

fn book_over(file: &str, text: &str, universe: &Universe, quote: Option<&str>) -> Result<(Book, Vec<String>), String> {
    let reading = Reading { quote: quote.map(|quote| Name::new(quote).unwrap()), ..Reading::default() };
    let mut notes = Vec::new();
    let book = positions::read(file, text, universe, &reading, &mut notes).map_err(|error| error.to_string())?;
    Ok((book, notes.iter().map(ToString::to_string).collect()))
}

/// The lots of a table over instruments whose cost is carried.
#[track_caller]
fn carried_lots(text: &str) -> Vec<i128> {
    let (book, _) = book_over("book.csv", text, &carried(), None).unwrap_or_else(|error| panic!("{text}: {error}"));
    book.holdings.position(&carried()).unwrap().lots().iter().map(|lots| lots.get()).collect()
}

#[test]
fn quote_balances_carry_what_positions_cost_however_it_is_stated() {
    for (text, cents) in [
        // 2 contracts at 1,000.
        ("instrument,amount,entry_price\nUSD,100,\nPERP-1,2,1000\n", -190_000),
        ("instrument,lots,entry_price\nUSD,10000,\nPERP-1,20000,1e3\n", -190_000),
        ("PERP-1;2;1.000,0", -190_000),
        ("Symbol,entryPrice,Qty\nPERP-1,1000,2\nUSD,,100\n", -190_000),
        ("instrument,amount,avg_entry_price\nUSD,100,n/a\nPERP-1,2,\"1,000.00\"\n", -190_000),
        ("instrument,amount,cost\nUSD,100,\nPERP-1,2,2000\n", -190_000),
        ("instrument,amount,unrealised_pnl,mark_price\nUSD,100,,\nPERP-1,2,-200,900\n", -190_000),
        ("instrument,amount,markPrice,unRealizedProfit\nUSD,100,,\nPERP-1,2,1100,200\n", -190_000),
        ("instrument,amount,unrealized_pnl,mark,entry_price\nUSD,100,,,\nPERP-1,2,-200,900,1000\n", -190_000),
        // No balance but what it cost.
        ("instrument,amount,entry_price\nPERP-1,2,1000\n", -200_000),
        // What a short position sold for.
        ("instrument,side,amount,entry_price\nUSD,long,100,\nPERP-1,short,2,1000\n", 210_000),
        ("instrument,amount,cost\nUSD,100,\nPERP-1,-2,-2000\n", 210_000),
        ("instrument,amount,unrealised_pnl,mark_price\nUSD,100,,\nPERP-1,-2,200,900\n", 210_000),
        // In so many words, and nothing that cost something.
        ("instrument,amount,entry_price\nUSD,100,\nPERP-1,2,0\n", 10_000),
        ("instrument,amount,cost\nUSD,100,\nPERP-1,2,0\n", 10_000),
        ("instrument,amount,cost\nUSD,100,\nPERP-1,2,Carried\n", 10_000),
        ("instrument,amount,cost,entry_price\nUSD,100,,\nPERP-1,2,carried,1000\n", 10_000),
        ("instrument,amount\nUSD,100\nPERP-1,0\n", 10_000),
    ] {
        let text = if text.starts_with("PERP") {
            format!("instrument;amount;entry_price\nUSD;100;\n{text}\n")
        } else {
            text.to_owned()
        };
        assert_eq!(carried_lots(&text)[0], cents, "{text}");
    }
}

/// Each leg by itself, to the next lower cent: the least that an account can be said to have.
#[test]
fn quote_legs_are_rounded_against_the_account() {
    for (rows, cents) in [
        ("PERP-1,0.0001,0.01,", -1),
        ("PERP-1,-0.0001,0.01,", 0),
        ("PERP-1,-1,0.019999,", 1),
        ("PERP-1,1,0.010000000000000000000000000001,", -2),
        ("PERP-1,-1,0.029999999999999999999999999999,", 2),
        ("PERP-1,0.0001,0.01,\nPERP-2,0.0001,0.01,", -2),
        // What is rounded away of a position has been paid for all the same.
        ("PERP-1,0.00019,100,", -2),
        ("PERP-1,-0.00011,100,", 1),
        // The least of what a row says.
        ("PERP-1,1,100,100.5", -10_050),
        ("PERP-1,-1,100,-100.5", 10_000),
    ] {
        let text = format!("instrument,amount,entry_price,cost\n{rows}\n");
        assert_eq!(carried_lots(&text)[0], cents, "{rows}");
    }
}

#[test]
fn toml_and_json_say_what_positions_cost_by_the_same_keys() {
    let head = r#"{"kind": "surety/holdings", "version": 1, "universe": "sample", "balances": ["#;
    let usd = r#"{"instrument": "USD", "amount": "100"}, "#;
    for (balance, cents) in [
        (r#"{"instrument": "PERP-1", "lots": "20000", "entry_price": "1000"}"#, -190_000),
        (r#"{"instrument": "PERP-1", "amount": 2, "cost": 2000}"#, -190_000),
        (r#"{"instrument": "PERP-1", "amount": "2", "unrealized_pnl": "-200", "mark_price": "900"}"#, -190_000),
        (r#"{"instrument": "PERP-1", "amount": "2", "cost": "carried"}"#, 10_000),
        (r#"{"instrument": "PERP-1", "amount": "2", "entry_price": "0"}"#, 10_000),
        // As it is written, and no floating-point number.
        (r#"{"instrument": "PERP-1", "amount": 1.2, "entry_price": 0.100000000000000000000001}"#, 9_987),
        (r#"{"instrument": "PERP-1", "amount": 2.0, "cost": 2e3}"#, -190_000),
    ] {
        let json = format!("{head}{usd}{balance}]}}");
        let (book, _) = book_over("book.json", &json, &carried(), None).unwrap();
        assert_eq!(book.holdings.position(&carried()).unwrap().lots()[0].get(), cents, "{balance}");
    }
    let toml = "kind = 'surety/holdings'\nversion = 1\nuniverse = 'sample'\n[[balances]]\ninstrument = 'PERP-1'\n\
                amount = '2'\nentry_price = '1000'\n";
    for name in ["book.toml", "BOOK.TOML", "book.v2.Toml"] {
        for amount in ["'2'", "2", "2.0", "0.2e1"] {
            let toml = toml.replace("'2'", amount);
            let (book, notes) = book_over(name, &toml, &carried(), None).unwrap();
            assert_eq!(book.holdings.position(&carried()).unwrap().lots()[0].get(), -200_000);
            assert_eq!(notes, ["what positions cost carried over to the balance of USD (1 row)"]);
        }
    }
    for (balance, message) in [
        (r#"{"instrument": "PERP-1", "amount": "2"}"#, "balances[1].entry_price: expected what PERP-1 cost"),
        (r#"{"instrument": "PERP-1", "lots": "2", "amount": "2", "cost": "0"}"#, "either the key `lots` or the key"),
        (
            r#"{"instrument": "PERP-1", "cost": "0"}"#,
            "expected either the key `lots` or the key `amount`, found neither",
        ),
        (r#"{"instrument": "PERP-1", "amount": "carried", "cost": "0"}"#, "balances[1].amount: "),
        (r#"{"instrument": "PERP-1", "amount": true, "cost": "0"}"#, "balances[1].amount: "),
    ] {
        let error = book_over("book.json", &format!("{head}{usd}{balance}]}}"), &carried(), None).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    for amount in ["inf", "nan"] {
        let error = book_over("b.toml", &toml.replace("'2'", amount), &carried(), None).unwrap_err();
        assert!(error.contains("b.toml:6:10: balances[0].amount: expected a decimal number"), "{error}");
    }
}

/// Attack, or an honest mistake: a position that counts with its full value and has cost nothing.
#[test]
fn rejects_positions_that_do_not_say_what_they_cost() {
    let refused = |text: &str, message: &str| {
        let error = book_over("book.csv", text, &carried(), None).unwrap_err();
        assert!(error.contains(message), "{error}");
        assert!(!error.contains("98765"), "{error}");
    };
    let message = "book.csv:3:1: entry_price: expected what PERP-1 cost: a perpetual counts with its full value, found \
                   nothing that says it; add a column entry_price, or cost, or unrealised_pnl and mark_price";
    refused("instrument,amount\nUSD,100\nPERP-1,98765\n", message);
    refused("instrument,lots\nUSD,100\nPERP-1,-98765\n", message);
    refused("instrument,amount,entry_price\nUSD,100,5\nPERP-1,98765,\n", message);
    refused("instrument,amount,mark_price\nUSD,100,5\nPERP-1,98765,7\n", message);
    refused(
        "instrument,amount,unrealised_pnl\nPERP-1,98765,7\n",
        "book.csv:2:14: unrealised_pnl: expected the mark_price by which the unrealised_pnl was computed, found none",
    );
}

#[test]
fn rejects_costs_that_would_make_an_account_look_better() {
    let refused = |columns: &str, row: &str, message: &str| {
        let text = format!("instrument,amount,{columns}\nPERP-1,{row}\n");
        let error = book_over("book.csv", &text, &carried(), None).unwrap_err();
        assert!(error.contains(message), "{text}: {error}");
        assert!(!error.contains("98765"), "{error}");
    };
    refused("entry_price", "2,-98765", "book.csv:2:10: entry_price: expected a price that is not negative");
    refused("unrealised_pnl,mark_price", "2,98765,-5", "expected a price that is not negative");
    refused("cost", "2,-98765", "book.csv:2:10: cost: expected what was paid for a long position");
    refused("cost", "-2,98765", "book.csv:2:11: cost: expected what was received for a short position");
    refused("unrealised_pnl,mark_price", "2,98765,5", "expected what was paid for a long position");
    refused("cost", "0,-98765", "book.csv:2:10: cost: expected nothing, because there is no position");
    refused("unrealised_pnl", "0,98765", "what has been realised belongs to the cash balance");
    refused(
        "entry_price,cost",
        "2,98765,5",
        "book.csv:2:16: cost: expected the same cost as in the column entry_price",
    );
    refused("entry_price,cost", "2,0,98765", "entry_price: expected the same cost as in the column cost");
    refused("entry_price", "2,98765x", "book.csv:2:10: entry_price: expected a decimal number");
    refused("cost", "2,free", "book.csv:2:10: cost: expected a decimal number");
    refused("entry_price", "2,98765e9999", "expected a cost of at most the 1000000000000 lots of USD");
    refused("entry_price", "100000000,98765", "expected a cost of at most the 1000000000000 lots of USD");
    let digits = "98765".repeat(9);
    refused("entry_price", &format!("2,{digits}"), "expected numbers of at most 38 digits");
}

/// Two quote legs that fit and whose sum does not.
#[test]
fn rejects_quote_balances_beyond_what_the_universe_allows() {
    let text = "instrument,amount,cost\nUSD,-9999999999,\nPERP-1,1,0.01\nPERP-2,1,1\n";
    let error = book_over("book.csv", text, &carried(), None).unwrap_err();
    assert!(
        error.contains("book.csv:4:1: entry_price: expected a balance of USD, with what positions cost"),
        "{error}"
    );
}

#[test]
fn settlements_say_whether_a_cost_is_carried() {
    let mut universe = carried();
    universe.instruments[1].settlement = Settlement::PremiumPaid;
    universe.instruments[2].settlement = Settlement::VariationMargin;
    let lots = |text: &str| {
        let (book, notes) = book_over("book.csv", text, &universe, None).unwrap();
        (book.holdings.position(&universe).unwrap().lots()[0].get(), notes)
    };
    let unread = |rows: &str| {
        vec![format!(
            "costs and prices not counted: those instruments are paid for in cash, which their balance shows ({rows})"
        )]
    };
    assert_eq!(lots("instrument,amount\nUSD,5\nPERP-1,-2\nPERP-2,3\n"), (500, vec![]));
    let rows = "USD,5,1,\nPERP-1,-2,1000,\nPERP-2,3,1000,\n";
    assert_eq!(lots(&format!("instrument,amount,entry_price,upnl\n{rows}")), (500, unread("3 rows")));
    let carried = vec!["what positions cost carried over to the balance of USD (1 row)".to_owned()];
    let rows = "USD,5,\nPERP-2,3,-7.001\n";
    assert_eq!(lots(&format!("instrument,amount,upnl\n{rows}")), (-201, carried));
}

#[test]
fn rejects_costs_whose_quote_balance_nothing_tells() {
    let mut universe = carried();
    universe.instruments[2].class = InstrumentClass::Cash;
    universe.instruments[2].name = Name::new("GBP").unwrap();
    let text = "instrument,amount,entry_price\nPERP-1,2,1000\n";
    let quote = |universe: &Universe, quote| {
        let (book, _) = book_over("book.csv", text, universe, quote)?;
        Ok(book.legs[0].quote.to_string())
    };
    let refused = |quote: Result<String, String>, message: &str| {
        let error = quote.unwrap_err();
        assert!(error.contains(message), "{error}");
    };
    let expected = "expected one cash instrument that carries what PERP-1 cost, found USD, GBP; give --quote NAME";
    refused(quote(&universe, None), expected);
    refused(quote(&universe, Some("PERP-1")), expected);
    assert_eq!(quote(&universe, Some("GBP")), Ok("GBP".to_owned()));
    // Where a market is settled is part of its name.
    let names = [("PERP-1/GBP:GBP".to_owned(), "PERP-1".to_owned())].into();
    let reading = Reading { dialect: Dialect { names, ..Dialect::default() }, quote: None };
    let text = text.replace("PERP-1", "PERP-1/GBP:GBP");
    let book = positions::read("book.csv", &text, &universe, &reading, &mut Vec::new()).unwrap();
    assert_eq!(book.legs[0].quote.as_str(), "GBP");
    universe.instruments[1].quote = Some(Name::new("GBP").unwrap());
    assert_eq!(quote(&universe, None), Ok("GBP".to_owned()));
    assert_eq!(quote(&universe, Some("GBP")), Ok("GBP".to_owned()));
    refused(
        quote(&universe, Some("USD")),
        "expected GBP as the quote balance of PERP-1, as the universe says, found USD",
    );
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
        "book.csv:3:1: instrument: expected an instrument of the universe sample, found PERP2; did you mean PERP-2? \
         --map PERP2=PERP-2 says so",
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
    refused("instrument,amount,side\nUSD,5,x9a9\n", "book.csv:2:7: side: expected long or short, found something else");
    refused("instrument,amount,side\nPERP-1,5,\n", "book.csv:2:10: side: expected long or short");
    refused(
        "instrument,amount,side\nUSD,-5,long\n",
        "book.csv:2:8: side: expected short, or an amount that is not negative",
    );
    for column in ["Amount Borrowed", "totalDebt", "liabilities (USD)", "accruedInterest", "owed $", "loan"] {
        refused(
            &format!("instrument,amount,{column}\nUSD,5,0\nPERP-1,1,98765\n"),
            &format!("book.csv:3:10: expected what is owed as a negative amount, found a column {column}"),
        );
        for nothing in ["0", "", "-", "\u{2013}", "0.00", "n/a", "false"] {
            let text = format!("instrument,amount,{column}\nUSD,5,{nothing}\n");
            assert_eq!(lots(&read(&text).unwrap()), [500, 0, 0], "{text}");
        }
    }
    assert!(read("instrument,amount,openInterest,max allowed\nUSD,5,7,7\n").is_ok());
    for (column, side) in [("dir", "short"), ("kind", "Sell Short"), ("what", "BORROWED"), ("position", "S")] {
        let message = format!(
            "book.csv:1:19: expected sides in a column side, found short positions or debts in {column}; --map \
             '{column}=side' says that they are sides"
        );
        refused(&format!("instrument,amount,{column}\nUSD,5,\nPERP-1,1,long\nPERP-2,1,{side}\n"), &message);
        // Nothing that is short, or something that is no side.
        for other in ["Long", "x"] {
            let text = format!("instrument,amount,{column}\nPERP-1,1,{other}\nPERP-2,1,buy\n");
            assert_eq!(lots(&read(&text).unwrap()), [0, 10_000, 10_000], "{text}");
        }
    }
    let dialect = Dialect { names: [("dir".to_owned(), "side".to_owned())].into(), ..Dialect::default() };
    let (holdings, _) = read_noted("instrument,amount,dir\nUSD,5,borrow\nPERP-1,1,short\n", &dialect).unwrap();
    assert_eq!(lots(&holdings), [-500, -10_000, 0]);
}

/// Attack: the better one of two columns that should say the same.
#[test]
fn rejects_columns_that_disagree() {
    let refused = |text: &str, message: &str| {
        let error = book_over("book.csv", text, &carried(), None).unwrap_err();
        assert!(error.contains(message), "{text}: {error}");
        assert!(!error.contains("98765"), "{error}");
    };
    let amounts = "expected the same amount in each column that says it, found another one";
    refused("instrument,total,balance\nUSD,-98765,100000\n", &format!("book.csv:2:5: amount: {amounts}"));
    refused("instrument,balance,total\nUSD,1,1\nUSD,5,-5\n", amounts);
    refused("instrument,amount,lots\nUSD,5,5\n", &format!("book.csv:2:5: amount: {amounts}"));
    refused("instrument,quantity,lots\nUSD,5,98765\n", amounts);
    refused("instrument,contracts,contract_size,lots\nUSD,5,2,500\n", &format!("book.csv:2:5: contracts: {amounts}"));
    refused("instrument,contracts,contract_size,qty\nUSD,5,2,5\n", amounts);
    refused("instrument,qty,size,side\nUSD,5,-5,\n", amounts);
    refused("instrument,total,qty\nUSD,5,5x\n", "amount: expected a decimal number");
    refused(
        "instrument,amount,side,posSide\nUSD,5,long,short\n",
        "book.csv:2:12: side: expected the same side in each column that says it, found another one",
    );
    for column in ["entry_price", "mark_price", "unrealised_pnl", "cost"] {
        let other = match column {
            "entry_price" => "avgPrice",
            "mark_price" => "mark",
            "unrealised_pnl" => "uPnL",
            _ => "total cost",
        };
        refused(
            &format!("instrument,amount,{column},{other}\nPERP-1,1,98765,5\n"),
            &format!("{column}: expected the same {column} in each column that says it, found another one"),
        );
    }
    // Words are no amounts.
    let text = "instrument,units,amount,entry,entry_price\nUSD,dollars,5,,\nPERP-1,pieces,1,2026-01-02,7\n";
    assert_eq!(carried_lots(text)[0], -200);
    refused("instrument,amount,balance\nUSD,-5 USD,98765\n", "book.csv:2:5: amount: expected a decimal number");
    refused("instrument,units,entry\nUSD,dollars,\nPERP-1,x,y\n", "amount: expected a decimal number");
    assert_eq!(carried_lots("instrument,amount,cost,total cost\nUSD,5,,\nPERP-1,1,carried,carried\n")[0], 500);
    assert_eq!(carried_lots("instrument,amount,cost,total cost\nUSD,5,,\nPERP-1,1,5.0,5\n")[0], 0);
}

/// Attack, or an honest mistake: what is owed shrinks to a thousandth, although the table shows what its points stand
/// for.
#[test]
fn rejects_thousands_that_another_column_shows_to_be_some() {
    let tabs = |amount: &str, price: &str| {
        let text = format!(
            "instrument\tamount\tentry_price\tfee\nUSD\t{amount}\t\t\nPERP-1\t2\t{price}\t\nPERP-2\t1\t0\t{price}\n"
        );
        let book = book_over("book.csv", &text, &carried(), None);
        book.map(|(book, _)| lots(&book.holdings)[0]).map_err(|error| error.to_string())
    };
    assert_eq!(tabs("-900.000", "3.900,50"), Ok(-90_000_000 - 780_100));
    assert_eq!(tabs("-900,000", "3,900.50"), Ok(-90_000_000 - 780_100));
    assert_eq!(tabs("-900.000", "3900.50"), Ok(-90_000 - 780_100));
    assert_eq!(tabs("-900.000", "3900"), Ok(-90_000 - 780_000), "a point alone is a decimal mark");
    for (amount, price) in [("-900.000", "3900,50"), ("-900,000", "3900"), ("-900,000", "3900.5")] {
        let error = tabs(amount, price).unwrap_err();
        assert!(error.contains("book.csv:2:5: amount: expected a number that can be read in one way"), "{error}");
    }
    // A column that nobody asked for shows it, too, but not one with words in it.
    let read = |fee: &str| {
        read(&format!("instrument,amount,fee\nUSD,-900.000,\"{fee}\"\n")).map(|holdings| lots(&holdings)[0])
    };
    assert_eq!(read("3.900,50"), Ok(-90_000_000));
    assert_eq!(read("3.900,50 each"), Ok(-90_000));
    assert!(read("0,5").unwrap_err().contains("a number that can be read in one way"));
}

/// Attack: shares and values in place of what they are of.
#[test]
fn rejects_columns_with_a_sign_in_their_names() {
    for column in ["balance ($)", "position (%)", "Total, \u{20ac}", "% qty"] {
        let error = read(&format!("instrument,\"{column}\"\nUSD,5\n")).unwrap_err();
        let message =
            format!("{column} is not taken for it, because a sign such as % or $ says that it counts something else");
        assert!(error.contains("expected a column lots or amount") && error.contains(&message), "{error}");
    }
    let text = "instrument,amount,mark,UPL%,UPL\nUSD,5,,,\nPERP-1,1,7,0.5,-3\n";
    let (book, notes) = book_over("book.csv", text, &carried(), None).unwrap();
    assert_eq!(lots(&book.holdings)[0], -500);
    assert_eq!(notes[0], "columns ignored: UPL%");
    let error = book_over("book.csv", &text.replace(",UPL\n", ",x\n"), &carried(), None).unwrap_err();
    assert!(error.contains("expected what PERP-1 cost"), "{error}");
    assert!(error.contains("; UPL% is not taken for it, because a sign such as % or $ says"), "{error}");
}

/// Attack: contracts in place of units, and a short in a column beside them.
#[test]
fn rejects_contracts_that_nobody_counts() {
    for text in [
        "instrument,quantity,contract_size\nUSD,5,\nPERP-1,15,0.01\n",
        "instrument,quantity,contractSize\nUSD,5,1\nPERP-1,15,?\n",
        "instrument,quantity,contracts\nUSD,5,\nPERP-1,15,-15\n",
    ] {
        let error = read(text).unwrap_err();
        assert!(error.starts_with("book.csv:3:11: expected columns contracts and contract_size"), "{error}");
    }
    assert_eq!(lots(&read("instrument,amount,contract_size\nUSD,5,\nPERP-1,15,1.0\n").unwrap()), [500, 150_000, 0]);
    assert_eq!(lots(&read("instrument,amount,contracts\nUSD,5,\nPERP-1,1.5,15\n").unwrap()), [500, 15_000, 0]);
}

/// Attack: a loss of what the universe does not have.
#[test]
fn rejects_losses_of_instruments_that_the_universe_does_not_have() {
    let read = |columns: &str, row: &str| {
        let text = format!("instrument,amount,{columns}\nUSD,5,,\nDOGE,{row}\n");
        book_over("book.csv", &text, &carried(), None).map(|(book, notes)| (lots(&book.holdings)[0], notes))
    };
    for row in ["0,-5000,", "0,98765,1", "0,?,0"] {
        let error = read("unrealised_pnl,mark_price", row).unwrap_err();
        assert!(error.contains("book.csv:3:1: instrument: expected an instrument of the universe sample, found DOGE"));
    }
    assert!(read("cost,total cost", "0,,5").is_err());
    assert!(read("total,qty", "0,0,5").is_err());
    let note = "nothing of instruments that the universe does not have (1 row)".to_owned();
    for row in ["0,,", "0,0.00,98765", "0,-,-"] {
        assert_eq!(read("unrealised_pnl,mark_price", row), Ok((500, vec![note.clone()])), "{row}");
    }
}

/// Attack: what is owed, in a member of JSON that is no row.
#[test]
fn rejects_members_of_json_that_would_vanish() {
    let refused = |text: &str, message: &str| {
        let error = read(text).unwrap_err();
        assert!(error.contains(message), "{text}: {error}");
        assert!(!error.contains("98765"), "{error}");
    };
    let an_object =
        |name: &str| format!("expected an object that says how much there is of {name}, found something else");
    refused(r#"{"USD": {"total": 5}, "PERP-1": -3}"#, &an_object("PERP-1"));
    refused(r#"{"USD": {"total": 5}, "perp-2": "-98765"}"#, &an_object("PERP-2"));
    refused(r#"{"USD": {"total": 5}, "PERP-1": null}"#, &an_object("PERP-1"));
    refused(r#"{"USD": {"total": 5}, "PERP-1": [-98765]}"#, &an_object("PERP-1"));
    let list = "expected one list of objects, or objects by name, found a list of objects inside of an object";
    refused(r#"{"USD": {"total": 5}, "positions": [{"instrument": "PERP-1", "amount": -3}]}"#, list);
    refused(r#"{"instrument": "USD", "amount": 5, "positions": [{"instrument": "PERP-1"}]}"#, list);
    refused(r#"{"USD": {"total": 5}, "debt": {"USD": 98765}}"#, "expected what is owed as a negative amount");
    refused(r#"[{"instrument": "USD", "amount": 5, "debt": {"USD": 98765}}]"#, "found a column debt");
    refused(r#"[{"instrument": "USD", "amount": {"free": 98765}}]"#, "amount: expected a decimal number");
    refused(r#"[{"instrument": "USD", "amount": 5, "side": ["short"]}]"#, "side: expected long or short");
    refused(r#"{"USD": 5, "PERP-1": -3}"#, "expected a column instrument, found the columns USD, PERP-1");
    refused(
        r#"{"USD": {"total": 5}, "total": {"USD": 5, "PERP-1": -98765}}"#,
        "expected an object for each name that has an amount, found an amount without one",
    );
    let text =
        r#"{"USD": {"total": 5, "debt": {}}, "uid": 7, "info": [{"x": 1}], "datetime": null, "debt": {"USD": "0"}}"#;
    let (holdings, notes) = read_noted(text, &Dialect::default()).unwrap();
    assert_eq!(lots(&holdings), [500, 0, 0]);
    assert_eq!(notes[0].to_string(), "members that are no objects ignored: uid");
    assert_eq!(lots(&read(r#"{"instrument": "USD", "amount": 5, "info": {"x": 1}}"#).unwrap()), [500, 0, 0]);
}

#[test]
fn all_mistakes_are_told() {
    let error = read("instrument,amount\nEUR,x\nUSD,1\nUSD,2\nPERP-1\n").unwrap_err();
    let places: Vec<_> = error.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["book.csv:2:1", "book.csv:2:5", "book.csv:4:1", "book.csv:5:1"]);
}

#[test]
fn balances_of_venues_interfaces_are_positions() {
    let text = r#"{"info": {"uid": "98765"}, "timestamp": 1700000000000,
        "USD": {"free": 1000.0, "used": 234.57, "total": 1234.57, "debt": 0},
         "PERP-1": {"total": -1.5e-1, "debt": null},
        "DOGE": {"free": 0, "used": 0, "total": 0.0}, "free": {"USD": 1000.0}, "total": {"USD": 1234.57}}"#;
    let (holdings, notes) = read_noted(text, &Dialect::default()).unwrap();
    assert_eq!(lots(&holdings), [123_457, -1_500, 0]);
    let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes[1], "nothing of instruments that the universe does not have (1 row)");
}

#[test]
fn positions_of_venues_interfaces_are_contracts_times_their_size_and_carry_their_cost() {
    let text = r#"[{"info": {}, "id": null, "symbol": "BTC/USDT:USDT", "contracts": 15, "contractSize": 0.01,
        "side": "short", "entryPrice": 30000.5, "markPrice": 30010, "unrealizedPnl": -1.425,
          "leverage": 5.0, "hedged": false},
        {"symbol": "ETH/USDT:USDT", "contracts": 0, "contractSize": 0.1, "side": null, "entryPrice": null}]"#;
    let names = [("BTC/USDT:USDT".to_owned(), "PERP-1".to_owned())].into();
    let reading = Reading { dialect: Dialect { names, ..Dialect::default() }, quote: None };
    let read = |text: &str| {
        let book = positions::read("book.json", text, &carried(), &reading, &mut Vec::new());
        book.map(|book| lots(&book.holdings)).map_err(|error| error.to_string())
    };
    assert_eq!(read(text).unwrap(), [450_007, -1_500, 0]);
    let error = read(&text.replace("30000.5", "null").replace("-1.425", "null")).unwrap_err();
    assert!(error.contains("expected what PERP-1 cost"), "{error}");
    let error = read(&text.replace("\"contractSize\": 0.01,", "")).unwrap_err();
    assert!(error.contains("contract_size"), "{error}");
    let error = read(&text.replace("\"contractSize\"", "\"size of it\"")).unwrap_err();
    assert!(error.contains("expected a column contract_size"), "{error}");
}

/// Attack: contracts whose value is not linear in the price, and debts beside balances.
#[test]
fn rejects_inverse_contracts_and_debts_of_venues_interfaces() {
    for symbol in ["BTC/USD:BTC", "BTC/USD:BTC-260327"] {
        let text = format!(r#"[{{"symbol": "{symbol}", "contracts": 5, "contractSize": 100, "side": "long"}}]"#);
        let names = [(symbol.to_owned(), "PERP-1".to_owned())].into();
        let error = read_noted(&text, &Dialect { names, ..Dialect::default() }).unwrap_err();
        assert!(error.contains("expected a contract that is settled in its quote currency"), "{error}");
    }
    let error = read(r#"{"USD": {"total": 5, "debt": 98765}}"#).unwrap_err();
    assert!(error.contains("expected what is owed as a negative amount, found a column debt"), "{error}");
    assert!(!error.contains("98765"), "{error}");
}
