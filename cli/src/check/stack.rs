//! The installed stack: its state, and whether each part of it works: rules, the schedule, functions and aliases, who gets notices
//! and alarms, and the queues of what could not be delivered.

use futures_util::future::join_all;

use crate::check::account::{Account, FunctionFacts, Look, Resource, StackFacts, Subscription};
use crate::check::finding::{Findings, Level, listed};
use crate::check::parameters::Parameters;

/// The stack as it is installed.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    /// Its name.
    pub(crate) name: String,
    /// What CloudFormation says of it.
    pub(crate) facts: StackFacts,
}

impl Installed {
    /// Its parameters.
    pub(crate) fn parameters(&self) -> Parameters {
        Parameters::of_stack(&self.name, self.facts.parameters.clone())
    }

    /// The table of the records, if the outputs name it.
    pub(crate) fn table(&self) -> Option<&str> {
        self.facts.outputs.get("TableName").map(String::as_str)
    }

    /// The state of the last operation on it.
    pub(crate) fn state(&self, findings: &mut Findings) {
        let StackFacts { status, reason, .. } = &self.facts;
        let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let place = format!("stack {}", self.name);
        let (level, fix) = match status.as_str() {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => return findings.fine(),
            "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => (
                Level::Warning,
                "The last update failed, and the stack is as it was before. `aws cloudformation describe-stack-events` says why.",
            ),
            running if running.ends_with("_IN_PROGRESS") => {
                (Level::Warning, "Wait until it has ended, and check again.")
            }
            _ => (
                Level::Error,
                "Look at `aws cloudformation describe-stack-events`, and install or update the stack again.",
            ),
        };
        findings.add(level, "stack_status", place, format!("it is {status}{why}"), fix);
    }
}

/// Checks every part of a stack.
pub(crate) async fn parts(account: &Account, stack: &Installed, findings: &mut Findings) {
    let look = account.resources(&stack.name).await;
    let Some(resources) = findings.seen(look, "whether the rules, functions, schedules, topics and queues work") else {
        return;
    };
    let resources = resources.unwrap_or_default();
    let parameters = stack.parameters();
    let group =
        resources.iter().find(|it| it.logical == "Schedules").map(|it| it.physical.as_str()).unwrap_or_default();
    let looked = resources.iter().map(async |resource| {
        let mut findings = Findings::default();
        part(account, resource, group, &parameters, &mut findings).await;
        findings
    });
    join_all(looked).await.into_iter().for_each(|found| findings.join(found));
}

async fn part(account: &Account, it: &Resource, group: &str, parameters: &Parameters, findings: &mut Findings) {
    let physical = it.physical.as_str();
    match it.kind.as_str() {
        "AWS::Events::Rule" => {
            // Of a bus of its own it is BUS|NAME.
            let name = physical.rsplit('|').next().unwrap_or(physical);
            enabled(it, "rule", effect(&it.logical), account.rule(name).await, findings);
        }
        "AWS::Scheduler::Schedule" => {
            let name = physical.rsplit(['/', '|']).next().unwrap_or(physical);
            let group = group.rsplit('/').next().unwrap_or(group);
            enabled(it, "schedule", effect(&it.logical), account.schedule(group, name).await, findings);
        }
        "AWS::Lambda::Function" => {
            runs(it, account.function(physical).await, findings);
            is_not_stopped(it, account.reserved_concurrency(physical).await, findings);
        }
        "AWS::Lambda::Alias" => alias(account, it, findings).await,
        "AWS::SNS::Topic" => subscribed(it, account.subscriptions(physical).await, findings),
        "AWS::SQS::Queue" if it.logical != "SlackNotices" => {
            holds_nothing(it, account.messages(physical).await, findings);
        }
        _ => {}
    }
    if it.logical == "SlackFunction" {
        slack_secret(account, parameters, findings).await;
    }
}

/// What does not happen while a part does not work.
fn effect(logical: &str) -> &'static str {
    match logical {
        "DeployFunctionImagePushed" => "no push is deployed",
        "TrackFunctionDeploymentChanged" => "Slipway does not hear how deployments go on",
        "CodeDeployChanged" => "Slipway does not hear how CodeDeploy's deployments go on",
        "TrackFunctionHookWaits" => "Slipway does not hear of deployments that wait for somebody",
        "TrackFunctionTaskStopped" => "Slipway does not hear of tasks that stop",
        "TrackFunctionServiceWarned" => "Slipway does not hear what ECS warns of",
        "Reconcile" => "a push whose event was lost is never deployed",
        "DeployFunction" => "nothing is deployed",
        "TrackFunction" => "no deployment is followed, and none that fails is rolled back",
        "SlackFunction" => "Slack gets no messages",
        "ReadAlias" => "nobody can ask what runs",
        "OperateAlias" => "nobody can ask for a deploy or a rollback",
        _ => "a part of Slipway does not work",
    }
}

