//! The table: what was observed, and the cause that Slipway names. The texts are AWS's own.

use super::*;
use crate::model::facts::{Monitor, ServiceMessage, StoppedContainer, StoppedTask};
use crate::model::id::{ContainerName, DeploymentId, TargetName};
use crate::model::image::Digest;
use crate::model::record::FailedBy;

// How the advice begins, by the kind of the cause.
const EXIT: &str = "Read the last lines";
const OUT_OF_MEMORY: &str = "Give the container";
const KILLED: &str = "Check the service's memory";
const CONTAINER_HEALTH: &str = "Run the container's health check";
const LOAD_BALANCER_HEALTH: &str = "Check the target group's path";
const IMAGE_GONE: &str = "Check that the image is in ECR";
const IMAGE_DENIED: &str = "Allow the task's execution role";
const IMAGE_NETWORK: &str = "Check the network path";
const IMAGE_PLATFORM: &str = "Build the image";
const IMAGE_OTHER: &str = "Pull the image by hand";
const COMMAND: &str = "Check the image's entry point";
const SECRET: &str = "Check that the secret";
const ROLE: &str = "Check that the task's execution role";
const CAPACITY: &str = "Add capacity";
const NETWORK: &str = "Check the service's subnets";
const VOLUME: &str = "Check that the volume";
const LOGGING: &str = "Check that the log group";
const RUNTIME: &str = "Check the health of the container instances";
const ALARM: &str = "Check the alarm";
const HOOK: &str = "Read the log of the lifecycle hook";
const DEADLINE: &str = "Check the service's events and its tasks' health";
const UNKNOWN: &str = "Check the service's events and the logs";

/// Where the image may work, so that it is offered to be released.
const AROUND: [&str; 9] = [SECRET, ROLE, CAPACITY, NETWORK, VOLUME, LOGGING, RUNTIME, IMAGE_NETWORK, IMAGE_DENIED];

fn digest() -> Digest {
    Digest::parse(&format!("sha256:{}", "b".repeat(64))).unwrap()
}

fn container(name: &str, exit_code: impl Into<Option<i32>>, reason: &str) -> StoppedContainer {
    StoppedContainer {
        name: ContainerName::new(name),
        exit_code: exit_code.into(),
        reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
        image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web".to_owned(),
        essential: Some(true),
        stream: None,
        log: Vec::new(),
    }
}

fn task(code: &str, reason: &str, containers: Vec<StoppedContainer>) -> StoppedTask {
    StoppedTask {
        arn: "arn:aws:ecs:eu-west-1:123456789012:task/prod/0ebb429fa86d481c2630fac53db1c91c".to_owned(),
        started_by: Some(DeploymentId::new("ecs-svc/2757582648257641111")),
        stop_code: Some(code.to_owned()),
        stopped_reason: Some(reason.to_owned()),
        stopped_at: Some("2026-09-04T17:02:31.120Z".parse().unwrap()),
        containers,
        ..StoppedTask::default()
    }
}

fn exited(containers: Vec<StoppedContainer>) -> StoppedTask {
    task("EssentialContainerExited", "Essential container in task exited", containers)
}

fn never_started(reason: &str) -> StoppedTask {
    task("TaskFailedToStart", reason, vec![container("web", None, "")])
}

fn explained(tasks: &[StoppedTask], says: &[&str], warnings: &[&str], by: FailedBy) -> Failing {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let (target, digest, says, warnings) = (TargetName::new("prod/web"), digest(), owned(says), owned(warnings));
    let evidence = Evidence {
        target: &target,
        digest: Some(&digest),
        by,
        deadline_seconds: 1800,
        since: None,
        carrier: "ECS",
        says: &says,
        monitors: &[],
        failed_hook: None,
        tasks,
        events: &[],
        warnings: &warnings,
    };
    explain(&evidence, Timestamp::UNIX_EPOCH)
}

/// What the evidence is laid out as.
fn lines(evidence: &Evidence<'_>) -> Vec<String> {
    lay_out(evidence, 7, Timestamp::UNIX_EPOCH).lines
}

#[track_caller]
fn of_task(task: StoppedTask, advice: &str, cause: &str) {
    let says = ["ECS deployment circuit breaker: tasks failed to start."];
    let why = explained(&[task], &says, &[], FailedBy::Ecs);
    assert_eq!(why.cause, cause);
    assert!(why.advice[0].starts_with(advice), "{:?}", why.advice);
    let release = why.advice.iter().any(|advice| advice.contains("\"action\": \"release\""));
    assert_eq!(release, AROUND.contains(&advice), "{:?}", why.advice);
}

