//! The record and the transcript: what they say, and what fails a scenario.

use std::time::Duration;

use serde_json::json;

use super::{alone, answered, call, publish, web, with_web};
use crate::world::{Image, longest_chain};

#[tokio::test]
async fn a_transcript_says_what_matters_in_an_order_that_concurrency_does_not_change() {
    let world = with_web().await;
    let push = world.push("shop/web", ["1.5.0"], &Image::single("web"));
    let topic = world.topic("notices");
    let pinned = format!("{}/shop/web@{}", world.place().registry(), push.digest);
    for side in ["ECS first", "ECR first"] {
        let ecr = json!({"repositoryName": "shop/web", "imageIds": [{"imageTag": "1.5.0"}]});
        let ecs = json!({"cluster": "prod", "services": ["web"]});
        if side == "ECS first" {
            answered(call(&world, "ECS.DescribeServices", ecs).await);
            answered(call(&world, "ECR.DescribeImages", ecr).await);
        } else {
            answered(call(&world, "ECR.DescribeImages", ecr).await);
            answered(call(&world, "ECS.DescribeServices", ecs).await);
        }
        answered(call(&world, "ECS.DescribeTaskDefinition", json!({"taskDefinition": "web:1"})).await);
        answered(call(&world, "ECS.RegisterTaskDefinition", web(&pinned)).await);
        let request = json!({"cluster": "prod", "service": "web", "taskDefinition": "web:2"});
        answered(call(&world, "ECS.UpdateService", request).await);
        let fields = [
            ("TopicArn", topic.as_str()),
            ("Subject", "prod/web: 1.5.0"),
            ("Message", "hello"),
            ("MessageAttributes.entry.1.Name", "kind"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", "started"),
        ];
        assert_eq!(publish(&world, &fields).await.0, 200);
        insta::allow_duplicates! {
            insta::assert_snapshot!(world.transcript(), @r#"
            ECR.DescribeImages shop/web tag=1.5.0
            ECS.DescribeServices prod/web
            ECS.DescribeTaskDefinition web:1
            ECS.RegisterTaskDefinition web (web → …@sha256:63a2bcf3a415…)
            ECS.UpdateService prod/web taskDefinition=web:2
            SNS.Publish started "prod/web: 1.5.0"
            "#);
        }
    }
    assert!(world.calls().iter().all(|call| call.caller.as_deref() == Some("deploy")));
    assert_eq!(world.notices().len(), 2);
    world.finish();
}

#[tokio::test]
async fn an_observation_after_an_update_shows() {
    let world = with_web().await;
    let look = json!({"cluster": "prod", "services": ["web"]});
    let update = json!({"cluster": "prod", "service": "web", "forceNewDeployment": true});
    answered(call(&world, "ECS.DescribeServices", look.clone()).await);
    answered(call(&world, "ECS.UpdateService", update).await);
    answered(call(&world, "ECS.DescribeServices", look).await);
    insta::assert_snapshot!(world.transcript(), @r"
    ECS.DescribeServices prod/web
    ECS.UpdateService prod/web forceNewDeployment=true
    ECS.DescribeServices prod/web
    ");
    world.finish();
}

#[tokio::test]
#[should_panic(expected = "no scenario claims this write: ECS.UpdateService prod/web forceNewDeployment=true")]
async fn a_write_that_nobody_read_fails_the_scenario() {
    let world = with_web().await;
    answered(
        call(&world, "ECS.UpdateService", json!({"cluster": "prod", "service": "web", "forceNewDeployment": true}))
            .await,
    );
    world.finish();
}

#[tokio::test]
#[should_panic(expected = "ECS.DescribeServices request: servces is no member of DescribeServicesRequest")]
async fn a_member_that_aws_does_not_know_fails_the_scenario_also_when_it_only_ends() {
    let world = with_web().await;
    let request = json!({"cluster": "prod", "services": ["web"], "servces": ["web"]});
    answered(call(&world, "ECS.DescribeServices", request).await);
    drop(world);
}

#[tokio::test]
#[should_panic(expected = "Kinesis.PutRecord: World alone doesn't know this call")]
async fn a_call_that_world_alone_does_not_know_fails_the_scenario() {
    let world = alone().await;
    let request = hyper::Request::post(world.url()).header("x-amz-target", "Kinesis_20131202.PutRecord");
    let _ = super::send(request.body(http_body_util::Full::default()).unwrap()).await;
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn the_longest_chain_counts_what_waits_for_each_other() {
    let world = with_web().await;
    world.set_latency(Duration::from_millis(20));
    let look = || call(&world, "ECS.DescribeServices", json!({"cluster": "prod", "services": ["web"]}));
    tokio::join!(look(), look(), look());
    assert_eq!(longest_chain(&world.take_calls()), 1);
    look().await;
    look().await;
    assert_eq!(longest_chain(&world.take_calls()), 2);
    world.finish();
}
