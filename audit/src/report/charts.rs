//! The plots of a report, as SVG.

use surety_calibration::svg::{Anchor, Canvas, Colour, nice_step};
use surety_core::{spelling::iso_time, units::Timestamp};

const WIDTH: i64 = 920;
const LEFT: i64 = 60;
const RIGHT: i64 = 20;

/// A line of a plot over time.
pub(super) struct Line {
    /// The label in the legend.
    pub(super) name: String,
    /// Times of change, ascending, each with the value from then on in parts per million.
    pub(super) steps: Vec<(u64, i64)>,
}

/// A time below the axis: its day, or where all labels are of a few days its day and minute, which leaves space between
/// labels.
fn label(at: u64, span: u64) -> String {
    const FEW_DAYS: u64 = 8 * 86_400;
    let written = iso_time(Timestamp(at));
    match written.split_once('T') {
        Some((day, _)) if span >= FEW_DAYS => day.to_owned(),
        Some((day, clock)) => format!("{day} {}Z", clock.get(..5).unwrap_or(clock)),
        None => written,
    }
}

/// The times below the axis: the ends, and the quarters between them where a quarter takes a minute.
fn ticks(from: u64, until: u64) -> Vec<(u64, Anchor)> {
    let span = until.saturating_sub(from);
    let quarter = |number: u64| (from + span / 4 * number, Anchor::Middle);
    let between = if span / 4 >= 60 { vec![quarter(1), quarter(2), quarter(3)] } else { Vec::new() };
    let end = (span > 0).then_some((until, Anchor::End));
    [(from, Anchor::Start)].into_iter().chain(between).chain(end).collect()
}

/// A name that fits beside bars, cut if it does not.
fn shortened(name: &str) -> String {
    /// Characters of which even wide ones fit.
    const MOST: usize = 36;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    name.chars().take(MOST - 1).chain(['…']).collect()
}

/// Shares over time, as steps.
pub(super) fn shares_over_time(title: &str, description: &str, lines: &[Line], from: u64, until: u64) -> String {
    const TOP: i64 = 20;
    const HEIGHT: i64 = 220;
    const LEGEND: i64 = 22;
    // A policy has a handful of levels.
    let rows = lines.len() as i64;
    let mut canvas = Canvas::new(WIDTH, TOP + HEIGHT + 34 + LEGEND * rows);
    canvas.describe(title, description);
    let span = until.saturating_sub(from).max(1);
    let x = |time: u64| {
        let share = u128::from(time.clamp(from, until) - from) * (WIDTH - LEFT - RIGHT) as u128 * 10 / u128::from(span);
        LEFT * 10 + share as i64
    };
    let y = |ppm: i64| (TOP + HEIGHT) * 10 - ppm.clamp(0, 1_000_000) * HEIGHT * 10 / 1_000_000;
    for tick in (0..=100).step_by(25) {
        let height = y(tick * 10_000) / 10;
        canvas.rule((LEFT, height), (WIDTH - RIGHT, height));
        canvas.text((LEFT - 6, height + 4), Anchor::End, 12, &format!("{tick} %"));
    }
    for (at, anchor) in ticks(from, until) {
        canvas.rule((x(at) / 10, TOP), (x(at) / 10, TOP + HEIGHT));
        canvas.text((x(at) / 10, TOP + HEIGHT + 18), anchor, 12, &label(at, span));
    }
    for ((line, colour), row) in lines.iter().zip(Colour::ESTIMATES.into_iter().cycle()).zip(0..) {
        let mut points = Vec::with_capacity(2 * line.steps.len() + 1);
        let mut last = 0;
        for (at, ppm) in &line.steps {
            points.extend([(x(*at), y(last)), (x(*at), y(*ppm))]);
            last = *ppm;
        }
        points.push((x(until), y(last)));
        canvas.line(colour, points.into_iter());
        let height = TOP + HEIGHT + 44 + LEGEND * row;
        canvas.sample((LEFT, height - 4), 22, colour);
        canvas.text((LEFT + 30, height), Anchor::Start, 12, &line.name);
    }
    canvas.finish()
}

/// Counts as horizontal bars, each with its number.
pub(super) fn bars(title: &str, description: &str, rows: &[(String, usize)], colour: Colour) -> String {
    const NAMES: i64 = 260;
    const ROW: i64 = 24;
    let height = ROW * rows.len() as i64;
    let mut canvas = Canvas::new(WIDTH, height + 34);
    canvas.describe(title, description);
    let most = rows.iter().map(|(_, count)| *count as i64).max().unwrap_or(0).max(1);
    let step = nice_step(most, 8);
    let top = (most - 1).div_euclid(step) * step + step;
    let room = WIDTH - NAMES - 60;
    let x = |count: i64| NAMES + room * count / top;
    for tick in (0..=top).step_by(step as usize) {
        canvas.rule((x(tick), 4), (x(tick), height + 8));
        canvas.text((x(tick), height + 24), Anchor::Middle, 12, &tick.to_string());
    }
    for ((name, count), row) in rows.iter().zip(0..) {
        let (y, count) = (8 + ROW * row, *count as i64);
        canvas.text((NAMES - 8, y + 13), Anchor::End, 12, &shortened(name));
        canvas.bar((NAMES, y), ((x(count) - NAMES).max(1), ROW - 8), colour);
        canvas.text((x(count) + 6, y + 13), Anchor::Start, 12, &count.to_string());
    }
    canvas.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_steps() {
        let line = Line { name: "initial <b>".into(), steps: vec![(100, 1_000_000), (150, 0)] };
        let svg = shares_over_time("T", "D", &[line], 100, 200);
        assert!(svg.contains("points=\"60.0,240.0 60.0,20.0 480.0,20.0 480.0,240.0 900.0,240.0\""), "{svg}");
        assert!(svg.contains("initial &lt;b&gt;") && svg.contains("<title>T</title>"));
        for (from, until) in [(0, 0), (u64::MAX, u64::MAX), (0, u64::MAX), (5, 1)] {
            let line = Line { name: "x".into(), steps: vec![(u64::MAX, i64::MAX), (0, i64::MIN)] };
            assert!(shares_over_time("T", "D", &[line], from.min(until), until.max(from)).ends_with("</svg>\n"));
        }
    }

    #[test]
    fn labels_of_times_are_short_enough_not_to_meet() {
        assert_eq!(label(1_795_248_061, 600), "2026-11-21 08:01Z");
        assert_eq!(label(1_795_248_061, 365 * 86_400), "2026-11-21");
        assert_eq!(label(u64::MAX, 600), format!("second {}", u64::MAX));
    }

    #[test]
    fn times_below_the_axis_are_apart() {
        let times = |from, until| ticks(from, until).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!(times(1_000, 1_400), [1_000, 1_100, 1_200, 1_300, 1_400]);
        assert_eq!(times(1_000, 1_239), [1_000, 1_239], "labels have minutes");
        assert_eq!(times(1_000, 1_000), [1_000]);
        assert_eq!(times(0, u64::MAX).len(), 5);
    }

    #[test]
    fn names_beside_bars_fit() {
        assert_eq!(shortened("notice: sequence-gap"), "notice: sequence-gap");
        assert_eq!(shortened(&"é".repeat(90)).chars().count(), 36);
    }

    #[test]
    fn bars_have_numbers() {
        let svg = bars("T", "D", &[("a & b".into(), 7), ("none".into(), 0)], Colour::Blue);
        assert!(svg.contains(">a &amp; b</text>") && svg.contains(">7</text>"), "{svg}");
        assert!(bars("T", "D", &[], Colour::Blue).ends_with("</svg>\n"));
    }
}
