//! The program of a kind of page.
//!
//! With the balances `q_ui` of account u, the margin `f_u` of its level, and the totals of the page, the program of a
//! kind with debts requires
//!
//! ```text
//! shortfall ≥ Σ_u max(0, -f_u)        net_i ≥ Σ_u q_ui        debts_i ≥ Σ_u max(0, -q_ui)
//! ```
//!
//! for every instrument i, the net balance of a derivative exactly; and that of a kind without debts
//!
//! ```text
//! q_ui ≥ 0                            balances_i ≥ Σ_u q_ui
//! ```
//!
//! A total that is larger than need be only makes the venue owe more. Every other total of the page must be zero: one
//! that a program left alone could be negative, and pay for what another page lacks.

use alloy_primitives::I256;
use surety_core::{
    capacity::{Capacity, Groups, Row},
    ident::Name,
    problem::Problem,
    units::{Lots, power_of_ten},
};
use surety_margin::{
    compile::{CompileError, LevelRules},
    integers::common_multiple,
    level::Level,
    policy::Policy,
    program::{Affine, Builder, Expression, HoldingRange, Program, ProgramError, Size, holding, lack, positive_part},
    universe::Universe,
};

use crate::{
    layout::{PageLayout, PageLayoutError},
    rules::{BookRules, PageKind},
};

/// Accounts that the first guess at the size of a page is made from.
const FEW: usize = 2;

/// Why a kind of page has no program.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Rules are broken.
    #[error("{}", surety_core::problem::listed("book rules", .0))]
    Rules(Vec<Problem>),
    /// The policy's level.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The program.
    #[error("kind {kind}: {error}")]
    Program {
        /// The kind.
        kind: Name,
        /// Why.
        error: ProgramError,
    },
    /// The layout.
    #[error("kind {kind}: {error}")]
    Layout {
        /// The kind.
        kind: Name,
        /// Why.
        error: PageLayoutError,
    },
}

/// A kind of page, compiled.
#[derive(Clone, Debug)]
pub struct PageProgram {
    kind: PageKind,
    tracked: Vec<usize>,
    layout: PageLayout,
    program: Program,
}

impl PageProgram {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &PageKind {
        &self.kind
    }

    /// The positions in the universe of the instruments that accounts may have, in the order of a cell.
    #[must_use]
    pub fn tracked(&self) -> &[usize] {
        &self.tracked
    }

    /// Where everything lies.
    #[must_use]
    pub fn layout(&self) -> &PageLayout {
        &self.layout
    }

    /// The program. Its holdings are the balances of each account, then the totals, as in [`PageLayout::rows`].
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }
}

/// Everything that pages follow from.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The rules of the book.
    pub rules: &'a BookRules,
    /// The policy.
    pub policy: &'a Policy,
    /// Its universe.
    pub universe: &'a Universe,
}

impl Ground<'_> {
    /// Compiles a kind of page for as many accounts as the rules say, or as there is room for.
    ///
    /// # Errors
    /// If rules are broken, or nothing fits.
    pub fn page(&self, kind: &PageKind) -> Result<PageProgram, PageError> {
        let rules = LevelRules::new(self.policy, self.universe, self.level()?)?;
        let compiler = Compiler::new(*self, kind, rules)?;
        match kind.accounts {
            Some(accounts) => compiler.page(accounts as usize, compiler.growth()?),
            None => compiler.largest(),
        }
    }

    /// The level that every account is held to.
    ///
    /// # Errors
    /// With the rules that are broken.
    pub fn level(&self) -> Result<&Level, PageError> {
        let problems = self.rules.check(self.policy, self.universe);
        let level = self.policy.level(&self.rules.level);
        level.filter(|_| problems.is_empty()).ok_or(PageError::Rules(problems))
    }

    /// The most that shortfalls may come to, in lots of the quote instrument.
    #[must_use]
    pub fn max_shortfall(&self) -> i128 {
        let quote = self.universe.position(&self.rules.quote).and_then(|at| self.universe.instruments.get(at));
        quote.map_or(0, |quote| self.rules.max_shortfall_in(quote))
    }
}

struct Compiler<'a> {
    ground: Ground<'a>,
    kind: &'a PageKind,
    rules: LevelRules,
    tracked: Vec<usize>,
}

impl<'a> Compiler<'a> {
    fn new(ground: Ground<'a>, kind: &'a PageKind, rules: LevelRules) -> Result<Self, PageError> {
        let admitted = ground.rules.admitted(ground.policy);
        let tracked =
            |(_, name): &(usize, &Name)| kind.admits(name) && admitted.iter().any(|rule| rule.instrument == *name);
        let names = ground.universe.instruments.iter().map(|instrument| &instrument.name).enumerate();
        let tracked = names.filter(tracked).map(|(position, _)| position).collect();
        Ok(Self { ground, kind, rules, tracked })
    }

