//! The one error of the port: which call, about what, and whether another try can help.

use std::fmt;

use slipway_core::model::id::TargetName;
use slipway_core::model::reason::Reason;
use tracing::warn;

/// A call that was not carried out, or may not have been.
#[derive(Clone, Debug)]
pub struct Error {
    /// The call, `ECS.UpdateService`.
    pub call: &'static str,
    /// What it was about, `prod/web`.
    pub subject: String,
    /// What kind of trouble it is.
    pub kind: ErrorKind,
    /// AWS's own code and message, or the network's.
    pub message: String,
}

/// What kind of trouble a call met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Too many calls; it was not carried out, and a later try can help.
    Throttled,
    /// Something else is under way there; it was not carried out, and a later try can help.
    Conflict,
    /// The thing isn't there.
    NotFound,
    /// The function's role, or an organisation's policy, does not allow it.
    Denied,
    /// AWS won't do it, however often we ask.
    Rejected,
    /// What was to be written is too large.
    TooLarge,
    /// No answer, or a server's fault: it may or may not have been carried out.
    Unreachable,
}

impl ErrorKind {
    /// Whether another try, by us or by Lambda, can help.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Conflict | Self::Unreachable)
    }
}

impl Error {
    /// An error of a call.
    pub fn new(call: &'static str, subject: impl Into<String>, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { call, subject: subject.into(), kind, message: message.into() }
    }

    /// The same error, understood as another kind.
    pub fn of_kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// The same error, with more text.
    pub fn adding(self, text: &str) -> Self {
        Self { message: format!("{}; {text}", self.message), ..self }
    }

    /// The error as a reason that people read.
    pub fn reason(&self) -> Reason {
        Reason::Aws {
            call: self.call.to_owned(),
            subject: self.subject.clone(),
            kind: format!("{:?}", self.kind),
            message: self.message.clone(),
        }
    }

    /// What Lambda reports as the error's type, so that an alarm can match it: `ECS.UpdateService/Throttled`.
    pub fn error_type(&self) -> String {
        format!("{}/{:?}", self.call, self.kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.call, self.subject, self.message)
    }
}

impl std::error::Error for Error {}

/// What was read for a service, if it could be; an error that passes is tried again.
pub(crate) fn optional<T>(target: &TargetName, read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind.is_passing() => Err(error),
        Err(error) => {
            warn!(%error, %target, "left out, because it could not be read");
            Ok(None)
        }
    }
}
