//! The files of this crate that others read: one form each, with published schemas.

use std::{fs, path::PathBuf};

use schemars::JsonSchema;
use surety::{
    chain::{Deployment, market::SnapshotSignature, rules::ChainRules},
    vault::VaultBalances,
};
use surety_margin::{schemas::schema, text::Document as _};

/// After a change of a type, `UPDATE=1 cargo nextest run -p surety schemas` writes the schemas anew.
#[test]
fn schemas_are_published() {
    published::<Deployment>("deployment");
    published::<ChainRules>("chain-rules");
    published::<SnapshotSignature>("snapshot-signature");
    published::<VaultBalances>("vault-balances");
}

fn published<T: JsonSchema>(name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schemas/{name}.json"));
    let text = serde_json::to_string_pretty(&schema::<T>()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "{}: run again with UPDATE=1", path.display());
}

#[test]
fn rejects_vault_balances_that_are_no_collateral() {
    let read = |balances: &str| {
        let text = format!(
            "{{\"kind\":\"surety/vault-balances\",\"version\":1,\"chain_id\":1,\"vault\":\"0x{0}\",\"subject\":\"0x{0}\",\
             \"checkpoint\":\"0x{1}\",\"number\":1,\"commitment\":\"0x{1}{1}\",\"balances\":[{balances}]}}",
            "11".repeat(20),
            "00".repeat(32),
        );
        VaultBalances::from_json("vault.json", &text)
    };
    let balance = |lots: &str| format!("{{\"instrument\":\"USDC\",\"lots\":\"{lots}\"}}");
    assert!(read("").is_ok());
    assert!(read(&balance("1")).is_ok());
    for balances in [balance("-1"), balance("0"), format!("{0},{0}", balance("1"))] {
        let errors = read(&balances).unwrap_err();
        assert!(errors.to_string().contains("balances["), "{errors}");
    }
}

/// A registry that is held to laxer rules than the policy's text would not be the policy's.
#[test]
fn rejects_rules_that_do_not_fit_the_policy() {
    let universe =
        surety_margin::universe::Universe::from_toml("universe.toml", surety::example::UNIVERSE.text).unwrap();
    let policy = surety_margin::policy::Policy::read("policy.toml", surety::example::POLICY.text, &universe).unwrap();
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
        (vault("liquidation", "USDC"), "a level of the policy"),
        (vault("initial", "DOGE"), "an instrument of the universe"),
    ] {
        let found = problems(format!("{head}{spoilt}"));
        assert!(found.len() == 1 && found[0].contains(says), "{says}: {found:?}");
    }
    for spoilt in [head.replace("policy_version = 1", "policy_version = 0"), format!("{head}{all}{}", feed(last, ""))] {
        assert!(ChainRules::from_toml("rules.toml", &spoilt).is_err());
    }
}

fn vault(level: &str, instrument: &str) -> String {
    let token = "22".repeat(20);
    format!(
        "[vault]\nlevel = \"{level}\"\nmax_age = 900\n[[vault.assets]]\ninstrument = \"{instrument}\"\n\
         token = \"0x{token}\"\nunit = 1\n"
    )
}
