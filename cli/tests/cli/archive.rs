//! The archive, also under processes that are killed.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use surety_host::files::DOCUMENT_LIMIT;

use crate::sandbox::{Sandbox, files_below};

/// Many different documents in a directory.
fn documents(sandbox: &Sandbox, count: usize) {
    let universe = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/universe.toml")).unwrap();
    fs::create_dir(sandbox.path("in")).unwrap();
    for number in 0..count {
        let text = universe.replace("meridian-2026", &format!("universe-{number}"));
        sandbox.write(&format!("in/{number:04}.toml"), &text);
    }
}

fn texts(directory: &Path) -> BTreeSet<String> {
    files_below(directory).iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn a_package_is_kept_listed_and_exported_without_its_secrets() {
    let (sandbox, demo) = Sandbox::with_demo();
    let added = sandbox.surety("archive add kept demo --json").data();
    assert!(added["skipped"].as_u64().unwrap() > 0, "openings and holdings stay where they are: {added}");
    let again = sandbox.surety("archive add kept demo --json").data();
    assert_eq!((again["added"].as_u64(), &again["head"]), (Some(0), &added["head"]));

    let list = sandbox.surety("archive list kept --json").data();
    let documents = list["documents"].as_array().unwrap();
    let kinds: BTreeSet<_> = documents.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    let expected = ["attestation", "compiled-policy", "market", "policy", "report", "statement", "universe"];
    assert_eq!(kinds, BTreeSet::from(expected));
    let only = sandbox.surety("archive list kept --kind attestation --json").data();
    assert_eq!(only["documents"].as_array().unwrap().len(), 2);

    let head = added["head"].as_str().unwrap();
    sandbox.surety(&format!("archive export kept --out out --head {head}")).expect(0);
    assert!(texts(&sandbox.path("out")).is_subset(&texts(&demo)));
    assert_eq!(files_below(&sandbox.path("out")).len() as u64, added["entries"].as_u64().unwrap());
}

#[test]
fn rejects_secrets_bad_documents_and_what_is_no_archive() {
    let (sandbox, demo) = Sandbox::with_demo();
    let secret = files_below(&demo.join("private")).remove(0);
    let run = sandbox.run(["archive", "add", "kept", secret.to_str().unwrap()]).expect(2);
    assert!(run.says("public documents only"), "{}", run.stderr);
    assert!(!sandbox.path("kept").exists());

    let opening = fs::read_to_string(&secret).unwrap();
    sandbox.write("cut.json", &opening[..opening.len() / 2]);
    sandbox.surety("archive add kept demo cut.json").expect(2);
    assert!(!sandbox.path("kept").exists(), "all or nothing");

    sandbox.write("text", "text");
    sandbox.surety("archive list text").expect(5);
    sandbox.surety("archive list nowhere").expect(2);
    sandbox.surety("archive add kept nowhere").expect(2);
    sandbox.surety("archive list kept --kind holdings").expect(2);
    sandbox.surety("archive add kept demo").expect(0);
    let other = format!("archive list kept --head 0x{}", "5a".repeat(32));
    assert!(sandbox.surety(&other).expect(5).says("entries are missing or were replaced"));
}

/// Attack: spoil an attestation so that nobody who audits the archive hears of it.
#[test]
fn broken_files_are_kept_as_evidence() {
    let (sandbox, demo) = Sandbox::with_demo();
    let attestation = fs::read_to_string(demo.join("attestation.json")).unwrap();
    fs::create_dir(sandbox.path("in")).unwrap();
    let broken: [(&str, Vec<u8>); 3] = [
        ("bad.json", attestation.replace("\"version\": 2", "\"version\": true").into_bytes()),
        ("bytes.json", b"{\"kind\": \"surety/attestation\", \"\xff\"}".to_vec()),
        ("cut.json", attestation[..attestation.len() / 2].as_bytes().to_vec()),
    ];
    for (name, bytes) in &broken {
        fs::write(sandbox.path("in").join(name), bytes).unwrap();
    }
    let added = sandbox.surety("archive add kept in demo/universe.toml --json").data();
    let names: Vec<_> = added["evidence"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!((names, added["added"].as_u64()), (vec!["bad.json", "bytes.json", "cut.json"], Some(4)));
    let list = sandbox.surety("archive list kept --kind evidence").expect(0);
    assert!(list.says("bytes.json: ") && list.says("expected text in UTF-8"), "{}", list.stdout);
    sandbox.surety("archive export kept --out out").expect(0);
    let exported = files_below(&sandbox.path("out"));
    let exported: BTreeSet<Vec<u8>> = exported.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(broken.iter().all(|(_, bytes)| exported.contains(bytes)), "byte for byte");
    // They are rejected in the archive, in its export and where they came from.
    for place in ["kept", "out", "in"] {
        let run = sandbox.surety(&format!("audit {place} --json"));
        let report = run.envelope()["data"].clone();
        assert_eq!((report["rejected"].as_u64(), report["accepted"].as_u64()), (Some(3), Some(0)), "{place}: {report}");
    }
}

/// Attack: spoil an attestation so that it is too long or no file, and nobody who audits the archive hears of it.
#[test]
fn rejects_json_that_cannot_be_read_in_a_directory() {
    let sandbox = Sandbox::new();
    documents(&sandbox, 2);
    let spoiled = sandbox.path("in/attestation.json");
    let refused = |expected: &str| {
        let run = sandbox.surety("archive add kept in").expect(2);
        assert!(run.says("attestation.json") && run.says(expected), "{}", run.stderr);
        assert!(!sandbox.path("kept").exists(), "nothing is added");
    };
    fs::File::create(&spoiled).unwrap().set_len(DOCUMENT_LIMIT + 1).unwrap();
    refused("expected at most");
    fs::remove_file(&spoiled).unwrap();
    let made = Command::new("mkfifo").arg(&spoiled).status().unwrap();
    assert!(made.success());
    refused("expected a regular file");

    // Other files of these kinds are passed over.
    fs::remove_file(&spoiled).unwrap();
    fs::write(sandbox.path("in/picture.png"), b"\xff").unwrap();
    let added = sandbox.surety("archive add kept in --json").data();
    assert_eq!((added["added"].as_u64(), added["skipped"].as_u64()), (Some(2), Some(1)));
}

/// Whenever the writer is killed, the archive is whole, and holds all of a call's documents or none.
#[test]
fn killing_the_writer_leaves_all_or_nothing() {
    const COUNT: usize = 300;
    let sandbox = Sandbox::new();
    documents(&sandbox, COUNT);
    let mut interrupted = 0;
    let mut pause = Duration::ZERO;
    loop {
        let mut writer = Command::new(env!("CARGO_BIN_EXE_surety"))
            .args(["archive", "add", "kept", "in"])
            .current_dir(sandbox.path("."))
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(pause);
        writer.kill().unwrap();
        let finished = writer.wait().unwrap().success();
        // Before the first transaction there is no archive, or an empty file.
        let entries = match sandbox.surety("archive list kept --json") {
            run if run.code == 0 => run.data()["entries"].as_u64().unwrap() as usize,
            run => {
                assert!(run.code == 2 || run.code == 5, "{}", run.stderr);
                0
            }
        };
        assert!(entries == 0 || entries == COUNT, "{entries} entries after {pause:?}");
        if finished {
            assert_eq!(entries, COUNT);
            break;
        }
        interrupted += 1;
        pause += Duration::from_millis(4);
    }
    assert!(interrupted > 0);
    let again = sandbox.surety("archive add kept in --json").data();
    assert_eq!((again["added"].as_u64(), again["present"].as_u64()), (Some(0), Some(COUNT as u64)));
    sandbox.surety("archive export kept --out out").expect(0);
    assert_eq!(texts(&sandbox.path("out")), texts(&sandbox.path("in")));
}
