//! The traps that others fell into, one by one; the random definitions are in [`random`].

use serde_json::{Value, json};

use crate::config::{Target, Template};
use crate::model::facts::Revision;
use crate::model::id::{ContainerName, EventId, TaskDefinitionArn};
use crate::model::image::{Digest, Repository, Tag};
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::model::trigger::Trigger;
use crate::rules::render::{self, Rendering, containers_of, render};
use crate::rules::situation::versions;

mod random;

const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const DIGEST: &str = "sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6";

/// What a test renders: `shop/web`, unless it says otherwise.
struct Edit<'a> {
    repository: Repository,
    containers: &'a [&'a str],
    environment: &'a [(&'a str, &'a str)],
    provenance: Provenance,
}

impl Default for Edit<'_> {
    fn default() -> Self {
        Self { repository: web(), containers: &[], environment: &[], provenance: provenance() }
    }
}

impl Edit<'_> {
    fn render(&self, base: &Revision) -> Result<Rendering, Reason> {
        let target = Target {
            containers: self.containers.iter().map(|name| ContainerName::new(*name)).collect(),
            environment: self
                .environment
                .iter()
                .map(|(name, value)| (name.to_string(), Template::new(*value)))
                .collect(),
            ..versions()
        };
        render(base, &target, &self.repository, &target.containers, &self.provenance)
    }
}

fn web() -> Repository {
    Repository::parse(&format!("{HOST}/shop/web")).unwrap()
}

fn provenance() -> Provenance {
    Provenance {
        repository: "shop/web".to_owned(),
        tag: Tag::parse("1.5.0"),
        digest: Digest::parse(DIGEST).unwrap(),
        pushed_at: Some("2026-11-21T10:15:30Z".parse().unwrap()),
        event: EventId::new("2c91b0f5-8d21"),
        trigger: Trigger::Push,
        request: None,
        previous: Some("shop-web:41".to_owned()),
        definition: None,
    }
}

fn revision(definition: &str) -> Revision {
    let definition: Value = serde_json::from_str(definition).unwrap();
    Revision {
        arn: TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/shop-web:41"),
        definition: definition.as_object().unwrap().clone(),
        tags: vec![],
    }
}

fn containers(containers: Value) -> Revision {
    revision(&json!({ "family": "shop-web", "containerDefinitions": containers }).to_string())
}

fn tagged(mut revision: Revision, tags: &[(&str, &str)]) -> Revision {
    revision.tags = tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    revision
}

fn fargate() -> Revision {
    revision(include_str!("fargate.json"))
}

/// The lines of `new` that are not in `old` and the other way round, in order.
fn line_diff(old: &Value, new: &Value) -> String {
    let (old, new) = (serde_json::to_string_pretty(old).unwrap(), serde_json::to_string_pretty(new).unwrap());
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    // The longest common subsequence from each pair of places on.
    let mut longest = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i][j] = match old[i] == new[j] {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && longest[i + 1][j] >= longest[i][j + 1]) {
            lines.push(format!("- {}", old[i].trim()));
            i += 1;
        } else {
            lines.push(format!("+ {}", new[j].trim()));
            j += 1;
        }
    }
    lines.join("\n")
}

/// Rendering `shop/web` into these containers gives those.
#[track_caller]
fn check(edit: &Edit<'_>, given: Value, expected: Value) {
    let rendering = edit.render(&containers(given)).unwrap();
    let body: Value = serde_json::from_str(&rendering.json()).unwrap();
    assert_eq!(body["containerDefinitions"].to_string(), expected.to_string());
}

#[track_caller]
fn check_refusal(edit: &Edit<'_>, base: &Revision, expected: Reason) {
    assert_eq!(edit.render(base), Err(expected));
}

fn pinned() -> String {
    format!("{HOST}/shop/web@{DIGEST}")
}

