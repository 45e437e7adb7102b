//! The half sentence that says how a person acts: with the command, or by invoking the deploy function through the alias that
//! may do it.

use serde_json::Value;

use crate::model::id::TargetName;
use crate::rules::authority::Alias;

/// The same, for a request that names nothing but the target.
pub(super) fn request(action: &str, target: &TargetName) -> String {
    let alias = Alias::Operate.name();
    format!(
        "run `slipway {action} {target}`, or invoke the deploy function's alias {alias} with \
         {{\"action\": \"{action}\", \"target\": {}}}",
        Value::from(target.as_str())
    )
}

/// ``run `slipway rollback prod/web --to web:41`, or invoke the deploy function's alias operate with {"action": "rollback", …}``.
pub(super) fn invoke(action: &str, target: &TargetName, member: &str, value: &str) -> String {
    let alias = Alias::Operate.name();
    let command = format!("slipway {action} {target} --{member} {value}");
    let (target, value) = (Value::from(target.as_str()), Value::from(value));
    format!(
        "run `{command}`, or invoke the deploy function's alias {alias} with \
         {{\"action\": \"{action}\", \"target\": {target}, \"{member}\": {value}}}"
    )
}
