//! What an image was built from, in a few words and as links.

use crate::model::build::{Build, BuildChange, Host, WebAddress, web_address};
use crate::model::notice::Link;

impl BuildChange {
    /// The commits and the version in a few words: `3f2a91c → 8b1d02e (1.5.0)`.
    pub fn words(&self) -> Option<String> {
        let new = self.new.as_ref()?;
        let old = self.old.as_ref().and_then(Build::short_commit);
        let commit = match (old, new.short_commit()) {
            (Some(old), Some(new)) if old != new => Some(format!("{old} → {new}")),
            (_, new) => new.map(str::to_owned),
        };
        match (commit, new.version.as_deref().filter(|version| !version.trim().is_empty())) {
            (Some(commit), Some(version)) => Some(format!("{commit} ({version})")),
            (commit, version) => commit.or(version.map(str::to_owned)),
        }
    }

    /// The commit, and what changed since the one before, at the places whose addresses are known; else the repository.
    pub fn links(&self) -> Vec<Link> {
        let Some(new) = &self.new else { return Vec::new() };
        let Some(WebAddress { host, url }) = new.source.as_deref().and_then(web_address) else { return Vec::new() };
        let Some(commit) = new.commit() else { return vec![Link { name: "Source".to_owned(), url }] };
        let page = match host {
            Host::GitHub => format!("{url}/commit/{commit}"),
            Host::GitLab => format!("{url}/-/commit/{commit}"),
            Host::Bitbucket => format!("{url}/commits/{commit}"),
            Host::Other => url.clone(),
        };
        let mut links = vec![Link { name: "Commit".to_owned(), url: page }];
        let before = self.old.as_ref().filter(|old| old.source.is_none() || old.source == new.source);
        if let Some(old) = before.and_then(Build::commit).filter(|old| *old != commit) {
            let compare = match host {
                Host::GitHub => Some(format!("{url}/compare/{old}...{commit}")),
                Host::GitLab => Some(format!("{url}/-/compare/{old}...{commit}")),
                Host::Bitbucket => Some(format!("{url}/branches/compare/{commit}%0D{old}")),
                Host::Other => None,
            };
            links.extend(compare.map(|url| Link { name: "Compare".to_owned(), url }));
        }
        links
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(source: &str, commit: &str) -> Build {
        Build { source: Some(source.to_owned()), commit: Some(commit.to_owned()), version: None }
    }

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let change = BuildChange { old: Some(build(source, "3f2a91c0")), new: Some(build(source, "8b1d02e7")) };
        assert_eq!(change.links().iter().map(|link| link.url.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_host_has_its_own_addresses() {
        let github =
            ["https://github.com/shop/web/commit/8b1d02e7", "https://github.com/shop/web/compare/3f2a91c0...8b1d02e7"];
        for source in [
            "https://github.com/shop/web",
            "https://github.com/shop/web.git",
            "git@github.com:shop/web.git",
            "git+https://token:secret@github.com/shop/web/",
            "ssh://git@github.com:22/shop/web",
        ] {
            check(source, &github);
        }
        check(
            "https://gitlab.shop.example/a/b/web",
            &[
                "https://gitlab.shop.example/a/b/web/-/commit/8b1d02e7",
                "https://gitlab.shop.example/a/b/web/-/compare/3f2a91c0...8b1d02e7",
            ],
        );
        check(
            "https://bitbucket.org/shop/web",
            &[
                "https://bitbucket.org/shop/web/commits/8b1d02e7",
                "https://bitbucket.org/shop/web/branches/compare/8b1d02e7%0D3f2a91c0",
            ],
        );
        check("https://git.shop.example/web", &["https://git.shop.example/web"]);
    }

    #[test]
    fn a_strange_label_makes_no_link() {
        for source in
            ["", "shop/web", "javascript://alert(1)/x", "https://github.com/a|<b>", "https://github.com/../x", "x@y"]
        {
            check(source, &[]);
        }
        let strange = Build { commit: Some("HEAD; rm -rf".to_owned()), ..build("https://github.com/shop/web", "") };
        let links = BuildChange { old: None, new: Some(strange) }.links();
        assert_eq!(links, [Link { name: "Source".to_owned(), url: "https://github.com/shop/web".to_owned() }]);
    }

    #[test]
    fn the_commits_are_quoted_short() {
        let new = Build { version: Some("1.5.0".to_owned()), ..build("", "8b1d02e7aa") };
        let change = BuildChange { old: Some(build("", "3f2a91c0aa")), new: Some(new) };
        assert_eq!(change.words().as_deref(), Some("3f2a91c → 8b1d02e (1.5.0)"));
        assert_eq!(BuildChange::default().words(), None);
    }
}
