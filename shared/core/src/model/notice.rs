//! The one versioned notice: what is published to people, as plain data.
//!
//! Its sentences are written in `text`, once, so that every subscriber says the same. One that doesn't know a kind yet still
//! has its headline.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumIter, IntoEnumIterator, IntoStaticStr};

use crate::model::build::BuildChange;
use crate::model::facts::ServiceFacts;
use crate::model::id::{
    AccountId, ClusterName, DeploymentId, EventId, Home, Partition, Region, ServiceName, TargetName,
};
use crate::model::plan::{ImageChange, RevisionChange};
use crate::model::record::{Deployment, Outcome};
use crate::model::trigger::Trigger;
use crate::model::{diff, lenient};

pub use route::Route;

pub mod route;
#[cfg(test)]
pub(crate) mod schema;

/// The version of the structure that this crate writes.
pub const VERSION: u32 = 1;

/// Something that is published to people.
///
/// A reader takes what it understands: a field that is missing or of another shape is its default, unknown fields
/// are ignored, and an unknown kind is [`NoticeKind::Unknown`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Notice {
    /// The version of this structure, [`VERSION`].
    pub version: u32,
    /// The same for every copy of the same notice: `ecs-svc/…/failed`, `config/…`.
    pub id: String,
    /// What it says.
    pub kind: NoticeKind,
    /// How much it matters.
    pub severity: Severity,
    /// When that happened.
    #[cfg_attr(test, schemars(with = "schema::Moment"))]
    pub at: Timestamp,
    /// What happened, in one line.
    pub headline: String,
    /// Why, in a sentence or two; the words of ECS and AWS are quoted.
    pub reason: String,
    /// `cluster/service`; absent where it is about no single service.
    pub target: Option<TargetName>,
    /// The cluster.
    pub cluster: Option<ClusterName>,
    /// The service.
    pub service: Option<ServiceName>,
    /// The image before and after; for a deploy that failed, `new` is what was refused.
    pub image: Option<ImageChange>,
    /// The revisions before and after, `web:41` and `web:42`.
    pub revision: Option<RevisionChange>,
    /// The deployment that it is about, as ECS events name it.
    pub deployment: Option<DeploymentId>,
    /// Who or what triggered it.
    pub cause: Option<TriggeredBy>,
    /// Seconds from the deployment's start to what happened.
    pub duration_seconds: Option<i64>,
    /// How many of the service's tasks run.
    pub tasks: Option<Tasks>,
    /// What the images were built from.
    pub build: Option<BuildChange>,
    /// More lines: the mistakes of a document, ECS's own log of the service.
    #[serde(deserialize_with = "lenient::items")]
    pub details: Vec<String>,
    /// What changed in the task definition.
    #[serde(deserialize_with = "lenient::items")]
    pub changes: Vec<diff::Change>,
    /// What a person can do next, a sentence or a command each.
    #[serde(deserialize_with = "lenient::items")]
    pub advice: Vec<String>,
    /// Where to look.
    #[serde(deserialize_with = "lenient::items")]
    pub links: Vec<Link>,
    /// The partition, `aws`.
    pub partition: Option<Partition>,
    /// The account, for readers of several.
    pub account: Option<AccountId>,
    /// The region, likewise.
    pub region: Option<Region>,
    /// The channels to post to, by the target's configuration; empty where it names none.
    #[serde(deserialize_with = "lenient::items")]
    pub notify: Vec<Route>,
    /// What was left out because SNS takes 256 KiB at most; empty in almost every notice.
    #[serde(deserialize_with = "lenient::items")]
    pub cut: Vec<String>,
}

impl Notice {
    /// What this notice is a part of: the deployment, or the notice alone where it is about none.
    ///
    /// All notices of one deployment have the same, so that they are shown as one message or in one thread. Without an id
    /// of ECS it is what the notices' ids begin with.
    pub fn thread(&self) -> &str {
        match &self.deployment {
            Some(deployment) => deployment.as_str(),
            None if self.kind.rank() > 0 => {
                let begin = self.id.strip_suffix(self.kind.as_str()).and_then(|begin| begin.strip_suffix('/'));
                begin.filter(|begin| !begin.is_empty()).unwrap_or(&self.id)
            }
            None => &self.id,
        }
    }

    /// Reads a notice's JSON, leniently; `None` for what is no notice at all: no JSON object with an `id` and a `kind`.
    pub fn parse(text: &str) -> Option<Self> {
        let members: Map<String, Value> = serde_json::from_str(text).ok()?;
        let is_text = |name: &str| members.get(name).is_some_and(Value::is_string);
        (is_text("id") && is_text("kind")).then(|| lenient::members(members))
    }
}

/// A link with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Link {
    /// What is there.
    pub name: String,
    /// The address.
    pub url: String,
}

/// How many tasks of a service run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tasks {
    /// So many run.
    pub running: i32,
    /// So many are to run.
    pub desired: i32,
}

impl Tasks {
    /// The tasks of a service as ECS counted them when it was read.
    pub fn of(service: &ServiceFacts) -> Self {
        Self { running: service.running_count, desired: service.desired_count }
    }
}

/// Whose service a notice is about, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The partition, account and region.
    pub home: &'a Home,
    /// The cluster.
    pub cluster: &'a ClusterName,
    /// The service.
    pub service: &'a ServiceName,
}

