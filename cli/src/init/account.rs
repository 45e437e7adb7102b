//! What is in the account: clusters, services, their definitions, the applications of CodeDeploy that deploy to them, and the
//! images of the repositories that they name.
//!
//! It only reads. The lists are asked here; services, definitions and images are read by the functions' own code, which takes
//! answers that are newer than the SDK.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::types::SchedulingStrategy;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use slipway_aws::clients::Names;
use slipway_aws::{Aws, Error, ErrorKind};
use slipway_core::model::facts::{Controller, GroupName, ImageFacts, Revision, ServiceFacts};
use slipway_core::model::id::{ClusterName, Home, ServiceArn, ServiceName, TaskDefinitionArn};
use slipway_core::model::image::Repository;
use slipway_core::model::reason::Reason;
use slipway_core::rules::gates::supported;
use slipway_engine::Cloud as _;
use slipway_engine::cloud::SERVICES_PER_CALL;

use super::definition::{Container, Definition};
use super::placeholder;
use crate::exit::Exit;
use crate::problem::{LOGIN, Problem, is_denied, needs_login, words};
use crate::session::Session;

/// So many calls are under way at once. AWS allows some twenty a second, so more would only be throttled.
const AT_ONCE: usize = 8;

/// So often a throttled call is made again, and after so long a pause.
const TRIES: usize = 6;
const PAUSE: Duration = Duration::from_secs(2);

/// `ListServices` and `ListClusters` give at most so many at once (ECS API reference).
const ECS_PAGE: i32 = 100;

/// `DescribeRepositories` gives at most so many at once (ECR API reference).
const ECR_PAGE: i32 = 1000;

/// The actions that the verb needs, as IAM names them.
const ACTIONS: [&str; 6] = [
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecr:DescribeRepositories",
    "ecr:DescribeImages",
];

/// What was found.
#[derive(Debug)]
pub(crate) struct Account {
    /// The account and the region.
    pub(crate) home: Home,
    /// The services, by cluster and name.
    pub(crate) services: Vec<Service>,
    /// The images that have a tag, of every repository that may become a target's.
    pub(crate) images: BTreeMap<Repository, Result<Vec<ImageFacts>, Error>>,
    /// The names of the registry's own repositories, where some service may run a placeholder, else none; `None` where they may not
    /// be listed.
    pub(crate) repositories: Option<Vec<String>>,
}

/// A service.
#[derive(Debug)]
pub(crate) struct Service {
    /// As DescribeServices describes it.
    pub(crate) facts: ServiceFacts,
    /// Whether it runs a task on each instance.
    pub(crate) is_daemon: bool,
    /// What it runs; `None` where Slipway could not deploy to it anyway.
    pub(crate) definition: Option<Definition>,
    /// The application of CodeDeploy that deploys to it, where CodeDeploy does.
    pub(crate) application: Option<Application>,
}

/// An application of CodeDeploy.
#[derive(Debug)]
pub(crate) struct Application {
    /// Its name.
    pub(crate) name: String,
    /// Where the name is from.
    pub(crate) source: NameSource,
}

/// Where the name of an application is from.
#[derive(Debug)]
pub(crate) enum NameSource {
    /// The deployment that made what serves.
    Deployment,
    /// It is the name that the console of ECS would give: no deployment is known.
    ConsoleUnseen,
    /// The same: the deployment cannot be read.
    ConsoleUnread(Error),
}

impl Service {
    /// `prod/web`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.facts.cluster, self.facts.service)
    }

    /// Why Slipway cannot deploy to it, if it cannot.
    pub(crate) fn unsupported(&self) -> Option<Reason> {
        supported(&self.facts).err()
    }
}

/// Reads all of it, or the clusters that are named.
pub(crate) async fn read(session: &Session, clusters: &[String]) -> Result<Account, Problem> {
    Reader::of(session).read(clusters).await
}

/// What reads.
struct Reader<'s> {
    session: &'s Session,
    lists: aws_sdk_ecs::Client,
    aws: Aws,
}

/// A service that a list names.
#[derive(Clone, Debug)]
struct Listed {
    arn: String,
    cluster: ClusterName,
    service: ServiceName,
    is_daemon: bool,
}

