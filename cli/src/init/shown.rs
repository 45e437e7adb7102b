//! What `slipway init` shows: each service and what becomes of it, what to know, what was written, and what comes next.

use std::fmt::Write as _;

use anstyle::Style;
use serde_json::{Value, json};

use super::document::LARGEST_PARAMETER;
use super::plan::{Plan, Row, Standing, Target, Warning};
use crate::screen::{BOLD, FAINT, GREEN, YELLOW, columns, harmless, padded, shortened, shortened_inside, wrapped};

/// On fewer columns than this, what becomes of a service stands below it.
const NARROW: usize = 100;

/// All that is to be shown.
#[derive(Debug)]
pub(crate) struct Proposal<'p> {
    /// The services.
    pub(crate) plan: &'p Plan,
    /// What is to be said of no service alone.
    pub(crate) warnings: Vec<Warning>,
    /// The paths of `slipway.yaml` and `parameters.json`; none where nothing was written.
    pub(crate) files: Option<[String; 2]>,
    /// The stack in whose parameter the configuration goes.
    pub(crate) stack: &'p str,
    /// The bytes of the configuration.
    pub(crate) size: usize,
}

impl Proposal<'_> {
    /// For people, on so many columns.
    pub(crate) fn text(&self, width: usize) -> String {
        let mut text = String::new();
        self.table(&mut text, width);
        self.said(&mut text, width);
        text.push('\n');
        for line in wrapped(&self.count(), width) {
            let _ = writeln!(text, "{FAINT}{line}{FAINT:#}");
        }
        self.next(&mut text, width);
        text
    }

    /// For programs.
    pub(crate) fn json(&self, parameters: &Value) -> Value {
        let home = &self.plan.home;
        let warning = |warning: &Warning| json!({ "code": warning.code, "text": warning.text });
        let target = |target: &Target| {
            json!({
                "repository": target.repository,
                "containers": target.containers,
                "tags": target.tags.json(),
                "why": target.why,
                "written": target.standing == Standing::Written,
            })
        };
        let service = |row: &Row| {
            json!({
                "service": row.name,
                "runs": row.runs,
                "becomes": row.becomes(),
                "left_alone": row.left_alone,
                "targets": row.targets.iter().map(target).collect::<Vec<_>>(),
                "warnings": row.warnings.iter().map(warning).collect::<Vec<_>>(),
            })
        };
        json!({
            "version": crate::ask::VERSION,
            "ok": self.plan.services.iter().any(Row::is_written),
            "action": "init",
            "account": home.account,
            "region": home.region,
            "services": self.plan.services.iter().map(service).collect::<Vec<_>>(),
            "parameters": parameters,
            "warnings": self.warnings.iter().map(warning).collect::<Vec<_>>(),
            "files": self.files.iter().flatten().collect::<Vec<_>>(),
        })
    }

    fn table(&self, text: &mut String, width: usize) {
        let rows = &self.plan.services;
        let widest = |cell: fn(&Row) -> &str, least: usize, most: usize| {
            rows.iter().map(|row| columns(cell(row))).max().unwrap_or(0).clamp(least, most)
        };
        let is_narrow = width < NARROW;
        let name = widest(|row| &row.name, 7, if is_narrow { 28 } else { 32 });
        let runs = widest(|row| &row.runs, 4, if is_narrow { width.saturating_sub(name + 2).max(12) } else { 32 });
        let left = name + runs + 4;
        let head = if is_narrow { "" } else { "  BECOMES" };
        let _ = writeln!(
            text,
            "{FAINT}{}  {}{head}{FAINT:#}",
            padded("SERVICE", name),
            if is_narrow { "RUNS".to_owned() } else { padded("RUNS", runs) }
        );
        for row in rows {
            let (style, becomes) = row.shown();
            let shown = shortened_inside(&harmless(&row.name), name);
            let blanks = padded("", name.saturating_sub(columns(&shown)));
            let runs = padded(&shortened_inside(&harmless(&row.runs), runs), runs);
            let line = format!("{BOLD}{shown}{BOLD:#}{blanks}  {runs}");
            let mut said = becomes.into_iter();
            match said.next().filter(|_| !is_narrow) {
                Some(first) => {
                    let _ = writeln!(
                        text,
                        "{line}  {style}{}{style:#}",
                        shortened(&harmless(&first), width.saturating_sub(left).max(20))
                    );
                }
                None => {
                    let _ = writeln!(text, "{}", line.trim_end());
                    said = row.shown().1.into_iter();
                }
            }
            let indent = if is_narrow { 2 } else { left };
            for more in said {
                let room = width.saturating_sub(indent).max(20);
                let _ = writeln!(text, "{:indent$}{style}{}{style:#}", "", shortened(&harmless(&more), room));
            }
        }
    }

    /// What a person should know, service by service; what all of them share, once.
    fn said(&self, text: &mut String, width: usize) {
        let of_services = self.plan.services.iter().flat_map(|row| {
            let asked = row.targets.iter().filter(|it| it.standing == Standing::Proposed).map(|it| it.why.join(" "));
            let known = row.warnings.iter().map(|it| it.text.clone());
            asked.chain(known).map(|said| format!("{}: {said}", row.name))
        });
        let of_all = self.warnings.iter().map(|it| it.text.clone());
        for (place, said) in of_services.chain(of_all).enumerate() {
            if place == 0 {
                text.push('\n');
            }
            for (place, line) in wrapped(&harmless(&said), width.saturating_sub(2).max(30)).iter().enumerate() {
                let sign = if place == 0 { "!" } else { " " };
                let _ = writeln!(text, "{YELLOW}{sign}{YELLOW:#} {line}");
            }
        }
    }

    fn count(&self) -> String {
        let services = &self.plan.services;
        let number = |standing: Standing| {
            services.iter().flat_map(|it| &it.targets).filter(|it| it.standing == standing).count()
        };
        let alone = services.iter().filter(|it| it.left_alone.is_some()).count();
        let plural = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let mut parts = vec![plural(services.len(), "service"), plural(number(Standing::Written), "target")];
        for (count, what) in [(number(Standing::Proposed), "to decide"), (alone, "left alone")] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        parts.join(" · ")
    }

    /// What was written, and the commands that come next.
    fn next(&self, text: &mut String, width: usize) {
        let Some([configuration, parameters]) = &self.files else { return };
        let _ =
            writeln!(text, "\n{GREEN}✓{GREEN:#} wrote {BOLD}{configuration}{BOLD:#} and {BOLD}{parameters}{BOLD:#}");
        let _ = writeln!(text, "  In the account nothing was changed.\n");
        let mut step = |number: usize, said: &str, command: &str| {
            for (place, line) in wrapped(said, width.saturating_sub(3).max(30)).iter().enumerate() {
                let number = if place == 0 { format!("{number}.") } else { "  ".to_owned() };
                let _ = writeln!(text, "{number} {line}");
            }
            if !command.is_empty() {
                let _ = writeln!(text, "   {BOLD}{command}{BOLD:#}");
            }
        };
        let first = match self.plan.services.iter().any(Row::is_written) {
            true => "Read them, and change what you want. Then check them:",
            false => "Decide which are targets: remove their # signs. Then check:",
        };
        step(1, first, &format!("slipway check --config {configuration} --parameters {parameters}"));
        let stack = self.stack;
        match self.size <= LARGEST_PARAMETER {
            true => step(
                2,
                "Put the configuration where Slipway reads it:",
                &format!(
                    "aws ssm put-parameter --name /{stack}/config --type String --tier Intelligent-Tiering --overwrite --value file://{configuration}"
                ),
            ),
            false => step(
                2,
                &format!(
                    "Put the configuration into S3, because it has {} KB and a parameter takes 8, and name it in ConfigObject:",
                    self.size.div_ceil(1024)
                ),
                &format!("aws s3 cp {configuration} s3://YOUR-BUCKET/slipway.yaml"),
            ),
        }
        step(
            3,
            "Install Slipway, as the README says, with these parameters:",
            &format!(
                "aws cloudformation deploy --template-file packaged.yaml --s3-bucket YOUR-BUCKET --stack-name {stack} --capabilities CAPABILITY_IAM --parameter-overrides file://{parameters}"
            ),
        );
    }
}

