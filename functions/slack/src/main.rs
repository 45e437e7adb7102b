//! The slack function's process: settings, clients, run.

use std::process::ExitCode;

use lambda_runtime::{run, service_fn, tracing};
use slipway_aws::Aws;
use slipway_slack::{Poster, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing::init_default_subscriber();
    let setting = std::env::var("SLIPWAY_SLACK_WEBHOOK").unwrap_or_default();
    let poster = match Poster::new(Aws::from_environment().await, &setting).await {
        Ok(poster) => poster,
        Err(mistake) => {
            eprintln!("{mistake}");
            return ExitCode::FAILURE;
        }
    };
    let served = run(service_fn(|event| handle(&poster, event))).await;
    served.inspect_err(|error| eprintln!("{error}")).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
