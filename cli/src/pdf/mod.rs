//! Documents in PDF: headings, paragraphs, tables and plots on numbered pages, with a table of contents.
//!
//! Texts are set in fonts that every reader of PDF has, so that none is embedded. Characters that these fonts lack are
//! written as their numbers, `\u{…}`. The same document is the same bytes.

mod metrics;

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr, types::AnnotationType};

use self::metrics::Font;

/// Points of an inch.
const INCH: f32 = 72.0;
const MARGIN: f32 = 54.0;
const BODY: f32 = 9.0;
const CELL: f32 = 7.5;
const LEADING: f32 = 1.3;

/// The size of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Paper {
    /// 210 mm by 297 mm.
    A4,
    /// 8.5 inches by 11 inches.
    Letter,
}

impl Paper {
    /// Width and height in points.
    const fn size(self) -> (f32, f32) {
        match self {
            Self::A4 => (595.0, 842.0),
            Self::Letter => (8.5 * INCH, 11.0 * INCH),
        }
    }
}

/// A part of a document.
pub(crate) enum Block {
    /// A heading, which the contents list.
    Heading(String),
    /// A paragraph.
    Paragraph(String),
    /// A list.
    Bullets(Vec<String>),
    /// A table.
    Table(Table),
    /// Shares over time.
    Plot(Plot),
    /// Lines to sign on: what each is for.
    SignOff(Vec<String>),
}

/// A table. Its columns have widths in proportion to `weights`.
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) header: Vec<&'static str>,
    pub(crate) weights: Vec<u16>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Lines of steps between 0 and a million parts, with the labels of both ends of the axis.
pub(crate) struct Plot {
    pub(crate) from: u64,
    pub(crate) until: u64,
    pub(crate) labels: [String; 2],
    pub(crate) lines: Vec<PlotLine>,
}

/// A line of a plot: its name, and times of change, ascending, each with the value from then on.
pub(crate) struct PlotLine {
    pub(crate) name: String,
    pub(crate) steps: Vec<(u64, u64)>,
}

/// A document with its title on the first page.
pub(crate) struct Document {
    pub(crate) title: String,
    /// Stands below the title and at the foot of each page.
    pub(crate) subtitle: String,
    pub(crate) producer: String,
    pub(crate) blocks: Vec<Block>,
}

/// A page that is being filled.
struct Page {
    content: Content,
    /// Places on it that lead to a heading: the rectangle, and the number of the heading.
    links: Vec<([f32; 4], usize)>,
}

/// Where a heading came to stand: page and height.
struct Mark {
    title: String,
    page: usize,
    top: f32,
}

/// Sets blocks one below the other.
struct Setter {
    width: f32,
    height: f32,
    y: f32,
    pages: Vec<Page>,
    marks: Vec<Mark>,
}

impl Document {
    /// The bytes of the document.
    pub(crate) fn bytes(&self, paper: Paper) -> Vec<u8> {
        let mut body = Setter::new(paper);
        self.blocks.iter().for_each(|block| body.block(block));
        // The contents stand in front of what they list, and their length does not depend on numbers.
        let front_pages = self.front(paper, &body.marks, 0).pages.len();
        let front = self.front(paper, &body.marks, front_pages);
        let marks: Vec<Mark> =
            body.marks.into_iter().map(|mark| Mark { page: mark.page + front_pages, ..mark }).collect();
        let pages: Vec<Page> = front.pages.into_iter().chain(body.pages).collect();
        self.write(paper, pages, &marks)
    }

    fn front(&self, paper: Paper, marks: &[Mark], offset: usize) -> Setter {
        let mut setter = Setter::new(paper);
        setter.text(Font::Bold, 18.0, MARGIN, &self.title);
        setter.text(Font::Regular, BODY, MARGIN, &self.subtitle);
        setter.y -= BODY;
        setter.text(Font::Bold, 12.0, MARGIN, "Contents");
        setter.y -= 4.0;
        for (number, mark) in marks.iter().enumerate() {
            setter.entry(number, &mark.title, mark.page + offset + 1);
        }
        setter
    }

