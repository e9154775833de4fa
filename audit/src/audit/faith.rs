//! What is taken on faith, as JSON has it in every answer: a word for the missing anchor, and a sentence.

use std::fmt::Display;

use serde::{Serialize, Serializer};

/// Writes each as an object of `anchor` and `text`.
pub(super) fn objects<S: Serializer, F: Serialize + Display>(faith: &[F], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Taken<'a, F> {
        anchor: &'a F,
        text: String,
    }
    serializer.collect_seq(faith.iter().map(|anchor| Taken { anchor, text: anchor.to_string() }))
}
