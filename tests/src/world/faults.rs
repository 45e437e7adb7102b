//! Trouble on order: throttling, broken answers, cut connections and late answers, for the calls that a scenario names;
//! and AWS's own rate limits, simulated.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::refusal::Refusal;
use super::wire::Protocol;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `ThrottlingException`, "Rate exceeded"; nothing takes effect.
    Throttle,
    /// `ServerException` with status 500; nothing takes effect.
    Break,
    /// The refusal that AWS would give, such as `AccessDeniedException`; nothing takes effect.
    Refuse(Refusal),
    /// The connection ends before the call takes effect.
    CutBefore,
    /// The call takes effect, and the connection ends before the answer.
    CutAfter,
    /// The call takes effect at once, and the answer comes after this time.
    Late(Duration),
    /// The call takes effect, and a member of the answer's task definition is of another type than the service model says,
    /// as AWS may change it one day.
    Unparsable,
}

/// The faults that are planned.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: Vec<Planned>,
    latency: Duration,
    /// The families of the registrations under way.
    registering: Vec<String>,
    buckets: Option<HashMap<&'static str, Bucket>>,
}

#[derive(Debug)]
struct Planned {
    calls: String,
    turn: Turn,
    fault: Fault,
}

#[derive(Debug)]
enum Turn {
    /// So many more calls of this kind go by before this one.
    After(usize),
    /// Each of them; and whether there was one.
    Each(Met),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    No,
    Yes,
}

impl Faults {
    /// Plans a fault for the nth call from now on (counted from 1) whose transcript line begins with these words.
    pub(crate) fn plan(&mut self, calls: &str, nth: usize, fault: Fault) {
        assert!(nth > 0, "calls are counted from 1");
        self.planned.push(Planned { calls: calls.to_owned(), turn: Turn::After(nth - 1), fault });
    }

    /// Plans a fault for every such call.
    pub(crate) fn plan_for_each(&mut self, calls: &str, fault: Fault) {
        self.planned.push(Planned { calls: calls.to_owned(), turn: Turn::Each(Met::No), fault });
    }

    /// Takes back every plan for these calls.
    pub(crate) fn heal(&mut self, calls: &str) {
        self.planned.retain(|planned| planned.calls != calls);
    }

    /// What happens to the call of this line.
    pub(crate) fn meet(&mut self, line: &str) -> Option<Fault> {
        let mut met = None;
        self.planned.retain_mut(|planned| {
            if met.is_some() || !names(&planned.calls, line) {
                return true;
            }
            match &mut planned.turn {
                Turn::After(0) => {
                    met = Some(planned.fault.clone());
                    return false;
                }
                Turn::After(left) => *left -= 1,
                Turn::Each(seen) => {
                    *seen = Met::Yes;
                    met = Some(planned.fault.clone());
                }
            }
            true
        });
        met
    }

    /// The plans that no call met: a scenario that planned them proved less than it says.
    pub(crate) fn unmet(&self) -> Vec<String> {
        let unmet = self.planned.iter().filter(|planned| !matches!(planned.turn, Turn::Each(Met::Yes)));
        unmet
            .map(|planned| format!("no call met the fault {:?} planned for {}", planned.fault, planned.calls))
            .collect()
    }

    /// A registration of this family begins; whether another one is under way, which ECS then refuses.
    pub(crate) fn begin_registration(&mut self, family: &str) -> bool {
        let overlaps = self.registering.iter().any(|it| it == family);
        self.registering.push(family.to_owned());
        overlaps
    }

    /// A registration of this family ends.
    pub(crate) fn end_registration(&mut self, family: &str) {
        if let Some(at) = self.registering.iter().position(|it| it == family) {
            self.registering.remove(at);
        }
    }

    /// How long each call takes at least.
    pub(crate) fn latency(&self) -> Duration {
        self.latency
    }

    /// Makes each call take at least this long.
    pub(crate) fn set_latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    /// Keeps AWS's rate limits from now on, with full buckets.
    pub(crate) fn keep_limits(&mut self) {
        self.buckets = Some(HashMap::new());
    }

