//! What a person does about a cause, at three in the morning: one sentence each, the most useful first.

use crate::rules::diagnosis::{Cause, Evidence, ImageProblem};
use crate::text::invoke::invoke;

pub(super) fn advice(evidence: &Evidence<'_>, cause: &Cause) -> Vec<String> {
    let mut advice = vec![first(cause).to_owned()];
    if let Some(digest) = evidence.digest.filter(|_| cause.spares_the_image()) {
        let release = invoke("release", evidence.target, "digest", &digest.to_string());
        advice.push(format!("The image may not be the cause. Once the cause is fixed, release it: {release}"));
    }
    advice
}

fn first(cause: &Cause) -> &'static str {
    use Cause::*;
    match cause {
        Exited { code: 126 | 127, .. } | Command { .. } => {
            "Check the image's entry point and the task definition's command: the file has to be in the image, and \
             executable"
        }
        Exited { code: 137 | 143, .. } => {
            "Check the service's memory and the container's stop timeout: code 137 comes from the kernel or from a \
             container that does not stop when asked"
        }
        Exited { .. } => "Read the last lines of the container's log, fix the image, and push it",
        OutOfMemory { .. } => {
            "Give the container or the task more memory in the task definition, or make the application need less"
        }
        ContainerHealth => {
            "Run the container's health check command by hand in the new image; if it only needs longer, raise startPeriod"
        }
        LoadBalancerHealth { .. } => {
            "Check the target group's path, port and expected codes against the new image; if it only starts slowly, raise \
             the service's health check grace period"
        }
        Image(problem) => of_image(*problem),
        Alarm { .. } => "Check the alarm that was triggered; if this deployment did not cause it, release the image",
        Hook => "Read the log of the lifecycle hook's function",
        Unanswered => "Release the image when somebody can answer: it is deployed and paused again",
        Deadline { .. } => {
            "Check the service's events and its tasks' health; if it only takes longer, raise the target's deadline"
        }
        TasksStopped | Unexplained => "Check the service's events and the logs of its tasks",
        _ => of_infrastructure(cause),
    }
}

fn of_image(problem: ImageProblem) -> &'static str {
    match problem {
        ImageProblem::Gone => {
            "Check that the image is in ECR and that no lifecycle policy removes it; then push it again"
        }
        ImageProblem::Denied => {
            "Allow the task's execution role to pull from the repository (ecr:GetAuthorizationToken, ecr:BatchGetImage, \
             ecr:GetDownloadUrlForLayer), and check the repository's policy"
        }
        ImageProblem::RateLimited | ImageProblem::Unreachable => {
            "Check the network path from the task's subnets to the registry: NAT or VPC endpoints for ECR and S3, \
             security groups, DNS"
        }
        ImageProblem::OtherProcessor => {
            "Build the image for the processor architecture in the task definition's runtimePlatform, or for both"
        }
        ImageProblem::NoSpace | ImageProblem::Other => {
            "Pull the image by hand as the task would, and read the registry's error"
        }
    }
}

fn of_infrastructure(cause: &Cause) -> &'static str {
    match cause {
        Cause::Secret { .. } => {
            "Check that the secret or parameter exists, that the task's execution role may read and decrypt it, and that \
             the task's subnets reach its service"
        }
        Cause::Role { .. } | Cause::Misconfigured => {
            "Check that the task's execution role and task role exist, that ecs-tasks.amazonaws.com may assume them, and \
             that they may do what they were denied"
        }
        Cause::Capacity(_) => {
            "Add capacity: more container instances, another capacity provider or subnet, a higher quota; or wait, if \
             Fargate has none"
        }
        Cause::NetworkInterface | Cause::Unreachable => {
            "Check the service's subnets (free addresses), security groups and the account's network quotas"
        }
        Cause::Volume => "Check that the volume exists, and that the task's subnets and roles reach it",
        Cause::Logging => {
            "Check that the log group of the task definition exists, and that the execution role may write to it"
        }
        _ => "Check the health of the container instances, and the AWS Health Dashboard",
    }
}
