//! `surety import`, and what `surety explain` says of it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;
use surety_core::{
    text::Document as _,
    units::{Price, Seconds},
};
use surety_host::{documents, files::Existing};
use surety_margin::{
    market::{EntryPrice, Observation, Observed, Report, Snapshot},
    policy::Policy,
    universe::Universe,
};
use surety_prover::oracle::{self, Clock, Comparison};
use surety_verifier::attestation::{identifiers::FeedsId, report, signature::SigningKey};

use crate::sandbox::{Sandbox, read_json, shared};

/// The agreement that is required, relative.
const TOLERANCE: f64 = 1e-8;

/// The published cases, or none if they are not there.
fn cases() -> Vec<PathBuf> {
    let folder = shared("cases/derive-pm2");
    let mut paths: Vec<_> =
        folder.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

fn case(prefix: &str) -> Option<PathBuf> {
    cases().into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).expect("a number")
}

#[track_caller]
fn assert_close(what: &str, found: f64, expected: f64, size: f64) {
    let deviation = (found - expected).abs();
    assert!(deviation <= TOLERANCE * expected.abs().max(size), "{what}: found {found}, expected {expected}");
}

fn amount(items: &Value, name: &str) -> f64 {
    let item = items.as_array().and_then(|items| items.iter().find(|item| item["name"] == name));
    item.map_or(0.0, |item| number(&item["amount"]))
}

/// Every figure that both the case and the explanation have.
fn assert_explained(case: &Path, levels: &Value) {
    let name = case.display().to_string();
    let result = &read_json(case)["Result"];
    let expected = |figure: &str| number(&result[figure]);
    let size = 1e-4 * expected("MM").abs();
    for (level, margin, factor, perpetual, options, collateral) in [
        ("maintenance", "MM", "MMLossFactor", "MMPerpCont", "MMOptionCont", "MMBaseCont"),
        ("initial", "IM", "im_loss_factor", "IMPerpContNormal", "IMOptionContNormal", "IMBaseContNormal"),
    ] {
        let found = &levels[level];
        assert_close(&name, number(&found["margin"]), expected(margin), 0.0);
        let (credits, charges, scenarios) = (&found["credits"], &found["charges"], &found["scenarios"]);
        assert_close(&name, amount(credits, "options"), expected("OptionMTM"), size);
        assert_close(&name, amount(credits, "collateral"), expected("CollateralMTM"), size);
        assert_close(&name, -amount(charges, "perpetuals"), expected(perpetual), size);
        assert_close(&name, -amount(charges, "naked short options"), expected(options), size);
        assert_close(&name, -amount(charges, "haircut of collateral"), expected(collateral), size);
        if level == "initial" {
            assert_close(&name, -amount(charges, "prices of little confidence"), expected("OracleCont"), size);
        }
        // The outcome of scenarios is shown as it counts: times the loss factor.
        let factor = expected(factor);
        let contingency = amount(scenarios, "basis contingency") / factor;
        assert_close(&name, contingency, expected("ForwardContingency"), size);
        let scenarios = scenarios.as_array().unwrap().iter().skip(1);
        let lists = ["reg_losses", "tail_losses", "skew_losses"].into_iter();
        let losses: Vec<_> = lists.flat_map(|list| result[list].as_array().unwrap()).collect();
        assert_eq!(scenarios.len(), losses.len(), "{name}");
        for (scenario, loss) in scenarios.zip(losses) {
            let loss = number(loss.as_array().unwrap().last().unwrap());
            assert_close(&name, number(&scenario["amount"]) / factor, loss, size);
        }
    }
}

#[test]
fn every_published_case_is_imported_and_explained() {
    let sandbox = Sandbox::new();
    for case in cases() {
        let import =
            sandbox.run(["import", "derive-pm2", case.to_str().unwrap(), "--out", "book", "--force", "--json"]);
        import.data();
        assert_explained(&case, &sandbox.surety("explain book --json").told()["levels"]);
    }
}

