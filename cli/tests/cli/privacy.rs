//! Strangers see nothing of an account that depends on its holdings.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
};

use alloy_primitives::hex;
use serde_json::Value;
use surety_circuits::Witness;
use surety_core::{
    ident::HexBytes,
    text::Document as _,
    units::{Price, Timestamp},
};
use surety_kzg::{Masks, SecretScalars, scalar};
use surety_margin::{
    evaluate::evaluate,
    holdings::{Balance, Position},
    market::MarketEntry,
    policy::Policy,
    program::Assignment,
    universe::Universe,
};
use surety_prover::{
    account::Account,
    opening::{Opening, SecretMasks},
};
use surety_verifier::attestation::signature::SigningKey;
use zeroize::ZeroizeOnDrop;

use crate::sandbox::{Sandbox, files_below, read_json};

/// Two accounts that have nothing in common but the policy that both satisfy.
const PORTFOLIOS: [[&str; 3]; 2] = [
    ["USDC,4200000000000", "USDC,0", "USDC,0"],
    [
        "USDC,98765432109876\nETH,31415926535\nBTC,2718281828\nwstETH,16180339887",
        "USDC,-8675309867530\nETH,1414213562\nSOL,5772156649\nUSDT,123456789123",
        "USDC,70710678118654\nBTC-PERP,-2449489\nETH-PERP,-1732050\nSOL-PERP,2236067",
    ],
];

/// Names of the demonstration's sources, and their accounts.
const SOURCES: [(&str, &str); 3] =
    [("custodian-north", "treasury"), ("custodian-south", "lending"), ("venue-atlas", "trading")];

/// A demonstration whose sources state other balances, and an attestation of it.
fn package(portfolio: &[&str; 3]) -> Sandbox {
    let (sandbox, demo) = Sandbox::with_demo();
    let claim = read_json(&demo.join("attestation.json"))["claim"].clone();
    let as_of = claim["statements"][0]["as_of"].as_u64().unwrap();
    for ((source, account), balances) in SOURCES.iter().zip(portfolio) {
        let carried = |line: &str| format!("{line},{}\n", if line.contains("PERP") { "carried" } else { "" });
        let rows: String = balances.lines().map(carried).collect();
        sandbox.write("holdings.csv", &format!("instrument,lots,cost\n{rows}"));
        let key = sandbox.demo_key(source);
        let line = format!(
            "source attest --universe demo/universe.toml --holdings holdings.csv --account {account} --subject {} \
             --chain-id 31337 --registry {} --as-of {as_of} --sequence {} --key {key} --out demo",
            claim["subject"].as_str().unwrap(),
            claim["audience"]["registry"].as_str().unwrap(),
            as_of + 1,
        );
        sandbox.surety(&line).expect(0);
    }
    fs::remove_file(sandbox.path("holdings.csv")).unwrap();
    for file in ["attestation.json", "attestation-initial.json"] {
        fs::remove_file(demo.join(file)).unwrap();
    }
    sandbox
}

/// The lengths of all files that are not private, by name. Statements are named by their hashes: names of one length.
fn sizes(directory: &Path) -> BTreeMap<String, Vec<u64>> {
    let mut sizes: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for file in files_below(directory).iter().filter(|file| !file.starts_with(directory.join("private"))) {
        let parent = file.parent().unwrap().strip_prefix(directory).unwrap();
        sizes.entry(parent.display().to_string()).or_default().push(fs::metadata(file).unwrap().len());
    }
    sizes.values_mut().for_each(|sizes| sizes.sort_unstable());
    sizes
}

/// Texts with everything that differs from one run to the next put out of sight: numbers keep their lengths.
fn shape(text: &str) -> String {
    text.chars().map(|character| if character.is_ascii_hexdigit() { '0' } else { character }).collect()
}

