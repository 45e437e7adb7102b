//! What a stopped task died of, from its stop code, ECS's words, and its containers' exit codes.

use crate::model::facts::{StoppedContainer, StoppedTask};

use super::cause::{self, Cause, ImageProblem, Lacking, SecretProblem};
use super::{has, quote};

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
        _ => died.and_then(|it| Some(Cause::Exited { container: name(it), code: it.exit_code? })),
    }
}

fn name(container: &StoppedContainer) -> String {
    quote::short(container.name.as_str())
}

/// The cause by ECS's words about a task or a container; the more specific words first.
fn of_words(words: &str, died: Option<&StoppedContainer>) -> Option<Cause> {
    let lower = words.to_ascii_lowercase();
    of_running(&lower, died).or_else(|| of_starting(words, &lower, died)).or_else(|| of_host(words, &lower))
}

/// A task that ran: its memory, its health.
fn of_running(lower: &str, died: Option<&StoppedContainer>) -> Option<Cause> {
    if has(lower, &["outofmemory", "out of memory", "killed due to memory usage"]) {
        return Some(Cause::OutOfMemory { container: died.map(name), code: died.and_then(|it| it.exit_code) });
    }
    if has(lower, &["elb health check", "load balancer health check"]) {
        return Some(Cause::LoadBalancerHealth { reason: None });
    }
    lower.contains("health check").then_some(Cause::ContainerHealth)
}

/// What a task needs before it runs: role, log, secrets, image, command.
fn of_starting(words: &str, lower: &str, died: Option<&StoppedContainer>) -> Option<Cause> {
    if lower.contains("unable to assume the role") {
        return Some(cause::role(words));
    }
    if has(lower, &["log group", "log driver", "logger args", "awslogs", "logging driver"]) {
        return Some(Cause::Logging);
    }
    // Pulling the secrets and pulling the image share their first words, which name both.
    let rest = lower.replace("unable to pull secrets or registry auth", "");
    if has(&rest, &["secret", "ssm", "parameter"]) && has(lower, &["resourceinitializationerror", "unable to retrieve"])
    {
        return Some(Cause::Secret { name: quote::secret(words), problem: secret_problem(lower) });
    }
    if has(lower, &["cannotpull", "pull image", "cannot pull", "ecr:"]) || rest.contains("registry auth") {
        return Some(Cause::Image(image_problem(lower)));
    }
    if lower.contains("exec format error") {
        return Some(Cause::Image(ImageProblem::OtherProcessor));
    }
    has(lower, &["cannotstartcontainer", "executable file not found", "permission denied: unknown"])
        .then(|| Cause::Command { container: died.map(name) })
}

/// What is around a task: volumes, network, room, permissions, the runtime, the host.
fn of_host(words: &str, lower: &str) -> Option<Cause> {
    if has(lower, &["cannotcreatevolume", "efs", "ebs volume", "volume"]) {
        return Some(Cause::Volume);
    }
    if has(lower, &["network interface", "eni provisioning", "subnet", "security group", "elastic network"]) {
        return Some(Cause::NetworkInterface);
    }
    if let Some(lacking) = cause::lacking(lower) {
        return Some(Cause::Capacity(lacking));
    }
    if has(lower, &["is not authorized", "accessdenied", "access denied"]) {
        return Some(cause::role(words));
    }
    const RUNTIME: [&str; 6] =
        ["timeouterror", "timed out", "timeout waiting", "containerruntime", "dockertimeout", "cannotinspect"];
    if has(lower, &RUNTIME) {
        return Some(Cause::Runtime);
    }
    if lower.contains("resourceinitializationerror") && has(lower, &UNREACHABLE) {
        return Some(Cause::Unreachable);
    }
    has(lower, &["internalerror", "host ec2", "underlying infrastructure"]).then_some(Cause::Host)
}

const DENIED: [&str; 4] = ["accessdenied", "not authorized", "access denied", "unauthorized"];

const UNREACHABLE: [&str; 11] = [
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

fn secret_problem(lower: &str) -> SecretProblem {
    let problems: [(&[&str], SecretProblem); 4] = [
        (&DENIED, SecretProblem::Denied),
        (&["notfound", "can't find", "invalid ssm parameters"], SecretProblem::Missing),
        (&["json key"], SecretProblem::NoSuchKey),
        (&UNREACHABLE, SecretProblem::Unreachable),
    ];
    first_of(lower, &problems).unwrap_or(SecretProblem::Unreadable)
}

fn image_problem(lower: &str) -> ImageProblem {
    let problems: [(&[&str], ImageProblem); 7] = [
        (&DENIED, ImageProblem::Denied),
        // Docker Hub says "not exist or may require login" of both, and ECR 403 of what a policy hides.
        (&["pull access denied", "no basic auth", "authentication required", "403 forbidden"], ImageProblem::Denied),
        (&["not found", "manifest unknown", "does not exist", "no such manifest"], ImageProblem::Gone),
        (
            &["no matching manifest", "does not contain descriptor matching platform", "platform"],
            ImageProblem::OtherProcessor,
        ),
        (&["toomanyrequests", "too many requests", "rate limit", "429"], ImageProblem::RateLimited),
        (&["no space left"], ImageProblem::NoSpace),
        (&UNREACHABLE, ImageProblem::Unreachable),
    ];
    first_of(lower, &problems).unwrap_or(ImageProblem::Other)
}

/// The first problem that has one of its signs in this text.
fn first_of<P: Copy>(lower: &str, problems: &[(&[&str], P)]) -> Option<P> {
    problems.iter().find(|(signs, _)| has(lower, signs)).map(|(_, problem)| *problem)
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
