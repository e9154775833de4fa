//! Verifying contracts, written for a key.
//!
//! [`contract`] turns a [`VerifyingKey`] into the Solidity source of a contract that accepts exactly the proofs that
//! [`VerifyingKey::verify`] accepts. Both follow the one [`Protocol`]; what the prover says, what it is asked, which
//! equations hold and what is opened where are read off it, and nothing of that is in the template.
//!
//! | module | idea |
//! |---|---|
//! | `layout` | where things are in memory, and the rounds of the protocol |
//! | `yul` | arithmetic modulo r as text |
//! | `openings` | the multi-opening: scalars, and the sum of the commitments |
//!
//! `templates/verifier.sol` is the frame.

mod layout;
mod openings;
mod yul;

use askama::Template;
use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use surety_kzg::{Origin, point};
use surety_margin::ident::{Bytes32, HexBytes};

use crate::{
    expression::Expression,
    key::VerifyingKey,
    protocol::{Constraint, Lookup, Opening, Polynomial, Protocol, Rotation},
    solidity::{
        layout::{Layout, POINT, WORD, evaluation, sum},
        openings::{SUMS, Set, Step},
        yul::{Yul, literal},
    },
};

/// How far the template sets in the terms of an equation.
const TERM: usize = 16;

/// The version of proofs and of their transcript, which contracts state.
const VERSION: u32 = 1;

/// Why there is no contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// Polynomials are opened in a pattern that contracts are not written for.
    #[error(
        "expected polynomials opened at x alone or at x and one neighbour, the first of each set a commitment of the proof"
    )]
    Openings,
    /// The template failed.
    #[error("the template of verifying contracts cannot be filled in; the program was built wrongly")]
    Template,
}

/// The name of the contract for a key: `SuretyVerifierK` and its capacity class.
#[must_use]
pub fn contract_name(key: &VerifyingKey) -> String {
    format!("SuretyVerifierK{}", key.protocol().capacity.k())
}

/// The source of the contract for a key.
///
/// # Errors
/// If the key's protocol has a shape that contracts are not written for. No checked-in protocol has.
pub fn contract(key: &VerifyingKey) -> Result<String, Unsupported> {
    Source::of(key)?.render().map_err(|_| Unsupported::Template)
}

/// What the template is filled in with.
#[derive(Template)]
#[template(path = "verifier.sol", escape = "none")]
struct Source {
    name: String,
    k: u32,
    version: u32,
    set_up: SetUp,
    srs: Bytes32,
    digest: Bytes32,
    proof_length: usize,
    proof_points: usize,
    evaluations: usize,
    known: String,
    layout: Layout,
    rows: Rows,
    constraints: Vec<Equation>,
    lookups: Vec<LookupEquations>,
    sets: Vec<Set>,
    steps: Vec<Step>,
    batch_steps: [Step; 2],
    denominators: Vec<String>,
    fixed_points: Vec<FixedPoint>,
    tau_g2: Vec<String>,
    minus_g2: Vec<String>,
}

/// The set-up, as people should know it.
struct SetUp {
    name: &'static str,
    is_ceremony: bool,
}

/// What depends on the number of rows.
struct Rows {
    squarings: u32,
    inverse_of_n: String,
    /// The row where running products end, the blinding rows, and row 0.
    nodes: Vec<Node>,
}

/// A row's point, and the place of `1/(x - point)`.
struct Node {
    point: String,
    inverse: String,
}

/// A polynomial that vanishes on every row, at x.
struct Equation {
    name: String,
    value: String,
}

/// What the equations of a lookup argument are made of.
struct LookupEquations {
    name: String,
    /// What is looked up; the first has the highest power of the challenge that compresses tuples.
    input: Vec<String>,
    /// Where; in the same order.
    table: Vec<String>,
    product: String,
    next_product: String,
    permuted_input: String,
    previous_input: String,
    permuted_table: String,
}

/// A point that the key fixes.
struct FixedPoint {
    name: String,
    x: String,
    y: String,
    factor: String,
    step: Step,
}

