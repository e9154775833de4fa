//! One margin, decided in several ways that share no code: plain arithmetic, the compiled program, the circuit's twin,
//! the circuit, and proofs. All must say the same, to one lot of cash.

use std::{collections::HashSet, fs, path::PathBuf};

use alloy_primitives::{I256, U256};
use halo2_proofs::dev::MockProver;
use halo2curves::bn256::Fr;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use surety_circuits::{ProveError, Witness, check::check, circuit::LinearProgramCircuit};
use surety_core::{capacity::Capacity, ident::Name, text::Document as _, units::Price};
use surety_margin::{
    compile::compile,
    evaluate::evaluate,
    market::{MarketIndex, PriceRange},
    policy::Policy,
    program::{
        Affine, Assignment, Builder, Expression, HoldingRange, Program, ProgramError, Scenario, Unsatisfied, abs,
        holding, number, positive_part, worst_of,
    },
    universe::Universe,
};
use surety_testing::{
    sample::{self, Sample},
    strategies::{self, Case},
};

use crate::common::{
    self,
    described::{DescribedCircuit, Design},
    forger::BlindProver,
    known,
    panel::Panel,
    position,
};

/// Cash, and two assets at one price.
const ASSETS: usize = 2;

/// `cash + constant + Σ value·p·q - Σ charge·p·|q| - Σ weight·max(0, excess·q) + min_s loss_s·q`, which is concave.
#[derive(Clone, Debug)]
struct Formula {
    constant: i64,
    values: [i64; ASSETS],
    charges: [i64; ASSETS],
    excesses: Vec<([i64; ASSETS], i64)>,
    losses: Vec<[i64; ASSETS]>,
}

fn formulas() -> impl Strategy<Value = Formula> {
    let pair = || [-1_000..1_000i64, -1_000..1_000i64];
    let excesses = prop::collection::vec((pair(), 0..100i64), 0..3);
    let losses = prop::collection::vec(pair(), 0..4);
    (-1_000_000_000..1_000_000_000i64, pair(), [0..1_000i64, 0..1_000i64], excesses, losses).prop_map(
        |(constant, values, charges, excesses, losses)| Formula { constant, values, charges, excesses, losses },
    )
}

/// Cash, holdings and a price.
fn accounts() -> impl Strategy<Value = (Vec<i128>, u128)> {
    let lots = || prop_oneof![-1_000_000..1_000_000i64, -3..=3i64];
    ([lots(), lots(), lots()], prop_oneof![1..=MOST_EXPENSIVE, 1..10u128])
        .prop_map(|(lots, price)| (lots.into_iter().map(i128::from).collect(), price))
}

const MOST_EXPENSIVE: u128 = 1_000_000;

impl Formula {
    /// In plain arithmetic.
    fn margin(&self, lots: &[i128], price: u128) -> i128 {
        let (cash, held) = (lots[0], &lots[1..]);
        let dot = |factors: &[i64; ASSETS]| -> i128 { factors.iter().zip(held).map(|(c, q)| i128::from(*c) * q).sum() };
        let charge: i128 = self.charges.iter().zip(held).map(|(c, q)| i128::from(*c) * q.abs()).sum();
        let excess: i128 = self.excesses.iter().map(|(x, weight)| i128::from(*weight) * dot(x).max(0)).sum();
        let worst = self.losses.iter().map(dot).min().unwrap_or(0);
        cash + i128::from(self.constant) + price as i128 * (dot(&self.values) - charge) - excess + worst
    }

    /// In the language of the compiler.
    fn expression(&self) -> Expression {
        let number_of = |value: i64| Affine::constant(I256::unchecked_from(value));
        let priced = |value: i64| Affine::price(MarketIndex(0), I256::unchecked_from(value));
        let asset = |index: usize| holding(index + 1);
        let dot = |factors: &[i64; ASSETS]| -> Expression {
            factors.iter().enumerate().map(|(i, factor)| asset(i).times(number_of(*factor))).sum()
        };
        let mut margin = holding(0) + number(number_of(self.constant));
        for (i, (value, charge)) in self.values.iter().zip(self.charges).enumerate() {
            margin = margin + asset(i).times(priced(*value)) - abs(asset(i)).times(priced(charge));
        }
        for (excess, weight) in &self.excesses {
            margin = margin - positive_part(dot(excess)).times(number_of(*weight));
        }
        if !self.losses.is_empty() {
            let scenario = |(s, loss): (usize, _)| Scenario { label: s.to_string(), value: dot(loss) };
            margin = margin + worst_of(self.losses.iter().enumerate().map(scenario).collect());
        }
        margin
    }

