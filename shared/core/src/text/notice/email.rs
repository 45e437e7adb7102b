//! The notice as an e-mail reads it: what happened first, then what changed, why, what to do, where to look.

use super::limits::{one_line, shorten};
use crate::model::build::BuildChange;
use crate::model::diff::Diff;
use crate::model::notice::{Link, Notice, NoticeKind, Severity, TriggeredBy};
use crate::model::plan::Shown;
use crate::model::trigger::Trigger;

/// The title of the changes.
pub const CHANGES: &str = "What changes in the task definition";

/// The title of the advice.
pub const ADVICE: &str = "What you can do";

const BULLET: &str = "- ";

/// A mail with more lines than this in one list isn't read; the JSON has them all.
const MOST_LINES: usize = 40;

/// Characters of a line; ECS's and AWS's own messages are shorter.
const LONGEST_LINE: usize = 2_000;

impl Notice {
    /// The notice as plain text, its first line the headline.
    pub fn text(&self) -> String {
        let rows: Vec<String> = self
            .table()
            .into_iter()
            .map(|(label, value)| shorten(&format!("{label:12}  {value}"), LONGEST_LINE))
            .collect();
        // Evidence is laid out in lines of its own, and is no list.
        let bullet = if self.kind == NoticeKind::ConfigInvalid { BULLET } else { "  " };
        let links: Vec<String> = self.all_links().iter().map(|link| format!("{}: {}", link.name, link.url)).collect();
        let paragraphs = [
            shorten(&self.reason, LONGEST_LINE),
            rows.join("\n"),
            list(CHANGES, "  ", &self.changed()),
            list(self.details_title(), bullet, &self.details),
            list(ADVICE, BULLET, &self.advice),
            list("Look here", BULLET, &links),
            list("Left out, because SNS takes 256 KiB at most", BULLET, &self.cut),
            self.signature(),
        ];
        let mut text = shorten(&self.headline, LONGEST_LINE) + "\n";
        for paragraph in paragraphs.iter().filter(|paragraph| !paragraph.is_empty()) {
            text.push_str(&format!("\n{paragraph}\n"));
        }
        text
    }

    /// What there is to know, as labels and values: image, revision, deployment, trigger, duration.
    pub fn table(&self) -> Vec<(&'static str, String)> {
        let mut rows = Vec::new();
        if let Some(image) = &self.image {
            rows.push(("Repository", image.repository.clone()));
            let (new, old) = (exact(&image.new), image.old.as_ref().map(exact));
            if let Some((refused, kept)) = self.labels_of_failure() {
                rows.push((refused, new));
                rows.extend(old.map(|old| (kept, old)));
            } else {
                rows.extend(change(old, Some(new)).map(|change| ("Image", change)));
            }
        }
        let revision = self.revision.clone().unwrap_or_default();
        rows.extend(change(revision.old, revision.new).map(|change| ("Revision", change)));
        rows.extend(self.deployment.as_ref().map(|deployment| ("Deployment", deployment.to_string())));
        rows.extend(self.cause.as_ref().map(|cause| ("Triggered by", trigger(cause))));
        rows.extend(self.build.as_ref().and_then(BuildChange::words).map(|words| ("Commit", words)));
        rows.extend(self.tasks.map(|tasks| ("Tasks", format!("{} of {} running", tasks.running, tasks.desired))));
        rows.extend(self.duration_seconds.map(|seconds| ("Took", duration(seconds))));
        rows
    }

    /// The labels of the new image and the old one where the new one does not run in the end: an arrow would mislead.
    fn labels_of_failure(&self) -> Option<(&'static str, &'static str)> {
        match self.kind {
            NoticeKind::Refused => Some(("Not deployed", "Runs")),
            NoticeKind::Failed | NoticeKind::TimedOut | NoticeKind::RollbackFailed => Some(("Failed", "Before")),
            NoticeKind::Stopped => Some(("Stopped", "Before")),
            NoticeKind::RollingBack if self.severity == Severity::Warning => Some(("Stopped", "Rollback to")),
            NoticeKind::RollingBack => Some(("Failed", "Rollback to")),
            NoticeKind::RolledBack => Some(("Failed", "Runs again")),
            _ => None,
        }
    }

    /// What changes in the task definition, a line each; the diff bounds their number.
    pub fn changed(&self) -> Vec<String> {
        if self.changes.is_empty() {
            return Vec::new();
        }
        let diff = Diff { changes: self.changes.clone() }.to_string();
        diff.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Where to look: the console, and what the image was built from.
    pub fn all_links(&self) -> Vec<Link> {
        self.links.iter().cloned().chain(self.build.iter().flat_map(BuildChange::links)).collect()
    }

    /// Who says it, when, and where it happened.
    pub fn signature(&self) -> String {
        let at = self.at.strftime("%Y-%m-%d %H:%M:%S UTC");
        let place = match (&self.account, &self.region) {
            (Some(account), Some(region)) => format!(", account {account} in {region}"),
            _ => String::new(),
        };
        let id = if self.id.is_empty() { String::new() } else { format!(", notice {}", self.id) };
        shorten(&format!("Slipway, {at}{place}{id}"), LONGEST_LINE)
    }
}

/// Who or what triggered it, as a person says it.
pub(super) fn trigger(cause: &TriggeredBy) -> String {
    let what = match &cause.trigger {
        Trigger::Push => "an image push",
        Trigger::Deploy => "a manual deploy",
        Trigger::Redeploy => "a manual redeploy",
        Trigger::Rollback => "a manual rollback",
        Trigger::Reconcile => "the reconcile",
        Trigger::Release => "a release",
        Trigger::External => "somebody outside Slipway",
        Trigger::Unknown => "an unknown cause",
        Trigger::Other(word) => word,
    };
    const LONGEST_NAME: usize = 100;
    let who = cause.who.as_deref().map(one_line);
    let what = match who.filter(|who| !who.is_empty()) {
        Some(who) => format!("{what} by {}", shorten(&who, LONGEST_NAME)),
        None => what.to_owned(),
    };
    match &cause.event {
        Some(event) if cause.trigger == Trigger::Push => format!("{what} (event {event})"),
        Some(event) => format!("{what} (request {event})"),
        None => what,
    }
}

/// Seconds as a person says them: `45 s`, `2 min 5 s`, `1 h 3 min`.
fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// The tag and the short digest, as far as they are known.
fn exact(image: &Shown) -> String {
    match (&image.tag, &image.digest) {
        (Some(tag), Some(digest)) => format!("{tag} (sha256:{})", digest.short()),
        _ => image.to_string(),
    }
}

/// What became of a value, as far as it is known.
fn change(old: Option<String>, new: Option<String>) -> Option<String> {
    match (old, new) {
        (Some(old), Some(new)) if old == new => Some(format!("{new}, as before")),
        (Some(old), Some(new)) => Some(format!("{old} → {new}")),
        (old, new) => new.or(old),
    }
}

/// The items below their title; empty without any.
fn list(title: &str, bullet: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut lines = vec![format!("{title}:")];
    lines.extend(items.iter().take(MOST_LINES).map(|item| format!("{bullet}{}", shorten(item, LONGEST_LINE))));
    if items.len() > MOST_LINES {
        lines.push(format!("{bullet}… and {} more, in the notice's JSON", items.len() - MOST_LINES));
    }
    lines.join("\n")
}