/// Every case that Derive publishes with a negative margin can be proven to fail.
#[test]
#[ignore = "takes a minute: scripts/check --full runs it"]
fn full_every_published_case_of_a_negative_margin_has_a_shortfall() {
    let sandbox = Sandbox::new();
    let is_negative = |case: &&PathBuf| {
        let result = &read_json(case)["Result"];
        ["MM", "IM"].iter().any(|figure| number(&result[figure]) < 0.0)
    };
    for case in cases().iter().filter(is_negative) {
        let words = ["import", "derive-pm2", case.to_str().unwrap(), "--shortfall", "--out", "book", "--force"];
        sandbox.run(words).expect(0);
        let levels = sandbox.surety("explain book --json").expect(4).told()["levels"].clone();
        for level in ["maintenance", "initial"] {
            let [sufficient, short] = [&levels[level], &levels[&format!("{level}-shortfall")]];
            assert_eq!(sufficient["provable"], sufficient["sufficient"], "{}", case.display());
            assert_eq!(short["provable"], !sufficient["sufficient"].as_bool().unwrap(), "{}", case.display());
        }
    }
}

/// A case of a negative margin, moved to the present because its options have expired: stated, priced, and proven to
/// fail.
#[test]
fn a_published_case_of_a_negative_margin_is_proven_to_fail() {
    let Some(case) = case("test_18_") else { return };
    let sandbox = Sandbox::new();
    let [node, source] = ["oracle-1", "custodian-north"].map(|name| sandbox.demo_key(name));
    let [node_at, source_at] = [&node, &source]
        .map(|key| sandbox.surety(&format!("key address --key {key}")).expect(0).stdout.trim().to_owned());
    let words = format!("--srs development --node {node_at} --source {source_at} --shortfall --out book");
    let import = ["import", "derive-pm2", case.to_str().unwrap()];
    sandbox.run(import.into_iter().chain(words.split(' '))).expect(0);
    let snapshot = read_json(&sandbox.path("book/market.json"));
    let time = snapshot["time"].as_u64().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let moved = (now - 10 - time) / 300 * 300;
    for file in ["universe.toml", "policy.toml"] {
        let text = fs::read_to_string(sandbox.path(&format!("book/{file}"))).unwrap();
        // The only times in the files are expiries.
        let moved = text.lines().map(|line| match line.split_once(" = ") {
            Some((key @ ("expiry" | "time"), at)) => format!("{key} = {}\n", at.parse::<u64>().unwrap() + moved),
            _ => format!("{line}\n"),
        });
        sandbox.write(&format!("book/{file}"), &moved.collect::<String>());
    }
    let prices = snapshot["prices"].as_array().unwrap().iter();
    let line = |price: &Value| format!("{},{},0\n", price["entry"].as_str().unwrap(), price["price"].as_str().unwrap());
    sandbox.write("prices.csv", &format!("entry,price,confidence\n{}", prices.map(line).collect::<String>()));
    let at = time + moved;
    sandbox
        .surety(&format!("market sign book --observations prices.csv --key {node} --at {at} --out report.json"))
        .expect(0);
    fs::remove_file(sandbox.path("book/market.json")).unwrap();
    sandbox.surety("market aggregate book --report report.json").expect(0);
    let subject = "0x00000000000000000000000000000000000000aa";
    sandbox
        .surety(&format!(
            "source attest --universe book/universe.toml --holdings book/private/holdings.csv --account account \
             --subject {subject} --chain-id 1 --registry {subject} --as-of {at} --key {source} --out book"
        ))
        .expect(0);
    sandbox.surety("prove book --unpublished-snapshot --out book/fine.json").expect(4);
    sandbox.surety("prove book --shortfall --unpublished-snapshot --out book/short.json").expect(0);
    let verified = sandbox.surety("verify book/short.json --allow-insecure-srs --shortfall").expect(0);
    assert!(verified.says("does not satisfy maintenance-shortfall of derive-pm2"));
}

