//! What a verifier needs to know of the circuit: columns, queries, constraints and lookups, as data.
//!
//! A [`Protocol`] follows from the circuit's code and its capacity class alone; keys and set-ups come later, in
//! [`crate::proof::key`]. The files `protocol/k9.json` … `protocol/k16.json` are written by the crate that holds the
//! circuit and are compared with it by its tests, so that native verification, batching and contracts rest on one
//! description.
//!
//! The arguments that surround the constraints are those of Halo2 (plookup with permuted columns, a quotient in pieces,
//! a blinding polynomial) without its permutation argument. [`Protocol::evaluations`] and [`Protocol::rotation_sets`]
//! state the order in which they appear in a proof and in its multi-opening.

use std::collections::BTreeMap;

use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};
use surety_core::{
    capacity::Capacity,
    kind::{Kind, KindOf, Kinded},
};

use crate::proof::{
    expression::{Expression, encode_number},
    known::KnownCommitments,
};

/// The circuit of one capacity class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// The format.
    pub kind: KindOf<Protocol>,
    /// Version of the format.
    pub version: surety_core::FormatVersion<2>,
    /// The capacity class.
    pub capacity: Capacity,
    /// How many rows at the end are random and bear no rule: one less than the rows that are not usable. The row before
    /// them is where running products end.
    pub blinding_factors: usize,
    /// How many scalars enter the transcript as public inputs. No constraint reads them.
    pub public_inputs: usize,
    /// The fixed columns, by name.
    pub fixed: Vec<String>,
    /// The advice columns, in the order in which they are committed to: known ones, the difference, and the rest.
    pub advice: Vec<AdviceColumn>,
    /// Where fixed columns are evaluated, in the order of the proof.
    pub fixed_queries: Vec<Query>,
    /// Where advice columns are evaluated, in the order of the proof.
    pub advice_queries: Vec<Query>,
    /// Polynomials that vanish on every row.
    pub constraints: Vec<Constraint>,
    /// Tuples that must be found among other tuples.
    pub lookups: Vec<Lookup>,
    /// In how many pieces of `2^k` coefficients the quotient is committed to.
    pub quotient_pieces: usize,
}

impl Kinded for Protocol {
    const KIND: Kind = Kind::Protocol;
}

/// A column that the prover fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdviceColumn {
    /// What the specification calls it.
    pub name: String,
    /// Where the commitment comes from.
    pub commitment: ColumnCommitment,
}

/// Where a verifier has the commitment to an advice column from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnCommitment {
    /// The verifier knows it and puts it in place: the proof does not contain it.
    Known,
    /// The verifier subtracts the commitment to the holdings from that to the next column: the proof does not contain
    /// it. The identity is refused, which would leave the next column without randomness of its own.
    Difference,
    /// The proof contains it.
    Sent,
}

/// A column, seen from a row at a distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Index of the column among those of its kind.
    pub column: usize,
    /// Distance in rows.
    pub rotation: Rotation,
}

/// A distance in rows; evaluating a column `r` rows ahead means evaluating its polynomial at `ω^r·x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rotation(pub i32);

impl Rotation {
    /// The same row.
    pub const CURRENT: Self = Self(0);
    /// The row after.
    pub const NEXT: Self = Self(1);
    /// The row before.
    pub const PREVIOUS: Self = Self(-1);
}

/// A polynomial that vanishes on every row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// What it says.
    pub name: String,
    /// The polynomial.
    pub expression: Expression,
}

/// On every usable row, the tuple of inputs is found among the tuples that the table takes over the usable rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// What it says.
    pub name: String,
    /// What is looked up.
    pub input: Vec<Expression>,
    /// Where; as many expressions as inputs.
    pub table: Vec<Expression>,
}

/// A polynomial that a proof opens. Openings are told apart by this, never by the value of a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Polynomial {
    /// A fixed column.
    Fixed(usize),
    /// An advice column.
    Advice(usize),
    /// A lookup's inputs, compressed and sorted.
    LookupInput(usize),
    /// A lookup's table, compressed and permuted to match the sorted inputs.
    LookupTable(usize),
    /// A lookup's running product.
    LookupProduct(usize),
    /// The quotient, its pieces put together at the challenge.
    Quotient,
    /// The polynomial that blinds the multi-opening.
    Blinding,
}

