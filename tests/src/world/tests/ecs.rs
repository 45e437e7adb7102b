//! Task definitions and services: what ECS keeps, adds, refuses and doesn't do.

use serde_json::{Value, json};

use super::{alone, answered, call, refused, web, with_web};
use crate::world::World;

#[tokio::test]
async fn a_task_definition_keeps_every_field_and_gets_ecs_own_members_and_defaults() {
    let world = World::alone(super::directory()).allow_invented(["quantumMode"]).start().await;
    let mut definition = web("nginx");
    definition["quantumMode"] = json!({"deep": [1, {"more": 1.50}]});
    definition["containerDefinitions"][0]["quantumMode"] = json!("on");
    definition["containerDefinitions"][0]["command"] = json!(["a", "", "b"]);
    definition["tags"] = json!([{"key": "team", "value": "shop"}]);
    answered(call(&world, "ECS.RegisterTaskDefinition", definition.clone()).await);

    let plain = answered(call(&world, "ECS.DescribeTaskDefinition", json!({"taskDefinition": "web:1"})).await);
    let kept = &plain["taskDefinition"];
    assert_eq!(plain.get("tags"), None);
    assert_eq!(kept["quantumMode"], definition["quantumMode"]);
    let container = &kept["containerDefinitions"][0];
    assert_eq!((&container["quantumMode"], &container["command"]), (&json!("on"), &json!(["a", "", "b"])));
    assert_eq!(
        (&container["cpu"], &container["environment"], &container["essential"]),
        (&json!(0), &json!([]), &json!(true))
    );
    assert_eq!(container["portMappings"], json!([{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]));
    assert_eq!(kept["taskDefinitionArn"], "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1");
    assert_eq!((&kept["revision"], &kept["status"]), (&json!(1), &json!("ACTIVE")));
    assert_eq!(kept["compatibilities"], json!(["EC2", "FARGATE"]));

    let request = json!({"taskDefinition": "web", "include": ["TAGS"]});
    let tagged = answered(call(&world, "ECS.DescribeTaskDefinition", request).await);
    assert_eq!(tagged["tags"], definition["tags"]);
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn registering_counts_revisions_and_refuses_what_ecs_refuses() {
    let world = alone().await;
    assert!(world.register(web("nginx")).ends_with(":task-definition/web:1"));
    assert!(world.register(web("nginx")).ends_with(":task-definition/web:2"));

    let refuse = async |change: fn(&mut Value), message: &str| {
        let mut definition = web("nginx");
        change(&mut definition);
        refused(call(&world, "ECS.RegisterTaskDefinition", definition).await, "ClientException", message);
    };
    refuse(|d| d["family"] = json!("we b"), "Family contains invalid characters.").await;
    refuse(
        |d| d["containerDefinitions"][0]["image"] = json!("shop/web@sha256:abc"),
        "Container.image contains invalid characters.",
    )
    .await;
    refuse(
        |d| {
            let again = d["containerDefinitions"][0].clone();
            d["containerDefinitions"].as_array_mut().unwrap().push(again);
        },
        "Container names must be unique. 'web' is used twice.",
    )
    .await;
    refuse(
        |d| {
            d["containerDefinitions"][0]["environment"] = json!([{"name": "A", "value": "1"}]);
            d["containerDefinitions"][0]["secrets"] = json!([{"name": "A", "valueFrom": "arn"}]);
        },
        "The secret name must be unique and not shared with any new or existing environment variables set on the \
         container, such as 'A'.",
    )
    .await;
    world.transcript();
    world.finish();
}

#[tokio::test]
#[should_panic(expected = "tags has 51 entries, and 0 to 50 are allowed")]
async fn the_fifty_first_tag_fails_the_scenario() {
    let world = alone().await;
    let mut definition = web("nginx");
    definition["tags"] = (0..51).map(|n| json!({"key": format!("k{n}"), "value": ""})).collect();
    let _ = world.try_by_hand("ECS.RegisterTaskDefinition", definition);
    world.finish();
}

#[tokio::test]
async fn a_family_means_its_latest_active_revision() {
    let world = alone().await;
    world.register(web("nginx:1"));
    let second = world.register(web("nginx:2"));
    world.by_hand("ECS.DeregisterTaskDefinition", json!({"taskDefinition": second}));
    let describe =
        async |named: &str| call(&world, "ECS.DescribeTaskDefinition", json!({"taskDefinition": named})).await;
    assert_eq!(answered(describe("web").await)["taskDefinition"]["revision"], 1);
    assert_eq!(answered(describe(&second).await)["taskDefinition"]["status"], "INACTIVE");
    refused(describe("web:3").await, "ClientException", "Unable to describe task definition.");
    refused(describe("none").await, "ClientException", "Unable to describe task definition.");
    let listed = answered(call(&world, "ECS.ListTaskDefinitions", json!({"familyPrefix": "web"})).await);
    assert_eq!(listed["taskDefinitionArns"].as_array().unwrap().len(), 1);
    world.finish();
}

#[tokio::test]
async fn an_update_begins_one_deployment_and_the_same_again_none() {
    let world = with_web().await;
    let second = world.register(web("nginx:2"));
    let request = json!({"cluster": "prod", "service": "web", "taskDefinition": second});
    let service = answered(call(&world, "ECS.UpdateService", request.clone()).await)["service"].clone();
    assert_eq!(service["taskDefinition"], json!(second));
    let deployments = service["deployments"].as_array().unwrap();
    let states: Vec<_> = deployments.iter().map(|d| (d["status"].as_str(), d["rolloutState"].as_str())).collect();
    assert_eq!(states, [(Some("PRIMARY"), Some("IN_PROGRESS")), (Some("ACTIVE"), Some("COMPLETED"))]);
    assert_eq!(world.take_events()[0]["detail"]["deploymentId"], deployments[0]["id"]);

    let again = answered(call(&world, "ECS.UpdateService", request.clone()).await);
    assert_eq!(again["service"]["deployments"].as_array().unwrap().len(), 2);
    assert_eq!(world.take_events(), [] as [Value; 0]);

    let mut forced = request;
    forced["forceNewDeployment"] = json!(true);
    let forced = answered(call(&world, "ECS.UpdateService", forced).await);
    assert_eq!(forced["service"]["deployments"].as_array().unwrap().len(), 3);
    assert_eq!(world.take_events().len(), 1);
    world.expect_writes([
        "ECS.UpdateService prod/web taskDefinition=web:2",
        "ECS.UpdateService prod/web taskDefinition=web:2",
        "ECS.UpdateService prod/web taskDefinition=web:2 forceNewDeployment=true",
    ]);
    world.finish();
}

#[tokio::test]
async fn an_update_is_refused_in_ecs_own_words() {
    let world = with_web().await;
    let old = world.register(web("nginx:2"));
    world.by_hand("ECS.DeregisterTaskDefinition", json!({"taskDefinition": old}));
    let by_codedeploy = json!({"type": "CODE_DEPLOY"});
    world.running_service(json!({
        "cluster": "prod", "serviceName": "bluegreen", "taskDefinition": "web", "deploymentController": by_codedeploy,
    }));
    let external = json!({"type": "EXTERNAL"});
    world.running_service(json!({"cluster": "prod", "serviceName": "sets", "deploymentController": external}));
    let update = async |request: Value| call(&world, "ECS.UpdateService", request).await;
    let refuse = async |request: Value, code: &str, message: &str| refused(update(request).await, code, message);
    refuse(
        json!({"cluster": "prod", "service": "web", "taskDefinition": "web:9"}),
        "ClientException",
        "TaskDefinition not found.",
    )
    .await;
    refuse(
        json!({"cluster": "prod", "service": "web", "taskDefinition": old}),
        "ClientException",
        "TaskDefinition is inactive",
    )
    .await;
    refuse(json!({"cluster": "prod", "service": "no"}), "ServiceNotFoundException", "Service not found.").await;
    refuse(json!({"cluster": "no", "service": "web"}), "ClusterNotFoundException", "Cluster not found.").await;
    refuse(
        json!({"cluster": "prod", "service": "bluegreen", "taskDefinition": "web:1"}),
        "InvalidParameterException",
        "Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to \
         trigger a new deployment.",
    )
    .await;
    refuse(
        json!({"cluster": "prod", "service": "bluegreen", "forceNewDeployment": true}),
        "InvalidParameterException",
        "Cannot force a new deployment on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to \
         trigger a new deployment.",
    )
    .await;
    refuse(
        json!({"cluster": "prod", "service": "sets", "taskDefinition": "web:1"}),
        "InvalidParameterException",
        "Unable to update task definition on services with a EXTERNAL deployment controller. Use task sets to make a \
         new deployment.",
    )
    .await;
    world.by_hand("ECS.DeleteService", json!({"cluster": "prod", "service": "web", "force": true}));
    refuse(json!({"cluster": "prod", "service": "web"}), "ServiceNotActiveException", "Service was not ACTIVE.").await;
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn services_are_found_by_name_and_arn_and_missed_in_the_failures() {
    let world = with_web().await;
    let arn = "arn:aws:ecs:eu-west-1:123456789012:service/prod/web";
    let elsewhere = "arn:aws:ecs:eu-west-1:123456789012:service/test/web";
    let request = json!({"cluster": "prod", "services": ["web", arn, elsewhere, "none"], "include": ["TAGS"]});
    let found = answered(call(&world, "ECS.DescribeServices", request).await);
    let names: Vec<_> = found["services"].as_array().unwrap().iter().map(|s| s["serviceArn"].as_str()).collect();
    assert_eq!(names, [Some(arn), Some(arn)]);
    assert_eq!(
        found["failures"],
        json!([
            {"arn": elsewhere, "reason": "MISSING"},
            {"arn": "arn:aws:ecs:eu-west-1:123456789012:service/prod/none", "reason": "MISSING"},
        ])
    );
    let service = &found["services"][0];
    assert_eq!((&service["runningCount"], &service["status"]), (&json!(2), &json!("ACTIVE")));
    assert_eq!(service.get("currentServiceDeployment"), None);
    let eleven: Vec<String> = (0..11).map(|n| format!("s{n}")).collect();
    refused(
        call(&world, "ECS.DescribeServices", json!({"cluster": "prod", "services": eleven})).await,
        "InvalidParameterException",
        "Services cannot have more than 10 elements.",
    );
    world.finish();
}

#[tokio::test]
async fn lists_of_services_have_pages() {
    let world = alone().await;
    world.register(web("nginx"));
    for number in 0..12 {
        world.running_service(json!({"cluster": "prod", "serviceName": format!("s{number}"), "taskDefinition": "web"}));
    }
    let first = answered(call(&world, "ECS.ListServices", json!({"cluster": "prod"})).await);
    assert_eq!(first["serviceArns"].as_array().unwrap().len(), 10);
    let request = json!({"cluster": "prod", "nextToken": first["nextToken"]});
    let second = answered(call(&world, "ECS.ListServices", request).await);
    assert_eq!((second["serviceArns"].as_array().unwrap().len(), second.get("nextToken")), (2, None));
    world.finish();
}
