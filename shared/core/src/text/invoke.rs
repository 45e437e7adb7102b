//! The half sentence that asks a person to invoke the deploy function, through the alias that may do it.

use serde_json::Value;

use crate::model::id::TargetName;
use crate::rules::authority::Alias;

/// `invoke the deploy function's alias operate with {"action": "rollback", "target": "prod/web", "to": "web:41"}`.
pub(super) fn invoke(action: &str, target: &TargetName, member: &str, value: &str) -> String {
    let alias = Alias::Operate.name();
    let (target, value) = (Value::from(target.as_str()), Value::from(value));
    format!(
        "invoke the deploy function's alias {alias} with {{\"action\": \"{action}\", \"target\": {target}, \"{member}\": {value}}}"
    )
}
