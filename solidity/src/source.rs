//! What the template is filled in with.

use std::collections::BTreeSet;

use askama::Template;
use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use surety_core::ident::{Bytes32, HexBytes};
use surety_kzg::{Origin, point};
use surety_verifier::proof::{
    key::VerifyingKey,
    protocol::{Polynomial, Protocol, Rotation},
};

use crate::{
    Unsupported, contract_name,
    equations::{self, Equation, LookupEquations, Rows, root},
    layout::{self, MemoryLayout, POINT, WORD, sum},
    openings::{self, Neighbour, SUMS, Set, Step},
    yul::literal,
};

/// The version of proofs and of their transcript, which contracts state.
const VERSION: u32 = 2;

/// What the template is filled in with.
#[derive(Template)]
#[template(path = "verifier.sol", escape = "none")]
pub(super) struct Source {
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
    layout: MemoryLayout,
    rows: Rows,
    constraints: Vec<Equation>,
    lookups: Vec<LookupEquations>,
    numbers: Vec<Number>,
    sets: Vec<Set>,
    neighbours: Vec<Neighbour>,
    steps: Vec<Step>,
    batch_steps: [Step; 2],
    denominators: Vec<String>,
    fixed_points: Vec<FixedPoint>,
    group: Group,
    tau_g2: Vec<String>,
    minus_g2: Vec<String>,
}

/// The set-up, as people should know it.
struct SetUp {
    name: &'static str,
    is_ceremony: bool,
}

/// A constant.
struct Number {
    name: String,
    value: String,
}

/// A point that the key fixes.
struct FixedPoint {
    name: String,
    x: String,
    y: String,
    factor: String,
    step: Step,
}

/// The points that callers know, of proofs that share them, as they lie in memory: a hash, the points, their factors.
struct Group {
    /// How many bytes the points take.
    points: usize,
    /// How many bytes all takes.
    length: usize,
    factors: Vec<GroupFactor>,
}

/// The factor of a point that the caller knows.
struct GroupFactor {
    /// Where a proof's factor is.
    name: String,
    /// Where a group's is.
    place: String,
    /// How the point enters the sum of a batch.
    step: Step,
    /// How it enters that of a proof alone.
    alone: Step,
}

impl Group {
    fn of(protocol: &Protocol) -> Self {
        let known: Vec<_> = openings::known(protocol).collect();
        let points = known.len() * POINT;
        let factors = known.iter().enumerate().map(|(index, polynomial)| {
            let place = format!("add(group, {:#05x})", WORD + points + index * WORD);
            let name = openings::factor(protocol, *polynomial);
            let add = |factor: &str, point| Step::Accumulate {
                sum: "BATCH_RIGHT",
                factor: format!("mload({factor})"),
                point,
            };
            let step = add(&place, format!("add(group, {:#05x})", WORD + index * POINT));
            let alone = add(&name, layout::point(protocol, *polynomial));
            GroupFactor { name, place, step, alone }
        });
        Self { points, length: WORD + points + known.len() * WORD, factors: factors.collect() }
    }
}

impl Source {
    pub(super) fn of(key: &VerifyingKey) -> Result<Self, Unsupported> {
        let (protocol, rotation_sets) = (key.protocol(), key.rotation_sets());
        let sets = openings::sets(protocol, rotation_sets)?;
        let rows = Rows::of(protocol);
        let mut layout = MemoryLayout::of(protocol);
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
            known: layout.points.first().cloned().unwrap_or_default(),
            numbers: numbers(protocol, &rows, &sets),
            rows,
            constraints: equations::constraints(protocol),
            lookups: equations::lookups(protocol),
            steps: openings::steps(protocol, rotation_sets)?,
            neighbours: openings::neighbours(&sets),
            sets,
            denominators,
            batch_steps: batch_steps(),
            fixed_points,
            group: Group::of(protocol),
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

/// The powers of the root of unity, and what follows from them.
fn numbers(protocol: &Protocol, rows: &Rows, sets: &[Set]) -> Vec<Number> {
    let neighbours = openings::neighbours(sets).into_iter().map(|neighbour| neighbour.0);
    let rotations: BTreeSet<_> = rows.nodes.iter().map(|node| node.rotation).chain(neighbours).collect();
    let roots = rotations.into_iter().filter(|rotation| *rotation != Rotation::CURRENT);
    let roots = roots.map(|rotation| (root(rotation), protocol.rotation_factor(rotation)));
    let interpolations = sets.iter().filter_map(Set::interpolation).map(|(neighbour, name)| {
        let inverse: Option<Fr> = (Fr::ONE - protocol.rotation_factor(neighbour)).invert().into();
        (name, inverse.unwrap_or(Fr::ONE))
    });
    let inverse_of_n = Fr::TWO_INV.pow_vartime([u64::from(protocol.capacity.k())]);
    let numbers = roots.chain([("INVERSE_OF_N".to_owned(), inverse_of_n)]).chain(interpolations);
    numbers.map(|(name, value)| Number { name, value: literal(value) }).collect()
}

/// Plans the memory behind the transcript.
fn reserve(layout: &mut MemoryLayout, protocol: &Protocol, rows: &Rows, sets: &[Set]) -> Vec<String> {
    layout.words(
        "Polynomials that depend on the number of rows, and the quotient, at x",
        ["X_TO_N", "FIRST_ROW", "LAST_ROW", "ACTIVE_ROWS", "QUOTIENT_EVAL"],
    );
    let inverses: Vec<String> = rows
        .nodes
        .iter()
        .map(|node| node.inverse.clone())
        .chain(["INVERSE_VANISHING".to_owned(), "INVERSE_X".to_owned()])
        .chain(openings::neighbours(sets).iter().map(Neighbour::inverse))
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
    let factors = openings::fixed_factors(protocol).map(|factor| (format!("BATCH_{factor}"), WORD));
    let sums = ["BATCH_LEFT", "BATCH_RIGHT"].map(sum);
    let end = [("GROUPS_END".to_owned(), WORD)];
    let title = "The batch so far: its sums of points, the factors of what the key fixes, and the end of its groups";
    layout.section(title, sums.into_iter().chain(factors).chain(end));
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

/// How a proof's two points enter those of a batch.
fn batch_steps() -> [Step; 2] {
    let add = |sum, point: &str| Step::Accumulate { sum, factor: "power".to_owned(), point: point.to_owned() };
    [add("BATCH_LEFT", "W_PRIME_POINT"), add("BATCH_RIGHT", openings::RIGHT)]
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
        point(protocol.name(polynomial), openings::factor(protocol, polynomial), commitment)
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
