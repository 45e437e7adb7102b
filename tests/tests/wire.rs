//! Both sides of the fake AWS side by side: what the SDK makes of the JSON over HTTP, and what the fake answers in
//! Slipway's words. The simulation relies on the second, so it must be the first, value for value.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use e2e::emulator;
use e2e::world::{Failure, Image, World};
use serde_json::{Value, json};
use slipway_aws::clients::Names;
use slipway_aws::{Aws, Error};
use slipway_core::model::facts::ImageName;
use slipway_core::model::id::{
    ClusterName, Home, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TaskDefinitionArn,
};
use slipway_core::model::image::{Digest, Repository, Tag};
use slipway_engine::cloud::{Cloud, ContinueAnswer, HookAnswer, StopAnswer};

/// A world with images, in which `prod/web` has been running `web:1` for long and `web:2` is registered; and the SDK.
async fn setup(configuration: Value) -> (World, Aws) {
    let world = World::alone(emulator::models()).start().await;
    let credentials = aws_credential_types::Credentials::new("test", "secret", None, None, "test");
    let settings = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(world.url())
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .load()
        .await;
    let first = world.push("shop/web", ["1.0.0", "stable"], &Image::single("1"));
    world.push("shop/web", ["1.1.0"], &Image::multi_platform("2").labelled([("commit", "abc")]));
    world.push("shop/web", [], &Image::docker("untagged"));
    world.push("shop/web", ["sbom"], &Image::artifact("sbom", "application/spdx+json"));
    let archived = world.push("shop/web", ["0.9.0"], &Image::single("0"));
    world.archive_image("shop/web", &archived.digest);
    let registry = world.place().registry();
    let mut definition = json!({
        "family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "containerDefinitions": [
            { "name": "web", "image": format!("{registry}/shop/web@{}", first.digest) },
            { "name": "proxy", "image": "nginx:1", "essential": false },
            { "name": "gone", "image": format!("{registry}/shop/web:gone") },
        ],
        "tags": [{ "key": "team", "value": "shop" }, { "key": "empty", "value": "" }],
    });
    world.register(definition.clone());
    world.running_service(json!({
        "cluster": "prod", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2,
        "deploymentConfiguration": configuration, "tags": [{ "key": "a", "value": "b" }],
    }));
    definition["containerDefinitions"][0]["image"] = json!(format!("{registry}/shop/web:1.1.0"));
    world.register(definition);
    (world, Aws::new(&settings, &Names::default()))
}

fn update(world: &World) {
    world.by_hand("ECS.UpdateService", json!({ "cluster": "prod", "service": "web", "taskDefinition": "web:2" }));
}

fn breaker(rollback: bool) -> Value {
    json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": rollback } })
}

/// Asks everything of both faces about the services of this cluster.
async fn compare(world: &World, sdk: &Aws, names: &[&str]) {
    let cluster = ClusterName::new("prod");
    let names: Vec<ServiceName> = names.iter().map(|name| ServiceName::new(*name)).collect();
    let asked: Vec<&ServiceName> = names.iter().collect();
    let wired = sdk.describe_services(&cluster, &asked).await.unwrap();
    let direct = world.aws(|aws| aws.describe_services(&cluster, &asked)).unwrap();
    assert_eq!(wired, direct);
    for (name, service) in names.iter().zip(direct) {
        match service {
            Some(_) => compare_history(world, sdk, &cluster, name).await,
            None => {
                let refused = sdk.list_service_deployments(&cluster, name).await.unwrap_err();
                same_refusal(&refused, world.aws(|aws| aws.list_service_deployments(&cluster, name)).unwrap_err());
            }
        }
    }
    compare_task_definitions(world, sdk).await;
    compare_images(world, sdk).await;
    world.transcript();
}

