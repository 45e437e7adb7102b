//! ECR: what an image is, by tag or by digest, which there are, how they were built, and what they are made of.
//!
//! A registry is asked in its own region: another region has other images under the same name, or none.

use aws_sdk_ecr::Client;
use aws_sdk_ecr::config::{Builder, Region};
use aws_sdk_ecr::types::{
    DescribeImagesFilter, ImageDetail, ImageIdentifier, ImageStatus, TagStatus, TargetStorageClass,
};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use jiff::Timestamp;
use slipway_core::model::facts::{ImageFacts, ImageName, Storage};
use slipway_core::model::id::AccountId;
use slipway_core::model::image::{Digest, Registry, Repository, Tag};
use slipway_engine::{Error, ErrorKind};

use crate::{error, https};

/// ECR, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Ecr {
    client: Client,
    /// For what ECR only gives an address of.
    connector: SharedHttpConnector,
}

impl Ecr {
    pub(crate) fn new(settings: &aws_config::SdkConfig, connector: SharedHttpConnector) -> Self {
        Self { client: Client::new(settings), connector }
    }

    pub(crate) async fn describe_image(
        &self,
        repository: &Repository,
        name: &ImageName,
    ) -> Result<Option<ImageFacts>, Error> {
        const CALL: &str = "ECR.DescribeImages";
        let subject = format!("{}{name}", repository.name);
        let (account, there) = registry(CALL, &subject, repository)?;
        let id = match name {
            ImageName::Tag(tag) => ImageIdentifier::builder().image_tag(tag.as_str()),
            ImageName::Digest(digest) => ImageIdentifier::builder().image_digest(digest.as_str()),
        };
        let answer = self
            .client
            .describe_images()
            .registry_id(account.as_str())
            .repository_name(&repository.name)
            .image_ids(id.build())
            .customize()
            .config_override(there)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_image_not_found_exception()) => {
                return Ok(None);
            }
            Err(error) => return Err(error::of(CALL, subject, error)),
        };
        Ok(answer.image_details().first().and_then(|detail| facts_of(repository, detail)))
    }

    pub(crate) async fn list_images(&self, repository: &Repository) -> Result<Vec<ImageFacts>, Error> {
        const CALL: &str = "ECR.DescribeImages";
        /// The most that ECR gives at once.
        const PAGE: i32 = 1000;
        let (account, there) = registry(CALL, &repository.name, repository)?;
        let mut images = Vec::new();
        let mut next = None;
        loop {
            let answer = self
                .client
                .describe_images()
                .registry_id(account.as_str())
                .repository_name(&repository.name)
                .filter(DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build())
                .max_results(PAGE)
                .set_next_token(next)
                .customize()
                .config_override(there.clone())
                .send()
                .await
                .map_err(|error| error::of(CALL, &repository.name, error))?;
            images.extend(answer.image_details().iter().filter_map(|detail| facts_of(repository, detail)));
            next = answer.next_token;
            if next.is_none() {
                return Ok(images);
            }
        }
    }

    /// Asks ECR to restore an image from its archive.
    pub(crate) async fn restore_image(&self, repository: &Repository, digest: &Digest) -> Result<(), Error> {
        const CALL: &str = "ECR.UpdateImageStorageClass";
        let subject = format!("{}@{digest}", repository.name);
        let (account, there) = registry(CALL, &subject, repository)?;
        let answer = self
            .client
            .update_image_storage_class()
            .registry_id(account.as_str())
            .repository_name(&repository.name)
            .image_id(ImageIdentifier::builder().image_digest(digest.as_str()).build())
            .target_storage_class(TargetStorageClass::Standard)
            .customize()
            .config_override(there)
            .send()
            .await;
        answer.map(drop).map_err(|error| error::of(CALL, subject, error))
    }

    pub(crate) async fn batch_get_image(
        &self,
        repository: &Repository,
        digests: &[&Digest],
    ) -> Result<Vec<(Digest, String)>, Error> {
        const CALL: &str = "ECR.BatchGetImage";
        let (account, there) = registry(CALL, &repository.name, repository)?;
        let ids = digests.iter().map(|digest| ImageIdentifier::builder().image_digest(digest.as_str()).build());
        let answer = self
            .client
            .batch_get_image()
            .registry_id(account.as_str())
            .repository_name(&repository.name)
            .set_image_ids(Some(ids.collect()))
            .set_accepted_media_types(Some(MANIFESTS.map(str::to_owned).into()))
            .customize()
            .config_override(there)
            .send()
            .await
            .map_err(|error| error::of(CALL, &repository.name, error))?;
        let manifest = |image: &aws_sdk_ecr::types::Image| {
            let digest = Digest::parse(image.image_id()?.image_digest()?)?;
            Some((digest, image.image_manifest()?.to_owned()))
        };
        Ok(answer.images().iter().filter_map(manifest).collect())
    }

    /// A layer, or an image's configuration, which is stored as layers are; an error where it has more bytes than `most`.
    pub(crate) async fn download_layer(
        &self,
        repository: &Repository,
        digest: &Digest,
        most: usize,
    ) -> Result<Vec<u8>, Error> {
        const CALL: &str = "ECR.GetDownloadUrlForLayer";
        let (account, there) = registry(CALL, &repository.name, repository)?;
        let answer = self
            .client
            .get_download_url_for_layer()
            .registry_id(account.as_str())
            .repository_name(&repository.name)
            .layer_digest(digest.as_str())
            .customize()
            .config_override(there)
            .send()
            .await
            .map_err(|error| error::of(CALL, &repository.name, error))?;
        let wrong = |message: String| Error::new(CALL, &repository.name, ErrorKind::Unreachable, message);
        let url = answer.download_url().ok_or_else(|| wrong("the answer names no address".to_owned()))?;
        let layer = https::download(&self.connector, url, most).await;
        let layer = layer.map_err(|why| wrong(format!("{digest} was not downloaded: {why}")))?;
        if Digest::of(&layer) == *digest {
            Ok(layer)
        } else {
            Err(wrong(format!("what was downloaded is not {digest}")))
        }
    }
}

/// What ECR may give as it was pushed, instead of turning it into something older.
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// The registry's account, and the setting by which a call goes to its region.
fn registry<'r>(
    call: &'static str,
    subject: &str,
    repository: &'r Repository,
) -> Result<(&'r AccountId, Builder), Error> {
    match &repository.registry {
        Registry::Ecr { account, region } => {
            Ok((account, Builder::new().region(Region::new(region.as_str().to_owned()))))
        }
        Registry::Other(_) => {
            Err(Error::new(call, subject, ErrorKind::NotFound, "the repository is not in a private ECR registry"))
        }
    }
}

fn facts_of(repository: &Repository, detail: &ImageDetail) -> Option<ImageFacts> {
    Some(ImageFacts {
        repository: repository.clone(),
        digest: Digest::parse(detail.image_digest()?)?,
        tags: detail.image_tags().iter().filter_map(|tag| Tag::parse(tag)).collect(),
        pushed_at: detail.image_pushed_at().and_then(|at| Timestamp::new(at.secs(), at.subsec_nanos() as i32).ok()),
        media_type: detail.image_manifest_media_type().map(str::to_owned),
        artifact_media_type: detail.artifact_media_type().map(str::to_owned),
        storage: match detail.image_status() {
            Some(ImageStatus::Archived) => Storage::Archived,
            Some(ImageStatus::Activating) => Storage::Restoring,
            _ => Storage::Active,
        },
    })
}
