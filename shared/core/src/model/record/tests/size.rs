//! What a record loses before it is too large to be written.

use super::*;

/// A push of this tag at that second.
fn pushed(second: i64) -> PendingInput {
    let at = at("10:00:00") + jiff::SignedDuration::from_secs(second);
    PendingInput { tag: Tag::parse(&format!("1.5.{second}")), at, ..input(&format!("push-{second}")) }
}

#[test]
fn fifty_pushes_are_pending_at_most_and_one_input_to_decide_again() {
    let state = |record: &Service| {
        let pushes: Vec<i64> = record
            .pending
            .iter()
            .filter(|it| it.input.tag.is_some())
            .map(|it| it.input.at.duration_since(at("10:00:00")).as_secs())
            .collect();
        let again = record.pending.iter().filter(|it| it.input.tag.is_none());
        let again: Vec<_> = again.map(|it| (it.input.event.to_string(), it.blocked.is_some())).collect();
        (pushes, again)
    };
    let mut record = Service::default();
    (0..50).for_each(|second| record.leave(pushed(second)));
    assert_eq!(state(&record), ((0..50).collect(), Vec::new()));
    record.leave(pushed(49));
    assert_eq!(state(&record).0.len(), 50, "the same one again");
    // The oldest go, in whatever order they come.
    (50..60).rev().for_each(|second| record.leave(pushed(second)));
    let (mut pushes, again) = state(&record);
    pushes.sort_unstable();
    assert_eq!((pushes, again), ((10..60).collect(), vec![("instead-of-push-0".to_owned(), false)]));
    assert_eq!(record.pending.iter().find(|it| it.input.tag.is_none()).unwrap().input.trigger, Trigger::Reconcile);
    // One that is older than all of them is not kept either.
    record.leave(PendingInput { at: at("09:00:00"), ..input("late") });
    assert!(record.pending.iter().all(|it| it.input.event != EventId::new("late")));

    // What waits is decided again when what it waits for is over.
    let mut record = Service::default();
    (0..55).for_each(|second| record.block(pushed(second), Blocked::Deployment));
    let (pushes, again) = state(&record);
    assert_eq!((pushes, again), ((5..55).collect(), vec![("instead-of-push-0".to_owned(), true)]));
    assert_eq!(record.unblocked().count(), 0);
}

#[test]
fn a_record_that_is_too_large_loses_lists_first_and_deployments_last() {
    let failed = |n: u8| {
        let mut failed = deployment(n);
        let failing = json!({ "at": at("10:01:00"), "cause": "its tasks stopped" });
        let progress = json!({ "deployment": format!("ecs-svc/{n}"), "began_at": at("10:00:00"), "failing": failing });
        failed.state = serde_json::from_value(json!({ "in_progress": progress })).unwrap();
        failed.failed_tasks = vec!["task/1".to_owned()];
        failed.warnings = vec!["SERVICE_TASK_START_IMPAIRED".to_owned()];
        failed
    };
    let mut record = Service::default();
    for n in 1..=3 {
        record.add(failed(n));
        if n < 3 {
            record.end(u64::from(n), Outcome::Failed, at("10:02:00"), None);
        }
    }
    (0..20).for_each(|n| {
        record.tag_pushed(TagPush { digest: digest(n), tag: Tag::parse("1").unwrap(), at: at("10:00:00") })
    });
    (0..20).for_each(|n| record.record_published(None, &n.to_string()));
    let sizes = |record: &Service| {
        let lists = |n: u64| record.numbered(n).map(|it| it.failed_tasks.len() + it.warnings.len());
        ([1, 2, 3].map(lists), record.tag_pushes.len(), record.published.len())
    };
    let (full, empty) = (Some(2), Some(0));
    assert_eq!(sizes(&record), ([full, full, full], 20, 20));
    let mut steps = Vec::new();
    while let Some(dropped) = record.shrink() {
        steps.push((sizes(&record), dropped.iter().map(|it| it.number).collect::<Vec<_>>()));
    }
    assert_eq!(
        steps,
        [
            (([empty, full, full], 20, 20), vec![]),
            (([empty, empty, full], 20, 20), vec![]),
            (([empty, empty, full], 10, 20), vec![]),
            (([empty, empty, full], 10, 10), vec![]),
            (([None, empty, full], 10, 10), vec![1]),
            (([None, None, full], 10, 10), vec![2]),
        ]
    );
    assert_eq!(record.deployments[0].failing().unwrap().cause, "its tasks stopped");
    assert_eq!(record.quarantine.len(), 2, "what is kept away stays away");
}
