//! What a scenario does to the world by hand: it makes services, pushes images, and moves deployments. None of it is
//! recorded as a call.

use std::time::Duration;

use fake_aws::refusal::{Members, Refusal};
use fake_aws::{Aws, Caller, Failure, Image, Place, Push, ROLLBACK_DELAY};
use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::alone::{Parameter, ParameterKind};
use super::scheduler::Schedule;
use super::{World, ledger};

/// What became of a deployment that was moved: the events that ECS sends, in its order.
#[must_use = "ECS's events are for the scenario to deliver"]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moved {
    /// The events.
    pub events: Vec<Value>,
}

impl Moved {
    /// The only event.
    ///
    /// # Panics
    /// If there were none or several.
    #[track_caller]
    pub fn event(self) -> Value {
        let [event] = <[Value; 1]>::try_from(self.events).expect("one event");
        event
    }
}

/// The set-up.
impl World {
    /// Carries out an operation of ECS, ECR or CodeDeploy by hand, as a person or Terraform would: `ECS.UpdateService`. Its events
    /// wait in [`World::take_events`].
    ///
    /// # Panics
    /// If it is refused.
    #[track_caller]
    pub fn by_hand(&self, call: &str, request: Value) -> Value {
        match self.try_by_hand(call, request) {
            Ok(answer) => answer,
            Err(refusal) => panic!("{call} by hand: {}: {}", refusal.code, refusal.message),
        }
    }

    /// Carries out an operation of ECS, ECR or CodeDeploy by hand, and says whether it was refused.
    pub fn try_by_hand(&self, call: &str, request: Value) -> Result<Value, Refusal> {
        let (service, operation) = call.split_once('.').unwrap_or(("ECS", call));
        let region = self.place().region.clone();
        let mut state = self.shared.lock();
        state.aws.set_caller(Caller::Person);
        let answer = state.answer_in(&region, service, operation, &request);
        state.aws.set_caller(Caller::Function);
        answer
    }

    /// Makes a cluster, unless it is there.
    pub fn cluster(&self, name: &str) {
        self.by_hand("ECS.CreateCluster", json!({ "clusterName": name }));
    }

    /// Registers a task definition; its ARN.
    #[track_caller]
    pub fn register(&self, definition: Value) -> String {
        let answer = self.by_hand("ECS.RegisterTaskDefinition", definition);
        answer["taskDefinition"]["taskDefinitionArn"].as_str().unwrap_or_default().to_owned()
    }

    /// Makes a service from a CreateService request (its cluster, too) and lets its first deployment complete, without
    /// leaving an event: it has been running for long.
    #[track_caller]
    pub fn running_service(&self, request: Value) {
        self.has_been_running("ECS.CreateService", request);
    }

    /// Makes a service of Express Mode, as [`World::running_service`] does others.
    #[track_caller]
    pub fn running_express_service(&self, cluster: &str, service: &str, task_definition: &str) {
        let role = format!("arn:aws:iam::{}:role/ecsInfrastructureRoleForExpressServices", self.place().account);
        let request = json!({
            "cluster": cluster, "serviceName": service, "taskDefinitionArn": task_definition, "infrastructureRoleArn": role,
        });
        self.has_been_running("ECS.CreateExpressGatewayService", request);
    }

    #[track_caller]
    fn has_been_running(&self, create: &str, request: Value) {
        let cluster = request["cluster"].as_str().unwrap_or("default").to_owned();
        self.cluster(&cluster);
        let waiting = self.take_events();
        let service = self.by_hand(create, request)["service"].take();
        // Express Mode's answer does not show them.
        if service["deployments"].as_array().is_none_or(|deployments| !deployments.is_empty()) {
            let _ = self.complete(&cluster, service["serviceName"].as_str().unwrap_or_default());
        }
        drop(self.take_events());
        self.shared.lock().aws.return_events(waiting);
        self.shared.lock().clock.breathe(Duration::from_secs(1));
    }

