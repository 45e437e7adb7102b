//! Everything World knows, behind one lock, and the way a call is checked, answered and checked again.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fake_aws::refusal::{Answer, Members, Refusal};
use fake_aws::{Aws, Place};
use hyper::body::Bytes;
use serde_json::Value;

use super::alone::Alone;
use super::clock::Clock;
use super::faults::Faults;
use super::gate::Gate;
use super::models::{Models, ServiceModel, Severity, Side};
use super::notices::{self, Notice};
use super::record::Record;
use super::wire::Request;

/// The state that the server and the scenario share.
#[derive(Debug)]
pub(crate) struct Shared(Mutex<State>);

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    /// The state. A panic elsewhere doesn't hide it: the scenario that panicked is reported already.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything World knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) place: Place,
    pub(crate) clock: Clock,
    pub(crate) models: Models,
    /// ECS, ECR and CodeDeploy, and the logs of the containers.
    pub(crate) aws: Aws,
    pub(crate) alone: Alone,
    pub(crate) notices: Vec<Notice>,
    pub(crate) record: Record,
    pub(crate) faults: Faults,
    pub(crate) gate: Gate,
    /// What broke a rule of AWS's models, or was asked of World in vain.
    pub(crate) violations: Vec<String>,
    pub(crate) invented: BTreeSet<String>,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Replied {
    Json(Value),
    Object(Bytes),
    Published(String),
    Refused(Refusal),
    /// For the emulator, if there is one.
    NotOurs,
}

impl State {
    pub(crate) fn new(place: Place, models: Models) -> Self {
        let clock = Clock::new();
        Self {
            aws: Aws::new(place.clone(), clock.now()),
            place,
            clock,
            models,
            alone: Alone::default(),
            notices: Vec::new(),
            record: Record::new(),
            faults: Faults::default(),
            gate: Gate::default(),
            violations: Vec::new(),
            invented: BTreeSet::new(),
        }
    }

    /// Answers a call that came over HTTP; ECS's, ECR's and CodeDeploy's always, the others' where World is alone.
    pub(crate) fn reply(&mut self, request: &Request, number: usize, has_emulator: bool) -> Replied {
        let call = request.call();
        if call == "S3.GetObject"
            && let Some(blob) = self.aws.blob(&request.members)
        {
            return blob.map_or_else(Replied::Refused, |blob| Replied::Object(blob.into()));
        }
        match (call.as_str(), request.service.as_str()) {
            (_, "ECS" | "ECR" | "CodeDeploy") => json(self.answer(request)),
            ("SNS.Publish", _) => self.publish(request, number, has_emulator),
            ("Logs.GetLogEvents", _) if has_emulator && !self.knows_log(&request.members) => Replied::NotOurs,
            ("SSM.GetParameter" | "SQS.SendMessage" | "Logs.GetLogEvents", _) | (_, "DynamoDB" | "Scheduler")
                if !has_emulator || request.service == "Logs" =>
            {
                json(self.answer(request))
            }
            ("S3.GetObject", _) if !has_emulator => match request.members.as_object() {
                Some(members) => self.alone.get_object(members).map_or_else(Replied::Refused, Replied::Object),
                None => Replied::NotOurs,
            },
            _ => Replied::NotOurs,
        }
    }

    /// Answers a call over HTTP to a JSON service. One to a service that is not in the region that it was signed for is noted.
    fn answer(&mut self, request: &Request) -> Answer {
        let region = request.region.clone().unwrap_or_else(|| self.place.region.clone());
        // Registries and logs of containers are in every region.
        if region != self.place.region && !matches!(request.service.as_str(), "ECR" | "Logs") {
            self.violations.push(format!("{}: it was signed for {region}", request.call()));
        }
        self.answer_in(&region, &request.service, &request.operation, &request.members)
    }

