//! Each row of a page's program is needed: without it, something false gets through, or nothing true does.
//!
//! A *change* deletes an equation, or one term of an equation. A forger starts from a false claim beside a true one,
//! with the variables of the true one, and repairs what is broken of the changed program: surpluses first, then one
//! variable after another. A forgery is a witness that the circuit takes with the changed columns, and refuses with
//! those of the page. A change that lets nothing false through must refuse witnesses to what is true, which every other
//! test of pages notices, or be [harmless](Change::is_harmless).

use std::collections::{BTreeMap, BTreeSet};

use AdviceColumn::{BlindedHold, Coef, Flag, Idx, Val, Var};
use surety_circuits::{AdviceColumn, rules};
use surety_margin::program::Program;

use super::*;
use crate::common::attacks::rerun;

/// How many changes of the variables a forger combines.
const DEPTH: usize = 7;

/// How many states a forger looks at for each false claim.
const PATIENCE: usize = 150;

/// What is multiplied with what, in one row of the table.
#[derive(Clone, Debug)]
struct Term {
    /// The row of the table's entry.
    row: usize,
    address: usize,
    coefficient: I256,
    factor: Fr,
}

type Equation = Vec<Term>;

/// The equations of a program. Digits of one quantity are one variable here.
#[derive(Clone)]
pub(super) struct System {
    equations: Vec<Equation>,
    /// The variables, by the address of the first digit.
    variables: BTreeMap<usize, Variable>,
}

/// A variable: its digits, least significant first, with their weights, and what it is below.
#[derive(Clone)]
struct Variable {
    digits: Vec<(usize, I256)>,
    bound: I256,
    /// Whether it is in one equation alone, with a negative coefficient: what that has to spare.
    surplus: bool,
}

/// The memory: what lies at the addresses that a program reads.
#[derive(Clone)]
pub(super) struct State(BTreeMap<usize, Fr>);

impl State {
    /// The variables and the holdings of a true claim.
    pub(super) fn honest(scene: &Scene, claim: &[i128]) -> Self {
        let (program, assignment) = (scene.page.program(), scene.solve(claim).unwrap());
        let mut memory = BTreeMap::from([(program.capacity().one().index(), Fr::ONE)]);
        for (variable, value) in assignment.variables().iter().enumerate() {
            memory.insert(program.rows_of(variable).unwrap().start, Fr::from_u128(*value));
        }
        Self(memory).with(scene, &scalars(claim))
    }

    /// The same with the digits of each quantity added up.
    pub(super) fn added_up(&self, system: &System) -> Self {
        let mut memory = self.0.clone();
        for (address, variable) in &system.variables {
            let digits = variable.digits.iter().map(|(digit, weight)| self.0[digit] * scalar::from_i256(*weight));
            memory.insert(*address, digits.sum());
        }
        Self(memory)
    }

    /// The same variables for another claim.
    pub(super) fn with(&self, scene: &Scene, claim: &[Fr]) -> Self {
        let mut memory = self.0.clone();
        memory.extend(scene.page.layout().rows().into_iter().zip(claim).map(|(row, lots)| (row.index(), *lots)));
        Self(memory)
    }

    /// A witness over this memory, with the program's columns. Limbs are those of the numbers, in range or not.
    pub(super) fn witness(&self, scene: &Scene, system: &System, honest: &[i128]) -> Witness {
        let program = scene.page.program();
        let mut witness = scene.witness(honest, &scene.solve(honest).unwrap());
        for row in scene.page.layout().rows() {
            witness[BlindedHold][row.index()] = self.0[&row.index()];
        }
        let mut digits = BTreeMap::new();
        for (address, variable) in &system.variables {
            let mut rest = U256::from_le_bytes(self.0[address].to_repr());
            for (digit, weight) in variable.digits.iter().rev() {
                let value = rest / weight.into_raw();
                rest -= value * weight.into_raw();
                digits.insert(*digit, value);
            }
        }
        let base = U256::from(program.capacity().base());
        for rows in (0..program.variables()).map(|variable| program.rows_of(variable).unwrap()) {
            let mut rest = digits.get(&rows.start).copied().unwrap_or_default();
            for cell in &mut witness[Var][rows] {
                *cell = Fr::from_raw(rest.into_limbs());
                rest /= base;
            }
        }
        rerun(&mut witness);
        witness
    }
}

impl System {
    pub(super) fn of(scene: &Scene) -> Self {
        let mut system = Self { equations: equations(scene), variables: BTreeMap::new() };
        system.find_variables(&bounds(scene.page.program()));
        system
    }

