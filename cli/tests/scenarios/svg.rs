//! Draws screens as an SVG image, one after the other, for the README.
//!
//! Text stays text, each word at its place and of its width, so that no font can move a column.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// Pixels of a cell, and of the window around all of them.
const CELL: (usize, usize) = (8, 18);
const MARGIN: usize = 16;
const BAR: usize = 30;

/// The window's background, its bar, and plain text.
const WINDOW: &str = "#1e2127";
const TITLE: &str = "#2b2f38";
const TEXT: &str = "#d7dae0";

/// The eight colours of a terminal, as many terminals show them on a dark background.
const COLOURS: [&str; 8] = ["#5c6370", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0"];

/// A screen, and for how many seconds it is shown.
pub(crate) struct Frame {
    rows: Vec<String>,
    columns: usize,
    seconds: usize,
}

impl Frame {
    /// Of what a screen shows.
    pub(crate) fn of(screen: &Screen, seconds: usize) -> Self {
        let (rows, columns) = screen.size();
        let rows = (0..rows.get()).map(|row| drawn_row(screen, row, columns.get())).collect();
        Self { rows, columns: usize::from(columns.get()), seconds }
    }
}

/// The frames one after the other, again and again, in a window with this title. Whoever wants nothing to move sees the last one.
pub(crate) fn drawn(title: &str, frames: &[Frame]) -> String {
    let columns = frames.iter().map(|frame| frame.columns).max().unwrap_or_default();
    let used = |frame: &Frame| frame.rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
    let rows = frames.iter().map(used).max().unwrap_or_default();
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, BAR + rows * CELL.1 + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <title>{}</title>\n{}\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{WINDOW}\"/>\n\
         <path d=\"M0 8a8 8 0 0 1 8-8h{}a8 8 0 0 1 8 8v{}H0z\" fill=\"{TITLE}\"/>\n\
         <text x=\"{MARGIN}\" y=\"20\" class=\"bold\">$ {}</text>\n",
        escaped(title),
        style(frames),
        width - 16,
        BAR - 8,
        escaped(title),
    );
    for (place, frame) in frames.iter().enumerate() {
        let _ = writeln!(svg, "<g class=\"frame\" id=\"frame-{place}\">");
        for (row, text) in frame.rows.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let y = BAR + MARGIN + row * CELL.1 + 13;
            let _ = writeln!(svg, "<g transform=\"translate({MARGIN} {y})\">{text}</g>");
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// What the text looks like, and when each frame is seen.
fn style(frames: &[Frame]) -> String {
    let whole: usize = frames.iter().map(|frame| frame.seconds).sum();
    let mut css = format!(
        "text {{ font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: {TEXT} }}\n\
         .bold {{ font-weight: bold }}\n.dim {{ opacity: 0.6 }}\n"
    );
    for (number, colour) in COLOURS.iter().enumerate() {
        let _ = writeln!(css, ".c{number} {{ fill: {colour} }}");
    }
    if frames.len() > 1 {
        let _ = writeln!(css, ".frame {{ visibility: hidden; animation: {whole}s step-end infinite }}");
        let mut begun = 0;
        for (place, frame) in frames.iter().enumerate() {
            let ends = begun + frame.seconds;
            let percent = |seconds: usize| seconds * 100 / whole.max(1);
            let (from, to) = (percent(begun), percent(ends));
            let hidden = if begun == 0 { "" } else { "0% { visibility: hidden } " };
            let end = if ends == whole { String::new() } else { format!(" {to}% {{ visibility: hidden }}") };
            let _ = writeln!(css, "#frame-{place} {{ animation-name: f{place} }}");
            let _ = writeln!(css, "@keyframes f{place} {{ {hidden}{from}% {{ visibility: visible }}{end} }}");
            begun = ends;
        }
        let last = frames.len() - 1;
        let _ = writeln!(
            css,
            "@media (prefers-reduced-motion) {{ .frame {{ animation: none }} #frame-{last} {{ visibility: visible }} }}"
        );
    }
    format!("<style>\n{css}</style>\n")
}

/// A row as texts, one for each word whose letters look alike; nothing for an empty row.
fn drawn_row(screen: &Screen, row: u16, columns: u16) -> String {
    let cells = (0..columns).filter_map(|column| Some((usize::from(column), screen.cell(row, column)?)));
    let mut words: Vec<Word> = Vec::new();
    for (column, cell) in cells.filter(|(_, cell)| cell.has_contents() && cell.contents() != " ") {
        let (class, cells) = (class(cell), if cell.is_wide() { 2 } else { 1 });
        match words.last_mut() {
            Some(word) if word.class == class && word.column + word.cells == column => {
                word.cells += cells;
                word.text.push_str(cell.contents());
            }
            _ => words.push(Word { column, cells, class, text: cell.contents().to_owned() }),
        }
    }
    let mut drawn = String::new();
    for Word { column, cells, class, text } in words {
        let class = if class.is_empty() { class } else { format!(" class=\"{class}\"") };
        let (x, length) = (column * CELL.0, cells * CELL.0);
        let _ = write!(drawn, "<text x=\"{x}\" textLength=\"{length}\"{class}>{}</text>", escaped(&text));
    }
    drawn
}

/// Letters side by side that look alike, from which column on, and over how many cells.
struct Word {
    column: usize,
    cells: usize,
    class: String,
    text: String,
}

fn class(cell: &Cell) -> String {
    let mut class = Vec::new();
    if let Color::Idx(number) = cell.fgcolor() {
        class.push(format!("c{}", number % 8));
    }
    for (is, name) in [(cell.bold(), "bold"), (cell.dim(), "dim")] {
        if is {
            class.push(name.to_owned());
        }
    }
    class.join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
