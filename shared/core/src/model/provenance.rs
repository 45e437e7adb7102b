//! The tags by which a revision says that Slipway registered it, for what, and after which revision.
//!
//! Provenance names a revision, not a deployment: anybody can deploy a revision again.

use jiff::Timestamp;

use crate::model::facts::Revision;
use crate::model::id::EventId;
use crate::model::image::{Digest, ImageRef, Tag};
use crate::model::trigger::Trigger;

/// The prefix of every provenance tag; all tags under it are Slipway's, those that later versions write included.
pub const PREFIX: &str = "slipway:";

/// The longest value of a tag, in characters (ECS's service model).
const LONGEST_VALUE: usize = 256;

/// What Slipway writes on a revision that it registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The repository's name, without its registry.
    pub repository: String,
    /// The tag under which the image was chosen; `None` where it was asked for by digest and has no tag.
    pub tag: Option<Tag>,
    /// The image.
    pub digest: Digest,
    /// When the registry received the image.
    pub pushed_at: Option<Timestamp>,
    /// What triggered Slipway. Read from a revision it is what a tag holds of the event's id; compare with [`Provenance::is_of`].
    pub event: EventId,
    /// The Lambda request that registered the revision. Lambda's own tries of an asynchronous invocation share it,
    /// another delivery of the same event does not: so a try after a crash is known, and publishes what the first could not.
    pub request: Option<String>,
    /// Who or what asked.
    pub trigger: Trigger,
    /// The revision that the service ran before, as `family:revision`.
    pub previous: Option<String>,
    /// The family's revision that it was made from, as `family:revision`, with `base: family`.
    pub definition: Option<String>,
}

impl Provenance {
    /// The provenance as tags, the most important first: where a revision has no room for all, the last are left out.
    ///
    /// The first two are the least that [`Provenance::of`] needs. Every value is one that ECS takes, whatever was given.
    pub fn tags(&self) -> Vec<(String, String)> {
        let tag = self.tag.as_ref().map(|tag| tag.to_string());
        let pushed_at = self.pushed_at.map(|at| at.to_string());
        // A revision's name that is cut off is another revision's name, so it is all or nothing.
        let previous = self.previous.clone().filter(|name| fits(name));
        let definition = self.definition.clone().filter(|name| fits(name));
        [
            ("event", Some(fitted(self.event.as_str()))),
            ("digest", Some(self.digest.to_string())),
            ("tag", tag),
            ("trigger", Some(fitted(&self.trigger.to_string()))),
            ("previous", previous),
            ("definition", definition),
            ("request", self.request.as_deref().map(fitted)),
            ("pushed-at", pushed_at),
            // Last, because the container that names the digest names the repository too.
            ("repository", Some(fitted(&self.repository))),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((format!("{PREFIX}{key}"), value?)))
        .collect()
    }

    /// Reads the provenance of a revision; `None` unless Slipway registered it.
    ///
    /// Tags are copied when a person or a tool makes a new revision from ours,
    /// so they count only while a container still names the digest that they name.
    pub fn of(revision: &Revision) -> Option<Self> {
        let value = |key: &str| {
            let key = format!("{PREFIX}{key}");
            revision.tags.iter().find(|(k, _)| *k == key).map(|(_, value)| value.as_str())
        };
        let digest = Digest::parse(value("digest")?)?;
        let event = EventId::new(value("event")?);
        let containers = revision.definition.get("containerDefinitions")?.as_array()?;
        let mut images = containers.iter().filter_map(|it| ImageRef::parse(it.get("image")?.as_str()?));
        let image = images.find(|image| image.digest.as_ref() == Some(&digest))?;
        Some(Self {
            repository: value("repository").map_or_else(|| image.repository().name, str::to_owned),
            tag: value("tag").and_then(Tag::parse),
            digest,
            pushed_at: value("pushed-at").and_then(|at| at.parse().ok()),
            event,
            trigger: Trigger::from(value("trigger").unwrap_or_default()),
            request: value("request").map(str::to_owned),
            previous: value("previous").map(str::to_owned),
            definition: value("definition").map(str::to_owned),
        })
    }

    /// Whether this is what that event or request left behind; a repeated request is recognised by it.
    pub fn is_of(&self, event: &EventId) -> bool {
        fitted(self.event.as_str()) == fitted(event.as_str())
    }
}

/// The text as a tag's value: the text itself where ECS takes it.
///
/// Of any other, what a tag cannot hold becomes `_`, and a hash of the whole is added, so that two ids stay two. The result
/// is itself such a value.
fn fitted(text: &str) -> String {
    if fits(text) {
        return text.to_owned();
    }
    let digest = Digest::of(text.as_bytes());
    let hash = &digest.hex()[..16];
    let room = LONGEST_VALUE - 1 - hash.len();
    let plain: String = text.chars().map(|c| if is_plain(c) { c } else { '_' }).take(room).collect();
    format!("{plain}@{hash}")
}

fn fits(text: &str) -> bool {
    text.chars().all(is_plain) && text.len() <= LONGEST_VALUE
}

