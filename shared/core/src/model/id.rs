//! Newtypes for the ids that could be swapped by mistake, and the two ARNs we take apart.
//!
//! They stand apart so that a cluster never travels as a service; parsing is lenient, because ids come from AWS.

use std::fmt;

use serde::{Deserialize, Serialize};

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

            /// The text as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
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
    /// A deployment as ECS events name it, `ecs-svc/1702860048778063437`.
    DeploymentId;
    /// The ARN of a service deployment; its id is not the [`DeploymentId`], and AWS documents no mapping.
    ServiceDeploymentArn;
    /// The ARN of a service revision, ECS's record of what really ran.
    ServiceRevisionArn;
    /// What set Slipway going: an EventBridge event's id, or the `id` of a manual request.
    EventId;
    /// A target as people name it: `cluster/service`.
    TargetName;
}

impl ServiceDeploymentArn {
    /// A name for the deployment where ECS's own is not known: `service-deployment/NCWGC2ZR-taawPAYrIaU5`.
    pub fn as_deployment(&self) -> DeploymentId {
        let id = self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, id)| id);
        DeploymentId::new(format!("service-deployment/{id}"))
    }
}

/// A task definition revision's ARN, `arn:aws:ecs:eu-west-1:123456789012:task-definition/web:42`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskDefinitionArn(String);

impl TaskDefinitionArn {
    /// Takes the text as it is; `family:revision` without the ARN is accepted too.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

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

impl fmt::Display for TaskDefinitionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A service's ARN. Services that were never migrated have the short form without a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceArn {
    /// `aws`, `aws-cn`, …
    pub partition: Partition,
    /// Where the service is.
    pub region: Region,
    /// Whose the service is.
    pub account: AccountId,
    /// `None` in the short form, `service/NAME`.
    pub cluster: Option<ClusterName>,
    /// The service's name.
    pub service: ServiceName,
}

impl ServiceArn {
    /// Parses `arn:P:ecs:R:A:service/CLUSTER/NAME` and `…:service/NAME`; `None` for anything else.
    pub fn parse(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let (partition, ecs, region, account) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let path = parts.next()?.strip_prefix("service/")?;
        if ecs != "ecs" {
            return None;
        }
        let (cluster, service) = match path.split_once('/') {
            Some((cluster, service)) => (Some(ClusterName::new(cluster)), service),
            None => (None, path),
        };
        Some(Self {
            partition: Partition::new(partition),
            region: Region::new(region),
            account: AccountId::new(account),
            cluster,
            service: ServiceName::new(service),
        })
    }
}

/// Where a function runs, read from its own ARN: the account and region that a bare repository name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// `aws`, `aws-cn`, …
    pub partition: Partition,
    /// The function's account.
    pub account: AccountId,
    /// The function's region.
    pub region: Region,
}

impl Home {
    /// Parses the partition, region and account of any regional ARN, such as a function's.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let (partition, _, region, account) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (!region.is_empty() && !account.is_empty()).then(|| Self {
            partition: Partition::new(partition),
            account: AccountId::new(account),
            region: Region::new(region),
        })
    }
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
        assert_eq!(long.partition.as_str(), "aws-cn");

        let short = ServiceArn::parse("arn:aws:ecs:eu-west-1:123456789012:service/web").unwrap();
        assert_eq!(short.cluster, None);
        assert_eq!(short.service.as_str(), "web");

        assert_eq!(ServiceArn::parse("arn:aws:ecs:eu-west-1:123456789012:cluster/prod"), None);
        assert_eq!(ServiceArn::parse("nonsense"), None);
    }

    #[test]
    fn a_task_definition_is_called_by_family_and_revision() {
        let arn = TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:42");
        assert_eq!((arn.short(), arn.family(), arn.revision()), ("web:42", "web", Some(42)));
        let bare = TaskDefinitionArn::new("web");
        assert_eq!((bare.short(), bare.family(), bare.revision()), ("web", "web", None));
    }
}
