//! A diff as lines that a person reads in an e-mail, in Slack or in a terminal: whose, what, how.

use std::fmt;

use crate::model::diff::{Change, Diff, How};
use crate::model::image::ImageRef;
use crate::text::notice::shorten;

/// Lines of a diff before the rest is only counted.
const MOST_LINES: usize = 20;
/// Characters of a container's name, of a place and of a value. Together with the words between them, most lines
/// stay within 100 columns, and none passes 260.
const LONGEST_OWNER: usize = 24;
const LONGEST_PLACE: usize = 44;
const LONGEST_VALUE: usize = 60;
/// An image with an ECR host and a short digest fits, its repository's name being ordinary.
const LONGEST_IMAGE: usize = 90;

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no change");
        }
        let lines: Vec<Line> = self.changes.iter().take(MOST_LINES).map(Line::of).collect();
        let owners = lines.iter().map(|line| line.owner.chars().count()).max().unwrap_or_default();
        let places = lines.iter().map(|line| line.place.chars().count()).max().unwrap_or_default();
        for (index, Line { owner, place, change }) in lines.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{owner:owners$}  {place:places$}  {change}")?;
        }
        match self.changes.len() - lines.len() {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}

struct Line {
    /// The container's name; `task` for what is the whole task's.
    owner: String,
    place: String,
    change: String,
}

impl Line {
    fn of(change: &Change) -> Self {
        let (owner, place) = owner(&change.path);
        let (old, new) = (change.old.as_deref(), change.new.as_deref());
        let value = |text: &str| shorten(&visible(text), LONGEST_VALUE);
        let (old, new) = match place {
            "image" | "container" => images(old, new),
            _ => (old.map(value), new.map(value)),
        };
        Self {
            owner: shorten(&visible(owner), LONGEST_OWNER),
            place: shorten(&visible(&readable(place)), LONGEST_PLACE),
            change: words(change.how, old, new),
        }
    }
}

fn owner(path: &str) -> (&str, &str) {
    let inside = path.strip_prefix("containerDefinitions[").and_then(|rest| rest.split_once(']'));
    match inside {
        Some((name, "")) => (name, "container"),
        Some((name, place)) => (name, place.strip_prefix('.').unwrap_or(place)),
        None => ("task", path),
    }
}

/// `environment[APP_VERSION]` as `environment APP_VERSION`; deeper paths stay as they are.
fn readable(place: &str) -> String {
    match place.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
        Some((list, name)) if !list.is_empty() && !name.contains('[') => format!("{list} {name}"),
        _ => place.to_owned(),
    }
}

fn words(how: How, old: Option<String>, new: Option<String>) -> String {
    match (how, old, new) {
        (How::Reordered, ..) => "reordered".to_owned(),
        (How::Removed, Some(old), _) => format!("removed, was {old}"),
        (How::Removed, ..) => "removed".to_owned(),
        (How::Added, _, Some(new)) => format!("added: {new}"),
        (How::Added, ..) => "added (value not shown)".to_owned(),
        (How::Changed, Some(old), Some(new)) => format!("{old} → {new}"),
        (How::Changed, None, Some(new)) => format!("changed to {new}"),
        (How::Changed, ..) => "changed (value not shown)".to_owned(),
    }
}

/// Digests are cut short, and the registry is left out unless it is what changes.
fn images(old: Option<&str>, new: Option<&str>) -> (Option<String>, Option<String>) {
    let (from, to) = (old.and_then(ImageRef::parse), new.and_then(ImageRef::parse));
    let moved = from.as_ref().zip(to.as_ref()).is_some_and(|(from, to)| from.host != to.host);
    let quoted = |image: ImageRef| {
        let host = match &image.host {
            Some(host) if moved => format!("{host}/"),
            Some(_) => "…/".to_owned(),
            None => String::new(),
        };
        let tag = image.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = image.digest.as_ref().map(|digest| format!("@sha256:{}", digest.short())).unwrap_or_default();
        // The end of an image says more than its beginning.
        tail(&format!("{host}{}{tag}{digest}", image.path), LONGEST_IMAGE)
    };
    (from.map(quoted), to.map(quoted))
}

