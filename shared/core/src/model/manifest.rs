//! What an image's manifest says of the build that it comes from, to see whether two images are one build.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a manifest says of the build that it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildIdentity {
    /// The image's configuration, of an image for one platform.
    config: Option<String>,
    /// The manifests of its platforms, of an index; attestations left out.
    platforms: BTreeSet<String>,
    /// The commit, where the build wrote it down: `org.opencontainers.image.revision`.
    revision: Option<String>,
}

impl BuildIdentity {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn index(platforms: &[(&str, &str)], annotations: &str) -> BuildIdentity {
        let manifests: Vec<String> = platforms
            .iter()
            .map(|(digest, os)| format!(r#"{{"digest":"{digest}","platform":{{"os":"{os}"}}}}"#))
            .collect();
        BuildIdentity::of_manifest(&format!(r#"{{"manifests":[{}],"annotations":{annotations}}}"#, manifests.join(",")))
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
        let image = |config: &str| BuildIdentity::of_manifest(&format!(r#"{{"config":{{"digest":"{config}"}}}}"#));
        assert!(image("sha256:1").is_same(&image("sha256:1")));
        assert!(!image("sha256:1").is_same(&image("sha256:2")));
        let commit = |commit: &str| index(&[(commit, "linux")], r#"{"org.opencontainers.image.revision":"9fceb02"}"#);
        assert!(commit("a").is_same(&commit("b")));
        assert!(!BuildIdentity::of_manifest("nonsense").is_same(&BuildIdentity::of_manifest("nonsense")));
    }
}