#[test]
fn an_import_is_private_where_it_must_be_and_says_what_it_lacks() {
    let Some(case) = case("test_57_") else { return };
    let sandbox = Sandbox::new();
    let import = |more: &[&str]| {
        let words = ["import", "derive-pm2", case.to_str().unwrap(), "--out", "book"];
        sandbox.run(words.into_iter().chain(more.iter().copied()))
    };
    let run = import(&[]).expect(0);
    assert!(run.stdout.contains("PLACEHOLDERS") && run.stderr.contains("PLACEHOLDERS"));
    assert!(fs::read_to_string(sandbox.path("book/policy.toml")).unwrap().contains("ATTENTION: PLACEHOLDERS"));
    let mode = |name: &str| fs::metadata(sandbox.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("book/private"), mode("book/private/holdings.csv")), (0o700, 0o600));
    assert_eq!(read_json(&sandbox.path("book/market.json"))["reports"], serde_json::json!([]));
    let text = sandbox.surety("explain book").expect(0).stdout;
    for word in ["maintenance: sufficient", "options", "scenarios, as they count", "basis contingency"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    // Nothing is overwritten unless asked for.
    import(&[]).expect(2);
    let (node, source) = (format!("0x{}", "11".repeat(20)), format!("0x{}", "22".repeat(20)));
    let run = import(&["--force", "--node", &node, "--source", &source, "--srs", "development"]).expect(0);
    assert!(!run.says("PLACEHOLDERS"));
    let policy = fs::read_to_string(sandbox.path("book/policy.toml")).unwrap();
    assert!(policy.contains(&node) && policy.contains(&source) && !policy.contains("PLACEHOLDERS"));
    sandbox.surety("policy compile book --out compiled.json").expect(0);
    import(&["--force", "--srs", "unheard-of"]).expect(2);
}

#[test]
fn a_case_whose_gains_exceed_losses_is_imported() {
    let Some(case) = case("test_97_") else { return };
    let sandbox = Sandbox::new();
    let data =
        sandbox.run(["import", "derive-pm2", case.to_str().unwrap(), "--out", "book", "--json"]).expect(0).data();
    assert_eq!(data["k"], 15);
    let expected = read_json(&case)["Result"].clone();
    // Whether it satisfies a level or not.
    let levels = sandbox.surety("explain book --json").told()["levels"].clone();
    for (level, figure) in [("maintenance", "MM"), ("initial", "IM")] {
        assert_close(figure, number(&levels[level]["margin"]), number(&expected[figure]), 0.0);
    }
    // The bits of it are told.
    let inspected = sandbox.surety("policy inspect book --json").data();
    assert!(inspected["levels"][0]["bits"].as_object().unwrap().values().all(|bits| bits.as_u64() > Some(1)));
}

#[test]
fn rejects_a_case_without_a_price_and_writes_nothing() {
    let Some(case) = case("test_97_") else { return };
    let sandbox = Sandbox::new();
    let mut value = read_json(&case);
    value["Scenario"]["StablePrice"] = serde_json::json!(0);
    sandbox.write("case.json", &value.to_string());
    let run = sandbox.run(["import", "derive-pm2", "case.json", "--out", "book"]).expect(2);
    assert!(run.stderr.contains("StablePrice"), "{}", run.stderr);
    assert!(!sandbox.path("book").exists());
}