const COMMANDS: [&str; 7] = [
    "prove demo --trust demo/trust.toml --json",
    "prove demo --trust demo/trust.toml --level initial --out demo/initial.json",
    "prove demo --trust demo/trust.toml --dry-run --json",
    "verify demo/attestation.json --allow-insecure-srs --json",
    "verify demo/initial.json --allow-insecure-srs",
    "info demo/attestation.json --json",
    "verify demo/attestation.json --json",
];

/// Attack: guess from the size of a file, from the number of rows or from a message what an account holds.
#[test]
fn rejects_telling_accounts_apart_by_sizes_rows_or_messages() {
    let seen = PORTFOLIOS.map(|portfolio| {
        let sandbox = package(&portfolio);
        let said: Vec<_> = COMMANDS
            .iter()
            .map(|line| {
                let run = sandbox.surety(line);
                (run.code, shape(&run.stdout), shape(&run.stderr))
            })
            .collect();
        let proof = read_json(&sandbox.path("demo/attestation.json"))["proof"].as_str().unwrap().len();
        (said, proof, sizes(&sandbox.path("demo")), sizes(&sandbox.path("state")))
    });
    let [first, second] = &seen;
    for ((line, first), second) in COMMANDS.iter().zip(&first.0).zip(&second.0) {
        assert_eq!(first.1.len(), second.1.len(), "{line}: {} and {}", first.1, second.1);
        assert_eq!((first.0, &first.2), (second.0, &second.2), "{line}");
    }
    assert_eq!((first.1, &first.2, &first.3), (second.1, &second.2, &second.3));
}

/// Attack: read holdings in what any command writes that is not the holder's alone, refusals included.
#[test]
fn rejects_holdings_in_what_public_commands_write() {
    let sandbox = package(&PORTFOLIOS[1]);
    let mut said = Vec::new();
    for line in COMMANDS.iter().copied().chain([
        "audit demo --allow-insecure-srs --html report.html",
        "audit demo --allow-insecure-srs --json",
        "audit demo --allow-insecure-srs --csv",
        "archive add kept demo --json",
        "archive list kept",
        "archive export kept --out kept-files",
        "calldata demo/attestation.json --json",
        "policy inspect demo --json",
        "prove demo --trust demo/trust.toml --level liquidation --out no.json",
        "prove demo --trust demo/trust.toml --valid-until 1 --out no.json",
        "doctor --json",
    ]) {
        let run = sandbox.surety(line);
        said.push((line.to_owned(), run.stdout + &run.stderr));
    }
    // An account that does not suffice, and an opening that does not fit.
    fs::rename(sandbox.path("demo/private"), sandbox.path("private")).unwrap();
    let run = sandbox.surety("prove demo --trust demo/trust.toml --out no.json --json").expect(2);
    said.push(("without openings".to_owned(), run.stdout + &run.stderr));
    fs::rename(sandbox.path("private"), sandbox.path("demo/private")).unwrap();
    let private = sandbox.path("demo/private");
    for file in files_below(&sandbox.path(".")) {
        let text = fs::read(&file).unwrap();
        if !file.starts_with(&private) && !file.ends_with("policy.toml") {
            said.push((file.display().to_string(), String::from_utf8_lossy(&text).into_owned()));
        }
    }
    let universe = Universe::from_toml("universe.toml", surety_walkthrough::example::UNIVERSE.text).unwrap();
    let mut secrets = BTreeSet::new();
    let mut amounts = BTreeMap::new();
    for line in PORTFOLIOS[1].iter().flat_map(|balances| balances.lines()) {
        let (instrument, lots) = line.split_once(',').unwrap();
        let (lots, sum): (i128, &mut i128) = (lots.parse().unwrap(), amounts.entry(instrument).or_default());
        *sum += lots;
        secrets.extend(renderings(lots, decimals(&universe, instrument)));
    }
    assert_eq!(amounts.len(), 9);
    secrets.extend(amounts.iter().flat_map(|(instrument, lots)| renderings(*lots, decimals(&universe, instrument))));
    // Numbers that follow from the holdings: margins and their parts.
    let explained = sandbox.surety("explain demo --json").data();
    let derived = numbers(&explained["levels"]);
    assert!(derived.len() > 9, "{derived:?}");
    secrets.extend(derived.iter().flat_map(|number| written(number)));
    for opening in files_below(&private) {
        let masks = read_json(&opening)["masks"].as_str().unwrap().trim_start_matches("0x").to_owned();
        secrets.extend(masks.as_bytes().chunks(64).map(|mask| String::from_utf8(mask.to_vec()).unwrap()));
    }
    assert!(secrets.len() > 3 * 6 + 12 * 10);
    for (name, text) in &said {
        let text = text.to_ascii_lowercase();
        let found = secrets.iter().find(|secret| says(&text, secret));
        assert_eq!(found, None, "{name}");
    }
    // The search finds each of them where it is.
    let holders = files_below(&private).iter().map(|file| fs::read_to_string(file).unwrap()).collect::<String>();
    assert!(secrets.iter().filter(|secret| says(&holders, secret)).count() > 3 * 6 + 12);
    assert!(secrets.iter().all(|secret| says(&format!("about {secret}, or so"), secret)));
}

