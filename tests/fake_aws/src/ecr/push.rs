//! What happens to a registry from outside: pushes, deletions, archiving; each with the events that ECR sends for it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::image::{Image, Manifest, OCI_INDEX};
use super::{Context, Ecr, Repository, Status, Stored};
use crate::events::envelope;
use crate::place::Place;
use crate::refusal::Refusal;

/// A push as others see it.
#[derive(Clone, Debug)]
pub struct Push {
    /// What the tags point to now.
    pub digest: String,
    /// The events, in the order ECR sends them: first the manifests without a tag, then one per tag.
    pub events: Vec<Value>,
}

impl Push {
    /// The last event, which for an ordinary push is the one that Slipway acts on.
    ///
    /// # Panics
    /// If the push changed nothing and hence sent none.
    pub fn event(&self) -> Value {
        self.events.last().expect("the push sent no event").clone()
    }
}

impl Ecr {
    /// Pushes an image under these tags; the repository is made if there is none.
    pub(crate) fn push(&mut self, context: &mut Context<'_>, name: &str, tags: &[String], image: &Image) -> Push {
        self.repository_or_new(name, context.now).blobs.extend(image.blobs.clone());
        for manifest in &image.untagged {
            // A child that is there already is no news.
            let _ = self.put(context, name, manifest.clone(), None);
        }
        if tags.is_empty() {
            let _ = self.put(context, name, image.tagged.clone(), None);
        }
        for tag in tags {
            let _ = self.put(context, name, image.tagged.clone(), Some(tag));
        }
        Push { digest: image.digest(), events: std::mem::take(context.events) }
    }

    /// ECR's replication brings a tag's image here, out of the registry of another account or region, with what it refers to. The
    /// event that says so comes first, and then the one of a push under this tag.
    pub(crate) fn replicate(
        &mut self,
        context: &mut Context<'_>,
        (source, from): (&Place, &Self),
        name: &str,
        tag: &str,
    ) -> Result<(), Refusal> {
        let repository = super::operations::find(from, source, name)?;
        let digest = repository.tags.get(tag).ok_or_else(|| Refusal::new("ImageNotFoundException", tag))?;
        self.repository_or_new(name, context.now).blobs.extend(repository.blobs.clone());
        let mut manifest = None;
        for (other, stored) in &repository.images {
            let copy = Manifest::parse(stored.manifest.clone(), Some(&stored.media_type));
            match other == digest {
                true => manifest = Some(copy),
                false if repository.tags_of(other).is_empty() => drop(self.put(context, name, copy, None)),
                false => {}
            }
        }
        context.events.clear();
        if let Some(manifest) = manifest {
            self.put(context, name, manifest, Some(tag))?;
        }
        let detail = json!({
            "result": "SUCCESS", "repository-name": name, "image-digest": digest, "source-account": source.account,
            "action-type": "REPLICATE", "source-region": source.region, "image-tag": tag,
        });
        let arn = context.place.arn("ecr", &format!("repository/{name}"));
        let event = envelope(context.place, context.now, "aws.ecr", "ECR Replication Action", &[arn.as_str()], detail);
        context.events.insert(0, event);
        Ok(())
    }

