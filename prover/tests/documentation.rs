//! What the documentation says of the tree is so: tests that it names, pages and places that it refers to, dependencies that it
//! lists, and where code is unsafe.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

/// Directories, wherever they are, in which nothing of the project is, but what tools have put there.
const TOOLS: [&str; 3] = [".git", "target", "node_modules"];

/// The same, by their paths.
const MADE: [&str; 4] = ["demo", "contracts/out", "contracts/cache", "web/dist"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The files of the project whose names end so, and their texts.
fn files(ending: &str) -> Vec<(PathBuf, String)> {
    let root = root();
    let kept = |entry: &walkdir::DirEntry| {
        !TOOLS.iter().any(|name| entry.file_name() == *name) && !MADE.iter().any(|path| entry.path() == root.join(path))
    };
    let files = WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(kept).map(Result::unwrap);
    let found = files.filter(|entry| entry.file_type().is_file() && entry.path().to_string_lossy().ends_with(ending));
    found.map(|entry| (entry.path().strip_prefix(&root).unwrap().to_owned(), text(entry.path()))).collect()
}

/// What stands between two marks, the first time.
fn between<'text>(text: &'text str, before: &str, after: &str) -> Option<&'text str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// The names of all tests: of Rust, of Forge and of the page.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, text) in files(".rs") {
        let mut lines = text.lines().map(str::trim);
        while lines.any(|line| line == "#[test]") {
            let named = lines.by_ref().find_map(|line| between(line, "fn ", "("));
            names.extend(named.map(str::to_owned));
        }
    }
    for (_, text) in files(".t.sol") {
        let functions = text.lines().filter_map(|line| between(line, "function ", "("));
        names.extend(
            functions.filter(|name| name.starts_with("test") || name.starts_with("invariant")).map(str::to_owned),
        );
    }
    for (_, text) in files(".test.mjs") {
        names.extend(text.lines().filter_map(|line| between(line, "test('", "'")).map(str::to_owned));
    }
    names
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The names in the columns of tables that are headed `tests`. It is their last column.
fn named_tests(page: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut among_tests = false;
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        // A row begins and ends with a bar.
        let Some(last) = cells.len().checked_sub(2).map(|index| cells[index]).filter(|_| line.starts_with('|')) else {
            among_tests = false;
            continue;
        };
        if last == "tests" {
            among_tests = true;
        } else if among_tests {
            names.extend(quoted(last));
        }
    }
    names
}

/// What a heading is called in links to it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
}

/// Pages of the book, and those beside it.
fn pages() -> Vec<(PathBuf, String)> {
    files(".md")
}

#[test]
fn every_test_that_the_documentation_names_exists() {
    let tests = tests();
    let mut count = 0;
    for (page, text) in pages() {
        for name in named_tests(&text) {
            assert!(tests.contains(name), "{}: there is no test {name}", page.display());
            count += 1;
        }
    }
    assert!(count > 200, "expected the tests of all invariants, found {count}");
}

#[test]
fn names_are_found_in_columns_of_tests_only() {
    let page = "| a | tests |\n|---|---|\n| `b` | `c`, `d e` |\n\n`f`\n\n| tests | g |\n|---|---|\n| `h` | `i` |\n";
    assert_eq!(named_tests(page), ["c", "d e"]);
}

#[test]
fn every_invariant_names_a_test_and_numbers_go_up() {
    let mut last = 0;
    for line in text("docs/src/invariants.md").lines() {
        let Some(number) = between(line, "| ", " |").and_then(|cell| cell.parse::<u32>().ok()) else { continue };
        assert_eq!(number, last + 1, "{line}");
        last = number;
        let tests = line.split('|').nth_back(1).unwrap();
        assert!(quoted(tests).next().is_some(), "invariant {number} names no test");
    }
    assert!(last > 32, "expected all invariants, found {last}");
}