/// How the parts of a stack that somebody changed or deleted by hand are made again.
const AGAIN: &str = "Create it as the template has it, or delete the stack and install it again; the table stays.";

fn enabled(it: &Resource, what: &str, effect: &str, look: Look<String>, findings: &mut Findings) {
    let Some(state) = findings.seen(look, &format!("whether its {what}s are enabled")) else { return };
    let place = format!("{what} {}", it.logical);
    match state.as_deref() {
        None => {
            let text = format!("{} is gone, so {effect}", it.physical);
            findings.error(&format!("{what}_missing"), place, text, AGAIN);
        }
        Some(state) if state.starts_with("ENABLED") => findings.fine(),
        Some(state) => {
            let text = format!("{} is {state}, so {effect}", it.physical);
            let fix = match what {
                "rule" => format!("aws events enable-rule --name {}", it.physical),
                _ => format!("Enable the schedule {} in the console, or update the stack.", it.physical),
            };
            findings.error(&format!("{what}_disabled"), place, text, &fix);
        }
    }
}

fn runs(it: &Resource, look: Look<FunctionFacts>, findings: &mut Findings) {
    let Some(facts) = findings.seen(look, "whether the functions can run") else { return };
    let (place, effect) = (format!("function {}", it.logical), effect(&it.logical));
    let Some(FunctionFacts { state, reason }) = facts else {
        let text = format!("{} is gone, so {effect}", it.physical);
        return findings.error("function_missing", place, text, AGAIN);
    };
    let why = reason.map(|why| format!(" ({why})")).unwrap_or_default();
    match state.as_deref() {
        // Lambda takes one that was not invoked for weeks out of service, and an invocation brings it back.
        None | Some("Active" | "Inactive") => findings.fine(),
        Some("Pending") => {
            let text = format!("{} is being made{why}", it.physical);
            findings.warning("function_state", place, text, "Check again in a minute.");
        }
        Some(state) => {
            let text = format!("{} is {state}{why}, so {effect}", it.physical);
            findings.error("function_state", place, text, "Update the stack with the functions' code.");
        }
    }
}

fn is_not_stopped(it: &Resource, look: Look<Option<i32>>, findings: &mut Findings) {
    let Some(reserved) = findings.seen(look, "whether the functions are stopped by a reserved concurrency of 0") else {
        return;
    };
    // That the function is gone is said of its state.
    let Some(reserved) = reserved else { return };
    if reserved != Some(0) {
        return findings.fine();
    }
    let text = format!("{} has a reserved concurrency of 0, so {}", it.physical, effect(&it.logical));
    let fix = format!("aws lambda delete-function-concurrency --function-name {}", it.physical);
    findings.error("function_stopped", format!("function {}", it.logical), text, &fix);
}

async fn alias(account: &Account, it: &Resource, findings: &mut Findings) {
    let arn: Vec<&str> = it.physical.split(':').collect();
    let [.., function, alias] = arn.as_slice() else { return };
    let Some(found) = findings.seen(account.alias(function, alias).await, "whether the aliases are there") else {
        return;
    };
    match found {
        Some(()) => findings.fine(),
        None => {
            let text = format!("{function}:{alias} is gone, so {}", effect(&it.logical));
            let fix = format!(
                "aws lambda create-alias --function-name {function} --name {alias} --function-version '$LATEST'"
            );
            findings.error("alias_missing", format!("alias {}", it.logical), text, &fix);
        }
    }
}