    /// PutImage: one manifest under at most one tag, and one event.
    pub(super) fn put(
        &mut self,
        context: &mut Context<'_>,
        name: &str,
        manifest: Manifest,
        tag: Option<&str>,
    ) -> Result<String, Refusal> {
        let repository = self.repository_mut(context.place, name)?;
        let digest = manifest.digest();
        let there = repository.images.contains_key(&digest);
        let same = tag.map_or(there, |tag| repository.tags.get(tag) == Some(&digest));
        if same {
            return Err(Refusal::new(
                "ImageAlreadyExistsException",
                format!(
                    "Image with digest '{digest}' and tag '{}' already exists in the repository with name '{name}' \
                     in registry with id '{}'",
                    tag.unwrap_or("null"),
                    context.place.account
                ),
            ));
        }
        if let Some(tag) = tag
            && repository.mutability == "IMMUTABLE"
            && repository.tags.contains_key(tag)
        {
            return Err(Refusal::new(
                "ImageTagAlreadyExistsException",
                format!(
                    "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten \
                     because the tag is immutable."
                ),
            ));
        }
        let event = pushed(context, name, &digest, &manifest, tag);
        repository.images.entry(digest.clone()).or_insert_with(|| Stored {
            media_type: manifest.media_type,
            artifact_media_type: manifest.artifact_media_type,
            manifest: manifest.text,
            pushed_at: context.now,
            status: Status::Active,
        });
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), digest.clone());
        }
        context.events.push(event);
        Ok(digest)
    }

    /// Points one more tag at an image that is there already.
    pub(crate) fn retag(
        &mut self,
        context: &mut Context<'_>,
        name: &str,
        digest: &str,
        tag: &str,
    ) -> Result<Value, Refusal> {
        let stored = self.repository_mut(context.place, name)?.images.get(digest);
        let stored = stored.ok_or_else(|| Refusal::new("ImageNotFoundException", digest))?;
        let manifest = Manifest::parse(stored.manifest.clone(), Some(&stored.media_type));
        self.put(context, name, manifest, Some(tag))?;
        context.events.pop().ok_or_else(|| Refusal::invalid("The push sent no event."))
    }

    /// Deletes a tag, or an image with all its tags when it is named by its digest. One event for each tag.
    pub(crate) fn delete(&mut self, context: &mut Context<'_>, name: &str, tag_or_digest: &str) -> Result<(), Refusal> {
        let repository = self.repository_mut(context.place, name)?;
        let (digest, tags) = if tag_or_digest.starts_with("sha256:") {
            let tags = repository.tags_of(tag_or_digest).into_iter().map(str::to_owned).collect();
            (tag_or_digest.to_owned(), tags)
        } else {
            let digest = repository.tags.get(tag_or_digest).cloned();
            let digest = digest.ok_or_else(|| Refusal::new("ImageNotFoundException", tag_or_digest))?;
            (digest, vec![tag_or_digest.to_owned()])
        };
        for tag in &tags {
            repository.tags.remove(tag);
        }
        if repository.tags_of(&digest).is_empty() {
            repository.images.remove(&digest);
        }
        for tag in tags {
            let detail = json!({
                "result": "SUCCESS", "repository-name": name, "image-digest": digest, "action-type": "DELETE",
                "image-tag": tag,
            });
            context.events.push(envelope(context.place, context.now, "aws.ecr", "ECR Image Action", &[], detail));
        }
        Ok(())
    }

    /// Moves an image to the archive, from which nothing can be pulled.
    pub(crate) fn archive(&mut self, context: &mut Context<'_>, name: &str, digest: &str) -> Result<(), Refusal> {
        let now = context.now;
        self.store(context, name, digest, Status::Archived { at: now }, "ARCHIVE")
    }

    /// Begins to bring an image back from the archive. Of one that is not there, ECR does not support it.
    pub(crate) fn begin_restoring(&mut self, place: &crate::Place, name: &str, digest: &str) -> Result<(), Refusal> {
        let stored = self.repository_mut(place, name)?.images.get_mut(digest);
        let stored = stored.ok_or_else(|| Refusal::new("ImageNotFoundException", digest))?;
        match stored.status {
            Status::Archived { .. } => stored.status = Status::Activating,
            Status::Active | Status::Activating => {
                let text = "The requested image storage class update is not supported.";
                return Err(Refusal::new("ImageStorageClassUpdateNotSupportedException", text));
            }
        }
        Ok(())
    }

    /// Brings an image back from the archive.
    pub(crate) fn restore(&mut self, context: &mut Context<'_>, name: &str, digest: &str) -> Result<(), Refusal> {
        self.store(context, name, digest, Status::Active, "STANDARD")
    }

    /// Changes when an image was pushed, as if it had been then.
    pub(crate) fn set_pushed_at(
        &mut self,
        context: &Context<'_>,
        name: &str,
        digest: &str,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let stored = self.repository_mut(context.place, name)?.images.get_mut(digest);
        stored.ok_or_else(|| Refusal::new("ImageNotFoundException", digest))?.pushed_at = at;
        Ok(())
    }

    fn store(
        &mut self,
        context: &mut Context<'_>,
        name: &str,
        digest: &str,
        status: Status,
        class: &str,
    ) -> Result<(), Refusal> {
        let stored = self.repository_mut(context.place, name)?.images.get_mut(digest);
        let stored = stored.ok_or_else(|| Refusal::new("ImageNotFoundException", digest))?;
        stored.status = status;
        let mut detail = json!({
            "action-type": "UPDATE_STORAGE_CLASS", "target-storage-class": class, "image-digest": digest,
            "repository-name": name, "result": "SUCCESS", "manifest-media-type": stored.media_type,
        });
        if let Some(artifact) = &stored.artifact_media_type {
            detail["artifact-media-type"] = json!(artifact);
        }
        if status == Status::Active {
            detail["last-activated-at"] = json!(format!("{:.2}", context.now));
        }
        context.events.push(envelope(context.place, context.now, "aws.ecr", "ECR Image Action", &[], detail));
        Ok(())
    }

    pub(super) fn repository_mut(&mut self, place: &crate::Place, name: &str) -> Result<&mut Repository, Refusal> {
        self.repositories.get_mut(name).ok_or_else(|| super::operations::no_repository(place, name))
    }
}

fn pushed(context: &Context<'_>, name: &str, digest: &str, manifest: &Manifest, tag: Option<&str>) -> Value {
    let mut detail = json!({
        "result": "SUCCESS", "repository-name": name, "image-digest": digest, "action-type": "PUSH",
        "image-tag": tag.unwrap_or(""), "manifest-media-type": manifest.media_type,
    });
    // An index has no config, and hence no artifact type.
    if let Some(artifact) = &manifest.artifact_media_type
        && manifest.media_type != OCI_INDEX
    {
        detail["artifact-media-type"] = json!(artifact);
    }
    envelope(context.place, context.now, "aws.ecr", "ECR Image Action", &[], detail)
}
