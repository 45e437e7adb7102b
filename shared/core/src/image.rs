//! Image references as structures: `host[:port]/path[:tag][@digest]`, never strings cut at a colon.
//!
//! Decides which repository an image comes from, and what a pinned reference looks like.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, Home, Region};

/// A digest, `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// `None` unless the text is `sha256:` and 64 hexadecimal digits, which is all that ECR issues and ECS accepts.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let right = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        right.then(|| Self(text.to_owned()))
    }

    /// The whole digest.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, as people quote them.
    pub fn short(&self) -> &str {
        &self.0["sha256:".len()..][..12]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An image tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// `None` unless the text is a tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        let rest = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        (first && rest && text.len() <= 128).then(|| Self(text.to_owned()))
    }

    /// The tag as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who keeps a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Registry {
    /// A private ECR registry; all four host forms of an account and region are this one registry.
    Ecr {
        /// The registry's account.
        account: AccountId,
        /// The registry's region.
        region: Region,
    },
    /// Any other registry by its host, such as `docker.io` or `localhost:5000`.
    Other(String),
}

/// A repository: a registry and a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Repository {
    /// Who keeps it.
    pub registry: Registry,
    /// Its name there, slashes included: `shop/web`.
    pub name: String,
}

impl Repository {
    /// The repository of this name in the account and region where the function runs.
    pub fn at_home(name: &str, home: &Home) -> Self {
        Self {
            registry: Registry::Ecr { account: home.account.clone(), region: home.region.clone() },
            name: name.to_owned(),
        }
    }
}

/// An image reference as a task definition writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef {
    /// The host as written, `None` where Docker Hub is meant by leaving it out.
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
    pub fn parse(text: &str) -> Option<Self> {
        todo!("{text}")
    }

    /// The repository that the reference names.
    pub fn repository(&self) -> Repository {
        todo!()
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
