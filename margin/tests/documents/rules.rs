//! Every rule of a universe, a policy and holdings, broken one at a time in the example files: the reader must refuse,
//! say where, and name what it found.

use std::{fs, path::PathBuf};

use surety_core::{
    capacity::Capacity,
    ident::Name,
    text::{Document, InputErrors},
};
use surety_margin::{
    compile::compile,
    level::{Claimed, Level},
    models::{MarketScenario, Model},
    policy::{Policy, SourceRule},
    universe::{Instrument, Universe},
    vault::VaultAsset,
};

const NORTH: &str = "instrument,lots\nBTC,5\nUSDC,-7\n";

fn example(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)).unwrap()
}

fn universe() -> Universe {
    Universe::from_toml("universe.toml", &example("universe.toml")).unwrap()
}

/// Replaces the first occurrence, which must exist.
fn edit(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the example has no {from:?}");
    text.replacen(from, to, 1)
}

#[track_caller]
fn refused<T: core::fmt::Debug>(result: Result<T, InputErrors>, messages: &[&str]) {
    let errors = result.unwrap_err();
    let found: Vec<_> = errors.errors().iter().map(ToString::to_string).collect();
    assert_eq!(found, messages);
}

#[track_caller]
fn universe_refused(from: &str, to: &str, message: &str) {
    let text = edit(&example("universe.toml"), from, to);
    refused(Universe::from_toml("universe.toml", &text), &[message]);
}

#[track_caller]
fn refused_in(file: &str, from: &str, to: &str, messages: &[&str]) {
    let text = edit(&example(file), from, to);
    refused(Policy::read(file, &text, &universe()), messages);
}

#[track_caller]
fn policy_refused(from: &str, to: &str, message: &str) {
    refused_in("policy.toml", from, to, &[message]);
}

#[track_caller]
fn holdings_refused(file: &str, text: &str, message: &str) {
    refused(surety_import::positions::holdings(file, text, &universe()), &[message]);
}

mod universes {
    use super::*;

    /// A universe whose first instrument, cash, has these decimals, and these further lines.
    fn with_decimals(decimals: u32, lines: &str) -> Universe {
        let text =
            edit(&example("universe.toml"), "lot_decimals = 2\n", &format!("lot_decimals = {decimals}\n{lines}"));
        Universe::from_toml("u.toml", &text).unwrap()
    }

    /// Up to nine decimals the default is what it always was, so that identifiers stay.
    #[test]
    fn limits_default_to_units_that_fit_the_decimals() {
        for (decimals, lots, units) in [
            (0, "9223372036854775807", "9223372036854775807"),
            (2, "9223372036854775807", "92233720368547758.07"),
            (9, "9223372036854775807", "9223372036.854775807"),
            (10, "10000000000000000000", "1000000000"),
            (18, "1000000000000000000000000000", "1000000000"),
        ] {
            let universe = with_decimals(decimals, "");
            let cash = &universe.instruments[0];
            assert_eq!((cash.max_lots.get().to_string(), cash.max_units()), (lots.to_owned(), units.to_owned()));
            assert_eq!(universe.warnings(), [], "{decimals} decimals");
        }
    }

