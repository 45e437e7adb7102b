//! ECR: what an image is, by tag or by digest.

use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier, ImageStatus};
use jiff::Timestamp;
use slipway_core::facts::{ImageFacts, ImageName, Storage};
use slipway_core::image::{Digest, Registry, Repository, Tag};

use crate::error::{Error, Kind};

/// ECR, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Ecr {
    client: Client,
}

impl Ecr {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(settings) }
    }

    /// DescribeImages for one image; `None` where the repository does not have it.
    ///
    /// A missing repository is an error of kind `NotFound`, and so is a repository that isn't in ECR.
    pub async fn describe_image(&self, repository: &Repository, name: &ImageName) -> Result<Option<ImageFacts>, Error> {
        const CALL: &str = "ECR.DescribeImages";
        let subject = format!("{}{name}", repository.name);
        let Registry::Ecr { account, .. } = &repository.registry else {
            return Err(Error::new(CALL, subject, Kind::NotFound, "the repository is not in a private ECR registry"));
        };
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
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_image_not_found_exception()) => {
                return Ok(None);
            }
            Err(error) => return Err(Error::of(CALL, subject, error)),
        };
        Ok(answer.image_details().first().and_then(|detail| facts_of(repository, detail)))
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
            Some(ImageStatus::Archived | ImageStatus::Activating) => Storage::Archived,
            _ => Storage::Active,
        },
    })
}
