//! What an image was built from, as its OCI labels say, and the web address of its repository.
//!
//! Labels: <https://github.com/opencontainers/image-spec/blob/main/annotations.md>

use serde::{Deserialize, Serialize};

use crate::model::lenient;

/// What an image was built from; each part as far as its labels say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Build {
    /// The repository's address in the web, from `org.opencontainers.image.source`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub source: Option<String>,
    /// The commit, `org.opencontainers.image.revision`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub commit: Option<String>,
    /// The version, `org.opencontainers.image.version`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub version: Option<String>,
}

/// What the images before and after were built from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct BuildChange {
    /// Of the image that ran.
    #[serde(deserialize_with = "lenient::or_default")]
    pub old: Option<Build>,
    /// Of the image that replaces it.
    #[serde(deserialize_with = "lenient::or_default")]
    pub new: Option<Build>,
}

impl Build {
    /// The repository's address in the web, of whatever Git takes for one; `None` for anything else.
    pub fn address(source: &str) -> Option<String> {
        web_address(source).map(|address| address.url)
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every part is known.
    pub fn is_whole(&self) -> bool {
        self.source.is_some() && self.commit.is_some() && self.version.is_some()
    }

    /// With the parts of another, where this one lacks them.
    pub fn or(self, other: Self) -> Self {
        Self {
            source: self.source.or(other.source),
            commit: self.commit.or(other.commit),
            version: self.version.or(other.version),
        }
    }

    /// The commit as people quote it, its first seven digits.
    pub fn short_commit(&self) -> Option<&str> {
        let commit = self.commit()?;
        Some(commit.get(..7).unwrap_or(commit))
    }

    /// The commit, if it is one: anything else must not get into an address.
    pub(crate) fn commit(&self) -> Option<&str> {
        let commit = self.commit.as_deref()?;
        let is_commit = (7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_commit.then_some(commit)
    }
}

impl BuildChange {
    /// Whether neither build says anything.
    pub fn is_empty(&self) -> bool {
        [&self.old, &self.new].into_iter().flatten().all(Build::is_empty)
    }
}

/// A repository's address in the web.
pub(crate) struct WebAddress {
    pub(crate) host: Host,
    pub(crate) url: String,
}

/// Whose addresses are known; a company's own GitLab often has it in its name.
pub(crate) enum Host {
    GitHub,
    GitLab,
    Bitbucket,
    Other,
}

/// `https://github.com/shop/web` of whatever Git takes for it: `git@github.com:shop/web.git`, `git+https://…`.
pub(crate) fn web_address(source: &str) -> Option<WebAddress> {
    let source = source.trim().trim_start_matches("git+").trim_end_matches('/').trim_end_matches(".git");
    let without_user = |rest: &str| rest.rsplit_once('@').map_or(rest, |(_, rest)| rest).to_owned();
    let (web, rest) = match source.split_once("://") {
        Some(("https" | "http", rest)) => (true, without_user(rest)),
        Some(("ssh" | "git", rest)) => (false, without_user(rest)),
        Some(_) => return None,
        None => (false, source.split_once('@')?.1.replacen(':', "/", 1)),
    };
    let (host, path) = rest.split_once('/')?;
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    // SSH's port is not the web's.
    let port = port.parse::<u16>().ok().filter(|_| web).map(|port| format!(":{port}")).unwrap_or_default();
    let is_made_of = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|it| it.is_ascii_alphanumeric() || more.contains(it))
    };
    if !is_made_of(host, ".-") || !is_made_of(path, "._-/~") || path.contains("..") {
        return None;
    }
    let known = match host {
        "bitbucket.org" => Host::Bitbucket,
        host if host.contains("github") => Host::GitHub,
        host if host.contains("gitlab") => Host::GitLab,
        _ => Host::Other,
    };
    Some(WebAddress { host: known, url: format!("https://{host}{port}/{path}") })
}