    /// Makes a topic; its ARN.
    pub fn topic(&self, name: &str) -> String {
        let arn = self.place().arn("sns", name);
        self.shared.lock().alone.topics.insert(arn.clone());
        arn
    }

    /// Makes an SQS queue; its URL.
    pub fn queue(&self, name: &str) -> String {
        let place = self.place();
        let url = format!("https://sqs.{}.amazonaws.com/{}/{name}", place.region, place.account);
        self.shared.lock().alone.queues.entry(url.clone()).or_default();
        url
    }

    /// Takes the texts out of a queue.
    pub fn take_from(&self, queue_url: &str) -> Vec<String> {
        self.shared.lock().alone.queues.get_mut(queue_url).map(std::mem::take).unwrap_or_default()
    }

    /// Sets a plain parameter.
    pub fn parameter(&self, name: &str, value: &str) {
        self.set_parameter(name, value, ParameterKind::String);
    }

    /// Sets a parameter that is a secret.
    pub fn secure_parameter(&self, name: &str, value: &str) {
        self.set_parameter(name, value, ParameterKind::SecureString);
    }

    /// Puts an object into a bucket.
    pub fn object(&self, bucket: &str, key: &str, content: impl Into<Bytes>) {
        self.shared.lock().alone.objects.insert((bucket.to_owned(), key.to_owned()), content.into());
    }

    /// Makes a table whose hash key is `target` and whose range key is `item`, both texts.
    pub fn table(&self, name: &str) {
        self.shared.lock().alone.tables.make(name);
    }

    /// The items of a table as plain JSON, in the order of their keys.
    pub fn items(&self, table: &str) -> Vec<Value> {
        let items = self.shared.lock().alone.tables.items(table);
        let plain = |item: Members| item.into_iter().map(|(name, value)| (name, ledger::plain(&value))).collect();
        items.into_iter().map(|item| Value::Object(plain(item))).collect()
    }

    /// The record of a service; of each deployment, what its state carries stands beside its other members.
    pub fn record_of(&self, target: &str) -> Value {
        let of_target = |item: &Value| item["target"] == target && item["item"] == "service";
        let item = self.items("slipway").into_iter().find(of_target);
        let mut record = item.map(|mut item| item["record"].take()).unwrap_or_default();
        for deployment in record["deployments"].as_array_mut().into_iter().flatten() {
            *deployment = ledger::flat(deployment);
        }
        record
    }

    /// Loses an item, as a table does that is restored empty.
    pub fn lose_item(&self, table: &str, target: &str, item: &str) {
        self.shared.lock().alone.tables.remove(table, target, item);
    }

    /// Changes the version of a record's shape, as an install of another version of Slipway does.
    pub fn set_record_version(&self, table: &str, target: &str, version: u32) {
        self.shared.lock().alone.tables.edit(table, target, "service", |item| {
            item["record"]["M"]["version"] = json!({ "N": version.to_string() });
        });
    }

    /// Makes the warnings of the newest deployment on record so many texts of 1,000 bytes.
    pub fn set_warnings(&self, table: &str, target: &str, count: usize) {
        let warning = json!({ "S": "x".repeat(1000) });
        self.shared.lock().alone.tables.edit(table, target, "service", |item| {
            item["record"]["M"]["deployments"]["L"][0]["M"]["warnings"] = json!({ "L": vec![warning; count] });
        });
    }

    /// Makes a group of schedules.
    pub fn schedule_group(&self, name: &str) {
        self.shared.lock().alone.scheduler.make_group(name);
    }

    /// The schedules that are armed, the earliest first.
    pub fn schedules(&self) -> Vec<Schedule> {
        self.shared.lock().alone.scheduler.armed()
    }

    /// The schedules that fire until now, the earliest first; each fires once and is gone. Whoever delivers them calls
    /// [`Schedule::function`] with [`Schedule::input`].
    pub fn due(&self) -> Vec<Schedule> {
        let state = &mut *self.shared.lock();
        let now = state.clock.now();
        state.alone.scheduler.fire(now)
    }