#[test]
fn of_a_large_definition_only_the_chosen_lines_change() {
    let base = tagged(fargate(), &[("team", "shop"), ("aws:cloudformation:stack-name", "shop")]);
    let edit = Edit { environment: &[("APP_VERSION", "1.5.0")], ..Edit::default() };
    let rendering = edit.render(&base).unwrap();
    let names: Vec<_> = rendering.containers.iter().map(ContainerName::as_str).collect();
    assert_eq!(names, ["web", "migrate"]);
    assert_eq!(rendering.family(), "shop-web");
    insta::assert_snapshot!(line_diff(&Value::Object(base.definition.clone()), &Value::Object(rendering.body.clone())), @r#"
    - "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop-web:41",
    - "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4.2",
    + "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6",
    - "value": "1.4.2"
    + "value": "1.5.0"
    - "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4.2",
    + "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6",
    - "environment": [],
    + "environment": [
    + {
    + "name": "APP_VERSION",
    + "value": "1.5.0"
    + }
    + ],
    - "revision": 41,
    - "status": "ACTIVE",
    - "requiresAttributes": [
    - {
    - "name": "com.amazonaws.ecs.capability.docker-remote-api.1.19"
    - },
    - {
    - "name": "ecs.capability.efsAuth"
    - }
    - ],
    - "compatibilities": [
    - "EC2",
    - "FARGATE"
    - ],
    - "registeredAt": 1.7885412015e+9,
    - "registeredBy": "arn:aws:sts::123456789012:assumed-role/terraform/ci",
    - }
    + },
    + "tags": [
    + {
    + "key": "team",
    + "value": "shop"
    + },
    + {
    + "key": "slipway:event",
    + "value": "2c91b0f5-8d21"
    + },
    + {
    + "key": "slipway:digest",
    + "value": "sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6"
    + },
    + {
    + "key": "slipway:tag",
    + "value": "1.5.0"
    + },
    + {
    + "key": "slipway:trigger",
    + "value": "push"
    + },
    + {
    + "key": "slipway:previous",
    + "value": "shop-web:41"
    + },
    + {
    + "key": "slipway:pushed-at",
    + "value": "2026-11-21T10:15:30Z"
    + },
    + {
    + "key": "slipway:repository",
    + "value": "shop/web"
    + }
    + ]
    "#);
    insta::assert_snapshot!(rendering.diff, @r"
    web      image                    …/shop/web:1.4.2 → …/shop/web@sha256:1bc04b5291c2
    web      environment APP_VERSION  changed (value not shown)
    migrate  image                    …/shop/web:1.4.2 → …/shop/web@sha256:1bc04b5291c2
    migrate  environment APP_VERSION  added (value not shown)
    ");
}

#[test]
fn what_is_sent_has_the_form_of_what_came() {
    let text = concat!(
        r#"{"family":"shop-web","zeta":1.0,"alpha":[1e3,1E-3,-0,0.10,123456789012345678901234567890],"#,
        r#""containerDefinitions":[{"image":"IMAGE","name":"web","essential":true}],"empty":{"":[[],{},"",null]}}"#
    );
    let base = revision(&text.replace("IMAGE", &format!("{HOST}/shop/web:1.4.2")));
    let mut rendering = Edit::default().render(&base).unwrap();
    rendering.body.shift_remove("tags");
    // The one liberty that the JSON library takes: an exponent is written `e` with its sign.
    let expected = text.replace("IMAGE", &pinned()).replace("1e3", "1e+3").replace("1E-3", "1e-3");
    assert_eq!(rendering.json(), expected);
}

#[test]
fn read_only_members_are_left_out_at_the_top_and_nowhere_else() {
    let mut definition = json!({ "family": "shop-web", "volumes": [{ "name": "v", "status": "kept" }] });
    for member in Revision::READ_ONLY {
        definition[member] = json!("stripped");
    }
    let mut web = json!({ "name": "web", "image": format!("{HOST}/shop/web:1") });
    for member in Revision::READ_ONLY {
        web[member] = json!("kept");
    }
    definition["containerDefinitions"] = json!([web]);
    let json = Edit::default().render(&revision(&definition.to_string())).unwrap().json();
    assert!(!json.contains("stripped"), "{json}");
    assert_eq!(json.matches("kept").count(), Revision::READ_ONLY.len() + 1);
}

