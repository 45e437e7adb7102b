//! The causes that a deployment may have failed of, and those that ECS's words about a service name. `text` has the words for each.

use super::{has, quote};
use crate::model::facts::Monitor;

/// Why a deployment failed, with what a sentence about it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A container exited with this code; 126, 127, 137, 139 and 143 mean something of their own.
    Exited { container: String, code: i32 },
    /// A container was killed, probably because it needed more memory than it has.
    OutOfMemory { container: Option<String>, code: Option<i32> },
    /// The load balancer's health checks failed, for the reason in ECS's words.
    LoadBalancerHealth { reason: Option<String> },
    /// A container's own health check failed.
    ContainerHealth,
    /// The command of a container cannot be run.
    Command { container: Option<String> },
    /// A role could not be used.
    Role { name: Option<String> },
    /// ECS cannot start tasks as the service is configured.
    Misconfigured,
    /// A secret or parameter could not be read.
    Secret { name: Option<String>, problem: SecretProblem },
    /// The image could not be pulled or run.
    Image(ImageProblem),
    /// There is no room for its tasks.
    Capacity(Lacking),
    /// A network interface could not be set up.
    NetworkInterface,
    /// Its tasks cannot reach what they need to start.
    Unreachable,
    /// A volume could not be attached.
    Volume,
    /// Its log cannot be written.
    Logging,
    /// The container runtime took too long or failed.
    Runtime,
    /// The host broke or was taken away.
    Host,
    /// Alarms of the service were triggered; these, as far as ECS names them.
    Alarm { names: Vec<String> },
    /// A lifecycle hook failed or refused.
    Hook,
    /// It waited for a person, and nobody answered in time.
    Unanswered,
    /// It did not complete in so many seconds.
    Deadline { seconds: u64 },
    /// Its tasks kept stopping, and nothing says why.
    TasksStopped,
    /// ECS calls it failed, and nothing says why.
    Unexplained,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretProblem {
    Denied,
    Missing,
    NoSuchKey,
    Unreachable,
    Unreadable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageProblem {
    Denied,
    Gone,
    OtherProcessor,
    RateLimited,
    NoSpace,
    Unreachable,
    Other,
}

/// What there is not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacking {
    Fargate,
    Cpu,
    Memory,
    NetworkInterfaces,
    Ports,
    Quota,
    Instances,
    Spot,
    Room,
}

impl Cause {
    /// Whether the image itself may work, so that it can be tried again once the cause is gone.
    pub(crate) fn spares_the_image(&self) -> bool {
        use ImageProblem::{Denied, RateLimited, Unreachable};
        matches!(
            self,
            Self::Secret { .. }
                | Self::Role { .. }
                | Self::Misconfigured
                | Self::Capacity(_)
                | Self::NetworkInterface
                | Self::Unreachable
                | Self::Volume
                | Self::Logging
                | Self::Runtime
                | Self::Host
                | Self::Unanswered
                | Self::Image(Denied | RateLimited | Unreachable)
        )
    }

    /// The cause of a task's end without what differs from task to task, so that causes can be counted.
    pub(super) fn without_details(&self) -> Self {
        match self.clone() {
            Self::Exited { code: 126 | 127, .. } | Self::Command { .. } => Self::Command { container: None },
            // 128 + SIGKILL: out of memory is one reason of many, and ECS names it where it knows it.
            Self::Exited { code: 137 | 143, .. } => Self::Exited { container: String::new(), code: 137 },
            Self::Exited { .. } => Self::Exited { container: String::new(), code: 1 },
            Self::OutOfMemory { .. } => Self::OutOfMemory { container: None, code: None },
            Self::Role { .. } => Self::Role { name: None },
            Self::Secret { .. } => Self::Secret { name: None, problem: SecretProblem::Unreadable },
            Self::Image(ImageProblem::RateLimited) => Self::Image(ImageProblem::Unreachable),
            Self::Image(ImageProblem::NoSpace) => Self::Image(ImageProblem::Other),
            Self::Capacity(_) => Self::Capacity(Lacking::Room),
            Self::Unreachable => Self::NetworkInterface,
            other => other,
        }
    }
}