    /// Writes lines to a log stream, which is made if there is none.
    pub fn log_lines<const N: usize>(&self, group: &str, stream: &str, lines: [&str; N]) {
        let state = &mut *self.shared.lock();
        state.aws.logs_mut().write(state.clock.now(), group, stream, &lines.map(str::to_owned));
    }

    /// From now on containers with the log driver `awslogs` that end by themselves write these lines before.
    pub fn last_words<const N: usize>(&self, lines: [&str; N]) {
        self.shared.lock().aws.logs_mut().set_last_words(&lines);
    }

    fn set_parameter(&self, name: &str, value: &str, kind: ParameterKind) {
        let mut state = self.shared.lock();
        let version = state.alone.parameters.get(name).map_or(1, |parameter| parameter.version + 1);
        let parameter = Parameter { value: value.to_owned(), kind, version, changed_at: state.clock.now() };
        state.alone.parameters.insert(name.to_owned(), parameter);
    }
}

/// The registry. Each act takes a second of the world's time, since nobody pushes twice in the same instant.
impl World {
    /// Pushes an image under these tags; without tags by its digest only. The repository is made if there is none.
    pub fn push<const N: usize>(&self, repository: &str, tags: [&str; N], image: &Image) -> Push {
        let tags = tags.map(str::to_owned);
        self.on_registry(|aws| aws.push(repository, &tags, image))
    }

    /// Pushes an image to the registry of another account or region, which anybody may read.
    pub fn push_to<const N: usize>(&self, place: &Place, repository: &str, tags: [&str; N], image: &Image) -> Push {
        let tags = tags.map(str::to_owned);
        self.on_registry(|aws| aws.push_to(place, repository, &tags, image))
    }

    /// ECR's replication brings a tag's image from one registry into another; the destination's events, first the one that
    /// says so.
    #[track_caller]
    pub fn replicate(&self, from: &Place, to: &Place, repository: &str, tag: &str) -> Vec<Value> {
        self.registry_events(|aws| aws.replicate(from, to, repository, tag))
    }

    /// Pushes an image as if it had been pushed at this moment.
    #[track_caller]
    pub fn push_at<const N: usize>(&self, repository: &str, tags: [&str; N], image: &Image, at: Timestamp) -> Push {
        let mut push = self.push(repository, tags, image);
        let time = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        push.events.iter_mut().for_each(|event| event["time"] = time.as_str().into());
        self.on_registry(|aws| aws.set_pushed_at(repository, &push.digest, at)).expect("the image was just pushed");
        push
    }

    /// Points one more tag at an image by its digest; the event.
    #[track_caller]
    pub fn retag(&self, repository: &str, digest: &str, tag: &str) -> Value {
        let retagged = self.on_registry(|aws| aws.retag(repository, digest, tag));
        retagged.unwrap_or_else(|refusal| panic!("retag {repository}: {}", refusal.message))
    }

    /// Deletes a tag or, named by its digest, an image; the events, one for each tag.
    #[track_caller]
    pub fn delete_image(&self, repository: &str, tag_or_digest: &str) -> Vec<Value> {
        self.registry_events(|aws| aws.delete_image(repository, tag_or_digest))
    }

    /// Archives an image, which then cannot be pulled; the event.
    #[track_caller]
    pub fn archive_image(&self, repository: &str, digest: &str) -> Vec<Value> {
        self.registry_events(|aws| aws.archive_image(repository, digest))
    }

    /// A lifecycle policy takes an image away with all its tags, of which ECR sends no event.
    #[track_caller]
    pub fn expire_image(&self, repository: &str, digest: &str) {
        drop(self.delete_image(repository, digest));
    }

    /// Brings an archived image back; the event.
    #[track_caller]
    pub fn restore_image(&self, repository: &str, digest: &str) -> Vec<Value> {
        self.registry_events(|aws| aws.restore_image(repository, digest))
    }

