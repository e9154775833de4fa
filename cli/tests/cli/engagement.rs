//! Audits as working papers: their terms, what they rest on, and who stands behind them.

use std::{fs, process::Command, sync::OnceLock};

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, files_below, read_json};

const COUNT: usize = 4;

/// One batch for all tests.
fn batch() -> &'static Sandbox {
    static BATCH: OnceLock<Sandbox> = OnceLock::new();
    BATCH.get_or_init(|| {
        let sandbox = Sandbox::new();
        sandbox.surety(&format!("demo --batch {COUNT} --out batch")).expect(0);
        sandbox
    })
}

fn first_claim() -> Value {
    let mut files = files_below(&batch().path("batch/attestations"));
    files.sort();
    read_json(&files[0])["claim"].clone()
}

/// The terms of an audit of a day around the batch, about its first subject and somebody who has shown nothing.
fn engagement(name: &str) {
    let claim = first_claim();
    let until = claim["valid_until"].as_u64().unwrap();
    let text = format!(
        "kind = \"surety/engagement\"\nversion = 1\nclient = \"Meridian Capital LLP\"\npreparer = \"A. Preparer\"\n\
         reviewer = \"B. Reviewer\"\ntrust = [\"batch/trust.toml\"]\n\n[period]\nfrom = {}\nto = {}\n\n[[subjects]]\n\
         name = \"Fund I\"\naddress = {}\n\n[[subjects]]\nname = \"Fund II\"\naddress = \"0x{}\"\n\n[[policies]]\n\
         policy = {}\nlevels = [{}]\n",
        until - 200_001,
        until - 1,
        claim["subject"],
        "ab".repeat(20),
        claim["policy"],
        claim["level"],
    );
    batch().write(name, &text);
}

