//! An exchange's prices and collateral ratios by size, as a `collateral` policy.
//!
//! The file is the table of assets that Binance publishes with its proof of solvency, with the columns `token`,
//! `asset_usdt_price` and one for each [`Programme`], which holds a ladder such as
//! `[0-500000:100, 500000-1000000:97.5]`: parts of the value in quote units, or of the [number of units](Ends), and the
//! percentage that counts of each.

use surety_core::{
    decimal::{Decimal, Magnitude},
    ident::{Bytes32, Name},
    problem::Problem,
    text::{
        InputErrors,
        number::{Marks, Number, NumberError, Rounding},
        table::{Column, Dialect, Field, Mistakes, Note, Table},
    },
    units::{Decimals, Lots, Notional, Ppm, Timestamp},
};
use surety_margin::{
    level::ByBasis,
    market::boxes::Role,
    models::{Asset, Collateral, Model, Tier},
    universe::{Instrument, InstrumentClass, Settlement},
};

use crate::{ForeignError, Import, Parties, Rules, market_entries, name};

/// What the file writes for a tier without end.
const ENDLESS: &str = "18446744073709551615";

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

/// What the ends of tiers are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// Values in quote units.
    #[default]
    Quote,
    /// Units of the token, whatever they are worth.
    Units,
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

/// What a token is called.
const TOKEN: Column = Column { name: "token", aliases: &["asset", "coin", "currency", "symbol", "instrument", "name"] };

/// What one unit is worth, in quote units.
const PRICE: Column =
    Column { name: "asset_usdt_price", aliases: &["price", "price usd", "price usdt", "price $", "index price"] };

/// How much of its value counts.
fn ladder_column(programme: Programme) -> Column {
    let (name, aliases): (_, &[_]) = match programme {
        Programme::VipLoan => ("collateral_vip_loan_ratio_tiers", &["vip loan", "vip loan tiers"]),
        Programme::Margin => ("collateral_margin_ratio_tiers", &["margin", "margin tiers", "ladder", "tiers"]),
        Programme::PortfolioMargin => {
            ("collateral_portfolio_margin_ratio_tiers", &["portfolio margin", "portfolio margin tiers"])
        }
    };
    Column { name, aliases }
}

/// Reads the tokens of the table, with their ladders for a programme, whose tiers end at so much. `file` is what errors
/// call the input.
///
/// # Errors
/// With every mistake, up to [`MAX_MISTAKES`](surety_core::text::MAX_MISTAKES).
pub fn read(
    file: &str,
    text: &str,
    (programme, ends): (Programme, Ends),
    dialect: &Dialect,
    notes: &mut Vec<Note>,
) -> Result<Vec<Token>, InputErrors> {
    let mut mistakes = Mistakes::default();
    let table = Table::read(text, dialect, &mut mistakes, notes);
    let columns = [TOKEN, PRICE, ladder_column(programme)];
    let found = columns.map(|column| table.require(column, dialect, &mut mistakes));
    if found[2].is_none() {
        refuse_haircuts(&table, dialect, &mut mistakes);
    }
    let ladders = Programme::ALL.map(|programme| table.find(ladder_column(programme), dialect, &mut mistakes));
    let asked: Vec<_> = found.into_iter().chain(ladders).flatten().collect();
    notes.extend(table.others(&asked));
    let mut tokens = Vec::new();
    if let [Some(token), Some(price), Some(ladder)] = found {
        let marks = table.marks(&[price]);
        for row in table.rows() {
            if mistakes.are_enough() {
                break;
            }
            let (Some(token), Some(price), Some(ladder)) = (row.field(token), row.field(price), row.field(ladder))
            else {
                continue;
            };
            let named = mistakes.sift(token.offset(), name(dialect.meaning(token.text())));
            let priced = mistakes.sift(price.offset(), price_of(price, marks));
            let tiered = mistakes.sift(ladder.offset(), ladder_of(ladder.text(), ends));
            if let (Some(name), Some(price), Some(tiers)) = (named, priced, tiered) {
                tokens.push(Token { name, price, tiers });
            }
        }
    }
    mistakes.refuse(file, text)?;
    Ok(tokens)
}

/// Says of a column of haircuts that it is no ladder: a haircut is what does not count.
fn refuse_haircuts(table: &Table<'_>, dialect: &Dialect, mistakes: &mut Mistakes) {
    let haircut = (0..table.header().len()).find(|column| table.key(*column, dialect).contains("haircut"));
    if let Some(haircut) = haircut {
        let problem =
            Problem::new("", "percentages of the value that count", format!("a column {}", table.shown(haircut)));
        let advice =
            "write 100 % less the haircut, in a column ladder; --map says so if the column does state what counts";
        mistakes.add(table.header()[haircut].offset(), problem.advise(advice));
    }
}

/// A price to the nearest of 18 decimal places.
fn price_of(field: &Field<'_>, marks: Marks) -> Result<Magnitude, Problem> {
    let found = |problem: Problem| Problem { found: format!("{:?}", field.text()), ..problem };
    let number = field.number(marks).map_err(|error| match error {
        NumberError::Malformed => found(error.problem(PRICE.name)),
        NumberError::Ambiguous(_) => error.problem(PRICE.name),
    })?;
    let price = Decimal::of(&number).and_then(|price| Magnitude::try_from(price).ok());
    price.ok_or_else(|| {
        found(Problem::new(PRICE.name, "a price that is not negative, of at most 20 digits before the point", ""))
    })
}

