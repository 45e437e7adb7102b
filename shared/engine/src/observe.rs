//! Looks at the world: the registry, the services and their task definitions, side by side, each thing once.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::join_all;
use futures_util::lock::Mutex;
use jiff::Timestamp;
use slipway_core::config::Target;
use slipway_core::model::facts::{
    ImageFacts, ImageName, RanImage, Revision, ServiceDeploymentFacts, ServiceFacts, ServiceRevision,
};
use slipway_core::model::id::{ClusterName, ContainerName, ServiceName, ServiceRevisionArn};
use slipway_core::model::image::{Digest, Repository};
use slipway_core::model::labels::BuildIdentity;

use crate::cloud::{Cloud, REVISIONS_PER_CALL, SERVICES_PER_CALL};
use crate::error::{Error, ErrorKind};
use crate::memo::Memo;

/// Two images as builds.
type Pair = (BuildIdentity, BuildIdentity);

/// Everything looked up for one invocation.
#[derive(Debug)]
pub(crate) struct Observations<'a, C> {
    pub(crate) cloud: &'a C,
    services: Memo<(ClusterName, ServiceName), Result<Option<ServiceFacts>, Error>>,
    revisions: Memo<String, Result<Revision, Error>>,
    images: Memo<(Repository, ImageName), Result<Option<ImageFacts>, Error>>,
    listings: Memo<Repository, Result<Rc<Vec<ImageFacts>>, Error>>,
    builds: Memo<(Repository, Digest, Digest), Result<Option<Pair>, Error>>,
    /// The end of the last wait after which it began anew.
    waited: Mutex<Option<Timestamp>>,
}

impl<'a, C: Cloud> Observations<'a, C> {
    pub(crate) fn new(cloud: &'a C) -> Self {
        Self {
            cloud,
            services: Memo::default(),
            revisions: Memo::default(),
            images: Memo::default(),
            listings: Memo::default(),
            builds: Memo::default(),
            waited: Mutex::default(),
        }
    }

    /// Somebody waited until then: what may have changed meanwhile is looked up again. It is done once for all who waited
    /// as long.
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

    /// The services of these targets, ten at a time and all at once.
    pub(crate) async fn at_services(&self, targets: &[&Target]) {
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
                let found = self.cloud.describe_services(cluster, services).await;
                for (place, service) in services.iter().enumerate() {
                    let facts = found.as_ref().map(|found| found.get(place).cloned().flatten());
                    let key = ((*cluster).clone(), (*service).clone());
                    self.services.put(key, facts.map_err(Clone::clone));
                }
            })
        });
        join_all(calls).await;
    }

    /// A target's service, looked up by [`Observations::at_services`] as a rule.
    pub(crate) async fn service(&self, target: &Target) -> Result<Option<ServiceFacts>, Error> {
        let key = (target.cluster.clone(), target.service.clone());
        let look = async || {
            let found = self.cloud.describe_services(&target.cluster, &[&target.service]).await?;
            Ok(found.into_iter().next().flatten())
        };
        self.services.get(key, look).await
    }

    /// A target's service as it is now, whatever was looked up before.
    pub(crate) async fn service_anew(&self, target: &Target) -> Result<Option<ServiceFacts>, Error> {
        let found = self.cloud.describe_services(&target.cluster, &[&target.service]).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// A task definition revision by ARN, or a family's latest.
    pub(crate) async fn revision(&self, name: &str) -> Result<Revision, Error> {
        self.revisions.get(name.to_owned(), || self.cloud.describe_task_definition(name)).await
    }

    /// An image, by tag or by digest.
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
        let look = async || {
            let manifests = self.cloud.batch_get_image(repository, &[one, other]).await?;
            let build = |digest: &Digest| {
                let (_, manifest) = manifests.iter().find(|(of, _)| of == digest)?;
                Some(BuildIdentity::of_manifest(manifest))
            };
            Ok(build(one).zip(build(other)))
        };
        self.builds.get((repository.clone(), one.clone(), other.clone()), look).await
    }

    /// What the service's containers really run, from ECS's record of it; empty where ECS keeps none.
    pub(crate) async fn what_ran(&self, service: &ServiceFacts) -> Result<Vec<RanImage>, Error> {
        let revisions = self.cloud.describe_service_revisions(&service.current_revisions).await?;
        // While a deployment is under way both revisions come; the images that count are the PRIMARY's.
        let of_primary =
            |revision: &&ServiceRevision| revision.task_definition.as_ref() == Some(&service.task_definition);
        Ok(revisions.iter().find(of_primary).map(|revision| revision.images.clone()).unwrap_or_default())
    }

    /// What the registry knows of the image that a container really runs.
    pub(crate) async fn image_that_ran(
        &self,
        repository: &Repository,
        service: &ServiceFacts,
        container: &ContainerName,
    ) -> Result<Option<ImageFacts>, Error> {
        let ran = self.what_ran(service).await?;
        let ran = ran.into_iter().find(|ran| ran.container == container.as_str());
        match ran.and_then(|ran| ran.digest) {
            Some(digest) => self.image(repository, &ImageName::Digest(digest)).await,
            None => Ok(None),
        }
    }

    /// The newest service deployment that brought an image about, with ECS's words about it.
    pub(crate) async fn past(
        &self,
        service: &ServiceFacts,
        digest: &Digest,
    ) -> Result<Option<ServiceDeploymentFacts>, Error> {
        let mut deployments = self.cloud.list_service_deployments(&service.cluster, &service.service).await?;
        deployments.truncate(REVISIONS_PER_CALL);
        let mut arns: Vec<_> = deployments.iter().filter_map(|deployment| deployment.target.clone()).collect();
        arns.sort();
        arns.dedup();
        let revisions = self.cloud.describe_service_revisions(&arns).await?;
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
        let found = join_all(names.map(async |name| self.revision(&name).await)).await;
        let mut revisions = vec![latest];
        for revision in found {
            match revision {
                Ok(revision) => revisions.push(revision),
                // Numbers have gaps where revisions were deleted.
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(revisions)
    }
}

/// DescribeServiceRevisions for these, which are the targets of some of these service deployments, so that those come with
/// their task definitions.
pub(crate) async fn with_task_definitions(
    cloud: &impl Cloud,
    mut history: Vec<ServiceDeploymentFacts>,
    of: &[ServiceRevisionArn],
) -> Result<Vec<ServiceDeploymentFacts>, Error> {
    let revisions = cloud.describe_service_revisions(of).await?;
    for it in &mut history {
        let revision = revisions.iter().find(|revision| Some(&revision.arn) == it.target.as_ref());
        let named = revision.and_then(|revision| revision.task_definition.clone());
        it.task_definition = named.or(it.task_definition.take());
    }
    Ok(history)
}
