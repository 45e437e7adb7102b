//! The engine's port on the fake: each call is one step of the schedule, and may fail before or after its effect.
//!
//! A call answers at its second or third poll, so that another invocation can come between any two, and any of them can
//! die there. What a call does is shown to the laws at the same moment.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use fake_aws::Refusal;
use jiff::{SignedDuration, Timestamp};
use slipway_core::config::Source;
use slipway_core::model::facts::{
    CodeDeployment, DeploymentGroup, DeploymentWait, GroupName, ImageFacts, ImageName, Revision,
    ServiceDeploymentFacts, ServiceFacts, ServiceRevision, StoppedTask,
};
use slipway_core::model::id::{
    ClusterName, DeploymentId, LogStream, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TargetName,
    TaskDefinitionArn,
};
use slipway_core::model::image::{Digest, Repository};
use slipway_core::model::notice::Notice;
use slipway_core::model::plan::Rendering;
use slipway_core::model::record::{Deployment, FamilyMember, RecordedEvidence};
use slipway_engine::cloud::{
    ContinueAnswer, HookAnswer, Metric, RestoreAnswer, StopAnswer, TargetProgress, Timer, Versioned,
};
use slipway_engine::{Cloud, Error, ErrorKind};

use crate::bug::Bug;
use crate::code_deploy;
use crate::laws::Observed;
use crate::setup::History;
use crate::simulation::{Phase, Simulation, primary};

/// What the engine reaches the simulation by. One for each instance of a function.
#[derive(Debug)]
pub(crate) struct Port {
    simulation: Rc<RefCell<Simulation>>,
    /// The invocation that the instance works on.
    request: Cell<u64>,
}

/// What a call can come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// It only reads.
    Reads,
    /// It takes effect, and its answer may be lost afterwards.
    Writes,
}

impl Port {
    /// A port for a new instance.
    pub(crate) fn new(simulation: &Rc<RefCell<Simulation>>) -> Self {
        Self { simulation: Rc::clone(simulation), request: Cell::new(0) }
    }

    /// The instance works on this invocation now.
    pub(crate) fn works_on(&self, request: u64) {
        self.request.set(request);
    }

    /// One call to AWS.
    async fn call<T>(
        &self,
        name: &'static str,
        subject: &str,
        does: Does,
        call: impl FnOnce(&mut Simulation, u64) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.wait().await;
        let mut simulation = self.simulation.borrow_mut();
        let (simulation, request) = (&mut *simulation, self.request.get());
        let time = SignedDuration::from_millis(simulation.chance.i64(5..60));
        simulation.pass(time);
        let fault = match simulation.phase {
            Phase::Faults => simulation.chance.u8(0..180),
            Phase::Calm => u8::MAX,
        };
        match fault {
            0 | 1 => {
                simulation.note(format_args!("#{request} {name} {subject}: throttled"));
                return Err(Error::new(name, subject, ErrorKind::Throttled, "ThrottlingException: Rate exceeded"));
            }
            2 | 3 => {
                simulation.note(format_args!("#{request} {name} {subject}: fails"));
                return Err(Error::new(name, subject, ErrorKind::Unreachable, "connection reset"));
            }
            _ => {}
        }
        simulation.note(format_args!("#{request} {name} {subject}"));
        let answer = call(simulation, request);
        if matches!(fault, 4..=6) && does == Does::Writes {
            simulation.note(format_args!("#{request} its answer is lost"));
            return Err(Error::new(name, subject, ErrorKind::Unreachable, "the answer was lost"));
        }
        if let Err(error) = &answer {
            let text = error.to_string();
            simulation.note(format_args!("#{request} {text}"));
        }
        answer
    }

