//! False claims, and a forger who tries to prove them under weakened rules.
//!
//! A claim is one equation, `constant + weight·q - divisor·x = 0`, over a holding `q` and a variable `x`: somebody says
//! that `constant + weight·q` is a multiple of `divisor` from zero up to the bound of a variable, or that it is zero.
//! The forger pulls one lever, as far as it takes for the equation to come out as the weakened rules want it, and fills
//! in everything else as they want it as well. Whether that gets through is for the rules to say.

use AdviceColumn::{Acc, Blind, BlindedHold, Coef, Flag, Idx, Val, Var};
use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::Fr;
use rand_chacha::rand_core::OsRng;
use surety_circuits::{AdviceColumn, Witness, rules};
use surety_core::capacity::Capacity;
use surety_kzg::scalar;
use surety_verifier::proof::{
    expression::Expression,
    protocol::{Lookup, Protocol},
};

use crate::common::described::Design;

/// What the forger wants to be believed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) constant: i64,
    pub(crate) weight: i64,
    /// Zero if there is no variable.
    pub(crate) divisor: i64,
    /// What the sources have signed for.
    pub(crate) holding: i128,
    /// Whether the term of the variable is the equation's last, or the term of the holding.
    pub(crate) variable_is_last: bool,
    /// The row where the equation ends.
    pub(crate) end: usize,
    /// The address of the holding.
    pub(crate) slot: usize,
    /// The address of the variable.
    pub(crate) head: usize,
}

/// A term of the equation: coefficient and address.
type Term = (Fr, usize);

impl Claim {
    /// Whether there is a value for the variable.
    pub(crate) fn is_true(&self, capacity: Capacity) -> bool {
        let value = i128::from(self.constant) + i128::from(self.weight) * self.holding;
        let divisor = i128::from(self.divisor);
        if divisor == 0 {
            return value == 0;
        }
        value >= 0 && value % divisor == 0 && ((value / divisor) as u128) < capacity.variable_bound()
    }

    fn terms(&self, capacity: Capacity) -> Vec<Term> {
        let mut terms = vec![(scalar::from_i128(self.weight.into()), self.slot)];
        if self.divisor != 0 {
            let at = if self.variable_is_last { terms.len() } else { 0 };
            terms.insert(at, (-scalar::from_i128(self.divisor.into()), self.head));
        }
        if self.constant != 0 {
            terms.insert(0, (scalar::from_i128(self.constant.into()), capacity.one().index()));
        }
        terms
    }

    fn length(&self) -> usize {
        1 + usize::from(self.divisor != 0) + usize::from(self.constant != 0)
    }

    /// The row of the first term.
    fn start(&self) -> usize {
        (self.end + 1).saturating_sub(self.length())
    }

    /// Whether the equation lies in the rows of a program, behind the first, which is neutral.
    fn fits(&self, capacity: Capacity) -> bool {
        self.start() >= 2 && self.end <= capacity.usable() - 2
    }
}

/// What a forger may change to make an equation come out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lever {
    /// Nothing.
    Nothing,
    /// The variable, in range or not.
    Variable,
    /// The running sum before a term.
    Sum(usize),
    /// The running sum before every term: minus that term.
    EverySum,
    /// The value that a term reads.
    Value(usize),
    /// The same value in every row that reads anything.
    AllValues,
    /// The blinding of the holding.
    Blinding,
    /// A holding where the variable is, written by a source.
    SourceAtVariable,
    /// A holding where the constant one is, written by a source.
    SourceAtOne,
    /// The constant one.
    One,
    /// The limb beside the holding.
    Limb,
    /// What a term reads, from another row: a holding if that is a slot or no row of a program's, else a variable.
    Elsewhere(usize, usize),
}

/// A witness to something false.
pub(crate) struct Forgery {
    pub(crate) claim: Claim,
    pub(crate) lever: Lever,
    pub(crate) witness: Witness,
}

/// Forges under given rules.
pub(crate) struct Forger<'a> {
    capacity: Capacity,
    design: &'a Design,
    /// All zeros but the blinding rows.
    blank: &'a Witness,
    /// What a limb may be.
    limbs: Vec<Fr>,
    /// What is at an address, if the rules do not say.
    memory: Expression,
}

