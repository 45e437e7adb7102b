//! What is deployed, read back from the emulator: the rules and the functions that they call, the functions and their
//! logs, the roles, the schedules, and a queue that gets the notices.

use super::client::REGION;
use super::cloudformation::FUNCTIONS;
use super::iam::{Call, Policy, Role};
use super::{Error, Result, Stack};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A rule that matched an event, and the functions it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name as deployed.
    pub name: String,
    /// The functions' ARNs; in a registry's own account, that of the event bus.
    pub functions: Vec<String>,
}

/// A queue that gets every notice of a stack.
#[derive(Clone, Debug)]
pub struct Inbox {
    stack: Stack,
    url: String,
}

impl Stack {
    /// The rules whose pattern matches the event, a whole EventBridge envelope; the emulator judges.
    pub async fn rules_for(&self, event: &Value) -> Result<Vec<Rule>> {
        let mut matching = Vec::new();
        for rule in items(&self.ask("events", "ListRules", json!({})).await?["Rules"]) {
            let test = json!({"EventPattern": rule["EventPattern"], "Event": event.to_string()});
            if self.ask("events", "TestEventPattern", test).await?["Result"] != true {
                continue;
            }
            let targets = self.ask("events", "ListTargetsByRule", json!({"Rule": rule["Name"]})).await?;
            matching.push(Rule {
                name: rule["Name"].as_str().unwrap_or_default().to_owned(),
                functions: items(&targets["Targets"])
                    .iter()
                    .filter_map(|target| Some(target["Arn"].as_str()?.to_owned()))
                    .collect(),
            });
        }
        Ok(matching)
    }

    /// Delivers an event as EventBridge would: every matching rule's functions are called asynchronously, by Lambda's own
    /// retries and dead-letter queues. The emulator's `PutEvents` refuses the sources that are AWS's own.
    pub async fn deliver(&self, event: &Value) -> Result<Vec<Rule>> {
        let rules = self.rules_for(event).await?;
        for function in rules.iter().flat_map(|rule| &rule.functions) {
            let input = json!({"FunctionName": function, "InvocationType": "Event", "Payload": event.to_string()});
            self.ask("lambda", "Invoke", input).await?;
        }
        Ok(rules)
    }

