//! The targets against the account: what the engine says of a deploy, and what it would meet after that: the lists of names in
//! the stack's parameters, roles, the registry.

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use slipway_core::config::tags::TaggedImage;
use slipway_core::config::{Base, Config, Target};
use slipway_core::model::facts::{Controller, ImageFacts, OnFailure, Revision, ServiceFacts};
use slipway_core::model::id::Home;
use slipway_core::model::image::Repository;
use slipway_core::model::reason::Reason;
use slipway_engine::{Cloud as _, Error, ErrorKind};

use crate::check::account::Missed;
use crate::check::engine::{Planned, Plans};
use crate::check::finding::{Findings, listed};

/// So many questions are asked at once, as by the functions.
pub(crate) const AT_ONCE: usize = 16;

/// What is known of a target, for the other checks.
#[derive(Clone, Debug)]
pub(crate) struct Observed<'c> {
    /// The entry of the configuration.
    pub(crate) target: &'c Target,
    /// Its repository.
    pub(crate) repository: Repository,
    /// The task definition that a deploy would register, as far as it is known.
    pub(crate) definition: Option<Definition>,
    /// An image that the target deploys.
    pub(crate) image: Option<ImageFacts>,
    /// The application of CodeDeploy that deploys to the service, where CodeDeploy does.
    pub(crate) application: Option<String>,
}

/// A task definition: the one that runs, with what the engine's plan changes in it.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    revision: Revision,
    changes: Vec<(String, Option<String>)>,
}

impl Definition {
    /// The family.
    pub(crate) fn family(&self) -> &str {
        self.revision.arn.family()
    }

    /// A member that is a text, by its path, `runtimePlatform.cpuArchitecture`.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        if let Some((_, new)) = self.changes.iter().find(|(changed, _)| changed == path) {
            return new.clone();
        }
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let member = self.revision.definition.get(first)?;
        let member = if rest.is_empty() { member } else { member.get(rest)? };
        member.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Whether it must run on Fargate.
    pub(crate) fn is_fargate(&self) -> bool {
        let compatible = self.revision.definition.get("requiresCompatibilities").and_then(Value::as_array);
        compatible.is_some_and(|all| !all.is_empty() && all.iter().all(|it| it == "FARGATE"))
    }

    /// The containers.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Value> {
        self.revision.definition.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten()
    }

    /// A role that it names, as an ARN; ECS takes a role's name, too.
    pub(crate) fn role(&self, member: &str, home: &Home) -> Option<String> {
        let role = self.text(member)?;
        let whole = role.starts_with("arn:");
        Some(if whole { role } else { format!("arn:{}:iam::{}:role/{role}", home.partition, home.account) })
    }
}

/// Asks the engine about every target, and notes what it says.
pub(crate) async fn planned<'c>(
    plans: &Plans,
    config: &'c Config,
    home: &Home,
    findings: &mut Findings,
) -> Vec<Observed<'c>> {
    let reconcile = plans.reconcile().await;
    // The engine answers for the entries of a service one after the other.
    let entries = config.names().flat_map(|name| config.of_name(name)).enumerate();
    let entries = entries.map(async |(at, target)| {
        let first = match &reconcile {
            Ok(all) => all.get(at).cloned().unwrap_or_default(),
            Err(failed) => failed.clone(),
        };
        one(plans, target, home, first).await
    });
    let mut all = Vec::new();
    for (observed, found) in stream::iter(entries).buffered(AT_ONCE).collect::<Vec<_>>().await {
        findings.join(found);
        all.push(observed);
    }
    all
}

/// Notes the calls without an answer that nothing above named: the engine can do without some, and what they tell is unknown all the same.
pub(crate) fn unanswered(plans: &Plans, findings: &mut Findings) {
    for error in plans.port().failures() {
        let missed = missed(&error);
        if (error.kind == ErrorKind::Denied || error.kind.is_passing()) && !findings.has_unseen(missed.action()) {
            findings.unseen(&missed, purpose(error.call));
        }
    }
}

/// One target: the reconcile's answer, and where that says nothing of the definition, the answer to a deploy.
async fn one<'c>(plans: &Plans, target: &'c Target, home: &Home, first: Planned) -> (Observed<'c>, Findings) {
    let mut findings = Findings::default();
    let repository = target.repository.at(home);
    let images = plans.port().list_images(&repository).await;
    let image = images.as_deref().ok().and_then(|images| best(target, images)).cloned();
    let mut changes = first.changes.clone();
    said(plans, target, &repository, &first, &mut findings);
    if let Ok(images) = &images {
        tags(target, images, image.as_ref(), &mut findings);
    }
    if let (false, true, Some(image)) = (first.is_bad(), first.changes.is_empty(), &image) {
        let deploy = plans.deploy(target.name.as_str(), &repository.name, image.digest.as_str()).await;
        changes.clone_from(&deploy.changes);
        said(plans, target, &repository, &deploy, &mut findings);
    }
    let service = plans.port().service(&target.cluster, &target.service);
    let revision = service.as_ref().and_then(|service| plans.port().revision(&service.task_definition));
    let definition = revision.map(|revision| Definition { revision, changes });
    if let Some(service) = &service {
        monitors(target, service, &mut findings);
    }
    let application = plans.port().group(&target.cluster, &target.service).map(|group| group.application);
    (Observed { target, repository, definition, image, application }, findings)
}