    #[track_caller]
    fn registry_events(&self, act: impl FnOnce(&mut Aws) -> Result<Vec<Value>, Refusal>) -> Vec<Value> {
        self.on_registry(act).unwrap_or_else(|refusal| panic!("{}: {}", refusal.code, refusal.message))
    }

    fn on_registry<T>(&self, act: impl FnOnce(&mut Aws) -> T) -> T {
        let state = &mut *self.shared.lock();
        let result = act(state.aws_now());
        state.clock.breathe(Duration::from_secs(1));
        result
    }
}

/// Deployments. A deployment goes on only here.
impl World {
    /// The PRIMARY deployment wins: COMPLETED. A rollback under way succeeds.
    #[track_caller]
    pub fn complete(&self, cluster: &str, service: &str) -> Moved {
        self.on_service(cluster, service, |aws| aws.complete(cluster, service))
    }

    /// ECS calls the PRIMARY deployment completed by the service's early success criteria, with so many of its tasks running.
    #[track_caller]
    pub fn complete_early(&self, cluster: &str, service: &str, running: i64) -> Moved {
        self.on_service(cluster, service, |aws| aws.complete_early(cluster, service, running))
    }

    /// So many more tasks run, of the deployment in progress or of what completed early; ECS sends no event of that.
    #[track_caller]
    pub fn run_more(&self, cluster: &str, service: &str, count: i64) {
        let ran = self.on_registry(|aws| aws.run_more(cluster, service, count));
        ran.unwrap_or_else(|refusal| panic!("{cluster}/{service}: {}", refusal.message));
    }

    /// The PRIMARY deployment goes wrong. What follows is ECS's decision by the service's configuration: without
    /// circuit breaker nothing but failed tasks, and no event; with it FAILED; with rollback FAILED, and two seconds
    /// later `IN_PROGRESS` of the old deployment, which [`World::complete`] then completes. The events of the tasks
    /// that stopped wait in [`World::take_events`].
    #[track_caller]
    pub fn fail(&self, cluster: &str, service: &str, failure: Failure) -> Moved {
        let moved = self.on_service(cluster, service, |aws| aws.fail(cluster, service, &failure));
        if moved.events.len() > 1 {
            self.shared.lock().clock.breathe(ROLLBACK_DELAY);
        }
        moved
    }

    /// So many tasks of the PRIMARY deployment stop, each with its event, and ECS decides nothing about it (yet).
    #[track_caller]
    pub fn stop_tasks(&self, cluster: &str, service: &str, failure: Failure, count: usize) -> Moved {
        self.on_service(cluster, service, |aws| aws.stop_tasks(cluster, service, &failure, count))
    }

    /// So many tasks of the deployment before the PRIMARY stop, each with its event.
    #[track_caller]
    pub fn stop_old_tasks(&self, cluster: &str, service: &str, failure: Failure, count: usize) -> Moved {
        self.on_service(cluster, service, |aws| aws.stop_old_tasks(cluster, service, &failure, count))
    }

    /// DescribeServices leaves out the rollout states of a service's deployments from now on, as it may where a strategy other than
    /// rolling is set, and behind a Classic Load Balancer.
    #[track_caller]
    pub fn leave_out_rollout_states(&self, cluster: &str, service: &str) {
        let left_out = self.on_registry(|aws| aws.leave_out_rollout_states(cluster, service));
        left_out.unwrap_or_else(|refusal| panic!("{cluster}/{service}: {}", refusal.message));
    }

    /// ECS reports something about a service by an event "ECS Service Action", `SERVICE_TASK_PLACEMENT_FAILURE` for instance,
    /// whose reason is like `RESOURCE:MEMORY`.
    #[track_caller]
    pub fn service_action(&self, cluster: &str, service: &str, name: &str, reason: Option<&str>) -> Moved {
        self.on_service(cluster, service, |aws| aws.service_action(cluster, service, name, reason))
    }

