//! The JSON Schema of the structured notice, generated from its types: what queues and functions may build on.
//!
//! Only the tests have it. Within a version of the notice members are added, and none is taken away or given another shape.

use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Notice;
use crate::model::generated::keep_current;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/notice.schema.json");

#[derive(JsonSchema)]
#[schemars(inline, extend("format" = "date-time"))]
pub(super) struct Moment(#[expect(dead_code, reason = "only its shape is of interest")] String);

fn generated() -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<Notice>().to_value()
}

/// Whether the schema takes this notice.
#[track_caller]
pub(crate) fn check(notice: &Notice) {
    static VALIDATOR: LazyLock<jsonschema::Validator> =
        LazyLock::new(|| jsonschema::validator_for(&generated()).unwrap());
    let json = serde_json::to_value(notice).unwrap();
    let mistakes: Vec<String> = VALIDATOR.iter_errors(&json).map(|mistake| mistake.to_string()).collect();
    assert_eq!(mistakes, [""; 0], "{json:#}");
}

#[test]
fn the_file_is_current() {
    keep_current(FILE, &format!("{:#}\n", generated()));
}
