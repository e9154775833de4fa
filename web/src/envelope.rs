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

/// The answer if the page is at fault.
pub(crate) fn internal(command: &str, error: &str) -> Value {
    failed(command, &Internal(error.to_owned()))
}

fn failed(command: &str, failure: &dyn Failure) -> Value {
    let message = failure.to_string();
    let error = json!({
        "code": failure.code(), "class": failure.class(), "message": message, "problems": failure.problems(),
    });
    envelope(command, false, "error", error)
}

fn envelope(command: &str, ok: bool, key: &str, content: Value) -> Value {
    json!({ "surety": env!("CARGO_PKG_VERSION"), "version": VERSION, "command": command, "ok": ok, key: content })
}
