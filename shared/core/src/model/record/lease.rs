//! One writer per service: the lease, and the inputs that are pending behind it.
//!
//! An invocation that finds the lease taken leaves its input on the same record and ends; the lease is not let go while an
//! input is there that nothing blocks. The fence guards this record only; ECS takes none.

use jiff::Timestamp;

use super::{Blocked, Lease, Pending, PendingInput, Service};
use crate::model::trigger::Trigger;

/// The number of a holder of the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub u64);

/// Somebody else holds the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Until then at the latest.
    pub until: Timestamp,
}

/// The lease expired, and somebody else took it: its former holder may write nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl Pending {
    /// Whether it can be served, or what blocks it may be over.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.blocked {
            Some(Blocked::Settling { until }) => until <= now,
            Some(Blocked::Deployment | Blocked::Retry) | None => true,
        }
    }
}

impl Service {
    /// Takes the lease until then, unless somebody else holds it.
    pub fn acquire(&mut self, holder: &str, now: Timestamp, until: Timestamp) -> Result<Fence, Busy> {
        if let Some(lease) = &self.lease
            && lease.until > now
            && lease.holder != holder
        {
            return Err(Busy { until: lease.until });
        }
        self.fence += 1;
        self.lease = Some(Lease { holder: holder.to_owned(), fence: self.fence, until });
        Ok(Fence(self.fence))
    }

    /// Whether this holder still has the lease. An expired one that nobody took is still its holder's.
    pub fn check(&self, fence: Fence) -> Result<(), Lost> {
        if self.lease.as_ref().is_some_and(|lease| lease.fence == fence.0) { Ok(()) } else { Err(Lost) }
    }

    /// Leaves an input for the holder of the lease; the same input twice is one.
    pub fn leave(&mut self, input: PendingInput) {
        match self.pending.iter_mut().find(|it| it.input == input) {
            Some(known) => known.blocked = None,
            None => self.pending.push(Pending { input, blocked: None }),
        }
        self.cap_pending();
    }

    /// Blocks an input until what blocks it is over. One input to decide again is enough for all images.
    pub fn block(&mut self, input: PendingInput, blocked: Blocked) {
        self.pending.retain(|it| it.input != input);
        let again = |it: &&mut Pending| it.blocked.is_some() && it.input.tag.is_none();
        match self.pending.iter_mut().find(again) {
            Some(known) if input.tag.is_none() => {
                // A person's release is the one that people expect in the history.
                if input.trigger == Trigger::Release && known.input.trigger != Trigger::Release {
                    *known = Pending { input, blocked: Some(blocked) };
                }
            }
            _ => self.pending.push(Pending { input, blocked: Some(blocked) }),
        }
        self.cap_pending();
    }

    /// Unblocks the inputs that are due; if what blocks one is not over, it is blocked again when it is served.
    pub fn unblock(&mut self, now: Timestamp) {
        self.pending.iter_mut().filter(|it| it.is_due(now)).for_each(|it| it.blocked = None);
    }

    /// The inputs that can be served now.
    pub fn unblocked(&self) -> impl Iterator<Item = &PendingInput> {
        self.pending.iter().filter(|it| it.blocked.is_none()).map(|it| &it.input)
    }

    /// These inputs were served.
    pub fn served(&mut self, inputs: &[PendingInput]) {
        self.pending.retain(|it| it.blocked.is_some() || !inputs.contains(&it.input));
    }

    /// Lets the lease go, unless there are inputs to serve first; these.
    pub fn let_go(&mut self, fence: Fence) -> Result<Vec<PendingInput>, Lost> {
        self.check(fence)?;
        let unserved: Vec<_> = self.unblocked().cloned().collect();
        if unserved.is_empty() {
            self.lease = None;
        }
        Ok(unserved)
    }

    /// Lets the lease go although inputs may be pending; somebody else serves them.
    pub fn hand_over(&mut self, fence: Fence) -> Result<(), Lost> {
        self.check(fence)?;
        self.lease = None;
        Ok(())
    }
}
