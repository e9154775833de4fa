//! Programs against the plain evaluation: a program has a solution exactly when the margin is not negative.

use std::collections::BTreeMap;

use alloy_primitives::{I256, U256};
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem};
use proptest::prelude::*;
use surety_margin::{
    compile::compile,
    evaluate::{Evaluation, evaluate},
    holdings::Position,
    ident::Name,
    models::{Asset, Collateral, Cross, CrossPosition, Frame, MarketScenario, Model, ScenarioMargin, ScenarioPosition},
    policy::{ByBasis, Policy},
    program::{Program, Unsatisfied},
    sample::{self, Sample},
    units::{Lots, Ppm, Price, ShockPpm},
};

const INSTRUMENTS: usize = 5;

fn name(text: String) -> Name {
    Name::new(text).unwrap()
}

fn by_basis(rising: bool) -> impl Strategy<Value = ByBasis> {
    (0..=1_000_000u32, 0..=1_000_000u32).prop_map(move |(a, b)| {
        let (low, high) = (Ppm(a.min(b)), Ppm(a.max(b)));
        if rising {
            ByBasis {
                maintenance: low,
                initial: high,
            }
        } else {
            ByBasis {
                maintenance: high,
                initial: low,
            }
        }
    })
}

/// What a model says of one instrument: short, weight, fraction.
fn rules() -> impl Strategy<Value = Vec<(bool, ByBasis, ByBasis)>> {
    prop::collection::vec(
        (prop::bool::weighted(0.9), by_basis(false), by_basis(true)),
        INSTRUMENTS,
    )
}

fn shocks() -> impl Strategy<Value = Vec<Vec<i32>>> {
    prop::collection::vec(prop::collection::vec(-900_000..900_000i32, INSTRUMENTS), 0..6)
}

fn models() -> impl Strategy<Value = Model> {
    let instrument = |i: usize| name(if i == 0 { "USD".to_owned() } else { format!("PERP-{i}") });
    let price = |i: usize| (i > 0).then(|| name(format!("p{i}")));
    let collateral = rules().prop_map(move |rules| {
        let asset = |(i, (short, weight, _))| Asset {
            instrument: instrument(i),
            price: price(i),
            short,
            weight,
        };
        Model::Collateral(Collateral {
            assets: rules.into_iter().enumerate().map(asset).collect(),
        })
    });
    let cross = rules().prop_map(move |rules| {
        let position = |(i, (short, weight, fraction))| CrossPosition {
            instrument: instrument(i),
            price: price(i),
            short,
            weight,
            fraction,
        };
        Model::Cross(Cross {
            positions: rules.into_iter().enumerate().map(position).collect(),
        })
    });
    let scenario = (rules(), shocks(), by_basis(true)).prop_map(move |(rules, shocks, loss_multiple)| {
        let position = |(i, (short, weight, charge))| ScenarioPosition {
            instrument: instrument(i),
            price: price(i),
            short,
            weight,
            charge,
            factor: Some(name(format!("f{i}"))),
        };
        let scenario = |(s, moves): (usize, Vec<i32>)| {
            let moves = moves
                .into_iter()
                .enumerate()
                .map(|(i, shock)| (name(format!("f{i}")), ShockPpm(shock)));
            MarketScenario {
                name: name(format!("s{s}")),
                shocks: moves.collect::<BTreeMap<_, _>>(),
            }
        };
        Model::Scenario(ScenarioMargin {
            loss_multiple,
            positions: rules.into_iter().enumerate().map(position).collect(),
            scenarios: shocks.into_iter().enumerate().map(scenario).collect(),
        })
    });
    prop_oneof![collateral, cross, scenario]
}

fn accounts() -> impl Strategy<Value = (Vec<i128>, Vec<u128>)> {
    let cash = prop_oneof![-1_000_000_000..1_000_000_000i128, 0..1_000_000_000_000i128];
    let positions = prop::collection::vec(-1_000_000..1_000_000i128, INSTRUMENTS - 1);
    let lots = (cash, positions).prop_map(|(cash, positions)| [vec![cash], positions].concat());
    let prices = prop::collection::vec(1..=100_000_000u128, INSTRUMENTS - 1);
    (lots, prices)
}

struct Case {
    sample: Sample,
    prices: Vec<Price>,
}

impl Case {
    fn new(model: Model, prices: Vec<u128>) -> Self {
        let universe = sample::universe(10, INSTRUMENTS);
        let policy = sample::policy(&universe, INSTRUMENTS, model);
        let prices = prices.into_iter().map(|price| Price::new(price).unwrap()).collect();
        Self {
            sample: Sample { universe, policy },
            prices,
        }
    }

    fn policy(&self) -> &Policy {
        &self.sample.policy
    }

    fn programs(&self) -> Vec<Program> {
        compile(self.policy(), &self.sample.universe).unwrap()
    }

    fn evaluate(&self, level: usize, position: &Position) -> Evaluation {
        let frame = Frame::new(self.policy(), &self.sample.universe).unwrap();
        evaluate(
            self.policy(),
            &frame,
            &self.policy().levels[level],
            position,
            &self.prices,
        )
        .unwrap()
    }
}

fn position(lots: &[i128]) -> Position {
    Position::from_lots(lots.iter().map(|lots| Lots::new(*lots).unwrap()).collect())
}

