//! Mistakes in a command line, in the form of every other error: the expected value, the found value, and a remedy.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The mistake, in one line.
pub(super) fn message(error: &clap::Error) -> String {
    let said = Said(error);
    let (argument, value) = (said.text(ContextKind::InvalidArg), said.text(ContextKind::InvalidValue));
    let argument = argument.as_str();
    match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument}: expected a value, found none"),
        ErrorKind::InvalidValue => {
            let valid = said.list(ContextKind::ValidValue);
            format!("{argument}: expected {}, found {value:?}", one_of(&valid))
                + &said.suggestion(ContextKind::SuggestedValue)
        }
        ErrorKind::ValueValidation => format!("{argument}: {}", said.rule(&value)),
        ErrorKind::UnknownArgument => {
            let found = format!("expected an argument that the command has, found {argument}");
            found + &said.suggestion(ContextKind::SuggestedArg) + &said.suggestion(ContextKind::SuggestedSubcommand)
        }
        ErrorKind::InvalidSubcommand => {
            let found = said.text(ContextKind::InvalidSubcommand);
            format!("expected a command, found {found:?}") + &said.suggestion(ContextKind::SuggestedSubcommand)
        }
        ErrorKind::MissingRequiredArgument => {
            format!("expected {}, found none", said.list(ContextKind::InvalidArg).join(" and "))
        }
        ErrorKind::MissingSubcommand => {
            format!("expected a command: {}, found none", one_of(&said.list(ContextKind::ValidSubcommand)))
        }
        ErrorKind::ArgumentConflict => match said.list(ContextKind::PriorArg).join(" and ") {
            prior if prior.is_empty() || prior == argument => format!("{argument}: expected once, found again"),
            prior => format!("{argument}: expected without {prior}, found both"),
        },
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => {
            format!("{argument}: expected more values, found too few")
        }
        ErrorKind::TooManyValues => format!("{argument}: expected fewer values, found {value:?} as well"),
        ErrorKind::InvalidUtf8 => "expected arguments in UTF-8, found other bytes".to_owned(),
        _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    }
}

/// The usage of the command, in one line; empty if unknown.
pub(super) fn synopsis(error: &clap::Error) -> String {
    Said(error).text(ContextKind::Usage)
}

/// The parser's context of a mistake.
struct Said<'e>(&'e clap::Error);

impl Said<'_> {
    fn list(&self, kind: ContextKind) -> Vec<String> {
        match self.0.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            Some(ContextValue::StyledStr(text)) => vec![text.to_string()],
            Some(ContextValue::StyledStrs(texts)) => texts.iter().map(ToString::to_string).collect(),
            Some(ContextValue::Number(number)) => vec![number.to_string()],
            _ => Vec::new(),
        }
    }

    fn text(&self, kind: ContextKind) -> String {
        self.list(kind).join(", ")
    }

    fn suggestion(&self, kind: ContextKind) -> String {
        let known = self.list(kind);
        if known.is_empty() { String::new() } else { format!("; did you mean {}?", one_of(&known)) }
    }

    /// The rule that a value breaks. Errors of number parsing take the form `expected …, found …` of the program's
    /// own rules.
    fn rule(&self, value: &str) -> String {
        let rule = self.0.source().map(ToString::to_string).unwrap_or_default();
        if rule.starts_with("expected ") {
            return rule;
        }
        match rule.split_once(" is not in ") {
            Some((_, range)) => format!("expected a whole number in {range}, found {value:?}"),
            None => format!("expected a whole number, found {value:?}"),
        }
    }
}

fn one_of(names: &[String]) -> String {
    match names {
        [] => "another value".to_owned(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} or {last}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::Cli;

    #[test]
    fn command_lines_are_corrected_in_the_words_of_every_other_error() {
        for (line, expected) in [
            ("verfy a.json", "expected a command, found \"verfy\"; did you mean verify?"),
            ("key neww", "expected a command, found \"neww\"; did you mean new?"),
            ("verify", "expected <FILE>, found none"),
            ("verify a.json --at yesterdayish", "--at <TIME>: expected "),
            (
                "verify a.json --strickt",
                "expected an argument that the command has, found --strickt; did you mean --strict?",
            ),
            ("verify a.json b.json", "expected an argument that the command has, found b.json"),
            ("verify a.json --strict --strict", "--strict: expected once, found again"),
            ("demo --out x --batch 0", "--batch <N>: expected a whole number in 1..=100000, found \"0\""),
            ("demo --out x --batch many", "--batch <N>: expected a whole number, found \"many\""),
            ("demo --out", "--out <DIR>: expected a value, found none"),
            ("completions fishy", "expected bash, elvish, fish, powershell or zsh, found \"fishy\""),
        ] {
            let words = ["surety"].into_iter().chain(line.split(' '));
            let error = Cli::try_parse_from(words).err().unwrap();
            let message = message(&error);
            assert!(message.contains(expected), "{line}: {message}");
            assert!(!message.contains('\n') && !message.contains("expected expected"), "{line}: {message}");
        }
    }
}
