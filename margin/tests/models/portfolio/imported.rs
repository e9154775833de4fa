//! Imports: the published cases, and variants of a book that is made up here, whose margins are computed a second time.

use serde_json::{Value, json};
use surety_core::{
    decimal::Magnitude,
    ident::{Bytes32, EvmAddress, Name},
    text::Document as _,
    units::{Decimals, Ppm},
};
use surety_import::{ForeignError, IMPORTED_FACTOR, Import, Parties, derive_pm2};
use surety_margin::{
    evaluate::evaluate,
    models::{
        Mode, Model, Modes,
        derive::{PortfolioMargin, Scenario, VolMove},
    },
    oracle::market_without_reports,
    policy::Policy,
    pricing::OptionKind,
    universe::{InstrumentClass, Settlement, Universe},
};

use super::{
    plain,
    published::{self, TOLERANCE},
    rules::book,
};

fn import(case: &Value) -> Result<Import, ForeignError> {
    derive_pm2::import(&case.to_string(), Bytes32::ZERO, &Parties::default())
}

/// Maintenance and initial margin, from the imported files.
fn margins(import: &Import) -> [f64; 2] {
    let universe = Universe::from_toml("u.toml", &import.universe.to_toml().unwrap()).unwrap();
    let policy = Policy::read("p.toml", &import.policy.to_toml().unwrap(), &universe).unwrap();
    assert_eq!((&universe, &policy), (&import.universe, &import.policy), "what is written is read back");
    let prices = market_without_reports(&policy, &universe, &import.snapshot).unwrap();
    let position = import.holdings.as_ref().unwrap().position(&universe).unwrap();
    [0, 1].map(|level| {
        let found = evaluate(&policy, &universe, &policy.levels[level], &position, &prices).unwrap();
        found.margin.to_string().parse().unwrap()
    })
}

#[track_caller]
fn assert_margins(what: &str, found: [f64; 2], expected: [f64; 2]) {
    for (found, expected) in found.into_iter().zip(expected) {
        let deviation = (found - expected).abs();
        assert!(deviation <= TOLERANCE * expected.abs(), "{what}: found {found}, expected {expected}");
    }
}

#[test]
fn every_published_case_is_imported() {
    for case in published::texts() {
        let value: Value = serde_json::from_str(&case.text).unwrap();
        let expected = ["MM", "IM"].map(|figure| published::number(&value["Result"][figure]));
        assert_margins(&case.name, plain::margins(&value), expected);
        let import = import(&value).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_margins(&case.name, margins(&import), expected);
        assert!(import.universe.capacity.k() <= 15, "{}: k = {}", case.name, import.universe.capacity.k());
    }
}

/// A change of a case.
type Change = fn(&mut Value);

#[track_caller]
fn agrees(what: &str, change: Change) {
    let mut case = book();
    change(&mut case);
    let import = import(&case).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_margins(what, margins(&import), plain::margins(&case));
}

