//! Newtypes for the ids that could be swapped by mistake, and the ARNs that are taken apart.
//!
//! Parsing is lenient, because ids come from AWS.

use serde::{Deserialize, Serialize};

/// What every newtype of a text has.
macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// The text as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use text;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
        }

        text!($name);
    )*};
}

ids! {
    /// A twelve-digit AWS account.
    AccountId;
    /// An AWS region, `eu-west-1`.
    Region;
    /// An AWS partition, `aws`, `aws-cn`, `aws-us-gov`.
    Partition;
    /// An ECS cluster's name.
    ClusterName;
    /// An ECS service's name.
    ServiceName;
    /// A container's name in a task definition.
    ContainerName;
    /// A deployment as ECS's events name it, `ecs-svc/1702860048778063437`, or as CodeDeploy does, `d-ABCDEF123`.
    DeploymentId;
    /// The ARN of a service deployment. Its id is not the [`DeploymentId`]; the revision that it targets names that. Of a
    /// deployment of CodeDeploy, which has no ARN, it is the id.
    ServiceDeploymentArn;
    /// The ARN of a service revision, ECS's record of what really ran; its id joins it with a deployment.
    ServiceRevisionArn;
    /// A task definition revision's ARN, `arn:aws:ecs:eu-west-1:123456789012:task-definition/web:42`; `family:revision`
    /// without the ARN is accepted too.
    TaskDefinitionArn;
    /// What triggered Slipway: an EventBridge event's id, or the `id` of a manual request.
    EventId;
    /// A target as people name it: `cluster/service`.
    TargetName;
}

/// What joins all that AWS says of one deployment: its id in lists, events and tasks, and its service deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DeploymentKey {
    /// A deployment that ECS carries out. `ecs-svc/N`, the service revision with the id N and the service deployment that
    /// targets it belong together. AWS does not document it; Terraform's AWS provider relies on it
    /// (`internal/service/ecs/service.go`, `findPrimaryDeploymentARN`).
    Ecs(u64),
    /// A deployment of CodeDeploy, `d-ABCDEF123`.
    CodeDeploy(String),
}

impl DeploymentKey {
    /// The deployment's id, as lists, events and tasks name it.
    pub fn id(&self) -> DeploymentId {
        match self {
            Self::Ecs(number) => DeploymentId::new(format!("ecs-svc/{number}")),
            Self::CodeDeploy(id) => DeploymentId::new(id),
        }
    }
}

impl DeploymentId {
    /// What joins it with the rest; `None` for an id of a form that we do not know.
    pub fn key(&self) -> Option<DeploymentKey> {
        match self.0.strip_prefix("ecs-svc/") {
            Some(number) => number.parse().ok().map(DeploymentKey::Ecs),
            None => self.is_of_code_deploy().then(|| DeploymentKey::CodeDeploy(self.0.clone())),
        }
    }

    /// Who carries it out, as people are told.
    pub fn carrier(&self) -> &'static str {
        if self.is_of_code_deploy() { "CodeDeploy" } else { "ECS" }
    }

    /// Whether CodeDeploy carries it out.
    pub fn is_of_code_deploy(&self) -> bool {
        self.0.strip_prefix("d-").is_some_and(|rest| !rest.is_empty())
    }
}

impl ServiceDeploymentArn {
    /// The deployment of CodeDeploy that this stands for.
    pub fn code_deployment(&self) -> Option<DeploymentId> {
        Some(DeploymentId::new(self.as_str())).filter(DeploymentId::is_of_code_deploy)
    }
}

impl ServiceRevisionArn {
    /// What joins it with the deployment that brought it about first; `None` for an id of a form that we do not know.
    pub fn key(&self) -> Option<DeploymentKey> {
        self.0.rsplit_once('/')?.1.parse().ok().map(DeploymentKey::Ecs)
    }
}

impl TargetName {
    /// The service's name as people write it, `cluster/service`.
    pub fn of(cluster: &ClusterName, service: &ServiceName) -> Self {
        Self::new(format!("{cluster}/{service}"))
    }

    /// The cluster and the service.
    pub fn place(&self) -> Option<(ClusterName, ServiceName)> {
        let (cluster, service) = self.0.split_once('/')?;
        Some((ClusterName::new(cluster), ServiceName::new(service)))
    }
}

impl TaskDefinitionArn {
    /// What people call it: `web:42`.
    pub fn short(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, short)| short)
    }

    /// The family, `web`.
    pub fn family(&self) -> &str {
        self.short().split_once(':').map_or(self.short(), |(family, _)| family)
    }

    /// The revision's number, if there is one.
    pub fn revision(&self) -> Option<u64> {
        self.short().split_once(':')?.1.parse().ok()
    }
}

/// A service's ARN. Services that were never migrated have the short form without a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceArn {
    /// Where the service is.
    pub home: Home,
    /// `None` in the short form, `service/NAME`.
    pub cluster: Option<ClusterName>,
    /// The service's name.
    pub service: ServiceName,
}

impl ServiceArn {
    /// Parses `arn:P:ecs:R:A:service/CLUSTER/NAME` and `…:service/NAME`; `None` for anything else.
    pub fn parse(arn: &str) -> Option<Self> {
        let home = Home::of_arn(arn)?;
        let [_, _, "ecs", _, _, resource] = parts(arn)? else { return None };
        let path = resource.strip_prefix("service/")?;
        let (cluster, service) = match path.split_once('/') {
            Some((cluster, service)) => (Some(ClusterName::new(cluster)), service),
            None => (None, path),
        };
        Some(Self { home, cluster, service: ServiceName::new(service) })
    }
}

