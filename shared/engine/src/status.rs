//! How targets stand: what runs, what is in progress, what is on record, and what became of an image.

use futures_util::future::try_join3;
use serde_json::Value;
use slipway_core::config::{Config, Target};
use slipway_core::model::facts::ImageName;
use slipway_core::model::id::EventId;
use slipway_core::model::plan::Shown;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::PendingInput;
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::gates::deployable;
use slipway_core::rules::recency::Recency;
use slipway_core::rules::request;
use slipway_core::rules::status::{self, Asked, ImageQuestion, Status, StatusFacts};
use slipway_core::text::answer;

use crate::cloud::Cloud;
use crate::error::{Error, optional};
use crate::invocation::{Call, in_turn};
use crate::observe::Planner;

impl<C: Cloud> Call<'_, C> {
    /// The status of each target; where a call fails, its error is the answer.
    pub(crate) async fn status(&self, config: &Config, targets: &[&Target], question: Option<&ImageQuestion>) -> Value {
        let planner = Planner::of(self, targets).await;
        let work = targets.iter().map(async |target| {
            let status = self.status_of(config, &planner, target, question).await;
            status.unwrap_or_else(|error| self.refused(target, error.reason(), question))
        });
        answer::of_status(&in_turn(work).await, self.now())
    }

    fn refused(&self, target: &Target, reason: Reason, question: Option<&ImageQuestion>) -> Status {
        let shown = question.map(|question| request::shown(&question.image));
        status::refused(target, &target.repository.at(self.home), reason, shown.as_ref().zip(question))
    }

    async fn status_of(
        &self,
        config: &Config,
        planner: &Planner<'_, C>,
        target: &Target,
        question: Option<&ImageQuestion>,
    ) -> Result<Status, Error> {
        let repository = target.repository.at(self.home);
        let image = async {
            match question {
                Some(question) => planner.image(&repository, &question.image).await,
                None => Ok(None),
            }
        };
        let (image, service, item) =
            try_join3(image, planner.service(target), self.cloud().read_record(&target.name)).await?;
        let service = match deployable(target, service.as_ref()) {
            Ok(service) => service,
            Err(reason) => return Ok(self.refused(target, reason, question)),
        };
        let revisions = planner.revisions_of(service).await?;
        let record = &item.record;
        let mut facts = StatusFacts {
            target,
            repository: &repository,
            service,
            revisions: &revisions,
            record,
            service_deployment: None,
        };
        let service_deployment = match status::stage_to_read(&facts) {
            Some(arn) => optional(&target.name, self.service_deployment(service, arn).await)?.flatten(),
            None => None,
        };
        facts.service_deployment = service_deployment.as_ref();
        let Some(question) = question else { return Ok(status::status(&facts, None)) };

        let name = &question.image;
        let named = request::shown(name);
        let digest = image.as_ref().map(|image| image.digest.clone()).or(named.digest);
        let tag = image.as_ref().and_then(|image| match name {
            ImageName::Tag(tag) => Some(tag),
            ImageName::Digest(_) => Recency { target, record }.tag(image).or(image.tags.first()),
        });
        let shown = Shown { tag: named.tag.or_else(|| tag.cloned()), digest: digest.clone() };
        let past = match &digest {
            Some(digest) => planner.past(service, digest).await?,
            None => None,
        };
        let plan = match tag {
            // What its push would bring about now, under this tag.
            Some(tag) => {
                let pushed_at = image.as_ref().and_then(|image| status::pushed_at(record, image, tag));
                let at = pushed_at.unwrap_or_else(|| self.now());
                let again = PendingInput::again(EventId::new(self.request_id), Trigger::Push, at);
                let input = PendingInput { tag: Some(tag.clone()), ..again };
                let entries = config.of_name(&target.name);
                Some(self.if_served(planner, target, &entries, record.clone(), &input).await?)
            }
            None => None,
        };
        let asked = Asked { question, shown: &shown, image: image.as_ref(), past: past.as_ref(), plan: plan.as_ref() };
        Ok(status::status(&facts, Some(&asked)))
    }
}
