//! The figures as a table: what was measured, how much, and the aim beside it.

use std::fmt;

/// Figures in the order they were measured.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    figure: String,
    aim: String,
    landed: &'static str,
}

impl Table {
    /// Adds a figure that nothing was aimed at.
    pub fn add(&mut self, what: impl Into<String>, figure: impl Into<String>) {
        self.rows.push(Row { what: what.into(), figure: figure.into(), aim: String::new(), landed: "" });
    }

    /// Adds a figure that should be at most so much; `unit` follows both numbers.
    pub fn aim(&mut self, what: impl Into<String>, figure: f64, at_most: f64, unit: &str) {
        let landed = if figure <= at_most { "yes" } else { "NO" };
        let figure = format!("{figure:.2}{unit}");
        self.rows.push(Row { what: what.into(), figure, aim: format!("≤ {at_most}{unit}"), landed });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["", "figure", "aim", "landed"];
        let cells = |row: &Row| [row.what.clone(), row.figure.clone(), row.aim.clone(), row.landed.to_owned()];
        let mut widths = heads.map(|head| head.chars().count());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(cells(row)) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let [what, figure, aim, _] = widths;
        for row in std::iter::once(heads.map(str::to_owned)).chain(self.rows.iter().map(cells)) {
            let line = format!("{:what$}  {:>figure$}  {:>aim$}  {}", row[0], row[1], row[2], row[3]);
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
