//! The registry of the storm: images with a fate, and the tags that point to them.

use jiff::Timestamp;
use slipway_core::facts::{ImageFacts, ImageName, Storage};
use slipway_core::image::{Digest, Repository, Tag};

/// What becomes of an image that is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its tasks run.
    Good,
    /// Its tasks stop by themselves.
    Bad,
}

/// An image that was pushed.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// What the registry says of it.
    pub(crate) facts: ImageFacts,
    /// What becomes of it.
    pub(crate) fate: Fate,
}

/// One repository.
#[derive(Debug)]
pub(crate) struct Registry {
    /// Its name.
    pub(crate) repository: Repository,
    images: Vec<Image>,
}

impl Registry {
    /// An empty repository.
    pub(crate) fn new(repository: Repository) -> Self {
        Self { repository, images: Vec::new() }
    }

    /// Pushes an image under a tag, which moves to it.
    pub(crate) fn push(&mut self, tag: &Tag, fate: Fate, now: Timestamp) -> Digest {
        let digest = digest(self.images.len());
        let facts = ImageFacts {
            repository: self.repository.clone(),
            digest: digest.clone(),
            tags: Vec::new(),
            pushed_at: Some(now),
            media_type: None,
            artifact_media_type: None,
            storage: Storage::Active,
        };
        self.images.push(Image { facts, fate });
        self.tag(tag, &digest);
        digest
    }

    /// Moves a tag to an image that is there.
    pub(crate) fn tag(&mut self, tag: &Tag, digest: &Digest) {
        for image in &mut self.images {
            image.facts.tags.retain(|it| it != tag);
            if image.facts.digest == *digest {
                image.facts.tags.push(tag.clone());
            }
        }
    }

    /// What DescribeImages answers.
    pub(crate) fn find(&self, name: &ImageName) -> Option<&Image> {
        self.images.iter().find(|image| match name {
            ImageName::Tag(tag) => image.facts.tags.contains(tag),
            ImageName::Digest(digest) => image.facts.digest == *digest,
        })
    }

    /// Every image, the oldest first.
    pub(crate) fn images(&self) -> &[Image] {
        &self.images
    }

    /// An image that did well does so no more: what it needs has changed.
    pub(crate) fn rot(&mut self, digest: &Digest) {
        self.images.iter_mut().filter(|image| image.facts.digest == *digest).for_each(|image| image.fate = Fate::Bad);
    }

    /// What becomes of an image.
    pub(crate) fn fate(&self, digest: &Digest) -> Fate {
        self.find(&ImageName::Digest(digest.clone())).map_or(Fate::Bad, |image| image.fate)
    }
}

/// The digest of the n-th image; it begins with the number, so that a schedule can be read.
fn digest(n: usize) -> Digest {
    let text = format!("sha256:{n:04x}{}", "0".repeat(60));
    Digest::parse(&text).unwrap_or_else(|| unreachable!("{text} is a digest"))
}
