//! Why a deployment failed, in half a sentence that goes on after "because".

use std::fmt;

use crate::rules::diagnosis::{Cause, ImageProblem, Lacking, SecretProblem};

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { container, code } => exited(f, container, *code),
            Self::OutOfMemory { container, code } => {
                write!(f, "{} was killed, probably out of memory", Named(container))?;
                code.map_or(Ok(()), |code| write!(f, " (exit code {code})"))
            }
            Self::LoadBalancerHealth { reason } => {
                f.write_str("its tasks fail the load balancer's health checks")?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
            Self::ContainerHealth => f.write_str("its container's health check fails"),
            Self::Command { container } => write!(f, "the command of {} cannot be run", Named(container)),
            Self::Role { name: Some(name) } => write!(f, "the role {name} could not be used"),
            Self::Role { name: None } => f.write_str("a role of the task or the service could not be used"),
            Self::Misconfigured => f.write_str("ECS cannot start its tasks with the service's configuration"),
            Self::Secret { name, problem } => secret(f, name.as_deref(), *problem),
            Self::Image(problem) => f.write_str(image(*problem)),
            Self::Capacity(lacking) => f.write_str(capacity(*lacking)),
            Self::NetworkInterface => f.write_str("a network interface for its tasks could not be set up"),
            Self::Unreachable => f.write_str("its tasks cannot reach what they need to start"),
            Self::Volume => f.write_str("a volume of its tasks could not be attached"),
            Self::Logging => f.write_str("its logs cannot be written"),
            Self::Runtime => f.write_str("the container runtime of its host took too long or failed"),
            Self::Host => f.write_str("the host of its tasks failed or was terminated"),
            Self::Alarm { names } => alarms(f, names),
            Self::Hook => f.write_str("a lifecycle hook of the deployment failed or rejected it"),
            Self::Unanswered => f.write_str("it waited for somebody to continue it, and nobody did in time"),
            Self::Deadline { seconds } => match (seconds / 60, seconds % 60) {
                (minutes @ 1.., 0) => write!(f, "it did not complete within {minutes} min"),
                _ => write!(f, "it did not complete within {seconds} s"),
            },
            Self::TasksStopped => f.write_str("its tasks kept stopping, and ECS does not say why"),
            Self::Unexplained => f.write_str("it was reported as failed, without a reason that Slipway recognises"),
        }
    }
}

struct Named<'a>(&'a Option<String>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "its container {name}"),
            None => f.write_str("a container"),
        }
    }
}

/// So many alarms are named.
const ALARMS: usize = 2;

fn alarms(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    match names {
        [] => f.write_str("a CloudWatch alarm of the service was triggered"),
        [name] => write!(f, "the CloudWatch alarm {name} was triggered"),
        names if names.len() <= ALARMS => write!(f, "the CloudWatch alarms {} were triggered", names.join(", ")),
        names => {
            let (shown, others) = names.split_at(ALARMS);
            write!(f, "the CloudWatch alarms {} and {} more were triggered", shown.join(", "), others.len())
        }
    }
}

fn exited(f: &mut fmt::Formatter<'_>, container: &str, code: i32) -> fmt::Result {
    match code {
        0 => write!(f, "its container {container} exited with code 0, but a service's container has to keep running"),
        126 => write!(f, "the command of its container {container} is not executable (exit code 126)"),
        127 => write!(f, "the command of its container {container} was not found (exit code 127)"),
        137 => write!(f, "its container {container} was killed (exit code 137)"),
        139 => write!(f, "its container {container} crashed (exit code 139, a memory access error)"),
        143 => write!(f, "its container {container} was asked to stop (exit code 143)"),
        code => write!(f, "its container {container} exited with code {code}"),
    }
}

fn secret(f: &mut fmt::Formatter<'_>, name: Option<&str>, problem: SecretProblem) -> fmt::Result {
    let which = name.map(|name| format!(" {name}")).unwrap_or_default();
    match problem {
        SecretProblem::Denied => write!(f, "the execution role is not allowed to read a secret or parameter{which}"),
        SecretProblem::Missing => write!(f, "a secret or parameter{which} does not exist"),
        SecretProblem::NoSuchKey => {
            write!(f, "a secret{which} does not have the JSON key that the task definition names")
        }
        SecretProblem::Unreachable => write!(f, "a secret or parameter{which} cannot be reached over the network"),
        SecretProblem::Unreadable => write!(f, "a secret or parameter{which} cannot be read"),
    }
}

fn image(problem: ImageProblem) -> &'static str {
    match problem {
        ImageProblem::Denied => "the execution role is not allowed to pull its image",
        ImageProblem::Gone => "its image is not in the registry",
        ImageProblem::OtherProcessor => "its image is built for another processor architecture",
        ImageProblem::RateLimited => "the registry's rate limit for pulling its image is exceeded",
        ImageProblem::NoSpace => "its image does not fit on the disk of its tasks",
        ImageProblem::Unreachable => "the registry cannot be reached to pull its image",
        ImageProblem::Other => "its image cannot be pulled",
    }
}

fn capacity(lacking: Lacking) -> &'static str {
    match lacking {
        Lacking::Fargate => "Fargate has no capacity for its tasks at the moment",
        Lacking::Cpu => "no container instance has enough CPU left for its tasks",
        Lacking::Memory => "no container instance has enough memory left for its tasks",
        Lacking::NetworkInterfaces => "no container instance has a network interface left for its tasks",
        Lacking::Ports => "a port that its tasks need is in use on every container instance",
        Lacking::Quota => "the account's Fargate quota is used up",
        Lacking::Instances => "no container instance meets what its tasks need",
        Lacking::Spot => "Fargate Spot interrupted its tasks",
        Lacking::Room => "there is no capacity for its tasks",
    }
}
