//! The functions' answers, as far as the command shows them. They are read leniently: an installed Slipway may be older or
//! newer than the command.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::exit::Exit;
use crate::times;

/// Reads an answer; what is missing or of another shape is its default.
pub(crate) fn read<T: DeserializeOwned + Default>(answer: &Value) -> T {
    T::deserialize(answer).unwrap_or_default()
}

/// The answer to `status`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusAnswer {
    /// When it was answered, by the function's clock.
    pub(crate) at: Option<Timestamp>,
    /// Whether no image that was asked about is still on its way.
    pub(crate) done: bool,
    /// How each target stands.
    #[serde(deserialize_with = "items")]
    pub(crate) targets: Vec<TargetStatus>,
}

/// How a target stands.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct TargetStatus {
    /// Its name.
    pub(crate) target: String,
    /// The repository of its images.
    pub(crate) repository: String,
    /// Why nothing more can be said.
    #[serde(deserialize_with = "lenient")]
    pub(crate) refused: Option<Reason>,
    /// What runs.
    #[serde(deserialize_with = "lenient")]
    pub(crate) running: Option<Deployment>,
    /// What is in progress.
    #[serde(deserialize_with = "lenient")]
    pub(crate) in_flight: Option<Deployment>,
    /// What is on record.
    #[serde(deserialize_with = "lenient")]
    pub(crate) memory: Option<Memory>,
    /// How the image stands that was asked about.
    #[serde(deserialize_with = "lenient")]
    pub(crate) asked: Option<Asked>,
}

/// Why, with its code.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Reason {
    /// For programs.
    pub(crate) code: String,
    /// For people.
    pub(crate) text: String,
}

/// A deployment of ECS: the one that runs, or one in progress.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Deployment {
    /// The image of the target's repository.
    #[serde(deserialize_with = "lenient")]
    pub(crate) image: Option<Image>,
    /// The revision, `web:42`.
    pub(crate) revision: String,
    /// `in_progress`, `rolling_back` or `failed`; of what runs nothing.
    pub(crate) state: Option<String>,
    /// At which stage it is, where its traffic is shifted.
    #[serde(deserialize_with = "lenient")]
    pub(crate) stage: Option<Stage>,
    /// Who it waits for.
    #[serde(deserialize_with = "lenient")]
    pub(crate) waits_for: Option<WaitsFor>,
    /// Since when.
    #[serde(deserialize_with = "lenient")]
    pub(crate) since: Option<Timestamp>,
    /// Tasks running.
    pub(crate) running: i64,
    /// Tasks wanted.
    pub(crate) desired: i64,
}

/// The stage of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Stage {
    /// For people.
    pub(crate) text: String,
    /// Until when it lasts.
    #[serde(deserialize_with = "lenient")]
    pub(crate) until: Option<Timestamp>,
}

/// Who a deployment waits for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct WaitsFor {
    /// For people.
    pub(crate) text: String,
    /// Until when it waits.
    #[serde(deserialize_with = "lenient")]
    pub(crate) until: Option<Timestamp>,
    /// `goes_on` or `rolls_back`.
    pub(crate) then: String,
}

