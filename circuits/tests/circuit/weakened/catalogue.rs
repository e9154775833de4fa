//! Every change of one place in the circuit.

use std::collections::BTreeSet;

use ff::Field as _;
use halo2curves::bn256::Fr;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use surety_circuits::rules;
use surety_core::capacity::Capacity;
use surety_kzg::scalar;
use surety_verifier::proof::{
    expression::Expression,
    protocol::{Protocol, Query},
};

use super::claims::first_slot_of_a_group;
use crate::common::described::Design;

/// The circuit with one thing changed.
pub(crate) struct Change {
    /// The rule that was changed, or the column.
    pub(crate) place: String,
    /// What it says now.
    pub(crate) now: String,
    /// The row, where it is about one.
    pub(crate) row: Option<usize>,
    pub(crate) design: Design,
}

impl Change {
    pub(crate) fn name(&self) -> String {
        format!("{}: {}", self.place, self.now)
    }
}

/// All changes.
pub(crate) fn changes(capacity: Capacity) -> Vec<Change> {
    let plain = Design::of(capacity);
    let mut changes = Vec::new();
    constraints(&plain, &mut changes);
    lookups(&plain, &mut changes);
    columns(&plain, &mut changes);
    columns_of_one_rule(&plain, &mut changes);
    changes
}

/// Each constraint gone, and each with one part of it changed: but for the one that no witness can break, which
/// `zero_knowledge.rs` takes apart.
fn constraints(plain: &Design, changes: &mut Vec<Change>) {
    let constraints = plain.protocol.constraints.iter().enumerate();
    for (index, constraint) in constraints.filter(|(_, constraint)| constraint.name != rules::QUOTIENT) {
        let mut change = |now: String, design: Design| {
            changes.push(Change { place: short(&constraint.name).to_owned(), now, row: None, design });
        };
        let mut design = plain.clone();
        design.protocol.constraints.remove(index);
        change("deleted".to_owned(), design);
        for expression in variants(&plain.protocol, &constraint.expression) {
            let mut design = plain.clone();
            design.protocol.constraints[index].expression = expression.clone();
            change(format!("{} = 0", show(&plain.protocol, &expression)), design);
        }
    }
}

/// Each lookup gone, each without one of its pairs, and each with one part of it changed.
fn lookups(plain: &Design, changes: &mut Vec<Change>) {
    for (index, lookup) in plain.protocol.lookups.iter().enumerate() {
        let mut change = |now: String, design: Design| {
            changes.push(Change { place: short(&lookup.name).to_owned(), now, row: None, design });
        };
        let mut design = plain.clone();
        design.protocol.lookups.remove(index);
        change("deleted".to_owned(), design);
        let text = |expression: &Expression| show(&plain.protocol, expression);
        for (pair, (input, table)) in lookup.input.iter().zip(&lookup.table).enumerate() {
            if lookup.input.len() > 1 {
                let mut design = plain.clone();
                design.protocol.lookups[index].input.remove(pair);
                design.protocol.lookups[index].table.remove(pair);
                change(format!("without {} ∈ {}", text(input), text(table)), design);
            }
            for expression in variants(&plain.protocol, input) {
                let mut design = plain.clone();
                design.protocol.lookups[index].input[pair] = expression.clone();
                change(format!("{} ∈ {}", text(&expression), text(table)), design);
            }
            for expression in variants(&plain.protocol, table) {
                let mut design = plain.clone();
                design.protocol.lookups[index].table[pair] = expression.clone();
                change(format!("{} ∈ {}", text(input), text(&expression)), design);
            }
        }
    }
}

