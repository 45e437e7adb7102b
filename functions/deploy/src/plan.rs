//! Makes each target's plan: looks up what its decision needs, in the fewest round trips, and lets core decide.

use std::collections::HashMap;

use slipway_aws::{Error, Kind};
use slipway_core::config::{Base, Target};
use slipway_core::deploy::{self, By, Facts, Question, Redeploy, Wish, deployable, question};
use slipway_core::facts::{ImageFacts, ImageName, Revision, ServiceFacts};
use slipway_core::id::{EventId, Home};
use slipway_core::image::{Repository, Tag};
use slipway_core::plan::{Plan, Shown};
use slipway_core::provenance::Provenance;
use slipway_core::reason::Reason;
use slipway_core::request;
use slipway_core::status::{self, Asked, Past, Status};
use slipway_core::tags::NoMatch;
use tokio::try_join;

use crate::event::Push;
use crate::look::Look;

/// Makes plans for the targets of one invocation.
pub(crate) struct Planner<'a> {
    pub(crate) look: &'a Look<'a>,
    pub(crate) home: &'a Home,
    pub(crate) event: &'a EventId,
    pub(crate) request: &'a str,
}

/// What was looked up for a target whose service can be deployed to.
struct Seen {
    repository: Repository,
    service: ServiceFacts,
    running: Revision,
    base: Revision,
}

impl Seen {
    fn facts<'s>(&'s self, target: &'s Target) -> Facts<'s> {
        Facts { target, repository: &self.repository, service: &self.service, running: &self.running, base: &self.base }
    }
}

