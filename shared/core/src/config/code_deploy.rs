//! The key `codedeploy`: which deployment group deploys to a service, and with which hooks.

use serde_json::{Value, json};

use super::CodeDeploySettings;
use super::keys::{CODE_DEPLOY, TERMINATION_WAIT};
use super::nearest::nearest;
use super::reader::{At, Reader};
use crate::model::facts::GroupName;

/// The hooks that an AppSpec for ECS may have, in their order ([AppSpec hooks]).
///
/// [AppSpec hooks]: https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
pub(super) const HOOKS: [&str; 5] =
    ["BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"];

const RIGHT: &str = "{application: shop, group: web}";

/// What is given, right or not yet.
#[derive(Default)]
pub(super) struct Given {
    pub(super) application: Option<String>,
    pub(super) group: Option<String>,
    pub(super) hooks: Option<Vec<Value>>,
    pub(super) cut_after: Option<u64>,
}

pub(super) fn read<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<CodeDeploySettings> {
    let mut given = Given::default();
    let fields = reader.map(at, RIGHT, CODE_DEPLOY, &mut given)?;
    for (name, other) in [("application", "group"), ("group", "application")] {
        if fields.has(name) && !fields.has(other) && !fields.misspells(other, CODE_DEPLOY) {
            let text = format!("has no meaning without `{other}`; write both, such as {RIGHT}, or neither");
            reader.wrong(&fields.place(name), text);
        }
    }
    let Given { cut_after, application, group, hooks } = given;
    Some(CodeDeploySettings {
        group: application.zip(group).map(|(application, group)| GroupName { application, group }),
        hooks,
        cut_after,
    })
}

pub(super) fn termination_wait<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<u64> {
    let mut cut_after = None;
    reader.map(at, "{cut_after: 10m}", TERMINATION_WAIT, &mut cut_after)?;
    cut_after
}

pub(super) fn name<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<String> {
    let text = reader.text(at, "its name")?;
    let known = if text.is_empty() { Err("has no name; write it, or leave the key out".to_owned()) } else { Ok(text) };
    reader.accept(at, known).map(str::to_owned)
}

pub(super) fn hooks<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<Vec<Value>> {
    const RIGHT: &str = "{AfterInstall: check-web}, or {} for none";
    let entries = reader.entries(at, RIGHT)?;
    let mut hooks = Vec::new();
    for (name, value) in entries {
        let at = at.key(name, value);
        if !HOOKS.contains(&name) {
            let text = match nearest(name, HOOKS.into_iter()) {
                Some(intended) => format!("is no hook of a deployment to ECS; did you mean {intended}?"),
                None => format!("is no hook of a deployment to ECS; they are {}", HOOKS.join(", ")),
            };
            reader.wrong(&at, text);
            continue;
        }
        match reader.text(&at, "the name or the ARN of its Lambda function") {
            Some("") => reader.wrong(&at, "names no function; write its name or its ARN"),
            Some(function) => hooks.push((name, json!({ name: function }))),
            None => {}
        }
    }
    // The order of an AppSpec is that in which they run.
    hooks.sort_by_key(|(name, _)| HOOKS.iter().position(|hook| hook == name));
    Some(hooks.into_iter().map(|(_, hook)| hook).collect())
}
