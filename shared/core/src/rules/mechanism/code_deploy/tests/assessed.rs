//! From what CodeDeploy shows to the judgment: the one judge reads it as a deployment of ECS's own.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::*;
use crate::model::record;
use crate::rules::mechanism::{Assessment, Situation, Unrecorded, assess, its_service_deployment, unrecorded};
use crate::rules::situation::recorded;

/// What somebody could take for a person's doing, and isn't.
const DENIED: (&str, &str) =
    ("IAM_ROLE_PERMISSIONS", "The role lacks a permission. Contact your administrator to grant it to your users.");
const UNANSWERED: (&str, &str) = ("TIMEOUT", "The traffic was not rerouted manually in time.");

struct Case {
    sets: Vec<TaskSet>,
    deployments: Vec<CodeDeployment>,
    record: record::Service,
    now: &'static str,
}

/// d-NEW is recorded, and CodeDeploy and ECS show this.
fn case(sets: Vec<TaskSet>, deployments: impl Into<Vec<CodeDeployment>>) -> Case {
    let record = record::Service { deployments: vec![new_known(&json!({})), old_known()], ..Default::default() };
    Case { sets, deployments: deployments.into(), record, now: "10:21:00" }
}

fn old_known() -> record::Deployment {
    let members = json!({ "deployment": OLD, "outcome": "completed", "revision": { "new": "web:41" } });
    recorded(1, merged(members, &json!({ "intended_at": at("08:00:00") })))
}

fn new_known(more: &Value) -> record::Deployment {
    let members = json!({ "deployment": NEW, "began_at": at("10:00:02"), "revision": { "new": "web:42" } });
    recorded(2, merged(members, more))
}

fn merged(mut members: Value, more: &Value) -> Value {
    members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    members
}

impl Case {
    fn at(self, now: &'static str) -> Self {
        Self { now, ..self }
    }

    fn n(mut self, it: record::Deployment) -> Self {
        self.record.deployments[0] = it;
        self
    }

    fn failed_tasks(self, count: usize) -> Self {
        let tasks: Vec<String> = (0..count).map(|n| format!("task/{n}")).collect();
        self.n(new_known(&json!({ "failed_tasks": tasks })))
    }

    /// Slipway decided to stop it, and CodeDeploy took that then.
    fn slipway_stops(self, done: Option<&str>) -> Self {
        let failing = json!({ "at": at("10:19:58"), "cause": "its tasks stopped", "by": "tasks" });
        let rollback = json!({ "how": "stop", "to": "web:41", "at": at("10:19:59"), "done_at": done.map(at) });
        self.n(new_known(&json!({ "failing": failing, "rollback": rollback })))
    }

    fn judge(&self) -> Assessment {
        let service = described(self.sets.clone(), self.deployments.clone(), self.now);
        let history = service_deployments(&service, &shown(self.deployments.clone()), at(self.now));
        let deployment = &self.record.deployments[0];
        assess(&Situation {
            record: &self.record,
            deployment,
            event: None,
            service: &service,
            service_deployment: its_service_deployment(deployment, &service, &history),
            revisions: &HashMap::new(),
            history: &history,
            now: at(self.now),
        })
    }
}

#[track_caller]
fn row(situation: &str, case: Case, expected: &str) {
    let text = case.judge().to_string();
    assert_eq!(text.strip_prefix("it ").unwrap_or(&text), expected, "{situation}");
}

#[test]
fn it_takes_its_course() {
    row("it was just made", case(vec![old("PRIMARY")], [deployment(Created, "")]).at("10:00:10"), "is in progress");
    row("its tasks start", case(before(), [deployment(InProgress, "SI------")]), "is in progress");
    row("the traffic moves", case(before(), [deployment(InProgress, "SSSSSSI-")]), "is in progress");
    row("it takes all traffic", case(after(), [deployment(InProgress, SERVING)]), "is in progress");
    row("it won", case(vec![new("PRIMARY")], [deployment(Succeeded, SERVING)]), "ended: completed");
    row("it won, and the old tasks end", case(after(), [deployment(Succeeded, SERVING)]), "ended: completed");
    let newer = CodeDeployment { id: id("d-X"), created_at: Some(at("10:20:30")), ..deployment(Created, "") };
    let won = case(vec![new("PRIMARY")], [newer, deployment(Succeeded, SERVING)]);
    row("it won, and another one begins", won, "ended: completed");
}

#[test]
fn an_intent_took_effect_where_codedeploy_shows_its_revision() {
    let intended = |it: CodeDeployment| {
        let intent = recorded(2, json!({ "over": OLD, "revision": { "new": "web:42" } }));
        case(vec![old("PRIMARY")], [it]).n(intent).at("10:02:00")
    };
    row("it is there", intended(deployment(Created, "")), "began as d-NEW");
    let other = CodeDeployment { task_definition: Some(revision(43)), ..deployment(Created, "") };
    row("somebody else's is there", intended(other), "never began");
}