#[test]
fn variants_of_a_book_agree() {
    let variants: &[(&str, Change)] = &[
        ("as it is", |_| {}),
        ("cash alone", |case| {
            for key in ["Options", "OptionFeeds", "Collaterals", "NumPerps", "PerpPrice", "PerpConfidence"] {
                case["Scenario"].as_object_mut().unwrap().remove(key);
            }
        }),
        ("an empty account", |case| case["Scenario"] = json!({ "Cash": 0, "SpotPrice": 1, "StablePrice": 1 })),
        ("no options", |case| case["Scenario"]["Options"] = json!([])),
        ("no perpetual and null for its price", |case| {
            case["Scenario"]["NumPerps"] = json!("0.0");
            case["Scenario"]["PerpPrice"] = json!(null);
        }),
        ("no collateral, and a stable price of next to nothing", |case| {
            case["Scenario"]["Collaterals"] = json!([]);
            case["Scenario"]["StablePrice"] = json!(1e-9);
        }),
        ("no funding, times or confidences", |case| {
            let scenario = case["Scenario"].as_object_mut().unwrap();
            scenario.remove("UnrealisedFunding");
            scenario.remove("SpotConfidence");
            for option in scenario["Options"].as_array_mut().unwrap() {
                option.as_object_mut().unwrap().remove("ExiryTs");
            }
            for feed in scenario["OptionFeeds"].as_array_mut().unwrap() {
                feed.as_object_mut().unwrap().remove("RateConfidence");
            }
        }),
        ("prices of next to nothing", |case| {
            case["Scenario"]["SpotPrice"] = json!(1e-6);
            case["Scenario"]["PerpPrice"] = json!(1e-6);
            case["Scenario"]["Collaterals"][0]["Price"] = json!(1e-6);
        }),
        ("a price of 0 of what is not held", |case| {
            case["Scenario"]["Collaterals"][0]["Price"] = json!(0);
            case["Scenario"]["Collaterals"][0]["Amount"] = json!(0);
        }),
        ("a forward of next to nothing", |case| case["Scenario"]["OptionFeeds"][0]["Forward"] = json!(1e-6)),
        ("a strike of 0", |case| case["Scenario"]["Options"][0]["Strike"] = json!("0.0")),
        ("confidences of 0", |case| {
            case["Scenario"]["SpotConfidence"] = json!(0);
            case["Scenario"]["OptionFeeds"][0]["OptionVolConfidences"] = json!("0");
        }),
        ("the largest charges for confidence", |case| {
            case["Scenario"]["SpotConfidence"] = json!(0.01);
            case["Parameters"]["OtherContingency"]["CONF_MARGIN"] = json!(20);
            case["Parameters"]["OtherContingency"]["CONF_THRESHOLD"] = json!(1);
        }),
        ("negative rates", |case| {
            case["Scenario"]["OptionFeeds"][0]["Rate"] = json!(-0.5);
            case["Scenario"]["OptionFeeds"][1]["Rate"] = json!("-1e-3");
        }),
        ("a feed without options, however strange", |case| {
            let feeds = case["Scenario"]["OptionFeeds"].as_array_mut().unwrap();
            feeds.push(json!({ "FeedExpiry": 1, "Forward": 0, "Rate": 40 }));
        }),
        ("an option twice", |case| {
            let options = case["Scenario"]["Options"].as_array_mut().unwrap();
            let mut again = options[2].clone();
            again["Amount"] = json!("-7.5");
            options.push(again);
        }),
        ("numbers as strings", |case| {
            case["Scenario"]["Options"][0]["Expiry"] = json!("864000");
            case["Scenario"]["Options"][0]["ExiryTs"] = json!("1800864000.0");
            case["Scenario"]["Options"][0]["IsCall"] = json!(true);
            case["Scenario"]["OptionFeeds"][0]["FeedExpiry"] = json!("864000.0");
        }),
        ("fifty digits", |case| {
            case["Scenario"]["Cash"] = json!("1234.56780000000000005551115123125782702118158340454");
            case["Scenario"]["SpotPrice"] = json!("3000.1000000000000000055511151231257827021181583404541015");
            case["Scenario"]["Options"][0]["Amount"] = json!("-2.10000000000000008881784197001252323389053344726");
        }),
        ("tiny amounts", |case| {
            let scenario = &mut case["Scenario"];
            for key in ["Cash", "UnrealisedPerpPNL", "UnrealisedFunding", "NumPerps"] {
                scenario[key] = json!(number_times(&scenario[key], 1e-5));
            }
            for list in ["Options", "Collaterals"] {
                for item in scenario[list].as_array_mut().unwrap() {
                    item["Amount"] = json!(number_times(&item["Amount"], 1e-5));
                }
            }
        }),
        ("huge amounts", |case| {
            let scenario = &mut case["Scenario"];
            scenario["Cash"] = json!("123456789012345.678901234567");
            scenario["NumPerps"] = json!(1e9);
            for item in scenario["Options"].as_array_mut().unwrap() {
                item["Amount"] = json!(number_times(&item["Amount"], 1e8 + 0.123));
            }
            scenario["Collaterals"][1]["Amount"] = json!("987654321987654.123456789");
        }),
        ("huge prices", |case| {
            let scenario = &mut case["Scenario"];
            for key in ["SpotPrice", "PerpPrice"] {
                scenario[key] = json!(number_times(&scenario[key], 1e6));
            }
            for (list, key) in [("Options", "Strike"), ("OptionFeeds", "Forward")] {
                for item in scenario[list].as_array_mut().unwrap() {
                    item[key] = json!(number_times(&item[key], 1e6));
                }
            }
        }),
        ("the last half hour", |case| expire(case, 1_234)),
        ("the last second", |case| expire(case, 1)),
        ("at expiry", |case| expire(case, 0)),
        ("at expiry, without a floor or a width", |case| {
            expire(case, 0);
            case["Parameters"]["VolShock"]["DTE_FLOOR"] = json!(0);
            case["Parameters"]["SkewShock"]["MIN_K_STAR"] = json!(0);
            case["Parameters"]["SkewShock"]["MIN_WIDTH_SCALE"] = json!(0);
        }),
        ("next to no volatility", |case| {
            for option in case["Scenario"]["Options"].as_array_mut().unwrap() {
                option["MarkVol"] = json!(1e-6);
            }
            case["Parameters"]["VolShock"]["MIN_VOL_EVAL_SHOCKED"] = json!(0);
        }),
        ("the wildest volatility", |case| {
            case["Parameters"]["VolShock"]["VOLRANGEUP"] = json!(10);
            case["Parameters"]["VolShock"]["VOLRANGEDOWN"] = json!(10);
            case["Parameters"]["VolShock"]["SHORTTERMPOWER"] = json!(10);
            case["Parameters"]["VolShock"]["LONGTERMPOWER"] = json!(10);
            case["Parameters"]["VolShock"]["MIN_VOL_EVAL_SHOCKED"] = json!(20);
        }),
        ("the widest skew", |case| {
            for key in ["LINEAR_SCALE_CAP", "LINEAR_CBASE", "ABS_SCALE_CAP", "ABS_CBASE"] {
                case["Parameters"]["SkewShock"][key] = json!(10);
            }
            case["Parameters"]["SkewShock"]["VOL_PARAM_SCALE"] = json!(-20);
        }),
        ("a negative cap", |case| case["Parameters"]["SkewShock"]["LINEAR_CBASE"] = json!(-10)),
        ("a lost peg that counts a hundredfold", |case| {
            case["Parameters"]["OtherContingency"]["PEG_LOSS_THRESHOLD"] = json!(100);
            case["Parameters"]["OtherContingency"]["PEG_LOSS_FACTOR"] = json!(10);
        }),
        ("the largest loss factors", |case| {
            case["Parameters"]["Margin"]["MM_LOSS_FACTOR"] = json!(10);
            case["Parameters"]["Margin"]["IM_LOSS_FACTOR"] = json!(10);
            case["Parameters"]["Scenarios"][0]["SpotShock"] = json!(6);
            case["Parameters"]["Scenarios"][0]["DampeningFactor"] = json!(4);
        }),
        ("rates and discounts at their limits", |case| {
            for key in ["SHORT_RATE_MULTSCALE", "LONG_RATE_MULTSCALE", "SHORT_RATE_ADDSCALE", "LONG_RATE_ADDSCALE"] {
                case["Parameters"]["Margin"][key] = json!(10);
            }
            case["Parameters"]["Margin"]["BASE_STATIC_DISCOUNT"] = json!(0);
            case["Parameters"]["Margin"]["BASE_STATIC_DISCOUNT_NEG"] = json!(4);
            case["Scenario"]["OptionFeeds"][1]["Rate"] = json!(3);
        }),
        ("discounts that are equal", |case| {
            case["Parameters"]["Margin"]["BASE_STATIC_DISCOUNT"] = json!(1);
            case["Parameters"]["Margin"]["BASE_STATIC_DISCOUNT_NEG"] = json!(1);
            for key in ["SHORT_RATE_MULTSCALE", "LONG_RATE_MULTSCALE", "SHORT_RATE_ADDSCALE", "LONG_RATE_ADDSCALE"] {
                case["Parameters"]["Margin"][key] = json!(0);
            }
        }),
        ("a scenario that counts for nothing", |case| {
            case["Parameters"]["Scenarios"][4]["DampeningFactor"] = json!(0);
        }),
        ("a move along the skew in which the spot moves too", |case| {
            case["Parameters"]["Scenarios"][5]["SpotShock"] = json!(0.5);
        }),
        ("the largest charges on perpetuals and options", |case| {
            for key in ["MM_PERP_PERCENT", "IM_PERP_PERCENT", "MM_OPTION_PERCENT", "IM_OPTION_PERCENT"] {
                case["Parameters"]["OtherContingency"][key] = json!(3);
            }
            case["Parameters"]["BasisContingency"]["BASIS_CONT_ADD_FACTOR"] = json!(20);
            case["Parameters"]["BasisContingency"]["BASIS_CONT_MULT_FACTOR"] = json!(20);
        }),
        ("names that are none, and fields that nobody reads", |case| {
            case["Scenario"]["Collaterals"][0]["Name"] = json!("USD₮0 (bridged, of a very long name that goes on)");
            case["Scenario"]["Collaterals"][1].as_object_mut().unwrap().remove("Name");
            case["Scenario"]["SomethingElse"] = json!({ "a": [1, 2] });
            case["Scenario"]["Options"][0]["Strike"] = json!("3000.123456789012345678");
        }),
    ];
    variants.iter().for_each(|(what, change)| agrees(what, *change));
}

