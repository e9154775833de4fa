//! Texts that others chose, such as names of files and answers of nodes, as they may be shown: without characters that a terminal
//! obeys, and without those that turn around what stands beside them.

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

fn escaped(text: &str, kept: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if (character.is_control() || turns_text_around(character)) && !kept.contains(&character) {
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
}
