//! The column of a page, and its totals.

use alloy_primitives::I256;
use rand_core::{CryptoRng, RngCore};
use surety_books::{cell::identity, compiled::CompiledRules, page::PageProgram};
use surety_core::{
    failure::{Class, Failure},
    ident::{EvmAddress, Name},
    units::{Price, power_of_ten},
};
use surety_kzg::{Masks, SecretScalars, scalar};
use surety_margin::{evaluate::Evaluator, holdings::Position};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::account::{UserAccount, position_of};

/// Why accounts make no page. Never says a balance.
#[derive(Debug, thiserror::Error)]
pub enum PageInputError {
    /// An account does not belong in a page of the kind.
    #[error("an account: expected balances that the kind {kind} admits, found {found}")]
    NotAdmitted {
        /// The kind.
        kind: Name,
        /// The instrument.
        found: String,
    },
    /// More accounts than slots.
    #[error("a page of kind {kind}: expected at most {most} accounts, found {found}")]
    TooMany {
        /// The kind.
        kind: Name,
        /// Slots.
        most: usize,
        /// Accounts.
        found: usize,
    },
    /// Something adds up to too much.
    #[error(
        "a page of kind {kind}: expected {rule}, found more; raise the cap in the book rules, or cover the shortfall"
    )]
    TooLarge {
        /// The kind.
        kind: Name,
        /// The rule.
        rule: String,
    },
    /// The policy.
    #[error(transparent)]
    Evaluate(#[from] surety_margin::evaluate::EvaluateError),
    /// The rules.
    #[error(transparent)]
    Rules(#[from] surety_books::page::PageError),
}

impl Failure for PageInputError {
    fn class(&self) -> Class {
        match self {
            Self::NotAdmitted { .. } | Self::Evaluate(_) | Self::Rules(_) => Class::Input,
            Self::TooMany { .. } => Class::Internal,
            Self::TooLarge { .. } => Class::Insufficient,
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "page".into()
    }
}

/// The accounts of a page: what its column follows from. Secret.
#[derive(Clone)]
pub struct PageInput {
    /// The place of the kind among those of the rules.
    pub kind: usize,
    /// An account for each slot, or nobody.
    pub slots: Vec<Option<UserAccount>>,
    /// What hides the column.
    pub masks: Masks,
}

/// The totals of a page, in lots: for each instrument of the universe, and the shortfall in lots of the quote. Secret.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PageTotals {
    /// Owed to accounts of kinds without debts.
    pub balances: Vec<i128>,
    /// Net, of accounts of kinds with debts.
    pub net: Vec<i128>,
    /// Owed by accounts.
    pub debts: Vec<i128>,
    /// What accounts lack.
    pub shortfall: i128,
}

impl PageTotals {
    /// Nothing, for so many instruments.
    #[must_use]
    pub fn zero(instruments: usize) -> Self {
        let zeros = vec![0; instruments];
        Self { balances: zeros.clone(), net: zeros.clone(), debts: zeros, shortfall: 0 }
    }

    /// Adds those of another page.
    pub fn add(&mut self, other: &Self) {
        let sum = |mine: &mut [i128], others: &[i128]| mine.iter_mut().zip(others).for_each(|(a, b)| *a += b);
        sum(&mut self.balances, &other.balances);
        sum(&mut self.net, &other.net);
        sum(&mut self.debts, &other.debts);
        self.shortfall += other.shortfall;
    }

    /// In the order of the rows of the totals.
    #[must_use]
    pub fn in_order(&self) -> Zeroizing<Vec<i128>> {
        Zeroizing::new([self.balances.as_slice(), &self.net, &self.debts, &[self.shortfall]].concat())
    }
}

/// A page that is ready to be proven: its column, and the holdings of its program. Secret.
pub struct FilledPage {
    /// The column, masks included.
    pub column: SecretScalars,
    /// The balances of each slot, then the totals: what the program is about.
    pub position: Position,
    /// The totals.
    pub totals: PageTotals,
}

impl PageInput {
    /// A page of these accounts in slots drawn at random, with fresh masks. Pass the operating system's generator.
    ///
    /// # Errors
    /// If there are more accounts than slots.
    pub fn shuffled(
        page: &PageProgram,
        kind: usize,
        accounts: Vec<UserAccount>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, PageInputError> {
        let (most, found) = (page.layout().accounts(), accounts.len());
        if found > most {
            return Err(PageInputError::TooMany { kind: page.kind().name.clone(), most, found });
        }
        // One allocation, as growing would leave copies of salts behind.
        let mut slots: Vec<Option<UserAccount>> = Vec::with_capacity(most);
        slots.extend(accounts.into_iter().map(Some));
        slots.resize_with(most, || None);
        // Fisher and Yates; a number of 64 bits modulo a small one is as good as uniform.
        for last in (1..slots.len()).rev() {
            slots.swap(last, (rng.next_u64() % (last as u64 + 1)) as usize);
        }
        Ok(Self { kind, slots, masks: Masks::random(rng) })
    }

    /// Fills the column: identities and balances in the slots' rows, totals and masks in theirs.
    ///
    /// # Errors
    /// If an account does not belong in the kind, or shortfalls exceed their cap.
    pub fn fill(
        &self,
        rules: &CompiledRules,
        venue: &EvmAddress,
        prices: &[Price],
    ) -> Result<FilledPage, PageInputError> {
        let page = &rules.kinds[self.kind].page;
        let capacity = page.program().capacity();
        let mut column = SecretScalars::zeros(capacity.rows());
        // One allocation: growing would leave copies behind.
        let mut lots = Zeroizing::new(Vec::with_capacity(page.layout().rows().len()));
        for (cell, slot) in page.layout().cells().cells().iter().zip(&self.slots) {
            let Some(account) = slot else {
                lots.extend(page.tracked().iter().map(|_| 0));
                continue;
            };
            refuse_misplaced(account, page)?;
            let rows = cell.rows();
            column[rows[0].index()] = identity(venue, &account.user, &account.nonce(), &account.salt());
            for (row, position) in rows[1..].iter().zip(page.tracked()) {
                column[row.index()] = scalar::from_i128(account.lots[*position]);
                lots.push(account.lots[*position]);
            }
        }
        let totals = self.totals(rules, prices)?;
        for (row, total) in page.layout().totals().rows().iter().zip(totals.in_order().iter()) {
            column[row.index()] = scalar::from_i128(*total);
        }
        column[capacity.tail()].copy_from_slice(self.masks.scalars());
        lots.extend(totals.in_order().iter());
        let too_large = |_| self.too_large(page, "totals of at most 2^95 - 1 lots");
        Ok(FilledPage { column, position: position_of(&lots).map_err(too_large)?, totals })
    }

    fn too_large(&self, page: &PageProgram, rule: &str) -> PageInputError {
        PageInputError::TooLarge { kind: page.kind().name.clone(), rule: rule.to_owned() }
    }

    fn totals(&self, rules: &CompiledRules, prices: &[Price]) -> Result<PageTotals, PageInputError> {
        let page = &rules.kinds[self.kind].page;
        let universe = rules.policy.universe();
        let mut totals = PageTotals::zero(universe.instruments.len());
        for account in self.slots.iter().flatten() {
            for position in page.tracked() {
                let lots = account.lots[*position];
                if !page.kind().debts {
                    totals.balances[*position] += lots;
                    continue;
                }
                totals.net[*position] += lots;
                if !universe.instruments[*position].class.is_derivative() {
                    totals.debts[*position] += (-lots).max(0);
                }
            }
        }
        if page.kind().debts {
            totals.shortfall = self.shortfall(rules, prices)?;
        }
        Ok(totals)
    }

    /// What the accounts lack, in lots of the quote instrument, rounded up.
    fn shortfall(&self, rules: &CompiledRules, prices: &[Price]) -> Result<i128, PageInputError> {
        let page = &rules.kinds[self.kind].page;
        let ground = rules.ground();
        let universe = ground.universe;
        let evaluator = Evaluator::new(ground.policy, universe, ground.level()?)?;
        let (mut lacking, mut decimals) = (I256::ZERO, 0);
        let too_large = || self.too_large(page, "shortfalls within their cap");
        for account in self.slots.iter().flatten() {
            let position = account.position().map_err(|_| too_large())?;
            let evaluation = evaluator.evaluate(&position, prices).ok_or_else(too_large)?;
            decimals = evaluation.margin.decimals;
            let margins = evaluation.buckets.iter().map(|bucket| bucket.margin.atoms);
            let alone = evaluation.buckets.is_empty().then_some(evaluation.margin.atoms);
            for margin in margins.chain(alone).filter(|margin| margin.is_negative()) {
                lacking -= margin;
            }
        }
        let quote = universe.position(&rules.rules.quote).map(|at| &universe.instruments[at]);
        let of_lots = quote.map_or(0, |quote| u32::from(quote.lot_decimals.get()));
        let lot = power_of_ten(decimals.saturating_sub(of_lots));
        let lots = (lacking + lot - I256::ONE) / lot;
        i128::try_from(lots).ok().filter(|lots| *lots <= ground.max_shortfall()).ok_or_else(too_large)
    }
}

/// An account in a kind that does not track all of its balances, or that admits no debt, would be proven for less.
fn refuse_misplaced(account: &UserAccount, page: &PageProgram) -> Result<(), PageInputError> {
    let refused = |found: &str| PageInputError::NotAdmitted { kind: page.kind().name.clone(), found: found.to_owned() };
    let untracked = |(position, lots): (usize, &i128)| *lots != 0 && !page.tracked().contains(&position);
    if account.lots.iter().enumerate().any(untracked) {
        return Err(refused("an instrument that pages of the kind have no row for"));
    }
    if !page.kind().debts && account.lots.iter().any(|lots| *lots < 0) {
        return Err(refused("a debt"));
    }
    Ok(())
}
