//! Deployments that move by themselves: what each behavior comes to under each configuration, whatever chance says.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use slipway_core::model::facts::{Rollout, ServiceDeploymentStatus, ServiceFacts};
use slipway_core::model::id::{ClusterName, ServiceName, TaskDefinitionArn};
use slipway_core::model::image::Digest;

use crate::{Aws, Behavior, Image, Place};

const SEEDS: u64 = 200;

/// An account in which `prod/web` runs an image that works, and `web:2` is another image with this behavior.
struct Setup {
    aws: Aws,
    now: Timestamp,
    cluster: ClusterName,
    service: ServiceName,
    second: String,
}

impl Setup {
    fn new(seed: u64, configuration: Value, behavior: Behavior) -> Self {
        let now = Timestamp::constant(1_795_262_400, 0);
        let mut aws = Aws::new(Place::default(), now);
        aws.set_seed(seed);
        let mut digests = Vec::new();
        for version in ["1", "2"] {
            let push = aws.push("shop/web", &[version.to_owned()], &Image::single(version));
            let image = format!("{}/shop/web@{}", aws.place().registry(), push.digest);
            let definition = json!({
                "family": "web", "memory": "512", "containerDefinitions": [{ "name": "web", "image": image }],
            });
            aws.register_task_definition(definition.as_object().unwrap()).unwrap();
            digests.push(push.digest);
        }
        let call = |aws: &mut Aws, operation: &str, request: Value| {
            aws.answer("ECS", operation, request.as_object().unwrap()).unwrap();
        };
        call(&mut aws, "CreateCluster", json!({ "clusterName": "prod" }));
        call(
            &mut aws,
            "CreateService",
            json!({
                "cluster": "prod", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 2,
                "deploymentConfiguration": configuration,
            }),
        );
        aws.complete("prod", "web").unwrap();
        let second = digests.remove(1);
        aws.set_behavior(Digest::parse(&second).unwrap(), behavior);
        aws.take_events();
        Self { aws, now, cluster: ClusterName::new("prod"), service: ServiceName::new("web"), second }
    }

    fn deploy(&mut self, task_definition: &str, force_new_deployment: bool) -> ServiceFacts {
        self.pass(SignedDuration::from_secs(1));
        let task_definition = TaskDefinitionArn::new(task_definition);
        self.aws.update_service(&self.cluster, &self.service, &task_definition, force_new_deployment).unwrap()
    }

    fn facts(&self) -> ServiceFacts {
        self.aws.describe_services(&self.cluster, &[&self.service]).unwrap().remove(0).unwrap()
    }

    fn pass(&mut self, time: SignedDuration) {
        self.now += time;
        self.aws.set_time(self.now);
    }

    fn tick(&mut self) {
        self.pass(SignedDuration::from_secs(20));
        self.aws.tick();
    }

    /// Ticks until nothing moves; how often.
    #[track_caller]
    fn settle(&mut self) -> usize {
        for ticks in 0..400 {
            if !self.aws.is_moving() {
                return ticks;
            }
            self.tick();
        }
        panic!("it never comes to rest");
    }

    /// The names of the deployment events so far, and how many tasks stopped.
    fn events(&mut self) -> (Vec<String>, usize) {
        let events = self.aws.take_events();
        let (deployments, tasks): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|event| event["detail-type"] == "ECS Deployment State Change");
        assert!(tasks.iter().all(|event| event["detail-type"] == "ECS Task State Change"));
        let name = |event: &Value| {
            let name = event["detail"]["eventName"].as_str().unwrap();
            name.strip_prefix("SERVICE_DEPLOYMENT_").unwrap().to_owned()
        };
        (deployments.iter().map(name).collect(), tasks.len())
    }

    /// The revision that the PRIMARY runs, how it stands, and how the last service deployment does.
    fn state(&self) -> (String, Rollout, ServiceDeploymentStatus) {
        let facts = self.facts();
        let primary = facts.primary().unwrap();
        let last = self.aws.list_service_deployments(&self.cluster, &self.service).unwrap().remove(0);
        (primary.task_definition.short().to_owned(), primary.rollout.clone().unwrap(), last.status)
    }
}

fn breaker(rollback: bool) -> Value {
    json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": rollback } })
}

