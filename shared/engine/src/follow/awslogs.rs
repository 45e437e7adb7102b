//! Where a container's log is, by its task definition: only CloudWatch Logs' own driver says so.

use slipway_core::model::facts::Revision;
use slipway_core::model::id::{ContainerName, Home, LogStream};

/// The stream of a task's container, `prefix/container/task` ([awslogs]); `None` with another driver, or where the
/// definition leaves the stream's name to Docker.
///
/// [awslogs]: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html
pub(crate) fn stream_of(revision: &Revision, container: &ContainerName, task: &str) -> Option<LogStream> {
    let containers = revision.definition.get("containerDefinitions")?.as_array()?;
    let definition = containers.iter().find(|it| it["name"] == container.as_str())?;
    let configuration = definition.get("logConfiguration")?;
    if configuration["logDriver"] != "awslogs" {
        return None;
    }
    let option = |name: &str| configuration["options"][name].as_str().filter(|value| !value.is_empty());
    let (prefix, task_id) = (option("awslogs-stream-prefix")?, task.rsplit('/').next()?);
    let home = || Home::of_arn(task).map(|home| home.region.as_str().to_owned());
    Some(LogStream {
        region: option("awslogs-region").map(str::to_owned).or_else(home)?,
        group: option("awslogs-group")?.to_owned(),
        stream: format!("{prefix}/{container}/{task_id}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use slipway_core::model::id::TaskDefinitionArn;

    use super::*;

    #[track_caller]
    fn check(configuration: Value, expected: Option<&str>) {
        let definition = json!({ "containerDefinitions": [{ "name": "web", "logConfiguration": configuration }] });
        let definition = definition.as_object().unwrap().clone();
        let revision = Revision { arn: TaskDefinitionArn::new("web:1"), definition, tags: Vec::new() };
        let task = "arn:aws:ecs:eu-west-1:123456789012:task/prod/0ebb429f";
        let place = stream_of(&revision, &ContainerName::new("web"), task);
        let place = place.map(|it| format!("{} {} {}", it.region, it.group, it.stream));
        assert_eq!(place.as_deref(), expected);
    }

    #[test]
    fn the_options_of_the_driver_name_the_stream() {
        let options =
            json!({ "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "shop" });
        check(json!({ "logDriver": "awslogs", "options": options }), Some("us-east-1 /ecs/web shop/web/0ebb429f"));
        let options = json!({ "awslogs-group": "/ecs/web", "awslogs-stream-prefix": "shop" });
        check(json!({ "logDriver": "awslogs", "options": options }), Some("eu-west-1 /ecs/web shop/web/0ebb429f"));
        check(json!({ "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/web" } }), None);
        check(json!({ "logDriver": "awsfirelens", "options": options }), None);
        check(Value::Null, None);
    }
}