#[test]
fn time_runs_out_but_not_in_the_waiting_hour() {
    let late = |sets: Vec<TaskSet>, it: CodeDeployment| case(sets, [it]).at("10:31:00");
    let starts = TaskSet { running_count: 0, pending_count: 2, ..new("ACTIVE") };
    let never = late(vec![old("PRIMARY"), starts], deployment(InProgress, "SI------"));
    row("its tasks never run", never, "failed: its time is up");
    row("it never came to have any", late(vec![old("PRIMARY")], deployment(Queued, "")), "failed: its time is up");
    let settles = || late(before(), deployment(InProgress, "SI------"));
    row("its tasks run, and CodeDeploy does not see it", settles(), "is in progress, late, but all its tasks run");
    row("nor does it later", settles().at("11:01:00"), "failed: its time is up");
    let waits = "is in progress, in its bake time";
    row("the waiting hour", late(after(), deployment(InProgress, SERVING)), waits);
    row("it is of many hours", late(after(), deployment(InProgress, SERVING)).at("23:59:00"), waits);
    let ready = CodeDeployment { ready_minutes: Some(60), ..deployment(Ready, "SSSSS---") };
    row("it waits for somebody", late(before(), ready), "is in progress, and waits at a lifecycle hook");
    let mut shifts = deployment(InProgress, "SSSSSSI-");
    shifts.events[6].started_at = Some(at("10:25:00"));
    row("the traffic began to move lately", late(before(), shifts), "is in progress, late, but it progresses");
}

#[test]
fn its_tasks_are_counted_to_its_end() {
    let failed = "failed: too many of its tasks stopped";
    row("while they start", case(before(), [deployment(InProgress, "SI------")]).failed_tasks(3), failed);
    row("in the waiting hour", case(after(), [deployment(InProgress, SERVING)]).failed_tasks(3), failed);
    row("fewer", case(after(), [deployment(InProgress, SERVING)]).failed_tasks(2), "is in progress");
    row("it won", case(vec![new("PRIMARY")], [deployment(Succeeded, SERVING)]).failed_tasks(3), "ended: completed");
}

#[test]
fn it_fails_and_nobody_rolls_back() {
    // CodeDeploy's words need not say that it failed: its status does.
    for why in [HEALTH, DENIED] {
        let failed = |sets: Vec<TaskSet>, states: &str| case(sets, [ended(Failed, states, why, &[])]);
        row("the old tasks keep serving", failed(before(), INSTALLING), "ended: failed");
        row("its own are gone", failed(vec![old("PRIMARY")], INSTALLING), "ended: failed");
        row("it never had any", failed(vec![old("PRIMARY")], "F-------"), "ended: failed");
        row("it serves", failed(after(), "SSSSSSSF"), "failed, as ECS reports");
        row("it serves alone", failed(vec![new("PRIMARY")], "SSSSSSSF"), "failed, as ECS reports");
    }
    let on = ["DEPLOYMENT_FAILURE"];
    let late = |sets: Vec<TaskSet>| case(sets, [ended(Failed, "SSSSSSSF", HEALTH, &on)]).at("10:22:00");
    row("CodeDeploy is set to, and did not", late(after()), "failed, as ECS reports");
    row("the same, and the old tasks serve", late(before()), "ended: failed");
    row("an alarm", case(after(), [ended(Stopped, SERVING, ALARM, &[])]), "failed, as ECS reports");
    row("an alarm, and the old tasks serve", case(before(), [ended(Stopped, SHIFTING, ALARM, &[])]), "ended: failed");
    row("nobody let it go on", case(before(), [ended(Stopped, "SSSSS---", UNANSWERED, &[])]), "ended: failed");
}

#[test]
fn codedeploy_rolls_back_by_itself() {
    for (status, states, why, on) in [
        (Failed, INSTALLING, HEALTH, "DEPLOYMENT_FAILURE"),
        (Failed, SHIFTING, HEALTH, "DEPLOYMENT_FAILURE"),
        (Failed, SHIFTING, DENIED, "DEPLOYMENT_FAILURE"),
        (Failed, "SSSSSSSF", ("HOOK_EXECUTION_FAILURE", "A hook failed."), "DEPLOYMENT_FAILURE"),
        (Stopped, SHIFTING, ALARM, "DEPLOYMENT_STOP_ON_ALARM"),
        (Stopped, SERVING, ALARM, "DEPLOYMENT_STOP_ON_ALARM"),
        (Stopped, "SSSSS---", UNANSWERED, "DEPLOYMENT_STOP_ON_REQUEST"),
    ] {
        let it = || ended(status.clone(), states, why, &[on]);
        let (going, done) = ("failed, and ECS is rolling back", "ended: failed, rolled back by ECS");
        row(why.0, case(after(), [it()]), going);
        row(why.0, case(after(), and_back(it(), InProgress)), going);
        row(why.0, case(before(), and_back(it(), Succeeded)), done);
        row(why.0, case(vec![old("PRIMARY")], and_back(it(), Succeeded)), done);
        row(why.0, case(vec![set("PRIMARY", BACK, 41, "10:20:30")], and_back(it(), Succeeded)), done);
        row(why.0, case(after(), and_back(it(), Failed)), "ended: failed, and the rollback failed too");
    }
}

