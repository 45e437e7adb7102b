//! What Slipway asks of AWS: one service a file, in Slipway's own types.
//!
//! It is the engine's port ([`Cloud`](slipway_engine::Cloud)) on the AWS SDK. Nothing is decided here.

pub mod clients;
pub mod clock;
pub mod codedeploy;
pub mod ecr;
pub mod ecs;
pub mod https;
pub mod ledger;
pub mod log;
pub mod logs;
pub mod metric;
pub mod s3;
pub mod scheduler;
pub mod sns;
pub mod sqs;
pub mod ssm;

mod error;
mod port;
mod raw;

pub use clients::{Aws, engine};
pub use slipway_engine::{Error, ErrorKind};
