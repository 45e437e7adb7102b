//! The stage of a deployment whose traffic is shifted, in one set of words for every way of deploying.

use jiff::{SignedDuration, Timestamp, ToSpan};
use strum::IntoStaticStr;

use crate::model::facts::{Hook, HookWaitsFor, Pause, ServiceDeploymentFacts};

use super::service_deployment::{Became, became};

/// No event says that a stage ended, so a deployment is observed so often until it serves.
const BETWEEN_STAGES: SignedDuration = SignedDuration::from_mins(1);

/// While it is paused it is observed so often, because somebody may answer elsewhere; and while CodeDeploy waits before it ends
/// the old tasks, because its events are sent as best it can.
const WHILE_PAUSED: SignedDuration = SignedDuration::from_mins(5);

/// So long before it is over a pause is published again; one that is shorter than twice that is not.
const REMINDER: SignedDuration = SignedDuration::from_mins(10);

/// How far such a deployment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Nothing of it runs yet.
    Preparing,
    /// Its tasks start.
    ScalingUp,
    /// Its tasks take test traffic.
    TestTraffic,
    /// Its tasks are ready for the production traffic.
    Ready,
    /// The production traffic moves to its tasks.
    Shifting {
        /// So many percent are to be there by now.
        percent: Option<u8>,
    },
    /// Its tasks take the whole traffic.
    Serving,
    /// They do, and the old tasks are kept for a while.
    Baking {
        /// Until then, as far as is known.
        until: Option<Timestamp>,
    },
    /// They do, and the old tasks end.
    CleaningUp,
}

impl Stage {
    /// Its word for machines; it never changes.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether its tasks take the whole traffic.
    pub fn serves(self) -> bool {
        matches!(self, Self::Serving | Self::Baking { .. } | Self::CleaningUp)
    }

    /// What is published of it, once for all stages that mean the same to people; nothing of those that say no more than that
    /// the deployment is in progress.
    pub fn milestone(self) -> Option<Milestone> {
        match self {
            Self::Preparing | Self::ScalingUp | Self::Ready => None,
            Self::TestTraffic => Some(Milestone::TestTraffic),
            Self::Shifting { .. } => Some(Milestone::Shifting),
            Self::Serving | Self::Baking { .. } | Self::CleaningUp => Some(Milestone::Serving),
        }
    }
}

/// A stage that people are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Milestone {
    /// [`Stage::TestTraffic`].
    TestTraffic,
    /// [`Stage::Shifting`].
    Shifting,
    /// [`Stage::serves`].
    Serving,
}

/// The stage of a service deployment; `None` where it is rolled back or has ended, because the stage is then still the one
/// that it failed in, and where it has none, as a rolling deployment.
///
/// ECS shifts all traffic before the stage that follows the shift ([API reference]). It does not say since when a deployment
/// bakes; nothing else changes a service deployment then, so that the time of its last change is taken for that.
///
/// [API reference]: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
pub fn stage(it: &ServiceDeploymentFacts) -> Option<Stage> {
    if became(&it.status) != Became::InProgress {
        return None;
    }
    Some(match it.stage.as_deref()? {
        "RECONCILE_SERVICE" | "PRE_SCALE_UP" => Stage::Preparing,
        "SCALE_UP" | "POST_SCALE_UP" => Stage::ScalingUp,
        "TEST_TRAFFIC_SHIFT" | "POST_TEST_TRAFFIC_SHIFT" => Stage::TestTraffic,
        "PRE_PRODUCTION_TRAFFIC_SHIFT" => Stage::Ready,
        "PRODUCTION_TRAFFIC_SHIFT" => Stage::Shifting { percent: it.traffic },
        "POST_PRODUCTION_TRAFFIC_SHIFT" => Stage::Serving,
        "BAKE_TIME" => Stage::Baking { until: bakes_until(it) },
        "CLEAN_UP" => Stage::CleaningUp,
        _ => return None,
    })
}

fn bakes_until(it: &ServiceDeploymentFacts) -> Option<Timestamp> {
    it.updated_at?.checked_add(it.bake_minutes?.minutes()).ok()
}

/// The hook that a service deployment waits for, while it is in progress.
pub fn hook(it: &ServiceDeploymentFacts) -> Option<&Hook> {
    match &it.pause {
        Pause::Hook(hook) if became(&it.status) == Became::InProgress => Some(hook),
        Pause::Hook(_) | Pause::No => None,
    }
}

/// The hook that waits for a person.
pub fn pause(it: &ServiceDeploymentFacts) -> Option<&Hook> {
    hook(it).filter(|hook| hook.waits_for == HookWaitsFor::Person)
}

/// When to observe a deployment again, because no event says what happens to it next.
pub fn observe_again(it: &ServiceDeploymentFacts, now: Timestamp) -> Option<Timestamp> {
    if let Some(pause) = pause(it) {
        let over = pause.until.map(|until| until + BETWEEN_STAGES);
        let moments = [Some(now + WHILE_PAUSED), remind_at(it, pause), over];
        return moments.into_iter().flatten().filter(|at| *at > now).min();
    }
    let moves = hook(it).is_some() || stage(it).is_some_and(|stage| !stage.serves());
    match became(&it.status) {
        _ if moves => Some(now + BETWEEN_STAGES),
        Became::InProgress if it.is_of_code_deploy() => Some(now + WHILE_PAUSED),
        _ => None,
    }
}

