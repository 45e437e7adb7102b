//! EventBridge Scheduler: one-time schedules, armed and disarmed by calls, and rung by the world's clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::refusal::{Answer, Members, Refusal, text};
use fake_aws::Place;
use fake_aws::time::epoch_seconds;

/// The schedules of the account and region, by group and name.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    groups: BTreeSet<String>,
    schedules: BTreeMap<(String, String), Armed>,
}

#[derive(Debug)]
struct Armed {
    schedule: Schedule,
    request: Members,
    created_at: Timestamp,
}

/// A one-time schedule that has not rung yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// When it fires.
    pub at: Timestamp,
    /// The ARN of the function that it invokes.
    pub target: String,
    /// What it invokes it with.
    pub input: Value,
}

impl Schedule {
    /// The function's name, `slipway-track`.
    pub fn function(&self) -> &str {
        self.target.rsplit(':').next().unwrap_or_default()
    }
}

impl Scheduler {
    /// Makes a group, unless it is there.
    pub(crate) fn make_group(&mut self, name: &str) {
        self.groups.insert(name.to_owned());
    }

    /// What is armed, the earliest first.
    pub(crate) fn armed(&self) -> Vec<Schedule> {
        let mut armed: Vec<Schedule> = self.schedules.values().map(|armed| armed.schedule.clone()).collect();
        armed.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
        armed
    }

    /// What fires until now, the earliest first. Each fires once; one that isn't deleted afterwards stays, and is silent.
    pub(crate) fn fire(&mut self, now: Timestamp) -> Vec<Schedule> {
        let due: Vec<Schedule> = self.armed().into_iter().filter(|schedule| schedule.at <= now).collect();
        // ActionAfterCompletion is DELETE: `create` takes no other.
        self.schedules.retain(|_, armed| armed.schedule.at > now);
        due
    }

    /// Answers one operation.
    pub(crate) fn answer(&mut self, operation: &str, place: &Place, now: Timestamp, request: &Members) -> Answer {
        let group = text(request, "GroupName").unwrap_or("default").to_owned();
        let name = text(request, "Name").unwrap_or_default().to_owned();
        let arn = place.arn("scheduler", &format!("schedule/{group}/{name}"));
        let missing = |what: String| {
            let message = format!("{what} does not exist.");
            Err(Refusal { status: 404, ..Refusal::new("ResourceNotFoundException", message) })
        };
        if group != "default" && !self.groups.contains(&group) {
            return missing(format!("Schedule group {group}"));
        }
        let key = (group, name);
        match operation {
            "CreateSchedule" if self.schedules.contains_key(&key) => {
                let message = format!("Schedule {} already exists.", key.1);
                Err(Refusal { status: 409, ..Refusal::new("ConflictException", message) })
            }
            "CreateSchedule" => {
                let schedule = read(&key.1, now, request)?;
                self.schedules.insert(key, Armed { schedule, request: request.clone(), created_at: now });
                Ok(json!({ "ScheduleArn": arn }))
            }
            "GetSchedule" => match self.schedules.get(&key) {
                None => missing(format!("Schedule {}", key.1)),
                Some(armed) => {
                    let mut answer = Value::Object(armed.request.clone());
                    if let Some(members) = answer.as_object_mut() {
                        members.shift_remove("ClientToken");
                    }
                    answer["GroupName"] = json!(key.0);
                    answer["Arn"] = json!(arn);
                    answer["State"] = json!("ENABLED");
                    answer["CreationDate"] = json!(epoch_seconds(armed.created_at));
                    Ok(answer)
                }
            },
            "DeleteSchedule" => match self.schedules.remove(&key) {
                None => missing(format!("Schedule {}", key.1)),
                Some(_) => Ok(json!({})),
            },
            _ => Err(Refusal::new("UnknownOperationException", format!("World's Scheduler doesn't know {operation}."))),
        }
    }
}

/// What Scheduler refuses beyond its model, and what World doesn't do.
fn read(name: &str, now: Timestamp, request: &Members) -> Result<Schedule, Refusal> {
    let invalid = |message: &str| Err(Refusal::new("ValidationException", message));
    let expression = text(request, "ScheduleExpression").unwrap_or_default();
    let zone = text(request, "ScheduleExpressionTimezone").unwrap_or("UTC");
    let written = expression.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')'));
    let moment = written.filter(|moment| moment.len() == "2026-11-21T12:00:00".len());
    let moment = moment.and_then(|moment| moment.parse::<DateTime>().ok());
    let at = moment.filter(|_| zone == "UTC").and_then(|moment| moment.to_zoned(TimeZone::UTC).ok());
    let Some(at) = at else {
        return invalid(&format!("Invalid Schedule Expression {expression}."));
    };
    let at = at.timestamp();
    if at < now {
        return invalid("Invalid Schedule Expression: the date is in the past.");
    }
    if request["FlexibleTimeWindow"]["Mode"] != "OFF" {
        return invalid("World's Scheduler knows no window but OFF.");
    }
    if text(request, "ActionAfterCompletion") != Some("DELETE") {
        return invalid("World's Scheduler deletes what has rung, and nothing else.");
    }
    let target = &request["Target"];
    let input = target["Input"].as_str().unwrap_or("{}");
    let Ok(input) = serde_json::from_str(input) else {
        return invalid("Invalid input: a function takes JSON.");
    };
    let target = target["Arn"].as_str().unwrap_or_default();
    if !target.contains(":lambda:") {
        return invalid(&format!("Provided Arn is not in correct format: {target}"));
    }
    Ok(Schedule { name: name.to_owned(), at, target: target.to_owned(), input })
}
