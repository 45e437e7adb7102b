//! The half sentence that says how a person acts: with the command, or by invoking the deploy function through the alias that
//! may do it.

use serde_json::Value;

use crate::model::id::TargetName;
use crate::rules::authority::Alias;

/// ``run `slipway rollback prod/web --to web:41`, or invoke the deploy function's alias operate with {"action": "rollback", …}``.
pub(super) fn invoke(action: &str, target: &TargetName, member: &str, value: &str) -> String {
    let (option, member) = (format!(" --{member} {value}"), format!(", \"{member}\": {}", Value::from(value)));
    either(action, target, &option, &member)
}

/// The same, for a request that names nothing but the target.
pub(super) fn request(action: &str, target: &TargetName) -> String {
    either(action, target, "", "")
}

fn either(action: &str, target: &TargetName, option: &str, member: &str) -> String {
    let (alias, named) = (Alias::Operate.name(), Value::from(target.as_str()));
    format!(
        "run `slipway {action} {target}{option}`, or invoke the deploy function's alias {alias} with \
         {{\"action\": \"{action}\", \"target\": {named}{member}}}"
    )
}
