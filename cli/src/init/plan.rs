//! What becomes of each service: its targets, those that a person has to decide about, or why it is left alone.

use std::collections::BTreeMap;

use slipway_aws::{Error, ErrorKind};
use slipway_core::model::facts::ImageFacts;
use slipway_core::model::id::Home;
use slipway_core::model::image::{Registry, Repository, Tag};

use super::account::{Account, Application, NameSource, Service};
use super::definition::{Base, Container, Definition};
use super::placeholder::{self, Certainty, Match};
use super::tags::{self, Rule, Running, Verdict};

/// The prefixes that ECR's console offers for caches of other registries.
const CACHES: [&str; 6] = ["docker-hub/", "ecr-public/", "quay/", "kubernetes/", "github/", "gitlab/"];

/// What becomes of everything that was found.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The account and the region.
    pub(crate) home: Home,
    /// The services, by name.
    pub(crate) services: Vec<Row>,
}

/// A service, and what becomes of it.
#[derive(Debug)]
pub(crate) struct Row {
    /// `prod/web`.
    pub(crate) name: String,
    /// The images that it runs, or its revision, in a few words.
    pub(crate) runs: String,
    /// Its targets, written or proposed.
    pub(crate) targets: Vec<Target>,
    /// Why it has none.
    pub(crate) left_alone: Option<String>,
    /// What a person should know.
    pub(crate) warnings: Vec<Warning>,
    /// What the template's parameters have to name for it.
    pub(crate) grants: Grants,
}

/// An entry of the configuration's `targets`.
#[derive(Debug)]
pub(crate) struct Target {
    /// The cluster.
    pub(crate) cluster: String,
    /// The service.
    pub(crate) service: String,
    /// The repository as the document names it.
    pub(crate) repository: String,
    /// The repository.
    pub(crate) source: Repository,
    /// The containers, where the images do not say which.
    pub(crate) containers: Vec<String>,
    /// The policy as the document has it.
    pub(crate) tags: Rule,
    /// The policy in words.
    pub(crate) policy: String,
    /// The newest tag by the policy.
    pub(crate) newest: Option<Tag>,
    /// Why it is so, a sentence each.
    pub(crate) why: Vec<String>,
    /// Whether it is deployed.
    pub(crate) standing: Standing,
}

/// Whether a target counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is written.
    Written,
    /// It is written as a comment: a person has to decide.
    Proposed,
}

/// Something that a person should know of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// A word for programs.
    pub(crate) code: &'static str,
    /// The sentences.
    pub(crate) text: String,
}

/// What the template's parameters have to name for a service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    /// The roles that ECS is given.
    pub(crate) roles: Vec<String>,
    /// The family.
    pub(crate) families: Vec<String>,
    /// The log groups.
    pub(crate) log_groups: Vec<String>,
    /// The application of CodeDeploy.
    pub(crate) applications: Vec<String>,
}

impl Row {
    /// Whether Slipway deploys something there.
    pub(crate) fn is_written(&self) -> bool {
        self.targets.iter().any(|it| it.standing == Standing::Written)
    }

    fn left_alone(service: &Service, code: &'static str, why: String) -> Self {
        Self {
            name: service.name(),
            runs: runs(service),
            targets: Vec::new(),
            warnings: vec![Warning { code, text: why.clone() }],
            left_alone: Some(why),
            grants: Grants::default(),
        }
    }
}

/// Decides what becomes of each service.
pub(crate) fn of(account: Account) -> Plan {
    let families = families(&account.services);
    let services = account.services.iter().map(|service| row(service, &account, &families)).collect();
    Plan { home: account.home, services }
}

/// The services of each family, by name.
fn families(services: &[Service]) -> BTreeMap<String, Vec<String>> {
    let mut families: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for service in services.iter().filter(|it| it.definition.is_some()) {
        families.entry(service.facts.task_definition.family().to_owned()).or_default().push(service.name());
    }
    families
}

