//! Tag policies: which tags a target deploys, and which of two is newer.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::image::{Digest, Tag};

/// Which tags a target deploys, and their order.
#[derive(Clone, Debug)]
pub struct TagPolicy {
    // One file per rule under tags/.
}

/// What a policy orders: a tag with the image it stands for.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// The image.
    pub digest: &'a Digest,
    /// When the registry received the image.
    pub pushed_at: Option<Timestamp>,
}

/// Why a tag is not deployed by a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoMatch {
    /// An ignore pattern says so; which one.
    Ignored(String),
    /// It isn't what the policy deploys; the policy in words, `semver ">=1.4, <2"`.
    NotOfPolicy(String),
}

impl TagPolicy {
    /// Whether the policy deploys this tag, and if not, why.
    pub fn admits(&self, tag: &Tag) -> Result<(), NoMatch> {
        todo!("{tag}")
    }

    /// The best of an image's tags under this policy, to show and to order by; `None` if the policy deploys none of them.
    pub fn best<'t>(&self, tags: &'t [Tag]) -> Option<&'t Tag> {
        todo!("{tags:?}")
    }

    /// Orders two images by this policy; `None` where the policy gives no order: a tag is not of the policy,
    /// or the policy is `tag`, for which the tag's present target is simply right.
    pub fn compare(&self, one: &Candidate<'_>, other: &Candidate<'_>) -> Option<Ordering> {
        todo!("{one:?} {other:?}")
    }

    /// Whether the policy is `tag`: the tag's target is deployed, be it older or newer.
    pub fn follows_tag(&self) -> Option<&Tag> {
        todo!()
    }
}
