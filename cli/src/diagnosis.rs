//! Why an image failed on a target, as the notice has it: cause, evidence, and what a person can do.

use serde_json::{Value, json};

use crate::answer::{self, Asked, Failing, Image, TargetStatus};
use crate::ask::Functions;
use crate::screen::{BOLD, FAINT, harmless, width, wrapped};

/// So many deployments are looked through.
const LAST: usize = 10;

/// Why a deployment failed: as the history has it, and read.
#[derive(Clone, Debug)]
pub(crate) struct Diagnosis {
    /// For programs.
    pub(crate) json: Value,
    /// For people.
    pub(crate) failing: Failing,
}

impl Diagnosis {
    /// Reads it from the history; `None` where that does not have it, or cannot be read: the state itself is known.
    pub(crate) async fn read(functions: &Functions<'_>, target: &TargetStatus, asked: &Asked) -> Option<Self> {
        let request = json!({ "action": "history", "target": target.target, "last": LAST });
        let answer = functions.read(request).await.ok()?;
        let of_it = answer["targets"].as_array()?.iter().find(|it| it["target"] == target.target.as_str())?;
        let image = asked.image.as_ref()?;
        let brings_it = |it: &&Value| {
            let new: Image = answer::read(&it["image"]["new"]);
            match (&new.digest, &image.digest) {
                (Some(its), Some(asked)) => its == asked,
                _ => new.tag.is_some() && new.tag == image.tag,
            }
        };
        Self::of(&of_it["deployments"].as_array()?.iter().find(brings_it)?["failing"])
    }

    /// Of a deployment in the history, if it failed.
    pub(crate) fn of(failing: &Value) -> Option<Self> {
        failing.is_object().then(|| Self { json: failing.clone(), failing: answer::read(failing) })
    }

    /// For people, with so many blanks before each line.
    pub(crate) fn show(&self, indent: usize) {
        for line in &self.failing.evidence {
            line.lines().for_each(|line| anstream::println!("{:indent$}{FAINT}{}{FAINT:#}", "", harmless(line)));
        }
        if !self.failing.advice.is_empty() {
            anstream::println!("{:indent$}{BOLD}What you can do{BOLD:#}", "");
        }
        for advice in &self.failing.advice {
            let lines = wrapped(&harmless(advice), width().saturating_sub(indent + 2).max(40));
            for (place, line) in lines.iter().enumerate() {
                anstream::println!("{:indent$}{} {line}", "", if place == 0 { "-" } else { " " });
            }
        }
    }
}
