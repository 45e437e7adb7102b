//! The JSON Schema of the document, generated from its types, and held against what the parser really takes.
//!
//! Only the tests have it: editors read the file, the functions read documents.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::Config;
use super::document::{Entry, Settings, VERSION};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/slipway.schema.json");

/// Which images Slipway deploys to which ECS services.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "Slipway's configuration")]
#[expect(dead_code, reason = "only its shape is of interest")]
struct Document {
    /// The version of this document's shape.
    #[schemars(extend("const" = VERSION))]
    version: u64,
    /// What every target has that does not say otherwise.
    #[schemars(default)]
    defaults: Settings,
    /// What is deployed where. A service may have several entries, one for each repository.
    #[schemars(length(min = 1))]
    targets: Vec<Entry>,
}

#[derive(JsonSchema)]
#[schemars(extend("pattern" = repository_pattern()))]
pub(super) struct RepositoryUri(#[expect(dead_code, reason = "only its shape is of interest")] String);

#[derive(JsonSchema)]
#[schemars(extend("pattern" = "^[A-Za-z0-9_-]{1,255}$"))]
pub(super) struct Name(#[expect(dead_code, reason = "only its shape is of interest")] String);

#[derive(JsonSchema)]
#[schemars(extend("minItems" = 1, "uniqueItems" = true))]
pub(super) struct Containers(#[expect(dead_code, reason = "only its shape is of interest")] Vec<Name>);

#[derive(JsonSchema)]
#[schemars(extend("enum" = ["service", "family"]))]
pub(super) struct BaseName(#[expect(dead_code, reason = "only its shape is of interest")] String);

#[derive(JsonSchema)]
#[schemars(extend("enum" = ["auto", "notify", "off"]))]
pub(super) struct RollbackWord(#[expect(dead_code, reason = "only its shape is of interest")] String);

#[derive(JsonSchema)]
#[schemars(extend("pattern" = "^[0-9]+[smh]$"))]
pub(super) struct Span(#[expect(dead_code, reason = "only its shape is of interest")] String);

#[derive(JsonSchema)]
#[schemars(extend("minimum" = 1, "maximum" = u32::MAX))]
pub(super) struct TaskCount(#[expect(dead_code, reason = "only its shape is of interest")] u64);

/// Seconds as a number, or a length of time as a text.
#[derive(JsonSchema)]
#[schemars(inline, extend("type" = ["integer", "string"], "pattern" = "^[0-9]+[smh]?$", "minimum" = 0, "maximum" = 120))]
pub(super) struct Seconds(#[expect(dead_code, reason = "only its shape is of interest")] Value);

#[derive(JsonSchema)]
pub(super) struct Routes(#[expect(dead_code, reason = "only its shape is of interest")] Vec<RouteEntry>);

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is of interest")]
struct RouteEntry {
    /// The channel's name with its #, in quotes because # begins a comment in YAML, or its id.
    #[schemars(extend("pattern" = "^(#[^\\sA-Z#.,!?/]{1,80}|[CG][A-Z0-9]{8,})$"))]
    slack: String,
    /// The kinds and severities of notices that are told there; without it all. `failed` stands for every kind of a
    /// deployment that goes wrong.
    #[schemars(default, length(min = 1), extend("items" = {"type": "string", "enum": crate::model::notice::route::words().collect::<Vec<_>>()}))]
    on: Vec<String>,
}

#[derive(JsonSchema)]
#[schemars(extend("propertyNames" = {"pattern": "^[^=\u{0}]+$"}, "additionalProperties" = {"type": "string"}))]
pub(super) struct Variables(
    #[expect(dead_code, reason = "only its shape is of interest")] serde_json::Map<String, Value>,
);

/// Exactly one of tag, semver, numerical, alphabetical and newest; and what is left out beside it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("oneOf" = RULES.map(|rule| json!({ "required": [rule] }))))]
#[expect(dead_code, reason = "only its shape is of interest")]
pub(super) struct Tags {
    /// Deploys exactly this tag, whatever it points to now, an older image too: re-tagging promotes.
    #[schemars(default, regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"))]
    tag: String,
    /// Deploys the tags that are versions (`1.4.2`, `v1.4.2`) within a range of Cargo's dialect, the highest version first:
    /// ">=1.4, <2"; "1.4" means ">=1.4, <2"; "~1.4" means ">=1.4, <1.5"; "*" means every version.
    /// A pre-release counts only if the range names one of the same version.
    #[schemars(default, length(min = 1))]
    semver: String,
    /// Deploys the tags in which the pattern's group `v` finds a number, the highest number first: '^build-(?P<v>\d+)$'.
    #[schemars(default)]
    numerical: Ordered,
    /// Deploys the tags in which the pattern's group `v` finds a text, the last in the alphabet first: '^(?P<v>\d{8}T\d{6}Z)$'.
    #[schemars(default)]
    alphabetical: Ordered,
    /// Deploys the tags that match, the last pushed first; for git SHAs, which have no order: '^[0-9a-f]{40}$'.
    #[schemars(default)]
    newest: Matching,
    /// Globs of tags that are left out: * is any text, ? one character. They come after sha256-*, *.sig, *.att, *.sbom
    /// and *cache*, which are always left out; the last glob that matches decides, and "!*cache*" takes back in.
    #[schemars(default, inner(regex(pattern = r"^!?[A-Za-z0-9._*?-]+$")))]
    ignore: Vec<String>,
}

const RULES: [&str; 5] = ["tag", "semver", "numerical", "alphabetical", "newest"];

#[derive(Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is of interest")]
struct Ordered {
    /// A regular expression with a group (?P<v>…) around what is ordered. It is found anywhere in a tag unless it says ^ and $.
    #[schemars(regex(pattern = r"\(\?P?<v>"))]
    pattern: String,
}

#[derive(Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is of interest")]
struct Matching {
    /// A regular expression. It is found anywhere in a tag unless it says ^ and $.
    #[schemars(length(min = 1))]
    pattern: String,
}

/// A name's first part has no dot if another part follows, else it would be a registry's host.
fn repository_pattern() -> String {
    let part = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*";
    let undotted = r"[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*";
    let host = r"[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\.[a-z0-9.-]+";
    format!("^(?=.{{2,}})(?:{part}|(?:{host}|{undotted})/{part}(?:/{part})*)$")
}

fn generated() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    // No default is one that could be written: a key is there, or it is not.
    let undefaulted = RecursiveTransform(|schema: &mut Schema| {
        schema.remove("default");
    });
    let mut schema = settings.into_generator().into_root_schema_for::<Document>();
    { undefaulted }.transform(&mut schema);
    let Value::Object(mut members) = schema.to_value() else { unreachable!("a root schema is an object") };
    let first = ["$schema", "title", "description"].map(|key| (key.to_owned(), members.shift_remove(key).unwrap()));
    first.into_iter().chain(members).collect()
}

#[test]
fn the_file_is_current() {
    let text = format!("{:#}\n", generated());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(FILE, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(kept == text, "infra/slipway.schema.json is not current; run: UPDATE=1 cargo test -p slipway-core schema");
}

/// What the parser and the schema say about one document.
fn judged(document: &Value) -> (Result<(), String>, bool) {
    let validator = jsonschema::validator_for(&generated()).unwrap();
    let parsed = Config::parse(&document.to_string()).map(|_| ()).map_err(|mistakes| mistakes.to_string());
    (parsed, validator.is_valid(document))
}

/// A right document with one member of its first target replaced.
fn with(key: &str, value: Value) -> Value {
    let mut document = json!({
        "version": 1,
        "targets": [{"repository": "shop/web", "service": "web", "cluster": "prod", "tags": {"semver": "*"}}],
    });
    document["targets"][0][key] = value;
    document
}

#[track_caller]
fn check_right(document: &Value) {
    let (parsed, valid) = judged(document);
    assert_eq!(parsed, Ok(()), "{document}");
    assert!(valid, "the schema refuses {document}");
}

#[track_caller]
fn check_wrong(document: &Value) {
    let (parsed, valid) = judged(document);
    assert!(parsed.is_err(), "the parser takes {document}");
    assert!(!valid, "the schema takes {document}");
}

#[test]
fn both_take_what_is_right() {
    check_right(&json!({
        "version": 1,
        "defaults": {"cluster": "prod", "tags": {"tag": "main"}, "containers": ["app"], "base": "service", "environment": {}},
        "targets": [{"repository": "web", "service": "web"}],
    }));
    for repository in
        ["ab", "a.b", "shop/web", "shop/we.b", "a__b/c--d", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a.b/c"]
    {
        check_right(&with("repository", json!(repository)));
    }
    for tags in [
        json!({"tag": "v1.4"}),
        json!({"semver": ">=1.4, <2", "ignore": []}),
        json!({"numerical": {"pattern": "(?<v>\\d+)"}}),
        json!({"alphabetical": {"pattern": "(?P<v>.)"}, "ignore": ["*-dev", "!*cache*", "a?"]}),
        json!({"newest": {"pattern": "."}}),
    ] {
        check_right(&with("tags", tags));
    }
    check_right(&with("containers", json!(["web", "side-car_2"])));
    check_right(&with("base", json!("family")));
    check_right(&with("environment", json!({"A": "", "B.c": "{tag} {other}"})));
    check_right(&with("service", json!("a".repeat(255))));
    for mode in ["auto", "notify", "off"] {
        check_right(&with("rollback", json!(mode)));
    }
    check_right(&with("deadline", json!("45m")));
    check_right(&with("notify", json!([])));
    check_right(&with("notify", json!([{"slack": "#deploys"}, {"slack": "C0123ABCD", "on": ["failed", "warning"]}])));
    check_right(&with("max_failed_tasks", json!(1)));
    for settle in [json!(0), json!(120), json!("10s"), json!("2m"), json!("5")] {
        check_right(&with("settle", settle));
    }
}

#[test]
fn both_refuse_what_is_wrong() {
    for document in [
        json!([]),
        json!({}),
        json!({"version": 1}),
        json!({"version": 1, "targets": []}),
        json!({"version": 1, "targets": {}}),
        json!({"version": 1, "targets": [{}]}),
        json!({"version": 1, "targets": ["web"]}),
    ] {
        check_wrong(&document);
    }
    for version in [json!(2), json!("1"), json!(0), json!(null), json!(1.5)] {
        let mut document = with("base", json!("service"));
        document["version"] = version;
        check_wrong(&document);
    }
    for defaults in [json!(null), json!([]), json!({"service": "web"}), json!({"repository": "ab"}), json!({"x": 1})] {
        let mut document = with("base", json!("service"));
        document["defaults"] = defaults;
        check_wrong(&document);
    }
    for repository in ["a", "", "Shop/web", "shop/web:1", "docker.io/library/nginx", "shop//web", "shop/web/", "a b"] {
        check_wrong(&with("repository", json!(repository)));
    }
    for (key, wrong) in [
        ("rollback", json!("on")),
        ("rollback", json!(null)),
        ("deadline", json!(30)),
        ("deadline", json!("30")),
        ("deadline", json!("soon")),
        ("max_failed_tasks", json!(0)),
        ("max_failed_tasks", json!("3")),
        ("settle", json!(121)),
        ("settle", json!(-1)),
        ("settle", json!("a moment")),
        ("notify", json!("#deploys")),
        ("notify", json!([{}])),
        ("notify", json!([{"slack": "deploys"}])),
        ("notify", json!([{"slack": "#Deploys"}])),
        ("notify", json!([{"slack": "#deploys", "on": []}])),
        ("notify", json!([{"slack": "#deploys", "on": ["explosions"]}])),
        ("notify", json!([{"slack": "#deploys", "channel": 1}])),
    ] {
        check_wrong(&with(key, wrong));
    }
    for name in
        [json!(""), json!("a b"), json!("prod/web"), json!("a.b"), json!("a".repeat(256)), json!(7), json!(null)]
    {
        check_wrong(&with("service", name.clone()));
        check_wrong(&with("cluster", name.clone()));
        check_wrong(&with("containers", json!([name])));
    }
    for tags in [
        json!("prod"),
        json!({}),
        json!({"ignore": ["a"]}),
        json!({"tag": "a", "semver": "*"}),
        json!({"tag": "-a"}),
        json!({"tag": 1}),
        json!({"tag": null}),
        json!({"semver": ""}),
        json!({"numerical": {"pattern": "\\d+"}}),
        json!({"numerical": "(?P<v>.)"}),
        json!({"alphabetical": {}}),
        json!({"newest": {"pattern": ""}}),
        json!({"newest": {"pattern": "a", "order": "asc"}}),
        json!({"semver": "*", "ignore": "a"}),
        json!({"semver": "*", "ignore": [""]}),
        json!({"semver": "*", "ignore": ["a/b"]}),
        json!({"semver": "*", "x": 1}),
    ] {
        check_wrong(&with("tags", tags));
    }
    check_wrong(&with("containers", json!([])));
    check_wrong(&with("containers", json!(["web", "web"])));
    check_wrong(&with("containers", json!("web")));
    check_wrong(&with("base", json!("latest")));
    check_wrong(&with("environment", json!([])));
    check_wrong(&with("environment", json!({"A": 1})));
    check_wrong(&with("environment", json!({"A=B": "1"})));
    check_wrong(&with("environment", json!({"": "1"})));
    check_wrong(&with("replicas", json!(2)));
}

/// At each of the document's maps, the keys that the parser names as known ones are the schema's.
#[test]
fn both_know_the_same_keys() {
    let strange = json!({"zzzzzz": 1});
    let schema = generated();
    for (place, path, document) in [
        ("", "zzzzzz", json!({"version": 1, "zzzzzz": 1})),
        ("/properties/defaults", "defaults.zzzzzz", json!({"version": 1, "defaults": strange})),
        ("/properties/targets/items", "targets[0].zzzzzz", json!({"version": 1, "targets": [strange]})),
        ("/properties/targets/items/properties/tags", "targets[0].tags.zzzzzz", with("tags", strange.clone())),
        (
            "/properties/targets/items/properties/tags/properties/newest",
            "targets[0].tags.newest.zzzzzz",
            with("tags", json!({"newest": strange})),
        ),
    ] {
        let mistakes = Config::parse(&document.to_string()).unwrap_err().mistakes;
        let told = &mistakes.iter().find(|mistake| mistake.path == path).expect(path).text;
        let (_, known) = told.split_once("the known ones are ").expect(told);
        let (known, _) = known.rsplit_once(" (line ").expect(told);
        let mut known: Vec<&str> = known.split(", ").collect();
        known.sort_unstable();

        let properties = schema.pointer(place).unwrap()["properties"].as_object().expect(place);
        let mut described: Vec<&str> = properties.keys().map(String::as_str).collect();
        described.sort_unstable();
        assert_eq!(known, described, "{path}");
    }
}
