//! Tours and guides of the book: every command in a block marked `console` is run, in order and in a directory of its
//! own, and must print what the page shows. `TRYCMD=overwrite` writes what commands print into the pages.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;

use crate::chain::{Anvil, contracts};

/// Programs that the pages use beside `surety`.
const PROGRAMS: [&str; 5] = ["cat", "cp", "ls", "mkdir", "sed"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The page with an empty line before the end of each block of commands, where the runner expects the line that ends
/// what a command prints.
fn for_runner(page: &str) -> String {
    let (mut in_block, mut text) = (false, String::new());
    for line in page.lines() {
        if in_block && line == "```" {
            text.push('\n');
        }
        in_block = if line.starts_with("```") { line == "```console" } else { in_block };
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The page without these lines.
fn from_runner(text: &str) -> String {
    let (mut in_block, mut lines) = (false, Vec::new());
    for line in text.lines() {
        if in_block && line == "```" {
            while lines.last() == Some(&"") {
                lines.pop();
            }
        }
        in_block = if line.starts_with("```") { line == "```console" } else { in_block };
        lines.push(line);
    }
    lines.join("\n") + "\n"
}

/// The programs of the commands. The runner skips those that it does not know.
fn programs(page: &str) -> BTreeSet<&str> {
    let commands = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = commands.flat_map(str::lines).filter_map(|line| line.strip_prefix("$ "));
    lines.filter_map(|line| line.split_whitespace().find(|word| !word.contains('='))).collect()
}

/// The directory of data that a page names first.
fn data(page: &str) -> Option<PathBuf> {
    let (_, rest) = page.split_once("examples/tours/")?;
    let name = rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').next()?;
    Some(root().join("examples/tours").join(name))
}

/// The variables that a file of practice keys sets for a shell.
fn keys(directory: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(directory.join("keys.sh")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix("export "));
    lines.filter_map(|line| line.split_once('=')).map(|(name, key)| (name.to_owned(), key.to_owned())).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Seconds by which the local node is ahead, so that it has seen what is signed now.
const AHEAD: u64 = 30;

/// Runs the commands of a page, and panics unless they print what the page shows. Returns the page, in which
/// `TRYCMD=overwrite` has put what they print.
fn commands(page: &str) -> String {
    let unknown: Vec<_> =
        programs(page).into_iter().filter(|name| *name != "surety" && !PROGRAMS.contains(name)).collect();
    assert!(unknown.is_empty(), "expected the programs surety and {PROGRAMS:?}, found {unknown:?}");
    let sandbox = TempDir::new().unwrap();
    let file = sandbox.path().join("page.md");
    fs::write(&file, for_runner(page)).unwrap();
    // The runner copies the first and compares with the second, which is empty.
    let (given, expected) = (file.with_extension("in"), file.with_extension("out"));
    fs::create_dir(&expected).unwrap();
    let cases = trycmd::TestCases::new();
    match data(page) {
        Some(directory) => {
            copy(&directory, &given);
            for (name, key) in keys(&directory) {
                cases.env(name, key);
            }
        }
        None => fs::create_dir(&given).unwrap(),
    }
    for (name, directory) in [("CACHE", "cache"), ("DATA", "data"), ("STATE", "state")] {
        cases.env(format!("SURETY_{name}_DIR"), sandbox.path().join(directory).to_str().unwrap());
    }
    cases.env("SURETY_OFFLINE", "1").env("LC_ALL", "C");
    cases.register_bin("surety", Path::new(env!("CARGO_BIN_EXE_surety")));
    for name in PROGRAMS {
        cases.register_bin(name, Path::new("/bin").join(name));
    }
    cases.case(&file).run();
    from_runner(&fs::read_to_string(&file).unwrap())
}

/// Runs the commands of the page of this name below `docs/src`. Each text of the page that is listed first is replaced
/// by the one beside it.
fn run_with(name: &str, replaced: &[(&str, &str)]) {
    let source = root().join("docs/src").join(name).with_extension("md");
    let page = fs::read_to_string(&source).unwrap();
    let page = commands(&replaced.iter().fold(page, |page, (shown, meant)| page.replace(shown, meant)));
    if env::var("TRYCMD").is_ok_and(|mode| mode == "overwrite") {
        let page = replaced.iter().fold(page, |page, (shown, meant)| page.replace(meant, shown));
        fs::write(&source, page).unwrap();
    }
}

fn run(name: &str) {
    run_with(name, &[]);
}

#[test]
fn blocks_of_commands_end_as_the_runner_expects() {
    let page = "a\n```text\nb\n```\n```console\n$ surety c\nd\n\n$ X=1 sed e\n```\nf\n";
    let expected = "a\n```text\nb\n```\n```console\n$ surety c\nd\n\n$ X=1 sed e\n\n```\nf\n";
    assert_eq!(for_runner(page), expected);
    assert_eq!(from_runner(expected), page);
    assert_eq!(programs(page), BTreeSet::from(["surety", "sed"]));
}

#[test]
#[should_panic(expected = "tests failed")]
fn rejects_what_a_command_does_not_print() {
    commands("```console\n$ surety --version\nanother program\n```\n");
}

#[test]
#[should_panic(expected = "tests failed")]
fn rejects_another_exit_code() {
    commands("```console\n$ surety info absent.json\n[..]\n```\n");
}

#[test]
#[should_panic(expected = "expected the programs")]
fn rejects_programs_that_the_runner_does_not_know() {
    commands("```console\n$ curl example.org\n```\n");
}

#[test]
fn the_tour_of_institutions_is_what_happens() {
    run("tour-institution");
}

#[test]
fn the_tour_of_protocols_is_what_happens() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let Some(anvil) = Anvil::start(now + AHEAD) else { return };
    let built = contracts("out");
    run_with("tour-protocol", &[("http://127.0.0.1:8545", &anvil.url), ("../contracts/out", built.to_str().unwrap())]);
}

#[test]
fn the_tour_of_auditors_is_what_happens() {
    run("tour-auditor");
}

#[test]
fn the_tour_of_venues_is_what_happens() {
    run("tour-venue");
}

#[test]
fn the_guides_are_what_happens() {
    for name in ["calibrate", "options-book", "rejections", "rotate-keys", "several-custodians", "staking-token"] {
        run(&format!("how-to/{name}"));
    }
}

/// Every page with commands to run is among those above.
#[test]
fn every_page_of_commands_is_run() {
    let text = include_str!("tours.rs");
    for entry in walkdir::WalkDir::new(root().join("docs/src")).into_iter().map(Result::unwrap) {
        let page = fs::read_to_string(entry.path()).unwrap_or_default();
        if page.contains("```console\n$ ") {
            let name = entry.path().file_stem().unwrap().to_str().unwrap();
            assert!(text.contains(&format!("{name}\"")), "{name} has commands that no test runs");
        }
    }
}
