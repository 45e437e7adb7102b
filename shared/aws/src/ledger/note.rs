//! Small records beside a service's: a message's place in Slack, a channel's next free second.
//!
//! Each is an item of its own, written only on the condition that nobody wrote in between, and deleted by DynamoDB when
//! its time is over.

use jiff::Timestamp;
use slipway_engine::Error;
use slipway_engine::store::compare_and_set;
use tokio::time::sleep;

use super::Ledger;
use super::item::Record;

pub use super::item::Place;

impl Ledger {
    /// Changes a note: reads, changes, writes, and begins again where somebody else wrote meanwhile.
    ///
    /// `change` may be called several times, each time on what is there then. A note that it leaves as it is is not
    /// written. It is kept until `until` at least.
    pub async fn change_note<N: Record, T>(
        &self,
        place: &Place,
        until: Timestamp,
        change: impl FnMut(&mut N) -> T,
    ) -> Result<(T, N), Error> {
        let there = self.read_item(place).await?;
        let write = async |item| self.write_item(place, item, Some(until)).await;
        let (changed, item) = compare_and_set(place.target.as_str(), there, change, write, sleep).await?;
        Ok((changed, item.record))
    }
}