fn number_times(value: &Value, factor: f64) -> f64 {
    published::number(value) * factor
}

/// Lets the first expiry come in so many seconds.
fn expire(case: &mut Value, seconds: u64) {
    case["Scenario"]["OptionFeeds"][0]["FeedExpiry"] = json!(seconds);
    for option in 0..3 {
        case["Scenario"]["Options"][option]["Expiry"] = json!(seconds);
        case["Scenario"]["Options"][option]["ExiryTs"] = json!(1_800_000_000 + seconds);
    }
}

#[track_caller]
fn refused(change: Change, message: &str) {
    let mut case = book();
    change(&mut case);
    let error = import(&case).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn gains_may_count_more_than_losses_in_one_expiry() {
    agrees("gains of one expiry", |case| {
        case["Parameters"]["Margin"]["BASE_STATIC_DISCOUNT"] = json!(1.01);
        case["Parameters"]["Margin"]["LONG_RATE_ADDSCALE"] = json!(0);
        case["Parameters"]["Margin"]["LONG_RATE_MULTSCALE"] = json!(0);
        case["Scenario"]["OptionFeeds"][0]["Rate"] = json!(0);
        case["Scenario"]["OptionFeeds"][1]["Rate"] = json!(1);
    });
}

#[test]
fn rejects_cases_without_meaning() {
    refused(|case| case["Scenario"]["Collaterals"][1]["Amount"] = json!("-98765"), "Collaterals[1].Amount");
    refused(|case| case["Scenario"]["StablePrice"] = json!(0), "StablePrice");
    refused(|case| case["Scenario"]["PerpPrice"] = json!(null), "PerpPrice");
    refused(|case| case["Scenario"]["SpotConfidence"] = json!(1.5), "confidence");
    refused(|case| case["Scenario"]["OptionFeeds"][1]["FeedExpiry"] = json!(1.5), "whole number of seconds");
    refused(|case| case["Scenario"]["SpotPrice"] = json!(1e16), "below 10^13");
    refused(|case| case["Scenario"]["Cash"] = json!("1e30"), "lots");
}

/// Attack: at a price of nothing a short position requires nothing, and no box that contains it is written.
#[test]
fn rejects_cases_with_prices_of_nothing() {
    let changes: [(&str, Change); 6] = [
        ("spot", |case| case["Scenario"]["SpotPrice"] = json!(0)),
        ("perpetual-price", |case| case["Scenario"]["PerpPrice"] = json!(0)),
        ("collateral-0-WETH-price", |case| case["Scenario"]["Collaterals"][0]["Price"] = json!(0)),
        ("forward-0", |case| case["Scenario"]["OptionFeeds"][0]["Forward"] = json!(0)),
        ("volatility", |case| case["Scenario"]["Options"][0]["MarkVol"] = json!(0)),
        ("stable", |case| {
            case["Scenario"]["Collaterals"] = json!([]);
            case["Scenario"]["StablePrice"] = json!(0);
        }),
    ];
    for (name, change) in changes {
        refused(change, &format!("{name}: expected a price above 0"));
    }
    // All at once.
    refused(
        |case| {
            case["Scenario"]["SpotPrice"] = json!(0);
            case["Scenario"]["PerpPrice"] = json!(0);
        },
        "found 0\nspot: expected",
    );
    refused(|case| case["Scenario"]["OptionFeeds"][1]["Rate"] = json!(5.1), "rate-1 from 0 to");
}

/// The boxes reach a stated factor from what was observed, down and up; only what is added may be zero.
#[test]
fn imported_boxes_lie_around_what_was_observed() {
    let Import { policy, snapshot, .. } = import(&book()).unwrap();
    for (entry, observed) in policy.market.iter().zip(&snapshot.prices) {
        let (name, price) = (entry.name.as_str(), observed.price.get());
        let one = 10_u128.pow(entry.decimals.get().into());
        let expected = match name {
            name if name.contains("confidence") => (0, one),
            name if name.starts_with("rate-") => (0, one),
            _ => (price / IMPORTED_FACTOR, price * IMPORTED_FACTOR),
        };
        assert_eq!((entry.min.get(), entry.max.get()), expected, "{name}");
    }
}

#[test]
fn errors_do_not_repeat_amounts() {
    let mut owed = book();
    owed["Scenario"]["Collaterals"][1]["Amount"] = json!("-98765");
    assert!(!import(&owed).unwrap_err().to_string().contains("98765"));
}

#[test]
fn placeholders_are_said_to_be_some() {
    assert!(Parties::default().are_placeholders());
    let own =
        Parties { nodes: vec![EvmAddress::parse(&format!("0x{}", "11".repeat(20))).unwrap()], ..Parties::default() };
    assert!(own.are_placeholders(), "the source is still one");
    let source = EvmAddress::parse(&format!("0x{}", "22".repeat(20))).unwrap();
    assert!(!Parties { source, ..own }.are_placeholders());
}

#[test]
fn holdings_are_written_as_they_are_read() {
    let import = import(&book()).unwrap();
    let holdings = import.holdings.unwrap();
    let read =
        surety_import::positions::holdings("h.csv", &holdings.to_csv(&import.universe), &import.universe).unwrap();
    assert_eq!(read, holdings);
}

/// The policy of the book, with a change, and what is wrong with it.
fn checked(change: impl FnOnce(&mut PortfolioMargin, &mut Policy)) -> Vec<String> {
    let Import { universe, mut policy, .. } = import(&book()).unwrap();
    let Model::Portfolio(mut model) = policy.model.clone() else { panic!("the book is portfolio margin") };
    change(&mut model, &mut policy);
    policy.model = Model::Portfolio(model);
    policy.check(&universe).iter().map(ToString::to_string).collect()
}

/// Attack: a million options owed, each of which rounds to nothing.
#[test]
fn rejects_values_of_options_with_few_decimals() {
    let found = checked(|model, _| model.value_decimals = Decimals::new(8).unwrap());
    assert_eq!(found, ["model.value_decimals: expected from 9 to 15, found 8"]);
    assert_eq!(checked(|model, _| model.value_decimals = Decimals::new(9).unwrap()), [""; 0]);
}

/// Attack: perpetuals and short options whose losses no charge and no scenario is for.
#[test]
fn rejects_a_book_that_requires_nothing() {
    let zero = Magnitude::default();
    let uncharged = |model: &mut PortfolioMargin| {
        let charges = &mut model.parameters.contingency;
        (charges.maintenance_perpetual, charges.initial_perpetual) = (zero, zero);
        (charges.maintenance_option, charges.initial_option) = (zero, zero);
    };
    let refused = |change: fn(&mut PortfolioMargin)| {
        let found = checked(|model, _| {
            uncharged(model);
            change(model);
        });
        let count = |what: &str| found.iter().filter(|problem| problem.contains(what)).count();
        assert_eq!(count("a requirement on top of its value"), found.len(), "{found:?}");
        (count("is short or owed"), count("is held"))
    };
    let Model::Portfolio(model) = import(&book()).unwrap().policy.model else { panic!("the book is portfolio margin") };
    let options = || model.expiries.iter().flat_map(|expiry| &expiry.options);
    let calls = options().filter(|option| option.kind == OptionKind::Call).count();
    assert!(calls > 0 && calls < options().count());
    assert_eq!(refused(|_| ()), (0, 0), "the scenarios are for them");
    let all = (1 + options().count(), 1);
    assert_eq!(refused(|model| model.parameters.losses.maintenance_factor = Magnitude::default()), all);
    assert_eq!(
        refused(|model| {
            let parameters = &mut model.parameters;
            parameters.scenarios.iter_mut().for_each(|scenario| scenario.dampening = Magnitude::default());
            (parameters.basis_contingency.added, parameters.basis_contingency.factor) = Default::default();
        }),
        all
    );
    let falls = |model: &mut PortfolioMargin| {
        let move_of = |scenario: &mut Scenario| {
            (scenario.spot, scenario.volatility) = (Magnitude::from(Ppm(900_000)), VolMove::Down);
        };
        model.parameters.scenarios.iter_mut().for_each(move_of);
        model.parameters.basis_contingency.up = Magnitude::ONE;
    };
    assert_eq!(refused(falls), (1 + calls, 0), "a market that only falls");
}

/// Attack: a small file whose values take all memory before they are found not to fit.
#[test]
fn rejects_more_revaluations_than_a_program_can_read() {
    let scenario = |i: u32| json!({ "spot": format!("1.{i:06}"), "volatility": "up", "dampening": "1" });
    let scenarios = |count| (1..=count).map(|i| serde_json::from_value(scenario(i)).unwrap()).collect();
    let found = checked(|model, _| model.parameters.scenarios = scenarios(100_000));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("model: expected at most"), "{}", found[0]);
}

