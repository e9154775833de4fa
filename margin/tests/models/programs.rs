//! Programs against the plain evaluation: a program has a solution exactly when the margin is not negative.

use std::{collections::BTreeMap, fs, path::PathBuf};

use alloy_primitives::{I256, U256};
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use surety_core::{
    text::Document as _,
    units::{Ppm, Price, ShockPpm},
};
use surety_margin::{
    compile::compile,
    holdings::Position,
    level::ByBasis,
    models::{
        Asset, Bucket, Collateral, Isolated, MarketScenario, Model, RateTier, ScenarioMargin, ScenarioPosition, Tier,
        Tiering,
    },
    policy::Policy,
    program::{Program, TailShare, Unsatisfied},
    universe::Universe,
};
use surety_testing::{
    sample::{self, Sample},
    strategies::{Case, accounts, instrument, models, name, position, price},
};

use crate::shape::assert_reads_what_the_circuit_binds;

/// Each equation of a program holds over the integers, with every variable in range.
fn assert_solves(program: &Program, position: &Position, prices: &[Price], variables: &[u128]) {
    let capacity = program.capacity();
    assert!(variables.iter().all(|value| *value < capacity.variable_bound()));
    let mut memory: BTreeMap<usize, I256> = BTreeMap::from([(capacity.one().index(), I256::ONE)]);
    for (i, value) in variables.iter().enumerate() {
        memory.insert(capacity.variable(i).unwrap().index(), I256::from_raw(U256::from(*value)));
    }
    for (i, lots) in position.lots().iter().enumerate() {
        memory.insert(capacity.instrument(i).unwrap().index(), lots.wide());
    }
    let mut sum = I256::ZERO;
    // The first entry reads nothing.
    for (row, coefficient) in program.table().iter().zip(program.coefficients(prices).unwrap()).skip(1) {
        sum += coefficient * memory[&row.address.index()];
        if row.last {
            assert_eq!(sum, I256::ZERO);
        }
    }
    assert!(program.table().last().unwrap().last);
}

/// Whether the equations have any solution at all, decided by an independent solver in floating point.
fn feasible(program: &Program, position: &Position, prices: &[Price]) -> bool {
    let Equations { mut rows, right } = Equations::new(program, position, prices);
    let row_scales = equilibrate(&mut rows, program.variables());
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let variables: Vec<_> = (0..program.variables()).map(|_| problem.add_var(0.0, (0.0, f64::INFINITY))).collect();
    for ((row, right), scale) in rows.iter().zip(right).zip(row_scales) {
        if row.is_empty() && right != 0.0 {
            return false;
        }
        let mut sum = LinearExpr::empty();
        row.iter().for_each(|(variable, coefficient)| sum.add(variables[*variable], *coefficient));
        problem.add_constraint(sum, ComparisonOp::Eq, right * scale);
    }
    problem.solve().is_ok()
}

/// The equations over the variables alone: `rows · x = right`.
struct Equations {
    rows: Vec<Vec<(usize, f64)>>,
    right: Vec<f64>,
}

impl Equations {
    fn new(program: &Program, position: &Position, prices: &[Price]) -> Self {
        let capacity = program.capacity();
        let variables: BTreeMap<_, _> = (0..program.variables()).map(|i| (capacity.variable(i).unwrap(), i)).collect();
        let lots = position.lots().iter().enumerate();
        let mut known: BTreeMap<_, _> = lots.map(|(i, lots)| (capacity.instrument(i).unwrap(), lots.wide())).collect();
        known.insert(capacity.one(), I256::ONE);
        let (mut rows, mut right) = (Vec::new(), Vec::new());
        let (mut row, mut sum) = (Vec::new(), I256::ZERO);
        for (entry, coefficient) in program.table().iter().zip(program.coefficients(prices).unwrap()) {
            if let Some(variable) = variables.get(&entry.address) {
                row.push((*variable, float(coefficient)));
            } else if let Some(value) = known.get(&entry.address) {
                sum += coefficient * *value;
            }
            if entry.last {
                rows.push(std::mem::take(&mut row));
                right.push(-float(std::mem::take(&mut sum)));
            }
        }
        Self { rows, right }
    }
}