/// ECS also takes letters of other scripts and spaces, but by rules that its services and tools read differently.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '=' | '.' | '_' | ':' | '/' | '@')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::id::TaskDefinitionArn;

    const DIGEST: &str = "sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6";

    fn provenance(event: &str) -> Provenance {
        Provenance {
            repository: "shop/web".to_owned(),
            tag: Tag::parse("1.8.2"),
            digest: Digest::parse(DIGEST).unwrap(),
            pushed_at: Some("2026-11-21T10:15:30.25Z".parse().unwrap()),
            event: EventId::new(event),
            trigger: Trigger::Push,
            request: Some("6b1f7c52-0d0e".to_owned()),
            previous: Some("web:41".to_owned()),
            definition: Some("web:40".to_owned()),
        }
    }

    fn revision(image: &str, tags: Vec<(String, String)>) -> Revision {
        let definition = json!({
            "family": "web",
            "containerDefinitions": [
                { "name": "log-router", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable" },
                { "name": "web", "image": image },
            ],
        });
        Revision { arn: TaskDefinitionArn::new("web:42"), definition: definition.as_object().unwrap().clone(), tags }
    }

    fn ours() -> String {
        format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@{DIGEST}")
    }

    #[test]
    fn the_most_important_tags_come_first() {
        let lines: Vec<String> = provenance("2c91b0f5-8d21-4a3f-9f0e-0c1a5e0f7b11")
            .tags()
            .into_iter()
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        slipway:event = 2c91b0f5-8d21-4a3f-9f0e-0c1a5e0f7b11
        slipway:digest = sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6
        slipway:tag = 1.8.2
        slipway:trigger = push
        slipway:previous = web:41
        slipway:definition = web:40
        slipway:request = 6b1f7c52-0d0e
        slipway:pushed-at = 2026-11-21T10:15:30.25Z
        slipway:repository = shop/web
        ");
    }

    #[test]
    fn what_was_written_is_read_back() {
        let written = provenance("2c91b0f5");
        assert_eq!(Provenance::of(&revision(&ours(), written.tags())), Some(written));

        let mut least = provenance("2c91b0f5");
        (least.tag, least.pushed_at, least.request) = (None, None, None);
        (least.previous, least.definition) = (None, None);
        least.trigger = Trigger::Other("promotion".to_owned());
        assert_eq!(Provenance::of(&revision(&ours(), least.tags())), Some(least));
    }

    #[test]
    fn the_first_two_tags_are_enough() {
        let mut tags = provenance("2c91b0f5").tags();
        tags.truncate(2);
        let read = Provenance::of(&revision(&ours(), tags.clone())).unwrap();
        assert!(read.is_of(&EventId::new("2c91b0f5")));
        assert_eq!(read.repository, "shop/web");
        assert_eq!(read.trigger, Trigger::Unknown);

        tags.truncate(1);
        assert_eq!(Provenance::of(&revision(&ours(), tags)), None);
        assert_eq!(Provenance::of(&revision(&ours(), vec![])), None);
    }

    #[test]
    fn copied_tags_name_an_image_that_no_container_has() {
        let tags = provenance("2c91b0f5").tags();
        let other = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:{}", "0".repeat(64));
        for image in
            [other.as_str(), "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.8.2", "nginx", "", DIGEST]
        {
            assert_eq!(Provenance::of(&revision(image, tags.clone())), None, "{image}");
        }
        // The same image under another host form, or with a tag beside the digest, is still the image.
        let tagged = format!("123456789012.dkr-ecr.eu-west-1.on.aws/shop/web:1.8.2@{DIGEST}");
        assert!(Provenance::of(&revision(&tagged, tags)).is_some());
    }

    #[test]
    fn unknown_and_broken_tags_are_no_trouble() {
        let mut tags = provenance("2c91b0f5").tags();
        tags.push(("slipway:lease".to_owned(), "17".to_owned()));
        tags.push(("team".to_owned(), "shop".to_owned()));
        for (key, value) in &mut tags {
            match key.as_str() {
                "slipway:pushed-at" => *value = "yesterday".to_owned(),
                "slipway:tag" => *value = "not a tag".to_owned(),
                _ => {}
            }
        }
        let read = Provenance::of(&revision(&ours(), tags.clone())).unwrap();
        assert_eq!((read.tag, read.pushed_at), (None, None));

        tags.iter_mut().filter(|(key, _)| key == "slipway:digest").for_each(|(_, value)| value.truncate(20));
        assert_eq!(Provenance::of(&revision(&ours(), tags)), None);
    }

    #[track_caller]
    fn check(event: &str, expected: &str) {
        let marked = fitted(event);
        assert_eq!(marked, expected);
        assert_eq!(fitted(&marked), marked);

        let written = provenance(event);
        for (key, value) in written.tags() {
            assert!(value.len() <= 256 && value.chars().all(is_plain), "{key} {value}");
        }
        let read = Provenance::of(&revision(&ours(), written.tags())).unwrap();
        assert!(read.is_of(&EventId::new(event)));
        assert!(!read.is_of(&EventId::new(format!("{event}."))));
    }

    #[test]
    fn any_id_becomes_a_value_that_ecs_takes() {
        check("release-2026.11/web:7@ci+a=b", "release-2026.11/web:7@ci+a=b");
        check("", "");
        check(&"x".repeat(256), &"x".repeat(256));
        check(&"x".repeat(257), &format!("{}@15eb95a462ee20bd", "x".repeat(239)));
        check("deploy #7", "deploy__7@55a89f433aea5156");
        check(" a b ", "_a_b_@31f3d5f3288a0017");
        check("Größe 🚢", "Gr__e__@a88e512df258b134");
        check("a\nb\u{0}", "a_b_@691a9f61dcbf4af9");
    }

    #[test]
    fn ids_that_look_alike_in_a_tag_stay_two() {
        let marked = |id: &str| fitted(id);
        assert_ne!(marked("a b"), marked("a#b"));
        assert_ne!(marked("a b"), marked("a_b"));
        assert_ne!(marked(&"x".repeat(257)), marked(&"x".repeat(258)));
    }

    #[test]
    fn a_previous_revision_too_long_for_a_tag_is_left_out() {
        let mut long = provenance("2c91b0f5");
        long.previous = Some(format!("{}:12", "f".repeat(255)));
        assert!(long.tags().iter().all(|(key, _)| key != "slipway:previous"));
    }
}
