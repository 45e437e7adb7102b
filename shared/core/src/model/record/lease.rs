//! One writer per service: the lease, and the wishes of those who do not get it.
//!
//! Nobody waits and no wake-up is lost: who finds the lease taken leaves a wish on the same record, and letting go is
//! refused while a wish is there. The fence guards this record only; ECS takes none.

use jiff::Timestamp;

use super::{Lease, Service, Wish};

/// The number of a holder of the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub u64);

/// Somebody else holds the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Until then at the latest.
    pub until: Timestamp,
}

/// The lease is no longer ours: it expired, and somebody else took it. Nothing may be written on its strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// Why the lease is not let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// Wishes came meanwhile; they are served first.
    Wishes,
    /// It isn't ours any more.
    Lost,
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

    /// Leaves a wish for whoever holds the lease; the same wish twice is one.
    pub fn wish(&mut self, wish: Wish) {
        if !self.wishes.contains(&wish) {
            self.wishes.push(wish);
        }
    }

    /// Lets what must wait wait until what is under way has ended.
    pub fn wait(&mut self, wish: Wish) {
        if !self.waiting.contains(&wish) {
            self.waiting.push(wish);
        }
    }

    /// What waited is wished for again: what it waited for has ended.
    pub fn wake(&mut self) {
        for wish in std::mem::take(&mut self.waiting) {
            self.wish(wish);
        }
    }

    /// Lets the lease go, unless there are wishes to serve first.
    pub fn let_go(&mut self, fence: Fence) -> Result<(), Unserved> {
        self.check(fence).map_err(|Lost| Unserved::Lost)?;
        if !self.wishes.is_empty() {
            return Err(Unserved::Wishes);
        }
        self.lease = None;
        Ok(())
    }

    /// Lets the lease go although wishes may be there; they are served after it.
    pub fn hand_over(&mut self, fence: Fence) -> Result<(), Lost> {
        self.check(fence)?;
        self.lease = None;
        Ok(())
    }
}
