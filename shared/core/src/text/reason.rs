//! The sentence of every reason. It ends without a full stop, so that it can stand in a line.

use std::fmt;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::model::reason::Reason;
use crate::model::record::{DecisionKind, Unusable};
use crate::text::passed_over::{each, restore, short};

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sentences_of(self)(self))
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut reason = serializer.serialize_struct("Reason", 2)?;
        reason.serialize_field("code", self.code())?;
        reason.serialize_field("text", &self.to_string())?;
        reason.end()
    }
}

/// The group in which a reason's sentence stands: every reason has one.
#[rustfmt::skip]
fn sentences_of(reason: &Reason) -> fn(&Reason) -> String {
    use Reason::*;
    match reason {
        Pushed { .. } | Asked { .. } | RedeployChanged | RedeployForced | RedeployMarked { .. }
        | Reconciled { .. } | PlaceholderReplaced { .. } | DefinitionChanged { .. } | RollbackAsked { .. } | Failed { .. } | AlreadyRuns { .. } | AlreadyUnderWay { .. }
        | AlreadyFailed { .. } | AlreadyDone { .. } | SameBuild { .. } | BestRuns { .. } | Adopted { .. }
        | RunsAlready { .. } | NotQuarantined { .. } | Continued { .. } | PauseRolledBack { .. } | StopRequested { .. } | NotPaused => done,
        Older { .. } | PushedBefore { .. } | NotOfPolicy { .. } | Ignored { .. } | TagGone { .. }
        | NotAnImage { .. } | NoCandidate { .. } | GaveWay { .. } | Held { .. } | Quarantined { .. }
        | BeforeDecision { .. } | GaveUp { .. } | OlderThanBefore { .. } | PlaceholderAgain { .. }
        | DefinitionBeforeDecision { .. } | DefinitionOlder { .. } | NeedsForce { .. } | HeldNeedsForce { .. } => not_wanted,
        Busy { .. } | Queued { .. } | Settling { .. } | InFlight { .. } | RollingBack { .. }
        | StillBusy { .. } | OutOfTime => waits,
        ServiceMissing { .. } | ServiceNotActive { .. } | WrongController { .. } | NoDeploymentGroup { .. } | HooksUnknown { .. } | NotForExpress { .. }
        | NoContainer { .. } | SharedFamily { .. } | UnknownContainer { .. } | Unrenderable { .. }
        | SetBySecret { .. } => not_deployable,
        Archived { .. } | BeingRestored { .. } | NoSuchImage { .. } | NoKnownGood { .. } | NoSuchRevision { .. }
        | ImageGone { .. } | ImageArchived { .. }
        | WhichRepository { .. } | NotItsRepository { .. } | Aws { .. } => not_found,
    }
}

/// What is done and who triggered it, or what is done already.
fn done(reason: &Reason) -> String {
    use Reason::*;
    match reason {
        Pushed { tag } => format!("{tag} was pushed"),
        Asked { image } => format!("{image} was requested"),
        Continued { deployment } => format!("the deployment {deployment}, which waited for an answer, goes on"),
        PauseRolledBack { deployment } => {
            format!(
                "the deployment {deployment} waited for an answer, and this is it: {} rolls it back",
                deployment.carrier()
            )
        }
        StopRequested { deployment } => {
            format!(
                "the deployment {deployment} has not ended, so CodeDeploy stops it and goes back to what served before"
            )
        }
        NotPaused => "no deployment waits for an answer".to_owned(),
        RedeployChanged => "a redeploy was requested, and the task definition changes".to_owned(),
        RedeployForced => "a redeploy was requested; nothing changes, so a new deployment is forced".to_owned(),
        RedeployMarked { id } => format!(
            "a redeploy was requested; the new revision carries its id {id:?}, so that a repeated request is recognised"
        ),
        Reconciled { image } => format!("{image} is in the registry and does not run yet"),
        PlaceholderReplaced { image, revision } => {
            format!("{revision} was deployed outside Slipway with a placeholder image, and {image} ran before")
        }
        DefinitionChanged { image, definition } => {
            format!("{definition} is a new definition of the family, and {image} runs with an older one")
        }
        RollbackAsked { revision, passed_over } if passed_over.is_empty() => {
            format!("a rollback to {revision} was requested")
        }
        RollbackAsked { revision, passed_over } => {
            format!("a rollback was requested, and goes to {revision}, because {}", each(passed_over))
        }
        Failed { revision } => format!("{revision} failed"),
        AlreadyRuns { image, revision } => format!("{image} already runs, as {revision}"),
        AlreadyUnderWay { image, revision, deployment } => {
            format!("{image} is already being deployed, as {revision} in {deployment}")
        }
        AlreadyFailed { image, revision, deployment } => {
            format!(
                "{image} was deployed as {revision}, and failed in {deployment}; request a redeploy to try it again"
            )
        }
        AlreadyDone { id, revision } => format!("the request {id:?} was already carried out, as {revision}"),
        SameBuild { candidate, running } => format!("{candidate} is the same build as {running}"),
        BestRuns { image, revision } => format!("{image}, the best image in the registry, already runs, as {revision}"),
        Adopted { revision } => {
            format!("Slipway observes the service for the first time, and adopts {revision} as it is")
        }
        RunsAlready { revision } => format!("{revision} already runs; name another revision with \"to\""),
        NotQuarantined { image } => format!("{image} is not quarantined here"),
        // Of another group.
        other => other.code().to_owned(),
    }
}