/// A polynomial at a distance from the challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// Which polynomial.
    pub polynomial: Polynomial,
    /// Where.
    pub rotation: Rotation,
}

/// Polynomials that are opened at the same points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationSet {
    /// The points, ascending.
    pub rotations: Vec<Rotation>,
    /// The polynomials, in the order of the powers of the challenge that combines them.
    pub polynomials: Vec<Polynomial>,
}

/// `ω^rotation` for the rotations that verifying a proof takes, computed once.
#[derive(Clone, Debug)]
pub(crate) struct RotationFactors(BTreeMap<Rotation, Fr>);

impl RotationFactors {
    /// The factors for the openings of a protocol, and for its rows from the one behind the usable rows to row 0.
    pub(crate) fn of(protocol: &Protocol) -> Self {
        let opened = protocol.evaluations().into_iter().map(|opening| opening.rotation);
        let rows = protocol.last_rows();
        Self(opened.chain(rows).map(|rotation| (rotation, protocol.rotation_factor(rotation))).collect())
    }

    /// The factor; computed anew for another rotation.
    pub(crate) fn get(&self, rotation: Rotation, protocol: &Protocol) -> Fr {
        self.0.get(&rotation).copied().unwrap_or_else(|| protocol.rotation_factor(rotation))
    }
}

/// Shorthand for the listings below.
fn at(polynomial: Polynomial, rotation: Rotation) -> Opening {
    Opening { polynomial, rotation }
}

impl Protocol {
    /// The circuit of a capacity class, as checked in.
    ///
    /// # Errors
    /// If the program was built with a file that is not a protocol.
    pub fn of(capacity: Capacity) -> Result<Self, MalformedProtocol> {
        let index = (capacity.k() - Capacity::MIN_K) as usize;
        let text = FILES.get(index).ok_or_else(|| MalformedProtocol::new("no file for this capacity class"))?;
        serde_json::from_str(text).map_err(|error| MalformedProtocol::new(error.to_string()))
    }

