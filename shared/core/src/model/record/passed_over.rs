//! A known-good revision that a rollback could not go to, and why: what the record, a plan and a notice say of it.

use serde::{Deserialize, Serialize};

/// A known-good revision that cannot be gone back to now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The revision, `web:41`.
    pub revision: String,
    /// Why.
    pub because: Unusable,
}

/// Why a revision cannot be gone back to; an image is `shop/web@sha256:…`, or `shop/web:1.4.2` where only its tag is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// It can no longer be read.
    RevisionGone,
    /// The registry no longer has this image of it.
    ImageGone(String),
    /// This image of it is archived in ECR.
    ImageArchived(String),
    /// ECR is restoring this image of it from its archive.
    ImageRestoring(String),
}