/// The fixed columns, one cell at a time: the edges, the one, a limb group's first and last rows, and rows of programs.
fn columns(plain: &Design, changes: &mut Vec<Change>) {
    let capacity = plain.protocol.capacity;
    let base = Fr::from(capacity.base());
    let (last, slot) = (capacity.usable() - 1, first_slot_of_a_group(capacity));
    let head = capacity.variable(0).unwrap().index();
    let last_limb = head + capacity.limbs() - 1;
    let last_head = capacity.variable(capacity.variables() - 1).unwrap().index();
    let number = |row: usize| Fr::from(row as u64);
    let mut change = |column: usize, row: usize, value: Fr| {
        let mut design = plain.clone();
        if design.fixed[column][row] != value {
            design.fixed[column][row] = value;
            let now = format!("{} in row {row}", show_number(capacity, value));
            changes.push(Change { place: plain.protocol.fixed[column].clone(), now, row: Some(row), design });
        }
    };
    for row in [1, 2, 3, 4, last_limb, 40, slot, last - 2, last - 1] {
        // An address that is missing, where the gates are off besides.
        change(ROW, row, Fr::ZERO);
    }
    for row in [0, 2, head, slot + 1, last_head + capacity.limbs(), last - 1, last] {
        // An address that occurs twice.
        change(ROW, row, number(slot));
        change(ROW, row, Fr::ONE);
        // One that does not exist, and a limb that none may be.
        change(ROW, row, base);
        change(ROW, row, -Fr::ONE);
    }
    let rows = [0, 1, 2, head, head + 1, last_limb - 1, last_limb, slot - 1, slot, slot + capacity.limbs() - 2];
    for row in rows.into_iter().chain([last_head + capacity.limbs() - 1, last_head + capacity.limbs(), last - 1, last])
    {
        for value in [Fr::ZERO, Fr::ONE, Fr::from(2), base - Fr::ONE, base, base + Fr::ONE, -base] {
            change(BASE, row, value);
        }
    }
}

/// The fixed columns as one rule alone sees them.
fn columns_of_one_rule(plain: &Design, changes: &mut Vec<Change>) {
    let capacity = plain.protocol.capacity;
    let base = Fr::from(capacity.base());
    let (last, slot) = (capacity.usable() - 1, first_slot_of_a_group(capacity));
    let head = capacity.variable(0).unwrap().index();
    let last_limb = head + capacity.limbs() - 1;
    let number = |row: usize| Fr::from(row as u64);
    let mut change = |rule: &str, column: usize, row: usize, value: Fr| {
        let design = with_column_of_its_own(plain, rule, column, row, value);
        let now = format!("{} = {} in row {row}", plain.protocol.fixed[column], show_number(capacity, value));
        changes.push(Change { place: short(rule).to_owned(), now, row: Some(row), design });
    };
    // Gates that are off where they should not be.
    for rule in [rules::RUNNING_SUM, rules::EQUATION] {
        for row in [1, 2, head, 40, last - 2, last - 1] {
            change(rule, ROW, row, Fr::ZERO);
        }
    }
    for row in [1, slot - 1, last - 2, last - 1] {
        change(rules::BLIND, ROW, row, Fr::ZERO);
    }
    for row in [1, head, last_limb + 1] {
        change(rules::SOURCES, ROW, row, Fr::ZERO);
        change(rules::SOURCES, BASE, row - 1, base);
    }
    change(rules::ONE, BASE, 1, Fr::ZERO);
    change(rules::ONE, BASE, 1, base);
    // Addresses that occur twice.
    for row in [0, 2, head, slot + 1, last - 1, last] {
        change(rules::MEMORY, ROW, row, number(slot));
        change(rules::MEMORY, ROW, row, Fr::ONE);
    }
    // A holding that reads as a variable, and a variable that reads as a holding.
    for row in [slot - 1, slot + capacity.limbs() - 3] {
        change(rules::MEMORY, BASE, row, Fr::ZERO);
        change(rules::MEMORY, BASE, row, -base);
    }
    change(rules::MEMORY, BASE, 0, base);
    // Limbs that none may be.
    for row in [0, head, last] {
        change(rules::RANGE, ROW, row, base);
        change(rules::RANGE, ROW, row, -Fr::ONE);
    }
    change(rules::RANGE, BASE, last_limb, base);
    change(rules::RANGE, BASE, head, base + Fr::ONE);
    change(rules::RANGE, BASE, head, -base);
}

