//! The track function: an ECS deployment changes its state, and people are told what that means. It changes nothing.
//!
//! [`handle`] is the five words: parse, look, decide, do, tell.

mod event;
mod look;

use std::collections::BTreeSet;

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use slipway_aws::document::{Document, Reading};
use slipway_aws::metric::{Metric, Metrics};
use slipway_aws::{Aws, Error};
use slipway_core::config::{Config, Mistake, Source};
use slipway_core::id::{ClusterName, Home};
use slipway_core::notice::{Notice, Place};
use slipway_core::outcome::{Outcome, Whose};
use tracing::{error, info, warn};

pub use event::{Event, Malformed, parse};

/// What the function keeps from one event to the next.
#[derive(Debug)]
pub struct Tracker {
    aws: Aws,
    document: Document,
    topic: String,
}

impl Tracker {
    /// Settings that cannot be right are the error; the document itself is read here, and again when it is used.
    pub async fn new(aws: Aws, config: &str, topic: &str) -> Result<Self, Mistake> {
        let source = Source::parse(config)?;
        if topic.is_empty() {
            return Err(Mistake::of_setting("SLIPWAY_TOPIC_ARN", "is empty; it is the ARN of the topic for notices"));
        }
        let tracker = Self { aws, document: Document::new(source), topic: topic.to_owned() };
        // Init has a full core, an invocation may not; what fails here is tried again by the invocation.
        if let Err(error) = tracker.document.read(&tracker.aws).await {
            error!(%error, "the configuration could not be read at the start");
        }
        Ok(tracker)
    }
}

/// Handles one event. The error asks Lambda for another try; what no try can mend is logged, counted, and `Ok`.
pub async fn handle(tracker: &Tracker, invocation: LambdaEvent<Value>) -> Result<Value, Failure> {
    let (payload, context) = invocation.into_parts();
    let metrics = Metrics::of(&context.env_config.function_name);
    let event = match parse(payload, Timestamp::now()) {
        Ok(Some(event)) => event,
        Ok(None) => return Ok(ignored("not for this function")),
        Err(Malformed(why)) => {
            error!(why, "the event cannot be read");
            metrics.count(Metric::Untold, None);
            return Ok(json!({ "ok": false, "error": why }));
        }
    };

    let home = Home {
        partition: event.service.partition.clone(),
        account: event.service.account.clone(),
        region: event.service.region.clone(),
    };
    let configured = Configured::of(tracker.document.read(&tracker.aws).await)?;
    let Some((cluster, ours)) = configured.cluster_and_ours(&event, &home) else {
        info!(ecs.service = %event.service.service, "the service is not in the configuration");
        return Ok(ignored("the service is not in the configuration"));
    };
    let repositories = match &ours {
        Ours::Yes(repositories) => repositories.iter().map(String::as_str).collect(),
        Ours::IfMarked => Vec::new(),
    };
    let ecs = &tracker.aws.ecs;
    let service = match look::at_service(ecs, &cluster, &event.service.service).await {
        Ok(Some(service)) => service,
        Ok(None) => {
            warn!(ecs.cluster = %cluster, ecs.service = %event.service.service, "the service is gone");
            return Ok(ignored("the service is gone"));
        }
        Err(error) if error.kind.is_passing() => return Err(error.into()),
        Err(error) => {
            error!(%error, "the service could not be looked up");
            metrics.count(Metric::Untold, None);
            return Ok(json!({ "ok": false, "error": error.to_string() }));
        }
    };
    let outcomes = look::at_deployments(ecs, &event.deployment, &service, &repositories).await?;

    let place = Place { home: &home, cluster: &service.cluster, service: &service.service };
    let told = outcomes.iter().filter(|outcome| ours.includes(outcome));
    let notices: Vec<Notice> = told.filter_map(|outcome| Notice::outcome(place, outcome)).collect();
    log(&outcomes, place);
    tracker.aws.sns.publish_all(&tracker.topic, &notices, &metrics).await?;
    let told: Vec<_> = notices.iter().map(|notice| &notice.id).collect();
    Ok(json!({ "ok": true, "target": place.target(), "told": told }))
}

/// The event could not be followed to its end, and another try can help; Lambda tries twice more.
#[derive(Clone, Debug)]
pub struct Failure {
    error_type: String,
    message: String,
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.error_type, error_message: failure.message }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error_type: error.error_type(), message: error.to_string() }
    }
}

/// What the configuration says about services, as far as it can be used.
enum Configured {
    Document(std::sync::Arc<Config>),
    /// It has mistakes, or cannot be read: the deploy function tells that.
    Unusable,
}

/// Which outcomes of a service are ours to tell.
enum Ours {
    /// All of them; these repositories feed the service.
    Yes(Vec<String>),
    /// Those of Slipway's own revisions: a wrong document stops deploys, it must not silence those under way.
    IfMarked,
}

impl Configured {
    fn of(reading: Result<Reading, Error>) -> Result<Self, Failure> {
        match reading {
            Ok(Ok(config)) => Ok(Self::Document(config)),
            Ok(Err(mistakes)) => {
                error!(config.version = mistakes.version, "the configuration has mistakes");
                Ok(Self::Unusable)
            }
            Err(error) if error.kind.is_passing() => Err(error.into()),
            Err(error) => {
                error!(%error, "the configuration could not be read");
                Ok(Self::Unusable)
            }
        }
    }

    /// The service's cluster, by the event or else by the one target with a service of that name.
    fn cluster_and_ours(&self, event: &Event, home: &Home) -> Option<(ClusterName, Ours)> {
        let Self::Document(config) = self else {
            return event.cluster.clone().map(|cluster| (cluster, Ours::IfMarked));
        };
        let name = &event.service.service;
        let targets = config.targets().iter().filter(|target| {
            target.service == *name && event.cluster.as_ref().is_none_or(|cluster| target.cluster == *cluster)
        });
        let targets: Vec<_> = targets.collect();
        let clusters: BTreeSet<_> = targets.iter().map(|target| &target.cluster).collect();
        if clusters.len() > 1 {
            let clusters: Vec<_> = clusters.iter().map(|cluster| cluster.as_str()).collect();
            error!(
                ecs.service = %name,
                ?clusters,
                "the event names no cluster, and several have a service of this name; migrate it to the long ARN format"
            );
            return None;
        }
        let cluster = clusters.into_iter().next()?.clone();
        Some((cluster, Ours::Yes(targets.iter().map(|target| target.repository.at(home).name).collect())))
    }
}

impl Ours {
    fn includes(&self, outcome: &Outcome) -> bool {
        match self {
            Self::Yes(_) => true,
            Self::IfMarked => matches!(outcome.whose, Whose::Slipway(_) | Whose::Again(_)),
        }
    }
}

fn ignored(why: &str) -> Value {
    json!({ "ok": true, "ignored": why })
}

fn log(outcomes: &[Outcome], place: Place<'_>) {
    for outcome in outcomes {
        let deployment = outcome.deployment.as_ref().map_or("", |deployment| deployment.as_str());
        info!(
            ecs.cluster = %place.cluster,
            ecs.service = %place.service,
            deployment.id = deployment,
            telling = ?outcome.telling,
            "{} {deployment}: {}",
            place.target(),
            outcome.standing,
        );
    }
}