#[test]
fn rejects_to_report_coverage_without_those_who_have_shown_nothing() {
    engagement("terms.toml");
    let sandbox = batch();
    let line = "audit batch --engagement terms.toml --allow-insecure-srs --json --html terms.html --manifest SUMS";
    let report = sandbox.surety(line).expect(0).envelope()["data"].clone();
    let basis = &report["timeline"]["basis"];
    assert_eq!(basis["basis"], "stated", "{basis}");
    let subjects = report["timeline"]["subjects"].as_array().unwrap();
    let named = |name: &str| subjects.iter().find(|series| series["subject_name"] == name).unwrap();
    let (first, second) = (named("Fund I"), named("Fund II"));
    assert!(first["attested_seconds"].as_u64().unwrap() > 0, "{first}");
    assert_eq!((&second["attestations"], &second["attested_ppm"]), (&json!(0), &json!(0)));
    let findings = report["findings"].as_array().unwrap();
    let missing = |finding: &&Value| finding["subject"] == second["subject"] && finding["severity"] == "warning";
    assert_eq!(findings.iter().filter(missing).count(), 1, "{findings:?}");
    assert!(report["engagement"]["terms"]["client"] == "Meridian Capital LLP");
    assert!(report["causes"].as_array().unwrap().iter().any(|cause| cause["cause"] == "lapse"));
    sandbox.surety(&format!("{line} --fail-on-findings")).expect(3);
    // Every form names the terms, what was measured, the anchors and the inputs.
    let manifest = report["manifest_sha256"].as_str().unwrap().trim_start_matches("0x");
    let page = fs::read_to_string(sandbox.path("terms.html")).unwrap();
    let text = sandbox.surety("audit batch --engagement terms.toml --allow-insecure-srs").expect(0).stdout;
    let trust = report["trust"][0]["sha256"].as_str().unwrap();
    for shown in [&page, &text] {
        for part in ["Meridian Capital LLP", "as the engagement states", "Fund II", manifest, trust, "oracle node"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
    let csv = sandbox.surety("audit batch --csv --allow-insecure-srs --engagement terms.toml").expect(0).stdout;
    assert!(csv.contains(manifest) && csv.contains(trust), "{csv}");
    let assumed = sandbox.surety("audit batch --allow-insecure-srs").expect(0).stdout;
    assert!(assumed.contains("No period is stated."), "{assumed}");
    // What sha256sum finds is what was audited.
    if let Ok(checked) = Command::new("sha256sum").args(["--check", "SUMS"]).current_dir(sandbox.path(".")).output() {
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
    let listed = fs::read_to_string(sandbox.path("SUMS")).unwrap();
    for file in ["batch/trust.toml", "batch/policy.toml", "terms.toml"] {
        assert!(listed.lines().any(|line| line.ends_with(&format!("  {file}"))), "{file}: {listed}");
    }
    assert_eq!(sandbox.surety("info SUMS --json").data()["kind"], "manifest");
    assert_eq!(sandbox.surety("info terms.toml --json").data()["client"], "Meridian Capital LLP");
    assert_eq!(sandbox.surety("info terms.html --json").data()["kind"], "audit report");
}

#[test]
fn rejects_engagements_that_are_about_the_future_or_broken() {
    engagement("early.toml");
    let run = batch().surety("audit batch --engagement early.toml --at 2020-01-01T00:00:00Z").expect(2);
    assert!(run.says("expected a period that begins before the audit"), "{}", run.stderr);
    batch().write("broken.toml", "kind = \"surety/engagement\"\nversion = 1\nclient = \"\"\n");
    batch().surety("audit batch --engagement broken.toml").expect(2);
}

#[test]
fn a_report_is_filed_signed_and_stamped() {
    engagement("filed.toml");
    let sandbox = batch();
    for paper in ["a4", "letter"] {
        let line = format!("audit batch --engagement filed.toml --allow-insecure-srs --pdf r.pdf --paper {paper}");
        sandbox.surety(&line).expect(0);
        let bytes = fs::read(sandbox.path("r.pdf")).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for part in ["%PDF-", "(Contents)", "(Prepared by: A. Preparer)", "Meridian Capital LLP", "(Sign-off)"] {
            assert!(text.contains(part), "{paper}: {part}");
        }
    }
    assert_eq!(sandbox.surety("info r.pdf --json").data()["kind"], "audit report");
    let key = sandbox.demo_key("custodian-north");
    let signed = sandbox.surety(&format!("audit sign r.pdf --key {key} --json")).data();
    let signer = signed["signer"].as_str().unwrap();
    let check = format!("audit check r.pdf --signature r.pdf.sig.json --signer {signer}");
    sandbox.surety(&check).expect(0);
    assert_eq!(sandbox.surety("info r.pdf.sig.json --json").data()["signer"], signed["signer"]);
    let other = format!("audit check r.pdf --signature r.pdf.sig.json --signer 0x{}", "ab".repeat(20));
    sandbox.surety(&other).expect(3);
    sandbox.surety("audit stamp r.pdf").expect(0);
    sandbox.write("authority.pem", "");
    sandbox.surety("audit check r.pdf --response r.pdf.tsq --authority authority.pem").expect(3);
    sandbox.surety("audit check r.pdf").expect(2);
    fs::write(sandbox.path("r.pdf"), "another").unwrap();
    sandbox.surety(&check).expect(3);
}

#[test]
fn a_sample_is_drawn_again_and_each_of_it_explained() {
    let sandbox = batch();
    let line = "audit batch --allow-insecure-srs --sample 2 --seed 2026 --json";
    let [once, again] = [(); 2].map(|()| sandbox.surety(line).expect(0).envelope()["data"]["sample"].clone());
    assert_eq!((&once, once["population"].as_u64()), (&again, Some(COUNT as u64)));
    let drawn = &once["drawn"][0];
    let (file, sha256) = (drawn["file"].as_str().unwrap(), drawn["sha256"].as_str().unwrap());
    for id in [file, &file[2..], sha256, &sha256[..12]] {
        let run = sandbox.surety(&format!("audit explain {id} batch --allow-insecure-srs --json"));
        let told = run.data();
        assert_eq!((&told["file"], &told["accepted"]), (&json!(file), &json!(true)));
        let steps = told["steps"].as_array().unwrap();
        let titles: Vec<_> = steps.iter().map(|step| step["title"].as_str().unwrap()).collect();
        assert_eq!(titles, ["File", "Claim", "Policy", "Prices", "Balances", "Times", "Proof", "Verdict"]);
    }
    let text = sandbox.surety(&format!("audit explain {file} batch --allow-insecure-srs")).expect(0).stdout;
    for part in ["sha256sum", "seconds old, at most", "signed by 0x", "Not established"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Without the permission it is refused, and the steps before say what was looked at.
    let refused = sandbox.surety(&format!("audit explain {file} batch --json")).expect(5).envelope();
    assert_eq!(refused["data"]["reason"]["code"], "set-up");
    for id in ["nothing.json", "0x1234", "0xffffffffffffffff"] {
        sandbox.surety(&format!("audit explain {id} batch")).expect(2);
    }
}

#[test]
fn a_new_trust_file_leaves_nothing_to_faith() {
    let (sandbox, demo) = Sandbox::with_demo();
    let claim = read_json(&demo.join("attestation.json"))["claim"].clone();
    let (chain, registry) = (&claim["audience"]["chain_id"], claim["audience"]["registry"].as_str().unwrap());
    let accounts: std::collections::BTreeSet<&str> =
        claim["statements"].as_array().unwrap().iter().map(|one| one["account"].as_str().unwrap()).collect();
    let accounts: String = accounts.iter().map(|account| format!(" --account {account}")).collect();
    let line = format!("trust new demo --reports demo --chain-id {chain} --registry {registry}{accounts}");
    let made = sandbox.surety(&format!("{line} --out mine.toml --json")).data();
    assert_eq!((&made["policy"], &made["snapshots"]), (&claim["policy"], &json!(1)));
    assert!(made["rests_on"].as_array().unwrap().len() >= 3, "{made}");
    let text = fs::read_to_string(sandbox.path("mine.toml")).unwrap();
    assert!(text.starts_with("# ") && text.contains("which you must have reviewed"), "{text}");
    sandbox.surety(&line).expect(0);
    sandbox.surety(&line).expect(2);
    let run = sandbox.surety("audit demo --trust mine.toml --strict --allow-insecure-srs --json");
    let report = run.expect(0).envelope();
    assert_eq!(report["data"]["faith"], json!([]), "{}", report["data"]["faith"]);
    // Without the reports it is the holder who has chosen among them.
    sandbox.surety(&format!("{} --out less.toml", line.replace("--reports demo", ""))).expect(0);
    sandbox.surety("audit demo --trust less.toml --strict --allow-insecure-srs").expect(5);
    fs::create_dir(sandbox.path("none")).unwrap();
    let run = sandbox.surety(&line.replace("--reports demo", "--reports none --out other.toml")).expect(2);
    assert!(run.says("expected reports of oracle nodes"), "{}", run.stderr);
}

#[test]
fn archives_and_answers_are_recognised() {
    let sandbox = batch();
    let added = sandbox.surety("archive add known batch --json").expect(0);
    sandbox.write("answer.json", &added.stdout);
    let told = sandbox.surety("info answer.json --json").data();
    assert_eq!((&told["kind"], &told["command"]), (&json!("answer"), &json!("archive add")));
    let told = sandbox.surety("info known --json").data();
    assert_eq!((&told["kind"], &told["head"]), (&json!("archive"), &added.envelope()["data"]["head"]));
    // What is no response of an authority dates nothing.
    sandbox.surety("archive stamp known --out head.tsq").expect(0);
    sandbox.write("none.pem", "");
    sandbox.surety("archive list known --response head.tsq --authority none.pem").expect(3);
    // A database of somebody else.
    let path = sandbox.path("other.sqlite");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    sandbox.surety("info other.sqlite").expect(5);
    let csv = sandbox.surety("audit batch --csv --allow-insecure-srs").expect(0).stdout;
    sandbox.write("report.csv", &csv);
    assert_eq!(sandbox.surety("info report.csv --json").data()["kind"], "audit report");
}