    #[test]
    fn limits_lower_than_their_class_suggests_are_told() {
        let universe = with_decimals(18, "max_lots = \"9223372036854775807\"\n");
        let told: Vec<_> = universe.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["instruments[0].max_lots: expected room for at least 1000000000 units of USD, which is cash, found a \
                 limit of \
              9.223372036854775807 units; raise max_lots, or leave it out: an account that holds or owes more can \
              prove nothing"]
        );
        for (limit, low) in [("100000000000", 0), ("99999999999", 1)] {
            let universe = with_decimals(2, &format!("max_lots = \"{limit}\"\n"));
            assert_eq!(universe.warnings().len(), low, "{limit}");
        }
    }

    #[test]
    fn contracts_that_are_paid_for_in_cash_are_told() {
        let said = "class = \"perpetual\"\nsettlement = \"premium-paid\"";
        let text = example("universe.toml").replacen("class = \"perpetual\"", said, 1);
        let universe = Universe::from_toml("universe.toml", &text).unwrap();
        let [warning] = &universe.warnings()[..] else { panic!("one warning") };
        assert_eq!((&*warning.path, &*warning.found), ("instruments[7].settlement", "BTC-PERP"));
    }

    /// Every example, with every instrument in the smallest unit of a token: realistic prices leave room for 10^9
    /// units.
    #[test]
    fn policies_compile_over_universes_of_eighteen_decimals() {
        for (policies, universe) in [
            (&["policy.toml", "policy-cross.toml", "policy-lending.toml"][..], "universe.toml"),
            (
                &["venues/aave.toml", "venues/compound.toml", "venues/dydx.toml", "venues/drift.toml"],
                "venues/universe.toml",
            ),
        ] {
            let text = example(universe);
            let lines = text.lines().map(|line| match line.split_once(" = ") {
                Some(("lot_decimals", _)) => "lot_decimals = 18\n".to_owned(),
                _ => format!("{line}\n"),
            });
            let universe = Universe::from_toml(universe, &lines.collect::<String>()).unwrap();
            for file in policies {
                let policy = Policy::read(file, &example(file), &universe).unwrap();
                // Larger numbers take more variables: one capacity class more may be needed, and no more than one.
                let next = Capacity::new(universe.capacity.k() + 1).unwrap();
                let compiled = [universe.capacity, next]
                    .map(|capacity| compile(&policy, &Universe { capacity, ..universe.clone() }).map(|_| ()));
                assert!(compiled.iter().any(Result::is_ok), "{file}: {compiled:?}");
            }
        }
    }

    #[test]
    fn rejects_an_instrument_twice() {
        universe_refused(
            "\"USDT\"",
            "\"USDC\"",
            "universe.toml:22:8: instruments[2].name: expected each instrument once, found USDC again",
        );
    }

    #[test]
    fn rejects_quotes_and_settlements_of_what_is_not_a_derivative_or_not_cash() {
        let line = "name = \"ETH\"\nclass = \"spot\"";
        let expected =
            "expected no such key: only perpetuals, futures and options have a cost that is carried, found one";
        universe_refused(
            line,
            &format!("{line}\nsettlement = \"premium-paid\""),
            &format!("universe.toml:34:14: instruments[4].settlement: {expected}"),
        );
        universe_refused(
            line,
            &format!("{line}\nquote = \"USD\""),
            &format!("universe.toml:34:9: instruments[4].quote: {expected}"),
        );
        for quote in ["ETH", "EUR", "BTC-PERP"] {
            universe_refused(
                "\"perpetual\"",
                &format!("\"perpetual\"\nquote = \"{quote}\""),
                &format!(
                    "universe.toml:49:9: instruments[7].quote: expected a cash instrument of this universe, found \
                     {quote}"
                ),
            );
        }
    }

    #[test]
    fn quote_balances_follow_from_names_where_the_universe_does_not_say_them() {
        let universe = |cash: &[&str], derivative: &str| {
            let mut universe = universe();
            let [first, perpetual] = [0, 7].map(|i| universe.instruments[i].clone());
            let name = |text: &str| Name::new(text).unwrap();
            universe.instruments = vec![Instrument { name: name(derivative), ..perpetual }];
            universe.instruments.extend(cash.iter().map(|cash| Instrument { name: name(cash), ..first.clone() }));
            let found = universe.quote_of(&universe.instruments[0]).ok();
            found.map(|position| universe.instruments[position].name.to_string())
        };
        for (cash, derivative, quote) in [
            (&["USDC"][..], "BTC-PERP", Some("USDC")),
            (&["USDC", "USD", "USDT"], "BTC-PERP", Some("USD")),
            (&["USDC", "USD", "USDT"], "BTC-USDT-PERP", Some("USDT")),
            (&["USDC", "USD", "USDT"], "BTC/USDC:USDC", Some("USDC")),
            (&["USDC", "USD", "USDT"], "btcusdt", Some("USDT")),
            (&["USDC", "USD", "USDT"], "BTCUSD", Some("USD")),
            (&["USDC", "USD", "USDT"], "USDC-USDT-PERP", None),
            (&["USDC", "USDT"], "BTC-PERP", None),
            (&["USD", "EUR"], "BTC-PERP", None),
            (&["USD", "EUR"], "BTC-EUR", Some("EUR")),
            (&[], "BTC-PERP", None),
        ] {
            assert_eq!(universe(cash, derivative).as_deref(), quote, "{derivative} among {cash:?}");
        }
    }

    /// A position whose gains and losses are paid in cash would count its value as well.
    #[test]
    fn rejects_variation_margin_where_the_whole_value_counts() {
        let text = edit(&example("universe.toml"), "\"perpetual\"", "\"perpetual\"\nsettlement = \"variation-margin\"");
        let universe = Universe::from_toml("universe.toml", &text).unwrap();
        for file in ["policy.toml", "policy-cross.toml"] {
            let errors = Policy::read(file, &example(file), &universe).unwrap_err().to_string();
            assert!(
                errors.contains("BTC-PERP with settlement by variation margin; set its settlement to carried"),
                "{errors}"
            );
        }
    }

    #[test]
    fn rejects_no_instruments() {
        let text = example("universe.toml");
        let (head, _) = text.split_once("[[instruments]]").unwrap();
        let text = head.to_owned() + "instruments = []\n";
        refused(
            Universe::from_toml("universe.toml", &text),
            &["universe.toml:11:15: instruments: expected at least one instrument, found none"],
        );
    }

    #[test]
    fn rejects_more_instruments_than_the_capacity_has_rows_for() {
        let text = example("universe.toml");
        let (head, _) = text.split_once("# The quote balance").unwrap();
        let instrument = |i| format!("[[instruments]]\nname = \"I{i}\"\nclass = \"cash\"\nlot_decimals = 2\n");
        let with =
            |count| Universe::from_toml("u.toml", &(head.to_owned() + &(0..count).map(instrument).collect::<String>()));
        assert_eq!(with(909).unwrap().instruments.len(), 909);
        refused(with(910), &["u.toml:10:1: instruments: expected at most 909 instruments at capacity 10, found 910"]);
    }

    #[test]
    fn rejects_no_room_for_a_single_lot() {
        universe_refused(
            "lot_decimals = 2\n",
            "lot_decimals = 2\nmax_lots = \"0\"\n",
            "universe.toml:15:12: instruments[0].max_lots: expected at least 1 lot, found 0",
        );
        universe_refused(
            "lot_decimals = 2\n",
            "lot_decimals = 2\nmax_lots = \"-5\"\n",
            "universe.toml:15:12: instruments[0].max_lots: expected at least 1 lot, found -5",
        );
    }

    #[test]
    fn rejects_limits_that_no_capacity_class_range_checks() {
        let limit = |limit: &str| {
            edit(
                &example("universe.toml"),
                "lot_decimals = 2\n",
                &format!("lot_decimals = 2\nmax_lots = \"{limit}\"\n"),
            )
        };
        assert!(Universe::from_toml("u.toml", &limit("39614081257132168796771975167")).is_ok());
        refused(
            Universe::from_toml("u.toml", &limit("39614081257132168796771975168")),
            &["u.toml:15:12: instruments[0].max_lots: expected an amount of at most 2^95 - 1 lots, found a larger one"],
        );
        refused(
            Universe::from_toml("u.toml", &limit(&"9".repeat(60))),
            &["u.toml:15:12: instruments[0].max_lots: expected lots as a decimal integer in a string, without sign + \
                 or leading zeros, found something else"],
        );
    }

    #[test]
    fn rejects_a_future_without_expiry() {
        universe_refused(
            "class = \"spot\"",
            "class = \"future\"",
            "universe.toml:26:1: instruments[3].expiry: expected the expiry of a future or an option, found none",
        );
        universe_refused(
            "class = \"spot\"",
            "class = \"option\"",
            "universe.toml:26:1: instruments[3].expiry: expected the expiry of a future or an option, found none",
        );
    }

    #[test]
    fn rejects_the_expiry_of_what_does_not_expire() {
        universe_refused(
            "class = \"future\"",
            "class = \"perpetual\"",
            "universe.toml:66:10: instruments[10].expiry: expected no expiry: only futures and options have one, found \
             1806048000",
        );
    }

    #[test]
    fn rejects_decimals_beyond_18() {
        universe_refused(
            "lot_decimals = 8",
            "lot_decimals = 19",
            "universe.toml:29:16: instruments[3].lot_decimals: expected 0 to 18 decimals, found 19",
        );
        universe_refused(
            "lot_decimals = 8",
            "lot_decimals = -1",
            "universe.toml:29:16: instruments[3].lot_decimals: expected a whole number from 0 to 255, found -1",
        );
        universe_refused(
            "lot_decimals = 8",
            "lot_decimals = 256",
            "universe.toml:29:16: instruments[3].lot_decimals: expected a whole number from 0 to 255, found 256",
        );
        universe_refused(
            "lot_decimals = 8",
            "lot_decimals = 8.0",
            "universe.toml:29:16: instruments[3].lot_decimals: expected a whole number from 0 to 255, found a \
             floating-point number",
        );
    }

    #[test]
    fn rejects_capacities_that_do_not_exist() {
        universe_refused(
            "capacity = 10",
            "capacity = 8",
            "universe.toml:6:12: capacity: expected a capacity class k from 9 to 16, found 8",
        );
        universe_refused(
            "capacity = 10",
            "capacity = 17",
            "universe.toml:6:12: capacity: expected a capacity class k from 9 to 16, found 17",
        );
    }

    #[test]
    fn rejects_other_kinds_and_versions() {
        universe_refused(
            "surety/universe",
            "surety/policy",
            "universe.toml:2:8: kind: expected `surety/universe`, found \"surety/policy\"",
        );
        universe_refused(
            "version = 1",
            "version = 2",
            "universe.toml:3:11: version: expected version 1 of the format, found 2; a newer version of Surety wrote \
             it: use that one",
        );
    }

    #[test]
    fn rejects_unknown_and_missing_keys() {
        universe_refused(
            "lot_decimals = 8",
            "lot_decimals = 8\nlots = 3",
            "universe.toml:30:1: instruments[3]: expected the key `name`, `class`, `lot_decimals`, `max_lots`, \
             `expiry`, `settlement` or `quote`, found \"lots\"",
        );
        universe_refused(
            "lot_decimals = 8\n",
            "",
            "universe.toml:26:1: instruments[3]: expected the key `lot_decimals`, found none",
        );
    }

    #[test]
    fn rejects_names_and_identifiers_of_another_form() {
        universe_refused(
            "\"wstETH\"",
            "\"wst ETH\"",
            "universe.toml:37:8: instruments[5].name: expected a name of 1 to 64 characters from a-z A-Z 0-9 . _ : / - \
             that starts with a letter or a digit, found \"wst ETH\"",
        );
        universe_refused(
            "\"wstETH\"",
            "\"\"",
            "universe.toml:37:8: instruments[5].name: expected a name of 1 to 64 characters from a-z A-Z 0-9 . _ : / - \
             that starts with a letter or a digit, found \"\"",
        );
        universe_refused(
            "0x3fdd",
            "0x3fd",
            "universe.toml:8:7: srs: expected the identifier of a set-up, or one of ppot-0085, ppot-0080, hermez-0054, \
             aztec-ignition, development, insecure-development, \
             found \"0x3fdc5c033fc5acc3a1c9e3202f33d50f5df250686370df63df8a289db50d730\"",
        );
        universe_refused(
            "0x3fddc5c033fc5acc3a1c9e3202f33d50f5df250686370df63df8a289db50d730",
            "ppot-85",
            "universe.toml:8:7: srs: expected the identifier of a set-up, or one of ppot-0085, ppot-0080, hermez-0054, \
             aztec-ignition, development, insecure-development, found \"ppot-85\"; did you mean `ppot-0085`?",
        );
    }

    #[test]
    fn reports_every_mistake_of_a_file() {
        let text = example("universe.toml");
        let text = edit(&text, "\"USDT\"", "\"USD\"");
        let text = edit(&text, "\"ETH-PERP\"", "\"ETH\"");
        let text = edit(&text, "class = \"future\"", "class = \"spot\"");
        let errors = Universe::from_toml("u.toml", &text).unwrap_err();
        let lines: Vec<_> = errors.errors().iter().map(|error| error.line).collect();
        assert_eq!(lines, [22, 52, 66], "{errors}");
    }
}

