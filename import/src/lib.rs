//! From files that others publish to a universe, a policy and what belongs to them.
//!
//! What is imported can be explained as it is. Before anything can be proven against it, the policy needs the keys of a
//! source and of oracle nodes, which no such file has: [`Parties`].
//!
//! | | |
//! |---|---|
//! | [`derive_pm2`] | a case of Derive's portfolio margin |
//! | [`haircuts`] | an exchange's table of prices and collateral ratios |
//! | [`observations`] | a table of what an oracle node observed |
//! | [`positions`], [`book`], `cost` | a spreadsheet's amounts, and the cost of positions in quote balances |
//!
//! ```
//! use surety_core::text::Document as _;
//! use surety_import::positions;
//! use surety_margin::universe::Universe;
//!
//! let universe = Universe::from_toml("universe.toml", include_str!("../../examples/universe.toml"))?;
//! let holdings = positions::holdings("holdings.csv", "instrument,amount\nUSDC,12.5\n", &universe)?;
//! assert_eq!(holdings.balances.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod book;
mod cost;
pub mod derive_pm2;
pub mod haircuts;
pub mod observations;
pub mod positions;

use surety_core::{
    FormatVersion,
    capacity::Capacity,
    decimal::Magnitude,
    ident::{Bytes32, EvmAddress, Name},
    kind::KindOf,
    problem::{Problem, listed},
    text::Document as _,
    units::{Decimals, Ppm, Price, Seconds, Timestamp},
};
use surety_margin::{
    compile::{CompileError, compile},
    holdings::Holdings,
    level::{Basis, Claimed, Level},
    market::{
        EntryPrice, MarketEntry, OracleNode, OracleRules, Snapshot,
        boxes::{MAX_INTEREST_RATE, Role},
    },
    models::Model,
    oracle::market_without_reports,
    policy::{Policy, SourceRule, StatementRules},
    program::ProgramError,
    universe::{Instrument, Universe},
};

use crate::derive_pm2::case::CaseError;

/// What an import gives.
#[derive(Clone, Debug)]
pub struct Import {
    /// The instruments.
    pub universe: Universe,
    /// The rules.
    pub policy: Policy,
    /// The prices. Nobody has signed them, which is enough to explain but not to prove.
    pub snapshot: Snapshot,
    /// What is held, if the file says so.
    pub holdings: Option<Holdings>,
}

impl Import {
    /// The same rules with levels that claim the shortfall of each level, in the smallest capacity class that all fit.
    ///
    /// # Errors
    /// If they make no program, or one that fits no capacity class.
    pub fn with_shortfalls(mut self) -> Result<Self, ForeignError> {
        let shortfall = |level: &Level| {
            let name = name(format!("{}-shortfall", level.name))?;
            Ok(Level { name, claim: Claimed::Shortfall, ..level.clone() })
        };
        let shortfalls = self.policy.sufficient_levels().map(shortfall).collect::<Result<Vec<_>, Problem>>()?;
        self.policy.levels.extend(shortfalls);
        self.universe = in_smallest_capacity(self.universe, &self.policy)?;
        Ok(self)
    }
}

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// It is no case.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// What it says breaks rules.
    #[error("{}", listed("", .0))]
    Rules(Vec<Problem>),
    /// Its rules make no program, or one that fits no capacity class.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

impl From<Problem> for ForeignError {
    fn from(problem: Problem) -> Self {
        Self::Rules(vec![problem])
    }
}

/// Who reports prices and states balances under an imported policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// The keys of the oracle nodes; a majority is the quorum.
    pub nodes: Vec<EvmAddress>,
    /// The key of the source.
    pub source: EvmAddress,
}

impl Default for Parties {
    /// Three nodes and a source that nobody has the keys of: enough to explain and to compile.
    fn default() -> Self {
        Self { nodes: [1, 2, 3].map(nobody).to_vec(), source: nobody(0) }
    }
}

