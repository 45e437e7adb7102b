//! What a deployment goes through, from its intent to its end, and what each step leaves on record.

use super::*;

#[test]
fn every_step_of_a_life_is_taken_once() {
    let mut record = Service::default();
    let fence = record.acquire("a", at("10:00:00"), at("10:05:00")).unwrap();
    let (number, archived) = record.add(deployment(1));
    assert_eq!((number, archived.len()), (1, 0));
    let began = |id: &str, second: &str| Began {
        deployment: DeploymentId::new(id),
        at: at(second),
        revision: TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:42"),
    };
    record.began(number, &began("ecs-svc/1", "10:00:02"));
    // A second one, by whatever name, changes nothing.
    record.began(number, &began("service-deployment/1", "10:00:03"));
    assert_eq!(record.deployments[0].revision.new.as_deref(), Some("web:42"));
    assert_eq!(record.of_id(&DeploymentId::new("ecs-svc/1")).unwrap().number, 1);

    for task in ["t1", "t1", "t2"] {
        record.task_failed(number, task);
    }
    assert_eq!(record.task_failed(number, "t3"), 3);
    let failing = |cause: &str| Failing {
        at: at("10:02:00"),
        by: FailedBy::Tasks,
        cause: cause.to_owned(),
        log: None,
        advice: Vec::new(),
    };
    record.failing(number, failing("exit code 1"));
    record.failing(number, failing("the deadline"));
    let rollback = Rollback {
        how: RollbackMethod::Update,
        to: None,
        passed_over: Vec::new(),
        at: at("10:02:01"),
        previous_primary: None,
        deployment: None,
        done_at: None,
    };
    let judged = record.deployments[0].clone();
    assert!(!record.is_outdated(&judged, fence));
    assert_eq!(record.roll_back(fence, number, rollback.clone()), Ok(Once::Now));
    assert!(record.is_outdated(&judged, fence), "what was judged before the rollback was decided is judged again");
    assert!(!record.is_outdated(&record.deployments[0].clone(), fence));
    let before = Fence(fence.0 - 1);
    assert!(
        record.is_outdated(&record.deployments[0].clone(), before),
        "and so is what was judged before the lease was taken"
    );
    let other = Rollback { how: RollbackMethod::Stop, at: at("10:02:30"), ..rollback.clone() };
    assert_eq!(record.roll_back(fence, number, other), Ok(Once::Before));
    let decided = record.deployments[0].rollback().cloned().unwrap();
    assert_eq!((decided.how, decided.at), (RollbackMethod::Stop, at("10:02:01")), "another way, decided when it was");
    let judged = record.deployments[0].clone();
    record.rollback_accepted(number, None, None, at("10:02:40"));
    assert!(record.is_outdated(&judged, fence), "and so does who looked before the rollback was made");
    assert!(!record.is_outdated(&record.deployments[0].clone(), before), "what is made is made, whoever has the lease");
    assert_eq!(record.roll_back(fence, number, rollback), Ok(Once::Before));
    assert_eq!(record.deployments[0].rollback().unwrap().how, RollbackMethod::Stop, "what was carried out stays");
    assert_eq!(record.end(number, Outcome::RolledBackBySlipway, at("10:04:00"), None), Once::Now);
    assert_eq!(record.end(number, Outcome::Completed, at("10:05:00"), None), Once::Before);

    let quarantined = record.quarantined(&digest(1)).unwrap();
    assert_eq!(quarantined.cause, "exit code 1");
    assert!(record.release_image(&digest(1)));
    assert!(!record.release_image(&digest(1)));
}

#[test]
fn what_completes_after_all_is_not_quarantined_any_more() {
    for outcome in [Outcome::Failed, Outcome::TimedOut, Outcome::RollbackFailed, Outcome::Stopped] {
        let mut record = Service::default();
        let (number, _) = record.add(deployment(1));
        record.add_to_quarantine(Quarantined {
            repository: "shop/web".to_owned(),
            digest: digest(2),
            revision: None,
            tag: None,
            cause: "exit code 1".to_owned(),
            at: at("10:04:00"),
        });
        assert_eq!(record.completed_after_all(number, at("10:04:00")), Once::Before, "it has not ended");
        record.end(number, outcome, at("10:04:00"), None);
        let once = record.completed_after_all(number, at("10:30:00"));
        let ended = record.deployments[0].ended().unwrap();
        let quarantined = record.quarantined(&digest(1)).is_some();
        match outcome {
            Outcome::Failed | Outcome::TimedOut => {
                assert_eq!((once, ended.outcome, ended.corrected_from), (Once::Now, Outcome::Completed, Some(outcome)));
                assert_eq!((ended.at, quarantined), (at("10:30:00"), false));
                assert_eq!(record.completed_after_all(number, at("10:31:00")), Once::Before);
            }
            _ => assert_eq!((once, ended.outcome, quarantined), (Once::Before, outcome, true)),
        }
        assert!(record.quarantined(&digest(2)).is_some(), "another image's");
    }
}