mod policies {
    use super::*;

    #[test]
    fn rejects_scopes_of_unknown_or_repeated_instruments() {
        let refused = |scope: &str, message: &str| {
            policy_refused(
                "name = \"custodian-south\"",
                &format!("name = \"custodian-south\"\nscope = {scope}"),
                message,
            );
        };
        let expected = "policy.toml:105:18: sources[1].scope[1]: expected an instrument of the universe meridian-2026, \
                        found DOGE";
        refused("[\"USDC\", \"DOGE\"]", expected);
        let expected = "policy.toml:105:18: sources[1].scope[1]: expected each instrument once, found USDC again";
        refused("[\"USDC\", \"USDC\"]", expected);
    }

    /// An instrument that no source may state can be held by nobody.
    #[test]
    fn instruments_outside_of_all_scopes_are_warned_of() {
        let universe = universe();
        let mut policy = Policy::read("policy.toml", &example("policy.toml"), &universe).unwrap();
        let warned = |policy: &Policy| {
            let warnings = policy.warnings(&universe);
            warnings.iter().map(ToString::to_string).filter(|warning| warning.contains("scope")).collect::<Vec<_>>()
        };
        let [first, rest @ ..] = &universe.instruments[..] else { panic!("no instruments") };
        let rest: Vec<_> = rest.iter().map(|instrument| instrument.name.clone()).collect();
        policy.sources[0].scope.clone_from(&rest);
        policy.sources[1].scope.clone_from(&rest);
        assert_eq!(warned(&policy), [""; 0], "the last source may state everything");
        policy.sources[2].scope = rest;
        let [warning] = &warned(&policy)[..] else { panic!("one warning") };
        assert!(warning.contains(first.name.as_str()), "{warning}");
        policy.sources[2].scope.push(first.name.clone());
        assert_eq!(warned(&policy), [""; 0]);
    }

    /// Contracts take every later level for a stricter one.
    #[test]
    fn rejects_levels_from_the_strictest_to_the_weakest() {
        policy_refused(
            "name = \"initial\"\nbasis = \"initial\"",
            "name = \"initial\"\nbasis = \"initial\"\nmultiple = 1_500_000",
            "policy.toml:128:1: levels[2]: expected levels from the weakest to the strictest, so maintenance-1.5x \
             before initial, found maintenance-1.5x behind initial",
        );
    }

    #[test]
    fn rejects_another_universe() {
        policy_refused(
            "meridian-2026",
            "meridian-2025",
            "policy.toml:8:12: universe: expected the universe meridian-2026, found meridian-2025",
        );
    }

    #[test]
    fn rejects_a_market_entry_twice() {
        refused_in(
            "policy.toml",
            "\"USDT-USD\"",
            "\"USDC-USD\"",
            &[
                "policy.toml:19:8: market[1].name: expected each market entry once, found USDC-USD again",
                "policy.toml:150:9: model.positions[2].price: expected the name of a market entry of the policy, found \
                 USDT-USD",
            ],
        );
    }

    #[test]
    fn rejects_an_empty_price_box() {
        policy_refused(
            "min = \"50000000\"",
            "min = \"200000001\"",
            "policy.toml:15:7: market[0].min: expected at most max, which is 200000000, found 200000001",
        );
    }

    #[test]
    fn rejects_a_price_that_may_be_zero() {
        policy_refused(
            "min = \"50000000\"",
            "min = \"0\"",
            "policy.toml:15:7: market[0].min: expected more than 0, because model.positions[1].price values, \
             multiplies or divides with it, found 0; state a box around the price, such as from a tenth of it to ten \
             times as much",
        );
    }

