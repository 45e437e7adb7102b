//! Every action, with and without a dry run, and what is no request, by every way in which the function can be invoked.

use serde_json::{Value, json};
use strum::VariantArray as _;

use super::*;
use crate::rules::request;

/// The ways in, as the ARN ends.
const WAYS: [&str; 6] = ["", ":$LATEST", ":read", ":operate", ":beta", ":7"];

fn function(way: &str) -> FunctionArn {
    FunctionArn::parse(&format!("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy{way}")).unwrap()
}

fn request(request: Value) -> Request {
    request::parse(request.as_object().unwrap()).unwrap()
}

/// Checks by which of the ways this may come.
#[track_caller]
fn check_ways(with: InvokedWith<'_>, expected: &[&str]) {
    let open: Vec<&str> = WAYS.into_iter().filter(|way| check(&function(way), with).is_ok()).collect();
    assert_eq!(open, expected, "{with:?}");
}

#[test]
fn each_request_has_its_alias() {
    const LOOKS: &[&str] = &[":read", ":operate"];
    const ACTS: &[&str] = &[":operate"];
    let row = |asked: Value, real: &[&str], dry: Option<&[&str]>| {
        check_ways(InvokedWith::Request(&request(asked.clone())), real);
        let Some(dry) = dry else { return };
        let mut asked = asked;
        asked["dry_run"] = true.into();
        check_ways(InvokedWith::Request(&request(asked)), dry);
    };
    row(json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0" }), ACTS, Some(LOOKS));
    row(json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0", "force": true }), ACTS, Some(LOOKS));
    row(json!({ "action": "redeploy", "target": "*" }), ACTS, Some(LOOKS));
    row(json!({ "action": "rollback", "target": "prod/web" }), ACTS, Some(LOOKS));
    row(json!({ "action": "reconcile" }), ACTS, Some(LOOKS));
    row(json!({ "action": "hold", "target": "prod/web" }), ACTS, None);
    row(json!({ "action": "release", "target": "prod/web" }), ACTS, None);
    row(json!({ "action": "history" }), LOOKS, None);
    row(json!({ "action": "explain", "event": {} }), LOOKS, None);
    row(json!({ "action": "status" }), LOOKS, Some(LOOKS));
}

#[test]
fn a_hold_and_a_release_act_whatever_is_said_of_a_dry_run() {
    for asked in
        [json!({ "action": "hold", "target": "prod/web" }), json!({ "action": "release", "target": "prod/web" })]
    {
        let dry = Request { run: Run::Dry, ..request(asked) };
        check_ways(InvokedWith::Request(&dry), &[":operate"]);
    }
}

#[test]
fn what_comes_by_itself_comes_without_an_alias() {
    check_ways(InvokedWith::Event, &["", ":$LATEST"]);
    check_ways(InvokedWith::Scheduled, &["", ":$LATEST"]);
}

#[test]
fn the_template_has_these_aliases_and_no_other() {
    let template = include_str!("../../../../../infra/template.yaml");
    let made = template.split("Type: AWS::Lambda::Alias").skip(1);
    let made: Vec<&str> = made.filter_map(|it| it.split_once("Name: ")?.1.split_whitespace().next()).collect();
    assert_eq!(made, Alias::VARIANTS.iter().map(|alias| alias.name()).collect::<Vec<_>>());
}