    /// Calls a function by hand, `deploy` or by an alias `deploy:read`, and awaits its answer: `Ok(Err(_))` is the error that
    /// the function itself answered with.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<std::result::Result<Value, Value>> {
        let input = json!({"FunctionName": self.function(function), "Payload": payload.to_string()});
        let answer = self.ask("lambda", "Invoke", input).await?;
        let body = answer["Payload"].as_str().unwrap_or_default();
        let body = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
        Ok(if answer["FunctionError"].is_null() { Ok(body) } else { Err(body) })
    }

    /// What a function wrote to its log so far, line by line.
    pub async fn log(&self, function: &str) -> Result<Vec<String>> {
        let group = format!("/aws/lambda/{}", self.function(function));
        let events = self.ask("logs", "FilterLogEvents", json!({"logGroupName": group})).await?;
        Ok(items(&events["events"]).iter().filter_map(|event| Some(event["message"].as_str()?.to_owned())).collect())
    }

    /// Writes a parameter, a `String` or a `SecureString`.
    pub async fn put_parameter(&self, name: &str, kind: &str, value: &str) -> Result<()> {
        let input = json!({"Name": name, "Type": kind, "Value": value, "Overwrite": true});
        self.ask("ssm", "PutParameter", input).await.map(drop)
    }

    /// Subscribes a new queue to the topic of the notices.
    pub async fn inbox(&self) -> Result<Inbox> {
        let queue = self.ask("sqs", "CreateQueue", json!({"QueueName": format!("{}-inbox", self.name)})).await?;
        let url = queue["QueueUrl"].as_str().unwrap_or_default().to_owned();
        let attributes =
            self.ask("sqs", "GetQueueAttributes", json!({"QueueUrl": url, "AttributeNames": ["QueueArn"]})).await?;
        let endpoint = &attributes["Attributes"]["QueueArn"];
        let subscription =
            json!({"TopicArn": self.output("NoticesTopicArn")?, "Protocol": "sqs", "Endpoint": endpoint});
        self.ask("sns", "Subscribe", subscription).await?;
        Ok(Inbox { stack: self.clone(), url })
    }

    /// Takes the next message of one of the stack's queues, named by the output that has its URL; waits for it.
    pub async fn take_from(&self, output: &str) -> Result<Value> {
        let url = self.output(output)?.to_owned();
        self.take(&url).await
    }

    /// The roles of the functions, with their policies.
    pub async fn roles(&self) -> Result<Vec<Role>> {
        let mut roles = Vec::new();
        for function in self.functions().await? {
            let arn = function["Role"].as_str().unwrap_or_default();
            roles.push(self.role(function["FunctionName"].as_str().unwrap_or_default(), arn).await?);
        }
        Ok(roles)
    }

    async fn role(&self, function: &str, arn: &str) -> Result<Role> {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let mut policies = Vec::new();
        for policy in items(&self.ask("iam", "ListRolePolicies", json!({"RoleName": name})).await?["PolicyNames"]) {
            let found = self.ask("iam", "GetRolePolicy", json!({"RoleName": name, "PolicyName": policy})).await?;
            policies.push(Policy { arn: None, document: found["PolicyDocument"].clone() });
        }
        let attached = self.ask("iam", "ListAttachedRolePolicies", json!({"RoleName": name})).await?;
        for policy in items(&attached["AttachedPolicies"]) {
            policies.push(self.managed_policy(policy["PolicyArn"].as_str().unwrap_or_default()).await?);
        }
        Ok(Role { function: function.to_owned(), account: self.account.to_string(), arn: arn.to_owned(), policies })
    }

    /// Whoever has nothing but the managed policy that is this output of the stack.
    pub async fn holder_of(&self, output: &str) -> Result<Role> {
        let policies = vec![self.managed_policy(self.output(output)?).await?];
        let arn = format!("arn:aws:iam::{}:role/{output}", self.account);
        Ok(Role { function: output.to_owned(), account: self.account.to_string(), arn, policies })
    }

    async fn managed_policy(&self, arn: &str) -> Result<Policy> {
        let policy = self.ask("iam", "GetPolicy", json!({"PolicyArn": arn})).await?;
        let version = json!({"PolicyArn": arn, "VersionId": policy["Policy"]["DefaultVersionId"]});
        let found = self.ask("iam", "GetPolicyVersion", version).await?;
        let document = found["PolicyVersion"]["Document"].clone();
        Ok(Policy { arn: Some(arn.to_owned()), document })
    }

    /// The calls that Lambda makes with the functions' roles, as they are deployed: it writes their logs, polls their
    /// queues and puts what failed away. Nobody else can record them.
    pub async fn calls_of_lambda(&self) -> Result<Vec<Call>> {
        let mut calls = Vec::new();
        for configuration in self.functions().await? {
            let function = configuration["FunctionName"].as_str().unwrap_or_default();
            let mut call = |service: &str, operation: &str, request: Value| {
                calls.push(Call {
                    function: function.to_owned(),
                    account: self.account.to_string(),
                    region: REGION.to_owned(),
                    service: service.to_owned(),
                    operation: operation.to_owned(),
                    request,
                });
            };
            let log = json!({"logGroupName": configuration["LoggingConfig"]["LogGroup"], "logStreamName": "2026/11/21/[$LATEST]1"});
            call("logs", "CreateLogStream", log.clone());
            call("logs", "PutLogEvents", log);
            let sources = self.ask("lambda", "ListEventSourceMappings", json!({"FunctionName": function})).await?;
            for source in items(&sources["EventSourceMappings"]) {
                for operation in ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"] {
                    call("sqs", operation, json!({"QueueUrl": url_of(&source["EventSourceArn"])}));
                }
            }
            let asked = json!({"FunctionName": function});
            let asynchronous = self.ask("lambda", "ListFunctionEventInvokeConfigs", asked).await?;
            for asynchronous in items(&asynchronous["FunctionEventInvokeConfigs"]) {
                let destination = &asynchronous["DestinationConfig"]["OnFailure"]["Destination"];
                if !destination.is_null() {
                    call("sqs", "SendMessage", json!({"QueueUrl": url_of(destination)}));
                }
            }
        }
        Ok(calls)
    }

    /// The policy of the account's event bus; `None` where it has none.
    pub async fn bus_policy(&self) -> Result<Option<Value>> {
        let bus = self.ask("events", "DescribeEventBus", json!({})).await?;
        Ok(bus["Policy"].as_str().and_then(|policy| serde_json::from_str(policy).ok()))
    }

    /// What becomes of an asynchronous invocation of a function, `deploy`, by this alias or, by `$LATEST`, by none.
    pub async fn asynchronous(&self, function: &str, qualifier: &str) -> Result<Value> {
        let asked = json!({"FunctionName": self.function(function), "Qualifier": qualifier});
        self.ask("lambda", "GetFunctionEventInvokeConfig", asked).await
    }

    /// A variable of a function's environment as deployed.
    pub async fn variable(&self, function: &str, name: &str) -> Result<String> {
        let value = self.variables(function).await?.remove(name);
        value.ok_or_else(|| Error::new(format!("reading {function}'s environment"), name))
    }

    /// The variables of a function's environment as deployed.
    pub async fn variables(&self, function: &str) -> Result<BTreeMap<String, String>> {
        let asked = json!({"FunctionName": self.function(function)});
        let configuration = self.ask("lambda", "GetFunctionConfiguration", asked).await?;
        let variables = &configuration["Environment"]["Variables"];
        serde_json::from_value(variables.clone())
            .map_err(|error| Error::new(format!("reading {function}'s environment"), error))
    }

    /// The names of the schedules in the stack's group.
    pub async fn schedules(&self) -> Result<Vec<String>> {
        let group = self.variable("deploy", "SLIPWAY_SCHEDULE_GROUP").await?;
        let listed = self.ask("scheduler", "ListSchedules", json!({"GroupName": group})).await?;
        Ok(items(&listed["Schedules"]).iter().filter_map(|one| Some(one["Name"].as_str()?.to_owned())).collect())
    }

    /// The role of the schedules, whose "function" is `schedules`.
    pub async fn role_of_schedules(&self) -> Result<Role> {
        let arn = self.variable("deploy", "SLIPWAY_SCHEDULE_ROLE_ARN").await?;
        self.role("schedules", &arn).await
    }

    /// The role by which a rule reaches its target, whose "function" is `forward`.
    pub async fn role_of_rule(&self, rule: &str) -> Result<Role> {
        let targets = self.ask("events", "ListTargetsByRule", json!({"Rule": rule})).await?;
        self.role("forward", targets["Targets"][0]["RoleArn"].as_str().unwrap_or_default()).await
    }

    /// A function's time-out as deployed, in seconds.
    pub async fn time_out(&self, function: &str) -> Result<u64> {
        let asked = json!({"FunctionName": self.function(function)});
        let configuration = self.ask("lambda", "GetFunctionConfiguration", asked).await?;
        configuration["Timeout"].as_u64().ok_or_else(|| Error::new(format!("reading {function}'s time-out"), "none"))
    }

    /// A function's name as deployed.
    pub fn function(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    async fn functions(&self) -> Result<Vec<Value>> {
        let listed = self.ask("lambda", "ListFunctions", json!({})).await?;
        let mine = FUNCTIONS.map(|function| self.function(function));
        let functions = items(&listed["Functions"]).to_vec();
        Ok(functions
            .into_iter()
            .filter(|function| mine.iter().any(|name| function["FunctionName"] == **name))
            .collect())
    }

    async fn take(&self, url: &str) -> Result<Value> {
        for _ in 0..6 {
            let wait = json!({"QueueUrl": url, "MaxNumberOfMessages": 1, "WaitTimeSeconds": 10, "MessageAttributeNames": ["All"]});
            let received = self.ask("sqs", "ReceiveMessage", wait).await?;
            if let Some(message) = items(&received["Messages"]).first() {
                self.ask("sqs", "DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}))
                    .await?;
                let body = message["Body"].as_str().unwrap_or_default();
                return Ok(serde_json::from_str(body).unwrap_or_else(|_| json!(body)));
            }
        }
        Err(Error::new(format!("waiting for a message in {url}"), "none came within a minute"))
    }

    async fn ask(&self, service: &str, operation: &str, input: Value) -> Result<Value> {
        self.client.call(&self.account, service, operation, input).await
    }
}

impl Inbox {
    /// The next notice in SNS's envelope (`Subject`, `Message`, `MessageAttributes`); waits for it.
    pub async fn next(&self) -> Result<Value> {
        self.stack.take(&self.url).await
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A queue's URL, by its ARN.
fn url_of(arn: &Value) -> String {
    let mut end = arn.as_str().unwrap_or_default().rsplit(':');
    let (name, account) = (end.next().unwrap_or_default(), end.next().unwrap_or_default());
    format!("https://sqs/{account}/{name}")
}