    fn program(&self) -> Program {
        let prices = [PriceRange { min: Price::new(1).unwrap(), max: Price::new(MOST_EXPENSIVE).unwrap() }];
        let asset = |name: &str, most: i128| HoldingRange { name: Name::new(name).unwrap(), min: -most, max: most };
        let ranges = vec![asset("cash", 1 << 80), asset("a", 1_000_000), asset("b", 1_000_000)];
        let mut builder = Builder::new(Capacity::new(9).unwrap(), &prices, ranges);
        builder.require("margin", &self.expression()).unwrap();
        builder.finish().unwrap()
    }
}

fn solve(program: &Program, lots: &[i128], prices: &[Price]) -> Result<Assignment, Unsatisfied> {
    program.solve(&position(lots), prices)
}

fn witness(program: &Program, lots: &[i128], prices: &[Price], assignment: &Assignment) -> Witness {
    Witness::new(program, prices, &common::hold(program.capacity(), lots), assignment).unwrap()
}

/// Twin and circuit, which must agree.
fn circuit_accepts(witness: &Witness) -> bool {
    let circuit = LinearProgramCircuit::with_witness(witness.clone());
    let mock = MockProver::run(witness.capacity().k(), &circuit, vec![vec![Fr::from(0)]]).unwrap().verify().is_ok();
    assert_eq!(check(witness).is_ok(), mock);
    mock
}

/// Holdings that just suffice, and one lot of cash less: the first is proven, and the assignment that proves it does
/// not prove the second, which has none of its own.
fn assert_decided_to_one_lot(program: &Program, prices: &[Price], enough: &[i128]) -> [Witness; 2] {
    let mut short = enough.to_vec();
    short[0] -= 1;
    let assignment = solve(program, enough, prices).unwrap();
    let refused = solve(program, &short, prices).unwrap_err();
    assert!(matches!(refused, Unsatisfied::Insufficient { .. }), "{refused}");
    let both = [enough, &short].map(|lots| witness(program, lots, prices, &assignment));
    assert_eq!(both.each_ref().map(circuit_accepts), [true, false]);
    both
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn formulas_are_decided_alike(formula in formulas(), account in accounts()) {
        let (mut lots, price) = account;
        let (program, prices) = (formula.program(), [Price::new(price).unwrap()]);
        let margin = formula.margin(&lots, price);
        match solve(&program, &lots, &prices) {
            Ok(assignment) => {
                prop_assert!(margin >= 0, "{}", margin);
                prop_assert!(circuit_accepts(&witness(&program, &lots, &prices, &assignment)));
            }
            Err(refused) => {
                prop_assert!(margin < 0, "{}", margin);
                let insufficient = matches!(refused, Unsatisfied::Insufficient { .. });
                prop_assert!(insufficient, "{}", refused);
            }
        }
        lots[0] -= margin;
        assert_decided_to_one_lot(&program, &prices, &lots);
    }

    #[test]
    fn policies_are_decided_alike(
        instruments in 2..6usize,
        scenarios in 0..5usize,
        level in 0..3usize,
        held in prop::collection::vec(-1_000_000..1_000_000i64, 6),
        prices in prop::collection::vec(1..100_000_000u128, 6),
    ) {
        let sample = sample::scenario_margin(9, instruments, scenarios);
        let (policy, universe) = (&sample.policy, &sample.universe);
        let program = compile(policy, universe).unwrap().remove(level);
        let prices: Vec<_> = prices[..policy.market.len()].iter().map(|price| Price::new(*price).unwrap()).collect();
        let mut lots: Vec<_> = held[..instruments].iter().map(|lots| i128::from(*lots)).collect();
        let margin = evaluate(policy, universe, &policy.levels[level], &position(&lots), &prices).unwrap().margin;
        prop_assert_eq!(solve(&program, &lots, &prices).is_ok(), !margin.atoms.is_negative());
        // What can be spared, in lots of cash, rounded down.
        let lot = I256::from_raw(U256::from(10).pow(U256::from(margin.decimals - 2)));
        let spare = (margin.atoms - margin.atoms.rem_euclid(lot)) / lot;
        lots[0] -= i128::try_from(spare).unwrap();
        prop_assume!(lots[0].abs() < 1_000_000_000_000);
        assert_decided_to_one_lot(&program, &prices, &lots);
    }
}