fn row(service: &Service, account: &Account, families: &BTreeMap<String, Vec<String>>) -> Row {
    if let Some(reason) = service.unsupported() {
        return Row::left_alone(service, reason.code(), sentence(&reason.to_string()));
    }
    let Some(definition) = &service.definition else {
        return Row::left_alone(service, "no_definition", "It has no task definition.".to_owned());
    };
    let mut warnings = Vec::new();
    let targets = if definition.has_no_image_of_ecr() {
        placeholder::matches(service, account.repositories.as_deref().unwrap_or_default())
            .into_iter()
            .map(|found| placeholder_target(service, account, found, &mut warnings))
            .collect()
    } else {
        targets(service, definition, account, &mut warnings)
    };
    if targets.is_empty() {
        return Row::left_alone(service, "image_elsewhere", elsewhere(definition, account));
    }
    warnings.extend(of_service(service, definition, families));
    Row {
        name: service.name(),
        runs: runs(service),
        targets,
        left_alone: None,
        warnings,
        grants: Grants {
            roles: definition.roles.iter().map(|role| role_arn(role, &account.home)).collect(),
            families: vec![definition.arn.family().to_owned()],
            log_groups: definition.log_groups.clone(),
            applications: service.application.iter().map(|it| it.name.clone()).collect(),
        },
    }
}

/// A reason as a sentence of its own.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).chain(['.']).collect()
}

/// A target for each repository whose images the containers run.
fn targets(service: &Service, definition: &Definition, account: &Account, warnings: &mut Vec<Warning>) -> Vec<Target> {
    let mut by_repository: Vec<(Repository, &Container)> = Vec::new();
    for container in &definition.containers {
        if let Some(repository) = container.repository()
            && by_repository.iter().all(|(known, _)| *known != repository)
        {
            by_repository.push((repository, container));
        }
    }
    let of_name = |name: &str| by_repository.iter().filter(|(it, _)| it.name == name).count();
    let target = |(repository, container): &(Repository, &Container)| {
        // Of two repositories of one name, only the registry says which is which.
        let is_at_home = Repository::at_home(&repository.name, &account.home) == *repository;
        let written =
            if is_at_home && of_name(&repository.name) == 1 { repository.name.clone() } else { repository.to_string() };
        warnings.extend(of_repository(repository, &account.home));
        let running = running(container);
        let images = account.images.get(repository);
        warnings.extend(of_image(&running, images, repository));
        let mut target = with_policy(service, repository, &written, images, &running);
        if let Some(cache) = CACHES.iter().find(|cache| repository.name.starts_with(**cache)) {
            target.standing = Standing::Proposed;
            target
                .why
                .insert(0, format!("{cache} looks like a cache of another registry, whose images others release."));
        }
        target
    };
    by_repository.iter().map(target).collect()
}

/// A target of a service that was made with a dummy image.
fn placeholder_target(service: &Service, account: &Account, found: Match, warnings: &mut Vec<Warning>) -> Target {
    let repository = Repository::at_home(&found.repository, &account.home);
    let images = account.images.get(&repository);
    let mut target = with_policy(service, &repository, &found.repository, images, &Running::Nothing);
    target.containers = vec![found.container];
    let image = target.containers.first().and_then(|name| image_of(service, name)).unwrap_or_default();
    let why = match &found.certainty {
        Certainty::Sure => format!("It was made with the dummy image {image}, so the container is named."),
        Certainty::MayBeMeant => {
            format!(
                "It runs {image}. Is that a placeholder for images of {}? Then remove the # signs.",
                found.repository
            )
        }
        Certainty::Alike => {
            format!(
                "It was made with the dummy image {image}. Does it wait for images of {}? Then remove the # signs.",
                found.repository
            )
        }
        Certainty::Several(others) => format!(
            "It was made with the image {image}. It may wait for images of {}, or of {}.",
            found.repository,
            others.join(", ")
        ),
    };
    target.why.insert(0, why);
    if found.certainty != Certainty::Sure {
        target.standing = Standing::Proposed;
    } else if let (Standing::Written, Some(newest)) = (target.standing, &target.newest) {
        let text = format!(
            "It runs a placeholder, which nobody decided for: Slipway deploys {newest} as soon as it is installed."
        );
        warnings.push(Warning { code: "placeholder", text });
    }
    target
}

