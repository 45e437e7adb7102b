//! What a person does about a cause, at three in the morning: one sentence each, the most useful first.

use crate::model::id::TargetName;
use crate::model::image::Digest;

use crate::rules::diagnosis::{Cause, CauseKind, Evidence};

/// What helps where nothing is known.
const LOOK: &str = "Look at the service's events and the logs of its tasks";

/// The payload that takes an image out of quarantine.
pub fn release(target: &TargetName, digest: &Digest) -> String {
    let target = serde_json::Value::from(target.as_str());
    format!("{{\"action\": \"release\", \"target\": {target}, \"digest\": \"{digest}\"}}")
}

pub(super) fn advice(evidence: &Evidence<'_>, cause: &Cause) -> Vec<String> {
    let mut advice = vec![first(cause.kind()).to_owned()];
    advice.extend(another_try(evidence, cause.kind()));
    advice
}

/// How the image gets another try where it may be innocent.
fn another_try(evidence: &Evidence<'_>, kind: CauseKind) -> Option<String> {
    if !kind.spares_the_image() {
        return None;
    }
    let digest = evidence.digest?;
    Some(format!(
        "The image may be innocent. Once the cause is gone, release it: invoke the deploy function with {}",
        release(evidence.target, digest)
    ))
}

/// The first thing to do, by the kind of the cause.
#[rustfmt::skip]
fn first(kind: CauseKind) -> &'static str {
    use CauseKind::*;
    match kind {
        Exit | OutOfMemory | Killed | ContainerHealth | LoadBalancerHealth | Command => of_application(kind),
        ImageGone | ImageDenied | ImageNetwork | ImagePlatform | ImageOther => of_image(kind),
        Secret | Role | Capacity | Network | Volume | Logging | Runtime | Host => of_surroundings(kind),
        Alarm | Hook | Deadline | Unknown => of_deployment(kind),
    }
}

/// What is wrong with the application or its health checks.
fn of_application(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::Exit => "Read the last lines of the container's log, mend the image, and push it",
        CauseKind::OutOfMemory => {
            "Give the container or the task more memory in the task definition, or make the application need less"
        }
        CauseKind::Killed => {
            "Look at the service's memory and at the container's stop timeout: code 137 comes from the kernel or from a \
             container that does not stop when told"
        }
        CauseKind::ContainerHealth => {
            "Run the container's health check command by hand in the new image; if it only needs longer, raise startPeriod"
        }
        CauseKind::LoadBalancerHealth => {
            "Check the target group's path, port and expected codes against the new image; if it only starts slowly, raise \
             the service's health check grace period"
        }
        CauseKind::Command => {
            "Check the image's entry point and the task definition's command: the file has to be in the image, and \
             executable"
        }
        // Of another group.
        _ => LOOK,
    }
}

/// What is wrong with pulling the image.
fn of_image(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::ImageGone => {
            "Check that the image is in ECR and that no lifecycle policy removes it; then push it again"
        }
        CauseKind::ImageDenied => {
            "Let the task's execution role pull from the repository (ecr:GetAuthorizationToken, ecr:BatchGetImage, \
             ecr:GetDownloadUrlForLayer), and check the repository's policy"
        }
        CauseKind::ImageNetwork => {
            "Check the way from the task's subnets to the registry: NAT or VPC endpoints for ECR and S3, security groups, DNS"
        }
        CauseKind::ImagePlatform => {
            "Build the image for the processor that the task definition's runtimePlatform names, or for both"
        }
        CauseKind::ImageOther => "Pull the image by hand as the task would, and see what the registry says",
        // Of another group.
        _ => LOOK,
    }
}

/// What is wrong around the task.
fn of_surroundings(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::Secret => {
            "Check that the secret or parameter is there, that the task's execution role may read and decrypt it, and that \
             the task's subnets reach its service"
        }
        CauseKind::Role => {
            "Check that the task's execution role and task role exist, that ecs-tasks.amazonaws.com may assume them, and \
             that they may do what they were denied"
        }
        CauseKind::Capacity => {
            "Make room: more container instances, another capacity provider or subnet, a higher quota; or wait, if it is \
             Fargate that has none"
        }
        CauseKind::Network => {
            "Check the service's subnets (free addresses), security groups and the account's network quotas"
        }
        CauseKind::Volume => "Check that the volume is there, and that the task's subnets and roles reach it",
        CauseKind::Logging => {
            "Check that the log group of the task definition exists, and that the execution role may write to it"
        }
        CauseKind::Runtime | CauseKind::Host => {
            "Look at the health of the container instances, and at AWS's health dashboard"
        }
        // Of another group.
        _ => LOOK,
    }
}

/// What ended the deployment.
fn of_deployment(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::Alarm => "Look at the alarm that rang; if it was not about this deploy, release the image",
        CauseKind::Hook => "Look at the log of the lifecycle hook's function",
        CauseKind::Deadline => {
            "Look at the service's events and its tasks' health; if it only takes longer, raise the target's deadline"
        }
        // Unknown, or of another group.
        _ => LOOK,
    }
}