#[test]
fn a_container_is_hit_by_its_repository_not_by_a_part_of_its_name() {
    let others = [
        json!({ "name": "api-worker", "image": format!("{HOST}/shop/web-worker:1") }),
        json!({ "name": "short", "image": format!("{HOST}/web:1") }),
        json!({ "name": "hub", "image": "shop/web:1" }),
        json!({ "name": "region", "image": "123456789012.dkr.ecr.eu-west-2.amazonaws.com/shop/web:1" }),
        json!({ "name": "account", "image": "210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1" }),
        json!({ "name": "port", "image": "localhost:5000/shop/web" }),
        json!({ "name": "text", "image": format!("https://{HOST}/shop/web:1") }),
        json!({ "name": "none" }),
    ];
    let with = |image: &str| {
        let mut all = others.to_vec();
        all.push(json!({ "name": "web", "image": image }));
        Value::Array(all)
    };
    check(&Edit::default(), with(&format!("{HOST}/shop/web:1")), with(&pinned()));
}

#[test]
fn web_and_sidekiq_share_an_image_and_the_sidecar_stays() {
    let with = |image: &str| {
        json!([
            { "name": "log-router", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable" },
            { "name": "web", "image": image },
            { "name": "sidekiq", "image": image, "command": ["sidekiq"] },
        ])
    };
    check(&Edit::default(), with(&format!("{HOST}/shop/web:1.4.2")), with(&pinned()));
}

#[test]
fn the_host_form_that_stands_there_is_kept() {
    for host in ["123456789012.dkr-ecr.eu-west-1.on.aws", "123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com"] {
        let old = Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
        for given in [format!("{host}/shop/web"), format!("{host}/shop/web:1@{old}"), format!("{host}/shop/web@{old}")]
        {
            check(
                &Edit::default(),
                json!([{ "name": "web", "image": given }]),
                json!([{ "name": "web", "image": format!("{host}/shop/web@{DIGEST}") }]),
            );
        }
    }
}

#[test]
fn a_named_container_gets_the_image_whatever_it_had() {
    let named = Edit { containers: &["web"], ..Edit::default() };
    for given in ["nginx:latest", "amazon/amazon-ecs-sample", "localhost:5000/img", "not an image", ""] {
        check(
            &named,
            json!([{ "name": "other", "image": given }, { "name": "web", "image": given }]),
            json!([{ "name": "other", "image": given }, { "name": "web", "image": pinned() }]),
        );
    }
    check(&named, json!([{ "name": "web" }]), json!([{ "name": "web", "image": pinned() }]));

    let china = Repository::parse("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop/web").unwrap();
    check(
        &Edit { repository: china.clone(), ..named },
        json!([{ "name": "web", "image": "nginx" }]),
        json!([{ "name": "web", "image": format!("{china}@{DIGEST}") }]),
    );
}

#[test]
fn only_named_containers_are_touched_even_if_others_share_the_image() {
    let image = format!("{HOST}/shop/web:1.4.2");
    check(
        &Edit { containers: &["sidekiq"], environment: &[("A", "1")], ..Edit::default() },
        json!([{ "name": "web", "image": image }, { "name": "sidekiq", "image": image }]),
        json!([
            { "name": "web", "image": image },
            { "name": "sidekiq", "image": pinned(), "environment": [{ "name": "A", "value": "1" }] },
        ]),
    );
}

#[test]
fn environment_is_set_in_place() {
    let image = format!("{HOST}/shop/web:1.4.2");
    let edit = Edit { environment: &[("B", "new=1,2"), ("D", "")], ..Edit::default() };
    check(
        &edit,
        json!([{ "name": "web", "environment": [
            { "name": "A", "value": "a" },
            { "name": "B", "value": "b", "inventedByAws": true },
            { "value": "c", "name": "C" },
        ], "image": image, "secrets": [{ "name": "E", "valueFrom": "e" }] }]),
        json!([{ "name": "web", "environment": [
            { "name": "A", "value": "a" },
            { "name": "B", "value": "new=1,2", "inventedByAws": true },
            { "value": "c", "name": "C" },
            { "name": "D", "value": "" },
        ], "image": pinned(), "secrets": [{ "name": "E", "valueFrom": "e" }] }]),
    );
    let set = json!([{ "name": "B", "value": "new=1,2" }, { "name": "D", "value": "" }]);
    for nothing in [json!(null), json!([])] {
        check(
            &edit,
            json!([{ "environment": nothing, "name": "web", "image": image }]),
            json!([{ "environment": set, "name": "web", "image": pinned() }]),
        );
    }
    check(
        &edit,
        json!([{ "name": "web", "image": image }]),
        json!([{ "name": "web", "image": pinned(), "environment": set }]),
    );
}

#[test]
fn a_variable_that_a_secret_gives_is_refused() {
    let base = containers(json!([{
        "name": "web",
        "image": format!("{HOST}/shop/web:1"),
        "secrets": [{ "name": "APP_VERSION", "valueFrom": "/shop/version" }],
    }]));
    check_refusal(
        &Edit { environment: &[("APP_VERSION", "1.5.0")], ..Edit::default() },
        &base,
        Reason::SetBySecret { container: ContainerName::new("web"), variable: "APP_VERSION".to_owned() },
    );
}

#[test]
fn a_dummy_image_needs_its_container_named() {
    let base = containers(json!([{ "name": "web", "image": "nginx:latest" }, { "name": "log" }]));
    let listed =
        vec![(ContainerName::new("web"), "nginx:latest".to_owned()), (ContainerName::new("log"), String::new())];
    check_refusal(
        &Edit::default(),
        &base,
        Reason::NoContainer { repository: format!("{HOST}/shop/web"), containers: listed },
    );
    check_refusal(
        &Edit { containers: &["app", "web", "api"], ..Edit::default() },
        &base,
        Reason::UnknownContainer {
            missing: vec![ContainerName::new("app"), ContainerName::new("api")],
            known: vec![ContainerName::new("web"), ContainerName::new("log")],
        },
    );
}

#[test]
fn named_containers_come_in_the_definitions_order_and_once() {
    let base = containers(json!([{ "name": "a" }, { "name": "b" }, { "name": "c" }]));
    let named = ["c", "a", "c"].map(ContainerName::new);
    let chosen = containers_of(&base, &web(), &named).unwrap();
    assert_eq!(chosen, ["a", "c"].map(ContainerName::new));
}

#[test]
fn what_is_no_task_definition_is_refused() {
    #[track_caller]
    fn check_problem(definition: Value, expected: &str) {
        let edit = Edit { containers: &["web"], environment: &[("A", "1")], ..Edit::default() };
        let problem = expected.to_owned();
        let reason = Reason::Unrenderable { revision: "shop-web:41".to_owned(), problem };
        check_refusal(&edit, &revision(&definition.to_string()), reason);
    }
    let of = |containers: Value| json!({ "containerDefinitions": containers });
    check_problem(json!({}), "it has no containerDefinitions");
    check_problem(of(json!(null)), "containerDefinitions is not a list");
    check_problem(of(json!({ "web": {} })), "containerDefinitions is not a list");
    check_problem(of(json!([{ "name": "web" }, "web"])), "containerDefinitions[1] is not an object");
    check_problem(of(json!([{ "name": 1 }])), "containerDefinitions[0] has no name");
    check_problem(of(json!([{ "name": "web" }, { "name": "web" }])), "two containers have the name \"web\"");
    check_problem(of(json!([{ "name": "web", "environment": {} }])), "the environment of container web is not a list");
}

#[test]
fn a_reference_too_long_for_ecs_is_refused() {
    let mut edit = Edit { containers: &["web"], ..Edit::default() };
    edit.repository.name = "a".repeat(255 - HOST.len() - 1);
    let base = containers(json!([{ "name": "web" }]));
    assert!(edit.render(&base).is_ok());
    edit.repository.name.push('a');
    assert!(matches!(edit.render(&base), Err(Reason::Unrenderable { problem, .. }) if problem.contains("longer")));
}

#[test]
fn tags_are_carried_over_and_provenance_is_renewed() {
    let image = format!("{HOST}/shop/web:1");
    let base = tagged(
        containers(json!([{ "name": "web", "image": image }])),
        &[
            ("team", "shop"),
            ("slipway:event", "old"),
            ("slipway:rolled-back", "yes"),
            ("aws:cloudformation:stack-id", "x"),
            ("AWS:reserved", "x"),
            ("empty", ""),
            ("awsome", "kept"),
        ],
    );
    let rendering = Edit::default().render(&base).unwrap();
    let lines: Vec<_> = rendering.body["tags"].as_array().unwrap().iter().map(Value::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"key":"team","value":"shop"}
    {"key":"empty","value":""}
    {"key":"awsome","value":"kept"}
    {"key":"slipway:event","value":"2c91b0f5-8d21"}
    {"key":"slipway:digest","value":"sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6"}
    {"key":"slipway:tag","value":"1.5.0"}
    {"key":"slipway:trigger","value":"push"}
    {"key":"slipway:previous","value":"shop-web:41"}
    {"key":"slipway:pushed-at","value":"2026-11-21T10:15:30Z"}
    {"key":"slipway:repository","value":"shop/web"}
    "#);
}

#[test]
fn at_fifty_tags_provenance_gives_way() {
    for (people, ours) in [(0, 7), (43, 7), (44, 6), (48, 2), (49, 1), (50, 0)] {
        let mut base = containers(json!([{ "name": "web", "image": format!("{HOST}/shop/web:1") }]));
        base.tags = (0..people).map(|n| (format!("team-{n}"), String::new())).collect();
        let rendering = Edit::default().render(&base).unwrap();
        let tags = rendering.body["tags"].as_array().unwrap();
        let keys: Vec<_> = tags.iter().map(|tag| tag["key"].as_str().unwrap()).collect();
        assert_eq!(keys.iter().filter(|key| key.starts_with("team-")).count(), people);
        assert_eq!(keys.iter().filter(|key| key.starts_with("slipway:")).count(), ours);
        assert!(ours == 0 || keys.contains(&"slipway:event"));
    }
}

/// What ECS would describe after registering this rendering.
fn registered(rendering: &Rendering) -> Revision {
    let mut revision = rendering.as_base(&fargate());
    revision.definition.insert("revision".to_owned(), json!(42));
    revision.definition.insert("status".to_owned(), json!("ACTIVE"));
    revision
}

#[test]
fn the_same_rendering_equals_what_runs() {
    let edit = Edit { environment: &[("APP_VERSION", "1.5.0")], ..Edit::default() };
    let base = tagged(fargate(), &[("team", "shop"), ("stage", "prod"), ("aws:stack", "shop")]);
    let first = edit.render(&base).unwrap();
    assert!(!first.equals(&base));

    let mut running = registered(&first);
    assert!(first.equals(&running));
    let again = edit.render(&running).unwrap();
    assert!(again.equals(&running) && again.diff.is_empty());
    assert_eq!(again.identity(), first.identity());

    // Another event, another order of tags and variables: still the same.
    running.tags.retain(|(key, _)| !key.starts_with("slipway:"));
    running.tags.reverse();
    running.tags.push(("aws:stack".to_owned(), "other".to_owned()));
    running.definition["containerDefinitions"][0]["environment"].as_array_mut().unwrap().reverse();
    assert!(first.equals(&running));
}

#[test]
fn any_real_difference_makes_another_revision() {
    let rendering = Edit::default().render(&tagged(fargate(), &[("team", "shop")])).unwrap();
    let changed = |change: &dyn Fn(&mut Revision)| {
        let mut running = registered(&rendering);
        change(&mut running);
        rendering.equals(&running)
    };
    assert!(changed(&|_| {}));
    assert!(!changed(&|running| running.tags[0].1 = "ops".to_owned()));
    assert!(!changed(&|running| running.tags.push(("more".to_owned(), "1".to_owned()))));
    assert!(!changed(&|running| running.tags.clear()));
    assert!(!changed(&|running| running.definition["memory"] = json!("4096")));
    assert!(!changed(&|running| running.definition["containerDefinitions"][0]["command"][1] = json!("x")));
    assert!(!changed(&|running| running.definition["containerDefinitions"][0]["inventedByAws"]["level"] = json!(1)));
    assert!(!changed(&|running| running.definition["containerDefinitions"].as_array_mut().unwrap().swap(0, 1)));
    assert!(!changed(&|running| {
        running.definition.shift_remove("trustedExecutionConfiguration");
    }));
}

#[test]
fn after_a_lost_answer_our_revision_is_known_by_its_event() {
    let rendering = Edit::default().render(&tagged(fargate(), &[("team", "shop")])).unwrap();
    let ours = registered(&rendering);
    assert!(rendering.is_registered_as(&ours));

    let mut earlier = ours.clone();
    earlier.tags.iter_mut().filter(|(key, _)| key == "slipway:event").for_each(|(_, value)| value.push('0'));
    assert!(rendering.equals(&earlier) && !rendering.is_registered_as(&earlier));

    let mut nameless = ours.clone();
    nameless.tags.retain(|(key, _)| key != "slipway:event");
    assert!(rendering.equals(&nameless) && !rendering.is_registered_as(&nameless));

    let mut other = ours;
    other.definition["memory"] = json!("4096");
    assert!(!rendering.is_registered_as(&other));
}

#[test]
fn two_repositories_are_rendered_one_upon_the_other() {
    let base = tagged(
        containers(json!([
            { "name": "web", "image": format!("{HOST}/shop/web:1") },
            { "name": "proxy", "image": format!("{HOST}/shop/proxy:1") },
        ])),
        &[("team", "shop")],
    );
    let first = Edit::default().render(&base).unwrap();
    let between = first.as_base(&base);
    assert_eq!(Provenance::of(&between), Some(provenance()));
    assert!(render::containers(&between).contains(&(ContainerName::new("web"), pinned())));

    let proxy = Repository::parse(&format!("{HOST}/shop/proxy")).unwrap();
    let second = Edit { repository: proxy, ..Edit::default() }.render(&between).unwrap();
    assert_eq!(second.diff.changes.len(), 1);
    insta::assert_snapshot!(second.against(&base).diff, @r"
    web    image  …/shop/web:1 → …/shop/web@sha256:1bc04b5291c2
    proxy  image  …/shop/proxy:1 → …/shop/proxy@sha256:1bc04b5291c2
    ");
}

#[test]
fn one_revision_serves_whoever_differs_in_no_more_than_provenance_for_one_event() {
    let identity = |tags: &[(&str, &str)], edit: &Edit<'_>| edit.render(&tagged(fargate(), tags)).unwrap().identity();
    let one = identity(&[("team", "shop"), ("stage", "prod")], &Edit::default());
    assert_eq!(one, identity(&[("stage", "prod"), ("slipway:event", "x"), ("team", "shop")], &Edit::default()));
    assert_ne!(one, identity(&[("stage", "prod")], &Edit::default()));
    let set = Edit { environment: &[("APP_VERSION", "1.5.0")], ..Edit::default() };
    assert_ne!(one, identity(&[("team", "shop"), ("stage", "prod")], &set));
    let tagged = |provenance: Provenance| {
        identity(&[("team", "shop"), ("stage", "prod")], &Edit { provenance, ..Edit::default() })
    };
    assert_eq!(one, tagged(Provenance { previous: Some("web:1".to_owned()), ..provenance() }));
    // By its event it is recognised what came of an update that nobody wrote down.
    assert_ne!(one, tagged(Provenance { event: EventId::new("another"), ..provenance() }));
    let chosen = Edit { containers: &["web"], ..Edit::default() };
    assert_ne!(one, identity(&[("team", "shop"), ("stage", "prod")], &chosen));
}
