//! Observes what decisions need: the registry, the services and their task definitions, side by side, each thing once.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::join_all;
use futures_util::lock::Mutex;
use jiff::Timestamp;
use slipway_core::config::Target;
use slipway_core::model::facts::{
    ImageFacts, ImageName, RanImage, Revision, ServiceDeploymentFacts, ServiceFacts, ServiceRevision,
};
use slipway_core::model::id::{ClusterName, ServiceName, TargetName};
use slipway_core::model::image::{Digest, Repository};
use slipway_core::model::labels::BuildIdentity;
use slipway_core::model::record::{Deployment, FamilyMember, Service};
use slipway_core::rules::mechanism::of_its_time;

use crate::cloud::{Cloud, REVISIONS_PER_CALL, SERVICES_PER_CALL};
use crate::error::{Error, ErrorKind, optional};
use crate::invocation::Call;
use crate::memo::Memo;

type Pair = (BuildIdentity, BuildIdentity);

/// Makes plans; what it reads for them is read once.
pub(crate) struct Planner<'a, C> {
    pub(crate) call: &'a Call<'a, C>,
    pub(crate) cloud: &'a C,
    services: Memo<(ClusterName, ServiceName), Result<Option<ServiceFacts>, Error>>,
    revisions: Memo<String, Result<Revision, Error>>,
    images: Memo<(Repository, ImageName), Result<Option<ImageFacts>, Error>>,
    members: Memo<String, Result<Vec<FamilyMember>, Error>>,
    listings: Memo<Repository, Result<Rc<Vec<ImageFacts>>, Error>>,
    builds: Memo<(Repository, Digest, Digest), Result<Option<Pair>, Error>>,
    /// The end of the last wait after which it began anew.
    waited: Mutex<Option<Timestamp>>,
}

impl<'a, C: Cloud> Planner<'a, C> {
    pub(crate) fn new(call: &'a Call<'a, C>) -> Self {
        Self {
            call,
            cloud: call.cloud(),
            services: Memo::default(),
            revisions: Memo::default(),
            images: Memo::default(),
            members: Memo::default(),
            listings: Memo::default(),
            builds: Memo::default(),
            waited: Mutex::default(),
        }
    }

    /// A planner that has read the services of these targets.
    pub(crate) async fn of(call: &'a Call<'a, C>, targets: &[&Target]) -> Self {
        let planner = Self::new(call);
        planner.read_services(targets).await;
        planner
    }

    /// Reads again what may have changed until then, once for all who waited as long.
    pub(crate) async fn begin_anew(&self, waited: Timestamp) {
        let mut last = self.waited.lock().await;
        if last.is_some_and(|last| waited <= last) {
            return;
        }
        let services = self.services.asked();
        self.services.clear();
        self.images.clear();
        self.listings.clear();
        self.describe(&services).await;
        *last = Some(waited);
    }

    /// Reads the services of these targets, ten at a time and all at once.
    pub(crate) async fn read_services(&self, targets: &[&Target]) {
        let services: Vec<_> = targets.iter().map(|it| (it.cluster.clone(), it.service.clone())).collect();
        self.describe(&services).await;
    }

    async fn describe(&self, services: &[(ClusterName, ServiceName)]) {
        let mut clusters: BTreeMap<&ClusterName, Vec<&ServiceName>> = BTreeMap::new();
        for (cluster, service) in services {
            let services = clusters.entry(cluster).or_default();
            if !services.contains(&service) {
                services.push(service);
            }
        }
        let calls = clusters.iter().flat_map(|(cluster, services)| {
            services.chunks(SERVICES_PER_CALL).map(move |services| async move {
                let found = self.call.services(cluster, services).await;
                for (place, service) in services.iter().enumerate() {
                    let facts = match &found {
                        Ok(found) => found.get(place).cloned().unwrap_or(Ok(None)),
                        Err(error) => Err(error.clone()),
                    };
                    self.services.put(((*cluster).clone(), (*service).clone()), facts);
                }
            })
        });
        join_all(calls).await;
    }

    /// A target's service, read by [`Planner::read_services`] as a rule.
    pub(crate) async fn service(&self, target: &Target) -> Result<Option<ServiceFacts>, Error> {
        self.service_at(&target.cluster, &target.service).await
    }

