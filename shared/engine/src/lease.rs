//! The lease of one service: taken, kept, and let go only when no input is pending.
//!
//! It knows nothing of what is done under it. Every write checks that the lease is still ours.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};
use slipway_core::model::id::TargetName;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{Blocked, Busy, Fence, Lost, PendingInput, Service};
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::note::Note;
use tracing::warn;

use crate::cloud::{Cloud, Versioned};
use crate::error::Error;
use crate::invocation::Call;
use crate::{store, timer};

/// The lease of one service, held.
#[derive(Debug)]
pub(crate) struct HeldLease<'a, C> {
    cloud: &'a C,
    pub(crate) target: TargetName,
    fence: Fence,
    item: Versioned,
    notes: Vec<Note>,
    /// Whether the last holder died, or is an earlier try of this very invocation: what it began may be half done.
    is_takeover: bool,
}

/// What a lease is taken for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'i> {
    /// An input that came; where somebody else has the lease, it is left on the record. The reconcile takes up the pending
    /// inputs as well.
    Input(&'i PendingInput),
    /// The pending inputs; what blocked them may be over.
    Pending,
    /// A request, which waits for the lease.
    Request,
}

/// Why a write under the lease was not made.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    Failed(Error),
    /// Somebody else has the lease.
    Lost,
    /// The record, as it is now, does not allow it.
    Refused(Reason),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<'a, C: Cloud> HeldLease<'a, C> {
    /// Takes the lease. Where somebody else has it and inputs wait, makes a timer for the case that the holder died.
    pub(crate) async fn take(
        call: &Call<'a, C>,
        target: &TargetName,
        purpose: Purpose<'_>,
    ) -> Result<Result<Self, Busy>, Error> {
        let cloud = call.cloud();
        let now = cloud.now();
        let (taken, item) = store::change(cloud, target, |record| {
            let is_takeover = record.lease.is_some();
            let taken = record.acquire(call.request_id, now, call.lease_until);
            match purpose {
                Purpose::Input(input) if taken.is_err() => record.leave(input.clone()),
                Purpose::Pending => record.unblock(now),
                // The timer that was to bring it back may be lost.
                Purpose::Input(input) if input.trigger == Trigger::Reconcile => record.unblock(now),
                Purpose::Input(_) | Purpose::Request => {}
            }
            taken.map(|fence| (fence, is_takeover))
        })
        .await?;
        let busy = match taken {
            Ok((fence, is_takeover)) => {
                return Ok(Ok(Self { cloud, target: target.clone(), fence, item, notes: Vec::new(), is_takeover }));
            }
            Err(busy) => busy,
        };
        let inputs_wait = match purpose {
            Purpose::Input(_) => true,
            // The timer that fired is gone, and this holder may have died, too.
            Purpose::Pending => item.record.unblocked().next().is_some(),
            Purpose::Request => false,
        };
        if inputs_wait {
            timer::arm(cloud, target, busy.until.saturating_add(1.second()).unwrap_or(busy.until)).await?;
        }
        Ok(Err(busy))
    }

    /// Takes the lease for a request as soon as it is free, and gives up at `until`.
    pub(crate) async fn wait(
        call: &Call<'a, C>,
        target: &TargetName,
        until: Timestamp,
    ) -> Result<Result<Self, Busy>, Error> {
        /// Deployments are updated within a second or two.
        const PAUSE: Duration = Duration::from_millis(500);
        loop {
            match Self::take(call, target, Purpose::Request).await? {
                Err(_) if call.now() + SignedDuration::try_from(PAUSE).unwrap_or_default() < until => {
                    call.cloud().sleep(PAUSE).await
                }
                taken => return Ok(taken),
            }
        }
    }

    /// The record, with what is noted and not written yet.
    pub(crate) fn record(&self) -> Service {
        let mut record = self.item.record.clone();
        self.notes.iter().for_each(|note| note.write(&mut record));
        record
    }

    /// Whether an earlier try may have left a revision that no update followed.
    pub(crate) fn may_have_registered(&self) -> bool {
        self.is_takeover || self.notes.iter().any(|note| matches!(note, Note::Discarded(_) | Note::NeverBegan(_)))
    }

    /// Notes something for the next write.
    pub(crate) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Changes the record, unless the lease is lost or the change itself refuses.
    pub(crate) async fn change<T>(
        &mut self,
        change: impl Fn(&mut Service, Fence) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let (fence, notes) = (self.fence, &self.notes);
        let (changed, item) = store::change_from(self.cloud, &self.target, self.item.clone(), |record| {
            record.check(fence).map_err(|Lost| Stop::Lost)?;
            let before = record.clone();
            notes.iter().for_each(|note| note.write(record));
            let changed = change(record, fence);
            if changed.is_err() {
                *record = before;
            }
            changed
        })
        .await?;
        if changed.is_ok() {
            self.item = item;
            self.notes.clear();
        }
        changed
    }

    /// Lets go, unless inputs are pending beyond those that were served; then they are the answer.
    /// `deferred` inputs cannot be served now; they wait for a timer that is made elsewhere.
    pub(crate) async fn let_go(
        &mut self,
        served: &[PendingInput],
        deferred: &[PendingInput],
    ) -> Result<Vec<PendingInput>, Stop> {
        self.change(|record, fence| {
            record.served(served);
            deferred.iter().for_each(|input| record.block(input.clone(), Blocked::Retry));
            record.let_go(fence).map_err(|Lost| Stop::Lost)
        })
        .await
    }

    /// Reads the record again, for the inputs that came.
    pub(crate) async fn refresh(&mut self) {
        match store::read(self.cloud, &self.target).await {
            Ok(item) => self.item = item,
            Err(error) => {
                warn!(%error, "the record could not be read again; the inputs that came are served in the next round");
            }
        }
    }

    /// The inputs that are pending there and that nothing blocks, but for these.
    pub(crate) fn unblocked_but(&self, known: &[PendingInput]) -> Vec<PendingInput> {
        self.item.record.unblocked().filter(|input| !known.contains(input)).cloned().collect()
    }
}
