//! What was found: how bad it is, where, what is wrong, and how to fix it. Each check gives its findings, and counts what is fine.

use serde::Serialize;

use crate::check::account::Missed;
use crate::exit::Exit;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// A deploy would fail, or its events or notices would never come.
    Error,
    /// Something works less well than it looks, or will soon not work.
    Warning,
    /// It could not be looked at.
    NotChecked,
    /// Good to know.
    Note,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// How bad it is.
    pub(crate) level: Level,
    /// Its word for programs; it stays.
    pub(crate) code: String,
    /// What it is about: a target, a place in the document, a part of the stack, a permission.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) text: String,
    /// How to fix it; empty for a note about which nothing has to be done.
    pub(crate) fix: String,
}

/// Something that could not be looked at, before it is joined with others of the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unseen {
    action: String,
    why: Why,
    what: String,
}

/// Why something could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    Denied,
    Unreachable(String),
}

/// What one or more checks found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    unseen: Vec<Unseen>,
    fine: usize,
    /// How many of them the account said.
    seen: usize,
}

impl Findings {
    /// Notes an error.
    pub(crate) fn error(&mut self, code: &str, place: impl Into<String>, text: impl Into<String>, fix: &str) {
        self.add(Level::Error, code, place, text, fix);
    }

    /// Notes a warning.
    pub(crate) fn warning(&mut self, code: &str, place: impl Into<String>, text: impl Into<String>, fix: &str) {
        self.add(Level::Warning, code, place, text, fix);
    }

    /// Notes a note.
    pub(crate) fn note(&mut self, code: &str, place: impl Into<String>, text: impl Into<String>, fix: &str) {
        self.add(Level::Note, code, place, text, fix);
    }

    /// Notes what cannot be looked at from here, whatever the caller may do.
    pub(crate) fn not_checked(&mut self, code: &str, place: impl Into<String>, text: impl Into<String>, fix: &str) {
        self.add(Level::NotChecked, code, place, text, fix);
    }

    /// Notes anything.
    pub(crate) fn add(
        &mut self,
        level: Level,
        code: &str,
        place: impl Into<String>,
        text: impl Into<String>,
        fix: &str,
    ) {
        let (code, place, text, fix) = (code.to_owned(), place.into(), text.into(), fix.to_owned());
        let finding = Finding { level, code, place, text, fix };
        if !self.list.contains(&finding) {
            self.list.push(finding);
        }
    }

    /// One thing of the account is as it should be.
    pub(crate) fn fine(&mut self) {
        self.fine += 1;
        self.seen += 1;
    }

    /// One thing of a file is as it should be, which says nothing of the account.
    pub(crate) fn fine_in_file(&mut self) {
        self.fine += 1;
    }

    /// A call did not tell `what`, "whether its rule is enabled".
    pub(crate) fn unseen(&mut self, missed: &Missed, what: impl Into<String>) {
        let why = match missed {
            Missed::Denied { .. } => Why::Denied,
            Missed::Missing { text, .. } | Missed::Unreachable { text, .. } => Why::Unreachable(text.clone()),
        };
        self.unseen.push(Unseen { action: missed.action().to_owned(), why, what: what.into() });
    }

    /// Whether a call without an answer was noted.
    pub(crate) fn has_unseen(&self, action: &str) -> bool {
        self.unseen.iter().any(|it| it.action == action)
    }

    /// What was looked at: `None` where the call failed for another reason than that the thing is missing, which is noted.
    pub(crate) fn seen<T>(&mut self, look: Result<T, Missed>, what: &str) -> Option<Option<T>> {
        match look {
            Ok(found) => Some(Some(found)),
            Err(Missed::Missing { .. }) => Some(None),
            Err(missed) => {
                self.unseen(&missed, what);
                None
            }
        }
    }

    /// All of these and those.
    pub(crate) fn join(&mut self, other: Self) {
        other.list.into_iter().for_each(|it| self.add(it.level, &it.code, it.place, it.text, &it.fix));
        self.unseen.extend(other.unseen);
        self.fine += other.fine;
        self.seen += other.seen;
    }

