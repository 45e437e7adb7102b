//! The JSON Schema of the document and the README's table of keys, written from the tables of keys; the schema is held
//! against what the reader really takes.
//!
//! Only the tests have it: editors read the file, the functions read documents.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map as Members, Value, json};

use super::Config;
use super::code_deploy::HOOKS;
use super::key::{Key, Map, Need, Takes};
use super::keys::{self, CODE_DEPLOY, DOCUMENT, MATCHING, ORDERED, ROUTE, TAGS, TARGET, TERMINATION_WAIT};
use crate::model::generated::keep_current;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/slipway.schema.json");

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

const HEAD: &str = "| key of a target | meaning | default |\n|---|---|---|\n";

fn generated() -> Value {
    let mut schema = Members::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("Slipway's configuration"));
    schema.insert("description".to_owned(), json!("Which images Slipway deploys to which ECS services."));
    let Value::Object(document) = map(DOCUMENT) else { unreachable!("a map's schema is an object") };
    schema.extend(document);
    Value::Object(schema)
}

/// What a map with these keys is.
fn map<T>(keys: &'static [Key<T>]) -> Value {
    let names = |is: fn(&Key<T>) -> bool| keys.iter().filter(|key| is(key)).map(|key| key.name).collect::<Vec<_>>();
    let properties: Members<String, Value> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    let mut required = names(Key::is_own);
    match names(Key::is_one_of).as_slice() {
        [only] => required.push(only),
        several if !several.is_empty() => {
            schema["oneOf"] = several.iter().map(|rule| json!({"required": [rule]})).collect();
        }
        _ => {}
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property<T>(key: &Key<T>) -> Value {
    let default = match key.need {
        Need::Optional(default) => format!(" Default: {default}."),
        Need::Inherited(_) => " Every target has it, here or in `defaults`.".to_owned(),
        Need::Required(_) | Need::OneOf => String::new(),
    };
    let (first, rest) = key.says.split_at(1);
    let mut schema = json!({"description": format!("{}{rest}.{default}", first.to_uppercase())});
    let Value::Object(value) = value(&key.takes) else { unreachable!("a value's schema is an object") };
    schema.as_object_mut().unwrap().extend(value);
    schema["examples"] = json!([example(key)]);
    schema
}

fn value(takes: &Takes) -> Value {
    match takes {
        Takes::Number(range) if range.start() == range.end() => json!({"type": "integer", "const": range.start()}),
        Takes::Number(range) => json!({"type": "integer", "minimum": range.start(), "maximum": range.end()}),
        Takes::Text(pattern) => json!({"type": "string", "pattern": pattern}),
        Takes::AnyText => json!({"type": "string", "minLength": 1}),
        Takes::Truth => json!({"type": "boolean"}),
        Takes::Words(words) => json!({"type": "string", "enum": words()}),
        Takes::Seconds(most) => {
            json!({"type": ["integer", "string"], "pattern": "^[0-9]+[smh]?$", "minimum": 0, "maximum": most})
        }
        Takes::List { of, least } => json!({"type": "array", "items": value(of), "minItems": least}),
        Takes::Distinct(of) => json!({"type": "array", "items": value(of), "minItems": 1, "uniqueItems": true}),
        Takes::Map(of) => match of {
            Map::Defaults => map(keys::shared()),
            Map::Target => map(TARGET),
            Map::Tags => map(TAGS),
            Map::Ordered => map(ORDERED),
            Map::Matching => map(MATCHING),
            Map::Route => map(ROUTE),
            Map::TerminationWait => map(TERMINATION_WAIT),
            Map::CodeDeploy => {
                let mut both = map(CODE_DEPLOY);
                both["dependentRequired"] = json!({"application": ["group"], "group": ["application"]});
                both
            }
        },
        Takes::Variables => json!({
            "type": "object",
            "additionalProperties": {"type": "string"},
            "propertyNames": {"pattern": "^[^=\u{0}]+$"},
        }),
        Takes::Hooks => json!({
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1},
            "propertyNames": {"enum": HOOKS},
        }),
    }
}

fn example<T>(key: &Key<T>) -> Value {
    serde_json::from_str(key.example).unwrap_or_else(|error| panic!("{}: {error}", key.name))
}

#[test]
fn the_file_is_current() {
    keep_current(FILE, &format!("{:#}\n", generated()));
}

/// The README's table of the keys of a target.
fn rows() -> String {
    let rows = TARGET.iter().map(|key| {
        let default = match key.need {
            Need::Required(_) => "required",
            Need::Inherited(_) => "required, here or in `defaults`",
            Need::OneOf => "one of them is required",
            Need::Optional(default) => default,
        };
        format!("| `{}` | {} | {default} |\n", key.name, key.says)
    });
    rows.collect()
}

#[test]
fn the_table_of_keys_is_current() {
    let text = std::fs::read_to_string(README).unwrap();
    let (before, from) = text.split_once(HEAD).expect("the README has the table of the keys of a target");
    let (_, after) = from.split_once("\n\n").expect("a text follows the table");
    keep_current(README, &format!("{before}{HEAD}{}\n{after}", rows()));
}

/// What the reader and the schema say about one document.
fn judged(document: &Value) -> (Result<(), String>, bool) {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&generated()).unwrap());
    let parsed = Config::parse(&document.to_string()).map(|_| ()).map_err(|mistakes| mistakes.to_string());
    (parsed, VALIDATOR.is_valid(document))
}

