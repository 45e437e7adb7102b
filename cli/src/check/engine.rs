//! Asks the product's own engine, in this process, whether a deploy would fail; it is the one place of the command that runs it.
//!
//! Nothing is decided here: what the engine answers for a target is the finding.

use serde_json::{Map, Value, json};
use slipway_core::model::id::Home;
use slipway_core::rules::request;
use slipway_engine::{Engine, Input, Invocation};

use crate::answer::{self, Acted, ActionAnswer};
use crate::check::port::ReadOnly;

/// So long an invocation of the engine has here: as long as the functions.
const TIME_MS: i64 = 300_000;

/// The engine over the account, read only.
#[derive(Debug)]
pub(crate) struct Plans {
    engine: Engine<ReadOnly>,
    home: Home,
}

/// What the engine plans for an entry of the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    /// `planned`, `skipped`, `refused` or `failed`.
    pub(crate) outcome: String,
    /// The reason's code.
    pub(crate) code: String,
    /// The reason in words.
    pub(crate) text: String,
    /// What would change in the task definition: each place with what stands there then.
    pub(crate) changes: Vec<(String, Option<String>)>,
}

impl Planned {
    /// Whether a deploy would be refused, or could not be planned.
    pub(crate) fn is_bad(&self) -> bool {
        !matches!(self.outcome.as_str(), "planned" | "skipped")
    }

    fn of(acted: &Acted, raw: &Value) -> Self {
        let text = |change: &Value, member: &str| change[member].as_str().map(str::to_owned);
        let changes = raw["plan"]["changes"].as_array().into_iter().flatten();
        let reason = acted.reason.clone().unwrap_or_default();
        Self {
            outcome: acted.outcome.clone(),
            code: reason.code,
            text: reason.text,
            changes: changes.filter_map(|it| Some((text(it, "path")?, text(it, "new")))).collect(),
        }
    }
}

impl Plans {
    /// An engine over this port. The error is why it cannot run.
    pub(crate) async fn over(port: ReadOnly, home: Home) -> Result<Self, String> {
        // The port has the document, wherever it is said to be; this place takes the largest.
        let engine = Engine::start(port, "s3://check/slipway.yaml").await.map_err(|mistake| mistake.to_string())?;
        Ok(Self { engine, home })
    }

    /// The account, as the engine sees it.
    pub(crate) fn port(&self) -> &ReadOnly {
        self.engine.cloud()
    }

    /// What a reconcile would do now, for each entry of the configuration, those of one service side by side. The error is why
    /// nothing can be said of any.
    pub(crate) async fn reconcile(&self) -> Result<Vec<Planned>, Planned> {
        self.ask(json!({ "action": "reconcile", "target": "*", "dry_run": true })).await
    }

    /// What a deploy of this image would do.
    pub(crate) async fn deploy(&self, target: &str, repository: &str, digest: &str) -> Planned {
        // A hold and a quarantine are answers of the reconcile; here the question is whether it could be deployed at all.
        let request = json!({
            "action": "deploy", "target": target, "repository": repository, "digest": digest, "force": true, "dry_run": true,
        });
        self.ask(request).await.map(|all| all.into_iter().next().unwrap_or_default()).unwrap_or_else(|failed| failed)
    }

    async fn ask(&self, request: Value) -> Result<Vec<Planned>, Planned> {
        let nothing = Map::new();
        let failed = |text: String| Err(Planned { outcome: "failed".to_owned(), text, ..Planned::default() });
        let request = match request::parse(request.as_object().unwrap_or(&nothing)) {
            Ok(request) => request,
            Err(mistakes) => return failed(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        };
        let until = u64::try_from(self.port_time() + TIME_MS).unwrap_or_default();
        let invocation = Invocation::new("check".to_owned(), until, self.home.clone());
        match self.engine.handle(&invocation, Input::Request(request)).await {
            Ok(answer) => {
                let read: ActionAnswer = answer::read(&answer);
                let raw = answer["targets"].as_array().cloned().unwrap_or_default();
                Ok(read.targets.iter().zip(&raw).map(|(acted, raw)| Planned::of(acted, raw)).collect())
            }
            Err(error) => failed(error.to_string()),
        }
    }

    fn port_time(&self) -> i64 {
        use slipway_engine::Cloud as _;
        self.port().now().as_millisecond()
    }
}