    /// Variables that are in the same equations, one always as many times as another, are digits of a quantity.
    fn find_variables(&mut self, bounds: &BTreeMap<usize, I256>) {
        let mut uses: BTreeMap<usize, Vec<(usize, I256)>> = BTreeMap::new();
        for (at, term) in self.equations.iter().enumerate().flat_map(|(at, terms)| terms.iter().map(move |it| (at, it)))
        {
            uses.entry(term.address).or_default().push((at, term.coefficient));
        }
        let ratio = |of: &[(usize, I256)], to: &[(usize, I256)]| {
            let ratio = of[0].1 / to[0].1;
            let same = of.len() == to.len() && of.iter().zip(to).all(|((a, b), (c, d))| a == c && *b == *d * ratio);
            (same && ratio > I256::ONE).then_some(ratio)
        };
        let mut last: Option<usize> = None;
        for (address, bound) in bounds {
            let Some(own) = uses.get(address) else { continue };
            let first = last.filter(|first| ratio(own, &uses[first]).is_some());
            if let Some(first) = first {
                let (weight, variable) = (ratio(own, &uses[&first]).unwrap(), self.variables.get_mut(&first).unwrap());
                variable.digits.push((*address, weight));
                variable.bound = weight * *bound;
                continue;
            }
            let surplus = own.len() == 1 && own[0].1.is_negative();
            let digits = vec![(*address, I256::ONE)];
            self.variables.insert(*address, Variable { digits, bound: *bound, surplus });
            last = Some(*address);
        }
        let firsts: BTreeSet<usize> = self.variables.keys().copied().collect();
        for equation in &mut self.equations {
            equation.retain(|term| !bounds.contains_key(&term.address) || firsts.contains(&term.address));
        }
    }

    fn residual(equation: &Equation, state: &State) -> Fr {
        equation.iter().map(|term| term.factor * state.0[&term.address]).sum()
    }

    fn broken(&self, state: &State) -> Option<usize> {
        self.equations.iter().position(|equation| Self::residual(equation, state) != Fr::ZERO)
    }

    /// The surplus of an equation, if it has one.
    fn surplus_of(&self, equation: &Equation) -> Option<Term> {
        equation.iter().find(|term| self.variables.get(&term.address).is_some_and(|it| it.surplus)).cloned()
    }

    /// Changes a variable; none if it would leave its range.
    fn moved(&self, state: &State, address: usize, by: I256) -> Option<State> {
        let value = centred(state.0[&address])? + by;
        let mut next = state.clone();
        next.0.insert(address, scalar::from_i256(value));
        (!value.is_negative() && value < self.variables[&address].bound).then_some(next)
    }

    /// Repairs what is broken, changing no variable twice that is no surplus, and no holding.
    fn repaired(&self, state: State, moved: &BTreeSet<usize>, patience: &mut usize) -> Option<State> {
        let Some(broken) = self.broken(&state) else { return Some(state) };
        if *patience == 0 || moved.len() > DEPTH {
            return None;
        }
        *patience -= 1;
        let equation = &self.equations[broken];
        let missing = centred(Self::residual(equation, &state))?;
        let surplus = self.surplus_of(equation);
        let absorbed = |state: &State, more: I256| {
            let surplus = surplus.as_ref().filter(|it| (more % it.coefficient).is_zero())?;
            self.moved(state, surplus.address, -more / surplus.coefficient)
        };
        if let Some(next) = absorbed(&state, missing) {
            return self.repaired(next, moved, patience);
        }
        let taken_up = surplus.as_ref().map(|it| -it.coefficient * centred(state.0[&it.address]).unwrap());
        let others = equation.iter().filter(|term| {
            self.variables.get(&term.address).is_some_and(|it| !it.surplus) && !moved.contains(&term.address)
        });
        for term in others {
            // The least change after which the surplus takes up what is left, or one that leaves nothing; or nothing of
            // the variable at all, which others may make up for.
            let size = I256::from_raw(term.coefficient.unsigned_abs());
            let steps = match taken_up {
                Some(taken_up) => (size - I256::ONE - missing - taken_up) / size,
                None => -missing / size,
            };
            let least = if term.coefficient.is_negative() { -steps } else { steps };
            for by in [least, -centred(state.0[&term.address])?] {
                let Some(next) = self.moved(&state, term.address, by).filter(|_| !by.is_zero()) else { continue };
                let next = absorbed(&next, missing + term.coefficient * by).unwrap_or(next);
                let moved = moved.iter().copied().chain([term.address]).collect();
                if let Some(found) = self.repaired(next, &moved, patience) {
                    return Some(found);
                }
            }
        }
        None
    }

