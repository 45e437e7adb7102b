//! The worlds that are measured: so many services in one cluster, and the document that names them.

use serde_json::{Value, json};

use super::runtime_api::Invocation;
use crate::emulator::models;
use crate::world::{Image, World};

/// The topic of the notices.
pub const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:slipway-notices";

/// Where the document is: in S3, because a hundred targets are more than a parameter holds.
pub const DOCUMENT: &str = "s3://slipway-config/slipway.yaml";

/// Whether services run revisions of the same task definition family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// All of them run one.
    Shared,
    /// Each has its own.
    Own,
}

/// A world with so many services that run `shop/web`, and one, `prod/warm`, that runs `shop/warm`.
pub async fn world(services: usize, families: Families) -> World {
    let world = World::alone(models()).start().await;
    world.topic("slipway-notices");
    let family = |number: usize| match families {
        Families::Shared => "web".to_owned(),
        Families::Own => format!("web-{number}"),
    };
    let mut targets = vec![target("shop/warm", "warm")];
    world.push("shop/web", ["1.4.2"], &Image::single("web 1.4.2"));
    world.push("shop/warm", ["1.4.2"], &Image::single("warm 1.4.2"));
    world.register(definition("warm", "shop/warm"));
    world.running_service(service("warm", "warm"));
    for number in 1..=services {
        let family = family(number);
        if families == Families::Own || number == 1 {
            world.register(definition(&family, "shop/web"));
        }
        let name = format!("web-{number}");
        world.running_service(service(&name, &family));
        targets.push(target("shop/web", &name));
    }
    let document = json!({ "version": 1, "targets": targets }).to_string();
    world.object("slipway-config", "slipway.yaml", document);
    world.parameter("/slipway/config", &json!({ "version": 1, "targets": &targets[..2] }).to_string());
    world.take_calls();
    world
}

/// The push of `1.5.0` to a repository of [`world`], as Lambda hands it out.
pub fn push(world: &World, repository: &str) -> Invocation {
    let push = world.push(repository, ["1.5.0"], &Image::single(&format!("{repository} 1.5.0")));
    Invocation {
        id: format!("00000000-0000-4000-8000-{:012}", world.calls().len()),
        payload: push.event(),
        time: std::time::Duration::from_secs(300),
    }
}

fn target(repository: &str, service: &str) -> Value {
    json!({ "repository": repository, "cluster": "prod", "service": service, "tags": { "semver": "*" } })
}

fn definition(family: &str, repository: &str) -> Value {
    json!({
        "family": family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/web-execution",
        "containerDefinitions": [{
            "name": "web",
            "image": format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{repository}:1.4.2"),
            "essential": true,
            "portMappings": [{ "containerPort": 8080, "protocol": "tcp" }],
            "environment": [{ "name": "LOG_LEVEL", "value": "info" }],
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web" } }
        }]
    })
}

fn service(name: &str, family: &str) -> Value {
    json!({
        "cluster": "prod",
        "serviceName": name,
        "taskDefinition": family,
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1b2c3d"] } }
    })
}

/// What the template makes for the functions, made in World, and the variables that name it.
pub(crate) fn names(world: &World) -> Vec<(&'static str, String)> {
    world.table("slipway");
    world.schedule_group("slipway");
    let function = |name: &str| world.place().arn("lambda", &format!("function:slipway-{name}"));
    vec![
        ("SLIPWAY_TABLE", "slipway".to_owned()),
        ("SLIPWAY_SCHEDULE_GROUP", "slipway".to_owned()),
        ("SLIPWAY_SCHEDULE_ROLE_ARN", "arn:aws:iam::123456789012:role/slipway-schedules".to_owned()),
        ("SLIPWAY_SCHEDULE_DLQ_ARN", world.place().arn("sqs", "slipway-schedules-undelivered")),
        ("SLIPWAY_DEPLOY_ARN", function("deploy")),
    ]
}
