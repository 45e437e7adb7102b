//! What a call needs of IAM: its actions, each on a resource and with the condition keys that AWS fills in, after AWS's
//! service authorization reference. A call may need more than its own action: a revision's roles are passed, its tags set.

use super::Call;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Need {
    pub(super) action: String,
    pub(super) resource: String,
    /// The region that is asked.
    pub(super) region: String,
    /// Condition keys and their values, as far as the call sets them.
    pub(super) context: BTreeMap<String, String>,
}

/// The ARNs of the deployment groups that calls name.
///
/// A call about a deployment of CodeDeploy names only its id, and IAM wants the group that it is of: it may be any of these.
pub(super) fn deployment_groups(calls: &[Call]) -> BTreeSet<String> {
    let of_code_deploy = calls.iter().filter(|call| call.service.eq_ignore_ascii_case("codedeploy"));
    of_code_deploy.filter_map(|call| Place::of(call).deployment_group(&call.request)).collect()
}

/// Everything that the call needs; `None` if it is not written down here, or not known.
pub(super) fn needs_of(call: &Call, groups: &BTreeSet<String>) -> Option<Vec<Need>> {
    let place = Place::of(call);
    let request = &call.request;
    let service = call.service.to_ascii_lowercase();
    let own = |resource: String| Need {
        action: format!("{service}:{}", call.operation),
        resource,
        region: call.region.clone(),
        context: BTreeMap::new(),
    };
    let text = |key: &str| request[key].as_str();
    Some(match (service.as_str(), call.operation.as_str()) {
        ("ecs", operation) => return ecs(operation, request, &place, own),
        ("codedeploy", operation) => return code_deploy(operation, request, &place, groups, own),
        ("ecr", "DescribeImages" | "BatchGetImage" | "GetDownloadUrlForLayer" | "UpdateImageStorageClass") => {
            let account = text("registryId").unwrap_or(&call.account);
            vec![own(format!("arn:aws:ecr:{}:{account}:repository/{}", call.region, text("repositoryName")?))]
        }
        ("sns", "Publish") => vec![own(text("TopicArn")?.to_owned())],
        ("ssm", "GetParameter") => {
            vec![own(place.arn("ssm", &format!("parameter/{}", text("Name")?.trim_start_matches('/'))))]
        }
        ("s3", "GetObject") => vec![own(format!("arn:aws:s3:::{}/{}", text("Bucket")?, text("Key")?))],
        ("sqs", "SendMessage" | "ReceiveMessage" | "DeleteMessage" | "GetQueueAttributes") => {
            let mut end = text("QueueUrl")?.rsplit('/');
            let (name, account) = (end.next()?, end.next()?);
            vec![own(format!("arn:aws:sqs:{}:{account}:{name}", call.region))]
        }
        ("dynamodb", "GetItem" | "PutItem" | "DeleteItem" | "Query") => {
            vec![own(place.arn("dynamodb", &format!("table/{}", text("TableName")?)))]
        }
        ("scheduler", "CreateSchedule" | "DeleteSchedule" | "GetSchedule") => {
            let group = text("GroupName").unwrap_or("default");
            let mut needs = vec![own(place.arn("scheduler", &format!("schedule/{group}/{}", text("Name")?)))];
            if let Some(role) = request["Target"]["RoleArn"].as_str() {
                let pass = Need { action: "iam:PassRole".to_owned(), ..own(role.to_owned()) };
                needs.push(pass.with("iam:PassedToService", "scheduler.amazonaws.com".to_owned()));
            }
            needs
        }
        ("events", "PutEvents") => {
            let entries = request["Entries"].as_array()?;
            entries.iter().map(|entry| Some(own(entry["EventBusName"].as_str()?.to_owned()))).collect::<Option<_>>()?
        }
        ("lambda", "Invoke") => {
            let function = Need { action: "lambda:InvokeFunction".to_owned(), ..own(text("FunctionName")?.to_owned()) };
            vec![function]
        }
        ("logs", "CreateLogStream" | "PutLogEvents" | "GetLogEvents") => {
            let stream = if call.operation == "CreateLogStream" { "" } else { text("logStreamName")? };
            vec![own(place.arn("logs", &format!("log-group:{}:log-stream:{stream}", text("logGroupName")?)))]
        }
        _ => return None,
    })
}

