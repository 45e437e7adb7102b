//! What Slipway asks of AWS: one service, one file, our words in and our words out.
//!
//! Nothing is decided here. [`execute`](execute::execute) carries out a plan's steps from top to bottom.

pub mod clients;

pub mod https;

pub mod error;

pub mod ecr;

pub mod ecs;

pub mod sns;

pub mod sqs;

pub mod ssm;

pub mod s3;

pub mod logs;

pub mod ledger;

pub mod scheduler;

pub mod clock;

pub mod document;

pub mod execute;

pub mod metric;

pub mod log;

mod pace;

mod raw;

pub use clients::Aws;
pub use error::{Error, Kind};
