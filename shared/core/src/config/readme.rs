//! The README's table of the keys of a target, written from the same table of keys that the reader follows.

use super::key::Need;
use super::keys::TARGET;
use crate::model::generated::keep_current;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

const HEAD: &str = "| key of a target | meaning | default |\n|---|---|---|\n";

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
    let text = std::fs::read_to_string(FILE).unwrap();
    let (before, from) = text.split_once(HEAD).expect("the README has the table of the keys of a target");
    let (_, after) = from.split_once("\n\n").expect("a text follows the table");
    keep_current(FILE, &format!("{before}{HEAD}{}\n{after}", rows()));
}