/// Each equation of a program holds over the integers, with every variable in range.
fn assert_solves(program: &Program, position: &Position, prices: &[Price], variables: &[u128]) {
    let capacity = program.capacity();
    assert!(variables.iter().all(|value| *value < capacity.variable_bound()));
    let mut memory: BTreeMap<usize, I256> = BTreeMap::from([(0, I256::ZERO), (capacity.one().index(), I256::ONE)]);
    for (i, value) in variables.iter().enumerate() {
        memory.insert(
            capacity.variable(i).unwrap().index(),
            I256::from_raw(U256::from(*value)),
        );
    }
    for (i, lots) in position.lots().iter().enumerate() {
        memory.insert(capacity.instrument(i).unwrap().index(), lots.wide());
    }
    let mut sum = I256::ZERO;
    for (row, coefficient) in program.table().iter().zip(program.coefficients(prices).unwrap()) {
        sum += coefficient * memory[&row.address.index()];
        if row.last {
            assert_eq!(sum, I256::ZERO);
        }
    }
    assert!(program.table().last().unwrap().last);
}

/// Whether the equations have any solution at all, decided by an independent solver in floating point.
fn feasible(program: &Program, position: &Position, prices: &[Price]) -> bool {
    let capacity = program.capacity();
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let variables: BTreeMap<usize, _> = (0..program.variables())
        .map(|i| {
            (
                capacity.variable(i).unwrap().index(),
                problem.add_var(0.0, (0.0, f64::INFINITY)),
            )
        })
        .collect();
    let holdings: BTreeMap<usize, I256> = position
        .lots()
        .iter()
        .enumerate()
        .map(|(i, lots)| (capacity.instrument(i).unwrap().index(), lots.wide()))
        .collect();
    let (mut known, mut unknown, mut largest) = (I256::ZERO, Vec::new(), I256::ONE);
    for (row, coefficient) in program.table().iter().zip(program.coefficients(prices).unwrap()) {
        let address = row.address.index();
        if let Some(variable) = variables.get(&address) {
            unknown.push((*variable, coefficient));
            largest = largest.max(coefficient.abs());
        } else if address == capacity.one().index() {
            known += coefficient;
        } else if let Some(lots) = holdings.get(&address) {
            known += coefficient * *lots;
        }
        if row.last {
            let scale = f64::from(largest.into_raw());
            let float = |value: I256| {
                let magnitude = f64::from(value.unsigned_abs());
                if value.is_negative() {
                    -magnitude / scale
                } else {
                    magnitude / scale
                }
            };
            if unknown.is_empty() {
                if !known.is_zero() {
                    return false;
                }
            } else {
                let mut sum = LinearExpr::empty();
                unknown
                    .iter()
                    .for_each(|(variable, coefficient)| sum.add(*variable, float(*coefficient)));
                problem.add_constraint(sum, ComparisonOp::Eq, -float(known));
            }
            (known, largest) = (I256::ZERO, I256::ONE);
            unknown.clear();
        }
    }
    problem.solve().is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_program_is_solvable_exactly_when_the_margin_is_not_negative(model in models(), account in accounts()) {
        let (lots, prices) = account;
        let case = Case::new(model, prices);
        for (level, program) in case.programs().iter().enumerate() {
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

    #[test]
    fn the_boundary_is_exact_to_one_lot_of_cash(model in models(), account in accounts()) {
        let (mut lots, prices) = account;
        // Make everything admissible but the margin, then find the least cash that suffices.
        let case = Case::new(model, prices);
        let frame = Frame::new(case.policy(), &case.sample.universe).unwrap();
        for (lots, range) in lots.iter_mut().zip(frame.holding_ranges()) {
            *lots = (*lots).clamp(range.min, range.max);
        }
        for (level, program) in case.programs().iter().enumerate() {
            let sufficient = |cash: i128| {
                let mut lots = lots.clone();
                lots[0] = cash;
                case.evaluate(level, &position(&lots)).is_sufficient()
            };
            let (mut low, mut high) = (frame.holding_ranges()[0].min, frame.holding_ranges()[0].max);
            if sufficient(low) || !sufficient(high) {
                continue;
            }
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if sufficient(middle) { high = middle } else { low = middle }
            }
            let solve = |cash: i128| {
                let mut lots = lots.clone();
                lots[0] = cash;
                program.solve(&position(&lots), &case.prices)
            };
            prop_assert!(solve(high).is_ok());
            let one_less = solve(low);
            prop_assert!(matches!(one_less, Err(Unsatisfied::Insufficient { .. })), "{:?}", one_less);
        }
    }

    /// No choice of slack variables saves an insufficient account: an independent linear-programming solver agrees
    /// that there is none. Accounts closer to the boundary than floating point can tell are left out.
    #[test]
    fn rejects_every_choice_of_slack_for_an_insufficient_account(model in models(), account in accounts()) {
        let (lots, prices) = account;
        let case = Case::new(model, prices);
        for (level, program) in case.programs().iter().enumerate() {
            let position = position(&lots);
            let evaluation = case.evaluate(level, &position);
            let (margin, equity) = (evaluation.margin.atoms.abs(), evaluation.equity.atoms.abs());
            prop_assume!(margin > (equity + evaluation.requirement.atoms) / I256::unchecked_from(1_000));
            prop_assert_eq!(feasible(program, &position, &case.prices), evaluation.is_sufficient());
        }
    }
}

#[test]
fn sizes_are_pinned() {
    let sizes = [(10, 16, 16), (11, 40, 20), (12, 64, 32)].map(|(k, instruments, scenarios)| {
        let Sample { universe, policy } = sample::scenario_margin(k, instruments, scenarios);
        let program = &compile(&policy, &universe).unwrap()[0];
        (
            k,
            instruments,
            scenarios,
            program.table().len(),
            program.variables(),
            program.equations(),
        )
    });
    assert_eq!(
        sizes,
        [
            (10, 16, 16, 421, 68, 34),
            (11, 40, 20, 1125, 124, 62),
            (12, 64, 32, 2565, 196, 98)
        ]
    );
}
