//! Reads what an image says of the build that it comes from: annotations on its manifests, labels in its configuration.
//!
//! Anybody can write these, so they are cut, and an address is taken only where it is one of a repository.
//! Keys: <https://github.com/opencontainers/image-spec/blob/main/annotations.md>

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::build::Build;
use crate::model::clean::clean;
use crate::model::image::Digest;

const SOURCE: &str = "org.opencontainers.image.source";
const COMMIT: &str = "org.opencontainers.image.revision";
const VERSION: &str = "org.opencontainers.image.version";

/// Characters of an address; a link to a comparison adds two commits.
const LONGEST_SOURCE: usize = 300;

/// Characters of a commit or a version; a commit has 64 at most.
const LONGEST: usize = 100;

/// What a manifest says of a build, and where more is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestBuild {
    /// As far as the manifest itself says.
    pub build: Build,
    /// Where to read on; `None` where there is nothing more.
    pub more: Option<More>,
}

/// Where more is said of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum More {
    /// In the manifest of one of the index's images: one build has one source, whatever the platform.
    Image(Digest),
    /// In the image's configuration.
    Configuration {
        /// Its digest, by which it is kept as layers are.
        digest: Digest,
        /// Its size in bytes, by the manifest.
        size: u64,
    },
}

/// What an image's manifest or an index says; what is neither says nothing.
pub fn of_manifest(manifest: &str) -> ManifestBuild {
    let manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
    let digest = |of: &Value| Digest::parse(of["digest"].as_str()?);
    let configuration = || {
        let config = &manifest["config"];
        Some(More::Configuration { digest: digest(config)?, size: config["size"].as_u64().unwrap_or_default() })
    };
    let image = || {
        let mut listed = manifest["manifests"].as_array()?.iter().filter(|it| !is_attestation(it));
        Some(More::Image(listed.find_map(digest)?))
    };
    let build = manifest["annotations"].as_object().map(build).unwrap_or_default();
    let more = if build.is_whole() { None } else { configuration().or_else(image) };
    ManifestBuild { build, more }
}

/// What an image's configuration says by its labels.
pub fn of_configuration(configuration: &[u8]) -> Build {
    let configuration: Value = serde_json::from_slice(configuration).unwrap_or_default();
    configuration["config"]["Labels"].as_object().map(build).unwrap_or_default()
}