    fn forgery(&self, state: State) -> Option<State> {
        let mut patience = PATIENCE;
        self.repaired(state, &BTreeSet::new(), &mut patience)
    }

    /// Every equation that is broken made up for by a surplus of its own, whatever that becomes; none if one has none.
    pub(super) fn made_up_for_modulo_r(&self, state: &State) -> Option<State> {
        let mut state = state.clone();
        while let Some(broken) = self.broken(&state) {
            let equation = &self.equations[broken];
            let surplus = self.surplus_of(equation)?;
            let missing = Self::residual(equation, &state) * surplus.factor.invert().unwrap();
            *state.0.get_mut(&surplus.address).unwrap() -= missing;
        }
        Some(state)
    }
}

/// The equations of a page's program, term by term.
fn equations(scene: &Scene) -> Vec<Equation> {
    let program = scene.page.program();
    let coefficients = program.coefficients(&scene.prices).unwrap();
    let (mut equations, mut terms) = (Vec::new(), Vec::new());
    for (row, (entry, coefficient)) in (1..).zip(program.table().iter().zip(coefficients)) {
        let factor = scalar::from_i256(coefficient);
        terms.push(Term { row, address: entry.address.index(), coefficient, factor });
        if entry.last {
            equations.push(std::mem::take(&mut terms));
        }
    }
    // The first row pins the running sum to zero, and reads nothing.
    equations.remove(0);
    equations
}

fn bounds(program: &Program) -> BTreeMap<usize, I256> {
    let rows = (0..program.variables()).map(|variable| program.rows_of(variable).unwrap());
    let bound = |limbs: usize| I256::from_raw(U256::from(program.capacity().base()).pow(U256::from(limbs)));
    rows.map(|rows| (rows.start, bound(rows.len()))).collect()
}

impl Scene {
    /// Good claims: nobody at all, accounts on one side, and some drawn at random, with their least totals.
    pub(super) fn bases(&self, count: usize) -> Vec<Vec<i128>> {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let nobody = vec![vec![0; self.page.tracked().len()]; ACCOUNTS];
        // Each account in each place.
        let drawn: Vec<_> = (0..count).map(|_| self.accounts(&mut rng)).collect();
        let turned =
            drawn.iter().flat_map(|accounts| (0..ACCOUNTS).map(move |by| [&accounts[by..], &accounts[..by]].concat()));
        let all = [nobody].into_iter().chain(self.one_sided()).chain(turned);
        all.map(|accounts| self.claim(&accounts)).collect()
    }

    /// The claim with totals that say more than need be, where they may.
    fn overstated(&self, claim: &[i128]) -> Vec<i128> {
        let mut overstated = claim.to_vec();
        for place in 0..claim.len() {
            overstated[place] += 1;
            if !self.is_true(&scalars(&overstated)) || place < ACCOUNTS * self.page.tracked().len() {
                overstated[place] -= 1;
            }
        }
        overstated
    }

    /// False claims beside a good one.
    pub(super) fn lies(&self, claim: &[i128]) -> Vec<Vec<Fr>> {
        let honest = scalars(claim);
        let (accounts, totals) = self.parts(claim);
        let (tracked, n) = (self.page.tracked(), self.instruments());
        let first = ACCOUNTS * tracked.len();
        let mut lies = Vec::new();
        let mut lie = |changes: &[(usize, Fr)]| {
            let mut lie = honest.clone();
            changes.iter().for_each(|(place, by)| lie[*place] += by);
            lies.extend((!self.is_true(&lie)).then_some(lie));
        };
        for total in 0..totals.len() {
            // One lot less or more, and as much as an account has.
            let place = tracked.iter().position(|position| *position == total % n).filter(|_| total < 3 * n);
            let sizes = accounts.iter().filter_map(|account| Some(account[place?].abs()));
            for by in sizes.chain([1]).flat_map(|size| [-size, size]) {
                lie(&[(first + total, scalar::from_i128(by))]);
            }
        }
        for place in 0..first {
            // A balance below zero, and what is owed in sum is less.
            let by = scalar::from_i128(-1 - claim[place]);
            lie(&[(place, by), (first + tracked[place % tracked.len()], by)]);
        }
        if self.has_debts() {
            // A shortfall that is a fraction of a lot, as field elements have them.
            let accounts: Vec<_> = accounts.iter().map(|account| account.to_vec()).collect();
            let (lacking, lot) = self.lacking(&accounts);
            let lots = scalar::from_i256(lacking + I256::ONE) * scalar::from_i256(lot).invert().unwrap();
            lie(&[(first + totals.len() - 1, lots - honest[first + totals.len() - 1])]);
        }
        lies
    }
}

