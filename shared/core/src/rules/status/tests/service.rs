//! How prod/web stands: what runs, what is under way, and what is pending.

use super::*;

#[test]
fn what_is_pending_is_shown_with_what_it_waits_for() {
    let open = json!({ "deadline": at("12:30:00") });
    let behind = idle().record(&[("ecs-svc/7", 'c', open)]).pending("1.5.0", json!({ "by": "deployment" })).record;
    let waiting = Memory::of(&TargetName::new("prod/web"), Ok(&behind)).waiting;
    let reason = StatusReason::Pending(Some(Blocked::Deployment));
    let expected = Waiting { tag: Some(tag("1.5.0")), since: at("12:00:00"), reason, until: Some(at("12:30:00")) };
    assert_eq!(waiting, [expected]);
    assert_eq!(Memory::of(&TargetName::new("prod/web"), Ok(&idle().record)).waiting, []);
}

#[test]
fn what_waits_for_a_deployment_waits_until_that_has_baked() {
    let until = |blocked: serde_json::Value| {
        let open = json!({ "deadline": at("12:30:00") });
        let mut case = deploying().record(&[("ecs-svc/2", 'c', open)]);
        case = case.at_stage("BAKE_TIME", "IN_PROGRESS").pending("1.5.0", blocked);
        if let Some(stage) = &mut case.stage {
            (stage.bake_minutes, stage.updated_at) = (Some(60), Some(at("12:20:00")));
        }
        case.status().memory.unwrap().waiting[0].until
    };
    assert_eq!(until(json!({ "by": "deployment" })), Some(at("13:20:00")));
    assert_eq!(until(json!({ "by": "retry" })), None);
}

#[test]
fn what_is_under_way_comes_with_its_state() {
    #[track_caller]
    fn check(case: Case, expected: Option<&str>) {
        let shown = case.status().in_flight.map(|it| {
            format!("{} {} {}", it.state, it.revision, it.image.map(|image| image.to_string()).unwrap_or_default())
        });
        assert_eq!(shown.as_deref(), expected);
    }
    check(deploying(), Some("in_progress web:42 1.5.0"));
    check(rolling_back(), Some("rolling_back web:42 1.5.0"));
    check(failed(), Some("failed web:42 1.5.0"));
    check(idle(), None);
    check(without_rollout_state(), None);
}

#[test]
fn what_runs_is_what_completed_last_by_the_tag_that_slipway_wrote_down() {
    #[track_caller]
    fn check(case: Case, expected: Option<&str>) {
        let running = case.status().running.unwrap();
        assert_eq!(running.image.map(|image| image.to_string()).as_deref(), expected);
    }
    let runs = |revision: Revision| Case { revisions: vec![revision], ..idle() };
    check(idle(), Some("1.4.2"));
    check(deploying(), Some("1.4.2"));
    check(deploying_alone(), Some("1.5.0"));
    let bare = || revision(41, &[("web", pinned('a'))]);
    check(runs(bare()), Some("sha256:aaaaaaaaaaaa"));
    check(runs(revision(41, &[("web", "shop/web:prod".to_owned())])), Some("prod"));
    // What Slipway wrote of another image, or for another repository.
    let job = || revision(41, &[("web", pinned('a')), ("job", format!("shop/job@{}", digest('b')))]);
    check(runs(ours(job(), Some("1.5.0"), 'b', None)), Some("sha256:aaaaaaaaaaaa"));
    let for_api = running().tags.into_iter().map(|(key, value)| (key, value.replace("shop/web", "shop/api"))).collect();
    check(runs(Revision { tags: for_api, ..bare() }), Some("sha256:aaaaaaaaaaaa"));
    // The container that is named may run another repository's image.
    let named =
        |revision: Revision| Case { target: target("tags: { semver: '*' }, containers: [web]"), ..runs(revision) };
    check(named(revision(41, &[("web", format!("shop/api@{}", digest('a')))])), None);
    check(named(bare()), Some("sha256:aaaaaaaaaaaa"));
}
