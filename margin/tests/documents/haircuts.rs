//! Haircut ladders that an exchange publishes, against a computation of their own.

use std::{fs, path::Path};

use alloy_primitives::I256;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use surety_core::{
    ident::{Bytes32, Name},
    text::{Document as _, InputErrors, MAX_MISTAKES, table::Dialect},
    units::{Decimals, Lots, Ppm, Price, Timestamp},
};
use surety_import::{
    Parties,
    haircuts::{self, Ends, Programme},
};
use surety_margin::{
    compile::compile,
    evaluate::evaluate,
    holdings::Position,
    level::ByBasis,
    models::{Asset, Collateral, Model, Tier},
    policy::Policy,
    program::Unsatisfied,
    universe::{InstrumentClass, Universe},
};
use surety_testing::sample;

/// Decimal places of prices: the cheapest token costs a few millionths.
const DECIMALS: u8 = 12;

/// A token, and one of the ladders that the exchange has for it.
struct Token {
    price: u128,
    tiers: Vec<Tier>,
}

/// None, and a word about it, where the file is not there.
fn file() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/haircuts/binance-cex-assets.csv");
    let text = fs::read_to_string(&path);
    if text.is_err() {
        println!("skipped: {} is not there", path.display());
    }
    text.ok()
}

fn read(text: &str, programme: Programme) -> Result<Vec<haircuts::Token>, InputErrors> {
    haircuts::read("assets.csv", text, (programme, Ends::Quote), &Dialect::default(), &mut Vec::new())
}

/// All ladders of all tokens that have a price, three to a token unless it counts for nothing.
fn tokens(csv: &str) -> Vec<Token> {
    let of = |programme| read(csv, programme).unwrap();
    let token = |token: haircuts::Token| Token { price: token.price.rounded(DECIMALS).unwrap(), tiers: token.tiers };
    let tokens = Programme::ALL.into_iter().flat_map(of).map(token);
    tokens.filter(|token| token.price > 0 && !token.tiers.is_empty()).collect()
}

/// Cash that may be owed, and tokens with their ladders.
fn collateral(tokens: &[&Token]) -> (Universe, Policy) {
    let mut universe = sample::universe(13, tokens.len() + 1);
    for instrument in &mut universe.instruments[1..] {
        instrument.class = InstrumentClass::Spot;
    }
    let name = |i: usize| universe.instruments[i].name.clone();
    let cash = Asset {
        instrument: name(0),
        price: None,
        short: true,
        weight: Some(ByBasis { maintenance: Ppm::ONE, initial: Ppm::ONE }),
        tiers: Vec::new(),
        debt_spread: None,
        tiering: Default::default(),
        liquidity: None,
        allowance: None,
    };
    let asset = |(i, token): (usize, &&Token)| Asset {
        instrument: name(i + 1),
        price: Some(Name::new(format!("p{}", i + 1)).unwrap()),
        short: false,
        weight: None,
        tiers: token.tiers.clone(),
        debt_spread: None,
        tiering: Default::default(),
        liquidity: None,
        allowance: None,
    };
    let assets = std::iter::once(cash).chain(tokens.iter().enumerate().map(asset)).collect();
    let mut policy =
        sample::policy(&universe, tokens.len() + 1, Model::Collateral(Collateral { assets, average_step: Ppm(0) }));
    for (entry, token) in policy.market.iter_mut().zip(tokens) {
        entry.decimals = Decimals::new(DECIMALS).unwrap();
        (entry.min, entry.max) = (Price::new(token.price.div_ceil(2)).unwrap(), Price::new(2 * token.price).unwrap());
    }
    assert_eq!(policy.check(&universe), []);
    (universe, policy)
}

/// What tokens count for, in `10^-18` quote units: each unit of the last place at the ratio of its tier.
fn counted(token: &Token, lots: i128) -> i128 {
    // Lots have four decimal places, prices twelve, percentages two.
    let value = lots * i128::try_from(token.price).unwrap();
    let mut start = 0;
    let part = |tier: &Tier| {
        let end = tier.up_to.map_or(i128::MAX, |end| i128::from(end.get()) * 10_i128.pow(16));
        let part = (value.min(end) - start).max(0) * i128::from(tier.weight.maintenance.0 / 10_000);
        start = end;
        part
    };
    token.tiers.iter().map(part).sum()
}

fn position(lots: &[i128]) -> Position {
    Position::from_lots(lots.iter().map(|lots| Lots::new(*lots).unwrap()).collect())
}