/// Deploys `web:2` under every seed and gives the setup once it is at rest.
fn each(configuration: &Value, behavior: Behavior, check: impl Fn(Setup)) {
    for seed in 0..SEEDS {
        let mut setup = Setup::new(seed, configuration.clone(), behavior);
        setup.deploy("web:2", false);
        setup.settle();
        check(setup);
    }
}

#[test]
fn what_works_completes() {
    for configuration in [json!({}), breaker(true), json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5 })] {
        for behavior in [Behavior::Works, Behavior::WorksSlowly, Behavior::SoundsAlarm] {
            each(&configuration, behavior, |mut setup| {
                let won = ("web:2".to_owned(), Rollout::Completed, ServiceDeploymentStatus::Successful);
                assert_eq!(setup.state(), won);
                assert_eq!(setup.events(), (vec!["IN_PROGRESS".to_owned(), "COMPLETED".to_owned()], 0));
                assert_eq!(setup.facts().deployments.len(), 1);
            });
        }
    }
}

#[test]
fn what_is_slow_takes_longer() {
    let ticks = |behavior| -> usize {
        (0..SEEDS)
            .map(|seed| {
                let mut setup = Setup::new(seed, json!({}), behavior);
                setup.deploy("web:2", false);
                setup.settle()
            })
            .sum()
    };
    assert!(ticks(Behavior::WorksSlowly) > 2 * ticks(Behavior::Works));
}

#[test]
fn what_crashes_without_a_breaker_goes_on_for_ever() {
    for configuration in [json!({}), json!({ "strategy": "CANARY" })] {
        let mut setup = Setup::new(7, configuration, Behavior::Crashes);
        setup.deploy("web:2", false);
        for _ in 0..100 {
            setup.tick();
        }
        assert!(setup.aws.is_moving());
        assert_eq!(setup.state().1, Rollout::InProgress);
        let (deployments, tasks) = setup.events();
        assert_eq!(deployments, ["IN_PROGRESS"]);
        assert!(tasks > 50);
        let kept = setup.aws.list_stopped_tasks(&setup.cluster, &setup.service).unwrap();
        assert!(!kept.is_empty());
        setup.pass(SignedDuration::from_hours(2));
        setup.deploy("web:1", false);
        setup.aws.tick();
        assert!(setup.aws.list_stopped_tasks(&setup.cluster, &setup.service).unwrap().len() < kept.len());
    }
}

fn early(cleanup: &str) -> Value {
    json!({
        "minimumHealthyPercent": 50,
        "deploymentCircuitBreaker": { "enable": true, "rollback": true },
        "earlySuccessCriteria": { "enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": cleanup },
    })
}

#[test]
fn what_completes_early_gets_the_rest_of_its_tasks_in_the_background() {
    for (cleanup, listed) in [("BLOCKING", 1), ("DEFERRED", 2)] {
        let mut seen = 0;
        for seed in 0..SEEDS {
            let mut setup = Setup::new(seed, early(cleanup), Behavior::Works);
            setup.deploy("web:2", false);
            while setup.aws.is_moving() {
                setup.tick();
                if setup.state().1 == Rollout::CompletedEarly {
                    assert_eq!(setup.state().2, ServiceDeploymentStatus::Successful);
                    assert!(setup.facts().deployments.len() <= listed);
                    seen += 1;
                }
            }
            assert_eq!(setup.state().1, Rollout::Completed);
            assert_eq!(setup.events().0, ["IN_PROGRESS", "COMPLETED"]);
            assert_eq!(setup.facts().deployments.len(), 1);
        }
        assert!(seen > 20, "{cleanup}: {seen}");
    }
}

#[test]
fn nobody_calls_failed_what_completed_early() {
    let mut setup = Setup::new(3, early("DEFERRED"), Behavior::Works);
    setup.deploy("web:2", false);
    setup.aws.complete_early("prod", "web", 1).unwrap();
    setup.aws.set_behavior(Digest::parse(&setup.second).unwrap(), Behavior::Crashes);
    for _ in 0..40 {
        setup.tick();
    }
    assert_eq!(setup.state().1, Rollout::CompletedEarly);
    let (deployments, tasks) = setup.events();
    assert_eq!(deployments, ["IN_PROGRESS"], "COMPLETED was the answer of the act");
    assert!(tasks > 10, "{tasks}");
}

