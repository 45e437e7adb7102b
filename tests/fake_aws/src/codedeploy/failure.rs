//! Why a deployment ends otherwise than well, and CodeDeploy's words for it.
//!
//! Only some of the words are known to be CodeDeploy's: see `FIDELITY.md`. Nothing should depend on the others.

/// Why a deployment fails or is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The hook of a lifecycle event failed.
    Hook { event: &'static str },
    /// An alarm of the deployment group went off.
    Alarm,
    /// The replacement's tasks did not run in time.
    NeverHealthy,
    /// ECS refused something.
    RefusedByEcs { message: String },
    /// StopDeployment.
    Request { rolls_back: Rollback },
    /// Nobody let a deployment go on that waited for it.
    NotContinued,
}

/// What StopDeployment says of the rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rollback {
    Wanted,
    NotWanted,
    /// Nothing, so that the configuration counts.
    AsConfigured,
}

impl Cause {
    /// The status that the deployment ends with.
    pub(super) fn status(&self) -> &'static str {
        match self {
            Self::Hook { .. } | Self::NeverHealthy | Self::RefusedByEcs { .. } => "Failed",
            Self::Alarm | Self::Request { .. } | Self::NotContinued => "Stopped",
        }
    }

    /// The event of an `autoRollbackConfiguration` that covers it.
    pub(super) fn rollback_event(&self) -> &'static str {
        match self {
            Self::Hook { .. } | Self::NeverHealthy | Self::RefusedByEcs { .. } => "DEPLOYMENT_FAILURE",
            Self::Alarm => "DEPLOYMENT_STOP_ON_ALARM",
            Self::Request { .. } | Self::NotContinued => "DEPLOYMENT_STOP_ON_REQUEST",
        }
    }

    /// The code of `errorInformation`.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Hook { .. } => "HOOK_EXECUTION_FAILURE",
            Self::Alarm => "ALARM_ACTIVE",
            Self::NeverHealthy | Self::NotContinued => "TIMEOUT",
            Self::RefusedByEcs { .. } => "ECS_UPDATE_ERROR",
            Self::Request { .. } => "MANUAL_STOP",
        }
    }

    /// Its message.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Hook { event } => {
                format!("The deployment failed because the Lambda function of the hook {event} did not succeed.")
            }
            Self::Alarm => "One or more alarms have been activated according to the Amazon CloudWatch metrics you \
                            selected, and the affected deployments have been stopped."
                .to_owned(),
            Self::NeverHealthy => "The deployment timed out while waiting for the replacement task set to become \
                                   healthy. This time out period is 60 minutes."
                .to_owned(),
            Self::RefusedByEcs { message } => {
                format!("The ECS service cannot be updated due to an unexpected error: {message}")
            }
            Self::Request { .. } => "The deployment was stopped by a user.".to_owned(),
            Self::NotContinued => "The deployment was stopped because traffic was not rerouted in time.".to_owned(),
        }
    }
}
