//! `slipway.yaml` as somebody who knows Slipway writes it by hand: what targets share in `defaults`, and why above each.
//!
//! What a person has to decide is there as a comment, which counts when the signs are taken away.

use slipway_core::config::Config;

use super::parameters;
use super::plan::{Plan, Row, Standing, Target};
use super::tags::Rule;
use crate::problem::Problem;
use crate::screen::wrapped;

/// Columns of a comment.
const WIDTH: usize = 100;

/// A document of more bytes is no parameter of SSM (Systems Manager user guide, parameter tiers).
pub(crate) const LARGEST_PARAMETER: usize = 8192;

/// What the targets share.
#[derive(Clone, Copy, Debug, Default)]
struct Defaults<'p> {
    cluster: Option<&'p str>,
    tags: Option<&'p Rule>,
}

/// Which targets count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// Those that are sure.
    Written,
    /// Those that are proposed, too: to see that they would be right.
    All,
}

/// The document. The error is a mistake that core finds in it, which is a bug.
pub(crate) fn of(plan: &Plan) -> Result<String, Problem> {
    let document = drawn(plan, Counted::Written);
    if plan.services.iter().any(Row::is_written) {
        check(plan, &document, Counted::Written)?;
    }
    if targets(plan).next().is_some() {
        check(plan, &drawn(plan, Counted::All), Counted::All)?;
    }
    Ok(document)
}

/// Reads the document as the functions read it, and compares it with what was to be written.
fn check(plan: &Plan, document: &str, counted: Counted) -> Result<(), Problem> {
    let bug = |text: String| {
        Problem::unavailable(format!(
            "`slipway init` wrote a document that Slipway does not read as it is meant: {text}"
        ))
        .fix("This is a bug of Slipway. Nothing was written; please report it with the names and tags concerned.")
    };
    let config = Config::parse(document).map_err(|mistakes| bug(mistakes.to_string()))?;
    let wanted = targets(plan).filter(|it| counts(it, counted));
    let wanted: Vec<String> =
        wanted.map(|it| format!("{}/{} {} {:?}", it.cluster, it.service, it.source.name, it.containers)).collect();
    let containers = |target: &slipway_core::config::Target| -> Vec<String> {
        target.containers.iter().map(ToString::to_string).collect()
    };
    let read = config.targets().iter().map(|it| format!("{} {} {:?}", it.name, it.repository.name(), containers(it)));
    let read: Vec<String> = read.collect();
    let policies = config.targets().iter().zip(targets(plan).filter(|it| counts(it, counted)));
    let differs =
        policies.into_iter().find(|(read, wanted)| !wanted.policy.is_empty() && read.tags.to_string() != wanted.policy);
    match (read == wanted, differs) {
        (true, None) => Ok(()),
        (true, Some((read, _))) => Err(bug(format!("the policy of {} is {}", read.name, read.tags))),
        (false, _) => Err(bug(format!("{read:?} is not {wanted:?}"))),
    }
}

fn targets(plan: &Plan) -> impl Iterator<Item = &Target> {
    plan.services.iter().flat_map(|row| &row.targets)
}

fn counts(target: &Target, counted: Counted) -> bool {
    counted == Counted::All || target.standing == Standing::Written
}

fn drawn(plan: &Plan, counted: Counted) -> String {
    let defaults = Defaults::of(plan);
    let mut text = head(plan);
    text.push_str("version: 1\n");
    if defaults.cluster.is_some() || defaults.tags.is_some() {
        text.push_str("defaults:\n");
        for (key, value) in [("cluster", defaults.cluster.map(plain)), ("tags", defaults.tags.map(Rule::yaml))] {
            value.iter().for_each(|value| text.push_str(&format!("  {key}: {value}\n")));
        }
    }
    text.push_str("targets:\n");
    for (place, (row, target)) in
        plan.services.iter().flat_map(|row| row.targets.iter().map(move |it| (row, it))).enumerate()
    {
        if place > 0 {
            text.push('\n');
        }
        let is_first = row.targets.first().is_some_and(|first| std::ptr::eq(first, target));
        entry(&mut text, plan, row, target, (defaults, counted, is_first));
    }
    tail(&mut text, plan);
    text
}

