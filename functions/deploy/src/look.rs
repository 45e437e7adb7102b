//! Looks at the world: the registry, the services and their task definitions, side by side, each thing once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use slipway_aws::ecs::{REVISIONS_PER_CALL, SERVICES_PER_CALL, ServiceDeployment};
use slipway_aws::{Aws, Error, Kind};
use slipway_core::config::Target;
use slipway_core::deploy::{Back, Build, as_ran};
use slipway_core::facts::{ImageFacts, ImageName, RanImage, Revision, ServiceFacts};
use slipway_core::id::{ClusterName, ContainerName, ServiceName};
use slipway_core::image::{Digest, Repository};
use tokio::sync::OnceCell;

/// Everything looked up for one invocation.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) aws: &'a Aws,
    services: Memo<(ClusterName, ServiceName), Option<ServiceFacts>>,
    revisions: Memo<String, Revision>,
    images: Memo<(Repository, ImageName), Option<ImageFacts>>,
    listings: Memo<Repository, Arc<Vec<ImageFacts>>>,
    builds: Memo<(Repository, Digest, Digest), Option<(Build, Build)>>,
}

impl<'a> Look<'a> {
    pub(crate) fn new(aws: &'a Aws) -> Self {
        Self {
            aws,
            services: Memo::default(),
            revisions: Memo::default(),
            images: Memo::default(),
            listings: Memo::default(),
            builds: Memo::default(),
        }
    }

    /// The services of these targets, ten at a time and all at once.
    pub(crate) async fn at_services(&self, targets: &[&Target]) {
        let mut clusters: HashMap<&ClusterName, Vec<&ServiceName>> = HashMap::new();
        for target in targets {
            let services = clusters.entry(&target.cluster).or_default();
            if !services.contains(&&target.service) {
                services.push(&target.service);
            }
        }
        let calls = clusters.iter().flat_map(|(cluster, services)| {
            services.chunks(SERVICES_PER_CALL).map(move |services| async move {
                let found = self.aws.ecs.describe_services(cluster, services).await;
                for (place, service) in services.iter().enumerate() {
                    let facts = found.as_ref().map(|found| found.get(place).cloned().flatten());
                    let key = ((*cluster).clone(), (*service).clone());
                    self.services.put(key, facts.map_err(Clone::clone));
                }
            })
        });
        join_all(calls).await;
    }

    /// A target's service, looked up by [`Look::at_services`] as a rule.
    pub(crate) async fn service(&self, target: &Target) -> Result<Option<ServiceFacts>, Error> {
        let key = (target.cluster.clone(), target.service.clone());
        let look = async || {
            let found = self.aws.ecs.describe_services(&target.cluster, &[&target.service]).await?;
            Ok(found.into_iter().next().flatten())
        };
        self.services.get(key, look).await
    }

    /// A target's service as it is now, whatever was looked up before.
    pub(crate) async fn service_anew(&self, target: &Target) -> Result<Option<ServiceFacts>, Error> {
        let found = self.aws.ecs.describe_services(&target.cluster, &[&target.service]).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// A task definition revision by ARN, or a family's latest.
    pub(crate) async fn revision(&self, name: &str) -> Result<Revision, Error> {
        self.revisions.get(name.to_owned(), || self.aws.ecs.describe_task_definition(name)).await
    }

    /// An image, by tag or by digest.
    pub(crate) async fn image(&self, repository: &Repository, name: &ImageName) -> Result<Option<ImageFacts>, Error> {
        let key = (repository.clone(), name.clone());
        self.images.get(key, || self.aws.ecr.describe_image(repository, name)).await
    }

    /// Every image of the repository that has a tag.
    pub(crate) async fn images(&self, repository: &Repository) -> Result<Arc<Vec<ImageFacts>>, Error> {
        self.listings.get(repository.clone(), async || self.aws.ecr.list_images(repository).await.map(Arc::new)).await
    }

    /// Two images as builds; `None` where the registry no longer has both.
    pub(crate) async fn builds(
        &self,
        repository: &Repository,
        one: &Digest,
        other: &Digest,
    ) -> Result<Option<(Build, Build)>, Error> {
        let look = async || {
            let manifests = self.aws.ecr.batch_get_image(repository, &[one, other]).await?;
            let build = |digest: &Digest| {
                let (_, manifest) = manifests.iter().find(|(of, _)| of == digest)?;
                Some(Build::of_manifest(manifest))
            };
            Ok(build(one).zip(build(other)))
        };
        self.builds.get((repository.clone(), one.clone(), other.clone()), look).await
    }

    /// The revisions that ran well, from ECS's own history, the last one first: where the record remembers none.
    pub(crate) async fn good(&self, service: &ServiceFacts) -> Result<Vec<Back>, Error> {
        let mut deployments = self.aws.ecs.list_service_deployments(&service.cluster, &service.service).await?;
        deployments.retain(|deployment| deployment.status == "SUCCESSFUL");
        deployments.truncate(REVISIONS_PER_CALL);
        let mut arns: Vec<_> = deployments.iter().filter_map(|deployment| deployment.target.clone()).collect();
        arns.sort();
        arns.dedup();
        let revisions = self.aws.ecs.describe_service_revisions(&arns).await?;
        let back = |deployment: &ServiceDeployment| {
            let ran = revisions.iter().find(|revision| Some(&revision.arn) == deployment.target.as_ref())?;
            let revision = ran.task_definition.as_ref().filter(|revision| **revision != service.task_definition)?;
            Some(Back { revision: revision.to_string(), ran: as_ran(&ran.images) })
        };
        Ok(deployments.iter().filter_map(back).collect())
    }

    /// What the service's containers really run, from ECS's record of it; empty where ECS keeps none.
    pub(crate) async fn what_ran(&self, service: &ServiceFacts) -> Result<Vec<RanImage>, Error> {
        let revisions = self.aws.ecs.describe_service_revisions(&service.current_revisions).await?;
        // While a deployment is under way both revisions come; the images that count are the PRIMARY's.
        let of_primary = |revision: &&slipway_aws::ecs::ServiceRevision| {
            revision.task_definition.as_ref() == Some(&service.task_definition)
        };
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
    ) -> Result<Option<ServiceDeployment>, Error> {
        let mut deployments = self.aws.ecs.list_service_deployments(&service.cluster, &service.service).await?;
        deployments.truncate(REVISIONS_PER_CALL);
        let mut arns: Vec<_> = deployments.iter().filter_map(|deployment| deployment.target.clone()).collect();
        arns.sort();
        arns.dedup();
        let revisions = self.aws.ecs.describe_service_revisions(&arns).await?;
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
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(revisions)
    }
}

/// Answers by what was asked: whoever asks the same meanwhile waits for the one call.
#[derive(Debug)]
struct Memo<K, V>(Mutex<HashMap<K, Cell<V>>>);

type Cell<V> = Arc<OnceCell<Result<V, Error>>>;

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    async fn get<F: Future<Output = Result<V, Error>>>(&self, key: K, look: impl FnOnce() -> F) -> Result<V, Error> {
        let cell = self.cell(key);
        cell.get_or_init(look).await.clone()
    }

    fn put(&self, key: K, value: Result<V, Error>) {
        // Set already only if somebody asked for it alone; that answer is as good.
        let _ = self.cell(key).set(value);
    }

    fn cell(&self, key: K) -> Cell<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone()
    }
}
