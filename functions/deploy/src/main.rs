//! The deploy function's process: settings, clients, run.

use std::process::ExitCode;

use lambda_runtime::{run, service_fn};
use slipway_aws::{engine, log};
use slipway_deploy::handle;
use tracing::error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::init();
    let engine = match engine().await {
        Ok(engine) => engine,
        Err(mistake) => {
            error!("{mistake}");
            return ExitCode::FAILURE;
        }
    };
    let served = run(service_fn(|event| handle(&engine, event))).await;
    served.inspect_err(|failure| error!("{failure}")).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