/// In place of control characters a question mark: no line may be broken, and none made longer.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn tail(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest {
        return text.to_owned();
    }
    let kept: String = text.chars().skip(count - (longest - 1)).collect();
    format!("…{kept}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    const OLD: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4.2";
    const NEW: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web\
        @sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6";

    fn text(old: Value, new: Value) -> String {
        let object = |value: Value| -> Map<String, Value> { value.as_object().unwrap().clone() };
        Diff::between(&object(old), &object(new)).to_string()
    }

    fn web(image: &str, environment: Value) -> Value {
        json!({ "containerDefinitions": [{ "name": "web", "image": image, "environment": environment }] })
    }

    #[test]
    fn nothing_changed() {
        insta::assert_snapshot!(text(json!({}), json!({})), @"no change");
    }

    #[test]
    fn a_deploy_is_a_few_lines() {
        let old = web(OLD, json!([{ "name": "APP_VERSION", "value": "1.4.2" }]));
        let new = web(NEW, json!([{ "name": "APP_VERSION", "value": "1.5.0" }, { "name": "RELEASED", "value": "x" }]));
        insta::assert_snapshot!(text(old, new), @r"
        web  image                    …/shop/web:1.4.2 → …/shop/web@sha256:1bc04b5291c2
        web  environment APP_VERSION  changed (value not shown)
        web  environment RELEASED     added (value not shown)
        ");
    }

    #[test]
    fn every_kind_of_change_has_its_words() {
        let old = json!({
            "cpu": "256",
            "invented": "a",
            "volumes": [{ "name": "data", "host": {} }],
            "containerDefinitions": [
                { "name": "web", "image": OLD, "stopTimeout": 30, "command": ["run", "--token=x"],
                  "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/web" } } },
                { "name": "sidecar", "image": "nginx:1.27" },
            ],
        });
        let new = json!({
            "cpu": "512",
            "memory": "1024",
            "invented": "b",
            "volumes": [{ "name": "data" }],
            "containerDefinitions": [
                { "name": "web", "image": "https://user:password@registry/web", "command": ["run", "--token=y"],
                  "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/shop" } } },
                { "name": "log-router", "image": NEW },
            ],
        });
        insta::assert_snapshot!(text(old, new), @r"
        task        cpu                                     256 → 512
        task        invented                                changed (value not shown)
        task        volumes[data].host                      removed
        web         image                                   changed (value not shown)
        web         stopTimeout                             removed, was 30
        web         command                                 changed (value not shown)
        web         logConfiguration.options awslogs-group  changed (value not shown)
        sidecar     container                               removed, was nginx:1.27
        log-router  container                               added: …/shop/web@sha256:1bc04b5291c2
        task        memory                                  added: 1024
        ");
    }

    #[test]
    fn the_registry_is_shown_where_it_changes() {
        insta::assert_snapshot!(text(web("nginx:latest", json!([])), web(NEW, json!([]))), @"web  image  nginx:latest → 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:1bc04b5291c2");
        let dual_stack = NEW.replace("dkr.ecr.eu-west-1.amazonaws.com", "dkr-ecr.eu-west-1.on.aws");
        insta::assert_snapshot!(text(web(NEW, json!([])), web(&dual_stack, json!([]))), @"web  image  123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:1bc04b5291c2 → 123456789012.dkr-ecr.eu-west-1.on.aws/shop/web@sha256:1bc04b5291c2");
    }

    #[test]
    fn long_lists_and_long_names_are_bounded() {
        let variables: Vec<Value> =
            (0..200).map(|n| json!({ "name": format!("V{n}_{}", "X".repeat(300)), "value": "secret" })).collect();
        let path = format!("{}/end:{}", "p".repeat(100), "t".repeat(20));
        let text = text(web(&format!("{path}1"), json!([])), web(&format!("{path}2"), Value::Array(variables)));
        assert_eq!(text.lines().count(), MOST_LINES + 1);
        assert!(text.lines().all(|line| line.chars().count() <= 260), "{text}");
        assert!(text.lines().next().unwrap().ends_with("/end:tttttttttttttttttttt2"));
        assert!(text.ends_with("… and 181 more"));
    }

    #[test]
    fn strange_characters_stay_in_their_line() {
        let old = json!({ "family": "a\nb\u{1b}[31m", "容器": 1, "": 2 });
        let new = json!({ "family": "ü\u{0}", "容器": 2, "": 3 });
        insta::assert_snapshot!(text(old, new), @r"
        task  family  a?b?[31m → ü?
        task  [容器]    changed (value not shown)
        task  []      changed (value not shown)
        ");
    }
}