fn ladder_of(text: &str, ends: Ends) -> Result<Vec<Tier>, Problem> {
    let expected = "tiers like [0-500000:100, 500000-1000000:97.5] without gaps, of at most 100 percent";
    let tiers = tiers(text, ends).ok_or_else(|| Problem::new("", expected, format!("{text:?}")))?;
    // Shares that count fall with size, and haircuts rise: what does not count, as what does.
    if tiers.windows(2).any(|pair| pair[1].weight.maintenance > pair[0].weight.maintenance) {
        let expected = "percentages of the value that count, which do not rise from tier to tier";
        let problem = Problem::new("", expected, format!("{text:?}"));
        return Err(problem.advise("write 100 % less the haircut, if these are haircuts"));
    }
    Ok(tiers)
}

/// None if it is no ladder.
fn tiers(text: &str, ends: Ends) -> Option<Vec<Tier>> {
    let mut start = Some(Magnitude::default());
    let tier = |tier: &str| {
        let (range, percent) = tier.split_once(':')?;
        let (from, to) = range.split_once('-')?;
        let (from, to) = (bound(from)?, bound(to)?);
        if from.is_none() || from != core::mem::replace(&mut start, to) {
            return None;
        }
        let weight = weight(percent)?;
        let weight = ByBasis { maintenance: weight, initial: weight };
        match (to, ends) {
            (None, _) => Some(Tier::new(None, weight)),
            (Some(to), Ends::Units) => Some(Tier { up_to_units: Some(to), ..Tier::new(None, weight) }),
            (Some(to), Ends::Quote) => Some(Tier::new(Some(whole(to)?), weight)),
        }
    };
    if text.is_empty() {
        return Some(Vec::new());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.split(',').map(str::trim).filter(|tier| !tier.is_empty()).map(tier).collect()
}

/// Where a tier begins or ends, or that it does not; none if it is no number.
fn bound(text: &str) -> Option<Option<Magnitude>> {
    let text = text.trim();
    if [ENDLESS, "inf", "infinity", "\u{221e}", ""].contains(&text) {
        return Some(None);
    }
    let number = Number::parse(text).ok()?;
    // An end that is rounded would be another one.
    number.scaled(Decimals::MAX, Rounding::Floor).filter(|scaled| scaled.exact)?;
    Decimal::of(&number).and_then(|end| Magnitude::try_from(end).ok()).map(Some)
}

/// A positive whole number of quote units.
fn whole(end: Magnitude) -> Option<Notional> {
    let (integer, places) = end.integer();
    Notional::new(u64::try_from(integer).ok().filter(|_| places == 0)?).ok()
}

/// A percentage up to 100, down to whole parts per million, so that no more counts than is stated.
fn weight(text: &str) -> Option<Ppm> {
    let number = Number::parse(text.trim_end_matches([' ', '%'])).ok()?;
    let ppm = number.scaled(PERCENT_PLACES, Rounding::Floor)?.integer;
    u32::try_from(ppm).ok().map(Ppm).filter(|ppm| *ppm <= Ppm::ONE)
}

/// Decimal places of percentages that parts per million have.
const PERCENT_PLACES: u8 = 4;

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
pub fn import(tokens: &[Token], time: Timestamp, srs: Bytes32, parties: &Parties) -> Result<Import, ForeignError> {
    let counts = |token: &&Token| !token.tiers.is_empty() && token.price.rounded(PRICE_DECIMALS) != Some(0);
    let tokens: Vec<&Token> = tokens.iter().filter(counts).collect();
    if tokens.is_empty() {
        return Err(Problem::new("", "a token with a price and a ladder", "none").into());
    }
    let observed = tokens.iter().map(|token| (token.name.clone(), token.price, Role::Price));
    let market = market_entries(observed, PRICE_DECIMALS)?;
    let quote = name(QUOTE)?;
    let cash = Asset {
        instrument: quote.clone(),
        price: None,
        short: true,
        weight: Some(ByBasis { maintenance: Ppm::ONE, initial: Ppm::ONE }),
        tiers: Vec::new(),
        tiering: Default::default(),
        liquidity: None,
        debt_spread: None,
        allowance: None,
    };
    let asset = |token: &&Token| Asset {
        instrument: token.name.clone(),
        price: Some(token.name.clone()),
        short: false,
        weight: None,
        tiers: token.tiers.clone(),
        tiering: Default::default(),
        liquidity: None,
        debt_spread: None,
        allowance: None,
    };
    let spot = |token: &&Token| instrument(token.name.clone(), InstrumentClass::Spot, token.price);
    let instruments = std::iter::once(instrument(quote, InstrumentClass::Cash, Magnitude::ONE))
        .chain(tokens.iter().map(spot))
        .collect::<Result<_, _>>()?;
    let assets = std::iter::once(cash).chain(tokens.iter().map(asset)).collect();
    let model = Model::Collateral(Collateral { assets, average_step: Ppm(0) });
    Rules { name: name("haircuts")?, instruments, market, time, model }.import(srs, parties)
}

/// Lots of a hundred-millionth, or of a ten-thousandth of what costs less than one.
fn instrument(name: Name, class: InstrumentClass, price: Magnitude) -> Result<Instrument, Problem> {
    let decimals = if price < Magnitude::ONE { 4 } else { 8 };
    let lot_decimals = Decimals::new(decimals).map_err(|error| Problem::new(name.as_str(), "decimals", error))?;
    let (settlement, quote) = (Settlement::default(), None);
    Ok(Instrument {
        name,
        class,
        lot_decimals,
        max_lots: Lots::default_limit(lot_decimals),
        expiry: None,
        settlement,
        quote,
    })
}