async fn compare_history(world: &World, sdk: &Aws, cluster: &ClusterName, name: &ServiceName) {
    let wired = sdk.list_service_deployments(cluster, name).await.unwrap();
    let direct = world.aws(|aws| aws.list_service_deployments(cluster, name)).unwrap();
    assert_eq!(wired, direct);
    for brief in &direct {
        let wired = sdk.describe_service_deployment(&brief.arn).await.unwrap();
        assert_eq!(wired, world.aws(|aws| aws.describe_service_deployment(&brief.arn)));
        assert!(wired.is_some());
    }
    let mut targets: Vec<_> = direct.iter().filter_map(|brief| brief.target.clone()).collect();
    targets.push(ServiceRevisionArn::new("arn:aws:ecs:eu-west-1:123456789012:service-revision/prod/web/1"));
    let wired = sdk.describe_service_revisions(&targets).await.unwrap();
    let direct = world.aws(|aws| aws.describe_service_revisions(&targets)).unwrap();
    assert_eq!(wired, direct);

    let mut tasks = sdk.list_stopped_tasks(cluster, name).await.unwrap();
    assert_eq!(tasks, world.aws(|aws| aws.list_stopped_tasks(cluster, name)).unwrap());
    tasks.push("arn:aws:ecs:eu-west-1:123456789012:task/prod/forgotten".to_owned());
    let wired = sdk.describe_stopped_tasks(cluster, &tasks).await.unwrap();
    assert_eq!(wired, world.aws(|aws| aws.describe_stopped_tasks(cluster, &tasks)).unwrap());
}

async fn compare_task_definitions(world: &World, sdk: &Aws) {
    for name in ["web", "web:1", "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2"] {
        let wired = sdk.describe_task_definition(name).await.unwrap();
        assert_eq!(wired, world.aws(|aws| aws.describe_task_definition(name)).unwrap());
    }
    let refused = sdk.describe_task_definition("none").await.unwrap_err();
    same_refusal(&refused, world.aws(|aws| aws.describe_task_definition("none")).unwrap_err());
}

async fn compare_images(world: &World, sdk: &Aws) {
    let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy").unwrap();
    let repository = Repository::at_home("shop/web", &home);
    let wired = sdk.list_images(&repository).await.unwrap();
    assert_eq!(wired, world.aws(|aws| aws.list_images(&repository)).unwrap());
    let unknown = Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
    let mut names: Vec<_> = ["1.0.0", "stable", "1.1.0", "0.9.0", "sbom", "gone"]
        .into_iter()
        .map(|tag| ImageName::Tag(Tag::parse(tag).unwrap()))
        .collect();
    names.extend(wired.iter().map(|image| ImageName::Digest(image.digest.clone())));
    names.push(ImageName::Digest(unknown.clone()));
    for name in names {
        let wired = sdk.describe_image(&repository, &name).await.unwrap();
        assert_eq!(wired, world.aws(|aws| aws.describe_image(&repository, &name)).unwrap());
    }
    let digests: Vec<&Digest> = wired.iter().map(|image| &image.digest).chain([&unknown]).collect();
    let manifests = sdk.batch_get_image(&repository, &digests).await.unwrap();
    assert_eq!(manifests, world.aws(|aws| aws.batch_get_image(&repository, &digests)).unwrap());
    let none = Repository::at_home("shop/none", &home);
    let refused = sdk.list_images(&none).await.unwrap_err();
    same_refusal(&refused, world.aws(|aws| aws.list_images(&none)).unwrap_err());
}

/// The SDK's error has the code and the sentence of the refusal.
#[track_caller]
fn same_refusal(error: &Error, refusal: e2e::world::Refusal) {
    let text = format!("{error:?}");
    assert!(text.contains(&refusal.code) && text.contains(&refusal.message), "{text} is not {refusal:?}");
}

#[tokio::test]
async fn a_service_at_rest_and_one_that_is_missing() {
    let (world, sdk) = setup(json!({})).await;
    compare(&world, &sdk, &["web", "none"]).await;
    let nowhere = ClusterName::new("nowhere");
    let name = ServiceName::new("web");
    let wired = sdk.describe_services(&nowhere, &[&name]).await.unwrap();
    assert_eq!(wired, world.aws(|aws| aws.describe_services(&nowhere, &[&name])).unwrap());
    let refused = sdk.list_stopped_tasks(&nowhere, &name).await.unwrap_err();
    same_refusal(&refused, world.aws(|aws| aws.list_stopped_tasks(&nowhere, &name)).unwrap_err());
    world.transcript();
}

