//! The parameters of the stack, as they are or as they will be: what the functions may touch, and who gets notices.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::check::finding::{Findings, listed};

/// The template, which knows its parameters and their defaults.
const TEMPLATE: &str = include_str!("../../../infra/template.yaml");

/// The parameters of a stack, and where they are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    values: BTreeMap<String, String>,
    /// `the stack slipway`, or the file.
    pub(crate) from: String,
}

impl Parameters {
    /// Those of an installed stack.
    pub(crate) fn of_stack(name: &str, values: BTreeMap<String, String>) -> Self {
        Self { values, from: format!("the stack {name}") }
    }

    /// Those of a file, in the form that CloudFormation reads; the error is why it has not that form. What the file leaves
    /// out has the template's default.
    pub(crate) fn of_file(name: &str, text: &str, findings: &mut Findings) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
        let listed_pairs = json.as_array().ok_or("is no list")?;
        let mut values = BTreeMap::new();
        for pair in listed_pairs {
            let (Some(key), Some(value)) = (pair["ParameterKey"].as_str(), pair["ParameterValue"].as_str()) else {
                return Err(format!("has an entry without ParameterKey and ParameterValue: {pair}"));
            };
            values.insert(key.to_owned(), value.to_owned());
        }
        let known = of_template();
        for key in values.keys().filter(|key| !known.contains_key(*key)) {
            let names: Vec<&String> = known.keys().collect();
            let fix = format!("Remove it, or correct its name. The template has {}.", listed(&names));
            findings.error("unknown_parameter", name, format!("{key} is no parameter of the template"), &fix);
        }
        for (key, default) in known {
            match (values.contains_key(&key), default) {
                (true, _) => findings.fine_in_file(),
                (false, Some(default)) => drop(values.insert(key, default)),
                (false, None) => {
                    let fix = format!("Add {key}; it may be empty if no task definition has a role.");
                    let text = format!("{key} is missing, and the template has no default for it");
                    findings.error("parameter_missing", name, text, &fix);
                }
            }
        }
        Ok(Self { values, from: name.to_owned() })
    }

    /// A parameter's value; empty where it is not set.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.values.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A list's items.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        self.value(name).split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// Whether a list with wildcards allows this; one that the stack does not have, because it is older, allows all.
    pub(crate) fn allows(&self, name: &str, what: &str) -> bool {
        !self.values.contains_key(name) || self.list(name).iter().any(|pattern| matches(pattern, what))
    }

    /// Where the configuration document is, as the setting of the functions says it.
    pub(crate) fn source(&self, stack: &str) -> String {
        match [self.value("ConfigDocument"), self.value("ConfigObject"), self.value("ConfigParameter")] {
            ["", "", ""] => format!("ssm:/{stack}/config"),
            ["", "", parameter] => format!("ssm:{parameter}"),
            ["", object, _] => format!("s3://{object}"),
            [document, _, _] => document.to_owned(),
        }
    }
}

/// Whether a pattern of IAM matches: `*` stands for any text, `?` for one letter.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut place) = (0, 0);
    // Where the last star stands, and how far the text went that it takes.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(place) {
            Some('*') => {
                star = Some((place, at));
                place += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[at] => {
                place += 1;
                at += 1;
            }
            _ => {
                let Some((starred, taken)) = star else { return false };
                star = Some((starred, taken + 1));
                place = starred + 1;
                at = taken + 1;
            }
        }
    }
    pattern[place..].iter().all(|letter| *letter == '*')
}

/// The template's parameters, each with its default, if it has one.
fn of_template() -> BTreeMap<String, Option<String>> {
    let (_, rest) = TEMPLATE.split_once("\nParameters:\n").unwrap_or_default();
    let (parameters, _) = rest.split_once("\nConditions:\n").unwrap_or_default();
    let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in parameters.lines() {
        if let Some(name) =
            line.strip_prefix("  ").filter(|it| !it.starts_with(' ')).and_then(|it| it.strip_suffix(':'))
        {
            current = name.to_owned();
            found.insert(current.clone(), None);
        } else if let Some(default) = line.strip_prefix("    Default: ") {
            found.insert(current.clone(), Some(default.trim_matches('"').to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_as_iam_does() {
        for (pattern, text) in [
            ("*", "prod/web"),
            ("prod/*", "prod/web"),
            ("prod/web", "prod/web"),
            ("*/web", "prod/web"),
            ("prod/w?b", "prod/web"),
            ("p*d/*b", "prod/web"),
            ("**", ""),
            ("arn:aws:iam::123456789012:role/web-*", "arn:aws:iam::123456789012:role/web-task"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("prod/web", "prod/web2"), ("prod/*", "staging/web"), ("?", ""), ("", "a"), ("*a", "ab")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn the_template_says_its_parameters() {
        let all = of_template();
        assert_eq!(all["PassRoleArns"], None);
        assert_eq!(all["Services"].as_deref(), Some("*"));
        assert_eq!(all["ConfigParameter"].as_deref(), Some(""));
        assert_eq!(all["ReconcileMinutes"].as_deref(), Some("15"));
        assert_eq!(all.values().filter(|default| default.is_none()).count(), 1);
        assert!(all.len() > 18, "{all:?}");
    }

    #[test]
    fn the_document_is_where_the_template_puts_it() {
        let source = |values: &[(&str, &str)]| {
            let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            Parameters::of_stack("slipway", values).source("slipway")
        };
        assert_eq!(source(&[]), "ssm:/slipway/config");
        assert_eq!(source(&[("ConfigParameter", "/shared")]), "ssm:/shared");
        assert_eq!(source(&[("ConfigParameter", "/shared"), ("ConfigObject", "acme/a.yaml")]), "s3://acme/a.yaml");
        assert_eq!(source(&[("ConfigDocument", "version: 1"), ("ConfigObject", "acme/a.yaml")]), "version: 1");
    }
}