/// What a manifest says of the build that it comes from, to see whether two images are one build.
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
        Self {
            config: manifest["config"]["digest"].as_str().map(str::to_owned),
            platforms: platforms
                .filter(|it| !is_attestation(it))
                .filter_map(|it| Some(it["digest"].as_str()?.to_owned()))
                .collect(),
            revision: manifest["annotations"][COMMIT].as_str().map(str::to_owned),
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

/// An index lists what was attested of its images beside them.
fn is_attestation(listed: &Value) -> bool {
    listed["platform"]["os"] == "unknown" || !listed["annotations"]["vnd.docker.reference.type"].is_null()
}

fn build(labels: &Map<String, Value>) -> Build {
    let line = |key: &str, longest: usize| {
        let words = labels.get(key)?.as_str()?.split_whitespace();
        let line: String = words.flat_map(|word| [" ", word]).skip(1).flat_map(str::chars).take(longest).collect();
        Some(clean(&line)).filter(|line| !line.is_empty())
    };
    Build {
        // A token in the address stays where it is.
        source: line(SOURCE, LONGEST_SOURCE).and_then(|source| Build::address(&source)),
        commit: line(COMMIT, LONGEST),
        version: line(VERSION, LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(digit: &str) -> String {
        format!("sha256:{}", digit.repeat(64))
    }

    fn labels() -> Value {
        json!({ SOURCE: "https://github.com/shop/web.git", COMMIT: "8b1d02e7", VERSION: "1.5.0", "maintainer": "ana" })
    }

    fn whole() -> Build {
        let text = |text: &str| Some(text.to_owned());
        Build { source: text("https://github.com/shop/web"), commit: text("8b1d02e7"), version: text("1.5.0") }
    }

    #[test]
    fn an_image_points_to_its_configuration() {
        let said = of_manifest(&json!({ "config": { "digest": digest("c"), "size": 1470 } }).to_string());
        let digest = Digest::parse(&digest("c")).unwrap();
        let more = Some(More::Configuration { digest, size: 1470 });
        assert_eq!(said, ManifestBuild { build: Build::default(), more });
        assert_eq!(of_configuration(json!({ "config": { "Labels": labels() } }).to_string().as_bytes()), whole());
    }

    #[test]
    fn annotations_that_say_all_are_enough() {
        let mut manifest = json!({ "config": { "digest": digest("c"), "size": 1 }, "annotations": labels() });
        assert_eq!(of_manifest(&manifest.to_string()), ManifestBuild { build: whole(), more: None });
        manifest["annotations"][VERSION] = json!(" ");
        let said = of_manifest(&manifest.to_string());
        assert_eq!((said.build, said.more.is_some()), (Build { version: None, ..whole() }, true));
    }

    #[test]
    fn an_index_points_to_its_first_image() {
        let index = json!({ "manifests": [
            { "digest": digest("1"), "platform": { "os": "unknown" } },
            { "digest": digest("2"), "annotations": { "vnd.docker.reference.type": "attestation-manifest" } },
            { "digest": "nonsense", "platform": { "os": "linux" } },
            { "digest": digest("3"), "platform": { "os": "linux", "architecture": "arm64" } },
        ] });
        let image = Digest::parse(&digest("3")).unwrap();
        assert_eq!(of_manifest(&index.to_string()).more, Some(More::Image(image)));
    }

    #[test]
    fn what_is_strange_is_cut_or_left_out() {
        let strange = json!({ "config": { "Labels": {
            SOURCE: "javascript:alert(1)//github.com/x", COMMIT: ["8b1d02e7"], VERSION: format!("<!channel>\n\u{202e}{}", "x".repeat(100_000)),
        } } });
        let build = of_configuration(strange.to_string().as_bytes());
        assert_eq!((build.source, build.commit), (None, None));
        let version = build.version.unwrap();
        assert!(version.starts_with("<!channel> \u{fffd}xxx"), "{version}");
        assert_eq!(version.chars().count(), LONGEST);
        for text in ["", "nonsense", "[]", "null", "{}", r#"{"config":3}"#, r#"{"config":{"Labels":null}}"#] {
            assert_eq!(of_configuration(text.as_bytes()), Build::default(), "{text}");
            assert_eq!(of_manifest(text), ManifestBuild::default(), "{text}");
        }
    }

    #[test]
    fn a_token_in_the_address_is_left_out() {
        let labels =
            json!({ "config": { "Labels": { SOURCE: "https://ci:secret@gitlab.shop.example:8443/a/web.git" } } });
        let build = of_configuration(labels.to_string().as_bytes());
        assert_eq!(build.source.as_deref(), Some("https://gitlab.shop.example:8443/a/web"));
    }

    fn platforms(platforms: &[(&str, &str)], annotations: &str) -> BuildIdentity {
        let manifests: Vec<String> = platforms
            .iter()
            .map(|(digest, os)| format!(r#"{{"digest":"{digest}","platform":{{"os":"{os}"}}}}"#))
            .collect();
        BuildIdentity::of_manifest(&format!(r#"{{"manifests":[{}],"annotations":{annotations}}}"#, manifests.join(",")))
    }

    #[test]
    fn indexes_of_the_same_platforms_are_one_build_whatever_their_attestations() {
        let one = platforms(&[("a", "linux"), ("b", "linux"), ("x", "unknown")], "{}");
        let other = platforms(&[("b", "linux"), ("a", "linux"), ("y", "unknown")], "{}");
        assert!(one.is_same(&other));
        assert!(!one.is_same(&platforms(&[("a", "linux"), ("c", "linux")], "{}")));
        assert!(!platforms(&[("x", "unknown")], "{}").is_same(&platforms(&[("y", "unknown")], "{}")));
    }

    #[test]
    fn a_configuration_or_a_commit_tells_a_build() {
        let image = |config: &str| BuildIdentity::of_manifest(&format!(r#"{{"config":{{"digest":"{config}"}}}}"#));
        assert!(image("sha256:1").is_same(&image("sha256:1")));
        assert!(!image("sha256:1").is_same(&image("sha256:2")));
        let commit =
            |commit: &str| platforms(&[(commit, "linux")], r#"{"org.opencontainers.image.revision":"9fceb02"}"#);
        assert!(commit("a").is_same(&commit("b")));
        assert!(!BuildIdentity::of_manifest("nonsense").is_same(&BuildIdentity::of_manifest("nonsense")));
    }
}
