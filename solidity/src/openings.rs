//! The multi-opening as a contract computes it; the verifier's `shplonk` says what is computed.
//!
//! Every polynomial is opened at `x`, at `x` and one neighbour `s·x`, or at `s·x` alone. Then with `e` and `e'` the
//! values of a set's polynomials at the two, combined with powers of `y`, the share in the equation of a set that is
//! opened at both, and of one that is opened at `s·x` alone, is
//!
//! ```text
//! v^i/(u - s·x) · Σ_j y^j·P_j         less   v^i·(e - e'·(u - x)/(u - s·x))/(x·(1 - s)) · [1]
//! v^i·(u - x)/(u - s·x) · Σ_j y^j·P_j   less   v^i·(u - x)/(u - s·x)·e' · [1]
//! ```
//!
//! Commitments are summed up by Horner's rule, from the last polynomial of a set to the first. Those that proofs share
//! are left out: the key fixes them for all proofs, or the caller knows them, and proofs of one policy have the same.
//! Only their factors are computed, so that a batch multiplies each of them once.

use core::fmt;
use std::collections::BTreeSet;

use surety_verifier::proof::protocol::{ColumnCommitment, Opening, Polynomial, Protocol, Rotation, RotationSet};

use crate::{
    Unsupported,
    equations::root,
    layout::{self, evaluation, point, quotient_piece, rotation_name},
    yul::Yul,
};

/// The sum of the commitments of a proof, each with its factor.
pub(super) const RIGHT: &str = "RIGHT";

/// The sum over a set, before it is multiplied with the set's weight.
const SET: &str = "SET";

/// The quotient's commitment.
const QUOTIENT: &str = "QUOTIENT_POINT";

/// The names of running sums of points.
pub(super) const SUMS: [&str; 3] = [QUOTIENT, SET, RIGHT];

/// Polynomials that are opened at `x`, at `x` and one neighbour, or at one neighbour.
pub(super) struct Set {
    place: Place,
    /// `v^i`
    pub(super) power_of_v: String,
    /// The `e_j`, from the last to the first; empty if the set is opened at the neighbour alone.
    pub(super) here: Vec<String>,
    /// The `e'_j`, from the last to the first.
    pub(super) there: Vec<String>,
    /// Polynomials whose commitments proofs share.
    pub(super) shared: Vec<Shared>,
}

/// A polynomial whose commitment proofs share.
pub(super) struct Shared {
    /// Where the factor of its commitment goes.
    pub(super) slot: String,
    /// `y^j`
    pub(super) power_of_y: String,
}

/// The sets in their order; the first is opened at `x` alone.
pub(super) fn sets(protocol: &Protocol, sets: &[RotationSet]) -> Result<Vec<Set>, Unsupported> {
    let first = sets.first().ok_or(Unsupported::Openings)?;
    if first.rotations != [Rotation::CURRENT] {
        return Err(Unsupported::Openings);
    }
    sets.iter().enumerate().map(|(index, set)| describe(protocol, index, set)).collect()
}

fn describe(protocol: &Protocol, index: usize, set: &RotationSet) -> Result<Set, Unsupported> {
    let place = Place::of(index, set)?;
    let neighbour = place.neighbour();
    let y = Yul::variable("y");
    let shared = set.polynomials.iter().enumerate().filter(|(_, polynomial)| is_shared(protocol, **polynomial));
    let values = |rotation| {
        let value =
            |polynomial: &Polynomial| Yul::load(evaluation(protocol, Opening { polynomial: *polynomial, rotation }));
        set.polynomials.iter().rev().map(|polynomial| value(polynomial).render(0)).collect()
    };
    Ok(Set {
        place,
        power_of_v: Yul::variable("v").power(index.max(1)).render(0),
        here: if matches!(place, Place::Neighbour(_)) { Vec::new() } else { values(Rotation::CURRENT) },
        there: values(neighbour),
        shared: shared
            .map(|(exponent, polynomial)| Shared {
                slot: factor(protocol, *polynomial),
                power_of_y: y.clone().power(exponent).render(0),
            })
            .collect(),
    })
}

/// Where a set's polynomials are opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At `x`: the first set.
    Here,
    /// At `x` and a neighbour.
    Both(Rotation),
    /// At a neighbour.
    Neighbour(Rotation),
}

