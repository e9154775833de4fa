//! The example: an institution with two custodians and a venue, embedded so that the program has it wherever it runs.

use surety_kzg::{Origin, srs::VerifierKey};

/// A file of the example.
#[derive(Clone, Copy, Debug)]
pub struct ExampleFile {
    /// Where it lies in the example's directory.
    pub path: &'static str,
    /// What is in it.
    pub text: &'static str,
}

macro_rules! example {
    ($path:literal) => {
        ExampleFile { path: $path, text: include_str!(concat!("../../examples/", $path)) }
    };
}

/// The universe.
pub const UNIVERSE: ExampleFile = example!("universe.toml");

/// The policy of the demonstration.
pub const POLICY: ExampleFile = example!("policy.toml");

/// Other policies over the same universe.
pub const OTHER_POLICIES: [ExampleFile; 2] = [example!("policy-cross.toml"), example!("policy-lending.toml")];

/// How the policy is published on a chain.
pub const RULES: ExampleFile = example!("rules.toml");

/// What each source holds of the account, in the order of the policy's sources.
pub const HOLDINGS: [ExampleFile; 3] = [
    example!("holdings/custodian-north.csv"),
    example!("holdings/custodian-south.csv"),
    example!("holdings/venue-atlas.csv"),
];

/// What each oracle node observed, in the order of the policy's nodes.
pub const OBSERVATIONS: [ExampleFile; 3] =
    [example!("market/node-1.csv"), example!("market/node-2.csv"), example!("market/node-3.csv")];

/// All files.
pub fn files() -> impl Iterator<Item = ExampleFile> {
    [UNIVERSE, POLICY, RULES].into_iter().chain(OTHER_POLICIES).chain(HOLDINGS).chain(OBSERVATIONS)
}

/// The text of [`UNIVERSE`], naming this set-up.
#[must_use]
pub fn universe_over(setup: &VerifierKey) -> String {
    let comment = match setup.origin() {
        Origin::Ceremony(ceremony) => ceremony.description,
        Origin::InsecureDevelopment => "The development set-up: INSECURE, its secret is published.",
        Origin::Unknown => "A set-up of unknown origin.",
    };
    let mut lines: Vec<String> = Vec::new();
    for line in UNIVERSE.text.lines() {
        if line.starts_with("srs = ") {
            // The comment above it is about the set-up that it names.
            lines.pop_if(|line| line.starts_with('#'));
            lines.extend([format!("# {comment}"), format!("srs = \"{}\"", setup.id())]);
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.push(String::new());
    lines.join("\n")
}
