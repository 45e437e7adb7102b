//! The track function's process: settings, clients, run.

use std::process::ExitCode;

use lambda_runtime::{run, service_fn};
use slipway_aws::{Aws, log};
use slipway_track::{Tracker, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::init();
    let settings = |name: &str| std::env::var(name).unwrap_or_default();
    let aws = Aws::from_environment().await;
    let tracker = match Tracker::new(aws, &settings("SLIPWAY_CONFIG"), &settings("SLIPWAY_TOPIC_ARN")).await {
        Ok(tracker) => tracker,
        Err(mistake) => {
            eprintln!("{mistake}");
            return ExitCode::FAILURE;
        }
    };
    let served = run(service_fn(|event| handle(&tracker, event))).await;
    served.inspect_err(|error| eprintln!("{error}")).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
