//! The sentence of every reason. It ends without a full stop, so that it can stand in a line.

use std::fmt;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::model::reason::Reason;
use crate::model::record::DecisionKind;

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        sentences_of(self)(self, f)
    }
}

/// The group in which a reason's sentence stands: every reason has one.
#[rustfmt::skip]
fn sentences_of(reason: &Reason) -> fn(&Reason, &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        Pushed { .. } | Asked { .. } | RedeployChanged | RedeployForced | RedeployMarked { .. }
        | Reconciled { .. } | RollbackAsked { .. } | Failed { .. } => done,
        AlreadyRuns { .. } | AlreadyUnderWay { .. } | AlreadyFailed { .. } | AlreadyDone { .. }
        | SameBuild { .. } | BestRuns { .. } | Adopted { .. } | RunsAlready { .. } | NotQuarantined { .. } => as_it_is,
        Older { .. } | PushedBefore { .. } | NotOfPolicy { .. } | Ignored { .. } | TagGone { .. }
        | NotAnImage { .. } | NoCandidate { .. } | GaveWay { .. } => passed_over,
        Busy { .. } | Queued { .. } | Settling { .. } | InFlight { .. } | RollingBack { .. }
        | StillBusy { .. } | OutOfTime => waits,
        Held { .. } | Quarantined { .. } | BeforeDecision { .. } | GaveUp { .. } | NeedsForce { .. }
        | HeldNeedsForce { .. } => kept_out,
        ServiceMissing { .. } | ServiceNotActive { .. } | WrongController { .. } | ManagedByEcs => service,
        NoContainer { .. } | UnknownContainer { .. } | Unrenderable { .. } | SetBySecret { .. } => definition,
        Archived { .. } | NoSuchImage { .. } | NoKnownGood | NoSuchRevision { .. } | ImageGone { .. } => not_there,
        WhichRepository { .. } | NotItsRepository { .. } | Aws { .. } => asked,
    }
}

/// What is done, and who set it going.
fn done(reason: &Reason, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        Pushed { tag } => write!(f, "{tag} was pushed"),
        Asked { image } => write!(f, "{image} was asked for"),
        RedeployChanged => write!(f, "a redeploy was asked for, and the rendering changes"),
        RedeployForced => write!(f, "a redeploy was asked for; nothing changes, so a new deployment is forced"),
        RedeployMarked { id } => {
            write!(f, "a redeploy was asked for; a new revision carries its id {id:?}, so that a repeat is recognised")
        }
        Reconciled { image } => write!(f, "{image} is in the registry and does not run yet"),
        RollbackAsked { revision } => write!(f, "a rollback to {revision} was asked for"),
        Failed { revision } => write!(f, "{revision} failed"),
        // Of another group.
        other => f.write_str(other.code()),
    }
}

/// What is there already, or was there before.
fn as_it_is(reason: &Reason, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        AlreadyRuns { image, revision } => write!(f, "{image} runs already, as {revision}"),
        AlreadyUnderWay { image, revision, deployment } => {
            write!(f, "{image} is on its way already, as {revision} in {deployment}")
        }
        AlreadyFailed { image, revision, deployment } => {
            write!(
                f,
                "{image} was deployed as {revision}, and failed in {deployment}; ask for a redeploy to try it again"
            )
        }
        AlreadyDone { id, revision } => write!(f, "the request {id:?} was carried out before, as {revision}"),
        SameBuild { candidate, running } => write!(f, "{candidate} is the same build as {running}"),
        BestRuns { image, revision } => write!(f, "{image}, the best in the registry, runs already, as {revision}"),
        Adopted { revision } => {
            write!(f, "Slipway sees the service for the first time, and takes {revision} over as it is")
        }
        RunsAlready { revision } => write!(f, "{revision} is what runs; name another with \"to\""),
        NotQuarantined { image } => write!(f, "{image} is not quarantined here"),
        // Of another group.
        other => f.write_str(other.code()),
    }
}

/// What the tag policy or another image leaves out.
fn passed_over(reason: &Reason, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        Older { candidate, running } => write!(f, "{candidate} is older than the running {running}"),
        PushedBefore { candidate, running } => write!(f, "{candidate} was pushed before the running {running}"),
        NotOfPolicy { tag, policy } => write!(f, "{tag} is not a tag that {policy} deploys"),
        Ignored { tag, pattern } => write!(f, "{tag} is ignored by {pattern:?}"),
        TagGone { tag, repository } => write!(f, "{repository} no longer has the tag {tag}"),
        NotAnImage { image, media_type } => write!(f, "{image} is not a container image but {media_type}"),
        NoCandidate { repository } => write!(f, "{repository} has no image that the policy deploys"),
        GaveWay { candidate, to } => write!(f, "{candidate} gave way to {to}"),
        // Of another group.
        other => f.write_str(other.code()),
    }
}

/// What has to wait.
fn waits(reason: &Reason, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        Busy { .. } => {
            write!(f, "another invocation is updating the service just now; it looks at this one before it is done")
        }
        Queued { deployment, what } => {
            write!(
                f,
                "the {what} {deployment} is under way and is not cut short; this is decided again when it has ended"
            )
        }
        Settling { until } => {
            write!(f, "better images may follow within the target's settle; it is decided at {}", second(until))
        }
        InFlight { deployment, strategy } => write!(
            f,
            "the {strategy} deployment {deployment} is under way and must not be cut short; \
             deploy again when it has ended"
        ),
        RollingBack { deployment } => {
            write!(f, "ECS is rolling back to {deployment}; deploy again when that has ended")
        }
        StillBusy { until } => write!(
            f,
            "another invocation is updating the service; ask again in a moment (it holds the service until {} at the \
             latest)",
            minute(until)
        ),
        OutOfTime => write!(f, "the function's time ended before its turn; it is done by the next try"),
        // Of another group.
        other => f.write_str(other.code()),
    }
}

