use super::*;

#[track_caller]
fn check(request: &str, expected: &str) {
    let request: Value = serde_json::from_str(request).unwrap();
    let told = match parse(request.as_object().unwrap()) {
        Ok(request) => format!("{request:?}"),
        Err(mistakes) => mistakes.iter().map(|it| format!("{}: {}", it.path, it.text)).collect::<Vec<_>>().join("\n"),
    };
    assert_eq!(told, expected);
}

#[test]
fn a_right_request_is_read() {
    check(
        r#"{"action":"deploy","target":"prod/web","tag":"1.8.2","id":"build-7"}"#,
        r#"Request { action: Deploy(Tag(Tag("1.8.2")), No), targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: Some(EventId("build-7")), who: None }"#,
    );
    check(
        r#"{"action":"redeploy","target":["prod/web","prod/api","prod/web"],"dry_run":true}"#,
        r#"Request { action: Redeploy, targets: Named([TargetName("prod/web"), TargetName("prod/api")]), repository: None, run: Dry, id: None, who: None }"#,
    );
    check(
        r#"{"action":"status"}"#,
        r#"Request { action: Status(None), targets: All, repository: None, run: Real, id: None, who: None }"#,
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    check(
        r#"{"action":"deploy","target":[],"tag":7,"dryrun":true,"dry_run":"yes","id":""}"#,
        "dryrun: is not a key of deploy; its keys are \"action\", \"target\", \"repository\", \"tag\", \"digest\", \"force\", \"who\", \"dry_run\", \"id\"\n\
         tag: is a number, and must be a string\n\
         target: is an empty list; give \"cluster/service\", a list of such, or \"*\"\n\
         dry_run: is a string, and must be true or false\n\
         id: is empty; leave it out, or give a text of your own",
    );
    check(
        r#"{"action":"deploy"}"#,
        "tag: is missing; say which image: \"tag\": \"1.8.2\", or \"digest\"\n\
         target: is missing; give \"cluster/service\", a list of such, or \"*\"",
    );
    check(
        r#"{"action":"depoly","target":"*"}"#,
        "action: \"depoly\" is not an action; the actions are \"deploy\", \"redeploy\", \"rollback\", \"hold\", \"release\", \"reconcile\", \
         \"history\", \"explain\", \"status\"",
    );
    check(
        r#"{"action":"deploy","target":"prod/web","digest":"sha256:abc"}"#,
        "digest: \"sha256:abc\" is not a digest; digests are \"sha256:\" and 64 hexadecimal digits",
    );
    check(
        r#"{"action":"deploy","target":"prod/web","tag":"a","digest":"b"}"#,
        "digest: stands beside \"tag\"; give one of the two",
    );
}

#[test]
fn a_rollback_a_hold_and_a_release_are_read() {
    check(
        r#"{"action":"rollback","target":"prod/web","to":"web:41","who":"ana"}"#,
        r#"Request { action: Rollback(Some("web:41")), targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: None, who: Some("ana") }"#,
    );
    check(
        r#"{"action":"hold","target":"prod/web","reason":"a migration"}"#,
        r#"Request { action: Hold(Some("a migration")), targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: None, who: None }"#,
    );
    check(
        r#"{"action":"release","target":"prod/web","tag":"1.5.0"}"#,
        r#"Request { action: Release(Some(Tag(Tag("1.5.0"))), None), targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: None, who: None }"#,
    );
    check(
        r#"{"action":"release","target":"prod/web","reason":"the database is back","who":"ana"}"#,
        r#"Request { action: Release(None, Some("the database is back")), targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: None, who: Some("ana") }"#,
    );
    check(
        r#"{"action":"deploy","target":"prod/web","tag":"1.5.0","force":true}"#,
        r#"Request { action: Deploy(Tag(Tag("1.5.0")), Yes), targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: None, who: None }"#,
    );
}

#[test]
fn what_only_looks_means_every_target_where_it_names_none() {
    for (action, expected) in [("reconcile", "Reconcile"), ("history", "History(10)"), ("status", "Status(None)")] {
        check(
            &format!(r#"{{"action":"{action}"}}"#),
            &format!(
                "Request {{ action: {expected}, targets: All, repository: None, run: Real, id: None, who: None }}"
            ),
        );
    }
}

#[test]
fn the_mistakes_of_the_newer_actions_are_told_as_well() {
    check(
        r#"{"action":"rollback","to":"web","force":true}"#,
        "force: is not a key of rollback; its keys are \"action\", \"target\", \"to\", \"who\", \"dry_run\", \"id\"\n\
         to: \"web\" is not a revision; revisions look like \"web:41\"\n\
         target: is missing; give \"cluster/service\", a list of such, or \"*\"",
    );
    check(
        r#"{"action":"history","target":"prod/web","last":0,"who":""}"#,
        "who: is empty; leave it out, or give a text of your own\n\
         last: is 0, and must be a whole number from 1 to 100",
    );
    check(r#"{"action":"explain"}"#, "event: is missing; give an event as EventBridge sends it");
    check(r#"{"action":"explain","event":[]}"#, "event: is a list, and must be an event as EventBridge sends it");
    check(r#"{"action":"hold"}"#, "target: is missing; give \"cluster/service\", a list of such, or \"*\"");
    check(
        r#"{"action":"deploy","target":"prod/web","tag":"1.5.0","force":"yes"}"#,
        "force: is a string, and must be true or false",
    );
}

#[test]
fn an_action_that_is_not_named_is_asked_for() {
    const KNOWN: &str =
        r#""deploy", "redeploy", "rollback", "hold", "release", "reconcile", "history", "explain", "status""#;
    check(r#"{"target":"*"}"#, &format!("action: is missing; give one of {KNOWN}"));
    check(r#"{"action":1}"#, "action: is a number, and must be a string");
}