/// One of the images that a target deploys, with which to ask about a deploy: the best by its policy, as far as that knows.
fn best<'i>(target: &Target, images: &'i [ImageFacts]) -> Option<&'i ImageFacts> {
    let tagged = images.iter().filter_map(|image| {
        let of_image = image.tags.iter().map(|tag| slipway_core::config::tags::TagOfImage { tag, at: image.pushed_at });
        let tag = target.tags.best(of_image)?;
        Some((image, TaggedImage { tag, digest: &image.digest, pushed_at: image.pushed_at }))
    });
    let by_policy = |one: &TaggedImage<'_>, other: &TaggedImage<'_>| {
        target.tags.compare(one, other).unwrap_or_else(|| one.pushed_at.cmp(&other.pushed_at))
    };
    tagged.max_by(|(_, one), (_, other)| by_policy(one, other)).map(|(image, _)| image)
}

/// Whether the registry has a tag that the target deploys.
fn tags(target: &Target, images: &[ImageFacts], best: Option<&ImageFacts>, findings: &mut Findings) {
    let (name, repository) = (target.name.as_str(), target.repository.name());
    let all: Vec<&str> = images.iter().flat_map(|image| &image.tags).map(|tag| tag.as_str()).collect();
    match (best, all.is_empty()) {
        (Some(_), _) => findings.fine(),
        (None, true) => {
            let fix = "Push one; the first tag that the policy deploys is deployed.";
            findings.warning("repository_empty", name, format!("{repository} has no image with a tag yet"), fix);
        }
        (None, false) => {
            let text = Reason::NoCandidate { repository: repository.to_owned() }.to_string();
            let fix = format!(
                "Correct the target's `tags`, now {}, or push such a tag. The registry has {}.",
                target.tags,
                listed(&all)
            );
            findings.error("no_candidate", name, text, &fix);
        }
    }
}

/// Notes what the engine said of a target.
fn said(plans: &Plans, target: &Target, repository: &Repository, planned: &Planned, findings: &mut Findings) {
    let name = target.name.as_str();
    if planned.code == "aws" {
        let failures = plans.port().failures();
        // The engine may say more of an error than the call itself, such as what the functions' roles need.
        let is_of = |error: &&Error| planned.text.starts_with(&error.reason().to_string());
        let error = failures.iter().find(is_of);
        match error {
            Some(error) if error.kind == ErrorKind::NotFound && error.call.starts_with("ECR.") => {
                let text = format!("there is no repository {repository}");
                let fix = "Create it, or correct the target's `repository`.";
                return findings.error("repository_missing", name, text, fix);
            }
            Some(error) if error.kind == ErrorKind::Denied || error.kind.is_passing() => {
                return findings.unseen(&missed(error), format!("whether {name} can be deployed"));
            }
            _ => {}
        }
    }
    let (text, fix) = sentence(planned);
    match (planned.outcome.as_str(), planned.code.as_str()) {
        // The registry's answer is judged by `tags`, and an adopted service by a deploy.
        (_, "no_candidate" | "adopted") => {}
        (_, "in_flight" | "rolling_back" | "still_busy" | "archived" | "being_restored" | "not_an_image") => {
            findings.warning(&planned.code, name, text, &fix);
        }
        (_, "already_failed" | "gave_up" | "placeholder_again") => findings.warning(&planned.code, name, text, &fix),
        (_, "held" | "quarantined") => findings.note(&planned.code, name, text, &fix),
        ("planned" | "skipped", _) => findings.fine(),
        _ => findings.error(&planned.code, name, text, &fix),
    }
}

/// A reason as what is wrong and how to fix it: the fix is what its sentence ends with.
fn sentence(planned: &Planned) -> (String, String) {
    match planned.text.rsplit_once("; ") {
        Some((text, fix)) if planned.is_bad() || planned.code == "already_failed" => {
            let mut letters = fix.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            (text.to_owned(), format!("{first}{}.", letters.as_str()))
        }
        _ => {
            let fix = match planned.code.as_str() {
                "held" => "`slipway release` ends it.",
                "quarantined" => "`slipway release` with its tag or digest ends it.",
                "gave_up" => "Push a better image, or deploy one by hand.",
                _ if planned.is_bad() => "Correct that, and check again.",
                _ => "",
            };
            (planned.text.clone(), fix.to_owned())
        }
    }
}

