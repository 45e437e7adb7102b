//! ECS Express Mode: ECS deploys and rolls back as it does anywhere, but takes only task definitions that fit its gateway.
//!
//! Source: the ECS API, UpdateExpressGatewayService, `taskDefinitionArn`.

use serde_json::Value;

use crate::model::facts::{Controller, Revision, ServiceFacts};

/// The container that Express Mode sends the traffic to.
const MAIN: &str = "Main";

/// Why a service cannot run a task definition because Express Mode manages it; `None` where it can.
pub(in crate::rules) fn unfit_for_express(service: &ServiceFacts, revision: &Revision) -> Option<String> {
    if service.controller != Controller::Express {
        return None;
    }
    let names = |member: &str| list(revision.definition.get(member)).iter().filter_map(Value::as_str);
    if !names("compatibilities").chain(names("requiresCompatibilities")).any(|it| it == "FARGATE") {
        return Some("it is not for FARGATE".to_owned());
    }
    let containers = list(revision.definition.get("containerDefinitions"));
    let name = |container: &Value| container["name"].as_str().unwrap_or_default().to_owned();
    let Some(main) = containers.iter().find(|container| container["name"] == MAIN) else {
        let others: Vec<String> = containers.iter().map(name).collect();
        return Some(format!("it has no container {MAIN} (it has {})", others.join(", ")));
    };
    let ports = list(main.get("portMappings"));
    // Without a protocol a port is TCP.
    let is_tcp = |port: &Value| port["protocol"].as_str().is_none_or(|protocol| protocol == "tcp");
    match ports {
        [port] if !is_tcp(port) => Some(format!("the port of its container {MAIN} is not TCP")),
        [port] if port["name"].as_str().is_none_or(str::is_empty) => {
            Some(format!("the port of its container {MAIN} has no name"))
        }
        [_] => None,
        ports => Some(format!("its container {MAIN} has {} port mappings, and not one", ports.len())),
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::situation::service;

    fn problem(definition: &Value) -> Option<String> {
        let revision = Revision {
            arn: crate::model::id::TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1"),
            definition: definition.as_object().cloned().unwrap_or_default(),
            tags: Vec::new(),
        };
        let express = ServiceFacts { controller: Controller::Express, ..service(Vec::new()) };
        assert_eq!(unfit_for_express(&service(Vec::new()), &revision), None, "any other service takes it");
        unfit_for_express(&express, &revision)
    }

    fn with_ports(ports: &Value) -> Value {
        let main = json!({ "name": "Main", "portMappings": ports });
        json!({ "compatibilities": ["EC2", "FARGATE"], "containerDefinitions": [{ "name": "log" }, main] })
    }

    #[test]
    fn it_takes_one_container_main_with_one_named_tcp_port_on_fargate() {
        let fits = with_ports(&json!([{ "containerPort": 8080, "name": "http", "protocol": "tcp" }]));
        assert_eq!(problem(&fits), None);
        assert_eq!(problem(&with_ports(&json!([{ "containerPort": 8080, "name": "http" }]))), None);
        let mut rendered = fits.clone();
        rendered["requiresCompatibilities"] = json!(["FARGATE"]);
        rendered["compatibilities"] = json!(null);
        assert_eq!(problem(&rendered), None);
    }

    #[test]
    fn it_says_what_does_not_fit() {
        let port = json!({ "containerPort": 8080, "name": "http", "protocol": "tcp" });
        let mut ec2 = with_ports(&json!([port]));
        ec2["compatibilities"] = json!(["EC2"]);
        let mut web = with_ports(&json!([port]));
        web["containerDefinitions"][1]["name"] = json!("main");
        for (definition, expected) in [
            (ec2, "it is not for FARGATE"),
            (web, "it has no container Main (it has log, main)"),
            (with_ports(&json!([])), "its container Main has 0 port mappings, and not one"),
            (with_ports(&json!(null)), "its container Main has 0 port mappings, and not one"),
            (with_ports(&json!([port, port])), "its container Main has 2 port mappings, and not one"),
            (
                with_ports(&json!([{ "containerPort": 53, "name": "dns", "protocol": "udp" }])),
                "the port of its container Main is not TCP",
            ),
            (with_ports(&json!([{ "containerPort": 8080 }])), "the port of its container Main has no name"),
            (with_ports(&json!([{ "containerPort": 8080, "name": "" }])), "the port of its container Main has no name"),
        ] {
            assert_eq!(problem(&definition).as_deref(), Some(expected));
        }
    }
}
