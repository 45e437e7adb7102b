//! The AppSpec by which CodeDeploy deploys to ECS: written for a new deployment, and read of what somebody else deployed.
//!
//! The form is that of the [AppSpec resources]; keys are case-sensitive.
//!
//! [AppSpec resources]: https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html

use serde_json::{Map, Value, json};

use crate::config::yaml;
use crate::model::facts::{Placement, ServiceFacts};
use crate::model::id::TaskDefinitionArn;
use crate::model::plan::CreateDeployment;

/// What is read of an AppSpec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppSpec {
    /// The task definition that it deploys.
    pub task_definition: Option<TaskDefinitionArn>,
    /// Its hooks, as they stand there: `[{"BeforeInstall": "function"}]`.
    pub hooks: Vec<Value>,
}

impl AppSpec {
    /// Reads JSON or YAML; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let read: Value = serde_json::from_str(text).ok().or_else(|| yaml::to_json(text))?;
        let resource = read.get("Resources")?.get(0)?.as_object()?.values().next()?;
        let named = resource.get("Properties").and_then(|it| it.get("TaskDefinition")).and_then(Value::as_str);
        let hooks = read.get("Hooks").and_then(Value::as_array).cloned().unwrap_or_default();
        Some(Self { task_definition: named.map(TaskDefinitionArn::new), hooks })
    }
}

/// Where the tasks run that serve now, and how they are reached.
pub fn serving_placement(service: &ServiceFacts) -> Placement {
    let serving = service.task_sets.iter().find(|set| set.status == "PRIMARY");
    serving.map(|set| set.placement.clone()).unwrap_or_default()
}

/// The AppSpec of a deployment of this revision, as JSON.
pub fn app_spec(it: &CreateDeployment, task_definition: &TaskDefinitionArn) -> String {
    let mut properties = Map::new();
    properties.insert("TaskDefinition".to_owned(), json!(task_definition));
    place(&mut properties, &it.placement);
    let target = json!({ "TargetService": { "Type": "AWS::ECS::Service", "Properties": properties } });
    let mut spec = json!({ "version": 0.0, "Resources": [target] });
    if !it.hooks.is_empty() {
        spec["Hooks"] = json!(it.hooks);
    }
    spec.to_string()
}