/// What is worth knowing of a service that can be deployed to.
fn monitors(target: &Target, service: &ServiceFacts, findings: &mut Findings) {
    let name = target.name.as_str();
    if service.desired_count == 0 {
        let text = "the service has a desired count of 0, so no task shows that a new image works, and none becomes \
                    known-good";
        findings.note("no_tasks", name, text, "");
    }
    // CodeDeploy's deployments have no circuit breaker that somebody could switch on.
    let is_of_ecs = service.controller != Controller::CodeDeploy;
    if is_of_ecs && (service.breaker, service.alarms) == (OnFailure::Off, OnFailure::Off) {
        let text = "ECS's deployment circuit breaker is off; Slipway counts the tasks that stop, and rolls back itself";
        findings.note("no_circuit_breaker", name, text, "");
    }
}

/// Services that share a family.
pub(crate) fn families(all: &[Observed<'_>], findings: &mut Findings) {
    let of = |observed: &Observed<'_>| observed.definition.as_ref().map(|it| it.family().to_owned());
    let mut families: Vec<String> = all.iter().filter_map(of).collect();
    families.sort();
    families.dedup();
    for family in families {
        let mut names: Vec<&str> = Vec::new();
        let members = || all.iter().filter(|it| of(it).as_deref() == Some(family.as_str()));
        for member in members() {
            if !names.contains(&member.target.name.as_str()) {
                names.push(member.target.name.as_str());
            }
        }
        if names.len() < 2 {
            continue;
        }
        let text = format!("{} share this task definition family", listed(&names));
        let fix = match members().any(|it| it.target.base == Base::Family) {
            true => "With `base: family` a new definition goes to all of them.",
            false => "With `base: service` each keeps its own definition.",
        };
        findings.note("family_shared", format!("family {family}"), text, fix);
    }
}

fn missed(error: &Error) -> Missed {
    match error.kind {
        ErrorKind::Denied => Missed::Denied { action: action(error.call) },
        _ => Missed::Unreachable { action: action(error.call), text: error.message.clone() },
    }
}

/// The IAM action of a call of the engine's port.
fn action(call: &'static str) -> &'static str {
    match call {
        "ECS.DescribeServices" => "ecs:DescribeServices",
        "ECS.DescribeTaskDefinition" => "ecs:DescribeTaskDefinition",
        "ECS.DescribeServiceRevisions" => "ecs:DescribeServiceRevisions",
        "ECS.ListServiceDeployments" => "ecs:ListServiceDeployments",
        "ECS.DescribeServiceDeployments" => "ecs:DescribeServiceDeployments",
        "CodeDeploy.GetDeploymentGroup" => "codedeploy:GetDeploymentGroup",
        "CodeDeploy.GetDeployment" => "codedeploy:GetDeployment",
        "CodeDeploy.GetDeploymentTarget" => "codedeploy:GetDeploymentTarget",
        "CodeDeploy.GetApplicationRevision" => "codedeploy:GetApplicationRevision",
        "CodeDeploy.ListDeployments" => "codedeploy:ListDeployments",
        "ECR.DescribeImages" => "ecr:DescribeImages",
        "ECR.BatchGetImage" => "ecr:BatchGetImage",
        "ECR.GetDownloadUrlForLayer" => "ecr:GetDownloadUrlForLayer",
        "DynamoDB.GetItem" => "dynamodb:GetItem",
        "DynamoDB.Query" => "dynamodb:Query",
        other => other,
    }
}

/// What a call tells that the engine can do without.
fn purpose(call: &str) -> &'static str {
    match call {
        "DynamoDB.GetItem" => "which targets are on hold, and which images are quarantined",
        "DynamoDB.Query" => "which other services share a family",
        "ECS.DescribeServiceRevisions" | "ECS.ListServiceDeployments" | "ECS.DescribeServiceDeployments" => {
            "which image runs where a task definition names only a tag"
        }
        "ECR.BatchGetImage" | "ECR.GetDownloadUrlForLayer" => "for which processor the images are built",
        "ECS.DescribeTaskDefinition"
        | "ECS.DescribeServices"
        | "CodeDeploy.GetDeploymentGroup"
        | "CodeDeploy.GetDeployment"
        | "CodeDeploy.GetDeploymentTarget"
        | "CodeDeploy.GetApplicationRevision"
        | "CodeDeploy.ListDeployments" => "whether the services can be deployed to",
        _ => "what the registry has",
    }
}
