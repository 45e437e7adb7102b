//! The notice as an e-mail reads it: what happened first, then what changed, why, what to do, where to look.

use std::fmt::Write as _;

use super::limits::shorten;
use crate::model::build::BuildChange;
use crate::model::diff::Diff;
use crate::model::notice::{Link, Notice, NoticeKind, Severity, TriggeredBy};
use crate::model::plan::Shown;
use crate::model::trigger::Trigger;

/// The title of the changes.
pub const CHANGES: &str = "What changes in the task definition";

/// The title of the advice.
pub const ADVICE: &str = "What you can do";

/// What an item of a list begins with.
const BULLET: &str = "- ";

/// A mail with more lines than this in one list isn't read; the JSON has them all.
const MOST_LINES: usize = 40;

/// Characters of a line; ECS's and AWS's own messages are shorter.
const LONGEST_LINE: usize = 2_000;

impl Notice {
    /// The notice as plain text, its first line the headline.
    pub fn text(&self) -> String {
        let mut text = Text::default();
        text.line(&shorten(&self.headline, LONGEST_LINE));
        text.paragraph(&[shorten(&self.reason, LONGEST_LINE)]);
        let rows =
            self.table().into_iter().map(|(label, value)| shorten(&format!("{label:12}  {value}"), LONGEST_LINE));
        text.paragraph(&rows.collect::<Vec<_>>());
        let changed = self.changed();
        if !changed.is_empty() {
            let title = std::iter::once(format!("{CHANGES}:"));
            text.paragraph(&title.chain(changed.into_iter().map(|line| format!("  {line}"))).collect::<Vec<_>>());
        }
        text.list(&format!("{}:", self.details_title()), self.bullet(), self.details.iter().cloned());
        text.list(&format!("{ADVICE}:"), BULLET, self.advice.iter().cloned());
        text.list("Look here:", BULLET, self.all_links().iter().map(|link| format!("{}: {}", link.name, link.url)));
        text.list("Left out, because SNS takes 256 KiB at most:", BULLET, self.cut.iter().cloned());
        text.paragraph(&[self.signature()]);
        text.written
    }

    /// What there is to know, as labels and values: image, revision, deployment, trigger, duration.
    pub fn table(&self) -> Vec<(&'static str, String)> {
        let mut rows = Vec::new();
        if let Some(image) = &self.image {
            rows.push(("Repository", image.repository.clone()));
            let (new, old) = (exact(&image.new), image.old.as_ref().map(exact));
            match (self.words_for_failure(), old) {
                (Some((refused, kept)), old) => {
                    rows.push((refused, new));
                    rows.extend(old.map(|old| (kept, old)));
                }
                (None, Some(old)) if old == new => rows.push(("Image", format!("{new}, as before"))),
                (None, Some(old)) => rows.push(("Image", format!("{old} → {new}"))),
                (None, None) => rows.push(("Image", new)),
            }
        }
        match self.revision.as_ref().map(|revision| (revision.old.as_deref(), revision.new.as_deref())) {
            Some((Some(old), Some(new))) if old == new => rows.push(("Revision", format!("{new}, as before"))),
            Some((Some(old), Some(new))) => rows.push(("Revision", format!("{old} → {new}"))),
            Some((None, Some(one)) | (Some(one), None)) => rows.push(("Revision", one.to_owned())),
            Some((None, None)) | None => {}
        }
        rows.extend(self.deployment.as_ref().map(|deployment| ("Deployment", deployment.to_string())));
        rows.extend(self.cause.as_ref().map(|cause| ("Triggered by", trigger(cause))));
        rows.extend(self.build.as_ref().and_then(BuildChange::words).map(|words| ("Commit", words)));
        rows.extend(self.tasks.map(|tasks| ("Tasks", format!("{} of {} running", tasks.running, tasks.desired))));
        rows.extend(self.duration_seconds.map(|seconds| ("Took", duration(seconds))));
        rows
    }

    /// Where the new image does not run in the end, an arrow from old to new would tell the wrong story.
    fn words_for_failure(&self) -> Option<(&'static str, &'static str)> {
        match self.kind {
            NoticeKind::Refused => Some(("Not deployed", "Runs")),
            NoticeKind::Failing => Some(("Failing", "Before")),
            NoticeKind::Failed | NoticeKind::TimedOut | NoticeKind::RollbackFailed => Some(("Failed", "Before")),
            NoticeKind::Stopped => Some(("Stopped", "Before")),
            NoticeKind::RollingBack if self.severity == Severity::Warning => Some(("Stopped", "Coming back")),
            NoticeKind::RollingBack => Some(("Failed", "Coming back")),
            NoticeKind::RolledBack => Some(("Failed", "Runs again")),
            _ => None,
        }
    }

    /// What changes in the task definition, a line each; the diff says itself how much of it a person reads.
    pub fn changed(&self) -> Vec<String> {
        if self.changes.is_empty() {
            return Vec::new();
        }
        let diff = Diff { changes: self.changes.clone() }.to_string();
        diff.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Where to look: the console, and what the image was built from.
    pub fn all_links(&self) -> Vec<Link> {
        let built = self.build.iter().flat_map(BuildChange::links);
        self.links.iter().cloned().chain(built).collect()
    }

    /// Who says it, when, and where it happened.
    pub fn signature(&self) -> String {
        let mut line = format!("Slipway, {}", self.at.strftime("%Y-%m-%d %H:%M:%S UTC"));
        if let (Some(account), Some(region)) = (&self.account, &self.region) {
            // Writing to a string cannot fail.
            _ = write!(line, ", account {account} in {region}");
        }
        if !self.id.is_empty() {
            _ = write!(line, ", notice {}", self.id);
        }
        shorten(&line, LONGEST_LINE)
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
        Trigger::Unknown => "nobody knows who",
        Trigger::Other(word) => word,
    };
    /// A name, not a story.
    const LONGEST_NAME: usize = 100;
    let who = cause.who.as_deref().map(|who| who.split_whitespace().collect::<Vec<_>>().join(" "));
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
pub(super) fn duration(seconds: i64) -> String {
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

#[derive(Default)]
struct Text {
    written: String,
}

impl Text {
    fn line(&mut self, line: &str) {
        self.written.push_str(line);
        self.written.push('\n');
    }

    fn paragraph(&mut self, lines: &[String]) {
        if lines.iter().all(|line| line.is_empty()) {
            return;
        }
        self.written.push('\n');
        for line in lines {
            self.line(line);
        }
    }

    fn list(&mut self, title: &str, bullet: &str, items: impl ExactSizeIterator<Item = String>) {
        let count = items.len();
        if count == 0 {
            return;
        }
        let mut lines = vec![title.to_owned()];
        lines.extend(items.take(MOST_LINES).map(|item| format!("{bullet}{}", shorten(&item, LONGEST_LINE))));
        if count > MOST_LINES {
            lines.push(format!("{bullet}… and {} more, in the notice's JSON", count - MOST_LINES));
        }
        self.paragraph(&lines);
    }
}