    /// Any service, read by [`Planner::describe_more`] as a rule.
    pub(crate) async fn service_at(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Option<ServiceFacts>, Error> {
        self.services.get((cluster.clone(), service.clone()), || self.service_anew(cluster, service)).await
    }

    /// A service as it is now, whatever was read before.
    pub(crate) async fn service_anew(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Option<ServiceFacts>, Error> {
        self.call.service(cluster, service).await
    }

    /// Reads those of these services that were not read yet.
    pub(crate) async fn describe_more(&self, mut services: Vec<(ClusterName, ServiceName)>) {
        let known = self.services.asked();
        services.retain(|it| !known.contains(it));
        self.describe(&services).await;
    }

    /// The services that Slipway found to run a revision of this family.
    pub(crate) async fn members(&self, family: &str) -> Result<Vec<FamilyMember>, Error> {
        self.members.get(family.to_owned(), || self.cloud.family_members(family)).await
    }

    /// A task definition revision by ARN, or a family's latest.
    pub(crate) async fn revision(&self, name: &str) -> Result<Revision, Error> {
        self.revisions.get(name.to_owned(), || self.cloud.describe_task_definition(name)).await
    }

    /// A task definition revision; `None` where it was deleted.
    pub(crate) async fn existing_revision(&self, name: &str) -> Result<Option<Revision>, Error> {
        match self.revision(name).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    pub(crate) async fn image(&self, repository: &Repository, name: &ImageName) -> Result<Option<ImageFacts>, Error> {
        let key = (repository.clone(), name.clone());
        self.images.get(key, || self.cloud.describe_image(repository, name)).await
    }

    /// Every image of the repository that has a tag.
    pub(crate) async fn images(&self, repository: &Repository) -> Result<Rc<Vec<ImageFacts>>, Error> {
        self.listings.get(repository.clone(), async || self.cloud.list_images(repository).await.map(Rc::new)).await
    }

    /// Two images as builds; `None` where the registry no longer has both.
    pub(crate) async fn builds(
        &self,
        repository: &Repository,
        one: &Digest,
        other: &Digest,
    ) -> Result<Option<Pair>, Error> {
        let read = async || {
            let manifests = self.cloud.batch_get_image(repository, &[one, other]).await?;
            let build = |digest: &Digest| {
                let (_, manifest) = manifests.iter().find(|(of, _)| of == digest)?;
                Some(BuildIdentity::of_manifest(manifest))
            };
            Ok(build(one).zip(build(other)))
        };
        self.builds.get((repository.clone(), one.clone(), other.clone()), read).await
    }

    /// What the service's containers really run, from ECS's record of it; empty where ECS keeps none, or does not say.
    pub(crate) async fn what_ran(&self, service: &ServiceFacts) -> Result<Vec<RanImage>, Error> {
        what_runs(self.cloud, service, service.task_definition.short()).await
    }

    /// The newest service deployment that brought an image about, with ECS's status reason; `None` also where ECS does not say.
    pub(crate) async fn past(
        &self,
        service: &ServiceFacts,
        digest: &Digest,
    ) -> Result<Option<ServiceDeploymentFacts>, Error> {
        let target = TargetName::of(&service.cluster, &service.service);
        let read = self.call.service_deployments(service, None).await;
        let mut deployments = optional(&target, read)?.unwrap_or_default();
        deployments.truncate(REVISIONS_PER_CALL);
        let mut arns: Vec<_> = deployments.iter().filter_map(|deployment| deployment.target.clone()).collect();
        arns.sort();
        arns.dedup();
        let read = self.cloud.describe_service_revisions(&arns).await;
        let revisions = optional(&target, read)?.unwrap_or_default();
        Ok(deployments.into_iter().find(|deployment| {
            revisions.iter().any(|revision| {
                Some(&revision.arn) == deployment.target.as_ref()
                    && revision.images.iter().any(|image| image.digest.as_ref() == Some(digest))
            })
        }))
    }

    /// The newest revisions of a family, to recognise a repeated request by its id.
    pub(crate) async fn recent_revisions(&self, family: &str) -> Result<Vec<Revision>, Error> {
        /// A repeat comes soon after the request; ten revisions are more than come between.
        const RECENT: u64 = 10;
        let latest = self.revision(family).await?;
        let number = latest.arn.revision().unwrap_or_default();
        let before = (1..RECENT).filter_map(|back| number.checked_sub(back)).filter(|number| *number > 0);
        let names = before.map(|number| format!("{family}:{number}"));
        let found = join_all(names.map(async |name| self.existing_revision(&name).await)).await;
        let mut revisions = vec![latest];
        for revision in found {
            // Numbers have gaps where revisions were deleted.
            revisions.extend(revision?);
        }
        Ok(revisions)
    }
}

/// The images that a service runs with this task definition revision, `web:42`, from ECS's record of it
/// (DescribeServiceRevisions); none where ECS keeps none, or does not say.
pub(crate) async fn what_runs(
    cloud: &impl Cloud,
    service: &ServiceFacts,
    revision: &str,
) -> Result<Vec<RanImage>, Error> {
    let read = cloud.describe_service_revisions(&service.current_revisions).await;
    let revisions = optional(&TargetName::of(&service.cluster, &service.service), read)?.unwrap_or_default();
    // While a deployment is under way, those of the old and of the new task definition come.
    let is_it = |it: &ServiceRevision| it.task_definition.as_ref().is_some_and(|arn| arn.short() == revision);
    Ok(revisions.into_iter().find(|it| is_it(it)).map(|it| it.images).unwrap_or_default())
}

/// Adds task definitions (DescribeServiceRevisions) to the service deployments that may have come of this deployment.
pub(crate) async fn with_task_definitions(
    cloud: &impl Cloud,
    record: &Service,
    deployment: &Deployment,
    mut history: Vec<ServiceDeploymentFacts>,
) -> Result<Vec<ServiceDeploymentFacts>, Error> {
    let of_its_time = of_its_time(record, deployment, &history).filter_map(|it| it.target.clone());
    let of_its_time: Vec<_> = of_its_time.take(REVISIONS_PER_CALL).collect();
    let revisions = cloud.describe_service_revisions(&of_its_time).await?;
    for it in &mut history {
        let revision = revisions.iter().find(|revision| Some(&revision.arn) == it.target.as_ref());
        let named = revision.and_then(|revision| revision.task_definition.clone());
        it.task_definition = named.or(it.task_definition.take());
    }
    Ok(history)
}
