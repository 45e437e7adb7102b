//! Whether a request was carried out before: a client that got no answer in time repeats it, with the same id.

use crate::model::facts::Revision;
use crate::model::id::{EventId, TaskDefinitionArn};
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::model::record::Service;

/// By the record, which keeps the last ten deployments.
pub fn done_by_record(record: &Service, id: &EventId) -> Option<Reason> {
    let made = record.deployments.iter().find(|it| it.event.as_ref() == Some(id) && it.id().is_some())?;
    Some(done(id, made.revision.new.as_deref().unwrap_or("a new deployment")))
}

/// By the family's newest revisions, which bear the id as well.
///
/// A revision without a deployment does not count: the try that registered it died before its update.
pub fn done_by_revision(record: &Service, newest: &[Revision], running: &Revision, id: &EventId) -> Option<Reason> {
    let made = newest.iter().find(|revision| Provenance::of(revision).is_some_and(|made| made.is_of(id)))?;
    let deployed = record.deployments.iter().filter_map(|it| it.revision.new.as_deref());
    let last = deployed.filter_map(|revision| TaskDefinitionArn::new(revision).revision()).max();
    let unused = last.is_some() && made.arn.revision() > last && made.arn != running.arn;
    (!unused).then(|| done(id, made.arn.short()))
}

fn done(id: &EventId, revision: &str) -> Reason {
    Reason::AlreadyDone { id: id.to_string(), revision: revision.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::image::Digest;
    use crate::model::trigger::Trigger;

    fn revision(number: u32, id: Option<&str>) -> Revision {
        let arn = format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{number}");
        let provenance = id.map(|id| Provenance {
            repository: "shop/web".to_owned(),
            tag: None,
            digest: Digest::parse(&format!("sha256:{}", "b".repeat(64))).unwrap(),
            pushed_at: None,
            event: EventId::new(id),
            request: None,
            trigger: Trigger::Deploy,
            previous: None,
        });
        let tags = provenance.map(|it| it.tags()).unwrap_or_default();
        let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:{}", "b".repeat(64));
        let definition = json!({ "containerDefinitions": [{ "name": "web", "image": image }] });
        Revision { arn: TaskDefinitionArn::new(arn), definition: definition.as_object().unwrap().clone(), tags }
    }

    fn record(deployment: serde_json::Value) -> Service {
        serde_json::from_value(json!({ "version": 1, "deployments": [deployment] })).unwrap()
    }

    #[test]
    fn a_repeated_request_is_known_by_its_id() {
        let id = EventId::new("build-7");
        let at = "2026-11-21T10:00:00Z";
        let began = json!({ "number": 1, "trigger": "deploy", "event": "build-7", "intended_at": at,
            "state": { "in_progress": { "deployment": "ecs-svc/2", "began_at": at } },
            "revision": { "old": "web:1", "new": "web:2" } });
        assert!(done_by_record(&record(began.clone()), &id).is_some());
        assert!(done_by_record(&record(began), &EventId::new("build-8")).is_none());
        let intended = json!({ "number": 1, "trigger": "deploy", "event": "build-7", "intended_at": at,
            "state": { "intended": {} } });
        assert!(done_by_record(&record(intended), &id).is_none(), "an intent is not done");
    }

    #[test]
    fn the_revisions_know_what_the_record_lost_but_not_what_a_dead_try_left() {
        let id = EventId::new("build-7");
        let (running, made) = (revision(1, None), revision(3, Some("build-7")));
        let lost = Service::default();
        assert!(done_by_revision(&lost, &[made.clone(), revision(2, None)], &running, &id).is_some());
        assert!(done_by_revision(&lost, &[revision(2, None)], &running, &id).is_none());
        let at = "2026-11-21T10:00:00Z";
        let other = json!({ "number": 1, "trigger": "push", "intended_at": at,
            "state": { "in_progress": { "deployment": "ecs-svc/2", "began_at": at } }, "revision": { "old": "web:1", "new": "web:2" } });
        let record = record(other);
        assert!(done_by_revision(&record, std::slice::from_ref(&made), &running, &id).is_none(), "nobody runs it");
        assert!(done_by_revision(&record, std::slice::from_ref(&made), &made, &id).is_some(), "it runs");
        let later = revision(2, Some("build-7"));
        assert!(done_by_revision(&record, &[later], &running, &id).is_some(), "a deployment brought it");
    }
}
