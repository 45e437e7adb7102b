//! What people and infrastructure tools do meanwhile: requests, and updates past Slipway.

use serde_json::{Value, json};

use crate::code_deploy;
use crate::delivery::Payload;
use crate::laws::{OutsideUpdate, View};
use crate::registry::Quality;
use crate::schedule::Schedule;
use crate::setup::{REPOSITORY, task_definition};
use crate::simulation::{Simulation, primary};

impl Schedule {
    /// Somebody asks for something, or acts past Slipway.
    pub(crate) fn person(&mut self) {
        let simulation = self.simulation.clone();
        let mut simulation = simulation.borrow_mut();
        let simulation = &mut *simulation;
        let service = simulation.services[self.chance.usize(0..simulation.services.len())].clone();
        let target = service.target.as_str();
        let images = simulation.images.all();
        let digest = images[self.chance.usize(0..images.len())].digest.clone();
        if simulation.is_paused(&service) && self.chance.bool() {
            return self.answer_the_pause(simulation, target);
        }
        let mut request = match self.chance.u8(0..9) {
            0 | 1 => {
                let force = self.chance.u8(0..3) == 0;
                json!({ "action": "deploy", "target": target, "digest": digest.as_str(), "force": force })
            }
            2 => json!({ "action": "rollback", "target": target }),
            3 => json!({ "action": "hold", "target": target, "reason": "under investigation" }),
            4 => json!({ "action": "release", "target": target }),
            5 => json!({ "action": "release", "target": target, "digest": digest.as_str() }),
            6 => json!({ "action": "redeploy", "target": target }),
            _ => return self.by_hand(simulation),
        };
        self.requests += 1;
        // The others are always carried out, and the same again changes nothing.
        let updates = !matches!(request["action"].as_str(), Some("hold" | "release"));
        if updates {
            request["dry_run"] = json!(false);
        }
        request["who"] = json!("ann");
        if updates && self.chance.bool() {
            request["id"] = json!(format!("ask-{}", self.requests));
        }
        simulation.note(format_args!("a person asks: {request}"));
        // Whoever got no answer asks again.
        let copies = if request["id"] != Value::Null && self.chance.u8(0..6) == 0 { 2 } else { 1 };
        for _ in 0..copies {
            simulation.invoke(Payload::Request(request.clone()));
        }
    }

    /// Somebody lets a deployment go on that waits for that, or has it rolled back.
    fn answer_the_pause(&mut self, simulation: &mut Simulation, target: &str) {
        let action = if self.chance.u8(0..3) == 0 { "rollback" } else { "continue" };
        let request = json!({ "action": action, "target": target, "who": "ann" });
        simulation.note(format_args!("a person answers: {request}"));
        simulation.invoke(Payload::Request(request));
    }

    /// What an older image needs has changed, so that a rollback to it will fail too.
    pub(crate) fn image_turns_bad(&self) {
        let mut simulation = self.simulation.borrow_mut();
        let good = simulation.images.all().iter().rev().skip(1).find(|image| image.quality == Quality::KnownGood);
        let Some(digest) = good.map(|image| image.digest.clone()) else { return };
        simulation.note(format_args!("{} does well no more", digest.short()));
        simulation.images.turns_bad(&digest);
        simulation.aws.set_behavior(digest, fake_aws::Behavior::Crashes);
    }

    /// Somebody updates a service past Slipway, to an image that does well, when nothing is under way.
    fn by_hand(&mut self, simulation: &mut Simulation) {
        let service = simulation.services[self.chance.usize(0..simulation.services.len())].clone();
        if simulation.is_under_way(&service) {
            return;
        }
        let Some(previous) = simulation.service(&service).map(|it| it.task_definition) else { return };
        let Some(image) = simulation.images.all().iter().find(|image| image.quality == Quality::KnownGood) else {
            return;
        };
        let digest = image.digest.clone();
        let text = format!("{}/{REPOSITORY}@{digest}", simulation.aws.place().registry());
        let registered =
            simulation.aws.by_person(|aws| aws.register_task_definition(&task_definition(&service.family, &text)));
        let Ok(revision) = registered else { return };
        simulation.note(format_args!("somebody updates {} past Slipway to {}", service.target, digest.short()));
        simulation.definition_registered(&service.target, &revision);
        let group = code_deploy::group_of(&service.name);
        if simulation.aws.get_deployment_group(&group).is_some() {
            let spec = code_deploy::app_spec(&revision);
            drop(simulation.aws.by_person(|aws| aws.create_deployment(&group, &spec, "by hand")));
        } else {
            drop(simulation.aws.update_service(&service.cluster, &service.name, &revision, false));
        }
        let updated = simulation.service(&service).filter(|it| it.task_definition == revision);
        if let Some(made) = updated.as_ref().and_then(primary) {
            let view = View { now: simulation.now, images: &simulation.images, table: &simulation.table };
            let update = OutsideUpdate {
                target: &service.target,
                previous: &previous,
                revision: &revision,
                digest: &digest,
                made: &made.id,
            };
            simulation.laws.updated_outside(&update, &view);
        }
        simulation.enqueue_new_events();
        simulation.pass(jiff::SignedDuration::from_secs(1));
    }
}