/// Collateral that is a claim on something else counts at the price of the claim, here as elsewhere.
#[test]
fn rejects_collateral_that_is_not_looked_through() {
    let claim = |model: &PortfolioMargin, policy: &mut Policy| {
        let token = &model.collateral[0].instrument;
        let formula = json!({ "claim": {
            "token": token, "underlying": "spot", "rate": "stable", "quality": 900_000, "issuer": "lido"
        } });
        let entry = json!({
            "name": "looked-through", "decimals": 8, "min": "10000000000", "max": "100000000000000", "rounding": "down",
            "formula": formula
        });
        policy.derived = vec![serde_json::from_value(entry).unwrap()];
    };
    let found = checked(|model, policy| {
        claim(model, policy);
        model.collateral[0].price.value = Name::new("looked-through").unwrap();
    });
    assert_eq!(found, [""; 0]);
    let found = checked(|model, policy| claim(model, policy));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("model.price: expected looked-through, the price of the claim"), "{}", found[0]);
}

/// Attack: a token that is looked through in one mode counts as cash in another.
#[test]
fn rejects_a_claim_that_another_mode_takes_for_cash() {
    let Import { mut universe, mut policy, .. } = import(&book()).unwrap();
    let Model::Portfolio(mut portfolio) = policy.model.clone() else { panic!("the book is portfolio margin") };
    let token = portfolio.collateral[0].instrument.clone();
    let position = universe.position(&token).unwrap();
    universe.instruments[position].class = InstrumentClass::Cash;
    portfolio.collateral[0].price.value = Name::new("looked-through").unwrap();
    let claim = json!({ "token": token, "underlying": "spot", "rate": "stable", "quality": 900_000, "issuer": "lido" });
    let entry = json!({
        "name": "looked-through", "decimals": 8, "min": "10000000000", "max": "100000000000000", "rounding": "down",
        "formula": { "claim": claim }
    });
    policy.derived = vec![serde_json::from_value(entry).unwrap()];
    let cash = json!({ "positions": [{ "instrument": token }] });
    let modes =
        [("options", Model::Portfolio(portfolio)), ("cash", Model::Cross(serde_json::from_value(cash).unwrap()))];
    let mode = |(name, model)| Mode { name: Name::new(name).unwrap(), model };
    policy.model = Model::Modes(Modes { modes: modes.into_iter().map(mode).collect() });
    for (level, mode) in policy.levels.iter_mut().zip(["options", "cash"]) {
        level.mode = Some(Name::new(mode).unwrap());
    }
    let found: Vec<_> = policy.check(&universe).iter().map(ToString::to_string).collect();
    let expected = format!("looked-through, the price of the claim that {token} is");
    assert_eq!(found, [format!("model.modes[1].model.positions[0].price: expected {expected}, found none")]);
}