/// The margin of a basket without debt is what it counts for, and as much cash can be owed and not one cent more.
fn assert_agrees(tokens: &[&Token], held: &[i128]) {
    let (universe, policy) = collateral(tokens);
    let prices: Vec<_> = tokens.iter().map(|token| Price::new(token.price).unwrap()).collect();
    let expected: i128 = tokens.iter().zip(held).map(|(token, lots)| counted(token, *lots)).sum();
    let with_cash = |cash: i128| position(&[&[cash], held].concat());
    let level = &policy.levels[0];
    let margin = evaluate(&policy, &universe, level, &with_cash(0), &prices).unwrap().margin;
    let ten = I256::unchecked_from(10);
    let scale = ten.pow(alloy_primitives::U256::from(margin.decimals - 18));
    assert_eq!(margin.atoms, I256::unchecked_from(expected) * scale);

    let program = &compile(&policy, &universe).unwrap()[0];
    let most = expected / 10_i128.pow(16);
    assert!(program.solve(&with_cash(-most), &prices).is_ok());
    let refused = program.solve(&with_cash(-most - 1), &prices);
    assert!(matches!(refused, Err(Unsatisfied::Insufficient { .. })), "{refused:?}");
}

#[test]
fn every_published_ladder_counts_as_published() {
    let Some(csv) = file() else { return };
    let tokens = tokens(&csv);
    assert!(tokens.len() > 1_000, "{} ladders", tokens.len());
    for group in tokens.chunks(40) {
        let group: Vec<_> = group.iter().collect();
        // From a third of the first tier to beyond the last of most ladders.
        for notional in [100_000_u128, 3_000_000, 12_345_678] {
            let lots = |token: &&Token| (notional * 10_u128.pow(16) / token.price).min(1_000_000_000_000) as i128;
            assert_agrees(&group, &group.iter().map(lots).collect::<Vec<_>>());
        }
    }
}

#[test]
fn random_baskets_count_as_published() {
    let Some(csv) = file() else { return };
    let tokens = tokens(&csv);
    let strategy = prop::collection::vec((0..tokens.len(), 0..20_000_000_u128), 1..30);
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |basket| {
        let chosen: Vec<_> = basket.iter().map(|(token, _)| &tokens[*token]).collect();
        let lots = |(token, notional): (&&Token, &(usize, u128))| {
            (notional.1 * 10_u128.pow(16) / token.price).min(1_000_000_000_000) as i128
        };
        assert_agrees(&chosen, &chosen.iter().zip(&basket).map(lots).collect::<Vec<_>>());
        Ok(())
    });
    outcome.unwrap();
}

/// A few dozen tokens with the longest ladders there are. A fall takes five rows and two variables, or
/// three and one if no holding within the universe's limits reaches it.
#[test]
fn baskets_of_a_few_dozen_tokens_fit() {
    let Some(csv) = file() else { return };
    let mut tokens = tokens(&csv);
    tokens.sort_by_key(|token| std::cmp::Reverse(token.tiers.len()));
    tokens.truncate(48);
    let size = |tokens: &[Token]| {
        let (universe, policy) = collateral(&tokens.iter().collect::<Vec<_>>());
        let program = &compile(&policy, &universe).unwrap()[0];
        (program.table().len(), program.variables())
    };
    let (rows, variables) = size(&tokens);
    let falls = tokens.iter().flat_map(|token| &token.tiers).filter(|tier| tier.up_to.is_some()).count();
    tokens.iter_mut().for_each(|token| token.tiers = vec![Tier { up_to: None, ..token.tiers[0] }]);
    let (flat_rows, flat_variables) = size(&tokens);
    let reached = variables - flat_variables - falls;
    assert!((1..falls).contains(&reached), "{reached} of {falls}");
    assert_eq!(rows - flat_rows, 3 * falls + 2 * reached);
}

/// A table of made-up assets, in the form of the exchange's.
fn table(lines: &[[&str; 3]]) -> String {
    let header = "\"token\",\"asset_usdt_price\",\"collateral_vip_loan_ratio_tiers\",\"collateral_margin_ratio_tiers\",\
                  \"collateral_portfolio_margin_ratio_tiers\"\n";
    let line = |[token, price, ladder]: &[&str; 3]| format!("\"{token}\",\"{price}\",\"[]\",\"{ladder}\",\"[]\"\n");
    header.to_owned() + &lines.iter().map(line).collect::<String>()
}

