//! Tells people: one notice for each target that was updated, or that a person has to mend.

use futures_util::future::join_all;
use slipway_aws::Aws;
use slipway_core::config::{Mistakes, Source};
use slipway_core::id::{EventId, Home};
use slipway_core::notice::Notice;
use slipway_core::reason::Reason;

use crate::{Ending, Failure};

/// What is told, to whom, about what.
pub(crate) struct Tidings<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) topic: &'a str,
    pub(crate) home: &'a Home,
    pub(crate) event: &'a EventId,
}
impl Tidings<'_> {
    pub(crate) async fn tell(&self, _endings: &[Ending], _request: &str) -> Result<(), Failure> { todo!() }
    pub(crate) async fn unreadable(&self, _s: &Source, _r: &Reason) -> Result<(), Failure> { todo!() }
    pub(crate) async fn mistakes(&self, _s: &Source, _r: &Mistakes) -> Result<(), Failure> { todo!() }
}
