//! How long the configuration takes: 10,000 targets parsed and validated, and an event matched in them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::table::Table;

/// Runs the program that measures it, in release.
///
/// # Panics
/// If the program fails: the document has mistakes then, or matches other targets than it should.
pub fn measure(program: &Path, table: &mut Table) {
    let output = Command::new(program).output().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).expect("figures as JSON");
    let milliseconds = |name: &str| figures[name].as_f64().expect("a figure") / 1e3;
    table.aim("10,000 targets: parsed and validated", milliseconds("parse"), 100.0, " ms");
    table.aim("10,000 targets: an event matched", milliseconds("match") * 1e3, 1000.0, " µs");
}