#[tokio::test]
async fn a_deployment_under_way_superseded_and_completed() {
    let (world, sdk) = setup(json!({})).await;
    update(&world);
    compare(&world, &sdk, &["web"]).await;
    world.advance(Duration::from_secs(20));
    let forced = json!({ "cluster": "prod", "service": "web", "forceNewDeployment": true });
    world.by_hand("ECS.UpdateService", forced);
    compare(&world, &sdk, &["web"]).await;
    let _ = world.stop_tasks("prod", "web", Failure::RunsOutOfMemory, 2);
    world.advance(Duration::from_secs(20));
    let _ = world.stop_tasks("prod", "web", Failure::CannotBePrepared, 1);
    compare(&world, &sdk, &["web"]).await;
    let _ = world.complete("prod", "web");
    compare(&world, &sdk, &["web"]).await;
}

#[tokio::test]
async fn a_failure_with_and_without_rollback() {
    for configuration in [json!({}), breaker(false), breaker(true)] {
        let (world, sdk) = setup(configuration).await;
        update(&world);
        world.advance(Duration::from_secs(90));
        let _ = world.fail("prod", "web", Failure::CannotBePulled);
        compare(&world, &sdk, &["web"]).await;
    }
    let (world, sdk) = setup(breaker(true)).await;
    update(&world);
    let _ = world.fail("prod", "web", Failure::Exits { code: 3 });
    let _ = world.complete("prod", "web");
    compare(&world, &sdk, &["web"]).await;
}

#[tokio::test]
async fn a_rollback_that_fails_and_a_first_deployment_that_fails() {
    let (world, sdk) = setup(breaker(true)).await;
    update(&world);
    let _ = world.fail("prod", "web", Failure::IsUnhealthy);
    let _ = world.fail("prod", "web", Failure::IsUnhealthyBehindLoadBalancer);
    world.by_hand(
        "ECS.CreateService",
        json!({
            "cluster": "prod", "serviceName": "new", "taskDefinition": "web", "deploymentConfiguration": breaker(true),
        }),
    );
    let _ = world.fail("prod", "new", Failure::Exits { code: 1 });
    compare(&world, &sdk, &["web", "new"]).await;
}

#[tokio::test]
async fn an_alarm_a_stop_request_and_the_odd_order() {
    let (world, sdk) = setup(json!({ "alarms": { "enable": true, "rollback": true, "alarmNames": ["errors"] } })).await;
    update(&world);
    let _ = world.fail("prod", "web", Failure::SoundsAlarm { name: "errors".to_owned() });
    compare(&world, &sdk, &["web"]).await;

    let (world, sdk) = setup(breaker(true)).await;
    update(&world);
    let _ = world.begin_rollback("prod", "web");
    compare(&world, &sdk, &["web"]).await;
    let _ = world.call_failed("prod", "web");
    compare(&world, &sdk, &["web"]).await;
}

#[tokio::test]
async fn traffic_that_shifts_bakes_and_pauses() {
    for strategy in ["BLUE_GREEN", "LINEAR", "CANARY"] {
        let (world, sdk) = setup(json!({ "strategy": strategy, "bakeTimeInMinutes": 5 })).await;
        update(&world);
        compare(&world, &sdk, &["web"]).await;
        world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
        let _ = world.pause("prod", "web", Duration::from_secs(3600));
        compare(&world, &sdk, &["web"]).await;
        world.shift_traffic("prod", "web", 25);
        compare(&world, &sdk, &["web"]).await;
        let _ = world.pause("prod", "web", Duration::from_secs(3600));
        world.advance(Duration::from_secs(3600));
        let _ = world.time_out_pause("prod", "web");
        compare(&world, &sdk, &["web"]).await;
    }
    for strategy in ["BLUE_GREEN", "LINEAR", "CANARY"] {
        let (world, sdk) = setup(json!({ "strategy": strategy, "bakeTimeInMinutes": 5 })).await;
        update(&world);
        world.reach_stage("prod", "web", "BAKE_TIME");
        compare(&world, &sdk, &["web"]).await;
        let _ = world.fail("prod", "web", Failure::FailsHook);
        compare(&world, &sdk, &["web"]).await;
    }
}