#[test]
fn what_succeeded_or_gave_way_is_not_quarantined() {
    for outcome in [Outcome::Completed, Outcome::Superseded, Outcome::External] {
        let mut record = Service::default();
        let (number, _) = record.add(deployment(1));
        record.end(number, outcome, at("10:04:00"), None);
        assert_eq!(record.quarantine, [], "{outcome}");
    }
}

#[test]
fn what_completes_by_force_is_not_quarantined_any_more() {
    fn check(revision: Option<&str>, failed_at: &str, outcome: Outcome, stays: bool) {
        let mut record = Service::default();
        let quarantined = |digest, revision: Option<&str>| Quarantined {
            repository: "shop/web".to_owned(),
            digest,
            revision: revision.map(str::to_owned),
            tag: None,
            cause: "exit code 1".to_owned(),
            at: at(failed_at),
        };
        let of_other = quarantined(digest(2), None);
        record.add_to_quarantine(of_other.clone());
        record.add_to_quarantine(quarantined(digest(1), revision));
        let (number, _) = record.add(same_image());
        record.end(number, outcome, at("10:30:00"), None);
        assert_eq!(record.quarantine.len() > 1, stays, "{revision:?} {failed_at} {outcome}");
        assert!(record.quarantine.contains(&of_other), "another image's");
    }
    let began_at = same_image().began_at().strftime("%T").to_string();
    check(None, &began_at, Outcome::Completed, false);
    check(None, &began_at, Outcome::Superseded, true);
    // An older deployment of it that ends late says nothing about the newer one that failed.
    check(None, "10:29:00", Outcome::Completed, true);
    check(Some("web:43"), &began_at, Outcome::Completed, false);
    check(Some("web:42"), &began_at, Outcome::Completed, true);
}

#[test]
fn how_somebody_elses_deployment_ended_is_kept_to_be_published() {
    let mut record = Service::default();
    let (number, _) = record.add(Deployment { trigger: Trigger::External, ..deployment(1) });
    assert_eq!(record.deployments[0].published_outcome(), None);
    assert_eq!(record.end(number, Outcome::RolledBackByEcs, at("10:30:00"), None), Once::Now);
    assert_eq!(record.end(number, Outcome::Stopped, at("10:31:00"), None), Once::Before);
    let it = &record.deployments[0];
    assert_eq!((it.outcome(), it.published_outcome()), (Some(Outcome::External), Some(Outcome::RolledBackByEcs)));
    assert_eq!(record.quarantine, []);
}

/// A deployment of image 1 that found it there already.
fn same_image() -> Deployment {
    let mut it = deployment(1);
    let image = it.image.as_mut().unwrap();
    image.old = Some(image.new.clone());
    it.revision.new = Some("web:43".to_owned());
    it
}

#[test]
fn where_only_the_definition_changed_the_revision_is_quarantined_and_not_the_image() {
    let ran = |digest| RanImage { container: "web".to_owned(), image: "shop/web".to_owned(), digest: Some(digest) };
    let known_good =
        KnownGood { revision: TaskDefinitionArn::new("web:42"), ran: vec![ran(digest(1))], at: at("09:00:00") };
    let mut record = Service::default();
    record.record_known_good(known_good.clone());
    let (number, _) = record.add(same_image());
    record.end(number, Outcome::RolledBackBySlipway, at("10:04:00"), Some("it did not end".to_owned()));
    assert_eq!(record.quarantined(&digest(1)), None);
    assert_eq!(record.quarantined_revision("web:43").map(|it| it.digest.clone()), Some(digest(1)));
    assert_eq!(record.quarantined_revision("web:42"), None);
    // Whoever releases the image means that too.
    assert!(record.release_image(&digest(1)));
    assert_eq!(record.quarantined_revision("web:43"), None);

    // It was there, but never ran well.
    let mut record = Service::default();
    let (number, _) = record.add(same_image());
    record.end(number, Outcome::TimedOut, at("10:04:00"), Some("it did not end".to_owned()));
    assert!(record.quarantined(&digest(1)).is_some() && record.quarantined_revision("web:43").is_none());

    // A deployment of it completed.
    let mut record = Service::default();
    let (number, _) = record.add(deployment(1));
    record.end(number, Outcome::Completed, at("10:02:00"), None);
    let (number, _) = record.add(same_image());
    record.end(number, Outcome::Failed, at("10:04:00"), None);
    assert!(record.quarantined(&digest(1)).is_none() && record.quarantined_revision("web:43").is_some());

    // Another image failed.
    let mut record = Service::default();
    record.record_known_good(known_good);
    let (number, _) = record.add(deployment(2));
    record.end(number, Outcome::Failed, at("10:04:00"), None);
    assert!(record.quarantined(&digest(2)).is_some());
}

