//! An exchange's prices and collateral ratios by size, as a `collateral` policy.
//!
//! The file is the table of assets that Binance publishes with its proof of solvency: CSV with the columns
//! `token`, `asset_usdt_price` and one for each [`Programme`], which holds a ladder such as
//! `[0-500000:100, 500000-1000000:85]`: parts of the value in quote units, and the percentage that counts of each.

use serde::Deserialize;

use super::{Import, ImportError, Parties, Rules, market_entry, name};
use crate::{
    ident::{Bytes32, Name},
    models::{Asset, Collateral, Model, Tier},
    policy::ByBasis,
    portfolio::{Decimal, Magnitude},
    problem::Problem,
    text::{InputErrors, MAX_MISTAKES},
    units::{Decimals, Lots, Notional, Ppm, Price, Timestamp},
    universe::{Instrument, InstrumentClass, Settlement},
};

/// What the file writes for a tier without end.
const ENDLESS: u64 = u64::MAX;

/// Most decimal places of prices: the cheapest tokens cost less than a millionth.
const PRICE_DECIMALS: u8 = 12;

/// What the quote currency is called. The file's tokens are in lower case, so that none of them has the name.
const QUOTE: &str = "QUOTE";

/// Which of the exchange's programmes a ladder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Programme {
    /// Loans to large customers.
    VipLoan,
    /// Cross margin.
    Margin,
    /// Portfolio margin.
    PortfolioMargin,
}

impl Programme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::VipLoan, Self::Margin, Self::PortfolioMargin];
}

/// A token and what it counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is called.
    pub name: Name,
    /// What one unit is worth, in quote units.
    pub price: Magnitude,
    /// How much of its value counts; empty if it is no collateral.
    pub tiers: Vec<Tier>,
}

#[derive(Deserialize)]
struct Line {
    token: String,
    asset_usdt_price: String,
    collateral_vip_loan_ratio_tiers: String,
    collateral_margin_ratio_tiers: String,
    collateral_portfolio_margin_ratio_tiers: String,
}

impl Line {
    fn token(&self, programme: Programme) -> Result<Token, Problem> {
        let price = self.asset_usdt_price.parse::<Decimal>().and_then(Magnitude::try_from);
        let ladder = match programme {
            Programme::VipLoan => &self.collateral_vip_loan_ratio_tiers,
            Programme::Margin => &self.collateral_margin_ratio_tiers,
            Programme::PortfolioMargin => &self.collateral_portfolio_margin_ratio_tiers,
        };
        Ok(Token {
            name: name(self.token.as_str())?,
            price: price.map_err(|expected| Problem::new("", "a price", expected))?,
            tiers: tiers(ladder).ok_or_else(|| {
                let expected = "tiers like [0-500000:100, 500000-1000000:85] without gaps, of at most 100 percent";
                Problem::new("", expected, format!("{ladder:?}"))
            })?,
        })
    }
}

/// Reads the tokens of the table, with their ladders for a programme. `file` is what errors call the input.
///
/// # Errors
/// With every line that is malformed, up to [`MAX_MISTAKES`].
pub fn read(file: &str, text: &str, programme: Programme) -> Result<Vec<Token>, InputErrors> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut misfits = Vec::new();
    let mut tokens: Vec<Token> = Vec::new();
    let headers = reader.headers().cloned().unwrap_or_default();
    for record in reader.records() {
        if misfits.len() > MAX_MISTAKES {
            break;
        }
        let malformed = |error: csv::Error| {
            let offset = error.position().map_or(0, |position| position.byte());
            (offset, Problem::new("", "the columns of the table of assets, each in quotes", error.to_string()))
        };
        let token = record.map_err(malformed).and_then(|record| {
            let line: Line = record.deserialize(Some(&headers)).map_err(malformed)?;
            let offset = record.position().map_or(0, csv::Position::byte);
            line.token(programme).map_err(|problem| (offset, problem))
        });
        match token {
            Ok(token) => tokens.push(token),
            Err((offset, problem)) => misfits.push((offset as usize, problem)),
        }
    }
    if misfits.is_empty() { Ok(tokens) } else { Err(InputErrors::at(file, text, misfits)) }
}