#[tokio::test]
async fn services_that_are_not_deployed_to_by_ecs_or_not_by_update_service() {
    let (world, sdk) = setup(json!({})).await;
    for (name, controller, definition) in [("shifted", "CODE_DEPLOY", Some("web")), ("sets", "EXTERNAL", None)] {
        let mut request =
            json!({ "cluster": "prod", "serviceName": name, "deploymentController": { "type": controller } });
        if let Some(definition) = definition {
            request["taskDefinition"] = json!(definition);
        }
        world.running_service(request);
    }
    world.running_service(
        json!({ "cluster": "prod", "serviceName": "closed", "taskDefinition": "web", "desiredCount": 0 }),
    );
    world.by_hand("ECS.DeleteService", json!({ "cluster": "prod", "service": "closed" }));
    compare(&world, &sdk, &["web", "shifted", "sets", "closed"]).await;

    let (cluster, second) = (ClusterName::new("prod"), TaskDefinitionArn::new("web:2"));
    for name in ["shifted", "sets", "closed", "none"].map(ServiceName::new) {
        let wired = sdk.update_service(&cluster, &name, &second, false).await.unwrap_err();
        let direct = world.aws(|aws| aws.update_service(&cluster, &name, &second, false)).unwrap_err();
        same_refusal(&wired, direct);
    }
    world.transcript();
}

/// The same writes through one face and through the other leave the same world.
#[tokio::test]
async fn writes_by_either_face_do_the_same() {
    let (wired, sdk) = setup(breaker(true)).await;
    let (direct, other_sdk) = setup(breaker(true)).await;
    let (cluster, name) = (ClusterName::new("prod"), ServiceName::new("web"));
    for force in [false, false, true] {
        let second = TaskDefinitionArn::new("web:2");
        let answered = sdk.update_service(&cluster, &name, &second, force).await.unwrap();
        let after = direct.aws(|aws| aws.update_service(&cluster, &name, &second, force)).unwrap();
        assert_eq!(answered, Some(after));
        wired.advance(Duration::from_secs(7));
        direct.advance(Duration::from_secs(7));
    }
    for (definition, force) in [("web:9", false), ("none", true)] {
        let definition = TaskDefinitionArn::new(definition);
        let refused = sdk.update_service(&cluster, &name, &definition, force).await.unwrap_err();
        same_refusal(&refused, direct.aws(|aws| aws.update_service(&cluster, &name, &definition, force)).unwrap_err());
    }
    let body = json!({ "family": "other", "memory": "512", "containerDefinitions": [{ "name": "a", "image": "a" }] });
    let arn = direct.aws(|aws| aws.register_task_definition(body.as_object().unwrap())).unwrap();
    assert_eq!(arn.as_str(), wired.register(body));

    let current = sdk.describe_services(&cluster, &[&name]).await.unwrap()[0].clone().unwrap();
    let current = current.current_service_deployment.unwrap();
    assert_eq!(sdk.stop_service_deployment(&current).await.unwrap(), StopAnswer::Accepted);
    direct.aws(|aws| aws.stop_service_deployment(&current)).unwrap();
    assert_eq!(direct.aws(|aws| aws.stop_service_deployment(&current)).unwrap_err().code, "ConflictException");
    // What waits no longer, or was stopped, takes no answer.
    let answer = sdk.continue_service_deployment(&current, "hook", HookAnswer::Continue).await.unwrap();
    assert_eq!(answer, ContinueAnswer::NotPaused);
    let refused = direct.aws(|aws| aws.continue_service_deployment(&current, "hook", false)).unwrap_err();
    assert_eq!(refused.code, "InvalidParameterException");
    let none = ServiceDeploymentArn::new("arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/web/none");
    let refused = direct.aws(|aws| aws.stop_service_deployment(&none)).unwrap_err();
    assert_eq!(refused.code, "ServiceDeploymentNotFoundException");
    for world in [&wired, &direct] {
        let _ = world.carry_out_stop("prod", "web");
    }
    assert_eq!(wired.take_events(), direct.take_events());
    compare(&wired, &sdk, &["web"]).await;
    compare(&direct, &other_sdk, &["web"]).await;
    let state = |world: &World| world.aws(|aws| aws.describe_services(&cluster, &[&name])).unwrap();
    assert_eq!(state(&wired), state(&direct));
}
