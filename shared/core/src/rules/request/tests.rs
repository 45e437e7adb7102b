use super::*;

#[track_caller]
fn check(request: &str, expected: &str) {
    let request: Value = serde_json::from_str(request).unwrap();
    let answer = match parse(request.as_object().unwrap()) {
        Ok(request) => format!("{request:?}"),
        Err(mistakes) => mistakes.iter().map(|it| format!("{}: {}", it.path, it.text)).collect::<Vec<_>>().join("\n"),
    };
    assert_eq!(answer, expected);
}

#[test]
fn a_right_request_is_read() {
    check(
        r#"{"action":"deploy","target":"prod/web","tag":"1.8.2","id":"build-7"}"#,
        r#"Request { action: Deploy { image: Tag(Tag("1.8.2")), force: false }, targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: Some(EventId("build-7")), who: None }"#,
    );
    check(
        r#"{"action":"redeploy","target":["prod/web","prod/api","prod/web"],"dry_run":true}"#,
        r#"Request { action: Redeploy, targets: Named([TargetName("prod/web"), TargetName("prod/api")]), repository: None, run: Dry, id: None, who: None }"#,
    );
    check(
        r#"{"action":"status"}"#,
        r#"Request { action: Status(None), targets: All, repository: None, run: Real, id: None, who: None }"#,
    );
    check(
        r#"{"action":"redeploy","target":"*","dry_run":false}"#,
        r#"Request { action: Redeploy, targets: All, repository: None, run: Real, id: None, who: None }"#,
    );
    for last in [1, 100] {
        check(
            &format!(r#"{{"action":"history","target":"prod/web","last":{last}}}"#),
            &format!(
                r#"Request {{ action: History({last}), targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: None, who: None }}"#
            ),
        );
    }
}

#[test]
fn every_mistake_is_reported_at_once() {
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
        "action: \"depoly\" is not an action; the actions are \"deploy\", \"redeploy\", \"rollback\", \"hold\", \"continue\", \"release\", \"reconcile\", \
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
        r#"Request { action: Deploy { image: Tag(Tag("1.5.0")), force: true }, targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: None, who: None }"#,
    );
}

