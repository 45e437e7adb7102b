//! The `environment` of a target: variables to set at deploy, and their values with placeholders.

use super::Template;
use super::reader::{Path, Reader};
use super::yaml::Node;

const RIGHT: &str = r#"{APP_VERSION: "{tag}"}"#;

/// Variables in the document's order.
pub(super) type Environment = Vec<(String, Template)>;

pub(super) fn read(reader: &mut Reader, node: &Node<'_>, path: &Path<'_>) -> Option<Environment> {
    let mut environment = Vec::new();
    for (name, value) in reader.entries(node, path, RIGHT)? {
        let path = Path::Key(path, name);
        if name.is_empty() || name.contains(['=', '\0']) {
            reader.wrong(&path, value.line, format!("{name:?} is no variable's name; write {RIGHT}"));
        }
        if let Some(text) = reader.text(value, &path, "a text in quotes, \"\" for an empty one") {
            environment.push((name.to_owned(), Template::new(text)));
        }
    }
    Some(environment)
}

/// The defaults' variables, each replaced by a target's own of the same name, and the target's others after them.
pub(super) fn merged(defaults: Option<&Environment>, own: Option<Environment>) -> Environment {
    let mut merged = defaults.cloned().unwrap_or_default();
    for (name, value) in own.unwrap_or_default() {
        match merged.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => merged.push((name, value)),
        }
    }
    merged
}
