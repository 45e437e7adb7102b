//! The `environment` of a target: variables to set at deploy, and their values with placeholders.

use super::Template;
use super::reader::{At, Reader};

const RIGHT: &str = r#"{APP_VERSION: "{tag}"}"#;

/// Reads variables, in the document's order, into those of the defaults: each replaces the one of the same name.
pub(super) fn read<'n>(environment: &mut Vec<(String, Template)>, reader: &mut Reader<'n>, at: &At<'n, '_>) {
    for (name, value) in reader.entries(at, RIGHT).unwrap_or_default() {
        let at = at.key(name, value);
        if name.is_empty() || name.contains(['=', '\0']) {
            reader.wrong(&at, format!("{name:?} is no variable's name; write {RIGHT}"));
        }
        let Some(text) = reader.text(&at, "a text in quotes, \"\" for an empty one") else { continue };
        match environment.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = Template::new(text),
            None => environment.push((name.to_owned(), Template::new(text))),
        }
    }
}
