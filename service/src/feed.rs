//! Where balances and prices come from, and the forms they are in.
//!
//! Errors say where a text came from and what is wrong with its form, never what it says of balances.

use std::{
    collections::BTreeMap,
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::value::RawValue;
use surety_core::{failure::AnyFailure, text::table::Dialect};
use surety_fleet::query::{self, QueryError};
use surety_host::{files, keys::SecretAt};
use surety_import::positions::{self, Reading};
use surety_margin::{holdings::Holdings, universe::Universe};
use zeroize::Zeroizing;

use crate::{
    configuration::{Feed, Form},
    error::NotDone,
    peer::Client,
};

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the output of a program may stay open after its end.
const LEFTOVER: Duration = Duration::from_secs(5);

/// How often is looked whether a program has ended.
const INTERVAL: Duration = Duration::from_millis(20);

/// Most bytes of a text.
const LIMIT: u64 = 8 << 20;

/// What errors call a feed: nothing that was not in the configuration.
#[must_use]
pub fn name(feed: &Feed) -> String {
    match feed {
        Feed::File(path) => path.display().to_string(),
        Feed::Command(words) => format!("the command {}", words.first().map_or("", String::as_str)),
        Feed::Url(request) => request.address.to_string(),
        Feed::Query(_) => "the query".to_owned(),
        Feed::Wallets(wallets) => format!("wallets on chain {}", wallets.chain_id),
    }
}

/// The text that a feed gives now. Wallets give none: see [`crate::wallets`].
///
/// # Errors
/// If it gives none.
pub fn read(feed: &Feed, client: &Client) -> Result<Zeroizing<String>, AnyFailure> {
    match feed {
        Feed::File(path) => Ok(files::read_long_text(path, LIMIT)?),
        Feed::Command(words) => Ok(output(words, &name(feed))?),
        Feed::Url(request) => {
            let header = request.authorization.clone().map(|secret| SecretAt::from(secret).passphrase()).transpose()?;
            let text = client.ask(&request.address, header.as_ref().map(|header| header.as_str()))?;
            Ok(text.ok_or_else(|| NotDone::outside(name(feed), "an answer", "status 404"))?)
        }
        Feed::Query(asked) => {
            let url = SecretAt::from(asked.database.clone()).passphrase()?;
            let url = url.as_str().parse().map_err(QueryError::Address)?;
            let mut text = Zeroizing::new(Vec::new());
            let answer = query::Answer::ask(&url, &asked.sql)?;
            let taken = answer.take(LIMIT + 1).read_to_end(&mut text);
            taken.map_err(|error| NotDone::outside(name(feed), "all rows of the answer", error.to_string()))?;
            Ok(utf8(std::mem::take(&mut *text), &name(feed))?)
        }
        Feed::Wallets(_) => Err(NotDone::input(name(feed), "a feed that gives a text", "wallets").into()),
    }
}

fn utf8(bytes: Vec<u8>, name: &str) -> Result<Zeroizing<String>, NotDone> {
    if bytes.len() as u64 > LIMIT {
        return Err(NotDone::outside(name, format!("at most {LIMIT} bytes"), "more"));
    }
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        NotDone::outside(name, "text", "bytes that are none")
    })
}

/// What a program writes to its standard output. It is killed when its time is over.
fn output(words: &[String], name: &str) -> Result<Zeroizing<String>, NotDone> {
    let failed = |found: String| NotDone::outside(name, "a program that writes a text and ends with code 0", found);
    let (program, arguments) = words.split_first().ok_or_else(|| failed("no program".to_owned()))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let mut stdout = child.stdout.take().ok_or_else(|| failed("no output".to_owned()))?.take(LIMIT + 1);
    let (to, read) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.read_to_end(&mut bytes).map(|_| bytes);
        // Whoever has stopped waiting wants to know nothing.
        let _ = to.send(read);
    });
    let end = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().map_err(|error| failed(error.to_string()))? {
            Some(status) => break status,
            None if Instant::now() > end => {
                // It may have ended by itself in between.
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!("one that ran for {} s", PATIENCE.as_secs())));
            }
            None => thread::sleep(INTERVAL),
        }
    };
    // What it has started and left behind may hold its output open.
    let bytes = read.recv_timeout(LEFTOVER).map_err(|_| failed("an output that does not end".to_owned()))?;
    let bytes = bytes.map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        drop(Zeroizing::new(bytes));
        return Err(failed(status.to_string()));
    }
    utf8(bytes, name)
}

