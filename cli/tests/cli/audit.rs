//! Audits: many attestations at once, each fault told apart, and reports that can be put in a file.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use alloy_primitives::hex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    commands::{attest, example},
    sandbox::{Run, Sandbox, files_below, read_json, shared, write_json},
};

const COUNT: usize = 12;

/// One batch for all tests, each of which changes a copy.
struct Batch {
    sandbox: Sandbox,
    made: Value,
}

fn batch() -> &'static Batch {
    static BATCH: OnceLock<Batch> = OnceLock::new();
    BATCH.get_or_init(|| {
        let sandbox = Sandbox::new();
        let run = sandbox.surety(&format!("demo --batch {COUNT} --out batch --json"));
        let made = run.data();
        Batch { sandbox, made }
    })
}

/// A copy of the batch's public files under a name of its own.
fn copy(name: &str) -> PathBuf {
    let (from, to) = (batch().sandbox.path("batch"), batch().sandbox.path(name));
    for file in files_below(&from) {
        let target = to.join(file.strip_prefix(&from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
    to
}

fn attestations(directory: &Path) -> Vec<PathBuf> {
    let mut files = files_below(&directory.join("attestations"));
    files.sort();
    files
}

fn change(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut content = read_json(path);
    let before = content.clone();
    change(&mut content);
    assert_ne!(content, before, "the change changes something");
    write_json(path, &content);
}

fn audit(line: &str) -> Run {
    batch().sandbox.surety(&format!("audit {line} --allow-insecure-srs"))
}

/// The data of an answer, also of one that fails.
fn data(run: &Run) -> Value {
    run.envelope()["data"].clone()
}

/// Verdict and reason of each file that is not accepted.
fn reasons(data: &Value) -> BTreeMap<String, String> {
    let entries = data["attestations"].as_array().unwrap().iter();
    let refused = entries.filter(|entry| entry["verdict"] != "accepted");
    refused.map(|entry| (text(&entry["file"]), text(&entry["reason"]["code"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn findings(data: &Value, severity: &str) -> Vec<String> {
    let findings = data["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["severity"] == severity).map(|finding| text(&finding["kind"])).collect()
}

fn name(directory: &Path, file: &Path) -> String {
    format!("./{}", file.strip_prefix(directory).unwrap().display())
}

#[test]
fn a_batch_is_accepted_and_reported_on() {
    let made = &batch().made;
    assert_eq!(made["attestations"], COUNT);
    assert!(made["subjects"].as_u64().unwrap() > 1, "{made}");
    let run = audit("batch --json --html report.html").expect(0);
    assert!(run.stderr.contains("INSECURE"), "{}", run.stderr);
    let report = data(&run);
    assert_eq!((&report["accepted"], &report["rejected"]), (&json!(COUNT), &json!(0)));
    for key in ["single_ms", "batch_ms_per_attestation"] {
        assert!(report["timing"][key].as_f64().unwrap() > 0.0, "{key}: {}", report["timing"]);
    }
    assert_eq!(findings(&report, "warning"), [""; 0]);
    assert!(report["not_established"][0].as_str().unwrap().contains("liability"), "{report}");
    assert!(text(&report["established"]).starts_with("nothing"), "over an insecure set-up: {report}");
    let claim = &read_json(&attestations(&batch().sandbox.path("batch"))[0])["claim"];
    let policy = &report["policies"][0];
    for (fact, claimed) in
        [("policy", "policy"), ("srs", "srs"), ("verifying_key", "verifying_key"), ("universe", "universe")]
    {
        assert_eq!(policy[fact], claim[claimed], "{fact}");
    }
    assert_eq!(report["snapshots"][0]["snapshot"], claim["snapshot"]);

    let page = fs::read_to_string(batch().sandbox.path("report.html")).unwrap();
    assert_eq!((page.matches("<svg ").count(), page.matches("<desc>").count()), (3, 3), "nothing was found");
    assert!(!page.contains("<script"), "{page}");
    assert_eq!(
        page.matches("http").count(),
        4,
        "nothing is fetched: a namespace for each drawing, and the policy's header"
    );
    states_its_grounds(&page.replace("&#39;", "'"), &report);
    for shown in ["12 accepted", "no source", "Months of each subject"] {
        assert!(page.contains(shown), "{shown}");
    }
    let csv = audit("batch --csv").expect(0).stdout;
    assert_eq!(csv.lines().count(), COUNT + 1);
    assert!(csv.starts_with("\"file\",\"verdict\",\"reason\","), "{csv}");
    let shown = audit("batch").expect(0).stdout;
    states_its_grounds(&shown, &report);
    for part in ["12 accepted, 0 rejected", "insecure set-up", "not established", "of the time"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let fields = |line: usize| csv.lines().nth(line).unwrap().split(',').map(|field| field.trim_matches('"'));
    let (header, first): (Vec<_>, Vec<_>) = (fields(0).collect(), fields(1).collect());
    let column = |name: &str| first[header.iter().position(|column| *column == name).unwrap()];
    for (name, fact) in
        [("policy", "policy"), ("universe", "universe"), ("set_up", "srs"), ("verifying_key", "verifying_key")]
    {
        assert_eq!(column(name), policy[fact].as_str().unwrap(), "{name}");
    }
    assert_eq!(column("surety"), env!("CARGO_PKG_VERSION"));
    assert!(column("snapshot").starts_with("0x"));
    audit("batch --csv --json").data();
}

/// Policy, universe, set-up, key and snapshots by hash, what is established and what not, months of subjects, and the
/// version.
#[track_caller]
fn states_its_grounds(shown: &str, report: &Value) {
    let policy = &report["policies"][0];
    let hashes = ["policy", "universe", "srs", "verifying_key"].map(|fact| text(&policy[fact]));
    let snapshots = report["snapshots"].as_array().unwrap().iter().map(|snapshot| text(&snapshot["snapshot"]));
    for hash in hashes.into_iter().chain(snapshots) {
        assert!(hash.starts_with("0x") && shown.contains(&hash), "{hash}: {shown}");
    }
    let subject = &report["timeline"]["subjects"][0];
    let month = text(&subject["months"][0]["month"]);
    for part in [&text(&subject["subject"]), &month, env!("CARGO_PKG_VERSION"), "nothing, because everybody knows"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let limits = report["not_established"].as_array().unwrap();
    assert!(!limits.is_empty() && limits.iter().all(|limit| shown.contains(limit.as_str().unwrap())), "{shown}");
}

#[test]
fn anchors_leave_nothing_to_faith() {
    let faithful = data(&audit("batch --json"));
    assert!(!faithful["faith"].as_array().unwrap().is_empty());
    let strict = data(&audit("batch --json --trust batch/trust.toml --strict").expect(0));
    assert_eq!(strict["faith"], json!([]));
    let run = audit("batch --json --strict").expect(5);
    assert_eq!(data(&run)["rejected"], COUNT);
    assert!(reasons(&data(&run)).values().all(|code| code == "strict"));
    // Of several trust files the one that pins the policy is used.
    let trust = fs::read_to_string(batch().sandbox.path("batch/trust.toml")).unwrap();
    let policy = read_json(&attestations(&batch().sandbox.path("batch"))[0])["claim"]["policy"].clone();
    let other = trust.replace(policy.as_str().unwrap(), &format!("0x{}", "11".repeat(32)));
    batch().sandbox.write("other-trust.toml", &other);
    audit("batch --json --trust other-trust.toml --trust batch/trust.toml --strict").expect(0);
    let run = audit("batch --json --trust other-trust.toml").expect(5);
    assert!(reasons(&data(&run)).values().all(|code| code == "anchor"));
}

/// The report says whose anchors were used: where they are, and the hash of the file.
#[test]
fn reports_name_the_trust_file_and_its_hash() {
    let trust = fs::read(batch().sandbox.path("batch/trust.toml")).unwrap();
    let hash = format!("0x{}", hex::encode(Sha256::digest(&trust)));
    let report = data(&audit("batch --json --trust batch/trust.toml --html trusted.html").expect(0));
    assert_eq!(
        (&report["trust"][0]["file"], &report["trust"][0]["sha256"]),
        (&json!("batch/trust.toml"), &json!(hash))
    );
    assert_eq!(report["trust"][0]["policy"], report["policies"][0]["policy"]);
    // Names of files may break between their parts.
    let page = fs::read_to_string(batch().sandbox.path("trusted.html")).unwrap().replace("<wbr>", "");
    let shown = audit("batch --trust batch/trust.toml").expect(0).stdout;
    for form in [page, shown] {
        assert!(form.contains("batch/trust.toml") && form.contains(&hash), "{form}");
    }
    assert!(audit("batch").expect(0).stdout.contains("trust file     none"));
}

/// A rejected attestation is a gap, in whichever form the report is read.
#[test]
fn rejects_to_call_a_subject_attested_whose_attestation_is_rejected() {
    let directory = copy("gaps");
    let files = attestations(&directory);
    change(&files[0], |content| content["claim"]["verifying_key"] = json!(format!("0x{}", "00".repeat(32))));
    let claim = read_json(&files[0])["claim"].clone();
    let report = data(&audit("gaps --json --html gaps.html").expect(5));
    let subjects = report["timeline"]["subjects"].as_array().unwrap();
    let same = |series: &&Value| series["subject"] == claim["subject"] && series["level"] == claim["level"];
    let series = subjects.iter().find(same).unwrap();
    assert_eq!(
        (&series["attestations"], &series["rejected"], &series["attested_ppm"]),
        (&json!(0), &json!(1), &json!(0))
    );
    assert_eq!((series["gaps"].as_array().unwrap().len(), &series["current"]), (1, &json!(false)));
    let subject = claim["subject"].as_str().unwrap();
    let shown = audit("gaps").expect(5).stdout;
    let row = shown.lines().find(|line| line.starts_with(subject) && line.contains(" never ")).unwrap();
    assert!(row.ends_with("0.0 %"), "{row}");
    let page = fs::read_to_string(batch().sandbox.path("gaps.html")).unwrap();
    assert!(page.contains("<td>never</td><td>1</td><td class=\"whole\">0.0 %</td>"), "{page}");
    let csv = audit("gaps --csv").expect(5).stdout;
    assert!(csv.lines().any(|line| line.contains(",\"rejected\",") && line.contains(subject)), "{csv}");
}

/// Something is wrong with the form of the file, and it still says whom it is about.
#[test]
fn rejects_to_forget_a_subject_whose_attestation_is_malformed() {
    let directory = copy("malformed");
    let files = attestations(&directory);
    change(&files[0], |content| {
        let proof = text(&content["proof"]);
        content["proof"] = json!(proof[..proof.len() - 2]);
    });
    change(&files[1], |content| content["note"] = json!("unknown"));
    change(&files[2], |content| content["version"] = json!(1));
    let claims: Vec<Value> = files[..3].iter().map(|file| read_json(file)["claim"].clone()).collect();
    let report = data(&audit("malformed --json").expect(5));
    assert_eq!(report["rejected"], 3);
    for claim in &claims {
        let same = |series: &&Value| series["subject"] == claim["subject"] && series["level"] == claim["level"];
        let series = report["timeline"]["subjects"].as_array().unwrap().iter().find(same);
        let series = series.unwrap_or_else(|| panic!("{claim}: {report}"));
        assert!(series["rejected"].as_u64() >= Some(1), "{series}");
    }
    // Before anything was stated there is no time to be attested for.
    let report = data(&audit("malformed --json --history --at 2020-01-01T00:00:00Z").expect(3));
    assert_eq!(report["timeline"]["subjects"], json!([]));
}

#[test]
fn rejects_set_ups_that_prove_nothing() {
    let run = batch().sandbox.surety("audit batch --json").expect(5);
    assert!(reasons(&data(&run)).values().all(|code| code == "set-up"));
}

#[test]
fn rejects_every_fault_for_its_own_reason() {
    let directory = copy("faulty");
    let files = attestations(&directory);
    let zero = || json!(format!("0x{}", "00".repeat(32)));
    let statements = |content: &mut Value| content["claim"]["statements"].as_array_mut().unwrap().clone();
    fs::write(&files[0], "this is no JSON").unwrap();
    let whole = fs::read_to_string(&files[1]).unwrap();
    fs::write(&files[1], &whole[..whole.len() / 2]).unwrap();
    change(&files[2], |content| content["claim"]["policy"] = zero());
    change(&files[3], |content| content["claim"]["verifying_key"] = zero());
    change(&files[4], |content| {
        let mut fewer = statements(content);
        fewer.remove(0);
        content["claim"]["statements"] = json!(fewer);
    });
    change(&files[5], |content| {
        let mut swapped = statements(content);
        let first = swapped[0]["commitment"].clone();
        swapped[0]["commitment"] = swapped[1]["commitment"].clone();
        swapped[1]["commitment"] = first;
        content["claim"]["statements"] = json!(swapped);
    });
    // Two valid proofs of other claims, which only the pairing tells.
    let proofs = [9, 10].map(|index| read_json(&files[index])["proof"].clone());
    for (index, proof) in [6, 7].into_iter().zip(proofs) {
        change(&files[index], |content| content["proof"] = proof);
    }
    change(&files[8], |content| {
        content["claim"]["valid_until"] = json!(content["claim"]["valid_until"].as_u64().unwrap() - 1)
    });
    // Files of others are nobody's fault.
    fs::write(directory.join("package.json"), r#"{"name": "something else"}"#).unwrap();
    fs::write(directory.join("notes.txt"), "surety/attestation").unwrap();

    let expected: BTreeMap<String, String> = [
        (0, "input"),
        (1, "input"),
        (2, "reference"),
        (3, "reference"),
        (4, "statement-set"),
        (5, "signature"),
        (6, "proof"),
        (7, "proof"),
        (8, "context"),
    ]
    .map(|(index, code): (usize, &str)| (name(&directory, &files[index]), code.to_owned()))
    .into();
    for line in ["faulty --json", "faulty --json --one-by-one"] {
        let run = audit(line).expect(3);
        let report = data(&run);
        assert_eq!((&report["accepted"], &report["rejected"]), (&json!(COUNT - 9), &json!(9)));
        assert_eq!(reasons(&report), expected);
        assert!(report["ignored"].as_u64().unwrap() >= 2);
    }
    let shown = audit("faulty").expect(3);
    for (file, code) in expected {
        assert!(
            shown.stdout.lines().any(|line| line.contains(&file) && line.contains(&code)),
            "{file}: {}",
            shown.stdout
        );
    }
    assert!(shown.stderr.contains("9 of 12 rejected"), "{}", shown.stderr);
}

#[test]
fn rejects_what_refers_to_missing_or_changed_public_files() {
    let directory = copy("missing");
    for market in files_below(&directory.join("markets")) {
        fs::remove_file(market).unwrap();
    }
    let run = audit("missing --json").expect(5);
    assert!(reasons(&data(&run)).values().all(|code| code == "reference"));
    assert!(run.stdout.contains("market snapshot"), "{}", run.stdout);
    let directory = copy("changed");
    let policy = fs::read_to_string(directory.join("policy.toml")).unwrap();
    fs::write(directory.join("policy.toml"), policy.replacen("validity = 86_400", "validity = 86_401", 1)).unwrap();
    let run = audit("changed --json").expect(5);
    assert!(reasons(&data(&run)).values().all(|code| code == "reference"));
    fs::write(directory.join("policy.toml"), policy.replacen("quorum = 3", "quorums = 3", 1)).unwrap();
    let run = audit("changed --json").expect(5);
    assert_eq!(findings(&data(&run), "warning"), ["unusable-file"]);
}

#[test]
fn a_snapshot_of_forged_reports_spoils_no_other() {
    let directory = copy("forged");
    let market = files_below(&directory.join("markets")).remove(0);
    let forged = directory.join("0-comes-first.json");
    fs::copy(&market, &forged).unwrap();
    change(&forged, |content| content["reports"][0]["signature"] = content["reports"][1]["signature"].clone());
    audit("forged --json").expect(0);
    fs::remove_file(&market).unwrap();
    let run = audit("forged --json").expect(3);
    assert!(reasons(&data(&run)).values().all(|code| code == "signature"));
}

#[test]
fn what_has_lapsed_is_told_apart() {
    let until = |file: &PathBuf| read_json(file)["claim"]["valid_until"].as_u64().unwrap();
    let files = attestations(&batch().sandbox.path("batch"));
    let last = files.iter().map(until).max().unwrap();
    let run = audit(&format!("batch --json --at {}", last + 1)).expect(3);
    let report = data(&run);
    assert_eq!((&report["lapsed"], &report["rejected"]), (&json!(COUNT), &json!(COUNT)));
    assert!(reasons(&report).values().all(|code| code == "lapsed"));
    let report = data(&audit(&format!("batch --json --history --html old.html --at {}", last + 1)).expect(0));
    assert_eq!(
        (&report["accepted"], &report["lapsed"], &report["rejected"]),
        (&json!(COUNT), &json!(COUNT), &json!(0))
    );
    let page = fs::read_to_string(batch().sandbox.path("old.html")).unwrap();
    let refused = page.split_once("<h2>Not accepted</h2>").unwrap().1;
    assert!(refused.trim_start().starts_with("<p>None.</p>"), "what is accepted is not told to be refused: {page}");
    assert!(!report["timeline"]["months"].as_array().unwrap().is_empty());
    assert!(report["timeline"]["subjects"][0]["current"] == false);
    // A bad proof is no less bad for having lapsed.
    let directory = copy("lapsed");
    let files = attestations(&directory);
    let proof = read_json(&files[1])["proof"].clone();
    change(&files[0], |content| content["proof"] = proof);
    let run = audit(&format!("lapsed --json --history --at {}", last + 1)).expect(3);
    let mut expected = vec!["lapsed".to_owned(); COUNT - 1];
    expected.insert(0, "proof".to_owned());
    assert_eq!(reasons(&data(&run)).into_values().collect::<Vec<_>>(), expected);
    // Nor is anything accepted before it can have been made.
    let run = audit("batch --json --history --at 2020-01-01T00:00:00Z").expect(3);
    assert!(reasons(&data(&run)).values().all(|code| code == "not-yet"));
}

#[test]
fn rejects_directories_without_attestations() {
    let sandbox = &batch().sandbox;
    fs::create_dir_all(sandbox.path("empty")).unwrap();
    let run = audit("empty --json").expect(2);
    assert_eq!(run.envelope()["error"]["code"], "audit");
    fs::write(sandbox.path("empty/package.json"), "{}").unwrap();
    audit("empty").expect(2);
    audit("nowhere --json").expect(2);
    fs::write(sandbox.path("empty/broken.json"), "{").unwrap();
    let run = audit("empty --json").expect(2);
    assert_eq!(data(&run)["rejected"], 1);
}

#[test]
fn finds_one_statement_for_two_subjects() {
    let directory = copy("subjects");
    let files = attestations(&directory);
    let other = read_json(&files[0])["claim"]["subject"].clone();
    // Other attestations of this one's subject rest on the same statements.
    change(&files[3], |content| content["claim"]["subject"] = other);
    let run = audit("subjects --json").expect(5);
    let report = data(&run);
    assert_eq!(reasons(&report).into_values().collect::<Vec<_>>(), ["subject"]);
    assert!(findings(&report, "warning").iter().all(|kind| kind == "statement-for-two-subjects"));
    assert!(!findings(&report, "warning").is_empty());
}

#[test]
fn findings_fail_an_audit_only_if_told_to() {
    let directory = copy("findings");
    let files = attestations(&directory);
    fs::copy(&files[0], directory.join("again.json")).unwrap();
    let report = data(&audit("findings --json --fail-on-findings").expect(0));
    assert_eq!(report["accepted"], COUNT + 1);
    assert!(findings(&report, "notice").contains(&"duplicate".to_owned()));
    fs::write(directory.join("other.toml"), "kind = \"surety/policy\"\n").unwrap();
    let report = data(&audit("findings --json").expect(0));
    assert_eq!(findings(&report, "warning"), ["unusable-file"]);
    let run = audit("findings --json --fail-on-findings --html findings.html").expect(3);
    assert_eq!(data(&run)["rejected"], 0);
    let page = |name: &str| fs::read_to_string(batch().sandbox.path(name)).unwrap();
    assert!(page("findings.html").contains("class=\"verdict warned\""), "a page is not green where the audit fails");
    audit("batch --html clean.html").expect(0);
    assert!(page("clean.html").contains("class=\"verdict good\""));
}

/// Attack: names of files that a browser, a spreadsheet or a terminal would obey.
#[test]
fn rejects_markup_formulas_and_escapes_in_names() {
    let directory = copy("names");
    let names = [
        "<script>alert(1)</script>.json",
        "=cmd|' !A0.json",
        "\u{1b}[31m.json",
        "a\"b,c.json",
        "a;=cmd.json",
        "x\n12 accepted\u{202e}.json",
    ];
    // A name cannot contain a slash.
    let names = names.map(|name| name.replace("</script>", "<img src=x onerror=alert(1)>"));
    for name in &names {
        fs::write(directory.join(name), "{").unwrap();
    }
    let run = audit("names --html names.html").expect(2);
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{}", run.stdout);
    for shown in [&run.stdout, &run.stderr] {
        assert!(!shown.contains('\u{202e}') && !shown.lines().any(|line| line.starts_with("12 accepted")), "{shown}");
    }
    let page = fs::read_to_string(batch().sandbox.path("names.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert!(page.contains("script") && page.contains("onerror"), "the name is shown as it is");
    let csv = audit("names --csv").expect(2).stdout;
    let begins = |start: char| csv.lines().any(|line| line.starts_with(&format!("\"{start}")));
    assert!(!['=', '+', '-', '@'].into_iter().any(begins), "{csv}");
    assert!(csv.contains("\"./a\"\"b,c.json\""), "{csv}");
    // Where semicolons separate fields, quotes keep one together.
    assert!(csv.contains("\"./a;=cmd.json\",\"rejected\""), "{csv}");
    // The directory's own name may stand in front of a message.
    fs::rename(&directory, batch().sandbox.path("=names")).unwrap();
    let csv = audit("=names --csv").expect(2).stdout;
    assert!(!csv.contains(",=") && !csv.contains(",\"="), "{csv}");
}

/// Attack: hand over anchors that bind nobody beside those that do.
#[test]
fn rejects_two_files_of_anchors_for_one_policy() {
    let run = audit("batch --trust batch/trust.toml --trust batch/trust.toml").expect(2);
    assert!(run.stderr.contains("expected at most one for policy 0x"), "{}", run.stderr);
}

/// Attack: beside good commitments, lay forged ones that are found first.
#[test]
fn rejects_forged_commitments_without_spoiling_good_ones() {
    let Some(file) = shared("srs/ppot-0085-k16.g1-compressed") else { return };
    let holder = Sandbox::new();
    holder.run(["srs", "import", file.to_str().unwrap()]).expect(0);
    holder.surety("demo --out demo").expect(0);
    // An auditor who has not imported the set-up.
    let auditor = Sandbox::new();
    fs::create_dir(auditor.path("in")).unwrap();
    for name in ["universe.toml", "policy.toml", "market.json", "attestation.json"] {
        fs::copy(holder.path("demo").join(name), auditor.path("in").join(name)).unwrap();
    }
    let good = holder.path("demo/policy.compiled.json");
    fs::copy(&good, auditor.path("in/z.json")).unwrap();
    let accepted = |run: Run| run.expect(0).data()["accepted"].clone();
    assert_eq!(accepted(auditor.surety("audit in --json")), 1);
    let mut forged = read_json(&good);
    forged["policy"] = json!(format!("0x{}", "5a".repeat(32)));
    write_json(&auditor.path("in/a.json"), &forged);
    assert_eq!(accepted(auditor.surety("audit in --json")), 1);
    fs::remove_file(auditor.path("in/z.json")).unwrap();
    auditor.surety("audit in --json").expect(5);
}

#[test]
fn several_policies_and_capacity_classes_are_audited_at_once() {
    let (sandbox, now) = example();
    let universe = fs::read_to_string(sandbox.path("here/universe.toml")).unwrap();
    fs::write(sandbox.path("here/universe.toml"), universe.replacen("capacity = 10", "capacity = 11", 1)).unwrap();
    let policy = fs::read_to_string(sandbox.path("here/policy.toml")).unwrap();
    let policy = policy.replacen("meridian-portfolio", "meridian-larger", 1);
    fs::write(sandbox.path("here/policy.toml"), policy).unwrap();
    for node in 1..=3 {
        let key = sandbox.demo_key(&format!("oracle-{node}"));
        let observations = format!("here/market/node-{node}.csv");
        let line = format!("market sign here --observations {observations} --key {key} --out r{node}.json --at {now}");
        sandbox.surety(&line).expect(0);
    }
    sandbox.surety("market aggregate here --report r3.json --report r1.json --report r2.json").expect(0);
    attest(&sandbox, now);
    sandbox.surety("prove here --unpublished-snapshot --level initial").expect(0);
    sandbox.surety("demo --out demo").expect(0);
    let run = sandbox.surety("audit . --allow-insecure-srs --json").expect(0);
    let report = data(&run);
    assert_eq!(report["accepted"], 3);
    let mut policies: Vec<_> = report["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| (text(&policy["policy_name"]), policy["capacity"].as_u64().unwrap()))
        .collect();
    policies.sort();
    assert_eq!(policies, [("meridian-larger".to_owned(), 11), ("meridian-portfolio".to_owned(), 10)]);
}

#[test]
fn batches_leave_no_secrets_and_replace_nothing() {
    let sandbox = &batch().sandbox;
    let files = files_below(&sandbox.path("batch"));
    assert!(files.iter().all(|file| !file.to_string_lossy().contains("private")));
    assert!(files.iter().all(|file| !fs::read_to_string(file).unwrap().contains("surety/opening")));
    sandbox.surety("demo --batch 3 --out batch").expect(2);
    sandbox.surety("demo --batch 0 --out none").expect(2);
    sandbox.surety("demo --days 3 --out none").expect(2);
}

#[test]
fn batches_over_days_have_a_history() {
    let sandbox = Sandbox::new();
    sandbox.surety("demo --batch 20 --days 40 --out days").expect(0);
    sandbox.surety("audit days --allow-insecure-srs").expect(3);
    let report = data(&sandbox.surety("audit days --allow-insecure-srs --history --json").expect(0));
    assert_eq!(report["accepted"], 20);
    assert!(report["lapsed"].as_u64().unwrap() > 0);
    assert!(findings(&report, "notice").contains(&"lapse".to_owned()), "{}", report["findings"]);
    assert!(report["timeline"]["months"].as_array().unwrap().len() >= 2);
    let subjects = report["timeline"]["subjects"].as_array().unwrap();
    for subject in subjects {
        let months = subject["months"].as_array().unwrap();
        let attestations: u64 = months.iter().map(|month| month["attestations"].as_u64().unwrap()).sum();
        assert_eq!(subject["attestations"], attestations, "{subject}");
    }
}

/// Changes an archive as somebody would who has the file.
fn tamper(archive: &Path, change: &str) {
    let database = rusqlite::Connection::open(archive).unwrap();
    let triggers: Vec<String> = {
        let mut schema = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        schema.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    database.execute_batch("DROP TRIGGER entries_stay; DROP TRIGGER entries_stay_so;").unwrap();
    assert!(database.execute(change, []).unwrap() > 0, "the change changes something");
    triggers.iter().for_each(|trigger| database.execute_batch(trigger).unwrap());
}

/// The batch, and one attestation of it with another's proof, in an archive; and its head.
fn archive(name: &str) -> String {
    let directory = copy(&format!("{name}-in"));
    let files = attestations(&directory);
    let proof = read_json(&files[1])["proof"].clone();
    change(&files[0], |content| content["proof"] = proof);
    let added = batch().sandbox.surety(&format!("archive add {name} {name}-in --json")).data();
    text(&added["head"])
}

#[test]
fn an_archive_is_audited_as_its_exported_directory() {
    let head = archive("kept");
    let sandbox = &batch().sandbox;
    sandbox.surety("archive export kept --out kept-out").expect(0);
    let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let line = |place: &str| format!("{place} --at {at} --json --trust batch/trust.toml");
    let [mut of_archive, mut of_directory] = ["kept", "kept-out"].map(|place| data(&audit(&line(place)).expect(3)));
    assert_eq!((&of_archive["accepted"], &of_archive["rejected"]), (&json!(COUNT - 1), &json!(1)));
    // An archive keeps no pages: nobody could say which books are missing.
    let since =
        "kept --books-since 0 --book-registry 0x1111111111111111111111111111111111111111 --rpc http://127.0.0.1:1";
    assert!(audit(since).expect(2).stderr.contains("found an archive"));
    let stands = of_archive.as_object_mut().unwrap().remove("archive").unwrap();
    assert_eq!(stands["head"], head);
    for report in [&mut of_archive, &mut of_directory] {
        // One file was read, or many.
        for key in ["timing", "inputs", "manifest_sha256"] {
            report.as_object_mut().unwrap().remove(key).unwrap();
        }
    }
    assert_eq!(of_archive, of_directory);
    let run = audit(&format!("kept --head {head} --html kept.html")).expect(3);
    let page = fs::read_to_string(sandbox.path("kept.html")).unwrap();
    for shown in [&run.stdout, &page] {
        assert!(shown.contains(&head) && shown.contains("begins with what it had at the noted head"), "{shown}");
    }
}

#[test]
fn rejects_an_archive_whose_chain_is_broken() {
    archive("broken");
    let path = batch().sandbox.path("broken");
    tamper(&path, "UPDATE entries SET text = text || ' ' WHERE position = 3");
    let run = audit("broken --json").expect(5);
    let error = run.envelope()["error"].clone();
    assert_eq!(error["code"], "archive");
    assert!(error["message"].as_str().unwrap().contains("entry 3: expected the digest of its document"), "{error}");
    assert!(run.envelope()["data"].is_null(), "nothing in it is judged");
}

#[test]
fn rejects_an_archive_that_has_lost_what_it_had_at_the_noted_head() {
    let head = archive("cut");
    let path = batch().sandbox.path("cut");
    audit(&format!("cut --head {head}")).expect(3);
    tamper(&path, "DELETE FROM entries WHERE position = (SELECT max(position) FROM entries)");
    let run = audit(&format!("cut --head {head} --json")).expect(5);
    assert!(run.says("entries are missing or were replaced"), "{}", run.stdout);
    let other = format!("0x{}", "5a".repeat(32));
    audit(&format!("cut --head {other}")).expect(5);
}

#[test]
fn rejects_archives_without_attestations_and_files_that_are_none() {
    let sandbox = &batch().sandbox;
    sandbox.surety("archive add public batch/universe.toml batch/policy.toml").expect(0);
    let run = audit("public").expect(2);
    assert!(run.stderr.contains("public: expected at least one attestation"), "{}", run.stderr);
    audit("batch/policy.toml").expect(5);
    audit(&format!("batch --head 0x{}", "5a".repeat(32))).expect(2);
}
