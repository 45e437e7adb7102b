//! What a service runs: the containers, roles and logs of its task definition, and whether its family has something newer.

use serde_json::{Map, Value};
use slipway_core::model::facts::Revision;
use slipway_core::model::id::TaskDefinitionArn;
use slipway_core::model::image::{ImageRef, Registry, Repository};

/// A task definition, as far as a configuration is made from it.
#[derive(Debug)]
pub(crate) struct Definition {
    /// Its ARN.
    pub(crate) arn: TaskDefinitionArn,
    /// Its containers, in its order.
    pub(crate) containers: Vec<Container>,
    /// The roles that a new revision passes to ECS, as the definition names them.
    pub(crate) roles: Vec<String>,
    /// The log groups of the containers that write to CloudWatch Logs.
    pub(crate) log_groups: Vec<String>,
    /// What a deployment would not take over.
    pub(crate) base: Base,
}

/// How the revision that runs stands in its family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// It is the newest, or the newer ones differ in their images only.
    Newest,
    /// A newer one, `web:45`, differs in more than its images.
    Newer(String),
    /// It was deregistered.
    Inactive,
}

/// A container.
#[derive(Debug)]
pub(crate) struct Container {
    /// Its name.
    pub(crate) name: String,
    /// Its image as written.
    pub(crate) text: String,
    /// Its image; `None` where the text is none.
    pub(crate) image: Option<ImageRef>,
}

impl Container {
    /// The repository in a private registry of ECR from which its image comes.
    pub(crate) fn repository(&self) -> Option<Repository> {
        let repository = self.image.as_ref()?.repository();
        matches!(repository.registry, Registry::Ecr { .. }).then_some(repository)
    }
}

impl Definition {
    /// Of a revision, and the newest active one of its family.
    pub(crate) fn of(revision: &Revision, newest: Option<&Revision>) -> Self {
        let containers: Vec<&Value> = containers(&revision.definition).collect();
        let role = |member: &str| revision.definition.get(member).and_then(Value::as_str).map(str::to_owned);
        Self {
            arn: revision.arn.clone(),
            roles: ["executionRoleArn", "taskRoleArn"].into_iter().filter_map(role).collect(),
            log_groups: containers.iter().filter_map(|it| log_group(it)).collect(),
            containers: containers.into_iter().map(container).collect(),
            base: base(revision, newest),
        }
    }

    /// Whether no container runs an image of ECR, so that all of them may be placeholders.
    pub(crate) fn has_no_image_of_ecr(&self) -> bool {
        self.containers.iter().all(|it| it.repository().is_none())
    }
}

fn base(revision: &Revision, newest: Option<&Revision>) -> Base {
    if revision.definition.get("status").and_then(Value::as_str) == Some("INACTIVE") {
        return Base::Inactive;
    }
    match newest {
        Some(newest)
            if newest.arn.revision() > revision.arn.revision()
                && without_images(newest) != without_images(revision) =>
        {
            Base::Newer(newest.arn.short().to_owned())
        }
        Some(_) | None => Base::Newest,
    }
}

/// What people decide in a definition, but for its images.
fn without_images(revision: &Revision) -> Map<String, Value> {
    let mut definition = revision.definition.clone();
    Revision::READ_ONLY.iter().for_each(|member| drop(definition.shift_remove(*member)));
    let containers = definition.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
        container.shift_remove("image");
    }
    definition
}

fn containers(definition: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    definition.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten()
}

fn container(container: &Value) -> Container {
    let text = container["image"].as_str().unwrap_or_default().to_owned();
    let image = ImageRef::parse(&text);
    Container { name: container["name"].as_str().unwrap_or_default().to_owned(), text, image }
}

fn log_group(container: &Value) -> Option<String> {
    let log = &container["logConfiguration"];
    (log["logDriver"] == "awslogs").then(|| log["options"]["awslogs-group"].as_str().map(str::to_owned)).flatten()
}