impl<'s> Reader<'s> {
    fn of(session: &'s Session) -> Self {
        let lists = aws_sdk_ecs::Client::new(&session.settings);
        Self { session, lists, aws: Aws::new(&session.settings, &Names::default()) }
    }

    async fn read(&self, clusters: &[String]) -> Result<Account, Problem> {
        let clusters = match clusters {
            [] => self.clusters().await?,
            named => {
                let named: BTreeSet<&str> = named.iter().map(|name| last_part(name)).collect();
                named.into_iter().map(str::to_owned).collect()
            }
        };
        let listed = all(clusters.iter().map(|cluster| self.listed(cluster))).await?.concat();
        let home = listed.first().and_then(|it| Home::of_arn(&it.arn));
        let home = home.ok_or_else(|| self.nothing(&clusters))?;
        let mut services = self.services(&listed).await?;
        self.definitions(&mut services).await?;
        self.applications(&mut services).await?;
        services.sort_by_cached_key(Service::name);
        let (repositories, images) = self.images(&services, &home).await?;
        Ok(Account { home, services, images, repositories })
    }

    /// The names of every cluster.
    async fn clusters(&self) -> Result<Vec<String>, Problem> {
        let mut names = Vec::new();
        let mut next = None;
        loop {
            let call = self.lists.list_clusters().max_results(ECS_PAGE).set_next_token(next).send().await;
            let page = call.map_err(|error| self.refused("ecs:ListClusters", &error))?;
            names.extend(page.cluster_arns().iter().map(|arn| last_part(arn).to_owned()));
            next = page.next_token;
            if next.is_none() {
                names.sort();
                return Ok(names);
            }
        }
    }

    /// The services of a cluster. Which of them are daemons, only a list of their own says in the facts' words.
    async fn listed(&self, cluster: &str) -> Result<Vec<Listed>, Problem> {
        let arns = self.arns(cluster, None).await?;
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let daemons: BTreeSet<String> =
            self.arns(cluster, Some(SchedulingStrategy::Daemon)).await?.into_iter().collect();
        let listed = |arn: String| {
            let service = ServiceArn::parse(&arn)?.service;
            let is_daemon = daemons.contains(&arn);
            Some(Listed { arn, cluster: ClusterName::new(cluster), service, is_daemon })
        };
        Ok(arns.into_iter().filter_map(listed).collect())
    }

    async fn arns(&self, cluster: &str, strategy: Option<SchedulingStrategy>) -> Result<Vec<String>, Problem> {
        let mut arns = Vec::new();
        let mut next = None;
        loop {
            let list = self.lists.list_services().cluster(cluster).max_results(ECS_PAGE);
            let call = list.set_scheduling_strategy(strategy.clone()).set_next_token(next).send().await;
            let page = match call {
                Ok(page) => page,
                Err(error) if error.as_service_error().is_some_and(|it| it.is_cluster_not_found_exception()) => {
                    return Err(self.no_cluster(cluster).await);
                }
                Err(error) => return Err(self.refused("ecs:ListServices", &error)),
            };
            next = page.next_token;
            arns.extend(page.service_arns.unwrap_or_default());
            if next.is_none() {
                return Ok(arns);
            }
        }
    }

    /// Each service as it is now; one that was deleted meanwhile is left out.
    async fn services(&self, listed: &[Listed]) -> Result<Vec<Service>, Problem> {
        let batches = listed.chunk_by(|one, other| one.cluster == other.cluster);
        let batches: Vec<&[Listed]> = batches.flat_map(|cluster| cluster.chunks(SERVICES_PER_CALL)).collect();
        let described = all(batches.into_iter().map(async |batch: &[Listed]| {
            let names: Vec<&ServiceName> = batch.iter().map(|it| &it.service).collect();
            let facts = patiently(|| self.aws.describe_services(&batch[0].cluster, &names)).await;
            let facts = facts.map_err(|error| self.refused_by(&error))?;
            let service = |(it, facts): (&Listed, Option<ServiceFacts>)| facts.map(|facts| (facts, it.is_daemon));
            Ok(batch.iter().zip(facts).filter_map(service).collect::<Vec<_>>())
        }))
        .await?;
        let service = |(facts, is_daemon)| Service { facts, is_daemon, definition: None, application: None };
        Ok(described.into_iter().flatten().map(service).collect())
    }

