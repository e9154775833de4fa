//! Faults around the program: it is killed, the disk is full, a cache is damaged, the clock jumps.
//! Nothing is lost, nothing half-made is left behind under a name, and every error says what to do.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use surety_core::{
    ident::{EvmAddress, Name},
    units::Timestamp,
};
use surety_host::{directories::Directories, documents, setup::Setups};
use surety_kzg::{SrsId, progress::Silent};
use surety_margin::{market::Snapshot, policy::Policy, universe::Universe};
use surety_prover::{
    opening::Opening,
    prove::{ProofRequest, ProveError, Prover},
};
use surety_verifier::{
    Rule,
    attestation::{compiled::CompiledPolicy, statement::Statement},
};

use crate::sandbox::{Run, Sandbox, files_below, read_json, shared};

/// At how many moments of a run the program is killed.
const MOMENTS: u32 = 16;

/// The binary with these arguments, in the sandbox and with its directories.
fn command(sandbox: &Sandbox, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(sandbox.path("."))
        .env("SURETY_CACHE_DIR", sandbox.path("cache"))
        .env("SURETY_DATA_DIR", sandbox.path("data"))
        .env("SURETY_STATE_DIR", sandbox.path("state"))
        .env("SURETY_OFFLINE", "1");
    command
}

/// Kills `surety LINE` at moments spread over the time that it needs, and looks at what is left after each.
fn kill_at_many_moments(sandbox: &Sandbox, line: &str, prepare: impl Fn(), inspect: impl Fn()) {
    let spawn = || {
        let mut command = command(sandbox, env!("CARGO_BIN_EXE_surety"));
        command.args(line.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    prepare();
    let start = Instant::now();
    assert!(spawn().wait().unwrap().success());
    let mut whole = start.elapsed();
    inspect();
    let mut killed = 0;
    for moment in 0..MOMENTS {
        prepare();
        let mut process = spawn();
        let until = whole * moment / MOMENTS;
        thread::sleep(until);
        process.kill().unwrap();
        if process.wait().unwrap().success() {
            // The first run, or the machine at that time, was slower.
            whole = until;
        } else {
            killed += 1;
        }
        inspect();
    }
    assert!(killed > MOMENTS / 4, "killed {killed} times");
}

/// Runs `surety LINE` where no file can grow beyond this many blocks of 512 bytes, as on a disk that takes no more.
fn on_a_full_disk(sandbox: &Sandbox, blocks: u32, line: &str) -> Run {
    // A process that ignores the signal gets an error from the system, as it does from a full disk.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {} {line}", env!("CARGO_BIN_EXE_surety"));
    let output = command(sandbox, "sh").args(["-c", &script]).output().unwrap();
    Run {
        code: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// All files but the records of the state directory.
fn files_outside_of_state(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let mut files = files_below(&sandbox.path("."));
    files.retain(|file| !file.starts_with(sandbox.path("./state")));
    files.sort();
    files
}

/// Killing a prover leaves no half-written file, and the next one proves.
#[test]
fn killing_a_prover_leaves_a_whole_attestation_or_none() {
    let (sandbox, _) = Sandbox::with_demo();
    let out = sandbox.path("out.json");
    kill_at_many_moments(
        &sandbox,
        "prove demo --trust demo/trust.toml --out out.json",
        || {
            let _ = fs::remove_file(&out);
        },
        || {
            if out.exists() {
                fs::copy(&out, sandbox.path("demo/out.json")).unwrap();
                sandbox.surety("verify demo/out.json --allow-insecure-srs").expect(0);
            }
            sandbox.surety("doctor").expect(0);
        },
    );
    let _ = fs::remove_file(&out);
    sandbox.surety("prove demo --trust demo/trust.toml --out out.json").expect(0);
}

/// Bases that were half computed or half written when the program was killed are no bases.
#[test]
fn killing_whoever_fills_the_cache_leaves_no_damaged_bases() {
    let (sandbox, _) = Sandbox::with_demo();
    let cache = sandbox.path("cache");
    let inspect = || {
        let run = sandbox.surety("policy compile demo --check compiled.json").expect(0);
        assert!(!run.says("computed anew"), "{}", run.stderr);
    };
    kill_at_many_moments(
        &sandbox,
        "policy compile demo --out compiled.json --force",
        || {
            let _ = fs::remove_dir_all(&cache);
        },
        inspect,
    );
    let run = sandbox.surety("prove demo --trust demo/trust.toml --out out.json").expect(0);
    assert!(!run.says("computed anew"), "{}", run.stderr);
}

#[test]
fn rejects_proving_where_nothing_can_be_written_and_proves_when_it_can() {
    let (sandbox, _) = Sandbox::with_demo();
    let before = files_outside_of_state(&sandbox);
    // Neither the record of the snapshot nor the attestation; then the record alone.
    for (blocks, code, says) in
        [(0, "journal", "the record cannot be kept"), (4, "file", "out.json: cannot be written")]
    {
        let run =
            on_a_full_disk(&sandbox, blocks, "prove demo --trust demo/trust.toml --out out.json --json").expect(6);
        assert_eq!(run.envelope()["error"]["code"], code, "{}", run.stdout);
        assert!(run.says(says), "{}", run.stdout);
        assert_eq!(files_outside_of_state(&sandbox), before);
    }
    // Nor is an attestation lost that is there already.
    let attestation = fs::read(sandbox.path("demo/attestation.json")).unwrap();
    on_a_full_disk(&sandbox, 4, "prove demo --trust demo/trust.toml --force").expect(6);
    assert_eq!(fs::read(sandbox.path("demo/attestation.json")).unwrap(), attestation);
    sandbox.surety("prove demo --trust demo/trust.toml --out out.json").expect(0);
}

#[test]
fn rejects_archiving_where_nothing_can_be_written_and_keeps_what_there_is() {
    let (sandbox, _) = Sandbox::with_demo();
    sandbox.surety("archive add kept demo/policy.toml").expect(0);
    let list = || sandbox.surety("archive list kept --json").data();
    let before = list();
    let run = on_a_full_disk(&sandbox, 32, "archive add kept demo --json");
    let run = run.expect(6);
    assert!(run.says("kept"), "{}", run.stdout);
    assert_eq!(list(), before);
    sandbox.surety("archive add kept demo").expect(0);
    assert!(list()["entries"].as_u64() > before["entries"].as_u64());
}

/// A cache saves time and decides nothing.
#[test]
fn a_cache_that_is_damaged_or_cannot_be_written_changes_no_result() {
    let (sandbox, _) = Sandbox::with_demo();
    let cached = files_below(&sandbox.path("cache"));
    assert!(!cached.is_empty());
    for file in &cached {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, &bytes).unwrap();
    }
    let run = sandbox.surety("prove demo --trust demo/trust.toml --out one.json").expect(0);
    assert!(run.says("computed anew") && run.says("checksum"), "{}", run.stderr);
    let run = sandbox.surety("prove demo --trust demo/trust.toml --out two.json").expect(0);
    assert!(!run.says("computed anew"), "repaired: {}", run.stderr);

    fs::remove_dir_all(sandbox.path("cache")).unwrap();
    sandbox.write("cache", "a file where the directory should be");
    let run = sandbox.surety("prove demo --trust demo/trust.toml --out three.json").expect(0);
    assert!(run.says("cannot be cached"), "{}", run.stderr);

    // Room for an attestation, and not for bases.
    fs::remove_file(sandbox.path("cache")).unwrap();
    let run = on_a_full_disk(&sandbox, 128, "prove demo --trust demo/trust.toml --out four.json").expect(0);
    assert!(run.says("cannot be cached"), "{}", run.stderr);
    assert_eq!(files_below(&sandbox.path("cache")), [""; 0].map(std::path::PathBuf::from));
    for name in ["one.json", "two.json", "three.json", "four.json"] {
        fs::copy(sandbox.path(name), sandbox.path("demo").join(name)).unwrap();
        sandbox.surety(&format!("verify demo/{name} --allow-insecure-srs")).expect(0);
    }
}

/// Half of a set-up is none.
#[test]
fn rejects_importing_where_nothing_can_be_written_and_leaves_nothing() {
    let Some(file) = shared("srs/ppot-0085-k16.g1-compressed") else { return };
    let sandbox = Sandbox::new();
    let line = format!("srs import {} --json", file.display());
    let run = on_a_full_disk(&sandbox, 2_048, &line).expect(6);
    run.envelope();
    assert_eq!(files_below(&sandbox.path(".")), [""; 0].map(std::path::PathBuf::from));
}

/// A prover's inputs from the demonstration's files.
struct Package {
    policy: CompiledPolicy,
    snapshot: Snapshot,
    statements: Vec<Statement>,
    openings: Vec<Opening>,
    prover: Prover,
}

impl Package {
    fn read(sandbox: &Sandbox, demo: &Path) -> Self {
        let universe: Universe = documents::read(&demo.join("universe.toml")).unwrap();
        let policy: Policy = documents::read_policy(&demo.join("policy.toml"), &universe).unwrap();
        let directories =
            Directories { cache: sandbox.path("cache"), data: sandbox.path("data"), state: sandbox.path("state") };
        let setups = Setups::new(&directories);
        let params = setups.params(SrsId::from(universe.srs), universe.capacity, &Silent).unwrap();
        let layout = surety_prover::layout::Layout::new(demo);
        Self {
            policy: CompiledPolicy::compile(policy, universe, &params).unwrap(),
            snapshot: documents::read(&demo.join("market.json")).unwrap(),
            statements: layout.read_statements().unwrap(),
            openings: layout.read_openings().unwrap(),
            prover: Prover::new(params).unwrap(),
        }
    }

    fn prove(&self, now: u64) -> Result<(), ProveError> {
        let request = ProofRequest {
            policy: &self.policy,
            snapshot: &self.snapshot,
            on_chain: false,
            vault: None,
            statements: &self.statements,
            level: &Name::new("maintenance").unwrap(),
            verifier: EvmAddress::ZERO,
            valid_until: None,
            presentation: surety_core::ident::Bytes32::ZERO,
            now: Timestamp(now),
        };
        self.prover.prove(&request, &self.openings).map(|_| ())
    }
}

/// A clock that is wrong makes no proof.
#[test]
fn rejects_proving_with_a_clock_that_has_jumped() {
    let (sandbox, demo) = Sandbox::with_demo();
    let package = Package::read(&sandbox, &demo);
    let claim = &read_json(&demo.join("attestation.json"))["claim"];
    let time = |value: &serde_json::Value| value.as_u64().unwrap();
    let (made, ends) = (time(&claim["statements"][0]["as_of"]), time(&claim["valid_until"]));
    let rule = |now| match package.prove(now) {
        Err(ProveError::Refused(rejection)) => Some(rejection.rule),
        other => {
            other.unwrap();
            None
        }
    };
    assert_eq!(rule(made - 3_600), Some(Rule::NotYet));
    assert_eq!(rule(0), Some(Rule::NotYet));
    assert_eq!(rule(ends + 1), Some(Rule::Lapsed));
    assert_eq!(rule(u64::MAX), Some(Rule::Lapsed));
    assert_eq!((rule(made), rule(ends)), (None, None));
}