#[test]
fn a_build_says_what_it_waits_for_and_what_it_accepts() {
    let asked = |question: &str| {
        format!(
            r#"Request {{ action: Status(Some(ImageQuestion {{ image: Tag(Tag("1.5.0")), {question} }})), targets: Named([TargetName("prod/web")]), repository: None, run: Real, id: None, who: None }}"#
        )
    };
    check(r#"{"action":"status","target":"prod/web","tag":"1.5.0"}"#, &asked("accept: [], wait_for: Completed"));
    check(
        r#"{"action":"status","target":"prod/web","tag":"1.5.0","accept":["skipped","superseded"],"for":"serving"}"#,
        &asked("accept: [Skipped, Superseded], wait_for: Serving"),
    );
    check(
        r#"{"action":"status","target":"prod/web","tag":"1.5.0","accept":[],"for":"completed"}"#,
        &asked("accept: [], wait_for: Completed"),
    );
    check(
        r#"{"action":"status","accept":["skipped"],"for":"serving"}"#,
        "accept: is about an image; name it by \"tag\" or \"digest\"\n\
         for: is about an image; name it by \"tag\" or \"digest\"",
    );
    check(
        r#"{"action":"status","tag":"1.5.0","accept":["failed","skipped",1],"for":"running"}"#,
        "accept[0]: is \"failed\", and must be one of \"skipped\", \"superseded\"\n\
         accept[2]: is 1, and must be one of \"skipped\", \"superseded\"\n\
         for: \"running\" cannot be waited for; give one of \"serving\", \"completed\"",
    );
    check(
        r#"{"action":"status","tag":"1.5.0","accept":"skipped","for":true}"#,
        "accept: is a string, and must be a list of \"skipped\", \"superseded\"\n\
         for: is a truth value, and must be a string",
    );
}

#[test]
fn every_request_may_have_an_id() {
    for verb in Verb::VARIANTS {
        assert!(verb.keys().contains(&Key::Id), "{verb:?}");
    }
}

#[test]
fn what_only_reads_means_every_target_where_it_names_none() {
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
fn the_mistakes_of_the_newer_actions_are_reported_as_well() {
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
    const KNOWN: &str = r#""deploy", "redeploy", "rollback", "hold", "continue", "release", "reconcile", "history", "explain", "status""#;
    check(r#"{"target":"*"}"#, &format!("action: is missing; give one of {KNOWN}"));
    check(r#"{"action":1}"#, "action: is a number, and must be a string");
}

#[test]
fn an_action_goes_by_its_word() {
    for action in ["redeploy", "rollback", "hold", "continue", "release", "reconcile", "history", "status"] {
        let request = serde_json::json!({ "action": action, "target": "prod/web" });
        assert_eq!(parse(request.as_object().unwrap()).unwrap().action.name(), action);
    }
}

/// prod/web runs shop/web and shop/proxy, prod/api runs shop/api.
const SERVICES: &str = "
version: 1
defaults: { cluster: prod, tags: { semver: '*' }, rollback: auto }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/proxy, service: web }
  - { repository: shop/api, service: api }
";

/// The entries that a request means, or its mistakes.
fn resolved(request: &str, document: &str) -> String {
    let request: Value = serde_json::from_str(request).unwrap();
    let request = parse(request.as_object().unwrap()).unwrap();
    let config = Config::parse(document).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy").unwrap();
    match resolve(&request, &config, &home) {
        Ok(entries) => {
            let entry = |it: &&Target| format!("{} of {}", it.name, it.repository.at(&home).name);
            entries.iter().map(entry).collect::<Vec<_>>().join(", ")
        }
        Err(mistakes) => mistakes.iter().map(|it| format!("{}: {}", it.path, it.text)).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn a_request_means_the_entries_of_its_targets() {
    #[track_caller]
    fn check(request: &str, expected: &str) {
        assert_eq!(resolved(request, SERVICES), expected);
    }
    check(r#"{"action":"redeploy","target":"prod/web"}"#, "prod/web of shop/web, prod/web of shop/proxy");
    check(
        r#"{"action":"redeploy","target":"*"}"#,
        "prod/web of shop/web, prod/web of shop/proxy, prod/api of shop/api",
    );
    check(r#"{"action":"status","target":"*","repository":"shop/api"}"#, "prod/api of shop/api");
    check(
        r#"{"action":"deploy","target":"prod/web","repository":"shop/proxy","tag":"1.5.0"}"#,
        "prod/web of shop/proxy",
    );
    check(r#"{"action":"deploy","target":"prod/api","tag":"1.5.0"}"#, "prod/api of shop/api");
    check(
        r#"{"action":"deploy","target":"prod/web","tag":"1.5.0"}"#,
        "target: prod/web runs images of several repositories; add \"repository\" to the request: shop/web, shop/proxy",
    );
    check(
        r#"{"action":"deploy","target":"prod/web","repository":"shop/api","tag":"1.5.0"}"#,
        "target: prod/web does not run images of shop/api, but of shop/web, shop/proxy",
    );
    check(
        r#"{"action":"redeploy","target":"prod/wbe"}"#,
        "target: there is no target \"prod/wbe\"; did you mean \"prod/web\"? the targets are \"prod/web\", \"prod/api\"",
    );
    check(
        r#"{"action":"redeploy","target":["prod/web","staging/other"]}"#,
        "target[1]: there is no target \"staging/other\"; the targets are \"prod/web\", \"prod/api\"",
    );
}

#[test]
fn of_many_targets_twenty_are_named() {
    let document = |count: usize| {
        let targets: String =
            (1..=count).map(|it| format!("  - {{ repository: shop/s{it}, service: s{it} }}\n")).collect();
        format!(
            "version: 1\ndefaults: {{ cluster: prod, tags: {{ semver: '*' }}, rollback: auto }}\ntargets:\n{targets}"
        )
    };
    let ends = |count: usize| resolved(r#"{"action":"redeploy","target":"staging/other"}"#, &document(count));
    assert!(ends(20).ends_with(r#""prod/s20""#), "{}", ends(20));
    assert!(ends(21).ends_with(r#""prod/s20" and 1 more"#), "{}", ends(21));
}