#[test]
fn every_link_leads_somewhere() {
    for (page, text) in pages() {
        let directory = page.parent().unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.contains("://") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { root().join(&page) } else { root().join(directory).join(file) };
            assert!(target.exists(), "{}: there is no {link}", page.display());
            if !place.is_empty() {
                let target = fs::read_to_string(&target).unwrap();
                let headings = target.lines().filter(|line| line.starts_with('#'));
                let found = headings.map(|line| anchor(line.trim_start_matches(['#', ' ']))).any(|name| name == place);
                assert!(found, "{}: there is no heading for {link}", page.display());
            }
        }
    }
}

/// Paths from the root, and those beside the page.
#[test]
fn every_file_that_the_documentation_names_exists() {
    // What is built.
    const BUILT: [&str; 2] = ["target/", "web/dist/"];
    let root = root();
    let directories: BTreeSet<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let is_path = |name: &&str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_./-".contains(letter));
    for (page, text) in pages() {
        for name in quoted(&text).filter(is_path).filter(|name| !BUILT.iter().any(|built| name.starts_with(built))) {
            let begins_at_root = name.split_once('/').is_some_and(|(first, _)| directories.contains(OsStr::new(first)));
            let beside = root.join(&page).with_file_name(name);
            let exists = !begins_at_root || root.join(name).exists() || beside.exists();
            assert!(exists, "{}: there is no file {name}", page.display());
        }
    }
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = text("docs/src/SUMMARY.md");
    for (page, _) in pages() {
        let Ok(name) = page.strip_prefix("docs/src") else { continue };
        let name = name.display().to_string();
        // Figures are parts of pages.
        let listed = name == "SUMMARY.md" || name.starts_with("figures") || summary.contains(&format!("]({name})"));
        assert!(listed, "{name} is not in the summary");
    }
}

#[test]
fn every_direct_dependency_is_documented() {
    let page = text("docs/src/supply-chain.md");
    let named: BTreeSet<&str> = quoted(&page).collect();
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let dependencies = manifest["workspace"]["dependencies"].as_table().unwrap();
    for (name, dependency) in dependencies {
        if dependency.get("path").is_none() {
            let name = dependency.get("package").and_then(toml::Value::as_str).unwrap_or(name);
            assert!(named.contains(name), "supply-chain.md does not say what {name} is for");
        }
    }
    for package in ["contracts/package.json", "web/package.json"] {
        let package: serde_json::Value = serde_json::from_str(&text(package)).unwrap();
        for group in ["dependencies", "devDependencies", "optionalDependencies"] {
            for name in package[group].as_object().into_iter().flatten().map(|(name, _)| name) {
                assert!(named.contains(name.as_str()), "supply-chain.md does not say what {name} is for");
            }
        }
    }
}

/// Lints are the workspace's, which forbid unsafe code, in all crates but the page's, which denies it and allows it where the
/// documentation says.
#[test]
fn code_is_unsafe_only_where_the_documentation_says() {
    let workspace: toml::Table = text("Cargo.toml").parse().unwrap();
    let workspace = &workspace["workspace"];
    assert_eq!(workspace["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for member in workspace["members"].as_array().unwrap().iter().map(|member| member.as_str().unwrap()) {
        let manifest: toml::Table = text(Path::new(member).join("Cargo.toml")).parse().unwrap();
        let lints = &manifest["lints"];
        if member == "web" {
            assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("deny"));
        } else {
            assert_eq!(lints["workspace"].as_bool(), Some(true), "{member}");
        }
    }
    // In two words, or this file would be one of them.
    let allowance = concat!("allow(", "unsafe_code");
    let allowed: Vec<_> = files(".rs").into_iter().filter(|(_, text)| text.contains(allowance)).collect();
    let allowed: Vec<_> = allowed.iter().map(|(path, _)| path.to_str().unwrap()).collect();
    assert_eq!(allowed, ["web/src/door.rs", "web/src/randomness.rs"]);
    let page = text("docs/src/supply-chain.md");
    assert!(allowed.iter().all(|path| page.contains(path)), "supply-chain.md does not name {allowed:?}");
}
