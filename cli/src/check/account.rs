//! What is asked of the account beside the engine's questions: the stack and its parts, roles, and a registry's policy.
//!
//! Every call only reads. Why one has no answer is sorted here, once: the thing is missing, the caller may not ask, or nobody
//! answers. A client is built at its first call.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_ecr::config::Region;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use serde_json::Value;
use slipway_core::model::image::{Registry, Repository};

use crate::problem::{is_denied, words};

/// Why a call has no answer that helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    /// There is no such thing.
    Missing {
        /// The IAM action.
        action: &'static str,
        /// AWS's words.
        text: String,
    },
    /// The caller may not ask.
    Denied {
        /// The IAM action that is missing.
        action: &'static str,
    },
    /// Nobody answers, or with an error that says nothing of the thing.
    Unreachable {
        /// The IAM action.
        action: &'static str,
        /// AWS's words, or the network's.
        text: String,
    },
}

impl Missed {
    /// The IAM action of the call.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Missing { action, .. } | Self::Denied { action } | Self::Unreachable { action, .. } => action,
        }
    }

    fn of<E, R>(action: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
        let is_missing = ["NotFound", "NoSuch", "NonExistent", "DoesNotExist"].iter().any(|it| code.contains(it))
            // CloudFormation has no code of its own for a missing stack.
            || (code == "ValidationError" && message.contains("does not exist"));
        if is_missing {
            return Self::Missing { action, text: message.to_owned() };
        }
        if is_denied(code) {
            return Self::Denied { action };
        }
        let text = if code.is_empty() { words(error) } else { format!("{code}: {message}") };
        Self::Unreachable { action, text }
    }
}

/// The answer to a look.
pub(crate) type Look<T> = Result<T, Missed>;

/// A stack as CloudFormation describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StackFacts {
    /// `UPDATE_COMPLETE` and so on.
    pub(crate) status: String,
    /// Why it is so, where CloudFormation says it.
    pub(crate) reason: Option<String>,
    /// The parameters.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The outputs.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// A part of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Its name in the template, `DeployFunction`.
    pub(crate) logical: String,
    /// Its name or ARN in the account.
    pub(crate) physical: String,
    /// `AWS::Lambda::Function` and so on.
    pub(crate) kind: String,
}

/// A function, as far as it says whether it can run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FunctionFacts {
    /// `Active`, `Inactive`, `Pending` or `Failed`.
    pub(crate) state: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

/// What a role may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The IAM action.
    pub(crate) action: String,
    /// The keys of conditions on which it depends, and which IAM does not know here.
    pub(crate) depends_on: Vec<String>,
}

/// A subscription to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// `email`, `sqs` and so on.
    pub(crate) protocol: String,
    /// Who gets it.
    pub(crate) endpoint: String,
    /// Whether they have confirmed it.
    pub(crate) is_confirmed: bool,
}

/// Clients for the account of the session.
#[derive(Debug)]
pub(crate) struct Account {
    settings: SdkConfig,
    cloudformation: OnceLock<aws_sdk_cloudformation::Client>,
    ecr: OnceLock<aws_sdk_ecr::Client>,
    eventbridge: OnceLock<aws_sdk_eventbridge::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    lambda: OnceLock<aws_sdk_lambda::Client>,
    scheduler: OnceLock<aws_sdk_scheduler::Client>,
    sns: OnceLock<aws_sdk_sns::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
}

