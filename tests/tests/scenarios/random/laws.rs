//! What must hold in every schedule. The laws know the world and the notices, and of the table only what it says at rest.

use std::collections::{BTreeMap, BTreeSet};

use e2e::world::{Held, Notice, World};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::scenario::{id, queued};

/// The kinds by which a deployment's scenario ends.
const ENDS: [&str; 7] = ["completed", "failed", "superseded", "rolled_back", "rollback_failed", "stopped", "timed_out"];

/// Those by which its image is quarantined.
const CONDEMNS: [&str; 4] = ["failed", "rolled_back", "rollback_failed", "timed_out"];

/// An image that was pushed.
#[derive(Clone, Debug)]
pub(super) struct Pushed {
    pub(super) digest: String,
    pub(super) minor: u32,
    /// Whether it does well.
    pub(super) good: bool,
    pub(super) at: Timestamp,
}

/// The laws, and what they have to remember.
#[derive(Debug, Default)]
pub(super) struct Laws {
    /// The laws that were broken, in words.
    pub(super) broken: Vec<String>,
    pub(super) updates: usize,
    /// Updates by which Slipway went back.
    pub(super) rollbacks: usize,
    /// Requests to stop, by which it does so as well.
    pub(super) stops: usize,
    images: Vec<Pushed>,
    /// Requests of people that are at work.
    asking: usize,
    /// When somebody decided last, by a request or past Slipway.
    decided: Option<Timestamp>,
    /// How often past Slipway.
    outside: usize,
    /// How each deployment ended, by the notices.
    ends: BTreeMap<String, BTreeSet<String>>,
    /// The images whose failure was published.
    quarantined: BTreeSet<String>,
}

impl Laws {
    pub(super) fn pushed(&mut self, image: Pushed) {
        self.images.push(image);
    }

    pub(super) fn decided(&mut self, at: Timestamp) {
        self.decided = Some(at);
        self.outside += 1;
    }

    /// A person's request is at work: what is done meanwhile may be theirs.
    pub(super) fn asked(&mut self) {
        self.asking += 1;
    }

    /// It is at work no more; until then it may have decided.
    pub(super) fn answered(&mut self, at: Timestamp) {
        self.asking -= 1;
        self.decided = Some(at);
    }

    /// What was published.
    pub(super) fn hear(&mut self, notices: &[Notice]) {
        for notice in notices {
            let id = id(notice);
            let Some((deployment, kind)) = id.rsplit_once('/') else { continue };
            if !ENDS.contains(&kind) || deployment.contains("external") {
                continue;
            }
            self.ends.entry(deployment.to_owned()).or_default().insert(kind.to_owned());
            if CONDEMNS.contains(&kind)
                && let Some(digest) = queued(notice)["image"]["new"]["digest"].as_str()
            {
                self.quarantined.insert(digest.to_owned());
            }
        }
    }

    /// A call is about to take effect. `since` is when the oldest invocation at work began: ECS has no compare-and-set, and
    /// what happened since then may not have been observed.
    pub(super) fn calls(&mut self, world: &World, held: &Held, since: Option<Timestamp>) {
        if held.line.starts_with("ECS.StopServiceDeployment") {
            self.stops += 1;
        }
        let Some(update) = held.line.strip_prefix("ECS.UpdateService prod/web") else { return };
        self.updates += 1;
        if held.caller == "track" {
            self.rollbacks += 1;
            return;
        }
        if self.asking > 0 {
            return;
        }
        let revision = update.split_whitespace().find_map(|word| word.strip_prefix("taskDefinition="));
        let Some(new) = revision.and_then(|revision| self.image_of(world, revision).cloned()) else { return };
        if self.quarantined.contains(&new.digest) {
            self.broken.push(format!("1.{}.0 came back by itself", new.minor));
        }
        let service = self.service(world);
        let primary = &service["deployments"][0];
        let seen = match (since, primary["updatedAt"].as_f64()) {
            (Some(since), Some(at)) => at < since.as_second() as f64,
            _ => false,
        };
        let running = primary["taskDefinition"].as_str().and_then(|revision| self.image_of(world, revision));
        let Some(running) = running.filter(|it| seen && it.good).cloned() else { return };
        if new.minor < running.minor && !self.quarantined.contains(&running.digest) {
            self.broken.push(format!("1.{}.0 is older than the running 1.{}.0", new.minor, running.minor));
        }
        if primary["rolloutState"] == "IN_PROGRESS" {
            let reason = primary["rolloutStateReason"].as_str().unwrap_or_default();
            if reason.contains("rolling back") {
                self.broken.push(format!("it fought the rollback {}", primary["id"]));
            }
            if service["deploymentConfiguration"]["strategy"] == "BLUE_GREEN" {
                self.broken.push(format!("it cut {} short", primary["id"]));
            }
        }
    }

