//! Plots: lines over days, in panels above each other.

use surety_core::day::Day;

use crate::svg::{Anchor, Canvas, Colour, nice_step};

/// A plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// What stands above it.
    pub title: String,
    /// The day of each value.
    pub days: Vec<Day>,
    /// The panels, from above.
    pub panels: Vec<Panel>,
}

/// A coordinate system of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// What stands above it.
    pub title: String,
    /// The lines; drawn in this order.
    pub lines: Vec<Line>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
    /// A value for each day, in parts per million; shown in percent.
    pub values: Vec<i64>,
}

const WIDTH: i64 = 960;
const LEFT: i64 = 64;
const RIGHT: i64 = 16;
const TOP: i64 = 44;
const PANEL: i64 = 210;
const PANEL_TITLE: i64 = 40;
const GAP: i64 = 26;
/// Most labels below a panel, and beside it.
const MOST_MONTHS: usize = 13;
const MOST_TICKS: i64 = 6;

impl Plot {
    /// The file's content.
    #[must_use]
    pub fn svg(&self) -> String {
        // Heights of a handful of panels.
        let panels = self.panels.len() as i64;
        let height = TOP + panels * (PANEL_TITLE + PANEL + GAP);
        let mut svg = Canvas::new(WIDTH, height);
        svg.describe(&self.title, &self.description());
        svg.text((LEFT, 26), Anchor::Start, 16, &self.title);
        let mut top = TOP;
        for panel in &self.panels {
            self.panel(&mut svg, panel, top + PANEL_TITLE);
            top += PANEL_TITLE + PANEL + GAP;
        }
        svg.finish()
    }

    /// The days and the lines of each panel, for those who do not see them.
    fn description(&self) -> String {
        let range = self.days.first().zip(self.days.last());
        let range = range.map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
        let panel = |panel: &Panel| {
            let lines: Vec<_> = panel.lines.iter().map(|line| line.name.as_str()).collect();
            format!("{}: {}", panel.title, lines.join(", "))
        };
        let panels: Vec<_> = self.panels.iter().map(panel).collect();
        format!("Lines over days{range}. {}.", panels.join("; "))
    }

    fn panel(&self, svg: &mut Canvas, panel: &Panel, top: i64) {
        svg.text((LEFT, top - 24), Anchor::Start, 13, &panel.title);
        legend(svg, panel, top - 8);
        let scale = Scale::of(panel, top);
        for tick in scale.ticks() {
            let y = scale.y(tick);
            svg.rule((LEFT, y), (WIDTH - RIGHT, y));
            svg.text((LEFT - 6, y + 4), Anchor::End, 12, &percent(tick));
        }
        for (index, day) in self.months() {
            let x = self.x(index) / 10;
            svg.rule((x, top), (x, top + PANEL));
            svg.text((x, top + PANEL + 16), Anchor::Middle, 12, &format!("{:04}-{:02}", day.year(), day.month()));
        }
        for line in &panel.lines {
            let values = line.values.iter().enumerate();
            svg.line(line.colour, values.map(|(index, value)| (self.x(index), scale.y_in_tenths(*value))));
        }
    }

    /// Where a day is, in tenths.
    fn x(&self, index: usize) -> i64 {
        // Lengths of what is in memory.
        let (index, steps) = (index as i64, self.days.len().saturating_sub(1).max(1) as i64);
        LEFT * 10 + (WIDTH - LEFT - RIGHT) * 10 * index / steps
    }

    /// The first day of every first, third or twelfth month: of as many as there is room to name.
    fn months(&self) -> Vec<(usize, Day)> {
        let begins = |index: &usize| *index > 0 && self.days[*index].month() != self.days[*index - 1].month();
        let starts: Vec<usize> = (0..self.days.len()).filter(begins).collect();
        let every = |months: u8| {
            let fitting = starts.iter().filter(move |index| (self.days[**index].month() - 1).is_multiple_of(months));
            fitting.map(|index| (*index, self.days[*index])).collect::<Vec<_>>()
        };
        [1, 3, 12].map(every).into_iter().find(|months| months.len() <= MOST_MONTHS).unwrap_or_default()
    }
}

