//! The AppSpec of a deployment to ECS: what to run, behind which container and port, and which hooks to call.
//!
//! CodeDeploy takes JSON and YAML. The fake reads JSON, which is what Slipway writes; of somebody else's deployment a test says
//! what it runs.

use serde_json::{Value, json};

use crate::refusal::{Members, Refusal, objects};

use super::refused;

/// The hooks that an AppSpec for ECS may have, in their order.
pub(super) const HOOKS: [&str; 5] =
    ["BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"];

/// What an AppSpec says.
#[derive(Clone, Debug, Default)]
pub(super) struct AppSpec {
    pub(super) task_definition: String,
    pub(super) container: String,
    pub(super) port: i64,
    /// What the task set shall have of its own, in ECS's words.
    pub(super) settings: Members,
    /// The lifecycle events that have a hook.
    pub(super) hooks: Vec<String>,
}

impl AppSpec {
    /// Reads an AppSpec in JSON. Keys are case-sensitive, as CodeDeploy's are.
    pub(super) fn parse(content: &str) -> Result<Self, Refusal> {
        let spec: Value = serde_json::from_str(content)
            .map_err(|error| invalid(format!("The AppSpec is no JSON, and the fake reads nothing else: {error}")))?;
        let members = spec.as_object().ok_or_else(|| invalid("The AppSpec is no object."))?;
        if spec["version"].as_f64() != Some(0.0) {
            return Err(invalid("The AppSpec's version is not 0.0."));
        }
        let [resource] = objects(members, "Resources")[..] else {
            return Err(invalid("The AppSpec needs exactly one target service in its Resources."));
        };
        let service = &resource["TargetService"];
        if service["Type"] != "AWS::ECS::Service" {
            return Err(invalid("The AppSpec's target service is no AWS::ECS::Service."));
        }
        let properties = &service["Properties"];
        let load_balancer = &properties["LoadBalancerInfo"];
        let text = |value: &Value, name: &str| {
            let text = value[name].as_str().filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| invalid(format!("The AppSpec lacks {name}.")))
        };
        let port = load_balancer["ContainerPort"].as_i64();
        Ok(Self {
            task_definition: text(properties, "TaskDefinition")?,
            container: text(load_balancer, "ContainerName")?,
            port: port.ok_or_else(|| invalid("The AppSpec's ContainerPort is no number."))?,
            settings: settings(properties)?,
            hooks: hooks(members)?,
        })
    }
}

/// Platform version, network and capacity providers, in ECS's words.
fn settings(properties: &Value) -> Result<Members, Refusal> {
    // Without one it is the latest.
    let platform = properties["PlatformVersion"].as_str().unwrap_or("LATEST");
    let mut settings = Members::from_iter([("platformVersion".to_owned(), json!(platform))]);
    if let Some(network) = properties["NetworkConfiguration"].as_object() {
        let network = network.get("AwsvpcConfiguration").unwrap_or(&Value::Null);
        let members = ["Subnets", "SecurityGroups", "AssignPublicIp"];
        if members.iter().any(|member| network[member].is_null()) {
            return Err(invalid("The AppSpec's AwsvpcConfiguration needs Subnets, SecurityGroups and AssignPublicIp."));
        }
        let network = json!({ "awsvpcConfiguration": {
            "subnets": network["Subnets"],
            "securityGroups": network["SecurityGroups"],
            "assignPublicIp": network["AssignPublicIp"],
        }});
        settings.insert("networkConfiguration".to_owned(), network);
    }
    if let Some(strategy) = properties["CapacityProviderStrategy"].as_array() {
        let provider = |it: &Value| json!({ "capacityProvider": it["CapacityProvider"], "base": it["Base"], "weight": it["Weight"] });
        settings.insert("capacityProviderStrategy".to_owned(), strategy.iter().map(provider).collect());
    }
    Ok(settings)
}

