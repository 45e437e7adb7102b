//! How targets stand: what runs, what is under way, what is remembered, and what became of an image.

use futures_util::future::try_join3;
use serde_json::Value;
use slipway_core::rules::request;
use slipway_core::rules::status;
use slipway_core::text::answer;

use slipway_core::config::Target;
use slipway_core::model::facts::ImageName;
use slipway_core::model::id::EventId;
use slipway_core::model::image::Tag;
use slipway_core::model::plan::{Plan, Shown};
use slipway_core::model::record::{PendingInput, Service};
use slipway_core::rules::gates::deployable;

use slipway_core::model::trigger::Trigger;
use slipway_core::rules::status::{Asked, Status};

use crate::cloud::Cloud;
use crate::error::Error;
use crate::invocation::{Call, in_turn};
use crate::observe::Observations;
use crate::plan::AdoptedSince;

impl<C: Cloud> Call<'_, C> {
    /// The status of each target; a failing look is its answer.
    pub(crate) async fn status(&self, targets: &[&Target], asked: Option<&ImageName>) -> Value {
        let observations = Observations::new(self.cloud());
        observations.at_services(targets).await;
        let work = targets.iter().map(async |target| {
            let seen = self.status_of(&observations, target, asked).await;
            seen.unwrap_or_else(|error| status::refused(target, &target.repository.at(self.home), error.reason()))
        });
        answer::of_status(&in_turn(work).await)
    }

    async fn status_of(
        &self,
        observations: &Observations<'_, C>,
        target: &Target,
        asked: Option<&ImageName>,
    ) -> Result<Status, Error> {
        let repository = target.repository.at(self.home);
        let image = async {
            match asked {
                Some(name) => observations.image(&repository, name).await,
                None => Ok(None),
            }
        };
        let (image, service, item) =
            try_join3(image, observations.service(target), self.cloud().read_record(&target.name)).await?;
        let service = match deployable(target, service.as_ref()) {
            Ok(service) => service,
            Err(reason) => return Ok(status::refused(target, &repository, reason)),
        };
        let revisions = self.planner(observations).revisions_of(service).await?;
        let record = &item.record;
        let facts = status::StatusFacts { target, repository: &repository, service, revisions: &revisions, record };
        let Some(name) = asked else { return Ok(status::status(&facts, None)) };

        let shown = Shown { digest: image.as_ref().map(|image| image.digest.clone()), ..request::shown(name) };
        let digest = shown.digest.clone().or_else(|| request::shown(name).digest);
        let past = match &digest {
            Some(digest) => observations.past(service, digest).await?,
            None => None,
        };
        let plan = match &image {
            Some(image) => {
                let tag = match name {
                    ImageName::Tag(tag) => Some(tag),
                    ImageName::Digest(_) => target.tags.best(&image.tags).or(image.tags.first()),
                };
                self.if_pushed(observations, target, record.clone(), tag).await?
            }
            None => None,
        };
        let asked = Asked { shown: &shown, image: image.as_ref(), past: past.as_ref(), plan: plan.as_ref() };
        Ok(status::status(&facts, Some(&asked)))
    }

    /// What the push of an image would bring about now, under this tag.
    async fn if_pushed(
        &self,
        observations: &Observations<'_, C>,
        target: &Target,
        record: Service,
        tag: Option<&Tag>,
    ) -> Result<Option<Plan>, Error> {
        let Some(tag) = tag else { return Ok(None) };
        let input = PendingInput {
            event: EventId::new(self.request_id),
            repository: None,
            tag: Some(tag.clone()),
            at: self.now(),
            trigger: Trigger::Push,
            who: None,
            reason: None,
        };
        self.if_served(observations, target, record, &input, AdoptedSince::ItsDeployment).await.map(Some)
    }
}