#[test]
fn somebody_stops_it() {
    let stopped = || ended(Stopped, SERVING, BY_USER, &[]);
    row("just now, and it may be rolled back", case(after(), [stopped()]), "failed, and somebody is rolling back");
    row("it is rolled back", case(after(), and_back(stopped(), InProgress)), "failed, and somebody is rolling back");
    row("it was rolled back", case(before(), and_back(stopped(), Succeeded)), "ended: stopped");
    row("without a rollback", case(after(), [stopped()]).at("10:22:00"), "ended: stopped");
    row("the same, and the old tasks serve", case(before(), [stopped()]).at("10:22:00"), "ended: stopped");
    let early = ended(Stopped, "--------", BY_USER, &[]);
    row("before it had tasks", case(vec![old("PRIMARY")], [early]), "ended: stopped");
    let silent = CodeDeployment { error: None, ..stopped() };
    row("CodeDeploy gives no reason", case(after(), [silent]).at("10:22:00"), "ended: stopped");
    let won = case(before(), and_back(deployment(Succeeded, SERVING), Succeeded));
    row("CodeDeploy says that it won, and nothing says who stopped it", won, "ended: stopped");
}

#[test]
fn slipway_stops_it() {
    let stopped = || ended(Stopped, SERVING, BY_USER, &[]);
    let by_slipway = |sets: Vec<TaskSet>, it: Vec<CodeDeployment>| case(sets, it).slipway_stops(Some("10:20:00"));
    let (going, done) = ("failed, and Slipway is rolling back", "ended: failed, rolled back by Slipway");
    row("CodeDeploy does not show it yet", by_slipway(after(), vec![deployment(InProgress, SERVING)]), going);
    row("it has stopped", by_slipway(after(), vec![stopped()]), going);
    row("it is rolled back", by_slipway(after(), and_back(stopped(), InProgress)), going);
    row("it was rolled back", by_slipway(before(), and_back(stopped(), Succeeded)), done);
    row("it says that it won", by_slipway(before(), and_back(deployment(Succeeded, SERVING), Succeeded)), done);
    let own = vec![set("PRIMARY", BACK, 41, "10:20:30")];
    row("with tasks of its own", by_slipway(own, and_back(stopped(), Succeeded)), done);
    let failed = by_slipway(after(), and_back(stopped(), Failed));
    row("the rollback failed", failed, "ended: failed, and the rollback failed too");
    row(
        "nothing had succeeded before, so that CodeDeploy made no rollback: the old tasks serve",
        by_slipway(before(), vec![ended(Stopped, SHIFTING, BY_USER, &[])]).at("10:23:00"),
        done,
    );
    row("it won before", by_slipway(vec![new("PRIMARY")], vec![deployment(Succeeded, SERVING)]), "ended: completed");
    let decided = case(after(), [deployment(InProgress, SERVING)]).slipway_stops(None);
    row("it was decided, and never sent", decided, "failed, and its rollback is decided but not under way");
}

#[test]
fn what_nobody_recorded_is_found_and_a_rollback_is_not_taken_for_it() {
    #[track_caller]
    fn check(known: &[record::Deployment], sets: Vec<TaskSet>, it: Vec<CodeDeployment>, expected: Option<&str>) {
        let service = described(sets, it, "10:21:00");
        let found = unrecorded(&Unrecorded {
            record: &record::Service { deployments: known.to_vec(), ..Default::default() },
            service: &service,
            revisions: &HashMap::new(),
            repositories: &[],
            settings: &record::DeploymentSettings::default(),
            now: at("10:21:00"),
        });
        let found = found.map(|it| (it.is_external(), it.id().cloned()));
        assert_eq!(found, expected.map(|expected| (true, Some(id(expected)))));
    }
    let old_is_known = [old_known()];
    check(&old_is_known, vec![old("PRIMARY")], vec![deployment(Created, "")], Some(NEW));
    check(&old_is_known, before(), vec![deployment(InProgress, "SI------")], Some(NEW));
    check(&old_is_known, vec![new("PRIMARY")], vec![deployment(Succeeded, SERVING)], Some(NEW));
    let failed = || ended(Failed, SHIFTING, HEALTH, &[]);
    check(&old_is_known, after(), and_back(failed(), InProgress), Some(NEW));
    // What failed and changed nothing is not worth a record.
    check(&old_is_known, before(), vec![failed()], None);

    let both_are = [new_known(&json!({})), old_known()];
    let own = || vec![set("PRIMARY", BACK, 41, "10:20:30")];
    check(&both_are, before(), vec![deployment(InProgress, "SI------")], None);
    check(&both_are, after(), and_back(failed(), InProgress), None);
    check(&both_are, before(), and_back(failed(), Succeeded), None);
    check(&both_are, own(), and_back(failed(), Succeeded), None);
    check(&old_is_known, own(), and_back(failed(), Succeeded), None);
}