    /// The circuit breaker's rollback begins although the failed deployment is not yet called failed: the odd order.
    /// [`World::call_failed`] is the other half.
    #[track_caller]
    pub fn begin_rollback(&self, cluster: &str, service: &str) -> Moved {
        self.on_service(cluster, service, |aws| aws.begin_rollback(cluster, service))
    }

    /// The circuit breaker calls the newest deployment failed, and nothing else happens yet.
    #[track_caller]
    pub fn call_failed(&self, cluster: &str, service: &str) -> Moved {
        self.on_service(cluster, service, |aws| aws.call_failed(cluster, service))
    }

    /// The function of a lifecycle hook fails, for which ECS calls the newest deployment failed, and nothing else happens yet.
    #[track_caller]
    pub fn call_failed_by_hook(&self, cluster: &str, service: &str) -> Moved {
        self.on_service(cluster, service, |aws| aws.call_failed_by_hook(cluster, service))
    }

    /// ECS goes back for the function of a lifecycle hook: the other half of [`World::call_failed_by_hook`].
    #[track_caller]
    pub fn roll_back_for_hook(&self, cluster: &str, service: &str) -> Moved {
        self.on_service(cluster, service, |aws| aws.roll_back_for_hook(cluster, service))
    }

    /// An alarm is triggered, by which ECS calls the newest deployment failed, and nothing else happens yet.
    #[track_caller]
    pub fn call_failed_by_alarm(&self, cluster: &str, service: &str, alarm: &str) -> Moved {
        self.on_service(cluster, service, |aws| aws.call_failed_by_alarm(cluster, service, alarm))
    }

    /// ECS does what StopServiceDeployment asked for: the rollback begins.
    #[track_caller]
    pub fn carry_out_stop(&self, cluster: &str, service: &str) -> Moved {
        self.on_service(cluster, service, |aws| aws.carry_out_stop(cluster, service))
    }

    /// A blue/green, linear or canary deployment reaches a lifecycle stage, `BAKE_TIME`.
    #[track_caller]
    pub fn reach_stage(&self, cluster: &str, service: &str, stage: &str) {
        let _ = self.on_service(cluster, service, |aws| aws.reach_stage(cluster, service, stage));
    }

    /// So many percent of the production traffic are to go to the tasks of a linear or canary deployment.
    #[track_caller]
    pub fn shift_traffic(&self, cluster: &str, service: &str, percent: u8) {
        let _ = self.on_service(cluster, service, |aws| aws.shift_traffic(cluster, service, percent));
    }

    /// A blue/green, linear or canary deployment waits at a pause hook of its stage, for at most this long; then it is rolled
    /// back. It also goes on when it reaches its next stage.
    #[track_caller]
    pub fn pause(&self, cluster: &str, service: &str, patience: Duration) -> Moved {
        self.on_service(cluster, service, |aws| aws.pause(cluster, service, patience))
    }

    /// The same, but it goes on when nobody answers.
    #[track_caller]
    pub fn pause_and_go_on(&self, cluster: &str, service: &str, patience: Duration) -> Moved {
        self.on_service(cluster, service, |aws| aws.pause_and_go_on(cluster, service, patience))
    }

    /// Nobody has answered a pause hook in time, and ECS does what it is set to.
    #[track_caller]
    pub fn time_out_pause(&self, cluster: &str, service: &str) -> Moved {
        self.on_service(cluster, service, |aws| aws.time_out_pause(cluster, service))
    }

    #[track_caller]
    pub(super) fn on_service(
        &self,
        cluster: &str,
        name: &str,
        act: impl FnOnce(&mut Aws) -> Result<Vec<Value>, Refusal>,
    ) -> Moved {
        let acted = act(self.shared.lock().aws_now());
        match acted {
            Ok(events) => Moved { events },
            Err(refusal) => panic!("{cluster}/{name}: {}", refusal.message),
        }
    }
}
