//! Programs of pages of books: the accounts of a venue side by side, in rows that are divided.
//!
//! What pages claim is stated here once more, in plain arithmetic: totals are added up by hand, and what an account
//! lacks is evaluated without a program. The page's program, the circuit, its twin and proofs must say the same
//! ([`decided`]); each row of the program is needed ([`needed`]); and each cell of a witness is bound ([`cells`]).

mod cells;
mod decided;
mod needed;

use alloy_primitives::{I256, U256};
use ff::{Field as _, PrimeField as _};
use halo2_proofs::dev::MockProver;
use halo2curves::bn256::Fr;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};
use surety_books::{
    page::{Ground, PageProgram},
    rules::{BookRules, Cap, PageKind},
};
use surety_circuits::{Witness, check::check, circuit::LinearProgramCircuit};
use surety_core::{
    FormatVersion,
    decimal::Magnitude,
    ident::Name,
    kind::KindOf,
    units::{Lots, Price, ShockPpm},
};
use surety_kzg::{Masks, SecretScalars, scalar};
use surety_margin::{evaluate::Evaluator, models::Model, program::Assignment};
use surety_testing::sample::{self, Sample};

use crate::common::position;

/// Accounts of a page.
const ACCOUNTS: usize = 3;

/// A kind of page, compiled, and prices.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    sample: Sample,
    rules: BookRules,
    page: PageProgram,
    prices: Vec<Price>,
}

/// Kinds of every sort.
pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        Scene::new("balances", sample::collateral(10, 2), false, &[]),
        Scene::new("debts", sample::collateral(10, 2), true, &[]),
        Scene::new("two of three instruments", sample::collateral(10, 3), true, &["USD", "PERP-1"]),
        Scene::new("tiers", sample::tiered(10, 2, 3), true, &[]),
        Scene::new("scenarios", scenarios(), true, &[]),
    ]
}