/// The balances that a text states.
///
/// # Errors
/// With every mistake in the text, and without the amounts.
pub fn holdings(
    (file, text): (&str, &str),
    form: Form,
    names: &BTreeMap<String, String>,
    universe: &Universe,
) -> Result<Holdings, AnyFailure> {
    let reading = Reading { dialect: Dialect { delimiter: None, names: names.clone() }, quote: None };
    let table = match form {
        Form::Holdings => None,
        Form::Ccxt => Some(ccxt(file, text)?),
    };
    let text = table.as_deref().map_or(text, String::as_str);
    // A table is recognised by its content, whatever the feed is called.
    let file = if table.is_some() { "ccxt.csv" } else { file };
    // How many rows a reader says something of depends on the holdings: no log has it.
    Ok(positions::read(file, text, universe, &reading, &mut Vec::new())?.holdings)
}

/// The part of an answer of ccxt's `fetchBalance` that says what an account has.
/// Source: <https://docs.ccxt.com/#/?id=balance-structure>.
#[derive(Deserialize)]
struct Balance<'a> {
    #[serde(borrow)]
    total: BTreeMap<String, &'a RawValue>,
}

/// A table of the amounts under `total`, which are numbers, strings with numbers, or null for nothing.
fn ccxt(file: &str, text: &str) -> Result<Zeroizing<String>, NotDone> {
    let wrong = || {
        let expected = "the answer of fetchBalance: an object with amounts by currency under total";
        NotDone::outside(file, expected, "something else")
    };
    let balance: Balance<'_> = serde_json::from_str(text).map_err(|_| wrong())?;
    let mut table = Zeroizing::new(String::with_capacity(2 * text.len() + 64));
    table.push_str("instrument,amount\n");
    for (currency, amount) in balance.total {
        let amount = amount.get().trim_matches('"');
        let is_number = amount.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        match amount {
            "null" => continue,
            _ if !is_number || currency.contains([',', '"', '\n', '\r', ';', '\t']) => return Err(wrong()),
            _ => [currency.as_str(), ",", amount, "\n"].into_iter().for_each(|part| table.push_str(part)),
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client::new(&crate::configuration::Peers::default()).unwrap()
    }

    fn command(script: &str) -> Feed {
        Feed::Command(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    #[test]
    fn a_program_gives_a_text() {
        assert_eq!(read(&command("echo instrument,amount"), &client()).unwrap().as_str(), "instrument,amount\n");
    }

    #[test]
    fn rejects_programs_that_fail_or_write_no_text() {
        for (script, found) in [("echo 5; exit 3", "exit status: 3"), ("printf '\\377'", "bytes that are none")] {
            let refused = read(&command(script), &client()).unwrap_err().to_string();
            assert!(refused.contains(found) && refused.contains("the command sh"), "{refused}");
        }
        assert!(read(&Feed::Command(vec!["/nowhere".to_owned()]), &client()).is_err());
    }

    #[test]
    fn an_answer_of_ccxt_is_a_table() {
        let text = r#"{"info": {"x": [1]}, "free": {"BTC": 1}, "total": {"BTC": 1.50, "USDT": "-3e2", "ETH": null}}"#;
        assert_eq!(ccxt("venue", text).unwrap().as_str(), "instrument,amount\nBTC,1.50\nUSDT,-3e2\n");
    }

    #[test]
    fn rejects_answers_that_are_not_ccxts() {
        for text in ["", "{}", r#"{"total": 5}"#, r#"{"total": {"BTC": {"a": 5}}}"#, r#"{"total": {"B,C": 5}}"#] {
            let refused = ccxt("venue", text).unwrap_err().to_string();
            assert!(!refused.contains('5') && refused.starts_with("venue: expected"), "{refused}");
        }
    }
}