    /// What the services run, and whether their families have something newer. A family's newest revision is most often
    /// the one that runs, so it is asked for first, and each revision once.
    async fn definitions(&self, services: &mut [Service]) -> Result<(), Problem> {
        let running: Vec<TaskDefinitionArn> = services
            .iter()
            .filter(|it| it.unsupported().is_none() && !it.facts.task_definition.as_str().is_empty())
            .map(|it| it.facts.task_definition.clone())
            .collect();
        let families: BTreeSet<&str> = running.iter().map(TaskDefinitionArn::family).collect();
        let newest = all(families.into_iter().map(async |family| {
            match patiently(|| self.aws.describe_task_definition(family)).await {
                Ok(revision) => Ok(Some(revision)),
                // No revision of it is active.
                Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(self.refused_by(&error)),
            }
        }))
        .await?;
        let mut known: BTreeMap<TaskDefinitionArn, Revision> =
            newest.into_iter().flatten().map(|revision| (revision.arn.clone(), revision)).collect();
        let newest: BTreeMap<String, Revision> =
            known.values().map(|revision| (revision.arn.family().to_owned(), revision.clone())).collect();
        let others: BTreeSet<&TaskDefinitionArn> = running.iter().filter(|arn| !known.contains_key(arn)).collect();
        let others = all(others.into_iter().map(async |arn| {
            let revision = patiently(|| self.aws.describe_task_definition(arn.as_str())).await;
            revision.map_err(|error| self.refused_by(&error))
        }))
        .await?;
        known.extend(others.into_iter().map(|revision| (revision.arn.clone(), revision)));
        for service in services.iter_mut().filter(|it| it.unsupported().is_none()) {
            let revision = known.get(&service.facts.task_definition);
            service.definition = revision.map(|it| Definition::of(it, newest.get(it.arn.family())));
        }
        Ok(())
    }

    /// The applications of CodeDeploy that deploy to the services.
    async fn applications(&self, services: &mut [Service]) -> Result<(), Problem> {
        let deployed = |it: &&Service| it.facts.controller == Controller::CodeDeploy && it.unsupported().is_none();
        let mut found = all(services.iter().filter(deployed).map(|it| self.application(&it.facts))).await?.into_iter();
        services.iter_mut().filter(|it| deployed(&&**it)).for_each(|it| it.application = found.next());
        Ok(())
    }

    /// The application of the deployment that made what serves, as the engine finds it; else what the console of ECS calls it.
    async fn application(&self, service: &ServiceFacts) -> Result<Application, Problem> {
        let console = |source| {
            let GroupName { application, .. } = GroupName::of_console(&service.cluster, &service.service);
            Ok(Application { name: application, source })
        };
        let serving = service.task_sets.iter().find(|set| set.status == "PRIMARY");
        let Some(id) = serving.and_then(|set| set.external_id.as_ref()) else {
            return console(NameSource::ConsoleUnseen);
        };
        match patiently(|| self.aws.get_deployment(id)).await {
            Ok(Some(found)) => Ok(Application { name: found.group.application, source: NameSource::Deployment }),
            Ok(None) => console(NameSource::ConsoleUnseen),
            Err(error) if error.kind.is_passing() => Err(self.refused_by(&error)),
            Err(error) => console(NameSource::ConsoleUnread(error)),
        }
    }

    /// The images of every repository that a container names, or that may be a placeholder's.
    async fn images(
        &self,
        services: &[Service],
        home: &Home,
    ) -> Result<(Option<Vec<String>>, BTreeMap<Repository, Result<Vec<ImageFacts>, Error>>), Problem> {
        let definitions = || services.iter().filter_map(|it| it.definition.as_ref());
        let mut wanted: BTreeSet<Repository> =
            definitions().flat_map(|it| &it.containers).filter_map(Container::repository).collect();
        let has_placeholder = definitions().any(Definition::has_no_image_of_ecr);
        let names = if has_placeholder { self.repositories().await? } else { Some(Vec::new()) };
        let matches =
            services.iter().flat_map(|service| placeholder::matches(service, names.as_deref().unwrap_or_default()));
        wanted.extend(matches.map(|found| Repository::at_home(&found.repository, home)));
        let listed = all(wanted.into_iter().map(async |repository| {
            let images = patiently(|| self.aws.list_images(&repository)).await;
            match images {
                // A denied or a missing repository is the business of its services; without an answer nothing is known.
                Err(error) if error.kind.is_passing() => Err(self.refused_by(&error)),
                images => Ok((repository, images)),
            }
        }))
        .await?;
        Ok((names, listed.into_iter().collect()))
    }