#[test]
fn haircuts_and_positions_are_imported_together() {
    let Some(table) = shared("cases/haircuts/binance-cex-assets.csv") else { return };
    let sandbox = Sandbox::new();
    let import = |more: &str| {
        let words = ["import", "haircuts", table.to_str().unwrap(), "--json"];
        sandbox.run(words.into_iter().chain(more.split_whitespace()))
    };
    assert_eq!(import("--out loans --token btc --token eth --srs development").data()["instruments"], 3);
    sandbox.write("book.csv", "instrument,amount\nbtc,1000.5\nQUOTE,-1234.56\n");
    sandbox.surety("import positions book.csv --universe loans/universe.toml").expect(0);
    let levels = sandbox.surety("explain loans --json").data()["levels"].clone();
    // 1000.5 btc at 115,770 are worth 115,827,885: 30,000,000 at 100 percent, 20 at 98, 50 at 95, the rest at 90.
    let counted = 30e6 + 0.98 * 20e6 + 0.95 * 50e6 + 0.90 * 15_827_885.0;
    assert_close("counted", number(&levels["maintenance"]["margin"]), counted - 1_234.56, 0.0);
    assert!(import("--out all --ladder vip-loan").data()["instruments"].as_u64().unwrap() > 450);
    import("--out none --token unheard-of").expect(2);
    assert!(!sandbox.path("none").exists());
}

#[test]
fn rejects_positions_that_are_no_lots() {
    let sandbox = Sandbox::new();
    sandbox.surety("init example").expect(0);
    sandbox.write("book.csv", "instrument,amount\nUNKNOWN,1\n");
    let run = sandbox.surety("import positions book.csv --universe example/universe.toml --out h.csv --json").expect(2);
    let problem = &run.envelope()["error"]["problems"][0];
    assert_eq!((&problem["line"], &problem["column"]), (&serde_json::json!(2), &serde_json::json!(1)));
    assert!(!sandbox.path("h.csv").exists());
}

