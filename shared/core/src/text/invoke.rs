//! The half sentence that asks a person to invoke the deploy function.

use serde_json::Value;

use crate::model::id::TargetName;

/// `invoke the deploy function with {"action": "rollback", "target": "prod/web", "to": "web:41"}`.
pub(super) fn invoke(action: &str, target: &TargetName, member: &str, value: &str) -> String {
    let (target, value) = (Value::from(target.as_str()), Value::from(value));
    format!("invoke the deploy function with {{\"action\": \"{action}\", \"target\": {target}, \"{member}\": {value}}}")
}
