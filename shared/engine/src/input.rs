//! What the engine is invoked with, whatever it came as: the functions turn wire JSON into this.

use jiff::Timestamp;
use slipway_core::model::event::DeploymentEvent;
use slipway_core::model::facts::{GroupName, StoppedTask};
use slipway_core::model::id::{ClusterName, EventId, Home, ServiceName, TargetName};
use slipway_core::model::image::{Repository, Tag};
use slipway_core::model::timer::Scheduled;
use slipway_core::rules::mechanism::is_task_failure;
use slipway_core::rules::request::{Request, Targets};

/// One invocation of a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Lambda's id of it, which its own next tries share.
    pub request_id: String,
    /// When Lambda ends it.
    pub deadline: Timestamp,
    /// Where the function is.
    pub home: Home,
}

impl Invocation {
    /// An invocation that ends at `deadline`, in milliseconds since 1970, as Lambda says it.
    pub fn new(request_id: String, deadline: u64, home: Home) -> Self {
        let deadline = i64::try_from(deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        Self { request_id, deadline: deadline.unwrap_or(Timestamp::MAX), home }
    }
}

/// What an invocation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// An image was pushed under a tag.
    Push(Push),
    /// Somebody asks for something; all but [`Input::Explain`].
    Request(Request),
    /// Somebody asks what this push would bring about.
    Explain(Push),
    /// ECS said something of a service, or its timer fired.
    Service(ServiceTrigger),
    /// CodeDeploy said something of a deployment group.
    Group(GroupTrigger),
}

impl Input {
    /// What a schedule triggers; `None` for a timer of what is no service's name.
    pub fn scheduled(scheduled: Scheduled) -> Option<Self> {
        match scheduled {
            Scheduled::Timer { target } => ServiceTrigger::of(&target, Hint::Timer).map(Self::Service),
            Scheduled::Reconcile { targets } => {
                let targets = targets.map_or(Targets::All, Targets::Named);
                Some(Self::Request(Request::scheduled_reconcile(targets)))
            }
        }
    }
}

/// An image was pushed under a tag. Which image the tag means, the registry says, not the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The event's id, the same in every delivery of it.
    pub id: EventId,
    /// Where to.
    pub repository: Repository,
    /// Under which tag.
    pub tag: Tag,
    /// When.
    pub at: Timestamp,
}

/// Something happened to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTrigger {
    /// Whose service it is; `None` for a timer, which is about services beside the function.
    pub home: Option<Home>,
    /// Its cluster; a service that was never migrated to the long ARN form may have none in its events.
    pub cluster: Option<ClusterName>,
    /// The service.
    pub service: ServiceName,
    /// What it is a hint of.
    pub hint: Hint,
}

impl ServiceTrigger {
    /// Something happened to this target; `None` where the name is not `cluster/service`.
    pub(crate) fn of(target: &TargetName, hint: Hint) -> Option<Self> {
        let (cluster, service) = target.place()?;
        let named = !cluster.as_str().is_empty() && !service.as_str().is_empty();
        named.then_some(Self { home: None, cluster: Some(cluster), service, hint })
    }
}

/// Something happened to a deployment of CodeDeploy. Its events name no service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTrigger {
    /// Where the group is.
    pub home: Home,
    /// Its name.
    pub group: GroupName,
}

/// What an event is a hint of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A deployment changed its state.
    Deployment(DeploymentEvent),
    /// A task of the service stopped by itself.
    TaskStopped(StoppedTask),
    /// ECS warns of something that it does, or cannot do, for the service.
    Warning(Warning),
    /// A deployment changed in a way that what is read of it shows: a lifecycle hook waits, or CodeDeploy is further.
    Changed,
    /// A timer fired: something may be due.
    Timer,
    /// An invocation found a deployment that has an end, which may not be published.
    Unjudged,
}

impl Hint {
    /// A task stopped; `None` where somebody stopped it: scaling and people stop tasks all day.
    pub fn stopped(task: StoppedTask) -> Option<Self> {
        is_task_failure(&task).then_some(Self::TaskStopped(task))
    }
}

/// A warning or an error of ECS about a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// `SERVICE_TASK_PLACEMENT_FAILURE` and such.
    pub name: String,
    /// ECS's word for why, `RESOURCE:MEMORY`.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}
