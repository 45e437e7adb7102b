//! A known-good revision as it is now: whether it is still there, and the images that ran with it.

use crate::model::facts::{ImageFacts, ImageName, Revision, Storage};
use crate::model::image::{Digest, ImageRef, Registry, Repository, Tag};
use crate::model::record::KnownGood;
use crate::rules::render::containers;

/// A known-good revision as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownGoodFacts {
    /// As it is recorded.
    pub known_good: KnownGood,
    /// The revision, if it can still be read.
    pub revision: Option<Revision>,
    /// Its images, those of [`images_to_find`].
    pub images: Vec<Found>,
}

/// An image to look for in ECR before a rollback goes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededImage {
    /// Where it is kept.
    pub repository: Repository,
    /// How the revision names it.
    pub named: ImageName,
    /// What ran, where that was recorded or the name says it.
    pub digest: Option<Digest>,
}

/// What the registry says of an image that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was looked for.
    pub wanted: NeededImage,
    /// Whether ECS can pull what ran; of an unrecorded digest, what the tag means. What could not be asked counts as there: ECS
    /// would say so soon enough.
    pub state: ImageState,
    /// Where the tag points now, if the revision names one.
    pub tag_points_to: Option<Digest>,
}

/// Whether an image that ran can still be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageState {
    /// It can be.
    There,
    /// The registry no longer has it.
    Gone,
    /// It is archived.
    Archived,
    /// The registry is restoring it from its archive.
    Restoring,
}

impl ImageState {
    /// Of an image that the registry has, or has no more.
    pub fn of(image: Option<&ImageFacts>) -> Self {
        match image.map(|image| image.storage) {
            Some(Storage::Active) => Self::There,
            Some(Storage::Archived) => Self::Archived,
            Some(Storage::Restoring) => Self::Restoring,
            None => Self::Gone,
        }
    }
}

/// The images to look for before a rollback to this revision: those in ECR. Other registries are not asked.
pub fn images_to_find(known_good: &KnownGood, revision: &Revision) -> Vec<NeededImage> {
    let wanted = containers(revision).into_iter().filter_map(|(container, image)| {
        let image = ImageRef::parse(&image)?;
        let repository = image.repository();
        if !matches!(repository.registry, Registry::Ecr { .. }) {
            return None;
        }
        let ran =
            known_good.ran.iter().find(|ran| ran.container == container.as_str()).and_then(|ran| ran.digest.clone());
        let named = match (&image.digest, image.tag) {
            (Some(digest), _) => ImageName::Digest(digest.clone()),
            (None, Some(tag)) => ImageName::Tag(tag),
            (None, None) => ImageName::Tag(Tag::parse("latest")?),
        };
        Some(NeededImage { repository, named, digest: image.digest.or(ran) })
    });
    wanted.collect()
}

impl KnownGoodFacts {
    /// The images that cannot be pulled now.
    pub fn lost(&self) -> impl Iterator<Item = &Found> {
        self.images.iter().filter(|found| found.state != ImageState::There)
    }

    /// Whether it names a tag that no longer points to what ran.
    pub fn has_moved_tag(&self) -> bool {
        self.images.iter().any(|found| {
            let tag = matches!(found.wanted.named, ImageName::Tag(_));
            tag && found.wanted.digest.is_some() && found.tag_points_to != found.wanted.digest
        })
    }
}
