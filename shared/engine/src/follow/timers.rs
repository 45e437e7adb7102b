//! The deadlines of deployments: given anew while a deployment still moves.

use jiff::{SignedDuration, Timestamp};
use slipway_core::rules::mechanism::Pace;
use tracing::info;

use super::session::FollowSession;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::input::Hint;
use crate::timer;

/// What could not be done because somebody else acts on the service is tried again after so long.
pub(super) const BUSY: SignedDuration = SignedDuration::from_secs(60);

impl<C: Cloud> FollowSession<'_, C> {
    /// Gives a deployment a new deadline if its own has passed; one that has not still comes.
    pub(crate) async fn rearm(&mut self, number: u64, pace: Pace) -> Result<(), Error> {
        let now = self.cloud.now();
        let Some(deployment) = self.deployment(number) else { return Ok(()) };
        if deployment.is_external() || deployment.deadline.is_some_and(|deadline| deadline > now) {
            return Ok(());
        }
        let at = match pace {
            Pace::Rearm { at, because } => {
                info!(target = %self.managed.target, deployment.number = number, ?because, %at, "it gets more time");
                at
            }
            // The rollback has a timer of its own, which is still to come.
            Pace::InTime if deployment.rollback().is_some() => return Ok(()),
            Pace::InTime => match deployment.deadline {
                None => (deployment.intended_at + deployment.settings.allowance())
                    .max(now + deployment.settings.extension()),
                Some(_) => now + deployment.settings.extension(),
            },
        };
        // Made before it is recorded: a timer too many finds nothing due, one too few is made up for by the reconcile only.
        self.arm(at).await?;
        self.write(|record| {
            if let Some(it) = record.at(number) {
                it.deadline = Some(at);
            }
        })
        .await
    }

    /// A timer that found a deployment still under way after its deadline: there is another one, so that no end is missed.
    pub(crate) async fn keep_the_deadline(&mut self, number: u64) -> Result<(), Error> {
        let open = self.deployment(number).is_some_and(|it| it.is_open());
        if *self.hint == Hint::Timer && open { self.rearm(number, Pace::InTime).await } else { Ok(()) }
    }

    /// Somebody else holds the lease, or ECS acts: the service is observed again in a minute.
    pub(crate) async fn return_soon(&self) -> Result<(), Error> {
        self.arm(self.cloud.now() + BUSY).await
    }

    pub(crate) async fn arm(&self, due: Timestamp) -> Result<(), Error> {
        timer::arm(self.cloud, &self.managed.target, due).await
    }
}