    fn write(&self, paper: Paper, mut pages: Vec<Page>, marks: &[Mark]) -> Vec<u8> {
        let (width, height) = paper.size();
        let total = pages.len();
        let mut next = 0;
        let mut id = || {
            next += 1;
            Ref::new(next)
        };
        let (catalog, tree, outline, info) = (id(), id(), id(), id());
        let fonts: Vec<(Font, Ref)> = Font::ALL.into_iter().map(|font| (font, id())).collect();
        let ids: Vec<(Ref, Ref)> = pages.iter().map(|_| (id(), id())).collect();
        let items: Vec<Ref> = marks.iter().map(|_| id()).collect();
        let links: Vec<Vec<Ref>> = pages.iter().map(|page| page.links.iter().map(|_| id()).collect()).collect();
        let mut pdf = Pdf::new();
        let mut written = pdf.catalog(catalog);
        written.pages(tree).lang(TextStr("en"));
        if !items.is_empty() {
            written.outlines(outline);
        }
        written.viewer_preferences().display_doc_title(true);
        written.finish();
        pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(count(total));
        let producer = encoded(&self.producer);
        let mut about = pdf.document_info(info);
        about.title(TextStr(&self.title)).producer(TextStr(&String::from_utf8_lossy(&producer)));
        about.finish();
        for (font, font_id) in &fonts {
            pdf.type1_font(*font_id).base_font(Name(font.name())).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        let place = |mark: &Mark| ids.get(mark.page).map_or(tree, |(page, _)| *page);
        if let Some((first, last)) = items.first().zip(items.last()) {
            pdf.outline(outline).first(*first).last(*last).count(count(items.len()));
        }
        for (number, mark) in marks.iter().enumerate() {
            let mut item = pdf.outline_item(items[number]);
            item.title(TextStr(&mark.title)).parent(outline);
            if let Some(before) = number.checked_sub(1).and_then(|before| items.get(before)) {
                item.prev(*before);
            }
            if let Some(after) = items.get(number + 1) {
                item.next(*after);
            }
            item.dest().page(place(mark)).xyz(0.0, mark.top, None);
        }
        for (number, page) in pages.iter_mut().enumerate() {
            let foot = format!("{} of {total}", number + 1);
            let right = width - MARGIN - width_of(Font::Regular, CELL, &encoded(&foot));
            show(&mut page.content, Font::Regular, CELL, (right, MARGIN / 2.0), &encoded(&foot));
            let left = fitting(Font::Regular, CELL, right - MARGIN - 12.0, &encoded(&self.subtitle));
            show(&mut page.content, Font::Regular, CELL, (MARGIN, MARGIN / 2.0), &left);
        }
        for ((page, (page_id, content)), link_ids) in pages.into_iter().zip(&ids).zip(&links) {
            let mut written = pdf.page(*page_id);
            written.media_box(Rect::new(0.0, 0.0, width, height)).parent(tree).contents(*content);
            if !link_ids.is_empty() {
                written.annotations(link_ids.iter().copied());
            }
            let mut resources = written.resources();
            let mut used = resources.fonts();
            for (font, font_id) in &fonts {
                used.pair(Name(font.name()), *font_id);
            }
            used.finish();
            resources.finish();
            written.finish();
            for ((rect, to), link) in page.links.iter().zip(link_ids) {
                let Some(mark) = marks.get(*to) else { continue };
                let [left, bottom, right, top] = *rect;
                let mut annotation = pdf.annotation(*link);
                annotation.subtype(AnnotationType::Link).rect(Rect::new(left, bottom, right, top));
                annotation.border(0.0, 0.0, 0.0, None);
                annotation
                    .action()
                    .action_type(pdf_writer::types::ActionType::GoTo)
                    .destination()
                    .page(place(mark))
                    .xyz(0.0, mark.top, None);
            }
            pdf.stream(*content, &page.content.finish());
        }
        pdf.finish()
    }
}

/// A count as PDF has it. No document has as many.
fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl Setter {
    fn new(paper: Paper) -> Self {
        let (width, height) = paper.size();
        let mut setter = Self { width, height, y: 0.0, pages: Vec::new(), marks: Vec::new() };
        setter.turn();
        setter
    }

    /// Begins a page.
    fn turn(&mut self) {
        self.pages.push(Page { content: Content::new(), links: Vec::new() });
        self.y = self.height - MARGIN;
    }

    /// Makes room for so many points.
    fn room(&mut self, points: f32) {
        if self.y - points < MARGIN {
            self.turn();
        }
    }

    fn draw(&mut self, draw: impl FnOnce(&mut Content)) {
        if let Some(page) = self.pages.last_mut() {
            draw(&mut page.content);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(title) => self.heading(title),
            Block::Paragraph(text) => {
                self.text(Font::Regular, BODY, MARGIN, text);
                self.y -= 4.0;
            }
            Block::Bullets(items) => {
                for item in items {
                    self.text(Font::Regular, BODY, MARGIN + 10.0, &format!("\u{2022} {item}"));
                }
                self.y -= 4.0;
            }
            Block::Table(table) => self.table(table),
            Block::Plot(plot) => self.plot(plot),
            Block::SignOff(fields) => self.sign_off(fields),
        }
    }

    fn heading(&mut self, title: &str) {
        const SIZE: f32 = 13.0;
        self.y -= 10.0;
        // Not alone at the end of a page.
        self.room(SIZE * LEADING + 40.0);
        let page = self.pages.len() - 1;
        self.marks.push(Mark { title: title.to_owned(), page, top: self.y + 4.0 });
        self.text(Font::Bold, SIZE, MARGIN, title);
        self.y -= 2.0;
    }

    /// Lines of text from `left` to the right margin.
    fn text(&mut self, font: Font, size: f32, left: f32, text: &str) {
        for line in wrapped(font, size, self.width - MARGIN - left, &encoded(text)) {
            self.room(size * LEADING);
            self.y -= size * LEADING;
            let at = (left, self.y + size * 0.3);
            self.draw(|content| show(content, font, size, at, &line));
        }
    }

    /// A line of the contents.
    fn entry(&mut self, number: usize, title: &str, page: usize) {
        let (size, digits) = (BODY, encoded(&page.to_string()));
        self.room(size * LEADING);
        self.y -= size * LEADING;
        let right = self.width - MARGIN - width_of(Font::Regular, size, &digits);
        let title = fitting(Font::Regular, size, right - MARGIN - 12.0, &encoded(title));
        let (y, width) = (self.y, self.width);
        self.draw(|content| {
            show(content, Font::Regular, size, (MARGIN, y + size * 0.3), &title);
            show(content, Font::Regular, size, (right, y + size * 0.3), &digits);
        });
        if let Some(page) = self.pages.last_mut() {
            page.links.push(([MARGIN, y, width - MARGIN, y + size * LEADING], number));
        }
    }

    fn table(&mut self, table: &Table) {
        if !table.caption.is_empty() {
            self.room(60.0);
            self.text(Font::Regular, CELL + 0.5, MARGIN, &table.caption);
        }
        let header: Vec<String> = table.header.iter().map(|name| (*name).to_owned()).collect();
        if !header.is_empty() {
            self.row(&header, &table.weights, Font::Bold, None);
        }
        for row in &table.rows {
            self.row(row, &table.weights, Font::Regular, Some(&header));
        }
        self.y -= 8.0;
    }

    /// A row, and the header once more where the row begins another page.
    fn row(&mut self, cells: &[String], weights: &[u16], font: Font, header: Option<&[String]>) {
        const GAP: f32 = 6.0;
        let total: f32 = weights.iter().map(|weight| f32::from(*weight)).sum::<f32>().max(1.0);
        let room = self.width - 2.0 * MARGIN;
        let mut left = MARGIN;
        let columns: Vec<(f32, Font, Vec<Vec<u8>>)> = cells
            .iter()
            .zip(weights)
            .map(|(cell, weight)| {
                let width = room * f32::from(*weight) / total;
                let font = if font == Font::Regular && is_identifier(cell) { Font::Mono } else { font };
                let column = (left, font, wrapped(font, CELL, width - GAP, &encoded(cell)));
                left += width;
                column
            })
            .collect();
        let lines = columns.iter().map(|(_, _, lines)| lines.len()).max().unwrap_or(0);
        let step = CELL * LEADING;
        let whole = lines as f32 * step + 4.0;
        let fits_a_page = whole < self.height - 2.0 * MARGIN - 40.0;
        if self.y - (if fits_a_page { whole } else { step }) < MARGIN {
            self.turn();
            if let Some(header) = header.filter(|header| !header.is_empty()) {
                self.row(header, weights, Font::Bold, None);
            }
        }
        for number in 0..lines {
            self.room(step);
            self.y -= step;
            let y = self.y + CELL * 0.3;
            for (left, font, lines) in &columns {
                if let Some(line) = lines.get(number) {
                    self.draw(|content| show(content, *font, CELL, (*left, y), line));
                }
            }
        }
        self.y -= 2.0;
        let (y, right) = (self.y, self.width - MARGIN);
        self.draw(|content| {
            rule(content, (MARGIN, y), (right, y), 0.8);
        });
        self.y -= 2.0;
    }

    fn plot(&mut self, plot: &Plot) {
        const HEIGHT: f32 = 120.0;
        const LEFT: f32 = 36.0;
        self.room(HEIGHT + 40.0 + 12.0 * plot.lines.len() as f32);
        let (left, right) = (MARGIN + LEFT, self.width - MARGIN);
        let (bottom, top) = (self.y - HEIGHT - 8.0, self.y - 8.0);
        let span = plot.until.saturating_sub(plot.from).max(1);
        // Positions of ink need no more digits than these.
        let x = |time: u64| {
            let past = time.clamp(plot.from, plot.until.max(plot.from)) - plot.from;
            left + (right - left) * (past as f64 / span as f64) as f32
        };
        let y = |ppm: u64| bottom + (top - bottom) * ppm.min(1_000_000) as f32 / 1_000_000.0;
        self.draw(|content| {
            for percent in [0_u64, 25, 50, 75, 100] {
                let height = y(percent * 10_000);
                rule(content, (left, height), (right, height), 0.85);
                let label = encoded(&format!("{percent} %"));
                let from = left - 4.0 - width_of(Font::Regular, CELL, &label);
                show(content, Font::Regular, CELL, (from, height - 2.5), &label);
            }
            let [first, last] = plot.labels.each_ref().map(|label| encoded(label));
            show(content, Font::Regular, CELL, (left, bottom - 12.0), &first);
            let from = right - width_of(Font::Regular, CELL, &last);
            show(content, Font::Regular, CELL, (from, bottom - 12.0), &last);
            for (line, dash) in plot.lines.iter().zip(DASHES.iter().cycle()) {
                content.save_state().set_line_width(1.2).set_dash_pattern(dash.iter().copied(), 0.0);
                content.move_to(left, y(0));
                let mut value = 0;
                for (time, ppm) in &line.steps {
                    content.line_to(x(*time), y(value)).line_to(x(*time), y(*ppm));
                    value = *ppm;
                }
                content.line_to(x(plot.until), y(value)).stroke().restore_state();
            }
        });
        self.y = bottom - 18.0;
        for (line, dash) in plot.lines.iter().zip(DASHES.iter().cycle()) {
            self.y -= 12.0;
            let (y, name) = (self.y, fitting(Font::Regular, CELL, right - left - 40.0, &encoded(&line.name)));
            self.draw(|content| {
                content.save_state().set_line_width(1.2).set_dash_pattern(dash.iter().copied(), 0.0);
                content.move_to(left, y + 2.5).line_to(left + 26.0, y + 2.5).stroke().restore_state();
                show(content, Font::Regular, CELL, (left + 32.0, y), &name);
            });
        }
        self.y -= 8.0;
    }

    /// For each field a line for the name, one for the signature and one for the date.
    fn sign_off(&mut self, fields: &[String]) {
        for field in fields {
            self.room(44.0);
            self.y -= 34.0;
            let (y, room) = (self.y, self.width - 2.0 * MARGIN);
            let label = encoded(field);
            self.draw(|content| {
                for (from, to, what) in
                    [(0.0, 0.44, &*label), (0.48, 0.78, &b"Signature"[..]), (0.82, 1.0, &b"Date"[..])]
                {
                    let (left, right) = (MARGIN + room * from, MARGIN + room * to);
                    rule(content, (left, y), (right, y), 0.0);
                    let what = fitting(Font::Regular, CELL, right - left, what);
                    show(content, Font::Regular, CELL, (left, y - 10.0), &what);
                }
            });
            self.y -= 14.0;
        }
    }
}

/// The lines of a plot are told apart without colours.
const DASHES: [&[f32]; 4] = [&[], &[5.0, 2.0], &[2.0, 2.0], &[8.0, 2.0, 2.0, 2.0]];

/// Whether a text is a hash, an address or a path, which is set with every digit of one width.
fn is_identifier(text: &str) -> bool {
    let hash = |text: &str| text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'x');
    hash(text) || text.starts_with("./")
}

