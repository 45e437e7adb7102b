//! The one error of every AWS call: which call, on what, and whether a retry can help.

use std::fmt;
use std::sync::Arc;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use slipway_core::reason::Reason;

/// A call that AWS did not carry out, or of which we cannot know.
#[derive(Clone, Debug)]
pub struct Error {
    /// The call, `ECS.UpdateService`.
    pub call: &'static str,
    /// What it was about, `prod/web`.
    pub subject: String,
    /// What kind of trouble it is.
    pub kind: Kind,
    /// AWS's own code and words, or the network's.
    pub message: String,
    source: Arc<dyn std::error::Error + Send + Sync>,
}

/// What kind of trouble a call met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Too many calls; it was not carried out, and a later try can help.
    Throttled,
    /// The thing isn't there.
    NotFound,
    /// The function's role, or an organisation's policy, does not allow it.
    Denied,
    /// AWS won't do it, however often we ask.
    Rejected,
    /// No answer, or a server's fault: it may or may not have been carried out.
    Unreachable,
}

impl Kind {
    /// Whether another try, by us or by Lambda, can help.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Error {
    /// An error without an SDK's error behind it, such as an answer that lacks what AWS documents.
    pub fn new(call: &'static str, subject: impl Into<String>, kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { call, subject: subject.into(), kind, source: Arc::from(Box::from(message.clone())), message }
    }

    /// Sorts an SDK's error into our kinds by its code, which AWS documents per operation, and by its HTTP status.
    pub(crate) fn of<E>(call: &'static str, subject: impl Into<String>, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let kind = match &error {
            SdkError::ServiceError(context) => {
                kind_of_answer(context.err().code().unwrap_or_default(), context.raw().status().as_u16())
            }
            SdkError::ConstructionFailure(_) => Kind::Rejected,
            _ => Kind::Unreachable,
        };
        let message = match &error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or("error");
                match context.err().message() {
                    Some(message) if !message.is_empty() => format!("{code}: {message}"),
                    _ => format!("{code} (HTTP {})", context.raw().status().as_u16()),
                }
            }
            other => whole_chain(other),
        };
        Self { call, subject: subject.into(), kind, message, source: Arc::new(error) }
    }

    /// The same error, understood as another kind.
    pub(crate) fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same error, with more words.
    pub(crate) fn adding(self, words: &str) -> Self {
        Self { message: format!("{}; {words}", self.message), ..self }
    }

    /// The error as a reason that people are told.
    pub fn reason(&self) -> Reason {
        Reason::Aws {
            call: self.call.to_owned(),
            subject: self.subject.clone(),
            kind: self.kind.to_string(),
            message: self.message.clone(),
        }
    }

    /// What Lambda reports as the error's type, so that an alarm can match it: `ECS.UpdateService/Throttled`.
    pub fn error_type(&self) -> String {
        format!("{}/{}", self.call, self.kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.call, self.subject, self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// The codes that AWS's services use for throttling; ECS's own is not in its model.
const THROTTLED: [&str; 10] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "Throttled",
    "RequestLimitExceeded",
    "RequestThrottled",
    "TooManyRequestsException",
    "SlowDown",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
];

fn kind_of_answer(code: &str, status: u16) -> Kind {
    if THROTTLED.contains(&code) || status == 429 {
        Kind::Throttled
    } else if status >= 500 {
        Kind::Unreachable
    } else if code.contains("NotFound") || code.starts_with("NoSuch") || code == "ClusterNotFoundException" {
        Kind::NotFound
    } else if code.starts_with("AccessDenied") || matches!(code, "AuthorizationError" | "UnauthorizedException") {
        Kind::Denied
    } else if matches!(code, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired") {
        // Lambda renews the credentials of a new execution environment; the retry gets them.
        Kind::Unreachable
    } else {
        Kind::Rejected
    }
}

/// An error with every cause behind it: "dispatch failure" alone tells nobody anything.
fn whole_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_sorted_by_code_and_status() {
        assert_eq!(kind_of_answer("ThrottlingException", 400), Kind::Throttled);
        assert_eq!(kind_of_answer("ServerException", 500), Kind::Unreachable);
        assert_eq!(kind_of_answer("ImageNotFoundException", 400), Kind::NotFound);
        assert_eq!(kind_of_answer("AccessDeniedException", 400), Kind::Denied);
        assert_eq!(kind_of_answer("InvalidParameterException", 400), Kind::Rejected);
        assert_eq!(kind_of_answer("NoSuchKey", 404), Kind::NotFound);
    }
}