impl Parties {
    /// Whether nobody has the key of one of them.
    #[must_use]
    pub fn are_placeholders(&self) -> bool {
        (0..=3).map(nobody).any(|nobody| nobody == self.source || self.nodes.contains(&nobody))
    }
}

/// An address that spells what it is. Nobody can have its key: addresses are hashes of keys.
fn nobody(number: u32) -> EvmAddress {
    let mut address = EvmAddress::ZERO;
    let (text, counter) = address.0.split_at_mut(16);
    text.copy_from_slice(b"nobody's address");
    counter.copy_from_slice(&number.to_be_bytes());
    address
}

/// What an imported policy consists of, apart from what all have in common.
struct Rules {
    name: Name,
    instruments: Vec<Instrument>,
    market: Vec<(MarketEntry, Price)>,
    time: Timestamp,
    model: Model,
}

/// Length of an epoch, in seconds.
const EPOCH: Seconds = Seconds(300);

impl Rules {
    /// The universe of the smallest capacity class that all levels fit, the policy, and the snapshot.
    fn import(self, srs: Bytes32, parties: &Parties) -> Result<Import, ForeignError> {
        let Self { name, instruments, market, time, model } = self;
        let universe = Universe {
            kind: KindOf::new(),
            version: FormatVersion,
            name: name.clone(),
            capacity: largest_capacity()?,
            srs,
            instruments,
        };
        let entries = market.iter().map(|(entry, _)| entry.clone()).collect();
        let policy = policy(&universe, entries, model, parties)?;
        let prices = market.into_iter().map(|(entry, price)| EntryPrice { entry: entry.name, price });
        let snapshot = Snapshot {
            kind: KindOf::new(),
            version: FormatVersion,
            epoch: time.0 / EPOCH.0,
            time,
            prices: prices.collect(),
            previous: None,
            marked: Vec::new(),
            reports: Vec::new(),
        };
        let problems = [universe.problems(), policy.check(&universe)].concat();
        if !problems.is_empty() {
            return Err(ForeignError::Rules(problems));
        }
        // Before a program is made, which takes longer.
        market_without_reports(&policy, &universe, &snapshot).map_err(ForeignError::Rules)?;
        let universe = in_smallest_capacity(universe, &policy)?;
        Ok(Import { universe, policy, snapshot, holdings: None })
    }
}

fn policy(
    universe: &Universe,
    market: Vec<MarketEntry>,
    model: Model,
    parties: &Parties,
) -> Result<Policy, ForeignError> {
    let node =
        |(i, signer): (usize, &EvmAddress)| Ok(OracleNode { name: name(format!("node-{}", i + 1))?, signer: *signer });
    let level = |text: &str, basis| Ok(Level::new(name(text)?, basis, Ppm::ONE));
    Ok(Policy {
        kind: KindOf::new(),
        version: FormatVersion,
        name: universe.name.clone(),
        universe: universe.name.clone(),
        validity: Seconds(3_600),
        consent: false,
        unmargined: Vec::new(),
        market,
        derived: Vec::new(),
        oracle: OracleRules {
            nodes: parties.nodes.iter().enumerate().map(node).collect::<Result<_, Problem>>()?,
            quorum: parties.nodes.len() as u32 / 2 + 1,
            epoch: EPOCH,
            max_age: Seconds(900),
            max_skew: Seconds(60),
            max_confidence: Ppm(10_000),
            breaker: None,
        },
        sources: vec![SourceRule {
            name: name("source")?,
            signer: parties.source,
            accounts: vec![name("account")?],
            scope: Vec::new(),
            contract: false,
        }],
        statements: StatementRules { max_skew: Seconds(60), max_age: Seconds(900) },
        vault: None,
        levels: [("maintenance", Basis::Maintenance), ("initial", Basis::Initial)]
            .into_iter()
            .map(|(name, basis)| level(name, basis))
            .collect::<Result<_, Problem>>()?,
        model,
    })
}

