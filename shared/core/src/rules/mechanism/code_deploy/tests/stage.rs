//! How far a deployment is by its lifecycle events, and what it waits for.

use super::*;
use crate::rules::mechanism::{Stage, observe_again, pause, stage};

fn described_as(it: CodeDeployment) -> ServiceDeploymentFacts {
    let all = service_deployments(&service(after()), &shown([it]), at("10:21:00"));
    all.into_iter().next().unwrap()
}

#[test]
fn lifecycle_events_tell_the_stage() {
    #[track_caller]
    fn check(states: &str, expected: &str) {
        let it = described_as(deployment(InProgress, states));
        assert_eq!(stage(&it).map(Stage::name), Some(expected), "{states}");
    }
    check("", "preparing");
    check("IPPPPPPP", "preparing");
    check("SIPPPPPP", "scaling_up");
    check("SSIPPPPP", "scaling_up");
    check("SSSIPPPP", "test_traffic");
    check("SSSSIPPP", "test_traffic");
    check("SSS--IPP", "ready");
    check("SSSSSIPP", "ready");
    check("SSSSSSIP", "shifting");
    check("SSSSSSSI", "serving");
    check(SERVING, "baking");
    // Nobody says whether an event without a hook succeeds or is skipped.
    check("-S----S-", "baking");
}

#[test]
fn the_waiting_hour_begins_with_its_last_event() {
    let it = CodeDeployment { termination_minutes: 45, ..deployment(InProgress, SERVING) };
    assert_eq!(stage(&described_as(it)), Some(Stage::Baking { until: Some(at("10:54:00")) }));
    let shifting = CodeDeployment { traffic: Some(20), ..deployment(InProgress, "SSSSSSI-") };
    assert_eq!(stage(&described_as(shifting)), Some(Stage::Shifting { percent: Some(20) }));
}

#[test]
fn what_waits_for_somebody_is_paused() {
    let ready = CodeDeployment { ready_minutes: Some(30), ..deployment(Ready, "SSSSSPPP") };
    let it = described_as(ready.clone());
    let hook = pause(&it).unwrap();
    assert_eq!((hook.until, hook.then), (Some(at("10:36:00")), OnTimeout::RollsBack));
    assert_eq!(stage(&it), Some(Stage::Ready));
    assert_eq!(pause(&described_as(CodeDeployment { status: InProgress, ..ready })), None);
    // What waits before it ends the old tasks waits for nobody.
    assert_eq!(pause(&described_as(deployment(Ready, SERVING))), None);
}

#[test]
fn it_is_observed_again_although_its_events_may_not_come() {
    #[track_caller]
    fn check(deployments: impl Into<Vec<CodeDeployment>>, expected: Option<&str>) {
        let all = service_deployments(&service(after()), &shown(deployments), at("10:21:00"));
        assert_eq!(observe_again(&all[0], at("10:21:00")), expected.map(at));
    }
    check([deployment(InProgress, "SI------")], Some("10:22:00"));
    check([deployment(InProgress, SERVING)], Some("10:26:00"));
    check([deployment(Succeeded, SERVING)], None);
    let failed = || ended(Failed, SHIFTING, HEALTH, &[]);
    check(and_back(failed(), Succeeded), None);
    check([failed()], None);
}

#[test]
fn a_rollback_is_part_of_what_it_rolls_back() {
    let older = CodeDeployment { id: id(OLD), created_at: Some(at("08:00:00")), ..deployment(Succeeded, SERVING) };
    let mut read = and_back(ended(Stopped, SERVING, ALARM, &[]), InProgress);
    read.insert(0, older);
    let all = service_deployments(&service(after()), &shown(read), at("10:21:00"));
    let [new, old] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((new.arn.as_str(), old.arn.as_str()), (NEW, OLD));
    assert_eq!((new.rollback_at, new.finished_at), (Some(at("10:20:05")), Some(at("10:20:00"))));
    assert_eq!(new.says(), Some("ALARM_ACTIVE: One or more alarms have been activated."));
    assert_eq!((old.rollback_at, old.says()), (None, None));
    assert_eq!(new.key().map(|key| key.id()), Some(id(NEW)));
}