/// Scales rows and columns until the coefficients are of similar size, as floating point needs; returns the factors of
/// the rows. (Scaling a column by a positive factor changes no sign, so not whether there is a solution.)
fn equilibrate(rows: &mut [Vec<(usize, f64)>], variables: usize) -> Vec<f64> {
    let mut scales = vec![1.0; rows.len()];
    let middle = |sizes: &[f64]| {
        let (min, max) =
            sizes.iter().fold((f64::INFINITY, 0.0_f64), |(min, max), size| (min.min(*size), max.max(*size)));
        if max == 0.0 { 1.0 } else { 1.0 / (min * max).sqrt() }
    };
    for _ in 0..20 {
        for (row, scale) in rows.iter_mut().zip(&mut scales) {
            let factor = middle(&row.iter().map(|(_, c)| c.abs()).collect::<Vec<_>>());
            row.iter_mut().for_each(|(_, c)| *c *= factor);
            *scale *= factor;
        }
        let mut columns = vec![Vec::new(); variables];
        rows.iter().flatten().for_each(|(variable, c)| columns[*variable].push(c.abs()));
        let factors: Vec<f64> = columns.iter().map(|sizes| middle(sizes)).collect();
        rows.iter_mut().flatten().for_each(|(variable, c)| *c *= factors[*variable]);
    }
    scales
}

fn float(value: I256) -> f64 {
    let magnitude = f64::from(value.unsigned_abs());
    if value.is_negative() { -magnitude } else { magnitude }
}

/// The same model with the weights and the rates of tiers in the opposite order.
fn turned(mut model: Model) -> Model {
    let weights = |tiers: &mut Vec<Tier>| {
        let turned: Vec<_> = tiers.iter().rev().map(|tier| tier.weight).collect();
        tiers.iter_mut().zip(turned).for_each(|(tier, weight)| tier.weight = weight);
    };
    let rates = |tiers: &mut Vec<RateTier>| {
        let turned: Vec<_> = tiers.iter().rev().map(|tier| tier.rate).collect();
        tiers.iter_mut().zip(turned).for_each(|(tier, rate)| tier.rate = rate);
    };
    match &mut model {
        Model::Collateral(model) => model.assets.iter_mut().for_each(|asset| weights(&mut asset.tiers)),
        Model::Cross(model) => model.positions.iter_mut().for_each(|position| {
            weights(&mut position.tiers);
            rates(&mut position.fraction_tiers);
            rates(&mut position.liability_tiers);
        }),
        Model::Scenario(model) => model.positions.iter_mut().for_each(|position| {
            weights(&mut position.tiers);
            rates(&mut position.charge_tiers);
        }),
        _ => {}
    }
    model
}

