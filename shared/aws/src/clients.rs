//! The SDK's clients, built once when the function starts, from what Lambda puts into the environment.
//!
//! What a cold start does not need is left out here: see [`Aws::from_environment`].

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use slipway_core::config::Mistake;
use slipway_engine::Engine;

use crate::clock::Clock;
use crate::codedeploy::CodeDeploy;
use crate::ecr::Ecr;
use crate::ecs::Ecs;
use crate::https;
use crate::ledger::Ledger;
use crate::logs::Logs;
use crate::metric::Metrics;
use crate::s3::S3;
use crate::scheduler::Scheduler;
use crate::sns::Sns;
use crate::sqs::Sqs;
use crate::ssm::Ssm;

/// Every service that a function of Slipway may ask.
#[derive(Clone, Debug)]
pub struct Aws {
    /// Services and task definitions.
    pub ecs: Ecs,
    /// The deployments of services that CodeDeploy deploys.
    pub codedeploy: CodeDeploy,
    /// Images.
    pub ecr: Ecr,
    /// Notices.
    pub sns: Sns,
    /// The queue of what could not be delivered.
    pub sqs: Sqs,
    /// The document, and Slack's secret.
    pub ssm: Ssm,
    /// The document, when it is large.
    pub s3: S3,
    /// The records.
    pub ledger: Ledger,
    /// One-time schedules, the timers.
    pub scheduler: Scheduler,
    /// The logs of containers.
    pub logs: Logs,
    /// The time.
    pub clock: Clock,
    /// Whether images are restored from ECR's archive.
    pub(crate) archive: Archive,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// The topic for notices.
    pub(crate) topic: String,
}

/// Whether Slipway may restore images from ECR's archive, the template's parameter `RestoreArchivedImages`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Archive {
    /// It may not: somebody else decides what is restored.
    #[default]
    IsLeftAlone,
    /// It may, where a rollback needs an image and nothing else is there to go back to.
    Restores,
}

/// The names of what the template made for the functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The table of the records.
    pub table: String,
    /// The group of the one-time schedules.
    pub schedule_group: String,
    /// The role by which a schedule invokes a function.
    pub schedule_role: String,
    /// The ARN of the queue for schedules that could not invoke the function; none where it is empty.
    pub schedule_dead_letters: String,
    /// The deploy function's ARN.
    pub deploy: String,
    /// The ARN of the topic for notices.
    pub topic: String,
    /// The name of the function that runs; its counts go by it.
    pub function: String,
    /// Whether images are restored from ECR's archive.
    pub archive: Archive,
}

impl Names {
    /// The names that the template puts into the functions' environment; one that isn't there is empty.
    pub fn from_environment() -> Self {
        let name = |name: &str| std::env::var(name).unwrap_or_default();
        Self {
            table: name("SLIPWAY_TABLE"),
            schedule_group: name("SLIPWAY_SCHEDULE_GROUP"),
            schedule_role: name("SLIPWAY_SCHEDULE_ROLE_ARN"),
            schedule_dead_letters: name("SLIPWAY_SCHEDULE_DLQ_ARN"),
            deploy: name("SLIPWAY_DEPLOY_ARN"),
            topic: name("SLIPWAY_TOPIC_ARN"),
            function: name("AWS_LAMBDA_FUNCTION_NAME"),
            archive: match name("SLIPWAY_RESTORE_ARCHIVED_IMAGES").as_str() {
                "true" => Archive::Restores,
                _ => Archive::IsLeftAlone,
            },
        }
    }
}

impl Aws {
    /// Clients with the settings of the environment. No call is made.
    ///
    /// Credentials and region come from the variables that Lambda sets for the life of an execution environment, so no
    /// chain of other sources is built. Endpoint URLs, FIPS and dual-stack settings are honoured as everywhere.
    pub async fn from_environment() -> Self {
        let settings = aws_config::defaults(BehaviorVersion::latest())
            .region(EnvironmentVariableRegionProvider::new())
            .credentials_provider(EnvironmentVariableCredentialsProvider::new())
            .load()
            .await;
        Self::new(&settings, &Names::from_environment())
    }

    /// Clients with these settings; the HTTP client is [`https::client`], and timeouts and retries are Slipway's own.
    pub fn new(settings: &SdkConfig, names: &Names) -> Self {
        let connector = https::connector();
        let client = https::client_over(connector.clone());
        let settings = settings.to_builder().http_client(client).retry_config(tries()).timeout_config(times()).build();
        Self {
            ecs: Ecs::new(&settings),
            codedeploy: CodeDeploy::new(&settings),
            ecr: Ecr::new(&settings, connector),
            sns: Sns::new(&settings),
            sqs: Sqs::new(&settings),
            ssm: Ssm::new(&settings),
            s3: S3::new(&settings),
            ledger: Ledger::new(&settings, &names.table),
            scheduler: Scheduler::new(&settings, names, Clock::of(&settings)),
            logs: Logs::new(&settings),
            clock: Clock::of(&settings),
            archive: names.archive,
            metrics: Metrics::of(&names.function),
            topic: names.topic.clone(),
        }
    }

    /// The moment it is.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}

/// The engine with the settings of the environment, for a function that runs it. The error is a setting that is missing or
/// wrong.
pub async fn engine() -> Result<Engine<Aws>, Mistake> {
    let aws = Aws::from_environment().await;
    if aws.topic.is_empty() {
        return Err(Mistake::of_setting("SLIPWAY_TOPIC_ARN", "is empty; it is the ARN of the topic for notices"));
    }
    Engine::start(aws, &std::env::var("SLIPWAY_CONFIG").unwrap_or_default()).await
}

/// A client that is built at its first call: a cold start does not pay for what it does not call. A function that never calls
/// it does not even contain it, because only the call names what builds it.
#[derive(Clone, Debug)]
pub(crate) struct Lazy<C> {
    settings: SdkConfig,
    client: OnceLock<C>,
}

impl<C> Lazy<C> {
    /// A client with these settings.
    pub(crate) fn new(settings: &SdkConfig) -> Self {
        Self { settings: settings.clone(), client: OnceLock::new() }
    }

    /// The client, which `build` builds.
    pub(crate) fn get(&self, build: fn(&SdkConfig) -> C) -> &C {
        self.client.get_or_init(|| build(&self.settings))
    }
}

/// Four tries with up to 1, 2 and 4 s between them: a throttled account recovers within that.
fn tries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4)
}

/// ECS answers within a second; a try that takes 5 s is lost. All tries of a call end within 20 s.
fn times() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(20))
        .build()
}