#[test]
fn the_breaker_fails_what_crashes() {
    each(&breaker(false), Behavior::Crashes, |mut setup| {
        let failed = ("web:2".to_owned(), Rollout::Failed, ServiceDeploymentStatus::Stopped);
        assert_eq!(setup.state(), failed);
        let (deployments, tasks) = setup.events();
        assert_eq!(deployments, ["IN_PROGRESS", "FAILED"]);
        assert!(tasks >= 3);
    });
}

#[test]
fn the_breaker_rolls_back_what_crashes_in_several_orders() {
    let orders = std::cell::RefCell::new(BTreeSet::new());
    for configuration in [breaker(true), {
        let mut traffic = breaker(true);
        traffic["strategy"] = json!("BLUE_GREEN");
        traffic
    }] {
        each(&configuration, Behavior::Crashes, |mut setup| {
            let back = ("web:1".to_owned(), Rollout::Completed, ServiceDeploymentStatus::RollbackSuccessful);
            assert_eq!(setup.state(), back);
            orders.borrow_mut().insert(setup.events().0.join(" "));
            // The history still has it; the list of deployments does not.
            assert_eq!(setup.aws.list_service_deployments(&setup.cluster, &setup.service).unwrap().len(), 2);
            assert_eq!(setup.facts().deployments.len(), 1);
        });
    }
    let orders = orders.into_inner();
    assert!(orders.contains("IN_PROGRESS FAILED IN_PROGRESS COMPLETED"), "{orders:?}");
    assert!(orders.contains("IN_PROGRESS IN_PROGRESS FAILED COMPLETED"), "{orders:?}");
    assert!(orders.iter().all(|order| order.ends_with("COMPLETED")), "{orders:?}");
}

#[test]
fn a_rollback_whose_tasks_crash_fails() {
    for seed in 0..SEEDS {
        let mut setup = Setup::new(seed, breaker(true), Behavior::Crashes);
        let first = setup.aws.describe_task_definition("web:1").unwrap();
        let image = first.definition["containerDefinitions"][0]["image"].as_str().unwrap().to_owned();
        setup.aws.set_behavior(Digest::parse(image.split_once('@').unwrap().1).unwrap(), Behavior::Crashes);
        setup.deploy("web:2", false);
        setup.settle();
        let failed = ("web:1".to_owned(), Rollout::Failed, ServiceDeploymentStatus::RollbackFailed);
        assert_eq!(setup.state(), failed);
    }
}

#[test]
fn an_alarm_is_heard_where_one_is_set() {
    for strategy in ["ROLLING", "BLUE_GREEN"] {
        for (rollback, status) in
            [(true, ServiceDeploymentStatus::RollbackSuccessful), (false, ServiceDeploymentStatus::Stopped)]
        {
            let alarms = json!({ "enable": true, "rollback": rollback, "alarmNames": ["too-many-errors"] });
            let configuration = json!({ "strategy": strategy, "bakeTimeInMinutes": 3, "alarms": alarms });
            each(&configuration, Behavior::SoundsAlarm, |setup| assert_eq!(setup.state().2, status));
        }
    }
}

#[test]
fn what_cannot_be_pulled_fails() {
    for seed in 0..SEEDS {
        let mut setup = Setup::new(seed, breaker(true), Behavior::Works);
        let second = setup.second.clone();
        setup.aws.archive_image("shop/web", &second).unwrap();
        setup.deploy("web:2", false);
        setup.settle();
        assert_eq!(setup.state().2, ServiceDeploymentStatus::RollbackSuccessful);
        let tasks = setup.aws.list_stopped_tasks(&setup.cluster, &setup.service).unwrap();
        let tasks = setup.aws.describe_stopped_tasks(&setup.cluster, &tasks).unwrap();
        assert_eq!(tasks[0].stop_code.as_deref(), Some("TaskFailedToStart"));
    }
}

#[test]
fn a_stop_request_is_carried_out() {
    for seed in 0..SEEDS {
        let mut setup = Setup::new(seed, json!({}), Behavior::Crashes);
        let current = setup.deploy("web:2", false).current_service_deployment.unwrap();
        setup.aws.stop_service_deployment(&current).unwrap();
        assert!(setup.aws.is_moving());
        setup.settle();
        let back = ("web:1".to_owned(), Rollout::Completed, ServiceDeploymentStatus::RollbackSuccessful);
        assert_eq!(setup.state(), back);
    }
}

