//! The lease of one service: taken, kept, and let go only when no input is pending.
//!
//! It knows nothing of what is done under it. Every write checks that the lease is still ours.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};
use slipway_core::model::id::TargetName;
use slipway_core::model::record::{Blocked, Busy, Fence, Lost, PendingInput, Service};
use slipway_core::rules::note::Note;

use crate::cloud::{Cloud, Versioned};
use crate::error::Error;
use crate::{store, timer};

/// The lease of one service, held.
#[derive(Debug)]
pub(crate) struct HeldLease<'a, C> {
    cloud: &'a C,
    pub(crate) target: TargetName,
    fence: Fence,
    item: Versioned,
    notes: Vec<Note>,
    /// What the last holder left.
    left: Left,
}

/// How the last holder left the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// It let go.
    Tidy,
    /// It died, or is this very invocation's earlier try: what it began may be half done.
    Abrupt,
}

/// Who takes leases, and until when.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    /// The Lambda request.
    pub(crate) id: String,
    /// When it can no longer be alive.
    pub(crate) until: Timestamp,
}

/// What becomes of inputs that wait, when the lease is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// They are to be served now.
    Wakes,
    /// They go on waiting.
    Waits,
}

/// Why a write under the lease was not made.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// A call failed.
    Failed(Error),
    /// Somebody else has the lease.
    Lost,
    /// The record, as it is now, speaks against it.
    Refused(slipway_core::model::reason::Reason),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<'a, C: Cloud> HeldLease<'a, C> {
    /// Takes the lease, or leaves these inputs with whoever holds it and makes a timer for the case that they died.
    pub(crate) async fn take(
        cloud: &'a C,
        target: &TargetName,
        holder: &Holder,
        inputs: &[PendingInput],
        waiting: Waiting,
    ) -> Result<Result<Self, Busy>, Error> {
        let now = cloud.now();
        let (taken, item) = store::change(cloud, target, |record| {
            let left = if record.lease.is_some() { Left::Abrupt } else { Left::Tidy };
            if waiting == Waiting::Wakes {
                record.unblock(now);
            }
            let taken = record.acquire(&holder.id, now, holder.until);
            if taken.is_err() {
                inputs.iter().for_each(|input| record.leave(input.clone()));
            }
            taken.map(|fence| (fence, left))
        })
        .await?;
        match taken {
            Ok((fence, left)) => Ok(Ok(Self { cloud, target: target.clone(), fence, item, notes: Vec::new(), left })),
            Err(busy) => {
                // The timer that fired is spent; whoever has the lease may be as dead as the one before.
                let woken = waiting == Waiting::Wakes && item.record.unblocked().next().is_some();
                if woken || !inputs.is_empty() {
                    timer::arm(cloud, target, busy.until.saturating_add(1.second()).unwrap_or(busy.until)).await?;
                }
                Ok(Err(busy))
            }
        }
    }

    /// Takes the lease as soon as it is free, and gives up at `until`.
    pub(crate) async fn wait(
        cloud: &'a C,
        target: &TargetName,
        holder: &Holder,
        until: Timestamp,
    ) -> Result<Result<Self, Busy>, Error> {
        /// Deployments are updated within a second or two.
        const PAUSE: Duration = Duration::from_millis(500);
        loop {
            match Self::take(cloud, target, holder, &[], Waiting::Waits).await? {
                Err(_) if cloud.now() + SignedDuration::try_from(PAUSE).unwrap_or_default() < until => {
                    cloud.sleep(PAUSE).await
                }
                taken => return Ok(taken),
            }
        }
    }

    /// What is remembered, with what is noted and not written yet.
    pub(crate) fn record(&self) -> Service {
        let mut record = self.item.record.clone();
        self.notes.iter().for_each(|note| note.write(&mut record));
        record
    }

    /// Whether an earlier try may have left a revision that no update followed.
    pub(crate) fn suspects(&self) -> bool {
        self.left == Left::Abrupt
            || self.notes.iter().any(|note| matches!(note, Note::Discarded(_) | Note::NeverBegan(_)))
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
        let changed = store::change_from(self.cloud, &self.target, self.item.clone(), |record| {
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
        let (changed, item) = changed;
        if changed.is_ok() {
            self.item = item;
            self.notes.clear();
        }
        changed
    }

    /// Lets go, unless inputs are pending beyond those that were served; then they are the answer.
    ///
    /// `aside` are inputs that cannot be served now; they wait, for a timer that is made elsewhere.
    pub(crate) async fn let_go(
        &mut self,
        served: &[PendingInput],
        aside: &[PendingInput],
    ) -> Result<Vec<PendingInput>, Stop> {
        self.change(|record, fence| {
            record.served(served);
            aside.iter().for_each(|input| record.block(input.clone(), Blocked::Retry));
            record.let_go(fence).map_err(|Lost| Stop::Lost)
        })
        .await
    }

    /// Reads the record again.
    pub(crate) async fn refresh(&mut self) -> Result<(), Error> {
        self.item = store::read(self.cloud, &self.target).await?;
        Ok(())
    }

    /// The inputs that are pending there and that nothing blocks, but for these.
    pub(crate) fn unblocked_but(&self, known: &[PendingInput]) -> Vec<PendingInput> {
        self.item.record.unblocked().filter(|input| !known.contains(input)).cloned().collect()
    }
}
