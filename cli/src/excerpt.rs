//! The places of mistakes in the user's own files, shown to the user.
//!
//! Errors never repeat the content of secret files, because errors end up in logs, envelopes and other programs. On a
//! terminal the reader is the file's owner, who has to find the mistake: there, and nowhere else, the line of each
//! mistake is read back from the file and shown under the error. Keys, passphrases and masks given in place of another
//! file are never shown, because seeing a secret helps nobody to find a mistake.

use std::{fmt::Write as _, path::Path};

use surety_core::{failure::Failure, text::InputErrors};
use surety_host::{files, keys::may_be_secret};
use zeroize::Zeroizing;

/// Maximum number of mistakes whose lines are shown.
const MOST: usize = 10;

/// Characters of a line that are shown before and after the mistake.
const BEFORE: usize = 30;
const BEHIND: usize = 50;

/// What an error says, with the line of each mistake under it.
pub(super) fn with_excerpts(failure: &dyn Failure) -> Zeroizing<String> {
    match failure.mistakes() {
        Some(errors) => interleaved(errors, |file| files::read_text(Path::new(file)).ok()),
        None => Zeroizing::new(failure.to_string()),
    }
}

fn interleaved(errors: &InputErrors, read: impl Fn(&str) -> Option<Zeroizing<String>>) -> Zeroizing<String> {
    let mut shown = Zeroizing::new(String::new());
    // Mistakes of one file follow each other.
    let (mut file, mut text) = ("", None);
    for (number, error) in errors.errors().iter().enumerate() {
        let separator = if number == 0 { "" } else { "\n" };
        let _ = write!(shown, "{separator}{error}");
        if file != error.file {
            (file, text) = (&error.file, read(&error.file).filter(|text| !may_be_secret(text)));
        }
        let line = text.as_ref().and_then(|text| text.lines().nth(error.line.saturating_sub(1)));
        if let Some(line) = line.filter(|line| number < MOST && !line.is_empty()) {
            let _ = write!(shown, "\n{}", excerpt(line, error.line, error.column));
        }
    }
    shown
}

/// A part of a line, and a mark under the character at `column`, which counts from 1.
fn excerpt(line: &str, number: usize, column: usize) -> String {
    let start = column.saturating_sub(1).saturating_sub(BEFORE);
    let visible: Vec<char> =
        line.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let end = visible.len().min(start + BEFORE + BEHIND);
    let part: String = visible.get(start..end).unwrap_or_default().iter().collect();
    let (before, behind) = (if start > 0 { "…" } else { "" }, if end < visible.len() { "…" } else { "" });
    let number = number.to_string();
    let indent = " ".repeat(number.len());
    let mark =
        " ".repeat(before.chars().count() + column.saturating_sub(1).min(visible.len()) - start.min(visible.len()));
    format!("  {number} | {before}{part}{behind}\n  {indent} | {mark}^")
}

#[cfg(test)]
mod tests {
    use surety_core::text::Document as _;
    use surety_margin::universe::Universe;

    use super::*;

    const UNIVERSE: &str = "kind = 'surety/universe'\nversion = 1\nname = 'u'\ncapacity = 10\n\
        srs = '0x3fddc5c033fc5acc3a1c9e3202f33d50f5df250686370df63df8a289db50d730'\n\
        [[instruments]]\nname = 'BTC'\nclass = 'spot'\nlot_decimals = 8\n";

    fn errors(csv: &str) -> InputErrors {
        let universe = Universe::from_toml("u.toml", UNIVERSE).unwrap();
        surety_import::positions::holdings("h.csv", csv, &universe).unwrap_err()
    }

    #[test]
    fn mistakes_are_shown_with_their_lines() {
        const CSV: &str = "instrument,lots\nBTCC,5\nBTC,99999999999999999999999\n";
        let errors = errors(CSV);
        let shown = interleaved(&errors, |file| (file == "h.csv").then(|| Zeroizing::new(CSV.to_owned())));
        for (error, lines) in
            errors.errors().iter().zip(["  2 | BTCC,5\n    | ^", "  3 | BTC,99999999999999999999999\n    |     ^"])
        {
            assert!(shown.contains(&format!("{error}\n{lines}")), "{}", &*shown);
        }
    }

    #[test]
    fn files_that_cannot_be_read_back_have_no_excerpts() {
        let errors = errors("instrument,lots\nBTCC,5\n");
        assert_eq!(*interleaved(&errors, |_| None), errors.to_string());
    }

    /// Attack: somebody looks over the holder's shoulder at masks, keys and passphrases.
    #[test]
    fn rejects_to_show_masks_keys_and_passphrases() {
        let errors = errors("instrument,lots\nBTCC,5\n");
        let key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        for text in [
            "{\"kind\": \"surety/opening\",\n\"masks\": [\"0x12\"]}",
            &format!("\n{key}\n"),
            "\ncorrect horse, battery staple\n",
            "{\"crypto\": {\"kdf\": \"scrypt\",\n\"ciphertext\": \"95\"}}",
        ] {
            assert_eq!(*interleaved(&errors, |_| Some(Zeroizing::new(text.to_owned()))), errors.to_string());
        }
    }

    /// A policy over a universe that also has mistakes.
    #[test]
    fn mistakes_of_two_files_are_shown_with_their_own_lines() {
        let (first, second) = ("instrument,lots\nBTCC,5\n", "instrument,lots\nETH,7\n");
        let universe = Universe::from_toml("u.toml", UNIVERSE).unwrap();
        let others = surety_import::positions::holdings("other.csv", second, &universe).unwrap_err();
        let read = |file: &str| Some(Zeroizing::new(if file == "h.csv" { first } else { second }.to_owned()));
        let shown = interleaved(&errors(first).and(others), read);
        assert!(shown.contains("  2 | BTCC,5\n") && shown.contains("  2 | ETH,7\n"), "{}", &*shown);
    }

    #[test]
    fn long_lines_are_cut_around_the_mistake() {
        let line = format!("{}X{}", "a".repeat(100), "b".repeat(100));
        let shown = excerpt(&line, 12, 101);
        let [text, mark] = shown.lines().collect::<Vec<_>>()[..] else { panic!("{shown}") };
        assert!(text.starts_with("  12 | …aaa") && text.ends_with("bbb…"), "{text}");
        let place = |line: &str, wanted: char| line.chars().position(|character| character == wanted);
        assert_eq!(place(text, 'X'), place(mark, '^'), "{shown}");
        assert!(text.chars().count() < 100, "{text}");
        assert_eq!(excerpt("a\tb\u{1b}", 1, 3), "  1 | a b \n    |   ^");
        assert_eq!(excerpt("ab", 1, 9), "  1 | ab\n    |   ^");
    }
}