const ROW: usize = 0;
const BASE: usize = 1;

/// One rule with its own copy of a fixed column, in which one row is different.
fn with_column_of_its_own(plain: &Design, rule: &str, column: usize, row: usize, value: Fr) -> Design {
    let mut design = plain.clone();
    let mut values = plain.fixed[column].clone();
    assert_ne!(values[row], value);
    values[row] = value;
    let own = design.fixed.len();
    design.fixed.push(values);
    design.protocol.fixed.push(format!("own {}", plain.protocol.fixed[column]));
    let mut replaced = Vec::new();
    for (index, query) in plain.protocol.fixed_queries.iter().enumerate() {
        if query.column == column {
            replaced.push((index, design.protocol.fixed_queries.len()));
            design.protocol.fixed_queries.push(Query { column: own, ..*query });
        }
    }
    let replace = |expression: &mut Expression| *expression = replace_queries(expression, &replaced);
    let protocol = &mut design.protocol;
    protocol.constraints.iter_mut().filter(|c| c.name == rule).for_each(|c| replace(&mut c.expression));
    for lookup in protocol.lookups.iter_mut().filter(|lookup| lookup.name == rule) {
        lookup.input.iter_mut().chain(&mut lookup.table).for_each(replace);
    }
    design
}

/// The expression with queries of fixed columns replaced by others.
fn replace_queries(expression: &Expression, replaced: &[(usize, usize)]) -> Expression {
    let boxed = |inner: &Expression| Box::new(replace_queries(inner, replaced));
    match expression {
        Expression::Constant(_) | Expression::Advice(_) => expression.clone(),
        Expression::Fixed(query) => {
            let other = replaced.iter().find(|(index, _)| index == query).map(|(_, other)| *other);
            Expression::Fixed(other.unwrap_or(*query))
        }
        Expression::Negated(inner) => Expression::Negated(boxed(inner)),
        Expression::Sum(left, right) => Expression::Sum(boxed(left), boxed(right)),
        Expression::Product(left, right) => Expression::Product(boxed(left), boxed(right)),
        Expression::Scaled(inner, factor) => Expression::Scaled(boxed(inner), *factor),
    }
}

/// The expression with one part of it changed, each as a polynomial once; neither the same nor zero.
fn variants(protocol: &Protocol, expression: &Expression) -> Vec<Expression> {
    let mut seen = BTreeSet::from([Fr::ZERO, fingerprint(expression)]);
    changed(protocol, expression).into_iter().filter(|variant| seen.insert(fingerprint(variant))).collect()
}

/// The value at a random point, which tells polynomials apart.
fn fingerprint(expression: &Expression) -> Fr {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let values: Vec<Fr> = (0..64).map(|_| Fr::random(&mut rng)).collect();
    expression.evaluate(&|number| number, &|query| values[query], &|query| values[32 + query])
}

