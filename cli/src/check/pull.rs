//! Whether a task could start with the image: its execution role may pull and write the log, the repository lets it, and the
//! image is built for the processor.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use slipway_core::model::id::Home;
use slipway_core::model::image::{Digest, ImageRef, Registry, Repository};
use slipway_engine::{Cloud as _, Error, ErrorKind};

use crate::check::account::{Account, Missed, Refused};
use crate::check::finding::{Findings, listed};
use crate::check::policy::allows;
use crate::check::port::ReadOnly;
use crate::check::targets::{AT_ONCE, Definition, Observed};

/// What a pull needs on the repository.
const PULL: [&str; 2] = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/// What it needs before, on everything.
const TOKEN: [&str; 1] = ["ecr:GetAuthorizationToken"];

/// A question to IAM, asked once for all targets: what a role may do with a resource.
type Question = (String, String);

/// For what it is asked: the actions, and the targets whose tasks need them.
#[derive(Clone, Debug, Default)]
struct Asked<'c> {
    actions: BTreeSet<&'static str>,
    names: BTreeSet<&'c str>,
}

impl<'c> Asked<'c> {
    fn add(&mut self, name: &'c str, actions: &[&'static str]) {
        self.actions.extend(actions);
        self.names.insert(name);
    }
}

/// Checks the execution roles of every target, and the policies of repositories elsewhere.
pub(crate) async fn roles(account: &Account, home: &Home, all: &[Observed<'_>], findings: &mut Findings) {
    let mut questions: BTreeMap<Question, Asked<'_>> = BTreeMap::new();
    let mut elsewhere: BTreeMap<Repository, (BTreeSet<String>, BTreeSet<&str>)> = BTreeMap::new();
    for observed in all {
        let Some(definition) = &observed.definition else { continue };
        let name = observed.target.name.as_str();
        let role = definition.role("executionRoleArn", home);
        let repositories = repositories(observed, definition);
        let Some(role) = role else {
            no_role(name, definition, &repositories, findings);
            continue;
        };
        for repository in &repositories {
            let Registry::Ecr { account, region } = &repository.registry else { continue };
            let arn = format!("arn:{}:ecr:{region}:{account}:repository/{}", home.partition, repository.name);
            questions.entry((role.clone(), arn)).or_default().add(name, &PULL);
            questions.entry((role.clone(), "*".to_owned())).or_default().add(name, &TOKEN);
            if *account != home.account {
                let (roles, names) = elsewhere.entry(repository.clone()).or_default();
                roles.insert(role.clone());
                names.insert(name);
            }
        }
        for (arn, actions) in logs(definition, home) {
            questions.entry((role.clone(), arn)).or_default().add(name, &actions);
        }
    }
    let asked = questions.iter().map(async |((role, resource), asked)| {
        let actions: Vec<&str> = asked.actions.iter().copied().collect();
        account.not_allowed(role, &actions, resource).await
    });
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    for (((role, resource), asked), look) in questions.iter().zip(answers) {
        may(role, resource, &asked.names.iter().copied().collect::<Vec<_>>(), look, findings);
    }
    let policies = elsewhere.keys().map(|repository| account.repository_policy(repository));
    for ((repository, (roles, names)), look) in elsewhere.iter().zip(join_all(policies).await) {
        let names: Vec<&str> = names.iter().copied().collect();
        policy(&listed(&names), repository, roles, home, look, findings);
    }
}

/// The ECR repositories from which a task pulls.
fn repositories(observed: &Observed<'_>, definition: &Definition) -> BTreeSet<Repository> {
    let images = definition.containers().filter_map(|container| ImageRef::parse(container["image"].as_str()?));
    let pulled = images.map(|image| image.repository()).chain([observed.repository.clone()]);
    pulled.filter(|repository| matches!(repository.registry, Registry::Ecr { .. })).collect()
}

fn no_role(name: &str, definition: &Definition, repositories: &BTreeSet<Repository>, findings: &mut Findings) {
    // On EC2 the instance pulls.
    if !definition.is_fargate() || repositories.is_empty() {
        return findings.fine();
    }
    let text = format!(
        "the family {} is for Fargate and names no execution role, so ECS cannot pull from ECR",
        definition.family()
    );
    let fix = "Register a revision with an executionRoleArn, for example one with the policy AmazonECSTaskExecutionRolePolicy.";
    findings.error("no_execution_role", name, text, fix);
}

/// The log streams and groups that the containers write to, with what that needs.
fn logs(definition: &Definition, home: &Home) -> Vec<(String, Vec<&'static str>)> {
    let mut needs = Vec::new();
    for container in definition.containers() {
        let (log, name) = (&container["logConfiguration"], container["name"].as_str().unwrap_or_default());
        let options = &log["options"];
        let Some(group) = options["awslogs-group"].as_str().filter(|_| log["logDriver"] == "awslogs") else { continue };
        let region = options["awslogs-region"].as_str().unwrap_or(home.region.as_str());
        let group = format!("arn:{}:logs:{region}:{}:log-group:{group}", home.partition, home.account);
        // PREFIX/CONTAINER/TASK (ECS guide, awslogs).
        let stream = options["awslogs-stream-prefix"].as_str().map(|prefix| format!("{prefix}/{name}/check"));
        let stream = stream.unwrap_or_else(|| "check".to_owned());
        needs.push((format!("{group}:log-stream:{stream}"), vec!["logs:CreateLogStream", "logs:PutLogEvents"]));
        if options["awslogs-create-group"] == "true" {
            needs.push((group, vec!["logs:CreateLogGroup"]));
        }
    }
    needs
}

/// What IAM says of a role.
fn may(role: &str, resource: &str, users: &[&str], look: Result<Vec<Refused>, Missed>, findings: &mut Findings) {
    let place = listed(users);
    let what = format!("whether the execution roles may pull and write the log ({place})");
    let Some(denied) = findings.seen(look, &what) else { return };
    let Some(denied) = denied else {
        let text = format!("there is no role {role}, which is the execution role of its task definition");
        return findings.error(
            "execution_role_missing",
            place,
            text,
            "Create it, or register a revision with another one.",
        );
    };
    let (certain, open): (Vec<_>, Vec<_>) = denied.into_iter().partition(|it| it.depends_on.is_empty());
    let on = if resource == "*" { String::new() } else { format!(" on {resource}") };
    if !open.is_empty() {
        let keys: Vec<&String> = open.iter().flat_map(|it| &it.depends_on).collect();
        let actions: Vec<&str> = open.iter().map(|it| it.action.as_str()).collect();
        let text = format!("whether {role} has {}{on} depends on {}", listed(&actions), listed(&keys));
        findings.not_checked("role_conditions", &place, text, "Look at the conditions in the policies of the role.");
    }
    let certain: Vec<&str> = certain.iter().map(|it| it.action.as_str()).collect();
    if certain.is_empty() {
        return if open.is_empty() {
            findings.fine()
        };
    }
    let (code, cannot) = match resource.contains(":logs:") {
        true => ("cannot_log", "cannot write its log"),
        false => ("cannot_pull", "cannot pull its image"),
    };
    let text = format!("its execution role {role} lacks {}{on}, so a task {cannot}", listed(&certain));
    findings.error(code, place, text, &format!("Allow {}{on} to the role.", listed(&certain)));
}

/// Whether a repository of another account lets these roles pull.
fn policy(
    name: &str,
    repository: &Repository,
    roles: &BTreeSet<String>,
    home: &Home,
    look: Result<Value, Missed>,
    findings: &mut Findings,
) {
    let what = format!("whether the policy of {repository} lets this account pull");
    if let Err(Missed::Denied { .. }) = look {
        let text = format!("it is not known {what}, because another account keeps it");
        let roles: Vec<&String> = roles.iter().collect();
        let fix = format!("Look at it there: it must allow {} to {}.", listed(&PULL), listed(&roles));
        return findings.not_checked("repository_policy", name, text, &fix);
    }
    let Some(policy) = findings.seen(look, &what) else { return };
    let policy = policy.unwrap_or_default();
    let refused: Vec<&str> = roles.iter().filter(|role| !lets_pull(&policy, role, home)).map(String::as_str).collect();
    if refused.is_empty() {
        return findings.fine();
    }
    let text = format!("the policy of {repository} does not let {} pull", listed(&refused));
    let fix = format!("Allow {} to {} in that policy.", listed(&PULL), listed(&refused));
    findings.error("repository_policy", name, text, &fix);
}

/// Whether a repository's policy allows a pull to a role, or to its whole account.
fn lets_pull(policy: &Value, role: &str, home: &Home) -> bool {
    let root = format!("arn:{}:iam::{}:root", home.partition, home.account);
    allows(policy, &PULL, &[&root, home.account.as_str(), role])
}

/// Checks that the images are built for the processors of the task definitions.
pub(crate) async fn architectures(port: &ReadOnly, all: &[Observed<'_>], findings: &mut Findings) {
    let wanted = |observed: &Observed<'_>| {
        let definition = observed.definition.as_ref()?;
        let named = definition.text("runtimePlatform.cpuArchitecture");
        // On EC2 it runs on whatever the instances are.
        named.or_else(|| definition.is_fargate().then(|| "X86_64".to_owned()))
    };
    let of = |observed: &Observed<'_>| Some((observed.repository.clone(), observed.image.as_ref()?.digest.clone()));
    let images: BTreeSet<_> = all.iter().filter(|it| wanted(it).is_some()).filter_map(of).collect();
    let asked = images.iter().map(async |(repository, digest)| built_for(port, repository, digest).await);
    let built: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let built: BTreeMap<_, _> = images.iter().cloned().zip(built).collect();
    for observed in all {
        let (Some(wanted), Some(built)) = (wanted(observed), of(observed).and_then(|it| built.get(&it))) else {
            continue;
        };
        let name = observed.target.name.as_str();
        let shown = observed.image.as_ref().and_then(|it| it.tags.first()).map(ToString::to_string).unwrap_or_default();
        let image = format!("{}:{shown}", observed.repository.name);
        match built {
            // A call without an answer is noted with the engine's.
            Err(error) if error.kind == ErrorKind::Denied || error.kind.is_passing() => {}
            Ok(built) if built.iter().any(|it| is_processor(it, &wanted)) => findings.fine(),
            Ok(built) if !built.is_empty() => {
                let text = format!(
                    "{image} is built for {}, and the task definition wants {wanted}, so its tasks cannot start",
                    listed(built)
                );
                let fix = "Build the image for that processor, or for both, or correct the runtimePlatform.";
                findings.error("architecture", name, text, fix);
            }
            Ok(_) | Err(_) => {
                let text = format!(
                    "{image} does not say for which processor it is built (the task definition wants {wanted})"
                );
                findings.not_checked("architecture", name, text, "Make sure that the build is for that processor.");
            }
        }
    }
}

fn is_processor(built: &str, wanted: &str) -> bool {
    matches!((built, wanted), ("amd64" | "x86_64", "X86_64") | ("arm64" | "aarch64", "ARM64"))
}

/// The processors that an image is built for; none where it does not say.
async fn built_for(port: &ReadOnly, repository: &Repository, digest: &Digest) -> Result<Vec<String>, Error> {
    /// A configuration is a few kilobytes.
    const MOST: usize = 1 << 20;
    let manifests = port.batch_get_image(repository, &[digest]).await?;
    let manifest: Value = manifests.first().and_then(|(_, text)| serde_json::from_str(text).ok()).unwrap_or_default();
    if let Some(listed) = manifest["manifests"].as_array() {
        let of = |it: &Value| it["platform"]["architecture"].as_str().filter(|it| *it != "unknown").map(str::to_owned);
        return Ok(listed.iter().filter_map(of).collect());
    }
    let Some(config) = manifest["config"]["digest"].as_str().and_then(Digest::parse) else { return Ok(Vec::new()) };
    let blob = port.download_layer(repository, &config, MOST).await?;
    let config: Value = serde_json::from_slice(&blob).unwrap_or_default();
    Ok(config["architecture"].as_str().map(str::to_owned).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_repository_lets_an_account_or_a_role_pull() {
        let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway").expect("an ARN");
        let role = "arn:aws:iam::123456789012:role/web";
        let check = |principal: Value, action: Value| {
            let policy = json!({ "Statement": [{ "Effect": "Allow", "Principal": principal, "Action": action }] });
            lets_pull(&policy, role, &home)
        };
        for principal in [
            json!("*"),
            json!({ "AWS": "123456789012" }),
            json!({ "AWS": ["arn:aws:iam::123456789012:root"] }),
            json!({ "AWS": role }),
        ] {
            assert!(check(principal.clone(), json!("ecr:*")), "{principal}");
            assert!(check(principal, json!(PULL)));
        }
        assert!(!check(json!({ "AWS": "210987654321" }), json!("ecr:*")));
        assert!(!check(json!("*"), json!("ecr:BatchGetImage")));
        assert!(!lets_pull(&Value::Null, role, &home));
    }

    #[test]
    fn a_processor_has_two_names() {
        assert!(is_processor("amd64", "X86_64") && is_processor("arm64", "ARM64"));
        assert!(!is_processor("amd64", "ARM64") && !is_processor("arm64", "X86_64"));
    }
}
