//! The deadlines: armed anew while a deployment still moves, taken away when it has ended.

use crate::cloud::Cloud;
use crate::cloud::{Function, Timer};
use crate::error::Error;
use jiff::{SignedDuration, Timestamp};
use slipway_core::ledger::Settings;
use slipway_core::outcome::Pace;
use slipway_core::schedule::{self, Ring};
use tracing::info;

use super::visit::Visit;
use crate::input::Hint;

/// After so long a ring comes back that found somebody else at work on the service.
const BUSY: SignedDuration = SignedDuration::from_secs(60);

impl<C: Cloud> Visit<'_, C> {
    /// Arms the deadline anew if it has passed; one that has not still rings.
    pub(crate) async fn rearm(&mut self, number: u64, pace: Pace) -> Result<(), Error> {
        let now = self.cloud.now();
        let Some(deployment) = self.deployment(number) else { return Ok(()) };
        if deployment.is_external() || deployment.deadline.is_some_and(|deadline| deadline > now) {
            return Ok(());
        }
        let at = match pace {
            Pace::Rearm { at, because } => {
                info!(target = %self.target, deployment.number = number, ?because, %at, "the deadline is armed anew");
                at
            }
            // The way back has a ring of its own, which is still to come.
            Pace::InTime if deployment.rollback.is_some() => return Ok(()),
            Pace::InTime => match deployment.deadline {
                None => {
                    (deployment.intended_at + allowance(&deployment.settings)).max(now + window(&deployment.settings))
                }
                Some(_) => now + window(&deployment.settings),
            },
        };
        // Armed before it is written down: a ring too many finds nothing to do, one too few is never made up for.
        self.arm_again(Ring::Deadline(number), at).await?;
        self.write(|record| {
            if let Some(it) = record.at(number) {
                it.deadline = Some(at);
            }
        })
        .await
    }

    /// Somebody else is at work on the service: looks again in a minute.
    pub(crate) async fn ring_again_soon(&self, number: u64) -> Result<(), Error> {
        // To the minute, so that all who find the same make one ring.
        let at = ((self.cloud.now() + BUSY).as_second() + 59) / 60 * 60;
        let at = Timestamp::from_second(at).unwrap_or_else(|_| self.cloud.now() + BUSY);
        self.arm_again(Ring::Deadline(number), at).await
    }

    /// Arms the deadline of the way back from a deployment, which has as much time as the deployment had. It rings a little
    /// later, when that time is surely over.
    pub(crate) async fn arm_the_way_back(&self, number: u64, settings: &Settings) -> Result<(), Error> {
        let at = self.cloud.now() + allowance(settings) + BUSY;
        self.arm(schedule::name(Ring::Back(number), &self.target), Ring::Back(number), at, Function::Track).await
    }

    /// Wakes the deploy function, for wishes that somebody left.
    pub(crate) async fn wake(&self) -> Result<(), Error> {
        let ring = Ring::Wake(self.cloud.now());
        self.arm(schedule::name(ring, &self.target), ring, self.cloud.now(), Function::Deploy).await
    }

    /// Takes the rings of a deployment away that has ended. One that stays finds nothing to do.
    pub(crate) async fn disarm(&self, number: u64) -> Result<(), Error> {
        let rang = *self.hint == Hint::Deadline(number);
        let back = self.deployment(number).is_some_and(|it| it.rollback.is_some());
        if !rang {
            self.cloud.delete_timer(&schedule::name(Ring::Deadline(number), &self.target)).await?;
        }
        if back {
            self.cloud.delete_timer(&schedule::name(Ring::Back(number), &self.target)).await?;
        }
        Ok(())
    }

    async fn arm_again(&self, ring: Ring, at: Timestamp) -> Result<(), Error> {
        self.arm(schedule::name_again(ring, &self.target, at), ring, at, Function::Track).await
    }

    async fn arm(&self, name: String, ring: Ring, at: Timestamp, to: Function) -> Result<(), Error> {
        let payload = schedule::payload(ring, &self.target);
        self.cloud.create_timer(&Timer { name, at, to, payload }).await
    }
}

/// How long a deployment may take, and its way back as well.
fn allowance(settings: &Settings) -> SignedDuration {
    // A number that somebody edited must not overflow a time.
    const YEAR: u64 = 365 * 24 * 60 * 60;
    SignedDuration::from_secs(i64::try_from(settings.deadline_seconds.min(YEAR)).unwrap_or_default())
}

/// A third of it, and at least the minute that a schedule is exact to.
fn window(settings: &Settings) -> SignedDuration {
    (allowance(settings) / 3).max(BUSY)
}
