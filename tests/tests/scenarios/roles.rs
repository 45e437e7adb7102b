//! The roles: every call that any scenario or the stack recorded must be allowed by the deployed function's role, and every
//! grant must have been needed. Deploy and track share their policies: a call of either justifies a grant for both.

use e2e::emulator::iam::{Call, judge};
use e2e::stage::Stage;
use e2e::world;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::record;

/// Checks the roles deployed on this stage against every recorded call; the error lists what is wrong.
pub(crate) async fn judge_all(stage: &Stage) -> Result<(), Failed> {
    let account = stage.world.place().account.clone();
    let deployed = Deployed {
        topic: stage.stack.output("NoticesTopicArn")?.to_owned(),
        table: stage.stack.variable("deploy", "SLIPWAY_TABLE").await?,
        group: stage.stack.variable("deploy", "SLIPWAY_SCHEDULE_GROUP").await?,
        role: stage.stack.variable("deploy", "SLIPWAY_SCHEDULE_ROLE_ARN").await?,
        refused: stage.stack.variable("slack", "SLIPWAY_SLACK_REFUSED").await?,
    };
    let mut calls: Vec<Call> = record::all()
        .into_iter()
        // It runs in another partition than the stack.
        .filter(|(scenario, _)| *scenario != "push::a_registry_in_china_keeps_its_host")
        // The stage uses a Slack bot, whose token is in another parameter.
        .filter(|(scenario, _)| *scenario != "slack::a_webhook_reports_the_start_and_the_end")
        // The stage's document is in a parameter; tests/emulator/roles.rs checks the role of a stack whose document is in S3.
        .filter(|(_, call)| call.service != "S3")
        .filter_map(|(_, call)| {
            of_function(&call, &format!("slipway-{}", call.caller.as_deref()?), &account, &deployed)
        })
        .collect();
    let on_stage = stage.world.calls();
    calls.extend(on_stage.iter().filter_map(|call| of_function(call, call.caller.as_deref()?, &account, &deployed)));
    calls.extend(stage.stack.calls_of_lambda().await?);
    let findings = judge(&calls, &stage.stack.roles().await?)?;
    if findings.is_empty() {
        println!("{} calls are allowed by the roles, and every grant was needed", calls.len());
        return Ok(());
    }
    Err(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n").into())
}

/// What CloudFormation named.
struct Deployed {
    topic: String,
    table: String,
    group: String,
    role: String,
    refused: String,
}

/// A call in the form that `judge` takes; `None` for a call that no function made. The scenarios' own names are replaced by
/// those of what is deployed.
fn of_function(call: &world::Call, function: &str, account: &str, deployed: &Deployed) -> Option<Call> {
    const FUNCTIONS: [&str; 3] = ["slipway-deploy", "slipway-track", "slipway-slack"];
    if !FUNCTIONS.contains(&function) {
        return None;
    }
    let mut request = call.request.clone();
    let names = [
        ("/TopicArn", ":slipway-notices", &deployed.topic),
        ("/TableName", "slipway", &deployed.table),
        ("/GroupName", "slipway", &deployed.group),
        ("/QueueUrl", "/slipway-slack-refused", &deployed.refused),
        ("/Target/RoleArn", ":role/slipway-schedules", &deployed.role),
    ];
    for (member, of_scenarios, named) in names {
        if let Some(Value::String(name)) = request.pointer_mut(member)
            && name.ends_with(of_scenarios)
        {
            *name = named.clone();
        }
    }
    Some(Call {
        function: function.to_owned(),
        account: account.to_owned(),
        region: call.region.clone()?,
        service: call.service.clone(),
        operation: call.operation.clone(),
        request,
    })
}
