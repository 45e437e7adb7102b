//! The ledger's table and the one-time schedules of the storm: compare-and-set, and rings.

use jiff::Timestamp;
use serde_json::Value;
use slipway_core::ledger::Service;

/// One service's item.
#[derive(Debug, Default)]
pub(crate) struct Store {
    rev: u64,
    record: Service,
    rings: Vec<Armed>,
}

/// A one-time schedule.
#[derive(Clone, Debug)]
pub(crate) struct Armed {
    /// Its name.
    pub(crate) name: String,
    /// When it rings.
    pub(crate) at: Timestamp,
    /// What the function is invoked with.
    pub(crate) payload: Value,
}

impl Store {
    /// `GetItem`.
    pub(crate) fn read(&self) -> (u64, Service) {
        (self.rev, self.record.clone())
    }

    /// The record as it is, for the laws to look at.
    pub(crate) fn record(&self) -> &Service {
        &self.record
    }

    /// `PutItem` on the condition that nobody wrote since `rev` was read.
    pub(crate) fn write(&mut self, rev: u64, record: &Service) -> Result<u64, Box<(u64, Service)>> {
        if self.rev != rev {
            return Err(Box::new(self.read()));
        }
        // Through JSON, as the table has it: what does not survive that must not be relied on.
        let json = serde_json::to_value(record).unwrap_or_default();
        self.record = serde_json::from_value(json).unwrap_or_default();
        self.rev += 1;
        Ok(self.rev)
    }

    /// `CreateSchedule`; one that is there stays as it is.
    pub(crate) fn arm(&mut self, name: String, at: Timestamp, payload: Value) {
        if !self.rings.iter().any(|it| it.name == name) {
            self.rings.push(Armed { name, at, payload });
        }
    }

    /// Takes what rings by now.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Armed> {
        let (due, later) = std::mem::take(&mut self.rings).into_iter().partition(|it| it.at <= now);
        self.rings = later;
        due
    }

    /// When the next one rings.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.rings.iter().map(|it| it.at).min()
    }
}