impl Row {
    /// A word for programs.
    fn becomes(&self) -> &'static str {
        match (self.is_written(), self.left_alone.is_some()) {
            (true, _) => "target",
            (false, true) => "left_alone",
            (false, false) => "proposal",
        }
    }

    /// A line for each target, or why there is none.
    fn shown(&self) -> (Style, Vec<String>) {
        if let Some(why) = &self.left_alone {
            return (FAINT, vec![format!("left alone: {}", first_words(why))]);
        }
        let is_one = self.targets.len() == 1;
        let line = |target: &Target| {
            let of = if is_one { String::new() } else { format!("{}: ", target.repository) };
            match target.standing {
                Standing::Written => format!("{of}{}", target.policy),
                Standing::Proposed => format!("{of}to decide"),
            }
        };
        let style = if self.is_written() { GREEN } else { YELLOW };
        (style, self.targets.iter().map(line).collect())
    }
}

/// The first clause of a sentence, as one that goes on.
fn first_words(why: &str) -> String {
    let clause = why.split(['.', ';', ':', ',']).next().unwrap_or(why);
    let is_name = clause.chars().nth(1).is_some_and(char::is_uppercase);
    match clause.chars().next() {
        Some(first) if !is_name => first.to_lowercase().chain(clause.chars().skip(1)).collect(),
        Some(_) | None => clause.to_owned(),
    }
}
