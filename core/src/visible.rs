//! Texts that others chose, such as names of files and answers of nodes, as they may be shown: without characters that
//! a terminal obeys, and without those that turn around what stands beside them.

/// A text of several lines.
#[must_use]
pub fn visible(text: &str) -> String {
    escaped(text, &['\n', '\t'])
}

/// A text that must not begin a line of its own.
#[must_use]
pub fn one_line(text: &str) -> String {
    escaped(text, &[])
}

/// A text in JSON, which says the same afterwards: only its strings have such characters, and there JSON has escapes
/// for them.
#[must_use]
pub fn visible_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) && character != '\n' {
            shown += &format!("\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a terminal obeys it, or it turns around what stands beside it. All of them have four hexadecimal digits.
fn is_harmful(character: char) -> bool {
    character.is_control() || turns_text_around(character)
}

fn escaped(text: &str, kept: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) && !kept.contains(&character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9).
fn turns_text_around(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_what_a_terminal_obeys_and_what_turns_text_around() {
        assert_eq!(
            visible("a\u{1b}[2Jb\rc\u{7}\u{9b}d\u{202e}e\u{2066}f"),
            "a\\u{1b}[2Jb\\rc\\u{7}\\u{9b}d\\u{202e}e\\u{2066}f"
        );
        assert_eq!(visible("two\nlines\tand é τ"), "two\nlines\tand é τ");
        assert_eq!(one_line("two\nlines"), "two\\nlines");
    }

    #[test]
    fn rejects_what_a_terminal_obeys_in_json_and_says_the_same() {
        let value = serde_json::json!({ "a\u{7f}": "b\u{85}\u{9b}c\u{202e}d\u{61c}\n\u{1b}é τ \\u{7f}" });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = visible_json(&text);
        assert!(!shown.chars().any(|character| is_harmful(character) && character != '\n'), "{shown}");
        assert!(shown.contains("b\\u0085\\u009bc\\u202ed\\u061c") && shown.contains("é τ"), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
