//! What an infrastructure tool does that does not know of Slipway, such as Terraform: it updates a service with a revision of
//! its own, in the middle of whatever is under way there.

use serde_json::{Map, Value, json};
use slipway_core::model::id::{TargetName, TaskDefinitionArn};

use crate::laws::{OutsideUpdate, View};
use crate::setup::{Infrastructure, PLACEHOLDER, TargetService};
use crate::simulation::{Phase, Simulation, primary};

/// An update by the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Update {
    /// The image that the tool deployed at first, and has in its state, with a changed definition.
    FirstImage,
    /// The image that ran before what runs now, with a changed definition.
    ImageBefore,
    /// The image that runs, with a changed definition.
    SameImage,
    /// The revision that runs, forced.
    SameRevision,
    /// The placeholder with which the infrastructure was made, with a changed definition.
    Placeholder,
    /// None: a definition with the image that it deployed at first is only registered, as Terraform does that ignores the
    /// service's task definition.
    Registration,
}

const UPDATES: [Update; 6] = [
    Update::FirstImage,
    Update::ImageBefore,
    Update::SameImage,
    Update::SameRevision,
    Update::Placeholder,
    Update::Registration,
];

impl Simulation {
    /// Whether the tool comes first, by chance: right before a call by which Slipway changes a service, when what it intends
    /// is on record, or before a rollback ends.
    pub(crate) fn comes_first(&mut self) -> bool {
        let may = self.infrastructure == Infrastructure::Managed && self.phase == Phase::Faults;
        may && self.chance.u8(0..8) == 0
    }

    /// The tool updates a service, whatever is under way there.
    pub(crate) fn infrastructure_updates(&mut self, service: &TargetService) {
        let update = UPDATES[self.chance.usize(0..UPDATES.len())];
        let Some(facts) = self.service(service) else { return };
        let before = facts.deployments.iter().filter(|it| it.task_definition != facts.task_definition);
        let before = before.max_by_key(|it| it.created_at).map_or(&facts.task_definition, |it| &it.task_definition);
        let revision = match update {
            Update::FirstImage | Update::Registration => self.changed(&format!("{}:1", service.family), None),
            Update::ImageBefore => self.changed(before.as_str(), None),
            Update::SameImage => self.changed(facts.task_definition.as_str(), None),
            Update::Placeholder => self.changed(facts.task_definition.as_str(), Some(PLACEHOLDER)),
            Update::SameRevision => Some(facts.task_definition.clone()),
        };
        let Some(revision) = revision else { return };
        if update != Update::SameRevision {
            self.definition_registered(&service.target, &revision);
        }
        if update == Update::Registration {
            self.note(format_args!("an infrastructure tool registers {}", revision.short()));
            self.pass(jiff::SignedDuration::from_secs(1));
            return;
        }
        self.note(format_args!(
            "an infrastructure tool updates {} to {}: {update:?}",
            service.target,
            revision.short()
        ));
        let force = update == Update::SameRevision;
        let updated = self.aws.update_service(&service.cluster, &service.name, &revision, force);
        let made = updated.ok().as_ref().and_then(primary).map(|it| it.id.clone());
        let digest = made.as_ref().and_then(|made| self.digest_of(&service.target, made));
        let is_placeholder = made.is_some() && digest.is_none();
        if let (Some(made), Some(digest)) = (made, digest) {
            let view = View { now: self.now, images: &self.images, table: &self.table };
            let update = OutsideUpdate {
                target: &service.target,
                previous: &facts.task_definition,
                revision: &revision,
                digest: &digest,
                made: &made,
            };
            self.laws.updated_outside(&update, &view);
        }
        // What it deployed at first, or what ran before, may have been one, too.
        if is_placeholder {
            self.laws.placeholder_put(&service.target, &self.table);
        }
        self.enqueue_new_events();
        self.pass(jiff::SignedDuration::from_secs(1));
    }

    /// Somebody registered a definition, which Slipway is to deploy by itself where that is configured.
    pub(crate) fn definition_registered(&mut self, target: &TargetName, revision: &TaskDefinitionArn) {
        if self.document.contains("deploy_definition_changes: true") {
            self.laws.definition_registered(target, revision, self.now);
        }
    }

    /// Registers a revision with the images of this one, or with this image, and a changed definition, as the tool writes it:
    /// without tags.
    fn changed(&mut self, revision: &str, image: Option<&str>) -> Option<TaskDefinitionArn> {
        let mut definition = self.aws.describe_task_definition(revision).ok()?.definition;
        // Another one each time: a definition that differs in nothing is none.
        let memory = 512 + self.now.as_second() % 100_000;
        let container = definition.get_mut("containerDefinitions")?.as_array_mut()?.first_mut()?;
        container["memory"] = json!(memory);
        if let Some(image) = image {
            container["image"] = json!(image);
        }
        let written = |name: &str| Some((name.to_owned(), definition.get(name)?.clone()));
        let body: Map<String, Value> = ["family", "containerDefinitions"].into_iter().filter_map(written).collect();
        self.aws.by_person(|aws| aws.register_task_definition(&body)).ok()
    }
}
