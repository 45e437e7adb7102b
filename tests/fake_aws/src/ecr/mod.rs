//! A registry: repositories, images, tags and push times, and ECR's operations on them.
//!
//! The fake keeps it itself, because scenarios set when an image was pushed and because a missing tag has to be refused
//! the way ECR refuses it.

mod blobs;
mod facts;
mod image;
mod operations;
mod push;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub(crate) use blobs::blob_of;
pub use image::Image;
pub(crate) use operations::{answer, no_repository};
pub use push::Push;

use crate::place::Place;

/// All repositories of an account and region.
#[derive(Debug, Default)]
pub(crate) struct Ecr {
    repositories: BTreeMap<String, Repository>,
}

/// One repository: its images by digest, and what each tag points to.
#[derive(Debug)]
struct Repository {
    created_at: Timestamp,
    mutability: String,
    images: BTreeMap<String, Stored>,
    tags: BTreeMap<String, String>,
    /// The images' configurations by digest; nobody asks for their layers.
    blobs: BTreeMap<String, String>,
    /// Who else may do what, as it was written.
    policy: Option<String>,
}

/// An image in a repository.
#[derive(Debug)]
struct Stored {
    manifest: String,
    media_type: String,
    artifact_media_type: Option<String>,
    pushed_at: Timestamp,
    status: Status,
}

/// Whether an image can be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Active,
    Archived {
        at: Timestamp,
    },
    /// It is being restored, as somebody asked.
    Activating,
}

/// What an operation of the registry needs to know of the rest.
pub(crate) struct Context<'a> {
    pub(crate) place: &'a Place,
    pub(crate) now: Timestamp,
    /// Where the HTTP side can be reached, and with it what ECR gives an address of.
    pub(crate) url: &'a str,
    /// Where the events go that the operation gives rise to.
    pub(crate) events: &'a mut Vec<serde_json::Value>,
}

impl Ecr {
    /// What a tag points to, as ECS asks when it resolves an image.
    pub(crate) fn resolve(&self, repository: &str, tag: &str) -> Option<&str> {
        self.repositories.get(repository)?.tags.get(tag).map(String::as_str)
    }

    fn repository_or_new(&mut self, name: &str, now: Timestamp) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_insert_with(|| Repository::new(now))
    }
}

impl Repository {
    fn new(created_at: Timestamp) -> Self {
        Self {
            created_at,
            mutability: "MUTABLE".to_owned(),
            images: BTreeMap::new(),
            tags: BTreeMap::new(),
            blobs: BTreeMap::new(),
            policy: None,
        }
    }

    fn tags_of(&self, digest: &str) -> Vec<&str> {
        self.tags.iter().filter(|(_, points_to)| *points_to == digest).map(|(tag, _)| tag.as_str()).collect()
    }
}