    /// Everything has come to rest.
    pub(super) fn at_rest(&mut self, world: &World) {
        let service = self.service(world);
        let record = world.record_of("prod/web");
        let empty = |name: &str| record[name].as_array().is_none_or(Vec::is_empty);
        if !record["lease"].is_null() || !empty("pending") {
            self.broken.push(format!("the lease or a pending input was left behind: {record:#}"));
        }
        let deployments = record["deployments"].as_array().cloned().unwrap_or_default();
        let ours: Vec<&Value> = deployments.iter().filter(|it| it["trigger"] != "external").collect();
        for deployment in &ours {
            let id = deployment["deployment"].as_str().unwrap_or_default();
            let ends = self.ends.get(id).cloned().unwrap_or_default();
            // What completed after all is published as it seemed to end, and corrected.
            let may = if deployment["corrected_from"].is_null() { 1 } else { 2 };
            if !(1..=may).contains(&ends.len()) {
                self.broken.push(format!("deployment {} ended in {} ways: {ends:?}", deployment["number"], ends.len()));
            }
        }
        // Each deployment that ECS made is the first, somebody's, one on record, or the rollback of one.
        let back = deployments.iter().filter(|it| it["rollback"]["how"] == "update").count();
        let made = self.service_deployments(world).len();
        let known = ours.len() + back + self.outside + 1;
        if made > known {
            self.broken.push(format!("ECS made {made} deployments, and {known} are known"));
        }
        let primary = &service["deployments"][0];
        let called = deployments.first().is_some_and(|it| it["outcome"] == "rollback_failed");
        let running = primary["taskDefinition"].as_str().and_then(|revision| self.image_of(world, revision));
        let Some(running) = running.filter(|_| !called) else { return };
        let quarantined = |digest: &str| {
            let all = record["quarantine"].as_array().cloned().unwrap_or_default();
            all.iter().any(|it| it["digest"] == digest)
        };
        let better = self.images.iter().find(|it| {
            it.good && it.minor > running.minor && !quarantined(&it.digest) && self.decided.is_none_or(|at| it.at > at)
        });
        if let Some(better) = better {
            let words = format!("1.{}.0 ought to run in the end, and 1.{}.0 does", better.minor, running.minor);
            self.broken.push(words);
        }
    }

    /// The service, as ECS describes it.
    pub(super) fn service(&self, world: &World) -> Value {
        let described = world.by_hand("ECS.DescribeServices", json!({ "cluster": "prod", "services": ["web"] }));
        described["services"][0].clone()
    }

    /// Whether somebody asked ECS to stop what is under way.
    pub(super) fn stop_is_requested(&self, world: &World) -> bool {
        self.service_deployments(world).iter().any(|it| it["status"] == "ROLLBACK_REQUESTED")
    }

    /// Whether all has come to rest: nothing is under way, and nothing is on its way.
    pub(super) fn is_over(&self, world: &World) -> bool {
        self.service(world)["deployments"][0]["rolloutState"] != "IN_PROGRESS" && world.schedules().is_empty()
    }

    fn service_deployments(&self, world: &World) -> Vec<Value> {
        let all = json!({ "cluster": "prod", "service": "web", "maxResults": 100 });
        let listed = world.by_hand("ECS.ListServiceDeployments", all);
        listed["serviceDeployments"].as_array().cloned().unwrap_or_default()
    }

    /// Whether the tasks of a deployment run.
    pub(super) fn runs_well(&self, world: &World, deployment: &Value) -> bool {
        let revision = deployment["taskDefinition"].as_str().unwrap_or_default();
        self.image_of(world, revision).is_none_or(|image| image.good)
    }

    fn image_of(&self, world: &World, revision: &str) -> Option<&Pushed> {
        let described = world.by_hand("ECS.DescribeTaskDefinition", json!({ "taskDefinition": revision }));
        let image = described["taskDefinition"]["containerDefinitions"][0]["image"].as_str()?.to_owned();
        match image.split_once('@') {
            Some((_, digest)) => self.images.iter().find(|it| it.digest == digest),
            // The first one was deployed by its tag.
            None => self.images.first(),
        }
    }
}
