//! 483 tokens of a real exchange, with the collateral ratio of their first tier, as a collateral policy.

use std::{fmt::Write as _, fs};

use surety_core::{
    text::Document as _,
    text::table::Dialect,
    units::{Lots, Price},
};
use surety_import::haircuts::{self, Ends, Programme};
use surety_margin::{
    compile::compile, evaluate::evaluate, holdings::Position, policy::Policy, program::Unsatisfied, universe::Universe,
};
use surety_prover::explain::explain;

use crate::sandbox::{Sandbox, shared};

/// Decimal places of the prices: the cheapest token costs a few millionths.
const DECIMALS: u8 = 12;

/// The set-up of the development universe.
const SRS: &str = "0xa6d0e910584892f8f4880512d90c895ca4f62ce6e75d2f845df840279b67e18b";

struct Token {
    name: String,
    price: u128,
    /// The part of a value that counts, in percent.
    ratio: u32,
}

fn tokens(csv: &str) -> Vec<Token> {
    let tokens =
        haircuts::read("assets.csv", csv, (Programme::VipLoan, Ends::Quote), &Dialect::default(), &mut Vec::new())
            .unwrap();
    let token = |token: haircuts::Token| Token {
        name: format!("T-{}", token.name),
        price: token.price.rounded(DECIMALS).unwrap(),
        ratio: token.tiers.first().map_or(0, |tier| tier.weight.maintenance.0 / 10_000),
    };
    tokens.into_iter().map(token).filter(|token| token.price > 0).collect()
}

fn universe_text(tokens: &[Token]) -> String {
    let mut text =
        format!("kind = \"surety/universe\"\nversion = 1\nname = \"tokens\"\ncapacity = 13\nsrs = \"{SRS}\"\n");
    text += "[[instruments]]\nname = \"USDT\"\nclass = \"cash\"\nlot_decimals = 6\n";
    for token in tokens {
        write!(text, "[[instruments]]\nname = \"{}\"\nclass = \"spot\"\nlot_decimals = 4\n", token.name).unwrap();
    }
    text
}

fn policy_text(tokens: &[Token]) -> String {
    let address = |name: &str| surety_host::keys::demo_key(name).unwrap().address();
    let mut text = format!(
        "kind = \"surety/policy\"\nversion = 1\nname = \"token-loans\"\nuniverse = \"tokens\"\nvalidity = 3_600\n\
         [oracle]\nquorum = 1\nepoch = 300\nmax_age = 900\nmax_skew = 60\nmax_confidence = 10_000\n\
         [[oracle.nodes]]\nname = \"oracle\"\nsigner = \"{}\"\n\
         [[sources]]\nname = \"custodian\"\nsigner = \"{}\"\naccounts = [\"basket\"]\n\
         [statements]\nmax_skew = 60\nmax_age = 900\n\
         [[levels]]\nname = \"maintenance\"\nbasis = \"maintenance\"\n\
         [model]\ntype = \"collateral\"\n\
         [[model.assets]]\ninstrument = \"USDT\"\nshort = true\nweight = {{ maintenance = 1_000_000, initial = \
         1_000_000 }}\n",
        address("oracle"),
        address("custodian"),
    );
    for token in tokens {
        let (weight, (min, max)) = (token.ratio * 10_000, (token.price.div_ceil(10), token.price * 10));
        write!(
            text,
            "[[market]]\nname = \"{0}\"\ndecimals = {DECIMALS}\nmin = \"{min}\"\nmax = \"{max}\"\n\
             [[model.assets]]\ninstrument = \"{0}\"\nprice = \"{0}\"\n\
             weight = {{ maintenance = {weight}, initial = {weight} }}\n",
            token.name,
        )
        .unwrap();
    }
    text
}

/// A small generator of reproducible numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A basket of tokens against a debt of about what they count for.
fn basket(tokens: &[Token], random: &mut Random) -> Vec<i128> {
    let mut lots: Vec<i128> = vec![0];
    let mut counts: u128 = 0;
    for token in tokens {
        let held = if random.below(4) == 0 { u128::from(random.below(1_000_000_000)) } else { 0 };
        counts += held * token.price * u128::from(token.ratio) / 100;
        lots.push(held as i128);
    }
    // Tokens have 4 decimals and prices 12; a debt has 6.
    let debt = (counts / 10_u128.pow(10)) as i128;
    lots[0] = -(debt * (999_990 + i128::from(random.below(20))) / 1_000_000);
    lots
}

