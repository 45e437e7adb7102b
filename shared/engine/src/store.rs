//! Changes an item of the table by compare-and-set, the one mechanism for every race.
//!
//! It is read, changed by a pure function, and written on the condition that nobody wrote in between; else it begins again
//! with what is there now.

use std::time::Duration;

use slipway_core::model::id::TargetName;
use slipway_core::model::record::{Deployment, Newer, Service};
use tracing::warn;

use crate::cloud::{Cloud, Metric, Versioned};
use crate::error::{Error, ErrorKind};

/// Writers of one item are few and quick; losing this often is something else than a race.
const TRIES: u32 = 40;

/// Changes an item that was read a moment ago, by `write` and with pauses by `pause`.
///
/// `change` may be called several times, each time on what is there then. What it leaves as it is is not written.
pub async fn compare_and_set<R: Clone + PartialEq, T>(
    subject: &str,
    mut there: Versioned<R>,
    mut change: impl FnMut(&mut R) -> T,
    write: impl AsyncFn(Versioned<R>) -> Result<Result<Versioned<R>, Versioned<R>>, Error>,
    pause: impl AsyncFn(Duration),
) -> Result<(T, Versioned<R>), Error> {
    for again in 0..TRIES {
        let before = there.record.clone();
        let changed = change(&mut there.record);
        if there.record == before {
            return Ok((changed, there));
        }
        match write(there).await? {
            Ok(written) => return Ok((changed, written)),
            Err(other) => there = other,
        }
        pause(Duration::from_millis(u64::from(2 * again.min(10)))).await;
    }
    let message = "others wrote the record each time in between; it is tried again";
    Err(Error::new("DynamoDB.PutItem", subject, ErrorKind::Throttled, message))
}

/// A service's record, to act on it. One that a newer version of Slipway wrote is an error that passes: the event comes
/// again, until it reaches a function of that version.
pub(crate) async fn read(cloud: &impl Cloud, target: &TargetName) -> Result<Versioned, Error> {
    current(target, cloud.read_record(target).await?)
}

fn current(target: &TargetName, read: Versioned) -> Result<Versioned, Error> {
    let newer =
        |newer: Newer| Error::new("DynamoDB.GetItem", target.as_str(), ErrorKind::Unreachable, newer.to_string());
    Ok(Versioned { record: read.record.current().map_err(newer)?, ..read })
}

/// Changes a service's record as it is now.
pub(crate) async fn change<T>(
    cloud: &impl Cloud,
    target: &TargetName,
    change: impl FnMut(&mut Service) -> T,
) -> Result<(T, Versioned), Error> {
    let there = read(cloud, target).await?;
    change_from(cloud, target, there, change).await
}

/// As [`change`], from a record that was read a moment ago.
pub(crate) async fn change_from<T>(
    cloud: &impl Cloud,
    target: &TargetName,
    there: Versioned,
    change: impl FnMut(&mut Service) -> T,
) -> Result<(T, Versioned), Error> {
    let write = async |record| match write_whole(cloud, target, record).await? {
        Ok(written) => Ok(Ok(written)),
        Err(other) => current(target, other).map(Err),
    };
    compare_and_set(target.as_str(), there, change, write, async |time| cloud.sleep(time).await).await
}

/// Bytes of a record, as JSON, of which somebody has to know.
const LARGE: usize = 300 * 1024;

/// Bytes to which a record is made smaller that DynamoDB refuses: its limit is 400 KB, and there is to be some room.
const FITS: usize = 350 * 1024;

/// Writes a record. One that is too large loses what is dispensable, so that the service is not stuck for ever.
async fn write_whole(
    cloud: &impl Cloud,
    target: &TargetName,
    mut item: Versioned,
) -> Result<Result<Versioned, Versioned>, Error> {
    let size = size(&item.record);
    if size <= LARGE {
        return cloud.write_record(target, item).await;
    }
    warn!(%target, bytes = size, "the record of the service is large; DynamoDB takes 400 KB");
    cloud.count(Metric::RecordsTooLarge, Some(target));
    loop {
        match cloud.write_record(target, item.clone()).await {
            Err(error) if error.kind == ErrorKind::TooLarge => {
                let Some(dropped) = make_fit(&mut item.record) else { return Err(error) };
                for old in &dropped {
                    cloud.archive_deployment(target, old).await?;
                }
                warn!(%target, bytes = self::size(&item.record), "the record was too large, and lost what is dispensable");
            }
            written => return written,
        }
    }
}

/// Drops what is dispensable until the record fits, and once at least; what is to be archived. `None` where nothing can go.
fn make_fit(record: &mut Service) -> Option<Vec<Deployment>> {
    let mut dropped = record.shrink()?;
    while size(record) > FITS
        && let Some(more) = record.shrink()
    {
        dropped.extend(more);
    }
    Some(dropped)
}

/// The bytes of a record as JSON, which is a little more than what DynamoDB counts.
fn size(record: &Service) -> usize {
    serde_json::to_vec(record).map_or(0, |json| json.len())
}