fn imported(lines: &[[&str; 3]]) -> Result<surety_import::Import, String> {
    let tokens = read(&table(lines), Programme::Margin).map_err(|error| error.to_string())?;
    let import = haircuts::import(&tokens, Timestamp(1_800_000_000), Bytes32::ZERO, &Parties::default());
    import.map_err(|error| error.to_string())
}

#[test]
fn rejects_a_flood_of_lines_that_are_no_tokens() {
    let flood = table(&[]) + &"no token\n".repeat(200_000);
    let errors = read(&flood, Programme::Margin).unwrap_err();
    assert_eq!(errors.errors().len(), MAX_MISTAKES + 1);
}

#[test]
fn tables_become_policies() {
    let import = imported(&[
        ["aaa", "12.50", "[0-1000:90, 1000-5000:50]"],
        ["bbb", "0.0000310", "[0-18446744073709551615:100]"],
        ["worthless", "0.0", "[0-18446744073709551615:100]"],
        ["uncounted", "1.0", "[]"],
    ])
    .unwrap();
    let names: Vec<_> = import.universe.instruments.iter().map(|instrument| instrument.name.as_str()).collect();
    assert_eq!(names, ["QUOTE", "aaa", "bbb"]);
    let prices: Vec<_> = import.snapshot.prices.iter().map(|entry| entry.price).collect();
    let mut lots = vec![0_i128; 3];
    // 160 aaa are worth 2,000, of which 900 + 500 count.
    lots[1] = 160 * 100_000_000;
    let margin =
        evaluate(&import.policy, &import.universe, &import.policy.levels[0], &position(&lots), &prices).unwrap().margin;
    assert_eq!(margin.to_string(), "1400");
}

#[test]
fn ladders_by_units_follow_the_price() {
    let text = "token,price,margin\naaa,12.5,\"[0-100:90, 100-1000.5:50]\"\n";
    let read = |ends| haircuts::read("a.csv", text, (Programme::Margin, ends), &Dialect::default(), &mut Vec::new());
    assert!(read(Ends::Quote).is_err(), "values are whole");
    let tokens = read(Ends::Units).unwrap();
    let import = haircuts::import(&tokens, Timestamp(1_800_000_000), Bytes32::ZERO, &Parties::default()).unwrap();
    for (price, margin) in [(1, "1500"), (2, "3000")] {
        let prices: Vec<_> =
            import.snapshot.prices.iter().map(|entry| Price::new(price * entry.price.get()).unwrap()).collect();
        // 100 units count at 90 percent and 60 at 50, whatever they are worth.
        let held = position(&[0, 160 * 100_000_000]);
        let level = &import.policy.levels[0];
        let found = evaluate(&import.policy, &import.universe, level, &held, &prices).unwrap().margin;
        assert_eq!(found.to_string(), margin);
    }
}

#[test]
fn percentages_have_decimals_and_are_rounded_down() {
    let text = "Token;Price;Margin\r\naaa;1.234,5;[0-100:97.5, 100-200:33.33339 %]\r\n";
    let tokens = read(text, Programme::Margin).unwrap();
    let weights: Vec<_> = tokens[0].tiers.iter().map(|tier| tier.weight.maintenance).collect();
    assert_eq!(weights, [Ppm(975_000), Ppm(333_333)]);
    assert_eq!(tokens[0].price.to_string(), "1234.5");
}

#[test]
fn rejects_tables_of_another_form() {
    let error = |line| imported(&[["aaa", "1.0", "[0-1:1]"], line]).unwrap_err();
    let price = error(["bbb", "one", "[0-1:1]"]);
    assert_eq!(price, "assets.csv:3:7: asset_usdt_price: expected a decimal number like 1234.5678, found \"one\"");
    assert!(error(["bbb", "-1", "[0-1:1]"]).starts_with("assets.csv:3:7: asset_usdt_price: expected a price"));
    assert!(error(["b b", "1.0", "[0-1:1]"]).starts_with("assets.csv:3:1: expected a name"));
    for ladder in ["[0-1:101]", "[0-1:100.0001]", "[0-1:-1]", "[1-2:1]", "[0-1:5, 2-3:1]", "0-1:1", "[0-1]", "[0-0:1]"]
    {
        assert!(error(["bbb", "1.0", ladder]).starts_with("assets.csv:3:18: expected tiers"), "{ladder}");
    }
    assert!(error(["bbb", "1.0", "[0-5:10, 5-6:20]"]).contains("do not rise from tier to tier"));
    assert!(error(["aaa", "1.0", "[0-1:1]"]).contains("again"));
    assert!(imported(&[]).unwrap_err().contains("at least one row under the header"));
    let other = read("token,price\na,1\n", Programme::Margin).unwrap_err();
    assert!(other.to_string().contains("expected a column collateral_margin_ratio_tiers"), "{other}");
    // Attack, or an honest mistake: what does not count, as what does.
    for (header, shown) in [("token,price,haircut", "haircut"), ("token,price,Haircut (%)", "Haircut (%)")] {
        let haircut = read(&format!("{header}\na,1,[0-inf:90]\n"), Programme::Margin).unwrap_err().to_string();
        let message = format!(
            "assets.csv:1:13: expected percentages of the value that count, found a column {shown}; write 100 % less \
             the \
             haircut, in a column ladder"
        );
        assert!(haircut.contains(&message), "{haircut}");
    }
    let unknown = haircuts::choose(Vec::new(), &[Name::new("ccc").unwrap()]).unwrap_err();
    assert!(unknown[0].to_string().contains("ccc"));
}

