//! Forecasts of every day of a history, each from the days before it.

use std::{borrow::Cow, fmt::Write as _};

use surety_core::{
    day::Day,
    failure::{Class, Failure, LocatedProblem},
    ident::Name,
    problem::{Problem, require},
    units::Ppm,
};

use super::{
    WARM,
    market::{Forecast, Market, Memory, ppb_up},
    state::State,
};
use crate::{history::Quotes, moves::Move};

/// What forecasts are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The confidence of value at risk and expected shortfall: from [`super::market::LEAST_CONFIDENCE`] to below one.
    pub confidence: Ppm,
    /// How much of the volatility is that of ten years. A saved state keeps its own.
    pub memory: Memory,
}

/// The forecasts of some days.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecasts {
    /// Each forecast, by days and then in the order of the columns.
    pub rows: Vec<Row>,
    /// What the history has left behind.
    pub state: State,
    /// Columns that are not forecast on the next day, and how many moves each has.
    pub cold: Vec<(Name, u32)>,
    /// Columns whose last price is older than the last day.
    pub ended: Vec<(Name, Day)>,
}

/// A forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The day that it is of; none for the next one after the last of the history.
    pub day: Option<Day>,
    /// The column.
    pub column: Name,
    /// What was known before the day.
    pub forecast: Forecast,
}

/// A history that cannot be forecast.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("history: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ForecastError(pub Vec<Problem>);

impl Failure for ForecastError {
    fn class(&self) -> Class {
        Class::Input
    }

    fn code(&self) -> Cow<'static, str> {
        "forecast".into()
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        LocatedProblem::of_input("history", &self.0)
    }
}

/// Forecasts the days of a history on which a column moves, and the next one, beginning after the last day of a saved
/// state if there is one.
///
/// # Errors
/// If the history lacks a column of the state or the day of its last price, or has no day.
pub fn forecasts(quotes: &Quotes, terms: Terms, state: Option<&State>) -> Result<Forecasts, ForecastError> {
    let mut walk = match state {
        Some(state) => Walk::resumed(quotes, state)?,
        None => Walk::new(quotes, terms.memory),
    };
    let mut rows = Vec::new();
    for at in walk.next..quotes.days().len() {
        let day = walk.day(at);
        let moved = |place: &usize| day[*place].is_some();
        rows.extend(
            walk.rows(Some(quotes.days()[at]), terms.confidence).filter_map(|(i, row)| moved(&i).then_some(row)),
        );
        walk.advance(at, &day);
    }
    rows.extend(walk.rows(None, terms.confidence).map(|(_, row)| row));
    walk.finish(rows)
        .ok_or_else(|| ForecastError(vec![Problem::new("", "a day that the state has, or a later one", "none")]))
}

/// A way through a history.
struct Walk<'q> {
    quotes: &'q Quotes,
    market: Market,
    /// Where the last price of each column is, if it has had one.
    last: Vec<Option<usize>>,
    /// The first day that is to come.
    next: usize,
}

impl<'q> Walk<'q> {
    fn new(quotes: &'q Quotes, memory: Memory) -> Self {
        let width = quotes.columns().len();
        Self { quotes, market: Market::new(width, memory), last: vec![None; width], next: 0 }
    }

    /// Columns that the state does not have begin after it.
    fn resumed(quotes: &'q Quotes, state: &State) -> Result<Self, ForecastError> {
        let mut problems = Vec::new();
        let mut last = vec![None; quotes.columns().len()];
        for column in &state.columns {
            let Some(place) = quotes.columns().iter().position(|quoted| quoted.name == column.name) else {
                let problem = Problem::new("", format!("a column {}, which the state has", column.name), "none");
                problems.push(problem.advise("name it with --column, or make the state anew"));
                continue;
            };
            let at = quotes.days().binary_search(&column.last).ok();
            last[place] = at.filter(|at| quotes.columns()[place].prices[*at].is_some());
            let expected = format!("the price of {} on {}, from which its next move counts", column.name, column.last);
            let problem = require(last[place].is_some(), "", expected, "none");
            problems.extend(problem.map(|problem| problem.advise("give the history from that day on, or all of it")));
        }
        if !problems.is_empty() {
            return Err(ForecastError(problems));
        }
        let market = state.market(quotes.columns().iter().map(|column| &column.name));
        let next = quotes.days().partition_point(|day| *day <= state.day);
        Ok(Self { quotes, market, last, next })
    }