/// The universe in the smallest capacity class that all levels of the policy fit.
fn in_smallest_capacity(mut universe: Universe, policy: &Policy) -> Result<Universe, ForeignError> {
    for capacity in Capacity::all() {
        universe.capacity = capacity;
        let too_small = !universe.problems().is_empty() || !policy.check(&universe).is_empty();
        let is_last = capacity.k() == Capacity::MAX_K;
        if too_small && !is_last {
            continue;
        }
        match compile(policy, &universe) {
            Err(CompileError::Program { error: ProgramError::TooLarge { .. }, .. }) if !is_last => {}
            Err(error) => return Err(error.into()),
            Ok(_) => break,
        }
    }
    Ok(universe)
}

fn largest_capacity() -> Result<Capacity, Problem> {
    Capacity::new(Capacity::MAX_K).map_err(|error| Problem::of_sentence("capacity", &error.to_string()))
}

fn name(text: impl Into<String>) -> Result<Name, Problem> {
    Name::new(text).map_err(|error| Problem::of_sentence("", &error))
}

/// How many times smaller and larger than what was observed a price may be under an imported policy: its box reaches
/// from a tenth of it to ten times as much. Whoever uses the policy for long draws the boxes anew.
pub const IMPORTED_FACTOR: u128 = 10;

/// The market entry of a number that was observed, and the number as its price, with as many decimal places, up to
/// `most`, as fit. The box reaches [`IMPORTED_FACTOR`] times down and up from what values something, from zero to twice
/// what an interest rate is (and at least to 100 percent), and from zero to one or what was observed of anything else.
fn market_entry(name: Name, number: Magnitude, role: Role, most: u8) -> Result<(MarketEntry, Price), Problem> {
    let (integer, places) = number.integer();
    let digits = integer.checked_ilog10().map_or(0, |log| log as i32 + 1 - i32::from(places)).max(0).unsigned_abs() + 1;
    let decimals = most.min(PRICE_DIGITS.saturating_sub(digits) as u8);
    let failed = |error: String| Problem::of_sentence(name.as_str(), &error);
    let price = number.rounded(decimals).ok_or_else(|| format!("expected a number that fits a price, found {number}"));
    let price = price.map_err(failed)?;
    let one = 10_u128.pow(decimals.into());
    let (min, max) = match role {
        Role::Price | Role::Held | Role::Option | Role::Divisor if price == 0 => {
            let expected = "a price above 0: at a price of nothing, whoever owes it is safe";
            let advice = "leave out of the account what has no price, or find out what it is";
            return Err(Problem::new(name.as_str(), expected, "0").advise(advice));
        }
        Role::Price | Role::Held | Role::Option | Role::Divisor => {
            ((price / IMPORTED_FACTOR).max(1), price * IMPORTED_FACTOR)
        }
        Role::InterestRate => (0, (2 * price).max(one).min(MAX_INTEREST_RATE * one)),
        Role::Added => (0, price.max(one)),
    };
    let [min, max, price] = [min, max, price].map(Price::new);
    let (min, max, price) = (min.map_err(failed)?, max.map_err(failed)?, price.map_err(failed)?);
    let decimals = Decimals::new(decimals).map_err(failed)?;
    Ok((MarketEntry::new(name.clone(), decimals, min, max), price))
}

/// The market entries of numbers that were observed, or every reason why there are none.
fn market_entries(
    observed: impl IntoIterator<Item = (Name, Magnitude, Role)>,
    most: u8,
) -> Result<Vec<(MarketEntry, Price)>, ForeignError> {
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for (name, number, role) in observed {
        match market_entry(name, number, role, most) {
            Ok(entry) => entries.push(entry),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(entries) } else { Err(ForeignError::Rules(problems)) }
}

/// Powers of ten up to this one are prices: see [`Price::MAX`].
const PRICE_DIGITS: u32 = 28;