#[test]
fn random_baskets_are_decided_alike_by_program_and_evaluation() {
    let Some(file) = shared("cases/haircuts/binance-cex-assets.csv") else { return };
    let tokens = tokens(&fs::read_to_string(file).unwrap());
    assert!(tokens.len() > 470, "{} tokens", tokens.len());
    let universe = Universe::from_toml("universe.toml", &universe_text(&tokens)).unwrap();
    let policy = Policy::read("policy.toml", &policy_text(&tokens), &universe).unwrap();
    let program = compile(&policy, &universe).unwrap().remove(0);
    let mut random = Random(483);
    let mut sufficient = 0;
    for _ in 0..50 {
        let prices: Vec<Price> = tokens
            .iter()
            .map(|token| {
                Price::new((token.price * u128::from(900_000 + random.below(200_000)) / 1_000_000).max(1)).unwrap()
            })
            .collect();
        let lots = basket(&tokens, &mut random).into_iter().map(|lots| Lots::new(lots).unwrap()).collect();
        let position = Position::from_lots(lots);
        let evaluation = evaluate(&policy, &universe, &policy.levels[0], &position, &prices).unwrap();
        match program.solve(&position, &prices) {
            Ok(_) => sufficient += 1,
            Err(error) => assert!(matches!(error, Unsatisfied::Insufficient { .. }), "{error}"),
        }
        assert_eq!(program.solve(&position, &prices).is_ok(), evaluation.is_sufficient());
        assert!(explain(&policy, &universe, (&position, &[]), &prices).is_ok());
    }
    assert!((5..=45).contains(&sufficient), "{sufficient} of 50 are sufficient: both sides are met");
}

#[test]
fn a_basket_is_proven_and_verified_at_k_13() {
    let Some(file) = shared("cases/haircuts/binance-cex-assets.csv") else { return };
    let tokens = tokens(&fs::read_to_string(file).unwrap());
    let sandbox = Sandbox::new();
    sandbox.write("universe.toml", &universe_text(&tokens));
    sandbox.write("policy.toml", &policy_text(&tokens));
    let observations = tokens.iter().map(|token| format!("{},{},1\n", token.name, token.price));
    sandbox.write("prices.csv", &format!("entry,price,confidence\n{}", observations.collect::<String>()));
    let mut lots = basket(&tokens, &mut Random(7));
    let names = || std::iter::once("USDT").chain(tokens.iter().map(|token| token.name.as_str()));
    let mut state = |name: &str, change: i128| {
        lots[0] += change;
        let lines = names().zip(&lots).map(|(name, lots)| format!("{name},{lots}\n"));
        sandbox.write(name, &format!("instrument,lots\n{}", lines.collect::<String>()));
    };
    state("good.csv", 1_000_000_000_000);
    state("bad.csv", -2_000_000_000_000);
    let (oracle, custodian) = (sandbox.demo_key("oracle"), sandbox.demo_key("custodian"));
    sandbox.surety(&format!("market sign . --observations prices.csv --key {oracle} --out report.json")).expect(0);
    sandbox.surety("market aggregate . --report report.json").expect(0);
    let attest = |holdings: &str, sequence: u32| {
        sandbox
            .surety(&format!(
                "source attest --holdings {holdings} --account basket --subject 0x{} --chain-id 1 --registry 0x{} \
                 --key {custodian} --sequence {sequence}",
                "12".repeat(20),
                "34".repeat(20),
            ))
            .expect(0)
    };
    attest("good.csv", 1);
    let data = sandbox.surety("prove --dry-run --json").data();
    assert_eq!(data["k"], 13);
    sandbox.surety("prove --unpublished-snapshot").expect(0);
    sandbox.surety("verify attestation.json --allow-insecure-srs").expect(0);
    attest("bad.csv", 2);
    sandbox.surety("prove --unpublished-snapshot --out bad.json").expect(4);
}