/// The calls.
impl Account {
    /// With the settings of a session. No call is made.
    pub(crate) fn new(settings: &SdkConfig) -> Self {
        let times = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(10))
            .operation_timeout(Duration::from_secs(30))
            .build();
        let settings =
            settings.to_builder().retry_config(RetryConfig::standard().with_max_attempts(4)).timeout_config(times);
        Self {
            settings: settings.build(),
            cloudformation: OnceLock::new(),
            ecr: OnceLock::new(),
            eventbridge: OnceLock::new(),
            iam: OnceLock::new(),
            lambda: OnceLock::new(),
            scheduler: OnceLock::new(),
            sns: OnceLock::new(),
            sqs: OnceLock::new(),
            ssm: OnceLock::new(),
        }
    }

    /// The stack of this name.
    pub(crate) async fn stack(&self, name: &str) -> Look<StackFacts> {
        const ACTION: &str = "cloudformation:DescribeStacks";
        let client = self.cloudformation.get_or_init(|| aws_sdk_cloudformation::Client::new(&self.settings));
        let answer = client.describe_stacks().stack_name(name).send().await;
        let answer = answer.map_err(|error| Missed::of(ACTION, &error))?;
        let missing = || Missed::Missing { action: ACTION, text: format!("Stack with id {name} does not exist") };
        let stack = answer.stacks().first().ok_or_else(missing)?;
        let pair = |key: Option<&str>, value: Option<&str>| Some((key?.to_owned(), value?.to_owned()));
        Ok(StackFacts {
            status: stack.stack_status().map(|it| it.as_str().to_owned()).unwrap_or_default(),
            reason: stack.stack_status_reason().filter(|it| !it.is_empty()).map(str::to_owned),
            parameters: (stack.parameters().iter())
                .filter_map(|it| pair(it.parameter_key(), it.parameter_value()))
                .collect(),
            outputs: stack.outputs().iter().filter_map(|it| pair(it.output_key(), it.output_value())).collect(),
        })
    }

    /// The parts of a stack that are there, all pages.
    pub(crate) async fn resources(&self, stack: &str) -> Look<Vec<Resource>> {
        const ACTION: &str = "cloudformation:ListStackResources";
        let client = self.cloudformation.get_or_init(|| aws_sdk_cloudformation::Client::new(&self.settings));
        let (mut resources, mut next) = (Vec::new(), None);
        loop {
            let answer = client.list_stack_resources().stack_name(stack).set_next_token(next).send().await;
            let answer = answer.map_err(|error| Missed::of(ACTION, &error))?;
            resources.extend(answer.stack_resource_summaries().iter().filter_map(|it| {
                let is_gone = it.resource_status().is_some_and(|it| it.as_str() == "DELETE_COMPLETE");
                let physical = it.physical_resource_id().filter(|_| !is_gone)?.to_owned();
                let logical = it.logical_resource_id()?.to_owned();
                Some(Resource { logical, physical, kind: it.resource_type()?.to_owned() })
            }));
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(resources);
            }
        }
    }

    /// The state of a rule of the default event bus: `ENABLED` or another.
    pub(crate) async fn rule(&self, name: &str) -> Look<String> {
        let client = self.eventbridge.get_or_init(|| aws_sdk_eventbridge::Client::new(&self.settings));
        let answer = client.describe_rule().name(name).send().await;
        let answer = answer.map_err(|error| Missed::of("events:DescribeRule", &error))?;
        Ok(answer.state().map(|it| it.as_str().to_owned()).unwrap_or_default())
    }

    /// The policy of the default event bus, as JSON; null where it has none.
    pub(crate) async fn bus_policy(&self) -> Look<Value> {
        let client = self.eventbridge.get_or_init(|| aws_sdk_eventbridge::Client::new(&self.settings));
        let answer = client.describe_event_bus().name("default").send().await;
        let answer = answer.map_err(|error| Missed::of("events:DescribeEventBus", &error))?;
        Ok(answer.policy().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    /// The state of a schedule: `ENABLED` or another.
    pub(crate) async fn schedule(&self, group: &str, name: &str) -> Look<String> {
        let client = self.scheduler.get_or_init(|| aws_sdk_scheduler::Client::new(&self.settings));
        let answer = client.get_schedule().group_name(group).name(name).send().await;
        let answer = answer.map_err(|error| Missed::of("scheduler:GetSchedule", &error))?;
        Ok(answer.state().map(|it| it.as_str().to_owned()).unwrap_or_default())
    }

    /// Whether a function can run.
    pub(crate) async fn function(&self, name: &str) -> Look<FunctionFacts> {
        let answer = self.lambda().get_function_configuration().function_name(name).send().await;
        let answer = answer.map_err(|error| Missed::of("lambda:GetFunctionConfiguration", &error))?;
        Ok(FunctionFacts {
            state: answer.state().map(|it| it.as_str().to_owned()),
            reason: answer.state_reason().filter(|it| !it.is_empty()).map(str::to_owned),
        })
    }

    /// How many invocations of a function are reserved; `None` where none are.
    pub(crate) async fn reserved_concurrency(&self, name: &str) -> Look<Option<i32>> {
        let answer = self.lambda().get_function_concurrency().function_name(name).send().await;
        let answer = answer.map_err(|error| Missed::of("lambda:GetFunctionConcurrency", &error))?;
        Ok(answer.reserved_concurrent_executions())
    }

    /// That a function has an alias.
    pub(crate) async fn alias(&self, function: &str, alias: &str) -> Look<()> {
        let answer = self.lambda().get_alias().function_name(function).name(alias).send().await;
        answer.map(drop).map_err(|error| Missed::of("lambda:GetAlias", &error))
    }

    /// Who gets what a topic publishes, all pages.
    pub(crate) async fn subscriptions(&self, topic: &str) -> Look<Vec<Subscription>> {
        let client = self.sns.get_or_init(|| aws_sdk_sns::Client::new(&self.settings));
        let (mut all, mut next) = (Vec::new(), None);
        loop {
            let answer = client.list_subscriptions_by_topic().topic_arn(topic).set_next_token(next).send().await;
            let answer = answer.map_err(|error| Missed::of("sns:ListSubscriptionsByTopic", &error))?;
            // One that somebody ended is listed for a while (SNS guide, deleting a subscription).
            let there = answer.subscriptions().iter().filter(|it| it.subscription_arn() != Some("Deleted"));
            all.extend(there.map(|it| Subscription {
                protocol: it.protocol().unwrap_or_default().to_owned(),
                endpoint: it.endpoint().unwrap_or_default().to_owned(),
                // Until then this word stands where the ARN is (SNS API, ListSubscriptionsByTopic).
                is_confirmed: it.subscription_arn().is_some_and(|arn| arn.starts_with("arn:")),
            }));
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(all);
            }
        }
    }

    /// About how many messages a queue holds.
    pub(crate) async fn messages(&self, queue_url: &str) -> Look<u64> {
        use aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessages as Number;
        let client = self.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.settings));
        let answer = client.get_queue_attributes().queue_url(queue_url).attribute_names(Number).send().await;
        let answer = answer.map_err(|error| Missed::of("sqs:GetQueueAttributes", &error))?;
        Ok(answer.attributes().and_then(|all| all.get(&Number)?.parse().ok()).unwrap_or_default())
    }

    /// That a parameter of the Parameter Store is there. Its value is not decrypted.
    pub(crate) async fn parameter(&self, name: &str) -> Look<()> {
        let client = self.ssm.get_or_init(|| aws_sdk_ssm::Client::new(&self.settings));
        let answer = client.get_parameter().name(name).with_decryption(false).send().await;
        answer.map(drop).map_err(|error| Missed::of("ssm:GetParameter", &error))
    }

    /// Which of these actions the policies of a role do not allow on a resource.
    pub(crate) async fn not_allowed(&self, role: &str, actions: &[&str], resource: &str) -> Look<Vec<Refused>> {
        let client = self.iam.get_or_init(|| aws_sdk_iam::Client::new(&self.settings));
        let request = client
            .simulate_principal_policy()
            .policy_source_arn(role)
            .set_action_names(Some(actions.iter().map(|&action| action.to_owned()).collect()))
            .resource_arns(resource);
        let answer = request.send().await;
        let answer = answer.map_err(|error| Missed::of("iam:SimulatePrincipalPolicy", &error))?;
        let results = answer.evaluation_results().iter();
        let denied = results.filter(|it| it.eval_decision().as_str() != "allowed");
        let refused = denied.map(|it| Refused {
            action: it.eval_action_name().to_owned(),
            depends_on: it.missing_context_values().to_vec(),
        });
        Ok(refused.collect())
    }

    /// The policy of a repository, as JSON; `Missing` also where it has none.
    pub(crate) async fn repository_policy(&self, repository: &Repository) -> Look<Value> {
        const ACTION: &str = "ecr:GetRepositoryPolicy";
        let Registry::Ecr { account, region } = &repository.registry else {
            return Err(Missed::Missing { action: ACTION, text: "it is not in a private ECR registry".to_owned() });
        };
        let client = self.ecr.get_or_init(|| aws_sdk_ecr::Client::new(&self.settings));
        let there = aws_sdk_ecr::config::Builder::new().region(Region::new(region.as_str().to_owned()));
        let request = client.get_repository_policy().registry_id(account.as_str()).repository_name(&repository.name);
        let answer = request.customize().config_override(there).send().await;
        let answer = answer.map_err(|error| Missed::of(ACTION, &error))?;
        Ok(answer.policy_text().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    fn lambda(&self) -> &aws_sdk_lambda::Client {
        self.lambda.get_or_init(|| aws_sdk_lambda::Client::new(&self.settings))
    }
}