    fn price(&self, column: usize, at: usize) -> Option<u64> {
        self.quotes.columns()[column].prices[at]
    }

    /// The move of each column to a day, from its last price.
    fn day(&self, at: usize) -> Vec<Option<Move>> {
        let column = |(column, last): (usize, &Option<usize>)| {
            Some(Move::between(self.price(column, (*last)?)?, self.price(column, at)?))
        };
        self.last.iter().enumerate().map(column).collect()
    }

    fn rows(&self, day: Option<Day>, confidence: Ppm) -> impl Iterator<Item = (usize, Row)> {
        self.quotes.columns().iter().enumerate().filter_map(move |(i, column)| {
            Some((i, Row { day, column: column.name.clone(), forecast: self.market.forecast(i, confidence)? }))
        })
    }

    fn advance(&mut self, at: usize, day: &[Option<Move>]) {
        self.market.advance(day);
        for column in 0..self.last.len() {
            if self.price(column, at).is_some() {
                self.last[column] = Some(at);
            }
        }
        self.next = at + 1;
    }

    fn finish(self, rows: Vec<Row>) -> Option<Forecasts> {
        let days = self.quotes.days();
        let last_day = *days.get(self.next.checked_sub(1)?)?;
        let names = || self.quotes.columns().iter().map(|column| column.name.clone());
        let last = || names().zip(self.last.iter().map(|last| last.map(|last| days[last])));
        let moves = names().enumerate().map(|(i, name)| (name, self.market.days(i)));
        Some(Forecasts {
            rows,
            cold: moves.filter(|(_, moves)| *moves < WARM).collect(),
            ended: last().filter_map(|(name, last)| Some((name, last.filter(|last| *last < last_day)?))).collect(),
            state: State::new(&self.market, last_day, last()),
        })
    }
}

/// The first line of [`Forecasts::csv`].
pub const HEADER: &str = "date,column,sigma_ppb,var_down_ppb,es_down_ppb,var_up_ppb,es_up_ppb";

