//! The log: lines to standard output, which Lambda brings to CloudWatch Logs, as the function's logging configuration asks
//! for them.
//!
//! Lambda filters JSON lines by their level, and counts each one as `INFO` that lacks a valid `timestamp` or `level` at its
//! top ([documentation]). So every line needs both, and a panic is such a line, too: else Lambda would drop the errors first.
//!
//! [documentation]: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html

use std::{env, io, panic};

use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, error};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log. Level and form are the ones of Lambda's advanced logging controls, `AWS_LAMBDA_LOG_LEVEL` (`INFO` without
/// it) and `AWS_LAMBDA_LOG_FORMAT` (`JSON`, else text).
///
/// `lambda_runtime` has such a start of its own, whose filter by module brings a whole engine for regular expressions with it.
pub fn init() {
    let setting = |name| env::var(name).unwrap_or_default();
    let level = level(&setting("AWS_LAMBDA_LOG_LEVEL"));
    if setting("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") {
        json(level, io::stdout).init();
    } else {
        tracing_subscriber::fmt().with_target(false).without_time().with_max_level(level).init();
    }
    panic::set_hook(Box::new(|panic| error!("{panic}")));
}

/// Lines of JSON, with `timestamp` (RFC 3339) and `level` at their top.
fn json<W>(level: LevelFilter, to: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().json().with_target(false).with_max_level(level).with_writer(to).finish()
}

/// Lambda's word for a level; `FATAL`, which we have none of, shows errors.
fn level(word: &str) -> LevelFilter {
    match word.to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;
    use serde_json::Value;
    use tracing::{debug, info, info_span, warn};

    use super::*;

    #[test]
    fn lambda_s_levels_are_understood() {
        let levels = ["TRACE", "debug", "INFO", "WARN", "ERROR", "FATAL", "", "loud"].map(level);
        let (error, info) = (LevelFilter::ERROR, LevelFilter::INFO);
        let expected = [LevelFilter::TRACE, LevelFilter::DEBUG, info, LevelFilter::WARN, error, error, info, info];
        assert_eq!(levels, expected);
    }

    /// What is written, for a reader beside the log.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_line_has_a_timestamp_and_a_level_for_lambda_s_filter() {
        let written = Written::default();
        let to = written.clone();
        tracing::subscriber::with_default(json(LevelFilter::INFO, move || to.clone()), || {
            // A member of the line itself must not take the place of Lambda's.
            info!(level = "mine", timestamp = 1, "a plan");
            info_span!("invocation", level = "mine").in_scope(|| warn!("a warning"));
            error!("an error");
            debug!("left out");
        });
        let written = written.0.lock().unwrap();
        let lines: Vec<Value> =
            String::from_utf8_lossy(&written).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let levels: Vec<&str> = lines.iter().filter_map(|line| line["level"].as_str()).collect();
        assert_eq!(levels, ["INFO", "WARN", "ERROR"]);
        for line in &lines {
            assert!(line["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{line}");
        }
        assert_eq!(lines[2]["fields"]["message"], "an error");
    }
}