    /// Everything, the worst first; what was denied or unreachable once for each call.
    pub(crate) fn report(mut self) -> Report {
        let unseen = std::mem::take(&mut self.unseen);
        let mut joined: Vec<(String, Why, Vec<String>)> = Vec::new();
        for Unseen { action, why, what } in unseen {
            match joined.iter_mut().find(|(known, _, _)| *known == action) {
                Some((_, _, all)) if all.contains(&what) => {}
                Some((_, _, all)) => all.push(what),
                None => joined.push((action, why, vec![what])),
            }
        }
        for (action, why, what) in joined {
            let what = listed(&what);
            match why {
                Why::Denied => {
                    let fix = format!(
                        "Allow {action} to your own role; the README has the whole policy under \"Check the configuration\"."
                    );
                    self.not_checked(
                        "denied",
                        &action,
                        format!("you may not call it, so it is not known {what}"),
                        &fix,
                    );
                }
                Why::Unreachable(error) => self.not_checked(
                    "unreachable",
                    &action,
                    format!("there is no usable answer ({error}), so it is not known {what}"),
                    "Check again.",
                ),
            }
        }
        self.list.sort_by_key(|finding| finding.level);
        Report { findings: self.list, fine: self.fine, seen: self.seen }
    }
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// The findings, the worst first.
    pub(crate) findings: Vec<Finding>,
    /// How many things are as they should be.
    pub(crate) fine: usize,
    /// How many of them the account said.
    seen: usize,
}

impl Report {
    /// How many findings are of this level.
    pub(crate) fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match (self.count(Level::Error), self.count(Level::NotChecked)) {
            (1.., _) => Exit::Failed,
            // Nothing of the account could be looked at, so nothing is known.
            (0, 1..) if self.seen == 0 => Exit::Unavailable,
            (0, _) => Exit::AsAsked,
        }
    }
}

/// `a`, `a, and b`, `a, b, and 3 more`: a long list says nothing.
pub(crate) fn listed<T: AsRef<str>>(all: &[T]) -> String {
    /// So many are named.
    const SHOWN: usize = 4;
    let named: Vec<&str> = all.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match (named.as_slice(), all.len().saturating_sub(SHOWN)) {
        ([], _) => String::new(),
        ([one], _) => (*one).to_owned(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (many, more) => format!("{} and {more} more", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(action: &'static str) -> Missed {
        Missed::Denied { action }
    }

    #[test]
    fn what_is_denied_is_said_once_for_each_permission() {
        let mut findings = Findings::default();
        findings.note("no_tasks", "prod/web", "a note", "");
        findings.unseen(&denied("events:DescribeRule"), "whether pushes arrive");
        findings.unseen(&denied("sns:ListSubscriptionsByTopic"), "who gets notices");
        findings.unseen(&denied("events:DescribeRule"), "whether events of ECS arrive");
        findings.unseen(&denied("events:DescribeRule"), "whether pushes arrive");
        let report = findings.report();
        assert_eq!(report.findings.len(), 3);
        assert_eq!(report.findings[0].place, "events:DescribeRule");
        assert!(report.findings[0].text.ends_with("whether pushes arrive and whether events of ECS arrive"));
        assert_eq!(report.findings[2].level, Level::Note);
    }

    #[test]
    fn the_exit_is_by_the_worst() {
        let exit = |work: fn(&mut Findings)| {
            let mut findings = Findings::default();
            work(&mut findings);
            findings.report().exit()
        };
        assert_eq!(exit(|_| {}), Exit::AsAsked);
        assert_eq!(exit(|it| it.warning("a", "b", "c", "d")), Exit::AsAsked);
        assert_eq!(exit(|it| it.error("a", "b", "c", "d")), Exit::Failed);
        assert_eq!(exit(|it| it.unseen(&denied("a:B"), "c")), Exit::Unavailable);
        let fine_file = |it: &mut Findings| {
            it.unseen(&denied("a:B"), "c");
            it.fine_in_file();
        };
        assert_eq!(exit(fine_file), Exit::Unavailable);
        let fine_besides = |it: &mut Findings| {
            it.unseen(&denied("a:B"), "c");
            it.fine();
        };
        assert_eq!(exit(fine_besides), Exit::AsAsked);
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d and 2 more");
    }
}