    #[test]
    fn rejects_prices_below_zero_or_beyond_96_bits() {
        policy_refused(
            "min = \"50000000\"",
            "min = \"-1\"",
            "policy.toml:15:7: market[0].min: expected a price as a decimal integer in a string, without leading \
             zeros, found \"-1\"",
        );
        policy_refused(
            "min = \"50000000\"",
            "min = \"0.5\"",
            "policy.toml:15:7: market[0].min: expected a price as a decimal integer in a string, without leading \
             zeros, found \"0.5\"",
        );
        policy_refused(
            "min = \"50000000\"",
            "min = true",
            "policy.toml:15:7: market[0].min: expected a string, found true",
        );
        policy_refused(
            "max = \"200000000\"",
            "max = \"79228162514264337593543950336\"",
            "policy.toml:16:7: market[0].max: expected a price of at most 2^96 - 1, found \
             79228162514264337593543950336",
        );
    }

    #[test]
    fn rejects_price_decimals_beyond_18() {
        policy_refused(
            "decimals = 8",
            "decimals = 19",
            "policy.toml:14:12: market[0].decimals: expected 0 to 18 decimals, found 19",
        );
    }

    #[test]
    fn rejects_one_signer_in_two_roles() {
        let north = "0xc2dbe2f53ce4be9590fccb4907e9d882f4720eec";
        let first = "0x0e86a930090f39a4418d8ca6a9d671fbe738251c";
        policy_refused(
            "0xfb5737d4641586e288fab2d049c32e353935f53f",
            north,
            "policy.toml:105:10: sources[1].signer: expected the address of a key that signs for nothing else, found \
             0xc2dbe2f53ce4be9590fccb4907e9d882f4720eec",
        );
        policy_refused(
            "0xb7d54d2e5f8d443b9a195d3173e1db35c28f770a",
            first,
            "policy.toml:92:10: oracle.nodes[1].signer: expected the address of a key that signs for nothing else, \
             found 0x0e86a930090f39a4418d8ca6a9d671fbe738251c",
        );
        policy_refused(
            north,
            first,
            "policy.toml:100:10: sources[0].signer: expected the address of a key that signs for nothing else, found \
             0x0e86a930090f39a4418d8ca6a9d671fbe738251c",
        );
        policy_refused(
            first,
            "0x0000000000000000000000000000000000000000",
            "policy.toml:88:10: oracle.nodes[0].signer: expected the address of a key that signs for nothing else, \
             found 0x0000000000000000000000000000000000000000",
        );
    }

    #[test]
    fn rejects_an_oracle_node_twice() {
        policy_refused(
            "\"oracle-2\"",
            "\"oracle-1\"",
            "policy.toml:91:8: oracle.nodes[1].name: expected each oracle node once, found oracle-1 again",
        );
    }

    #[test]
    fn rejects_impossible_quorums() {
        policy_refused(
            "quorum = 3",
            "quorum = 0",
            "policy.toml:79:10: oracle.quorum: expected from 1 to the number of nodes, which is 3, found 0",
        );
        policy_refused(
            "quorum = 3",
            "quorum = 4",
            "policy.toml:79:10: oracle.quorum: expected from 1 to the number of nodes, which is 3, found 4",
        );
    }

    #[test]
    fn rejects_durations_of_zero() {
        policy_refused(
            "validity = 86_400",
            "validity = 0",
            "policy.toml:10:12: validity: expected at least one second, found 0",
        );
        policy_refused(
            "epoch = 300",
            "epoch = 0",
            "policy.toml:81:9: oracle.epoch: expected at least one second, found 0",
        );
        policy_refused(
            "max_age = 900",
            "max_age = 0",
            "policy.toml:82:11: oracle.max_age: expected at least one second, found 0",
        );
        refused_in(
            "policy.toml",
            "max_age = 3_600",
            "max_age = 0",
            &[
                "policy.toml:115:12: statements.max_skew: expected at most max_age, which is 0 seconds, found 120",
                "policy.toml:116:11: statements.max_age: expected at least one second, found 0",
            ],
        );
    }

    #[test]
    fn rejects_confidences_that_admit_nothing_or_everything() {
        policy_refused(
            "max_confidence = 2_000",
            "max_confidence = 0",
            "policy.toml:84:18: oracle.max_confidence: expected from 0.0001 % to 100 %, found 0 %",
        );
        policy_refused(
            "max_confidence = 2_000",
            "max_confidence = 1_000_001",
            "policy.toml:84:18: oracle.max_confidence: expected from 0.0001 % to 100 %, found 100.0001 %",
        );
    }

    #[test]
    fn rejects_a_source_twice() {
        policy_refused(
            "\"custodian-south\"",
            "\"custodian-north\"",
            "policy.toml:104:8: sources[1].name: expected each source once, found custodian-north again",
        );
    }

    #[test]
    fn rejects_accounts_that_are_missing_or_repeated() {
        policy_refused(
            "[\"treasury\"]",
            "[]",
            "policy.toml:101:12: sources[0].accounts: expected at least one entry, found none",
        );
        policy_refused(
            "[\"treasury\"]",
            "[\"treasury\", \"vault\", \"treasury\"]",
            "policy.toml:101:34: sources[0].accounts[2]: expected each account of a source once, found treasury again",
        );
    }

    #[test]
    fn rejects_statements_further_apart_than_they_may_be_old() {
        policy_refused(
            "max_skew = 120",
            "max_skew = 3_601",
            "policy.toml:115:12: statements.max_skew: expected at most max_age, which is 3600 seconds, found 3601",
        );
    }

    /// The example with a vault of two tokens.
    const VAULT: &str = "\n[vault]\nchain = 1\naddress = \"0x7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a\"\n\
                         level = \"maintenance\"\nmax_age = 900\nmin_age = 0\nassets = [\n\
                         { instrument = \"USDC\", token = \"0x7171717171717171717171717171717171717171\", \
                         decimals = 6 },\n\
                         { instrument = \"ETH\", token = \"0x7272727272727272727272727272727272727272\", \
                         decimals = 18 },\n]\n";

    fn with_vault(from: &str, to: &str) -> Result<Policy, InputErrors> {
        let text = edit(&(example("policy.toml") + VAULT), from, to);
        Policy::read("policy.toml", &text, &universe())
    }

    #[track_caller]
    fn vault_refused(from: &str, to: &str, message: &str) {
        let errors = with_vault(from, to).unwrap_err().to_string();
        assert!(errors.contains(message), "{errors}");
    }

    /// A lot of USDC is a unit of the token, a lot of ETH 10^10.
    #[test]
    fn a_lot_of_a_vaults_asset_is_whole_units_of_its_token() {
        let vault = with_vault("chain = 1", "chain = 10").unwrap().vault.unwrap();
        let universe = universe();
        let unit = |asset: &VaultAsset| {
            asset.unit(&universe.instruments[universe.position(&asset.instrument).unwrap()]).unwrap()
        };
        assert_eq!(vault.assets.iter().map(unit).collect::<Vec<_>>(), [1, 10_000_000_000]);
    }