/// Where a function runs, read from its own ARN: the account and region of a repository named without a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// `aws`, `aws-cn`, …
    pub partition: Partition,
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl Home {
    /// Parses the partition, region and account of any regional ARN, such as a function's.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let ["arn", partition, _, region, account, _] = parts(arn)? else { return None };
        (!region.is_empty() && !account.is_empty()).then(|| Self {
            partition: Partition::new(partition),
            account: AccountId::new(account),
            region: Region::new(region),
        })
    }
}

/// The ARN by which a function is invoked, `arn:P:lambda:R:A:function:NAME`.
///
/// Where the caller names an alias or a version, it ends with that
/// ([Lambda guide](https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionArn {
    /// Where the function is.
    pub home: Home,
    /// The function's name, `slipway-deploy`.
    pub name: String,
    /// The alias, or the version, that the caller named.
    pub qualifier: Option<String>,
}

impl FunctionArn {
    /// Parses it; `None` for any other ARN.
    pub fn parse(arn: &str) -> Option<Self> {
        let home = Home::of_arn(arn)?;
        let [_, _, "lambda", _, _, resource] = parts(arn)? else { return None };
        let path = resource.strip_prefix("function:")?;
        let (name, qualifier) = match path.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier.to_owned())),
            None => (path, None),
        };
        Some(Self { home, name: name.to_owned(), qualifier })
    }
}

fn parts(arn: &str) -> Option<[&str; 6]> {
    arn.splitn(6, ':').collect::<Vec<_>>().try_into().ok()
}

/// A stream of CloudWatch Logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStream {
    /// The region where it is.
    pub region: String,
    /// Its log group, `/ecs/web`.
    pub group: String,
    /// Its name in the group, `shop/web/0ebb429fa86d481c2630fac53db1c91c`.
    pub stream: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_arn_has_a_long_and_a_short_form() {
        let long = ServiceArn::parse("arn:aws-cn:ecs:cn-north-1:123456789012:service/prod/web").unwrap();
        assert_eq!(long.cluster, Some(ClusterName::new("prod")));
        assert_eq!(long.service.as_str(), "web");
        assert_eq!(long.home.partition.as_str(), "aws-cn");

        let short = ServiceArn::parse("arn:aws:ecs:eu-west-1:123456789012:service/web").unwrap();
        assert_eq!(short.cluster, None);
        assert_eq!(short.service.as_str(), "web");

        assert_eq!(ServiceArn::parse("arn:aws:ecs:eu-west-1:123456789012:cluster/prod"), None);
        assert_eq!(ServiceArn::parse("nonsense"), None);
    }

    #[test]
    fn a_function_is_invoked_with_or_without_an_alias() {
        #[track_caller]
        fn check(resource: &str, expected: Option<(&str, Option<&str>)>) {
            let function = FunctionArn::parse(&format!("arn:aws:lambda:eu-west-1:123456789012:{resource}"));
            let found = function.as_ref().map(|function| (function.name.as_str(), function.qualifier.as_deref()));
            assert_eq!(found, expected);
            assert!(function.is_none_or(|function| function.home.account.as_str() == "123456789012"));
        }
        check("function:slipway-deploy", Some(("slipway-deploy", None)));
        check("function:slipway-deploy:read", Some(("slipway-deploy", Some("read"))));
        check("function:slipway-deploy:$LATEST", Some(("slipway-deploy", Some("$LATEST"))));
        check("function:slipway-deploy:", Some(("slipway-deploy", Some(""))));
        check("layer:slipway", None);
        assert_eq!(FunctionArn::parse("arn:aws:ecs:eu-west-1:123456789012:function:slipway-deploy"), None);
        assert_eq!(FunctionArn::parse("slipway-deploy"), None);
    }

    #[test]
    fn a_deployment_and_its_service_revision_bear_one_number() {
        let id = DeploymentId::new("ecs-svc/9223370464830434477");
        assert_eq!(id.key(), Some(DeploymentKey::Ecs(9223370464830434477)));
        assert_eq!(id.key().map(|key| key.id()), Some(id.clone()));
        let arn = "arn:aws:ecs:eu-west-1:123456789012:service-revision/prod/web/";
        assert_eq!(ServiceRevisionArn::new(format!("{arn}9223370464830434477")).key(), id.key());
        assert_ne!(ServiceRevisionArn::new(format!("{arn}4980306466373577095")).key(), id.key());

        let of_code_deploy = DeploymentId::new("d-ABCDEF123");
        assert_eq!(of_code_deploy.key().map(|key| key.id()), Some(of_code_deploy));
        for other in ["d-", "ecs-svc/", "ecs-svc/web", "9223370464830434477"] {
            assert_eq!(DeploymentId::new(other).key(), None, "{other}");
        }
        for other in ["9223370464830434477", "service-revision/prod/web/", "service-revision/prod/web/latest"] {
            assert_eq!(ServiceRevisionArn::new(other).key(), None, "{other}");
        }
    }

    #[test]
    fn a_task_definition_is_called_by_family_and_revision() {
        let arn = TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:42");
        assert_eq!((arn.short(), arn.family(), arn.revision()), ("web:42", "web", Some(42)));
        let bare = TaskDefinitionArn::new("web");
        assert_eq!((bare.short(), bare.family(), bare.revision()), ("web", "web", None));
    }
}
