//! What a verification tells people and programs: the same at the command line and in a browser.

use serde_json::{Value, json};

use crate::attestation::check::Accepted;

impl Accepted {
    /// What is established, what is not, and what was taken on faith, as JSON.
    #[must_use]
    pub fn findings(&self) -> Value {
        let mut findings = json!(self);
        findings["established"] = json!(self.established());
        findings["not_established"] = json!(self.not_established());
        findings["faith"] =
            self.faith.iter().map(|anchor| json!({ "anchor": anchor, "text": anchor.to_string() })).collect();
        findings
    }
}