impl Place {
    fn of(index: usize, set: &RotationSet) -> Result<Self, Unsupported> {
        match (index, set.rotations.as_slice()) {
            (0, [Rotation::CURRENT]) => Ok(Self::Here),
            (1.., [Rotation::CURRENT, neighbour] | [neighbour, Rotation::CURRENT]) => Ok(Self::Both(*neighbour)),
            (1.., [neighbour]) if *neighbour != Rotation::CURRENT => Ok(Self::Neighbour(*neighbour)),
            _ => Err(Unsupported::Openings),
        }
    }

    /// How far the neighbour is: `s` is this power of the root of unity.
    fn neighbour(self) -> Rotation {
        match self {
            Self::Here => Rotation::CURRENT,
            Self::Both(neighbour) | Self::Neighbour(neighbour) => neighbour,
        }
    }

    /// The points, for people.
    fn describe(self) -> String {
        match self {
            Self::Here => "x".to_owned(),
            Self::Both(neighbour) => format!("x and {}·x", root(neighbour)),
            Self::Neighbour(neighbour) => format!("{}·x", root(neighbour)),
        }
    }

    /// The place of the weight of a set that is opened there.
    fn weight(self) -> String {
        let alone = if matches!(self, Self::Neighbour(_)) { "_ALONE" } else { "" };
        format!("WEIGHT_{}{alone}", rotation_name(self.neighbour()))
    }
}

impl Set {
    /// The points at which the set is opened, for people.
    pub(super) fn points(&self) -> String {
        self.place.describe()
    }

    /// Whether `x` is none of them.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.place, Place::Neighbour(_))
    }

    /// How far the neighbour is, and what `1/(1 - s)` is called, if the set is opened at both.
    pub(super) fn interpolation(&self) -> Option<(Rotation, String)> {
        let Place::Both(neighbour) = self.place else { return None };
        Some((neighbour, format!("INTERPOLATION_{}", rotation_name(neighbour))))
    }

    /// What [`Self::interpolation`] is called; nothing where there is none.
    pub(super) fn interpolation_name(&self) -> String {
        self.interpolation().map(|(_, name)| name).unwrap_or_default()
    }

    /// The place of `1/(u - s·x)`.
    pub(super) fn inverse(&self) -> String {
        Neighbour(self.place.neighbour()).inverse()
    }

    /// The place of the set's weight.
    pub(super) fn weight(&self) -> String {
        self.place.weight()
    }
}

/// A neighbour of `x`.
pub(super) struct Neighbour(pub(super) Rotation);

impl Neighbour {
    /// What `s` is called.
    pub(super) fn factor(&self) -> String {
        root(self.0)
    }

    /// The place of `1/(u - s·x)`.
    pub(super) fn inverse(&self) -> String {
        format!("INVERSE_{}", rotation_name(self.0))
    }
}

/// The neighbours of `x` at which sets are opened, each once.
pub(super) fn neighbours(sets: &[Set]) -> Vec<Neighbour> {
    let all = sets.iter().map(|set| set.place.neighbour()).filter(|neighbour| *neighbour != Rotation::CURRENT);
    all.collect::<BTreeSet<_>>().into_iter().map(Neighbour).collect()
}

fn is_shared(protocol: &Protocol, polynomial: Polynomial) -> bool {
    matches!(polynomial, Polynomial::Fixed(_)) || known(protocol).any(|known| known == polynomial)
}

/// The columns whose commitments the caller knows.
pub(super) fn known(protocol: &Protocol) -> impl Iterator<Item = Polynomial> {
    protocol.advice_by(ColumnCommitment::Known).map(Polynomial::Advice)
}

/// The place of the factor of a commitment that proofs share.
pub(super) fn factor(protocol: &Protocol, polynomial: Polynomial) -> String {
    format!("{}_FACTOR", protocol.name(polynomial))
}

