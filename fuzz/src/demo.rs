//! A package that verifies: an attestation and its files, as `surety demo` writes them under the development set-up.

use std::sync::LazyLock;

use surety_core::{text::Document as _, units::Timestamp};
use surety_margin::{market::Snapshot, policy::Policy, universe::Universe};
use surety_verifier::{
    Attestation, CommittedPolicy, VerifyingKey,
    attestation::{
        check::{Asked, Files, Presentation, VerifierTerms},
        compiled::CompiledPolicyFile,
        trust::Trust,
    },
};

/// The universe of the examples, over the development set-up.
pub const UNIVERSE: &str = include_str!("../seeds/universe/demo.toml");

const POLICY: &str = include_str!("../../examples/policy.toml");
const COMPILED: &str = include_str!("../seeds/compiled_policy/demo.json");
const MARKET: &str = include_str!("../seeds/market/demo.json");
const ATTESTATION: &str = include_str!("../seeds/attestation/demo.json");

/// When the attestation counts.
const NOW: Timestamp = Timestamp(1_795_941_567);

/// The package.
pub struct Demo {
    pub universe: Universe,
    pub policy: CommittedPolicy,
    pub compiled: CompiledPolicyFile,
    pub snapshot: Snapshot,
    pub attestation: Attestation,
    pub verifying_key: VerifyingKey,
}

/// The package, read once.
pub static DEMO: LazyLock<Demo> = LazyLock::new(|| {
    let universe = Universe::from_toml("universe", UNIVERSE).unwrap();
    let policy = Policy::read("policy", POLICY, &universe).unwrap();
    let compiled = CompiledPolicyFile::from_json("compiled", COMPILED).unwrap();
    Demo {
        policy: CommittedPolicy::published(policy, universe.clone(), &compiled).unwrap(),
        compiled,
        snapshot: Snapshot::from_json("market", MARKET).unwrap(),
        attestation: Attestation::from_json("attestation", ATTESTATION).unwrap(),
        verifying_key: VerifyingKey::pinned(universe.capacity, universe.srs.into()).unwrap(),
        universe,
    }
});

impl Demo {
    /// The files that an attestation is checked against.
    pub fn files(&self) -> Files<'_> {
        Files { policy: &self.policy, snapshot: &self.snapshot, verifying_key: &self.verifying_key }
    }
}

/// What a verifier brings along, which takes everything but the trust file on faith.
pub fn terms(trust: Option<&Trust>) -> VerifierTerms<'_> {
    VerifierTerms {
        trust,
        strict: false,
        allow_insecure_srs: true,
        vault: None,
        asked: Asked::Either,
        presentation: Presentation::Anybody,
        contract_sources: false,
        now: NOW,
    }
}