    /// Number of rows, `2^k`.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.capacity.rows()
    }

    /// The primitive `2^k`-th root of unity `ω`: row `t` is the point `ω^t`.
    #[must_use]
    pub fn omega(&self) -> Fr {
        (self.capacity.k()..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
    }

    /// The factor between `x` and the point where a polynomial is evaluated at a distance: `ω^rotation`.
    #[must_use]
    pub fn rotation_factor(&self, rotation: Rotation) -> Fr {
        let rows = 1_i64 << self.capacity.k();
        self.omega().pow_vartime([i64::from(rotation.0).rem_euclid(rows) as u64])
    }

    /// The rows from the one behind the usable rows to row 0, seen from there.
    pub(crate) fn last_rows(&self) -> impl Iterator<Item = Rotation> + use<> {
        (0..=self.blinding_factors + 1).rev().map(|back| Rotation(-(back as i32)))
    }

    /// The advice columns whose commitments come from one place, in their order.
    pub fn advice_by(&self, commitment: ColumnCommitment) -> impl Iterator<Item = usize> {
        let columns = self.advice.iter().enumerate();
        columns.filter(move |(_, column)| column.commitment == commitment).map(|(index, _)| index)
    }

    /// The evaluations that a proof states, in its order.
    #[must_use]
    pub fn evaluations(&self) -> Vec<Opening> {
        let advice = self.advice_queries.iter().map(|query| at(Polynomial::Advice(query.column), query.rotation));
        let fixed = self.fixed_queries.iter().map(|query| at(Polynomial::Fixed(query.column), query.rotation));
        let lookups = (0..self.lookups.len()).flat_map(|index| {
            [
                at(Polynomial::LookupProduct(index), Rotation::CURRENT),
                at(Polynomial::LookupProduct(index), Rotation::NEXT),
                at(Polynomial::LookupInput(index), Rotation::CURRENT),
                at(Polynomial::LookupInput(index), Rotation::PREVIOUS),
                at(Polynomial::LookupTable(index), Rotation::CURRENT),
            ]
        });
        advice.chain(fixed).chain([at(Polynomial::Blinding, Rotation::CURRENT)]).chain(lookups).collect()
    }

    /// The openings in the order that the multi-opening takes them in: evaluations and the quotient.
    fn openings(&self) -> Vec<Opening> {
        let advice = self.advice_queries.iter().map(|query| at(Polynomial::Advice(query.column), query.rotation));
        let fixed = self.fixed_queries.iter().map(|query| at(Polynomial::Fixed(query.column), query.rotation));
        let lookups = (0..self.lookups.len()).flat_map(|index| {
            [
                at(Polynomial::LookupProduct(index), Rotation::CURRENT),
                at(Polynomial::LookupInput(index), Rotation::CURRENT),
                at(Polynomial::LookupTable(index), Rotation::CURRENT),
                at(Polynomial::LookupInput(index), Rotation::PREVIOUS),
                at(Polynomial::LookupProduct(index), Rotation::NEXT),
            ]
        });
        let last = [Polynomial::Quotient, Polynomial::Blinding].map(|polynomial| at(polynomial, Rotation::CURRENT));
        advice.chain(lookups).chain(fixed).chain(last).collect()
    }

    /// The openings, grouped by the points at which polynomials are opened. Sets and the polynomials in them are in the
    /// order in which openings first mention them.
    #[must_use]
    pub fn rotation_sets(&self) -> Vec<RotationSet> {
        let mut polynomials: Vec<(Polynomial, Vec<Rotation>)> = Vec::new();
        for Opening { polynomial, rotation } in self.openings() {
            match polynomials.iter_mut().find(|(other, _)| *other == polynomial) {
                Some((_, rotations)) => rotations.push(rotation),
                None => polynomials.push((polynomial, vec![rotation])),
            }
        }
        let mut sets: Vec<RotationSet> = Vec::new();
        for (polynomial, mut rotations) in polynomials {
            rotations.sort_unstable();
            match sets.iter_mut().find(|set| set.rotations == rotations) {
                Some(set) => set.polynomials.push(polynomial),
                None => sets.push(RotationSet { rotations, polynomials: vec![polynomial] }),
            }
        }
        sets
    }

    /// How many points a proof consists of: hidden columns, three for each lookup, the blinding polynomial, the
    /// quotient's pieces, and two of the multi-opening.
    #[must_use]
    pub fn proof_points(&self) -> usize {
        self.advice_by(ColumnCommitment::Sent).count() + 3 * self.lookups.len() + 1 + self.quotient_pieces + 2
    }

    /// Length of a proof in bytes: 64 for each point and 32 for each evaluation.
    #[must_use]
    pub fn proof_length(&self) -> usize {
        64 * self.proof_points() + 32 * self.evaluations().len()
    }

    /// The canonical encoding of everything but names, which mean nothing to a verifier.
    ///
    /// Numbers are 4 bytes big-endian, rotations as two's complement, and every list begins with its length: k,
    /// blinding factors, public inputs, number of fixed columns; for each advice column the place of
    /// [`ColumnCommitment`] among its cases, from 0; fixed and advice queries as column and rotation; constraints;
    /// lookups as their inputs and tables; number of quotient pieces. Expressions are as [`Expression::encode`] writes
    /// them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let head = [self.capacity.k() as usize, self.blinding_factors, self.public_inputs, self.fixed.len()];
        head.iter().for_each(|number| encode_number(&mut bytes, *number));
        encode_list(&mut bytes, &self.advice, |bytes, column| encode_number(bytes, column.commitment as usize));
        for queries in [&self.fixed_queries, &self.advice_queries] {
            encode_list(&mut bytes, queries, |bytes, query| {
                encode_number(bytes, query.column);
                bytes.extend(query.rotation.0.to_be_bytes());
            });
        }
        encode_list(&mut bytes, &self.constraints, |bytes, constraint| constraint.expression.encode(bytes));
        encode_list(&mut bytes, &self.lookups, |bytes, lookup| {
            for tuple in [&lookup.input, &lookup.table] {
                encode_list(bytes, tuple, |bytes, expression| expression.encode(bytes));
            }
        });
        encode_number(&mut bytes, self.quotient_pieces);
        bytes
    }

    /// Names a polynomial, for errors.
    pub fn name(&self, polynomial: Polynomial) -> String {
        let lookup = |index: usize| self.lookups.get(index).map_or("", |lookup| lookup.name.as_str());
        match polynomial {
            Polynomial::Fixed(column) => self.fixed.get(column).cloned().unwrap_or_default(),
            Polynomial::Advice(column) => self.advice.get(column).map(|column| column.name.clone()).unwrap_or_default(),
            Polynomial::LookupInput(index) => format!("the permuted input of the lookup \"{}\"", lookup(index)),
            Polynomial::LookupTable(index) => format!("the permuted table of the lookup \"{}\"", lookup(index)),
            Polynomial::LookupProduct(index) => format!("the running product of the lookup \"{}\"", lookup(index)),
            Polynomial::Quotient => "the quotient".to_owned(),
            Polynomial::Blinding => "the blinding polynomial".to_owned(),
        }
    }

    /// Names an evaluation, for errors.
    pub fn describe(&self, opening: Opening) -> String {
        let place = match opening.rotation.0 {
            0 => String::new(),
            rows => format!(", {rows:+} row"),
        };
        format!("the evaluation of {}{place}", self.name(opening.polynomial))
    }

    /// Checks that every query names a column, every expression a query, and every degree fits the quotient.
    ///
    /// # Errors
    /// Says what is out of place.
    pub fn validate(&self) -> Result<(), MalformedProtocol> {
        let require = |holds: bool, what: &str| if holds { Ok(()) } else { Err(MalformedProtocol::new(what)) };
        let (fixed, advice) = (self.fixed_queries.len(), self.advice_queries.len());
        let in_order = self.advice.is_sorted_by_key(|column| column.commitment);
        require(in_order, "expected the known columns first, then the difference, then those in the proof")?;
        let counts = [ColumnCommitment::Known, ColumnCommitment::Difference].map(|by| self.advice_by(by).count());
        require(counts == [KnownCommitments::PROGRAM, 1], "expected three known columns and one difference")?;
        let follows = self.advice_by(ColumnCommitment::Sent).next().is_some();
        require(follows, "expected a column of the proof behind the difference")?;
        require(self.blinding_factors < self.rows() - 1, "expected rows before the blinding rows")?;
        require(self.public_inputs == 1, "expected one public input, the context")?;
        require(self.fixed_queries.iter().all(|query| query.column < self.fixed.len()), "unknown fixed column")?;
        require(self.advice_queries.iter().all(|query| query.column < self.advice.len()), "unknown advice column")?;
        require(distinct(&self.fixed_queries) && distinct(&self.advice_queries), "expected distinct queries")?;
        let lookups = self.lookups.iter().flat_map(|lookup| lookup.input.iter().chain(&lookup.table));
        let mut expressions = self.constraints.iter().map(|constraint| &constraint.expression).chain(lookups);
        require(expressions.all(|expression| expression.queries_are_below(fixed, advice)), "unknown query")?;
        let tuples_match = self.lookups.iter().all(|lookup| lookup.input.len() == lookup.table.len());
        require(tuples_match, "expected as many table expressions as inputs in every lookup")?;
        let pieces = self.degree().checked_sub(1);
        require(pieces == Some(self.quotient_pieces), "expected one quotient piece less than the degree")
    }

    /// The largest degree of the constraints and the lookups' arguments.
    #[must_use]
    pub fn degree(&self) -> usize {
        let largest = |expressions: &[Expression]| expressions.iter().map(Expression::degree).max().unwrap_or(0).max(1);
        let lookup = |lookup: &Lookup| 2 + largest(&lookup.input) + largest(&lookup.table);
        let constraints = self.constraints.iter().map(|constraint| constraint.expression.degree());
        constraints.chain(self.lookups.iter().map(lookup)).max().unwrap_or(0)
    }
}

