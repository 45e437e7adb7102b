//! CodeDeploy, as far as it deploys to ECS: applications, deployment groups, revisions and deployments.
//!
//! A deployment begins by an API call and goes on only when the test moves it (`acts`), or lets it move one step
//! (`movement`). What it does to the service, it does by ECS's task sets.

mod acts;
mod appspec;
mod configs;
mod deployments;
mod described;
mod events;
mod facts;
mod failure;
mod groups;
mod lifecycle;
mod movement;
mod requests;
mod revisions;
mod rollback;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use lifecycle::CodeDeployStage;

use deployments::Deployment;
use groups::Group;
use revisions::Registered;

use crate::ecs::{self, Ecs};
use crate::identity;
use crate::refusal::{Answer, Members, Refusal, text};

/// How many entries a page has.
const PAGE: usize = 100;

/// CodeDeploy in the account and region.
#[derive(Debug, Default)]
pub(crate) struct CodeDeploy {
    applications: BTreeMap<String, Application>,
    /// The oldest first.
    deployments: Vec<Deployment>,
}

/// An application.
#[derive(Debug)]
struct Application {
    /// `ECS`, `Lambda` or `Server`.
    platform: String,
    groups: BTreeMap<String, Group>,
    /// The oldest first.
    revisions: Vec<Registered>,
}

/// What CodeDeploy needs of the rest: the services that it deploys to, and what they need.
pub(crate) struct Context<'a, 'b> {
    pub(crate) ecs: &'a mut Ecs,
    pub(crate) around: &'a mut ecs::Context<'b>,
}

impl Context<'_, '_> {
    fn now(&self) -> Timestamp {
        self.around.now
    }
}

/// Answers one operation, its name without the service.
pub(crate) fn answer(
    codedeploy: &mut CodeDeploy,
    context: &mut Context<'_, '_>,
    operation: &str,
    request: &Members,
) -> Answer {
    match operation {
        "CreateApplication" => create_application(codedeploy, request),
        "ListApplications" => {
            let names = codedeploy.applications.keys().cloned().collect();
            page(names, request).map(|(names, next)| with_token(json!({ "applications": names }), next))
        }
        "CreateDeploymentGroup" => groups::create(codedeploy, context.ecs, request),
        "GetDeploymentGroup" => groups::get(codedeploy, request),
        "BatchGetDeploymentGroups" => groups::batch_get(codedeploy, request),
        "ListDeploymentGroups" => groups::list(codedeploy, request),
        "GetDeploymentConfig" => configs::get(request),
        "RegisterApplicationRevision" => revisions::register(codedeploy, context.now(), request),
        "GetApplicationRevision" => revisions::get(codedeploy, request),
        "CreateDeployment" => deployments::create(codedeploy, context, request),
        "GetDeployment" => deployments::get(codedeploy, request),
        "ListDeployments" => deployments::list(codedeploy, context.now(), request),
        "GetDeploymentTarget" => targets::get(codedeploy, context, request),
        "BatchGetDeploymentTargets" => targets::batch_get(codedeploy, context, request),
        "ListDeploymentTargets" => targets::list(codedeploy, request),
        "StopDeployment" => requests::stop(codedeploy, context, request),
        "ContinueDeployment" => requests::go_on(codedeploy, context.now(), request),
        _ => Err(Refusal::new("UnknownOperationException", format!("The fake's CodeDeploy doesn't know {operation}."))),
    }
}

fn create_application(codedeploy: &mut CodeDeploy, request: &Members) -> Answer {
    let name = text(request, "applicationName").unwrap_or_default();
    if codedeploy.applications.contains_key(name) {
        return Err(refused("ApplicationAlreadyExists", format!("{name} already exists.")));
    }
    let platform = text(request, "computePlatform").unwrap_or("Server").to_owned();
    let application = Application { platform, groups: BTreeMap::new(), revisions: Vec::new() };
    codedeploy.applications.insert(name.to_owned(), application);
    Ok(json!({ "applicationId": identity::uuid(&format!("application {name}"), 0) }))
}

impl CodeDeploy {
    /// The application that a request means, and its name.
    fn application<'r>(&self, request: &'r Members) -> Result<(&'r str, &Application), Refusal> {
        let name = text(request, "applicationName").unwrap_or_default();
        let application = self.applications.get(name);
        let application = application.ok_or_else(|| no_application(name))?;
        Ok((name, application))
    }

    /// The deployment group that a request means, with the names of both.
    fn group<'r>(&self, request: &'r Members) -> Result<(&'r str, &'r str, &Group), Refusal> {
        let (application, of) = self.application(request)?;
        let name = text(request, "deploymentGroupName");
        let name =
            name.ok_or_else(|| refused("DeploymentGroupNameRequired", "The deployment group name must be given."))?;
        let group = of.groups.get(name);
        let group = group.ok_or_else(|| {
            refused("DeploymentGroupDoesNotExist", format!("No Deployment Group found for name: {name}"))
        })?;
        Ok((application, name, group))
    }

    /// The place of the deployment that a request means.
    fn deployment(&self, request: &Members) -> Result<usize, Refusal> {
        let id = text(request, "deploymentId");
        let id = id.ok_or_else(|| refused("DeploymentIdRequired", "The deployment ID must be given."))?;
        let has_form = id.strip_prefix("d-").is_some_and(|rest| {
            rest.len() == 9 && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        });
        if !has_form {
            return Err(refused(
                "InvalidDeploymentId",
                format!("Specified DeploymentId is not in the valid format: {id}"),
            ));
        }
        let place = self.deployments.iter().position(|deployment| deployment.id == id);
        place.ok_or_else(|| refused("DeploymentDoesNotExist", format!("The deployment {id} could not be found")))
    }
}

fn no_application(name: &str) -> Refusal {
    refused("ApplicationDoesNotExist", format!("No application found for name: {name}"))
}

/// A refusal with this code, without its end `Exception`.
fn refused(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(&format!("{code}Exception"), message)
}

/// A page of a list, and the token of the next one: the number of entries before it.
fn page<T>(entries: Vec<T>, request: &Members) -> Result<(Vec<T>, Option<String>), Refusal> {
    let start = match text(request, "nextToken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| refused("InvalidNextToken", "The nextToken is not one of ours."))?,
    };
    let next = (start + PAGE < entries.len()).then(|| (start + PAGE).to_string());
    Ok((entries.into_iter().skip(start).take(PAGE).collect(), next))
}

fn with_token(mut answer: Value, next: Option<String>) -> Value {
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    answer
}
