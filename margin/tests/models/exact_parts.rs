//! Sign bits: requirements that are not concave, decided exactly because variables are integers.

use alloy_primitives::I256;
use surety_core::{
    capacity::{Capacity, Row},
    ident::Name,
    units::{Lots, Price},
};
use surety_margin::{
    holdings::Position,
    market::{MarketIndex, PriceRange},
    program::{
        Affine, Builder, Expression, HoldingRange, Program, abs, exact_positive_part, held, holding, number, once,
    },
};

const LARGEST: i128 = 3;

fn constant(value: i128) -> Affine {
    Affine::constant(I256::unchecked_from(value))
}

fn compile(prices: &[PriceRange], instruments: usize, requirement: &Expression) -> Program {
    let range = |i: usize| HoldingRange { name: Name::new(format!("asset-{i}")).unwrap(), min: -LARGEST, max: LARGEST };
    let mut builder = Builder::new(Capacity::new(9).unwrap(), prices, (0..instruments).map(range).collect());
    builder.require("margin", requirement).unwrap();
    builder.finish().unwrap()
}

fn position(lots: &[i128]) -> Position {
    Position::from_lots(lots.iter().map(|lots| Lots::new(*lots).unwrap()).collect())
}

/// Whether any values of the variables up to `limit` satisfy every equation: what a prover could try.
fn any_values_satisfy(program: &Program, lots: &[i128], limit: i128) -> bool {
    let capacity = program.capacity();
    let value_at = |row: Row, variables: &[i128]| {
        if row == capacity.one() {
            return 1;
        }
        let is = |found: Option<Row>| found == Some(row);
        let instrument = (0..lots.len()).find(|i| is(capacity.instrument(*i))).map(|i| lots[i]);
        instrument
            .or_else(|| (0..variables.len()).find(|i| is(capacity.variable(*i))).map(|i| variables[i]))
            .unwrap_or(0)
    };
    let satisfied = |variables: &[i128]| {
        let mut sum = 0;
        program.table().iter().all(|row| {
            let coefficient: i128 = row.coefficient.as_constant().unwrap().try_into().unwrap();
            sum += coefficient * value_at(row.address, variables);
            !row.last || std::mem::take(&mut sum) == 0
        })
    };
    let mut variables = vec![0; program.variables()];
    loop {
        if satisfied(&variables) {
            return true;
        }
        let Some(next) = variables.iter().position(|value| *value < limit) else {
            return false;
        };
        variables[..next].fill(0);
        variables[next] += 1;
    }
}

#[test]
fn a_positive_part_may_count_in_favour() {
    let program = compile(&[], 1, &(exact_positive_part(holding(0)) - number(constant(2))));
    for lots in -LARGEST..=LARGEST {
        assert_eq!(program.solve(&position(&[lots]), &[]).is_ok(), lots >= 2, "{lots}");
    }
}

#[test]
fn rejects_every_choice_of_parts_and_bits_for_an_insufficient_account() {
    let program = compile(&[], 1, &(exact_positive_part(holding(0)) - number(constant(2))));
    for lots in -2..=2 {
        assert_eq!(any_values_satisfy(&program, &[lots], 4), lots >= 2, "{lots}");
    }
}

/// `x - 2·[x ≠ 0] + 1 ≥ 0`: one lot is worth less than the charge for having any, and none is charged nothing.
fn fixed_charge() -> Expression {
    holding(0) - held(0).times(constant(2)) + number(constant(1))
}

#[test]
fn a_fixed_charge_is_for_any_holding() {
    let program = compile(&[], 1, &fixed_charge());
    for lots in -LARGEST..=LARGEST {
        assert_eq!(program.solve(&position(&[lots]), &[]).is_ok(), lots >= 0, "{lots}");
    }
    let program = compile(&[], 1, &(held(0).times(constant(-1))));
    for lots in -LARGEST..=LARGEST {
        assert_eq!(program.solve(&position(&[lots]), &[]).is_ok(), lots == 0, "{lots}");
    }
}

/// Attack: a part of one, which is enough of a limit for a small holding; variables are integers.
#[test]
fn rejects_every_choice_of_variables_that_evades_a_fixed_charge() {
    let program = compile(&[], 1, &fixed_charge());
    for lots in -2..=2 {
        assert_eq!(any_values_satisfy(&program, &[lots], 6), lots >= 0, "{lots}");
    }
}

#[test]
fn rejects_a_fixed_amount_in_favour() {
    let mut builder = Builder::new(
        Capacity::new(9).unwrap(),
        &[],
        vec![HoldingRange { name: Name::new("asset").unwrap(), min: -LARGEST, max: LARGEST }],
    );
    let error = builder.require("margin", &held(0)).unwrap_err().to_string();
    assert!(error.starts_with("margin: not concave: a fixed amount counts in favour"), "{error}");
}

/// `|min(4x, 7x) - 5y| <= 10`: the two sides are not concave together.
#[test]
fn a_bent_difference_is_exact() {
    let x = || once(holding(0).times(constant(1)));
    let bent = x().times(constant(7)) - exact_positive_part(x()).times(constant(3));
    let requirement = number(constant(10)) - abs(bent - holding(1).times(constant(5)));
    let program = compile(&[], 2, &requirement);
    for (x, y) in (-LARGEST..=LARGEST).flat_map(|x| (-LARGEST..=LARGEST).map(move |y| (x, y))) {
        let expected = ((4 * x).min(7 * x) - 5 * y).abs() <= 10;
        assert_eq!(program.solve(&position(&[x, y]), &[]).is_ok(), expected, "{x} {y}");
    }
}

#[test]
fn what_is_summed_once_may_be_multiplied_by_a_market_entry() {
    let range = |min, max| PriceRange { min: Price::new(min).unwrap(), max: Price::new(max).unwrap() };
    let entry = |i| Affine::price(MarketIndex(i), I256::ONE);
    let value = once(holding(0).times(entry(0)));
    let program = compile(&[range(1, 9), range(1, 9)], 1, &(value.times(entry(1)) + number(constant(20))));
    let prices = [4, 3].map(|price| Price::new(price).unwrap());
    assert!(program.solve(&position(&[-1]), &prices).is_ok());
    assert!(program.solve(&position(&[-2]), &prices).is_err());
}
