//! What the deploy function reports: a deployment begins, Slipway refuses one, the configuration is wrong.

use jiff::Timestamp;

use crate::config::Mistakes;
use crate::model::id::{DeploymentId, Home, TargetName, TaskDefinitionArn};
use crate::model::image::Digest;
use crate::model::notice::{Notice, NoticeKind, Place, Severity, TriggeredBy, VERSION};
use crate::model::plan::{ImageChange, Plan, RevisionChange, Shown};
use crate::model::reason::Reason;
use crate::text::invoke::invoke;

use super::links;

impl Notice {
    /// A deployment begins: ECS accepted the update to `revision` and named the deployment.
    pub fn started(
        place: Place<'_>,
        plan: &Plan,
        revision: &TaskDefinitionArn,
        deployment: Option<&DeploymentId>,
        cause: TriggeredBy,
        at: Timestamp,
    ) -> Self {
        let subject = deployment.map_or_else(|| fingerprint(&plan.target, &cause), ToString::to_string);
        let image = plan.image.as_ref().map_or_else(|| revision.short().to_owned(), arrow);
        Self {
            id: format!("{subject}/{}", NoticeKind::Started.as_str()),
            headline: format!("Deploying to {}: {image}", plan.target),
            reason: match deployment.filter(|id| id.is_of_code_deploy()) {
                Some(_) => format!("Slipway asked CodeDeploy to deploy it, because {}.", plan.reason),
                None => format!("Slipway updated the service, because {}.", plan.reason),
            },
            image: plan.image.clone(),
            revision: Some(RevisionChange::of(plan.running.as_ref(), Some(revision))),
            deployment: deployment.cloned(),
            cause: Some(cause),
            changes: plan.rendering().map(|it| it.diff.changes.clone()).unwrap_or_default(),
            links: {
                let code_deploy = deployment.and_then(|id| links::of_code_deploy(place, id));
                code_deploy.into_iter().chain(links::of_service(place, Some(revision.short()))).collect()
            },
            ..Self::about(place, NoticeKind::Started, Severity::Info, at)
        }
    }

    /// Slipway does not deploy, and a person has to fix something first.
    ///
    /// The same refusal of the same event has the same id; another reason has another id.
    pub fn refused(place: Place<'_>, plan: &Plan, cause: TriggeredBy, at: Timestamp) -> Self {
        let what = match &plan.image {
            Some(image) => name(&image.repository, &image.new),
            None => plan.reason.to_string(),
        };
        Self {
            id: format!("refused/{}/{}", fingerprint(&plan.target, &cause), plan.reason.code()),
            headline: format!("Not deployed to {}: {what}", plan.target),
            reason: format!("Slipway changed nothing, because {}.", plan.reason),
            image: plan.image.clone(),
            revision: plan.running.as_ref().map(|running| RevisionChange::of(Some(running), None)),
            advice: vec![match &plan.image {
                Some(image) => format!("Once that is fixed, {}", deploy(&plan.target, Some(&image.new))),
                None => format!("Once that is fixed, push the image again, or {}", deploy(&plan.target, None)),
            }],
            cause: Some(cause),
            links: links::of_service(place, plan.running.as_ref().map(TaskDefinitionArn::short)),
            ..Self::about(place, NoticeKind::Refused, Severity::Failure, at)
        }
    }

    /// The configuration document is wrong, so that nothing is deployed; one notice for each version of the document.
    pub fn config_invalid(home: &Home, mistakes: &Mistakes, at: Timestamp) -> Self {
        let count = match mistakes.mistakes.len() {
            1 => "a mistake".to_owned(),
            count => format!("{count} mistakes"),
        };
        Self {
            id: format!("config/{}", mistakes.version),
            headline: format!("Slipway's configuration has {count}: nothing is deployed until it is corrected"),
            reason: format!(
                "Version {} of the document can't be used. Services keep running what they run.",
                mistakes.version
            ),
            details: mistakes.mistakes.iter().map(ToString::to_string).collect(),
            advice: vec!["Correct the document; Slipway reads it again within a minute".to_owned(), deploy_missed()],
            ..Self::of(home, NoticeKind::ConfigInvalid, Severity::Failure, at)
        }
    }

    /// The configuration document can't be read, so that nothing is deployed.
    pub fn config_unreadable(home: &Home, place: &str, reason: &Reason, at: Timestamp) -> Self {
        Self {
            id: format!("config/{place}/{}", reason.code()),
            headline: "Slipway can't read its configuration: nothing is deployed until it can".to_owned(),
            reason: format!("The document is expected at {place}, but {reason}."),
            advice: vec![
                "Put the document there, or correct the template's ConfigParameter, ConfigObject or ConfigDocument"
                    .to_owned(),
                deploy_missed(),
            ],
            ..Self::of(home, NoticeKind::ConfigInvalid, Severity::Failure, at)
        }
    }

    /// A notice about a service, still without words.
    pub(super) fn about(place: Place<'_>, kind: NoticeKind, severity: Severity, at: Timestamp) -> Self {
        Self {
            target: Some(place.target()),
            cluster: Some(place.cluster.clone()),
            service: Some(place.service.clone()),
            ..Self::of(place.home, kind, severity, at)
        }
    }

    pub(super) fn of(home: &Home, kind: NoticeKind, severity: Severity, at: Timestamp) -> Self {
        Self {
            version: VERSION,
            kind,
            severity,
            at,
            partition: Some(home.partition.clone()),
            account: Some(home.account.clone()),
            region: Some(home.region.clone()),
            ..Self::default()
        }
    }
}

/// An image as developers name it: `shop/web:1.5.0`, without a tag `shop/web@sha256:0123456789ab`.
pub(super) fn name(repository: &str, image: &Shown) -> String {
    match (&image.tag, &image.digest) {
        (Some(tag), _) => format!("{repository}:{tag}"),
        (None, Some(digest)) => format!("{repository}@sha256:{}", digest.short()),
        (None, None) => repository.to_owned(),
    }
}

/// The new image and the one before: `shop/web:1.5.0 (was 1.4.2)`.
pub(super) fn arrow(image: &ImageChange) -> String {
    let new = name(&image.repository, &image.new);
    match &image.old {
        Some(old) if *old == image.new => format!("{new} (the same image again)"),
        Some(old) => format!("{new} (was {old})"),
        None => new,
    }
}

/// How a person deploys this image: by digest where it is known, because a tag may move.
pub(super) fn deploy(target: &TargetName, image: Option<&Shown>) -> String {
    match image.map(|image| (&image.digest, &image.tag)) {
        Some((Some(digest), _)) => invoke("deploy", target, "digest", digest.as_str()),
        Some((None, Some(tag))) => invoke("deploy", target, "tag", tag.as_str()),
        Some((None, None)) | None => invoke("deploy", target, "tag", "…"),
    }
}

/// How a person deploys what nobody deployed while the configuration could not be used.
fn deploy_missed() -> String {
    let deploy = deploy(&TargetName::new("cluster/service"), None);
    format!("Images pushed in the meantime were not deployed: push them again, or {deploy}")
}

/// Sixteen hexadecimal digits for a target and what triggered Slipway: the same for a repeated event.
fn fingerprint(target: &TargetName, cause: &TriggeredBy) -> String {
    let event = cause.event.as_ref().map_or("", |event| event.as_str());
    let hash = Digest::of(format!("{target}\n{}\n{event}", cause.trigger).as_bytes());
    hash.hex()[..16].to_owned()
}
