//! The output of a command: results on stdout, everything else on stderr.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write},
};

use serde::Serialize;
use serde_json::{Value, json};
use surety_core::{
    failure::{Failure, Internal},
    visible::{visible, visible_json},
};

use super::{excerpt::with_excerpts, exit::Exit};
use crate::error::{Error, Usage};

/// Version of the envelope.
const VERSION: u32 = 1;

/// The result of a command that succeeded, the same for people and for programs.
pub(super) struct Answer {
    text: String,
    data: Value,
    failure: Option<Reported>,
}

impl Answer {
    /// An answer that reads as `text` to people and as `data` to programs.
    pub(super) fn new(data: impl Serialize, text: impl Display) -> Result<Self, Error> {
        let data = serde_json::to_value(data).map_err(|error| Error::from(Internal(error.to_string())))?;
        Ok(Self { text: text.to_string(), data, failure: None })
    }

    /// The same answer from a command that fails all the same, because of what it found: both are told.
    pub(super) fn failing(mut self, failure: &dyn Failure) -> Self {
        self.failure = Some(Reported::of(failure));
        self
    }
}

/// The format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
}

/// Writes the result of a command and returns the exit code.
pub(super) fn report(form: Form, command: &str, result: Result<Answer, Error>) -> Exit {
    let (written, exit) = match result {
        Ok(answer) => {
            let exit = answer.failure.as_ref().map_or(Exit::Good, |failure| failure.exit);
            (tell_answer(form, command, &answer), exit)
        }
        Err(error) => {
            let failure = Reported::of(&*error);
            let written = match form {
                // Nobody but the user reads what is on the user's terminal.
                Form::Text if io::stderr().is_terminal() => tell("error", &with_excerpts(&*error)),
                form => failure.write(form, command),
            };
            (written, failure.exit)
        }
    };
    // Nobody is left to be told that the output is closed.
    if written.is_err() && exit == Exit::Good { Exit::Internal } else { exit }
}

fn tell_answer(form: Form, command: &str, answer: &Answer) -> io::Result<()> {
    match form {
        Form::Json => envelope(command, Some(&answer.data), answer.failure.as_ref()),
        Form::Text => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(visible(&answer.text).as_bytes())?;
            if !answer.text.is_empty() && !answer.text.ends_with('\n') {
                stdout.write_all(b"\n")?;
            }
            stdout.flush()?;
            answer.failure.as_ref().map_or(Ok(()), |failure| tell("error", &failure.message))
        }
    }
}

/// What a command has to say if it failed.
pub(super) struct Reported {
    message: String,
    exit: Exit,
    code: String,
    class: Value,
    problems: Value,
}

impl Reported {
    fn of(failure: &dyn Failure) -> Self {
        Self {
            message: failure.to_string(),
            exit: failure.class().into(),
            code: failure.code().into_owned(),
            class: json!(failure.class()),
            problems: json!(failure.problems()),
        }
    }

    /// A command line that does not parse.
    pub(super) fn usage(message: String) -> Self {
        Self::of(&Usage(message))
    }

    pub(super) fn write(&self, form: Form, command: &str) -> io::Result<()> {
        match form {
            Form::Json => envelope(command, None, Some(self)),
            Form::Text => tell("error", &self.message),
        }
    }
}

fn envelope(command: &str, data: Option<&Value>, failure: Option<&Reported>) -> io::Result<()> {
    let mut envelope = json!({
        "surety": env!("CARGO_PKG_VERSION"),
        "version": VERSION,
        "command": command,
        "ok": failure.is_none(),
    });
    if let Some(data) = data {
        envelope["data"] = data.clone();
    }
    if let Some(Reported { message, code, class, problems, .. }) = failure {
        envelope["error"] = json!({ "code": code, "class": class, "message": message, "problems": problems });
    }
    let text = visible_json(&serde_json::to_string_pretty(&envelope)?);
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Writes a line to stderr.
pub(super) fn tell(kind: &str, message: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{kind}: {}", visible(message))
}
