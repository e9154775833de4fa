//! A deployment, and the example's policy over the development set-up, for tests; and nodes that answer as a test
//! wants.

use serde_json::Value;
use surety_core::{
    FormatVersion,
    ident::{HexBytes, Name},
    kind::KindOf,
    text::Document as _,
    units::{Decimals, Ppm, Seconds},
};
use surety_kzg::{Params, Srs, progress::Silent};
use surety_margin::{
    market::{Breaker, MarkedProofs},
    policy::Policy,
    universe::Universe,
    vault::{VaultAsset, VaultRules},
};
use surety_testing::node::answering;
use surety_verifier::CompiledPolicy;
use surety_walkthrough::example;

use crate::{Node, deployment::Deployment};

/// A node of chain 1 that gives `answer` to every method but the question for the chain.
pub(crate) fn node(answer: impl Fn(&str, &Value) -> Value + Send + 'static) -> Node {
    Node::connect(&answering(answer)).unwrap()
}

/// A node of chain 1 whose contracts answer calls with this data or, where it is an error, refuse them with it.
pub(crate) fn contracts(answer: impl Fn(&[u8]) -> Result<Vec<u8>, Vec<u8>> + Send + 'static) -> Node {
    Node::connect(&surety_testing::node::contracts(answer)).unwrap()
}

/// A deployment on the chain of a node that tests make up, no two of whose contracts are the same.
pub(crate) fn deployment() -> Deployment {
    Deployment {
        kind: KindOf::new(),
        version: FormatVersion,
        chain_id: 1,
        verifying_key: HexBytes([0x10; 32]),
        verifier: HexBytes([0x11; 20]),
        policies: HexBytes([0x12; 20]),
        oracle: HexBytes([0x13; 20]),
        registry: HexBytes([0x14; 20]),
        books: Some(HexBytes([0x16; 20])),
        vault: Some(HexBytes([0x15; 20])),
    }
}

/// The example's policy with a circuit breaker, and the bases that it was compiled with.
pub(crate) fn policy() -> (CompiledPolicy, Params) {
    changed_policy(|_| {})
}

/// The same, drawing on the deployment's vault, which counts two tokens.
pub(crate) fn vault_policy() -> (CompiledPolicy, Params) {
    let asset = |instrument: &str, token: u8, decimals: u8| VaultAsset {
        instrument: Name::new(instrument).unwrap(),
        token: HexBytes([token; 20]),
        decimals: Decimals::new(decimals).unwrap(),
    };
    let vault = VaultRules {
        chain: 1,
        address: HexBytes([0x15; 20]),
        level: Name::new("initial").unwrap(),
        max_age: Seconds(900),
        min_age: Seconds(30),
        assets: vec![asset("USDC", 0xa1, 6), asset("ETH", 0xa2, 18)],
    };
    changed_policy(|policy| policy.vault = Some(vault))
}

/// The same with a circuit breaker, after a change.
pub(crate) fn changed_policy(change: impl FnOnce(&mut Policy)) -> (CompiledPolicy, Params) {
    let universe = Universe::from_toml("universe.toml", example::UNIVERSE.text).unwrap();
    let srs = Srs::development(universe.capacity);
    let universe = Universe { srs: srs.id().bytes(), ..universe };
    let params = Params::from_srs(&srs, universe.capacity, &Silent).unwrap();
    let mut policy = Policy::read("policy.toml", example::POLICY.text, &universe).unwrap();
    policy.oracle.breaker = Some(Breaker { max_deviation: Ppm(100_000), proofs: MarkedProofs::Refused });
    change(&mut policy);
    (CompiledPolicy::compile(policy, universe, &params).unwrap(), params)
}
