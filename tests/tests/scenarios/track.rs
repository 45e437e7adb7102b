//! How deployments go and end, and what is published about them.

use std::time::Duration;

use e2e::world::{Failure, Fault, in_short_form};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::scenario::{Scenario, WEB, service_with_breaker, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "track" {
        a_deployment_is_reported_from_start_to_end
        a_rollback_by_ecs_is_published_as_a_failed_deploy
        ecs_may_turn_back_before_it_calls_the_deployment_failed
        a_failure_without_rollback_says_how_to_go_back
        a_superseded_deployment_did_not_fail
        events_in_reverse_move_nothing_back
        the_first_deployment_of_a_service_has_nothing_to_go_back_to
        an_update_from_outside_is_published_as_such
        a_service_that_is_not_ours_is_ignored_without_a_call
        a_service_without_a_cluster_in_its_arn_is_found_in_the_configuration
        a_wrong_configuration_silences_nothing
        a_configuration_that_cannot_be_read_fails_no_event_of_others
        trouble_that_may_pass_is_tried_again
    } }
}

/// `prod/web` with ECS's circuit breaker runs 1.4.2, and 1.5.0 was pushed and is being deployed; its `IN_PROGRESS`.
async fn with_breaker(name: &'static str) -> (Scenario, Value) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &e2e::world::Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    scenario.world.running_service(service_with_breaker("web"));
    scenario.push_web("1.5.0").await;
    scenario.transcript();
    scenario.notices();
    let began = began(&scenario);
    (scenario, began)
}

/// ECS's only event that waits: a deployment began.
#[track_caller]
fn began(scenario: &Scenario) -> Value {
    let events = scenario.world.take_events();
    let changes: Vec<Value> =
        events.into_iter().filter(|event| event["detail-type"] == "ECS Deployment State Change").collect();
    let [event] = <[Value; 1]>::try_from(changes).expect("one deployment began");
    event
}