impl Forecasts {
    /// The forecasts as a table: fractions of the price in parts per billion, rounded up. The day after the last one of
    /// the history is called `next`.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for Row { day, column, forecast: Forecast { volatility, down, up } } in &self.rows {
            let day = day.map_or_else(|| "next".to_owned(), |day| day.to_string());
            let fractions = [*volatility, down.value_at_risk, down.expected, up.value_at_risk, up.expected];
            let _ = write!(text, "{day},{column}");
            for fraction in fractions {
                let _ = write!(text, ",{}", ppb_up(fraction));
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Selection;

    const TERMS: Terms = Terms { confidence: Ppm(990_000), memory: Memory::FREE };

    fn price(i: usize) -> u64 {
        1_000 + (i * i * 7_919 % 211) as u64
    }

    /// A begins at once, B after a hundred days and misses every seventh, C ends after 300.
    fn quotes(days: std::ops::Range<usize>) -> Quotes {
        let first = Day::parse("2020-01-01").unwrap().number();
        let mut text = "date,A,B,C\n".to_owned();
        for i in days {
            let day = Day::numbered(first + i as u32).unwrap();
            let b = if i < 100 || i % 7 == 0 { String::new() } else { price(i + 3).to_string() };
            let c = if i < 300 { price(2 * i).to_string() } else { String::new() };
            let _ = writeln!(text, "{day},{},{b},{c}", price(i));
        }
        Quotes::read("h.csv", &text, &Selection::default(), &mut Vec::new()).unwrap()
    }

    fn all(days: usize) -> Forecasts {
        forecasts(&quotes(0..days), TERMS, None).unwrap()
    }

    #[test]
    fn columns_begin_late_miss_days_and_end() {
        let forecasts = all(500);
        let of = |name: &str| forecasts.rows.iter().filter(|row| row.column.as_str() == name).collect::<Vec<_>>();
        // 499 moves, of which 249 come before the first forecast's; and the next day.
        assert_eq!(of("A").len(), 499 - 250 + 1);
        assert_eq!(of("A")[0].day.unwrap().to_string(), "2020-09-08");
        let moves_of_b = (101..500).filter(|i| i % 7 != 0).count();
        assert_eq!(of("B").len(), moves_of_b - 250 + 1);
        assert_eq!(of("C").len(), 299 - 250 + 1);
        assert_eq!(forecasts.cold, []);
        assert_eq!(forecasts.ended.len(), 1);
        assert_eq!(forecasts.state.columns.len(), 3);
        let csv = forecasts.csv();
        assert_eq!(csv.lines().count(), forecasts.rows.len() + 1);
        assert!(csv.lines().next_back().unwrap().starts_with("next,C,"), "{csv}");
    }

    #[test]
    fn a_short_history_says_what_is_cold() {
        let forecasts = all(200);
        assert_eq!(forecasts.rows, []);
        let cold: Vec<_> = forecasts.cold.iter().map(|(name, moves)| (name.as_str(), *moves)).collect();
        assert_eq!(cold, [("A", 199), ("B", 85), ("C", 199)]);
    }

    /// A later day changes, and no earlier row moves.
    #[test]
    fn nothing_of_a_day_is_known_to_its_own_forecast() {
        let (short, long) = (all(400), all(401));
        let before: Vec<_> = short.rows.iter().filter(|row| row.day.is_some()).collect();
        let same: Vec<_> = long.rows.iter().take(before.len()).collect();
        assert_eq!(before, same);
        let next =
            short.rows.iter().filter(|row| row.day.is_none() && row.column.as_str() != "C").map(|row| row.forecast);
        let last = long.rows.iter().skip(before.len()).filter(|row| row.day.is_some()).map(|row| row.forecast);
        assert_eq!(next.collect::<Vec<_>>(), last.collect::<Vec<_>>());
    }

    #[test]
    fn a_resumed_state_gives_the_same_bits() {
        let whole = all(500);
        for split in [50, 120, 300, 450] {
            let before = all(split);
            for from in [0, split - 2] {
                // A column that ended needs the day of its last price.
                let from = if split > 300 { 0 } else { from };
                let after = forecasts(&quotes(from..500), TERMS, Some(&before.state)).unwrap();
                assert_eq!(after.state, whole.state, "{split}");
                let rows: Vec<_> = before.rows.iter().filter(|row| row.day.is_some()).chain(&after.rows).collect();
                assert_eq!(rows, whole.rows.iter().collect::<Vec<_>>(), "{split}");
            }
        }
        let again = forecasts(&quotes(0..500), TERMS, Some(&whole.state)).unwrap();
        assert_eq!(again.state, whole.state, "no new day");
    }

    #[test]
    fn rejects_histories_that_do_not_continue_a_state() {
        let state = all(120).state;
        let refused = |quotes: &Quotes| forecasts(quotes, TERMS, Some(&state)).unwrap_err().to_string();
        assert!(refused(&quotes(121..500)).contains("the price of A on 2020-04-29, from which its next move counts"));
        let text = "date,A,C\n2020-04-29,1,1\n2020-04-30,1,1\n";
        let other = Quotes::read("h.csv", text, &Selection::default(), &mut Vec::new()).unwrap();
        assert!(refused(&other).contains("a column B, which the state has"));
    }
}
