//! EventBridge Scheduler: one-time rings, by which the functions wake each other, and themselves later.

use std::sync::OnceLock;

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::create_schedule::CreateScheduleError;
use aws_sdk_scheduler::operation::delete_schedule::DeleteScheduleError;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, Target,
};
use jiff::{Timestamp, ToSpan, Unit};
use serde_json::Value;

use crate::clients::Names;
use crate::clock::Clock;
use crate::error::{Error, Kind};

/// EventBridge Scheduler, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Scheduler {
    settings: aws_config::SdkConfig,
    client: OnceLock<Client>,
    names: Names,
    clock: Clock,
}

/// Something that shall ring once.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    /// Its name; the same name twice rings once.
    pub name: String,
    /// When, to the second; Scheduler rings within the minute.
    pub at: Timestamp,
    /// Whom it wakes.
    pub to: To,
    /// What the function is invoked with.
    pub payload: Value,
}

/// Whom a ring wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The deploy function.
    Deploy,
    /// The track function.
    Track,
}

impl Scheduler {
    pub(crate) fn new(settings: &aws_config::SdkConfig, names: &Names, clock: Clock) -> Self {
        Self { settings: settings.clone(), client: OnceLock::new(), names: names.clone(), clock }
    }

    /// Arms a ring; one that is armed already stays as it is. Once it rang it is gone.
    pub async fn arm(&self, ring: &Ring) -> Result<(), Error> {
        const CALL: &str = "Scheduler.CreateSchedule";
        let build = |error| Error::new(CALL, &ring.name, Kind::Rejected, format!("{error}"));
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().map_err(build)?;
        let function = match ring.to {
            To::Deploy => &self.names.deploy,
            To::Track => &self.names.track,
        };
        let dead_letters = Some(&self.names.schedule_dead_letters).filter(|arn| !arn.is_empty());
        let target = Target::builder()
            .arn(function)
            .set_dead_letter_config(dead_letters.map(|arn| DeadLetterConfig::builder().arn(arn).build()))
            .role_arn(&self.names.schedule_role)
            .input(ring.payload.to_string())
            .build()
            .map_err(build)?;
        let armed = self
            .client()
            .create_schedule()
            .name(&ring.name)
            .group_name(&self.names.schedule_group)
            .schedule_expression(format!("at({})", self.moment(ring.at).strftime("%Y-%m-%dT%H:%M:%S")))
            .flexible_time_window(window)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(target)
            .send()
            .await;
        match armed {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.as_service_error(), Some(CreateScheduleError::ConflictException(_))) => Ok(()),
            Err(error) => Err(Error::of(CALL, &ring.name, error)),
        }
    }

    /// Takes a ring away that is no longer needed; one that rang, or never was, is no error.
    pub async fn disarm(&self, name: &str) -> Result<(), Error> {
        const CALL: &str = "Scheduler.DeleteSchedule";
        let gone = self.client().delete_schedule().name(name).group_name(&self.names.schedule_group).send().await;
        match gone {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(DeleteScheduleError::ResourceNotFoundException(_)) => Ok(()),
                _ => Err(Error::of(CALL, name, error)),
            },
        }
    }

    /// A time that Scheduler takes: whole seconds, and not past by the time it arrives there.
    fn moment(&self, at: Timestamp) -> Timestamp {
        /// Longer than a call takes with all its tries.
        const SOON: i64 = 5;
        let soonest = self.clock.now().saturating_add(SOON.seconds()).unwrap_or(at);
        at.max(soonest).round(Unit::Second).unwrap_or(at)
    }

    /// Built at the first call: many invocations arm nothing.
    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.settings))
    }
}
