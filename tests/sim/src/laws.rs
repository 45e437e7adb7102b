//! What must hold in every schedule, whatever happens. The laws know the facts and the record as data, never a rule.
//!
//! They are restated here by hand on purpose: a law that asked the engine's own rules would be true of any engine.
//! What is reported of the simulation stands here; what must hold of one service stands in `service`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use slipway_core::model::facts::{RanImage, Rollout, ServiceFacts};
use slipway_core::model::id::{DeploymentId, TargetName, TaskDefinitionArn};
use slipway_core::model::image::Digest;
use slipway_core::model::notice::{Notice, NoticeKind, Severity};
use slipway_core::model::record::{DecisionKind, Deployment, Outcome, RollbackMethod, Service};

use crate::registry::Images;
use crate::setup::TargetService;
use crate::simulation::{Lost, is_under_way, primary};
use crate::table::Table;

use service::{By, Judged, OfService, Outside, is_ambiguous, is_end, kind_of, kind_of_end};

mod service;

/// What the laws may read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The time.
    pub(crate) now: Timestamp,
    /// The images that were pushed.
    pub(crate) images: &'a Images,
    /// The records as they are, before what is about to be written.
    pub(crate) table: &'a Table,
}

/// What an invocation observed of a service.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// When.
    pub(crate) at: Timestamp,
    /// The image of the PRIMARY then.
    pub(crate) running: Option<Digest>,
}

/// An UpdateService that made a new deployment.
#[derive(Clone, Debug)]
pub(crate) struct Update<'a> {
    /// Of which service.
    pub(crate) target: &'a TargetName,
    /// By which invocation.
    pub(crate) request: u64,
    /// The image that it brings.
    pub(crate) digest: Option<Digest>,
    /// The revision of the family that it was made from, if it was.
    pub(crate) definition: Option<TaskDefinitionArn>,
    /// The image that ran, as its revision names it and as ECS resolved it.
    pub(crate) running: Option<RanImage>,
    /// The service before it.
    pub(crate) before: &'a ServiceFacts,
    /// The deployment that it made.
    pub(crate) made: &'a DeploymentId,
    /// Whether it was forced.
    pub(crate) force_new_deployment: bool,
}

/// An UpdateService by somebody else that made a new deployment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutsideUpdate<'a> {
    /// Of which service.
    pub(crate) target: &'a TargetName,
    /// The revision that it ran before.
    pub(crate) previous: &'a TaskDefinitionArn,
    /// The revision that it runs now.
    pub(crate) revision: &'a TaskDefinitionArn,
    /// The image that the update brings.
    pub(crate) digest: &'a Digest,
    /// The deployment that it made.
    pub(crate) made: &'a DeploymentId,
}

/// The laws, and what they have to remember.
#[derive(Debug)]
pub(crate) struct Laws {
    /// The first law that was broken, in words.
    pub(crate) broken: Option<String>,
    /// Updates that took effect.
    pub(crate) updates: u32,
    /// Rollbacks that Slipway made.
    pub(crate) rollbacks: u32,
    /// Notices, without copies.
    pub(crate) notices: u32,
    services: BTreeMap<TargetName, OfService>,
    /// What an invocation observed of a service last.
    observations: BTreeMap<(u64, TargetName), Observed>,
    /// When an invocation observed images first.
    image_observations: BTreeMap<u64, Timestamp>,
    /// The invocations by which a person releases an image or takes a hold off.
    releases: BTreeSet<u64>,
    /// Whether the configuration names the containers, so that a placeholder can be replaced where nothing is known to have run.
    names_containers: bool,
}

impl Laws {
    /// Nothing has happened yet to these services.
    pub(crate) fn new(services: &[TargetService], names_containers: bool) -> Self {
        Self {
            broken: None,
            updates: 0,
            rollbacks: 0,
            notices: 0,
            services: services.iter().map(|it| (it.target.clone(), OfService::default())).collect(),
            observations: BTreeMap::new(),
            image_observations: BTreeMap::new(),
            releases: BTreeSet::new(),
            names_containers,
        }
    }

    /// An invocation observed a service.
    pub(crate) fn observed(&mut self, request: u64, target: &TargetName, observed: Observed) {
        self.observations.insert((request, target.clone()), observed);
    }

    /// An invocation is tried, perhaps once more.
    pub(crate) fn begins(&mut self, request: u64) {
        self.image_observations.remove(&request);
    }

    /// An invocation observed images.
    pub(crate) fn observed_images(&mut self, request: u64, now: Timestamp) {
        self.image_observations.entry(request).or_insert(now);
    }

    /// An invocation begins by which a person releases an image or takes a hold off.
    pub(crate) fn releasing(&mut self, request: u64) {
        self.releases.insert(request);
    }

    /// A person or a tool updated the service past Slipway.
    pub(crate) fn updated_outside(&mut self, update: &OutsideUpdate<'_>, view: &View<'_>) {
        let Some(known) = self.services.get_mut(update.target) else { return };
        known.quarantined.remove(update.digest);
        let is_ambiguous = view.table.record(update.target).is_some_and(|record| is_ambiguous(record, update));
        known.outside = Some(Outside { made: update.made.clone(), at: view.now, is_ambiguous });
        self.updates += 1;
    }