async fn a_deployment_is_reported_from_start_to_end(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    scenario.transcript();
    let began = began(&scenario);
    scenario.track(&began).await;
    scenario.world.advance(Duration::from_secs(125));
    let ended = scenario.world.complete("prod", "web").event();
    scenario.track(&ended).await;
    assert_snapshot!(scenario.transcript(), @r#"
    DynamoDB.GetItem prod/web
    ECS.DescribeServices prod/web
    ECS.ListServiceDeployments prod/web
    SNS.Publish in_progress "In progress on prod/web: shop/web:1.5.0 (was 1.4.2)"
    DynamoDB.PutItem prod/web 1 published
    SSM.GetParameter /slipway/config
    DynamoDB.GetItem prod/web
    ECS.DescribeServices prod/web
    ECS.DescribeServiceRevisions prod/web
    ECS.ListServiceDeployments prod/web
    DynamoDB.PutItem prod/web 1 completed, web:2 good
    SNS.Publish completed "Deployed to prod/web: shop/web:1.5.0 (was 1.4.2)"
    DynamoDB.PutItem prod/web 1 published
    "#);
    assert_snapshot!(scenario.subjects().join("\n"), @r"
    started: Deploying to prod/web: shop/web:1.5.0 (was 1.4.2)
    in_progress: In progress on prod/web: shop/web:1.5.0 (was 1.4.2)
    completed: Deployed to prod/web: shop/web:1.5.0 (was 1.4.2)
    ");
    scenario.end();
}

async fn a_rollback_by_ecs_is_published_as_a_failed_deploy(name: &'static str) {
    let (mut scenario, _) = with_breaker(name).await;
    scenario.world.advance(Duration::from_secs(600));
    for event in &scenario.world.fail("prod", "web", Failure::Exits { code: 1 }).events {
        scenario.track(event).await;
    }
    assert_snapshot!(scenario.subjects().join("\n"), @"rolling_back: Deploy failed on prod/web: shop/web:1.5.0, ECS is rolling back to 1.4.2");
    scenario.world.advance(Duration::from_secs(60));
    let back = scenario.world.complete("prod", "web").event();
    scenario.track(&back).await;
    assert_snapshot!(scenario.email(), @r#"
    Subject: Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again

    Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again

    The deployment failed: its container web exited with code 1. ECS rolled back automatically; prod/web runs the previous version again. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.

    Repository    shop/web
    Failed        1.5.0 (sha256:182264c5b6e5)
    Runs again    1.4.2
    Revision      web:1 → web:2
    Deployment    ecs-svc/6522754927968574972
    Triggered by  an image push (event b37cbad3-2334-4e2d-8e78-02610038c227)
    Tasks         2 of 2 running
    Took          11 min 3 s

    What Slipway observed:
      ECS says: "Service deployment rolled back because the circuit breaker threshold was exceeded."
      ECS says: "ECS deployment circuit breaker: tasks failed to start."
      Task 53c60e5c stopped at 12:10:04: Essential container in task exited (EssentialContainerExited)
        container web: exit code 1
        so did task 70ff64f9 at 12:10:04 and task 1264a08a at 12:10:04
      12:10:06 (service web) rolling back to deployment ecs-svc/3311672893166011761.
      12:10:04 (service web) (deployment ecs-svc/6522754927968574972) deployment failed: tasks failed to start.
      12:00:03 (service web) has started 2 tasks.

    What you can do:
    - Read the last lines of the container's log, fix the image, and push it
    - If the image is not the cause, release it: run `slipway release prod/web --digest sha256:182264c5b6e56be21efd35d148bdacae148a18fcfc68d7f0b2c0bab4746ed6e9`, or invoke the deploy function's alias operate with {"action": "release", "target": "prod/web", "digest": "sha256:182264c5b6e56be21efd35d148bdacae148a18fcfc68d7f0b2c0bab4746ed6e9"}

    Look here:
    - Deployments: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/deployments?region=eu-west-1
    - Events: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/events?region=eu-west-1
    - Logs: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/logs?region=eu-west-1
    - Task definition: https://eu-west-1.console.aws.amazon.com/ecs/v2/task-definitions/web/2?region=eu-west-1

    Slipway, NOW, account 123456789012 in eu-west-1, notice ecs-svc/6522754927968574972/rolled_back
    "#);
    scenario.end();
}

async fn ecs_may_turn_back_before_it_calls_the_deployment_failed(name: &'static str) {
    let (mut scenario, _) = with_breaker(name).await;
    let turned = scenario.world.begin_rollback("prod", "web").event();
    scenario.track(&turned).await;
    let failed = scenario.world.call_failed("prod", "web").event();
    scenario.track(&failed).await;
    assert_snapshot!(scenario.subjects().join("\n"), @"rolling_back: Deploy failed on prod/web: shop/web:1.5.0, ECS is rolling back to 1.4.2");
    let back = scenario.world.complete("prod", "web").event();
    scenario.track(&back).await;
    assert_snapshot!(scenario.subjects().join("\n"), @"rolled_back: Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again");
    scenario.end();
}

async fn a_failure_without_rollback_says_how_to_go_back(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &e2e::world::Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    let mut service = service_with_breaker("web");
    service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] = false.into();
    scenario.world.running_service(service);
    scenario.push_web("1.5.0").await;
    scenario.notices();
    scenario.transcript();
    scenario.world.advance(Duration::from_secs(600));
    let failed = scenario.world.fail("prod", "web", Failure::CannotBePulled).event();
    scenario.track(&failed).await;
    assert_snapshot!(scenario.email(), @r#"
    Subject: Deploy failed on prod/web: shop/web:1.5.0, Slipway is rolling back to 1.4.2

    Deploy failed on prod/web: shop/web:1.5.0, Slipway is rolling back to 1.4.2

    The deployment failed: its image is not in the registry. Slipway is rolling back to web:1.

    Repository    shop/web
    Failed        1.5.0 (sha256:182264c5b6e5)
    Rollback to   1.4.2
    Revision      web:1 → web:2
    Deployment    ecs-svc/6522754927968574972
    Triggered by  an image push (event b37cbad3-2334-4e2d-8e78-02610038c227)
    Tasks         2 of 2 running
    Took          10 min 1 s

    What Slipway observed:
      ECS says: "Service deployment stopped because the circuit breaker threshold was exceeded."
      ECS says: "ECS deployment circuit breaker: tasks failed to start."
      Task 53c60e5c stopped at 12:10:04: CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:182264c5b6e56be21efd35d148bdacae148a18fcfc68d7f0b2c0bab4746ed6e9: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:182264c5b6e56be21efd35d148bdacae148a18fcfc68d7f0b2c0bab4746ed6e9: not found (TaskFailedToStart)
        so did task 70ff64f9 at 12:10:04 and task 1264a08a at 12:10:04
      12:10:04 (service web) (deployment ecs-svc/6522754927968574972) deployment failed: tasks failed to start.
      12:00:03 (service web) has started 2 tasks.

    What you can do:
    - Wait: a notice follows when the rollback has ended
    - Check that the image is in ECR and that no lifecycle policy removes it; then push it again

    Look here:
    - Deployments: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/deployments?region=eu-west-1
    - Events: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/events?region=eu-west-1
    - Logs: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/logs?region=eu-west-1
    - Task definition: https://eu-west-1.console.aws.amazon.com/ecs/v2/task-definitions/web/2?region=eu-west-1

    Slipway, NOW, account 123456789012 in eu-west-1, notice ecs-svc/6522754927968574972/rolling_back
    "#);
    scenario.end();
}

async fn a_superseded_deployment_did_not_fail(name: &'static str) {
    let (mut scenario, first) = with_breaker(name).await;
    scenario.push_web("1.5.1").await;
    scenario.transcript();
    scenario.notices();
    let second = began(&scenario);
    scenario.track(&second).await;
    // Both are published side by side.
    let mut subjects = scenario.subjects();
    subjects.sort();
    assert_snapshot!(subjects.join("\n"), @r#"
    in_progress: In progress on prod/web: shop/web:1.5.1 (was 1.5.0)
    superseded: Superseded on prod/web: shop/web:1.5.0, a newer deployment took its place
    "#);
    // What ECS still sends of the first changes nothing, and is not published.
    scenario.track(&first).await;
    let mut failed = first.clone();
    failed["detail"]["eventName"] = "SERVICE_DEPLOYMENT_FAILED".into();
    scenario.track(&failed).await;
    assert_eq!(scenario.subjects(), [""; 0]);
    scenario.end();
}

async fn events_in_reverse_move_nothing_back(name: &'static str) {
    let (mut scenario, began) = with_breaker(name).await;
    scenario.world.advance(Duration::from_secs(125));
    let ended = scenario.world.complete("prod", "web").event();
    scenario.track(&ended).await;
    scenario.track(&began).await;
    assert_snapshot!(scenario.subjects().join("\n"), @"completed: Deployed to prod/web: shop/web:1.5.0 (was 1.4.2)");
    scenario.end();
}

async fn the_first_deployment_of_a_service_has_nothing_to_go_back_to(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &e2e::world::Image::single("1.4.2"));
    scenario.world.cluster("prod");
    scenario.world.register(web_definition("1.4.2"));
    scenario.world.by_hand("ECS.CreateService", service_with_breaker("web"));
    let _ = scenario.world.take_events();
    for event in &scenario.world.fail("prod", "web", Failure::RunsOutOfMemory).events {
        scenario.track(event).await;
    }
    assert_snapshot!(scenario.email(), @r#"
    Subject: Changed outside Slipway: prod/web was going to run web:1 with shop/web:1.4.2, but it failed

    Changed outside Slipway: prod/web was going to run web:1 with shop/web:1.4.2, but it failed

    The deployment failed: its container web was killed, probably out of memory (exit code 137). Slipway does nothing, because somebody else started this deployment. Old tasks that still run keep running. Slipway did not start this deployment and does not intervene.

    Repository    shop/web
    Image         1.4.2
    Revision      web:1
    Deployment    ecs-svc/3311672893166011761
    Triggered by  somebody outside Slipway
    Tasks         0 of 2 running
    Took          0 s

    What Slipway observed:
      ECS says: "No rollback candidate was found to run the rollback."
      ECS says: "ECS deployment circuit breaker: tasks failed to start."
      Task 97403c4c stopped at 12:00:01: Essential container in task exited (EssentialContainerExited)
        container web: exit code 137, OutOfMemoryError: Container killed due to memory usage
        so did task fda2906f at 12:00:01 and task d055a059 at 12:00:01
      12:00:01 (service web) (deployment ecs-svc/3311672893166011761) deployment failed: tasks failed to start.
      12:00:01 (service web) has started 2 tasks.

    Look here:
    - Deployments: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/deployments?region=eu-west-1
    - Events: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/events?region=eu-west-1
    - Logs: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/logs?region=eu-west-1
    - Task definition: https://eu-west-1.console.aws.amazon.com/ecs/v2/task-definitions/web/1?region=eu-west-1

    Slipway, NOW, account 123456789012 in eu-west-1, notice ecs-svc/3311672893166011761/external/failed
    "#);
    scenario.end();
}

async fn an_update_from_outside_is_published_as_such(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let mut definition = web_definition("1.4.2");
    definition["cpu"] = "512".into();
    scenario.world.register(definition);
    scenario
        .world
        .by_hand("ECS.UpdateService", json!({ "cluster": "prod", "service": "web", "taskDefinition": "web" }));
    let began = began(&scenario);
    scenario.track(&began).await;
    assert_snapshot!(scenario.email(), @r#"
    Subject: Changed outside Slipway: prod/web is getting web:2 with shop/web:1.4.2

    Changed outside Slipway: prod/web is getting web:2 with shop/web:1.4.2

    ECS is starting the new tasks of prod/web. Slipway did not start this deployment and does not intervene.

    Repository    shop/web
    Image         1.4.2, as before
    Revision      web:1 → web:2
    Deployment    ecs-svc/6522754927968574972
    Triggered by  somebody outside Slipway
    Tasks         2 of 2 running

    Look here:
    - Deployments: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/deployments?region=eu-west-1
    - Events: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/events?region=eu-west-1
    - Logs: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/logs?region=eu-west-1
    - Task definition: https://eu-west-1.console.aws.amazon.com/ecs/v2/task-definitions/web/2?region=eu-west-1

    Slipway, NOW, account 123456789012 in eu-west-1, notice ecs-svc/6522754927968574972/external/in_progress
    "#);
    scenario.end();
}

async fn a_service_that_is_not_ours_is_ignored_without_a_call(name: &'static str) {
    let (mut scenario, began) = with_breaker(name).await;
    let mut other = began.clone();
    other["resources"][0] = "arn:aws:ecs:eu-west-1:123456789012:service/prod/billing".into();
    scenario.track(&other).await;
    assert_eq!((scenario.transcript().as_str(), scenario.notices().len()), ("", 0));
    scenario.end();
}

async fn a_service_without_a_cluster_in_its_arn_is_found_in_the_configuration(name: &'static str) {
    let (mut scenario, began) = with_breaker(name).await;
    scenario.track(&in_short_form(&began)).await;
    assert_snapshot!(scenario.subjects().join("\n"), @"in_progress: In progress on prod/web: shop/web:1.5.0 (was 1.4.2)");
    scenario.end();
}

async fn a_wrong_configuration_silences_nothing(name: &'static str) {
    let (mut scenario, began) = with_breaker(name).await;
    scenario.world.parameter("/slipway/config", "version: 1\ntargets: nonsense\n");
    scenario.restart_track().await;
    scenario.transcript();
    scenario.track(&began).await;
    assert_snapshot!(scenario.subjects().join("\n"), @"in_progress: In progress on prod/web: shop/web:1.5.0 (was 1.4.2)");
    scenario.end();
}

async fn a_configuration_that_cannot_be_read_fails_no_event_of_others(name: &'static str) {
    let (mut scenario, began) = with_breaker(name).await;
    let mut of_others = began.clone();
    of_others["resources"][0] = "arn:aws:ecs:eu-west-1:123456789012:service/prod/billing".into();
    scenario.world.fault_each("SSM.GetParameter", Fault::Break);
    // First a function that has read the document before, then one that has not and asks the table.
    scenario.world.advance(Duration::from_secs(61));
    for _ in 0..2 {
        let ignored = scenario.track_once(&of_others).await.expect("an answer");
        assert_eq!(ignored["ignored"], "the service is not known, and the configuration could not be read");
        assert_eq!(scenario.track_once(&began).await, Err("SSM.GetParameter/Unreachable".to_owned()));
        scenario.restart_track().await;
    }
    assert!(!scenario.transcript().contains("ECS."), "nothing is done before the document can be read");
    scenario.world.heal("SSM.GetParameter");
    scenario.track(&began).await;
    assert_snapshot!(scenario.subjects().join("\n"), @"in_progress: In progress on prod/web: shop/web:1.5.0 (was 1.4.2)");
    scenario.end();
}

async fn trouble_that_may_pass_is_tried_again(name: &'static str) {
    let (mut scenario, began) = with_breaker(name).await;
    scenario.world.fault_each("ECS.DescribeServices", Fault::Throttle);
    assert_eq!(scenario.track_once(&began).await, Err("ECS.DescribeServices/Throttled".to_owned()));
    scenario.world.heal("ECS.DescribeServices");
    scenario.world.fault_each("SNS.Publish", Fault::Break);
    assert_eq!(scenario.track_once(&began).await, Err("SNS.Publish/Unreachable".to_owned()));
    scenario.world.heal("SNS.Publish");
    scenario.track(&began).await;
    assert_snapshot!(scenario.subjects().join("\n"), @"in_progress: In progress on prod/web: shop/web:1.5.0 (was 1.4.2)");
    scenario.end();
}