fn changed(protocol: &Protocol, expression: &Expression) -> Vec<Expression> {
    let constant = Expression::Constant;
    let mut changes = vec![constant(Fr::ZERO), constant(Fr::ONE)];
    let below = |inner: &Expression, wrap: &dyn Fn(Box<Expression>) -> Expression| -> Vec<Expression> {
        changed(protocol, inner).into_iter().map(|inner| wrap(Box::new(inner))).collect()
    };
    match expression {
        Expression::Constant(number) => changes.extend([number + Fr::ONE, number - Fr::ONE, -number].map(constant)),
        Expression::Fixed(query) => {
            changes.extend(other_rotations(&protocol.fixed_queries, *query).map(Expression::Fixed));
        }
        Expression::Advice(query) => {
            changes.extend(other_rotations(&protocol.advice_queries, *query).map(Expression::Advice));
        }
        Expression::Negated(inner) => {
            changes.push((**inner).clone());
            changes.extend(below(inner, &Expression::Negated));
        }
        Expression::Sum(left, right) => {
            changes.extend(below(left, &|left| Expression::Sum(left, right.clone())));
            changes.extend(below(right, &|right| Expression::Sum(left.clone(), right)));
        }
        Expression::Product(left, right) => {
            changes.extend(below(left, &|left| Expression::Product(left, right.clone())));
            changes.extend(below(right, &|right| Expression::Product(left.clone(), right)));
        }
        Expression::Scaled(inner, factor) => {
            // The factor is the inverse of a small number.
            let inverse = factor.invert().unwrap();
            let others = [inverse + Fr::ONE, inverse - Fr::ONE, -inverse, Fr::ONE].map(|other| other.invert().unwrap());
            changes.extend(others.map(|other| Expression::Scaled(inner.clone(), other)));
            changes.extend(below(inner, &|inner| Expression::Scaled(inner, *factor)));
        }
    }
    changes
}

/// The other places where the column is looked at.
fn other_rotations(queries: &[Query], query: usize) -> impl Iterator<Item = usize> {
    let column = queries[query].column;
    (0..queries.len()).filter(move |other| *other != query && queries[*other].column == column)
}

/// What the specification calls a rule.
fn short(rule: &str) -> &str {
    match rule {
        rules::RUNNING_SUM => "running sum",
        rules::EQUATION => "equation",
        rules::BLIND => "blind",
        rules::SOURCES => "sources",
        rules::ONE => "one",
        rules::MEMORY => "memory",
        rules::RANGE => "range",
        _ => rule,
    }
}

/// An expression as the specification writes it.
fn show(protocol: &Protocol, expression: &Expression) -> String {
    let inner = |inner: &Expression| show(protocol, inner);
    let factor = |inner: &Expression| match inner {
        Expression::Sum(..) | Expression::Negated(_) => format!("({})", show(protocol, inner)),
        _ => show(protocol, inner),
    };
    let cell = |name: &str, query: &Query| match query.rotation.0 {
        0 => name.to_owned(),
        rows => format!("{name}[{rows:+}]"),
    };
    match expression {
        Expression::Constant(number) => show_number(protocol.capacity, *number),
        Expression::Fixed(query) => {
            let query = &protocol.fixed_queries[*query];
            cell(&protocol.fixed[query.column], query)
        }
        Expression::Advice(query) => {
            let query = &protocol.advice_queries[*query];
            cell(&protocol.advice[query.column].name, query)
        }
        Expression::Negated(negated) => format!("-{}", factor(negated)),
        Expression::Sum(left, right) => match &**right {
            Expression::Negated(right) => format!("{} - {}", inner(left), factor(right)),
            right => format!("{} + {}", inner(left), inner(right)),
        },
        Expression::Product(left, right) => format!("{}·{}", factor(left), factor(right)),
        Expression::Scaled(scaled, by) => {
            format!("{}/{}", factor(scaled), show_number(protocol.capacity, by.invert().unwrap()))
        }
    }
}

/// A small number, or one near the range base.
fn show_number(capacity: Capacity, number: Fr) -> String {
    let small = |number: Fr| {
        let bytes = scalar::to_bytes(&number);
        bytes[..28].iter().all(|byte| *byte == 0).then(|| u32::from_be_bytes(bytes[28..].try_into().unwrap()))
    };
    let base = capacity.base() as u32;
    let named = |number: u32| match number.wrapping_sub(base).cast_signed() {
        0 => "b".to_owned(),
        1 => "(b+1)".to_owned(),
        -1 => "(b-1)".to_owned(),
        _ => number.to_string(),
    };
    let positive = small(number).map(named);
    positive.or_else(|| small(-number).map(|number| format!("-{}", named(number)))).unwrap_or_else(|| "?".to_owned())
}
