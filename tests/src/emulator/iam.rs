//! Judges the roles: every call that a function made must be allowed by its role, and every grant must have been needed.
//!
//! The emulator is not told to enforce them: it refuses some right policies, and never checks `iam:PassRole`.

mod needs;

use super::client::REGION;
use super::{Environment, Error, Python, Result};
use needs::{Need, needs_of};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};

/// A call to AWS that was made with a function's role.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function whose role it is; a name of [`Role::function`].
    pub function: String,
    /// The account it was made in, twelve digits.
    pub account: String,
    /// The service: `ecs`, or `ECS`.
    pub service: String,
    /// The operation: `UpdateService`.
    pub operation: String,
    /// The input in the shape of botocore's model, whatever the wire's form was.
    pub request: Value,
}

/// A function's role, as it was deployed.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The function that has it.
    pub function: String,
    /// The account it is in, twelve digits.
    pub account: String,
    /// Its ARN.
    pub arn: String,
    /// Its policy documents.
    pub policies: Vec<Value>,
}

/// What is wrong with a role, or with what is known of a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A call that was made and that the role does not allow.
    Denied {
        /// The function that made it.
        function: String,
        /// What it called: `ecs RegisterTaskDefinition`.
        call: String,
        /// The action that is missing, which may be another than the call's: `iam:PassRole`.
        action: String,
        /// On what.
        resource: String,
    },
    /// A grant that no call used.
    Unused {
        /// The function whose role has it.
        function: String,
        /// The statement's id.
        statement: String,
        /// The action.
        action: String,
    },
    /// A grant that is wider than IAM lets it be.
    TooWide {
        /// The function whose role has it.
        function: String,
        /// The statement's id.
        statement: String,
        /// The action.
        action: String,
        /// What is too wide about it.
        why: &'static str,
    },
    /// A call of which it is not written down what it needs.
    Unknown {
        /// The function that made it.
        function: String,
        /// What it called.
        call: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { function, call, action, resource } => {
                write!(f, "{function} called {call}, and its role does not allow {action} on {resource}")
            }
            Self::Unused { function, statement, action } => {
                write!(f, "{function} may {action} by statement {statement}, and no call needed it")
            }
            Self::TooWide { function, statement, action, why } => {
                write!(f, "{function} may {action} by statement {statement}, {why}")
            }
            Self::Unknown { function, call } => {
                write!(f, "{function} called {call}, and iam/needs.rs does not know what that needs")
            }
        }
    }
}

/// Holds the calls against the roles; no finding means that each call is allowed, and each grant was needed.
pub fn judge(calls: &[Call], roles: &[Role]) -> Result<Vec<Finding>> {
    let mut findings = BTreeSet::new();
    let mut needed = Vec::new();
    let mut seen = HashSet::new();
    for call in calls {
        let name = format!("{} {}", call.service, call.operation);
        let Some(needs) = needs_of(call) else {
            findings.insert(Finding::Unknown { function: call.function.clone(), call: name });
            continue;
        };
        for need in needs {
            // A thousand stories make the same few calls.
            if seen.insert((call.function.clone(), need.clone())) {
                needed.push((call.function.clone(), name.clone(), need));
            }
        }
    }
    let verdict = evaluate(&needed, roles)?;
    for index in verdict.denied {
        if let Some((function, call, need)) = needed.get(index).cloned() {
            findings.insert(Finding::Denied { function, call, action: need.action, resource: need.resource });
        }
    }
    for (function, statement, action) in verdict.unused {
        findings.insert(Finding::Unused { function, statement, action });
    }
    findings.extend(roles.iter().flat_map(too_wide));
    Ok(findings.into_iter().collect())
}

#[derive(serde::Deserialize)]
struct Verdict {
    denied: Vec<usize>,
    unused: Vec<(String, String, String)>,
}

fn evaluate(needed: &[(String, String, Need)], roles: &[Role]) -> Result<Verdict> {
    let failed = |why: &dyn fmt::Display| Error::new("evaluating the roles", why);
    let question = json!({
        "roles": roles.iter().map(|role| json!({
            "function": role.function,
            "arn": role.arn,
            "account": role.account,
            "policies": role.policies,
        })).collect::<Vec<_>>(),
        "needs": needed.iter().map(|(function, _, need)| json!({
            "function": function,
            "action": need.action,
            "resource": need.resource,
            "region": REGION,
            "context": need.context,
        })).collect::<Vec<_>>(),
    });
    let python = Python::ready(Environment::Emulator, &mut |line| println!("{line}"))?;
    let mut process = Command::new(python.program("python"))
        .args(["-c", include_str!("iam.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    if let Some(mut input) = process.stdin.take() {
        input.write_all(question.to_string().as_bytes()).map_err(|error| failed(&error))?;
    }
    let answer = process.wait_with_output().map_err(|error| failed(&error))?;
    serde_json::from_slice(&answer.stdout).map_err(|error| failed(&error))
}

/// Actions for which IAM knows no resource but `*`.
const WITHOUT_RESOURCE: [&str; 6] = [
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:ListTaskDefinitions",
    // It knows container instances, but only for the tasks of one of them.
    "ecs:ListTasks",
];

fn too_wide(role: &Role) -> Vec<Finding> {
    let mut findings = Vec::new();
    for statement in role.policies.iter().flat_map(|policy| listed(&policy["Statement"])) {
        if statement["Effect"] != "Allow" {
            continue;
        }
        let everything = listed(&statement["Resource"]).contains(&&json!("*"));
        for action in listed(&statement["Action"]).into_iter().filter_map(Value::as_str) {
            let why = match action {
                // The name that AWS documents, for the two calls that make a data key.
                "kms:GenerateDataKey*" => continue,
                _ if action.contains('*') => "which is many actions in one",
                "iam:PassRole" if statement["Condition"]["StringEquals"]["iam:PassedToService"].is_null() => {
                    "without a condition on iam:PassedToService"
                }
                _ if everything && !WITHOUT_RESOURCE.contains(&action) => {
                    "on everything, though IAM knows a narrower resource"
                }
                _ => continue,
            };
            let statement = statement["Sid"].as_str().unwrap_or_default().to_owned();
            findings.push(Finding::TooWide {
                function: role.function.clone(),
                statement,
                action: action.to_owned(),
                why,
            });
        }
    }
    findings
}

/// What IAM writes as one or as a list of them.
fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests;
