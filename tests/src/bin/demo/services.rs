//! The services of the demo, and their task definitions.

use e2e::stage::ROLES;
use serde_json::{Value, json};

/// What CreateService is asked for, with members of its own.
pub(crate) fn service_of(name: &str, own: &Value) -> Value {
    let mut service = json!({
        "cluster": "prod", "serviceName": name, "taskDefinition": name, "desiredCount": 2, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1b2c3d"] } }
    });
    for (member, value) in own.as_object().into_iter().flatten() {
        service[member] = value.clone();
    }
    service
}

pub(crate) fn balancers(name: &str) -> Value {
    let group = format!("targetgroup/{name}-blue/6d0ecf831eec9f09");
    let arn = format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:{group}");
    json!([{ "targetGroupArn": arn, "containerName": name, "containerPort": 8080 }])
}

pub(crate) fn of_one_container(name: &str) -> Value {
    json!({
        "family": name, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": ROLES[0],
        "containerDefinitions": [{
            "name": name,
            "image": format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/{name}:1.4.2"),
            "essential": true,
            "portMappings": [{ "containerPort": 8080, "protocol": "tcp" }]
        }]
    })
}

pub(crate) fn api() -> Value {
    json!({
        "family": "api", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": ROLES[0],
        "containerDefinitions": [{
            "name": "api",
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/api:1.4.2",
            "essential": true,
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/api", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "api"
            }}
        }]
    })
}

pub(crate) fn web() -> Value {
    json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": ROLES[0], "taskRoleArn": ROLES[1],
        "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" },
        "containerDefinitions": [{
            "name": "web",
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4.2",
            "essential": true,
            "portMappings": [{ "containerPort": 8080, "protocol": "tcp" }],
            "environment": [{ "name": "DATABASE_HOST", "value": "db.internal" }],
            "secrets": [{ "name": "DATABASE_PASSWORD", "valueFrom": "/shop/web/database-password" }]
        }],
        "tags": [{ "key": "team", "value": "shop" }]
    })
}

pub(crate) fn store() -> Value {
    let of_store = |name: &str, command: Value| {
        json!({
            "name": name,
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/store:1.4.2",
            "essential": true,
            "command": command,
            "dependsOn": [{ "containerName": "log-router", "condition": "START" }],
            "logConfiguration": { "logDriver": "awsfirelens", "options": { "Name": "cloudwatch", "region": "eu-west-1" } }
        })
    };
    json!({
        "family": "store", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024",
        "executionRoleArn": ROLES[0], "taskRoleArn": ROLES[1],
        "containerDefinitions": [
            of_store("web", json!(["bundle", "exec", "puma"])),
            of_store("sidekiq", json!(["bundle", "exec", "sidekiq"])),
            {
                "name": "log-router",
                "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable",
                "essential": true,
                "firelensConfiguration": { "type": "fluentbit" }
            }
        ]
    })
}