impl Source {
    fn of(key: &VerifyingKey) -> Result<Self, Unsupported> {
        let (protocol, rotation_sets) = (key.protocol(), key.rotation_sets());
        let sets = openings::sets(protocol, rotation_sets)?;
        let rows = Rows::of(protocol);
        let mut layout = Layout::of(protocol);
        let denominators = reserve(&mut layout, protocol, &rows, &sets);
        let fixed_points = fixed_points(key);
        Ok(Self {
            name: contract_name(key),
            k: protocol.capacity.k(),
            version: VERSION,
            set_up: SetUp::of(key.srs().origin()),
            srs: key.srs().id().bytes(),
            digest: key.digest().bytes(),
            proof_length: protocol.proof_length(),
            proof_points: protocol.proof_points(),
            evaluations: protocol.evaluations().len(),
            known: layout.points[0].clone(),
            rows,
            constraints: constraints(protocol),
            lookups: lookups(protocol),
            steps: openings::steps(protocol, rotation_sets)?,
            sets,
            denominators,
            batch_steps: batch_steps(),
            fixed_points,
            tau_g2: g2_words(&key.srs().tau_g2()),
            minus_g2: g2_words(&-key.srs().g2()),
            layout,
        })
    }
}

impl SetUp {
    fn of(origin: Origin) -> Self {
        match origin {
            Origin::Ceremony(ceremony) => Self { name: ceremony.name, is_ceremony: true },
            Origin::InsecureDevelopment => Self { name: "insecure-development", is_ceremony: false },
            Origin::Unknown => Self { name: "unknown", is_ceremony: false },
        }
    }
}

impl Rows {
    fn of(protocol: &Protocol) -> Self {
        let node = |back: usize| Node {
            point: literal(protocol.rotation_factor(Rotation(-(back as i32)))),
            inverse: format!("INVERSE_ROW_{back}"),
        };
        Self {
            squarings: protocol.capacity.k(),
            inverse_of_n: literal(Fr::TWO_INV.pow_vartime([u64::from(protocol.capacity.k())])),
            nodes: (0..=protocol.blinding_factors + 1).rev().map(node).collect(),
        }
    }
}

/// Plans the memory behind the transcript.
fn reserve(layout: &mut Layout, protocol: &Protocol, rows: &Rows, sets: &[Set]) -> Vec<String> {
    layout.words(
        "Polynomials that depend on the number of rows, and the quotient, at x",
        ["X_TO_N", "FIRST_ROW", "LAST_ROW", "ACTIVE_ROWS", "QUOTIENT_EVAL"],
    );
    let inverses: Vec<String> = rows
        .nodes
        .iter()
        .map(|node| node.inverse.clone())
        .chain(["INVERSE_VANISHING".to_owned(), "INVERSE_X".to_owned()])
        .chain(sets.iter().skip(1).map(openings::inverse))
        .collect();
    layout.words(
        "Denominators, later their inverses: x minus a row's point, x^n - 1, x, u minus a neighbour of x",
        inverses.clone(),
    );
    layout.section(
        "Products of all denominators before each, and the operands of the inversion",
        [("PRODUCTS".to_owned(), inverses.len() * WORD), ("MODEXP".to_owned(), 6 * WORD)],
    );
    openings::reserve(layout, protocol, sets);
    layout.section("Sums of points, with room for the operands of the next step", SUMS.map(sum));
    let factors = openings::factors(protocol).map(|factor| (format!("BATCH_{factor}"), WORD));
    let sums = ["BATCH_LEFT", "BATCH_RIGHT"].map(sum);
    let title = "The batch so far: its two sums of points, and the factors of the points that the key fixes";
    layout.section(title, sums.into_iter().chain(factors));
    layout.section("A point that the key fixes", [("FIXED_POINT".to_owned(), POINT)]);
    layout.section(
        "The operands of the pairings",
        [
            ("PAIRING_LEFT".to_owned(), POINT),
            ("PAIRING_TAU_G2".to_owned(), 2 * POINT),
            ("PAIRING_RIGHT".to_owned(), POINT),
            ("PAIRING_MINUS_G2".to_owned(), 2 * POINT),
        ],
    );
    layout.section("Free memory", [("FREE".to_owned(), 0)]);
    inverses
}