/// What the tag policy, another image, a failure or a person keeps from being deployed.
fn not_wanted(reason: &Reason) -> String {
    use Reason::*;
    match reason {
        Older { candidate, running } => format!("{candidate} is older than the running {running}"),
        PushedBefore { candidate, running } => format!("{candidate} was pushed before the running {running}"),
        NotOfPolicy { tag, policy } => format!("{tag} is not a tag that {policy} deploys"),
        Ignored { tag, pattern } => format!("{tag} is ignored by {pattern:?}"),
        TagGone { tag, repository } => format!("{repository} no longer has the tag {tag}"),
        NotAnImage { image, media_type } => format!("{image} is not a container image but {media_type}"),
        NoCandidate { repository } => format!("{repository} has no image that the policy deploys"),
        GaveWay { candidate, to } => format!("{candidate} was superseded by {to}"),
        Held { who, why, since } => held(who, why, since),
        Quarantined { image, cause, since } => {
            format!(
                "{image} failed here at {}: {cause}; it stays quarantined until somebody releases it",
                minute(since)
            )
        }
        BeforeDecision { image, what, who, at } => format!(
            "{image} was pushed before {} at {}; only what is pushed later is deployed automatically",
            decision(what, who),
            minute(at)
        ),
        DefinitionBeforeDecision { definition, what, who, at } => format!(
            "the definition {definition} was registered before {} at {}; request a redeploy to deploy it",
            decision(what, who),
            minute(at)
        ),
        DefinitionOlder { definition, revision } => format!(
            "the definition {definition} is no newer than what was deployed here{}; request a redeploy to deploy it",
            revision.as_ref().map(|revision| format!(" as {revision}")).unwrap_or_default()
        ),
        GaveUp { image, deployment, at } => format!(
            "{image} was pushed before the rollback{} failed at {}; only what is pushed later or what somebody requests \
             is deployed",
            deployment.as_ref().map(|id| format!(" of {id}")).unwrap_or_default(),
            minute(at)
        ),
        OlderThanBefore { candidate, before } => {
            format!("{candidate} is older than {before}, the last image that was deployed here")
        }
        PlaceholderAgain { image, revision, deployment } => format!(
            "{image} was already deployed over the placeholder image of {revision} ({deployment}), which runs again; deploy \
             it by hand, or correct the task definition"
        ),
        NeedsForce { image, cause, since } => {
            format!("{image} failed here at {}: {cause}; add \"force\": true to deploy it anyway", minute(since))
        }
        HeldNeedsForce { who, why, since } => {
            format!("{}; add \"force\": true to deploy it anyway", held(who, why, since))
        }
        // Of another group.
        other => other.code().to_owned(),
    }
}

fn waits(reason: &Reason) -> String {
    use Reason::*;
    match reason {
        Busy { .. } => "another invocation is updating the service; it handles this one too before it ends".to_owned(),
        Queued { deployment, what } => format!(
            "the {what} {deployment} is in progress and is not interrupted; this is decided again when it has ended"
        ),
        Settling { until } => format!(
            "better images may follow within the target's settle time; Slipway decides at {}",
            until.strftime("%H:%M:%S UTC")
        ),
        InFlight { deployment, strategy } => format!(
            "the {strategy} deployment {deployment} is in progress and must not be interrupted; deploy again when it has \
             ended"
        ),
        RollingBack { deployment } => {
            format!("{} is rolling back to {deployment}; deploy again when that has ended", deployment.carrier())
        }
        StillBusy { until } => format!(
            "another invocation is updating the service; try again in a moment (its lease ends at {} at the latest)",
            minute(until)
        ),
        OutOfTime => "the function ran out of time before this target; the next try handles it".to_owned(),
        // Of another group.
        other => other.code().to_owned(),
    }
}

