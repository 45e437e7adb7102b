//! How targets stand: what runs, what is in progress, what is on record, and what became of an image.

use futures_util::future::try_join3;
use serde_json::Value;
use slipway_core::config::{Config, Target};
use slipway_core::model::facts::ImageName;
use slipway_core::model::id::EventId;
use slipway_core::model::plan::Shown;
use slipway_core::model::record::PendingInput;
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::gates::deployable;
use slipway_core::rules::recency::Recency;
use slipway_core::rules::request;
use slipway_core::rules::status::{self, Asked, Status, StatusFacts};
use slipway_core::text::answer;

use crate::cloud::Cloud;
use crate::error::Error;
use crate::invocation::{Call, in_turn};
use crate::observe::Planner;

impl<C: Cloud> Call<'_, C> {
    /// The status of each target; where a call fails, its error is the answer.
    pub(crate) async fn status(&self, config: &Config, targets: &[&Target], asked: Option<&ImageName>) -> Value {
        let planner = Planner::of(self, targets).await;
        let work = targets.iter().map(async |target| {
            let status = self.status_of(config, &planner, target, asked).await;
            status.unwrap_or_else(|error| status::refused(target, &target.repository.at(self.home), error.reason()))
        });
        answer::of_status(&in_turn(work).await)
    }

    async fn status_of(
        &self,
        config: &Config,
        planner: &Planner<'_, C>,
        target: &Target,
        asked: Option<&ImageName>,
    ) -> Result<Status, Error> {
        let repository = target.repository.at(self.home);
        let image = async {
            match asked {
                Some(name) => planner.image(&repository, name).await,
                None => Ok(None),
            }
        };
        let (image, service, item) =
            try_join3(image, planner.service(target), self.cloud().read_record(&target.name)).await?;
        let service = match deployable(target, service.as_ref()) {
            Ok(service) => service,
            Err(reason) => return Ok(status::refused(target, &repository, reason)),
        };
        let revisions = planner.revisions_of(service).await?;
        let record = &item.record;
        let facts = StatusFacts { target, repository: &repository, service, revisions: &revisions, record };
        let Some(name) = asked else { return Ok(status::status(&facts, None)) };

        let shown = Shown { digest: image.as_ref().map(|image| image.digest.clone()), ..request::shown(name) };
        let digest = shown.digest.clone().or_else(|| request::shown(name).digest);
        let past = match &digest {
            Some(digest) => planner.past(service, digest).await?,
            None => None,
        };
        let tag = image.as_ref().and_then(|image| match name {
            ImageName::Tag(tag) => Some(tag),
            ImageName::Digest(_) => Recency { target, record }.tag(image).or(image.tags.first()),
        });
        let plan = match tag {
            // What its push would bring about now, under this tag.
            Some(tag) => {
                let pushed_at = image.as_ref().and_then(|image| image.pushed_at).unwrap_or_else(|| self.now());
                let again = PendingInput::again(EventId::new(self.request_id), Trigger::Push, pushed_at);
                let input = PendingInput { tag: Some(tag.clone()), ..again };
                let entries = config.of_name(&target.name);
                Some(self.if_served(planner, target, &entries, record.clone(), &input).await?)
            }
            None => None,
        };
        let asked = Asked { shown: &shown, image: image.as_ref(), past: past.as_ref(), plan: plan.as_ref() };
        Ok(status::status(&facts, Some(&asked)))
    }
}