#[track_caller]
fn of_service(says: &[&str], warnings: &[&str], by: FailedBy, advice: &str, cause: &str) {
    let why = explained(&[], says, warnings, by);
    assert_eq!(why.cause, cause);
    assert!(why.advice[0].starts_with(advice), "{:?}", why.advice);
}

/// These alarms were triggered, by the service deployment.
#[track_caller]
fn of_alarms(names: &[&str], cause: &str) {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let (target, digest) = (TargetName::new("prod/web"), digest());
    let evidence = Evidence {
        target: &target,
        digest: Some(&digest),
        by: FailedBy::Ecs,
        deadline_seconds: 1800,
        since: None,
        carrier: "ECS",
        says: &[],
        monitors: &[Monitor::Alarms(names)],
        failed_hook: None,
        tasks: &[exited(vec![container("web", 1, "")])],
        events: &[],
        warnings: &[],
    };
    let why = explain(&evidence, Timestamp::UNIX_EPOCH);
    assert_eq!(why.cause, cause);
    assert!(why.advice[0].starts_with(ALARM), "{:?}", why.advice);
    let lines = lines(&evidence);
    assert!(lines[0].starts_with("ECS called it failed by"), "{lines:?}");
}

#[test]
fn a_container_that_ended() {
    of_task(exited(vec![container("web", 1, "")]), EXIT, "its container web exited with code 1");
    of_task(
        exited(vec![container("web", 0, "")]),
        EXIT,
        "its container web exited with code 0, but a service's container has to keep running",
    );
    of_task(
        exited(vec![container("web", 127, "")]),
        COMMAND,
        "the command of its container web was not found (exit code 127)",
    );
    of_task(
        exited(vec![container("web", 139, "")]),
        EXIT,
        "its container web crashed (exit code 139, a memory access error)",
    );
    // 137 alone is no proof.
    of_task(exited(vec![container("web", 137, "")]), KILLED, "its container web was killed (exit code 137)");
    of_task(
        exited(vec![container("web", 137, "OutOfMemoryError: Container killed due to memory usage")]),
        OUT_OF_MEMORY,
        "its container web was killed, probably out of memory (exit code 137)",
    );
    // The one that died, not those that ECS ended with it.
    of_task(
        exited(vec![container("log", 137, ""), container("web", 3, ""), container("proxy", 0, "")]),
        EXIT,
        "its container web exited with code 3",
    );
    of_task(
        exited(vec![container("log", 0, ""), container("web", 137, "")]),
        KILLED,
        "its container web was killed (exit code 137)",
    );
}

#[test]
fn health_checks_that_failed() {
    let task = |reason: &str| task("ServiceSchedulerInitiated", reason, vec![container("web", 143, "")]);
    of_task(task("Task failed container health checks"), CONTAINER_HEALTH, "its container's health check fails");
    of_task(
        task(
            "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1)",
        ),
        LOAD_BALANCER_HEALTH,
        "its tasks fail the load balancer's health checks",
    );
    of_service(
        &[],
        &[
            "(service web) (port 8080) is unhealthy in (target-group arn:aws:x) due to (reason Health checks failed with these codes: [502])",
        ],
        FailedBy::Deadline,
        LOAD_BALANCER_HEALTH,
        "its tasks fail the load balancer's health checks (Health checks failed with these codes: [502])",
    );
}

#[test]
fn an_image_that_cannot_be_pulled() {
    let image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web@sha256:1bc0";
    of_task(
        never_started(&format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: \
             not found"
        )),
        IMAGE_GONE,
        "its image is not in the registry",
    );
    of_task(
        never_started(&format!(
            "CannotPullContainerError: pull access denied for {image}, repository does not exist or may require authorization"
        )),
        IMAGE_DENIED,
        "the execution role is not allowed to pull its image",
    );
    of_task(
        never_started(&format!(
            "CannotPullContainerError: failed to resolve ref {image}: unexpected status from HEAD request: 403 Forbidden"
        )),
        IMAGE_DENIED,
        "the execution role is not allowed to pull its image",
    );
    of_task(
        never_started(&format!(
            "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {image}: failed to do request: Head: dial tcp 10.0.0.1:443: i/o timeout"
        )),
        IMAGE_NETWORK,
        "the registry cannot be reached to pull its image",
    );
    of_task(
        never_started(
            "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network configuration.",
        ),
        IMAGE_NETWORK,
        "the registry cannot be reached to pull its image",
    );
    of_task(
        never_started(
            "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'",
        ),
        IMAGE_PLATFORM,
        "its image is built for another processor architecture",
    );
    of_task(
        never_started(
            "CannotPullContainerError: httpReadSeeker: failed open: 429 Too Many Requests - toomanyrequests: You have reached your pull rate limit",
        ),
        IMAGE_NETWORK,
        "the registry's rate limit for pulling its image is exceeded",
    );
    of_task(
        never_started("CannotPullContainerError: failed to register layer: write /app: no space left on device"),
        IMAGE_OTHER,
        "its image does not fit on the disk of its tasks",
    );
}

