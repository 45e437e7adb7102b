//! One-time schedules, and the logs of containers.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{alone, answered, call, send};
use crate::world::{Failure, Fault, World};

async fn ask(world: &World, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = hyper::Request::builder()
        .method(method)
        .uri(format!("{}/schedules/{path}", world.url()))
        .header("content-type", "application/json")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=deploy/20261121/eu-west-1/scheduler/aws4_request, x")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let (status, body) = send(request).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

fn schedule(at: &str) -> Value {
    json!({
        "GroupName": "slipway", "ScheduleExpression": format!("at({at})"), "FlexibleTimeWindow": { "Mode": "OFF" },
        "ActionAfterCompletion": "DELETE", "ClientToken": "a",
        "Target": {
            "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:slipway-track",
            "RoleArn": "arn:aws:iam::123456789012:role/slipway-schedules",
            "Input": r#"{"slipway":"deadline","target":"prod/web","number":7}"#,
        },
    })
}

#[tokio::test]
async fn a_schedule_is_armed_once_and_fires_once() {
    let world = alone().await;
    world.schedule_group("slipway");
    let at = "2026-11-21T12:30:00";
    let (status, answer) = ask(&world, "POST", "deadline-0123-7", schedule(at)).await;
    assert_eq!(
        (status, answer["ScheduleArn"].as_str().unwrap()),
        (200, "arn:aws:scheduler:eu-west-1:123456789012:schedule/slipway/deadline-0123-7")
    );
    assert_eq!(ask(&world, "POST", "deadline-0123-7", schedule(at)).await.0, 409);
    let found = ask(&world, "GET", "deadline-0123-7?groupName=slipway", Value::Null).await.1;
    assert_eq!(found["ScheduleExpression"], "at(2026-11-21T12:30:00)");

    assert_eq!(world.schedules().len(), 1);
    assert_eq!(world.due(), []);
    world.advance(Duration::from_secs(1800));
    let [due] = <[_; 1]>::try_from(world.due()).unwrap();
    assert_eq!((due.name.as_str(), due.function()), ("deadline-0123-7", "slipway-track"));
    assert_eq!(due.input, json!({ "slipway": "deadline", "target": "prod/web", "number": 7 }));
    assert_eq!((world.due(), world.schedules()), (vec![], vec![]));

    assert_eq!(ask(&world, "DELETE", "deadline-0123-7?groupName=slipway", Value::Null).await.0, 404);
    let (status, past) = ask(&world, "POST", "late", schedule(at)).await;
    assert_eq!((status, past["ScheduleArn"].is_string()), (200, true), "now is not past");
    world.advance(Duration::from_secs(1));
    assert_eq!(ask(&world, "POST", "past", schedule(at)).await.0, 400);
    assert_eq!(ask(&world, "DELETE", "late?groupName=slipway", Value::Null).await, (200, json!({})));
    let reported = world.transcript();
    let armed = "Scheduler.CreateSchedule prod/web deadline 7 at(2026-11-21T12:30:00) → slipway-track";
    assert!(reported.contains(&format!("{armed}\n")), "{reported}");
    assert!(reported.contains(&format!("{armed} ⇒ ConflictException")), "{reported}");
    assert!(reported.contains("Scheduler.DeleteSchedule late\n"), "{reported}");
    world.finish();
}

#[tokio::test]
async fn faults_of_the_scheduler_look_like_its_own() {
    let world = alone().await;
    world.schedule_group("slipway");
    for (fault, expected) in [(Fault::Throttle, 429), (Fault::Break, 500)] {
        world.fault("Scheduler.CreateSchedule prod/web", 1, fault);
        assert_eq!(ask(&world, "POST", "a", schedule("2026-11-21T12:30:00")).await.0, expected);
    }
    assert_eq!(world.schedules(), []);
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn containers_leave_their_last_words() {
    let world = alone().await;
    let mut web = super::web("nginx:1");
    web["containerDefinitions"][0]["logConfiguration"] = json!({
        "logDriver": "awslogs",
        "options": { "awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web" },
    });
    world.register(web);
    world.running_service(json!({"cluster": "prod", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2}));
    world.last_words(["one", "two", "three"]);
    let moved = world.stop_tasks("prod", "web", Failure::Exits { code: 3 }, 1);
    let detail = moved.event()["detail"].clone();
    assert_eq!((&detail["stopCode"], &detail["group"]), (&json!("EssentialContainerExited"), &json!("service:web")));
    assert_eq!(detail["containers"][0]["exitCode"], 3);
    assert_eq!(detail["stoppedAt"], "2026-11-21T12:00:01.000Z");
    let id = detail["taskArn"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let asked = json!({
        "logGroupName": "/ecs/web", "logStreamName": format!("web/web/{id}"), "limit": 2, "startFromHead": false,
    });
    let answer = answered(call(&world, "Logs.GetLogEvents", asked).await);
    let lines: Vec<&str> =
        answer["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect();
    assert_eq!(lines, ["two", "three"]);
    let missing = json!({ "logGroupName": "/ecs/other", "logStreamName": "a" });
    assert_eq!(call(&world, "Logs.GetLogEvents", missing).await.1["__type"], "ResourceNotFoundException");
    world.finish();
}
