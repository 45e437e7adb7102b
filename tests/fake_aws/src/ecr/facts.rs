//! The registry in Slipway's words, without JSON on the way.

use std::collections::BTreeMap;

use slipway_core::model::facts::{ImageFacts, ImageName, Storage};
use slipway_core::model::image::{Digest, Repository as Name, Tag};

use super::operations::no_repository;
use super::{Ecr, Repository, Status, Stored};
use crate::place::Place;
use crate::refusal::Refusal;

impl Ecr {
    /// Whether nobody ever pushed here.
    pub(crate) fn is_empty(&self) -> bool {
        self.repositories.is_empty()
    }

    /// Whether an image can be pulled from here.
    pub(crate) fn has(&self, repository: &str, digest: &Digest) -> bool {
        let stored = self.repositories.get(repository).and_then(|it| it.images.get(digest.as_str()));
        stored.is_some_and(|stored| stored.status == Status::Active)
    }

    /// An image by its tag or digest; `None` where the repository does not have it.
    pub(crate) fn image(&self, place: &Place, name: &Name, image: &ImageName) -> Result<Option<ImageFacts>, Refusal> {
        let repository = self.named(place, name)?;
        let digest = match image {
            ImageName::Tag(tag) => repository.tags.get(tag.as_str()).map(String::as_str),
            ImageName::Digest(digest) => Some(digest.as_str()),
        };
        let stored = digest.and_then(|digest| repository.images.get_key_value(digest));
        Ok(stored.and_then(|(digest, stored)| facts(name, digest, stored, repository.tags_of(digest))))
    }

    /// Every image with a tag that is not archived, by digest.
    pub(crate) fn tagged_images(&self, place: &Place, name: &Name) -> Result<Vec<ImageFacts>, Refusal> {
        let repository = self.named(place, name)?;
        let mut tags: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (tag, digest) in &repository.tags {
            tags.entry(digest).or_default().push(tag);
        }
        let tagged = tags.into_iter().filter_map(|(digest, tags)| {
            let stored = repository.images.get(digest).filter(|stored| stored.status == Status::Active)?;
            facts(name, digest, stored, tags)
        });
        Ok(tagged.collect())
    }

    /// `UpdateImageStorageClass` to `STANDARD`.
    pub(crate) fn ask_to_restore(&mut self, place: &Place, name: &Name, digest: &Digest) -> Result<(), Refusal> {
        self.named(place, name)?;
        self.begin_restoring(place, &name.name, digest.as_str())
    }

    /// The manifests of these images; those that aren't there are left out.
    pub(crate) fn manifests(
        &self,
        place: &Place,
        name: &Name,
        digests: &[&Digest],
    ) -> Result<Vec<(Digest, String)>, Refusal> {
        let repository = self.named(place, name)?;
        let manifest =
            |digest: &&Digest| Some(((*digest).clone(), repository.images.get(digest.as_str())?.manifest.clone()));
        Ok(digests.iter().filter_map(manifest).collect())
    }

    /// What is kept as a layer.
    pub(crate) fn layer(&self, place: &Place, name: &Name, digest: &Digest) -> Result<Vec<u8>, Refusal> {
        let layer = self.named(place, name)?.blobs.get(digest.as_str());
        let layer = layer.ok_or_else(|| super::blobs::no_layer(place, &name.name, digest.as_str()))?;
        Ok(layer.clone().into_bytes())
    }

    fn named(&self, place: &Place, name: &Name) -> Result<&Repository, Refusal> {
        self.repositories.get(&name.name).ok_or_else(|| no_repository(place, &name.name))
    }
}

fn facts(name: &Name, digest: &str, stored: &Stored, tags: Vec<&str>) -> Option<ImageFacts> {
    Some(ImageFacts {
        repository: name.clone(),
        digest: Digest::parse(digest)?,
        tags: tags.into_iter().filter_map(Tag::parse).collect(),
        pushed_at: Some(stored.pushed_at),
        media_type: Some(stored.media_type.clone()),
        artifact_media_type: stored.artifact_media_type.clone(),
        storage: match stored.status {
            Status::Active => Storage::Active,
            Status::Archived { .. } => Storage::Archived,
            Status::Activating => Storage::Restoring,
        },
    })
}