fn decimals(universe: &Universe, instrument: &str) -> usize {
    let found = universe.instruments.iter().find(|found| found.name.as_str() == instrument).unwrap();
    found.lot_decimals.get().into()
}

/// Possible spellings of an amount, in lower case: in lots and in units, its digits grouped or not, or as a number in
/// memory.
fn renderings(lots: i128, decimals: usize) -> Vec<String> {
    let digits = lots.unsigned_abs().to_string();
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    let mut found = written(&digits);
    found.extend(written(&format!("{whole}.{fraction}")));
    let mut element = scalar::to_bytes(&scalar::from_i128(lots));
    found.push(hex::encode(element));
    element.reverse();
    found.push(hex::encode(element));
    found.extend([lots, lots.saturating_neg()].map(|number| format!("{number:032x}")));
    found.push(format!("{:x}", lots.unsigned_abs()));
    found.push(format!("0x{:x}", lots.unsigned_abs()));
    found.retain(|text| text.bytes().filter(u8::is_ascii_hexdigit).count() > SHORT);
    found
}

/// A decimal number as it is, without zeros at the end of its fraction, and with groups of three digits.
fn written(number: &str) -> Vec<String> {
    let number = number.trim_start_matches('-');
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut found = vec![number.to_owned()];
    if !fraction.is_empty() {
        found.push(number.trim_end_matches('0').trim_end_matches('.').to_owned());
    }
    let groups: Vec<_> = whole.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    found.extend([",", "_", " ", "'", "\u{a0}", "\u{202f}"].map(|separator| groups.join(separator)));
    found.retain(|text| text.bytes().filter(u8::is_ascii_digit).count() > SHORT);
    found
}

/// Fewer digits than these are in many texts.
const SHORT: usize = 6;