    #[test]
    fn rejects_a_token_that_is_coarser_than_a_lot() {
        vault_refused("decimals = 18", "decimals = 7", "vault.assets[1].decimals: expected at least 8");
    }

    #[test]
    fn rejects_a_vault_of_instruments_that_are_unknown_or_no_tokens() {
        let unknown = "vault.assets[0].instrument: expected an instrument of the universe meridian-2026";
        vault_refused("instrument = \"USDC\", token", "instrument = \"DOGE\", token", unknown);
        let derivative = "vault.assets[0].instrument: expected cash or spot";
        vault_refused("instrument = \"USDC\", token", "instrument = \"BTC-PERP\", token", derivative);
    }

    #[test]
    fn rejects_a_vault_that_counts_an_instrument_or_a_token_twice() {
        let twice = "vault.assets[1].instrument: expected each instrument once";
        vault_refused("instrument = \"ETH\", token", "instrument = \"USDC\", token", twice);
        let token = "0x7272727272727272727272727272727272727272";
        vault_refused(token, &token.replace('2', "1"), "vault.assets[1].token: expected each token once");
    }

    #[test]
    fn rejects_a_vault_that_is_nowhere() {
        vault_refused("chain = 1\n", "chain = 0\n", "vault.chain: expected the identifier of a chain");
        let (vault, zero) = ("0x7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a", format!("0x{}", "0".repeat(40)));
        vault_refused(vault, &zero, "vault.address: expected the address of a contract");
        let token = "0x7171717171717171717171717171717171717171";
        vault_refused(token, &zero, "vault.assets[0].token: expected the address of a contract");
    }

    #[test]
    fn rejects_a_vault_that_lets_nothing_out() {
        vault_refused("level = \"maintenance\"\nmax_age", "level = \"none\"\nmax_age", "vault.level: expected a level");
        vault_refused("max_age = 900\nmin_age", "max_age = 0\nmin_age", "vault.max_age");
    }

    /// Attack: collateral leaves for a proof that the account is short.
    #[test]
    fn rejects_a_vault_that_lets_collateral_out_for_a_shortfall() {
        let mut policy = with_vault("chain = 1", "chain = 10").unwrap();
        let short = Level { name: Name::new("short").unwrap(), claim: Claimed::Shortfall, ..policy.levels[0].clone() };
        policy.levels.push(short);
        let problems = |policy: &Policy| policy.check(&universe()).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(problems(&policy), [""; 0]);
        policy.vault.as_mut().unwrap().level = Name::new("short").unwrap();
        assert!(problems(&policy).iter().any(|it| it.starts_with("vault.level: ")), "{:?}", problems(&policy));
    }

    /// Everything is said at once.
    #[test]
    fn rejects_a_vault_with_all_of_its_mistakes() {
        let text = edit(&(example("policy.toml") + VAULT), "chain = 1\n", "chain = 0\n");
        let text =
            edit(&edit(&text, "decimals = 18", "decimals = 7"), "instrument = \"USDC\", t", "instrument = \"X\", t");
        let errors = Policy::read("policy.toml", &text, &universe()).unwrap_err().to_string();
        for path in ["vault.chain", "vault.assets[0].instrument", "vault.assets[1].decimals"] {
            assert!(errors.contains(path), "{errors}");
        }
    }

    #[test]
    fn rejects_a_level_twice() {
        policy_refused(
            "\"initial\"\nbasis",
            "\"maintenance\"\nbasis",
            "policy.toml:123:8: levels[1].name: expected each level once, found maintenance again",
        );
    }

    #[test]
    fn rejects_levels_below_their_basis() {
        policy_refused(
            "multiple = 1_500_000",
            "multiple = 999_999",
            "policy.toml:130:12: levels[2].multiple: expected at least 100 %, so that no level is laxer than its \
             basis, found 99.9999 %",
        );
    }

    /// Attack: a small file that takes hours to compile.
    #[test]
    fn rejects_more_levels_than_anybody_needs() {
        let mut policy = Policy::from_toml("p.toml", &example("policy.toml")).unwrap();
        let level = policy.levels[0].clone();
        let named = |i: usize| Level { name: Name::new(format!("level-{i}")).unwrap(), ..level.clone() };
        policy.levels = (0..Policy::MAX_LEVELS).map(named).collect();
        assert_eq!(policy.check(&universe()), []);
        policy.levels.push(named(Policy::MAX_LEVELS));
        let problems = policy.check(&universe());
        assert_eq!(problems[0].to_string(), "levels: expected at most 16 levels, found 17");
    }

    /// Attack: a file of levels of which each is compared with all others, and of sources with a commitment each.
    #[test]
    fn rejects_endless_lists_of_levels_and_sources_soon() {
        let mut policy = Policy::from_toml("p.toml", &example("policy.toml")).unwrap();
        let (level, source) = (policy.levels[0].clone(), policy.sources[0].clone());
        let named = |i: usize| Name::new(format!("name-{i}")).unwrap();
        policy.levels = (0..100_000).map(|i| Level { name: named(i), ..level.clone() }).collect();
        let problems = policy.check(&universe());
        assert_eq!(problems[0].to_string(), "levels: expected at most 16 levels, found 100000");
        policy.levels = vec![level];
        policy.sources =
            (0..Policy::MAX_SOURCES + 1).map(|i| SourceRule { name: named(i), ..source.clone() }).collect();
        let problems: Vec<_> = policy.check(&universe()).iter().map(ToString::to_string).collect();
        assert!(problems.contains(&"sources: expected at most 256 sources, found 257".to_owned()), "{problems:?}");
    }

    /// Attack: a small file whose program takes all memory before it turns out not to fit.
    #[test]
    fn rejects_programs_that_cannot_fit_before_they_are_made() {
        let mut policy = Policy::from_toml("p.toml", &example("policy.toml")).unwrap();
        let Model::Scenario(model) = &mut policy.model else { panic!("the example is scenario margin") };
        let scenario = model.scenarios[0].clone();
        let named = |i: usize| MarketScenario { name: Name::new(format!("s-{i}")).unwrap(), ..scenario.clone() };
        model.scenarios = (0..2_000).map(named).collect();
        let problems = policy.check(&universe());
        let size = problems.iter().find(|problem| problem.path == "model").unwrap();
        assert!(size.expected.starts_with("at most 1016 rows"), "{size}");
    }

    #[test]
    fn rejects_empty_lists() {
        let lists = ["/market", "/oracle/nodes", "/sources", "/levels", "/model/positions", "/model/scenarios"];
        for list in lists {
            let policy = Policy::from_toml("p.toml", &example("policy.toml")).unwrap();
            let mut value = serde_json::to_value(&policy).unwrap();
            *value.pointer_mut(list).unwrap() = serde_json::json!([]);
            let errors = Policy::from_json("p.json", &value.to_string()).unwrap_err();
            let path = list[1..].replace('/', ".");
            let found = errors.errors().iter().any(|error| error.problem.path == path && error.problem.found == "none");
            assert!(found, "{errors}");
        }
    }

