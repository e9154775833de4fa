//! What the documentation says of the tree is so: tests that it names, pages and places that it refers to, dependencies
//! that it lists, and where code is unsafe.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use surety_core::capacity::{Capacity, TAIL_ROWS};
use surety_verifier::proof::protocol::{ColumnCommitment, Polynomial, Protocol, Rotation};
use walkdir::WalkDir;

/// Directories, wherever they are, in which nothing of the project is, but what tools have put there.
const TOOLS: [&str; 3] = [".git", "target", "node_modules"];

/// The same, by their paths.
const MADE: [&str; 5] = ["demo", "contracts/out", "contracts/cache", "web/dist", "sdk/dist"];

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

/// The names of all tests, of Rust, of Forge and of the page, and the files that they are in, without endings.
fn tests() -> BTreeMap<String, Vec<PathBuf>> {
    let mut tests: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut found = |path: &Path, ending: &str, name: &str| {
        let path = path.to_str().unwrap().strip_suffix(ending).unwrap();
        tests.entry(name.to_owned()).or_default().push(path.into());
    };
    for (path, text) in files(".rs") {
        let mut lines = text.lines().map(str::trim);
        while lines.any(|line| line == "#[test]") {
            let named = lines.by_ref().find_map(|line| between(line, "fn ", "("));
            named.into_iter().for_each(|name| found(&path, ".rs", name));
        }
    }
    for (path, text) in files(".t.sol") {
        let functions = text.lines().filter_map(|line| between(line, "function ", "("));
        let tests = functions.filter(|name| name.starts_with("test") || name.starts_with("invariant"));
        tests.for_each(|name| found(&path, ".t.sol", name));
    }
    for (path, text) in files(".test.mjs") {
        let named = text.lines().filter_map(|line| between(line, "test('", "'"));
        named.for_each(|name| found(&path, ".test.mjs", name));
    }
    tests
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The names in columns of tables that are headed `tests`, which is the last column, and in paragraphs after `Tests:`.
fn named_tests(page: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let (mut in_column, mut in_paragraph) = (false, false);
    for line in page.lines() {
        let text = line.trim_start();
        // An item of a list begins a paragraph, and an empty line ends one.
        in_paragraph = (in_paragraph && !text.is_empty() && !text.starts_with("- ")) || text.starts_with("Tests:");
        if in_paragraph {
            names.extend(quoted(line));
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        // A row begins and ends with a bar.
        let Some(last) = cells.len().checked_sub(2).map(|index| cells[index]).filter(|_| line.starts_with('|')) else {
            in_column = false;
            continue;
        };
        if last == "tests" {
            in_column = true;
        } else if in_column {
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

/// A name that several tests have says which is meant by its file: `ledger::rejects_…`.
#[test]
fn every_test_that_the_documentation_names_exists_once() {
    let tests = tests();
    let mut count = 0;
    for (page, text) in pages() {
        for named in named_tests(&text) {
            let (file, name) = named.rsplit_once("::").unwrap_or(("", named));
            let files = tests.get(name).into_iter().flatten();
            let meant = files.filter(|path| file.is_empty() || path.ends_with(file)).count();
            assert_eq!(meant, 1, "{}: expected one test {named}", page.display());
            count += 1;
        }
    }
    assert!(count > 200, "expected the tests of all invariants, found {count}");
}

#[test]
fn names_are_found_in_paragraphs_of_tests_only() {
    let page = "- `a`\n  Tests: `b`,\n  `c`.\n- `d`\n\nTests: `e`.\n\n`f`\n";
    assert_eq!(named_tests(page), ["b", "c", "e"]);
}

#[test]
fn names_are_found_in_columns_of_tests_only() {
    let page = "| a | tests |\n|---|---|\n| `b` | `c`, `d e` |\n\n`f`\n\n| tests | g |\n|---|---|\n| `h` | `i` |\n";
    assert_eq!(named_tests(page), ["c", "d e"]);
}

#[test]
fn every_invariant_names_a_test_and_numbers_go_up() {
    let mut last = 0;
    let page = text("docs/src/invariants.md");
    for item in page.split("\n- **").skip(1) {
        let item = item.split("\n\n").next().unwrap();
        let number = item.split_once(". ").and_then(|(number, _)| number.parse::<u32>().ok());
        if let Some(number) = number {
            assert_eq!(number, last + 1, "{item}");
            last = number;
        }
        assert!(!named_tests(item).is_empty(), "this invariant names no test: {item}");
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

/// The book is also built into a site, to which files beside it do not belong: pages name these without a link.
#[test]
fn links_of_the_book_stay_in_the_book() {
    let book = root().join("docs/src");
    for (page, text) in pages().into_iter().filter(|(page, _)| page.starts_with("docs/src")) {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = link.split_once('#').map_or(link, |(file, _)| file);
            let target = fs::canonicalize(root().join(&page).with_file_name(file)).unwrap();
            let inside = target.starts_with(fs::canonicalize(&book).unwrap());
            assert!(inside, "{}: expected a link within docs/src, found {link}", page.display());
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
    for package in ["contracts/package.json", "sdk/package.json", "web/package.json"] {
        let package: serde_json::Value = serde_json::from_str(&text(package)).unwrap();
        for group in ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"] {
            for name in package[group].as_object().into_iter().flatten().map(|(name, _)| name) {
                assert!(named.contains(name.as_str()), "supply-chain.md does not say what {name} is for");
            }
        }
    }
}

/// The numbers in a cell of a table.
fn numbers(cell: &str) -> Vec<usize> {
    cell.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// The rows of a table by their first cells, the other cells behind.
fn table<'page>(page: &'page str, first_heading: &str) -> BTreeMap<&'page str, Vec<&'page str>> {
    let cells = |line: &'page str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let lines = page.lines().skip_while(|line| !line.starts_with(&format!("| {first_heading} |")));
    let rows = lines.skip(2).take_while(|line| line.starts_with('|')).map(cells);
    rows.map(|cells| (cells[0], cells[1..].to_vec())).collect()
}

/// The accounting of zero knowledge lists for each hidden polynomial the points at which proofs open it. The blinded
/// holdings have none of their own: `BLIND` covers both.
#[test]
fn the_accounting_is_that_of_the_protocol() {
    let page = text("docs/src/zero-knowledge.md");
    let rows = table(&page, "polynomial");
    for capacity in Capacity::all() {
        let protocol = Protocol::of(capacity).unwrap();
        assert_eq!(protocol.blinding_factors + 1, TAIL_ROWS);
        let mut shown: BTreeMap<Polynomial, BTreeSet<&str>> = BTreeMap::new();
        for opening in protocol.evaluations() {
            let point = match opening.rotation {
                Rotation::PREVIOUS => "ω⁻¹x",
                Rotation::CURRENT => "x",
                Rotation::NEXT => "ωx",
                other => unreachable!("no column is opened at {other:?}"),
            };
            assert!(shown.entry(opening.polynomial).or_default().insert(point), "{opening:?} is shown twice");
        }
        assert_eq!(protocol.lookups.len(), 2);
        let (mut seen, mut sums) = (BTreeSet::new(), [0; 3]);
        for (polynomial, points) in &shown {
            let (name, uniform) = match *polynomial {
                Polynomial::Advice(column) if protocol.advice[column].commitment == ColumnCommitment::Known => continue,
                // The next row of the table is BLIND's, with the value of BLINDED_HOLD at x.
                Polynomial::Advice(column) if protocol.advice[column].name == "BLINDED_HOLD" => continue,
                Polynomial::Advice(column) => (format!("`{}`", protocol.advice[column].name), TAIL_ROWS),
                Polynomial::LookupInput(_) => ("permuted inputs, two".to_owned(), TAIL_ROWS),
                Polynomial::LookupTable(_) => ("permuted tables, two".to_owned(), TAIL_ROWS),
                Polynomial::LookupProduct(_) => ("running products, two".to_owned(), TAIL_ROWS - 1),
                // Public, or all random.
                Polynomial::Fixed(_) | Polynomial::Blinding => continue,
                Polynomial::Quotient => unreachable!("verifiers compute it"),
            };
            let mut points = points.clone();
            if name == "`BLIND`" {
                // The blinded holdings at x are BLIND's value and that of HOLD, which nothing shows.
                points.insert("x");
            }
            // The commitment is one more point.
            let equations = points.len() + 1;
            let counts = [equations, uniform, uniform - equations];
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            let row = &rows[name.as_str()];
            let points: BTreeSet<_> = points.iter().copied().chain(["τ"]).collect();
            assert_eq!(row[0].split(',').map(str::trim).collect::<BTreeSet<_>>(), points, "{name}");
            assert_eq!(row[1..].iter().map(|cell| numbers(cell)[0]).collect::<Vec<_>>(), counts, "{name}");
            seen.insert(name);
        }
        assert_eq!(rows["together"][1..].iter().map(|cell| numbers(cell)[0]).collect::<Vec<_>>(), sums);
        assert_eq!(numbers(rows["quotient, four pieces"][1]), [protocol.quotient_pieces]);
        // And HOLD, the quotient, the random polynomial, and the sum.
        assert_eq!(seen.len() + 4, rows.len(), "{seen:?}");
    }
}

/// Lints are the workspace's, which forbid unsafe code, in all crates but two, which deny it and allow it where the
/// documentation says.
#[test]
fn code_is_unsafe_only_where_the_documentation_says() {
    let workspace: toml::Table = text("Cargo.toml").parse().unwrap();
    let workspace = &workspace["workspace"];
    assert_eq!(workspace["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for member in workspace["members"].as_array().unwrap().iter().map(|member| member.as_str().unwrap()) {
        let manifest: toml::Table = text(Path::new(member).join("Cargo.toml")).parse().unwrap();
        let lints = &manifest["lints"];
        if ["web", "wide"].contains(&member) {
            assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("deny"));
        } else {
            assert_eq!(lints["workspace"].as_bool(), Some(true), "{member}");
        }
    }
    // In two words, or this file would be one of them.
    let allowance = concat!("allow(", "unsafe_code");
    let allowed: Vec<_> = files(".rs").into_iter().filter(|(_, text)| text.contains(allowance)).collect();
    let allowed: Vec<_> = allowed.iter().map(|(path, _)| path.to_str().unwrap()).collect();
    assert!(allowed.iter().all(|path| path.starts_with("web/src/") || path.starts_with("wide/src/")), "{allowed:?}");
    let page = text("docs/src/supply-chain.md");
    assert!(allowed.iter().all(|path| page.contains(path)), "supply-chain.md does not name {allowed:?}");
}
