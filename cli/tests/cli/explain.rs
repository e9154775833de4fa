//! `surety explain`, and what files of holdings must say of positions.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, files_below};

/// A demonstration, and the example's files beside it.
fn prepared() -> (Sandbox, PathBuf) {
    let (sandbox, demo) = Sandbox::with_demo();
    sandbox.surety("init example").expect(0);
    (sandbox, demo)
}

/// Arguments of `explain` for a book under cross margin.
const EXPLAIN: &str = "explain demo --policy example/policy-cross.toml --holdings book.csv --json";

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn margin(told: &Value) -> f64 {
    number(&told["levels"]["maintenance"]["margin"])
}

fn kinds(told: &Value) -> Vec<(String, String)> {
    let kind = |warning: &Value| {
        let text = |key: &str| warning[key].as_str().unwrap().to_owned();
        (text("kind"), text("instrument"))
    };
    told["warnings"].as_array().unwrap().iter().map(kind).collect()
}

/// An honest mistake, or an attack: 200 perpetuals that cost nothing are worth 20.9 million.
#[test]
fn rejects_derivatives_that_have_cost_nothing() {
    let (sandbox, _) = prepared();
    let key = sandbox.demo_key("custodian-north");
    sandbox.write("book.csv", "instrument,amount\nUSDC,100\nBTC-PERP,200\n");
    let address = format!("0x{}", "11".repeat(20));
    for line in [
        EXPLAIN.to_owned(),
        "import positions book.csv --universe example/universe.toml --out held.csv --json".to_owned(),
        format!(
            "source attest --universe demo/universe.toml --holdings book.csv --account treasury --subject {address} \
             --chain-id 1 --registry {address} --key {key} --out stated --json"
        ),
    ] {
        let run = sandbox.surety(&line).expect(2);
        assert!(run.says("expected what BTC-PERP cost"), "{line}: {}", run.stdout);
        assert!(run.says("add a column entry_price"), "{line}: {}", run.stdout);
    }
    assert!(!sandbox.path("held.csv").exists() && !sandbox.path("stated").exists());
}

#[test]
fn entry_prices_are_as_good_as_quote_balances_that_carry_them() {
    let (sandbox, _) = prepared();
    let told = |text: &str, code: i32| {
        sandbox.write("book.csv", text);
        sandbox.surety(EXPLAIN).expect(code).told()
    };
    let priced = told("instrument,amount,entry_price\nUSDC,100,\nBTC-PERP,200,104000\n", 4);
    // 200 at 104,317.9 less 104,000, and a tenth of the value for margin.
    assert!((-2.03e6..-2.01e6).contains(&margin(&priced)), "{priced}");
    let carried = told("instrument,amount,cost\nUSD,-20800000,\nUSDC,100,\nBTC-PERP,200,carried\n", 4);
    assert_eq!(priced, carried);
    assert_eq!(kinds(&priced), []);
    let free = told("instrument,amount,entry_price\nUSDC,100,\nBTC-PERP,200,0\n", 0);
    assert!((18.7e6..18.9e6).contains(&margin(&free)), "{free}");
    assert_eq!(kinds(&free), [("no-quote-leg".to_owned(), "BTC-PERP".to_owned())]);
    // The imported file gives the same answer.
    sandbox.write("book.csv", "instrument,amount,entry_price\nUSDC,100,\nBTC-PERP,200,104000\n");
    sandbox.surety("import positions book.csv --universe example/universe.toml --out held.csv").expect(0);
    let run = sandbox.surety(&EXPLAIN.replace("book.csv", "held.csv")).expect(4);
    assert_eq!(run.told(), carried);
    // Another quote balance, if the user says so.
    let run = sandbox.surety(&format!("{EXPLAIN} --quote USDC")).expect(4);
    assert_eq!(run.told()["levels"]["maintenance"]["instruments"][0]["amount"], "-20799900");
}

