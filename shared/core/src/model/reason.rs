//! Every reason for doing something, or for leaving it: what a sentence about it needs, and a code for machines.
//!
//! A reason is an answer, not an error. Its sentence stands in `text`.

use jiff::Timestamp;

use crate::model::facts::OtherService;
use crate::model::id::{ContainerName, DeploymentId, TargetName};
use crate::model::image::{Digest, Tag};
use crate::model::record::{DecisionKind, PassedOver};

/// How much a reason matters to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Something is done.
    Go,
    /// Nothing is to be done: logged and answered, not published.
    Skip,
    /// Something is wrong that a person has to fix: published.
    Refuse,
}

/// Why a plan does what it does, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[cfg_attr(test, derive(strum::VariantNames))]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are what the variant's sentence names")]
pub enum Reason {
    /// A push under a tag that the policy deploys.
    Pushed { tag: Tag },
    /// Somebody asked for this image.
    Asked { image: String },
    /// Somebody asked for a redeploy, and the rendering is another than what runs.
    RedeployChanged,
    /// Somebody asked for a redeploy, and the rendering is what runs already.
    RedeployForced,
    /// Somebody asked for a redeploy with an id: the revision carries it, so that the repeat is recognised.
    RedeployMarked { id: String },
    /// The registry has this image, which ought to run; its push was lost, or had to wait.
    Reconciled { image: String },
    /// The image that ran before a tool put a placeholder in its place.
    PlaceholderReplaced { image: String, revision: String },
    /// The family has a new definition for the image that runs.
    DefinitionChanged { image: String, definition: String },
    /// Somebody asked for a rollback to this revision.
    RollbackAsked { revision: String, passed_over: Vec<PassedOver> },
    /// What runs failed, and the last known-good revision is restored.
    Failed { revision: String },
    /// Somebody lets a paused deployment go on.
    Continued { deployment: DeploymentId },
    /// Somebody asked for a rollback while a deployment was paused, which ECS rolls back.
    PauseRolledBack { deployment: DeploymentId },
    /// Somebody asked for a rollback of a deployment of CodeDeploy that is open, so that it is stopped.
    StopRequested { deployment: DeploymentId },

    /// The service runs exactly this already.
    AlreadyRuns { image: String, revision: String },
    /// The service is being updated to exactly this already.
    AlreadyUnderWay { image: String, revision: String, deployment: DeploymentId },
    /// The service was updated to exactly this, and the deployment failed.
    AlreadyFailed { image: String, revision: String, deployment: DeploymentId },
    /// A request of this id was carried out before.
    AlreadyDone { id: String, revision: String },
    /// The policy orders the image before the running one.
    Older { candidate: String, running: String },
    /// The policy gives no order between the two, and the image was pushed before the running one.
    PushedBefore { candidate: String, running: String },
    /// The tag is not one the target deploys.
    NotOfPolicy { tag: Tag, policy: String },
    /// An ignore pattern leaves the tag out.
    Ignored { tag: Tag, pattern: String },
    /// The registry no longer has the tag; the event is late.
    TagGone { tag: Tag, repository: String },
    /// What was pushed is no container image: a chart, a signature, an SBOM.
    NotAnImage { image: String, media_type: String },

