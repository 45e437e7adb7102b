//! Tests of World itself, over HTTP: a scenario relies only on what is tested here.

mod codedeploy;
mod ecr;
mod ecs;
mod faults;
mod ledger;
mod recording;
mod rollouts;
mod schedules;
mod small_services;

use std::path::PathBuf;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::World;

/// botocore's models.
pub(crate) fn models() -> super::Models {
    super::Models::at(directory())
}

/// Where botocore's models are.
fn directory() -> PathBuf {
    crate::emulator::models()
}

async fn alone() -> World {
    World::alone(directory()).start().await
}

/// A world in which `prod/web` has been running `web:1` for long.
async fn with_web() -> World {
    let world = alone().await;
    world.register(web("nginx:1"));
    world.running_service(json!({"cluster": "prod", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2}));
    world
}

fn web(image: &str) -> Value {
    json!({
        "family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "web", "image": image, "portMappings": [{"containerPort": 80}]}],
    })
}

/// Sends a call of a JSON service; the status and the body.
async fn call(world: &World, call: &str, request: Value) -> (u16, Value) {
    call_in(world, "eu-west-1", call, request).await
}

/// Sends a call of a JSON service that is signed for this region.
async fn call_in(world: &World, region: &str, call: &str, request: Value) -> (u16, Value) {
    let (service, operation) = call.split_once('.').unwrap();
    let prefix = match service {
        "ECS" => "AmazonEC2ContainerServiceV20141113",
        "ECR" => "AmazonEC2ContainerRegistry_V20150921",
        "CodeDeploy" => "CodeDeploy_20141006",
        "SSM" => "AmazonSSM",
        "DynamoDB" => "DynamoDB_20120810",
        "Logs" => "Logs_20140328",
        other => other,
    };
    let (status, body) = send(
        hyper::Request::post(world.url())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("{prefix}.{operation}"))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential=deploy/20261121/{region}/any/aws4_request, x"),
            )
            .body(Full::new(Bytes::from(request.to_string())))
            .unwrap(),
    )
    .await
    .unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Sends a form to SNS; the status and the body.
async fn publish(world: &World, fields: &[(&str, &str)]) -> (u16, String) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", "Publish").append_pair("Version", "2010-03-31").extend_pairs(fields);
    let (status, body) = send(
        hyper::Request::post(world.url())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=deploy/20261121/eu-west-1/sns/aws4_request, x")
            .body(Full::new(Bytes::from(form.finish())))
            .unwrap(),
    )
    .await
    .unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn send(request: hyper::Request<Full<Bytes>>) -> Result<(u16, Bytes), hyper_util::client::legacy::Error> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Ok((status, body))
}

/// The call is refused with this code and this sentence.
#[track_caller]
fn refused((status, body): (u16, Value), code: &str, message: &str) {
    assert_eq!((status, &body["__type"], &body["message"]), (400, &json!(code), &json!(message)));
}

/// The call is answered.
#[track_caller]
fn answered((status, body): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{body}");
    body
}