    fn capacity(&self) -> Capacity {
        self.ground.universe.capacity
    }

    fn instruments(&self) -> usize {
        self.ground.universe.instruments.len()
    }

    /// The page of as many accounts as there is room for. A first guess is exact but for roundings.
    fn largest(&self) -> Result<PageProgram, PageError> {
        let growth = self.growth()?;
        let mut accounts = growth.room(self.capacity());
        loop {
            match self.page(accounts, growth) {
                Err(PageError::Program { error: ProgramError::TooLarge { .. }, .. } | PageError::Layout { .. })
                    if accounts > 1 =>
                {
                    accounts -= accounts.div_ceil(500);
                }
                result => return result,
            }
        }
    }

    /// What each account takes, and what the totals take, from the sizes of two small pages.
    fn growth(&self) -> Result<Growth, PageError> {
        let capacity = self.capacity();
        let groups = Groups::finest(capacity);
        let size = |accounts: usize| {
            let rows = groups.slots().take(self.holdings(accounts).len()).collect();
            self.builder(groups, accounts, rows).map(|builder| builder.size())
        };
        let (few, more) = (size(FEW)?, size(2 * FEW)?);
        let each = |of: fn(Size) -> usize| (of(more) - of(few)) / FEW;
        let each = Size { rows: each(|it| it.rows), short: each(|it| it.short), long: each(|it| it.long) };
        let rest = |of: fn(Size) -> usize| of(few).saturating_sub(FEW * of(each));
        // Totals outgrow short groups where there are many accounts.
        let long = rest(|it| it.short) + rest(|it| it.long);
        Ok(Growth { each, rest: Size { rows: rest(|it| it.rows), short: 0, long } })
    }

    /// The page of so many accounts.
    fn page(&self, accounts: usize, growth: Growth) -> Result<PageProgram, PageError> {
        let capacity = self.capacity();
        let layout = PageLayout::new(capacity, self.instruments(), self.tracked.len(), accounts);
        let layout = layout.map_err(|error| PageError::Layout { kind: self.kind.name.clone(), error })?;
        // The first instruments of the universe need long groups, which have their rows behind the same heads always.
        let kept = self.instruments().div_ceil(capacity.limbs() - 1);
        let short = (accounts * growth.each.short).min(2 * capacity.variables().saturating_sub(kept));
        // Short groups are even in number, and there are none where groups do not split.
        let groups = Groups::with_short(capacity, short & !1).unwrap_or(Groups::long(capacity));
        let builder = self.builder(groups, accounts, layout.rows())?;
        let program = builder.finish().map_err(|error| self.failed(error))?;
        Ok(PageProgram { kind: self.kind.clone(), tracked: self.tracked.clone(), layout, program })
    }

    fn failed(&self, error: ProgramError) -> PageError {
        PageError::Program { kind: self.kind.name.clone(), error }
    }

    /// The ranges of all holdings: balances of accounts, then totals.
    fn holdings(&self, accounts: usize) -> Vec<HoldingRange> {
        let instruments = &self.ground.universe.instruments;
        let range = |position: usize| {
            let HoldingRange { name, min, max } = self.rules.holdings[position].clone();
            HoldingRange { name, min: if self.kind.debts { min } else { 0 }, max }
        };
        let balances: Vec<HoldingRange> = self.tracked.iter().map(|position| range(*position)).collect();
        let mut all: Vec<HoldingRange> = (0..accounts).flat_map(|_| balances.clone()).collect();
        // Zero, unless the kind adds up the total.
        let total = |position: usize, part: &str, bounds: Option<(i128, i128)>| {
            let name = &instruments[position].name;
            let name = Name::new(format!("{part}:{name}")).unwrap_or_else(|_| name.clone());
            let (min, max) = bounds.unwrap_or((0, 0));
            HoldingRange { name, min, max }
        };
        let most = |amount: i128| amount.saturating_mul(accounts as i128).clamp(-Lots::MAX, Lots::MAX);
        let of_tracked = |position: usize| self.tracked.iter().find(|it| **it == position).map(|it| range(*it));
        let (with, without) = (self.kind.debts, !self.kind.debts);
        all.extend((0..instruments.len()).map(|position| {
            let sum = of_tracked(position).filter(|_| without);
            total(position, "balances", sum.map(|range| (0, most(range.max))))
        }));
        all.extend((0..instruments.len()).map(|position| {
            let sum = of_tracked(position).filter(|_| with);
            total(position, "net", sum.map(|range| (most(range.min), most(range.max))))
        }));
        all.extend((0..instruments.len()).map(|position| {
            let sum = of_tracked(position).filter(|_| with && self.adds_debts(position));
            total(position, "debts", sum.map(|range| (0, most(-range.min))))
        }));
        let shortfall = if with { self.ground.max_shortfall() } else { 0 };
        all.push(HoldingRange { name: self.ground.rules.quote.clone(), min: 0, max: shortfall });
        all
    }