    #[test]
    fn rejects_negative_haircuts_and_weights() {
        policy_refused(
            "weight = { maintenance = 995_000",
            "weight = { maintenance = -995_000",
            "policy.toml:145:26: model.positions[1].weight.maintenance: expected a whole number from 0 to 4294967295, \
             found -995000",
        );
        policy_refused(
            "weight = { maintenance = 995_000",
            "weight = { maintenance = 1_000_001",
            "policy.toml:145:10: model.positions[1].weight: expected weights with initial <= maintenance <= 100 %, \
             found initial 99 %, maintenance 100.0001 %",
        );
        policy_refused(
            "weight = { maintenance = 995_000",
            "weight = { maintenance = 980_000",
            "policy.toml:145:10: model.positions[1].weight: expected weights with initial <= maintenance <= 100 %, \
             found initial 99 %, maintenance 98 %",
        );
        policy_refused(
            "weight = { maintenance = 995_000",
            "weight = { maintenance = 0.995",
            "policy.toml:145:26: model.positions[1].weight.maintenance: expected a percentage such as \"1.25 %\" or a \
             whole number of ppm, found 0.995",
        );
        policy_refused(
            "weight = { maintenance = 995_000",
            "weight = { maintenance = 5_000_000_000",
            "policy.toml:145:26: model.positions[1].weight.maintenance: expected a whole number from 0 to 4294967295, \
             found 5000000000",
        );
    }

    #[test]
    fn rejects_a_weight_beside_tiers() {
        refused_in(
            "policy-cross.toml",
            "weight = { maintenance = 995_000, initial = 990_000 }",
            "weight = { maintenance = 995_000, initial = 990_000 }\ntiers = [{ weight = { maintenance = 5, initial = 5 \
             } }]",
            &["policy-cross.toml:143:1: model.positions[1]: expected either the key `weight` or the key `tiers`, \
                 found both"],
        );
    }

    #[test]
    fn rejects_charges_that_fall_with_the_level() {
        policy_refused(
            "charge = { maintenance = 5_000",
            "charge = { maintenance = 10_001",
            "policy.toml:172:10: model.positions[5].charge: expected charges with initial >= maintenance, found \
             initial 1 %, maintenance 1.0001 %",
        );
        policy_refused(
            "loss_multiple = { maintenance = 1_000_000",
            "loss_multiple = { maintenance = 1_250_001",
            "policy.toml:135:17: model.loss_multiple: expected charges with initial >= maintenance, found initial 125 \
             %, maintenance 125.0001 %",
        );
        let fraction = "fraction = { maintenance = 100_000";
        refused_in(
            "policy-cross.toml",
            fraction,
            "fraction = { maintenance = 150_001",
            &["policy-cross.toml:180:12: model.positions[7].fraction: expected charges with initial >= maintenance, \
                 found initial 15 %, maintenance 15.0001 %"],
        );
    }

    #[test]
    fn rejects_names_that_do_not_resolve() {
        policy_refused(
            "instrument = \"BTC\"",
            "instrument = \"BTC2\"",
            "policy.toml:155:14: model.positions[3].instrument: expected an instrument of the universe meridian-2026, \
             found BTC2",
        );
        policy_refused(
            "price = \"BTC-USD\"",
            "price = \"BTC-EUR\"",
            "policy.toml:156:9: model.positions[3].price: expected the name of a market entry of the policy, found \
             BTC-EUR",
        );
        refused_in(
            "policy-lending.toml",
            "instrument = \"BTC\"",
            "instrument = \"BTC2\"",
            &["policy-lending.toml:102:14: model.assets[0].instrument: expected an instrument of the universe \
                 meridian-2026, found BTC2"],
        );
    }

    #[test]
    fn rejects_an_instrument_twice() {
        policy_refused(
            "instrument = \"BTC\"",
            "instrument = \"USDT\"",
            "policy.toml:155:14: model.positions[3].instrument: expected each instrument once, found USDT again",
        );
    }

    #[test]
    fn rejects_what_is_not_cash_without_a_price() {
        policy_refused(
            "price = \"BTC-USD\"\n",
            "",
            "policy.toml:154:1: model.positions[3].price: expected a price, because only cash may be without, found \
             none",
        );
    }

    #[test]
    fn rejects_classes_that_a_model_is_not_for() {
        refused_in(
            "policy-lending.toml",
            "instrument = \"BTC\"",
            "instrument = \"BTC-PERP\"",
            &["policy-lending.toml:102:14: model.assets[0].instrument: expected an instrument of a class that the \
                 model is for: cash, spot, found BTC-PERP of class perpetual"],
        );
        let options = edit(&example("universe.toml"), "class = \"future\"", "class = \"option\"");
        let universe = Universe::from_toml("universe.toml", &options).unwrap();
        refused(
            Policy::read("policy.toml", &example("policy.toml"), &universe),
            &["policy.toml:205:14: model.positions[10].instrument: expected an instrument of a class that the model \
                 is for: cash, spot, perpetual, future, found BTC-26MAR27 of class option"],
        );
    }

    const BUCKETS: &str = r#"[model]
type = "isolated"

[[model.buckets]]
name = "one"
[model.buckets.model]
type = "collateral"
[[model.buckets.model.assets]]
instrument = "USDC"
price = "USDC-USD"
weight = { maintenance = 950_000, initial = 900_000 }

[[model.buckets]]
name = "two"
[model.buckets.model]
type = "cross"
[[model.buckets.model.positions]]
instrument = "BTC-PERP"
price = "BTC-PERP-USD"
fraction = { maintenance = 50_000, initial = 100_000 }
"#;

    /// The example's policy with another model.
    fn with_model(model: &str) -> String {
        let text = example("policy.toml");
        format!("{}{model}", &text[..text.find("[model]").unwrap()])
    }

    #[test]
    fn rejects_buckets_that_are_not_isolated() {
        let read = |from: &str, to: &str| Policy::read("p.toml", &with_model(&edit(BUCKETS, from, to)), &universe());
        assert!(read("one", "one").is_ok());
        refused(
            read("\"two\"", "\"one\""),
            &["p.toml:145:8: model.buckets[1].name: expected each bucket once, found one again"],
        );
        refused(
            read("\"BTC-PERP\"\nprice = \"BTC-PERP-USD\"", "\"USDC\"\nprice = \"USDC-USD\""),
            &["p.toml:149:14: model.buckets[1].model.positions[0].instrument: expected each instrument once, found \
                 USDC again"],
        );
        refused(
            read("\"USDC-USD\"", "\"USDX-USD\""),
            &["p.toml:141:9: model.buckets[0].model.assets[0].price: expected the name of a market entry of the \
                 policy, found USDX-USD"],
        );
        refused(
            read("\"collateral\"", "\"isolated\""),
            &[
                "p.toml:137:1: model.buckets[0].model: expected the key `buckets`, found none",
                "p.toml:139:23: model.buckets[0].model: expected the key `buckets`, found \"assets\"",
            ],
        );
    }

