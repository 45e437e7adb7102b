//! The slack function's process: settings, clients, run.

use std::process::ExitCode;

use lambda_runtime::{run, service_fn};
use slipway_aws::{Aws, log};
use slipway_slack::{Poster, Settings, handle};
use tracing::error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::init();
    let settings = match Settings::read(|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(mistake) => {
            error!("{mistake}");
            return ExitCode::FAILURE;
        }
    };
    let poster = Poster::new(Aws::from_environment().await, settings).await;
    let served = run(service_fn(|event| handle(&poster, event))).await;
    served.inspect_err(|failure| error!("{failure}")).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
