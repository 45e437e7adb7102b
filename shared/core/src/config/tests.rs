use insta::assert_snapshot;

use super::*;
use crate::model::id::TargetName;
use crate::model::image::Tag;
use crate::model::record::RollbackMode;

mod code_deploy;

const WHOLE: &str = r#"
version: 1
defaults:
  cluster: prod
  tags: { semver: "*" }
  environment: { APP_VERSION: "{tag}", LOG: info }
targets:
  - repository: shop/web
    service: web
    tags: { semver: ">=1.4, <2", ignore: ["*-dev"] }
    containers: [web, sidekiq]
    base: family
    environment: { LOG: "{\"level\": \"{tag}\"}", DIGEST: "{digest}" }
  - repository: 210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop/proxy
    service: web
    containers: [proxy]
  - repository: 123456789012.dkr-ecr.eu-west-1.on.aws/shop/web
    service: web
    cluster: staging
    tags: { tag: main }
"#;

fn home() -> Home {
    Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy").unwrap()
}

fn config(document: &str) -> Config {
    Config::parse(document).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The mistakes of a document as people read them.
fn mistakes(document: &str) -> String {
    Config::parse(document).map(|_| ()).expect_err("a wrong document").to_string()
}

/// The mistakes of a document with one right target besides what is given.
fn mistakes_of_target(keys: &str) -> String {
    let keys = keys.replace('\n', "\n    ");
    mistakes(&format!(
        "version: 1\ndefaults: {{ cluster: prod, tags: {{ semver: '*' }} }}\ntargets:\n  - repository: shop/web\n    service: web\n    {keys}\n"
    ))
}

#[test]
fn a_document_is_read_with_its_defaults() {
    let config = config(WHOLE);
    let [web, proxy, staging] = config.targets() else { panic!("{config:?}") };
    assert_eq!(web.name, TargetName::new("prod/web"));
    assert_eq!(web.tags.to_string(), r#"semver ">=1.4, <2""#);
    assert!(web.tags.admits(&Tag::parse("1.5.0").unwrap()).is_ok());
    assert_eq!(web.containers, [ContainerName::new("web"), ContainerName::new("sidekiq")]);
    assert_eq!(web.base, Base::Family);
    assert_eq!(
        web.environment,
        [("APP_VERSION", "{tag}"), ("LOG", r#"{"level": "{tag}"}"#), ("DIGEST", "{digest}")]
            .map(|(name, value)| (name.to_owned(), Template::new(value)))
    );
    assert_eq!(proxy.name, web.name);
    assert_eq!(proxy.tags.to_string(), r#"semver "*""#);
    assert_eq!(proxy.base, Base::Service);
    assert_eq!(proxy.environment.len(), 2);
    assert_eq!(staging.name, TargetName::new("staging/web"));
    assert_eq!(staging.tags.to_string(), r#"tag "main""#);
}

#[test]
fn what_counts_for_a_deployments_life_is_read_with_its_defaults() {
    let config = config(
        "version: 1
defaults: { cluster: prod, tags: { semver: '*' }, rollback: off, deadline: 2h, settle: 10s }
targets:
  - { repository: shop/web, service: web, max_failed_tasks: 5, settle: 3 }
  - { repository: shop/api, service: api, rollback: auto, deadline: 45m }
",
    );
    let [web, api] = config.targets() else { panic!("{config:?}") };
    let settings = |rollback, deadline_seconds, max_failed_tasks| DeploymentSettings {
        rollback,
        deadline_seconds,
        max_failed_tasks,
    };
    assert_eq!((&web.settings, web.settle), (&settings(RollbackMode::Off, 7200, Some(5)), 3));
    assert_eq!((&api.settings, api.settle), (&settings(RollbackMode::Auto, 2700, None), 10));
}

#[test]
fn a_wrong_length_of_time_is_reported_with_a_right_one() {
    assert_snapshot!(
        mistakes_of_target("rollback: maybe\ndeadline: 30\nmax_failed_tasks: 0\nsettle: 10m"),
        @r#"
    targets[0].rollback: "maybe" is no way to roll back; write auto, notify or off (line 6)
    targets[0].deadline: "30" is no length of time; write a number and s, m or h, such as 30m (line 7)
    targets[0].max_failed_tasks: 0 is no number of tasks to stop at; write 1 or more, or leave the key out (line 8)
    targets[0].settle: is not between 0s and 2m; write one such as 10s (line 9)
    "#
    );
    assert_snapshot!(mistakes_of_target("deadline: 48h\nsettle: soon\nrollback:"), @r#"
    targets[0].deadline: is not between 1m and 24h; write one such as 30m (line 6)
    targets[0].settle: "soon" is no length of time; write a number and s, m or h, such as 10s (line 7)
    targets[0].rollback: has no word; write auto, notify or off (line 8)
    "#);
}

#[test]
fn targets_are_found_by_repository_however_it_is_written() {
    let config = config(WHOLE);
    let found = |name: &str| {
        let targets = config.of_repository(&Repository::at_home(name, &home()), &home());
        targets.iter().map(|target| target.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found("shop/web"), ["prod/web", "staging/web"]);
    assert_eq!(found("shop/proxy"), [""; 0], "the proxy's is another account's");
    assert_eq!(found("web"), [""; 0]);

    let elsewhere = Home::of_arn("arn:aws:lambda:eu-west-1:210987654321:function:slipway-deploy").unwrap();
    let proxy = Repository::at_home("shop/proxy", &elsewhere);
    assert_eq!(config.of_repository(&proxy, &home()).len(), 1);
}

#[test]
fn targets_are_found_by_name() {
    let config = config(WHOLE);
    assert_eq!(config.of_name(&TargetName::new("prod/web")).len(), 2);
    assert_eq!(config.of_name(&TargetName::new("prod/api")).len(), 0);
    assert_eq!(config.names().map(TargetName::as_str).collect::<Vec<_>>(), ["prod/web", "staging/web"]);

    let nearest = |name| config.nearest(name);
    assert_eq!(nearest("prod/wbe"), Some("prod/web"));
    assert_eq!(nearest("stagin/web"), Some("staging/web"));
    assert_eq!(nearest("payments/worker"), None);
    let one = config_of_one("prod/api");
    assert_eq!(one.nearest("api"), Some("prod/api"));
}

fn config_of_one(name: &str) -> Config {
    let (cluster, service) = name.split_once('/').unwrap();
    config(&format!(
        "version: 1\ntargets: [{{repository: shop/web, service: {service}, cluster: {cluster}, tags: {{semver: '*'}}}}]"
    ))
}

#[test]
fn json_is_read_too() {
    let document = "{\n\t\"version\": 1,\n\t\"targets\": [{\n\t\t\"repository\": \"shop/web\", \"service\": \"web\", \"cluster\": \"prod\",\
        \n\t\t\"tags\": {\"numerical\": {\"pattern\": \"^build-(?P<v>\\\\d+)$\"}},\
        \n\t\t\"environment\": {\"PATH\": \"\\/\", \"SHIP\": \"\\ud83d\\udea2\", \"N\": \"\"}\n\t}]\n}\n";
    let config = config(document);
    let [target] = config.targets() else { panic!("{config:?}") };
    assert_eq!(target.tags.to_string(), r"numerical '^build-(?P<v>\d+)$'");
    let values = target.environment.iter().map(|(_, value)| value.clone());
    assert!(values.eq(["/", "🚢", ""].map(Template::new)));
}

#[test]
fn the_version_of_a_document_is_its_text() {
    let one = config_of_one("prod/web");
    assert_eq!(one.version(), config_of_one("prod/web").version());
    assert_ne!(one.version(), config_of_one("prod/api").version());
    assert_eq!(one.version().len(), 12);
    assert_eq!(Config::parse("").unwrap_err().version, "e3b0c44298fc");
}

#[test]
fn anchors_and_aliases_are_read() {
    let config = config(
        "version: 1\ntargets:\n  - {repository: shop/web, service: web, cluster: prod, tags: &releases {semver: '>=1'}}\n  \
         - {repository: shop/api, service: api, cluster: prod, tags: *releases}\n",
    );
    assert_eq!(config.targets()[1].tags.to_string(), r#"semver ">=1""#);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let document = r#"
version: 1
default: {}
targets:
  - repository: Shop/Web
    sevice: web
    cluster: arn:aws:ecs:eu-west-1:123456789012:cluster/prod
    tags: { semver: ">=1.x.y", ignore: ["dev/*", ok] }
  - just text
  - repository: shop/api
    service: api
    tags: { semver: 1.10, newest: {pattern: 'x'} }
    containers: [web, web, "side car"]
    base: famly
    environment: [A]
"#;
    insta::assert_snapshot!(mistakes(document), @r#"
    default: is not a known key; did you mean `defaults`? (line 3)
    targets[0].repository: "Shop/Web" is no repository; a name is of lower-case letters, digits and . _ - /, such as "shop/web" (line 5)
    targets[0].sevice: is not a known key; did you mean `service`? (line 6)
    targets[0].cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/prod" is an ARN; write the cluster's name alone, "prod" (line 7)
    targets[0].tags.ignore[0]: "dev/*" matches no tag, since no tag has a '/'; a glob is made of a tag's characters, * for any text and ? for one character, such as "*-dev" (line 8)
    targets[0].tags.semver: ">=1.x.y" is not a version range; try ">=1, <2" (line 8)
    targets[1]: a text stands where a map is expected; write {repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}} (line 9)
    targets[2].cluster: is missing; write the ECS cluster's name, such as cluster: prod, here or under the document's `defaults` (line 10)
    targets[2].tags.semver: 1.10 without quotes is a number in YAML; write "1.10" (line 12)
    targets[2].tags: semver and newest are given; exactly one of them decides, so keep one (line 12)
    targets[2].containers[1]: web is named twice; keep one (line 13)
    targets[2].containers[2]: "side car" is no name of a container: ECS allows letters, digits, - and _ there, and no ' ' (line 13)
    targets[2].base: "famly" is no base; write service or family (line 14)
    targets[2].environment: a list stands where a map is expected; write {APP_VERSION: "{tag}"} (line 15)
    "#);
}

#[test]
fn the_version_is_reported_first() {
    let reported: Vec<String> = [
        "version: 2\nrules: []\n",
        "targets: []\n",
        "version: '1'\ntargets: []\n",
        "version: one\ntargets: []\n",
        "version: 1.0\ntargets: []\n",
    ]
    .map(mistakes)
    .into();
    insta::assert_snapshot!(reported.join("\n---\n"), @r#"
    version: 2 is not known to this release of Slipway; write version: 1, which it knows (line 1)
    ---
    version: is missing; write version: 1 (line 1)
    targets: has no entry, so nothing would ever be deployed; write [{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}] (line 1)
    ---
    version: "1" in quotes is a text; write 1 (line 1)
    targets: has no entry, so nothing would ever be deployed; write [{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}] (line 2)
    ---
    version: one is not a whole number; write 1 (line 1)
    targets: has no entry, so nothing would ever be deployed; write [{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}] (line 2)
    ---
    version: 1.0 is not a whole number; write 1 (line 1)
    targets: has no entry, so nothing would ever be deployed; write [{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}] (line 2)
    "#);
}

#[test]
fn a_document_without_targets_is_wrong() {
    let reported: Vec<String> = [
        "",
        "# nothing yet\n",
        "version: 1\n",
        "version: 1\ntargets:\n",
        "version: 1\ntargets: []\n",
        "version: 1\ntargets: {}\n",
        "- version: 1\n",
        "hello\n",
    ]
    .map(mistakes)
    .into();
    insta::assert_snapshot!(reported.join("\n---\n"), @r#"
    the document is empty; it begins with "version: 1" and a list of `targets` (line 1)
    ---
    the document is empty; it begins with "version: 1" and a list of `targets` (line 1)
    ---
    targets: is missing; write a list such as [{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}] (line 1)
    ---
    targets: has no value; write [{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}] (line 2)
    ---
    targets: has no entry, so nothing would ever be deployed; write [{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}] (line 2)
    ---
    targets: a map stands where a list is expected; write [{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}] (line 2)
    ---
    a list stands where a map is expected; write "version: 1" and a list of `targets` (line 1)
    ---
    a text stands where a map is expected; write "version: 1" and a list of `targets` (line 1)
    "#);
}

#[test]
fn what_a_target_lacks_is_reported() {
    insta::assert_snapshot!(mistakes("version: 1\ntargets: [{}]\n"), @r#"
    targets[0].repository: is missing; write where the images come from, such as repository: shop/web (line 2)
    targets[0].service: is missing; write the ECS service's name, such as service: web (line 2)
    targets[0].cluster: is missing; write the ECS cluster's name, such as cluster: prod, here or under the document's `defaults` (line 2)
    targets[0].tags: is missing; write which tags are deployed, such as tags: {semver: ">=1, <2"}, here or under the document's `defaults` (line 2)
    "#);
    insta::assert_snapshot!(mistakes("version: 1\ndefaults: {service: web, cluster: }\ntargets: [{repository: shop/web, tags: {}}]\n"), @r#"
    defaults.cluster: has no value; write the cluster's name (line 2)
    defaults.service: is each target's own; write it there (line 2)
    targets[0].service: is missing; write the ECS service's name, such as service: web (line 3)
    targets[0].tags: does not say which tags are deployed; write {semver: ">=1, <2"}, or one of tag, numerical, alphabetical, newest (line 3)
    "#);
}

#[test]
fn a_key_that_needs_another_says_so() {
    let document = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" }, base: family, deploy_definition_changes: true }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/web, service: api, base: service }
  - { repository: shop/web, service: job, base: service, deploy_definition_changes: true }
  - { repository: shop/web, service: old, base: service, deploy_definition_changes: false }
  - { repository: shop/web, service: new, deploy_definition_changes: yes }
  - { repository: shop/web, service: odd, deploy_definition_changes: "true" }
"#;
    insta::assert_snapshot!(mistakes(document), @r#"
    targets[1].deploy_definition_changes: needs `base: family`, because only a family can get a new definition; add that, or write deploy_definition_changes: false (line 6)
    targets[2].deploy_definition_changes: needs `base: family`, because only a family can get a new definition; add that, or write deploy_definition_changes: false (line 7)
    targets[4].deploy_definition_changes: yes is neither true nor false; write one of them (line 9)
    targets[5].deploy_definition_changes: "true" in quotes is a text; write true (line 10)
    "#);
}

#[test]
fn yaml_s_surprises_are_explained() {
    let reported: Vec<String> = [
        "tags: { tag: 1.10 }",
        "tags: { tag: 12e4567 }",
        "tags: { tag: }",
        "cluster: yes",
        "environment: { A: {tag}, B: 8080, C: true, D: , E: [x] }",
        "tags: { semver: '*', ignore: [!*cache*, 7] }",
        "tags: { semver: '*', ignore: [*-dev, '*-rc'] }",
        "<<: {}",
        "containers: web",
        "base: !!str family\nenvironment: !env {}",
    ]
    .map(mistakes_of_target)
    .into();
    insta::assert_snapshot!(reported.join("\n---\n"), @r#"
    targets[0].tags.tag: 1.10 without quotes is a number in YAML; write "1.10" (line 6)
    ---
    targets[0].tags.tag: 12e4567 without quotes is a number in YAML; write "12e4567" (line 6)
    ---
    targets[0].tags.tag: has no value; write "prod" (line 6)
    ---
    targets[0].cluster: yes without quotes is a truth value in YAML; write "yes" (line 6)
    ---
    targets[0].environment.A: {tag} without quotes is a map in YAML; write "{tag}" (line 6)
    targets[0].environment.B: 8080 without quotes is a number in YAML; write "8080" (line 6)
    targets[0].environment.C: true without quotes is a truth value in YAML; write "true" (line 6)
    targets[0].environment.D: has no value; write a text in quotes, "" for an empty one (line 6)
    targets[0].environment.E: a list stands where a text is expected; write a text in quotes, "" for an empty one (line 6)
    ---
    targets[0].tags.ignore[0]: !*cache* without quotes is one of YAML's tags, which mean nothing here; write "!*cache*" (line 6)
    targets[0].tags.ignore[1]: 7 without quotes is a number in YAML; write "7" (line 6)
    ---
    *-dev without quotes is one of YAML's aliases, and nothing has that name; write "*-dev" (line 6)
    ---
    targets[0]: YAML's merge keys (<<) are not read; put what targets share under the document's `defaults` (line 6)
    ---
    targets[0].containers: one text stands where a list is expected; write ["web"] (line 6)
    ---
    targets[0].environment: !env without quotes is one of YAML's tags, which mean nothing here; leave it out (line 7)
    "#);
}

#[test]
fn a_policy_says_exactly_one_rule() {
    let reported: Vec<String> = [
        "tags: prod",
        "tags: '>=1.4'",
        "tags: {}",
        "tags: { ignore: ['*-dev'] }",
        "tags: { tag: prod, semver: '*', newest: {pattern: x} }",
        "tags: { smever: '*' }",
        "tags: { tag: 'a b' }",
        "tags: { tag: main-dev, ignore: ['*-dev'] }",
        "tags: { numerical: '^build-(?P<v>\\d+)$' }",
        "tags: { numerical: {} }",
        "tags: { numerical: {pattern: '^build-\\d+$', latern: x} }",
        "tags: { alphabetical: {pattern: '^(?P<version>.*)$'} }",
        "tags: { newest: {pattern: '*'} }",
        "tags: { newest: [] }",
        "tags: { semver: '*', ignore: '*-dev' }",
    ]
    .map(mistakes_of_target)
    .into();
    insta::assert_snapshot!(reported.join("\n---\n"), @r#"
    targets[0].tags: says "prod" but not how tags are chosen; write {tag: "prod"} (line 6)
    ---
    targets[0].tags: says ">=1.4" but not how tags are chosen; write {semver: ">=1.4"} (line 6)
    ---
    targets[0].tags: does not say which tags are deployed; write {semver: ">=1, <2"}, or one of tag, numerical, alphabetical, newest (line 6)
    ---
    targets[0].tags: does not say which tags are deployed; write {semver: ">=1, <2"}, or one of tag, numerical, alphabetical, newest (line 6)
    ---
    targets[0].tags: tag and semver and newest are given; exactly one of them decides, so keep one (line 6)
    ---
    targets[0].tags.smever: is not a known key; did you mean `semver`? (line 6)
    ---
    targets[0].tags.tag: "a b" is no image tag; a tag is of letters, digits and . _ -, such as "prod" (line 6)
    ---
    targets[0].tags.ignore[0]: "*-dev" leaves out the tag "main-dev" that is to be deployed; leave one of the two out (line 6)
    ---
    targets[0].tags.numerical: one text stands where a map is expected; write {pattern: '^build-(?P<v>\d+)$'} (line 6)
    ---
    targets[0].tags.numerical: has no pattern; write {pattern: '^build-(?P<v>\d+)$'} (line 6)
    ---
    targets[0].tags.numerical.latern: is not a known key; did you mean `pattern`? (line 6)
    targets[0].tags.numerical.pattern: '^build-\d+$' has no group named v around what is ordered; write it like '^build-(?P<v>\d+)$' (line 6)
    ---
    targets[0].tags.alphabetical.pattern: '^(?P<version>.*)$' has no group named v around what is ordered; write it like '^release-(?P<v>.+)$' (line 6)
    ---
    targets[0].tags.newest.pattern: '*' is not a regular expression: uncounted repetition operator must be applied to a sub-expression; to match any text write '.*', not '*' (line 6)
    ---
    targets[0].tags.newest: a list stands where a map is expected; write {pattern: '^[0-9a-f]{40}$'} (line 6)
    ---
    targets[0].tags.ignore: one text stands where a list is expected; write ["*-dev"] (line 6)
    "#);
}

#[test]
fn keys_may_come_once() {
    insta::assert_snapshot!(
        mistakes("version: 1\nversion: 1\ntargets:\n  - repository: shop/web\n    service: web\n    cluster: prod\n    tags: {semver: '*', semver: '1'}\n    environment: {A: x, A: y}\n    service: api\n"),
        @r#"
    version: comes twice in the same map; keep one (line 2)
    targets[0].tags.semver: comes twice in the same map; keep one (line 7)
    targets[0].environment.A: comes twice in the same map; keep one (line 8)
    targets[0].service: comes twice in the same map; keep one (line 9)
    "#
    );
}

#[test]
fn two_entries_may_not_contradict_each_other() {
    let target = |rest: &str| format!("  - {{cluster: prod, service: web, tags: {{semver: '*'}}, {rest}}}\n");
    let document = format!(
        "version: 1\ntargets:\n{}{}{}{}{}{}",
        target("repository: shop/web"),
        target("repository: shop/web"),
        target("repository: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web"),
        target("repository: shop/proxy, containers: [proxy, envoy]"),
        target("repository: shop/envoy, containers: [envoy]"),
        "  - {cluster: staging, service: web, tags: {semver: '*'}, repository: shop/web}\n",
    );
    insta::assert_snapshot!(mistakes(&document), @r#"
    targets[1]: deploys shop/web to prod/web, as targets[0] (line 3) does already; keep one of the two (line 4)
    targets[2]: deploys shop/web to prod/web by another name of the repository than targets[0] (line 3); keep one of the two, or write both repositories as full URIs (line 5)
    targets[4]: sets the container envoy of prod/web, as targets[3] (line 6) does already; name it in one of the two (line 7)
    "#);
}

#[test]
fn a_mistake_in_the_defaults_is_reported_once() {
    let document = "version: 1\ndefaults: {cluster: a b, tags: {semver: x}, repository: shop/web}\ntargets:\n  \
        - {repository: shop/web, service: web}\n  - {repository: shop/api, service: api}\n";
    insta::assert_snapshot!(mistakes(document), @r#"
    defaults.cluster: "a b" is no name of a cluster: ECS allows letters, digits, - and _ there, and no ' ' (line 2)
    defaults.repository: is each target's own; write it there (line 2)
    "#);
}

#[test]
fn what_is_not_yaml_is_reported_with_its_line_and_column() {
    let reported: Vec<String> = [
        "version: 1\ntargets:\n\t- repository: shop/web\n",
        "version: 1\ntargets:\n  - repository: \"shop/web\n    service: web\n",
        "version: 1\ntargets:\n  - repository: shop/web\n   service: web\n",
        "version:1\ntargets:\n  - repository: shop/web\n",
        "version: 1\ntargets: [{repository: shop/web}\n",
        "a: b: c\n",
        "a: @x\n",
        "pattern: \"^\\d+$\"\n",
        "{\"version\": 1}x",
        "version: 1\n---\nversion: 1\n",
    ]
    .map(mistakes)
    .into();
    insta::assert_snapshot!(reported.join("\n---\n"), @r#"
    the document is not YAML: tabs disallowed within this context (block indentation) at column 2; indent with spaces, not with tabs (line 3)
    ---
    the document is not YAML: invalid indentation in quoted scalar at column 17; a quote is not closed (line 3)
    ---
    the document is not YAML: while parsing a block collection, did not find expected '-' indicator at column 4; keys that belong together begin in the same column (line 4)
    ---
    the document is not YAML: mapping values are not allowed in this context at column 8; a value with a colon needs quotes, and a key needs a space after its colon (line 2)
    ---
    the document is not YAML: while parsing a flow sequence, expected ',' or ']' at column 1; a bracket or a brace is not closed (line 3)
    ---
    the document is not YAML: mapping values are not allowed in this context at column 5; a value with a colon needs quotes, and a key needs a space after its colon (line 1)
    ---
    the document is not YAML: unexpected character: `@' at column 4; put the value in quotes (line 1)
    ---
    the document is not YAML: while parsing a quoted scalar, found unknown escape character at column 10; in double quotes a backslash escapes, so write patterns in single quotes (line 1)
    ---
    the document is not YAML: did not find expected <document start> at column 15; nothing stands after the document's end (line 1)
    ---
    a second document begins here; everything stands in one, without `---` between (line 2)
    "#);
}

#[test]
fn no_document_can_exhaust_us() {
    let deep = format!("version: 1\ntargets: {}", "[".repeat(100_000));
    insta::assert_snapshot!(mistakes(&deep), @"the document is not YAML: recursion limit exceeded at column 265; see what stands before it, too (line 2)");

    let mut laughs = String::from("a0: &a0 [x, x]\n");
    for level in 1..30 {
        laughs += &format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n", level - 1);
    }
    insta::assert_snapshot!(mistakes(&laughs), @"the aliases of this document copy too much; write less by `defaults` (line 11)");
}

#[test]
fn a_target_names_the_channels_that_get_notices() {
    let config = Config::parse(
        r##"
version: 1
defaults: { cluster: prod, tags: { semver: '*' }, notify: [{ slack: "#deploys" }] }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/proxy, service: web, containers: [proxy], notify: [{ slack: "#incidents", on: [failed, rolled_back] }] }
  - { repository: shop/api, service: api, notify: [] }
"##,
    )
    .unwrap();
    let reported = |name: &str| {
        let routes = config.routes(&TargetName::new(name)).into_iter();
        routes.map(|route| format!("{} {}", route.slack, route.on.join(" "))).collect::<Vec<_>>()
    };
    assert_eq!(reported("prod/web"), ["#deploys ", "#incidents failed rolled_back"]);
    assert_eq!(reported("prod/api"), [""; 0]);
}

#[test]
fn a_wrong_channel_is_reported_with_what_would_be_right() {
    assert_snapshot!(
        mistakes_of_target("notify: [{slack: deploys}, {slak: \"#a\"}, {slack: \"#B\", on: [faild]}, {slack: \"#c\", on: []}]"),
        @r##"
    targets[0].notify[0].slack: "deploys" lacks the # of a channel's name; write "#deploys" (line 6)
    targets[0].notify[1].slak: is not a known key; did you mean `slack`? (line 6)
    targets[0].notify[2].slack: "#B" is no channel of Slack; write its name in lower case, such as "#deploys", or its id (line 6)
    targets[0].notify[2].on[0]: "faild" is no kind of notice; did you mean failed? (line 6)
    targets[0].notify[3].on: is empty, so that nothing would be sent; leave the key out to mean everything (line 6)
    "##
    );
    assert_snapshot!(mistakes_of_target("notify:\n- slack: #deploys"), @r##"targets[0].notify[0].slack: has no value; write "#deploys" (line 7)"##);
}