fn with_policy(
    service: &Service,
    repository: &Repository,
    written: &str,
    images: Option<&Result<Vec<ImageFacts>, Error>>,
    running: &Running,
) -> Target {
    let cluster = service.facts.cluster.as_str();
    let mut target = Target {
        cluster: cluster.to_owned(),
        service: service.facts.service.as_str().to_owned(),
        repository: written.to_owned(),
        source: repository.clone(),
        containers: Vec::new(),
        tags: Rule::Semver("*".to_owned()),
        policy: String::new(),
        newest: None,
        why: Vec::new(),
        standing: Standing::Proposed,
    };
    let images = match images {
        Some(Ok(images)) => images,
        Some(Err(error)) => {
            target.why = vec![unread(repository, error)];
            return target;
        }
        None => return target,
    };
    match tags::choose(images, running, cluster) {
        Verdict::Take(choice) => {
            target.standing = Standing::Written;
            target.tags = choice.rule;
            target.policy = choice.policy.to_string();
            target.why = vec![choice.why];
            target.newest = choice.newest;
        }
        Verdict::Ask { why, advice, rule } => {
            target.tags = rule;
            target.why = vec![why, advice];
        }
    }
    target
}

fn unread(repository: &Repository, error: &Error) -> String {
    match error.kind {
        ErrorKind::NotFound => {
            format!("The repository {repository} does not exist. Make it, push an image, and run `slipway init` again.")
        }
        ErrorKind::Denied => format!(
            "Its tags could not be read: AWS denies ecr:DescribeImages for {repository}. Slipway needs it, too. Choose the tags by \
             yourself, and remove the # signs."
        ),
        _ => format!("Its tags could not be read: {}.", error.message),
    }
}

/// What runs of a repository.
fn running(container: &Container) -> Running {
    let image = container.image.as_ref();
    let latest = || Tag::parse("latest").map_or(Running::Nothing, Running::Tag);
    match image.map(|it| (&it.digest, &it.tag)) {
        Some((Some(digest), _)) => Running::Digest(digest.clone()),
        Some((None, Some(tag))) => Running::Tag(tag.clone()),
        Some((None, None)) => latest(),
        None => Running::Nothing,
    }
}

/// What is to be known of the image that runs.
fn of_image(
    running: &Running,
    images: Option<&Result<Vec<ImageFacts>, Error>>,
    repository: &Repository,
) -> Option<Warning> {
    let images = images?.as_ref().ok()?;
    match running {
        Running::Tag(tag) if !images.iter().any(|it| it.tags.contains(tag)) => Some(Warning {
            code: "image_missing",
            text: format!("It runs the tag {tag}, which {} does not have any more.", repository.name),
        }),
        Running::Digest(digest) if !images.iter().any(|it| it.digest == *digest) => Some(Warning {
            code: "image_by_digest",
            text: format!(
                "It names its image by a digest, {}, which has no tag in {}: the policy is chosen by the other tags.",
                digest.short(),
                repository.name
            ),
        }),
        _ => None,
    }
}

fn of_repository(repository: &Repository, home: &Home) -> Option<Warning> {
    let Registry::Ecr { account, region } = &repository.registry else { return None };
    let is_own = *account == home.account;
    let place = match (is_own, *region == home.region) {
        (true, true) => return None,
        (true, false) => format!("the region {region}"),
        (false, _) => format!("the account {account}, {region}"),
    };
    let policy = if is_own { "" } else { " The repository's policy has to allow Slipway to read it." };
    Some(Warning {
        code: "registry_elsewhere",
        text: format!(
            "Its images are in {place}. Deploy infra/forward.yaml there, so that its pushes come here.{policy} See the README, \
             \"Registries of other accounts and regions\"."
        ),
    })
}