/// A statement that works on points.
pub(super) enum Step {
    /// A new part begins.
    Comment(String),
    /// `sum = point`
    Start { sum: &'static str, point: String },
    /// `sum = factor·sum + point`
    Fold { sum: &'static str, factor: String, point: String },
    /// `sum = sum + factor·point`
    Accumulate { sum: &'static str, factor: String, point: String },
}

impl Step {
    /// Statements, each with what the sum becomes in a comment before.
    fn lines(&self) -> Vec<String> {
        match self {
            Self::Comment(text) => vec![String::new(), format!("// {text}")],
            Self::Start { sum, point } => vec![format!("// {sum} = {point}"), format!("mcopy({sum}, {point}, 0x40)")],
            Self::Fold { sum, factor, point } => vec![
                format!("// {sum} = {factor}·{sum} + {point}"),
                format!("mstore(add({sum}, 0x40), {factor})"),
                call("POINT_MULTIPLICATION", sum, 0x60, sum),
                format!("mcopy(add({sum}, 0x40), {point}, 0x40)"),
                call("POINT_ADDITION", sum, 0x80, sum),
            ],
            Self::Accumulate { sum, factor, point } => {
                let term = format!("add({sum}, 0x40)");
                vec![
                    format!("// {sum} = {sum} + {factor}·{point}"),
                    format!("mcopy({term}, {point}, 0x40)"),
                    format!("mstore(add({sum}, 0x80), {factor})"),
                    call("POINT_MULTIPLICATION", &term, 0x60, &term),
                    call("POINT_ADDITION", sum, 0x80, sum),
                ]
            }
        }
    }
}

/// A call to a precompile, which keeps `success` if it has some.
fn call(precompile: &str, input: &str, length: usize, output: &str) -> String {
    format!("success := and(staticcall(gas(), {precompile}, {input}, {length:#x}, {output}, 0x40), success)")
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n            "))
    }
}

/// How the commitments of a proof are summed up.
pub(super) fn steps(protocol: &Protocol, sets: &[RotationSet]) -> Result<Vec<Step>, Unsupported> {
    let mut steps = vec![Step::Comment("The quotient from its pieces.".to_owned())];
    let mut pieces = (0..protocol.quotient_pieces).rev().map(quotient_piece);
    let last = pieces.next().ok_or(Unsupported::Openings)?;
    steps.push(Step::Start { sum: QUOTIENT, point: last });
    steps.extend(pieces.map(|point| Step::Fold { sum: QUOTIENT, factor: "xToN".to_owned(), point }));
    for (index, set) in sets.iter().enumerate() {
        let sum = if index == 0 { RIGHT } else { SET };
        let place = Place::of(index, set)?;
        steps.push(Step::Comment(format!("The polynomials that are opened at {}.", place.describe())));
        steps.extend(horner(protocol, sum, &set.polynomials)?);
        if index > 0 {
            let factor = format!("mload({})", place.weight());
            steps.push(Step::Accumulate { sum: RIGHT, factor, point: SET.to_owned() });
        }
    }
    steps.push(Step::Comment("The multi-opening's own points.".to_owned()));
    let x_minus_u = "addmod(mload(X), sub(r, u), r)".to_owned();
    steps.push(Step::Accumulate { sum: RIGHT, factor: x_minus_u, point: "W_POINT".to_owned() });
    steps.push(Step::Accumulate { sum: RIGHT, factor: "u".to_owned(), point: "W_PRIME_POINT".to_owned() });
    Ok(steps)
}

/// Horner's rule over the commitments that proofs do not share. The first of a set must be one.
fn horner(protocol: &Protocol, sum: &'static str, polynomials: &[Polynomial]) -> Result<Vec<Step>, Unsupported> {
    let own = polynomials.iter().enumerate().filter(|(_, polynomial)| !is_shared(protocol, **polynomial));
    let committed: Vec<_> = own.collect();
    let (Some((0, _)), Some((_, last))) = (committed.first(), committed.last()) else {
        return Err(Unsupported::Openings);
    };
    let folds = committed.windows(2).rev().map(|pair| {
        let ((lower, polynomial), (higher, _)) = (pair[0], pair[1]);
        let factor = Yul::variable("y").power(higher - lower).render(0);
        Step::Fold { sum, factor, point: point(protocol, *polynomial) }
    });
    Ok([Step::Start { sum, point: point(protocol, **last) }].into_iter().chain(folds).collect())
}

/// The words that this part of a contract uses.
pub(super) fn reserve(layout: &mut layout::MemoryLayout, protocol: &Protocol, sets: &[Set]) {
    let weights = sets.iter().skip(1).map(Set::weight);
    layout.words("Weights of the sets of the multi-opening", weights);
    layout.words("Factors of the points that proofs share", factors(protocol));
}

/// The places of the factors of the points that proofs share.
fn factors(protocol: &Protocol) -> impl Iterator<Item = String> {
    fixed_factors(protocol).chain(known(protocol).map(|polynomial| factor(protocol, polynomial)))
}

/// The places of the factors of the points that the key fixes.
pub(super) fn fixed_factors(protocol: &Protocol) -> impl Iterator<Item = String> {
    let fixed = (0..protocol.fixed.len()).map(|column| factor(protocol, Polynomial::Fixed(column)));
    fixed.chain(["GENERATOR_FACTOR".to_owned()])
}