    /// Another invocation updates the service just now; it serves this input too before it lets go.
    Busy { until: Timestamp },
    /// It waits for the end of a deployment that must not be cut short, and is decided again then.
    Queued { deployment: DeploymentId, what: String },
    /// A person keeps Slipway from deploying automatically.
    Held { who: Option<String>, why: Option<String>, since: Timestamp },
    /// The image failed on this service.
    Quarantined { image: String, cause: String, since: Timestamp },
    /// A person decided what runs after the image was pushed.
    BeforeDecision { image: String, what: DecisionKind, who: Option<String>, at: Timestamp },
    /// The rollback of the last deployment failed too, and a person has to act.
    GaveUp { image: String, deployment: Option<DeploymentId>, at: Timestamp },
    /// A placeholder runs, and the image is older than the one that was deployed before it.
    OlderThanBefore { candidate: String, before: String },
    /// The image before a placeholder was deployed once already, and the placeholder runs again.
    PlaceholderAgain { image: String, revision: String, deployment: DeploymentId },
    /// The family's new definition was registered before a person's last decision.
    DefinitionBeforeDecision { definition: String, what: DecisionKind, who: Option<String>, at: Timestamp },
    /// The family's newest definition was deployed here already, as this revision.
    DefinitionOlder { definition: String, revision: Option<String> },
    /// The same build under another tag runs already, or is on its way.
    SameBuild { candidate: String, running: String },
    /// A better image came while this one waited.
    GaveWay { candidate: String, to: String },
    /// What runs is the best that the registry has.
    BestRuns { image: String, revision: String },
    /// No image of the repository is one that the policy deploys.
    NoCandidate { repository: String },
    /// What runs was taken over as it is, because Slipway observes the service for the first time.
    Adopted { revision: String },
    /// Better images may come within the target's `settle`; it is decided then.
    Settling { until: Timestamp },
    /// A release of an image that is not quarantined.
    NotQuarantined { image: String },
    /// Somebody would let a deployment go on, and none waits for that.
    NotPaused,

    /// The service does not exist in the cluster.
    ServiceMissing { service: String, cluster: String },
    /// The service is being deleted, or is deleted.
    ServiceNotActive { status: String },
    /// A third party or something unknown carries out this service's deployments.
    WrongController { controller: String },
    /// CodeDeploy deploys to the service, and nothing says which of its deployment groups.
    NoDeploymentGroup { service: TargetName },
    /// The last revision of the deployment group cannot be read, so that its hooks would be lost.
    HooksUnknown { group: String },
    /// ECS Express Mode manages the service, and does not take such a task definition.
    NotForExpress { revision: String, problem: String },
    /// A deployment is under way that must not be superseded: blue/green, linear, canary.
    InFlight { deployment: DeploymentId, strategy: String },
    /// ECS is rolling back; a new deployment would fight it.
    RollingBack { deployment: DeploymentId },
    /// No container has an image of the repository, and none is named.
    NoContainer { repository: String, containers: Vec<(ContainerName, String)> },
    /// Somebody gave another service of the family something else, so the family's newest revision may not be meant for this one.
    SharedFamily { revision: String, other: Box<OtherService> },
    /// A named container is not in the task definition.
    UnknownContainer { missing: Vec<ContainerName>, known: Vec<ContainerName> },
    /// The base of the rendering is no task definition as ECS has them.
    Unrenderable { revision: String, problem: String },
    /// A container takes a variable from a secret that the configuration sets as well; ECS refuses a name in both.
    SetBySecret { container: ContainerName, variable: String },
    /// The image is archived in ECR: ECS cannot pull it.
    Archived { image: String, repository: String, digest: Digest },
    /// ECR is restoring the image from its archive: ECS cannot pull it yet.
    BeingRestored { image: String },
    /// The requested image is not in the repository.
    NoSuchImage { image: String, repository: String },
    /// The image failed on this service, and the request doesn't say that it knows.
    NeedsForce { image: String, cause: String, since: Timestamp },
    /// Somebody holds the service, and the request doesn't say that it knows.
    HeldNeedsForce { who: Option<String>, why: Option<String>, since: Timestamp },
    /// Another invocation updated the service for as long as this one could wait.
    StillBusy { until: Timestamp },
    /// There is no revision to roll back to; these are known good, and cannot be used.
    NoKnownGood { passed_over: Vec<PassedOver> },
    /// The revision to roll back to is what runs.
    RunsAlready { revision: String },
    /// The revision to roll back to is not there.
    NoSuchRevision { revision: String },
    /// The revision to roll back to needs an image that the registry no longer has.
    ImageGone { revision: String, image: String },
    /// The revision to roll back to needs an image that is in the archive of ECR.
    ImageArchived { it: PassedOver },
    /// Several repositories feed the service, and the request names none.
    WhichRepository { target: TargetName, repositories: Vec<String> },
    /// The request names a repository that does not feed the service.
    NotItsRepository { target: TargetName, repository: String, repositories: Vec<String> },
    /// AWS refused a call, or could not be asked.
    Aws { call: String, subject: String, kind: String, message: String },
    /// The function's time ended before this target's turn.
    OutOfTime,
}