/// None if it is no ladder.
fn tiers(text: &str) -> Option<Vec<Tier>> {
    let mut start = 0;
    let tier = |tier: &str| {
        let (range, percent) = tier.split_once(':')?;
        let (from, to) = range.split_once('-')?;
        let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
        let percent: u32 = percent.parse().ok().filter(|percent| *percent <= 100)?;
        if from != std::mem::replace(&mut start, to) {
            return None;
        }
        let up_to = if to == ENDLESS { None } else { Some(Notional::new(to).ok()?) };
        let weight = Ppm(percent * 10_000);
        Some(Tier::new(up_to, ByBasis { maintenance: weight, initial: weight }))
    };
    if text.is_empty() {
        return Some(Vec::new());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.split(',').map(str::trim).filter(|tier| !tier.is_empty()).map(tier).collect()
}

/// The tokens by these names, or all if there are none.
///
/// # Errors
/// With every name that the table does not have.
pub fn choose(tokens: Vec<Token>, names: &[Name]) -> Result<Vec<Token>, Vec<Problem>> {
    let known = |name: &Name| tokens.iter().any(|token| token.name == *name);
    let unknown = names.iter().filter(|name| !known(name));
    let problems: Vec<_> =
        unknown.map(|name| Problem::new("", "the name of a token of the table", name.as_str())).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(tokens.into_iter().filter(|token| names.is_empty() || names.contains(&token.name)).collect())
}

/// A policy under which tokens count by their ladders and the quote currency may be owed. Tokens without a price or a
/// ladder are left out.
///
/// # Errors
/// If a ladder rises (`not concave`), a token is listed twice, none is left, or there is no program.
pub fn import(tokens: &[Token], time: Timestamp, srs: Bytes32, parties: &Parties) -> Result<Import, ImportError> {
    let counts = |token: &&Token| !token.tiers.is_empty() && token.price.rounded(PRICE_DECIMALS) != Some(0);
    let tokens: Vec<&Token> = tokens.iter().filter(counts).collect();
    if tokens.is_empty() {
        return Err(Problem::new("", "a token with a price and a ladder", "none").into());
    }
    let least = Price::new(1).map_err(|error| Problem::new("", "a price", error))?;
    let entry = |token: &&Token| market_entry(token.name.clone(), token.price, least, PRICE_DECIMALS);
    let market = tokens.iter().map(entry).collect::<Result<_, Problem>>()?;
    let quote = name(QUOTE)?;
    let cash = Asset {
        instrument: quote.clone(),
        price: None,
        short: true,
        weight: Some(ByBasis { maintenance: Ppm::ONE, initial: Ppm::ONE }),
        tiers: Vec::new(),
        liquidity: None,
        debt_spread: None,
    };
    let asset = |token: &&Token| Asset {
        instrument: token.name.clone(),
        price: Some(token.name.clone()),
        short: false,
        weight: None,
        tiers: token.tiers.clone(),
        liquidity: None,
        debt_spread: None,
    };
    let spot = |token: &&Token| instrument(token.name.clone(), InstrumentClass::Spot, token.price);
    let instruments = std::iter::once(instrument(quote, InstrumentClass::Cash, Magnitude::ONE))
        .chain(tokens.iter().map(spot))
        .collect::<Result<_, _>>()?;
    let assets = std::iter::once(cash).chain(tokens.iter().map(asset)).collect();
    let model = Model::Collateral(Collateral { assets });
    Rules { name: name("haircuts")?, instruments, market, time, model }.import(srs, parties)
}

/// Lots of a hundred-millionth, or of a ten-thousandth of what costs less than one.
fn instrument(name: Name, class: InstrumentClass, price: Magnitude) -> Result<Instrument, Problem> {
    let decimals = if price < Magnitude::ONE { 4 } else { 8 };
    let lot_decimals = Decimals::new(decimals).map_err(|error| Problem::new(name.as_str(), "decimals", error))?;
    let (settlement, quote) = (Settlement::default(), None);
    Ok(Instrument { name, class, lot_decimals, max_lots: Lots::DEFAULT_LIMIT, expiry: None, settlement, quote })
}
