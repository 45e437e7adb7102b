//! Makes the plans of one service: looks up what its decisions need, in the fewest round trips, and lets core decide.

use slipway_core::rules::adoption;
use slipway_core::rules::base;
use slipway_core::rules::deploy;
use slipway_core::rules::gates;
use slipway_core::rules::note;
use slipway_core::rules::redeploy;
use slipway_core::rules::repeated;
use slipway_core::rules::request;
use slipway_core::rules::rollback::requested;
use slipway_core::rules::unfinished;
use std::time::Duration;

use futures_util::future::{try_join_all, try_join4};
use slipway_core::config::Target;
use slipway_core::model::facts::{ImageFacts, ImageName, RanImage, Revision, ServiceFacts};
use slipway_core::model::id::{EventId, Home, TargetName, TaskDefinitionArn};
use slipway_core::model::image::{Repository, Tag};
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{KnownGood, Service};
use slipway_core::rules::candidate::{By, Candidate, Known, TargetFacts};
use slipway_core::rules::gates::{Question, deployable, question};
use slipway_core::rules::note::Note;
use slipway_core::rules::redeploy::Redeploy;
use slipway_core::rules::rollback::requested::RequestedRollback;

use slipway_core::config::tags::NoMatch;
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::rollback::KnownGoodFacts;

use crate::cloud::Cloud;
use crate::error::{Error, ErrorKind, optional};
use crate::known_good::{known_good_facts, known_good_in};
use crate::observe::Observations;

/// Makes plans.
pub(crate) struct Planner<'a, C> {
    pub(crate) observations: &'a Observations<'a, C>,
    pub(crate) home: &'a Home,
    /// Lambda's id of the invocation.
    pub(crate) request: &'a str,
}

/// What was looked up for a service that can be deployed to.
#[derive(Clone, Debug)]
pub(crate) struct ObservedService {
    pub(crate) service: ServiceFacts,
    pub(crate) running: Revision,
    base: Revision,
    /// What really ran; asked for only where the record doesn't know what runs.
    ran: Vec<RanImage>,
    /// What is remembered, `notes` included.
    pub(crate) record: Service,
    /// What this look adds to the record.
    pub(crate) notes: Vec<Note>,
}

/// When a service that is seen for the first time counts as decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdoptedSince {
    /// When what runs was deployed: the push that came is newer.
    ItsDeployment,
    /// Now: nothing that was there before is deployed.
    Now,
}

impl ObservedService {
    fn facts<'s>(&'s self, target: &'s Target, repository: &'s Repository) -> TargetFacts<'s> {
        TargetFacts {
            target,
            repository,
            service: &self.service,
            running: &self.running,
            base: &self.base,
            record: &self.record,
        }
    }
}

