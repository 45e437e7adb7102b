//! Changes a service's record by compare-and-set: reads, changes by a pure function, writes on the condition that nobody
//! wrote in between, else begins again with what is there now. The one mechanism for every race.

use std::time::Duration;

use slipway_core::id::TargetName;
use slipway_core::ledger::Service;

use crate::cloud::{Cloud, Versioned};
use crate::error::{Error, Kind};

/// Writers of one record are few and quick; who loses this often has met something else than a race.
const TRIES: u32 = 40;

/// Changes the record as it is now. `change` may be called several times, each time on what is there then. A record that it
/// leaves as it is is not written.
pub(crate) async fn change<T>(
    cloud: &impl Cloud,
    target: &TargetName,
    change: impl FnMut(&mut Service) -> T,
) -> Result<(T, Versioned), Error> {
    let there = cloud.read_record(target).await?;
    change_from(cloud, target, there, change).await
}

/// As [`change`], from a record that was read a moment ago.
pub(crate) async fn change_from<T>(
    cloud: &impl Cloud,
    target: &TargetName,
    mut there: Versioned,
    mut change: impl FnMut(&mut Service) -> T,
) -> Result<(T, Versioned), Error> {
    for again in 0..TRIES {
        let before = there.record.clone();
        let changed = change(&mut there.record);
        if there.record == before {
            return Ok((changed, there));
        }
        match cloud.write_record(target, there).await? {
            Ok(written) => return Ok((changed, written)),
            Err(other) => there = other,
        }
        cloud.sleep(Duration::from_millis(u64::from(2 * again.min(10)))).await;
    }
    let message = "others wrote the record each time in between; it is tried again";
    Err(Error::new("DynamoDB.PutItem", target.as_str(), Kind::Throttled, message))
}