impl<'a> Forger<'a> {
    pub(crate) fn new(design: &'a Design, blank: &'a Witness) -> Self {
        let capacity = design.protocol.capacity;
        let plain = Protocol::of(capacity).unwrap();
        let memory = lookup(&plain, rules::MEMORY).unwrap().table[1].clone();
        let limbs = lookup(&design.protocol, rules::RANGE).map_or_else(Vec::new, |lookup| {
            let table = (0..capacity.usable()).map(|row| design.value(&lookup.table[0], blank, row));
            let mut table: Vec<_> = table.collect();
            table.sort_unstable();
            table.dedup();
            table
        });
        Self { capacity, design, blank, limbs, memory }
    }

    /// A forgery, if one of the claims and levers makes one.
    pub(crate) fn find(&self, claims: &[Claim], elsewhere: &[usize]) -> Option<Forgery> {
        claims.iter().find_map(|claim| {
            let levers = levers(claim, elsewhere);
            levers.into_iter().find_map(|lever| {
                let witness = self.pull(claim, lever)?;
                // The sources' word is not the forger's to change.
                let signed = witness[BlindedHold][claim.slot] - witness[Blind][claim.slot];
                let as_signed = signed == scalar::from_i128(claim.holding);
                (as_signed && self.design.accepts(&witness)).then_some(Forgery { claim: *claim, lever, witness })
            })
        })
    }

    /// The witness in which a lever makes the claim's equation hold, as the rules read it.
    fn pull(&self, claim: &Claim, lever: Lever) -> Option<Witness> {
        let start = self.fill(claim, lever, Fr::ZERO);
        let residual = self.residual(claim, &start);
        if residual == Fr::ZERO {
            return Some(start);
        }
        let slope = self.residual(claim, &self.fill(claim, lever, Fr::ONE)) - residual;
        let slope: Option<Fr> = slope.invert().into();
        Some(self.fill(claim, lever, -residual * slope?))
    }

    /// What is left of the equation at its end.
    fn residual(&self, claim: &Claim, witness: &Witness) -> Fr {
        constraint(&self.design.protocol, rules::EQUATION)
            .map_or(Fr::ZERO, |expression| self.design.value(expression, witness, claim.end))
    }

    /// The witness with a lever pulled this far.
    pub(crate) fn fill(&self, claim: &Claim, lever: Lever, by: Fr) -> Witness {
        let capacity = self.capacity;
        let mut witness = self.blank.clone();
        let terms = claim.terms(capacity);
        let start = claim.start();
        witness[Flag][1] = Fr::ONE;
        witness[Flag][claim.end] = Fr::ONE;
        for (row, (coefficient, address)) in (start..).zip(&terms) {
            witness[Coef][row] = *coefficient;
            witness[Idx][row] = Fr::from(*address as u64);
        }
        witness[BlindedHold][claim.slot] = scalar::from_i128(claim.holding);
        witness[Var][capacity.one().index()] = Fr::ONE;
        match lever {
            Lever::Variable => self.place(&mut witness, claim.head, by),
            Lever::Blinding => {
                witness[Blind][claim.slot] = by;
                witness[BlindedHold][claim.slot] += by;
            }
            Lever::SourceAtVariable => witness[BlindedHold][claim.head] = by,
            Lever::SourceAtOne => witness[BlindedHold][capacity.one().index()] = by,
            Lever::One => witness[Var][capacity.one().index()] += by,
            Lever::Limb => {
                self.place(&mut witness, claim.slot, by);
                let base = Fr::from(capacity.base());
                for row in (group_head(capacity, claim.slot)..claim.slot).rev() {
                    witness[Var][row] = base * witness[Var][row + 1];
                }
            }
            Lever::Elsewhere(_, row) if is_variable(capacity, row) => self.place(&mut witness, row, by),
            Lever::Elsewhere(_, row) => witness[BlindedHold][row] = by,
            _ => {}
        }
        self.read(&mut witness);
        if let Lever::Value(term) | Lever::Elsewhere(term, _) = lever
            && term < terms.len()
        {
            witness[Val][start + term] = by;
        }
        if matches!(lever, Lever::AllValues) {
            witness[Val][..capacity.usable()].fill(by);
        }
        self.sum(&mut witness, claim, lever, by);
        witness
    }

