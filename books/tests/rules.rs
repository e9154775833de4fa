//! What rules of books may say of a policy and its universe.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use surety_books::rules::BookRules;
use surety_core::{ident::Name, text::Document as _, units::Allowance};
use surety_margin::models::{All, Any, Model, ModelPart};
use surety_testing::sample::{self, Sample};

const RULES: &str =
    "kind = \"surety/book-rules\"\nversion = 1\nvenue = \"v\"\nlevel = \"maintenance\"\nquote = \"USD\"\n";

fn kind(debts: bool, more: &str) -> String {
    format!("[[kinds]]\nname = \"a\"\ndebts = {debts}\n{more}")
}

fn cap(instrument: &str, amount: &str) -> String {
    format!("[[caps]]\ninstrument = \"{instrument}\"\ndebts = \"{amount}\"\nbalances = \"1\"\n")
}

/// The places of the rules that are broken.
fn broken(text: &str, Sample { universe, policy }: &Sample) -> Vec<String> {
    let rules = BookRules::from_toml("book.toml", text).unwrap();
    rules.check(policy, universe).into_iter().map(|problem| problem.path).collect()
}

#[test]
fn rejects_book_rules_that_do_not_fit_the_policy() {
    let sample = sample::collateral(12, 2);
    let caps = [cap("USD", "1"), cap("PERP-1", "0.0001")].concat();
    let good = format!("{RULES}{}{caps}", kind(true, ""));
    assert_eq!(broken(&good, &sample), [""; 0]);
    for (from, to, place) in [
        ("maintenance", "elsewhere", "level"),
        ("quote = \"USD\"", "quote = \"PERP-1\"", "quote"),
        ("quote = \"USD\"", "quote = \"USD\"\nmax_shortfall = \"0.001\"", "max_shortfall"),
        ("debts = true", "debts = true\ninstruments = [\"XYZ\"]", "kinds[0].instruments[0]"),
        ("\"0.0001\"", "\"0.00001\"", "caps[1].debts"),
        ("instrument = \"PERP-1\"", "instrument = \"PERP-2\"", "caps"),
        ("instrument = \"PERP-1\"", "instrument = \"PERP-2\"", "caps[1].instrument"),
    ] {
        let changed = good.replacen(from, to, 1);
        assert!(broken(&changed, &sample).iter().any(|found| found == place), "{changed}");
    }
    let uncapped = format!("{RULES}{}{}", kind(true, ""), cap("USD", "1"));
    assert_eq!(broken(&uncapped, &sample), ["caps"]);
}

/// Without debts nothing is proven of a margin: it must follow from the model that it is not negative.
#[test]
fn rejects_kinds_without_debts_where_balances_alone_may_fall_short() {
    let text = format!("{RULES}{}", kind(false, ""));
    let mut sample = sample::collateral(12, 2);
    assert_eq!(broken(&text, &sample), [""; 0]);
    if let Model::Collateral(model) = &mut sample.policy.model {
        model.assets[1].allowance = Some(Allowance::new("1").unwrap());
    }
    assert_eq!(broken(&text, &sample), ["kinds[0].debts"]);
    assert_eq!(broken(&text, &sample::scenario_margin(12, 2, 2)), ["kinds[0].debts"]);
}

/// Attack: a debt that one of several models does not list, so that the account lacks next to nothing for it.
#[test]
fn rejects_models_of_which_one_does_not_list_what_accounts_may_owe() {
    let text = format!("{RULES}{}", kind(true, ""));
    let mut sample = sample::collateral(12, 2);
    let part = |text: &str, model: Model| ModelPart { name: Name::new(text).unwrap(), model };
    let (whole, mut without) = (sample.policy.model.clone(), sample.policy.model.clone());
    let good = broken(&text, &sample);
    if let Model::Collateral(model) = &mut without {
        model.assets.pop();
    }
    let of =
        |second: &Model| Model::Any(Any { parts: vec![part("base", whole.clone()), part("mode", second.clone())] });
    sample.policy.model = of(&whole);
    assert_eq!(broken(&text, &sample), good);
    sample.policy.model = Model::All(All { parts: vec![part("margin", of(&without))] });
    let found = broken(&text, &sample);
    assert!(found.contains(&"policy: model.parts[0].model.parts[1].model".to_owned()), "{found:?}");
}