    /// A tool put a placeholder in the place of what ran. Of a service that Slipway has not observed yet nothing is adopted then.
    pub(crate) fn placeholder_put(&mut self, target: &TargetName, table: &Table) {
        let known = |it: &Service| it.decision.is_some() || !it.known_good.is_empty() || !it.deployments.is_empty();
        if let Some(service) = self.services.get_mut(target).filter(|_| !table.record(target).is_some_and(known)) {
            service.outside = None;
        }
    }

    /// A new definition of a service's family was registered, which Slipway is to deploy by itself.
    pub(crate) fn definition_registered(&mut self, target: &TargetName, revision: &TaskDefinitionArn, now: Timestamp) {
        if let Some(service) = self.services.get_mut(target) {
            service.new_definitions.push((revision.clone(), now));
        }
    }

    /// Whether a new definition was registered that only the reconcile finds.
    pub(crate) fn has_new_definition(&self) -> bool {
        self.services.values().any(|it| !it.new_definitions.is_empty())
    }

    /// A record is about to be written by an invocation.
    pub(crate) fn written(
        &mut self,
        target: &TargetName,
        record: &Service,
        request: u64,
        service: Option<&ServiceFacts>,
        view: &View<'_>,
    ) {
        let before = view.table.record(target);
        // Nobody is blamed for what came after the last observation before a decision.
        let observed = self.observations.get(&(request, target.clone())).cloned();
        let observed = observed.unwrap_or(Observed { at: view.now, running: None });
        let observed_at = observed.at;
        let images_observed_at = self.image_observations.get(&request).copied().unwrap_or(view.now);
        let releases = self.releases.contains(&request);
        let Some(known) = self.services.get_mut(target) else { return };
        if releases {
            known.released(before, record);
        }
        known.held |= record.hold.is_some();
        if let Some(decision) = record.decision.as_ref().filter(|it| it.what != DecisionKind::External) {
            known.decided = known.decided.max(Some(decision.at));
        }
        let mut broken = None;
        for it in &record.deployments {
            let old = before.and_then(|record| record.numbered(it.number));
            if old.is_none() && !it.is_external() {
                known.intends(it, &observed, images_observed_at);
            }
            if it.rollback().is_some() && old.is_none_or(|old| old.rollback().is_none()) {
                known.decisions.insert(it.number, observed_at);
            }
            if it.failing().is_some() && view.table.evidence(target, it.number..=it.number).next().is_none() {
                broken =
                    broken.or(Some(format!("deployment {} is known to fail, and there is no evidence", it.number)));
            }
            let is_corrected = |it: &Deployment| it.ended().is_some_and(|it| it.corrected_from.is_some());
            if is_corrected(it) && !old.is_some_and(is_corrected) {
                known.completed_after_all(it);
            }
            let (Some(outcome), None) = (it.outcome(), old.and_then(|old| old.outcome())) else { continue };
            let lease = record.lease.as_ref().filter(|it| it.until > view.now);
            let others = lease.is_some_and(|it| it.holder != format!("req-{request}"));
            let judged = Judged { outcome, observed_at, others, record, service };
            broken = broken.or(known.ended(it, &judged));
            if outcome == Outcome::RollbackFailed
                && record.deployments.first().is_some_and(|first| first.number == it.number)
            {
                let id = service.and_then(primary).map(|it| &it.id);
                let roll_back = known.outside.as_ref().is_some_and(|outside| Some(&outside.made) == id);
                known.called = it.ended().map(|it| it.at).filter(|_| !roll_back);
            }
        }
        if let Some(words) = broken {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// An invocation updated a service, which made a new deployment.
    pub(crate) fn updated(&mut self, update: &Update<'_>, view: &View<'_>) {
        self.updates += 1;
        let target = update.target;
        let empty = Service::default();
        let record = view.table.record(target).unwrap_or(&empty);
        let holder = format!("req-{}", update.request);
        let has_lease = record.lease.as_ref().is_some_and(|it| it.holder == holder && it.until > view.now);
        if !has_lease {
            self.break_law(format!("{target}: #{} updated the service without the lease", update.request));
        }
        let Some(known) = self.services.get_mut(target) else { return };
        let broken = match known.who(record, &holder) {
            None => Some("the service was updated without an intent on record".to_owned()),
            Some((By::Rollback(number), intent)) => {
                self.rollbacks += 1;
                known.made_rollback(number, &intent, record, update)
            }
            Some((by, intent)) => known.deployed(by, &intent, update, view),
        };
        if let Some(words) = broken {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// An invocation stopped a service's deployment, so that ECS goes back.
    pub(crate) fn stopped(&mut self, target: &TargetName, request: u64, view: &View<'_>) {
        self.rollbacks += 1;
        let holder = format!("req-{request}");
        let record = view.table.record(target);
        let lease = record.and_then(|it| it.lease.as_ref());
        if lease.is_none_or(|it| it.holder != holder || it.until <= view.now) {
            self.break_law(format!("{target}: #{request} stopped a deployment without the lease"));
        }
        let intended = |it: &&Deployment| {
            it.is_open() && it.rollback().is_some_and(|it| it.how == RollbackMethod::Stop && it.done_at.is_none())
        };
        let Some(intended) = record.and_then(|it| it.deployments.iter().find(intended)) else {
            self.break_law(format!("{target}: a deployment was stopped without an intent on record"));
            return;
        };
        let Some(known) = self.services.get_mut(target) else { return };
        if let Some(words) = known.counts_rollback(intended.number) {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// A notice is published for the first time.
    pub(crate) fn published(&mut self, notice: &Notice, view: &View<'_>) {
        self.notices += 1;
        let (Some(target), Some(id)) = (&notice.target, &notice.deployment) else { return };
        let of_id = |it: &&Deployment| it.id() == Some(id);
        let record = view.table.record(target);
        let recorded = record.and_then(|it| it.deployments.iter().find(of_id));
        let recorded = recorded.or(view.table.archived(target).find(of_id));
        let kind = kind_of(notice);
        let went_wrong = notice.severity >= Severity::Warning && kind != NoticeKind::Paused;
        let failed = recorded.filter(|it| it.failing().is_some() && went_wrong);
        let evidence = failed.and_then(|it| view.table.evidence(target, it.number..=it.number).next());
        if notice.details.is_empty() && evidence.is_some_and(|it| !it.lines.is_empty()) {
            self.break_law(format!("{target}: the notice {} shows no evidence, and there is some", notice.id));
        }
        if !is_end(kind) {
            return;
        }
        let Some(known) = self.services.get_mut(target) else { return };
        let kinds = known.published.entry(id.clone()).or_default();
        kinds.push(kind);
        let kinds = kinds.clone();
        let ended = recorded.and_then(|it| it.ended());
        // What completed after all is published twice, as the record has it: as it seemed to end, and corrected. Who publishes
        // the first may be overtaken.
        let corrected = ended.and_then(|it| it.corrected_from).and_then(kind_of_end);
        let ends = 1 + usize::from(corrected.is_some());
        let broken = match recorded.and_then(Deployment::published_outcome) {
            _ if kinds.len() > ends => Some(format!("the end of {id} was published in too many ways: {kinds:?}")),
            None => Some(format!("the end of {id} was published and is not on record")),
            Some(outcome) if ![kind_of_end(outcome), corrected].contains(&Some(kind)) => {
                Some(format!("{id} is on record as {}, and was published as {kind:?}", outcome.as_str()))
            }
            Some(_) => None,
        };
        if let Some(words) = broken {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// The image that runs is named by a tag, and ECS does not say which one that is: no new definition goes out with it.
    pub(crate) fn nobody_knows_what_runs(&mut self, target: &TargetName) {
        if let Some(service) = self.services.get_mut(target) {
            service.new_definitions.clear();
        }
    }

    /// The inputs have stopped, calls succeed, and everything has come to rest.
    pub(crate) fn at_rest(
        &mut self,
        target: &TargetName,
        service: &ServiceFacts,
        running: Option<&Digest>,
        lost: Lost,
        view: &View<'_>,
    ) {
        let empty = Service::default();
        let record = view.table.record(target).unwrap_or(&empty);
        let Some(known) = self.services.get_mut(target) else { return };
        let archived: Vec<&Deployment> = view.table.archived(target).collect();
        let mut broken = None;
        // Somebody else's may go on for ever.
        let ends = |it: &&Deployment| it.id().is_some() && (!it.is_external() || it.published_outcome().is_some());
        for it in record.deployments.iter().chain(archived).filter(ends) {
            let published = it.id().and_then(|id| known.published.get(id));
            if published.is_none() {
                broken = broken.or(Some(format!("the end of deployment {} was never published", it.number)));
            }
        }
        let Some(primary) = primary(service) else { return };
        // Somebody else's deployment that ECS tries for ever is waited for as long.
        let theirs = record.of_id(&primary.id).is_none_or(Deployment::is_external);
        let stuck = theirs && is_under_way(primary);
        let live = record.lease.as_ref().is_some_and(|it| it.until > view.now);
        let unblocked = record.unblocked().next().is_some();
        if live || unblocked || !stuck && !record.pending.is_empty() {
            broken = broken.or(Some("the lease or a pending input was left behind".to_owned()));
        }
        if let (false, Some(running)) = (stuck, running) {
            broken = broken.or(known.best_runs(record, running, view.images, lost));
            broken = broken.or(known.definition_waits(record, running, view.images));
        }
        if !stuck && running.is_none() && primary.rollout == Some(Rollout::Completed) {
            let stays = known.placeholder_stays(record, &primary.id, view.images, lost, self.names_containers);
            broken = broken.or(stays);
        }
        if let Some(words) = broken {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// A law is broken; the first one counts.
    pub(crate) fn break_law(&mut self, words: String) {
        self.broken.get_or_insert(words);
    }
}
