//! Mistakes in the document: where each is, what is wrong, and what would be right.

use std::fmt;

use serde::Serialize;

/// A mistake in the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Where: `targets[2].tags.semver`; empty for the document as a whole.
    pub path: String,
    /// What is wrong, what would be right, and the line: `">=1.x.y" is not a version range; try ">=1, <2" (line 14)`.
    pub text: String,
}

impl Mistake {
    /// A mistake in a setting, such as `SLIPWAY_CONFIG`.
    pub fn of_setting(name: &str, text: impl Into<String>) -> Self {
        Self { path: name.to_owned(), text: text.into() }
    }

    /// A mistake in this line of the document, counted from 1.
    pub(super) fn in_line(line: usize, path: String, text: &str) -> Self {
        Self { path, text: format!("{text} (line {line})") }
    }
}

/// Every mistake of one version of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    /// The version of the document that has them, see [`Config::version`](super::Config::version).
    pub version: String,
    /// All of them, in the order of the document.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for Mistake {
    /// `targets[2].tags.semver: ">=1.x.y" is not a version range; try ">=1, <2" (line 14)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.text)
    }
}

impl fmt::Display for Mistakes {
    /// One mistake a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.mistakes.iter().map(Mistake::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
