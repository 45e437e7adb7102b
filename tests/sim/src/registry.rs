//! The images that were pushed in a schedule, as the laws know them: by themselves, without asking the engine's rules.

use jiff::Timestamp;
use slipway_core::model::image::{Digest, Tag};

/// Whether an image does well once it is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quality {
    /// Its deployment completes.
    KnownGood,
    /// Its deployment fails.
    Bad,
}

/// How tags are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By version.
    Version,
    /// By the time of the push.
    Pushed,
    /// One tag, whatever it points to.
    OneTag,
}

/// An image that was pushed.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// What it is.
    pub(crate) digest: Digest,
    /// The tags that point to it now.
    pub(crate) tags: Vec<Tag>,
    /// All tags that ever did, and since when.
    pub(crate) had: Vec<(Tag, Timestamp)>,
    /// When it was pushed.
    pub(crate) pushed_at: Timestamp,
    /// When a tag was pointed to it last.
    pub(crate) tagged_at: Timestamp,
    /// What becomes of it.
    pub(crate) quality: Quality,
}

impl Image {
    /// When it was pushed, or the last of the tags came that it has now.
    pub(crate) fn came_at(&self) -> Timestamp {
        let has = self.had.iter().filter(|(tag, _)| self.tags.contains(tag));
        has.map(|(_, at)| *at).max().unwrap_or(self.pushed_at)
    }

    /// The minor versions of all tags that it ever had.
    fn versions(&self) -> impl Iterator<Item = u64> {
        self.had.iter().filter_map(|(tag, _)| minor(tag))
    }
}

/// The images of the one repository, the oldest first.
#[derive(Debug)]
pub(crate) struct Images {
    order: Order,
    all: Vec<Image>,
}

impl Images {
    /// None yet.
    pub(crate) fn new(order: Order) -> Self {
        Self { order, all: Vec::new() }
    }

    /// Every image, the oldest first.
    pub(crate) fn all(&self) -> &[Image] {
        &self.all
    }

    /// An image by its digest.
    pub(crate) fn find(&self, digest: &Digest) -> Option<&Image> {
        self.all.iter().find(|image| image.digest == *digest)
    }

    /// A tag points to an image now, a new one or one that is there.
    pub(crate) fn tagged(&mut self, tag: &Tag, digest: &Digest, quality: Quality, now: Timestamp) {
        self.all.iter_mut().for_each(|image| image.tags.retain(|it| it != tag));
        let there = self.all.iter_mut().find(|image| image.digest == *digest);
        match there {
            Some(image) => {
                image.tags.push(tag.clone());
                image.had.push((tag.clone(), now));
                image.tagged_at = now;
            }
            None => self.all.push(Image {
                digest: digest.clone(),
                tags: vec![tag.clone()],
                had: vec![(tag.clone(), now)],
                pushed_at: now,
                tagged_at: now,
                quality,
            }),
        }
    }

    /// What an image needs has changed: it does well no more.
    pub(crate) fn turns_bad(&mut self, digest: &Digest) {
        self.all.iter_mut().filter(|image| image.digest == *digest).for_each(|image| image.quality = Quality::Bad);
    }

    /// What becomes of an image; one that nobody knows is taken for bad.
    pub(crate) fn quality(&self, digest: &Digest) -> Quality {
        self.find(digest).map_or(Quality::Bad, |image| image.quality)
    }

    /// When an image was pushed, or a tag was pointed to it since.
    pub(crate) fn came_at(&self, digest: &Digest) -> Option<Timestamp> {
        self.find(digest).map(|image| image.tagged_at)
    }

    /// Whether an image is older than another one by the order of their tags, whichever of their push events is known.
    pub(crate) fn is_older(&self, digest: &Digest, than: &Digest) -> bool {
        let (Some(one), Some(other)) = (self.find(digest), self.find(than)) else { return false };
        match self.order {
            // One without a tag has the version of its revision, or none, and then the time decides.
            Order::Version => {
                let by_time = one.tagged_at < other.pushed_at;
                one.versions().max() < other.versions().min() && (by_time || !other.tags.is_empty())
            }
            Order::Pushed => one.tagged_at < other.pushed_at,
            // The one tag points to what ought to run; whatever it was moved away from is older.
            Order::OneTag => one.tags.is_empty() && !other.tags.is_empty(),
        }
    }

    /// Whether an image that runs is older than this one, of which it is known that it came then.
    pub(crate) fn is_outdated(&self, running: &Digest, by: &Image, came_at: Timestamp) -> bool {
        let Some(running) = self.find(running) else { return false };
        match self.order {
            Order::Version => running.versions().max() < by.tags.iter().filter_map(minor).max(),
            Order::Pushed => running.tagged_at < came_at,
            Order::OneTag => running.tags.is_empty() && !by.tags.is_empty(),
        }
    }
}

/// A tag's minor version; the others are the same everywhere.
fn minor(tag: &Tag) -> Option<u64> {
    tag.as_str().split('.').nth(1)?.parse().ok()
}
