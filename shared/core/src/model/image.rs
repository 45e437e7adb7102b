//! Image references as structures: `host[:port]/path[:tag][@digest]`, never strings cut at a colon.
//!
//! Decides which repository an image comes from, and what a pinned reference looks like.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use registry::{Registry, Repository};

use crate::model::id::text;

mod registry;

/// What a newtype has whose `parse` takes only some texts.
macro_rules! checked_text {
    ($name:ident, $what:literal) => {
        text!($name);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                Self::parse(&text).ok_or_else(|| format!("{text:?} is not {}", $what))
            }
        }
    };
}

/// A digest, `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Digest(String);

impl Digest {
    /// `None` unless the text is `sha256:` and 64 hexadecimal digits, which is all that ECR issues and ECS accepts.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let right = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        right.then(|| Self(text.to_owned()))
    }

    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}")))
    }

    /// The 64 hexadecimal digits.
    pub fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }

    /// The first twelve digits, as people quote them.
    pub fn short(&self) -> &str {
        &self.hex()[..12]
    }
}

/// An image tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Tag(String);

impl Tag {
    /// `None` unless the text is a tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        let rest = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        (first && rest && text.len() <= 128).then(|| Self(text.to_owned()))
    }
}

checked_text!(Digest, "a digest");
checked_text!(Tag, "an image tag");

/// The longest image reference that ECS takes, in characters, the digest not counted (ECS's service model).
pub const LONGEST: usize = 255;

/// An image reference as a task definition writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef {
    /// The host as written, `None` where it is left out: Docker Hub.
    pub host: Option<String>,
    /// The path, `shop/web`.
    pub path: String,
    /// The tag, if one is written.
    pub tag: Option<Tag>,
    /// The digest, if one is written.
    pub digest: Option<Digest>,
}

impl ImageRef {
    /// Parses `[host[:port]/]path[:tag][@digest]`; `None` for what is no image reference.
    ///
    /// The first part is a host where it could not be a path: it has a dot, a colon or an upper-case letter, or is
    /// `localhost` (the rule of distribution/reference). Longer than [`LONGEST`] is no reference to ECS either.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(Digest::parse(digest)?)),
            None => (text, None),
        };
        if name.len() > LONGEST {
            return None;
        }
        let (host, rest) = match name.split_once('/') {
            Some((first, rest)) if means_host(first) => (Some(first), rest),
            _ => (None, name),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(Tag::parse(tag)?)),
            None => (rest, None),
        };
        let right = host.is_none_or(is_host) && is_path(path);
        right.then(|| Self { host: host.map(str::to_owned), path: path.to_owned(), tag, digest })
    }

    /// The repository that the reference names: `nginx` is `docker.io/library/nginx`.
    pub fn repository(&self) -> Repository {
        let registry = self.host.as_deref().map_or_else(Registry::docker_hub, Registry::of_host);
        let official = registry == Registry::docker_hub() && !self.path.contains('/');
        let name = if official { format!("library/{}", self.path) } else { self.path.clone() };
        Repository { registry, name }
    }

    /// The same repository, in the same host form, pinned to this digest and without a tag.
    pub fn pinned(&self, digest: &Digest) -> Self {
        Self { host: self.host.clone(), path: self.path.clone(), tag: None, digest: Some(digest.clone()) }
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}/")?;
        }
        f.write_str(&self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn means_host(part: &str) -> bool {
    part == "localhost" || part.bytes().any(|b| matches!(b, b'.' | b':') || b.is_ascii_uppercase())
}

fn is_host(host: &str) -> bool {
    // A colon within brackets belongs to an IPv6 address.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let right = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'),
        None => name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }),
    };
    right && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a path is one of a repository: parts of lower-case letters and digits,