/// What a failure or a person keeps out.
fn kept_out(reason: &Reason, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        Held { who, why, since } => {
            write!(f, "{}", holds(who, why, since))
        }
        Quarantined { image, cause, since } => {
            write!(
                f,
                "{image} failed here at {}: {cause}; it stays quarantined until somebody releases it",
                minute(since)
            )
        }
        BeforeDecision { image, what, who, at } => {
            let what = match what {
                DecisionKind::Adopted => format!("Slipway took the service over at {}", minute(at)),
                DecisionKind::External => format!("the service was updated from outside at {}", minute(at)),
                DecisionKind::Deploy | DecisionKind::Redeploy | DecisionKind::Rollback => {
                    format!("{} asked for a {what} at {}", by(who), minute(at))
                }
                DecisionKind::Other(_) => format!("{} decided at {}", by(who), minute(at)),
            };
            write!(f, "{image} was pushed before {what}; only what is pushed later is deployed by itself")
        }
        GaveUp { image, deployment, at } => write!(
            f,
            "{image} was pushed before the rollback{} failed at {}; only what is pushed later is deployed by itself, or \
             what somebody asks for",
            deployment.as_ref().map(|id| format!(" of {id}")).unwrap_or_default(),
            minute(at)
        ),
        NeedsForce { image, cause, since } => write!(
            f,
            "{image} failed here at {}: {cause}; add \"force\": true to deploy it nevertheless",
            minute(since)
        ),
        HeldNeedsForce { who, why, since } => {
            write!(f, "{}; add \"force\": true to deploy it nevertheless", holds(who, why, since))
        }
        // Of another group.
        other => f.write_str(other.code()),
    }
}

/// What is wrong with the service.
fn service(reason: &Reason, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        ServiceMissing { service, cluster } => {
            write!(f, "there is no service {service} in the cluster {cluster}; create it, or correct the target")
        }
        ServiceNotActive { status } => {
            write!(f, "the service is {status}; remove the target if it is gone for good")
        }
        WrongController { controller } => write!(
            f,
            "the service's deployments are carried out by the {controller} controller, which Slipway does not drive; \
             deploy it there, or change its deployment controller to ECS"
        ),
        ManagedByEcs => write!(
            f,
            "ECS Express Mode manages the service, and an update would break that; deploy it with \
             UpdateExpressGatewayService"
        ),
        // Of another group.
        other => f.write_str(other.code()),
    }
}

/// What is wrong with the task definition.
fn definition(reason: &Reason, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        NoContainer { repository, containers } => write!(
            f,
            "no container has an image of {repository} (the task definition has {}); \
             name the target's containers in the configuration",
            list(containers.iter().map(|(name, image)| format!("{name}: {image}")))
        ),
        UnknownContainer { missing, known } => write!(
            f,
            "the task definition has no container {} (it has {}); correct the target's containers",
            list(missing),
            list(known)
        ),
        Unrenderable { revision, problem } => {
            write!(f, "{revision} cannot be rendered, because {problem}; register a revision that is right")
        }
        SetBySecret { container, variable } => write!(
            f,
            "the container {container} takes {variable} from a secret, and the configuration sets it too; \
             remove it from one of the two"
        ),
        // Of another group.
        other => f.write_str(other.code()),
    }
}

/// What is not there to be run, or cannot be pulled.
fn not_there(reason: &Reason, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        Archived { image } => write!(f, "{image} is archived in ECR, so ECS cannot pull it; restore it first"),
        NoSuchImage { image, repository } => write!(f, "{repository} has no image {image}"),
        NoKnownGood => write!(
            f,
            "no revision is known to have run well here whose images still exist; name one with \"to\": \"family:revision\""
        ),
        NoSuchRevision { revision } => write!(f, "there is no revision {revision}"),
        ImageGone { revision, image } => {
            write!(f, "{revision} needs {image}, which the registry no longer has; name another revision with \"to\"")
        }
        // Of another group.
        other => f.write_str(other.code()),
    }
}

/// What a request leaves open, and what AWS answers.
fn asked(reason: &Reason, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use Reason::*;
    match reason {
        WhichRepository { target, repositories } => write!(
            f,
            "{target} runs images of several repositories; add \"repository\" to the request: {}",
            list(repositories)
        ),
        NotItsRepository { target, repository, repositories } => {
            write!(f, "{target} does not run images of {repository}, but of {}", list(repositories))
        }
        Aws { call, subject, kind, message } => match kind.as_str() {
            "Denied" => {
                write!(f, "{call} for {subject} was denied, so the function's role lacks a permission: {message}")
            }
            "NotFound" => write!(f, "{call} for {subject} found nothing there ({message})"),
            "Throttled" => write!(f, "{call} for {subject} was throttled: {message}"),
            "Unreachable" => write!(f, "{call} for {subject} got no usable answer: {message}"),
            _ => write!(f, "{call} for {subject} was refused: {message}"),
        },
        // Of another group.
        other => f.write_str(other.code()),
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

fn by(who: &Option<String>) -> &str {
    who.as_deref().unwrap_or("somebody")
}

fn minute(at: &Timestamp) -> impl fmt::Display {
    at.strftime("%Y-%m-%d %H:%M UTC")
}

fn second(at: &Timestamp) -> impl fmt::Display {
    at.strftime("%H:%M:%S UTC")
}

fn holds(who: &Option<String>, why: &Option<String>, since: &Timestamp) -> String {
    let why = why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    format!("{} holds the service since {}{why}", by(who), minute(since))
}

fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