fn hooks(members: &Members) -> Result<Vec<String>, Refusal> {
    let mut hooks = Vec::new();
    for (event, function) in objects(members, "Hooks").into_iter().flatten() {
        if !HOOKS.contains(&event.as_str()) || !function.is_string() {
            return Err(invalid(format!("The AppSpec's hook {event} is none of an ECS deployment.")));
        }
        hooks.push(event.clone());
    }
    Ok(hooks)
}

fn invalid(message: impl Into<String>) -> Refusal {
    refused("InvalidRevision", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Value {
        json!({ "version": 0.0, "Resources": [{ "TargetService": { "Type": "AWS::ECS::Service", "Properties": {
            "TaskDefinition": "web:2", "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 80 },
        }}}]})
    }

    const PROPERTIES: &str = "/Resources/0/TargetService/Properties";

    #[test]
    fn an_app_spec_is_read() {
        let mut with_all = spec();
        with_all["Hooks"] = json!([{ "BeforeInstall": "check" }, { "AfterAllowTraffic": "arn" }]);
        let properties = with_all.pointer_mut(PROPERTIES).unwrap();
        properties["PlatformVersion"] = json!("1.3.0");
        properties["NetworkConfiguration"] = json!({ "AwsvpcConfiguration": {
            "Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"], "AssignPublicIp": "DISABLED",
        }});
        properties["CapacityProviderStrategy"] =
            json!([{ "CapacityProvider": "FARGATE_SPOT", "Base": 1, "Weight": 2 }]);
        let read = AppSpec::parse(&with_all.to_string()).unwrap();
        assert_eq!((read.task_definition.as_str(), read.container.as_str(), read.port), ("web:2", "web", 80));
        assert_eq!(read.hooks, ["BeforeInstall", "AfterAllowTraffic"]);
        assert_eq!(
            Value::Object(read.settings),
            json!({
                "platformVersion": "1.3.0",
                "networkConfiguration": { "awsvpcConfiguration": {
                    "subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED",
                }},
                "capacityProviderStrategy": [{ "capacityProvider": "FARGATE_SPOT", "base": 1, "weight": 2 }],
            })
        );
        let plain = AppSpec::parse(&spec().to_string()).unwrap();
        assert_eq!(Value::Object(plain.settings), json!({ "platformVersion": "LATEST" }));
    }

    #[test]
    fn what_code_deploy_cannot_use_is_refused() {
        let check = |pointer: &str, value: Value, message: &str| {
            let mut spec = spec();
            spec["Hooks"] = json!([{ "BeforeInstall": "check" }]);
            *spec.pointer_mut(pointer).unwrap() = value;
            let refusal = AppSpec::parse(&spec.to_string()).unwrap_err();
            assert_eq!(refusal.code, "InvalidRevisionException");
            assert!(refusal.message.contains(message), "{}", refusal.message);
        };
        let network = |network: Value| {
            json!({ "TaskDefinition": "a", "LoadBalancerInfo": { "ContainerName": "a", "ContainerPort": 1 },
                "NetworkConfiguration": { "AwsvpcConfiguration": network }})
        };
        check("", json!([]), "no object");
        check("/version", json!("0.0"), "version");
        check("/Resources", json!([]), "exactly one");
        check("/Resources/0/TargetService/Type", json!("AWS::Lambda::Function"), "AWS::ECS::Service");
        check(&format!("{PROPERTIES}/TaskDefinition"), json!(""), "lacks TaskDefinition");
        check(&format!("{PROPERTIES}/LoadBalancerInfo"), json!({ "containerName": "web" }), "lacks ContainerName");
        check(&format!("{PROPERTIES}/LoadBalancerInfo/ContainerPort"), json!("80"), "no number");
        check(PROPERTIES, network(json!({ "Subnets": ["a"] })), "SecurityGroups");
        check("/Hooks/0", json!({ "AfterDeploy": "a" }), "AfterDeploy");
        assert!(AppSpec::parse("version: 0.0").unwrap_err().message.contains("no JSON"));
    }
}
