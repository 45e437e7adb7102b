//! EventBridge Scheduler: the one-time schedules that trigger the functions.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::create_schedule::CreateScheduleError;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, Target,
};
use jiff::{Timestamp, ToSpan, Unit};
use slipway_engine::cloud::Timer;
use slipway_engine::{Error, ErrorKind};

use crate::clients::{Lazy, Names};
use crate::clock::Clock;
use crate::error;

/// EventBridge Scheduler, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Scheduler {
    client: Lazy<Client>,
    names: Names,
    clock: Clock,
}

impl Scheduler {
    pub(crate) fn new(settings: &aws_config::SdkConfig, names: &Names, clock: Clock) -> Self {
        Self { client: Lazy::new(settings), names: names.clone(), clock }
    }

    /// Makes a one-time schedule; one of this name stays as it is. Once it has fired it is gone.
    pub(crate) async fn create(&self, timer: &Timer) -> Result<(), Error> {
        const CALL: &str = "Scheduler.CreateSchedule";
        let build = |error| Error::new(CALL, &timer.name, ErrorKind::Rejected, format!("{error}"));
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().map_err(build)?;
        let dead_letters = Some(&self.names.schedule_dead_letters).filter(|arn| !arn.is_empty());
        let target = Target::builder()
            .arn(&self.names.deploy)
            .set_dead_letter_config(dead_letters.map(|arn| DeadLetterConfig::builder().arn(arn).build()))
            .role_arn(&self.names.schedule_role)
            .input(timer.payload.to_string())
            .build()
            .map_err(build)?;
        let made = self
            .client
            .get(Client::new)
            .create_schedule()
            .name(&timer.name)
            .group_name(&self.names.schedule_group)
            .schedule_expression(format!("at({})", self.moment(timer.at).strftime("%Y-%m-%dT%H:%M:%S")))
            .flexible_time_window(window)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(target)
            .send()
            .await;
        match made {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.as_service_error(), Some(CreateScheduleError::ConflictException(_))) => Ok(()),
            Err(error) => Err(error::of(CALL, &timer.name, error)),
        }
    }

    /// A time that Scheduler takes: whole seconds, and not past by the time it arrives there.
    fn moment(&self, at: Timestamp) -> Timestamp {
        /// Longer than a call takes with all its tries.
        const SOON: i64 = 5;
        let soonest = self.clock.now().saturating_add(SOON.seconds()).unwrap_or(at);
        at.max(soonest).round(Unit::Second).unwrap_or(at)
    }
}
