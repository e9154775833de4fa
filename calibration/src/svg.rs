//! SVG, as far as plots need it. Coordinates are integers, so the same values give the same bytes; every text is
//! escaped.
//!
//! No library takes its place: the best kept one, `plotters` 0.3, places ticks by logarithms and powers of the
//! platform, which machines round differently. Its lines go by whole pixels, and it writes neither a title nor a
//! description for those who do not see the plot.

use std::fmt::Write as _;

/// Colours that differ also for those who see fewer of them.
///
/// Source: Okabe and Ito, *Color universal design*, 2008.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For what happened.
    Grey,
    /// First choice.
    Blue,
    /// Second choice.
    Vermilion,
    /// Third choice.
    Green,
    /// Fourth choice.
    Purple,
}

impl Colour {
    /// The colours of lines that are estimates, over and over.
    pub const ESTIMATES: [Self; 4] = [Self::Blue, Self::Vermilion, Self::Green, Self::Purple];

    fn code(self) -> &'static str {
        match self {
            Self::Grey => "#9a9a9a",
            Self::Blue => "#0072b2",
            Self::Vermilion => "#d55e00",
            Self::Green => "#009e73",
            Self::Purple => "#8a4f7d",
        }
    }
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A drawing of a given size, from the left upper corner.
#[derive(Clone, Debug)]
pub struct Canvas(String);

impl Canvas {
    /// An empty drawing.
    #[must_use]
    pub fn new(width: i64, height: i64) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        ))
    }

    /// Says what is drawn to those who do not see it. Comes first.
    pub fn describe(&mut self, title: &str, description: &str) {
        let (title, description) = (escaped(title), escaped(description));
        let _ = writeln!(self.0, "<title>{title}</title>\n<desc>{description}</desc>");
    }

    /// A text.
    pub fn text(&mut self, (x, y): (i64, i64), anchor: Anchor, size: i64, content: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let content = escaped(content);
        let _ = writeln!(
            self.0,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{content}</text>"
        );
    }

    /// A line of a grid.
    pub fn rule(&mut self, (x1, y1): (i64, i64), (x2, y2): (i64, i64)) {
        let _ = writeln!(self.0, "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"#e4e4e4\"/>");
    }

    /// A piece of a line, for a legend.
    pub fn sample(&mut self, (x, y): (i64, i64), length: i64, colour: Colour) {
        let (code, end) = (colour.code(), x + length);
        let _ = writeln!(
            self.0,
            "<line x1=\"{x}\" y1=\"{y}\" x2=\"{end}\" y2=\"{y}\" stroke=\"{code}\" stroke-width=\"3\"/>"
        );
    }

    /// A filled rectangle.
    pub fn bar(&mut self, (x, y): (i64, i64), (width, height): (i64, i64), colour: Colour) {
        let code = colour.code();
        let _ = writeln!(self.0, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{code}\"/>");
    }

    /// A line through points, which are in tenths.
    pub fn line(&mut self, colour: Colour, points: impl Iterator<Item = (i64, i64)>) {
        let code = colour.code();
        let _ = write!(self.0, "<polyline fill=\"none\" stroke=\"{code}\" stroke-width=\"1.4\" points=\"");
        for (index, (x, y)) in points.enumerate() {
            let separator = if index == 0 { "" } else { " " };
            let _ = write!(self.0, "{separator}{}.{},{}.{}", x / 10, x % 10, y / 10, y % 10);
        }
        self.0.push_str("\"/>\n");
    }

    /// The file's content.
    #[must_use]
    pub fn finish(self) -> String {
        self.0 + "</svg>\n"
    }
}

/// 1, 2 or 5 times a power of ten, so that a range has fewer than `most` of them.
#[must_use]
pub fn nice_step(range: i64, most: i64) -> i64 {
    let powers = (0..19).map(|power| 10_i64.pow(power));
    let mut steps = powers.flat_map(|power| [power, 2 * power, 5 * power]);
    steps.find(|step| range / step < most).unwrap_or(i64::MAX)
}

fn escaped(content: &str) -> String {
    content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_markup_in_texts() {
        let mut canvas = Canvas::new(10, 10);
        canvas.describe("</title><script>", "<b>&amp;");
        canvas.text((1, 1), Anchor::Start, 12, "<script>alert(1)</script>");
        let svg = canvas.finish();
        assert!(!svg.contains("<script") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("&lt;script&gt;alert(1)") && svg.contains("&lt;b&gt;&amp;amp;"), "{svg}");
    }

    #[test]
    fn steps_are_few_and_round() {
        assert_eq!([1, 6, 11, 100_000, 130_000].map(|range| nice_step(range, 6)), [1, 2, 2, 20_000, 50_000]);
        assert_eq!([i64::MAX - 1, i64::MAX].map(|range| nice_step(range, 6)), [2_000_000_000_000_000_000; 2]);
    }
}