    /// Whether debts of an instrument are added up: a short derivative is no debt of an asset.
    fn adds_debts(&self, position: usize) -> bool {
        !self.ground.universe.instruments[position].class.is_derivative() && self.rules.holdings[position].min < 0
    }

    fn builder(&self, groups: Groups, accounts: usize, rows: Vec<Row>) -> Result<Builder<'_>, PageError> {
        let failed = |error| self.failed(error);
        let builder = Builder::new(self.capacity(), &self.rules.prices, self.holdings(accounts));
        let mut builder = builder.laid_out(groups, rows).map_err(failed)?;
        let (tracked, all) = (self.tracked.len(), self.instruments());
        let of_account = |account: usize, place: usize| holding(account * tracked + place);
        let total = |part: usize, position: usize| holding(accounts * tracked + part * all + position);
        if self.kind.debts {
            builder.require("shortfalls", &self.uncovered(accounts).map_err(failed)?).map_err(failed)?;
        }
        for (place, position) in self.tracked.iter().copied().enumerate() {
            let name = &self.ground.universe.instruments[position].name;
            let sum: Expression = (0..accounts).map(|account| of_account(account, place)).sum();
            if !self.kind.debts {
                builder.require(&format!("balances of {name}"), &(total(0, position) - sum)).map_err(failed)?;
                continue;
            }
            let (net, rule) = (total(1, position) - sum, format!("net balance of {name}"));
            if self.ground.universe.instruments[position].class.is_derivative() {
                builder.require_zero(&rule, &net).map_err(failed)?;
            } else {
                builder.require(&rule, &net).map_err(failed)?;
            }
            if self.adds_debts(position) {
                let owed: Expression = (0..accounts).map(|account| positive_part(-of_account(account, place))).sum();
                builder.require(&format!("debts of {name}"), &(total(2, position) - owed)).map_err(failed)?;
            }
        }
        builder.ranges().map_err(failed)?;
        Ok(builder)
    }

    /// The page's total of shortfalls less what its accounts lack, both in the smallest unit in which a lot of the
    /// quote instrument and the units of all margins are whole: each model counts in a unit of its own.
    fn uncovered(&self, accounts: usize) -> Result<Expression, ProgramError> {
        let tracked = self.tracked.len();
        let lots = self.lots_of_quote_unit();
        let units = self.rules.requirements.iter().map(|requirement| requirement.unit);
        let unit = units.clone().try_fold(lots, common_multiple).ok_or_else(|| ProgramError::Wraps {
            rule: "shortfalls".to_owned(),
            found: "a common unit of all margins beyond 256 bits".to_owned(),
        })?;
        let lacking = (0..accounts).flat_map(|account| {
            let place = move |position: usize| {
                let place = self.tracked.iter().position(|it| *it == position);
                place.map_or_else(Expression::zero, |place| holding(account * tracked + place))
            };
            self.rules.requirements.iter().map(move |requirement| {
                lack(requirement.margin.over(&place)).times(Affine::constant(unit / requirement.unit))
            })
        });
        let lacking: Expression = lacking.sum();
        let shortfall = holding(accounts * tracked + 3 * self.instruments());
        Ok(shortfall.times(Affine::constant(unit / lots)) - lacking)
    }

    /// Lots of the quote instrument, which has no price, in a quote unit.
    fn lots_of_quote_unit(&self) -> I256 {
        let universe = self.ground.universe;
        let decimals =
            universe.position(&self.ground.rules.quote).map(|at| universe.instruments[at].lot_decimals.get());
        power_of_ten(decimals.unwrap_or(0).into())
    }
}

/// How the size of a page grows with its accounts.
#[derive(Clone, Copy, Debug)]
struct Growth {
    each: Size,
    rest: Size,
}

impl Growth {
    /// Accounts that there is room for by rows and by variables.
    fn room(self, capacity: Capacity) -> usize {
        let cells = |size: Size| size.short * capacity.limbs() / 2 + size.long * capacity.limbs();
        let all = capacity.variables() * capacity.limbs();
        let by_rows = capacity.program_rows().saturating_sub(self.rest.rows) / self.each.rows.max(1);
        let by_cells = all.saturating_sub(cells(self.rest)) / cells(self.each).max(1);
        by_rows.min(by_cells).max(1)
    }
}
