//! Reads what images were built from, for the notices of a deployment.
//!
//! No deployment waits for it: it begins when the update was accepted, takes a moment at most, and what cannot be had is
//! left out.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use slipway_core::model::build::{Build, BuildChange};
use slipway_core::model::image::{Digest, Repository};
use slipway_core::model::labels::{self, More};
use slipway_core::model::notice::Notice;
use slipway_core::model::plan::{ImageChange, Shown};
use slipway_core::model::record::Service;
use slipway_core::rules::note::Note;
use tracing::info;

use crate::cloud::Cloud;
use crate::error::Error;
use crate::memo::Memo;
use crate::serve::Session;

/// A notice waits no longer for it.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Bytes of an image's configuration; they have some ten thousand.
const LARGEST: usize = 1 << 20;

/// So many builds are kept; one is read soon after its push.
const KEPT: usize = 200;

/// What images were built from, kept as long as the function's process lives; `None` where it could not be read.
#[derive(Debug, Default)]
pub(crate) struct Builds(Memo<(Repository, Digest), Option<Build>>);

impl Builds {
    /// A new invocation begins: what could not be read before may be read again.
    pub(crate) fn discard_failures(&self) {
        self.0.discard(Option::is_none);
    }

    async fn of(&self, cloud: &impl Cloud, repository: &Repository, digest: &Digest) -> Option<Build> {
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.get((repository.clone(), digest.clone()), || read_build(cloud, repository, digest)).await
    }
}

async fn read_build(cloud: &impl Cloud, repository: &Repository, digest: &Digest) -> Option<Build> {
    let mut build = Build::default();
    let failed = {
        let read = pin!(read(cloud, repository, digest, &mut build));
        match select(read, pin!(cloud.sleep(LONGEST_WAIT))).await {
            Either::Left((Ok(()), _)) => None,
            Either::Left((Err(error), _)) => Some(error.to_string()),
            Either::Right(_) => Some(format!("it took longer than {} s", LONGEST_WAIT.as_secs())),
        }
    };
    let Some(failed) = failed else { return Some(build) };
    info!(image.digest = %digest, failed, "what an image was built from could not be read");
    Some(build).filter(|build| !build.is_empty())
}

/// Reads the manifest, of an index that of one of its images, and the image's configuration; no further than necessary.
async fn read(cloud: &impl Cloud, repository: &Repository, digest: &Digest, build: &mut Build) -> Result<(), Error> {
    let mut digest = digest.clone();
    // An index lists images; one that lists indexes is none that ECS runs.
    for _ in 0..2 {
        let manifests = cloud.batch_get_image(repository, &[&digest]).await?;
        let read = manifests.first().map(|(_, manifest)| labels::of_manifest(manifest)).unwrap_or_default();
        *build = std::mem::take(build).or(read.build);
        match read.more.filter(|_| !build.is_whole()) {
            Some(More::Image(image)) => digest = image,
            Some(More::Configuration { digest, size }) if size <= LARGEST as u64 => {
                let configuration = cloud.download_layer(repository, &digest, LARGEST).await?;
                *build = std::mem::take(build).or(labels::of_configuration(&configuration));
                break;
            }
            Some(More::Configuration { .. }) | None => break,
        }
    }
    Ok(())
}

impl<C: Cloud> Session<'_, C> {
    /// Adds to each notice of a deployment what its images were built from, and notes that for the notices to come.
    pub(crate) async fn add_builds(&mut self, record: &Service, notices: &mut [(Option<u64>, Notice)]) {
        let reads = notices.iter().map(async |(number, notice)| {
            let known = number.and_then(|number| record.numbered(number)?.build.clone());
            match (known, &notice.image) {
                (None, Some(image)) if number.is_some() => self.change(record, image).await,
                (known, _) => known,
            }
        });
        let changes = join_all(reads).await;
        for ((number, notice), change) in notices.iter_mut().zip(changes) {
            if let (Some(number), Some(change)) = (number, change) {
                notice.build = Some(change.clone()).filter(|change| !change.is_empty());
                self.lease.note(Note::Built(*number, change));
            }
        }
    }

    async fn change(&self, record: &Service, image: &ImageChange) -> Option<BuildChange> {
        let new = async { self.build(record, &image.repository, &image.new).await };
        let old = async {
            match image.old.as_ref().filter(|old| old.digest != image.new.digest) {
                Some(old) => self.build(record, &image.repository, old).await,
                None => None,
            }
        };
        let (new, old) = join(new, old).await;
        let known = new.is_some() || old.is_some();
        known.then_some(BuildChange { old, new })
    }

    async fn build(&self, record: &Service, repository: &str, image: &Shown) -> Option<Build> {
        let digest = image.digest.as_ref()?;
        if let Some(build) = record.build_of(repository, digest) {
            return Some(build.clone());
        }
        let mut repositories = self.entries.iter().map(|target| target.repository.at(self.call.home));
        let repository = repositories.find(|it| it.name == repository)?;
        if self.call.now() >= self.call.until {
            return None;
        }
        self.call.engine.builds.of(self.call.cloud(), &repository, digest).await
    }
}
