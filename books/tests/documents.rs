//! The forms of documents, as they are published.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use surety_books::{
    book::Book,
    cell::{CellFile, CellKeys},
    rules::BookRules,
};
use surety_core::{schema::schema, text::Document as _};
use surety_testing::schemas::assert_published;

/// After a change of a type, `UPDATE=1 cargo nextest run -p surety-books schemas` writes the schemas anew.
#[test]
fn schemas_of_books_are_published() {
    assert_published("book", &schema::<Book>());
    assert_published("book-rules", &schema::<BookRules>());
    assert_published("cell", &schema::<CellFile>());
    assert_published("cell-keys", &schema::<CellKeys>());
}

#[test]
fn rejects_rules_without_kinds_and_kinds_without_accounts() {
    let rules = |kinds: &str| {
        let head = "kind = \"surety/book-rules\"\nversion = 1\nvenue = \"v\"\nlevel = \"l\"\nquote = \"USD\"\n";
        BookRules::from_toml("book.toml", &format!("{head}{kinds}")).map_err(|error| error.to_string())
    };
    let kind = "[[kinds]]\nname = \"a\"\ndebts = false\n";
    rules(kind).unwrap();
    for (kinds, part) in [
        ("kinds = []", "at least one"),
        (&format!("{kind}{kind}"), "no other kind"),
        (&format!("{kind}accounts = 0\n"), "at least one account"),
        (&format!("{kind}instruments = [\"A\", \"A\"]\n"), "once"),
        (&format!("max_shortfall = \"-1\"\n{kind}"), "max_shortfall"),
    ] {
        let error = rules(kinds).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