impl Place<'_> {
    /// The service as people name it, `cluster/service`.
    pub fn target(&self) -> TargetName {
        TargetName::of(self.cluster, self.service)
    }
}

/// Who or what triggered a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TriggeredBy {
    /// `push`, `deploy`, `redeploy`, `rollback`, `reconcile`, `release`; `external` for what Slipway did not do, `unknown`
    /// where nothing says who did it.
    #[serde(deserialize_with = "lenient::or_default")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub trigger: Trigger,
    /// The event's or request's id.
    pub event: Option<EventId>,
    /// Who asked, where the request said so.
    #[serde(default, deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

impl TriggeredBy {
    /// An event or a request triggered it.
    pub fn new(trigger: &Trigger, event: &EventId) -> Self {
        Self { trigger: trigger.clone(), event: Some(event.clone()), who: None }
    }

    /// What triggered a recorded deployment, and who asked for it.
    pub fn of(deployment: &Deployment) -> Self {
        let Deployment { trigger, event, who, .. } = deployment;
        Self { trigger: trigger.clone(), event: event.clone(), who: who.clone() }
    }

    /// The same, asked for by somebody who gave a name.
    pub fn by(self, who: Option<String>) -> Self {
        Self { who, ..self }
    }
}

/// What a notice says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NoticeKind {
    /// Slipway updated the service; the deployment begins.
    Started,
    /// The deployment is in progress, or has reached another stage.
    InProgress,
    /// The deployment waits for a person.
    Paused,
    /// The deployment won: the service runs it.
    Completed,
    /// The deployment failed, and it is being rolled back.
    RollingBack,
    /// The deployment failed, and nobody rolled back.
    Failed,
    /// The deployment failed, and was rolled back.
    RolledBack,
    /// The deployment failed, and so did the rollback.
    RollbackFailed,
    /// Somebody stopped the deployment.
    Stopped,
    /// The deployment did not end in its time, and nobody rolled back.
    TimedOut,
    /// A newer deployment took this one's place; it didn't fail.
    Superseded,
    /// Somebody else deployed to a service of ours.
    External,
    /// Slipway will not deploy, and a person has to fix something.
    Refused,
    /// The configuration document has mistakes; nothing is deployed.
    ConfigInvalid,
    /// Slack takes no notices for a channel, or at all, until a person fixes it. Never sent to Slack.
    Undelivered,
    /// A kind that this version doesn't know. Its headline still says what happened.
    #[default]
    #[serde(other)]
    Unknown,
}

impl NoticeKind {
    /// Every kind that this version publishes, in the order of a deployment's life.
    pub fn known() -> impl Iterator<Item = Self> {
        Self::iter().filter(|kind| *kind != Self::Unknown)
    }

    /// The kind's word for machines, as in the JSON and the attributes; it never changes.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The kind that says how a deployment ended.
    pub fn of_end(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Completed => Self::Completed,
            Outcome::Failed => Self::Failed,
            Outcome::Superseded => Self::Superseded,
            Outcome::RolledBackByEcs | Outcome::RolledBackBySlipway => Self::RolledBack,
            Outcome::RollbackFailed => Self::RollbackFailed,
            Outcome::Stopped => Self::Stopped,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::External => Self::External,
        }
    }

    /// How far a deployment has come when this is published; 0 for kinds that are about none.
    ///
    /// What is shown of one deployment only moves to a higher rank, whatever event is late or repeated.
    pub fn rank(self) -> u8 {
        match self {
            Self::External | Self::Refused | Self::ConfigInvalid | Self::Undelivered | Self::Unknown => 0,
            Self::Started => 1,
            Self::InProgress | Self::Paused => 2,
            Self::RollingBack => 3,
            Self::Completed
            | Self::Failed
            | Self::RolledBack
            | Self::RollbackFailed
            | Self::Stopped
            | Self::TimedOut
            | Self::Superseded => 4,
        }
    }
}

/// How much a notice matters.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// It went well.
    Success,
    /// Somebody should look at it today.
    Warning,
    /// It went wrong; somebody should look at it now.
    Failure,
}

impl Severity {
    /// The word for machines, as in the JSON and the attributes; it never changes.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_of_a_later_version_is_read_as_far_as_it_is_understood() {
        let notice = Notice::parse(
            r#"{"version": 7, "id": "x/held", "kind": "held", "severity": "purple", "headline": "prod/web is on hold",
                "at": "yesterday", "image": {"repository": "shop/web", "new": {"digest": "md5:1"}}, "target": "prod/web",
                "details": ["one", 2, "three"], "changes": [{"path": "a", "how": "moved"}], "surprise": {"a": [1]}}"#,
        )
        .unwrap();
        assert_eq!((notice.version, notice.kind, notice.severity), (7, NoticeKind::Unknown, Severity::Info));
        assert_eq!(notice.headline, "prod/web is on hold");
        assert_eq!(notice.target.unwrap().as_str(), "prod/web");
        assert_eq!(notice.image, None);
        assert_eq!(notice.details, ["one", "three"]);
        assert_eq!(notice.changes, []);
    }

    #[test]
    fn what_is_no_notice_is_none() {
        for text in ["", "nonsense", "[]", "3", "{}", r#"{"id": "x"}"#, r#"{"kind": "failed", "id": 4}"#] {
            assert_eq!(Notice::parse(text), None, "{text}");
        }
    }
}