#[test]
fn what_a_task_needs_to_start() {
    of_task(
        never_started(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: \
             unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret \
             arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf from secrets manager: \
             AccessDeniedException: User is not authorized to perform: secretsmanager:GetSecretValue",
        ),
        SECRET,
        "the execution role is not allowed to read a secret or parameter prod/db-AbCdEf",
    );
    of_task(
        never_started(
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secrets from ssm: \
             invalid ssm parameters: /prod/db",
        ),
        SECRET,
        "a secret or parameter does not exist",
    );
    of_task(
        never_started(
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: \
             context deadline exceeded",
        ),
        SECRET,
        "a secret or parameter cannot be reached over the network",
    );
    of_task(
        never_started(
            "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web-exec' that was provided for this task.",
        ),
        ROLE,
        "the role web-exec could not be used",
    );
    of_task(
        never_started(
            "CannotStartContainerError: Error response from daemon: exec: \"/app/serve\": executable file not found in $PATH",
        ),
        COMMAND,
        "the command of a container cannot be run",
    );
    of_task(
        never_started(
            "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in the task definition.",
        ),
        LOGGING,
        "its logs cannot be written",
    );
    of_task(
        never_started("ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes"),
        VOLUME,
        "a volume of its tasks could not be attached",
    );
    of_task(
        never_started("Timeout waiting for network interface provisioning to complete."),
        NETWORK,
        "a network interface for its tasks could not be set up",
    );
    of_task(
        never_started("ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 3m0s"),
        RUNTIME,
        "the container runtime of its host took too long or failed",
    );
    of_task(
        never_started(
            "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        ),
        CAPACITY,
        "Fargate has no capacity for its tasks at the moment",
    );
    // Nothing counts against it, but it is the best there is to say.
    of_task(
        task("SpotInterruption", "Your Spot Task was interrupted.", Vec::new()),
        CAPACITY,
        "Fargate Spot interrupted its tasks",
    );
}

#[test]
fn what_ecs_says_of_the_service() {
    let alarm = "Service deployment rolled back because an alarm was detected: web-5xx.";
    of_service(&[alarm], &[], FailedBy::Ecs, ALARM, "a CloudWatch alarm of the service was triggered");
    of_alarms(&[], "a CloudWatch alarm of the service was triggered");
    of_alarms(&["web-5xx"], "the CloudWatch alarm web-5xx was triggered");
    of_alarms(&["web-5xx", "web-cpu"], "the CloudWatch alarms web-5xx, web-cpu were triggered");
    of_alarms(&["a", "b", "c", "d", "e"], "the CloudWatch alarms a, b and 3 more were triggered");
    of_service(
        &["A lifecycle hook failed at POST_TEST_TRAFFIC_SHIFT."],
        &[],
        FailedBy::Ecs,
        HOOK,
        "a lifecycle hook of the deployment failed or rejected it",
    );
    of_service(
        &[],
        &["SERVICE_TASK_PLACEMENT_FAILURE: RESOURCE:FARGATE"],
        FailedBy::Deadline,
        CAPACITY,
        "Fargate has no capacity for its tasks at the moment",
    );
    of_service(
        &[],
        &["SERVICE_TASK_PLACEMENT_FAILURE: RESOURCE:MEMORY"],
        FailedBy::Deadline,
        CAPACITY,
        "no container instance has enough memory left for its tasks",
    );
    of_service(
        &[],
        &["(service web) was unable to place a task because no container instance met all of its requirements."],
        FailedBy::Deadline,
        CAPACITY,
        "no container instance meets what its tasks need",
    );
    of_service(
        &[],
        &[
            "(service web) failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web-exec').",
        ],
        FailedBy::Deadline,
        ROLE,
        "the role web-exec could not be used",
    );
    of_service(&[], &[], FailedBy::Deadline, DEADLINE, "it did not complete within 30 min");
    of_service(&[], &[], FailedBy::Tasks, UNKNOWN, "its tasks kept stopping, and ECS does not say why");
    of_service(
        &["ECS deployment circuit breaker: tasks failed to start."],
        &["SERVICE_TASK_START_IMPAIRED"],
        FailedBy::Ecs,
        UNKNOWN,
        "it was reported as failed, without a reason that Slipway recognises",
    );
}

#[test]
fn what_most_tasks_died_of_comes_first() {
    let spot = task("SpotInterruption", "Your Spot Task was interrupted.", Vec::new());
    let pull = never_started("CannotPullContainerError: … not found");
    let exit = || exited(vec![container("web", 1, "")]);
    let cause = |tasks: &[StoppedTask]| explained(tasks, &[], &[], FailedBy::Tasks).cause;
    let exited = "its container web exited with code 1";
    assert_eq!(cause(&[pull.clone(), exit(), exit()]), exited);
    assert_eq!(cause(&[pull.clone(), exit()]), "its image is not in the registry", "of equals the newest");
    assert_eq!(cause(&[spot.clone(), spot, exit()]), exited, "an interruption counts only where nothing else does");
}

#[test]
fn the_evidence_is_laid_out() {
    let log = (1..=25).map(|n| format!("\u{1B}[31mline {n}\u{1B}[0m\t<!channel>")).collect();
    let died = StoppedContainer { log, ..container("web", 1, "") };
    let named = |id: &str, task: StoppedTask| StoppedTask { arn: task.arn.replace("0ebb429f", id), ..task };
    let tasks = [
        exited(vec![died, container("log", 143, "")]),
        named("9c1d5a07", exited(vec![container("web", 1, ""), container("log", 143, "")])),
        named("4471be20", exited(vec![container("web", 139, "")])),
    ];
    let event = |at: &str, message: &str| ServiceMessage { at: Some(at.parse().unwrap()), message: message.to_owned() };
    let lines = lines(&Evidence {
        target: &TargetName::new("prod/web"),
        digest: None,
        by: FailedBy::Ecs,
        deadline_seconds: 1800,
        since: Some("2026-09-04T17:00:00Z".parse().unwrap()),
        carrier: "ECS",
        says: &["ECS deployment circuit breaker: tasks failed to start.".to_owned()],
        monitors: &[Monitor::Breaker],
        failed_hook: None,
        tasks: &tasks,
        events: &[
            event(
                "2026-09-04T17:12:31Z",
                "(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start.",
            ),
            event("2026-09-03T10:02:00Z", "(service web) has reached a steady state."),
        ],
        warnings: &["SERVICE_TASK_START_IMPAIRED".to_owned()],
    });
    insta::assert_snapshot!(lines.join("\n"), @r#"
    ECS says: "ECS deployment circuit breaker: tasks failed to start."
    ECS's circuit breaker called it failed
    Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
      container web: exit code 1
      container log: exit code 143
      so did task 9c1d5a07 at 17:02:31
    Task 4471be20 stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
      container web: exit code 139
    ECS warned: SERVICE_TASK_START_IMPAIRED
    17:12:31 (service web) (deployment ecs-svc/2) deployment failed: tasks failed to start.
    The last lines of web's log:
    | line 6 <!channel>
    | line 7 <!channel>
    | line 8 <!channel>
    | line 9 <!channel>
    | line 10 <!channel>
    | line 11 <!channel>
    | line 12 <!channel>
    | line 13 <!channel>
    | line 14 <!channel>
    | line 15 <!channel>
    | line 16 <!channel>
    | line 17 <!channel>
    | line 18 <!channel>
    | line 19 <!channel>
    | line 20 <!channel>
    | line 21 <!channel>
    | line 22 <!channel>
    | line 23 <!channel>
    | line 24 <!channel>
    | line 25 <!channel>
    "#);
}

/// What nobody should log, and somebody will.
#[test]
fn nothing_quoted_grows_or_breaks_a_line() {
    let pieces =
        ["🚢", "\u{202E}אבג", "\u{0}\u{7}\r\n", "\u{1B}[", "é", "\u{FFFF}\u{10FFFF}", "x", "```<!channel>", ""];
    for piece in pieces {
        let text = piece.repeat(5_000);
        let container = StoppedContainer {
            name: ContainerName::new(&text),
            stream: None,
            log: vec![text.clone(); 30],
            ..container("web", 1, &text)
        };
        let tasks = vec![StoppedTask { arn: text.clone(), ..task(&text, &text, vec![container; 3]) }; 4];
        let says = vec![text.clone(); 10];
        let evidence = Evidence {
            target: &TargetName::new(&text),
            digest: None,
            by: FailedBy::Ecs,
            deadline_seconds: u64::MAX,
            since: None,
            carrier: "ECS",
            says: &says,
            monitors: &[Monitor::Breaker, Monitor::Alarms(says.clone())],
            failed_hook: None,
            tasks: &tasks,
            events: &vec![ServiceMessage { at: None, message: text.clone() }; 10],
            warnings: &says,
        };
        let (why, lines) = (explain(&evidence, Timestamp::UNIX_EPOCH), lines(&evidence));
        assert!(lines.iter().map(String::len).sum::<usize>() <= 16 * 1024, "{piece:?}");
        assert!(why.cause.chars().count() <= 300, "{piece:?}");
        for line in lines.iter().chain([&why.cause]) {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(line.chars().count() <= 1_000, "{piece:?}");
        }
    }
}