    /// Fills in each value as the rules find it in memory.
    fn read(&self, witness: &mut Witness) {
        let lookup = lookup(&self.design.protocol, rules::MEMORY);
        let memory = lookup.and_then(|lookup| lookup.table.get(1)).unwrap_or(&self.memory);
        let nothing = self.design.value(memory, witness, 0);
        for row in 0..self.capacity.usable() {
            let address =
                usize::from(witness[Idx][row].to_repr()[0]) | usize::from(witness[Idx][row].to_repr()[1]) << 8;
            witness[Val][row] = if address == 0 { nothing } else { self.design.value(memory, witness, address) };
        }
    }

    /// Fills in the running sum as the rules continue it, except where the lever is.
    fn sum(&self, witness: &mut Witness, claim: &Claim, lever: Lever, by: Fr) {
        let constraint = constraint(&self.design.protocol, rules::RUNNING_SUM);
        for row in 1..self.capacity.usable() - 1 {
            match lever {
                Lever::Sum(term) if row == claim.start() + term => witness[Acc][row] = by,
                Lever::EverySum if (claim.start()..=claim.end).contains(&row) => {
                    witness[Acc][row] = -witness[Coef][row] * witness[Val][row];
                }
                _ => {}
            }
            let Some(expression) = constraint else { continue };
            let at = |witness: &mut Witness, next: Fr| {
                witness[Acc][row + 1] = next;
                self.design.value(expression, witness, row)
            };
            let at_zero = at(witness, Fr::ZERO);
            if at_zero != Fr::ZERO {
                let slope: Option<Fr> = (at(witness, Fr::ONE) - at_zero).invert().into();
                at(witness, slope.map_or(Fr::ZERO, |slope| -at_zero * slope));
            }
        }
    }

    /// Writes a number into a limb group, from a row on, so that as many limbs as possible are what limbs may be.
    fn place(&self, witness: &mut Witness, from: usize, value: Fr) {
        let range = lookup(&self.design.protocol, rules::RANGE).map(|lookup| &lookup.input[0]);
        witness[Var][from] = value;
        let Some(input) = range else { return };
        for row in from..self.capacity.usable() - 1 {
            let at = |witness: &mut Witness, next: Fr| {
                witness[Var][row + 1] = next;
                self.design.value(input, witness, row)
            };
            let rest = at(witness, Fr::ZERO);
            if self.limbs.binary_search(&rest).is_ok() {
                return;
            }
            let slope: Option<Fr> = (at(witness, Fr::ONE) - rest).invert().into();
            let next = slope.and_then(|slope| {
                self.limbs.iter().map(|limb| (*limb - rest) * slope).min_by_key(|quotient| magnitude(*quotient))
            });
            match next {
                Some(next) => at(witness, next),
                None => {
                    at(witness, Fr::ZERO);
                    return;
                }
            };
        }
    }
}

/// The claims to try. Where something was changed in a row, some are about that row.
pub(crate) fn claims(capacity: Capacity, changed: Option<usize>) -> Vec<Claim> {
    let base = capacity.base() as i64;
    let bound = capacity.variable_bound() as i128;
    let slot = first_slot_of_a_group(capacity);
    let plain = Claim {
        constant: -5,
        weight: 1,
        divisor: 1,
        holding: 3,
        variable_is_last: true,
        end: 4,
        slot,
        head: capacity.variable(0).unwrap().index(),
    };
    let more = Claim { constant: 5, holding: -7, ..plain };
    let nothing = Claim { holding: 0, ..plain };
    let bound = Claim { constant: 0, holding: bound, ..plain };
    let kinds = [
        plain,
        more,
        Claim { constant: 0, holding: -7, ..plain },
        nothing,
        Claim { constant: 5, weight: -1, holding: 7, ..plain },
        Claim { divisor: base - 1, ..plain },
        Claim { divisor: base, holding: 4 + i128::from(base), ..plain },
        bound,
        Claim { weight: base, ..nothing },
    ];
    let mut claims = Vec::new();
    if let Some(row) = changed {
        let ends = (row..row + 4).map(|end| Claim { end, ..plain });
        claims.extend(ends.flat_map(|claim| [claim, Claim { variable_is_last: false, ..claim }]));
        let short = Claim { constant: 0, holding: -7, end: row, ..plain };
        claims.extend([short, Claim { divisor: 0, ..short }]);
        let heads = [row + 1, group_head(capacity, row)].into_iter().filter(|head| is_variable(capacity, *head));
        claims.extend(heads.flat_map(|head| [plain, more, bound].map(|claim| Claim { head, ..claim })));
        let slots = [row, row + 1].into_iter().filter(|slot| is_instrument(capacity, *slot));
        claims.extend(slots.flat_map(|slot| [plain, nothing].map(|claim| Claim { slot, ..claim })));
    }
    claims.extend(kinds);
    claims.extend(kinds.map(|claim| Claim { variable_is_last: false, ..claim }));
    let last_slot = slot + capacity.limbs() - 2;
    claims.extend([plain, more, nothing].map(|claim| Claim { slot: last_slot, ..claim }));
    claims.push(Claim { end: capacity.usable() - 2, ..plain });
    claims.retain(|claim| claim.fits(capacity));
    assert!(claims.iter().all(|claim| !claim.is_true(capacity)));
    claims
}