fn encode_list<T>(bytes: &mut Vec<u8>, items: &[T], encode: impl Fn(&mut Vec<u8>, &T)) {
    encode_number(bytes, items.len());
    items.iter().for_each(|item| encode(bytes, item));
}

fn distinct(queries: &[Query]) -> bool {
    queries.iter().enumerate().all(|(index, query)| !queries[..index].contains(query))
}

/// A protocol that does not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the description of the circuit does not fit together: {0}; the program was built wrongly")]
pub struct MalformedProtocol(String);

impl MalformedProtocol {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// The descriptions that are checked in, from k = 9 on.
const FILES: [&str; 8] = [
    include_str!("../../protocol/k9.json"),
    include_str!("../../protocol/k10.json"),
    include_str!("../../protocol/k11.json"),
    include_str!("../../protocol/k12.json"),
    include_str!("../../protocol/k13.json"),
    include_str!("../../protocol/k14.json"),
    include_str!("../../protocol/k15.json"),
    include_str!("../../protocol/k16.json"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol() -> Protocol {
        Protocol::of(Capacity::new(9).unwrap()).unwrap()
    }

    #[test]
    fn checked_in_protocols_fit_together() {
        for capacity in Capacity::all() {
            let protocol = Protocol::of(capacity).unwrap();
            assert_eq!(protocol.capacity, capacity);
            assert_eq!(protocol.validate(), Ok(()));
            assert_eq!(protocol.proof_length(), crate::proof::encoding::PROOF_BYTES);
        }
    }

    #[test]
    fn rejects_protocols_that_do_not_fit_together() {
        let changes: [fn(&mut Protocol); 17] = [
            |protocol| protocol.advice.reverse(),
            |protocol| protocol.advice[2].commitment = ColumnCommitment::Difference,
            |protocol| protocol.advice[3].commitment = ColumnCommitment::Known,
            |protocol| protocol.advice[3].commitment = ColumnCommitment::Sent,
            |protocol| protocol.advice[4].commitment = ColumnCommitment::Difference,
            |protocol| protocol.blinding_factors = 511,
            |protocol| protocol.blinding_factors = usize::MAX,
            |protocol| protocol.public_inputs = 0,
            |protocol| protocol.public_inputs = (1 << 32) + 1,
            |protocol| protocol.fixed_queries[0].column = 2,
            |protocol| protocol.advice_queries[0].column = 8,
            |protocol| protocol.advice_queries[0] = protocol.advice_queries[1],
            |protocol| protocol.constraints[0].expression = Expression::Advice(10),
            |protocol| protocol.lookups[0].table[0] = Expression::Fixed(3),
            |protocol| protocol.lookups[0].input.truncate(1),
            |protocol| protocol.quotient_pieces = 3,
            |protocol| protocol.quotient_pieces = usize::MAX,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut changed = protocol();
            change(&mut changed);
            assert!(changed.validate().is_err(), "change {index}");
        }
    }

    #[test]
    fn encodings_tell_protocols_apart_and_ignore_names() {
        let changes: [fn(&mut Protocol); 6] = [
            |protocol| protocol.public_inputs = 2,
            |protocol| protocol.advice[3].commitment = ColumnCommitment::Sent,
            |protocol| protocol.fixed_queries[1].rotation = Rotation::NEXT,
            |protocol| protocol.constraints.swap(0, 1),
            |protocol| protocol.lookups.swap(0, 1),
            |protocol| protocol.quotient_pieces = 5,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut changed = protocol();
            change(&mut changed);
            assert_ne!(changed.encode(), protocol().encode(), "change {index}");
        }
        let mut renamed = protocol();
        renamed.advice[0].name = "ADDRESS".to_owned();
        renamed.constraints[0].name.clear();
        assert_eq!(renamed.encode(), protocol().encode());
    }

    #[test]
    fn omega_generates_the_rows() {
        for capacity in Capacity::all() {
            let protocol = Protocol::of(capacity).unwrap();
            let half = protocol.rows() as u64 / 2;
            assert_eq!(protocol.omega().pow_vartime([half]), -Fr::ONE);
            let (next, previous) = (Rotation::NEXT, Rotation::PREVIOUS);
            assert_eq!(protocol.rotation_factor(next) * protocol.rotation_factor(previous), Fr::ONE);
        }
    }
}
