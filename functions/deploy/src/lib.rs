//! The deploy function: an ECR push or a manual request in, a new revision that runs out.
//!
//! [`handle`] is the five words: parse, look, decide, do, tell.

mod event;
mod look;
mod plan;
mod tell;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use slipway_aws::document::Document;
use slipway_aws::execute::{Registrations, execute};
use slipway_aws::metric::{Metric, Metrics};
use slipway_aws::{Aws, Error};
use slipway_core::answer::{self, Answer, Outcome};
use slipway_core::config::{Config, Mistake, Mistakes, Source};
use slipway_core::facts::ImageName;
use slipway_core::id::{EventId, Home, TargetName, TaskDefinitionArn};
use slipway_core::image::{Digest, Tag};
use slipway_core::notice::{Cause, Notice};
use slipway_core::plan::Plan;
use slipway_core::provenance::Trigger;
use slipway_core::request::{Action, Request, Run, resolve};
use tokio::time::Instant;
use tracing::{error, info};

pub use event::{Event, Push, parse};
use look::Look;
use plan::Planner;

/// So many targets are worked on at once. More connections than that cost a small function more than they win it.
const AT_ONCE: usize = 16;

/// What the function keeps from one invocation to the next.
#[derive(Debug)]
pub struct Deployer {
    aws: Aws,
    document: Document,
    topic: String,
    /// The notices about the document that this execution environment has told, by their ids.
    told: Mutex<HashSet<String>>,
}

impl Deployer {
    /// Settings that cannot be right are the error; the document itself is read here, and again when it is used.
    pub async fn new(aws: Aws, config: &str, topic: &str) -> Result<Self, Mistake> {
        let source = Source::parse(config)?;
        if topic.is_empty() {
            return Err(Mistake::of_setting("SLIPWAY_TOPIC_ARN", "is empty; it is the ARN of the topic for notices"));
        }
        let deployer = Self { aws, document: Document::new(source), topic: topic.to_owned(), told: Mutex::default() };
        // Init has a full core, an invocation may not; what fails here is tried again, and told, by the invocation.
        if let Err(error) = deployer.document.read(&deployer.aws).await {
            error!(%error, "the configuration could not be read at the start");
        }
        Ok(deployer)
    }
}

/// Answers one invocation. The error asks Lambda for another try; everything else is told and answered.
pub async fn handle(deployer: &Deployer, invocation: LambdaEvent<Value>) -> Result<Value, Failure> {
    let (payload, context) = invocation.into_parts();
    let is_event = payload.get("detail-type").is_some();
    let event = match parse(payload) {
        Ok(Some(event)) => event,
        Ok(None) => {
            info!("the event is not for this function");
            return Ok(json!({ "ok": true, "ignored": true }));
        }
        Err(mistakes) => {
            error!(?mistakes, "the payload has mistakes");
            // Nobody reads the answer to an event.
            if is_event {
                Metrics::of(&context.env_config.function_name).count(Metric::Refusals, None);
            }
            return Ok(answer::of_mistakes(&mistakes));
        }
    };
    let Some(home) = Home::of_arn(&context.invoked_function_arn) else {
        return Ok(answer::of_mistakes(&[Mistake::of_setting("invoked_function_arn", "is not an ARN")]));
    };
    let call = Call { deployer, home: &home, context: &context, until: until(&context) };
    let config = match deployer.document.read(&deployer.aws).await {
        Ok(Ok(config)) => config,
        Ok(Err(mistakes)) => return call.wrong_configuration(&mistakes).await,
        Err(error) => return call.unreadable_configuration(error).await,
    };
    match event {
        Event::Push(push) => call.push(&config, &push).await,
        Event::Request(request) => call.request(&config, &request).await,
    }
}

/// Some of it failed in a way that another try can mend; Lambda tries an asynchronous invocation twice more.
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

/// One invocation.
struct Call<'a> {
    deployer: &'a Deployer,
    home: &'a Home,
    context: &'a Context,
    until: Instant,
}

/// What the targets of one invocation share.
struct Job<'a> {
    event: &'a EventId,
    run: Run,
    registrations: Registrations,
}

