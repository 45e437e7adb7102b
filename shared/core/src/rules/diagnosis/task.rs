//! What a stopped task died of, from its stop code, ECS's words, and its containers' exit codes.

use crate::model::facts::{StoppedContainer, StoppedTask};

use super::cause::{self, Cause, CauseKind};
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
    let code = task.stop_code.as_deref().unwrap_or_default();
    match code {
        "SpotInterruption" => return cause::capacity("spotinterruption"),
        "InfrastructureHealth" | "TerminationNotice" => {
            return Some(Cause::of(CauseKind::Host, "the host of its tasks broke or was taken away"));
        }
        _ => {}
    }
    died.and_then(exit)
}

/// How a container ended, by its exit code alone.
fn exit(container: &StoppedContainer) -> Option<Cause> {
    let name = quote::short(container.name.as_str());
    Some(match container.exit_code? {
        0 => Cause::of(
            CauseKind::Exit,
            format!("its container {name} ended by itself with code 0, and a service's container has to stay"),
        ),
        126 => {
            Cause::of(CauseKind::Command, format!("the command of its container {name} may not be run (exit code 126)"))
        }
        127 => {
            Cause::of(CauseKind::Command, format!("the command of its container {name} is not there (exit code 127)"))
        }
        // 128 + SIGKILL: out of memory is one reason of many, and ECS names it where it knows it.
        137 => Cause::of(CauseKind::Killed, format!("its container {name} was killed (exit code 137)")),
        139 => {
            Cause::of(CauseKind::Exit, format!("its container {name} crashed (exit code 139, a memory access error)"))
        }
        143 => Cause::of(CauseKind::Killed, format!("its container {name} was told to stop (exit code 143)")),
        code => Cause::of(CauseKind::Exit, format!("its container {name} exited with code {code}")),
    })
}

/// What ECS's words about a task or a container betray; the more telling words first.
fn of_words(words: &str, died: Option<&StoppedContainer>) -> Option<Cause> {
    let lower = words.to_ascii_lowercase();
    let named =
        died.map_or_else(|| "a container".to_owned(), |it| format!("its container {}", quote::short(it.name.as_str())));
    of_running(&lower, &named, died).or_else(|| of_starting(words, &lower, &named)).or_else(|| of_host(words, &lower))
}

/// A task that ran: its memory, its health.
fn of_running(lower: &str, named: &str, died: Option<&StoppedContainer>) -> Option<Cause> {
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if has(&["outofmemory", "out of memory", "killed due to memory usage"]) {
        let text = match died.and_then(|it| it.exit_code) {
            Some(code) => format!("{named} was killed, probably out of memory (exit code {code})"),
            None => format!("{named} was killed, probably out of memory"),
        };
        return Some(Cause::of(CauseKind::OutOfMemory, text));
    }
    if has(&["elb health check", "load balancer health check"]) {
        return Some(Cause::of(CauseKind::LoadBalancerHealth, "its tasks fail the load balancer's health checks"));
    }
    has(&["health check"]).then(|| Cause::of(CauseKind::ContainerHealth, "its container's health check fails"))
}

/// What a task needs before it runs: role, log, secrets, image, command.
fn of_starting(words: &str, lower: &str, named: &str) -> Option<Cause> {
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if has(&["unable to assume the role"]) {
        return Some(cause::role(words));
    }
    if has(&["log group", "log driver", "logger args", "awslogs", "logging driver"]) {
        return Some(Cause::of(CauseKind::Logging, "its log cannot be written"));
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
        return Some(Cause::of(CauseKind::ImagePlatform, "its image is made for another processor"));
    }
    has(&["cannotstartcontainer", "executable file not found", "permission denied: unknown"])
        .then(|| Cause::of(CauseKind::Command, format!("the command of {named} cannot be run")))
}

/// What is around a task: volumes, network, room, permissions, the runtime, the host.
fn of_host(words: &str, lower: &str) -> Option<Cause> {
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if has(&["cannotcreatevolume", "efs", "ebs volume", "volume"]) {
        return Some(Cause::of(CauseKind::Volume, "a volume of its tasks could not be attached"));
    }
    if has(&["network interface", "eni provisioning", "subnet", "security group", "elastic network"]) {
        return Some(Cause::of(CauseKind::Network, "a network interface for its tasks could not be set up"));
    }
    if let Some(cause) = cause::capacity(lower) {
        return Some(cause);
    }
    if has(&["is not authorized", "accessdenied", "access denied"]) {
        return Some(cause::role(words));
    }
    if has(&["timeouterror", "timed out", "timeout waiting", "containerruntime", "dockertimeout", "cannotinspect"]) {
        return Some(Cause::of(CauseKind::Runtime, "the container runtime of its host took too long or failed"));
    }
    if has(&["resourceinitializationerror"]) && is_unreachable(lower) {
        return Some(Cause::of(CauseKind::Network, "its tasks cannot reach what they need to start"));
    }
    has(&["internalerror", "host ec2", "underlying infrastructure"])
        .then(|| Cause::of(CauseKind::Host, "the host of its tasks broke or was taken away"))
}

fn secret(words: &str, lower: &str) -> Cause {
    let which = quote::secret(words).map(|name| format!(" {name}")).unwrap_or_default();
    if is_denied(lower) {
        return Cause::of(
            CauseKind::Secret,
            format!("a secret or parameter{which} may not be read by the execution role"),
        );
    }
    if lower.contains("notfound") || lower.contains("can't find") || lower.contains("invalid ssm parameters") {
        return Cause::of(CauseKind::Secret, format!("a secret or parameter{which} is not there"));
    }
    if lower.contains("json key") {
        return Cause::of(
            CauseKind::Secret,
            format!("a secret{which} has not the JSON key that the task definition names"),
        );
    }
    if is_unreachable(lower) {
        return Cause::of(
            CauseKind::Secret,
            format!("a secret or parameter{which} cannot be reached over the network"),
        );
    }
    Cause::of(CauseKind::Secret, format!("a secret or parameter{which} cannot be read"))
}

fn image(lower: &str) -> Cause {
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    // Docker Hub says "not exist or may require login" of both, and ECR 403 of what a policy hides.
    if is_denied(lower) || has(&["pull access denied", "no basic auth", "authentication required", "403 forbidden"]) {
        return Cause::of(CauseKind::ImageDenied, "its image may not be pulled by the execution role");
    }
    if has(&["not found", "manifest unknown", "does not exist", "no such manifest"]) {
        return Cause::of(CauseKind::ImageGone, "its image is not in the registry");
    }
    if has(&["no matching manifest", "does not contain descriptor matching platform", "platform"]) {
        return Cause::of(CauseKind::ImagePlatform, "its image is made for another processor");
    }
    if has(&["toomanyrequests", "too many requests", "rate limit", "429"]) {
        return Cause::of(CauseKind::ImageNetwork, "the registry refuses to serve its image so often (rate limit)");
    }
    if has(&["no space left"]) {
        return Cause::of(CauseKind::ImageOther, "its image does not fit on the disk of its tasks");
    }
    if is_unreachable(lower) {
        return Cause::of(CauseKind::ImageNetwork, "the registry cannot be reached to pull its image");
    }
    Cause::of(CauseKind::ImageOther, "its image cannot be pulled")
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
