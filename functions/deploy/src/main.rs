//! The deploy function's process: settings, clients, run.

use std::process::ExitCode;

use lambda_runtime::{run, service_fn};
use slipway_aws::{Aws, log};
use slipway_deploy::{Deployer, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::init();
    let settings = |name: &str| std::env::var(name).unwrap_or_default();
    let aws = Aws::from_environment().await;
    let deployer = match Deployer::new(aws, &settings("SLIPWAY_CONFIG"), &settings("SLIPWAY_TOPIC_ARN")).await {
        Ok(deployer) => deployer,
        Err(mistake) => {
            eprintln!("{mistake}");
            return ExitCode::FAILURE;
        }
    };
    let served = run(service_fn(|event| handle(&deployer, event))).await;
    served.inspect_err(|error| eprintln!("{error}")).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