#[test]
fn what_was_superseded_is_gone_soon() {
    for seed in 0..SEEDS {
        let mut setup = Setup::new(seed, json!({}), Behavior::Crashes);
        let superseded = setup.deploy("web:2", false).primary().unwrap().id.clone();
        setup.deploy("web:2", true);
        assert_eq!(setup.facts().deployments.len(), 3);
        for _ in 0..40 {
            setup.tick();
        }
        let left = setup.facts().deployments;
        assert!(left.iter().all(|deployment| deployment.id != superseded));
        // What completed last stays: a rollback would go back to it.
        assert_eq!(left.iter().map(|it| it.task_definition.short()).collect::<Vec<_>>(), ["web:2", "web:1"]);
    }
}

#[test]
fn answers_lag_behind_an_update_for_a_bounded_time() {
    let mut stale = 0;
    for seed in 0..SEEDS {
        let mut setup = Setup::new(seed, json!({}), Behavior::Works);
        setup.aws.set_lag(SignedDuration::from_secs(30));
        let before = setup.facts();
        let after = setup.deploy("web:2", false);
        let (shown, history) = (setup.facts(), setup.aws.list_service_deployments(&setup.cluster, &setup.service));
        let is_stale = shown == before;
        assert!(is_stale || shown == after);
        assert_eq!(history.unwrap().len(), if is_stale { 1 } else { 2 });
        stale += usize::from(is_stale);
        setup.pass(SignedDuration::from_secs(30));
        assert_eq!(setup.facts(), after);
    }
    assert!(stale > 100);
}

#[test]
fn a_new_service_deployment_is_listed_after_a_bounded_time() {
    let mut late = 0;
    for seed in 0..SEEDS {
        let mut setup = Setup::new(seed, json!({}), Behavior::Works);
        setup.aws.set_history_lag(SignedDuration::from_secs(30));
        let current = setup.deploy("web:2", false).current_service_deployment.unwrap();
        let listed = |setup: &Setup| setup.aws.list_service_deployments(&setup.cluster, &setup.service).unwrap().len();
        late += usize::from(listed(&setup) == 1);
        // Only the list lags: the service names it, and so it can be described.
        assert!(setup.aws.describe_service_deployment(&current).is_some());
        setup.pass(SignedDuration::from_secs(30));
        assert_eq!(listed(&setup), 2);
    }
    assert!(late > 100);
}

#[test]
fn a_seed_repeats_to_the_letter() {
    let run = || {
        let mut setup = Setup::new(42, breaker(true), Behavior::Crashes);
        setup.deploy("web:2", false);
        setup.settle();
        (setup.facts(), setup.aws.take_events())
    };
    assert_eq!(run(), run());
}

/// `ecs-svc/N`, the service revision N and the service deployment that targets it belong together; a forced deployment has
/// a number of its own, and a rollback brings the old one back.
#[test]
fn one_number_joins_deployment_revision_and_service_deployment() {
    let mut setup = Setup::new(1, breaker(true), Behavior::Crashes);
    let first = setup.facts().primary().unwrap().id.clone();
    let forced = setup.deploy("web:1", true).primary().unwrap().id.clone();
    setup.settle();
    assert_ne!(first, forced);
    setup.deploy("web:2", false);
    setup.settle();
    let facts = setup.facts();
    assert_eq!(facts.primary().unwrap().id, forced);
    let history = setup.aws.list_service_deployments(&setup.cluster, &setup.service).unwrap();
    let targets: Vec<_> = history.iter().map(|it| it.target.clone().unwrap()).collect();
    let numbers: BTreeSet<_> = targets.iter().map(|arn| arn.as_str().rsplit_once('/').unwrap().1.to_owned()).collect();
    assert_eq!(numbers.len(), 3);
    for id in [&first, &forced] {
        assert!(numbers.contains(id.as_str().strip_prefix("ecs-svc/").unwrap()));
    }
    let running = facts.current_revisions.first().unwrap().as_str();
    assert!(running.ends_with(forced.as_str().strip_prefix("ecs-svc/").unwrap()));
}
