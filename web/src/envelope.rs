//! The form of every answer, which is that of the command line with `--json`.

use serde_json::{Value, json};
use surety_core::failure::{Failure, Internal};

/// Version of the answer's form.
const VERSION: u32 = 1;

/// The answer of a command.
pub(crate) fn answer<E: Failure>(command: &str, result: Result<Value, E>) -> Value {
    match result {
        Ok(data) => envelope(command, true, "data", data),
        Err(failure) => failed(command, &failure),
    }
}

/// The answer of a command that found something, and fails all the same if what it found is not in order.
pub(crate) fn found(command: &str, data: Value, failure: Option<&impl Failure>) -> Value {
    let mut answer = envelope(command, failure.is_none(), "data", data);
    if let Some(failure) = failure {
        answer["error"] = error_of(failure);
    }
    answer
}

/// The answer if the page is at fault.
pub(crate) fn internal(command: &str, error: &str) -> Value {
    failed(command, &Internal(error.to_owned()))
}

fn failed(command: &str, failure: &dyn Failure) -> Value {
    envelope(command, false, "error", error_of(failure))
}

fn error_of(failure: &dyn Failure) -> Value {
    let message = failure.to_string();
    json!({ "code": failure.code(), "class": failure.class(), "message": message, "problems": failure.problems() })
}

fn envelope(command: &str, ok: bool, key: &str, content: Value) -> Value {
    json!({ "surety": env!("CARGO_PKG_VERSION"), "version": VERSION, "command": command, "ok": ok, key: content })
}