impl Deployment {
    /// Its stage and who it waits for, with the time that is left where `now` is given; `None` of what has no stages.
    pub(crate) fn stage(&self, now: Option<Timestamp>) -> Option<String> {
        let left = |until: Option<Timestamp>| {
            let left = now.zip(until).map(|(now, until)| until.duration_since(now)).filter(|left| left.is_positive());
            left.map(|left| format!(", {} left", times::rough(left))).unwrap_or_default()
        };
        let stage = self.stage.as_ref().map(|stage| format!("{}{}", stage.text, left(stage.until)));
        let waits = self.waits_for.as_ref().map(|it| {
            let left = left(it.until);
            let then = match it.then.as_str() {
                "goes_on" if !left.is_empty() => ", then it goes on",
                "rolls_back" if !left.is_empty() => ", then it rolls back",
                _ => "",
            };
            format!("{}{left}{then}", it.text)
        });
        let parts: Vec<String> = stage.into_iter().chain(waits).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// An image by its tag, its digest or both.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Image {
    /// The tag.
    pub(crate) tag: Option<String>,
    /// The digest.
    pub(crate) digest: Option<String>,
}

impl Image {
    /// The tag, or else the digest's beginning.
    pub(crate) fn shown(&self) -> String {
        let short = |digest: &String| digest.strip_prefix("sha256:").unwrap_or(digest).chars().take(12).collect();
        self.tag.clone().or_else(|| self.digest.as_ref().map(short)).unwrap_or_else(|| "unknown".to_owned())
    }
}

/// What is on record of a service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// Its name.
    pub(crate) target: String,
    /// Why nothing can be said.
    #[serde(deserialize_with = "lenient")]
    pub(crate) refused: Option<Reason>,
    /// Who keeps Slipway from deploying by itself.
    #[serde(deserialize_with = "lenient")]
    pub(crate) held: Option<Hold>,
    /// The images that failed here.
    #[serde(deserialize_with = "items")]
    pub(crate) quarantined: Vec<Quarantined>,
    /// What is still to be decided, and what it waits for.
    #[serde(deserialize_with = "items")]
    pub(crate) waiting: Vec<Waiting>,
    /// The newest known-good revision.
    pub(crate) last_known_good: Option<String>,
    /// A person's last decision.
    #[serde(deserialize_with = "lenient")]
    pub(crate) decision: Option<Decision>,
}

/// A person keeps Slipway from deploying by itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Hold {
    /// Since when.
    #[serde(deserialize_with = "lenient")]
    pub(crate) at: Option<Timestamp>,
    /// Who.
    pub(crate) who: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

/// An image that failed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Quarantined {
    /// The tag.
    pub(crate) tag: Option<String>,
    /// The digest.
    pub(crate) digest: Option<String>,
    /// The revision, where only that is quarantined.
    pub(crate) revision: Option<String>,
    /// Why.
    pub(crate) cause: String,
    /// Since when.
    #[serde(deserialize_with = "lenient")]
    pub(crate) at: Option<Timestamp>,
}

/// Something that is still to be decided.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Waiting {
    /// The tag that was pushed; none where the whole registry is compared.
    pub(crate) tag: Option<String>,
    /// Since when.
    #[serde(deserialize_with = "lenient")]
    pub(crate) since: Option<Timestamp>,
    /// What it waits for, in words.
    pub(crate) reason: String,
}

/// A person's decision.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Decision {
    /// What was decided.
    pub(crate) what: String,
    /// When.
    #[serde(deserialize_with = "lenient")]
    pub(crate) at: Option<Timestamp>,
    /// By whom.
    pub(crate) who: Option<String>,
}

/// How the image stands that was asked about.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// The image.
    #[serde(deserialize_with = "lenient")]
    pub(crate) image: Option<Image>,
    /// `waiting`, `deploying`, `running` and so on.
    pub(crate) state: String,
    /// Whether that is its end.
    pub(crate) done: bool,
    /// Whether that is well.
    pub(crate) ok: Option<bool>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// `machine` or `person`.
    pub(crate) blocked_on: Option<String>,
    /// Until when at the latest.
    #[serde(deserialize_with = "lenient")]
    pub(crate) until: Option<Timestamp>,
}

impl Asked {
    /// `1.6.0 rolled back`.
    pub(crate) fn shown(&self) -> String {
        let image = self.image.as_ref().map(Image::shown).unwrap_or_default();
        format!("{image} {}", self.state.replace('_', " "))
    }

    /// How a command ends that waited for it; `None` while it is on its way.
    pub(crate) fn exit(&self) -> Option<Exit> {
        if !self.done {
            return None;
        }
        Some(match (self.ok, self.state.as_str()) {
            (Some(true), _) => Exit::AsAsked,
            (_, "held" | "quarantined" | "refused") => Exit::NeedsPerson,
            (_, "skipped" | "superseded") => Exit::LeftOut,
            // Failed, rolled back, missing, and what a newer Slipway calls bad.
            (_, _) => Exit::Failed,
        })
    }
}

/// The answer to an action.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActionAnswer {
    /// What became of each target.
    #[serde(deserialize_with = "items")]
    pub(crate) targets: Vec<Acted>,
    /// Why no target is concerned.
    pub(crate) ignored: Option<Value>,
}