/// What is to be known of a service that becomes a target.
fn of_service(service: &Service, definition: &Definition, families: &BTreeMap<String, Vec<String>>) -> Vec<Warning> {
    let name = service.name();
    let family = definition.arn.family();
    let mut warnings = Vec::new();
    let mut warn = |code: &'static str, text: String| warnings.push(Warning { code, text });
    let others: Vec<&str> =
        families.get(family).into_iter().flatten().map(String::as_str).filter(|it| *it != name).collect();
    if !others.is_empty() {
        warn(
            "shared_family",
            format!(
                "It shares the task definition family {family} with {}. Each is rendered from what it runs; give each a family of \
                 its own before you write `base: family`.",
                few(&others)
            ),
        );
    }
    if let Some((code, text)) = service.application.as_ref().and_then(assumed) {
        warn(code, text);
    }
    match &definition.base {
        Base::Newest => {}
        Base::Newer(newer) => warn(
            "base",
            format!(
                "It runs {}, and {newer} has other settings that were never deployed. Slipway goes on from what runs. If your \
                 infrastructure tool registers definitions, write `base: family`.",
                definition.arn.short()
            ),
        ),
        Base::Inactive => warn(
            "base",
            format!(
                "It runs {}, which was deregistered. If Terraform does that, set `skip_destroy = true` on the task definition, so \
                 that what runs stays.",
                definition.arn.short()
            ),
        ),
    }
    if service.is_daemon {
        let text = "It is a daemon service: its number of tasks follows the instances, and half of it is what `max_failed_tasks` is \
                    by default.";
        warn("daemon", text.to_owned());
    } else if service.facts.desired_count == 0 {
        let text = "Its desired count is 0: a deployment ends without a task that shows whether the image is good.";
        warn("no_tasks", text.to_owned());
    }
    warnings
}

/// What is to be known of an application whose name is not known.
fn assumed(Application { name, source }: &Application) -> Option<(&'static str, String)> {
    let why = match source {
        NameSource::Deployment => return None,
        NameSource::ConsoleUnseen => ", because no deployment shows it".to_owned(),
        NameSource::ConsoleUnread(error) => match error.kind {
            ErrorKind::Denied => ": AWS denies codedeploy:GetDeployment".to_owned(),
            _ => format!(": {}", error.message),
        },
    };
    let text = format!(
        "Which application of CodeDeploy deploys to it is not known{why}. In parameters.json, CodeDeployApplications gets the \
         name that the console of ECS gives: {name}. Correct it if yours has another name."
    );
    Some(("application_assumed", text))
}

/// Why no container is a target's.
fn elsewhere(definition: &Definition, account: &Account) -> String {
    let images: Vec<&str> = definition.containers.iter().map(|it| it.text.as_str()).collect();
    let (image, are) = if images.len() == 1 { ("image", "is") } else { ("images", "are") };
    let denied = match &account.repositories {
        None => {
            " Whether it waits for images of one of your repositories is not known: AWS denies ecr:DescribeRepositories."
        }
        Some(_) => "",
    };
    format!("Its {image} {are} not in ECR: {}.{denied}", few(&images))
}

/// The images of ECR that it runs, else the revision.
fn runs(service: &Service) -> String {
    let containers = service.definition.iter().flat_map(|it| &it.containers);
    let image = |container: &Container| {
        let image = container.image.as_ref()?;
        let name = image.path.clone();
        Some(match (&image.digest, &image.tag) {
            (Some(digest), _) => format!("{name}@{}", digest.short()),
            (None, Some(tag)) => format!("{name}:{tag}"),
            (None, None) => name,
        })
    };
    let all: Vec<&Container> = containers.collect();
    let of_ecr: Vec<String> = all.iter().filter(|it| it.repository().is_some()).filter_map(|it| image(it)).collect();
    let shown = if of_ecr.is_empty() { all.iter().filter_map(|it| image(it)).collect() } else { of_ecr };
    match shown.as_slice() {
        [] if service.facts.task_definition.as_str().is_empty() => String::new(),
        [] => format!("revision {}", service.facts.task_definition.short()),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}

fn image_of<'s>(service: &'s Service, container: &str) -> Option<&'s str> {
    let containers = service.definition.iter().flat_map(|it| &it.containers);
    containers.into_iter().find(|it| it.name == container).map(|it| it.text.as_str())
}

/// A definition may name a role without its ARN.
fn role_arn(role: &str, home: &Home) -> String {
    match role.starts_with("arn:") {
        true => role.to_owned(),
        false => format!("arn:{}:iam::{}:role/{role}", home.partition, home.account),
    }
}

/// The first few names: `a, b, c and 4 more`.
fn few(names: &[&str]) -> String {
    match names.len() {
        0..=4 => names.join(", "),
        all => format!("{} and {} more", names[..3].join(", "), all - 3),
    }
}