fn rule(content: &mut Content, from: (f32, f32), to: (f32, f32), grey: f32) {
    content.save_state().set_line_width(0.5).set_stroke_gray(grey);
    content.move_to(from.0, from.1).line_to(to.0, to.1).stroke().restore_state();
}

fn show(content: &mut Content, font: Font, size: f32, (x, y): (f32, f32), text: &[u8]) {
    content.begin_text().set_font(Name(font.name()), size).next_line(x, y).show(Str(text)).end_text();
}

fn width_of(font: Font, size: f32, text: &[u8]) -> f32 {
    font.width(text) as f32 * size / 1_000.0
}

/// A text in the encoding of the fonts, WinAnsi. Ends of lines become spaces.
fn encoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => bytes.push(b' '),
            ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}' => bytes.push(character as u32 as u8),
            '\u{a0}' => bytes.push(b' '),
            '\u{20ac}' => bytes.push(0x80),
            '\u{2026}' => bytes.push(0x85),
            '\u{2018}' => bytes.push(0x91),
            '\u{2019}' => bytes.push(0x92),
            '\u{201c}' => bytes.push(0x93),
            '\u{201d}' => bytes.push(0x94),
            '\u{2022}' => bytes.push(0x95),
            '\u{2013}' => bytes.push(0x96),
            '\u{2014}' => bytes.push(0x97),
            other => bytes.extend(format!("\\u{{{:x}}}", other as u32).bytes()),
        }
    }
    bytes
}