/// The same model with tiers that apply to parts of positions.
fn marginal(mut model: Model) -> Model {
    match &mut model {
        Model::Collateral(model) => model.assets.iter_mut().for_each(|it| it.tiering = Tiering::Marginal),
        Model::Cross(model) => model.positions.iter_mut().for_each(|it| it.tiering = Tiering::Marginal),
        Model::Scenario(model) => model.positions.iter_mut().for_each(|it| it.tiering = Tiering::Marginal),
        Model::Isolated(model) => {
            model.buckets.iter_mut().for_each(|bucket| bucket.model = marginal(bucket.model.clone()));
        }
        Model::Modes(model) => model.modes.iter_mut().for_each(|mode| mode.model = marginal(mode.model.clone())),
        Model::Sum(model) => model.parts.iter_mut().for_each(|part| part.model = marginal(part.model.clone())),
        _ => {}
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_program_is_solvable_exactly_when_the_margin_is_not_negative(model in models(), account in accounts()) {
        let (lots, prices) = account;
        let case = Case::new(model, prices);
        for (level, program) in case.programs().iter().enumerate() {
            assert_reads_what_the_circuit_binds(program);
            let position = position(&lots);
            let sufficient = case.evaluate(level, &position).is_sufficient();
            match program.solve(&position, &case.prices) {
                Ok(assignment) => {
                    prop_assert!(sufficient);
                    assert_solves(program, &position, &case.prices, assignment.variables());
                }
                Err(_) => prop_assert!(!sufficient),
            }
        }
    }

    /// What falls as a rule rises, and the other way round.
    #[test]
    fn ladders_and_rates_may_rise_and_fall(model in models(), account in accounts()) {
        let (lots, prices) = account;
        let case = Case::of_class(14, turned(model), prices);
        for (level, program) in case.programs().iter().enumerate() {
            let position = position(&lots);
            let sufficient = case.evaluate(level, &position).is_sufficient();
            prop_assert_eq!(program.solve(&position, &case.prices).is_ok(), sufficient);
            let Some(mut lots) = case.at_the_boundary(level, &lots) else { continue };
            prop_assert!(program.solve(&self::position(&lots), &case.prices).is_ok());
            lots[0] -= 1;
            prop_assert!(program.solve(&self::position(&lots), &case.prices).is_err());
        }
    }

    #[test]
    fn the_boundary_is_exact_to_one_lot_of_cash(model in models(), account in accounts()) {
        let (lots, prices) = account;
        let case = Case::new(model, prices);
        for (level, program) in case.programs().iter().enumerate() {
            let Some(mut lots) = case.at_the_boundary(level, &lots) else { continue };
            prop_assert!(program.solve(&position(&lots), &case.prices).is_ok());
            lots[0] -= 1;
            let one_less = program.solve(&position(&lots), &case.prices);
            prop_assert!(matches!(one_less, Err(Unsatisfied::Insufficient { .. })), "{:?}", one_less);
        }
    }

    /// No choice of slack variables saves an insufficient account: an independent linear-programming solver agrees
    /// that there is none. Accounts closer to the boundary than floating point can tell are left out, or closer than
    /// allowances, and so are programs with bits and tiers that jump: all these are exact for integers only.
    #[test]
    fn rejects_every_choice_of_slack_for_an_insufficient_account(model in models(), account in accounts()) {
        let (lots, prices) = account;
        let case = Case::new(marginal(model), prices);
        for (level, program) in case.programs().iter().enumerate() {
            if !program.bits().is_empty() {
                continue;
            }
            let position = position(&lots);
            let evaluation = case.evaluate(level, &position);
            let margin: f64 = evaluation.margin.to_string().parse().unwrap();
            prop_assume!(margin.abs() > case.gross(&lots) / 1_000.0 + 0.1);
            prop_assert_eq!(feasible(program, &position, &case.prices), evaluation.is_sufficient());
        }
    }
}

/// What other tests decide is not nothing: nearly all models that are drawn have programs.
#[test]
fn models_that_are_drawn_have_programs() {
    const DRAWN: usize = 200;
    let mut runner = TestRunner::deterministic();
    let mut draw = || Case::new(models().new_tree(&mut runner).unwrap().current(), Vec::new());
    let fitting = (0..DRAWN).filter(|_| !draw().programs().is_empty()).count();
    assert!(fitting > DRAWN * 9 / 10, "{fitting} of {DRAWN}");
}

/// Attack: a term that reads address 0, which two rows share that no rule binds: it would be whatever the prover likes.
#[test]
fn rejects_programs_that_read_address_zero() {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let read = |path: &str| fs::read_to_string(examples.join(path)).unwrap();
    let mut count = 0;
    for (directory, policies) in [
        ("", &["policy.toml", "policy-cross.toml", "policy-lending.toml"][..]),
        ("venues/", &["aave.toml", "compound.toml", "drift.toml", "dydx.toml"]),
    ] {
        let universe = Universe::from_toml("universe.toml", &read(&format!("{directory}universe.toml"))).unwrap();
        for file in policies {
            let policy = Policy::read(file, &read(&format!("{directory}{file}")), &universe).unwrap();
            let programs = compile(&policy, &universe).unwrap();
            programs.iter().for_each(assert_reads_what_the_circuit_binds);
            count += programs.len();
        }
    }
    assert!(count > 7, "a program for each level of each example");
    // A program has as many variables as its capacity class has rows for, or it is no program.
    for k in [9, 10] {
        let Sample { universe, policy } = sample::scenario_margin(k, 16, 16);
        match compile(&policy, &universe) {
            Ok(programs) => programs.iter().for_each(assert_reads_what_the_circuit_binds),
            Err(error) => assert!(error.to_string().contains("expected at most"), "{error}"),
        }
    }
}

/// What one bucket has to spare helps no other, though together they would be good.
#[test]
fn rejects_a_bucket_that_another_would_have_to_save() {
    let cash = |i: usize, weight: u32| Asset {
        instrument: instrument(i),
        price: price(i),
        short: true,
        weight: Some(ByBasis { maintenance: Ppm(weight), initial: Ppm(weight) }),
        tiers: Vec::new(),
        debt_spread: None,
        tiering: Default::default(),
        liquidity: None,
        allowance: None,
    };
    let bucket = |text: &str, assets: Vec<Asset>| Bucket {
        name: name(text.to_owned()),
        model: Model::Collateral(Collateral { assets, average_step: Ppm(0) }),
    };
    let rich = bucket("rich", vec![cash(0, 1_000_000), cash(1, 500_000)]);
    let poor = bucket("poor", vec![cash(2, 1_000_000), cash(3, 1_000_000)]);
    let case = Case::new(Model::Isolated(Isolated { buckets: vec![rich, poor] }), vec![100; 4]);
    let program = &case.programs()[0];
    let good = position(&[100_000, -10_000, 20_000, -20_000, 0]);
    assert!(case.evaluate(0, &good).is_sufficient());
    assert!(program.solve(&good, &case.prices).is_ok());
    let one_lot_short = position(&[100_000, -10_000, 20_000, -20_001, 0]);
    let evaluation = case.evaluate(0, &one_lot_short);
    assert_eq!(evaluation.margin.to_string(), "-0.0001");
    let margins: Vec<_> = evaluation.buckets.iter().map(|b| format!("{} {}", b.name, b.margin)).collect();
    assert_eq!(margins, ["rich 999", "poor -0.0001"]);
    let error = program.solve(&one_lot_short, &case.prices).unwrap_err();
    assert_eq!(error.to_string(), "the account is not sufficient: maintenance margin of poor");
}

/// A history of 500 days over 16 assets, and the worst fortieth of it.
#[test]
fn expected_shortfall_over_two_years_fits_k_14() {
    let Sample { universe, mut policy } = sample::scenario_margin(14, 16, 500);
    let Model::Scenario(model) = &mut policy.model else { panic!("the sample is scenario margin") };
    model.tail = Some(TailShare::new(Ppm(25_000)).unwrap());
    assert_eq!(policy.check(&universe), []);
    let program = &compile(&policy, &universe).unwrap()[0];
    assert_eq!((program.table().len(), program.variables()), (12_625, 2_042));
}

/// Cash, and a perpetual that the scenarios move by these shocks.
fn shortfall_case(shocks: &[i32], share: u32, price: u128) -> Case {
    let fixed = |ppm| ByBasis { maintenance: Ppm(ppm), initial: Ppm(ppm) };
    let holding = |text: &str, priced: bool| ScenarioPosition {
        instrument: name(text.to_owned()),
        price: priced.then(|| name("p1".to_owned())),
        short: true,
        weight: fixed(1_000_000),
        tiers: Vec::new(),
        charge: fixed(0),
        charge_tiers: Vec::new(),
        tiering: Default::default(),
        factor: priced.then(|| name("f".to_owned())),
        greeks: None,
    };
    let scenario = |(s, shock): (usize, &i32)| MarketScenario {
        name: name(format!("s{s}")),
        shocks: BTreeMap::from([(name("f".to_owned()), ShockPpm(*shock))]),
    };
    let model = ScenarioMargin {
        loss_multiple: fixed(1_000_000),
        tail: Some(TailShare::new(Ppm(share)).unwrap()),
        positions: vec![holding("USD", false), holding("PERP-1", true)],
        scenarios: shocks.iter().enumerate().map(scenario).collect(),
    };
    Case::new(Model::Scenario(model), vec![price, 1, 1, 1])
}

/// By hand: the losses of one unit are 30, 20, 10 and -50 percent of 1,000; the worst two fifths of four are 1.6 of
/// them.
#[test]
fn expected_shortfall_counts_part_of_a_scenario() {
    let case = shortfall_case(&[-100_000, 500_000, -300_000, -200_000], 400_000, 100_000);
    // One unit is 10^4 lots. (300 + 0.6·200) / 1.6 = 262.5.
    let evaluation = case.evaluate(0, &position(&[0, 10_000, 0, 0, 0]));
    assert_eq!(evaluation.requirement.to_string(), "262.5");
    assert_eq!(evaluation.equity.to_string(), "1000");
    // Short, only the rise loses: (500 - 0.6·100) / 1.6 = 275.
    let evaluation = case.evaluate(0, &position(&[300_000, -10_000, 0, 0, 0]));
    assert_eq!(evaluation.requirement.to_string(), "275");
}

/// One lot at 0.01 is worth 10^-6; a third of 0.1 + 0.1 + 0.2 of it does not end.
#[test]
fn expected_shortfall_rounds_against_the_account() {
    let case = shortfall_case(&[-100_000, -100_000, -200_000], 1_000_000, 1);
    let evaluation = case.evaluate(0, &position(&[0, 1, 0, 0, 0]));
    assert_eq!(evaluation.requirement.to_string(), "0.000000133333333334");
}

#[test]
fn sizes_are_pinned() {
    let sizes = [(10, 16, 16), (11, 40, 20), (12, 64, 32)].map(|(k, instruments, scenarios)| {
        let Sample { universe, policy } = sample::scenario_margin(k, instruments, scenarios);
        let program = &compile(&policy, &universe).unwrap()[0];
        (k, instruments, scenarios, program.table().len(), program.variables(), program.equations())
    });
    assert_eq!(sizes, [(10, 16, 16, 421, 68, 34), (11, 40, 20, 1125, 124, 62), (12, 64, 32, 2565, 196, 98)]);
}