fn subscribed(it: &Resource, look: Look<Vec<Subscription>>, findings: &mut Findings) {
    let Some(found) = findings.seen(look, "who gets notices and alarms") else { return };
    let place = format!("topic {}", it.logical);
    let is_notices = it.logical == "Notices";
    let what = if is_notices { "notices" } else { "alarms" };
    let Some(all) = found else {
        let text = format!("{} is gone, so nobody gets {what}", it.physical);
        return findings.error("topic_missing", place, text, AGAIN);
    };
    for pending in all.iter().filter(|it| !it.is_confirmed) {
        let text = format!(
            "{} {} has not confirmed the subscription, so it gets no {what}",
            pending.protocol, pending.endpoint
        );
        let fix = "Open the link in the message from AWS Notifications; after two days subscribe again.";
        findings.warning("subscription_pending", &place, text, fix);
    }
    if all.iter().any(|it| it.is_confirmed) {
        return findings.fine();
    }
    let text = format!("it has no confirmed subscription, so nobody gets {what}");
    let fix = format!(
        "Update the stack with NoticeEmail or a Slack parameter, or run: aws sns subscribe --topic-arn {} --protocol email \
         --notification-endpoint YOU@EXAMPLE.COM",
        it.physical
    );
    let fix = if is_notices { fix } else { fix.replace("NoticeEmail or a Slack parameter", "NoticeEmail") };
    let level = if is_notices { Level::Error } else { Level::Warning };
    findings.add(level, "no_subscription", place, text, &fix);
}

fn holds_nothing(it: &Resource, look: Look<u64>, findings: &mut Findings) {
    let Some(found) = findings.seen(look, "whether the queues of what could not be delivered are empty") else {
        return;
    };
    let place = format!("queue {}", it.logical);
    match found {
        None => {
            let text = format!("{} is gone, so what cannot be delivered is lost", it.physical);
            findings.error("queue_missing", place, text, AGAIN);
        }
        Some(0) => findings.fine(),
        Some(count) => {
            let what = if count == 1 { "message waits".to_owned() } else { "messages wait".to_owned() };
            let text = format!("about {count} {what} there that could not be delivered");
            let fix = format!("Look at them: aws sqs receive-message --queue-url {}", it.physical);
            findings.warning("queue_not_empty", place, text, &fix);
        }
    }
}

/// The secret for Slack; its value is not read.
async fn slack_secret(account: &Account, parameters: &Parameters, findings: &mut Findings) {
    /// What stands before a secret's name in Secrets Manager, which the Parameter Store only gives whole.
    const SECRETS_MANAGER: &str = "/aws/reference/secretsmanager/";
    let (parameter, name) = match (parameters.value("SlackTokenParameter"), parameters.value("SlackWebhookParameter")) {
        ("", webhook) => ("SlackWebhookParameter", webhook),
        (token, _) => ("SlackTokenParameter", token),
    };
    if name.starts_with(SECRETS_MANAGER) {
        let text = format!("whether {name} is there is not known, because a check reads no secret");
        return findings.not_checked("secret", parameter, text, "Look at it in Secrets Manager.");
    }
    let Some(found) = findings.seen(account.parameter(name).await, "whether Slack's secret is there") else { return };
    match found {
        Some(()) => findings.fine(),
        None => {
            let text = format!("there is no parameter {name}, so Slack gets no messages");
            let fix = format!(
                "aws ssm put-parameter --name {name} --type SecureString --value file://token (a file with the secret)"
            );
            findings.error("slack_secret_missing", parameter, text, &fix);
        }
    }
}

/// Whether the registry is compared with what runs at all.
pub(crate) fn reconcile(parameters: &Parameters, findings: &mut Findings) {
    if parameters.value("ReconcileMinutes") != "0" {
        return findings.fine_in_file();
    }
    let text = "it is 0, so a push whose event is lost is not deployed until somebody asks for a reconcile";
    findings.warning("no_reconcile", "ReconcileMinutes", text, "Set ReconcileMinutes to 15, and update the stack.");
}

/// The channels that the configuration names, against what posts to Slack.
pub(crate) fn channels(names: &[String], parameters: &Parameters, findings: &mut Findings) {
    if names.is_empty() {
        return;
    }
    let place = "notify";
    match (parameters.value("SlackTokenParameter"), parameters.value("SlackWebhookParameter")) {
        ("", "") => {
            let text = format!(
                "the configuration names {}, and {} has neither SlackTokenParameter nor SlackWebhookParameter, so nothing \
                 is posted there",
                listed(names),
                parameters.from
            );
            let fix = "Set SlackTokenParameter, and update the stack; or remove `notify`.";
            findings.error("no_slack", place, text, fix);
        }
        ("", _) => {
            let text = format!(
                "the configuration names {}, and a webhook posts to the one channel for which it was made",
                listed(names)
            );
            let fix = "Use a bot: set SlackTokenParameter instead of SlackWebhookParameter; or remove `notify`.";
            findings.warning("webhook_channels", place, text, fix);
        }
        _ => findings.fine_in_file(),
    }
}