/// What the compiler and the circuit allow at most, they allow together.
#[test]
fn the_largest_numbers_are_decided_alike() {
    for k in [9, 11] {
        let capacity = Capacity::new(k).unwrap();
        let bound = I256::from_raw(U256::from(capacity.variable_bound()));
        let program = |requirement: &Expression| {
            let range = HoldingRange { name: Name::new("asset").unwrap(), min: 0, max: 1 };
            let mut builder = Builder::new(capacity, &[], vec![range]);
            builder.require("margin", requirement)?;
            builder.finish()
        };
        let accepted = |program: &Program| {
            let assignment = solve(program, &[1], &[]).unwrap();
            assert!(circuit_accepts(&witness(program, &[1], &[], &assignment)));
            assignment.variables().to_vec()
        };
        // A variable that is as large as it may be, and one more, which takes two.
        let surplus = accepted(&program(&number(Affine::constant(bound - I256::ONE))).unwrap());
        assert!(surplus.contains(&(capacity.variable_bound() - 1)));
        assert_eq!(accepted(&program(&number(Affine::constant(bound))).unwrap()).len(), surplus.len() + 1);

        // The largest coefficient with which no equation can wrap around.
        let claim = |coefficient: I256| program(&holding(0).times(Affine::constant(coefficient)));
        let (mut largest, mut too_large) = (I256::ONE << 100, I256::ONE << 200);
        while too_large - largest > I256::ONE {
            let middle = largest + (too_large - largest) / I256::unchecked_from(2);
            match claim(middle) {
                Ok(_) => largest = middle,
                Err(error) => {
                    assert!(matches!(error, ProgramError::Wraps { .. }), "{error}");
                    too_large = middle;
                }
            }
        }
        assert!(largest > I256::ONE << 140);
        accepted(&claim(largest).unwrap());
    }
}

/// The same with proofs: the library proves what is true and refuses what is not, and a proof that a prover without the
/// broken rules makes of what is not is refused by all.
fn assert_proven_to_one_lot(panel: &Panel, program: &Program, prices: &[Price], enough: &[i128], what: &str) {
    let context = Fr::from(9);
    let [honest, false_one] = assert_decided_to_one_lot(program, prices, enough);

    let expected = known(&panel.params, &honest);
    let proof = panel.key.prove(context, &expected, &honest).unwrap().0;
    assert!(panel.accepts(context, &expected, &proof, "enough"), "{what}");

    let short = known(&panel.params, &false_one);
    assert!(!panel.accepts(context, &short, &proof, "the proof of one lot more"), "{what}");
    let error = panel.key.prove(context, &short, &false_one).unwrap_err();
    assert!(matches!(error, ProveError::Unsatisfied(_)), "{error}: {what}");
    let design = Design::of(program.capacity()).without_broken_rules(&false_one);
    let lenient = BlindProver::new(&panel.params, &DescribedCircuit::new(&design));
    let (own, proof) = lenient.prove(panel.digest(), context, &false_one).unwrap();
    assert!(lenient.accepts(panel.digest(), context, &own, &proof));
    assert!(!panel.accepts(context, &own, &proof, "one lot too little"), "{what}");
}