/// The alarms that were triggered; of a circuit breaker's tasks, their ends say more.
pub(super) fn of_monitor(monitor: &Monitor) -> Option<Cause> {
    match monitor {
        Monitor::Breaker => None,
        Monitor::Alarms(names) => Some(Cause::Alarm { names: names.iter().map(|name| quote::short(name)).collect() }),
    }
}

/// What ECS states outright as the reason; "tasks failed to start" states nothing.
pub(super) fn stated(words: &str) -> Option<Cause> {
    let lower = words.to_ascii_lowercase();
    if lower.contains("alarm") {
        return Some(Cause::Alarm { names: Vec::new() });
    }
    lower.contains("hook").then_some(Cause::Hook)
}

/// The cause by ECS's words about a service: placement, health checks, roles.
pub(super) fn of_service(words: &str) -> Option<Cause> {
    let lower = words.to_ascii_lowercase();
    if has(&lower, &["unable to assume the role", "is not authorized to perform"]) && !lower.contains("secret") {
        return Some(role(words));
    }
    if let Some(lacking) = lacking(&lower) {
        return Some(Cause::Capacity(lacking));
    }
    if lower.contains("is unhealthy in") && lower.contains("target-group") {
        return Some(Cause::LoadBalancerHealth { reason: quote::between(words, "(reason ", ")").map(quote::short) });
    }
    if lower.contains("failed container health checks") {
        return Some(Cause::ContainerHealth);
    }
    if lower.contains("service_task_configuration_failure") {
        return Some(Cause::Misconfigured);
    }
    let placement = has(&lower, &["service_task_placement_failure", "placement constraint"]);
    placement.then_some(Cause::Capacity(Lacking::Room))
}

pub(super) fn role(words: &str) -> Cause {
    Cause::Role { name: quote::role(words) }
}

/// What tasks had no room for, in ECS's codes and sentences.
pub(super) fn lacking(lower: &str) -> Option<Lacking> {
    const SIGNS: [(&str, Lacking); 14] = [
        ("resource:fargate", Lacking::Fargate),
        ("capacity is unavailable", Lacking::Fargate),
        ("resource:cpu", Lacking::Cpu),
        ("insufficient cpu", Lacking::Cpu),
        ("resource:memory", Lacking::Memory),
        ("insufficient memory", Lacking::Memory),
        ("resource:eni", Lacking::NetworkInterfaces),
        ("resource:ports", Lacking::Ports),
        ("limit on the number of vcpus", Lacking::Quota),
        ("reached the limit", Lacking::Quota),
        ("unable to place a task", Lacking::Instances),
        ("no container instance met", Lacking::Instances),
        ("spot task was interrupted", Lacking::Spot),
        ("spotinterruption", Lacking::Spot),
    ];
    SIGNS.iter().find(|(sign, _)| lower.contains(sign)).map(|(_, lacking)| *lacking)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_spared_where_what_is_around_it_failed() {
        use Cause::*;
        let secret = Secret { name: None, problem: SecretProblem::Missing };
        let images = [ImageProblem::Denied, ImageProblem::RateLimited, ImageProblem::Unreachable].map(Image);
        let around =
            [secret, Role { name: None }, Misconfigured, Capacity(Lacking::Cpu), NetworkInterface, Unreachable];
        for cause in around.into_iter().chain(images).chain([Volume, Logging, Runtime, Host]) {
            assert!(cause.spares_the_image(), "{cause:?}");
        }
        let images = [ImageProblem::Gone, ImageProblem::OtherProcessor, ImageProblem::NoSpace, ImageProblem::Other];
        let others = [Alarm { names: Vec::new() }, Hook, Deadline { seconds: 1 }, TasksStopped, Unexplained];
        for cause in others.into_iter().chain(images.map(Image)) {
            assert!(!cause.spares_the_image(), "{cause:?}");
        }
    }

    #[test]
    fn ecs_s_log_blames_a_load_balancer_only_with_its_target_group() {
        let unhealthy = "(service web) (port 80) is unhealthy in (target-group arn:aws:…) due to (reason 502)";
        assert!(matches!(of_service(unhealthy), Some(Cause::LoadBalancerHealth { .. })));
        assert_eq!(of_service("(service web) registered 1 targets in (target-group arn:aws:…)"), None);
        assert_eq!(of_service("(service web) (instance i-1) is unhealthy in (something else)"), None);
    }
}
