//! A PRIMARY that no record knows: somebody else's deployment, or one of ours whose record was lost.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::model::facts::{DeploymentFacts, Revision, ServiceFacts};
use crate::model::id::TaskDefinitionArn;
use crate::model::image::ImageRef;
use crate::model::plan::{ImageChange, RevisionChange, Shown};
use crate::model::provenance::Provenance;
use crate::model::record::{self, DecisionKind, DeploymentState, Progress};
use crate::model::trigger::Trigger;
use crate::rules::render::containers;

use super::effect::SOON;
use super::is_completed;

/// What is observed of a PRIMARY deployment.
#[derive(Clone, Copy, Debug)]
pub struct Unrecorded<'a> {
    /// The record.
    pub record: &'a record::Service,
    /// The service.
    pub service: &'a ServiceFacts,
    /// The revisions that could be read: the PRIMARY's, and the one before it.
    pub revisions: &'a HashMap<TaskDefinitionArn, Revision>,
    /// The names of the repositories that feed the service, to find the image of a revision that isn't Slipway's.
    pub repositories: &'a [&'a str],
    /// The target's settings of today; there are none of then.
    pub settings: &'a record::DeploymentSettings,
    /// The time.
    pub now: Timestamp,
}

/// The PRIMARY as a deployment to be recorded, or what ECS goes back from.
///
/// `None` where it is recorded, where an open intent or rollback may have made it, and where it is older than what the record
/// knows, so that it ran before or came back.
///
/// It is external unless Slipway registered its revision just before, and the record does not say what became of that: then
/// it is Slipway's, and its record was lost.
pub fn unrecorded(it: &Unrecorded<'_>) -> Option<record::Deployment> {
    let primary = newest(it.service)?;
    if it.record.of_id(&primary.id).is_some() || it.record.expects_a_deployment() || is_old(it, primary) {
        return None;
    }
    let revision = it.revisions.get(&primary.task_definition);
    let ours = revision.and_then(|revision| {
        let provenance = Provenance::of(revision)?;
        let soon = primary.created_at?.duration_since(revision.registered_at()?) <= SOON;
        (soon && !is_recorded(it.record, primary)).then_some(provenance)
    });
    let old = before(it, primary);
    let made = primary.created_at.unwrap_or(it.now);
    let trigger = ours.as_ref().map_or(Trigger::External, |provenance| provenance.trigger.clone());
    Some(record::Deployment {
        event: ours.as_ref().map(|provenance| provenance.event.clone()),
        request: ours.as_ref().and_then(|provenance| provenance.request.clone()),
        image: revision.and_then(|revision| image(it, old.as_ref(), revision)),
        revision: RevisionChange::of(old.as_ref(), Some(&primary.task_definition)),
        settings: it.settings.clone(),
        state: DeploymentState::InProgress(Progress::of(primary.id.clone(), made)),
        ..record::Deployment::of(trigger, made)
    })
}

/// Whether the record has a deployment of Slipway's of this revision, so that somebody else made another one.
fn is_recorded(record: &record::Service, primary: &DeploymentFacts) -> bool {
    let same = |it: &record::Deployment| it.revision.new.as_deref() == Some(primary.task_definition.short());
    record.deployments.iter().any(|it| !it.is_external() && it.id().is_some() && same(it))
}

/// The PRIMARY; while ECS goes back to it, what it goes back from.
fn newest(service: &ServiceFacts) -> Option<&DeploymentFacts> {
    let primary = service.primary()?;
    if !primary.is_rollback() {
        return Some(primary);
    }
    // ECS lists the newest first: of several of one moment that is the first, and `max_by_key` gives the last.
    let newer = service.deployments.iter().rev().filter(|it| it.created_at > primary.created_at);
    newer.max_by_key(|it| it.created_at)
}

/// Whether the record knows something newer: a deployment, a person's decision (the adoption is one), or that its revision
/// ran well since.
fn is_old(it: &Unrecorded<'_>, primary: &DeploymentFacts) -> bool {
    let Some(created) = primary.created_at else { return false };
    let is_known_good =
        |good: &record::KnownGood| good.at >= created && good.revision.short() == primary.task_definition.short();
    it.record.deployments.iter().any(|known| known.intended_at > created)
        || it.record.decision.as_ref().is_some_and(|decision| {
            // An adoption is dated by the deployment that it adopts, and so is what somebody did outside.
            decision.at > created || (decision.at == created && decision.what == DecisionKind::Adopted)
        })
        || it.record.known_good.iter().any(is_known_good)
}