    #[test]
    fn rejects_buckets_inside_of_buckets() {
        let mut policy = Policy::from_toml("p.toml", &with_model(BUCKETS)).unwrap();
        let Model::Isolated(outer) = &mut policy.model else { panic!("the model is isolated margin") };
        let inner = outer.clone();
        outer.buckets[0].model = Model::Isolated(inner);
        let problems = policy.check(&universe());
        assert!(problems.iter().any(|problem| problem.path == "model.buckets[0].model.type"), "{problems:?}");
    }

    #[test]
    fn rejects_tails_of_nothing_or_of_more_than_everything() {
        for (share, found) in [("0", "0 %"), ("1_000_001", "100.0001 %")] {
            policy_refused(
                "type = \"scenario\"",
                &format!("type = \"scenario\"\ntail = {share}"),
                &format!("policy.toml:134:8: model.tail: expected a share from 0.0001 % to 100 %, found {found}"),
            );
        }
    }

    #[test]
    fn rejects_scenarios_that_are_misspelt() {
        refused_in(
            "policy.toml",
            "shocks = { btc = 100_000",
            "shocks = { bct = 100_000",
            &["policy.toml:220:18: model.scenarios[0].shocks.bct: expected the risk factor of a position, found bct"],
        );
        policy_refused(
            "\"USD\"\nshort",
            "\"USD\"\nfactor = \"fx\"\nshort",
            "policy.toml:139:10: model.positions[0].factor: expected a risk factor that a scenario moves, found fx",
        );
        policy_refused(
            "\"down-10\"",
            "\"up-10\"",
            "policy.toml:223:8: model.scenarios[1].name: expected a name of its own, found up-10",
        );
        policy_refused(
            "\"down-10\"",
            "\"unshocked\"",
            "policy.toml:223:8: model.scenarios[1].name: expected a name of its own, found unshocked",
        );
        policy_refused(
            "btc = -100_000",
            "btc = -1_000_001",
            "policy.toml:224:18: model.scenarios[1].shocks.btc: expected a shock of at least -100 %, found -100.0001 %",
        );
        policy_refused(
            "btc = -100_000",
            "btc = -3_000_000_000",
            "policy.toml:224:18: model.scenarios[1].shocks.btc: expected a whole number from -2147483648 to \
             2147483647, found -3000000000",
        );
    }

    #[test]
    fn rejects_models_that_do_not_exist() {
        policy_refused(
            "type = \"scenario\"",
            "type = \"unknown\"",
            "policy.toml:133:8: model.type: expected `collateral`, `cross`, `scenario`, `isolated`, `portfolio`, \
             `modes`, `span`, `limits`, `all`, `any` or `sum`, found \"unknown\"",
        );
        policy_refused("type = \"scenario\"\n", "", "policy.toml:132:1: model: expected the key `type`, found none");
        let keys = "`kind`, `version`, `name`, `universe`, `validity`, `consent`, `unmargined`, `market`, `derived`, \
             `oracle`, `sources`, `statements`, `vault`, `levels` or `model`";
        refused_in(
            "policy.toml",
            "[model]",
            "[models]",
            &[
                &format!("policy.toml:132:2: expected the key {keys}, found \"models\"; did you mean `model`?"),
                "policy.toml:137:3: model: expected the key `type`, found none",
            ],
        );
    }

    #[test]
    fn rejects_unknown_keys_deep_inside_of_a_model() {
        policy_refused(
            "factor = \"lst\"",
            "factr = \"lst\"",
            "policy.toml:173:1: model.positions[5]: expected the key `instrument`, `price`, `short`, `weight`, \
             `tiers`, `charge`, `charge_tiers`, `tiering`, `factor` or `greeks`, found \"factr\"; did you mean \
             `factor`?",
        );
        policy_refused(
            "loss_multiple =",
            "loss-multiple =",
            "policy.toml:135:1: model: expected the key `loss_multiple`, `tail`, `positions` or `scenarios`, \
             found \"loss-multiple\"; did you mean `loss_multiple`?",
        );
    }
}

mod holdings {
    use super::*;

    fn toml(balances: &str) -> String {
        format!("kind = \"surety/holdings\"\nversion = 1\nuniverse = \"meridian-2026\"\n{balances}")
    }

    fn json(balances: &str) -> String {
        format!(
            "{{\"kind\": \"surety/holdings\", \"version\": 1, \"universe\": \"meridian-2026\",\n\"balances\": \
             {balances}}}\n"
        )
    }

