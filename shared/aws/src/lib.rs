//! What Slipway asks of AWS: one service, one file, our words in and our words out.
//!
//! It is the engine's port ([`Cloud`](slipway_engine::Cloud)) on the AWS SDK. Nothing is decided here.

pub mod clients;

pub mod https;

pub(crate) mod error;

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

pub mod metric;

pub mod log;

mod port;

mod raw;

pub use clients::Aws;
pub use slipway_engine::{Error, ErrorKind};
