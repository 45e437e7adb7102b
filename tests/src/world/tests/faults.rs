//! Faults, met by the real SDK: its retries, its errors, and what took effect.

use std::time::{Duration, Instant};

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ecs::error::ProvideErrorMetadata;

use super::with_web;
use crate::world::{Fault, Refusal, World};

fn client(world: &World, attempts: u32) -> aws_sdk_ecs::Client {
    let retry = RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_millis(1));
    aws_sdk_ecs::Client::from_conf(
        aws_sdk_ecs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("track", "secret", None, None, "test"))
            .endpoint_url(world.url())
            .http_client(slipway_aws::https::client())
            .retry_config(retry)
            .build(),
    )
}

async fn update(client: &aws_sdk_ecs::Client) -> Result<(), aws_sdk_ecs::Error> {
    client.update_service().cluster("prod").service("web").force_new_deployment(true).send().await?;
    Ok(())
}

#[tokio::test]
async fn throttled_calls_and_broken_ones_are_tried_again() {
    let world = with_web().await;
    world.fault("ECS.UpdateService", 1, Fault::Throttle);
    world.fault("ECS.UpdateService prod/web", 1, Fault::Break);
    update(&client(&world, 3)).await.unwrap();
    assert_eq!(world.take_events().len(), 1);
    insta::assert_snapshot!(world.transcript(), @r"
    ECS.UpdateService prod/web forceNewDeployment=true ⇒ ThrottlingException
    ECS.UpdateService prod/web forceNewDeployment=true ⇒ ServerException
    ECS.UpdateService prod/web forceNewDeployment=true
    ");
    assert!(world.calls().iter().all(|call| call.caller.as_deref() == Some("track")));
    world.finish();
}

#[tokio::test]
async fn a_connection_is_cut_before_or_after_the_call_took_effect() {
    for (fault, events) in [(Fault::CutBefore, 0), (Fault::CutAfter, 1)] {
        let world = with_web().await;
        world.fault("ECS.UpdateService", 1, fault);
        let error =
            client(&world, 1).update_service().cluster("prod").service("web").force_new_deployment(true).send().await;
        assert!(matches!(error, Err(aws_sdk_ecs::error::SdkError::DispatchFailure(_))), "{error:?}");
        assert_eq!(world.take_events().len(), events);
        assert_eq!(world.take_calls().len(), 1);
        world.finish();
    }
}

#[tokio::test]
async fn a_refusal_can_be_ordered_for_every_call_until_it_is_healed() {
    let world = with_web().await;
    let denied = Refusal::new("AccessDeniedException", "User is not authorized to perform: iam:PassRole");
    world.fault_each("ECS.UpdateService prod/web", Fault::Refuse(denied));
    for _ in 0..2 {
        assert_eq!(update(&client(&world, 3)).await.unwrap_err().code(), Some("AccessDeniedException"));
    }
    world.heal("ECS.UpdateService prod/web");
    update(&client(&world, 3)).await.unwrap();
    assert_eq!(world.take_calls().len(), 3);
    world.finish();
}

#[tokio::test]
async fn a_late_answer_took_effect_long_before() {
    let world = with_web().await;
    world.fault("ECS.UpdateService", 1, Fault::Late(Duration::from_millis(60)));
    let started = Instant::now();
    update(&client(&world, 1)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(60));
    world.transcript();
    world.finish();
}

#[tokio::test]
#[should_panic(expected = "no call met the fault Throttle planned for ECS.UpdateService")]
async fn a_fault_that_no_call_met_fails_the_scenario() {
    let world = with_web().await;
    world.fault("ECS.UpdateService", 1, Fault::Throttle);
    world.finish();
}