    /// The names of the registry's repositories; `None` where they may not be listed, without which one can go on.
    async fn repositories(&self) -> Result<Option<Vec<String>>, Problem> {
        let client = aws_sdk_ecr::Client::new(&self.session.settings);
        let mut names = Vec::new();
        let mut next = None;
        loop {
            let call = client.describe_repositories().max_results(ECR_PAGE).set_next_token(next).send().await;
            let page = match call {
                Ok(page) => page,
                Err(error) if error.code().is_some_and(is_denied) => return Ok(None),
                Err(error) => return Err(self.refused("ecr:DescribeRepositories", &error)),
            };
            names.extend(page.repositories().iter().filter_map(|it| it.repository_name()).map(str::to_owned));
            next = page.next_token;
            if next.is_none() {
                return Ok(Some(names));
            }
        }
    }

    fn nothing(&self, clusters: &[String]) -> Problem {
        let place = self.session.shown();
        let text = match clusters {
            [] => format!("there is no ECS cluster {place}"),
            [one] => format!("there is no service in the cluster {one} {place}"),
            several => format!("there is no service in the {} clusters {place}", several.len()),
        };
        Problem { exit: Exit::Failed, ..Problem::usage(text) }
            .fix(format!(
                "Are the services in another region or account? Give --region (now {}) or --profile.",
                self.session.place.region
            ))
            .fix("If there are none yet, make them first, with any image; then run `slipway init` again.")
    }

    async fn no_cluster(&self, cluster: &str) -> Problem {
        let problem = Problem::usage(format!("there is no cluster {cluster} {}", self.session.shown()));
        let problem = match self.clusters().await {
            Ok(known) if !known.is_empty() => problem.fix(format!("There are: {}.", known.join(", "))),
            _ => problem,
        };
        let region = &self.session.place.region;
        problem.fix(format!("Is it in another region or account? Give --region (now {region}) or --profile."))
    }

    /// Why a call of the SDK came to nothing.
    fn refused<E>(&self, action: &str, error: &SdkError<E>) -> Problem
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        if let Some(problem) = self.session.no_credentials(error) {
            return problem;
        }
        let code = error.code().unwrap_or_default();
        match (code, error.message()) {
            _ if is_denied(code) => self.denied(action),
            ("", _) => self.unanswered(action, &words(error)),
            (_, Some(message)) => self.unanswered(action, &format!("{code}: {message}")),
            (_, None) => self.unanswered(action, code),
        }
    }

    /// Why a call of the functions' code came to nothing.
    fn refused_by(&self, error: &Error) -> Problem {
        let action = error.call.replace("ECS.", "ecs:").replace("ECR.", "ecr:").replace("CodeDeploy.", "codedeploy:");
        match error.kind {
            ErrorKind::Denied => self.denied(&action),
            _ => self.unanswered(&action, &error.message),
        }
    }

    fn denied(&self, action: &str) -> Problem {
        Problem::unavailable(format!("AWS does not allow you to call {action} {}", self.session.shown()))
            .fix(format!("`slipway init` needs these actions, which only read: {}.", ACTIONS.join(", ")))
            .fix("Ask for them, or give another --profile.")
    }

    fn unanswered(&self, action: &str, why: &str) -> Problem {
        let place = self.session.shown();
        let problem = Problem::unavailable(format!("AWS does not answer {action} {place}: {why}"));
        match needs_login(why) {
            true => problem.fix(LOGIN),
            false => problem.fix("Nothing was written. Try again.").that_passes(),
        }
    }
}

/// Does all of it, so many at once, in this order; the first error ends it.
async fn all<T, F>(work: impl IntoIterator<Item = F>) -> Result<Vec<T>, Problem>
where
    F: Future<Output = Result<T, Problem>>,
{
    stream::iter(work).buffered(AT_ONCE).try_collect().await
}

/// Makes a call again as long as AWS throttles it: a large account has more to read than AWS answers in a second.
async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for _ in 1..TRIES {
        match call().await {
            Err(error) if error.kind == ErrorKind::Throttled => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
    call().await
}

fn last_part(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}