/// The lending example, with the weight of its first asset replaced.
#[track_caller]
fn refused(replacement: &str, message: &str) {
    let read =
        |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)).unwrap();
    let universe = Universe::from_toml("universe.toml", &read("universe.toml")).unwrap();
    let text = read("policy-lending.toml");
    let single = "weight = { maintenance = 780_000, initial = 730_000 }\n";
    assert!(text.contains(single));
    let errors = Policy::read("policy.toml", &text.replacen(single, replacement, 1), &universe).unwrap_err();
    let found: Vec<_> = errors.errors().iter().map(ToString::to_string).collect();
    let line = text[..text.find(single).unwrap()].lines().count() + 1;
    let found: Vec<_> = found.iter().map(|error| error.replacen(&format!(":{line}:"), ":W:", 1)).collect();
    assert_eq!(found, [message]);
}

fn tiers(tiers: &[(&str, u32, u32)]) -> String {
    let tier = |(end, maintenance, initial): &(&str, u32, u32)| {
        let up_to = if end.is_empty() { String::new() } else { format!("up_to = \"{end}\", ") };
        format!("{{ {up_to}weight = {{ maintenance = {maintenance}, initial = {initial} }} }}")
    };
    format!("tiers = [{}]\n", tiers.iter().map(tier).collect::<Vec<_>>().join(", "))
}

#[test]
fn rejects_tiers_out_of_order() {
    for end in ["1000", "999"] {
        refused(
            &tiers(&[("1000", 500_000, 400_000), (end, 0, 0)]),
            &format!(
                "policy.toml:W:93: model.assets[0].tiers[1].up_to: expected more than the tier before, which ends at \
                 1000, found {end}"
            ),
        );
    }
    refused(
        &tiers(&[("", 500_000, 400_000), ("1000", 0, 0)]),
        "policy.toml:W:10: model.assets[0].tiers[0].up_to: expected an end, because only the last tier may be without, \
         found none in a tier that others follow",
    );
}

#[test]
fn rejects_tiers_of_another_form() {
    refused(
        &tiers(&[("", 500_000, 500_001)]),
        "policy.toml:W:21: model.assets[0].tiers[0].weight: expected weights with initial <= maintenance <= 100 %, \
         found initial 50.0001 %, maintenance 50 %",
    );
    refused(
        &tiers(&[("0", 500_000, 400_000)]),
        "policy.toml:W:20: model.assets[0].tiers[0].up_to: expected an amount from 1 to 2^64 - 1 quote units, found 0",
    );
    refused(
        &tiers(&[("18446744073709551616", 500_000, 400_000)]),
        "policy.toml:W:20: model.assets[0].tiers[0].up_to: expected an amount from 1 to 2^64 - 1 quote units as a \
         decimal integer in a string, found \"18446744073709551616\"",
    );
}

#[test]
fn rejects_a_weight_beside_tiers_and_neither() {
    let expected = |found: &str, place: &str| {
        format!(
            "policy.toml:{place}: model.assets[0]: expected either the key `weight` or the key `tiers`, found {found}"
        )
    };
    let both = format!("weight = {{ maintenance = 1, initial = 1 }}\n{}", tiers(&[("", 1, 1)]));
    refused(&both, &expected("both", "101:1"));
    refused("", &expected("neither", "101:1"));
    refused("tiers = []\n", &expected("neither", "101:1"));
}
