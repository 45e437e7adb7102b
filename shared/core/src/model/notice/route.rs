//! Which Slack channels get a notice: those that the configuration names, each by kind and severity.
//!
//! The routes are in the notice itself, so that posting it needs no configuration document.

use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

use super::{Notice, NoticeKind, Severity};
use crate::model::lenient;

/// The word for every kind of a deployment that goes wrong.
const FAILED: &str = "failed";

/// A channel, and what is posted there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Route {
    /// The channel's name with its `#`, or its id.
    #[serde(deserialize_with = "lenient::or_default")]
    pub slack: String,
    /// The kinds and severities that are posted there; empty for all.
    #[serde(deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
}

impl Route {
    /// Whether the channel gets the notice. A message of the deployment that is there already is updated whatever the kind.
    pub fn wants(&self, notice: &Notice) -> bool {
        let is = |word: &str| {
            word == notice.kind.as_str()
                || word == notice.severity.as_str()
                || (word == FAILED && notice.severity == Severity::Failure && notice.kind.rank() > 0)
        };
        self.on.is_empty() || self.on.iter().any(|word| is(word))
    }
}

/// Every word that a route may have in `on`: the kinds, then the severities.
pub fn words() -> impl Iterator<Item = &'static str> {
    NoticeKind::known().map(NoticeKind::as_str).chain(Severity::iter().map(Severity::as_str))
}

impl Notice {
    /// The notice with the target's routes.
    pub fn routed(self, routes: &[Route]) -> Self {
        Self { notify: routes.to_vec(), ..self }
    }
}

/// The routes of a service that several entries of the configuration feed: each of them once.
pub fn joined<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Vec<Route> {
    let mut joined: Vec<Route> = Vec::new();
    for route in routes {
        if !joined.contains(route) {
            joined.push(route.clone());
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(on: &[&str], kind: NoticeKind, severity: Severity, expected: bool) {
        let route = Route { slack: "#deploys".to_owned(), on: on.iter().map(|&word| word.to_owned()).collect() };
        let notice = Notice { kind, severity, ..Notice::default() };
        assert_eq!(route.wants(&notice), expected, "{on:?} {kind:?} {severity:?}");
    }

    #[test]
    fn a_route_wants_what_it_names() {
        check(&[], NoticeKind::InProgress, Severity::Info, true);
        check(&["completed"], NoticeKind::Completed, Severity::Success, true);
        check(&["completed"], NoticeKind::Started, Severity::Info, false);
        check(&["failure", "warning"], NoticeKind::Refused, Severity::Failure, true);
        check(&["failure", "warning"], NoticeKind::External, Severity::Warning, true);
        check(&["failure"], NoticeKind::Superseded, Severity::Info, false);
    }

    #[test]
    fn failed_is_every_failure_of_a_deployment() {
        check(&["failed"], NoticeKind::Failed, Severity::Failure, true);
        check(&["failed"], NoticeKind::RolledBack, Severity::Failure, true);
        check(&["failed"], NoticeKind::Refused, Severity::Failure, false);
        check(&["failed"], NoticeKind::Completed, Severity::Success, false);
    }

    #[test]
    fn routes_of_several_entries_count_once() {
        let route = |slack: &str| Route { slack: slack.to_owned(), on: Vec::new() };
        let routes = [route("#a"), route("#b"), route("#a")];
        assert_eq!(joined(&routes), [route("#a"), route("#b")]);
    }
}