/// What ran before: the last that completed, as far as ECS lists it, else the last known-good revision.
fn before(it: &Unrecorded<'_>, primary: &DeploymentFacts) -> Option<TaskDefinitionArn> {
    let older = |other: &&DeploymentFacts| other.id != primary.id && other.created_at < primary.created_at;
    let completed = it.service.deployments.iter().filter(older).filter(|it| is_completed(it));
    let listed = completed.max_by_key(|it| it.created_at).map(|it| it.task_definition.clone());
    listed.or_else(|| it.record.known_good.first().map(|it| it.revision.clone()))
}

fn image(it: &Unrecorded<'_>, old: Option<&TaskDefinitionArn>, revision: &Revision) -> Option<ImageChange> {
    let ours = Provenance::of(revision).map(|provenance| provenance.repository);
    let mut repositories = ours.into_iter().chain(it.repositories.iter().map(|it| (*it).to_owned()));
    let (repository, new) = repositories.find_map(|name| Some((name.clone(), shown(revision, &name)?)))?;
    let old = old.and_then(|arn| it.revisions.values().find(|read| read.arn.short() == arn.short()));
    let old = old.and_then(|revision| shown(revision, &repository));
    Some(ImageChange { repository, old, new })
}

/// The image of this repository that a revision runs, with the tag of its provenance or the one that the revision names.
pub(super) fn shown(revision: &Revision, repository: &str) -> Option<Shown> {
    if let Some(provenance) = Provenance::of(revision).filter(|it| it.repository == repository) {
        return Some(Shown { tag: provenance.tag, digest: Some(provenance.digest) });
    }
    let images = containers(revision).into_iter().filter_map(|(_, image)| ImageRef::parse(&image));
    let mut of_repository = images.filter(|image| image.repository().name == repository);
    of_repository.next().map(|image| Shown { tag: image.tag, digest: image.digest })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::facts::Rollout;
    use crate::model::id::{DeploymentId, EventId};
    use crate::model::image::{Digest, Tag};
    use crate::model::record::KnownGood;
    use crate::model::trigger::Trigger;
    use crate::rules::situation;

    fn time(text: &str) -> Timestamp {
        format!("2026-09-04T{text}Z").parse().unwrap()
    }

    fn arn(revision: u32) -> TaskDefinitionArn {
        TaskDefinitionArn::new(format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}"))
    }

    fn revision(number: u32, tag: &str, registered: &str, provenance: Option<Provenance>) -> Revision {
        let digest = provenance.as_ref().map(|it| format!("@{}", it.digest)).unwrap_or_else(|| format!(":{tag}"));
        let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web{digest}");
        let definition = json!({
            "registeredAt": time(registered).as_second(),
            "containerDefinitions": [{ "name": "log", "image": "fluent-bit:3" }, { "name": "web", "image": image }],
        });
        let Value::Object(definition) = definition else { unreachable!() };
        Revision { arn: arn(number), definition, tags: provenance.map(|it| it.tags()).unwrap_or_default() }
    }

    fn ours() -> Provenance {
        Provenance {
            repository: "shop/web".to_owned(),
            tag: Tag::parse("1.5.0"),
            digest: Digest::parse(&format!("sha256:{}", "b".repeat(64))).unwrap(),
            pushed_at: None,
            event: EventId::new("event-2"),
            request: Some("request-2".to_owned()),
            trigger: Trigger::Deploy,
            previous: Some("web:41".to_owned()),
            definition: None,
        }
    }

    /// web:42 became the PRIMARY at 17:00, after web:41.
    fn service() -> ServiceFacts {
        let listed = |id: &str, status: &str, number: u32, rollout: Rollout, created: &str| DeploymentFacts {
            id: DeploymentId::new(id),
            status: status.to_owned(),
            task_definition: arn(number),
            rollout: Some(rollout),
            rollout_reason: None,
            created_at: Some(time(created)),
            updated_at: None,
            failed_tasks: 0,
            desired_count: 2,
            running_count: 2,
            pending_count: 0,
        };
        let deployments = vec![
            listed("ecs-svc/2", "PRIMARY", 42, Rollout::InProgress, "17:00:00"),
            listed("ecs-svc/1", "ACTIVE", 41, Rollout::Completed, "10:00:00"),
        ];
        ServiceFacts { task_definition: arn(42), ..situation::service(deployments) }
    }

    /// What is to be recorded, in a line.
    fn recorded(record: &record::Service, service: &ServiceFacts, revisions: &[Revision]) -> String {
        let revisions = revisions.iter().map(|it| (it.arn.clone(), it.clone())).collect();
        let recorded = unrecorded(&Unrecorded {
            record,
            service,
            revisions: &revisions,
            repositories: &["shop/api", "shop/web"],
            settings: &record::DeploymentSettings::default(),
            now: time("17:01:00"),
        });
        let Some(it) = recorded else { return "nothing".to_owned() };
        let image = it.image.map(|image| match image.old {
            Some(old) => format!("{old} → {}", image.new),
            None => format!("? → {}", image.new),
        });
        let event = it.event.map(|event| event.to_string()).unwrap_or_default();
        let old = it.revision.old.unwrap_or_default();
        format!("{} {event} {old} → {}: {}", it.trigger, it.revision.new.unwrap(), image.unwrap_or_default())
    }

    #[test]
    fn a_primary_that_nobody_recorded_is_somebody_else_s_or_was_lost() {
        let empty = record::Service::default();
        let old = revision(41, "1.4.2", "09:59:00", None);
        let check = |record: &record::Service, service: &ServiceFacts, revisions: &[Revision], expected: &str| {
            assert_eq!(recorded(record, service, revisions), expected);
        };
        let foreign = revision(42, "hotfix", "16:59:00", None);
        check(&empty, &service(), &[old.clone(), foreign.clone()], "external  web:41 → web:42: 1.4.2 → hotfix");
        check(&empty, &service(), std::slice::from_ref(&foreign), "external  web:41 → web:42: ? → hotfix");
        check(&empty, &service(), &[], "external  web:41 → web:42: ");
        let lost = revision(42, "", "16:59:58", Some(ours()));
        check(&empty, &service(), &[old.clone(), lost], "deploy event-2 web:41 → web:42: 1.4.2 → 1.5.0");
        // Slipway made the revision long before: somebody deploys it again.
        let again = revision(42, "", "12:00:00", Some(ours()));
        check(&empty, &service(), &[old.clone(), again], "external  web:41 → web:42: 1.4.2 → 1.5.0");
        // The record has what Slipway made of it: somebody forces it once more.
        let state = json!({ "in_progress": { "deployment": "ecs-svc/0", "began_at": "2026-09-04T16:59:59Z" } });
        let deployed = json!({ "deployments": [{ "number": 1, "trigger": "push", "intended_at": "2026-09-04T16:59:58Z",
            "revision": { "new": "web:42" }, "state": state }] });
        let deployed: record::Service = serde_json::from_value(deployed).unwrap();
        let lost = revision(42, "", "16:59:58", Some(ours()));
        check(&deployed, &service(), &[old.clone(), lost], "external  web:41 → web:42: 1.4.2 → 1.5.0");
        // ECS lists only the PRIMARY: a known-good revision ran before.
        let alone = ServiceFacts { deployments: service().deployments[..1].to_vec(), ..service() };
        let good = KnownGood { revision: arn(41), ran: Vec::new(), at: time("10:02:00") };
        let known = record::Service { known_good: vec![good], ..empty.clone() };
        check(&known, &alone, &[old, foreign], "external  web:41 → web:42: 1.4.2 → hotfix");

        let recorded = |value: Value| record::Service {
            deployments: vec![serde_json::from_value(value).unwrap()],
            ..record::Service::default()
        };
        let at = "2026-09-04T16:59:58Z";
        let it = json!({ "number": 1, "trigger": "push", "intended_at": at,
            "state": { "in_progress": { "deployment": "ecs-svc/2", "began_at": at } } });
        check(&recorded(it), &service(), &[], "nothing");
        let intent = json!({ "number": 1, "trigger": "push", "intended_at": at, "state": { "intended": {} } });
        check(&recorded(intent), &service(), &[], "nothing");
        let decided = json!({
            "number": 1, "trigger": "push", "intended_at": at, "state": { "in_progress": {
                "deployment": "ecs-svc/0", "began_at": at, "rollback": { "how": "update", "at": at },
            } },
        });
        check(&recorded(decided), &service(), &[], "nothing");
        let mut back = service();
        back.deployments[0].rollout_reason = Some("… rolling back to deploymentId ecs-svc/2.".to_owned());
        check(&empty, &back, &[], "nothing");
        check(&empty, &ServiceFacts { deployments: Vec::new(), ..service() }, &[], "nothing");
    }

    #[test]
    fn what_the_record_knows_to_be_newer_was_not_brought_about_just_now() {
        // web:42 became the PRIMARY at 17:00:00.
        #[track_caller]
        fn check(record: Value, is_recorded: bool) {
            let record: record::Service = serde_json::from_value(record).unwrap();
            let expected = if is_recorded { "external  web:41 → web:42: " } else { "nothing" };
            assert_eq!(recorded(&record, &service(), &[]), expected);
        }
        let at = |at: &str| format!("2026-09-04T{at}Z");
        let deployed = |when: &str| {
            let state = json!({ "in_progress": { "deployment": "ecs-svc/0", "began_at": at(when) } });
            json!({ "deployments": [{ "number": 1, "trigger": "push", "intended_at": at(when), "state": state }] })
        };
        check(deployed("16:59:59"), true);
        check(deployed("17:00:00"), true);
        check(deployed("17:00:01"), false);

        let decided = |what: &str, when: &str| json!({ "decision": { "what": what, "at": at(when) } });
        check(decided("rollback", "16:59:59"), true);
        check(decided("rollback", "17:00:00"), true);
        check(decided("rollback", "17:00:01"), false);
        // An adoption is dated by what it adopts.
        check(decided("adopted", "16:59:59"), true);
        check(decided("adopted", "17:00:00"), false);
        check(decided("adopted", "17:00:01"), false);

        let good = |number: u32, when: &str| {
            let good = json!({ "revision": arn(number).as_str(), "at": at(when) });
            json!({ "known_good": [good] })
        };
        check(good(42, "16:59:59"), true);
        check(good(42, "17:00:00"), false);
        check(good(41, "17:00:00"), true);
    }

    #[test]
    fn a_lost_deployment_is_recorded_with_what_its_revision_says_and_the_settings_of_today() {
        let lost = revision(42, "", "16:59:58", Some(ours()));
        let settings =
            record::DeploymentSettings { max_failed_tasks: Some(7), ..record::DeploymentSettings::default() };
        let it = unrecorded(&Unrecorded {
            record: &record::Service::default(),
            service: &service(),
            revisions: &HashMap::from([(lost.arn.clone(), lost)]),
            repositories: &["shop/web"],
            settings: &settings,
            now: time("17:01:00"),
        });
        let it = it.unwrap();
        assert_eq!((&it.trigger, it.request.as_deref()), (&Trigger::Deploy, Some("request-2")));
        assert_eq!(it.id(), Some(&DeploymentId::new("ecs-svc/2")));
        assert_eq!((it.intended_at, it.began_at()), (time("17:00:00"), time("17:00:00")));
        assert_eq!(it.settings, settings);
    }

    #[test]
    fn what_ran_before_is_the_last_older_one_that_completed() {
        #[track_caller]
        fn check(created: &str, expected: &str) {
            let mut service = service();
            let mut other = service.deployments[1].clone();
            (other.id, other.task_definition) = (DeploymentId::new("ecs-svc/3"), arn(40));
            other.created_at = Some(time(created));
            service.deployments.push(other);
            assert_eq!(
                recorded(&record::Service::default(), &service, &[]),
                format!("external  {expected} → web:42: ")
            );
        }
        check("09:00:00", "web:41");
        check("11:00:00", "web:40");
        check("17:00:00", "web:41");
        check("17:00:01", "web:41");
    }

    #[test]
    fn an_image_goes_by_the_tag_that_slipway_wrote_down_for_its_repository() {
        let by_digest = |number: u32| {
            let digest = format!("sha256:{}", "b".repeat(64));
            let mut it = revision(number, "", "09:59:00", Some(ours()));
            let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@{digest}");
            it.definition["containerDefinitions"][1]["image"] = json!(image);
            it
        };
        let found = shown(&by_digest(41), "shop/web").unwrap();
        assert_eq!(found.to_string(), "1.5.0");
        assert_eq!(shown(&by_digest(41), "fluent-bit"), None);
    }
}
