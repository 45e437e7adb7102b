//! Makes the plans of one service: reads what its decisions need, in the fewest round trips, and lets core decide.

use std::time::Duration;

use futures_util::future::{try_join_all, try_join4};
use slipway_core::config::Target;
use slipway_core::config::tags::NoMatch;
use slipway_core::model::facts::{ImageFacts, ImageName, RanImage, Revision, ServiceFacts};
use slipway_core::model::id::{ContainerName, EventId, TargetName, TaskDefinitionArn};
use slipway_core::model::image::{Digest, Repository, Tag};
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{KnownGood, PendingInput, Service};
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::base::{self, FamilyFacts};
use slipway_core::rules::candidate::{By, Candidate, Known, TargetFacts};
use slipway_core::rules::gates::{self, Question, deployable, question};
use slipway_core::rules::note::{self, Note};
use slipway_core::rules::placeholder::{self, ImageBefore, is_placeholder};
use slipway_core::rules::recency::Recency;
use slipway_core::rules::redeploy::{self, Redeploy};
use slipway_core::rules::rollback::KnownGoodFacts;
use slipway_core::rules::rollback::requested::{self, RequestedRollback};
use slipway_core::rules::{adoption, deploy, repeated, request, unfinished};

use crate::cloud::Cloud;
use crate::error::{Error, optional};
use crate::known_good::{known_good_facts, known_good_in};
use crate::observe::Planner;

/// What was read of a service that can be deployed to.
#[derive(Clone, Debug)]
pub(crate) struct ObservedService {
    pub(crate) service: ServiceFacts,
    pub(crate) running: Revision,
    base: Revision,
    /// What was looked up of the family, where the base is its.
    pub(crate) family: Option<FamilyFacts>,
    /// The image that ran before, where no container runs one of the repository.
    pub(crate) before: Option<ImageBefore>,
    /// What really ran; read only where the record doesn't know what runs.
    ran: Vec<RanImage>,
    /// The record, `notes` included.
    pub(crate) record: Service,
    /// What this observation adds to the record.
    pub(crate) notes: Vec<Note>,
}

impl ObservedService {
    pub(crate) fn facts<'s>(&'s self, target: &'s Target, repository: &'s Repository) -> TargetFacts<'s> {
        TargetFacts {
            target,
            repository,
            service: &self.service,
            running: &self.running,
            base: &self.base,
            family: self.family.as_ref(),
            record: &self.record,
            before: self.before.as_ref(),
        }
    }

    /// Whether Slipway observes the service for the first time.
    pub(crate) fn is_adopted(&self) -> bool {
        self.notes.iter().any(|note| matches!(note, Note::Adopted(..)))
    }

    fn of_entries<'s>(&'s self, targets: &[&'s Target], repositories: &'s [Repository]) -> Vec<TargetFacts<'s>> {
        targets.iter().zip(repositories).map(|(target, repository)| self.facts(target, repository)).collect()
    }
}

