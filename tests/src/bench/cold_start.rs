//! What a cold start costs: time and CPU of init, CPU and memory with one deploy, and the zip, each beside a function that
//! does nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::authority::{Authority, Front};
use super::function::{Function, Usage};
use super::setup::{self, Families, TOPIC};
use super::table::Table;
use crate::world::World;

/// Mega is 10⁶ here, as Lambda's console counts a zip; memory is counted in MiB, as Lambda counts it.
const MEGABYTE: f64 = 1e6;
const MEBIBYTE: f64 = 1_048_576.0;

/// The binaries that are measured.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// Where the release build put them.
    pub directory: PathBuf,
}

/// The functions, and the one that does nothing.
const FUNCTIONS: [&str; 4] = ["empty_function", "deploy", "track", "slack"];

/// One cold start.
#[derive(Clone, Copy, Debug)]
struct Sample {
    init: Duration,
    usage: Usage,
}

/// World behind TLS: a port for each service, because AWS has a host for each, and each host costs a handshake.
struct Endpoints {
    world: World,
    fronts: Vec<(&'static str, Front)>,
    bundle: String,
}

impl Binaries {
    fn of(&self, function: &str) -> PathBuf {
        self.directory.join(function)
    }
}

/// Measures so many cold starts of each function, in turn, so that whatever else the machine does meets all of them.
pub async fn measure(binaries: &Binaries, authority: &Authority, starts: usize, table: &mut Table) {
    let mut inits: Vec<Vec<Sample>> = vec![Vec::new(); FUNCTIONS.len()];
    let mut deploys = Vec::new();
    // The first round fills the page cache, as Lambda has the code at hand, and isn't counted.
    for round in 0..=starts {
        for (samples, function) in inits.iter_mut().zip(FUNCTIONS) {
            let sample = init(binaries, authority, function).await;
            if round > 0 {
                samples.push(sample);
            }
        }
        let sample = deploy(binaries, authority).await;
        if round > 0 {
            deploys.push(sample);
        }
    }
    let [empty, ..] = inits.as_slice() else { return };
    let (empty_init, empty_cpu) = (median(empty, |sample| sample.init), median(empty, |sample| sample.usage.cpu));
    for (samples, function) in inits.iter().zip(FUNCTIONS) {
        let (init, cpu) = (median(samples, |sample| sample.init), median(samples, |sample| sample.usage.cpu));
        table.add(format!("{function}: init"), milliseconds(init));
        table.add(format!("{function}: CPU of a cold start"), milliseconds(cpu));
        if function != "empty_function" {
            table.aim(format!("{function}: init, to the empty function's"), ratio(init, empty_init), 4.0, " ×");
            table.add(
                format!("{function}: CPU of a cold start, to the empty function's"),
                format!("{:.2} ×", ratio(cpu, empty_cpu)),
            );
            let zip = deflated(&binaries.of(function)) as f64 / MEGABYTE;
            table.aim(format!("{function}: zip"), zip, 4.0, " MB");
        }
        table.add(format!("{function}: peak memory after init"), mebibytes(peak(samples)));
    }
    let cpu = median(&deploys, |sample| sample.usage.cpu);
    table.add("deploy: CPU of a cold start with one deploy", milliseconds(cpu));
    table.aim("deploy: the same, to the empty function's cold start", ratio(cpu, empty_cpu), 10.0, " ×");
    table.aim("deploy: peak memory after a deploy", peak(&deploys) as f64 / MEBIBYTE, 16.0, " MiB");
}

/// A start up to the first request for an invocation.
async fn init(binaries: &Binaries, authority: &Authority, name: &str) -> Sample {
    let endpoints = Endpoints::new(authority).await;
    let mut function = Function::start(name, &binaries.of(name), &endpoints.variables()).await;
    let init = function.ready().await;
    Sample { init, usage: function.end() }
}

/// A start, and a push that deploys to one service.
async fn deploy(binaries: &Binaries, authority: &Authority) -> Sample {
    let endpoints = Endpoints::new(authority).await;
    let mut function = Function::start("deploy", &binaries.of("deploy"), &endpoints.variables()).await;
    let init = function.ready().await;
    let answer = function.invoke(setup::push(&endpoints.world, "shop/web")).await;
    let calls = endpoints.world.take_calls();
    let updated = calls.iter().any(|call| call.name() == "ECS.UpdateService" && call.refused.is_none());
    assert!(updated, "the push did not deploy: {:#?}", answer.result);
    Sample { init, usage: function.end() }
}

impl Endpoints {
    async fn new(authority: &Authority) -> Self {
        let world = setup::world(1, Families::Shared).await;
        world.secure_parameter("/slipway/slack-webhook", "https://localhost/services/T0/B0/secret");
        let mut fronts = Vec::new();
        for service in ["ECS", "ECR", "SNS", "SSM", "S3", "DYNAMODB", "SCHEDULER"] {
            fronts.push((service, authority.front(world.url()).await));
        }
        Self { world, fronts, bundle: authority.bundle().display().to_string() }
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = self.addresses();
        variables.extend(setup::names(&self.world));
        variables
    }

    fn addresses(&self) -> Vec<(&'static str, String)> {
        let url = |service: &str| self.fronts.iter().find(|(of, _)| *of == service).map(|(_, front)| front.url());
        vec![
            ("SSL_CERT_FILE", self.bundle.clone()),
            ("AWS_ENDPOINT_URL_ECS", url("ECS").unwrap_or_default()),
            ("AWS_ENDPOINT_URL_ECR", url("ECR").unwrap_or_default()),
            ("AWS_ENDPOINT_URL_SNS", url("SNS").unwrap_or_default()),
            ("AWS_ENDPOINT_URL_SSM", url("SSM").unwrap_or_default()),
            ("AWS_ENDPOINT_URL_S3", url("S3").unwrap_or_default()),
            ("AWS_ENDPOINT_URL_DYNAMODB", url("DYNAMODB").unwrap_or_default()),
            ("AWS_ENDPOINT_URL_SCHEDULER", url("SCHEDULER").unwrap_or_default()),
            ("SLIPWAY_CONFIG", "ssm:/slipway/config".to_owned()),
            ("SLIPWAY_TOPIC_ARN", TOPIC.to_owned()),
            ("SLIPWAY_SLACK_WEBHOOK", "ssm:/slipway/slack-webhook".to_owned()),
            ("SLIPWAY_SLACK_REFUSED", "http://localhost/123456789012/slipway-slack-refused".to_owned()),
        ]
    }
}

/// The bytes of a binary as a zip with the best compression holds it; a zip's headers are 150 bytes more.
fn deflated(binary: &Path) -> usize {
    let bytes = std::fs::read(binary).unwrap_or_else(|error| panic!("reading {}: {error}", binary.display()));
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes).expect("memory takes all bytes");
    encoder.finish().expect("memory takes all bytes").len()
}

fn median(samples: &[Sample], of: impl Fn(&Sample) -> Duration) -> Duration {
    let mut values: Vec<Duration> = samples.iter().map(of).collect();
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn peak(samples: &[Sample]) -> u64 {
    samples.iter().map(|sample| sample.usage.peak_memory).max().unwrap_or_default()
}

fn ratio(value: Duration, to: Duration) -> f64 {
    value.as_secs_f64() / to.as_secs_f64()
}

fn milliseconds(value: Duration) -> String {
    format!("{:.2} ms", value.as_secs_f64() * 1e3)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / MEBIBYTE)
}