#[test]
fn old_deployments_are_archived_but_never_before_their_end() {
    let mut record = Service::default();
    let (open, _) = record.add(deployment(1));
    let mut archived = Vec::new();
    for n in 2..=15 {
        let (number, dropped) = record.add(deployment(n));
        record.end(number, Outcome::Completed, at("10:04:00"), None);
        archived.extend(dropped.into_iter().map(|it| it.number));
    }
    assert_eq!(archived, [2, 3, 4, 5]);
    assert!(record.numbered(open).is_some());
}

#[test]
fn what_a_person_asked_for_is_a_decision_and_a_release_is_none() {
    let mut record = Service::default();
    let found = |trigger: Trigger| {
        let progress = Progress::of(DeploymentId::new(trigger.to_string()), at("10:00:01"));
        let state = DeploymentState::InProgress(progress);
        Deployment { who: Some("ana".to_owned()), state, ..Deployment::of(trigger, at("10:00:00")) }
    };
    for trigger in [Trigger::Push, Trigger::Reconcile, Trigger::Release, Trigger::Other("promotion".to_owned())] {
        record.add_observed(found(trigger)).unwrap();
        assert_eq!(record.decision, None);
    }
    for (trigger, what) in [
        (Trigger::Deploy, DecisionKind::Deploy),
        (Trigger::Redeploy, DecisionKind::Redeploy),
        (Trigger::Rollback, DecisionKind::Rollback),
    ] {
        record.add_observed(found(trigger)).unwrap();
        assert_eq!(record.decision.take().map(|it| (it.what, it.who)), Some((what, Some("ana".to_owned()))));
    }
}

#[test]
fn an_update_that_made_no_deployment_of_its_own_is_no_deployment_but_may_be_a_decision() {
    let began = Began {
        deployment: crate::model::id::DeploymentId::new("ecs-svc/1"),
        at: at("10:00:02"),
        revision: TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1"),
    };
    let mut record = Service::default();
    let (first, _) = record.add(deployment(1));
    record.began(first, &began);
    let asked = Deployment { trigger: Trigger::Rollback, intended_at: at("10:10:00"), ..deployment(2) };
    let (second, _) = record.add(asked);
    // ECS had gone back to it by then, so the service ran it already.
    record.began(second, &began);
    assert_eq!(record.deployments.iter().map(|it| it.number).collect::<Vec<_>>(), [first]);
    assert_eq!(record.decision.as_ref().map(|it| it.at), Some(at("10:10:00")));
    // The same once more changes nothing.
    let before = record.clone();
    record.began(first, &began);
    assert_eq!(record, before);
}

#[test]
fn what_slipway_registered_next_in_a_family_need_not_be_looked_at() {
    #[track_caller]
    fn check(definition: Option<&str>, revision: &str, seen: u64) {
        let family = Family { name: "web".to_owned(), seen: 43, base: Some(40), origin: None };
        let mut record = Service { family: Some(family), ..Service::default() };
        let made = Deployment { definition: definition.map(str::to_owned), ..deployment(1) };
        let (number, _) = record.add(made);
        let deployment = crate::model::id::DeploymentId::new("ecs-svc/1");
        let began = Began { deployment, at: at("10:00:02"), revision: TaskDefinitionArn::new(revision) };
        record.began(number, &began);
        assert_eq!(record.family.unwrap().seen, seen);
    }
    check(Some("web:40"), "web:44", 44);
    check(Some("web:40"), "web:45", 43);
    check(Some("web:40"), "api:44", 43);
    // A person goes back to a revision that somebody else registered.
    check(None, "web:44", 43);
}

#[test]
fn what_never_began_is_decided_again_and_a_release_stays_one() {
    let again = |trigger: Trigger| {
        let mut record = Service::default();
        let asked = Deployment {
            who: Some("ana".to_owned()),
            request_reason: Some("it is fixed".to_owned()),
            ..Deployment::of(trigger, at("10:00:00"))
        };
        let (number, _) = record.add(asked);
        record.never_began(number);
        assert_eq!(record.deployments, []);
        record.pending.pop().map(|it| (it.input.trigger, it.input.who, it.input.reason))
    };
    let by_ana = |trigger| Some((trigger, Some("ana".to_owned()), Some("it is fixed".to_owned())));
    assert_eq!(again(Trigger::Release), by_ana(Trigger::Release));
    assert_eq!(again(Trigger::Push), Some((Trigger::Reconcile, None, None)));
    assert_eq!(again(Trigger::Reconcile), Some((Trigger::Reconcile, None, None)));
    assert_eq!(again(Trigger::Deploy), None, "who asked is not asked again");
}
