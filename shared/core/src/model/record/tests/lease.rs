//! Who may update the service, and what waits for that.

use super::*;

#[test]
fn only_one_holds_the_lease_and_its_own_next_try_takes_it_over() {
    let mut record = Service::default();
    let until = at("10:05:00");
    let first = record.acquire("a", at("10:00:00"), until).unwrap();
    assert_eq!(record.acquire("b", at("10:04:59"), at("10:09:59")), Err(Busy { until }));
    let again = record.acquire("a", at("10:01:00"), at("10:06:00")).unwrap();
    assert!(again > first);
    assert_eq!(record.check(first), Err(Lost));
    assert_eq!(record.check(again), Ok(()));

    // Expired, and nobody took it: still its holder's. Then somebody does.
    assert_eq!(record.let_go(first), Err(Lost));
    let other = record.acquire("b", at("10:06:00"), at("10:11:00")).unwrap();
    assert_eq!(record.let_go(again), Err(Lost));
    assert_eq!(record.let_go(other), Ok(vec![]));
    assert_eq!(record.lease, None);
}

#[test]
fn an_input_that_nothing_blocks_keeps_the_lease_from_being_let_go() {
    let mut record = Service::default();
    let fence = record.acquire("a", at("10:00:00"), at("10:05:00")).unwrap();
    record.leave(input("1"));
    record.leave(input("1"));
    assert_eq!(record.let_go(fence), Ok(vec![input("1")]));
    assert_eq!(record.unblocked().collect::<Vec<_>>(), [&input("1")]);
    record.served(&[input("1")]);
    record.block(input("2"), Blocked::Deployment);
    record.served(&[input("2")]);
    assert_eq!(record.let_go(fence), Ok(vec![]), "what is blocked stays, and keeps no lease");
    record.unblock(at("10:00:00"));
    assert_eq!(record.unblocked().collect::<Vec<_>>(), [&input("2")]);
}

#[test]
fn what_blocks_an_input_is_over_with_a_deployment_or_with_time() {
    let unblocked = |blocked: Blocked, now: &str| {
        let mut record = Service::default();
        record.block(input("1"), blocked);
        assert_eq!(record.unblocked().count(), 0);
        record.unblock(at(now));
        record.unblocked().count() == 1
    };
    let settling = Blocked::Settling { until: at("10:01:00") };
    assert!(unblocked(Blocked::Deployment, "10:00:00"));
    assert!(unblocked(Blocked::Retry, "10:00:00"));
    assert!(!unblocked(settling, "10:00:59"));
    assert!(unblocked(settling, "10:01:00"));

    // The event comes once more while it is blocked: it is decided once more.
    let mut record = Service::default();
    record.block(input("1"), settling);
    record.leave(input("1"));
    assert_eq!(record.pending, [Pending { input: input("1"), blocked: None }]);
    let written = serde_json::to_value(Pending { input: input("1"), blocked: Some(settling) }).unwrap();
    assert_eq!(written["blocked"], json!({ "by": "settling", "until": at("10:01:00") }));
    let unknown = json!({ "event": "1", "at": at("10:00:00"), "blocked": { "by": "the moon" } });
    assert_eq!(serde_json::from_value::<Pending>(unknown).unwrap().blocked, None);
}
