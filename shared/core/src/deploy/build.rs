//! Whether two images are one build: pushed under several tags, a build may have several digests and is one deploy.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::order::Running;
use super::{By, Facts, Known, Wish};
use crate::config::Target;
use crate::facts::ImageFacts;
use crate::image::Digest;
use crate::ledger;
use crate::plan::Shown;
use crate::reason::Reason;

/// The tags of one build are pushed within this time of each other; what comes later is a build of its own.
const ONE_BUILD_SECONDS: i64 = 15 * 60;

/// What a manifest says of the build that it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// The image's configuration, of an image for one platform.
    config: Option<String>,
    /// The manifests of its platforms, of an index; attestations left out.
    platforms: BTreeSet<String>,
    /// The commit, where the build wrote it down: `org.opencontainers.image.revision`.
    revision: Option<String>,
}

impl Build {
    /// Reads an image's manifest or an index; what is neither says nothing.
    pub fn of_manifest(manifest: &str) -> Self {
        let manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
        let platforms = manifest["manifests"].as_array().into_iter().flatten();
        let is_platform = |it: &&Value| it["platform"]["os"].as_str() != Some("unknown");
        Self {
            config: manifest["config"]["digest"].as_str().map(str::to_owned),
            platforms: platforms.filter(is_platform).filter_map(|it| Some(it["digest"].as_str()?.to_owned())).collect(),
            revision: manifest["annotations"]["org.opencontainers.image.revision"].as_str().map(str::to_owned),
        }
    }

    /// Whether both come from one build.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
        same(&self.config, &other.config)
            || same(&self.revision, &other.revision)
            || (!self.platforms.is_empty() && self.platforms == other.platforms)
    }
}

/// The digest of the image that seems to run, if the wanted one may be of the same build: so that both manifests can be
/// asked for beside the task definition, which says what really runs.
pub fn guess(record: &ledger::Service, repository: &str, image: &ImageFacts) -> Option<Digest> {
    let last = record.deployments.iter().find(|it| !it.is_outside())?;
    let brought = last.image.as_ref().filter(|it| it.repository == repository)?.new.digest.clone()?;
    let near = within(Some(last.intended_at), image.pushed_at);
    (brought != image.digest && near).then_some(brought)
}

/// The running image's digest, if both were pushed so close to each other that they may be one build.
pub fn to_compare(facts: &Facts<'_>, wish: &Wish<'_>, running_image: Option<&ImageFacts>) -> Option<Digest> {
    if matches!(wish.by, By::Request(..)) || facts.target.tags.follows_tag().is_some() {
        return None;
    }
    let running = super::order::running(facts, &wish.image.digest)?;
    let pushed_at = running.pushed_at.or(running_image.and_then(|image| image.pushed_at));
    let digest = running.digest.clone().or(running_image.map(|image| image.digest.clone()))?;
    let near = digest != wish.image.digest && within(pushed_at, wish.image.pushed_at);
    // What is older is passed over for that reason already.
    let shown = Shown { tag: None, digest: Some(wish.image.digest.clone()) };
    let newer = || super::order::not_older(facts.target, wish, &shown, &running, running_image).is_ok();
    (near && newer()).then_some(digest)
}

/// Refuses an image of the build that runs already.
pub(super) fn another(
    wish: &Wish<'_>,
    shown: &Shown,
    running: &Running,
    target: &Target,
    known: &Known<'_>,
) -> Result<(), Reason> {
    match known.builds {
        Some((wanted, runs)) if running.digest.as_ref() != Some(&wish.image.digest) && wanted.is_same(runs) => {
            let running = running.shown(target, known.running_image).to_string();
            Err(Reason::SameBuild { candidate: shown.to_string(), running })
        }
        _ => Ok(()),
    }
}

fn within(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one.as_second() - other.as_second()).abs() <= ONE_BUILD_SECONDS,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(platforms: &[(&str, &str)], annotations: &str) -> Build {
        let manifests: Vec<String> = platforms
            .iter()
            .map(|(digest, os)| format!(r#"{{"digest":"{digest}","platform":{{"os":"{os}"}}}}"#))
            .collect();
        Build::of_manifest(&format!(r#"{{"manifests":[{}],"annotations":{annotations}}}"#, manifests.join(",")))
    }

    #[test]
    fn indexes_of_the_same_platforms_are_one_build_whatever_their_attestations() {
        let one = index(&[("a", "linux"), ("b", "linux"), ("x", "unknown")], "{}");
        let other = index(&[("b", "linux"), ("a", "linux"), ("y", "unknown")], "{}");
        assert!(one.is_same(&other));
        assert!(!one.is_same(&index(&[("a", "linux"), ("c", "linux")], "{}")));
        assert!(!index(&[("x", "unknown")], "{}").is_same(&index(&[("y", "unknown")], "{}")));
    }

    #[test]
    fn a_configuration_or_a_commit_tells_a_build() {
        let image = |config: &str| Build::of_manifest(&format!(r#"{{"config":{{"digest":"{config}"}}}}"#));
        assert!(image("sha256:1").is_same(&image("sha256:1")));
        assert!(!image("sha256:1").is_same(&image("sha256:2")));
        let commit = |commit: &str| index(&[(commit, "linux")], r#"{"org.opencontainers.image.revision":"9fceb02"}"#);
        assert!(commit("a").is_same(&commit("b")));
        assert!(!Build::of_manifest("nonsense").is_same(&Build::of_manifest("nonsense")));
    }
}
