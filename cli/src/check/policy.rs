//! The policy of a resource, such as a repository or an event bus: whom it allows what. Conditions are not judged.

use serde_json::Value;

use crate::check::parameters::matches;

/// Whether a policy allows all of these actions to one of these principals, or to everybody.
pub(crate) fn allows(policy: &Value, actions: &[&str], principals: &[&str]) -> bool {
    let statements = match &policy["Statement"] {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let is_named = |principal: &Value| {
        let named = [many(principal), many(&principal["AWS"])].concat();
        named.iter().any(|it| *it == "*" || principals.contains(it))
    };
    actions.iter().all(|action| {
        statements.iter().any(|it| {
            let allowed = many(&it["Action"]);
            it["Effect"] == "Allow"
                && is_named(&it["Principal"])
                && allowed.iter().any(|it| matches(&it.to_lowercase(), &action.to_lowercase()))
        })
    })
}

/// One text or several.
fn many(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one],
        _ => Vec::new(),
    }
}