#[test]
fn instruments_are_explained_line_by_line() {
    let (sandbox, _) = prepared();
    sandbox.write("book.csv", "instrument,amount,entry_price\nUSD,30000000,\nBTC,2,\nBTC-PERP,-200,104000\n");
    let told = sandbox.surety(EXPLAIN).expect(0).told();
    let lines = told["levels"]["initial"]["instruments"].as_array().unwrap();
    let line = |name: &str| lines.iter().find(|line| line["instrument"] == name).unwrap();
    let (coin, perpetual) = (line("BTC"), line("BTC-PERP"));
    assert_eq!((&coin["amount"], &coin["weight"], &coin["fraction"]), (&json!("2"), &json!("0.65"), &json!("0")));
    assert!((number(&coin["equity"]) - 0.65 * number(&coin["value"])).abs() < 1e-6, "{coin}");
    assert_eq!((&perpetual["amount"], &perpetual["fraction"]), (&json!("-200"), &json!("0.15")));
    assert!((number(&perpetual["value"]) + 200.0 * number(&perpetual["price"])).abs() < 1e-6, "{perpetual}");
    let sum = |key: &str| lines.iter().map(|line| number(&line[key])).sum::<f64>();
    for key in ["equity", "requirement"] {
        assert!((sum(key) - number(&told["levels"]["initial"][key])).abs() < 1e-3, "{key}");
    }
    let text = sandbox.surety(&EXPLAIN.replace(" --json", "")).expect(0).stdout;
    for word in ["initial, by instrument:", "BTC-PERP", "15 %", "65 %"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn rejects_an_account_of_which_a_part_is_not_stated() {
    let (sandbox, demo) = Sandbox::with_demo();
    sandbox.surety("explain demo").expect(0);
    let is_of_lending = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().starts_with("lending-");
    let file = files_below(&demo.join("statements")).into_iter().find(is_of_lending).unwrap();
    std::fs::remove_file(file).unwrap();
    let run = sandbox.surety("explain demo").expect(2);
    assert!(run.says("found none of lending by custodian-south"), "{}", run.stderr);
}

#[test]
fn what_looks_wrong_is_warned_of() {
    let (sandbox, _) = prepared();
    let universe = std::fs::read_to_string(sandbox.path("demo/universe.toml")).unwrap();
    let limited = universe.replace("name = \"SOL\"\nclass", "name = \"SOL\"\nmax_lots = \"50000000\"\nclass");
    sandbox.write("universe.toml", &limited);
    let policy = std::fs::read_to_string(sandbox.path("example/policy-cross.toml")).unwrap();
    let free = policy.replace("fraction = { maintenance = 100_000, initial = 150_000 }", "");
    let named = "unmargined = [\"BTC-PERP\", \"BTC-26MAR27\"]\nvalidity =";
    sandbox.write("policy.toml", &free.replacen("validity =", named, 1));
    let told = |text: &str| {
        sandbox.write("book.csv", text);
        let line = "explain demo --universe universe.toml --policy policy.toml --holdings book.csv --json";
        sandbox.surety(line).told()
    };
    let found = |text: &str| kinds(&told(text));
    let of = |kind: &str, instrument: &str| (kind.to_owned(), instrument.to_owned());
    let head = "instrument,amount,entry_price\n";
    assert_eq!(found(&format!("{head}USD,90000,\nSOL,5,\nETH-PERP,20,3900\n")), []);
    assert_eq!(found(&format!("{head}USD,90000,\nSOL,5.1,\n")), [of("near-limit", "SOL")]);
    assert_eq!(found(&format!("{head}USD,90000,\nETH-PERP,20,390\n")), [of("far-from-mark", "ETH-PERP")]);
    assert_eq!(found(&format!("{head}USD,90000,\nETH-PERP,-2,40000\n")), [of("far-from-mark", "ETH-PERP")]);
    assert_eq!(found(&format!("{head}USD,90000,\nBTC-PERP,1,104000\n")), [of("uncharged", "BTC-PERP")]);
    assert_eq!(found(&format!("{head}USD,5,\nETH-PERP,20,0\n")), [of("small-quote-leg", "ETH-PERP")]);
    assert_eq!(
        found(&format!("{head}USDC,5,\nETH-PERP,20,0\nSOL-PERP,-1,0\n")),
        [of("no-quote-leg", "ETH-PERP"), of("no-quote-leg", "SOL-PERP")]
    );
}

#[test]
fn exits_with_4_where_the_level_asked_for_is_not_satisfied() {
    let (sandbox, _) = prepared();
    // Between what maintenance and what initial margin require: a tenth and 15 percent of 20.9 million.
    sandbox.write("book.csv", "instrument,amount,entry_price\nUSD,2500000,\nBTC-PERP,200,104317.9\n");
    let run = sandbox.surety(EXPLAIN).expect(4);
    let envelope = run.envelope();
    assert_eq!(envelope["error"]["code"], "insufficient");
    assert_eq!(envelope["error"]["message"], "not satisfied: initial, maintenance-1.5x");
    assert_eq!(envelope["data"]["levels"]["maintenance"]["sufficient"], true);
    let told = sandbox.surety(&format!("{EXPLAIN} --level maintenance")).expect(0).told();
    assert_eq!(told["levels"].as_object().unwrap().len(), 1);
    sandbox.surety(&format!("{EXPLAIN} --level initial")).expect(4);
    let run = sandbox.surety(&format!("{EXPLAIN} --level daily")).expect(2);
    assert!(run.says("expected initial, maintenance, maintenance-1.5x, found daily"), "{}", run.stdout);
}

#[test]
fn rejects_a_file_that_states_no_balances() {
    let (sandbox, _) = prepared();
    sandbox.write("book.csv", "instrument,lots\n");
    let run = sandbox.surety(EXPLAIN).expect(2);
    assert!(run.says("at least one row"), "{}", run.stdout);
}