    /// Answers an operation of a JSON service. What doesn't fit the models is noted on both ways.
    pub(crate) fn answer_in(&mut self, region: &str, service: &str, operation: &str, members: &Value) -> Answer {
        let model = self.models.service(&service.to_lowercase());
        let call = format!("{service}.{operation}");
        if !model.knows(operation) {
            self.violations.push(format!("{call}: there is no such operation"));
            return Err(Refusal::new("UnknownOperationException", ""));
        }
        self.check(&model, &call, operation, Side::Request, members)?;
        let nothing = Members::new();
        let request = members.as_object().unwrap_or(&nothing);
        let answer = match service {
            "ECS" | "ECR" | "CodeDeploy" => self.aws_now().answer_in(region, service, operation, request),
            "DynamoDB" => self.alone.tables.answer(operation, request),
            "Scheduler" => self.alone.scheduler.answer(operation, &self.place, self.clock.now(), request),
            "Logs" => self.aws.logs().answer(operation, request),
            "SQS" => {
                let ordinal = self.alone.queues.values().map(Vec::len).sum();
                self.alone.send_message(request, ordinal)
            }
            _ => self.alone.get_parameter(&self.place, request),
        };
        match &answer {
            Ok(answer) => {
                let _ = self.check(&model, &call, operation, Side::Answer, answer);
            }
            Err(refusal) => {
                // Some of the errors that every operation may give are in no model.
                let common = [
                    "UnknownOperationException",
                    "AccessDeniedException",
                    "ThrottlingException",
                    "ValidationException",
                ];
                if refusal.code == "UnknownOperationException" {
                    self.violations.push(format!("{call}: {}", refusal.message));
                } else if !common.contains(&refusal.code.as_str()) && !model.may_refuse_with(operation, &refusal.code) {
                    self.violations.push(format!("{call} answer: its model knows no error {}", refusal.code));
                }
            }
        }
        answer
    }

    /// AWS, which knows what time it is.
    pub(crate) fn aws_now(&mut self) -> &mut Aws {
        self.aws.set_time(self.clock.now());
        &mut self.aws
    }

    /// Whether a GetLogEvents asks for a log that the scenario's containers wrote.
    fn knows_log(&self, request: &Value) -> bool {
        request["logGroupName"].as_str().is_some_and(|group| self.aws.logs().has(group))
    }

    fn check(
        &mut self,
        model: &ServiceModel,
        call: &str,
        operation: &str,
        side: Side,
        value: &Value,
    ) -> Result<(), Refusal> {
        let word = if side == Side::Request { "request" } else { "answer" };
        let found = model.check(operation, side, value, &self.invented);
        let unreadable = found.iter().find(|violation| violation.severity == Severity::Unreadable);
        let refusal = unreadable.map(|violation| Refusal::new("SerializationException", violation.to_string()));
        self.violations.extend(found.iter().map(|violation| format!("{call} {word}: {violation}")));
        refusal.map_or(Ok(()), Err)
    }

    fn publish(&mut self, request: &Request, number: usize, has_emulator: bool) -> Replied {
        let model = self.models.service("sns");
        let fields = request.members.as_object().cloned().unwrap_or_default();
        let structure = notices::structure(&model, "Publish", &fields);
        if let Err(refusal) = self.check(&model, "SNS.Publish", "Publish", Side::Request, &structure) {
            return Replied::Refused(refusal);
        }
        let members = structure.as_object().cloned().unwrap_or_default();
        if let Err(refusal) = notices::check(&members) {
            self.violations.push(format!("SNS.Publish request: {}", refusal.message));
            return Replied::Refused(refusal);
        }
        let notice = Notice::of(&members, self.clock.now());
        if has_emulator {
            self.notices.push(notice);
            return Replied::NotOurs;
        }
        match self.alone.publish(&notice, number) {
            Ok(id) => {
                self.notices.push(notice);
                Replied::Published(id)
            }
            Err(refusal) => Replied::Refused(refusal),
        }
    }
}

fn json(answer: Answer) -> Replied {
    answer.map_or_else(Replied::Refused, Replied::Json)
}