    #[test]
    fn every_format_says_the_same() {
        let universe = universe();
        let read = |file: &str, text: &str| {
            surety_import::positions::holdings(file, text, &universe).unwrap_or_else(|errors| panic!("{errors}"))
        };
        let csv = read("n.csv", NORTH);
        assert!(csv == read("n.csv", &NORTH.replace('\n', "\r\n")), "lines may end in CRLF");
        assert!(csv == read("n.csv", NORTH.trim_end()), "the last line need not end");
        assert!(
            csv == read(
                "n.json",
                &json(r#"[{"instrument": "BTC", "lots": "5"}, {"instrument": "USDC", "lots": "-7"}]"#)
            )
        );
        let balances =
            "[[balances]]\ninstrument = \"BTC\"\nlots = \"5\"\n[[balances]]\ninstrument = \"USDC\"\nlots = \"-7\"\n";
        assert!(csv == read("n.toml", &toml(balances)));
        assert!(csv == read("n.toml", &csv.to_toml().unwrap()));
        assert!(csv == read("n.json", &csv.to_json().unwrap()));
        let lots: Vec<_> = csv.position(&universe).unwrap().lots().iter().map(|lots| lots.get()).collect();
        assert_eq!(lots, [0, -7, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn rejects_an_instrument_twice() {
        holdings_refused(
            "n.csv",
            "instrument,lots\nBTC,5\nBTC,6\n",
            "n.csv:3:1: instrument: expected each instrument once, found BTC again",
        );
        holdings_refused(
            "n.json",
            &json(r#"[{"instrument": "BTC", "lots": "5"}, {"instrument": "BTC", "lots": "6"}]"#),
            "n.json:2:65: balances[1].instrument: expected each instrument once, found BTC again",
        );
    }

    #[test]
    fn rejects_instruments_that_the_universe_does_not_have() {
        holdings_refused(
            "n.csv",
            "instrument,lots\nDOGE,5\n",
            "n.csv:2:1: instrument: expected an instrument of the universe meridian-2026, found DOGE",
        );
        holdings_refused(
            "n.csv",
            "instrument,lots\nBTC-PREP,5\n",
            "n.csv:2:1: instrument: expected an instrument of the universe meridian-2026, found BTC-PREP; did you mean \
             BTC-PERP? --map BTC-PREP=BTC-PERP says so",
        );
        holdings_refused(
            "n.json",
            &json(r#"[{"instrument": "DOGE", "lots": "5"}]"#),
            "n.json:2:29: balances[0].instrument: expected an instrument of the universe meridian-2026, found DOGE",
        );
    }

    #[test]
    fn rejects_more_lots_than_the_universe_allows() {
        holdings_refused(
            "n.csv",
            "instrument,lots\nBTC,9223372036854775808\n",
            "n.csv:2:5: lots: expected at most the 9223372036854775807 lots of 10^-8 that the universe allows, held or \
             owed, found more",
        );
        holdings_refused(
            "n.csv",
            "instrument,lots\nBTC,-9223372036854775808\n",
            "n.csv:2:5: lots: expected at most the 9223372036854775807 lots of 10^-8 that the universe allows, held or \
             owed, found more",
        );
        assert!(
            surety_import::positions::holdings("n.csv", "instrument,lots\nBTC,-9223372036854775807\n", &universe())
                .is_ok()
        );
    }

    #[test]
    fn rejects_another_universe() {
        let text = json(r#"[{"instrument": "BTC", "lots": "5"}]"#).replace("meridian-2026", "meridian-2025");
        holdings_refused(
            "n.json",
            &text,
            "n.json:1:55: universe: expected the universe meridian-2026, found another name",
        );
    }

    #[test]
    fn rejects_lines_of_another_form() {
        for (line, found) in [("ETH", "1"), ("ETH,1,2", "3; put quotes around fields that have a comma in them")] {
            let message = format!("n.csv:3:1: expected 2 fields, as in the header, found {found}");
            holdings_refused("n.csv", &format!("instrument,lots\nBTC,5\n{line}\nUSDC,3\n"), &message);
        }
    }

    #[test]
    fn rejects_an_account_that_states_nothing() {
        let none = "expected at least one balance, found none; to say that there is nothing, state a balance of 0";
        holdings_refused("n.json", &json("[]"), &format!("n.json:2:13: balances: {none}"));
        holdings_refused("n.toml", &toml("balances = []"), &format!("n.toml:4:12: balances: {none}"));
    }

    #[test]
    fn rejects_other_headers() {
        let message = "n.csv:1:1: expected a column lots or amount, found the columns instrument, remarks";
        holdings_refused("n.csv", "instrument,remarks\nBTC,5\n", message);
        let message = "expected a column instrument, found numbers in the first line; the first line names the columns";
        let errors =
            surety_import::positions::holdings("n.csv", "BTC,5\nETH,1\n", &universe()).unwrap_err().to_string();
        assert!(errors.contains(message), "{errors}");
        holdings_refused("n.csv", "", "n.csv:1:1: expected a header and rows under it, found an empty file");
    }

    #[test]
    fn a_byte_order_mark_before_a_file_is_passed_over() {
        let none_held = "[[balances]]\ninstrument = \"BTC\"\nlots = 0\n";
        for (file, text) in [("n.json", json(r#"[{"instrument":"BTC","lots":"0"}]"#)), ("n.toml", toml(none_held))] {
            let holdings = surety_import::positions::holdings(file, &text, &universe()).unwrap();
            assert_eq!(
                surety_import::positions::holdings(file, &format!("\u{feff}{text}"), &universe()).unwrap(),
                holdings
            );
        }
    }

    #[test]
    fn rejects_amounts_in_any_other_way_of_writing() {
        for amount in ["0x10", "", "-", "--5", "five", "\u{663}", "\"1,234\"", "5 BTC", "5%", "1.2.3"] {
            let result =
                surety_import::positions::holdings("n.csv", &format!("instrument,lots\nBTC,{amount}\n"), &universe());
            let errors = result.unwrap_err();
            let error = &errors.errors()[0];
            assert_eq!((error.line, error.column, &*error.problem.path), (2, 5, "lots"), "{amount}");
        }
    }

    #[test]
    fn errors_and_debug_output_show_no_amounts() {
        let secret = "48150123";
        let texts = [
            ("n.csv", format!("instrument,lots\nBTC,{secret}x\n")),
            ("n.csv", format!("instrument,lots\n{secret} BTC,5\n")),
            ("n.csv", format!("instrument,lots\n{secret}BTC,5\n")),
            ("n.csv", format!("instrument,lots\nBTC,{secret}{secret}{secret}{secret}\n")),
            ("n.csv", format!("instrument,lots\nBTC,{secret}{secret}{secret}\n")),
            ("n.csv", format!("instrument,lots\n{secret},BTC\n")),
            ("n.csv", format!("instrument,lots\nBTC {secret}\n")),
            ("n.csv", format!("instrument,lots\n!{secret},BTC\n")),
            ("n.csv", format!("instrument,lots\n{secret},5\n{secret},6\n")),
            ("n.csv", format!("BTC,{secret}\n")),
            ("n.json", json(&format!(r#"[{{"instrument": "BTC", "lots": "{secret}"}}}}]"#))),
            ("n.json", json(&format!(r#"[{{"instrument": "BTC", "lots": {secret}.5}}]"#))),
            ("n.json", json(&format!(r#"[{{"BTC": "{secret}"}}]"#))),
            ("n.json", json(&format!(r#"[{{"{secret}": "BTC"}}]"#))),
            ("n.json", json(secret)),
            ("n.json", json("[]").replace("surety/holdings", secret)),
            ("n.json", json("[]").replace("meridian-2026", secret)),
            ("n.toml", toml(&format!("BTC = {secret}\n"))),
            ("n.toml", toml(&format!("{secret} = \"BTC\"\n"))),
            ("n.toml", toml(&format!("[{secret}]\n[{secret}]\n"))),
            ("n.toml", toml(&format!("balances = {secret}\n"))),
            ("n.toml", toml(&format!("balances = [{secret}\n"))),
            ("n.toml", toml(&format!("balances = {secret}x\n"))),
            ("N.TOML", toml(&format!("[[balances]]\ninstrument = {secret}\n"))),
            ("n.csv", format!("instrument,lots,side\nBTC,5,x{secret}\n")),
        ];
        for (file, text) in texts {
            let errors = surety_import::positions::holdings(file, &text, &universe()).unwrap_err();
            for shown in [errors.to_string(), format!("{errors:?}")] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
        let holdings =
            surety_import::positions::holdings("n.csv", &format!("instrument,lots\nBTC,{secret}\n"), &universe())
                .unwrap();
        let position = holdings.position(&universe()).unwrap();
        let shown = format!("{holdings:?} {position:?} {:?}", position.lots());
        assert!(!shown.contains(secret), "{shown}");
    }
}
