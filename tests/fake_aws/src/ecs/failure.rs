//! What can go wrong with a deployment, and ECS's words for it.
//!
//! Only some of the words are known to be ECS's: see `FIDELITY.md`. Nothing should depend on the others.

/// What goes wrong with a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The essential container ends with this exit code.
    Exits {
        /// Not zero.
        code: i32,
    },
    /// The kernel kills the container, exit code 137.
    RunsOutOfMemory,
    /// The image cannot be pulled; the container never starts.
    CannotBePulled,
    /// A secret or a role is missing; the container never starts.
    CannotBePrepared,
    /// The container's health checks fail.
    IsUnhealthy,
    /// The load balancer's health checks fail.
    IsUnhealthyBehindLoadBalancer,
    /// AWS takes the Spot capacity away; nobody's fault.
    LosesItsSpot,
    /// The service is scaled in or its old tasks are drained; nobody's fault.
    IsScaledIn,
    /// A person stops the task.
    IsStoppedByHand,
    /// A deployment alarm goes off; the tasks themselves run.
    SoundsAlarm {
        /// The alarm's name.
        name: String,
    },
    /// A lifecycle hook of a blue/green, linear or canary deployment fails.
    FailsHook,
}

impl Failure {
    /// Whether ECS counts a task that stops so as failed.
    pub(super) fn counts(&self) -> bool {
        !matches!(self, Self::LosesItsSpot | Self::IsScaledIn | Self::IsStoppedByHand)
    }

    /// Whether the container ran before.
    pub(super) fn ran(&self) -> bool {
        !matches!(self, Self::CannotBePulled | Self::CannotBePrepared)
    }
}

impl Default for Failure {
    /// The commonest one: the program ends with exit code 1.
    fn default() -> Self {
        Self::Exits { code: 1 }
    }
}

/// Why ECS rolls back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RollbackCause {
    CircuitBreaker,
    Alarm,
    Hook,
    StopRequest,
}

impl RollbackCause {
    pub(super) fn failed(&self) -> &'static str {
        match self {
            Self::CircuitBreaker => "ECS deployment circuit breaker: tasks failed to start.",
            Self::Alarm => "ECS deployment failed: alarm detected.",
            Self::Hook => "ECS deployment failed: lifecycle hook failed.",
            Self::StopRequest => "ECS deployment stopped on request.",
        }
    }

    pub(super) fn logged(&self) -> &'static str {
        match self {
            Self::CircuitBreaker => "tasks failed to start.",
            Self::Alarm => "alarm detected.",
            Self::Hook => "lifecycle hook failed.",
            Self::StopRequest => "stopped on request.",
        }
    }

    pub(super) fn rolling_back(&self, id: &str) -> String {
        match self {
            Self::CircuitBreaker => format!("ECS deployment circuit breaker: rolling back to deploymentId {id}."),
            Self::Alarm => format!("ECS deployment alarm detected: rolling back to deploymentId {id}."),
            Self::Hook => format!("ECS deployment lifecycle hook failed: rolling back to deploymentId {id}."),
            Self::StopRequest => format!("ECS deployment stopped on request: rolling back to deploymentId {id}."),
        }
    }

    pub(super) fn ended(&self) -> &'static str {
        match self {
            Self::CircuitBreaker => {
                "Service deployment rolled back because the circuit breaker threshold was exceeded."
            }
            Self::Alarm => "Service deployment rolled back because an alarm was detected.",
            Self::Hook => "Service deployment rolled back because a lifecycle hook failed.",
            Self::StopRequest => "Service deployment rolled back because a stop was requested.",
        }
    }

    /// Where ECS is not set to roll back. What matters is that the words don't speak of a rollback.
    pub(super) fn stopped(&self) -> &'static str {
        match self {
            Self::CircuitBreaker => "Service deployment stopped because the circuit breaker threshold was exceeded.",
            Self::Alarm => "Service deployment stopped because an alarm was detected.",
            Self::Hook => "Service deployment stopped because a lifecycle hook failed.",
            Self::StopRequest => "Service deployment stopped because a stop was requested.",
        }
    }
}