    /// One call about ECS's history, which a role may not be allowed to make.
    async fn history<T>(
        &self,
        name: &'static str,
        subject: &str,
        call: impl FnOnce(&mut Simulation) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let ask = |simulation: &mut Simulation, _| match simulation.history {
            History::Complete | History::Late => call(simulation),
            History::Denied => Err(denied(name, subject)),
        };
        self.call(name, subject, Does::Reads, ask).await
    }

    /// Lets others come first, once or twice.
    async fn wait(&self) {
        let mut left = 1 + u8::from(self.simulation.borrow_mut().chance.u8(0..4) == 0);
        poll_fn(|context| {
            self.simulation.borrow_mut().moves += 1;
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            // Whoever waits for several calls polls only what is awake.
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// What AWS says to a role that lacks the permission.
fn denied(call: &'static str, subject: &str) -> Error {
    let action = call.replace("ECS.", "ecs:");
    let message = format!("AccessDeniedException: User is not authorized to perform: {action}");
    Error::new(call, subject, ErrorKind::Denied, message)
}

fn refused(call: &'static str, subject: &str, refusal: &Refusal) -> Error {
    let kind = match refusal.code.as_str() {
        code if code.contains("NotFound") => ErrorKind::NotFound,
        _ if refusal.message.contains("Unable to describe task definition") => ErrorKind::NotFound,
        _ => ErrorKind::Rejected,
    };
    Error::new(call, subject, kind, format!("{}: {}", refusal.code, refusal.message))
}

impl Cloud for Port {
    fn now(&self) -> Timestamp {
        self.simulation.borrow().now
    }

    async fn sleep(&self, time: Duration) {
        let until = self.now() + SignedDuration::try_from(time).unwrap_or(SignedDuration::ZERO);
        poll_fn(|context| {
            let mut simulation = self.simulation.borrow_mut();
            if simulation.now >= until {
                return Poll::Ready(());
            }
            simulation.wakes_at = Some(simulation.wakes_at.map_or(until, |at| at.min(until)));
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn count(&self, _: Metric, _: Option<&TargetName>) {}

    async fn configuration(&self, _: &Source) -> Result<String, Error> {
        self.call("SSM.GetParameter", "config", Does::Reads, |simulation, _| Ok(simulation.document.clone())).await
    }

    async fn read_record(&self, target: &TargetName) -> Result<Versioned, Error> {
        const CALL: &str = "DynamoDB.GetItem";
        self.call(CALL, target.as_str(), Does::Reads, |simulation, _| Ok(simulation.read_record(target))).await
    }

    async fn write_record(
        &self,
        target: &TargetName,
        record: Versioned,
    ) -> Result<Result<Versioned, Versioned>, Error> {
        const CALL: &str = "DynamoDB.PutItem";
        let write = |simulation: &mut Simulation, request| {
            if simulation.table.rev(target) != record.rev {
                simulation.note(format_args!("#{request} somebody else wrote meanwhile"));
                return Ok(Err(simulation.read_record(target)));
            }
            let written = Versioned { rev: record.rev + 1, record: record.record };
            simulation.written(target, &written.record, request);
            let is_lost = simulation.bug == Some(Bug::LostWrite) && simulation.chance.u8(0..8) == 0;
            if !is_lost {
                simulation.table.put(target, written.clone());
            }
            Ok(Ok(written))
        };
        self.call(CALL, target.as_str(), Does::Writes, write).await
    }

    async fn archive_deployment(&self, target: &TargetName, deployment: &Deployment) -> Result<(), Error> {
        let archive = |simulation: &mut Simulation, _| {
            simulation.table.archive(target, deployment);
            Ok(())
        };
        self.call("DynamoDB.PutItem", target.as_str(), Does::Writes, archive).await
    }

    async fn archived_deployments(&self, target: &TargetName, most: usize) -> Result<Vec<Deployment>, Error> {
        let query =
            |simulation: &mut Simulation, _| Ok(simulation.table.archived(target).take(most).cloned().collect());
        self.call("DynamoDB.Query", target.as_str(), Does::Reads, query).await
    }

    async fn put_evidence(&self, target: &TargetName, evidence: &RecordedEvidence) -> Result<(), Error> {
        let put = |simulation: &mut Simulation, _| {
            if simulation.bug != Some(Bug::NoEvidence) {
                simulation.table.put_evidence(target, evidence);
            }
            Ok(())
        };
        self.call("DynamoDB.PutItem", target.as_str(), Does::Writes, put).await
    }

    async fn evidence(
        &self,
        target: &TargetName,
        numbers: RangeInclusive<u64>,
    ) -> Result<Vec<RecordedEvidence>, Error> {
        let query = |simulation: &mut Simulation, _| Ok(simulation.table.evidence(target, numbers).cloned().collect());
        self.call("DynamoDB.Query", target.as_str(), Does::Reads, query).await
    }

    async fn put_family_member(&self, family: &str, member: &FamilyMember) -> Result<(), Error> {
        let put = |simulation: &mut Simulation, _| {
            simulation.table.put_family_member(family, member);
            Ok(())
        };
        self.call("DynamoDB.PutItem", family, Does::Writes, put).await
    }

    async fn family_members(&self, family: &str) -> Result<Vec<FamilyMember>, Error> {
        let query = |simulation: &mut Simulation, _| Ok(simulation.table.family_members(family));
        self.call("DynamoDB.Query", family, Does::Reads, query).await
    }

    async fn create_timer(&self, timer: &Timer) -> Result<(), Error> {
        /// As the real port: a moment that is past by then would be refused.
        const SOON: SignedDuration = SignedDuration::from_secs(5);
        let create = |simulation: &mut Simulation, _| {
            let at = timer.at.max(simulation.now + SOON);
            if simulation.bug != Some(Bug::NoTimer) {
                simulation.timers.create(timer, at.round(jiff::Unit::Second).unwrap_or(at), simulation.now);
            }
            Ok(())
        };
        self.call("Scheduler.CreateSchedule", &timer.name, Does::Writes, create).await
    }

    async fn describe_services(
        &self,
        cluster: &ClusterName,
        services: &[&ServiceName],
    ) -> Result<Vec<Option<ServiceFacts>>, Error> {
        const CALL: &str = "ECS.DescribeServices";
        let names: Vec<&str> = services.iter().map(|it| it.as_str()).collect();
        let subject = names.join(",");
        let describe = |simulation: &mut Simulation, request| {
            let described = simulation.aws.describe_services(cluster, services);
            let mut described = described.map_err(|refusal| refused(CALL, &subject, &refusal))?;
            for service in described.iter_mut().flatten() {
                let target = TargetName::of(cluster, &service.service);
                let real = code_deploy::shown(&simulation.aws, service.clone());
                let running = primary(&real).and_then(|it| simulation.digest_of(&target, &it.id));
                simulation.laws.observed(request, &target, Observed { at: simulation.now, running });
                if simulation.bug == Some(Bug::LaggingList) {
                    simulation.lag(&target, service);
                }
            }
            Ok(described)
        };
        self.call(CALL, &subject, Does::Reads, describe).await
    }

    async fn describe_task_definition(&self, name: &str) -> Result<Revision, Error> {
        const CALL: &str = "ECS.DescribeTaskDefinition";
        let describe = |simulation: &mut Simulation, _| {
            simulation.aws.describe_task_definition(name).map_err(|refusal| refused(CALL, name, &refusal))
        };
        self.call(CALL, name, Does::Reads, describe).await
    }

    async fn register_task_definition(&self, rendering: &Rendering) -> Result<TaskDefinitionArn, Error> {
        const CALL: &str = "ECS.RegisterTaskDefinition";
        let register = |simulation: &mut Simulation, _| {
            let registered = simulation.aws.register_task_definition(&rendering.body);
            registered.map_err(|refusal| refused(CALL, rendering.family(), &refusal))
        };
        self.call(CALL, rendering.family(), Does::Writes, register).await
    }

    async fn update_service(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
        task_definition: &TaskDefinitionArn,
        force_new_deployment: bool,
    ) -> Result<Option<ServiceFacts>, Error> {
        const CALL: &str = "ECS.UpdateService";
        let target = TargetName::of(cluster, service);
        let subject = format!("{service} to {}", task_definition.short());
        let update = |simulation: &mut Simulation, request| {
            let updated = simulation.update(&target, task_definition, force_new_deployment, request);
            updated.map(Some).map_err(|refusal| refused(CALL, target.as_str(), &refusal))
        };
        self.call(CALL, &subject, Does::Writes, update).await
    }

    async fn update_express_gateway_service(&self, service: &str, _: &TaskDefinitionArn) -> Result<(), Error> {
        const CALL: &str = "ECS.UpdateExpressGatewayService";
        Err(Error::new(CALL, service, ErrorKind::Rejected, "no service of the simulation is one of Express Mode"))
    }

    async fn stop_service_deployment(&self, arn: &ServiceDeploymentArn) -> Result<StopAnswer, Error> {
        const CALL: &str = "ECS.StopServiceDeployment";
        let stop = |simulation: &mut Simulation, request| match simulation.stop(arn, request) {
            Ok(()) => Ok(StopAnswer::Accepted),
            Err(refusal)
                if matches!(refusal.code.as_str(), "ConflictException" | "ServiceDeploymentNotFoundException") =>
            {
                Ok(StopAnswer::TooLate)
            }
            Err(refusal) => Err(refused(CALL, arn.as_str(), &refusal)),
        };
        self.call(CALL, arn.as_str(), Does::Writes, stop).await
    }

    async fn continue_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
        hook: &str,
        answer: HookAnswer,
    ) -> Result<ContinueAnswer, Error> {
        const CALL: &str = "ECS.ContinueServiceDeployment";
        let rolls_back = answer == HookAnswer::RollBack;
        let go_on =
            |simulation: &mut Simulation, _| match simulation.aws.continue_service_deployment(arn, hook, rolls_back) {
                Ok(()) => Ok(ContinueAnswer::Accepted),
                Err(refusal) if refusal.code == "InvalidParameterException" => Ok(ContinueAnswer::NotPaused),
                Err(refusal) => Err(refused(CALL, arn.as_str(), &refusal)),
            };
        self.call(CALL, arn.as_str(), Does::Writes, go_on).await
    }

    async fn get_deployment_group(&self, name: &GroupName) -> Result<Option<DeploymentGroup>, Error> {
        const CALL: &str = "CodeDeploy.GetDeploymentGroup";
        self.call(CALL, &name.group, Does::Reads, |simulation, _| Ok(simulation.aws.get_deployment_group(name))).await
    }

    async fn get_deployment(&self, id: &DeploymentId) -> Result<Option<CodeDeployment>, Error> {
        const CALL: &str = "CodeDeploy.GetDeployment";
        self.call(CALL, id.as_str(), Does::Reads, |simulation, _| Ok(simulation.aws.get_deployment(id))).await
    }

    async fn get_deployment_target(
        &self,
        id: &DeploymentId,
        _: &ClusterName,
        _: &ServiceName,
    ) -> Result<Option<TargetProgress>, Error> {
        const CALL: &str = "CodeDeploy.GetDeploymentTarget";
        let read = |simulation: &mut Simulation, _| {
            let progress = simulation.aws.get_deployment_target(id);
            Ok(progress.map(|(events, traffic)| TargetProgress { events, traffic }))
        };
        self.call(CALL, id.as_str(), Does::Reads, read).await
    }

    async fn get_application_revision(&self, application: &str, sha256: &str) -> Result<Option<String>, Error> {
        const CALL: &str = "CodeDeploy.GetApplicationRevision";
        let read = |simulation: &mut Simulation, _| Ok(simulation.aws.get_application_revision(application, sha256));
        self.call(CALL, application, Does::Reads, read).await
    }

    async fn list_deployments(&self, group: &GroupName, since: Timestamp) -> Result<Vec<DeploymentId>, Error> {
        const CALL: &str = "CodeDeploy.ListDeployments";
        let list = |simulation: &mut Simulation, _| Ok(simulation.aws.list_deployments(group, since));
        self.call(CALL, &group.group, Does::Reads, list).await
    }

    async fn create_deployment(
        &self,
        group: &GroupName,
        app_spec: &str,
        description: &str,
    ) -> Result<DeploymentId, Error> {
        const CALL: &str = "CodeDeploy.CreateDeployment";
        let create = |simulation: &mut Simulation, request| {
            let created = simulation.create_deployment(group, app_spec, description, request);
            created.map_err(|refusal| match refusal.code.as_str() {
                "DeploymentLimitExceededException" => {
                    refused(CALL, &group.group, &refusal).of_kind(ErrorKind::Conflict)
                }
                _ => refused(CALL, &group.group, &refusal),
            })
        };
        self.call(CALL, &group.group, Does::Writes, create).await
    }

    async fn stop_deployment(&self, id: &DeploymentId) -> Result<StopAnswer, Error> {
        const CALL: &str = "CodeDeploy.StopDeployment";
        let stop = |simulation: &mut Simulation, request| match simulation.stop_deployment(id, request) {
            Ok(()) => Ok(StopAnswer::Accepted),
            Err(refusal) if refusal.code == "DeploymentAlreadyCompletedException" => Ok(StopAnswer::TooLate),
            Err(refusal) => Err(refused(CALL, id.as_str(), &refusal)),
        };
        self.call(CALL, id.as_str(), Does::Writes, stop).await
    }

    async fn continue_deployment(&self, id: &DeploymentId, wait: DeploymentWait) -> Result<ContinueAnswer, Error> {
        const CALL: &str = "CodeDeploy.ContinueDeployment";
        let go_on = |simulation: &mut Simulation, _| match simulation.aws.continue_deployment(id, wait) {
            Ok(()) => Ok(ContinueAnswer::Accepted),
            Err(refusal) if refusal.code.starts_with("Deployment") => Ok(ContinueAnswer::NotPaused),
            Err(refusal) => Err(refused(CALL, id.as_str(), &refusal)),
        };
        self.call(CALL, id.as_str(), Does::Writes, go_on).await
    }

    async fn list_service_deployments(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        const CALL: &str = "ECS.ListServiceDeployments";
        let list = |simulation: &mut Simulation| {
            let listed = simulation.aws.list_service_deployments(cluster, service);
            listed.map_err(|refusal| refused(CALL, service.as_str(), &refusal))
        };
        self.history(CALL, service.as_str(), list).await
    }

    async fn describe_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
    ) -> Result<Option<ServiceDeploymentFacts>, Error> {
        let describe = |simulation: &mut Simulation| Ok(simulation.aws.describe_service_deployment(arn));
        self.history("ECS.DescribeServiceDeployments", arn.as_str(), describe).await
    }

    async fn describe_service_revisions(&self, arns: &[ServiceRevisionArn]) -> Result<Vec<ServiceRevision>, Error> {
        const CALL: &str = "ECS.DescribeServiceRevisions";
        let describe = |simulation: &mut Simulation| {
            let described = simulation.aws.describe_service_revisions(arns);
            described.map_err(|refusal| refused(CALL, "", &refusal))
        };
        self.history(CALL, "", describe).await
    }

    async fn list_stopped_tasks(&self, cluster: &ClusterName, service: &ServiceName) -> Result<Vec<String>, Error> {
        const CALL: &str = "ECS.ListTasks";
        let list = |simulation: &mut Simulation, _| {
            let listed = simulation.aws.list_stopped_tasks(cluster, service);
            listed.map_err(|refusal| refused(CALL, service.as_str(), &refusal))
        };
        self.call(CALL, service.as_str(), Does::Reads, list).await
    }

    async fn describe_stopped_tasks(&self, cluster: &ClusterName, arns: &[String]) -> Result<Vec<StoppedTask>, Error> {
        const CALL: &str = "ECS.DescribeTasks";
        let describe = |simulation: &mut Simulation, _| {
            let described = simulation.aws.describe_stopped_tasks(cluster, arns);
            described.map_err(|refusal| refused(CALL, cluster.as_str(), &refusal))
        };
        self.call(CALL, cluster.as_str(), Does::Reads, describe).await
    }

    async fn describe_image(&self, repository: &Repository, name: &ImageName) -> Result<Option<ImageFacts>, Error> {
        const CALL: &str = "ECR.DescribeImages";
        let subject = format!("{}{name}", repository.name);
        let describe = |simulation: &mut Simulation, request| {
            simulation.laws.observed_images(request, simulation.now);
            let described = simulation.aws.describe_image(repository, name);
            described.map_err(|refusal| refused(CALL, &subject, &refusal))
        };
        self.call(CALL, &subject, Does::Reads, describe).await
    }

    async fn list_images(&self, repository: &Repository) -> Result<Vec<ImageFacts>, Error> {
        const CALL: &str = "ECR.DescribeImages";
        let list = |simulation: &mut Simulation, request| {
            simulation.laws.observed_images(request, simulation.now);
            simulation.aws.list_images(repository).map_err(|refusal| refused(CALL, &repository.name, &refusal))
        };
        self.call(CALL, &repository.name, Does::Reads, list).await
    }

    async fn restore_image(&self, repository: &Repository, digest: &Digest) -> Result<RestoreAnswer, Error> {
        const CALL: &str = "ECR.UpdateImageStorageClass";
        let restore = |simulation: &mut Simulation, _| {
            let asked = simulation.aws.restore_archived(repository, digest);
            asked.map_err(|refusal| refused(CALL, &repository.name, &refusal))
        };
        self.call(CALL, &repository.name, Does::Writes, restore).await.map(|()| RestoreAnswer::Accepted)
    }

    async fn batch_get_image(
        &self,
        repository: &Repository,
        digests: &[&Digest],
    ) -> Result<Vec<(Digest, String)>, Error> {
        const CALL: &str = "ECR.BatchGetImage";
        let get = |simulation: &mut Simulation, _| {
            let got = simulation.aws.batch_get_image(repository, digests);
            got.map_err(|refusal| refused(CALL, &repository.name, &refusal))
        };
        self.call(CALL, &repository.name, Does::Reads, get).await
    }

    async fn download_layer(&self, repository: &Repository, digest: &Digest, _: usize) -> Result<Vec<u8>, Error> {
        const CALL: &str = "ECR.GetDownloadUrlForLayer";
        let get = |simulation: &mut Simulation, _| {
            let got = simulation.aws.download_layer(repository, digest);
            got.map_err(|refusal| refused(CALL, &repository.name, &refusal))
        };
        self.call(CALL, &repository.name, Does::Reads, get).await
    }

    async fn last_log_lines(&self, stream: &LogStream, most: i32) -> Result<Vec<String>, Error> {
        let most = usize::try_from(most).unwrap_or_default();
        let read = |simulation: &mut Simulation, _| Ok(simulation.aws.last_log_lines(stream, most));
        self.call("Logs.GetLogEvents", &stream.group, Does::Reads, read).await
    }

    async fn publish(&self, notice: &Notice) -> Result<(), Error> {
        let publish = |simulation: &mut Simulation, _| {
            simulation.publish(notice);
            Ok(())
        };
        self.call("SNS.Publish", &notice.id, Does::Writes, publish).await
    }
}