/// Attack: whoever is short a perpetual is credited with its price, and owes nothing for it, because its value does not
/// count.
#[test]
fn rejects_perpetuals_whose_cost_is_carried_without_their_value() {
    let Import { mut universe, policy, .. } = import(&book()).unwrap();
    assert_eq!(policy.check(&universe), []);
    let perpetual = universe.instruments.iter_mut().find(|it| it.class == InstrumentClass::Perpetual).unwrap();
    perpetual.settlement = Settlement::Carried;
    let expected = format!(
        "model.perpetual.instrument: expected settlement by variation margin, because the value of a perpetual does \
         not \
         count, found {}, whose cost is carried",
        perpetual.name
    );
    let found: Vec<_> = policy.check(&universe).iter().map(ToString::to_string).collect();
    assert!(matches!(&found[..], [problem] if problem.starts_with(&expected)), "{found:?}");
}

/// Parameters are published either way, so it is no mistake, but nobody should overlook it.
#[test]
fn an_initial_level_that_is_laxer_is_warned_of() {
    let mut case = book();
    let warnings = |case: &Value| {
        let import = import(case).unwrap();
        import.policy.warnings(&import.universe)
    };
    assert_eq!(warnings(&case), []);
    case["Parameters"]["Margin"]["IM_LOSS_FACTOR"] = json!(0.5);
    assert_eq!(
        warnings(&case).iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["model.parameters.losses.initial_factor: expected at least the maintenance factor, 0.8, found 0.5; an \
             account could open what would be liquidated at once"]
    );
}