    /// Takes a token for a call; `false` when its bucket is empty.
    pub(crate) fn admit(&mut self, call: &str, now: Instant) -> bool {
        let (Some(buckets), Some((name, burst, per_second))) = (&mut self.buckets, limit(call)) else {
            return true;
        };
        let bucket = buckets.entry(name).or_insert(Bucket { tokens: burst, filled: now });
        let gained = now.saturating_duration_since(bucket.filled).as_secs_f64() * per_second;
        bucket.tokens = (bucket.tokens + gained).min(burst);
        bucket.filled = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// A call's bucket, its burst and its tokens per second, by the request throttling page of ECS's developer guide.
fn limit(call: &str) -> Option<(&'static str, f64, f64)> {
    let operation = call.strip_prefix("ECS.")?;
    Some(match operation {
        "RegisterTaskDefinition" | "DeregisterTaskDefinition" => ("task definition writes", 20.0, 1.0),
        "DescribeTaskDefinition" | "ListTaskDefinitions" => ("task definition reads", 50.0, 20.0),
        "CreateService" | "UpdateService" | "UpdateExpressGatewayService" | "DeleteService" => {
            ("service writes", 50.0, 5.0)
        }
        "DescribeServices" | "ListServices" => ("service reads", 100.0, 20.0),
        "DescribeTasks" | "ListTasks" => ("task reads", 100.0, 20.0),
        "ListServiceDeployments"
        | "DescribeServiceDeployments"
        | "StopServiceDeployment"
        | "ContinueServiceDeployment" => ("service deployments", 50.0, 20.0),
        "DescribeServiceRevisions" => ("service revisions", 50.0, 20.0),
        _ => return None,
    })
}

/// The throttle of a service that speaks this protocol.
pub(crate) fn throttled(protocol: Protocol) -> Refusal {
    match protocol {
        Protocol::Json => Refusal::new("ThrottlingException", "Rate exceeded"),
        Protocol::Query => Refusal::new("Throttling", "Rate exceeded"),
        Protocol::Rest => Refusal { status: 503, ..Refusal::new("SlowDown", "Please reduce your request rate.") },
        Protocol::RestJson => Refusal { status: 429, ..Refusal::new("ThrottlingException", "Rate exceeded") },
    }
}

/// The failure of a service that speaks this protocol.
pub(crate) fn broken(protocol: Protocol) -> Refusal {
    let code = match protocol {
        Protocol::Json => "ServerException",
        Protocol::Query => "InternalError",
        Protocol::Rest => "InternalError",
        Protocol::RestJson => "InternalServerException",
    };
    Refusal { status: 500, ..Refusal::new(code, "We encountered an internal error. Please try again.") }
}

/// Whether a line begins with these words, to the end of a word; no words mean every line.
fn names(words: &str, line: &str) -> bool {
    words.is_empty() || line.strip_prefix(words).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_call_of_a_kind_meets_its_fault_once() {
        let mut faults = Faults::default();
        faults.plan("ECS.UpdateService prod/web", 2, Fault::Throttle);
        assert_eq!(faults.meet("ECS.UpdateService prod/web taskDefinition=web:2"), None);
        assert_eq!(faults.meet("ECS.UpdateService prod/worker"), None);
        assert_eq!(faults.unmet().len(), 1);
        assert_eq!(faults.meet("ECS.UpdateService prod/web"), Some(Fault::Throttle));
        assert_eq!(faults.meet("ECS.UpdateService prod/web"), None);
        assert!(faults.unmet().is_empty());
    }

    #[test]
    fn a_bucket_has_its_burst_and_fills_again() {
        let mut faults = Faults::default();
        let now = Instant::now();
        assert!((0..1000).all(|_| faults.admit("ECS.RegisterTaskDefinition", now)));
        faults.keep_limits();
        let admitted = (0..100).filter(|_| faults.admit("ECS.RegisterTaskDefinition", now)).count();
        assert_eq!(admitted, 20);
        let later = now + Duration::from_millis(2500);
        let admitted = (0..100).filter(|_| faults.admit("ECS.RegisterTaskDefinition", later)).count();
        assert_eq!(admitted, 2);
        assert!(faults.admit("SNS.Publish", later));
    }
}
