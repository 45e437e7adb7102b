//! The `environment` of a target: variables to set at deploy, and their values with placeholders.

use super::Template;
use super::reader::{Path, Reader};
use super::yaml::Node;

const RIGHT: &str = r#"{APP_VERSION: "{tag}"}"#;

/// Reads variables, in the document's order, into those of the defaults: each replaces the one of the same name.
pub(super) fn read(
    environment: &mut Vec<(String, Template)>,
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    path: &Path<'_>,
) {
    for (name, value) in reader.entries(node, path, RIGHT).unwrap_or_default() {
        let path = Path::Key(path, name);
        if name.is_empty() || name.contains(['=', '\0']) {
            reader.wrong(&path, value.line, format!("{name:?} is no variable's name; write {RIGHT}"));
        }
        let Some(text) = reader.text(value, &path, "a text in quotes, \"\" for an empty one") else { continue };
        match environment.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = Template::new(text),
            None => environment.push((name.to_owned(), Template::new(text))),
        }
    }
}