/// What became of one target: the plan, the answer, and the error that another try may mend.
struct Ending {
    plan: Plan,
    answer: Answer,
    revision: Option<TaskDefinitionArn>,
    passing: Option<Error>,
}

impl Call<'_> {
    async fn push(&self, config: &Config, push: &Push) -> Result<Value, Failure> {
        let look = Look::new(&self.deployer.aws);
        let planner = Planner { look: &look, home: self.home, event: &push.id, request: &self.context.request_id };
        let targets = config.of_repository(&push.repository, self.home);
        let (admitted, skipped) = planner.admit(&targets, &push.tag);
        let name = ImageName::Tag(push.tag.clone());
        let (image, ()) = tokio::join!(planner.image(&push.repository, &name, &admitted), look.at_services(&admitted));
        let job = Job { event: &push.id, run: Run::Real, registrations: Registrations::default() };
        let work = admitted.iter().map(|target| async {
            let plan = match &image {
                Ok(image) => planner.push(target, image.as_ref(), push).await,
                Err(error) => Err(error.clone()),
            };
            self.carry_out(&job, plan, &target.name).await
        });
        skipped.iter().for_each(|plan| log(&push.id, plan));
        let mut endings: Vec<Ending> = skipped.into_iter().map(Ending::of_plan).collect();
        endings.extend(in_turn(work).await);
        self.tell(&Trigger::Push, &push.id, endings.iter()).await?;
        let answers = answers(&endings);
        match endings.into_iter().find_map(|ending| ending.passing) {
            Some(error) => Err(Failure { message: answer::failure(&error.to_string(), &answers), ..error.into() }),
            None => Ok(answer::of_targets("push", &push.id, &answers)),
        }
    }

    async fn request(&self, config: &Config, request: &Request) -> Result<Value, Failure> {
        let targets = match resolve(request, config, self.home) {
            Ok(targets) => targets,
            Err(mistakes) => return Ok(answer::of_mistakes(&mistakes)),
        };
        let event = request.id.clone().unwrap_or_else(|| EventId::new(&self.context.request_id));
        let look = Look::new(&self.deployer.aws);
        let planner = Planner { look: &look, home: self.home, event: &event, request: &self.context.request_id };
        look.at_services(&targets).await;
        let job = Job { event: &event, run: request.run, registrations: Registrations::default() };
        let endings = match &request.action {
            Action::Status(asked) => {
                let work = targets.iter().map(|target| planner.status(target, asked.as_ref()));
                return Ok(answer::of_status(&in_turn(work).await));
            }
            Action::Deploy(name) => {
                let work = targets.iter().map(|target| async {
                    let plan = planner.deploy(target, name, request.id.as_ref()).await;
                    self.carry_out(&job, plan, &target.name).await
                });
                in_turn(work).await
            }
            Action::Redeploy => {
                let services = plan::by_service(&targets);
                let work = services.iter().map(|(first, entries)| async {
                    let plan = planner.redeploy(first, entries, request.id.as_ref()).await;
                    self.carry_out(&job, plan, &first.name).await
                });
                in_turn(work).await
            }
        };
        let trigger = Trigger::of(request.action.name());
        // What is refused concerns whoever asked, who reads the answer; what begins concerns everybody.
        let begun = endings.iter().filter(|ending| ending.answer.outcome == Outcome::Started);
        // A notice that fails is counted, and changes nothing of what was done.
        if let Err(failure) = self.tell(&trigger, &event, begun).await {
            error!(error = failure.message, "a notice could not be published");
        }
        Ok(answer::of_targets(request.action.name(), &event, &answers(&endings)))
    }

    /// Decided is decided: does what the plan says, or in a dry run nothing, and says how it ended.
    async fn carry_out(&self, job: &Job<'_>, plan: Result<Plan, Error>, target: &TargetName) -> Ending {
        let plan = match plan {
            Ok(plan) => plan,
            Err(error) => return Ending::of_error(Plan::nothing(target.clone(), error.reason()), error),
        };
        log(job.event, &plan);
        if plan.steps.is_empty() || job.run == Run::Dry {
            return Ending::of_plan(plan);
        }
        match execute(&self.deployer.aws.ecs, &plan, &job.registrations, self.until).await {
            Ok(done) => Ending {
                answer: Answer::done(&plan, done.revision.as_ref(), done.deployment),
                revision: done.revision,
                plan,
                passing: None,
            },
            Err(error) => Ending::of_error(plan, error),
        }
    }

    async fn tell(
        &self,
        trigger: &Trigger,
        event: &EventId,
        endings: impl Iterator<Item = &Ending>,
    ) -> Result<(), Failure> {
        let cause = Cause::new(trigger, event);
        let notices = endings.filter_map(|ending| tell::of_ending(ending, self.home, &cause, self.now()));
        self.publish(notices.collect()).await
    }

    async fn publish(&self, notices: Vec<Notice>) -> Result<(), Failure> {
        let metrics = Metrics::of(&self.context.env_config.function_name);
        tell::publish(&self.deployer.aws, &self.deployer.topic, notices, &metrics).await
    }

    /// A document with mistakes deploys nothing, and says so loudly.
    async fn wrong_configuration(&self, mistakes: &Mistakes) -> Result<Value, Failure> {
        self.tell_once(Notice::config_invalid(self.home, mistakes, self.now())).await?;
        Ok(answer::of_config(mistakes))
    }

    /// So does a document that is not there, or may not be read; one that could not be reached is tried again.
    async fn unreadable_configuration(&self, error: Error) -> Result<Value, Failure> {
        if error.kind.is_passing() {
            return Err(error.into());
        }
        let place = self.deployer.document.source().to_string();
        self.tell_once(Notice::config_unreadable(self.home, &place, &error.reason(), self.now())).await?;
        Ok(answer::of_error(&error.reason()))
    }

    /// Tells what was not told yet by this execution environment; a copy from another bears the same id.
    async fn tell_once(&self, notice: Notice) -> Result<(), Failure> {
        let told = || self.deployer.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told().contains(&notice.id) {
            let id = notice.id.clone();
            self.publish(vec![notice]).await?;
            told().insert(id);
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl Ending {
    fn of_plan(plan: Plan) -> Self {
        Self { answer: Answer::planned(&plan), plan, revision: None, passing: None }
    }

    fn of_error(plan: Plan, error: Error) -> Self {
        error!(ecs.service = %plan.target, %error, "a call failed");
        let outcome = if error.kind.is_passing() { Outcome::Failed } else { Outcome::Refused };
        Self {
            answer: Answer::failed(&plan, error.reason(), outcome),
            plan: plan.cut_short(error.reason()),
            revision: None,
            passing: Some(error).filter(|error| error.kind.is_passing()),
        }
    }
}

/// One line for each plan, with what a search would ask for as fields.
fn log(event: &EventId, plan: &Plan) {
    let image = plan.image.as_ref().map(|image| &image.new);
    let place = plan.place();
    info!(
        event.id = %event,
        ecs.cluster = place.as_ref().map(|(cluster, _)| cluster.as_str()),
        ecs.service = place.as_ref().map(|(_, service)| service.as_str()),
        image.tag = image.and_then(|image| image.tag.as_ref()).map(Tag::as_str),
        image.digest = image.and_then(|image| image.digest.as_ref()).map(Digest::as_str),
        reason = plan.reason.code(),
        %plan,
        "{}: {}",
        plan.target,
        plan.reason
    );
}

async fn in_turn<T>(work: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(work).buffered(AT_ONCE).collect().await
}

fn answers(endings: &[Ending]) -> Vec<Answer> {
    endings.iter().map(|ending| ending.answer.clone()).collect()
}

/// No step begins after this: what is under way then must end, 20 s at most, and be told before Lambda's deadline.
fn until(context: &Context) -> Instant {
    const TO_FINISH: Duration = Duration::from_secs(25);
    let left = context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or_default();
    Instant::now() + left - TO_FINISH.min(left / 3)
}