/// The names of evaluations, as expressions number them.
struct Queries {
    fixed: Vec<String>,
    advice: Vec<String>,
}

impl Queries {
    fn of(protocol: &Protocol) -> Self {
        let name = |polynomial, rotation| evaluation(protocol, Opening { polynomial, rotation });
        let fixed = protocol.fixed_queries.iter().map(|query| name(Polynomial::Fixed(query.column), query.rotation));
        let advice = protocol.advice_queries.iter().map(|query| name(Polynomial::Advice(query.column), query.rotation));
        Self { fixed: fixed.collect(), advice: advice.collect() }
    }
}

fn constraints(protocol: &Protocol) -> Vec<Equation> {
    let Queries { fixed, advice } = Queries::of(protocol);
    let equation = |constraint: &Constraint| Equation {
        name: constraint.name.clone(),
        value: Yul::expression(&constraint.expression, &fixed, &advice).render(TERM),
    };
    protocol.constraints.iter().map(equation).collect()
}

fn lookups(protocol: &Protocol) -> Vec<LookupEquations> {
    let Queries { fixed, advice } = Queries::of(protocol);
    let tuple = |expressions: &[Expression]| {
        expressions.iter().map(|expression| Yul::expression(expression, &fixed, &advice).render(TERM)).collect()
    };
    let name = |polynomial, rotation| evaluation(protocol, Opening { polynomial, rotation });
    let equations = |(index, lookup): (usize, &Lookup)| LookupEquations {
        name: lookup.name.clone(),
        input: tuple(&lookup.input),
        table: tuple(&lookup.table),
        product: name(Polynomial::LookupProduct(index), Rotation::CURRENT),
        next_product: name(Polynomial::LookupProduct(index), Rotation::NEXT),
        permuted_input: name(Polynomial::LookupInput(index), Rotation::CURRENT),
        previous_input: name(Polynomial::LookupInput(index), Rotation::PREVIOUS),
        permuted_table: name(Polynomial::LookupTable(index), Rotation::CURRENT),
    };
    protocol.lookups.iter().enumerate().map(equations).collect()
}

/// How a proof's two points enter those of a batch.
fn batch_steps() -> [Step; 2] {
    let fold = |sum, point: &str| Step::Fold { sum, factor: "weight".to_owned(), point: point.to_owned() };
    [fold("BATCH_LEFT", "W_PRIME_POINT"), fold("BATCH_RIGHT", openings::RIGHT)]
}

/// The commitments to the fixed columns, and the generator.
fn fixed_points(key: &VerifyingKey) -> Vec<FixedPoint> {
    let protocol = key.protocol();
    let point = |name: String, factor: String, point: &G1Affine| {
        let [x, y] = words(&point::g1_to_bytes(point)).try_into().unwrap_or_default();
        let step = Step::Accumulate {
            sum: "BATCH_RIGHT",
            factor: format!("mload(BATCH_{factor})"),
            point: "FIXED_POINT".to_owned(),
        };
        FixedPoint { name, x, y, factor, step }
    };
    let columns = key.fixed_commitments().iter().enumerate().map(|(column, commitment)| {
        let polynomial = Polynomial::Fixed(column);
        point(protocol.name(polynomial), openings::fixed_factor(protocol, polynomial), commitment)
    });
    let generator = point("GENERATOR".to_owned(), "GENERATOR_FACTOR".to_owned(), &G1Affine::generator());
    columns.chain([generator]).collect()
}

/// `x.c1`, `x.c0`, `y.c1`, `y.c0`, as the precompile takes them.
fn g2_words(point: &G2Affine) -> Vec<String> {
    words(&point::g2_to_bytes(point))
}

fn words(bytes: &[u8]) -> Vec<String> {
    bytes.as_chunks::<WORD>().0.iter().map(|word| HexBytes(*word).to_string()).collect()
}
