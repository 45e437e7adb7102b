//! What a stopped task died of, from its stop code, ECS's words, and its containers' exit codes.

use crate::model::facts::{StoppedContainer, StoppedTask};

use super::cause::{self, Cause, ImageProblem, Lacking, SecretProblem};
use super::quote;

/// The cause of one task's end; `None` where it says nothing.
pub(super) fn cause(task: &StoppedTask) -> Option<Cause> {
    let reason = task.stopped_reason.as_deref().unwrap_or_default();
    let died = task.died();
    // ECS puts the error of a container on the task, on the container, or on both.
    let of_container = died.and_then(|container| container.reason.as_deref()).unwrap_or_default();
    if let Some(cause) = of_words(of_container, died).or_else(|| of_words(reason, died)) {
        return Some(cause);
    }
    match task.stop_code.as_deref().unwrap_or_default() {
        "SpotInterruption" => Some(Cause::Capacity(Lacking::Spot)),
        "InfrastructureHealth" | "TerminationNotice" => Some(Cause::Host),
        _ => died.and_then(exit),
    }
}

/// How a container ended, by its exit code alone.
fn exit(container: &StoppedContainer) -> Option<Cause> {
    Some(Cause::Exited { container: name(container), code: container.exit_code? })
}

fn name(container: &StoppedContainer) -> String {
    quote::short(container.name.as_str())
}

/// What ECS's words about a task or a container betray; the more telling words first.
fn of_words(words: &str, died: Option<&StoppedContainer>) -> Option<Cause> {
    let lower = words.to_ascii_lowercase();
    of_running(&lower, died).or_else(|| of_starting(words, &lower, died)).or_else(|| of_host(words, &lower))
}

/// A task that ran: its memory, its health.
fn of_running(lower: &str, died: Option<&StoppedContainer>) -> Option<Cause> {
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if has(&["outofmemory", "out of memory", "killed due to memory usage"]) {
        return Some(Cause::OutOfMemory { container: died.map(name), code: died.and_then(|it| it.exit_code) });
    }
    if has(&["elb health check", "load balancer health check"]) {
        return Some(Cause::LoadBalancerHealth { reason: None });
    }
    has(&["health check"]).then_some(Cause::ContainerHealth)
}

/// What a task needs before it runs: role, log, secrets, image, command.
fn of_starting(words: &str, lower: &str, died: Option<&StoppedContainer>) -> Option<Cause> {
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if has(&["unable to assume the role"]) {
        return Some(cause::role(words));
    }
    if has(&["log group", "log driver", "logger args", "awslogs", "logging driver"]) {
        return Some(Cause::Logging);
    }
    // Pulling the secrets and pulling the image share their first words, which name both.
    let rest = lower.replace("unable to pull secrets or registry auth", "");
    let of_secret = ["secret", "ssm", "parameter"].iter().any(|sign| rest.contains(sign));
    if of_secret && has(&["resourceinitializationerror", "unable to retrieve"]) {
        return Some(secret(words, lower));
    }
    if has(&["cannotpull", "pull image", "cannot pull", "ecr:"]) || rest.contains("registry auth") {
        return Some(image(lower));
    }
    if has(&["exec format error"]) {
        return Some(Cause::Image(ImageProblem::OtherProcessor));
    }
    has(&["cannotstartcontainer", "executable file not found", "permission denied: unknown"])
        .then(|| Cause::Command { container: died.map(name) })
}

/// What is around a task: volumes, network, room, permissions, the runtime, the host.
fn of_host(words: &str, lower: &str) -> Option<Cause> {
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if has(&["cannotcreatevolume", "efs", "ebs volume", "volume"]) {
        return Some(Cause::Volume);
    }
    if has(&["network interface", "eni provisioning", "subnet", "security group", "elastic network"]) {
        return Some(Cause::NetworkInterface);
    }
    if let Some(lacking) = cause::lacking(lower) {
        return Some(Cause::Capacity(lacking));
    }
    if has(&["is not authorized", "accessdenied", "access denied"]) {
        return Some(cause::role(words));
    }
    if has(&["timeouterror", "timed out", "timeout waiting", "containerruntime", "dockertimeout", "cannotinspect"]) {
        return Some(Cause::Runtime);
    }
    if has(&["resourceinitializationerror"]) && is_unreachable(lower) {
        return Some(Cause::Unreachable);
    }
    has(&["internalerror", "host ec2", "underlying infrastructure"]).then_some(Cause::Host)
}

fn secret(words: &str, lower: &str) -> Cause {
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    let problem = if is_denied(lower) {
        SecretProblem::Denied
    } else if has(&["notfound", "can't find", "invalid ssm parameters"]) {
        SecretProblem::Missing
    } else if has(&["json key"]) {
        SecretProblem::NoSuchKey
    } else if is_unreachable(lower) {
        SecretProblem::Unreachable
    } else {
        SecretProblem::Unreadable
    };
    Cause::Secret { name: quote::secret(words), problem }
}

fn image(lower: &str) -> Cause {
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    // Docker Hub says "not exist or may require login" of both, and ECR 403 of what a policy hides.
    let denied = ["pull access denied", "no basic auth", "authentication required", "403 forbidden"];
    Cause::Image(if is_denied(lower) || has(&denied) {
        ImageProblem::Denied
    } else if has(&["not found", "manifest unknown", "does not exist", "no such manifest"]) {
        ImageProblem::Gone
    } else if has(&["no matching manifest", "does not contain descriptor matching platform", "platform"]) {
        ImageProblem::OtherProcessor
    } else if has(&["toomanyrequests", "too many requests", "rate limit", "429"]) {
        ImageProblem::RateLimited
    } else if has(&["no space left"]) {
        ImageProblem::NoSpace
    } else if is_unreachable(lower) {
        ImageProblem::Unreachable
    } else {
        ImageProblem::Other
    })
}

fn is_denied(lower: &str) -> bool {
    ["accessdenied", "not authorized", "access denied", "unauthorized"].iter().any(|sign| lower.contains(sign))
}

fn is_unreachable(lower: &str) -> bool {
    const SIGNS: [&str; 11] = [
        "timeout",
        "timed out",
        "deadline exceeded",
        "dial tcp",
        "connection",
        "no such host",
        "unreachable",
        "request canceled",
        "tls handshake",
        "network",
        "retried",
    ];
    SIGNS.iter().any(|sign| lower.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_ecs_has_no_words_its_code_counts() {
        #[track_caller]
        fn check(code: &str, words: &str, expected: Option<Cause>) {
            let (code, words) = (Some(code.to_owned()), Some(words.to_owned()));
            let task = StoppedTask { stop_code: code, stopped_reason: words, ..StoppedTask::default() };
            assert_eq!(cause(&task), expected);
        }
        check("SpotInterruption", "", Some(Cause::Capacity(Lacking::Spot)));
        check("InfrastructureHealth", "", Some(Cause::Host));
        check("TerminationNotice", "", Some(Cause::Host));
        check("UserInitiated", "", None);
        // What may come of an unreachable network is one only while a task starts.
        check("TaskFailedToStart", "ResourceInitializationError: connection refused", Some(Cause::Unreachable));
        check("TaskFailedToStart", "ResourceInitializationError: something new", None);
        check("UserInitiated", "connection refused", None);
        let pull = |words: &str| format!("CannotPullContainerError: {words}");
        check("TaskFailedToStart", &pull("something new"), Some(Cause::Image(ImageProblem::Other)));
        check("TaskFailedToStart", &pull("dial tcp: no such host"), Some(Cause::Image(ImageProblem::Unreachable)));
    }
}