/// Whether a pause that nobody answers is soon over, so that it is published again.
pub fn is_reminder_due(it: &ServiceDeploymentFacts, pause: &Hook, now: Timestamp) -> bool {
    remind_at(it, pause).is_some_and(|at| at <= now)
}

fn remind_at(it: &ServiceDeploymentFacts, pause: &Hook) -> Option<Timestamp> {
    let (since, until) = (it.updated_at?, pause.until?);
    (until.duration_since(since) >= REMINDER + REMINDER).then(|| until - REMINDER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::ServiceDeploymentStatus as Status;
    use crate::rules::situation;

    fn at(status: Status, word: &str) -> Option<Stage> {
        let it = situation::service_deployment(status);
        let updated_at = Some(situation::at("10:00:00"));
        let (traffic, bake_minutes) = (Some(25), Some(10));
        stage(&ServiceDeploymentFacts { stage: Some(word.to_owned()), updated_at, traffic, bake_minutes, ..it })
    }

    #[test]
    fn each_stage_of_ecs_has_a_word() {
        let check = |word: &str, expected: Option<&str>, serves: bool| {
            let stage = at(Status::InProgress, word);
            assert_eq!(stage.map(Stage::name), expected, "{word}");
            assert_eq!(stage.is_some_and(Stage::serves), serves, "{word}");
        };
        check("RECONCILE_SERVICE", Some("preparing"), false);
        check("PRE_SCALE_UP", Some("preparing"), false);
        check("SCALE_UP", Some("scaling_up"), false);
        check("POST_SCALE_UP", Some("scaling_up"), false);
        check("TEST_TRAFFIC_SHIFT", Some("test_traffic"), false);
        check("POST_TEST_TRAFFIC_SHIFT", Some("test_traffic"), false);
        check("PRE_PRODUCTION_TRAFFIC_SHIFT", Some("ready"), false);
        check("PRODUCTION_TRAFFIC_SHIFT", Some("shifting"), false);
        check("POST_PRODUCTION_TRAFFIC_SHIFT", Some("serving"), true);
        check("BAKE_TIME", Some("baking"), true);
        check("CLEAN_UP", Some("cleaning_up"), true);
        check("NEWLY_MADE", None, false);
    }

    #[test]
    fn a_stage_says_how_far_it_is() {
        assert_eq!(at(Status::InProgress, "PRODUCTION_TRAFFIC_SHIFT"), Some(Stage::Shifting { percent: Some(25) }));
        let until = Some(situation::at("10:10:00"));
        assert_eq!(at(Status::InProgress, "BAKE_TIME"), Some(Stage::Baking { until }));
    }

    fn paused(minutes: i64) -> ServiceDeploymentFacts {
        let since = situation::at("10:00:00");
        let until = Some(since + SignedDuration::from_mins(minutes));
        let hook = Hook {
            id: "hook".to_owned(),
            waits_for: HookWaitsFor::Person,
            until,
            then: crate::model::facts::OnTimeout::RollsBack,
        };
        let (stage, pause) = (Some("POST_TEST_TRAFFIC_SHIFT".to_owned()), Pause::Hook(hook));
        let it = situation::service_deployment(Status::InProgress);
        ServiceDeploymentFacts { stage, pause, updated_at: Some(since), ..it }
    }

    #[test]
    fn a_long_pause_is_published_again_before_it_is_over() {
        let check = |minutes: i64, now: &str, expected: bool| {
            let it = paused(minutes);
            assert_eq!(is_reminder_due(&it, pause(&it).unwrap(), situation::at(now)), expected, "{minutes} {now}");
        };
        check(60, "10:49:59", false);
        check(60, "10:50:00", true);
        check(20, "10:10:00", true);
        check(19, "10:18:00", false);
    }

    #[test]
    fn what_no_event_tells_is_observed_again() {
        let again = |it: &ServiceDeploymentFacts, now: &str| observe_again(it, situation::at(now));
        let at = |time: &str| Some(situation::at(time));
        assert_eq!(again(&paused(60), "10:00:00"), at("10:05:00"));
        assert_eq!(again(&paused(60), "10:48:00"), at("10:50:00"));
        assert_eq!(again(&paused(60), "10:58:00"), at("11:01:00"));
        let with = |word: &str| ServiceDeploymentFacts {
            stage: Some(word.to_owned()),
            ..situation::service_deployment(Status::InProgress)
        };
        assert_eq!(again(&with("SCALE_UP"), "10:00:00"), at("10:01:00"));
        assert_eq!(again(&with("BAKE_TIME"), "10:00:00"), None);
        assert_eq!(again(&situation::service_deployment(Status::InProgress), "10:00:00"), None);
    }

    #[test]
    fn what_is_rolled_back_is_at_no_stage() {
        for status in [Status::RollbackInProgress, Status::RollbackRequested, Status::Stopped, Status::Successful] {
            assert_eq!(at(status, "BAKE_TIME"), None);
        }
    }
}