impl<C: Cloud> Planner<'_, C> {
    /// The service, its task definitions, and what they mean to the record; the inner error is why nothing can be
    /// deployed to it. `wanted` is an image that will be asked about: what may be needed for it is looked up alongside.
    pub(crate) async fn observe(
        &self,
        target: &Target,
        record: Service,
        wanted: Option<&ImageFacts>,
        adopted_since: AdoptedSince,
    ) -> Result<Result<ObservedService, Reason>, Error> {
        let service = self.service(target, &record).await?;
        let service = match deployable(target, service.as_ref()) {
            Ok(service) => service.clone(),
            Err(reason) => return Ok(Err(reason)),
        };
        let is_first_observation = note::is_first_observation(&record);
        let (mut notes, service) = self.resolved(&record, service).await?;
        let mut record = record;
        notes.iter().for_each(|note| note.write(&mut record));
        let repository = target.repository.at(self.home);
        let running = self.observations.revision(service.task_definition.as_str());
        let latest = async {
            match base::family_to_read(target, &service) {
                Some(family) => self.observations.revision(family).await.map(Some),
                None => Ok(None),
            }
        };
        let ran = async {
            if adoption::knows_what_ran(&record, &service.task_definition) {
                return Ok(Vec::new());
            }
            self.observations.what_ran(&service).await
        };
        let builds = async {
            let near =
                wanted.and_then(|image| Some((image, gates::guess_same_build(&record, &repository.name, image)?)));
            match near {
                Some((image, digest)) => {
                    self.observations.builds(&repository, &image.digest, &digest).await.map(|_| ())
                }
                None => Ok(()),
            }
        };
        let (running, latest, ran, ()) = try_join4(running, latest, ran, builds).await?;
        let seen = match is_first_observation {
            true => {
                let now = self.observations.cloud.now();
                let at = (adopted_since == AdoptedSince::Now).then_some(now);
                vec![adoption::first_observation(&service, &ran, at, now)]
            }
            false => self.notes(&record, &service, &ran),
        };
        seen.iter().for_each(|note| note.write(&mut record));
        notes.extend(seen);
        let base = base::base(&running, latest);
        Ok(Ok(ObservedService { service, running, base, ran, record, notes }))
    }

    /// The service; asked again where ECS's answer is older than what is recorded.
    async fn service(&self, target: &Target, record: &Service) -> Result<Option<ServiceFacts>, Error> {
        const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(700)];
        let mut service = self.observations.service(target).await?;
        for pause in PAUSES {
            let now = self.observations.cloud.now();
            if !service.as_ref().is_some_and(|service| unfinished::is_stale(record, service, now)) {
                break;
            }
            self.observations.cloud.sleep(pause).await;
            service = self.observations.service_anew(target).await?;
        }
        Ok(service)
    }

    /// The plan for an image, whoever wants it.
    pub(crate) async fn image(
        &self,
        target: &Target,
        observed: &ObservedService,
        candidate: &Candidate<'_>,
    ) -> Result<Plan, Error> {
        let repository = target.repository.at(self.home);
        let facts = observed.facts(target, &repository);
        let running_image = match question(&facts, candidate) {
            None => None,
            Some(Question::Registry(name)) => self.observations.image(&repository, &name).await?,
            Some(Question::WhatRan(container)) => {
                let ran = observed.ran.iter().find(|ran| ran.container == container.as_str());
                match ran.and_then(|ran| ran.digest.clone()) {
                    Some(digest) => self.observations.image(&repository, &ImageName::Digest(digest)).await?,
                    None => self.observations.image_that_ran(&repository, &observed.service, &container).await?,
                }
            }
        };
        let builds = match gates::to_compare(&facts, candidate, running_image.as_ref()) {
            Some(digest) => self.observations.builds(&repository, &candidate.image.digest, &digest).await?,
            None => None,
        };
        let known = Known {
            running_image: running_image.as_ref(),
            builds: builds.as_ref().map(|(wanted, runs)| (wanted, runs)),
        };
        Ok(deploy::deploy(&facts, candidate, &known))
    }

    /// The plan for an image that somebody asked for.
    pub(crate) async fn deploy(
        &self,
        target: &Target,
        observed: &ObservedService,
        (name, force): (&ImageName, bool),
        (event, id): (&EventId, Option<&EventId>),
    ) -> Result<Plan, Error> {
        let repository = target.repository.at(self.home);
        let Some(image) = self.observations.image(&repository, name).await? else {
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
        let by = By::Request { tag, force };
        let candidate =
            Candidate { image: &image, by, trigger: &Trigger::Deploy, event, request: self.request, tagged_at: None };
        self.image(target, observed, &candidate).await
    }

    /// The plan for a redeploy of one service, given all its entries.
    pub(crate) async fn redeploy(
        &self,
        entries: &[&Target],
        observed: &ObservedService,
        (event, id): (&EventId, Option<&EventId>),
    ) -> Result<Plan, Error> {
        let first = entries[0];
        if let Some(reason) = self.done_before(observed, id).await? {
            return Ok(Plan::nothing(first.name.clone(), reason));
        }
        let entries = self.with_repositories(entries);
        let ran = match observed.ran.as_slice() {
            [] if redeploy::names_a_tag(&observed.running, &entries) => {
                self.observations.what_ran(&observed.service).await?
            }
            ran => ran.to_vec(),
        };
        Ok(redeploy::redeploy(&Redeploy {
            first,
            entries: &entries,
            service: &observed.service,
            running: &observed.running,
            base: &observed.base,
            ran: &ran,
            id,
            event,
            request: self.request,
            record: &observed.record,
        }))
    }

    /// The plan for a rollback of one service, given all its entries.
    pub(crate) async fn rollback(
        &self,
        entries: &[&Target],
        observed: &ObservedService,
        to: Option<&str>,
        (event, id): (&EventId, Option<&EventId>),
    ) -> Result<Plan, Error> {
        let first = entries[0];
        if let Some(reason) = self.done_before(observed, id).await? {
            return Ok(Plan::nothing(first.name.clone(), reason));
        }
        let entries = self.with_repositories(entries);
        let known_good = match to {
            Some(revision) => vec![self.named(observed, revision)],
            None => match requested::candidates(&observed.record, &observed.running.arn) {
                good if good.is_empty() => self.known_good_by_history(first, observed).await?,
                good => good,
            },
        };
        let (known_good, revisions): (Vec<KnownGoodFacts>, Vec<_>) =
            try_join_all(known_good.into_iter().map(|good| self.known_good(&first.name, good)))
                .await?
                .into_iter()
                .unzip();
        let revisions: Vec<Revision> = revisions.into_iter().flatten().collect();
        Ok(requested::rollback(&RequestedRollback {
            first,
            entries: &entries,
            service: &observed.service,
            running: &observed.running,
            known_good: &known_good,
            revisions: &revisions,
            named: to,
            record: &observed.record,
            event,
            request: self.request,
        }))
    }

    /// What ran well by ECS's own history, but for what runs: where the record remembers none.
    async fn known_good_by_history(
        &self,
        target: &Target,
        observed: &ObservedService,
    ) -> Result<Vec<KnownGood>, Error> {
        let ServiceFacts { cluster, service, task_definition, .. } = &observed.service;
        let read = self.observations.cloud.list_service_deployments(cluster, service).await;
        let history = optional(&target.name, read)?.unwrap_or_default();
        let mut good = known_good_in(self.observations.cloud, &target.name, &history).await?;
        good.retain(|it| it.revision != task_definition.as_str());
        Ok(good)
    }

    /// A revision that somebody names, in the service's own family where they name none.
    fn named(&self, observed: &ObservedService, revision: &str) -> KnownGood {
        let short = TaskDefinitionArn::new(revision).short().to_owned();
        let known =
            observed.record.known_good.iter().find(|it| TaskDefinitionArn::new(it.revision.as_str()).short() == short);
        known.cloned().unwrap_or_else(|| KnownGood {
            revision: revision.to_owned(),
            ran: Vec::new(),
            at: self.observations.cloud.now(),
        })
    }

    /// What became of a revision, and the revision itself where it can still be read.
    async fn known_good(
        &self,
        target: &TargetName,
        good: KnownGood,
    ) -> Result<(KnownGoodFacts, Option<Revision>), Error> {
        let revision = match self.observations.revision(&good.revision).await {
            Ok(revision) => Some(revision),
            Err(error) if error.kind == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let name = revision.as_ref().map_or(good.revision.clone(), |it| it.arn.to_string());
        let good = KnownGood { revision: name, ..good };
        Ok((known_good_facts(self.observations.cloud, target, good, revision.as_ref()).await?, revision))
    }

    fn with_repositories<'t>(&self, entries: &[&'t Target]) -> Vec<(&'t Target, Repository)> {
        entries.iter().map(|target| (*target, target.repository.at(self.home))).collect()
    }

    /// Whether a request of this id was carried out before; looked up only where the caller gave an id.
    async fn done_before(&self, observed: &ObservedService, id: Option<&EventId>) -> Result<Option<Reason>, Error> {
        let Some(id) = id else { return Ok(None) };
        if let Some(done) = repeated::done_by_record(&observed.record, id) {
            return Ok(Some(done));
        }
        // The record may have been lost, and keeps ten; the revisions bear the id as well.
        let mut revisions = self.observations.recent_revisions(observed.running.arn.family()).await?;
        revisions.push(observed.running.clone());
        Ok(repeated::done_by_revision(&observed.record, &revisions, &observed.running, id))
    }
}

/// Why a target does not deploy this tag, if it doesn't; answered without a look.
pub(crate) fn refuses(target: &Target, tag: &Tag) -> Option<Plan> {
    let reason = match target.tags.admits(tag) {
        Ok(()) => return None,
        Err(NoMatch::Ignored(pattern)) => Reason::Ignored { tag: tag.clone(), pattern },
        Err(NoMatch::NotOfPolicy(policy)) => Reason::NotOfPolicy { tag: tag.clone(), policy },
    };
    Some(Plan::nothing(target.name.clone(), reason))
}
