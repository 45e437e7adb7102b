//! Why an image failed on a target, as the notice has it: cause, evidence, and what a person can do.

use serde_json::{Value, json};

use crate::answer::{self, Asked, Failing, HistoryAnswer, PastDeployment, TargetStatus};
use crate::ask::Functions;
use crate::screen::{BOLD, FAINT, harmless, width, wrapped};

/// So many deployments are looked through.
const LAST: usize = 10;

/// Why a deployment failed.
#[derive(Clone, Debug)]
pub(crate) struct Diagnosis(pub(crate) Failing);

impl Diagnosis {
    /// Reads it from the history; `None` where that does not have it, or cannot be read: the state itself is known.
    pub(crate) async fn read(functions: &Functions<'_>, target: &TargetStatus, asked: &Asked) -> Option<Self> {
        let request = json!({ "action": "history", "target": target.target, "last": LAST });
        let answer = functions.read(request).await.ok()?;
        let history: HistoryAnswer = answer::read(&answer);
        let deployments = history.targets.into_iter().find(|it| it.target == target.target)?.deployments;
        let image = asked.image.as_ref()?;
        let is_of_it = |it: &PastDeployment| {
            let new = it.image.as_ref().and_then(|change| change.new.as_ref());
            new.is_some_and(|new| match (&new.digest, &image.digest) {
                (Some(its), Some(asked)) => its == asked,
                _ => new.tag.is_some() && new.tag == image.tag,
            })
        };
        deployments.into_iter().find(is_of_it)?.failing.map(Self)
    }

    /// For programs, in the shape of the history.
    pub(crate) fn as_json(&self) -> Value {
        json!({ "cause": self.0.cause, "evidence": self.0.evidence, "advice": self.0.advice })
    }

    /// For people, with so many blanks before each line.
    pub(crate) fn show(&self, indent: usize) {
        for line in &self.0.evidence {
            line.lines().for_each(|line| anstream::println!("{:indent$}{FAINT}{}{FAINT:#}", "", harmless(line)));
        }
        if !self.0.advice.is_empty() {
            anstream::println!("{:indent$}{BOLD}What you can do{BOLD:#}", "");
        }
        for advice in &self.0.advice {
            let lines = wrapped(&harmless(advice), width().saturating_sub(indent + 2).max(40));
            for (place, line) in lines.iter().enumerate() {
                anstream::println!("{:indent$}{} {line}", "", if place == 0 { "-" } else { " " });
            }
        }
    }
}