fn ecs(operation: &str, request: &Value, place: &Place<'_>, own: impl Fn(String) -> Need) -> Option<Vec<Need>> {
    let text = |key: &str| request[key].as_str();
    let texts = |key: &str| -> Option<Vec<&str>> { request[key].as_array()?.iter().map(Value::as_str).collect() };
    let cluster = text("cluster").unwrap_or("default").rsplit('/').next()?;
    let in_cluster = |resource: String, cluster: &str| {
        own(resource).with("ecs:cluster", place.arn("ecs", &format!("cluster/{cluster}")))
    };
    let on_service = |service: &str| {
        let name = service.rsplit('/').next().unwrap_or(service);
        in_cluster(place.arn("ecs", &format!("service/{cluster}/{name}")), cluster)
    };
    Some(match operation {
        "DescribeServices" => texts("services")?.into_iter().map(on_service).collect(),
        "ListServiceDeployments" => vec![on_service(text("service")?)],
        "UpdateService" => {
            let need = on_service(text("service")?);
            vec![match text("taskDefinition") {
                Some(arn) if arn.starts_with("arn:") => need.with("ecs:task-definition", arn.to_owned()),
                Some(name) => need.with("ecs:task-definition", place.arn("ecs", &format!("task-definition/{name}"))),
                None => need,
            }]
        }
        // By policies of public repositories it is judged by the service's ARN.
        "UpdateExpressGatewayService" => {
            let arn = text("serviceArn")?;
            let cluster = arn.split_once(":service/")?.1.split('/').next()?;
            vec![in_cluster(arn.to_owned(), cluster)]
        }
        "DescribeTaskDefinition" | "DeregisterTaskDefinition" | "ListTaskDefinitions" | "ListClusters" => {
            vec![own("*".to_owned())]
        }
        "ListServices" | "ListTasks" => vec![in_cluster("*".to_owned(), cluster)],
        "DescribeTasks" => {
            let named = |task: &str| {
                let id = task.rsplit('/').next().unwrap_or(task);
                in_cluster(place.arn("ecs", &format!("task/{cluster}/{id}")), cluster)
            };
            texts("tasks")?.into_iter().map(named).collect()
        }
        "RegisterTaskDefinition" => {
            let family = place.arn("ecs", &format!("task-definition/{}:*", text("family")?));
            let tags = tags(request);
            let tagged = |need: Need| {
                tags.iter().fold(need, |need, (key, value)| need.with(&format!("aws:RequestTag/{key}"), value.clone()))
            };
            let mut needs = vec![tagged(own(family.clone()))];
            if !tags.is_empty() {
                let tag = Need { action: "ecs:TagResource".to_owned(), ..own(family) };
                needs.push(tagged(tag.with("ecs:CreateAction", operation.to_owned())));
            }
            for role in ["taskRoleArn", "executionRoleArn"].into_iter().filter_map(text).filter(|role| !role.is_empty())
            {
                // ECS takes a role's name, too.
                let arn = match role.starts_with("arn:") {
                    true => role.to_owned(),
                    false => format!("arn:aws:iam::{}:role/{role}", place.account),
                };
                let pass = Need { action: "iam:PassRole".to_owned(), ..own(arn) };
                needs.push(pass.with("iam:PassedToService", "ecs-tasks.amazonaws.com".to_owned()));
            }
            needs
        }
        "TagResource" => vec![own(text("resourceArn")?.to_owned())],
        "DescribeServiceDeployments" => of_service(&texts("serviceDeploymentArns")?, "service-deployment", in_cluster)?,
        "StopServiceDeployment" | "ContinueServiceDeployment" => {
            of_service(&[text("serviceDeploymentArn")?], "service-deployment", in_cluster)?
        }
        "DescribeServiceRevisions" => of_service(&texts("serviceRevisionArns")?, "service-revision", in_cluster)?,
        _ => return None,
    })
}

fn code_deploy(
    operation: &str,
    request: &Value,
    place: &Place<'_>,
    groups: &BTreeSet<String>,
    own: impl Fn(String) -> Need,
) -> Option<Vec<Need>> {
    let application =
        || Some(place.arn("codedeploy", &format!("application:{}", request["applicationName"].as_str()?)));
    Some(match operation {
        "GetDeploymentGroup" | "ListDeployments" => vec![own(place.deployment_group(request)?)],
        "GetApplicationRevision" => vec![own(application()?)],
        "CreateDeployment" => {
            // Without a name it is the group's.
            let config = request["deploymentConfigName"].as_str().unwrap_or("CodeDeployDefault.ECSAllAtOnce");
            let config = place.arn("codedeploy", &format!("deploymentconfig:{config}"));
            let with = |action: &str, arn: String| Need { action: format!("codedeploy:{action}"), ..own(arn) };
            vec![
                own(place.deployment_group(request)?),
                with("GetDeploymentConfig", config),
                with("RegisterApplicationRevision", application()?),
            ]
        }
        "GetDeployment" => {
            let here = place.arn("codedeploy", "deploymentgroup:");
            let groups: Vec<Need> = groups.iter().filter(|arn| arn.starts_with(&here)).cloned().map(own).collect();
            return (!groups.is_empty()).then_some(groups);
        }
        "GetDeploymentTarget" | "StopDeployment" | "ContinueDeployment" => vec![own("*".to_owned())],
        _ => return None,
    })
}

/// `…:service-deployment/CLUSTER/SERVICE/ID` is asked for, and so is `…:service/CLUSTER/SERVICE`.
fn of_service(arns: &[&str], kind: &str, need: impl Fn(String, &str) -> Need) -> Option<Vec<Need>> {
    let mut needs = Vec::new();
    for arn in arns {
        let (prefix, path) = arn.split_once(&format!(":{kind}/"))?;
        let mut names = path.split('/');
        let (cluster, service) = (names.next()?, names.next()?);
        needs.push(need((*arn).to_owned(), cluster));
        needs.push(need(format!("{prefix}:service/{cluster}/{service}"), cluster));
    }
    Some(needs)
}

fn tags(request: &Value) -> Vec<(&str, String)> {
    let tags = request["tags"].as_array().into_iter().flatten();
    tags.filter_map(|tag| Some((tag["key"].as_str()?, tag["value"].as_str().unwrap_or_default().to_owned()))).collect()
}

struct Place<'a> {
    account: &'a str,
    region: &'a str,
}

impl<'a> Place<'a> {
    fn of(call: &'a Call) -> Self {
        Self { account: &call.account, region: &call.region }
    }

    /// The group that a request to CodeDeploy names.
    fn deployment_group(&self, request: &Value) -> Option<String> {
        let (application, group) = (request["applicationName"].as_str()?, request["deploymentGroupName"].as_str()?);
        Some(self.arn("codedeploy", &format!("deploymentgroup:{application}/{group}")))
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }
}

impl Need {
    fn with(mut self, key: &str, value: String) -> Self {
        self.context.insert(key.to_owned(), value);
        self
    }
}
