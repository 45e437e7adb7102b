//! The targets against the lists in the stack's parameters: which services, families, repositories, log groups, roles and
//! applications of CodeDeploy the functions may touch, and whose registries may send their pushes.

use slipway_core::model::id::Home;
use slipway_core::model::image::Registry;

use crate::check::account::Account;
use crate::check::finding::{Findings, listed};
use crate::check::parameters::{Parameters, matches};
use crate::check::policy::allows;
use crate::check::targets::{Definition, Observed};

/// Checks every target.
pub(crate) fn targets(all: &[Observed<'_>], parameters: &Parameters, home: &Home, findings: &mut Findings) {
    for observed in all {
        let name = observed.target.name.as_str();
        list(parameters, "Services", "service_not_allowed", name, name, findings);
        list(parameters, "Repositories", "repository_not_allowed", name, &observed.repository.name, findings);
        registry(observed, parameters, home, findings);
        if let Some(application) = &observed.application {
            code_deploy(name, application, parameters, findings);
        }
        if let Some(definition) = &observed.definition {
            let family = definition.family();
            list(parameters, "TaskDefinitionFamilies", "family_not_allowed", name, family, findings);
            roles(name, definition, parameters, home, findings);
            logs(name, definition, parameters, findings);
        }
    }
}

fn list(parameters: &Parameters, parameter: &str, code: &str, place: &str, what: &str, findings: &mut Findings) {
    if parameters.allows(parameter, what) {
        return findings.fine_in_file();
    }
    let text = format!(
        "{what} is not within {parameter} of {} ({}), so Slipway may not touch it",
        parameters.from,
        listed(&parameters.list(parameter))
    );
    findings.error(code, place, text, &format!("Add {what} to {parameter}, and update the stack."));
}

/// By default the list is empty, and a stack that is older than the list lets Slipway do nothing in CodeDeploy either.
fn code_deploy(place: &str, application: &str, parameters: &Parameters, findings: &mut Findings) {
    const LIST: &str = "CodeDeployApplications";
    let allowed = parameters.list(LIST);
    if allowed.iter().any(|pattern| matches(pattern, application)) {
        return findings.fine();
    }
    let names = if allowed.is_empty() { ", which is empty".to_owned() } else { format!(" ({})", listed(&allowed)) };
    let text = format!(
        "the application {application}, by which CodeDeploy deploys to it, is not within {LIST} of {}{names}, so Slipway may \
         not use it",
        parameters.from
    );
    let fix = format!("Add {application} to {LIST}, and update the stack.");
    findings.error("application_not_allowed", place, text, &fix);
}

/// ECS refuses a revision whose roles the function may not pass.
fn roles(place: &str, definition: &Definition, parameters: &Parameters, home: &Home, findings: &mut Findings) {
    for (member, what) in [("executionRoleArn", "execution role"), ("taskRoleArn", "task role")] {
        let Some(role) = definition.role(member, home) else { continue };
        if parameters.allows("PassRoleArns", &role) {
            findings.fine();
            continue;
        }
        let text = format!(
            "its {what} {role} is not within PassRoleArns of {}, so ECS refuses every new revision",
            parameters.from
        );
        findings.error("role_not_passable", place, text, &format!("Add {role} to PassRoleArns, and update the stack."));
    }
}

/// Without them a notice of a failure has no lines of the log.
fn logs(place: &str, definition: &Definition, parameters: &Parameters, findings: &mut Findings) {
    for container in definition.containers() {
        let options = &container["logConfiguration"];
        let Some(group) = options["options"]["awslogs-group"].as_str().filter(|_| options["logDriver"] == "awslogs")
        else {
            continue;
        };
        if parameters.allows("TaskLogGroups", group) {
            findings.fine();
            continue;
        }
        let text = format!(
            "the log group {group} is not within TaskLogGroups of {}, so a notice of a failure cannot quote the log",
            parameters.from
        );
        let fix = format!("Add {group} to TaskLogGroups, and update the stack.");
        findings.warning("log_group_not_allowed", place, text, &fix);
    }
}

/// The pushes to a registry elsewhere have to come here.
fn registry(observed: &Observed<'_>, parameters: &Parameters, home: &Home, findings: &mut Findings) {
    let Registry::Ecr { account, region } = &observed.repository.registry else { return };
    let name = observed.target.name.as_str();
    if *account != home.account && !parameters.list("RegistryAccounts").contains(&account.as_str()) {
        let text = format!(
            "the registry of the account {account} may not send its pushes here, because RegistryAccounts of {} does not \
             name it",
            parameters.from
        );
        let fix = format!("Add {account} to RegistryAccounts, and update the stack.");
        return findings.error("registry_not_allowed", name, text, &fix);
    }
    if *account != home.account || *region != home.region {
        let text = format!("it is not known whether the registry of {account} in {region} sends its pushes here");
        let fix = format!(
            "Look for the stack of forward.yaml in {account}, {region}; without it only the reconcile deploys."
        );
        findings.not_checked("forward", name, text, &fix);
    }
}

/// Whether the event bus takes the pushes of the accounts that the parameters name.
pub(crate) async fn bus(account: &Account, parameters: &Parameters, home: &Home, findings: &mut Findings) {
    let accounts = parameters.list("RegistryAccounts");
    if accounts.is_empty() {
        return;
    }
    let look = account.bus_policy().await;
    let Some(policy) = findings.seen(look, "whether the event bus takes the pushes of other accounts") else { return };
    let policy = policy.unwrap_or_default();
    let may_send = |account: &&str| {
        let root = format!("arn:{}:iam::{account}:root", home.partition);
        allows(&policy, &["events:PutEvents"], &[&root, account])
    };
    let missing: Vec<&str> = accounts.into_iter().filter(|account| !may_send(account)).collect();
    if missing.is_empty() {
        return findings.fine();
    }
    let text = format!("its policy does not let {} send events, so their pushes do not arrive", listed(&missing));
    findings.error(
        "bus_policy",
        "event bus default",
        text,
        "Update the stack; its resource RegistriesMayForward allows it.",
    );
}
