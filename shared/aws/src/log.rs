//! The log: lines to standard output, which Lambda brings to CloudWatch Logs, as the function's logging configuration asks
//! for them.

use std::env;

use tracing::level_filters::LevelFilter;

/// Starts the log. Level and form are the ones of Lambda's advanced logging controls, `AWS_LAMBDA_LOG_LEVEL` (`INFO` without
/// it) and `AWS_LAMBDA_LOG_FORMAT` (`JSON`, else text).
///
/// `lambda_runtime` has such a start of its own, whose filter by module brings a whole engine for regular expressions with it.
pub fn init() {
    let setting = |name| env::var(name).unwrap_or_default();
    let lines = tracing_subscriber::fmt()
        .with_target(false)
        .without_time()
        .with_max_level(level(&setting("AWS_LAMBDA_LOG_LEVEL")));
    if setting("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") {
        lines.json().init();
    } else {
        lines.init();
    }
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
    use super::*;

    #[test]
    fn lambda_s_levels_are_understood() {
        let levels = ["TRACE", "debug", "INFO", "WARN", "ERROR", "FATAL", "", "loud"].map(level);
        let (error, info) = (LevelFilter::ERROR, LevelFilter::INFO);
        let expected = [LevelFilter::TRACE, LevelFilter::DEBUG, info, LevelFilter::WARN, error, error, info, info];
        assert_eq!(levels, expected);
    }
}
