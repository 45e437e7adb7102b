//! The table, the one-time schedules and their times: what DynamoDB and EventBridge Scheduler keep.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde_json::Value;
use slipway_core::model::id::TargetName;
use slipway_core::model::record::{Deployment, FamilyMember, RecordedEvidence, Service};
use slipway_engine::cloud::{Timer, Versioned};

/// The records of the services, the deployments that they have no more room for, and the evidence of those that failed.
#[derive(Debug, Default)]
pub(crate) struct Table {
    records: BTreeMap<TargetName, Versioned>,
    archive: BTreeMap<TargetName, BTreeMap<u64, Deployment>>,
    evidence: BTreeMap<TargetName, BTreeMap<u64, RecordedEvidence>>,
    families: BTreeMap<String, BTreeMap<TargetName, FamilyMember>>,
}

impl Table {
    /// `GetItem`.
    pub(crate) fn read(&self, target: &TargetName) -> Versioned {
        self.records.get(target).cloned().unwrap_or_default()
    }

    /// The record as it is.
    pub(crate) fn record(&self, target: &TargetName) -> Option<&Service> {
        self.records.get(target).map(|item| &item.record)
    }

    /// How often a record was written.
    pub(crate) fn rev(&self, target: &TargetName) -> u64 {
        self.records.get(target).map_or(0, |item| item.rev)
    }

    /// `PutItem`.
    pub(crate) fn put(&mut self, target: &TargetName, item: Versioned) {
        self.records.insert(target.clone(), item);
    }

    /// `PutItem` of a deployment.
    pub(crate) fn archive(&mut self, target: &TargetName, deployment: &Deployment) {
        self.archive.entry(target.clone()).or_default().insert(deployment.number, deployment.clone());
    }

    /// The archived deployments, the newest first.
    pub(crate) fn archived(&self, target: &TargetName) -> impl Iterator<Item = &Deployment> {
        self.archive.get(target).into_iter().flat_map(|all| all.values().rev())
    }

    /// `PutItem` of evidence.
    pub(crate) fn put_evidence(&mut self, target: &TargetName, evidence: &RecordedEvidence) {
        self.evidence.entry(target.clone()).or_default().insert(evidence.number, evidence.clone());
    }

    /// The evidence of these deployments, by number.
    pub(crate) fn evidence(
        &self,
        target: &TargetName,
        numbers: RangeInclusive<u64>,
    ) -> impl Iterator<Item = &RecordedEvidence> {
        self.evidence.get(target).into_iter().flat_map(move |all| all.range(numbers.clone()).map(|(_, it)| it))
    }

    /// `PutItem` of a service in a family.
    pub(crate) fn put_family_member(&mut self, family: &str, member: &FamilyMember) {
        self.families.entry(family.to_owned()).or_default().insert(member.target.clone(), member.clone());
    }

    /// The services of a family, by name.
    pub(crate) fn family_members(&self, family: &str) -> Vec<FamilyMember> {
        self.families.get(family).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }
}

/// The one-time schedules.

#[derive(Debug, Default)]
pub(crate) struct Timers {
    armed: Vec<Timer>,
    /// Those that fired and are not deleted yet, and until when.
    fired: Vec<(String, Timestamp)>,
}

/// A schedule that fired.
#[derive(Clone, Debug)]
pub(crate) struct Fired {
    /// Its name.
    pub(crate) name: String,
    /// What the function is invoked with.
    pub(crate) payload: Value,
}

impl Timers {
    /// `CreateSchedule`; a conflict with one of this name leaves that as it is.
    pub(crate) fn create(&mut self, timer: &Timer, at: Timestamp, now: Timestamp) {
        self.fired.retain(|(_, until)| *until > now);
        let taken = self.armed.iter().any(|it| it.name == timer.name);
        if !taken && !self.fired.iter().any(|(name, _)| *name == timer.name) {
            self.armed.push(Timer { at, ..timer.clone() });
        }
    }

    /// Takes those that fire by now; each name is taken until `gone`.
    pub(crate) fn due(&mut self, now: Timestamp, gone: Timestamp) -> Vec<Fired> {
        if self.armed.iter().all(|it| it.at > now) {
            return Vec::new();
        }
        let (due, later) = std::mem::take(&mut self.armed).into_iter().partition(|it| it.at <= now);
        self.armed = later;
        let due: Vec<Timer> = due;
        self.fired.extend(due.iter().map(|it| (it.name.clone(), gone)));
        due.into_iter().map(|it| Fired { name: it.name, payload: it.payload }).collect()
    }

    /// When the next one fires.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.armed.iter().map(|it| it.at).min()
    }
}