impl Planner<'_> {
    /// Parts the targets that deploy this tag from those that don't, which are answered without a look.
    pub(crate) fn admit<'t>(&self, targets: &[&'t Target], tag: &Tag) -> (Vec<&'t Target>, Vec<Plan>) {
        let (mut admitted, mut skipped) = (Vec::new(), Vec::new());
        for target in targets {
            let reason = match target.tags.admits(tag) {
                Ok(()) => {
                    admitted.push(*target);
                    continue;
                }
                Err(NoMatch::Ignored(pattern)) => Reason::Ignored { tag: tag.clone(), pattern },
                Err(NoMatch::NotOfPolicy(policy)) => Reason::NotOfPolicy { tag: tag.clone(), policy },
            };
            skipped.push(Plan::nothing(target.name.clone(), reason));
        }
        (admitted, skipped)
    }

    /// What the registry has by this name; not asked where no target wants it.
    pub(crate) async fn image(
        &self,
        repository: &Repository,
        name: &ImageName,
        targets: &[&Target],
    ) -> Result<Option<ImageFacts>, Error> {
        if targets.is_empty() {
            return Ok(None);
        }
        self.look.image(repository, name).await
    }

    /// The plan for a pushed image.
    pub(crate) async fn push(&self, target: &Target, image: Option<&ImageFacts>, push: &Push) -> Result<Plan, Error> {
        let Some(image) = image else {
            let reason = Reason::TagGone { tag: push.tag.clone(), repository: push.repository.name.clone() };
            return Ok(Plan::nothing(target.name.clone(), reason));
        };
        let wish = Wish { image, by: By::Push(&push.tag), event: self.event, request: self.request };
        match self.see(target).await? {
            Err(reason) => Ok(Plan::nothing(target.name.clone(), reason)),
            Ok(seen) => self.decide(&seen.facts(target), &wish).await,
        }
    }

    /// The plan for an image that somebody asked for.
    pub(crate) async fn deploy(&self, target: &Target, name: &ImageName, id: Option<&EventId>) -> Result<Plan, Error> {
        let repository = target.repository.at(self.home);
        let (image, seen) = try_join!(self.look.image(&repository, name), self.see(target))?;
        let nothing = |reason| Ok(Plan::nothing(target.name.clone(), reason));
        let Some(image) = image else {
            let image = request::shown(name).to_string();
            return nothing(Reason::NoSuchImage { image, repository: repository.name });
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(reason) => return nothing(reason),
        };
        if let Some(reason) = self.done_before(&seen.running, id).await? {
            return nothing(reason);
        }
        let tag = match name {
            ImageName::Tag(tag) => Some(tag),
            ImageName::Digest(_) => None,
        };
        let wish = Wish { image: &image, by: By::Request(tag), event: self.event, request: self.request };
        self.decide(&seen.facts(target), &wish).await
    }

    /// The plan for a redeploy of one service, given all its entries.
    pub(crate) async fn redeploy(
        &self,
        first: &Target,
        entries: &[&Target],
        id: Option<&EventId>,
    ) -> Result<Plan, Error> {
        let seen = match self.see(first).await? {
            Ok(seen) => seen,
            Err(reason) => return Ok(Plan::nothing(first.name.clone(), reason)),
        };
        if let Some(reason) = self.done_before(&seen.running, id).await? {
            return Ok(Plan::nothing(first.name.clone(), reason));
        }
        let entries: Vec<_> = entries.iter().map(|target| (*target, target.repository.at(self.home))).collect();
        let ran = if deploy::names_a_tag(&seen.running, &entries) {
            self.look.what_ran(&seen.service).await?
        } else {
            Vec::new()
        };
        let facts = Redeploy {
            first,
            entries: &entries,
            service: &seen.service,
            running: &seen.running,
            base: &seen.base,
            ran: &ran,
            id,
            event: self.event,
            request: self.request,
        };
        Ok(deploy::redeploy(&facts))
    }

    /// How a target stands, and what became of an image, where one is asked about; a failing look is its answer.
    pub(crate) async fn status(&self, target: &Target, asked: Option<&ImageName>) -> Status {
        let seen = self.try_status(target, asked).await;
        seen.unwrap_or_else(|error| status::refused(target, &target.repository.at(self.home), error.reason()))
    }

    async fn try_status(&self, target: &Target, asked: Option<&ImageName>) -> Result<Status, Error> {
        let repository = target.repository.at(self.home);
        let image = async {
            match asked {
                Some(name) => self.look.image(&repository, name).await,
                None => Ok(None),
            }
        };
        let (image, service) = try_join!(image, self.look.service(target))?;
        let service = match deployable(target, service.as_ref()) {
            Ok(service) => service,
            Err(reason) => return Ok(status::refused(target, &repository, reason)),
        };
        let revisions = self.revisions_of(service).await?;
        let facts = status::Facts { target, repository: &repository, service, revisions: &revisions };
        let Some(name) = asked else { return Ok(status::status(&facts, None)) };

        let shown = Shown { digest: image.as_ref().map(|image| image.digest.clone()), ..request::shown(name) };
        let digest = shown.digest.clone().or_else(|| request::shown(name).digest);
        let past = match &digest {
            Some(digest) => self.look.past(service, digest).await?,
            None => None,
        };
        let past = past.map(|past| Past { status: past.status, reason: past.status_reason });
        let plan = match &image {
            Some(image) => self.if_pushed(target, image, name).await?,
            None => None,
        };
        let asked = Asked { shown: &shown, image: image.as_ref(), past: past.as_ref(), plan: plan.as_ref() };
        Ok(status::status(&facts, Some(&asked)))
    }

    async fn decide(&self, facts: &Facts<'_>, wish: &Wish<'_>) -> Result<Plan, Error> {
        let running_image = match question(facts, wish) {
            None => None,
            Some(Question::Registry(name)) => self.look.image(facts.repository, &name).await?,
            Some(Question::WhatRan(container)) => {
                self.look.image_that_ran(facts.repository, facts.service, &container).await?
            }
        };
        Ok(deploy::deploy(facts, wish, running_image.as_ref()))
    }

    /// The service and its task definitions; the inner error is why nothing can be deployed to it.
    async fn see(&self, target: &Target) -> Result<Result<Seen, Reason>, Error> {
        let service = self.look.service(target).await?;
        let service = match deployable(target, service.as_ref()) {
            Ok(service) => service.clone(),
            Err(reason) => return Ok(Err(reason)),
        };
        let running = self.look.revision(service.task_definition.as_str());
        let (running, base) = match target.base {
            Base::Service => {
                let running = running.await?;
                (running.clone(), running)
            }
            Base::Family => try_join!(running, self.look.revision(service.task_definition.family()))?,
        };
        Ok(Ok(Seen { repository: target.repository.at(self.home), service, running, base }))
    }

    /// What the push of an image would bring about now, under the best of its tags.
    async fn if_pushed(&self, target: &Target, image: &ImageFacts, name: &ImageName) -> Result<Option<Plan>, Error> {
        let tag = match name {
            ImageName::Tag(tag) => Some(tag),
            ImageName::Digest(_) => target.tags.best(&image.tags).or(image.tags.first()),
        };
        let Some(tag) = tag else { return Ok(None) };
        let (admitted, mut skipped) = self.admit(&[target], tag);
        if admitted.is_empty() {
            return Ok(skipped.pop());
        }
        let push = Push { id: self.event.clone(), repository: target.repository.at(self.home), tag: tag.clone() };
        self.push(target, Some(image), &push).await.map(Some)
    }

    /// The revisions of a service's deployments; one that was deleted meanwhile is left out.
    async fn revisions_of(
        &self,
        service: &ServiceFacts,
    ) -> Result<HashMap<slipway_core::id::TaskDefinitionArn, Revision>, Error> {
        let mut arns: Vec<_> = service.deployments.iter().map(|deployment| &deployment.task_definition).collect();
        arns.sort();
        arns.dedup();
        let found = futures_util::future::join_all(arns.iter().map(|arn| self.look.revision(arn.as_str()))).await;
        let mut revisions = HashMap::new();
        for (arn, revision) in arns.into_iter().zip(found) {
            match revision {
                Ok(revision) => drop(revisions.insert(arn.clone(), revision)),
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(revisions)
    }

    /// Whether a request of this id was carried out before; looked up only where the caller gave an id.
    async fn done_before(&self, running: &Revision, id: Option<&EventId>) -> Result<Option<Reason>, Error> {
        let Some(id) = id else { return Ok(None) };
        let mut revisions = self.look.recent_revisions(running.arn.family()).await?;
        revisions.push(running.clone());
        let done = revisions.iter().find(|revision| Provenance::of(revision).is_some_and(|made| made.is_of(id)));
        Ok(done.map(|revision| Reason::AlreadyDone { id: id.to_string(), revision: revision.arn.short().to_owned() }))
    }
}

/// Entries of the same service together behind the first of them, in the order they came: a redeploy renders all its repositories at once.
pub(crate) fn by_service<'t>(targets: &[&'t Target]) -> Vec<(&'t Target, Vec<&'t Target>)> {
    let mut services: Vec<(&Target, Vec<&Target>)> = Vec::new();
    for target in targets {
        match services.iter_mut().find(|(first, _)| first.name == target.name) {
            Some((_, entries)) => entries.push(target),
            None => services.push((target, vec![target])),
        }
    }
    services
}