/// The decimal numbers in a value, apart from prices and fractions, which are public.
fn numbers(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.parse::<f64>().is_ok() => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Object(fields) => {
            let hidden = fields.iter().filter(|(key, _)| !["price", "weight", "fraction"].contains(&key.as_str()));
            hidden.flat_map(|(_, value)| numbers(value)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a secret stands in a text: not only as a part of another number, unless it is a whole field element.
fn says(text: &str, secret: &str) -> bool {
    let touches = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    text.match_indices(secret).any(|(start, _)| {
        let (before, after) = (text[..start].chars().next_back(), text[start + secret.len()..].chars().next());
        secret.len() >= 32 || !touches(before) && !touches(after)
    })
}

/// Types that print have two implementations. Where the choice is left open, there must be one only.
trait Silent<Which> {
    const SILENT: () = ();
}

impl<T> Silent<()> for T {}
impl<T: fmt::Debug> Silent<bool> for T {}

const fn erases<T: ZeroizeOnDrop>() {}

/// Types that erase themselves, or this does not compile.
const _: () = {
    erases::<SecretScalars>();
    erases::<Masks>();
    erases::<SecretMasks>();
    erases::<Balance>();
    erases::<Position>();
    erases::<Assignment>();
    erases::<Witness>();
    erases::<Account>();
    erases::<SigningKey>();
};

/// Types that do not print at all, or this does not compile.
const _: [(); 7] = [
    <SecretScalars as Silent<_>>::SILENT,
    <Masks as Silent<_>>::SILENT,
    <SecretMasks as Silent<_>>::SILENT,
    <Balance as Silent<_>>::SILENT,
    <Witness as Silent<_>>::SILENT,
    <Account as Silent<_>>::SILENT,
    <SigningKey as Silent<_>>::SILENT,
];

/// Attack: read holdings in a log to which somebody has written a value for debugging. What does not print or erases
/// itself is asserted above, when this is compiled.
#[test]
fn secret_types_erase_themselves_and_do_not_print() {
    let universe = Universe::from_toml("universe.toml", surety_walkthrough::example::UNIVERSE.text).unwrap();
    let policy = Policy::read("policy.toml", surety_walkthrough::example::POLICY.text, &universe).unwrap();
    let holdings =
        surety_import::positions::holdings("holdings.csv", "instrument,lots\nUSDC,98765432109876\n", &universe)
            .unwrap();
    let position = holdings.position(&universe).unwrap();
    let middle = |entry: &MarketEntry| Price::new(entry.min.get().midpoint(entry.max.get())).unwrap();
    let market: Vec<_> = policy.market.iter().map(middle).collect();
    let prices = policy.market_vector(&universe).unwrap().derive(&market, Timestamp(0)).unwrap();
    let evaluation = evaluate(&policy, &universe, &policy.levels[0], &position, &prices).unwrap();
    let figures = numbers(&serde_json::to_value(&evaluation).unwrap());
    assert!(figures.len() >= 3, "{figures:?}");
    let mut secrets: BTreeSet<String> = figures.iter().flat_map(|number| written(number)).collect();
    secrets.extend(renderings(98_765_432_109_876, decimals(&universe, "USDC")));
    let masks = Masks::random(&mut rand_core::OsRng);
    secrets.extend(masks.to_secret_bytes().chunks(32).map(hex::encode));
    let mut printed = format!("{holdings:?} {position:?} {evaluation:?} {:?}", evaluation.margin);
    let opening = Opening::new(HexBytes([7; 32]), holdings, masks);
    printed += &format!("{opening:?} {opening:#?}");
    let found = secrets.iter().find(|secret| says(&printed, secret));
    assert_eq!(found, None, "{printed}");
}

/// Attack: recognise that two attestations are about the same balances, beyond what their claims say.
#[test]
fn rejects_linking_two_proofs_of_one_statement() {
    let (sandbox, demo) = Sandbox::with_demo();
    sandbox.surety("prove demo --trust demo/trust.toml --out again.json").expect(0);
    let proof = |path: &Path| read_json(path)["proof"].as_str().unwrap()[2..].to_owned();
    let words = |proof: &str| -> BTreeSet<String> {
        proof.as_bytes().chunks(64).map(|word| String::from_utf8(word.to_vec()).unwrap()).collect()
    };
    let (first, second) = (proof(&demo.join("attestation.json")), proof(&sandbox.path("again.json")));
    assert_eq!(first.len(), second.len());
    let common: Vec<_> = words(&first).intersection(&words(&second)).cloned().collect();
    assert_eq!(common, Vec::<String>::new());
    let claim = |path: &Path| -> Value { read_json(path)["claim"]["statements"].clone() };
    assert_eq!(claim(&demo.join("attestation.json")), claim(&sandbox.path("again.json")));
}