/// A change of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// Without an equation.
    Equation(usize),
    /// Without one term of an equation.
    Term(usize, usize),
}

impl Change {
    fn all(raw: &[Equation]) -> Vec<Self> {
        let equations = (0..raw.len()).map(Self::Equation);
        let terms = raw.iter().enumerate();
        equations.chain(terms.flat_map(|(at, terms)| (0..terms.len()).map(move |term| Self::Term(at, term)))).collect()
    }

    fn make(self, raw: &[Equation], bounds: &BTreeMap<usize, I256>) -> System {
        let mut system = System { equations: raw.to_vec(), variables: BTreeMap::new() };
        match self {
            Self::Equation(at) => drop(system.equations.remove(at)),
            Self::Term(at, term) => drop(system.equations[at].remove(term)),
        }
        system.find_variables(bounds);
        system
    }

    /// The same in the columns of a witness.
    fn make_in(self, raw: &[Equation], witness: &mut Witness) {
        let (at, terms) = match self {
            Self::Equation(at) => (at, 0..raw[at].len()),
            Self::Term(at, term) => (at, term..term + 1),
        };
        for row in raw[at][terms].iter().map(|term| term.row) {
            for column in [Idx, Coef, Val] {
                witness[column][row] = Fr::ZERO;
            }
            if matches!(self, Self::Equation(_)) {
                witness[Flag][row] = Fr::ZERO;
            }
        }
        rerun(witness);
    }

    /// Whether a survivor is no weakening: the range of a total that is at least a sum of numbers in range, and whose
    /// distance from that sum is in range as well. Both the number and its bounds follow from the sum.
    fn is_harmless(self, scene: &Scene, raw: &[Equation]) -> bool {
        let (Self::Equation(at) | Self::Term(at, _)) = self;
        let holdings: Vec<usize> = scene.page.layout().rows().iter().map(|row| row.index()).collect();
        let read = |equation: &Equation| {
            equation.iter().filter_map(|term| holdings.iter().position(|row| *row == term.address)).collect::<Vec<_>>()
        };
        let first_total = ACCOUNTS * scene.page.tracked().len();
        let [total] = read(&raw[at])[..] else { return false };
        let added_up = raw.iter().map(read).any(|read| read.contains(&total) && read.len() > 1);
        let owed = raw.iter().any(|equation| read(equation) == [total] && equation.len() > 3);
        (first_total..holdings.len() - 1).contains(&total) && (added_up || owed) && raw[at].len() <= 3
    }
}

#[test]
fn every_row_of_a_pages_program_is_needed() {
    // Of scenarios the search finds no forgery without some rows, though none of them is known to follow from others.
    for scene in scenes().into_iter().filter(|scene| scene.name != "scenarios") {
        let (raw, bounds) = (equations(&scene), bounds(scene.page.program()));
        let bases = scene.bases(5);
        let honest: Vec<_> = bases.iter().map(|claim| State::honest(&scene, claim)).collect();
        let overstated = bases.iter().map(|claim| State::honest(&scene, &scene.overstated(claim)));
        let good: Vec<_> = honest.iter().cloned().chain(overstated).collect();
        let lies: Vec<_> = bases.iter().map(|claim| scene.lies(claim)).collect();
        let (mut forged, mut refusing, mut survivors) = (0, 0, Vec::new());
        for change in Change::all(&raw) {
            let changed = change.make(&raw, &bounds);
            let found = bases.iter().zip(&honest).zip(&lies).find_map(|((claim, honest), lies)| {
                let honest = honest.added_up(&changed);
                lies.iter().find_map(|lie| Some((claim, changed.forgery(honest.with(&scene, lie))?)))
            });
            match found {
                Some((claim, state)) => {
                    let mut witness = state.witness(&scene, &changed, claim);
                    assert_eq!(check(&witness).unwrap_err().rule, rules::EQUATION, "{}: {change:?}", scene.name);
                    change.make_in(&raw, &mut witness);
                    assert_eq!(check(&witness), Ok(()), "{}: {change:?}", scene.name);
                    forged += 1;
                }
                None if good.iter().any(|state| changed.broken(&state.added_up(&changed)).is_some()) => refusing += 1,
                None => survivors.push(change),
            }
        }
        println!("{}: {forged} changes let something false through, {refusing} refuse what is true", scene.name);
        assert!(forged > raw.len(), "{}: {forged} forged, {refusing} refusing", scene.name);
        let harmful: Vec<_> = survivors.into_iter().filter(|change| !change.is_harmless(&scene, &raw)).collect();
        assert_eq!(harmful, [], "{}", scene.name);
    }
}