/// What is wrong with the service or with its task definition.
fn not_deployable(reason: &Reason) -> String {
    use Reason::*;
    match reason {
        ServiceMissing { service, cluster } => {
            format!("there is no service {service} in the cluster {cluster}; create it, or correct the target")
        }
        ServiceNotActive { status } => {
            format!("the service is {status}; remove the target if the service no longer exists")
        }
        WrongController { controller } => format!(
            "the service uses the {controller} deployment controller, which Slipway does not support; deploy it \
             with the tool that controls it, or change its deployment controller to ECS"
        ),
        NoDeploymentGroup { service } => format!(
            "no CodeDeploy deployment group of {service} was found, neither that of the document, nor that of its last \
             deployment, nor one that the ECS console would make; set codedeploy: {{application: NAME, group: NAME}}"
        ),
        HooksUnknown { group } => format!(
            "the hooks of {group} are not known, because CodeDeploy does not keep the AppSpec of its last revision; set \
             codedeploy: {{hooks: {{AfterInstall: FUNCTION}}}}, or {{hooks: {{}}}} if there are none"
        ),
        NotForExpress { revision, problem } => format!(
            "ECS Express Mode does not take {revision}: {problem}; register a revision for FARGATE whose container Main \
             has one TCP port with a name"
        ),
        NoContainer { repository, containers } => format!(
            "no container has an image of {repository} (the task definition has {}); \
             name the target's containers in the configuration",
            list(containers.iter().map(|(name, image)| format!("{name}: {image}")))
        ),
        SharedFamily { revision, other } => format!(
            "{} of the same family was given {}, which differs from {revision} in more than the image ({}), so the \
             family's newest revision may not be meant for this service; give each service a family of its own, or set \
             `base: service`",
            other.target,
            other.revision.short(),
            other.place
        ),
        UnknownContainer { missing, known } => format!(
            "the task definition has no container {} (it has {}); correct the target's containers",
            list(missing),
            list(known)
        ),
        Unrenderable { revision, problem } => {
            format!("{revision} cannot be rendered, because {problem}; register a corrected revision")
        }
        SetBySecret { container, variable } => format!(
            "the container {container} takes {variable} from a secret, and the configuration sets it too; remove it from \
             one of the two"
        ),
        // Of another group.
        other => other.code().to_owned(),
    }
}

/// What is not there, what a request leaves open, and what AWS answers.
fn not_found(reason: &Reason) -> String {
    use Reason::*;
    match reason {
        Archived { image, repository, digest } => format!(
            "{image} is archived in ECR, so ECS cannot pull it; restore it first ({}), and deploy it when it is ACTIVE",
            restore(&format!("{repository}@{digest}"))
        ),
        BeingRestored { image } => {
            format!("ECR is restoring {image} from its archive, so ECS cannot pull it yet; deploy it when it is ACTIVE")
        }
        NoSuchImage { image, repository } => format!("{repository} has no image {image}"),
        NoKnownGood { passed_over } => {
            let why = if passed_over.is_empty() { String::new() } else { format!(" ({})", each(passed_over)) };
            format!(
                "there is no known-good revision whose images can be pulled{why}; name a revision with \"to\": \
                 \"family:revision\""
            )
        }
        NoSuchRevision { revision } => format!("there is no revision {revision}"),
        ImageGone { revision, image } => {
            let image = short(image);
            format!("{revision} needs {image}, which the registry no longer has; name another revision with \"to\"")
        }
        ImageArchived { it } => match &it.because {
            Unusable::ImageArchived(image) => {
                format!("{it}; restore it first ({}), and roll back when it is ACTIVE", restore(image))
            }
            Unusable::ImageRestoring(_) | Unusable::ImageGone(_) | Unusable::RevisionGone => {
                format!("{it}; roll back when it is ACTIVE")
            }
        },
        WhichRepository { target, repositories } => format!(
            "{target} runs images of several repositories; add \"repository\" to the request: {}",
            list(repositories)
        ),
        NotItsRepository { target, repository, repositories } => {
            format!("{target} does not run images of {repository}, but of {}", list(repositories))
        }
        Aws { call, subject, kind, message } => match kind.as_str() {
            "Denied" => {
                format!("{call} for {subject} was denied, so the function's role lacks a permission: {message}")
            }
            "NotFound" => format!("{call} for {subject} found nothing ({message})"),
            "Throttled" => format!("{call} for {subject} was throttled: {message}"),
            "Conflict" => format!("{call} for {subject} has to wait: {message}"),
            "Unreachable" => format!("{call} for {subject} got no usable answer: {message}"),
            _ => format!("{call} for {subject} was refused: {message}"),
        },
        // Of another group.
        other => other.code().to_owned(),
    }
}

/// A person's decision, as half a sentence.
fn decision(what: &DecisionKind, who: &Option<String>) -> String {
    let who = by(who);
    match what {
        DecisionKind::Adopted => "Slipway adopted the service".to_owned(),
        DecisionKind::External => "the service was updated outside Slipway".to_owned(),
        DecisionKind::Deploy | DecisionKind::Redeploy | DecisionKind::Rollback => format!("{who} requested a {what}"),
        DecisionKind::Other(_) => format!("{who} decided"),
    }
}

fn by(who: &Option<String>) -> &str {
    who.as_deref().unwrap_or("somebody")
}

/// A time as a sentence has it.
pub(super) fn minute(at: &Timestamp) -> impl fmt::Display {
    at.strftime("%Y-%m-%d %H:%M UTC")
}

fn held(who: &Option<String>, why: &Option<String>, since: &Timestamp) -> String {
    let why = why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{} put the service on hold at {}{why}", by(who), minute(since))
}

fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