/// What became of a target.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Acted {
    /// Its name.
    pub(crate) target: String,
    /// `started`, `planned`, `skipped`, `refused` or `failed`.
    pub(crate) outcome: String,
    /// Why.
    #[serde(deserialize_with = "lenient")]
    pub(crate) reason: Option<Reason>,
    /// The image before and after.
    #[serde(deserialize_with = "lenient")]
    pub(crate) image: Option<ImageChange>,
    /// The revision before and after.
    #[serde(deserialize_with = "lenient")]
    pub(crate) revision: Option<RevisionChange>,
    /// ECS's id of the deployment.
    pub(crate) deployment: Option<String>,
    /// The plan.
    #[serde(deserialize_with = "lenient")]
    pub(crate) plan: Option<Plan>,
}

impl Acted {
    /// How a command ends that asked for it.
    pub(crate) fn exit(&self) -> Exit {
        match self.outcome.as_str() {
            "started" | "planned" | "skipped" => Exit::AsAsked,
            "refused" => Exit::NeedsPerson,
            // A call to AWS failed, or a newer Slipway answered something unknown.
            _ => Exit::Unavailable,
        }
    }
}

/// The image before and after.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ImageChange {
    /// The repository's name.
    pub(crate) repository: String,
    /// Before.
    #[serde(deserialize_with = "lenient")]
    pub(crate) old: Option<Image>,
    /// After.
    #[serde(deserialize_with = "lenient")]
    pub(crate) new: Option<Image>,
}

/// The revision before and after.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RevisionChange {
    /// Before.
    pub(crate) old: Option<String>,
    /// After.
    pub(crate) new: Option<String>,
}

/// A plan.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Plan {
    /// Its steps; none where nothing is to be done.
    #[serde(deserialize_with = "items")]
    pub(crate) steps: Vec<String>,
    /// The whole as people read it.
    pub(crate) text: String,
}

/// The answer to what only changes the record.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MemoryAnswer {
    /// What is on record of each target now.
    #[serde(deserialize_with = "items")]
    pub(crate) targets: Vec<Memory>,
}

/// The answer to `history`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HistoryAnswer {
    /// Of each target.
    #[serde(deserialize_with = "items")]
    pub(crate) targets: Vec<TargetHistory>,
}

/// The last deployments of a target.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TargetHistory {
    /// Its name.
    pub(crate) target: String,
    /// Newest first.
    #[serde(deserialize_with = "items")]
    pub(crate) deployments: Vec<PastDeployment>,
    /// Why they are not known.
    #[serde(deserialize_with = "lenient")]
    pub(crate) refused: Option<Reason>,
}

/// A deployment on record.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PastDeployment {
    /// Its number.
    pub(crate) number: u64,
    /// `push`, `deploy`, `rollback` and so on.
    pub(crate) trigger: String,
    /// Who asked.
    pub(crate) who: Option<String>,
    /// Why they asked.
    pub(crate) request_reason: Option<String>,
    /// The image before and after.
    #[serde(deserialize_with = "lenient")]
    pub(crate) image: Option<ImageChange>,
    /// The revision before and after.
    #[serde(deserialize_with = "lenient")]
    pub(crate) revision: Option<RevisionChange>,
    /// When it was intended.
    #[serde(deserialize_with = "lenient")]
    pub(crate) intended_at: Option<Timestamp>,
    /// When ECS made it.
    #[serde(deserialize_with = "lenient")]
    pub(crate) began_at: Option<Timestamp>,
    /// When it ended.
    #[serde(deserialize_with = "lenient")]
    pub(crate) ended_at: Option<Timestamp>,
    /// How it ended.
    pub(crate) outcome: Option<String>,
    /// Why it ended so.
    pub(crate) reason: Option<String>,
    /// Why it failed, as [`Failing`]; null where it did not.
    pub(crate) failing: Value,
}

/// Why a deployment failed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failing {
    /// In half a sentence.
    pub(crate) cause: String,
    /// What was observed, a line each.
    #[serde(deserialize_with = "items")]
    pub(crate) evidence: Vec<String>,
    /// What a person can do.
    #[serde(deserialize_with = "items")]
    pub(crate) advice: Vec<String>,
}

/// A value that is its default where it has another shape.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(T::deserialize(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// The items of a list that have the shape.
fn items<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(items) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(items.into_iter().filter_map(|item| T::deserialize(item).ok()).collect())
}
