//! Judges the roles: every call that a function made must be allowed by its role, and every grant must have been needed.
//!
//! The emulator is not told to enforce them: it refuses some right policies, and never checks `iam:PassRole`.

mod needs;

use super::{Environment, Error, Python, Result};
use needs::{Need, deployment_groups, needs_of};
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
    /// The region it was made in.
    pub region: String,
    /// The service: `ecs`, or `ECS`.
    pub service: String,
    /// The operation: `UpdateService`.
    pub operation: String,
    /// The input in the shape of botocore's model, whatever the wire's form was.
    pub request: Value,
}

/// A role as it was deployed: a function's, or that of the schedules.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The function that has it.
    pub function: String,
    /// The account it is in, twelve digits.
    pub account: String,
    /// Its ARN.
    pub arn: String,
    /// What it may do.
    pub policies: Vec<Policy>,
}

/// A policy of a role.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The ARN of a managed policy, which several roles may share; `None` for one that is written in the role itself.
    pub arn: Option<String>,
    /// Its document.
    pub document: Value,
}

/// A policy, and the functions whose roles have it.
struct Granted<'a> {
    functions: Vec<&'a str>,
    policy: &'a Policy,
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
    /// A grant that no call used: of a shared policy, no call of any function that has it.
    Unused {
        /// The function whose role has it; several are joined by `and`.
        function: String,
        /// The statement's id.
        statement: String,
        /// The action.
        action: String,
    },
    /// A grant that is wider than it could be.
    TooWide {
        /// The function whose role has it; several are joined by `and`.
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

/// Checks the calls against the roles.
///
/// No finding means that each call is allowed by the role that made it, and that each
/// grant was needed by a call of some role that has it: what roles share is justified by all of their calls together.
pub fn judge(calls: &[Call], roles: &[Role]) -> Result<Vec<Finding>> {
    let mut findings = BTreeSet::new();
    let mut needed = Vec::new();
    let mut seen = HashSet::new();
    let groups = deployment_groups(calls);
    for call in calls {
        let name = format!("{} {}", call.service, call.operation);
        let Some(needs) = needs_of(call, &groups) else {
            findings.insert(Finding::Unknown { function: call.function.clone(), call: name });
            continue;
        };
        for need in needs {
            // Hundreds of scenarios make the same few calls.
            if seen.insert((call.function.clone(), need.clone())) {
                needed.push((call.function.clone(), name.clone(), need));
            }
        }
    }
    let granted = granted(roles);
    let verdict = evaluate(&needed, roles, &granted)?;
    for index in verdict.denied {
        if let Some((function, call, need)) = needed.get(index).cloned() {
            findings.insert(Finding::Denied { function, call, action: need.action, resource: need.resource });
        }
    }
    for (index, statement, action) in verdict.unused {
        if let Some(granted) = granted.get(index) {
            findings.insert(Finding::Unused { function: granted.functions(), statement, action });
        }
    }
    findings.extend(granted.iter().flat_map(too_wide));
    Ok(findings.into_iter().collect())
}

/// Each policy once, in the order of the roles.
fn granted(roles: &[Role]) -> Vec<Granted<'_>> {
    let mut granted: Vec<Granted<'_>> = Vec::new();
    for role in roles {
        for policy in &role.policies {
            let shared = granted.iter_mut().find(|other| policy.arn.is_some() && other.policy.arn == policy.arn);
            match shared {
                Some(shared) => shared.functions.push(&role.function),
                None => granted.push(Granted { functions: vec![&role.function], policy }),
            }
        }
    }
    granted
}

impl Granted<'_> {
    fn functions(&self) -> String {
        self.functions.join(" and ")
    }
}

#[derive(serde::Deserialize)]
struct Verdict {
    /// Indices of needs.
    denied: Vec<usize>,
    /// The index of a granted policy, a statement's id, an action.
    unused: Vec<(usize, String, String)>,
}

fn evaluate(needed: &[(String, String, Need)], roles: &[Role], granted: &[Granted<'_>]) -> Result<Verdict> {
    let failed = |why: &dyn fmt::Display| Error::new("evaluating the roles", why);
    let question = json!({
        "roles": roles.iter().map(|role| json!({
            "function": role.function,
            "arn": role.arn,
            "account": role.account,
        })).collect::<Vec<_>>(),
        "policies": granted.iter().map(|granted| json!({
            "functions": granted.functions,
            "document": granted.policy.document,
        })).collect::<Vec<_>>(),
        "needs": needed.iter().map(|(function, _, need)| json!({
            "function": function,
            "action": need.action,
            "resource": need.resource,
            "region": need.region,
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
const WITHOUT_RESOURCE: [&str; 9] = [
    "codedeploy:ContinueDeployment",
    "codedeploy:GetDeploymentTarget",
    "codedeploy:StopDeployment",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:ListTaskDefinitions",
    // It knows container instances, but only for the tasks of one of them.
    "ecs:ListTasks",
];

fn too_wide(granted: &Granted<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for statement in listed(&granted.policy.document["Statement"]) {
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
                function: granted.functions(),
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
