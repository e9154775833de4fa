//! The files that have to do with a chain: one form each, with published schemas, and what they are held to.

use surety_chain::{Deployment, market::SnapshotSignature, proposal::Proposal, rules::ChainRules};
use surety_core::{
    ident::HexBytes,
    problem::Problem,
    schema::schema,
    text::{Document, InputErrors},
};
use surety_kzg::{Params, Srs, progress::Silent};
use surety_margin::{policy::Policy, universe::Universe};
use surety_testing::schemas::assert_published;
use surety_verifier::attestation::vault::{VaultBalances, VaultError};

/// After a change of a type, `UPDATE=1 cargo nextest run -p surety schemas` writes the schemas anew.
#[test]
fn schemas_are_published() {
    assert_published("deployment", &schema::<Deployment>());
    assert_published("chain-rules", &schema::<ChainRules>());
    assert_published("proposal", &schema::<Proposal>());
    assert_published("snapshot-signature", &schema::<SnapshotSignature>());
    assert_published("vault-balances", &schema::<VaultBalances>());
}

/// Without a commitment.
fn balances(balances: &str) -> Result<VaultBalances, InputErrors> {
    let text = |checkpoint: &str| {
        format!(
            "{{\"kind\":\"surety/vault-balances\",\"version\":2,\"chain_id\":1,\"vault\":\"0x{0}\",\
             \"universe\":\"0x{2}\",\"subject\":\"0x{0}\",\"checkpoint\":\"{checkpoint}\",\"number\":1,\"grown_at\":9,\
             \"commitment\":\"0x{1}\",\"balances\":[{balances}]}}",
            "11".repeat(20),
            "00".repeat(64),
            "22".repeat(32),
        )
    };
    // The checkpoint follows from the rest.
    let unsealed: VaultBalances = serde_json::from_str(&text(&HexBytes([0; 32]).to_string())).unwrap();
    VaultBalances::from_json("vault.json", &text(&unsealed.state().unwrap().checkpoint().to_string()))
}

fn balance(lots: &str) -> String {
    format!("{{\"instrument\":\"USDC\",\"lots\":\"{lots}\"}}")
}

#[test]
fn rejects_vault_balances_that_are_no_collateral() {
    assert!(balances("").is_ok());
    assert!(balances(&balance("1")).is_ok());
    for spoilt in [balance("-1"), balance("0"), format!("{0},{0}", balance("1"))] {
        let errors = balances(&spoilt).unwrap_err();
        assert!(errors.to_string().contains("balances["), "{errors}");
    }
}

/// Attack: collateral that is not there, which would be proven about.
#[test]
fn rejects_vault_balances_that_the_vault_has_not_committed_to() {
    let universe = Universe::from_toml("universe.toml", surety_walkthrough::example::UNIVERSE.text).unwrap();
    let params = Params::from_srs(&Srs::development(universe.capacity), universe.capacity, &Silent).unwrap();
    let (nothing, mut something) = (balances("").unwrap(), balances(&balance("5")).unwrap());
    nothing.position(&universe, &params).unwrap();
    let Err(VaultError::Commitment(Problem { expected, .. })) = something.position(&universe, &params) else {
        panic!("five lots have a commitment")
    };
    something.commitment = HexBytes::parse(&expected).unwrap();
    let position = something.position(&universe, &params).unwrap();
    assert_eq!(position.lots()[1].get(), 5);
    let other = VaultBalances { balances: nothing.balances.clone(), ..something.clone() };
    assert!(matches!(other.position(&universe, &params), Err(VaultError::Commitment(_))));
    let no_point = VaultBalances { commitment: HexBytes([1; 64]), ..something.clone() };
    assert!(matches!(no_point.state(), Err(VaultError::Point(_))));
}

/// A registry that is held to laxer rules than the policy's text would not be the policy's.
#[test]
fn rejects_rules_that_do_not_fit_the_policy() {
    let universe = Universe::from_toml("universe.toml", surety_walkthrough::example::UNIVERSE.text).unwrap();
    let policy = Policy::read("policy.toml", surety_walkthrough::example::POLICY.text, &universe).unwrap();
    let head = "kind = \"surety/chain-rules\"\nversion = 1\nline = \"a\"\npolicy_version = 1\ngrace = 0\n";
    let feed = |entry: &str, more: &str| {
        format!("[[feeds]]\nentry = \"{entry}\"\naggregator = \"0x{}\"\ndecimals = 8\n{more}\n", "11".repeat(20))
    };
    let all: String = policy.market.iter().map(|entry| feed(entry.name.as_str(), "")).collect();
    let problems = |text: String| {
        let rules = ChainRules::from_toml("rules.toml", &text).unwrap();
        rules.check(&policy, &universe).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(problems(head.to_owned()), [""; 0]);
    assert_eq!(problems(format!("{head}{all}")), [""; 0]);
    let last = policy.market.last().unwrap().name.as_str();
    let others = all.rsplit_once("[[feeds]]").unwrap().0;
    for (spoilt, says) in [
        (others.to_owned(), "a feed for"),
        (format!("{all}{}", feed("DOGE-USD", "")), "a market entry of the policy"),
        (format!("{others}{}", feed(last, "max_age = 901")), "at most 900"),
        (format!("{others}{}", feed(last, "max_deviation = 1")), "circuit breaker"),
        (format!("{others}{}", feed(last, "").replace("decimals = 8", "decimals = 9")), "at most 8"),
    ] {
        let found = problems(format!("{head}{spoilt}"));
        assert!(found.len() == 1 && found[0].contains(says), "{says}: {found:?}");
    }
    for spoilt in [head.replace("policy_version = 1", "policy_version = 0"), format!("{head}{all}{}", feed(last, ""))] {
        assert!(ChainRules::from_toml("rules.toml", &spoilt).is_err());
    }
}
