//! The kinds of causes, and how ECS's words about a service betray one.

use super::quote;

/// What kind of cause it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CauseKind {
    /// The application ended.
    Exit,
    /// It took more memory than it has.
    OutOfMemory,
    /// It was killed, and nothing says why.
    Killed,
    /// The container's own health check failed.
    ContainerHealth,
    /// The load balancer's health checks failed.
    LoadBalancerHealth,
    /// The image, its tag or its repository is not there.
    ImageGone,
    /// The image may not be pulled.
    ImageDenied,
    /// The registry could not be reached.
    ImageNetwork,
    /// The image is for another processor or operating system.
    ImagePlatform,
    /// The image could not be pulled, for another reason.
    ImageOther,
    /// The command cannot be run.
    Command,
    /// A secret or parameter could not be read.
    Secret,
    /// A role could not be assumed, or may not do what it has to.
    Role,
    /// There is no room for its tasks.
    Capacity,
    /// A network interface, a volume or another thing around the container could not be set up.
    Network,
    /// A volume could not be attached.
    Volume,
    /// Its log cannot be written.
    Logging,
    /// The container runtime took too long.
    Runtime,
    /// The host broke or was taken away.
    Host,
    /// An alarm rang.
    Alarm,
    /// A lifecycle hook refused.
    Hook,
    /// It did not end in its time, and nothing says why.
    Deadline,
    /// Nothing says why.
    Unknown,
}

impl CauseKind {
    /// Whether the image itself may be innocent, so that it deserves another try once the cause is gone.
    pub fn spares_the_image(self) -> bool {
        matches!(
            self,
            Self::Secret
                | Self::Role
                | Self::Capacity
                | Self::Network
                | Self::Volume
                | Self::Logging
                | Self::Runtime
                | Self::Host
                | Self::ImageNetwork
                | Self::ImageDenied
        )
    }
}

/// A cause and its half sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) kind: CauseKind,
    pub(crate) text: String,
}

impl Cause {
    pub(crate) fn of(kind: CauseKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// What ECS states outright as the reason; "tasks failed to start" states nothing.
pub(super) fn stated(words: &str) -> Option<Cause> {
    let lower = words.to_ascii_lowercase();
    if lower.contains("alarm") {
        return Some(Cause::of(CauseKind::Alarm, "a CloudWatch alarm of the service rang"));
    }
    if lower.contains("hook") {
        return Some(Cause::of(CauseKind::Hook, "a lifecycle hook of the deployment failed or refused"));
    }
    None
}

/// What ECS's words about a service betray: placement, health checks, roles.
pub(super) fn of_service(words: &str) -> Option<Cause> {
    let lower = words.to_ascii_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if has(&["unable to assume the role", "is not authorized to perform"]) && !lower.contains("secret") {
        return Some(role(words));
    }
    if let Some(cause) = capacity(&lower) {
        return Some(cause);
    }
    if lower.contains("is unhealthy in") && lower.contains("target-group") {
        let text = match quote::between(words, "(reason ", ")") {
            Some(why) => format!("its tasks fail the load balancer's health checks ({})", quote::short(why)),
            None => "its tasks fail the load balancer's health checks".to_owned(),
        };
        return Some(Cause::of(CauseKind::LoadBalancerHealth, text));
    }
    if has(&["failed container health checks"]) {
        return Some(Cause::of(CauseKind::ContainerHealth, "its container's health check fails"));
    }
    if has(&["service_task_configuration_failure"]) {
        return Some(Cause::of(CauseKind::Role, "ECS cannot start its tasks as the service is configured"));
    }
    if has(&["service_task_placement_failure", "placement constraint"]) {
        return Some(Cause::of(CauseKind::Capacity, "there is no room for its tasks"));
    }
    None
}

pub(super) fn role(words: &str) -> Cause {
    let text = match quote::role(words) {
        Some(role) => format!("the role {role} could not be used"),
        None => "a role of the task or the service could not be used".to_owned(),
    };
    Cause::of(CauseKind::Role, text)
}

/// No room for tasks, in ECS's codes and sentences.
pub(super) fn capacity(lower: &str) -> Option<Cause> {
    let text = if lower.contains("resource:fargate") || lower.contains("capacity is unavailable") {
        "Fargate has no capacity for its tasks at the moment"
    } else if lower.contains("resource:cpu") || lower.contains("insufficient cpu") {
        "no container instance has enough CPU left for its tasks"
    } else if lower.contains("resource:memory") || lower.contains("insufficient memory") {
        "no container instance has enough memory left for its tasks"
    } else if lower.contains("resource:eni") {
        "no container instance has a network interface left for its tasks"
    } else if lower.contains("resource:ports") {
        "a port that its tasks need is taken on every container instance"
    } else if lower.contains("limit on the number of vcpus") || lower.contains("reached the limit") {
        "the account's Fargate quota is used up"
    } else if lower.contains("unable to place a task") || lower.contains("no container instance met") {
        "no container instance meets what its tasks need"
    } else if lower.contains("spot task was interrupted") || lower.contains("spotinterruption") {
        "Fargate Spot took its tasks away"
    } else {
        return None;
    };
    Some(Cause::of(CauseKind::Capacity, text))
}
