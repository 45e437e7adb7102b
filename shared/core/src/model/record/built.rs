//! What is remembered of the builds that a service ran, so that an image is asked only once where it comes from.

use super::Service;
use crate::model::build::{Build, BuildChange};
use crate::model::image::Digest;

impl Service {
    /// What the images of a deployment were built from is known now.
    pub fn built(&mut self, number: u64, build: BuildChange) {
        if let Some(it) = self.at(number) {
            it.build = Some(build);
        }
    }

    /// What an image was built from, if a deployment before brought it or took its place; a build that says nothing is
    /// an answer, too.
    pub fn build_of(&self, repository: &str, digest: &Digest) -> Option<&Build> {
        self.deployments.iter().find_map(|it| {
            let image = it.image.as_ref().filter(|image| image.repository == repository)?;
            let build = it.build.as_ref()?;
            let of_old = image.old.as_ref().is_some_and(|old| old.digest.as_ref() == Some(digest));
            let of_new = image.new.digest.as_ref() == Some(digest);
            build.new.as_ref().filter(|_| of_new).or(build.old.as_ref().filter(|_| of_old))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(digit: &str) -> Digest {
        Digest::parse(&format!("sha256:{}", digit.repeat(64))).unwrap()
    }

    fn record(build: serde_json::Value) -> Service {
        let image = json!({
            "repository": "shop/web",
            "old": { "tag": null, "digest": digest("a") },
            "new": { "tag": "1.5.0", "digest": digest("b") },
        });
        serde_json::from_value(json!({ "deployments": [
            {
                "number": 1, "trigger": "push", "intended_at": "2026-11-21T10:00:00Z", "image": image, "build": build,
                "state": { "intended": {} },
            },
        ] }))
        .unwrap()
    }

    #[test]
    fn a_build_is_found_by_its_image() {
        let mut record = record(json!(null));
        assert_eq!(record.build_of("shop/web", &digest("b")), None);
        let build = |commit: &str| Build { commit: Some(commit.to_owned()), ..Build::default() };
        record.built(1, BuildChange { old: None, new: Some(build("8b1d02e7")) });
        assert_eq!(record.build_of("shop/web", &digest("a")), None);
        assert_eq!(record.build_of("shop/web", &digest("b")), Some(&build("8b1d02e7")));
        assert_eq!(record.build_of("shop/api", &digest("b")), None);
        record.built(1, BuildChange { old: Some(build("3f2a91c0")), new: Some(Build::default()) });
        assert_eq!(record.build_of("shop/web", &digest("a")), Some(&build("3f2a91c0")));
        assert_eq!(record.build_of("shop/web", &digest("b")), Some(&Build::default()));
    }

    #[test]
    fn a_build_of_another_shape_is_none() {
        for build in [json!("8b1d02e7"), json!([1]), json!(7)] {
            let record = record(build);
            assert_eq!(record.build_of("shop/web", &digest("b")), None);
        }
        let record = record(json!({ "new": { "commit": 7, "version": "1.5.0" }, "old": "?" }));
        let new = Build { version: Some("1.5.0".to_owned()), ..Build::default() };
        assert_eq!(record.deployments[0].build, Some(BuildChange { old: None, new: Some(new) }));
    }
}