fn place(properties: &mut Map<String, Value>, placement: &Placement) {
    if let Some((container, port)) = &placement.load_balancer {
        let info = json!({ "ContainerName": container, "ContainerPort": port });
        properties.insert("LoadBalancerInfo".to_owned(), info);
    }
    if let Some(version) = &placement.platform_version {
        properties.insert("PlatformVersion".to_owned(), json!(version));
    }
    if let Some(network) = &placement.network {
        let settings = json!({
            "Subnets": network.subnets,
            "SecurityGroups": network.security_groups,
            "AssignPublicIp": network.assign_public_ip,
        });
        properties.insert("NetworkConfiguration".to_owned(), json!({ "AwsvpcConfiguration": settings }));
    }
    if !placement.capacity_providers.is_empty() {
        let strategy = placement
            .capacity_providers
            .iter()
            .map(|it| json!({ "Base": it.base, "CapacityProvider": it.name, "Weight": it.weight }));
        properties.insert("CapacityProviderStrategy".to_owned(), strategy.collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{CapacityProvider, GroupName, Network};
    use crate::rules::situation::arn;

    fn deployment(placement: Placement, hooks: &Value) -> CreateDeployment {
        let group = GroupName { application: "shop".to_owned(), group: "web".to_owned() };
        CreateDeployment { group, placement, hooks: hooks.as_array().unwrap().clone() }
    }

    fn everywhere() -> Placement {
        Placement {
            load_balancer: Some(("web".to_owned(), 8080)),
            network: Some(Network {
                subnets: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
                security_groups: vec!["sg-1".to_owned()],
                assign_public_ip: "DISABLED".to_owned(),
            }),
            platform_version: Some("1.4.0".to_owned()),
            capacity_providers: vec![CapacityProvider { name: "FARGATE_SPOT".to_owned(), base: 1, weight: 4 }],
        }
    }

    #[test]
    fn what_is_written_has_the_keys_of_aws() {
        #[track_caller]
        fn check(it: &CreateDeployment, properties: Value, hooks: Option<Value>) {
            let target = json!({ "TargetService": { "Type": "AWS::ECS::Service", "Properties": properties } });
            let mut expected = json!({ "version": 0.0, "Resources": [target] });
            if let Some(hooks) = hooks {
                expected["Hooks"] = hooks;
            }
            let written: Value = serde_json::from_str(&app_spec(it, &arn(42))).unwrap();
            assert_eq!(written, expected);
        }
        let none = json!([]);
        check(&deployment(Placement::default(), &none), json!({ "TaskDefinition": arn(42) }), None);
        let network = json!({
            "Subnets": ["subnet-1", "subnet-2"], "SecurityGroups": ["sg-1"], "AssignPublicIp": "DISABLED",
        });
        let properties = json!({
            "TaskDefinition": arn(42),
            "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 8080 },
            "PlatformVersion": "1.4.0",
            "NetworkConfiguration": { "AwsvpcConfiguration": network },
            "CapacityProviderStrategy": [{ "Base": 1, "CapacityProvider": "FARGATE_SPOT", "Weight": 4 }],
        });
        check(&deployment(everywhere(), &none), properties, None);
        let hooks = json!([{ "BeforeInstall": "a" }, { "AfterInstall": "b" }]);
        let of = deployment(Placement::default(), &hooks);
        check(&of, json!({ "TaskDefinition": arn(42) }), Some(hooks));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for hooks in [json!([]), json!([{ "AfterAllowTraffic": "b" }, { "BeforeInstall": "a" }])] {
            let read = AppSpec::parse(&app_spec(&deployment(everywhere(), &hooks), &arn(42))).unwrap();
            assert_eq!((read.task_definition, json!(read.hooks)), (Some(arn(42)), hooks));
        }
    }

    #[test]
    fn what_others_wrote_is_read_if_it_is_an_app_spec() {
        #[track_caller]
        fn check(text: &str, expected: Option<(Option<&str>, Value)>) {
            let read = AppSpec::parse(text);
            let shown =
                read.as_ref().map(|it| (it.task_definition.as_ref().map(TaskDefinitionArn::short), json!(it.hooks)));
            assert_eq!(shown, expected, "{text}");
        }
        let yaml = |hooks: &str| {
            format!(
                "# by hand\nversion: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        \
                 TaskDefinition: \"{}\"\n        LoadBalancerInfo: {{ContainerName: web, ContainerPort: 8080}}\n{hooks}",
                arn(7)
            )
        };
        check(&yaml(""), Some((Some("web:7"), json!([]))));
        check(&yaml("Hooks:\n"), Some((Some("web:7"), json!([]))));
        let hooks = json!([{ "BeforeInstall": "check-web" }, { "AfterAllowTraffic": "7" }]);
        check(&yaml("Hooks:\n  - BeforeInstall: check-web\n  - AfterAllowTraffic: 7\n"), Some((Some("web:7"), hooks)));
        // The resource may have any name; a placeholder of CodePipeline's is no ARN, and read as it stands.
        let json = |properties: &str| format!(r#"{{"Resources": [{{"Web": {{"Properties": {properties}}}}}]}}"#);
        check(&json(r#"{"TaskDefinition": "<TASK_DEFINITION>"}"#), Some((Some("<TASK_DEFINITION>"), json!([]))));
        check(&json("{}"), Some((None, json!([]))));
        // The keys are AWS's, in capital and small letters, too.
        check(&json(r#"{"taskDefinition": "web:7"}"#), Some((None, json!([]))));
        check(&json("{}").replace("Resources", "resources"), None);
        for wrong in [
            "",
            "S3",
            "[]",
            "{}",
            "{",
            "a: b: c",
            "version: 0.0",
            "Resources: []",
            "Resources: [web]",
            "Resources: [{}]",
        ] {
            check(wrong, None);
        }
        check(
            "os: linux\nfiles:\n  - {source: /, destination: /srv}\nhooks:\n  AfterInstall: [{location: run.sh}]\n",
            None,
        );
    }

    #[test]
    fn a_deployment_is_placed_as_what_serves() {
        use crate::model::facts::TaskSet;
        use crate::model::id::DeploymentId;
        let set = |status: &str, placement: Placement| TaskSet {
            id: DeploymentId::new("ecs-svc/1"),
            external_id: None,
            status: status.to_owned(),
            task_definition: arn(41),
            created_at: None,
            updated_at: None,
            desired_count: 2,
            running_count: 2,
            pending_count: 0,
            placement,
        };
        let service = |task_sets| ServiceFacts { task_sets, ..crate::rules::situation::service(Vec::new()) };
        let serves = service(vec![set("ACTIVE", Placement::default()), set("PRIMARY", everywhere())]);
        assert_eq!(serving_placement(&serves), everywhere());
        assert_eq!(serving_placement(&service(vec![set("ACTIVE", everywhere())])), Placement::default());
    }
}