fn head(plan: &Plan) -> String {
    let mut text = String::new();
    let home = &plan.home;
    let mut lines = vec![
        format!("Written by `slipway init` from what runs in account {}, {}.", home.account, home.region),
        "Each comment says why. Change what you want; the README has all keys.".to_owned(),
        "If Terraform, CloudFormation or CDK registers your task definitions, look at `base: family` there.".to_owned(),
    ];
    if !plan.services.iter().any(Row::is_written) {
        lines.push("Nothing is sure yet: remove the # signs from the targets that you want.".to_owned());
    }
    lines.iter().for_each(|line| comment(&mut text, "", line));
    text
}

/// A target, with its comments above it.
fn entry(text: &mut String, plan: &Plan, row: &Row, target: &Target, how: (Defaults<'_>, Counted, bool)) {
    let (defaults, counted, is_first) = how;
    comment(text, "  ", &target.why.join(" "));
    if is_first {
        row.warnings.iter().for_each(|warning| comment(text, "  ", &warning.text));
    }
    let is_proposed = target.standing == Standing::Proposed;
    if is_proposed {
        let missing = parameters::missing(plan, row, target);
        if !missing.is_empty() {
            comment(
                text,
                "  ",
                &format!("It is no target yet. When it is one, parameters.json needs: {}.", missing.join("; ")),
            );
        }
        text.push_str("  #\n");
    }
    let sign = if is_proposed && counted == Counted::Written { "# " } else { "" };
    let mut key =
        |before: &str, name: &str, value: String| text.push_str(&format!("  {sign}{before}{name}: {value}\n"));
    key("- ", "repository", plain(&target.repository));
    key("  ", "service", plain(&target.service));
    if defaults.cluster != Some(&target.cluster) {
        key("  ", "cluster", plain(&target.cluster));
    }
    if !target.containers.is_empty() {
        let names: Vec<String> = target.containers.iter().map(|name| plain(name)).collect();
        key("  ", "containers", format!("[{}]", names.join(", ")));
    }
    if defaults.tags != Some(&target.tags) {
        key("  ", "tags", target.tags.yaml());
    }
}

/// What is no target.
fn tail(text: &mut String, plan: &Plan) {
    let alone: Vec<(&str, &str)> =
        plan.services.iter().filter_map(|row| Some((row.name.as_str(), row.left_alone.as_deref()?))).collect();
    if alone.is_empty() {
        return;
    }
    text.push_str("\n# Not deployed by Slipway:\n");
    for (name, why) in alone {
        let lines = wrapped(&format!("{name}: {why}"), WIDTH - 4);
        for (place, line) in lines.iter().enumerate() {
            text.push_str(&format!("# {} {line}\n", if place == 0 { "-" } else { " " }));
        }
    }
}

fn comment(text: &mut String, indent: &str, said: &str) {
    for line in wrapped(said, WIDTH - indent.len() - 2).iter().filter(|line| !line.is_empty()) {
        text.push_str(&format!("{indent}# {line}\n"));
    }
}

impl<'p> Defaults<'p> {
    fn of(plan: &'p Plan) -> Self {
        let written: Vec<&Target> = targets(plan).filter(|it| it.standing == Standing::Written).collect();
        if written.len() < 2 {
            return Self::default();
        }
        Self {
            cluster: most(written.iter().map(|it| it.cluster.as_str())),
            tags: most(written.iter().map(|it| &it.tags)),
        }
    }
}

/// What half of them or more are.
fn most<T: PartialEq + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let values: Vec<T> = values.collect();
    let count = |value: &T| values.iter().filter(|it| *it == value).count();
    values.iter().find(|value| count(value) > 1 && count(value) * 2 >= values.len()).copied()
}

/// A text, in quotes where YAML would take it for something else.
pub(crate) fn plain(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic()) || text.contains('/');
    let is_safe = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
    let means_more =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if is_word && is_safe && !means_more { text.to_owned() } else { format!("{text:?}") }
}