impl<C: Cloud> Planner<'_, C> {
    /// The service, its task definitions, and what they mean to the record; the inner error is why nothing can be
    /// deployed to it. `entries` are all of the service's in the configuration. `inputs` are those that are decided about,
    /// none for a request; `wanted` is an image that a plan will be made for: what may be needed for it is read alongside.
    ///
    /// A service that is observed for the first time counts as decided about when what runs was deployed, so that a push
    /// that came is newer; where the first input is to decide again, now, so that nothing that was there before is deployed.
    pub(crate) async fn observe(
        &self,
        target: &Target,
        entries: &[&Target],
        mut record: Service,
        inputs: &[PendingInput],
        wanted: Option<&ImageFacts>,
    ) -> Result<Result<ObservedService, Reason>, Error> {
        let service = self.service_unless_stale(target, &record).await?;
        let service = match deployable(target, service.as_ref()) {
            Ok(service) => service.clone(),
            Err(reason) => return Ok(Err(reason)),
        };
        let (mut notes, service) = self.resolved(&record, service).await?;
        notes.iter().for_each(|note| note.write(&mut record));
        // Asked only now: of a service that was made with a placeholder, an intent may have been all that was recorded.
        let is_first_observation = note::is_first_observation(&record);
        let repository = target.repository.at(self.call.home);
        let running = self.revision(service.task_definition.as_str());
        let family = self.family(target, &service, &record);
        let ran = async {
            if adoption::knows_what_ran(&record, &service.task_definition) {
                return Ok(Vec::new());
            }
            self.what_ran(&service).await
        };
        let builds = async {
            let same = |image: &ImageFacts| gates::guess_same_build(&record, &repository.name, image);
            if let Some((image, digest)) = wanted.and_then(|image| Some((image, same(image)?))) {
                self.builds(&repository, &image.digest, &digest).await?;
            }
            Ok(())
        };
        let (running, family, ran, ()) = try_join4(running, family, ran, builds).await?;
        let observed = match is_first_observation {
            true if is_placeholder(&running, entries, &record, self.call.home) => Vec::new(),
            true => {
                let now = self.call.now();
                let decided_at = inputs.first().filter(|input| input.tag.is_none()).map(|_| now);
                vec![adoption::first_observation(&service, &ran, decided_at, now)]
            }
            false => self.notes(&record, &service, entries, &ran).await?,
        };
        observed.iter().for_each(|note| note.write(&mut record));
        notes.extend(observed);
        let before = match is_placeholder(&running, &[target], &record, self.call.home) {
            true => self.image_before(target, &record).await?,
            false => None,
        };
        let base = match family.as_ref().and_then(|family| family.base.as_ref()) {
            Some(base) => base::with_what_runs(base, &running, entries, self.call.home),
            None => running.clone(),
        };
        Ok(Ok(ObservedService { service, running, base, family, before, ran, record, notes }))
    }

    /// The image of the target's repository that ran last, by the known-good revisions, or else the one that was tried last.
    async fn image_before(&self, target: &Target, record: &Service) -> Result<Option<ImageBefore>, Error> {
        let (repository, recency) = (target.repository.at(self.call.home), Recency { target, record });
        for known_good in &record.known_good {
            let revision = self.existing_revision(known_good.revision.as_str()).await?;
            let before = revision.and_then(|it| placeholder::image_before(known_good, &it, recency, &repository));
            if before.is_some() {
                return Ok(before);
            }
        }
        Ok(placeholder::image_tried(recency, &repository))
    }

    /// The service; read again where ECS's answer is older than what is recorded.
    async fn service_unless_stale(&self, target: &Target, record: &Service) -> Result<Option<ServiceFacts>, Error> {
        const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(700)];
        let mut service = self.service(target).await?;
        for pause in PAUSES {
            let now = self.call.now();
            if !service.as_ref().is_some_and(|service| unfinished::is_stale(record, service, now)) {
                break;
            }
            self.cloud.sleep(pause).await;
            service = self.service_anew(&target.cluster, &target.service).await?;
        }
        Ok(service)
    }

    pub(crate) async fn plan_image(
        &self,
        target: &Target,
        observed: &ObservedService,
        candidate: &Candidate<'_>,
    ) -> Result<Plan, Error> {
        let repository = target.repository.at(self.call.home);
        let facts = observed.facts(target, &repository);
        let running_image = match question(&facts, candidate) {
            None => None,
            Some(Question::Registry(name)) => self.image(&repository, &name).await?,
            Some(Question::WhatRan(container)) => match self.digest_that_ran(observed, &container).await? {
                Some(digest) => self.image(&repository, &ImageName::Digest(digest)).await?,
                None => None,
            },
        };
        let builds = match gates::to_compare(&facts, candidate, running_image.as_ref()) {
            Some(digest) => self.builds(&repository, &candidate.image.digest, &digest).await?,
            None => None,
        };
        let known = Known {
            running_image: running_image.as_ref(),
            builds: builds.as_ref().map(|(wanted, runs)| (wanted, runs)),
        };
        Ok(deploy::deploy(&facts, candidate, &known))
    }

    /// The digest that a container really runs, where the task definition names a tag.
    pub(crate) async fn digest_that_ran(
        &self,
        observed: &ObservedService,
        container: &ContainerName,
    ) -> Result<Option<Digest>, Error> {
        let digest_in = |ran: &[RanImage]| {
            ran.iter().find(|ran| ran.container == container.as_str()).and_then(|ran| ran.digest.clone())
        };
        match digest_in(&observed.ran) {
            Some(digest) => Ok(Some(digest)),
            None => Ok(digest_in(&self.what_ran(&observed.service).await?)),
        }
    }

    pub(crate) async fn plan_deploy(
        &self,
        target: &Target,
        observed: &ObservedService,
        (name, force): (&ImageName, bool),
        (event, id): (&EventId, Option<&EventId>),
    ) -> Result<Plan, Error> {
        let repository = target.repository.at(self.call.home);
        let Some(image) = self.image(&repository, name).await? else {
            let image = request::shown(name).to_string();
            let reason = Reason::NoSuchImage { image, repository: repository.name };
            return Ok(Plan::nothing(target.name.clone(), reason));
        };
        if let Some(reason) = self.done_before(observed, id).await? {
            return Ok(Plan::nothing(target.name.clone(), reason));
        }
        let tag = match name {
            ImageName::Tag(tag) => Some(tag),
            ImageName::Digest(_) => None,
        };
        let (by, request, trigger) = (By::Request { tag, force }, self.call.request_id, &Trigger::Deploy);
        let candidate = Candidate { image: &image, by, trigger, event, request };
        self.plan_image(target, observed, &candidate).await
    }

    /// The plan for a redeploy of one service, given all its entries.
    pub(crate) async fn plan_redeploy(
        &self,
        entries: &[&Target],
        observed: &ObservedService,
        (event, id): (&EventId, Option<&EventId>),
    ) -> Result<Plan, Error> {
        let first = entries[0];
        if let Some(reason) = self.done_before(observed, id).await? {
            return Ok(Plan::nothing(first.name.clone(), reason));
        }
        let repositories: Vec<_> = entries.iter().map(|target| target.repository.at(self.call.home)).collect();
        let entries = observed.of_entries(entries, &repositories);
        let ran = match observed.ran.as_slice() {
            [] if redeploy::names_a_tag(&entries) => self.what_ran(&observed.service).await?,
            ran => ran.to_vec(),
        };
        Ok(redeploy::redeploy(&Redeploy { entries: &entries, ran: &ran, id, event, request: self.call.request_id }))
    }

    /// The plan for a rollback of one service, given all its entries.
    pub(crate) async fn plan_rollback(
        &self,
        entries: &[&Target],
        observed: &ObservedService,
        to: Option<&str>,
        (event, id): (&EventId, Option<&EventId>),
    ) -> Result<Plan, Error> {
        let first = entries[0];
        let done = match id {
            Some(_) => self.done_before(observed, id).await?,
            None => repeated::done_lately(&observed.record, &observed.service, to, self.call.now()),
        };
        if let Some(reason) = done {
            return Ok(Plan::nothing(first.name.clone(), reason));
        }
        let repositories: Vec<_> = entries.iter().map(|target| target.repository.at(self.call.home)).collect();
        let entries = observed.of_entries(entries, &repositories);
        let known_good = match to {
            Some(revision) => vec![self.named(observed, revision)],
            None => match requested::candidates(&observed.record, &observed.running.arn) {
                none if none.is_empty() => self.known_good_by_history(first, observed).await?,
                known_good => known_good,
            },
        };
        let known_good = try_join_all(known_good.into_iter().map(|it| self.known_good(&first.name, it))).await?;
        Ok(requested::rollback(&RequestedRollback {
            entries: &entries,
            known_good: &known_good,
            named: to,
            event,
            request: self.call.request_id,
        }))
    }

    /// The known-good revisions by ECS's own history, but for what runs: where the record has none.
    async fn known_good_by_history(
        &self,
        target: &Target,
        observed: &ObservedService,
    ) -> Result<Vec<KnownGood>, Error> {
        let read = self.call.service_deployments(&observed.service, None).await;
        let history = optional(&target.name, read)?.unwrap_or_default();
        let mut known_good = known_good_in(self.cloud, &target.name, &history).await?;
        known_good.retain(|it| it.revision != observed.service.task_definition);
        Ok(known_good)
    }

    /// A revision that somebody names, in the service's own family where they name none.
    fn named(&self, observed: &ObservedService, revision: &str) -> KnownGood {
        let revision = TaskDefinitionArn::new(revision);
        let known = observed.record.known_good.iter().find(|it| it.revision.short() == revision.short());
        known.cloned().unwrap_or_else(|| KnownGood { revision, ran: Vec::new(), at: self.call.now() })
    }

    async fn known_good(&self, target: &TargetName, known_good: KnownGood) -> Result<KnownGoodFacts, Error> {
        let revision = self.existing_revision(known_good.revision.as_str()).await?;
        let arn = revision.as_ref().map_or(known_good.revision.clone(), |it| it.arn.clone());
        let known_good = KnownGood { revision: arn, ..known_good };
        known_good_facts(self.cloud, target, known_good, revision.as_ref()).await
    }

    /// Whether a request of this id was carried out before; read only where the caller gave an id.
    async fn done_before(&self, observed: &ObservedService, id: Option<&EventId>) -> Result<Option<Reason>, Error> {
        let Some(id) = id else { return Ok(None) };
        if let Some(done) = repeated::done_by_record(&observed.record, id) {
            return Ok(Some(done));
        }
        // The record may have been lost, and keeps ten; the revisions bear the id as well.
        let mut revisions = self.recent_revisions(observed.running.arn.family()).await?;
        revisions.push(observed.running.clone());
        Ok(repeated::done_by_revision(&observed.record, &revisions, &observed.running, id))
    }
}

/// Why a target does not deploy this tag, if it doesn't; nothing is read for that.
pub(crate) fn refuses(target: &Target, tag: &Tag) -> Option<Plan> {
    let reason = match target.tags.admits(tag) {
        Ok(()) => return None,
        Err(NoMatch::Ignored(pattern)) => Reason::Ignored { tag: tag.clone(), pattern },
        Err(NoMatch::NotOfPolicy(policy)) => Reason::NotOfPolicy { tag: tag.clone(), policy },
    };
    Some(Plan::nothing(target.name.clone(), reason))
}