/// The lines of a text, none wider than `room`. Only words wider than a line are broken.
fn wrapped(font: Font, size: f32, room: f32, text: &[u8]) -> Vec<Vec<u8>> {
    let fits = |text: &[u8]| width_of(font, size, text) <= room;
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    for word in text.split(|byte| *byte == b' ') {
        let line = lines.last().map_or(&[][..], Vec::as_slice);
        let joined = if line.is_empty() { word.to_vec() } else { [line, b" ", word].concat() };
        if fits(&joined) {
            lines.pop();
            lines.push(joined);
            continue;
        }
        if line.is_empty() {
            lines.pop();
        }
        let mut rest = word;
        while !fits(rest) {
            let end = (1..rest.len()).rev().find(|end| fits(&rest[..*end])).unwrap_or(1);
            lines.push(rest[..end].to_vec());
            rest = &rest[end..];
            if rest.len() <= 1 {
                break;
            }
        }
        lines.push(rest.to_vec());
    }
    lines
}

/// The beginning of a text that is no wider than `room`, with an ellipsis if that is not all of it.
fn fitting(font: Font, size: f32, room: f32, text: &[u8]) -> Vec<u8> {
    if width_of(font, size, text) <= room {
        return text.to_vec();
    }
    const ELLIPSIS: u8 = 0x85;
    let cut = |end: usize| [&text[..end], &[ELLIPSIS][..]].concat();
    (0..text.len()).rev().map(cut).find(|cut| width_of(font, size, cut) <= room).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize, cell: &str) -> Block {
        Block::Table(Table {
            caption: "A table".to_owned(),
            header: vec!["File", "Why"],
            weights: vec![1, 2],
            rows: (0..rows).map(|row| vec![format!("./{row}.json"), cell.to_owned()]).collect(),
        })
    }

    fn document(rows: usize, cell: &str) -> Document {
        let heading = |title: &str| Block::Heading(title.to_owned());
        let plot = Plot {
            from: 0,
            until: 100,
            labels: ["a".to_owned(), "b".to_owned()],
            lines: vec![PlotLine { name: "initial".to_owned(), steps: vec![(0, 1_000_000), (50, 0)] }],
        };
        let sign_off = Block::SignOff(vec!["Prepared by".to_owned()]);
        Document {
            title: "Audit".to_owned(),
            subtitle: "as of now".to_owned(),
            producer: "surety 1".to_owned(),
            blocks: vec![heading("First"), Block::Plot(plot), heading("Second"), table(rows, cell), sign_off],
        }
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn pages_are_numbered_and_headings_listed() {
        for paper in [Paper::A4, Paper::Letter] {
            let text = text(&document(200, "because").bytes(paper));
            assert!(text.starts_with("%PDF-") && text.contains("/Producer (surety 1)"), "{text:.60}");
            let pages = text.matches("/Type /Page\n").count();
            assert!(pages > 3, "{pages}");
            for page in 1..=pages {
                assert!(text.contains(&format!("({page} of {pages})")), "{page} of {pages}");
            }
            // The header of a table once on each of its pages.
            assert!(text.matches("(Why)").count() >= pages - 2, "{}", text.matches("(Why)").count());
            assert_eq!((text.matches("(First)").count(), text.matches("/GoTo").count()), (3, 2));
            assert!(text.contains("(Signature)") && text.contains("(Date)"));
        }
        assert_eq!(document(9, "x").bytes(Paper::A4), document(9, "x").bytes(Paper::A4));
    }

    #[test]
    fn a_cell_longer_than_a_page_goes_on_behind_it() {
        let text = text(&document(1, &"word ".repeat(9_000)).bytes(Paper::A4));
        assert!(text.matches("/Type /Page\n").count() > 5);
    }

    #[test]
    fn lines_fit_and_only_long_words_are_broken() {
        for room in [20.0, 60.0, 200.0] {
            let text = encoded("expected 0x0123456789abcdef0123456789abcdef, found none of it \u{2014} at all");
            let lines = wrapped(Font::Regular, 9.0, room, &text);
            assert!(lines.iter().all(|line| line.len() == 1 || width_of(Font::Regular, 9.0, line) <= room));
            let letters = |text: &[u8]| text.iter().copied().filter(|byte| *byte != b' ').collect::<Vec<u8>>();
            assert_eq!(letters(&lines.concat()), letters(&text), "nothing is lost");
        }
        assert_eq!(wrapped(Font::Mono, 10.0, 1.0, b"abc"), [b"a", b"b", b"c"]);
        assert_eq!(fitting(Font::Mono, 10.0, 18.0, b"abcdef"), b"ab\x85");
    }

    /// Attack: a name that looks like another once its characters are dropped.
    #[test]
    fn rejects_to_drop_characters_that_a_font_lacks() {
        assert_eq!(encoded("a\u{202e}b\u{e9}\u{4e2d}"), b"a\\u{202e}b\xe9\\u{4e2d}");
    }
}
