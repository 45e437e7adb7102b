//! Keeps the record small: DynamoDB takes items of 400 KB at most, and what is too large would never be written again.

use super::{Deployment, Pending, PendingInput, Service};
use crate::model::id::EventId;
use crate::model::trigger::Trigger;

/// So many pushes are pending at most.
const PENDING: usize = 50;

/// So many push events stay in a record that is too large.
const FEW: usize = 10;

impl Service {
    /// Keeps the newest pushes. In the place of those that are dropped everything in the registry is decided again, so that the
    /// best of them is not lost.
    pub(super) fn cap_pending(&mut self) {
        while self.pending.iter().filter(|it| is_push(it)).count() > PENDING {
            let pushes = self.pending.iter().enumerate().filter(|(_, it)| is_push(it));
            let Some((oldest, _)) = pushes.min_by_key(|(_, it)| it.input.at) else { return };
            let Pending { input, blocked } = self.pending.remove(oldest);
            // One is enough for what waits, and one for what can be served.
            let is_there = |it: &Pending| !is_push(it) && it.blocked.is_some() == blocked.is_some();
            if !self.pending.iter().any(is_there) {
                let event = EventId::new(format!("instead-of-{}", input.event));
                let again = PendingInput::again(event, Trigger::Reconcile, input.at);
                self.pending.push(Pending { input: again, blocked });
            }
        }
    }

    /// Drops the next thing of a record that is too large: the tasks that failed and the warnings of deployments that ended, the
    /// oldest first, then what only helps to order images, then whole deployments, which are to be archived. `None` where
    /// nothing more can go.
    pub fn shrink(&mut self) -> Option<Vec<Deployment>> {
        if let Some(it) = self.deployments.iter_mut().rev().find(|it| !it.is_open() && has_lists(it)) {
            it.failed_tasks.clear();
            it.warnings.clear();
            return Some(Vec::new());
        }
        if self.tag_pushes.len() > FEW {
            self.tag_pushes.truncate(FEW);
            return Some(Vec::new());
        }
        if self.published.len() > FEW {
            self.published.truncate(FEW);
            return Some(Vec::new());
        }
        // The last one is what rules look at; what has not ended is followed.
        let oldest = self.deployments.iter().rposition(|it| !it.is_open()).filter(|at| *at > 0)?;
        Some(vec![self.deployments.remove(oldest)])
    }
}

fn is_push(pending: &Pending) -> bool {
    pending.input.tag.is_some()
}

fn has_lists(it: &Deployment) -> bool {
    !it.failed_tasks.is_empty() || !it.warnings.is_empty()
}