impl Reason {
    /// How much it matters to people.
    #[rustfmt::skip]
    pub fn weight(&self) -> Weight {
        use Reason::*;
        match self {
            Pushed { .. } | Asked { .. } | RedeployChanged | RedeployForced | RedeployMarked { .. }
            | Reconciled { .. } | PlaceholderReplaced { .. } | DefinitionChanged { .. } | RollbackAsked { .. }
            | Failed { .. } | Continued { .. } | PauseRolledBack { .. } | StopRequested { .. } => Weight::Go,
            AlreadyRuns { .. } | AlreadyUnderWay { .. } | AlreadyFailed { .. } | AlreadyDone { .. }
            | Older { .. } | PushedBefore { .. } | NotOfPolicy { .. } | Ignored { .. } | TagGone { .. }
            | NotAnImage { .. } | Busy { .. } | Queued { .. } | Held { .. } | Quarantined { .. }
            | BeforeDecision { .. } | GaveUp { .. } | OlderThanBefore { .. } | PlaceholderAgain { .. }
            | DefinitionBeforeDecision { .. } | DefinitionOlder { .. } | SameBuild { .. } | GaveWay { .. } | BestRuns { .. } | NoCandidate { .. } | Adopted { .. } | Settling { .. } | NotQuarantined { .. } | NotPaused => Weight::Skip,
            ServiceMissing { .. } | ServiceNotActive { .. } | WrongController { .. } | NoDeploymentGroup { .. } | HooksUnknown { .. } | NotForExpress { .. }
            | InFlight { .. } | RollingBack { .. } | NoContainer { .. } | SharedFamily { .. } | UnknownContainer { .. }
            | Unrenderable { .. } | SetBySecret { .. } | Archived { .. } | BeingRestored { .. } | NoSuchImage { .. }
            | NeedsForce { .. } | HeldNeedsForce { .. } | StillBusy { .. } | NoKnownGood { .. }
            | RunsAlready { .. } | NoSuchRevision { .. } | ImageGone { .. } | ImageArchived { .. } | WhichRepository { .. }
            | NotItsRepository { .. } | Aws { .. } | OutOfTime => Weight::Refuse,
        }
    }

    /// The reason's code for machines, `older` or `service_missing`; it never changes.
    pub fn code(&self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantNames;

    use super::*;

    #[test]
    fn the_codes_never_change() {
        let codes = "pushed asked redeploy_changed redeploy_forced redeploy_marked reconciled placeholder_replaced definition_changed \
                     rollback_asked failed continued pause_rolled_back stop_requested already_runs already_under_way already_failed already_done older pushed_before not_of_policy ignored \
                     tag_gone not_an_image busy queued held quarantined before_decision gave_up older_than_before \
                     placeholder_again definition_before_decision definition_older same_build gave_way best_runs \
                     no_candidate adopted settling not_quarantined not_paused service_missing service_not_active wrong_controller no_deployment_group hooks_unknown \
                     not_for_express in_flight rolling_back no_container shared_family unknown_container unrenderable set_by_secret archived \
                     being_restored no_such_image needs_force held_needs_force still_busy no_known_good runs_already no_such_revision \
                     image_gone image_archived which_repository not_its_repository aws out_of_time";
        assert_eq!(Reason::VARIANTS.join(" "), codes);
        assert_eq!(Reason::OutOfTime.code(), "out_of_time");
    }
}