/// Claims that are true, and the value of the variable.
pub(crate) fn true_claims(capacity: Capacity) -> Vec<(Claim, u128)> {
    let most = capacity.variable_bound() - 1;
    let plain = Claim { holding: 9, ..claims(capacity, None)[0] };
    let last = capacity.variable(capacity.variables() - 1).unwrap().index();
    vec![
        (plain, 4),
        (Claim { constant: 0, holding: most as i128, ..plain }, most),
        (Claim { constant: 0, holding: most as i128, head: last, variable_is_last: false, ..plain }, most),
        (Claim { end: capacity.usable() - 2, slot: plain.slot + capacity.limbs() - 2, ..plain }, 4),
    ]
}

fn levers(claim: &Claim, elsewhere: &[usize]) -> Vec<Lever> {
    let terms = claim.length();
    let mut levers = vec![
        Lever::Variable,
        Lever::Nothing,
        Lever::Sum(terms - 1),
        Lever::Sum(0),
        Lever::Sum(1),
        Lever::Blinding,
        Lever::SourceAtVariable,
        Lever::SourceAtOne,
        Lever::One,
        Lever::Limb,
        Lever::EverySum,
        Lever::AllValues,
    ];
    levers.extend((0..terms).map(Lever::Value));
    levers.extend(elsewhere.iter().flat_map(|row| (0..2).map(|term| Lever::Elsewhere(term, *row))));
    levers
}

/// A witness of zeros, with random blinding rows.
pub(crate) fn blank(mut witness: Witness) -> Witness {
    let usable = witness.capacity().usable();
    for column in AdviceColumn::ALL {
        witness[column][..usable].fill(Fr::ZERO);
        witness[column][usable..].fill_with(|| Fr::random(OsRng));
    }
    witness
}

/// The first slot of a limb group whose variable is not the claims'.
pub(crate) fn first_slot_of_a_group(capacity: Capacity) -> usize {
    capacity.variable(7).unwrap().index() + 1
}

pub(crate) fn is_instrument(capacity: Capacity, row: usize) -> bool {
    (0..).map_while(|index| capacity.instrument(index)).any(|instrument| instrument.index() == row)
}

pub(crate) fn is_variable(capacity: Capacity, row: usize) -> bool {
    (0..).map_while(|index| capacity.variable(index)).any(|head| head.index() == row)
}

/// The head of the group that a row is in, or the last one before it.
fn group_head(capacity: Capacity, row: usize) -> usize {
    let heads = (0..).map_while(|index| capacity.variable(index)).map(|head| head.index());
    heads.take_while(|head| *head <= row).last().unwrap_or(0)
}

pub(crate) fn constraint<'a>(protocol: &'a Protocol, name: &str) -> Option<&'a Expression> {
    protocol.constraints.iter().find(|constraint| constraint.name == name).map(|constraint| &constraint.expression)
}

pub(crate) fn lookup<'a>(protocol: &'a Protocol, name: &str) -> Option<&'a Lookup> {
    protocol.lookups.iter().find(|lookup| lookup.name == name)
}

/// The distance from zero, either way.
fn magnitude(value: Fr) -> [u8; 32] {
    scalar::to_bytes(&value).min(scalar::to_bytes(&-value))
}
