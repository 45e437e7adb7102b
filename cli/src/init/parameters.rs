//! `parameters.json`: what the template has to allow Slipway for these targets, and no more.
//!
//! The lists become IAM policies, which have a largest size. Lists that are too long get wildcards, the longest groups first.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::{Value, json};
use slipway_core::model::image::Registry;

use super::plan::{Plan, Row, Standing, Target, Warning};

/// So many names of so many characters fit into each list, all lists at once (README, "Install").
const NAMES: usize = 20;
const CHARACTERS: usize = 64;

/// More than what stands between two names in any policy of the template.
const BETWEEN: usize = 60;

/// The widest line; a longer entry takes several.
const WIDTH: usize = 120;

/// A list of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    key: &'static str,
    names: BTreeSet<String>,
}

/// The file, and what is to be said of it.
pub(crate) fn of(plan: &Plan) -> (String, Vec<Warning>) {
    let mut warnings = Vec::new();
    let mut lines = Vec::new();
    for Parameter { key, names } in granted(plan) {
        let short = fitting(&names);
        if short != names {
            warnings.push(Warning {
                code: "wildcards",
                text: format!(
                    "{key} would have {} names, more than surely fit into IAM's policies, so some are wildcards: {}.",
                    names.len(),
                    short.iter().filter(|it| it.contains('*')).cloned().collect::<Vec<_>>().join(", ")
                ),
            });
        }
        let names: Vec<String> = short.into_iter().collect();
        lines.push(entry(key, &names.join(",")));
    }
    (format!("[\n{}\n]\n", lines.join(",\n")), warnings)
}

/// The entries as they are for programs.
pub(crate) fn values(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// What a target needs that is not granted yet: `Services prod/web`.
pub(crate) fn missing(plan: &Plan, row: &Row, target: &Target) -> Vec<String> {
    let granted = granted(plan);
    let is_granted = |key: &str, name: &String| granted.iter().any(|it| it.key == key && it.names.contains(name));
    let needed = of_target(plan, row, target).into_iter().filter_map(|Parameter { key, names }| {
        let names: Vec<String> = names.into_iter().filter(|name| !is_granted(key, name)).collect();
        (!names.is_empty()).then(|| format!("{key} {}", names.join(",")))
    });
    needed.collect()
}

/// The lists for all targets that are written. The roles always are: the template asks for them.
fn granted(plan: &Plan) -> Vec<Parameter> {
    let mut lists: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for row in &plan.services {
        for target in row.targets.iter().filter(|it| it.standing == Standing::Written) {
            for Parameter { key, names } in of_target(plan, row, target) {
                lists.entry(key).or_default().extend(names);
            }
        }
    }
    let list = |key: &'static str| Parameter { key, names: lists.get(key).cloned().unwrap_or_default() };
    KEYS.map(list).into_iter().filter(|it| it.key == "PassRoleArns" || !it.names.is_empty()).collect()
}

const KEYS: [&str; 7] = [
    "PassRoleArns",
    "Services",
    "TaskDefinitionFamilies",
    "Repositories",
    "TaskLogGroups",
    "RegistryAccounts",
    "CodeDeployApplications",
];

fn of_target(plan: &Plan, row: &Row, target: &Target) -> [Parameter; 7] {
    let account = match &target.source.registry {
        Registry::Ecr { account, .. } if *account != plan.home.account => vec![account.to_string()],
        Registry::Ecr { .. } | Registry::Other(_) => Vec::new(),
    };
    let grants = &row.grants;
    let names = [
        grants.roles.clone(),
        vec![row.name.clone()],
        grants.families.clone(),
        vec![target.source.name.clone()],
        grants.log_groups.clone(),
        account,
        grants.applications.clone(),
    ];
    let mut names = names.into_iter();
    KEYS.map(|key| Parameter { key, names: names.next().unwrap_or_default().into_iter().collect() })
}

/// As the examples have it: in one line where it fits.
fn entry(key: &str, value: &str) -> String {
    let (key, value) = (json!(key), json!(value));
    let line = format!("  {{ \"ParameterKey\": {key}, \"ParameterValue\": {value} }}");
    match line.len() < WIDTH {
        true => line,
        false => format!("  {{\n    \"ParameterKey\": {key},\n    \"ParameterValue\": {value}\n  }}"),
    }
}

/// The names, with wildcards for groups until they fit.
fn fitting(names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut names = names.clone();
    while !fits(&names) {
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for name in names.iter().filter(|name| !name.ends_with('*')) {
            *groups.entry(group(name)).or_default() += name.len() + BETWEEN;
        }
        // Of groups of one size the first in the alphabet.
        let largest = groups.into_iter().rev().max_by_key(|(_, size)| *size).map(|(group, _)| group);
        let Some(largest) = largest else { return BTreeSet::from(["*".to_owned()]) };
        names.retain(|name| !name.starts_with(largest.trim_end_matches('*')));
        names.insert(largest);
    }
    names
}

/// Whether a list surely fits: as long as the longest that the README promises, in each policy.
fn fits(names: &BTreeSet<String>) -> bool {
    let (count, characters) = (names.len(), names.iter().map(String::len).sum::<usize>());
    match count <= NAMES {
        // What stands between fewer names takes less than between twenty.
        true => characters <= NAMES * CHARACTERS,
        false => characters + count * BETWEEN <= NAMES * (CHARACTERS + BETWEEN),
    }
}

/// `prod/*` of a service or a repository, `/ecs/*` of a log group, `web-*` of a family, `AppECS-*` of an application, and of a
/// role its account's.
fn group(name: &str) -> String {
    let (before, own) = match name.split_once(":role/") {
        Some((account, role)) => (format!("{account}:role/"), role),
        None => (String::new(), name),
    };
    let start = usize::from(own.starts_with('/'));
    let end = own[start..].find('/').or_else(|| own[start..].find(['-', '_'])).map(|at| start + at + 1);
    match end {
        Some(end) => format!("{before}{}*", &own[..end]),
        None if before.is_empty() => "*".to_owned(),
        None => format!("{before}*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: impl IntoIterator<Item = String>, expected: &[&str]) {
        let fitted = fitting(&names.into_iter().collect());
        assert!(fits(&fitted));
        assert_eq!(fitted.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_too_long_gets_wildcards_where_they_spare_the_most() {
        let twenty: Vec<String> = (10..30).map(|n| format!("prod/{}{n}", "x".repeat(57))).collect();
        assert_eq!(fitting(&twenty.iter().cloned().collect()), twenty.iter().cloned().collect());
        check((0..200).map(|n| format!("prod/s{n}")).chain(["edge/gateway".to_owned()]), &["edge/gateway", "prod/*"]);
        check((0..200).map(|n| format!("/ecs/s{n}")), &["/ecs/*"]);
        check((0..200).map(|n| format!("s{n}")), &["*"]);
        check((0..200).map(|n| format!("web-{n}")).chain(["api".to_owned()]), &["api", "web-*"]);
        check((0..200).map(|n| format!("AppECS-prod-s{n}")).chain(["shop".to_owned()]), &["AppECS-*", "shop"]);
        let roles = (0..200).map(|n| format!("arn:aws:iam::123456789012:role/s{n}"));
        check(roles, &["arn:aws:iam::123456789012:role/*"]);
    }
}