/// which a dot, one or two underscores or any number of dashes may join.
fn is_path(path: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    path.split('/').all(|part| {
        part.starts_with(alphanumeric)
            && part.ends_with(alphanumeric)
            && part
                .split(alphanumeric)
                .all(|joint| matches!(joint, "" | "." | "_" | "__") || joint.bytes().all(|b| b == b'-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6";

    fn digest() -> Digest {
        Digest::parse(&format!("sha256:{HEX}")).unwrap()
    }

    /// `text` is an image of `repository`, its parts are these, and writing it gives the same text.
    #[track_caller]
    fn check(text: &str, repository: &str, tag: Option<&str>, pinned: Option<&str>) {
        let image = ImageRef::parse(text).expect(text);
        assert_eq!(image.repository().to_string(), repository);
        assert_eq!(image.tag.as_ref().map(Tag::as_str), tag);
        assert_eq!(image.digest.as_ref().map(Digest::as_str), pinned);
        assert_eq!(image.to_string(), text);
    }

    #[test]
    fn docker_hub_is_meant_where_no_host_is_named() {
        check("nginx", "docker.io/library/nginx", None, None);
        check("nginx:1.27", "docker.io/library/nginx", Some("1.27"), None);
        check("grafana/grafana", "docker.io/grafana/grafana", None, None);
        check("docker.io/nginx", "docker.io/library/nginx", None, None);
        check("index.docker.io/library/nginx", "docker.io/library/nginx", None, None);
        check("registry-1.docker.io/nginx:1", "docker.io/library/nginx", Some("1"), None);
    }

    #[test]
    fn a_host_has_a_dot_a_port_or_a_capital_or_is_localhost() {
        check("localhost/img", "localhost/img", None, None);
        check("localhost:5000/img", "localhost:5000/img", None, None);
        check("localhost:5000/img:2", "localhost:5000/img", Some("2"), None);
        check("registry:5000/shop/web:2", "registry:5000/shop/web", Some("2"), None);
        check("Registry/web", "registry/web", None, None);
        check("GHCR.io/shop/web:2", "ghcr.io/shop/web", Some("2"), None);
        check("[::1]:5000/img:2", "[::1]:5000/img", Some("2"), None);
        check("[2001:db8::1]/img", "[2001:db8::1]/img", None, None);
        check("public.ecr.aws/nginx/nginx:1", "public.ecr.aws/nginx/nginx", Some("1"), None);
        // Without a slash there is no host: this is the image `localhost` under the tag `5000`.
        check("localhost:5000", "docker.io/library/localhost", Some("5000"), None);
    }

    #[test]
    fn a_tag_and_a_digest_may_stand_together() {
        let sha = format!("sha256:{HEX}");
        let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web";
        check(&format!("{ecr}@{sha}"), ecr, None, Some(&sha));
        check(&format!("{ecr}:1.4.2@{sha}"), ecr, Some("1.4.2"), Some(&sha));
        check(&format!("nginx:1@{sha}"), "docker.io/library/nginx", Some("1"), Some(&sha));
        check(&format!("localhost:5000/img@{sha}"), "localhost:5000/img", None, Some(&sha));
    }

    #[test]
    fn what_is_no_reference_is_none_and_never_a_panic() {
        let long = "a".repeat(256);
        let sha512 = format!("nginx@sha512:{}", "0".repeat(128));
        for text in [
            "",
            " ",
            "/",
            ":",
            "@",
            "a:b:c",
            "web:",
            ":web",
            "@sha256:short",
            "web@",
            "web@sha256:short",
            "web:@sha256:",
            "web:1@sha256:abc",
            "/web",
            "web/",
            "shop//web",
            "shop/web/",
            "Web",
            "shop/Web",
            "wéb",
            "web:тег",
            "web:ta g",
            "web :1",
            " web",
            "web\n",
            "\u{0}",
            "🚢",
            "web:🚢",
            "🚢/web",
            "é.io/web",
            "https://ghcr.io/shop/web",
            ".io/web",
            "a..b/web",
            "-a.io/web",
            "host:/web",
            "host:port/web",
            ":5000/web",
            "[]/web",
            "[::1/web",
            "[::g]:1/web",
            "[::1]x:1/web",
            "web:-1",
            "web:.1",
            "a@b@c",
            "${IMAGE}",
            "<image>",
            &long,
            &sha512,
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/",
        ] {
            assert_eq!(ImageRef::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_length_counts_before_the_digest() {
        let longest = "a".repeat(LONGEST);
        assert!(ImageRef::parse(&longest).is_some());
        assert!(ImageRef::parse(&format!("{longest}@sha256:{HEX}")).is_some());
        assert_eq!(ImageRef::parse(&format!("{longest}a@sha256:{HEX}")), None);
        assert_eq!(ImageRef::parse(&format!("{longest}:1")), None);
    }

    #[test]
    fn the_repository_is_compared_whole() {
        let of = |text: &str| ImageRef::parse(text).unwrap().repository();
        let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        let web = of(&format!("{host}/shop/web:1"));
        assert_eq!(web, of("123456789012.dkr-ecr.eu-west-1.on.aws/shop/web"));
        for other in [
            format!("{host}/shop/web-worker:1"),
            format!("{host}/web:1"),
            "123456789012.dkr.ecr.eu-west-2.amazonaws.com/shop/web:1".to_owned(),
            "210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1".to_owned(),
            "shop/web:1".to_owned(),
        ] {
            assert_ne!(web, of(&other));
        }
    }

    #[test]
    fn pinning_keeps_the_host_form_and_drops_the_tag() {
        for (text, pinned) in [
            ("nginx:1.27", "nginx"),
            ("localhost:5000/img", "localhost:5000/img"),
            ("123456789012.dkr-ecr.eu-west-1.on.aws/shop/web:1.4.2", "123456789012.dkr-ecr.eu-west-1.on.aws/shop/web"),
            (
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/web@sha256:0000000000000000000000000000000000000000000000000000000000000000",
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/web",
            ),
        ] {
            let image = ImageRef::parse(text).unwrap().pinned(&digest()).to_string();
            assert_eq!(image, format!("{pinned}@sha256:{HEX}"));
        }
    }

    /// Every text over an alphabet of troublemakers either is refused or comes back as it was.
    #[test]
    fn short_texts_are_refused_or_written_back() {
        let alphabet = ['a', 'Z', '0', '.', ':', '/', '@', '-', '_', '[', ']', 'é'];
        let mut texts = vec![String::new()];
        let mut references = 0;
        for _ in 0..5 {
            texts = texts.iter().flat_map(|text| alphabet.map(|c| format!("{text}{c}"))).collect();
            for text in &texts {
                if let Some(image) = ImageRef::parse(text) {
                    references += 1;
                    assert_eq!(&image.to_string(), text);
                    let pinned = image.pinned(&digest());
                    assert_eq!(ImageRef::parse(&pinned.to_string()).as_ref(), Some(&pinned));
                    assert_eq!(pinned.repository(), image.repository());
                }
            }
        }
        assert!(references > 100, "{references}");
    }

    #[test]
    fn a_digest_is_sha256_in_lower_case() {
        assert_eq!(digest().short(), "1bc04b5291c2");
        for text in
            ["", "sha256:", HEX, &format!("sha256:{}", HEX.to_uppercase()), &format!("sha256:{HEX}0"), "sha256:é"]
        {
            assert_eq!(Digest::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_read_back_is_checked_again() {
        let text = format!("\"{}\"", digest());
        assert_eq!(serde_json::to_string(&digest()).unwrap(), text);
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest());
        assert!(serde_json::from_str::<Digest>("\"sha256:short\"").is_err());
        assert!(serde_json::from_str::<Tag>("\"\"").is_err());
    }

    #[test]
    fn a_tag_is_short_and_plain() {
        for text in ["latest", "1.8.2", "_x", "A-b_c.d", &"t".repeat(128)] {
            assert_eq!(Tag::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "-x", ".x", "a b", "a:b", "é", &"t".repeat(129)] {
            assert_eq!(Tag::parse(text), None, "{text}");
        }
    }
}