/// From parts per million to heights.
struct Scale {
    top: i64,
    low: i64,
    high: i64,
    step: i64,
}

impl Scale {
    fn of(panel: &Panel, top: i64) -> Self {
        let values = || panel.lines.iter().flat_map(|line| line.values.iter().copied());
        let (low, high) = (values().min().unwrap_or(0).min(0), values().max().unwrap_or(0).max(1));
        let step = nice_step(high.saturating_sub(low), MOST_TICKS);
        let (below, above) = (low.div_euclid(step), (high - 1).div_euclid(step) + 1);
        Self { top, low: below.saturating_mul(step), high: above.saturating_mul(step), step }
    }

    fn ticks(&self) -> impl Iterator<Item = i64> + use<> {
        let (low, step) = (self.low, self.step);
        (0..=self.high.saturating_sub(low) / step).map(move |i| low.saturating_add(i.saturating_mul(step)))
    }

    fn y_in_tenths(&self, value: i64) -> i64 {
        let (below, range) = (i128::from(self.high) - i128::from(value), i128::from(self.high) - i128::from(self.low));
        let height = below * i128::from(PANEL * 10) / range.max(1);
        self.top * 10 + i64::try_from(height).unwrap_or(0)
    }

    fn y(&self, value: i64) -> i64 {
        self.y_in_tenths(value) / 10
    }
}

/// Parts per million in percent, without zeros behind the last place.
fn percent(ppm: i64) -> String {
    let digits = format!("{}.{:04}", ppm.unsigned_abs() / 10_000, ppm.unsigned_abs() % 10_000);
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    let sign = if ppm < 0 { "−" } else { "" };
    format!("{sign}{digits} %")
}

fn legend(svg: &mut Canvas, panel: &Panel, y: i64) {
    let mut x = LEFT;
    for line in &panel.lines {
        svg.sample((x, y - 4), 18, line.colour);
        svg.text((x + 23, y), Anchor::Start, 12, &line.name);
        // Wide enough for the letters.
        x += 40 + 7 * line.name.chars().count() as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(values: Vec<i64>) -> Plot {
        let days = (1..=values.len()).map(|day| Day::parse(&format!("2020-01-{day:02}")).unwrap()).collect();
        let line = Line { name: "a < b".into(), colour: Colour::Blue, values };
        Plot { title: "T & U".into(), days, panels: vec![Panel { title: "P".into(), lines: vec![line] }] }
    }

    #[test]
    fn a_plot_is_svg_of_integers() {
        let svg = plot(vec![0, 50_000, -30_000]).svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("<title>T &amp; U</title>") && svg.contains("a &lt; b"));
        assert!(svg.contains("<desc>Lines over days from 2020-01-01 to 2020-01-03. P: a &lt; b.</desc>"), "{svg}");
        assert!(svg.contains("points=\"64.0,210.0 504.0,105.0 944.0,273.0\""), "{svg}");
        assert!(svg.contains("−2 %"));
        assert_eq!(svg, plot(vec![0, 50_000, -30_000]).svg());
    }

    #[test]
    fn values_are_shown_in_percent() {
        assert_eq!([-12_500, 0, 1_000_000].map(percent), ["−1.25 %", "0 %", "100 %"]);
    }

    #[test]
    fn a_plot_of_the_largest_values_is_drawn() {
        for values in [vec![0, i64::MAX], vec![i64::MIN, i64::MAX], vec![4_000_000_000_000_000_000], vec![i64::MIN]] {
            let svg = plot(values.clone()).svg();
            assert!(svg.contains("points=\"64.0,"), "{values:?}");
        }
    }

    #[test]
    fn an_empty_plot_is_drawn_too() {
        assert!(plot(Vec::new()).svg().contains("</svg>"));
        assert!(plot(vec![0]).svg().contains("points=\"64.0,"));
    }
}