/// Attack: 1,000 calls that are owed require nothing at a price of nothing. The policy that is imported does not admit
/// it, none that does is read, no node signs it, nobody aggregates it, and no verifier takes it.
#[test]
fn rejects_a_naked_short_at_prices_of_nothing_wherever_it_comes_by() {
    let sandbox = Sandbox::new();
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../margin/tests/models/portfolio/short-calls.json");
    sandbox.write("oracle.key", &format!("{}\n", "11".repeat(32)));
    fs::set_permissions(sandbox.path("oracle.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let node = sandbox.surety("key address --key oracle.key").expect(0).stdout.trim().to_owned();
    let words =
        ["import", "derive-pm2", case.to_str().unwrap(), "--out", "book", "--node", &node, "--srs", "development"];
    sandbox.run(words).expect(0);
    let explained = sandbox.surety("explain book --json").expect(4).envelope();
    let initial = &explained["data"]["levels"]["initial"];
    assert!(number(&initial["margin"]) < -1_000.0 && initial["sufficient"] == false, "{initial}");

    // Prices of nothing, by hand and under the node's signature.
    let universe = Universe::from_toml("u", &fs::read_to_string(sandbox.path("book/universe.toml")).unwrap()).unwrap();
    let text = fs::read_to_string(sandbox.path("book/policy.toml")).unwrap();
    let policy = Policy::read("p.toml", &text, &universe).unwrap();
    let snapshot: Snapshot = documents::read(&sandbox.path("book/market.json")).unwrap();
    let time = snapshot.time;
    let zero = |name: &str| ["spot", "forward-0", "perpetual-price"].contains(&name);
    let observed = |prices: &[EntryPrice], zero: &dyn Fn(&str) -> bool| -> Vec<Observed> {
        let observation = |stated: &EntryPrice| Observation {
            price: if zero(stated.entry.as_str()) { Price::ZERO } else { stated.price },
            confidence: Price::ZERO,
            age: Seconds(0),
        };
        prices.iter().map(observation).map(Observed::Price).collect()
    };
    let key = SigningKey::from_secret_bytes(&[0x11; 32]).unwrap();
    let sign = |policy: &Policy, observations| {
        oracle::sign(policy, &universe, observations, Clock::at(time), Comparison::None, &key)
    };
    let good = sign(&policy, observed(&snapshot.prices, &|_| false)).unwrap();
    let error = sign(&policy, observed(&snapshot.prices, &zero)).unwrap_err().to_string();
    for name in ["spot", "forward-0", "perpetual-price"] {
        assert!(error.contains(&format!("{name}.price: expected a price of {name} from ")), "{error}");
    }
    let forged = Report { observations: observed(&snapshot.prices, &zero), ..good.clone() };
    let forged = report::sign(forged, &key).unwrap();
    let error =
        oracle::aggregate(&policy, &universe, std::slice::from_ref(&forged), None, time).unwrap_err().to_string();
    assert!(error.contains("reports[0].observations"), "{error}");
    let mut signed = oracle::aggregate(&policy, &universe, std::slice::from_ref(&good), None, time).unwrap();
    let feeds = FeedsId::of(&policy.market).unwrap();
    report::check_signed(&policy, &universe, feeds, &signed).unwrap();
    for stated in signed.prices.iter_mut().filter(|stated| zero(stated.entry.as_str())) {
        stated.price = Price::ZERO;
    }
    signed.reports = vec![forged];
    report::check_signed(&policy, &universe, feeds, &signed).unwrap_err();
    documents::write(&sandbox.path("book/market.json"), &signed, Existing::Replace).unwrap();
    assert!(sandbox.surety("explain book").expect(2).says("expected a price of"));

    // A policy that admits them: nobody reads it.
    let mut lax = policy.clone();
    lax.market.iter_mut().filter(|entry| zero(entry.name.as_str())).for_each(|entry| entry.min = Price::ZERO);
    let error = sign(&lax, observed(&snapshot.prices, &zero)).unwrap_err().to_string();
    assert!(error.starts_with("policy: market["), "{error}");
    oracle::aggregate(&lax, &universe, &[good], None, time).unwrap_err();
    fs::write(sandbox.path("book/policy.toml"), lax.to_toml().unwrap()).unwrap();
    for line in ["policy compile book --out compiled.json", "explain book", "policy inspect book"] {
        let run = sandbox.surety(line).expect(2);
        assert!(run.says("expected more than 0, because model.spot.value"), "{line}: {}", run.stderr);
    }
}

#[test]
fn positions_are_imported_however_they_are_written() {
    let sandbox = Sandbox::new();
    sandbox.surety("init example").expect(0);
    let import = |text: &str, more: &str| {
        sandbox.write("book.csv", text);
        let line = "import positions book.csv --universe example/universe.toml --out h.csv --force --json";
        sandbox.surety(&format!("{line} {more}"))
    };
    for (text, more) in [
        ("instrument,amount\nUSDC,1234567.89\nBTC,-0.000000015\n", ""),
        ("\u{feff}Asset;Qty;Note\r\nUSDC;1.234.567,89;x\r\nbtc;-1,5e-8;y\r\n", ""),
        ("coin,amount\ncircle,\"1,234,567.89\"\nBTC,(0.000000015)\n", "--map circle=USDC"),
        ("instrument;amount,note\nUSDC;1234567.89,\n", "--delimiter ,"),
    ] {
        let run = import(text, more);
        if more == "--delimiter ," {
            run.expect(2);
            continue;
        }
        let data = run.expect(0).data();
        let written = std::fs::read_to_string(sandbox.path("h.csv")).unwrap();
        assert_eq!(written, "instrument,lots,cost\nUSDC,1234567890000,\nBTC,-2,\n");
        let notes = data["notes"].as_array().unwrap();
        assert!(notes.iter().any(|note| note["rows"] == 1), "{notes:?}");
    }
    let error = import("instrument,amount\nUSDCC,1\nUSDC,\"1,234\"\n", "").expect(2).envelope()["error"].clone();
    assert_eq!(error["problems"].as_array().unwrap().len(), 2, "{error}");
    assert!(error["message"].as_str().unwrap().contains("did you mean USDC?"), "{error}");
    import("instrument,amount\n", "").expect(2);
}