fn assert_formulas_are_proven_alike(cases: usize, mut runner: TestRunner) {
    let panel = Panel::new(Capacity::new(9).unwrap());
    for _ in 0..cases {
        let (formula, (mut lots, price)) = (formulas(), accounts()).new_tree(&mut runner).unwrap().current();
        let (program, prices) = (formula.program(), [Price::new(price).unwrap()]);
        lots[0] -= formula.margin(&lots, price);
        assert_proven_to_one_lot(&panel, &program, &prices, &lots, &format!("{formula:?}, {lots:?} at {price}"));
    }
}

/// Models of every kind, each at one of its levels.
fn assert_models_are_proven_alike(cases: usize, mut runner: TestRunner) {
    let panel = Panel::new(Capacity::new(Case::USUAL).unwrap());
    let (mut proven, mut kinds) = (0, HashSet::new());
    while proven < cases {
        let strategy = (strategies::models(), strategies::accounts(), 0..4usize);
        let (model, (lots, prices), level) = strategy.new_tree(&mut runner).unwrap().current();
        let case = Case::new(model, prices);
        let mut programs = case.programs();
        if case.sample.universe.capacity.k() != Case::USUAL || programs.is_empty() {
            continue;
        }
        let (program, what) = (programs.swap_remove(level), format!("level {level} of {:?}", case.policy().model));
        let Some(lots) = case.at_the_boundary(level, &lots) else { continue };
        assert_proven_to_one_lot(&panel, &program, &case.prices, &lots, &format!("{what}: {lots:?}"));
        kinds.insert(core::mem::discriminant(&case.policy().model));
        proven += 1;
    }
    assert!(kinds.len() > 5 || cases < 100, "{} kinds of models", kinds.len());
}

/// The policies of `examples/gallery`, each at its boundary, and their shortfalls.
#[test]
fn policies_of_the_gallery_are_proven() {
    let gallery = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/gallery");
    let read = |file: &str| fs::read_to_string(gallery.join(file)).unwrap();
    let universe = Universe::from_toml("universe.toml", &read("universe.toml")).unwrap();
    let panel = Panel::new(universe.capacity);
    let held: [(&str, &[(&str, i128)]); 3] = [
        ("brackets.toml", &[("ETH-PERP", -25_000), ("ETH-PERP-ASKS", 12_345)]),
        ("hidden-modes.toml", &[("wstETH", 1_234_567_890), ("ETH", -12_345)]),
        ("book.toml", &[("ETH-PERP", 777), ("ETH-26MAR27-3000-C", -31), ("ETH-25JUN27-4000-P", -5)]),
    ];
    for (file, held) in held {
        let policy = Policy::read(file, &read(file), &universe).unwrap();
        let prices = policy.market.iter().map(|_| Price::new(200_000_000_000).unwrap()).collect();
        let case = Case { sample: Sample { universe: universe.clone(), policy }, prices };
        let lots = |name: &str| held.iter().find(|(of, _)| *of == name).map_or(0, |(_, lots)| *lots);
        let lots: Vec<i128> = universe.instruments.iter().map(|it| lots(it.name.as_str())).collect();
        let lots = case.at_the_boundary(0, &lots).unwrap();
        let programs = case.programs();
        assert_proven_to_one_lot(&panel, &programs[0], &case.prices, &lots, file);

        let mut short = lots;
        short[0] -= 1;
        let assignment = programs[2].solve(&position(&short), &case.prices).unwrap();
        let witness = witness(&programs[2], &short, &case.prices, &assignment);
        let (context, expected) = (Fr::from(7), known(&panel.params, &witness));
        let proof = panel.key.prove(context, &expected, &witness).unwrap().0;
        assert!(panel.accepts(context, &expected, &proof, "a shortfall"), "{file}");
    }
}

#[test]
fn proofs_are_decided_alike() {
    assert_formulas_are_proven_alike(4, TestRunner::deterministic());
    assert_models_are_proven_alike(2, TestRunner::deterministic());
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_proofs_of_formulas_are_decided_alike() {
    assert_formulas_are_proven_alike(100, TestRunner::default());
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_proofs_of_models_are_decided_alike() {
    assert_models_are_proven_alike(200, TestRunner::default());
}
