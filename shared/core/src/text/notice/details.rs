//! As much of the details as a place has room for: of a log its end, of everything else its beginning.

use crate::model::notice::{Notice, NoticeKind};

/// What a quoted line of a log begins with.
const LOGGED: &str = "| ";

impl Notice {
    /// What the details are.
    pub fn details_title(&self) -> &'static str {
        if self.kind == NoticeKind::ConfigInvalid { "Mistakes" } else { "What Slipway observed" }
    }
}

/// At most so many lines of the details, and a line for what was left out at each place.
///
/// An application's last words say most about its death, so a log at the end of the details loses its first lines.
pub fn details_within(lines: &[String], most: usize) -> Vec<String> {
    if lines.len() <= most {
        return lines.to_vec();
    }
    // The line before the first is the log's title.
    let log = lines.iter().position(|line| line.starts_with(LOGGED)).unwrap_or(lines.len() + 1).saturating_sub(1);
    let (before, log) = lines.split_at(log);
    let of_log = most.saturating_sub(before.len()).max(most.div_ceil(2)).min(log.len());
    let first = before.len().min(most - of_log);
    let mut shown = before[..first].to_vec();
    if first < before.len() {
        shown.push(format!("… and {} more", before.len() - first));
    }
    if let Some((title, quoted)) = log.split_first().filter(|_| of_log > 0) {
        shown.push(title.clone());
        let left_out = quoted.len().saturating_sub(of_log - 1);
        if left_out > 0 {
            shown.push(format!("{LOGGED}…"));
        }
        shown.extend_from_slice(&quoted[left_out..]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &str, most: usize, expected: &str) {
        let lines: Vec<String> = lines.split('/').map(str::to_owned).collect();
        assert_eq!(details_within(&lines, most).join("/"), expected);
    }

    #[test]
    fn a_log_keeps_its_end_and_everything_else_its_beginning() {
        check("a/b/c", 3, "a/b/c");
        check("a/b/c/d/e", 3, "a/b/c/… and 2 more");
        check("a/b/log:/| 1/| 2/| 3/| 4/| 5", 8, "a/b/log:/| 1/| 2/| 3/| 4/| 5");
        check("a/b/log:/| 1/| 2/| 3/| 4/| 5", 6, "a/b/log:/| …/| 3/| 4/| 5");
        check("a/b/c/d/e/log:/| 1/| 2/| 3/| 4/| 5", 6, "a/b/c/… and 2 more/log:/| …/| 4/| 5");
        check("a/b/c/d/e/log:/| 1", 4, "a/b/… and 3 more/log:/| 1");
        check("a/log:/| 1/| 2", 1, "… and 1 more/log:/| …");
        check("| 1/| 2/| 3", 2, "| 1/| …/| 3");
        check("a/b", 0, "… and 2 more");
    }
}