/// A right document with one member of its first target replaced.
fn with(key: &str, value: Value) -> Value {
    let mut document = right();
    document["targets"][0][key] = value;
    document
}

fn right() -> Value {
    json!({
        "version": 1,
        "targets": [{"repository": "shop/web", "service": "web", "cluster": "prod", "tags": {"semver": "*"}}],
    })
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

/// Holds each key of a map, with right and wrong values, in a document that is right otherwise.
fn check_keys<T>(keys: &'static [Key<T>], right: &Value, document: impl Fn(Value) -> Value) {
    let with = |name: &str, value: Value| {
        let mut map = right.clone();
        map[name] = value;
        map
    };
    for key in keys {
        // One rule stands alone.
        let with =
            |value| if key.is_one_of() { document(json!({key.name: value})) } else { document(with(key.name, value)) };
        for value in right_values(&key.takes).into_iter().chain([example(key)]) {
            check_right(&with(value));
        }
        for value in wrong_values(&key.takes) {
            check_wrong(&with(value));
        }
        if key.is_own() {
            let mut map = right.clone();
            map.as_object_mut().unwrap().remove(key.name);
            check_wrong(&document(map));
        }
    }
    check_wrong(&document(with("zzzzzz", json!(1))));
}

fn right_values(takes: &Takes) -> Vec<Value> {
    match takes {
        Takes::Number(range) => vec![json!(range.start()), json!(range.end())],
        Takes::Truth => vec![json!(true), json!(false)],
        Takes::Words(words) => words().into_iter().map(Value::from).collect(),
        Takes::Seconds(most) => vec![json!(0), json!(most), json!(format!("{most}s"))],
        Takes::List { of, least } => {
            let empty = (*least == 0).then(|| json!([]));
            right_values(of).into_iter().map(|value| json!([value])).chain(empty).collect()
        }
        Takes::Variables => vec![json!({}), json!({"A": ""})],
        Takes::Hooks => vec![json!({}), json!({"BeforeAllowTraffic": "check"})],
        Takes::Text(_) | Takes::AnyText | Takes::Distinct(_) | Takes::Map(_) => Vec::new(),
    }
}

fn wrong_values(takes: &Takes) -> Vec<Value> {
    let specific = match takes {
        Takes::Number(range) => vec![json!(range.start() - 1), json!(range.end() + 1), json!("1"), json!(1.5)],
        Takes::Text(_) => vec![json!(""), json!(" "), json!(7)],
        Takes::AnyText => vec![json!(""), json!(7)],
        Takes::Truth => vec![json!("true"), json!(1), json!("yes")],
        Takes::Words(_) => vec![json!(""), json!("zzzzzz"), json!(7)],
        Takes::Seconds(most) => vec![json!(-1), json!(most + 1), json!("a moment")],
        Takes::List { of, least } => {
            let empty = (*least > 0).then(|| json!([]));
            wrong_values(of).into_iter().map(|value| json!([value])).chain(empty).chain([json!("web")]).collect()
        }
        Takes::Distinct(of) => {
            let wrong = wrong_values(of).into_iter().map(|value| json!([value]));
            wrong.chain([json!([]), json!("web"), json!(["web", "web"])]).collect()
        }
        Takes::Map(_) => vec![json!("zzzzzz"), json!([]), json!({"zzzzzz": 1})],
        Takes::Variables => vec![json!([]), json!({"A": 1}), json!({"A": null}), json!({"A=B": "1"}), json!({"": "1"})],
        Takes::Hooks => vec![
            json!([]),
            json!({"Nonsense": "x"}),
            json!({"afterInstall": "x"}),
            json!({"AfterInstall": 7}),
            json!({"AfterInstall": ""}),
            json!({"AfterInstall": ["x"]}),
        ],
    };
    let list_or_map = if matches!(takes, Takes::List { .. } | Takes::Distinct(_)) { json!({}) } else { json!([[]]) };
    specific.into_iter().chain([Value::Null, list_or_map]).collect()
}

/// Every key of every map: the reader and the schema take the same values, and refuse the same.
#[test]
fn both_agree_on_every_key() {
    check_keys(DOCUMENT, &right(), |document| document);
    // Some keys need others.
    check_keys(keys::shared(), &json!({"base": "family"}), |defaults| {
        let mut document = right();
        document["defaults"] = defaults;
        document
    });
    let mut target = right()["targets"][0].clone();
    target["base"] = json!("family");
    check_keys(TARGET, &target, |target| json!({"version": 1, "targets": [target]}));
    check_keys(TAGS, &json!({"semver": "*"}), |tags| with("tags", tags));
    check_keys(ORDERED, &json!({}), |map| with("tags", json!({"numerical": map})));
    check_keys(ORDERED, &json!({}), |map| with("tags", json!({"alphabetical": map})));
    check_keys(MATCHING, &json!({}), |map| with("tags", json!({"newest": map})));
    check_keys(ROUTE, &json!({"slack": "#deploys"}), |route| with("notify", json!([route])));
    check_keys(TERMINATION_WAIT, &json!({"cut_after": "10m"}), |map| {
        with("codedeploy", json!({"termination_wait": map}))
    });
    check_keys(CODE_DEPLOY, &json!({"application": "shop", "group": "web"}), |map| with("codedeploy", map));
}

/// What only the combination or a longer text shows.
#[test]
fn both_take_what_is_right() {
    check_right(&json!({
        "version": 1,
        "defaults": {"cluster": "prod", "tags": {"tag": "main"}, "containers": ["app"], "base": "service", "environment": {}},
        "targets": [{"repository": "web", "service": "web"}],
    }));
    for repository in ["ab", "a.b", "shop/we.b", "a__b/c--d", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a.b/c"] {
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
    for settle in ["10s", "2m", "5"] {
        check_right(&with("settle", json!(settle)));
    }
    check_right(&with("containers", json!(["web", "side-car_2"])));
    check_right(&with("environment", json!({"A": "", "B.c": "{tag} {other}"})));
    check_right(&with("service", json!("a".repeat(255))));
    check_right(&with("notify", json!([{"slack": "C0123ABCD", "on": ["failed", "warning"]}])));
    for code_deploy in [json!({}), json!({"hooks": {}}), json!({"application": "shop", "group": "web"})] {
        check_right(&with("codedeploy", code_deploy));
    }
}

#[test]
fn both_refuse_what_is_wrong() {
    for document in [json!([]), json!({}), json!({"version": 1, "targets": ["web"]})] {
        check_wrong(&document);
    }
    for own in ["repository", "service"] {
        let mut document = right();
        document["defaults"] = json!({own: "web"});
        check_wrong(&document);
    }
    for repository in ["a", "Shop/web", "shop/web:1", "docker.io/library/nginx", "shop//web", "shop/web/", "a b"] {
        check_wrong(&with("repository", json!(repository)));
    }
    for name in ["a b", "prod/web", "a.b", &"a".repeat(256)] {
        check_wrong(&with("service", json!(name)));
        check_wrong(&with("cluster", json!(name)));
        check_wrong(&with("containers", json!([name])));
    }
    for (key, wrong) in
        [("deadline", json!("30")), ("deadline", json!("soon")), ("notify", json!([{"slack": "deploys"}]))]
    {
        check_wrong(&with(key, wrong));
    }
    check_wrong(&with("notify", json!([{"slack": "#Deploys"}])));
    check_wrong(&with("codedeploy", json!({"application": "shop"})));
    check_wrong(&with("codedeploy", json!({"group": "web", "hooks": {}})));
    for tags in [
        json!({}),
        json!({"ignore": ["a"]}),
        json!({"tag": "a", "semver": "*"}),
        json!({"tag": "-a"}),
        json!({"numerical": {"pattern": "\\d+"}}),
        json!({"alphabetical": {}}),
        json!({"newest": {"pattern": "a", "order": "asc"}}),
        json!({"semver": "*", "ignore": ["a/b"]}),
    ] {
        check_wrong(&with("tags", tags));
    }
}