/// Scenarios of which each is the worst for somebody, the one without shocks among them.
fn scenarios() -> Sample {
    let mut sample = sample::scenario_margin(10, 3, 3);
    let Model::Scenario(model) = &mut sample.policy.model else { unreachable!("the sample is scenario margin") };
    for (scenario, shocks) in model.scenarios.iter_mut().zip([[-200_000, 0], [0, -200_000], [-300_000, -300_000]]) {
        scenario.shocks.values_mut().zip(shocks).for_each(|(shock, ppm)| *shock = ShockPpm(ppm));
    }
    sample
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn units(text: &str) -> Magnitude {
    serde_json::from_str(&format!("{text:?}")).unwrap()
}

impl Scene {
    fn new(text: &'static str, sample: Sample, debts: bool, instruments: &[&str]) -> Self {
        let instruments = instruments.iter().map(|instrument| name(instrument)).collect();
        let kind = PageKind { name: name("page"), debts, instruments, accounts: Some(ACCOUNTS as u32) };
        let cap = |name: &Name| Cap { instrument: name.clone(), debts: units("1000000"), balances: units("1000000") };
        let rules = BookRules {
            kind: KindOf::new(),
            version: FormatVersion,
            venue: name("example"),
            level: name("maintenance"),
            quote: name("USD"),
            max_shortfall: units("50000"),
            kinds: vec![kind],
            caps: sample.universe.instruments.iter().map(|instrument| cap(&instrument.name)).collect(),
        };
        let ground = Ground { rules: &rules, policy: &sample.policy, universe: &sample.universe };
        let page = ground.page(&rules.kinds[0]).unwrap();
        let prices = sample::prices(&sample.policy);
        Self { name: text, prices, page, rules, sample }
    }

    fn evaluator(&self) -> Evaluator<'_> {
        let Self { sample: Sample { universe, policy }, rules, .. } = self;
        let level = policy.level(&rules.level).unwrap();
        Evaluator::new(policy, universe, level).unwrap()
    }

    fn instruments(&self) -> usize {
        self.sample.universe.instruments.len()
    }

    fn has_debts(&self) -> bool {
        self.page.kind().debts
    }

    fn is_derivative(&self, position: usize) -> bool {
        self.sample.universe.instruments[position].class.is_derivative()
    }

    /// The margin of an account of the page, in atoms, of which there are so many in a lot of the quote instrument.
    fn margin(&self, account: &[i128]) -> (I256, I256) {
        let mut all = vec![0; self.instruments()];
        self.page.tracked().iter().zip(account).for_each(|(position, lots)| all[*position] = *lots);
        let margin = self.evaluator().evaluate(&position(&all), &self.prices).unwrap().margin;
        (margin.atoms, I256::from_raw(U256::from(10).pow(U256::from(margin.decimals - 2))))
    }

    /// What all accounts lack, in atoms, and the atoms of a lot.
    fn lacking(&self, accounts: &[Vec<i128>]) -> (I256, I256) {
        let margins: Vec<_> = accounts.iter().map(|account| self.margin(account)).collect();
        (margins.iter().map(|(margin, _)| (-*margin).max(I256::ZERO)).sum(), margins[0].1)
    }

    /// The least totals of accounts, in the order of their rows.
    fn totals(&self, accounts: &[Vec<i128>]) -> Vec<i128> {
        let n = self.instruments();
        let mut totals = vec![0; 3 * n + 1];
        for account in accounts {
            for (position, lots) in self.page.tracked().iter().zip(account) {
                if !self.has_debts() {
                    totals[*position] += lots;
                    continue;
                }
                totals[n + position] += lots;
                totals[2 * n + position] += if self.is_derivative(*position) { 0 } else { (-lots).max(0) };
            }
        }
        if self.has_debts() {
            let (lacking, lot) = self.lacking(accounts);
            totals[3 * n] = ((lacking + lot - I256::ONE) / lot).try_into().unwrap();
        }
        totals
    }

    /// A good claim: accounts with their least totals.
    fn claim(&self, accounts: &[Vec<i128>]) -> Vec<i128> {
        accounts.iter().flatten().copied().chain(self.totals(accounts)).collect()
    }

    /// The accounts and the totals of a claim.
    fn parts<'a, T>(&self, claim: &'a [T]) -> (Vec<&'a [T]>, &'a [T]) {
        let (balances, totals) = claim.split_at(ACCOUNTS * self.page.tracked().len());
        (balances.chunks(self.page.tracked().len()).collect(), totals)
    }

    /// Whether totals are enough for the balances, and those are such as the kind admits.
    fn is_true(&self, claim: &[Fr]) -> bool {
        let lots = claim.iter().map(|lots| centred(*lots).and_then(|lots| i128::try_from(lots).ok()));
        let lots: Option<Vec<_>> = lots.map(|lots| Some(Lots::new(lots?).ok()?.get())).collect();
        let Some(lots) = lots else { return false };
        let (accounts, totals) = self.parts(&lots);
        if !self.has_debts() && accounts.iter().any(|account| account.iter().any(|lots| *lots < 0)) {
            return false;
        }
        let accounts: Vec<_> = accounts.into_iter().map(<[_]>::to_vec).collect();
        let (n, least) = (self.instruments(), self.totals(&accounts));
        let part = if self.has_debts() { n } else { 0 };
        (0..totals.len()).all(|at| {
            let of_net_derivative = (n..2 * n).contains(&at) && self.is_derivative(at - n);
            let tracked = self.page.tracked().contains(&(at % n));
            let adds_up = tracked && (part..part + n).contains(&at)
                || self.has_debts()
                    && (at == 3 * n || (2 * n..3 * n).contains(&at) && tracked)
                    && !((2 * n..3 * n).contains(&at) && self.is_derivative(at - 2 * n));
            if adds_up && !of_net_derivative { totals[at] >= least[at] } else { totals[at] == least[at] }
        })
    }

    fn solve(&self, claim: &[i128]) -> Option<Assignment> {
        self.page.program().solve(&position(claim), &self.prices).ok()
    }

    /// The column of holdings, without identities, with masks from a seed.
    fn hold(&self, claim: &[Fr]) -> SecretScalars {
        let capacity = self.page.program().capacity();
        let mut hold = SecretScalars::zeros(capacity.rows());
        for (row, lots) in self.page.layout().rows().into_iter().zip(claim) {
            hold[row.index()] = *lots;
        }
        let masks = Masks::random(&mut ChaCha20Rng::seed_from_u64(1));
        hold[capacity.tail()].copy_from_slice(masks.scalars());
        hold
    }

    fn witness(&self, claim: &[i128], assignment: &Assignment) -> Witness {
        Witness::new(self.page.program(), &self.prices, &self.hold(&scalars(claim)), assignment).unwrap()
    }

    /// A witness of accounts of which one lacks something, if the kind has debts.
    pub(crate) fn honest(&self) -> Witness {
        let claim = self.claim(&self.accounts(&mut ChaCha20Rng::seed_from_u64(7)));
        self.witness(&claim, &self.solve(&claim).unwrap())
    }

    /// Accounts drawn at random: in kinds with debts about half of them lack a little.
    fn accounts(&self, rng: &mut ChaCha20Rng) -> Vec<Vec<i128>> {
        (0..ACCOUNTS).map(|_| self.account(rng)).collect()
    }

    fn account(&self, rng: &mut ChaCha20Rng) -> Vec<i128> {
        let mut draw = |below: u64| rng.next_u64() % below;
        let mut account: Vec<i128> = Vec::new();
        for _ in self.page.tracked() {
            let most = 10u64.pow(5 + draw(6) as u32);
            let size = i128::from(draw(most));
            let sign = if self.has_debts() { 1 - 2 * i128::from(draw(2)) } else { 1 };
            account.push(if draw(3) == 0 { 0 } else { sign * size });
        }
        if self.has_debts() && draw(4) > 0 {
            self.have_lack(&mut account, i128::from(draw(200_000)) - 50_000);
        }
        account
    }

    /// Sets the cash of an account so that it lacks so many lots of the quote instrument; it has some to spare if that
    /// is negative.
    fn have_lack(&self, account: &mut [i128], lots: i128) {
        // Cash counts in full, or at 95 percent where it is held: each step leaves a twentieth of what is wrong.
        for _ in 0..16 {
            let (margin, lot) = self.margin(account);
            account[0] -= i128::try_from(margin / lot).unwrap() + lots;
        }
    }

    /// Accounts that lack a little, all long or short of much of each instrument in the same way: a page for each way.
    fn one_sided(&self) -> Vec<Vec<Vec<i128>>> {
        let others = self.page.tracked().len() - 1;
        let ways = if self.has_debts() { 1 << others } else { 0 };
        let page = |way: u32| {
            let sign = |other: usize| if way >> other & 1 == 0 { 1 } else { -1 };
            let mut account = vec![0];
            account.extend((0..others).map(|other| sign(other) * 10_000_000_000));
            self.have_lack(&mut account, 1_000);
            vec![account; ACCOUNTS]
        };
        (0..ways).map(page).collect()
    }
}

fn scalars(claim: &[i128]) -> Vec<Fr> {
    claim.iter().map(|lots| scalar::from_i128(*lots)).collect()
}

/// The number between `-r/2` and `r/2`, if it is one of fewer than 250 bits.
fn centred(value: Fr) -> Option<I256> {
    let number = |value: Fr| U256::from_le_bytes(value.to_repr());
    let small = |value: U256| (value.bit_len() < 250).then(|| I256::from_raw(value));
    small(number(value)).or_else(|| small(number(-value)).map(|negative| -negative))
}

/// Twin and circuit, which must agree.
fn circuit_accepts(witness: &Witness) -> bool {
    let circuit = LinearProgramCircuit::with_witness(witness.clone());
    let mock = MockProver::run(witness.capacity().k(), &circuit, vec![vec![Fr::ZERO]]).unwrap().verify().is_ok();
    assert_eq!(check(witness).is_ok(), mock);
    mock
}
